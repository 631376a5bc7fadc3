"""Receivables: register, answer, find."""

from __future__ import annotations

import functools
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from registry.cli import output
from registry.cli.common import Acting, As, JsonFlag, ReceivableArgument, Told, Would, mirrored_at, names, operation
from registry.cli.output import named_refusals
from registry.domain.calendar import day, instant
from registry.domain.identifiers import CertificateId, format_receivable_id, parse_receivable_id
from registry.domain.receivable import RefusalReason
from registry.domain.rules import UnknownReceivable
from registry.settings import settings
from registry.terminal import safe

if TYPE_CHECKING:
    from registry.store.queries.invoices import InvoiceRow
    from registry.store.queries.receivables import ReceivableRow

app = typer.Typer()
command = functools.partial(app.command, rich_help_panel="Receivables")


class RefusalReasonName(StrEnum):
    """Why a debtor refuses."""

    NOT_OURS = "not_ours"
    NOT_DELIVERED = "not_delivered"
    WRONG_AMOUNT = "wrong_amount"
    WRONG_DUE_DATE = "wrong_due_date"
    ALREADY_PAID = "already_paid"
    OTHER = "other"


@command()
@operation()
def register(
    acting: Acting,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Invoice: UBL 2.1 or CII, XML.")],
    *,
    due: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Due date agreed with the debtor.")] = None,
) -> Told | Would:
    """Register an invoice as a receivable; its buyer then confirms or refuses."""
    from registry.commands import operations  # noqa: PLC0415

    agreed = due.date() if due is not None else None
    if acting.dry_run:
        originator = acting.account(acting.name)
        prepared = operations.prepare(acting.services, file, originator=originator, due=agreed)
        due_date = operations.due_day(prepared.claim.due)
        return Would(
            f"would register invoice {prepared.invoice.number}: {prepared.money} from "
            f"{prepared.invoice.buyer.name}, due {due_date}",
            prepared.gas,
            {
                "invoice": prepared.invoice.number,
                "face": prepared.money.to_json(),
                "debtor": prepared.invoice.buyer.name,
                "due_date": str(due_date),
                "fingerprint": prepared.claim.fingerprint,
            },
        )
    done, prepared = operations.register(acting.services, file, signer=acting.signer, due=agreed)
    return Told(
        f"{format_receivable_id(done.entry.journal_id)} registered: {prepared.money} from "
        f"{prepared.invoice.buyer.name}, due {operations.due_day(prepared.claim.due)}",
        done,
    )


@command()
@named_refusals
def pending(*, as_: As, json_output: JsonFlag = False) -> None:
    """What waits for a debtor's answer."""
    from registry.cli import views  # noqa: PLC0415
    from registry.commands import accounts  # noqa: PLC0415
    from registry.commands.services import open_services  # noqa: PLC0415
    from registry.store.queries import invoices, receivables  # noqa: PLC0415
    from registry.store.queries.pages import every  # noqa: PLC0415

    with open_services(settings()) as services:
        debtor = accounts.address_of(services, as_)
        with services.database.snapshot() as connection:
            rows = list(every(lambda after: receivables.pending(connection, debtor, after=after)))
            kept = {row.document_root: invoices.invoice_by_root(connection, row.document_root) for row in rows}
        name, now = names(services), mirrored_at(services)
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
        nothing=f"nothing waits for {safe(as_)}",
    )


@command()
@operation()
def confirm(
    acting: Acting,
    receivable: ReceivableArgument,
    *,
    invoice: Annotated[
        Path | None, typer.Option(help="The debtor's own copy: confirm only if it is the invoice that was registered.")
    ] = None,
    due: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Confirm only with this due date.")] = None,
) -> Told:
    """Confirm a receivable: an irrevocable promise to pay it on its due date."""
    from registry.commands import operations  # noqa: PLC0415

    receivable_id = parse_receivable_id(receivable)
    done = operations.confirm(
        acting.services,
        signer=acting.signer,
        receivable_id=receivable_id,
        invoice=invoice,
        due=due.date() if due is not None else None,
    )
    whole = CertificateId(receivable_id, *done.entry.range)
    return Told(
        f"{format_receivable_id(receivable_id)} confirmed: certificate {whole}", done, {"certificate": str(whole)}
    )


@command()
@operation()
def refuse(
    acting: Acting,
    receivable: ReceivableArgument,
    *,
    reason: Annotated[RefusalReasonName, typer.Option(help="Why.")] = RefusalReasonName.OTHER,
) -> Told:
    """Refuse a receivable; the invoice may then be registered again."""
    from registry.commands import operations  # noqa: PLC0415

    receivable_id = parse_receivable_id(receivable)
    done = operations.refuse(
        acting.services, signer=acting.signer, receivable_id=receivable_id, reason=RefusalReason[reason.name]
    )
    return Told(f"{format_receivable_id(receivable_id)} refused: {reason}", done)


@command("list")
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
    from registry.store.queries import certificates, receivables  # noqa: PLC0415
    from registry.store.queries.pages import every  # noqa: PLC0415

    with open_services(settings()) as services:
        owing = accounts.address_of(services, debtor) if debtor else None
        claiming = accounts.address_of(services, originator) if originator else None
        holding = accounts.address_of(services, holder) if holder else None
        name, now = names(services), mirrored_at(services)
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
            nothing=f"{safe(holder)} holds no certificates",
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


@command()
@named_refusals
def show(receivable: ReceivableArgument, *, json_output: JsonFlag = False) -> None:
    """A receivable and its certificates."""
    from registry.cli import views  # noqa: PLC0415
    from registry.commands.services import open_services  # noqa: PLC0415
    from registry.store.queries import certificates, invoices, receivables  # noqa: PLC0415
    from registry.store.queries.pages import every  # noqa: PLC0415

    receivable_id = parse_receivable_id(receivable)
    with open_services(settings()) as services:
        with services.database.snapshot() as connection:
            row = receivables.receivable(connection, receivable_id)
            if row is None:
                raise UnknownReceivable(f"there is no {format_receivable_id(receivable_id)}")
            invoice = invoices.invoice_by_root(connection, row.document_root)
            parts = list(
                every(lambda after: certificates.certificates(connection, receivable_id=receivable_id, after=after))
            )
        name, now = names(services), mirrored_at(services)
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


def _invoice_shown(invoice: InvoiceRow | None, row: ReceivableRow) -> str:
    """The invoice behind a claim: its number, or that the claim is a copy of somebody else's."""
    if invoice is None:
        return "not known here"
    return invoice.number if invoice.originator == row.originator else "another seller's: do not confirm"
