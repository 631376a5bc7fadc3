"""The program as its users have it: a process, a home folder, and what must not be left behind."""

from __future__ import annotations

import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from typer import testing
from typer.main import get_command

from registry.cli import app
from registry.commands.services import Running
from registry.settings import PROJECT_ROOT, Settings, settings

PROGRAM = Path(sys.executable).with_name("counterfoil")
SECONDS_MAX = 90.0
"""Far more than anything takes: a test machine may be busy."""


@contextmanager
def temporary_home() -> Iterator[Path]:
    """A folder with a name short enough for sockets; whatever still runs in it at the end is ended."""
    home = Path(tempfile.mkdtemp(prefix="counterfoil-home-"))
    try:
        yield home
    finally:
        for process in processes_of(home):
            process.kill()
        shutil.rmtree(home, ignore_errors=True)


def environment(home: Path, **settings: object) -> dict[str, str]:
    """That of a command on this home, with these settings (by their fields' names) and no other."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COUNTERFOIL_")}
    given = {f"COUNTERFOIL_{name.upper()}": str(value) for name, value in settings.items()}
    return {**kept, "COUNTERFOIL_HOME": str(home), **given}


def counterfoil(home: Path, *words: str, exit_code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    done = subprocess.run(
        [PROGRAM, *words],
        env=environment(home),
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    assert done.returncode == exit_code, done.stdout + done.stderr
    return done


def json_of(home: Path, *words: str, exit_code: int = 0) -> Any:
    """Run a command with --json; the document that it prints."""
    return json.loads(counterfoil(home, *words, "--json", exit_code=exit_code).stdout)


# The runner would put the tree of all commands together for each of them.
testing._get_command = functools.cache(get_command)


def typed(*words: str) -> testing.Result:
    """Run a command in this process; what it raises besides refusals is raised."""
    return testing.CliRunner().invoke(app, words, catch_exceptions=False)


@contextmanager
def at_home(home: Path) -> Iterator[None]:
    """Commands of this process work on this home, with no other setting."""
    with pytest.MonkeyPatch.context() as patched:
        for name in Settings.model_fields:
            patched.delenv("COUNTERFOIL_" + name.upper(), raising=False)
        patched.setenv("COUNTERFOIL_HOME", str(home))
        settings.cache_clear()
        yield
    settings.cache_clear()


class Serving:
    """A command that serves until it is ended."""

    def __init__(self, home: Path, *words: str, **settings: object) -> None:
        self.home = home
        self.process = subprocess.Popen(
            [PROGRAM, *words],
            env=environment(home, **settings),
            cwd=PROJECT_ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_ready(self) -> str:
        """Its URL, once /ready there answers 200."""
        url = ""

        def ready() -> bool:
            nonlocal url
            assert self.process.poll() is None, self.process.communicate()
            running = Running.find(self.home)
            if running is None or running.pid != self.process.pid or running.api_url is None:
                return False
            url = running.api_url
            try:
                return get(url + "/ready").status_code == httpx.codes.OK
            except httpx.TransportError:
                return False

        assert until(ready)
        return url

    def child(self, program: str) -> psutil.Process:
        """The server that it has started: anvil or postgres."""
        (found,) = (child for child in psutil.Process(self.process.pid).children() if child.name() == program)
        return found

    def end(self, number: signal.Signals = signal.SIGINT) -> tuple[int, str, str]:
        """Send a signal; exit code, stdout, stderr."""
        self.process.send_signal(number)
        return self.ended()

    def ended(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=SECONDS_MAX)
        return self.process.returncode, out, err


def get(url: str) -> httpx.Response:
    """Ask the API; the environment's proxy is not for 127.0.0.1."""
    return httpx.get(url, timeout=5, trust_env=False)


@contextmanager
def serving(home: Path, *words: str, **settings: object) -> Iterator[Serving]:
    """A serving command, which is not left running whatever the test does."""
    command = Serving(home, *words, **settings)
    try:
        yield command
    finally:
        if command.process.poll() is None:
            command.process.kill()
            command.process.communicate()


def processes_of(home: Path) -> list[psutil.Process]:
    """Every process that works for this home."""
    found = []
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
        except psutil.Error:
            continue
        if any(str(home) in word for word in words):
            found.append(process)
    return found


def socket_folder(home: Path) -> Path:
    """Where the running PostgreSQL of the home has its socket."""
    return (home / "postgres" / "socket").readlink()


def until(condition: Callable[[], bool], *, seconds: float = SECONDS_MAX) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
