"""A child process for what must not run in ours: whatever it does (loop, eat memory, abort), the registry goes on.

Parent and child exchange one request and one answer at a time, each as bytes behind their length in 8 big-endian bytes.
The child counts its own time with an alarm that ends it, so no orphan runs on if the parent is killed in the meantime;
between requests it ends with its standard input.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import IO, Final

_LENGTH_BYTES: Final = 8
_END_WAIT_SECONDS: Final = 5.0


class WorkerFailed(Exception):
    """The child ended instead of answering; `killed` if a signal ended it: its own alarm, or what the request did."""

    def __init__(self, module: str, returncode: int) -> None:
        self.killed = returncode < 0
        how = f"exit code {returncode}"
        if returncode == -signal.SIGALRM:
            how = "out of time"
        elif self.killed:
            how = signal.Signals(-returncode).name
        super().__init__(f"{module.rpartition('.')[2]} did not survive the request: {how}")


class Worker:
    """One child that runs a module whose main calls `serve`; started at the first request, anew after a failure.

    `seconds_max` is the time for one answer. Threads take turns; a forked copy of this process starts its own child.
    """

    def __init__(self, module: str, *, seconds_max: int) -> None:
        self._module = module
        self._seconds_max = seconds_max
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner_pid = 0
        atexit.register(self.close)

    def ask(self, request: bytes) -> bytes:
        """The child's answer. Raises WorkerFailed."""
        with self._lock:
            process = self._running()
            assert process.stdin is not None  # both are pipes
            assert process.stdout is not None
            try:
                _write(process.stdin, request)
                answer = _read(process.stdout)
            except BrokenPipeError:
                answer = None
            if answer is None:
                self._process = None
                raise WorkerFailed(self._module, _ended(process))
            return answer

    def close(self) -> None:
        """End the child."""
        with self._lock:
            if self._process is not None and self._owner_pid == os.getpid():
                self._process.kill()
                _ended(self._process)
            self._process = None

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._owner_pid != os.getpid():
            # -P: a folder named registry where we happen to stand is not ours. A session of its own: Ctrl-C is for us.
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", self._module, str(self._seconds_max)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,
            )
            self._owner_pid = os.getpid()
        return self._process


def serve(answer: Callable[[bytes], bytes], *, memory_bytes_max: int | None) -> None:
    """The child's main loop. `memory_bytes_max` bounds its address space; None where a runtime reserves it at will."""
    seconds_max = int(sys.argv[1])
    if memory_bytes_max is not None and sys.platform == "linux":  # elsewhere nobody holds to it, or it cannot be set
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes_max, memory_bytes_max))
    requests = sys.stdin.buffer
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever a library prints is no answer
    while (request := _read(requests)) is not None:
        signal.alarm(seconds_max)
        _write(answers, answer(request))
        signal.alarm(0)


def _ended(process: subprocess.Popen[bytes]) -> int:
    """The exit code of a child that is ending or ought to."""
    try:
        returncode = process.wait(_END_WAIT_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        returncode = process.wait()
    for pipe in (process.stdin, process.stdout):
        assert pipe is not None  # both are pipes
        with contextlib.suppress(BrokenPipeError):  # what it did not read any more
            pipe.close()
    return returncode


def _write(pipe: IO[bytes], message: bytes) -> None:
    pipe.write(len(message).to_bytes(_LENGTH_BYTES, "big"))
    pipe.write(message)
    pipe.flush()


def _read(pipe: IO[bytes]) -> bytes | None:
    """One message, or None where the other side has ended."""
    head = pipe.read(_LENGTH_BYTES)
    if len(head) < _LENGTH_BYTES:
        return None
    length = int.from_bytes(head, "big")
    message = pipe.read(length)
    return message if len(message) == length else None
