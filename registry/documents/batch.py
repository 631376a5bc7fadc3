"""Many invoices at once: a folder, a ZIP archive or a table becomes a stream of documents and refusals.

What makes the whole a hazard or a guess is refused before the first document is given; what is wrong with one document
is that document's refusal, and the next one follows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from registry.documents.archive import open_archive
from registry.documents.attachments import file_name, path_text
from registry.documents.document import Document, document_of
from registry.documents.errors import DocumentUnreadable
from registry.documents.reading import INVOICE_SUFFIXES, read_document
from registry.documents.tables import Row, TableFormat, open_table
from registry.domain.refusals import Refusal

FILES_MAX: Final = 100_000
"""Most files of one folder, whatever they are."""

_TABLE_SUFFIXES: Final = frozenset({".csv", ".tsv", ".txt"})
_ARCHIVE_SUFFIX: Final = ".zip"
BATCH_SUFFIXES: Final = _TABLE_SUFFIXES | {_ARCHIVE_SUFFIX}
"""How files of several invoices end, in lower case."""


class BatchUnsupported(Refusal):
    code: ClassVar[str] = "batch_unsupported"
    status: ClassVar[int] = 415
    title: ClassVar[str] = "That holds no invoices that are read here"
    default_hint: ClassVar[str] = (
        "A folder or a .zip of .xml and .pdf files, a .csv or .tsv table, or one invoice file."
    )


class BatchTooLarge(Refusal):
    code: ClassVar[str] = "batch_too_large"
    status: ClassVar[int] = 413
    title: ClassVar[str] = "The folder holds too many files"
    default_hint: ClassVar[str] = f"At most {FILES_MAX}; import its folders one by one."


@dataclass(frozen=True, slots=True)
class Item:
    """One invoice of a batch: where it stands (a file's name, the line of a table), and what it is."""

    place: str
    found: Document | Refusal


@dataclass(frozen=True, slots=True)
class Batch:
    """An open batch of `count` invoices. `ignored` are the files, or the columns, that are none of our fields."""

    count: int
    ignored: tuple[str, ...]
    items: Iterator[Item]


@contextmanager
def open_batch(path: Path, *, format: TableFormat, strict: bool) -> Iterator[Batch]:
    """The invoices below a path; with `strict` files that break a fatal rule of EN 16931 are refused.

    A table is read twice: as a table before the first row is given, so that a broken one is refused as a whole.
    Refuses: batch_unsupported, batch_too_large, document_unreadable, and what open_archive and open_table refuse.
    """
    suffix = path.suffix.lower()
    if path.is_dir():
        yield _folder(path, strict=strict)
    elif suffix == _ARCHIVE_SUFFIX:
        with open_archive(path) as archive:
            yield _files(archive.names, archive.read, strict=strict)
    elif suffix in _TABLE_SUFFIXES:
        with open_table(path, format) as table:
            count = sum(1 for _ in table.cells())
        with open_table(path, format) as table:
            yield Batch(count, table.unused, (_row(path, row) for row in table.rows()))
    elif suffix in INVOICE_SUFFIXES:
        yield _files([path.name], lambda _: read_document(path), strict=strict)
    else:
        raise BatchUnsupported(f"{path.name} is neither a folder nor a kind of file that is read here")


def _folder(folder: Path, *, strict: bool) -> Batch:
    names: list[str] = []
    try:
        for path in folder.rglob("*"):
            if path.is_file():
                names.append(str(path.relative_to(folder)))
            if len(names) > FILES_MAX:
                raise BatchTooLarge(f"{folder.name} holds more than {FILES_MAX} files")
    except OSError as error:
        raise DocumentUnreadable(f"{folder.name} cannot be read: {error.strerror}") from error
    return _files(sorted(names), lambda name: read_document(folder / name), strict=strict)


def _files(names: Iterable[str], read: Callable[[str], bytes], *, strict: bool) -> Batch:
    """Files by their names; hidden ones and those of other kinds are ignored."""
    invoices: list[str] = []
    ignored: list[str] = []
    for name in names:
        hidden = any(part.startswith((".", "__MACOSX")) for part in name.split("/"))
        is_invoice = not hidden and Path(name).suffix.lower() in INVOICE_SUFFIXES
        (invoices if is_invoice else ignored).append(name)

    def item(name: str) -> Item:
        place = path_text(name)
        try:
            return Item(place, document_of(read(name), name=file_name(Path(name)), strict=strict))
        except Refusal as refusal:
            return Item(place, refusal)

    return Batch(len(invoices), tuple(map(path_text, ignored)), (item(name) for name in invoices))


def _row(path: Path, row: Row) -> Item:
    place = f"line {row.line}"
    if isinstance(row.invoice, Refusal):
        return Item(place, row.invoice)
    return Item(place, Document(f"{file_name(path)} {place}", row.document, row.invoice))
