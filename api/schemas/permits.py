"""Permits that are submitted over HTTP."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.common import AddressText

WholeText = Annotated[str, Field(pattern="^[0-9]{1,78}$")]


class PermitIn(BaseModel):
    """The fields of the type `Permit` (ERC-2612). Numbers are decimal."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    owner: AddressText
    spender: AddressText
    value: Annotated[WholeText, Field(description="Minor units.", examples=["125000"])]
    nonce: Annotated[WholeText, Field(description="The owner's next one at the token.", examples=["7"])]
    deadline: Annotated[
        WholeText, Field(description="Last instant at which it counts, seconds since 1970.", examples=["1800000000"])
    ]


class SignedPermitIn(BaseModel):
    """A permit that its owner signed (EIP-712), as `counterfoil deposit allow … --sign FILE` writes it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    permit: PermitIn
    signature: str = Field(pattern="^0x([0-9a-fA-F]{2})*$", description="Of the owner's own key: r, s and v.")
    chain_id: str = Field(examples=["31337"])
    token: AddressText
    name: str = Field(description="Of the token's signing domain.", examples=["Counterfoil EUR Deposit"])
