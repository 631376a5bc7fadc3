"""Deposit tokens: calldata against eth_abi, permits against the contract and Anvil's own signer, reads, refusals."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from registry.chain import delayed, deposits, operations, reverts
from registry.chain.contract import Calls
from registry.chain.deposits import DepositCalls, Permit, PermitMalformed, SignedPermit, deposit_abi
from registry.chain.devchain import dev_account
from registry.chain.submit import send
from registry.domain import rules
from registry.domain.identifiers import format_address
from registry.domain.journal import Paid
from registry.domain.receivable import Status
from tests.scene import BANK, BUYER, EUR, OPERATOR, SELLER, SETTLEMENT_BANK, STRANGER, SUPPLIER, Scene

ONE, TWO = b"\x01" * 20, b"\x02" * 20
REFERENCE = b"\x0b" * 32
FACE = 100_000


def calldata(signature: str, *values: object) -> bytes:
    types = signature[signature.index("(") + 1 : -1].split(",")
    return keccak(text=signature)[:4] + encode(types, values)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (DepositCalls.approve(spender=ONE, amount=5), calldata("approve(address,uint256)", format_address(ONE), 5)),
        (DepositCalls.transfer(to=ONE, amount=5), calldata("transfer(address,uint256)", format_address(ONE), 5)),
        (
            DepositCalls.transfer_from(giver=ONE, to=TWO, amount=5),
            calldata("transferFrom(address,address,uint256)", format_address(ONE), format_address(TWO), 5),
        ),
        (
            DepositCalls.mint(to=ONE, amount=5, bank_reference=REFERENCE),
            calldata("mint(address,uint256,bytes32)", format_address(ONE), 5, REFERENCE),
        ),
        (
            DepositCalls.burn(giver=ONE, amount=5, bank_reference=REFERENCE),
            calldata("burn(address,uint256,bytes32)", format_address(ONE), 5, REFERENCE),
        ),
        (
            SignedPermit(
                Permit(owner=ONE, spender=TWO, value=5, nonce=0, deadline=9),
                b"\x06" * 32 + b"\x07" * 32 + b"\x1c",
                deposits.Eip712Domain(chain_id=1, contract=TWO),
            ).call(),
            calldata(
                "permit(address,address,uint256,uint256,uint8,bytes32,bytes32)",
                *(format_address(ONE), format_address(TWO), 5, 9, 28, b"\x06" * 32, b"\x07" * 32),
            ),
        ),
    ],
)
def test_calldata_is_what_another_library_writes(ours: bytes, theirs: bytes) -> None:
    assert ours == theirs


# ----------------------------------------------------------------- the bank's


def test_a_deposit_is_what_the_bank_booked_and_each_booking_counts_once(scene: Scene) -> None:
    seller = scene.address(SELLER)
    booked = DepositCalls.mint(to=seller, amount=500, bank_reference=REFERENCE)
    with pytest.raises(rules.NotAuthorised):
        scene.send_to_token(OPERATOR, booked)
    assert not scene.deposits.is_booked(REFERENCE)
    scene.send_to_token(SETTLEMENT_BANK, booked)
    with pytest.raises(reverts.ReferenceUsed):
        scene.send_to_token(SETTLEMENT_BANK, booked)
    assert (scene.deposits.balance(seller), scene.deposits.total()) == (500, 500)
    assert scene.deposits.is_booked(REFERENCE)
    assert scene.deposits.balance(seller, block=scene.node.head() - 1) == 0

    for wrong, refusal in (
        (DepositCalls.mint(to=seller, amount=5, bank_reference=bytes(32)), reverts.ReferenceMissing),
        (DepositCalls.mint(to=seller, amount=0, bank_reference=b"\x01" * 32), rules.AmountMissing),
        (DepositCalls.mint(to=bytes(20), amount=5, bank_reference=b"\x01" * 32), reverts.AccountMissing),
        (DepositCalls.mint(to=scene.address(STRANGER), amount=5, bank_reference=b"\x01" * 32), rules.UnknownMember),
    ):
        with pytest.raises(refusal):
            scene.send_to_token(SETTLEMENT_BANK, wrong)


def test_the_bank_takes_back_only_what_its_owner_allowed(scene: Scene) -> None:
    seller, bank = scene.address(SELLER), scene.address(SETTLEMENT_BANK)
    scene.deposit(SELLER, 500)
    paid_out = DepositCalls.burn(giver=seller, amount=200, bank_reference=REFERENCE)
    with pytest.raises(reverts.InsufficientAllowance):
        scene.send_to_token(SETTLEMENT_BANK, paid_out)
    scene.allow(SELLER, 300, spender=bank)
    scene.send_to_token(SETTLEMENT_BANK, paid_out)
    assert (scene.deposits.balance(seller), scene.deposits.total()) == (300, 300)
    assert scene.deposits.allowance(owner=seller, spender=bank) == 100


def test_deposits_move_between_members_and_to_nobody_else(scene: Scene) -> None:
    scene.deposit(SELLER, 500)
    scene.send_to_token(SELLER, DepositCalls.transfer(to=scene.address(SUPPLIER), amount=200))
    assert scene.deposits.balance(scene.address(SUPPLIER)) == 200
    with pytest.raises(rules.UnknownMember):
        scene.send_to_token(SELLER, DepositCalls.transfer(to=scene.address(STRANGER), amount=1))
    with pytest.raises(reverts.InsufficientDeposit, match="balance 300 minor units, needed 301 minor units"):
        scene.send_to_token(SELLER, DepositCalls.transfer(to=scene.address(SUPPLIER), amount=301))
    with pytest.raises(reverts.InsufficientAllowance):
        scene.send_to_token(
            SUPPLIER, DepositCalls.transfer_from(giver=scene.address(SELLER), to=scene.address(BANK), amount=1)
        )
    scene.freeze_member(SELLER)
    with pytest.raises(rules.FrozenByOrder):
        scene.send_to_token(SELLER, DepositCalls.transfer(to=scene.address(SUPPLIER), amount=1))


def test_a_token_tells_what_it_is(scene: Scene) -> None:
    view = scene.deposits
    assert (view.currency(), view.decimals(), view.symbol()) == (EUR, 2, "dEUR")
    assert (view.registry(), view.authority()) == (scene.deployment.receivables, scene.deployment.banking)
    domain = view.eip712_domain()
    assert (domain.name, domain.chain_id, domain.contract) == ("Counterfoil EUR Deposit", 31337, scene.token)


def test_who_issues_deposits_at_once_is_told(scene: Scene) -> None:
    selector = deposit_abi().selector("mint")
    where = {"to": scene.token, "selector": selector}
    for person, expected in ((SETTLEMENT_BANK, True), (OPERATOR, False)):
        told = delayed.calls_at_once(scene.node, scene.deployment.banking, caller=scene.address(person), **where)
        assert told is expected


# ------------------------------------------------------------------- payments


def test_a_payment_takes_money_that_its_payer_allowed_the_registry(scene: Scene) -> None:
    number = scene.confirmed()
    paying = Calls.pay(receivable_id=number, amount=FACE)
    with pytest.raises(reverts.InsufficientAllowance):
        scene.send(BUYER, paying)
    scene.allow(BUYER, FACE)
    with pytest.raises(reverts.InsufficientDeposit):
        scene.send(BUYER, paying)
    scene.deposit(BUYER, FACE)
    scene.send(BUYER, paying)
    assert scene.view.records([number])[number].status == Status.SETTLED
    assert scene.deposits.balance(scene.deployment.receivables) == FACE


# -------------------------------------------------------------------- permits


def permit(scene: Scene, *, seconds: int = 60, value: int = FACE, person: int = BUYER) -> SignedPermit:
    owner = scene.address(person)
    unsigned = Permit(
        owner=owner,
        spender=scene.deployment.receivables,
        value=value,
        nonce=scene.deposits.permit_nonce(owner),
        deadline=scene.now + seconds,
    )
    return deposits.sign(unsigned, dev_account(person), scene.deposits.eip712_domain())


def test_anyone_submits_a_permit_once(scene: Scene) -> None:
    signed = permit(scene)
    scene.send_to_token(STRANGER, signed.call())
    assert scene.deposits.allowance(owner=signed.permit.owner, spender=scene.deployment.receivables) == FACE
    assert scene.deposits.permit_nonce(signed.permit.owner) == 1
    with pytest.raises(reverts.PermitInvalid):
        scene.send_to_token(STRANGER, signed.call())


def test_another_signer_signs_the_same_permit(scene: Scene) -> None:
    signed = permit(scene)
    shown = json.loads(json.dumps(deposits.message(signed.permit, signed.domain).typed_data()))
    account = dev_account(BUYER)
    assert scene.node.request("eth_signTypedData_v4", account.address, shown) == "0x" + signed.signature.hex()
    assert signed.is_accounts()


def test_a_permit_is_read_as_it_was_written(scene: Scene) -> None:
    signed = permit(scene)
    document = json.loads(json.dumps(signed.to_json()))
    assert SignedPermit.from_json(document) == signed
    for changes in (
        {"permit": {**document["permit"], "value": 1}},
        {"permit": {**document["permit"], "value": str(2**256)}},
        {"signature": document["signature"][:-2]},
        {"name": None},
        {"token": "0x"},
    ):
        with pytest.raises(PermitMalformed):
            SignedPermit.from_json({**document, **changes})
    for nothing in ({}, [], None, "permit"):
        with pytest.raises(PermitMalformed):
            SignedPermit.from_json(nothing)


def test_a_payer_without_coins_pays(scene: Scene) -> None:
    """The permit and the payment are both signed; somebody else brings them."""
    number = scene.confirmed()
    scene.deposit(BUYER, FACE)
    allowed, paying = permit(scene), scene.sign(operations.Pay(receivable_id=number, amount=FACE), BUYER)
    scene.send_to_token(STRANGER, SignedPermit.from_json(allowed.to_json()).call())
    entry = scene.submit(paying)
    assert isinstance(entry, Paid)
    assert (entry.payer, entry.amount) == (scene.address(BUYER), FACE)


def test_a_permit_of_another_or_too_late_does_not_count(scene: Scene) -> None:
    signed = permit(scene)
    for wrong in (
        replace(signed, permit=replace(signed.permit, value=FACE + 1)),
        replace(signed, permit=replace(signed.permit, owner=scene.address(SELLER))),
        replace(signed, signature=bytes(65)),
    ):
        with pytest.raises(reverts.PermitInvalid):
            scene.send_to_token(STRANGER, wrong.call())
    scene.pass_time(seconds=61)
    with pytest.raises(reverts.PermitExpired):
        scene.send_to_token(STRANGER, signed.call())


@pytest.mark.parametrize("front_run", [False, True], ids=["own", "used before"])
def test_a_payment_carries_its_permit(scene: Scene, front_run: bool) -> None:
    number = scene.confirmed()
    scene.deposit(BUYER, FACE)
    signed = permit(scene)
    if front_run:
        send(scene.node, deposit_abi(), signer=dev_account(STRANGER), to=scene.token, data=signed.call())
    scene.act(BUYER, signed.pay(number))
    assert scene.view.records([number])[number].amounts.paid == FACE


def test_a_payment_with_anothers_permit_lacks_the_allowance(scene: Scene) -> None:
    number = scene.confirmed()
    scene.deposit(BUYER, FACE)
    with pytest.raises(reverts.InsufficientAllowance):
        scene.act(BUYER, permit(scene, person=SELLER).pay(number))
