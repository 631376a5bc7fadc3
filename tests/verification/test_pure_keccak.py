"""Keccak-256 without packages, against the package."""

from __future__ import annotations

import sha3
from hypothesis import given
from hypothesis import strategies as st

from registry.verification import pure_keccak

RATE_BYTES = 136


def test_every_length_up_to_three_blocks_hashes_as_the_package_does() -> None:
    data = bytes(number * 167 % 256 for number in range(3 * RATE_BYTES + 1))
    for length in range(len(data) + 1):
        found, expected = pure_keccak.keccak_256(data[:length]), sha3.keccak_256(data[:length])
        assert (found.digest(), found.hexdigest()) == (expected.digest(), expected.hexdigest()), length


@given(st.binary(max_size=5 * RATE_BYTES))
def test_any_bytes_hash_as_the_package_does(data: bytes) -> None:
    assert pure_keccak.keccak_256(data).digest() == sha3.keccak_256(data).digest()


def test_nothing_hashes_to_the_published_value() -> None:
    expected = "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    assert pure_keccak.keccak_256().hexdigest() == expected
