"""The list of attacks: every test of an attack is on it, and only what ran and passed repels one."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from registry.settings import PROJECT_ROOT
from scripts.assurance import attacks

TESTS = """
import pytest

@pytest.mark.parametrize("number", [1, 2])
def test_passes(number): ...

@pytest.mark.parametrize("number", [1, 2])
def test_passes_once(number): assert number == 1

@pytest.mark.skip
def test_is_skipped(): ...

@pytest.mark.xfail
def test_fails_as_expected(): assert False

@pytest.fixture
def broken(): raise ValueError

def test_breaks(broken): ...
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What pytest reports of TESTS."""
    root = tmp_path_factory.mktemp("attacked")
    folder = root / attacks.FOLDER
    folder.mkdir(parents=True)
    (folder / "test_things.py").write_text(TESTS)
    (root / "pytest.ini").write_text("[pytest]\n")
    words = ["-q", "-p", "no:cacheprovider", "-p", "no:ape_test", f"--junitxml={root / 'report.xml'}"]
    subprocess.run([sys.executable, "-m", "pytest", *words], cwd=root, check=False, capture_output=True)
    return attacks.outcomes(root / "report.xml")


def verdict(results: dict[str, list[str]], *tests: str) -> tuple[int, str]:
    return attacks.judged({"test_things": tests}, results)


def test_an_attack_is_repelled_if_all_its_tests_ran_and_passed(results: dict[str, list[str]]) -> None:
    assert verdict(results, "test_passes") == (2, "")


@pytest.mark.parametrize(
    ("test", "count", "reason"),
    [
        ("test_passes_once", 2, "1 tests ended with failure"),
        ("test_is_skipped", 1, "1 tests ended with skipped"),
        ("test_fails_as_expected", 1, "1 tests ended with skipped"),
        ("test_breaks", 1, "1 tests ended with error"),
        ("test_is_not_there", 0, "test_is_not_there did not run"),
    ],
)
def test_one_that_did_not_pass_lets_the_attack_through(
    results: dict[str, list[str]], test: str, count: int, reason: str
) -> None:
    assert verdict(results, "test_passes", test) == (2 + count, reason)


def test_an_attack_that_nobody_performs_is_not_repelled(results: dict[str, list[str]]) -> None:
    assert verdict(results) == (0, "no test performs it")


def test_a_test_that_is_not_written_fails_the_part_before_anything_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for named in ({"test_erc721": ("test_that_nobody_wrote",)}, {"test_of_no_such_file": ("test_that_nobody_wrote",)}):
        monkeypatch.setattr(attacks, "ATTACKS", {"an attack": named})
        with pytest.raises(SystemExit) as ended:
            attacks.main()
        assert ended.value.code == 1
        assert capsys.readouterr().out.startswith("no such test: tests/contracts/")


def test_every_test_that_is_named_is_written_and_every_one_written_for_attacks_is_named() -> None:
    named = {node for tests in attacks.ATTACKS.values() for node in attacks.nodes_of(tests)}
    assert [node for node in named if not attacks.is_written(node)] == []
    assert len(attacks.ATTACKS) >= 13
    files = sorted((PROJECT_ROOT / attacks.FOLDER / "attacks").glob("test_*.py"))
    written = {f"{file.relative_to(PROJECT_ROOT)}::{name}" for file in files for name in names_in(file)}
    assert written
    assert written - named == set()


def names_in(file: Path) -> list[str]:
    """The names of a file's tests."""
    body = ast.parse(file.read_text()).body
    return [each.name for each in body if isinstance(each, ast.FunctionDef) and each.name.startswith("test_")]
