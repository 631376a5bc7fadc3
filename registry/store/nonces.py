"""Nonces of signatures: given out one after the other, so that a signer's first use of a storage word serves 256."""

from __future__ import annotations

import secrets

from sqlalchemy import Connection, case
from sqlalchemy.dialects.postgresql import insert as upsert

from registry.domain.identifiers import Address
from registry.store.tables import nonce_word as table

NONCES_PER_WORD = 256
WORD_BYTES = 31


def take(connection: Connection, signer: Address) -> int:
    """A nonce that this database has not given the signer before: the next of its word, or the first of a new one."""
    fresh = upsert(table).values(signer=signer, word=secrets.token_bytes(WORD_BYTES), given=1)
    full = table.c.given == NONCES_PER_WORD
    row = connection.execute(
        fresh.on_conflict_do_update(
            index_elements=[table.c.signer],
            set_={
                "word": case((full, fresh.excluded.word), else_=table.c.word),
                "given": case((full, 1), else_=table.c.given + 1),
            },
        ).returning(table.c.word, table.c.given)
    ).one()
    word = int.from_bytes(row.word)
    return word * NONCES_PER_WORD + int(row.given) - 1
