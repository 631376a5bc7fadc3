"""A thousand proof bundles, single values of each changed: both verifiers must refuse each and pass the untouched.

`python -m scripts.assurance.forgeries [--all]`: a fourth of the values, or, in a quarter of an hour, every one. The
bundles are of chains on paper (tests/verification/paper.py): realistic books, in full and redacted, with and without
fields of the invoice.
"""

from __future__ import annotations

import itertools
import json
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from scripts.assurance.parts import fail, held
from tests.verification.judges import Verdict, independent, is_refused
from tests.verification.mutants import block_hash, one_of_each_value
from tests.verification.paper import Paper

BUNDLES: Final = 1_000
SEEDS: Final = (11, 12, 13, 14)
ENTRIES: Final = 1_000
"""Of each book."""
SHARE: Final = 4
"""One of so many values is changed, unless all are asked for."""


def main() -> int:
    """Judge them all and print how many of which kind there were."""
    share = 1 if "--all" in sys.argv[1:] else SHARE
    chance = random.Random(1)  # noqa: S311  (the same forgeries every time, not a secret)
    tried = Counter[str]()
    bundles = list(_bundles(chance))
    with tempfile.TemporaryDirectory(prefix="counterfoil-forgeries-") as name, independent(Path(name)) as other:
        for data in bundles:
            bundle = json.loads(data)
            block = block_hash(bundle)
            if is_refused(data, block=block) or other.ask(data, block=block) != Verdict(ok=True, why=""):
                fail(f"an untouched bundle of {bundle['certificate']} was refused")
            forged = one_of_each_value(bundle, chance)
            for mutant in itertools.islice(forged, chance.randrange(share), None, share):
                tried[mutant.kind] += 1
                for program, refused in (
                    ("the verifier", is_refused(mutant.data, block=block)),
                    ("the one on Node.js", not other.ask(mutant.data, block=block).ok),
                ):
                    if not refused:
                        fail(f"{program} passed {bundle['certificate']} with {mutant.place}: {mutant.kind}")
    if len(bundles) < BUNDLES:
        fail(f"there were {len(bundles)} bundles, not {BUNDLES}")
    for kind, count in tried.most_common():
        print(f"{count:8,}  {kind}")
    held(
        f"{len(bundles):,} bundles passed, {tried.total():,} forgeries of {len(tried)} kinds refused, by both programs"
    )
    return 0


def _bundles(chance: random.Random) -> Iterator[bytes]:
    """Honest bundles, chosen at random."""
    papers = [Paper.of_book(entries=ENTRIES, seed=seed) for seed in SEEDS]
    wanted = [(paper, certificate) for paper in papers for certificate in paper.certificates()]
    for paper, certificate in chance.choices(wanted, k=BUNDLES):
        show = chance.choice([(), ("number",), ("number", "payable", "due_date")])
        yield paper.bundle(certificate, redact=chance.random() < 0.5, show=show)


if __name__ == "__main__":
    raise SystemExit(main())
