"""Every line and branch of registry.domain is reached by the tests of the domain, or says why none can reach it.

A gap is explained where it is, by a comment behind the statement: `# pragma: no cover - reason` for a line that no test
runs, `# pragma: no branch - reason` for a way out of a line that no test takes. An explanation where there is no gap
fails as a gap without one does.
"""

from __future__ import annotations

import io
import json
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from coverage import Coverage

from scripts.assurance.parts import ROOT, WORKPLACE, fail, held

MEASURED: Final = Path("registry/domain")
TESTS: Final = "tests/domain"
_PRAGMA = re.compile(r"# *pragma: *no *(?P<kind>cover|branch)(?: - (?P<reason>\S.*))?")
_SHOWN_MAX = 20


@dataclass(frozen=True, slots=True)
class Findings:
    """What a file's gaps come to: faults by line, and how many gaps have their explanation."""

    faults: tuple[tuple[int, str], ...]
    explained: int


class Passed:
    """Counts the tests that ran and held."""

    def __init__(self) -> None:
        self.total = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Called by pytest for each step of a test."""
        self.total += report.when == "call" and report.passed


def judge(source: str, *, missing_lines: list[int], missing_branches: list[tuple[int, int]]) -> Findings:
    """Hold a file's gaps against the comments in it. A branch to a line that no test runs is that line's gap."""
    comments = dict(_comments(source))
    faults = [(line, f"{kind} without a reason") for line, (kind, reason) in comments.items() if not reason]
    needed = {(line, "cover"): "no test runs this line" for line in missing_lines}
    for line, target in missing_branches:
        if target not in missing_lines:
            where = f"to line {target}" if target > 0 else "out of here"
            needed[line, "branch"] = f"no test takes the branch {where}"
    given = {(line, kind) for line, (kind, _) in comments.items()}
    faults += [(line, words) for (line, kind), words in needed.items() if (line, kind) not in given]
    faults += [(line, f"explains a {kind} gap that is none") for line, kind in given - needed.keys()]
    return Findings(tuple(sorted(faults)), len(given & needed.keys()))


def _comments(source: str) -> Iterator[tuple[int, tuple[str, str | None]]]:
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT and (found := _PRAGMA.search(token.string)):
            yield token.start[0], (found["kind"], found["reason"])


def run_tests(coverage: Coverage) -> int:
    """Run the tests of the domain under measurement; how many held. Ends the part when one did not."""
    passed = Passed()
    with coverage.collect():
        # One process, as only this one is measured; one seed, so that each run reaches the same.
        status = pytest.main(["-q", "-p", "no:xdist", "-p", "no:cacheprovider", "--hypothesis-seed=0", TESTS], [passed])
    if not passed.total:
        fail(f"no test of {TESTS} ran")
    if status != pytest.ExitCode.OK:
        fail(f"the tests of {TESTS} do not hold")
    return passed.total


def main() -> None:
    """Run the tests, print each gap that is not explained and each explanation that explains nothing."""
    WORKPLACE.mkdir(parents=True, exist_ok=True)
    coverage = Coverage(data_file=None, branch=True, source=[str(ROOT / MEASURED)], config_file=False)
    tests = run_tests(coverage)
    # What is left out is decided by the comments above alone, not by coverage's own list.
    coverage.set_option("report:exclude_lines", [])
    coverage.set_option("report:partial_branches", [])
    report = WORKPLACE / "domain_coverage.json"
    coverage.json_report(outfile=str(report))
    measured = json.loads(report.read_text())
    faults: list[str] = []
    explained = 0
    for name, found in measured["files"].items():
        findings = judge(
            (ROOT / name).read_text(),
            missing_lines=found["missing_lines"],
            missing_branches=[(line, target) for line, target in found["missing_branches"]],
        )
        faults += [f"{name}:{line}: {words}" for line, words in findings.faults]
        explained += findings.explained
    for fault in faults[:_SHOWN_MAX]:
        print(fault)
    totals = measured["totals"]
    size = (
        f"{len(measured['files'])} files, {totals['num_statements']:,} lines and {totals['num_branches']:,} branches"
        f" of {MEASURED}"
    )
    if not totals["num_statements"]:
        fail(f"nothing was measured of {MEASURED}")
    if faults:
        fail(f"{size}: {len(faults)} gaps or explanations that do not hold")
    held(f"{size}, all reached by {tests:,} tests or explained: {explained} gaps explained")


if __name__ == "__main__":
    main()
