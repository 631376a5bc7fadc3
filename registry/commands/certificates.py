"""Certificates: cut, hand on, join, let others move them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from registry.chain.contract import Calls, operation_call
from registry.chain.operations import (
    AnchoredEndorsement,
    Approve,
    Endorse,
    EndorseMany,
    Merge,
    Operation,
    SetApprovalForAll,
    Split,
    SplitMany,
)
from registry.commands.sending import Done, Hand, actor, carry_out, check, lasting_anchor_of
from registry.commands.services import Services
from registry.documents.attachments import file_name
from registry.documents.errors import DocumentTooLarge
from registry.documents.reading import read_document
from registry.documents.xml import DOCUMENT_BYTES_MAX
from registry.domain.identifiers import ZERO_ADDRESS, Address, CertificateId, format_receivable_id
from registry.domain.keccak import keccak256
from registry.domain.money import Currency, Money, currency_to_show, parse_typed_amount
from registry.domain.receivable import Certificate
from registry.domain.refusals import Refusal
from registry.domain.rules import (
    NO_DOCUMENT,
    AmountMissing,
    CutOutOfRange,
    Part,
    UnknownCertificate,
    UnknownReceivable,
    require_same_range,
)
from registry.store import records
from registry.store.queries import receivables as receivable_queries
from registry.store.queries.receivables import ReceivableRow


class NotNeighbours(Refusal):
    """Two certificates that do not touch."""

    code = "not_neighbours"
    title = "Only certificates that touch can be merged"
    default_hint = "The right one begins where the left one ends: `counterfoil show R-n` lists them in order"


@dataclass(frozen=True, slots=True)
class TypedPart:
    """A part to be cut off: an amount as typed, who gets it, and the trade document behind it, a file or 0x…."""

    amount: str
    receiver: Address
    document: str | None = None


def split(
    services: Services,
    *,
    signer: Hand,
    certificate: CertificateId,
    amount: str,
    receiver: Address,
    document: str | None,
) -> tuple[Done, CertificateId]:
    """Cut `amount` (as typed) off the tail of a certificate and hand it over; also the id of the tail.

    Raises UnknownCertificate, AmountMalformed, AmountAmbiguous, AmountTooPrecise, AmountOutOfRange, CutOutOfRange and
    the contract's refusals of `split`.
    """
    require_present(services, certificate)
    (cut,) = _cuts(services, certificate, (amount,))
    trade = trade_document(document)
    operation = Split(**named(certificate), cut=cut, receiver=receiver, document=trade.digest)
    done = _carry_out_with_documents(services, signer, operation, (trade,))
    return done, CertificateId(certificate.receivable_id, cut, certificate.end)


def split_many(
    services: Services, *, signer: Hand, certificate: CertificateId, parts: Sequence[TypedPart]
) -> tuple[Done, list[CertificateId]]:
    """Cut several parts off, the first from the tail, each next one from the tail of what is left; also their ids.

    Raises what split raises, and BatchEmpty.
    """
    require_present(services, certificate)
    cuts = _cuts(services, certificate, [part.amount for part in parts])
    trades = [trade_document(part.document) for part in parts]
    cut_off = [Part(cut, part.receiver, trade.digest) for cut, part, trade in zip(cuts, parts, trades, strict=True)]
    done = _carry_out_with_documents(services, signer, SplitMany(**named(certificate), parts=tuple(cut_off)), trades)
    ends = [certificate.end, *cuts]
    return done, [CertificateId(certificate.receivable_id, cut, end) for cut, end in zip(cuts, ends, strict=False)]


def endorse(
    services: Services, *, signer: Hand, certificate: CertificateId, receiver: Address, document: str | None
) -> Done:
    """Hand a whole certificate over. Raises UnknownCertificate and the contract's refusals of `endorse`."""
    require_present(services, certificate)
    trade = trade_document(document)
    operation = Endorse(**named(certificate), receiver=receiver, document=trade.digest)
    return _carry_out_with_documents(services, signer, operation, (trade,))


def endorse_many(
    services: Services,
    *,
    signer: Hand,
    certificates: Sequence[CertificateId],
    receiver: Address,
    document: str | None,
) -> Done:
    """Hand several certificates over, all or none. Raises UnknownCertificate, and the contract's refusals."""
    for certificate in certificates:
        require_present(services, certificate)
    trade = trade_document(document)
    numbers = {certificate.receivable_id for certificate in certificates}
    anchored = {number: lasting_anchor_of(services, number) for number in numbers}
    endorsements = []
    for certificate in certificates:
        anchor, claim_key = anchored[certificate.receivable_id]
        endorsement = AnchoredEndorsement(
            **named(certificate), receiver=receiver, document=trade.digest, anchor=anchor, claim_key=claim_key
        )
        endorsements.append(endorsement)
    return _carry_out_with_documents(services, signer, EndorseMany(endorsements=tuple(endorsements)), (trade,))


def merge(
    services: Services, *, signer: Hand, certificates: tuple[CertificateId, CertificateId]
) -> tuple[Done, CertificateId]:
    """Join two neighbours of one holder; also the id of what they become.

    Raises NotNeighbours, UnknownCertificate and the contract's refusals of `merge`.
    """
    left, right = sorted(certificates)
    if (left.receivable_id, left.end) != (right.receivable_id, right.start):
        raise NotNeighbours(f"{left} and {right} do not touch")
    for certificate in (left, right):
        require_present(services, certificate)
    operation = Merge(receivable_id=left.receivable_id, start=left.start, cut=left.end, end=right.end)
    return carry_out(services, signer, operation), CertificateId(left.receivable_id, left.start, right.end)


def right_neighbour(services: Services, certificate: CertificateId) -> CertificateId:
    """The certificate that begins where this one ends. Raises NotNeighbours where there is none."""
    key = (certificate.receivable_id, certificate.end)
    word = services.view.certificates([key])[key]
    if not any(word.holder):
        raise NotNeighbours(f"no certificate begins where {certificate} ends")
    return CertificateId(*key, word.end)


def approve(services: Services, *, signer: Hand, certificate: CertificateId, operator: Address) -> Done:
    """Let somebody move a certificate until it changes holder or range; zeros end that.

    Raises UnknownCertificate and the contract's refusals of `approve`.
    """
    require_present(services, certificate)
    direct = Calls.approve(receivable_id=certificate.receivable_id, start=certificate.start, to=operator)
    return carry_out(services, signer, Approve(**named(certificate), to=operator), call=direct)


def revoke(services: Services, *, signer: Hand, certificate: CertificateId) -> Done:
    """End an approval. Raises what approve raises."""
    return approve(services, signer=signer, certificate=certificate, operator=ZERO_ADDRESS)


def approve_for_all(services: Services, *, signer: Hand, operator: Address, approved: bool) -> Done:
    """Let an operator move all certificates of the signer, now and later; or no longer."""
    return carry_out(services, signer, SetApprovalForAll(operator=operator, approved=approved))


@dataclass(frozen=True, slots=True)
class TradeDocument:
    """The document behind a hand-over: its hash, 32 bytes; of a file also its name and its size in bytes."""

    digest: bytes
    file_name: str | None = None
    size_bytes: int = 0


def trade_document(document: str | None) -> TradeDocument:
    """A trade document, read once: keccak of the file, or the hash itself as 0x…; zeros for None.

    Raises DocumentUnreadable, DocumentTooLarge.
    """
    if document is None:
        return TradeDocument(NO_DOCUMENT)
    if re.fullmatch(r"0x[0-9a-fA-F]{64}", document):
        return TradeDocument(bytes.fromhex(document[2:]))
    content = read_document(Path(document))
    if len(content) > DOCUMENT_BYTES_MAX:
        raise DocumentTooLarge(f"{Path(document).name} is larger than {DOCUMENT_BYTES_MAX} bytes")
    return TradeDocument(keccak256(content), file_name(Path(document)), len(content))


# ------------------------------------------------------------ shared by others


def named(certificate: CertificateId) -> dict[str, int]:
    """The range as operations take it."""
    return {"receivable_id": certificate.receivable_id, "start": certificate.start, "end": certificate.end}


def require_present(services: Services, certificate: CertificateId) -> None:
    """The id names a whole range: the certificate must still be just that."""
    key = (certificate.receivable_id, certificate.start)
    word = services.view.certificates([key])[key]
    if not any(word.holder):
        raise UnknownCertificate(f"there is no certificate {certificate}")
    require_same_range(Certificate(certificate.start, word.end, word.holder, since=0), certificate)


def receivable_of(services: Services, receivable_id: int) -> ReceivableRow:
    """A receivable as the mirror has it. Raises UnknownReceivable."""
    with services.database.snapshot() as connection:
        row = receivable_queries.receivable(connection, receivable_id)
    if row is None:
        raise UnknownReceivable(f"there is no {format_receivable_id(receivable_id)}")
    return row


def typed_amount(text: str, currency: Currency) -> Money:
    """An amount as typed that is not negative. Raises AmountMissing and what parse_typed_amount raises."""
    money = Money(parse_typed_amount(text, currency), currency)
    if money.minor < 0:
        raise AmountMissing(f"{money} is less than nothing")
    return money


def currency_of(services: Services, receivable_id: int) -> Currency:
    """The currency of a receivable, as the chain has it."""
    return currency_to_show(services.view.records([receivable_id])[receivable_id].currency)


# ---------------------------------------------------------------- internal


def _cuts(services: Services, certificate: CertificateId, amounts: Sequence[str]) -> list[int]:
    """Where parts of these amounts (as typed) are cut off, in their order from the tail on. Raises CutOutOfRange."""
    currency = currency_of(services, certificate.receivable_id)
    cuts = []
    end = certificate.end
    for amount in amounts:
        minor = parse_typed_amount(amount, currency)
        cut = end - minor
        if not certificate.start < cut < end:
            left = Money(end - certificate.start, currency)
            raise CutOutOfRange(f"{Money(minor, currency)} cannot be cut off {certificate}, of which {left} is left")
        cuts.append(cut)
        end = cut
    return cuts


def _carry_out_with_documents(
    services: Services, signer: Hand, operation: Operation, documents: Sequence[TradeDocument]
) -> Done:
    """Do it, with the names of the trade documents kept first; a name without a use is harmless."""
    check(services, actor(signer), operation_call(operation))
    _keep_documents(services, documents)
    return carry_out(services, signer, operation)


def _keep_documents(services: Services, documents: Sequence[TradeDocument]) -> None:
    """Keep the names of those that were given as files."""
    files = [(document.digest, name, document.size_bytes) for document in documents if (name := document.file_name)]
    if not files:
        return
    with services.database.write() as connection:
        for digest, name, size_bytes in files:
            records.save_trade_document(connection, document=digest, file_name=name, length_bytes=size_bytes)
