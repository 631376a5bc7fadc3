"""Check a proof bundle: from its bytes alone, no node, no database, to a verdict on each statement.

The order is that of the proof: header, account, words, journal, statements. docs/proof-format.md says what each means.
Ends in a verdict or in BundleMalformed, whatever the bytes, within bounds of time and memory that the bundle's are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import reduce
from itertools import pairwise
from typing import Any, Protocol

from registry.chain.words import compare_certificate, compare_record, compare_rights
from registry.documents.attachments import ATTACHMENTS_MAX
from registry.documents.commitments import leaf_index, verify_fields
from registry.domain import journal
from registry.domain.fold import JournalBroken
from registry.domain.identifiers import ZERO_ADDRESS, Address, format_address
from registry.domain.journal import Entry, Registered, Sealed
from registry.domain.printable import printable
from registry.domain.provenance import bearing_back
from registry.verification import rlp
from registry.verification.bundle import Bundle, BundleMalformed, canonical, to_hex
from registry.verification.header import Header
from registry.verification.layout import Words, read_words
from registry.verification.state import Account, StateUnproven, account, storage_word
from registry.verification.statement import STATEMENTS, History, in_words, part_of, statement
from registry.verification.trie import Nodes, ProofMalformed


class Status(StrEnum):
    """What became of one statement."""

    PROVEN = "proven"
    NOT_PROVEN = "not proven"
    CONTRADICTED = "contradicted"


@dataclass(frozen=True, slots=True)
class Finding:
    """One statement, what became of it, and why, in words."""

    name: str
    status: Status
    words: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a bundle proves. `header` is None where the bundle's cannot be read; `sealed` counts the sealed entries."""

    certificate: str
    contract: Address
    chain_id: int
    header: Header | None
    sealed: int
    stated: Mapping[str, Any]
    findings: tuple[Finding, ...]

    @property
    def status(self) -> Status:
        """Contradicted if anything is; proven if everything is, header and contract included."""
        found = {finding.status for finding in self.findings}
        for status in (Status.CONTRADICTED, Status.NOT_PROVEN):
            if status in found:
                return status
        return Status.PROVEN

    def to_json(self) -> dict[str, Any]:
        """The verdict for programs."""
        return {
            "certificate": self.certificate,
            "chain_id": self.chain_id,
            "contract": to_hex(self.contract),
            "block": None
            if self.header is None
            else {"number": self.header.number, "hash": to_hex(self.header.hash), "at": self.header.at},
            "sealed_entries": self.sealed,
            "status": str(self.status),
            "stated": dict(self.stated),
            "findings": [
                {"name": finding.name, "status": str(finding.status), "words": finding.words}
                for finding in self.findings
            ],
        }


class Witness(Protocol):
    """Who says which block is the chain's."""

    def judge(self, header: Header, *, chain_id: int, contract: Address) -> tuple[Status, str]:
        """Whether this header is the chain's at its height, and in words who says so.

        `contract` is the registry that the bundle is about.
        """
        ...


@dataclass(frozen=True, slots=True)
class KnownHash:
    """A block hash that the verifier has from elsewhere; `source` says from where, in words."""

    hash: bytes
    source: str

    def judge(self, header: Header, *, chain_id: int, contract: Address) -> tuple[Status, str]:  # noqa: ARG002  (a hash is of one chain)
        """Whether it is this header's."""
        if header.hash == self.hash:
            return Status.PROVEN, f"block {header.number} has the hash {to_hex(header.hash)}, by {self.source}"
        return Status.CONTRADICTED, f"the header hashes to {to_hex(header.hash)}, not to {to_hex(self.hash)}"


@dataclass(frozen=True, slots=True)
class Pins:
    """The registry that the verifier means: chain, address and the hash of its code."""

    chain_id: int
    contract: Address
    code_hash: bytes


_PREMISES = {"header": "that block is the chain's", "contract": "that contract is the registry"}
"""The findings from which all later ones follow, and what is granted where they are not proven."""


class _Contradiction(Exception):
    """A step that does not hold: nothing that builds on it is proven."""

    def __init__(self, name: str, words: str) -> None:
        super().__init__(words)
        self.name = name
        self.words = words


def verify(data: bytes, *, witness: Witness | None = None, pins: Pins | None = None) -> Verdict:
    """Check the bytes of a bundle. Raises BundleMalformed, BundleTooLarge.

    Without a witness the header is only what the bundle says, without pins the contract is: neither is proven then, and
    nothing that follows from them is.
    """
    bundle = Bundle.decode(data)
    findings: list[Finding] = []
    header = None
    try:
        header = _header(bundle)
        findings.append(_judged(header, bundle, witness))
        nodes = _nodes(bundle)
        found = _account(bundle, header, nodes)
        findings.append(_contract(bundle, found.code_hash, pins))
        words = read_words(_lookup(nodes, found.storage_root), bundle.certificate, _first(bundle.entries))
        if not nodes.used_in_order():
            raise BundleMalformed("its nodes are not those that it needs, in the order in which it needs them")
        history = _history(bundle, words)
        if not history.existed:
            raise _Contradiction("holder", "there never was a certificate of this range")
        expected = statement(bundle.certificate, history, words, now=header.at)
        findings += _compared(bundle.stated, expected, bundle.sealed)
        if bundle.opened:
            findings.append(_invoice(bundle, history.registered))
    except _Contradiction as contradiction:
        findings = [finding for finding in findings if finding.name != contradiction.name]
        findings.append(Finding(contradiction.name, Status.CONTRADICTED, contradiction.words))
        known = {finding.name for finding in findings}
        why = "what it would follow from does not hold"
        findings += [Finding(name, Status.NOT_PROVEN, why) for name in STATEMENTS if name not in known]
    return Verdict(
        certificate=str(bundle.certificate),
        contract=bundle.contract,
        chain_id=bundle.chain_id,
        header=header,
        sealed=bundle.sealed,
        stated=bundle.stated,
        findings=tuple(_as_far_as_known(findings)),
    )


def _as_far_as_known(findings: Iterable[Finding]) -> Iterator[Finding]:
    """The findings, those that rest on a block or a registry that nobody vouches for as not proven."""
    unmet: list[str] = []
    for finding in findings:
        if unmet and finding.status is Status.PROVEN:
            yield replace(finding, status=Status.NOT_PROVEN, words=f"if {' and '.join(unmet)}: {finding.words}")
        else:
            yield finding
        if finding.name in _PREMISES and finding.status is not Status.PROVEN:
            unmet.append(_PREMISES[finding.name])


# ------------------------------------------------------------------ the steps


def _header(bundle: Bundle) -> Header:
    try:
        return Header.decode(bundle.header)
    except rlp.RlpMalformed as error:
        raise _Contradiction("header", f"it is no block header: {error}") from error


def _judged(header: Header, bundle: Bundle, witness: Witness | None) -> Finding:
    if witness is None:
        return Finding(
            "header",
            Status.NOT_PROVEN,
            f"nobody but the bundle itself says that {to_hex(header.hash)} is block {header.number} of the chain",
        )
    status, words = witness.judge(header, chain_id=bundle.chain_id, contract=bundle.contract)
    if status is Status.CONTRADICTED:
        raise _Contradiction("header", words)
    return Finding("header", status, words)


def _nodes(bundle: Bundle) -> Nodes:
    try:
        return Nodes(bundle.nodes)
    except ProofMalformed as error:
        raise BundleMalformed(str(error)) from error


def _account(bundle: Bundle, header: Header, nodes: Nodes) -> Account:
    try:
        return account(nodes, header.state_root, bundle.contract)
    except StateUnproven as error:
        raise _Contradiction("contract", error.detail) from error


def _contract(bundle: Bundle, code_hash: bytes, pins: Pins | None) -> Finding:
    name = format_address(bundle.contract)
    if pins is None:
        return Finding(
            "contract",
            Status.NOT_PROVEN,
            f"nobody but the bundle itself says that {name} is the registry (its code hashes to {to_hex(code_hash)})",
        )
    for what, found, expected in (
        ("chain", bundle.chain_id, pins.chain_id),
        ("contract", bundle.contract, pins.contract),
        ("code", code_hash, pins.code_hash),
    ):
        if found != expected:
            shown = [to_hex(value) if isinstance(value, bytes) else str(value) for value in (found, expected)]
            raise _Contradiction("contract", f"another {what} than is expected: {shown[0]}, not {shown[1]}")
    return Finding("contract", Status.PROVEN, f"{name} on chain {bundle.chain_id}, with the code that is expected")


def _lookup(nodes: Nodes, storage_root: bytes) -> Callable[[bytes], int]:
    def word(place: bytes) -> int:
        try:
            return storage_word(nodes, storage_root, place)
        except StateUnproven as error:
            raise _Contradiction("contract", error.detail) from error

    return word


def _first(entries: Sequence[Entry]) -> Registered:
    first = entries[0] if entries else None
    if not isinstance(first, Registered):
        raise _Contradiction("history", "the journal does not begin with a registration")
    return first


def _history(bundle: Bundle, words: Words) -> History:
    """The journal: complete, as its hash shows, and folded; what is sealed may be; and the contract's words agree."""
    try:
        history = History.of(
            bundle.entries, chain_id=bundle.chain_id, contract=bundle.contract, certificate=bundle.certificate
        )
    except JournalBroken as error:
        # Entries that are not the contract's own say nothing of what it accepts.
        _require_head(_head(bundle), words)
        raise _Contradiction("history", f"the contract cannot have accepted this: {error}") from error
    _require_head(history.receivable.head, words)
    _require_open(bundle)
    for field, on_chain, folded in _words_and_fold(bundle, words, history):
        if on_chain != folded:
            raise _Contradiction("history", f"the contract's word of {field} is not what its journal says")
    return history


def _head(bundle: Bundle) -> bytes:
    """To what the entries hash, whatever they say. The fold hashes them too, and in an empty Python that takes long."""
    receivable_id = bundle.certificate.receivable_id
    empty = journal.genesis(chain_id=bundle.chain_id, contract=bundle.contract, journal_id=receivable_id)
    return reduce(journal.append, (entry.hash() for entry in bundle.entries), empty)


def _require_head(head: bytes, words: Words) -> None:
    if head != words.record.head:
        raise _Contradiction(
            "history", "the entries do not give the head that the contract stores: one is missing, added or altered"
        )


def _require_open(bundle: Bundle) -> None:
    """What bears on the certificate may not be sealed."""
    if not bundle.sealed:
        return
    # From the newest on, and no further than to the first that may not be: the ranges before it could be any number.
    bears = bearing_back(bundle.entries, start=bundle.certificate.start, end=bundle.certificate.end)
    for before, (entry, must_be_open) in enumerate(zip(reversed(bundle.entries), bears, strict=True)):
        if must_be_open and isinstance(entry, Sealed):
            position = len(bundle.entries) - before
            raise _Contradiction("history", f"entry {position} bears on the certificate and is sealed")


def _words_and_fold(bundle: Bundle, words: Words, history: History) -> Iterable[tuple[str, object, object]]:
    receivable = history.receivable
    for field, on_chain, folded in compare_record(words.record, receivable):
        # What was paid out on other certificates is sealed with them.
        if not (field == "claimed" and bundle.sealed):
            yield field, on_chain, folded
    part = part_of(receivable, bundle.certificate)
    if part is None:
        # A certificate may start here that ends elsewhere: it is another one.
        stands = words.certificate.holder != ZERO_ADDRESS and words.certificate.end == bundle.certificate.end
        yield "the certificate", stands, False
        return
    yield from compare_certificate(words.certificate, part, receivable)
    yield from compare_rights(words.rights, part)


def _compared(stated: Mapping[str, Any], expected: Mapping[str, Any], sealed: int) -> Iterator[Finding]:
    for name, value in expected.items():
        words = in_words(name, expected, sealed=sealed)
        # As they are written: for Python 1 and true are equal.
        if name in stated and canonical(stated[name]) == canonical(value):
            yield Finding(name, Status.PROVEN, words)
        else:
            yield Finding(name, Status.CONTRADICTED, f"the chain says otherwise: {words}")
    for name in sorted(stated.keys() - expected.keys()):
        yield Finding(printable(name)[:40], Status.CONTRADICTED, "no bundle of this version states it")


def _invoice(bundle: Bundle, registered: Registered) -> Finding:
    places = [leaf_index(field.name, attachments=ATTACHMENTS_MAX) for field in bundle.opened]
    known = [place for place in places if place is not None]
    # In the order of the leaves and each once: the same fields give the same bytes.
    in_order = known == places and all(before < after for before, after in pairwise(known))
    if in_order and verify_fields(registered.document_root, bundle.opened):
        names = ", ".join(field.name for field in bundle.opened)
        return Finding("invoice", Status.PROVEN, f"the invoice behind the claim says so: {names}")
    return Finding("invoice", Status.CONTRADICTED, "the fields shown are not those of the invoice behind the claim")
