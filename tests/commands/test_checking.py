"""A file looked up: the very file, the same claim in another, or nothing; and how the chain draws a certificate."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from lxml import etree

from registry.chain.contract import Calls
from registry.chain.devchain import dev_account
from registry.commands import checking, claims, oversight, pictures
from registry.commands.checking import Match, check_document
from registry.domain.identifiers import ZERO_ADDRESS, CertificateId
from registry.domain.receivable import RefusalReason
from tests.commands.desk import SAMPLES, Desk, refused
from tests.scene import BUYER, OPERATOR, SELLER, SUPPLIER

UBL, CII = SAMPLES / "brandmuehl-2026-1041.ubl.xml", SAMPLES / "brandmuehl-2026-1041.cii.xml"


def found(desk: Desk, path: Path) -> list[tuple[Match, int | None]]:
    checked = check_document(desk.services, path)
    return [(one.match, None if one.receivable is None else one.receivable.receivable_id) for one in checked.found]


def test_the_very_file_is_what_the_receivable_commits_to(desk: Desk) -> None:
    path = desk.invoice()
    assert found(desk, path) == []
    receivable_id = desk.registered(path)
    assert found(desk, path) == [(Match.COMMITTED, receivable_id)]


def test_attachments_are_a_part_of_what_is_committed_to(desk: Desk) -> None:
    path, note = desk.invoice(), desk.write(b"Delivery note", name="note.txt")
    claims.register(desk.services, path, signer=dev_account(SELLER), due=None, attach=[note])
    assert found(desk, path) == [(Match.COMMITTED, 1)]


def test_the_same_invoice_in_another_format_is_recognised(desk: Desk) -> None:
    receivable_id = desk.registered(UBL)
    assert found(desk, CII) == [(Match.SAME_CLAIM, receivable_id)]
    assert found(desk, UBL) == [(Match.COMMITTED, receivable_id)]


def test_the_same_number_with_another_amount_is_told(desk: Desk) -> None:
    receivable_id = desk.registered(desk.invoice(number="RE 77", payable="1000.00"))
    assert found(desk, desk.invoice(number="RE 77", payable="900.00")) == [(Match.OTHER_AMOUNT, receivable_id)]


@pytest.mark.parametrize("name", ["many.zip", "many.CSV", "many.tsv"])
def test_what_holds_several_invoices_is_sent_to_the_import(desk: Desk, name: str) -> None:
    with refused(desk, "document_unsupported") as caught:
        check_document(desk.services, desk.write(b"PK\x03\x04", name=name))
    assert "invoice import" in caught.value.hint


def test_rows_that_were_changed_no_longer_match_their_commitment(desk: Desk) -> None:
    path = desk.invoice()
    desk.registered(path)
    with desk.services.database.bulk() as connection:
        connection.execute("UPDATE invoice SET fields = jsonb_set(fields, '{3,2}', to_jsonb(repeat('ab', 32)))")
    assert found(desk, path) == [(Match.ALTERED, 1)]
    with desk.services.database.bulk() as connection:
        connection.execute("UPDATE invoice SET fields = '[]'")
    assert found(desk, path) == [(Match.ALTERED, 1)]


def test_of_an_invoice_that_was_refused_and_registered_anew_the_newest_comes_first(desk: Desk) -> None:
    path = desk.invoice()
    receivable_id = desk.registered(path)
    claims.refuse(
        desk.services, signer=dev_account(BUYER), receivable_id=receivable_id, reason=RefusalReason.NOT_DELIVERED
    )
    again = desk.registered(path)
    assert found(desk, path) == [(Match.COMMITTED, again), (Match.COMMITTED, receivable_id)]


def test_a_copy_of_a_sellers_claim_is_told_apart_from_it(desk: Desk) -> None:
    path = desk.invoice()
    _, prepared = desk.register(path)
    receipt = desk.scene.send(SUPPLIER, Calls.register(prepared.claim))
    desk.services.follower().catch_up(until=receipt.block_number)
    assert found(desk, path) == [(Match.COMMITTED, 1)]
    assert [row.receivable_id for row in check_document(desk.services, path).others] == [2]


def test_a_copy_that_stands_is_not_hidden_by_copies_that_ended(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "OTHERS_MAX", 2)
    path = desk.invoice()
    _, prepared = desk.register(path)
    supplier = dev_account(SUPPLIER)
    for receivable_id in range(2, 6):
        receipt = desk.scene.send(SUPPLIER, Calls.register(prepared.claim))
        desk.services.follower().catch_up(until=receipt.block_number)
        if receivable_id < 5:
            claims.withdraw(desk.services, signer=supplier, receivable_id=receivable_id)
    checked = check_document(desk.services, path)
    assert [(row.receivable_id, row.has_ended) for row in checked.others] == [(5, False), (4, True)]
    assert checked.more_others
    claims.withdraw(desk.services, signer=supplier, receivable_id=5)
    assert [row.receivable_id for row in check_document(desk.services, path).others] == [5, 4]
    monkeypatch.undo()
    everything = check_document(desk.services, path)
    assert ([row.receivable_id for row in everything.others], everything.more_others) == ([5, 4, 3, 2], False)


def test_what_is_no_invoice_is_refused_by_name(shared_desk: Desk) -> None:
    with refused(shared_desk, "document_malformed"):
        check_document(shared_desk.services, SAMPLES / "malformed-cut-off.xml")


# ------------------------------------------------------------------------ pictures


def test_the_chain_describes_a_certificate_in_words_and_draws_it(desk: Desk) -> None:
    certificate = desk.confirmed(desk.invoice(payable="1234.50"))
    metadata = pictures.metadata(desk.services, certificate)
    assert metadata["name"] == str(certificate)
    assert "EUR 1,234.50" in metadata["description"]
    drawn = {
        language: pictures.picture(desk.services, certificate, language=language) for language in (None, "en", "zh")
    }
    assert len(set(drawn.values())) == 3
    for svg in drawn.values():
        assert etree.fromstring(svg.encode()).tag == "{http://www.w3.org/2000/svg}svg"
        assert "1,234.50" in svg
    assert base64.b64decode(metadata["image"].partition(",")[2]).decode() == drawn[None]


@pytest.mark.parametrize("language", [None, "zh"])
def test_only_what_exists_is_drawn(shared_desk: Desk, language: str | None) -> None:
    with refused(shared_desk, "unknown_certificate"):
        pictures.picture(shared_desk.services, CertificateId(1, 0, 5), language=language)


def test_without_a_descriptor_there_is_nothing_to_show(desk: Desk) -> None:
    certificate, operator = desk.confirmed(), dev_account(OPERATOR)
    oversight.set_descriptor(desk.services, signer=operator, descriptor=ZERO_ADDRESS)
    desk.scene.pass_time(seconds=3_600)
    oversight.set_descriptor(desk.services, signer=operator, descriptor=ZERO_ADDRESS)
    for language in (None, "en"):
        with refused(desk, "not_described"):
            pictures.picture(desk.services, certificate, language=language)
