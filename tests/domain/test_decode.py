"""From a log to an entry; the round trip over any values is among the properties."""

from __future__ import annotations

import pytest

from registry.domain.decode import ENTRY_TOPICS, LogMalformed, decode
from registry.domain.journal import ENTRY_TYPES, MemberAdmitted, MemberSuspended, word


def test_the_topics_to_ask_for_are_those_of_all_entries() -> None:
    assert set(ENTRY_TOPICS) == {entry_type.topic() for entry_type in ENTRY_TYPES}
    assert len(ENTRY_TOPICS) == len(ENTRY_TYPES)


def test_a_log_is_read_by_position() -> None:
    topics = [MemberSuspended.topic(), word(b"\x01" * 20), word(b"\x02" * 20)]
    assert decode(topics, word(3) + word(4)) == MemberSuspended(b"\x01" * 20, b"\x02" * 20, 3, 4)


def test_a_hash_in_a_log_keeps_all_its_bytes() -> None:
    profile = bytes(range(32))
    topics = [MemberAdmitted.topic(), word(b"\x01" * 20), word(b"\x02" * 20)]
    admitted = MemberAdmitted(b"\x01" * 20, b"\x02" * 20, 3, 4, profile, 5)
    assert decode(topics, word(3) + word(4) + profile + word(5)) == admitted


@pytest.mark.parametrize(
    ("topics", "data"),
    [
        ([], b""),
        ([b"\x00" * 32], b""),
        ([MemberSuspended.topic()], bytes(64)),
        ([MemberSuspended.topic(), bytes(32), bytes(32)], bytes(63)),
        ([MemberSuspended.topic(), bytes(32), bytes(32)], bytes(96)),
        ([MemberSuspended.topic(), bytes(32), bytes(32), bytes(32)], bytes(64)),
    ],
)
def test_a_log_that_is_no_entry_is_refused_by_name(topics: list[bytes], data: bytes) -> None:
    with pytest.raises(LogMalformed) as refused:
        decode(topics, data)
    assert refused.value.code == "log_malformed"
