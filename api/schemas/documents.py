"""What is known of an invoice file, as the API shows it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from api.schemas.common import BlockOut, DayText, HashText, Model, MoneyOut, hex_text
from api.schemas.receivables import ReceivableOut
from registry.commands.checking import Checked, Found, Match
from registry.documents.invoice import Invoice, require_registrable
from registry.documents.parties import Party
from registry.domain.refusals import Refusal

MatchText = Annotated[
    str,
    Field(
        description="`committed`: the very file, and its fields hash to the root on chain. `altered`: the very file, "
        "but what is kept of it here was changed since. `same_claim`: another file of the same claim, for the same "
        "amount. `other_amount`: the same number, date and parties, but another amount or type.",
        json_schema_extra={"enum": [match.value for match in Match]},
    ),
]


class InvoicePartyOut(Model):
    """A party as the invoice names it."""

    name: str
    identity: str = Field(description="What identifies it.", examples=["vat:DE123456789"])


class ReasonWhyNotOut(Model):
    """Why the invoice cannot become a receivable."""

    code: str = Field(examples=["credit_note_not_registrable"])
    detail: str


class MatchOut(Model):
    """An invoice that was registered here and has to do with the file."""

    match: MatchText
    receivable: ReceivableOut | None = Field(description="Null where its registration never came to be.")
    document_root: HashText
    file_name: str = Field(description="Of the file that was registered.", examples=["invoice-2026-0815.xml"])
    format: str = Field(examples=["ubl"])


class DocumentCheckRead(Model):
    """What an invoice file says, and what is known of it. Nothing of the file was kept."""

    file_sha256: HashText
    format: str = Field(examples=["cii"])
    number: str = Field(examples=["2026-0815"])
    type_code: str = Field(description="UNTDID 1001.", examples=["380"])
    issue_date: DayText
    due_date: DayText | None
    payable: MoneyOut | None = Field(description="What is left to pay; null where that is less than nothing.")
    seller: InvoicePartyOut
    buyer: InvoicePartyOut
    fingerprint: HashText = Field(description="Of the claim, equal whatever format the invoice came in.")
    registrable: bool = Field(description="Whether an invoice like this can become a receivable.")
    why_not: ReasonWhyNotOut | None
    matches: list[MatchOut] = Field(description="The nearest first.")
    others: list[ReceivableOut] = Field(
        description="Receivables of the same claim whose invoice is not kept here: registered elsewhere, or copied."
    )
    as_of_block: BlockOut


def show(checked: Checked, *, shown: dict[int, ReceivableOut], block: BlockOut) -> DocumentCheckRead:
    """What was found; `shown` are the receivables of it, by id."""
    invoice = checked.document.invoice
    why_not = _why_not(invoice)
    return DocumentCheckRead(
        file_sha256=hex_text(checked.sha256),
        format=invoice.format,
        number=invoice.number,
        type_code=invoice.type_code,
        issue_date=invoice.issue_date.isoformat(),
        due_date=None if invoice.due_date is None else invoice.due_date.isoformat(),
        payable=None if invoice.payable_minor < 0 else MoneyOut.of(invoice.payable_minor, invoice.currency.numeric),
        seller=_party(invoice.seller, str(invoice.seller_identity)),
        buyer=_party(invoice.buyer, str(invoice.buyer_identity)),
        fingerprint=hex_text(checked.fingerprint),
        registrable=why_not is None,
        why_not=why_not,
        matches=[_match(found, shown) for found in checked.found],
        others=[shown[row.receivable_id] for row in checked.others],
        as_of_block=block,
    )


def _match(found: Found, shown: dict[int, ReceivableOut]) -> MatchOut:
    return MatchOut(
        match=found.match.value,
        receivable=None if found.receivable is None else shown[found.receivable.receivable_id],
        document_root=hex_text(found.invoice.document_root),
        file_name=found.invoice.file_name,
        format=found.invoice.format,
    )


def _party(party: Party, identity: str) -> InvoicePartyOut:
    return InvoicePartyOut(name=party.name, identity=identity)


def _why_not(invoice: Invoice) -> ReasonWhyNotOut | None:
    try:
        require_registrable(invoice)
    except Refusal as refusal:
        return ReasonWhyNotOut(code=refusal.code, detail=refusal.detail)
    return None
