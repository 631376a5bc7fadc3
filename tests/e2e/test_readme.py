"""The tour of the README, typed as it stands there."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from registry.domain.rules import CHAIN_REFUSALS
from registry.settings import PROJECT_ROOT
from tests.e2e.running import at_home, serving, temporary_home, typed

README = PROJECT_ROOT / "README.md"
REFUSALS = {refusal.code for refusal in CHAIN_REFUSALS.values()}


def tour() -> list[tuple[str, str]]:
    """The commands on the demo's registry, continued lines joined, each with the comment behind it."""
    text = README.read_text()
    sections = (
        ("## A tour", "### Is it true?"),
        ("### Prove it to somebody", "### Over HTTP"),
        ("### Over HTTP", "## Where things are"),
    )
    blocks = [
        block
        for start, end in sections
        for block in re.findall(r"```sh\n(.*?)```", text[text.index(start) : text.index(end)], re.DOTALL)
    ]
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    split = [line.partition(" #") for line in lines if line.startswith(("cf ", "sed "))]
    return [(_later(part.strip()), comment) for command, _, comment in split for part in command.split("&&")]


def _later(command: str) -> str:
    """Days that have come are replaced by one that lies ahead."""
    ahead = datetime.now(UTC).date() + timedelta(days=30)
    return re.sub(r"\d{4}-\d\d-\d\d", lambda day: str(max(date.fromisoformat(day[0]), ahead)), command)


@pytest.fixture
def home() -> Iterator[Path]:
    """The home of a demo that serves, for commands of this process."""
    with temporary_home() as folder, serving(folder, "demo", "--port", "0") as command, at_home(folder):
        command.wait_ready()
        yield folder


def test_the_tour_names_every_part_of_the_life_of_a_receivable() -> None:
    typed = {command.split()[1] for command, _ in tour() if command.startswith("cf ")}
    parts = {"inbox", "counter-offer", "accept-offer", "split", "merge", "relay", "order", "parameter", "register"}
    assert parts <= typed


def test_the_tour_goes_as_it_is_written(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(README, tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "registry").symlink_to(PROJECT_ROOT / "registry")
    for command, comment in tour():
        if not command.startswith("cf "):
            subprocess.run(["sh", "-c", command], check=True)
            continue
        result = typed(*shlex.split(command)[1:])
        refused = next((word for word in re.findall(r"[a-z_]+", comment) if word in REFUSALS), None)
        fails = refused is not None or "exits with 1" in comment
        assert result.exit_code == (1 if fails else 0), command + result.output
        named = re.match(r"([a-z_]+): ", result.stderr)
        assert refused == (named[1] if fails and named else None), command + result.output
