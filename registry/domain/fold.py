"""The one fold: state and entry in, next state out. Mirror, auditor, verifier and property tests all call it.

A receivable's journal says everything about that receivable, and R-0 everything about members, orders on them, pauses
and parameters; the order between two journals inside one block is not proven by their heads, so no fold looks into
another journal.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from types import MappingProxyType

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

_Ordered = (
    Partitioned
    | CertificateFrozen
    | CertificateUnfrozen
    | ForcedTransfer
    | ReceivableFrozen
    | ReceivableUnfrozen
    | MemberFrozen
    | MemberUnfrozen
)

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

    Costs one copy of the certificates in all, not one per entry.
    """
    for state, _ in walk(receivable, entries):
        receivable = state
    return replace(receivable, certificates=MappingProxyType(dict(receivable.certificates)))


def walk(receivable: Receivable, entries: Iterable[Entry]) -> Iterator[tuple[Receivable, Entry]]:
    """The state after each entry, with the entry. Raises JournalBroken at the first that cannot follow.

    The certificates of a yielded state are a live view that the next step changes: to keep a state, use fold_all.
    """
    certificates = dict(receivable.certificates)
    for entry in _in_time(entries):
        try:
            receivable = _apply(receivable, entry, certificates)
        except Refusal as refusal:
            raise JournalBroken(
                f"entry {receivable.length + 1} of {format_receivable_id(receivable.receivable_id)}: {refusal}"
            ) from refusal
        yield receivable, entry


def fold_registry(registry: Registry, entries: Iterable[Entry]) -> Registry:
    """R-0 after these entries, in order. Raises JournalBroken."""
    for state, _ in walk_registry(registry, entries):
        registry = state
    return replace(registry, members=MappingProxyType(dict(registry.members)))


def walk_registry(registry: Registry, entries: Iterable[Entry]) -> Iterator[tuple[Registry, Entry]]:
    """As walk, of R-0: the members of a yielded state are a live view. Raises JournalBroken."""
    members = dict(registry.members)
    for entry in _in_time(entries):
        try:
            registry = _apply_to_registry(registry, entry, members)
        except Refusal as refusal:
            raise JournalBroken(f"entry {registry.length + 1} of R-0: {refusal}") from refusal
        yield registry, entry


def _in_time(entries: Iterable[Entry]) -> Iterator[Entry]:
    """The entries. Raises JournalBroken where one is of an instant before the one that it follows."""
    reached = 0
    for entry in entries:
        if entry.time < reached:
            raise JournalBroken(
                f"an entry of {calendar.instant(entry.time)} follows one of {calendar.instant(reached)}"
            )
        reached = entry.time
        yield entry


# -------------------------------------------------------------- one receivable


def _apply(receivable: Receivable, entry: Entry, certificates: dict[int, Certificate]) -> Receivable:
    """One transition. `certificates` is the cover that goes with `receivable`, changed in place."""
    if entry.journal_id != receivable.receivable_id:
        raise JournalBroken(f"it is of {format_receivable_id(entry.journal_id)}")
    current = replace(
        receivable,
        head=journal.append(receivable.head, entry.hash()),
        length=receivable.length + 1,
        certificates=certificates,
    )
    match entry:
        case Registered():
            return _registered(current, entry)
        case Confirmed() | OfferAccepted() | Refused() | Withdrawn() | Lapsed() | CounterOffered():
            return _answered(current, entry, certificates)
        case Split() | Endorsed() | Merged():
            return _moved(current, entry, certificates)
        case Pledged() | Released() | Sold():
            return _financed(current, entry, certificates)
        case Paid() | Redeemed() | Closed() | Dishonoured() | Absolved():
            return _cleared(current, entry, certificates)
        case CreditNoted() | Disputed() | Resolved():
            return _agreed(current, entry, certificates)
        case RecourseDemanded() | Repurchased():
            return _recoursed(current, entry, certificates)
        case Partitioned() | CertificateFrozen() | CertificateUnfrozen() | ForcedTransfer():
            return _ordered(current, entry, certificates)
        case ReceivableFrozen() | ReceivableUnfrozen():
            return _ordered_whole(current, entry)
        case _:
            raise JournalBroken(f"{type(entry).__name__} is not an entry of a receivable")


def _registered(current: Receivable, entry: Registered) -> Receivable:
    rules.require_status(current, Status.NONE)
    rules.require_claim(entry.face, entry.currency, entry.due, now=entry.at)
    rules.require_commitments(
        fingerprint=entry.fingerprint,
        document_root=entry.document_root,
        debtor=entry.debtor,
        originator=entry.originator,
    )
    return replace(
        current,
        status=Status.REGISTERED,
        originator=entry.originator,
        debtor=entry.debtor,
        face=entry.face,
        due=entry.due,
        currency=entry.currency,
        fingerprint=entry.fingerprint,
        document_root=entry.document_root,
        registered_at=entry.at,
        claim_face=entry.face,
        claim_due=entry.due,
        answer_by=entry.answer_by,
    )


def _answered(
    current: Receivable,
    entry: Confirmed | OfferAccepted | Refused | Withdrawn | Lapsed | CounterOffered,
    certificates: dict[int, Certificate],
) -> Receivable:
    """What can happen to a registered claim. A counter-offer stands until the claim has its answer."""
    rules.require_status(current, Status.REGISTERED)
    answered = replace(current, answered_at=entry.at, offer=None)
    match entry:
        case CounterOffered():
            _require_same(current, debtor=entry.debtor, face=entry.face)
            before = replace(current, length=current.length - 1)
            rules.require_offer(before, face=entry.offered_face, due=entry.offered_due, now=entry.at)
            return replace(current, offer=Offer(entry.offered_face, entry.offered_due, entry.at))
        case Confirmed():
            _require_same(current, debtor=entry.debtor, originator=entry.originator, face=entry.face)
            rules.require_before_due(current.due, now=entry.at)
            certificates[0] = Certificate(0, entry.face, entry.originator, current.length)
            return replace(answered, status=Status.CONFIRMED)
        case OfferAccepted():
            _require_same(current, debtor=entry.debtor, originator=entry.originator)
            if current.offer is None or (entry.face, entry.due) != (current.offer.face, current.offer.due):
                raise JournalBroken("what was accepted is not the last counter-offer")
            rules.require_before_due(entry.due, now=entry.at)
            certificates[0] = Certificate(0, entry.face, entry.originator, current.length)
            return replace(answered, status=Status.CONFIRMED, face=entry.face, due=entry.due)
        case Refused():
            _require_same(current, debtor=entry.debtor, face=entry.face)
            rules.require_reason(entry.reason)
            return replace(answered, status=Status.REFUSED, refusal_reason=entry.reason)
        case Withdrawn():
            _require_same(current, originator=entry.originator, face=entry.face)
            return replace(answered, status=Status.WITHDRAWN)
        case Lapsed():  # pragma: no branch - mypy: no other entry is left
            _require_same(current, face=entry.face)
            # Pauses are R-0's to tell. They only lengthen the window, so this much holds whatever they were.
            rules.require_unanswered_long_enough(current, clock=entry.at)
            return replace(answered, status=Status.LAPSED)


def _moved(current: Receivable, entry: Split | Endorsed | Merged, certificates: dict[int, Certificate]) -> Receivable:
    """What a holder does. Every certificate that comes of it is a new one, without orders and rights."""
    rules.require_movable(current, entry.start, now=entry.at)
    match entry:
        case Split():
            whole = _require_free(current, entry.start, entry.end, now=entry.at)
            rules.require_cut(entry.start, entry.cut, entry.end)
            certificates[entry.start] = Certificate(entry.start, entry.cut, whole.holder, current.length)
            certificates[entry.cut] = Certificate(entry.cut, entry.end, entry.receiver, current.length)
            return current
        case Endorsed():
            whole = _require_free(current, entry.start, entry.end, now=entry.at)
            rules.require_other_holder(whole, entry.receiver)
            certificates[entry.start] = Certificate(entry.start, entry.end, entry.receiver, current.length)
            return _with_front(current, entry.start)
        case Merged():  # pragma: no branch - mypy: no other entry is left
            left = _require_free(current, entry.start, entry.cut, now=entry.at)
            right = _require_free(current, entry.cut, entry.end, now=entry.at)
            if left.holder != right.holder:
                raise JournalBroken("two holders' certificates were merged")
            del certificates[entry.cut]
            certificates[entry.start] = Certificate(entry.start, entry.end, left.holder, current.length)
            return current


def _ordered(
    current: Receivable,
    entry: Partitioned | CertificateFrozen | CertificateUnfrozen | ForcedTransfer,
    certificates: dict[int, Certificate],
) -> Receivable:
    """What officers do to a certificate. Due date, payments, pause and other orders do not hinder them."""
    rules.require_status(current, *rules.ONCE_CONFIRMED)
    _require_order(entry)
    whole = rules.require_whole(current, entry.start, entry.end)
    match entry:
        case Partitioned():
            rules.require_cut(entry.start, entry.cut, entry.end)
            front, tail = amounts.partition(whole, entry.cut, since=current.length)
            certificates[entry.start], certificates[entry.cut] = front, tail
            return current
        case CertificateFrozen():
            orders = rules.orders_with(whole.orders, entry.order, expiry=entry.expiry, now=entry.at)
            certificates[entry.start] = replace(whole, orders=orders)
            return current
        case CertificateUnfrozen():
            orders = rules.orders_without(whole.orders, entry.order, now=entry.at)
            certificates[entry.start] = replace(whole, orders=orders)
            return current
        case ForcedTransfer():  # pragma: no branch - mypy: no other entry is left
            # The order may have frozen the holder, which is R-0's to tell: so its absence here breaks nothing.
            rules.require_other_holder(whole, entry.receiver)
            orders = rules.orders_after(whole.orders, entry.order, now=entry.at)
            # A lien goes with the certificate, and so does what was paid out on it; recourse ends with the hop.
            certificates[entry.start] = replace(
                whole, holder=entry.receiver, since=current.length, orders=orders, recourse=None
            )
            return _with_front(current, entry.start)


def _ordered_whole(current: Receivable, entry: ReceivableFrozen | ReceivableUnfrozen) -> Receivable:
    """What officers do to a receivable."""
    rules.require_status(current, *rules.ONCE_CONFIRMED)
    _require_order(entry)
    _require_same(current, face=entry.face)
    if isinstance(entry, ReceivableFrozen):
        orders = rules.orders_with(current.orders, entry.order, expiry=entry.expiry, now=entry.at)
    else:
        orders = rules.orders_without(current.orders, entry.order, now=entry.at)
    return replace(current, orders=orders)


def _financed(
    current: Receivable, entry: Pledged | Released | Sold, certificates: dict[int, Certificate]
) -> Receivable:
    """What a financier is given on a certificate, and what it gives up."""
    if isinstance(entry, Released):
        whole = rules.require_whole(current, entry.start, entry.end)
        rules.require_lien(current, whole, entry.financier)
        certificates[entry.start] = replace(whole, lien=None)
        return current
    rules.require_movable(current, entry.start, now=entry.at)
    whole = _require_free(current, entry.start, entry.end, now=entry.at)
    rules.require_other_holder(whole, entry.financier)
    match entry:
        case Pledged():
            rules.require_secured(whole, entry.secured)
            if entry.quote != rules.NO_QUOTE:
                rules.require_price(entry.price, whole.amount)
            lien = Lien(entry.financier, entry.secured, current.length)
            certificates[entry.start] = replace(whole, lien=lien)
            return current
        case Sold():  # pragma: no branch - mypy: no other entry is left
            if entry.cut != entry.start:
                rules.require_cut(entry.start, entry.cut, entry.end)
                certificates[entry.start] = Certificate(entry.start, entry.cut, whole.holder, current.length)
            rules.require_price(entry.price, entry.end - entry.cut)
            rules.require_recourse_amount(entry.recourse, entry.end - entry.cut)
            recourse = Recourse(whole.holder, entry.recourse) if entry.recourse else None
            certificates[entry.cut] = Certificate(
                entry.cut, entry.end, entry.financier, current.length, recourse=recourse
            )
            return _with_front(current, entry.cut)


def _cleared(
    current: Receivable,
    entry: Paid | Redeemed | Closed | Dishonoured | Absolved,
    certificates: dict[int, Certificate],
) -> Receivable:
    """What comes in, what goes out, and what becomes of a debt that is not paid."""
    if isinstance(entry, Redeemed):
        return _redeemed(current, entry, certificates)
    _require_same(current, face=entry.face)
    match entry:
        case Paid():
            rules.require_payment(current, payer=entry.payer, amount=entry.amount, now=entry.at)
            return amounts.with_amounts(current, paid=current.paid + entry.amount)
        case Closed():
            rules.require_close(current, grace_days=_GRACE_DAYS_MIN, now=entry.at)
            return amounts.closed(current)
        case Dishonoured():
            rules.require_unpaid_debt(current, grace_days=_GRACE_DAYS_MIN, now=entry.at)
            return replace(current, dishonoured=True)
        case Absolved():  # pragma: no branch - mypy: no other entry is left
            rules.require_dishonoured(current)
            return replace(current, dishonoured=False)


def _redeemed(current: Receivable, entry: Redeemed, certificates: dict[int, Certificate]) -> Receivable:
    """A redemption pays out exactly what is due, whoever asked for it. The holder's orders are R-0's to tell."""
    whole = rules.require_whole(current, entry.start, entry.end)
    rules.require_unfrozen(whole.orders, now=entry.at)
    rules.require_unfrozen(current.orders, now=entry.at)
    out = rules.require_payout(current, whole)
    if (entry.holder, entry.amount, entry.to_financier) != (whole.holder, out.amount, out.to_financier):
        raise JournalBroken(
            f"{out.amount} minor units were due, {out.to_financier} of it to the financier, the rest to the holder"
        )
    after, left = amounts.paid_out(current, whole, out)
    if left is None:
        del certificates[entry.start]
    else:
        certificates[entry.start] = left
    return after


def _agreed(
    current: Receivable, entry: CreditNoted | Disputed | Resolved, certificates: dict[int, Certificate]
) -> Receivable:
    """What originator and debtor do together."""
    if isinstance(entry, Resolved):
        _require_same(current, face=entry.face)
        creditor = rules.require_disputed(current)
        rules.require_parties(current.debtor, creditor, entry.actor, entry.countersigner)
        # What was paid while the dispute lasted stays with the minor units that it was paid for.
        return amounts.with_amounts(current, disputed=False, senior=current.senior if current.paid else 0)
    front = rules.require_front(current, entry.start, entry.end)
    rules.require_parties(current.debtor, front.holder, entry.actor, entry.countersigner)
    rules.require_unencumbered(current, front, now=entry.at)
    match entry:
        case CreditNoted():
            rules.require_credit(current, front, entry.amount)
            return _credited(current, entry, front, certificates)
        case Disputed():  # pragma: no branch - mypy: no other entry is left
            rules.require_dispute(current, front, entry.cut)
            if entry.cut != entry.end:
                # Its orders have expired, or there would be no dispute: the parts begin without.
                free = replace(front, orders=())
                parts = amounts.partition(free, entry.cut, since=current.length)
                certificates[entry.start], certificates[entry.cut] = parts
            return amounts.with_amounts(current, disputed=True, senior=entry.cut)


def _credited(
    current: Receivable, entry: CreditNoted, front: Certificate, certificates: dict[int, Certificate]
) -> Receivable:
    """What was credited is gone. Once nothing is left of the minor units that are paid last, all are paid alike."""
    cancelled = entry.start + entry.amount
    del certificates[entry.start]
    if cancelled != entry.end:
        certificates[cancelled] = Certificate(cancelled, entry.end, front.holder, current.length)
    is_one = current.senior <= cancelled
    return amounts.with_amounts(
        current,
        cancelled=cancelled,
        front_endorsed=cancelled == entry.end,
        senior=0 if is_one else current.senior,
        disputed=current.disputed and not is_one,
    )


def _recoursed(
    current: Receivable, entry: RecourseDemanded | Repurchased, certificates: dict[int, Certificate]
) -> Receivable:
    """What becomes of a certificate that was sold with recourse and is not paid."""
    whole = rules.require_whole(current, entry.start, entry.end)
    match entry:
        case RecourseDemanded():
            recourse = rules.require_demand(current, whole, now=entry.at)
            if entry.seller != recourse.seller:
                raise JournalBroken("it asks another than the seller")
            certificates[entry.start] = replace(whole, recourse=replace(recourse, demanded=True))
            return current
        case Repurchased():  # pragma: no branch - mypy: no other entry is left
            recourse = rules.require_repurchase(current, whole, seller=entry.seller)
            rules.require_unencumbered(current, whole, now=entry.at)
            if entry.amount != rules.require_outstanding(current, whole, recourse):
                raise JournalBroken("the seller paid another amount than it owed")
            # What was paid out on it stays with it.
            certificates[entry.start] = Certificate(
                entry.start, entry.end, entry.seller, current.length, claimed=whole.claimed
            )
            return current


def _require_order(entry: _Ordered) -> None:
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


def _with_front(receivable: Receivable, start: int) -> Receivable:
    """The front has left the originator's hands once it was handed over."""
    return replace(receivable, front_endorsed=receivable.front_endorsed or start == receivable.cancelled)


# -------------------------------------------------------------------------


def _apply_to_registry(registry: Registry, entry: Entry, members: dict[Address, Member]) -> Registry:
    """One transition of R-0. `members` are those that go with `registry`, changed in place."""
    current = replace(
        registry, head=journal.append(registry.head, entry.hash()), length=registry.length + 1, members=members
    )
    if registry.length < len(Parameter):
        return _parameter_given(current, entry)
    match entry:
        case MemberAdmitted() | MemberSuspended() | MemberFrozen() | MemberUnfrozen():
            members[entry.member] = _member_after(current, entry)
            return current
        case Paused():
            rules.require_running(current)
            return replace(current, paused_since=entry.at)
        case Unpaused():
            rules.require_paused(current)
            if entry.at < current.paused_since:
                raise JournalBroken("a pause ends before it began")
            lasted_seconds = entry.at - current.paused_since
            return replace(current, paused_since=0, paused_seconds=current.paused_seconds + lasted_seconds)
        case ParameterSet():
            rules.require_parameter_change(entry.parameter, entry.value, effective=entry.effective, now=entry.at)
            return _with_parameter(current, entry)
        case RulesSet():
            return replace(current, rules=entry.rules)
        case DescriptorSet():
            return replace(current, descriptor=entry.descriptor)
        case DepositTokenSet():
            rules.require_first_token(current, entry.currency)
            tokens = {**current.deposit_tokens, entry.currency: entry.token}
            return replace(current, deposit_tokens=MappingProxyType(tokens))
        case DeskSet():
            return replace(current, desk=entry.desk)
        case Sunset():
            rules.require_no_sunset(current)
            return replace(current, sunset_at=entry.at)
        case _:
            raise JournalBroken(f"{type(entry).__name__} is not an entry of R-0")


def _parameter_given(current: Registry, entry: Entry) -> Registry:
    """R-0 begins with the first value of each parameter, in their order and in force at once."""
    if not isinstance(entry, ParameterSet) or entry.parameter != current.length or entry.effective != entry.at:
        raise JournalBroken(f"it is not the first value of parameter {current.length}")
    rules.require_parameter_value(entry.parameter, entry.value)
    return _with_parameter(current, entry)


def _with_parameter(registry: Registry, entry: ParameterSet) -> Registry:
    """A value that has not come into force yet is replaced."""
    parameter = Parameter(entry.parameter)
    kept = (value for value in registry.parameters.get(parameter, ()) if value.effective <= entry.at)
    values = (*kept, ParameterValue(entry.value, entry.effective, entry.at))
    return replace(registry, parameters=MappingProxyType({**registry.parameters, parameter: values}))


def _member_after(
    registry: Registry, entry: MemberAdmitted | MemberSuspended | MemberFrozen | MemberUnfrozen
) -> Member:
    match entry:
        case MemberAdmitted():
            rules.require_admission(entry.member, kyc_expiry=entry.kyc_expiry, roles=entry.roles, now=entry.at)
            known = registry.members.get(entry.member)
            return Member(
                address=entry.member,
                status=MemberStatus.ACTIVE,
                kyc_expiry=entry.kyc_expiry,
                roles=Role(entry.roles),
                profile=entry.profile,
                admitted_at=entry.at,
                # A renewed admission lifts no freeze.
                orders=known.orders if known else (),
            )
        case MemberSuspended():
            known = rules.require_active(registry, entry.member)
            rules.require_reason(entry.reason)
            return replace(known, status=MemberStatus.SUSPENDED, suspension_reason=entry.reason)
        case MemberFrozen():
            known = rules.require_admitted(registry, entry.member)
            _require_order(entry)
            return replace(
                known, orders=rules.orders_with(known.orders, entry.order, expiry=entry.expiry, now=entry.at)
            )
        case MemberUnfrozen():  # pragma: no branch - mypy: no other entry is left
            known = rules.require_admitted(registry, entry.member)
            _require_order(entry)
            return replace(known, orders=rules.orders_without(known.orders, entry.order, now=entry.at))
