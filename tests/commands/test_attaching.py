"""Attachments from the file to the root on chain, and back to whoever asks for proof."""

from __future__ import annotations

from pathlib import Path

import pytest

from registry.chain.devchain import dev_account
from registry.commands import claims, members
from registry.commands.sending import Done
from registry.documents.attachments import ATTACHMENTS_MAX, Attachment, read_attachment
from registry.documents.commitments import OpenedField, attachment_fields, commit, verify_fields
from registry.domain.receivable import SuspensionReason
from registry.domain.refusals import Refusal
from registry.mirror.reconcile import Report, reconcile
from registry.store.queries import invoices as invoice_queries
from registry.store.queries import receivables as receivable_queries
from tests.commands.desk import Desk, refused
from tests.scene import BUYER, OPERATOR, SELLER


@pytest.fixture
def notes(desk: Desk) -> list[Path]:
    """A delivery note and a photo of its signature."""
    return [desk.write(b"delivered", name="Lieferschein 7.pdf"), desk.write(b"signature", name="签收.jpg")]


def register(desk: Desk, attach: list[Path], *, path: Path | None = None) -> Done:
    done, _ = claims.register(
        desk.services, path or desk.invoice(), signer=dev_account(SELLER), due=None, attach=attach
    )
    return done


def reconciled(desk: Desk) -> Report:
    return reconcile(
        desk.services.database, desk.services.node, contract=desk.services.deployment.receivables, deep=True
    )


def test_attachments_are_kept_with_their_salts_and_stand_in_the_root_on_chain(desk: Desk, notes: list[Path]) -> None:
    done = register(desk, notes)
    with desk.services.database.snapshot() as connection:
        row = receivable_queries.receivable(connection, done.entry.journal_id)
        assert row is not None
        invoice = invoice_queries.invoice_by_root(connection, row.document_root)
        kept = invoice_queries.attachments_by_root(connection, row.document_root)
    assert invoice is not None
    found = [Attachment(one.file_name, one.sha256, one.size_bytes) for one in kept]
    assert found == [read_attachment(path) for path in notes]
    fields = [(name, value) for name, value, _ in invoice.fields] + attachment_fields(found)
    salts = [bytes.fromhex(salt) for _, _, salt in invoice.fields] + [one.salt for one in kept]
    commitment = commit(fields, salts)
    assert commitment.root == row.document_root
    # The delivery note alone, opened for somebody who learns nothing else.
    opened = [
        OpenedField(*fields[position], salts[position], commitment.path(position)) for position in (0, len(fields) - 2)
    ]
    assert verify_fields(row.document_root, opened)
    assert reconciled(desk).differences == []


def test_an_invoice_without_attachments_has_no_rows_of_them(desk: Desk) -> None:
    register(desk, [])
    assert desk.count("invoice_attachment") == 0
    assert reconciled(desk).differences == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE invoice_attachment SET file_name = 'other.pdf' WHERE position = 1",
        "UPDATE invoice_attachment SET sha256 = decode(repeat('00', 32), 'hex') WHERE position = 2",
        "UPDATE invoice_attachment SET size_bytes = 8 WHERE position = 1",
        "UPDATE invoice_attachment SET salt = decode(repeat('00', 32), 'hex') WHERE position = 1",
        "UPDATE invoice_attachment SET salt = decode('00', 'hex') WHERE position = 1",
        "UPDATE invoice_attachment SET position = 3 - position",
        "DELETE FROM invoice_attachment WHERE position = 2",
        "DELETE FROM invoice_attachment",
        (
            "INSERT INTO invoice_attachment SELECT document_root, 3, 'more', sha256, 1, sha256 FROM invoice_attachment"
            " WHERE position = 1"
        ),
    ],
)
def test_deep_reconciliation_finds_every_change_of_an_attachment(desk: Desk, notes: list[Path], change: str) -> None:
    register(desk, notes)
    with desk.services.database.bulk() as connection:
        if "3 - position" in change:
            connection.execute("ALTER TABLE invoice_attachment DROP CONSTRAINT pk_invoice_attachment")
        connection.execute(change)
        if "3 - position" in change:
            connection.execute(
                "ALTER TABLE invoice_attachment ADD CONSTRAINT pk_invoice_attachment"
                " PRIMARY KEY (document_root, position)"
            )
    (difference,) = reconciled(desk).differences
    assert (difference.table, difference.field) == ("invoice", "fields")


def test_a_refused_registration_leaves_no_attachments(desk: Desk, notes: list[Path]) -> None:
    register(desk, notes, path=desk.invoice(number="RE 1"))
    again = desk.invoice(number="RE 1")
    before = desk.count("invoice_attachment")
    with refused(desk, "duplicate", adds="duplicate_attempt"):
        register(desk, notes, path=again)
    assert desk.count("invoice_attachment") == before == 2


def test_a_refusal_by_the_contract_after_the_rows_were_written_takes_them_back(desk: Desk, notes: list[Path]) -> None:
    prepared = claims.prepare(
        desk.services, desk.invoice(), originator=desk.scene.address(SELLER), due=None, attach=notes
    )
    members.suspend(
        desk.services,
        signer=dev_account(OPERATOR),
        member=desk.scene.address(BUYER),
        reason=SuspensionReason.SANCTIONS,
    )
    with pytest.raises(Refusal) as caught:
        claims.submit(desk.services, prepared, signer=dev_account(SELLER))
    assert caught.value.code == "member_not_eligible"
    assert (desk.count("invoice"), desk.count("invoice_attachment")) == (0, 0)


def test_attachments_that_cannot_be_taken_refuse_the_registration(shared_desk: Desk) -> None:
    desk = shared_desk
    note = desk.write(b"delivered", name="note.pdf")
    copy = desk.write(b"delivered", name="copy.pdf")
    many = [desk.write(b"%d" % number, name=f"{number}.txt") for number in range(ATTACHMENTS_MAX + 1)]
    for attach, code in (
        ([note, copy], "attachment_repeated"),
        ([note, desk.folder / "missing.pdf"], "document_unreadable"),
        (many, "attachments_too_many"),
    ):
        path = desk.invoice()
        with refused(desk, code):
            register(desk, attach, path=path)


def test_a_strict_registration_refuses_what_breaks_a_fatal_rule(shared_desk: Desk) -> None:
    path = shared_desk.invoice()  # without lines, addresses and VAT breakdown
    with refused(shared_desk, "rules_broken"):
        claims.register(shared_desk.services, path, signer=dev_account(SELLER), due=None, strict=True)
