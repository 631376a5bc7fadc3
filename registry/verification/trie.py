"""Lookups in a Merkle-Patricia trie of which only some nodes are at hand: yellow paper, appendix D.

A node is the RLP of a branch (16 children and a value) or of a path and what stands at its end: a value (leaf) or one
more child (extension). A child is the keccak256 of a node, or the node itself if that is shorter than 32 bytes. What is
looked up is as true as the root: nodes are found by their hashes, so none can be changed, and a missing one is noticed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from registry.domain.keccak import keccak256
from registry.domain.refusals import Refusal
from registry.verification import rlp
from registry.verification.rlp import Item

EMPTY_ROOT: Final = bytes.fromhex("56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421")
"""keccak256(rlp("")): the trie that holds nothing."""

_HASH_BYTES: Final = 32
_CHILDREN: Final = 16


class ProofIncomplete(Refusal):
    """A node on the way to the key is missing."""

    code = "proof_incomplete"
    title = "The proof lacks a node"


class ProofMalformed(Refusal):
    """A node that no trie has, or the same node twice."""

    code = "proof_malformed"
    title = "The proof is not made of nodes of a trie"


class Nodes:
    """A pool of nodes of one or more tries, which knows which of them were of use."""

    def __init__(self, nodes: Iterable[bytes]) -> None:
        """Raises ProofMalformed for a node that comes twice."""
        self._nodes: dict[bytes, bytes] = {}
        self._used: dict[bytes, list[Item]] = {}
        for node in nodes:
            name = keccak256(node)
            if name in self._nodes:
                raise ProofMalformed(f"node 0x{name.hex()} comes twice")
            self._nodes[name] = node

    def lookup(self, root: bytes, key: bytes) -> bytes:
        """The value of the key in the secure trie (accounts by address, storage by slot): path keccak256(key).

        b"" if the trie has none. Raises ProofIncomplete and ProofMalformed.
        """
        return self.value_at(root, keccak256(key))

    def value_at(self, root: bytes, path: bytes) -> bytes:
        """The value at a path as it stands; b"" if there is none. Raises ProofIncomplete and ProofMalformed."""
        if root == EMPTY_ROOT:
            return b""
        node, rest = self._named(root), path.hex()
        # Ends: every child but that of an empty extension, which is refused, takes a nibble of the rest.
        while True:
            if len(node) == _CHILDREN + 1:
                if not rest:
                    return _value(node[_CHILDREN])
                child, rest = node[int(rest[0], 16)], rest[1:]
                if child == b"":
                    return b""
            else:
                shared, is_leaf = _shared(node[0])
                if is_leaf:
                    value = _value(node[1])
                    if not value:
                        raise ProofMalformed("a leaf has no value")
                    return value if rest == shared else b""
                if not rest.startswith(shared):
                    return b""
                child, rest = node[1], rest[len(shared) :]
            node = self._child(child)

    def used_in_order(self) -> bool:
        """Whether every node was of use, and they came in the order in which they first were."""
        return list(self._used) == list(self._nodes)

    def _child(self, child: Item) -> list[Item]:
        if isinstance(child, bytes):
            if len(child) != _HASH_BYTES:
                raise ProofMalformed("a child is neither a node nor a hash")
            node = self._named(child)
            if len(self._nodes[child]) < _HASH_BYTES:
                raise ProofMalformed("a node of less than 32 bytes does not stand in its parent")
            return node
        if len(rlp.encode(child)) >= _HASH_BYTES:
            raise ProofMalformed("a node of 32 bytes or more stands in its parent")
        return _checked(child)

    def _named(self, name: bytes) -> list[Item]:
        """The node with this hash, which from now on has been of use."""
        if name not in self._used:
            if name not in self._nodes:
                raise ProofIncomplete(f"node 0x{name.hex()} is missing")
            try:
                self._used[name] = _checked(rlp.decode(self._nodes[name]))
            except rlp.RlpMalformed as malformed:
                raise ProofMalformed(f"node 0x{name.hex()}: {malformed}") from malformed
        return self._used[name]


def _checked(node: Item) -> list[Item]:
    if isinstance(node, bytes) or len(node) not in (2, _CHILDREN + 1):
        raise ProofMalformed("a node is neither a branch nor a path with its end")
    return node


def _value(item: Item) -> bytes:
    if not isinstance(item, bytes):
        raise ProofMalformed("a list stands where a value should")
    return item


def _shared(encoded: Item) -> tuple[str, bool]:
    """The nibbles that all keys below share, and whether that is the rest of a key: hex-prefix encoding.

    The first nibble has 2 for a leaf and 1 for an odd number of nibbles; if that is even, a zero follows it.
    """
    nibbles = _value(encoded).hex()
    is_odd, is_leaf = nibbles[:1] in ("1", "3"), nibbles[:1] in ("2", "3")
    if not is_odd and nibbles[:2] not in ("00", "20"):
        raise ProofMalformed("a path has no hex prefix")
    shared = nibbles[1:] if is_odd else nibbles[2:]
    if not shared and not is_leaf:
        raise ProofMalformed("an extension is empty")
    return shared, is_leaf
