"""Registering a claim and answering it: the entry that the contract would append, or the refusal that it would give."""

from __future__ import annotations

from registry.domain import calendar
from registry.domain.identifiers import Address, format_receivable_id
from registry.domain.journal import (
    Confirmed,
    CounterOffered,
    Lapsed,
    OfferAccepted,
    Refused,
    Registered,
    Withdrawn,
)
from registry.domain.receivable import DAY_SECONDS, Parameter, Receivable, Status
from registry.domain.rules.refusals import (
    AnchorMismatch,
    FingerprintTaken,
    NotDebtor,
    NotOriginator,
    TakenInPredecessor,
    TenorExceeded,
    TooManyUnanswered,
)
from registry.domain.rules.requirements import (
    clock,
    require_answer_window,
    require_before_due,
    require_claim,
    require_commitments,
    require_offer,
    require_open,
    require_reason,
    require_running,
    require_status,
    require_unanswered_long_enough,
)
from registry.domain.rules.world import Act, Claim, World


def decide_register(world: World, *, actor: Address, claim: Claim, now: int) -> Registered:
    """Raises what require_open and require_claim raise, TenorExceeded, FingerprintMissing, DocumentRootMissing,
    DebtorIsOriginator, MemberNotEligible, DebtorOverdue, FingerprintTaken, TakenInPredecessor, TooManyUnanswered,
    RulesForbid."""
    require_open(world.registry)
    require_claim(claim.face, claim.currency, claim.due, now=now)
    _require_tenor(world, claim.due, now=now)
    require_commitments(
        fingerprint=claim.fingerprint, document_root=claim.document_root, debtor=claim.debtor, originator=actor
    )
    world.require_solvent(actor, now=now)
    world.require_solvent(claim.debtor, now=now)
    _require_free(world, (claim.fingerprint, claim.debtor, actor))
    _require_few_unanswered(world, debtor=claim.debtor, originator=actor, now=now)
    receivable_id = len(world.receivables) + 1
    world.extra_rules(Act(Registered.OPERATION, receivable_id, actor, actor, claim.debtor, 0, claim.face))
    window_days = world.parameter(Parameter.ANSWER_WINDOW_DAYS, now=now)
    return Registered(
        receivable_id=receivable_id,
        originator=actor,
        debtor=claim.debtor,
        face=claim.face,
        due=claim.due,
        currency=claim.currency,
        fingerprint=claim.fingerprint,
        document_root=claim.document_root,
        answer_by=clock(world.registry, now=now) + window_days * DAY_SECONDS,
        at=now,
    )


def decide_confirm(world: World, *, actor: Address, receivable_id: int, head: bytes, now: int) -> Confirmed:
    """`head` is what the debtor's terms, with the entries since, hash to. Raises what require_open raises,
    UnknownReceivable, StatusForbids, NotDebtor, AnchorMismatch, DueDatePassed, MemberNotEligible, DebtorOverdue,
    RulesForbid."""
    require_open(world.registry)
    receivable = _require_debtors_answer(world, actor, receivable_id, head)
    require_before_due(receivable.claim_due, now=now)
    originator, face = receivable.originator, receivable.claim_face
    world.require_promising(actor, now=now)
    world.require_eligible(originator, now=now)
    world.extra_rules(Act(Confirmed.OPERATION, receivable_id, actor, actor, originator, 0, face))
    return Confirmed(receivable_id, actor, originator, face, now)


def decide_refuse(world: World, *, actor: Address, receivable_id: int, head: bytes, reason: int, now: int) -> Refused:
    """`head` as for decide_confirm. Raises RegistryPaused, UnknownReceivable, StatusForbids, NotDebtor,
    AnchorMismatch, ReasonMissing."""
    require_running(world.registry)
    receivable = _require_debtors_answer(world, actor, receivable_id, head)
    require_reason(reason)
    return Refused(receivable_id, actor, reason, receivable.claim_face, now)


def decide_withdraw(
    world: World, *, actor: Address, receivable_id: int, originator: Address, head: bytes, now: int
) -> Withdrawn:
    """`originator` is whom the terms name, `head` what they hash to with the entries since. Raises RegistryPaused,
    UnknownReceivable, StatusForbids, NotOriginator, AnchorMismatch."""
    require_running(world.registry)
    receivable = _require_originators_answer(world, actor, receivable_id, originator, head)
    return Withdrawn(receivable_id, actor, receivable.claim_face, now)


def decide_lapse(world: World, *, actor: Address, receivable_id: int, head: bytes, now: int) -> Lapsed:
    """`head` as for decide_confirm. Raises RegistryPaused, UnknownReceivable, StatusForbids, AnchorMismatch,
    AnswerWindowOpen."""
    require_running(world.registry)
    receivable = _require_registered(world, receivable_id)
    _require_anchor(receivable, head)
    require_unanswered_long_enough(receivable, clock=clock(world.registry, now=now))
    return Lapsed(receivable_id, actor, receivable.claim_face, now)


def decide_counter_offer(
    world: World, *, actor: Address, receivable_id: int, head: bytes, face: int, due: int, now: int
) -> CounterOffered:
    """`head` as for decide_confirm; `face` (minor units) and `due` (seconds) are offered. Raises RegistryPaused,
    UnknownReceivable, StatusForbids, NotDebtor, AnchorMismatch, AnswerWindowOver, TooManyOffers, OfferMalformed,
    DueDateMalformed, DueDatePassed, TenorExceeded, MemberNotEligible."""
    require_running(world.registry)
    receivable = _require_debtors_answer(world, actor, receivable_id, head)
    require_answer_window(receivable, clock=clock(world.registry, now=now))
    # Every entry so far but the first was one.
    require_offer(receivable, offers=receivable.length - 1, face=face, due=due, now=now)
    _require_tenor(world, due, now=now)
    world.require_eligible(actor, now=now)
    return CounterOffered(receivable_id, actor, receivable.claim_face, face, due, now)


def decide_accept_offer(
    world: World, *, actor: Address, receivable_id: int, originator: Address, head: bytes, now: int
) -> OfferAccepted:
    """`originator` is whom the terms name, `head` what they hash to with the entries since and then the offer. Raises
    what require_open raises, UnknownReceivable, StatusForbids, NotOriginator, AnchorMismatch, DueDatePassed,
    MemberNotEligible, DebtorOverdue, RulesForbid."""
    require_open(world.registry)
    receivable = _require_originators_answer(world, actor, receivable_id, originator, head)
    offer, debtor = receivable.offer, receivable.debtor
    if offer is None:
        raise AnchorMismatch("the journal does not end with a counter-offer")
    require_before_due(offer.due, now=now)
    world.require_eligible(actor, now=now)
    world.require_promising(debtor, now=now)
    world.extra_rules(Act(OfferAccepted.OPERATION, receivable_id, actor, debtor, actor, 0, offer.face))
    return OfferAccepted(receivable_id, actor, debtor, offer.face, offer.due, now)


def _require_tenor(world: World, due: int, *, now: int) -> None:
    latest = now + world.parameter(Parameter.TENOR_LIMIT_DAYS, now=now) * DAY_SECONDS
    if due > latest:
        raise TenorExceeded(f"the latest due date allowed today is {calendar.day(latest)}")


def _require_free(world: World, key: tuple[bytes, Address, Address]) -> None:
    taken = world.fingerprints.get(key)
    if taken is not None:
        raise FingerprintTaken(f"already {format_receivable_id(taken)}")
    if key in world.predecessor_claims:
        raise TakenInPredecessor()


def _require_few_unanswered(world: World, *, debtor: Address, originator: Address, now: int) -> None:
    unanswered = sum(
        state.status is Status.REGISTERED and (state.debtor, state.originator) == (debtor, originator)
        for state in world.receivables.values()
    )
    limit = world.parameter(Parameter.UNANSWERED_MAX, now=now)
    if unanswered >= limit:
        raise TooManyUnanswered(f"{unanswered} claims of this creditor wait for the debtor's answer, and {limit} may")


def _require_registered(world: World, receivable_id: int) -> Receivable:
    receivable = world.require_receivable(receivable_id)
    require_status(receivable, Status.REGISTERED)
    return receivable


def _require_anchor(receivable: Receivable, head: bytes) -> None:
    if receivable.head != head:
        raise AnchorMismatch()


def _require_debtors_answer(world: World, actor: Address, receivable_id: int, head: bytes) -> Receivable:
    receivable = _require_registered(world, receivable_id)
    if receivable.debtor != actor:
        raise NotDebtor()
    _require_anchor(receivable, head)
    return receivable


def _require_originators_answer(
    world: World, actor: Address, receivable_id: int, originator: Address, head: bytes
) -> Receivable:
    """The contract stores no originator: it is the terms that name it, and then the head that proves the terms."""
    receivable = _require_registered(world, receivable_id)
    if originator != actor:
        raise NotOriginator()
    _require_anchor(receivable, head)
    return receivable
