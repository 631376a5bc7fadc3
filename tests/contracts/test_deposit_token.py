"""Deposits: the settlement bank books them, the registry says whose move and to whom."""

from __future__ import annotations

from typing import Any

import ape
import pytest

from tests.contracts.bank import Bank, made_token
from tests.contracts.door import Reverted
from tests.contracts.house import (
    DAY,
    EUR,
    NOBODY,
    ORDER,
    SUPPLIER_ROLE,
    House,
    token,
)

REFERENCE = b"\xbb" * 32
UNLIMITED = 2**256 - 1


@pytest.fixture(scope="module")
def opened_bank(opened_bank: Bank) -> Bank:
    """A bank; the seller has 1,000 cents there and allows the teller to take them."""
    opened_bank.mint(opened_bank.house.seller, 1_000)
    opened_bank.token.approve(opened_bank.teller, 1_000, sender=opened_bank.house.seller)
    return opened_bank


# ---- what it is


@pytest.mark.parametrize(
    ("currency", "code", "decimals"),
    [
        (978, "EUR", 2),
        (156, "CNY", 2),
        (392, "JPY", 0),
        (414, "KWD", 3),
        (990, "CLF", 4),
        (8, "ALL", 2),
        (999, "#999", 0),
    ],
)
def test_a_token_is_named_after_its_currency(
    house: House, project: Any, currency: int, code: str, decimals: int
) -> None:
    made, access = made_token(house, project, currency=currency)
    assert made.name() == f"Counterfoil {code} Deposit"
    assert made.symbol() == f"d{code}"
    assert made.decimals() == decimals
    assert made.currency() == currency
    assert made.registry() == house.receivables.address
    assert made.authority() == access.address
    _, name, version, chain_id, contract, _, _ = made.eip712Domain()
    assert (name, version, chain_id, contract) == (made.name(), "1", ape.chain.chain_id, made.address)


# ---- bookings


def test_a_deposit_is_booked_under_its_reference(bank: Bank) -> None:
    supplier = bank.house.supplier
    receipt = bank.mint(supplier, 500, reference=REFERENCE)
    assert receipt.events == [
        ("Transfer", {"from": NOBODY, "to": supplier.address, "value": 500}),
        ("Minted", {"to": supplier.address, "amount": 500, "bankReference": REFERENCE}),
    ]
    assert bank.balance(supplier) == 500
    assert bank.token.totalSupply() == 1_500
    assert bank.token.isBooked(REFERENCE)


def test_a_withdrawal_takes_what_its_owner_allowed(bank: Bank) -> None:
    seller = bank.house.seller
    receipt = bank.burn(seller, 400, reference=REFERENCE)
    assert receipt.events == [
        ("Transfer", {"from": seller.address, "to": NOBODY, "value": 400}),
        ("Burned", {"from": seller.address, "amount": 400, "bankReference": REFERENCE}),
    ]
    assert bank.balance(seller) == bank.token.totalSupply() == bank.token.allowance(seller, bank.teller) == 600
    assert bank.token.isBooked(REFERENCE)


@pytest.mark.parametrize("first", ["mint", "burn"])
@pytest.mark.parametrize("second", ["mint", "burn"])
def test_a_reference_counts_once_whatever_it_was_for(bank: Bank, first: str, second: str) -> None:
    getattr(bank, first)(bank.house.seller, 1, reference=REFERENCE)
    with bank.refused("ReferenceUsed", bankReference=REFERENCE):
        getattr(bank, second)(bank.house.seller, 1, reference=REFERENCE)


def test_a_refused_booking_leaves_its_reference_free(bank: Bank) -> None:
    with bank.refused("UnknownMember", member=bank.house.stranger.address):
        bank.mint(bank.house.stranger, 1, reference=REFERENCE)
    assert not bank.token.isBooked(REFERENCE)
    bank.mint(bank.house.supplier, 1, reference=REFERENCE)


@pytest.mark.parametrize("booking", ["mint", "burn"])
def test_a_booking_has_a_reference(bank: Bank, booking: str) -> None:
    with bank.refused("ReferenceMissing"):
        getattr(bank, booking)(bank.house.seller, 1, reference=bytes(32))


@pytest.mark.parametrize("booking", ["mint", "burn"])
@pytest.mark.parametrize("person", ["operator", "regulator", "officer", "seller", "stranger"])
def test_nobody_but_the_teller_books(bank: Bank, booking: str, person: str) -> None:
    caller = getattr(bank.house, person)
    with bank.refused("AccessManagedUnauthorized", caller=caller.address):
        getattr(bank, booking)(bank.house.seller, 1, sender=caller)


def test_the_registry_s_operator_cannot_take_the_token_over(bank: Bank) -> None:
    for person in (bank.house.operator, bank.teller):
        with bank.refused("AccessManagedUnauthorized", caller=person.address):
            bank.token.setAuthority(bank.house.access, sender=person)


def test_the_bank_can_hand_its_token_to_another_manager(bank: Bank) -> None:
    bank.access.updateAuthority(bank.token, bank.house.access, sender=bank.teller)
    with bank.refused("AccessManagedUnauthorized", caller=bank.teller.address):
        bank.mint(bank.house.seller)


@pytest.mark.parametrize("amount", [1_001, 2**64, UNLIMITED])
def test_a_withdrawal_beyond_the_allowance_is_refused(bank: Bank, amount: int) -> None:
    bank.mint(bank.house.seller, 10**6)
    inputs = {"spender": bank.teller.address, "allowance": 1_000, "needed": amount}
    with bank.refused("ERC20InsufficientAllowance", **inputs):
        bank.burn(bank.house.seller, amount)


def test_a_withdrawal_beyond_the_balance_is_refused(bank: Bank) -> None:
    seller = bank.house.seller
    bank.token.approve(bank.teller, UNLIMITED, sender=seller)
    with bank.refused("ERC20InsufficientBalance", sender=seller.address, balance=1_000, needed=1_001):
        bank.burn(seller, 1_001)


def test_nothing_is_taken_from_the_registry_or_the_desk(bank: Bank) -> None:
    """They allow nobody: what was paid in and not paid out is out of the bank's reach."""
    house = bank.house
    receivable_id = house.confirmed(due=house.midnight(days=2))
    bank.mint(house.buyer, 100_000)
    bank.token.approve(house.receivables, 100_000, sender=house.buyer)
    house.receivables.pay(receivable_id, 100_000, sender=house.buyer)
    assert bank.balance(house.receivables) == 100_000
    for contract in (house.receivables, bank.desk):
        inputs = {"spender": bank.teller.address, "allowance": 0, "needed": 1}
        with bank.refused("ERC20InsufficientAllowance", **inputs):
            bank.burn(contract, 1)


def test_deposits_do_not_overflow(bank: Bank) -> None:
    bank.mint(bank.house.supplier, 2**256 - 1_001)
    assert bank.token.totalSupply() == UNLIMITED
    with bank.nothing(), pytest.raises(Reverted, match="0x4e487b71"):
        bank.mint(bank.house.supplier, 1)


# ---- whose deposits move


def test_members_pay_each_other(bank: Bank) -> None:
    seller, supplier = bank.house.seller, bank.house.supplier
    receipt = bank.token.transfer(supplier, 300, sender=seller)
    assert receipt.events == [("Transfer", {"from": seller.address, "to": supplier.address, "value": 300})]
    bank.token.approve(supplier, 200, sender=seller)
    bank.token.transferFrom(seller, supplier, 200, sender=supplier)
    assert (bank.balance(seller), bank.balance(supplier)) == (500, 500)


def test_an_allowance_takes_the_place_of_the_earlier_one(bank: Bank) -> None:
    seller, supplier = bank.house.seller, bank.house.supplier
    bank.token.approve(supplier, 200, sender=seller)
    receipt = bank.token.approve(supplier, 50, sender=seller)
    assert receipt.events == [("Approval", {"owner": seller.address, "spender": supplier.address, "value": 50})]
    assert bank.token.allowance(seller, supplier) == 50


def test_nobody_gives_more_than_there_is_or_was_allowed(bank: Bank) -> None:
    seller, supplier = bank.house.seller, bank.house.supplier
    with bank.refused("ERC20InsufficientBalance", sender=seller.address, balance=1_000, needed=1_001):
        bank.token.transfer(supplier, 1_001, sender=seller)
    bank.token.approve(supplier, 50, sender=seller)
    with bank.refused("ERC20InsufficientAllowance", spender=supplier.address, allowance=50, needed=51):
        bank.token.transferFrom(seller, supplier, 51, sender=supplier)


def test_an_amount_is_more_than_nothing(bank: Bank) -> None:
    seller = bank.house.seller
    for act in (
        lambda: bank.mint(seller, 0),
        lambda: bank.burn(seller, 0),
        lambda: bank.token.transfer(bank.house.supplier, 0, sender=seller),
        lambda: bank.token.transferFrom(seller, bank.house.supplier, 0, sender=bank.house.stranger),
    ):
        with bank.refused("AmountMissing"):
            act()


@pytest.mark.parametrize("outsider", ["stranger", "operator", "registry", "desk", "token"])
def test_deposits_go_to_members_only(bank: Bank, outsider: str) -> None:
    """A payment goes through the registry, which then counts it: what is merely sent to it would be lost."""
    contracts = {"registry": bank.house.receivables, "desk": bank.desk, "token": bank.token}
    to = contracts.get(outsider) or getattr(bank.house, outsider)
    with bank.refused("UnknownMember", member=to.address):
        bank.mint(to)
    with bank.refused("UnknownMember", member=to.address):
        bank.token.transfer(to, 1, sender=bank.house.seller)


def test_nothing_goes_to_nobody(bank: Bank) -> None:
    with bank.refused("ERC20InvalidReceiver", receiver=NOBODY):
        bank.mint(NOBODY)
    with bank.refused("ERC20InvalidReceiver", receiver=NOBODY):
        bank.token.transfer(NOBODY, 1, sender=bank.house.seller)


def suspended(bank: Bank) -> dict[str, Any]:
    bank.house.suspend(bank.house.seller)
    return {"error": "MemberNotEligible", "member": bank.house.seller.address}


def lapsed(bank: Bank) -> dict[str, Any]:
    bank.house.admit(bank.house.seller, roles=SUPPLIER_ROLE, expiry=bank.house.now + DAY)
    bank.house.wait(DAY)
    return {"error": "MemberNotEligible", "member": bank.house.seller.address}


def frozen(bank: Bank) -> dict[str, Any]:
    bank.house.freeze_member(bank.house.seller)
    return {"error": "FrozenByOrder", "order": ORDER}


@pytest.mark.parametrize("stop", [suspended, lapsed, frozen])
def test_who_is_not_in_good_standing_spends_nothing_and_still_receives(bank: Bank, stop: Any) -> None:
    house = bank.house
    bank.mint(house.supplier, 1_000)
    refusal = stop(bank)
    for act in (
        lambda: bank.token.transfer(house.supplier, 1, sender=house.seller),
        lambda: bank.token.transferFrom(house.seller, house.supplier, 1, sender=bank.teller),
    ):
        with bank.refused(**refusal):
            act()
    bank.token.transfer(house.seller, 1, sender=house.supplier)
    bank.mint(house.seller, 1)
    assert bank.balance(house.seller) == 1_002


@pytest.mark.parametrize("stop", [suspended, lapsed])
def test_whoever_is_no_longer_a_member_has_its_money_back_from_the_bank(bank: Bank, stop: Any) -> None:
    stop(bank)
    bank.burn(bank.house.seller, 1)
    assert bank.balance(bank.house.seller) == 999


def test_what_an_order_freezes_does_not_leave_the_bank(bank: Bank) -> None:
    refusal = frozen(bank)
    with bank.refused(**refusal):
        bank.burn(bank.house.seller, 1)


def test_deposits_move_in_a_pause_of_the_registry(bank: Bank) -> None:
    bank.house.receivables.pause(sender=bank.house.operator)
    bank.token.transfer(bank.house.supplier, 1, sender=bank.house.seller)
    bank.burn(bank.house.seller, 1)


def test_the_registry_moves_payments_by_its_own_rules(bank: Bank) -> None:
    """A debtor under an order pays what is due, and a suspended holder has its money: neither may spend."""
    house = bank.house
    receivable_id = house.confirmed()
    bank.mint(house.buyer, 100_000)
    bank.token.approve(house.receivables, 100_000, sender=house.buyer)
    house.wait(house.record(receivable_id).due - house.now)
    house.freeze_member(house.buyer)
    house.suspend(house.seller)
    house.receivables.pay(receivable_id, 100_000, sender=house.buyer)
    house.receivables.redeem(token(receivable_id), sender=house.stranger)
    assert (bank.balance(house.buyer), bank.balance(house.seller)) == (0, 101_000)
    assert bank.balance(house.receivables) == 0


# ---- permits


def test_a_permit_allows_once_and_anyone_submits_it(bank: Bank) -> None:
    seller, supplier = bank.house.seller, bank.house.supplier
    permit = bank.permit(seller, supplier, 300)
    receipt = bank.token.permit(*permit, sender=bank.house.stranger)
    allowed = {"owner": seller.address, "spender": supplier.address, "value": 300}
    assert receipt.events == [("Approval", allowed)]
    assert bank.token.allowance(seller, supplier) == 300
    with bank.nothing(), pytest.raises(Reverted, match="ERC2612InvalidSigner"):
        bank.token.permit(*permit, sender=bank.house.stranger)


def test_a_permit_of_another_s_is_refused(bank: Bank) -> None:
    permit = bank.permit(bank.house.seller, bank.house.supplier, 300, key=bank.house.supplier)
    inputs = {"signer": bank.house.supplier.address, "owner": bank.house.seller.address}
    with bank.refused("ERC2612InvalidSigner", **inputs):
        bank.token.permit(*permit, sender=bank.house.supplier)


def test_a_permit_expires(bank: Bank) -> None:
    deadline = bank.house.now + DAY
    first, second = (bank.permit(bank.house.seller, bank.teller, 7, nonce=each, deadline=deadline) for each in (0, 1))
    bank.house.at(deadline)
    bank.token.permit(*first, sender=bank.teller)
    bank.house.at(deadline + 1)
    with bank.refused("ERC2612ExpiredSignature", deadline=deadline):
        bank.token.permit(*second, sender=bank.teller)


def test_a_permit_is_for_one_token(bank: Bank, project: Any) -> None:
    other, _ = made_token(bank.house, project, currency=EUR)
    with pytest.raises(Reverted, match="ERC2612InvalidSigner"):
        other.permit(*bank.permit(bank.house.seller, bank.teller, 7), sender=bank.teller)


def test_a_withdrawal_needs_nothing_of_its_owner_but_a_permit(bank: Bank) -> None:
    bank.mint(bank.house.supplier, 700)
    bank.token.permit(*bank.permit(bank.house.supplier, bank.teller, 700), sender=bank.teller)
    bank.burn(bank.house.supplier, 700)
    assert bank.balance(bank.house.supplier) == 0
