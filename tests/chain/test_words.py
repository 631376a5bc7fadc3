"""Packed words, unpacked: each field at its place, its neighbours at their extremes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from registry.chain.words import (
    AmountsWord,
    CertificateWord,
    LienWord,
    MemberWord,
    MovementWord,
    ParameterWord,
    RecordWords,
    RecourseWord,
    RegistrationWord,
    Rights,
    SettlementWord,
    unpack_amounts,
    unpack_certificate,
    unpack_claimed,
    unpack_member,
    unpack_movement,
    unpack_record,
    unpack_registration,
    unpack_rights,
    unpack_settlement,
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


@given(addresses, unsigned(64), unsigned(16), unsigned(10), unsigned(3), st.tuples(*[st.booleans()] * 2), unsigned(1))
def test_a_record(
    debtor: bytes, face: int, day: int, currency: int, status: int, flags: tuple[bool, bool], unused: int
) -> None:
    terms = packed(
        *((int.from_bytes(debtor), 160), (face, 64), (day, 16), (currency, 10), (status, 3)),
        *((flag, 1) for flag in flags),
        (unused, 1),
    )
    amounts = packed((7, 64))
    assert unpack_record(terms, b"\x01" * 32, amounts, 9) == RecordWords(
        *(debtor, face, day * DAY_SECONDS, currency, status, *flags),
        head=b"\x01" * 32,
        amounts=unpack_amounts(amounts),
        claimed=9,
    )


@given(st.tuples(*[unsigned(64)] * 3), st.tuples(*[st.booleans()] * 2), unsigned(62))
def test_the_amounts_word(amounts: tuple[int, int, int], flags: tuple[bool, bool], unused: int) -> None:
    word = packed(*((amount, 64) for amount in amounts), *((flag, 1) for flag in flags), (unused, 62))
    assert unpack_amounts(word) == AmountsWord(*amounts, *flags)


@given(addresses, unsigned(64), st.tuples(*[st.booleans()] * 6), unsigned(26))
def test_a_certificate(holder: bytes, end: int, flags: tuple[bool, ...], unused: int) -> None:
    word = packed((int.from_bytes(holder), 160), (end, 64), *((flag, 1) for flag in flags), (unused, 26))
    assert unpack_certificate(word) == CertificateWord(holder, end, *flags)


accounts = st.binary(min_size=20, max_size=20).filter(any)


@given(accounts, unsigned(64), accounts, unsigned(64), st.booleans(), unsigned(31), unsigned(64))
def test_what_lies_on_a_certificate(
    financier: bytes, secured: int, seller: bytes, amount: int, demanded: bool, unused: int, claimed: int
) -> None:
    lien = packed((int.from_bytes(financier), 160), (secured, 64), (unused, 32))
    recourse = packed((int.from_bytes(seller), 160), (amount, 64), (demanded, 1), (unused, 31))
    assert unpack_rights(lien, recourse, claimed) == Rights(
        LienWord(financier, secured), RecourseWord(seller, amount, demanded), claimed
    )
    assert unpack_claimed(packed((0, 160), (claimed, 64), (unused, 32))) == claimed
    assert unpack_rights(0, recourse, 0).lien is None
    assert unpack_rights(lien, 0, 0).recourse is None


@given(unsigned(64), unsigned(40), unsigned(32), unsigned(8), st.booleans(), unsigned(32), unsigned(79))
def test_a_member(
    balance: int, expiry: int, roles: int, status: int, frozen: bool, dishonoured: int, unused: int
) -> None:
    word = packed(
        *((balance, 64), (expiry, 40), (roles, 32), (status, 8), (frozen, 1)), (dishonoured, 32), (unused, 79)
    )
    assert unpack_member(word) == MemberWord(balance, expiry, roles, status, frozen, dishonoured)


@given(parameters16, addresses, unsigned(48))
def test_the_settlement_word(grace: tuple[int, int, int], desk: bytes, unused: int) -> None:
    word = packed(*((part, 16) for part in grace), (int.from_bytes(desk), 160), (unused, 48))
    assert unpack_settlement(word) == SettlementWord(parameter(*grace), desk)


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
    assert unpack_certificate(0).holder == bytes(20)
    assert unpack_member(0) == MemberWord(0, 0, 0, 0, frozen=False, dishonoured=0)
    assert unpack_record(0, bytes(32), 0, 0).status == 0
    assert unpack_rights(0, 0, 0) == Rights(None, None, 0)
