"""The extra rules: asked last about registering, confirming and moving; they forbid by reverting."""

from __future__ import annotations

from typing import Any

import pytest
from eth_abi.abi import decode
from eth_utils.address import to_checksum_address

from tests.contracts.door import Door, Reverted, refused, selector
from tests.contracts.house import (
    ANSWER_WINDOW_DAYS,
    DAY,
    DOCUMENT,
    FORCED_TRANSFER_DELAY,
    NO_DOCUMENT,
    NOBODY,
    House,
    named,
    parts_of,
    token,
)

ALLOW, FORBID, FORBID_SILENTLY, PANIC, BURN_GAS, GARBAGE, LONG_REASON, WRITE = range(8)
ACT = "(uint8,uint256,address,address,address,uint64,uint64)"
FIELDS = ("operation", "receivableId", "actor", "from", "to", "start", "end")


@pytest.fixture
def rules(house: House, helpers: dict[str, Any]) -> Door:
    """Rules in force that allow everything until told otherwise."""
    made = house.made(helpers["Rules"])
    house.receivables.setRules(made, sender=house.operator)
    return made


def told(house: House, rules: Door, mode: int) -> None:
    rules.setMode(mode, sender=house.stranger)


def asked(house: House, rules: Door, call: Any) -> dict[str, Any]:
    """What the rules were asked when they forbade the call, from the reason that the registry passed on."""
    told(house, rules, FORBID)
    before = house.storage_root()
    with pytest.raises(Reverted) as caught:
        call()
    assert house.storage_root() == before
    told(house, rules, ALLOW)
    assert caught.value.name == "RulesForbid"
    reason = bytes(caught.value.inputs["reason"])
    assert reason[:4] == selector(f"NotAllowed(address,{ACT})")
    registry, act = decode(["address", ACT], reason[4:])
    assert to_checksum_address(registry) == house.receivables.address
    values = (to_checksum_address(each) if isinstance(each, str) else each for each in act)
    return dict(zip(FIELDS, values, strict=True))


def act(operation: int, receivable_id: int, actor: Any, giver: Any, receiver: Any, start: int, end: int) -> Any:
    addresses = (actor.address, giver.address, receiver.address)
    return dict(zip(FIELDS, (operation, receivable_id, *addresses, start, end), strict=True))


def test_rules_are_asked_about_a_registration(house: House, rules: Door) -> None:
    claim = house.claim()
    seller, buyer = house.seller, house.buyer
    found = asked(house, rules, lambda: house.register(claim))
    assert found == act(1, 1, seller, seller, buyer, 0, 100_000)
    assert house.register(claim) == 1


def test_rules_are_asked_about_a_confirmation(house: House, rules: Door) -> None:
    opened = house.register()
    found = asked(house, rules, lambda: house.confirm(opened))
    assert found == act(2, opened, house.buyer, house.buyer, house.seller, 0, 100_000)
    house.confirm(opened)


def test_rules_are_asked_about_an_acceptance_with_the_new_face(house: House, rules: Door) -> None:
    opened = house.register()
    house.counter_offer(opened, face=60_000)
    found = asked(house, rules, lambda: house.accept_offer(opened))
    assert found == act(9, opened, house.seller, house.buyer, house.seller, 0, 60_000)
    house.accept_offer(opened)


def test_rules_are_asked_about_what_moves_and_who_moves_it(house: House, receivable_id: int, rules: Door) -> None:
    seller, bank, contract, front = house.seller, house.bank, house.receivables, token(receivable_id)
    contract.setApprovalForAll(house.stranger, True, sender=seller)
    part = {"cut": 10, "receiver": bank.address, "document": DOCUMENT}
    endorsement = {"range": named(front), "receiver": bank.address, "document": DOCUMENT}
    for sender in (seller, house.stranger):
        for call in (
            lambda sender=sender: contract.split(named(front), 10, bank, DOCUMENT, sender=sender),
            lambda sender=sender: contract.splitMany(named(front), [part], sender=sender),
        ):
            assert asked(house, rules, call) == act(4, receivable_id, sender, seller, bank, 10, 100_000)
        for call in (
            lambda sender=sender: contract.endorse(named(front), bank, DOCUMENT, sender=sender),
            lambda sender=sender: contract.endorseMany([endorsement], sender=sender),
            lambda sender=sender: contract.transferFrom(seller, bank, front, sender=sender),
            lambda sender=sender: contract.safeTransferFrom(seller, bank, front, sender=sender),
        ):
            assert asked(house, rules, call) == act(5, receivable_id, sender, seller, bank, 0, 100_000)


def test_rules_are_asked_about_the_signer_not_about_who_submits(house: House, receivable_id: int, rules: Door) -> None:
    whole = named(token(receivable_id))
    fields = parts_of(whole) | {"receiver": house.bank.address, "document": NO_DOCUMENT}
    by = house.authorise("Endorse", house.seller, **fields)

    def submit() -> Any:
        return house.receivables.endorseBySignature(whole, house.bank, NO_DOCUMENT, by, sender=house.stranger)

    assert asked(house, rules, submit) == act(5, receivable_id, house.seller, house.seller, house.bank, 0, 100_000)
    submit()  # the nonce was left


def test_rules_are_asked_about_every_part_of_a_batch(house: House, receivable_id: int, helpers: dict[str, Any]) -> None:
    """Only splits are allowed: of two parts both, of an endorsement none."""
    only_splits = house.made(helpers["OneOperation"], 4)
    house.receivables.setRules(only_splits, sender=house.operator)
    cuts = [{"cut": cut, "receiver": house.bank.address, "document": NO_DOCUMENT} for cut in (20, 10)]
    house.receivables.splitMany(named(token(receivable_id)), cuts, sender=house.seller)
    with pytest.raises(Reverted, match="RulesForbid"):
        house.endorse(token(receivable_id))
    with pytest.raises(Reverted, match="RulesForbid"):
        house.register()


@pytest.mark.parametrize(
    "cuts",
    [
        [50_000],
        [49_999],
        [50_000, 25_000],
        [50_000, 24_999],
        [60_000, 30_000, 15_000],
        [60_000, 30_000, 15_000, 7_499],
        [90_000, 44_999, 44_998],
    ],
    ids=str,
)
def test_rules_that_read_the_registry_refuse_a_batch_where_they_refuse_the_single_splits(
    house: House, receivable_id: int, helpers: dict[str, Any], cuts: list[int]
) -> None:
    """Half of what is held stays at each cut: of the certificate as the cuts before left it, and so its journal."""
    contract, front = house.receivables, token(receivable_id)
    contract.setRules(house.made(helpers["KeepsSome"], 50), sender=house.operator)
    at, mark = house.now + 100, house.node.request("evm_snapshot")

    def refusal(act: Any) -> tuple[str, Any] | None:
        try:
            act()
        except Reverted as reverted:
            return reverted.name, reverted.inputs
        return None

    single = []
    for cut in cuts:
        house.at(at)  # all of one instant, as the parts of a batch are, so that heads are the same
        single.append(refusal(lambda cut=cut: house.split(front, cut, to=house.bank)))
    assert house.node.request("evm_revert", mark)
    house.at(at)
    parts = [{"cut": cut, "receiver": house.bank.address, "document": DOCUMENT} for cut in cuts]
    batch = refusal(lambda: contract.splitMany(named(front), parts, sender=house.seller))
    assert batch == next((each for each in single if each), None)
    assert batch is None or batch[0] == "RulesForbid"


def test_rules_are_not_asked_about_anything_else(house: House, rules: Door) -> None:
    declined, taken, lapsing, offered = (house.register() for _ in range(4))
    front = token(house.confirmed())
    house.split(front, 50_000, to=house.seller)
    told(house, rules, FORBID)
    house.counter_offer(offered)
    house.refuse(declined)
    house.withdraw(taken)
    house.merge(front)
    house.receivables.approve(house.bank, front, sender=house.seller)
    house.partition(house.present(front), 10)
    house.freeze_certificate(house.present(front))
    house.freeze_receivable(front >> 64)
    house.freeze_member(house.seller)
    house.wait(FORCED_TRANSFER_DELAY)
    house.force_transfer(house.present(front))
    house.unfreeze_receivable(front >> 64)
    house.unfreeze_member(house.seller)
    house.admit(house.stranger)
    house.wait(ANSWER_WINDOW_DAYS * DAY)
    house.lapse(lapsing)


def test_rules_are_asked_last(house: House, receivable_id: int, rules: Door) -> None:
    """What the registry itself refuses, it refuses by its own name."""
    told(house, rules, FORBID)
    with refused("FaceMissing"):
        house.register(house.claim(face=0))
    with refused("MemberNotEligible", member=house.stranger.address):
        house.endorse(token(receivable_id), to=house.stranger)
    house.freeze_certificate(named(token(receivable_id)))
    with refused("FrozenByOrder", order=b"\x0a" * 32):
        house.split(token(receivable_id), 5)


@pytest.mark.parametrize("mode", [FORBID_SILENTLY, BURN_GAS, WRITE])
def test_rules_that_fail_without_a_word_forbid_without_a_reason(
    house: House, receivable_id: int, rules: Door, mode: int
) -> None:
    """Also those that burn all the gas they get: what is left suffices to say so."""
    told(house, rules, mode)
    before, whole, contract = house.storage_root(), named(token(receivable_id)), house.receivables
    sent = {"sender": house.seller, "gas": 1_000_000}
    with refused("RulesForbid", reason=b""):
        contract.endorse(whole, house.bank, NO_DOCUMENT, **sent)
    with refused("RulesForbid", reason=b""):
        contract.split(whole, 5, house.bank, NO_DOCUMENT, **sent)
    with refused("RulesForbid", reason=b""):
        contract.register(house.claim(), **sent)
    assert house.storage_root() == before


def test_a_bug_in_the_rules_forbids_and_its_panic_is_the_reason(house: House, receivable_id: int, rules: Door) -> None:
    told(house, rules, PANIC)
    with refused("RulesForbid", reason=selector("Panic(uint256)") + (1).to_bytes(32, "big")):
        house.endorse(token(receivable_id))


def test_a_long_reason_is_passed_on_whole(house: House, receivable_id: int, rules: Door) -> None:
    told(house, rules, LONG_REASON)
    with pytest.raises(Reverted) as caught:
        house.endorse(token(receivable_id))
    assert len(caught.value.inputs["reason"]) == 30_000


def test_rules_forbid_by_reverting_and_what_they_answer_is_not_read(
    house: House, receivable_id: int, rules: Door
) -> None:
    told(house, rules, GARBAGE)
    house.endorse(token(receivable_id))


def test_rules_are_replaced_and_removed_and_each_change_is_told(house: House, receivable_id: int, rules: Door) -> None:
    told(house, rules, FORBID)
    receipt = house.receivables.setRules(NOBODY, sender=house.operator)
    fields = {"rules": NOBODY, "actor": house.operator.address, "at": house.now}
    assert receipt.events == [("RulesSet", fields)]
    house.endorse(token(receivable_id))
    receipt = house.receivables.setRules(rules, sender=house.operator)
    assert receipt.events == [("RulesSet", fields | {"rules": rules.address, "at": house.now})]
    with pytest.raises(Reverted, match="RulesForbid"):
        house.endorse(token(receivable_id), to=house.bank, sender=house.supplier)


def test_an_account_without_code_is_no_rules(house: House) -> None:
    """A call to it succeeds, so it would allow everything and look as if it had been asked."""
    for account in (house.stranger.address, "0x" + "0" * 39 + "1"):
        with refused("ParameterMalformed"):
            house.receivables.setRules(account, sender=house.operator)


def test_a_contract_that_knows_no_rules_forbids_everything(
    house: House, receivable_id: int, helpers: dict[str, Any]
) -> None:
    """A wrong address stops the registry loudly and opens nothing; the next setting mends it."""
    for wrong in (house.made(helpers["NoRules"]), house.receivables, house.access):
        house.receivables.setRules(wrong, sender=house.operator)
        with refused("RulesForbid", reason=b""):
            house.endorse(token(receivable_id))
        with refused("RulesForbid", reason=b""):
            house.register()
    house.receivables.setRules(NOBODY, sender=house.operator)
    house.endorse(token(receivable_id))


def test_rules_that_lost_their_code_forbid_everything(house: House, receivable_id: int, rules: Door) -> None:
    """An account whose code is gone (a delegation that was taken back) answers every call with success."""
    house.endorse(token(receivable_id))
    house.node.request("anvil_setCode", rules.address, "0x")
    with refused("RulesForbid", reason=b""):
        house.endorse(token(receivable_id), to=house.bank, sender=house.supplier)
    with refused("RulesForbid", reason=b""):
        house.register()
