"""Whoever is not a party can change nothing: every function that writes, called by everybody without standing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.contracts.bank import made_token
from tests.contracts.door import Door, Reverted, refused, reverts
from tests.contracts.house import (
    AUTHORISATION,
    DAY,
    DOCUMENT,
    NO_DOCUMENT,
    NOBODY,
    ORDER,
    YEAR,
    Certificate,
    House,
    as_signed,
    named,
    parts_of,
    token,
)
from tests.contracts.till import Till

CLAIM = "(address,uint64,uint40,uint16,bytes32,bytes32)"
TERMS = f"(address,uint40,uint40,{CLAIM})"
OFFER = "(uint64,uint40,uint40)"
PART = "(uint64,address,bytes32)"
ENDORSEMENT = "(uint256,address,bytes32)"
ANCHORED = "(uint256,address,bytes32,bytes32,bytes32)"
JPY = 392
DEAL = "(uint256,uint64,address,address,uint64,uint64,bytes32,bytes32,bytes32)"


class Scene:
    """A receivable of the seller's in two halves; one frozen for long enough; a claim; another claim with an offer.

    One pledged, one disputed; and of those that are overdue one sold with recourse, another demanded back, and one of
    another debtor dishonoured and closed.
    """

    def __init__(self, till: Till, yen: Door) -> None:
        self.till, self.house, self.yen = till, till.house, yen
        house = self.house
        self.confirmed = house.confirmed()
        self.front = token(self.confirmed)
        house.split(self.front, 50_000, to=house.seller)
        self.opened, self.offered = house.register(), house.register()
        house.counter_offer(self.offered)
        self.offer = house.offer(self.offered)
        self.left = named(self.front, 50_000)
        self.loose = house.confirmed()
        self.frozen = named(token(self.loose))
        house.freeze_certificate(self.frozen)
        house.freeze_receivable(self.loose)
        soon = house.midnight(days=1)
        self.written_off = house.register(house.claim(due=soon, debtor=house.supplier.address))
        house.confirm(self.written_off, sender=house.supplier)
        house.freeze_member(house.supplier)
        self.pledged, self.disputed = house.confirmed(), house.confirmed()
        till.pledge(token(self.pledged))
        till.dispute(token(self.disputed), 10)
        self.sold, self.demanded, self.overdue = (house.confirmed(due=soon) for _ in range(3))
        for each in (self.sold, self.demanded):
            till.sell(token(each), recourse=500)
        house.wait(7 * DAY)
        till.demand(token(self.demanded))
        till.dishonour(self.written_off)
        till.close(self.written_off)
        house.counter_offer(self.offered)
        self.offer = house.offer(self.offered)

    def dealt(self) -> tuple[Any, ...]:
        return (self.till.deal(self.front, amount=1),)

    def agreed(self, type_name: str, **fields: Any) -> dict[str, Any]:
        """The buyer's word to what the seller does, or to what is done in its name."""
        return self.house.authorise(type_name, self.house.buyer, **fields)

    def terms(self, receivable_id: int) -> tuple[Any, ...]:
        return (receivable_id, self.house.terms(receivable_id), self.house.since(receivable_id))

    def accepting(self) -> tuple[Any, ...]:
        house, offered = self.house, self.offered
        return (offered, house.terms(offered), house.since(offered)[:-1], self.offer)


Arguments = Callable[[Scene, Any], tuple[Any, ...]]


def signed(scene: Scene, caller: Any, type_name: str, signer: str, **fields: Any) -> dict[str, Any]:
    """An authorisation in somebody's name, made with the caller's key."""
    return scene.house.authorise(type_name, getattr(scene.house, signer), key=caller, **fields)


def half(scene: Scene) -> dict[str, Any]:
    """The left half of the seller's receivable, as the EIP-712 types name it."""
    return parts_of(scene.left)


EXPIRY = 2**39

WRITES: dict[str, tuple[str, Arguments]] = {
    # The operator's.
    "admit(address,uint40,uint32,bytes32)": ("operator", lambda s, who: (who, s.house.now + YEAR, 7, DOCUMENT)),
    "suspend(address,uint8)": ("operator", lambda s, _: (s.house.seller, 1)),
    "pause()": ("operator", lambda s, _: ()),
    "unpause()": ("operator", lambda s, _: ()),
    "setParameter(uint8,uint64,uint40)": ("operator", lambda s, _: (1, 5, s.house.midnight(days=1))),
    "setRules(address)": ("operator", lambda s, _: (s.house.access,)),
    "setDescriptor(address)": ("operator", lambda s, _: (s.house.access,)),
    "sunset()": ("operator", lambda s, _: ()),
    "setAuthority(address)": ("", lambda s, who: (s.house.regulation,)),
    # The officers', two at a time.
    f"partition(uint256,uint64,address,bytes32,{AUTHORISATION})": (
        "officer",
        lambda s, who: (
            s.left,
            9,
            s.house.seller,
            ORDER,
            s.house.countersigned("Partition", **half(s), cut=9, holder=s.house.seller.address, order=ORDER),
        ),
    ),
    f"freezeCertificate(uint256,address,bytes32,uint40,{AUTHORISATION})": (
        "officer",
        lambda s, who: (
            s.left,
            s.house.seller,
            ORDER,
            EXPIRY,
            s.house.countersigned(
                "FreezeCertificate",
                **half(s),
                holder=s.house.seller.address,
                order=ORDER,
                expiry=EXPIRY,
            ),
        ),
    ),
    f"unfreezeCertificate(uint256,bytes32,{AUTHORISATION})": (
        "officer",
        lambda s, who: (
            s.frozen,
            ORDER,
            s.house.countersigned("UnfreezeCertificate", **parts_of(s.frozen), order=ORDER),
        ),
    ),
    f"freezeReceivable(uint256,bytes32,uint40,{AUTHORISATION})": (
        "officer",
        lambda s, who: (
            s.confirmed,
            ORDER,
            EXPIRY,
            s.house.countersigned("FreezeReceivable", receivableId=s.confirmed, order=ORDER, expiry=EXPIRY),
        ),
    ),
    f"unfreezeReceivable(uint256,bytes32,{AUTHORISATION})": (
        "officer",
        lambda s, who: (
            s.loose,
            ORDER,
            s.house.countersigned("UnfreezeReceivable", receivableId=s.loose, order=ORDER),
        ),
    ),
    f"freezeMember(address,bytes32,uint40,{AUTHORISATION})": (
        "officer",
        lambda s, who: (
            s.house.seller,
            ORDER,
            EXPIRY,
            s.house.countersigned("FreezeMember", member=s.house.seller.address, order=ORDER, expiry=EXPIRY),
        ),
    ),
    f"unfreezeMember(address,bytes32,{AUTHORISATION})": (
        "officer",
        lambda s, who: (
            s.house.supplier,
            ORDER,
            s.house.countersigned("UnfreezeMember", member=s.house.supplier.address, order=ORDER),
        ),
    ),
    f"forceTransfer(uint256,address,address,bytes32,{AUTHORISATION})": (
        "officer",
        lambda s, who: (
            s.frozen,
            s.house.seller,
            s.house.bank,
            ORDER,
            s.house.countersigned(
                "ForceTransfer",
                **parts_of(s.frozen),
                holder=s.house.seller.address,
                receiver=s.house.bank.address,
                order=ORDER,
            ),
        ),
    ),
    # The parties'.
    f"confirm(uint256,{TERMS},bytes32[])": ("buyer", lambda s, _: s.terms(s.opened)),
    f"refuse(uint256,{TERMS},bytes32[],uint8)": ("buyer", lambda s, _: (*s.terms(s.opened), 1)),
    f"withdraw(uint256,{TERMS},bytes32[])": ("seller", lambda s, _: s.terms(s.opened)),
    f"counterOffer(uint256,{TERMS},bytes32[],uint64,uint40)": (
        "buyer",
        lambda s, _: (*s.terms(s.opened), 5, s.house.record(s.opened).due),
    ),
    f"acceptOffer(uint256,{TERMS},bytes32[],{OFFER})": ("seller", lambda s, _: s.accepting()),
    # The holder's.
    "split(uint256,uint64,address,bytes32)": ("seller", lambda s, _: (s.left, 5, s.house.bank, DOCUMENT)),
    f"splitMany(uint256,{PART}[])": (
        "seller",
        lambda s, _: (s.left, [{"cut": 5, "receiver": s.house.bank.address, "document": DOCUMENT}]),
    ),
    "endorse(uint256,address,bytes32)": ("seller", lambda s, _: (s.left, s.house.bank, DOCUMENT)),
    f"endorseMany({ENDORSEMENT}[])": (
        "seller",
        lambda s, _: ([{"range": s.left, "receiver": s.house.bank.address, "document": DOCUMENT}],),
    ),
    "merge(uint256,uint64)": ("seller", lambda s, _: (s.left, 100_000)),
    "transferFrom(address,address,uint256)": ("seller", lambda s, _: (s.house.seller, s.house.bank, s.front)),
    "safeTransferFrom(address,address,uint256)": ("seller", lambda s, _: (s.house.seller, s.house.bank, s.front)),
    "safeTransferFrom(address,address,uint256,bytes)": (
        "seller",
        lambda s, _: (s.house.seller, s.house.bank, s.front, DOCUMENT),
    ),
    "approve(address,uint256)": ("seller", lambda s, who: (who, s.front)),
    # About money.
    "pledge(uint256,address,uint64)": ("seller", lambda s, _: (s.left, s.house.bank, 5)),
    "release(uint256)": ("bank", lambda s, _: (named(token(s.pledged)),)),
    f"sell({DEAL})": ("", lambda s, _: s.dealt()),
    f"pledgeAgainst({DEAL})": ("", lambda s, _: s.dealt()),
    f"creditNote(uint256,uint64,{AUTHORISATION})": (
        "seller",
        lambda s, _: (s.left, 5, s.agreed("CreditNote", **half(s), amount=5)),
    ),
    f"dispute(uint256,uint64,{AUTHORISATION})": (
        "seller",
        lambda s, _: (s.left, 5, s.agreed("Dispute", **half(s), cut=5)),
    ),
    f"resolve(uint256,{AUTHORISATION})": (
        "seller",
        lambda s, _: (s.disputed, s.agreed("Resolve", receivableId=s.disputed)),
    ),
    "close(uint256)": ("settlement_bank", lambda s, _: (s.overdue,)),
    "absolve(uint256)": ("settlement_bank", lambda s, _: (s.written_off,)),
    "demandRecourse(uint256)": ("bank", lambda s, _: (named(token(s.sold)),)),
    "repurchase(uint256)": ("seller", lambda s, _: (named(token(s.demanded)),)),
    "setDepositToken(uint16,address)": ("operator", lambda s, _: (JPY, s.yen)),
    "setDesk(address)": ("operator", lambda s, _: (NOBODY,)),
    # By signature: whoever submits, the signature must be the party's. Everybody signs with its own key here.
    f"registerBySignature({CLAIM},{AUTHORISATION})": (
        "seller",
        lambda s, who: (claim := s.house.claim(), signed(s, who, "Register", "seller", **claim)),
    ),
    f"confirmBySignature(uint256,{TERMS},bytes32[],{AUTHORISATION})": (
        "buyer",
        lambda s, who: (
            *s.terms(s.opened),
            signed(
                s,
                who,
                "Confirm",
                "buyer",
                receivableId=s.opened,
                originator=s.house.seller.address,
                **{name: s.house.terms(s.opened)["claim"][name] for name in ("face", "due", "currency")},
            ),
        ),
    ),
    f"refuseBySignature(uint256,{TERMS},bytes32[],uint8,{AUTHORISATION})": (
        "buyer",
        lambda s, who: (*s.terms(s.opened), 1, signed(s, who, "Refuse", "buyer", receivableId=s.opened, reason=1)),
    ),
    f"withdrawBySignature(uint256,{TERMS},bytes32[],{AUTHORISATION})": (
        "seller",
        lambda s, who: (*s.terms(s.opened), signed(s, who, "Withdraw", "seller", receivableId=s.opened)),
    ),
    f"counterOfferBySignature(uint256,{TERMS},bytes32[],uint64,uint40,{AUTHORISATION})": (
        "buyer",
        lambda s, who: (
            *s.terms(s.opened),
            5,
            s.house.record(s.opened).due,
            signed(s, who, "CounterOffer", "buyer", receivableId=s.opened, face=5, due=s.house.record(s.opened).due),
        ),
    ),
    f"acceptOfferBySignature(uint256,{TERMS},bytes32[],{OFFER},{AUTHORISATION})": (
        "seller",
        lambda s, who: (
            *s.accepting(),
            signed(s, who, "AcceptOffer", "seller", receivableId=s.offered, face=s.offer["face"], due=s.offer["due"]),
        ),
    ),
    f"splitBySignature(uint256,uint64,address,bytes32,{AUTHORISATION})": (
        "seller",
        lambda s, who: (
            s.left,
            5,
            s.house.bank,
            DOCUMENT,
            signed(s, who, "Split", "seller", **half(s), cut=5, receiver=s.house.bank.address, document=DOCUMENT),
        ),
    ),
    f"splitManyBySignature(uint256,{PART}[],{AUTHORISATION})": (
        "seller",
        lambda s, who: (
            s.left,
            parts := [{"cut": 5, "receiver": s.house.bank.address, "document": DOCUMENT}],
            signed(s, who, "SplitMany", "seller", **half(s), parts=parts),
        ),
    ),
    f"endorseBySignature(uint256,address,bytes32,{AUTHORISATION})": (
        "seller",
        lambda s, who: (
            s.left,
            s.house.bank,
            NO_DOCUMENT,
            signed(s, who, "Endorse", "seller", **half(s), receiver=s.house.bank.address, document=NO_DOCUMENT),
        ),
    ),
    f"endorseManyBySignature({ANCHORED}[],{AUTHORISATION})": (
        "seller",
        lambda s, who: (
            rows := [s.house.anchored(s.left, s.house.bank)],
            signed(s, who, "EndorseMany", "seller", endorsements=as_signed(rows)),
        ),
    ),
    f"mergeBySignature(uint256,uint64,{AUTHORISATION})": (
        "seller",
        lambda s, who: (
            s.left,
            100_000,
            signed(s, who, "Merge", "seller", receivableId=s.confirmed, start=0, cut=50_000, end=100_000),
        ),
    ),
    f"approveBySignature(uint256,address,{AUTHORISATION})": (
        "seller",
        lambda s, who: (s.left, who, signed(s, who, "Approve", "seller", **half(s), to=who.address)),
    ),
    f"setApprovalForAllBySignature(address,bool,{AUTHORISATION})": (
        "seller",
        lambda s, who: (
            who,
            True,
            signed(s, who, "SetApprovalForAll", "seller", operator=who.address, approved=True),
        ),
    ),
    f"pledgeBySignature(uint256,address,uint64,{AUTHORISATION})": (
        "seller",
        lambda s, who: (
            s.left,
            s.house.bank,
            5,
            signed(s, who, "Pledge", "seller", **half(s), financier=s.house.bank.address, secured=5),
        ),
    ),
    f"releaseBySignature(uint256,{AUTHORISATION})": (
        "bank",
        lambda s, who: (
            whole := named(token(s.pledged)),
            signed(s, who, "Release", "bank", **parts_of(whole)),
        ),
    ),
    f"payBySignature(uint256,uint64,{AUTHORISATION})": (
        "buyer",
        lambda s, who: (
            s.confirmed,
            100_000,
            signed(s, who, "Pay", "buyer", receivableId=s.confirmed, amount=100_000),
        ),
    ),
    f"creditNoteBySignature(uint256,uint64,{AUTHORISATION},{AUTHORISATION})": (
        "seller",
        lambda s, who: (
            s.left,
            5,
            signed(s, who, "CreditNote", "seller", **half(s), amount=5),
            s.agreed("CreditNote", **half(s), amount=5),
        ),
    ),
    f"disputeBySignature(uint256,uint64,{AUTHORISATION},{AUTHORISATION})": (
        "seller",
        lambda s, who: (
            s.left,
            5,
            signed(s, who, "Dispute", "seller", **half(s), cut=5),
            s.agreed("Dispute", **half(s), cut=5),
        ),
    ),
    f"resolveBySignature(uint256,{AUTHORISATION},{AUTHORISATION})": (
        "seller",
        lambda s, who: (
            s.disputed,
            signed(s, who, "Resolve", "seller", receivableId=s.disputed),
            s.agreed("Resolve", receivableId=s.disputed),
        ),
    ),
    f"demandRecourseBySignature(uint256,{AUTHORISATION})": (
        "bank",
        lambda s, who: (
            whole := named(token(s.sold)),
            signed(s, who, "DemandRecourse", "bank", **parts_of(whole)),
        ),
    ),
    f"repurchaseBySignature(uint256,{AUTHORISATION})": (
        "seller",
        lambda s, who: (
            whole := named(token(s.demanded)),
            signed(s, who, "Repurchase", "seller", **parts_of(whole)),
        ),
    ),
}
"""Every function that writes: who may, and its arguments for a caller."""

FOR_ALL = {
    "setApprovalForAll(address,bool)": "speaks for the caller's own certificates",
    "cancelNonces(uint256,uint256)": "gives up the caller's own signatures",
    f"register({CLAIM})": "any member in good standing, for itself",
    f"lapse(uint256,{TERMS},bytes32[])": "anyone, once the window is over",
    "pay(uint256,uint64)": "anyone who may spend, with its own deposits",
    "payAndRedeem(uint256,uint64,uint256[])": "the same",
    "payWithPermit(uint256,uint64,uint256,uint8,bytes32,bytes32)": "the same",
    "redeem(uint256)": "anyone; the money goes to holder and financier",
    "redeemMany(uint256[])": "the same",
    "dishonour(uint256)": "anyone, of a debt that is overdue by the grace",
}
"""What is for everybody, and why that harms nobody."""


@pytest.fixture(scope="module")
def opened_scene(opened_till: Till, project: Any) -> Scene:
    return Scene(opened_till, made_token(opened_till.house, project, currency=JPY)[0])


@pytest.fixture
def scene(till: Till, opened_scene: Scene) -> Scene:
    """The scene as it was in the beginning, audited after the test."""
    return opened_scene


def test_the_list_names_every_function_that_writes(house: House) -> None:
    """A new operation cannot forget to stand here."""
    writing = {method.selector for method in house.receivables.contract_type.mutable_methods}
    assert writing == {*WRITES, *FOR_ALL}


@pytest.mark.parametrize("signature", WRITES)
def test_only_who_may_does_it(scene: Scene, signature: str) -> None:
    """Everybody else is refused and changes nothing; the rightful one then succeeds, so the arguments were right."""
    house = scene.house
    allowed, arguments = WRITES[signature]
    function = getattr(house.receivables, signature.partition("(")[0])
    if signature == "unpause()":
        house.receivables.pause(sender=house.operator)
    before = house.storage_root()
    for kind, person in house.people.items():
        if kind == allowed or (allowed == "officer" and kind == "countersigner"):
            continue
        with pytest.raises(Reverted) as caught:
            function(*arguments(scene, person), sender=person)
        assert caught.value.name in REFUSALS, (kind, caught.value)
        assert house.storage_root() == before, kind
    if allowed:
        person = getattr(house, allowed)
        function(*arguments(scene, person), sender=person)
        assert house.storage_root() != before


REFUSALS = {
    "AccessManagedUnauthorized",
    "NotOfficer",
    "NotDebtor",
    "NotOriginator",
    "NotHolder",
    "NotDesk",
    "NotFinancier",
    "NotParty",
    "NotSeller",
    "SignatureInvalid",
}
"""How who has no standing is refused: never for another reason, which could be mended."""


def test_an_officer_countersigns_for_another_but_not_for_itself(scene: Scene) -> None:
    signature = f"freezeReceivable(uint256,bytes32,uint40,{AUTHORISATION})"
    house = scene.house
    with refused("SameOfficer", account=house.countersigner.address):
        arguments = WRITES[signature][1](scene, house.countersigner)
        house.receivables.freezeReceivable(*arguments, sender=house.countersigner)


def test_a_strangers_own_affairs_touch_nobody(house: House, receivable_id: int) -> None:
    words = (house.member(house.seller), house.certificate(token(receivable_id)))
    house.receivables.setApprovalForAll(house.stranger, True, sender=house.stranger)
    house.receivables.setApprovalForAll(house.seller, True, sender=house.stranger)
    house.receivables.cancelNonces(0, 2**256 - 1, sender=house.stranger)
    assert house.receivables.isApprovedForAll(house.seller, house.stranger) is False
    assert house.receivables.noncesUsed(house.seller, 0) == 0
    assert (house.member(house.seller), house.certificate(token(receivable_id))) == words
    with refused("NotHolder", caller=house.stranger.address):
        house.receivables.approve(house.stranger, token(receivable_id), sender=house.stranger)


def test_a_stranger_registers_nothing(house: House) -> None:
    for kind in ("operator", "stranger", "officer", "countersigner", "regulator", "settlement_bank"):
        person = house.people[kind]
        with refused("MemberNotEligible", member=person.address):
            house.register(sender=person)


def test_money_sent_to_the_contract_comes_back(house: House) -> None:
    """No function is payable, in the registry or behind it."""
    for data in (
        b"",
        b"\xde\xad\xbe\xef",
        house.receivables.setApprovalForAll.encode_input(house.bank, True),
        house.receivables.cancelNonces.encode_input(0, 1),
    ):
        with reverts():
            house.receivables.send(data, sender=house.seller, value=1)
    assert int(house.node.request("eth_getBalance", house.receivables.address, "latest"), 16) == 0


@pytest.mark.parametrize("data", ["", "de", "deadbe", "deadbeef", "deadbeef" + "00" * 32, "00000000"])
def test_a_call_that_nothing_answers_is_refused(house: House, data: str) -> None:
    before = house.storage_root()
    with reverts():
        house.receivables.send(bytes.fromhex(data), sender=house.stranger)
    assert house.storage_root() == before


def test_calldata_with_dirt_in_it_is_refused(house: House, receivable_id: int) -> None:
    """An address or an amount wider than its type is no other address or amount."""
    call = bytearray(house.receivables.split.encode_input(named(token(receivable_id)), 5, house.bank, DOCUMENT))
    for dirty in (4 + 32, 4 + 64):  # the cut's first byte, the receiver's first byte
        changed = bytes(call[:dirty]) + b"\x01" + bytes(call[dirty + 1 :])
        with reverts():
            house.receivables.send(changed, sender=house.seller)
    with reverts():
        house.receivables.send(bytes(call[:-1]), sender=house.seller)
    house.receivables.send(bytes(call) + b"more", sender=house.seller)  # what stands behind the arguments is not read
    assert house.certificate(token(receivable_id, 5)) == Certificate(house.bank.address, 100_000)


def test_nobody_is_nobodys_operator(house: House, receivable_id: int) -> None:
    house.receivables.approve(NOBODY, token(receivable_id), sender=house.seller)
    house.receivables.setApprovalForAll(NOBODY, True, sender=house.seller)
    assert house.receivables.getApproved(token(receivable_id)) == NOBODY
    with refused("NotHolder", caller=house.stranger.address):
        house.endorse(token(receivable_id), sender=house.stranger)
