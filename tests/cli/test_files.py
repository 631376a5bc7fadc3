"""Files that commands write: there whole or not at all, and what cannot be written is refused by name."""

from __future__ import annotations

import json
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from registry.cli import output
from registry.cli.files import FileUnwritable, write_file, writing
from tests.cli.conftest import Cli

ORDER = ("--authority", "AG Köln", "--number", "12 M 34/26", "--until", "9999-12-31")


@contextmanager
def room(size: int) -> Iterator[None]:
    """No file may grow beyond so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_text_replaces_what_was_there(tmp_path: Path) -> None:
    path, link = tmp_path / "paper.json", tmp_path / "link.json"
    link.symlink_to(path)
    for text in ("longer than the next", "Köln\n"):
        write_file(text, str(link))
        assert path.read_bytes() == text.encode()
    assert link.is_symlink()
    assert sorted(tmp_path.iterdir()) == [link, path]


@pytest.mark.parametrize("failing", [True, False], ids=["on the way", "without a text"])
def test_what_was_there_stays_if_not_all_is_written(tmp_path: Path, failing: bool) -> None:
    path = tmp_path / "paper.json"
    path.write_text("signed before")

    def attempt() -> None:
        with writing(str(path)) as write:
            if failing:
                write("half")
                raise KeyError

    if failing:
        with pytest.raises(KeyError):
            attempt()
    else:
        attempt()
    assert path.read_text() == "signed before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_disk_without_room_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "paper.json"
    path.write_text("signed before")
    with room(1_000), pytest.raises(FileUnwritable) as refused:
        write_file("x" * 100_000, str(path))
    assert refused.value.code == "file_unwritable"
    assert refused.value.hint
    assert path.read_text() == "signed before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "target", ["", ".", "no/such/folder/f.json", "file/f.json", "x" * 300, "a\0b", "loop", "/dev/full", "/proc/f.json"]
)
def test_where_no_file_can_be_made_it_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    Path("loop").symlink_to("loop")
    with pytest.raises(FileUnwritable):
        write_file("text", target)
    assert sorted(map(str, Path().iterdir())) == ["file", "loop"]


def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    write_file("text", str(path))
    assert os.read(reader, 100) == b"text"
    os.close(reader)
    assert path.is_fifo()


def test_what_is_no_text_in_a_file_name_is_replaced(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    name = os.fsdecode(b"M\xfcller.xml")
    output.write(output.as_json({"file": name}))
    assert json.loads(capfdbinary.readouterr().out) == {"file": "M?ller.xml"}


def test_a_signature_that_no_file_takes_is_not_made(cli: Cli, tmp_path: Path) -> None:
    target = str(tmp_path / "no" / "folder.json")
    cli.refused("file_unwritable", "confirm", "R-1", "--as", "operator", "--sign", target)
    cli.refused("file_unwritable", "order", "freeze", "R-1", *ORDER, "--as", "officer-one", "-o", target)
    refused = cli("export", "R-0", "-o", target, exit_code=1)
    assert refused.stderr.startswith("file_unwritable: ")


def test_an_order_may_hold_until_the_last_day_that_there_is(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "order.json"
    cli("member", "add", "--name", "Bank", "--role", "financier", "--handle", "bank")
    words = ("order", "freeze", "bank", *ORDER, "--as", "officer-one", "-o", str(path))
    assert cli.json(*words)["operations"] == ["freeze all that bank holds until +010000-01-01T00:00:00Z"]
    assert json.loads(path.read_text())


def test_a_journal_that_is_not_there_leaves_the_file_that_was(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    cli("export", "R-0", "-o", str(path))
    exported = path.read_text()
    assert exported == cli("export", "R-0").stdout
    assert len(exported.splitlines()) == json.loads(exported.splitlines()[0])["length"] + 1
    cli("export", "R-99", "-o", str(path), exit_code=1)
    assert path.read_text() == exported
