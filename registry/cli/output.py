"""What the command line prints: tables for people, one JSON document for programs, CSV for spreadsheets."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

import typer
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from registry.domain.printable import printable
from registry.domain.refusals import Refusal
from registry.tabular import LINE_END, csv_lines
from registry.terminal import safe

P = ParamSpec("P")
R = TypeVar("R")

WIDTH_COLUMNS_FILE = 200
"""Width of what goes to a file or a pipe: nothing is cut there."""

console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH_COLUMNS_FILE)
notes = Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else WIDTH_COLUMNS_FILE)

FOLDING = frozenset({"name", "roles", "invoice", "rights", "terms", "frozen by"})
"""Columns that may wrap between words where the terminal is narrow."""

GAP = 2
"""Blanks between two columns."""

EXIT_REFUSED = 1
EXIT_INTERRUPTED = 130


def document(value: Any) -> None:
    """Print one JSON document."""
    write(as_json(value, indent=2) + "\n")


def as_json(value: Any, *, indent: int | None = None) -> str:
    """A value as JSON: bytes as 0x…, whatever JSON does not know as its text."""
    return json.dumps(value, indent=indent, ensure_ascii=False, default=_plain)


def write(content: str | bytes) -> None:
    """Write bytes, or a text in UTF-8 whatever the terminal speaks, to stdout as they are."""
    sys.stdout.flush()
    sys.stdout.buffer.write(content if isinstance(content, bytes) else encoded(content))
    sys.stdout.buffer.flush()


def encoded(text: str) -> bytes:
    """A text in UTF-8. Bytes of a file's name that are no text are replaced: no reader of UTF-8 takes them."""
    return text.encode("utf-8", "replace")


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, nothing: str) -> RenderableType:
    """A table, or `nothing` (markup) where there are no rows. Columns whose name ends in a blank are right-aligned.

    Nothing is ever cut. Names and lists of words fold where the terminal is narrow, all else keeps its width; where
    that is too much, each row is a block of lines, a name and a value on each.
    """
    cells = [[printable(str(cell)) for cell in row] for row in rows]
    return _Rows(columns, cells) if cells else nothing


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows of text, drawn as wide as the terminal lets them be."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        widths = self._widths(options.max_width)
        if widths is not None:
            yield self._table(widths)
            return
        for number, row in enumerate(self.rows):
            if number:
                yield ""
            yield _pairs((column.strip(), cell) for column, cell in zip(self.columns, row, strict=True) if cell)

    def _widths(self, room: int) -> list[int] | None:
        """The columns' widths in so much room, None if there is too little: the widest that folds gives way first."""
        columns = list(zip(map(str.strip, self.columns), zip(*self.rows, strict=True), strict=True))
        widths = [max(map(cell_len, (header, *cells))) for header, cells in columns]
        least = [
            max(cell_len(word) for text in (header, *cells) for word in (text.split() or [text]))
            if header in FOLDING
            else width
            for (header, cells), width in zip(columns, widths, strict=True)
        ]
        room -= GAP * (len(columns) - 1)
        if sum(least) > room:
            return None
        while sum(widths) > room:
            widest = max((i for i in range(len(columns)) if widths[i] > least[i]), key=widths.__getitem__)
            widths[widest] -= 1
        return widths

    def _table(self, widths: Sequence[int]) -> Table:
        shown = Table(box=None, pad_edge=False, header_style="bold")
        for column, width in zip(self.columns, widths, strict=True):
            shown.add_column(column.strip(), justify="right" if column.endswith(" ") else "left", width=width)
        for row in self.rows:
            shown.add_row(*map(Text, row))
        return shown


def print_csv(columns: Sequence[str], documents: Iterable[Mapping[str, Any]]) -> None:
    """Write CSV to stdout."""
    for line in csv_lines(columns, documents):
        # A terminal obeys what a file only holds.
        write(printable(line.removesuffix(LINE_END)) + LINE_END if sys.stdout.isatty() else line)


def facts(pairs: Iterable[tuple[str, object]]) -> None:
    """Print names and values, one a line."""
    console.print(_pairs((name, printable(str(value))) for name, value in pairs))


def _pairs(pairs: Iterable[tuple[str, str]]) -> Table:
    shown = Table(box=None, show_header=False, pad_edge=False)
    shown.add_column(style="dim", no_wrap=True)
    shown.add_column(overflow="fold")
    for name, value in pairs:
        shown.add_row(name, Text(value))
    return shown


def note(text: str) -> None:
    """Tell people something beside the result; goes to stderr, so that it never mixes with --json."""
    notes.print(text)


def refusal_document(refusal: Refusal) -> dict[str, Any]:
    """A refusal for programs."""
    return {
        "error": {
            "code": refusal.code,
            "title": refusal.title,
            "detail": refusal.detail,
            "hint": refusal.hint or None,
        }
    }


def tell(refusal: Refusal, *, as_json: bool) -> None:
    """Print a refusal: a document for programs, its name and its hint for people."""
    if as_json:
        document(refusal_document(refusal))
        return
    notes.print(f"[red]{refusal.code}[/]: {safe(refusal.detail)}", emoji=False)
    if refusal.hint:
        notes.print(f"  {safe(refusal.hint)}", emoji=False)


def named_refusals(command: Callable[P, R]) -> Callable[P, R]:
    """Turn a Refusal into its name, its hint and exit code 1. Anything else is a bug and stays one."""

    @functools.wraps(command)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except Refusal as refusal:
            tell(refusal, as_json=bool(kwargs.get("json_output")))
            raise typer.Exit(EXIT_REFUSED) from refusal
        except KeyboardInterrupt:
            raise typer.Exit(EXIT_INTERRUPTED) from None

    return wrapper


def _plain(value: object) -> str:
    return "0x" + value.hex() if isinstance(value, bytes) else str(value)
