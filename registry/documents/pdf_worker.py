"""The child that opens PDFs for registry.documents.pdf: one PDF in, one JSON answer out.

Answers {"name", "content" (base64)} or {"refusal" (its code), "detail"}.
"""

from __future__ import annotations

import json
import logging
from base64 import b64encode
from io import BytesIO
from itertools import islice
from typing import Final

from pypdf import PdfReader, overwrite_configuration
from pypdf.errors import LimitReachedError
from pypdf.generic import EmbeddedFile

from registry.documents.pdf import INVOICE_FILE_NAMES
from registry.documents.worker import serve
from registry.documents.xml import DOCUMENT_BYTES_MAX

MEMORY_BYTES_MAX: Final = 512 * 1024 * 1024
"""Address space of the child, in bytes; Python and pypdf take some 100 MiB of it before the first PDF."""

EMBEDDED_FILES_MAX: Final = 100
"""Most files in one PDF that are looked at."""

STREAM_BYTES_MAX: Final = 8 * 1024 * 1024
"""Largest stream after decompression, in bytes: more than the invoice may have (DOCUMENT_BYTES_MAX)."""

NAMES_SHOWN_MAX: Final = 5


def answer(pdf: bytes) -> bytes:
    """JSON of the embedded invoice, or of the refusal."""
    try:
        return json.dumps(_embedded(pdf)).encode()
    except (MemoryError, RecursionError, LimitReachedError) as error:
        return _refusal("pdf_too_costly", f"the PDF exceeds a limit ({type(error).__name__})")
    except Exception as error:  # noqa: BLE001  (a broken PDF makes the reader raise anything: KeyError, ValueError, ...)
        return _refusal("pdf_malformed", f"the PDF is broken ({type(error).__name__})")


def _embedded(pdf: bytes) -> dict[str, str]:
    reader = PdfReader(BytesIO(pdf))
    if reader.is_encrypted:
        return _told("pdf_encrypted", "the PDF is encrypted")
    files = list(islice(reader.attachment_list, EMBEDDED_FILES_MAX + 1))
    if len(files) > EMBEDDED_FILES_MAX:
        return _told("pdf_too_costly", f"the PDF embeds more than {EMBEDDED_FILES_MAX} files")
    found = [(name, file) for file in files for name in [_name(file)] if name.lower() in INVOICE_FILE_NAMES]
    if not found:
        names = ", ".join(repr(_name(file)[:100]) for file in files[:NAMES_SHOWN_MAX])
        return _told("pdf_without_invoice", f"the PDF embeds {names or 'no file'}")
    if len(found) > 1:
        return _told("document_inconsistent", f"the PDF embeds {len(found)} invoices")
    ((name, file),) = found
    content = file.content
    if len(content) > DOCUMENT_BYTES_MAX:
        return _told("document_too_large", f"{name} in the PDF has more than {DOCUMENT_BYTES_MAX} bytes")
    return {"name": name, "content": b64encode(content).decode()}


def _name(file: EmbeddedFile) -> str:
    """The name of the file itself; the key in the name tree, which may be anything, where it has none."""
    return str(file.alternative_name or file.name)


def _told(code: str, detail: str) -> dict[str, str]:
    return {"refusal": code, "detail": detail}


def _refusal(code: str, detail: str) -> bytes:
    return json.dumps(_told(code, detail)).encode()


if __name__ == "__main__":
    logging.disable()  # pypdf warns of every oddity; what counts is the answer
    overwrite_configuration(
        zlib_maximum_output_length=STREAM_BYTES_MAX,
        lzw_maximum_output_length=STREAM_BYTES_MAX,
        run_length_maximum_output_length=STREAM_BYTES_MAX,
        array_based_stream_maximum_output_length=STREAM_BYTES_MAX,
        jbig2dec_binary=None,
    )
    serve(answer, memory_bytes_max=MEMORY_BYTES_MAX)
