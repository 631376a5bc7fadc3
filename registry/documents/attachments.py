"""Files beside an invoice (delivery notes, proofs of receipt): what of them goes into the document root.

The files stay with whoever handed them in; the registry keeps name, hash and size, each attachment under its own salt.
Imports no XML library, like registry.documents.commitments.
"""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from registry.documents.errors import DocumentTooLarge, DocumentUnreadable
from registry.domain.refusals import Refusal

ATTACHMENTS_MAX: Final = 20
"""Most attachments of one invoice."""

ATTACHMENT_BYTES_MAX: Final = 100 * 1024 * 1024
"""Largest attachment, in bytes. It is read once, in parts, for its hash."""

NAME_CHARS_MAX: Final = 200
"""Longest file name that is kept, in characters."""

_PART_BYTES: Final = 1024 * 1024


class AttachmentsTooMany(Refusal):
    code: ClassVar[str] = "attachments_too_many"
    title: ClassVar[str] = "The invoice has too many attachments"
    default_hint: ClassVar[str] = f"At most {ATTACHMENTS_MAX}; put several pages into one file."


class AttachmentRepeated(Refusal):
    code: ClassVar[str] = "attachment_repeated"
    title: ClassVar[str] = "The same file is attached twice"
    default_hint: ClassVar[str] = "Attach each file once, whatever its name."


@dataclass(frozen=True, slots=True)
class Attachment:
    """One file: the name it was handed in under, its SHA-256 (32 bytes), its size in bytes."""

    name: str
    sha256: bytes
    size_bytes: int

    def __str__(self) -> str:
        """What its leaf commits to: hash, size and name, in this order, so that no name can imitate the others."""
        return f"{self.sha256.hex()} {self.size_bytes} {self.name}"


def read_attachment(path: Path) -> Attachment:
    """Name, hash and size of a regular file. Refuses: document_unreadable, document_too_large."""
    digest, size_bytes = hashlib.sha256(), 0
    try:
        # Opening a named pipe would wait for a writer, and a device may never end.
        if not stat.S_ISREG(path.stat().st_mode):
            raise DocumentUnreadable(f"{path.name} is not a regular file")
        with path.open("rb") as file:
            while part := file.read(_PART_BYTES):
                digest.update(part)
                size_bytes += len(part)
                if size_bytes > ATTACHMENT_BYTES_MAX:
                    raise DocumentTooLarge(
                        f"{path.name} is larger than {ATTACHMENT_BYTES_MAX} bytes",
                        hint="Attach a smaller copy; the registry keeps its hash, not the file.",
                    )
    except (OSError, ValueError) as error:  # ValueError: a path with a zero byte
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "the path is not one"
        raise DocumentUnreadable(f"{path.name} cannot be read: {reason}") from error
    return Attachment(file_name(path), digest.digest(), size_bytes)


def read_attachments(paths: Sequence[Path]) -> tuple[Attachment, ...]:
    """The attachments of one invoice, in the order given.

    Refuses: attachments_too_many, attachment_repeated, document_unreadable, document_too_large.
    """
    if len(paths) > ATTACHMENTS_MAX:
        raise AttachmentsTooMany(f"{len(paths)} attachments; at most {ATTACHMENTS_MAX} are taken")
    attachments = tuple(read_attachment(path) for path in paths)
    known: dict[bytes, str] = {}
    for attachment in attachments:
        if attachment.sha256 in known:
            raise AttachmentRepeated(f"{attachment.name} has the content of {known[attachment.sha256]}")
        known[attachment.sha256] = attachment.name
    return attachments


def file_name(path: Path) -> str:
    """The name of a file as text, at most NAME_CHARS_MAX of it."""
    return path_text(path.name)[:NAME_CHARS_MAX]


def path_text(path: str) -> str:
    """A path as text; bytes of it that are no text are replaced, for SQL and JSON take none."""
    return path.encode("utf-8", "replace").decode()
