"""From revert data to a refusal with a name and readable facts."""

from __future__ import annotations

import pytest
from eth_abi.abi import encode

from registry.chain import reverts
from registry.chain.compile import compile_contracts
from registry.chain.contract import receivables_abi
from registry.chain.reverts import UnnamedRevert
from registry.chain.rpc import CallReverted
from registry.domain import rules
from registry.domain.identifiers import format_address, token_id
from registry.domain.keccak import keccak256
from registry.domain.rules import CHAIN_REFUSALS, ChainRefusal

ACCOUNT = bytes(range(20))


def refusal(signature: str, *values: object) -> ChainRefusal:
    """What becomes of this custom error, coded by eth_abi."""
    types = signature[signature.index("(") + 1 : -1].split(",") if values else []
    data = keccak256(signature.encode())[:4] + encode(types, values)
    return reverts.refusal(receivables_abi(), CallReverted(data, "execution reverted"))


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


def test_the_access_managers_refusal_has_a_name() -> None:
    found = refusal("AccessManagedUnauthorized(address)", ACCOUNT)
    assert type(found) is rules.NotAuthorised
    assert format_address(ACCOUNT) in found.detail


def test_every_custom_error_of_ours_becomes_its_refusal() -> None:
    for item in compile_contracts()["IReceivables"].abi:
        if item["type"] != "error":
            continue
        types = [argument["type"] for argument in item["inputs"]]
        zeros = [bytes(32) if kind == "bytes32" else "0x" + "0" * 40 if kind == "address" else 0 for kind in types]
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
