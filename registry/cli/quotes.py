"""Quotes of financiers: offer one, look at those offered, take one."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from registry.cli import output
from registry.cli.certificates import note_ending_recourse
from registry.cli.common import (
    Acting,
    As,
    Asking,
    CertificateArgument,
    JsonFlag,
    Limit,
    Listing,
    Told,
    asking,
    first,
    listing,
    names,
    operation,
    paper,
)
from registry.cli.files import STDOUT, writing
from registry.cli.lists import receivable_row
from registry.cli.output import named_refusals
from registry.domain.calendar import instant, midnight
from registry.domain.identifiers import (
    CertificateId,
    parse_certificate_id,
    parse_receivable_id,
)
from registry.domain.journal import Pledged, Sold
from registry.domain.receivable import DAY_SECONDS
from registry.terminal import safe

if TYPE_CHECKING:
    from registry.commands.sending import Done
    from registry.domain.identifiers import Address
    from registry.store.queries import Connection
    from registry.store.queries.quotes import QuoteRow
    from registry.store.queries.receivables import ReceivableRow

app = typer.Typer()
quote = typer.Typer(help="Financing against cash: offer, accept, give up.", no_args_is_help=True)
command = functools.partial(quote.command)

QuoteArgument = Annotated[
    str, typer.Argument(metavar="QUOTE", help="Its number or digest as the list has it, or the file.")
]
VALID_DAYS = 7


@command()
@operation()
def offer(
    acting: Acting,
    certificate: CertificateArgument,
    *,
    price: Annotated[str, typer.Option(metavar="AMOUNT", help="What you pay now.")],
    part: Annotated[str | None, typer.Option(metavar="AMOUNT", help="Buy only so much of it, from its tail.")] = None,
    recourse: Annotated[
        str | None, typer.Option(metavar="AMOUNT", help="What the seller gives back if the debtor does not pay.")
    ] = None,
    pledge: Annotated[bool, typer.Option("--pledge", help="Lend on the whole certificate instead of buying.")] = False,
    secured: Annotated[
        str | None, typer.Option(metavar="AMOUNT", help="With --pledge: what you are paid first of it.")
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help=f"Last day (UTC) to accept it; else {VALID_DAYS} days from now."),
    ] = None,
    out: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write the signed quote there, to send it to the holder.")
    ] = None,
) -> Told:
    """Sign a quote for the holder of a certificate: only that holder is shown it, and can accept it."""
    from registry.cli import money_views
    from registry.commands import quotes

    if pledge is (secured is None) or (pledge and (part or recourse)):
        raise typer.BadParameter("give --pledge with --secured, or a sale with --part and --recourse if you like")
    if out == STDOUT:
        raise typer.BadParameter("a quote is written into a file; --json prints it", param_hint="--out")
    whole = parse_certificate_id(certificate)
    expiry = acting.deadline(VALID_DAYS) if until is None else midnight(until.date()) + DAY_SECONDS - 1
    with writing(out) if out is not None else nullcontext() as write:
        offered = quotes.offer(
            acting.services,
            signer=acting.signer,
            certificate=whole,
            price=price,
            expiry=expiry,
            part=part,
            recourse=recourse,
            secured=secured,
        )
        document = offered.signed.to_json()
        if write is not None:
            write(paper(document))
    row, currency = offered.row, offered.cost.price.currency.numeric
    with acting.services.database.snapshot() as connection:
        name, receivable = _about(connection, row)
    lines = [money_views.cost_line(offered.cost)]
    if not offered.is_funded:
        price_text = f"{offered.cost.price.amount} {offered.cost.price.currency}"
        lines.append(f"the desk may not take that of your deposit: `deposit allow {price_text} --spender desk` lets it")
    found = money_views.quote_document(row, receivable, name=name, now=acting.now)
    return Told(
        f"quote {row.quote_id} for {name(row.holder)}: {money_views.quote_terms(row, currency=currency)}, "
        f"until {instant(row.expiry_at)}",
        None,
        {"quote": found, "funded": offered.is_funded, "document": document},
        lines,
    )


@command("list")
@listing
def list_(
    asking: Asking,
    *,
    as_: As,
    of: Annotated[
        str | None, typer.Option(metavar="R-1", help="Only those for certificates of this receivable.")
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Also those that were accepted or given up, or ran out.")] = False,
    after: Annotated[int | None, typer.Option(metavar="NUMBER", help="Only what came before this quote.")] = None,
    limit: Limit = None,
) -> Listing:
    """The quotes that a party made or may accept, the newest first. Nobody else is shown them."""
    from registry.cli import money_views
    from registry.store.queries import quotes, receivables
    from registry.store.queries.pages import PAGE_ROWS_MAX, every

    receivable_id = None if of is None else parse_receivable_id(of)
    party, now = asking.account(as_), asking.now
    rows, more = first(
        limit,
        every(
            lambda key: quotes.quotes(
                asking.snapshot,
                party=party,
                receivable_id=receivable_id,
                open_at=None if all_ else now,
                after=key,
                limit=PAGE_ROWS_MAX,
            ),
            after=after,
        ),
    )
    terms = {number: receivables.receivable(asking.snapshot, number) for number in {row.receivable_id for row in rows}}
    name = names(asking.snapshot, [address for row in rows for address in (row.financier, row.holder)])
    # A reorg can have taken the receivable back; the quote then waits for it.
    found = [(row, receivable) for row in rows if (receivable := terms[row.receivable_id]) is not None]
    return Listing(
        [money_views.quote_document(row, receivable, name=name, now=now) for row, receivable in found],
        money_views.QUOTE_COLUMNS,
        lambda: output.table(
            ["quote ", "from", "to", "terms", "a year ", "until", "state"],
            (
                (
                    row.quote_id,
                    name(row.financier),
                    name(row.holder),
                    money_views.quote_terms(row, currency=receivable.currency),
                    money_views.quote_cost(row, receivable, now=now).rate or "",
                    instant(row.expiry_at),
                    row.state(now=now),
                )
                for row, receivable in found
            ),
            nothing=f"no quotes for {safe(as_)}",
        ),
        following=rows[-1].quote_id if more else None,
    )


@command()
@named_refusals
def show(quote: QuoteArgument, *, as_: As, json_output: JsonFlag = False) -> None:
    """A quote, as its financier or the holder that it names is shown it: what it gives, takes and costs."""
    from registry.cli import money_views
    from registry.commands import quotes

    with asking() as registry:
        row = quotes.kept(registry.snapshot, quote, party=registry.account(as_))
        name, receivable = _about(registry.snapshot, row)
        now = registry.now
    if json_output:
        output.document(money_views.quote_document(row, receivable, name=name, now=now))
        return
    output.facts(
        [
            ("quote", row.quote_id),
            ("state", row.state(now=now)),
            ("from", name(row.financier)),
            ("to", name(row.holder)),
            ("terms", money_views.quote_terms(row, currency=receivable.currency)),
            ("costs", money_views.cost_line(money_views.quote_cost(row, receivable, now=now))),
            ("until", instant(row.expiry_at)),
            ("digest", "0x" + row.digest.hex()),
        ]
    )


@command()
@operation(signable=True, taken="`quote submit FILE` submits it")
def accept(acting: Acting, quote: QuoteArgument) -> Told:
    """Take a quote, as the holder that it names: cash and certificate move together."""
    from registry.chain.quotes import QuoteKind
    from registry.commands import quotes

    offered = quotes.find(acting.services, quote, party=acting.account(acting.name))
    terms = offered.quote
    if terms.kind is QuoteKind.SALE:
        note_ending_recourse(acting, CertificateId(terms.receivable_id, terms.start, terms.end))
    accepted = quotes.accept(acting.services, signer=acting.hand, offered=offered)
    lines = [] if accepted.approved is None else ["the desk was approved for the certificate first"]
    more = {} if accepted.approved is None else {"approval": accepted.approved.tx_hash}
    return Told(_carried_out(acting, accepted.done), accepted.done, more, lines)


@command()
@operation()
def cancel(acting: Acting, quote: QuoteArgument) -> Told:
    """Give up a quote that you made, before it is accepted."""
    from registry.commands import quotes

    offered = quotes.find(acting.services, quote, party=acting.account(acting.name))
    done = quotes.cancel(acting.services, signer=acting.signer, offered=offered)
    return Told(f"quote {quote} can no longer be accepted", done)


@command()
@operation()
def submit(
    acting: Acting, file: Annotated[Path, typer.Argument(metavar="FILE", help="What `quote accept --sign` wrote.")]
) -> Told:
    """Submit an acceptance that the holder signed: you pay for the transaction."""
    from registry.commands import quotes

    done = quotes.submit(acting.services, signer=acting.signer, accepted=quotes.read_accepted(file))
    return Told(_carried_out(acting, done), done)


# ---------------------------------------------------------------- internal


def _about(connection: Connection, row: QuoteRow) -> tuple[Callable[[Address], str], ReceivableRow]:
    """The names in a quote, and the receivable that it is for. Raises UnknownReceivable."""
    return names(connection, [row.financier, row.holder]), receivable_row(connection, row.receivable_id)


def _carried_out(acting: Acting, done: Done) -> str:
    """A financing in words."""
    from registry.cli import views

    (entry,) = (entry for entry in done.entries if isinstance(entry, Sold | Pledged))
    currency = acting.services.view.records([entry.receivable_id])[entry.receivable_id].currency
    with acting.services.database.snapshot() as connection:
        financier = names(connection, [entry.financier])(entry.financier)
    price, start = views.money(entry.price, currency), entry.cut if isinstance(entry, Sold) else entry.start
    what = CertificateId(entry.receivable_id, start, entry.end)
    deal = "is sold" if isinstance(entry, Sold) else "is pledged"
    return f"{what} {deal} to {financier} for {price}"


app.add_typer(quote, name="quote", rich_help_panel="Money")
