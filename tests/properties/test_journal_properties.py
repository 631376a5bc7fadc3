"""Properties of journals that need no chain: hashing, decoding, folding, tampering, provenance."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak
from hypothesis import assume, given
from hypothesis import strategies as st

from registry.domain.decode import LogMalformed, decode
from registry.domain.fold import (
    JournalBroken,
    empty_receivable,
    empty_registry,
    fold,
    fold_all,
    fold_registry,
    walk,
)
from registry.domain.identifiers import MINOR_MAX, Address, CertificateId, parse_certificate_id
from registry.domain.journal import Endorsed, Entry, Split
from registry.domain.provenance import overlaps, provenance
from registry.domain.receivable import Receivable
from tests.properties.journals import WHERE, any_entry, journals

FACE_MAX = 40


def empty(entries: list[Entry]) -> Receivable:
    return empty_receivable(**WHERE, receivable_id=entries[0].journal_id)


def as_log(entry: Entry) -> tuple[list[bytes], bytes]:
    """The entry as the log that a contract emits, coded by eth_abi."""
    arguments = entry.arguments()
    coded = {
        argument.name: encode(
            [argument.abi_type],
            ["0x" + value.hex() if argument.abi_type == "address" else value],
        )
        for argument in arguments
        if (value := getattr(entry, argument.name)) is not None
    }
    topics = [keccak(text=entry.signature()), *(coded[argument.name] for argument in arguments if argument.indexed)]
    return topics, b"".join(coded[argument.name] for argument in arguments if not argument.indexed)


# ------------------------------------------------------- decoding and hashing


@given(any_entry())
def test_a_decoded_log_is_the_entry_that_was_written(entry: Entry) -> None:
    assert decode(*as_log(entry)) == entry


@given(any_entry(), st.integers(1, 64), st.booleans())
def test_a_log_of_another_length_is_refused(entry: Entry, count: int, longer: bool) -> None:
    topics, data = as_log(entry)
    with pytest.raises(LogMalformed):
        decode(topics, data + bytes(count) if longer else data[:-count])
    with pytest.raises(LogMalformed):
        decode(topics[:-1], data)


@given(any_entry())
def test_an_entrys_hash_is_that_of_its_words(entry: Entry) -> None:
    """eth_abi judges: keccak(operation, at, start, end, keccak(details))."""
    details = [argument for argument in entry.arguments() if argument.part == "detail"]
    values = [getattr(entry, argument.name) for argument in details]
    inner = keccak(
        encode(
            [argument.abi_type for argument in details],
            [
                "0x" + value.hex() if argument.abi_type == "address" else value
                for argument, value in zip(details, values, strict=True)
            ],
        )
    )
    start, end = entry.range
    words = [entry.OPERATION, entry.time, start, end, inner]
    assert entry.hash() == keccak(encode(["uint256"] * 4 + ["bytes32"], words))


@given(any_entry(), any_entry())
def test_different_entries_have_different_hashes(entry: Entry, other: Entry) -> None:
    """The journal's id is not in the entry but in the genesis, so entries are compared without it."""
    assume(type(entry) is not type(other) or unplaced(entry) != unplaced(other))
    assert entry.hash() != other.hash()


def unplaced(entry: Entry) -> dict[str, int | bytes]:
    return {
        argument.name: getattr(entry, argument.name) for argument in entry.arguments() if argument.part != "journal"
    }


# -------------------------------------------------------------------- folding


@given(journals())
def test_folding_at_once_is_folding_one_by_one(entries: list[Entry]) -> None:
    state = empty(entries)
    for entry in entries:
        state = fold(state, entry)
    assert fold_all(empty(entries), entries) == state


@given(journals(), st.data())
def test_a_fold_can_stop_anywhere_and_go_on(entries: list[Entry], data: st.DataObject) -> None:
    stop = data.draw(st.integers(0, len(entries)))
    half = fold_all(empty(entries), entries[:stop])
    before = dict(half.certificates)
    assert fold_all(half, entries[stop:]) == fold_all(empty(entries), entries)
    assert half.certificates == before  # what was handed out does not change under its reader


@given(journals())
def test_certificates_cover_the_face_exactly(entries: list[Entry]) -> None:
    for state, _ in walk(empty(entries), entries):
        parts = sorted(state.certificates.values(), key=lambda part: part.start)
        assert all(start == part.start < part.end for start, part in state.certificates.items())
        assert all(left.end == right.start for left, right in pairwise(parts))
        if parts:
            assert (parts[0].start, parts[-1].end) == (0, state.face)
            assert sum(part.amount for part in parts) == state.face <= MINOR_MAX


@given(journals(face_max=FACE_MAX))
def test_the_fold_gives_each_cent_the_holder_that_a_list_of_cents_gives_it(entries: list[Entry]) -> None:
    state = fold_all(empty(entries), entries)
    naive = holders_by_cent(entries)[-1]
    folded = [
        part.holder
        for part in sorted(state.certificates.values(), key=lambda part: part.start)
        for _ in range(part.amount)
    ]
    assert folded == naive


def holders_by_cent(entries: list[Entry]) -> list[list[Address]]:
    """The holder of every cent after each entry from the confirmation on: no ranges, no certificates, no fold."""
    registered, _, *moves = entries
    cents: list[Address] = [registered.originator] * registered.range[1]  # type: ignore[attr-defined]
    states = [cents]
    for entry in moves:
        cents = list(cents)
        assert isinstance(entry, Split | Endorsed)
        first = entry.cut if isinstance(entry, Split) else entry.start
        cents[first : entry.end] = [entry.receiver] * (entry.end - first)
        states.append(cents)
    return states


# ------------------------------------------------------------------ tampering


@given(journals(), st.data())
def test_a_journal_with_anything_done_to_it_shows(entries: list[Entry], data: st.DataObject) -> None:
    """Dropped, repeated, swapped or edited: the fold refuses it, or its head is another."""
    index = data.draw(st.integers(0, len(entries) - 1))
    other = data.draw(st.integers(0, len(entries) - 1))
    tampered = list(entries)
    match data.draw(st.sampled_from(["drop", "repeat", "swap", "edit", "forge"])):
        case "drop":
            del tampered[index]
        case "repeat":
            tampered.insert(other, entries[index])
        case "swap":
            tampered[index], tampered[other] = tampered[other], tampered[index]
        case "edit":
            argument = data.draw(
                st.sampled_from([item for item in entries[index].arguments() if item.part != "journal"])
            )
            old = getattr(entries[index], argument.name)
            new = old + 1 if isinstance(old, int) else bytes([old[0] ^ 1]) + old[1:]
            tampered[index] = replace(entries[index], **{argument.name: new})
        case "forge":
            tampered.insert(index, data.draw(any_entry()))
    assume(tampered != entries)
    honest = fold_all(empty(entries), entries)
    try:
        state = fold_all(empty(entries), tampered)
    except JournalBroken:
        return
    assert state.head != honest.head


@given(st.lists(any_entry(), max_size=6))
def test_garbage_breaks_a_journal_by_name(entries: list[Entry]) -> None:
    for state, fold_them in (
        (empty_receivable(**WHERE, receivable_id=1), fold_all),
        (empty_registry(**WHERE), fold_registry),
    ):
        try:
            fold_them(state, entries)  # type: ignore[operator]  # each fold with its own state
        except JournalBroken:
            continue


# ----------------------------------------------------------------- provenance


@given(journals(face_max=FACE_MAX), st.data())
def test_a_cents_history_is_the_chain_of_its_holders(entries: list[Entry], data: st.DataObject) -> None:
    cent = data.draw(st.integers(0, entries[0].range[1] - 1))
    steps = list(provenance(empty(entries), entries, start=cent, end=cent + 1))

    assert [step.entry for step in steps] == [entry for entry in entries if overlaps(entry, cent, cent + 1)]
    # After each step the cent's holder is the one that a list of cents says.
    states = holders_by_cent(entries)
    assert [step.holder for step in steps[1:]] == [states[step.position - 2][cent] for step in steps[1:]]
    assert steps[0].holder is None
    for step, following in pairwise(steps[1:]):
        moved = step.holder != following.holder
        assert following.giver == (step.holder if moved else None)
        assert following.document == (following.entry.document if moved else None)  # type: ignore[attr-defined]
    state = fold_all(empty(entries), entries)
    (part,) = (part for part in state.certificates.values() if part.start <= cent < part.end)
    assert (steps[-1].holder, steps[-1].start, steps[-1].end) == (part.holder, part.start, part.end)


@given(journals(), st.data())
def test_a_certificates_history_ends_with_its_holder_and_counts_every_entry_that_touched_it(
    entries: list[Entry], data: st.DataObject
) -> None:
    state = fold_all(empty(entries), entries)
    part = data.draw(st.sampled_from(sorted(state.certificates.values(), key=lambda part: part.start)))
    steps = list(provenance(empty(entries), entries, start=part.start, end=part.end))
    assert (steps[-1].holder, steps[-1].start, steps[-1].end) == (part.holder, part.start, part.end)
    assert steps[-1].position == part.since
    givers = [step.giver for step in steps if step.giver]
    receivers = [step.holder for step in steps if step.giver]
    originator = entries[0].originator  # type: ignore[attr-defined]
    assert [originator, *receivers] == [*givers, part.holder]
    heads = [state.head for state, _ in walk(empty(entries), entries)]
    assert [step.head for step in steps] == [heads[step.position - 1] for step in steps]


# ---------------------------------------------------------------- identifiers


@given(st.integers(1, 2**63 - 1), st.integers(0, MINOR_MAX - 1), st.data())
def test_a_certificate_id_is_read_as_it_is_written(receivable_id: int, start: int, data: st.DataObject) -> None:
    named = CertificateId(receivable_id, start, data.draw(st.integers(start + 1, MINOR_MAX)))
    assert parse_certificate_id(str(named)) == named
    assert (named.token_id >> 64, named.token_id & MINOR_MAX) == (receivable_id, start)
