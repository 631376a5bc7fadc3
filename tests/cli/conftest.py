"""The command line in this process, over a home folder of the module's own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from registry.cli import running
from registry.commands.services import Running, master_key
from registry.settings import Settings, settings
from registry.store.database import Database
from tests.e2e.running import Serving, serving, temporary_home, typed


@dataclass(frozen=True)
class Cli:
    """Runs commands as a second terminal would."""

    def __call__(self, *words: str, exit_code: int = 0) -> Result:
        result = typed(*words)
        assert result.exit_code == exit_code, result.stdout + result.stderr
        return result

    def json(self, *words: str, exit_code: int = 0) -> Any:
        """The one document that the command prints with --json."""
        return json.loads(self(*words, "--json", exit_code=exit_code).stdout)

    def refused(self, code: str, *words: str, exit_code: int = 1) -> None:
        """The command ends so: the code is on stderr for people, in a document on stdout for programs."""
        shown = self(*words, exit_code=exit_code)
        assert shown.stdout == ""
        assert any(line.startswith(f"{code}: ") for line in shown.stderr.splitlines()), shown.stderr
        error = self.json(*words, exit_code=exit_code)["error"]
        assert sorted(error) == ["code", "detail", "hint", "title"]
        assert error["code"] == code
        assert error["title"]
        # Long lines of text are folded.
        assert "".join(error["detail"].split()) in "".join(shown.stderr.split())
        assert "".join((error["hint"] or "").split()) in "".join(shown.stderr.split())


@pytest.fixture(scope="module")
def served() -> Iterator[Serving]:
    """A registry that is served, of the file's own."""
    with temporary_home() as folder, serving(folder, "serve", "--port", "0") as command:
        command.wait_ready()
        master_key(folder)
        yield command


@pytest.fixture(scope="module")
def home(served: Serving) -> Path:
    return served.home


@pytest.fixture
def database(home: Path) -> Iterator[Database]:
    """The running registry's."""
    found = Running.find(home)
    assert found is not None
    assert found.database_url is not None
    opened = Database(found.database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def home_variable(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path], None]]:
    """Sets COUNTERFOIL_HOME and no other setting."""
    for name in Settings.model_fields:
        monkeypatch.delenv("COUNTERFOIL_" + name.upper(), raising=False)

    def point(home: Path) -> None:
        monkeypatch.setenv("COUNTERFOIL_HOME", str(home))
        settings.cache_clear()

    yield point
    settings.cache_clear()


@pytest.fixture
def cli(home: Path, home_variable: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Commands on the module's `home`."""
    home_variable(home)
    # A command owns its process, and with it the root logger; here pytest does.
    monkeypatch.setattr(running, "configure_logging", lambda **_: None)
    return Cli()
