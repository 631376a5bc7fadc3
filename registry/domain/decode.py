"""From the topics and data of a log to a journal entry, by fixed offsets that follow from the entry declarations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from registry.domain.journal import ENTRY_TYPES, Argument, Entry
from registry.domain.refusals import Refusal

WORD_BYTES = 32

_Reader = Callable[[bytes], Any]


class LogMalformed(Refusal):
    """A log that claims to be an entry of ours and cannot be read as one."""

    code = "log_malformed"
    status = 502
    title = "The node sent a log that does not have the shape of a journal entry"


def _uint(slot: bytes) -> int:
    return int.from_bytes(slot)


def _address(slot: bytes) -> bytes:
    return slot[12:]


def _bytes32(slot: bytes) -> bytes:
    return slot


def _reader(argument: Argument) -> _Reader:
    if argument.abi_type == "address":
        return _address
    return _bytes32 if argument.abi_type == "bytes32" else _uint


def _table() -> dict[bytes, tuple[type[Entry], int, int, tuple[tuple[int, _Reader], ...]]]:
    table = {}
    for entry_type in ENTRY_TYPES:
        topics = 1
        data = 0
        slots: list[tuple[int, _Reader]] = []
        indexed_total = sum(argument.indexed for argument in entry_type.arguments())
        for argument in entry_type.arguments():
            if argument.indexed:
                slots.append((topics, _reader(argument)))
                topics += 1
            else:
                slots.append((1 + indexed_total + data, _reader(argument)))
                data += 1
        table[entry_type.topic()] = (entry_type, topics, data, tuple(slots))
    return table


_BY_TOPIC = _table()

ENTRY_TOPICS: tuple[bytes, ...] = tuple(_BY_TOPIC)
"""First topics of all journal events: what a follower asks a node for."""


def decode(topics: Sequence[bytes], data: bytes) -> Entry:
    """Read one log as a journal entry. Raises LogMalformed for an unknown topic or a wrong length."""
    row = _BY_TOPIC.get(topics[0]) if topics else None
    if row is None:
        raise LogMalformed("the first topic is not that of a journal event")
    entry_type, topic_count, data_words, slots = row
    if len(topics) != topic_count or len(data) != data_words * WORD_BYTES:
        raise LogMalformed(f"{entry_type.__name__} has {len(topics)} topics and {len(data)} bytes of data")
    words = [*topics, *(data[at : at + WORD_BYTES] for at in range(0, len(data), WORD_BYTES))]
    return entry_type(*(read(words[index]) for index, read in slots))
