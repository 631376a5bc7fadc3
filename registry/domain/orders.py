"""What an order is named by on chain: the hash of the authority and the number that it gave the order."""

from __future__ import annotations

import unicodedata

from registry.domain.keccak import keccak256
from registry.domain.merkle import length_prefixed

_TAG = b"counterfoil/order/1"


def order_hash(*, authority: str, number: str) -> bytes:
    """The 32 bytes by which officers name an order; the texts in normal form C, without blanks around them.

    Neither may be empty or hold a control character: ValueError. Not keyed: whoever has the order in hand recomputes
    it, and a guess only tells that there is one.
    """
    words = [unicodedata.normalize("NFC", text).strip() for text in (authority, number)]
    if not all(words):
        raise ValueError("an order has an authority and a number")
    if any(unicodedata.category(char) in ("Cc", "Cs") for word in words for char in word):
        raise ValueError("the name of an order is text: it holds no control characters")
    return keccak256(b"".join(length_prefixed(part) for part in (_TAG, *(word.encode() for word in words))))
