"""Batches: a folder, an archive or a table is a stream of documents and refusals, in a fixed order."""

from __future__ import annotations

import os
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from registry.documents import batch as module
from registry.documents.batch import Item, open_batch
from registry.documents.document import Document, hand_in
from registry.documents.tables import TableFormat
from registry.domain.refusals import Refusal

SAMPLES = Path(__file__).resolve().parents[2] / "registry" / "samples"
INVOICES = SAMPLES / "invoices"
UBL, CUT_OFF = INVOICES / "brandmuehl-2026-1041.ubl.xml", INVOICES / "malformed-cut-off.xml"
PART_PAID = INVOICES / "linghu-lh20261102-part-paid.ubl.xml"
HYBRID = SAMPLES / "batch" / "erzgrund-er-77342.pdf"
TABLE = SAMPLES / "batch" / "brandmuehl-offene-posten.csv"
GERMAN = TableFormat(decimal=",", date_format="DD.MM.YYYY", seller="vat:DE999000148")


def opened(path: Path, *, format: TableFormat | None = None, strict: bool = False) -> tuple[int, list[str], list[Item]]:
    with open_batch(path, format=format or TableFormat(), strict=strict) as batch:
        return batch.count, list(batch.ignored), list(batch.items)


def told(items: list[Item]) -> list[tuple[str, str]]:
    """Place and number, or code."""
    return [
        (item.place, item.found.code if isinstance(item.found, Refusal) else item.found.invoice.number)
        for item in items
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    (folder / "b").mkdir(parents=True)
    shutil.copy(UBL, folder / "b" / "good.XML")
    shutil.copy(HYBRID, folder / "c.pdf")
    shutil.copy(CUT_OFF, folder / "a.xml")
    (folder / "note.txt").write_text("x")
    (folder / ".hidden.xml").write_text("x")
    return folder


EXPECTED = [("a.xml", "document_malformed"), ("b/good.XML", "RE 2026/1041"), ("c.pdf", "ER 77342")]


def test_a_folder_gives_its_invoices_by_name_and_tells_what_it_leaves_out(folder: Path) -> None:
    count, ignored, items = opened(folder)
    assert told(items) == EXPECTED
    assert (count, sorted(ignored)) == (3, [".hidden.xml", "note.txt"])


def test_an_archive_gives_what_its_folder_gives(folder: Path, tmp_path: Path) -> None:
    packed = tmp_path / "in.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder))
        archive.writestr("__MACOSX/._a.xml", "x")
    count, ignored, items = opened(packed)
    assert told(items) == EXPECTED
    assert (count, sorted(ignored)) == (3, [".hidden.xml", "__MACOSX/._a.xml", "note.txt"])
    documents = [item.found for item in items if isinstance(item.found, Document)]
    assert documents[0] == replace(hand_in(UBL), name="good.XML")


def test_file_names_that_are_no_text_are_told_as_text(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"M\xfcller")
    folder.mkdir()
    shutil.copy(UBL, folder / os.fsdecode(b"\xe4.xml"))
    shutil.copy(CUT_OFF, folder / os.fsdecode(b"\xff.xml"))
    (folder / os.fsdecode(b"\xfc.txt")).touch()
    _, ignored, items = opened(tmp_path)
    assert (ignored, told(items)) == (
        ["M?ller/?.txt"],
        [("M?ller/?.xml", "RE 2026/1041"), ("M?ller/?.xml", "document_malformed")],
    )
    good = items[0].found
    assert isinstance(good, Document)
    assert good.name == "?.xml"
    assert opened(folder / os.fsdecode(b"\xe4.xml"))[2][0].place == "?.xml"


def test_a_table_gives_its_rows_by_line_and_the_columns_that_are_no_field() -> None:
    count, ignored, items = opened(TABLE, format=GERMAN)
    assert count == len(items) == 7
    assert ignored == ["Sachbearbeiter"]
    assert told(items)[0] == ("line 2", "RE 2026/1041")
    assert told(items)[4] == ("line 7", "amount_malformed")
    first = items[0].found
    assert isinstance(first, Document)
    assert first.name == "brandmuehl-offene-posten.csv line 2"


def test_one_file_is_a_batch_of_one() -> None:
    assert told(opened(HYBRID)[2]) == [("erzgrund-er-77342.pdf", "ER 77342")]
    assert told(opened(CUT_OFF)[2]) == [("malformed-cut-off.xml", "document_malformed")]


def test_who_is_strict_refuses_files_that_break_a_fatal_rule() -> None:
    assert told(opened(PART_PAID)[2]) == [(PART_PAID.name, "LH20261102")]
    assert told(opened(PART_PAID, strict=True)[2]) == [(PART_PAID.name, "rules_broken")]
    assert told(opened(UBL, strict=True)[2]) == [(UBL.name, "RE 2026/1041")]


def test_a_table_that_breaks_off_is_refused_before_its_first_row(tmp_path: Path) -> None:
    broken = tmp_path / "broken.csv"
    broken.write_bytes(TABLE.read_bytes() + b'"an open quote;')
    with pytest.raises(Refusal) as refused, open_batch(broken, format=GERMAN, strict=False) as batch:
        next(batch.items)
    assert refused.value.code == "table_malformed"


def test_an_archive_that_is_a_hazard_is_refused_before_its_first_file(tmp_path: Path) -> None:
    hostile = tmp_path / "hostile.zip"
    with zipfile.ZipFile(hostile, "w") as archive:
        archive.write(UBL, "good.xml")
        archive.writestr("../out.xml", "x")
    with pytest.raises(Refusal) as refused, open_batch(hostile, format=TableFormat(), strict=False) as batch:
        next(batch.items)
    assert refused.value.code == "archive_path_unsafe"


def test_files_of_a_folder_that_are_none_are_left_out_or_refused_alone(folder: Path) -> None:
    os.mkfifo(folder / "pipe.xml")
    (folder / "dangling.xml").symlink_to(folder / "nowhere.xml")
    (folder / "empty.xml").write_bytes(b"")
    assert told(opened(folder)[2]) == [*EXPECTED, ("empty.xml", "document_malformed")]


def test_a_folder_has_a_largest_number_of_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FILES_MAX", 4)
    with pytest.raises(Refusal) as refused:
        opened(folder)
    assert refused.value.code == "batch_too_large"


@pytest.mark.parametrize("name", ["invoices.docx", "invoices", "invoices.xlsx", "missing.tar.gz"])
def test_other_kinds_of_files_are_unsupported(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(Refusal) as refused:
        opened(tmp_path / name)
    assert refused.value.code == "batch_unsupported"


@pytest.mark.parametrize("name", ["missing.xml", "missing.zip", "missing.csv"])
def test_what_is_not_there_is_unreadable(tmp_path: Path, name: str) -> None:
    try:
        ((_, code),) = told(opened(tmp_path / name)[2])
    except Refusal as refusal:
        code = refusal.code
    assert code == "document_unreadable"


def test_an_invoice_is_handed_in_with_its_attachments(tmp_path: Path) -> None:
    (tmp_path / "note.pdf").write_bytes(b"signed")
    document = hand_in(UBL, attach=[tmp_path / "note.pdf"], strict=True)
    assert document.name == UBL.name
    assert [attachment.name for attachment in document.attachments] == ["note.pdf"]
