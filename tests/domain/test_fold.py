"""The fold, entry by entry: what each changes, and what cannot follow what."""

from __future__ import annotations

from dataclasses import replace

import pytest

from registry.domain import journal
from registry.domain.fold import JournalBroken, empty_receivable, empty_registry, fold, fold_all, fold_registry, walk
from registry.domain.journal import (
    CertificateFrozen,
    CertificateUnfrozen,
    DescriptorSet,
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
    ParameterSet,
    Partitioned,
    Paused,
    ReceivableFrozen,
    ReceivableUnfrozen,
    Refused,
    RulesSet,
    Split,
    Sunset,
    Unpaused,
    Withdrawn,
)
from registry.domain.receivable import (
    DAY_SECONDS,
    OFFERS_MAX,
    ORDERS_MAX,
    Certificate,
    Freeze,
    MemberStatus,
    Offer,
    Parameter,
    ParameterValue,
    Role,
    Status,
)
from tests.domain.setting import (
    ANSWER_BY,
    BANK,
    BUYER,
    CONFIRMED,
    COUNTER_OFFERED,
    COUNTERSIGNER,
    DEPLOYED,
    DOCUMENT,
    DUE,
    EMPTY,
    FIRST_VALUES,
    LATER_DUE,
    NOW,
    OFFICER,
    OPERATOR,
    ORDER,
    OTHER_ORDER,
    REGISTERED,
    SELLER,
    STRANGER,
    SUPPLIER,
    WHERE,
    after,
    registry_after,
)

REFUSED = Refused(1, BUYER, 3, 100, NOW + 10)
WITHDRAWN = Withdrawn(1, SELLER, 100, NOW + 10)
LAPSED = Lapsed(1, STRANGER, 100, ANSWER_BY)
ACCEPTED = OfferAccepted(1, SELLER, BUYER, 80, LATER_DUE, NOW + 20)
SPLIT = Split(1, SELLER, SUPPLIER, 0, 100, 40, DOCUMENT, NOW + 30)
KEPT = replace(SPLIT, receiver=SELLER)
ENDORSED = Endorsed(1, SUPPLIER, BANK, 40, 100, DOCUMENT, NOW + 40)
MERGED = Merged(1, SELLER, 0, 100, 40, NOW + 40)
PARTITIONED = Partitioned(1, ORDER, OFFICER, COUNTERSIGNER, 0, 100, 40, NOW + 50)
FROZEN = CertificateFrozen(1, ORDER, OFFICER, COUNTERSIGNER, 0, 100, NOW + 1_000, NOW + 50)
UNFROZEN = CertificateUnfrozen(1, ORDER, OFFICER, COUNTERSIGNER, 0, 100, NOW + 60)
ALL_FROZEN = ReceivableFrozen(1, ORDER, OFFICER, COUNTERSIGNER, 100, NOW + 1_000, NOW + 50)
ALL_UNFROZEN = ReceivableUnfrozen(1, ORDER, OFFICER, COUNTERSIGNER, 100, NOW + 60)
FORCED = ForcedTransfer(1, ORDER, OFFICER, COUNTERSIGNER, BANK, 0, 100, NOW + 70)
FREEZE = Freeze(ORDER, NOW + 1_000, NOW + 50)
LIVE: list[Entry] = [REGISTERED, CONFIRMED]
OFFERS: list[Entry] = [COUNTER_OFFERED] * OFFERS_MAX


def test_an_empty_receivable_is_its_genesis() -> None:
    assert EMPTY.head == journal.genesis(**WHERE, journal_id=1)
    assert (EMPTY.status, EMPTY.length, dict(EMPTY.certificates)) == (Status.NONE, 0, {})
    assert after() == EMPTY


# -------------------------------------------------------------------- claims


def test_a_registration_sets_the_terms() -> None:
    state = after(REGISTERED)
    assert (state.status, state.length, state.registered_at) == (Status.REGISTERED, 1, NOW)
    assert (state.originator, state.debtor, state.face, state.due, state.currency) == (SELLER, BUYER, 100, DUE, 978)
    assert (state.fingerprint, state.document_root) == (b"\x01" * 32, b"\x02" * 32)
    assert (state.claim_face, state.claim_due, state.answer_by) == (100, DUE, ANSWER_BY)
    assert not state.certificates
    assert state.head == journal.append(EMPTY.head, REGISTERED.hash())


def test_a_confirmation_makes_one_certificate_of_the_whole() -> None:
    state = after(*LIVE)
    assert (state.status, state.answered_at) == (Status.CONFIRMED, NOW)
    assert dict(state.certificates) == {0: Certificate(0, 100, SELLER, since=2)}


@pytest.mark.parametrize(
    ("answer", "status", "reason"),
    [(REFUSED, Status.REFUSED, 3), (WITHDRAWN, Status.WITHDRAWN, 0), (LAPSED, Status.LAPSED, 0)],
)
def test_an_answer_of_no_ends_the_claim_and_its_offer(answer: Entry, status: Status, reason: int) -> None:
    state = after(REGISTERED, COUNTER_OFFERED, answer)
    assert (state.status, state.answered_at, state.refusal_reason) == (status, answer.time, reason)
    assert state.offer is None
    assert not state.certificates


def test_the_last_counter_offer_stands() -> None:
    state = after(REGISTERED, COUNTER_OFFERED, replace(COUNTER_OFFERED, offered_face=90, at=NOW + 5))
    assert (state.status, state.face, state.due) == (Status.REGISTERED, 100, DUE)
    assert state.offer == Offer(90, LATER_DUE, NOW + 5)


def test_the_last_offer_that_is_allowed_is_answered_like_any_other() -> None:
    offered = after(REGISTERED, *OFFERS)
    assert (offered.length, offered.offer) == (1 + OFFERS_MAX, Offer(80, LATER_DUE, NOW))
    for answer in (ACCEPTED, CONFIRMED, REFUSED):
        assert fold(offered, answer).answered_at == answer.time


def test_an_accepted_offer_gives_the_receivable_its_terms_and_the_claim_stays_on_record() -> None:
    state = after(REGISTERED, COUNTER_OFFERED, ACCEPTED)
    assert (state.status, state.answered_at, state.offer) == (Status.CONFIRMED, NOW + 20, None)
    assert (state.face, state.due, state.claim_face, state.claim_due) == (80, LATER_DUE, 100, DUE)
    assert dict(state.certificates) == {0: Certificate(0, 80, SELLER, since=3)}


def test_a_confirmation_after_a_counter_offer_is_of_the_claim() -> None:
    state = after(REGISTERED, COUNTER_OFFERED, CONFIRMED)
    assert (state.face, state.due, state.offer) == (100, DUE, None)


def test_an_offer_may_be_accepted_after_the_claims_own_due_date() -> None:
    assert after(REGISTERED, COUNTER_OFFERED, replace(ACCEPTED, at=DUE)).status is Status.CONFIRMED


# -------------------------------------------------------------- certificates


def test_a_split_cuts_and_hands_over_the_tail() -> None:
    state = after(*LIVE, SPLIT)
    assert dict(state.certificates) == {
        0: Certificate(0, 40, SELLER, since=3),
        40: Certificate(40, 100, SUPPLIER, since=3),
    }
    assert not state.front_endorsed


def test_an_endorsement_moves_a_whole_certificate() -> None:
    state = after(*LIVE, SPLIT, ENDORSED)
    assert state.certificates[40] == Certificate(40, 100, BANK, since=4)
    assert state.certificates[0].holder == SELLER
    assert not state.front_endorsed
    assert after(*LIVE, Endorsed(1, SELLER, BANK, 0, 100, DOCUMENT, NOW)).front_endorsed


def test_a_merger_joins_two_neighbours() -> None:
    assert dict(after(*LIVE, KEPT, MERGED).certificates) == {0: Certificate(0, 100, SELLER, since=4)}


# -------------------------------------------------------------------- orders


def test_a_partition_cuts_and_moves_nothing() -> None:
    state = after(*LIVE, FROZEN, PARTITIONED)
    assert dict(state.certificates) == {
        0: Certificate(0, 40, SELLER, since=4, orders=(FREEZE,)),
        40: Certificate(40, 100, SELLER, since=4, orders=(FREEZE,)),
    }
    assert not state.front_endorsed


def test_a_freeze_and_its_lifting_change_the_orders_alone() -> None:
    frozen = after(*LIVE, FROZEN)
    assert dict(frozen.certificates) == {0: Certificate(0, 100, SELLER, since=2, orders=(FREEZE,))}
    assert fold(frozen, UNFROZEN).certificates == after(*LIVE).certificates
    assert after(*LIVE, ALL_FROZEN).orders == (FREEZE,)
    assert after(*LIVE, ALL_FROZEN, ALL_UNFROZEN).orders == ()


def test_an_order_on_a_thing_that_is_written_prunes_what_expired() -> None:
    other = replace(FROZEN, order=OTHER_ORDER, expiry=NOW + 5_000, at=NOW + 1_000)
    assert after(*LIVE, FROZEN, other).certificates[0].orders == (Freeze(OTHER_ORDER, NOW + 5_000, NOW + 1_000),)
    early = replace(other, at=NOW + 999)
    assert [freeze.order for freeze in after(*LIVE, FROZEN, early).certificates[0].orders] == [ORDER, OTHER_ORDER]
    lifted = CertificateUnfrozen(1, OTHER_ORDER, OFFICER, COUNTERSIGNER, 0, 100, NOW + 1_000)
    assert after(*LIVE, FROZEN, early, lifted).certificates[0].orders == ()


def test_an_order_given_again_until_later_is_prolonged_in_its_place_and_from_its_beginning() -> None:
    other, later = Freeze(OTHER_ORDER, NOW + 900, NOW + 60), replace(FREEZE, expiry=NOW + 5_000)
    on_part, on_whole = (
        after(*LIVE, first, replace(first, order=OTHER_ORDER, expiry=NOW + 900, at=NOW + 60), again)
        for first, again in (
            (FROZEN, replace(FROZEN, expiry=NOW + 5_000, at=NOW + 70)),
            (ALL_FROZEN, replace(ALL_FROZEN, expiry=NOW + 5_000, at=NOW + 70)),
        )
    )
    assert on_part.certificates[0].orders == on_whole.orders == (later, other)
    full = after(*LIVE, *FULL, replace(FULL[0], expiry=NOW + 5_000)).certificates[0].orders
    assert [freeze.order for freeze in full] == [entry.order for entry in FULL]


def test_an_expired_order_may_be_lifted_and_given_again() -> None:
    assert after(*LIVE, FROZEN, replace(UNFROZEN, at=NOW + 2_000)).certificates[0].orders == ()
    again = replace(FROZEN, expiry=NOW + 3_000, at=NOW + 1_000)
    assert after(*LIVE, FROZEN, again).certificates[0].orders == (Freeze(ORDER, NOW + 3_000, NOW + 1_000),)


def test_a_forced_transfer_carries_out_its_order_and_leaves_the_others() -> None:
    other = replace(FROZEN, order=OTHER_ORDER)
    state = after(*LIVE, FROZEN, other, FORCED)
    assert state.certificates[0] == Certificate(0, 100, BANK, since=5, orders=(replace(FREEZE, order=OTHER_ORDER),))
    assert state.front_endorsed


def test_a_forced_transfer_leaves_the_receivables_orders_alone() -> None:
    state = after(*LIVE, ALL_FROZEN, FORCED)
    assert (state.certificates[0].holder, state.orders) == (BANK, (FREEZE,))


def test_a_forced_transfer_may_be_under_an_order_on_the_holder_and_after_the_due_date() -> None:
    assert after(*LIVE, replace(FORCED, at=DUE + 1)).certificates[0].holder == BANK


def test_what_an_order_freezes_moves_again_once_it_expired() -> None:
    late = replace(SPLIT, at=FREEZE.expiry)
    for freeze in (FROZEN, ALL_FROZEN):
        assert len(after(*LIVE, freeze, late).certificates) == 2
    assert all(not part.orders for part in after(*LIVE, FROZEN, late).certificates.values())


# --------------------------------------------------------------- the whole fold


def test_a_state_is_not_changed_by_what_follows() -> None:
    early = after(*LIVE)
    before = early.copy()
    fold(early, SPLIT)
    for _ in walk(early, [SPLIT]):
        pass
    assert early == before
    assert early.certificates == {0: Certificate(0, 100, SELLER, since=2)}


def test_walking_yields_every_entry_with_the_state_after_it() -> None:
    entries = [*LIVE, SPLIT]
    walked = [(state.length, state.head, entry) for state, entry in walk(EMPTY, entries)]
    assert walked == [(position, after(*entries[:position]).head, entries[position - 1]) for position in (1, 2, 3)]


FULL = [replace(FROZEN, order=bytes([n]) * 32) for n in range(100, 100 + ORDERS_MAX)]
CANNOT_FOLLOW: list[tuple[list[Entry], Entry]] = [
    # Registration.
    ([], replace(REGISTERED, face=0)),
    ([], replace(REGISTERED, currency=1_000)),
    ([], replace(REGISTERED, due=DUE + 1)),
    ([], replace(REGISTERED, due=2**16 * DAY_SECONDS)),
    ([], replace(REGISTERED, at=DUE)),
    ([], replace(REGISTERED, fingerprint=bytes(32))),
    ([], replace(REGISTERED, document_root=bytes(32))),
    ([], replace(REGISTERED, debtor=SELLER)),
    ([REGISTERED], REGISTERED),
    ([REGISTERED, REFUSED], REGISTERED),
    ([], MemberSuspended(SELLER, OPERATOR, 1, 10)),
    # Answers: only to a registered claim, by whom it concerns, about what was claimed.
    ([], CONFIRMED),
    (LIVE, CONFIRMED),
    (LIVE, REFUSED),
    (LIVE, WITHDRAWN),
    (LIVE, LAPSED),
    (LIVE, COUNTER_OFFERED),
    ([REGISTERED, COUNTER_OFFERED, CONFIRMED], ACCEPTED),
    ([REGISTERED, REFUSED], CONFIRMED),
    ([REGISTERED, WITHDRAWN], CONFIRMED),
    ([REGISTERED, LAPSED], REFUSED),
    ([REGISTERED], replace(CONFIRMED, debtor=BANK)),
    ([REGISTERED], replace(CONFIRMED, face=99)),
    ([REGISTERED], replace(CONFIRMED, originator=BANK)),
    ([REGISTERED], replace(CONFIRMED, at=DUE)),
    ([REGISTERED], replace(CONFIRMED, receivable_id=2)),
    ([REGISTERED, COUNTER_OFFERED], replace(CONFIRMED, face=80)),
    ([REGISTERED], replace(REFUSED, debtor=BANK)),
    ([REGISTERED], replace(REFUSED, reason=0)),
    ([REGISTERED], replace(WITHDRAWN, originator=BANK)),
    ([REGISTERED], replace(WITHDRAWN, face=99)),
    ([REGISTERED], replace(LAPSED, face=99)),
    ([REGISTERED], replace(LAPSED, at=ANSWER_BY - 1)),
    # Counter-offers.
    ([REGISTERED], replace(COUNTER_OFFERED, debtor=BANK)),
    ([REGISTERED], replace(COUNTER_OFFERED, face=99)),
    ([REGISTERED], replace(COUNTER_OFFERED, offered_face=0)),
    ([REGISTERED], replace(COUNTER_OFFERED, offered_face=101)),
    ([REGISTERED], replace(COUNTER_OFFERED, offered_face=100, offered_due=DUE)),
    ([REGISTERED], replace(COUNTER_OFFERED, offered_due=LATER_DUE + 1)),
    ([REGISTERED], replace(COUNTER_OFFERED, offered_due=0)),
    ([REGISTERED, *OFFERS], COUNTER_OFFERED),
    ([REGISTERED, *OFFERS], replace(COUNTER_OFFERED, offered_face=90)),
    ([REGISTERED], ACCEPTED),
    ([REGISTERED, COUNTER_OFFERED], replace(ACCEPTED, face=81)),
    ([REGISTERED, COUNTER_OFFERED], replace(ACCEPTED, due=DUE)),
    ([REGISTERED, COUNTER_OFFERED], replace(ACCEPTED, originator=BANK)),
    ([REGISTERED, COUNTER_OFFERED], replace(ACCEPTED, debtor=BANK)),
    ([REGISTERED, COUNTER_OFFERED], replace(ACCEPTED, at=LATER_DUE)),
    ([REGISTERED, COUNTER_OFFERED, replace(COUNTER_OFFERED, offered_face=70)], ACCEPTED),
    # Moves: whole certificates, before the due date, not frozen.
    ([], SPLIT),
    ([REGISTERED], ENDORSED),
    ([REGISTERED, REFUSED], SPLIT),
    (LIVE, replace(SPLIT, end=99)),
    (LIVE, replace(SPLIT, start=1)),
    (LIVE, replace(SPLIT, cut=0)),
    (LIVE, replace(SPLIT, cut=100)),
    (LIVE, replace(SPLIT, at=DUE)),
    ([*LIVE, SPLIT], replace(ENDORSED, receiver=SUPPLIER)),
    ([*LIVE, SPLIT], replace(ENDORSED, start=41)),
    ([*LIVE, SPLIT], replace(ENDORSED, end=99)),
    ([*LIVE, SPLIT], replace(ENDORSED, at=DUE)),
    ([*LIVE, FROZEN], SPLIT),
    ([*LIVE, ALL_FROZEN], SPLIT),
    ([*LIVE, FROZEN], replace(SPLIT, at=FREEZE.expiry - 1)),
    ([*LIVE, FROZEN], Endorsed(1, SELLER, BANK, 0, 100, DOCUMENT, NOW + 60)),
    ([*LIVE, ALL_FROZEN], Endorsed(1, SELLER, BANK, 0, 100, DOCUMENT, NOW + 60)),
    ([*LIVE, SPLIT], MERGED),
    (LIVE, MERGED),
    ([*LIVE, KEPT], replace(MERGED, cut=41)),
    ([*LIVE, KEPT], replace(MERGED, end=99)),
    ([*LIVE, KEPT], replace(MERGED, at=DUE)),
    ([*LIVE, KEPT, replace(FROZEN, end=40)], replace(MERGED, at=NOW + 60)),
    ([*LIVE, KEPT, replace(FROZEN, start=40)], replace(MERGED, at=NOW + 60)),
    ([*LIVE, KEPT, ALL_FROZEN], replace(MERGED, at=NOW + 60)),
    # Orders.
    ([REGISTERED], PARTITIONED),
    (LIVE, replace(PARTITIONED, cut=0)),
    (LIVE, replace(PARTITIONED, cut=100)),
    (LIVE, replace(PARTITIONED, end=99)),
    (LIVE, replace(PARTITIONED, order=bytes(32))),
    ([REGISTERED], FROZEN),
    (LIVE, replace(FROZEN, order=bytes(32))),
    (LIVE, replace(FROZEN, expiry=FROZEN.at)),
    (LIVE, replace(FROZEN, end=99)),
    ([*LIVE, FROZEN], FROZEN),
    ([*LIVE, FROZEN], replace(FROZEN, expiry=FROZEN.expiry - 1)),
    ([*LIVE, *FULL], FROZEN),
    (LIVE, UNFROZEN),
    ([*LIVE, FROZEN], replace(UNFROZEN, order=OTHER_ORDER)),
    ([*LIVE, FROZEN], replace(UNFROZEN, end=99)),
    ([*LIVE, ALL_FROZEN], UNFROZEN),
    ([REGISTERED], ALL_FROZEN),
    (LIVE, replace(ALL_FROZEN, face=99)),
    (LIVE, replace(ALL_FROZEN, order=bytes(32))),
    ([*LIVE, ALL_FROZEN], ALL_FROZEN),
    ([*LIVE, ALL_FROZEN], replace(ALL_FROZEN, expiry=ALL_FROZEN.expiry - 1)),
    ([*LIVE, FROZEN], ALL_UNFROZEN),
    ([REGISTERED], FORCED),
    ([*LIVE, FROZEN], replace(FORCED, receiver=SELLER)),
    ([*LIVE, FROZEN], replace(FORCED, order=bytes(32))),
    ([*LIVE, FROZEN], replace(FORCED, end=99)),
    *(
        ([*LIVE, FROZEN, ALL_FROZEN], replace(entry, countersigner=OFFICER))
        for entry in (PARTITIONED, replace(FROZEN, expiry=NOW + 2_000), UNFROZEN, ALL_UNFROZEN, FORCED)
    ),
]


@pytest.mark.parametrize(("before", "entry"), CANNOT_FOLLOW)
def test_an_entry_that_cannot_follow_breaks_the_journal(before: list[Entry], entry: Entry) -> None:
    state = after(*before)
    with pytest.raises(JournalBroken):
        fold(state, entry)


def test_no_receivable_has_the_registrys_own_journal() -> None:
    nothing = empty_receivable(**WHERE, receivable_id=journal.REGISTRY_JOURNAL)
    with pytest.raises(JournalBroken, match="MemberSuspended is not an entry of a receivable"):
        fold(nothing, SUSPENDED)


def test_no_entry_is_older_than_the_one_before() -> None:
    fold_all(after(), [REGISTERED, replace(CONFIRMED, at=REGISTERED.at)])
    with pytest.raises(JournalBroken, match="follows one of"):
        fold_all(after(), [REGISTERED, replace(CONFIRMED, at=REGISTERED.at - 1)])


# ------------------------------------------------------------------------

MEMBER = MemberAdmitted(SELLER, OPERATOR, 10_000, 5, b"\x07" * 32, 10)
SUSPENDED = MemberSuspended(SELLER, OPERATOR, 4, 20)
MEMBER_FROZEN = MemberFrozen(SELLER, ORDER, OFFICER, COUNTERSIGNER, 500, 30)
MEMBER_UNFROZEN = MemberUnfrozen(SELLER, ORDER, OFFICER, COUNTERSIGNER, 40)
TENOR = ParameterSet(Parameter.TENOR_LIMIT_DAYS, OPERATOR, 90, 2 * DAY_SECONDS, 50)


def test_a_deployment_gives_every_parameter_its_first_value() -> None:
    state = registry_after()
    assert {parameter: values[0].value for parameter, values in state.parameters.items()} == FIRST_VALUES
    assert state.length == len(Parameter)


def test_an_admission_and_a_suspension_fold_to_the_member() -> None:
    state = registry_after(MEMBER, SUSPENDED)
    member = state.members[SELLER]
    assert (member.status, member.kyc_expiry, member.roles) == (MemberStatus.SUSPENDED, 10_000, Role(5))
    assert (member.profile, member.admitted_at, member.suspension_reason) == (b"\x07" * 32, 10, 4)
    head = journal.append(journal.append(registry_after().head, MEMBER.hash()), SUSPENDED.hash())
    assert (state.head, state.length) == (head, len(Parameter) + 2)


def test_a_fold_of_the_registry_leaves_the_state_before_it_alone() -> None:
    start = registry_after()
    fold_registry(start, [MEMBER])
    assert not start.members


def test_a_new_admission_lifts_a_suspension_and_no_freeze() -> None:
    again = replace(MEMBER, kyc_expiry=20_000, at=40)
    member = registry_after(MEMBER, SUSPENDED, MEMBER_FROZEN, again).members[SELLER]
    assert (member.status, member.suspension_reason) == (MemberStatus.ACTIVE, 0)
    assert member.orders == (Freeze(ORDER, 500, 30),)


def test_an_order_on_a_member_is_lifted() -> None:
    assert registry_after(MEMBER, MEMBER_FROZEN, MEMBER_UNFROZEN).members[SELLER].orders == ()
    assert registry_after(MEMBER, SUSPENDED, MEMBER_FROZEN).members[SELLER].orders == (Freeze(ORDER, 500, 30),)


def test_an_order_on_a_member_is_prolonged_from_its_beginning() -> None:
    again = replace(MEMBER_FROZEN, expiry=900, at=35)
    assert registry_after(MEMBER, MEMBER_FROZEN, again).members[SELLER].orders == (Freeze(ORDER, 900, 30),)


def test_pauses_add_up() -> None:
    paused = registry_after(Paused(OPERATOR, 100), Unpaused(OPERATOR, 150), Paused(OPERATOR, 200))
    assert (paused.paused_since, paused.paused_seconds) == (200, 50)
    ended = fold_registry(paused, [Unpaused(OPERATOR, 205)])
    assert (ended.paused_since, ended.paused_seconds) == (0, 55)


def test_a_parameters_values_follow_each_other_and_one_to_come_is_replaced() -> None:
    first = ParameterValue(FIRST_VALUES[Parameter.TENOR_LIMIT_DAYS], 1, 1)
    replaced = registry_after(TENOR, replace(TENOR, value=60, at=60))
    assert replaced.parameters[Parameter.TENOR_LIMIT_DAYS] == (first, ParameterValue(60, 2 * DAY_SECONDS, 60))
    day = 2 * DAY_SECONDS
    followed = registry_after(TENOR, replace(TENOR, value=60, effective=3 * DAY_SECONDS, at=day))
    assert [value.value for value in followed.parameters[Parameter.TENOR_LIMIT_DAYS]] == [first.value, 90, 60]


def test_the_registrys_switches_fold() -> None:
    state = registry_after(RulesSet(BANK, OPERATOR, 60), DescriptorSet(SUPPLIER, OPERATOR, 70), Sunset(OPERATOR, 80))
    assert (state.rules, state.descriptor, state.sunset_at) == (BANK, SUPPLIER, 80)


@pytest.mark.parametrize(
    "entries",
    [
        [SUSPENDED],
        [MEMBER, SUSPENDED, SUSPENDED],
        [MEMBER, replace(SUSPENDED, reason=0)],
        [REGISTERED],
        [ENDORSED],
        [replace(MEMBER, member=bytes(20))],
        [replace(MEMBER, roles=0)],
        [replace(MEMBER, kyc_expiry=MEMBER.at)],
        [MEMBER, replace(MEMBER, kyc_expiry=29, at=30)],
        [MEMBER_FROZEN],
        [MEMBER, replace(MEMBER_FROZEN, order=bytes(32))],
        [MEMBER, replace(MEMBER_FROZEN, expiry=30)],
        [MEMBER, MEMBER_FROZEN, MEMBER_FROZEN],
        [MEMBER, MEMBER_UNFROZEN],
        [MEMBER, MEMBER_FROZEN, replace(MEMBER_UNFROZEN, order=OTHER_ORDER)],
        [Unpaused(OPERATOR, 10)],
        [Paused(OPERATOR, 10), Paused(OPERATOR, 11)],
        [Paused(OPERATOR, 10), Unpaused(OPERATOR, 9)],
        [Sunset(OPERATOR, 10), Sunset(OPERATOR, 11)],
        [replace(TENOR, parameter=0)],
        [replace(TENOR, parameter=7)],
        [replace(TENOR, parameter=Parameter.FORCED_TRANSFER_DELAY_SECONDS)],
        [replace(TENOR, value=0)],
        [replace(TENOR, value=2**16)],
        [replace(TENOR, effective=2 * DAY_SECONDS + 1)],
        [replace(TENOR, at=2 * DAY_SECONDS)],
        [replace(TENOR, effective=2**16 * DAY_SECONDS)],
        [MEMBER, replace(MEMBER_FROZEN, countersigner=OFFICER)],
        [MEMBER, MEMBER_FROZEN, replace(MEMBER_UNFROZEN, countersigner=OFFICER)],
    ],
)
def test_what_cannot_follow_breaks_the_registrys_journal_too(entries: list[Entry]) -> None:
    state = registry_after(*entries[:-1])
    with pytest.raises(JournalBroken, match="of R-0"):
        fold_registry(state, entries[-1:])


@pytest.mark.parametrize(
    "entries",
    [
        [MEMBER],
        [DEPLOYED[1]],
        [replace(DEPLOYED[0], value=0)],
        [*DEPLOYED[:4], replace(DEPLOYED[4], value=365 * DAY_SECONDS + 1)],
        [replace(DEPLOYED[0], effective=DAY_SECONDS)],
        [*DEPLOYED[:4], DEPLOYED[3]],
        [*DEPLOYED[:4], MEMBER],
    ],
)
def test_a_registry_begins_with_its_parameters(entries: list[Entry]) -> None:
    with pytest.raises(JournalBroken):
        fold_registry(empty_registry(**WHERE), entries)
