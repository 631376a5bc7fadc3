"""Register, confirm, refuse: the debtor answers exactly what was registered, once."""

from __future__ import annotations

from typing import Any

import pytest

from registry.chain.words import CertificateWord, RecordWords
from tests.contracts.conftest import DAY, EUR, NOBODY, House, events, raw, refused, token


def record(house: House, receivable_id: int) -> RecordWords:
    return house.view.records([receivable_id])[receivable_id]


def receivable_of(house: House, claim: dict[str, Any], *, originator: Any = None) -> int:
    originator = originator or house.seller
    return int(house.receivables.receivableOf(claim["fingerprint"], claim["debtor"], originator))


# ---------------------------------------------------------------- register


def test_a_claim_is_registered_under_the_next_id(house: House) -> None:
    claim = house.claim()
    receipt = house.receivables.register(claim, sender=house.seller)

    assert house.receivables.count() == 1
    assert receivable_of(house, claim) == 1
    assert events(receipt) == [
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
                "at": house.now,
            },
        )
    ]
    written = record(house, 1)
    assert (written.debtor, written.due, written.currency, written.status) == (
        raw(house.buyer),
        claim["due"],
        EUR,
        1,
    )
    assert (written.face, written.paid, written.front_endorsed) == (0, 0, False)
    assert house.receivables.balanceOf(house.seller) == 0
    assert house.register() == 2


@pytest.mark.parametrize(
    ("changes", "error", "inputs"),
    [
        ({"face": 0}, "FaceMissing", {}),
        ({"currency": 0}, "CurrencyMalformed", {"currency": 0}),
        ({"currency": 1000}, "CurrencyMalformed", {"currency": 1000}),
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


def test_the_largest_and_the_smallest_values_are_claims(house: House) -> None:
    last_midnight = (2**40 - 1) // DAY * DAY
    largest = house.register(house.claim(face=2**64 - 1, due=last_midnight, currency=999))
    smallest = house.register(house.claim(face=1, currency=1))
    house.confirm(largest)
    house.confirm(smallest)
    assert house.view.certificates([(largest, 0)]) == {
        (largest, 0): CertificateWord(holder=raw(house.seller), end=2**64 - 1, approved=False)
    }
    assert (record(house, largest).due, record(house, largest).currency) == (last_midnight, 999)
    assert house.view.read("balanceOf(uint256)", token(smallest)) == 1


def test_a_claim_is_due_later_than_now_to_the_second(house: House) -> None:
    due = house.midnight(days=2)
    house.at(due - 1)
    house.register(house.claim(due=due))
    house.at(due)
    with refused("DueDatePassed", due=due):
        house.register(house.claim(due=due))


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


# ----------------------------------------------------------------- confirm


def test_confirmation_mints_the_whole_to_the_originator(house: House) -> None:
    receivable_id = house.register()
    head = record(house, receivable_id).head
    receipt = house.confirm(receivable_id)

    certificate = token(receivable_id)
    assert events(receipt) == [
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
    written = record(house, receivable_id)
    assert (written.status, written.face, written.paid, written.cancelled, written.disputed) == (2, 100_000, 0, 0, 0)
    assert written.head != head
    assert house.view.certificates([(receivable_id, 0)]) == {
        (receivable_id, 0): CertificateWord(holder=raw(house.seller), end=100_000, approved=False)
    }
    assert house.receivables.ownerOf(certificate) == house.seller
    assert house.receivables.balanceOf(house.seller) == 1


CHANGES: dict[str, Any] = {
    "debtor": lambda house, old: house.bank.address,
    "face": lambda house, old: old - 1,
    "due": lambda house, old: old + DAY,
    "currency": lambda house, old: old + 1,
    "fingerprint": lambda house, old: b"\xee" * 32,
    "documentRoot": lambda house, old: b"\xee" * 32,
}


@pytest.mark.parametrize("name", [*CHANGES, "originator", "registeredAt"])
def test_an_answer_must_name_every_term_as_registered(house: House, name: str) -> None:
    receivable_id = house.register()
    terms = house.terms(receivable_id)
    if name in CHANGES:
        changed = terms | {"claim": terms["claim"] | {name: CHANGES[name](house, terms["claim"][name])}}
    else:
        changed = terms | {name: house.supplier.address if name == "originator" else terms[name] + 1}

    head = record(house, receivable_id).head
    with refused("AnchorMismatch", head=head):
        house.receivables.confirm(receivable_id, changed, sender=house.buyer)
    with refused("AnchorMismatch", head=head):
        house.receivables.refuse(receivable_id, changed, 1, sender=house.buyer)
    house.confirm(receivable_id)  # as registered, it goes through


def test_twins_registered_in_the_same_second_have_different_heads(house: House) -> None:
    """The journal's genesis carries the id, so equal terms anchor each receivable apart."""
    claim, now = house.claim(), house.now + 10
    house.at(now)
    first = house.register(claim)
    house.refuse(first)
    house.at(now)
    second = house.register(claim)
    assert house.terms(first) == house.terms(second)
    heads = {entry.head for entry in (record(house, first), record(house, second))}
    assert len(heads) == 2


def test_only_the_debtor_answers(house: House) -> None:
    receivable_id = house.register()
    for caller in (house.seller, house.operator, house.bank, house.stranger):
        with refused("NotDebtor", caller=caller.address):
            house.confirm(receivable_id, sender=caller)
        with refused("NotDebtor", caller=caller.address):
            house.refuse(receivable_id, sender=caller)


@pytest.mark.parametrize("receivable_id", [0, 1, 2**256 - 1])
def test_an_unknown_receivable_cannot_be_answered(house: House, receivable_id: int) -> None:
    terms = {"originator": house.seller.address, "registeredAt": house.now, "claim": house.claim()}
    with refused("UnknownReceivable", receivableId=receivable_id):
        house.receivables.confirm(receivable_id, terms, sender=house.buyer)
    with refused("UnknownReceivable", receivableId=receivable_id):
        house.receivables.refuse(receivable_id, terms, 1, sender=house.buyer)


def test_an_answer_is_final(house: House) -> None:
    confirmed, declined = house.confirmed(), house.register()
    house.refuse(declined)
    for receivable_id, status in ((confirmed, 2), (declined, 3)):
        with refused("StatusForbids", status=status):
            house.confirm(receivable_id)
        with refused("StatusForbids", status=status):
            house.refuse(receivable_id)


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
    assert events(receipt) == [
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
    assert (record(house, receivable_id).status, record(house, receivable_id).face) == (3, 0)
    assert house.view.certificates([(receivable_id, 0)])[receivable_id, 0].end == 0
    assert house.receivables.balanceOf(house.seller) == 0


def test_a_refusal_needs_a_reason(house: House) -> None:
    receivable_id = house.register()
    with refused("ReasonMissing"):
        house.refuse(receivable_id, reason=0)


def test_a_suspended_debtor_can_still_refuse(house: House) -> None:
    receivable_id = house.register()
    house.suspend(house.buyer)
    house.refuse(receivable_id)
    assert record(house, receivable_id).status == 3


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
    assert house.view.certificates([(first, 0)])[first, 0].end == 0


def test_refusing_one_claim_leaves_another_pairs_fingerprint(house: House) -> None:
    claim = house.claim()
    house.register(claim, sender=house.supplier)
    house.refuse(house.register(claim))
    assert receivable_of(house, claim, originator=house.supplier) == 1
