"""The operations of the registry as use cases: check, record what stays off chain, send, wait for the mirror.

Each refuses before anything is signed or written where the contract would refuse; the contract's own answer counts.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from eth_account.signers.local import LocalAccount

from registry.chain.contract import Calls, Terms, receivables_abi
from registry.chain.submit import account_address, entries, preview, send
from registry.commands.services import MirrorLags, Services, master_key
from registry.documents.commitments import commit, document_fields, new_salts
from registry.documents.errors import DocumentTooLarge
from registry.documents.fingerprint import fingerprint
from registry.documents.invoice import Invoice, require_registrable
from registry.documents.reading import parse_invoice, read_document
from registry.documents.xml import DOCUMENT_BYTES_MAX
from registry.domain import calendar
from registry.domain.identifiers import (
    Address,
    CertificateId,
    format_address,
    format_receivable_id,
    parse_address,
)
from registry.domain.journal import Entry
from registry.domain.keccak import keccak256
from registry.domain.merkle import SALT_BYTES
from registry.domain.money import Money, currency_to_show, parse_typed_amount
from registry.domain.profile import party_profile
from registry.domain.receivable import Certificate, RefusalReason, Role, SuspensionReason
from registry.domain.refusals import Refusal
from registry.domain.rules import (
    NO_DOCUMENT,
    ChainRefusal,
    Claim,
    CutOutOfRange,
    DueDatePassed,
    FingerprintTaken,
    UnknownCertificate,
    UnknownReceivable,
    require_same_range,
)
from registry.store import records
from registry.store.queries import invoices as invoice_queries
from registry.store.queries import parties as party_queries
from registry.store.queries import receivables as receivable_queries

HANDLE_SHOWN_MAX = 100
"""Characters of a refused handle that the refusal repeats."""


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


class HandleMalformed(Refusal):
    """A handle that could not be used as a name, or means somebody else."""

    code = "handle_malformed"
    title = "That cannot be a handle"
    default_hint = "Letters, digits, dots and dashes, at most 64; operator, dev0, dev1, … and 0x… mean others"


class ClaimNotSellers(Refusal):
    """Somebody else than the invoice's seller registered the claim."""

    code = "claim_not_sellers"
    status = 409
    title = "The claim was not registered by the invoice's seller"
    default_hint = "Do not confirm: refuse it, and tell the seller"


class HandleTaken(Refusal):
    """Another party has that handle or that identity."""

    code = "handle_taken"
    status = 409
    title = "Another party goes by that handle or identity"
    default_hint = "`counterfoil member list` shows them; --handle gives this one another name"


@dataclass(frozen=True, slots=True)
class Done:
    """An operation that is on chain: its entry, and the transaction that carries it."""

    entry: Entry
    tx_hash: bytes
    block_number: int
    gas: int


@dataclass(frozen=True, slots=True)
class Prepared:
    """A registration before it is sent. `gas` is the estimate; `due` in seconds."""

    invoice: Invoice
    claim: Claim
    fields: tuple[tuple[str, str], ...]
    salts: tuple[bytes, ...]
    gas: int

    @property
    def money(self) -> Money:
        """The face amount."""
        return Money(self.claim.face, currency_to_show(self.claim.currency))


def due_instant(day: date) -> int:
    """The midnight UTC that begins the due day, in seconds."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def due_day(due: int) -> date:
    """The day of a due instant that a calendar can hold (until the year 9999)."""
    return datetime.fromtimestamp(due, tz=UTC).date()


# ----------------------------------------------------------------- members


def admit(
    services: Services,
    *,
    signer: LocalAccount,
    member: Address,
    name: str,
    identity: str | None,
    roles: Role,
    kyc_expiry: int,
    handle: str | None = None,
) -> tuple[Done, str]:
    """Admit a member and keep who it is; also its handle. `kyc_expiry` in seconds.

    A member that is admitted anew without an identity keeps the one it has.

    Raises NotAuthorised, MemberMalformed, HandleMalformed, HandleTaken.
    """
    if handle is not None and not records.is_handle(handle):
        raise HandleMalformed(f"{handle[:HANDLE_SHOWN_MAX]!r} cannot be a handle")
    with services.database.snapshot() as connection:
        before = party_queries.party_by_address(connection, member)
    if identity is None and before is not None:
        identity = before.identity
    salt = secrets.token_bytes(SALT_BYTES)
    profile = party_profile(name=name, identity=identity or "", salt=salt)
    data = Calls.admit(member=member, kyc_expiry=kyc_expiry, roles=int(roles), profile=profile)
    _preview(services, account_address(signer), data)
    with services.database.write() as connection:
        known = party_queries.party_by_address(connection, member)
        for other in (
            party_queries.party_by_handle(connection, handle) if handle else None,
            party_queries.party_by_identity(connection, identity) if identity else None,
        ):
            if other is not None and other.address != member:
                raise HandleTaken(f"{other.name} is {other.handle}, {other.identity or 'without an identity'}")
        handle = handle or (known.handle if known else records.free_handle(connection, name))
        # Before the admission is sent, so that no profile on chain lacks its salt.
        records.save_profile(connection, profile=profile, address=member, name=name, identity=identity, salt=salt)
        if known is None:
            records.save_party(connection, address=member, handle=handle, name=name, identity=identity)
    try:
        done = _send(services, signer, data)
    except ChainRefusal:
        with services.database.write() as connection:
            records.forget_profile(connection, profile=profile)
            if known is None:
                records.forget_party(connection, address=member)
        raise
    except MirrorLags:  # the admission is on chain all the same
        _rename(services, member, handle=handle, name=name, identity=identity)
        raise
    _rename(services, member, handle=handle, name=name, identity=identity)
    return done, handle


def _rename(services: Services, member: Address, *, handle: str, name: str, identity: str | None) -> None:
    """Let the party's row say what its profile on chain now says."""
    with services.database.write() as connection:
        records.save_party(connection, address=member, handle=handle, name=name, identity=identity)


def suspend(services: Services, *, signer: LocalAccount, member: Address, reason: SuspensionReason) -> Done:
    """Suspend a member. Raises NotAuthorised, UnknownMember."""
    return _send(services, signer, Calls.suspend(member=member, reason=int(reason)))


# ------------------------------------------------------------- receivables


def prepare(services: Services, path: Path, *, originator: Address, due: date | None) -> Prepared:
    """Read an invoice and make the claim of it; nothing is written, nothing sent.

    `due` replaces the invoice's own due date. Raises what parse_invoice and require_registrable raise, DueDateMissing,
    PartyUnknown, NotTheSeller, FingerprintTaken, DuplicateWithOtherAmount and the contract's refusals of `register`.
    """
    content = read_document(path)
    invoice = parse_invoice(content)
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
    due_at = due_instant(due_date)
    if due_at < 0:  # before 1970 there is no instant on chain that could be asked
        raise DueDatePassed(f"the due date {due_date} has come")
    fields = document_fields(invoice, document=content)
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
        gas = _preview(services, originator, Calls.register(claim))
    except FingerprintTaken as taken:
        raise _duplicate(services, taken, claim, originator, invoice) from taken
    return Prepared(invoice, claim, fields, salts, gas)


def register(services: Services, path: Path, *, signer: LocalAccount, due: date | None) -> tuple[Done, Prepared]:
    """Register an invoice as a receivable of the signer's. Raises what prepare raises.

    A refused duplicate is recorded; the invoice's row is written before the registration is sent and taken back if the
    contract refuses, so that no root on chain lacks its salts.
    """
    originator = account_address(signer)
    try:
        prepared = prepare(services, path, originator=originator, due=due)
    except FingerprintTaken as taken:
        _record_attempt(services, taken, originator, path)
        raise
    invoice, claim = prepared.invoice, prepared.claim
    with services.database.write() as connection:
        records.save_invoice(
            connection,
            document_root=claim.document_root,
            fingerprint=claim.fingerprint,
            originator=originator,
            debtor=claim.debtor,
            number=invoice.number,
            type_code=invoice.type_code,
            format=invoice.format,
            issue_date=invoice.issue_date,
            due_date=invoice.due_date,
            currency=invoice.currency.numeric,
            payable_minor=invoice.payable_minor,
            file_name=_file_name(path),
            file_sha256=bytes.fromhex(dict(prepared.fields)["file_sha256"]),
            fields=[(name, value, salt) for (name, value), salt in zip(prepared.fields, prepared.salts, strict=True)],
        )
    try:
        return _send(services, signer, Calls.register(claim)), prepared
    except ChainRefusal as refusal:
        # Only the contract's own no: after any other failure (the node, the mirror) the registration may be on chain.
        with services.database.write() as connection:
            records.forget_invoice(connection, document_root=claim.document_root)
        if isinstance(refusal, FingerprintTaken):
            duplicate = _duplicate(services, refusal, claim, originator, invoice)
            _record_attempt(services, duplicate, originator, path)
            raise duplicate from refusal
        raise


def confirm(
    services: Services,
    *,
    signer: LocalAccount,
    receivable_id: int,
    invoice: Path | None = None,
    due: date | None = None,
) -> Done:
    """Confirm a receivable, irrevocably; with `invoice` only if that file is the invoice that was registered.

    `due` is the date that the debtor agreed to, where it is not the invoice's own. Raises UnknownReceivable,
    ClaimNotSellers, InvoiceDiffers, DueDateMissing and the contract's refusals of `confirm`.
    """
    terms = _terms(services, receivable_id)
    _require_sellers_claim(services, terms, receivable_id)
    if invoice is not None:
        _require_same_invoice(services, terms, receivable_id, invoice, due=due)
    elif due is not None:
        _require_due(terms, due)
    return _send(services, signer, Calls.confirm(receivable_id=receivable_id, terms=terms))


def refuse(services: Services, *, signer: LocalAccount, receivable_id: int, reason: RefusalReason) -> Done:
    """Refuse a receivable. Raises UnknownReceivable and the contract's refusals of `refuse`."""
    terms = _terms(services, receivable_id)
    return _send(services, signer, Calls.refuse(receivable_id=receivable_id, terms=terms, reason=int(reason)))


# ------------------------------------------------------------ certificates


def split(
    services: Services,
    *,
    signer: LocalAccount,
    certificate: CertificateId,
    amount: str,
    receiver: Address,
    document: str | None,
) -> tuple[Done, CertificateId]:
    """Cut `amount` (as typed) off the tail of a certificate and hand it over; also the id of the tail.

    Raises UnknownCertificate, AmountMalformed, AmountAmbiguous, AmountTooPrecise, AmountOutOfRange, CutOutOfRange and
    the contract's refusals of `split`.
    """
    _require_present(services, certificate)
    record = services.view.records([certificate.receivable_id])[certificate.receivable_id]
    money = currency_to_show(record.currency)
    minor = parse_typed_amount(amount, money)
    cut = certificate.end - minor
    if not certificate.start < cut < certificate.end:
        whole = Money(certificate.end - certificate.start, money)
        raise CutOutOfRange(f"{Money(minor, money)} cannot be cut off {certificate}, which is {whole}")
    digest = trade_document(document)
    data = Calls.split(
        receivable_id=certificate.receivable_id,
        start=certificate.start,
        end=certificate.end,
        cut=cut,
        receiver=receiver,
        document=digest,
    )
    done = _send_with_document(services, signer, data, digest, document)
    return done, CertificateId(certificate.receivable_id, cut, certificate.end)


def endorse(
    services: Services, *, signer: LocalAccount, certificate: CertificateId, receiver: Address, document: str | None
) -> Done:
    """Hand a whole certificate over. Raises UnknownCertificate and the contract's refusals of `endorse`."""
    _require_present(services, certificate)
    digest = trade_document(document)
    data = Calls.endorse(
        receivable_id=certificate.receivable_id,
        start=certificate.start,
        end=certificate.end,
        receiver=receiver,
        document=digest,
    )
    return _send_with_document(services, signer, data, digest, document)


def trade_document(document: str | None) -> bytes:
    """Hash of a trade document, 32 bytes: keccak of the file, or the hash itself as 0x…; zeros for None.

    Raises DocumentUnreadable, DocumentTooLarge.
    """
    if document is None:
        return NO_DOCUMENT
    if _is_hash(document):
        return bytes.fromhex(document[2:])
    return keccak256(_trade_document_bytes(document))


# ---------------------------------------------------------------- internal


def _is_hash(document: str) -> bool:
    return re.fullmatch(r"0x[0-9a-fA-F]{64}", document) is not None


def _trade_document_bytes(document: str) -> bytes:
    content = read_document(Path(document))
    if len(content) > DOCUMENT_BYTES_MAX:
        raise DocumentTooLarge(f"{Path(document).name} is larger than {DOCUMENT_BYTES_MAX} bytes")
    return content


def _file_name(path: Path) -> str:
    """The name of a file as text; bytes of it that are no text are replaced, for SQL takes none."""
    return path.name.encode("utf-8", "replace").decode()


def _preview(services: Services, sender: Address, data: bytes) -> int:
    """Gas of an operation. Raises the contract's refusal."""
    with _handles_in_refusals(services):
        return preview(
            services.node, receivables_abi(), sender=sender, to=services.deployment.receivables, data=data
        ).gas


@contextmanager
def _handles_in_refusals(services: Services) -> Iterator[None]:
    """The contract knows accounts only: put the handles of those that we know beside them."""
    try:
        yield
    except ChainRefusal as refusal:
        with services.database.snapshot() as connection:
            for found in set(re.findall(r"0x[0-9a-fA-F]{40}\b", refusal.detail)):
                party = party_queries.party_by_address(connection, parse_address(found))
                if party is not None:
                    refusal.detail = refusal.detail.replace(found, f"{party.handle} ({found})")
        refusal.args = (refusal.detail,)
        raise


def _send(services: Services, signer: LocalAccount, data: bytes) -> Done:
    with _handles_in_refusals(services):
        receipt = send(services.node, receivables_abi(), signer=signer, to=services.deployment.receivables, data=data)
    (entry,) = entries(receipt)
    services.mirrored(receipt.block_number)
    return Done(entry, receipt.tx_hash, receipt.block_number, receipt.gas_used)


def _send_with_document(
    services: Services, signer: LocalAccount, data: bytes, digest: bytes, document: str | None
) -> Done:
    """Send, with the name of the trade document kept first; a name without a use is harmless."""
    _preview(services, account_address(signer), data)
    if document is not None and not _is_hash(document):
        with services.database.write() as connection:
            records.save_trade_document(
                connection,
                document=digest,
                file_name=_file_name(Path(document)),
                length_bytes=len(_trade_document_bytes(document)),
            )
    return _send(services, signer, data)


def _terms(services: Services, receivable_id: int) -> Terms:
    with services.database.snapshot() as connection:
        row = receivable_queries.receivable(connection, receivable_id)
    if row is None:
        raise UnknownReceivable(f"there is no {format_receivable_id(receivable_id)}")
    return Terms(
        originator=row.originator,
        registered_at=row.registered_at,
        claim=Claim(
            debtor=row.debtor,
            face=row.face_minor,
            due=row.due_at,
            currency=row.currency,
            fingerprint=row.fingerprint,
            document_root=row.document_root,
        ),
    )


def _require_sellers_claim(services: Services, terms: Terms, receivable_id: int) -> None:
    """Fingerprint and document root are public: whoever copies them into a claim of its own is not the seller."""
    with services.database.snapshot() as connection:
        kept = invoice_queries.invoice_by_root(connection, terms.claim.document_root)
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
    if due_instant(due) != terms.claim.due:
        raise InvoiceDiffers(
            f"the due date is {due}, registered is {calendar.day(terms.claim.due)}",
            hint="If you agreed to that date, name it: --due YYYY-MM-DD",
        )


def _require_present(services: Services, certificate: CertificateId) -> None:
    """The id names a whole range: the certificate must still be just that."""
    key = (certificate.receivable_id, certificate.start)
    word = services.view.certificates([key])[key]
    if not any(word.holder):
        raise UnknownCertificate(f"there is no certificate {certificate}")
    require_same_range(Certificate(certificate.start, word.end, word.holder, since=0), certificate)


def _duplicate(
    services: Services, taken: FingerprintTaken, claim: Claim, originator: Address, invoice: Invoice
) -> FingerprintTaken:
    """Name the kind of duplicate: the same again, or the same number with another amount or type."""
    existing_id = services.view.receivable_of(fingerprint=claim.fingerprint, debtor=claim.debtor, originator=originator)
    with services.database.snapshot() as connection:
        existing = receivable_queries.receivable(connection, existing_id)
        kept = invoice_queries.invoice_by_root(connection, existing.document_root) if existing is not None else None
    name = format_receivable_id(existing_id)
    if existing is None:
        return taken
    same_type = kept is None or kept.type_code == invoice.type_code
    if existing.face_minor == claim.face and same_type:
        duplicate = FingerprintTaken(f"invoice {invoice.number} is already {name}")
    else:
        before = Money(existing.face_minor, currency_to_show(existing.currency))
        duplicate = DuplicateWithOtherAmount(
            f"invoice {invoice.number} is already {name} with {before}"
            + ("" if same_type or kept is None else f" and type {kept.type_code}")
            + f"; this one has {invoice.payable} and type {invoice.type_code}"
        )
    duplicate.receivable_id = existing_id
    return duplicate


def _record_attempt(services: Services, taken: FingerprintTaken, originator: Address, path: Path) -> None:
    invoice = parse_invoice(read_document(path))
    with services.database.write() as connection:
        records.save_duplicate_attempt(
            connection,
            fingerprint=fingerprint(invoice, master_key(services.home)),
            originator=originator,
            receivable_id=taken.receivable_id,
            code=taken.code,
            file_name=_file_name(path),
        )
