"""Text on a terminal that reads markup."""

from __future__ import annotations

from rich.markup import escape

from registry.domain.printable import printable


def safe(value: object) -> str:
    """Any value as text between markup: nothing in it moves the terminal or is taken for markup."""
    return escape(printable(str(value)))
