"""Reentrancy: a contract that is called in the middle of an operation tries every door of the registry and of the desk.

It is called as a receiver of certificates, as a deposit token, as a smart account that is asked about a signature, and
as extra rules; and it is itself a member with every role, a holder and a financier.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts.bank import Bank
from tests.contracts.door import Door, Reverted, refused, selector, taken_back
from tests.contracts.house import (
    DEBTOR_ROLE,
    DOCUMENT,
    FINANCIER_ROLE,
    NO_DOCUMENT,
    OFFICER_ROLE,
    SUPPLIER_ROLE,
    House,
    named,
    parts_of,
    token,
)
from tests.contracts.test_strangers import REFUSALS, WRITES, Scene

GBP = 826
GAS_MAX = 28_000_000
"""Nearly a block: every attempt may burn all that it is given."""


@pytest.fixture
def attacker(house: House, helpers: dict[str, Any]) -> Door:
    """A contract that is a member with every role, and tries what it was told to whenever it is called."""
    made = house.made(helpers["Attacker"])
    house.admit(made, roles=SUPPLIER_ROLE | DEBTOR_ROLE | FINANCIER_ROLE)
    return made


def doors(scene: Scene) -> dict[str, bytes]:
    """The calldata of every function that not everybody may call, with arguments that are right for who may."""
    contract, caller = scene.house.receivables, scene.house.stranger
    return {
        signature: getattr(contract, signature.partition("(")[0]).encode_input(*arguments(scene, caller))
        for signature, (_, arguments) in WRITES.items()
    }


def plan(house: House, attacker: Door, calls: dict[str, bytes], *, target: Any = None) -> None:
    """The attacker will try these calls, to the registry unless the test says otherwise."""
    for call in calls.values():
        attacker.plan(target or house.receivables, call, sender=house.stranger)


def outcomes(house: House, attacker: Door, calls: dict[str, bytes]) -> dict[str, str]:
    """What became of each call that was tried: the name of its refusal, empty where it succeeded."""
    names = {selector(error.selector): error.name for each in house.receivables.types for error in each.errors}
    names |= {selector(error.selector): error.name for error in attacker.contract_type.errors}
    found = attacker.outcomes()
    assert len(found) == len(calls) > 0
    return {
        name: "" if each.succeeded else names.get(bytes(each.refusal), bytes(each.refusal).hex())
        for name, each in zip(calls, found, strict=True)
    }


def by(house: House, attacker: Door, call: bytes, *, target: Any = None) -> Any:
    """The attacker calls, of its own accord."""
    return attacker.execute(target or house.receivables, call, sender=house.stranger)


# ---------------------------------------------------------------- the receiver


def test_a_receiver_finds_no_door_open_from_inside_the_hook(scene: Scene, attacker: Door) -> None:
    """Every function that writes is refused for want of standing, and the journals are what a plain transfer leaves."""
    house, calls = scene.house, doors(scene)
    contract, seller = house.receivables, house.seller
    spare = token(house.confirmed())
    plan(house, attacker, calls)
    at = house.now + 100
    with taken_back():
        house.at(at)
        contract.transferFrom(seller, attacker, spare, sender=seller)
        plain = house.journals()
    house.at(at)
    contract.safeTransferFrom(seller, attacker, spare, sender=seller)
    assert {name: each for name, each in outcomes(house, attacker, calls).items() if each not in REFUSALS} == {}
    assert house.journals() == plain


def test_a_receiver_takes_one_certificate_and_nothing_else(scene: Scene, attacker: Door) -> None:
    """With the right of a holder and of a spender: it may use what it got, and what it got is all there is."""
    house, till, contract = scene.house, scene.till, scene.house.receivables
    neighbour = scene.front + 50_000
    calls = {
        "take it again": contract.transferFrom.encode_input(house.seller, attacker, scene.front),
        "take the neighbour": contract.transferFrom.encode_input(house.seller, attacker, neighbour),
        "approve itself for the neighbour": contract.approve.encode_input(attacker, neighbour),
        "merge the neighbour into it": contract.merge.encode_input(scene.left, 100_000),
        "redeem it": contract.redeem.encode_input(scene.front),
        "demand recourse": contract.demandRecourse.encode_input(scene.left),
        "sell what it has not": contract.sell.encode_input(till.deal(neighbour)),
        "hand it on as it was": contract.transferFrom.encode_input(house.seller, house.bank, scene.front),
    }
    plan(house, attacker, calls)
    before = till.balances(house.seller, house.buyer, house.bank, house.receivables)
    contract.safeTransferFrom(house.seller, attacker, scene.front, sender=house.seller)
    assert outcomes(house, attacker, calls) == {
        "take it again": "NotHolder",
        "take the neighbour": "NotHolder",
        "approve itself for the neighbour": "NotHolder",
        "merge the neighbour into it": "NotHolder",
        "redeem it": "NothingDue",
        "demand recourse": "NoRecourse",
        "sell what it has not": "NotDesk",
        "hand it on as it was": "NotHolder",
    }
    assert (house.balance(attacker), contract.ownerOf(neighbour)) == (1, house.seller)
    assert till.balances(house.seller, house.buyer, house.bank, house.receivables) == before


@pytest.mark.parametrize("kind", ["GasBurner", "LongAnswer"])
def test_a_receiver_that_burns_gas_blocks_nobody(
    house: House, receivable_id: int, helpers: dict[str, Any], kind: str
) -> None:
    """Only who asks it is refused, by a call that it need not make: every other way in asks no receiver."""
    receiver, certificate = house.made(helpers[kind]), token(receivable_id)
    house.admit(receiver, roles=FINANCIER_ROLE)
    before = house.storage_root()
    if kind == "GasBurner":
        with refused("ERC721InvalidReceiver", receiver=receiver.address):
            house.receivables.safeTransferFrom(house.seller, receiver, certificate, sender=house.seller, gas=1_000_000)
    else:
        with pytest.raises(Reverted):
            house.receivables.safeTransferFrom(house.seller, receiver, certificate, sender=house.seller)
    assert house.storage_root() == before
    house.receivables.transferFrom(house.seller, receiver, certificate, sender=house.seller)
    assert house.receivables.ownerOf(certificate) == receiver.address


# ----------------------------------------------------------- the deposit token


@pytest.fixture
def pounds(scene: Scene, attacker: Door) -> int:
    """A receivable whose deposit token the attacker is, with the tail of 40,000 in the attacker's hands."""
    house = scene.house
    attacker.becomeToken(house.receivables, GBP, sender=house.stranger)
    house.receivables.setDepositToken(GBP, attacker, sender=house.operator)
    receivable_id = house.confirmed(currency=GBP, due=house.midnight(days=2))
    house.split(token(receivable_id), 60_000, to=attacker)
    return receivable_id


def test_a_hostile_token_finds_no_door_open_during_a_payment(scene: Scene, attacker: Door, pounds: int) -> None:
    house, calls = scene.house, doors(scene)
    plan(house, attacker, calls)
    before = (scene.till.bank.token.totalSupply(), house.cover(scene.confirmed), house.cover(pounds))
    scene.till.pay(pounds, 100_000)
    assert {name: each for name, each in outcomes(house, attacker, calls).items() if each not in REFUSALS} == {}
    assert (scene.till.bank.token.totalSupply(), house.cover(scene.confirmed), house.cover(pounds)) == before
    assert scene.till.amounts(pounds) == {"paid": 100_000}


@pytest.mark.parametrize("paid", [50_000, 100_000])
def test_a_hostile_token_is_paid_out_once_whatever_it_tries_in_between(
    scene: Scene, attacker: Door, pounds: int, paid: int
) -> None:
    """In the middle of the payment it redeems what is due to it; twice is refused, and so is everything after."""
    house, till, contract = scene.house, scene.till, scene.house.receivables
    front, tail = token(pounds), token(pounds, 60_000)
    till.reach(pounds)
    whole = named(tail)
    calls = {
        "redeem": contract.redeem.encode_input(tail),
        "redeem twice": contract.redeem.encode_input(tail),
        "pay again": contract.pay.encode_input(pounds, 100_000 - paid or 1),
        "move what is paid": contract.endorse.encode_input(whole, house.bank, NO_DOCUMENT),
        "pledge what is paid": contract.pledge.encode_input(whole, house.bank, 40_000),
        "split what is paid": contract.split.encode_input(whole, 70_000, house.bank, NO_DOCUMENT),
        "sell what is paid": contract.sell.encode_input(till.deal(front)),
        "close": contract.close.encode_input(pounds),
        "redeem another currency's": contract.redeem.encode_input(scene.front),
    }
    plan(house, attacker, calls)
    rich = till.bank.balance(house.receivables)
    till.pay(pounds, paid)
    found = outcomes(house, attacker, calls)
    gone = paid == 100_000
    moved = "UnknownCertificate" if gone else "DueDatePassed"
    assert found == {
        "redeem": "",
        "redeem twice": "UnknownCertificate" if gone else "NothingDue",
        # The attacker pays as any third party: the whole remainder, with what it says are its own deposits.
        "pay again": "StatusForbids" if gone else "",
        "move what is paid": moved if gone else "StatusForbids",
        "pledge what is paid": moved if gone else "StatusForbids",
        "split what is paid": moved if gone else "StatusForbids",
        "sell what is paid": "NotDesk",
        "close": "AccessManagedUnauthorized",
        "redeem another currency's": "NothingDue",
    }
    assert attacker.paidOut(attacker) == 40_000 * paid // 100_000
    assert till.bank.balance(house.receivables) == rich


def test_a_redemption_pays_once_though_the_token_redeems_meanwhile(scene: Scene, attacker: Door, pounds: int) -> None:
    """Redeem twice, sell and move during a redemption; single and in a batch that names a certificate three times."""
    house, till, contract = scene.house, scene.till, scene.house.receivables
    front, tail = token(pounds), token(pounds, 60_000)
    till.pay(pounds, 100_000)
    calls = {
        "redeem the same": contract.redeem.encode_input(tail),
        "redeem the same in a batch": contract.redeemMany.encode_input([tail, tail]),
        "move it": contract.transferFrom.encode_input(attacker, house.bank, tail),
        "approve it": contract.approve.encode_input(house.stranger, tail),
        "release it": contract.release.encode_input(named(tail)),
        "redeem the other": contract.redeem.encode_input(front),
        "pay once more": contract.pay.encode_input(pounds, 100_000),
    }
    plan(house, attacker, calls)
    receipt = till.redeem_many([tail, tail, tail])
    skipped = {"certificateId": tail, "reason": selector("UnknownCertificate(uint256)")}
    assert receipt.events[-2:] == [("RedemptionSkipped", skipped)] * 2
    assert outcomes(house, attacker, calls)["redeem the same in a batch"] == ""  # both were skipped
    assert {name: each for name, each in outcomes(house, attacker, calls).items() if each} == {
        "redeem the same": "UnknownCertificate",
        "move it": "UnknownCertificate",
        "approve it": "UnknownCertificate",
        "release it": "UnknownCertificate",
        "pay once more": "StatusForbids",
    }
    paid = [attacker.paidOut(each) for each in (attacker, house.seller)]
    assert (paid, attacker.paidIn(house.buyer)) == ([40_000, 60_000], 100_000)
    assert house.cover(pounds) == []


def test_a_repurchase_takes_the_certificate_before_the_money_moves(scene: Scene, attacker: Door, pounds: int) -> None:
    """The buyer of a certificate is the token: paid by its seller, it tries to keep both."""
    house, till, contract = scene.house, scene.till, scene.house.receivables
    front, whole = token(pounds), named(token(pounds), 60_000)
    till.sell(front, recourse=30_000, financier=attacker.address)
    till.reach(pounds, days=1)
    by(house, attacker, contract.demandRecourse.encode_input(whole))
    calls = {
        "move it": contract.endorse.encode_input(whole, house.bank, NO_DOCUMENT),
        "approve it": contract.approve.encode_input(house.stranger, front),
        "demand it again": contract.demandRecourse.encode_input(whole),
        "sell it back": contract.repurchase.encode_input(whole),
        "redeem it": contract.redeem.encode_input(front),
    }
    plan(house, attacker, calls)
    till.repurchase(front)
    assert outcomes(house, attacker, calls) == {
        "move it": "NotHolder",
        "approve it": "NotHolder",
        "demand it again": "NotHolder",
        "sell it back": "NoRecourse",
        "redeem it": "NothingDue",
    }
    assert (contract.ownerOf(front), attacker.paidIn(house.seller)) == (house.seller, 30_000)
    with till.refused("NoRecourse", certificateId=front):
        till.repurchase(front)


def test_a_token_backed_by_nothing_harms_its_own_currency_alone(scene: Scene, attacker: Door, pounds: int) -> None:
    """The attacker's token books what nobody has: what was paid in euros is paid out in euros, to the cent."""
    house, till = scene.house, scene.till
    paid = house.confirmed()
    rich = till.bank.balance(house.receivables)
    till.pay(paid, 100_000)
    till.pay(pounds, 100_000, sender=house.seller)
    till.redeem_many([token(pounds), token(pounds, 60_000)])
    assert till.bank.balance(house.receivables) == rich + 100_000
    till.redeem(token(paid))
    assert till.bank.balance(house.receivables) == rich


def test_a_token_that_moves_nothing_pays_nothing(scene: Scene, helpers: dict[str, Any]) -> None:
    house, till = scene.house, scene.till
    token_of_pounds = house.made(helpers["NoToken"], house.receivables, GBP)
    house.receivables.setDepositToken(GBP, token_of_pounds, sender=house.operator)
    unpaid = house.confirmed(currency=GBP)
    before = till.roots()
    with pytest.raises(Reverted) as caught:
        till.pay(unpaid, 100_000)
    assert caught.value.data[:4] == selector("SafeERC20FailedOperation(address)")
    assert (till.roots(), till.amounts(unpaid)) == (before, {})


# ------------------------------------------------------------------- the desk


def quoted(bank: Bank, attacker: Door, pounds: int, **changes: Any) -> dict[str, Any]:
    """The house's bank buys the attacker's tail, with deposits in the attacker's token."""
    tail = {"start": 60_000, "cut": 60_000, "price": 30_000, "holder": attacker.address, "token": attacker.address}
    return bank.quote(pounds, **tail | changes)


def test_a_quote_counts_once_though_the_token_accepts_it_meanwhile(scene: Scene, attacker: Door, pounds: int) -> None:
    house, bank, contract = scene.house, scene.till.bank, scene.house.receivables
    contract.setDesk(bank.desk, sender=house.operator)
    by(house, attacker, contract.setApprovalForAll.encode_input(bank.desk, True))
    quote = quoted(bank, attacker, pounds)
    twin = quote | {"price": 39_000}
    key = house.claim_key(pounds)
    accept = bank.desk.accept.encode_input(quote, bank.sign(quote), key)
    calls = {"again": accept, "its twin": bank.desk.accept.encode_input(twin, bank.sign(twin), key)}
    deal = scene.till.deal(token(pounds, 60_000), holder=attacker.address)
    direct = {
        "sell": contract.sell.encode_input(deal),
        "pledge against": contract.pledgeAgainst.encode_input(deal | {"amount": 1}),
    }
    plan(house, attacker, calls, target=bank.desk)
    plan(house, attacker, direct)
    by(house, attacker, accept, target=bank.desk)
    names = {selector(error.selector): error.name for each in bank.desk.types for error in each.errors}
    assert [names[bytes(each.refusal)] for each in attacker.outcomes()] == ["QuoteUsed"] * 2 + ["NotDesk"] * 2
    assert attacker.paidIn(house.bank) == 30_000
    assert contract.ownerOf(token(pounds, 60_000)) == house.bank


MOVED_AWAY = {
    "endorse": "NotHolder",
    "split": "RangeChanged",
    "pledge": "PledgedTo",
    "revoke": "NotHolder",
}


@pytest.mark.parametrize("way", MOVED_AWAY)
def test_a_seller_who_is_paid_first_cannot_keep_the_certificate(
    scene: Scene, attacker: Door, pounds: int, way: str
) -> None:
    """While the cash moves the certificate goes elsewhere: then the cash does not move either."""
    house, bank, contract = scene.house, scene.till.bank, scene.house.receivables
    contract.setDesk(bank.desk, sender=house.operator)
    by(house, attacker, contract.setApprovalForAll.encode_input(bank.desk, True))
    whole = named(token(pounds, 60_000))
    calls = {
        "endorse": contract.endorse.encode_input(whole, house.supplier, DOCUMENT),
        "split": contract.split.encode_input(whole, 80_000, house.seller, DOCUMENT),
        "pledge": contract.pledge.encode_input(whole, house.seller, 40_000),
        "revoke": contract.setApprovalForAll.encode_input(bank.desk, False),
    }
    house.admit(house.seller, roles=SUPPLIER_ROLE | FINANCIER_ROLE)
    plan(house, attacker, {way: calls[way]})
    quote = quoted(bank, attacker, pounds)
    accept = bank.desk.accept.encode_input(quote, bank.sign(quote), house.claim_key(pounds))
    before = [house.storage_root(), bank.desk.noncesUsed(house.bank, quote["nonce"] >> 8)]
    with pytest.raises(Reverted) as caught:
        by(house, attacker, accept, target=bank.desk)
    assert caught.value.name == MOVED_AWAY[way]
    assert [house.storage_root(), bank.desk.noncesUsed(house.bank, quote["nonce"] >> 8)] == before
    assert attacker.paidIn(house.bank) == 0
    by(house, attacker, calls[way])  # by itself, and before it sells, it may


# ---------------------------------------------------- who is asked, in static calls


def own(house: House, attacker: Door, receivable_id: int) -> dict[str, bytes]:
    """What the attacker may do at any time with what is its own: the tail of this receivable, its nonces, its voice."""
    contract, whole = house.receivables, named(token(receivable_id, 60_000))
    return {
        "endorse": contract.endorse.encode_input(whole, house.bank, NO_DOCUMENT),
        "split": contract.split.encode_input(whole, 80_000, house.bank, NO_DOCUMENT),
        "approve": contract.approve.encode_input(house.stranger, token(receivable_id, 60_000)),
        "setApprovalForAll": contract.setApprovalForAll.encode_input(house.stranger, True),
        "cancelNonces": contract.cancelNonces.encode_input(0, 1),
        "register": contract.register.encode_input(house.claim()),
    }


@pytest.fixture
def tail(scene: Scene, attacker: Door) -> int:
    """A receivable whose tail of 40,000 is the attacker's."""
    receivable_id = scene.house.confirmed()
    scene.house.split(token(receivable_id), 60_000, to=attacker)
    return receivable_id


def test_a_wallet_that_is_asked_for_its_word_can_do_nothing_meanwhile(scene: Scene, attacker: Door, tail: int) -> None:
    """As a holder: neither others' doors nor its own open, and its signature counts once."""
    house, contract = scene.house, scene.house.receivables
    mine, whole = own(house, attacker, tail), named(token(tail, 60_000))
    fields = parts_of(whole) | {"receiver": house.bank.address, "document": NO_DOCUMENT}
    signed = house.authorise("Endorse", attacker, key=house.stranger, **fields)
    call = contract.endorseBySignature.encode_input(whole, house.bank, NO_DOCUMENT, signed)
    plan(house, attacker, doors(scene) | mine | {"the same signature": call})
    at = house.now + 100
    with taken_back():
        house.at(at)
        by(house, attacker, mine["endorse"])
        plain = (house.head(tail), house.certificate(whole >> 64))
    house.at(at)
    receipt = contract.endorseBySignature(whole, house.bank, NO_DOCUMENT, signed, sender=house.stranger, gas=GAS_MAX)
    assert receipt.names == ["Endorsed", "Transfer"]
    assert (house.head(tail), house.certificate(whole >> 64)) == plain
    with refused("NonceUsed", nonce=signed["nonce"]):
        contract.endorseBySignature(whole, house.bank, NO_DOCUMENT, signed, sender=house.stranger)


def test_what_a_wallet_could_not_do_when_asked_it_could_of_its_own_accord(
    scene: Scene, attacker: Door, tail: int
) -> None:
    """So it was the static call that stopped it, and not want of gas or of standing."""
    house = scene.house
    gas = attacker.ATTEMPT_GAS()
    for name, call in own(house, attacker, tail).items():
        with taken_back():
            assert by(house, attacker, call).gas_used - 21_000 < gas, name


def test_a_financier_and_an_officer_that_are_wallets_can_do_nothing_meanwhile_either(
    scene: Scene, attacker: Door, tail: int
) -> None:
    house, bank, contract = scene.house, scene.till.bank, scene.house.receivables
    contract.setDesk(bank.desk, sender=house.operator)
    contract.setApprovalForAll(bank.desk, True, sender=house.seller)
    bank.mint(attacker)
    by(house, attacker, bank.token.approve.encode_input(bank.desk, 2**256 - 1), target=bank.token)
    quote = bank.quote(tail, financier=attacker.address, end=60_000, price=50_000)
    accept = bank.desk.accept.encode_input(quote, b"", house.claim_key(tail))
    cancel = bank.desk.cancelNonces.encode_input(quote["nonce"] >> 8, 2**256 - 1)
    spend = bank.token.transfer.encode_input(house.supplier, 1)
    plan(house, attacker, own(house, attacker, tail))
    plan(house, attacker, {"again": accept, "cancel": cancel}, target=bank.desk)
    plan(house, attacker, {"spend": spend}, target=bank.token)
    before = bank.balance(attacker)
    bank.accept(quote, signature=b"")
    assert before - bank.balance(attacker) == 50_000
    assert contract.ownerOf(token(tail)) == attacker.address
    # The second officer's word is asked for in the same way.
    house.regulation.grantRole(OFFICER_ROLE, attacker, 0, sender=house.regulator)
    house.freeze_receivable(tail)
    second = house.authorise("UnfreezeReceivable", attacker, key=house.stranger, receivableId=tail, order=b"\x0a" * 32)
    receipt = contract.unfreezeReceivable(tail, b"\x0a" * 32, second, sender=house.officer)
    assert receipt.names[0] == "ReceivableUnfrozen"


def test_extra_rules_can_only_forbid_whatever_they_call(scene: Scene, attacker: Door, tail: int) -> None:
    """Asked about a move they try every door, also as the holder that they are; all that happens is the move."""
    house, contract = scene.house, scene.house.receivables
    plan(house, attacker, doors(scene) | own(house, attacker, tail))
    at = house.now + 100
    with taken_back():
        house.at(at + 1)
        house.endorse(token(tail), to=house.bank, end=60_000)
        plain = (house.head(tail), house.cover(tail), house.head(scene.confirmed))
    house.at(at)
    contract.setRules(attacker, sender=house.operator)
    house.at(at + 1)
    whole = named(token(tail), 60_000)
    contract.endorse(whole, house.bank, DOCUMENT, sender=house.seller, gas=GAS_MAX)
    assert (house.head(tail), house.cover(tail), house.head(scene.confirmed)) == plain
