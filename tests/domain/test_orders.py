"""What orders and bookings are named by: whoever holds the paper makes the same hash, with any library."""

from __future__ import annotations

import unicodedata

import pytest
from eth_utils.crypto import keccak

from registry.domain.orders import bank_reference_hash, order_hash


def prefixed(*parts: bytes) -> bytes:
    return b"".join(len(part).to_bytes(4) + part for part in parts)


def test_the_hashes_are_over_a_tag_and_the_texts_each_with_its_length() -> None:
    named = order_hash(authority="AG Köln", number="12 M 34/26")
    assert named == keccak(prefixed(b"counterfoil/order/1", "AG Köln".encode(), b"12 M 34/26"))
    assert bank_reference_hash("Z 2027/1") == keccak(prefixed(b"counterfoil/bank/1", b"Z 2027/1"))


def test_letters_put_together_and_blanks_around_name_the_same() -> None:
    apart = unicodedata.normalize("NFD", " AG Köln\n")
    assert order_hash(authority=apart, number=" 12 M ") == order_hash(authority="AG Köln", number="12 M")


def test_what_belongs_to_the_authority_is_not_the_numbers() -> None:
    assert order_hash(authority="AG Köln 1", number="2") != order_hash(authority="AG Köln", number="12")


@pytest.mark.parametrize("text", ["", " ", "\t\n", "12\x00", "12\n34", "12\x9b34", "\ud800"])
def test_an_empty_name_or_one_with_control_characters_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="name"):
        bank_reference_hash(text)
    with pytest.raises(ValueError, match="name"):
        order_hash(authority=text, number="1")
    with pytest.raises(ValueError, match="name"):
        order_hash(authority="AG Köln", number=text)
