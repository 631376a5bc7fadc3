"""Where journals stand: how final what they tell is, and whether the mirror set them aside."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, and_, select

from registry.store.queries.health import CursorRow, Finality
from registry.store.queries.visibility import Caller, visible_to
from registry.store.tables import entry, quarantine
from registry.store.tables import journal as table


@dataclass(frozen=True, slots=True)
class Standing:
    """How final a journal's last entry is, and whether the node tells it otherwise than the contract has it."""

    finality: Finality
    set_aside: bool


def standings(
    connection: Connection, journal_ids: Iterable[int], *, cursor: CursorRow, caller: Caller = Caller.LOCAL
) -> dict[int, Standing]:
    """Of these journals as of the cursor's block, in one statement by primary keys. An empty journal has none."""
    found = connection.execute(
        select(table.c.journal_id, entry.c.block_number, quarantine.c.journal_id.is_not(None).label("set_aside"))
        .join_from(
            table,
            entry,
            and_(entry.c.journal_id == table.c.journal_id, entry.c.position == table.c.length),
            isouter=True,
        )
        .join(quarantine, quarantine.c.journal_id == table.c.journal_id, isouter=True)
        .where(visible_to(caller, table), table.c.journal_id.in_(set(journal_ids)))
    )
    # What came after the cursor's block is not what is shown: the entry before it is no newer than that block. Where a
    # hand took the last entry away, nothing is known to be final.
    newest = cursor.block_number
    return {
        row.journal_id: Standing(
            cursor.finality_of(newest if row.block_number is None else min(row.block_number, newest)), row.set_aside
        )
        for row in found
    }


def unchanged_since(
    connection: Connection, journal_id: int, block_number: int, *, caller: Caller = Caller.LOCAL
) -> bool:
    """Whether a journal has no entry above a block: the tables then have it as it was there."""
    last = connection.execute(
        select(entry.c.block_number)
        .where(visible_to(caller, entry), entry.c.journal_id == journal_id)
        .order_by(entry.c.position.desc())
        .limit(1)
    ).scalar_one_or_none()
    return last is None or last <= block_number
