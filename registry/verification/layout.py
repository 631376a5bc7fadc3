"""Where the contract keeps its words: the places in storage that a proof about a certificate looks up.

The formulas are Solidity's for mappings and structs; the numbers of the mappings are those of contracts/base/Ledger.sol
as the compiler lays them out, which a test holds against its own table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from registry.chain.words import (
    CertificateWord,
    MemberWord,
    RecordWords,
    Rights,
    unpack_certificate,
    unpack_claimed,
    unpack_member,
    unpack_record,
    unpack_rights,
)
from registry.domain.identifiers import ZERO_ADDRESS, CertificateId
from registry.domain.journal import REGISTRY_JOURNAL, Registered, word
from registry.domain.keccak import keccak256

RECORDS, CERTIFICATES, MEMBERS, FINGERPRINTS, LIENS, RECOURSES, CLAIMS = 1, 2, 3, 4, 15, 16, 17
"""The mappings by their numbers: _records, _certificates, _members, _fingerprints, _liens, _recourses, _claims."""

Lookup = Callable[[bytes], int]
"""The word at a place, 32 bytes: 0 where nothing was ever stored."""


@dataclass(frozen=True, slots=True)
class Words:
    """What the contract stores about a certificate. `registered_as` is the receivable under the claim's fingerprint, 0
    for none; `holder` the holder's word, None where there is no such certificate."""

    record: RecordWords
    registry_head: bytes
    certificate: CertificateWord
    debtor: MemberWord
    holder: MemberWord | None
    registered_as: int
    rights: Rights


def read_words(lookup: Lookup, certificate: CertificateId, registered: Registered) -> Words:
    """Look up all that a proof shows, in the order of docs/proof-format.md. `registered` is the first entry."""
    terms = place(certificate.receivable_id, RECORDS)
    record = unpack_record(
        lookup(terms), lookup(_after(terms, 1)).to_bytes(32), lookup(_after(terms, 2)), lookup(_after(terms, 3))
    )
    registry_head = lookup(head_place(REGISTRY_JOURNAL)).to_bytes(32)
    part = unpack_certificate(lookup(place(certificate.token_id, CERTIFICATES)))
    debtor = unpack_member(lookup(place(registered.debtor, MEMBERS)))
    holder = None if part.holder == ZERO_ADDRESS else unpack_member(lookup(place(part.holder, MEMBERS)))
    registered_as = lookup(place(_fingerprint_key(registered), FINGERPRINTS))
    lien, recourse, claimed = (
        lookup(place(certificate.token_id, mapping)) if marked else 0
        for marked, mapping in ((part.pledged, LIENS), (part.recourse, RECOURSES), (part.claimed, CLAIMS))
    )
    rights = unpack_rights(lien, recourse, unpack_claimed(claimed))
    return Words(record, registry_head, part, debtor, holder, registered_as, rights)


def place(key: int | bytes, mapping: int) -> bytes:
    """Where a mapping keeps the word, or the first of the words, of a key: 32 bytes."""
    return keccak256(word(key) + word(mapping))


def head_place(journal_id: int) -> bytes:
    """Where the head of a journal is kept."""
    return _after(place(journal_id, RECORDS), 1)


def _after(first: bytes, count: int) -> bytes:
    return ((int.from_bytes(first) + count) % 2**256).to_bytes(32)


def _fingerprint_key(registered: Registered) -> bytes:
    return keccak256(registered.fingerprint + word(registered.debtor) + word(registered.originator))
