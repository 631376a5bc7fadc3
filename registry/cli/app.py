"""The commands of `counterfoil`, one function each: parse, call one use case, print."""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer

from registry.cli import output
from registry.cli.output import EXIT_REFUSED, named_refusals
from registry.errors import Refusal, ServiceError
from registry.observe import configure_logging
from registry.settings import settings

if TYPE_CHECKING:
    from rich.tree import Tree

    from registry.commands.demo import Summary
    from registry.commands.operations import Done
    from registry.commands.services import Services
    from registry.domain.identifiers import Address, CertificateId
    from registry.mirror.follower import Step
    from registry.mirror.reconcile import Report
    from registry.store.queries.entries import ProvenanceRow
    from registry.store.queries.invoices import InvoiceRow
    from registry.store.queries.receivables import ReceivableRow

_T = TypeVar("_T")

app = typer.Typer(
    help="Counterfoil: confirmed receivables as certificates that split to the cent.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
member_app = typer.Typer(help="Members: admit, suspend, list.", no_args_is_help=True)
app.add_typer(member_app, name="member")

JsonFlag = Annotated[bool, typer.Option("--json", help="One JSON document instead of tables.")]
As = Annotated[str, typer.Option("--as", help="Who acts: a handle, a keystore, an address, operator, or dev0, dev1, …")]
ReceivableArgument = Annotated[str, typer.Argument(metavar="R-1", help="A receivable.")]
CertificateArgument = Annotated[str, typer.Argument(metavar="R-1/0-5000", help="A certificate, range in minor units.")]
DocumentOption = Annotated[
    str | None, typer.Option("--document", help="The trade document behind it: a file, or its hash as 0x….")
]
PortOption = Annotated[int | None, typer.Option(help="Port of the API; another one if it is taken.", min=0, max=65535)]

SHUTDOWN_SECONDS_MAX = 5
WATCH_SECONDS = 0.2


class RoleName(StrEnum):
    """Roles by the names that --role takes."""

    SUPPLIER = "supplier"
    DEBTOR = "debtor"
    FINANCIER = "financier"


class PartyOfInvoice(StrEnum):
    """Which party of an invoice --party means."""

    SELLER = "seller"
    BUYER = "buyer"


class RefusalReasonName(StrEnum):
    """Why a debtor refuses."""

    NOT_OURS = "not_ours"
    NOT_DELIVERED = "not_delivered"
    WRONG_AMOUNT = "wrong_amount"
    WRONG_DUE_DATE = "wrong_due_date"
    ALREADY_PAID = "already_paid"
    OTHER = "other"


class SuspensionReasonName(StrEnum):
    """Why a member is suspended."""

    KYC = "kyc"
    SANCTIONS = "sanctions"
    DISHONOUR = "dishonour"
    OWN_REQUEST = "own_request"
    OTHER = "other"


# ------------------------------------------------------------ long-running


@app.command()
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
    from registry.commands import demo as demonstration  # noqa: PLC0415
    from registry.commands.services import following, owned, wipe  # noqa: PLC0415

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

    with _terminable(), _listening(port) as listener:
        url = None if once else f"http://127.0.0.1:{listener.getsockname()[1]}"
        say(f"[bold]Starting[/] the dev chain and PostgreSQL in {settings().home}")
        with owned(settings(), api_url=url) as services:
            for notice in services.notices:
                output.note(f"[yellow]note[/]: {output.safe(notice)}")
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


@app.command()
@named_refusals
def serve(
    *,
    port: PortOption = None,
) -> None:
    """Run the registry of the home folder: dev chain and PostgreSQL unless others are named, mirror, API."""
    from registry.commands.services import following, owned  # noqa: PLC0415

    configure_logging(json_lines=not sys.stderr.isatty(), level=logging.WARNING)
    with _terminable(), _listening(port) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with owned(settings(), api_url=url) as services:
            for notice in services.notices:
                output.note(f"[yellow]note[/]: {output.safe(notice)}")
            if listener.getsockname()[1] != (settings().api_port if port is None else port):
                output.note("the port is taken by somebody else; another one is used")
            with following(services):
                _serve(
                    services, listener, lambda: output.console.print(f"[bold green]ready[/] {url}  (Ctrl-C ends it)")
                )


@app.command()
@named_refusals
def mirror(
    *,
    once: Annotated[bool, typer.Option("--once", help="End when the mirror has caught up.")] = False,
    json_output: JsonFlag = False,
) -> None:
    """Follow the chain into the database, with progress; only where no demo or serve does so already."""
    from registry.commands.services import AlreadyRunning, open_services  # noqa: PLC0415
    from registry.mirror.follower import Move  # noqa: PLC0415

    def progress(step: Step) -> None:
        if step.move is not Move.NOTHING and not json_output:
            output.note(
                f"{step.move} to block {step.cursor.number} of {step.head}"
                + (f", {step.entries} entries" if step.entries else "")
            )

    with _terminable(), open_services(settings()) as services:
        if services.running is not None:
            raise AlreadyRunning(f"process {services.running.pid} mirrors this registry already")
        follower = services.follower()
        cursor = follower.catch_up(progress=progress)
        if json_output:
            output.document({"block": cursor.number, "hash": cursor.hash})
        else:
            output.console.print(f"mirrored to block {cursor.number}")
        if not once:
            follower.run(threading.Event(), on_step=progress)


@app.command()
@named_refusals
def stop(*, json_output: JsonFlag = False) -> None:
    """End the demo or serve that runs in the home folder."""
    from registry.commands.services import stop_running  # noqa: PLC0415

    pid = stop_running(settings().home)
    if json_output:
        output.document({"stopped": pid})
    else:
        output.console.print(f"process {pid} has ended")


# ------------------------------------------------------------------ upkeep


@app.command()
@named_refusals
def status(*, json_output: JsonFlag = False) -> None:
    """What runs, how far the mirror is, what the registry holds."""
    from registry.commands.services import open_services  # noqa: PLC0415
    from registry.domain.calendar import instant  # noqa: PLC0415
    from registry.domain.identifiers import format_address  # noqa: PLC0415
    from registry.store.queries import health  # noqa: PLC0415

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


@app.command()
@named_refusals
def rebuild(
    *,
    from_chain: Annotated[
        bool, typer.Option("--from-chain", help="Forget the stored log too and fetch everything from the chain.")
    ] = False,
    json_output: JsonFlag = False,
) -> None:
    """Fold the projections anew from the stored log and compare the digests."""
    from registry.commands.services import database_only, open_services  # noqa: PLC0415
    from registry.mirror import rebuild as rebuilding  # noqa: PLC0415

    if from_chain:
        with open_services(settings()) as services:
            before = _digest(services)
            rebuilding.forget(services.database)
            services.mirrored(services.node.head())
            after = _digest(services)
        found: dict[str, Any] = {"digest_before": before, "digest_after": after, "same": before == after}
    else:
        with database_only(settings()) as database, _progress("entries replayed", json_output) as advance:
            rebuilt = rebuilding.rebuild(database, progress=lambda entries: advance(entries, None))
        found = {
            "journals": rebuilt.journals,
            "entries": rebuilt.entries,
            "digest_before": rebuilt.before,
            "digest_after": rebuilt.after,
            "same": rebuilt.before == rebuilt.after,
        }
    if json_output:
        output.document(found)
    else:
        output.facts((name.replace("_", " "), value) for name, value in found.items())
        if not found["same"]:
            output.note("[yellow]the projections had been changed by hand; now they are what the log says[/]")


@app.command()
@named_refusals
def reconcile(
    *,
    deep: Annotated[bool, typer.Option("--deep", help="Every field, not only the heads.")] = False,
    json_output: JsonFlag = False,
) -> None:
    """Compare SQL with the chain at one block; exit code 1 if anything differs."""
    from registry.commands.services import open_services  # noqa: PLC0415
    from registry.mirror.reconcile import reconcile as compare  # noqa: PLC0415

    with open_services(settings()) as services, _progress("receivables compared", json_output) as advance:
        if services.running is None:
            services.follower().catch_up()
        report = compare(
            services.database,
            services.node,
            contract=services.deployment.receivables,
            deep=deep,
            progress=advance,
        )
    if json_output:
        output.document(
            {
                "block": report.block_number,
                "block_hash": report.block_hash,
                "deep": report.deep,
                "compared": report.compared,
                "differences": [
                    {
                        "table": difference.table,
                        "row": difference.row,
                        "field": difference.field,
                        "expected": difference.expected,
                        "found": difference.found,
                    }
                    for difference in report.differences
                ],
                "difference_count": report.count,
            }
        )
    else:
        for difference in report.differences:
            output.console.print(f"[red]{output.safe(difference)}[/]")
        output.console.print(_outcome(report))
    if report.count:
        raise typer.Exit(EXIT_REFUSED)


@app.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
@named_refusals
def psql(context: typer.Context) -> None:
    """Open psql on the registry's database; further words go to psql, e.g. `counterfoil psql -c 'TABLE cursor'`."""
    from registry.commands.services import database_only  # noqa: PLC0415
    from registry.store.embedded import psql_command  # noqa: PLC0415

    with database_only(settings()) as database:
        argv, environment = psql_command(database.url)
        done = subprocess.run([*argv, *context.args], env={**os.environ, **environment}, check=False)
    raise typer.Exit(done.returncode)


# ----------------------------------------------------------------- members


@member_app.command("add")
@named_refusals
def member_add(
    *,
    name: Annotated[str | None, typer.Option(help="Registered name.")] = None,
    identity: Annotated[
        str | None, typer.Option(help="How invoices identify it, e.g. vat:DE123456789 or scheme:0088:4000001123452.")
    ] = None,
    invoice: Annotated[Path | None, typer.Option(help="Take name and identity from this invoice.")] = None,
    party: Annotated[PartyOfInvoice | None, typer.Option(help="Which party of --invoice.")] = None,
    role: Annotated[list[RoleName] | None, typer.Option(help="Roles; repeat for several.")] = None,
    handle: Annotated[str | None, typer.Option(help="Short name for --as and --to.")] = None,
    address: Annotated[str | None, typer.Option(help="Its account; on the dev chain the next free dev key.")] = None,
    kyc_days: Annotated[int, typer.Option(help="Days until its KYC expires.", min=1, max=3650)] = 365,
    as_: As = "operator",
    json_output: JsonFlag = False,
) -> None:
    """Admit a member, or admit it anew with other roles or a new KYC date."""
    from registry.commands import accounts, operations  # noqa: PLC0415
    from registry.commands.services import open_services  # noqa: PLC0415
    from registry.documents.parties import parse_identity  # noqa: PLC0415
    from registry.documents.reading import read_invoice  # noqa: PLC0415
    from registry.domain.identifiers import format_address  # noqa: PLC0415
    from registry.domain.receivable import DAY_SECONDS, Role  # noqa: PLC0415

    if identity is not None:
        identity = str(parse_identity(identity))
    roles = Role(0)
    for one in role or []:
        roles |= Role[one.name]
    if invoice is not None:
        if party is None:
            raise typer.BadParameter("say which party of the invoice: seller or buyer", param_hint="--party")
        read = read_invoice(invoice)
        is_seller = party is PartyOfInvoice.SELLER
        found = read.seller if is_seller else read.buyer
        name = name or found.name
        identity = identity or str(read.seller_identity if is_seller else read.buyer_identity)
        roles = roles or (Role.SUPPLIER if is_seller else Role.DEBTOR)
    if name is None or not roles:
        raise typer.BadParameter("give --name and at least one --role, or --invoice FILE")
    with open_services(settings()) as services:
        account = accounts.address_of(services, address) if address else accounts.next_dev_address(services)
        block = services.node.block("latest")
        assert block is not None  # a chain has a newest block
        done, handle = operations.admit(
            services,
            signer=accounts.signer_of(services, as_),
            member=account,
            name=name,
            identity=identity,
            roles=roles,
            kyc_expiry=block.at + kyc_days * DAY_SECONDS,
            handle=handle,
        )
        _print_done(
            done,
            f"{handle} is a member: {name}, {format_address(account)}",
            json_output,
            handle=handle,
            address=format_address(account),
        )


@member_app.command("suspend")
@named_refusals
def member_suspend(
    who: Annotated[str, typer.Argument(metavar="MEMBER", help="Handle or address.")],
    *,
    reason: Annotated[SuspensionReasonName, typer.Option(help="Why.")] = SuspensionReasonName.OTHER,
    as_: As = "operator",
    json_output: JsonFlag = False,
) -> None:
    """Suspend a member: it neither sends nor receives until it is added again."""
    from registry.commands import accounts, operations  # noqa: PLC0415
    from registry.commands.services import open_services  # noqa: PLC0415
    from registry.domain.receivable import SuspensionReason  # noqa: PLC0415

    with open_services(settings()) as services:
        done = operations.suspend(
            services,
            signer=accounts.signer_of(services, as_),
            member=accounts.address_of(services, who),
            reason=SuspensionReason[reason.name],
        )
        _print_done(done, f"{who} is suspended", json_output)


@member_app.command("list")
@named_refusals
def member_list(*, json_output: JsonFlag = False) -> None:
    """The members, with their handles for --as and --to."""
    from registry.cli import views  # noqa: PLC0415
    from registry.commands.services import database_only  # noqa: PLC0415
    from registry.domain.calendar import day  # noqa: PLC0415
    from registry.store.queries import health, members  # noqa: PLC0415
    from registry.store.queries.pages import every  # noqa: PLC0415

    with database_only(settings()) as database, database.snapshot() as connection:
        rows = list(every(lambda after: members.members(connection, after=after)))
        cursor = health.cursor(connection)
    now = cursor.block_at if cursor is not None else 0
    rows.sort(key=lambda row: (row.handle is None, row.handle))
    if json_output:
        output.document([views.member_document(row, now=now) for row in rows])
        return
    output.table(
        ["handle", "name", "roles", "status", "KYC until"],
        (
            (
                row.handle or "",
                row.name or "",
                views.roles(row.roles),
                views.member_status(row, now=now),
                day(row.kyc_expiry_at),
            )
            for row in rows
        ),
        nothing="no members yet; `counterfoil member add` admits one",
    )


# ------------------------------------------------------------- receivables


@app.command()
@named_refusals
def register(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Invoice: UBL 2.1 or CII, XML.")],
    *,
    as_: As,
    due: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Due date agreed with the debtor.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen; sign and write nothing.")] = False,
    json_output: JsonFlag = False,
) -> None:
    """Register an invoice as a receivable; its buyer then confirms or refuses."""
    from registry.commands import accounts, operations  # noqa: PLC0415
    from registry.commands.services import open_services  # noqa: PLC0415
    from registry.domain.identifiers import format_receivable_id  # noqa: PLC0415

    day = due.date() if due is not None else None
    with open_services(settings()) as services:
        if dry_run:
            originator = accounts.address_of(services, as_)
            prepared = operations.prepare(services, file, originator=originator, due=day)
            found = {
                "dry_run": True,
                "invoice": prepared.invoice.number,
                "face": prepared.money.to_json(),
                "debtor": prepared.invoice.buyer.name,
                "due_date": str(operations.due_day(prepared.claim.due)),
                "fingerprint": prepared.claim.fingerprint,
                "gas": prepared.gas,
            }
            if json_output:
                output.document(found)
            else:
                sentence = (
                    f"would register invoice {prepared.invoice.number}: {prepared.money} from "
                    f"{prepared.invoice.buyer.name}, due {found['due_date']}, about {prepared.gas:,} gas"
                )
                output.console.print(output.safe(sentence))
            return
        done, prepared = operations.register(services, file, signer=accounts.signer_of(services, as_), due=day)
        receivable = format_receivable_id(done.entry.journal_id)
        _print_done(
            done,
            f"{receivable} registered: {prepared.money} from {prepared.invoice.buyer.name}, "
            f"due {operations.due_day(prepared.claim.due)}",
            json_output,
        )


@app.command()
@named_refusals
def pending(*, as_: As, json_output: JsonFlag = False) -> None:
    """What waits for a debtor's answer."""
    from registry.cli import views  # noqa: PLC0415
    from registry.commands import accounts  # noqa: PLC0415
    from registry.commands.services import open_services  # noqa: PLC0415
    from registry.domain.calendar import day, instant  # noqa: PLC0415
    from registry.domain.identifiers import format_receivable_id  # noqa: PLC0415
    from registry.store.queries import invoices, receivables  # noqa: PLC0415
    from registry.store.queries.pages import every  # noqa: PLC0415

    with open_services(settings()) as services:
        debtor = accounts.address_of(services, as_)
        with services.database.snapshot() as connection:
            rows = list(every(lambda after: receivables.pending(connection, debtor, after=after)))
            kept = {row.document_root: invoices.invoice_by_root(connection, row.document_root) for row in rows}
        name, now = _names(services), _now(services)
    if json_output:
        output.document([views.receivable_document(row, name=name, now=now) for row in rows])
        return
    output.table(
        ["receivable", "amount ", "due", "from", "invoice", "registered"],
        (
            (
                format_receivable_id(row.receivable_id),
                views.money(row.face_minor, row.currency),
                day(row.due_at),
                name(row.originator),
                _invoice_shown(kept[row.document_root], row),
                instant(row.registered_at),
            )
            for row in rows
        ),
        nothing=f"nothing waits for {output.safe(as_)}",
    )


@app.command()
@named_refusals
def confirm(
    receivable: ReceivableArgument,
    *,
    as_: As,
    invoice: Annotated[
        Path | None, typer.Option(help="The debtor's own copy: confirm only if it is the invoice that was registered.")
    ] = None,
    due: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Confirm only with this due date.")] = None,
    json_output: JsonFlag = False,
) -> None:
    """Confirm a receivable: an irrevocable promise to pay it on its due date."""
    from registry.commands import accounts, operations  # noqa: PLC0415
    from registry.commands.services import open_services  # noqa: PLC0415
    from registry.domain.identifiers import parse_receivable_id  # noqa: PLC0415

    with open_services(settings()) as services:
        done = operations.confirm(
            services,
            signer=accounts.signer_of(services, as_),
            receivable_id=parse_receivable_id(receivable),
            invoice=invoice,
            due=due.date() if due is not None else None,
        )
        whole = f"{receivable}/0-{done.entry.range[1]}"
        _print_done(done, f"{receivable} confirmed: certificate {whole}", json_output, certificate=whole)


@app.command()
@named_refusals
def refuse(
    receivable: ReceivableArgument,
    *,
    as_: As,
    reason: Annotated[RefusalReasonName, typer.Option(help="Why.")] = RefusalReasonName.OTHER,
    json_output: JsonFlag = False,
) -> None:
    """Refuse a receivable; the invoice may then be registered again."""
    from registry.commands import accounts, operations  # noqa: PLC0415
    from registry.commands.services import open_services  # noqa: PLC0415
    from registry.domain.identifiers import parse_receivable_id  # noqa: PLC0415
    from registry.domain.receivable import RefusalReason  # noqa: PLC0415

    with open_services(settings()) as services:
        done = operations.refuse(
            services,
            signer=accounts.signer_of(services, as_),
            receivable_id=parse_receivable_id(receivable),
            reason=RefusalReason[reason.name],
        )
        _print_done(done, f"{receivable} refused: {reason}", json_output)


# ------------------------------------------------------------ certificates


@app.command()
@named_refusals
def split(
    certificate: CertificateArgument,
    amount: Annotated[str, typer.Argument(metavar="AMOUNT", help="What goes to the receiver, e.g. 1250.00.")],
    *,
    to: Annotated[str, typer.Option("--to", help="The receiver: a handle or an address.")],
    as_: As,
    document: DocumentOption = None,
    json_output: JsonFlag = False,
) -> None:
    """Cut an amount off the tail of a certificate and hand it to the receiver."""
    from registry.commands import accounts, operations  # noqa: PLC0415
    from registry.commands.services import open_services  # noqa: PLC0415
    from registry.domain.identifiers import parse_certificate_id  # noqa: PLC0415

    with open_services(settings()) as services:
        whole = parse_certificate_id(certificate)
        done, tail = operations.split(
            services,
            signer=accounts.signer_of(services, as_),
            certificate=whole,
            amount=amount,
            receiver=accounts.address_of(services, to),
            document=document,
        )
        kept = f"R-{whole.receivable_id}/{whole.start}-{tail.start}"
        _print_done(done, f"{tail} goes to {to}, {kept} stays", json_output, certificate=str(tail), kept=kept)


@app.command()
@named_refusals
def endorse(
    certificate: CertificateArgument,
    *,
    to: Annotated[str, typer.Option("--to", help="The receiver: a handle or an address.")],
    as_: As,
    document: DocumentOption = None,
    json_output: JsonFlag = False,
) -> None:
    """Hand a whole certificate to the receiver."""
    from registry.commands import accounts, operations  # noqa: PLC0415
    from registry.commands.services import open_services  # noqa: PLC0415
    from registry.domain.identifiers import parse_certificate_id  # noqa: PLC0415

    with open_services(settings()) as services:
        done = operations.endorse(
            services,
            signer=accounts.signer_of(services, as_),
            certificate=parse_certificate_id(certificate),
            receiver=accounts.address_of(services, to),
            document=document,
        )
        _print_done(done, f"{certificate} now belongs to {to}", json_output)


@app.command("list")
@named_refusals
def list_(
    *,
    debtor: Annotated[str | None, typer.Option(help="Only what this party owes.")] = None,
    originator: Annotated[str | None, typer.Option(help="Only what this party registered.")] = None,
    holder: Annotated[str | None, typer.Option(help="Instead, the certificates that this party holds.")] = None,
    json_output: JsonFlag = False,
) -> None:
    """The receivables, or the certificates of one holder."""
    from registry.cli import views  # noqa: PLC0415
    from registry.commands import accounts  # noqa: PLC0415
    from registry.commands.services import open_services  # noqa: PLC0415
    from registry.domain.calendar import day  # noqa: PLC0415
    from registry.domain.identifiers import format_receivable_id  # noqa: PLC0415
    from registry.store.queries import certificates, receivables  # noqa: PLC0415
    from registry.store.queries.pages import every  # noqa: PLC0415

    with open_services(settings()) as services:
        owing = accounts.address_of(services, debtor) if debtor else None
        claiming = accounts.address_of(services, originator) if originator else None
        holding = accounts.address_of(services, holder) if holder else None
        name, now = _names(services), _now(services)
        with services.database.snapshot() as connection:
            if holding is not None:
                parts = list(every(lambda after: certificates.certificates(connection, holder=holding, after=after)))
            else:
                rows = list(
                    every(
                        lambda after: receivables.receivables(
                            connection, debtor=owing, originator=claiming, after=after
                        )
                    )
                )
    if holding is not None:
        if json_output:
            output.document([views.certificate_document(part, name=name) for part in parts])
            return
        output.table(
            ["certificate", "amount ", "due", "debtor"],
            ((*views.certificate_cells(part, name=name)[:2], day(part.due_at), name(part.debtor)) for part in parts),
            nothing=f"{output.safe(holder)} holds no certificates",
        )
        return
    if json_output:
        output.document([views.receivable_document(row, name=name, now=now) for row in rows])
        return
    output.table(
        ["receivable", "amount ", "phase", "due", "debtor", "originator"],
        (
            (
                format_receivable_id(row.receivable_id),
                views.money(row.face_minor, row.currency),
                row.phase(now=now),
                day(row.due_at),
                name(row.debtor),
                name(row.originator),
            )
            for row in rows
        ),
        nothing="no receivables; `counterfoil register FILE --as SELLER` makes one",
    )


@app.command()
@named_refusals
def show(receivable: ReceivableArgument, *, json_output: JsonFlag = False) -> None:
    """A receivable and its certificates."""
    from registry.cli import views  # noqa: PLC0415
    from registry.commands.services import open_services  # noqa: PLC0415
    from registry.domain.identifiers import parse_receivable_id  # noqa: PLC0415
    from registry.domain.rules import UnknownReceivable  # noqa: PLC0415
    from registry.store.queries import certificates, invoices, receivables  # noqa: PLC0415
    from registry.store.queries.pages import every  # noqa: PLC0415

    receivable_id = parse_receivable_id(receivable)
    with open_services(settings()) as services:
        with services.database.snapshot() as connection:
            row = receivables.receivable(connection, receivable_id)
            if row is None:
                raise UnknownReceivable(f"there is no {receivable}")
            invoice = invoices.invoice_by_root(connection, row.document_root)
            parts = list(
                every(lambda after: certificates.certificates(connection, receivable_id=receivable_id, after=after))
            )
        name, now = _names(services), _now(services)
    if json_output:
        found = views.receivable_document(row, name=name, now=now)
        found["certificates"] = [views.certificate_document(part, name=name) for part in parts]
        output.document(found)
        return
    output.facts(views.receivable_facts(row, invoice, name=name, now=now))
    output.console.print()
    output.table(
        ["certificate", "amount ", "holder"],
        (views.certificate_cells(part, name=name) for part in parts),
        nothing="no certificates: it is not confirmed",
    )


@app.command()
@named_refusals
def trace(certificate: CertificateArgument, *, json_output: JsonFlag = False) -> None:
    """The provenance of a certificate: every entry that touched its cents, and on what trade it moved."""
    from registry.commands.services import open_services  # noqa: PLC0415
    from registry.domain.identifiers import parse_certificate_id  # noqa: PLC0415

    identifier = parse_certificate_id(certificate)
    with open_services(settings()) as services:
        if json_output:
            output.document(_provenance_document(services, identifier))
        else:
            output.console.print(_provenance_tree(services, identifier))


# ---------------------------------------------------------------- internal


@contextmanager
def _terminable() -> Iterator[None]:
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
    import uvicorn  # noqa: PLC0415

    # The API is another layer: it is named, not imported, and finds the services by what `owned` left in the home.
    server = uvicorn.Server(
        uvicorn.Config(
            "api.app:create_app",
            factory=True,
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=SHUTDOWN_SECONDS_MAX,
        )
    )
    ended: list[Refusal] = []
    done = threading.Event()

    def watch() -> None:
        announced = False
        while not done.wait(WATCH_SECONDS):
            if server.started and not announced:
                announced = True
                ready()
            try:
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


def _with_cause(services: Services, act: Callable[[], _T]) -> _T:
    """Where a service fails because ours has ended, say that instead of what it looked like from a client."""
    try:
        return act()
    except ServiceError:
        services.require_alive()
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


@contextmanager
def _progress(what: str, quiet: bool) -> Iterator[Callable[[int, int | None], None]]:  # noqa: FBT001  (from a flag)
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    with Progress(
        TextColumn(what),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=output.notes,
        transient=True,
        disable=quiet or not output.notes.is_terminal,
    ) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _invoice_shown(invoice: InvoiceRow | None, row: ReceivableRow) -> str:
    """The invoice behind a claim: its number, or that the claim is a copy of somebody else's."""
    if invoice is None:
        return "not known here"
    return invoice.number if invoice.originator == row.originator else "another seller's: do not confirm"


def _digest(services: Services) -> str:
    from registry.mirror.rebuild import digest  # noqa: PLC0415

    with services.database.bulk() as connection:
        return digest(connection)


def _names(services: Services) -> Callable[[Address], str]:
    """Handles by address, all parties read at once."""
    from registry.domain.identifiers import format_address  # noqa: PLC0415
    from registry.store.queries import parties  # noqa: PLC0415
    from registry.store.queries.pages import every  # noqa: PLC0415

    with services.database.snapshot() as connection:
        handles = {row.address: row.handle for row in every(lambda after: parties.parties(connection, after=after))}
    return lambda address: handles.get(address) or format_address(address)


def _now(services: Services) -> int:
    from registry.store.queries import health  # noqa: PLC0415

    with services.database.snapshot() as connection:
        cursor = health.cursor(connection)
    return cursor.block_at if cursor is not None else 0


def _steps(services: Services, identifier: CertificateId) -> tuple[list[ProvenanceRow], ReceivableRow]:
    """Provenance of a certificate that exists just so. Raises UnknownReceivable, UnknownCertificate."""
    from registry.domain.identifiers import format_receivable_id  # noqa: PLC0415
    from registry.domain.rules import UnknownCertificate, UnknownReceivable, require_same_range  # noqa: PLC0415
    from registry.store.queries import certificates, entries, health, receivables  # noqa: PLC0415

    receivable_id = identifier.receivable_id
    with services.database.snapshot() as connection:
        cursor = health.cursor(connection)
        row = receivables.receivable(connection, receivable_id)
        if row is None or cursor is None:
            raise UnknownReceivable(f"there is no {format_receivable_id(receivable_id)}")
        part = certificates.certificate(connection, receivable_id, identifier.start)
        if part is None:
            raise UnknownCertificate(f"there is no certificate {identifier}")
        require_same_range(part.state(), identifier)
        steps = list(
            entries.provenance_of(connection, receivable_id, start=identifier.start, end=identifier.end, cursor=cursor)
        )
    return steps, row


def _provenance_document(services: Services, identifier: CertificateId) -> dict[str, Any]:
    from registry.cli import views  # noqa: PLC0415

    steps, _ = _steps(services, identifier)
    name = _names(services)
    return {"certificate": str(identifier), "steps": [views.step_document(step, name=name) for step in steps]}


def _provenance_tree(services: Services, identifier: CertificateId) -> Tree:
    from registry.cli import views  # noqa: PLC0415
    from registry.store.queries import documents, invoices  # noqa: PLC0415

    steps, row = _steps(services, identifier)
    hashes = {step.step.document for step in steps if step.step.document is not None}
    with services.database.snapshot() as connection:
        invoice = invoices.invoice_by_root(connection, row.document_root)
        known = documents.trade_documents(connection, hashes)
    return views.provenance_tree(
        identifier,
        steps,
        currency=row.currency,
        name=_names(services),
        invoice=invoice,
        documents={document: found.file_name for document, found in known.items()},
    )


def _print_summary_document(services: Services, summary: Summary) -> None:
    from registry.cli import views  # noqa: PLC0415

    steps = [] if summary.traced is None else _provenance_document(services, summary.traced)["steps"]
    output.document(views.summary_document(summary, steps))


def _print_summary(services: Services, summary: Summary) -> None:
    report = summary.report
    if report is not None:
        for difference in report.differences:
            output.console.print(f"  [red]{output.safe(difference)}[/]")
        output.console.print("  " + _outcome(report))
    if summary.traced is not None:
        output.console.print("[bold]Provenance[/] of one certificate")
        output.console.print(_provenance_tree(services, summary.traced))


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
            print_(f"  {command} pending --as {summary.pending_debtor}")
            print_(f"  {command} confirm R-{summary.pending} --as {summary.pending_debtor}")
    print_("Ctrl-C ends it; the same command goes on from here.")


def _shown_command() -> str:
    """How this program was called, as short as it can be typed here."""
    called = Path(sys.argv[0])
    try:
        return str(called.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(called)


def _print_done(done: Done, sentence: str, json_output: bool, **more: object) -> None:  # noqa: FBT001  (from a flag)
    from registry.cli import views  # noqa: PLC0415

    if json_output:
        output.document({**views.done_document(done), **more})
    else:
        output.console.print(f"[green]done[/] {output.safe(sentence)}")
        output.console.print(
            f"  [dim]block {done.block_number}, transaction 0x{done.tx_hash.hex()}, {done.gas:,} gas[/]"
        )


def _outcome(report: Report) -> str:
    """What a reconciliation found, in one line."""
    differences = "1 difference" if report.count == 1 else f"{report.count} differences"
    return f"{differences} in {report.compared} values at block {report.block_number}"


def _flat(value: object) -> object:
    if isinstance(value, dict):
        return ", ".join(f"{name.replace('_', ' ')} {part}" for name, part in value.items()) or "none"
    return "-" if value is None else value
