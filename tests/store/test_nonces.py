"""Nonces of signatures: no two alike, 256 to a word."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from registry.store import nonces
from registry.store.database import Database

SIGNER, OTHER = b"\x01" * 20, b"\x02" * 20


def take(database: Database, signer: bytes = SIGNER) -> int:
    with database.write() as connection:
        return nonces.take(connection, signer)


def test_a_word_is_used_up_before_the_next_is_drawn(database: Database) -> None:
    with database.write() as connection:
        given = [nonces.take(connection, SIGNER) for _ in range(600)]
    words = [nonce >> 8 for nonce in given]
    assert len(set(given)) == 600
    assert [words.count(word) for word in dict.fromkeys(words)] == [256, 256, 88]
    assert max(given) < 2**256


def test_signers_have_words_of_their_own(database: Database) -> None:
    assert take(database) >> 8 != take(database, OTHER) >> 8


def test_what_was_taken_at_once_differs(database: Database) -> None:
    with ThreadPoolExecutor(4) as takers:
        given = list(takers.map(lambda _: take(database), range(40)))
    assert len(set(given)) == 40
    assert len({nonce >> 8 for nonce in given}) == 1
