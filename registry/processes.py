"""Child processes that end with their owner, free ports, folder locks.

Standard library only, and runnable by path: the launcher at the end starts as `python -I -S registry/processes.py`.
"""

from __future__ import annotations

import atexit
import ctypes
import fcntl
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

LINUX = sys.platform == "linux"
LOG_BYTES_MAX = 8 * 1024 * 1024
TAIL_BYTES_MAX = 4096
POLL_SECONDS = 0.02
# An owner that was just killed is still seen alive for an instant.
GRACE_SECONDS = 0.3

# Linux numbers: <linux/prctl.h>, <linux/capability.h>.
PR_SET_PDEATHSIG, PR_SET_KEEPCAPS, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE = 1, 8, 38, 47, 2
CAPABILITY_VERSION_3 = 0x20080522
CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 1, 2

_T = TypeVar("_T")


class FolderBusy(Exception):
    """A live process works in the folder; `owner_pid` is the one that locked it, None if unknown."""

    def __init__(self, folder: Path, owner_pid: int | None) -> None:
        self.owner_pid = owner_pid
        super().__init__(f"{folder} is in use by process {owner_pid if owner_pid is not None else 'unknown'}")


# Ports and process identity


def free_port(wanted: int | None = None, *, host: str = "127.0.0.1") -> int:
    """A TCP port nobody listens on at this moment: the wanted one if it is free, else one the system picks."""
    for port in (wanted, 0):
        if port is None:
            continue
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            # A port whose last connections are in TIME_WAIT is free for a server, which sets this option too.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except (OSError, OverflowError):
                continue
            return int(probe.getsockname()[1])
    raise OSError(f"no free TCP port on {host}")


def started_at(pid: int) -> str | None:
    """When a process started, as an opaque text that pid reuse cannot repeat; None if it is gone or a zombie."""
    if LINUX:
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
            boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        except OSError:
            return None
        # The command name, in parentheses, may itself hold spaces and parentheses.
        fields = stat.rpartition(")")[2].split()
        return None if fields[0] in "ZX" else f"{boot}:{fields[19]}"
    shown = subprocess.run(["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    state, _, start = shown.stdout.strip().partition(" ")
    return start.strip() if start and not state.startswith("Z") else None


def alive(pid: int, since: str | None) -> bool:
    """Whether the process that had this pid at `since` (from started_at) still runs; False when `since` is None."""
    return since is not None and started_at(pid) == since


# Folder locks


class FolderLock:
    """An exclusive lock on a folder that a child can take over, so that it lasts exactly as long as the child.

    flock belongs to the open file: whoever inherits the descriptor holds the lock, and the kernel frees it when the
    last holder is gone, however it died.
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    @classmethod
    def acquire(cls, folder: Path, *, wait_seconds: float) -> FolderLock:
        """Lock a folder, waiting for a server whose owner died to end; FolderBusy, soon, if a live owner has it."""
        descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        began = time.monotonic()
        lock = cls(descriptor)
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                owner_pid, at_work = lock._holder()
                if time.monotonic() - began > (min(GRACE_SECONDS, wait_seconds) if at_work else wait_seconds):
                    os.close(descriptor)
                    raise FolderBusy(folder, owner_pid) from None
                time.sleep(POLL_SECONDS)
                continue
            lock._record(child=None)
            return lock

    def hand_over(self, child: Child) -> None:
        """Leave the lock to a child that was spawned with it; when the child ends, the folder is free."""
        self._record(child=child)
        self.release()

    def release(self) -> None:
        """Close the own descriptor; safe to repeat."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
        self.descriptor = -1

    def _record(self, *, child: Child | None) -> None:
        pids = [os.getpid()] + ([child.pid] if child else [])
        os.ftruncate(self.descriptor, 0)
        os.pwrite(self.descriptor, json.dumps([[pid, started_at(pid)] for pid in pids]).encode(), 0)

    def _holder(self) -> tuple[int | None, bool]:
        """The owner's pid, and whether owner and child both live (else the lock is about to fall free)."""
        try:
            pairs = json.loads(os.pread(self.descriptor, 4096, 0))
            return int(pairs[0][0]), all(alive(pid, since) for pid, since in pairs)
        except (ValueError, TypeError, IndexError):
            return None, False  # taken this instant, not yet written


# Children


@dataclass(frozen=True, kw_only=True)
class RunAs:
    """Another system user for a child of root, and the capabilities it keeps (CAP_* numbers)."""

    uid: int
    gid: int
    capabilities: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Child:
    """A running child with its log."""

    process: subprocess.Popen[bytes]
    since: str | None
    log: Path
    log_start_bytes: int

    @property
    def pid(self) -> int:
        """The process id."""
        return self.process.pid

    def running(self) -> bool:
        """Whether it has not ended (and reap it if it has)."""
        return self.process.poll() is None

    def output(self) -> str:
        """The end of what this child has written to its log, at most TAIL_BYTES_MAX."""
        with self.log.open("rb") as log:
            log.seek(max(self.log_start_bytes, self.log.stat().st_size - TAIL_BYTES_MAX))
            return log.read(TAIL_BYTES_MAX).decode(errors="replace").strip()

    def terminate(self, *steps: tuple[signal.Signals, float]) -> int:
        """Send each signal and wait its seconds, then kill; return the exit code. Safe to repeat."""
        for number, timeout_seconds in steps or ((signal.SIGTERM, 10.0),):
            if not self.running():
                break
            self.process.send_signal(number)
            try:
                self.process.wait(timeout_seconds)
            except subprocess.TimeoutExpired:
                continue
        if self.running():
            self.process.kill()
        return self.process.wait()


def spawn(
    argv: Sequence[str | Path],
    *,
    log: Path,
    death_signal: signal.Signals = signal.SIGTERM,
    lock: FolderLock | None = None,
    run_as: RunAs | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> Child:
    """Start a child that gets `death_signal` when this process dies, even by kill -9 (Linux).

    It runs in a session of its own, so the terminal's Ctrl-C does not reach it: the owner ends its children in order.
    Output is appended to `log`. `lock` stays locked while the child lives. If the program cannot be run, the child
    ends with code 127 and says why in its log. Elsewhere than on Linux the child is ended when the interpreter exits,
    which a kill -9 prevents; there the folder lock tells the next owner.
    """
    if log.exists() and log.stat().st_size > LOG_BYTES_MAX:
        log.replace(log.with_name(log.name + ".1"))
    command = [str(part) for part in argv]
    if LINUX:
        orders = {"owner": os.getpid(), "signal": int(death_signal)}
        if run_as is not None:
            orders |= {"uid": run_as.uid, "gid": run_as.gid, "capabilities": list(run_as.capabilities)}  # type: ignore[dict-item]
        command = [sys.executable, "-I", "-S", __file__, json.dumps(orders), *command]

    with log.open("ab") as output:
        start_bytes = output.tell()

        def start() -> subprocess.Popen[bytes]:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=(lock.descriptor,) if lock else (),
                cwd=cwd,
                env=env,
            )

        process = _in_lasting_thread(start)
    child = Child(process=process, since=started_at(process.pid), log=log, log_start_bytes=start_bytes)
    if not LINUX:
        atexit.register(child.terminate)
    return child


# The kernel sends the death signal when the *thread* that forked ends, so no short-lived thread may fork.
_requests: queue.SimpleQueue[Callable[[], None]] | None = None
_requests_guard = threading.Lock()


def _in_lasting_thread(call: Callable[[], _T]) -> _T:
    global _requests  # noqa: PLW0603 - one thread per process
    if not LINUX or threading.current_thread() is threading.main_thread():
        return call()
    with _requests_guard:
        if _requests is None:
            _requests = queue.SimpleQueue()
            threading.Thread(target=_serve, args=(_requests,), name="spawner", daemon=True).start()
        requests = _requests
    future: Future[_T] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except BaseException as error:  # noqa: BLE001 - handed to the waiting thread
            future.set_exception(error)

    requests.put(run)
    return future.result()


def _serve(requests: queue.SimpleQueue[Callable[[], None]]) -> None:
    while True:
        requests.get()()


def _forget_spawner() -> None:
    global _requests, _requests_guard
    _requests, _requests_guard = None, threading.Lock()


os.register_at_fork(after_in_child=_forget_spawner)


# The launcher. A separate small process and not preexec_fn, which may deadlock in an owner that has threads.


def _launch(orders: dict[str, int | list[int]], argv: list[str]) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    if "uid" in orders:
        capabilities = orders["capabilities"]
        assert isinstance(capabilities, list)
        _become(libc, uid=int(orders["uid"]), gid=int(orders["gid"]), capabilities=capabilities)  # type: ignore[arg-type]
    # After the change of user, which would clear it.
    _check(libc.prctl(PR_SET_PDEATHSIG, orders["signal"], 0, 0, 0))
    if os.getppid() != orders["owner"]:
        return  # the owner died before the kernel was told
    os.execvp(argv[0], argv)


def _become(libc: ctypes.CDLL, *, uid: int, gid: int, capabilities: list[int]) -> None:
    """Turn root into another user that keeps only these capabilities, across exec too (ambient)."""
    _check(libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0))
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    mask = sum(1 << number for number in capabilities)
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    _check(libc.capset(header, (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)))
    for number in capabilities:
        _check(libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0))
    _check(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))


def _check(result: int) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


if __name__ == "__main__":
    try:
        _launch(json.loads(sys.argv[1]), sys.argv[2:])
    except OSError as failure:
        sys.stderr.write(f"cannot run {sys.argv[2]}: {failure}\n")
    sys.exit(127)
