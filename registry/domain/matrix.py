"""Which operation is allowed when: operation x phase of the receivable x overlay, as one table.

The right party asks, with right arguments; so only phase and overlay decide. docs/invariants.md shows the table, and
tests hold the rules and the contract against every cell that can be reached.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from registry.domain.refusals import Refusal
from registry.domain.rules.refusals import (
    AnchorMismatch,
    AnswerWindowOpen,
    AnswerWindowOver,
    DueDatePassed,
    FingerprintTaken,
    FrozenByOrder,
    OrderNotInForce,
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


Step = Operation | Wait


class MatrixPhase(StrEnum):
    """Where the receivable stands. Phases of settlement come with money."""

    REGISTERED = "registered"
    OFFERED = "counter-offered"
    UNANSWERED_DUE = "unanswered, due"
    """The claim's due date has come, the answer window is over, and the counter-offer names a later date."""
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"
    LIVE = "live"
    """Confirmed, in two certificates of the originator's, before its due date."""
    DUE = "due"
    """The same on or after its due date."""


class Overlay(StrEnum):
    """What lies over the phase."""

    NONE = "nothing"
    CERTIFICATE_FROZEN = "certificate frozen"
    RECEIVABLE_FROZEN = "receivable frozen"
    HOLDER_FROZEN = "holder frozen"
    ORDER_EXPIRED = "orders expired"
    """Certificate, receivable and holder were frozen, until the orders expired."""
    PAUSED = "paused"
    FROZEN_AND_PAUSED = "certificate frozen, paused"
    SUNSET = "sunset"


_PHASE_STEPS: dict[MatrixPhase, tuple[Step, ...]] = {
    MatrixPhase.REGISTERED: (Operation.REGISTER,),
    MatrixPhase.OFFERED: (Operation.REGISTER, Operation.COUNTER_OFFER),
    MatrixPhase.UNANSWERED_DUE: (Operation.REGISTER, Operation.COUNTER_OFFER, Wait.DUE_DATE),
    MatrixPhase.REFUSED: (Operation.REGISTER, Operation.REFUSE),
    MatrixPhase.WITHDRAWN: (Operation.REGISTER, Operation.WITHDRAW),
    MatrixPhase.LAPSED: (Operation.REGISTER, Wait.ANSWER_WINDOW, Operation.LAPSE),
    MatrixPhase.LIVE: (Operation.REGISTER, Operation.CONFIRM, Operation.SPLIT),
    MatrixPhase.DUE: (Operation.REGISTER, Operation.CONFIRM, Operation.SPLIT, Wait.DUE_DATE),
}
_OVERLAY_STEPS: dict[Overlay, tuple[Step, ...]] = {
    Overlay.NONE: (),
    Overlay.CERTIFICATE_FROZEN: (Operation.FREEZE_CERTIFICATE, Wait.DELAY),
    Overlay.RECEIVABLE_FROZEN: (Operation.FREEZE_RECEIVABLE, Wait.DELAY),
    Overlay.HOLDER_FROZEN: (Operation.FREEZE_MEMBER, Wait.DELAY),
    Overlay.ORDER_EXPIRED: (
        Operation.FREEZE_CERTIFICATE,
        Operation.FREEZE_RECEIVABLE,
        Operation.FREEZE_MEMBER,
        Wait.EXPIRY,
    ),
    Overlay.PAUSED: (Operation.PAUSE,),
    Overlay.FROZEN_AND_PAUSED: (Operation.FREEZE_CERTIFICATE, Wait.DELAY, Operation.PAUSE),
    Overlay.SUNSET: (Operation.SUNSET,),
}

_Phases = Mapping[MatrixPhase, type[Refusal]]
_Overlays = Mapping[Overlay, type[Refusal]]


@dataclass(frozen=True, slots=True)
class _Row:
    """One operation: refused by the switch it asks first, else by the phase, else by what freezes or is missing."""

    switch: _Overlays = field(default_factory=dict)
    phases: _Phases = field(default_factory=dict)
    orders: _Overlays = field(default_factory=dict)


def _except(refusal: type[Refusal], *allowed: Overlay) -> _Overlays:
    """Refused unless one of these overlays lies there."""
    return {overlay: refusal for overlay in Overlay if overlay not in allowed}


_CLAIMED = (MatrixPhase.REGISTERED, MatrixPhase.OFFERED, MatrixPhase.UNANSWERED_DUE)
_ENDED = (MatrixPhase.REFUSED, MatrixPhase.WITHDRAWN, MatrixPhase.LAPSED)
_CONFIRMED = (MatrixPhase.LIVE, MatrixPhase.DUE)

_RUNNING: _Overlays = dict.fromkeys((Overlay.PAUSED, Overlay.FROZEN_AND_PAUSED), RegistryPaused)
_OPEN: _Overlays = {**_RUNNING, Overlay.SUNSET: RegistryInSunset}
_ANSWERED: _Phases = dict.fromkeys((*_ENDED, *_CONFIRMED), StatusForbids)
_NO_CERTIFICATE: _Phases = dict.fromkeys((*_CLAIMED, *_ENDED), UnknownCertificate)
# An ended claim has no anchor that an officer could sign, for its fingerprint may be another's by now.
_ANCHORLESS: _Phases = dict.fromkeys(_ENDED, AnchorMismatch)
_NOT_ORDERED: _Phases = {**dict.fromkeys(_CLAIMED, UnknownCertificate), **_ANCHORLESS}
_FROZEN: _Overlays = dict.fromkeys(
    (Overlay.CERTIFICATE_FROZEN, Overlay.RECEIVABLE_FROZEN, Overlay.HOLDER_FROZEN), FrozenByOrder
)

_ANSWER = _Row(switch=_RUNNING, phases=_ANSWERED)
_MOVE = _Row(switch=_RUNNING, phases={**_NO_CERTIFICATE, MatrixPhase.DUE: DueDatePassed}, orders=_FROZEN)
_ALWAYS = _Row()

_ROWS: dict[Operation, _Row] = {
    Operation.REGISTER: _Row(
        switch=_OPEN,
        phases={
            **dict.fromkeys((*_CLAIMED, *_CONFIRMED), FingerprintTaken),
            **dict.fromkeys((MatrixPhase.UNANSWERED_DUE, MatrixPhase.DUE), DueDatePassed),
        },
    ),
    Operation.CONFIRM: _Row(switch=_OPEN, phases={**_ANSWERED, MatrixPhase.UNANSWERED_DUE: DueDatePassed}),
    Operation.REFUSE: _ANSWER,
    Operation.WITHDRAW: _ANSWER,
    Operation.LAPSE: _Row(
        switch=_RUNNING,
        phases={
            **_ANSWERED,
            **dict.fromkeys((MatrixPhase.REGISTERED, MatrixPhase.OFFERED), AnswerWindowOpen),
        },
    ),
    Operation.COUNTER_OFFER: _Row(switch=_RUNNING, phases={**_ANSWERED, MatrixPhase.UNANSWERED_DUE: AnswerWindowOver}),
    Operation.ACCEPT_OFFER: _Row(switch=_OPEN, phases={**_ANSWERED, MatrixPhase.REGISTERED: AnchorMismatch}),
    Operation.SPLIT: _MOVE,
    Operation.SPLIT_MANY: _MOVE,
    Operation.ENDORSE: _MOVE,
    Operation.ENDORSE_MANY: _MOVE,
    Operation.TRANSFER: _MOVE,
    Operation.MERGE: _MOVE,
    Operation.APPROVE: _Row(phases=_NO_CERTIFICATE),
    Operation.PARTITION: _Row(phases=_NOT_ORDERED),
    Operation.FREEZE_CERTIFICATE: _Row(phases=_NOT_ORDERED),
    Operation.UNFREEZE_CERTIFICATE: _Row(
        phases=_NOT_ORDERED,
        orders=_except(OrderNotInForce, Overlay.CERTIFICATE_FROZEN, Overlay.FROZEN_AND_PAUSED, Overlay.ORDER_EXPIRED),
    ),
    Operation.FREEZE_RECEIVABLE: _Row(phases={**dict.fromkeys(_CLAIMED, StatusForbids), **_ANCHORLESS}),
    Operation.UNFREEZE_RECEIVABLE: _Row(
        phases=_ANCHORLESS, orders=_except(OrderNotInForce, Overlay.RECEIVABLE_FROZEN, Overlay.ORDER_EXPIRED)
    ),
    Operation.FREEZE_MEMBER: _ALWAYS,
    Operation.UNFREEZE_MEMBER: _Row(orders=_except(OrderNotInForce, Overlay.HOLDER_FROZEN, Overlay.ORDER_EXPIRED)),
    Operation.FORCE_TRANSFER: _Row(
        phases=_NOT_ORDERED, orders=_except(OrderNotInForce, *_FROZEN, Overlay.FROZEN_AND_PAUSED)
    ),
    Operation.ADMIT: _ALWAYS,
    Operation.SUSPEND: _ALWAYS,
    Operation.PAUSE: _Row(switch=_RUNNING),
    Operation.UNPAUSE: _Row(switch=_except(RegistryNotPaused, *_RUNNING)),
    Operation.SET_PARAMETER: _ALWAYS,
    Operation.SET_RULES: _ALWAYS,
    Operation.SET_DESCRIPTOR: _ALWAYS,
    Operation.SUNSET: _Row(switch={Overlay.SUNSET: RegistryInSunset}),
}


def expected(operation: Operation, phase: MatrixPhase, overlay: Overlay) -> type[Refusal] | None:
    """How the operation is refused in this cell, or None where it is allowed."""
    row = _ROWS[operation]
    return row.switch.get(overlay) or row.phases.get(phase) or row.orders.get(overlay)


def is_reachable(phase: MatrixPhase, overlay: Overlay) -> bool:
    """Whether the overlay can come to lie over the phase: no certificate is frozen before there is one."""
    asked = (step for step in _OVERLAY_STEPS[overlay] if isinstance(step, Operation))
    return all(expected(operation, phase, Overlay.NONE) is None for operation in asked)


def steps_to(phase: MatrixPhase, overlay: Overlay) -> tuple[Step, ...]:
    """How a registry that knows its members gets there. Each operation on the way is one of the table's.

    Whoever walks it chooses the figures: delay < duration of an order < answer window < due date < offered due date,
    with room between them; an order holds for its duration from when it is given.
    """
    return _PHASE_STEPS[phase] + _OVERLAY_STEPS[overlay]


def cells() -> Iterator[tuple[Operation, MatrixPhase, Overlay]]:
    """Every cell that can be reached."""
    for overlay in Overlay:
        for phase in MatrixPhase:
            if is_reachable(phase, overlay):
                for operation in Operation:
                    yield operation, phase, overlay
