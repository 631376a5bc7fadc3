"""Members as the API shows them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from api.schemas.common import (
    AddressText,
    BlockOut,
    HashText,
    InstantText,
    Model,
    NextLink,
    ReasonOut,
    hex_text,
    instant,
)
from api.schemas.orders import HoldOut, Holds
from api.schemas.receivables import DebtOut
from registry.domain.identifiers import format_address
from registry.domain.receivable import MemberStatus, Role, SuspensionReason, reason_name
from registry.store.queries.members import MemberRow

STATUSES = {status.name.lower(): status for status in MemberStatus if status is not MemberStatus.NONE}
ROLES = {str(role.name).lower(): role for role in Role}

MemberStatusText = Annotated[str, Field(description="Status on chain.", json_schema_extra={"enum": [*STATUSES]})]
RoleText = Annotated[str, Field(json_schema_extra={"enum": [*ROLES]})]


class MemberOut(Model):
    """An account that was admitted to the registry."""

    address: AddressText
    handle: str | None = Field(description="Null where the party is not known here.", examples=["voltaic"])
    name: str | None = Field(description="Null where the party is not known here.", examples=["Voltaic Motors AG"])
    status: MemberStatusText
    eligible: bool = Field(description="Whether it may take part in an operation at the time of as_of_block.")
    roles: list[RoleText]
    kyc_expires_at: InstantText
    profile: HashText = Field(description="Salted commitment to name and identity.")
    admitted_at: InstantText
    suspension: ReasonOut | None
    frozen: bool = Field(description="Whether an order on the member is in force: its certificates do not move then.")
    orders: list[HoldOut] = Field(description="The orders in force on the member.")


class MemberRead(MemberOut):
    """One member, and the block at which it is so."""

    dishonoured: list[DebtOut] = Field(
        description="Debts that it did not pay in time, by currency: while there is one, it registers and confirms "
        "nothing as a debtor."
    )
    as_of_block: BlockOut

    @classmethod
    def at(cls, shown: MemberOut, *, dishonoured: list[DebtOut], block: BlockOut) -> MemberRead:
        return cls(**dict(shown), dishonoured=dishonoured, as_of_block=block)


class MemberPage(Model):
    """Members in the order of their addresses."""

    items: list[MemberOut]
    next: NextLink
    as_of_block: BlockOut


def show(row: MemberRow, *, holds: Holds, now: int) -> MemberOut:
    """A row as the API shows it at `now` (seconds)."""
    orders = holds.on_member(row.address)
    return MemberOut(
        address=format_address(row.address),
        handle=row.handle,
        name=row.name,
        status=row.status.name.lower(),
        eligible=row.is_eligible(now=now),
        # A bit without a name is a role that this version does not know.
        roles=[str(role.name).lower() for role in Role if role in row.roles],
        kyc_expires_at=instant(row.kyc_expiry_at),
        profile=hex_text(row.profile),
        admitted_at=instant(row.admitted_at),
        suspension=_suspension(row.suspension_reason),
        frozen=bool(orders),
        orders=orders,
    )


def _suspension(code: int) -> ReasonOut | None:
    if not code:
        return None
    return ReasonOut(code=code, reason=reason_name(SuspensionReason, code))
