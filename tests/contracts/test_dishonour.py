"""Dishonour: who does not pay in time registers and confirms nothing until it has."""

from __future__ import annotations

import pytest

from tests.contracts.door import refused
from tests.contracts.house import DAY, DEBTOR_ROLE, NOBODY, House, token
from tests.contracts.till import Till

GRACE_DAYS = 5


@pytest.fixture
def overdue(house: House, till: Till) -> int:
    """A receivable that is reported as dishonoured."""
    receivable_id = till.parts()
    till.reach(receivable_id, days=GRACE_DAYS)
    till.dishonour(receivable_id)
    return receivable_id


def test_anyone_reports_a_debt_once_the_grace_is_over(house: House, till: Till, receivable_id: int) -> None:
    instant = house.record(receivable_id).due + GRACE_DAYS * DAY
    house.at(instant - 1)
    with till.refused("NotOverdue", **{"from": instant}):
        till.dishonour(receivable_id)
    house.at(instant)
    receipt = till.dishonour(receivable_id)
    told = {"receivableId": receivable_id, "actor": house.stranger.address, "face": 100_000, "at": instant}
    assert receipt.events == [("Dishonoured", told)]
    assert (till.amounts(receivable_id), till.dishonoured(house.buyer)) == ({"dishonoured": 1}, 1)
    with till.refused("DishonourStands"):
        till.dishonour(receivable_id)


def test_the_grace_is_a_parameter_with_a_date(house: House, till: Till, receivable_id: int) -> None:
    effective = house.record(receivable_id).due + 2 * DAY
    receipt = house.receivables.setParameter(6, 2, effective, sender=house.operator)
    told = {"parameter": 6, "actor": house.operator.address, "value": 2, "effective": effective}
    assert receipt.events == [("ParameterSet", told | {"at": house.now})]
    house.at(effective - 1)
    with till.refused("NotOverdue", **{"from": effective + 3 * DAY}):
        till.dishonour(receivable_id)
    house.at(effective)
    till.dishonour(receivable_id)
    desk = house.receivables.policy().settlement >> 48
    assert desk == int(till.desk.address, 16)  # in the same word


def test_a_dishonoured_debtor_confirms_nothing_and_nothing_is_registered_on_it(
    house: House, till: Till, receivable_id: int
) -> None:
    opened, offered = house.register(house.claim(due=house.midnight(days=200))), house.register()
    house.counter_offer(offered, due=house.midnight(days=200))
    till.reach(receivable_id, days=GRACE_DAYS)
    till.dishonour(receivable_id)
    debtor = house.buyer.address
    with till.refused("DebtorOverdue", debtor=debtor):
        house.confirm(opened)
    with till.refused("DebtorOverdue", debtor=debtor):
        house.accept_offer(offered)
    with till.refused("DebtorOverdue", debtor=debtor):
        house.register()
    claim = house.claim(debtor=house.supplier.address)
    with till.refused("DebtorOverdue", debtor=debtor):
        house.register(claim, sender=house.buyer)
    house.refuse(opened)  # what binds it to nothing it may
    till.pay(receivable_id, 100_000)
    house.accept_offer(offered)
    house.register(claim, sender=house.buyer)


def test_others_are_not_hindered_and_certificates_neither(house: House, till: Till, overdue: int) -> None:
    """A creditor of a dishonoured debtor is none itself; what the debtor holds is its own."""
    house.admit(house.supplier, roles=DEBTOR_ROLE)
    receivable_id = house.register(house.claim(debtor=house.supplier.address))
    house.confirm(receivable_id, sender=house.supplier)
    house.endorse(token(receivable_id), to=house.buyer)
    house.endorse(token(receivable_id), to=house.bank, sender=house.buyer)


def test_payment_cures(house: House, till: Till, overdue: int) -> None:
    """All of it, not a part; whoever pays."""
    till.pay(overdue, 99_999)
    assert till.dishonoured(house.buyer) == 1
    with till.refused("DebtorOverdue", debtor=house.buyer.address):
        house.register()
    till.pay(overdue, 1, sender=house.seller)
    assert (till.dishonoured(house.buyer), till.amounts(overdue)) == (0, {"paid": 100_000})
    house.confirmed()


def test_so_does_a_credit_note_or_a_dispute_of_all_that_is_left(house: House, till: Till, overdue: int) -> None:
    """Both take the creditor's word. A dispute that ends leaves the debt to be reported anew."""
    till.dispute(token(overdue), 100_000)
    assert till.dishonoured(house.buyer) == 0
    till.resolve(overdue)
    till.dishonour(overdue)
    till.credit(token(overdue), 99_999)
    assert till.dishonoured(house.buyer) == 1
    till.credit(token(overdue, 99_999), 1)
    assert (till.dishonoured(house.buyer), till.status(overdue)) == (0, 6)


def test_what_is_paid_but_for_a_dispute_is_not_reported(till: Till, receivable_id: int) -> None:
    till.dispute(token(receivable_id), 1_000)
    till.pay(receivable_id, 99_000)
    till.reach(receivable_id, days=GRACE_DAYS)
    with till.refused("PaymentMade", paid=99_000):
        till.dishonour(receivable_id)
    till.resolve(receivable_id)
    till.dishonour(receivable_id)


def test_each_debt_counts_for_itself(house: House, till: Till) -> None:
    debts = [till.parts() for _ in range(3)]
    till.reach(debts[0], days=GRACE_DAYS)
    for number, debt in enumerate(debts, 1):
        till.dishonour(debt)
        assert till.dishonoured(house.buyer) == number
    for number, debt in enumerate(debts, 1):
        with till.refused("DebtorOverdue", debtor=house.buyer.address):
            house.register()
        till.pay(debt, 100_000)
        assert till.dishonoured(house.buyer) == 3 - number
    house.register()


def test_no_admission_suspension_or_order_touches_the_count(house: House, till: Till, overdue: int) -> None:
    buyer = house.buyer
    for change in (
        lambda: house.admit(buyer, roles=DEBTOR_ROLE),
        lambda: house.suspend(buyer),
        lambda: house.freeze_member(buyer),
        lambda: house.unfreeze_member(buyer),
        lambda: house.admit(buyer, roles=7),
    ):
        change()
        assert till.dishonoured(buyer) == 1
    with till.refused("DebtorOverdue", debtor=buyer.address):
        house.register()


def test_a_closed_book_keeps_the_mark_until_the_bank_absolves_the_debtor(
    house: House, till: Till, overdue: int
) -> None:
    with till.refused("StatusForbids", status=2):
        till.absolve(overdue)
    till.close(overdue)
    assert till.dishonoured(house.buyer) == 1
    for person in (house.operator, house.buyer, house.seller, house.officer, house.stranger):
        with till.refused("AccessManagedUnauthorized", caller=person.address):
            till.absolve(overdue, sender=person)
    receipt = till.absolve(overdue)
    told = {"receivableId": overdue, "actor": house.settlement_bank.address, "face": 100_000, "at": house.now}
    assert receipt.events == [("Absolved", told)]
    assert (till.dishonoured(house.buyer), till.amounts(overdue)) == (0, {})
    with till.refused("NotDishonoured"):
        till.absolve(overdue)
    house.register()


def test_only_an_unpaid_debt_is_reported(house: House, till: Till) -> None:
    paid, closed, opened = till.parts(), till.parts(), house.register()
    till.pay(paid, 100_000)
    till.reach(paid, days=GRACE_DAYS)
    till.close(closed)
    with till.refused("StatusForbids", status=6):
        till.dishonour(paid)
    with till.refused("StatusForbids", status=7):
        till.dishonour(closed)
    with till.refused("StatusForbids", status=1):
        till.dishonour(opened)
    with till.refused("UnknownReceivable", receivableId=9):
        till.dishonour(9)
    with till.refused("UnknownReceivable", receivableId=9):
        till.absolve(9)


def test_a_debt_that_is_written_off_is_marked_by_that(house: House, till: Till) -> None:
    """Nobody had reported it: closing its book sets no debtor free."""
    receivable_id = till.parts()
    till.reach(receivable_id)
    till.pay(receivable_id, 99_999)
    till.reach(receivable_id, days=GRACE_DAYS)
    receipt = till.close(receivable_id)
    assert next(name for name, _ in receipt.events) == "Closed"
    assert (till.dishonoured(house.buyer), till.amounts(receivable_id)) == (1, {"paid": 99_999, "dishonoured": 1})
    with till.refused("DebtorOverdue", debtor=house.buyer.address):
        house.register()
    till.absolve(receivable_id)
    house.register()


def test_who_owes_nothing_but_what_is_in_dispute_is_not_marked(house: House, till: Till, receivable_id: int) -> None:
    till.dispute(token(receivable_id), 1_000)
    till.pay(receivable_id, 99_000)
    till.reach(receivable_id, days=GRACE_DAYS)
    till.close(receivable_id)
    assert till.dishonoured(house.buyer) == 0
    with till.refused("NotDishonoured"):
        till.absolve(receivable_id)
    house.register()


def test_nobody_is_late_with_what_cannot_be_paid_here(house: House, till: Till) -> None:
    """A debt in a currency without a deposit token."""
    receivable_id = house.confirmed(currency=392)
    till.reach(receivable_id, days=GRACE_DAYS)
    with till.refused("NoDepositToken", currency=392):
        till.dishonour(receivable_id)
    with till.refused("NoDepositToken", currency=392):
        till.close(receivable_id)


def test_neither_a_pause_nor_an_order_keeps_a_debt_from_being_reported(house: House, till: Till) -> None:
    receivable_id = till.parts()
    house.freeze_receivable(receivable_id)
    house.freeze_member(house.buyer)
    house.suspend(house.buyer)
    house.receivables.pause(sender=house.operator)
    till.reach(receivable_id, days=GRACE_DAYS)
    till.dishonour(receivable_id)
    till.close(receivable_id)
    till.absolve(receivable_id)


def test_a_signed_answer_of_a_dishonoured_debtor_counts_no_more_than_its_own(
    house: House, till: Till, receivable_id: int
) -> None:
    opened = house.register(house.claim(due=house.midnight(days=200)))
    claim = house.terms(opened)["claim"]
    fields = {"originator": house.seller.address, "face": claim["face"], "due": claim["due"], "currency": 978}
    signed = house.authorise("Confirm", house.buyer, receivableId=opened, **fields)
    till.reach(receivable_id, days=GRACE_DAYS)
    till.dishonour(receivable_id)
    with till.refused("DebtorOverdue", debtor=house.buyer.address):
        house.receivables.confirmBySignature(opened, house.terms(opened), [], signed, sender=house.stranger)


def test_the_desk_is_named_by_the_governor_and_may_be_nobody(house: House, till: Till) -> None:
    receipt = house.receivables.setDesk(NOBODY, sender=house.operator)
    assert receipt.events == [("DeskSet", {"desk": NOBODY, "actor": house.operator.address, "at": house.now})]
    with till.refused("ParameterMalformed"):
        house.receivables.setDesk(house.stranger, sender=house.operator)
    for person in (house.settlement_bank, house.seller, house.officer):
        with refused("AccessManagedUnauthorized", caller=person.address):
            house.receivables.setDesk(till.desk, sender=person)
