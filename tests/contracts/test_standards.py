"""docs/standards.md names tests; they must be there."""

from __future__ import annotations

import re
from pathlib import Path

from registry.settings import PROJECT_ROOT

DOCUMENT = PROJECT_ROOT / "docs" / "standards.md"


def test_every_test_that_the_page_names_is_there() -> None:
    written = {
        name
        for file in Path(__file__).parent.glob("test_*.py")
        for name in re.findall(r"^def (test_\w+)\(", file.read_text(), re.MULTILINE)
    }
    named = set(re.findall(r"\btest_\w+", DOCUMENT.read_text()))
    assert named - written == set()
    assert len(named) > 40
