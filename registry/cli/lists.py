"""Finding receivables: lists, one with all that there is about it, what waits, what falls due, what a holder has."""

from __future__ import annotations

import functools
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from registry.cli import output
from registry.cli.common import (
    As,
    Asking,
    JsonFlag,
    Limit,
    Listing,
    ReceivableArgument,
    asking,
    first,
    listing,
    names,
)
from registry.cli.output import named_refusals
from registry.domain import money
from registry.domain.calendar import day, midnight
from registry.domain.identifiers import (
    CertificateId,
    format_receivable_id,
    parse_certificate_id,
    parse_receivable_id,
)
from registry.domain.receivable import DAY_SECONDS, Phase
from registry.domain.rules import UnknownReceivable
from registry.terminal import safe

if TYPE_CHECKING:
    from registry.store.queries.invoices import InvoiceRow
    from registry.store.queries.receivables import ReceivableRow, Sought

app = typer.Typer()
command = functools.partial(app.command, rich_help_panel="Finding")

FirstDay = Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First due date.")]
LastDay = Annotated[datetime | None, typer.Option("--until", formats=["%Y-%m-%d"], help="Last due date.")]


@command()
@listing
def inbox(asking: Asking, *, as_: As) -> Listing:
    """What waits for a debtor's answer, the nearest deadline first, with what was offered instead."""
    from registry.cli import views
    from registry.store.queries import invoices, receivables
    from registry.store.queries.pages import every

    debtor = asking.account(as_)
    rows = list(every(lambda after: receivables.pending(asking.snapshot, debtor, after=after)))
    kept = {row.document_root: invoices.invoice_by_root(asking.snapshot, row.document_root) for row in rows}
    name, now, state = names(asking.snapshot, [debtor, *(row.originator for row in rows)]), asking.now, asking.state
    return Listing(
        [views.receivable_document(row, name=name, now=now, registry=state) for row in rows],
        views.RECEIVABLE_COLUMNS,
        lambda: output.table(
            ["receivable", "amount ", "due", "from", "invoice", "lapses", "offered"],
            (
                (
                    format_receivable_id(row.receivable_id),
                    views.money(row.claim_face_minor, row.currency),
                    day(row.claim_due_at),
                    name(row.originator),
                    _invoice_shown(kept[row.document_root], row),
                    views.lapses(row, state),
                    views.offered(row) or "",
                )
                for row in rows
            ),
            nothing=f"nothing waits for {safe(as_)}",
        ),
    )


@command()
@listing
def calendar(asking: Asking, *, as_: As, from_: FirstDay = None, until: LastDay = None) -> Listing:
    """What a debtor has promised to pay, by due date and currency."""
    from registry.cli import views
    from registry.store.queries import receivables
    from registry.store.queries.pages import every

    debtor = asking.account(as_)
    rows = list(
        every(
            lambda after: receivables.due_days(
                asking.snapshot,
                debtor,
                after=after,
                due_from=None if from_ is None else midnight(from_.date()),
                due_before=None if until is None else midnight(until.date()) + DAY_SECONDS,
            )
        )
    )
    return Listing(
        [
            {
                "due_date": day(row.due_at),
                "receivables": row.receivables,
                "amount": views.money(row.amount_minor, row.currency).to_json(),
            }
            for row in rows
        ],
        ("due_date", "receivables", "amount", "amount_currency"),
        lambda: output.table(
            ["due", "receivables ", "amount "],
            ((day(row.due_at), row.receivables, views.money(row.amount_minor, row.currency)) for row in rows),
            nothing=f"nothing that {safe(as_)} confirmed falls due then",
        ),
    )


@command()
@listing
def book(asking: Asking, *, as_: As) -> Listing:
    """What a holder has, by currency and phase; `list --holder` names the certificates."""
    from registry.cli import views
    from registry.store.queries import certificates

    rows = certificates.book(asking.snapshot, asking.account(as_), now=asking.now)
    return Listing(
        [
            {
                "currency": str(money.currency_to_show(row.currency)),
                "phase": str(row.phase),
                "certificates": row.certificates,
                "amount": views.money(row.amount_minor, row.currency).to_json(),
            }
            for row in rows
        ],
        ("currency", "phase", "certificates", "amount"),
        lambda: output.table(
            ["currency", "phase", "certificates ", "amount "],
            (
                (
                    money.currency_to_show(row.currency),
                    row.phase,
                    row.certificates,
                    views.money(row.amount_minor, row.currency),
                )
                for row in rows
            ),
            nothing=f"{safe(as_)} holds no certificates",
        ),
    )


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
    limit: Limit = None,
) -> Listing:
    """The receivables, or the certificates of one holder."""
    sought: Sought = {
        "currency": None if currency is None else money.currency(currency.strip().upper()).numeric,
        "due_from": None if due_from is None else midnight(due_from.date()),
        "due_before": None if due_until is None else midnight(due_until.date()) + DAY_SECONDS,
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
    """A receivable: its terms, what was offered, the orders on it, its certificates."""
    from registry.cli import views
    from registry.store.queries import certificates, invoices, orders, receivables
    from registry.store.queries.pages import every

    receivable_id = parse_receivable_id(receivable)
    with asking() as registry:
        connection, now, state = registry.snapshot, registry.now, registry.state
        row = receivables.receivable(connection, receivable_id)
        if row is None:
            raise UnknownReceivable(f"there is no {format_receivable_id(receivable_id)}")
        invoice = invoices.invoice_by_root(connection, row.document_root)
        attachments = invoices.attachments_by_root(connection, row.document_root)
        parts = list(every(lambda key: certificates.certificates(connection, receivable_id=receivable_id, after=key)))
        holders = {part.holder for part in parts}
        freezes = orders.freezes_on(
            connection,
            now=now,
            receivables=[receivable_id],
            certificates=[(receivable_id, part.start_minor) for part in parts],
            members=holders,
        )
        name = names(connection, [row.debtor, row.originator, *holders])
    if json_output:
        found = views.receivable_document(row, name=name, now=now, registry=state)
        found["attachments"] = [
            {"file": one.file_name, "sha256": one.sha256, "bytes": one.size_bytes} for one in attachments
        ]
        found["orders"] = [views.freeze_document(freeze, name=name, now=now) for freeze in freezes]
        found["certificates"] = [views.certificate_document(part, name=name) for part in parts]
        output.document(found)
        return
    facts = views.receivable_facts(row, invoice, freezes, name=name, now=now, registry=state)
    output.facts([*facts, *(("attached", f"{one.file_name}, SHA-256 {one.sha256.hex()}") for one in attachments)])
    output.console.print()
    output.console.print(
        output.table(
            ["certificate", "amount ", "holder", "frozen by"],
            ((*views.certificate_cells(part, name=name), views.frozen_by(part, freezes)) for part in parts),
            nothing="no certificates: it is not confirmed",
        )
    )


def _receivables(asking: Asking, sought: Sought, *, after: int | None, limit: int | None) -> Listing:
    from registry.cli import views
    from registry.store.queries import receivables
    from registry.store.queries.pages import PAGE_ROWS_MAX, every

    connection, now = asking.snapshot, asking.now
    rows, more = first(
        limit,
        every(
            lambda key: receivables.receivables(connection, after=key, limit=PAGE_ROWS_MAX, **sought),
            after=after,
        ),
    )
    name = names(connection, (address for row in rows for address in (row.debtor, row.originator)))
    return Listing(
        [views.receivable_document(row, name=name, now=now, registry=asking.state) for row in rows],
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
    rows, more = first(
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


def _invoice_shown(invoice: InvoiceRow | None, row: ReceivableRow) -> str:
    """The invoice behind a claim: its number, or that the claim is a copy of somebody else's."""
    if invoice is None:
        return "not known here"
    return invoice.number if invoice.originator == row.originator else "another seller's: do not confirm"
