"""Documents and what is registered of them."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from registry.cli import output
from registry.cli.common import JsonFlag, asking
from registry.cli.output import EXIT_REFUSED, named_refusals
from registry.domain.identifiers import format_receivable_id

if TYPE_CHECKING:
    from registry.commands.checking import Checked, Found
    from registry.store.queries.receivables import ReceivableRow

app = typer.Typer()
command = functools.partial(app.command, rich_help_panel="Finding")

_WORDS = {
    "committed": "this very file is what {0} commits to",
    "altered": "this very file was registered as {0}, but its rows here are not what {0} commits to",
    "same_claim": "the same claim is {0}, from another file ({1})",
    "other_amount": "the same number, date and parties are {0}, with another amount or type ({1})",
}


@command()
@named_refusals
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Invoice: UBL 2.1 or CII, or a PDF that carries one.")],
    *,
    json_output: JsonFlag = False,
) -> None:
    """Whether an invoice file is behind a receivable; exit code 1 unless it is the very file that one commits to.

    What was refused, withdrawn or has lapsed is no receivable.
    """
    from registry.commands.checking import Match, check_document

    with asking() as registry:
        checked, now = check_document(registry.registry, file), registry.now
    if json_output:
        output.document(_document(checked, now=now))
    else:
        _show(checked, now=now)
    if not any(
        found.match is Match.COMMITTED and found.receivable is not None and not found.has_ended
        for found in checked.found
    ):
        raise typer.Exit(EXIT_REFUSED)


def _document(checked: Checked, *, now: int) -> dict[str, Any]:
    invoice = checked.document.invoice
    return {
        "file": checked.document.name,
        "sha256": checked.sha256,
        "invoice": invoice.number,
        "payable": invoice.payable.to_json(),
        "found": [
            {
                "match": str(found.match),
                "receivable": _name(found),
                "phase": None if found.receivable is None else str(found.receivable.phase(now=now)),
                "file": found.invoice.file_name,
                "document_root": found.invoice.document_root,
            }
            for found in checked.found
        ],
        "others": [
            {"receivable": format_receivable_id(row.receivable_id), "phase": str(row.phase(now=now))}
            for row in checked.others
        ],
        "more_others": checked.more_others,
    }


def _show(checked: Checked, *, now: int) -> None:
    invoice = checked.document.invoice
    output.facts(
        [
            ("file", checked.document.name),
            ("sha256", "0x" + checked.sha256.hex()),
            ("invoice", f"{invoice.number} of {invoice.issue_date}"),
            ("to pay", invoice.payable),
            *(("found", _words(found, now=now)) for found in checked.found),
            *(("beware", _copied(row, now=now)) for row in checked.others),
            *([("beware", "there are more of the same claim")] if checked.more_others else []),
        ]
    )
    if not checked.found and not checked.others:
        output.console.print("no such invoice is registered here")


def _words(found: Found, *, now: int) -> str:
    name = _name(found) or "a registration that never came"
    words = _WORDS[str(found.match)].format(name, found.invoice.file_name)
    return words if found.receivable is None else f"{words}; {_standing(found.receivable, now=now)}"


def _copied(row: ReceivableRow, *, now: int) -> str:
    name = format_receivable_id(row.receivable_id)
    return f"{name} claims the same, and is not its seller's; {_standing(row, now=now)}"


def _standing(row: ReceivableRow, *, now: int) -> str:
    phase = row.phase(now=now)
    return f"it is {phase}: no receivable any more" if row.has_ended else f"it is {phase}"


def _name(found: Found) -> str | None:
    return None if found.receivable is None else format_receivable_id(found.receivable.receivable_id)
