"""Text of strangers is shown, not obeyed."""

from __future__ import annotations

import pytest

from registry.domain.printable import printable


@pytest.mark.parametrize("char", ["\x1b", "\x07", "\x9b", "\u202e", "\u200b", "\n", "\u2028", "\ue000"])
def test_what_moves_a_terminal_or_hides_becomes_a_mark(char: str) -> None:
    assert printable(f"a{char}b") == "a\N{REPLACEMENT CHARACTER}b"


@pytest.mark.parametrize("text", ["Brandmühl Guss GmbH", "苏州菱湖电子有限公司", "S.p.A. & Söhne [/] 100 %", ""])
def test_names_stay_as_they_are(text: str) -> None:
    assert printable(text) == text
