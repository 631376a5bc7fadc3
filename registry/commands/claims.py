"""Claims: register one, answer it, end it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

from eth_account.signers.local import LocalAccount

from registry.chain.contract import Calls, operation_call
from registry.chain.operations import AcceptOffer, Confirm, CounterOffer, Refuse, Register, Terms, Withdraw
from registry.commands.sending import Done, Hand, actor, carry_out, check, send_call, undone_if_refused
from registry.commands.services import Services, master_key
from registry.documents.commitments import DOCUMENT_FIELDS, commit, document_fields, new_salts
from registry.documents.document import Document, hand_in
from registry.documents.fingerprint import fingerprint
from registry.documents.inspection import Warned, warnings_of
from registry.documents.invoice import Invoice, require_registrable
from registry.documents.parties import number_key
from registry.documents.reading import parse_invoice, read_document
from registry.domain import calendar
from registry.domain.identifiers import Address, format_address, format_receivable_id
from registry.domain.money import Money, currency_to_show, parse_typed_amount
from registry.domain.receivable import Offer, RefusalReason, Status
from registry.domain.refusals import Refusal
from registry.domain.rules import (
    AnswerWindowOpen,
    Claim,
    DueDatePassed,
    FingerprintTaken,
    OfferMalformed,
    UnknownReceivable,
)
from registry.store import records
from registry.store.queries import entries as entry_queries
from registry.store.queries import invoices as invoice_queries
from registry.store.queries import parties as party_queries
from registry.store.queries import receivables as receivable_queries
from registry.store.queries import registry as registry_queries
from registry.store.queries.pages import every
from registry.store.queries.receivables import ReceivableRow

_REGISTRATION = 1
"""Position of the registration in the journal of its receivable."""

_NO_OFFER = Offer(0, 0, 0)


class DueDateMissing(Refusal):
    """The invoice names no due date and none was given."""

    code = "due_date_missing"
    title = "The invoice has no due date"
    default_hint = "Give the date that was agreed with the debtor: --due YYYY-MM-DD"


class PartyUnknown(Refusal):
    """A party of the invoice is not a member."""

    code = "party_unknown"
    status = 404
    title = "A party of the invoice is not a member"
    default_hint = "`counterfoil member add --invoice FILE --party buyer` admits it"


class NotTheSeller(Refusal):
    """The invoice is another seller's."""

    code = "not_the_seller"
    status = 403
    title = "Only the invoice's seller registers it"
    default_hint = "Name the seller with --as; `counterfoil member list` shows the handles"


class DuplicateWithOtherAmount(FingerprintTaken):
    """The same invoice is already a receivable, with another amount or type."""

    code = "duplicate_with_other_amount"
    title = "This invoice is already a receivable, with another amount or type"
    default_hint = "Two documents of one number and date: find out which one is right"


class InvoiceDiffers(Refusal):
    """The debtor's own copy of the invoice is not what was registered."""

    code = "invoice_differs"
    status = 409
    title = "The invoice is not the one that was registered"
    default_hint = "Do not confirm: ask the supplier, or refuse"


class ClaimNotSellers(Refusal):
    """Somebody else than the invoice's seller registered the claim."""

    code = "claim_not_sellers"
    status = 409
    title = "The claim was not registered by the invoice's seller"
    default_hint = "Do not confirm: refuse it, and tell the seller"


class NothingOffered(Refusal):
    """There is no counter-offer to accept."""

    code = "nothing_offered"
    status = 409
    title = "The debtor has made no counter-offer"
    default_hint = "`counterfoil show R-n` tells what was claimed and what was offered"


class OfferDiffers(Refusal):
    """The counter-offer is not the one that its originator means to accept."""

    code = "offer_differs"
    status = 409
    title = "The counter-offer is another one"
    default_hint = "`counterfoil show R-n` tells the one that stands; accept it by its own amount and date, or wait"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A registration before it is sent. `gas` is the estimate; `due` in seconds."""

    document: Document
    claim: Claim
    fields: tuple[tuple[str, str], ...]
    salts: tuple[bytes, ...]
    gas: int

    @property
    def invoice(self) -> Invoice:
        """What the document says."""
        return self.document.invoice

    @property
    def money(self) -> Money:
        """The face amount."""
        return Money(self.claim.face, currency_to_show(self.claim.currency))

    @property
    def warnings(self) -> list[Warned]:
        """What does not stop it and should be known: of the invoice with the date agreed, and where that is another."""
        agreed = due_day(self.claim.due)
        # Whether the day has come is the contract's to say.
        found = warnings_of(replace(self.invoice, due_date=agreed), today=date.min)
        if self.invoice.due_date not in (None, agreed):
            found.append(Warned("due_date_replaced", f"the invoice is due {self.invoice.due_date}, not {agreed}"))
        return found


def due_day(due: int) -> date:
    """The day of a due instant that a calendar can hold (until the year 9999)."""
    return datetime.fromtimestamp(due, tz=UTC).date()


# ------------------------------------------------------------- registering


def prepare(
    services: Services,
    path: Path,
    *,
    originator: Address,
    due: date | None,
    attach: Sequence[Path] = (),
    strict: bool = False,
) -> Prepared:
    """Read an invoice file and make the claim of it. Raises what hand_in and prepare_document raise."""
    document = hand_in(path, attach=attach, strict=strict)
    return prepare_document(services, document, originator=originator, due=due)


def prepare_document(services: Services, document: Document, *, originator: Address, due: date | None) -> Prepared:
    """Make the claim of a document; nothing is written, nothing sent.

    `due` replaces the invoice's own due date. Raises what require_registrable raises, DueDateMissing, PartyUnknown,
    NotTheSeller, FingerprintTaken, DuplicateWithOtherAmount and the contract's refusals of `register`.
    """
    invoice = document.invoice
    require_registrable(invoice)
    due_date = due or invoice.due_date
    if due_date is None:
        raise DueDateMissing(f"invoice {invoice.number} has no due date")
    with services.database.snapshot() as connection:
        seller = party_queries.party_by_address(connection, originator)
        debtor = party_queries.party_by_identity(connection, str(invoice.buyer_identity))
    if seller is None or seller.identity != str(invoice.seller_identity):
        raise NotTheSeller(
            f"the seller of invoice {invoice.number} is {invoice.seller.name} ({invoice.seller_identity}), "
            f"not {seller.name if seller else format_address(originator)}"
        )
    if debtor is None:
        raise PartyUnknown(f"the buyer {invoice.buyer.name} ({invoice.buyer_identity}) is not a member")
    due_at = _due_at(due_date)
    fields = document_fields(invoice, document=document.content, attachments=document.attachments)
    salts = new_salts(len(fields))
    claim = Claim(
        debtor=debtor.address,
        face=invoice.payable_minor,
        due=due_at,
        currency=invoice.currency.numeric,
        fingerprint=fingerprint(invoice, master_key(services.home)),
        document_root=commit(fields, salts).root,
    )
    try:
        gas = check(services, originator, Calls.register(claim))
    except FingerprintTaken as taken:
        raise _duplicate(services, taken, claim, originator, invoice) from taken
    return Prepared(document, claim, fields, salts, gas)


def register(
    services: Services,
    path: Path,
    *,
    signer: Hand,
    due: date | None,
    attach: Sequence[Path] = (),
    strict: bool = False,
) -> tuple[Done, Prepared]:
    """Register an invoice file as a receivable of the signer's, with the files of `attach` beside it.

    A refused duplicate is recorded. Raises what hand_in, prepare_document and submit raise.
    """
    document = hand_in(path, attach=attach, strict=strict)
    try:
        prepared = prepare_document(services, document, originator=actor(signer), due=due)
    except FingerprintTaken as taken:
        record_attempt(services, taken, document, originator=actor(signer))
        raise
    return submit(services, prepared, signer=signer), prepared


def submit(services: Services, prepared: Prepared, *, signer: Hand) -> Done:
    """Send a prepared registration. A refused duplicate is recorded. Raises the contract's refusals of `register`.

    The invoice's row is written before the registration is sent and taken back if the contract refuses, so that no root
    on chain lacks its salts. It stays where the registration is signed for others to submit.
    """
    originator = actor(signer)
    document, invoice, claim = prepared.document, prepared.invoice, prepared.claim
    committed = [(name, value, salt) for (name, value), salt in zip(prepared.fields, prepared.salts, strict=True)]
    attached = prepared.salts[len(DOCUMENT_FIELDS) :]
    with services.database.write() as connection:
        records.save_invoice(
            connection,
            document_root=claim.document_root,
            fingerprint=claim.fingerprint,
            originator=originator,
            debtor=claim.debtor,
            number=invoice.number,
            number_key=number_key(invoice.number),
            type_code=invoice.type_code,
            format=invoice.format,
            issue_date=invoice.issue_date,
            due_date=invoice.due_date,
            currency=invoice.currency.numeric,
            payable_minor=invoice.payable_minor,
            file_name=document.name,
            file_sha256=bytes.fromhex(dict(prepared.fields)["file_sha256"]),
            fields=committed[: len(DOCUMENT_FIELDS)],
            attachments=[
                (attachment.name, attachment.sha256, attachment.size_bytes, salt)
                for attachment, salt in zip(document.attachments, attached, strict=True)
            ],
        )
    try:
        with undone_if_refused(services, lambda it: records.forget_invoice(it, document_root=claim.document_root)):
            return carry_out(services, signer, Register(claim))
    except FingerprintTaken as taken:
        duplicate = _duplicate(services, taken, claim, originator, invoice)
        record_attempt(services, duplicate, document, originator=originator)
        raise duplicate from taken


def record_attempt(services: Services, taken: FingerprintTaken, document: Document, *, originator: Address) -> None:
    """Record that a document was to be registered whose claim is a receivable already. Source: rule 3."""
    with services.database.write() as connection:
        records.save_duplicate_attempt(
            connection,
            fingerprint=fingerprint(document.invoice, master_key(services.home)),
            originator=originator,
            receivable_id=taken.receivable_id,
            code=taken.code,
            file_name=document.name,
        )


# --------------------------------------------------------------- answering


@dataclass(frozen=True, slots=True)
class Claimed:
    """A claim as every answer to it names it, and as the mirror has it. `since` hashes the entries after it."""

    row: ReceivableRow
    terms: Terms
    since: tuple[bytes, ...]


def claimed(services: Services, receivable_id: int) -> Claimed:
    """A claim that can be answered. Raises UnknownReceivable."""
    with services.database.snapshot() as connection:
        row = receivable_queries.receivable(connection, receivable_id)
        if row is None:
            raise UnknownReceivable(f"there is no {format_receivable_id(receivable_id)}")
        since: tuple[bytes, ...] = ()
        if row.status is Status.REGISTERED:  # of any other the journal can be long, and the contract asks for none
            after = every(lambda key: entry_queries.entries(connection, receivable_id, after=key), after=_REGISTRATION)
            since = tuple(stored.decode().hash() for stored in after)
    terms = Terms(
        originator=row.originator,
        registered_at=row.registered_at,
        answer_by=row.answer_by,
        claim=Claim(
            debtor=row.debtor,
            face=row.claim_face_minor,
            due=row.claim_due_at,
            currency=row.currency,
            fingerprint=row.fingerprint,
            document_root=row.document_root,
        ),
    )
    return Claimed(row, terms, since)


def confirm(
    services: Services,
    *,
    signer: Hand,
    receivable_id: int,
    invoice: Path | None = None,
    due: date | None = None,
) -> Done:
    """Confirm a claim as it was registered, irrevocably; with `invoice` only if that file is what was registered.

    `due` is the date that the debtor agreed to, where it is not the invoice's own. Raises UnknownReceivable,
    ClaimNotSellers, InvoiceDiffers, DueDateMissing and the contract's refusals of `confirm`.
    """
    claim = claimed(services, receivable_id)
    operation = Confirm(receivable_id=receivable_id, terms=claim.terms, since=claim.since)
    # First what the contract says: that a claim is answered already is no fault of the invoice's.
    check(services, actor(signer), operation_call(operation))
    _require_sellers_claim(services, claim.terms, receivable_id)
    if invoice is not None:
        _require_same_invoice(services, claim.terms, receivable_id, invoice, due=due)
    elif due is not None:
        _require_due(claim.terms, due)
    return carry_out(services, signer, operation)


def refuse(services: Services, *, signer: Hand, receivable_id: int, reason: RefusalReason) -> Done:
    """Refuse a claim. Raises UnknownReceivable and the contract's refusals of `refuse`."""
    claim = claimed(services, receivable_id)
    operation = Refuse(receivable_id=receivable_id, terms=claim.terms, since=claim.since, reason=int(reason))
    return carry_out(services, signer, operation)


def withdraw(services: Services, *, signer: Hand, receivable_id: int) -> Done:
    """Take a claim back before it is answered. Raises UnknownReceivable and the contract's refusals of `withdraw`."""
    claim = claimed(services, receivable_id)
    return carry_out(services, signer, Withdraw(receivable_id=receivable_id, terms=claim.terms, since=claim.since))


def lapse(services: Services, *, signer: LocalAccount, receivable_id: int) -> Done:
    """End a claim that nobody answered in time. Raises UnknownReceivable and the contract's refusals of `lapse`;
    AnswerWindowOpen says from when on it can lapse."""
    claim = claimed(services, receivable_id)
    data = Calls.lapse(receivable_id=receivable_id, terms=claim.terms, since=claim.since)
    try:
        return send_call(services, signer, data)
    except AnswerWindowOpen as early:
        lapses_at = _lapses_at(services, claim.row)
        name = format_receivable_id(receivable_id)
        raise AnswerWindowOpen(
            f"{name} can lapse from {calendar.instant(lapses_at)} on" if lapses_at is not None else early.detail
        ) from early


def counter_offer(
    services: Services, *, signer: Hand, receivable_id: int, amount: str | None, due: date | None
) -> tuple[Done, Offer]:
    """Offer to confirm a lower amount (as typed), another date, or both; what is not named stays the claim's.

    The claim's answer window goes on. Raises UnknownReceivable, what parse_typed_amount raises, and the contract's
    refusals of `counterOffer`.
    """
    claim = claimed(services, receivable_id)
    asked = claim.terms.claim
    face = asked.face if amount is None else parse_typed_amount(amount, currency_to_show(asked.currency))
    due_at = asked.due if due is None else _due_at(due)
    if face < 0:
        raise OfferMalformed()
    operation = CounterOffer(receivable_id=receivable_id, terms=claim.terms, since=claim.since, face=face, due=due_at)
    done = carry_out(services, signer, operation)
    return done, Offer(face, due_at, done.entry.time)


def accept_offer(
    services: Services, *, signer: Hand, receivable_id: int, amount: str | None = None, due: date | None = None
) -> Done:
    """Accept the debtor's last counter-offer: the receivable is confirmed with its terms.

    With `amount` (as typed) or `due` only if it offers just that. Raises UnknownReceivable, NothingOffered,
    OfferDiffers and the contract's refusals of `acceptOffer`.
    """
    claim = claimed(services, receivable_id)
    row, offer = claim.row, claim.row.offer
    if offer is None:
        if row.status is Status.REGISTERED:
            raise NothingOffered(f"nothing was offered for {format_receivable_id(receivable_id)}")
        offer = _NO_OFFER  # that it is answered already is the contract's refusal
    else:
        currency = currency_to_show(row.currency)
        face = offer.face if amount is None else parse_typed_amount(amount, currency)
        due_at = offer.due if due is None else calendar.midnight(due)
        if (face, due_at) != (offer.face, offer.due):
            raise OfferDiffers(f"offered are {Money(offer.face, currency)}, due {calendar.day(offer.due)}")
    operation = AcceptOffer(receivable_id=receivable_id, terms=claim.terms, since=claim.since[:-1], offer=offer)
    return carry_out(services, signer, operation)


# ---------------------------------------------------------------- internal


def _due_at(day: date) -> int:
    """A due date in seconds. Raises DueDatePassed before 1970: there is no instant on chain that could be asked."""
    due_at = calendar.midnight(day)
    if due_at < 0:
        raise DueDatePassed(f"the due date {day} has come")
    return due_at


def _lapses_at(services: Services, row: ReceivableRow) -> int | None:
    with services.database.snapshot() as connection:
        registry = registry_queries.registry(connection)
    return None if registry is None else row.lapses_at(registry.state())


def _require_sellers_claim(services: Services, terms: Terms, receivable_id: int) -> None:
    """Fingerprint and document root are public: whoever copies them into a claim of its own is not the seller."""
    with services.database.snapshot() as connection:
        kept = invoice_queries.invoice_by_root(
            connection, terms.claim.document_root
        ) or invoice_queries.invoice_by_fingerprint(connection, terms.claim.fingerprint)
    if kept is not None and kept.originator != terms.originator:
        raise ClaimNotSellers(
            f"{format_receivable_id(receivable_id)} was registered by {format_address(terms.originator)}, "
            f"but invoice {kept.number} is {format_address(kept.originator)}'s"
        )


def _require_same_invoice(
    services: Services, terms: Terms, receivable_id: int, path: Path, *, due: date | None
) -> None:
    own = parse_invoice(read_document(path))
    claim = terms.claim
    if fingerprint(own, master_key(services.home)) != claim.fingerprint:
        raise InvoiceDiffers(f"{path.name} is not the invoice behind {format_receivable_id(receivable_id)}")
    if (own.payable_minor, own.currency.numeric) != (claim.face, claim.currency):
        registered = Money(claim.face, currency_to_show(claim.currency))
        raise InvoiceDiffers(f"{path.name} leaves {own.payable} to pay, registered is {registered}")
    with services.database.snapshot() as connection:
        originator = party_queries.party_by_address(connection, terms.originator)
    if originator is None or originator.identity != str(own.seller_identity):
        raise ClaimNotSellers(
            f"{format_receivable_id(receivable_id)} was registered by {format_address(terms.originator)}, "
            f"who is not known as the seller {own.seller.name} ({own.seller_identity})"
        )
    agreed = due or own.due_date
    if agreed is None:
        raise DueDateMissing(f"{path.name} has no due date")
    _require_due(terms, agreed)


def _require_due(terms: Terms, due: date) -> None:
    if calendar.midnight(due) != terms.claim.due:
        raise InvoiceDiffers(
            f"the due date is {due}, registered is {calendar.day(terms.claim.due)}",
            hint="If you agreed to that date, name it: --due YYYY-MM-DD",
        )


def _duplicate(
    services: Services, taken: FingerprintTaken, claim: Claim, originator: Address, invoice: Invoice
) -> FingerprintTaken:
    """Name the kind of duplicate: the same again, or the same number with another amount or type."""
    existing_id = services.view.receivable_of(fingerprint=claim.fingerprint, debtor=claim.debtor, originator=originator)
    with services.database.snapshot() as connection:
        existing = receivable_queries.receivable(connection, existing_id)
        kept = invoice_queries.invoice_by_root(connection, existing.document_root) if existing is not None else None
    name = format_receivable_id(existing_id)
    taken.receivable_id = existing_id
    if existing is None:
        return taken
    same_type = kept is None or kept.type_code == invoice.type_code
    if existing.claim_face_minor == claim.face and same_type:
        duplicate = FingerprintTaken(f"invoice {invoice.number} is already {name}")
    else:
        before = Money(existing.claim_face_minor, currency_to_show(existing.currency))
        duplicate = DuplicateWithOtherAmount(
            f"invoice {invoice.number} is already {name} with {before}"
            + ("" if same_type or kept is None else f" and type {kept.type_code}")
            + f"; this one has {invoice.payable} and type {invoice.type_code}"
        )
    duplicate.receivable_id = existing_id
    return duplicate
