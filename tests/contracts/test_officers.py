"""Two officers of the regulator's stand behind an order: the caller, and another one by signature."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts.door import Door, refused, selector
from tests.contracts.house import (
    DAY,
    FORCED_TRANSFER_DELAY,
    OFFICER_FUNCTIONS,
    OFFICER_ROLE,
    OPERATOR_ROLE,
    ORDER,
    House,
    named,
    parts_of,
    token,
)


def freeze(house: House, receivable_id: int, *, sender: Any = None, order: bytes = ORDER, **others: Any) -> Any:
    """Freeze a receivable; what is given changes the second officer's signature."""
    expiry = house.now + DAY
    fields = {"receivableId": receivable_id, "order": order, "expiry": expiry}
    second = house.countersigned("FreezeReceivable", **fields | others)
    sender = sender or house.officer
    return house.receivables.freezeReceivable(receivable_id, order, expiry, second, sender=sender)


def test_one_officer_is_not_two(house: House, receivable_id: int) -> None:
    for officer in (house.officer, house.countersigner):
        with refused("SameOfficer", account=officer.address):
            freeze(house, receivable_id, sender=officer, second=officer)


def test_either_of_two_officers_may_call_and_the_other_sign(house: House, receivable_id: int) -> None:
    freeze(house, receivable_id)
    receipt = freeze(house, receivable_id, sender=house.countersigner, second=house.officer, order=ORDER[:-1] + b"\x01")
    fields = receipt.events[0][1]
    assert (fields["officer"], fields["countersigner"]) == (house.countersigner.address, house.officer.address)


@pytest.mark.parametrize("kind", ["operator", "seller", "buyer", "bank", "stranger", "regulator"])
def test_the_second_signature_is_an_officers(house: House, receivable_id: int, kind: str) -> None:
    """Also the regulator's administrator, who names the officers, is none, and nor is the operator."""
    other = getattr(house, kind)
    before = house.storage_root()
    with refused("NotOfficer", account=other.address):
        freeze(house, receivable_id, second=other)
    assert house.storage_root() == before


def test_an_officer_cannot_be_two_through_its_manager(house: House, receivable_id: int) -> None:
    """Who calls through AccessManager.execute calls as the manager: that is not a second person."""
    expiry = house.now + DAY
    fields = {"receivableId": receivable_id, "order": ORDER, "expiry": expiry}
    for second in (house.officer, house.countersigner):
        signature = house.countersigned("FreezeReceivable", **fields, second=second)
        call = house.receivables.freezeReceivable.encode_input(receivable_id, ORDER, expiry, signature)
        with refused("NotOfficer", account=house.regulation.address):
            house.regulation.execute(house.receivables, call, sender=house.officer)
    # Nor does the operator's manager know officers.
    house.access.grantRole(OFFICER_ROLE, house.operator, 0, sender=house.operator)
    signature = house.countersigned("FreezeReceivable", **fields)
    with refused("NotOfficer", account=house.operator.address):
        house.receivables.freezeReceivable(receivable_id, ORDER, expiry, signature, sender=house.operator)


def test_an_officer_who_was_dismissed_neither_calls_nor_signs(house: House, receivable_id: int) -> None:
    expiry = house.now + DAY
    second = house.countersigned("FreezeReceivable", receivableId=receivable_id, order=ORDER, expiry=expiry)
    house.regulation.revokeRole(OFFICER_ROLE, house.countersigner, sender=house.regulator)
    with refused("NotOfficer", account=house.countersigner.address):  # signed while it still was one
        house.receivables.freezeReceivable(receivable_id, ORDER, expiry, second, sender=house.officer)
    with refused("NotOfficer", account=house.countersigner.address):
        freeze(house, receivable_id)
    with refused("NotOfficer", account=house.countersigner.address):
        freeze(house, receivable_id, sender=house.countersigner, second=house.officer)
    house.regulation.grantRole(OFFICER_ROLE, house.stranger, 0, sender=house.regulator)
    freeze(house, receivable_id, second=house.stranger)


def test_an_officer_with_a_delay_is_none_yet(house: House, receivable_id: int) -> None:
    """A role that may act only after a delay does not countersign at once."""
    house.regulation.grantRole(OFFICER_ROLE, house.stranger, 3600, sender=house.regulator)
    with refused("NotOfficer", account=house.stranger.address):
        freeze(house, receivable_id, second=house.stranger)
    with refused("NotOfficer", account=house.stranger.address):
        freeze(house, receivable_id, sender=house.stranger)


def test_the_regulator_can_close_the_registry_to_its_officers(house: House, receivable_id: int) -> None:
    house.regulation.setTargetClosed(house.receivables, True, sender=house.regulator)
    with refused("NotOfficer", account=house.officer.address):
        freeze(house, receivable_id)


def test_the_operator_and_its_administrator_cannot_make_an_officer(
    house: House, receivable_id: int, project: Any
) -> None:
    """They have no part in the regulator's manager, and the registry keeps to the one it was made with."""
    for person in (house.operator, house.officer):
        with refused("AccessManagerUnauthorizedAccount", msgsender=person.address, roleId=0):
            house.regulation.grantRole(OFFICER_ROLE, house.operator, 0, sender=person)
        functions = [selector(function) for function in OFFICER_FUNCTIONS]
        with refused("AccessManagerUnauthorizedAccount", msgsender=person.address, roleId=0):
            house.regulation.setTargetFunctionRole(house.receivables, functions, OPERATOR_ROLE, sender=person)
    # Not even by naming another authority for the registry, which the operator's administrator may.
    before = house.receivables.regulation()
    other = house.made(project.RegistryAccess, house.operator)
    house.access.updateAuthority(house.receivables, other, sender=house.operator)
    assert (house.receivables.authority(), house.receivables.regulation()) == (other.address, before)
    with refused("NotOfficer", account=house.operator.address):
        freeze(house, receivable_id, sender=house.operator)


def test_the_regulator_cannot_do_what_the_operator_does(house: House) -> None:
    for person in (house.regulator, house.officer):
        with refused("AccessManagedUnauthorized", caller=person.address):
            house.receivables.pause(sender=person)
        with refused("AccessManagerUnauthorizedAccount", msgsender=person.address, roleId=0):
            house.access.grantRole(OPERATOR_ROLE, person, 0, sender=person)


# ------------------------------------------------------- what was countersigned


def test_an_order_is_carried_out_as_it_was_countersigned(house: House, receivable_id: int) -> None:
    """Every field is signed: who calls cannot turn the second's yes into another order."""
    expiry, whole = house.now + 9 * DAY, named(token(receivable_id))
    other, contract = house.confirmed(), house.receivables
    seller, bank, supplier = house.seller, house.bank, house.supplier
    another = ORDER[:-1] + b"\x01"
    whole_fields = parts_of(whole) | {"order": ORDER}
    of_seller, until = {"holder": seller.address}, {"expiry": expiry}

    def by(type_name: str, **fields: Any) -> dict[str, Any]:
        return house.countersigned(type_name, **fields)

    on_receivable = {"receivableId": receivable_id, "order": ORDER}
    on_member = {"member": seller.address, "order": ORDER}
    partition = by("Partition", **whole_fields, **of_seller, cut=5)
    frozen = by("FreezeCertificate", **whole_fields, **of_seller, **until)
    thawed = by("UnfreezeCertificate", **whole_fields)
    frozen_whole = by("FreezeReceivable", **on_receivable, **until)
    thawed_whole = by("UnfreezeReceivable", **on_receivable)
    frozen_member = by("FreezeMember", **on_member, **until)
    thawed_member = by("UnfreezeMember", **on_member)
    forced = by("ForceTransfer", **whole_fields, **of_seller, receiver=bank.address)
    elsewhere = named(token(other))
    for call, arguments in (
        (contract.partition, (elsewhere, 5, seller, ORDER, partition)),
        (contract.partition, (whole - 1, 5, seller, ORDER, partition)),
        (contract.partition, (whole, 6, seller, ORDER, partition)),
        (contract.partition, (whole, 5, bank, ORDER, partition)),
        (contract.partition, (whole, 5, seller, another, partition)),
        (contract.freezeCertificate, (elsewhere, seller, ORDER, expiry, frozen)),
        (contract.freezeCertificate, (whole, bank, ORDER, expiry, frozen)),
        (contract.freezeCertificate, (whole, seller, another, expiry, frozen)),
        (contract.freezeCertificate, (whole, seller, ORDER, expiry + 1, frozen)),
        (contract.unfreezeCertificate, (elsewhere, ORDER, thawed)),
        (contract.unfreezeCertificate, (whole, another, thawed)),
        (contract.freezeReceivable, (other, ORDER, expiry, frozen_whole)),
        (contract.freezeReceivable, (receivable_id, another, expiry, frozen_whole)),
        (contract.freezeReceivable, (receivable_id, ORDER, expiry - 1, frozen_whole)),
        (contract.unfreezeReceivable, (other, ORDER, thawed_whole)),
        (contract.unfreezeReceivable, (receivable_id, another, thawed_whole)),
        (contract.freezeMember, (bank, ORDER, expiry, frozen_member)),
        (contract.freezeMember, (seller, another, expiry, frozen_member)),
        (contract.freezeMember, (seller, ORDER, expiry + 1, frozen_member)),
        (contract.unfreezeMember, (bank, ORDER, thawed_member)),
        (contract.unfreezeMember, (seller, another, thawed_member)),
        (contract.forceTransfer, (elsewhere, seller, bank, ORDER, forced)),
        (contract.forceTransfer, (whole, supplier, bank, ORDER, forced)),
        (contract.forceTransfer, (whole, seller, supplier, ORDER, forced)),
        (contract.forceTransfer, (whole, seller, bank, another, forced)),
        # A yes to one kind of order is no yes to another, though the fields are the same.
        (contract.unfreezeReceivable, (receivable_id, ORDER, frozen_whole)),
        (contract.unfreezeMember, (seller, ORDER, frozen_member)),
        (contract.unfreezeCertificate, (whole, ORDER, frozen)),
    ):
        with refused("SignatureInvalid", signer=house.countersigner.address):
            call(*arguments, sender=house.officer)


def test_a_countersignature_counts_once(house: House, receivable_id: int) -> None:
    """Freeze, lift, and the same paper again: refused, though it still names the receivable as it is."""
    expiry = house.now + 9 * DAY
    fields = {"receivableId": receivable_id, "order": ORDER, "expiry": expiry}
    second = house.countersigned("FreezeReceivable", **fields)
    house.receivables.freezeReceivable(receivable_id, ORDER, expiry, second, sender=house.officer)
    house.unfreeze_receivable(receivable_id)
    assert second["anchor"] == house.anchor(receivable_id)
    with refused("NonceUsed", nonce=second["nonce"]):
        house.receivables.freezeReceivable(receivable_id, ORDER, expiry, second, sender=house.officer)


def test_a_countersignature_ends_at_its_deadline(house: House, receivable_id: int) -> None:
    deadline = house.now + 100
    fields = {"receivableId": receivable_id, "order": ORDER, "expiry": house.now + DAY}
    second = house.countersigned("FreezeReceivable", **fields, deadline=deadline)
    house.at(deadline + 1)
    with refused("SignatureExpired", deadline=deadline):
        house.receivables.freezeReceivable(receivable_id, ORDER, fields["expiry"], second, sender=house.officer)


def test_an_order_is_for_the_receivable_that_the_second_officer_meant(house: House, receivable_id: int) -> None:
    """An anchor of something else, or one that is opened with something else, is none."""
    other = house.confirmed()
    head = house.head(receivable_id)
    for anchor in (b"\x01" * 32, bytes(32), head, house.anchor(other)):
        with refused("AnchorMismatch", head=head):
            freeze(house, receivable_id, anchor=anchor)
    expiry = house.now + DAY
    second = house.countersigned("FreezeReceivable", receivableId=receivable_id, order=ORDER, expiry=expiry)
    for key in (bytes(32), house.claim_key(other)):
        with refused("AnchorMismatch", head=head):
            house.receivables.freezeReceivable(
                receivable_id, ORDER, expiry, second | {"claimKey": key}, sender=house.officer
            )
    house.receivables.freezeReceivable(receivable_id, ORDER, expiry, second, sender=house.officer)


def test_nobody_outruns_an_order_by_what_they_do_elsewhere(house: House, receivable_id: int) -> None:
    """Other certificates of the receivable are cut and moved between the second signature and the order."""
    tail = named(token(receivable_id, 50_000))
    house.split(token(receivable_id), 50_000, to=house.seller)
    fields = parts_of(tail) | {"holder": house.seller.address, "order": ORDER, "expiry": house.now + DAY}
    second = house.countersigned("FreezeCertificate", **fields)
    house.split(token(receivable_id), 20_000)
    house.endorse(token(receivable_id), to=house.bank)
    house.partition(named(token(receivable_id, 20_000), 50_000), 30_000)
    house.receivables.freezeCertificate(tail, house.seller, ORDER, fields["expiry"], second, sender=house.officer)
    with refused("FrozenByOrder", order=ORDER):
        house.endorse(token(receivable_id, 50_000))


def test_an_officer_may_be_a_contract(house: House, receivable_id: int, wallet: Door) -> None:
    """A multi-signature wallet of the regulator's, by ERC-1271; as a caller it is an account like any other."""
    house.regulation.grantRole(OFFICER_ROLE, wallet, 0, sender=house.regulator)
    wallet.setOwner(house.stranger, sender=house.stranger)
    expiry = house.now + 9 * DAY
    fields = {"receivableId": receivable_id, "order": ORDER, "expiry": expiry}
    second = house.authorise("FreezeReceivable", wallet, key=house.stranger, **fields)
    receipt = house.receivables.freezeReceivable(receivable_id, ORDER, expiry, second, sender=house.officer)
    assert receipt.events[0][1]["countersigner"] == wallet.address
    second = house.countersigned("UnfreezeReceivable", receivableId=receivable_id, order=ORDER)
    call = house.receivables.unfreezeReceivable.encode_input(receivable_id, ORDER, second)
    receipt = wallet.execute(house.receivables, call, sender=house.stranger)
    assert receipt.events[0][1]["officer"] == wallet.address


def test_an_officers_nonces_are_its_own(house: House) -> None:
    """The same numbers serve a member and an officer: a nonce is of its signer, whatever it was used for."""
    first, second = house.confirmed(), house.confirmed()
    freeze(house, first, nonce=5)
    with refused("NonceUsed", nonce=5):
        freeze(house, second, nonce=5)
    freeze(house, second, nonce=5, sender=house.countersigner, second=house.officer)
    house.receivables.cancelNonces(0, 1 << 6, sender=house.countersigner)
    with refused("NonceUsed", nonce=6):
        freeze(house, second, nonce=6, order=ORDER[:-1] + b"\x01")


def test_an_order_that_is_refused_leaves_the_nonce(house: House, receivable_id: int) -> None:
    whole = named(token(receivable_id))
    fields = parts_of(whole) | {"holder": house.seller.address, "receiver": house.bank.address, "order": ORDER}
    second = house.countersigned("ForceTransfer", **fields)
    arguments = (whole, house.seller, house.bank, ORDER, second)
    with refused("OrderNotInForce", order=ORDER):
        house.receivables.forceTransfer(*arguments, sender=house.officer)
    house.freeze_certificate(whole)
    house.wait(FORCED_TRANSFER_DELAY)
    house.receivables.forceTransfer(*arguments, sender=house.officer)
    assert house.receivables.ownerOf(token(receivable_id)) == house.bank
