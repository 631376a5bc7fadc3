"""Tables on terminals of any width: nothing is cut, and what people copy is whole."""

from __future__ import annotations

import pytest
from rich.console import Console

from registry.cli import output

HASH = "0x" + "0d" * 32
COLUMNS = ("id", "amount ", "name", "frozen by", "transaction")
ROWS = (
    ("R-1/0-100000", "1,000.00 EUR", "Brandmühl Guss und Söhne GmbH", "AG Köln 12", HASH),
    ("R-2/0-250000", "250,000 JPY", "[b]Bank[/b]", "", HASH),
)


def drawn(width: int) -> list[str]:
    console = Console(width=width, highlight=False, force_terminal=False)
    with console.capture() as captured:
        console.print(output.table(COLUMNS, ROWS, nothing="none"))
    return captured.get().splitlines()


@pytest.mark.parametrize("width", range(80, 160))
def test_whatever_the_width_every_word_is_whole_and_no_line_is_wider(width: int) -> None:
    lines = drawn(width)
    words = " ".join(lines).split()
    assert all(len(line) <= width for line in lines)
    assert {word for row in ROWS for cell in row for word in cell.split()} <= set(words)
    assert {word for column in COLUMNS for word in column.split()} <= set(words)


def test_a_wide_terminal_shows_a_line_for_each_row() -> None:
    header, *rows = drawn(160)
    assert header.split() == ["id", "amount", "name", "frozen", "by", "transaction"]
    assert [row.split()[0] for row in rows] == ["R-1/0-100000", "R-2/0-250000"]


def test_a_name_folds_before_rows_become_blocks() -> None:
    assert drawn(130)[0].split() == ["id", "amount", "name", "frozen", "by", "transaction"]
    assert len(drawn(130)) > 1 + len(ROWS)


def test_a_narrow_terminal_shows_a_block_for_each_row_without_what_is_empty() -> None:
    lines = [line.rstrip().split(maxsplit=1) for line in drawn(80)]
    assert lines[0] == ["id", "R-1/0-100000"]
    assert lines[4] == ["transaction", HASH]
    assert lines[5] == []
    assert [line[0] for line in lines[6:]] == ["id", "amount", "name", "transaction"]
