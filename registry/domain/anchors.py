"""What a signature says of the receivable that it is about, so that it counts for no other.

The formulas are those of contracts/base/Signatures.sol and contracts/libraries/Words.sol.
"""

from __future__ import annotations

from registry.domain.identifiers import Address
from registry.domain.journal import word
from registry.domain.keccak import keccak256
from registry.domain.receivable import DAY_SECONDS, Receivable

NO_ANCHOR = bytes(32)
NO_CLAIM_KEY = bytes(32)


def claim_key(fingerprint: bytes, debtor: Address, originator: Address) -> bytes:
    """The key under which a claim lives on chain: 32 bytes."""
    return keccak256(fingerprint + word(debtor) + word(originator))


def claim_key_of(receivable: Receivable) -> bytes:
    """The same, of a receivable."""
    return claim_key(receivable.fingerprint, receivable.debtor, receivable.originator)


def anchor(key: bytes, terms: int) -> bytes:
    """What a signature about a confirmed receivable, or a part of it, is bound to: 32 bytes.

    `key` is its claim's, `terms` its lasting terms: not the journal's head, so what other holders do disturbs no
    signature; on a fork where the id went to another claim, or to this one with other terms, it is another.
    """
    return keccak256(key + word(terms))


def anchor_of(receivable: Receivable) -> bytes:
    """The same, of a receivable."""
    return anchor(claim_key_of(receivable), lasting_terms_of(receivable))


def lasting_terms(*, debtor: Address, face: int, due: int, currency: int) -> int:
    """The receivable's word without status and marks: debtor 160 | face 64 | due day 16 | currency 10.

    `face` in minor units, `due` in seconds, `currency` an ISO 4217 number.
    """
    return int.from_bytes(debtor) | face << 160 | due // DAY_SECONDS << 224 | currency << 240


def lasting_terms_of(receivable: Receivable) -> int:
    """The same, of a receivable."""
    return lasting_terms(
        debtor=receivable.debtor, face=receivable.face, due=receivable.due, currency=receivable.currency
    )
