"""ZIP archives of invoices: refused by name before memory is spent, read entry by entry, never unpacked to disk.

What an archive declares is checked first, all of it; while an entry is read, it is held to what it declared.
"""

from __future__ import annotations

import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import IO, ClassVar, Final

from registry.documents.errors import DocumentUnreadable
from registry.documents.pdf import PDF_BYTES_MAX
from registry.domain.refusals import Refusal

ARCHIVE_BYTES_MAX: Final = 512 * 1024 * 1024
"""Largest archive, in bytes."""

ENTRIES_MAX: Final = 10_000
"""Most entries, folders and ignored files among them."""

DIRECTORY_BYTES_MAX: Final = 4 * 1024 * 1024
"""Largest central directory, in bytes: 400 for an entry. It is read as a whole, so it is measured before."""

UNPACKED_BYTES_MAX: Final = 1024 * 1024 * 1024
"""Largest sum of the unpacked sizes, in bytes."""

RATIO_MAX: Final = 500
"""Most unpacked bytes for one packed byte, over the whole archive and in each entry above RATIO_FROM_BYTES. Invoices
have 5 to 50; deflate can reach 1,032."""

RATIO_FROM_BYTES: Final = 1024 * 1024

ARCHIVE_SUFFIXES: Final = frozenset(
    {".zip", ".7z", ".rar", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".jar", ".cab", ".lz", ".lzma"}
)

_END: Final = b"PK\x05\x06"
_END_BYTES: Final = 22
_COMMENT_BYTES_MAX: Final = 65_535
_LOCATOR_64: Final = b"PK\x06\x07"
_LOCATOR_64_BYTES: Final = 20
_LOCAL_HEADER_BYTES: Final = 30
_ENCRYPTED: Final = 0x1


class ArchiveMalformed(Refusal):
    code: ClassVar[str] = "archive_malformed"
    title: ClassVar[str] = "The archive cannot be read"
    default_hint: ClassVar[str] = "Pack it again as a plain ZIP (stored or deflated)."


class ArchiveTooLarge(Refusal):
    code: ClassVar[str] = "archive_too_large"
    status: ClassVar[int] = 413
    title: ClassVar[str] = "The archive is too large, packed or unpacked"
    default_hint: ClassVar[str] = f"At most {ENTRIES_MAX} entries and {UNPACKED_BYTES_MAX >> 20} MiB; pack several."


class ArchiveEncrypted(Refusal):
    code: ClassVar[str] = "archive_encrypted"
    title: ClassVar[str] = "The archive is encrypted"
    default_hint: ClassVar[str] = "Pack it without a password."


class ArchiveNested(Refusal):
    code: ClassVar[str] = "archive_nested"
    title: ClassVar[str] = "The archive holds another archive"
    default_hint: ClassVar[str] = "Unpack the inner archive, and pack its files beside the others."


class ArchivePathUnsafe(Refusal):
    code: ClassVar[str] = "archive_path_unsafe"
    title: ClassVar[str] = "A name in the archive leads out of it"
    default_hint: ClassVar[str] = "Pack files under relative names without `..`, drive letters or backslashes."


class ArchiveNameRepeated(Refusal):
    code: ClassVar[str] = "archive_name_repeated"
    title: ClassVar[str] = "Two entries of the archive have one name"
    default_hint: ClassVar[str] = "Names that differ only in case or accents count as one: rename one of them."


@dataclass(frozen=True, slots=True)
class Archive:
    """An archive whose declarations are within the limits. `names` are those of its files, in the order of packing."""

    names: tuple[str, ...]
    _zip: zipfile.ZipFile

    def read(self, name: str) -> bytes:
        """Bytes of one file, at most one more than PDF_BYTES_MAX. Refuses: archive_malformed."""
        try:
            with self._zip.open(name) as entry:
                return entry.read(PDF_BYTES_MAX + 1)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError) as error:
            raise ArchiveMalformed(f"{name} is damaged in the archive") from error


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """A ZIP archive, checked as a whole.

    Refuses: document_unreadable, archive_malformed, archive_too_large, archive_encrypted, archive_nested,
    archive_path_unsafe, archive_name_repeated.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise DocumentUnreadable(f"{path.name} is not a regular file")
        file = path.open("rb")
    except (OSError, ValueError) as error:
        raise DocumentUnreadable(f"{path.name} cannot be read") from error
    with file:
        _require_small_directory(file)
        try:
            archive = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, struct.error) as error:
            raise ArchiveMalformed(f"{path.name} is not a ZIP archive") from error
        with archive:
            entries = archive.infolist()
            _require_sizes(entries)
            _require_names(entries)
            _require_apart(entries, end=archive.start_dir)
            yield Archive(tuple(entry.filename for entry in entries if not entry.is_dir()), archive)


def _require_small_directory(file: IO[bytes]) -> None:
    """Pass if the file ends as a ZIP does, and its directory is small enough to be read into memory."""
    size_bytes = file.seek(0, 2)
    if size_bytes > ARCHIVE_BYTES_MAX:
        raise ArchiveTooLarge(f"the archive has {size_bytes} bytes; at most {ARCHIVE_BYTES_MAX} are read")
    file.seek(max(0, size_bytes - _END_BYTES - _COMMENT_BYTES_MAX - _LOCATOR_64_BYTES))
    tail = file.read()
    # As zipfile looks for it: at the very end, else the last one that may begin a comment.
    at = len(tail) - _END_BYTES
    if at < 0 or tail[at : at + 4] != _END or tail[-2:] != b"\0\0":
        at = tail.rfind(_END, max(0, len(tail) - _END_BYTES - _COMMENT_BYTES_MAX))
    if at < 0 or len(tail) < at + _END_BYTES:
        raise ArchiveMalformed("the file does not end as a ZIP archive does")
    if tail[max(0, at - _LOCATOR_64_BYTES) : at].startswith(_LOCATOR_64):
        raise ArchiveTooLarge("the archive is of the kind for more than 4 GiB or 65,535 entries (ZIP64)")
    entries, directory_bytes = struct.unpack_from("<HI", tail, at + 10)
    if entries > ENTRIES_MAX or directory_bytes > DIRECTORY_BYTES_MAX:
        raise ArchiveTooLarge(f"the archive declares {entries} entries in {directory_bytes} bytes")


def _require_sizes(entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > ENTRIES_MAX:
        raise ArchiveTooLarge(f"the archive has {len(entries)} entries; at most {ENTRIES_MAX} are read")
    packed = unpacked = 0
    for entry in entries:
        if entry.flag_bits & _ENCRYPTED:
            raise ArchiveEncrypted(f"{_shown(entry)} is encrypted")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ArchiveMalformed(f"{_shown(entry)} is packed by method {entry.compress_type}, which is not read")
        if entry.file_size > RATIO_FROM_BYTES and entry.file_size > RATIO_MAX * entry.compress_size:
            raise ArchiveTooLarge(f"{_shown(entry)} unpacks {entry.compress_size} bytes to {entry.file_size}")
        packed += entry.compress_size
        unpacked += entry.file_size
    if unpacked > UNPACKED_BYTES_MAX or (unpacked > RATIO_FROM_BYTES and unpacked > RATIO_MAX * packed):
        raise ArchiveTooLarge(f"the archive unpacks {packed} bytes to {unpacked}")


def _require_names(entries: list[zipfile.ZipInfo]) -> None:
    seen: set[str] = set()
    for entry in entries:
        # The name as it was written: zipfile cuts it at a zero byte.
        name = entry.orig_filename
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or any(char in name for char in "\\\0:"):
            raise ArchivePathUnsafe(f"the archive names {_shown(entry)}")
        if path.suffix.lower() in ARCHIVE_SUFFIXES:
            raise ArchiveNested(f"the archive holds {_shown(entry)}")
        key = unicodedata.normalize("NFC", str(path)).casefold()
        if key in seen:
            raise ArchiveNameRepeated(f"the archive holds {_shown(entry)} twice")
        seen.add(key)


def _require_apart(entries: list[zipfile.ZipInfo], *, end: int) -> None:
    """Pass if no two entries share bytes: many large files could be made of one."""
    places = sorted((entry.header_offset, _LOCAL_HEADER_BYTES + entry.compress_size) for entry in entries)
    for (start, length), (following, _) in pairwise([*places, (end, 0)]):
        if start + length > following:
            raise ArchiveMalformed("entries of the archive overlap")


def _shown(entry: zipfile.ZipInfo) -> str:
    return repr(entry.orig_filename[:100])
