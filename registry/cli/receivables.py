"""Receivables: register, answer, find."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from registry.cli import output
from registry.cli.common import (
    Acting,
    As,
    Asking,
    JsonFlag,
    Listing,
    ReceivableArgument,
    Told,
    Would,
    asking,
    listing,
    names,
    operation,
)
from registry.cli.output import named_refusals
from registry.domain import money
from registry.domain.calendar import day, instant
from registry.domain.identifiers import CertificateId, format_receivable_id, parse_certificate_id, parse_receivable_id
from registry.domain.receivable import DAY_SECONDS, Phase, RefusalReason
from registry.domain.rules import UnknownReceivable
from registry.terminal import safe

if TYPE_CHECKING:
    from registry.store.queries.invoices import InvoiceRow
    from registry.store.queries.receivables import ReceivableRow, Sought

T = TypeVar("T")

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
    from registry.commands import claims

    agreed = due.date() if due is not None else None
    if acting.dry_run:
        originator = acting.account(acting.name)
        prepared = claims.prepare(acting.services, file, originator=originator, due=agreed)
        due_date = claims.due_day(prepared.claim.due)
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
    done, prepared = claims.register(acting.services, file, signer=acting.signer, due=agreed)
    return Told(
        f"{format_receivable_id(done.entry.journal_id)} registered: {prepared.money} from "
        f"{prepared.invoice.buyer.name}, due {claims.due_day(prepared.claim.due)}",
        done,
    )


@command()
@listing
def pending(asking: Asking, *, as_: As) -> Listing:
    """What waits for a debtor's answer."""
    from registry.cli import views
    from registry.store.queries import invoices, receivables
    from registry.store.queries.pages import every

    debtor = asking.account(as_)
    rows = list(every(lambda after: receivables.pending(asking.snapshot, debtor, after=after)))
    kept = {row.document_root: invoices.invoice_by_root(asking.snapshot, row.document_root) for row in rows}
    name, now = names(asking.snapshot, [debtor, *(row.originator for row in rows)]), asking.now
    return Listing(
        [views.receivable_document(row, name=name, now=now) for row in rows],
        views.RECEIVABLE_COLUMNS,
        lambda: output.table(
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
        ),
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
    from registry.commands import claims

    receivable_id = parse_receivable_id(receivable)
    done = claims.confirm(
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
    from registry.commands import claims

    receivable_id = parse_receivable_id(receivable)
    done = claims.refuse(
        acting.services, signer=acting.signer, receivable_id=receivable_id, reason=RefusalReason[reason.name]
    )
    return Told(f"{format_receivable_id(receivable_id)} refused: {reason}", done)


@command("list")
@listing
def list_(
    asking: Asking,
    *,
    phase: Annotated[Phase | None, typer.Option(help="Only what stands there now.")] = None,
    currency: Annotated[str | None, typer.Option(metavar="EUR", help="Only in this currency.")] = None,
    due_from: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First due date.")] = None,
    due_until: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last due date.")] = None,
    debtor: Annotated[str | None, typer.Option(help="Only what this party owes.")] = None,
    originator: Annotated[str | None, typer.Option(help="Only what this party registered.")] = None,
    holder: Annotated[str | None, typer.Option(help="Instead, the certificates that this party holds.")] = None,
    after: Annotated[
        str | None, typer.Option(metavar="R-1", help="Only what follows this receivable, or certificate of --holder.")
    ] = None,
    limit: Annotated[int | None, typer.Option(help="At most so many.", min=1)] = None,
) -> Listing:
    """The receivables, or the certificates of one holder."""
    sought: Sought = {
        "currency": None if currency is None else money.currency(currency.strip().upper()).numeric,
        "due_from": None if due_from is None else _midnight(due_from),
        "due_before": None if due_until is None else _midnight(due_until) + DAY_SECONDS,
    }
    if holder is None:
        key = None if after is None else parse_receivable_id(after)
    else:
        certificate_key = None if after is None else parse_certificate_id(after)
    sought |= {
        "debtor": None if debtor is None else asking.account(debtor),
        "originator": None if originator is None else asking.account(originator),
        "phase_at": None if phase is None else (phase, asking.now),
    }
    if holder is None:
        return _receivables(asking, sought, after=key, limit=limit)
    return _certificates(asking, sought, holder=holder, after=certificate_key, limit=limit)


@command()
@named_refusals
def show(receivable: ReceivableArgument, *, json_output: JsonFlag = False) -> None:
    """A receivable and its certificates."""
    from registry.cli import views
    from registry.store.queries import certificates, invoices, receivables
    from registry.store.queries.pages import every

    receivable_id = parse_receivable_id(receivable)
    with asking() as registry:
        connection, now = registry.snapshot, registry.now
        row = receivables.receivable(connection, receivable_id)
        if row is None:
            raise UnknownReceivable(f"there is no {format_receivable_id(receivable_id)}")
        invoice = invoices.invoice_by_root(connection, row.document_root)
        parts = list(every(lambda key: certificates.certificates(connection, receivable_id=receivable_id, after=key)))
        name = names(connection, [row.debtor, row.originator, *(part.holder for part in parts)])
    if json_output:
        found = views.receivable_document(row, name=name, now=now)
        found["certificates"] = [views.certificate_document(part, name=name) for part in parts]
        output.document(found)
        return
    output.facts(views.receivable_facts(row, invoice, name=name, now=now))
    output.console.print()
    output.console.print(
        output.table(
            ["certificate", "amount ", "holder"],
            (views.certificate_cells(part, name=name) for part in parts),
            nothing="no certificates: it is not confirmed",
        )
    )


def _receivables(asking: Asking, sought: Sought, *, after: int | None, limit: int | None) -> Listing:
    from registry.cli import views
    from registry.store.queries import receivables
    from registry.store.queries.pages import PAGE_ROWS_MAX, every

    connection, now = asking.snapshot, asking.now
    rows, more = _first(
        limit,
        every(
            lambda key: receivables.receivables(connection, after=key, limit=PAGE_ROWS_MAX, **sought),
            after=after,
        ),
    )
    name = names(connection, (address for row in rows for address in (row.debtor, row.originator)))
    return Listing(
        [views.receivable_document(row, name=name, now=now) for row in rows],
        views.RECEIVABLE_COLUMNS,
        lambda: output.table(
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
            nothing="no such receivables"
            if after is not None or any(value is not None for value in sought.values())
            else "no receivables; `counterfoil register FILE --as SELLER` makes one",
        ),
        following=format_receivable_id(rows[-1].receivable_id) if more else None,
    )


def _certificates(
    asking: Asking, sought: Sought, *, holder: str, after: CertificateId | None, limit: int | None
) -> Listing:
    from registry.cli import views
    from registry.store.queries import certificates
    from registry.store.queries.pages import PAGE_ROWS_MAX, every

    connection, holding = asking.snapshot, asking.account(holder)
    rows, more = _first(
        limit,
        every(
            lambda key: certificates.certificates(connection, holder=holding, after=key, limit=PAGE_ROWS_MAX, **sought),
            after=None if after is None else (after.receivable_id, after.start),
        ),
    )
    name = names(connection, [holding, *(address for row in rows for address in (row.debtor, row.originator))])
    return Listing(
        [views.held_document(row, name=name) for row in rows],
        views.HELD_COLUMNS,
        lambda: output.table(
            ["certificate", "amount ", "due", "debtor"],
            ((*views.certificate_cells(row, name=name)[:2], day(row.due_at), name(row.debtor)) for row in rows),
            nothing=f"{safe(holder)} holds no such certificates",
        ),
        following=rows[-1].id if more else None,
    )


def _first(limit: int | None, rows: Iterator[T]) -> tuple[list[T], bool]:
    """The first rows, and whether there are more."""
    if limit is None:
        return list(rows), False
    found = list(islice(rows, limit + 1))
    return found[:limit], len(found) > limit


def _midnight(typed: datetime) -> int:
    """The midnight UTC that begins a day as typed, in seconds."""
    return int(typed.replace(tzinfo=UTC).timestamp())


def _invoice_shown(invoice: InvoiceRow | None, row: ReceivableRow) -> str:
    """The invoice behind a claim: its number, or that the claim is a copy of somebody else's."""
    if invoice is None:
        return "not known here"
    return invoice.number if invoice.originator == row.originator else "another seller's: do not confirm"
