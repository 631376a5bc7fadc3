"""Answers besides yes and no: other terms, taken back, nobody answers; and what each of them names of the journal."""

from __future__ import annotations

from datetime import timedelta

import pytest

from registry.chain.contract import Calls
from registry.chain.devchain import dev_account
from registry.commands import claims, oversight
from registry.domain import calendar
from registry.domain.calendar import midnight
from registry.domain.identifiers import CertificateId
from registry.domain.journal import CounterOffered, Lapsed, OfferAccepted, Withdrawn
from registry.domain.receivable import DAY_SECONDS, RefusalReason, Status
from registry.domain.rules import AnswerWindowOpen
from tests.commands.desk import Desk, refused
from tests.scene import BANK, BUYER, OPERATOR, SELLER, STRANGER, SUPPLIER

WINDOW_SECONDS = 30 * DAY_SECONDS


@pytest.fixture(scope="module")
def waiting(shared_desk: Desk) -> int:
    """A claim over 1,000.00 EUR; what the tests of this module try on it is refused."""
    return shared_desk.registered(shared_desk.invoice(payable="1000.00"))


# ------------------------------------------------------------------- other terms


def test_a_lower_amount_is_offered_accepted_and_becomes_the_certificate(desk: Desk) -> None:
    receivable_id = desk.registered(desk.invoice(payable="1000.00"))
    offer = desk.counter_offer(receivable_id, amount="900.50")
    row = desk.read(receivable_id)
    assert (row.status, row.offer, row.face_minor) == (Status.REGISTERED, offer, 100_000)
    assert offer.face == 90_050
    done = claims.accept_offer(desk.services, signer=dev_account(SELLER), receivable_id=receivable_id)
    assert isinstance(done.entry, OfferAccepted)
    row = desk.read(receivable_id)
    assert (row.status, row.face_minor, row.claim_face_minor, row.offer) == (Status.CONFIRMED, 90_050, 100_000, None)
    assert desk.split(CertificateId(receivable_id, 0, 90_050), "0.50") == CertificateId(receivable_id, 90_000, 90_050)
    assert desk.agrees()


def test_what_a_counter_offer_does_not_name_stays_the_claims(desk: Desk) -> None:
    receivable_id = desk.registered(desk.invoice(payable="1000.00"))
    later = desk.due + timedelta(days=10)
    assert desk.counter_offer(receivable_id, amount=None, due=later).face == 100_000
    assert desk.counter_offer(receivable_id, amount="1").due == midnight(desk.due)


def test_the_last_of_several_offers_counts(desk: Desk) -> None:
    receivable_id = desk.registered()
    for amount in ("100.00", "200.00", "300.00"):
        desk.counter_offer(receivable_id, amount=amount)
    done = claims.accept_offer(desk.services, signer=dev_account(SELLER), receivable_id=receivable_id)
    assert done.entry.range == (0, 30_000)
    assert desk.agrees()


@pytest.mark.parametrize("answer", ["confirm", "refuse", "withdraw"])
def test_a_claim_is_answered_as_it_was_registered_after_offers_too(desk: Desk, answer: str) -> None:
    receivable_id = desk.registered(desk.invoice(payable="1000.00"))
    desk.counter_offer(receivable_id)
    desk.counter_offer(receivable_id, amount="800")
    match answer:
        case "confirm":
            assert desk.confirm(receivable_id).entry.range == (0, 100_000)
        case "refuse":
            claims.refuse(
                desk.services,
                signer=dev_account(BUYER),
                receivable_id=receivable_id,
                reason=RefusalReason.WRONG_AMOUNT,
            )
        case "withdraw":
            claims.withdraw(desk.services, signer=dev_account(SELLER), receivable_id=receivable_id)
    row = desk.read(receivable_id)
    assert row.status is not Status.REGISTERED
    assert (row.offer, row.face_minor) == (None, 100_000)
    assert desk.agrees()


def test_an_offer_is_accepted_only_if_it_is_the_one_that_was_named(desk: Desk) -> None:
    receivable_id = desk.registered()
    offer = desk.counter_offer(receivable_id, amount="900.00")
    day = claims.due_day(offer.due)
    for amount, due in (("899.99", None), (None, day + timedelta(days=1)), ("900.00", day + timedelta(days=1))):
        with refused(desk, "offer_differs") as caught:
            claims.accept_offer(
                desk.services, signer=dev_account(SELLER), receivable_id=receivable_id, amount=amount, due=due
            )
        assert "900.00 EUR" in caught.value.detail
    claims.accept_offer(
        desk.services, signer=dev_account(SELLER), receivable_id=receivable_id, amount="900.00", due=day
    )


def test_an_offer_that_was_replaced_meanwhile_is_not_accepted(desk: Desk) -> None:
    receivable_id = desk.registered()
    desk.counter_offer(receivable_id, amount="900.00")
    seen = desk.services.node.head()
    # Another terminal's offer, which this mirror has not taken yet.
    claim = claims.claimed(desk.services, receivable_id)
    desk.scene.send(
        BUYER,
        Calls.counter_offer(
            receivable_id=receivable_id, terms=claim.terms, since=claim.since, face=100, due=claim.row.claim_due_at
        ),
    )
    assert desk.services.node.head() == seen + 1
    with refused(desk, "anchor_mismatch"):
        claims.accept_offer(desk.services, signer=dev_account(SELLER), receivable_id=receivable_id)


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        ("1000.00", "offer_malformed"),
        ("1000.01", "offer_malformed"),
        ("0", "offer_malformed"),
        ("-1.00", "offer_malformed"),
        (None, "offer_malformed"),
        ("0.001", "amount_too_precise"),
        ("1,000", "amount_ambiguous"),
        ("some", "amount_malformed"),
        ("184467440737095516.15", "offer_malformed"),
    ],
)
def test_an_amount_that_is_no_offer_is_refused(shared_desk: Desk, waiting: int, amount: str | None, code: str) -> None:
    with refused(shared_desk, code):
        shared_desk.counter_offer(waiting, amount=amount)


@pytest.mark.parametrize(
    ("days", "code"),
    [(-1, "due_date_passed"), (0, "due_date_passed"), (366, "tenor_exceeded"), (-30_000, "due_date_passed")],
)
def test_a_date_that_is_no_offer_is_refused(shared_desk: Desk, waiting: int, days: int, code: str) -> None:
    today = claims.due_day(shared_desk.scene.now)
    with refused(shared_desk, code):
        shared_desk.counter_offer(waiting, amount=None, due=today + timedelta(days=days))


@pytest.mark.parametrize("person", [SELLER, SUPPLIER, BANK, OPERATOR, STRANGER])
def test_only_the_debtor_makes_an_offer(shared_desk: Desk, waiting: int, person: int) -> None:
    with refused(shared_desk, "not_debtor"):
        shared_desk.counter_offer(waiting, person=person)


def test_there_must_be_an_offer_to_be_accepted(shared_desk: Desk, waiting: int) -> None:
    with refused(shared_desk, "nothing_offered"):
        claims.accept_offer(shared_desk.services, signer=dev_account(SELLER), receivable_id=waiting)


@pytest.mark.parametrize("person", [BUYER, SUPPLIER, STRANGER])
def test_only_the_originator_accepts_or_withdraws(desk: Desk, person: int) -> None:
    receivable_id = desk.registered()
    desk.counter_offer(receivable_id)
    with refused(desk, "not_originator"):
        claims.accept_offer(desk.services, signer=dev_account(person), receivable_id=receivable_id)
    with refused(desk, "not_originator"):
        claims.withdraw(desk.services, signer=dev_account(person), receivable_id=receivable_id)


# --------------------------------------------------------------- taken back, lapsed


def test_a_withdrawn_invoice_can_be_registered_again(desk: Desk) -> None:
    path = desk.invoice()
    receivable_id = desk.registered(path)
    done = claims.withdraw(desk.services, signer=dev_account(SELLER), receivable_id=receivable_id)
    assert isinstance(done.entry, Withdrawn)
    assert desk.registered(path) == receivable_id + 1
    assert desk.agrees()


def test_a_claim_lapses_after_its_window_by_anyones_hand(desk: Desk) -> None:
    receivable_id = desk.registered()
    lapses_at = desk.read(receivable_id).answer_by
    with refused(desk, "answer_window_open") as caught:
        claims.lapse(desk.services, signer=dev_account(STRANGER), receivable_id=receivable_id)
    assert calendar.instant(lapses_at) in caught.value.detail
    desk.scene.pass_time(seconds=WINDOW_SECONDS)
    done = claims.lapse(desk.services, signer=dev_account(STRANGER), receivable_id=receivable_id)
    assert isinstance(done.entry, Lapsed)
    assert desk.read(receivable_id).status is Status.LAPSED
    assert desk.agrees()


def test_a_pause_makes_the_window_longer_and_the_refusal_says_until_when(desk: Desk) -> None:
    receivable_id = desk.registered()
    operator = dev_account(OPERATOR)
    oversight.pause(desk.services, signer=operator)
    desk.scene.pass_time(seconds=10 * DAY_SECONDS)
    with refused(desk, "registry_paused"):
        claims.lapse(desk.services, signer=dev_account(STRANGER), receivable_id=receivable_id)
    oversight.unpause(desk.services, signer=operator)
    desk.scene.pass_time(seconds=WINDOW_SECONDS - 5 * DAY_SECONDS)
    with pytest.raises(AnswerWindowOpen) as caught:
        claims.lapse(desk.services, signer=dev_account(STRANGER), receivable_id=receivable_id)
    said = caught.value.detail
    desk.scene.pass_time(seconds=5 * DAY_SECONDS + 60)
    done = claims.lapse(desk.services, signer=dev_account(STRANGER), receivable_id=receivable_id)
    assert said.split(" from ")[1].split(" on")[0] <= calendar.instant(done.entry.time)
    assert desk.agrees()


@pytest.mark.parametrize("answer", ["withdraw", "lapse", "counter_offer", "accept_offer", "confirm", "refuse"])
def test_an_answered_claim_is_not_answered_again(desk: Desk, answer: str) -> None:
    receivable_id = desk.confirmed().receivable_id
    seller, buyer = dev_account(SELLER), dev_account(BUYER)
    with refused(desk, "status_forbids"):
        match answer:
            case "withdraw":
                claims.withdraw(desk.services, signer=seller, receivable_id=receivable_id)
            case "lapse":
                claims.lapse(desk.services, signer=seller, receivable_id=receivable_id)
            case "counter_offer":
                desk.counter_offer(receivable_id)
            case "accept_offer":
                claims.accept_offer(desk.services, signer=seller, receivable_id=receivable_id)
            case "confirm":
                desk.confirm(receivable_id)
            case "refuse":
                claims.refuse(desk.services, signer=buyer, receivable_id=receivable_id, reason=RefusalReason.OTHER)


def test_there_is_nothing_to_answer_where_there_is_no_claim(shared_desk: Desk) -> None:
    for answer in (claims.withdraw, claims.lapse, claims.accept_offer):
        with refused(shared_desk, "unknown_receivable"):
            answer(shared_desk.services, signer=dev_account(SELLER), receivable_id=999)
    with refused(shared_desk, "unknown_receivable"):
        shared_desk.counter_offer(999)


def test_an_offer_is_an_entry_of_the_journal(desk: Desk) -> None:
    receivable_id = desk.registered()
    desk.counter_offer(receivable_id)
    (entry,) = desk.scene.journal(receivable_id)[1:]
    assert isinstance(entry, CounterOffered)
    assert claims.claimed(desk.services, receivable_id).since == (entry.hash(),)
