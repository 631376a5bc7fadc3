"""Finding receivables: lists, one with all that there is about it, what waits, what falls due, what a holder has."""

from __future__ import annotations

import functools
from datetime import date, datetime
from enum import StrEnum
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
from registry.domain.receivable import DAY_SECONDS, Phase, Scope, Status
from registry.domain.rules import UnknownReceivable
from registry.terminal import safe

if TYPE_CHECKING:
    from registry.store.queries import Connection
    from registry.store.queries.invoices import InvoiceRow
    from registry.store.queries.receivables import DueDayKey, ReceivableRow, Sought

app = typer.Typer()
command = functools.partial(app.command, rich_help_panel="Finding")


class StatusName(StrEnum):
    """Statuses on chain, by the names that --status takes."""

    REGISTERED = "registered"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"
    SETTLED = "settled"
    CLOSED = "closed"


FirstDay = Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First due date.")]
LastDay = Annotated[datetime | None, typer.Option("--until", formats=["%Y-%m-%d"], help="Last due date.")]


@command()
@listing
def inbox(
    asking: Asking,
    *,
    as_: As,
    after: Annotated[str | None, typer.Option(metavar="R-1", help="Only what follows this receivable.")] = None,
    limit: Limit = None,
) -> Listing:
    """What waits for a debtor's answer, the nearest deadline first, with what was offered instead."""
    from registry.cli import views
    from registry.store.queries import invoices, receivables
    from registry.store.queries.pages import PAGE_ROWS_MAX, every

    receivable_id = None if after is None else parse_receivable_id(after)
    debtor = asking.account(as_)
    last = None if receivable_id is None else receivable_row(asking.snapshot, receivable_id)
    rows, more = first(
        limit,
        every(
            lambda key: receivables.pending(asking.snapshot, debtor, after=key, limit=PAGE_ROWS_MAX),
            after=None if last is None else (last.answer_by, last.receivable_id),
        ),
    )
    kept = invoices.invoices_by_root(asking.snapshot, (row.document_root for row in rows))
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
                    _invoice_shown(kept.get(row.document_root), row),
                    views.lapses(row, state),
                    views.offered(row) or "",
                )
                for row in rows
            ),
            nothing=f"nothing waits for {safe(as_)}",
        ),
        following=format_receivable_id(rows[-1].receivable_id) if more else None,
    )


@command()
@listing
def calendar(
    asking: Asking,
    *,
    as_: As,
    from_: FirstDay = None,
    until: LastDay = None,
    after: Annotated[
        str | None, typer.Option(metavar="2027-01-31/EUR", help="Only what follows this day and currency.")
    ] = None,
    limit: Limit = None,
) -> Listing:
    """What a debtor has promised to pay, by due date and currency."""
    from registry.cli import views
    from registry.store.queries import receivables
    from registry.store.queries.pages import every

    start = None if after is None else _due_day(after)
    debtor = asking.account(as_)
    rows, more = first(
        limit,
        every(
            lambda key: receivables.due_days(
                asking.snapshot,
                debtor,
                after=key,
                due_from=_begin(from_),
                due_before=_end(until),
            ),
            after=start,
        ),
    )
    return Listing(
        [
            {
                "due_date": day(row.due_at),
                "receivables": row.receivables,
                "amount": views.money(row.amount_minor, row.currency).to_json(),
                "disputed": views.money(row.disputed_minor, row.currency).to_json(),
            }
            for row in rows
        ],
        ("due_date", "receivables", "amount", "amount_currency", "disputed"),
        lambda: output.table(
            ["due", "receivables ", "amount ", "disputed "],
            (
                (
                    day(row.due_at),
                    row.receivables,
                    views.money(row.amount_minor, row.currency),
                    views.money(row.disputed_minor, row.currency) if row.disputed_minor else "",
                )
                for row in rows
            ),
            nothing=f"nothing that {safe(as_)} confirmed falls due then",
        ),
        following=f"{day(rows[-1].due_at)}/{money.currency_to_show(rows[-1].currency)}" if more else None,
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
                "frozen_amount": views.money(row.frozen_minor, row.currency).to_json(),
                "pledged_amount": views.money(row.pledged_minor, row.currency).to_json(),
                "disputed_amount": views.money(row.disputed_minor, row.currency).to_json(),
                "paid_out": views.money(row.claimed_minor, row.currency).to_json(),
                "redeemable": views.money(row.redeemable_minor, row.currency).to_json(),
            }
            for row in rows
        ],
        (
            "currency",
            "phase",
            "certificates",
            "amount",
            "frozen_amount",
            "pledged_amount",
            "disputed_amount",
            "paid_out",
            "redeemable",
        ),
        lambda: output.table(
            [
                "currency",
                "phase",
                "certificates ",
                "amount ",
                "frozen ",
                "pledged ",
                "disputed ",
                "paid out ",
                "waiting ",
            ],
            (
                (
                    money.currency_to_show(row.currency),
                    row.phase,
                    row.certificates,
                    views.money(row.amount_minor, row.currency),
                    *(
                        views.money(minor, row.currency) if minor else ""
                        for minor in (
                            row.frozen_minor,
                            row.pledged_minor,
                            row.disputed_minor,
                            row.claimed_minor,
                            row.redeemable_minor,
                        )
                    ),
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
    status: Annotated[StatusName | None, typer.Option(help="Only what has this status on chain.")] = None,
    frozen: Annotated[
        bool | None, typer.Option("--frozen/--not-frozen", help="Only what an order in force hinders, or none does.")
    ] = None,
    currency: Annotated[str | None, typer.Option(metavar="EUR", help="Only in this currency.")] = None,
    due_from: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First due date.")] = None,
    due_until: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last due date.")] = None,
    registered_from: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First day of registration (UTC).")
    ] = None,
    registered_until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day of registration (UTC).")
    ] = None,
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
        "status": None if status is None else Status[status.name],
        "due_from": _begin(due_from),
        "due_before": _end(due_until),
        "registered_from": _begin(registered_from),
        "registered_before": _end(registered_until),
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
        return _receivables(asking, sought, frozen=frozen, after=key, limit=limit)
    return _certificates(asking, sought, frozen=frozen, holder=holder, after=certificate_key, limit=limit)


@command()
@listing
def duplicates(
    asking: Asking,
    *,
    of: Annotated[str | None, typer.Option(metavar="R-1", help="Only those of this receivable's claim.")] = None,
    originator: Annotated[str | None, typer.Option(help="Only what this party tried.")] = None,
    after: Annotated[int | None, typer.Option(metavar="NUMBER", help="Only what came before this attempt.")] = None,
    limit: Limit = None,
) -> Listing:
    """Second registrations of a claim that were refused, the newest first."""
    from registry.cli import views
    from registry.store.queries import invoices
    from registry.store.queries.pages import PAGE_ROWS_MAX, every

    receivable_id = None if of is None else parse_receivable_id(of)
    party = None if originator is None else asking.account(originator)
    rows, more = first(
        limit,
        every(
            lambda key: invoices.duplicate_attempts(
                asking.snapshot, after=key, limit=PAGE_ROWS_MAX, originator=party, receivable_id=receivable_id
            ),
            after=after,
        ),
    )
    name = names(asking.snapshot, (row.originator for row in rows))
    documents = [views.duplicate_document(row, name=name) for row in rows]
    return Listing(
        documents,
        views.DUPLICATE_COLUMNS,
        lambda: output.table(
            ["attempt ", "at", "of", "by", "file", "code"],
            (
                (one["attempt"], one["at"], one["receivable"], one["originator"]["handle"], one["file"], one["code"])
                for one in documents
            ),
            nothing="no such attempts",
        ),
        following=rows[-1].attempt_id if more else None,
    )


@command()
@named_refusals
def show(receivable: ReceivableArgument, *, json_output: JsonFlag = False) -> None:
    """A receivable: its terms, what was offered, the orders on it, its certificates."""
    from registry.cli import views
    from registry.store.queries import certificates, invoices, journals, orders
    from registry.store.queries.pages import every

    receivable_id = parse_receivable_id(receivable)
    with asking() as registry:
        connection, now, state = registry.snapshot, registry.now, registry.state
        row = receivable_row(connection, receivable_id)
        assert registry.cursor is not None  # its row is mirrored
        standing = journals.standings(connection, [receivable_id], cursor=registry.cursor)[receivable_id]
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
        name = names(connection, [row.debtor, row.originator, *(one for part in parts for one in views.people(part))])
    hindering = views.hindrances(freezes)
    if json_output:
        found = views.receivable_document(row, name=name, now=now, registry=state)
        found["finality"], found["set_aside"] = str(standing.finality), standing.set_aside
        found["attachments"] = [
            {"file": one.file_name, "sha256": one.sha256, "bytes": one.size_bytes} for one in attachments
        ]
        found["orders"] = [views.freeze_document(freeze, name=name, now=now) for freeze in freezes]
        found["certificates"] = [
            views.certificate_document(part, name=name, frozen=bool(hindering(part))) for part in parts
        ]
        output.document(found)
        return
    facts = views.receivable_facts(row, invoice, freezes, standing, name=name, now=now, registry=state)
    output.facts([*facts, *(("attached", f"{one.file_name}, SHA-256 {one.sha256.hex()}") for one in attachments)])
    output.console.print()
    output.console.print(
        output.table(
            ["certificate", "amount ", "holder", "rights", "frozen by"],
            (
                (
                    *views.certificate_cells(part, name=name),
                    views.rights(part, name=name),
                    # What freezes the whole receivable is said above.
                    views.orders(order for order in hindering(part) if order.scope is not Scope.RECEIVABLE),
                )
                for part in parts
            ),
            nothing=f"no certificates: {views.without_certificates(row)}",
        )
    )


def _receivables(
    asking: Asking, sought: Sought, *, frozen: bool | None, after: int | None, limit: int | None
) -> Listing:
    from registry.cli import views
    from registry.store.queries import receivables
    from registry.store.queries.pages import PAGE_ROWS_MAX, every

    connection, now = asking.snapshot, asking.now
    frozen_at = None if frozen is None else (frozen, now)
    rows, more = first(
        limit,
        every(
            lambda key: receivables.receivables(
                connection, after=key, limit=PAGE_ROWS_MAX, frozen_at=frozen_at, **sought
            ),
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
            if any(value is not None for value in (after, frozen, *sought.values()))
            else "no receivables; `counterfoil register FILE --as SELLER` makes one",
        ),
        following=format_receivable_id(rows[-1].receivable_id) if more else None,
    )


def _certificates(
    asking: Asking,
    sought: Sought,
    *,
    frozen: bool | None,
    holder: str,
    after: CertificateId | None,
    limit: int | None,
) -> Listing:
    from registry.cli import views
    from registry.store.queries import certificates, orders
    from registry.store.queries.pages import PAGE_ROWS_MAX, every

    connection, holding = asking.snapshot, asking.account(holder)
    frozen_at = None if frozen is None else (frozen, asking.now)
    rows, more = first(
        limit,
        every(
            lambda key: certificates.certificates(
                connection, holder=holding, after=key, limit=PAGE_ROWS_MAX, frozen_at=frozen_at, **sought
            ),
            after=None if after is None else (after.receivable_id, after.start),
        ),
    )
    name = names(connection, [holding, *(address for row in rows for address in views.people(row))])
    hindering = views.hindrances(
        orders.freezes_on(
            connection,
            now=asking.now,
            certificates=((row.receivable_id, row.start_minor) for row in rows),
            members=[holding],
        )
    )
    return Listing(
        [views.held_document(row, name=name, frozen=bool(hindering(row))) for row in rows],
        views.HELD_COLUMNS,
        lambda: output.table(
            ["certificate", "amount ", "due", "debtor", "rights", "frozen by"],
            (
                (
                    *views.certificate_cells(row, name=name)[:2],
                    day(row.due_at),
                    name(row.debtor),
                    views.rights(row, name=name),
                    views.orders(hindering(row)),
                )
                for row in rows
            ),
            nothing=f"{safe(holder)} holds no such certificates",
        ),
        following=rows[-1].id if more else None,
    )


def _invoice_shown(invoice: InvoiceRow | None, row: ReceivableRow) -> str:
    """The invoice behind a claim: its number, or that the claim is a copy of somebody else's."""
    if invoice is None:
        return "not known here"
    return invoice.number if invoice.originator == row.originator else "another seller's: do not confirm"


def receivable_row(connection: Connection, receivable_id: int) -> ReceivableRow:
    """A receivable. Raises UnknownReceivable."""
    from registry.store.queries import receivables

    row = receivables.receivable(connection, receivable_id)
    if row is None:
        raise UnknownReceivable(f"there is no {format_receivable_id(receivable_id)}")
    return row


def _begin(first_day: datetime | None) -> int | None:
    return None if first_day is None else midnight(first_day.date())


def _end(last_day: datetime | None) -> int | None:
    """The end of a day, which is the begin of the next one; the year 9999 has a last one."""
    return None if last_day is None else midnight(last_day.date()) + DAY_SECONDS


def _due_day(text: str) -> DueDayKey:
    """A day and a currency of a calendar. Raises UnknownCurrency."""
    written, _, code = text.partition("/")
    try:
        due = date.fromisoformat(written)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not of the form 2027-01-31/EUR", param_hint="--after") from None
    return midnight(due), money.currency(code.strip().upper()).numeric
