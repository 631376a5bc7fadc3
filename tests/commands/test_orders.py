"""Orders of authorities: one officer signs, another one carries out; checked before either does."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from registry.chain.devchain import dev_account
from registry.chain.operations import Order
from registry.chain.rpc import NodeUnreachable, Receipt
from registry.commands import cancelling, orders, sending, signing
from registry.commands.orders import OrderDocument, Reference
from registry.commands.sending import Done
from registry.domain.identifiers import CertificateId
from registry.domain.journal import CertificateFrozen, ForcedTransfer, Partitioned
from registry.domain.orders import order_hash
from registry.domain.receivable import DAY_SECONDS
from registry.domain.rules import NotHolder
from registry.store.queries import orders as order_queries
from tests.commands.desk import Desk, refused
from tests.scene import BANK, OFFICER, OPERATOR, REGULATOR, SECOND, SELLER, STRANGER, SUPPLIER

REFERENCE = Reference("AG Köln", "12 M 34/26")
OTHER = Reference("AG Köln", "12 M 35/26")
HASH = "0x" + "0d" * 32
DELAY_SECONDS = DAY_SECONDS


def expiry(desk: Desk, *, days: int = 60) -> int:
    return desk.scene.now + days * DAY_SECONDS


def sign(
    desk: Desk, ordered: Sequence[Order], *, person: int = OFFICER, reference: Reference = REFERENCE, days: int = 7
) -> OrderDocument:
    """What one officer signed, as the other one reads it from a file."""
    document = orders.sign_order(
        desk.services,
        signer=dev_account(person),
        reference=reference,
        ordered=ordered,
        deadline=desk.scene.now + days * DAY_SECONDS,
    )
    return OrderDocument.read(write(desk, document))


def write(desk: Desk, document: OrderDocument) -> Path:
    return desk.write(json.dumps(document.to_json()).encode())


def carry_out(desk: Desk, document: OrderDocument, *, person: int = SECOND) -> list[Done]:
    return orders.carry_out_order(desk.services, signer=dev_account(person), document=document)


def freezing(desk: Desk, target: CertificateId, *, reference: Reference = REFERENCE, days: int = 60) -> list[Order]:
    return orders.freeze_certificate(desk.services, target, reference, expiry=expiry(desk, days=days))


def freeze(desk: Desk, target: CertificateId, *, reference: Reference = REFERENCE) -> None:
    carry_out(desk, sign(desk, freezing(desk, target, reference=reference), reference=reference))


# ---------------------------------------------------------------------- the way


def test_a_certificate_is_frozen_and_free_again(desk: Desk) -> None:
    certificate = desk.confirmed()
    freeze(desk, certificate)
    with refused(desk, "frozen_by_order") as caught:
        desk.endorse(certificate)
    assert "AG Köln, 12 M 34/26" in caught.value.detail
    with desk.services.database.snapshot() as connection:
        (row,) = order_queries.freezes(connection).rows
        kept = order_queries.order_reference_of(connection, order_hash(authority="AG Köln", number="12 M 34/26"))
    assert (row.authority, row.number, row.certificate_id) == ("AG Köln", "12 M 34/26", certificate)
    assert (row.officer, row.countersigner) == (desk.scene.address(SECOND), desk.scene.address(OFFICER))
    assert kept is not None
    carry_out(desk, sign(desk, orders.unfreeze_certificate(certificate, REFERENCE), person=SECOND), person=OFFICER)
    desk.endorse(certificate)
    assert desk.agrees()


def test_exact_cents_are_cut_out_and_frozen_in_one_order(desk: Desk) -> None:
    certificate = desk.confirmed(desk.invoice(payable="1000.00"))
    cents = orders.named_cents(desk.services, certificate, first="100.00", last="250.00")
    assert cents == CertificateId(1, 10_000, 25_000)
    done = carry_out(desk, sign(desk, freezing(desk, cents)))
    assert [type(one.entry) for one in done] == [Partitioned, Partitioned, CertificateFrozen]
    desk.endorse(CertificateId(1, 0, 10_000))
    desk.endorse(CertificateId(1, 25_000, 100_000))
    with refused(desk, "frozen_by_order"):
        desk.endorse(cents)
    assert desk.agrees()


@pytest.mark.parametrize(("first", "last", "cuts"), [(None, "250.00", 1), ("250.00", None, 1), ("250.00", "250.01", 2)])
def test_only_as_much_is_cut_as_needed(desk: Desk, first: str | None, last: str | None, cuts: int) -> None:
    certificate = desk.confirmed(desk.invoice(payable="1000.00"))
    cents = orders.named_cents(desk.services, certificate, first=first, last=last)
    done = carry_out(desk, sign(desk, orders.partition(desk.services, cents, REFERENCE)))
    assert len(done) == cuts
    word = desk.services.view.certificates([(1, cents.start)])[1, cents.start]
    assert (word.holder, word.end) == (desk.scene.address(SELLER), cents.end)
    assert desk.agrees()


def test_receivables_and_members_are_frozen_and_freed(desk: Desk) -> None:
    certificate = desk.confirmed()
    seller = desk.scene.address(SELLER)
    for freezing_, lifting in (
        (
            orders.freeze_receivable(1, REFERENCE, expiry=expiry(desk)),
            orders.unfreeze_receivable(1, REFERENCE),
        ),
        (
            orders.freeze_member(seller, REFERENCE, expiry=expiry(desk)),
            orders.unfreeze_member(seller, REFERENCE),
        ),
    ):
        carry_out(desk, sign(desk, freezing_))
        with refused(desk, "frozen_by_order"):
            desk.endorse(certificate)
        carry_out(desk, sign(desk, lifting))
    desk.endorse(certificate)
    assert desk.agrees()


def test_a_later_expiry_prolongs_an_order(desk: Desk) -> None:
    certificate = desk.confirmed()
    freeze(desk, certificate)
    with refused(desk, "order_stands"):
        sign(desk, freezing(desk, certificate, days=30))
    carry_out(desk, sign(desk, freezing(desk, certificate, days=90)))
    with desk.services.database.snapshot() as connection:
        (row,) = order_queries.freezes(connection).rows
    assert row.expiry_at > expiry(desk, days=80)
    assert desk.agrees()


def test_a_certificate_is_handed_over_after_the_delay_and_the_refusal_says_when(desk: Desk) -> None:
    certificate = desk.confirmed()
    freeze(desk, certificate)
    to = {"receiver": desk.scene.address(BANK)}
    ordered = orders.transfer(desk.services, certificate, REFERENCE, **to)
    with refused(desk, "forced_transfer_too_early") as caught:
        sign(desk, ordered)
    assert caught.value.detail.startswith("not before ")
    desk.scene.pass_time(seconds=DELAY_SECONDS)
    (done,) = carry_out(desk, sign(desk, ordered))
    assert isinstance(done.entry, ForcedTransfer)
    assert desk.services.view.certificates([(1, 0)])[1, 0].holder == desk.scene.address(BANK)
    desk.endorse(certificate, person=BANK, to=SUPPLIER, document=HASH)
    assert desk.agrees()


def test_what_others_do_meanwhile_disturbs_no_order(desk: Desk) -> None:
    certificate = desk.confirmed(desk.invoice(payable="1000.00"))
    tail = desk.split(certificate, "400.00", to=BANK)
    document = sign(desk, freezing(desk, tail))
    desk.split(CertificateId(1, 0, 60_000), "1.00")
    carry_out(desk, document)
    assert desk.agrees()


# ------------------------------------------------------------------ two officers


@pytest.mark.parametrize("person", [OPERATOR, REGULATOR, SELLER, STRANGER])
def test_only_officers_sign_and_carry_out(desk: Desk, person: int) -> None:
    ordered = freezing(desk, desk.confirmed())
    with refused(desk, "not_officer"):
        sign(desk, ordered, person=person)
    document = sign(desk, ordered)
    with refused(desk, "not_officer"):
        carry_out(desk, document, person=person)


def test_an_order_takes_two(desk: Desk) -> None:
    document = sign(desk, freezing(desk, desk.confirmed()))
    with refused(desk, "same_officer"):
        carry_out(desk, document, person=OFFICER)


def test_an_order_is_carried_out_once_and_in_time(desk: Desk) -> None:
    document = sign(desk, freezing(desk, desk.confirmed()), days=2)
    late = sign(desk, orders.freeze_receivable(1, OTHER, expiry=expiry(desk)), reference=OTHER, days=1)
    carry_out(desk, document)
    with refused(desk, "nonce_used"):
        carry_out(desk, document)
    desk.scene.pass_time(seconds=DAY_SECONDS + 1)
    with refused(desk, "signature_expired"):
        carry_out(desk, late)


def test_an_officer_gives_up_what_it_signed(desk: Desk) -> None:
    desk.confirmed(desk.invoice(payable="1000.00"))
    document = sign(desk, freezing(desk, CertificateId(1, 10_000, 25_000)))
    given = cancelling.read(write(desk, document))
    assert given == document.operations
    with refused(desk, "not_the_signer"):
        cancelling.cancel(desk.services, signer=dev_account(SECOND), given=given)
    assert len(cancelling.cancel(desk.services, signer=dev_account(OFFICER), given=given)) == 1
    with refused(desk, "nonce_used"):
        carry_out(desk, document)


# -------------------------------------------------------------------- all or none


def test_what_cannot_be_done_to_its_end_is_not_begun(desk: Desk) -> None:
    certificate = desk.confirmed(desk.invoice(payable="1000.00"))
    document = sign(desk, freezing(desk, CertificateId(1, 10_000, 25_000)))
    desk.split(certificate, "1.00")
    with refused(desk, "range_changed"):
        carry_out(desk, document)
    assert desk.count("order_reference") == 0


def test_an_order_that_broke_off_goes_on_where_it_was(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.confirmed(desk.invoice(payable="1000.00"))
    document = sign(desk, freezing(desk, CertificateId(1, 10_000, 25_000)))
    original, sent = sending.send, []

    def second_fails(*arguments: object, **named: object) -> Receipt:
        sent.append(named)
        if len(sent) == 2:
            raise NodeUnreachable("gone")
        return original(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(sending, "send", second_fails)
    with pytest.raises(NodeUnreachable):
        carry_out(desk, document)
    # Something of it is on chain, so its words are kept.
    assert desk.count("order_reference") == 1
    done = carry_out(desk, document)
    assert [type(one.entry) for one in done] == [Partitioned, CertificateFrozen]
    assert desk.agrees()


def test_the_words_of_an_order_are_taken_back_if_it_is_refused_after_all(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = desk.confirmed()
    document = sign(desk, freezing(desk, certificate))
    original = sending.send

    def overtaken(*arguments: object, **named: object) -> Receipt:
        """The holder hands it on between our check and our transaction."""
        monkeypatch.undo()
        desk.endorse(certificate)
        return original(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(sending, "send", overtaken)
    with pytest.raises(NotHolder):
        carry_out(desk, document)
    assert desk.count("order_reference") == 0


# ----------------------------------------------------------------------- refusals


def test_what_the_contract_would_refuse_is_not_signed(desk: Desk) -> None:
    certificate = desk.confirmed()
    waiting = desk.registered()
    stranger, seller = desk.scene.address(STRANGER), desk.scene.address(SELLER)
    for code, ordered in (
        ("order_expired", freezing(desk, certificate, days=0)),
        ("order_not_in_force", orders.unfreeze_certificate(certificate, REFERENCE)),
        ("order_not_in_force", orders.unfreeze_receivable(1, REFERENCE)),
        ("order_not_in_force", orders.unfreeze_member(seller, REFERENCE)),
        ("unknown_member", orders.freeze_member(stranger, REFERENCE, expiry=expiry(desk))),
        ("status_forbids", orders.freeze_receivable(waiting, REFERENCE, expiry=expiry(desk))),
        ("unknown_certificate", orders.unfreeze_certificate(CertificateId(1, 5, 6), REFERENCE)),
        ("range_changed", orders.unfreeze_certificate(CertificateId(1, 0, 6), REFERENCE)),
        (
            "order_not_in_force",
            orders.transfer(desk.services, certificate, REFERENCE, receiver=desk.scene.address(BANK)),
        ),
        ("member_not_eligible", orders.transfer(desk.services, certificate, REFERENCE, receiver=stranger)),
        ("same_holder", orders.transfer(desk.services, certificate, REFERENCE, receiver=seller)),
    ):
        with refused(desk, code):
            sign(desk, ordered)


def test_cents_are_within_one_certificate(desk: Desk) -> None:
    certificate = desk.confirmed(desk.invoice(payable="1000.00"))
    desk.split(certificate, "400.00")
    kept = CertificateId(1, 0, 60_000)
    for code, act in (
        ("unknown_certificate", lambda: freezing(desk, CertificateId(1, 59_999, 60_001))),
        ("unknown_certificate", lambda: freezing(desk, CertificateId(1, 0, 200_000))),
        ("unknown_receivable", lambda: freezing(desk, CertificateId(9, 0, 1))),
        ("cut_out_of_range", lambda: orders.partition(desk.services, kept, REFERENCE)),
        ("cut_out_of_range", lambda: orders.named_cents(desk.services, kept, first="1.00", last="1.00")),
        ("cut_out_of_range", lambda: orders.named_cents(desk.services, kept, first=None, last="600.01")),
        ("cut_out_of_range", lambda: orders.named_cents(desk.services, kept, first="-1.00", last=None)),
        ("amount_too_precise", lambda: orders.named_cents(desk.services, kept, first="0.001", last=None)),
    ):
        with refused(desk, code):
            act()


@pytest.mark.parametrize(
    ("authority", "number"), [("", "1"), ("AG", ""), ("  ", "1"), ("", ""), ("AG\0", "1"), ("AG", "\ud800")]
)
def test_an_order_has_an_authority_and_a_number(shared_desk: Desk, authority: str, number: str) -> None:
    with refused(shared_desk, "order_missing"):
        orders.freeze_receivable(1, Reference(authority, number), expiry=1)


def test_the_words_are_those_of_the_order_that_was_signed(desk: Desk) -> None:
    document = sign(desk, freezing(desk, desk.confirmed()))
    with refused(desk, "order_text_differs"):
        OrderDocument.read(write(desk, replace(document, reference=OTHER)))


def test_a_changed_order_is_not_the_officers(desk: Desk) -> None:
    document = sign(desk, freezing(desk, desk.confirmed()))
    (signed,) = document.operations
    longer = replace(signed, operation=replace(signed.operation, expiry=2**40 - 1))
    with refused(desk, "signature_invalid"):
        carry_out(desk, replace(document, operations=(longer,)))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"null",
        b'{"authority": "AG", "number": "1"}',
        b'{"authority": "AG", "number": "1", "operations": []}',
        b'{"authority": "AG", "number": "1", "operations": [{}]}',
        b'{"authority": "AG", "number": "1", "operations": 5}',
        b'{"authority": 5, "number": "1", "operations": []}',
    ],
)
def test_what_is_no_order_is_refused_by_name(shared_desk: Desk, content: bytes) -> None:
    with refused(shared_desk, "signed_operation_malformed"):
        OrderDocument.read(shared_desk.write(content))


def test_a_members_operation_is_no_order(desk: Desk) -> None:
    document = sign(desk, freezing(desk, desk.confirmed())).to_json()
    single = desk.write(json.dumps(document["operations"][0]).encode())
    with refused(desk, "document_of_another_kind"):
        OrderDocument.read(single)
    with refused(desk, "document_of_another_kind"):
        signing.read_signed(single)
