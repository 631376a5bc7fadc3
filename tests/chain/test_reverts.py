"""From revert data to a refusal with a name and readable facts."""

from __future__ import annotations

import pytest
from eth_abi.abi import encode

from registry.chain import reverts
from registry.chain.abi import ContractAbi
from registry.chain.compile import compile_contracts
from registry.chain.contract import Calls, receivables_abi
from registry.chain.deposits import deposit_abi
from registry.chain.quotes import desk_abi
from registry.chain.reverts import (
    REASON_CHARACTERS_MAX,
    AlreadyScheduled,
    NotReady,
    NotScheduled,
    ScheduleExpired,
    UnnamedRevert,
)
from registry.chain.rpc import CallReverted
from registry.chain.submit import entries
from registry.domain import rules
from registry.domain.identifiers import format_address, token_id
from registry.domain.keccak import keccak256
from registry.domain.rules import CHAIN_REFUSALS, ChainRefusal
from tests.scene import SELLER, STRANGER, SUPPLIER, Scene

ACCOUNT = bytes(range(20))


def refusal(signature: str, *values: object) -> ChainRefusal:
    """What becomes of this custom error, coded by eth_abi."""
    return reverts.refusal(receivables_abi(), CallReverted(error(signature, *values), "execution reverted"))


def error(signature: str, *values: object) -> bytes:
    """The data of a custom error."""
    types = signature[signature.index("(") + 1 : -1].split(",") if values else []
    return keccak256(signature.encode())[:4] + encode(types, values)


@pytest.mark.parametrize(
    ("signature", "value", "kind", "words"),
    [
        ("UnknownReceivable(uint256)", 42, rules.UnknownReceivable, "receivable R-42"),
        ("UnknownCertificate(uint256)", token_id(42, 7), rules.UnknownCertificate, "certificate R-42/7"),
        ("FingerprintTaken(uint256)", 3, rules.FingerprintTaken, "receivable R-3"),
        ("StatusForbids(uint8)", 3, rules.StatusForbids, "status refused"),
        ("MemberNotEligible(address)", ACCOUNT, rules.MemberNotEligible, f"member {format_address(ACCOUNT)}"),
        ("NotHolder(address)", ACCOUNT, rules.NotHolder, f"caller {format_address(ACCOUNT)}"),
        ("AnchorMismatch(bytes32)", b"\x0a" * 32, rules.AnchorMismatch, "head 0x0a0a"),
        ("DueDatePassed(uint40)", 86_400, rules.DueDatePassed, "due 1970-01-02"),
        ("TenorExceeded(uint40)", 86_400, rules.TenorExceeded, "latest 1970-01-02"),
        ("AnswerWindowOpen(uint40)", 5, rules.AnswerWindowOpen, "answer by 1970-01-01T00:00:05Z"),
        ("AnswerWindowOver(uint40)", 5, rules.AnswerWindowOver, "answer by 1970-01-01T00:00:05Z"),
        ("TooManyOffers(uint256)", 8, rules.TooManyOffers, "limit 8"),
        ("ForcedTransferTooEarly(uint40)", 5, rules.ForcedTransferTooEarly, "from 1970-01-01T00:00:05Z"),
        ("SignatureExpired(uint256)", 5, rules.SignatureExpired, "deadline 1970-01-01T00:00:05Z"),
        ("SignatureExpired(uint256)", 2**256 - 1, rules.SignatureExpired, f"deadline {2**256 - 1}"),
        ("FrozenByOrder(bytes32)", b"\x0e" * 32, rules.FrozenByOrder, "order 0x0e0e"),
        ("NotOfficer(address)", ACCOUNT, rules.NotOfficer, f"account {format_address(ACCOUNT)}"),
        ("BelowMinimumPart(uint64)", 1_000, rules.BelowMinimumPart, "minimum 1000"),
        ("Overpayment(uint64)", 1_000, rules.Overpayment, "payable 1000"),
        ("NotOverdue(uint40)", 5, rules.NotOverdue, "from 1970-01-01T00:00:05Z"),
        ("NoDepositToken(uint16)", 978, rules.NoDepositToken, "currency EUR"),
        ("NoDepositToken(uint16)", 999, rules.NoDepositToken, "currency 999"),
        ("NothingDue(uint256)", token_id(42, 7), rules.NothingDue, "certificate R-42/7"),
        ("DebtorOverdue(address)", ACCOUNT, rules.DebtorOverdue, f"debtor {format_address(ACCOUNT)}"),
        ("ReferenceUsed(bytes32)", b"\x0e" * 32, reverts.ReferenceUsed, "bank reference 0x0e0e"),
    ],
)
def test_facts_are_told_in_the_registrys_own_words(
    signature: str, value: object, kind: type[ChainRefusal], words: str
) -> None:
    found = refusal(signature, value)
    assert type(found) is kind
    assert found.detail.startswith(f"{kind.title}: ")
    assert words in found.detail


def test_several_facts_are_all_told() -> None:
    assert refusal("CutOutOfRange(uint64,uint64,uint64)", 0, 9, 9).detail.endswith("start 0, cut 9, end 9")
    assert refusal("RangeChanged(uint64,uint64)", 0, 9).detail.endswith("start 0, end 9")


def test_what_a_deposit_token_refuses_is_told_by_the_registry_too() -> None:
    short = refusal("ERC20InsufficientBalance(address,uint256,uint256)", ACCOUNT, 5, 7)
    assert type(short) is reverts.InsufficientDeposit
    assert short.detail.endswith(f"sender {format_address(ACCOUNT)}, balance 5 minor units, needed 7 minor units")
    forbidden = refusal("ERC20InsufficientAllowance(address,uint256,uint256)", ACCOUNT, 5, 7)
    assert type(forbidden) is reverts.InsufficientAllowance


@pytest.mark.parametrize(
    ("abi", "interface"),
    [
        (receivables_abi(), "IReceivables"),
        (deposit_abi(), "IReceivables"),
        (deposit_abi(), "IDepositToken"),
        (desk_abi(), "IReceivables"),
        (desk_abi(), "IDepositToken"),
        (desk_abi(), "IFinancingDesk"),
    ],
)
def test_every_error_of_the_contracts_has_a_name(abi: ContractAbi, interface: str) -> None:
    zeros = {"bytes": b"", "address": bytes(20)}
    for item in compile_contracts()[interface].abi:
        if item["type"] == "error":
            types = [argument["type"] for argument in item["inputs"]]
            values = [zeros.get(kind, bytes(32) if kind == "bytes32" else 0) for kind in types]
            data = error(f"{item['name']}({','.join(types)})", *values)
            assert type(reverts.refusal(abi, CallReverted(data))) is not UnnamedRevert, item["name"]


@pytest.mark.parametrize(
    ("signature", "values", "kind"),
    [
        ("ERC20InvalidReceiver(address)", (bytes(20),), reverts.AccountMissing),
        ("ERC2612ExpiredSignature(uint256)", (5,), reverts.PermitExpired),
        ("ERC2612InvalidSigner(address,address)", (ACCOUNT, ACCOUNT), reverts.PermitInvalid),
        ("ECDSAInvalidSignature()", (), reverts.PermitInvalid),
        ("AccessManagedUnauthorized(address)", (ACCOUNT,), rules.NotAuthorised),
    ],
)
def test_what_a_deposit_token_inherits_has_a_name_too(
    signature: str, values: tuple[object, ...], kind: type[ChainRefusal]
) -> None:
    assert type(reverts.refusal(deposit_abi(), CallReverted(error(signature, *values)))) is kind


def test_what_a_batch_skipped_is_told_with_its_reason(scene: Scene) -> None:
    paid, frozen, unpaid, held_back = (scene.confirmed() for _ in range(4))
    for number in (paid, frozen, held_back):
        scene.pay(number, 100_000)
    scene.freeze_certificate(frozen, start=0)
    scene.endorse(unpaid, start=0, to=SUPPLIER)
    batch = [(paid, 0), (frozen, 0), (unpaid, 0), (paid, 1)]
    receipt = scene.send(STRANGER, Calls.redeem_many(batch))
    assert [entry.journal_id for entry in entries(receipt)] == [paid]
    assert reverts.skipped(receivables_abi(), receipt) == {
        (frozen, 0): rules.FrozenByOrder,
        (unpaid, 0): rules.NothingDue,
        (paid, 1): rules.UnknownCertificate,
    }
    scene.suspend(SELLER)
    receipt = scene.send(STRANGER, Calls.redeem_many([(held_back, 0)]))
    assert reverts.skipped(receivables_abi(), receipt) == {(held_back, 0): rules.HolderSuspended}


@pytest.mark.parametrize(
    ("signature", "values"),
    [
        ("AccessManagedUnauthorized(address)", (ACCOUNT,)),
        ("AccessManagerUnauthorizedAccount(address,uint64)", (ACCOUNT, 2)),
        ("AccessManagerUnauthorizedCall(address,address,bytes4)", (ACCOUNT, bytes(20), bytes(4))),
        ("AccessManagerUnauthorizedCancel(address,address,address,bytes4)", (ACCOUNT, *[bytes(20)] * 2, bytes(4))),
    ],
)
def test_who_may_not_is_told_whichever_manager_says_so(signature: str, values: tuple[object, ...]) -> None:
    found = refusal(signature, *values)
    assert type(found) is rules.NotAuthorised
    assert format_address(ACCOUNT) in found.detail


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("NotScheduled", NotScheduled),
        ("NotReady", NotReady),
        ("Expired", ScheduleExpired),
        ("AlreadyScheduled", AlreadyScheduled),
    ],
)
def test_what_a_delay_refuses_has_a_name_and_a_way_on(name: str, kind: type[ChainRefusal]) -> None:
    found = refusal(f"AccessManager{name}(bytes32)", b"\x01" * 32)
    assert type(found) is kind
    assert found.hint
    assert "0x" not in found.detail


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (b"", "they give no reason"),
        (error("Error(string)", "not on a Sunday"), "not on a Sunday"),
        (error("Error(string)", "\x1b[2Jgone"), "\N{REPLACEMENT CHARACTER}[2Jgone"),
        (error("Panic(uint256)", 0x11), "panic 0x11"),
        (error("MemberNotEligible(address)", ACCOUNT), f"member {format_address(ACCOUNT)}"),
        (b"\xde\xad\xbe\xef\x01", "0xdeadbeef01"),
        (error("Error(string)", "x")[:-33], "0x08c379a0"),
        (keccak256(b"Error(string)")[:4] + encode(["bytes"], [b"\xff"]), "0x08c379a0"),
        (error("RulesForbid(bytes)", b""), "0x"),
    ],
)
def test_what_the_extra_rules_say_is_told_in_words(reason: bytes, words: str) -> None:
    found = refusal("RulesForbid(bytes)", reason)
    assert type(found) is rules.RulesForbid
    assert found.detail.startswith(f"{rules.RulesForbid.title}: ")
    assert words in found.detail


def test_the_extra_rules_may_say_anything_and_not_at_any_length() -> None:
    for reason in (error("Error(string)", "word " * 10_000), b"\x07" * 10_000):
        assert len(refusal("RulesForbid(bytes)", reason).detail) < REASON_CHARACTERS_MAX + 100
    nested = b""
    for _ in range(300):
        nested = error("RulesForbid(bytes)", nested)
    assert len(refusal("RulesForbid(bytes)", nested).detail) < REASON_CHARACTERS_MAX + 100


def test_every_custom_error_of_ours_becomes_its_refusal() -> None:
    for item in compile_contracts()["IReceivables"].abi:
        if item["type"] != "error":
            continue
        types = [argument["type"] for argument in item["inputs"]]
        empty = {"bytes32": bytes(32), "address": bytes(20), "bytes": b""}
        zeros = [empty.get(kind, 0) for kind in types]
        data = keccak256(f"{item['name']}({','.join(types)})".encode())[:4] + encode(types, zeros)
        found = reverts.refusal(receivables_abi(), CallReverted(data))
        assert type(found) is CHAIN_REFUSALS[item["name"]]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x01",
        b"\xde\xad\xbe\xef",
        keccak256(b"Error(string)")[:4] + encode(["string"], ["no"]),
        keccak256(b"Panic(uint256)")[:4] + encode(["uint256"], [0x11]),
        keccak256(b"ERC721InvalidReceiver(address)")[:4] + encode(["address"], [ACCOUNT]),
    ],
)
def test_any_other_revert_is_told_as_it_is(data: bytes) -> None:
    found = reverts.refusal(receivables_abi(), CallReverted(data, "execution reverted"))
    assert type(found) is UnnamedRevert
    assert found.code == "unnamed_revert"


def test_a_known_error_whose_arguments_are_cut_off_is_told_as_it_is() -> None:
    data = keccak256(b"NotHolder(address)")[:4] + bytes(3)
    assert type(reverts.refusal(receivables_abi(), CallReverted(data))) is UnnamedRevert


def test_a_status_that_this_software_does_not_know_is_told_by_number() -> None:
    assert "status 15" in refusal("StatusForbids(uint8)", 15).detail
