"""The mirror as a process of its own, and what any of them is doing."""

from __future__ import annotations

import logging
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer

from registry.cli import output
from registry.cli.common import JsonFlag
from registry.cli.output import named_refusals
from registry.cli.running import WATCH_SECONDS, terminable
from registry.domain.calendar import instant
from registry.domain.identifiers import format_receivable_id
from registry.errors import ServiceError
from registry.observe import configure_logging
from registry.settings import settings
from registry.terminal import safe

if TYPE_CHECKING:
    from registry.commands.services import Services
    from registry.mirror.follower import Step

log = logging.getLogger(__name__)

app = typer.Typer()
mirror = typer.Typer(
    help="Follow the chain into the database, or see who does. Alone: follow, or wait to take over from one that does.",
    invoke_without_command=True,
)


@mirror.callback()
@named_refusals
def follow(
    context: typer.Context,
    *,
    once: Annotated[bool, typer.Option("--once", help="End when the mirror has caught up.")] = False,
    json_output: JsonFlag = False,
) -> None:
    """Follow the chain into the database, with progress, or wait to take over from the one that does."""
    if context.invoked_subcommand is not None:
        return
    from registry.commands.home import AlreadyRunning
    from registry.commands.services import open_services

    with terminable(), open_services(settings()) as services:
        if services.running is not None and (once or services.running.owns_services):
            raise AlreadyRunning(f"process {services.running.pid} mirrors this registry already")
        if once:
            _catch_up(services, json_output=json_output)
        else:
            configure_logging(json_lines=json_output or not sys.stderr.isatty(), level=logging.INFO)
            _follow(services)


def _catch_up(services: Services, *, json_output: bool) -> None:
    """Take what there is. Raises NothingMirrored where another mirror writes, which has not taken anything yet."""
    from registry.mirror.follower import Move
    from registry.mirror.rebuild import NothingMirrored

    steps: list[Step] = []

    def progress(step: Step) -> None:
        steps.append(step)
        if step.move is Move.ADVANCED and not json_output:
            output.note(_advanced(step))

    cursor = services.catch_up(progress=progress)
    if cursor is None:
        raise NothingMirrored("another mirror writes to this database")
    if not steps:
        output.note("another mirror writes to this database, and this is how far it is")
    if json_output:
        output.document({"block": cursor.number, "hash": cursor.hash})
    else:
        output.console.print(f"mirrored to block {cursor.number}")


def _follow(services: Services) -> None:
    """Follow until Ctrl-C or SIGTERM. Raises ServiceEnded when the own chain or database goes away."""
    from registry.commands.services import following
    from registry.mirror.follower import Move
    from registry.mirror.metrics import METRICS

    last: Move | None = None

    def progress(step: Step) -> None:
        nonlocal last
        # Reorgs and what was mended the mirror logs itself; a block in which nothing was done is no news.
        if step.move is Move.ADVANCED and step.entries:
            log.info("mirror: %s", _advanced(step), extra={"block": step.cursor.number, "entries": step.entries})
        elif step.move is Move.BEHIND and last is not Move.BEHIND:
            log.warning(
                "mirror: the node is at block %d and lacks block %d, which is mirrored: waiting for it",
                step.head,
                step.cursor.number,
            )
        last = step.move

    if (port := settings().metrics_port) is not None:
        try:
            METRICS.serve(port)
        except OSError as error:
            raise ServiceError(f"COUNTERFOIL_METRICS_PORT: {port} cannot be listened at: {error.strerror}") from error
    log.info(
        "mirror: from chain %d at %s into %s; Ctrl-C ends it",
        services.node.chain_id,
        services.node.describe(),
        services.database.describe(),
    )
    with suppress(KeyboardInterrupt), following(services, on_step=progress):
        while True:
            time.sleep(WATCH_SECONDS)
            services.require_alive()


def _advanced(step: Step) -> str:
    return f"block {step.cursor.number} of {step.head}" + (f", {step.entries} entries" if step.entries else "")


@mirror.command()
@named_refusals
def status(*, json_output: JsonFlag = False) -> None:
    """Who mirrors, how far it is, what is final, what is set aside, when it was last compared with the chain.

    Read from the database: also while the node does not answer.
    """
    from registry.commands.home import database_only
    from registry.store.queries import health

    with database_only(settings()) as database, database.snapshot() as connection:
        cursor = health.cursor(connection)
        mirrors = health.mirrors(connection)
        aside = health.set_aside(connection)
        last = health.last_reconciliation(connection)
    head = _node_block()
    found: dict[str, Any] = {
        "writes": next((one.name for one in mirrors if one.leads), None),
        "waiting": [one.name for one in mirrors if not one.leads],
        "node_block": head,
        "block": None if cursor is None else cursor.block_number,
        "block_hash": None if cursor is None else cursor.block_hash,
        "lag_blocks": None if cursor is None or head is None else max(0, head - cursor.block_number),
        "finality": None if cursor is None else cursor.finality,
        "safe_block": None if cursor is None else cursor.safe_block,
        "finalized_block": None if cursor is None else cursor.finalized_block,
        "checked_block": None if cursor is None else cursor.checked_block,
        "set_aside": [
            {
                "journal": format_receivable_id(one.journal_id),
                "block": one.block_number,
                "since": instant(int(one.since.timestamp())),
                "reason": one.reason,
            }
            for one in aside
        ],
        "reconciled_block": None if last is None else last.block_number,
        "reconciled_at": None if last is None else instant(int(last.finished_at.timestamp())),
        "differences": None if last is None else len(last.differences),
    }
    if json_output:
        output.document(found)
        return
    shown = {name: "-" if value is None else value for name, value in found.items()} | {
        "writes": found["writes"] or "nobody",
        "waiting": ", ".join(found["waiting"]) or "none",
        "node_block": "does not answer" if head is None else head,
        "block_hash": "-" if cursor is None else f"0x{cursor.block_hash.hex()}",
        "set_aside": ", ".join(one["journal"] for one in found["set_aside"]) or "none",
    }
    output.facts((name.replace("_", " "), value) for name, value in shown.items())
    for one in found["set_aside"]:
        output.console.print(safe(f"{one['journal']} since {one['since']}, at block {one['block']}: {one['reason']}"))


def _node_block() -> int | None:
    """The newest block of the node that the settings or the owner of the home name; None where none answers."""
    from registry.chain.rpc import Node, NodeUnreachable, RpcFailed
    from registry.commands.home import Running

    urls = settings().rpc_urls
    if not urls and (running := Running.find(settings().home)) is not None and running.rpc_url is not None:
        urls = (running.rpc_url,)
    try:
        return Node(*urls).head() if urls else None
    except (NodeUnreachable, RpcFailed):
        return None


app.add_typer(mirror, name="mirror", rich_help_panel="Running")
