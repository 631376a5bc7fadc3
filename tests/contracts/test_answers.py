"""Withdrawal, lapse, counter-offer and its acceptance: the other answers to a claim."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts.door import refused
from tests.contracts.house import (
    ANSWER_WINDOW_DAYS,
    DAY,
    NOBODY,
    TENOR_LIMIT_DAYS,
    Certificate,
    House,
    Record,
    token,
)

WINDOW = ANSWER_WINDOW_DAYS * DAY
OFFERS_MAX = 8


@pytest.fixture
def opened(house: House) -> int:
    """A registered claim that nobody has answered."""
    return house.register()


def offer(house: House, receivable_id: int, *, face: int = 90_000, days: int = 0) -> None:
    """A counter-offer of a lower face, or of a date so many days later, or both."""
    house.counter_offer(receivable_id, face=face, due=house.terms(receivable_id)["claim"]["due"] + days * DAY)


# ---------------------------------------------------------------- withdraw


def test_a_withdrawal_ends_the_claim_and_frees_its_fingerprint(house: House, opened: int) -> None:
    claim = house.terms(opened)["claim"]
    receipt = house.withdraw(opened)
    assert receipt.events == [
        (
            "Withdrawn",
            {"receivableId": opened, "originator": house.seller.address, "face": 100_000, "at": house.now},
        )
    ]
    assert house.record(opened).status == 4
    assert house.certificate(token(opened)) is None
    assert house.receivables.receivableOf(claim["fingerprint"], house.buyer, house.seller) == 0
    assert house.register(claim) == opened + 1


def test_only_the_originator_withdraws(house: House, opened: int) -> None:
    for caller in (house.buyer, house.operator, house.supplier, house.stranger):
        with refused("NotOriginator", caller=caller.address):
            house.withdraw(opened, sender=caller)


def test_who_names_itself_as_originator_is_none(house: House, opened: int) -> None:
    terms = house.terms(opened) | {"originator": house.supplier.address}
    with refused("AnchorMismatch", head=house.head(opened)):
        house.receivables.withdraw(opened, terms, [], sender=house.supplier)


def test_a_suspended_originator_can_still_withdraw_also_after_the_due_date(house: House, opened: int) -> None:
    house.suspend(house.seller)
    house.at(house.record(opened).due + DAY)
    house.withdraw(opened)
    assert house.record(opened).status == 4


# ------------------------------------------------------------------- lapse


def test_a_claim_lapses_at_the_second_that_its_window_ends(house: House, opened: int) -> None:
    answer_by = house.terms(opened)["answerBy"]
    house.at(answer_by - 1)
    with refused("AnswerWindowOpen", answerBy=answer_by):
        house.lapse(opened)
    house.at(answer_by)
    receipt = house.lapse(opened)
    assert receipt.events == [
        ("Lapsed", {"receivableId": opened, "actor": house.stranger.address, "face": 100_000, "at": answer_by})
    ]
    assert house.record(opened).status == 5
    assert house.receivables.isClaimed(house.terms(opened)["claim"]["fingerprint"], house.buyer, house.seller) is False


def test_the_debtor_may_still_answer_until_somebody_lets_the_claim_lapse(house: House, opened: int) -> None:
    house.wait(WINDOW + DAY)
    house.confirm(opened)
    with refused("StatusForbids", status=2):
        house.lapse(opened)


def test_a_pause_stops_the_clock_of_the_window(house: House, opened: int) -> None:
    answer_by = house.terms(opened)["answerBy"]
    house.at(answer_by - 100)
    house.receivables.pause(sender=house.operator)
    house.wait(3 * DAY)
    with refused("RegistryPaused"):
        house.lapse(opened)
    house.at(answer_by + 4 * DAY)
    house.receivables.unpause(sender=house.operator)

    house.at(answer_by + 4 * DAY + 99)
    with refused("AnswerWindowOpen", answerBy=answer_by):
        house.lapse(opened)
    house.at(answer_by + 4 * DAY + 100)
    house.lapse(opened)


def test_only_pauses_after_the_registration_prolong_a_window(house: House) -> None:
    """The clock runs on from where the pauses before left it."""
    for _ in range(2):
        house.receivables.pause(sender=house.operator)
        house.wait(5 * DAY)
        house.receivables.unpause(sender=house.operator)
    opened = house.register()
    registered_at, answer_by = house.now, house.terms(opened)["answerBy"]
    assert registered_at - 10 * DAY - 10 <= answer_by - WINDOW <= registered_at - 10 * DAY
    house.at(registered_at + WINDOW - 1)
    with refused("AnswerWindowOpen", answerBy=answer_by):
        house.lapse(opened)
    house.at(registered_at + WINDOW)
    house.lapse(opened)


# ----------------------------------------------------------- counter-offer


def test_a_counter_offer_changes_nothing_but_the_journal(house: House, opened: int) -> None:
    before = house.record(opened)
    due = before.due + DAY
    receipt = house.counter_offer(opened, face=1, due=due)
    assert receipt.events == [
        (
            "CounterOffered",
            {
                "receivableId": opened,
                "debtor": house.buyer.address,
                "face": 100_000,
                "offeredFace": 1,
                "offeredDue": due,
                "at": house.now,
            },
        )
    ]
    assert house.record(opened) == before
    assert house.certificate(token(opened)) is None
    assert house.receivables.unanswered(house.buyer, house.seller) == 1


@pytest.mark.parametrize("face", [0, 100_001, 2**64 - 1])
def test_an_offer_is_not_nothing_and_not_more(house: House, opened: int, face: int) -> None:
    with refused("OfferMalformed"):
        house.counter_offer(opened, face=face, due=house.record(opened).due + DAY)


def test_an_offer_of_the_same_terms_is_none(house: House, opened: int) -> None:
    with refused("OfferMalformed"):
        house.counter_offer(opened, face=100_000)
    offer(house, opened, face=100_000, days=-1)  # another date alone will do, earlier or later
    offer(house, opened, face=100_000, days=1)


def test_an_offered_date_is_held_to_what_a_claims_is(house: House, opened: int) -> None:
    due = house.record(opened).due
    with refused("DueDateMalformed", due=due + 1):
        house.counter_offer(opened, due=due + 1)
    with refused("DueDateMalformed", due=2**16 * DAY):
        house.counter_offer(opened, due=2**16 * DAY)
    latest = house.midnight(days=TENOR_LIMIT_DAYS)
    with refused("TenorExceeded", latest=latest):
        house.counter_offer(opened, due=latest + DAY)
    near = house.midnight(days=1)
    house.at(near)
    with refused("DueDatePassed", due=near):
        house.counter_offer(opened, due=near)


def test_a_suspended_debtor_offers_nothing(house: House, opened: int) -> None:
    house.suspend(house.buyer)
    with refused("MemberNotEligible", member=house.buyer.address):
        house.counter_offer(opened)


def test_an_offer_does_not_prolong_the_window(house: House, opened: int) -> None:
    answer_by = house.terms(opened)["answerBy"]
    house.at(answer_by - 1)
    offer(house, opened)
    house.at(answer_by)
    with refused("AnswerWindowOver", answerBy=answer_by):
        offer(house, opened)
    house.lapse(opened)
    with refused("StatusForbids", status=5):
        house.accept_offer(opened)


def test_an_offer_made_in_time_can_be_accepted_after_the_window(house: House, opened: int) -> None:
    offer(house, opened)
    house.wait(WINDOW + DAY)
    house.accept_offer(opened)


def test_a_pause_prolongs_the_time_for_offers_too(house: House, opened: int) -> None:
    house.receivables.pause(sender=house.operator)
    house.wait(WINDOW)
    house.receivables.unpause(sender=house.operator)
    offer(house, opened)


def test_a_claim_takes_so_many_offers_and_no_more(house: House, opened: int) -> None:
    """Every later answer names the hashes of all: without a limit it could be made too long to be answered."""
    for number in range(OFFERS_MAX):
        offer(house, opened, face=90_000 - number)
    with refused("TooManyOffers", limit=OFFERS_MAX):
        offer(house, opened, face=1)
    for answer in (house.refuse, house.withdraw, house.confirm, house.accept_offer):
        mark = house.node.request("evm_snapshot")
        answer(opened)
        house.node.request("evm_revert", mark)
    house.wait(WINDOW)
    house.lapse(opened)


def test_an_offer_may_come_and_be_accepted_after_the_claims_own_due_date(house: House) -> None:
    due = house.midnight(days=2)
    opened = house.register(house.claim(due=due))
    house.at(due)
    offer(house, opened, days=30)
    with refused("DueDatePassed", due=due):
        house.confirm(opened)
    house.accept_offer(opened)
    assert house.record(opened).due == due + 30 * DAY


# ------------------------------------------------------------ accept offer


def test_acceptance_confirms_the_offered_terms(house: House, opened: int) -> None:
    due = house.record(opened).due + 5 * DAY
    before = house.record(opened)
    offer(house, opened, face=60_000, days=5)
    receipt = house.accept_offer(opened)

    certificate = token(opened)
    assert receipt.events == [
        (
            "OfferAccepted",
            {
                "receivableId": opened,
                "originator": house.seller.address,
                "debtor": house.buyer.address,
                "face": 60_000,
                "due": due,
                "at": house.now,
            },
        ),
        ("Transfer", {"from": NOBODY, "to": house.seller.address, "tokenId": certificate}),
        ("SlotChanged", {"tokenId": certificate, "oldSlot": 0, "newSlot": opened}),
        ("TransferValue", {"fromTokenId": 0, "toTokenId": certificate, "value": 60_000}),
    ]
    assert house.record(opened) == Record(**(vars(before) | {"face": 60_000, "due": due, "status": 2}))
    assert house.certificate(certificate) == Certificate(house.seller.address, 60_000, original=True)
    assert house.balance(house.seller) == 1
    assert house.receivables.unanswered(house.buyer, house.seller) == 0
    # The claim was one and stays one: the fingerprint is taken for good.
    claim = house.terms(opened)["claim"]
    with refused("FingerprintTaken", receivableId=opened):
        house.register(claim)


def test_only_the_originator_accepts(house: House, opened: int) -> None:
    offer(house, opened)
    for caller in (house.buyer, house.operator, house.bank, house.stranger):
        with refused("NotOriginator", caller=caller.address):
            house.accept_offer(opened, sender=caller)


def test_what_was_not_offered_cannot_be_accepted(house: House, opened: int) -> None:
    offer(house, opened)
    terms, made, head = house.terms(opened), house.offer(opened), house.head(opened)
    for changed in (
        made | {"face": 90_001},
        made | {"due": made["due"] + DAY},
        made | {"at": made["at"] + 1},
    ):
        with refused("AnchorMismatch", head=head):
            house.receivables.acceptOffer(opened, terms, [], changed, sender=house.seller)
    house.receivables.acceptOffer(opened, terms, [], made, sender=house.seller)


def test_without_an_offer_there_is_nothing_to_accept(house: House, opened: int) -> None:
    terms, head = house.terms(opened), house.head(opened)
    claim = terms["claim"]
    unmade = {"face": claim["face"], "due": claim["due"], "at": terms["registeredAt"]}
    with refused("AnchorMismatch", head=head):
        house.receivables.acceptOffer(opened, terms, [], unmade, sender=house.seller)


def test_the_last_offer_is_the_one_that_stands(house: House, opened: int) -> None:
    offer(house, opened, face=90_000)
    first, terms = house.offer(opened), house.terms(opened)
    offer(house, opened, face=80_000)
    head = house.head(opened)
    # The first offer as if it were the last, with and without naming the second.
    for since in ([], house.since(opened), house.since(opened)[:1], house.since(opened)[1:]):
        with refused("AnchorMismatch", head=head):
            house.receivables.acceptOffer(opened, terms, since, first, sender=house.seller)
    offer(house, opened, face=70_000, days=1)
    house.accept_offer(opened)
    assert house.record(opened).face == 70_000


def test_the_claim_itself_can_still_be_confirmed_after_an_offer(house: House, opened: int) -> None:
    due = house.record(opened).due
    offer(house, opened, face=5, days=1)
    offer(house, opened, face=6, days=2)
    house.confirm(opened)
    assert (house.record(opened).face, house.record(opened).due) == (100_000, due)
    assert house.cover(opened) == [(0, 100_000, house.seller.address)]


def test_who_confirms_must_know_of_the_offers(house: House, opened: int) -> None:
    offer(house, opened)
    with refused("AnchorMismatch", head=house.head(opened)):
        house.receivables.confirm(opened, house.terms(opened), [], sender=house.buyer)


@pytest.mark.parametrize("answer", ["refuse", "withdraw"])
def test_an_offer_can_be_followed_by_a_no_of_either_side(house: House, opened: int, answer: str) -> None:
    offer(house, opened)
    getattr(house, answer)(opened)
    with refused("StatusForbids", status={"refuse": 3, "withdraw": 4}[answer]):
        house.accept_offer(opened)


def test_an_offer_is_accepted_before_its_own_due_date(house: House) -> None:
    due = house.midnight(days=3)
    opened = house.register(house.claim(due=due + 9 * DAY))
    house.counter_offer(opened, face=100_000, due=due)
    house.at(due)
    with refused("DueDatePassed", due=due):
        house.accept_offer(opened)
    house.confirm(opened)  # the claim's own date is still to come


@pytest.mark.parametrize("person", ["seller", "buyer"])
def test_acceptance_needs_both_parties_in_good_standing(house: House, opened: int, person: str) -> None:
    offer(house, opened)
    house.suspend(getattr(house, person))
    with refused("MemberNotEligible", member=getattr(house, person).address):
        house.accept_offer(opened)


def test_an_acceptance_is_final(house: House, opened: int) -> None:
    offer(house, opened)
    terms, made = house.terms(opened), house.offer(opened)
    house.accept_offer(opened)
    with refused("StatusForbids", status=2):
        house.receivables.acceptOffer(opened, terms, [], made, sender=house.seller)
    for answer in (house.confirm, house.refuse, house.withdraw, house.lapse, house.counter_offer):
        with refused("StatusForbids", status=2):
            answer(opened)


ENDS: dict[str, Any] = {"refuse": 3, "withdraw": 4, "lapse": 5}


@pytest.mark.parametrize("end", ENDS)
def test_an_ended_claim_takes_no_further_answer(house: House, opened: int, end: str) -> None:
    offer(house, opened)
    house.wait(WINDOW)
    getattr(house, end)(opened)
    answers = (house.confirm, house.refuse, house.withdraw, house.lapse, house.counter_offer)
    for answer in answers:
        with refused("StatusForbids", status=ENDS[end]):
            answer(opened)


def test_a_shortened_receivable_ends_where_the_offer_did(house: House, opened: int) -> None:
    """Nothing of the claimed face beyond the accepted one can be reached."""
    offer(house, opened, face=60_000)
    house.accept_offer(opened)
    with refused("RangeChanged", start=0, end=60_000):
        house.split(token(opened), 50_000, end=100_000)
    house.split(token(opened), 59_999)
    with refused("CutOutOfRange", start=59_999, cut=60_000, end=60_000):
        house.split(token(opened, 59_999), 60_000, sender=house.supplier)
    assert house.cover(opened) == [(0, 59_999, house.seller.address), (59_999, 60_000, house.supplier.address)]
