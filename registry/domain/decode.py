"""From the topics and data of a log to a journal entry, by fixed offsets that follow from the entry declarations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from struct import Struct

from registry.domain.journal import ENTRY_TYPES, REGISTRY_JOURNAL, Entry, word, words_layout
from registry.domain.keccak import keccak256
from registry.domain.refusals import Refusal

WORD_BYTES = 32


class LogMalformed(Refusal):
    """A log that claims to be an entry of ours and cannot be read as one."""

    code = "log_malformed"
    status = 502
    title = "The node sent a log that does not have the shape of a journal entry"


@dataclass(frozen=True, slots=True)
class _Form:
    """Where a log of one kind holds what: bytes of its topics, and of the words after the first topic their layout, the
    details that are hashed, and time, start and end of the range."""

    entry_type: type[Entry]
    topics_bytes: int
    layout: Struct
    operation: bytes
    details: tuple[slice, ...]
    time: slice
    start: slice
    end: slice


_NOWHERE = slice(0, 0)
_ZERO = bytes(WORD_BYTES)


def _form(entry_type: type[Entry]) -> _Form:
    arguments = entry_type.arguments()
    topics = 1 + sum(argument.indexed for argument in arguments)
    # So topics and data, one after the other, are the arguments in the order of their declaration.
    assert all(argument.indexed for argument in arguments[: topics - 1]), "what is indexed is declared first"
    places = {argument.name: slice(at * WORD_BYTES, (at + 1) * WORD_BYTES) for at, argument in enumerate(arguments)}
    details = [places[argument.name] for argument in arguments if argument.part == "detail"]
    return _Form(
        entry_type,
        topics * WORD_BYTES,
        words_layout(arguments),
        word(entry_type.OPERATION),
        tuple(_joined(details)),
        places["at"],
        places.get("start", _NOWHERE),
        places.get("end", places.get("face", _NOWHERE)),
    )


def _joined(places: Iterable[slice]) -> Iterator[slice]:
    """Places one after the other as one."""
    found = list(places)
    while found:
        first = found.pop(0)
        while found and found[0].start == first.stop:
            first = slice(first.start, found.pop(0).stop)
        yield first


_BY_TOPIC = {entry_type.topic(): _form(entry_type) for entry_type in ENTRY_TYPES}

ENTRY_TOPICS: tuple[bytes, ...] = tuple(_BY_TOPIC)
"""First topics of all journal events: what a follower asks a node for."""


REGISTRY_TOPICS: tuple[bytes, ...] = tuple(
    entry_type.topic() for entry_type in ENTRY_TYPES if entry_type.arguments()[0].part != "journal"
)
"""Those of R-0's journal."""

RECEIVABLE_TOPICS: tuple[bytes, ...] = tuple(topic for topic in ENTRY_TOPICS if topic not in REGISTRY_TOPICS)
"""Those of the others, with the receivable's id in the second topic."""

_OF_REGISTRY = frozenset(REGISTRY_TOPICS)


def decode(topics: bytes, data: bytes) -> Entry:
    """Read one log, its topics one after the other, as a journal entry.

    Raises LogMalformed for an unknown topic, a wrong length, or a word that holds more than its type.
    """
    form, words = _read(topics, data)
    values = form.layout.unpack(words)
    if form.layout.pack(*values) != words:
        raise LogMalformed(f"a word of {form.entry_type.__name__} holds more than its type")
    return form.entry_type(*values)


def decode_hashed(topics: bytes, data: bytes) -> tuple[Entry, bytes]:
    """The entry of a log, and its hash, made of the log's own words: Entry.hash would pack them once more.

    What a word holds beside its value is in this hash, so that no head agrees. Raises LogMalformed for an unknown topic
    or a wrong length.
    """
    form, words = _read(topics, data)
    start, end = words[form.start], words[form.end]
    details = keccak256(b"".join([words[place] for place in form.details]))
    placed = form.operation + words[form.time] + (start or _ZERO) + (end or _ZERO)
    return form.entry_type(*form.layout.unpack(words)), keccak256(placed + details)


def _read(topics: bytes, data: bytes) -> tuple[_Form, bytes]:
    form = _BY_TOPIC.get(topics[:WORD_BYTES])
    if form is None:
        raise LogMalformed("the first topic is not that of a journal event")
    words = topics[WORD_BYTES:] + data
    if len(topics) != form.topics_bytes or len(words) != form.layout.size:
        raise LogMalformed(f"{form.entry_type.__name__} has {len(topics)} bytes of topics and {len(data)} of data")
    return form, words


def journal_of(topics: bytes) -> int:
    """The journal that a log is of, by its topics alone, also of one that decode refuses. Raises LogMalformed."""
    if topics[:WORD_BYTES] in _OF_REGISTRY:
        return REGISTRY_JOURNAL
    if topics[:WORD_BYTES] not in _BY_TOPIC or len(topics) < 2 * WORD_BYTES:
        raise LogMalformed("the first topic is not that of a journal event")
    return int.from_bytes(topics[WORD_BYTES : 2 * WORD_BYTES])
