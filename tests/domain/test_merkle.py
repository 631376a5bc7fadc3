"""Merkle trees: every leaf can be shown at its own place, and nowhere else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.domain.keccak import keccak256
from registry.domain.merkle import leaf_hash, length_prefixed, node_hash, path_of, root_of, verify_path

SALT = bytes(range(32))
leaf_lists = st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=40, unique=True)


@given(leaves=leaf_lists, data=st.data())
def test_every_leaf_is_proved_by_its_path(leaves: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    path = path_of(leaves, index)
    assert verify_path(root=root_of(leaves), leaf=leaves[index], index=index, count=len(leaves), path=path)


@given(leaves=leaf_lists, data=st.data())
def test_a_path_proves_no_other_place(leaves: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    other = data.draw(st.integers(-1, len(leaves)).filter(lambda number: number != index))
    path = path_of(leaves, index)
    assert not verify_path(root=root_of(leaves), leaf=leaves[index], index=other, count=len(leaves), path=path)


@given(leaves=leaf_lists, data=st.data())
def test_a_changed_leaf_sibling_or_root_proves_nothing(leaves: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    path = path_of(leaves, index)
    hashes = [root_of(leaves), leaves[index], *path]
    place = data.draw(st.integers(0, len(hashes) - 1))
    bit = data.draw(st.integers(0, 255))
    hashes[place] = (int.from_bytes(hashes[place], "big") ^ 1 << bit).to_bytes(32, "big")
    root, leaf, *siblings = hashes
    assert not verify_path(root=root, leaf=leaf, index=index, count=len(leaves), path=siblings)


@given(leaves=leaf_lists)
def test_a_path_too_long_or_too_short_proves_nothing(leaves: list[bytes]) -> None:
    path = path_of(leaves, 0)
    for wrong in (path[:-1], (*path, leaves[0])):
        if wrong != path:
            assert not verify_path(root=root_of(leaves), leaf=leaves[0], index=0, count=len(leaves), path=wrong)


def test_the_formats_are_those_of_the_docstring() -> None:
    salted = b"\x00" + SALT + b"\x00\x00\x00\x06number" + b"\x00\x00\x00\x03471"
    first = leaf_hash(name="number", value="471", salt=SALT)
    assert first == keccak256(salted)
    second, third = bytes([2]) * 32, bytes([3]) * 32
    pair = keccak256(b"\x01" + first + second)
    assert node_hash(first, second) == pair
    assert root_of([first]) == first
    assert root_of([first, second, third]) == keccak256(b"\x01" + pair + third)
    assert path_of([first, second, third], 2) == (pair,)


@given(name=st.text(), value=st.text(), moved=st.integers(1, 5))
def test_name_and_value_cannot_run_into_each_other(name: str, value: str, moved: int) -> None:
    joined = name + value
    cut = min(len(joined), len(name) + moved)
    if joined[:cut] != name:
        assert leaf_hash(name=name, value=value, salt=SALT) != leaf_hash(
            name=joined[:cut], value=joined[cut:], salt=SALT
        )


def test_a_node_cannot_be_shown_as_a_leaf() -> None:
    leaves = [leaf_hash(name=str(number), value="", salt=SALT) for number in range(4)]
    inner = node_hash(leaves[0], leaves[1])
    path = path_of(leaves, 0)[1:]
    # With the true count the path has the wrong length; only a verifier that believes another count is fooled.
    assert not verify_path(root=root_of(leaves), leaf=inner, index=0, count=4, path=path)


def test_hashes_of_the_wrong_length_prove_nothing() -> None:
    leaves = [bytes([number]) * 32 for number in range(2)]
    assert not verify_path(root=root_of(leaves), leaf=leaves[0], index=0, count=2, path=(leaves[1][:31],))
    assert not verify_path(root=b"", leaf=leaves[0], index=0, count=2, path=(leaves[1],))


def test_misuse_is_a_bug_and_says_so() -> None:
    with pytest.raises(ValueError, match="needs a leaf"):
        root_of([])
    with pytest.raises(ValueError, match="32 bytes"):
        root_of([b"short"])
    with pytest.raises(ValueError, match="no leaf 2"):
        path_of([bytes(32), bytes(32)], 2)
    with pytest.raises(ValueError, match="32 bytes"):
        leaf_hash(name="a", value="b", salt=b"short")


def test_the_length_prefix_is_four_bytes_big_endian() -> None:
    assert length_prefixed(b"abc") == b"\x00\x00\x00\x03abc"
