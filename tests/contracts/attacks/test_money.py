"""Money: books closed by one cent, roundings, exits that an operator would lock, debtors who would rather not pay."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.contracts.door import Reverted
from tests.contracts.house import (
    DAY,
    DEBTOR_ROLE,
    FINANCIER_ROLE,
    NOBODY,
    ORDER,
    OVERDUE_GRACE_DAYS,
    House,
    token,
)
from tests.contracts.till import DEPOSITS, UNLIMITED, Till

CONFIRMED, SETTLED, CLOSED = 2, 6, 7
FACE = 100_000


# -------------------------------------------------------------- by one cent


@pytest.mark.parametrize("person", ["seller", "supplier", "bank", "buyer"])
@pytest.mark.parametrize("days", [-1, 0, 1 + OVERDUE_GRACE_DAYS])
def test_one_cent_closes_no_book(house: House, till: Till, person: str, days: int) -> None:
    """Early, on the day and late; by holder, neighbour, financier and debtor; sent, signed, permitted, with payout."""
    receivable_id = till.parts(50_000)
    front, who, contract = token(receivable_id), getattr(house, person), house.receivables
    house.endorse(front + 50_000)
    till.pledge(front)
    house.at(house.record(receivable_id).due + days * DAY)
    signed = house.authorise("Pay", who, receivableId=receivable_id, amount=1)
    permit = till.bank.permit(who, contract, 1)[3:]
    doors: dict[str, Callable[[], Any]] = {
        "pay": lambda: till.pay(receivable_id, 1, sender=who),
        "payAndRedeem": lambda: contract.payAndRedeem(receivable_id, 1, [front, front + 50_000], sender=who),
        "payBySignature": lambda: contract.payBySignature(receivable_id, 1, signed, sender=house.stranger),
        "payWithPermit": lambda: contract.payWithPermit(receivable_id, 1, *permit, sender=who),
    }
    late = days >= 0
    paid = 0
    for pay in doors.values():
        if person == "buyer" and late:
            pay()
            paid += 1
            continue
        with pytest.raises(Reverted, match="PaymentNotWhole"):
            pay()
    # The debtor's cents count as cents: the book is open, and all of the rest is owed and paid.
    assert till.status(receivable_id) == CONFIRMED
    assert till.amounts(receivable_id).get("paid", 0) == paid
    for outsider in ("seller", "supplier", "bank", "buyer", "stranger", "operator"):
        with pytest.raises(Reverted, match="AccessManagedUnauthorized"):
            till.close(receivable_id, sender=getattr(house, outsider))
    till.bank.token.approve(contract, UNLIMITED, sender=house.buyer)
    till.pay(receivable_id, FACE - paid)
    till.redeem_many([front, front + 50_000])
    assert (till.status(receivable_id), house.cover(receivable_id)) == (SETTLED, [])
    assert till.balances(house.receivables) == [0]


def test_single_cents_take_less_than_a_cent_each_from_the_others(house: House, till: Till) -> None:
    """Who cuts its part so that every rounding falls its way, at every payment and at the close, gains less than a cent
    with each certificate, and its neighbours lose less than one with each of theirs."""
    face = 1_000
    receivable_id = till.parts(*range(501, 541), face=face)
    odd = [token(receivable_id, start) for start in range(501, 540, 2)]
    for certificate in odd:
        house.endorse(certificate)
    everything = [token(receivable_id, start) for start, _, _ in house.cover(receivable_id)]
    till.reach(receivable_id)
    paid = 0
    for amount in (1, 2, 333, 164):
        till.pay(receivable_id, amount)
        paid += amount
        till.redeem_many(odd)
        till.redeem_many(odd)
        assert till.balances(house.supplier)[0] <= len(odd) * paid / face
    till.reach(receivable_id, days=OVERDUE_GRACE_DAYS)
    till.close(receivable_id)
    till.redeem_many(odd[::-1])
    gained = till.balances(house.supplier)[0]
    assert abs(gained - len(odd) * paid / face) < len(odd)
    till.redeem_many(everything)
    assert till.balances(house.receivables, house.buyer) == [0, -paid]
    assert sum(till.balances(house.seller, house.supplier)) == paid
    held = len(everything) - len(odd)
    assert abs(till.balances(house.seller)[0] - (face - len(odd)) * paid / face) < held


# ------------------------------------------------------------- paused exits


def lock(house: House, helpers: dict[str, Any]) -> None:
    """All that an operator has against money on its way out, at once."""
    contract, operator = house.receivables, house.operator
    for member in (house.seller, house.bank, house.buyer):
        house.suspend(member)
    contract.setRules(house.made(helpers["GasBurner"]), sender=operator)
    contract.setDescriptor(house.made(helpers["GasBurner"]), sender=operator)
    contract.setDesk(NOBODY, sender=operator)
    contract.setParameter(2, 2**32 - 1, house.midnight(days=1), sender=operator)
    contract.sunset(sender=operator)
    contract.pause(sender=operator)
    house.access.updateAuthority(contract, house.made(helpers["YesToAll"]), sender=operator)


def test_an_operator_locks_no_money_in(house: House, till: Till, helpers: dict[str, Any]) -> None:
    """Paused for good, sunset, all suspended, hostile rules: payments come in, and every cent goes out to whom it is
    due, up to its account at the bank."""
    contract, bank = house.receivables, till.bank
    receivable_id = till.parts(40_000, 70_000)
    certificates = [token(receivable_id, start) for start in (0, 40_000, 70_000)]
    till.pledge(certificates[0], 30_000)
    till.pledge(certificates[1], 30_000)
    lock(house, helpers)
    till.release(certificates[1])
    till.reach(receivable_id)
    till.pay(receivable_id, 50_000)
    till.redeem(certificates[2])
    signed = house.authorise("Pay", house.buyer, receivableId=receivable_id, amount=50_000)
    contract.payBySignature(receivable_id, 50_000, signed, sender=house.stranger)
    till.redeem(certificates[0])
    contract.redeemMany(certificates, sender=house.seller)  # a suspended holder asks itself
    assert house.cover(receivable_id) == []
    assert till.balances(house.seller, house.bank, house.receivables) == [70_000, 30_000, 0]
    for person, amount in ((house.seller, DEPOSITS + 70_000), (house.bank, DEPOSITS + 30_000)):
        bank.token.approve(bank.teller, UNLIMITED, sender=person)
        bank.burn(person, amount)
        assert bank.balance(person) == 0


def test_an_operator_puts_no_other_token_in_the_place_of_the_money(
    house: House, till: Till, helpers: dict[str, Any]
) -> None:
    """Not for the currency that there is, not as somebody whom its authority lets through, and not at the token."""
    contract, operator, deposit = house.receivables, house.operator, till.bank.token
    other = house.made(helpers["NoToken"], contract, 978)
    with till.refused("DepositTokenStands", currency=978):
        contract.setDepositToken(978, other, sender=operator)
    house.access.updateAuthority(contract, house.made(helpers["YesToAll"]), sender=operator)
    with till.refused("DepositTokenStands", currency=978):
        contract.setDepositToken(978, other, sender=house.stranger)
    for call in (
        lambda: deposit.mint(operator, 1, b"\x01" * 32, sender=operator),
        lambda: deposit.burn(house.seller, 1, b"\x01" * 32, sender=operator),
        lambda: deposit.setAuthority(house.access, sender=operator),
    ):
        with till.token_refuses("AccessManagedUnauthorized"):
            call()


# ------------------------------------------------------------ a lapsed debtor


DOORS = ("pay", "payAndRedeem", "payBySignature", "payWithPermit")


def lapsed(house: House, helpers: dict[str, Any]) -> None:
    """Its KYC has run out, it is suspended, frozen by order, and no longer a debtor by role; all under a pause."""
    house.admit(house.buyer, roles=FINANCIER_ROLE, expiry=house.now + DAY)
    house.freeze_member(house.buyer)
    house.suspend(house.buyer)
    house.wait(2 * DAY)
    lock_out = house.made(helpers["GasBurner"])
    house.receivables.setRules(lock_out, sender=house.operator)
    house.receivables.sunset(sender=house.operator)
    house.receivables.pause(sender=house.operator)


@pytest.mark.parametrize("door", DOORS)
def test_a_lapsed_debtor_can_pay_by_every_door_in_parts_and_in_full(
    house: House, till: Till, helpers: dict[str, Any], door: str
) -> None:
    receivable_id, contract, buyer = house.confirmed(), house.receivables, house.buyer
    front = token(receivable_id)
    lapsed(house, helpers)
    till.reach(receivable_id)
    till.bank.token.approve(contract, 0 if door == "payWithPermit" else UNLIMITED, sender=buyer)
    for amount in (30_000, 70_000):
        if door == "pay":
            till.pay(receivable_id, amount)
        elif door == "payAndRedeem":
            contract.payAndRedeem(receivable_id, amount, [front], sender=buyer)
        elif door == "payBySignature":
            by = house.authorise("Pay", buyer, receivableId=receivable_id, amount=amount)
            contract.payBySignature(receivable_id, amount, by, sender=house.stranger)
        else:
            permit = till.bank.permit(buyer, contract, amount)[3:]
            contract.payWithPermit(receivable_id, amount, *permit, sender=buyer)
    assert till.status(receivable_id) == SETTLED
    assert till.balances(buyer) == [-FACE]


def test_a_lapsed_debtor_still_owes(house: House, till: Till, helpers: dict[str, Any]) -> None:
    """What takes its standing takes none of its debts: it is reported, the book is closed, and no admission wipes the
    mark off; what it has is not spent on anything else."""
    unpaid, written_off, contract, buyer = house.confirmed(), house.confirmed(), house.receivables, house.buyer
    lapsed(house, helpers)
    till.reach(unpaid, days=OVERDUE_GRACE_DAYS)
    with till.token_refuses("MemberNotEligible"):
        till.bank.token.transfer(house.supplier, 1, sender=buyer)
    till.bank.token.approve(till.bank.teller, UNLIMITED, sender=buyer)
    with till.token_refuses("FrozenByOrder"):
        till.bank.burn(buyer, 1)
    till.dishonour(unpaid)
    with till.refused("DishonourStands"):
        till.dishonour(unpaid)
    till.close(written_off)
    assert till.dishonoured(buyer) == 2
    contract.unpause(sender=house.operator)
    contract.setRules(NOBODY, sender=house.operator)
    house.admit(buyer, roles=DEBTOR_ROLE)
    house.unfreeze_member(buyer, order=ORDER)
    assert till.dishonoured(buyer) == 2
    with till.refused("RegistryInSunset"):
        house.register()
    with till.refused("StatusForbids", status=CLOSED):
        till.pay(written_off, FACE)
    till.pay(unpaid, FACE)
    assert till.dishonoured(buyer) == 1


def test_no_third_keeps_a_debtor_from_paying(house: House, till: Till) -> None:
    """Whoever is faster pays the debt for it: then nothing is owed. A permit that was used first is no hindrance."""
    receivable_id, contract, buyer = house.confirmed(), house.receivables, house.buyer
    till.bank.token.approve(contract, 0, sender=buyer)
    permit = till.bank.permit(buyer, contract, FACE)
    till.bank.token.permit(*permit, sender=house.stranger)
    contract.payWithPermit(receivable_id, FACE, *permit[3:], sender=buyer)
    other = house.confirmed()
    till.pay(other, FACE, sender=house.supplier)
    with till.refused("StatusForbids", status=SETTLED):
        till.pay(other, FACE)
    assert till.balances(buyer, house.supplier) == [-FACE, -FACE]


def test_a_debtor_escapes_by_no_dispute_of_its_own(house: House, till: Till) -> None:
    receivable_id = house.confirmed()
    for second in (house.buyer, house.supplier, house.stranger):
        with pytest.raises(Reverted, match="NotParty"):
            till.dispute(token(receivable_id), 50_000, second=second)
    assert till.amounts(receivable_id) == {}
