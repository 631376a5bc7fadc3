"""Planted faults: `python -m scripts.assurance.mutation [--all] [--only CONTRACT] [--skeletons] [--remember]`.

Each mutant of the contracts (instrument.py says what these are) must be found by a contract test, or stand in
survivors.json with the reason why it is no fault. Explained ones are hunted again only with --all.
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
from scripts.assurance.mutants import hunt, record, remember
from scripts.assurance.parts import fail, held

SURVIVORS: Final = Path(__file__).with_name("survivors.json")


def main(arguments: Sequence[str] | None = None) -> int:
    """Hunt the mutants and print the score."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", action="store_true", help="hunt those that are explained as well")
    parser.add_argument("--only", default="", help="only files whose name contains this")
    parser.add_argument(
        "--skeletons", action="store_true", help="print what survivors.json lacks, for reasons to be added"
    )
    parser.add_argument("--remember", action="store_true", help="write down in hunters.json which test found what")
    options = parser.parse_args(arguments)

    recorded = record()
    mutants = {n: point for n, point in recorded.points.items() if point.mutant and options.only in point.file}
    if not mutants:
        fail("there are no mutants")
    before = judge(mutants.values(), SURVIVORS)
    if before.stale and not options.only:
        fail("explained, but no longer there: " + "; ".join(" ".join(key) for key in before.stale))
    # Where one of several of the same words is explained, hunting tells which.
    doubtful = {point.key() for point in before.unexplained}
    known = set() if options.all else {p.number for p in before.explained if p.key() not in doubtful}
    found = hunt(recorded, (number for number in mutants if number not in known))
    if options.remember:
        remember(recorded, found)
    alive = [point for number, point in mutants.items() if number not in found and number not in known]
    after = judge(alive, SURVIVORS)
    explained = len(known) + len(after.explained)

    everything = recorded.everything()
    total, missed = (Counter(point.file for point in points) for points in (mutants.values(), alive))
    for file in sorted(total):
        sys.stdout.write(f"{file:45} {total[file]:5,} mutants {missed[file]:5,} not found\n")
    for point in after.unexplained:
        where = "" if point.place in everything else " (never reached)"
        sys.stdout.write(f"survives: {told(point)}{where}\n")
    if options.skeletons:
        missing = [
            {"file": p.file, "function": p.function, "kind": p.kind, "text": p.text, "reason": ""}
            for p in after.unexplained
        ]
        sys.stdout.write(json.dumps(missing, indent=1) + "\n")
    score = f"{len(mutants):,} mutants, {len(found):,} found by the contract tests"
    if after.unexplained:
        fail(f"{score}, {len(after.unexplained):,} survive unexplained")
    held(f"{score}, {explained:,} explained as no fault")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
