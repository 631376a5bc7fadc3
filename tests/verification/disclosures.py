"""Disclosures on paper: a claim of one whose key is at hand, with fields of its invoice opened for somebody."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from eth_keys import keys

from registry.domain.identifiers import CertificateId
from registry.domain.journal import Confirmed, Registered
from registry.domain.receivable import DAY_SECONDS
from registry.verification.bundle import Bundle
from registry.verification.disclosure import Disclosure
from tests.verification.hostile import AT, CONTRACT
from tests.verification.paper import CHAIN_ID, Paper, document

OWNER = keys.PrivateKey(b"\x07" * 32)
"""The originator's."""

_NUMBER, _FACE = 7, 100
_DEBTOR = b"\xde" * 20
_DUE = AT // DAY_SECONDS * DAY_SECONDS + 60 * DAY_SECONDS


def paper() -> Paper:
    """A chain with that claim alone."""
    root, fields = document(_NUMBER)
    originator = OWNER.public_key.to_canonical_address()
    registered = Registered(
        _NUMBER, originator, _DEBTOR, _FACE, _DUE, 978, b"\x01" * 32, root, AT + 14 * DAY_SECONDS, AT
    )
    confirmed = Confirmed(_NUMBER, _DEBTOR, originator, _FACE, AT)
    return replace(Paper.of({_NUMBER: [registered, confirmed]}, contract=CONTRACT, at=AT), documents={_NUMBER: fields})


def disclosed(
    *,
    recipient: str = "Auditor AG",
    show: Collection[str] = ("number",),
    signer: keys.PrivateKey = OWNER,
    stated: Mapping[str, Any] | None = None,
) -> bytes:
    """A disclosure of these fields, signed, of a proof that states this besides or instead."""
    proof = Bundle.decode(paper().bundle(CertificateId(_NUMBER, 0, _FACE), show=show))
    proof = replace(proof, stated={**proof.stated, **(stated or {})})
    unsigned = Disclosure(proof.encode(), recipient, "audit 2026")
    digest = unsigned.digest(chain_id=CHAIN_ID, contract=CONTRACT)
    return replace(unsigned, signature=signer.sign_msg_hash(digest).to_bytes()).encode()
