"""What orders, and bookings of a bank, are named by on chain: hashes of the texts that their papers bear."""

from __future__ import annotations

import unicodedata

from registry.domain.keccak import keccak256
from registry.domain.merkle import length_prefixed

_ORDER_TAG = b"counterfoil/order/1"
_BANK_TAG = b"counterfoil/bank/1"


def order_hash(*, authority: str, number: str) -> bytes:
    """The 32 bytes by which officers name an order; the texts in normal form C, without blanks around them.

    Neither may be empty or hold a control character: ValueError. Not keyed: whoever has the order in hand recomputes
    it, and a guess only tells that there is one.
    """
    return _text_hash(_ORDER_TAG, authority, number)


def bank_reference_hash(text: str) -> bytes:
    """The 32 bytes by which a deposit token knows a booking of the bank's, of the same form; it counts once.

    Not keyed: the same booking must give the same bytes whoever enters it. Raises ValueError as order_hash.
    """
    return _text_hash(_BANK_TAG, text)


def _text_hash(tag: bytes, *texts: str) -> bytes:
    words = [unicodedata.normalize("NFC", text).strip() for text in texts]
    if not all(words):
        raise ValueError("what is named on chain has a name: no part of it may be empty")
    if any(unicodedata.category(char) in ("Cc", "Cs") for word in words for char in word):
        raise ValueError("a name is text: it holds no control characters")
    return keccak256(b"".join(length_prefixed(part) for part in (tag, *(word.encode() for word in words))))
