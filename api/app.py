"""The application: `uvicorn --factory api.app:create_app`, or `serve`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

import uvicorn
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from api import errors, openapi
from api.deps import EXPORT_READS_MAX, Services, commands_of
from api.guard import LoopbackMiddleware, require_loopback
from api.head import HeadMiddleware
from api.observing import MirrorCollector, ObserveMiddleware
from api.routes import (
    certificates,
    debts,
    dishonours,
    documents,
    health,
    members,
    operations,
    orders,
    permits,
    proofs,
    quotes,
    receivables,
    redemptions,
    registry,
)
from registry.commands.relaying import open_relayer
from registry.commands.services import open_services
from registry.errors import Refusal
from registry.observe import Metrics
from registry.settings import settings

SHUTDOWN_SECONDS = 5

log = logging.getLogger(__name__)


def create_app(services: Services | None = None) -> FastAPI:
    """The API over these services, or over those of the home folder that the settings name.

    The latter are looked up when the application starts, and whatever had to be started for it ends with it. The key of
    the relayer is opened then too: whoever starts it may be asked for a password, and is told if it does not open.

    There is no page at /docs: the one that FastAPI brings loads its scripts from another site, which does not work
    without the internet and would let that site's script read what is here. /openapi.json opens in any viewer.
    """
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        if services is not None:
            await _open_relayer(app, services)
            yield
            return
        # Opening waits for processes and migrates: blocking work, which belongs in a thread.
        opening = open_services(settings())
        opened = await run_in_threadpool(opening.__enter__)
        try:
            found = Services(opened.database, opened.node, opened.deployment, settings())
            await _open_relayer(app, found)
            _attach(app, found, metrics)
            yield
        finally:
            await run_in_threadpool(opening.__exit__, None, None, None)

    app = FastAPI(
        title="Counterfoil",
        version=version("counterfoil"),
        description=openapi.DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        openapi_tags=[
            {"name": "Receivables", "description": "Claims on debtors."},
            {"name": "Certificates", "description": "Ranges of confirmed receivables, each with one holder."},
            {"name": "Members", "description": "Who was admitted to the registry, and what each has before it."},
            {"name": "Operations", "description": "What members signed, to be submitted; what anyone may ask for."},
            {"name": "Quotes", "description": "Offers of financiers, sealed: who has the document can use it."},
            {"name": "Documents", "description": "Invoice files."},
            {"name": "Verification", "description": "Proofs, and what this server itself makes of them."},
            {"name": "Orders", "description": "Orders of authorities and what they freeze."},
            {"name": "Registry", "description": "The registry's own switches, parameters and journal."},
            {"name": "Service", "description": "The service itself."},
        ],
    )
    app.state.metrics = metrics
    app.state.export_reads = asyncio.Semaphore(EXPORT_READS_MAX)
    if services is not None:
        _attach(app, services, metrics)
    nouns = (
        receivables, certificates, proofs, debts, members, operations, permits, redemptions, dishonours, quotes,
        documents, orders, registry, health,
    )  # fmt: skip
    for noun in nouns:
        app.include_router(noun.router)
    errors.install(app)
    openapi.install(app)
    # The last one added is the first one asked: strangers are refused before anything else looks at them.
    app.add_middleware(HeadMiddleware)
    app.add_middleware(ObserveMiddleware, metrics=metrics)
    app.add_middleware(LoopbackMiddleware)
    return app


def serve(*, host: str = "127.0.0.1", port: int | None = None, services: Services | None = None) -> None:
    """Run the API until it is told to end. `port` defaults to the setting. Raises LoopbackOnly."""
    require_loopback(host)
    uvicorn.run(
        lambda: create_app(services),
        factory=True,
        host=host,
        port=settings().api_port if port is None else port,
        # Headers that name another peer would get around the guard; there is no proxy in front of a loopback address.
        proxy_headers=False,
        server_header=False,
        access_log=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        log_config=None,
    )


async def _open_relayer(app: FastAPI, services: Services) -> None:
    name = services.settings.relayer
    try:
        # A keystore takes a second of work, a password at the terminal as long as it takes.
        app.state.relayer = None if name is None else await run_in_threadpool(open_relayer, commands_of(services), name)
    except Refusal as refusal:
        # The server tells of a start that failed by a traceback alone.
        log.error("the API does not start: %s: %s", refusal.code, refusal)
        raise


def _attach(app: FastAPI, services: Services, metrics: Metrics) -> None:
    app.state.services = services
    metrics.registry.register(MirrorCollector(services))
