"""The faulty node in front of a real one: every fault happens, and without faults nobody notices it."""

from __future__ import annotations

import http.client
import json
import logging
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.sync.connection import Connection

from registry.chain.contract import Calls, ReceivablesView
from registry.chain.devchain import DevChain
from registry.chain.rpc import Node, NodeUnreachable, RpcFailed
from registry.domain.decode import ENTRY_TOPICS
from registry.domain.identifiers import format_address
from tests.faults import Faults, FaultyNode
from tests.faults.kinds import HTTP_ERRORS, IN_BATCHES
from tests.scene import SELLER, Scene

ANSWER_SECONDS_MAX = 10.0
QUIET_SECONDS = 0.3
"""Nothing came for so long: nothing comes."""
HEADS = 12
ROUNDS_MAX = 5
"""Each fault is left to chance, and one round of requests is nearly always enough to see all of them."""
CLIENT = httpx.Client(timeout=ANSWER_SECONDS_MAX, trust_env=False)


@pytest.fixture(scope="module")
def book(ground: Scene) -> Scene:
    """A registry with three receivables, and so with logs to spoil."""
    for _ in range(3):
        ground.confirmed()
    ground.mine(10)
    return ground


@pytest.fixture
def faulty(book: Scene) -> Iterator[FaultyNode]:
    with FaultyNode(book.node.url, seed=1) as node:
        yield node


def body(method: str, *params: Any, key: int = 1) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": key, "method": method, "params": params}).encode()


def batch(*methods: str) -> bytes:
    return b"[" + b",".join(body(method, key=key) for key, method in enumerate(methods)) + b"]"


def logs_of(book: Scene, **where: Any) -> dict[str, Any]:
    return {"fromBlock": "0x0", "toBlock": hex(book.node.head()), **where} | {
        "address": format_address(book.deployment.receivables)
    }


def post(url: str, asked: bytes) -> httpx.Response:
    return CLIENT.post(url, content=asked, headers={"Content-Type": "application/json"})


def ask(node: FaultyNode, asked: bytes) -> Any:
    return post(node.url, asked).json()


def logs(node: FaultyNode, book: Scene) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ask(node, body("eth_getLogs", logs_of(book)))["result"]
    return found


def place(log: dict[str, Any]) -> tuple[int, int]:
    return int(log["blockNumber"], 16), int(log["logIndex"], 16)


def subscribe(client: Connection) -> None:
    client.send(body("eth_subscribe", "newHeads").decode())
    assert json.loads(client.recv(timeout=ANSWER_SECONDS_MAX))["result"].startswith("0x")


def head_of(client: Connection) -> dict[str, Any]:
    """The next notification's header."""
    head: dict[str, Any] = json.loads(client.recv(timeout=ANSWER_SECONDS_MAX))["params"]["result"]
    return head


def heads_of(client: Connection, many: int) -> list[int]:
    """Numbers of the headers that come, which are so many."""
    numbers = [int(head_of(client)["number"], 16) for _ in range(many)]
    with pytest.raises(TimeoutError):
        client.recv(timeout=QUIET_SECONDS)
    return numbers


def wait_until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + ANSWER_SECONDS_MAX
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


# ---------------------------------------------------------- without faults


def test_without_faults_answers_are_the_same_to_the_byte(book: Scene, faulty: FaultyNode) -> None:
    head = hex(book.node.head())
    for asked in (
        body("eth_blockNumber"),
        body("eth_getLogs", logs_of(book)),
        body("eth_getBlockByNumber", head, True),
        body("eth_getBlockByNumber", "0xffffff", False),
        body("eth_noSuchMethod"),
        batch("eth_chainId", "eth_blockNumber", "eth_noSuchMethod"),
        b"[]",
        b"no JSON",
    ):
        direct, through = post(book.node.url, asked), post(faulty.url, asked)
        assert (through.status_code, through.headers["content-type"], through.content) == (
            direct.status_code,
            direct.headers["content-type"],
            direct.content,
        )
    assert faulty.happened() == {}
    assert faulty.requests()["eth_getBlockByNumber"] == 2
    assert faulty.requests()["eth_noSuchMethod"] == 2


# ----------------------------------------------------------------- the way


def test_an_answer_is_dropped(faulty: FaultyNode) -> None:
    faulty.faults = Faults(dropped=1)
    with pytest.raises(httpx.RemoteProtocolError, match="disconnected"):
        ask(faulty, body("eth_blockNumber"))
    with pytest.raises(NodeUnreachable):
        Node(faulty.url).head()
    assert faulty.happened("eth_blockNumber") == {"dropped": 2}


def test_an_answer_is_cut_off(faulty: FaultyNode) -> None:
    faulty.faults = Faults(truncated=1)
    connection = http.client.HTTPConnection("127.0.0.1", faulty.port, timeout=ANSWER_SECONDS_MAX)
    connection.request("POST", "/", body("eth_blockNumber"))
    with pytest.raises(http.client.IncompleteRead) as cut:
        connection.getresponse().read()
    assert cut.value.partial.startswith(b'{"jsonrpc"')
    assert faulty.happened() == {"truncated": 1}


def test_an_answer_comes_twice_and_is_taken_for_the_next_ones(faulty: FaultyNode) -> None:
    faulty.faults = Faults(duplicated=1, only=frozenset({"eth_chainId"}))
    keys = []
    with (
        socket.create_connection(("127.0.0.1", faulty.port), timeout=ANSWER_SECONDS_MAX) as connection,
        connection.makefile("rb") as answers,
    ):
        for key, method in enumerate(("eth_chainId", "eth_blockNumber", "eth_gasPrice"), start=1):
            asked = body(method, key=key)
            connection.sendall(b"POST / HTTP/1.1\r\nHost: node\r\nContent-Length: %d\r\n\r\n%b" % (len(asked), asked))
            assert answers.readline() == b"HTTP/1.1 200 OK\r\n"
            headers = http.client.parse_headers(answers)
            keys.append(json.loads(answers.read(int(headers["Content-Length"])))["id"])
    assert keys == [1, 1, 2]
    assert faulty.happened() == {"duplicated": 1}


def test_an_answer_is_no_json_rpc(faulty: FaultyNode) -> None:
    faulty.faults = Faults(garbage=1)
    seen = set()
    for _ in range(30):
        answer = post(faulty.url, body("eth_chainId"))
        assert answer.status_code == 200
        assert b'"result"' not in answer.content or not answer.content.endswith(b"}")
        seen.add(answer.content)
        with pytest.raises(RpcFailed):
            Node(faulty.url).head()
    assert len(seen) == 6
    assert faulty.happened() == {"garbage": 60}


def test_a_gateway_answers_instead_of_the_node(faulty: FaultyNode) -> None:
    faulty.faults = Faults(http_error=1)
    assert {post(faulty.url, body("eth_chainId")).status_code for _ in range(30)} == {*HTTP_ERRORS}
    faulty.faults = Faults(rate_limited=1)
    assert post(faulty.url, body("eth_chainId")).status_code == 429
    assert faulty.happened() == {"http_error": 30, "rate_limited": 1}


def test_an_answer_is_late(faulty: FaultyNode) -> None:
    faulty.faults = Faults(delayed=1, delay_seconds=(0.2, 0.3))
    began = time.monotonic()
    assert "result" in ask(faulty, body("eth_chainId"))
    assert time.monotonic() - began >= 0.2
    assert faulty.happened() == {"delayed": 1}


def test_a_node_answers_with_errors(book: Scene, faulty: FaultyNode) -> None:
    faulty.faults = Faults(rpc_error=1)
    said = {ask(faulty, body("eth_getLogs", logs_of(book)))["error"]["message"] for _ in range(40)}
    assert {"header not found", "query returned more than 10000 results", "Internal error"} < said
    shapes = set()
    for _ in range(20):
        answer = ask(faulty, batch("eth_chainId", "eth_blockNumber"))
        shapes.add("whole" if isinstance(answer, dict) else str(["error" in each for each in answer]))
    assert shapes == {"whole", "[True, False]", "[False, True]"}


def test_the_faults_are_those_of_the_methods_named(faulty: FaultyNode) -> None:
    faulty.faults = Faults(rpc_error=1, only=frozenset({"eth_blockNumber"}))
    assert "result" in ask(faulty, body("eth_chainId"))
    assert "error" in ask(faulty, body("eth_blockNumber"))
    assert faulty.happened("eth_chainId") == {}


# ----------------------------------------------------------------- batches


def test_a_batch_comes_in_another_order_in_part_or_without_ids(faulty: FaultyNode) -> None:
    asked = batch("eth_chainId", "eth_blockNumber", "eth_gasPrice")
    right = ask(faulty, asked)
    faulty.faults = Faults(batch_shuffled=1)
    shuffled = ask(faulty, asked)
    assert shuffled != right
    assert sorted(shuffled, key=lambda answer: answer["id"]) == right
    faulty.faults = Faults(batch_missing=1)
    missing = ask(faulty, asked)
    assert len(missing) == 2
    assert all(answer in right for answer in missing)
    faulty.faults = Faults(batch_without_ids=1)
    assert ask(faulty, asked) == [{"jsonrpc": "2.0", "result": answer["result"]} for answer in right]
    assert faulty.happened() == dict.fromkeys(IN_BATCHES, 1)


# -------------------------------------------------------------------- logs


def test_a_log_is_lost(book: Scene, faulty: FaultyNode) -> None:
    right = logs(faulty, book)
    faulty.faults = Faults(log_lost=1)
    found = logs(faulty, book)
    missing = [log for log in right if log not in found]
    assert len(missing) == 1
    assert found == [log for log in right if log not in missing]
    assert faulty.happened("eth_getLogs") == {"log_lost": 1}


def test_a_log_is_repeated(book: Scene, faulty: FaultyNode) -> None:
    right = logs(faulty, book)
    faulty.faults = Faults(log_repeated=1)
    found = logs(faulty, book)
    assert len(found) == len(right) + 1
    assert all(log in right for log in found)
    assert faulty.happened() == {"log_repeated": 1}


def test_logs_come_in_another_order(book: Scene, faulty: FaultyNode) -> None:
    right = logs(faulty, book)
    faulty.faults = Faults(logs_shuffled=1)
    found = logs(faulty, book)
    assert found != right
    assert sorted(found, key=place) == right
    assert faulty.happened() == {"logs_shuffled": 1}


@pytest.mark.parametrize(("faults", "part"), [(Faults(log_elsewhere=1), "blockHash"), (Faults(log_changed=1), "data")])
def test_a_log_says_something_else(book: Scene, faulty: FaultyNode, faults: Faults, part: str) -> None:
    right = logs(faulty, book)
    faulty.faults = faults
    ((before, after),) = [pair for pair in zip(right, logs(faulty, book), strict=True) if pair[0] != pair[1]]
    assert after == before | {part: after[part]}
    if part == "data":
        assert (int(before[part], 16) ^ int(after[part], 16)).bit_count() == 1
    assert faulty.happened().total() == 1


def test_every_log_of_one_receivable_is_another_one(book: Scene, faulty: FaultyNode) -> None:
    """A lying node says of the second receivable what it likes, always the same; of the third it says nothing."""

    def alter(log: dict[str, Any]) -> dict[str, Any] | None:
        if log["topics"][1] == "0x" + (2).to_bytes(32).hex():
            return {**log, "data": "0x" + bytes(len(log["data"]) // 2 - 1).hex()}
        return None if log["topics"][1] == "0x" + (3).to_bytes(32).hex() else log

    faulty.faults = Faults(alter=alter)
    where: dict[str, Any] = {
        "contract": book.deployment.receivables,
        "topics": ENTRY_TOPICS,
        "first": 0,
        "last": book.node.head(),
    }
    right, found = book.node.logs(**where), Node(faulty.url).logs(**where)
    assert found == Node(faulty.url).logs(**where)
    changed = {log.topics[32:64] for log in right if log not in found}
    assert changed == {number.to_bytes(32) for number in (2, 3)}
    assert {log.topics[32:64] for log in found} == {log.topics[32:64] for log in right} - {(3).to_bytes(32)}
    assert faulty.happened("eth_getLogs")["alter"] == 2 * len([log for log in right if log.topics[32:64] in changed])


def test_a_node_refuses_to_look_for_too_much(book: Scene, faulty: FaultyNode) -> None:
    many = len(logs(faulty, book))
    faulty.faults = Faults(logs_max=many - 1)
    refused = ask(faulty, body("eth_getLogs", logs_of(book)))
    assert refused["error"]["message"] == "query returned more than 10000 results"
    faulty.faults = Faults(logs_max=many, range_blocks_max=book.node.head() + 1)
    assert len(logs(faulty, book)) == many
    faulty.faults = Faults(range_blocks_max=book.node.head())
    assert "range" in ask(faulty, body("eth_getLogs", logs_of(book)))["error"]["message"]
    assert faulty.happened() == {"logs_max": 1, "range_blocks_max": 1}


# ----------------------------------------------------------- a node behind


def test_a_node_behind_knows_nothing_of_the_newest_blocks(book: Scene, faulty: FaultyNode) -> None:
    """All of it agrees: what it says is what the real node said then."""
    real, node = book.node, Node(faulty.url)
    contract = book.deployment.receivables
    everything: dict[str, Any] = {"contract": contract, "topics": ENTRY_TOPICS}
    before = real.head()
    then = book.view.heads([1, 2, 3, 4])
    receipt = book.send(SELLER, Calls.register(book.claim()))
    assert real.head() == before + 1
    faulty.faults = Faults(stale=1, behind_blocks=1)

    newest = real.block("latest")
    assert newest is not None
    assert node.head() == before
    assert node.block("latest") == real.block(before)
    assert node.blocks([before, before + 1]) == [real.block(before), None]
    assert node.block(newest.hash) is None
    assert node.block(newest.parent_hash) == real.block(before)
    assert node.receipt(receipt.tx_hash) is None
    assert ReceivablesView(node, contract).heads([1, 2, 3, 4]) == then
    assert ReceivablesView(real, contract).heads([1, 2, 3, 4]) != then
    assert node.nonce(book.address(SELLER)) == real.nonce(book.address(SELLER)) - 1

    assert len(receipt.logs) > 0
    assert node.logs(**everything, first=0, last=before + 1) == real.logs(**everything, first=0, last=before)
    assert node.logs_of_block(**everything, block_hash=newest.parent_hash) is not None
    with pytest.raises(RpcFailed, match="unknown block"):
        node.logs_of_block(**everything, block_hash=newest.hash)
    with pytest.raises(RpcFailed, match="header not found"):
        ReceivablesView(node, contract).heads([1], block=before + 1)
    past = {json.dumps(ask(faulty, body("eth_getLogs", {"fromBlock": hex(before + 1)}))) for _ in range(20)}
    assert sorted("error" in answer for answer in past) == [False, True]
    assert faulty.happened("eth_blockNumber") == {"stale": 1}


def test_of_several_nodes_each_request_gets_one_by_chance(book: Scene, faulty: FaultyNode) -> None:
    """The second one is a real node seen through another faulty one, so that it is behind."""
    with FaultyNode(book.node.url, faults=Faults(stale=1, behind_blocks=4)) as behind:
        faulty.upstreams = (book.node.url, behind.url)
        head = book.node.head()
        seen = [Node(faulty.url).head() for _ in range(40)]
        assert {*seen} == {head, head - 4}
        faulty.upstreams = (behind.url,)
        assert {Node(faulty.url).head() for _ in range(5)} == {head - 4}


def test_a_node_is_killed_and_another_one_takes_its_place(work_folder: Path) -> None:
    with DevChain.start(work_folder / "first", keeps=False) as first, FaultyNode(first.url) as faulty:
        node = Node(faulty.url)
        assert node.head() == 0
        with connect(faulty.ws_url, proxy=None) as client:
            subscribe(client)
            os.kill(first.pid, signal.SIGKILL)
            with pytest.raises(ConnectionClosed):
                client.recv(timeout=ANSWER_SECONDS_MAX)
        with pytest.raises(NodeUnreachable):
            node.head()
        with pytest.raises(ConnectionClosed), connect(faulty.ws_url, proxy=None) as client:
            client.recv(timeout=ANSWER_SECONDS_MAX)
        assert faulty.happened("eth_blockNumber") == {"upstream_down": 1}
        with DevChain.start(work_folder / "second", keeps=False) as second:
            faulty.upstreams = (second.url,)
            Node(second.url).request("anvil_mine", "0x3")
            assert node.block("latest") == Node(second.url).block(3)
            with connect(faulty.ws_url, proxy=None) as client:
                subscribe(client)


# --------------------------------------------------------------- WebSocket


def test_a_socket_without_faults_passes_everything_on(book: Scene, faulty: FaultyNode) -> None:
    asked = (body("eth_chainId"), body("eth_getLogs", logs_of(book)), batch("eth_chainId", "eth_blockNumber"))
    with (
        connect(book.node.url.replace("http", "ws"), proxy=None) as direct,
        connect(faulty.ws_url, proxy=None) as through,
    ):
        for each in asked:
            for client in (direct, through):
                client.send(each.decode())
            assert through.recv(timeout=ANSWER_SECONDS_MAX) == direct.recv(timeout=ANSWER_SECONDS_MAX)
        subscribe(direct)
        subscribe(through)
        book.mine(3)
        for _ in range(3):
            assert head_of(through) == head_of(direct)
    assert faulty.requests()["eth_subscribe"] == 1
    assert faulty.requests()["eth_subscription"] == 3
    assert faulty.happened() == {}


def test_heads_are_lost_repeated_and_swapped(book: Scene, faulty: FaultyNode) -> None:
    with connect(faulty.ws_url, proxy=None) as client:
        subscribe(client)
        first = book.node.head() + 1
        faulty.faults = Faults(head_swapped=1)
        book.mine(4)
        assert heads_of(client, 4) == [first + 1, first, first + 3, first + 2]
        faulty.faults = Faults(head_repeated=1)
        book.mine(2)
        assert heads_of(client, 4) == [first + 4, first + 4, first + 5, first + 5]
        faulty.faults = Faults(head_lost=0.5)
        book.mine(HEADS)
        assert wait_until(lambda: faulty.requests()["eth_subscription"] == 4 + 2 + HEADS)
        lost = faulty.happened("eth_subscription")["head_lost"]
        assert 0 < lost < HEADS
        came = heads_of(client, HEADS - lost)
        assert came == sorted(came)
    assert faulty.happened() == {"head_swapped": 2, "head_repeated": 2, "head_lost": lost}


def test_heads_are_late(book: Scene, faulty: FaultyNode) -> None:
    faulty.faults = Faults(head_delayed=1, delay_seconds=(0.2, 0.25))
    with connect(faulty.ws_url, proxy=None) as client:
        subscribe(client)
        began = time.monotonic()
        book.mine(1)
        assert int(head_of(client)["number"], 16) == book.node.head()
        assert time.monotonic() - began >= 0.2
    assert faulty.happened() == {"head_delayed": 1}


def test_a_subscription_falls_silent_though_the_socket_lives(book: Scene, faulty: FaultyNode) -> None:
    with connect(faulty.ws_url, proxy=None) as client:
        subscribe(client)
        faulty.faults = Faults(silenced=1)
        book.mine(2)
        assert wait_until(lambda: faulty.requests()["eth_subscription"] == 2)
        faulty.faults = Faults()
        book.mine(2)
        assert wait_until(lambda: faulty.requests()["eth_subscription"] == 4)
        assert heads_of(client, 0) == []
        client.send(body("eth_blockNumber").decode())
        assert json.loads(client.recv(timeout=ANSWER_SECONDS_MAX))["result"] == hex(book.node.head())
        with connect(faulty.ws_url, proxy=None) as another:
            subscribe(another)
            book.mine(1)
            assert heads_of(another, 1) == [book.node.head()]
    assert faulty.happened() == {"silenced": 1}


def test_a_socket_is_closed(book: Scene, faulty: FaultyNode) -> None:
    with connect(faulty.ws_url, proxy=None) as client:
        subscribe(client)
        faulty.faults = Faults(socket_closed=1)
        book.mine(1)
        with pytest.raises(ConnectionClosed):
            client.recv(timeout=ANSWER_SECONDS_MAX)
    assert faulty.happened() == {"socket_closed": 1}
    with connect(faulty.ws_url, proxy=None) as one, connect(faulty.ws_url, proxy=None) as other:
        subscribe(one)
        faulty.close_sockets()
        for client in (one, other):
            with pytest.raises(ConnectionClosed):
                client.recv(timeout=ANSWER_SECONDS_MAX)


def test_answers_over_a_socket_are_spoiled_too(book: Scene, faulty: FaultyNode) -> None:
    with connect(faulty.ws_url, proxy=None) as client:
        asked = body("eth_getLogs", logs_of(book)).decode()
        faulty.faults = Faults(dropped=1)
        client.send(asked)
        assert wait_until(lambda: faulty.happened()["dropped"] == 1)
        with pytest.raises(TimeoutError):
            client.recv(timeout=QUIET_SECONDS)
        faulty.faults = Faults(duplicated=1)
        client.send(asked)
        right = [client.recv(timeout=ANSWER_SECONDS_MAX) for _ in range(2)]
        assert right[0] == right[1]
        faulty.faults = Faults(truncated=1)
        client.send(asked)
        cut = client.recv(timeout=ANSWER_SECONDS_MAX)
        assert cut == right[0][: len(cut)] != right[0]
        faulty.faults = Faults(log_lost=1)
        client.send(asked)
        assert (
            len(json.loads(client.recv(timeout=ANSWER_SECONDS_MAX))["result"])
            == len(json.loads(right[0])["result"]) - 1
        )
        faulty.faults = Faults(stale=1, behind_blocks=2)
        client.send(body("eth_blockNumber").decode())
        assert json.loads(client.recv(timeout=ANSWER_SECONDS_MAX))["result"] == hex(book.node.head() - 2)
    assert faulty.happened("eth_getLogs") == {"dropped": 1, "duplicated": 1, "truncated": 1, "log_lost": 1}


# -------------------------------------------------------------- repetition


def test_a_seed_is_a_fate(book: Scene) -> None:
    def run(seed: int, *, between: bool) -> list[str]:
        fates = []
        with FaultyNode(book.node.url, seed=seed, faults=Faults(dropped=0.3, rpc_error=0.3, log_lost=0.3)) as faulty:
            for _ in range(30):
                with suppress(NodeUnreachable, RpcFailed):
                    # What others ask meanwhile does not matter.
                    if between:
                        Node(faulty.url).head()
                try:
                    fates.append(post(faulty.url, body("eth_getLogs", logs_of(book))).text)
                except httpx.RemoteProtocolError:
                    fates.append("dropped")
        return fates

    assert run(1, between=False) == run(1, between=True)
    assert run(1, between=False) != run(2, between=False)


# ------------------------------------------------------------- all at once


def test_everything_goes_wrong_at_once_and_the_faulty_node_goes_on(
    book: Scene, faulty: FaultyNode, caplog: pytest.LogCaptureFixture
) -> None:
    kinds = {field.name for field in fields(Faults) if field.type == "float"}
    everything: dict[str, Any] = dict.fromkeys(kinds, 0.15)
    faulty.faults = Faults(**everything, delay_seconds=(0, 0.01))
    asked = [
        body("eth_getLogs", logs_of(book)),
        body("eth_blockNumber"),
        batch("eth_chainId", "eth_gasPrice", "eth_call"),
    ]

    def some_requests(number: int) -> None:
        with httpx.Client(timeout=ANSWER_SECONDS_MAX, trust_env=False) as client:
            for turn in range(60):
                with suppress(httpx.RemoteProtocolError, httpx.ReadError):
                    client.post(faulty.url, content=asked[(number + turn) % len(asked)])

    def some_heads(_: int) -> None:
        for _ in range(6):
            with suppress(ConnectionClosed, TimeoutError), connect(faulty.ws_url, proxy=None) as client:
                client.send(body("eth_subscribe", "newHeads").decode())
                while True:
                    client.send(asked[1].decode())
                    client.recv(timeout=QUIET_SECONDS)
                    book.mine(1)

    for _ in range(ROUNDS_MAX):
        with ThreadPoolExecutor() as threads:
            for outcome in [threads.submit(do, number) for number in range(4) for do in (some_requests, some_heads)]:
                outcome.result()
        if {*faulty.happened()} == kinds:
            break
    assert {*faulty.happened()} == kinds
    # The clients here are cut off in the middle, of which their own library complains at times.
    complaints = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert [record for record in complaints if not record.name.startswith("websockets.client")] == []
    faulty.faults = Faults()
    assert ask(faulty, asked[0]) == json.loads(post(book.node.url, asked[0]).content)
