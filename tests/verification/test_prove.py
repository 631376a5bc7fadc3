"""Proofs of a real contract on a real chain: what is made of it, the verifier and its copy that runs alone take."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import rlp as reference
import solcx

from registry.chain import compile as compiling
from registry.chain.rpc import Node
from registry.domain.fold import empty_receivable, walk
from registry.domain.identifiers import Address, CertificateId
from registry.domain.journal import (
    ENTRY_TYPES,
    Confirmed,
    CounterOffered,
    Entry,
    Lapsed,
    Redeemed,
    Refused,
    Registered,
    Split,
    Withdrawn,
)
from registry.domain.keccak import keccak256
from registry.domain.provenance import overlaps
from registry.domain.rules import UnknownCertificate, UnknownReceivable
from registry.settings import PROJECT_ROOT
from registry.store.database import Database
from registry.store.embedded import EmbeddedPostgres
from registry.store.queries.entries import stored_entries
from registry.verification import layout
from registry.verification.bundle import Bundle
from registry.verification.export import export
from registry.verification.header import Header, HeaderUnknown, header_bytes
from registry.verification.layout import read_words
from registry.verification.make import BlockNotMirrored, Wanted, gather, make
from registry.verification.verify import KnownHash, Pins, Status, verify
from tests.conftest import empty_database
from tests.mirror.everything import every_operation_about_money, every_operation_without_money
from tests.mirror.following import follower_of
from tests.scene import Scene


@dataclass(frozen=True)
class Maker:
    """A mirrored registry with each operation of a receivable in it, of which proofs are made."""

    scene: Scene
    database: Database

    @property
    def contract(self) -> Address:
        return self.scene.deployment.receivables

    @property
    def pins(self) -> Pins:
        return Pins(self.scene.node.chain_id, self.contract, keccak256(self.scene.node.code(self.contract)))

    def make(self, certificate: CertificateId, **how: Any) -> bytes:
        with self.database.snapshot() as connection:
            gathered = gather(connection, Wanted(certificate, **how))
        return make(self.scene.node, gathered)

    def check(self, data: bytes) -> Bundle:
        """Proven to somebody who asks the node for the block's hash, by its number."""
        bundle = Bundle.decode(data)
        block = self.scene.node.block(Header.decode(bundle.header).number)
        assert block is not None
        verdict = verify(data, witness=KnownHash(block.hash, "the node"), pins=self.pins)
        assert verdict.status is Status.PROVEN, verdict.findings
        return bundle

    def steps(self) -> Iterator[tuple[Entry, int, list[CertificateId]]]:
        """Each entry of each receivable with its block, and the certificates there that it is about: at most two."""
        for receivable_id in range(1, self.scene.view.count() + 1):
            with self.database.snapshot() as connection:
                rows = list(stored_entries(connection, receivable_id))
            empty = empty_receivable(
                chain_id=self.scene.node.chain_id, contract=self.contract, receivable_id=receivable_id
            )
            folded = walk(empty, [row.decode() for row in rows])
            for (state, entry), row in zip(folded, rows, strict=True):
                parts = [part.id(receivable_id) for part in state.certificates.values()]
                yield entry, row.block_number, [part for part in parts if overlaps(entry, part.start, part.end)][:2]


@pytest.fixture(scope="module")
def maker(node: Node, postgres: EmbeddedPostgres) -> Iterator[Maker]:
    scene = Scene.open(node)
    every_operation_without_money(scene)
    every_operation_about_money(scene)
    with empty_database(postgres) as database:
        with closing(follower_of(scene, database)) as follower:
            follower.catch_up()
        yield Maker(scene, database)


# ------------------------------------------------------------------------ every operation


def test_after_every_operation_a_certificate_is_proven_full_and_redacted(maker: Maker) -> None:
    seen = set()
    for entry, block, certificates in maker.steps():
        for certificate in certificates:
            full = maker.check(maker.make(certificate, block=block))
            redacted = maker.check(maker.make(certificate, block=block, redact=True))
            assert full.entries[-1] == entry
            assert full.stated == redacted.stated
            assert (full.sealed, len(full.entries)) == (0, len(redacted.entries))
            seen.add(type(entry))
    without = {kind for kind in ENTRY_TYPES if any(one.part == "journal" for one in kind.arguments())} - seen
    # Before these there is no certificate, after these there is none.
    assert without == {Registered, CounterOffered, Refused, Withdrawn, Lapsed}


def test_what_is_no_more_is_proven_and_so_is_what_once_was(maker: Maker) -> None:
    paid_out: dict[CertificateId, int] = {}
    gone = set()
    for entry, _, certificates in maker.steps():
        if isinstance(entry, Redeemed):
            certificate = CertificateId(entry.journal_id, *entry.range)
            paid_out[certificate] = paid_out.get(certificate, 0) + entry.amount
            if certificates:
                continue
            stated = maker.check(maker.make(certificate, redact=True)).stated
            assert (stated["holder"], stated["paid"]["certificate"]) == (None, str(paid_out[certificate]))
            gone.add(certificate)
    assert len(gone) > 1


def test_the_same_block_gives_the_same_bytes_and_another_block_others(maker: Maker) -> None:
    *_, (_, _, certificates) = (step for step in maker.steps() if isinstance(step[0], Split))
    head = maker.scene.node.head()
    assert maker.make(certificates[0]) == maker.make(certificates[0], block=head)
    older = maker.make(certificates[0], block=head - 1)
    assert older != maker.make(certificates[0])
    assert older == maker.make(certificates[0], block=head - 1)


def test_what_is_not_there_yet_or_never_was_is_refused_by_name(maker: Maker) -> None:
    entry, block, (certificate, *_) = next(step for step in maker.steps() if isinstance(step[0], Confirmed))
    with pytest.raises(UnknownCertificate, match="never was a certificate"):
        maker.make(certificate, block=block - 1)
    with pytest.raises(UnknownReceivable, match="is not there at block 1"):
        maker.make(certificate, block=1)
    with pytest.raises(UnknownReceivable):
        maker.make(CertificateId(10_000, 0, 1))
    with pytest.raises(UnknownCertificate):
        maker.make(CertificateId(entry.journal_id, 0, 3))
    with pytest.raises(BlockNotMirrored, match="not at"):
        maker.make(certificate, block=maker.scene.node.head() + 1)


# ------------------------------------------------------------------------ places and words


def test_the_places_of_words_are_the_compilers() -> None:
    output = solcx.compile_standard(
        {
            "language": "Solidity",
            "sources": {name: {"content": content} for name, content in compiling._read_sources(PROJECT_ROOT).items()},
            "settings": {
                **compiling.SETTINGS,
                "outputSelection": {"contracts/Receivables.sol": {"Receivables": ["storageLayout"]}},
            },
        },
        solc_binary=compiling.SOLC_FOLDER / f"solc-v{compiling.SOLC_VERSION}",
        base_path=PROJECT_ROOT,
    )
    found = output["contracts"]["contracts/Receivables.sol"]["Receivables"]["storageLayout"]
    slots = {one["label"]: (int(one["slot"]), one["offset"], found["types"][one["type"]]) for one in found["storage"]}
    expected = {
        "_records": (layout.RECORDS, "mapping(uint256 => struct IReceivablesRecords.Record)"),
        "_certificates": (layout.CERTIFICATES, "mapping(uint256 => uint256)"),
        "_members": (layout.MEMBERS, "mapping(address => struct Ledger.Member)"),
        "_fingerprints": (layout.FINGERPRINTS, "mapping(bytes32 => uint256)"),
        "_liens": (layout.LIENS, "mapping(uint256 => uint256)"),
        "_recourses": (layout.RECOURSES, "mapping(uint256 => uint256)"),
        "_claims": (layout.CLAIMS, "mapping(uint256 => uint256)"),
    }
    assert {name: (slots[name][0], slots[name][2]["label"]) for name in expected} == expected
    assert {slots[name][1] for name in expected} == {0}
    record = found["types"][slots["_records"][2]["value"]]
    assert [(one["label"], int(one["slot"]), one["offset"]) for one in record["members"]] == [
        ("terms", 0, 0),
        ("head", 1, 0),
        ("amounts", 2, 0),
        ("claimed", 3, 0),
    ]
    assert [found["types"][one["type"]]["numberOfBytes"] for one in record["members"]] == ["32"] * 4
    member = found["types"][slots["_members"][2]["value"]]
    assert [(one["label"], int(one["slot"]), one["offset"]) for one in member["members"]] == [("word", 0, 0)]


def test_the_words_that_are_looked_up_are_those_that_the_contract_tells(maker: Maker) -> None:
    node, view, head = maker.scene.node, maker.scene.view, maker.scene.node.head()

    def lookup(place: bytes) -> int:
        (found,) = node.proofs(maker.contract, [place], block=head)
        return found.word

    told = set()
    for receivable_id in range(1, view.count() + 1):
        entries = maker.scene.journal(receivable_id)
        registered = entries[0]
        assert isinstance(registered, Registered)
        parts = maker.scene.receivable(receivable_id).certificates.values()
        ranges = [part.id(receivable_id) for part in parts] or [CertificateId(receivable_id, 0, 1)]
        for certificate in ranges:
            words = read_words(lookup, certificate, registered)
            key = (receivable_id, certificate.start)
            assert words.record == view.records([receivable_id])[receivable_id]
            assert words.certificate == view.certificates([key])[key]
            assert words.rights == view.rights([key])[key]
            assert words.debtor == view.members([registered.debtor])[registered.debtor]
            if words.holder is not None:
                holder = words.certificate.holder
                assert words.holder == view.members([holder])[holder]
            assert words.registry_head == view.heads([0])[0]
            claim = (registered.fingerprint, registered.debtor, registered.originator)
            names = ("fingerprint", "debtor", "originator")
            assert words.registered_as == view.receivable_of(**dict(zip(names, claim, strict=True)))
            told |= {name for name in ("lien", "recourse", "claimed") if getattr(words.rights, name)}
    assert told == {"lien", "recourse", "claimed"}


# ------------------------------------------------------------------------------ headers

PARTS = {
    "parentHash": "0x" + "01" * 32,
    "sha3Uncles": "0x" + "02" * 32,
    "miner": "0x" + "03" * 20,
    "stateRoot": "0x" + "04" * 32,
    "transactionsRoot": "0x" + "05" * 32,
    "receiptsRoot": "0x" + "06" * 32,
    "logsBloom": "0x" + "00" * 256,
    "difficulty": "0x0",
    "number": "0x1234",
    "gasLimit": "0x1c9c380",
    "gasUsed": "0x0",
    "timestamp": "0x6543210f",
    "extraData": "0xd883",
    "mixHash": "0x" + "07" * 32,
    "nonce": "0x" + "00" * 8,
}
FORKS = {
    "berlin": {},
    "london": {"baseFeePerGas": "0x7"},
    "shanghai": {"withdrawalsRoot": "0x" + "08" * 32},
    "cancun": {"blobGasUsed": "0x20000", "excessBlobGas": "0x0", "parentBeaconBlockRoot": "0x" + "09" * 32},
    "prague": {"requestsHash": "0x" + "0a" * 32},
}


def hashed(fields: Mapping[str, str], *, extra: bytes | None = None) -> tuple[bytes, dict[str, str]]:
    """The bytes that a chain hashes, by a library, and the node's answer with their hash."""
    parts: list[bytes | int] = [
        int(text, 16) if len(text) % 2 or (len(text) < 16 and name not in ("extraData",)) else bytes.fromhex(text[2:])
        for name, text in fields.items()
    ]
    if extra is not None:
        parts[12] = extra
    made: bytes = reference.encode(parts)
    return made, {**fields, "hash": "0x" + keccak256(made).hex(), "size": "0x220", "baseFee": "0x1"}


@pytest.mark.parametrize("fork", FORKS)
def test_headers_of_each_fork_are_put_together(fork: str) -> None:
    fields = dict(PARTS)
    for name, added in FORKS.items():
        fields |= added
        if name == fork:
            break
    made, told = hashed(fields)
    assert header_bytes(told) == made
    header = Header.decode(made)
    assert (header.number, header.at, header.state_root) == (0x1234, 0x6543210F, b"\x04" * 32)
    with pytest.raises(HeaderUnknown):
        header_bytes({**told, "gasUsed": "0x1"})


def test_a_block_without_the_fields_of_a_header_is_refused_by_name() -> None:
    for fields in ({}, {"hash": "0x" + "00" * 32}, hashed(PARTS)[1] | {"extraData": None}):
        with pytest.raises(HeaderUnknown, match="the node tells no "):
            header_bytes(fields)


VANITY, VALIDATORS, ROUND, SEALS = b"\x0b" * 32, [b"\x0c" * 20, b"\x0d" * 20], b"\x01", [b"\x0e" * 65, b"\x0f" * 65]
HASHED_FORMS: dict[str, list[Any]] = {
    "QBFT: round 0, no seals": [VANITY, VALIDATORS, [], b"", []],
    "QBFT: the round, no seals": [VANITY, VALIDATORS, [], ROUND, []],
    "IBFT 2.0: neither": [VANITY, VALIDATORS, []],
    "IBFT 2.0: the round": [VANITY, VALIDATORS, [], ROUND],
}


@pytest.mark.parametrize("form", HASHED_FORMS)
def test_headers_that_validators_have_signed_hash_without_their_seals(form: str) -> None:
    sealed = reference.encode([VANITY, VALIDATORS, [], ROUND, SEALS])
    fields = {**PARTS, "extraData": "0x" + sealed.hex()}
    made, told = hashed(fields, extra=reference.encode(HASHED_FORMS[form]))
    assert header_bytes(told) == made
    with pytest.raises(HeaderUnknown):
        header_bytes({**told, "extraData": "0x" + sealed[:-1].hex()})


# ------------------------------------------------------------------------- alone


def alone(file: Path, *words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the exported verifier in an empty folder, with no package and no variable."""
    return subprocess.run(
        [sys.executable, "-I", "-S", str(file), *words], cwd=folder, env={}, capture_output=True, text=True, check=False
    )


def test_the_exported_verifier_runs_alone_and_says_the_same(maker: Maker, tmp_path: Path) -> None:
    file, empty = tmp_path / "verifier.pyz", tmp_path / "empty"
    file.write_bytes(export(maker.pins))
    assert export(maker.pins) == file.read_bytes()
    empty.mkdir()
    block = maker.scene.node.block("latest")
    assert block is not None
    latest = {certificate: entry for entry, _, certificates in maker.steps() for certificate in certificates}
    made = 0
    for certificate in [one for one in latest if one.receivable_id % 3 == 0]:
        for redact in (False, True):
            path = tmp_path / "bundle.json"
            path.write_bytes(maker.make(certificate, redact=redact))
            done = alone(file, "--block-hash", "0x" + block.hash.hex(), "--json", str(path), folder=empty)
            assert (done.returncode, done.stderr) == (0, "")
            said = json.loads(done.stdout)
            verdict = verify(path.read_bytes(), witness=KnownHash(block.hash, "your own word"), pins=maker.pins)
            assert said == verdict.to_json()
            made += 1
    assert made >= 4
    shown = alone(file, str(path), folder=empty)
    assert (shown.returncode, shown.stderr) == (3, "")
    assert shown.stdout.endswith("rests on the bundle's own word.\n")
    assert alone(file, "--rpc", maker.scene.node.url, str(path), folder=empty).returncode == 0
    assert alone(file, "--rpc", "http://127.0.0.1:1", str(path), folder=empty).stderr.startswith("node_answers_nothing")
    assert alone(file, "--block-hash", "0x" + "00" * 32, str(path), folder=empty).returncode == 1
    assert alone(file, "--block-hash", "0x00", str(path), folder=empty).returncode == 2
    assert alone(file, "missing.json", folder=empty).returncode == 2
    path.write_bytes(b"{}")
    refused = alone(file, str(path), folder=empty)
    assert (refused.returncode, refused.stderr.split(":")[0]) == (1, "bundle_malformed")
    assert list(empty.iterdir()) == []
