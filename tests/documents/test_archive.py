"""ZIP archives: hostile ones are refused by name before memory is spent."""

from __future__ import annotations

import os
import resource
import struct
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.documents import archive as module
from registry.documents.archive import (
    ARCHIVE_BYTES_MAX,
    DIRECTORY_BYTES_MAX,
    ENTRIES_MAX,
    RATIO_MAX,
    UNPACKED_BYTES_MAX,
    open_archive,
)
from registry.documents.pdf import PDF_BYTES_MAX
from registry.domain.refusals import Refusal

SECONDS_MAX = 2.0
MEMORY_GROWTH_KIB_MAX = 40 * 1024


@pytest.fixture
def packed(tmp_path: Path) -> Callable[..., Path]:
    def make(files: dict[str, bytes], *, method: int = zipfile.ZIP_DEFLATED) -> Path:
        path = tmp_path / "batch.zip"
        with zipfile.ZipFile(path, "w", method) as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        return path

    return make


def refusal_of(path: Path) -> Refusal:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.monotonic()
    with pytest.raises(Refusal) as refused, open_archive(path):
        pass
    assert time.monotonic() - started < SECONDS_MAX
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MEMORY_GROWTH_KIB_MAX
    assert str(path.parent) not in str(refused.value)
    return refused.value


def patched(path: Path, before: bytes, after: bytes, *, count: int) -> Path:
    """The same archive with some of its bytes changed."""
    data = path.read_bytes()
    assert data.count(before) == count
    path.write_bytes(data.replace(before, after))
    return path


def test_files_are_read_in_the_order_of_packing(packed: Callable[..., Path]) -> None:
    path = packed({"b/二.xml": b"2", "a.xml": b"1", "folder/": b"", "empty.pdf": b""})
    with open_archive(path) as archive:
        assert archive.names == ("b/二.xml", "a.xml", "empty.pdf")
        assert [archive.read(name) for name in archive.names] == [b"2", b"1", b""]


def test_an_empty_archive_has_no_files(packed: Callable[..., Path]) -> None:
    with open_archive(packed({})) as archive:
        assert archive.names == ()


def test_a_large_file_is_read_up_to_the_limit(packed: Callable[..., Path]) -> None:
    path = packed({"scan.pdf": os.urandom(1024) * (PDF_BYTES_MAX // 1024 + 100)}, method=zipfile.ZIP_STORED)
    with open_archive(path) as archive:
        assert len(archive.read("scan.pdf")) == PDF_BYTES_MAX + 1


@pytest.mark.parametrize(
    "name",
    ["/etc/passwd", "../out.xml", "a/../../out.xml", "..", "C:/out.xml", "C:out.xml", "..\\out.xml", "a\\b.xml"],
)
def test_a_name_that_leads_out_is_refused(packed: Callable[..., Path], name: str) -> None:
    assert refusal_of(packed({"fine.xml": b"1", name: b"2"})).code == "archive_path_unsafe"


def test_a_name_that_goes_on_behind_a_zero_byte_is_refused(packed: Callable[..., Path]) -> None:
    path = patched(packed({"a.xmlX.exe": b"1"}), b"a.xmlX.exe", b"a.xml\0.exe", count=2)
    assert refusal_of(path).code == "archive_path_unsafe"


@pytest.mark.parametrize(
    "pair", [("a.xml", "a.xml"), ("a.xml", "A.XML"), ("é.xml", "e\u0301.xml"), ("a/b.xml", "a//b.xml")]
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_entries_of_one_name_are_refused(tmp_path: Path, pair: tuple[str, str]) -> None:
    path = tmp_path / "batch.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in pair:
            archive.writestr(name, name)
    assert refusal_of(path).code == "archive_name_repeated"


@pytest.mark.parametrize("name", ["inner.zip", "inner.ZIP", "all.tar.gz", "x/y.7z"])
def test_an_archive_in_an_archive_is_refused(packed: Callable[..., Path], name: str) -> None:
    assert refusal_of(packed({"a.xml": b"1", name: b"PK"})).code == "archive_nested"


def test_an_encrypted_entry_is_refused(packed: Callable[..., Path]) -> None:
    path = packed({"a.xml": b"1"}, method=zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    assert refusal_of(path).code == "archive_encrypted"


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_rare_method_is_not_read(packed: Callable[..., Path], method: int) -> None:
    assert refusal_of(packed({"a.xml": b"1"}, method=method)).code == "archive_malformed"


# ------------------------------------------------------------------------- bombs


def zeros(tmp_path: Path, *, count: int, size_bytes: int) -> Path:
    path = tmp_path / "zeros.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for number in range(count):
            with archive.open(f"{number}.xml", "w") as entry:
                for _ in range(size_bytes // (1024 * 1024)):
                    entry.write(bytes(1024 * 1024))
    return path


def test_an_entry_that_unpacks_a_thousandfold_is_too_large(tmp_path: Path) -> None:
    refusal = refusal_of(zeros(tmp_path, count=1, size_bytes=64 * 1024 * 1024))
    assert refusal.code == "archive_too_large"
    assert str(64 * 1024 * 1024) in refusal.detail


def test_many_small_bombs_are_one(tmp_path: Path) -> None:
    assert RATIO_MAX < 1000
    assert refusal_of(zeros(tmp_path, count=100, size_bytes=1024 * 1024)).code == "archive_too_large"


def test_the_sum_of_the_unpacked_sizes_has_a_limit(
    packed: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert UNPACKED_BYTES_MAX > 1000
    monkeypatch.setattr(module, "UNPACKED_BYTES_MAX", 1000)
    assert refusal_of(packed({"a.xml": bytes(600), "b.xml": bytes(600)})).code == "archive_too_large"


def test_an_entry_that_understates_its_size_is_cut_or_refused(tmp_path: Path) -> None:
    path = zeros(tmp_path, count=1, size_bytes=200 * 1024 * 1024)
    patched(path, struct.pack("<I", 200 * 1024 * 1024), struct.pack("<I", 1000), count=2)
    with open_archive(path) as archive, pytest.raises(Refusal) as refused:
        archive.read("0.xml")
    assert refused.value.code == "archive_malformed"


def test_entries_that_share_their_bytes_are_refused(packed: Callable[..., Path]) -> None:
    """The kind of bomb that needs no nesting: every entry of the directory points at the same content."""
    path = packed({"a.xml": b"x" * 100, "b.xml": b"x" * 100}, method=zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    second = data.rindex(b"PK\x01\x02")
    struct.pack_into("<I", data, second + 42, 0)
    path.write_bytes(data)
    assert refusal_of(path).code == "archive_malformed"


def test_there_is_a_largest_number_of_entries(packed: Callable[..., Path]) -> None:
    path = packed({f"{number}": b"" for number in range(ENTRIES_MAX + 1)}, method=zipfile.ZIP_STORED)
    assert refusal_of(path).code == "archive_too_large"


def test_a_directory_that_lies_about_its_number_of_entries_is_measured_in_bytes(packed: Callable[..., Path]) -> None:
    path = packed({f"{number}": b"" for number in range(ENTRIES_MAX + 1)}, method=zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    end = data.rindex(b"PK\x05\x06")
    struct.pack_into("<HH", data, end + 8, 1, 1)
    path.write_bytes(data)
    assert refusal_of(path).code == "archive_too_large"


def test_a_huge_directory_is_not_read_into_memory(tmp_path: Path) -> None:
    path = tmp_path / "directory.zip"
    entry = struct.pack("<4s6H3I5H2I", b"PK\x01\x02", 20, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
    count = 2_000_000
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 1, 1, count * len(entry), 0, 0)
    assert count * len(entry) > DIRECTORY_BYTES_MAX
    with path.open("wb") as file:
        for _ in range(100):
            file.write(entry * (count // 100))
        file.write(end)
    assert refusal_of(path).code == "archive_too_large"


def test_zip64_and_files_beyond_the_limit_are_too_large(tmp_path: Path, packed: Callable[..., Path]) -> None:
    path = packed({"a.xml": b"1"})
    data = path.read_bytes()
    end = data.rindex(b"PK\x05\x06")
    path.write_bytes(data[:end] + b"PK\x06\x07" + bytes(16) + data[end:])
    assert refusal_of(path).code == "archive_too_large"
    with path.open("wb") as file:
        file.truncate(ARCHIVE_BYTES_MAX + 1)
    assert refusal_of(path).code == "archive_too_large"


# ------------------------------------------------------------------------ broken


def test_what_is_no_archive_is_refused(tmp_path: Path, packed: Callable[..., Path]) -> None:
    whole = packed({"a.xml": b"1" * 1000}).read_bytes()
    path = tmp_path / "broken.zip"
    for content in (b"", b"PK", b"PK\x03\x04", b"hello" * 100, b"PK\x05\x06", whole[:-1], whole[:-30], whole[:50]):
        path.write_bytes(content)
        assert refusal_of(path).code == "archive_malformed"


def test_a_folder_a_missing_file_and_a_pipe_are_unreadable(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.zip")
    for path in (tmp_path, tmp_path / "missing.zip", tmp_path / "pipe.zip", tmp_path / "a\0b.zip"):
        assert refusal_of(path).code == "document_unreadable"


def test_a_damaged_entry_is_refused_and_the_others_are_read(packed: Callable[..., Path]) -> None:
    path = patched(
        packed({"a.xml": b"damaged", "b.xml": b"2"}, method=zipfile.ZIP_STORED), b"damaged", b"changed", count=1
    )
    with open_archive(path) as archive:
        with pytest.raises(Refusal) as refused:
            archive.read("a.xml")
        assert refused.value.code == "archive_malformed"
        assert archive.read("b.xml") == b"2"


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 10_000), byte=st.integers(0, 255))
def test_a_damaged_archive_is_read_or_refused_by_name(tmp_path: Path, place: int, byte: int) -> None:
    path = tmp_path / "damaged.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("a.xml", "b.xml"):
            archive.writestr(name, zlib.compress(name.encode()) * 10)
    data = bytearray(path.read_bytes())
    data[place % len(data)] = byte
    path.write_bytes(data)
    for content in contents(path):
        assert isinstance(content, (bytes, Refusal))


def contents(path: Path) -> Iterator[bytes | Refusal]:
    try:
        with open_archive(path) as archive:
            for name in archive.names:
                try:
                    yield archive.read(name)
                except Refusal as refusal:
                    yield refusal
    except Refusal as refusal:
        yield refusal
