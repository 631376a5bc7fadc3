"""Invoices before they are receivables: inspect a file, import many."""

from __future__ import annotations

import functools
import hashlib
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

import typer

from registry.cli import output
from registry.cli.common import As, DryRunFlag, JsonFlag
from registry.cli.output import EXIT_REFUSED, named_refusals
from registry.domain.identifiers import format_receivable_id, parse_receivable_id
from registry.domain.refusals import Refusal
from registry.settings import settings
from registry.terminal import safe

if TYPE_CHECKING:
    from registry.commands.importing import Imported
    from registry.documents.inspection import Inspection, Warned
    from registry.documents.invoice import Invoice
    from registry.documents.parties import Party
    from registry.domain.money import MoneyJson

app = typer.Typer(help="Invoices: inspect a file, import many, erase one.", no_args_is_help=True)
command = functools.partial(app.command)

StrictFlag = Annotated[bool, typer.Option("--strict", help="Refuse what breaks a fatal rule of EN 16931.")]

IGNORED_SHOWN_MAX = 10
"""Names of ignored files or columns that are shown."""


class Separator(StrEnum):
    """What stands between the cells of a table."""

    SEMICOLON = "semicolon"
    COMMA = "comma"
    TAB = "tab"
    PIPE = "pipe"

    @property
    def char(self) -> str:
        """Itself."""
        return {"semicolon": ";", "comma": ",", "tab": "\t", "pipe": "|"}[self]


class DecimalMark(StrEnum):
    """What stands before the decimals."""

    POINT = "point"
    COMMA = "comma"


@command()
@named_refusals
def inspect(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Invoice: UBL 2.1 or CII, or a PDF that carries one.")],
    *,
    strict: StrictFlag = False,
    json_output: JsonFlag = False,
) -> None:
    """What an invoice says, and whether it can become a receivable; exit code 1 if it cannot.

    Needs no registry: nothing is started, written or sent.
    """
    from registry.documents import inspection
    from registry.documents.reading import read_document

    content = read_document(file)
    found = inspection.inspect(content, today=datetime.now(UTC).date(), strict=strict)
    if json_output:
        output.document(
            {
                "file": file.name,
                "bytes": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
                **inspection_document(found),
            }
        )
    else:
        _show(file.name, found)
    if found.refusal is not None:
        raise typer.Exit(EXIT_REFUSED)


@command("import")
@named_refusals
def import_(
    path: Annotated[
        Path,
        typer.Argument(
            metavar="PATH", help="A folder or .zip of invoice files, or a .csv or .tsv with one in each row."
        ),
    ],
    *,
    as_: As,
    columns: Annotated[
        list[str] | None, typer.Option("--map", metavar="COLUMN=FIELD", help="What a column is; repeat for several.")
    ] = None,
    constants: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE", help="The value of a field in rows that have none."),
    ] = None,
    separator: Annotated[Separator | None, typer.Option(help="Between cells; without it found by the header.")] = None,
    encoding: Annotated[
        str | None, typer.Option(help="Where a table has no byte order mark and is not UTF-8: windows-1252, gb18030, …")
    ] = None,
    decimal: Annotated[
        DecimalMark | None, typer.Option(help="Before decimals; with it, groups of thousands are read too.")
    ] = None,
    date_format: Annotated[
        str | None, typer.Option(metavar="DD.MM.YYYY", help="How days are written; without it the year stands first.")
    ] = None,
    strict: StrictFlag = False,
    dry_run: DryRunFlag = False,
    json_output: JsonFlag = False,
) -> None:
    """Register many invoices: the good ones go on, each bad one is told by its place and code.

    Exit code 1 if any was refused. It can be run again: what is registered already is told as a duplicate. Rows that
    name no seller are those of --as.
    """
    from registry.commands import accounts, importing, names
    from registry.commands.services import open_services
    from registry.documents.batch import open_batch
    from registry.documents.tables import TableFormat

    format = TableFormat(
        encoding=encoding,
        separator=separator.char if separator is not None else None,
        decimal=None if decimal is None else "," if decimal is DecimalMark.COMMA else ".",
        date_format=date_format,
        columns=dict(_pair(text, "--map") for text in columns or []),
        constants=dict(_pair(text, "--set") for text in constants or []),
    )
    with open_services(settings(), rehearsal=dry_run) as services:
        originator = names.address_of(services, as_)
        seller, seller_name = importing.seller_of_rows(services, originator)
        format = replace(format, seller=seller, seller_name=seller_name)
        with open_batch(path, format=format, strict=strict) as batch:
            if dry_run:
                done = importing.rehearse_all(services, batch.items, originator=originator)
            else:
                done = importing.register_all(services, batch.items, signer=accounts.signer_of(services, as_))
            with (_JsonRows if json_output else _Lines)(batch.count, batch.ignored) as told:
                for imported in done:
                    told.tell(imported)
    if told.counts["refused"]:
        raise typer.Exit(EXIT_REFUSED)


@command()
@named_refusals
def erase(
    receivable: Annotated[str, typer.Argument(metavar="R-1", help="The receivable whose invoice is erased.")],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete values and salts of an invoice, for good: what the chain commits to can then never be opened again."""
    from registry.commands.disclosing import erase_invoice
    from registry.commands.services import open_services

    number = parse_receivable_id(receivable)
    if not yes:
        typer.confirm(f"Nobody can open anything of the invoice behind {receivable} afterwards. Erase it?", abort=True)
    with open_services(settings()) as services:
        services.catch_up()
        erase_invoice(services, number)
    output.note(f"{receivable}: values and salts of its invoice are deleted; the root on chain stays")


def _pair(text: str, option: str) -> tuple[str, str]:
    name, separator, value = text.rpartition("=") if option == "--map" else text.partition("=")
    if not separator or not name.strip() or not value.strip():
        raise typer.BadParameter(f"{text!r} is not of the form NAME=VALUE", param_hint=option)
    return name.strip(), value.strip()


class _Rows(ABC):
    """What becomes of a batch, told row by row: nothing of it is kept but how many came to which end."""

    def __init__(self, count: int, ignored: Sequence[str]) -> None:
        self.count = count
        self.ignored = ignored
        self.counts: Counter[str] = Counter()
        self.gas = 0

    def tell(self, imported: Imported) -> None:
        """Tell one row."""
        self.counts[imported.outcome] += 1
        self.gas += imported.gas or 0
        self._tell(imported)

    @abstractmethod
    def _tell(self, imported: Imported) -> None: ...


class _Lines(_Rows):
    """A line for each, and what came of all at the end."""

    def __init__(self, count: int, ignored: Sequence[str]) -> None:
        super().__init__(count, ignored)
        self._hints: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for code, hint in self._hints.items():
            output.console.print(f"  [dim]{code}: {safe(hint)}[/]")
        if self.ignored:
            more = len(self.ignored) - IGNORED_SHOWN_MAX
            names = ", ".join(self.ignored[:IGNORED_SHOWN_MAX]) + (f" and {more} more" if more > 0 else "")
            output.console.print(f"not used: {safe(names)}")
        ends = ", ".join(f"{number} {outcome}" for outcome, number in self.counts.items()) or "nothing"
        output.console.print(f"{ends} of {self.count}" + (f", {self.gas:,} gas" if self.gas else ""))

    def _tell(self, imported: Imported) -> None:
        where = safe(imported.place)
        if imported.refusal is not None:
            colour = "yellow" if imported.outcome == "duplicate" else "red"
            output.console.print(f"[{colour}]{imported.refusal.code}[/] {where}: {safe(imported.refusal.detail)}")
            if imported.outcome == "refused" and imported.refusal.hint:
                self._hints[imported.refusal.code] = imported.refusal.hint
            return
        assert imported.invoice is not None  # what is not refused was read
        name = (
            "[green]good[/]"
            if imported.receivable_id is None
            else f"[green]{format_receivable_id(imported.receivable_id)}[/]"
        )
        text = f"{imported.invoice.number}, {imported.money} from {imported.invoice.buyer.name}, due {imported.due}"
        output.console.print(f"{name} {where}: {safe(text)} [dim]{imported.gas:,} gas[/]")


class _JsonRows(_Rows):
    """One JSON document, written as the rows come."""

    def __enter__(self) -> Self:
        output.write('{"rows": [')
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        end: dict[str, Any] = {
            "count": self.count,
            "counts": dict(self.counts),
            "gas": self.gas,
            "ignored": list(self.ignored),
            "complete": kind is None,
        }
        if isinstance(error, Refusal):
            end |= output.refusal_document(error)
        output.write("\n], " + output.as_json(end)[1:] + "\n")
        if isinstance(error, Refusal):
            raise typer.Exit(EXIT_REFUSED) from error

    def _tell(self, imported: Imported) -> None:
        invoice = imported.invoice
        row = {
            "place": imported.place,
            "outcome": imported.outcome,
            "number": None if invoice is None else invoice.number,
            "amount": None if imported.money is None else imported.money.to_json(),
            "buyer": None if invoice is None else invoice.buyer.name,
            "due_date": None if imported.due is None else str(imported.due),
            "receivable": format_receivable_id(imported.receivable_id) if imported.receivable_id else None,
            "gas": imported.gas,
            "refusal": None if imported.refusal is None else output.refusal_document(imported.refusal)["error"],
        }
        first = self.counts.total() == 1
        output.write(("\n" if first else ",\n") + output.as_json(row))


# -------------------------------------------------------------------- for programs


def inspection_document(found: Inspection) -> dict[str, Any]:
    """An inspection for programs."""
    findings = found.findings
    return {
        "container": "xml" if found.opened.embedded_name is None else "pdf",
        "embedded_name": found.opened.embedded_name,
        "syntax": found.opened.syntax,
        "specification": found.opened.specification,
        "profile": found.profile.name if found.profile is not None else None,
        "invoice": None if found.invoice is None else _invoice_document(found.invoice),
        "registrable": found.refusal is None,
        "refusal": None if found.refusal is None else output.refusal_document(found.refusal)["error"],
        "rules": {
            "run": findings is not None,
            "failure": None if found.rules_failure is None else found.rules_failure.detail,
            "fatal_count": None if findings is None else findings.fatal_count,
            "warning_count": None if findings is None else findings.warning_count,
            "findings": []
            if findings is None
            else [
                {
                    "rule": finding.rule,
                    "severity": finding.severity,
                    "text": finding.text,
                    "location": finding.location,
                }
                for finding in findings.listed
            ],
        },
        "warnings": warnings_document(found.warnings),
    }


def _invoice_document(invoice: Invoice) -> dict[str, Any]:
    from registry.documents.invoice import TYPE_NAMES
    from registry.domain.money import Money

    def money(minor: int | None) -> MoneyJson | None:
        return None if minor is None else Money(minor, invoice.currency).to_json()

    return {
        "number": invoice.number,
        "type_code": invoice.type_code,
        "type": TYPE_NAMES.get(invoice.type_code),
        "issue_date": invoice.issue_date,
        "due_date": invoice.due_date,
        "delivery_date": invoice.delivery_date,
        "currency": invoice.currency,
        "payable": money(invoice.payable_minor),
        "tax_inclusive": money(invoice.tax_inclusive_minor),
        "prepaid": money(invoice.prepaid_minor),
        "seller": _party_document(invoice.seller, role="seller"),
        "buyer": _party_document(invoice.buyer, role="buyer"),
        "payee": None if invoice.payee is None else _party_document(invoice.payee, role="payee"),
        "order_reference": invoice.order_reference,
        "payment_terms": invoice.payment_terms,
        "preceding_invoices": list(invoice.preceding_invoices),
    }


def _party_document(party: Party, *, role: str) -> dict[str, Any]:
    from registry.documents.inspection import identity_if_any

    identity = identity_if_any(party, role=role)
    return {
        "name": party.name,
        "country": party.country,
        "identity": None if identity is None else str(identity),
        "identified_by": None if identity is None else identity.described(),
        "identifiers": [
            {"kind": one.kind, "scheme": one.scheme or None, "value": one.value} for one in party.identifiers
        ],
    }


# ----------------------------------------------------------------------- for people


def _show(file_name: str, found: Inspection) -> None:
    output.facts(_facts(file_name, found))
    output.console.print()
    _show_verdict(found)
    _show_rules(found)
    for warned in found.warnings:
        output.console.print(_warning(warned))


def tell_warnings(found: Iterable[Warned]) -> None:
    """Say beside a result what should be known of its invoice."""
    for warned in found:
        output.note(_warning(warned))


def _warning(warned: Warned) -> str:
    return f"[yellow]{warned.code}[/]: {safe(warned.text)}"


def warnings_document(found: Iterable[Warned]) -> list[dict[str, str]]:
    """The same for programs."""
    return [{"code": warned.code, "text": warned.text} for warned in found]


def _facts(file_name: str, found: Inspection) -> list[tuple[str, object]]:
    opened = found.opened
    profile = found.profile.name if found.profile is not None else opened.specification or "none named"
    inside = f", {opened.embedded_name} in a PDF" if opened.embedded_name is not None else ""
    pairs: list[tuple[str, object]] = [("file", file_name), ("syntax", f"{opened.syntax.upper()}, {profile}{inside}")]
    return pairs if found.invoice is None else [*pairs, *_invoice_facts(found.invoice)]


def _invoice_facts(invoice: Invoice) -> list[tuple[str, object]]:
    from registry.documents.invoice import TYPE_NAMES
    from registry.domain.money import Money

    kind = TYPE_NAMES.get(invoice.type_code, "of a type not known here")
    pairs: list[tuple[str, object]] = [
        ("invoice", f"{invoice.number} of {invoice.issue_date}"),
        ("type", f"{invoice.type_code}, {kind}"),
        ("to pay", invoice.payable),
    ]
    if invoice.prepaid_minor:
        pairs.append(("paid before", Money(invoice.prepaid_minor, invoice.currency)))
    if invoice.tax_inclusive_minor is not None:
        pairs.append(("total", Money(invoice.tax_inclusive_minor, invoice.currency)))
    pairs.append(("due", invoice.due_date or "not said"))
    if invoice.delivery_date is not None:
        pairs.append(("delivered", invoice.delivery_date))
    for role, party in (("seller", invoice.seller), ("buyer", invoice.buyer), ("payee", invoice.payee)):
        if party is not None:
            pairs.append((role, _party_shown(party, role=role)))
    if invoice.order_reference:
        pairs.append(("order", invoice.order_reference))
    if invoice.payment_terms:
        pairs.append(("terms", " ".join(invoice.payment_terms.split())))
    if invoice.preceding_invoices:
        pairs.append(("corrects", ", ".join(invoice.preceding_invoices)))
    return pairs


def _party_shown(party: Party, *, role: str) -> str:
    from registry.documents.inspection import identity_if_any

    identity = identity_if_any(party, role=role)
    name = ", ".join(part for part in (party.name, party.country) if part) or "without a name"
    if identity is None:
        return name if role == "payee" else f"{name}; nothing identifies it"
    return f"{name}; {identity} ({identity.described()})"


def _show_verdict(found: Inspection) -> None:
    if found.refusal is None:
        output.console.print("[green]can become a receivable[/]")
        return
    output.console.print(f"[red]cannot become a receivable[/]: {found.refusal.code}: {safe(found.refusal.detail)}")
    if found.refusal.hint:
        output.console.print(f"  {safe(found.refusal.hint)}")


def _show_rules(found: Inspection) -> None:
    if found.findings is None:
        reason = found.rules_failure.detail if found.rules_failure is not None else ""
        output.console.print(f"[yellow]the rules of EN 16931 were not run[/]: {safe(reason)}")
        return
    findings = found.findings
    if not findings.listed:
        output.console.print("[green]no rule of EN 16931 is broken[/]")
        return
    output.console.print(f"rules of EN 16931: {findings.fatal_count} fatal, {findings.warning_count} warnings")
    for finding in findings.listed:
        colour = "red" if finding.severity == "fatal" else "yellow"
        output.console.print(f"  [{colour}]{safe(finding.rule)}[/] {safe(finding.text)}")
        output.console.print(f"    [dim]{safe(finding.location)}[/]")
    hidden = findings.fatal_count + findings.warning_count - len(findings.listed)
    if hidden:
        output.console.print(f"  and {hidden} more")
