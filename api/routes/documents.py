"""Invoice files that are looked up. Nothing of them is kept."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool

from api import openapi
from api.deps import ReadingDep, ServicesDep
from api.errors import RequestMalformed
from api.routes.receivables import show_all
from api.schemas import documents as schemas
from registry.commands.checking import look_up
from registry.commands.services import master_key
from registry.documents.document import Document, document_of
from registry.documents.errors import DocumentTooLarge
from registry.documents.pdf import PDF_BYTES_MAX

UPLOADS_MAX = 4
"""Files that are read at once: each may take PDF_BYTES_MAX of memory, and a second of a processor."""

router = APIRouter(prefix="/v1/documents", tags=["Documents"])

FILE_CONTENT: dict[str, Any] = {
    media_type: {"schema": {"type": "string", "format": "binary"}}
    for media_type in ("application/xml", "application/pdf", "application/octet-stream")
}
_FILE: dict[str, Any] = {
    "requestBody": {"required": True, "description": "The file itself, as it is.", "content": FILE_CONTENT}
}


async def uploaded(request: Request) -> Document:
    """The invoice in the body. Raises DocumentTooLarge, RequestMalformed, and what document_of raises."""
    if request.headers.get("content-type", "").startswith("multipart/"):
        raise RequestMalformed("the body is a form", hint="Send the file itself: curl --data-binary @invoice.xml")
    content = bytearray()
    async for part in request.stream():
        content += part
        if len(content) > PDF_BYTES_MAX:
            raise DocumentTooLarge(f"the body has more than {PDF_BYTES_MAX} bytes")
    return await run_in_threadpool(document_of, bytes(content), name="", strict=False)


DocumentDep = Annotated[Document, Depends(uploaded, max_concurrency=UPLOADS_MAX)]


@router.post(
    "/check",
    summary="Look an invoice file up",
    openapi_extra=_FILE,
    responses=openapi.problems(
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        HTTPStatus.SERVICE_UNAVAILABLE,
    ),
)
def check_document(document: DocumentDep, reading: ReadingDep, services: ServicesDep) -> schemas.DocumentCheckRead:
    """Whether an invoice is registered, in this file or in another format of it, and matches what was committed to.

    The body is the file: UBL 2.1 or CII as XML, or a PDF that carries one. Nothing of it is kept. Refuses:
    document_too_large, document_malformed, document_unsupported, document_incomplete and what else makes a file
    unreadable, each by its code.
    """
    checked = look_up(reading.connection, document, master=master_key(services.settings.home))
    rows = [*checked.others, *(found.receivable for found in checked.found if found.receivable is not None)]
    shown = {row.receivable_id: item for row, item in zip(rows, show_all(reading, rows), strict=True)}
    return schemas.show(checked, shown=shown, block=reading.as_of_block)
