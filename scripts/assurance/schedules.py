"""The random tests of tests/properties, much longer than in `make test`: `python -m scripts.assurance.schedules`."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Final
from xml.etree import ElementTree

from scripts.assurance.parts import ROOT, WORKPLACE, fail, held

LONG: Final = {
    "COUNTERFOIL_TEST_FOLDED": "200000",
    "COUNTERFOIL_TEST_SCHEDULES": "3000",
    "COUNTERFOIL_TEST_EXAMPLES": "150",
}
"""Schedules in forge that the fold must agree with, schedules on Anvil, walks of each state machine."""


def main() -> int:
    """Run them and print how many there were."""
    report = WORKPLACE / "schedules.xml"
    report.unlink(missing_ok=True)
    words = [sys.executable, "-m", "pytest", "tests/properties", "-q", "-n", "2", "--dist", "loadfile", "--timeout=0"]
    done = subprocess.run([*words, f"--junitxml={report}"], cwd=ROOT, env=os.environ | LONG, check=False)
    if not report.exists():
        fail("pytest did not run")
    suite = next(ElementTree.parse(report).getroot().iter("testsuite")).attrib  # noqa: S314 - pytest wrote it
    ran = int(suite["tests"]) - int(suite["skipped"])
    if done.returncode != 0 or ran == 0 or int(suite["skipped"]):
        fail(f"{ran} tests ran, {suite['failures']} failed, {suite['errors']} broke, {suite['skipped']} were skipped")
    folded, chained, walks = (int(count) for count in LONG.values())
    held(f"{ran} tests: {folded:,} schedules folded, {chained:,} on Anvil, {walks:,} walks of each state machine")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
