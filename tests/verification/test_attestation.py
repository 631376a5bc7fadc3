"""Attestations: signed as any wallet signs them, read in one form, counted once a key, refused where they differ."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from hypothesis import given
from hypothesis import strategies as st

from registry.chain.devchain import dev_account
from registry.chain.submit import account_address
from registry.domain.identifiers import Address, format_address
from registry.verification.attestation import (
    AT_BLOCK_MAX,
    Attestation,
    AttestationsMalformed,
    Attested,
    ThresholdUnmet,
    read_attestations,
)
from registry.verification.header import Header
from registry.verification.secp256k1 import N
from registry.verification.verify import Status

CHAIN_ID = 31337
REGISTRY = b"\x0c" * 20
HEADER = Header(hash=b"\xaa" * 32, number=4_242, at=0, state_root=bytes(32))
WITNESSES = (10, 11, 12)
"""Dev accounts."""


def typed(attestation: Attestation) -> dict[str, object]:
    """The structure as a wallet gets it, written down here once more."""
    return {
        "types": {
            "EIP712Domain": [
                {"name": "name", "type": "string"},
                {"name": "version", "type": "string"},
                {"name": "chainId", "type": "uint256"},
            ],
            "Header": [
                {"name": "number", "type": "uint256"},
                {"name": "hash", "type": "bytes32"},
                {"name": "registry", "type": "address"},
            ],
        },
        "primaryType": "Header",
        "domain": {"name": "Counterfoil witness", "version": "1", "chainId": attestation.chain_id},
        "message": {
            "number": attestation.number,
            "hash": attestation.hash,
            "registry": format_address(attestation.registry),
        },
    }


def signed(person: int, **changes: Any) -> Attestation:
    """What a wallet makes of it: signed by a library, of the structure above."""
    plain = replace(Attestation(CHAIN_ID, HEADER.number, HEADER.hash, REGISTRY), **changes)
    signature = dev_account(person).sign_message(encode_typed_data(full_message=typed(plain))).signature
    return replace(plain, signature=bytes(signature))


def address(person: int) -> Address:
    return account_address(dev_account(person))


def judged(*attestations: Attestation, threshold: int = 2, contract: Address = REGISTRY) -> tuple[Status, str]:
    named = frozenset(address(person) for person in WITNESSES)
    return Attested(attestations, named, threshold).judge(HEADER, chain_id=CHAIN_ID, contract=contract)


@given(st.integers(0, 2**48 - 1), st.integers(0, 2**48 - 1), st.binary(min_size=32, max_size=32))
def test_a_wallet_signs_the_same_digest(chain_id: int, number: int, block_hash: bytes) -> None:
    attestation = Attestation(chain_id, number, block_hash, REGISTRY)
    signer = Account.from_key(b"\x07" * 32)
    made = signer.sign_message(encode_typed_data(full_message=typed(attestation)))
    assert attestation.digest() == bytes(made.message_hash)
    assert format_address(replace(attestation, signature=bytes(made.signature)).signer()) == signer.address


def test_a_line_is_read_as_it_was_written() -> None:
    line = signed(10).line()
    assert Attestation.read(line) == signed(10)
    assert Attestation.read(line).signer() == address(10)


def test_enough_witnesses_prove_a_header() -> None:
    status, words = judged(signed(10), signed(12))
    assert status is Status.PROVEN
    assert words.startswith("2 of 3 witnesses signed 0xaaaa")
    assert format_address(address(12)) in words


@pytest.mark.parametrize(
    "second",
    [
        signed(10),
        signed(99),
        signed(11, number=HEADER.number + 1),
        signed(11, chain_id=1),
        signed(11, registry=b"\x0d" * 20),
        replace(signed(11), number=HEADER.number, signature=signed(11, chain_id=1).signature),
    ],
    ids=["the same key again", "a stranger", "another block", "another chain", "another registry", "signed elsewhere"],
)
def test_what_is_no_second_witness_does_not_count(second: Attestation) -> None:
    status, words = judged(signed(10), second)
    assert status is Status.NOT_PROVEN
    assert words.startswith("1 of 3 witnesses")
    assert words.endswith("2 are asked for")


@pytest.mark.parametrize("registry", [REGISTRY, b"\x0d" * 20])
def test_one_witness_with_another_hash_contradicts_all_others(registry: bytes) -> None:
    liar = signed(12, hash=b"\xbb" * 32, registry=registry)
    status, words = judged(signed(10), signed(11), signed(12), liar)
    assert status is Status.CONTRADICTED
    assert (
        words == f"{format_address(address(12))} signed another block 4242: the chain forked there, or a witness lies"
    )


def test_a_strangers_other_hash_contradicts_nothing() -> None:
    assert judged(signed(10), signed(11), signed(99, hash=b"\xbb" * 32))[0] is Status.PROVEN


@pytest.mark.parametrize("threshold", [-1, 0, 4])
def test_a_threshold_lies_between_one_and_all(threshold: int) -> None:
    with pytest.raises(ThresholdUnmet):
        judged(threshold=threshold)


def test_the_second_form_of_a_signature_is_refused() -> None:
    made = signed(10)
    r, s, v = made.signature[:32], int.from_bytes(made.signature[32:64]), made.signature[64]
    high = replace(made, signature=r + (N - s).to_bytes(32) + bytes([55 - v]))
    with pytest.raises(AttestationsMalformed):
        read_attestations(signed(11).line() + high.line(), block=HEADER.number)
    assert read_attestations(high.line(), block=1) == ()


def test_a_file_gives_those_of_one_block_and_drops_a_line_that_was_cut_off() -> None:
    data = signed(10, number=1).line() + signed(10).line() + signed(11).line()[:-1]
    assert read_attestations(data, block=HEADER.number) == (signed(10),)


def test_more_of_one_block_than_are_taken_is_refused() -> None:
    with pytest.raises(AttestationsMalformed):
        read_attestations(signed(10).line() * (AT_BLOCK_MAX + 1), block=HEADER.number)


LINE = signed(10).line()


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"[]\n",
        b"\xff\n",
        b"[" * 1_000 + b"\n",
        LINE.replace(b"{", b"{ "),
        LINE.replace(b"4242", b"4242.0"),
        LINE.replace(b"4242", b"true"),
        LINE.replace(b"4242", b"-1"),
        LINE.replace(b"4242", str(2**48).encode()),
        LINE.replace(b"4242", b'"4242"'),
        LINE.replace(b"0xaa", b"0xAA"),
        LINE.replace(b"0xaa", b"0x"),
        LINE.replace(b'"0x' + b"aa" * 32 + b'"', b"[]"),
        LINE.replace(b"attestation/1", b"attestation/2"),
        LINE.replace(b'"number"', b'"signer":1,"number"'),
        LINE.replace(b'"number":4242', b'"number":4242,"number":4242'),
        LINE.replace(b'"hash"', b'"hash" ' + b" " * 2_000),
    ],
)
def test_anything_else_is_malformed(line: bytes) -> None:
    with pytest.raises(AttestationsMalformed) as refused:
        read_attestations(line, block=HEADER.number)
    assert refused.value.code == "attestations_malformed"


@given(st.binary(max_size=300), st.integers(0, len(LINE) - 1))
def test_whatever_the_bytes_it_is_read_or_refused_by_name(garbage: bytes, at: int) -> None:
    for data in (garbage + b"\n", LINE[:at] + garbage + LINE[at + len(garbage) :]):
        try:
            found = read_attestations(data, block=HEADER.number)
        except AttestationsMalformed:
            continue
        assert all(one.line() in data for one in found)
