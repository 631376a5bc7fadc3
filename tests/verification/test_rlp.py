"""RLP: one encoding per item, against the package `rlp`, and no way to break the reader."""

from __future__ import annotations

import pytest
import rlp as oracle
from hypothesis import given
from hypothesis import strategies as st

from registry.verification.rlp import DEPTH_MAX, Item, RlpMalformed, decode, encode

strings = st.binary(max_size=70) | st.integers(0, 255).map(lambda byte: bytes([byte]))
items = st.recursive(strings, lambda inner: st.lists(inner, max_size=6), max_leaves=20)
# Prefixes, lengths and single bytes at their limits, so that many of these are almost an item.
hostile = st.lists(
    st.sampled_from([0x00, 0x01, 0x37, 0x38, 0x7F, 0x80, 0x81, 0x82, 0xB7, 0xB8, 0xB9, 0xBF, 0xC0, 0xC1, 0xC2, 0xC3])
    | st.sampled_from([0xF7, 0xF8, 0xF9, 0xFF])
    | st.integers(0, 255),
    max_size=DEPTH_MAX,
).map(bytes)


def nested(depth: int) -> Item:
    item: Item = b""
    for _ in range(depth):
        item = [item]
    return item


@given(items)
def test_an_item_is_encoded_as_the_package_does_and_read_back(item: Item) -> None:
    encoded = encode(item)
    assert encoded == oracle.encode(item)
    assert decode(encoded) == item


@pytest.mark.parametrize("length", [0, 1, 55, 56, 255, 256, 65_535, 65_536])
def test_lengths_at_the_limits_are_read_back(length: int) -> None:
    for item in (b"\xee" * length, [b"\x01"] * length):
        assert encode(item) == oracle.encode(item)
        assert decode(encode(item)) == item


@given(hostile)
def test_any_bytes_are_the_one_encoding_of_an_item_or_malformed_as_the_package_has_it(data: bytes) -> None:
    try:
        expected = oracle.decode(data)
    except oracle.DecodingError:
        with pytest.raises(RlpMalformed):
            decode(data)
    else:
        assert decode(data) == expected
        assert encode(decode(data)) == data


@given(items, st.data())
def test_a_changed_encoding_is_another_item_or_malformed(item: Item, data: st.DataObject) -> None:
    encoded = bytearray(encode(item))
    place = data.draw(st.integers(0, len(encoded) - 1))
    encoded[place] ^= data.draw(st.integers(1, 255))
    try:
        found = decode(bytes(encoded))
    except RlpMalformed:
        return
    assert found != item
    assert encode(found) == encoded


@given(items, st.binary(min_size=1, max_size=3))
def test_an_encoding_cut_off_or_followed_by_anything_is_malformed(item: Item, more: bytes) -> None:
    encoded = encode(item)
    for wrong in (encoded[:-1], encoded + more):
        with pytest.raises(RlpMalformed):
            decode(wrong)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x81\x7f", id="a single byte with a length"),
        pytest.param(b"\xb8\x37" + bytes(55), id="a short string in the long form"),
        pytest.param(b"\xf8\x37" + bytes(55), id="a short list in the long form"),
        pytest.param(b"\xb9\x00\x38" + bytes(56), id="a length with a leading zero"),
        pytest.param(b"\xf9\x00\x38" + bytes(56), id="a list's length with a leading zero"),
        pytest.param(b"\xb8", id="no length"),
        pytest.param(b"\xff\xff\xff", id="half a length"),
        pytest.param(b"\xbf" + b"\xff" * 8, id="a length of 16 EiB"),
        pytest.param(b"\xc1\x82\x80\x80", id="an item longer than its list"),
        pytest.param(b"\xc1\xb8\x38" + bytes(56), id="a length that is not in its list"),
    ],
)
def test_what_is_not_canonical_is_malformed(data: bytes) -> None:
    with pytest.raises(RlpMalformed):
        decode(data)


def test_lists_nest_so_deep_and_no_deeper() -> None:
    deepest = nested(DEPTH_MAX)
    assert decode(encode(deepest)) == deepest
    with pytest.raises(RlpMalformed):
        encode(nested(DEPTH_MAX + 1))
    with pytest.raises(RlpMalformed):
        decode(oracle.encode(nested(DEPTH_MAX + 1)))


def test_a_hundred_thousand_lists_in_each_other_exhaust_nothing() -> None:
    heads: list[bytes] = []
    length = 0
    for _ in range(100_000):
        written = length.to_bytes((length.bit_length() + 7) // 8)
        head = bytes([0xC0 + length]) if length < 56 else bytes([0xF7 + len(written)]) + written
        heads.append(head)
        length += len(head)
    with pytest.raises(RlpMalformed):
        decode(b"".join(reversed(heads)))
