"""Packed words, unpacked: each field at its place, its neighbours at their extremes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from registry.chain.words import (
    CertificateWord,
    MemberWord,
    MovementWord,
    ParameterWord,
    RecordWords,
    RegistrationWord,
    unpack_certificate,
    unpack_member,
    unpack_movement,
    unpack_record,
    unpack_registration,
)
from registry.domain.receivable import DAY_SECONDS


def unsigned(bits: int) -> st.SearchStrategy[int]:
    return st.integers(0, 2**bits - 1) | st.sampled_from([0, 2**bits - 1])


addresses = st.binary(min_size=20, max_size=20)


def packed(*fields: tuple[int, int]) -> int:
    """(value, bits) from the lowest bit on."""
    word, at = 0, 0
    for value, bits in fields:
        assert 0 <= value < 2**bits
        word |= value << at
        at += bits
    return word


parameters16 = st.tuples(unsigned(16), unsigned(16), unsigned(16))
parameters32 = st.tuples(unsigned(32), unsigned(32), unsigned(16))


def parameter(value: int, following: int, day: int) -> ParameterWord:
    return ParameterWord(value, following, day * DAY_SECONDS)


@given(addresses, unsigned(64), unsigned(16), unsigned(10), unsigned(3), st.booleans(), unsigned(2))
def test_a_record(debtor: bytes, face: int, day: int, currency: int, status: int, frozen: bool, unused: int) -> None:
    terms = packed(
        (int.from_bytes(debtor), 160), (face, 64), (day, 16), (currency, 10), (status, 3), (frozen, 1), (unused, 2)
    )
    assert unpack_record(terms, b"\x01" * 32) == RecordWords(
        debtor, face, day * DAY_SECONDS, currency, status, frozen, head=b"\x01" * 32
    )


@given(addresses, unsigned(64), st.tuples(*[st.booleans()] * 3), unsigned(29))
def test_a_certificate(holder: bytes, end: int, flags: tuple[bool, bool, bool], unused: int) -> None:
    word = packed((int.from_bytes(holder), 160), (end, 64), *((flag, 1) for flag in flags), (unused, 29))
    assert unpack_certificate(word) == CertificateWord(holder, end, *flags)


@given(unsigned(64), unsigned(40), unsigned(32), unsigned(8), st.booleans(), unsigned(111))
def test_a_member(balance: int, expiry: int, roles: int, status: int, frozen: bool, unused: int) -> None:
    word = packed((balance, 64), (expiry, 40), (roles, 32), (status, 8), (frozen, 1), (unused, 111))
    assert unpack_member(word) == MemberWord(balance, expiry, roles, status, frozen)


@given(addresses, parameters32, st.booleans(), st.booleans(), unsigned(14))
def test_the_movement_word(rules: bytes, part: tuple[int, int, int], paused: bool, sunset: bool, unused: int) -> None:
    value, following, day = part
    word = packed(
        *((int.from_bytes(rules), 160), (value, 32), (following, 32), (day, 16)),
        *((paused, 1), (sunset, 1), (unused, 14)),
    )
    assert unpack_movement(word) == MovementWord(rules, parameter(*part), paused, sunset)


@given(unsigned(64), parameters16, parameters16, parameters16, unsigned(32), unsigned(16))
def test_the_registration_word(
    count: int,
    tenor: tuple[int, int, int],
    window: tuple[int, int, int],
    unanswered: tuple[int, int, int],
    paused_seconds: int,
    unused: int,
) -> None:
    word = packed(
        (count, 64), *((part, 16) for part in (*tenor, *window, *unanswered)), (paused_seconds, 32), (unused, 16)
    )
    assert unpack_registration(word) == RegistrationWord(
        count, parameter(*tenor), parameter(*window), parameter(*unanswered), paused_seconds
    )


def test_a_parameter_changes_at_its_midnight() -> None:
    changing = ParameterWord(value=90, following=60, effective=DAY_SECONDS)
    assert [changing.in_force(now=now) for now in (0, DAY_SECONDS - 1, DAY_SECONDS)] == [90, 90, 60]


def test_a_word_that_was_never_written_is_nothing() -> None:
    assert unpack_certificate(0) == CertificateWord(bytes(20), 0, approved=False, frozen=False, original=False)
    assert unpack_member(0) == MemberWord(0, 0, 0, 0, frozen=False)
    assert unpack_record(0, bytes(32)).status == 0
