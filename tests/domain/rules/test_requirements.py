"""The rules of a single journal, by themselves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from registry.domain import rules
from registry.domain.identifiers import MINOR_MAX, CertificateId
from registry.domain.journal import Lapsed, ParameterSet, Paused, Refused, Unpaused, Withdrawn
from registry.domain.receivable import (
    DAY_SECONDS,
    ORDERS_MAX,
    Freeze,
    Lien,
    Member,
    MemberStatus,
    Parameter,
    Phase,
    Receivable,
    Role,
    Status,
)
from registry.domain.refusals import Refusal
from tests.domain.setting import (
    ANSWER_BY,
    BANK,
    BUYER,
    CONFIRMED,
    COUNTER_OFFERED,
    DUE,
    KYC_EXPIRY,
    LATER_DUE,
    NOW,
    OPERATOR,
    ORDER,
    OTHER_ORDER,
    REGISTERED,
    SELLER,
    STRANGER,
    TENOR_LIMIT_DAYS,
    after,
    registry_after,
)

OPEN = after(REGISTERED)
LIVE = after(REGISTERED, CONFIRMED)
DECLINED = after(REGISTERED, Refused(1, BUYER, 1, 100, NOW))
FREEZE = Freeze(ORDER, NOW + 100, NOW)


# ------------------------------------------------------------------- phases


@pytest.mark.parametrize(
    ("state", "now", "expected"),
    [
        (OPEN, DUE - 1, Phase.REGISTERED),
        (OPEN, DUE + 9 * DAY_SECONDS, Phase.REGISTERED),
        (DECLINED, NOW, Phase.REFUSED),
        (after(REGISTERED, Withdrawn(1, SELLER, 100, NOW)), DUE, Phase.WITHDRAWN),
        (after(REGISTERED, Lapsed(1, STRANGER, 100, ANSWER_BY)), DUE, Phase.LAPSED),
        (LIVE, DUE - 1, Phase.LIVE),
        (LIVE, DUE, Phase.DUE),
        (LIVE, DUE + DAY_SECONDS - 1, Phase.DUE),
        (LIVE, DUE + DAY_SECONDS, Phase.OVERDUE),
        (replace(LIVE, paid=1), DUE + DAY_SECONDS, Phase.OVERDUE),
        (replace(LIVE, disputed=True, senior=10, paid=89), DUE + DAY_SECONDS, Phase.OVERDUE),
        (replace(LIVE, disputed=True, senior=10, paid=90), DUE - 1, Phase.LIVE),
        (replace(LIVE, disputed=True, senior=10, paid=90), DUE + 9 * DAY_SECONDS, Phase.DUE),
        (replace(LIVE, status=Status.SETTLED, paid=100), NOW, Phase.PAID),
        (replace(LIVE, status=Status.CLOSED), DUE + 9 * DAY_SECONDS, Phase.CLOSED),
    ],
)
def test_a_phase_is_status_and_clock(state: Receivable, now: int, expected: Phase) -> None:
    assert rules.phase(state, now=now) is expected


# -------------------------------------------------------------------- claims


@pytest.mark.parametrize(
    ("face", "currency", "due", "refusal"),
    [
        (0, 978, DUE, rules.FaceMissing),
        (-1, 978, DUE, rules.FaceMissing),
        (MINOR_MAX + 1, 978, DUE, rules.FaceMissing),
        (1, 0, DUE, rules.CurrencyMalformed),
        (1, 1_000, DUE, rules.CurrencyMalformed),
        (1, 978, DUE + 1, rules.DueDateMalformed),
        (1, 978, 2**16 * DAY_SECONDS, rules.DueDateMalformed),
        (1, 978, 0, rules.DueDatePassed),
    ],
)
def test_a_malformed_claim_is_refused(face: int, currency: int, due: int, refusal: type[Refusal]) -> None:
    with pytest.raises(refusal):
        rules.require_claim(face, currency, due, now=NOW)


@pytest.mark.parametrize(("face", "currency", "due"), [(1, 1, DUE), (MINOR_MAX, 999, (2**16 - 1) * DAY_SECONDS)])
def test_the_extremes_of_a_claim_are_allowed(face: int, currency: int, due: int) -> None:
    rules.require_claim(face, currency, due, now=DUE - 1)


def test_the_due_second_is_too_late() -> None:
    rules.require_before_due(DUE, now=DUE - 1)
    with pytest.raises(rules.DueDatePassed):
        rules.require_before_due(DUE, now=DUE)


@pytest.mark.parametrize(("face", "due"), [(99, DUE), (100, LATER_DUE), (100, DUE - DAY_SECONDS), (1, LATER_DUE)])
def test_a_lower_amount_or_another_date_is_an_offer(face: int, due: int) -> None:
    rules.require_offer(OPEN, offers=0, face=face, due=due, now=NOW)


@pytest.mark.parametrize(("face", "due"), [(100, DUE), (0, LATER_DUE), (101, LATER_DUE)])
def test_the_claim_itself_nothing_or_more_is_no_offer(face: int, due: int) -> None:
    with pytest.raises(rules.OfferMalformed):
        rules.require_offer(OPEN, offers=0, face=face, due=due, now=NOW)


def test_an_offer_is_measured_at_the_claim_not_at_the_offer_before() -> None:
    offered = after(REGISTERED, COUNTER_OFFERED)
    rules.require_offer(offered, offers=1, face=90, due=LATER_DUE, now=NOW)
    with pytest.raises(rules.OfferMalformed):
        rules.require_offer(offered, offers=1, face=100, due=DUE, now=NOW)


# -------------------------------------------------------------- certificates


def test_a_cut_leaves_at_least_a_cent_on_either_side() -> None:
    rules.require_cut(10, 11, 12)
    for cut in (9, 10, 12, 13):
        with pytest.raises(rules.CutOutOfRange):
            rules.require_cut(10, cut, 12)


def test_nothing_moves_unless_confirmed_and_not_frozen_before_the_due_date() -> None:
    rules.require_movable(LIVE, 0, now=DUE - 1)
    for state, now, refusal in (
        (OPEN, NOW, rules.StatusForbids),
        (DECLINED, NOW, rules.StatusForbids),
        (replace(LIVE, status=Status.SETTLED), NOW, rules.StatusForbids),
        (replace(LIVE, status=Status.CLOSED), NOW, rules.StatusForbids),
        (LIVE, DUE, rules.DueDatePassed),
        (replace(LIVE, orders=(FREEZE,)), NOW, rules.FrozenByOrder),
        (replace(LIVE, paid=1), NOW, rules.PaymentMade),
        (replace(LIVE, senior=40, disputed=True), NOW, rules.InDispute),
    ):
        with pytest.raises(refusal):
            rules.require_movable(state, 0, now=now)


def test_what_lies_behind_a_dispute_moves() -> None:
    disputed = replace(LIVE, senior=40, disputed=True)
    rules.require_movable(disputed, 40, now=NOW)
    with pytest.raises(rules.InDispute):
        rules.require_movable(disputed, 39, now=NOW)


def test_what_is_pledged_does_not_move() -> None:
    pledged = replace(LIVE.certificates[0], lien=Lien(BANK, 50, since=3))
    with pytest.raises(rules.PledgedTo):
        rules.require_thawed(pledged, now=NOW)
    with pytest.raises(rules.FrozenByOrder):
        rules.require_thawed(replace(pledged, orders=(FREEZE,)), now=NOW)


def test_who_reads_by_a_certificate_id_names_a_whole_range() -> None:
    part = LIVE.certificates[0]
    rules.require_same_range(part, CertificateId(1, 0, 100))
    with pytest.raises(rules.UnknownCertificate, match="R-1/0-100"):
        rules.require_same_range(part, CertificateId(1, 0, 99))


# -------------------------------------------------------------------- orders


def test_an_order_holds_until_the_second_before_its_expiry() -> None:
    with pytest.raises(rules.FrozenByOrder, match=ORDER.hex()):
        rules.require_unfrozen((FREEZE,), now=FREEZE.expiry - 1)
    rules.require_unfrozen((FREEZE,), now=FREEZE.expiry)


def test_a_list_of_orders_grows_to_its_limit_and_expired_ones_make_room() -> None:
    full = tuple(Freeze(bytes([n]) * 32, FREEZE.expiry + n, NOW) for n in range(ORDERS_MAX))
    with pytest.raises(rules.TooManyOrders):
        rules.orders_with(full, b"\xff" * 32, expiry=FREEZE.expiry + 99, now=NOW)
    grown = rules.orders_with(full, b"\xff" * 32, expiry=FREEZE.expiry + 99, now=FREEZE.expiry)
    assert grown == (*full[1:], Freeze(b"\xff" * 32, FREEZE.expiry + 99, FREEZE.expiry))


def test_an_order_stands_once_and_only_with_an_expiry_to_come() -> None:
    with pytest.raises(rules.OrderStands):
        rules.orders_with((FREEZE,), ORDER, expiry=FREEZE.expiry, now=NOW)
    with pytest.raises(rules.OrderExpired):
        rules.orders_with((FREEZE,), ORDER, expiry=NOW, now=NOW)
    assert rules.orders_with((FREEZE,), ORDER, expiry=FREEZE.expiry + 1, now=FREEZE.expiry) == (
        Freeze(ORDER, FREEZE.expiry + 1, FREEZE.expiry),
    )


def test_a_listed_order_is_lifted_though_expired() -> None:
    other = Freeze(OTHER_ORDER, FREEZE.expiry + 1, NOW)
    assert rules.orders_without((FREEZE, other), ORDER, now=FREEZE.expiry) == (other,)
    assert rules.orders_without((FREEZE, other), OTHER_ORDER, now=FREEZE.expiry) == ()
    with pytest.raises(rules.OrderNotInForce):
        rules.orders_without((other,), ORDER, now=NOW)


# ------------------------------------------------------------------ registry


def test_kyc_ends_at_its_second() -> None:
    member = Member(SELLER, MemberStatus.ACTIVE, KYC_EXPIRY, Role.SUPPLIER, bytes(32), 1)
    assert rules.is_eligible(member, now=KYC_EXPIRY - 1)
    assert not rules.is_eligible(member, now=KYC_EXPIRY)
    assert not rules.is_eligible(replace(member, status=MemberStatus.SUSPENDED), now=NOW)
    assert not rules.is_eligible(None, now=NOW)


def test_a_parameter_changes_at_its_midnight() -> None:
    day = 3 * DAY_SECONDS
    registry = registry_after(ParameterSet(Parameter.TENOR_LIMIT_DAYS, OPERATOR, 90, day, 50))
    for now, expected in ((50, TENOR_LIMIT_DAYS), (day - 1, TENOR_LIMIT_DAYS), (day, 90), (day + 9, 90)):
        assert rules.parameter_in_force(registry, Parameter.TENOR_LIMIT_DAYS, now=now) == expected


def test_a_value_that_was_replaced_before_its_midnight_never_holds() -> None:
    first = ParameterSet(Parameter.TENOR_LIMIT_DAYS, OPERATOR, 90, 3 * DAY_SECONDS, 50)
    registry = registry_after(first, replace(first, value=60, effective=5 * DAY_SECONDS, at=60))
    values = [
        rules.parameter_in_force(registry, Parameter.TENOR_LIMIT_DAYS, now=day * DAY_SECONDS) for day in (2, 3, 4, 5)
    ]
    assert values == [TENOR_LIMIT_DAYS, TENOR_LIMIT_DAYS, TENOR_LIMIT_DAYS, 60]


@pytest.mark.parametrize(
    ("parameter", "value", "allowed"),
    [
        (1, 1, True),
        (1, 65_535, True),
        (1, 65_536, False),
        (2, 2**32 - 1, True),
        (2, 2**32, False),
        (3, 0, False),
        (4, 65_536, False),
        (5, 0, True),
        (5, 365 * DAY_SECONDS, True),
        (5, 365 * DAY_SECONDS + 1, False),
        (0, 1, False),
        (6, 1, True),
        (6, 365, True),
        (6, 366, False),
        (6, 0, False),
        (7, 1, False),
    ],
)
def test_a_parameter_has_its_range(parameter: int, value: int, allowed: bool) -> None:
    if allowed:
        assert rules.require_parameter_value(parameter, value) is Parameter(parameter)
        return
    with pytest.raises(rules.ParameterMalformed):
        rules.require_parameter_value(parameter, value)


def test_the_registrys_clock_leaves_pauses_out_and_stands_still_in_one() -> None:
    ended = registry_after(Paused(OPERATOR, 100), Unpaused(OPERATOR, 150))
    assert [rules.clock(ended, now=now) for now in (150, 200)] == [100, 150]
    paused = registry_after(Paused(OPERATOR, 100), Unpaused(OPERATOR, 150), Paused(OPERATOR, 180))
    assert [rules.clock(paused, now=now) for now in (180, 500)] == [130, 130]


def test_a_claim_lapses_later_by_every_pause() -> None:
    assert rules.lapses_at(registry_after(), OPEN) == ANSWER_BY
    pause = [Paused(OPERATOR, NOW + 10), Unpaused(OPERATOR, NOW + 60)]
    assert rules.lapses_at(registry_after(*pause), OPEN) == ANSWER_BY + 50
    assert rules.lapses_at(registry_after(pause[0]), OPEN) is None
