"""Register, confirm, refuse: the debtor answers exactly what was registered, once."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts.door import refused
from tests.contracts.house import (
    ANSWER_WINDOW_DAYS,
    DAY,
    EUR,
    NOBODY,
    TENOR_LIMIT_DAYS,
    UNANSWERED_MAX,
    YEAR,
    Certificate,
    House,
    Record,
    deploy_house,
    token,
)


def receivable_of(house: House, claim: dict[str, Any], *, originator: Any = None) -> int:
    originator = originator or house.seller
    return int(house.receivables.receivableOf(claim["fingerprint"], claim["debtor"], originator))


# ---------------------------------------------------------------- register


def test_a_claim_is_registered_under_the_next_id(house: House) -> None:
    claim = house.claim()
    receipt = house.receivables.register(claim, sender=house.seller)

    assert house.receivables.count() == 1
    assert receivable_of(house, claim) == 1
    assert receipt.events == [
        (
            "Registered",
            {
                "receivableId": 1,
                "originator": house.seller.address,
                "debtor": house.buyer.address,
                "face": claim["face"],
                "due": claim["due"],
                "currency": EUR,
                "fingerprint": claim["fingerprint"],
                "documentRoot": claim["documentRoot"],
                "answerBy": house.now + ANSWER_WINDOW_DAYS * DAY,
                "at": house.now,
            },
        )
    ]
    assert house.record(1) == Record(
        debtor=house.buyer.address, face=claim["face"], due=claim["due"], currency=EUR, status=1
    )
    assert house.balance(house.seller) == 0
    assert house.register() == 2


@pytest.mark.parametrize(
    ("changes", "error", "inputs"),
    [
        ({"face": 0}, "FaceMissing", {}),
        ({"currency": 0}, "CurrencyMalformed", {"currency": 0}),
        ({"currency": 1000}, "CurrencyMalformed", {"currency": 1000}),
        ({"currency": 2**16 - 1}, "CurrencyMalformed", {"currency": 2**16 - 1}),
        ({"fingerprint": bytes(32)}, "FingerprintMissing", {}),
        ({"documentRoot": bytes(32)}, "DocumentRootMissing", {}),
        ({"due": 0}, "DueDatePassed", {"due": 0}),
        ({"debtor": NOBODY}, "MemberNotEligible", {"member": NOBODY}),
    ],
)
def test_a_malformed_claim_is_refused(
    house: House, changes: dict[str, Any], error: str, inputs: dict[str, Any]
) -> None:
    with refused(error, **inputs):
        house.register(house.claim(**changes))


@pytest.mark.parametrize("seconds", [-1, 1, 43_200])
def test_a_due_date_is_a_midnight(house: House, seconds: int) -> None:
    due = house.midnight(days=9) + seconds
    with refused("DueDateMalformed", due=due):
        house.register(house.claim(due=due))


def test_a_due_date_fits_its_place_in_the_word(house: House) -> None:
    """Days are 16 bits: a later one is malformed, not another day."""
    for day in (2**16, 2**16 + house.now // DAY + 9, (2**40 - 1) // DAY):
        with refused("DueDateMalformed", due=day * DAY):
            house.register(house.claim(due=day * DAY))


def test_the_largest_and_the_smallest_values_are_claims(project: Any, accounts: Any) -> None:
    house = deploy_house(project, accounts, tenor_limit_days=2**16 - 1).peopled()
    last_midnight = (2**16 - 1) * DAY
    largest = house.confirmed(face=2**64 - 1, due=last_midnight, currency=999)
    smallest = house.confirmed(face=1, currency=1)
    assert house.certificate(token(largest)) == Certificate(house.seller.address, 2**64 - 1, original=True)
    assert (house.record(largest).due, house.record(largest).currency) == (last_midnight, 999)
    assert house.receivables.read("balanceOf(uint256)", token(smallest)) == 1
    house.audit()


def test_a_claim_is_due_later_than_now_to_the_second(house: House) -> None:
    due = house.midnight(days=2)
    house.at(due - 1)
    house.register(house.claim(due=due))
    house.at(due)
    with refused("DueDatePassed", due=due):
        house.register(house.claim(due=due))


def test_a_claim_is_due_within_the_tenor_limit(house: House) -> None:
    """The limit counts from this second, so at its end only a claim of a midnight's second has the last day."""
    latest = house.midnight(days=TENOR_LIMIT_DAYS + 1)
    house.at(latest - TENOR_LIMIT_DAYS * DAY - 1)
    with refused("TenorExceeded", latest=latest - DAY):
        house.register(house.claim(due=latest))
    house.at(latest - TENOR_LIMIT_DAYS * DAY)
    house.register(house.claim(due=latest))


def test_nobody_is_its_own_debtor(house: House) -> None:
    with refused("DebtorIsOriginator"):
        house.register(house.claim(debtor=house.seller.address))


def test_both_parties_must_be_members_in_good_standing(house: House) -> None:
    with refused("MemberNotEligible", member=house.stranger.address):
        house.register(sender=house.stranger)
    with refused("MemberNotEligible", member=house.stranger.address):
        house.register(house.claim(debtor=house.stranger.address))
    house.suspend(house.buyer)
    with refused("MemberNotEligible", member=house.buyer.address):
        house.register()


def test_one_claim_is_one_receivable(house: House) -> None:
    claim = house.claim()
    first = house.register(claim)
    with refused("FingerprintTaken", receivableId=first):
        house.register(claim | {"face": 7, "currency": 1})
    house.confirm(first)
    with refused("FingerprintTaken", receivableId=first):
        house.register(claim)


def test_a_fingerprint_is_of_one_pair_of_parties(house: House) -> None:
    claim = house.claim()
    house.register(claim)
    # An equal hash from another originator, or on another debtor, blocks nobody.
    assert house.register(claim, sender=house.supplier) == 2
    assert house.register(claim | {"debtor": house.bank.address}) == 3
    assert receivable_of(house, claim) == 1
    assert receivable_of(house, claim, originator=house.supplier) == 2


def test_only_so_many_claims_of_a_pair_wait_for_an_answer(house: House) -> None:
    def unanswered() -> int:
        return int(house.receivables.unanswered(house.buyer, house.seller))

    waiting = [house.register() for _ in range(UNANSWERED_MAX)]
    assert unanswered() == UNANSWERED_MAX
    with refused("TooManyUnanswered", limit=UNANSWERED_MAX):
        house.register()
    house.register(sender=house.supplier)  # another pair
    house.register(house.claim(debtor=house.bank.address))

    for answer in (house.confirm, house.refuse, house.withdraw):
        answer(waiting.pop())
        assert unanswered() == UNANSWERED_MAX - 1
        waiting.append(house.register())
        with refused("TooManyUnanswered", limit=UNANSWERED_MAX):
            house.register()
    for receivable_id in waiting:
        house.refuse(receivable_id)
    assert unanswered() == 0
    house.register()
    assert unanswered() == 1


# ----------------------------------------------------------------- confirm


def test_confirmation_mints_the_whole_to_the_originator(house: House) -> None:
    receivable_id = house.register()
    before = house.record(receivable_id)
    head = house.head(receivable_id)
    receipt = house.confirm(receivable_id)

    certificate = token(receivable_id)
    assert receipt.events == [
        (
            "Confirmed",
            {
                "receivableId": receivable_id,
                "debtor": house.buyer.address,
                "originator": house.seller.address,
                "face": 100_000,
                "at": house.now,
            },
        ),
        ("Transfer", {"from": NOBODY, "to": house.seller.address, "tokenId": certificate}),
        ("SlotChanged", {"tokenId": certificate, "oldSlot": 0, "newSlot": receivable_id}),
        ("TransferValue", {"fromTokenId": 0, "toTokenId": certificate, "value": 100_000}),
    ]
    assert house.record(receivable_id) == Record(**(vars(before) | {"status": 2}))
    assert house.head(receivable_id) != head
    assert house.certificate(certificate) == Certificate(house.seller.address, 100_000, original=True)
    assert house.receivables.ownerOf(certificate) == house.seller
    assert house.balance(house.seller) == 1


CHANGES: dict[str, Any] = {
    "debtor": lambda house, old: house.bank.address,
    "face": lambda house, old: old - 1,
    "due": lambda house, old: old + DAY,
    "currency": lambda house, old: old + 1,
    "fingerprint": lambda house, old: b"\xee" * 32,
    "documentRoot": lambda house, old: b"\xee" * 32,
}


@pytest.mark.parametrize("name", [*CHANGES, "originator", "registeredAt", "answerBy"])
def test_an_answer_must_name_every_term_as_registered(house: House, name: str) -> None:
    receivable_id = house.register()
    terms = house.terms(receivable_id)
    if name in CHANGES:
        changed = terms | {"claim": terms["claim"] | {name: CHANGES[name](house, terms["claim"][name])}}
    else:
        changed = terms | {name: house.supplier.address if name == "originator" else terms[name] + 1}

    head = house.head(receivable_id)
    with refused("AnchorMismatch", head=head):
        house.receivables.confirm(receivable_id, changed, [], sender=house.buyer)
    with refused("AnchorMismatch", head=head):
        house.receivables.refuse(receivable_id, changed, [], 1, sender=house.buyer)
    with refused("AnchorMismatch", head=head):
        house.receivables.counterOffer(receivable_id, changed, [], 1, terms["claim"]["due"], sender=house.buyer)
    originator = house.supplier if name == "originator" else house.seller
    with refused("AnchorMismatch", head=head):
        house.receivables.withdraw(receivable_id, changed, [], sender=originator)
    house.wait(ANSWER_WINDOW_DAYS * DAY)
    with refused("AnchorMismatch", head=head):
        house.receivables.lapse(receivable_id, changed, [], sender=house.stranger)
    house.confirm(receivable_id)  # as registered, it goes through


def test_an_answer_names_no_entry_that_is_not_there(house: House) -> None:
    receivable_id = house.register()
    terms, head = house.terms(receivable_id), house.head(receivable_id)
    for since in ([bytes(32)], [head], house.hashes(receivable_id)):
        with refused("AnchorMismatch", head=head):
            house.receivables.confirm(receivable_id, terms, since, sender=house.buyer)


def test_twins_registered_in_the_same_second_have_different_heads(house: House) -> None:
    """The journal's genesis carries the id, so equal terms anchor each receivable apart."""
    claim, now = house.claim(), house.now + 10
    house.at(now)
    first = house.register(claim)
    house.node.request("anvil_setBlockTimestampInterval", 0)
    house.refuse(first)
    second = house.register(claim)
    house.node.request("anvil_removeBlockTimestampInterval")
    assert house.terms(first) == house.terms(second)
    assert house.hashes(first)[0] == house.hashes(second)[0]
    assert house.head(first) != house.head(second)


def test_only_the_debtor_answers(house: House) -> None:
    receivable_id = house.register()
    for caller in (house.seller, house.operator, house.bank, house.stranger):
        for answer in (house.confirm, house.refuse, house.counter_offer):
            with refused("NotDebtor", caller=caller.address):
                answer(receivable_id, sender=caller)


@pytest.mark.parametrize("receivable_id", [0, 1, 2**128, 2**256 - 1])
def test_an_unknown_receivable_cannot_be_answered(house: House, receivable_id: int) -> None:
    terms = {"originator": house.seller.address, "registeredAt": 1, "answerBy": 2, "claim": house.claim()}
    offer = {"face": 1, "due": terms["claim"]["due"], "at": 1}
    contract, debtor = house.receivables, house.buyer
    for answer in (
        lambda: contract.confirm(receivable_id, terms, [], sender=debtor),
        lambda: contract.refuse(receivable_id, terms, [], 1, sender=debtor),
        lambda: contract.withdraw(receivable_id, terms, [], sender=house.seller),
        lambda: contract.lapse(receivable_id, terms, [], sender=house.stranger),
        lambda: contract.counterOffer(receivable_id, terms, [], 1, terms["claim"]["due"], sender=debtor),
        lambda: contract.acceptOffer(receivable_id, terms, [], offer, sender=house.seller),
    ):
        with refused("UnknownReceivable", receivableId=receivable_id):
            answer()


def test_confirmation_ends_at_the_midnight_of_the_due_date(house: House) -> None:
    due = house.midnight(days=3)
    first, second = house.register(house.claim(due=due)), house.register(house.claim(due=due))
    house.at(due - 1)
    house.confirm(first)
    house.at(due)
    with refused("DueDatePassed", due=due):
        house.confirm(second)
    house.refuse(second)  # a claim can be refused at any time


@pytest.mark.parametrize("person", ["seller", "buyer"])
def test_confirmation_needs_both_parties_in_good_standing(house: House, person: str) -> None:
    receivable_id = house.register()
    house.suspend(getattr(house, person))
    with refused("MemberNotEligible", member=getattr(house, person).address):
        house.confirm(receivable_id)


# ------------------------------------------------------------------ refuse


def test_refusal_tells_the_reason_and_mints_nothing(house: House) -> None:
    receivable_id = house.register()
    receipt = house.refuse(receivable_id, reason=3)
    assert receipt.events == [
        (
            "Refused",
            {
                "receivableId": receivable_id,
                "debtor": house.buyer.address,
                "reason": 3,
                "face": 100_000,
                "at": house.now,
            },
        )
    ]
    assert house.record(receivable_id).status == 3
    assert house.certificate(token(receivable_id)) is None
    assert house.balance(house.seller) == 0


def test_a_refusal_needs_a_reason(house: House) -> None:
    receivable_id = house.register()
    with refused("ReasonMissing"):
        house.refuse(receivable_id, reason=0)


def test_a_suspended_debtor_can_still_refuse(house: House) -> None:
    receivable_id = house.register()
    house.suspend(house.buyer)
    house.refuse(receivable_id)
    assert house.record(receivable_id).status == 3


def test_refusal_frees_the_fingerprint_for_a_new_receivable(house: House) -> None:
    claim = house.claim()
    first = house.register(claim)
    house.refuse(first)
    assert receivable_of(house, claim) == 0

    second = house.register(claim)
    assert second == first + 1
    assert receivable_of(house, claim) == second
    house.confirm(second)
    with refused("StatusForbids", status=3):
        house.confirm(first)
    assert house.certificate(token(first)) is None


def test_refusing_one_claim_leaves_another_pairs_fingerprint(house: House) -> None:
    claim = house.claim()
    house.register(claim, sender=house.supplier)
    house.refuse(house.register(claim))
    assert receivable_of(house, claim, originator=house.supplier) == 1


def test_a_claim_may_be_due_in_a_year_but_not_after_its_members_are(house: House) -> None:
    """KYC is asked for when something is done, not for the whole tenor."""
    house.admit(house.seller, expiry=house.now + YEAR // 2)
    receivable_id = house.confirmed(due=house.midnight(days=TENOR_LIMIT_DAYS))
    house.wait(YEAR // 2)
    with refused("MemberNotEligible", member=house.seller.address):
        house.split(token(receivable_id), 5, to=house.bank)
