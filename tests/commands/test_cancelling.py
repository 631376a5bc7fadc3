"""What was signed, given up: operations, acceptances with their approval, permits."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from registry.chain.deposits import SignedPermit
from registry.chain.devchain import dev_account
from registry.chain.quotes import SignedAcceptance
from registry.commands import cancelling, deposits, quotes
from registry.commands.sending import Hand, Signed
from registry.domain.money import currency
from tests.commands.desk import Desk, refused
from tests.commands.test_quotes import funded
from tests.commands.test_signing import endorsing, on_paper, relay
from tests.scene import BANK, BUYER, SELLER, STRANGER, SUPPLIER


def paper(desk: Desk, act: Callable[[Hand], object], *, person: int) -> Path:
    """What the person signed instead of sending, in a file."""
    with pytest.raises(Signed) as signed:
        act(desk.pen(person))
    return desk.write(json.dumps(signed.value.document.to_json()).encode())


def accepted(desk: Desk) -> SignedAcceptance:
    """The seller's acceptance of a quote of the bank's, read as what is to be given up."""
    offered = funded(desk, desk.confirmed())
    given = cancelling.read(
        paper(desk, lambda hand: quotes.accept(desk.services, signer=hand, offered=offered.signed), person=SELLER)
    )
    assert isinstance(given, tuple)
    (acceptance,) = given
    assert isinstance(acceptance, SignedAcceptance)
    return acceptance


def allowing(desk: Desk, amount: str) -> Callable[[Hand], object]:
    return lambda hand: deposits.allow(
        desk.services, signer=hand, spender=desk.scene.address(SUPPLIER), amount=amount, currency=currency("EUR")
    )


def cancel(desk: Desk, *given: Any, person: int = SELLER) -> int:
    """How many transactions it took."""
    return len(cancelling.cancel(desk.services, signer=dev_account(person), given=given))


# ------------------------------------------------------------------ operations


def test_a_signature_is_given_up_by_its_signer_alone(desk: Desk) -> None:
    signed = on_paper(desk, endorsing(desk, desk.confirmed()), person=SELLER)
    with refused(desk, "not_the_signer"):
        cancelling.cancel(desk.services, signer=dev_account(BUYER), given=[signed])
    (done,) = cancelling.cancel(desk.services, signer=dev_account(SELLER), given=[signed])
    assert done.entries == ()
    with refused(desk, "nonce_used"):
        relay(desk, signed)
    with refused(desk, "nonce_used"):
        cancelling.cancel(desk.services, signer=dev_account(SELLER), given=[signed])


def test_signatures_of_one_word_are_given_up_in_one_transaction(desk: Desk) -> None:
    given = [on_paper(desk, endorsing(desk, desk.confirmed()), person=SELLER) for _ in range(3)]
    assert len(cancelling.cancel(desk.services, signer=dev_account(SELLER), given=given)) == 1
    for signed in given:
        with refused(desk, "nonce_used"):
            relay(desk, signed)


# ----------------------------------------------------------------- acceptances


def test_an_acceptance_is_given_up_with_its_approval(desk: Desk) -> None:
    acceptance = accepted(desk)
    assert acceptance.approval is not None
    with refused(desk, "not_the_signer"):
        cancel(desk, acceptance, person=BANK)
    # One transaction to the desk, one to the registry.
    assert cancel(desk, acceptance) == 2
    with refused(desk, "nonce_used"):
        quotes.submit(desk.services, signer=dev_account(STRANGER), accepted=acceptance)
    with refused(desk, "nonce_used"):
        relay(desk, acceptance.approval)
    with refused(desk, "nonce_used"):
        cancel(desk, acceptance)


def test_an_approval_that_was_submitted_does_not_keep_the_acceptance_from_being_given_up(desk: Desk) -> None:
    acceptance = accepted(desk)
    assert acceptance.approval is not None
    relay(desk, acceptance.approval)
    assert cancel(desk, acceptance) == 1
    with refused(desk, "nonce_used"):
        quotes.submit(desk.services, signer=dev_account(STRANGER), accepted=acceptance)


def test_a_quote_is_given_up_by_another_command(desk: Desk) -> None:
    offered = funded(desk, desk.confirmed())
    path = desk.write(json.dumps(offered.signed.to_json()).encode())
    with refused(desk, "document_of_another_kind") as caught:
        cancelling.read(path)
    assert "quote cancel" in caught.value.hint


# --------------------------------------------------------------------- permits


def test_a_permit_is_given_up_and_what_others_may_take_stays(desk: Desk) -> None:
    desk.scene.deposit(BUYER, 100_000)
    allowing(desk, "10.00")(dev_account(BUYER))
    permitted = cancelling.read(paper(desk, allowing(desk, "900.00"), person=BUYER))
    assert isinstance(permitted, SignedPermit)
    with refused(desk, "not_the_signer"):
        cancelling.cancel_permit(desk.services, signer=dev_account(SUPPLIER), permitted=permitted)
    cancelling.cancel_permit(desk.services, signer=dev_account(BUYER), permitted=permitted)
    with refused(desk, "permit_invalid"):
        deposits.submit(desk.services, signer=dev_account(SUPPLIER), permitted=permitted)
    owner, spender = desk.scene.address(BUYER), desk.scene.address(SUPPLIER)
    assert desk.scene.deposits.allowance(owner=owner, spender=spender) == 1_000


def test_a_permit_that_was_submitted_is_not_given_up_any_more(desk: Desk) -> None:
    permitted = cancelling.read(paper(desk, allowing(desk, "900.00"), person=BUYER))
    assert isinstance(permitted, SignedPermit)
    deposits.submit(desk.services, signer=dev_account(SUPPLIER), permitted=permitted)
    with refused(desk, "permit_invalid") as caught:
        cancelling.cancel_permit(desk.services, signer=dev_account(BUYER), permitted=permitted)
    assert "deposit allow 0" in caught.value.hint
