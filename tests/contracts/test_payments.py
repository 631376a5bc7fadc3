"""Payments: by the debtor at maturity, also in parts; before, and by others, the whole of what is payable."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.contracts.bank import made_token
from tests.contracts.door import refused
from tests.contracts.house import DAY, EUR, NOBODY, ORDER, House, token
from tests.contracts.till import DEPOSITS, MOVES, UNLIMITED, Till

SETTLED = 6
JPY = 392


def test_a_payment_is_told_and_taken_from_the_payers_deposits(house: House, till: Till, receivable_id: int) -> None:
    receipt = till.pay(receivable_id, 100_000)
    told = {"receivableId": receivable_id, "payer": house.buyer.address, "face": 100_000, "amount": 100_000}
    every = {"_fromTokenId": token(receivable_id), "_toTokenId": token(receivable_id, 2**64 - 1)}
    assert receipt.events == [("Paid", told | {"at": house.now}), ("BatchMetadataUpdate", every)]
    assert till.balances(house.buyer, house.receivables) == [-100_000, 100_000]
    assert till.amounts(receivable_id) == {"paid": 100_000}
    assert till.status(receivable_id) == SETTLED


# ------------------------------------------------------------------- how much


def test_before_the_due_date_only_the_whole_is_paid(house: House, till: Till, receivable_id: int) -> None:
    """One cent too early would stop every move of every holder."""
    due = house.record(receivable_id).due
    for amount in (1, 99_999):
        with till.refused("PaymentNotWhole", payable_=100_000):
            till.pay(receivable_id, amount)
    house.at(due - 1)
    with till.refused("PaymentNotWhole", payable_=100_000):
        till.pay(receivable_id, 99_999)
    house.at(due)
    till.pay(receivable_id, 99_999)


def test_another_than_the_debtor_pays_only_the_whole_remainder(house: House, till: Till, receivable_id: int) -> None:
    till.reach(receivable_id, days=100)
    for payer in (house.supplier, house.seller, house.bank):
        with till.refused("PaymentNotWhole", payable_=100_000):
            till.pay(receivable_id, 99_999, sender=payer)
    till.pay(receivable_id, 40_000)
    with till.refused("PaymentNotWhole", payable_=60_000):
        till.pay(receivable_id, 59_999, sender=house.supplier)
    till.pay(receivable_id, 60_000, sender=house.supplier)
    assert till.status(receivable_id) == SETTLED
    assert till.balances(house.buyer, house.supplier, house.receivables) == [-40_000, -60_000, 100_000]


def test_parts_add_up_to_the_whole(house: House, till: Till, receivable_id: int) -> None:
    till.reach(receivable_id)
    for paid, amount in ((1, 1), (49_999, 49_998), (99_999, 50_000)):
        till.pay(receivable_id, amount)
        assert till.amounts(receivable_id) == {"paid": paid}
        assert till.status(receivable_id) == 2
    with till.refused("Overpayment", payable_=1):
        till.pay(receivable_id, 2)
    till.pay(receivable_id, 1)
    assert till.status(receivable_id) == SETTLED


def test_neither_nothing_nor_more_than_is_owed_is_paid(till: Till, receivable_id: int) -> None:
    with till.refused("AmountMissing"):
        till.pay(receivable_id, 0)
    for amount in (100_001, 2**64 - 1):
        with till.refused("Overpayment", payable_=100_000):
            till.pay(receivable_id, amount)


def test_nothing_is_paid_twice_or_after_the_end(house: House, till: Till, receivable_id: int) -> None:
    written_off = house.confirmed()
    till.pay(receivable_id, 100_000)
    for amount in (0, 1, 100_000):
        with till.refused("StatusForbids", status=SETTLED):
            till.pay(receivable_id, amount)
    till.reach(written_off, days=5)
    till.close(written_off)
    with till.refused("StatusForbids", status=7):
        till.pay(written_off, 100_000)


def test_only_what_is_confirmed_is_paid(house: House, till: Till) -> None:
    with till.refused("UnknownReceivable", receivableId=1):
        till.pay(1, 100_000)
    opened = house.register()
    with till.refused("StatusForbids", status=1):
        till.pay(opened, 100_000)
    house.refuse(opened)
    with till.refused("StatusForbids", status=3):
        till.pay(opened, 100_000)


@pytest.mark.parametrize("face", [1, 2**63, 2**64 - 1])
def test_any_face_is_paid_and_paid_out_to_the_cent(house: House, till: Till, face: int) -> None:
    """Products of two numbers of 64 bits stay exact: parts, halves and the last cent."""
    receivable_id = till.parts(*({face // 3, face - 1} - {0}), face=face)
    certificates = [token(receivable_id, start) for start, _, _ in house.cover(receivable_id)]
    till.reach(receivable_id)
    if face > 1:
        till.pay(receivable_id, face // 2)
        till.redeem_many(certificates)
        assert face // 2 - 3 < till.balances(house.seller)[0] <= face // 2
        till.pay(receivable_id, face - face // 2 - 1)
        till.redeem_many(certificates)
    till.pay(receivable_id, 1)
    till.redeem_many(certificates)
    assert house.cover(receivable_id) == []
    assert till.balances(house.buyer, house.seller, house.receivables) == [-face, face, 0]


# ----------------------------------------------------------------- whose money


def test_without_money_or_leave_to_take_it_nothing_is_paid(house: House, till: Till, receivable_id: int) -> None:
    money = till.bank.token
    money.approve(house.receivables, 99_999, sender=house.buyer)
    with till.token_refuses("ERC20InsufficientAllowance"):
        till.pay(receivable_id, 100_000)
    house.admit(house.stranger)
    money.approve(house.receivables, UNLIMITED, sender=house.stranger)
    till.bank.mint(house.stranger, 99_999)
    with till.token_refuses("ERC20InsufficientBalance"):
        till.pay(receivable_id, 100_000, sender=house.stranger)
    till.bank.mint(house.stranger, 1)
    till.pay(receivable_id, 100_000, sender=house.stranger)


def test_nobody_pays_with_the_deposits_of_another(house: House, till: Till, receivable_id: int) -> None:
    """The buyer has let the registry take all that it has; that is its own word, and nobody else's."""
    for person in (house.operator, house.stranger, house.settlement_bank, house.officer):
        with till.refused("MemberNotEligible", member=person.address):
            till.pay(receivable_id, 100_000, sender=person)
    till.bank.token.approve(house.receivables, 0, sender=house.supplier)
    with till.token_refuses("ERC20InsufficientAllowance"):
        till.pay(receivable_id, 100_000, sender=house.supplier)
    assert till.balances(house.buyer) == [0]


def test_who_may_not_spend_pays_nobody_elses_debt(house: House, till: Till, receivable_id: int) -> None:
    """Deposits that an order freezes would otherwise go to whoever holds the certificates."""
    supplier = house.supplier
    house.freeze_member(supplier)
    with till.refused("FrozenByOrder", order=ORDER):
        till.pay(receivable_id, 100_000, sender=supplier)
    house.unfreeze_member(supplier)
    house.suspend(supplier)
    with till.refused("MemberNotEligible", member=supplier.address):
        till.pay(receivable_id, 100_000, sender=supplier)
    house.admit(supplier, expiry=house.now + DAY)
    house.wait(DAY)
    with till.refused("MemberNotEligible", member=supplier.address):
        till.pay(receivable_id, 100_000, sender=supplier)
    house.admit(supplier)
    till.pay(receivable_id, 100_000, sender=supplier)


def test_an_order_on_the_debtor_holds_its_deposits_until_a_debt_is_due(house: House, till: Till) -> None:
    """A claim of a friend's that it confirmed is no way out for them."""
    receivable_id = house.confirmed()
    house.freeze_member(house.buyer, expiry=house.record(receivable_id).due + DAY)
    with till.refused("FrozenByOrder", order=ORDER):
        till.pay(receivable_id, 100_000)
    with till.refused("FrozenByOrder", order=ORDER):
        house.receivables.payAndRedeem(receivable_id, 100_000, [token(receivable_id)], sender=house.buyer)
    till.reach(receivable_id)
    till.pay(receivable_id, 100_000)
    assert till.status(receivable_id) == SETTLED


@pytest.mark.parametrize("trouble", ["suspended", "expired", "frozen", "paused", "receivable frozen", "sunset"])
def test_nothing_keeps_a_debtor_from_paying(house: House, till: Till, trouble: str) -> None:
    house.admit(house.buyer, roles=2, expiry=house.now + DAY)
    receivable_id = house.confirmed()
    contract, operator = house.receivables, house.operator
    troubles: dict[str, Callable[[], Any]] = {
        "suspended": lambda: house.suspend(house.buyer),
        "expired": lambda: house.wait(DAY),
        "frozen": lambda: (till.reach(receivable_id), house.freeze_member(house.buyer)),
        "paused": lambda: contract.pause(sender=operator),
        "receivable frozen": lambda: house.freeze_receivable(receivable_id),
        "sunset": lambda: contract.sunset(sender=operator),
    }
    troubles[trouble]()
    till.pay(receivable_id, 100_000)
    assert till.status(receivable_id) == SETTLED


def test_a_currency_without_a_deposit_token_is_not_paid(house: House, till: Till) -> None:
    receivable_id = house.confirmed(currency=JPY)
    assert house.receivables.depositTokenOf(receivable_id) == NOBODY
    with till.refused("NoDepositToken", currency=JPY):
        till.pay(receivable_id, 100_000)
    with till.refused("NoDepositToken", currency=JPY):
        house.receivables.payWithPermit(receivable_id, 100_000, 2**40, 27, ORDER, ORDER, sender=house.buyer)


def test_each_currency_is_paid_in_its_own_token(house: House, till: Till, project: Any) -> None:
    yen, _ = made_token(house, project, currency=JPY)
    house.receivables.setDepositToken(JPY, yen, sender=house.operator)
    euros, yens = house.confirmed(), house.confirmed(currency=JPY)
    assert house.receivables.depositTokenOf(euros) == till.bank.token.address
    assert house.receivables.depositTokenOf(yens) == yen.address
    assert house.receivables.depositTokenOf(99) == NOBODY
    yen.mint(house.buyer, 100_000, ORDER, sender=house.settlement_bank)
    yen.approve(house.receivables, 100_000, sender=house.buyer)
    till.pay(yens, 100_000)
    assert (yen.balanceOf(house.receivables), till.balances(house.buyer)) == (100_000, [0])
    till.redeem(token(yens))
    assert (yen.balanceOf(house.seller), till.balances(house.seller)) == (100_000, [0])


# -------------------------------------------------------------- what follows


@pytest.mark.parametrize("move", MOVES)
def test_what_is_paid_does_not_move(house: House, till: Till, move: str) -> None:
    receivable_id = till.parts(50_000)
    whole = house.present(token(receivable_id))
    till.pay(receivable_id, 100_000)
    with till.refused("StatusForbids", status=SETTLED):
        till.moves(whole)[move]()


@pytest.mark.parametrize("move", MOVES)
def test_nor_does_what_is_paid_but_for_what_is_in_dispute(house: House, till: Till, move: str) -> None:
    """The one way in which something is paid before the due date, and something is not."""
    receivable_id = till.parts(50_000)
    till.dispute(token(receivable_id), 10_000)
    till.pay(receivable_id, 90_000)
    whole = house.present(token(receivable_id, 10_000))
    with till.refused("PaymentMade", paid=90_000):
        till.moves(whole)[move]()


def test_what_is_pledged_disputed_or_paid_cannot_be_transferred_and_the_views_say_so(house: House, till: Till) -> None:
    """requireTransfer with the refusal that the transfer itself meets."""
    contract, seller, bank = house.receivables, house.seller, house.bank
    pledged, disputed, partly, paid = (till.parts() for _ in range(4))
    till.pledge(token(pledged))
    till.dispute(token(disputed), 100_000)
    till.dispute(token(partly), 10_000)
    till.pay(partly, 90_000)
    till.pay(paid, 100_000)
    refusals: dict[int, dict[str, Any]] = {
        token(pledged): {"error": "PledgedTo", "financier": bank.address},
        token(disputed): {"error": "InDispute", "until": 100_000},
        token(partly, 10_000): {"error": "PaymentMade", "paid": 90_000},
        token(paid): {"error": "StatusForbids", "status": SETTLED},
    }
    for certificate, refusal in refusals.items():
        with refused(**refusal):
            contract.requireTransfer(seller, bank, certificate)
        with till.refused(**refusal):
            contract.transferFrom(seller, bank, certificate, sender=seller)
        assert contract.canTransfer(seller, bank, certificate) is False


def test_a_paid_receivable_keeps_its_fingerprint(house: House, till: Till) -> None:
    """What was paid once is not registered a second time."""
    claim = house.claim()
    receivable_id = house.register(claim)
    house.confirm(receivable_id)
    till.pay(receivable_id, 100_000)
    with till.refused("FingerprintTaken", receivableId=receivable_id):
        house.register(claim)


def test_a_confirmed_claim_is_paid_at_any_time_before_it_is_due(house: House, till: Till, receivable_id: int) -> None:
    house.split(token(receivable_id), 50_000)
    till.pay(receivable_id, 100_000, sender=house.seller)
    with till.refused("StatusForbids", status=SETTLED):
        house.endorse(token(receivable_id))


# --------------------------------------------------------- pay and redeem at once


def test_a_payment_is_cleared_in_the_same_transaction(house: House, till: Till, receivable_id: int) -> None:
    house.split(token(receivable_id), 30_000)
    both = [token(receivable_id), token(receivable_id, 30_000)]
    receipt = house.receivables.payAndRedeem(receivable_id, 100_000, both, sender=house.buyer)
    assert [name for name in receipt.names if name in ("Paid", "Redeemed")] == ["Paid", "Redeemed", "Redeemed"]
    assert {fields["actor"] for name, fields in receipt.events if name == "Redeemed"} == {house.buyer.address}
    assert till.balances(house.buyer, house.seller, house.supplier) == [-100_000, 30_000, 70_000]


def test_a_payment_that_is_refused_clears_nothing(house: House, till: Till, receivable_id: int) -> None:
    paid = house.confirmed()
    till.pay(paid, 100_000)
    with till.refused("Overpayment", payable_=100_000):
        house.receivables.payAndRedeem(receivable_id, 100_001, [token(paid)], sender=house.buyer)
    with till.refused("BatchEmpty"):
        house.receivables.payAndRedeem(receivable_id, 100_000, [], sender=house.buyer)


# ------------------------------------------------------------------ by permit


def permitted(house: House, till: Till, amount: int = 100_000, **changes: Any) -> tuple[Any, ...]:
    """Deadline and signature of the buyer's permit, for whom nothing is allowed otherwise."""
    till.bank.token.approve(house.receivables, 0, sender=house.buyer)
    return till.bank.permit(house.buyer, house.receivables, amount, **changes)[3:]


def test_a_permit_and_a_payment_are_one_transaction(house: House, till: Till, receivable_id: int) -> None:
    signed = permitted(house, till)
    house.receivables.payWithPermit(receivable_id, 100_000, *signed, sender=house.buyer)
    assert till.status(receivable_id) == SETTLED
    assert till.bank.token.allowance(house.buyer, house.receivables) == 0


def test_a_permit_that_somebody_used_first_is_no_hindrance(house: House, till: Till, receivable_id: int) -> None:
    """Whoever sees the transaction coming can submit its permit alone; the allowance then stands."""
    signed = permitted(house, till)
    till.bank.token.permit(house.buyer, house.receivables, 100_000, *signed, sender=house.stranger)
    house.receivables.payWithPermit(receivable_id, 100_000, *signed, sender=house.buyer)
    assert till.status(receivable_id) == SETTLED


def test_a_permit_of_another_amount_time_or_signer_pays_nothing(house: House, till: Till, receivable_id: int) -> None:
    for signed in (
        permitted(house, till, 99_999),
        permitted(house, till, deadline=house.now - 1),
        permitted(house, till, key=house.seller),
    ):
        with till.token_refuses("ERC20InsufficientAllowance"):
            house.receivables.payWithPermit(receivable_id, 100_000, *signed, sender=house.buyer)


def test_the_permit_of_one_pays_for_nobody_else(house: House, till: Till, receivable_id: int) -> None:
    signed = permitted(house, till)
    till.bank.token.approve(house.receivables, 0, sender=house.supplier)
    with till.token_refuses("ERC20InsufficientAllowance"):
        house.receivables.payWithPermit(receivable_id, 100_000, *signed, sender=house.supplier)
    assert till.bank.token.nonces(house.buyer) == 0


def test_a_permit_for_no_receivable_is_refused(house: House, till: Till) -> None:
    signed = permitted(house, till)
    with till.refused("UnknownReceivable", receivableId=1):
        house.receivables.payWithPermit(1, 100_000, *signed, sender=house.buyer)


# ------------------------------------------------------------------- the tokens


def test_a_deposit_token_is_named_once_for_good(house: House, till: Till, project: Any) -> None:
    other, _ = made_token(house, project)
    with till.refused("DepositTokenStands", currency=EUR):
        house.receivables.setDepositToken(EUR, other, sender=house.operator)
    with till.refused("DepositTokenStands", currency=EUR):
        house.receivables.setDepositToken(EUR, till.bank.token, sender=house.operator)
    yen, _ = made_token(house, project, currency=JPY)
    receipt = house.receivables.setDepositToken(JPY, yen, sender=house.operator)
    told = {"currency": JPY, "token": yen.address, "actor": house.operator.address, "at": house.now}
    assert receipt.events == [("DepositTokenSet", told)]
    assert house.receivables.depositTokens([EUR, JPY, 1]) == [till.bank.token.address, yen.address, NOBODY]


def test_a_deposit_token_is_one_of_this_registry_and_currency(house: House, till: Till, project: Any) -> None:
    yen, _ = made_token(house, project, currency=JPY)
    elsewhere = house.made(project.DepositToken, till.bank.access, house.oversight, JPY)
    for currency, made in ((156, yen), (JPY, elsewhere), (0, yen), (1_000, yen), (JPY, house.stranger), (JPY, NOBODY)):
        with till.refused("ParameterMalformed"):
            house.receivables.setDepositToken(currency, made, sender=house.operator)
    for person in (house.settlement_bank, house.officer, house.seller):
        with till.refused("AccessManagedUnauthorized", caller=person.address):
            house.receivables.setDepositToken(JPY, yen, sender=person)


def test_a_deposit_token_is_of_a_currency_with_a_number_of_three_digits(
    house: House, till: Till, helpers: dict[str, Any]
) -> None:
    def name(currency: int) -> str:
        made = house.made(helpers["NoToken"], house.receivables, currency)
        house.receivables.setDepositToken(currency, made, sender=house.operator)
        return str(made.address)

    for currency in (0, 1_000, 2**16 - 1):
        with till.refused("ParameterMalformed"):
            name(currency)
    for currency in (1, 999):
        assert house.receivables.depositTokens([currency]) == [NOBODY]
        assert name(currency) == house.receivables.depositTokens([currency])[0]


def test_who_has_nothing_registered_has_no_money_in_it(house: House, till: Till, receivable_id: int) -> None:
    """Nobody puts deposits into the registry but by paying, so what it has is what it owes."""
    money = till.bank.token
    with refused("UnknownMember", member=house.receivables.address):
        money.transfer(house.receivables, 1, sender=house.buyer)
    with refused("UnknownMember", member=house.receivables.address):
        till.bank.mint(house.receivables, 1)
    assert till.balances(house.receivables) == [0]


def test_who_may_spend_deposits_and_who_may_be_given_some(house: House, till: Till) -> None:
    """As the registry tells the token: spending takes good standing, receiving no more than an admission once, and what
    goes back to the bank no more than that no order freezes it."""
    ask, stranger = house.receivables.requireSpending, house.stranger.address
    ask(house.buyer, house.seller)
    ask(NOBODY, house.seller)
    ask(house.seller, NOBODY)
    ask(NOBODY, NOBODY)
    with refused("MemberNotEligible", member=stranger):
        ask(stranger, house.seller)
    with refused("UnknownMember", member=stranger):
        ask(house.seller, stranger)
    house.freeze_member(house.seller)
    house.suspend(house.buyer)
    with refused("FrozenByOrder", order=ORDER):
        ask(house.seller, house.bank)
    with refused("FrozenByOrder", order=ORDER):
        ask(house.seller, NOBODY)
    with refused("MemberNotEligible", member=house.buyer.address):
        ask(house.buyer, house.bank)
    ask(house.buyer, NOBODY)
    ask(house.bank, house.seller)
    ask(house.bank, house.buyer)
    assert till.bank.balance(house.buyer) == DEPOSITS


def test_a_payment_of_a_lower_face_is_whole_with_that(house: House, till: Till) -> None:
    receivable_id = house.register()
    house.counter_offer(receivable_id, face=80_000)
    house.accept_offer(receivable_id)
    with till.refused("Overpayment", payable_=80_000):
        till.pay(receivable_id, 100_000)
    till.pay(receivable_id, 80_000)
    till.redeem(token(receivable_id))
    assert till.balances(house.seller) == [80_000]
