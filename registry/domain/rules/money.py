"""Pledging, selling, paying and paying out, and what may come of a debt: the entries that the contract would append, or
its refusal.

Paying, paying out and releasing ask for no KYC and know no pause. Whether a payer has the money, and gave leave to take
it, is the deposit token's to say, after all of this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from registry.domain.amounts import Payout, after_payment, pay_out
from registry.domain.identifiers import Address, CertificateId, format_address
from registry.domain.journal import (
    Absolved,
    Closed,
    CreditNoted,
    Dishonoured,
    Disputed,
    Paid,
    Pledged,
    RecourseDemanded,
    Redeemed,
    Released,
    Repurchased,
    Resolved,
    Sold,
)
from registry.domain.receivable import Certificate, MemberStatus, Parameter, Receivable, Role
from registry.domain.rules.refusals import (
    BatchEmpty,
    ChainRefusal,
    CutOutOfRange,
    HolderSuspended,
    NotDesk,
    NotFinancier,
)
from registry.domain.rules.requirements import (
    require_free_to_move,
    require_held_by,
    require_no_lien,
    require_other_holder,
    require_parts,
    require_running,
    require_unfrozen,
)
from registry.domain.rules.settlement import (
    require_close,
    require_credit,
    require_demand,
    require_deposit_token,
    require_dishonoured,
    require_dispute,
    require_disputed,
    require_front,
    require_lien,
    require_outstanding,
    require_parties,
    require_payment,
    require_payout,
    require_price,
    require_recourse_amount,
    require_repurchase,
    require_secured,
    require_unpaid_debt,
)
from registry.domain.rules.world import Act, Authorisation, World

NO_QUOTE = bytes(32)


@dataclass(frozen=True, slots=True)
class Deal:
    """A financing against cash, as the desk carries it out: sold is [cut, end), pledged the whole. Minor units.

    `amount` is what a pledge secures, or what the seller of a sale gives back on recourse; `quote` the digest of the
    quote; `anchor` and `claim_key` as Authorisation's.
    """

    certificate_id: CertificateId
    cut: int
    holder: Address
    financier: Address
    price: int
    amount: int
    quote: bytes
    anchor: bytes
    claim_key: bytes


@dataclass(frozen=True, slots=True)
class Redemptions:
    """What a batch paid out, and which certificates, by (receivable id, start), it skipped for which refusal."""

    entries: tuple[Redeemed, ...]
    skipped: tuple[tuple[int, int, ChainRefusal], ...]


# -------------------------------------------------------------- pledge and sale


def decide_pledge(
    world: World, *, actor: Address, certificate_id: CertificateId, financier: Address, secured: int, now: int
) -> Pledged:
    """`secured` in minor units. Raises RegistryPaused, UnknownCertificate, NotHolder, RangeChanged, what
    _require_financing raises, SecuredOutOfRange, RulesForbid."""
    require_running(world.registry)
    receivable, whole = world.require_named(actor, certificate_id)
    _require_financing(world, receivable, whole, financier, now=now)
    require_secured(whole, secured)
    number, start, end = certificate_id.receivable_id, whole.start, whole.end
    world.extra_rules(Act(Pledged.OPERATION, number, actor, whole.holder, financier, start, end))
    return Pledged(number, actor, financier, start, end, secured, 0, NO_QUOTE, now)


def decide_pledge_against(world: World, *, actor: Address, deal: Deal, now: int) -> Pledged:
    """Raises RegistryPaused, what _require_deal raises, CutOutOfRange, what _require_financing raises,
    SecuredOutOfRange, PriceOutOfRange, RulesForbid."""
    require_running(world.registry)
    receivable, whole = _require_deal(world, actor, deal)
    if deal.cut != whole.start:
        raise CutOutOfRange("a pledge is of the whole certificate")
    _require_financing(world, receivable, whole, deal.financier, now=now)
    require_secured(whole, deal.amount)
    if deal.quote != NO_QUOTE:
        require_price(deal.price, whole.amount)
    number, start, end = deal.certificate_id.receivable_id, whole.start, whole.end
    world.extra_rules(Act(Pledged.OPERATION, number, actor, whole.holder, deal.financier, start, end))
    return Pledged(number, actor, deal.financier, start, end, deal.amount, deal.price, deal.quote, now)


def decide_release(world: World, *, actor: Address, certificate_id: CertificateId, now: int) -> Released:
    """Raises UnknownCertificate, RangeChanged, NotPledged, NotFinancier."""
    receivable, whole = world.require_whole(certificate_id)
    require_lien(receivable, whole, actor)
    return Released(receivable.receivable_id, actor, whole.start, whole.end, now)


def decide_sell(world: World, *, actor: Address, deal: Deal, now: int) -> Sold:
    """Raises RegistryPaused, what _require_deal and _require_financing raise, CutOutOfRange, BelowMinimumPart,
    PriceOutOfRange, RecourseOutOfRange, RulesForbid."""
    require_running(world.registry)
    receivable, whole = _require_deal(world, actor, deal)
    _require_financing(world, receivable, whole, deal.financier, now=now)
    if deal.cut != whole.start:
        minimum = world.parameter(Parameter.MINIMUM_PART_MINOR, now=now)
        require_parts(whole.start, deal.cut, whole.end, minimum=minimum)
    require_price(deal.price, whole.end - deal.cut)
    require_recourse_amount(deal.amount, whole.end - deal.cut)
    number = receivable.receivable_id
    world.extra_rules(Act(Sold.OPERATION, number, actor, deal.holder, deal.financier, deal.cut, whole.end))
    return Sold(
        receivable_id=number,
        actor=actor,
        financier=deal.financier,
        start=whole.start,
        end=whole.end,
        cut=deal.cut,
        price=deal.price,
        recourse=deal.amount,
        quote=deal.quote,
        at=now,
    )


# --------------------------------------------------------- payment and clearing


def decide_pay(world: World, *, actor: Address, receivable_id: int, amount: int, now: int) -> Paid:
    """`amount` in minor units. A debtor always pays what it owes; whoever else pays spends.

    Before the due date nothing is owed: an order on the debtor holds its deposits until then.
    Raises UnknownReceivable, what require_payment raises, of another than the debtor MemberNotEligible, FrozenByOrder,
    NoDepositToken.
    """
    receivable = world.require_receivable(receivable_id)
    require_payment(receivable, payer=actor, amount=amount, now=now)
    if actor != receivable.debtor:
        world.require_sender(actor, now=now)
    elif now < receivable.due:
        require_unfrozen(world.registry.members[actor].orders, now=now)
    require_deposit_token(world.registry, receivable)
    return Paid(receivable_id, actor, receivable.face, amount, now)


def decide_pay_and_redeem(
    world: World,
    *,
    actor: Address,
    receivable_id: int,
    amount: int,
    certificates: Sequence[tuple[int, int]],
    now: int,
) -> tuple[Paid, Redemptions]:
    """Raises what decide_pay and decide_redeem_many raise."""
    paid = decide_pay(world, actor=actor, receivable_id=receivable_id, amount=amount, now=now)
    receivable = world.receivables[receivable_id]
    after = _with_receivable(world, after_payment(receivable, amount))
    return paid, decide_redeem_many(after, actor=actor, certificates=certificates, now=now)


def decide_redeem(world: World, *, actor: Address, receivable_id: int, start: int, now: int) -> Redeemed:
    """Anyone may ask; a token id names no end. Raises UnknownCertificate, FrozenByOrder, NothingDue."""
    receivable, certificate = world.require_existing(receivable_id, start)
    world.require_no_order_over(receivable, certificate, now=now)
    return _redeemed(receivable, certificate, require_payout(receivable, certificate), actor, now)


def decide_redeem_many(
    world: World, *, actor: Address, certificates: Sequence[tuple[int, int]], now: int
) -> Redemptions:
    """Each certificate, by (receivable id, start), after the ones before it.

    What a single redemption refuses is skipped, and so is what a suspended member holds (HolderSuspended), unless it
    asks itself, or the one with the lien does. Raises BatchEmpty.
    """
    if not certificates:
        raise BatchEmpty()
    entries: list[Redeemed] = []
    skipped: list[tuple[int, int, ChainRefusal]] = []
    for receivable_id, start in certificates:
        try:
            receivable, certificate = world.require_existing(receivable_id, start)
            world.require_no_order_over(receivable, certificate, now=now)
            out = require_payout(receivable, certificate)
            _require_not_held_back(world, certificate, actor)
        except ChainRefusal as refusal:
            skipped.append((receivable_id, start, refusal))
            continue
        entries.append(_redeemed(receivable, certificate, out, actor, now))
        world = _with_receivable(world, _after_payout(receivable, certificate, out))
    return Redemptions(tuple(entries), tuple(skipped))


# ------------------------------------------------------ credit notes and disputes


def decide_credit_note(
    world: World, *, actor: Address, second: Authorisation, certificate_id: CertificateId, amount: int, now: int
) -> CreditNoted:
    """`amount` in minor units. Raises what _require_front raises, CreditOutOfRange, PaymentMade."""
    receivable, front = _require_front(world, actor, second, certificate_id, now=now)
    require_credit(receivable, front, amount)
    return CreditNoted(receivable.receivable_id, actor, second.signer, front.start, front.end, amount, now)


def decide_dispute(
    world: World, *, actor: Address, second: Authorisation, certificate_id: CertificateId, cut: int, now: int
) -> Disputed:
    """[start, cut) in dispute. Raises what _require_front raises, CutOutOfRange, PaymentMade, InDispute."""
    receivable, front = _require_front(world, actor, second, certificate_id, now=now)
    require_dispute(receivable, front, cut)
    return Disputed(receivable.receivable_id, actor, second.signer, front.start, front.end, cut, now)


def decide_resolve(world: World, *, actor: Address, second: Authorisation, receivable_id: int, now: int) -> Resolved:
    """Raises what World.require_second raises, RegistryPaused, UnknownReceivable, StatusForbids, NotInDispute,
    NotParty."""
    world.require_second(second, receivable_id, now=now)
    require_running(world.registry)
    receivable = world.require_receivable(receivable_id)
    creditor = require_disputed(receivable)
    require_parties(receivable.debtor, creditor, actor, second.signer)
    return Resolved(receivable_id, actor, second.signer, receivable.face, now)


# -------------------------------------------------------- the end of a receivable


def decide_close(world: World, *, actor: Address, receivable_id: int, now: int) -> Closed:
    """Raises NotAuthorised, UnknownReceivable, StatusForbids, NotOverdue, NoDepositToken."""
    world.require_bank(actor)
    receivable = world.require_receivable(receivable_id)
    require_close(receivable, grace_days=world.parameter(Parameter.OVERDUE_GRACE_DAYS, now=now), now=now)
    require_deposit_token(world.registry, receivable)
    return Closed(receivable_id, actor, receivable.face, now)


def decide_dishonour(world: World, *, actor: Address, receivable_id: int, now: int) -> Dishonoured:
    """Raises UnknownReceivable, StatusForbids, PaymentMade, NotOverdue, DishonourStands, NoDepositToken."""
    receivable = world.require_receivable(receivable_id)
    grace_days = world.parameter(Parameter.OVERDUE_GRACE_DAYS, now=now)
    require_unpaid_debt(receivable, grace_days=grace_days, now=now)
    # Nobody is late with what cannot be paid here.
    require_deposit_token(world.registry, receivable)
    return Dishonoured(receivable_id, actor, receivable.face, now)


def decide_absolve(world: World, *, actor: Address, receivable_id: int, now: int) -> Absolved:
    """Raises NotAuthorised, UnknownReceivable, StatusForbids, NotDishonoured."""
    world.require_bank(actor)
    receivable = world.require_receivable(receivable_id)
    require_dishonoured(receivable)
    return Absolved(receivable_id, actor, receivable.face, now)


# --------------------------------------------------------------------- recourse


def decide_demand_recourse(
    world: World, *, actor: Address, certificate_id: CertificateId, now: int
) -> RecourseDemanded:
    """Raises UnknownCertificate, NotHolder, RangeChanged, NoRecourse, StatusForbids, NotOverdue, RecourseStands,
    NothingDue."""
    receivable, whole = world.require_named(actor, certificate_id)
    seller = require_demand(receivable, whole, now=now).seller
    return RecourseDemanded(receivable.receivable_id, actor, seller, whole.start, whole.end, now)


def decide_repurchase(world: World, *, actor: Address, certificate_id: CertificateId, now: int) -> Repurchased:
    """Raises RegistryPaused, UnknownCertificate, RangeChanged, NoRecourse, StatusForbids, NotSeller,
    RecourseNotDemanded, FrozenByOrder, PledgedTo, NothingDue, MemberNotEligible, NoDepositToken. FrozenByOrder also for
    an order on the seller."""
    require_running(world.registry)
    receivable, whole = world.require_whole(certificate_id)
    recourse = require_repurchase(receivable, whole, seller=actor)
    world.require_no_order_over(receivable, whole, now=now)
    require_no_lien(whole)
    amount = require_outstanding(receivable, whole, recourse)
    world.require_sender(actor, now=now)
    require_deposit_token(world.registry, receivable)
    return Repurchased(receivable.receivable_id, actor, whole.start, whole.end, amount, now)


# ------------------------------------------------------------------------ parts


def _require_deal(world: World, actor: Address, deal: Deal) -> tuple[Receivable, Certificate]:
    """The desk asks, with the holder's approval, about the receivable and the holder that the quote names.

    Raises NotDesk, UnknownCertificate, NotHolder, RangeChanged, AnchorMismatch.
    """
    if actor != world.registry.desk:
        raise NotDesk(f"{format_address(actor)} is not the desk")
    receivable, whole = world.require_named(actor, deal.certificate_id)
    require_held_by(whole, deal.holder)
    world.require_anchored(receivable.receivable_id, deal.anchor, deal.claim_key)
    return receivable, whole


def _require_financing(
    world: World, receivable: Receivable, certificate: Certificate, financier: Address, *, now: int
) -> None:
    """Raises what require_free_to_move raises, SameHolder, MemberNotEligible, FrozenByOrder, NotFinancier."""
    require_free_to_move(receivable, certificate, now=now)
    require_other_holder(certificate, financier)
    world.require_sender(certificate.holder, now=now)
    if not world.require_eligible(financier, now=now).roles & Role.FINANCIER:
        raise NotFinancier(f"{format_address(financier)} has not the role of one")


def _require_front(
    world: World, actor: Address, second: Authorisation, certificate_id: CertificateId, *, now: int
) -> tuple[Receivable, Certificate]:
    """Originator and debtor are agreed about the front certificate, and nothing lies on it.

    Raises what World.require_second raises, RegistryPaused, UnknownCertificate, RangeChanged, NotFront, StatusForbids,
    NotParty, FrozenByOrder, PledgedTo.
    """
    world.require_second(second, certificate_id.receivable_id, now=now)
    require_running(world.registry)
    receivable, _ = world.require_existing(certificate_id.receivable_id, certificate_id.start)
    front = require_front(receivable, certificate_id.start, certificate_id.end)
    require_parties(receivable.debtor, front.holder, actor, second.signer)
    world.require_no_order_over(receivable, front, now=now)
    require_no_lien(front)
    return receivable, front


def _require_not_held_back(world: World, certificate: Certificate, actor: Address) -> None:
    """Raises HolderSuspended."""
    member = world.registry.members.get(certificate.holder)
    is_suspended = member is not None and member.status is MemberStatus.SUSPENDED
    financier = certificate.lien.financier if certificate.lien else None
    if is_suspended and actor not in (certificate.holder, financier):
        raise HolderSuspended(f"{format_address(certificate.holder)} is suspended")


def _redeemed(receivable: Receivable, certificate: Certificate, out: Payout, actor: Address, now: int) -> Redeemed:
    number, start, end = receivable.receivable_id, certificate.start, certificate.end
    return Redeemed(number, actor, certificate.holder, start, end, out.amount, out.to_financier, now)


def _after_payout(receivable: Receivable, certificate: Certificate, out: Payout) -> Receivable:
    """What the next redemption of a batch meets. The fold, which imports these rules, says the rest."""
    after = receivable.copy()
    pay_out(after, certificate, out)
    return after


def _with_receivable(world: World, receivable: Receivable) -> World:
    return replace(world, receivables={**world.receivables, receivable.receivable_id: receivable})
