"""Coverage of the contracts by the contract tests: `python -m scripts.assurance.contract_coverage [--skeletons]`.

Every statement and both ways of every condition (of if, ?:, loops) are reached, or stand in unreached.json with the
reason. Statements inside of assembly are not told apart.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from scripts.assurance.explained import judge, told
from scripts.assurance.mutants import record
from scripts.assurance.parts import fail, held

UNREACHED: Final = Path(__file__).with_name("unreached.json")
WAYS: Final = ("true", "false")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what is not reached, by file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--skeletons", action="store_true", help="print what unreached.json lacks")
    options = parser.parse_args(arguments)

    recorded = record()
    reached = recorded.everything()
    counted = [p for p in recorded.points.values() if p.statement or (p.kind in WAYS and not p.mutant)]
    if not counted:
        fail("there is nothing to cover")
    missing = [point for point in counted if point.number not in reached]
    judged = judge(missing, UNREACHED)

    total, missed = (Counter(point.file for point in points) for points in (counted, missing))
    for file in sorted(total):
        sys.stdout.write(f"{file:45} {total[file]:5,} statements and ways {missed[file]:5,} not reached\n")
    for point in judged.unexplained:
        sys.stdout.write(f"not reached: {told(point)}\n")
    if options.skeletons:
        lacking = [
            {"file": p.file, "function": p.function, "kind": p.kind, "text": p.text, "reason": ""}
            for p in judged.unexplained
        ]
        sys.stdout.write(json.dumps(lacking, indent=1) + "\n")
    statements = sum(1 for point in counted if point.statement)
    score = f"{statements:,} statements and {len(counted) - statements:,} ways of conditions of {len(total)} files"
    if judged.stale:
        fail("explained, but reached or gone: " + "; ".join(" ".join(key) for key in judged.stale))
    if judged.unexplained:
        fail(f"{score}: {len(judged.unexplained)} not reached and not explained")
    held(f"{score}: {len(counted) - len(missing):,} reached, {len(missing)} gaps explained")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
