"""Signed operations that are submitted over HTTP, and what became of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.common import (
    AddressText,
    HashText,
    InstantText,
    Model,
    PartyOut,
    RangeOut,
    ReceivableIdText,
    hex_text,
    instant,
)
from api.schemas.entries import FieldOut, OperationText, addresses_of, fields_of
from registry.commands.relaying import Relayed
from registry.domain.identifiers import Address, format_receivable_id
from registry.domain.journal import Entry
from registry.store.queries.parties import PartyRow


class SecondIn(BaseModel):
    """What the other party signed of a credit note, a dispute or its end."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    signer: AddressText
    anchor: HashText
    claim_key: HashText
    nonce: str = Field(examples=["7"])
    deadline: str = Field(description="Last instant at which it counts, seconds since 1970.", examples=["1800000000"])
    signature: str = Field(pattern="^0x([0-9a-fA-F]{2})*$")


class SignedOperationIn(BaseModel):
    """An operation that its member signed (EIP-712), as `counterfoil … --sign FILE` writes it. Numbers are decimal."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    operation: str = Field(description="Function of the contract.", examples=["split"])
    arguments: dict[str, Any]
    signer: AddressText
    anchor: HashText
    claim_key: HashText
    nonce: str = Field(examples=["7"])
    deadline: str = Field(description="Last instant at which it counts, seconds since 1970.", examples=["1800000000"])
    signature: str = Field(pattern="^0x([0-9a-fA-F]{2})*$")
    chain_id: str = Field(examples=["31337"])
    contract: AddressText
    second: SecondIn | None = Field(default=None, description="Of what two parties agreed about; else left out.")


class AppendedOut(Model):
    """A journal entry that the operation appended."""

    journal: ReceivableIdText
    operation: OperationText
    operation_code: int = Field(ge=1, le=255, examples=[4])
    at: InstantText
    range: RangeOut
    fields: list[FieldOut]
    parties: dict[str, PartyOut]


class MinedOut(Model):
    """The transaction in which a request was carried out."""

    dry_run: Literal[False]
    transaction: HashText
    block_number: int = Field(ge=0, examples=[1024])
    gas: int = Field(ge=0, description="Gas used.", examples=[97_000])
    mirrored: bool = Field(description="Whether reads show it already.")


class ForecastOut(Model):
    """Nothing speaks against the request now; nothing was sent."""

    dry_run: Literal[True]
    gas: int = Field(ge=0, description="Gas that it would use, about.", examples=[97_000])


class SubmittedOut(MinedOut):
    """What became of a signed operation."""

    operation: str = Field(examples=["split"])
    signer: PartyOut
    second: PartyOut | None = Field(description="The other party that signed, of what two agreed about.")
    entries: list[AppendedOut]


class RehearsedOut(ForecastOut):
    """What a signed operation would do: nothing speaks against it now."""

    operation: str = Field(examples=["split"])
    signer: PartyOut
    second: PartyOut | None = Field(description="The other party that signed, of what two agreed about.")


def mined(relayed: Relayed) -> dict[str, Any]:
    """The fields of MinedOut."""
    return {
        "dry_run": False,
        "transaction": hex_text(relayed.tx_hash),
        "block_number": relayed.block_number,
        "gas": relayed.gas,
        "mirrored": relayed.mirrored,
    }


def show(
    operation: str, relayed: Relayed, *, signers: Sequence[Address], names: Mapping[Address, PartyRow]
) -> SubmittedOut:
    """A relayed operation of one or two signers as the API shows it."""
    signer, second = _signed(signers, names)
    return SubmittedOut(
        operation=operation,
        signer=signer,
        second=second,
        entries=appended(relayed.entries, names),
        **mined(relayed),
    )


def show_rehearsed(
    operation: str, gas: int, *, signers: Sequence[Address], names: Mapping[Address, PartyRow]
) -> RehearsedOut:
    """A rehearsed operation as the API shows it."""
    signer, second = _signed(signers, names)
    return RehearsedOut(operation=operation, signer=signer, second=second, dry_run=True, gas=gas)


def _signed(signers: Sequence[Address], names: Mapping[Address, PartyRow]) -> tuple[PartyOut, PartyOut | None]:
    first, *others = (PartyOut.of(signer, names) for signer in signers)
    return first, next(iter(others), None)


def parties_of(entries: Iterable[Entry]) -> set[Address]:
    """Every address that the entries name."""
    return {address for entry in entries for address in addresses_of(entry).values()}


def appended(entries: Iterable[Entry], names: Mapping[Address, PartyRow]) -> list[AppendedOut]:
    """Entries as the API shows them right after they were appended."""
    return [_appended(entry, names) for entry in entries]


def _appended(entry: Entry, names: Mapping[Address, PartyRow]) -> AppendedOut:
    return AppendedOut(
        journal=format_receivable_id(entry.journal_id),
        operation=type(entry).__name__,
        operation_code=entry.OPERATION,
        at=instant(entry.time),
        range=RangeOut.of(*entry.range),
        fields=fields_of(entry),
        parties={name: PartyOut.of(address, names) for name, address in addresses_of(entry).items()},
    )
