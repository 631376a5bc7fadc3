"""Money in and out: deposits, payments and what they pay out, pledges, overdue debts."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from registry.chain.devchain import dev_account
from registry.chain.rpc import NodeUnreachable
from registry.commands import deposits, overdue, payments, pledges, signing
from registry.commands.accounts import Rehearsed, signer_of
from registry.commands.oversight import Waits
from registry.commands.payments import Clearing, Payment, PaymentInterrupted, PayoutInterrupted
from registry.commands.sending import Done, Signed
from registry.domain.identifiers import CertificateId
from registry.domain.journal import Closed, Paid, Redeemed
from registry.domain.money import currency
from registry.domain.receivable import Status
from registry.store.queries import banks
from tests.commands.desk import Desk, refused
from tests.commands.test_orders import freeze
from tests.scene import BANK, BUYER, SELLER, SETTLEMENT_BANK, STRANGER, SUPPLIER

EUR = currency("EUR")
TRANSACTION_GAS = 21_000


def pay(desk: Desk, amount: str | None = None, *, person: int = BUYER, redeem: bool = True) -> Payment:
    return payments.pay(desk.services, signer=dev_account(person), receivable_id=1, amount=amount, redeem=redeem)


def redeem_all(desk: Desk, **options: Any) -> Clearing:
    return payments.redeem_all(desk.services, signer=dev_account(STRANGER), receivable_id=1, **options)


def pledge(desk: Desk, certificate: CertificateId, secured: str, *, person: int = SELLER, to: int = BANK) -> Done:
    financier = desk.scene.address(to)
    done, _ = pledges.pledge(
        desk.services, signer=dev_account(person), certificate=certificate, financier=financier, secured=secured
    )
    return done


def balances(desk: Desk, *people: int) -> list[int]:
    return [desk.scene.deposits.balance(desk.scene.address(person)) for person in people]


def leave(desk: Desk) -> int:
    """What the registry may take of the buyer's deposit."""
    registry = desk.services.deployment.receivables
    return desk.scene.deposits.allowance(owner=desk.scene.address(BUYER), spender=registry)


def got(clearing: Clearing) -> list[tuple[str, int, int]]:
    return [(str(one.certificate), one.amount_minor, one.to_financier_minor) for one in clearing.paid_out]


def mint(
    desk: Desk, amount: str, *, reference: str = "ZE 4711", person: int = SETTLEMENT_BANK, to: int = BUYER
) -> Done:
    done, _ = deposits.mint(
        desk.services,
        signer=dev_account(person),
        to=desk.scene.address(to),
        amount=amount,
        currency=EUR,
        reference=reference,
    )
    return done


# -------------------------------------------------------------------- deposits


def test_a_booking_counts_once_and_its_text_is_kept(desk: Desk) -> None:
    mint(desk, "1,250.00", reference=" ZE 4711 ")
    assert balances(desk, BUYER) == [125_000]
    with refused(desk, "reference_used"):
        mint(desk, "1.00", reference="ZE 4711")
    with desk.services.database.snapshot() as connection, desk.services.database.bulk() as bulk:
        (hash_,) = bulk.execute("SELECT reference_hash FROM bank_reference").fetchone() or (b"",)
        assert banks.bank_references(connection, [bytes(hash_)])[bytes(hash_)].text == "ZE 4711"


@pytest.mark.parametrize(
    ("code", "options"),
    [
        ("not_authorised", {"person": SELLER}),
        ("unknown_member", {"to": STRANGER}),
        ("reference_missing", {"reference": " "}),
        ("amount_missing", {"amount": "-5.00"}),
        ("amount_too_precise", {"amount": "0.001"}),
    ],
)
def test_a_booking_that_is_refused_leaves_no_trace(desk: Desk, code: str, options: dict[str, Any]) -> None:
    with refused(desk, code):
        mint(desk, **{"amount": "1.00", **options})


def test_deposits_move_and_are_paid_out_as_far_as_their_owner_allows(desk: Desk) -> None:
    mint(desk, "100.00")
    buyer, bank = dev_account(BUYER), desk.scene.address(SETTLEMENT_BANK)
    deposits.transfer(desk.services, signer=buyer, to=desk.scene.address(SUPPLIER), amount="40.00", currency=EUR)

    def burn() -> None:
        giver, signer = desk.scene.address(BUYER), dev_account(SETTLEMENT_BANK)
        deposits.burn(desk.services, signer=signer, giver=giver, amount="50.00", currency=EUR, reference="AU 1")

    with refused(desk, "insufficient_allowance"):
        burn()
    deposits.allow(desk.services, signer=buyer, spender=bank, amount="50.00", currency=EUR)
    burn()
    assert balances(desk, BUYER, SUPPLIER) == [1_000, 4_000]
    (euros,) = deposits.totals(desk.services)
    assert (euros.deposits.minor, euros.in_registry.minor) == (5_000, 0)


def test_a_balance_says_what_registry_and_desk_may_take(desk: Desk) -> None:
    mint(desk, "100.00")
    for spender, amount in ((desk.services.deployment.desk, "70.00"), (desk.services.deployment.receivables, "150.00")):
        deposits.allow(desk.services, signer=dev_account(BUYER), spender=spender, amount=amount, currency=EUR)
    (euros,) = deposits.balances(desk.services, desk.scene.address(BUYER))
    assert (euros.deposit.minor, euros.registry.minor, euros.desk.minor) == (10_000, 15_000, 7_000)


# -------------------------------------------------------------------- payments


def test_a_payment_pays_every_certificate_out_in_its_own_transaction(desk: Desk) -> None:
    tail = desk.split(desk.confirmed(), "250.00")
    desk.scene.fund(BUYER, 100_000)
    paid = pay(desk)
    (done,) = paid.clearing.done
    assert [type(entry) for entry in done.entries] == [Paid, Redeemed, Redeemed]
    assert (str(paid.amount), got(paid.clearing)) == (
        "1,000.00 EUR",
        [("R-1/0-75000", 75_000, 0), (str(tail), 25_000, 0)],
    )
    assert balances(desk, BUYER, SELLER, BANK) == [0, 75_000, 25_000]
    assert desk.read(1).status is Status.SETTLED
    assert desk.agrees()


def test_without_leave_it_is_given_first_and_the_payment_pays_out_itself(desk: Desk) -> None:
    desk.confirmed()
    desk.scene.deposit(BUYER, 100_000)
    before = desk.services.node.head()
    paid = pay(desk)
    (done,) = paid.clearing.done
    assert [type(entry) for entry in done.entries] == [Paid, Redeemed]
    assert paid.allowed is not None
    assert (paid.allowed.block_number, done.block_number) == (before + 1, before + 2)
    assert (balances(desk, BUYER, SELLER), leave(desk)) == ([0, 100_000], 0)


def test_without_leave_a_permit_goes_with_a_payment_alone(desk: Desk) -> None:
    desk.confirmed()
    desk.scene.deposit(BUYER, 100_000)
    before = desk.services.node.head()
    paid = pay(desk, redeem=False)
    assert (paid.allowed, desk.services.node.head()) == (None, before + 1)
    assert (balances(desk, BUYER, SELLER), leave(desk)) == ([0, 0], 0)


def test_whoever_may_not_pay_gives_no_leave(desk: Desk) -> None:
    desk.confirmed()
    desk.scene.deposit(BANK, 100_000)
    desk.scene.suspend(BANK)
    desk.services.mirrored(desk.services.node.head())
    with refused(desk, "member_not_eligible"):
        pay(desk, person=BANK)


def test_leave_that_was_given_is_told_where_the_payment_breaks_off(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.confirmed()
    desk.scene.deposit(BUYER, 100_000)
    # No function of the registry: the node refuses it.
    monkeypatch.setattr(payments, "_payment_call", lambda *_: b"none")
    with pytest.raises(PaymentInterrupted) as interrupted:
        pay(desk)
    assert "the registry may take 1,000.00 EUR" in interrupted.value.detail
    assert (balances(desk, BUYER, SELLER), leave(desk)) == ([100_000, 0], 100_000)
    monkeypatch.undo()
    # What stands is taken up.
    assert pay(desk).allowed is None
    assert (balances(desk, BUYER, SELLER), leave(desk)) == ([0, 100_000], 0)


def test_a_lien_is_paid_first_and_a_part_leaves_the_certificate(desk: Desk) -> None:
    whole = desk.confirmed()
    pledge(desk, whole, "600.00")
    desk.scene.pass_due(1)
    desk.scene.fund(BUYER, 100_000)
    first = pay(desk, "700.00")
    assert got(first.clearing) == [(str(whole), 70_000, 60_000)]
    assert first.clearing.paid_out[0].financier == desk.scene.address(BANK)
    assert got(pay(desk).clearing) == [(str(whole), 30_000, 0)]
    assert balances(desk, BANK, SELLER) == [60_000, 40_000]


def test_a_financier_gives_its_lien_up_and_nobody_else(desk: Desk) -> None:
    whole = desk.confirmed()
    pledge(desk, whole, "600.00")
    with refused(desk, "pledged_to"):
        desk.endorse(whole)
    with refused(desk, "not_financier"):
        pledges.release(desk.services, signer=dev_account(SELLER), certificate=whole)
    pledges.release(desk.services, signer=dev_account(BANK), certificate=whole)
    desk.endorse(whole)


def test_what_a_batch_passes_over_is_named_and_paid_out_later(desk: Desk) -> None:
    whole = desk.confirmed()
    tail = desk.split(whole, "250.00")
    front = CertificateId(1, 0, 75_000)
    freeze(desk, front)
    desk.scene.fund(BUYER, 100_000)
    clearing = pay(desk).clearing
    assert got(clearing) == [(str(tail), 25_000, 0)]
    assert {key: refusal.code for key, refusal in clearing.skipped.items()} == {(1, 0): "frozen_by_order"}
    with refused(desk, "frozen_by_order"):
        payments.redeem(desk.services, signer=dev_account(STRANGER), certificates=[front])
    with refused(desk, "unknown_certificate"):
        payments.redeem(desk.services, signer=dev_account(STRANGER), certificates=[tail])


def test_paying_out_can_be_left_to_others_and_goes_in_batches(desk: Desk) -> None:
    whole = desk.confirmed()
    desk.split(whole, "250.00")
    desk.split(CertificateId(1, 0, 75_000), "250.00")
    with refused(desk, "nothing_due"):
        redeem_all(desk)
    desk.scene.fund(BUYER, 100_000)
    assert pay(desk, redeem=False).clearing.paid_out == ()
    rehearsal = replace(desk.services, rehearsal=True)
    with pytest.raises(Rehearsed) as rehearsed:
        payments.redeem_all(rehearsal, signer=signer_of(rehearsal, "dev5"), receivable_id=1, batch=2)
    assert rehearsed.value.transactions == 2
    clearing = redeem_all(desk, batch=2)
    assert [len(one.entries) for one in clearing.done] == [2, 1]
    assert sum(amount for _, amount, _ in got(clearing)) == 100_000


@pytest.mark.parametrize(
    ("code", "funded", "amount", "person"),
    [
        ("insufficient_deposit", 99_999, None, BUYER),
        ("overpayment", 200_000, "1000.01", BUYER),
        ("payment_not_whole", 100_000, "500.00", BUYER),
        ("amount_missing", 100_000, "0", BUYER),
        ("amount_missing", 100_000, "-1", BUYER),
    ],
)
def test_a_payment_is_refused_before_leave_is_given(
    desk: Desk, code: str, funded: int, amount: str | None, person: int
) -> None:
    desk.confirmed()
    desk.scene.deposit(person, funded)
    with refused(desk, code):
        pay(desk, amount, person=person)


def test_a_payment_is_signed_for_another_to_submit(desk: Desk) -> None:
    desk.confirmed()
    desk.scene.fund(BUYER, 100_000)
    with pytest.raises(Signed) as signed:
        payments.pay(desk.services, signer=desk.pen(BUYER), receivable_id=1)
    path = desk.write(json.dumps(signed.value.document.to_json()).encode())
    signing.relay(desk.services, signer=dev_account(STRANGER), signed=signing.read_signed(path))
    assert desk.read(1).status is Status.SETTLED


def test_what_is_paid_is_told_where_paying_out_breaks_off(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The money has left: whoever reads the refusal must not pay again."""
    tail = desk.split(desk.confirmed(), "250.00")
    desk.scene.deposit(BUYER, 100_000)
    # So that one redemption fills a transaction.
    monkeypatch.setattr(payments, "REDEMPTION_GAS", desk.services.node.gas_limit())

    def unreachable(*_: object) -> Done:
        raise NodeUnreachable("gone")

    monkeypatch.setattr(payments, "_redeem_batch", unreachable)
    with pytest.raises(PayoutInterrupted) as interrupted:
        pay(desk)
    assert "1,000.00 EUR of R-1 are paid" in interrupted.value.detail
    monkeypatch.undo()
    assert desk.read(1).status is Status.SETTLED
    assert got(redeem_all(desk)) == [(str(tail), 25_000, 0)]


def test_a_redemption_takes_no_more_gas_than_is_planned_for(desk: Desk) -> None:
    """With a lien, to two that never had a deposit, of a certificate that stays: the dearest there is."""
    whole = desk.confirmed()
    pledge(desk, whole, "200.00")
    desk.scene.pass_due(1)
    desk.scene.fund(BUYER, 100_000)
    assert pay(desk, "600.00", redeem=False).clearing.done[0].gas < payments.PAYMENT_GAS
    clearing = payments.redeem(desk.services, signer=dev_account(STRANGER), certificates=[whole])
    assert got(clearing) == [(str(whole), 60_000, 20_000)]
    assert clearing.done[0].gas - TRANSACTION_GAS < payments.REDEMPTION_GAS


# --------------------------------------------------------------------- overdue


def close(desk: Desk) -> Done | Waits:
    return overdue.close(desk.services, signer=dev_account(SETTLEMENT_BANK), receivable_id=1)


def test_a_book_is_closed_after_the_grace_and_the_banks_delay(desk: Desk) -> None:
    desk.split(desk.confirmed(), "333.33")
    with refused(desk, "not_overdue"):
        close(desk)
    desk.scene.pass_due(1, days=5)
    desk.scene.fund(BUYER, 10_000)
    pay(desk, "100.00", redeem=False)
    waits = close(desk)
    assert isinstance(waits, Waits)
    assert waits.tx_hash is not None
    desk.scene.pass_time(seconds=waits.ready_at - desk.scene.now)
    done = close(desk)
    assert isinstance(done, Done)
    assert isinstance(done.entry, Closed)
    assert sum(amount for _, amount, _ in got(redeem_all(desk))) == 10_000
    # Nobody had reported it: what is written off is dishonoured all the same.
    with refused(desk, "debtor_overdue"):
        desk.register(desk.invoice(days=200))
    assert isinstance(overdue.absolve(desk.services, signer=dev_account(SETTLEMENT_BANK), receivable_id=1), Waits)
    assert desk.agrees()


def test_a_dishonour_stops_the_debtor_until_it_pays(desk: Desk) -> None:
    desk.confirmed()
    waiting = desk.registered(desk.invoice(days=200))
    with refused(desk, "not_overdue"):
        overdue.dishonour(desk.services, signer=dev_account(STRANGER), receivable_id=1)
    desk.scene.pass_due(1, days=5)
    overdue.dishonour(desk.services, signer=dev_account(STRANGER), receivable_id=1)
    with refused(desk, "debtor_overdue"):
        desk.register(desk.invoice(days=200))
    desk.scene.fund(BUYER, 100_000)
    pay(desk)
    desk.register(desk.invoice(days=200))
    assert waiting == 2
