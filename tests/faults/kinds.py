"""What may go wrong with an answer, how often, and how it is made to go wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from random import Random
from typing import Any, Self, TypeVar

Json = dict[str, Any]
_T = TypeVar("_T")

HTTP_ERRORS = (500, 502, 503)
HTML = b"<html><body><h1>Bad Gateway</h1></body></html>"
ANY_ERROR = ((-32603, "Internal error"), (-32005, "daily request count exceeded, request rate limited"))
BLOCK_ERROR = (-32000, "header not found")
TOO_MANY_LOGS = (-32005, "query returned more than 10000 results")
TOO_MANY_BLOCKS = (-32602, "block range is too large")
"""Errors in the words of geth and of the gateways before it."""

IN_BATCHES = ("batch_shuffled", "batch_missing", "batch_without_ids")
IN_LOGS = ("log_lost", "log_repeated", "log_elsewhere", "log_changed", "logs_shuffled")


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """What goes wrong from now on; without arguments nothing does.

    A float is a probability from 0 to 1, for each request or, where a comment says so, for each notification. Several
    faults may meet in one answer. All of them happen to WebSocket requests too, but for those of HTTP's own.
    """

    # The way. A batch is one request.
    delayed: float = 0
    """The answer waits, for a while within `delay_seconds`; what it says is of before."""
    delay_seconds: tuple[float, float] = (0.01, 0.1)
    dropped: float = 0
    """The node has answered, and the connection is closed; over WebSocket the answer never comes."""
    truncated: float = 0
    """Half of the answer, then the connection is closed; over WebSocket half of a message."""
    duplicated: float = 0
    """The answer twice, one after the other, on a connection that goes on."""
    garbage: float = 0
    """An answer in due form that holds no JSON-RPC."""
    http_error: float = 0
    """HTTP_ERRORS; HTTP alone."""
    rate_limited: float = 0
    """HTTP 429; HTTP alone."""
    rpc_error: float = 0
    """A JSON-RPC error; of a batch, for one of its requests or instead of the whole answer."""

    # Batches of two and more.
    batch_shuffled: float = 0
    batch_missing: float = 0
    """One answer is missing."""
    batch_without_ids: float = 0

    # Answers to eth_getLogs with a log in them.
    log_lost: float = 0
    log_repeated: float = 0
    logs_shuffled: float = 0
    log_elsewhere: float = 0
    """One log claims to be of another block."""
    log_changed: float = 0
    """One bit of one log's data is another one."""
    alter: Callable[[Json], Json | None] | None = None
    """A lying node: what it makes of each log, always; None leaves the log out."""
    logs_max: int | None = None
    """Answers with more logs are refused, always."""
    range_blocks_max: int | None = None
    """Requests for logs of more blocks are refused, always."""

    # A node behind, among others behind one address: the request is answered as of an older head.
    stale: float = 0
    behind_blocks: int = 3

    # Notifications of eth_subscribe: probabilities for each of them.
    head_delayed: float = 0
    """It waits within `delay_seconds`, and those behind it too."""
    head_lost: float = 0
    head_repeated: float = 0
    head_swapped: float = 0
    """It comes after its successor."""
    silenced: float = 0
    """From this one on nothing comes any more on this socket, which lives; requests are answered."""
    socket_closed: float = 0

    only: frozenset[str] = frozenset()
    """Methods that the faults of requests are for; a batch counts if one of its requests does. Empty: all."""


QUIET = Faults()


class Way(Enum):
    """What becomes of an answer on its way."""

    WHOLE = auto()
    DROPPED = auto()
    TRUNCATED = auto()
    TWICE = auto()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a client gets."""

    body: bytes
    status: int = 200
    content_type: str = "application/json"
    way: Way = Way.WHOLE


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, or a batch; `calls` are empty if it is no JSON-RPC."""

    body: bytes
    calls: Sequence[Json]
    batch: bool

    @classmethod
    def parse(cls, body: bytes) -> Self:
        try:
            found = json.loads(body)
        except ValueError:
            return cls(body, [], batch=False)
        calls = found if isinstance(found, list) else [found]
        if not all(isinstance(call, dict) and isinstance(call.get("method"), str) for call in calls):
            return cls(body, [], batch=False)
        return cls(body, calls, batch=isinstance(found, list))

    @property
    def methods(self) -> list[str]:
        return [call["method"] for call in self.calls]

    @property
    def whose(self) -> str:
        """The method that its faults are counted for: the first one of a batch."""
        return self.methods[0] if self.calls else ""


@dataclass(frozen=True, slots=True)
class Fate:
    """What shall happen to one request or notification: draws of its own, each counted when it is unlucky."""

    faults: Faults
    rng: Random
    count: Callable[[str], None]

    def befalls(self, kind: str) -> bool:
        """Ask only where the fault can happen."""
        probability: float = getattr(self.faults, kind)
        unlucky = probability > 0 and self.rng.random() < probability
        if unlucky:
            self.count(kind)
        return unlucky

    def may(self, kinds: Iterable[str]) -> bool:
        return any(getattr(self.faults, kind) > 0 for kind in kinds)

    def wait_seconds(self) -> float:
        return self.rng.uniform(*self.faults.delay_seconds)

    # ---------------------------------------------------- requests and ways

    def instead(self) -> Answer | None:
        """What HTTP answers without asking the node, if anything."""
        if self.befalls("rate_limited"):
            return Answer(dump(error_answer(None, (429, "Too Many Requests"))), status=429)
        if self.befalls("http_error"):
            return Answer(HTML, status=self.rng.choice(HTTP_ERRORS), content_type="text/html")
        return None

    def on_the_way(self, answer: Answer) -> Answer:
        """The answer with what becomes of it between the node and the client."""
        if self.befalls("garbage"):
            bodies = (b"", HTML, b"\xff\xfe\x00", b"null", b'"word"', answer.body[: len(answer.body) // 2])
            answer = replace(answer, body=self.rng.choice(bodies))
        for kind, way in (("dropped", Way.DROPPED), ("truncated", Way.TRUNCATED), ("duplicated", Way.TWICE)):
            if self.befalls(kind):
                return replace(answer, way=way)
        return answer

    # -------------------------------------------------------------- answers

    def spoil(self, asked: Asked, body: bytes) -> bytes:
        """The node's answer, as another one would have given it. Parsed only if one of the faults set may touch it."""
        faults = self.faults
        touches_logs = "eth_getLogs" in asked.methods and (
            self.may(IN_LOGS) or faults.alter or faults.logs_max is not None or faults.range_blocks_max is not None
        )
        touches_batch = asked.batch and self.may(IN_BATCHES)
        erroneous = bool(asked.calls) and self.befalls("rpc_error")
        if not (touches_logs or touches_batch or erroneous):
            return body
        if erroneous and asked.batch and self.rng.random() < 0.5:
            return dump(error_answer(None, self.rng.choice(ANY_ERROR)))
        found = json.loads(body)
        answers = found if asked.batch else [found]
        calls = {call.get("id"): call for call in asked.calls}
        if touches_logs:
            answers = [self._logs_of(calls[answer["id"]], answer) for answer in answers]
        if erroneous:
            at = self.rng.randrange(len(answers))
            key = answers[at]["id"]
            answers[at] = error_answer(key, self._wrong_with(calls[key]["method"]))
        return dump(self._batch(answers) if asked.batch else answers[0])

    def _wrong_with(self, method: str) -> tuple[int, str]:
        if method == "eth_getLogs":
            return self.rng.choice((*ANY_ERROR, BLOCK_ERROR, TOO_MANY_LOGS, TOO_MANY_BLOCKS))
        return self.rng.choice((*ANY_ERROR, BLOCK_ERROR))

    def _batch(self, answers: list[Json]) -> list[Json]:
        if len(answers) < 2:
            return answers
        if self.befalls("batch_missing"):
            del answers[self.rng.randrange(len(answers))]
        if len(answers) > 1 and self.befalls("batch_shuffled"):
            answers = self._shuffled(answers)
        if self.befalls("batch_without_ids"):
            answers = [{key: value for key, value in answer.items() if key != "id"} for answer in answers]
        return answers

    def _logs_of(self, call: Json, answer: Json) -> Json:
        """The answer to eth_getLogs; to others as it is."""
        if call["method"] != "eth_getLogs" or not isinstance(answer.get("result"), list):
            return answer
        logs_max, blocks_max = self.faults.logs_max, self.faults.range_blocks_max
        if blocks_max is not None and _range_blocks(call["params"][0]) > blocks_max:
            self.count("range_blocks_max")
            return error_answer(answer["id"], TOO_MANY_BLOCKS)
        if logs_max is not None and len(answer["result"]) > logs_max:
            self.count("logs_max")
            return error_answer(answer["id"], TOO_MANY_LOGS)
        return {**answer, "result": self._logs(self._altered(answer["result"]))}

    def _altered(self, logs: list[Json]) -> list[Json]:
        if self.faults.alter is None:
            return logs
        altered = []
        for log in logs:
            made = self.faults.alter(dict(log))
            if made != log:
                self.count("alter")
            if made is not None:
                altered.append(made)
        return altered

    def _logs(self, logs: list[Json]) -> list[Json]:
        if not logs:
            return logs
        with_data = [at for at, log in enumerate(logs) if log["data"] != "0x"]
        if with_data and self.befalls("log_changed"):
            at = self.rng.choice(with_data)
            logs[at] = {**logs[at], "data": self._one_bit_off(logs[at]["data"])}
        at = self.rng.randrange(len(logs))
        if self.befalls("log_elsewhere"):
            logs[at] = {**logs[at], "blockHash": "0x" + self.rng.randbytes(32).hex()}
        if self.befalls("log_repeated"):
            logs.insert(self.rng.randint(0, len(logs)), logs[at])
        if len(logs) > 1 and self.befalls("logs_shuffled"):
            logs = self._shuffled(logs)
        if self.befalls("log_lost"):
            del logs[self.rng.randrange(len(logs))]
        return logs

    def _one_bit_off(self, data: str) -> str:
        found = bytearray.fromhex(data.removeprefix("0x"))
        found[self.rng.randrange(len(found))] ^= 1 << self.rng.randrange(8)
        return "0x" + found.hex()

    def _shuffled(self, items: list[_T]) -> list[_T]:
        """Another order, if any two of them differ."""
        shuffled = self.rng.sample(items, len(items))
        return shuffled if shuffled != items else items[1:] + items[:1]


def error_answer(key: object, what: tuple[int, str]) -> Json:
    return {"jsonrpc": "2.0", "id": key, "error": {"code": what[0], "message": what[1]}}


def dump(answer: object) -> bytes:
    return json.dumps(answer, separators=(",", ":")).encode()


def _range_blocks(wanted: Json) -> int:
    """Blocks that a filter spans; of one with a tag or a hash nothing is known."""
    try:
        return int(wanted["toBlock"], 16) - int(wanted["fromBlock"], 16) + 1
    except (KeyError, ValueError):
        return 0
