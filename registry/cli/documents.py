"""Invoices before they are receivables: inspect a file."""

from __future__ import annotations

import functools
import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from registry.cli import output
from registry.cli.common import JsonFlag
from registry.cli.output import EXIT_REFUSED, named_refusals
from registry.terminal import safe

if TYPE_CHECKING:
    from registry.documents.inspection import Inspection
    from registry.documents.invoice import Invoice
    from registry.documents.parties import Party
    from registry.domain.money import MoneyJson

app = typer.Typer(help="Invoices: inspect a file.", no_args_is_help=True)
command = functools.partial(app.command)

StrictFlag = Annotated[bool, typer.Option("--strict", help="Refuse what breaks a fatal rule of EN 16931.")]


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
        "warnings": [{"code": warned.code, "text": warned.text} for warned in found.warnings],
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
        output.console.print(f"[yellow]{warned.code}[/]: {safe(warned.text)}")


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
