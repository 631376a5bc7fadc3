"""Every query against a mirrored scene: what it returns is what the fold says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from registry.domain.journal import Sold
from registry.domain.receivable import MemberStatus, Phase, Role, Status
from registry.mirror.follower import Follower
from registry.store.database import Database
from registry.store.queries import (
    certificates,
    documents,
    entries,
    health,
    invoices,
    members,
    parties,
    quotes,
    receivables,
)
from registry.store.queries.pages import PAGE_ROWS_MAX, every
from registry.store.queries.quotes import QuoteState
from registry.store.tables import invoice, party, trade_document
from tests.quoting import save_quote
from tests.scene import BANK, BUYER, DOCUMENT, SELLER, SUPPLIER, Scene


def mirror(scene: Scene, database: Database) -> None:
    Follower(
        database,
        scene.node,
        contract=scene.deployment.receivables,
        first_block=scene.deployment.block_number,
        owns_chain=True,
    ).catch_up()


def test_an_empty_database_answers_every_query(database: Database) -> None:
    with database.snapshot() as connection:
        assert health.cursor(connection) is None
        assert health.last_reconciliation(connection) is None
        assert health.counts(connection).entries == 0
        assert receivables.receivable(connection, 1) is None
        assert certificates.certificate(connection, 1, 0) is None
        assert members.member(connection, bytes(20)) is None
        assert entries.stored_entries(connection, 1) == []
        assert parties.party_by_handle(connection, "nobody") is None
        assert parties.party_by_identity(connection, "nobody") is None
        assert invoices.invoice_by_root(connection, bytes(32)) is None
        assert documents.trade_document(connection, bytes(32)) is None


def test_the_comparison_that_stands_is_found_without_reading_the_others(database: Database) -> None:
    with database.bulk() as raw:
        raw.execute(
            "INSERT INTO reconciliation (block_number, block_hash, deep, compared, differences)"
            " SELECT number, '', number % 100 = 0, 1, '[]' FROM generate_series(1, 5000) AS number"
        )
    with database.bulk() as raw:
        raw.execute("ANALYZE reconciliation")
    with database.snapshot() as connection:
        standing = health.last_reconciliation(connection)
        read = connection.exec_driver_sql(
            "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'reconciliation'"
        ).scalar_one()
    assert standing is not None
    assert (standing.block_number, standing.deep) == (5000, True)
    assert read <= 4


def test_a_receivable_and_its_certificates(scene: Scene, database: Database) -> None:
    number = scene.confirmed(face=100_000)
    scene.split(number, start=0, cut=60_000, to=SUPPLIER)
    scene.endorse(number, start=60_000, to=BANK, person=SUPPLIER)
    mirror(scene, database)
    with database.snapshot() as connection:
        row = receivables.receivable(connection, number)
        assert row is not None
        assert (row.status, row.face_minor, row.length) == (Status.CONFIRMED, 100_000, 4)
        assert row.head == scene.view.heads([number])[number]
        assert row.phase(now=row.due_at - 1) is Phase.LIVE
        assert row.phase(now=row.due_at) is Phase.DUE
        parts = certificates.certificates_of(connection, number)
        assert [str(part.id) for part in parts] == [f"R-{number}/0-60000", f"R-{number}/60000-100000"]
        assert [part.holder for part in parts] == [scene.address(SELLER), scene.address(BANK)]
        assert certificates.certificate(connection, number, 60_000) == parts.rows[1]
        held = certificates.certificates(connection, holder=scene.address(BANK))
        assert held.rows == parts.rows[1:]
        stored = entries.stored_entries(connection, number)
        assert [type(row.decode()).__name__ for row in stored] == ["Registered", "Confirmed", "Split", "Endorsed"]
        assert entries.entries(connection, number, after=2).rows == tuple(stored[2:])


def test_pages_give_every_row_once_and_in_order(scene: Scene, database: Database) -> None:
    for _ in range(5):
        scene.confirmed()
    scene.refuse(scene.register())
    scene.register()
    mirror(scene, database)
    with database.snapshot() as connection:
        for size in (1, 2, 3, 50):
            found = list(every(lambda after: receivables.receivables(connection, after=after, limit=size)))  # noqa: B023
            assert [row.receivable_id for row in found] == [1, 2, 3, 4, 5, 6, 7]
            parts = list(every(lambda after: certificates.certificates(connection, after=after, limit=size)))  # noqa: B023
            assert [row.receivable_id for row in parts] == [1, 2, 3, 4, 5]
            people = list(every(lambda after: members.members(connection, after=after, limit=size)))  # noqa: B023
            assert [row.address for row in people] == sorted(
                scene.address(person) for person in (SELLER, BUYER, SUPPLIER, BANK)
            )
        assert [row.receivable_id for row in receivables.pending(connection, scene.address(BUYER))] == [7]
        assert len(receivables.receivables(connection, status=Status.REFUSED)) == 1
        assert len(receivables.receivables(connection, originator=scene.address(BANK))) == 0
        counted = health.counts(connection)
        assert counted.receivables_by_status == {Status.REGISTERED: 1, Status.CONFIRMED: 5, Status.REFUSED: 1}
        assert (counted.certificates, counted.members) == (5, 4)
        assert counted.entries == sum(len(scene.journal(number)) for number in range(8))


def test_a_page_has_a_limit(database: Database) -> None:
    with database.snapshot() as connection:
        for limit in (0, PAGE_ROWS_MAX + 1):
            with pytest.raises(ValueError, match="1 to 500"):
                receivables.receivables(connection, limit=limit)


def test_due_windows_agree_with_the_rule_of_phases(scene: Scene, database: Database) -> None:
    for days in (1, 2, 3):
        scene.confirm(scene.register(scene.claim(days=days)))
    mirror(scene, database)
    with database.snapshot() as connection:
        rows = receivables.receivables(connection).rows
        day = 86_400
        for now in (rows[0].due_at - 1, rows[0].due_at, rows[1].due_at + 5, rows[2].due_at + day):
            overdue = receivables.receivables(connection, status=Status.CONFIRMED, due_before=now - day + 1)
            assert list(overdue) == [row for row in rows if row.phase(now=now) is Phase.OVERDUE]
            live = receivables.receivables(connection, status=Status.CONFIRMED, due_from=now + 1)
            assert list(live) == [row for row in rows if row.phase(now=now) is Phase.LIVE]


def test_a_phase_is_found_where_the_rule_says_that_a_receivable_is_in_it(scene: Scene, database: Database) -> None:
    for days in (1, 2, 3):
        scene.confirm(scene.register(scene.claim(days=days)))
    scene.refuse(scene.register())
    scene.register()
    mirror(scene, database)
    with database.snapshot() as connection:
        rows = receivables.receivables(connection).rows
        day = 86_400
        for now in (rows[0].due_at + offset for offset in (-1, 0, 1, day - 1, day, 2 * day, 9 * day)):
            found = {phase: list(receivables.receivables(connection, phase_at=(phase, now))) for phase in Phase}
            assert found == {phase: [row for row in rows if row.phase(now=now) is phase] for phase in Phase}


def test_certificates_are_found_by_the_terms_of_their_receivables(scene: Scene, database: Database) -> None:
    euros, yen = (scene.register(replace(scene.claim(), currency=currency)) for currency in (978, 392))
    scene.confirm(euros)
    scene.confirm(yen)
    scene.split(yen, start=0, cut=1, to=SUPPLIER)
    mirror(scene, database)
    with database.snapshot() as connection:
        due = certificates.certificates(connection).rows[0].due_at
        for sought, numbers in (
            ({"currency": 392}, [yen, yen]),
            ({"currency": 978, "debtor": scene.address(BUYER)}, [euros]),
            ({"currency": 978, "originator": scene.address(SUPPLIER)}, []),
            ({"due_from": due, "due_before": due + 1}, [euros, yen, yen]),
            ({"due_before": due}, []),
            ({"phase_at": (Phase.OVERDUE, due + 86_400)}, [euros, yen, yen]),
        ):
            assert [part.receivable_id for part in certificates.certificates(connection, **sought)] == numbers


def test_a_quote_is_accepted_once_the_mirror_has_its_sale_and_no_longer_after_a_reorg(
    scene: Scene, database: Database
) -> None:
    number = scene.confirmed()
    taken, other = scene.quote(number, price=90_000), scene.quote(number, price=1)
    with database.write() as connection:
        digests = [save_quote(connection, offered) for offered in (taken, other)]
    mirror(scene, database)
    holder = scene.address(SELLER)

    def states() -> list[QuoteState]:
        with database.snapshot() as connection:
            rows = [quotes.quote(connection, digest, party=holder) for digest in digests]
            open_ = {row.digest for row in quotes.quotes(connection, party=holder, open_at=scene.now)}
        found = [row.state(now=scene.now) for row in rows if row is not None]
        assert open_ == {digest for digest, state in zip(digests, found, strict=True) if state is QuoteState.OFFERED}
        return found

    assert states() == [QuoteState.OFFERED, QuoteState.OFFERED]
    scene.accept(taken)
    mirror(scene, database)
    assert states() == [QuoteState.ACCEPTED, QuoteState.OFFERED]
    with database.snapshot() as connection:
        row = quotes.quote(connection, digests[0], party=scene.address(BANK))
        assert row is not None
        assert isinstance(scene.journal(number)[(row.accepted_position or 0) - 1], Sold)
    scene.reorg(depth=1)
    scene.mine(1)
    mirror(scene, database)
    assert states() == [QuoteState.OFFERED, QuoteState.OFFERED]


def test_members_carry_the_name_of_their_party(scene: Scene, database: Database) -> None:
    scene.suspend(SUPPLIER)
    mirror(scene, database)
    with database.write() as connection:
        connection.execute(
            party.insert().values(address=scene.address(BANK), handle="bank", name="Bank 银行", identity="LEI:1")
        )
    with database.snapshot() as connection:
        bank = members.member(connection, scene.address(BANK))
        assert bank is not None
        assert (bank.handle, bank.name, bank.roles) == ("bank", "Bank 银行", Role.FINANCIER)
        assert bank.is_eligible(now=scene.now)
        supplier = members.member(connection, scene.address(SUPPLIER))
        assert supplier is not None
        assert (supplier.name, supplier.status) == (None, MemberStatus.SUSPENDED)
        assert not supplier.is_eligible(now=scene.now)
        (row,) = parties.parties(connection)
        assert row == parties.party_by_handle(connection, "bank")
        assert row == parties.party_by_identity(connection, "LEI:1")
        assert row == parties.party_by_address(connection, scene.address(BANK))


def test_the_newest_invoice_of_a_fingerprint_is_found(database: Database) -> None:
    values = {
        "fingerprint": b"\x01" * 32,
        "originator": bytes(20),
        "debtor": bytes(20),
        "number": "INV-1",
        "number_key": "INV1",
        "type_code": "380",
        "format": "ubl",
        "issue_date": "2026-01-01",
        "currency": 978,
        "payable_minor": 2**64 - 1,
        "file_name": "invoice.xml",
        "file_sha256": bytes(32),
        "fields": [["number", "INV-1", "00"]],
    }
    for root, created in ((b"\x0b" * 32, "2026-01-02T00:00:00Z"), (b"\x0a" * 32, "2026-01-01T00:00:00Z")):
        with database.write() as connection:
            connection.execute(invoice.insert().values(**values, document_root=root, created_at=created))
    with database.snapshot() as connection:
        newest = invoices.invoice_by_fingerprint(connection, b"\x01" * 32)
        assert newest is not None
        assert newest.document_root == b"\x0b" * 32
        assert newest.payable_minor == 2**64 - 1
        assert newest == invoices.invoice_by_root(connection, b"\x0b" * 32)


def test_a_trade_document_has_its_name(database: Database) -> None:
    with database.write() as connection:
        connection.execute(trade_document.insert().values(document=DOCUMENT, file_name="contract.pdf", bytes=7))
    with database.snapshot() as connection:
        found = documents.trade_document(connection, DOCUMENT)
        assert found is not None
        assert (found.file_name, found.bytes) == ("contract.pdf", 7)


def test_the_largest_amount_comes_back_exactly(scene: Scene, database: Database) -> None:
    face = 2**64 - 1
    number = scene.confirmed(face=face)
    scene.split(number, start=0, cut=face - 1, to=SUPPLIER)
    mirror(scene, database)
    with database.snapshot() as connection:
        row = receivables.receivable(connection, number)
        assert row is not None
        assert row.face_minor == face
        tail = certificates.certificate(connection, number, face - 1)
        assert tail is not None
        assert (tail.end_minor, tail.amount_minor) == (face, 1)
        (page,) = [certificates.certificates_of(connection, number, after=face - 2)]
        assert page.rows == (tail,)
