"""A node that has not seen the newest blocks: answers of a real one, as of an older head."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.faults.kinds import BLOCK_ERROR, Asked, Json, dump, error_answer

Ask = Callable[[object], Awaitable[Any]]
"""Sends one JSON-RPC request or a batch to the real node; the answer as JSON."""

BLOCK_AT = {
    "eth_getBlockByNumber": 0,
    "eth_getBlockReceipts": 0,
    "eth_call": 1,
    "eth_estimateGas": 1,
    "eth_getBalance": 1,
    "eth_getCode": 1,
    "eth_getTransactionCount": 1,
    "eth_getProof": 2,
    "eth_getStorageAt": 2,
}
"""Which parameter of a method says as of which block."""
OF_BLOCK = {
    "eth_getBlockByHash": "number",
    "eth_getTransactionByHash": "blockNumber",
    "eth_getTransactionReceipt": "blockNumber",
}
"""Where the results of other methods say of which block they are."""
UNKNOWN_BLOCK = (-32000, "unknown block")
PAST_HEAD = (-32602, "block range extends beyond current head block")


async def answer_behind(asked: Asked, ask: Ask, *, blocks: int, rng: Random) -> bytes:
    """What a node that is so many blocks behind says; `ask` reaches one that is not."""
    newest = await ask({"jsonrpc": "2.0", "id": 0, "method": "eth_blockNumber", "params": []})
    behind = _Behind(ask=ask, blocks=blocks, head=max(0, int(newest["result"], 16) - blocks), rng=rng)
    answers = await asyncio.gather(*[behind.answer(call) for call in asked.calls])
    return dump(answers if asked.batch else answers[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Behind:
    ask: Ask
    blocks: int
    head: int
    rng: Random

    async def answer(self, call: Json) -> Json:
        method, params = call["method"], [*call.get("params", [])]
        if method == "eth_blockNumber":
            return self._result(call, hex(self.head))
        if method == "eth_getLogs":
            return await self._logs(call, params[0])
        if method in BLOCK_AT:
            at = BLOCK_AT[method]
            named = params[at] if at < len(params) else "latest"
            number = await self._number(named)
            if number is None or number > self.head:
                by_number = method in {"eth_getBlockByNumber", "eth_getBlockReceipts"}
                return self._result(call, None) if by_number else error_answer(call["id"], BLOCK_ERROR)
            params[at:] = [named if isinstance(named, dict) else hex(number), *params[at + 1 :]]
        answer: Json = await self.ask({**call, "params": params})
        result = answer.get("result")
        if method in OF_BLOCK and isinstance(result, dict):
            number = result[OF_BLOCK[method]]
            if number is not None and int(number, 16) > self.head:
                return self._result(call, None)
        return answer

    async def _logs(self, call: Json, wanted: Json) -> Json:
        if "blockHash" in wanted:
            number = await self._number({"blockHash": wanted["blockHash"]})
            if number is None or number > self.head:
                return error_answer(call["id"], UNKNOWN_BLOCK)
            answer: Json = await self.ask(call)
            return answer
        first = await self._number(wanted.get("fromBlock", "latest"))
        last = await self._number(wanted.get("toBlock", "latest"))
        assert first is not None
        assert last is not None
        if first > self.head:
            # Some say so, and some find nothing.
            return error_answer(call["id"], PAST_HEAD) if self.rng.random() < 0.5 else self._result(call, [])
        known = {**wanted, "fromBlock": hex(first), "toBlock": hex(min(last, self.head))}
        answer = await self.ask({**call, "params": [known]})
        return answer

    async def _number(self, named: str | Json) -> int | None:
        """The block that a parameter names; None for a hash that nobody knows."""
        if isinstance(named, dict):
            if "blockNumber" in named:
                return int(named["blockNumber"], 16)
            found = await self._block("eth_getBlockByHash", named["blockHash"])
            return None if found is None else int(found["number"], 16)
        if named == "earliest":
            return 0
        if named in {"latest", "pending"}:
            return self.head
        if named in {"safe", "finalized"}:
            found = await self._block("eth_getBlockByNumber", named)
            return None if found is None else max(0, int(found["number"], 16) - self.blocks)
        return int(named, 16)

    async def _block(self, method: str, named: str) -> Json | None:
        answer = await self.ask({"jsonrpc": "2.0", "id": 0, "method": method, "params": [named, False]})
        found: Json | None = answer["result"]
        return found

    @staticmethod
    def _result(call: Json, result: object) -> Json:
        return {"jsonrpc": "2.0", "id": call["id"], "result": result}
