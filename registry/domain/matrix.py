"""Which operation is allowed when: operation x phase of the receivable x overlay, as one table.

The right party asks, with right arguments; so only phase and overlay decide. docs/invariants.md shows the table, and
tests hold the rules and the contract against every cell that can be reached.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum

from registry.domain.refusals import Refusal
from registry.domain.rules.refusals import (
    AnchorMismatch,
    AnswerWindowOpen,
    AnswerWindowOver,
    DueDatePassed,
    FingerprintTaken,
    FrozenByOrder,
    InDispute,
    NoRecourse,
    NothingDue,
    NotHolder,
    NotInDispute,
    NotOverdue,
    NotPledged,
    OrderNotInForce,
    PaymentMade,
    PaymentNotWhole,
    PledgedTo,
    RecourseNotDemanded,
    RecourseStands,
    RegistryInSunset,
    RegistryNotPaused,
    RegistryPaused,
    StatusForbids,
    UnknownCertificate,
)


class Operation(StrEnum):
    """What is asked of the registry, always about the same claim and, once it is confirmed, its front certificate."""

    REGISTER = "register"
    """The same claim again, where it exists already."""
    CONFIRM = "confirm"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"
    LAPSE = "lapse"
    COUNTER_OFFER = "counter-offer"
    """A lower amount and a later due date."""
    ACCEPT_OFFER = "accept offer"
    SPLIT = "split"
    """Cut in the middle; the holder keeps both parts."""
    SPLIT_MANY = "split many"
    ENDORSE = "endorse"
    ENDORSE_MANY = "endorse many"
    TRANSFER = "transfer (ERC-721)"
    MERGE = "merge"
    """With its right neighbour."""
    APPROVE = "approve"
    PLEDGE = "pledge"
    RELEASE = "release"
    SELL = "sell"
    """The right neighbour, whole and with recourse."""
    PAY = "pay in full"
    """What can be paid now. The debtor, as of a part."""
    PAY_PART = "pay a part"
    REDEEM = "redeem"
    CREDIT_NOTE = "credit note"
    DISPUTE = "dispute"
    """The whole front certificate."""
    RESOLVE = "resolve"
    CLOSE = "close"
    DISHONOUR = "dishonour"
    ABSOLVE = "absolve"
    DEMAND_RECOURSE = "demand recourse"
    """Of the right neighbour; its holder."""
    REPURCHASE = "repurchase"
    """The right neighbour; the originator, who sold it if anybody did."""
    PARTITION = "partition"
    FREEZE_CERTIFICATE = "freeze certificate"
    UNFREEZE_CERTIFICATE = "unfreeze certificate"
    FREEZE_RECEIVABLE = "freeze receivable"
    UNFREEZE_RECEIVABLE = "unfreeze receivable"
    FREEZE_MEMBER = "freeze member"
    """The originator, who holds the certificates. All freezes are under the same order; a later one prolongs it."""
    UNFREEZE_MEMBER = "unfreeze member"
    FORCE_TRANSFER = "forced transfer"
    """To another member than the holder, once the delay is over."""
    ADMIT = "admit"
    SUSPEND = "suspend"
    PAUSE = "pause"
    UNPAUSE = "unpause"
    SET_PARAMETER = "set parameter"
    SET_RULES = "set rules"
    SET_DESCRIPTOR = "set descriptor"
    SUNSET = "sunset"


class Wait(StrEnum):
    """Time that passes on the way to a cell: to the very second at which the thing named comes true."""

    ANSWER_WINDOW = "until the answer window is over"
    DUE_DATE = "until the claim's due date"
    DELAY = "until the orders allow a forced transfer"
    EXPIRY = "until the orders have expired"
    GRACE = "until the debt is overdue by the grace"


Step = Operation | Wait


class MatrixPhase(StrEnum):
    """Where the receivable stands."""

    REGISTERED = "registered"
    OFFERED = "counter-offered"
    UNANSWERED_DUE = "unanswered, due"
    """The claim's due date has come, the answer window is over, and the counter-offer names a later date."""
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"
    LIVE = "live"
    """Confirmed, in two certificates of the originator's, before its due date."""
    DUE = "due, unpaid"
    """The same on its due date."""
    PART_PAID = "overdue, part-paid"
    """The same, partly paid on its due date, once the grace is over."""
    PAID = "paid"
    """In full, before its due date."""
    CLOSED = "closed"
    """Part-paid and overdue, and closed: what was not paid is dishonoured by that."""


class Overlay(StrEnum):
    """What lies over the phase."""

    NONE = "nothing"
    CERTIFICATE_FROZEN = "certificate frozen"
    RECEIVABLE_FROZEN = "receivable frozen"
    HOLDER_FROZEN = "holder frozen"
    ORDER_EXPIRED = "orders expired"
    """Certificate, receivable and holder were frozen, until the orders expired."""
    PLEDGED = "pledged"
    DISPUTED = "disputed"
    SOLD = "neighbour sold with recourse"
    DEMANDED = "recourse demanded"
    PAUSED = "paused"
    FROZEN_AND_PAUSED = "certificate frozen, paused"
    SUNSET = "sunset"


_LIVE_STEPS: tuple[Step, ...] = (Operation.REGISTER, Operation.CONFIRM, Operation.SPLIT)
_PART_PAID_STEPS: tuple[Step, ...] = (Wait.DUE_DATE, Operation.PAY_PART, Wait.GRACE)
_PHASE_STEPS: dict[MatrixPhase, tuple[Step, ...]] = {
    MatrixPhase.REGISTERED: (Operation.REGISTER,),
    MatrixPhase.OFFERED: (Operation.REGISTER, Operation.COUNTER_OFFER),
    MatrixPhase.UNANSWERED_DUE: (Operation.REGISTER, Operation.COUNTER_OFFER, Wait.DUE_DATE),
    MatrixPhase.REFUSED: (Operation.REGISTER, Operation.REFUSE),
    MatrixPhase.WITHDRAWN: (Operation.REGISTER, Operation.WITHDRAW),
    MatrixPhase.LAPSED: (Operation.REGISTER, Wait.ANSWER_WINDOW, Operation.LAPSE),
    MatrixPhase.LIVE: _LIVE_STEPS,
    MatrixPhase.DUE: (*_LIVE_STEPS, Wait.DUE_DATE),
    MatrixPhase.PART_PAID: (*_LIVE_STEPS, *_PART_PAID_STEPS),
    MatrixPhase.PAID: (*_LIVE_STEPS, Operation.PAY),
    MatrixPhase.CLOSED: (*_LIVE_STEPS, *_PART_PAID_STEPS, Operation.CLOSE),
}
_EARLY_STEPS: dict[Overlay, tuple[Step, ...]] = {
    Overlay.PLEDGED: (Operation.PLEDGE,),
    Overlay.DISPUTED: (Operation.DISPUTE,),
    Overlay.SOLD: (Operation.SELL,),
    Overlay.DEMANDED: (Operation.SELL,),
}
"""What comes before the due date, while the receivable is live, whatever becomes of it afterwards."""
_OVERLAY_STEPS: dict[Overlay, tuple[Step, ...]] = {
    Overlay.CERTIFICATE_FROZEN: (Operation.FREEZE_CERTIFICATE, Wait.DELAY),
    Overlay.RECEIVABLE_FROZEN: (Operation.FREEZE_RECEIVABLE, Wait.DELAY),
    Overlay.HOLDER_FROZEN: (Operation.FREEZE_MEMBER, Wait.DELAY),
    Overlay.ORDER_EXPIRED: (
        Operation.FREEZE_CERTIFICATE,
        Operation.FREEZE_RECEIVABLE,
        Operation.FREEZE_MEMBER,
        Wait.EXPIRY,
    ),
    Overlay.DEMANDED: (Operation.DEMAND_RECOURSE,),
    Overlay.PAUSED: (Operation.PAUSE,),
    Overlay.FROZEN_AND_PAUSED: (Operation.FREEZE_CERTIFICATE, Wait.DELAY, Operation.PAUSE),
    Overlay.SUNSET: (Operation.SUNSET,),
}
"""What comes in the phase itself."""

_Check = Mapping[MatrixPhase | Overlay | tuple[MatrixPhase, Overlay], type[Refusal]]
"""What refuses an operation: by the phase, by the overlay, or by both together."""


def _all(refusal: type[Refusal], *refused: MatrixPhase | Overlay) -> _Check:
    return dict.fromkeys(refused, refusal)


def _except(refusal: type[Refusal], *allowed: MatrixPhase | Overlay) -> _Check:
    """Refused in all phases, or under all overlays, but these."""
    return {each: refusal for each in type(allowed[0]) if each not in allowed}


_CLAIMED = (MatrixPhase.REGISTERED, MatrixPhase.OFFERED, MatrixPhase.UNANSWERED_DUE)
_ENDED = (MatrixPhase.REFUSED, MatrixPhase.WITHDRAWN, MatrixPhase.LAPSED)
_OPEN_DEBT = (MatrixPhase.LIVE, MatrixPhase.DUE, MatrixPhase.PART_PAID)
_OVER = (MatrixPhase.PAID, MatrixPhase.CLOSED)

_RUNNING = _all(RegistryPaused, Overlay.PAUSED, Overlay.FROZEN_AND_PAUSED)
_BEFORE_SUNSET = _all(RegistryInSunset, Overlay.SUNSET)
_UNANSWERED = _except(StatusForbids, *_CLAIMED)
_CONFIRMED = _except(StatusForbids, *_OPEN_DEBT)
_NOT_OVER = _all(StatusForbids, *_OVER)
_CERTIFICATE = _all(UnknownCertificate, *_CLAIMED, *_ENDED)
# An ended claim has no anchor that anyone could sign, for its fingerprint may be another's by now.
_ANCHOR = _all(AnchorMismatch, *_ENDED)
_NOT_DUE = _all(DueDatePassed, MatrixPhase.DUE, MatrixPhase.PART_PAID)
_OVERDUE = _all(NotOverdue, MatrixPhase.LIVE, MatrixPhase.DUE)
_OWN_THAWED = _all(FrozenByOrder, Overlay.CERTIFICATE_FROZEN)
_OTHERS_THAWED = _all(FrozenByOrder, Overlay.RECEIVABLE_FROZEN, Overlay.HOLDER_FROZEN)
_THAWED = {**_OWN_THAWED, **_OTHERS_THAWED}
_FREE = _all(PledgedTo, Overlay.PLEDGED)
_UNDISPUTED = _all(InDispute, Overlay.DISPUTED)
_UNSOLD = _all(NotHolder, Overlay.SOLD, Overlay.DEMANDED)
_RECOURSE = _except(NoRecourse, Overlay.SOLD, Overlay.DEMANDED)

# Of what is in dispute nothing is paid yet where something is paid.
_UNPAID: _Check = {(MatrixPhase.PART_PAID, each): PaymentMade for each in Overlay if each is not Overlay.DISPUTED}

_MOVABLE = (_NOT_OVER, _NOT_DUE, _UNDISPUTED, _THAWED, _FREE)
_FRONT = (_ANCHOR, _RUNNING, _CERTIFICATE, _NOT_OVER, _THAWED, _FREE)
_ORDER = (_ANCHOR, _CERTIFICATE)

_ROWS: dict[Operation, tuple[_Check, ...]] = {
    Operation.REGISTER: (
        _RUNNING,
        _BEFORE_SUNSET,
        _all(DueDatePassed, MatrixPhase.UNANSWERED_DUE, MatrixPhase.DUE, MatrixPhase.PART_PAID, MatrixPhase.CLOSED),
        _except(FingerprintTaken, *_ENDED),
    ),
    Operation.CONFIRM: (_RUNNING, _BEFORE_SUNSET, _UNANSWERED, _all(DueDatePassed, MatrixPhase.UNANSWERED_DUE)),
    Operation.REFUSE: (_RUNNING, _UNANSWERED),
    Operation.WITHDRAW: (_RUNNING, _UNANSWERED),
    Operation.LAPSE: (_RUNNING, _UNANSWERED, _except(AnswerWindowOpen, MatrixPhase.UNANSWERED_DUE)),
    Operation.COUNTER_OFFER: (_RUNNING, _UNANSWERED, _all(AnswerWindowOver, MatrixPhase.UNANSWERED_DUE)),
    Operation.ACCEPT_OFFER: (_RUNNING, _BEFORE_SUNSET, _UNANSWERED, _all(AnchorMismatch, MatrixPhase.REGISTERED)),
    Operation.SPLIT: (_RUNNING, _CERTIFICATE, *_MOVABLE),
    Operation.SPLIT_MANY: (_RUNNING, _CERTIFICATE, *_MOVABLE),
    Operation.ENDORSE: (_RUNNING, _CERTIFICATE, *_MOVABLE),
    Operation.ENDORSE_MANY: (_RUNNING, _CERTIFICATE, *_MOVABLE),
    Operation.TRANSFER: (_RUNNING, _CERTIFICATE, *_MOVABLE),
    Operation.MERGE: (_RUNNING, _CERTIFICATE, _UNSOLD, *_MOVABLE),
    Operation.APPROVE: (_CERTIFICATE,),
    Operation.PLEDGE: (_RUNNING, _CERTIFICATE, *_MOVABLE),
    Operation.RELEASE: (_CERTIFICATE, _except(NotPledged, Overlay.PLEDGED)),
    Operation.SELL: (_RUNNING, _CERTIFICATE, _UNSOLD, _NOT_OVER, _NOT_DUE, _OTHERS_THAWED),
    Operation.PAY: (_CONFIRMED,),
    Operation.PAY_PART: (_CONFIRMED, _all(PaymentNotWhole, MatrixPhase.LIVE)),
    Operation.REDEEM: (
        _CERTIFICATE,
        _THAWED,
        _all(FrozenByOrder, Overlay.FROZEN_AND_PAUSED),
        # What is in dispute is paid last.
        _all(NothingDue, MatrixPhase.LIVE, MatrixPhase.DUE, Overlay.DISPUTED),
    ),
    Operation.CREDIT_NOTE: (*_FRONT, _UNPAID),
    Operation.DISPUTE: (*_FRONT, _all(PaymentMade, MatrixPhase.PART_PAID), _UNDISPUTED),
    Operation.RESOLVE: (_ANCHOR, _RUNNING, _CONFIRMED, _except(NotInDispute, Overlay.DISPUTED)),
    Operation.CLOSE: (_CONFIRMED, _OVERDUE),
    Operation.DISHONOUR: (_CONFIRMED, _OVERDUE),
    Operation.ABSOLVE: (_except(StatusForbids, MatrixPhase.CLOSED),),
    Operation.DEMAND_RECOURSE: (
        _CERTIFICATE,
        _RECOURSE,
        _all(StatusForbids, MatrixPhase.PAID),
        _OVERDUE,
        _all(RecourseStands, Overlay.DEMANDED),
    ),
    Operation.REPURCHASE: (
        _RUNNING,
        _CERTIFICATE,
        _RECOURSE,
        _all(StatusForbids, MatrixPhase.PAID),
        _all(RecourseNotDemanded, Overlay.SOLD),
    ),
    Operation.PARTITION: _ORDER,
    Operation.FREEZE_CERTIFICATE: _ORDER,
    Operation.UNFREEZE_CERTIFICATE: (
        *_ORDER,
        _except(OrderNotInForce, Overlay.CERTIFICATE_FROZEN, Overlay.FROZEN_AND_PAUSED, Overlay.ORDER_EXPIRED),
    ),
    Operation.FREEZE_RECEIVABLE: (_ANCHOR, _all(StatusForbids, *_CLAIMED)),
    Operation.UNFREEZE_RECEIVABLE: (
        _ANCHOR,
        _except(OrderNotInForce, Overlay.RECEIVABLE_FROZEN, Overlay.ORDER_EXPIRED),
    ),
    Operation.FREEZE_MEMBER: (),
    Operation.UNFREEZE_MEMBER: (_except(OrderNotInForce, Overlay.HOLDER_FROZEN, Overlay.ORDER_EXPIRED),),
    Operation.FORCE_TRANSFER: (
        *_ORDER,
        _except(
            OrderNotInForce,
            Overlay.CERTIFICATE_FROZEN,
            Overlay.RECEIVABLE_FROZEN,
            Overlay.HOLDER_FROZEN,
            Overlay.FROZEN_AND_PAUSED,
        ),
    ),
    Operation.ADMIT: (),
    Operation.SUSPEND: (),
    Operation.PAUSE: (_RUNNING,),
    Operation.UNPAUSE: (_except(RegistryNotPaused, Overlay.PAUSED, Overlay.FROZEN_AND_PAUSED),),
    Operation.SET_PARAMETER: (),
    Operation.SET_RULES: (),
    Operation.SET_DESCRIPTOR: (),
    Operation.SUNSET: (_BEFORE_SUNSET,),
}
"""What refuses each operation, in the contract's order."""


def expected(operation: Operation, phase: MatrixPhase, overlay: Overlay) -> type[Refusal] | None:
    """How the operation is refused in this cell, or None where it is allowed."""
    for check in _ROWS[operation]:
        if refusal := check.get(overlay) or check.get(phase) or check.get((phase, overlay)):
            return refusal
    return None


def is_reachable(phase: MatrixPhase, overlay: Overlay) -> bool:
    """Whether the overlay can come to lie over the phase: no certificate is frozen before there is one."""
    if overlay in _EARLY_STEPS and phase not in (*_OPEN_DEBT, *_OVER):
        return False
    if (phase, overlay) == (MatrixPhase.PAID, Overlay.DISPUTED):
        return False  # what is in dispute cannot be paid
    below = Overlay.SOLD if overlay is Overlay.DEMANDED else Overlay.NONE
    asked = (step for step in _OVERLAY_STEPS.get(overlay, ()) if isinstance(step, Operation))
    return all(expected(operation, phase, below) is None for operation in asked)


def steps_to(phase: MatrixPhase, overlay: Overlay) -> tuple[Step, ...]:
    """How a registry that knows its members gets there. Each operation on the way is one of the table's.

    Whoever walks it chooses the figures: delay < duration of an order < grace, answer window < due date < offered due
    date, with room between them; an order holds for its duration from when it is given.
    """
    early = _EARLY_STEPS.get(overlay, ())
    live = len(_LIVE_STEPS) if early else 0
    steps = _PHASE_STEPS[phase]
    return (*steps[:live], *early, *steps[live:], *_OVERLAY_STEPS.get(overlay, ()))


def cells() -> Iterator[tuple[Operation, MatrixPhase, Overlay]]:
    """Every cell that can be reached."""
    for overlay in Overlay:
        for phase in MatrixPhase:
            if is_reachable(phase, overlay):
                for operation in Operation:
                    yield operation, phase, overlay
