"""Anchors against the formulas of the contracts, written with another library."""

from __future__ import annotations

from dataclasses import replace

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from registry.domain.anchors import anchor, anchor_of, claim_key, claim_key_of, lasting_terms, lasting_terms_of
from registry.domain.identifiers import MINOR_MAX
from registry.domain.receivable import DAY_SECONDS, Freeze
from registry.domain.rules import CURRENCY_NUMBER_MAX, DAY_NUMBER_MAX
from tests.domain.setting import (
    BANK,
    BUYER,
    CONFIRMED,
    COUNTER_OFFERED,
    DUE,
    KYC_EXPIRY,
    LATER_DUE,
    NOW,
    ORDER,
    REGISTERED,
    SELLER,
    SUPPLIER,
    after,
)

LIVE = after(REGISTERED, CONFIRMED)

accounts = st.binary(min_size=20, max_size=20)
hashes = st.binary(min_size=32, max_size=32)


@given(hashes, accounts, accounts, st.integers(0, 2**256 - 1))
def test_keys_and_anchors_are_hashes_of_abi_encoded_words(
    fingerprint: bytes, debtor: bytes, originator: bytes, terms: int
) -> None:
    addresses = (f"0x{debtor.hex()}", f"0x{originator.hex()}")
    key = keccak(encode(["bytes32", "address", "address"], [fingerprint, *addresses]))
    assert claim_key(fingerprint, debtor, originator) == key
    assert anchor(key, terms) == keccak(encode(["bytes32", "uint256"], [key, terms]))


@given(accounts, st.integers(1, MINOR_MAX), st.integers(0, DAY_NUMBER_MAX), st.integers(1, CURRENCY_NUMBER_MAX))
def test_the_lasting_terms_are_fields_side_by_side(debtor: bytes, face: int, day: int, currency: int) -> None:
    terms = lasting_terms(debtor=debtor, face=face, due=day * DAY_SECONDS, currency=currency)
    fields = (terms & (1 << 160) - 1, terms >> 160 & (1 << 64) - 1, terms >> 224 & (1 << 16) - 1, terms >> 240)
    assert fields == (int.from_bytes(debtor), face, day, currency)
    assert terms < 1 << 250  # status and marks are above


def test_a_receivables_anchor_is_of_its_claim_and_its_terms() -> None:
    terms = lasting_terms(debtor=BUYER, face=100, due=DUE, currency=978)
    assert claim_key_of(LIVE) == claim_key(LIVE.fingerprint, BUYER, SELLER)
    assert lasting_terms_of(LIVE) == terms
    assert anchor_of(LIVE) == anchor(claim_key_of(LIVE), terms)


@pytest.mark.parametrize(
    "changes",
    [
        {"fingerprint": b"\x09" * 32},
        {"originator": SUPPLIER},
        {"debtor": BANK},
        {"face": 99},
        {"due": LATER_DUE},
        {"currency": 840},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_another_claim_or_other_terms_have_another_anchor(changes: dict[str, object]) -> None:
    assert anchor_of(replace(LIVE, **changes)) != anchor_of(LIVE)  # type: ignore[arg-type]


def test_what_happens_to_a_receivable_leaves_its_anchor_alone() -> None:
    frozen = replace(LIVE, orders=(Freeze(ORDER, KYC_EXPIRY, NOW),), front_endorsed=True, head=bytes(32))
    assert anchor_of(after(REGISTERED)) == anchor_of(after(REGISTERED, COUNTER_OFFERED)) == anchor_of(LIVE)
    assert anchor_of(frozen) == anchor_of(LIVE)
