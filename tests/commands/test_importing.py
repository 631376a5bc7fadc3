"""Importing a batch: good rows go on, bad ones are told, and a batch that ended anywhere is run again."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from registry.chain.devchain import dev_account
from registry.chain.rpc import NodeUnreachable, Receipt
from registry.commands import claims, importing, sending
from registry.commands.importing import Imported, Outcome
from registry.commands.services import master_key
from registry.documents.batch import open_batch
from registry.documents.fingerprint import fingerprint
from registry.documents.tables import TableFormat
from registry.domain.receivable import RefusalReason
from registry.domain.refusals import Refusal
from registry.mirror.reconcile import reconcile
from registry.store.queries import invoices as invoice_queries
from tests.commands.desk import Desk, changes
from tests.scene import BUYER, SELLER, STRANGER

HEADER = "number;issue_date;due_date;currency;payable;buyer_vat;buyer_name"


def table(desk: Desk, *rows: str) -> Path:
    """Rows of "number" or "number;payable[;due[;buyer]]", else as good ones are."""
    lines = [HEADER]
    for row in rows:
        number, payable, due, buyer = [*row.split(";"), "", "", ""][:4]
        day = due or str(desk.due)
        lines.append(f"{number};2026-10-12;{day};EUR;{payable or '1000.00'};{buyer or 'DE999000017'};Falkenrath")
    return desk.write("\n".join(lines).encode(), name=f"table-{next(desk._numbers)}.csv")


def run(desk: Desk, path: Path, *, person: int = SELLER, dry_run: bool = False) -> list[Imported]:
    return list(streamed(desk, path, person=person, dry_run=dry_run))


def streamed(desk: Desk, path: Path, *, person: int = SELLER, dry_run: bool = False) -> Iterator[Imported]:
    originator = desk.scene.address(person)
    seller, name = importing.seller_of_rows(desk.services, originator)
    format = TableFormat(seller=seller or "vat:DE1", seller_name=name)
    with open_batch(path, format=format, strict=False) as batch:
        if dry_run:
            yield from importing.rehearse_all(desk.services, batch.items, originator=originator)
        else:
            yield from importing.register_all(desk.services, batch.items, signer=dev_account(person))


def told(done: list[Imported]) -> list[tuple[str, str]]:
    return [(one.outcome, one.refusal.code if one.refusal else f"R-{one.receivable_id}") for one in done]


def reconciled(desk: Desk) -> bool:
    report = reconcile(
        desk.services.database, desk.services.node, contract=desk.services.deployment.receivables, deep=True
    )
    return report.differences == []


MIXED = ("RE 1", "RE 2;12,50", "RE 3;-1.00", "RE 4;;2020-01-01", "RE 5;;;DE1", "RE 6;0.01")
MIXED_TOLD = [
    ("registered", "R-1"),
    ("refused", "amount_malformed"),
    ("refused", "payable_not_positive"),
    ("refused", "due_date_passed"),
    ("refused", "party_unknown"),
    ("registered", "R-2"),
]


def test_good_rows_go_on_and_each_bad_one_is_told_with_its_line_and_code(desk: Desk) -> None:
    done = run(desk, table(desk, *MIXED))
    assert told(done) == MIXED_TOLD
    assert [one.place for one in done] == [f"line {number}" for number in range(2, 8)]
    assert str(done[-1].money) == "0.01 EUR"
    assert desk.services.view.count() == 2
    assert desk.count("invoice") == desk.count("receivable") == 2
    assert reconciled(desk)


def test_a_dry_run_tells_the_same_and_changes_nothing(desk: Desk) -> None:
    path = table(desk, *MIXED, "RE 1")
    before = desk.state()
    rehearsed = run(desk, path, dry_run=True)
    assert changes(before, desk.state()) == set()
    expected = [("acceptable", "R-None") if end == "registered" else (end, code) for end, code in MIXED_TOLD]
    assert told(rehearsed) == [*expected, ("duplicate", "duplicate")]
    assert "line 2" in (rehearsed[-1].refusal or Refusal()).detail


def test_the_gas_of_each_registration_is_told_before_and_after(desk: Desk) -> None:
    path = table(desk, "RE 1", "RE 2;-1.00")
    (rehearsed, bad), (done, _) = run(desk, path, dry_run=True), run(desk, path)
    assert bad.gas is None
    assert rehearsed.gas is not None
    assert done.gas is not None
    assert abs(done.gas - rehearsed.gas) < 1_000  # salts are drawn anew, and zero bytes are cheaper


def test_file_names_that_are_no_text_end_no_batch(desk: Desk) -> None:
    folder = desk.folder / "in"
    folder.mkdir()
    for name in (b"M\xe4ller.xml", b"M\xfcller.xml"):
        desk.invoice(number="RE 1").rename(folder / os.fsdecode(name))
    desk.invoice(number="RE 2").rename(folder / "z.xml")
    rehearsed = run(desk, folder, dry_run=True)
    assert [one.outcome for one in rehearsed] == ["acceptable", "duplicate", "acceptable"]
    done = run(desk, folder)
    assert [(one.place, one.outcome) for one in done] == [
        ("M?ller.xml", "registered"),
        ("M?ller.xml", "duplicate"),
        ("z.xml", "registered"),
    ]


def test_a_batch_run_again_finds_duplicates_registers_nothing_twice_and_records_no_attempt(desk: Desk) -> None:
    path = table(desk, *MIXED)
    run(desk, path)
    before = desk.state()
    again = run(desk, path)
    assert changes(before, desk.state()) == set()
    expected = [("duplicate", "duplicate") if end == "registered" else (end, code) for end, code in MIXED_TOLD]
    assert told(again) == expected
    assert [one.receivable_id for one in again if one.outcome is Outcome.DUPLICATE] == [1, 2]


def test_another_document_of_the_same_claim_is_a_duplicate_and_an_attempt(desk: Desk) -> None:
    desk.register(desk.invoice(number="RE 1"))
    (row,) = run(desk, table(desk, "RE 1"))
    assert told([row]) == [("duplicate", "duplicate")]
    assert row.receivable_id == 1
    assert desk.count("duplicate_attempt") == 1
    (other,) = run(desk, table(desk, "RE 1;1000.01"))
    assert told([other]) == [("refused", "duplicate_with_other_amount")]
    assert desk.count("duplicate_attempt") == 2


def test_a_claim_that_stands_in_a_batch_twice_is_registered_once(desk: Desk) -> None:
    done = run(desk, table(desk, "RE 1", "RE 2", "re 1", "RE 1;7.00", "RE 2"))
    assert told(done) == [
        ("registered", "R-1"),
        ("registered", "R-2"),
        ("duplicate", "duplicate"),
        ("refused", "duplicate_with_other_amount"),
        ("duplicate", "duplicate"),
    ]
    assert [one.receivable_id for one in done] == [1, 2, 1, 1, 2]
    # The last row is the second one again, word for word: no other document wants the same claim.
    assert desk.count("duplicate_attempt") == 2
    assert reconciled(desk)


def test_a_refused_claim_can_be_imported_again(desk: Desk) -> None:
    path = table(desk, "RE 1")
    run(desk, path)
    claims.refuse(desk.services, signer=dev_account(BUYER), receivable_id=1, reason=RefusalReason.WRONG_AMOUNT)
    assert told(run(desk, path)) == [("registered", "R-2")]


def test_a_row_keeps_what_its_root_commits_to(desk: Desk) -> None:
    (done,) = run(desk, table(desk, "RE 1"))
    assert done.invoice is not None
    with desk.services.database.snapshot() as connection:
        kept = invoice_queries.invoice_by_fingerprint(
            connection, fingerprint(done.invoice, master_key(desk.services.home))
        )
    assert kept is not None
    assert (kept.format, kept.number) == ("csv", "RE 1")
    assert kept.file_name.endswith("csv line 2")
    assert reconciled(desk)


def test_a_folder_and_its_archive_are_one_batch(desk: Desk, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for number in ("RE 1", "RE 2"):
        desk.invoice(number=number).rename(folder / f"{number}.xml")
    (folder / "broken.xml").write_bytes(b"<")
    packed = tmp_path / "in.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for path in sorted(folder.iterdir()):
            archive.write(path, path.name)
    assert told(run(desk, folder)) == [("registered", "R-1"), ("registered", "R-2"), ("refused", "document_malformed")]
    assert told(run(desk, packed)) == [
        ("duplicate", "duplicate"),
        ("duplicate", "duplicate"),
        ("refused", "document_malformed"),
    ]
    assert desk.count("duplicate_attempt") == 0


def test_who_may_not_register_is_refused_row_by_row(desk: Desk) -> None:
    done = run(desk, table(desk, "RE 1", "RE 2"), person=STRANGER)
    assert told(done) == [("refused", "not_the_seller")] * 2
    assert desk.services.view.count() == 0


def test_the_seller_of_rows_is_whoever_registers_if_its_identity_stands_for_itself(desk: Desk) -> None:
    assert importing.seller_of_rows(desk.services, desk.scene.address(SELLER)) == (
        "vat:DE999000148",
        "Brandmühl Guss GmbH",
    )
    assert importing.seller_of_rows(desk.services, desk.scene.address(STRANGER)) == (None, "")


# ------------------------------------------------- what goes wrong on its own


def test_a_failing_service_ends_the_batch_and_the_next_run_goes_on(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    path = table(desk, "RE 1", "RE 2", "RE 3")
    sent = sending.send
    count = 0

    def failing(*arguments: object, **named: object) -> Receipt:
        nonlocal count
        count += 1
        if count == 2:
            raise NodeUnreachable("gone")
        return sent(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(sending, "send", failing)
    rows = streamed(desk, path)
    assert told([next(rows)]) == [("registered", "R-1")]
    with pytest.raises(NodeUnreachable):
        next(rows)
    monkeypatch.undo()
    assert told(run(desk, path)) == [("duplicate", "duplicate"), ("registered", "R-2"), ("registered", "R-3")]
    assert reconciled(desk)


def test_a_batch_that_is_left_in_the_middle_has_done_what_it_told(desk: Desk) -> None:
    path = table(desk, "RE 1", "RE 2", "RE 3")
    rows = streamed(desk, path)
    assert told([next(rows)]) == [("registered", "R-1")]
    rows.close()  # type: ignore[attr-defined]  # it is a generator
    assert desk.services.postponed_block is None
    assert desk.services.view.count() == 1
    assert told(run(desk, path)) == [("duplicate", "duplicate"), ("registered", "R-2"), ("registered", "R-3")]
    assert reconciled(desk)


def test_the_mirror_is_waited_for_in_between_and_at_the_end(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "MIRRORED_TOGETHER", 2)
    path = table(desk, "RE 1", "RE 2", "RE 3", "RE 4", "RE 5")
    assert [desk.count("receivable") for _ in streamed(desk, path)] == [0, 0, 2, 2, 4]
    assert desk.count("receivable") == 5


def test_a_due_date_is_the_rows_own(desk: Desk) -> None:
    (done,) = run(desk, table(desk, f"RE 1;;{desk.due}"))
    assert done.due == desk.due
    assert isinstance(done.due, date)
