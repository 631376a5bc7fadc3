"""ETags: the block that an answer is true at and a digest of the answer itself, and 304 where the asker has both.

The block alone would not do: names and documents are kept off chain and can change without a new block.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any

from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from fastapi.routing import APIRoute

from api.schemas.common import BlockOut

BODY_DIGEST_CHARS = 16


class TaggedRoute(APIRoute):
    """A route whose successful answers carry an ETag, but for those that are streamed."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()

        async def tagged(request: Request) -> Response:
            response = await answer(request)
            block: BlockOut | None = getattr(request.state, "as_of_block", None)
            if block is None or response.status_code != HTTPStatus.OK or request.method != "GET":
                return response
            response = self.represented(request, response)
            response.headers["As-Of-Block"] = f"{block.number} {block.hash}"
            if isinstance(response, StreamingResponse):
                # Its bytes, names among them, are not known before they are sent.
                response.headers["Cache-Control"] = "no-store"
                return response
            tag = etag(block, bytes(response.body))
            # May be kept, must be asked about: the next block can change it.
            headers = {
                "ETag": tag,
                "Cache-Control": "private, no-cache",
                "As-Of-Block": response.headers["As-Of-Block"],
            }
            if matches(request.headers.get("if-none-match"), tag):
                return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
            response.headers.update(headers)
            return response

        return tagged

    def represented(self, request: Request, response: Response) -> Response:  # noqa: ARG002  (routes of lists ask it)
        """The answer in the form that was asked for; JSON is the only one unless a route knows another."""
        return response


def etag(block: BlockOut, body: bytes) -> str:
    """ "<block hash>.<digest of the body>"."""
    return f'"{block.hash.removeprefix("0x")}.{hashlib.sha256(body).hexdigest()[:BODY_DIGEST_CHARS]}"'


def matches(if_none_match: str | None, tag: str) -> bool:
    """Whether an If-None-Match header names the tag; weak comparison (RFC 9110, 13.1.2)."""
    if if_none_match is None:
        return False
    asked = [part.strip().removeprefix("W/") for part in if_none_match.split(",")]
    return "*" in asked or tag in asked
