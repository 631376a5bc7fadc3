"""The one hash of the domain that the standard library lacks."""

from __future__ import annotations

import sha3


def keccak256(data: bytes) -> bytes:
    """Keccak-256 as Ethereum uses it (the padding before FIPS 202): 32 bytes."""
    digest: bytes = sha3.keccak_256(data).digest()
    return digest
