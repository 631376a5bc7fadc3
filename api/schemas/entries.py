"""Journal entries as the API shows them: with everything that the head on chain is made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from api.schemas.common import (
    BlockOut,
    FinalityText,
    HashText,
    InstantText,
    Model,
    NextLink,
    PartyOut,
    RangeOut,
    ReceivableIdText,
    hex_text,
    instant,
)
from registry.domain.identifiers import Address, format_address, format_receivable_id
from registry.domain.journal import ENTRY_TYPES, Entry
from registry.store.queries.entries import StoredEntryRow
from registry.store.queries.health import CursorRow
from registry.store.queries.parties import PartyRow

OperationText = Annotated[
    str,
    Field(
        description="The fact, by the name of the contract's event.",
        json_schema_extra={"enum": [kind.__name__ for kind in ENTRY_TYPES]},
    ),
]


class FieldOut(Model):
    """One hashed field. Numbers are decimal, addresses and hashes hex."""

    name: str = Field(examples=["receiver"])
    type: str = Field(pattern="^(address|bytes32|uint[0-9]{1,3})$", description="ABI type.", examples=["address"])
    value: str = Field(examples=["0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"])


class TransactionOut(Model):
    """Where on the chain the entry's log is."""

    hash: HashText
    block_number: int = Field(ge=0, examples=[1023])
    block_hash: HashText
    log_index: int = Field(ge=0, examples=[0])


class EntryOut(Model):
    """One journal entry.

    `entry_hash` is keccak256 of five 32-byte words: operation_code, at (Unix seconds), range.start, range.end and the
    keccak256 of the words of `fields` in their order. `head` is keccak256(head_before, entry_hash).
    """

    position: int = Field(ge=1, description="Place in the journal, from 1.", examples=[3])
    operation: OperationText
    operation_code: int = Field(ge=1, le=255, examples=[4])
    at: InstantText
    range: RangeOut
    fields: list[FieldOut] = Field(description="The hashed details, in hash order.")
    parties: dict[str, PartyOut] = Field(description="Every address among the entry's fields, by the field's name.")
    entry_hash: HashText
    head: HashText = Field(description="Head of the journal after this entry.")
    transaction: TransactionOut
    finality: FinalityText = Field(description="How final the block of the transaction is, by the node's own tags.")


class EntryPage(Model):
    """A journal, oldest entry first. R-0 is the registry's own: members, orders on them, pauses, parameters."""

    journal: ReceivableIdText
    items: list[EntryOut]
    next: NextLink
    as_of_block: BlockOut

    @classmethod
    def of(cls, journal_id: int, items: list[EntryOut], *, next_link: str | None, block: BlockOut) -> EntryPage:
        return cls(journal=format_receivable_id(journal_id), items=items, next=next_link, as_of_block=block)


def addresses_of(entry: Entry) -> dict[str, Address]:
    """Every address among the event's arguments, by name."""
    return {
        argument.name: getattr(entry, argument.name) for argument in entry.arguments() if argument.abi_type == "address"
    }


def show(row: StoredEntryRow, *, names: Mapping[Address, PartyRow], cursor: CursorRow) -> EntryOut:
    """A row of the stored log as the API shows it at the cursor's block. Raises LogMalformed."""
    entry = row.decode()
    return EntryOut(
        position=row.position,
        operation=type(entry).__name__,
        operation_code=entry.OPERATION,
        at=instant(entry.time),
        range=RangeOut.of(*entry.range),
        fields=fields_of(entry),
        parties={name: PartyOut.of(address, names) for name, address in addresses_of(entry).items()},
        entry_hash=hex_text(entry.hash()),
        head=hex_text(row.head),
        transaction=transaction_of(row),
        finality=cursor.finality_of(row.block_number).value,
    )


def fields_of(entry: Entry) -> list[FieldOut]:
    """The hashed details in hash order."""
    types = {argument.name: argument.abi_type for argument in entry.arguments()}
    return [
        FieldOut(name=name, type=types[name], value=_text(types[name], value))
        for name, value in entry.details().items()
    ]


def transaction_of(row: StoredEntryRow) -> TransactionOut:
    """Where the log is."""
    return TransactionOut(
        hash=hex_text(row.tx_hash),
        block_number=row.block_number,
        block_hash=hex_text(row.block_hash),
        log_index=row.log_index,
    )


def _text(abi_type: str, value: int | bytes) -> str:
    if isinstance(value, int):
        return str(value)
    return format_address(value) if abi_type == "address" else hex_text(value)
