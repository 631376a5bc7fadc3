"""Split and endorse: ranges of cents with one holder each."""

from __future__ import annotations

from typing import Any

import pytest

from registry.chain.words import CertificateWord
from registry.domain.keccak import keccak256
from tests.contracts.conftest import (
    DOCUMENT,
    NO_DOCUMENT,
    NOBODY,
    House,
    events,
    named,
    raw,
    refused,
    refused_view,
    token,
)


@pytest.fixture
def receivable_id(house: House) -> int:
    """A confirmed receivable over 100,000 cents, all of them the seller's."""
    return house.confirmed()


def present(house: House, certificate: int) -> int:
    """The certificate with the end that it has now."""
    return named(certificate, house.receivables.certificates([certificate])[0] >> 160 & 2**64 - 1)


def split(
    house: House,
    certificate: int,
    cut: int,
    *,
    end: int | None = None,
    to: Any = None,
    document: bytes = DOCUMENT,
    sender: Any = None,
) -> Any:
    """Split by the range as it is now, unless the test names another end."""
    whole = present(house, certificate) if end is None else named(certificate, end)
    return house.receivables.split(whole, cut, to or house.supplier, document, sender=sender or house.seller)


def endorse(
    house: House,
    certificate: int,
    *,
    end: int | None = None,
    to: Any = None,
    document: bytes = DOCUMENT,
    sender: Any = None,
) -> Any:
    """Endorse by the range as it is now, unless the test names another end."""
    whole = present(house, certificate) if end is None else named(certificate, end)
    return house.receivables.endorse(whole, to or house.supplier, document, sender=sender or house.seller)


def words(house: House, *ids: tuple[int, int]) -> list[tuple[Any, int]]:
    return [(word.holder, word.end) for word in house.view.certificates(ids).values()]


# ------------------------------------------------------------------- split


def test_a_split_leaves_the_head_and_hands_over_the_tail(house: House, receivable_id: int) -> None:
    receipt = split(house, token(receivable_id), 40_000)

    tail = token(receivable_id, 40_000)
    assert receipt.return_value == tail
    assert events(receipt) == [
        (
            "Split",
            {
                "receivableId": receivable_id,
                "actor": house.seller.address,
                "receiver": house.supplier.address,
                "start": 0,
                "end": 100_000,
                "cut": 40_000,
                "document": DOCUMENT,
                "at": house.now,
            },
        ),
        ("Transfer", {"from": NOBODY, "to": house.supplier.address, "tokenId": tail}),
        ("SlotChanged", {"tokenId": tail, "oldSlot": 0, "newSlot": receivable_id}),
        ("TransferValue", {"fromTokenId": token(receivable_id), "toTokenId": tail, "value": 60_000}),
    ]
    assert words(house, (receivable_id, 0), (receivable_id, 40_000)) == [
        (raw(house.seller), 40_000),
        (raw(house.supplier), 100_000),
    ]
    assert (house.receivables.balanceOf(house.seller), house.receivables.balanceOf(house.supplier)) == (1, 1)


def test_a_split_to_oneself_needs_no_document(house: House, receivable_id: int) -> None:
    split(house, token(receivable_id), 1, to=house.seller, document=NO_DOCUMENT)
    assert words(house, (receivable_id, 0), (receivable_id, 1)) == [
        (raw(house.seller), 1),
        (raw(house.seller), 100_000),
    ]
    assert house.receivables.balanceOf(house.seller) == 2


def test_a_split_to_a_financier_needs_no_document(house: House, receivable_id: int) -> None:
    split(house, token(receivable_id), 99_999, to=house.bank, document=NO_DOCUMENT)
    assert house.receivables.ownerOf(token(receivable_id, 99_999)) == house.bank


def test_a_split_to_a_supplier_needs_a_document(house: House, receivable_id: int) -> None:
    with refused("TradeDocumentMissing"):
        split(house, token(receivable_id), 1, document=NO_DOCUMENT)


@pytest.mark.parametrize("cut", [0, 40_000, 100_000, 100_001, 2**64 - 1])
def test_a_cut_lies_inside_the_range(house: House, receivable_id: int, cut: int) -> None:
    split(house, token(receivable_id), 40_000, to=house.seller)
    with refused("CutOutOfRange", start=40_000, cut=cut, end=100_000):
        split(house, token(receivable_id, 40_000), cut)


def test_a_single_cent_cannot_be_split(house: House) -> None:
    receivable_id = house.confirmed(face=1)
    for cut in (0, 1):
        with refused("CutOutOfRange", start=0, cut=cut, end=1):
            split(house, token(receivable_id), cut)


def test_a_receivable_splits_down_to_its_cents(house: House) -> None:
    receivable_id = house.confirmed(face=4)
    split(house, token(receivable_id), 2)
    split(house, token(receivable_id), 1, to=house.bank)
    split(house, token(receivable_id, 2), 3, to=house.seller, sender=house.supplier)
    holders = [house.receivables.ownerOf(token(receivable_id, cent)) for cent in range(4)]
    assert holders == [house.seller, house.bank, house.supplier, house.seller]
    with refused_view("UnknownCertificate", certificateId=token(receivable_id, 4)):
        house.read("ownerOf(uint256)", token(receivable_id, 4))


# ----------------------------------------------------------------- endorse


def test_an_endorsement_moves_the_whole(house: House, receivable_id: int) -> None:
    receipt = endorse(house, token(receivable_id))

    assert events(receipt) == [
        (
            "Endorsed",
            {
                "receivableId": receivable_id,
                "actor": house.seller.address,
                "receiver": house.supplier.address,
                "start": 0,
                "end": 100_000,
                "document": DOCUMENT,
                "at": house.now,
            },
        ),
        (
            "Transfer",
            {"from": house.seller.address, "to": house.supplier.address, "tokenId": token(receivable_id)},
        ),
    ]
    assert words(house, (receivable_id, 0)) == [(raw(house.supplier), 100_000)]
    assert (house.receivables.balanceOf(house.seller), house.receivables.balanceOf(house.supplier)) == (0, 1)


def test_the_front_is_marked_once_it_was_endorsed(house: House, receivable_id: int) -> None:
    def marked() -> bool:
        return house.view.records([receivable_id])[receivable_id].front_endorsed

    split(house, token(receivable_id), 50_000)
    endorse(house, token(receivable_id, 50_000), to=house.bank, sender=house.supplier)
    assert not marked()
    endorse(house, token(receivable_id))
    assert marked()
    endorse(house, token(receivable_id), to=house.seller, sender=house.supplier)
    assert marked()


def test_an_endorsement_to_the_holder_is_refused(house: House, receivable_id: int) -> None:
    with refused("SameHolder"):
        endorse(house, token(receivable_id), to=house.seller)


def test_an_endorsement_to_a_supplier_needs_a_document(house: House, receivable_id: int) -> None:
    with refused("TradeDocumentMissing"):
        endorse(house, token(receivable_id), document=NO_DOCUMENT)
    endorse(house, token(receivable_id), to=house.bank, document=NO_DOCUMENT)


# ------------------------------------------------------------ for both


MOVES = {
    "split": lambda house, certificate, **others: split(house, certificate, 1, **others),
    "endorse": endorse,
}
both = pytest.mark.parametrize("move", MOVES.values(), ids=MOVES)


@both
def test_only_the_holder_moves_a_certificate(house: House, receivable_id: int, move: Any) -> None:
    for caller in (house.operator, house.buyer, house.bank, house.stranger):
        with refused("NotHolder", caller=caller.address):
            move(house, token(receivable_id), to=house.bank, sender=caller)


@both
def test_who_was_overtaken_by_another_cut_moves_nothing(house: House, receivable_id: int, move: Any) -> None:
    """Two sessions with the same certificate in view: the operator's cut comes first, the holder's move names the
    range of before."""
    house.receivables.setApprovalForAll(house.operator, True, sender=house.seller)
    split(house, token(receivable_id), 60_000, end=100_000, to=house.bank, sender=house.operator)
    before = (house.view.heads([0, receivable_id]), house.view.certificates([(receivable_id, 0), (receivable_id, 1)]))
    balances = [house.receivables.balanceOf(member) for member in (house.seller, house.supplier, house.bank)]
    with refused("RangeChanged", start=0, end=60_000):
        move(house, token(receivable_id), end=100_000)
    after = (house.view.heads([0, receivable_id]), house.view.certificates([(receivable_id, 0), (receivable_id, 1)]))
    assert after == before
    assert [house.receivables.balanceOf(member) for member in (house.seller, house.supplier, house.bank)] == balances
    move(house, token(receivable_id), end=60_000)


@both
@pytest.mark.parametrize("end", [0, 99_999, 100_001, 2**64 - 1])
def test_an_operation_names_the_whole_range(house: House, receivable_id: int, move: Any, end: int) -> None:
    with refused("RangeChanged", start=0, end=100_000):
        move(house, token(receivable_id), end=end)


@both
def test_the_range_is_checked_after_authority_and_before_all_else(house: House, receivable_id: int, move: Any) -> None:
    due = house.view.records([receivable_id])[receivable_id].due
    house.at(due)
    with refused("NotHolder", caller=house.stranger.address):
        move(house, token(receivable_id), end=7, sender=house.stranger)
    with refused("RangeChanged", start=0, end=100_000):
        move(house, token(receivable_id), end=7, to=house.stranger)


@both
@pytest.mark.parametrize("offset", [1, 2**64, 2**191])
def test_an_unknown_certificate_does_not_move(house: House, receivable_id: int, move: Any, offset: int) -> None:
    with refused("UnknownCertificate", certificateId=token(receivable_id) + offset):
        move(house, token(receivable_id) + offset)


@both
def test_a_claim_that_is_not_confirmed_has_no_certificate(house: House, move: Any) -> None:
    receivable_id = house.register()
    with refused("UnknownCertificate", certificateId=token(receivable_id)):
        move(house, token(receivable_id))


@both
def test_nothing_moves_from_the_midnight_of_the_due_date_on(house: House, move: Any) -> None:
    due = house.midnight(days=3)
    first, second = house.confirmed(due=due), house.confirmed(due=due)
    house.at(due - 1)
    move(house, token(first))
    house.at(due)
    with refused("DueDatePassed", due=due):
        move(house, token(second))


@both
def test_nothing_moves_once_the_debtor_has_paid(house: House, receivable_id: int, move: Any) -> None:
    """There is no payment yet, so the test writes the word as one would: face | paid << 64.

    Slot 0 is the authority's, slot 1 the records', and amounts are a record's second word.
    """
    amounts = int.from_bytes(keccak256(receivable_id.to_bytes(32) + (1).to_bytes(32))) + 1
    node = house.node
    slot = [house.receivables.address, "0x" + amounts.to_bytes(32).hex()]
    assert int(node.request("eth_getStorageAt", *slot, "latest"), 16) == 100_000
    node.request("anvil_setStorageAt", *slot, "0x" + (100_000 | 1 << 64).to_bytes(32).hex())
    with refused("AlreadyPaid"):
        move(house, token(receivable_id))
    node.request("anvil_setStorageAt", *slot, "0x" + (100_000).to_bytes(32).hex())


@both
@pytest.mark.parametrize("person", ["seller", "supplier"])
def test_neither_a_suspended_giver_nor_a_suspended_receiver_takes_part(
    house: House, receivable_id: int, move: Any, person: str
) -> None:
    member = getattr(house, person)
    house.suspend(member)
    with refused("MemberNotEligible", member=member.address):
        move(house, token(receivable_id))


@both
@pytest.mark.parametrize("person", ["seller", "supplier"])
def test_nor_does_one_whose_kyc_has_expired(house: House, receivable_id: int, move: Any, person: str) -> None:
    member = getattr(house, person)
    expiry = house.now + 500
    house.admit(member, expiry=expiry)
    house.at(expiry)
    with refused("MemberNotEligible", member=member.address):
        move(house, token(receivable_id))


@both
def test_a_stranger_cannot_receive(house: House, receivable_id: int, move: Any) -> None:
    for receiver in (house.stranger, NOBODY):
        with refused("MemberNotEligible", member=getattr(receiver, "address", receiver)):
            move(house, token(receivable_id), to=receiver)


@both
def test_a_member_who_is_suspended_keeps_what_it_holds(house: House, receivable_id: int, move: Any) -> None:
    house.suspend(house.seller)
    assert house.receivables.ownerOf(token(receivable_id)) == house.seller
    house.admit(house.seller)
    move(house, token(receivable_id))


def test_a_long_chain_of_holders_conserves_every_cent(house: House) -> None:
    receivable_id = house.confirmed(face=1_000)
    holders = [house.seller, house.supplier, house.bank]
    start, end = 0, 1_000
    for step in range(6):
        giver, receiver = holders[step % 3], holders[(step + 1) % 3]
        split(house, token(receivable_id, start), start + 100, to=receiver, sender=giver)
        start += 100
    state = house.audit().receivables[receivable_id]
    assert sum(certificate.amount for certificate in state.certificates.values()) == end
    assert len(state.certificates) == 7


def test_certificate_words_say_whether_somebody_is_approved(house: House, receivable_id: int) -> None:
    house.receivables.approve(house.bank, token(receivable_id), sender=house.seller)
    assert house.view.certificates([(receivable_id, 0)]) == {
        (receivable_id, 0): CertificateWord(holder=raw(house.seller), end=100_000, approved=True)
    }
