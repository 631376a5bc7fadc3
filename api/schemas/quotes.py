"""Sealed quotes that come over HTTP, and where they stand."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.common import AddressText, BlockOut, HashText, Model
from api.schemas.operations import SignedOperationIn
from registry.store.queries.quotes import QuoteState

QuoteStateText = Annotated[
    str,
    Field(
        description="`withdrawn`: given up by its financier, or another quote was accepted in its place. `void`: its "
        "certificate was cut, joined, handed on, part-paid or is due, or another desk is in use: no acceptance can "
        "come to anything any more.",
        json_schema_extra={"enum": [state.value for state in QuoteState]},
    ),
]


class SignedQuoteIn(BaseModel):
    """A quote that its financier signed (EIP-712), as `counterfoil quote offer` writes it. Numbers are decimal."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    quote: dict[str, Any] = Field(description="The fields of the type `Quote`, in snake_case.")
    signature: str = Field(pattern="^0x([0-9a-fA-F]{2})*$")
    claim_key: HashText
    chain_id: str = Field(examples=["31337"])
    desk: AddressText


class AcceptanceIn(BaseModel):
    """What the holder signed of the quote beside it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    nonce: str = Field(examples=["7"])
    deadline: str = Field(description="Last instant at which it counts, seconds since 1970.", examples=["1800000000"])
    signature: str = Field(pattern="^0x([0-9a-fA-F]{2})*$")


class SignedAcceptanceIn(SignedQuoteIn):
    """A quote with its holder's acceptance, as `counterfoil quote accept … --sign FILE` writes it."""

    acceptance: AcceptanceIn
    approval: SignedOperationIn | None = Field(
        description="The holder's approval of the desk for the certificate, null where the desk has one."
    )


class QuoteRead(Model):
    """Where a quote stands. What it says is for its financier and its holder alone."""

    digest: HashText
    state: QuoteStateText
    as_of_block: BlockOut
