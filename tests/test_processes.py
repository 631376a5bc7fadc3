"""Children that end with their owner, folder locks, ports, pids."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from registry import processes
from registry.processes import Child, FolderBusy, FolderLock, alive, free_port, spawn, started_at
from registry.settings import PROJECT_ROOT

WAIT_SECONDS_MAX = 10.0
linux_only = pytest.mark.skipif(not processes.LINUX, reason="only Linux has the death signal")

OWNER = """
import sys, time
from pathlib import Path
from registry.processes import FolderLock, spawn
folder = Path(sys.argv[1])
lock = FolderLock.acquire(folder, wait_seconds=0)
child = spawn(["sleep", "600"], log=folder / "log", lock=lock)
lock.hand_over(child)
print(child.pid, child.since, flush=True)
time.sleep(600)
"""


def wait_until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def shell(tmp_path: Path, script: str, **options: object) -> Child:
    return spawn(["sh", "-c", script], log=tmp_path / "log", **options)  # type: ignore[arg-type]


def test_a_wanted_port_is_given_unless_somebody_listens_on_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert free_port(taken.getsockname()[1]) != taken.getsockname()[1]
    assert any(free_port(wanted) == wanted for wanted in (free_port() for _ in range(5)))
    assert free_port(70_000) < 65_536


def test_a_reused_pid_is_not_taken_for_the_old_process() -> None:
    since = started_at(os.getpid())
    assert alive(os.getpid(), since)
    assert not alive(os.getpid(), "some boot:12345")
    assert not alive(os.getpid(), None)


def test_a_zombie_is_not_alive(tmp_path: Path) -> None:
    child = shell(tmp_path, "exec sleep 600")
    os.kill(child.pid, signal.SIGKILL)
    assert wait_until(lambda: started_at(child.pid) is None)  # not reaped yet
    assert not alive(child.pid, child.since)
    assert child.terminate() == -signal.SIGKILL


def test_output_goes_to_the_log_and_only_this_childs_is_told(tmp_path: Path) -> None:
    shell(tmp_path, "echo first").process.wait()
    child = shell(tmp_path, "echo second; echo third >&2; exit 5")
    assert child.process.wait() == 5
    assert child.output() == "second\nthird"
    assert (tmp_path / "log").read_text() == "first\nsecond\nthird\n"


def test_only_the_end_of_a_long_log_is_told(tmp_path: Path) -> None:
    child = shell(tmp_path, "seq 100000")
    child.process.wait()
    assert child.output().endswith("\n100000")
    assert len(child.output()) <= processes.TAIL_BYTES_MAX


def test_a_long_log_is_put_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "LOG_BYTES_MAX", 3)
    for word in ("first", "second"):
        shell(tmp_path, f"echo {word}").process.wait()
    assert (tmp_path / "log").read_text() == "second\n"
    assert (tmp_path / "log.1").read_text() == "first\n"


@linux_only
def test_a_program_that_cannot_run_says_why(tmp_path: Path) -> None:
    child = spawn([tmp_path / "missing"], log=tmp_path / "log")
    assert child.process.wait() == 127
    assert child.output() == f"cannot run {tmp_path}/missing: [Errno 2] No such file or directory"


def test_a_child_that_ignores_the_polite_signal_is_killed(tmp_path: Path) -> None:
    child = shell(tmp_path, "trap '' TERM; echo ready; while :; do sleep 0.1; done")
    assert wait_until(lambda: child.output() == "ready")
    assert child.terminate((signal.SIGTERM, 0.2)) == -signal.SIGKILL
    assert child.terminate() == -signal.SIGKILL


def test_each_step_of_the_shutdown_gets_its_turn(tmp_path: Path) -> None:
    child = shell(tmp_path, "trap '' INT; trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done")
    assert wait_until(lambda: child.output() == "ready")
    assert child.terminate((signal.SIGINT, 0.2), (signal.SIGTERM, 5.0)) == 7


def test_a_child_has_its_own_session_so_ctrl_c_passes_it_by(tmp_path: Path) -> None:
    child = shell(tmp_path, "exec sleep 600")
    assert wait_until(lambda: os.getsid(child.pid) == child.pid)
    assert child.terminate() == -signal.SIGTERM


def test_a_childs_descriptors_are_its_own(tmp_path: Path) -> None:
    with (tmp_path / "secret").open("w") as secret:
        os.set_inheritable(secret.fileno(), True)
        child = shell(tmp_path, f"test -e /dev/fd/{secret.fileno()} && echo open || echo closed")
        child.process.wait()
    assert child.output() == "closed"


@linux_only
def test_a_child_ends_and_its_folder_falls_free_when_the_owner_is_killed(tmp_path: Path) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=PROJECT_ROOT
    )
    assert owner.stdout is not None
    pid, since = owner.stdout.readline().split()
    assert alive(int(pid), since)
    with pytest.raises(FolderBusy) as busy:
        FolderLock.acquire(tmp_path, wait_seconds=60)  # soon, as the owner lives
    assert busy.value.owner_pid == owner.pid
    owner.kill()
    FolderLock.acquire(tmp_path, wait_seconds=WAIT_SECONDS_MAX).release()
    assert wait_until(lambda: not alive(int(pid), since))
    owner.wait()
    owner.stdout.close()


@linux_only
def test_the_death_signal_is_the_one_asked_for(tmp_path: Path) -> None:
    script = f"""
from pathlib import Path; import signal
from registry.processes import spawn
code = "trap 'echo interrupted; exit' INT; echo ready; while :; do sleep 0.05; done"
child = spawn(["sh", "-c", code], log=Path({str(tmp_path)!r}) / "log", death_signal=signal.SIGINT)
while child.output() != "ready": pass
"""
    subprocess.run([sys.executable, "-c", script], check=True, cwd=PROJECT_ROOT)
    assert wait_until(lambda: (tmp_path / "log").read_text() == "ready\ninterrupted\n")


@linux_only
def test_a_child_outlives_the_thread_that_asked_for_it(tmp_path: Path) -> None:
    children: list[Child] = []
    for _ in range(2):
        asking = threading.Thread(target=lambda: children.append(shell(tmp_path, "exec sleep 600")))
        asking.start()
        asking.join()
    time.sleep(0.3)
    for child in children:
        assert child.running()
        child.terminate()


@linux_only
def test_a_failure_in_the_lasting_thread_reaches_the_one_that_asked(tmp_path: Path) -> None:
    errors: list[BaseException] = []

    def ask() -> None:
        try:
            spawn(["true"], log=tmp_path / "log", cwd=tmp_path / "missing")
        except OSError as error:
            errors.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    asking.join()
    assert isinstance(errors[0], FileNotFoundError)


@linux_only
def test_a_forked_owner_spawns_from_a_thread_of_its_own(tmp_path: Path) -> None:
    asking = threading.Thread(target=shell, args=(tmp_path, "true"))
    asking.start()
    asking.join()
    processes._forget_spawner()  # what the fork hook does in the child
    test_a_child_outlives_the_thread_that_asked_for_it(tmp_path)


@linux_only
def test_a_child_whose_owner_is_gone_before_it_starts_does_nothing(tmp_path: Path) -> None:
    orders = json.dumps({"owner": 1, "signal": 15})
    argv = [sys.executable, "-I", "-S", processes.__file__, orders, "echo", "hello"]
    run = subprocess.run(argv, capture_output=True, check=False)
    assert (run.returncode, run.stdout) == (127, b"")


def test_a_lock_lasts_as_long_as_the_child_it_was_left_to(tmp_path: Path) -> None:
    lock = FolderLock.acquire(tmp_path, wait_seconds=0)
    with pytest.raises(FolderBusy):
        FolderLock.acquire(tmp_path, wait_seconds=60)
    child = shell(tmp_path, "exec sleep 600", lock=lock)
    lock.hand_over(child)
    lock.release()
    with pytest.raises(FolderBusy):
        FolderLock.acquire(tmp_path, wait_seconds=60)
    child.terminate()
    FolderLock.acquire(tmp_path, wait_seconds=0).release()


def test_a_lock_whose_owner_left_no_trace_is_waited_for(tmp_path: Path) -> None:
    lock = FolderLock.acquire(tmp_path, wait_seconds=0)
    (tmp_path / "lock").write_text("")
    with pytest.raises(FolderBusy, match="unknown"):
        FolderLock.acquire(tmp_path, wait_seconds=0.1)
    threading.Timer(0.2, lock.release).start()
    FolderLock.acquire(tmp_path, wait_seconds=WAIT_SECONDS_MAX).release()
