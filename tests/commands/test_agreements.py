"""What originator and debtor agree about: one signs, the other one carries it out."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from registry.chain.devchain import dev_account
from registry.chain.operations import Agreement
from registry.chain.typed_data import SignedOperation
from registry.commands import agreements, cancelling, relaying, signing
from registry.commands.sending import Done, Signed
from registry.domain.identifiers import CertificateId
from registry.domain.journal import CreditNoted, Disputed, Resolved
from tests.commands.desk import Desk, refused
from tests.scene import BANK, BUYER, SELLER, STRANGER, SUPPLIER


def sign(desk: Desk, agreement: Agreement, *, person: int = SELLER) -> SignedOperation:
    """What one party signed, as the other one reads it from a file."""
    return agreements.read_agreed(write(desk, agreements.sign(desk.services, desk.pen(person), agreement)))


def write(desk: Desk, signed: SignedOperation) -> Path:
    return desk.write(json.dumps(signed.to_json()).encode())


def carry_out(desk: Desk, agreed: SignedOperation, *, person: int = BUYER) -> Done:
    return agreements.carry_out(desk.services, signer=dev_account(person), agreed=agreed)


@pytest.mark.parametrize(("signs", "sends"), [(SELLER, BUYER), (BUYER, SELLER)])
def test_either_signs_a_credit_note_and_the_other_one_carries_it_out(desk: Desk, signs: int, sends: int) -> None:
    whole = desk.confirmed()
    note = agreements.credit_note(desk.services, whole, "100.00")
    entry = carry_out(desk, sign(desk, note, person=signs), person=sends).entry
    assert isinstance(entry, CreditNoted)
    assert (entry.actor, entry.countersigner) == (desk.scene.address(sends), desk.scene.address(signs))
    assert desk.read(1).payable_minor == 90_000
    assert desk.scene.end(1, 10_000) == 100_000
    assert desk.agrees()


def test_a_dispute_ends_as_it_began_by_agreement(desk: Desk) -> None:
    whole = desk.confirmed()
    entry = carry_out(desk, sign(desk, agreements.dispute(desk.services, whole, "300.00"))).entry
    assert isinstance(entry, Disputed)
    assert (desk.read(1).payable_minor, desk.read(1).disputed_minor) == (70_000, 30_000)
    with refused(desk, "in_dispute"):
        desk.endorse(CertificateId(1, 0, 30_000))
    assert isinstance(carry_out(desk, sign(desk, agreements.resolve(1))).entry, Resolved)
    desk.endorse(CertificateId(1, 0, 30_000))
    with refused(desk, "not_in_dispute"):
        sign(desk, agreements.resolve(1))


@pytest.mark.parametrize(
    ("code", "person", "amount"),
    [
        ("not_party", SUPPLIER, "1.00"),
        ("credit_out_of_range", SELLER, "1000.01"),
        ("credit_out_of_range", BUYER, "0"),
        ("amount_missing", SELLER, "-1"),
    ],
)
def test_what_the_contract_would_refuse_is_not_signed(desk: Desk, code: str, person: int, amount: str) -> None:
    whole = desk.confirmed()
    with refused(desk, code):
        sign(desk, agreements.credit_note(desk.services, whole, amount), person=person)


def test_a_front_that_left_the_originator_is_nobodys_to_credit(desk: Desk) -> None:
    whole = desk.confirmed()
    desk.endorse(whole)
    with refused(desk, "not_front"):
        sign(desk, agreements.credit_note(desk.services, whole, "1.00"), person=BUYER)
    with refused(desk, "unknown_receivable"):
        sign(desk, agreements.resolve(7))


def test_only_the_other_party_carries_out_what_one_signed(desk: Desk) -> None:
    """A submitter who happened to be the debtor would agree without knowing it: relays take no half agreement."""
    agreed = sign(desk, agreements.credit_note(desk.services, desk.confirmed(), "100.00"))
    with refused(desk, "not_party"):
        carry_out(desk, agreed, person=BANK)
    with refused(desk, "document_of_another_kind"):
        signing.relay(desk.services, signer=dev_account(BUYER), signed=agreed)
    with refused(desk, "document_of_another_kind"):
        relaying.member_signed(agreed.to_json())
    with refused(desk, "signed_for_another"):
        carry_out(desk, replace(agreed, domain=replace(agreed.domain, chain_id=1)))


def test_what_both_signed_anyone_submits(desk: Desk) -> None:
    agreed = sign(desk, agreements.credit_note(desk.services, desk.confirmed(), "100.00"))
    with pytest.raises(Signed) as signed:
        agreements.carry_out(desk.services, signer=desk.pen(BUYER), agreed=agreed)
    document = signed.value.document
    assert isinstance(document, SignedOperation)
    path = write(desk, document)
    with refused(desk, "document_of_another_kind"):
        agreements.read_agreed(path)
    done = signing.relay(desk.services, signer=dev_account(STRANGER), signed=signing.read_signed(path))
    assert isinstance(done.entry, CreditNoted)


@pytest.mark.parametrize("person", [SELLER, BUYER])
def test_each_of_two_can_give_its_signature_up(desk: Desk, person: int) -> None:
    agreed = sign(desk, agreements.credit_note(desk.services, desk.confirmed(), "100.00"))
    with pytest.raises(Signed) as signed:
        agreements.carry_out(desk.services, signer=desk.pen(BUYER), agreed=agreed)
    document = signed.value.document
    assert isinstance(document, SignedOperation)
    cancelling.cancel(desk.services, signer=dev_account(person), given=[document])
    with refused(desk, "nonce_used"):
        signing.relay(desk.services, signer=dev_account(STRANGER), signed=document)
    with refused(desk, "not_the_signer"):
        cancelling.cancel(desk.services, signer=dev_account(BANK), given=[document])


def test_both_keys_here_need_no_file(desk: Desk) -> None:
    note = agreements.credit_note(desk.services, desk.confirmed(), "100.00")
    done = agreements.agree(desk.services, signer=dev_account(SELLER), second=desk.pen(BUYER), agreement=note)
    assert isinstance(done.entry, CreditNoted)
