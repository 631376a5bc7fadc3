"""What the rules across journals look at, and who may act in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from registry.domain import journal
from registry.domain.anchors import NO_ANCHOR, NO_CLAIM_KEY, anchor, claim_key, lasting_terms_of
from registry.domain.identifiers import (
    ZERO_ADDRESS,
    Address,
    CertificateId,
    format_address,
    format_receivable_id,
    token_id,
)
from registry.domain.receivable import Certificate, Freeze, Member, Parameter, Receivable, Registry, Role, Scope
from registry.domain.rules.refusals import (
    AnchorMismatch,
    DebtorOverdue,
    MemberNotEligible,
    NonceUsed,
    NotAuthorised,
    NotHolder,
    NotOfficer,
    SignatureExpired,
    SignatureInvalid,
    TradeDocumentMissing,
    UnknownCertificate,
    UnknownReceivable,
)
from registry.domain.rules.requirements import (
    in_force,
    is_eligible,
    parameter_in_force,
    require_certificate,
    require_end,
    require_two_officers,
    require_unfrozen,
)

NO_DOCUMENT = bytes(32)
_NO_HEAD = bytes(32)


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
class Act:
    """What the extra rules are asked about; contracts/interfaces/IRules.sol says who gives and who receives.

    `operation` is the code of the entry that would follow, [start, end) what moves or comes to be, in minor units.
    """

    operation: int
    receivable_id: int
    actor: Address
    giver: Address
    receiver: Address
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Authorisation:
    """A signature that stands for its signer's own transaction. `deadline` in seconds.

    `anchor` is what it says of the receivable, opened by `claim_key` where it is no answer (registry.domain.anchors).
    `genuine` says whether the signature is the signer's for this operation: curves and ERC-1271 are for layers above.
    """

    signer: Address
    nonce: int
    deadline: int
    anchor: bytes = NO_ANCHOR
    claim_key: bytes = NO_CLAIM_KEY
    genuine: bool = True


@dataclass(frozen=True, slots=True)
class Hold:
    """An order in force on a certificate, and what it was put on."""

    scope: Scope
    freeze: Freeze


def _no_extra_rules(_act: Act) -> None:
    """Everything is allowed."""


@dataclass(frozen=True, slots=True)
class World:
    """What the rules across journals look at: R-0, the receivables, and who may act for whom.

    `fingerprints` maps (fingerprint, debtor, originator) to the live receivable id, `predecessor_claims` holds such
    keys of the registry that this one succeeds; `approvals` maps a certificate's token id to the approved account while
    the approval stands; `operators` holds (holder, operator) pairs, `officers` the regulator's, `nonces_used` pairs of
    signer and nonce, `contracts` the accounts with code; `banks` the accounts of the settlement bank, `tokens` the
    deposit tokens that were made for this registry, with the ISO 4217 numbers that they were made for; `address` is the
    registry's own. `extra_rules` raises RulesForbid or not. What the tokens refuse, for lack of money or leave, is for
    layers above.
    """

    registry: Registry
    receivables: Mapping[int, Receivable]
    fingerprints: Mapping[tuple[bytes, Address, Address], int]
    operator: Address
    approvals: Mapping[int, Address]
    operators: frozenset[tuple[Address, Address]]
    officers: frozenset[Address] = frozenset()
    predecessor_claims: frozenset[tuple[bytes, Address, Address]] = frozenset()
    nonces_used: frozenset[tuple[Address, int]] = frozenset()
    contracts: frozenset[Address] = frozenset()
    banks: frozenset[Address] = frozenset()
    tokens: Mapping[Address, int] = field(default_factory=dict)
    address: Address = ZERO_ADDRESS
    extra_rules: Callable[[Act], None] = _no_extra_rules

    def parameter(self, parameter: Parameter, *, now: int) -> int:
        """The value in force at `now`, in the parameter's unit."""
        return parameter_in_force(self.registry, parameter, now=now)

    # -------------------------------------------------------------- members

    def require_operator(self, actor: Address) -> None:
        """Raises NotAuthorised."""
        if actor != self.operator:
            raise NotAuthorised()

    def require_bank(self, actor: Address) -> None:
        """Raises NotAuthorised."""
        if actor not in self.banks:
            raise NotAuthorised()

    def require_eligible(self, account: Address, *, now: int) -> Member:
        """Raises MemberNotEligible."""
        member = self.registry.members.get(account)
        if member is None or not is_eligible(member, now=now):
            raise MemberNotEligible(f"{format_address(account)} is not a member in good standing")
        return member

    def require_solvent(self, account: Address, *, now: int) -> None:
        """Eligible, and no debt of its own stands dishonoured (DOMAIN rule 19).

        Raises MemberNotEligible, DebtorOverdue.
        """
        self.require_eligible(account, now=now)
        if any(state.dishonoured and state.debtor == account for state in self.receivables.values()):
            raise DebtorOverdue(f"{format_address(account)} has not paid what it owes in time")

    def require_promising(self, debtor: Address, *, now: int) -> None:
        """As require_solvent, and no order freezes what it holds: a new debt would be a way to spend it.

        Raises MemberNotEligible, FrozenByOrder, DebtorOverdue.
        """
        self.require_sender(debtor, now=now)
        self.require_solvent(debtor, now=now)

    def require_sender(self, holder: Address, *, now: int) -> None:
        """Raises MemberNotEligible, FrozenByOrder."""
        require_unfrozen(self.require_eligible(holder, now=now).orders, now=now)

    def require_receiver(self, receiver: Address, document: bytes, *, now: int) -> None:
        """DOMAIN rule 10: a trade document for a receiver that is not a financier.

        Raises MemberNotEligible, TradeDocumentMissing.
        """
        member = self.require_eligible(receiver, now=now)
        if document == NO_DOCUMENT and not member.roles & Role.FINANCIER:
            raise TradeDocumentMissing()

    # --------------------------------------------------------- certificates

    def require_receivable(self, receivable_id: int) -> Receivable:
        """Raises UnknownReceivable."""
        receivable = self.receivables.get(receivable_id)
        if receivable is None:
            raise UnknownReceivable(f"there is no {format_receivable_id(receivable_id)}")
        return receivable

    def require_existing(self, receivable_id: int, start: int) -> tuple[Receivable, Certificate]:
        """The certificate at (receivable id, start), whoever asks. Raises UnknownCertificate."""
        receivable = self.receivables.get(receivable_id)
        if receivable is None:
            raise UnknownCertificate()
        return receivable, require_certificate(receivable, start)

    def require_authority(self, actor: Address, certificate_id: tuple[int, int]) -> tuple[Receivable, Certificate]:
        """The certificate at (receivable id, start), if the actor may move it. Raises UnknownCertificate, NotHolder."""
        receivable, certificate = self.require_existing(*certificate_id)
        approved = self.approvals.get(token_id(*certificate_id))
        if actor not in (certificate.holder, approved) and (certificate.holder, actor) not in self.operators:
            raise NotHolder(f"{format_address(actor)} does not hold that certificate")
        return receivable, certificate

    def require_named(self, actor: Address, named: CertificateId) -> tuple[Receivable, Certificate]:
        """The same, by the whole range as operations name it. Raises UnknownCertificate, NotHolder, RangeChanged."""
        receivable, certificate = self.require_authority(actor, (named.receivable_id, named.start))
        require_end(receivable, certificate, named.end)
        return receivable, certificate

    def require_whole(self, named: CertificateId) -> tuple[Receivable, Certificate]:
        """The certificate by its whole range, whoever asks. Raises UnknownCertificate, RangeChanged."""
        receivable, certificate = self.require_existing(named.receivable_id, named.start)
        require_end(receivable, certificate, named.end)
        return receivable, certificate

    def require_no_order_over(self, receivable: Receivable, certificate: Certificate, *, now: int) -> None:
        """No order on the certificate, its receivable or its holder. Raises FrozenByOrder."""
        require_unfrozen((hold.freeze for hold in self.holds(receivable, certificate, now=now)), now=now)

    def holds(self, receivable: Receivable, certificate: Certificate, *, now: int) -> tuple[Hold, ...]:
        """The orders that freeze a certificate at `now`: its own, its receivable's, its holder's."""
        return holds(receivable, certificate, self.registry.members.get(certificate.holder), now=now)

    # ----------------------------------------------------------- signatures

    def require_signature(self, by: Authorisation, *, now: int) -> None:
        """Raises SignatureExpired, NonceUsed, SignatureInvalid."""
        if now > by.deadline:
            raise SignatureExpired()
        if (by.signer, by.nonce) in self.nonces_used:
            raise NonceUsed()
        if not by.genuine:
            raise SignatureInvalid()

    def require_same_receivable(self, by: Authorisation, receivable_id: int) -> None:
        """As require_anchored, of a signature. Raises AnchorMismatch."""
        self.require_anchored(receivable_id, by.anchor, by.claim_key)

    def require_anchored(self, receivable_id: int, named: bytes, key: bytes) -> None:
        """The claim that the anchor names, opened by its key, lives under this id with these terms.

        Raises AnchorMismatch.
        """
        living = {claim_key(*claim): number for claim, number in self.fingerprints.items()}
        receivable = self.receivables.get(receivable_id)
        terms = 0 if receivable is None else lasting_terms_of(receivable)
        if living.get(key, 0) != receivable_id or anchor(key, terms) != named:
            raise AnchorMismatch()

    def require_second(self, second: Authorisation, receivable_id: int, *, now: int) -> None:
        """The other party signed the same, about this receivable.

        Raises what require_signature raises, AnchorMismatch.
        """
        self.require_signature(second, now=now)
        self.require_same_receivable(second, receivable_id)

    def require_answer(self, by: Authorisation, receivable_id: int) -> None:
        """An answer is to what the signer saw and nothing after it: the anchor is the head. Raises AnchorMismatch."""
        if by.anchor != self._head(receivable_id):
            raise AnchorMismatch()

    def require_officers(self, actor: Address, second: Authorisation, *, now: int) -> None:
        """Two officers stand behind an order: the caller, and another one by signature (DOMAIN rule 22).

        Raises NotOfficer, SameOfficer, SignatureExpired, NonceUsed, SignatureInvalid.
        """
        self._require_officer(actor)
        require_two_officers(actor, second.signer)
        self.require_signature(second, now=now)
        self._require_officer(second.signer)

    def _require_officer(self, account: Address) -> None:
        if account not in self.officers:
            raise NotOfficer(f"{format_address(account)} is not an officer")

    def _head(self, receivable_id: int) -> bytes:
        """What the contract has for a head: R-0's own too, zeros where there was never an entry."""
        if receivable_id == journal.REGISTRY_JOURNAL:
            return self.registry.head
        receivable = self.receivables.get(receivable_id)
        return _NO_HEAD if receivable is None else receivable.head


def holds(receivable: Receivable, certificate: Certificate, holder: Member | None, *, now: int) -> tuple[Hold, ...]:
    """The orders that freeze a certificate at `now` (seconds): its own, its receivable's, its holder's."""
    listed = (
        (Scope.CERTIFICATE, certificate.orders),
        (Scope.RECEIVABLE, receivable.orders),
        (Scope.MEMBER, holder.orders if holder else ()),
    )
    return tuple(Hold(scope, freeze) for scope, orders in listed for freeze in in_force(orders, now=now))
