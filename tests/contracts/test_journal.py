"""Journal heads, recomputed by the oracle from nothing but the formulas of contracts/libraries/Journal.sol."""

from __future__ import annotations

from typing import Any

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from registry.domain.journal import ENTRY_BY_OPERATION
from tests.contracts import oracle
from tests.contracts.bank import open_bank
from tests.contracts.door import refused
from tests.contracts.house import (
    ANSWER_WINDOW_DAYS,
    DAY,
    DOCUMENT,
    FORCED_TRANSFER_DELAY,
    MINIMUM_PART,
    NO_DOCUMENT,
    NOBODY,
    OVERDUE_GRACE_DAYS,
    TENOR_LIMIT_DAYS,
    UNANSWERED_MAX,
    House,
    deploy_house,
    named,
    token,
)
from tests.contracts.till import Till


def append(head: bytes, operation: int, at: int, start: int, end: int, types: list[str], details: list[Any]) -> bytes:
    """One more entry, spelt out."""
    inner = keccak(encode(types, details))
    entry = keccak(encode(["uint256", "uint256", "uint256", "uint256", "bytes32"], [operation, at, start, end, inner]))
    return keccak(encode(["bytes32", "bytes32"], [head, entry]))


def test_a_journal_is_the_chain_of_its_entries(house: House) -> None:
    """Written out by hand for four operations; all others follow the same rule, as every test's audit checks."""
    seller, buyer = house.seller.address, house.buyer.address
    claim = house.claim()
    receivable_id = house.register(claim)
    answer_by = house.now + ANSWER_WINDOW_DAYS * DAY
    expected = append(
        house.genesis(receivable_id),
        1,
        house.now,
        0,
        claim["face"],
        ["address", "address", "uint40", "uint16", "bytes32", "bytes32", "uint40"],
        [seller, buyer, claim["due"], claim["currency"], claim["fingerprint"], claim["documentRoot"], answer_by],
    )
    assert house.head(receivable_id) == expected

    house.confirm(receivable_id)
    expected = append(expected, 2, house.now, 0, claim["face"], ["address", "address"], [buyer, seller])
    assert house.head(receivable_id) == expected

    house.split(token(receivable_id), 25_000)
    expected = append(
        expected,
        4,
        house.now,
        0,
        100_000,
        ["address", "address", "uint64", "bytes32"],
        [seller, house.supplier.address, 25_000, DOCUMENT],
    )
    assert house.head(receivable_id) == expected

    house.partition(named(token(receivable_id, 25_000)), 30_000, order=b"\x0c" * 32)
    expected = append(
        expected,
        11,
        house.now,
        25_000,
        100_000,
        ["bytes32", "address", "address", "uint64"],
        [b"\x0c" * 32, house.officer.address, house.countersigner.address, 30_000],
    )
    assert house.head(receivable_id) == expected


def test_the_oracle_names_the_same_operations_as_the_domain() -> None:
    named_by_domain = {entry.__name__: code for code, entry in ENTRY_BY_OPERATION.items()}
    assert named_by_domain == oracle.OPERATION_CODES


def test_every_operation_appends_one_entry_that_hashes_to_the_head(
    house: House, project: Any, helpers: dict[str, Any]
) -> None:
    """Everything there is to do, once; the journals then hold every kind of entry, and hash to the heads."""
    contract, operator = house.receivables, house.operator
    for answer in (house.withdraw, house.refuse, house.lapse):
        opened = house.register()
        if answer == house.lapse:
            house.wait(ANSWER_WINDOW_DAYS * DAY)
        answer(opened)
    offered = house.register()
    house.counter_offer(offered)
    house.accept_offer(offered)
    front = token(house.confirmed())
    house.split(front, 60_000, to=house.seller)
    house.split(front, 30_000, to=house.seller)
    house.merge(front)
    house.endorse(token(offered))
    house.partition(house.present(front), 10)
    house.freeze_certificate(house.present(front))
    house.unfreeze_certificate(house.present(front))
    house.freeze_receivable(offered)
    house.unfreeze_receivable(offered)
    house.freeze_member(house.seller)
    house.wait(FORCED_TRANSFER_DELAY)
    house.force_transfer(house.present(front))
    house.unfreeze_member(house.seller)
    do_everything_about_money(Till(house, open_bank(house, project), house.made(helpers["Wallet"])))
    house.suspend(house.bank)
    contract.pause(sender=operator)
    contract.unpause(sender=operator)
    contract.setParameter(1, 90, house.midnight(days=1), sender=operator)
    contract.setRules(NOBODY, sender=operator)
    contract.setDescriptor(NOBODY, sender=operator)
    contract.sunset(sender=operator)

    journals = house.journals()
    assert {event for entries in journals.values() for event, _ in entries} == oracle.OPERATION_CODES.keys()
    for journal_id, entries in journals.items():
        head = house.genesis(journal_id)
        for event, fields in entries:
            head = oracle.append(head, house.entry_hash(event, fields))
        assert house.head(journal_id) == head


def do_everything_about_money(till: Till) -> None:
    """Each operation once, on two receivables: one is paid in full, the other is written off."""
    paid, written_off = till.parts(), till.parts()
    front = token(written_off)
    till.dispute(token(paid), 10)
    till.credit(token(paid), 1)
    till.resolve(paid)
    till.pay(paid, 99_999)
    till.redeem(token(paid, 1))
    till.pledge(front)
    till.release(front)
    till.sell(front, recourse=5)
    till.reach(written_off, days=5)
    till.demand(front)
    till.repurchase(front)
    till.dishonour(written_off)
    till.close(written_off)
    till.absolve(written_off)


def test_the_registrys_own_journal_begins_with_its_parameters(project: Any, accounts: Any) -> None:
    house = deploy_house(project, accounts)
    at = house.journals()[0][0][1]["at"]
    operator = house.operator.address
    expected = house.genesis(0)
    values = [
        TENOR_LIMIT_DAYS,
        MINIMUM_PART,
        ANSWER_WINDOW_DAYS,
        UNANSWERED_MAX,
        FORCED_TRANSFER_DELAY,
        OVERDUE_GRACE_DAYS,
    ]
    for parameter, value in enumerate(values, start=1):
        types = ["uint8", "address", "uint64", "uint40"]
        expected = append(expected, 134, at, 0, 0, types, [parameter, operator, value, at])
    assert house.head(0) == expected

    expiry = house.now + 1_000
    house.receivables.admit(house.seller, expiry, 3, b"\x08" * 32, sender=house.operator)
    expected = append(
        expected,
        128,
        house.now,
        0,
        0,
        ["address", "address", "uint40", "uint32", "bytes32"],
        [house.seller.address, operator, expiry, 3, b"\x08" * 32],
    )
    assert house.head(0) == expected


def test_a_journal_is_of_one_contract(project: Any, accounts: Any, house: House) -> None:
    """The same entry gives another head in another registry, and another receivable."""
    second = deploy_house(project, accounts)
    assert second.genesis(0) != house.genesis(0)
    assert second.head(0) != house.head(0)
    assert house.genesis(1) != house.genesis(2)


def test_an_id_that_was_never_used_has_no_head(house: House) -> None:
    """Not even a genesis: heads of unknown receivables are zeros until they are registered."""
    assert house.head(1) == bytes(32)
    house.register()
    assert house.head(1) != bytes(32)


def test_approvals_and_cancelled_nonces_are_no_entries(house: House) -> None:
    receivable_id = house.confirmed()
    before = (house.head(0), house.head(receivable_id))
    house.receivables.approve(house.bank, token(receivable_id), sender=house.seller)
    house.receivables.setApprovalForAll(house.bank, True, sender=house.seller)
    house.receivables.cancelNonces(0, 1, sender=house.seller)
    assert (house.head(0), house.head(receivable_id)) == before


def test_a_refused_operation_leaves_no_trace(house: House) -> None:
    receivable_id = house.confirmed()
    before = house.storage_root()
    with refused("NotHolder", caller=house.bank.address):
        house.receivables.endorse(named(token(receivable_id)), house.bank, NO_DOCUMENT, sender=house.bank)
    with refused("UnknownMember", member=house.stranger.address):
        house.suspend(house.stranger)
    assert house.storage_root() == before
