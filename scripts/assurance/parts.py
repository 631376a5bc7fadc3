"""What the parts of `make assurance` have in common."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Final, NoReturn

ROOT: Final = Path(__file__).parents[2]
WORKPLACE: Final = ROOT / "build" / "assurance"
TOOLS: Final = WORKPLACE / "tools" / "bin"
"""Programs that the product does not need, installed from tools.lock."""


def tool(name: str) -> Path:
    """The program of this name, of the tools' own environment or else on the PATH; without it the part has failed."""
    own = TOOLS / name
    if own.is_file():
        return own
    if (found := shutil.which(name)) is None:
        fail(f"{name} is not installed")
    return Path(found)


def fail(words: str) -> NoReturn:
    """End the part: it has not held, for this reason."""
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()
    raise SystemExit(1)


def held(words: str) -> None:
    """Say in one sentence of figures what was checked: the last line of a part that held."""
    sys.stdout.write(f"{words}\n")
