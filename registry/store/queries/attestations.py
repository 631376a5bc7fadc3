"""What witnesses signed, and whether the mirror has the same blocks."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from registry.domain.identifiers import Address
from registry.store.queries.health import CursorRow
from registry.store.queries.visibility import Caller, visible_to
from registry.store.tables import attestation as table
from registry.store.tables import block

COMPARED_MAX = 10_000
"""Attestations of each witness that are compared with the mirror, the newest."""


@dataclass(frozen=True, slots=True)
class AttestationRow:
    """One witness's signature of one header. `mirrored_hash` is the mirror's at that height, None where it keeps none:
    of final blocks it has those with entries and the ends of ranges."""

    witness: Address
    block_number: int
    block_hash: bytes
    signature: bytes
    received_at: datetime
    mirrored_hash: bytes | None

    @property
    def agrees(self) -> bool | None:
        """Whether the mirror has this block; None where it cannot say."""
        return None if self.mirrored_hash is None else self.mirrored_hash == self.block_hash


@dataclass(frozen=True, slots=True)
class WitnessRow:
    """How far a witness is, None before its first attestation, and how many of its blocks the mirror has otherwise."""

    witness: Address
    block_number: int | None
    block_hash: bytes | None
    received_at: datetime | None
    disagreements: int
    disagrees_at_block: int | None


_joined = select(
    *(table.c[name] for name in AttestationRow.__slots__ if name != "mirrored_hash"), block.c.hash
).outerjoin(block, block.c.number == table.c.block_number)


def attestations(
    connection: Connection, cursor: CursorRow, *, block_number: int, limit: int, caller: Caller = Caller.LOCAL
) -> list[AttestationRow]:
    """What was signed of one block of this registry's chain, by witness and hash."""
    found = connection.execute(
        _joined.where(
            visible_to(caller, table),
            table.c.chain_id == cursor.chain_id,
            table.c.contract == cursor.contract,
            table.c.block_number == block_number,
        )
        .order_by(table.c.witness, table.c.block_hash)
        .limit(limit)
    )
    return [AttestationRow(*row) for row in found]


def attestation(connection: Connection, **key: int | bytes) -> AttestationRow:
    """One that is there, by its primary key."""
    return AttestationRow(*connection.execute(_joined.where(*(table.c[name] == key[name] for name in key))).one())


def witnesses(connection: Connection, cursor: CursorRow, named: Collection[Address]) -> list[WitnessRow]:
    """How far each of these witnesses is, by address."""
    # One look into the primary key for each: a witness has millions of rows in the end.
    found = connection.exec_driver_sql(
        "SELECT named.witness, newest.block_number, newest.block_hash, newest.received_at, other.count, other.at"
        " FROM unnest(%s::bytea[]) AS named(witness)"
        " LEFT JOIN LATERAL (SELECT block_number, block_hash, received_at FROM attestation"
        "  WHERE chain_id = %s AND contract = %s AND witness = named.witness"
        "  ORDER BY block_number DESC, block_hash LIMIT 1) AS newest ON true"
        " LEFT JOIN LATERAL (SELECT count(*) AS count, max(signed.block_number) AS at FROM"
        "  (SELECT block_number, block_hash FROM attestation"
        "   WHERE chain_id = %s AND contract = %s AND witness = named.witness"
        "   ORDER BY block_number DESC LIMIT %s) AS signed"
        "  JOIN block ON block.number = signed.block_number AND block.hash <> signed.block_hash) AS other ON true"
        " ORDER BY named.witness",
        (list(named), *(cursor.chain_id, cursor.contract) * 2, COMPARED_MAX),
    )
    return [WitnessRow(*row) for row in found]
