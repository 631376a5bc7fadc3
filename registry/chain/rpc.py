"""JSON-RPC to one node: blocks, logs, calls and raw transactions, as plain values."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import msgspec
import requests
from urllib3.exceptions import HTTPError
from web3.providers.rpc import HTTPProvider
from web3.types import RPCEndpoint

from registry.chain.urls import describe
from registry.domain.identifiers import Address, format_address
from registry.errors import Refusal, ServiceError

REQUEST_TIMEOUT_SECONDS = 20
"""Without a byte of an answer."""

ANSWER_SECONDS_MAX = 60.0
"""Until the whole of an answer is there, or the next byte of one that is late."""

ANSWER_BYTES_MAX = 256 * 1024 * 1024
"""Of an answer: the logs of a whole range are tens of megabytes."""

READ_BYTES_MAX = 1024 * 1024
"""Of an answer, taken at once."""

BATCH_REQUESTS_MAX = 200
"""Requests in one JSON-RPC batch; public nodes cut off longer ones."""

HASH_BYTES = 32
ADDRESS_BYTES = 20
BLOOM_BYTES = 256

BlockTag = Literal["latest", "safe", "finalized", "pending"]


class NodeUnreachable(ServiceError):
    """The node did not answer."""

    code = "node_unreachable"
    title = "The chain's node does not answer"
    default_hint = "Is it running? `counterfoil status` shows the URL; a demo or `counterfoil serve` starts a dev chain"


class RpcFailed(ServiceError):
    """The node answered with an error that is not a revert."""

    code = "rpc_failed"
    status = 502
    title = "The chain's node answered with an error"


class CallReverted(Refusal):
    """A call or transaction reverted; `data` is the raw revert data, decoded by registry.chain.reverts."""

    code = "call_reverted"
    title = "The contract reverted"

    def __init__(self, data: bytes, detail: str = "") -> None:
        super().__init__(detail)
        self.data = data


@dataclass(frozen=True, slots=True)
class Block:
    """A block header: what the mirror checks and stores. `at` in seconds."""

    number: int
    hash: bytes
    parent_hash: bytes
    at: int
    logs_bloom: bytes
    base_fee: int | None


@dataclass(frozen=True, slots=True)
class Tips:
    """The newest block, and the numbers of the safe and finalized ones; None where the chain has no such tag."""

    latest: Block
    safe: int | None
    finalized: int | None

    def number(self, tag: Literal["latest", "safe", "finalized"]) -> int:
        """The number of the block that a tag names. Raises RpcFailed for a tag that the chain has not."""
        found = {"latest": self.latest.number, "safe": self.safe, "finalized": self.finalized}[tag]
        if found is None:
            raise RpcFailed(f"the node calls no block {tag}")
        return found


@dataclass(frozen=True, slots=True)
class RawLog:
    """One log as the node gives it; its key is (block hash, log index). `topics` are one after the other."""

    address: Address
    block_number: int
    block_hash: bytes
    log_index: int
    tx_hash: bytes
    topics: bytes
    data: bytes


@dataclass(frozen=True, slots=True)
class Receipt:
    """A mined transaction."""

    tx_hash: bytes
    block_number: int
    block_hash: bytes
    succeeded: bool
    gas_used: int
    contract: Address | None
    logs: tuple[RawLog, ...]


@dataclass(frozen=True, slots=True)
class Proof:
    """Nodes of the account's and of the storage's trie, from the root on, and the word that they lead to."""

    account: tuple[bytes, ...]
    storage: tuple[bytes, ...]
    word: int


class Node:
    """One chain, reached over HTTP by one URL or several. Raises NodeUnreachable, RpcFailed and CallReverted from every
    method.

    Threads may share it. Of several URLs the first that answers is asked until it does not. Two nodes may be on two
    forks: who asks more than one thing that must fit together asks `current`. An answer of another shape than the
    method's is RpcFailed too. A URL may hold a key or a password: what is shown to anyone is `describe`.
    """

    def __init__(self, *urls: str) -> None:
        if not urls:
            raise ValueError("a node has a URL")
        self._endpoints = [_Endpoint(url) for url in urls]
        self._at = 0
        self._turning = threading.Lock()
        self._chain_id: int | None = None

    @property
    def url(self) -> str:
        """The URL that is asked now."""
        return self._endpoints[self._at].url

    def describe(self) -> str:
        """Where the node that is asked now is, without what its URL may hold besides: scheme://host:port."""
        return describe(self.url)

    def current(self) -> Node:
        """The node behind the URL that is asked now, and no other."""
        one = copy(self)
        one._endpoints, one._at = [self._endpoints[self._at]], 0
        return one

    def turn(self) -> bool:
        """Ask the next URL from now on; False where there is no other."""
        self._turn_from(self._at)
        return len(self._endpoints) > 1

    def _turn_from(self, at: int) -> None:
        """Ask the URL after this one from now on, unless another thread has turned away from it already."""
        with self._turning:
            if self._at == at:
                self._at = (at + 1) % len(self._endpoints)

    def request(self, method: str, *params: Any) -> Any:
        """One JSON-RPC request; the result as JSON."""
        try:
            answer = self._asked(lambda one: one.provider.make_request(RPCEndpoint(method), params), what=method)
        except ValueError:
            raise RpcFailed(f"{self.describe()} answered {method} with something that is no JSON") from None
        return _result(method, answer)

    def batch(self, requests_: Sequence[tuple[str, list[Any]]]) -> list[Any]:
        """Many requests in batches of at most BATCH_REQUESTS_MAX; results in order."""
        results: list[Any] = []
        for at in range(0, len(requests_), BATCH_REQUESTS_MAX):
            part = requests_[at : at + BATCH_REQUESTS_MAX]
            for (method, _), answer in zip(part, self._batch(part, Any), strict=True):
                results.append(_result(method, answer))
        return results

    def _batch(self, asked: Sequence[tuple[str, list[Any]]], shape: Any) -> list[Any]:
        """The answers to one batch in the order of what was asked: nodes give them in any."""
        body = msgspec.json.encode([_request(method, params, number) for number, (method, params) in enumerate(asked)])
        what = f"a batch of {asked[0][0]}"
        answers = _parsed(self._post(body, what=what), list[shape], what=what, where=self)
        # Without ids, as when a gateway limits the rate, nobody can say which answer is whose.
        by_id = {number: answer for answer in answers if isinstance(number := _member(answer, "id"), int)}
        if len(answers) != len(asked) or by_id.keys() != set(range(len(asked))):
            raise RpcFailed(f"{self.describe()} answered {len(asked)} requests with something else")
        return [by_id[number] for number in range(len(asked))]

    def _typed(self, shape: Any, method: str, *params: Any) -> Any:
        """The result of one request whose answer has this shape."""
        body = msgspec.json.encode(_request(method, params))
        return _typed_result(method, _parsed(self._post(body, what=method), shape, what=method, where=self))

    def _post(self, body: bytes, *, what: str) -> bytes:
        """The bytes of an answer."""
        return self._asked(lambda endpoint: endpoint.post(body), what=what)

    def _asked(self, ask: Callable[[_Endpoint], A], *, what: str) -> A:
        """What one URL answers; the next one is asked where it does not, each once whatever other threads find."""
        first = self._at
        for at in (*range(first, len(self._endpoints)), *range(first)):
            endpoint = self._endpoints[at]
            # `from None`: what requests raises names the whole URL.
            try:
                return ask(endpoint)
            except (requests.RequestException, HTTPError, ConnectionError, TimeoutError):
                failure = NodeUnreachable(f"{describe(endpoint.url)} does not answer {what}")
            self._turn_from(at)
        raise failure from None

    @property
    def chain_id(self) -> int:
        """The chain's id (EIP-155), asked once."""
        if self._chain_id is None:
            self._chain_id = self._quantity("eth_chainId")
        return self._chain_id

    def head(self) -> int:
        """Number of the newest block."""
        return self._quantity("eth_blockNumber")

    def gas_price(self) -> int:
        """What gas costs now, in wei; for chains without a base fee."""
        return self._quantity("eth_gasPrice")

    def gas_limit(self) -> int:
        """Gas that all transactions of the newest block may use together."""
        method = "eth_getBlockByNumber"
        found = self.request(method, "latest", False)
        with _shape(method):
            return _number(found["gasLimit"])

    def block(self, which: int | bytes | BlockTag) -> Block | None:
        """A header by number, hash or tag; None where the node has no such block."""
        if isinstance(which, bytes):
            method, key = "eth_getBlockByHash", "0x" + which.hex()
        else:
            method, key = "eth_getBlockByNumber", _block(which)
        found = self._typed(_HeaderAnswer, method, key, False)
        with _shape(method):
            return None if found is None else found.block()

    def tips(self) -> Tips:
        """The newest block and, where the chain knows such, the newest safe and finalized ones, asked at once."""
        method = "eth_getBlockByNumber"
        tags: list[BlockTag] = ["latest", "safe", "finalized"]
        latest, *others = self._batch([(method, [tag, False]) for tag in tags], _HeaderAnswer)
        header = _typed_result(method, latest)
        with _shape(method):
            return Tips(header.block(), *(_number_of(answer.result) for answer in others))

    def pending_at(self) -> int:
        """Timestamp of the block that a transaction sent now would be mined in, seconds, as the node has it."""
        method = "eth_getBlockByNumber"
        found = self.request(method, "pending", False)  # not all of a header: of a block to come there is no hash
        with _shape(method):
            return _number(found["timestamp"])

    def blocks(self, numbers: Iterable[int]) -> list[Block | None]:
        """Headers by number, in order; None where the node has no such block."""
        method = "eth_getBlockByNumber"
        asked = [(method, [hex(number), False]) for number in numbers]
        found: list[Block | None] = []
        for at in range(0, len(asked), BATCH_REQUESTS_MAX):
            for answer in self._batch(asked[at : at + BATCH_REQUESTS_MAX], _HeaderAnswer):
                header = _typed_result(method, answer)
                with _shape(method):
                    found.append(None if header is None else header.block())
        return found

    def logs(
        self, *, contract: Address, topics: Sequence[bytes], first: int, last: int, second: bytes | None = None
    ) -> list[RawLog]:
        """Logs of the contract whose first topic is one of `topics`, blocks first to last inclusive; only those with
        this `second` topic where one is given."""
        return self._logs(contract, topics, {"fromBlock": hex(first), "toBlock": hex(last)}, second)

    def logs_of_block(self, *, contract: Address, topics: Sequence[bytes], block_hash: bytes) -> list[RawLog]:
        """The same, of one block by its hash."""
        return self._logs(contract, topics, {"blockHash": "0x" + block_hash.hex()})

    def _logs(
        self, contract: Address, topics: Sequence[bytes], where: dict[str, str], second: bytes | None = None
    ) -> list[RawLog]:
        method = "eth_getLogs"
        wanted = [["0x" + topic.hex() for topic in topics], *([] if second is None else ["0x" + second.hex()])]
        asked = {**where, "address": format_address(contract), "topics": wanted}
        # Not by way of dictionaries: an answer may hold ten thousands of logs.
        found = self._typed(_LogsAnswer, method, asked)
        with _shape(method):
            return _raw_logs(found)

    def call(
        self, *, to: Address, data: bytes, sender: Address | None = None, block: int | bytes | BlockTag = "latest"
    ) -> bytes:
        """eth_call; the returned bytes."""
        where = {"blockHash": "0x" + block.hex()} if isinstance(block, bytes) else _block(block)
        return self._data("eth_call", _transaction(to, data, sender), where)

    def estimate_gas(self, *, to: Address | None, data: bytes, sender: Address) -> int:
        """Gas that the transaction would use."""
        return self._quantity("eth_estimateGas", _transaction(to, data, sender))

    def code(self, contract: Address) -> bytes:
        """The contract's runtime code; empty where there is none."""
        return self._data("eth_getCode", format_address(contract), "latest")

    def header_fields(self, number: int) -> Mapping[str, Any]:
        """All that the node says of one block, as JSON: what its hash is made of differs between chains."""
        method = "eth_getBlockByNumber"
        found = self.request(method, hex(number), False)
        with _shape(method):
            return {**found}

    def headers_fields(self, numbers: Iterable[int]) -> list[Mapping[str, Any]]:
        """The same of several blocks, in order."""
        method = "eth_getBlockByNumber"
        found = self.batch([(method, [hex(number), False]) for number in numbers])
        with _shape(method):
            return [{**fields} for fields in found]

    def proofs(self, contract: Address, places: Sequence[bytes], *, block: int) -> list[Proof]:
        """What leads from a block's state root to words of a contract's storage (EIP-1186), in the order of places."""
        method = "eth_getProof"
        found = self.request(method, format_address(contract), ["0x" + place.hex() for place in places], hex(block))
        with _shape(method):
            account = tuple(_bytes(node) for node in found["accountProof"])
            return [
                Proof(account, tuple(_bytes(node) for node in storage["proof"]), _number(storage["value"]))
                for _, storage in zip(places, found["storageProof"], strict=True)
            ]

    def nonce(self, account: Address) -> int:
        """Next nonce of the account, pending transactions counted."""
        return self._quantity("eth_getTransactionCount", format_address(account), "pending")

    def knows_transaction(self, tx_hash: bytes) -> bool:
        """Whether the node has the transaction, mined or waiting."""
        return self.request("eth_getTransactionByHash", "0x" + tx_hash.hex()) is not None

    def receipt(self, tx_hash: bytes) -> Receipt | None:
        """The receipt, or None while the transaction is not mined."""
        found = self.request("eth_getTransactionReceipt", "0x" + tx_hash.hex())
        return None if found is None else parse_receipt(found)

    def _quantity(self, method: str, *params: Any) -> int:
        found = self.request(method, *params)
        with _shape(method):
            return _number(found)

    def _data(self, method: str, *params: Any) -> bytes:
        found = self.request(method, *params)
        with _shape(method):
            return _bytes(found)


class _Endpoint:
    """One URL with its connections: web3's provider, and the same session for answers that are too large for it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = _session(url)
        self.provider = HTTPProvider(
            url,
            request_kwargs={"timeout": REQUEST_TIMEOUT_SECONDS},
            session=self._session,
            exception_retry_configuration=None,
        )

    def post(self, body: bytes) -> bytes:
        """What is answered to a POST, unread. Raises what the session raises."""
        response = self._session.post(
            self.url, data=body, headers={"Content-Type": "application/json"}, timeout=REQUEST_TIMEOUT_SECONDS
        )
        response.raise_for_status()
        return response.content


class _Session(requests.Session):
    """A session whose answers have a time and a size that they may not exceed."""

    def send(self, request: requests.PreparedRequest, **how: Any) -> requests.Response:
        """The answer, read to its end. Raises RpcFailed for too much, TimeoutError for too late, and what requests and
        urllib3 raise."""
        late_at = time.monotonic() + ANSWER_SECONDS_MAX
        response = super().send(request, **how | {"stream": True})
        try:
            # As requests keeps what it has read itself: through a file it would be copied thrice.
            response._content, response._content_consumed = _read(response, late_at), True  # type: ignore[attr-defined]
        except BaseException:
            response.close()
            raise
        return response


def _read(response: requests.Response, late_at: float) -> bytes:
    # What is there is taken as it comes: the time limit of the connection begins anew with every byte.
    parts, size = [], 0
    while part := response.raw.read1(READ_BYTES_MAX, decode_content=True):
        parts.append(part)
        size += len(part)
        if size > ANSWER_BYTES_MAX:
            raise RpcFailed(f"{describe(response.url)} answered with more than {ANSWER_BYTES_MAX} bytes")
        if time.monotonic() > late_at:
            raise TimeoutError
    return b"".join(parts)


def _request(method: str, params: Sequence[Any], number: int = 0) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


class _Header(msgspec.Struct):
    """A header as a node writes it."""

    number: str
    hash: str
    parentHash: str  # noqa: N815  (the node's spelling, here and below)
    timestamp: str
    logsBloom: str  # noqa: N815
    baseFeePerGas: str | None = None  # noqa: N815

    def block(self) -> Block:
        """The same in bytes and numbers. ValueError where it is none."""
        return Block(
            number=_number(self.number),
            hash=_bytes(self.hash, HASH_BYTES),
            parent_hash=_bytes(self.parentHash, HASH_BYTES),
            at=_number(self.timestamp),
            logs_bloom=_bytes(self.logsBloom, BLOOM_BYTES),
            base_fee=None if self.baseFeePerGas is None else _number(self.baseFeePerGas),
        )


class _Log(msgspec.Struct):
    """A log as a node writes it."""

    address: str
    blockNumber: str  # noqa: N815
    blockHash: str  # noqa: N815
    logIndex: str  # noqa: N815
    transactionHash: str  # noqa: N815
    topics: list[str]
    data: str


class _HeaderAnswer(msgspec.Struct):
    id: int | None = None
    result: _Header | msgspec.UnsetType | None = msgspec.UNSET
    error: Any = None


class _LogsAnswer(msgspec.Struct):
    id: int | None = None
    result: list[_Log] | msgspec.UnsetType = msgspec.UNSET
    error: Any = None


def _typed_result(method: str, answer: Any) -> Any:
    """The result of a typed answer. Raises what _result raises."""
    if answer.error is None and answer.result is not msgspec.UNSET:
        return answer.result
    return _result(method, {"error": answer.error} if answer.error is not None else {})


def _number_of(header: _Header | msgspec.UnsetType | None) -> int | None:
    return _number(header.number) if isinstance(header, _Header) else None


def _raw_logs(logs: Iterable[_Log]) -> list[RawLog]:
    """Logs in bytes and numbers; what many of one range share is read once. ValueError where one is none."""
    shared = {}
    found = []
    for log in logs:
        for text, length in (
            (log.address, ADDRESS_BYTES),
            (log.blockHash, HASH_BYTES),
            (log.transactionHash, HASH_BYTES),
        ):
            if text not in shared:
                shared[text] = _bytes(text, length)
        topics = "".join([topic.removeprefix("0x") for topic in log.topics])
        found.append(
            RawLog(
                shared[log.address],
                _number(log.blockNumber),
                shared[log.blockHash],
                _number(log.logIndex),
                shared[log.transactionHash],
                _bytes(topics, len(log.topics) * HASH_BYTES),
                _bytes(log.data),
            )
        )
    return found


T = TypeVar("T")
A = TypeVar("A")


def _parsed(body: bytes, shape: type[T], *, what: str, where: Node) -> T:
    """An answer of this shape. Raises RpcFailed for any other."""
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        raise RpcFailed(f"{where.describe()} answered {what} with something that is no JSON-RPC") from None


def _member(answer: Any, name: str) -> Any:
    return answer.get(name) if isinstance(answer, dict) else getattr(answer, name, None)


def _session(url: str) -> requests.Session:
    """A session for this URL alone, with what the environment says of it: proxies, certificates, a netrc's password.

    Left to itself a session looks all of this up for every request, which takes as long as the request.
    """
    session = _Session()
    found = session.merge_environment_settings(url, {}, None, None, None)
    session.proxies, session.verify = found["proxies"], found["verify"]
    session.auth = requests.utils.get_netrc_auth(url)
    session.trust_env = False
    return session


def parse_receipt(receipt: Any) -> Receipt:
    """A receipt from its JSON. Raises RpcFailed for JSON that is none."""
    with _shape("a transaction"):
        contract = receipt.get("contractAddress")
        return Receipt(
            tx_hash=_bytes(receipt["transactionHash"], HASH_BYTES),
            block_number=_number(receipt["blockNumber"]),
            block_hash=_bytes(receipt["blockHash"], HASH_BYTES),
            succeeded=_number(receipt["status"]) == 1,
            gas_used=_number(receipt["gasUsed"]),
            contract=_bytes(contract, ADDRESS_BYTES) if contract else None,
            logs=tuple(_raw_logs(msgspec.convert(receipt["logs"], list[_Log]))),
        )


@contextmanager
def _shape(what: str) -> Iterator[None]:
    """Whatever goes wrong in here is the shape of an answer. Raises RpcFailed."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, msgspec.ValidationError) as error:
        raise RpcFailed(f"{what} was answered with something of another shape") from error


def _result(method: str, response: Any) -> Any:
    if not isinstance(response, dict) or not response.keys() & {"result", "error"}:
        raise RpcFailed(f"{method} was answered with something that is no JSON-RPC")
    error = response.get("error")
    if error is None:
        return response.get("result")
    if isinstance(error, dict):
        data = error.get("data")
        message = str(error.get("message", ""))
        if isinstance(data, dict):  # some nodes wrap the revert data once more
            data = data.get("data")
        if error.get("code") == 3 or "revert" in message.lower():
            with _shape(method):
                raise CallReverted(_bytes(data) if isinstance(data, str) and data.startswith("0x") else b"", message)
        raise RpcFailed(f"{method}: {message}")
    raise RpcFailed(f"{method}: {error}")


def _block(which: int | BlockTag) -> str:
    return hex(which) if isinstance(which, int) else which


def _bytes(text: str, length: int | None = None) -> bytes:
    """Bytes of 0x and hex digits, of a given length where one is due. ValueError for any other text."""
    found = bytes.fromhex(text.removeprefix("0x"))
    if length is not None and len(found) != length:
        raise ValueError(f"{len(found)} bytes where {length} are due")
    return found


def _number(text: str) -> int:
    """A quantity from its hex text. ValueError for any other text."""
    found = int(text, 16)
    if found < 0:
        raise ValueError("a negative quantity")
    return found


def _transaction(to: Address | None, data: bytes, sender: Address | None) -> dict[str, str]:
    transaction = {"data": "0x" + data.hex()}
    if to is not None:
        transaction["to"] = format_address(to)
    if sender is not None:
        transaction["from"] = format_address(sender)
    return transaction
