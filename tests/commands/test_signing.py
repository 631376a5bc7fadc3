"""Operations that are signed by one and submitted by another."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from registry.chain.devchain import dev_account
from registry.chain.eip712 import Eip712Domain
from registry.chain.operations import Merge, UnfreezeReceivable
from registry.chain.typed_data import SignedOperation, sign
from registry.commands import cancelling, certificates, claims, sending, signing
from registry.commands.certificates import TypedPart
from registry.commands.sending import Done, Hand, Signed
from registry.domain.identifiers import CertificateId
from registry.domain.receivable import RefusalReason, Status
from registry.domain.rules import AnchorMismatch
from registry.store.tables import nonce_word
from tests.commands.desk import Desk, changes, refused
from tests.scene import BANK, BUYER, SELLER, STRANGER, SUPPLIER


def on_paper(desk: Desk, act: Callable[[Hand], object], *, person: int) -> SignedOperation:
    """What the person signed instead of sending: as somebody else reads it from a file."""
    with pytest.raises(Signed) as signed:
        act(desk.pen(person))
    path = desk.write(json.dumps(signed.value.document.to_json()).encode())
    return signing.read_signed(path)


def relay(desk: Desk, signed: SignedOperation, *, person: int = STRANGER) -> Done:
    return signing.relay(desk.services, signer=dev_account(person), signed=signed)


def registering(desk: Desk, path: Path) -> Callable[[Hand], object]:
    return lambda hand: claims.register(desk.services, path, signer=hand, due=None)


def endorsing(desk: Desk, certificate: CertificateId) -> Callable[[Hand], object]:
    return lambda hand: certificates.endorse(
        desk.services, signer=hand, certificate=certificate, receiver=desk.scene.address(BANK), document=None
    )


# ---------------------------------------------------------------------- the way


def test_a_seller_without_coins_registers_and_a_buyer_confirms_by_signature(desk: Desk) -> None:
    path = desk.invoice()
    before = desk.services.node.head()
    signed = on_paper(desk, registering(desk, path), person=SELLER)
    # Signing sends nothing; the salts of the root that was signed are kept.
    assert (desk.services.node.head(), desk.count("invoice")) == (before, 1)
    assert relay(desk, signed).entry.journal_id == 1
    confirming = on_paper(desk, lambda hand: claims.confirm(desk.services, signer=hand, receivable_id=1), person=BUYER)
    relay(desk, confirming)
    assert desk.read(1).status is Status.CONFIRMED
    assert desk.agrees()


@pytest.mark.parametrize("answer", ["refuse", "withdraw", "counter_offer", "accept_offer"])
def test_every_answer_can_be_signed(desk: Desk, answer: str) -> None:
    receivable_id = desk.registered()
    services = desk.services
    acts: dict[str, tuple[int, Callable[[Hand], object]]] = {
        "refuse": (
            BUYER,
            lambda hand: claims.refuse(
                services, signer=hand, receivable_id=receivable_id, reason=RefusalReason.NOT_OURS
            ),
        ),
        "withdraw": (SELLER, lambda hand: claims.withdraw(services, signer=hand, receivable_id=receivable_id)),
        "counter_offer": (
            BUYER,
            lambda hand: claims.counter_offer(
                services, signer=hand, receivable_id=receivable_id, amount="1.00", due=None
            ),
        ),
        "accept_offer": (SELLER, lambda hand: claims.accept_offer(services, signer=hand, receivable_id=receivable_id)),
    }
    if answer == "accept_offer":
        desk.counter_offer(receivable_id)
    person, act = acts[answer]
    relay(desk, on_paper(desk, act, person=person))
    assert desk.read(receivable_id).length == (3 if answer == "accept_offer" else 2)
    assert desk.agrees()


def test_every_move_can_be_signed(desk: Desk) -> None:
    services, bank = desk.services, desk.scene.address(BANK)
    whole = desk.confirmed(desk.invoice(payable="1000.00"))

    def signed(act: Callable[[Hand], object]) -> None:
        relay(desk, on_paper(desk, act, person=SELLER))

    signed(
        lambda hand: certificates.split(
            services, signer=hand, certificate=whole, amount="100", receiver=desk.scene.address(SELLER), document=None
        )
    )
    kept, tail = CertificateId(1, 0, 90_000), CertificateId(1, 90_000, 100_000)
    signed(lambda hand: certificates.merge(services, signer=hand, certificates=(kept, tail)))
    signed(lambda hand: certificates.approve(services, signer=hand, certificate=whole, operator=bank))
    assert services.view.approved(1, 0) == bank
    signed(lambda hand: certificates.approve_for_all(services, signer=hand, operator=bank, approved=True))
    assert services.view.is_operator(holder=desk.scene.address(SELLER), operator=bank)
    parts = [TypedPart("1.00", bank), TypedPart("2.00", bank)]
    signed(lambda hand: certificates.split_many(services, signer=hand, certificate=whole, parts=parts))
    signed(endorsing(desk, CertificateId(1, 0, 99_700)))
    assert {word.holder for word in services.view.certificates([(1, 0), (1, 99_700)]).values()} == {bank}
    several = [desk.confirmed(), desk.confirmed()]
    signed(
        lambda hand: certificates.endorse_many(
            services, signer=hand, certificates=several, receiver=bank, document=None
        )
    )
    assert {word.holder for word in services.view.certificates([(2, 0), (3, 0)]).values()} == {bank}
    assert desk.agrees()


def test_the_trade_document_of_a_signed_move_is_known_by_its_name(desk: Desk) -> None:
    whole = desk.confirmed()
    note = str(desk.write(b"Delivery note", name="note.txt"))
    on_paper(
        desk,
        lambda hand: certificates.endorse(
            desk.services, signer=hand, certificate=whole, receiver=desk.scene.address(SUPPLIER), document=note
        ),
        person=SELLER,
    )
    assert desk.count("trade_document") == 1


# ------------------------------------------------------------- what has happened since


def test_other_entries_since_do_not_hinder_a_move(desk: Desk) -> None:
    whole = desk.confirmed(desk.invoice(payable="1000.00"))
    tail = desk.split(whole, "400.00", to=SELLER)
    signed = on_paper(desk, endorsing(desk, tail), person=SELLER)
    kept = CertificateId(1, 0, 60_000)
    for _ in range(3):
        last = desk.split(kept, "1.00")
        kept = CertificateId(1, 0, last.start)
    desk.scene.freeze_certificate(1, start=0)
    relay(desk, signed)
    assert desk.agrees()


def test_an_answer_is_to_what_its_signer_saw(desk: Desk) -> None:
    receivable_id = desk.registered()
    signed = on_paper(
        desk, lambda hand: claims.confirm(desk.services, signer=hand, receivable_id=receivable_id), person=BUYER
    )
    desk.counter_offer(receivable_id)
    with refused(desk, "anchor_mismatch"):
        relay(desk, signed)


def test_a_signature_is_used_once(desk: Desk) -> None:
    signed = on_paper(desk, endorsing(desk, desk.confirmed()), person=SELLER)
    relay(desk, signed)
    with refused(desk, "nonce_used"):
        relay(desk, signed)


def test_a_signature_that_is_too_old_does_not_count(desk: Desk) -> None:
    certificate = desk.confirmed()
    with pytest.raises(Signed) as signed:
        endorsing(desk, certificate)(desk.pen(SELLER, seconds=60))
    desk.scene.pass_time(seconds=61)
    with refused(desk, "signature_expired"):
        relay(desk, signed.value.document)


def test_a_database_that_was_set_back_gives_no_used_nonce(desk: Desk) -> None:
    first = on_paper(desk, endorsing(desk, desk.confirmed()), person=SELLER)
    relay(desk, first)
    with desk.services.database.write() as connection:
        connection.execute(update(nonce_word).values(given=nonce_word.c.given - 1))
    second = on_paper(desk, endorsing(desk, desk.confirmed()), person=SELLER)
    assert second.by.nonce == first.by.nonce + 1
    relay(desk, second)


# ------------------------------------------------------------------------- refusals


def test_what_would_be_refused_is_not_signed(desk: Desk) -> None:
    path = desk.invoice()
    whole = desk.confirmed(path)
    with refused(desk, "not_holder"):
        endorsing(desk, whole)(desk.pen(BUYER))
    with refused(desk, "duplicate", adds="duplicate_attempt"):
        registering(desk, path)(desk.pen(SELLER))


def test_a_registration_that_is_refused_when_it_is_submitted_keeps_its_salts(desk: Desk) -> None:
    """It may still be submitted later: so long as the signature counts, the root may come on chain."""
    path = desk.invoice()
    signed = on_paper(desk, registering(desk, path), person=SELLER)
    desk.scene.suspend(BUYER)
    with refused(desk, "member_not_eligible"):
        relay(desk, signed)
    assert desk.count("invoice") == 1


def test_a_changed_document_is_not_the_signers(desk: Desk) -> None:
    certificate = desk.confirmed()
    signed = on_paper(desk, endorsing(desk, certificate), person=SELLER)
    other = replace(signed, operation=replace(signed.operation, receiver=desk.scene.address(SUPPLIER)))
    with refused(desk, "signature_invalid"):
        relay(desk, other)


@pytest.mark.parametrize("other", ["chain", "contract"])
def test_a_signature_for_another_registry_is_named_as_such(desk: Desk, other: str) -> None:
    here = sending.domain(desk.services)
    elsewhere = (
        Eip712Domain(chain_id=1, contract=here.contract)
        if other == "chain"
        else Eip712Domain(chain_id=here.chain_id, contract=b"\x01" * 20)
    )
    merge = Merge(receivable_id=1, start=0, cut=1, end=2)
    signed = sign(merge, dev_account(SELLER), elsewhere, deadline=2**39)
    with refused(desk, "signed_for_another"):
        relay(desk, signed)
    with refused(desk, "signed_for_another"):
        cancelling.cancel(desk.services, signer=dev_account(SELLER), given=[signed])


def test_an_order_is_not_relayed(desk: Desk) -> None:
    signed = sign(
        UnfreezeReceivable(receivable_id=1, order=b"\x01" * 32),
        dev_account(SELLER),
        sending.domain(desk.services),
        deadline=2**39,
    )
    path = desk.write(json.dumps(signed.to_json()).encode())
    with refused(desk, "document_of_another_kind"):
        signing.read_signed(path)
    order = {"authority": "AG Köln", "number": "12", "operations": [signed.to_json()]}
    with refused(desk, "document_of_another_kind"):
        signing.read_signed(desk.write(json.dumps(order).encode()))


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b'{"operation": "endorse"}', b"\xff\xfe", b"[" * 99_999]
)
def test_what_is_no_signed_operation_is_refused_by_name(desk: Desk, content: bytes) -> None:
    with refused(desk, "signed_operation_malformed"):
        signing.read_signed(desk.write(content))


def test_nothing_is_signed_about_a_receivable_that_is_not_there(desk: Desk) -> None:
    merge = Merge(receivable_id=77, start=0, cut=1, end=2)
    signed = sign(merge, dev_account(SELLER), sending.domain(desk.services), deadline=2**39)
    with refused(desk, "anchor_mismatch"):
        relay(desk, signed)


def test_a_rehearsal_of_a_submission_signs_nothing(desk: Desk) -> None:
    signed = on_paper(desk, endorsing(desk, desk.confirmed()), person=SELLER)
    before = desk.state()
    gas = sending.check(desk.services, desk.scene.address(STRANGER), signed.call())
    assert 50_000 < gas < 150_000
    assert changes(before, desk.state()) == set()
    elsewhere = replace(signed, by=replace(signed.by, claim_key=b"\x01" * 32))
    with pytest.raises(AnchorMismatch):
        sending.check(desk.services, desk.scene.address(STRANGER), elsewhere.call())


@pytest.mark.parametrize(
    ("document", "wanted", "says"),
    [
        ({"operation": "creditNote"}, "quote", "paper.json is an agreement that one party signed: `counterfoil agree`"),
        ({"operation": "creditNote", "second": {}}, "quote", "paper.json is a member's operation: `counterfoil relay`"),
        ({"quote": {}, "acceptance": {}}, "operation", "paper.json is an accepted quote: `counterfoil quote submit`"),
        ({"quote": {}}, "operation", "paper.json is a quote: `counterfoil quote accept`"),
        ({"permit": {}}, "acceptance", "paper.json is a permit: `counterfoil deposit submit`"),
        ({"operations": []}, "permit", "paper.json is an order: `counterfoil order carry-out`"),
    ],
)
def test_a_paper_of_another_kind_names_the_command_that_takes_it(
    tmp_path: Path, document: dict[str, Any], wanted: str, says: str
) -> None:
    path = tmp_path / "paper.json"
    path.write_text(json.dumps(document))
    with pytest.raises(signing.DocumentOfAnotherKind) as refused_:
        signing.read_kind(path, wanted)
    assert refused_.value.detail == says + " takes it"


def test_what_is_of_no_kind_is_left_to_its_reader(tmp_path: Path) -> None:
    path = tmp_path / "paper.json"
    for document in ({}, [], {"quote": {}, "acceptance": {}}, 7):
        path.write_text(json.dumps(document))
        assert signing.read_kind(path, "quote") == document
