"""The API on a real socket, over a real chain, database and mirror."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

import httpx
import pytest
from sqlalchemy import event

from api.app import create_app
from api.deps import Services
from registry.chain.rpc import Node
from registry.mirror.follower import Follower
from registry.serving import Server
from registry.settings import Settings
from registry.store.database import Database
from registry.store.embedded import EmbeddedPostgres
from registry.store.tables import invoice, party, trade_document
from tests.api.openapi_check import problems
from tests.conftest import empty_database
from tests.scene import BANK, BUYER, DOCUMENT, SELLER, Scene

START_SECONDS_MAX = 60
"""A machine with other work takes its time; one that hangs is told apart all the same."""


class Floated(AssertionError):
    """A JSON number with a fraction or an exponent."""


def _no_float(text: str) -> Decimal:
    raise Floated(text)


@dataclass
class Api:
    """A running API: what it works with, and a client that refuses floats."""

    services: Services
    client: httpx.Client
    scene: Scene
    statements: list[str] = field(default_factory=list)

    def get(self, path: str, *, status: int = 200, **more: Any) -> dict[str, Any]:
        answer = self.client.get(path, **more)
        assert answer.status_code == status, answer.text
        kind = "application/json" if status == 200 else "application/problem+json"
        assert answer.headers["content-type"] == kind
        body: dict[str, Any] = json.loads(answer.content, parse_float=_no_float)
        if status != 200:
            assert body["status"] == status
            assert body["type"] == "urn:counterfoil:problem:" + body["code"]
        return body

    def post(
        self, path: str, document: Any, *, status: int = 200, key: str | None = "key-1", **headers: str
    ) -> dict[str, Any]:
        """An answer as the description says it; `replayed` is what its header tells."""
        given = {} if key is None else {"Idempotency-Key": key}
        answer = self.client.post(path, json=document, headers={**given, **headers})
        assert answer.status_code == status, answer.text
        found: dict[str, Any] = json.loads(answer.content, parse_float=_no_float)
        described = self.get("/openapi.json")
        schema = {"$ref": "#/components/schemas/Problem"}
        if status == 200:
            operation = described["paths"][path.partition("?")[0]]["post"]
            schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
        assert problems(described, schema, found) == []
        return {**found, "replayed": answer.headers.get("idempotent-replayed")}

    def problem(self, path: str, *, status: int, code: str, **more: Any) -> dict[str, Any]:
        found = self.get(path, status=status, **more)
        assert found["code"] == code, found
        return found

    def walk(self, path: str, *, each_page: Callable[[int], None] = lambda _: None) -> list[dict[str, Any]]:
        """The items of all pages."""
        items: list[dict[str, Any]] = []
        link: str | None = path
        pages = 0
        while link is not None:
            page = self.get(link)
            items += page["items"]
            link = page["next"]
            pages += 1
            each_page(pages)
        return items

    def mirror(self) -> None:
        deployment = self.services.deployment
        Follower(
            self.services.database,
            self.services.node,
            contract=deployment.receivables,
            first_block=deployment.block_number,
            owns_chain=True,
        ).catch_up()

    def know(self) -> None:
        """Names, invoices and documents off chain: of the seller, the buyer and the bank, and of R-1."""
        scene = self.scene
        people = {SELLER: ("seller", "Seller GmbH"), BUYER: ("buyer", "买方有限公司"), BANK: ("bank", "Bank AG")}
        with self.services.database.write() as connection:
            for person, (handle, name) in people.items():
                connection.execute(
                    party.insert().values(address=scene.address(person), handle=handle, name=name, identity=handle)
                )
            connection.execute(trade_document.insert().values(document=DOCUMENT, file_name="order.pdf", bytes=1))
            terms, _ = scene.claims[1]
            connection.execute(
                invoice.insert().values(
                    document_root=terms.claim.document_root,
                    fingerprint=terms.claim.fingerprint,
                    originator=scene.address(SELLER),
                    debtor=scene.address(BUYER),
                    number="2026-0815",
                    number_key="226815",
                    type_code="380",
                    format="ubl",
                    issue_date="2026-01-02",
                    due_date=None,
                    currency=978,
                    payable_minor=100_000,
                    file_name="invoice.xml",
                    file_sha256=bytes(32),
                    fields=[],
                )
            )

    def count(self, path: str) -> int:
        """SQL statements that one request takes."""
        self.statements.clear()
        self.get(path)
        return len(self.statements)


def serving(services: Services | None) -> Iterator[str]:
    """Base URL of the API on a free port."""
    server = Server(lambda: create_app(services))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + START_SECONDS_MAX
    while not server.started:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture
def services(scene: Scene, database: Database, tmp_path: Path) -> Services:
    return Services(database, scene.node, scene.deployment, Settings(home=tmp_path, ready_lag_blocks_max=3))


@pytest.fixture
def api(services: Services, scene: Scene) -> Iterator[Api]:
    """The API over an empty mirror: act in the scene, then `mirror()`."""
    with opened(services, scene) as found:
        yield found


RELAYER = 200
"""The dev account that pays for what others signed."""


class Opening(Protocol):
    """Opens an API over a registry and a database of its own, for the tests of a file to share."""

    def __call__(self, *, relays: bool = False) -> AbstractContextManager[Api]: ...


@pytest.fixture(scope="module")
def opening(node: Node, postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Opening:
    @contextmanager
    def open_one(*, relays: bool = False) -> Iterator[Api]:
        with empty_database(postgres) as database:
            scene = Scene.open(node)
            settings = Settings(home=tmp_path_factory.mktemp("home"), relayer=f"dev{RELAYER}" if relays else None)
            if relays:
                endow(node)
            with opened(Services(database, node, scene.deployment, settings), scene) as found:
                yield found

    return open_one


@pytest.fixture(scope="module")
def still(opening: Opening) -> Iterator[Api]:
    """A registry in which nothing has happened, for tests that change nothing either."""
    with opening() as found:
        found.mirror()
        yield found


def endow(node: Node) -> None:
    """Coins for the gas of the relayer."""
    node.request("anvil_setBalance", Scene.address(RELAYER).hex(), hex(10**20))


@contextmanager
def opened(services: Services, scene: Scene) -> Iterator[Api]:
    """The API, served."""
    running = serving(services)
    with httpx.Client(base_url=next(running), timeout=30) as client:
        found = Api(services, client, scene)

        def note(*arguments: Any) -> None:
            found.statements.append(arguments[2])

        event.listen(services.database.engine, "before_cursor_execute", note)
        yield found
    next(running, None)
