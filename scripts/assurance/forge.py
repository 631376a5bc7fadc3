"""Fuzz tests and invariants in forge's EVM: `python -m scripts.assurance.forge`.

All tests of tests/forge in the profile `assurance` of foundry.toml, then the invariants once more in fewer, but longer
runs. Each fuzz test and invariant must have had at least RUNS_MIN runs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any, Final

from scripts.assurance.parts import ROOT, fail, held, tool

RUNS_MIN: Final = 10_000
LONG: Final = {"FOUNDRY_INVARIANT_RUNS": "100", "FOUNDRY_INVARIANT_DEPTH": "400"}


def main() -> int:
    """Run both and print what ran how often."""
    every = _run({})
    counts = [_told(name, result, least=RUNS_MIN) for name, result in every]
    long = [_told(name, result, least=1) for name, result in _run(LONG, "--match-test", "^invariant_")]
    runs, calls = (sum(column) for column in zip(*counts, strict=True))
    fuzzed = sum(1 for count in counts if count[0])
    held(
        f"{len(every)} tests, {fuzzed} of them fuzzed at {RUNS_MIN:,} runs or more: {runs:,} runs, "
        f"{calls + sum(count[1] for count in long):,} calls under the invariants"
    )
    return 0


def _run(environment: dict[str, str], *words: str) -> list[tuple[str, dict[str, Any]]]:
    """The results by test."""
    command = [str(tool("forge")), "test", "--json", *words]
    profile = {"FOUNDRY_PROFILE": "assurance", "FOUNDRY_SRC": "tests/forge"}
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | profile | environment, stdout=subprocess.PIPE, text=True, check=False
    )
    try:
        suites = json.loads(done.stdout)
    except ValueError:
        fail(f"forge answered no results (exit status {done.returncode})")
    found = [(name, result) for suite in suites.values() for name, result in suite["test_results"].items()]
    if not found:
        fail("forge ran no tests")
    if broken := [f"{name}: {result['reason']}" for name, result in found if result["status"] != "Success"]:
        fail("; ".join(broken))
    if done.returncode != 0:
        fail(f"forge ended with exit status {done.returncode}")
    return found


def _told(name: str, result: dict[str, Any], *, least: int) -> tuple[int, int]:
    """How many runs and calls a test had."""
    ((kind, counted),) = result["kind"].items() if isinstance(result["kind"], dict) else ((result["kind"], {}),)
    runs, calls = int(counted.get("runs", 0)), int(counted.get("calls", 0))
    sys.stdout.write(f"{name}: {kind}, {runs:,} runs, {calls:,} calls\n")
    if kind != "Unit" and runs < least:
        fail(f"{name} had {runs:,} runs, not {least:,}")
    return runs, calls


if __name__ == "__main__":
    raise SystemExit(main())
