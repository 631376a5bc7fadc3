"""Planted bugs: `python -m scripts.assurance.seeded [name ...]` shows that the assurance fails when it has to.

Each patch in scripts/assurance/seeded begins with what is wrong and a line `Found by:` with the parts of the assurance
that must see it. In a copy of the last commit with that patch, each of these parts is run and has to fail.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from scripts.assurance.parts import ROOT, WORKPLACE, fail, held

PATCHES: Final = Path(__file__).with_name("seeded")
SHARED: Final = ("node_modules", "build/assurance/tools")
"""What the copy has in common with this folder."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Plant each bug and print which parts have found it."""
    patches = {patch.stem: patch for patch in sorted(PATCHES.glob("*.patch"))}
    parser = argparse.ArgumentParser(prog="python -m scripts.assurance.seeded", description=main.__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(patches)}; all without any")
    options = parser.parse_args(arguments)
    if unknown := set(options.names) - patches.keys():
        parser.error(f"no such patch: {', '.join(sorted(unknown))}")
    missed: list[str] = []
    wanted = [patch for name, patch in patches.items() if not options.names or name in options.names]
    for patch in wanted:
        copy = _planted(patch)
        for part in _finders(patch):
            status, words = _run(copy, part)
            found = status == 1
            sys.stdout.write(f"{patch.stem}: {part} {'fails' if found else f'ended with {status}'}: {words}\n")
            sys.stdout.flush()
            if not found:
                missed.append(f"{patch.stem} by {part}")
        shutil.rmtree(copy)
    if not wanted:
        fail("there are no patches")
    if missed:
        fail(f"not found: {', '.join(missed)}")
    held(f"{len(wanted)} planted bugs, each found by every part that has to")
    return 0


def _finders(patch: Path) -> list[str]:
    for line in patch.read_text().splitlines():
        if line.startswith("Found by:"):
            return line.removeprefix("Found by:").replace(",", " ").split()
    fail(f"{patch.name} does not say what finds it")


def _planted(patch: Path) -> Path:
    copy = WORKPLACE / "seeded" / patch.stem
    shutil.rmtree(copy, ignore_errors=True)
    subprocess.run(["git", "clone", "--quiet", "--shared", str(ROOT), str(copy)], check=True)
    subprocess.run(["git", "apply", str(patch)], cwd=copy, check=True)
    for shared in SHARED:
        (copy / shared).parent.mkdir(parents=True, exist_ok=True)
        (copy / shared).symlink_to(ROOT / shared)
    return copy


def _run(copy: Path, part: str) -> tuple[int, str]:
    """The part's exit status in the copy, and its last line."""
    environment = os.environ | {"PYTHONPATH": str(copy), "SOLCX_BINARY_PATH": str(copy / "scripts" / "solc")}
    done = subprocess.run(
        [sys.executable, "-m", f"scripts.assurance.{part}"],
        cwd=copy,
        env=environment | {"APE_DATA_FOLDER": str(copy / "build" / "ape")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    lines = done.stdout.strip().splitlines()
    return done.returncode, lines[-1] if lines else "said nothing"


if __name__ == "__main__":
    raise SystemExit(main())
