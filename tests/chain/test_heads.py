"""New heads as hints: from a real Anvil over both transports, and from nodes that are down, dumb, mute or lie."""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.chain import heads as module
from registry.chain.devchain import anvil_binary
from registry.chain.heads import POLL_SECONDS, POLL_SECONDS_HEALTHY, Heads, JsonTexts, heads_url
from registry.chain.rpc import Node, NodeUnreachable
from registry.processes import Child, free_port, spawn
from registry.settings import SettingsMalformed

WAIT_SECONDS_MAX = 10.0
CLOSE_SECONDS_MAX = 1.0
QUIET_SECONDS = 0.3
KEY = "0123456789abcdef"


def wait_until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


def said(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """What the subscription logged; the library below it may have words of its own."""
    return [record for record in caplog.records if record.name == module.__name__]


class Anvil:
    """A node with both transports, which can be killed and started anew at the same addresses."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.node = Node(f"http://127.0.0.1:{self.port}")
        self.urls = {"ws": f"ws://127.0.0.1:{self.port}", "ipc": f"ipc://{folder / 'anvil.ipc'}"}
        self.child = self._start()

    def _start(self) -> Child:
        (self.folder / "anvil.ipc").unlink(missing_ok=True)
        argv: list[str | Path] = [
            anvil_binary(),
            "--quiet",
            "--port",
            str(self.port),
            "--ipc",
            self.folder / "anvil.ipc",
        ]
        child = spawn(argv, log=self.folder / "anvil.log")
        assert wait_until(self.answers), child.output()
        return child

    def answers(self) -> bool:
        try:
            return self.node.head() >= 0 and (self.folder / "anvil.ipc").exists()
        except NodeUnreachable:
            return False

    def mine(self) -> None:
        self.node.request("evm_mine")

    def kill(self) -> None:
        self.child.terminate((signal.SIGKILL, WAIT_SECONDS_MAX))

    def start_anew(self) -> None:
        self.child = self._start()

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Its sockets are open, and it does nothing."""
        os.kill(self.child.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.child.pid, signal.SIGCONT)


@pytest.fixture(scope="module")
def anvil(work_folder: Path) -> Iterator[Anvil]:
    folder = work_folder / "heads"
    folder.mkdir()
    running = Anvil(folder)
    yield running
    running.child.terminate()


@pytest.fixture(params=["ws", "ipc"])
def url(anvil: Anvil, request: pytest.FixtureRequest) -> str:
    return anvil.urls[request.param]


@pytest.fixture
def nudge() -> threading.Event:
    return threading.Event()


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes seconds takes a fraction of one."""
    monkeypatch.setattr(module, "SILENCE_SECONDS_MAX", 0.4)
    monkeypatch.setattr(module, "SUBSCRIBE_SECONDS_MAX", 0.1)
    monkeypatch.setattr(module, "PAUSE_SECONDS_MAX", 0.1)


@pytest.fixture(autouse=True)
def _ends_its_thread() -> Iterator[None]:
    yield
    assert all(thread.name != "heads" for thread in threading.enumerate())


@contextmanager
def subscribed(url: str, nudge: threading.Event) -> Iterator[Heads]:
    with Heads(url, nudge=nudge) as heads:
        assert wait_until(lambda: heads.healthy)
        assert nudge.wait(WAIT_SECONDS_MAX)
        nudge.clear()
        yield heads


# ------------------------------------------------------------- a real node


def test_a_new_head_nudges(anvil: Anvil, url: str, nudge: threading.Event) -> None:
    with subscribed(url, nudge) as heads:
        assert heads.poll_seconds == POLL_SECONDS_HEALTHY
        for _ in range(3):
            anvil.mine()
            assert nudge.wait(WAIT_SECONDS_MAX)
            nudge.clear()
    assert not heads.healthy


def test_a_node_without_new_heads_stays_healthy_and_nudges_nobody(
    url: str, nudge: threading.Event, hurried: None
) -> None:
    with subscribed(url, nudge) as heads:
        time.sleep(3 * module.SILENCE_SECONDS_MAX)
        assert heads.healthy
        assert not nudge.is_set()


def test_a_node_that_was_killed_is_found_again(anvil: Anvil, url: str, nudge: threading.Event) -> None:
    with subscribed(url, nudge) as heads:
        anvil.kill()
        assert nudge.wait(WAIT_SECONDS_MAX)
        assert not heads.healthy
        assert heads.poll_seconds == POLL_SECONDS
        nudge.clear()
        anvil.start_anew()
        assert wait_until(lambda: heads.healthy)
        assert nudge.wait(WAIT_SECONDS_MAX)
        nudge.clear()
        anvil.mine()
        assert nudge.wait(WAIT_SECONDS_MAX)


def test_a_node_that_hangs_is_not_healthy_until_it_goes_on(
    anvil: Anvil, url: str, nudge: threading.Event, hurried: None
) -> None:
    with subscribed(url, nudge) as heads:
        with anvil.hanging():
            assert wait_until(lambda: not heads.healthy)
            time.sleep(QUIET_SECONDS)
            assert not heads.healthy
        assert wait_until(lambda: heads.healthy)
        nudge.clear()
        anvil.mine()
        assert nudge.wait(WAIT_SECONDS_MAX)


def test_closing_does_not_wait_for_a_node_that_hangs(anvil: Anvil, url: str, nudge: threading.Event) -> None:
    with ExitStack() as ended_last:
        with subscribed(url, nudge):
            ended_last.enter_context(anvil.hanging())
            started = time.monotonic()
        assert time.monotonic() - started < CLOSE_SECONDS_MAX


def test_each_change_is_logged_once(
    anvil: Anvil, url: str, nudge: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger=module.__name__)
    with subscribed(url, nudge) as heads:
        anvil.mine()
        anvil.kill()
        assert wait_until(lambda: not heads.healthy)
        time.sleep(QUIET_SECONDS)
        anvil.start_anew()
        assert wait_until(lambda: heads.healthy)
    told = [record.getMessage() for record in said(caplog)]
    # Between the two: how the connection ended, then why no other could be made.
    assert told[0] == told[-1] == f"heads: {url} announces new heads"
    assert all(line.startswith(f"heads: {url} is not heard (") for line in told[1:-1])
    assert len(told) > 2
    assert all(before != after for before, after in pairwise(told))


# ------------------------------------------------ nodes that announce nothing


def test_without_a_url_the_mirror_polls(nudge: threading.Event) -> None:
    with Heads(None, nudge=nudge) as heads:
        assert (heads.healthy, heads.poll_seconds) == (False, POLL_SECONDS)
    assert not nudge.is_set()


class HttpOnly(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_error(405)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def http_only() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), HttpOnly) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server.server_port
        server.shutdown()


@contextmanager
def mute() -> Iterator[int]:
    """A server that accepts and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@contextmanager
def nobody() -> Iterator[int]:
    yield free_port()


@pytest.mark.parametrize(
    ("server", "reason"),
    [
        (nobody, "is not heard (ECONNREFUSED)"),
        (mute, "is not heard (no answer in time)"),
        (http_only, "announces no heads (HTTP 405)"),
    ],
)
def test_a_server_without_subscriptions_is_named_once_without_its_key_and_the_mirror_polls(
    server: Callable[[], Any], reason: str, nudge: threading.Event, hurried: None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger=module.__name__)
    with server() as port, Heads(f"ws://user:{KEY}@127.0.0.1:{port}/v3/{KEY}?key={KEY}", nudge=nudge) as heads:
        assert wait_until(lambda: bool(said(caplog)))
        time.sleep(QUIET_SECONDS)  # for some more attempts
        assert (heads.healthy, heads.poll_seconds) == (False, POLL_SECONDS)
    assert [record.getMessage() for record in said(caplog)] == [
        f"heads: ws://127.0.0.1:{port} {reason}: the mirror polls"
    ]
    assert KEY not in caplog.text
    assert not nudge.is_set()


@pytest.mark.parametrize("server", [nobody, mute, http_only])
@pytest.mark.parametrize("after_seconds", [0.0, QUIET_SECONDS])
def test_closing_waits_neither_for_a_connection_nor_for_a_pause(
    server: Callable[[], Any], after_seconds: float, nudge: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAUSE_SECONDS_MIN", 60.0)
    with server() as port:
        with Heads(f"ws://127.0.0.1:{port}", nudge=nudge):
            time.sleep(after_seconds)
            started = time.monotonic()
        assert time.monotonic() - started < CLOSE_SECONDS_MAX


def test_a_socket_that_is_not_there_yet_is_waited_for(nudge: threading.Event, hurried: None, work_folder: Path) -> None:
    path = work_folder / "later.ipc"
    with Heads(str(path), nudge=nudge) as heads:
        time.sleep(QUIET_SECONDS)
        assert not heads.healthy
        with answering(path, {"eth_subscribe": lambda: {"result": "0x1"}}):
            assert wait_until(lambda: heads.healthy)


def test_a_server_without_tls_is_named_so(
    nudge: threading.Event, hurried: None, caplog: pytest.LogCaptureFixture
) -> None:
    with http_only() as port, Heads(f"wss://127.0.0.1:{port}/{KEY}", nudge=nudge) as heads:
        # A busy machine may first take longer over it than an attempt is given.
        assert wait_until(lambda: f"heads: wss://127.0.0.1:{port} is not heard (TLS: " in caplog.text)
        assert not heads.healthy
    assert KEY not in caplog.text


# ------------------------------------------------ nodes that answer otherwise


@contextmanager
def answering(path: Path, answers: Mapping[str, Callable[[], object]]) -> Iterator[list[str]]:
    """A node at a Unix socket that answers so, one answer per line; yields the methods that it was asked."""
    asked: list[str] = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            for line in self.rfile:
                request = json.loads(line)
                asked.append(request["method"])
                answer = answers[request["method"]]()
                if isinstance(answer, dict):
                    answer = json.dumps({"jsonrpc": "2.0", "id": request["id"], **answer})
                self.wfile.write(str(answer).encode())

    class Server(socketserver.ThreadingUnixStreamServer):
        daemon_threads = True

    with Server(str(path), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield asked
        server.shutdown()
    path.unlink()


def test_a_node_that_knows_no_subscriptions_is_asked_again_until_it_does(
    nudge: threading.Event, hurried: None, caplog: pytest.LogCaptureFixture, work_folder: Path
) -> None:
    caplog.set_level(logging.INFO, logger=module.__name__)
    answers: dict[str, Callable[[], object]] = {
        "eth_subscribe": lambda: {"error": {"code": -32601, "message": f"no such method for {KEY}"}},
        "eth_blockNumber": lambda: {"result": "0x1"},
    }
    path = work_folder / "old.ipc"
    with answering(path, answers) as asked, Heads(str(path), nudge=nudge) as heads:
        assert wait_until(lambda: len(asked) > 2)
        assert not heads.healthy
        assert [(record.levelname, record.getMessage()) for record in said(caplog)] == [
            ("INFO", f"heads: ipc://{path} announces no heads (error -32601): the mirror polls")
        ]
        answers["eth_subscribe"] = lambda: {"result": "0x1"}
        assert wait_until(lambda: heads.healthy)


def test_a_subscription_that_says_nothing_of_a_head_that_moves_is_made_anew(
    nudge: threading.Event, hurried: None, caplog: pytest.LogCaptureFixture, work_folder: Path
) -> None:
    head = count()
    answers = {"eth_subscribe": lambda: {"result": "0x1"}, "eth_blockNumber": lambda: {"result": hex(next(head))}}
    path = work_folder / "withholds.ipc"
    with answering(path, answers) as asked, Heads(f"ipc://{path}", nudge=nudge):
        assert wait_until(lambda: asked.count("eth_subscribe") > 1)
    assert "its head moves in silence" in caplog.text
    assert asked.count("eth_blockNumber") >= 3


def test_a_connection_that_is_dead_is_made_anew(nudge: threading.Event, hurried: None, work_folder: Path) -> None:
    path = work_folder / "dead.ipc"
    answers = {"eth_subscribe": lambda: {"result": "0x1"}, "eth_blockNumber": lambda: ""}
    with answering(path, answers) as asked, Heads(f"ipc://{path}", nudge=nudge):
        assert wait_until(lambda: len(asked) > 2)
    assert asked[:3] == ["eth_subscribe", "eth_blockNumber", "eth_subscribe"]


@pytest.mark.parametrize("nonsense", ["[]", "nonsense", "[1]{}", '"', '{"a": }', '{"result": 1}', "\xff"])
def test_a_node_that_talks_nonsense_is_not_healthy(
    nonsense: str, nudge: threading.Event, hurried: None, work_folder: Path
) -> None:
    path = work_folder / "nonsense.ipc"
    with answering(path, {"eth_subscribe": lambda: nonsense}) as asked, Heads(str(path), nudge=nudge) as heads:
        assert wait_until(lambda: len(asked) > 2)
        assert not heads.healthy
    assert not nudge.is_set()


def test_what_nobody_foresaw_is_logged_with_its_traceback_and_survived(
    nudge: threading.Event, hurried: None, caplog: pytest.LogCaptureFixture, work_folder: Path
) -> None:
    path = work_folder / "deep.ipc"
    with answering(path, {"eth_subscribe": lambda: '{"a":' * 9_999}) as asked, Heads(str(path), nudge=nudge):
        assert wait_until(lambda: len(asked) > 2)
    assert "(RecursionError)" in caplog.text
    assert "Traceback" in caplog.text


# -------------------------------------------------------------- the texts

objects = st.dictionaries(
    st.text(max_size=5),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=9),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=5,
    ),
    max_size=4,
)


@given(st.lists(st.tuples(objects, st.sampled_from(["", "\n", "\r\n ", "\t"])), max_size=5), st.booleans(), st.data())
def test_objects_are_found_however_their_bytes_arrive(
    sent: list[tuple[dict[str, Any], str]], ascii_only: bool, data: st.DataObject
) -> None:
    stream = "".join(json.dumps(value, ensure_ascii=ascii_only) + between for value, between in sent).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=20), label="cuts"))
    texts, found = JsonTexts(), []
    for first, last in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        texts.feed(stream[first:last])
        while (text := texts.next()) is not None:
            found.append(json.loads(text))
    assert found == [value for value, _ in sent]


def test_a_message_without_end_is_refused_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MESSAGE_LENGTH_MAX", 10)
    texts = JsonTexts()
    texts.feed(b'{"a": "bcd')
    assert texts.next() is None
    texts.feed(b"e")
    with pytest.raises(ValueError, match="Unterminated"):
        texts.next()


# --------------------------------------------------------------- the URLs


@pytest.mark.parametrize(
    ("rpc_url", "expected"),
    [
        ("http://127.0.0.1:8545", "ws://127.0.0.1:8545"),
        ("HTTPS://user:word@node.example/v2/key?http=1", "wsS://user:word@node.example/v2/key?http=1"),
        ("https://[::1]:8545/http", "wss://[::1]:8545/http"),
    ],
)
def test_the_url_for_heads_is_that_for_requests_with_another_scheme(rpc_url: str, expected: str) -> None:
    assert heads_url(rpc_url) == expected


@pytest.mark.parametrize("wrong", ["", "http://127.0.0.1:8545", "geth.ipc", "ipc://geth.ipc", f"wss:{KEY}"])
def test_another_url_is_refused_without_being_shown(wrong: str, nudge: threading.Event) -> None:
    with pytest.raises(SettingsMalformed) as refused:
        Heads(wrong, nudge=nudge)
    assert KEY not in str(refused.value)
