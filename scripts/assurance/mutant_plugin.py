"""pytest plugin: the contract tests on the contracts with all mutants (instrument.py), on an Anvil of its own.

What to do stands in the JSON file that COUNTERFOIL_MUTANTS names:
    contracts   folder with the instrumented copy
    answer      where to write what was found, as JSON
    plan        null to record: each test once, {test: {"passed", "seconds", "points"}}; what only the fixtures of
                files and of the session pass stands under SET_UP.
                Else {test: [mutant, ...]}: each test once for each of its mutants that no test before it found,
                {mutant: test that found it}.
A mutant is chosen when the registry and what a file of tests adds to it stand: as if the fault came with the test.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any, Final

import pytest
from _pytest.runner import runtestprotocol

from registry.chain import compile as compiling
from registry.chain.devchain import CHAIN_ID, anvil_binary
from registry.chain.rpc import Node
from registry.processes import free_port
from registry.settings import PROJECT_ROOT
from scripts.assurance.instrument import CHOICE, NONE, RECORD

RUN_SECONDS_MAX: Final = 60
START_SECONDS_MAX: Final = 15.0
SET_UP: Final = "set-up"
RUN: Final = "0x0000000000000000000000000000000072756e73"
CONSOLE: Final = bytes.fromhex("000000000000000000636f6e736f6c652e6c6f67")
LOG_NUMBER: Final = bytes.fromhex("f82c50f1")
MARK: Final = 2**128
"""No point has such a number: what Anvil prints before it belongs to what was asked before it."""


class _Chain:
    """Anvil, and the numbers that it prints."""

    def __init__(self) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        words = [str(anvil_binary()), "--port", str(port), "--disable-code-size-limit", "--accounts", "10"]
        words += ["--hardfork", "cancun", "--block-base-fee-per-gas", "0", "--gas-price", "0"]
        # In memory: on disk the states of a hundred thousand runs are a hundred gigabytes.
        words += ["--prune-history", "200"]
        self._process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        self._printed: set[int] = set()
        self._marks = 0
        self._runs = itertools.count(1)
        self._mark_seen = threading.Event()
        threading.Thread(target=self._read, daemon=True).start()
        self.node = Node(self.url)
        until = time.monotonic() + START_SECONDS_MAX
        while True:
            with suppress(Exception):
                self.node.head()
                return
            if time.monotonic() > until:
                raise RuntimeError("Anvil did not start")
            time.sleep(0.05)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            word = line.strip()
            if not word.isdecimal():
                continue
            number = int(word)
            if number >= MARK:
                self._mark_seen.set()
            else:
                self._printed.add(number)

    def choose(self, mutant: int) -> None:
        self.node.request("anvil_setBalance", CHOICE, hex(mutant))
        # Blocks of its own for each run: anvil forgets the states of those that come again.
        self.node.request("anvil_setBalance", RUN, hex(next(self._runs)))

    def mend(self) -> None:
        """What a test may set of the node, and could not take back because it broke off."""
        self.node.request("evm_setAutomine", True)
        self.node.request("anvil_dropAllTransactions")
        self.node.request("anvil_removeBlockTimestampInterval")
        self.node.request("anvil_setChainId", CHAIN_ID)

    def printed(self) -> list[int]:
        """What was printed since this was asked last."""
        self._mark_seen.clear()
        self._marks += 1
        self.node.call(to=CONSOLE, data=LOG_NUMBER + (MARK + self._marks).to_bytes(32))
        if not self._mark_seen.wait(START_SECONDS_MAX):
            raise RuntimeError("Anvil prints no console.log")
        found, self._printed = self._printed, set()
        return sorted(found)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()


class Mutants:
    """The plugin of one process."""

    def __init__(self, told: dict[str, Any]) -> None:
        self._answer = Path(told["answer"])
        self._plan: dict[str, list[int]] | None = told["plan"]
        self._chain = _Chain()
        self._choice = NONE
        self._set_up: set[int] = set()
        os.environ["APE_FOUNDRY_HOST"] = self._chain.url
        if self._plan is None:
            self._chain.choose(RECORD)

    @pytest.fixture(autouse=True)
    def chosen_mutant(self) -> Iterator[None]:
        """Fixtures of a wider scope stand by now: to what they made the chain goes back, however the test ended."""
        if self._plan is None:
            self._set_up.update(self._chain.printed())
        before = self._chain.node.request("evm_snapshot")
        self._chain.choose(self._choice)
        yield
        self._chain.mend()
        assert self._chain.node.request("evm_revert", before)
        self._chain.choose(RECORD if self._plan is None else NONE)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        with suppress(FileNotFoundError):
            self._answer.unlink()
        found = self._record(session) if self._plan is None else self._hunt(session, self._plan)
        self._answer.write_text(json.dumps(found))
        return True

    def pytest_unconfigure(self) -> None:
        self._chain.stop()

    def _record(self, session: pytest.Session) -> dict[str, Any]:
        self._choice = RECORD
        found: dict[str, Any] = {}
        for i, item in enumerate(session.items):
            following = session.items[i + 1] if i + 1 < len(session.items) else None
            began = time.perf_counter()
            passed = _passes(item, following)
            seconds = time.perf_counter() - began
            found[item.nodeid] = {"passed": passed, "seconds": seconds, "points": self._chain.printed()}
        found[SET_UP] = {"passed": True, "seconds": 0, "points": sorted(self._set_up)}
        return found

    def _hunt(self, session: pytest.Session, plan: dict[str, list[int]]) -> dict[str, str]:
        items = [item for item in session.items if plan.get(item.nodeid)]
        found: dict[str, str] = {}
        for i, item in enumerate(items):
            following = items[i + 1] if i + 1 < len(items) else None
            for mutant in plan[item.nodeid]:
                if str(mutant) in found:
                    continue
                self._choice = mutant
                if not _passes(item, _Sibling(item)):
                    found[str(mutant)] = item.nodeid
            # As it was when it was recorded. Where another file follows, that takes back what this one's made.
            self._require_green(item, following)
        return found

    def _require_green(self, item: pytest.Item, following: pytest.Item | _Sibling | None) -> None:
        """What is red without a mutant has found nothing."""
        self._choice = NONE
        if not _passes(item, following):
            raise RuntimeError(f"{item.nodeid} fails without a mutant")


class _Sibling:
    """Another test of the same file: what pytest takes back for it is the test's own, not the file's."""

    def __init__(self, item: pytest.Item) -> None:
        self._chain = item.listchain()[:-1]

    def listchain(self) -> list[Any]:
        """As pytest's nodes have it."""
        return self._chain


def _passes(item: pytest.Item, following: pytest.Item | _Sibling | None) -> bool:
    item._initrequest()  # type: ignore[attr-defined]  # fixtures anew, as pytest-rerunfailures does it
    signal.signal(signal.SIGALRM, _too_long)
    signal.alarm(RUN_SECONDS_MAX)
    try:
        return not any(report.failed for report in runtestprotocol(item, log=False, nextitem=following))  # type: ignore[arg-type]
    finally:
        signal.alarm(0)


def _too_long(_signal: int, _frame: FrameType | None) -> None:
    raise TimeoutError(f"a test took more than {RUN_SECONDS_MAX} seconds")


def _compile_from(folder: Path) -> None:
    """Whoever asks for the product's contracts gets the copy's."""
    original = compiling.compile_contracts

    def compile_contracts(root: Path = PROJECT_ROOT, *, strict: bool = False) -> dict[str, compiling.Artifact]:
        return original(folder) if root == PROJECT_ROOT else original(root, strict=strict)

    compiling.compile_contracts = compile_contracts


def _told() -> dict[str, Any] | None:
    file = os.environ.get("COUNTERFOIL_MUTANTS")
    return None if file is None else json.loads(Path(file).read_text())


def pytest_configure(config: pytest.Config) -> None:
    """Start the chain before ape looks for one."""
    if (told := _told()) is not None:
        config.pluginmanager.register(Mutants(told), "mutants")


# Now: the tests' conftest imports the function by name, before pytest_configure.
if (_early := _told()) is not None:
    _compile_from(Path(_early["contracts"]))
