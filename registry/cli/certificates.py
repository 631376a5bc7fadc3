"""Certificates: hand on, and where they come from."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Annotated, Any

import typer

from registry.cli import output
from registry.cli.common import Acting, CertificateArgument, DocumentOption, JsonFlag, To, Told, names, operation
from registry.cli.output import named_refusals
from registry.domain.identifiers import CertificateId, format_receivable_id, parse_certificate_id
from registry.domain.rules import UnknownCertificate, UnknownReceivable, require_same_range
from registry.settings import settings

if TYPE_CHECKING:
    from rich.tree import Tree

    from registry.commands.services import Services
    from registry.store.queries.entries import ProvenanceRow
    from registry.store.queries.receivables import ReceivableRow

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
    from registry.commands import operations  # noqa: PLC0415

    whole = parse_certificate_id(certificate)
    done, tail = operations.split(
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
    from registry.commands import operations  # noqa: PLC0415

    whole = parse_certificate_id(certificate)
    done = operations.endorse(
        acting.services, signer=acting.signer, certificate=whole, receiver=acting.account(to), document=document
    )
    return Told(f"{whole} now belongs to {to}", done)


@command()
@named_refusals
def trace(certificate: CertificateArgument, *, json_output: JsonFlag = False) -> None:
    """The provenance of a certificate: every entry that touched its cents, and on what trade it moved."""
    from registry.commands.services import open_services  # noqa: PLC0415

    identifier = parse_certificate_id(certificate)
    with open_services(settings()) as services:
        if json_output:
            output.document(provenance_document(services, identifier))
        else:
            output.console.print(provenance_tree(services, identifier))


def provenance_document(services: Services, identifier: CertificateId) -> dict[str, Any]:
    from registry.cli import views  # noqa: PLC0415

    steps, _ = _steps(services, identifier)
    name = names(services)
    return {"certificate": str(identifier), "steps": [views.step_document(step, name=name) for step in steps]}


def provenance_tree(services: Services, identifier: CertificateId) -> Tree:
    from registry.cli import views  # noqa: PLC0415
    from registry.store.queries import documents, invoices  # noqa: PLC0415

    steps, row = _steps(services, identifier)
    hashes = {step.step.document for step in steps if step.step.document is not None}
    with services.database.snapshot() as connection:
        invoice = invoices.invoice_by_root(connection, row.document_root)
        known = documents.trade_documents(connection, hashes)
    return views.provenance_tree(
        identifier,
        steps,
        currency=row.currency,
        name=names(services),
        invoice=invoice,
        documents={document: found.file_name for document, found in known.items()},
    )


def _steps(services: Services, identifier: CertificateId) -> tuple[list[ProvenanceRow], ReceivableRow]:
    """Provenance of a certificate that exists just so. Raises UnknownReceivable, UnknownCertificate."""
    from registry.store.queries import certificates, entries, health, receivables  # noqa: PLC0415

    receivable_id = identifier.receivable_id
    with services.database.snapshot() as connection:
        cursor = health.cursor(connection)
        row = receivables.receivable(connection, receivable_id)
        if row is None or cursor is None:
            raise UnknownReceivable(f"there is no {format_receivable_id(receivable_id)}")
        part = certificates.certificate(connection, receivable_id, identifier.start)
        if part is None:
            raise UnknownCertificate(f"there is no certificate {identifier}")
        require_same_range(part.state(), identifier)
        steps = list(
            entries.provenance_of(connection, receivable_id, start=identifier.start, end=identifier.end, cursor=cursor)
        )
    return steps, row
