"""Orders of an authority: cut to the cent, freeze, lift, transfer by force. Three scopes, several orders, the clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.contracts.door import refused
from tests.contracts.house import (
    DAY,
    DOCUMENT,
    FORCED_TRANSFER_DELAY,
    NO_DOCUMENT,
    NOBODY,
    ORDER,
    SCOPE_CERTIFICATE,
    SCOPE_MEMBER,
    SCOPE_RECEIVABLE,
    SUPPLIER_ROLE,
    House,
    named,
    token,
)

ORDERS_MAX = 16


def reference(number: int) -> bytes:
    """An order's reference."""
    return b"\x0b" + number.to_bytes(31, "big")


class Scope:
    """One of the three things that an order freezes, as the tests of all three use it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.number = {"certificate": SCOPE_CERTIFICATE, "receivable": SCOPE_RECEIVABLE, "member": SCOPE_MEMBER}[name]

    def freeze(self, house: House, receivable_id: int, **others: Any) -> Any:
        """Freeze the seller's front certificate, the receivable, or the seller."""
        if self.name == "certificate":
            return house.freeze_certificate(house.present(token(receivable_id)), **others)
        if self.name == "receivable":
            return house.freeze_receivable(receivable_id, **others)
        return house.freeze_member(house.seller, **others)

    def unfreeze(self, house: House, receivable_id: int, **others: Any) -> Any:
        if self.name == "certificate":
            return house.unfreeze_certificate(house.present(token(receivable_id)), **others)
        if self.name == "receivable":
            return house.unfreeze_receivable(receivable_id, **others)
        return house.unfreeze_member(house.seller, **others)

    def thing(self, house: House, receivable_id: int) -> int:
        """What `freezes` calls it."""
        things = {"certificate": token(receivable_id), "receivable": receivable_id}
        return things.get(self.name, int(house.seller.address, 16))

    def orders(self, house: House, receivable_id: int) -> list[bytes]:
        return house.orders(self.number, self.thing(house, receivable_id))

    def marked(self, house: House, receivable_id: int) -> bool:
        """Whether the thing's word says that there are orders."""
        certificate = house.certificate(token(receivable_id))
        marks = {
            "certificate": certificate is not None and certificate.frozen,
            "receivable": house.record(receivable_id).frozen,
            "member": house.member(house.seller).frozen,
        }
        return marks[self.name]


SCOPES = [Scope(name) for name in ("certificate", "receivable", "member")]
each_scope = pytest.mark.parametrize("scope", SCOPES, ids=[scope.name for scope in SCOPES])


def moves(house: House, receivable_id: int) -> dict[str, Callable[[], Any]]:
    """Everything that a holder, or somebody for it, does with its front certificate. The seller also has the tail."""
    front = token(receivable_id)
    whole = house.present(front)
    contract, seller, bank = house.receivables, house.seller, house.bank
    part = {"cut": 5, "receiver": bank.address, "document": NO_DOCUMENT}
    endorsement = {"range": whole, "receiver": bank.address, "document": NO_DOCUMENT}
    return {
        "split": lambda: contract.split(whole, 5, bank, NO_DOCUMENT, sender=seller),
        "splitMany": lambda: contract.splitMany(whole, [part], sender=seller),
        "endorse": lambda: contract.endorse(whole, bank, NO_DOCUMENT, sender=seller),
        "endorseMany": lambda: contract.endorseMany([endorsement], sender=seller),
        "merge": lambda: contract.merge(whole, 100_000, sender=seller),
        "transferFrom": lambda: contract.transferFrom(seller, bank, front, sender=seller),
        "safeTransferFrom": lambda: contract.safeTransferFrom(seller, bank, front, sender=seller),
    }


MOVES = ["split", "splitMany", "endorse", "endorseMany", "merge", "transferFrom", "safeTransferFrom"]


@pytest.fixture
def halves(house: House) -> int:
    """A receivable whose two halves are the seller's."""
    receivable_id = house.confirmed()
    house.split(token(receivable_id), 50_000, to=house.seller)
    return receivable_id


# -------------------------------------------------------- freeze and unfreeze


def test_a_freeze_and_its_end_tell_both_officers(house: House, receivable_id: int) -> None:
    expiry = house.now + 9 * DAY
    officers = {"officer": house.officer.address, "countersigner": house.countersigner.address, "order": ORDER}
    on_certificate = {"receivableId": receivable_id, "start": 0, "end": 100_000} | officers
    on_receivable = {"receivableId": receivable_id, "face": 100_000} | officers
    on_member = {"member": house.seller.address} | officers
    token_ids = {"_fromTokenId": token(receivable_id), "_toTokenId": token(receivable_id, 2**64 - 1)}
    one, several = ("MetadataUpdate", {"_tokenId": token(receivable_id)}), ("BatchMetadataUpdate", token_ids)
    whole = named(token(receivable_id))

    def told(receipt: Any) -> Any:
        events = receipt.events
        assert events[0][1].pop("at") == house.now
        return events

    until = {"expiry": expiry}
    told_of = told(house.freeze_certificate(whole, expiry=expiry))
    assert told_of == [("CertificateFrozen", on_certificate | until), one]
    assert told(house.unfreeze_certificate(whole)) == [("CertificateUnfrozen", on_certificate), one]
    told_of = told(house.freeze_receivable(receivable_id, expiry=expiry))
    assert told_of == [("ReceivableFrozen", on_receivable | until), several]
    assert told(house.unfreeze_receivable(receivable_id)) == [("ReceivableUnfrozen", on_receivable), several]
    every = ("BatchMetadataUpdate", {"_fromTokenId": 0, "_toTokenId": 2**256 - 1})
    assert told(house.freeze_member(house.seller, expiry=expiry)) == [("MemberFrozen", on_member | until), every]
    assert told(house.unfreeze_member(house.seller)) == [("MemberUnfrozen", on_member), every]


@each_scope
@pytest.mark.parametrize("move", MOVES)
def test_what_is_frozen_does_not_move_until_the_order_is_lifted(
    house: House, halves: int, scope: Scope, move: str
) -> None:
    scope.freeze(house, halves)
    with refused("FrozenByOrder", order=ORDER):
        moves(house, halves)[move]()
    scope.unfreeze(house, halves)
    assert (scope.orders(house, halves), scope.marked(house, halves)) == ([], False)
    moves(house, halves)[move]()


@each_scope
@pytest.mark.parametrize("move", MOVES)
def test_an_order_ends_with_the_clock_and_without_a_transaction(
    house: House, halves: int, scope: Scope, move: str
) -> None:
    expiry = house.now + DAY
    scope.freeze(house, halves, expiry=expiry)
    house.at(expiry - 1)
    with refused("FrozenByOrder", order=ORDER):
        moves(house, halves)[move]()
    assert scope.marked(house, halves)
    house.at(expiry)
    moves(house, halves)[move]()


@pytest.mark.parametrize("frozen", [0, 50_000])
def test_a_merge_is_hindered_by_an_order_on_either_side(house: House, halves: int, frozen: int) -> None:
    house.freeze_certificate(house.present(token(halves, frozen)))
    with refused("FrozenByOrder", order=ORDER):
        house.merge(token(halves))


def test_an_order_on_one_certificate_leaves_the_others_free(house: House, halves: int) -> None:
    house.freeze_certificate(house.present(token(halves, 50_000)))
    house.endorse(token(halves))
    house.split(token(halves), 10, sender=house.supplier)


def test_a_frozen_member_still_receives_and_answers(house: House, receivable_id: int) -> None:
    house.freeze_member(house.supplier)
    house.endorse(token(receivable_id))
    assert house.receivables.canReceive(house.supplier) is True
    assert house.receivables.canSend(house.supplier) is False
    with refused("FrozenByOrder", order=ORDER):
        house.endorse(token(receivable_id), to=house.bank, sender=house.supplier)
    house.freeze_member(house.seller)
    opened, declined = house.confirmed(), house.register()
    assert house.cover(opened) == [(0, 100_000, house.seller.address)]
    house.freeze_member(house.buyer)
    house.refuse(declined)


def test_a_frozen_debtor_promises_nothing(house: House) -> None:
    """A new debt would be a way to spend what an order freezes."""
    opened, offered = house.register(), house.register()
    house.counter_offer(offered)
    house.freeze_member(house.buyer)
    with refused("FrozenByOrder", order=ORDER):
        house.confirm(opened)
    with refused("FrozenByOrder", order=ORDER):
        house.accept_offer(offered)
    house.unfreeze_member(house.buyer)
    house.confirm(opened)
    house.accept_offer(offered)


def test_who_acts_for_a_frozen_holder_moves_no_more_than_it(house: House, receivable_id: int) -> None:
    house.receivables.setApprovalForAll(house.bank, True, sender=house.seller)
    house.freeze_member(house.seller)
    with refused("FrozenByOrder", order=ORDER):
        house.receivables.transferFrom(house.seller, house.bank, token(receivable_id), sender=house.bank)


@each_scope
def test_freezing_and_thawing_name_what_there_is(house: House, receivable_id: int, scope: Scope) -> None:
    expiry = house.now + DAY
    with refused("OrderMissing"):
        scope.freeze(house, receivable_id, order=bytes(32))
    with refused("OrderMissing"):
        scope.unfreeze(house, receivable_id, order=bytes(32))
    with refused("OrderNotInForce", order=ORDER):
        scope.unfreeze(house, receivable_id)
    house.at(expiry)
    with refused("OrderExpired", order=ORDER):
        scope.freeze(house, receivable_id, expiry=expiry)
    with refused("OrderExpired", order=ORDER):
        scope.freeze(house, receivable_id, expiry=0)
    later = house.now + DAY
    scope.freeze(house, receivable_id, expiry=later)
    for same_or_earlier in (later, later - 1):
        with refused("OrderStands", order=ORDER):
            scope.freeze(house, receivable_id, expiry=same_or_earlier)
    with refused("OrderNotInForce", order=reference(1)):
        scope.unfreeze(house, receivable_id, order=reference(1))


def test_orders_are_on_certificates_as_they_are(house: House, halves: int) -> None:
    whole = named(token(halves), 50_000)
    for changed, end in ((named(token(halves)), 50_000), (whole - 1, 50_000), (named(token(halves), 0), 50_000)):
        for order in (
            lambda changed=changed: house.freeze_certificate(changed),
            lambda changed=changed: house.unfreeze_certificate(changed),
            lambda changed=changed: house.partition(changed, 10),
            lambda changed=changed: house.force_transfer(changed),
        ):
            with refused("RangeChanged", start=0, end=end):
                order()
    unknown = named(token(halves, 7), 50_000)
    for order in (
        lambda: house.freeze_certificate(unknown, holder=house.seller),
        lambda: house.unfreeze_certificate(unknown),
        lambda: house.partition(unknown, 10, holder=house.seller),
        lambda: house.force_transfer(unknown, holder=house.seller),
    ):
        with refused("UnknownCertificate", certificateId=token(halves, 7)):
            order()


def test_an_order_is_against_the_holder_it_names(house: House, receivable_id: int) -> None:
    """A holder who sees the order come and hands the certificate on is not followed to somebody else."""
    whole = named(token(receivable_id))
    house.endorse(token(receivable_id))
    for order in (
        lambda: house.freeze_certificate(whole, holder=house.seller),
        lambda: house.partition(whole, 10, holder=house.seller),
        lambda: house.force_transfer(whole, holder=house.seller),
    ):
        with refused("NotHolder", caller=house.seller.address):
            order()


def test_only_confirmed_receivables_and_admitted_members_are_frozen(house: House) -> None:
    opened, declined = house.register(), house.register()
    house.refuse(declined)
    with refused("StatusForbids", status=1):
        house.freeze_receivable(opened)
    with refused("OrderNotInForce", order=ORDER):
        house.unfreeze_receivable(opened)
    # A claim that has ended has no anchor: its fingerprint may be another receivable's by now.
    for ended, head in ((declined, house.head(declined)), (99, bytes(32))):
        for order in (house.freeze_receivable, house.unfreeze_receivable):
            with refused("AnchorMismatch", head=head):
                order(ended)
    for order in (house.freeze_receivable, house.unfreeze_receivable):
        with refused("UnknownReceivable", receivableId=0):
            order(0)
    for order in (house.freeze_member, house.unfreeze_member):
        with refused("UnknownMember", member=house.stranger.address):
            order(house.stranger)
    house.suspend(house.supplier)
    house.freeze_member(house.supplier)  # a suspended member is one


@each_scope
def test_orders_hold_after_the_due_date_and_while_the_registry_is_paused(
    house: House, receivable_id: int, scope: Scope
) -> None:
    house.at(house.record(receivable_id).due + DAY)
    house.receivables.pause(sender=house.operator)
    scope.freeze(house, receivable_id, order=reference(1))
    scope.unfreeze(house, receivable_id, order=reference(1))
    scope.freeze(house, receivable_id)
    house.partition(named(token(receivable_id)), 40_000)
    house.wait(FORCED_TRANSFER_DELAY)
    house.force_transfer(named(token(receivable_id), 40_000))
    assert house.cover(receivable_id) == [(0, 40_000, house.bank.address), (40_000, 100_000, house.seller.address)]


def test_a_renewed_admission_lifts_no_freeze(house: House, receivable_id: int) -> None:
    house.freeze_member(house.seller)
    house.suspend(house.seller)
    house.admit(house.seller)
    assert house.orders(SCOPE_MEMBER, int(house.seller.address, 16)) == [ORDER]
    with refused("FrozenByOrder", order=ORDER):
        house.endorse(token(receivable_id))


# ------------------------------------------------------------- several orders


@each_scope
def test_of_several_orders_each_holds_on_its_own(house: House, receivable_id: int, scope: Scope) -> None:
    expiries = {reference(number): house.now + number * DAY for number in (3, 1, 2)}
    for order, expiry in expiries.items():
        scope.freeze(house, receivable_id, order=order, expiry=expiry)
    assert scope.orders(house, receivable_id) == list(expiries)
    listed = house.receivables.freezes(scope.number, [scope.thing(house, receivable_id)])[0]
    assert [freeze.expiry for freeze in listed] == list(expiries.values())
    assert [freeze.since for freeze in listed] == sorted(freeze.since for freeze in listed)

    scope.unfreeze(house, receivable_id, order=reference(3))
    with refused("FrozenByOrder", order=reference(1)):
        house.endorse(token(receivable_id))
    house.at(expiries[reference(1)])
    with refused("FrozenByOrder", order=reference(2)):  # the first in force; the expired one is still listed
        house.endorse(token(receivable_id))
    assert scope.orders(house, receivable_id) == [reference(1), reference(2)]
    house.at(expiries[reference(2)])
    house.endorse(token(receivable_id))


@each_scope
def test_an_order_is_prolonged_without_a_gap(house: House, receivable_id: int, scope: Scope) -> None:
    """It keeps its place and its beginning, from which the delay of a forced transfer counts."""
    start = house.now
    scope.freeze(house, receivable_id, expiry=start + 2 * DAY)
    since = house.now
    scope.freeze(house, receivable_id, order=reference(1), expiry=start + 2 * DAY)
    house.at(start + 2 * DAY - 1)
    scope.freeze(house, receivable_id, expiry=start + 9 * DAY)
    listed = house.receivables.freezes(scope.number, [scope.thing(house, receivable_id)])[0]
    assert [(bytes(each.order), each.expiry, each.since) for each in listed] == [
        (ORDER, start + 9 * DAY, since),
        (reference(1), start + 2 * DAY, listed[1].since),
    ]
    house.at(start + 2 * DAY)
    with refused("FrozenByOrder", order=ORDER):
        house.endorse(token(receivable_id))
    house.at(since + FORCED_TRANSFER_DELAY)
    house.force_transfer(named(token(receivable_id)))


@each_scope
def test_a_write_drops_the_orders_that_have_expired(house: House, receivable_id: int, scope: Scope) -> None:
    start = house.now
    for number in range(1, 5):
        scope.freeze(house, receivable_id, order=reference(number), expiry=start + number * DAY)
    house.at(start + 2 * DAY)
    scope.freeze(house, receivable_id, order=reference(9), expiry=start + 9 * DAY)
    assert scope.orders(house, receivable_id) == [reference(3), reference(4), reference(9)]
    house.at(start + 4 * DAY)
    scope.unfreeze(house, receivable_id, order=reference(9))
    assert (scope.orders(house, receivable_id), scope.marked(house, receivable_id)) == ([], False)


@each_scope
def test_an_expired_order_can_be_lifted_once_more_or_come_again(house: House, receivable_id: int, scope: Scope) -> None:
    start = house.now
    scope.freeze(house, receivable_id, expiry=start + DAY)
    house.at(start + DAY)
    scope.unfreeze(house, receivable_id)
    with refused("OrderNotInForce", order=ORDER):
        scope.unfreeze(house, receivable_id)
    scope.freeze(house, receivable_id, expiry=start + 2 * DAY)
    house.at(start + 2 * DAY)
    scope.freeze(house, receivable_id, expiry=start + 3 * DAY)
    assert scope.orders(house, receivable_id) == [ORDER]
    listed = house.receivables.freezes(scope.number, [scope.thing(house, receivable_id)])[0]
    assert listed[0].since == start + 2 * DAY


@each_scope
def test_there_are_at_most_sixteen_orders_in_force_on_one_thing(house: House, receivable_id: int, scope: Scope) -> None:
    start = house.now
    for number in range(ORDERS_MAX):
        expiry = start + (DAY if number == 7 else 9 * DAY)
        scope.freeze(house, receivable_id, order=reference(number), expiry=expiry)
    with refused("TooManyOrders"):
        scope.freeze(house, receivable_id, order=reference(99))
    with refused("OrderStands", order=reference(3)):
        scope.freeze(house, receivable_id, order=reference(3), expiry=start + 9 * DAY)
    scope.freeze(house, receivable_id, order=reference(3), expiry=start + 10 * DAY)  # needs no room
    house.at(start + DAY)  # one has expired and makes room
    scope.freeze(house, receivable_id, order=reference(99), expiry=start + 9 * DAY)
    with refused("TooManyOrders"):
        scope.freeze(house, receivable_id, order=reference(100))
    scope.unfreeze(house, receivable_id, order=reference(0))
    scope.freeze(house, receivable_id, order=reference(100))
    others = [reference(number) for number in range(1, ORDERS_MAX) if number != 7]
    assert scope.orders(house, receivable_id) == [*others, reference(99), reference(100)]


def test_scopes_do_not_mix(house: House, receivable_id: int) -> None:
    """The same number is a certificate, a receivable or a member, and the same order may be on all three."""
    for scope in SCOPES:
        scope.freeze(house, receivable_id)
        for other in SCOPES:
            expected = [ORDER] if SCOPES.index(other) <= SCOPES.index(scope) else []
            assert other.orders(house, receivable_id) == expected
    assert house.orders(SCOPE_RECEIVABLE, token(receivable_id)) == []
    assert house.orders(SCOPE_CERTIFICATE, receivable_id) == []
    assert house.orders(0, receivable_id) == house.orders(4, receivable_id) == []
    SCOPES[1].unfreeze(house, receivable_id)
    assert [scope.orders(house, receivable_id) for scope in SCOPES] == [[ORDER], [], [ORDER]]


# ------------------------------------------------------------------ partition


def test_a_partition_cuts_to_the_cent_and_moves_nothing(house: House, receivable_id: int) -> None:
    whole = named(token(receivable_id))
    receipt = house.partition(whole, 99_999)
    tail = token(receivable_id, 99_999)
    assert receipt.events == [
        (
            "Partitioned",
            {
                "receivableId": receivable_id,
                "order": ORDER,
                "officer": house.officer.address,
                "countersigner": house.countersigner.address,
                "start": 0,
                "end": 100_000,
                "cut": 99_999,
                "at": house.now,
            },
        ),
        ("Transfer", {"from": NOBODY, "to": house.seller.address, "tokenId": tail}),
        ("SlotChanged", {"tokenId": tail, "oldSlot": 0, "newSlot": receivable_id}),
        ("TransferValue", {"fromTokenId": token(receivable_id), "toTokenId": tail, "value": 1}),
        ("MetadataUpdate", {"_tokenId": token(receivable_id)}),
    ]
    assert house.cover(receivable_id) == [(0, 99_999, house.seller.address), (99_999, 100_000, house.seller.address)]
    assert house.balance(house.seller) == 2


@pytest.mark.parametrize("cut", [0, 50_000, 100_000, 100_001, 2**64 - 1])
def test_a_partition_lies_inside_the_range(house: House, halves: int, cut: int) -> None:
    with refused("CutOutOfRange", start=50_000, cut=cut, end=100_000):
        house.partition(named(token(halves, 50_000)), cut)


def test_a_partition_needs_an_order(house: House, receivable_id: int) -> None:
    with refused("OrderMissing"):
        house.partition(named(token(receivable_id)), 5, order=bytes(32))


def test_a_partition_ends_an_approval(house: House, receivable_id: int) -> None:
    house.receivables.approve(house.stranger, token(receivable_id), sender=house.seller)
    house.partition(named(token(receivable_id)), 5)
    for start in (0, 5):
        assert house.receivables.getApproved(token(receivable_id, start)) == NOBODY
    with refused("NotHolder", caller=house.stranger.address):
        house.endorse(token(receivable_id), to=house.bank, sender=house.stranger)


def test_both_parts_keep_the_orders_and_go_their_own_ways(house: House, receivable_id: int) -> None:
    start = house.now
    for number in (1, 2, 3):
        expiry = start + number * DAY
        house.freeze_certificate(named(token(receivable_id)), order=reference(number), expiry=expiry)
    house.at(start + DAY)
    house.partition(named(token(receivable_id)), 5, order=reference(7))
    both = [token(receivable_id), token(receivable_id, 5)]
    # The list is copied as it is, the expired order too.
    assert [house.orders(SCOPE_CERTIFICATE, each) for each in both] == [[reference(1), reference(2), reference(3)]] * 2
    house.unfreeze_certificate(house.present(both[1]), order=reference(2))
    house.unfreeze_certificate(house.present(both[1]), order=reference(3))
    assert [house.orders(SCOPE_CERTIFICATE, each) for each in both] == [[reference(1), reference(2), reference(3)], []]
    house.endorse(both[1])
    with refused("FrozenByOrder", order=reference(2)):
        house.endorse(both[0])


def test_a_certificate_with_sixteen_orders_can_be_partitioned(house: House, receivable_id: int) -> None:
    for number in range(ORDERS_MAX):
        house.freeze_certificate(named(token(receivable_id)), order=reference(number))
    house.partition(named(token(receivable_id)), 5)
    assert len(house.orders(SCOPE_CERTIFICATE, token(receivable_id, 5))) == ORDERS_MAX


# ------------------------------------------------- ids that come back to life


def test_a_new_certificate_at_an_old_start_has_no_old_orders(house: House, halves: int) -> None:
    """Right half frozen, expired, merged away (its list stays behind, unread), cut anew at the same cent."""
    tail = token(halves, 50_000)
    expiry = house.now + DAY
    for number in range(ORDERS_MAX):
        house.freeze_certificate(house.present(tail), order=reference(number), expiry=expiry)
    house.at(expiry)
    house.merge(token(halves))
    house.split(token(halves), 50_000, to=house.seller)
    assert house.orders(SCOPE_CERTIFICATE, tail) == []
    with refused("OrderNotInForce", order=reference(3)):
        house.unfreeze_certificate(house.present(tail), order=reference(3))
    # A first order of the new life begins a new list, as if it had never had one.
    house.freeze_certificate(house.present(tail), order=reference(3), expiry=expiry + 9 * DAY)
    assert house.orders(SCOPE_CERTIFICATE, tail) == [reference(3)]


def test_a_list_that_a_merge_left_behind_never_freezes_a_partition(house: House, halves: int) -> None:
    tail = token(halves, 50_000)
    expiry = house.now + DAY
    house.freeze_certificate(house.present(tail), order=reference(1), expiry=expiry)
    house.at(expiry)
    house.merge(token(halves))
    front = house.present(token(halves))
    # Unfrozen front: the tail starts free. Frozen front: the tail has the front's orders and no other.
    house.partition(front, 50_000)
    assert house.orders(SCOPE_CERTIFICATE, tail) == []
    house.merge(token(halves))
    house.freeze_certificate(front, order=reference(2))
    house.partition(front, 50_000)
    assert house.orders(SCOPE_CERTIFICATE, tail) == [reference(2)]


@pytest.mark.parametrize("move", ["split", "endorse", "transferFrom", "merge"])
def test_a_move_leaves_the_expired_orders_behind(house: House, halves: int, move: str) -> None:
    expiry = house.now + DAY
    front = token(halves)
    house.freeze_certificate(house.present(front), expiry=expiry)
    house.at(expiry)
    moves(house, halves)[move]()
    assert house.orders(SCOPE_CERTIFICATE, front) == []
    found = house.certificate(front)
    assert found is not None
    assert not found.frozen
    with refused("OrderNotInForce", order=ORDER):
        house.unfreeze_certificate(house.present(front))


# ------------------------------------------------------------ forced transfer


@pytest.fixture
def ripe(house: House, receivable_id: int) -> int:
    """A receivable whose one certificate has been frozen for as long as a forced transfer needs."""
    house.freeze_certificate(named(token(receivable_id)))
    house.wait(FORCED_TRANSFER_DELAY)
    return receivable_id


def test_a_forced_transfer_hands_over_and_lifts_its_order(house: House, ripe: int) -> None:
    receipt = house.force_transfer(named(token(ripe)))
    assert receipt.events[0] == (
        "ForcedTransfer",
        {
            "receivableId": ripe,
            "order": ORDER,
            "officer": house.officer.address,
            "countersigner": house.countersigner.address,
            "receiver": house.bank.address,
            "start": 0,
            "end": 100_000,
            "at": house.now,
        },
    )
    transfer = {"from": house.seller.address, "to": house.bank.address, "tokenId": token(ripe)}
    assert receipt.events[1] == ("Transfer", transfer)
    found = house.certificate(token(ripe))
    assert found is not None
    assert (found.holder, found.end, found.frozen, found.original) == (house.bank.address, 100_000, False, False)
    assert (house.balance(house.seller), house.balance(house.bank)) == (0, 1)
    assert house.orders(SCOPE_CERTIFICATE, token(ripe)) == []
    house.endorse(token(ripe), sender=house.bank)


@each_scope
def test_the_delay_counts_from_the_freeze_to_the_second(house: House, receivable_id: int, scope: Scope) -> None:
    whole = named(token(receivable_id))
    scope.freeze(house, receivable_id)
    ripe = house.now + FORCED_TRANSFER_DELAY
    # `from` is a word of Python's.
    early = {"from": ripe}
    with refused("ForcedTransferTooEarly", **early):
        house.force_transfer(whole)
    house.at(ripe - 1)
    with refused("ForcedTransferTooEarly", **early):
        house.force_transfer(whole)
    house.at(ripe)
    house.force_transfer(whole)
    assert house.receivables.ownerOf(token(receivable_id)) == house.bank


@each_scope
def test_without_an_order_in_force_nothing_is_transferred(house: House, receivable_id: int, scope: Scope) -> None:
    whole = named(token(receivable_id))
    with refused("OrderNotInForce", order=ORDER):
        house.force_transfer(whole)
    scope.freeze(house, receivable_id, order=reference(1))
    house.wait(FORCED_TRANSFER_DELAY)
    with refused("OrderNotInForce", order=ORDER):  # another order than the one named
        house.force_transfer(whole)
    expiry = house.now + 2 * FORCED_TRANSFER_DELAY
    scope.freeze(house, receivable_id, expiry=expiry)
    house.at(expiry)
    with refused("OrderNotInForce", order=ORDER):  # expired
        house.force_transfer(whole)
    house.force_transfer(whole, order=reference(1))


def test_an_order_on_another_certificate_another_receivable_or_another_member_does_not_count(
    house: House, halves: int
) -> None:
    other = house.confirmed()
    house.freeze_certificate(house.present(token(halves, 50_000)))
    house.freeze_receivable(other)
    house.freeze_member(house.bank)
    house.wait(FORCED_TRANSFER_DELAY)
    with refused("OrderNotInForce", order=ORDER):
        house.force_transfer(house.present(token(halves)))


@pytest.mark.parametrize("first", range(3), ids=[scope.name for scope in SCOPES])
def test_the_earliest_freeze_of_an_order_counts(house: House, receivable_id: int, first: int) -> None:
    """Whichever of the three it is on."""
    whole = named(token(receivable_id))
    SCOPES[first].freeze(house, receivable_id)
    ripe = house.now + FORCED_TRANSFER_DELAY
    for later in (1, 2):
        house.wait(DAY)
        SCOPES[(first + later) % 3].freeze(house, receivable_id)
    early = {"from": ripe}
    with refused("ForcedTransferTooEarly", **early):
        house.force_transfer(whole)
    house.at(ripe)
    house.force_transfer(whole)
    # Only the certificate's own list was carried out; receivable and member stay under the order.
    assert [scope.orders(house, receivable_id) for scope in SCOPES] == [[], [ORDER], [ORDER]]
    with refused("FrozenByOrder", order=ORDER):
        house.endorse(token(receivable_id), to=house.seller, sender=house.bank)


def test_other_orders_stay_on_the_cents_whoever_holds_them(house: House, receivable_id: int) -> None:
    whole = named(token(receivable_id))
    start = house.now
    house.freeze_certificate(whole, order=reference(1))
    house.freeze_certificate(whole, order=reference(2), expiry=start + DAY)
    house.freeze_certificate(whole)
    house.freeze_certificate(whole, order=reference(3))
    house.wait(FORCED_TRANSFER_DELAY)
    house.force_transfer(whole)
    # Its own order is carried out, the expired one is dropped, the others hold against the new holder.
    assert house.orders(SCOPE_CERTIFICATE, token(receivable_id)) == [reference(1), reference(3)]
    with refused("FrozenByOrder", order=reference(1)):
        house.endorse(token(receivable_id), sender=house.bank)
    house.force_transfer(whole, order=reference(3), to=house.supplier)
    house.unfreeze_certificate(whole, order=reference(1))
    house.endorse(token(receivable_id), to=house.bank, sender=house.supplier)


def test_an_order_from_the_receivable_leaves_the_certificates_own_list(house: House, receivable_id: int) -> None:
    whole = named(token(receivable_id))
    start = house.now
    house.freeze_certificate(whole, order=reference(1))
    house.freeze_certificate(whole, order=reference(2), expiry=start + DAY)
    house.freeze_receivable(receivable_id)
    house.wait(FORCED_TRANSFER_DELAY)
    house.force_transfer(whole)
    assert house.orders(SCOPE_CERTIFICATE, token(receivable_id)) == [reference(1)]
    assert house.orders(SCOPE_RECEIVABLE, receivable_id) == [ORDER]


@pytest.mark.parametrize("elsewhere", ["receivable", "member"])
def test_an_order_that_takes_a_certificate_leaves_the_other_orders_on_it(
    house: House, receivable_id: int, elsewhere: str
) -> None:
    """Though it is not among them itself."""
    whole = named(token(receivable_id))
    house.freeze_certificate(whole, order=reference(1))
    if elsewhere == "receivable":
        house.freeze_receivable(receivable_id)
    else:
        house.freeze_member(house.seller)
    house.wait(FORCED_TRANSFER_DELAY)
    house.force_transfer(whole)
    assert house.orders(SCOPE_CERTIFICATE, token(receivable_id)) == [reference(1)]


def test_an_order_on_a_member_follows_it_not_the_certificate(house: House, receivable_id: int) -> None:
    house.freeze_member(house.seller)
    house.wait(FORCED_TRANSFER_DELAY)
    house.force_transfer(named(token(receivable_id)))
    house.endorse(token(receivable_id), sender=house.bank)  # free in the new hands
    other = house.confirmed()
    with refused("FrozenByOrder", order=ORDER):
        house.endorse(token(other))


def test_a_forced_transfer_reaches_members_in_good_standing_only(house: House, ripe: int) -> None:
    whole = named(token(ripe))
    for receiver in (house.stranger, house.officer, house.operator):
        with refused("MemberNotEligible", member=receiver.address):
            house.force_transfer(whole, to=receiver)
    house.suspend(house.bank)
    with refused("MemberNotEligible", member=house.bank.address):
        house.force_transfer(whole)
    with refused("SameHolder"):
        house.force_transfer(whole, to=house.seller)
    house.force_transfer(whole, to=house.supplier)  # without a trade document: the order stands for it


def test_a_suspended_holder_and_its_expired_kyc_do_not_hinder_it(house: House, ripe: int) -> None:
    house.admit(house.seller, expiry=house.now + 100)
    house.suspend(house.seller)
    house.wait(200)
    house.force_transfer(named(token(ripe)))
    assert house.balance(house.seller) == 0


def test_a_forced_transfer_needs_an_order(house: House, ripe: int) -> None:
    with refused("OrderMissing"):
        house.force_transfer(named(token(ripe)), order=bytes(32))


def test_a_forced_transfer_ends_approvals(house: House, receivable_id: int) -> None:
    house.receivables.approve(house.stranger, token(receivable_id), sender=house.seller)
    house.freeze_certificate(named(token(receivable_id)))
    house.wait(FORCED_TRANSFER_DELAY)
    house.force_transfer(named(token(receivable_id)))
    assert house.receivables.getApproved(token(receivable_id)) == NOBODY
    with refused("NotHolder", caller=house.stranger.address):
        house.endorse(token(receivable_id), sender=house.stranger)


def test_exactly_the_cents_of_an_order_change_hands(house: House, receivable_id: int) -> None:
    """The whole way: two cuts, a freeze of the middle, the transfer, everything else stays free."""
    house.partition(named(token(receivable_id)), 70_001)
    house.partition(named(token(receivable_id), 70_001), 30_000)
    middle = named(token(receivable_id, 30_000), 70_001)
    house.freeze_certificate(middle)
    house.endorse(token(receivable_id, 70_001))
    house.wait(FORCED_TRANSFER_DELAY)
    house.force_transfer(middle)
    assert house.cover(receivable_id) == [
        (0, 30_000, house.seller.address),
        (30_000, 70_001, house.bank.address),
        (70_001, 100_000, house.supplier.address),
    ]
    assert [house.balance(each) for each in (house.seller, house.bank, house.supplier)] == [1, 1, 1]


def test_a_transferred_certificate_may_come_back_and_is_no_longer_original(house: House, ripe: int) -> None:
    house.force_transfer(named(token(ripe)))
    house.receivables.endorse(named(token(ripe)), house.seller, DOCUMENT, sender=house.bank)
    found = house.certificate(token(ripe))
    assert found is not None
    assert (found.holder, found.original) == (house.seller.address, False)
    assert house.member(house.seller).roles == SUPPLIER_ROLE
