"""Bundles that hold together and say nonsense: a state of one's own around whatever journal, head and header fit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import rlp
from eth_utils.crypto import keccak

from registry.domain import journal
from registry.domain.identifiers import Address, CertificateId
from registry.domain.journal import Entry, Registered
from registry.verification.bundle import Bundle
from registry.verification.disclosure import FORMAT as DISCLOSURE_FORMAT
from registry.verification.layout import RECORDS, place, read_words
from tests.verification.paper import CHAIN_ID, CODE_HASH, Paper

CONTRACT: Address = b"\xc0" * 20
AT = 1_800_000_000


def head_of(entries: Iterable[Entry], receivable_id: int) -> bytes:
    """The head to which these entries hash, whatever they say."""
    head = journal.genesis(chain_id=CHAIN_ID, contract=CONTRACT, journal_id=receivable_id)
    for entry in entries:
        head = journal.append(head, entry.hash())
    return head


def bundle(
    entries: Sequence[Entry],
    certificate: CertificateId,
    *,
    words: Mapping[bytes, bytes] | None = None,
    stated: Mapping[str, Any] | None = None,
    at: int = AT,
    number: int = 1,
    account: Sequence[Any] = (1, 0, None, CODE_HASH),
) -> bytes:
    """A bundle with a head that is stored, and with these words (RLP, by their places) besides or instead."""
    head = (int.from_bytes(place(certificate.receivable_id, RECORDS)) + 1).to_bytes(32)
    stored = {head: rlp.encode(head_of(entries, certificate.receivable_id).lstrip(b"\0")), **(words or {})}
    paper = Paper.of_words({}, stored, contract=CONTRACT, at=at, number=number, account=account)
    nodes = dict.fromkeys(rlp.encode(node) for node in paper.state.get_proof(keccak(CONTRACT)))

    def lookup(at_place: bytes) -> int:
        nodes.update(dict.fromkeys(rlp.encode(node) for node in paper.storage.get_proof(keccak(at_place))))
        try:
            word = rlp.decode(stored.get(at_place, b"\x80"))
        except rlp.DecodingError:
            return 0
        return int.from_bytes(word[:32]) if isinstance(word, bytes) else 0

    registered = entries[0] if entries else None
    if isinstance(registered, Registered):
        read_words(lookup, certificate, registered)
    return Bundle(CHAIN_ID, CONTRACT, certificate, stated or {}, tuple(entries), paper.header, tuple(nodes)).encode()


def nested_disclosure(depth: int) -> bytes:
    """A disclosure whose proof is so many lists in each other."""
    proof = b"[" * depth + b"]" * depth
    return b'{"format":"%s","proof":%s,"purpose":"","recipient":"","signature":"0x"}\n' % (
        DISCLOSURE_FORMAT.encode(),
        proof,
    )
