"""The desk: a quote is accepted once, by its holder, for cash and certificate at the same time; or nothing happens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ape
import pytest
from eth_account import Account

from tests.contracts.bank import DEPOSIT, DESK, PLEDGE, PRICE, SALE, Bank, made_token, quoted
from tests.contracts.door import Door, Reverted, deployed, reverts
from tests.contracts.house import (
    DAY,
    DOCUMENT,
    FINANCIER_ROLE,
    NOBODY,
    ORDER,
    SUPPLIER_ROLE,
    Certificate,
    House,
    address,
    named,
    token,
)

UNLIMITED = 2**256 - 1
CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
SALE_GAS_MAX = 160_000
YES, NO, REVERT, GARBAGE, SHORT, LONG, BURN_GAS, WRITE = range(8)


@pytest.fixture(scope="module")
def opened_bank(opened_bank: Bank) -> Bank:
    """A bank where the financier has deposits, which it lets the desk take. The seller lets the desk sell for it."""
    house = opened_bank.house
    opened_bank.mint(house.bank)
    opened_bank.token.approve(opened_bank.desk, UNLIMITED, sender=house.bank)
    house.receivables.setApprovalForAll(opened_bank.desk, True, sender=house.seller)
    return opened_bank


def cash(bank: Bank) -> tuple[int, int]:
    """What seller and financier have."""
    return bank.balance(bank.house.seller), bank.balance(bank.house.bank)


def rights(house: House, certificate: int) -> tuple[tuple[str, int], tuple[str, int]]:
    """Lien and right of recourse on a certificate: whose, and for how much."""
    found = house.receivables.rights([certificate])[0]
    lien, recourse = ((address(word), word >> 160 & 2**64 - 1) for word in (int(found.lien), int(found.recourse)))
    return lien, recourse


NONE = (NOBODY, 0)


# ---- what a quote does


def test_a_sale_swaps_cash_and_certificate(bank: Bank, receivable_id: int) -> None:
    house, front = bank.house, token(receivable_id)
    seller, financier = house.seller.address, house.bank.address
    quote = bank.quote(receivable_id, amount=90_000)
    receipt = bank.accept(quote)
    sold = {"receivableId": receivable_id, "actor": bank.desk.address, "financier": financier}
    sold |= {"start": 0, "end": 100_000, "cut": 0, "price": PRICE, "recourse": 90_000}
    accepted = {"quote": bank.digest(quote), "financier": financier, "holder": seller}
    assert receipt.events == [
        ("Transfer", {"from": financier, "to": seller, "value": PRICE}),
        ("Sold", sold | {"quote": bank.digest(quote), "at": house.now}),
        ("Transfer", {"from": seller, "to": financier, "tokenId": front}),
        ("QuoteAccepted", accepted | {"nonce": quote["nonce"]}),
    ]
    assert house.certificate(front) == Certificate(holder=financier, end=100_000)
    assert rights(house, front) == (NONE, (seller, 90_000))
    assert cash(bank) == (PRICE, DEPOSIT - PRICE)
    assert bank.balance(bank.desk) == 0


def test_the_tail_alone_can_be_sold(bank: Bank, receivable_id: int) -> None:
    house = bank.house
    bank.accept(bank.quote(receivable_id, cut=40_000, price=60_000))
    parts = [(0, 40_000, house.seller.address), (40_000, 100_000, house.bank.address)]
    assert house.cover(receivable_id) == parts
    assert rights(house, token(receivable_id, 40_000)) == (NONE, NONE)
    assert cash(bank) == (60_000, DEPOSIT - 60_000)


def test_a_pledge_is_for_cash_too(bank: Bank, receivable_id: int) -> None:
    house, front = bank.house, token(receivable_id)
    quote = bank.quote(receivable_id, kind=PLEDGE, amount=96_000)
    receipt = bank.accept(quote)
    assert receipt.names == ["Transfer", "Pledged", "MetadataUpdate", "QuoteAccepted"]
    told = receipt.events[1][1]
    assert (told["secured"], told["price"], told["quote"]) == (96_000, PRICE, bank.digest(quote))
    found = house.certificate(front)
    assert found
    assert found.holder == house.seller.address
    assert rights(house, front) == ((house.bank.address, 96_000), NONE)
    assert cash(bank) == (PRICE, DEPOSIT - PRICE)


def test_a_stranger_submits_what_both_signed(bank: Bank, receivable_id: int) -> None:
    quote = bank.quote(receivable_id)
    receipt = bank.accept_by_signature(quote)
    assert receipt.names == ["Transfer", "Sold", "Transfer", "QuoteAccepted"]
    assert bank.house.receivables.ownerOf(token(receivable_id)) == bank.house.bank
    assert cash(bank) == (PRICE, DEPOSIT - PRICE)


@pytest.mark.parametrize("kind", [SALE, PLEDGE])
def test_a_seller_without_gas_needs_no_standing_approval(bank: Bank, receivable_id: int, kind: int) -> None:
    house = bank.house
    house.receivables.setApprovalForAll(bank.desk, False, sender=house.seller)
    nonce = house.node.request("eth_getTransactionCount", house.seller.address, "latest")
    receipt = bank.accept_with_approval(bank.quote(receivable_id, kind=kind, amount=1))
    assert receipt.names[0] == "Approval"
    assert cash(bank) == (PRICE, DEPOSIT - PRICE)
    assert house.node.request("eth_getTransactionCount", house.seller.address, "latest") == nonce
    other = house.confirmed()
    with bank.refused("NotHolder", caller=bank.desk.address):
        bank.accept_by_signature(bank.quote(other))


def test_an_approval_that_somebody_submitted_before_is_no_hindrance(bank: Bank, receivable_id: int) -> None:
    house = bank.house
    house.receivables.setApprovalForAll(bank.desk, False, sender=house.seller)
    quote = bank.quote(receivable_id)
    approval = bank.approval(quote)
    house.receivables.approveBySignature(quoted(quote), bank.desk, approval, sender=house.stranger)
    bank.accept_with_approval(quote, approval=approval)
    assert cash(bank) == (PRICE, DEPOSIT - PRICE)


def test_an_approval_is_the_registry_s_to_judge(bank: Bank, receivable_id: int) -> None:
    house = bank.house
    house.receivables.setApprovalForAll(bank.desk, False, sender=house.seller)
    quote = bank.quote(receivable_id)
    of_another = bank.approval(quote, to=house.stranger.address)
    with bank.refused("SignatureInvalid", signer=house.seller.address):
        bank.accept_with_approval(quote, approval=of_another)
    of_the_financier = bank.approval(quote, signer=house.bank)
    with bank.refused("NotHolder", caller=house.bank.address):
        bank.accept_with_approval(quote, approval=of_the_financier)


def test_an_approval_alone_sells_nothing(bank: Bank, receivable_id: int) -> None:
    """The certificate is approved for the desk, and anyone holds the quote: without the holder's word nothing moves."""
    quote = bank.quote(receivable_id)
    bank.house.receivables.approve(bank.desk, token(receivable_id), sender=bank.house.seller)
    for person in ("bank", "stranger", "operator"):
        caller = getattr(bank.house, person)
        with bank.refused("NotQuoteHolder", account=caller.address):
            bank.accept(quote, sender=caller)


def test_what_was_bought_can_be_sold_on(bank: Bank, receivable_id: int) -> None:
    """And ends the first seller's recourse."""
    house, front = bank.house, token(receivable_id)
    bank.accept(bank.quote(receivable_id, amount=90_000))
    house.admit(house.supplier, roles=FINANCIER_ROLE)
    bank.mint(house.supplier)
    bank.token.approve(bank.desk, PRICE, sender=house.supplier)
    house.receivables.setApprovalForAll(bank.desk, True, sender=house.bank)
    quote = bank.quote(receivable_id, financier=house.supplier.address, holder=house.bank.address)
    bank.accept(quote, signature=bank.sign(quote, key=house.supplier), sender=house.bank)
    assert house.receivables.ownerOf(front) == house.supplier
    assert rights(house, front) == (NONE, NONE)
    assert bank.token.allowance(house.supplier, bank.desk) == 0


# ---- once, in time, and in no other place


def test_the_digest_is_what_eip_712_says(bank: Bank, receivable_id: int) -> None:
    quote = bank.quote(receivable_id, cut=5, amount=7, kind=PLEDGE)
    assert bank.desk.digest(quote) == bank.digest(quote)
    assert bank.desk.registry() == bank.house.receivables.address
    _, *domain, _, extensions = bank.desk.eip712Domain()
    assert domain == [DESK, "1", ape.chain.chain_id, bank.desk.address]
    assert extensions == []


def test_a_quote_counts_until_its_expiry(bank: Bank, receivable_id: int) -> None:
    expiry = bank.house.now + DAY
    quote, late = (bank.quote(each, expiry=expiry) for each in (receivable_id, bank.house.confirmed()))
    bank.house.at(expiry)
    bank.accept(quote)
    bank.house.at(expiry + 1)
    with bank.refused("QuoteExpired", expiry=expiry):
        bank.accept(late)
    with bank.refused("QuoteExpired", expiry=expiry):
        bank.accept_by_signature(late)
    with bank.refused("QuoteExpired", expiry=expiry):
        bank.accept_with_approval(late)


def test_a_quote_counts_once(bank: Bank, receivable_id: int) -> None:
    """Even if the certificate has come back to the same holder."""
    house = bank.house
    quote = bank.quote(receivable_id)
    bank.accept(quote)
    house.receivables.endorse(quoted(quote), house.seller, DOCUMENT, sender=house.bank)
    for accept in (bank.accept, bank.accept_by_signature, bank.accept_with_approval):
        with bank.refused("QuoteUsed", nonce=quote["nonce"]):
            accept(quote)


def test_of_quotes_with_one_nonce_one_is_accepted(bank: Bank, receivable_id: int) -> None:
    sale = bank.quote(receivable_id)
    pledge = sale | {"kind": PLEDGE, "amount": 1}
    bank.accept(pledge)
    with bank.refused("QuoteUsed", nonce=sale["nonce"]):
        bank.accept(sale)


def test_a_financier_takes_quotes_back(bank: Bank, receivable_id: int) -> None:
    financier = bank.house.bank
    quote, kept = (bank.quote(receivable_id, nonce=7 << 8 | bit) for bit in (3, 4))
    receipt = bank.desk.cancelNonces(7, 1 << 3, sender=financier)
    assert receipt.events == [("NoncesCancelled", {"signer": financier.address, "word": 7, "mask": 1 << 3})]
    assert bank.desk.noncesUsed(financier, 7) == 1 << 3
    with bank.refused("QuoteUsed", nonce=quote["nonce"]):
        bank.accept(quote)
    bank.accept(kept)
    assert bank.desk.noncesUsed(financier, 7) == 1 << 3 | 1 << 4


def test_nobody_takes_back_what_another_signed(bank: Bank, receivable_id: int) -> None:
    quote = bank.quote(receivable_id, nonce=7 << 8)
    for person in ("seller", "stranger", "operator"):
        bank.desk.cancelNonces(7, UNLIMITED, sender=getattr(bank.house, person))
    bank.accept(quote)


@pytest.mark.parametrize("nonce", [0, 255, 256, UNLIMITED])
def test_any_nonce_will_do(bank: Bank, receivable_id: int, nonce: int) -> None:
    quote = bank.quote(receivable_id, nonce=nonce)
    bank.accept(quote)
    assert bank.desk.noncesUsed(bank.house.bank, nonce >> 8) == 1 << (nonce & 0xFF)
    with bank.refused("QuoteUsed", nonce=nonce):
        bank.accept(quote)


def other_value(bank: Bank, name: str) -> Any:
    """Another value of a quote's field that makes sense by itself."""
    house = bank.house
    values: dict[str, Callable[[], Any]] = {
        "financier": lambda: house.supplier.address,
        "holder": lambda: house.supplier.address,
        "receivableId": house.confirmed,
        "start": lambda: 1,
        "end": lambda: 99_999,
        "cut": lambda: 1,
        "kind": lambda: PLEDGE,
        "token": lambda: house.receivables.address,
        "price": lambda: 1,
        "amount": lambda: 1,
        "anchor": lambda: b"\x0c" * 32,
        "nonce": lambda: 12,
        "expiry": lambda: house.now + 2 * DAY,
    }
    return values[name]()


FIELDS = (
    *("financier", "holder", "receivableId", "start", "end", "cut", "kind", "token", "price", "amount", "anchor"),
    *("nonce", "expiry"),
)


@pytest.mark.parametrize("name", FIELDS)
def test_a_financier_signs_every_field(bank: Bank, receivable_id: int, name: str) -> None:
    quote = bank.quote(receivable_id)
    changed = quote | {name: other_value(bank, name)}
    sender = bank.house.supplier if name == "holder" else bank.house.seller
    with bank.refused("SignatureInvalid", signer=changed["financier"]):
        bank.accept(changed, signature=bank.sign(quote), sender=sender)


def test_a_quote_is_for_one_desk_and_one_chain(bank: Bank, receivable_id: int) -> None:
    quote = bank.quote(receivable_id)
    elsewhere = (
        bank.sign(quote, contract=bank.house.receivables.address),
        bank.sign(quote, contract=bank.house.stranger.address),
        bank.sign(quote, chain_id=ape.chain.chain_id + 1),
        bank.sign(quote, key=bank.house.seller),
    )
    for signature in elsewhere:
        with bank.refused("SignatureInvalid", signer=bank.house.bank.address):
            bank.accept(quote, signature=signature)


def test_a_mangled_signature_is_refused(bank: Bank, receivable_id: int) -> None:
    quote = bank.quote(receivable_id)
    good = bank.sign(quote)
    twin = good[:32] + (CURVE_ORDER - int.from_bytes(good[32:64], "big")).to_bytes(32, "big") + bytes([55 - good[64]])
    for signature in (b"", good[:64], good + b"\x00", good[:64] + b"\x00", bytes(65), twin):
        with bank.refused("SignatureInvalid", signer=bank.house.bank.address):
            bank.accept(quote, signature=signature)


@pytest.mark.parametrize("name", ["financier", "holder", "start", "end", "cut", "kind", "token", "price", "amount"])
def test_a_field_with_bits_that_it_has_not_is_refused(bank: Bank, receivable_id: int, name: str) -> None:
    """The digest covers the words of the call as they are: signed so, it is the decoding that refuses them."""
    quote = bank.quote(receivable_id)
    at = 4 + 32 * FIELDS.index(name)

    def dirty(call: bytes) -> bytes:
        return call[:at] + b"\x01" + call[at + 1 :]

    digest = bytes(bank.desk.view(dirty(bank.desk.digest.encode_input(quote))))
    assert digest != bank.digest(quote)
    signature = bytes(Account.unsafe_sign_hash(digest, bank.house.bank.private_key).signature)
    call = bank.desk.accept.encode_input(quote, signature, bank.house.claim_key(receivable_id))
    with bank.nothing(), reverts():
        bank.desk.send(dirty(call), sender=bank.house.seller)


# ---- the holder's signature


def test_an_acceptance_counts_until_its_deadline(bank: Bank, receivable_id: int) -> None:
    deadline = bank.house.now + DAY
    quote, late = bank.quote(receivable_id), bank.quote(bank.house.confirmed())
    in_time, too_late = (bank.acceptance(each, deadline=deadline) for each in (quote, late))
    bank.house.at(deadline)
    bank.accept_by_signature(quote, acceptance=in_time)
    bank.house.at(deadline + 1)
    with bank.refused("SignatureExpired", deadline=deadline):
        bank.accept_by_signature(late, acceptance=too_late)


def test_an_acceptance_is_for_one_quote(bank: Bank, receivable_id: int) -> None:
    quote = bank.quote(receivable_id)
    worse = quote | {"price": 1}
    with bank.refused("SignatureInvalid", signer=bank.house.seller.address):
        bank.accept_by_signature(worse, acceptance=bank.acceptance(quote))


@pytest.mark.parametrize("changes", [{"nonce": 5}, {"deadline": 2**40}])
def test_a_holder_signs_nonce_and_deadline(bank: Bank, receivable_id: int, changes: dict[str, int]) -> None:
    quote = bank.quote(receivable_id)
    with bank.refused("SignatureInvalid", signer=bank.house.seller.address):
        bank.accept_by_signature(quote, acceptance=bank.acceptance(quote) | changes)


def test_an_acceptance_is_for_one_desk_and_one_chain_and_of_the_holder(bank: Bank, receivable_id: int) -> None:
    quote = bank.quote(receivable_id)
    for acceptance in (
        bank.acceptance(quote, contract=bank.house.receivables.address),
        bank.acceptance(quote, chain_id=ape.chain.chain_id + 1),
        bank.acceptance(quote, key=bank.house.bank),
        bank.acceptance(quote, key=bank.house.stranger),
    ):
        with bank.refused("SignatureInvalid", signer=bank.house.seller.address):
            bank.accept_by_signature(quote, acceptance=acceptance)


def test_a_quote_is_no_acceptance(bank: Bank, receivable_id: int) -> None:
    """What the financier signed does not pass for the holder's word, nor the other way round."""
    quote = bank.quote(receivable_id)
    acceptance = bank.acceptance(quote)
    with bank.refused("SignatureInvalid", signer=bank.house.seller.address):
        bank.accept_by_signature(quote, acceptance=acceptance | {"signature": bank.sign(quote)})
    with bank.refused("SignatureInvalid", signer=bank.house.bank.address):
        bank.accept_by_signature(quote, acceptance=acceptance, signature=acceptance["signature"])


def test_a_holder_takes_an_acceptance_back(bank: Bank, receivable_id: int) -> None:
    quote = bank.quote(receivable_id)
    acceptance = bank.acceptance(quote, nonce=9 << 8 | 1)
    bank.desk.cancelNonces(9, 1 << 1, sender=bank.house.seller)
    with bank.refused("NonceUsed", nonce=9 << 8 | 1):
        bank.accept_by_signature(quote, acceptance=acceptance)
    bank.accept_by_signature(quote)


def test_one_nonce_serves_two_accounts(bank: Bank, receivable_id: int) -> None:
    quote = bank.quote(receivable_id, nonce=12)
    bank.accept_by_signature(quote, acceptance=bank.acceptance(quote, nonce=12))
    assert bank.desk.noncesUsed(bank.house.bank, 0) == bank.desk.noncesUsed(bank.house.seller, 0) == 1 << 12


def test_an_account_has_one_set_of_nonces(bank: Bank, receivable_id: int) -> None:
    house = bank.house
    house.admit(house.seller, roles=SUPPLIER_ROLE | FINANCIER_ROLE)
    to_itself = bank.quote(receivable_id, financier=house.seller.address, nonce=12)
    signature = bank.sign(to_itself, key=house.seller)
    with bank.refused("NonceUsed", nonce=12):
        same = bank.acceptance(to_itself, nonce=12)
        bank.accept_by_signature(to_itself, signature=signature, acceptance=same)
    bank.mint(house.seller)
    bank.token.approve(bank.desk, PRICE, sender=house.seller)
    with bank.refused("SameHolder"):
        bank.accept(to_itself, signature=signature)


# ---- accounts that are contracts (ERC-1271)


@pytest.fixture
def financing_wallet(bank: Bank, wallet: Door) -> Door:
    """A contract that is a financier with deposits, which the desk may take."""
    bank.mint(wallet)
    allow = bank.token.approve.encode_input(bank.desk, UNLIMITED)
    wallet.execute(bank.token, allow, sender=bank.house.stranger)
    return wallet


def test_a_contract_quotes(bank: Bank, receivable_id: int, financing_wallet: Door) -> None:
    financing_wallet.setOwner(bank.house.bank, sender=bank.house.stranger)
    quote = bank.quote(receivable_id, financier=financing_wallet.address)
    with bank.refused("SignatureInvalid", signer=financing_wallet.address):
        bank.accept(quote, signature=bank.sign(quote, key=bank.house.stranger))
    bank.accept(quote)
    assert bank.house.receivables.ownerOf(token(receivable_id)) == financing_wallet.address
    assert bank.balance(financing_wallet) == DEPOSIT - PRICE


@pytest.mark.parametrize("word", [NO, REVERT, GARBAGE, SHORT, BURN_GAS, WRITE])
def test_a_contract_s_other_word_is_no_yes(bank: Bank, receivable_id: int, financing_wallet: Door, word: int) -> None:
    financing_wallet.setWord(word, sender=bank.house.stranger)
    quote = bank.quote(receivable_id, financier=financing_wallet.address)
    with bank.refused("SignatureInvalid", signer=financing_wallet.address):
        bank.accept(quote, gas=1_000_000)


def test_a_contract_sells(bank: Bank, receivable_id: int, wallet: Door) -> None:
    """By its own transaction, and by its signature."""
    house, other = bank.house, bank.house.confirmed()
    for each in (receivable_id, other):
        house.endorse(token(each), to=wallet)
    allow = house.receivables.setApprovalForAll.encode_input(bank.desk, True)
    wallet.execute(house.receivables, allow, sender=house.stranger)
    first, second = (bank.quote(each, holder=wallet.address) for each in (receivable_id, other))
    call = bank.desk.accept.encode_input(first, bank.sign(first), house.claim_key(receivable_id))
    wallet.execute(bank.desk, call, sender=house.stranger)
    wallet.setOwner(house.seller, sender=house.stranger)
    with bank.refused("SignatureInvalid", signer=wallet.address):
        bank.accept_by_signature(second, acceptance=bank.acceptance(second, key=house.stranger))
    bank.accept_by_signature(second)
    assert bank.balance(wallet) == 2 * PRICE
    assert house.balance(house.bank) == 2


# ---- what has changed since the quote


def split_before(bank: Bank, receivable_id: int) -> dict[str, Any]:
    bank.house.split(token(receivable_id), 50_000, to=bank.house.seller)
    return {"error": "RangeChanged", "start": 0, "end": 50_000}


def merged_away(bank: Bank, receivable_id: int) -> dict[str, Any]:
    bank.house.split(token(receivable_id), 50_000, to=bank.house.seller)
    bank.house.merge(token(receivable_id))
    return {"error": "UnknownCertificate", "certificateId": token(receivable_id, 50_000)}


def endorsed_away(bank: Bank, receivable_id: int) -> dict[str, Any]:
    bank.house.endorse(token(receivable_id))
    return {"error": "NotHolder", "caller": bank.desk.address}


def endorsed_to_a_user_of_the_desk(bank: Bank, receivable_id: int) -> dict[str, Any]:
    bank.house.endorse(token(receivable_id))
    bank.house.receivables.setApprovalForAll(bank.desk, True, sender=bank.house.supplier)
    return {"error": "NotHolder", "caller": bank.house.seller.address}


def approval_withdrawn(bank: Bank, receivable_id: int) -> dict[str, Any]:
    bank.house.receivables.setApprovalForAll(bank.desk, False, sender=bank.house.seller)
    return {"error": "NotHolder", "caller": bank.desk.address}


def financier_suspended(bank: Bank, receivable_id: int) -> dict[str, Any]:
    bank.house.suspend(bank.house.bank)
    return {"error": "MemberNotEligible", "member": bank.house.bank.address}


def financier_lapsed(bank: Bank, receivable_id: int) -> dict[str, Any]:
    bank.house.admit(bank.house.bank, roles=FINANCIER_ROLE, expiry=bank.house.now + DAY)
    bank.house.wait(DAY)
    return {"error": "MemberNotEligible", "member": bank.house.bank.address}


def financier_frozen(bank: Bank, receivable_id: int) -> dict[str, Any]:
    bank.house.freeze_member(bank.house.bank)
    return {"error": "FrozenByOrder", "order": ORDER}


def financier_no_more(bank: Bank, receivable_id: int) -> dict[str, Any]:
    bank.house.admit(bank.house.bank, roles=SUPPLIER_ROLE)
    return {"error": "NotFinancier", "account": bank.house.bank.address}


def holder_suspended(bank: Bank, receivable_id: int) -> dict[str, Any]:
    bank.house.suspend(bank.house.seller)
    return {"error": "MemberNotEligible", "member": bank.house.seller.address}


def holder_frozen(bank: Bank, receivable_id: int) -> dict[str, Any]:
    bank.house.freeze_member(bank.house.seller)
    return {"error": "FrozenByOrder", "order": ORDER}


def certificate_frozen(bank: Bank, receivable_id: int) -> dict[str, Any]:
    bank.house.freeze_certificate(named(token(receivable_id)))
    return {"error": "FrozenByOrder", "order": ORDER}


def receivable_frozen(bank: Bank, receivable_id: int) -> dict[str, Any]:
    bank.house.freeze_receivable(receivable_id)
    return {"error": "FrozenByOrder", "order": ORDER}


def pledged(bank: Bank, receivable_id: int) -> dict[str, Any]:
    bank.accept(bank.quote(receivable_id, kind=PLEDGE, amount=1))
    return {"error": "PledgedTo", "financier": bank.house.bank.address}


def paid(bank: Bank, receivable_id: int) -> dict[str, Any]:
    house = bank.house
    bank.mint(house.buyer, 100_000)
    bank.token.approve(house.receivables, 100_000, sender=house.buyer)
    house.receivables.pay(receivable_id, 100_000, sender=house.buyer)
    return {"error": "StatusForbids", "status": 6}


def disputed(bank: Bank, receivable_id: int) -> dict[str, Any]:
    house = bank.house
    fields = {"receivableId": receivable_id, "start": 0, "end": 100_000, "cut": 100_000}
    second = house.authorise("Dispute", house.buyer, **fields)
    house.receivables.dispute(named(token(receivable_id)), 100_000, second, sender=house.seller)
    return {"error": "InDispute", "until": 100_000}


def due(bank: Bank, receivable_id: int) -> dict[str, Any]:
    instant = bank.house.record(receivable_id).due
    bank.house.wait(instant - bank.house.now)
    return {"error": "DueDatePassed", "due": instant}


def registry_paused(bank: Bank, receivable_id: int) -> dict[str, Any]:
    bank.house.receivables.pause(sender=bank.house.operator)
    return {"error": "RegistryPaused"}


def desk_replaced(bank: Bank, receivable_id: int) -> dict[str, Any]:
    bank.house.receivables.setDesk(NOBODY, sender=bank.house.operator)
    return {"error": "NotDesk", "account": bank.desk.address}


def allowance_withdrawn(bank: Bank, receivable_id: int) -> dict[str, Any]:
    bank.token.approve(bank.desk, PRICE - 1, sender=bank.house.bank)
    error = "ERC20InsufficientAllowance"
    return {"error": error, "spender": bank.desk.address, "allowance": PRICE - 1, "needed": PRICE}


def funds_spent(bank: Bank, receivable_id: int) -> dict[str, Any]:
    financier = bank.house.bank
    bank.token.transfer(bank.house.supplier, DEPOSIT - PRICE + 1, sender=financier)
    error = "ERC20InsufficientBalance"
    return {"error": error, "sender": financier.address, "balance": PRICE - 1, "needed": PRICE}


CHANGES = (
    *(split_before, endorsed_away, endorsed_to_a_user_of_the_desk, approval_withdrawn, financier_suspended),
    *(financier_lapsed, financier_frozen, financier_no_more, holder_suspended, holder_frozen, certificate_frozen),
    *(receivable_frozen, pledged, paid, disputed, due, registry_paused, desk_replaced, allowance_withdrawn),
    *(funds_spent,),
)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
@pytest.mark.parametrize("kind", [SALE, PLEDGE])
def test_a_quote_that_does_not_hold_any_more_is_refused(
    bank: Bank, receivable_id: int, kind: int, change: Callable[[Bank, int], dict[str, Any]]
) -> None:
    """By either form, with neither cash nor certificate moved and the quote not used up."""
    quote = bank.quote(receivable_id, kind=kind, amount=1)
    signature, key = bank.sign(quote), bank.house.claim_key(receivable_id)
    refusal = change(bank, receivable_id)
    with bank.refused(**refusal):
        bank.accept(quote, signature=signature, claim_key=key)
    acceptance = bank.acceptance(quote)
    with bank.refused(**refusal):
        bank.accept_by_signature(quote, signature=signature, acceptance=acceptance)


def test_a_quote_for_a_certificate_that_was_merged_away_is_refused(bank: Bank, receivable_id: int) -> None:
    quote = bank.quote(receivable_id, start=50_000, cut=50_000, price=50_000)
    with bank.refused(**merged_away(bank, receivable_id)):
        bank.accept(quote)
    with bank.refused("UnknownCertificate", certificateId=token(receivable_id, 50_000)):
        bank.accept_with_approval(quote)


def test_a_refused_quote_holds_again_later(bank: Bank, receivable_id: int) -> None:
    quote = bank.quote(receivable_id)
    with bank.refused(**financier_suspended(bank, receivable_id)):
        bank.accept(quote)
    bank.house.admit(bank.house.bank, roles=FINANCIER_ROLE)
    bank.accept(quote)
    assert cash(bank) == (PRICE, DEPOSIT - PRICE)


def test_the_rules_are_asked_about_a_sale(bank: Bank, receivable_id: int, helpers: dict[str, Any]) -> None:
    rules = bank.house.made(helpers["Rules"])
    bank.house.receivables.setRules(rules, sender=bank.house.operator)
    rules.setMode(2, sender=bank.house.stranger)
    with bank.refused("RulesForbid", reason=b""):
        bank.accept(bank.quote(receivable_id))


# ---- quotes that make no sense


@pytest.mark.parametrize(
    ("changes", "error", "inputs"),
    [
        ({"kind": 0}, "KindMalformed", {"kind": 0}),
        ({"kind": 3}, "KindMalformed", {"kind": 3}),
        ({"kind": 255}, "KindMalformed", {"kind": 255}),
        ({"price": 0}, "AmountMissing", {}),
        ({"price": 100_001}, "PriceOutOfRange", {"most": 100_000}),
        ({"cut": 50_000, "price": 50_001}, "PriceOutOfRange", {"most": 50_000}),
        ({"kind": PLEDGE, "amount": 1, "price": 100_001}, "PriceOutOfRange", {"most": 100_000}),
        ({"amount": 100_001}, "RecourseOutOfRange", {"most": 100_000}),
        ({"cut": 99_999, "price": 1, "amount": 2}, "RecourseOutOfRange", {"most": 1}),
        ({"amount": 2**64 - 1}, "RecourseOutOfRange", {"most": 100_000}),
        ({"kind": PLEDGE, "amount": 0}, "SecuredOutOfRange", {"most": 100_000}),
        ({"kind": PLEDGE, "amount": 100_001}, "SecuredOutOfRange", {"most": 100_000}),
        ({"kind": PLEDGE, "amount": 2**64 - 1}, "SecuredOutOfRange", {"most": 100_000}),
        ({"cut": 100_000}, "CutOutOfRange", {"start": 0, "cut": 100_000, "end": 100_000}),
        ({"cut": 2**64 - 1}, "CutOutOfRange", {"start": 0, "cut": 2**64 - 1, "end": 100_000}),
        ({"kind": PLEDGE, "cut": 1}, "CutOutOfRange", {"start": 0, "cut": 1, "end": 100_000}),
        ({"end": 100_001}, "RangeChanged", {"start": 0, "end": 100_000}),
        ({"end": 2**64 - 1}, "RangeChanged", {"start": 0, "end": 100_000}),
        ({"end": 0}, "RangeChanged", {"start": 0, "end": 100_000}),
    ],
)
def test_a_quote_that_makes_no_sense_is_refused(
    bank: Bank, receivable_id: int, changes: dict[str, int], error: str, inputs: dict[str, int]
) -> None:
    with bank.refused(error, **inputs):
        bank.accept(bank.quote(receivable_id, **changes))


def test_more_than_there_is_is_not_paid(bank: Bank, receivable_id: int) -> None:
    quote = bank.quote(receivable_id, price=2**64 - 1)
    balance = {"sender": bank.house.bank.address, "balance": DEPOSIT, "needed": 2**64 - 1}
    with bank.refused("ERC20InsufficientBalance", **balance):
        bank.accept(quote)


def test_the_largest_receivable_is_sold_for_all_that_it_is(bank: Bank) -> None:
    most, house = 2**64 - 1, bank.house
    receivable_id = house.confirmed(face=most)
    bank.mint(house.bank, 2 * most)
    bank.accept(bank.quote(receivable_id, end=most, cut=most - 1, price=1, amount=1))
    rest = bank.quote(receivable_id, end=most - 1, price=most - 1, amount=most - 1)
    bank.accept(rest)
    assert house.cover(receivable_id) == [(0, most - 1, house.bank.address), (most - 1, most, house.bank.address)]
    assert rights(house, token(receivable_id)) == (NONE, (house.seller.address, most - 1))
    assert cash(bank) == (most, DEPOSIT + most)


def test_a_certificate_at_the_far_end_is_pledged_for_all_that_it_is(bank: Bank) -> None:
    most, house = 2**64 - 1, bank.house
    receivable_id = house.confirmed(face=most)
    house.split(token(receivable_id), most - 1, to=house.seller)
    bank.accept(bank.quote(receivable_id, start=most - 1, end=most, cut=most - 1, kind=PLEDGE, price=1, amount=1))
    assert rights(house, token(receivable_id, most - 1)) == ((house.bank.address, 1), NONE)


# ---- another receivable, another token, another desk


def test_a_quote_is_for_the_receivable_that_its_anchor_names(bank: Bank, receivable_id: int) -> None:
    house, other = bank.house, bank.house.confirmed()
    mismatch = {"head": house.head(receivable_id)}
    with bank.refused("AnchorMismatch", **mismatch):
        bank.accept(bank.quote(receivable_id, anchor=house.anchor(other)))
    with bank.refused("AnchorMismatch", **mismatch):
        bank.accept(bank.quote(receivable_id), claim_key=house.claim_key(other))
    with bank.refused("AnchorMismatch", **mismatch):
        bank.accept(bank.quote(receivable_id, anchor=house.anchor(other)), claim_key=house.claim_key(other))


def test_a_receivable_s_number_has_no_second_spelling(bank: Bank, receivable_id: int) -> None:
    """A number of more than 128 bits would have the same range word."""
    alias = bank.quote(receivable_id) | {"receivableId": 2**128 + receivable_id}
    with bank.refused("WrongToken", token=NOBODY):
        bank.accept(alias, claim_key=bank.house.claim_key(receivable_id))


def test_cash_is_in_the_currency_s_deposit_token(bank: Bank, receivable_id: int, project: Any) -> None:
    house = bank.house
    dollars, _ = made_token(house, project, currency=840)
    house.receivables.setDepositToken(840, dollars, sender=house.operator)
    unknown, _ = made_token(house, project)
    for wrong in (dollars.address, unknown.address, house.receivables.address, house.stranger.address, NOBODY):
        with bank.refused("WrongToken", token=bank.token.address):
            bank.accept(bank.quote(receivable_id, token=wrong))
    in_dollars = house.confirmed(currency=840)
    with bank.refused("WrongToken", token=dollars.address):
        bank.accept(bank.quote(in_dollars))


@pytest.mark.parametrize("named_token", ["none", "the bank's"])
def test_without_a_deposit_token_there_is_no_cash(bank: Bank, named_token: str) -> None:
    in_yen = bank.house.confirmed(currency=392)
    quote = bank.quote(in_yen, token=NOBODY if named_token == "none" else bank.token.address)
    with bank.refused("WrongToken", token=NOBODY):
        bank.accept(quote)


def test_a_receivable_that_was_never_registered_is_refused(bank: Bank) -> None:
    quote = bank.quote(1, anchor=bytes(32)) | {"receivableId": 9_999}
    with bank.refused("WrongToken", token=NOBODY):
        bank.accept(quote)


def test_a_receivable_that_is_not_confirmed_has_no_certificate_to_finance(bank: Bank) -> None:
    opened = bank.house.register()
    with bank.refused("UnknownCertificate", certificateId=token(opened)):
        bank.accept(bank.quote(opened))


def test_another_desk_sells_nothing(bank: Bank, receivable_id: int, project: Any) -> None:
    """Even with the same approvals, and quotes of its own."""
    house = bank.house
    second = deployed(project.FinancingDesk, house.receivables, sender=house.stranger)
    other = Bank(house, bank.access, bank.token, Door(second, *bank.desk.types))
    bank.token.approve(other.desk, UNLIMITED, sender=house.bank)
    house.receivables.setApprovalForAll(other.desk, True, sender=house.seller)
    quote = bank.quote(receivable_id)
    with other.refused("SignatureInvalid", signer=house.bank.address):
        other.accept(quote, signature=bank.sign(quote))
    with other.refused("NotDesk", account=other.desk.address):
        other.accept(quote)


@pytest.mark.parametrize("function", ["sell", "pledgeAgainst"])
@pytest.mark.parametrize("person", ["seller", "bank", "operator", "stranger"])
def test_nobody_else_says_what_was_paid(bank: Bank, receivable_id: int, function: str, person: str) -> None:
    house = bank.house
    deal = {
        "range": named(token(receivable_id)),
        "cut": 0,
        "holder": house.seller.address,
        "financier": house.bank.address,
        "price": PRICE,
        "amount": 1,
        "quote": b"\x01" * 32,
        "anchor": house.anchor(receivable_id),
        "claimKey": house.claim_key(receivable_id),
    }
    caller = getattr(house, person)
    with bank.refused("NotDesk", account=caller.address):
        getattr(house.receivables, function)(deal, sender=caller)


# ---- permits, and gas


def test_a_financier_s_permit_that_somebody_submitted_before_is_no_hindrance(bank: Bank, receivable_id: int) -> None:
    """A quote spends the allowance, however it came: the permit's second submission changes nothing."""
    house = bank.house
    bank.token.approve(bank.desk, 0, sender=house.bank)
    permit = bank.permit(house.bank, bank.desk, PRICE)
    bank.token.permit(*permit, sender=house.stranger)
    with bank.nothing(), pytest.raises(Reverted, match="ERC2612InvalidSigner"):
        bank.token.permit(*permit, sender=house.bank)
    bank.accept(bank.quote(receivable_id))
    assert bank.token.allowance(house.bank, bank.desk) == 0
    assert cash(bank) == (PRICE, DEPOSIT - PRICE)


def sale_gas(bank: Bank, receivable_id: int) -> int:
    """Of a certificate sold whole with recourse, by a financier that has used another nonce of the word."""
    bank.desk.cancelNonces(2**192, 1, sender=bank.house.bank)
    nonce = 2**200 | 0xFF
    receipt = bank.accept(bank.quote(receivable_id, amount=90_000, nonce=nonce))
    return int(receipt.gas_used)


@pytest.mark.parametrize("allowance", [UNLIMITED, DEPOSIT])
@pytest.mark.parametrize("has_cash", [False, True])
def test_a_sale_stays_within_its_gas(bank: Bank, receivable_id: int, allowance: int, has_cash: bool) -> None:
    bank.token.approve(bank.desk, allowance, sender=bank.house.bank)
    if has_cash:
        bank.mint(bank.house.seller)
    assert sale_gas(bank, receivable_id) <= SALE_GAS_MAX
