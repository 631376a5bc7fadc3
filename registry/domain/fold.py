"""The one fold: state and entry in, next state out. Mirror, auditor, verifier and property tests all call it.

A receivable's journal says everything about that receivable, and R-0 everything about members, orders on them, pauses
and parameters; the order between two journals inside one block is not proven by their heads, so no fold looks into
another journal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any, TypeVar

from registry.domain import amounts, calendar, journal, rules
from registry.domain.identifiers import Address, format_receivable_id
from registry.domain.journal import (
    Absolved,
    CertificateFrozen,
    CertificateUnfrozen,
    Closed,
    Confirmed,
    CounterOffered,
    CreditNoted,
    DepositTokenSet,
    DescriptorSet,
    DeskSet,
    Dishonoured,
    Disputed,
    Endorsed,
    Entry,
    ForcedTransfer,
    Lapsed,
    MemberAdmitted,
    MemberFrozen,
    MemberSuspended,
    MemberUnfrozen,
    Merged,
    OfferAccepted,
    Paid,
    ParameterSet,
    Partitioned,
    Paused,
    Pledged,
    ReceivableFrozen,
    ReceivableUnfrozen,
    RecourseDemanded,
    Redeemed,
    Refused,
    Registered,
    Released,
    Repurchased,
    Resolved,
    RulesSet,
    Sealed,
    Sold,
    Split,
    Sunset,
    Unpaused,
    Withdrawn,
)
from registry.domain.receivable import (
    Certificate,
    Lien,
    Member,
    MemberStatus,
    Offer,
    Parameter,
    ParameterValue,
    Receivable,
    Recourse,
    Registry,
    Role,
    Status,
)
from registry.domain.refusals import Refusal

State = TypeVar("State", bound=Receivable | Registry)

_GRACE_DAYS_MIN = rules.PARAMETER_VALUES[Parameter.OVERDUE_GRACE_DAYS].start
"""The grace in force is R-0's to tell. It is never less, so this much holds of one journal whatever it was."""


class JournalBroken(Refusal):
    """An entry that cannot follow the ones before it: the journal is not what the contract wrote."""

    code = "journal_broken"
    status = 500
    title = "The journal holds an entry that the contract cannot have accepted"


def empty_receivable(*, chain_id: int, contract: Address, receivable_id: int) -> Receivable:
    """A receivable before its first entry; its head is the journal's genesis."""
    return Receivable(receivable_id, journal.genesis(chain_id=chain_id, contract=contract, journal_id=receivable_id))


def empty_registry(*, chain_id: int, contract: Address) -> Registry:
    """R-0 before its first entry."""
    return Registry(journal.genesis(chain_id=chain_id, contract=contract, journal_id=journal.REGISTRY_JOURNAL))


def fold(receivable: Receivable, entry: Entry) -> Receivable:
    """The receivable after one more entry. Raises JournalBroken."""
    return fold_all(receivable, (entry,))


def fold_all(receivable: Receivable, entries: Iterable[Entry]) -> Receivable:
    """The receivable after these entries, in order. Raises JournalBroken at the first that cannot follow.

    Costs one copy of the state in all, not one per entry.
    """
    return receivable if (state := _last(walk(receivable, entries))) is None else state


def walk(receivable: Receivable, entries: Iterable[Entry]) -> Iterator[tuple[Receivable, Entry]]:
    """The state after each entry, with the entry. Raises JournalBroken at the first that cannot follow.

    What is yielded is one state that each step changes: to keep one of them, copy it.
    """
    return walk_hashed(receivable, _hashed(entries))


def fold_registry(registry: Registry, entries: Iterable[Entry]) -> Registry:
    """R-0 after these entries, in order. Raises JournalBroken."""
    return registry if (state := _last(walk_registry(registry, entries))) is None else state


def walk_registry(registry: Registry, entries: Iterable[Entry]) -> Iterator[tuple[Registry, Entry]]:
    """As walk, of R-0. Raises JournalBroken."""
    return walk_hashed(registry, _hashed(entries))


def walk_hashed(state: State, entries: Iterable[tuple[Entry, bytes]]) -> Iterator[tuple[State, Entry]]:
    """As walk, of either kind, with the hash of each entry: decode_hashed has it from the log. Raises JournalBroken."""
    current: Any = state.copy()
    apply: Callable[[Any, Entry], None] = _apply if isinstance(state, Receivable) else _apply_to_registry
    name = format_receivable_id(getattr(state, "receivable_id", journal.REGISTRY_JOURNAL))
    reached = 0
    for entry, entry_hash in entries:
        current.length += 1
        try:
            if entry.time < reached:
                raise JournalBroken(
                    f"it is of {calendar.instant(entry.time)} and follows one of {calendar.instant(reached)}"
                )
            apply(current, entry)
        except Refusal as refusal:
            raise JournalBroken(f"entry {current.length} of {name}: {refusal}") from refusal
        current.head = journal.append(current.head, entry_hash)
        reached = entry.time
        yield current, entry


def _hashed(entries: Iterable[Entry]) -> Iterator[tuple[Entry, bytes]]:
    for entry in entries:
        yield entry, entry.hash()


def _last(steps: Iterable[tuple[State, Entry]]) -> State | None:
    state = None
    for state, _ in steps:  # noqa: B007  (the last one is what is wanted)
        pass
    return state


# -------------------------------------------------------------- one receivable
#
# A step is given the walk's own state, its length already that after the entry, and changes it in place: a copy per
# entry took most of the time that a rebuild takes.


def _apply(current: Receivable, entry: Entry) -> None:
    """One transition, but for the head."""
    if entry.journal_id != current.receivable_id:
        raise JournalBroken(f"it is of {format_receivable_id(entry.journal_id)}")
    step = _STEPS.get(type(entry))
    if step is None:
        raise JournalBroken(f"{type(entry).__name__} is not an entry of a receivable")
    step(current, entry)


def _registered(current: Receivable, entry: Registered) -> None:
    rules.require_status(current, Status.NONE)
    rules.require_claim(entry.face, entry.currency, entry.due, now=entry.at)
    rules.require_commitments(
        fingerprint=entry.fingerprint,
        document_root=entry.document_root,
        debtor=entry.debtor,
        originator=entry.originator,
    )
    current.status = Status.REGISTERED
    current.originator = entry.originator
    current.debtor = entry.debtor
    current.face = current.claim_face = entry.face
    current.due = current.claim_due = entry.due
    current.currency = entry.currency
    current.fingerprint = entry.fingerprint
    current.document_root = entry.document_root
    current.registered_at = entry.at
    current.answer_by = entry.answer_by


# What can happen to a registered claim. A counter-offer stands until the claim has its answer.


def _answered(current: Receivable, status: Status, *, at: int) -> None:
    current.status = status
    current.answered_at = at
    current.offer = None


def _counter_offered(current: Receivable, entry: CounterOffered) -> None:
    rules.require_status(current, Status.REGISTERED)
    _require_same(current, debtor=entry.debtor, face=entry.face)
    rules.require_offer(
        current, offers=current.length - 2, face=entry.offered_face, due=entry.offered_due, now=entry.at
    )
    current.offer = Offer(entry.offered_face, entry.offered_due, entry.at)


def _confirmed(current: Receivable, entry: Confirmed) -> None:
    rules.require_status(current, Status.REGISTERED)
    _require_same(current, debtor=entry.debtor, originator=entry.originator, face=entry.face)
    rules.require_before_due(current.due, now=entry.at)
    current.certificates[0] = Certificate(0, entry.face, entry.originator, current.length)
    _answered(current, Status.CONFIRMED, at=entry.at)


def _offer_accepted(current: Receivable, entry: OfferAccepted) -> None:
    rules.require_status(current, Status.REGISTERED)
    _require_same(current, debtor=entry.debtor, originator=entry.originator)
    if current.offer is None or (entry.face, entry.due) != (current.offer.face, current.offer.due):
        raise JournalBroken("what was accepted is not the last counter-offer")
    rules.require_before_due(entry.due, now=entry.at)
    current.certificates[0] = Certificate(0, entry.face, entry.originator, current.length)
    current.face = entry.face
    current.due = entry.due
    _answered(current, Status.CONFIRMED, at=entry.at)


def _refused(current: Receivable, entry: Refused) -> None:
    rules.require_status(current, Status.REGISTERED)
    _require_same(current, debtor=entry.debtor, face=entry.face)
    rules.require_reason(entry.reason)
    current.refusal_reason = entry.reason
    _answered(current, Status.REFUSED, at=entry.at)


def _withdrawn(current: Receivable, entry: Withdrawn) -> None:
    rules.require_status(current, Status.REGISTERED)
    _require_same(current, originator=entry.originator, face=entry.face)
    _answered(current, Status.WITHDRAWN, at=entry.at)


def _lapsed(current: Receivable, entry: Lapsed) -> None:
    rules.require_status(current, Status.REGISTERED)
    _require_same(current, face=entry.face)
    # Pauses are R-0's to tell. They only lengthen the window, so this much holds whatever they were.
    rules.require_unanswered_long_enough(current, clock=entry.at)
    _answered(current, Status.LAPSED, at=entry.at)


# What a holder does. Every certificate that comes of it is a new one, without orders and rights.


def _split(current: Receivable, entry: Split) -> None:
    rules.require_movable(current, entry.start, now=entry.at)
    whole = _require_free(current, entry.start, entry.end, now=entry.at)
    rules.require_cut(entry.start, entry.cut, entry.end)
    current.certificates[entry.start] = Certificate(entry.start, entry.cut, whole.holder, current.length)
    current.certificates[entry.cut] = Certificate(entry.cut, entry.end, entry.receiver, current.length)


def _endorsed(current: Receivable, entry: Endorsed) -> None:
    rules.require_movable(current, entry.start, now=entry.at)
    whole = _require_free(current, entry.start, entry.end, now=entry.at)
    rules.require_other_holder(whole, entry.receiver)
    current.certificates[entry.start] = Certificate(entry.start, entry.end, entry.receiver, current.length)
    _hand_over(current, entry.start)


def _merged(current: Receivable, entry: Merged) -> None:
    rules.require_movable(current, entry.start, now=entry.at)
    left = _require_free(current, entry.start, entry.cut, now=entry.at)
    right = _require_free(current, entry.cut, entry.end, now=entry.at)
    if left.holder != right.holder:
        raise JournalBroken("two holders' certificates were merged")
    del current.certificates[entry.cut]
    current.certificates[entry.start] = Certificate(entry.start, entry.end, left.holder, current.length)


# What officers do. Due date, payments, pause and other orders do not hinder them.


def _require_ordered(
    current: Receivable, entry: Partitioned | CertificateFrozen | CertificateUnfrozen | ForcedTransfer
) -> Certificate:
    rules.require_status(current, *rules.ONCE_CONFIRMED)
    _require_order(entry)
    return rules.require_whole(current, entry.start, entry.end)


def _partitioned(current: Receivable, entry: Partitioned) -> None:
    whole = _require_ordered(current, entry)
    rules.require_cut(entry.start, entry.cut, entry.end)
    front, tail = amounts.partition(whole, entry.cut, since=current.length)
    current.certificates[entry.start] = front
    current.certificates[entry.cut] = tail


def _certificate_frozen(current: Receivable, entry: CertificateFrozen) -> None:
    whole = _require_ordered(current, entry)
    orders = rules.orders_with(whole.orders, entry.order, expiry=entry.expiry, now=entry.at)
    current.certificates[entry.start] = replace(whole, orders=orders)


def _certificate_unfrozen(current: Receivable, entry: CertificateUnfrozen) -> None:
    whole = _require_ordered(current, entry)
    orders = rules.orders_without(whole.orders, entry.order, now=entry.at)
    current.certificates[entry.start] = replace(whole, orders=orders)


def _force_transferred(current: Receivable, entry: ForcedTransfer) -> None:
    whole = _require_ordered(current, entry)
    # The order may have frozen the holder, which is R-0's to tell: so its absence here breaks nothing.
    rules.require_other_holder(whole, entry.receiver)
    orders = rules.orders_after(whole.orders, entry.order, now=entry.at)
    # A lien goes with the certificate, and so does what was paid out on it; recourse ends with the hop.
    current.certificates[entry.start] = replace(
        whole, holder=entry.receiver, since=current.length, orders=orders, recourse=None
    )
    _hand_over(current, entry.start)


def _require_ordered_whole(current: Receivable, entry: ReceivableFrozen | ReceivableUnfrozen) -> None:
    rules.require_status(current, *rules.ONCE_CONFIRMED)
    _require_order(entry)
    _require_same(current, face=entry.face)


def _receivable_frozen(current: Receivable, entry: ReceivableFrozen) -> None:
    _require_ordered_whole(current, entry)
    current.orders = rules.orders_with(current.orders, entry.order, expiry=entry.expiry, now=entry.at)


def _receivable_unfrozen(current: Receivable, entry: ReceivableUnfrozen) -> None:
    _require_ordered_whole(current, entry)
    current.orders = rules.orders_without(current.orders, entry.order, now=entry.at)


# What a financier is given on a certificate, and what it gives up.


def _pledged(current: Receivable, entry: Pledged) -> None:
    whole = _require_financed(current, entry)
    rules.require_secured(whole, entry.secured)
    if entry.quote != rules.NO_QUOTE:
        rules.require_price(entry.price, whole.amount)
    lien = Lien(entry.financier, entry.secured, current.length)
    current.certificates[entry.start] = replace(whole, lien=lien)


def _released(current: Receivable, entry: Released) -> None:
    whole = rules.require_whole(current, entry.start, entry.end)
    rules.require_lien(current, whole, entry.financier)
    current.certificates[entry.start] = replace(whole, lien=None)


def _sold(current: Receivable, entry: Sold) -> None:
    whole = _require_financed(current, entry)
    if entry.cut != entry.start:
        rules.require_cut(entry.start, entry.cut, entry.end)
        current.certificates[entry.start] = Certificate(entry.start, entry.cut, whole.holder, current.length)
    rules.require_price(entry.price, entry.end - entry.cut)
    rules.require_recourse_amount(entry.recourse, entry.end - entry.cut)
    recourse = Recourse(whole.holder, entry.recourse) if entry.recourse else None
    current.certificates[entry.cut] = Certificate(
        entry.cut, entry.end, entry.financier, current.length, recourse=recourse
    )
    _hand_over(current, entry.cut)


def _require_financed(current: Receivable, entry: Pledged | Sold) -> Certificate:
    rules.require_movable(current, entry.start, now=entry.at)
    whole = _require_free(current, entry.start, entry.end, now=entry.at)
    rules.require_other_holder(whole, entry.financier)
    return whole


# What comes in, what goes out, and what becomes of a debt that is not paid.


def _paid(current: Receivable, entry: Paid) -> None:
    _require_same(current, face=entry.face)
    rules.require_payment(current, payer=entry.payer, amount=entry.amount, now=entry.at)
    current.paid += entry.amount
    amounts.settle(current)


def _redeemed(current: Receivable, entry: Redeemed) -> None:
    """A redemption pays out exactly what is due, whoever asked for it. The holder's orders are R-0's to tell."""
    whole = rules.require_whole(current, entry.start, entry.end)
    rules.require_unfrozen(whole.orders, now=entry.at)
    rules.require_unfrozen(current.orders, now=entry.at)
    out = rules.require_payout(current, whole)
    if current.sealed and entry.amount < out.amount:
        # No more is paid out than was paid in: sealed redemptions have left no more than this.
        current.claimed = current.paid - entry.amount
        out = rules.require_payout(current, whole)
    if (entry.holder, entry.amount, entry.to_financier) != (whole.holder, out.amount, out.to_financier):
        raise JournalBroken(
            f"{out.amount} minor units were due, {out.to_financier} of it to the financier, the rest to the holder"
        )
    amounts.pay_out(current, whole, out)


def _closed(current: Receivable, entry: Closed) -> None:
    _require_same(current, face=entry.face)
    rules.require_close(current, grace_days=_GRACE_DAYS_MIN, now=entry.at)
    # What could still be paid and was not stays its debtor's dishonour.
    current.dishonoured = amounts.payable(current) > 0
    current.status = Status.CLOSED


def _dishonoured(current: Receivable, entry: Dishonoured) -> None:
    _require_same(current, face=entry.face)
    rules.require_unpaid_debt(current, grace_days=_GRACE_DAYS_MIN, now=entry.at)
    current.dishonoured = True


def _absolved(current: Receivable, entry: Absolved) -> None:
    _require_same(current, face=entry.face)
    rules.require_dishonoured(current)
    current.dishonoured = False


# What originator and debtor do together.


def _credit_noted(current: Receivable, entry: CreditNoted) -> None:
    """What was credited is gone. Once nothing is left of the minor units that are paid last, all are paid alike."""
    front = _require_agreed(current, entry)
    rules.require_credit(current, front, entry.amount)
    cancelled = entry.start + entry.amount
    del current.certificates[entry.start]
    if cancelled != entry.end:
        current.certificates[cancelled] = Certificate(cancelled, entry.end, front.holder, current.length)
    current.cancelled = cancelled
    current.front_endorsed = cancelled == entry.end
    if current.senior <= cancelled:
        current.senior = 0
        current.disputed = False
    amounts.settle(current)


def _disputed(current: Receivable, entry: Disputed) -> None:
    front = _require_agreed(current, entry)
    rules.require_dispute(current, front, entry.cut)
    if entry.cut != entry.end:
        # Its orders have expired, or there would be no dispute: the parts begin without.
        free = replace(front, orders=())
        parts = amounts.partition(free, entry.cut, since=current.length)
        current.certificates[entry.start], current.certificates[entry.cut] = parts
    current.disputed = True
    current.senior = entry.cut
    amounts.settle(current)


def _resolved(current: Receivable, entry: Resolved) -> None:
    _require_same(current, face=entry.face)
    creditor = rules.require_disputed(current)
    rules.require_parties(current.debtor, creditor, entry.actor, entry.countersigner)
    current.disputed = False
    # What was paid while the dispute lasted stays with the minor units that it was paid for.
    if not current.paid:
        current.senior = 0
    amounts.settle(current)


def _require_agreed(current: Receivable, entry: CreditNoted | Disputed) -> Certificate:
    front = rules.require_front(current, entry.start, entry.end)
    rules.require_parties(current.debtor, front.holder, entry.actor, entry.countersigner)
    rules.require_unencumbered(current, front, now=entry.at)
    return front


# What becomes of a certificate that was sold with recourse and is not paid.


def _recourse_demanded(current: Receivable, entry: RecourseDemanded) -> None:
    whole = rules.require_whole(current, entry.start, entry.end)
    recourse = rules.require_demand(current, whole, now=entry.at)
    if entry.seller != recourse.seller:
        raise JournalBroken("it asks another than the seller")
    current.certificates[entry.start] = replace(whole, recourse=replace(recourse, demanded=True))


def _repurchased(current: Receivable, entry: Repurchased) -> None:
    whole = rules.require_whole(current, entry.start, entry.end)
    recourse = rules.require_repurchase(current, whole, seller=entry.seller)
    rules.require_unencumbered(current, whole, now=entry.at)
    if entry.amount != rules.require_outstanding(current, whole, recourse):
        raise JournalBroken("the seller paid another amount than it owed")
    # What was paid out on it stays with it.
    current.certificates[entry.start] = Certificate(
        entry.start, entry.end, entry.seller, current.length, claimed=whole.claimed
    )


def _sealed(current: Receivable, _: Sealed) -> None:
    """What a sealed entry did is not known. Who seals leaves open what bears on the minor units that they show, so
    about these, and about the receivable as a whole, the fold is right (provenance.bearing); about others it is not.
    """
    current.sealed += 1


_STEPS: dict[type[Entry], Callable[[Receivable, Any], None]] = {
    Registered: _registered,
    Confirmed: _confirmed,
    Refused: _refused,
    Split: _split,
    Endorsed: _endorsed,
    Withdrawn: _withdrawn,
    Lapsed: _lapsed,
    CounterOffered: _counter_offered,
    OfferAccepted: _offer_accepted,
    Merged: _merged,
    Partitioned: _partitioned,
    CertificateFrozen: _certificate_frozen,
    CertificateUnfrozen: _certificate_unfrozen,
    ReceivableFrozen: _receivable_frozen,
    ReceivableUnfrozen: _receivable_unfrozen,
    ForcedTransfer: _force_transferred,
    Pledged: _pledged,
    Released: _released,
    Sold: _sold,
    Paid: _paid,
    Redeemed: _redeemed,
    Closed: _closed,
    CreditNoted: _credit_noted,
    Disputed: _disputed,
    Resolved: _resolved,
    Dishonoured: _dishonoured,
    Absolved: _absolved,
    RecourseDemanded: _recourse_demanded,
    Repurchased: _repurchased,
    Sealed: _sealed,
}


def _require_order(
    entry: Partitioned
    | CertificateFrozen
    | CertificateUnfrozen
    | ForcedTransfer
    | ReceivableFrozen
    | ReceivableUnfrozen
    | MemberFrozen
    | MemberUnfrozen,
) -> None:
    """An order has a name, and two officers behind it."""
    rules.require_order(entry.order)
    rules.require_two_officers(entry.officer, entry.countersigner)


def _require_same(receivable: Receivable, **named: Address | int) -> None:
    """What the entry names is what the receivable has."""
    for name, value in named.items():
        if getattr(receivable, name) != value:
            raise JournalBroken(f"it names another {name} than the receivable has")


def _require_free(receivable: Receivable, start: int, end: int, *, now: int) -> Certificate:
    certificate = rules.require_whole(receivable, start, end)
    rules.require_thawed(certificate, now=now)
    return certificate


def _hand_over(current: Receivable, start: int) -> None:
    """The front has left the originator's hands once it was handed over."""
    if start == current.cancelled:
        current.front_endorsed = True


# -------------------------------------------------------------------------


def _apply_to_registry(current: Registry, entry: Entry) -> None:
    """One transition of R-0, but for the head."""
    if current.length <= len(Parameter):
        _parameter_given(current, entry)
    else:
        step = _REGISTRY_STEPS.get(type(entry))
        if step is None:
            raise JournalBroken(f"{type(entry).__name__} is not an entry of R-0")
        step(current, entry)


def _parameter_given(current: Registry, entry: Entry) -> None:
    """R-0 begins with the first value of each parameter, in their order and in force at once."""
    if not isinstance(entry, ParameterSet) or entry.parameter != current.length or entry.effective != entry.at:
        raise JournalBroken(f"it is not the first value of parameter {current.length}")
    rules.require_parameter_value(entry.parameter, entry.value)
    _set_parameter(current, entry)


def _parameter_set(current: Registry, entry: ParameterSet) -> None:
    rules.require_parameter_change(entry.parameter, entry.value, effective=entry.effective, now=entry.at)
    _set_parameter(current, entry)


def _set_parameter(current: Registry, entry: ParameterSet) -> None:
    """A value that has not come into force yet is replaced."""
    parameter = Parameter(entry.parameter)
    kept = (value for value in current.parameters.get(parameter, ()) if value.effective <= entry.at)
    current.parameters[parameter] = (*kept, ParameterValue(entry.value, entry.effective, entry.at))


def _member_admitted(current: Registry, entry: MemberAdmitted) -> None:
    rules.require_admission(entry.member, kyc_expiry=entry.kyc_expiry, roles=entry.roles, now=entry.at)
    known = current.members.get(entry.member)
    current.members[entry.member] = Member(
        address=entry.member,
        status=MemberStatus.ACTIVE,
        kyc_expiry=entry.kyc_expiry,
        roles=Role(entry.roles),
        profile=entry.profile,
        admitted_at=entry.at,
        # A renewed admission lifts no freeze.
        orders=known.orders if known else (),
    )


def _member_suspended(current: Registry, entry: MemberSuspended) -> None:
    known = rules.require_active(current, entry.member)
    rules.require_reason(entry.reason)
    current.members[entry.member] = replace(known, status=MemberStatus.SUSPENDED, suspension_reason=entry.reason)


def _member_frozen(current: Registry, entry: MemberFrozen) -> None:
    known = rules.require_admitted(current, entry.member)
    _require_order(entry)
    orders = rules.orders_with(known.orders, entry.order, expiry=entry.expiry, now=entry.at)
    current.members[entry.member] = replace(known, orders=orders)


def _member_unfrozen(current: Registry, entry: MemberUnfrozen) -> None:
    known = rules.require_admitted(current, entry.member)
    _require_order(entry)
    orders = rules.orders_without(known.orders, entry.order, now=entry.at)
    current.members[entry.member] = replace(known, orders=orders)


def _paused(current: Registry, entry: Paused) -> None:
    rules.require_running(current)
    current.paused_since = entry.at


def _unpaused(current: Registry, entry: Unpaused) -> None:
    rules.require_paused(current)
    if entry.at < current.paused_since:
        raise JournalBroken("a pause ends before it began")
    current.paused_seconds += entry.at - current.paused_since
    current.paused_since = 0


def _rules_set(current: Registry, entry: RulesSet) -> None:
    current.rules = entry.rules


def _descriptor_set(current: Registry, entry: DescriptorSet) -> None:
    current.descriptor = entry.descriptor


def _deposit_token_set(current: Registry, entry: DepositTokenSet) -> None:
    rules.require_first_token(current, entry.currency)
    current.deposit_tokens[entry.currency] = entry.token


def _desk_set(current: Registry, entry: DeskSet) -> None:
    current.desk = entry.desk


def _sunset(current: Registry, entry: Sunset) -> None:
    rules.require_no_sunset(current)
    current.sunset_at = entry.at


_REGISTRY_STEPS: dict[type[Entry], Callable[[Registry, Any], None]] = {
    MemberAdmitted: _member_admitted,
    MemberSuspended: _member_suspended,
    MemberFrozen: _member_frozen,
    MemberUnfrozen: _member_unfrozen,
    Paused: _paused,
    Unpaused: _unpaused,
    ParameterSet: _parameter_set,
    RulesSet: _rules_set,
    DescriptorSet: _descriptor_set,
    Sunset: _sunset,
    DepositTokenSet: _deposit_token_set,
    DeskSet: _desk_set,
}
