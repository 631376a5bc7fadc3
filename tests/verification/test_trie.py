"""Lookups in a pool of nodes, against the package `trie` and a real node's eth_getProof."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trie import HexaryTrie

from registry.chain.rpc import Node
from registry.domain.keccak import keccak256
from registry.verification.rlp import Item, decode, encode
from registry.verification.trie import EMPTY_ROOT, Nodes, ProofIncomplete, ProofMalformed
from tests.scene import Scene

unhurried = settings(deadline=None)  # growing a trie is the package's work, and slow
values = st.binary(min_size=1, max_size=40)
# Paths that share beginnings and are beginnings of each other: extensions, values in branches, embedded nodes.
short_paths = st.lists(st.sampled_from([0x00, 0x01, 0x10, 0x11, 0xFF]), max_size=4).map(bytes)
contents = st.dictionaries(short_paths, values, max_size=20)
keys = st.integers(0, 60).map(lambda number: number.to_bytes(32))
slots = st.dictionaries(keys, values, min_size=1, max_size=40)


def grown(content: dict[bytes, bytes]) -> HexaryTrie:
    trie = HexaryTrie({}, prune=True)
    for path, value in content.items():
        trie[path] = value
    return trie


def secure(content: dict[bytes, bytes]) -> HexaryTrie:
    return grown({keccak256(key): value for key, value in content.items()})


def proof(trie: HexaryTrie, path: bytes) -> list[bytes]:
    """The nodes on the way to a path; those shorter than 32 bytes stand in their parents."""
    encoded = [encode(_plain(node)) for node in trie.get_proof(path)]
    return [node for number, node in enumerate(encoded) if number == 0 or len(node) >= 32]


def _plain(node: Sequence[object] | bytes) -> Item:
    return node if isinstance(node, bytes) else [_plain(each) for each in node]


@unhurried
@given(contents, short_paths)
def test_every_path_has_the_value_that_the_package_finds(content: dict[bytes, bytes], other: bytes) -> None:
    trie = grown(content)
    nodes = Nodes(trie.db.values())
    for path in {*content, other, b"", other + b"\x01"}:
        assert nodes.value_at(trie.root_hash, path) == content.get(path, b"")


@unhurried
@given(slots, keys)
def test_a_key_s_value_or_absence_is_proved_by_the_nodes_on_its_way_and_no_fewer(
    content: dict[bytes, bytes], other: bytes
) -> None:
    trie = secure(content)
    for key in (next(iter(content)), other):
        needed = proof(trie, keccak256(key))
        nodes = Nodes(needed)
        assert nodes.lookup(trie.root_hash, key) == content.get(key, b"")
        assert nodes.used_in_order()
        for left_out in needed:
            with pytest.raises(ProofIncomplete):
                Nodes(node for node in needed if node != left_out).lookup(trie.root_hash, key)


@unhurried
@given(contents, short_paths)
def test_the_package_s_proofs_of_paths_of_any_length_are_whole_too(content: dict[bytes, bytes], path: bytes) -> None:
    trie = grown({**content, b"\x77": b"\x01"})
    nodes = Nodes(proof(trie, path))
    assert nodes.value_at(trie.root_hash, path) == content.get(path, b"")
    assert nodes.used_in_order()


@unhurried
@given(slots, st.data())
def test_nodes_that_no_lookup_needed_or_in_another_order_are_noticed(
    content: dict[bytes, bytes], data: st.DataObject
) -> None:
    trie = secure(content)
    asked = sorted(data.draw(st.sets(st.sampled_from(sorted(content)), min_size=1)))
    needed = list(dict.fromkeys(node for key in asked for node in proof(trie, keccak256(key))))

    def in_order(given: list[bytes]) -> bool:
        nodes = Nodes(given)
        for key in asked:
            nodes.lookup(trie.root_hash, key)
        return nodes.used_in_order()

    assert in_order(needed)
    assert not in_order([*needed, b"\xc0"])
    assert in_order(needed[::-1]) is (len(needed) == 1)


def test_each_flipped_byte_of_each_node_is_refused() -> None:
    content = {number.to_bytes(32): number.to_bytes(4) for number in range(1, 40)}
    trie = secure(content)
    key = (7).to_bytes(32)
    needed = proof(trie, keccak256(key))
    assert len(needed) > 1
    for place, node in enumerate(needed):
        for at in range(len(node)):
            for mask in (0x01, 0x80, 0xFF):
                changed = node[:at] + bytes([node[at] ^ mask]) + node[at + 1 :]
                with pytest.raises(ProofIncomplete):
                    Nodes([*needed[:place], changed, *needed[place + 1 :]]).lookup(trie.root_hash, key)


def test_an_empty_trie_proves_every_absence_without_a_node() -> None:
    assert HexaryTrie({}).root_hash == EMPTY_ROOT
    assert Nodes([]).lookup(EMPTY_ROOT, bytes(32)) == b""


def test_a_node_that_comes_twice_is_refused() -> None:
    with pytest.raises(ProofMalformed):
        Nodes([b"\xc0", b"\xc1\x80", b"\xc0"])


BRANCH: list[Item] = [b""] * 17
LONG = b"\x11" * 40


@pytest.mark.parametrize(
    "root",
    [
        pytest.param(b"", id="nothing at all"),
        pytest.param(encode(b"\x20"), id="a string"),
        pytest.param(encode([]), id="an empty list"),
        pytest.param(encode([b"\x20", b"\x01", b"\x01"]), id="three items"),
        pytest.param(encode([b""] * 16), id="sixteen items"),
        pytest.param(encode([b""] * 18), id="eighteen items"),
        pytest.param(encode([b"\x20", b"\x01"]) + b"\x00", id="a byte behind"),
        pytest.param(encode([b"", b"\x01"]), id="no path"),
        pytest.param(encode([[b"\x20"], b"\x01"]), id="a list for a path"),
        pytest.param(encode([b"\x40", b"\x01"]), id="flag 4"),
        pytest.param(encode([b"\xf0", b"\x01"]), id="flag 15"),
        pytest.param(encode([b"\x21" + bytes(32), b"\x01"]), id="a leaf with a padding of 1"),
        pytest.param(encode([b"\x01" + bytes(32), keccak256(b"")]), id="an extension with a padding of 1"),
        pytest.param(encode([b"\x00", keccak256(b"")]), id="an empty extension"),
        pytest.param(encode([b"\x10", b""]), id="an extension to nowhere"),
        pytest.param(encode([b"\x10", bytes(31)]), id="a hash of 31 bytes"),
        pytest.param(encode([b"\x10", bytes(33)]), id="a hash of 33 bytes"),
        pytest.param(encode([b"\x10", []]), id="an empty list for a child"),
        pytest.param(encode([b"\x10", [b"\x20" + bytes(31), LONG]]), id="a long node in its parent"),
        pytest.param(encode([b"\x20" + bytes(32), b""]), id="a leaf without a value"),
        pytest.param(encode([b"\x20" + bytes(32), [b"\x01"]]), id="a leaf whose value is a list"),
        pytest.param(encode([b"\x00" + bytes(32), [*BRANCH[:-1], [b"\x01"]]]), id="a branch whose value is a list"),
    ],
)
def test_what_no_trie_has_is_malformed(root: bytes) -> None:
    with pytest.raises(ProofMalformed):
        Nodes([root]).value_at(keccak256(root), bytes(32))


def test_a_short_node_that_does_not_stand_in_its_parent_is_malformed() -> None:
    leaf = encode([b"\x20", b"\x01"])
    root = encode([b"\x00" + bytes(32), keccak256(leaf)])
    with pytest.raises(ProofMalformed):
        Nodes([root, leaf]).value_at(keccak256(root), bytes(32))


def test_a_value_may_end_at_a_branch() -> None:
    root = encode([b"\x00" + bytes(32), [*BRANCH[:-1], b"\x07"]])
    assert Nodes([root]).value_at(keccak256(root), bytes(32)) == b"\x07"


fields = st.binary(max_size=3) | st.sampled_from([b"\x10", b"\x20", bytes(32), b"\x00\x00"])
shapes = st.recursive(
    fields, lambda inner: st.tuples(inner, inner).map(list) | st.lists(inner, min_size=17, max_size=17), max_leaves=40
)


@unhurried
@given(st.binary(max_size=80) | shapes.map(encode), st.binary(max_size=3))
def test_any_bytes_for_a_root_give_a_value_or_a_named_error(root: bytes, path: bytes) -> None:
    try:
        found = Nodes([root]).value_at(keccak256(root), path)
    except (ProofIncomplete, ProofMalformed):
        return
    assert isinstance(found, bytes)


def state(node: Node, contract: bytes, slot: int) -> tuple[bytes, list[bytes], list[bytes]]:
    """State root and the nodes to the contract's account and to its slot, as the node proves them."""
    answer = node.request("eth_getProof", "0x" + contract.hex(), [f"0x{slot:064x}"], "latest")
    root = node.request("eth_getBlockByNumber", "latest", False)["stateRoot"]
    proofs = (answer["accountProof"], answer["storageProof"][0]["proof"])
    account, storage = ([bytes.fromhex(each[2:]) for each in nodes] for nodes in proofs)
    return bytes.fromhex(root[2:]), account, storage


def test_a_real_node_s_proofs_of_the_registry_s_slots_are_read(scene: Scene) -> None:
    contract, node = scene.deployment.receivables, scene.node
    scene.confirmed()
    where = [f"0x{slot:x}" for slot in range(40)]
    words = {
        slot: int(node.request("eth_getStorageAt", "0x" + contract.hex(), at, "latest"), 16)
        for slot, at in enumerate(where)
    }
    assert any(words.values())
    assert not all(words.values())
    for slot, word in words.items():
        root, account_proof, storage_proof = state(node, contract, slot)
        nodes = Nodes([*account_proof, *storage_proof])
        account = decode(nodes.lookup(root, contract))
        assert isinstance(account, list)
        _, _, storage_root, code_hash = account
        assert code_hash == keccak256(node.code(contract))
        assert isinstance(storage_root, bytes)
        value = nodes.lookup(storage_root, slot.to_bytes(32))
        assert value == (encode(word.to_bytes((word.bit_length() + 7) // 8)) if word else b"")
        assert nodes.used_in_order()


def test_a_real_node_proves_that_an_account_is_absent(scene: Scene) -> None:
    nobody = keccak256(b"nobody")[12:]
    root, account_proof, _ = state(scene.node, nobody, 0)
    nodes = Nodes(account_proof)
    assert nodes.lookup(root, nobody) == b""
    assert nodes.used_in_order()
