"""Entries are declared once: here against the compiled ABI, the contract's constants and eth_abi."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from registry.chain.compile import compile_contracts
from registry.domain import journal
from registry.domain.journal import (
    ENTRY_BY_OPERATION,
    ENTRY_TYPES,
    Confirmed,
    Endorsed,
    Entry,
    MemberAdmitted,
    MemberSuspended,
    Refused,
    Registered,
    Split,
)
from registry.settings import PROJECT_ROOT

CONTRACT = b"\xcc" * 20
ONE_OF_EACH: tuple[Entry, ...] = (
    Registered(7, b"\x01" * 20, b"\x02" * 20, 100, 86_400, 978, b"\x03" * 32, b"\x04" * 32, 5),
    Confirmed(7, b"\x02" * 20, b"\x01" * 20, 100, 6),
    Refused(7, b"\x02" * 20, 3, 100, 6),
    Split(7, b"\x01" * 20, b"\x05" * 20, 10, 100, 40, b"\x06" * 32, 7),
    Endorsed(7, b"\x01" * 20, b"\x05" * 20, 10, 100, b"\x06" * 32, 8),
    MemberAdmitted(b"\x01" * 20, b"\x09" * 20, 1_000, 7, b"\x0a" * 32, 9),
    MemberSuspended(b"\x01" * 20, b"\x09" * 20, 2, 10),
)


def snake(name: str) -> str:
    return re.sub(r"([A-Z])", lambda letter: f"_{letter[1].lower()}", name)


@pytest.mark.parametrize("entry_type", ENTRY_TYPES, ids=lambda entry_type: entry_type.__name__)
def test_an_entry_has_the_fields_of_its_event(entry_type: type[Entry]) -> None:
    (event,) = (
        item
        for item in compile_contracts()["Receivables"].abi
        if item["type"] == "event" and item["name"] == entry_type.__name__
    )
    declared = [(argument.name, argument.abi_type, argument.indexed) for argument in entry_type.arguments()]
    assert declared == [(snake(item["name"]), item["type"], item["indexed"]) for item in event["inputs"]]
    assert event["anonymous"] is False
    assert entry_type.topic() == keccak(text=entry_type.signature())


def test_every_event_is_an_entry_or_a_standards_own() -> None:
    events = {item["name"] for item in compile_contracts()["Receivables"].abi if item["type"] == "event"}
    standard = {"Transfer", "Approval", "ApprovalForAll", "TransferValue", "SlotChanged", "AuthorityUpdated"}
    assert events == standard | {entry_type.__name__ for entry_type in ENTRY_TYPES}


def test_operation_codes_are_those_of_the_contract() -> None:
    source = (PROJECT_ROOT / "contracts" / "libraries" / "Journal.sol").read_text()
    constants = re.findall(r"uint8 internal constant ([A-Z_]+) = (\d+);", source)
    assert {name: int(code) for name, code in constants} == {
        snake(entry_type.__name__).lstrip("_").upper(): entry_type.OPERATION for entry_type in ENTRY_TYPES
    }
    assert len(ENTRY_BY_OPERATION) == len(ENTRY_TYPES)


def test_the_hashed_tag_is_that_of_the_contract() -> None:
    source = (PROJECT_ROOT / "contracts" / "libraries" / "Journal.sol").read_text()
    (tag,) = re.findall(r'bytes32 internal constant DOMAIN = "([^"]+)";', source)
    assert tag.encode().ljust(32, b"\0") == journal.DOMAIN_TAG


def test_a_genesis_commits_to_chain_contract_and_journal() -> None:
    def genesis(*, chain_id: int = 1, contract: bytes = CONTRACT, journal_id: int = 1) -> bytes:
        expected = encode(
            ["bytes32", "uint256", "address", "uint256"],
            [b"counterfoil/1".ljust(32, b"\0"), chain_id, "0x" + contract.hex(), journal_id],
        )
        got = journal.genesis(chain_id=chain_id, contract=contract, journal_id=journal_id)
        assert got == keccak(expected)
        return got

    others = [genesis(), genesis(chain_id=2), genesis(contract=b"\xcd" * 20), genesis(journal_id=0)]
    assert len(set(others)) == 4


def test_appending_hashes_head_and_entry() -> None:
    assert journal.append(b"\x01" * 32, b"\x02" * 32) == keccak(b"\x01" * 32 + b"\x02" * 32)


@pytest.mark.parametrize("entry", ONE_OF_EACH, ids=lambda entry: type(entry).__name__)
def test_every_field_is_hashed(entry: Entry) -> None:
    """Changing any of them changes the hash; the journal's id alone is hashed in the genesis instead."""
    for argument in entry.arguments():
        old = getattr(entry, argument.name)
        new = old + 1 if isinstance(old, int) else bytes([old[0] ^ 1]) + old[1:]
        changed = replace(entry, **{argument.name: new})
        assert (changed.hash() == entry.hash()) is (argument.part == "journal"), argument.name


def test_details_leave_out_journal_range_and_time() -> None:
    assert [list(entry.details()) for entry in ONE_OF_EACH] == [
        ["originator", "debtor", "due", "currency", "fingerprint", "document_root"],
        ["debtor", "originator"],
        ["debtor", "reason"],
        ["actor", "receiver", "cut", "document"],
        ["actor", "receiver", "document"],
        ["member", "actor", "kyc_expiry", "roles", "profile"],
        ["member", "actor", "reason"],
    ]


def test_every_entry_knows_its_journal_its_range_and_its_time() -> None:
    assert [(entry.journal_id, entry.range, entry.time) for entry in ONE_OF_EACH] == [
        (7, (0, 100), 5),
        (7, (0, 100), 6),
        (7, (0, 100), 6),
        (7, (10, 100), 7),
        (7, (10, 100), 8),
        (0, (0, 0), 9),
        (0, (0, 0), 10),
    ]


def test_the_hash_of_a_known_entry_never_changes() -> None:
    """Journals on chain are for ever: a refactoring that changes these changes the registry."""
    assert {type(entry).__name__: entry.hash().hex()[:16] for entry in ONE_OF_EACH} == KNOWN


KNOWN: dict[str, str] = {
    "Registered": "4688b76563f64669",
    "Confirmed": "10025f12fa1646b6",
    "Refused": "e47fcd36521ee37d",
    "Split": "5d77bf132f6e2d2b",
    "Endorsed": "64852b270f5e1d64",
    "MemberAdmitted": "2f88f8bc807792ae",
    "MemberSuspended": "7742d9fc28c26962",
}
