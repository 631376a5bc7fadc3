"""The verifier of proof bundles under coverage-guided fuzzing: whatever the bytes, a verdict or the named refusal.

Begins with bundles that the maker made, full and redacted, and goes on for two minutes. An exception of another kind,
an input that takes longer than five seconds or more memory than any bundle may, and a run without inputs are failures;
the input is kept in build/assurance/bundle_fuzz.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Final

from scripts.assurance.parts import ROOT, WORKPLACE, fail, held, tool
from tests.verification.paper import Paper

SECONDS: Final = 120
SECONDS_PER_INPUT_MAX: Final = 5
MEMORY_MB_MAX: Final = 2_048
SEED_BYTES_MAX: Final = 20_000
INPUT_BYTES_MAX: Final = 40_000
FOLDER: Final = WORKPLACE / "bundle_fuzz"
_RUN = re.compile(r"stat::number_of_executed_units: *(\d+)")
_COVERED = re.compile(r"cov: (\d+)")
_SHOWN_LINES: Final = 40


def seed(folder: Path) -> int:
    """Write the bundles to begin with; how many."""
    paper = Paper.of_book(entries=300)
    made = {paper.bundle(one, redact=redact) for one in paper.certificates() for redact in (False, True)}
    short = sorted(data for data in made if len(data) <= SEED_BYTES_MAX)
    for number, data in enumerate(short):
        (folder / f"bundle-{number}.json").write_bytes(data)
    return len(short)


def main() -> None:
    """Fuzz, and tell how many inputs were judged."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    corpus = FOLDER / "corpus"
    corpus.mkdir(parents=True)
    seeds = seed(corpus)
    if not seeds:
        fail("there is no bundle to begin with")
    command = [
        str(tool("python")),
        str(Path(__file__).with_name("bundle_target.py")),
        str(ROOT),
        sysconfig.get_path("platlib"),
        str(corpus),
        f"-max_total_time={SECONDS}",
        f"-timeout={SECONDS_PER_INPUT_MAX}",
        f"-rss_limit_mb={MEMORY_MB_MAX}",
        f"-max_len={INPUT_BYTES_MAX}",
        f"-artifact_prefix={FOLDER}/",
        "-print_final_stats=1",
        "-seed=1",
    ]
    done = subprocess.run(
        command, cwd=FOLDER, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False
    )
    print("\n".join(done.stdout.splitlines()[-_SHOWN_LINES:]))
    if done.returncode:
        fail(f"an input was not judged: it is in {FOLDER.relative_to(ROOT)} (status {done.returncode})")
    found = _RUN.search(done.stdout)
    judged = int(found[1]) if found else 0
    covered = [int(number) for number in _COVERED.findall(done.stdout)]
    if not judged or not covered:
        fail("no input was judged")
    if covered[-1] <= covered[0]:
        fail(f"{judged:,} inputs, and none of them got further than the bundles to begin with")
    edges = f"{covered[0]:,} to {covered[-1]:,} edges reached"
    held(f"{judged:,} inputs from {seeds} bundles in {SECONDS} s, all judged; {edges}")


if __name__ == "__main__":
    main()
