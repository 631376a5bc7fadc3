"""JSON-RPC to one node: blocks, logs, calls and raw transactions, as plain values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

import requests
from web3.providers.rpc import HTTPProvider

from registry.domain.identifiers import Address, format_address
from registry.errors import Refusal, ServiceError

REQUEST_TIMEOUT_SECONDS = 20
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
class RawLog:
    """One log as the node gives it; its key is (block hash, log index)."""

    address: Address
    block_number: int
    block_hash: bytes
    log_index: int
    tx_hash: bytes
    topics: tuple[bytes, ...]
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


class Node:
    """One node, reached over HTTP. Raises NodeUnreachable, RpcFailed and CallReverted from every method.

    An answer of another shape than the method's is RpcFailed too. `url` may hold a key or a password: what is shown to
    anyone is `describe`.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._provider = HTTPProvider(
            url,
            request_kwargs={"timeout": REQUEST_TIMEOUT_SECONDS},
            session=_session(url),
            exception_retry_configuration=None,
        )
        self._chain_id: int | None = None

    def describe(self) -> str:
        """Where the node is, without what its URL may hold besides: scheme://host:port."""
        try:
            parts = urlsplit(self.url)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            return "the node"
        host = f"[{host}]" if ":" in host else host
        return f"{parts.scheme}://{host}" + ("" if port is None else f":{port}")

    def request(self, method: str, *params: Any) -> Any:
        """One JSON-RPC request; the result as JSON."""
        # `from None` here and below: what requests raises names the whole URL.
        try:
            response = self._provider.make_request(method, list(params))
        except (requests.RequestException, ConnectionError):
            raise NodeUnreachable(f"{self.describe()} does not answer {method}") from None
        except ValueError:
            raise RpcFailed(f"{self.describe()} answered {method} with something that is no JSON") from None
        return _result(method, response)

    def batch(self, requests_: Sequence[tuple[str, list[Any]]]) -> list[Any]:
        """Many requests in batches of at most BATCH_REQUESTS_MAX; results in order."""
        results: list[Any] = []
        for at in range(0, len(requests_), BATCH_REQUESTS_MAX):
            part = requests_[at : at + BATCH_REQUESTS_MAX]
            try:
                answers = self._provider.make_batch_request([*part])  # type: ignore[list-item]  # methods of Anvil
            except (requests.RequestException, ConnectionError):
                raise NodeUnreachable(f"{self.describe()} does not answer a batch of {part[0][0]}") from None
            except (ValueError, TypeError, AttributeError, KeyError):  # no JSON, or a list of something else
                raise RpcFailed(f"{self.describe()} answered {len(part)} requests with something else") from None
            results.extend(
                _result(method, answer) for (method, _), answer in zip(part, self._in_order(answers, part), strict=True)
            )
        return results

    def _in_order(self, answers: Any, asked: Sequence[object]) -> list[dict[str, Any]]:
        """The answers to a batch by their ids, which the provider counts upwards."""
        # Without ids, as when a gateway limits the rate, nobody can say which answer is whose.
        by_id: dict[int, dict[str, Any]] = {}
        answers = answers if isinstance(answers, list) else []
        for answer in answers:
            if isinstance(answer, dict) and isinstance(answer.get("id"), int):
                by_id[answer["id"]] = answer
        if not len(by_id) == len(answers) == len(asked):
            raise RpcFailed(f"{self.describe()} answered {len(asked)} requests with something else")
        return [by_id[key] for key in sorted(by_id)]

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
        found = self.request(method, key, False)
        with _shape(method):
            return None if found is None else _parse_block(found)

    def pending_at(self) -> int:
        """Timestamp of the block that a transaction sent now would be mined in, seconds, as the node has it."""
        method = "eth_getBlockByNumber"
        found = self.request(method, "pending", False)  # not all of a header: of a block to come there is no hash
        with _shape(method):
            return _number(found["timestamp"])

    def blocks(self, numbers: Iterable[int]) -> list[Block | None]:
        """Headers by number, in order; None where the node has no such block."""
        method = "eth_getBlockByNumber"
        found = self.batch([(method, [hex(number), False]) for number in numbers])
        with _shape(method):
            return [None if block is None else _parse_block(block) for block in found]

    def logs(self, *, contract: Address, topics: Sequence[bytes], first: int, last: int) -> list[RawLog]:
        """Logs of the contract whose first topic is one of `topics`, blocks first to last inclusive."""
        return self._logs(contract, topics, {"fromBlock": hex(first), "toBlock": hex(last)})

    def logs_of_block(self, *, contract: Address, topics: Sequence[bytes], block_hash: bytes) -> list[RawLog]:
        """The same, of one block by its hash."""
        return self._logs(contract, topics, {"blockHash": "0x" + block_hash.hex()})

    def _logs(self, contract: Address, topics: Sequence[bytes], where: dict[str, str]) -> list[RawLog]:
        method = "eth_getLogs"
        found = self.request(
            method,
            {**where, "address": format_address(contract), "topics": [["0x" + topic.hex() for topic in topics]]},
        )
        with _shape(method):
            return _parse_logs(found)

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


def _session(url: str) -> requests.Session:
    """A session for this URL alone, with what the environment says of it: proxies, certificates, a netrc's password.

    Left to itself a session looks all of this up for every request, which takes as long as the request.
    """
    session = requests.Session()
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
            logs=tuple(_parse_logs(receipt["logs"])),
        )


@contextmanager
def _shape(what: str) -> Iterator[None]:
    """Whatever goes wrong in here is the shape of an answer. Raises RpcFailed."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
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


def _parse_block(block: dict[str, Any]) -> Block:
    base_fee = block.get("baseFeePerGas")
    return Block(
        number=_number(block["number"]),
        hash=_bytes(block["hash"], HASH_BYTES),
        parent_hash=_bytes(block["parentHash"], HASH_BYTES),
        at=_number(block["timestamp"]),
        logs_bloom=_bytes(block["logsBloom"], BLOOM_BYTES),
        base_fee=_number(base_fee) if base_fee is not None else None,
    )


def _parse_logs(logs: Any) -> list[RawLog]:
    if not isinstance(logs, list):
        raise TypeError("logs come in a list")
    return [_parse_log(log) for log in logs]


def _parse_log(log: dict[str, Any]) -> RawLog:
    return RawLog(
        address=_bytes(log["address"], ADDRESS_BYTES),
        block_number=_number(log["blockNumber"]),
        block_hash=_bytes(log["blockHash"], HASH_BYTES),
        log_index=_number(log["logIndex"]),
        tx_hash=_bytes(log["transactionHash"], HASH_BYTES),
        topics=tuple(_bytes(topic, HASH_BYTES) for topic in log["topics"]),
        data=_bytes(log["data"]),
    )
