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


def anchor(receivable: Receivable) -> bytes:
    """What a signature about a confirmed receivable, or a part of it, is bound to: 32 bytes.

    It names the claim and its terms, not the journal's head, so what other holders do disturbs no signature; on a fork
    where the id went to another claim, or to this one with other terms, it is another.
    """
    return keccak256(claim_key_of(receivable) + word(lasting_terms(receivable)))


def lasting_terms(receivable: Receivable) -> int:
    """The receivable's word without status and marks: debtor 160 | face 64 | due day 16 | currency 10."""
    return (
        int.from_bytes(receivable.debtor)
        | receivable.face << 160
        | receivable.due // DAY_SECONDS << 224
        | receivable.currency << 240
    )
