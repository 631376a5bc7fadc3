"""What runs: demo, serve, mirror, stop, status."""

from __future__ import annotations

import functools
import logging
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer

from registry.cli import output
from registry.cli.certificates import Traced
from registry.cli.common import JsonFlag
from registry.cli.output import EXIT_REFUSED, named_refusals
from registry.domain.calendar import instant
from registry.domain.identifiers import format_address
from registry.errors import Refusal, ServiceError
from registry.observe import configure_logging
from registry.settings import settings
from registry.terminal import safe

if TYPE_CHECKING:
    from registry.commands.demo import Summary
    from registry.commands.services import Services
    from registry.mirror.follower import Step

T = TypeVar("T")

app = typer.Typer()
command = functools.partial(app.command, rich_help_panel="Running")

PortOption = Annotated[int | None, typer.Option(help="Port of the API; another one if it is taken.", min=0, max=65535)]

WATCH_SECONDS = 0.2


@command()
@named_refusals
def demo(
    *,
    invoices: Annotated[
        Path | None, typer.Option(help="Folder of invoice files, read recursively; without it our own samples.")
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="End when all is done instead of serving.")] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Forget the dev chain and database of the home first.")
    ] = False,
    port: PortOption = None,
    json_output: JsonFlag = False,
) -> None:
    """Walk invoices through the whole registry: chain, members, certificates, mirror, provenance; then serve."""
    from registry.commands import demo as demonstration
    from registry.commands.services import following, owned, wipe

    # People are told by the lines below; the log would say it all twice.
    configure_logging(json_lines=False, level=logging.ERROR)
    folder = invoices or demonstration.SAMPLES
    if not folder.is_dir():
        raise typer.BadParameter(f"{folder} is not a folder", param_hint="--invoices")
    if not demonstration.invoice_files(folder):
        raise typer.BadParameter(f"{folder} holds no .xml or .pdf file", param_hint="--invoices")
    if fresh:
        wipe(settings().home)

    def say(line: str) -> None:
        if not json_output:
            output.console.print(line)

    with terminable(), _listening(port) as listener:
        url = None if once else f"http://127.0.0.1:{listener.getsockname()[1]}"
        say(f"[bold]Starting[/] the dev chain and PostgreSQL in {settings().home}")
        with owned(settings(), api_url=url) as services:
            for notice in services.notices:
                output.note(f"[yellow]note[/]: {safe(notice)}")
            say(f"  chain {services.node.chain_id} at {services.node.describe()}")
            say(f"  database {services.database.describe()}")
            with following(services, on_step=_report_rewind):
                summary = _with_cause(services, lambda: demonstration.run(services, folder=folder, say=say))
                if json_output:
                    _print_summary_document(services, summary)
                else:
                    _print_summary(services, summary)
                if summary.report is None or summary.report.count:
                    raise typer.Exit(EXIT_REFUSED)
                if url is not None:
                    _serve(services, listener, lambda: None if json_output else _print_ready(summary, url))


@command()
@named_refusals
def serve(
    *,
    port: PortOption = None,
) -> None:
    """Run the registry of the home folder: dev chain and PostgreSQL unless others are named, mirror, API."""
    from registry.commands.services import following, owned

    configure_logging(json_lines=not sys.stderr.isatty(), level=logging.WARNING)
    with terminable(), _listening(port) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with owned(settings(), api_url=url) as services:
            for notice in services.notices:
                output.note(f"[yellow]note[/]: {safe(notice)}")
            if listener.getsockname()[1] != (settings().api_port if port is None else port):
                output.note("the port is taken by somebody else; another one is used")
            with following(services):
                _serve(
                    services, listener, lambda: output.console.print(f"[bold green]ready[/] {url}  (Ctrl-C ends it)")
                )


@command()
@named_refusals
def stop(*, json_output: JsonFlag = False) -> None:
    """End the demo or serve that runs in the home folder."""
    from registry.commands.home import stop_running

    pid = stop_running(settings().home)
    if json_output:
        output.document({"stopped": pid})
    else:
        output.console.print(f"process {pid} has ended")


@command()
@named_refusals
def status(*, json_output: JsonFlag = False) -> None:
    """What runs, how far the mirror is, what the registry holds."""
    from registry.commands.services import open_services
    from registry.store.queries import health

    with open_services(settings()) as services:
        head = services.node.head()
        with services.database.snapshot() as connection:
            cursor = health.cursor(connection)
            counts = health.counts(connection)
            last = health.last_reconciliation(connection)
        running = services.running
        found: dict[str, Any] = {
            "home": str(services.home),
            "running": None if running is None else running.pid,
            "api": None if running is None else running.api_url,
            "chain": services.node.chain_id,
            # A node that this very command started is gone before anybody reads its address.
            "node": services.node.describe() if services.chain is None else None,
            "contract": format_address(services.deployment.receivables),
            "head_block": head,
            "mirrored_block": None if cursor is None else cursor.block_number,
            "receivables": {kind.name.lower(): number for kind, number in counts.receivables_by_status.items()},
            "certificates": counts.certificates,
            "members": {kind.name.lower(): number for kind, number in counts.members_by_status.items()},
            "entries": counts.entries,
            "last_reconciliation": None
            if last is None
            else {
                "block": last.block_number,
                "deep": last.deep,
                "differences": len(last.differences),
                "finished_at": instant(int(last.finished_at.timestamp())),
            },
        }
        if json_output:
            output.document(found)
        else:
            output.facts((name.replace("_", " "), _flat(value)) for name, value in found.items())


# ---------------------------------------------------------------- internal


@contextmanager
def terminable() -> Iterator[None]:
    """SIGTERM (`counterfoil stop`) ends the command as Ctrl-C does: in order, with exit code 0 where it serves."""

    def end(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _listening(port: int | None) -> Iterator[socket.socket]:
    """A listening loopback socket: the port asked for, or any free one where somebody else has it.

    It listens before anything starts, so that the URL that others are told is ours from then on: two that have merely
    bound a port both believe it theirs. Who connects early waits for the API.
    """
    wanted = settings().api_port if port is None else port
    try:
        listener = socket.create_server(("127.0.0.1", wanted))
    except OSError:
        listener = socket.create_server(("127.0.0.1", 0))
    with listener:
        yield listener


def _serve(services: Services, listener: socket.socket, ready: Callable[[], object]) -> None:
    """Serve the API until Ctrl-C or SIGTERM. Raises ServiceEnded when the own chain or database goes away."""
    from registry.serving import Server

    # The API is another layer: it is named, not imported, and finds the services by what `owned` left in the home.
    server = Server("api.app:create_app")
    ended: list[Refusal] = []
    done = threading.Event()

    def watch() -> None:
        announced = False
        while not done.wait(WATCH_SECONDS):
            if server.started and not announced:
                announced = True
                ready()
            try:
                # Not whether they answer, which costs them work and which they cannot when the machine is busy.
                services.require_alive()
            except Refusal as refusal:
                ended.append(refusal)
                server.should_exit = True
                return

    watcher = threading.Thread(target=watch, name="watch", daemon=True)
    watcher.start()
    try:
        server.run(sockets=[listener])
    except KeyboardInterrupt:
        pass
    finally:
        done.set()
        watcher.join()
    if ended:
        raise ended[0]
    if not server.started:
        raise ServiceError("the API did not start; its log is above")


def _with_cause(services: Services, act: Callable[[], T]) -> T:
    """Where a service fails because ours has ended, say that instead of what it looked like from a client."""
    try:
        return act()
    except ServiceError:
        # Who no longer answers is about to be seen as ended.
        services.require_alive(answering=True)
        raise


def _report_rewind(step: Step) -> None:
    if step.move == "rewound":
        output.note(
            f"[yellow]mirror[/]: the chain lost {step.depth} blocks with {step.entries} entries; "
            f"the mirror is back at block {step.cursor.number} and goes on from there"
        )
        for name in step.undone:
            output.note(f"  undone: {name}")
        if len(step.undone) < step.entries:
            output.note(f"  and {step.entries - len(step.undone)} more")


def _print_summary_document(services: Services, summary: Summary) -> None:
    from registry.cli import views

    steps: list[dict[str, Any]] = []
    if summary.traced is not None:
        with services.database.snapshot() as connection:
            steps = Traced.of(summary.traced, connection).document()["steps"]
    output.document(views.summary_document(summary, steps))


def _print_summary(services: Services, summary: Summary) -> None:
    from registry.cli import views

    report = summary.report
    if report is not None:
        for difference in report.differences:
            output.console.print(f"  [red]{safe(difference)}[/]")
        output.console.print("  " + views.outcome(report))
    closing = summary.money.closing
    if closing is not None:
        paid_of = f"{closing.paid} that were paid of R-{closing.receivable_id}"
        output.console.print(f"[bold]Claims[/] on the {paid_of}, before and after its close")
        output.console.print(output.table(views.CLOSING_COLUMNS, views.closing_rows(closing), nothing=""))
    if summary.money.cash:
        output.console.print("[bold]Cash[/] of each holder: deposits at the settlement bank")
        output.console.print(output.table(views.CASH_COLUMNS, views.cash_rows(summary.money.cash), nothing=""))
    if summary.traced is not None:
        output.console.print("[bold]Provenance[/] of one certificate")
        with services.database.snapshot() as connection:
            output.console.print(Traced.of(summary.traced, connection).tree())


def _print_ready(summary: Summary, url: str) -> None:
    print_ = output.console.print
    print_(f"[bold green]ready[/] {url}")
    if summary.traced is not None:
        receivable = f"R-{summary.traced.receivable_id}"
        print_(f"  {url}/v1/receivables")
        print_(f"  {url}/v1/receivables/{receivable}")
        print_(f"  {url}/v1/certificates/{summary.traced}/provenance")
        print_(f"  {url}/ready")
        print_("In a second terminal:")
        command = "counterfoil" if sys.argv[0] == "counterfoil" else _shown_command()
        for line in (
            "status",
            "member list",
            f"show {receivable}",
            f"trace {summary.traced}",
            "reconcile --deep",
            "rebuild",
            "psql",
        ):
            print_(f"  {command} {line}")
        if summary.pending is not None:
            print_(f"  {command} inbox --as {summary.pending_debtor}")
            print_(f"  {command} confirm R-{summary.pending} --as {summary.pending_debtor}")
    print_("Ctrl-C ends it; the same command goes on from here.")


def _shown_command() -> str:
    """How this program was called, as short as it can be typed here."""
    called = Path(sys.argv[0])
    try:
        return str(called.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(called)


def _flat(value: object) -> object:
    if isinstance(value, dict):
        return ", ".join(f"{name.replace('_', ' ')} {part}" for name, part in value.items()) or "none"
    return "-" if value is None else value
