"""Orders of authorities as the API shows them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Annotated

from pydantic import Field

from api.schemas.common import (
    AddressText,
    BlockOut,
    CertificateIdText,
    HashText,
    InstantText,
    Model,
    NextLink,
    PartyOut,
    ReceivableIdText,
    hex_text,
    instant,
)
from api.schemas.entries import EntryOut
from registry.domain.identifiers import Address, format_address, format_receivable_id
from registry.domain.receivable import Scope
from registry.store.queries.orders import FreezeRow, HoldRow, OrderReferenceRow
from registry.store.queries.parties import PartyRow

SCOPES = {scope.name.lower(): scope for scope in Scope}

ScopeText = Annotated[str, Field(description="What the order is on.", json_schema_extra={"enum": [*SCOPES]})]


class HoldOut(Model):
    """An order in force that keeps certificates from moving."""

    order: HashText = Field(description="What names the order on chain: hash of the authority and its number.")
    authority: str | None = Field(description="Null where the text is not known here.", examples=["Amtsgericht Köln"])
    number: str | None = Field(description="Null where the text is not known here.", examples=["71 M 1234/26"])
    scope: ScopeText
    expires_at: InstantText


class FreezeOut(HoldOut):
    """An order on one certificate, receivable or member, with the officers who gave it.

    An expired order stays listed until the contract writes that list again.
    """

    receivable: ReceivableIdText | None = Field(description="Null where it is on a member.")
    certificate: CertificateIdText | None = Field(description="Null unless it is on a certificate.")
    member: PartyOut | None = Field(description="Null unless it is on a member.")
    since: InstantText
    in_force: bool = Field(description="At the time of as_of_block.")
    officer: AddressText
    countersigner: AddressText
    position: int = Field(
        ge=1, description="Position of the entry that froze it, in the receivable's journal; in R-0 of a member."
    )


class FreezePage(Model):
    """Orders on things, the next to expire first."""

    items: list[FreezeOut]
    next: NextLink
    as_of_block: BlockOut


class OrderRead(Model):
    """An order: its text where that is known here, and how much it is on."""

    order: HashText
    authority: str | None = Field(description="Null where the text is not known here.")
    number: str | None = Field(description="Null where the text is not known here.")
    recorded_at: InstantText | None = Field(description="When the text was recorded here.")
    in_force: int = Field(ge=0, description="Things that it freezes at the time of as_of_block.")
    expired: int = Field(ge=0, description="Things on which it has expired and is still listed.")
    as_of_block: BlockOut


class OrderEntryOut(EntryOut):
    """What officers did under an order, with its journal."""

    journal: ReceivableIdText


class OrderEntryPage(Model):
    """What officers did under an order, by journal and position."""

    items: list[OrderEntryOut]
    next: NextLink
    as_of_block: BlockOut


def show_hold(row: HoldRow) -> HoldOut:
    """An order in force as what it freezes shows it."""
    return HoldOut(
        order=hex_text(row.order_hash),
        authority=row.authority,
        number=row.number,
        scope=row.scope.name.lower(),
        expires_at=instant(row.expiry_at),
    )


def show(row: FreezeRow, *, names: Mapping[Address, PartyRow], now: int) -> FreezeOut:
    """A row as the API shows it at `now` (seconds)."""
    on_member = row.scope is Scope.MEMBER
    return FreezeOut(
        **dict(show_hold(row)),
        receivable=None if on_member else format_receivable_id(row.receivable_id),
        certificate=None if row.certificate_id is None else str(row.certificate_id),
        member=PartyOut.of(row.member, names) if on_member else None,
        since=instant(row.since_at),
        in_force=row.is_in_force(now=now),
        officer=format_address(row.officer),
        countersigner=format_address(row.countersigner),
        position=row.position,
    )


def reference_texts(row: OrderReferenceRow | None) -> dict[str, str | None]:
    """Authority, number and when they were recorded, where they are known."""
    if row is None:
        return {"authority": None, "number": None, "recorded_at": None}
    return {
        "authority": row.authority,
        "number": row.number,
        "recorded_at": instant(int(row.recorded_at.timestamp())),
    }


class Holds:
    """The orders in force on what a page shows, by what they are on."""

    def __init__(self, rows: Iterable[HoldRow]) -> None:
        self._on: dict[tuple[Scope, int, int, Address], list[HoldOut]] = defaultdict(list)
        for row in rows:
            self._on[row.scope, row.receivable_id, row.start_minor, row.member].append(show_hold(row))

    def on_receivable(self, receivable_id: int) -> list[HoldOut]:
        """Those on the receivable itself."""
        return self._on.get((Scope.RECEIVABLE, receivable_id, 0, b""), [])

    def on_member(self, member: Address) -> list[HoldOut]:
        """Those on the member."""
        return self._on.get((Scope.MEMBER, 0, 0, member), [])

    def on_certificate(self, receivable_id: int, start: int, *, holder: Address) -> list[HoldOut]:
        """Those that keep it from moving: on itself, on its receivable, on its holder."""
        own = self._on.get((Scope.CERTIFICATE, receivable_id, start, b""), [])
        return [*own, *self.on_receivable(receivable_id), *self.on_member(holder)]
