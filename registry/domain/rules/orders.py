"""What two officers of the regulator do under an authority's order (DOMAIN rule 22): the entry, or the refusal.

Neither pause nor sunset nor due date hinders them.
"""

from __future__ import annotations

from registry.domain import calendar
from registry.domain.identifiers import Address, CertificateId, format_address
from registry.domain.journal import (
    CertificateFrozen,
    CertificateUnfrozen,
    ForcedTransfer,
    MemberFrozen,
    MemberUnfrozen,
    Partitioned,
    ReceivableFrozen,
    ReceivableUnfrozen,
)
from registry.domain.receivable import Certificate, Parameter, Receivable
from registry.domain.rules.refusals import (
    ForcedTransferTooEarly,
    NotHolder,
    OrderNotInForce,
)
from registry.domain.rules.requirements import (
    ONCE_CONFIRMED,
    orders_with,
    orders_without,
    require_admitted,
    require_cut,
    require_order,
    require_other_holder,
    require_status,
)
from registry.domain.rules.world import Authorisation, World


def decide_partition(
    world: World,
    *,
    actor: Address,
    second: Authorisation,
    certificate_id: CertificateId,
    cut: int,
    holder: Address,
    order: bytes,
    now: int,
) -> Partitioned:
    """Raises what _require_order raises, UnknownCertificate, RangeChanged, NotHolder, CutOutOfRange."""
    _require_order(world, actor, second, certificate_id.receivable_id, order, now=now)
    _, whole = _require_held(world, certificate_id, holder)
    require_cut(whole.start, cut, whole.end)
    number = certificate_id.receivable_id
    return Partitioned(number, order, actor, second.signer, whole.start, whole.end, cut, now)


def decide_freeze_certificate(
    world: World,
    *,
    actor: Address,
    second: Authorisation,
    certificate_id: CertificateId,
    holder: Address,
    order: bytes,
    expiry: int,
    now: int,
) -> CertificateFrozen:
    """Raises what _require_order raises, UnknownCertificate, RangeChanged, NotHolder, OrderExpired, OrderStands,
    TooManyOrders."""
    _require_order(world, actor, second, certificate_id.receivable_id, order, now=now)
    _, whole = _require_held(world, certificate_id, holder)
    orders_with(whole.orders, order, expiry=expiry, now=now)
    number = certificate_id.receivable_id
    return CertificateFrozen(number, order, actor, second.signer, whole.start, whole.end, expiry, now)


def decide_unfreeze_certificate(
    world: World, *, actor: Address, second: Authorisation, certificate_id: CertificateId, order: bytes, now: int
) -> CertificateUnfrozen:
    """Raises what _require_order raises, UnknownCertificate, RangeChanged, OrderNotInForce."""
    _require_order(world, actor, second, certificate_id.receivable_id, order, now=now)
    _, whole = world.require_whole(certificate_id)
    orders_without(whole.orders, order, now=now)
    number = certificate_id.receivable_id
    return CertificateUnfrozen(number, order, actor, second.signer, whole.start, whole.end, now)


def decide_freeze_receivable(
    world: World,
    *,
    actor: Address,
    second: Authorisation,
    receivable_id: int,
    order: bytes,
    expiry: int,
    now: int,
) -> ReceivableFrozen:
    """Raises what _require_order raises, UnknownReceivable, StatusForbids, OrderExpired, OrderStands, TooManyOrders."""
    _require_order(world, actor, second, receivable_id, order, now=now)
    receivable = world.require_receivable(receivable_id)
    require_status(receivable, *ONCE_CONFIRMED)
    orders_with(receivable.orders, order, expiry=expiry, now=now)
    return ReceivableFrozen(receivable_id, order, actor, second.signer, receivable.face, expiry, now)


def decide_unfreeze_receivable(
    world: World, *, actor: Address, second: Authorisation, receivable_id: int, order: bytes, now: int
) -> ReceivableUnfrozen:
    """Raises what _require_order raises, UnknownReceivable, OrderNotInForce."""
    _require_order(world, actor, second, receivable_id, order, now=now)
    receivable = world.require_receivable(receivable_id)
    orders_without(receivable.orders, order, now=now)
    return ReceivableUnfrozen(receivable_id, order, actor, second.signer, receivable.face, now)


def decide_freeze_member(
    world: World, *, actor: Address, second: Authorisation, member: Address, order: bytes, expiry: int, now: int
) -> MemberFrozen:
    """Raises what World.require_officers raises, OrderMissing, UnknownMember, OrderExpired, OrderStands,
    TooManyOrders."""
    world.require_officers(actor, second, now=now)
    require_order(order)
    orders_with(require_admitted(world.registry, member).orders, order, expiry=expiry, now=now)
    return MemberFrozen(member, order, actor, second.signer, expiry, now)


def decide_unfreeze_member(
    world: World, *, actor: Address, second: Authorisation, member: Address, order: bytes, now: int
) -> MemberUnfrozen:
    """Raises what World.require_officers raises, OrderMissing, UnknownMember, OrderNotInForce."""
    world.require_officers(actor, second, now=now)
    require_order(order)
    orders_without(require_admitted(world.registry, member).orders, order, now=now)
    return MemberUnfrozen(member, order, actor, second.signer, now)


def decide_force_transfer(
    world: World,
    *,
    actor: Address,
    second: Authorisation,
    certificate_id: CertificateId,
    holder: Address,
    receiver: Address,
    order: bytes,
    now: int,
) -> ForcedTransfer:
    """Raises what _require_order raises, UnknownCertificate, RangeChanged, NotHolder, SameHolder, MemberNotEligible,
    OrderNotInForce, ForcedTransferTooEarly."""
    _require_order(world, actor, second, certificate_id.receivable_id, order, now=now)
    receivable, whole = _require_held(world, certificate_id, holder)
    require_other_holder(whole, receiver)
    world.require_eligible(receiver, now=now)
    _require_ripe(world, receivable, whole, order, now=now)
    number = certificate_id.receivable_id
    return ForcedTransfer(number, order, actor, second.signer, receiver, whole.start, whole.end, now)


def _require_order(
    world: World, actor: Address, second: Authorisation, receivable_id: int, order: bytes, *, now: int
) -> None:
    """Raises what World.require_officers raises, AnchorMismatch, OrderMissing."""
    world.require_officers(actor, second, now=now)
    world.require_same_receivable(second, receivable_id)
    require_order(order)


def _require_held(world: World, named: CertificateId, holder: Address) -> tuple[Receivable, Certificate]:
    receivable, whole = world.require_whole(named)
    if whole.holder != holder:
        raise NotHolder(f"{format_address(holder)} no longer holds {named}")
    return receivable, whole


def _require_ripe(world: World, receivable: Receivable, whole: Certificate, order: bytes, *, now: int) -> None:
    """The order is in force on the certificate, its receivable or its holder, and has been for the delay."""
    since = [hold.freeze.since for hold in world.holds(receivable, whole, now=now) if hold.freeze.order == order]
    if not since:
        raise OrderNotInForce()
    ripe_at = min(since) + world.parameter(Parameter.FORCED_TRANSFER_DELAY_SECONDS, now=now)
    if now < ripe_at:
        raise ForcedTransferTooEarly(f"not before {calendar.instant(ripe_at)}")
