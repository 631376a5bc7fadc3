"""The rules about money that one journal decides. The fold calls them, as those of requirements.

DOMAIN rules 13, 17, 19 and 21; the sums are those of registry.domain.amounts.
"""

from __future__ import annotations

from registry.domain import calendar
from registry.domain.amounts import Payout, due, payable, payout
from registry.domain.identifiers import Address, format_address, format_receivable_id
from registry.domain.receivable import DAY_SECONDS, Certificate, Lien, Receivable, Recourse, Registry, Status
from registry.domain.rules.refusals import (
    AmountMissing,
    CreditOutOfRange,
    CutOutOfRange,
    DishonourStands,
    InDispute,
    NoDepositToken,
    NoRecourse,
    NotDishonoured,
    NotFinancier,
    NotFront,
    NothingDue,
    NotInDispute,
    NotOverdue,
    NotParty,
    NotPledged,
    NotSeller,
    Overpayment,
    PaymentMade,
    PaymentNotWhole,
    PriceOutOfRange,
    RecourseNotDemanded,
    RecourseOutOfRange,
    RecourseStands,
    SecuredOutOfRange,
)
from registry.domain.rules.requirements import (
    ONCE_CONFIRMED,
    require_no_lien,
    require_no_payment,
    require_status,
    require_unfrozen,
    require_whole,
)

# -------------------------------------------------------------- pledge and sale


def require_secured(certificate: Certificate, secured: int) -> None:
    """Raises SecuredOutOfRange."""
    if not 1 <= secured <= certificate.amount:
        raise SecuredOutOfRange(f"1 to {certificate.amount} minor units can be secured")


def require_price(price: int, most: int) -> None:
    """Raises PriceOutOfRange."""
    if not 1 <= price <= most:
        raise PriceOutOfRange(f"the price is 1 to {most} minor units")


def require_recourse_amount(amount: int, most: int) -> None:
    """Raises RecourseOutOfRange."""
    if amount > most:
        raise RecourseOutOfRange(f"recourse is for at most {most} minor units")


def require_lien(receivable: Receivable, certificate: Certificate, financier: Address) -> Lien:
    """The lien, if it is this financier's. Raises NotPledged, NotFinancier."""
    if certificate.lien is None:
        raise NotPledged(f"{certificate.id(receivable.receivable_id)} is not pledged")
    if certificate.lien.financier != financier:
        raise NotFinancier(f"the lien is {format_address(certificate.lien.financier)}'s")
    return certificate.lien


# --------------------------------------------------------- payment and clearing


def require_payment(receivable: Receivable, *, payer: Address, amount: int, now: int) -> None:
    """Before the due date, and by another than the debtor, only the whole of what is payable: one minor unit too early
    must not stop all moves. Raises StatusForbids, AmountMissing, Overpayment, PaymentNotWhole."""
    require_status(receivable, Status.CONFIRMED)
    if not amount:
        raise AmountMissing()
    most = payable(receivable)
    if amount > most:
        raise Overpayment(f"{most} minor units can be paid now")
    if amount != most and (payer != receivable.debtor or now < receivable.due):
        raise PaymentNotWhole(f"{most} minor units are to be paid, all at once")


def require_payout(receivable: Receivable, certificate: Certificate) -> Payout:
    """What a redemption pays out now. A certificate that got its whole length already can still be redeemed: it goes.

    Raises NothingDue.
    """
    out = payout(receivable, certificate)
    if not out.amount and certificate.claimed != certificate.amount:
        raise NothingDue(f"nothing is due to {certificate.id(receivable.receivable_id)} now")
    return out


# ------------------------------------------------------ credit notes and disputes


def require_front(receivable: Receivable, start: int, end: int) -> Certificate:
    """The certificate [start, end) as the front, of a receivable that is confirmed.

    Raises UnknownCertificate, RangeChanged, NotFront, StatusForbids.
    """
    certificate = require_whole(receivable, start, end)
    if certificate != receivable.front:
        raise NotFront(f"{certificate.id(receivable.receivable_id)} is not the front")
    require_status(receivable, Status.CONFIRMED)
    return certificate


def require_parties(debtor: Address, creditor: Address, one: Address, other: Address) -> None:
    """The two are debtor and creditor, whichever is which. Raises NotParty."""
    if one not in (debtor, creditor):
        raise NotParty(f"{format_address(one)} is neither debtor nor creditor")
    if other != (creditor if one == debtor else debtor):
        raise NotParty(f"{format_address(other)} is not the other one of debtor and creditor")


def require_credit(receivable: Receivable, front: Certificate, amount: int) -> None:
    """While nothing is paid; or of cents that are paid last, while they have got nothing yet.

    Raises CreditOutOfRange, PaymentMade.
    """
    if not 1 <= amount <= front.amount:
        raise CreditOutOfRange(f"1 to {front.amount} minor units can be credited")
    is_junior = receivable.senior and front.start + amount <= receivable.senior
    if not is_junior or receivable.paid > receivable.face - receivable.senior:
        require_no_payment(receivable)


def require_dispute(receivable: Receivable, front: Certificate, cut: int) -> None:
    """Raises CutOutOfRange, PaymentMade, InDispute."""
    if not front.start < cut <= front.end:
        raise CutOutOfRange(f"a dispute over [{front.start}, {front.end}) ends inside or with it, not at {cut}")
    require_no_payment(receivable)
    if receivable.disputed:
        raise InDispute(f"what begins before {receivable.senior} is in dispute already")


def require_disputed(receivable: Receivable) -> Address:
    """Who may resolve the dispute besides the debtor: the holder of the first cents, that is the originator, or whom an
    order gave them to. Raises StatusForbids, NotInDispute."""
    require_status(receivable, Status.CONFIRMED)
    if not receivable.disputed:
        raise NotInDispute()
    return receivable.certificates[receivable.cancelled].holder


# -------------------------------------------------------- the end of a receivable


def require_overdue(receivable: Receivable, *, days: int, now: int) -> None:
    """`days` after the due date. Raises NotOverdue."""
    begins = receivable.due + days * DAY_SECONDS
    if now < begins:
        raise NotOverdue(f"not before {calendar.instant(begins)}")


def require_deposit_token(registry: Registry, receivable: Receivable) -> None:
    """There are deposits in its currency. Raises NoDepositToken."""
    if receivable.currency not in registry.deposit_tokens:
        raise NoDepositToken(f"deposits in currency {receivable.currency:03} have no token")


def require_close(receivable: Receivable, *, grace_days: int, now: int) -> None:
    """Raises StatusForbids, NotOverdue."""
    require_status(receivable, Status.CONFIRMED)
    require_overdue(receivable, days=grace_days, now=now)


def require_unpaid_debt(receivable: Receivable, *, grace_days: int, now: int) -> None:
    """What can be reported as dishonoured. Raises StatusForbids, PaymentMade, NotOverdue, DishonourStands."""
    require_status(receivable, Status.CONFIRMED)
    if not payable(receivable):
        raise PaymentMade("all that can be paid now is paid", hint="")
    require_overdue(receivable, days=grace_days, now=now)
    if receivable.dishonoured:
        raise DishonourStands()


def require_dishonoured(receivable: Receivable) -> None:
    """A closed receivable with the mark. Raises StatusForbids, NotDishonoured."""
    require_status(receivable, Status.CLOSED)
    if not receivable.dishonoured:
        raise NotDishonoured(f"{format_receivable_id(receivable.receivable_id)} bears no mark")


# --------------------------------------------------------------------- recourse


def require_recourse(receivable: Receivable, certificate: Certificate) -> Recourse:
    """The right of a certificate that was sold with recourse, unless all is paid. Raises NoRecourse, StatusForbids."""
    if certificate.recourse is None:
        raise NoRecourse(f"{certificate.id(receivable.receivable_id)} was sold without recourse, or went further")
    require_status(receivable, *(status for status in ONCE_CONFIRMED if status is not Status.SETTLED))
    return certificate.recourse


def require_demand(receivable: Receivable, certificate: Certificate, *, now: int) -> Recourse:
    """Raises NoRecourse, StatusForbids, NotOverdue, RecourseStands, NothingDue."""
    recourse = require_recourse(receivable, certificate)
    require_overdue(receivable, days=1, now=now)
    if recourse.demanded:
        raise RecourseStands()
    require_outstanding(receivable, certificate, recourse)
    return recourse


def require_repurchase(receivable: Receivable, certificate: Certificate, *, seller: Address) -> Recourse:
    """Raises NoRecourse, StatusForbids, NotSeller, RecourseNotDemanded."""
    recourse = require_recourse(receivable, certificate)
    if recourse.seller != seller:
        raise NotSeller(f"{format_address(recourse.seller)} sold it")
    if not recourse.demanded:
        raise RecourseNotDemanded()
    return recourse


def require_outstanding(receivable: Receivable, certificate: Certificate, recourse: Recourse) -> int:
    """What the seller owes by now, minor units: its amount less what was paid out.

    What was paid and waits for the holder counts as well as what it got: it is not the seller's to take. Raises
    NothingDue.
    """
    if max(certificate.claimed, due(receivable, certificate.start, certificate.end)) >= recourse.amount:
        raise NothingDue(f"{certificate.id(receivable.receivable_id)} was paid out as far as the seller gives back")
    return recourse.amount - certificate.claimed


def require_unencumbered(receivable: Receivable, certificate: Certificate, *, now: int) -> None:
    """Neither an order on the certificate or its receivable nor a lien. Raises FrozenByOrder, PledgedTo."""
    require_unfrozen(certificate.orders, now=now)
    require_unfrozen(receivable.orders, now=now)
    require_no_lien(certificate)
