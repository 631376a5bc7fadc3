"""Merkle trees over keccak256: salted named leaves, roots, paths and their verification. Pure.

    leaf = keccak256(0x00 || salt (32 bytes) || length-prefixed name || length-prefixed value)
    node = keccak256(0x01 || left || right)

A length prefix is 4 bytes, big-endian; names and values are UTF-8. The first byte keeps leaves and nodes apart (a node
can never be passed off as a leaf). An odd node at the end of a level moves up unchanged: nothing is hashed twice, so no
two lists of leaves share a root for a given count.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from registry.domain.keccak import keccak256

HASH_BYTES: Final = 32
SALT_BYTES: Final = 32
_LENGTH_BYTES: Final = 4
_LEAF: Final = b"\x00"
_NODE: Final = b"\x01"


def length_prefixed(data: bytes) -> bytes:
    """Data behind its length in 4 big-endian bytes: joined fields cannot be read in two ways."""
    return len(data).to_bytes(_LENGTH_BYTES, "big") + data


def leaf_hash(*, name: str, value: str, salt: bytes) -> bytes:
    """Commitment to one named value: 32 bytes. The 32-byte salt hides a guessable value; deleting it is erasure."""
    if len(salt) != SALT_BYTES:
        raise ValueError(f"a salt has {SALT_BYTES} bytes, not {len(salt)}")
    return keccak256(_LEAF + salt + length_prefixed(name.encode()) + length_prefixed(value.encode()))


def node_hash(left: bytes, right: bytes) -> bytes:
    """Parent of two hashes; the order counts."""
    return keccak256(_NODE + left + right)


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Root of at least one leaf hash; the root of one leaf is that leaf."""
    return _levels(leaves)[-1][0]


def path_of(leaves: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """Siblings from leaf `index` up to the root, bottom first; a promoted node has none on its level."""
    if not 0 <= index < len(leaves):
        raise ValueError(f"no leaf {index} among {len(leaves)}")
    siblings: list[bytes] = []
    for level in _levels(leaves)[:-1]:
        sibling = index ^ 1
        if sibling < len(level):
            siblings.append(level[sibling])
        index //= 2
    return tuple(siblings)


def verify_path(*, root: bytes, leaf: bytes, index: int, count: int, path: Sequence[bytes]) -> bool:
    """Whether `leaf` is number `index` of the `count` leaves under `root`.

    Index and count decide on which side each sibling stands, so one leaf cannot be shown at two positions. The caller
    must know the count from elsewhere: a root alone does not bind it. Never raises on hostile input.
    """
    if not 0 <= index < count or any(len(sibling) != HASH_BYTES for sibling in (root, leaf, *path)):
        return False
    siblings = iter(path)
    current, width = leaf, count
    while width > 1:
        if index ^ 1 < width:
            sibling = next(siblings, None)
            if sibling is None:
                return False
            current = node_hash(sibling, current) if index % 2 else node_hash(current, sibling)
        index //= 2
        width = (width + 1) // 2
    return next(siblings, None) is None and current == root


def _levels(leaves: Sequence[bytes]) -> list[list[bytes]]:
    """All levels of the tree, leaves first, the one-element root level last."""
    if not leaves:
        raise ValueError("a tree needs a leaf")
    if any(len(leaf) != HASH_BYTES for leaf in leaves):
        raise ValueError(f"a leaf hash has {HASH_BYTES} bytes")
    levels = [list(leaves)]
    while len(levels[-1]) > 1:
        below = levels[-1]
        above = [node_hash(below[i], below[i + 1]) for i in range(0, len(below) - 1, 2)]
        if len(below) % 2:
            above.append(below[-1])
        levels.append(above)
    return levels
