"""What is signed, as any wallet shows and hashes it: EIP-712, of structures without arrays or other structures."""

from __future__ import annotations

from typing import TypeAlias

from registry.domain.journal import word
from registry.domain.keccak import keccak256

Struct: TypeAlias = "tuple[str, *tuple[str | int | bytes, ...]]"
"""The type as it is written there, and a value for each of its members."""


def digest(domain: Struct, message: Struct) -> bytes:
    """The 32 bytes that are signed."""
    return keccak256(b"\x19\x01" + _hash(*domain) + _hash(*message))


def _hash(written: str, *values: str | int | bytes) -> bytes:
    return keccak256(b"".join(_member(value) for value in (written, *values)))


def _member(value: str | int | bytes) -> bytes:
    return keccak256(value.encode()) if isinstance(value, str) else word(value)
