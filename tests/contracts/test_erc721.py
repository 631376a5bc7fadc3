"""The token as ERC-721 sees it: approvals, transfers, the receiver hook, re-entrance."""

from __future__ import annotations

from typing import Any

import pytest

from registry.domain.journal import Endorsed, Split
from tests.contracts.door import Door, Receipt, Reverted, refused
from tests.contracts.house import DOCUMENT, FORCED_TRANSFER_DELAY, NO_DOCUMENT, NOBODY, House, named, raw, token


@pytest.fixture
def certificate(receivable_id: int) -> int:
    """A whole receivable of 100,000 cents, the seller's."""
    return token(receivable_id)


def moves(house: House, certificate: int, sender: Any, *, to: Any = None) -> dict[str, Any]:
    """Every way to move a certificate."""
    to = to or house.bank
    contract = house.receivables
    part = {"cut": 9, "receiver": to.address, "document": DOCUMENT}
    endorsement = {"range": named(certificate), "receiver": to.address, "document": DOCUMENT}
    return {
        "split": lambda: contract.split(named(certificate), 9, to, DOCUMENT, sender=sender),
        "splitMany": lambda: contract.splitMany(named(certificate), [part], sender=sender),
        "endorse": lambda: contract.endorse(named(certificate), to, DOCUMENT, sender=sender),
        "endorseMany": lambda: contract.endorseMany([endorsement], sender=sender),
        "transferFrom": lambda: contract.transferFrom(house.seller, to, certificate, sender=sender),
        "safeTransferFrom": lambda: contract.safeTransferFrom(house.seller, to, certificate, sender=sender),
    }


WAYS = ["split", "splitMany", "endorse", "endorseMany", "transferFrom", "safeTransferFrom"]


# ------------------------------------------------------------------- views


def test_an_unknown_token_has_no_owner_and_no_approval(house: House) -> None:
    for view in (house.receivables.ownerOf, house.receivables.getApproved):
        with refused("UnknownCertificate", certificateId=5):
            view(5)


def test_nobody_has_no_balance(house: House) -> None:
    with refused("UnknownMember", member=NOBODY):
        house.receivables.read("balanceOf(address)", NOBODY)


def test_a_balance_counts_certificates_not_cents(house: House, certificate: int) -> None:
    house.receivables.split(named(certificate), 9, house.seller, NO_DOCUMENT, sender=house.seller)
    assert house.balance(house.seller) == 2
    assert house.balance(house.stranger) == 0


# --------------------------------------------------------------- approvals


def test_a_holder_approves_one_account_for_one_certificate(house: House, certificate: int) -> None:
    assert house.receivables.getApproved(certificate) == NOBODY
    receipt = house.receivables.approve(house.stranger, certificate, sender=house.seller)
    assert receipt.events == [
        (
            "Approval",
            {"owner": house.seller.address, "approved": house.stranger.address, "tokenId": certificate},
        )
    ]
    assert house.receivables.getApproved(certificate) == house.stranger


def test_an_approval_can_be_replaced_and_withdrawn(house: House, certificate: int) -> None:
    house.receivables.approve(house.stranger, certificate, sender=house.seller)
    house.receivables.approve(house.buyer, certificate, sender=house.seller)
    with refused("NotHolder", caller=house.stranger.address):
        house.receivables.endorse(named(certificate), house.bank, NO_DOCUMENT, sender=house.stranger)
    house.receivables.approve(NOBODY, certificate, sender=house.seller)
    assert house.receivables.getApproved(certificate) == NOBODY
    with refused("NotHolder", caller=house.buyer.address):
        house.receivables.endorse(named(certificate), house.bank, NO_DOCUMENT, sender=house.buyer)


@pytest.mark.parametrize("way", WAYS)
def test_whoever_is_approved_moves_the_certificate_and_is_named(house: House, certificate: int, way: str) -> None:
    house.receivables.approve(house.stranger, certificate, sender=house.seller)
    receipt = moves(house, certificate, house.stranger)[way]()
    assert receipt.events[0][1]["actor"] == house.stranger
    house.audit()


@pytest.mark.parametrize("way", WAYS)
def test_an_operator_for_all_moves_any_certificate_of_the_holder(house: House, certificate: int, way: str) -> None:
    receipt = house.receivables.setApprovalForAll(house.stranger, True, sender=house.seller)
    assert receipt.events == [
        (
            "ApprovalForAll",
            {"owner": house.seller.address, "operator": house.stranger.address, "approved": True},
        )
    ]
    assert house.receivables.isApprovedForAll(house.seller, house.stranger)
    assert not house.receivables.isApprovedForAll(house.stranger, house.seller)
    moves(house, certificate, house.stranger)[way]()


@pytest.mark.parametrize("way", WAYS)
def test_without_an_approval_nobody_moves_it(house: House, certificate: int, way: str) -> None:
    house.receivables.setApprovalForAll(house.stranger, True, sender=house.seller)
    house.receivables.setApprovalForAll(house.stranger, False, sender=house.seller)
    house.receivables.setApprovalForAll(house.stranger, True, sender=house.bank)  # another holder's operator
    with refused("NotHolder", caller=house.stranger.address):
        moves(house, certificate, house.stranger)[way]()


def test_an_operator_for_all_can_approve_but_an_approved_account_cannot(house: House, certificate: int) -> None:
    house.receivables.setApprovalForAll(house.bank, True, sender=house.seller)
    house.receivables.approve(house.stranger, certificate, sender=house.bank)
    with refused("NotHolder", caller=house.stranger.address):
        house.receivables.approve(house.stranger, certificate, sender=house.stranger)
    with refused("NotHolder", caller=house.buyer.address):
        house.receivables.approve(house.buyer, certificate, sender=house.buyer)
    with refused("UnknownCertificate", certificateId=7):
        house.receivables.approve(house.buyer, 7, sender=house.seller)


@pytest.mark.parametrize("way", WAYS)
def test_every_move_clears_the_approval(house: House, certificate: int, way: str) -> None:
    house.receivables.approve(house.stranger, certificate, sender=house.seller)
    moves(house, certificate, house.seller)[way]()
    assert house.receivables.getApproved(certificate) == NOBODY
    found = house.certificate(certificate)
    assert found is not None
    assert not found.approved
    with refused("NotHolder", caller=house.stranger.address):
        house.receivables.endorse(named(certificate), house.supplier, DOCUMENT, sender=house.stranger)


def test_an_approval_does_not_wake_up_when_the_certificate_comes_back(house: House, certificate: int) -> None:
    house.receivables.approve(house.stranger, certificate, sender=house.seller)
    house.receivables.endorse(named(certificate), house.bank, NO_DOCUMENT, sender=house.seller)
    house.receivables.endorse(named(certificate), house.seller, DOCUMENT, sender=house.bank)
    assert house.receivables.getApproved(certificate) == NOBODY
    with refused("NotHolder", caller=house.stranger.address):
        house.receivables.endorse(named(certificate), house.bank, NO_DOCUMENT, sender=house.stranger)


def test_the_tail_of_a_split_starts_without_an_approval(house: House, certificate: int) -> None:
    house.receivables.approve(house.stranger, certificate, sender=house.seller)
    house.receivables.split(named(certificate), 10, house.seller, NO_DOCUMENT, sender=house.stranger)
    assert house.receivables.getApproved(certificate + 10) == NOBODY
    with refused("NotHolder", caller=house.stranger.address):
        house.receivables.endorse(named(certificate + 10), house.bank, NO_DOCUMENT, sender=house.stranger)


def test_an_approved_account_cannot_lift_its_principals_suspension(house: House, certificate: int) -> None:
    house.receivables.approve(house.bank, certificate, sender=house.seller)
    house.suspend(house.seller)
    with refused("MemberNotEligible", member=house.seller.address):
        house.receivables.transferFrom(house.seller, house.bank, certificate, sender=house.bank)


def test_who_follows_the_events_knows_every_approval(house: House, receivable_id: int) -> None:
    """Approval and Transfer tell it all, as ERC-721 has it: also that a cut or a merger ended one."""
    contract, seller, stranger = house.receivables, house.seller, house.stranger
    front, tail = token(receivable_id), token(receivable_id, 50_000)
    known: dict[int, str] = {}

    def done(receipt: Receipt) -> None:
        for event, fields in receipt.events:
            if event == "Approval":
                known[fields["tokenId"]] = fields["approved"]
            elif event == "Transfer":
                known[fields["tokenId"]] = NOBODY
        for start, _, _ in house.cover(receivable_id):
            assert contract.getApproved(token(receivable_id, start)) == known.get(token(receivable_id, start), NOBODY)

    def approve(certificate: int) -> None:
        done(contract.approve(stranger, certificate, sender=seller))

    part = {"cut": 60_000, "receiver": seller.address, "document": NO_DOCUMENT}
    approve(front)
    done(contract.splitMany(named(front), [part], sender=seller))
    approve(front)
    done(house.split(front, 50_000, to=seller))
    approve(front)
    approve(tail)
    done(house.merge(front))
    approve(front)
    done(house.partition(named(front, 60_000), 50_000))
    approve(front)
    done(house.freeze_certificate(named(front, 50_000)))
    done(house.unfreeze_certificate(named(front, 50_000)))
    assert known[front] == stranger
    done(house.endorse(front, to=house.bank))
    approve(tail)
    house.freeze_certificate(named(tail, 60_000))
    house.wait(FORCED_TRANSFER_DELAY)
    done(house.force_transfer(named(tail, 60_000)))


def test_a_holder_has_as_many_operators_as_it_likes(house: House, receivable_id: int, certificate: int) -> None:
    for operator in (house.stranger, house.operator):
        house.receivables.setApprovalForAll(operator, True, sender=house.seller)
    house.endorse(certificate, sender=house.stranger)
    house.endorse(certificate, to=house.seller, sender=house.supplier)
    house.receivables.setApprovalForAll(house.stranger, False, sender=house.seller)
    house.endorse(certificate, sender=house.operator)
    assert house.cover(receivable_id) == [(0, 100_000, house.supplier.address)]


# --------------------------------------------------------------- transfers


def test_who_follows_the_transfers_knows_every_holder_and_every_balance(house: House) -> None:
    """By whatever way a certificate comes to be, changes hands or ends: confirmation, offer, cut, order, merger."""
    held: dict[int, str] = {}
    contract, seller, bank, supplier = house.receivables, house.seller, house.bank, house.supplier
    opened, offered = house.register(), house.register()
    front = token(opened)
    house.counter_offer(offered)

    def done(receipt: Receipt) -> None:
        for event, fields in receipt.events:
            if event == "Transfer":
                assert held.get(fields["tokenId"], NOBODY) == fields["from"]
                held[fields["tokenId"]] = fields["to"]
        live = {token(each, start): holder for each in (opened, offered) for start, _, holder in house.cover(each)}
        assert {certificate: holder for certificate, holder in held.items() if holder != NOBODY} == live
        for member in (seller, bank, supplier):
            assert house.balance(member) == list(live.values()).count(member.address)

    parts = [{"cut": cut, "receiver": bank.address, "document": NO_DOCUMENT} for cut in (90_000, 80_000)]
    moves = [{"range": named(token(offered), 90_000), "receiver": bank.address, "document": NO_DOCUMENT}]
    done(house.confirm(opened))
    done(house.accept_offer(offered))
    done(contract.splitMany(named(front), parts, sender=seller))
    done(house.split(front, 40_000, to=seller))
    done(house.merge(front))
    done(house.partition(named(front, 80_000), 7))
    done(house.merge(token(opened, 80_000), sender=bank))
    done(contract.endorseMany(moves, sender=seller))
    done(contract.safeTransferFrom(seller, bank, front, sender=seller))
    done(house.endorse(front, sender=bank))
    house.freeze_member(supplier)
    house.wait(FORCED_TRANSFER_DELAY)
    done(house.force_transfer(named(front, 7), to=seller))


def test_a_plain_transfer_reaches_a_financier(house: House, certificate: int) -> None:
    receipt = house.receivables.transferFrom(house.seller, house.bank, certificate, sender=house.seller)
    assert [name for name, _ in receipt.events] == ["Endorsed", "Transfer"]
    assert receipt.events[0][1]["document"] == NO_DOCUMENT
    assert house.receivables.ownerOf(certificate) == house.bank


@pytest.mark.parametrize("way", ["transferFrom", "safeTransferFrom"])
def test_a_plain_transfer_reaches_nobody_else(house: House, certificate: int, way: str) -> None:
    with refused("TradeDocumentMissing"):
        moves(house, certificate, house.seller, to=house.supplier)[way]()
    with refused("MemberNotEligible", member=house.stranger.address):
        moves(house, certificate, house.seller, to=house.stranger)[way]()
    with refused("SameHolder"):
        moves(house, certificate, house.seller, to=house.seller)[way]()


@pytest.mark.parametrize("way", ["transferFrom", "safeTransferFrom"])
def test_a_transfer_names_the_holder_it_takes_from(house: House, certificate: int, way: str) -> None:
    transfer = getattr(house.receivables, way)
    with refused("NotHolder", caller=house.supplier.address):
        transfer(house.supplier, house.bank, certificate, sender=house.seller)
    with refused("UnknownCertificate", certificateId=certificate + 1):
        transfer(house.seller, house.bank, certificate + 1, sender=house.seller)


@pytest.mark.parametrize("words", [b"", b"and more words for the receiver"])
def test_a_safe_transfer_carries_the_document_in_its_data(house: House, certificate: int, words: bytes) -> None:
    data = DOCUMENT + words
    receipt = house.receivables.safeTransferFrom(house.seller, house.supplier, certificate, data, sender=house.seller)
    assert receipt.events[0][1]["document"] == DOCUMENT
    assert house.receivables.ownerOf(certificate) == house.supplier


def test_data_shorter_than_a_hash_is_no_document(house: House, certificate: int) -> None:
    with refused("TradeDocumentMissing"):
        house.receivables.safeTransferFrom(
            house.seller, house.supplier, certificate, DOCUMENT[:31], sender=house.seller
        )


# -------------------------------------------------------- the receiver hook


def test_a_contract_that_accepts_receives_and_is_told_everything(house: House, certificate: int, wallet: Door) -> None:
    house.receivables.approve(house.stranger, certificate, sender=house.seller)
    house.receivables.safeTransferFrom(house.seller, wallet, certificate, DOCUMENT, sender=house.stranger)
    assert house.receivables.ownerOf(certificate) == wallet.address
    assert (wallet.operator(), wallet.sender()) == (house.stranger, house.seller)
    assert wallet.tokenId() == certificate
    assert wallet.data() == DOCUMENT


def test_a_contract_that_answers_wrongly_does_not_receive(house: House, certificate: int, wallet: Door) -> None:
    wallet.setMode(1, sender=house.stranger)
    with refused("ERC721InvalidReceiver", receiver=wallet.address):
        house.receivables.safeTransferFrom(house.seller, wallet, certificate, sender=house.seller)
    assert house.receivables.ownerOf(certificate) == house.seller


def test_a_contract_that_reverts_does_not_receive_and_its_reason_is_passed_on(
    house: House, certificate: int, wallet: Door
) -> None:
    wallet.setMode(2, sender=house.stranger)
    with pytest.raises(Reverted) as caught:
        house.receivables.safeTransferFrom(house.seller, wallet, certificate, sender=house.seller)
    # Error(string), as `revert("not today")` leaves it.
    assert caught.value.data[:4].hex() == "08c379a0"
    assert b"not today" in caught.value.data
    wallet.setMode(3, sender=house.stranger)
    with refused("ERC721InvalidReceiver", receiver=wallet.address):
        house.receivables.safeTransferFrom(house.seller, wallet, certificate, sender=house.seller)
    assert house.receivables.ownerOf(certificate) == house.seller


def test_a_contract_without_a_hook_does_not_receive_safely(house: House, certificate: int, hookless: Door) -> None:
    with refused("ERC721InvalidReceiver", receiver=hookless.address):
        house.receivables.safeTransferFrom(house.seller, hookless, certificate, sender=house.seller)


@pytest.mark.parametrize("way", ["split", "splitMany", "endorse", "endorseMany", "transferFrom"])
def test_no_other_way_in_asks_the_receiver(house: House, certificate: int, wallet: Door, way: str) -> None:
    """A receiver cannot block or tax an operation by what its hook does."""
    wallet.setMode(2, sender=house.stranger)
    moves(house, certificate, house.seller, to=wallet)[way]()
    assert wallet.operator() == NOBODY


def test_a_forced_transfer_does_not_ask_the_receiver(house: House, certificate: int, wallet: Door) -> None:
    wallet.setMode(2, sender=house.stranger)
    house.freeze_certificate(named(certificate))
    house.wait(FORCED_TRANSFER_DELAY)
    house.force_transfer(named(certificate), to=wallet)
    assert house.receivables.ownerOf(certificate) == wallet.address


def test_confirmation_does_not_ask_the_originator(house: House, wallet: Door) -> None:
    wallet.setMode(2, sender=house.stranger)
    wallet.execute(house.receivables, house.receivables.register.encode_input(house.claim()), sender=house.stranger)
    receivable_id = house.receivables.count()
    house.confirm(receivable_id)
    assert house.receivables.ownerOf(token(receivable_id)) == wallet.address


# -------------------------------------------------------------- re-entrance


def receive(house: House, certificate: int, wallet: Door, *, inside: bytes) -> bool:
    """The seller sends the certificate safely; the wallet calls the registry from inside its hook. Did that succeed?"""
    wallet.setPlan(house.receivables, inside, sender=house.stranger)
    house.receivables.safeTransferFrom(house.seller, wallet, certificate, sender=house.seller)
    return bool(wallet.hookSucceeded())


def test_a_receiver_may_pass_the_certificate_on_from_inside_the_hook(
    house: House, receivable_id: int, certificate: int, wallet: Door
) -> None:
    inside = house.receivables.endorse.encode_input(named(certificate), house.bank, NO_DOCUMENT)
    assert receive(house, certificate, wallet, inside=inside)
    assert house.receivables.ownerOf(certificate) == house.bank
    journal = house.audit().journals[receivable_id]
    assert [(type(entry), entry.actor) for entry in journal[2:]] == [
        (Endorsed, raw(house.seller)),
        (Endorsed, raw(wallet)),
    ]


def test_a_receiver_may_split_from_inside_the_hook(
    house: House, receivable_id: int, certificate: int, wallet: Door
) -> None:
    inside = house.receivables.split.encode_input(named(certificate), 30_000, house.seller, DOCUMENT)
    assert receive(house, certificate, wallet, inside=inside)
    assert (house.balance(wallet), house.balance(house.seller)) == (1, 1)
    assert [type(entry) for entry in house.audit().journals[receivable_id][2:]] == [Endorsed, Split]


def test_a_receiver_may_merge_from_inside_the_hook(
    house: House, receivable_id: int, certificate: int, wallet: Door
) -> None:
    house.split(certificate, 40_000, to=wallet)
    inside = house.receivables.merge.encode_input(named(certificate, 40_000), 100_000)
    assert receive(house, certificate, wallet, inside=inside)
    assert house.cover(receivable_id) == [(0, 100_000, wallet.address)]
    assert (house.balance(wallet), house.balance(house.seller)) == (1, 0)


def test_a_certificate_is_received_once_whatever_the_hook_tries(house: House, certificate: int, wallet: Door) -> None:
    """From inside the hook the wallet tries to take the certificate from the seller a second time."""
    house.receivables.setApprovalForAll(wallet, True, sender=house.seller)
    inside = house.receivables.transferFrom.encode_input(house.seller, wallet, certificate)
    assert not receive(house, certificate, wallet, inside=inside)  # the seller no longer holds it
    assert house.receivables.reverted(wallet.hookAnswer()).name == "NotHolder"
    assert house.balance(wallet) == 1


def test_an_approval_is_spent_before_the_hook_runs(house: House, certificate: int, wallet: Door) -> None:
    """The approved wallet sends the certificate to itself and, inside the hook, tries to use its approval again."""
    house.receivables.approve(wallet, certificate, sender=house.seller)
    inside = house.receivables.approve.encode_input(house.stranger, certificate)
    wallet.setPlan(house.receivables, inside, sender=house.stranger)
    call = house.receivables.safeTransferFrom.encode_input(house.seller, wallet, certificate, b"")
    wallet.execute(house.receivables, call, sender=house.stranger)
    # As the new holder it may approve: what stands is its own approval, not the seller's.
    assert wallet.hookSucceeded()
    assert house.receivables.ownerOf(certificate) == wallet.address
    assert house.receivables.getApproved(certificate) == house.stranger


def test_a_registration_from_inside_the_hook_takes_its_own_id(house: House, certificate: int, wallet: Door) -> None:
    before = house.receivables.count()
    assert receive(house, certificate, wallet, inside=house.receivables.register.encode_input(house.claim()))
    assert house.receivables.count() == before + 1


def test_a_signature_of_the_former_holder_is_worth_nothing_inside_the_hook(
    house: House, receivable_id: int, certificate: int, wallet: Door
) -> None:
    fields = {"receivableId": receivable_id, "start": 0, "end": 100_000}
    moved = house.authorise("Endorse", house.seller, **fields, receiver=house.bank.address, document=NO_DOCUMENT)
    inside = house.receivables.endorseBySignature.encode_input(named(certificate), house.bank, NO_DOCUMENT, moved)
    assert not receive(house, certificate, wallet, inside=inside)
    assert house.receivables.reverted(wallet.hookAnswer()).name == "NotHolder"
    assert house.receivables.noncesUsed(house.seller, moved["nonce"] >> 8) == 0
