"""Splitting and endorsing: amounts, ids, holders, receivers and trade documents."""

from __future__ import annotations

import pytest

from registry.chain.devchain import dev_account
from registry.commands import certificates, members
from registry.documents.xml import DOCUMENT_BYTES_MAX
from registry.domain.identifiers import CertificateId
from registry.domain.journal import Endorsed, Split
from registry.domain.keccak import keccak256
from registry.domain.receivable import SuspensionReason
from registry.mirror.reconcile import reconcile
from tests.commands.desk import Desk, refused
from tests.scene import BANK, BUYER, OPERATOR, SELLER, STRANGER, SUPPLIER

HASH = "0x" + "0d" * 32
NO_HASH = "0x" + "00" * 32


@pytest.fixture(scope="module")
def whole(shared_desk: Desk) -> CertificateId:
    """1,000.00 EUR, the seller's; what the tests of this module try on it is refused."""
    return shared_desk.confirmed(shared_desk.invoice(payable="1000.00"))


@pytest.fixture(scope="module")
def yen(shared_desk: Desk) -> CertificateId:
    return shared_desk.confirmed(shared_desk.invoice(payable="5000", currency="JPY"))


# ---------------------------------------------------------------- happy paths


def test_a_certificate_travels_down_the_chain_to_the_cent(desk: Desk) -> None:
    certificate = desk.confirmed(desk.invoice(payable="1000.00"))
    note = desk.write(b"Delivery note 1", name="note-1.txt")
    tail = desk.split(certificate, "400.01", to=SUPPLIER, document=str(note))
    assert tail == CertificateId(1, 59_999, 100_000)
    last = desk.split(tail, "0.01", person=SUPPLIER, to=BANK)
    assert last == CertificateId(1, 99_999, 100_000)
    done = desk.endorse(CertificateId(1, 59_999, 99_999), person=SUPPLIER, to=BANK)
    assert isinstance(done.entry, Endorsed)
    with desk.services.database.bulk() as connection:
        held = connection.execute("SELECT start_minor, end_minor, holder FROM certificate ORDER BY 1").fetchall()
        kept = connection.execute("SELECT document, file_name, bytes FROM trade_document").fetchall()
    seller, bank = desk.scene.address(SELLER), desk.scene.address(BANK)
    assert held == [(0, 59_999, seller), (59_999, 99_999, bank), (99_999, 100_000, bank)]
    assert kept == [(keccak256(b"Delivery note 1"), "note-1.txt", 15)]
    report = reconcile(
        desk.services.database, desk.services.node, contract=desk.services.deployment.receivables, deep=True
    )
    assert report.differences == []


def test_a_trade_document_may_be_named_by_its_hash(desk: Desk) -> None:
    done, _ = certificates.split(
        desk.services,
        signer=dev_account(SELLER),
        certificate=desk.confirmed(),
        amount="1",
        receiver=desk.scene.address(SUPPLIER),
        document=HASH,
    )
    assert isinstance(done.entry, Split)
    assert done.entry.document == bytes.fromhex(HASH[2:])
    assert desk.count("trade_document") == 0


def test_a_document_file_may_have_a_name_that_begins_like_a_hash(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.write(b"Order", name="0x-order.txt")
    monkeypatch.chdir(desk.folder)
    desk.endorse(desk.confirmed(), to=SUPPLIER, document="0x-order.txt")
    assert desk.count("trade_document") == 1


def test_the_same_document_twice_is_kept_once(desk: Desk) -> None:
    note = str(desk.write(b"Frame contract"))
    certificate = desk.confirmed()
    desk.split(certificate, "1.00", to=SUPPLIER, document=note)
    desk.split(CertificateId(1, 0, 99_900), "1.00", to=SUPPLIER, document=note)
    assert desk.count("trade_document") == 1


def test_yen_are_split_in_whole_yen(desk: Desk) -> None:
    certificate = desk.confirmed(desk.invoice(payable="5000", currency="JPY"))
    assert desk.split(certificate, "2000.00") == CertificateId(1, 3_000, 5_000)


# --------------------------------------------------------------------- amounts


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        ("0", "cut_out_of_range"),
        ("0.00", "cut_out_of_range"),
        ("1000.00", "cut_out_of_range"),
        ("1000.01", "cut_out_of_range"),
        ("-1.00", "cut_out_of_range"),
        ("184467440737095516.15", "cut_out_of_range"),
        ("184467440737095516.16", "amount_out_of_range"),
        ("1.0001", "amount_too_precise"),
        ("1.001", "amount_ambiguous"),
        ("", "amount_malformed"),
        ("much", "amount_malformed"),
        ("1,000", "amount_ambiguous"),
        ("1,00", "amount_malformed"),
        ("1e2", "amount_malformed"),
        ("nan", "amount_malformed"),
        ("१", "amount_malformed"),
        ("9" * 101, "amount_malformed"),
    ],
)
def test_an_amount_that_cannot_be_cut_off_is_refused(
    shared_desk: Desk, whole: CertificateId, amount: str, code: str
) -> None:
    with refused(shared_desk, code):
        shared_desk.split(whole, amount)


def test_yen_have_no_decimals(shared_desk: Desk, yen: CertificateId) -> None:
    with refused(shared_desk, "amount_too_precise"):
        shared_desk.split(yen, "100.5")


# ------------------------------------------------------------------------- ids


@pytest.mark.parametrize(
    "wrong",
    [
        CertificateId(999, 0, 100_000),
        CertificateId(2**63 - 1, 0, 2**64 - 1),
        CertificateId(1, 1, 100_000),
        CertificateId(1, 0, 99_999),
        CertificateId(1, 0, 100_001),
    ],
    ids=str,
)
def test_a_certificate_that_does_not_exist_just_so_does_not_move(
    shared_desk: Desk, whole: CertificateId, wrong: CertificateId
) -> None:
    with refused(shared_desk, "unknown_certificate"):
        shared_desk.split(wrong, "1.00")
    with refused(shared_desk, "unknown_certificate"):
        shared_desk.endorse(wrong)


def test_after_a_split_the_old_id_is_stale_and_the_refusal_names_the_new_one(desk: Desk) -> None:
    certificate = desk.confirmed(desk.invoice(payable="1000.00"))
    desk.split(certificate, "250.00")
    with refused(desk, "unknown_certificate") as caught:
        desk.endorse(certificate)
    assert "what starts there now is R-1/0-75000" in caught.value.detail


def test_a_receivable_has_no_certificate_before_it_is_confirmed(desk: Desk) -> None:
    receivable_id = desk.registered()
    with refused(desk, "unknown_certificate"):
        desk.split(CertificateId(receivable_id, 0, 100_000), "1.00")


# -------------------------------------------------------- holders and receivers


@pytest.mark.parametrize("person", [BUYER, BANK, OPERATOR, STRANGER])
def test_only_the_holder_moves_a_certificate(shared_desk: Desk, whole: CertificateId, person: int) -> None:
    with refused(shared_desk, "not_holder"):
        shared_desk.split(whole, "1.00", person=person, to=SUPPLIER, document=HASH)
    with refused(shared_desk, "not_holder"):
        shared_desk.endorse(whole, person=person, to=SUPPLIER, document=HASH)


def test_a_receiver_must_be_a_member(shared_desk: Desk, whole: CertificateId) -> None:
    with refused(shared_desk, "member_not_eligible"):
        shared_desk.split(whole, "1.00", to=STRANGER, document=HASH)
    with refused(shared_desk, "member_not_eligible"):
        shared_desk.endorse(whole, to=STRANGER, document=HASH)


def test_nobody_endorses_to_itself(shared_desk: Desk, whole: CertificateId) -> None:
    with refused(shared_desk, "same_holder"):
        shared_desk.endorse(whole, to=SELLER, document=HASH)


@pytest.mark.parametrize("person", [SELLER, SUPPLIER])
def test_neither_giver_nor_receiver_may_be_suspended(desk: Desk, person: int) -> None:
    certificate = desk.confirmed()
    members.suspend(
        desk.services,
        signer=dev_account(OPERATOR),
        member=desk.scene.address(person),
        reason=SuspensionReason.KYC,
    )
    with refused(desk, "member_not_eligible"):
        desk.split(certificate, "1.00", to=SUPPLIER, document=HASH)
    with refused(desk, "member_not_eligible"):
        desk.endorse(certificate, to=SUPPLIER, document=HASH)


def test_a_receiver_whose_kyc_has_expired_receives_nothing(desk: Desk) -> None:
    certificate = desk.confirmed()
    desk.admit(SUPPLIER, seconds=600)
    desk.scene.pass_time(seconds=601)
    with refused(desk, "member_not_eligible"):
        desk.endorse(certificate, to=SUPPLIER, document=HASH)


# ------------------------------------------------------------- trade documents


@pytest.mark.parametrize("document", [None, NO_HASH])
def test_a_supplier_receives_only_with_a_trade_document(
    shared_desk: Desk, whole: CertificateId, document: str | None
) -> None:
    with refused(shared_desk, "trade_document_missing"):
        shared_desk.split(whole, "1.00", to=SUPPLIER, document=document)
    with refused(shared_desk, "trade_document_missing"):
        shared_desk.endorse(whole, to=SUPPLIER, document=document)


@pytest.mark.parametrize("document", ["no-such-file.pdf", ".", "", "0x12", HASH + "00"])
def test_a_trade_document_that_cannot_be_read_is_refused(
    shared_desk: Desk, whole: CertificateId, document: str
) -> None:
    with refused(shared_desk, "document_unreadable"):
        shared_desk.endorse(whole, to=SUPPLIER, document=document)


def test_a_trade_document_beyond_the_limit_is_refused(shared_desk: Desk, whole: CertificateId) -> None:
    path = shared_desk.write(bytes(DOCUMENT_BYTES_MAX + 1))
    with refused(shared_desk, "document_too_large"):
        shared_desk.endorse(whole, to=SUPPLIER, document=str(path))
