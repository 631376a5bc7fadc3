"""A chain on paper: the state that journals lead to, in tries that a library makes, under a header of its own.

A bundle from it is made by the very maker, and needs no node: a thousand of them take seconds.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import rlp
from eth_utils.crypto import keccak
from trie import HexaryTrie

from registry.chain import deploy
from registry.chain.rpc import Node, Proof
from registry.documents.commitments import DOCUMENT_FIELDS, SCHEMA, OpenedField, commit
from registry.domain.fold import empty_receivable, fold_all
from registry.domain.identifiers import Address, CertificateId, token_id
from registry.domain.journal import Entry, Redeemed, Registered
from registry.domain.receivable import DAY_SECONDS, Receivable
from registry.store.queries.health import CursorRow
from registry.verification.layout import (
    CERTIFICATES,
    CLAIMS,
    FINGERPRINTS,
    LIENS,
    MEMBERS,
    RECORDS,
    RECOURSES,
    place,
)
from registry.verification.make import Gathered, Wanted, make
from registry.verification.statement import History
from scripts.bench.book import Book

CHAIN_ID = 31337
BLOCK = 4_242
CODE_HASH = keccak(b"code")
REGISTRY_HEAD = keccak(b"R-0")
REGISTRY_HEAD_PLACE = (int.from_bytes(place(0, RECORDS)) + 1).to_bytes(32)


def numbers(*parts: tuple[int | bytes, int]) -> int:
    """A packed word: each value in so many bits, from the lowest on."""
    found, shift = 0, 0
    for value, bits in parts:
        number = int.from_bytes(value) if isinstance(value, bytes) else int(value)
        assert number < 1 << bits
        found |= number << shift
        shift += bits
    return found


def words_of(receivable: Receivable) -> dict[bytes, int]:
    """What the contract stores of a receivable, packed as contracts/libraries/Words.sol and Amounts.sol say."""
    first = int.from_bytes(place(receivable.receivable_id, RECORDS))
    restrained = receivable.disputed or receivable.paid > 0
    record = [
        numbers(
            (receivable.debtor, 160),
            (receivable.face, 64),
            (receivable.due // DAY_SECONDS, 16),
            (receivable.currency, 10),
            (receivable.status, 3),
            (bool(receivable.orders), 1),
            (restrained, 1),
        ),
        int.from_bytes(receivable.head),
        numbers(
            (receivable.paid, 64),
            (receivable.cancelled, 64),
            (receivable.senior, 64),
            (receivable.disputed, 1),
            (receivable.dishonoured, 1),
        ),
        receivable.claimed,
    ]
    found = {(first + at).to_bytes(32): word for at, word in enumerate(record)}
    for part in receivable.certificates.values():
        key = token_id(receivable.receivable_id, part.start)
        found[place(key, CERTIFICATES)] = numbers(
            (part.holder, 160),
            (part.end, 64),
            (False, 1),
            (bool(part.orders), 1),
            (part == receivable.front, 1),
            (part.lien is not None, 1),
            (part.recourse is not None, 1),
            (part.claimed > 0, 1),
        )
        if part.lien is not None:
            found[place(key, LIENS)] = numbers((part.lien.financier, 160), (part.lien.secured, 64))
        if part.recourse is not None:
            found[place(key, RECOURSES)] = numbers(
                (part.recourse.seller, 160), (part.recourse.amount, 64), (part.recourse.demanded, 1)
            )
        found[place(key, CLAIMS)] = numbers((0, 160), (part.claimed, 64))
    return found


@dataclass(frozen=True)
class Paper:
    """One block of a registry. `histories` are its journals by receivable."""

    contract: Address
    histories: Mapping[int, Sequence[Entry]]
    storage: HexaryTrie
    state: HexaryTrie
    header: bytes
    at: int
    documents: Mapping[int, tuple[OpenedField, ...]] = field(default_factory=dict)
    """The fields of the invoices behind some receivables."""

    @classmethod
    def of(
        cls,
        histories: Mapping[int, Sequence[Entry]],
        *,
        contract: Address,
        at: int,
        suspended: bool = False,
        frozen: bool = False,
        kyc_seconds: int = 1,
    ) -> Paper:
        """The state to which these journals lead, at the time `at` (seconds), and how long its members' KYC lasts."""
        words: dict[bytes, int] = {}
        members: set[Address] = set()
        for receivable_id, entries in histories.items():
            empty = empty_receivable(chain_id=CHAIN_ID, contract=contract, receivable_id=receivable_id)
            receivable = fold_all(empty, entries)
            words |= words_of(receivable)
            registered = entries[0]
            assert isinstance(registered, Registered)
            key = keccak(
                registered.fingerprint + registered.debtor.rjust(32, b"\0") + registered.originator.rjust(32, b"\0")
            )
            words[place(key, FINGERPRINTS)] = receivable_id
            members |= {receivable.debtor, *(part.holder for part in receivable.certificates.values())}
        words[REGISTRY_HEAD_PLACE] = int.from_bytes(REGISTRY_HEAD)
        for member in members:
            words[place(member, MEMBERS)] = numbers(
                (1, 64), (at + kyc_seconds, 40), (7, 32), (2 if suspended else 1, 8), (frozen, 1)
            )
        stored = {slot: rlp.encode(word) for slot, word in words.items() if word}
        return cls.of_words(histories, stored, contract=contract, at=at)

    @classmethod
    def of_words(
        cls,
        histories: Mapping[int, Sequence[Entry]],
        words: Mapping[bytes, bytes],
        *,
        contract: Address,
        at: int,
        number: int = BLOCK,
        account: Sequence[Any] = (1, 0, None, CODE_HASH),
    ) -> Paper:
        """A state in which these words (RLP, by their places) are stored; None in the account is their root."""
        storage = HexaryTrie({})
        for slot, word in words.items():
            storage[keccak(slot)] = word
        state = HexaryTrie({})
        state[keccak(contract)] = rlp.encode([storage.root_hash if field is None else field for field in account])
        for other in range(20):  # others beside it
            state[keccak(other.to_bytes(20))] = rlp.encode([other, other, storage.root_hash, CODE_HASH])
        header = rlp.encode(
            [
                keccak(b"parent"), keccak(b"uncles"), bytes(20), state.root_hash, keccak(b"transactions"),
                keccak(b"receipts"), bytes(256), 0, number, 30_000_000, 21_000, at, b"", bytes(32), bytes(8), 7,
            ]
        )  # fmt: skip
        return cls(contract, histories, storage, state, header, at)

    @classmethod
    def of_book(cls, *, entries: int, seed: int = 1) -> Paper:
        """A realistic book with so many entries, or a few more."""
        book = Book(_deployment(), entries=entries, seed=seed)
        histories: dict[int, list[Entry]] = {}
        acts = itertools.chain(book.opening(), itertools.chain.from_iterable(iter(book.block, None)))
        written = 0
        for act in acts:
            for entry in act.entries:
                histories.setdefault(entry.journal_id, []).append(entry)
                written += 1
            if written >= entries:
                break
        histories.pop(0)
        documents = {}
        for receivable_id, (registered, *others) in histories.items():
            root, documents[receivable_id] = document(receivable_id)
            assert isinstance(registered, Registered)
            histories[receivable_id] = [replace(registered, document_root=root), *others]
        paper = cls.of(histories, contract=book.deployment.receivables, at=book.now)
        return replace(paper, documents=documents)

    def certificates(self) -> Iterable[CertificateId]:
        """Every range that is a certificate, or was one when it was paid out."""
        for receivable_id, entries in self.histories.items():
            empty = empty_receivable(chain_id=CHAIN_ID, contract=self.contract, receivable_id=receivable_id)
            yield from (part.id(receivable_id) for part in fold_all(empty, entries).certificates.values())
            yield from {CertificateId(receivable_id, *one.range) for one in entries if isinstance(one, Redeemed)}

    def bundle(self, certificate: CertificateId, *, redact: bool = False, show: Collection[str] = ()) -> bytes:
        """The bundle of a certificate, showing these fields of its invoice."""
        entries = tuple(self.histories[certificate.receivable_id])
        history = History.of(entries, chain_id=CHAIN_ID, contract=self.contract, certificate=certificate)
        cursor = CursorRow(CHAIN_ID, self.contract, BLOCK, keccak(self.header), self.at, 0, 0, BLOCK)
        wanted = Wanted(certificate, redact=redact)
        fields = self.documents.get(certificate.receivable_id, ())
        opened = tuple(one for one in fields if show and one.name in {"schema", *show})
        return make(PaperNode(self), Gathered(wanted, cursor, BLOCK, entries, history, opened))


class PaperNode(Node):
    """Answers what a maker asks from the tries."""

    def __init__(self, paper: Paper) -> None:
        super().__init__("http://127.0.0.1:1")
        self._paper = paper

    def proofs(self, contract: Address, places: Sequence[bytes], *, block: int) -> list[Proof]:
        account = tuple(rlp.encode(node) for node in self._paper.state.get_proof(keccak(contract)))
        found = []
        for slot in places:
            key = keccak(slot)
            word = self._paper.storage[key]
            nodes = tuple(rlp.encode(node) for node in self._paper.storage.get_proof(key))
            found.append(Proof(account, nodes, int.from_bytes(rlp.decode(word)) if word else 0))
        return found

    def header_fields(self, number: int) -> Mapping[str, Any]:
        names = (
            "parentHash", "sha3Uncles", "miner", "stateRoot", "transactionsRoot", "receiptsRoot", "logsBloom",
            "difficulty", "number", "gasLimit", "gasUsed", "timestamp", "extraData", "mixHash", "nonce",
            "baseFeePerGas",
        )  # fmt: skip
        quantities = {"difficulty", "number", "gasLimit", "gasUsed", "timestamp", "baseFeePerGas"}
        fields = zip(names, rlp.decode(self._paper.header), strict=True)
        told = {
            name: hex(int.from_bytes(value)) if name in quantities else "0x" + value.hex() for name, value in fields
        }
        return {**told, "hash": "0x" + keccak(self._paper.header).hex()}


def document(number: int) -> tuple[bytes, tuple[OpenedField, ...]]:
    """A document root, and all fields under it, of an invoice of this number."""
    pairs = [(name, SCHEMA if name == "schema" else f"{name} of {number}") for name in DOCUMENT_FIELDS]
    salts = [keccak(text=f"{number} {name}") for name in DOCUMENT_FIELDS]
    committed = commit(pairs, salts)
    fields = (
        OpenedField(*pair, salt, committed.path(index))
        for index, (pair, salt) in enumerate(zip(pairs, salts, strict=True))
    )
    return committed.root, tuple(fields)


def _deployment() -> deploy.Deployment:
    """Addresses to write a book for."""
    names = ("receivables", "by_signature", "oversight", "settlement", "access", "regulation", "banking")
    at = {name: keccak(text=name)[:20] for name in (*names, "descriptor", "desk", "operator")}
    charter = replace(deploy.dev_charter(), unanswered_max=10_000, settlement_delay_seconds=0)
    return deploy.Deployment(
        **at,
        chain_id=CHAIN_ID,
        deposit_tokens={currency: keccak(currency.to_bytes(2))[:20] for currency in charter.currencies},
        charter=charter,
        block_number=1,
        block_hash=bytes(32),
        artifact_digest="",
    )
