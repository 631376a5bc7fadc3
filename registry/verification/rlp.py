"""Recursive length prefix, Ethereum's encoding of nested byte strings: the canonical form only, one per item."""

from __future__ import annotations

from typing import Final, TypeAlias

from registry.domain.refusals import Refusal

Item: TypeAlias = "bytes | list[Item]"
"""A string of bytes, or a list of items."""

DEPTH_MAX: Final = 16
"""Lists within lists. Headers, accounts, nodes, transactions and receipts have at most five."""

_STRING: Final = 0x80
_LIST: Final = 0xC0
_SHORT_BYTES_MAX: Final = 55


class RlpMalformed(Refusal):
    """Bytes that are not the one encoding of an item."""

    code = "rlp_malformed"
    title = "These bytes are not canonical RLP"


def decode(data: bytes) -> Item:
    """The item that is encoded. Raises RlpMalformed, and nothing else whatever the bytes."""
    item, end = _item(data, 0, len(data), DEPTH_MAX)
    if end != len(data):
        raise RlpMalformed(f"{len(data) - end} bytes follow the item")
    return item


def encode(item: Item) -> bytes:
    """The item's one encoding. Raises RlpMalformed if it is nested deeper than `decode` reads."""
    return _encoded(item, DEPTH_MAX)


def _item(data: bytes, at: int, end: int, depth: int) -> tuple[Item, int]:
    """The item that begins at `at` and ends no later than `end`, and where it ends."""
    if at >= end:
        raise RlpMalformed("an item is missing")
    first = data[at]
    if first < _STRING:
        return data[at : at + 1], at + 1
    start, stop = _payload(data, at, end, first - (_STRING if first < _LIST else _LIST))
    if first < _LIST:
        if stop - start == 1 and data[start] < _STRING:
            raise RlpMalformed("a byte that stands for itself has a length")
        return data[start:stop], stop
    if depth == 0:
        raise RlpMalformed(f"lists are nested deeper than {DEPTH_MAX}")
    items: list[Item] = []
    while start < stop:
        item, start = _item(data, start, stop, depth - 1)
        items.append(item)
    return items, stop


def _payload(data: bytes, at: int, end: int, length: int) -> tuple[int, int]:
    """Where the payload behind the prefix begins and ends; `length` is the prefix without its kind."""
    start = at + 1
    if length > _SHORT_BYTES_MAX:
        start += length - _SHORT_BYTES_MAX
        written = data[at + 1 : start]
        length = int.from_bytes(written, "big")
        if start > end or written[0] == 0 or length <= _SHORT_BYTES_MAX:
            raise RlpMalformed("a length is cut off or not written in the shortest way")
    if start + length > end:
        raise RlpMalformed("an item is longer than what holds it")
    return start, start + length


def _encoded(item: Item, depth: int) -> bytes:
    if isinstance(item, bytes):
        return item if len(item) == 1 and item[0] < _STRING else _prefix(len(item), _STRING) + item
    if depth == 0:
        raise RlpMalformed(f"lists are nested deeper than {DEPTH_MAX}")
    payload = b"".join([_encoded(each, depth - 1) for each in item])
    return _prefix(len(payload), _LIST) + payload


def _prefix(length: int, kind: int) -> bytes:
    if length <= _SHORT_BYTES_MAX:
        return bytes([kind + length])
    written = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([kind + _SHORT_BYTES_MAX + len(written)]) + written
