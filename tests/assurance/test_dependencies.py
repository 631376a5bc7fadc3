"""The review list holds exactly what the lock files pin, and no advisory is left without a reason."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from scripts.assurance import dependencies
from scripts.assurance.dependencies import NPM_LOCK, PYTHON_LOCKS, Advisory, Pin, ReviewList

REQUIREMENTS = """\
# made by a tool
served==1.0 \\
    --hash=sha256:00
    # via project (pyproject.toml)
Below.It[extra]==2.0 ; sys_platform == 'linux' \\
    --hash=sha256:00
    # via
    #   checker
    #   served[extra]
checker==3.0 \\
    --hash=sha256:00
    # via project (pyproject.toml)
"""
WHY = "Nothing here calls what it is about."


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with every lock file."""
    (tmp_path / "pyproject.toml").write_text('[project]\ndependencies = ["served[extra]>=1"]\n')
    for name in PYTHON_LOCKS:
        lock = tmp_path / name
        lock.parent.mkdir(parents=True, exist_ok=True)
        lock.write_text(REQUIREMENTS if name == PYTHON_LOCKS[0] else f"{lock.stem}==1 --hash=sha256:00\n")
    packages = {
        "": {},
        "node_modules/outer": {"version": "1"},
        "node_modules/outer/node_modules/@of/it": {"version": "2"},
    }
    (tmp_path / NPM_LOCK).write_text(json.dumps({"packages": packages}))
    return tmp_path


@pytest.fixture
def reviewed(project: Path) -> ReviewList:
    """The list of that project, everything looked at."""
    raw = dependencies.renewed(dependencies.locked(project), ReviewList({"helper": "..."}, (), ()))
    packages = tuple(replace(package, reviewed="2026-11-23", looked_at="helper") for package in raw.packages)
    return replace(raw, packages=packages)


def ended(capsys: pytest.CaptureFixture[str], project: Path) -> str:
    with pytest.raises(SystemExit) as end:
        dependencies.locked(project)
    assert end.value.code == 1
    return capsys.readouterr().out


def test_every_lock_is_read_and_each_package_has_its_use(project: Path) -> None:
    uses = {str(pin): used for pin, used in dependencies.locked(project).items()}
    assert uses == {
        "@of/it 2": "product",
        "outer 1": "product",
        "below-it 2.0": "product",
        "served 1.0": "product",
        "checker 3.0": "development",
        "build 1": "tool",
        "tools 1": "tool",
        "uv 1": "tool",
    }


@pytest.mark.parametrize("name", [*PYTHON_LOCKS, NPM_LOCK])
def test_a_lock_that_is_missing_or_empty_fails_the_part(
    project: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    (project / name).write_text('{"packages": {}}' if name == NPM_LOCK else "# nothing\n")
    assert ended(capsys, project) == f"{name} pins nothing\n"
    (project / name).unlink()
    assert ended(capsys, project) == f"{name} is missing\n"


def test_a_lock_that_nobody_knows_fails_the_part(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "scripts" / "new.lock").write_text("a==1\n")
    assert "scripts/new.lock" in ended(capsys, project)


def test_a_list_of_what_is_locked_has_no_fault(project: Path, reviewed: ReviewList) -> None:
    assert list(dependencies.faults(dependencies.locked(project), reviewed)) == []
    assert ReviewList.parse(reviewed.text()) == reviewed


def test_a_renewed_lock_fails_by_name_until_somebody_has_looked(project: Path, reviewed: ReviewList) -> None:
    lock = project / PYTHON_LOCKS[0]
    lock.write_text(lock.read_text().replace("served==1.0", "served==1.1"))
    pins = dependencies.locked(project)
    assert sorted(dependencies.faults(pins, reviewed)) == [
        "served 1.0 is in the list and no longer locked",
        "served 1.1 is locked and not in the list",
    ]
    renewed = dependencies.renewed(pins, reviewed)
    assert list(dependencies.faults(pins, renewed)) == ["served 1.1 is not reviewed"]
    assert {package for package in renewed.packages if package.looked_at} < set(reviewed.packages)


def test_a_package_that_became_part_of_the_product_is_looked_at_again(project: Path, reviewed: ReviewList) -> None:
    (project / "pyproject.toml").write_text('[project]\ndependencies = ["served", "checker"]\n')
    assert list(dependencies.faults(dependencies.locked(project), reviewed)) == [
        "checker 3.0 is used by product, not by development"
    ]


def test_an_advisory_has_a_package_an_id_and_a_reason(project: Path, reviewed: ReviewList) -> None:
    good = Advisory("pypi", "served", "1.0", ("CVE-1",), WHY)
    bad = [replace(good, version="0.9"), replace(good, ids=()), replace(good, why="Not us.")]
    pins = dependencies.locked(project)
    assert not list(dependencies.faults(pins, replace(reviewed, advisories=(good,))))
    for each in bad:
        assert len(list(dependencies.faults(pins, replace(reviewed, advisories=(each,))))) == 1


def test_what_a_database_knows_is_explained_by_any_of_its_ids() -> None:
    pin = Pin("pypi", "served", "1.0")
    found = {pin: [frozenset({"CVE-1", "GHSA-1"}), frozenset({"CVE-2"})], Pin("npm", "outer", "1"): []}
    known = [Advisory("pypi", "served", "1.0", ("GHSA-1",), WHY), Advisory("pypi", "served", "0.9", ("CVE-2",), WHY)]
    assert list(dependencies.unexplained(found, known)) == ["served 1.0: CVE-2 is not explained"]


def test_the_answers_of_the_databases_are_read(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = project / "bin"
    folder.mkdir()
    monkeypatch.setattr("scripts.assurance.parts.TOOLS", folder)

    def answering(program: str, answer: object) -> None:
        (folder / program).write_text(f"#!/bin/sh\ncat <<'END'\n{json.dumps(answer)}\nEND\n")
        (folder / program).chmod(0o755)

    vulnerability = {"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["2"]}
    known = {"name": "Below_It", "version": "2.0", "vulns": [vulnerability]}
    answering("pip-audit", {"dependencies": [known, {"name": "served", "skip_reason": "not found"}]})
    found = dependencies.ask_pypi(project, PYTHON_LOCKS[0])
    assert found == {Pin("pypi", "below-it", "2.0"): [frozenset({"PYSEC-1", "CVE-1"})]}

    outer = Pin("npm", "outer", "1")
    via = [{"url": "https://github.com/advisories/GHSA-1"}, "another package"]
    total = {"dependencies": {"total": 2}}
    answering("npm", {"vulnerabilities": {"outer": {"via": via}}, "metadata": total})
    assert dependencies.ask_npm(project, [outer]) == {outer: [frozenset({"GHSA-1"})]}
    for nothing in ({"error": {"summary": ""}}, {"vulnerabilities": {}, "metadata": {"dependencies": {"total": 0}}}):
        answering("npm", nothing)
        assert dependencies.ask_npm(project, [outer]) == {}


@pytest.mark.parametrize(("status", "ends"), [(0, False), (1, True)])
def test_a_database_out_of_reach_is_no_answer_but_a_broken_tool_ends_the_part(
    project: Path, monkeypatch: pytest.MonkeyPatch, status: int, ends: bool
) -> None:
    folder = project / "bin"
    folder.mkdir()
    monkeypatch.setattr("scripts.assurance.parts.TOOLS", folder)
    (folder / "pip-audit").write_text(f"#!/bin/sh\necho unreachable >&2\nexit {status}\n")
    (folder / "pip-audit").chmod(0o755)
    if ends:
        with pytest.raises(SystemExit):
            dependencies.ask_pypi(project, PYTHON_LOCKS[0])
    else:
        assert dependencies.ask_pypi(project, PYTHON_LOCKS[0]) == {}


def test_without_the_tool_the_part_fails(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scripts.assurance.parts.TOOLS", project)
    monkeypatch.setenv("PATH", str(project))
    with pytest.raises(SystemExit):
        dependencies.ask_pypi(project, PYTHON_LOCKS[0])
    with pytest.raises(SystemExit):
        dependencies.ask_npm(project, [])
