"""Packed words, unpacked: each field at its place, its neighbours at their extremes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from registry.chain.words import (
    CertificateWord,
    MemberWord,
    RecordWords,
    unpack_certificate,
    unpack_member,
    unpack_record,
)


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


@given(addresses, unsigned(40), unsigned(10), unsigned(4), st.booleans(), st.tuples(*[unsigned(64)] * 4))
def test_a_record(
    debtor: bytes, due: int, currency: int, status: int, front: bool, amounts: tuple[int, int, int, int]
) -> None:
    terms = packed((int.from_bytes(debtor), 160), (due, 40), (currency, 10), (status, 4), (front, 1))
    word = packed(*((amount, 64) for amount in amounts))
    assert unpack_record(terms, word, b"\x01" * 32) == RecordWords(
        debtor, due, currency, status, front, *amounts, head=b"\x01" * 32
    )


@given(addresses, unsigned(64), st.booleans(), unsigned(31))
def test_a_certificate(holder: bytes, end: int, approved: bool, other_flags: int) -> None:
    word = packed((int.from_bytes(holder), 160), (end, 64), (approved, 1), (other_flags, 31))
    assert unpack_certificate(word) == CertificateWord(holder, end, approved)


@given(unsigned(64), unsigned(40), unsigned(32), unsigned(8), unsigned(112))
def test_a_member(balance: int, expiry: int, roles: int, status: int, unused: int) -> None:
    word = packed((balance, 64), (expiry, 40), (roles, 32), (status, 8), (unused, 112))
    assert unpack_member(word) == MemberWord(balance, expiry, roles, status)


def test_a_word_that_was_never_written_is_nothing() -> None:
    assert unpack_certificate(0) == CertificateWord(bytes(20), 0, approved=False)
    assert unpack_member(0) == MemberWord(0, 0, 0, 0)
    assert unpack_record(0, 0, bytes(32)).status == 0
