"""One node over JSON-RPC: values in and out of a real Anvil, and nodes that are down, slow or talk nonsense."""

from __future__ import annotations

import gzip
import json
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from typing import Any

import pytest
from eth_utils.crypto import keccak

from registry.chain import rpc
from registry.chain.contract import Calls, receivables_abi
from registry.chain.rpc import BATCH_REQUESTS_MAX, CallReverted, Node, NodeUnreachable, RpcFailed
from registry.domain.decode import ENTRY_TOPICS
from registry.domain.journal import Registered
from registry.processes import free_port
from tests.scene import BUYER, SELLER, STRANGER, Scene

# ------------------------------------------------------------- a real node


def test_blocks_are_found_by_number_hash_and_tag(scene: Scene) -> None:
    node = scene.node
    head = node.head()
    newest = node.block("latest")
    assert newest is not None
    assert (newest.number, node.block(head), node.block(newest.hash)) == (head, newest, newest)
    assert node.block(head + 1) is None
    assert node.block(b"\x01" * 32) is None
    parent = node.block(head - 1)
    assert parent is not None
    assert parent.hash == newest.parent_hash


def test_the_time_that_a_transaction_would_see_goes_on_between_blocks(scene: Scene) -> None:
    latest = scene.now
    time.sleep(1.1)
    assert scene.now == latest
    pending = scene.node.pending_at()
    assert pending > latest
    scene.mine(1)
    assert pending <= scene.now <= pending + 2


def test_many_blocks_come_in_order_also_beyond_one_batch(scene: Scene) -> None:
    scene.mine(BATCH_REQUESTS_MAX + 5)
    head = scene.node.head()
    numbers = [*range(head - BATCH_REQUESTS_MAX - 4, head + 1), head + 9, 0]
    found = scene.node.blocks(numbers)
    assert [block.number if block else None for block in found] == [*numbers[:-2], None, 0]


def test_logs_are_those_of_the_contract_and_the_topics(scene: Scene) -> None:
    first = scene.node.head() + 1
    scene.confirmed()
    last = scene.node.head()
    logs = scene.node.logs(contract=scene.deployment.receivables, topics=ENTRY_TOPICS, first=first, last=last)
    assert [log.topics[:32] in ENTRY_TOPICS for log in logs] == [True, True]  # and no Transfer
    registered = scene.node.logs(
        contract=scene.deployment.receivables, topics=[Registered.topic()], first=first, last=last
    )
    assert registered == logs[:1]
    assert (
        scene.node.logs_of_block(
            contract=scene.deployment.receivables, topics=ENTRY_TOPICS, block_hash=logs[0].block_hash
        )
        == logs[:1]
    )
    assert scene.node.logs(contract=scene.address(SELLER), topics=ENTRY_TOPICS, first=first, last=last) == []


def test_a_receipt_is_found_by_its_hash(scene: Scene) -> None:
    receipt = scene.send(SELLER, Calls.register(scene.claim()))
    assert scene.node.receipt(receipt.tx_hash) == receipt
    assert receipt.succeeded
    assert receipt.contract is None
    assert scene.node.receipt(b"\x07" * 32) is None


def test_a_revert_carries_its_data(scene: Scene) -> None:
    to, data = scene.deployment.receivables, Calls.register(scene.claim(face=0))
    for attempt in (
        lambda: scene.node.call(to=to, data=data, sender=scene.address(SELLER)),
        lambda: scene.node.estimate_gas(to=to, data=data, sender=scene.address(SELLER)),
    ):
        with pytest.raises(CallReverted) as reverted:
            attempt()
        assert reverted.value.data == keccak(text="FaceMissing()")[:4]


def test_code_and_nonce_are_read(scene: Scene) -> None:
    assert scene.node.code(scene.deployment.receivables)
    assert scene.node.code(scene.address(STRANGER)) == b""
    before = scene.node.nonce(scene.address(BUYER))
    scene.act(BUYER, Calls.refuse(receivable_id=(number := scene.register()), terms=scene.claims[number][0], reason=1))
    assert scene.node.nonce(scene.address(BUYER)) == before + 1


def test_an_unknown_method_is_an_answer_not_a_revert(scene: Scene) -> None:
    with pytest.raises(RpcFailed, match="eth_noSuchThing") as failed:
        scene.node.request("eth_noSuchThing")
    assert failed.value.code == "rpc_failed"


def test_one_bad_request_fails_its_batch_by_name(scene: Scene) -> None:
    with pytest.raises(RpcFailed, match="eth_noSuchThing"):
        scene.node.batch([("eth_chainId", []), ("eth_noSuchThing", [])])


# ---------------------------------------------------- nodes that misbehave


def test_a_node_that_is_down_is_unreachable_by_name() -> None:
    node = Node(f"http://127.0.0.1:{free_port()}")
    for attempt in (node.head, lambda: node.batch([("eth_chainId", [])])):
        with pytest.raises(NodeUnreachable) as refused:
            attempt()
        assert refused.value.code == "node_unreachable"
        assert node.describe() in refused.value.detail


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:secret@node.example:8545/v2/secret?key=secret", "https://node.example:8545"),
        ("https://node.example/secret", "https://node.example"),
        ("http://user:secret@[::1]:8545/secret", "http://[::1]:8545"),
        ("http://node.example:secret", "the node"),
    ],
)
def test_what_is_shown_of_a_node_holds_no_secret(url: str, shown: str) -> None:
    assert Node(url).describe() == shown


@pytest.mark.parametrize("status", [200, 403])
def test_no_failure_of_a_node_tells_its_secrets(status: int) -> None:
    with serving(lambda asked: b"<html>no</html>", status=status) as served:
        down = f"http://127.0.0.1:{free_port()}/hunter2"
        for url in (served.url.replace("http://", "http://user:hunter2@") + "/hunter2", down):
            node = Node(url)
            for attempt in (node.head, lambda node=node: node.batch([("eth_chainId", [])])):
                with pytest.raises((NodeUnreachable, RpcFailed)) as failed:
                    attempt()
                assert "hunter2" not in "".join(traceback.format_exception(failed.value)), url


Answer = Callable[[Any], bytes]


@contextmanager
def serving(answer: Answer, *, status: int = 200) -> Iterator[Node]:
    """A node that answers every request with what `answer` makes of its JSON."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            body = answer(asked)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            """Nothing: the test's output is enough."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Node(f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_node_that_does_not_answer_in_time_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rpc, "REQUEST_TIMEOUT_SECONDS", 0.2)

    def late(asked: Any) -> bytes:
        time.sleep(0.6)
        return b"{}"

    with serving(late) as node, pytest.raises(NodeUnreachable):
        node.head()


@contextmanager
def sending(parts: Callable[[], Iterator[bytes]], **headers: str) -> Iterator[Node]:
    """A node that answers with these parts, each as soon as it is made, until the other side has gone."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            with suppress(ConnectionError):
                for part in parts():
                    self.wfile.write(part)

        def log_message(self, *arguments: object) -> None:
            """Nothing: the test's output is enough."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            node = Node(f"http://127.0.0.1:{server.server_port}")
            yield node
        finally:
            node._endpoints[0]._session.close()
            server.shutdown()
            thread.join()


HEAD = b'{"jsonrpc": "2.0", "id": 0, "result": "0x10"}'


def test_a_node_that_answers_byte_after_byte_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rpc, "ANSWER_SECONDS_MAX", 0.2)

    def slowly() -> Iterator[bytes]:
        for _ in range(100):
            yield b" "
            time.sleep(0.05)
        yield HEAD

    with sending(slowly, Content_Length=str(100 + len(HEAD))) as node, pytest.raises(NodeUnreachable):
        node.head()


def test_an_answer_without_an_end_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rpc, "ANSWER_BYTES_MAX", 1_000_000)

    def much() -> Iterator[bytes]:
        yield b"%x\r\n" % (4_000_000 + len(HEAD)) + HEAD
        for _ in range(400):
            yield b" " * 10_000
        yield b"\r\n0\r\n\r\n"

    with sending(much, Transfer_Encoding="chunked") as node, pytest.raises(RpcFailed, match="more than 1000000 bytes"):
        node.head()


def test_an_answer_may_be_compressed_and_in_pieces() -> None:
    def pieces() -> Iterator[bytes]:
        for byte in gzip.compress(HEAD):
            yield b"1\r\n%c\r\n" % byte
        yield b"0\r\n\r\n"

    with sending(pieces, Transfer_Encoding="chunked", Content_Encoding="gzip") as node:
        assert [node.head(), node.head()] == [16, 16]


def test_an_answer_that_breaks_off_is_unreachable() -> None:
    broken = sending(lambda: iter([HEAD]), Content_Length="100", Connection="close")
    with broken as node, pytest.raises(NodeUnreachable):
        node.head()


def test_one_connection_serves_all_requests_of_a_thread() -> None:
    with sending(lambda: iter([HEAD]), Content_Length=str(len(HEAD))) as node:
        assert [node.head() for _ in range(5)] == [16] * 5
        pools = node._endpoints[0]._session.get_adapter(node.url).poolmanager.pools
        assert [pools[key].num_connections for key in pools.keys()] == [1]  # noqa: SIM118  (no mapping)


def test_a_gateways_error_page_is_unreachable() -> None:
    with serving(lambda asked: b"<html>Bad Gateway</html>", status=502) as node, pytest.raises(NodeUnreachable):
        node.head()


@pytest.mark.parametrize("body", [b"", b"<html>welcome</html>", b"null", b"[]", b"7", b'"word"', b"{}", b"\xff\xfe"])
def test_an_answer_that_is_no_json_rpc_is_refused_by_name(body: bytes) -> None:
    with serving(lambda asked: body) as node:
        for attempt in (node.head, lambda: node.batch([("eth_chainId", [])])):
            with pytest.raises(RpcFailed):
                attempt()


EVERY_READ: list[Callable[[Node], object]] = [
    lambda node: node.chain_id,
    Node.head,
    Node.gas_price,
    lambda node: node.block(1),
    lambda node: node.block(b"\x01" * 32),
    lambda node: node.blocks([1]),
    lambda node: node.logs(contract=b"\x01" * 20, topics=[b"\x02" * 32], first=1, last=2),
    lambda node: node.call(to=b"\x01" * 20, data=b""),
    lambda node: node.estimate_gas(to=None, data=b"", sender=b"\x01" * 20),
    lambda node: node.code(b"\x01" * 20),
    lambda node: node.nonce(b"\x01" * 20),
    lambda node: node.receipt(b"\x01" * 32),
    Node.gas_limit,
]
NULL_IS_NO_SUCH_THING = {3, 4, 5, 11}
"""Reads for which null says that there is no such block or receipt."""


@pytest.mark.parametrize(
    "result", [None, 7, True, [None], {}, {"hash": 1}, "0xzz", "word", [{"address": "0x"}], ["0x"]]
)
def test_a_result_of_another_shape_is_refused_by_name(result: Any) -> None:
    def answer(asked: Any) -> bytes:
        items = asked if isinstance(asked, list) else [asked]
        answers = [{"jsonrpc": "2.0", "id": item["id"], "result": result} for item in items]
        return json.dumps(answers if isinstance(asked, list) else answers[0]).encode()

    with serving(answer) as node:
        for number, read in enumerate(EVERY_READ):
            if result is not None or number not in NULL_IS_NO_SUCH_THING:
                with pytest.raises(RpcFailed):
                    read(node)


@pytest.mark.parametrize("change", [{"hash": "0x12"}, {"logsBloom": None}, {"number": None}, {"timestamp": "soon"}])
def test_a_header_that_is_none_is_refused_by_name(scene: Scene, change: dict[str, Any]) -> None:
    header = scene.node.request("eth_getBlockByNumber", "latest", False) | change
    with (
        serving(lambda asked: json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": header}).encode()) as node,
        pytest.raises(RpcFailed),
    ):
        node.block("latest")


@pytest.mark.parametrize("answers", [[None], [[]], [{"id": "1", "result": "0x1"}], [{"id": [], "result": "0x1"}]])
def test_a_batch_of_other_things_than_answers_is_refused(answers: list[Any]) -> None:
    with serving(lambda asked: json.dumps(answers).encode()) as node, pytest.raises(RpcFailed):
        node.batch([("eth_chainId", [])])


def test_a_batch_that_answers_one_request_twice_is_refused() -> None:
    def twice(asked: Any) -> bytes:
        return json.dumps([{"jsonrpc": "2.0", "id": asked[0]["id"], "result": "0x1"} for _ in asked]).encode()

    with serving(twice) as node, pytest.raises(RpcFailed):
        node.batch([("eth_chainId", []), ("eth_chainId", [])])


def test_a_batch_that_is_answered_out_of_order_is_put_in_order() -> None:
    def reversed_(asked: Any) -> bytes:
        answers = [{"jsonrpc": "2.0", "id": item["id"], "result": item["params"][0]} for item in asked]
        return json.dumps(answers[::-1]).encode()

    with serving(reversed_) as node:
        assert node.batch([("m", [number]) for number in range(9)]) == list(range(9))


def test_a_batch_whose_answers_name_no_request_is_refused() -> None:
    """As gateways do that limit the rate: nobody can say which answer is whose."""

    def limited(asked: Any) -> bytes:
        return json.dumps([{"jsonrpc": "2.0", "error": {"code": 429, "message": "slow down"}} for _ in asked]).encode()

    with serving(limited) as node, pytest.raises(RpcFailed):
        node.batch([("eth_chainId", []), ("eth_chainId", [])])


def test_a_batch_with_too_few_answers_is_refused() -> None:
    def short(asked: Any) -> bytes:
        return json.dumps([{"jsonrpc": "2.0", "id": asked[0]["id"], "result": "0x1"}]).encode()

    with serving(short) as node, pytest.raises(RpcFailed):
        node.batch([("eth_chainId", []), ("eth_chainId", [])])


@pytest.mark.parametrize(
    "error",
    [
        {"code": 3, "message": "execution reverted", "data": "0x08c379a0"},
        {"code": -32000, "message": "VM Exception: revert", "data": {"data": "0x08c379a0"}},
    ],
)
def test_reverts_are_known_in_the_dialects_of_nodes(error: dict[str, Any]) -> None:
    def reverting(asked: Any) -> bytes:
        return json.dumps({"jsonrpc": "2.0", "id": asked["id"], "error": error}).encode()

    with serving(reverting) as node, pytest.raises(CallReverted) as reverted:
        node.call(to=b"\x01" * 20, data=receivables_abi().selector("count"))
    assert reverted.value.data.hex() == "08c379a0"


def test_the_gas_of_a_block_is_what_the_chain_was_given(node: Node) -> None:
    before = node.gas_limit()
    for limit in (before + 1, before):  # and back, for the tests to come
        node.request("evm_setBlockGasLimit", hex(limit))
        node.request("evm_mine")
        assert node.gas_limit() == limit


# ------------------------------------------------------------- several URLs


def test_the_next_url_is_asked_where_one_does_not_answer(node: Node) -> None:
    both = Node(f"http://127.0.0.1:{free_port()}", node.url)
    assert both.head() == node.head()
    assert both.url == node.url


def test_one_of_several_fails_alone(node: Node) -> None:
    down = f"http://127.0.0.1:{free_port()}"
    both = Node(down, node.url)
    one = both.current()
    with pytest.raises(NodeUnreachable):
        one.head()
    assert one.url == both.url == down
    assert both.turn()
    assert both.current().head() == node.head()
    assert not node.turn()


def test_threads_that_find_one_url_dead_at_once_all_get_the_other(node: Node) -> None:
    """Each turns away from the dead one, and none back to it."""
    both = Node(f"http://127.0.0.1:{free_port()}", node.url)
    dead, found = both._endpoints[0], threading.Barrier(2)
    without_waiting = dead.post

    def post(body: bytes) -> bytes:
        try:
            return without_waiting(body)
        finally:
            found.wait(timeout=60)

    dead.post = post  # type: ignore[method-assign]  # both are to fail before either turns
    with ThreadPoolExecutor(max_workers=2) as threads:
        heads = [threads.submit(both.block, "latest") for _ in range(2)]
        assert [one.result(timeout=60) for one in heads] == [node.block("latest")] * 2
    assert both.url == node.url


def test_of_urls_that_are_all_down_one_is_named() -> None:
    both = Node(f"http://127.0.0.1:{free_port()}", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(NodeUnreachable, match=r"127\.0\.0\.1"):
        both.head()


def test_a_tag_that_the_chain_has_not_is_no_block(node: Node) -> None:
    tips = replace(node.tips(), safe=None)
    assert tips.number("latest") == tips.latest.number
    assert tips.number("finalized") == tips.finalized
    with pytest.raises(RpcFailed, match="no block safe"):
        tips.number("safe")
