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
    Absolved,
    CertificateFrozen,
    CertificateUnfrozen,
    Closed,
    Confirmed,
    CounterOffered,
    CreditNoted,
    DepositTokenSet,
    DescriptorSet,
    DeskSet,
    Dishonoured,
    Disputed,
    Endorsed,
    Entry,
    ForcedTransfer,
    Lapsed,
    MemberAdmitted,
    MemberFrozen,
    MemberSuspended,
    MemberUnfrozen,
    Merged,
    OfferAccepted,
    Paid,
    ParameterSet,
    Partitioned,
    Paused,
    Pledged,
    ReceivableFrozen,
    ReceivableUnfrozen,
    RecourseDemanded,
    Redeemed,
    Refused,
    Registered,
    Released,
    Repurchased,
    Resolved,
    RulesSet,
    Sold,
    Split,
    Sunset,
    Unpaused,
    Withdrawn,
)
from registry.settings import PROJECT_ROOT

CONTRACT = b"\xcc" * 20
ORIGINATOR, DEBTOR, RECEIVER, OPERATOR, OFFICER, COUNTERSIGNER, DESK = (
    bytes([n]) * 20 for n in (1, 2, 5, 9, 11, 12, 13)
)
ORDER, QUOTE = b"\x0b" * 32, b"\x0c" * 32
ONE_OF_EACH: tuple[Entry, ...] = (
    Registered(7, ORIGINATOR, DEBTOR, 100, 86_400, 978, b"\x03" * 32, b"\x04" * 32, 1_000, 5),
    Confirmed(7, DEBTOR, ORIGINATOR, 100, 6),
    Refused(7, DEBTOR, 3, 100, 6),
    Split(7, ORIGINATOR, RECEIVER, 10, 100, 40, b"\x06" * 32, 7),
    Endorsed(7, ORIGINATOR, RECEIVER, 10, 100, b"\x06" * 32, 8),
    Withdrawn(7, ORIGINATOR, 100, 9),
    Lapsed(7, RECEIVER, 100, 10),
    CounterOffered(7, DEBTOR, 100, 90, 172_800, 11),
    OfferAccepted(7, ORIGINATOR, DEBTOR, 90, 172_800, 12),
    Merged(7, ORIGINATOR, 10, 100, 40, 13),
    Partitioned(7, ORDER, OFFICER, COUNTERSIGNER, 10, 100, 40, 14),
    CertificateFrozen(7, ORDER, OFFICER, COUNTERSIGNER, 10, 100, 2_000, 15),
    CertificateUnfrozen(7, ORDER, OFFICER, COUNTERSIGNER, 10, 100, 16),
    ReceivableFrozen(7, ORDER, OFFICER, COUNTERSIGNER, 100, 2_000, 17),
    ReceivableUnfrozen(7, ORDER, OFFICER, COUNTERSIGNER, 100, 18),
    ForcedTransfer(7, ORDER, OFFICER, COUNTERSIGNER, RECEIVER, 10, 100, 19),
    Pledged(7, ORIGINATOR, RECEIVER, 10, 100, 80, 75, QUOTE, 20),
    Released(7, RECEIVER, 10, 100, 21),
    Sold(7, DESK, RECEIVER, 10, 100, 40, 55, 50, QUOTE, 22),
    Paid(7, DEBTOR, 100, 30, 23),
    Redeemed(7, OPERATOR, RECEIVER, 10, 100, 27, 20, 24),
    Closed(7, OPERATOR, 100, 25),
    CreditNoted(7, ORIGINATOR, DEBTOR, 10, 100, 5, 26),
    Disputed(7, ORIGINATOR, DEBTOR, 10, 100, 40, 27),
    Resolved(7, ORIGINATOR, DEBTOR, 100, 28),
    Dishonoured(7, RECEIVER, 100, 29),
    Absolved(7, OPERATOR, 100, 30),
    RecourseDemanded(7, RECEIVER, ORIGINATOR, 10, 100, 31),
    Repurchased(7, ORIGINATOR, 10, 100, 50, 32),
    MemberAdmitted(ORIGINATOR, OPERATOR, 1_000, 7, b"\x0a" * 32, 9),
    MemberSuspended(ORIGINATOR, OPERATOR, 2, 10),
    MemberFrozen(ORIGINATOR, ORDER, OFFICER, COUNTERSIGNER, 2_000, 11),
    MemberUnfrozen(ORIGINATOR, ORDER, OFFICER, COUNTERSIGNER, 12),
    Paused(OPERATOR, 13),
    Unpaused(OPERATOR, 14),
    ParameterSet(2, OPERATOR, 100, 172_800, 15),
    RulesSet(RECEIVER, OPERATOR, 16),
    DescriptorSet(RECEIVER, OPERATOR, 17),
    Sunset(OPERATOR, 18),
    DepositTokenSet(978, DESK, OPERATOR, 19),
    DeskSet(DESK, OPERATOR, 20),
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


def test_every_event_is_an_entry_a_standards_own_or_about_signatures() -> None:
    events = {item["name"] for item in compile_contracts()["Receivables"].abi if item["type"] == "event"}
    others = {
        *("Transfer", "Approval", "ApprovalForAll", "TransferValue", "SlotChanged", "AuthorityUpdated"),
        *("MetadataUpdate", "BatchMetadataUpdate"),
        "NoncesCancelled",  # A signature that was given up changes no state that a journal tells.
        "RedemptionSkipped",  # Nothing happened to that certificate; this says why.
    }
    assert events - others == {entry_type.__name__ for entry_type in ENTRY_TYPES}


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


def test_there_is_one_of_each() -> None:
    assert tuple(type(entry) for entry in ONE_OF_EACH) == ENTRY_TYPES


def test_details_leave_out_journal_range_and_time() -> None:
    for entry in ONE_OF_EACH:
        parts = {argument.name: argument.part for argument in entry.arguments()}
        assert list(entry.details()) == [name for name, part in parts.items() if part == "detail"]
        outside = {name for name, part in parts.items() if part != "detail"}
        assert outside in ({"receivable_id", "face", "at"}, {"receivable_id", "start", "end", "at"}, {"at"})


def test_every_entry_knows_its_journal_its_range_and_its_time() -> None:
    for entry in ONE_OF_EACH:
        assert entry.time == entry.at  # type: ignore[attr-defined]
        if entry.OPERATION >= MemberAdmitted.OPERATION:
            assert (entry.journal_id, entry.range) == (0, (0, 0))
        else:
            face = getattr(entry, "face", None)
            assert (entry.journal_id, entry.range) == (7, (0, face) if face else (10, 100))


def test_the_hash_of_a_known_entry_never_changes() -> None:
    """Journals on chain are for ever: a refactoring that changes these changes the registry."""
    assert {type(entry).__name__: entry.hash().hex()[:16] for entry in ONE_OF_EACH} == KNOWN


KNOWN: dict[str, str] = {
    "Registered": "e02886808067681e",
    "Confirmed": "10025f12fa1646b6",
    "Refused": "e47fcd36521ee37d",
    "Split": "5d77bf132f6e2d2b",
    "Endorsed": "64852b270f5e1d64",
    "Withdrawn": "0041662b3ffe9144",
    "Lapsed": "1cb5147c338606a9",
    "CounterOffered": "761ff5b0ae9300d7",
    "OfferAccepted": "258a8637da9857bd",
    "Merged": "db5c55b9e21a1948",
    "Partitioned": "4f0901dd987b25cb",
    "CertificateFrozen": "cb905a85ab20685a",
    "CertificateUnfrozen": "9e96969b81bb11e8",
    "ReceivableFrozen": "dade132b7cba0ce4",
    "ReceivableUnfrozen": "77d81c9be8f8c9ca",
    "ForcedTransfer": "bad6f02fdc35d374",
    "Pledged": "c478a2652db692f3",
    "Released": "6db7e984a2c8df19",
    "Sold": "035cbda34b075dfd",
    "Paid": "05416e5c14657378",
    "Redeemed": "f32786d08e40eb1e",
    "Closed": "fc9ad2f964302b88",
    "CreditNoted": "7bcda7baa59732a2",
    "Disputed": "36ef2ce069e3459b",
    "Resolved": "2eac34f868297c82",
    "Dishonoured": "0214d25f2f7519e2",
    "Absolved": "4ff7fa9cca82ab9e",
    "RecourseDemanded": "e15de4bbcf119328",
    "Repurchased": "e817e6402d4682b6",
    "MemberAdmitted": "2f88f8bc807792ae",
    "MemberSuspended": "7742d9fc28c26962",
    "MemberFrozen": "a0e561863f8c6abc",
    "MemberUnfrozen": "c821111a4611c8af",
    "Paused": "a0fea825d29df8fc",
    "Unpaused": "06f45c7d0dd8217a",
    "ParameterSet": "5c70f53dfb2344be",
    "RulesSet": "9342c3312b22929a",
    "DescriptorSet": "bc76edf9e5460428",
    "Sunset": "09edac9eeeb8962a",
    "DepositTokenSet": "01989e8ea75e3330",
    "DeskSet": "c0c9d66e0d2564c7",
}
