"""Attachments: hashed in parts, named safely, refused by name."""

from __future__ import annotations

import hashlib
import os
import resource
from pathlib import Path

import pytest

from registry.documents.attachments import (
    ATTACHMENT_BYTES_MAX,
    ATTACHMENTS_MAX,
    NAME_CHARS_MAX,
    AttachmentRepeated,
    AttachmentsTooMany,
    file_name,
    read_attachment,
    read_attachments,
)
from registry.documents.errors import DocumentTooLarge, DocumentUnreadable

MEMORY_GROWTH_KIB_MAX = 20 * 1024


def test_an_attachment_is_name_hash_and_size(tmp_path: Path) -> None:
    path = tmp_path / "delivery note.pdf"
    path.write_bytes(b"signed" * 1_000_000)
    found = read_attachment(path)
    assert (found.name, found.size_bytes) == ("delivery note.pdf", 6_000_000)
    assert found.sha256 == hashlib.sha256(path.read_bytes()).digest()


def test_a_large_attachment_takes_little_memory_and_one_larger_than_the_limit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "scan.tiff"
    with path.open("wb") as file:
        file.truncate(ATTACHMENT_BYTES_MAX)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert read_attachment(path).size_bytes == ATTACHMENT_BYTES_MAX
    with path.open("ab") as file:
        file.write(b"1")
    with pytest.raises(DocumentTooLarge):
        read_attachment(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MEMORY_GROWTH_KIB_MAX


def test_what_is_no_file_is_unreadable(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "missing", tmp_path / "pipe", Path("/dev/zero"), tmp_path / "a\0b"):
        with pytest.raises(DocumentUnreadable) as refused:
            read_attachment(path)
        assert str(tmp_path) not in str(refused.value)


def test_the_same_content_is_attached_once_whatever_its_name(tmp_path: Path) -> None:
    for name in ("a.pdf", "b.pdf"):
        (tmp_path / name).write_bytes(b"same")
    with pytest.raises(AttachmentRepeated) as refused:
        read_attachments([tmp_path / "a.pdf", tmp_path / "b.pdf"])
    assert refused.value.code == "attachment_repeated"
    assert "a.pdf" in refused.value.detail


def test_there_is_a_largest_number_of_attachments(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.txt" for number in range(ATTACHMENTS_MAX + 1)]
    for number, path in enumerate(paths):
        path.write_text(str(number))
    assert len(read_attachments(paths[:-1])) == ATTACHMENTS_MAX
    with pytest.raises(AttachmentsTooMany):
        read_attachments(paths)


def test_a_name_is_text_of_bounded_length() -> None:
    assert file_name(Path(os.fsdecode(b"\xff.pdf"))) == "?.pdf"
    assert len(file_name(Path("x" * 250))) == NAME_CHARS_MAX
