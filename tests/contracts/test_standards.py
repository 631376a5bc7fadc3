"""The pages in docs that say which test shows what name tests; they must be there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from registry.settings import PROJECT_ROOT


@pytest.mark.parametrize("page", ["standards.md", "threat-model.md"])
def test_every_test_that_the_page_names_is_there(page: str) -> None:
    written = {
        name
        for file in Path(__file__).parents[1].rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)\(", file.read_text(), re.MULTILINE)
    }
    named = set(re.findall(r"\btest_\w+", (PROJECT_ROOT / "docs" / page).read_text()))
    assert named - written == set()
    assert len(named) > 40
