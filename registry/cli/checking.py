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
    from registry.verification.claims import Answer

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


@command("verify-claim")
@named_refusals
def verify_claim(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Invoice: UBL 2.1 or CII, or a PDF that carries one.")],
    *,
    json_output: JsonFlag = False,
) -> None:
    """Whether the claim of an invoice that you are offered, or a near one, is registered, pledged or sold already.

    Answered without names; exit code 1 if anything like it is known. The question is recorded by its hash.
    """
    from registry.commands.services import master_key
    from registry.documents.reading import read_invoice
    from registry.store.queries import health
    from registry.verification.claims import answer, record

    invoice = read_invoice(file)
    with asking() as registry:
        found = answer(registry.snapshot, invoice, master=master_key(registry.registry.home), now=registry.now)
        cursor = health.cursor(registry.snapshot)
        record(registry.registry.database, found, block_number=0 if cursor is None else cursor.block_number)
    if json_output:
        output.document(_answered(found))
    else:
        _tell(found)
    if found.findings:
        raise typer.Exit(EXIT_REFUSED)


def _answered(found: Answer) -> dict[str, Any]:
    return {
        "verdict": str(found.verdict),
        "findings": [
            {
                "match": str(one.match),
                "reasons": [str(reason) for reason in one.reasons],
                "score": one.score,
                "phase": str(one.phase),
                "pledged_bps": one.pledged_bps,
                "sold_bps": one.sold_bps,
                "paid_bps": one.paid_bps,
            }
            for one in found.findings
        ],
        "more": found.more,
    }


def _tell(found: Answer) -> None:
    if not found.findings:
        output.console.print("nothing like this claim is registered here")
        return
    output.console.print(
        output.table(
            ["match", "why", "score ", "phase", "pledged ", "sold ", "paid "],
            (
                (
                    str(one.match),
                    ", ".join(map(str, one.reasons)),
                    one.score,
                    str(one.phase),
                    *(_percent(bps) for bps in (one.pledged_bps, one.sold_bps, one.paid_bps)),
                )
                for one in found.findings
            ),
            nothing="",
        )
    )
    if found.more:
        output.note("there are more")


def _percent(bps: int) -> str:
    return f"{bps // 100}.{bps % 100:02d} %"


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
