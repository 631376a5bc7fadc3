"""A node's own address in front of a real node: HTTP and WebSocket on one port, in a thread of its own."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from collections.abc import AsyncIterator
from concurrent.futures import Future
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from random import Random
from types import TracebackType
from typing import Any, Self

import aiohttp
from aiohttp import WSMsgType, web

from tests.faults.behind import answer_behind
from tests.faults.kinds import QUIET, Answer, Asked, Fate, Faults, Way, dump

HOST = "127.0.0.1"
SUBSCRIBING = {"eth_subscribe", "eth_unsubscribe"}
NOTIFICATION, SOCKET = "eth_subscription", "socket"
NOT_ASKED = {NOTIFICATION, SOCKET}
START_SECONDS_MAX = 10.0
STOP_SECONDS_MAX = 10.0
CLOSE_SECONDS_MAX = 0.1
"""How long a client may take to say goodbye."""
READ_BYTES = 2**20


class FaultyNode:
    """A node whose answers are those of real ones, but for `faults`; use `with FaultyNode(chain.url) as node`.

    `faults` and `upstreams` may be set at any time, from any thread. Of several upstreams each request, and each new
    WebSocket for its notifications, gets one by chance. While an upstream is down, so is this node: connections are
    closed without an answer.

    The nth request of a method, or the nth batch that begins with it, meets the same fate in every run with the same
    `seed` and faults, whatever else is asked at the time.
    """

    def __init__(self, *upstreams: str, faults: Faults = QUIET, seed: int = 0) -> None:
        self.upstreams = upstreams
        self.faults = faults
        self.port = 0
        self._seed = seed
        self._requests: Counter[str] = Counter()
        self._happened: Counter[tuple[str, str]] = Counter()
        self._turns: Counter[str] = Counter()
        self._guard = threading.Lock()
        self._sockets: set[asyncio.Transport] = set()

    def __enter__(self) -> Self:
        started: Future[None] = Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run(started)), name="faulty-node", daemon=True)
        self._thread.start()
        started.result(START_SECONDS_MAX)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(STOP_SECONDS_MAX)
        assert not self._thread.is_alive(), "the faulty node does not end"

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def ws_url(self) -> str:
        return f"ws://{HOST}:{self.port}"

    def requests(self) -> Counter[str]:
        """How often each method was asked so far; those of a batch one by one, notifications as eth_subscription."""
        with self._guard:
            return Counter(self._requests)

    def happened(self, method: str | None = None) -> Counter[str]:
        """How often each fault happened so far, by its name in Faults: to all, or to one method.

        What happens to a batch happens to the method that it begins with. `upstream_down` is nobody's fault here.
        """
        counted: Counter[str] = Counter()
        with self._guard:
            for (kind, whose), times in self._happened.items():
                if method in (None, whose):
                    counted[kind] += times
        return counted

    def close_sockets(self) -> None:
        """Break every WebSocket that is open now."""
        self._loop.call_soon_threadsafe(self._break_sockets)

    def _break_sockets(self) -> None:
        for transport in self._sockets:
            transport.abort()

    # -------------------------------------------------------------- serving

    async def _run(self, started: Future[None]) -> None:
        try:
            self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
            async with self._serving() as self.port:
                started.set_result(None)
                await self._stop.wait()
        except BaseException as error:
            if started.done():
                raise
            started.set_exception(error)

    @asynccontextmanager
    async def _serving(self) -> AsyncIterator[int]:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            timeout=aiohttp.ClientTimeout(total=None),
            headers={"Accept-Encoding": "identity"},
            read_bufsize=READ_BYTES,
        )
        runner = web.ServerRunner(
            web.Server(self._handle, access_log=None, read_bufsize=READ_BYTES), shutdown_timeout=CLOSE_SECONDS_MAX
        )
        async with self._session:
            await runner.setup()
            try:
                site = web.TCPSite(runner, HOST, 0)
                await site.start()
                yield runner.addresses[0][1]
            finally:
                await runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._socket(request)
        asked = Asked.parse(await request.content.read())
        return await self._send(request, await self._answer(asked, over_http=True))

    async def _send(self, request: web.BaseRequest, answer: Answer) -> web.StreamResponse:
        response = web.Response(body=answer.body, status=answer.status, headers={"Content-Type": answer.content_type})
        if answer.way is Way.WHOLE or request.transport is None:
            return response
        if answer.way is Way.TWICE:
            await response.prepare(request)
            await response.write_eof()
            head = f"HTTP/1.1 {response.status} {response.reason}\r\n" + "".join(
                f"{name}: {value}\r\n" for name, value in response.headers.items()
            )
            request.transport.write(head.encode() + b"\r\n" + answer.body)
            return response
        half = web.StreamResponse(status=answer.status, headers=response.headers)
        half.content_length = len(answer.body)
        if answer.way is Way.TRUNCATED:
            await half.prepare(request)
            await half.write(answer.body[: len(answer.body) // 2])
        request.transport.close()
        return half

    # ------------------------------------------------------------ answering

    def _fate(self, methods: list[str], whose: str) -> Fate:
        """What may happen to this request, notification or new socket."""
        faults = self.faults
        self._turns[whose] += 1
        with self._guard:
            self._requests.update(methods)
        if faults.only and whose not in NOT_ASKED and faults.only.isdisjoint(methods):
            faults = QUIET
        return Fate(faults, Random(f"{self._seed} {whose} {self._turns[whose]}"), partial(self._count, whose))

    def _count(self, whose: str, kind: str) -> None:
        with self._guard:
            self._happened[kind, whose] += 1

    def _upstream(self, fate: Fate) -> str:
        return fate.rng.choice(self.upstreams)

    async def _answer(self, asked: Asked, *, over_http: bool) -> Answer:
        fate = self._fate(asked.methods, asked.whose)
        upstream = self._upstream(fate)
        instead = fate.instead() if over_http else None
        if instead is not None:
            return instead
        try:
            if asked.calls and fate.befalls("stale"):
                ask = partial(self._ask, upstream)
                answer = Answer(await answer_behind(asked, ask, blocks=fate.faults.behind_blocks, rng=fate.rng))
            else:
                answer = await self._forward(upstream, asked.body)
        except (aiohttp.ClientError, ConnectionError):
            self._count(asked.whose, "upstream_down")
            return Answer(b"", way=Way.DROPPED)
        answer = replace(answer, body=fate.spoil(asked, answer.body))
        if fate.befalls("delayed"):
            await asyncio.sleep(fate.wait_seconds())
        return fate.on_the_way(answer)

    async def _forward(self, upstream: str, body: bytes) -> Answer:
        async with self._session.post(upstream, data=body, headers={"Content-Type": "application/json"}) as response:
            found = await response.read()
            return Answer(found, response.status, response.headers.get("Content-Type", "application/json"))

    async def _ask(self, upstream: str, request: object) -> Any:
        return json.loads((await self._forward(upstream, dump(request))).body)

    # ------------------------------------------------------------ WebSocket

    async def _socket(self, request: web.BaseRequest) -> web.StreamResponse:
        client = web.WebSocketResponse(max_msg_size=0, timeout=CLOSE_SECONDS_MAX)
        await client.prepare(request)
        transport = request.transport
        assert isinstance(transport, asyncio.Transport)
        self._sockets.add(transport)
        url = self._upstream(self._fate([], SOCKET))
        try:
            async with self._session.ws_connect(url, max_msg_size=0) as upstream, asyncio.TaskGroup() as tasks:
                news = tasks.create_task(self._pass_on(upstream, client, transport))
                async for message in client:
                    if message.type is WSMsgType.TEXT:
                        _ = tasks.create_task(self._requested(message.data, upstream, client))
                news.cancel()
        except* (aiohttp.ClientError, ConnectionError):
            self._count(SOCKET, "upstream_down")
            transport.abort()
        finally:
            self._sockets.discard(transport)
        return client

    async def _requested(
        self, text: str, upstream: aiohttp.ClientWebSocketResponse, client: web.WebSocketResponse
    ) -> None:
        """Subscriptions belong to the upstream's socket; all else is answered as over HTTP."""
        asked = Asked.parse(text.encode())
        if not SUBSCRIBING.isdisjoint(asked.methods):
            with self._guard:
                self._requests.update(asked.methods)
            await upstream.send_str(text)
            return
        answer = await self._answer(asked, over_http=False)
        if answer.way is Way.TRUNCATED:
            answer = replace(answer, body=answer.body[: len(answer.body) // 2])
        times = {Way.DROPPED: 0, Way.TWICE: 2}.get(answer.way, 1)
        for _ in range(times):
            await _tell(client, answer.body.decode(errors="replace"))

    async def _pass_on(
        self,
        upstream: aiohttp.ClientWebSocketResponse,
        client: web.WebSocketResponse,
        transport: asyncio.Transport,
    ) -> None:
        """What the upstream says by itself, and its answers to subscribing. Ends with the client's socket."""
        held: list[str] = []
        silent = False
        async for message in upstream:
            if message.type is not WSMsgType.TEXT:
                continue
            due = [message.data]
            if NOTIFICATION in message.data:
                fate = self._fate([NOTIFICATION], NOTIFICATION)
                if fate.befalls("socket_closed"):
                    break
                silent = silent or fate.befalls("silenced")
                if silent or fate.befalls("head_lost"):
                    continue
                if fate.befalls("head_repeated"):
                    due *= 2
                if not held and fate.befalls("head_swapped"):
                    held = due
                    continue
                due, held = due + held, []
                if fate.befalls("head_delayed"):
                    await asyncio.sleep(fate.wait_seconds())
            for text in due:
                await _tell(client, text)
        transport.abort()


async def _tell(client: web.WebSocketResponse, text: str) -> None:
    # Whoever reads from the client finds out by itself that it has gone.
    with suppress(ConnectionError):
        await client.send_str(text)
