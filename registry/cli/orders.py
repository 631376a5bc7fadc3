"""Orders of authorities: one officer signs, another one carries out."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from registry.cli import output
from registry.cli.common import (
    VALID_DAYS_DEFAULT,
    Acting,
    Asking,
    CertificateArgument,
    Limit,
    Listing,
    Told,
    ValidDays,
    first,
    listing,
    names,
    operation,
    paper,
)
from registry.cli.files import STDOUT, writing
from registry.domain.calendar import instant, midnight
from registry.domain.identifiers import (
    CertificateId,
    IdMalformed,
    parse_certificate_id,
    parse_receivable_id,
)
from registry.domain.receivable import DAY_SECONDS
from registry.terminal import safe

if TYPE_CHECKING:
    from registry.chain.operations import Order
    from registry.commands.orders import OrderDocument, Reference

app = typer.Typer()
command = functools.partial(app.command, rich_help_panel="Orders")
order = typer.Typer(help="Orders of authorities: sign one, carry it out.", no_args_is_help=True)

What = Annotated[
    str,
    typer.Argument(metavar="WHAT", help="R-1/0-5000 (also a part of a certificate, in minor units), R-1, or a member."),
]
Authority = Annotated[str, typer.Option(help="Who gave the order, e.g. a court.")]
Number = Annotated[str, typer.Option(help="The number that the authority gave it.")]
OutputFile = Annotated[str, typer.Option("-o", "--output", metavar="FILE", help="Where the signed order goes.")]
From = Annotated[
    str | None, typer.Option("--from", metavar="100.00", help="First amount, from the certificate's start.")
]
Until = Annotated[str | None, typer.Option("--to", metavar="250.00", help="Last amount, from the certificate's start.")]


@order.command()
@operation()
def freeze(
    acting: Acting,
    what: What,
    *,
    authority: Authority,
    number: Number,
    until: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="Last day (UTC) on which the order holds.")],
    from_: From = None,
    to: Until = None,
    target: OutputFile,
    valid_days: ValidDays = VALID_DAYS_DEFAULT,
) -> Told:
    """Sign that a certificate, exact cents of it, a receivable or a member is frozen until a day."""
    from registry.commands import orders

    expiry = midnight(until.date()) + DAY_SECONDS
    reference = orders.Reference(authority, number)
    match _named(what):
        case CertificateId() as certificate:
            cents = _cents(acting, certificate, from_, to)
            ordered = orders.freeze_certificate(acting.services, cents, reference, expiry=expiry)
        case int(receivable_id):
            ordered = orders.freeze_receivable(receivable_id, reference, expiry=expiry)
        case str(member):
            ordered = orders.freeze_member(acting.account(member), reference, expiry=expiry)
    return _sign(acting, reference, ordered, target, valid_days=valid_days)


@order.command()
@operation()
def unfreeze(
    acting: Acting,
    what: What,
    *,
    authority: Authority,
    number: Number,
    target: OutputFile,
    valid_days: ValidDays = VALID_DAYS_DEFAULT,
) -> Told:
    """Sign that an order no longer freezes a certificate, a receivable or a member."""
    from registry.commands import orders

    reference = orders.Reference(authority, number)
    match _named(what):
        case CertificateId() as certificate:
            ordered = orders.unfreeze_certificate(certificate, reference)
        case int(receivable_id):
            ordered = orders.unfreeze_receivable(receivable_id, reference)
        case str(member):
            ordered = orders.unfreeze_member(acting.account(member), reference)
    return _sign(acting, reference, ordered, target, valid_days=valid_days)


@order.command()
@operation()
def partition(
    acting: Acting,
    certificate: CertificateArgument,
    *,
    authority: Authority,
    number: Number,
    from_: From = None,
    to: Until = None,
    target: OutputFile,
    valid_days: ValidDays = VALID_DAYS_DEFAULT,
) -> Told:
    """Sign that exact cents are cut out of a certificate; its holder stays."""
    from registry.commands import orders

    reference = orders.Reference(authority, number)
    cents = _cents(acting, parse_certificate_id(certificate), from_, to)
    return _sign(acting, reference, orders.partition(acting.services, cents, reference), target, valid_days=valid_days)


@order.command()
@operation()
def transfer(
    acting: Acting,
    certificate: CertificateArgument,
    *,
    to: Annotated[str, typer.Option("--to", help="Who gets it: a handle or an address.")],
    authority: Authority,
    number: Number,
    target: OutputFile,
    valid_days: ValidDays = VALID_DAYS_DEFAULT,
) -> Told:
    """Sign that a certificate, frozen under the order for its delay, goes to somebody."""
    from registry.commands import orders

    reference = orders.Reference(authority, number)
    whole = parse_certificate_id(certificate)
    ordered = orders.transfer(acting.services, whole, reference, receiver=acting.account(to))
    return _sign(acting, reference, ordered, target, valid_days=valid_days)


@order.command("carry-out")
@operation()
def carry_out(
    acting: Acting, file: Annotated[Path, typer.Argument(metavar="FILE", help="What the other officer signed.")]
) -> Told:
    """Carry out what another officer signed: checked, told, then sent; --dry-run tells only."""
    from registry.commands import orders

    document = orders.OrderDocument.read(file)
    told = _about(acting, document)
    for line in (f"order of {document.reference.authority}, {document.reference.number}", *told):
        output.note(safe(line))
    done = orders.carry_out_order(acting.services, signer=acting.signer, document=document)
    return Told(
        f"carried out: order of {document.reference.authority}, {document.reference.number}",
        done[-1],
        {"order": document.reference.hash, "transactions": [one.tx_hash for one in done]},
    )


@command("orders")
@listing
def list_(
    asking: Asking,
    *,
    on: Annotated[
        str | None, typer.Option("--on", metavar="WHAT", help="Only on this member, receivable, or cents: R-1/0-5000.")
    ] = None,
    expired: Annotated[bool, typer.Option("--expired", help="Also those that no longer hold.")] = False,
    after: Annotated[
        str | None, typer.Option(metavar="KEY", help="Only what follows this: as the list says where it breaks off.")
    ] = None,
    limit: Limit = None,
) -> Listing:
    """The orders that freeze certificates, receivables and members, the next to expire first."""
    from registry.cli import views
    from registry.store.queries import orders
    from registry.store.queries.pages import every

    named = None if on is None else _named(on)
    start = None if after is None else orders.parse_freeze_key(after)
    receivable_id = named.receivable_id if isinstance(named, CertificateId) else named
    member = asking.account(named) if isinstance(named, str) else None
    found = every(
        lambda key: orders.freezes(
            asking.snapshot,
            after=key,
            receivable_id=receivable_id if isinstance(receivable_id, int) else None,
            member=member,
            in_force_at=None if expired else (True, asking.now),
        ),
        after=start,
    )
    if isinstance(named, CertificateId):
        found = (row for row in found if row.concerns(named))
    rows, more = first(limit, found)
    name, now = names(asking.snapshot, (row.member for row in rows)), asking.now
    return Listing(
        [views.freeze_document(row, name=name, now=now) for row in rows],
        views.FREEZE_COLUMNS,
        lambda: output.table(
            ["frozen", "order", "since", "until"],
            (
                (views.frozen_thing(row, name=name), views.order(row), instant(row.since_at), instant(row.expiry_at))
                for row in rows
            ),
            nothing="no order freezes anything there",
        ),
        following=rows[-1].key_text if more else None,
    )


# ---------------------------------------------------------------- internal


def _named(what: str) -> CertificateId | int | str:
    """What an order is on, by the form of its name; whatever is no id is a member's name."""
    for parse in (parse_certificate_id, parse_receivable_id):
        try:
            return parse(what)
        except IdMalformed:
            continue
    return what


def _cents(acting: Acting, certificate: CertificateId, first: str | None, last: str | None) -> CertificateId:
    from registry.commands import orders

    if first is None and last is None:
        return certificate
    return orders.named_cents(acting.services, certificate, first=first, last=last)


def _sign(acting: Acting, reference: Reference, ordered: Sequence[Order], target: str, *, valid_days: int) -> Told:
    from registry.commands import orders

    if target == STDOUT:
        raise typer.BadParameter("an order is signed into a file", param_hint="--output")
    with writing(target) as write:
        deadline = acting.deadline(valid_days)
        document = orders.sign_order(
            acting.services, signer=acting.signer, reference=reference, ordered=ordered, deadline=deadline
        )
        about = _about(acting, document)
        write(paper(document.to_json()))
    return Told(
        f"signed until {instant(deadline)}, for another officer to carry out ({target}): {'; '.join(about)}",
        None,
        {"order": reference.hash, "operations": about, "deadline": instant(deadline), "file": target},
    )


def _about(acting: Acting, document: OrderDocument) -> list[str]:
    """What the operations of an order would do, one line each."""
    from registry.cli import views
    from registry.commands import orders
    from registry.store.queries import receivables

    with acting.services.database.snapshot() as connection:
        name = names(connection, orders.concerned(document.ordered))
        rows = {
            number: receivables.receivable(connection, number)
            for one in document.ordered
            if (number := getattr(one, "receivable_id", None)) is not None
        }
    return [views.ordered(one, rows.get(getattr(one, "receivable_id", 0)), name=name) for one in document.ordered]


app.add_typer(order, name="order", rich_help_panel="Orders")
