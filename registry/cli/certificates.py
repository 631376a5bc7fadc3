"""Certificates: cut, hand on, join, let others move them, and where they come from."""

from __future__ import annotations

import csv
import functools
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from registry.cli import output
from registry.cli.common import (
    Acting,
    Asking,
    CertificateArgument,
    DocumentOption,
    JsonFlag,
    Listing,
    To,
    Told,
    listing,
    names,
    operation,
)
from registry.cli.files import STDOUT, write_file
from registry.cli.output import named_refusals
from registry.domain.calendar import instant
from registry.domain.identifiers import CertificateId, format_receivable_id, parse_certificate_id
from registry.domain.rules import UnknownCertificate, UnknownReceivable, require_same_range
from registry.settings import settings
from registry.terminal import safe

if TYPE_CHECKING:
    from rich.tree import Tree

    from registry.domain.identifiers import Address
    from registry.store.queries import Connection
    from registry.store.queries.entries import ProvenanceRow
    from registry.store.queries.invoices import InvoiceRow

app = typer.Typer()
command = functools.partial(app.command, rich_help_panel="Certificates")


@command()
@operation(signable=True)
def split(
    acting: Acting,
    certificate: CertificateArgument,
    amount: Annotated[
        str | None, typer.Argument(metavar="AMOUNT", help="What goes to the receiver --to, e.g. 1250.00.")
    ] = None,
    *,
    to: Annotated[str | None, typer.Option("--to", help="The receiver: a handle or an address.")] = None,
    part: Annotated[
        list[str] | None,
        typer.Option("--part", metavar="AMOUNT=RECEIVER", help="Instead, several parts in one go; repeat."),
    ] = None,
    parts: Annotated[
        Path | None, typer.Option("--parts", help="Instead, parts from a CSV file: amount, receiver, document.")
    ] = None,
    document: DocumentOption = None,
) -> Told:
    """Cut amounts off the tail of a certificate: one for a receiver, or several in one go."""
    from registry.commands import certificates

    whole = parse_certificate_id(certificate)
    single = amount is not None and to is not None
    if [single, part is not None, parts is not None].count(True) != 1 or (not single and (amount or to)):
        raise typer.BadParameter("give AMOUNT and --to, or --part AMOUNT=RECEIVER, or --parts FILE")
    note_ending_recourse(acting, whole)
    if amount is not None and to is not None:
        receiver = acting.account(to)
        done, tail = certificates.split(
            acting.services, signer=acting.hand, certificate=whole, amount=amount, receiver=receiver, document=document
        )
        kept = CertificateId(whole.receivable_id, whole.start, tail.start)
        return Told(f"{tail} goes to {to}, {kept} stays", done, {"certificate": str(tail), "kept": str(kept)})
    typed = _typed_parts(part or [], document) if parts is None else _parts_of_file(parts, document)
    done, tails = certificates.split_many(
        acting.services,
        signer=acting.hand,
        certificate=whole,
        parts=[certificates.TypedPart(each.amount, acting.account(each.receiver), each.document) for each in typed],
    )
    kept = CertificateId(whole.receivable_id, whole.start, tails[-1].start)
    went = ", ".join(f"{tail} to {each.receiver}" for tail, each in zip(tails, typed, strict=True))
    return Told(f"{went}; {kept} stays", done, {"certificates": [str(tail) for tail in tails], "kept": str(kept)})


@command()
@operation(signable=True)
def endorse(
    acting: Acting,
    certificates: Annotated[list[str], typer.Argument(metavar="R-1/0-5000…", help="One certificate, or several.")],
    *,
    to: To,
    document: DocumentOption = None,
) -> Told:
    """Hand whole certificates to the receiver: all or none."""
    from registry.commands import certificates as use_cases

    wholes = [parse_certificate_id(certificate) for certificate in certificates]
    receiver = acting.account(to)
    note_ending_recourse(acting, *wholes)
    if len(wholes) == 1:
        done = use_cases.endorse(
            acting.services, signer=acting.hand, certificate=wholes[0], receiver=receiver, document=document
        )
    else:
        done = use_cases.endorse_many(
            acting.services, signer=acting.hand, certificates=wholes, receiver=receiver, document=document
        )
    belong = "now belongs" if len(wholes) == 1 else "now belong"
    return Told(f"{', '.join(map(str, wholes))} {belong} to {to}", done)


@command()
@operation(signable=True)
def merge(
    acting: Acting,
    certificate: CertificateArgument,
    neighbour: Annotated[
        str | None, typer.Argument(metavar="R-1/5000-9000", help="The other one; without it the right neighbour.")
    ] = None,
) -> Told:
    """Join two certificates that touch into one."""
    from registry.commands import certificates

    one = parse_certificate_id(certificate)
    named = None if neighbour is None else parse_certificate_id(neighbour)
    other = named or certificates.right_neighbour(acting.services, one)
    note_ending_recourse(acting, one, other)
    done, whole = certificates.merge(acting.services, signer=acting.hand, certificates=(one, other))
    return Told(f"{one} and {other} are now {whole}", done, {"certificate": str(whole)})


@command()
@operation(signable=True)
def approve(
    acting: Acting,
    certificate: Annotated[
        str | None, typer.Argument(metavar="R-1/0-5000", help="A certificate; it ends when that moves or is cut.")
    ] = None,
    *,
    to: Annotated[str, typer.Option("--to", help="Who may move it: a handle or an address.")],
    all_: Annotated[bool, typer.Option("--all", help="All certificates that you hold, now and later.")] = False,
) -> Told:
    """Let somebody else move a certificate, or all that you hold."""
    from registry.commands import certificates

    whole = _certificate_or_all(certificate, all_=all_)
    operator = acting.account(to)
    if whole is None:
        done = certificates.approve_for_all(acting.services, signer=acting.hand, operator=operator, approved=True)
        return Told(f"{to} may move all certificates of {acting.name}", done)
    done = certificates.approve(acting.services, signer=acting.hand, certificate=whole, operator=operator)
    return Told(f"{to} may move {whole}", done)


@command()
@operation(signable=True)
def revoke(
    acting: Acting,
    certificate: Annotated[
        str | None, typer.Argument(metavar="R-1/0-5000", help="The certificate that somebody may move.")
    ] = None,
    *,
    from_: Annotated[str | None, typer.Option("--from", help="With --all: whose approval ends.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="The approval for all certificates that you hold.")] = False,
) -> Told:
    """End an approval."""
    from registry.commands import certificates

    whole = _certificate_or_all(certificate, all_=all_)
    if whole is None:
        if from_ is None:
            raise typer.BadParameter("say whose approval ends", param_hint="--from")
        done = certificates.approve_for_all(
            acting.services, signer=acting.hand, operator=acting.account(from_), approved=False
        )
        return Told(f"{from_} no longer moves the certificates of {acting.name}", done)
    done = certificates.revoke(acting.services, signer=acting.hand, certificate=whole)
    return Told(f"only the holder moves {whole}", done)


def note_ending_recourse(acting: Acting, *certificates: CertificateId) -> None:
    """Say which rights of recourse end by what is done next: they go with no part, and with no other holder."""
    from registry.cli import views

    view = acting.services.view
    rights = view.rights([(certificate.receivable_id, certificate.start) for certificate in certificates])
    for certificate, found in zip(certificates, rights.values(), strict=True):
        if found.recourse is None:
            continue
        number = certificate.receivable_id
        amount = views.money(found.recourse.amount, view.records([number])[number].currency)
        with acting.services.database.snapshot() as connection:
            seller = names(connection, [found.recourse.seller])(found.recourse.seller)
        output.note(f"{certificate}: the right of recourse to {safe(seller)} for {amount} ends with this")


def _certificate_or_all(certificate: str | None, *, all_: bool) -> CertificateId | None:
    """The certificate that was named, or None for --all."""
    if (certificate is None) is not all_:
        raise typer.BadParameter("name a certificate, or give --all")
    return None if certificate is None else parse_certificate_id(certificate)


class _Part(NamedTuple):
    amount: str
    receiver: str
    document: str | None


def _typed_parts(typed: list[str], document: str | None) -> list[_Part]:
    """Parts as --part takes them, all with the same document."""
    found = []
    for one in typed:
        amount, sign, receiver = one.partition("=")
        if not sign:
            raise typer.BadParameter(f"{one!r} is not AMOUNT=RECEIVER", param_hint="--part")
        found.append(_Part(amount, receiver, document))
    return found


PARTS_MAX = 500
"""Parts in a CSV file: far more than one transaction takes."""


def _parts_of_file(path: Path, document: str | None) -> list[_Part]:
    """Parts of a CSV file with a header; without a document of its own a part has that of --document."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(islice(csv.DictReader(file), PARTS_MAX + 1))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise typer.BadParameter(f"{path} cannot be read: {error}", param_hint="--parts") from error
    if len(rows) > PARTS_MAX:
        raise typer.BadParameter(f"{path} has more than {PARTS_MAX} parts", param_hint="--parts")
    if not rows or not {"amount", "receiver"} <= rows[0].keys():
        raise typer.BadParameter(f"{path} needs a header with amount and receiver, and a part", param_hint="--parts")
    return [_Part(row["amount"] or "", row["receiver"] or "", row.get("document") or document) for row in rows]


@command()
@listing
def trace(asking: Asking, certificate: CertificateArgument) -> Listing:
    """The provenance of a certificate: every entry that touched its cents, and on what trade it moved."""
    from registry.cli import views

    traced = Traced.of(parse_certificate_id(certificate), asking.snapshot)
    whole = traced.document()
    return Listing(whole["steps"], views.STEP_COLUMNS, traced.tree, whole)


class Language(StrEnum):
    """Languages in which certificates are drawn and printed."""

    EN = "en"
    ZH = "zh"


@command()
@named_refusals
def certificate(
    certificate: CertificateArgument,
    *,
    svg: Annotated[
        str | None, typer.Option("--svg", metavar="FILE", help="Put its picture there; - prints it.")
    ] = None,
    pdf: Annotated[
        str | None, typer.Option("--pdf", metavar="FILE", help="Instead, a page to print, with its proof attached.")
    ] = None,
    lang: Annotated[
        Language | None, typer.Option(help="Language of the picture, else the viewer's; of the page, else English.")
    ] = None,
    json_output: JsonFlag = False,
) -> None:
    """How the chain itself describes a certificate: its ERC-721 metadata, and its picture; or a page with its proof."""
    from registry.commands import pictures
    from registry.commands.services import open_services

    whole = parse_certificate_id(certificate)
    if pdf is not None:
        if svg is not None:
            raise typer.BadParameter("choose one of --pdf and --svg")
        page = _printed(whole, language=lang or Language.EN)
        write_file(page, pdf)
        if json_output and pdf != STDOUT:
            output.document({"certificate": str(whole), "file": pdf, "bytes": len(page)})
        return
    with open_services(settings()) as services:
        found = pictures.metadata(services, whole)
        drawn = None if svg is None else pictures.picture(services, whole, language=lang)
    if svg is not None and drawn is not None:
        write_file(drawn, svg)
    if json_output:
        output.document(found)
    elif svg != STDOUT:
        output.facts(
            [
                ("name", found.get("name", "")),
                *(("description", line) for line in str(found.get("description", "")).splitlines() if line),
                *((one.get("trait_type", ""), _trait(one)) for one in found.get("attributes", ())),
            ]
        )


def _printed(certificate: CertificateId, *, language: Language) -> bytes:
    """The page of a certificate at the mirror's block."""
    from registry.commands.services import open_services
    from registry.verification.certificate_pdf import certificate_pdf, names_for
    from registry.verification.make import Wanted, gather, make

    with open_services(settings()) as services:
        services.catch_up()
        with services.database.snapshot() as connection:
            gathered = gather(connection, Wanted(certificate))
            names = names_for(connection, gathered)
        bundle = make(services.node, gathered)
    return certificate_pdf(bundle, names=names, language=language, public_url=settings().public_url)


def _trait(attribute: dict[str, Any]) -> object:
    """An attribute's value; wallets show those of type date as dates, and so do we."""
    value = attribute.get("value", "")
    is_date = attribute.get("display_type") == "date" and isinstance(value, int)
    return instant(value) if is_date else value


@dataclass(frozen=True)
class Traced:
    """A certificate and its provenance, ready to be told."""

    certificate: CertificateId
    steps: list[ProvenanceRow]
    currency: int
    name: Callable[[Address], str]
    invoice: InvoiceRow | None
    documents: dict[bytes, str]
    orders: dict[bytes, str]

    @classmethod
    def of(cls, certificate: CertificateId, connection: Connection) -> Traced:
        """Read it: a certificate that exists just so. Raises UnknownReceivable, UnknownCertificate, RangeChanged."""
        from registry.cli import views
        from registry.store.queries import certificates, documents, entries, health, invoices, orders, receivables

        cursor = health.cursor(connection)
        row = receivables.receivable(connection, certificate.receivable_id)
        if row is None or cursor is None:
            raise UnknownReceivable(f"there is no {format_receivable_id(certificate.receivable_id)}")
        part = certificates.certificate(connection, certificate.receivable_id, certificate.start)
        if part is None:
            raise UnknownCertificate(f"there is no certificate {certificate}")
        require_same_range(part.state(), certificate)
        steps = list(
            entries.provenance_of(
                connection, certificate.receivable_id, start=certificate.start, end=certificate.end, cursor=cursor
            )
        )
        known = documents.trade_documents(
            connection, {step.step.document for step in steps if step.step.document is not None}
        )
        references = {
            order: orders.order_reference_of(connection, order)
            for order in {step.step.order for step in steps if step.step.order is not None}
        }
        people: list[Address | None] = [row.originator, row.debtor]
        for step in steps:
            entry = step.step.entry
            others = (getattr(entry, role, None) for role in ("receiver", "financier", "seller", "payer", "holder"))
            people += [step.step.giver, step.step.holder, *others]
        return cls(
            certificate,
            steps,
            row.currency,
            names(connection, people),
            invoices.invoice_by_root(connection, row.document_root),
            {document: found.file_name for document, found in known.items()},
            {order: views.order(found) for order, found in references.items() if found is not None},
        )

    def document(self) -> dict[str, Any]:
        """For programs."""
        from registry.cli import views

        return {
            "certificate": str(self.certificate),
            "steps": [views.step_document(step, name=self.name) for step in self.steps],
        }

    def tree(self) -> Tree:
        """For people."""
        from registry.cli import views

        return views.provenance_tree(
            self.certificate,
            self.steps,
            currency=self.currency,
            name=self.name,
            invoice=self.invoice,
            documents=self.documents,
            orders=self.orders,
        )
