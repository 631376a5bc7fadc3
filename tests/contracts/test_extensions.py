"""One registry, four contracts: extensions run in its storage, agree on it, and are nothing by themselves."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
import solcx

from registry.chain.compile import RUNTIME_BYTES_MAX, SETTINGS, SOLC_FOLDER, SOLC_VERSION
from registry.settings import PROJECT_ROOT
from tests.contracts.door import Door, Reverted, refused, reverts
from tests.contracts.house import DAY, DOCUMENT, NOBODY, OFFICER_ROLE, OPERATOR_ROLE, ORDER, House, named, token

PARTS = ("Receivables", "ReceivablesBySignature", "ReceivablesOversight", "ReceivablesSettlement")


@cache
def layouts() -> dict[str, list[tuple[str, str, int, str]]]:
    """The storage of each of the four, from the compiler: (label, slot, offset, type)."""
    files = [f"contracts/{name}.sol" for name in PARTS]
    sources = {file: {"content": (PROJECT_ROOT / file).read_text()} for file in files}
    output = solcx.compile_standard(
        {
            "language": "Solidity",
            "sources": sources,
            "settings": SETTINGS | {"outputSelection": {"*": {"*": ["storageLayout"]}}},
        },
        solc_binary=SOLC_FOLDER / f"solc-v{SOLC_VERSION}",
        base_path=PROJECT_ROOT,
    )
    found = {}
    for name in PARTS:
        layout = output["contracts"][f"contracts/{name}.sol"][name]["storageLayout"]
        types = {key: kind["label"] for key, kind in layout["types"].items()}
        found[name] = [(each["label"], each["slot"], each["offset"], types[each["type"]]) for each in layout["storage"]]
    return found


def test_the_four_agree_on_every_slot() -> None:
    """What an extension has besides lies behind what all share, and is never written."""
    found = layouts()
    shared = found["Receivables"]
    assert [label for label, *_ in shared] == [
        "_authority",
        "_consumingSchedule",
        "_records",
        "_certificates",
        "_members",
        "_fingerprints",
        "_unansweredPlusOne",
        "_approvals",
        "_operators",
        "_freezes",
        "_nonces",
        "_movement",
        "_registration",
        "_pausedSince",
        "_descriptor",
        "_settlement",
        "_depositTokens",
        "_liens",
        "_recourses",
        "_claims",
    ]
    for name in PARTS[1:]:
        assert found[name][: len(shared)] == shared
        # OpenZeppelin's EIP712 keeps a name or version of more than 31 bytes there; ours are shorter.
        assert [label for label, *_ in found[name][len(shared) :]] == ["_nameFallback", "_versionFallback"]


def test_what_lies_behind_the_shared_slots_is_never_written(house: House, receivable_id: int) -> None:
    behind = 1 + max(int(slot) for _, slot, *_ in layouts()["Receivables"])
    for slot in range(behind, behind + 8):
        assert int(house.node.request("eth_getStorageAt", house.receivables.address, hex(slot), "latest"), 16) == 0


def test_each_fits_on_a_chain(house: House) -> None:
    for part in (house.receivables, house.by_signature, house.oversight, house.settlement):
        assert 0 < len(house.node.code(bytes.fromhex(part.address[2:]))) <= RUNTIME_BYTES_MAX


def test_no_selector_has_two_answers(project: Any) -> None:
    """What the registry answers itself an extension must not answer otherwise: it would never be asked."""
    answers: dict[str, list[str]] = {}
    for name in PARTS:
        for method in getattr(project, name).contract_type.methods:
            answers.setdefault(method.selector, []).append(name)
    twice = {signature: names for signature, names in answers.items() if len(names) > 1}
    # What all have from their common base, and the address of the next extension.
    bases = {"predecessor()", "authority()", "setAuthority(address)", "isConsumingScheduledOp()"}
    assert twice.keys() == bases | {"extension()", "eip712Domain()"}


# --------------------------------------------------------- called by themselves


def alone_at(house: House, part: str) -> Door:
    """An extension at its own address, asked for everything that the registry knows."""
    made = Door(house.receivables.contract, *house.receivables.types[1:])
    made.address = getattr(house, part).address
    return made


each_part = pytest.mark.parametrize("part", ["by_signature", "oversight"])


def roots(house: House) -> list[str]:
    parts = (house.receivables, house.by_signature, house.oversight, house.settlement)
    return [house.node.request("eth_getProof", part.address, [], "latest")["storageHash"] for part in parts]


@each_part
def test_an_extension_alone_has_no_authority(house: House, part: str) -> None:
    """So nobody is its operator, the registry's own operator neither."""
    alone = alone_at(house, part)
    before = roots(house)
    assert alone.authority() == NOBODY
    for call in (
        lambda: alone.admit(house.stranger, house.now + DAY, 1, DOCUMENT, sender=house.operator),
        lambda: alone.pause(sender=house.operator),
        lambda: alone.setRules(NOBODY, sender=house.operator),
        lambda: alone.setDescriptor(NOBODY, sender=house.operator),
        lambda: alone.sunset(sender=house.operator),
        lambda: alone.setAuthority(house.access, sender=house.operator),
    ):
        with refused("AccessManagedUnauthorized", caller=house.operator.address):
            call()
    assert roots(house) == before


@each_part
def test_an_extension_alone_has_no_members_and_nothing_to_order(house: House, receivable_id: int, part: str) -> None:
    """The regulator's administrator counts as an officer there, whom the manager lets call what has no role."""
    alone = alone_at(house, part)
    before = roots(house)
    for role in (0, OFFICER_ROLE):
        for person in (house.regulator, house.officer, house.countersigner):
            house.regulation.grantRole(role, person, 0, sender=house.regulator)
    expiry = house.now + DAY
    fields = {"member": house.seller.address, "order": ORDER, "expiry": expiry, "contract": alone.address}
    second = house.countersigned("FreezeMember", **fields)
    with refused("UnknownMember", member=house.seller.address):
        alone.freezeMember(house.seller, ORDER, expiry, second, sender=house.officer)
    fields = {"receivableId": receivable_id, "order": ORDER, "expiry": expiry, "contract": alone.address}
    second = house.countersigned("FreezeReceivable", **fields)
    with refused("AnchorMismatch", head=bytes(32)):  # no claim lives there
        alone.freezeReceivable(receivable_id, ORDER, expiry, second, sender=house.officer)
    assert roots(house) == before


@each_part
def test_what_is_signed_for_the_registry_is_nothing_to_an_extension(house: House, part: str) -> None:
    alone = alone_at(house, part)
    claim = house.claim()
    by = house.authorise("Register", house.seller, **claim)
    if part == "oversight":
        with reverts():
            alone.registerBySignature(claim, by, sender=house.stranger)
    else:
        with refused("SignatureInvalid", signer=house.seller.address):
            alone.registerBySignature(claim, by, sender=house.stranger)
    house.receivables.registerBySignature(claim, by, sender=house.stranger)


def test_a_claim_signed_for_an_extension_is_refused_there(house: House) -> None:
    alone = alone_at(house, "by_signature")
    claim = house.claim()
    by = house.authorise("Register", house.seller, **claim, contract=alone.address)
    with pytest.raises(Reverted, match="TenorExceeded"):  # no parameters, no members
        alone.registerBySignature(claim, by, sender=house.stranger)


def test_what_members_do_with_extensions_alone_stays_there(house: House, receivable_id: int) -> None:
    """Nonces and operators that are set at an extension's own address are not the registry's."""
    alone = alone_at(house, "by_signature")
    before = house.storage_root()
    alone.cancelNonces(0, 2**256 - 1, sender=house.seller)
    by = house.authorise(
        "SetApprovalForAll", house.supplier, operator=house.stranger.address, approved=True, contract=alone.address
    )
    alone.setApprovalForAllBySignature(house.stranger, True, by, sender=house.stranger)
    assert house.storage_root() == before
    assert house.receivables.noncesUsed(house.seller, 0) == 0
    assert house.receivables.isApprovedForAll(house.supplier, house.stranger) is False
    house.endorse(token(receivable_id))


def test_an_extension_cannot_be_told_to_run_other_code(house: House, helpers: dict[str, Any]) -> None:
    """The addresses are part of the code: there is no setter, and the slots where proxies keep theirs are empty."""
    for slot in (
        "0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc",  # ERC-1967 implementation
        "0xb53127684a568b3173ae13b9f8a6016e243e63b6e8ee1178d6a717850b5d6103",  # ERC-1967 admin
    ):
        assert int(house.node.request("eth_getStorageAt", house.receivables.address, slot, "latest"), 16) == 0
    assert house.receivables.extension() == house.by_signature.address
    node, code = house.node, house.receivables.address[2:].lower()
    assert house.by_signature.address[2:].lower() in node.code(bytes.fromhex(code)).hex()
    assert house.oversight.address[2:].lower() in node.code(bytes.fromhex(house.by_signature.address[2:])).hex()
    assert house.settlement.address[2:].lower() in node.code(bytes.fromhex(house.oversight.address[2:])).hex()


@pytest.mark.parametrize("part", ["by_signature", "oversight", "settlement"])
def test_money_needs_a_registry(house: House, receivable_id: int, part: str) -> None:
    """At an extension's own address there is nothing to close or pay, and nobody says what the desk is."""
    alone = alone_at(house, part)
    before = roots(house)
    for call in (
        lambda: alone.close(receivable_id, sender=house.settlement_bank),
        lambda: alone.absolve(receivable_id, sender=house.settlement_bank),
        lambda: alone.setDesk(NOBODY, sender=house.operator),
        lambda: alone.setDepositToken(978, house.access, sender=house.operator),
    ):
        with pytest.raises(Reverted, match="AccessManagedUnauthorized"):
            call()
    with refused("UnknownReceivable", receivableId=receivable_id):
        alone.dishonour(receivable_id, sender=house.stranger)
    whole = named(token(receivable_id))
    with refused("UnknownCertificate", certificateId=token(receivable_id)):
        alone.demandRecourse(whole, sender=house.seller)
    by = house.authorise("Pay", house.buyer, receivableId=receivable_id, amount=100_000, contract=alone.address)
    with refused("AnchorMismatch", head=bytes(32)):
        alone.payBySignature(receivable_id, 100_000, by, sender=house.stranger)
    assert alone.depositTokens([978]) == [NOBODY]
    assert alone.redeemable([token(receivable_id)]) == [0]
    assert roots(house) == before


@each_part
def test_the_operators_role_does_not_reach_into_an_extension(house: House, part: str) -> None:
    """A role over functions is of one target, the registry's address; elsewhere only the administrator would pass."""
    house.access.grantRole(OPERATOR_ROLE, house.stranger, 0, sender=house.operator)
    call = house.receivables.pause.encode_input()
    inputs = {"caller": house.stranger.address, "target": getattr(house, part).address, "selector": call}
    with refused("AccessManagerUnauthorizedCall", **inputs):
        house.access.execute(inputs["target"], call, sender=house.stranger)
