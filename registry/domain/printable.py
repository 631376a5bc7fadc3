"""Text from strangers, made fit to be shown: names, numbers and file names come from whoever wrote the invoice."""

from __future__ import annotations

import unicodedata

_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


def printable(text: str) -> str:
    """The text with every control, format and direction character as U+FFFD: a terminal shows it and does not obey."""
    return "".join("\N{REPLACEMENT CHARACTER}" if unicodedata.category(char) in _UNPRINTABLE else char for char in text)
