"""JSON-RPC to one node: blocks, logs, calls and raw transactions, as plain values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import requests
from web3.providers.rpc import HTTPProvider

from registry.domain.identifiers import Address, format_address
from registry.errors import Refusal, ServiceError

REQUEST_TIMEOUT_SECONDS = 20
BATCH_REQUESTS_MAX = 200
"""Requests in one JSON-RPC batch; public nodes cut off longer ones."""

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
    """One node, reached over HTTP. Raises NodeUnreachable, RpcFailed and CallReverted from every method."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._provider = HTTPProvider(
            url, request_kwargs={"timeout": REQUEST_TIMEOUT_SECONDS}, exception_retry_configuration=None
        )
        self._chain_id: int | None = None

    def request(self, method: str, *params: Any) -> Any:
        """One JSON-RPC request; the result as JSON."""
        try:
            response = self._provider.make_request(method, list(params))
        except (requests.RequestException, ConnectionError) as error:
            raise NodeUnreachable(f"{self.url} does not answer {method}") from error
        except ValueError as error:
            raise RpcFailed(f"{self.url} answered {method} with something that is no JSON") from error
        return _result(method, response)

    def batch(self, requests_: Sequence[tuple[str, list[Any]]]) -> list[Any]:
        """Many requests in batches of at most BATCH_REQUESTS_MAX; results in order."""
        results: list[Any] = []
        for at in range(0, len(requests_), BATCH_REQUESTS_MAX):
            part = requests_[at : at + BATCH_REQUESTS_MAX]
            try:
                answers = self._provider.make_batch_request([*part])  # type: ignore[list-item]  # methods of Anvil
            except (requests.RequestException, ConnectionError) as error:
                raise NodeUnreachable(f"{self.url} does not answer a batch of {part[0][0]}") from error
            except ValueError as error:
                raise RpcFailed(f"{self.url} answered {len(part)} requests with something that is no JSON") from error
            # Without ids, as when a gateway limits the rate, nobody can say which answer is whose.
            identified = isinstance(answers, list) and all(answer.get("id") is not None for answer in answers)
            if not identified or len(answers) != len(part):
                raise RpcFailed(f"{self.url} answered {len(part)} requests with something else")
            ordered = sorted(answers, key=lambda answer: int(answer["id"]))
            results.extend(_result(method, answer) for (method, _), answer in zip(part, ordered, strict=True))
        return results

    @property
    def chain_id(self) -> int:
        """The chain's id (EIP-155), asked once."""
        if self._chain_id is None:
            self._chain_id = int(self.request("eth_chainId"), 16)
        return self._chain_id

    def head(self) -> int:
        """Number of the newest block."""
        return int(self.request("eth_blockNumber"), 16)

    def block(self, which: int | bytes | BlockTag) -> Block | None:
        """A header by number, hash or tag; None where the node has no such block."""
        if isinstance(which, bytes):
            found = self.request("eth_getBlockByHash", "0x" + which.hex(), False)
        else:
            found = self.request("eth_getBlockByNumber", _block(which), False)
        return None if found is None else _parse_block(found)

    def blocks(self, numbers: Iterable[int]) -> list[Block | None]:
        """Headers by number, in order; None where the node has no such block."""
        found = self.batch([("eth_getBlockByNumber", [hex(number), False]) for number in numbers])
        return [None if block is None else _parse_block(block) for block in found]

    def logs(self, *, contract: Address, topics: Sequence[bytes], first: int, last: int) -> list[RawLog]:
        """Logs of the contract whose first topic is one of `topics`, blocks first to last inclusive."""
        return self._logs(contract, topics, {"fromBlock": hex(first), "toBlock": hex(last)})

    def logs_of_block(self, *, contract: Address, topics: Sequence[bytes], block_hash: bytes) -> list[RawLog]:
        """The same, of one block by its hash."""
        return self._logs(contract, topics, {"blockHash": "0x" + block_hash.hex()})

    def _logs(self, contract: Address, topics: Sequence[bytes], where: dict[str, str]) -> list[RawLog]:
        found = self.request(
            "eth_getLogs",
            {**where, "address": format_address(contract), "topics": [["0x" + topic.hex() for topic in topics]]},
        )
        return [_parse_log(log) for log in found]

    def call(
        self, *, to: Address, data: bytes, sender: Address | None = None, block: int | bytes | BlockTag = "latest"
    ) -> bytes:
        """eth_call; the returned bytes."""
        where = {"blockHash": "0x" + block.hex()} if isinstance(block, bytes) else _block(block)
        return _bytes(self.request("eth_call", _transaction(to, data, sender), where))

    def estimate_gas(self, *, to: Address | None, data: bytes, sender: Address) -> int:
        """Gas that the transaction would use."""
        return int(self.request("eth_estimateGas", _transaction(to, data, sender)), 16)

    def code(self, contract: Address) -> bytes:
        """The contract's runtime code; empty where there is none."""
        return _bytes(self.request("eth_getCode", format_address(contract), "latest"))

    def nonce(self, account: Address) -> int:
        """Next nonce of the account, pending transactions counted."""
        return int(self.request("eth_getTransactionCount", format_address(account), "pending"), 16)

    def receipt(self, tx_hash: bytes) -> Receipt | None:
        """The receipt, or None while the transaction is not mined."""
        found = self.request("eth_getTransactionReceipt", "0x" + tx_hash.hex())
        return None if found is None else parse_receipt(found)


def parse_receipt(receipt: dict[str, Any]) -> Receipt:
    """A receipt from its JSON."""
    contract = receipt.get("contractAddress")
    return Receipt(
        tx_hash=_bytes(receipt["transactionHash"]),
        block_number=int(receipt["blockNumber"], 16),
        block_hash=_bytes(receipt["blockHash"]),
        succeeded=int(receipt["status"], 16) == 1,
        gas_used=int(receipt["gasUsed"], 16),
        contract=_bytes(contract) if contract else None,
        logs=tuple(_parse_log(log) for log in receipt["logs"]),
    )


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
            raise CallReverted(_bytes(data) if isinstance(data, str) and data.startswith("0x") else b"", message)
        raise RpcFailed(f"{method}: {message}")
    raise RpcFailed(f"{method}: {error}")


def _block(which: int | BlockTag) -> str:
    return hex(which) if isinstance(which, int) else which


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


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
        number=int(block["number"], 16),
        hash=_bytes(block["hash"]),
        parent_hash=_bytes(block["parentHash"]),
        at=int(block["timestamp"], 16),
        logs_bloom=_bytes(block["logsBloom"]),
        base_fee=int(base_fee, 16) if base_fee is not None else None,
    )


def _parse_log(log: dict[str, Any]) -> RawLog:
    return RawLog(
        block_number=int(log["blockNumber"], 16),
        block_hash=_bytes(log["blockHash"]),
        log_index=int(log["logIndex"], 16),
        tx_hash=_bytes(log["transactionHash"]),
        topics=tuple(_bytes(topic) for topic in log["topics"]),
        data=_bytes(log["data"]),
    )
