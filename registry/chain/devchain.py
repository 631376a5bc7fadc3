"""The project's own local chain: Anvil as a child of the owning command, its state kept in a folder."""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
import time
import urllib.request
import zlib
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from eth_account import Account
from eth_account.hdaccount import key_from_seed, seed_from_mnemonic
from eth_account.signers.local import LocalAccount

from registry.chain.rpc import Node
from registry.domain.refusals import Refusal
from registry.errors import ServiceError
from registry.processes import POLL_SECONDS, Child, FolderBusy, FolderLock, free_port, spawn
from registry.settings import PROJECT_ROOT

CHAIN_ID: Final = 31337
ACCOUNTS: Final = 30
REGULATOR: Final = 29
"""Dev account that administers the regulator's AccessManager."""
OFFICERS: Final = (27, 28)
"""Dev accounts of the regulator's officers."""
SETTLEMENT_BANK: Final = 26
"""Dev account of the settlement bank, which administers its own AccessManager."""
OFFICIALS: Final = frozenset({REGULATOR, *OFFICERS, SETTLEMENT_BANK})
MNEMONIC: Final = "test test test test test test test test test test test junk"
START_SECONDS_MAX: Final = 15.0
STATE_BYTES_PER_SECOND_MIN: Final = 20_000_000
"""A state is read at this speed at least, which prolongs the start."""
STOP_SECONDS_MAX: Final = 30.0
DRAIN_SECONDS_MAX: Final = 10.0
PORT_ATTEMPTS_MAX: Final = 5
# Anvil writes each historical state out in full, so the file grows with blocks times accounts; finalized is head - 64.
HISTORY_BLOCKS: Final = 128
SAVE_INTERVAL_SECONDS: Final = 1.0
# A save of a large chain takes seconds; resting this multiple of it bounds its share of the time to 10 %.
SAVE_REST_FACTOR: Final = 9.0
NEVER_SECONDS: Final = 365 * 86_400


class AnvilMissing(ServiceError):
    """No Anvil binary."""

    code = "anvil_missing"
    title = "Anvil, the local chain, is not installed"
    default_hint = "Run `npm ci` (Linux x86-64) or put Foundry's anvil on PATH, or set COUNTERFOIL_RPC_URL."


class DevChainFailed(ServiceError):
    """Anvil did not start or does not answer."""

    code = "devchain_failed"
    title = "The local chain failed"


class DevChainInUse(ServiceError):
    """Another process runs a chain on this folder."""

    code = "devchain_in_use"
    title = "The local chain's folder is in use"
    default_hint = "Stop the other command, or give this one a folder of its own (COUNTERFOIL_HOME)."


class NotDevChain(Refusal):
    """Time passes by itself on any other chain."""

    code = "not_dev_chain"
    status = 409
    title = "Only the dev chain's clock can be put forward"


def anvil_binary() -> Path:
    """The native Anvil of node_modules, else the one on PATH. Refusal: anvil_missing."""
    packaged = PROJECT_ROOT / "node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"
    if os.access(packaged, os.X_OK):
        return packaged
    found = shutil.which("anvil")
    if found is None:
        raise AnvilMissing()
    return Path(found)


@cache
def _seed() -> bytes:
    return seed_from_mnemonic(MNEMONIC, "")


@cache
def dev_account(index: int) -> LocalAccount:
    """The account at this index of Anvil's public mnemonic (BIP-44); worthless outside a dev chain."""
    account: LocalAccount = Account.from_key(key_from_seed(_seed(), f"m/44'/60'/0'/0/{index}"))
    return account


def dev_accounts(n: int = ACCOUNTS) -> list[LocalAccount]:
    """The first n accounts that the dev chain has funded (10 ms each, once per process)."""
    return [dev_account(index) for index in range(n)]


def advance_time(node: Node, *, seconds: int) -> int:
    """Let so many seconds pass on the dev chain, for due dates, windows and delays; the new block's timestamp.

    Raises NotDevChain, and what Node raises.
    """
    if node.chain_id != CHAIN_ID:
        raise NotDevChain(f"chain {node.chain_id} is not the dev chain")
    node.request("evm_increaseTime", hex(seconds))
    node.request("evm_mine")
    block = node.block("latest")
    assert block is not None  # it was mined just now
    return block.at


class DevChain:
    """A running Anvil that ends with its owner; use `with DevChain.start(folder) as chain`.

    Files in the folder: `state.json`, replaced atomically within about a second of a new block; `exit.json`, which
    Anvil itself writes on SIGTERM, so also when the owner dies; `anvil.log`. Anvil's own periodic dump is not used:
    it truncates and rewrites the file every interval, blocks or not, so a crash in the middle loses everything.
    After kill -9 of Anvil the head may be lower than before.
    """

    def __init__(self, *, folder: Path, child: Child, port: int, rejected_state: Path | None, keeps: bool) -> None:
        self.folder = folder
        self.port = port
        self.rejected_state = rejected_state
        """A state file that Anvil could not read, set aside; None if all was well."""
        self._child = child
        self._stopping = threading.Event()
        self._saved_hash: str | None = None
        self._saver: threading.Thread | None = None
        if keeps:
            self._saver = threading.Thread(target=self._save_loop, name="devchain-saver", daemon=True)
            self._saver.start()

    @classmethod
    def start(
        cls,
        folder: Path,
        *,
        port: int | None = None,
        block_time_seconds: int | None = None,
        keeps: bool = True,
        history_blocks: int = HISTORY_BLOCKS,
        ground_url: str | None = None,
    ) -> DevChain:
        """Run Anvil on 127.0.0.1, at `port` if it is free, with the folder's last state.

        Without `block_time_seconds` each transaction is mined at once. With `keeps` false nothing is saved: a chain
        for one use, not held up by the writing of a state that grows. Of `history_blocks` before the newest one Anvil
        knows the state, for calls and reorgs: each costs a copy. The chain goes on from the newest block of the one at
        `ground_url`, which has to outlive it: then it computes no state roots, whose cost grows with the state.
        Refusals: anvil_missing, devchain_in_use, devchain_failed (with the end of the log).
        """
        binary = anvil_binary()
        folder.mkdir(parents=True, exist_ok=True)
        try:
            lock = FolderLock.acquire(folder, wait_seconds=DRAIN_SECONDS_MAX)
        except FolderBusy as busy:
            raise DevChainInUse(str(busy)) from busy
        try:
            return cls._start_locked(
                binary,
                folder=folder,
                wanted_port=port,
                block_time_seconds=block_time_seconds,
                keeps=keeps,
                history_blocks=history_blocks,
                ground_url=ground_url,
                lock=lock,
            )
        finally:
            lock.release()

    @classmethod
    def _start_locked(
        cls,
        binary: Path,
        *,
        folder: Path,
        wanted_port: int | None,
        block_time_seconds: int | None,
        keeps: bool,
        history_blocks: int,
        ground_url: str | None,
        lock: FolderLock,
    ) -> DevChain:
        rejected: Path | None = None
        states = _states(folder)
        state_bytes = sum(state.stat().st_size for state in states)
        deadline = time.monotonic() + START_SECONDS_MAX + state_bytes / STATE_BYTES_PER_SECOND_MIN
        for _ in range(PORT_ATTEMPTS_MAX + len(states)):
            port = free_port(wanted_port)
            state = states[0] if states else None
            argv = _argv(
                binary,
                folder=folder,
                port=port,
                state=state,
                block_time_seconds=block_time_seconds,
                keeps=keeps,
                history_blocks=history_blocks,
                ground_url=ground_url,
            )
            _bound_marker(folder).unlink(missing_ok=True)
            child = spawn(argv, log=folder / "anvil.log", death_signal=signal.SIGTERM, lock=lock)
            try:
                ready = _wait_ready(child, folder=folder, port=port, deadline=deadline)
                if ready:
                    _resume_clock(port)
            except BaseException:
                child.terminate()
                raise
            if ready:
                lock.hand_over(child)
                _bound_marker(folder).unlink()
                if state is not None:
                    state.replace(folder / "state.json")
                return cls(folder=folder, child=child, port=port, rejected_state=rejected, keeps=keeps)
            output = child.output()
            if state is not None and "--load-state" in output:
                rejected = state.replace(folder / "rejected.json")
                states.pop(0)
            elif "in use" not in output:
                break
        raise DevChainFailed(f"Anvil ended with code {child.process.returncode}: {child.output()}")

    @property
    def url(self) -> str:
        """The JSON-RPC address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Anvil's process id."""
        return self._child.pid

    def head(self) -> int:
        """The number of the latest block. Refusal: devchain_failed."""
        try:
            return int(_rpc(self.port, "eth_blockNumber"), 16)
        except (OSError, ValueError) as error:
            raise DevChainFailed(f"no answer from Anvil: {error}; {self._child.output()}") from error

    def running(self) -> bool:
        """Whether Anvil has not ended; it may be busy."""
        return self._child.running()

    def is_healthy(self) -> bool:
        """Whether Anvil runs and answers with the dev chain's id."""
        return self.running() and _answers(self.port)

    def stop(self) -> None:
        """End Anvil, which writes its state first; kill it after STOP_SECONDS_MAX. Safe to repeat."""
        self._stopping.set()
        if self._saver is not None:
            self._saver.join()
        was_running = self._child.running()
        code = self._child.terminate((signal.SIGTERM, STOP_SECONDS_MAX))
        if was_running and code == 0:
            with suppress(FileNotFoundError):
                (self.folder / "exit.json").replace(self.folder / "state.json")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _save_loop(self) -> None:
        rest_seconds = SAVE_INTERVAL_SECONDS
        while not self._stopping.wait(rest_seconds):
            started = time.monotonic()
            # Anvil may be busy or gone; the next round, or the owner's health check, will find out.
            with suppress(OSError, ValueError, zlib.error):
                self._save()
            rest_seconds = max(SAVE_INTERVAL_SECONDS, SAVE_REST_FACTOR * (time.monotonic() - started))

    def _save(self) -> None:
        """Write the state, historical states included, to state.json if there is a new head."""
        latest = _rpc(self.port, "eth_getBlockByNumber", "latest", False)["hash"]
        if latest == self._saved_hash:
            return
        packed = bytes.fromhex(_rpc(self.port, "anvil_dumpState", True, timeout_seconds=60.0)[2:])
        fresh = self.folder / "state.json.new"
        with fresh.open("wb") as file:
            file.write(zlib.decompress(packed, zlib.MAX_WBITS | 16))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.folder / "state.json")
        self._saved_hash = latest


def _argv(
    binary: Path,
    *,
    folder: Path,
    port: int,
    state: Path | None,
    block_time_seconds: int | None,
    keeps: bool,
    history_blocks: int,
    ground_url: str | None,
) -> list[str | Path]:
    argv: list[str | Path] = [binary, "--quiet", "--host", "127.0.0.1", "--port", str(port)]
    argv += ["--chain-id", str(CHAIN_ID), "--mnemonic", MNEMONIC, "--accounts", str(ACCOUNTS)]
    argv += ["--prune-history", str(history_blocks)] if history_blocks else ["--prune-history"]
    if keeps:
        argv += ["--dump-state", folder / "exit.json", "--state-interval", str(NEVER_SECONDS)]
        argv += ["--preserve-historical-states"]
    argv += ["--config-out", _bound_marker(folder)]
    argv += ["--load-state", state] if state else []
    argv += ["--block-time", str(block_time_seconds)] if block_time_seconds else []
    # What Anvil keeps of the other chain's state in the user's home it would take for any other's at that height.
    argv += ["--fork-url", ground_url, "--no-rate-limit", "--no-storage-caching"] if ground_url else []
    return argv


def _bound_marker(folder: Path) -> Path:
    """Anvil writes its configuration after it has bound its port: proof that the port is ours, not a stranger's."""
    return folder / "config.json"


def _states(folder: Path) -> list[Path]:
    """The state files there are, newest first."""
    found = [path for path in (folder / "exit.json", folder / "state.json") if path.exists()]
    return sorted(found, key=lambda path: path.stat().st_mtime_ns, reverse=True)


def _wait_ready(child: Child, *, folder: Path, port: int, deadline: float) -> bool:
    """Wait until this very Anvil answers; False if it ended."""
    while time.monotonic() < deadline:
        if not child.running():
            return False
        if _bound_marker(folder).exists() and _answers(port):
            return True
        time.sleep(POLL_SECONDS)
    raise DevChainFailed(f"Anvil did not answer in time: {child.output()}")


def _resume_clock(port: int) -> None:
    """Go on from the newest block. Anvil starts at the wall clock, also behind a chain that `advance_time` put forward.

    Refusal: devchain_failed.
    """
    try:
        reached, now = (
            int(_rpc(port, "eth_getBlockByNumber", which, False)["timestamp"], 16) for which in ("latest", "pending")
        )
        if reached > now:
            _rpc(port, "evm_increaseTime", hex(reached - now))
    except (OSError, ValueError) as error:
        raise DevChainFailed(f"no answer from Anvil: {error}") from error


def _answers(port: int) -> bool:
    try:
        return int(_rpc(port, "eth_chainId", timeout_seconds=2.0), 16) == CHAIN_ID
    except (OSError, ValueError):
        return False


# The environment's HTTP proxy is not for 127.0.0.1.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _rpc(port: int, method: str, *params: object, timeout_seconds: float = 10.0) -> Any:
    """One JSON-RPC call; OSError without an answer, ValueError with an error or no JSON."""
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}", body, {"Content-Type": "application/json"})
    with _opener.open(request, timeout=timeout_seconds) as response:
        answer = json.load(response)
    if "result" not in answer:
        raise ValueError(str(answer.get("error")))
    return answer["result"]
