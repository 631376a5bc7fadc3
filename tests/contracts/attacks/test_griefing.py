"""Griefing: a stranger raises nobody's gas, and what parties to a claim can add to each other's has a bound.

The gas of everything that members do is measured before and after an outsider did what it could.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tests.contracts.door import Door, Reverted, taken_back
from tests.contracts.house import (
    DAY,
    DOCUMENT,
    NO_DOCUMENT,
    NOBODY,
    UNANSWERED_MAX,
    House,
    named,
    parts_of,
    token,
)
from tests.contracts.till import UNLIMITED, Till

ORDERS_MAX = 16
OFFERS_MAX = 8
OFFER_GAS_MAX = 1_000
"""What one more counter-offer costs whoever answers the claim afterwards."""
ORDER_GAS_MAX = 3_000
"""What an order that has expired costs a move while it is listed."""
PAID_OUT_GAS_MAX = 2_500
"""What a redemption costs more where a part was paid out before: one cold word."""

Call = Callable[[], Any]


class Victims:
    """What honest people are about to do, with the same arguments every time."""

    def __init__(self, till: Till) -> None:
        self.till, self.house = till, till.house
        house = self.house
        self.shared, self.halves, self.opened = house.confirmed(), till.parts(50_000), house.register()
        house.split(token(self.shared), 50_000)
        self.pledged, self.unpaid, self.paid = (house.confirmed() for _ in range(3))
        till.pledge(token(self.pledged))
        till.pay(self.paid, 100_000)
        self.dust = house.register(house.claim(face=1), sender=house.supplier)
        house.confirm(self.dust)
        fields = parts_of(self.left) | {"receiver": house.bank.address, "document": NO_DOCUMENT}
        self.signed = house.authorise("Endorse", house.seller, nonce=7, **fields)
        self.quote = till.bank.quote(self.shared, end=50_000)
        self.acts = self._prepared()

    @property
    def left(self) -> int:
        """The seller's half of the receivable that it shares with the supplier."""
        return named(token(self.shared), 50_000)

    def _prepared(self) -> dict[str, tuple[Door, Any, bytes]]:
        """Contract, sender and calldata of every act."""
        house, contract, deposit = self.house, self.house.receivables, self.till.bank.token
        seller, buyer, bank, front = house.seller, house.buyer, house.bank, token(self.shared)
        part = {"cut": 30_000, "receiver": bank.address, "document": NO_DOCUMENT}
        claim = (self.opened, house.terms(self.opened), [])
        face, due = 90_000, claim[1]["claim"]["due"]
        deal = self.till.deal(front)
        found = {
            "register": (seller, contract.register, (house.claim(),)),
            "confirm": (buyer, contract.confirm, claim),
            "refuse": (buyer, contract.refuse, (*claim, 1)),
            "counter-offer": (buyer, contract.counterOffer, (*claim, face, due)),
            "withdraw": (seller, contract.withdraw, claim),
            "split": (seller, contract.split, (self.left, 30_000, house.supplier, DOCUMENT)),
            "split many": (seller, contract.splitMany, (self.left, [part])),
            "endorse": (seller, contract.endorse, (self.left, house.supplier, DOCUMENT)),
            "endorse by signature": (bank, contract.endorseBySignature, (self.left, bank, NO_DOCUMENT, self.signed)),
            "transfer": (seller, contract.transferFrom, (seller, bank, front)),
            "approve": (seller, contract.approve, (bank, front)),
            "merge": (seller, contract.merge, (named(token(self.halves), 50_000), 100_000)),
            "pledge": (seller, contract.pledge, (self.left, bank, 1_000)),
            "release": (bank, contract.release, (named(token(self.pledged)),)),
            "pay": (buyer, contract.pay, (self.unpaid, 100_000)),
            "redeem": (seller, contract.redeem, (token(self.paid),)),
        }
        acts = {name: (contract, who, call.encode_input(*arguments)) for name, (who, call, arguments) in found.items()}
        sold = self.till.desk.execute.encode_input(contract, contract.sell.encode_input(deal))
        spent = deposit.transfer.encode_input(bank, 5)
        return acts | {"sell": (self.till.desk, seller, sold), "spend": (deposit, seller, spent)}

    def gas(self) -> dict[str, int]:
        """What each act uses, each by itself."""
        found = {}
        for name, (door, who, data) in self.acts.items():
            with taken_back():
                found[name] = door.send(data, sender=who).gas_used
        return found

    def raised(self, before: dict[str, int]) -> dict[str, tuple[int, int]]:
        """The acts that use more gas now than before."""
        return {name: (before[name], gas) for name, gas in self.gas().items() if gas > before[name]}


@pytest.fixture(scope="module")
def opened_victims(opened_till: Till) -> Victims:
    return Victims(opened_till)


@pytest.fixture(scope="module")
def before(opened_victims: Victims) -> dict[str, int]:
    """The gas of every act while nobody means harm."""
    return opened_victims.gas()


@pytest.fixture
def victims(till: Till, opened_victims: Victims) -> Victims:
    return opened_victims


def refused_attempts(victims: Victims) -> dict[str, tuple[Call, str]]:
    """What the stranger, and an intruder who is a member in good standing, try in vain; and the name of the refusal."""
    house, till, contract = victims.house, victims.till, victims.house.receivables
    deposit, stranger, intruder = till.bank.token, house.stranger, house.supplier
    seller, front = house.seller, token(victims.shared)
    claim = (victims.opened, house.terms(victims.opened), [])
    forged = victims.signed | {"signature": bytes(65)}
    by_forgery = (victims.left, house.bank, NO_DOCUMENT, forged)
    return {
        "approve itself": (partial(contract.approve, stranger, front, sender=stranger), "NotHolder"),
        "approve nobody": (partial(contract.approve, NOBODY, front, sender=stranger), "NotHolder"),
        "forge": (partial(contract.endorseBySignature, *by_forgery, sender=stranger), "SignatureInvalid"),
        "redeem early": (partial(till.redeem, front), "NothingDue"),
        "lapse early": (partial(contract.lapse, *claim, sender=stranger), "AnswerWindowOpen"),
        "report early": (partial(till.dishonour, victims.unpaid), "NotOverdue"),
        "offer for the debtor": (partial(house.counter_offer, victims.opened, sender=intruder), "NotDebtor"),
        "take nothing": (partial(deposit.transferFrom, seller, stranger, 0, sender=stranger), "AmountMissing"),
        "give nothing": (partial(deposit.transfer, seller, 0, sender=intruder), "AmountMissing"),
        "pay nothing": (partial(till.pay, victims.unpaid, 0, sender=intruder), "AmountMissing"),
        "pay one minor unit": (partial(till.pay, victims.unpaid, 1, sender=intruder), "PaymentNotWhole"),
        "dust to the registry": (partial(deposit.transfer, contract, 1, sender=intruder), "UnknownMember"),
        "dust to the token": (partial(deposit.transfer, deposit, 1, sender=intruder), "UnknownMember"),
        "dust to the desk": (partial(deposit.transfer, till.bank.desk, 1, sender=intruder), "UnknownMember"),
        "accept another's quote": (partial(till.bank.accept, victims.quote, sender=stranger), "NotQuoteHolder"),
        "ether": (partial(contract.send, b"", sender=stranger, value=1), ""),
    }


def test_most_of_what_an_outsider_tries_leaves_no_trace(victims: Victims) -> None:
    doors = (victims.till.bank.token, victims.till.bank.desk, victims.house.receivables)
    before = victims.till.roots()
    for name, (attempt, refusal) in refused_attempts(victims).items():
        with pytest.raises(Reverted) as caught:
            attempt()
        told = {door.reverted(caught.value.data).name for door in doors}
        assert refusal in told, (name, caught.value)
        assert victims.till.roots() == before, name


def possible_attempts(victims: Victims) -> dict[str, Call]:
    """What they may do, but should cost nobody else."""
    house, till, contract = victims.house, victims.till, victims.house.receivables
    deposit, desk, stranger, intruder = till.bank.token, till.bank.desk, house.stranger, house.supplier
    seller, front, tail = house.seller, token(victims.shared), named(token(victims.shared, 50_000))
    cuts = range(99_000, 79_000, -1_000)
    parts = [{"cut": cut, "receiver": intruder.address, "document": NO_DOCUMENT} for cut in cuts]

    def approve_unasked() -> None:
        contract.setApprovalForAll(seller, True, sender=stranger)
        deposit.approve(seller, UNLIMITED, sender=stranger)
        deposit.approve(contract, UNLIMITED, sender=stranger)

    def give_up_nonces() -> None:
        for each in (contract, desk):
            each.cancelNonces(0, UNLIMITED, sender=stranger)

    def claim_on(debtor: Any) -> None:
        for _ in range(UNANSWERED_MAX):
            house.register(house.claim(debtor=debtor.address), sender=intruder)
        with pytest.raises(Reverted, match="TooManyUnanswered"):
            house.register(house.claim(debtor=debtor.address), sender=intruder)

    def come_and_go() -> None:
        for _ in range(5):
            house.withdraw(house.register(sender=intruder), sender=intruder)

    return {
        "approvals that nobody asked for": approve_unasked,
        "nonces given up": give_up_nonces,
        "ten redemptions of what is not due": lambda: till.redeem_many([front] * 10),
        "dust to the holder": lambda: deposit.transfer(seller, 1, sender=intruder),
        "a certificate over one minor unit": lambda: house.endorse(token(victims.dust), to=seller, sender=intruder),
        "claims that come and go": come_and_go,
        "claims on the debtor": lambda: claim_on(house.buyer),
        "claims on the holder": lambda: claim_on(seller),
        "a neighbour in twenty parts": lambda: contract.splitMany(tail, parts, sender=intruder),
        "a neighbour pledged": lambda: till.pledge(tail >> 64, sender=intruder),
    }


def test_nothing_that_an_outsider_does_costs_a_member_gas(victims: Victims, before: dict[str, int]) -> None:
    for name, attempt in possible_attempts(victims).items():
        with taken_back():
            attempt()
            assert victims.raised(before) == {}, name


def test_nor_does_all_of_it_together(victims: Victims, before: dict[str, int]) -> None:
    for attempt in possible_attempts(victims).values():
        attempt()
    assert victims.raised(before) == {}


# ----------------------------------------------------- what a party can add


def test_an_offer_costs_who_answers_after_it_one_hash(house: House) -> None:
    """A hostile debtor makes as many counter-offers as there may be: the claim is answered all the same."""
    plain, full = house.register(), house.register()
    for number in range(OFFERS_MAX):
        house.counter_offer(full, face=1 + number)
    for answer in (house.withdraw, house.confirm, house.refuse):
        with taken_back():
            one = answer(plain).gas_used
        with taken_back():
            more = answer(full).gas_used
        assert one < more <= one + OFFERS_MAX * OFFER_GAS_MAX


@pytest.mark.parametrize("scope", ["certificate", "receivable", "member"])
def test_expired_orders_cost_a_move_a_bounded_amount(house: House, receivable_id: int, scope: str) -> None:
    """As many as there may be, all expired and never lifted: the certificate moves, and leaves its own behind."""
    certificate = token(receivable_id)
    with taken_back():
        plain = house.endorse(certificate).gas_used
    for number in range(ORDERS_MAX):
        order, expiry = bytes([number + 1]) * 32, house.now + DAY
        if scope == "certificate":
            house.freeze_certificate(named(certificate), order=order, expiry=expiry)
        elif scope == "receivable":
            house.freeze_receivable(receivable_id, order=order, expiry=expiry)
        else:
            house.freeze_member(house.seller, order=order, expiry=expiry)
    house.wait(2 * DAY)
    used = house.endorse(certificate).gas_used
    assert plain < used <= plain + ORDERS_MAX * ORDER_GAS_MAX
    if scope == "certificate":
        assert house.endorse(certificate, to=house.bank, sender=house.supplier).gas_used <= plain


def test_what_a_stranger_pays_out_for_a_holder_spares_it_more_than_it_costs(house: House, till: Till) -> None:
    """A stranger may redeem each time that something came in: the holder's last redemption then reads what was paid
    out before, and the holder has not paid for those in between."""
    receivable_id = till.parts(50_000)
    certificate = token(receivable_id)
    till.reach(receivable_id)
    till.pay(receivable_id, 10_000)

    def rest() -> int:
        till.pay(receivable_id, 90_000)
        return till.redeem(certificate, sender=house.seller).gas_used

    with taken_back():
        alone = rest()
    first = till.redeem(certificate).gas_used
    after = rest()
    assert alone < after <= alone + PAID_OUT_GAS_MAX
    assert first > after - alone
