"""Disclosures: what is none, and how far one can be relied on."""

from __future__ import annotations

from typing import Any

import pytest
from eth_keys import keys
from eth_utils.crypto import keccak

from registry.verification.bundle import BundleMalformed
from registry.verification.disclosure import verify_file
from registry.verification.verify import Finding, KnownHash, Pins, Status
from tests.verification.disclosures import disclosed, paper
from tests.verification.hostile import nested_disclosure
from tests.verification.paper import CHAIN_ID, CODE_HASH

PAPER = paper()
WITNESS = KnownHash(keccak(PAPER.header), "the test")
PINS = Pins(CHAIN_ID, PAPER.contract, CODE_HASH)


def last(data: bytes, **known: Any) -> Finding:
    """What is said of the disclosure itself."""
    found = verify_file(data, **known).findings[-1]
    assert found.name == "disclosure"
    return found


def test_a_partys_signature_proves_who_opened_what_for_whom() -> None:
    data = disclosed()
    found = last(data, witness=WITNESS, pins=PINS)
    assert found.status is Status.PROVEN
    assert found.words == "opened for 'Auditor AG', for 'audit 2026', by the originator's signature"


@pytest.mark.parametrize("known", [{}, {"witness": WITNESS}, {"pins": PINS}], ids=["nobody", "the block", "the pins"])
def test_a_signature_proves_nothing_where_the_party_is_not_proven(known: dict[str, Any]) -> None:
    found = last(disclosed(), **known)
    assert found.status is Status.NOT_PROVEN
    assert found.words.startswith("if that is the originator: opened for 'Auditor AG', ")


def test_the_signature_of_a_party_that_is_only_stated_proves_nothing() -> None:
    stranger = keys.PrivateKey(b"\x08" * 32)
    stated = {"originator": "0x" + stranger.public_key.to_canonical_address().hex()}
    data = disclosed(signer=stranger, stated=stated)
    assert last(data, witness=WITNESS, pins=PINS).status is Status.NOT_PROVEN
    assert verify_file(data, witness=WITNESS, pins=PINS).status is Status.CONTRADICTED


def test_what_opens_nothing_is_no_disclosure() -> None:
    found = last(disclosed(show=()), witness=WITNESS, pins=PINS)
    assert (found.status, found.words) == (Status.CONTRADICTED, "it opens no field of the invoice")


def test_lists_in_each_other_are_refused_however_deep() -> None:
    """The parser and the writer of JSON give up at depths of their own, which the caller's stack moves."""
    for depth in range(9, 1_100):
        with pytest.raises(BundleMalformed):
            verify_file(nested_disclosure(depth))
