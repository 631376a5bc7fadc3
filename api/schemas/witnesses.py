"""Attestations and the state of witnesses as the API shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.common import AddressText, BlockOut, HashText, InstantText, Model, NextLink, hex_text, instant
from registry.domain.identifiers import Address, format_address, parse_address
from registry.store.queries.attestations import AttestationRow, WitnessRow
from registry.verification.attestation import Attestation
from registry.verification.bundle import NUMBER_BITS_MAX

SignatureText = Annotated[
    str, Field(pattern="^0x[0-9a-f]{130}$", description="r, s and v, 65 bytes.", examples=["0x" + "4f" * 64 + "1b"])
]


class AttestationIn(BaseModel):
    """A witness's signature of a block header (EIP-712), as its file has it: docs/proof-format.md, "Attestations"."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    format: Literal["counterfoil/attestation/1"]
    chain_id: int = Field(ge=1, lt=2**NUMBER_BITS_MAX, examples=[31337])
    number: int = Field(ge=0, lt=2**NUMBER_BITS_MAX, description="Number of the block.", examples=[1024])
    hash: HashText
    registry: AddressText = Field(description="The registry that the witness looked at.")
    signature: SignatureText

    def attestation(self) -> Attestation:
        """The same as it is checked. Raises IdMalformed."""
        return Attestation(
            chain_id=self.chain_id,
            number=self.number,
            hash=bytes.fromhex(self.hash[2:]),
            registry=parse_address(self.registry),
            signature=bytes.fromhex(self.signature[2:]),
        )


class AttestationOut(Model):
    """What a witness signed of a block."""

    witness: AddressText
    number: int = Field(ge=0, description="Number of the block.", examples=[1024])
    hash: HashText
    signature: SignatureText
    received_at: InstantText
    agrees: bool | None = Field(
        description="Whether the mirror has this hash at that height; null where it keeps no header of it."
    )


class AttestationList(Model):
    """All that was signed of one block; one page."""

    items: list[AttestationOut]
    next: NextLink
    as_of_block: BlockOut


class WitnessOut(Model):
    """How far a witness is."""

    witness: AddressText
    number: int | None = Field(ge=0, description="Last block that it signed; null before the first.", examples=[1024])
    hash: HashText | None
    received_at: InstantText | None
    lag_blocks: int | None = Field(ge=0, description="Blocks that the mirror has and it has not signed.", examples=[64])
    disagreements: int = Field(
        ge=0, description="Blocks that it signed and that the mirror has with another hash: an alarm unless 0."
    )
    disagrees_at: int | None = Field(ge=0, description="The newest such block.", examples=[1024])


class WitnessList(Model):
    """The witnesses that this registry names; one page."""

    items: list[WitnessOut]
    next: NextLink
    as_of_block: BlockOut


def show(row: AttestationRow) -> AttestationOut:
    """An attestation as the API shows it."""
    return AttestationOut(
        witness=format_address(row.witness),
        number=row.block_number,
        hash=hex_text(row.block_hash),
        signature=hex_text(row.signature),
        received_at=instant(int(row.received_at.timestamp())),
        agrees=row.agrees,
    )


def show_witness(row: WitnessRow, *, block_number: int) -> WitnessOut:
    """A witness as the API shows it, with the mirror at that block."""
    return WitnessOut(
        witness=format_address(row.witness),
        number=row.block_number,
        hash=None if row.block_hash is None else hex_text(row.block_hash),
        received_at=None if row.received_at is None else instant(int(row.received_at.timestamp())),
        lag_blocks=None if row.block_number is None else max(0, block_number - row.block_number),
        disagreements=row.disagreements,
        disagrees_at=row.disagrees_at_block,
    )


def lines(rows: Sequence[AttestationRow], *, chain_id: int, contract: Address) -> bytes:
    """Attestations as a verifier reads them."""
    return b"".join(
        Attestation(chain_id, row.block_number, row.block_hash, contract, row.signature).line() for row in rows
    )
