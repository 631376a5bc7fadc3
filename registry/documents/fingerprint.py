"""The fingerprint: the same claim gives the same 32 bytes, whatever the format it came in. Pure.

    canonical key = "counterfoil/invoice/1", seller identity, buyer identity, number, issue date, currency
    pair key      = HMAC-SHA256(master, "counterfoil/pair/1", seller identity, buyer identity)
    fingerprint   = HMAC-SHA256(pair key, canonical key)

Every field stands behind its length in 4 big-endian bytes, so no two lists of fields give the same bytes. An identity
is PartyIdentity.encode(); the number is normal_number in UTF-8; the date is YYYY-MM-DD; the currency is the alpha code.

Amount, due date and type are left out on purpose: an equal fingerprint with another amount is a second attempt on the
same claim. The hash is keyed because an invoice number is guessable; the key of a pair is known to both its parties, so
both can recompute it and nobody else can guess.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from registry.documents.invoice import Invoice
from registry.documents.parties import normal_number
from registry.domain.merkle import length_prefixed

KEY_BYTES: Final = 32
"""Length of a pair key and least length of the master key, in bytes."""

_KEY_TAG: Final = b"counterfoil/invoice/1"
_PAIR_TAG: Final = b"counterfoil/pair/1"


def canonical_key(invoice: Invoice) -> bytes:
    """Unambiguous bytes of what makes the claim one claim. Refuses: document_incomplete. Source: rule 3."""
    fields = (
        _KEY_TAG,
        invoice.seller_identity.encode(),
        invoice.buyer_identity.encode(),
        normal_number(invoice.number).encode(),
        invoice.issue_date.isoformat().encode(),
        invoice.currency.code.encode(),
    )
    return b"".join(length_prefixed(field) for field in fields)


def pair_key(master: bytes, *, seller_identity: bytes, buyer_identity: bytes) -> bytes:
    """The 32-byte key of one seller and one buyer, in this order; identities as PartyIdentity.encode() gives them.

    `master` is secret and at least 32 bytes long.
    """
    if len(master) < KEY_BYTES:
        raise ValueError(f"the master key has {len(master)} bytes; at least {KEY_BYTES} are needed")
    message = b"".join(length_prefixed(field) for field in (_PAIR_TAG, seller_identity, buyer_identity))
    return hmac.digest(master, message, hashlib.sha256)


def fingerprint(invoice: Invoice, master: bytes) -> bytes:
    """The 32-byte fingerprint, for the holder of the master key. Refuses: document_incomplete."""
    key = pair_key(
        master,
        seller_identity=invoice.seller_identity.encode(),
        buyer_identity=invoice.buyer_identity.encode(),
    )
    return fingerprint_by_pair(invoice, key)


def fingerprint_by_pair(invoice: Invoice, key: bytes) -> bytes:
    """The 32-byte fingerprint, for a party that knows the key of the pair. Refuses: document_incomplete."""
    if len(key) != KEY_BYTES:
        raise ValueError(f"a pair key has {KEY_BYTES} bytes, not {len(key)}")
    return hmac.digest(key, canonical_key(invoice), hashlib.sha256)
