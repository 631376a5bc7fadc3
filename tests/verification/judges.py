"""The two programs that judge a bundle: our own verifier, and the one on Node.js (independent/check.mjs)."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from registry.settings import PROJECT_ROOT
from registry.verification.bundle import BundleMalformed
from registry.verification.verify import KnownHash, Status, verify

CHECK = PROJECT_ROOT / "tests" / "verification" / "independent" / "check.mjs"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the other program says of one bundle."""

    ok: bool
    why: str


class Checker:
    """One process of the other program, which is asked about one file after the other."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self._process = process
        self._path = folder / "bundle.json"

    def ask(self, data: bytes, *, block: str | None) -> Verdict:
        """Its verdict on a file with these bytes; `block` is the hash that the header must have."""
        self._path.write_bytes(data)
        question = {"path": str(self._path), **({"blockHash": block} if block else {})}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, f"the checker ended with {self._process.wait()}"
        return Verdict(**json.loads(answer))


class NodeMissing(RuntimeError):
    """There is no Node.js to run the other program."""


@contextmanager
def independent(folder: Path) -> Iterator[Checker]:
    """The other program, running; `folder` is for what it is asked about. Raises NodeMissing."""
    node = shutil.which("node")
    if node is None:
        raise NodeMissing("node is not on the PATH: the independent checker runs on Node.js 20 or later")
    with subprocess.Popen([node, str(CHECK)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Checker(process, folder)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait() == 0


def is_refused(data: bytes, *, block: str) -> bool:
    """Whether our own verifier refuses the bytes."""
    try:
        verdict = verify(data, witness=KnownHash(bytes.fromhex(block[2:]), "the test"))
    except BundleMalformed:
        return True
    return verdict.status is Status.CONTRADICTED
