"""Files that commands write: whole or not at all, and known to be writable before anything is signed for them."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from registry.cli import output
from registry.domain.refusals import Refusal

STDOUT = "-"


class FileUnwritable(Refusal):
    code: ClassVar[str] = "file_unwritable"
    title: ClassVar[str] = "The file cannot be written"
    default_hint: ClassVar[str] = "Name a file in a folder that you may write to, on a disk with room."


@contextmanager
def writing(target: str) -> Iterator[Callable[[str | bytes], None]]:
    """What takes the content of a file, or prints it for -; the file replaces what was there when all is written.

    Where nothing was written, or not all could be, what was there stays. Raises FileUnwritable, before the first text
    if no file can be made there.
    """
    if target == STDOUT:
        yield output.write
        return
    with _unwritable(target):
        path = Path(target).resolve()
        # A pipe or a device cannot be replaced, and nothing is kept there.
        is_replaced = path.is_file() or not path.exists()
        if path.is_file() and not os.access(path, os.W_OK):
            raise PermissionError(0, "it is read-only")
        opened = path.with_name(f".counterfoil-{secrets.token_hex(8)}") if is_replaced else path
        file = opened.open("xb" if is_replaced else "wb")

    def write(content: str | bytes) -> None:
        with _unwritable(target):
            file.write(content if isinstance(content, bytes) else output.encoded(content))

    try:
        yield write
        with _unwritable(target):
            file.flush()
            if is_replaced and file.tell():
                os.fsync(file.fileno())
                opened.replace(path)
    finally:
        with _unwritable(target):
            try:
                file.close()
            finally:
                if is_replaced:
                    opened.unlink(missing_ok=True)


def write_file(content: str | bytes, target: str) -> None:
    """Put a text, or bytes, into a file, or on stdout for -. Raises FileUnwritable."""
    with writing(target) as write:
        write(content)


@contextmanager
def _unwritable(target: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, RuntimeError) as error:  # ValueError: a zero byte; RuntimeError: a loop of links
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "the path is not one"
        raise FileUnwritable(f"{target} cannot be written: {reason}") from error
