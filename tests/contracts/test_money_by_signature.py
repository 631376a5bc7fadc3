"""Money by signature: each operation about it done by a signature is the same as sent, once, and as it was signed.

What holds of all signatures (their forms, wallets, reorganisations) is in test_signatures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from tests.contracts import oracle
from tests.contracts.door import Receipt
from tests.contracts.house import NOBODY, House, named, parts_of, token
from tests.contracts.till import Till

NONCES_SLOT = 9
OTHER_ID, OTHER_BYTES, OTHER_ADDRESS = 77, b"\xee" * 32, "0x" + "ee" * 20
RANGE = {"receivableId": OTHER_ID, "start": 1, "end": 99_999}


class Scene:
    """Receivables of the seller's: one that is free, one pledged, one disputed, one sold and overdue, and one whose
    recourse is demanded besides."""

    def __init__(self, till: Till) -> None:
        house = till.house
        self.till, self.house = till, house
        soon = house.midnight(days=1)
        self.free, self.pledged, self.disputed = (till.parts() for _ in range(3))
        self.sold, self.demanded = (till.parts(due=soon) for _ in range(2))
        till.pledge(token(self.pledged))
        till.dispute(token(self.disputed), 10_000)
        for receivable_id in (self.sold, self.demanded):
            till.sell(token(receivable_id), recourse=60_000)
        till.reach(self.demanded, days=1)
        till.demand(token(self.demanded))


@dataclass(frozen=True)
class Deed:
    """One operation in both forms, about one of the scene's receivables: the whole of it, or its whole certificate.

    `rest` are arguments and signed fields besides; `second` who must agree. `others` are other values of signed fields.
    """

    signer: str
    about: str
    others: dict[str, Any]
    rest: Callable[[Scene], dict[str, Any]] = lambda _: {}
    second: str = ""
    is_whole: bool = False

    def fields(self, scene: Scene) -> dict[str, Any]:
        receivable_id = getattr(scene, self.about)
        about = {"receivableId": receivable_id} if self.is_whole else parts_of(named(token(receivable_id)))
        return about | self.rest(scene)

    def arguments(self, scene: Scene) -> tuple[Any, ...]:
        receivable_id = getattr(scene, self.about)
        return (receivable_id if self.is_whole else named(token(receivable_id)), *self.rest(scene).values())


DEEDS: dict[str, Deed] = {
    "Pledge": Deed(
        signer="seller",
        about="free",
        rest=lambda s: {"financier": s.house.bank.address, "secured": 500},
        others=RANGE | {"financier": OTHER_ADDRESS, "secured": 501},
    ),
    "Release": Deed(signer="bank", about="pledged", others=RANGE),
    "Pay": Deed(
        signer="buyer",
        about="free",
        is_whole=True,
        rest=lambda _: {"amount": 100_000},
        others={"receivableId": OTHER_ID, "amount": 99_999},
    ),
    "CreditNote": Deed(
        signer="seller",
        second="buyer",
        about="free",
        rest=lambda _: {"amount": 700},
        others=RANGE | {"amount": 701},
    ),
    "Dispute": Deed(
        signer="buyer", second="seller", about="free", rest=lambda _: {"cut": 700}, others=RANGE | {"cut": 701}
    ),
    "Resolve": Deed(
        signer="seller", second="buyer", about="disputed", is_whole=True, others={"receivableId": OTHER_ID}
    ),
    "DemandRecourse": Deed(signer="bank", about="sold", others=RANGE),
    "Repurchase": Deed(signer="seller", about="demanded", others=RANGE),
}
each_deed = pytest.mark.parametrize("name", DEEDS)
each_of_two = pytest.mark.parametrize("name", [name for name, deed in DEEDS.items() if deed.second])


@pytest.fixture(scope="module")
def opened_scene(opened_till: Till) -> Scene:
    return Scene(opened_till)


@pytest.fixture
def scene(till: Till, opened_scene: Scene) -> Scene:
    """The scene as it was in the beginning, audited after the test."""
    return opened_scene


def function_of(name: str) -> str:
    return name[0].lower() + name[1:]


def signed(scene: Scene, name: str, *, second: bool = False, **changes: Any) -> dict[str, Any]:
    """An authorisation for a deed by its signer, or by its second one."""
    deed = DEEDS[name]
    signer = changes.pop("signer", None) or getattr(scene.house, deed.second if second else deed.signer)
    return scene.house.authorise(name, signer, **deed.fields(scene) | changes)


def submit(
    scene: Scene, name: str, by: dict[str, Any], *, sender: Any = None, second: dict[str, Any] | None = None
) -> Receipt:
    """Anyone submits, with the second one's signature where the deed takes two."""
    deed = DEEDS[name]
    function = getattr(scene.house.receivables, function_of(name) + "BySignature")
    agreed = (second or signed(scene, name, second=True),) if deed.second else ()
    receipt = function(*deed.arguments(scene), by, *agreed, sender=sender or scene.house.stranger)
    assert isinstance(receipt, Receipt)
    return receipt


def used(house: House, by: dict[str, Any]) -> bool:
    return bool(house.receivables.noncesUsed(by["signer"], by["nonce"] >> 8) >> (by["nonce"] & 0xFF) & 1)


def test_every_form_by_signature_is_here(project: Any) -> None:
    methods = {method.name for method in project.ISettlementOperations.contract_type.mutable_methods}
    assert {name.removesuffix("BySignature") for name in methods if name.endswith("BySignature")} == {
        function_of(name) for name in DEEDS
    }


@each_deed
def test_signed_or_sent_the_same_is_done(scene: Scene, name: str) -> None:
    """Same events, same journals, same deposits, same storage but for the nonce."""
    house, deed = scene.house, DEEDS[name]
    node, signer = house.node, getattr(house, deed.signer)
    second = signed(scene, name, second=True) if deed.second else None
    at = house.now + 100
    mark = node.request("evm_snapshot")
    house.at(at)
    direct = getattr(house.receivables, function_of(name))
    sent = direct(*deed.arguments(scene), *([second] if second else []), sender=signer).events
    sent_state = house.audit()
    inner = keccak(encode(["address", "uint256"], [signer.address, NONCES_SLOT]))
    slot = "0x" + keccak(encode(["uint256", "bytes32"], [0, inner])).hex()
    node.request("anvil_setStorageAt", house.receivables.address, slot, "0x" + (1 << 5).to_bytes(32).hex())
    sent_roots = scene.till.roots()
    assert node.request("evm_revert", mark)

    by = signed(scene, name, nonce=5)
    house.at(at)
    assert submit(scene, name, by, second=second).events == sent
    assert house.audit() == sent_state
    assert scene.till.roots() == sent_roots


@each_deed
def test_every_field_is_signed(scene: Scene, name: str) -> None:
    """By both, where two must agree: signed for another value of any one field, it is no signature of this deed."""
    house, deed = scene.house, DEEDS[name]
    assert deed.others.keys() == set(oracle.fields_of(name)) - {"signer", "anchor", "nonce", "deadline"}
    by = signed(scene, name)
    anchor = by["anchor"]
    for field, other in deed.others.items():
        with scene.till.refused("SignatureInvalid", signer=by["signer"]):
            submit(scene, name, signed(scene, name, anchor=anchor, **{field: other}))
        if deed.second:
            second = signed(scene, name, second=True, anchor=anchor, **{field: other})
            with scene.till.refused("SignatureInvalid", signer=second["signer"]):
                submit(scene, name, by, second=second)
    changes = [{"nonce": 1}, {"deadline": 2**40}, {"anchor": OTHER_BYTES}, {"signer": house.supplier.address}]
    for change in changes:
        with scene.till.refused("SignatureInvalid", signer=(by | change)["signer"]):
            submit(scene, name, by | change)
    for elsewhere in ({"chain_id": 1}, {"contract": house.settlement.address}, {"contract": NOBODY}):
        with scene.till.refused("SignatureInvalid", signer=by["signer"]):
            submit(scene, name, signed(scene, name, **elsewhere))
    submit(scene, name, by)


@each_deed
def test_it_counts_once_and_until_its_deadline(scene: Scene, name: str) -> None:
    house, deadline = scene.house, scene.house.now + 50
    by = signed(scene, name, deadline=deadline)
    mark = house.node.request("evm_snapshot")
    house.at(deadline)
    submit(scene, name, by)
    assert used(house, by)
    with scene.till.refused("NonceUsed", nonce=by["nonce"]):
        submit(scene, name, signed(scene, name, nonce=by["nonce"]))
    house.node.request("evm_revert", mark)
    house.at(deadline + 1)
    with scene.till.refused("SignatureExpired", deadline=deadline):
        submit(scene, name, by)


@each_deed
def test_it_is_of_the_receivable_that_its_anchor_names(scene: Scene, name: str) -> None:
    """And of no other claim that took the id, on a fork: whoever submits opens the anchor and can add no other key."""
    house = scene.house
    receivable_id = DEEDS[name].fields(scene)["receivableId"]
    other = scene.sold if receivable_id != scene.sold else scene.free
    head = house.head(receivable_id)
    by = signed(scene, name)
    for wrong in (
        signed(scene, name, anchor=house.anchor(other)),
        signed(scene, name, anchor=head),
        by | {"claimKey": house.claim_key(other)},
        by | {"claimKey": bytes(32)},
    ):
        with scene.till.refused("AnchorMismatch", head=head):
            submit(scene, name, wrong)
    submit(scene, name, by)


@each_deed
def test_what_the_signer_could_not_do_its_signature_cannot(scene: Scene, name: str) -> None:
    """A genuine signature of somebody without standing."""
    house = scene.house
    by = signed(scene, name, signer=house.stranger)
    refusals: dict[str, dict[str, Any]] = {
        "Pledge": {"error": "NotHolder", "caller": house.stranger.address},
        "Release": {"error": "NotFinancier", "account": house.stranger.address},
        "Pay": {"error": "MemberNotEligible", "member": house.stranger.address},
        "DemandRecourse": {"error": "NotHolder", "caller": house.stranger.address},
        "Repurchase": {"error": "NotSeller", "account": house.stranger.address},
    }
    with scene.till.refused(**refusals.get(name, {"error": "NotParty", "account": house.stranger.address})):
        submit(scene, name, by)
    assert not used(house, by)


@each_deed
def test_anyone_submits_and_pays_no_more_than_gas(scene: Scene, name: str) -> None:
    house, deed = scene.house, DEEDS[name]
    for sender in (house.operator, house.supplier, getattr(house, deed.signer)):
        mark = house.node.request("evm_snapshot")
        submit(scene, name, signed(scene, name), sender=sender)
        if sender != getattr(house, deed.signer):
            assert scene.till.balances(house.supplier) == [0]
        house.node.request("evm_revert", mark)


def test_a_signature_of_one_kind_is_none_of_another(scene: Scene) -> None:
    """Some types differ in their names only."""
    house = scene.house
    for name, deed in DEEDS.items():
        for other, another in DEEDS.items():
            if other != name:
                fields = another.fields(scene) | deed.fields(scene)
                known = {field: value for field, value in fields.items() if field in oracle.fields_of(other)}
                by = house.authorise(other, getattr(house, deed.signer), **known)
                with scene.till.refused("SignatureInvalid", signer=by["signer"]):
                    submit(scene, name, by)


# -------------------------------------------------------------------------- of two


@each_of_two
def test_two_agree_each_by_its_own_signature(scene: Scene, name: str) -> None:
    """Whichever comes first; one of them twice is one."""
    house, deed = scene.house, DEEDS[name]
    first, second = getattr(house, deed.signer), getattr(house, deed.second)
    for one in (first, second):
        twice = (signed(scene, name, signer=one), signed(scene, name, signer=one))
        with scene.till.refused("NotParty", account=one.address):
            submit(scene, name, twice[0], second=twice[1])
        with scene.till.refused("NonceUsed", nonce=twice[0]["nonce"]):
            submit(scene, name, twice[0], second=twice[0])
    for outsider in (house.supplier, house.operator):
        with scene.till.refused("NotParty", account=outsider.address):
            submit(scene, name, signed(scene, name), second=signed(scene, name, signer=outsider))
    by, agreed = signed(scene, name, signer=second), signed(scene, name, signer=first)
    told = submit(scene, name, by, second=agreed).events[0][1]
    assert (told["actor"], told["countersigner"]) == (second, first)
    assert (used(house, by), used(house, agreed)) == (True, True)


@each_of_two
def test_the_second_ones_word_is_looked_at_like_the_firsts(scene: Scene, name: str) -> None:
    house = scene.house
    by = signed(scene, name)
    late = signed(scene, name, second=True, deadline=house.now - 1)
    with scene.till.refused("SignatureExpired", deadline=late["deadline"]):
        submit(scene, name, by, second=late)
    other = signed(scene, name, second=True, anchor=house.anchor(scene.sold))
    with scene.till.refused("AnchorMismatch", head=house.head(DEEDS[name].fields(scene)["receivableId"])):
        submit(scene, name, by, second=other)
    given_up = signed(scene, name, second=True, nonce=3)
    house.receivables.cancelNonces(0, 1 << 3, sender=getattr(house, DEEDS[name].second))
    with scene.till.refused("NonceUsed", nonce=3):
        submit(scene, name, by, second=given_up)
    assert not used(house, by)
    submit(scene, name, by)


def test_a_deed_that_is_refused_leaves_its_nonces(scene: Scene) -> None:
    """Both of them: once the reason is gone, the signatures are as good as before."""
    house = scene.house
    by, second = signed(scene, "CreditNote"), signed(scene, "CreditNote", second=True)
    house.receivables.pause(sender=house.operator)
    with scene.till.refused("RegistryPaused"):
        submit(scene, "CreditNote", by, second=second)
    house.receivables.unpause(sender=house.operator)
    assert not used(house, by)
    assert not used(house, second)
    submit(scene, "CreditNote", by, second=second)


def test_a_signed_payment_takes_the_signers_deposits(scene: Scene) -> None:
    """Not those of who submits; and it is the debtor's, so that a part will do once it is due."""
    house, till = scene.house, scene.till
    by = house.authorise("Pay", house.buyer, receivableId=scene.sold, amount=40_000)
    receipt = house.receivables.payBySignature(scene.sold, 40_000, by, sender=house.supplier)
    assert receipt.events[0][1]["payer"] == house.buyer
    assert till.balances(house.buyer, house.supplier) == [-40_000, 0]
    by = house.authorise("Pay", house.supplier, receivableId=scene.sold, amount=40_000)
    with till.refused("PaymentNotWhole", payable_=60_000):
        house.receivables.payBySignature(scene.sold, 40_000, by, sender=house.buyer)


def test_what_a_pause_does_not_stop_it_does_not_by_signature(scene: Scene) -> None:
    house = scene.house
    house.receivables.pause(sender=house.operator)
    for name in DEEDS:
        if name in ("Release", "Pay", "DemandRecourse"):
            submit(scene, name, signed(scene, name))
        else:
            with scene.till.refused("RegistryPaused"):
                submit(scene, name, signed(scene, name))
