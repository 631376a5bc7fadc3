"""The shapes that every answer is made of: money, ranges, instants, parties, blocks.

Integers that may pass 2**53 (minor units, token ids) are decimal strings: a JSON number is a double to most readers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from registry.domain import calendar
from registry.domain.identifiers import Address, format_address
from registry.domain.money import currency_to_show, format_amount
from registry.store.queries.health import CursorRow
from registry.store.queries.parties import PartyRow


class Model(BaseModel):
    """A response body: declared fields and no others."""

    model_config = ConfigDict(extra="forbid", frozen=True)


ReceivableIdText = Annotated[
    str, Field(pattern=r"^R-(0|[1-9][0-9]{0,18})$", description="Id of a receivable.", examples=["R-42"])
]
CertificateIdText = Annotated[
    str,
    Field(
        pattern=r"^R-[1-9][0-9]{0,18}/(0|[1-9][0-9]{0,19})-[1-9][0-9]{0,19}$",
        description="Id of a certificate: its receivable and its range in minor units, end exclusive.",
        examples=["R-42/0-125000"],
    ),
]
AddressText = Annotated[
    str,
    Field(
        pattern="^0x[0-9a-fA-F]{40}$",
        description="Account with its EIP-55 checksum.",
        examples=["0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"],
    ),
]
HashText = Annotated[str, Field(pattern="^0x[0-9a-f]{64}$", description="32 bytes.", examples=["0x" + "4f" * 32])]
InstantText = Annotated[
    str,
    Field(
        pattern=r"^(\+[0-9]{6}|[0-9]{4})-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$",
        description="Instant, ISO 8601 in UTC; after the year 9999 with a signed six-digit year.",
        examples=["2026-11-05T08:30:00Z"],
    ),
]
DayText = Annotated[
    str,
    Field(
        pattern=r"^(\+[0-9]{6}|[0-9]{4})-[0-9]{2}-[0-9]{2}$",
        description="Day, ISO 8601; after the year 9999 with a signed six-digit year.",
        examples=["2027-01-31"],
    ),
]
MinorText = Annotated[
    str, Field(pattern="^(0|[1-9][0-9]{0,19})$", description="Minor units, up to 2**64 - 1.", examples=["125000"])
]
NextLink = Annotated[
    str | None,
    Field(
        description="Where the next page is, null on the last one. Pages go by key: nothing comes twice, "
        "and what is added meanwhile comes in its place.",
        examples=["/v1/receivables?after=R-50&limit=50"],
    ),
]


class MoneyOut(Model):
    """An amount, exact to the minor unit of its currency."""

    amount: str = Field(pattern=r"^[0-9]+(\.[0-9]+)?$", description="Decimal text.", examples=["1250.00"])
    currency: str = Field(
        pattern="^([A-Z]{3}|#[0-9]{3})$",
        description="ISO 4217 code. The contract takes any number from 1 to 999; one that is not an active currency "
        "stands here as # and the number, and the amount is then in minor units.",
        examples=["CNY"],
    )

    @classmethod
    def of(cls, minor: int, currency: int) -> MoneyOut:
        """From minor units and the ISO 4217 number."""
        known = currency_to_show(currency)
        return cls(amount=format_amount(minor, known), currency=known.code)


class RangeOut(Model):
    """[start, end) in minor units."""

    start: MinorText
    end: MinorText

    @classmethod
    def of(cls, start: int, end: int) -> RangeOut:
        return cls(start=str(start), end=str(end))


class PartyOut(Model):
    """Who stands behind an address; handle and name are null where that is not known here."""

    address: AddressText
    handle: str | None = Field(description="Short name.", examples=["voltaic"])
    name: str | None = Field(description="Legal name.", examples=["Voltaic Motors AG"])

    @classmethod
    def of(cls, address: Address, names: Mapping[Address, PartyRow]) -> PartyOut:
        known = names.get(address)
        return cls(
            address=format_address(address),
            handle=known.handle if known else None,
            name=known.name if known else None,
        )


FinalityText = Literal["latest", "safe", "finalized"]


class BlockOut(Model):
    """The block that the answer is true at."""

    number: int = Field(ge=0, examples=[1024])
    hash: HashText
    at: InstantText
    finality: FinalityText = Field(
        description="How final the block is, by the node's own tags, when the mirror took it."
    )

    @classmethod
    def of(cls, cursor: CursorRow) -> BlockOut:
        return cls(
            number=cursor.block_number,
            hash=hex_text(cursor.block_hash),
            at=instant(cursor.block_at),
            finality=cursor.finality.value,
        )


class ReasonOut(Model):
    """A reason code of the registry."""

    code: int = Field(ge=0, le=255, examples=[1])
    reason: str | None = Field(description="Its name, null where the code has none.", examples=["not_ours"])


def hex_text(value: bytes) -> str:
    """0x and lower-case digits."""
    return "0x" + value.hex()


instant = calendar.instant
day = calendar.day
