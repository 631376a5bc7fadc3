"""The rules of the operations, as contracts/Receivables.sol checks them and in its order.

The fold calls those that one journal can decide; `decide_*` add what needs two journals (is the receiver a member in
good standing?) and turn an intent into the entry that the contract would append, or into the refusal that it would
give. A property test drives the contract and these functions with the same intents and compares every answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from registry.domain.identifiers import (
    MINOR_MAX,
    Address,
    CertificateId,
    format_address,
    format_receivable_id,
    token_id,
)
from registry.domain.journal import Confirmed, Endorsed, MemberAdmitted, MemberSuspended, Refused, Registered, Split
from registry.domain.receivable import (
    DAY_SECONDS,
    Certificate,
    Member,
    MemberStatus,
    Phase,
    Receivable,
    Registry,
    Role,
    Status,
)
from registry.domain.refusals import Refusal

CURRENCY_NUMBER_MAX = 999
NO_DOCUMENT = bytes(32)


# ---------------------------------------------------------------- refusals


class ChainRefusal(Refusal):
    """A refusal that the contract itself gives, by a custom error of the same name."""

    code = "contract_refused"
    title = "The contract refused the operation"


class NotAuthorised(ChainRefusal):
    """The account lacks the role that the operation needs. Raised by the AccessManager."""

    code = "not_authorised"
    status = 403
    title = "This account may not do that"
    default_hint = "Only the operator admits and suspends members: use --as operator"


class UnknownReceivable(ChainRefusal):
    code = "unknown_receivable"
    status = 404
    title = "There is no such receivable"
    default_hint = "`counterfoil list` names them"


class UnknownCertificate(ChainRefusal):
    code = "unknown_certificate"
    status = 404
    title = "There is no such certificate"
    default_hint = "`counterfoil show R-n` lists the certificates of a receivable as they are now"


class UnknownMember(ChainRefusal):
    code = "unknown_member"
    status = 404
    title = "There is no such member"
    default_hint = "`counterfoil member list` names the members"


class MemberNotEligible(ChainRefusal):
    code = "member_not_eligible"
    title = "The account is not an admitted member in good standing"
    default_hint = "It was never admitted, is suspended, or its KYC has expired: see `counterfoil member list`"


class MemberMalformed(ChainRefusal):
    code = "member_malformed"
    title = "A member needs an address, at least one role and a KYC expiry in the future"


class ReasonMissing(ChainRefusal):
    code = "reason_missing"
    title = "A reason code is needed"


class FaceMissing(ChainRefusal):
    code = "face_missing"
    title = "The face amount must be more than zero"


class DueDateMalformed(ChainRefusal):
    code = "due_date_malformed"
    title = "A due date is the midnight UTC that begins the due day"


class DueDatePassed(ChainRefusal):
    code = "due_date_passed"
    title = "The due date has come"
    default_hint = (
        "A claim is registered and confirmed, and a certificate moves, only before its due date; "
        "a later date agreed with the debtor is named at registration (--due)"
    )


class CurrencyMalformed(ChainRefusal):
    code = "currency_malformed"
    title = "A currency is an ISO 4217 number from 1 to 999"


class FingerprintMissing(ChainRefusal):
    code = "fingerprint_missing"
    title = "The fingerprint is empty"


class DocumentRootMissing(ChainRefusal):
    code = "document_root_missing"
    title = "The document root is empty"


class DebtorIsOriginator(ChainRefusal):
    code = "debtor_is_originator"
    title = "Nobody can be its own debtor"


class FingerprintTaken(ChainRefusal):
    code = "duplicate"
    status = 409
    title = "This invoice is already a receivable"
    default_hint = "One claim, one receivable: look at the one that exists"
    receivable_id: int = 0
    """The receivable that has the fingerprint, where it is known."""


class NotDebtor(ChainRefusal):
    code = "not_debtor"
    status = 403
    title = "Only the debtor answers a claim"
    default_hint = "`counterfoil show R-n` names the debtor"


class NotHolder(ChainRefusal):
    code = "not_holder"
    status = 403
    title = "Only the holder, or whom it approved, moves a certificate"
    default_hint = "`counterfoil show R-n` names the holders"


class RangeChanged(ChainRefusal):
    code = "range_changed"
    status = 409
    title = "The certificate has another range now"
    default_hint = (
        "Somebody with authority over it cut it first: `counterfoil show R-n` lists the certificates as they are"
    )


class StatusForbids(ChainRefusal):
    code = "status_forbids"
    status = 409
    title = "The receivable's status does not allow that"
    default_hint = "Only a registered receivable is answered, only a confirmed one has certificates"


class AnchorMismatch(ChainRefusal):
    code = "anchor_mismatch"
    status = 409
    title = "The terms are not those that were registered"
    default_hint = "Read the receivable again: what you answer must be exactly what its journal head commits to"


class AlreadyPaid(ChainRefusal):
    code = "already_paid"
    status = 409
    title = "The debtor has begun to pay: certificates no longer move"


class CutOutOfRange(ChainRefusal):
    code = "cut_out_of_range"
    title = "The cut must lie inside the certificate"
    default_hint = "Both parts need at least one minor unit; to hand over all of it, endorse"


class SameHolder(ChainRefusal):
    code = "same_holder"
    title = "The receiver already holds this certificate"


class TradeDocumentMissing(ChainRefusal):
    code = "trade_document_missing"
    title = "Handing a certificate to anyone but a financier needs the hash of the trade document behind it"
    default_hint = "Name the invoice or contract with --document FILE"


CHAIN_REFUSALS: dict[str, type[ChainRefusal]] = {
    refusal.__name__: refusal
    for refusal in (
        UnknownReceivable,
        UnknownCertificate,
        UnknownMember,
        MemberNotEligible,
        MemberMalformed,
        ReasonMissing,
        FaceMissing,
        DueDateMalformed,
        DueDatePassed,
        CurrencyMalformed,
        FingerprintMissing,
        DocumentRootMissing,
        DebtorIsOriginator,
        FingerprintTaken,
        NotDebtor,
        NotHolder,
        RangeChanged,
        StatusForbids,
        AnchorMismatch,
        AlreadyPaid,
        CutOutOfRange,
        SameHolder,
        TradeDocumentMissing,
    )
}
"""Refusals by the name of the contract's custom error."""


# ------------------------------------------------- rules of a single journal


def phase(receivable: Receivable, *, now: int) -> Phase:
    """Where the receivable stands at `now` (seconds). The whole due day is Due; Overdue begins with the next."""
    match receivable.status:
        case Status.REGISTERED:
            return Phase.REGISTERED
        case Status.REFUSED:
            return Phase.REFUSED
        case _ if now < receivable.due:
            return Phase.LIVE
        case _ if now < receivable.due + DAY_SECONDS:
            return Phase.DUE
        case _:
            return Phase.OVERDUE


def require_status(receivable: Receivable, status: Status) -> None:
    """Raises StatusForbids unless the receivable has that status."""
    if receivable.status is not status:
        raise StatusForbids(
            f"{format_receivable_id(receivable.receivable_id)} is {receivable.status.name.lower()}, "
            f"not {status.name.lower()}"
        )


def require_movable(receivable: Receivable, *, now: int) -> None:
    """DOMAIN rule 9: nothing moves on or after the due date, or once the debtor has paid.

    Raises StatusForbids, DueDatePassed, AlreadyPaid.
    """
    require_status(receivable, Status.CONFIRMED)
    require_before_due(receivable.due, now=now)
    if receivable.paid:
        raise AlreadyPaid()


def require_before_due(due: int, *, now: int) -> None:
    """Raises DueDatePassed at or after the midnight that begins the due day."""
    if now >= due:
        raise DueDatePassed()


def require_certificate(receivable: Receivable, start: int) -> Certificate:
    """The live certificate that starts at this minor unit. Raises UnknownCertificate."""
    certificate = receivable.certificates.get(start)
    if certificate is None:
        raise UnknownCertificate(
            f"no certificate of {format_receivable_id(receivable.receivable_id)} starts at {start}"
        )
    return certificate


def require_cut(certificate: Certificate, cut: int) -> None:
    """Raises CutOutOfRange unless both parts have at least one minor unit."""
    if not certificate.start < cut < certificate.end:
        raise CutOutOfRange(f"{cut} does not lie inside [{certificate.start}, {certificate.end})")


def require_claim(face: int, currency: int, due: int, *, now: int) -> None:
    """Raises FaceMissing, CurrencyMalformed, DueDateMalformed, DueDatePassed."""
    if not 0 < face <= MINOR_MAX:
        raise FaceMissing()
    if not 0 < currency <= CURRENCY_NUMBER_MAX:
        raise CurrencyMalformed()
    if due % DAY_SECONDS:
        raise DueDateMalformed()
    require_before_due(due, now=now)


def require_commitments(*, fingerprint: bytes, document_root: bytes, debtor: Address, originator: Address) -> None:
    """Raises FingerprintMissing, DocumentRootMissing, DebtorIsOriginator."""
    if not any(fingerprint):
        raise FingerprintMissing()
    if not any(document_root):
        raise DocumentRootMissing()
    if debtor == originator:
        raise DebtorIsOriginator()


def require_reason(reason: int) -> None:
    """Raises ReasonMissing for code 0."""
    if not reason:
        raise ReasonMissing()


def require_admission(member: Address, *, kyc_expiry: int, roles: int, now: int) -> None:
    """Raises MemberMalformed without an address, a role or a KYC expiry (seconds) after `now`."""
    if not any(member) or kyc_expiry <= now or not roles:
        raise MemberMalformed()


# ------------------------------------------------------ rules across journals


def is_eligible(member: Member | None, *, now: int) -> bool:
    """Whether a member may take part in an operation at `now`: admitted, not suspended, KYC not expired."""
    return member is not None and member.status is MemberStatus.ACTIVE and now < member.kyc_expiry


@dataclass(frozen=True, slots=True)
class Claim:
    """What a creditor claims. `face` in minor units, `due` in seconds, `currency` an ISO 4217 number."""

    debtor: Address
    face: int
    due: int
    currency: int
    fingerprint: bytes
    document_root: bytes


@dataclass(frozen=True, slots=True)
class World:
    """What the rules across journals look at: R-0, the receivables, and who may act for whom.

    `fingerprints` maps (fingerprint, debtor, originator) to the live receivable id; `approvals` maps a certificate's
    token id to the approved account while the approval stands; `operators` holds (holder, operator) pairs.
    """

    registry: Registry
    receivables: Mapping[int, Receivable]
    fingerprints: Mapping[tuple[bytes, Address, Address], int]
    operator: Address
    approvals: Mapping[int, Address]
    operators: frozenset[tuple[Address, Address]]

    def require_eligible(self, account: Address, *, now: int) -> Member:
        """Raises MemberNotEligible."""
        member = self.registry.members.get(account)
        if member is None or not is_eligible(member, now=now):
            raise MemberNotEligible(f"{format_address(account)} is not a member in good standing")
        return member

    def require_authority(self, actor: Address, certificate_id: tuple[int, int]) -> tuple[Receivable, Certificate]:
        """The certificate at (receivable id, start), if the actor may move it. Raises UnknownCertificate, NotHolder."""
        receivable = self.receivables.get(certificate_id[0])
        if receivable is None:
            raise UnknownCertificate()
        certificate = require_certificate(receivable, certificate_id[1])
        approved = self.approvals.get(token_id(*certificate_id))
        if actor not in (certificate.holder, approved) and (certificate.holder, actor) not in self.operators:
            raise NotHolder(f"{format_address(actor)} does not hold that certificate")
        return receivable, certificate

    def require_named(self, actor: Address, named: CertificateId) -> tuple[Receivable, Certificate]:
        """The same, by the whole range as operations name it. Raises UnknownCertificate, NotHolder, RangeChanged."""
        receivable, certificate = self.require_authority(actor, (named.receivable_id, named.start))
        if certificate.end != named.end:
            raise RangeChanged(f"{named} is now {certificate.id(named.receivable_id)}")
        return receivable, certificate


def decide_admit(
    world: World, *, actor: Address, member: Address, kyc_expiry: int, roles: int, profile: bytes, now: int
) -> MemberAdmitted:
    """Raises NotAuthorised, MemberMalformed."""
    _require_operator(world, actor)
    require_admission(member, kyc_expiry=kyc_expiry, roles=roles, now=now)
    return MemberAdmitted(member, actor, kyc_expiry, roles, profile, now)


def decide_suspend(world: World, *, actor: Address, member: Address, reason: int, now: int) -> MemberSuspended:
    """Raises NotAuthorised, UnknownMember, ReasonMissing."""
    _require_operator(world, actor)
    known = world.registry.members.get(member)
    if known is None or known.status is not MemberStatus.ACTIVE:
        raise UnknownMember()
    require_reason(reason)
    return MemberSuspended(member, actor, reason, now)


def decide_register(world: World, *, actor: Address, claim: Claim, now: int) -> Registered:
    """Raises what require_claim raises, FingerprintMissing, DocumentRootMissing, DebtorIsOriginator,
    MemberNotEligible, FingerprintTaken."""
    require_claim(claim.face, claim.currency, claim.due, now=now)
    require_commitments(
        fingerprint=claim.fingerprint, document_root=claim.document_root, debtor=claim.debtor, originator=actor
    )
    world.require_eligible(actor, now=now)
    world.require_eligible(claim.debtor, now=now)
    taken = world.fingerprints.get((claim.fingerprint, claim.debtor, actor))
    if taken is not None:
        raise FingerprintTaken(f"already {format_receivable_id(taken)}")
    return Registered(
        receivable_id=len(world.receivables) + 1,
        originator=actor,
        debtor=claim.debtor,
        face=claim.face,
        due=claim.due,
        currency=claim.currency,
        fingerprint=claim.fingerprint,
        document_root=claim.document_root,
        at=now,
    )


def decide_confirm(world: World, *, actor: Address, receivable_id: int, head: bytes, now: int) -> Confirmed:
    """`head` is the head that the debtor's terms hash to. Raises UnknownReceivable, StatusForbids, NotDebtor,
    AnchorMismatch, DueDatePassed, MemberNotEligible."""
    receivable = _require_answerable(world, actor, receivable_id, head)
    require_before_due(receivable.due, now=now)
    world.require_eligible(actor, now=now)
    world.require_eligible(receivable.originator, now=now)
    return Confirmed(receivable_id, actor, receivable.originator, receivable.face, now)


def decide_refuse(world: World, *, actor: Address, receivable_id: int, head: bytes, reason: int, now: int) -> Refused:
    """Raises UnknownReceivable, StatusForbids, NotDebtor, AnchorMismatch, ReasonMissing."""
    receivable = _require_answerable(world, actor, receivable_id, head)
    require_reason(reason)
    return Refused(receivable_id, actor, reason, receivable.face, now)


def decide_split(
    world: World,
    *,
    actor: Address,
    certificate_id: CertificateId,
    cut: int,
    receiver: Address,
    document: bytes,
    now: int,
) -> Split:
    """Raises UnknownCertificate, NotHolder, RangeChanged, StatusForbids, DueDatePassed, AlreadyPaid, CutOutOfRange,
    MemberNotEligible, TradeDocumentMissing."""
    receivable, certificate = world.require_named(actor, certificate_id)
    require_movable(receivable, now=now)
    require_cut(certificate, cut)
    world.require_eligible(certificate.holder, now=now)
    member = world.require_eligible(receiver, now=now)
    if receiver != certificate.holder:
        _require_document(member, document)
    return Split(receivable.receivable_id, actor, receiver, certificate.start, certificate.end, cut, document, now)


def decide_endorse(
    world: World, *, actor: Address, certificate_id: CertificateId, receiver: Address, document: bytes, now: int
) -> Endorsed:
    """Raises UnknownCertificate, NotHolder, RangeChanged, StatusForbids, DueDatePassed, AlreadyPaid, SameHolder,
    MemberNotEligible, TradeDocumentMissing."""
    receivable, certificate = world.require_named(actor, certificate_id)
    require_movable(receivable, now=now)
    if receiver == certificate.holder:
        raise SameHolder()
    world.require_eligible(certificate.holder, now=now)
    _require_document(world.require_eligible(receiver, now=now), document)
    return Endorsed(receivable.receivable_id, actor, receiver, certificate.start, certificate.end, document, now)


def require_same_range(certificate: Certificate, named: CertificateId) -> None:
    """For who reads by an id, which names a whole range, not only its start. Raises UnknownCertificate."""
    if certificate.end != named.end:
        present = certificate.id(named.receivable_id)
        raise UnknownCertificate(f"there is no certificate {named}; what starts there now is {present}")


def _require_operator(world: World, actor: Address) -> None:
    if actor != world.operator:
        raise NotAuthorised()


def _require_answerable(world: World, actor: Address, receivable_id: int, head: bytes) -> Receivable:
    receivable = world.receivables.get(receivable_id)
    if receivable is None:
        raise UnknownReceivable(f"there is no {format_receivable_id(receivable_id)}")
    require_status(receivable, Status.REGISTERED)
    if receivable.debtor != actor:
        raise NotDebtor()
    if receivable.head != head:
        raise AnchorMismatch()
    return receivable


def _require_document(receiver: Member, document: bytes) -> None:
    """DOMAIN rule 10: a trade document for a receiver that is not a financier."""
    if document == NO_DOCUMENT and not receiver.roles & Role.FINANCIER:
        raise TradeDocumentMissing()
