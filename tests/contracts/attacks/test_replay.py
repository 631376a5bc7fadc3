"""Replay: what somebody signed or sent is put before another chain, contract, claim or signer than it was meant for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ape
import pytest
from eth_account import Account

from tests.contracts.bank import Bank, open_bank
from tests.contracts.door import Reverted, refused
from tests.contracts.house import (
    FINANCIER_ROLE,
    NO_DOCUMENT,
    NOBODY,
    SUPPLIER_ROLE,
    House,
    deploy_house,
    named,
    parts_of,
    token,
)
from tests.contracts.test_signatures import forms

REGISTERED, CONFIRMED = 1, 2
IDENTITY = "0x" + "0" * 39 + "4"
"""The precompiled contract that answers with what it was asked."""


# ------------------------------------------------------------- the successor


def test_what_was_signed_for_a_registry_is_nothing_to_its_successor(
    house: House, bank: Bank, project: Any, accounts: Any
) -> None:
    """The same people, the same numbers, the same claims, the same keys: only the address of the registry differs."""
    house.receivables.sunset(sender=house.operator)
    successor = deploy_house(project, accounts, predecessor=house.receivables.address).peopled()
    other = open_bank(successor, project)
    claim, unsent = successor.claim(), successor.claim()
    receivable_id = successor.register(claim)
    whole, moved = named(token(receivable_id)), {"receiver": house.bank.address, "document": NO_DOCUMENT}
    terms = {"originator": house.seller.address, "face": 100_000, "due": claim["due"], "currency": 978}

    def signed(type_name: str, signer: Any, *, to: House, **fields: Any) -> dict[str, Any]:
        """With the anchor and the claim's key as they are in the successor."""
        return successor.authorise(type_name, signer, contract=to.receivables.address, **fields)

    contract, stranger = successor.receivables, house.stranger
    answering = (receivable_id, successor.terms(receivable_id), [])
    replays: dict[str, Callable[[House], Any]] = {
        "register": lambda to: contract.registerBySignature(
            unsent, signed("Register", house.seller, to=to, **unsent), sender=stranger
        ),
        "confirm": lambda to: contract.confirmBySignature(
            *answering, signed("Confirm", house.buyer, to=to, receivableId=receivable_id, **terms), sender=stranger
        ),
        "endorse": lambda to: contract.endorseBySignature(
            whole,
            house.bank,
            NO_DOCUMENT,
            signed("Endorse", house.seller, to=to, **parts_of(whole), **moved),
            sender=stranger,
        ),
        "operator": lambda to: contract.setApprovalForAllBySignature(
            stranger,
            True,
            signed("SetApprovalForAll", house.seller, to=to, operator=stranger.address, approved=True),
            sender=stranger,
        ),
        "pay": lambda to: contract.payBySignature(
            receivable_id,
            100_000,
            signed("Pay", house.buyer, to=to, receivableId=receivable_id, amount=100_000),
            sender=stranger,
        ),
    }
    other.mint(house.buyer)
    other.token.approve(contract, 2**256 - 1, sender=house.buyer)
    for name, replay in replays.items():
        before = successor.storage_root()
        with pytest.raises(Reverted, match="SignatureInvalid"):
            replay(house)
        assert successor.storage_root() == before, name
        replay(successor)
    # A quote and a permit are for one desk and one token.
    other.mint(house.bank)
    quote = other.quote(receivable_id, holder=house.bank.address, financier=house.bank.address)
    for elsewhere in (bank.desk.address, house.receivables.address):
        with other.refused("SignatureInvalid", signer=house.bank.address):
            other.accept(quote, signature=other.sign(quote, contract=elsewhere), sender=house.bank)
    permit = bank.permit(house.buyer, successor.receivables, 5)
    with pytest.raises(Reverted) as caught:
        other.token.permit(*permit, sender=stranger)
    assert other.token.reverted(caught.value.data).name == "ERC2612InvalidSigner"
    successor.audit()


# -------------------------------------------------- swapped by a reorganisation


class Mined:
    """A transaction of somebody's own, as the chain had it: whoever has its bytes can put it into a block again."""

    def __init__(self, house: House, sender: Any, data: bytes) -> None:
        self.house = house
        fields = {
            "to": house.receivables.address,
            "data": data,
            "value": 0,
            "gas": 1_000_000,
            "maxFeePerGas": 10**11,
            "maxPriorityFeePerGas": 0,
            "nonce": int(house.node.request("eth_getTransactionCount", sender.address, "latest"), 16),
            "chainId": ape.chain.chain_id,
        }
        self._bytes = Account.sign_transaction(fields, sender.private_key).raw_transaction

    def include(self) -> None:
        """Raises Reverted."""
        node = self.house.node
        receipt = node.request("eth_sendRawTransactionSync", "0x" + bytes(self._bytes).hex())
        if receipt["status"] == "0x0":
            answer = node.request("ots_getTransactionError", receipt["transactionHash"])
            raise self.house.receivables.reverted(bytes.fromhex(answer[2:]))


SWAPS: dict[str, Callable[[House], dict[str, Any]]] = {
    "another invoice": lambda house: {"fingerprint": b"\x0b" * 32},
    "a higher amount": lambda house: {"face": 200_000},
    "a lower amount": lambda house: {"face": 99_999},
    "an earlier date": lambda house: {"due": house.midnight(days=30)},
    "another currency": lambda house: {"currency": 840},
    "other documents": lambda house: {"documentRoot": b"\x0b" * 32},
    "another originator": lambda house: {},
    "another time": lambda house: {},
    "the same": lambda house: {},
}
"""What took the number of the claim that the debtor confirmed."""


@pytest.mark.parametrize("swap", SWAPS)
def test_a_confirmation_is_of_one_claim_whatever_took_its_number(house: House, swap: str) -> None:
    """The debtor's mined transaction, and its signature, are put on a chain where another claim has the number."""
    claim = house.claim()
    mark, at = house.node.request("evm_snapshot"), house.now + 10
    house.at(at)
    first = house.register(claim)
    terms = {"originator": house.seller.address, **{name: claim[name] for name in ("face", "due", "currency")}}
    signature = house.authorise("Confirm", house.buyer, receivableId=first, **terms)
    arguments = (first, house.terms(first), [])
    mined = Mined(house, house.buyer, house.receivables.confirm.encode_input(*arguments))
    mined.include()
    assert house.record(first).status == CONFIRMED
    assert house.node.request("evm_revert", mark)

    house.at(at + (swap == "another time"))
    originator = house.supplier if swap == "another originator" else house.seller
    assert house.register(claim | SWAPS[swap](house), sender=originator) == first
    by_signature = house.receivables.confirmBySignature
    if swap == "the same":
        mined.include()
        assert house.record(first).status == CONFIRMED
        return
    before, head = house.storage_root(), house.head(first)
    with refused("AnchorMismatch", head=head):
        mined.include()
    for named_terms in (arguments[1], house.terms(first)):
        with pytest.raises(Reverted) as caught:
            by_signature(first, named_terms, [], signature, sender=originator)
        assert caught.value.name in ("AnchorMismatch", "SignatureInvalid")
    assert (house.storage_root(), house.record(first).status) == (before, REGISTERED)
    assert house.certificate(token(first)) is None


def test_an_acceptance_is_of_one_offer_whatever_took_its_place(house: House) -> None:
    """A hostile debtor offers less on the new chain: the originator's acceptance is not of that."""
    receivable_id = house.register()
    mark = house.node.request("evm_snapshot")
    house.counter_offer(receivable_id, face=90_000)
    terms, offer = house.terms(receivable_id), house.offer(receivable_id)
    fields = {"receivableId": receivable_id, "face": 90_000, "due": offer["due"]}
    signature = house.authorise("AcceptOffer", house.seller, **fields)
    call = house.receivables.acceptOffer.encode_input(receivable_id, terms, [], offer)
    mined = Mined(house, house.seller, call)
    mined.include()
    assert house.node.request("evm_revert", mark)

    house.counter_offer(receivable_id, face=1)
    head = house.head(receivable_id)
    with refused("AnchorMismatch", head=head):
        mined.include()
    for each in (offer, house.offer(receivable_id)):
        with pytest.raises(Reverted) as caught:
            house.receivables.acceptOfferBySignature(receivable_id, terms, [], each, signature, sender=house.stranger)
        assert caught.value.name in ("AnchorMismatch", "SignatureInvalid")
    assert house.record(receivable_id).status == REGISTERED


def test_a_signed_payment_is_of_one_receivable_whatever_took_its_number(house: House, bank: Bank) -> None:
    """An accomplice's debt, of the same amount, has the number now: the signed payment is not of that."""
    bank.mint(house.buyer)
    bank.token.approve(house.receivables, 2**256 - 1, sender=house.buyer)
    mark = house.node.request("evm_snapshot")
    first = house.confirmed()
    signature = house.authorise("Pay", house.buyer, receivableId=first, amount=100_000)
    assert house.node.request("evm_revert", mark)
    second = house.register(house.claim(debtor=house.seller.address), sender=house.supplier)
    house.confirm(second, sender=house.seller)
    assert second == first
    for key in (signature["claimKey"], house.claim_key(second)):
        with bank.refused("AnchorMismatch", head=house.head(second)):
            house.receivables.payBySignature(second, 100_000, signature | {"claimKey": key}, sender=house.supplier)


# ----------------------------------------------------------- another signer


def approval(house: House, signer: Any, key: Any) -> dict[str, Any]:
    """Some account's word that the stranger speaks for it."""
    fields = {"operator": house.stranger.address, "approved": True}
    return house.authorise("SetApprovalForAll", signer, key=key, **fields)


def submit(house: House, by: dict[str, Any]) -> Any:
    return house.receivables.setApprovalForAllBySignature(house.stranger, True, by, sender=house.stranger)


def test_one_owners_signature_is_of_one_of_its_accounts(house: House, helpers: dict[str, Any]) -> None:
    """The owner of two wallets, who is a member itself: what it signed for one is nothing to the others."""
    one, two = house.made(helpers["Wallet"]), house.made(helpers["Wallet"])
    for each in (one, two):
        each.setOwner(house.supplier, sender=house.stranger)
    by = approval(house, one, house.supplier)
    for other in (two, house.supplier):
        with refused("SignatureInvalid", signer=other.address):
            submit(house, by | {"signer": other.address})
    by = approval(house, house.supplier, house.supplier)
    with refused("SignatureInvalid", signer=one.address):
        submit(house, by | {"signer": one.address})
    submit(house, by)
    assert [house.receivables.isApprovedForAll(each, house.stranger) for each in (one, two)] == [False, False]


def test_a_wallet_has_its_own_forms_but_each_counts_once(house: House, helpers: dict[str, Any]) -> None:
    """A wallet may take the malleable twin of its owner's signature; the nonce does not depend on the bytes."""
    wallet = house.made(helpers["Wallet"])
    wallet.setOwner(house.supplier, sender=house.stranger)
    by = approval(house, wallet, house.supplier)
    twin = by | {"signature": forms(by["signature"])["malleable"]}
    submit(house, twin)
    for again in (by, twin):
        with refused("NonceUsed", nonce=by["nonce"]):
            submit(house, again)


def test_an_account_that_becomes_a_contract_is_asked_as_one(house: House, helpers: dict[str, Any]) -> None:
    """As an account with delegated code is: its key alone says nothing any more, and a yes of its code is its yes."""
    by = approval(house, house.supplier, house.supplier)
    code = house.node.code(bytes.fromhex(house.made(helpers["Hookless"]).address[2:]))
    house.node.request("anvil_setCode", house.supplier.address, "0x" + code.hex())
    with refused("SignatureInvalid", signer=house.supplier.address):
        submit(house, by)
    house.node.request("anvil_setCode", house.supplier.address, "0x")
    submit(house, by)


@pytest.mark.parametrize("signer", [NOBODY, IDENTITY, "registry", "token", "desk"])
def test_nobody_signs_for_what_has_no_key(house: House, bank: Bank, signer: str) -> None:
    """Neither a precompiled contract, which answers anything, nor the registry, the token or the desk has signed."""
    places = {"registry": house.receivables, "token": bank.token, "desk": bank.desk}
    account = places[signer].address if signer in places else signer
    before = house.storage_root()
    for signature in (b"", bytes(65), b"\x01" * 65, b"\x16\x26\xba\x7e" + bytes(61)):
        by = {"signer": account, "nonce": 1, "deadline": 2**40, "anchor": bytes(32), "claimKey": bytes(32)}
        with refused("SignatureInvalid", signer=account):
            submit(house, by | {"signature": signature})
    assert house.storage_root() == before


def test_a_self_dealt_quote_takes_nothing_of_a_third(house: House, bank: Bank, receivable_id: int) -> None:
    """A holder quotes to itself, in the name of the registry, the desk or the token, and for another's certificate."""
    seller, supplier, desk = house.seller, house.supplier, bank.desk
    house.admit(seller, roles=SUPPLIER_ROLE | FINANCIER_ROLE)
    bank.mint(seller)
    bank.mint(supplier)
    bank.token.approve(desk, 2**256 - 1, sender=seller)
    house.receivables.setApprovalForAll(desk, True, sender=seller)
    house.receivables.setApprovalForAll(desk, True, sender=supplier)
    to_itself = bank.quote(receivable_id, financier=seller.address)
    with bank.refused("SameHolder"):
        bank.accept(to_itself, signature=bank.sign(to_itself, key=seller))
    for nobody in (house.receivables.address, desk.address, bank.token.address, NOBODY):
        quote = bank.quote(receivable_id, financier=nobody)
        with bank.refused("SignatureInvalid", signer=nobody):
            bank.accept(quote, signature=bank.sign(quote, key=seller))
    # The supplier names itself as the holder of the seller's certificate, and finances it itself.
    house.admit(supplier, roles=SUPPLIER_ROLE | FINANCIER_ROLE)
    stolen = bank.quote(receivable_id, financier=seller.address, holder=supplier.address, price=1)
    with bank.refused("NotHolder", caller=supplier.address):
        bank.accept(stolen, signature=bank.sign(stolen, key=seller), sender=supplier)
    other = bank.quote(receivable_id, financier=supplier.address, price=1)
    with bank.refused("NotQuoteHolder", account=supplier.address):
        bank.accept(other, signature=bank.sign(other, key=supplier), sender=supplier)
