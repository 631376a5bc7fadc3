"""Symbolic checks of the contracts: claims about every caller, argument and state at once (tests/symbolic).

Each check runs twice. As it is meant, no example may refute it; turned round (the contracts named ...Reached), an
example must, or nothing reaches what it claims.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from scripts.assurance.parts import ROOT, WORKPLACE, fail, held, tool

AREAS: Final = ("Formulas", "Ranges", "Authority", "Heads")
"""Contracts of tests/symbolic."""

PASSED: Final = 0
REFUTED: Final = 1
"""Exit codes of a check in halmos' report."""

QUERY_SECONDS_MAX: Final = 120
AREA_SECONDS_MAX: Final = 900

BUILD: Final = WORKPLACE / "symbolic"


@dataclass(frozen=True)
class Outcome:
    """What halmos says of one check."""

    area: str
    name: str
    exit_code: int
    paths: int
    reached: int
    unfinished_loops: int
    seconds: float


def main(arguments: Sequence[str] | None = None) -> None:
    """Run all checks and their counterparts; fails where one does not hold, is undecided, or says nothing."""
    parser = argparse.ArgumentParser(prog="python -m scripts.assurance.symbolic", description=main.__doc__)
    parser.add_argument("areas", nargs="*", metavar="area", help=f"of {', '.join(AREAS)}; all without any")
    areas: Sequence[str] = parser.parse_args(arguments).areas or AREAS
    halmos = tool("halmos")
    forge = tool("forge")
    environment = os.environ | {
        "PATH": f"{halmos.parent}:{forge.parent}:{os.environ['PATH']}",
        "FOUNDRY_SRC": "tests/symbolic",
        "FOUNDRY_TEST": "tests/symbolic",
        "FOUNDRY_OUT": str(BUILD / "out"),
        "FOUNDRY_CACHE_PATH": str(BUILD / "cache"),
        # Lints of the product's code are another part's.
        "FOUNDRY_LINT_LINT_ON_BUILD": "false",
    }
    BUILD.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    checks: list[Outcome] = []
    for area in areas:
        meant = list(_run(str(halmos), area, environment))
        turned = list(_run(str(halmos), f"{area}Reached", environment))
        if not meant:
            fail(f"{area}: no check ran")
        if {check.name for check in meant} != {check.name for check in turned}:
            fail(f"{area}: a check has no counterpart")
        for check in meant:
            _print(check)
        for check in meant:
            _require_held(check)
        for check in turned:
            if check.exit_code != REFUTED:
                fail(f"{area}.{check.name}: nothing is known to reach its claim (exit code {check.exit_code})")
        checks += meant
    paths = sum(check.paths for check in checks)
    held(
        f"{len(checks)} checks in {len(areas)} areas hold on all of {paths:,} paths, each claim is reached; "
        f"{time.monotonic() - began:.0f} s"
    )


def _run(halmos: str, contract: str, environment: dict[str, str]) -> Iterator[Outcome]:
    report = BUILD / f"{contract}.json"
    report.unlink(missing_ok=True)
    command = [
        halmos,
        *("--contract", contract),
        *("--forge-build-out", str((BUILD / "out").relative_to(ROOT))),
        *("--json-output", str(report)),
        *("--solver-timeout-assertion", f"{QUERY_SECONDS_MAX}s"),
        "--no-status",
        # One example is enough.
        "--early-exit",
    ]
    log = BUILD / f"{contract}.log"
    with log.open("w") as output:
        running = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            running.wait(AREA_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            # With its solvers, which would go on for as long as they like.
            os.killpg(running.pid, signal.SIGKILL)
            fail(f"{contract}: not decided within {AREA_SECONDS_MAX} s")
    if not report.is_file():
        sys.stdout.write(log.read_text()[-4000:])
        fail(f"{contract}: halmos has given no report")
    for outcomes in json.loads(report.read_text())["test_results"].values():
        for outcome in outcomes:
            paths, reached, _ = outcome["num_paths"] or (0, 0, 0)
            yield Outcome(
                area=contract,
                name=outcome["name"].partition("(")[0].removeprefix("check_"),
                exit_code=outcome["exitcode"],
                paths=paths,
                reached=reached,
                unfinished_loops=outcome["num_bounded_loops"] or 0,
                seconds=(outcome["time"] or [0.0])[0],
            )


def _require_held(check: Outcome) -> None:
    name = f"{check.area}.{check.name}"
    if check.exit_code == REFUTED:
        fail(f"{name} is refuted; {BUILD.relative_to(ROOT)}/{check.area}.log has the example")
    if check.exit_code != PASSED:
        fail(f"{name} is not decided (halmos' exit code {check.exit_code})")
    if check.reached == 0:
        fail(f"{name}: no path succeeds")
    if check.unfinished_loops:
        fail(f"{name}: {check.unfinished_loops} loops were left unfinished")


def _print(check: Outcome) -> None:
    words = "holds" if check.exit_code == PASSED else f"exit code {check.exit_code}"
    name = f"{check.area}.{check.name}"
    sys.stdout.write(f"{name:64} {check.paths:5} paths {check.reached:4} succeed {check.seconds:6.1f} s  {words}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
