"""Properties of journals that need no chain: hashing, decoding, folding, tampering, provenance."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak
from hypothesis import assume, given
from hypothesis import strategies as st

from registry.domain.decode import LogMalformed, decode, decode_hashed, journal_of
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
from registry.domain.journal import (
    CertificateFrozen,
    CertificateUnfrozen,
    Confirmed,
    CounterOffered,
    Endorsed,
    Entry,
    ForcedTransfer,
    MemberFrozen,
    MemberUnfrozen,
    OfferAccepted,
    ParameterSet,
    Paused,
    Registered,
    Split,
    Unpaused,
)
from registry.domain.provenance import overlaps, provenance
from registry.domain.receivable import DAY_SECONDS, Parameter, Receivable, Status
from registry.domain.rules import clock, in_force, parameter_in_force
from tests.properties.journals import DEBTOR, WHERE, any_entry, ended_journals, journals, registry_journals

FACE_MAX = 40
ANY_JOURNAL = journals() | ended_journals()


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
    return b"".join(topics), b"".join(coded[argument.name] for argument in arguments if not argument.indexed)


# ------------------------------------------------------- decoding and hashing


@given(any_entry())
def test_a_decoded_log_is_the_entry_that_was_written(entry: Entry) -> None:
    assert decode(*as_log(entry)) == entry


@given(any_entry())
def test_the_hash_made_of_a_logs_words_is_the_entrys(entry: Entry) -> None:
    topics, data = as_log(entry)
    assert decode_hashed(topics, data) == (entry, entry.hash())
    assert journal_of(topics) == entry.journal_id


@given(any_entry(), st.data())
def test_whatever_else_a_word_holds_is_in_the_hash(entry: Entry, data: st.DataObject) -> None:
    topics, body = as_log(entry)
    at = data.draw(st.integers(0, len(body) - 1))
    other = body[:at] + bytes([body[at] ^ data.draw(st.integers(1, 255))]) + body[at + 1 :]
    assert decode_hashed(topics, other)[1] != entry.hash()


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


@given(ANY_JOURNAL)
def test_folding_at_once_is_folding_one_by_one(entries: list[Entry]) -> None:
    state = empty(entries)
    for entry in entries:
        state = fold(state, entry)
    assert fold_all(empty(entries), entries) == state


@given(ANY_JOURNAL, st.data())
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
        if state.status is Status.CONFIRMED:
            assert (parts[0].start, parts[-1].end) == (0, state.face)
            assert sum(part.amount for part in parts) == state.face <= MINOR_MAX
        else:
            assert not parts


@given(ended_journals())
def test_a_claim_that_came_to_nothing_has_no_certificates_and_takes_no_answer(entries: list[Entry]) -> None:
    state = fold_all(empty(entries), entries)
    assert state.status in (Status.REFUSED, Status.WITHDRAWN, Status.LAPSED)
    assert (dict(state.certificates), state.offer) == ({}, None)
    with pytest.raises(JournalBroken):
        fold(state, Confirmed(state.receivable_id, DEBTOR, state.originator, state.face, state.answered_at))


@given(journals())
def test_the_face_is_that_of_the_claim_or_of_the_last_offer(entries: list[Entry]) -> None:
    state = fold_all(empty(entries), entries)
    claim = entries[0]
    assert isinstance(claim, Registered)
    offers = [entry for entry in entries if isinstance(entry, CounterOffered)]
    accepted = any(isinstance(entry, OfferAccepted) for entry in entries)
    assert (state.claim_face, state.claim_due) == (claim.face, claim.due)
    expected = (offers[-1].offered_face, offers[-1].offered_due) if accepted else (claim.face, claim.due)
    assert (state.face, state.due) == expected


@given(journals(face_max=FACE_MAX))
def test_the_fold_gives_each_cent_the_holder_that_a_list_of_cents_gives_it(entries: list[Entry]) -> None:
    naive = holders_by_cent(entries)
    for position, (state, _) in enumerate(walk(empty(entries), entries)):
        folded = [
            part.holder
            for part in sorted(state.certificates.values(), key=lambda part: part.start)
            for _ in range(part.amount)
        ]
        assert folded == naive[position]


def holders_by_cent(entries: list[Entry]) -> list[list[Address]]:
    """The holder of every cent after each entry: no ranges, no certificates, no fold."""
    cents: list[Address] = []
    states = []
    for entry in entries:
        match entry:
            case Confirmed() | OfferAccepted():
                cents = [entry.originator] * entry.face
            case Split():
                cents = [*cents[: entry.cut], *[entry.receiver] * (entry.end - entry.cut), *cents[entry.end :]]
            case Endorsed() | ForcedTransfer():
                cents = [*cents[: entry.start], *[entry.receiver] * (entry.end - entry.start), *cents[entry.end :]]
        states.append(cents)
    return states


@given(journals(face_max=FACE_MAX))
def test_the_fold_gives_each_cent_the_orders_that_a_list_of_cents_gives_it(entries: list[Entry]) -> None:
    cents: list[dict[bytes, int]] = []
    for state, entry in walk(empty(entries), entries):
        match entry:
            case Confirmed() | OfferAccepted():
                cents = [{} for _ in range(entry.face)]
            case CertificateFrozen():
                for orders in cents[entry.start : entry.end]:
                    orders[entry.order] = entry.expiry
            case CertificateUnfrozen() | ForcedTransfer():
                for orders in cents[entry.start : entry.end]:
                    orders.pop(entry.order, None)
        for part in state.certificates.values():
            folded = {freeze.order: freeze.expiry for freeze in in_force(part.orders, now=entry.time)}
            for orders in cents[part.start : part.end]:
                assert {order: expiry for order, expiry in orders.items() if entry.time < expiry} == folded


@given(journals())
def test_what_an_order_freezes_does_not_move(entries: list[Entry]) -> None:
    state = fold_all(empty(entries), entries)
    now = entries[-1].time
    for part in state.certificates.values():
        endorsed = Endorsed(
            state.receivable_id, part.holder, DEBTOR, part.start, part.end, bytes(32), min(now, state.due - 1)
        )
        if in_force((*part.orders, *state.orders), now=endorsed.at):
            with pytest.raises(JournalBroken, match="is in force until"):
                fold(state, endorsed)
        else:
            assert fold(state, endorsed).certificates[part.start].holder == DEBTOR


# -------------------------------------------------------------------------


@given(registry_journals(), st.data())
def test_the_registrys_fold_can_stop_anywhere_and_go_on(entries: list[Entry], data: st.DataObject) -> None:
    start = empty_registry(**WHERE)
    whole = fold_registry(start, entries)
    stop = data.draw(st.integers(0, len(entries)))
    assert fold_registry(fold_registry(start, entries[:stop]), entries[stop:]) == whole
    for entry in entries:
        start = fold_registry(start, [entry])
    assert start == whole


@given(registry_journals())
def test_a_parameter_in_force_is_what_the_contracts_word_holds(entries: list[Entry]) -> None:
    """The contract keeps two values and a day; at every second of interest both say the same."""
    registry = fold_registry(empty_registry(**WHERE), entries)
    for parameter in Parameter:
        changes = [entry for entry in entries if isinstance(entry, ParameterSet) and entry.parameter == parameter]
        value = following = changes[0].value
        effective = 0
        for change in changes[1:]:
            value = following if effective <= change.at else value
            following, effective = change.value, change.effective
        latest = changes[-1].at
        for now in {latest, effective - 1, effective, latest + 4 * DAY_SECONDS}:
            if now >= latest:
                expected = following if effective <= now else value
                assert parameter_in_force(registry, parameter, now=now) == expected


@given(registry_journals(), st.integers(0, 1_000))
def test_the_registrys_clock_is_the_time_that_nobody_paused(entries: list[Entry], later_seconds: int) -> None:
    now = entries[-1].time + later_seconds
    switches = [entry.time for entry in entries if isinstance(entry, Paused | Unpaused)]
    ends = [*switches, now] if len(switches) % 2 else switches
    paused_seconds = sum(end - start for start, end in zip(ends[::2], ends[1::2], strict=True))
    registry = fold_registry(empty_registry(**WHERE), entries)
    assert clock(registry, now=now) == now - paused_seconds


@given(registry_journals())
def test_an_order_on_a_member_holds_until_it_is_lifted_or_expires(entries: list[Entry]) -> None:
    registry = fold_registry(empty_registry(**WHERE), entries)
    now = entries[-1].time
    standing: dict[tuple[Address, bytes], int] = {}
    for entry in entries:
        if isinstance(entry, MemberFrozen):
            standing[entry.member, entry.order] = entry.expiry
        elif isinstance(entry, MemberUnfrozen):
            del standing[entry.member, entry.order]
    assert {key for key, expiry in standing.items() if now < expiry} == {
        (member.address, freeze.order)
        for member in registry.members.values()
        for freeze in in_force(member.orders, now=now)
    }


# ------------------------------------------------------------------ tampering


def tampered_with(entries: list[Entry], data: st.DataObject) -> list[Entry]:
    """The journal with one thing done to it: an entry dropped, repeated, swapped, edited or forged."""
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
    return tampered


@given(ANY_JOURNAL, st.data())
def test_a_journal_with_anything_done_to_it_shows(entries: list[Entry], data: st.DataObject) -> None:
    """The fold refuses it, or its head is another."""
    tampered = tampered_with(entries, data)
    honest = fold_all(empty(entries), entries)
    try:
        state = fold_all(empty(entries), tampered)
    except JournalBroken:
        return
    assert state.head != honest.head


@given(registry_journals(), st.data())
def test_the_registrys_journal_with_anything_done_to_it_shows(entries: list[Entry], data: st.DataObject) -> None:
    tampered = tampered_with(entries, data)
    honest = fold_registry(empty_registry(**WHERE), entries)
    try:
        registry = fold_registry(empty_registry(**WHERE), tampered)
    except JournalBroken:
        return
    assert registry.head != honest.head


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
    state = fold_all(empty(entries), entries)
    cent = data.draw(st.integers(0, state.face - 1))
    steps = list(provenance(empty(entries), entries, start=cent, end=cent + 1))

    assert [step.entry for step in steps] == [entry for entry in entries if overlaps(entry, cent, cent + 1)]
    # After each step the cent's holder is the one that a list of cents says.
    states = holders_by_cent(entries)
    held = [cents[cent] if cents else None for cents in states]
    assert [step.holder for step in steps] == [held[step.position - 1] for step in steps]
    for step, following in pairwise(steps):
        moved = step.holder is not None and step.holder != following.holder
        assert following.giver == (step.holder if moved else None)
        assert following.document == (getattr(following.entry, "document", None) if moved else None)
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
    made = next(step for step in steps if step.position == part.since)
    assert (made.holder, made.start, made.end) == (part.holder, part.start, part.end)
    # What came after it was made concerned it and changed neither its range nor its holder.
    for later in (step for step in steps if step.position > part.since):
        assert (later.giver, later.holder, later.start, later.end) == (None, part.holder, part.start, part.end)
    # Hands change in a chain, except where several shared the range for a while.
    for step, following in pairwise(steps):
        assert following.giver in (None, step.holder)
        assert (following.holder == step.holder) is (following.giver is None) or step.holder is None
    heads = [state.head for state, _ in walk(empty(entries), entries)]
    assert [step.head for step in steps] == [heads[step.position - 1] for step in steps]


# ---------------------------------------------------------------- identifiers


@given(st.integers(1, 2**63 - 1), st.integers(0, MINOR_MAX - 1), st.data())
def test_a_certificate_id_is_read_as_it_is_written(receivable_id: int, start: int, data: st.DataObject) -> None:
    named = CertificateId(receivable_id, start, data.draw(st.integers(start + 1, MINOR_MAX)))
    assert parse_certificate_id(str(named)) == named
    assert (named.token_id >> 64, named.token_id & MINOR_MAX) == (receivable_id, start)
