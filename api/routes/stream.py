"""Server-sent events: where the mirror is, each time that it moves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from http import HTTPStatus

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from api import openapi
from api.deps import require_ours, services_of
from api.schemas.common import BlockOut
from registry.chain.deploy import Deployment
from registry.errors import Refusal, ServiceError
from registry.store.listening import Listening
from registry.store.queries.health import CursorRow

router = APIRouter(tags=["Service"])

STREAMS_MAX = 100
"""Streams that are open at once; each costs a socket, and no thread and no connection to the database."""

HEARTBEAT_SECONDS = 15.0
HEARTBEAT = ":\n\n"

MEDIA_TYPE = "text/event-stream"
EXAMPLE = (
    f"event: block\nid: 0x{'4f' * 32}\n"
    f'data: {{"number":1024,"hash":"0x{"4f" * 32}","at":"2026-11-05T08:30:00Z","finality":"latest"}}\n\n'
)


class TooManyStreams(ServiceError):
    """As many streams are open as may be."""

    code = "too_many_streams"
    title = "As many clients listen as may"
    default_hint = "End a stream that nobody needs, or ask now and then: every answer names its block"


class Streams:
    """The open streams of one application, all woken by one `listening`."""

    def __init__(self, listening: Listening) -> None:
        self.listening = listening
        self._open = 0

    @contextmanager
    def place(self) -> Iterator[None]:
        """Count one for as long as it is open. Raises TooManyStreams."""
        if self._open >= STREAMS_MAX:
            raise TooManyStreams(f"{self._open} streams are open")
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1


class EventStream(StreamingResponse):
    """An answer without end, in a place of its own."""

    def __init__(self, streams: Streams, events: AsyncIterator[str]) -> None:
        super().__init__(events, media_type=MEDIA_TYPE, headers={"Cache-Control": "no-store"})
        self._streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._streams.place():
            await super().__call__(scope, receive, send)


@router.get(
    "/v1/stream",
    summary="Hear when the mirror moves",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Server-sent events, without end.",
            "content": {MEDIA_TYPE: {"schema": {"type": "string"}, "example": EXAMPLE}},
        },
        **openapi.problems(HTTPStatus.CONFLICT, HTTPStatus.SERVICE_UNAVAILABLE),
    },
)
async def read_stream(request: Request) -> Response:
    """At once the block that the mirror is at, then one event each time that it moves: on, or back after a reorg.

    An event is named `block`, its id is the hash, its data what answers call `as_of_block`. It is a reason to ask
    again, and no more: moves in quick succession are one event, the same block comes again when more blocks behind it
    became final, and nothing is kept for who was away (`Last-Event-ID` is ignored): the first event tells where the
    mirror is now. Every 15 seconds without an event a comment line comes. The stream ends with the service, or when the
    mirror is emptied. Refuses: too_many_streams, nothing_mirrored, other_registry, database_unreachable.
    """
    streams = request.app.state.streams
    assert isinstance(streams, Streams)  # set when the application started
    deployment = services_of(request).deployment
    cursor = require_ours(await streams.listening.cursor(), deployment)
    return EventStream(streams, _events(streams.listening, deployment, cursor))


async def _events(listening: Listening, deployment: Deployment, cursor: CursorRow) -> AsyncIterator[str]:
    yield _event(cursor)
    while not listening.ended:
        try:
            async with asyncio.timeout(HEARTBEAT_SECONDS):
                found = await listening.moved_from(cursor)
        except TimeoutError:
            yield HEARTBEAT
            continue
        if found == cursor:
            return
        try:
            cursor = require_ours(found, deployment)
        except Refusal:
            return  # whoever asks again is told why
        yield _event(cursor)


def _event(cursor: CursorRow) -> str:
    block = BlockOut.of(cursor)
    return f"event: block\nid: {block.hash}\ndata: {block.model_dump_json()}\n\n"
