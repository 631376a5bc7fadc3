"""The rules that one journal decides. The fold calls them, so a journal that breaks one of them does not fold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from registry.domain import calendar
from registry.domain.amounts import payable
from registry.domain.identifiers import MINOR_MAX, Address, CertificateId, format_address, format_receivable_id
from registry.domain.receivable import (
    DAY_SECONDS,
    OFFERS_MAX,
    ORDERS_MAX,
    Certificate,
    Freeze,
    Member,
    MemberStatus,
    Parameter,
    ParameterValue,
    Phase,
    Receivable,
    Registry,
    Status,
)
from registry.domain.rules.refusals import (
    AnswerWindowOpen,
    AnswerWindowOver,
    BelowMinimumPart,
    CurrencyMalformed,
    CutOutOfRange,
    DebtorIsOriginator,
    DepositTokenStands,
    DocumentRootMissing,
    DueDateMalformed,
    DueDatePassed,
    FaceMissing,
    FingerprintMissing,
    FrozenByOrder,
    InDispute,
    MemberMalformed,
    NotHolder,
    OfferMalformed,
    OrderExpired,
    OrderMissing,
    OrderNotInForce,
    OrderStands,
    ParameterMalformed,
    PaymentMade,
    PledgedTo,
    RangeChanged,
    ReasonMissing,
    RegistryInSunset,
    RegistryNotPaused,
    RegistryPaused,
    SameHolder,
    SameOfficer,
    StatusForbids,
    TooManyOffers,
    TooManyOrders,
    UnknownCertificate,
    UnknownMember,
)

CURRENCY_NUMBER_MAX = 999
DAY_NUMBER_MAX = 2**16 - 1
"""The last day that a word on chain can name: 2149-06-06."""
NO_ORDER = bytes(32)

PARAMETER_VALUES = {
    Parameter.TENOR_LIMIT_DAYS: range(1, 2**16),
    Parameter.MINIMUM_PART_MINOR: range(1, 2**32),
    Parameter.ANSWER_WINDOW_DAYS: range(1, 2**16),
    Parameter.UNANSWERED_MAX: range(1, 2**16),
    Parameter.FORCED_TRANSFER_DELAY_SECONDS: range(365 * DAY_SECONDS + 1),
    Parameter.OVERDUE_GRACE_DAYS: range(1, 365 + 1),
}
ONCE_CONFIRMED = (Status.CONFIRMED, Status.SETTLED, Status.CLOSED)
"""There are, or were, certificates; their minor units are the receivable's for good."""


# ------------------------------------------------------------------ receivables


def phase(receivable: Receivable, *, now: int) -> Phase:
    """Where the receivable stands at `now` (seconds). The whole due day is Due; Overdue begins with the next.

    It stays Due where nothing can be paid, because all that is left is in dispute: nobody is late with that.
    """
    match receivable.status:
        case Status.REGISTERED:
            return Phase.REGISTERED
        case Status.REFUSED:
            return Phase.REFUSED
        case Status.WITHDRAWN:
            return Phase.WITHDRAWN
        case Status.LAPSED:
            return Phase.LAPSED
        case Status.SETTLED:
            return Phase.PAID
        case Status.CLOSED:
            return Phase.CLOSED
        case _ if now < receivable.due:
            return Phase.LIVE
        case _ if now < receivable.due + DAY_SECONDS or not payable(receivable):
            return Phase.DUE
        case _:
            return Phase.OVERDUE


def require_status(receivable: Receivable, *allowed: Status) -> None:
    """Raises StatusForbids unless the receivable has one of these statuses."""
    if receivable.status not in allowed:
        raise StatusForbids(
            f"{format_receivable_id(receivable.receivable_id)} is {receivable.status.name.lower()}, "
            f"not {' or '.join(status.name.lower() for status in allowed)}"
        )


def require_before_due(due: int, *, now: int) -> None:
    """Raises DueDatePassed at or after the midnight that begins the due day."""
    if now >= due:
        raise DueDatePassed()


def require_due(due: int, *, now: int) -> None:
    """A due date that can be named at `now`. Raises DueDateMalformed, DueDatePassed."""
    if due % DAY_SECONDS or due > DAY_NUMBER_MAX * DAY_SECONDS:
        raise DueDateMalformed()
    require_before_due(due, now=now)


def require_claim(face: int, currency: int, due: int, *, now: int) -> None:
    """Raises FaceMissing, CurrencyMalformed, DueDateMalformed, DueDatePassed."""
    if not 0 < face <= MINOR_MAX:
        raise FaceMissing()
    if not 0 < currency <= CURRENCY_NUMBER_MAX:
        raise CurrencyMalformed()
    require_due(due, now=now)


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


def require_offer(receivable: Receivable, *, offers: int, face: int, due: int, now: int) -> None:
    """A counter-offer to the claim after `offers` others: a lower amount, another date, or both.

    Raises TooManyOffers, OfferMalformed, DueDateMalformed, DueDatePassed.
    """
    if offers >= OFFERS_MAX:
        raise TooManyOffers()
    if not 0 < face <= receivable.claim_face or (face, due) == (receivable.claim_face, receivable.claim_due):
        raise OfferMalformed()
    require_due(due, now=now)


def require_unanswered_long_enough(receivable: Receivable, *, clock: int) -> None:
    """`clock` is the registry's. Raises AnswerWindowOpen before the end of the answer window."""
    if clock < receivable.answer_by:
        raise AnswerWindowOpen(
            f"the debtor may answer until {calendar.instant(receivable.answer_by)}, and any pause more"
        )


def require_answer_window(receivable: Receivable, *, clock: int) -> None:
    """`clock` is the registry's. Raises AnswerWindowOver from the end of the answer window on."""
    if clock >= receivable.answer_by:
        raise AnswerWindowOver()


# ----------------------------------------------------------------- certificates


def require_certificate(receivable: Receivable, start: int) -> Certificate:
    """The live certificate that starts at this minor unit. Raises UnknownCertificate."""
    certificate = receivable.certificates.get(start)
    if certificate is None:
        raise UnknownCertificate(
            f"no certificate of {format_receivable_id(receivable.receivable_id)} starts at {start}"
        )
    return certificate


def require_end(receivable: Receivable, certificate: Certificate, end: int) -> None:
    """Raises RangeChanged unless the certificate still ends where the operation says."""
    if certificate.end != end:
        named = CertificateId(receivable.receivable_id, certificate.start, end)
        raise RangeChanged(f"{named} is now {certificate.id(receivable.receivable_id)}")


def require_whole(receivable: Receivable, start: int, end: int) -> Certificate:
    """The certificate that is [start, end). Raises UnknownCertificate, RangeChanged."""
    certificate = require_certificate(receivable, start)
    require_end(receivable, certificate, end)
    return certificate


def require_same_range(certificate: Certificate, named: CertificateId) -> None:
    """For who reads by an id, which names a whole range, not only its start. Raises UnknownCertificate."""
    if certificate.end != named.end:
        present = certificate.id(named.receivable_id)
        raise UnknownCertificate(f"there is no certificate {named}; what starts there now is {present}")


def require_movable(receivable: Receivable, start: int, *, now: int) -> None:
    """DOMAIN rules 9 and 12: nothing moves on or after the due date, while an order freezes the receivable, or once
    part of it is paid; and of what is in dispute nothing does. `start` is the moving certificate's.

    Raises StatusForbids, DueDatePassed, FrozenByOrder, PaymentMade, InDispute.
    """
    require_status(receivable, Status.CONFIRMED)
    require_before_due(receivable.due, now=now)
    require_unfrozen(receivable.orders, now=now)
    require_no_payment(receivable)
    if receivable.disputed and start < receivable.senior:
        raise InDispute(f"what begins before {receivable.senior} is in dispute")


def require_free_to_move(receivable: Receivable, certificate: Certificate, *, now: int) -> None:
    """Raises what require_movable and require_thawed raise."""
    require_movable(receivable, certificate.start, now=now)
    require_thawed(certificate, now=now)


def require_no_payment(receivable: Receivable) -> None:
    """Raises PaymentMade."""
    if receivable.paid:
        raise PaymentMade(f"{receivable.paid} minor units are paid")


def require_thawed(certificate: Certificate, *, now: int) -> None:
    """Neither an order nor a lien is on the certificate itself. Raises FrozenByOrder, PledgedTo."""
    require_unfrozen(certificate.orders, now=now)
    require_no_lien(certificate)


def require_no_lien(certificate: Certificate) -> None:
    """Raises PledgedTo."""
    if certificate.lien:
        raise PledgedTo(f"it is pledged to {format_address(certificate.lien.financier)}")


def require_cut(start: int, cut: int, end: int) -> None:
    """Raises CutOutOfRange unless both parts have at least one minor unit."""
    if not start < cut < end:
        raise CutOutOfRange(f"{cut} does not lie inside [{start}, {end})")


def require_parts(start: int, cut: int, end: int, *, minimum: int) -> None:
    """Raises CutOutOfRange, BelowMinimumPart unless both parts have at least `minimum` minor units."""
    require_cut(start, cut, end)
    if cut - start < minimum or end - cut < minimum:
        raise BelowMinimumPart(f"the smallest part is {minimum} minor units")


def require_held_by(certificate: Certificate, holder: Address) -> None:
    """Raises NotHolder."""
    if certificate.holder != holder:
        raise NotHolder(f"{format_address(certificate.holder)} holds it, not {format_address(holder)}")


def require_other_holder(certificate: Certificate, receiver: Address) -> None:
    """Raises SameHolder."""
    if receiver == certificate.holder:
        raise SameHolder()


# ----------------------------------------------------------------------- orders


def in_force(orders: Iterable[Freeze], *, now: int) -> tuple[Freeze, ...]:
    """The orders that have not expired at `now` (seconds)."""
    return tuple(freeze for freeze in orders if now < freeze.expiry)


def require_unfrozen(orders: Iterable[Freeze], *, now: int) -> None:
    """Raises FrozenByOrder with the first order in force."""
    for freeze in orders:
        if now < freeze.expiry:
            raise FrozenByOrder(f"order 0x{freeze.order.hex()} is in force until {calendar.instant(freeze.expiry)}")


def require_order(order: bytes) -> None:
    """Raises OrderMissing for 32 zeros."""
    if order == NO_ORDER:
        raise OrderMissing()


def require_two_officers(officer: Address, countersigner: Address) -> None:
    """Raises SameOfficer."""
    if officer == countersigner:
        raise SameOfficer()


def orders_with(orders: Iterable[Freeze], order: bytes, *, expiry: int, now: int) -> tuple[Freeze, ...]:
    """The list after one more order, or with a later expiry of one that stands; the expired ones go.

    Raises OrderExpired, OrderStands, TooManyOrders.
    """
    if expiry <= now:
        raise OrderExpired()
    standing = in_force(orders, now=now)
    for place, freeze in enumerate(standing):
        if freeze.order == order:
            if expiry <= freeze.expiry:
                raise OrderStands()
            return (*standing[:place], replace(freeze, expiry=expiry), *standing[place + 1 :])
    if len(standing) == ORDERS_MAX:
        raise TooManyOrders()
    return (*standing, Freeze(order, expiry, now))


def orders_without(orders: tuple[Freeze, ...], order: bytes, *, now: int) -> tuple[Freeze, ...]:
    """The list after an order was lifted, expired or not; the expired ones go. Raises OrderNotInForce."""
    if all(freeze.order != order for freeze in orders):
        raise OrderNotInForce()
    return orders_after(orders, order, now=now)


def orders_after(orders: Iterable[Freeze], order: bytes, *, now: int) -> tuple[Freeze, ...]:
    """The list after a forced transfer under `order`: that one is carried out, the expired ones go."""
    return tuple(freeze for freeze in in_force(orders, now=now) if freeze.order != order)


# ------------------------------------------------------------------ the registry


def is_eligible(member: Member | None, *, now: int) -> bool:
    """Whether a member may take part in an operation at `now`: admitted, not suspended, KYC not expired."""
    return member is not None and is_in_good_standing(member.status, kyc_expiry=member.kyc_expiry, now=now)


def is_in_good_standing(status: int, *, kyc_expiry: int, now: int) -> bool:
    """The same of a member of whom no more is known, by its status and its KYC expiry (seconds)."""
    return status == MemberStatus.ACTIVE and now < kyc_expiry


def require_admission(member: Address, *, kyc_expiry: int, roles: int, now: int) -> None:
    """Raises MemberMalformed without an address, a role or a KYC expiry (seconds) after `now`."""
    if not any(member) or kyc_expiry <= now or not roles:
        raise MemberMalformed()


def require_admitted(registry: Registry, account: Address) -> Member:
    """Whoever was ever admitted, also if suspended since. Raises UnknownMember."""
    member = registry.members.get(account)
    if member is None:
        raise UnknownMember()
    return member


def require_active(registry: Registry, account: Address) -> Member:
    """Raises UnknownMember for an account that is no member or suspended."""
    member = require_admitted(registry, account)
    if member.status is not MemberStatus.ACTIVE:
        raise UnknownMember()
    return member


def require_running(registry: Registry) -> None:
    """Raises RegistryPaused."""
    if registry.paused_since:
        raise RegistryPaused(f"paused since {calendar.instant(registry.paused_since)}")


def require_paused(registry: Registry) -> None:
    """Raises RegistryNotPaused."""
    if not registry.paused_since:
        raise RegistryNotPaused()


def require_no_sunset(registry: Registry) -> None:
    """Raises RegistryInSunset."""
    if registry.sunset_at:
        raise RegistryInSunset()


def require_open(registry: Registry) -> None:
    """Raises RegistryPaused, RegistryInSunset."""
    require_running(registry)
    require_no_sunset(registry)


def require_parameter_value(parameter: int, value: int) -> Parameter:
    """The parameter with this number, if it can have that value. Raises ParameterMalformed."""
    if parameter not in PARAMETER_VALUES or value not in PARAMETER_VALUES[Parameter(parameter)]:
        raise ParameterMalformed()
    return Parameter(parameter)


def require_parameter_change(parameter: int, value: int, *, effective: int, now: int) -> Parameter:
    """A change after deployment: from a later midnight UTC on, and not of the delay. Raises ParameterMalformed."""
    changed = require_parameter_value(parameter, value)
    if (
        changed is Parameter.FORCED_TRANSFER_DELAY_SECONDS
        or effective % DAY_SECONDS
        or not now < effective <= DAY_NUMBER_MAX * DAY_SECONDS
    ):
        raise ParameterMalformed()
    return changed


def require_first_token(registry: Registry, currency: int) -> None:
    """A currency (ISO 4217 number) without a deposit token. Raises DepositTokenStands, ParameterMalformed."""
    if currency in registry.deposit_tokens:
        raise DepositTokenStands(f"deposits in currency {currency:03} lie in it")
    if not 0 < currency <= CURRENCY_NUMBER_MAX:
        raise ParameterMalformed()


def parameter_in_force(registry: Registry, parameter: Parameter, *, now: int) -> int:
    """The value of a parameter at `now` (seconds), in its unit; `now` is not before the deployment."""
    return setting_in_force(registry, parameter, now=now).value


def setting_in_force(registry: Registry, parameter: Parameter, *, now: int) -> ParameterValue:
    """The same, with the instant since which it holds."""
    return [setting for setting in registry.parameters[parameter] if setting.effective <= now][-1]


def clock(registry: Registry, *, now: int) -> int:
    """The registry's clock at `now`: the time less all pauses. It stands still during a pause."""
    return (registry.paused_since or now) - registry.paused_seconds


def lapses_at(registry: Registry, receivable: Receivable) -> int | None:
    """The instant (seconds) from which the claim can lapse if no other pause comes; None while one lasts."""
    return None if registry.paused_since else receivable.answer_by + registry.paused_seconds
