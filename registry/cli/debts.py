"""Who has not paid, what secures whose loans, who may have to take what back, what was paid."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Annotated, Unpack

import typer

from registry.cli import output
from registry.cli.common import Asking, Limit, Listing, ReceivableArgument, first, listing, names
from registry.cli.lists import receivable_row
from registry.cli.payments import recourse
from registry.domain.calendar import day, instant
from registry.domain.identifiers import parse_certificate_id, parse_receivable_id
from registry.terminal import safe

if TYPE_CHECKING:
    from registry.store.queries.certificates import CertificateRow, CertificatesSought

app = typer.Typer()
command = functools.partial(app.command, rich_help_panel="Finding")

AfterCertificate = Annotated[str | None, typer.Option(metavar="R-1/0-5000", help="Only what follows this certificate.")]


@command()
@listing
def overdue(
    asking: Asking,
    *,
    debtor: Annotated[str | None, typer.Option(help="Only this party's debts.")] = None,
    dishonoured: Annotated[
        bool, typer.Option("--dishonoured", help="Instead, what bears the mark of dishonour, closed books too.")
    ] = False,
    limit: Limit = None,
) -> Listing:
    """What debtors could pay and did not in time, by debtor and currency; `list --phase overdue` names the receivables.

    The mark of dishonour comes when somebody reports it: `dishonour`, which anyone may, from the day named here on.
    """
    from registry.cli import money_views, views
    from registry.store.queries import receivables
    from registry.store.queries.pages import PAGE_ROWS_MAX, every

    party, now = None if debtor is None else asking.account(debtor), asking.now
    ask = receivables.dishonoured if dishonoured else functools.partial(receivables.overdue, now=now)
    rows, more = first(limit, every(lambda key: ask(asking.snapshot, debtor=party, after=key, limit=PAGE_ROWS_MAX)))
    name, state = names(asking.snapshot, (row.debtor for row in rows)), asking.state
    if more:
        output.note("there is more: raise --limit")
    return Listing(
        [money_views.debt_document(row, name=name, now=now, registry=state) for row in rows],
        money_views.DEBT_COLUMNS,
        lambda: output.table(
            ["debtor", "unpaid ", "disputed ", "receivables ", "dishonoured ", "due since", "reportable since"],
            (
                (
                    name(row.debtor),
                    views.money(row.unpaid_minor, row.currency),
                    views.money(row.disputed_minor, row.currency) if row.disputed_minor else "",
                    row.receivables,
                    row.dishonoured or "",
                    day(row.due_at),
                    money_views.reportable_since(row, now=now, registry=state) or "",
                )
                for row in rows
            ),
            nothing="nothing is dishonoured" if dishonoured else "nothing is overdue",
        ),
    )


@command()
@listing
def liens(
    asking: Asking,
    *,
    of: Annotated[str, typer.Option("--of", metavar="BANK", help="The financier that is paid first.")],
    after: AfterCertificate = None,
    limit: Limit = None,
) -> Listing:
    """The certificates that are pledged to a financier, and for how much."""
    from registry.cli import money_views, views

    now = asking.now
    rows, more = _certificates(asking, after=after, limit=limit, lien_financier=asking.account(of))
    name = names(asking.snapshot, (address for row in rows for address in (row.holder, row.debtor)))
    return Listing(
        [money_views.lien_document(row, name=name, now=now) for row in rows],
        money_views.LIEN_COLUMNS,
        lambda: output.table(
            ["certificate", "amount ", "secured ", "paid first ", "holder", "debtor", "due", "phase"],
            (
                (
                    *views.certificate_cells(row, name=name)[:2],
                    views.money(money_views.secured(row), row.currency),
                    views.money(money_views.paid_first(row), row.currency),
                    name(row.holder),
                    name(row.debtor),
                    day(row.due_at),
                    row.phase(now=now),
                )
                for row in rows
            ),
            nothing=f"nothing is pledged to {safe(of)}",
        ),
        following=rows[-1].id if more else None,
    )


@recourse.command("list")
@listing
def recourse_list(
    asking: Asking,
    *,
    of: Annotated[str, typer.Option("--of", metavar="SELLER", help="Who may have to take them back.")],
    after: AfterCertificate = None,
    limit: Limit = None,
) -> Listing:
    """The certificates that a seller has to take back on demand if they are not paid, and for how much."""
    from registry.cli import money_views, views

    now = asking.now
    rows, more = _certificates(asking, after=after, limit=limit, recourse_seller=asking.account(of))
    name = names(asking.snapshot, (address for row in rows for address in (row.holder, row.debtor)))
    return Listing(
        [money_views.recourse_document(row, name=name, now=now) for row in rows],
        money_views.RECOURSE_COLUMNS,
        lambda: output.table(
            ["certificate", "amount ", "recourse ", "paid out ", "demanded", "holder", "debtor", "due", "phase"],
            (
                (
                    *views.certificate_cells(row, name=name)[:2],
                    views.money(money_views.recourse(row).amount, row.currency),
                    views.money(row.claimed_minor, row.currency),
                    "yes" if money_views.recourse(row).demanded else "",
                    name(row.holder),
                    name(row.debtor),
                    day(row.due_at),
                    row.phase(now=now),
                )
                for row in rows
            ),
            nothing=f"{safe(of)} has nothing to take back",
        ),
        following=rows[-1].id if more else None,
    )


def _certificates(
    asking: Asking, *, after: str | None, limit: int | None, **right: Unpack[CertificatesSought]
) -> tuple[list[CertificateRow], bool]:
    """The certificates with a right of somebody's, and whether there are more. Raises IdMalformed."""
    from registry.store.queries import certificates
    from registry.store.queries.pages import PAGE_ROWS_MAX, every

    start = None if after is None else parse_certificate_id(after)
    return first(
        limit,
        every(
            lambda key: certificates.certificates(asking.snapshot, after=key, limit=PAGE_ROWS_MAX, **right),
            after=None if start is None else (start.receivable_id, start.start),
        ),
    )


@command()
@listing
def payments(
    asking: Asking,
    receivable: ReceivableArgument,
    *,
    after: Annotated[int | None, typer.Option(metavar="POSITION", help="Only what follows this entry.")] = None,
    limit: Limit = None,
) -> Listing:
    """What was paid of a receivable, oldest first."""
    from registry.cli import money_views, views
    from registry.store.queries import entries
    from registry.store.queries.pages import PAGE_ROWS_MAX, every

    receivable_id = parse_receivable_id(receivable)
    currency = receivable_row(asking.snapshot, receivable_id).currency
    rows, more = first(
        limit,
        every(
            lambda key: entries.payments(asking.snapshot, receivable_id, after=key, limit=PAGE_ROWS_MAX), after=after
        ),
    )
    name = names(asking.snapshot, (row.payer for row in rows))
    return Listing(
        [money_views.payment_document(row, name=name, currency=currency) for row in rows],
        money_views.PAYMENT_COLUMNS,
        lambda: output.table(
            ["entry ", "at", "amount ", "payer", "transaction"],
            (
                (
                    row.position,
                    instant(row.at),
                    views.money(row.amount_minor, currency),
                    name(row.payer),
                    "0x" + row.tx_hash.hex(),
                )
                for row in rows
            ),
            nothing="nothing was paid yet",
        ),
        following=rows[-1].position if more else None,
    )
