"""Write the table of registry/domain/matrix.py into docs/invariants.md: `python -m scripts.matrix`."""

from __future__ import annotations

from pathlib import Path

from registry.domain.matrix import MatrixPhase, Operation, Overlay, expected, is_reachable
from registry.settings import PROJECT_ROOT

INVARIANTS_FILE = PROJECT_ROOT / "docs" / "invariants.md"
BEGIN = "<!-- matrix: written by `python -m scripts.matrix` from registry/domain/matrix.py -->"
END = "<!-- end of matrix -->"


def matrix_text() -> str:
    """The table in Markdown: first without an overlay, then for each overlay what it changes."""
    return "\n".join(_section(overlay) for overlay in Overlay)


def with_matrix(document: str) -> str:
    """The document with the present table between its markers."""
    before, _, rest = document.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{matrix_text()}\n{END}{after}"


def _section(overlay: Overlay) -> str:
    phases = [phase for phase in MatrixPhase if is_reachable(phase, overlay)]
    operations = [
        operation
        for operation in Operation
        if overlay is Overlay.NONE or any(_is_changed(operation, phase, overlay) for phase in phases)
    ]
    columns: dict[tuple[str, ...], list[str]] = {}
    for phase in phases:
        columns.setdefault(tuple(_cell(operation, phase, overlay) for operation in operations), []).append(phase)
    # Phases that differ in nothing share a column.
    head = ["operation", *(" / ".join(phases) for phases in columns.values())]
    rows = [[f"`{operation}`", *row] for operation, *row in zip(operations, *columns, strict=True)]
    heading = "### Nothing over it" if overlay is Overlay.NONE else f"### {str(overlay).capitalize()}"
    return "\n".join([heading, "", *_table(head, rows), ""])


def _is_changed(operation: Operation, phase: MatrixPhase, overlay: Overlay) -> bool:
    return expected(operation, phase, overlay) is not expected(operation, phase, Overlay.NONE)


def _cell(operation: Operation, phase: MatrixPhase, overlay: Overlay) -> str:
    refusal = expected(operation, phase, overlay)
    return "yes" if refusal is None else refusal.__name__


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    lines = [head, ["-" * width for width in widths], *rows]
    return [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    ]


def main(path: Path = INVARIANTS_FILE) -> None:
    """Write it."""
    path.write_text(with_matrix(path.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"wrote {path}")


if __name__ == "__main__":
    main()
