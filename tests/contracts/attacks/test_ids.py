"""Numbers: ids that come back, ids too wide, the registry's own number, amounts near 2^64, dirt in calldata."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from eth_utils.crypto import keccak

from tests.contracts.door import Reverted, kind
from tests.contracts.house import (
    DAY,
    DOCUMENT,
    NO_DOCUMENT,
    NOBODY,
    ORDER,
    OVERDUE_GRACE_DAYS,
    SCOPE_CERTIFICATE,
    Certificate,
    House,
    named,
    parts_of,
    token,
)
from tests.contracts.test_strangers import CLAIM, WRITES, Scene
from tests.contracts.till import Till

SETTLED = 6
MOST = 2**64 - 1
CUT = 40_000


# ----------------------------------------------------------- ids that come back


def bring_back(house: House, till: Till, receivable_id: int, way: str) -> None:
    """The seller's whole certificate is cut at the cent where the earlier one began, by each of the ways there are."""
    front, seller = token(receivable_id), house.seller
    part = {"cut": CUT, "receiver": seller.address, "document": DOCUMENT}
    ways: dict[str, Callable[[], Any]] = {
        "split": lambda: house.split(front, CUT, to=seller),
        "split many": lambda: house.receivables.splitMany(named(front), [part], sender=seller),
        "partition": lambda: house.partition(named(front), CUT),
        "dispute": lambda: till.dispute(front, CUT),
        "credit note": lambda: till.credit(front, CUT),
        "sale": lambda: till.sell(front, cut=CUT),
    }
    ways[way]()


@pytest.mark.parametrize("way", ["split", "split many", "partition", "dispute", "credit note", "sale"])
def test_an_id_that_comes_back_has_nothing_of_its_earlier_life(house: House, till: Till, way: str) -> None:
    """Approval, lien, recourse, orders: all lay on the certificate that began at this cent, before it was merged away.
    Each of those who had a right then tries it again."""
    receivable_id = till.parts()
    front, tail, contract = token(receivable_id), token(receivable_id, CUT), house.receivables
    till.sell(front, cut=CUT, recourse=60_000)
    contract.approve(house.stranger, tail, sender=house.bank)
    house.endorse(tail, to=house.seller, sender=house.bank)
    till.pledge(tail, 60_000)
    till.release(tail)
    contract.approve(house.stranger, tail, sender=house.seller)
    house.freeze_certificate(house.present(tail), expiry=house.now + DAY)
    house.wait(DAY)
    house.merge(front)
    assert house.certificate(tail) is None

    bring_back(house, till, receivable_id, way)
    holder = house.bank if way == "sale" else house.seller
    assert house.certificate(tail) == Certificate(holder.address, 100_000, original=way == "credit note")
    assert (till.rights(tail), house.orders(SCOPE_CERTIFICATE, tail)) == ({}, [])
    assert contract.getApproved(tail) == NOBODY
    whole, stranger = named(tail), house.stranger
    before = till.roots()
    for error, call in (
        ("NotHolder", lambda: contract.transferFrom(holder, house.bank, tail, sender=stranger)),
        ("NotHolder", lambda: contract.endorse(whole, house.supplier, DOCUMENT, sender=stranger)),
        ("NotHolder", lambda: contract.split(whole, CUT + 1, stranger, DOCUMENT, sender=stranger)),
        ("NotHolder", lambda: contract.pledge(whole, house.bank, 1, sender=stranger)),
        ("NotPledged", lambda: contract.release(whole, sender=house.bank)),
        ("NotHolder", lambda: contract.demandRecourse(whole, sender=stranger)),
        ("NoRecourse", lambda: contract.demandRecourse(whole, sender=holder)),
        ("NoRecourse", lambda: contract.repurchase(whole, sender=house.seller)),
        ("OrderNotInForce", lambda: house.unfreeze_certificate(whole)),
        ("OrderNotInForce", lambda: house.force_transfer(whole, to=house.supplier)),
    ):
        with pytest.raises(Reverted, match=error):
            call()
    assert till.roots() == before


def test_an_id_that_was_paid_out_never_comes_back(house: House, till: Till) -> None:
    """After a redemption nothing begins at its cent any more: not by a second one, an order, a merger or a return."""
    receivable_id = till.parts(CUT)
    front, tail, contract = token(receivable_id), token(receivable_id, CUT), house.receivables
    contract.approve(house.stranger, tail, sender=house.seller)
    till.pay(receivable_id, 100_000)
    till.redeem(tail)
    before = till.roots()
    for call in (
        lambda: till.redeem(tail),
        lambda: contract.transferFrom(house.seller, house.bank, tail, sender=house.stranger),
        lambda: contract.merge(named(front, CUT), 100_000, sender=house.seller),
        lambda: contract.approve(house.bank, tail, sender=house.seller),
        lambda: house.freeze_certificate(named(tail), holder=house.seller),
        lambda: house.partition(named(tail), CUT + 1, holder=house.seller),
    ):
        with pytest.raises(Reverted, match="UnknownCertificate"):
            call()
    assert till.roots() == before
    till.redeem(front)
    assert till.balances(house.seller, house.receivables) == [100_000, 0]


# ------------------------------------------------------- ids beyond their width


@pytest.mark.parametrize("shift", [64, 128, 192, 255])
def test_no_id_has_a_second_spelling(house: House, till: Till, shift: int) -> None:
    """Ids whose low bits are those of a receivable or certificate that there is are ids of nothing."""
    opened, receivable_id, overdue = house.register(), house.confirmed(), house.confirmed(due=house.midnight(days=1))
    front, contract, seller, bank = token(receivable_id), house.receivables, house.seller, house.bank
    till.reach(overdue, days=9)
    alias = receivable_id + 2**shift
    claim = (house.terms(opened), [])
    before = till.roots()
    for error, call in (
        ("UnknownReceivable", lambda: contract.confirm(opened + 2**shift, *claim, sender=house.buyer)),
        ("UnknownReceivable", lambda: contract.refuse(opened + 2**shift, *claim, 1, sender=house.buyer)),
        ("UnknownReceivable", lambda: contract.withdraw(opened + 2**shift, *claim, sender=seller)),
        ("UnknownReceivable", lambda: till.pay(alias, 100_000)),
        ("UnknownReceivable", lambda: till.close(overdue + 2**shift)),
        ("UnknownReceivable", lambda: till.absolve(overdue + 2**shift)),
        ("UnknownReceivable", lambda: till.dishonour(overdue + 2**shift)),
    ):
        with pytest.raises(Reverted, match=error):
            call()
    assert contract.depositTokenOf(alias) == NOBODY
    by = house.authorise("Pay", house.buyer, receivableId=alias, amount=100_000, anchor=house.anchor(receivable_id))
    with pytest.raises(Reverted, match="AnchorMismatch"):
        contract.payBySignature(
            alias, 100_000, by | {"claimKey": house.claim_key(receivable_id)}, sender=house.stranger
        )
    other = front + (2**shift if shift > 64 else 2**128)
    for call in (
        lambda: till.redeem(other),
        lambda: contract.approve(bank, other, sender=seller),
        lambda: contract.transferFrom(seller, bank, other, sender=seller),
        lambda: contract.ownerOf(other),
        lambda: contract.requireTransfer(seller, bank, other),
    ):
        with pytest.raises(Reverted, match="UnknownCertificate"):
            call()
    if shift < 128:  # of a range's 256 bits the receivable has the upper half
        for call in (
            lambda: contract.endorse(named(other), bank, NO_DOCUMENT, sender=seller),
            lambda: contract.pledge(named(other), bank, 1, sender=seller),
            lambda: contract.split(named(other), 5, bank, NO_DOCUMENT, sender=seller),
        ):
            with pytest.raises(Reverted, match="UnknownCertificate"):
                call()
    assert till.roots() == before


def test_the_registrys_own_journal_is_no_receivable(house: House, till: Till) -> None:
    """Number 0, with an anchor that fits an empty record under a claim that nobody made."""
    contract, key = house.receivables, b"\x0b" * 32
    crafted = {"anchor": keccak(key + bytes(32))}
    head, before = house.head(0), till.roots()
    pay = house.authorise("Pay", house.buyer, receivableId=0, amount=1, **crafted) | {"claimKey": key}
    order = {"receivableId": 0, "order": ORDER, "expiry": house.now + DAY}
    second = house.countersigned("FreezeReceivable", **order, **crafted) | {"claimKey": key}
    moved = parts_of(named(0)) | {"receiver": house.bank.address, "document": NO_DOCUMENT}
    endorse = house.authorise("Endorse", house.seller, **moved, **crafted) | {"claimKey": key}
    for error, call in (
        ("UnknownReceivable", lambda: till.pay(0, 1)),
        ("UnknownReceivable", lambda: till.close(0)),
        ("UnknownReceivable", lambda: till.dishonour(0)),
        ("UnknownReceivable", lambda: contract.payBySignature(0, 1, pay, sender=house.stranger)),
        (
            "UnknownReceivable",
            lambda: contract.freezeReceivable(0, ORDER, order["expiry"], second, sender=house.officer),
        ),
        ("UnknownCertificate", lambda: till.redeem(0)),
        ("UnknownCertificate", lambda: contract.endorse(named(0), house.bank, NO_DOCUMENT, sender=house.seller)),
        (
            "UnknownCertificate",
            lambda: contract.endorseBySignature(named(0), house.bank, NO_DOCUMENT, endorse, sender=house.stranger),
        ),
    ):
        with pytest.raises(Reverted, match=error):
            call()
    assert (house.head(0), till.roots()) == (head, before)


# ----------------------------------------------------------------- near 2^64


def all_of(house: House, receivable_id: int) -> list[int]:
    return [token(receivable_id, start) for start, _, _ in house.cover(receivable_id)]


@pytest.mark.parametrize("cut", [1, 2**32, 2**63, MOST - 1])
def test_the_largest_face_is_cut_paid_in_parts_and_paid_out_to_the_cent(house: House, till: Till, cut: int) -> None:
    """Cuts at both ends; payments whose sum would not fit; products of two numbers of 64 bits."""
    receivable_id = till.parts(cut, face=MOST)
    till.pledge(token(receivable_id, cut), MOST - cut)
    till.reach(receivable_id)
    paid = 0
    for amount in (1, MOST // 2, MOST // 3):
        till.pay(receivable_id, amount)
        paid += amount
        with till.refused("Overpayment", payable_=MOST - paid):
            till.pay(receivable_id, MOST)
        till.redeem_many(all_of(house, receivable_id))
        assert till.balances(house.seller, house.bank) == [cut * paid // MOST, (MOST - cut) * paid // MOST]
    till.pay(receivable_id, MOST - paid)
    till.redeem_many(all_of(house, receivable_id))
    assert till.balances(house.seller, house.bank, house.receivables) == [cut, MOST - cut, 0]


def test_several_of_the_largest_faces_are_kept_apart(house: House, till: Till) -> None:
    """Together more than 64 bits hold; one of them credited and disputed at its far end."""
    first, second, third = (house.confirmed(face=MOST) for _ in range(3))
    till.dispute(token(third), MOST - 1)
    till.credit(token(third), MOST - 2)
    for each, amount in ((first, MOST), (second, MOST), (third, 1)):
        till.pay(each, amount)
    assert till.balances(house.receivables) == [2 * MOST + 1]
    till.resolve(third)
    till.pay(third, 1)
    paid_out = [token(third, MOST - 2), token(third, MOST - 1), token(second), token(first)]
    till.redeem_many(paid_out)
    for each in (third, second, first):
        assert till.status(each) == SETTLED
    assert till.balances(house.seller, house.receivables) == [2 * MOST + 2, 0]


def test_a_book_of_the_largest_face_is_closed_to_the_cent(house: House, till: Till) -> None:
    receivable_id = till.parts(1, 2**63, MOST - 1, face=MOST)
    till.reach(receivable_id, days=OVERDUE_GRACE_DAYS)
    till.pay(receivable_id, MOST - 1)
    till.close(receivable_id)
    till.redeem_many(all_of(house, receivable_id))
    assert till.balances(house.seller, house.receivables) == [MOST - 1, 0]
    assert house.cover(receivable_id) == [(0, 1, house.seller.address)]  # for which nothing is left


# ------------------------------------------------------------- ranges of nothing


def test_a_range_without_a_cent_is_none(house: House, till: Till) -> None:
    """Empty, and turned around, at a certificate that there is and inside it."""
    receivable_id = till.parts(CUT)
    front, contract, seller = token(receivable_id), house.receivables, house.seller
    before = till.roots()
    for whole in (named(front, 0), named(front + CUT, CUT), named(front + CUT, CUT - 1), named(front + 5, 5)):
        calls = (
            partial(contract.split, whole, whole & MOST, house.bank, NO_DOCUMENT, sender=seller),
            partial(contract.endorse, whole, house.bank, NO_DOCUMENT, sender=seller),
            partial(contract.merge, whole, 100_000, sender=seller),
            partial(contract.pledge, whole, house.bank, 1, sender=seller),
            partial(house.partition, whole, whole & MOST, holder=seller),
            partial(house.freeze_certificate, whole, holder=seller),
        )
        for call in calls:
            with pytest.raises(Reverted, match=r"RangeChanged|UnknownCertificate"):
                call()
    for cut in (0, CUT):
        with till.refused("CutOutOfRange", start=0, cut=cut, end=CUT):
            contract.split(named(front, CUT), cut, house.bank, NO_DOCUMENT, sender=seller)
    with till.refused("CutOutOfRange", start=0, cut=CUT, end=CUT):
        till.sell(front, cut=CUT, price=1)
    assert till.roots() == before


# -------------------------------------------------------------- dirt in calldata


def spoiled(types: list[str], data: bytes, base: int = 4) -> Iterator[bytes]:
    """The calldata with one word at a time that is wider than its type, wherever in structs and arrays it stands."""
    head = base
    for each in types:
        element, bracket, _ = each.rpartition("[")
        at = head
        if is_dynamic(each):
            at = base + int.from_bytes(data[head : head + 32], "big")
        if bracket:
            length = int.from_bytes(data[at : at + 32], "big")
            yield from spoiled([element] * length, data, at + 32)
        elif each.startswith("("):
            yield from spoiled(fields_of(each), data, at)
        elif each == "bool":
            yield data[: at + 31] + b"\x02" + data[at + 32 :]
        elif each == "address" or (each.startswith("uint") and each != "uint256"):
            yield data[:at] + b"\x01" + data[at + 1 :]
        head += head_bytes(each)


def fields_of(struct: str) -> list[str]:
    """The types of a struct's fields: what stands between the commas of its own level."""
    found, depth = [""], 0
    for letter in struct[1:-1]:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            found.append("")
        else:
            found[-1] += letter
    return found


def is_dynamic(each: str) -> bool:
    return each.endswith("]") or each == "bytes" or (each[0] == "(" and any(map(is_dynamic, fields_of(each))))


def head_bytes(each: str) -> int:
    """What a type takes in the head of what it stands in."""
    return 32 if is_dynamic(each) or each[0] != "(" else sum(map(head_bytes, fields_of(each)))


def test_no_bit_beyond_a_type_is_taken_by_any_function_that_writes(scene: Scene) -> None:
    """Each argument, in every struct and list, of who may: with a bit too many the call is refused, else it is not."""
    house, contract, tried = scene.house, scene.house.receivables, 0
    calls = {signature: (allowed, arguments) for signature, (allowed, arguments) in WRITES.items() if allowed}
    del calls["unpause()"]  # nothing is paused here
    calls |= {
        f"register({CLAIM})": ("seller", lambda s, _: (s.house.claim(),)),
        "setApprovalForAll(address,bool)": ("seller", lambda s, _: (s.house.bank, True)),
        "pay(uint256,uint64)": ("bank", lambda s, _: (s.confirmed, 100_000)),
        "payAndRedeem(uint256,uint64,uint256[])": ("bank", lambda s, _: (s.confirmed, 100_000, [s.front])),
    }
    methods = {method.selector: method for method in contract.contract_type.mutable_methods}
    with contract.tried(at=house.now + 1):
        for signature, (allowed, arguments) in calls.items():
            who = getattr(house, allowed)
            data = getattr(contract, signature.partition("(")[0]).encode_input(*arguments(scene, who))
            contract.send(data, sender=who)
            for each in spoiled([kind(each) for each in methods[signature].inputs], data):
                with pytest.raises(Reverted) as caught:
                    contract.send(each, sender=who)
                assert caught.value.data == b"", signature
                tried += 1
    assert tried > 150
