"""Members: admit, suspend, list."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from registry.cli import output
from registry.cli.common import Acting, Asking, Limit, Listing, Told, first, listing, operation
from registry.domain.calendar import day
from registry.domain.identifiers import format_address
from registry.domain.receivable import DAY_SECONDS, Role, SuspensionReason
from registry.domain.rules import UnknownMember

if TYPE_CHECKING:
    from registry.store.queries.members import MemberRow

app = typer.Typer(help="Members: admit, suspend, list.", no_args_is_help=True)


class RoleName(StrEnum):
    """Roles by the names that --role takes."""

    SUPPLIER = "supplier"
    DEBTOR = "debtor"
    FINANCIER = "financier"


class StandingName(StrEnum):
    """How a member stands, by the names that --status takes."""

    ACTIVE = "active"
    EXPIRED = "expired"
    SUSPENDED = "suspended"


class PartyOfInvoice(StrEnum):
    """Which party of an invoice --party means."""

    SELLER = "seller"
    BUYER = "buyer"


class SuspensionReasonName(StrEnum):
    """Why a member is suspended."""

    KYC = "kyc"
    SANCTIONS = "sanctions"
    DISHONOUR = "dishonour"
    OWN_REQUEST = "own_request"
    OTHER = "other"


@app.command("add")
@operation(as_="operator")
def member_add(
    acting: Acting,
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
) -> Told:
    """Admit a member, or admit it anew with other roles or a new KYC date."""
    from registry.commands import accounts, members
    from registry.documents.parties import parse_identity
    from registry.documents.reading import read_invoice

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
    services = acting.services
    account = acting.account(address) if address else accounts.next_dev_address(services)
    block = services.node.block("latest")
    assert block is not None  # a chain has a newest block
    done, handle = members.admit(
        services,
        signer=acting.signer,
        member=account,
        name=name,
        identity=identity,
        roles=roles,
        kyc_expiry=block.at + kyc_days * DAY_SECONDS,
        handle=handle,
    )
    shown = format_address(account)
    return Told(f"{handle} is a member: {name}, {shown}", done, {"handle": handle, "address": shown})


@app.command("suspend")
@operation(as_="operator")
def member_suspend(
    acting: Acting,
    who: Annotated[str, typer.Argument(metavar="MEMBER", help="Handle or address.")],
    *,
    reason: Annotated[SuspensionReasonName, typer.Option(help="Why.")] = SuspensionReasonName.OTHER,
) -> Told:
    """Suspend a member: it neither sends nor receives until it is added again."""
    from registry.commands import members

    done = members.suspend(
        acting.services, signer=acting.signer, member=acting.account(who), reason=SuspensionReason[reason.name]
    )
    return Told(f"{who} is suspended", done)


@app.command("list")
@listing
def member_list(
    asking: Asking,
    *,
    role: Annotated[RoleName | None, typer.Option(help="Only who has it, besides others too.")] = None,
    status: Annotated[StandingName | None, typer.Option(help="Only who stands there now.")] = None,
    after: Annotated[str | None, typer.Option(metavar="MEMBER", help="Only who follows: a handle or address.")] = None,
    limit: Limit = None,
) -> Listing:
    """The members, with their handles for --as and --to."""
    from registry.cli import views
    from registry.store.queries import members, orders
    from registry.store.queries.pages import PAGE_ROWS_MAX, every

    last = None if after is None else members.member(asking.snapshot, asking.account(after))
    if after is not None and last is None:
        raise UnknownMember(f"{after} was never admitted")
    now, kind = asking.now, None if role is None else Role[role.name]
    # Members are few: all are read, for people look them up by handle and the chain knows addresses.
    found = (
        row
        for row in sorted(
            every(lambda key: members.members(asking.snapshot, after=key, limit=PAGE_ROWS_MAX, role=kind)), key=_place
        )
        if (last is None or _place(row) > _place(last))
        and (status is None or views.member_status(row, now=now) == status)
    )
    rows, more = first(limit, found)
    frozen = {
        freeze.member for freeze in orders.freezes_on(asking.snapshot, now=now, members=(row.address for row in rows))
    }
    return Listing(
        [views.member_document(row, now=now, frozen=row.address in frozen) for row in rows],
        views.MEMBER_COLUMNS,
        lambda: output.table(
            ["handle", "name", "roles", "status", "KYC until"],
            (
                (
                    row.handle or "",
                    row.name or "",
                    views.roles(row.roles),
                    views.member_status(row, now=now) + (", frozen" if row.address in frozen else ""),
                    day(row.kyc_expiry_at),
                )
                for row in rows
            ),
            nothing="no members yet; `counterfoil member add` admits one"
            if (role, status, after) == (None, None, None)
            else "no such members",
        ),
        following=(rows[-1].handle or format_address(rows[-1].address)) if more else None,
    )


def _place(row: MemberRow) -> tuple[bool, str, bytes]:
    """By handle, and who has none at the end."""
    return row.handle is None, row.handle or "", row.address
