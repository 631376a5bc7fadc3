"""The chaos test of the mirror for a quarter of an hour, from several seeds: `python -m scripts.assurance.chaos`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from typing import Final
from xml.etree import ElementTree

from scripts.assurance.parts import ROOT, WORKPLACE, fail, held

TEST: Final = "tests/mirror/test_chaos.py"
SEEDS: Final = (1, 2, 3, 4, 5)
SECONDS: Final = 180
"""Of each seed."""


def main() -> int:
    """Run it and print what happened meanwhile."""
    WORKPLACE.mkdir(parents=True, exist_ok=True)
    report = WORKPLACE / "chaos.xml"
    report.unlink(missing_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", TEST, "-q", f"--junitxml={report}", "-o", "junit_family=xunit1"],
        cwd=ROOT,
        env=os.environ
        | {"COUNTERFOIL_TEST_CHAOS_SECONDS": str(SECONDS), "COUNTERFOIL_TEST_CHAOS_SEEDS": " ".join(map(str, SEEDS))},
        check=False,
    )
    if not report.exists():
        fail("pytest did not run")
    suite = next(ElementTree.parse(report).getroot().iter("testsuite"))  # noqa: S314 - pytest wrote it
    ran, skipped = int(suite.attrib["tests"]), int(suite.attrib["skipped"])
    if done.returncode != 0 or ran != len(SEEDS) or skipped:
        fail(f"{ran} of {len(SEEDS)} seeds ran, {suite.attrib['failures']} failed, {suite.attrib['errors']} broke")
    counted = Counter[str]()
    slowest = 0
    for named in suite.iter("property"):
        counted[named.attrib["name"]] += int(named.attrib["value"])
        if named.attrib["name"] == "converged_ms":
            slowest = max(slowest, int(named.attrib["value"]))
    held(
        f"{ran} seeds, {ran * SECONDS // 60} minutes: {counted['operations']:,} operations, "
        f"{counted['reorgs']:,} reorgs, {counted['faults']:,} faults, {counted['mirrors killed']} mirrors and "
        f"{counted['databases killed']} databases killed; each digest that of a clean mirror, "
        f"after {slowest / 1000:.1f} s at most"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
