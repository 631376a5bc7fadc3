"""Certificates: hand on, and where they come from."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from registry.cli.common import (
    Acting,
    Asking,
    CertificateArgument,
    DocumentOption,
    Listing,
    To,
    Told,
    listing,
    names,
    operation,
)
from registry.domain.identifiers import CertificateId, format_receivable_id, parse_certificate_id
from registry.domain.rules import UnknownCertificate, UnknownReceivable, require_same_range

if TYPE_CHECKING:
    from rich.tree import Tree

    from registry.domain.identifiers import Address
    from registry.store.queries import Connection
    from registry.store.queries.entries import ProvenanceRow
    from registry.store.queries.invoices import InvoiceRow

app = typer.Typer()
command = functools.partial(app.command, rich_help_panel="Certificates")


@command()
@operation()
def split(
    acting: Acting,
    certificate: CertificateArgument,
    amount: Annotated[str, typer.Argument(metavar="AMOUNT", help="What goes to the receiver, e.g. 1250.00.")],
    *,
    to: To,
    document: DocumentOption = None,
) -> Told:
    """Cut an amount off the tail of a certificate and hand it to the receiver."""
    from registry.commands import certificates

    whole = parse_certificate_id(certificate)
    done, tail = certificates.split(
        acting.services,
        signer=acting.signer,
        certificate=whole,
        amount=amount,
        receiver=acting.account(to),
        document=document,
    )
    kept = CertificateId(whole.receivable_id, whole.start, tail.start)
    return Told(f"{tail} goes to {to}, {kept} stays", done, {"certificate": str(tail), "kept": str(kept)})


@command()
@operation()
def endorse(acting: Acting, certificate: CertificateArgument, *, to: To, document: DocumentOption = None) -> Told:
    """Hand a whole certificate to the receiver."""
    from registry.commands import certificates

    whole = parse_certificate_id(certificate)
    done = certificates.endorse(
        acting.services, signer=acting.signer, certificate=whole, receiver=acting.account(to), document=document
    )
    return Told(f"{whole} now belongs to {to}", done)


@command()
@listing
def trace(asking: Asking, certificate: CertificateArgument) -> Listing:
    """The provenance of a certificate: every entry that touched its cents, and on what trade it moved."""
    from registry.cli import views

    traced = Traced.of(parse_certificate_id(certificate), asking.snapshot)
    whole = traced.document()
    return Listing(whole["steps"], views.STEP_COLUMNS, traced.tree, whole)


@dataclass(frozen=True)
class Traced:
    """A certificate and its provenance, ready to be told."""

    certificate: CertificateId
    steps: list[ProvenanceRow]
    currency: int
    name: Callable[[Address], str]
    invoice: InvoiceRow | None
    documents: dict[bytes, str]

    @classmethod
    def of(cls, certificate: CertificateId, connection: Connection) -> Traced:
        """Read it: a certificate that exists just so. Raises UnknownReceivable, UnknownCertificate, RangeChanged."""
        from registry.store.queries import certificates, documents, entries, health, invoices, receivables

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
        people = [row.originator, row.debtor, *(who for step in steps for who in (step.step.giver, step.step.holder))]
        return cls(
            certificate,
            steps,
            row.currency,
            names(connection, people),
            invoices.invoice_by_root(connection, row.document_root),
            {document: found.file_name for document, found in known.items()},
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
        )
