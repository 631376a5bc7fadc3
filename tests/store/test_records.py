"""Writes to the business tables: handles, parties, invoices, trade documents, duplicate attempts."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from registry.store import records
from registry.store.database import Connection, Database
from registry.store.queries import banks, documents, invoices, parties, quotes
from registry.store.queries.pages import every
from registry.store.queries.quotes import QuoteState
from registry.store.tables import duplicate_attempt

ROOT = b"\x01" * 32
FINGERPRINT = b"\x02" * 32
ADDRESS = b"\x03" * 20
OTHER = b"\x04" * 20
MINOR_MAX = 2**64 - 1


def save_party(
    connection: Connection, *, address: bytes = ADDRESS, handle: str = "one", name: str = "One", identity: str = "vat:1"
) -> None:
    records.save_party(connection, address=address, handle=handle, name=name, identity=identity)


def save_invoice(connection: Connection, *, root: bytes = ROOT, payable_minor: int = 1) -> None:
    records.save_invoice(
        connection,
        document_root=root,
        fingerprint=FINGERPRINT,
        originator=ADDRESS,
        debtor=OTHER,
        number="RE 1",
        number_key="RE1",
        type_code="380",
        format="ubl",
        issue_date=date(2026, 1, 2),
        due_date=None,
        currency=978,
        payable_minor=payable_minor,
        file_name="re-1.xml",
        file_sha256=bytes(32),
        fields=[("number", "RE 1", b"\xaa" * 32)],
    )


# --------------------------------------------------------------------- handles


@pytest.mark.parametrize(
    ("name", "handle"),
    [
        ("Brandmühl Guss GmbH", "brandmuhl-guss"),
        ("Kovárna Lipník s.r.o.", "kovarna-lipnik"),
        ("Lumen Harbour Trading Pte. Ltd.", "lumen-harbour"),
        ("苏州菱湖电子有限公司", "苏州菱湖电子"),
        ("云岭晨曦汽车股份有限公司", "云岭晨曦汽车"),
        ("GmbH", "party"),
        ("---", "party"),
        ("", "party"),
        ("Operator Ltd", "operator-2"),
        ("Dev7 GmbH", "dev7-2"),
        ("0xCAFE Ltd", "party-0xcafe"),
        ("Ωmega Ελλάς", "mega"),
    ],
)
def test_a_handle_is_the_first_words_of_a_name(database: Database, name: str, handle: str) -> None:
    with database.snapshot() as connection:
        assert records.free_handle(connection, name) == handle
    assert records.is_handle(handle)


def test_a_handle_that_is_taken_gets_a_number(database: Database) -> None:
    with database.write() as connection:
        for number, expected in enumerate(("hafen", "hafen-2", "hafen-3")):
            handle = records.free_handle(connection, "Hafen AG")
            assert handle == expected
            save_party(connection, address=bytes([number]) * 20, handle=handle, identity=f"vat:{number}")


def test_a_handle_stays_short(database: Database) -> None:
    with database.snapshot() as connection:
        handle = records.free_handle(connection, "a" * 400 + " " + "b" * 400)
    assert len(handle) <= records.HANDLE_LETTERS_MAX


@pytest.mark.parametrize("text", ["Operator", "\u043eperator", "d\u0435v0", "dev\uff10", "0Xabc", "hafenb\u0430nk"])
def test_what_only_looks_like_another_name_is_no_handle(text: str) -> None:
    assert not records.is_handle(text)


@pytest.mark.parametrize("text", ["hafenbank", "tier-2.gmbh", "宁波浅湾物流", "фирма", "3m"])
def test_a_handle_may_be_of_any_script(text: str) -> None:
    assert records.is_handle(text)


@pytest.mark.parametrize("text", ["operator", "dev0", "dev12", "0xab", "", "-a", "a b", "a/b", "a\n", "x" * 65])
def test_what_means_somebody_else_or_cannot_be_typed_is_no_handle(text: str) -> None:
    assert not records.is_handle(text)


# --------------------------------------------------------------------- parties


def test_a_party_saved_again_has_the_new_name(database: Database) -> None:
    with database.write() as connection:
        save_party(connection)
        save_party(connection, handle="uno", name="Uno", identity="vat:2")
    with database.snapshot() as connection:
        assert parties.party_by_handle(connection, "one") is None
        found = parties.party_by_address(connection, ADDRESS)
    assert found is not None
    assert (found.handle, found.name, found.identity) == ("uno", "Uno", "vat:2")


@pytest.mark.parametrize("same", [{"handle": "one"}, {"identity": "vat:1"}])
def test_two_parties_have_two_handles_and_identities(database: Database, same: dict[str, str]) -> None:
    with database.write() as connection:
        save_party(connection)
    with pytest.raises(IntegrityError), database.write() as connection:
        save_party(connection, **{"address": OTHER, "handle": "two", "identity": "vat:2", **same})


def test_parties_without_an_identity_do_not_exclude_each_other(database: Database) -> None:
    with database.write() as connection:
        for address, handle in ((ADDRESS, "one"), (OTHER, "two")):
            records.save_party(connection, address=address, handle=handle, name="-", identity=None)


def test_a_forgotten_party_is_gone(database: Database) -> None:
    with database.write() as connection:
        save_party(connection)
        records.forget_party(connection, address=ADDRESS)
        assert parties.party_by_address(connection, ADDRESS) is None


# -------------------------------------------------------------------- invoices


def test_an_invoice_comes_back_with_its_salts_and_its_exact_amount(database: Database) -> None:
    with database.write() as connection:
        save_invoice(connection, payable_minor=MINOR_MAX)
    with database.snapshot() as connection:
        found = invoices.invoice_by_root(connection, ROOT)
    assert found is not None
    assert found.payable_minor == MINOR_MAX
    assert type(found.payable_minor) is int
    assert found.fields == [["number", "RE 1", "aa" * 32]]
    assert found.due_date is None
    assert found.created_at.tzinfo is not None


def test_a_root_has_one_invoice(database: Database) -> None:
    with database.write() as connection:
        save_invoice(connection)
    with pytest.raises(IntegrityError), database.write() as connection:
        save_invoice(connection)


def test_forgetting_one_root_leaves_the_others(database: Database) -> None:
    with database.write() as connection:
        save_invoice(connection)
        save_invoice(connection, root=FINGERPRINT)
        records.forget_invoice(connection, document_root=ROOT)
    with database.snapshot() as connection:
        assert invoices.invoice_by_root(connection, ROOT) is None
        found = invoices.invoice_by_fingerprint(connection, FINGERPRINT)
    assert found is not None
    assert found.document_root == FINGERPRINT


def test_nothing_stays_of_a_transaction_that_failed(database: Database) -> None:
    with database.write() as connection:
        save_invoice(connection)

    def fail_halfway() -> None:
        with database.write() as connection:
            save_invoice(connection, root=FINGERPRINT)
            save_invoice(connection)

    with pytest.raises(IntegrityError):
        fail_halfway()
    with database.snapshot() as connection:
        assert invoices.invoice_by_root(connection, FINGERPRINT) is None


# -------------------------------------------------------------- bank references


def test_the_same_booking_twice_keeps_its_first_text_and_one_hash(database: Database) -> None:
    with database.write() as connection:
        first = records.save_bank_reference(connection, " MT103 Zu\u0308rich 1 ")
        assert records.save_bank_reference(connection, "MT103 Z\u00fcrich 1") == first
        other = records.save_bank_reference(connection, "MT103 2")
        records.forget_bank_reference(connection, reference_hash=other)
    with database.snapshot() as connection:
        found = banks.bank_references(connection, [first, other])
    assert {named: row.text for named, row in found.items()} == {first: "MT103 Zu\u0308rich 1"}


@pytest.mark.parametrize("text", ["", "  ", "a\nb", "a\x00"])
def test_what_is_no_text_is_no_booking(database: Database, text: str) -> None:
    with pytest.raises(ValueError, match="name"), database.write() as connection:
        records.save_bank_reference(connection, text)


# ----------------------------------------------------------------------- quotes

QUOTE = {
    "desk": b"\x09" * 20,
    "financier": ADDRESS,
    "holder": OTHER,
    "receivable_id": 7,
    "start_minor": 0,
    "end_minor": MINOR_MAX,
    "cut_minor": 5,
    "kind": 1,
    "token": b"\x08" * 20,
    "price_minor": MINOR_MAX,
    "amount_minor": 0,
    "anchor": ROOT,
    "nonce": 2**256 - 1,
    "expiry_at": 1_000,
    "signature": b"\x06" * 65,
    "offered_at": datetime(2026, 1, 1, tzinfo=UTC),
}


def test_a_quote_comes_back_as_it_was_signed(database: Database) -> None:
    with database.write() as connection:
        for _ in range(2):  # kept once
            records.save_quote(connection, digest=ROOT, **QUOTE)
    with database.snapshot() as connection:
        (found,) = quotes.quotes(connection, party=OTHER)
    assert {name: getattr(found, name) for name in QUOTE} == QUOTE
    assert (found.digest, str(found.certificate_id)) == (ROOT, f"R-7/0-{MINOR_MAX}")
    assert [found.state(now=now) for now in (1_000, 1_001)] == [QuoteState.OFFERED, QuoteState.EXPIRED]


def test_a_quote_is_sealed(database: Database) -> None:
    stranger = b"\x05" * 20
    with database.write() as connection:
        records.save_quote(connection, digest=ROOT, **QUOTE)
    with database.snapshot() as connection:
        for party, sees in ((ADDRESS, True), (OTHER, True), (stranger, False)):
            assert (quotes.quote(connection, ROOT, party=party) is not None) is sees
            assert bool(list(quotes.quotes(connection, party=party))) is sees
            assert bool(list(quotes.quotes(connection, party=party, receivable_id=7))) is sees


def test_only_its_financier_withdraws_a_quote_and_once(database: Database) -> None:
    with database.write() as connection:
        records.save_quote(connection, digest=ROOT, **QUOTE)
        assert not records.withdraw_quote(connection, digest=ROOT, financier=OTHER)
        assert records.withdraw_quote(connection, digest=ROOT, financier=ADDRESS)
        assert not records.withdraw_quote(connection, digest=ROOT, financier=ADDRESS)
    with database.snapshot() as connection:
        (found,) = quotes.quotes(connection, party=OTHER)
        assert found.state(now=0) is QuoteState.WITHDRAWN
        assert list(quotes.quotes(connection, party=OTHER, open_at=0)) == []


def test_quotes_are_listed_the_newest_first_and_page_by_page(database: Database) -> None:
    with database.write() as connection:
        for number in range(5):
            terms = {**QUOTE, "receivable_id": number % 2, "expiry_at": number}
            records.save_quote(connection, digest=bytes([number]) * 32, **terms)
    with database.snapshot() as connection:
        for limit in (1, 2, 50):
            found = every(
                lambda after: quotes.quotes(connection, party=OTHER, after=after, limit=limit)  # noqa: B023
            )
            assert [row.digest[0] for row in found] == [4, 3, 2, 1, 0]
        assert [row.digest[0] for row in quotes.quotes(connection, party=ADDRESS, receivable_id=1)] == [3, 1]
        assert [row.digest[0] for row in quotes.quotes(connection, party=ADDRESS, open_at=3)] == [4, 3]


# ------------------------------------------------- documents, duplicate attempts


def test_the_same_document_twice_keeps_its_first_name(database: Database) -> None:
    with database.write() as connection:
        for name in ("order.pdf", "copy of order.pdf"):
            records.save_trade_document(connection, document=ROOT, file_name=name, length_bytes=5)
    with database.snapshot() as connection:
        found = documents.trade_document(connection, ROOT)
    assert found is not None
    assert found.file_name == "order.pdf"


def test_every_duplicate_attempt_is_a_row_of_its_own(database: Database) -> None:
    with database.write() as connection:
        for _ in range(2):
            records.save_duplicate_attempt(
                connection,
                fingerprint=FINGERPRINT,
                originator=ADDRESS,
                receivable_id=7,
                code="duplicate",
                file_name="re-1.xml",
            )
        rows = connection.execute(select(duplicate_attempt.c.attempt_id, duplicate_attempt.c.receivable_id)).all()
    assert len({row.attempt_id for row in rows}) == 2
    assert {row.receivable_id for row in rows} == {7}
