"""From a log to an entry; the round trip over any values is among the properties."""

from __future__ import annotations

import pytest

from registry.domain.decode import ENTRY_TOPICS, LogMalformed, decode, decode_hashed, journal_of
from registry.domain.journal import ENTRY_TYPES, Endorsed, Lapsed, MemberAdmitted, MemberSuspended, Refused, word


def test_the_topics_to_ask_for_are_those_of_all_entries() -> None:
    assert set(ENTRY_TOPICS) == {entry_type.topic() for entry_type in ENTRY_TYPES}
    assert len(ENTRY_TOPICS) == len(ENTRY_TYPES)


def test_a_log_is_read_by_position() -> None:
    topics = MemberSuspended.topic() + word(b"\x01" * 20) + word(b"\x02" * 20)
    assert decode(topics, word(3) + word(4)) == MemberSuspended(b"\x01" * 20, b"\x02" * 20, 3, 4)


def test_a_hash_in_a_log_keeps_all_its_bytes() -> None:
    profile = bytes(range(32))
    topics = MemberAdmitted.topic() + word(b"\x01" * 20) + word(b"\x02" * 20)
    admitted = MemberAdmitted(b"\x01" * 20, b"\x02" * 20, 3, 4, profile, 5)
    assert decode(topics, word(3) + word(4) + profile + word(5)) == admitted


def test_what_lies_beside_a_value_in_its_word_is_refused() -> None:
    """It would be in the stored log and in no hash."""
    topics = Refused.topic() + word(2**64) + word(b"\x01" * 20)
    with pytest.raises(LogMalformed, match="more than its type"):
        decode(topics, word(3) + word(4) + word(5))


def test_a_log_gives_its_entry_the_hash_and_the_journal() -> None:
    """With a range, with a face, and of R-0 without either."""
    actor, other, document = b"\x01" * 20, b"\x02" * 20, bytes(range(32))
    logs = [
        (
            Endorsed(7, actor, other, 10, 20, document, 5),
            Endorsed.topic() + word(7) + word(actor) + word(other),
            word(10) + word(20) + document + word(5),
        ),
        (Lapsed(7, actor, 90, 5), Lapsed.topic() + word(7) + word(actor), word(90) + word(5)),
        (
            MemberSuspended(actor, other, 3, 4),
            MemberSuspended.topic() + word(actor) + word(other),
            word(3) + word(4),
        ),
    ]
    for entry, topics, data in logs:
        assert decode(topics, data) == entry
        assert decode_hashed(topics, data) == (entry, entry.hash())
        assert journal_of(topics) == entry.journal_id


@pytest.mark.parametrize("topics", [b"", bytes(64), Refused.topic()], ids=["none", "of others", "without an id"])
def test_a_log_of_no_journal_is_refused_by_name(topics: bytes) -> None:
    with pytest.raises(LogMalformed):
        journal_of(topics)


@pytest.mark.parametrize(
    ("topics", "data"),
    [
        (b"", b""),
        (b"\x00" * 32, b""),
        (MemberSuspended.topic(), bytes(64)),
        (MemberSuspended.topic() + bytes(64), bytes(63)),
        (MemberSuspended.topic() + bytes(64), bytes(96)),
        (MemberSuspended.topic() + bytes(96), bytes(64)),
        (MemberSuspended.topic() + bytes(96), bytes(32)),
        (MemberSuspended.topic() + b"\x01" + bytes(63), bytes(64)),
        (MemberSuspended.topic() + bytes(64), b"\x01" + bytes(63)),
    ],
)
def test_a_log_that_is_no_entry_is_refused_by_name(topics: bytes, data: bytes) -> None:
    with pytest.raises(LogMalformed) as refused:
        decode(topics, data)
    assert refused.value.code == "log_malformed"
