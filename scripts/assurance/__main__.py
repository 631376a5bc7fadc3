"""The assurance of the contracts: `python -m scripts.assurance [part ...]`, or `make assurance`.

Runs each part as a process of its own, two at a time where each takes one core, and ends with one table. Fails when a
part fails, takes too long, or does not say what it did. What each printed is in build/assurance/<part>.log.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from scripts.assurance.parts import ROOT, WORKPLACE

CORES: Final = 2
POLL_SECONDS: Final = 0.2
TICK_SECONDS: Final = 60


@dataclass(frozen=True)
class Part:
    """A module of this package: what it checks, how many processes it keeps busy, minutes after which it has failed."""

    name: str
    checks: str
    cores: int
    minutes_max: int


PARTS: Final = (
    Part("forge", "fuzz tests and invariants", 1, 30),
    Part("chaos", "the mirror under reorgs, faults and kills", 1, 25),
    Part("forgeries", "a thousand proofs with single values changed", 1, 20),
    Part("dependencies", "pinned packages against advisories", 1, 5),
    Part("slither", "static analysis of the contracts", 1, 5),
    Part("attacks", "named attacks on the registry", 1, 5),
    Part("gas", "gas against the snapshot", 1, 4),
    Part("domain_coverage", "lines and branches of registry/domain", 1, 8),
    Part("bundle_fuzz", "the verifier of proofs under fuzzing", 1, 6),
    Part("symbolic", "proofs by symbolic execution", 1, 25),
    Part("contract_coverage", "statements and branches of the contracts", 2, 12),
    Part("mutation", "planted faults in the contracts", 2, 25),
    Part("schedules", "random schedules and walks, contract against fold", 2, 25),
)
"""In this order: a long one for one core beside the others of one core, the quick ones first; then what needs both,
and of that coverage before mutation, which uses what it recorded."""


@dataclass
class Run:
    """A part that has begun."""

    part: Part
    log: Path
    began: float = field(default_factory=time.monotonic)
    seconds: float = 0.0
    held: bool = False
    words: str = ""
    process: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        command = [sys.executable, "-m", f"scripts.assurance.{self.part.name}"]
        with self.log.open("wb") as stream:
            self.process = subprocess.Popen(
                command, cwd=ROOT, stdout=stream, stderr=subprocess.STDOUT, start_new_session=True
            )

    def is_over(self) -> bool:
        """Whether it has ended, or is ended now because it took too long."""
        self.seconds = time.monotonic() - self.began
        if (status := self.process.poll()) is not None:
            lines = self.log.read_text(errors="replace").strip().splitlines()
            self.words = lines[-1] if lines else "said nothing"
            self.held = status == 0 and bool(lines)
            return True
        if self.seconds > self.part.minutes_max * 60:
            self.stop()
            self.words = f"was stopped after {self.part.minutes_max} minutes"
            return True
        return False

    def stop(self) -> None:
        """End it with all that it has started."""
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the parts and print the table; 1 when one of them failed."""
    parser = argparse.ArgumentParser(prog="python -m scripts.assurance", description=main.__doc__)
    names = [part.name for part in PARTS]
    parser.add_argument("parts", nargs="*", metavar="part", help=f"of {', '.join(names)}; all without any")
    parser.add_argument("--fail-fast", action="store_true", help="end with the first part that fails")
    options = parser.parse_args(arguments)
    if unknown := set(options.parts) - set(names):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")

    console = Console(width=None if sys.stdout.isatty() else 170)
    began = time.monotonic()
    waiting = [part for part in PARTS if not options.parts or part.name in options.parts]
    finished = _run_all(waiting, console, fail_fast=options.fail_fast)
    console.print(_table(finished, [part for part in waiting if part not in {run.part for run in finished}]))
    failed = [run.part.name for run in finished if not run.held]
    minutes = (time.monotonic() - began) / 60
    if failed:
        console.print(
            f"[bold red]{len(failed)} of {len(waiting)} parts failed[/] in {minutes:.0f} minutes: "
            + ", ".join(f"build/assurance/{name}.log" for name in failed)
        )
        return 1
    console.print(f"[bold green]All {len(waiting)} parts held[/] in {minutes:.0f} minutes.")
    return 0


def _run_all(waiting: Sequence[Part], console: Console, *, fail_fast: bool) -> list[Run]:
    """In order, as many at a time as have cores of their own."""
    WORKPLACE.mkdir(parents=True, exist_ok=True)
    left, running, finished = list(waiting), list[Run](), list[Run]()
    told = time.monotonic()
    try:
        while left or running:
            while left and sum(run.part.cores for run in running) + left[0].cores <= CORES:
                part = left.pop(0)
                console.print(f"{part.name}: {part.checks} ...", style="dim")
                running.append(Run(part, WORKPLACE / f"{part.name}.log"))
            time.sleep(POLL_SECONDS)
            for run in [run for run in running if run.is_over()]:
                running.remove(run)
                finished.append(run)
                console.print(f"{run.part.name}: {'held' if run.held else 'FAILED'}, {run.seconds:.0f} s", style="dim")
                if fail_fast and not run.held:
                    return finished
            if time.monotonic() - told > TICK_SECONDS:
                told = time.monotonic()
                console.print(f"still at work: {', '.join(run.part.name for run in running)}", style="dim")
    finally:
        for run in running:
            run.stop()
    return finished


def _table(finished: Sequence[Run], never: Sequence[Part]) -> Table:
    table = Table(title="Assurance", title_style="bold")
    for column in ("part", "checks", "result", "what was found", "seconds"):
        table.add_column(column, justify="right" if column == "seconds" else "left", overflow="fold")
    for run in finished:
        result = "[green]held[/]" if run.held else "[bold red]failed[/]"
        table.add_row(run.part.name, run.part.checks, result, run.words, f"{run.seconds:,.0f}")
    for part in never:
        table.add_row(part.name, part.checks, "not run", "", "")
    return table


if __name__ == "__main__":
    raise SystemExit(main())
