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
    """Whether an invoice file is behind a receivable; exit code 1 unless it is the very file that one commits to."""
    from registry.commands.checking import Match, check_document

    with asking() as registry:
        checked = check_document(registry.registry, file)
    if json_output:
        output.document(_document(checked))
    else:
        _show(checked)
    if not any(found.match is Match.COMMITTED and found.receivable is not None for found in checked.found):
        raise typer.Exit(EXIT_REFUSED)


def _document(checked: Checked) -> dict[str, Any]:
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
                "file": found.invoice.file_name,
                "document_root": found.invoice.document_root,
            }
            for found in checked.found
        ],
        "others": [format_receivable_id(row.receivable_id) for row in checked.others],
    }


def _show(checked: Checked) -> None:
    invoice = checked.document.invoice
    output.facts(
        [
            ("file", checked.document.name),
            ("sha256", "0x" + checked.sha256.hex()),
            ("invoice", f"{invoice.number} of {invoice.issue_date}"),
            ("to pay", invoice.payable),
            *(("found", _words(found)) for found in checked.found),
            *(
                ("beware", f"{format_receivable_id(row.receivable_id)} claims the same, and is not its seller's")
                for row in checked.others
            ),
        ]
    )
    if not checked.found and not checked.others:
        output.console.print("no such invoice is registered here")


def _words(found: Found) -> str:
    name = _name(found) or "a registration that never came"
    return _WORDS[str(found.match)].format(name, found.invoice.file_name)


def _name(found: Found) -> str | None:
    return None if found.receivable is None else format_receivable_id(found.receivable.receivable_id)
