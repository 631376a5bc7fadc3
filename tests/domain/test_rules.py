"""The rules by themselves. That contract and rules agree in every combination is for the properties to show."""

from __future__ import annotations

from dataclasses import replace

import pytest

from registry.chain.compile import compile_contracts
from registry.domain import rules
from registry.domain.fold import empty_receivable, empty_registry, fold_all, fold_registry
from registry.domain.identifiers import MINOR_MAX, Address, CertificateId
from registry.domain.journal import Confirmed, MemberAdmitted, Refused, Registered
from registry.domain.receivable import DAY_SECONDS, Certificate, Member, MemberStatus, Phase, Receivable, Role, Status
from registry.domain.refusals import Refusal
from registry.domain.rules import CHAIN_REFUSALS, Claim, World

WHERE = {"chain_id": 31337, "contract": b"\xcc" * 20}
SELLER, BUYER, SUPPLIER, BANK, OPERATOR, STRANGER = (bytes([number]) * 20 for number in range(1, 7))
DUE = 100 * DAY_SECONDS
NOW = 1_000
EXPIRY = 200 * DAY_SECONDS
DOCUMENT = b"\x0d" * 32
CLAIM = Claim(BUYER, 100, DUE, 978, b"\x01" * 32, b"\x02" * 32)
REGISTERED = Registered(1, SELLER, BUYER, 100, DUE, 978, b"\x01" * 32, b"\x02" * 32, NOW)
EMPTY = empty_receivable(**WHERE, receivable_id=1)
OPEN = fold_all(EMPTY, [REGISTERED])
LIVE = fold_all(OPEN, [Confirmed(1, BUYER, SELLER, 100, NOW)])
DECLINED = fold_all(OPEN, [Refused(1, BUYER, 1, 100, NOW)])


def world(*receivables: Receivable) -> World:
    """A registry with a seller, a buyer, a supplier and a bank."""
    roles = {SELLER: 1, BUYER: 2, SUPPLIER: 1, BANK: 4}
    admissions = [MemberAdmitted(who, OPERATOR, EXPIRY, roles[who], bytes(32), 1) for who in roles]
    return World(
        registry=fold_registry(empty_registry(**WHERE), admissions),
        receivables={state.receivable_id: state for state in receivables},
        fingerprints={},
        operator=OPERATOR,
        approvals={},
        operators=frozenset(),
    )


# ---------------------------------------------------------------- refusals


def test_every_custom_error_of_the_contract_has_a_refusal_and_every_refusal_an_error() -> None:
    errors = {item["name"] for item in compile_contracts()["IReceivables"].abi if item["type"] == "error"}
    assert errors == CHAIN_REFUSALS.keys()


def test_refusals_have_codes_of_their_own_and_words() -> None:
    kinds = [*CHAIN_REFUSALS.values(), rules.NotAuthorised]
    assert len({kind.code for kind in kinds}) == len(kinds)
    for kind in kinds:
        assert kind.title
        assert str(kind()) == kind.title
        assert 400 <= kind.status < 500
        assert kind.code == kind.code.lower().replace(" ", "_")


# ------------------------------------------------------------------- phases


@pytest.mark.parametrize(
    ("state", "now", "expected"),
    [
        (OPEN, DUE - 1, Phase.REGISTERED),
        (OPEN, DUE + 9 * DAY_SECONDS, Phase.REGISTERED),
        (DECLINED, NOW, Phase.REFUSED),
        (LIVE, DUE - 1, Phase.LIVE),
        (LIVE, DUE, Phase.DUE),
        (LIVE, DUE + DAY_SECONDS - 1, Phase.DUE),
        (LIVE, DUE + DAY_SECONDS, Phase.OVERDUE),
    ],
)
def test_a_phase_is_status_and_clock(state: Receivable, now: int, expected: Phase) -> None:
    assert rules.phase(state, now=now) is expected


# --------------------------------------------------------------- single rules


@pytest.mark.parametrize(
    ("face", "currency", "due", "refusal"),
    [
        (0, 978, DUE, rules.FaceMissing),
        (-1, 978, DUE, rules.FaceMissing),
        (MINOR_MAX + 1, 978, DUE, rules.FaceMissing),
        (1, 0, DUE, rules.CurrencyMalformed),
        (1, 1_000, DUE, rules.CurrencyMalformed),
        (1, 978, DUE + 1, rules.DueDateMalformed),
        (1, 978, 0, rules.DueDatePassed),
    ],
)
def test_a_malformed_claim_is_refused(face: int, currency: int, due: int, refusal: type[Refusal]) -> None:
    with pytest.raises(refusal):
        rules.require_claim(face, currency, due, now=NOW)


@pytest.mark.parametrize(("face", "currency"), [(1, 1), (MINOR_MAX, 999)])
def test_the_extremes_of_a_claim_are_allowed(face: int, currency: int) -> None:
    rules.require_claim(face, currency, DUE, now=DUE - 1)


def test_the_due_second_is_too_late() -> None:
    rules.require_before_due(DUE, now=DUE - 1)
    with pytest.raises(rules.DueDatePassed):
        rules.require_before_due(DUE, now=DUE)


def test_a_cut_leaves_at_least_a_cent_on_either_side() -> None:
    part = Certificate(10, 12, SELLER, 1)
    rules.require_cut(part, 11)
    for cut in (9, 10, 12, 13):
        with pytest.raises(rules.CutOutOfRange):
            rules.require_cut(part, cut)


def test_nothing_moves_unless_confirmed_and_unpaid_before_the_due_date() -> None:
    rules.require_movable(LIVE, now=DUE - 1)
    for state, now, refusal in (
        (OPEN, NOW, rules.StatusForbids),
        (DECLINED, NOW, rules.StatusForbids),
        (LIVE, DUE, rules.DueDatePassed),
        (replace(LIVE, paid=1), NOW, rules.AlreadyPaid),
    ):
        with pytest.raises(refusal):
            rules.require_movable(state, now=now)


def test_kyc_ends_at_its_second() -> None:
    member = Member(SELLER, MemberStatus.ACTIVE, EXPIRY, Role.SUPPLIER, bytes(32), 1)
    assert rules.is_eligible(member, now=EXPIRY - 1)
    assert not rules.is_eligible(member, now=EXPIRY)
    assert not rules.is_eligible(replace(member, status=MemberStatus.SUSPENDED), now=NOW)
    assert not rules.is_eligible(None, now=NOW)


def test_who_reads_by_a_certificate_id_names_a_whole_range() -> None:
    part = LIVE.certificates[0]
    rules.require_same_range(part, CertificateId(1, 0, 100))
    with pytest.raises(rules.UnknownCertificate, match="R-1/0-100"):
        rules.require_same_range(part, CertificateId(1, 0, 99))


# ---------------------------------------------------------------- authority


@pytest.mark.parametrize("actor", [SELLER, BANK, SUPPLIER])
def test_holder_approved_and_operator_may_move(actor: Address) -> None:
    allowed = replace(world(LIVE), approvals={1 << 64: BANK}, operators=frozenset({(SELLER, SUPPLIER)}))
    assert allowed.require_authority(actor, (1, 0))[1].holder == SELLER
    with pytest.raises(rules.NotHolder):
        allowed.require_authority(STRANGER, (1, 0))


@pytest.mark.parametrize("certificate_id", [(1, 1), (2, 0), (0, 0)])
def test_an_unknown_certificate_is_nobodys(certificate_id: tuple[int, int]) -> None:
    with pytest.raises(rules.UnknownCertificate):
        world(LIVE).require_authority(SELLER, certificate_id)


@pytest.mark.parametrize("end", [99, 101])
def test_an_operation_on_a_range_that_is_another_now_is_refused_once_authority_is_clear(end: int) -> None:
    named = CertificateId(1, 0, end)
    with pytest.raises(rules.RangeChanged, match=f"R-1/0-{end} is now R-1/0-100"):
        world(LIVE).require_named(SELLER, named)
    with pytest.raises(rules.NotHolder):
        world(LIVE).require_named(STRANGER, named)
    late = {"certificate_id": named, "receiver": SELLER, "document": DOCUMENT, "now": DUE}
    with pytest.raises(rules.RangeChanged):
        rules.decide_split(world(LIVE), actor=SELLER, cut=200, **late)
    with pytest.raises(rules.RangeChanged):
        rules.decide_endorse(world(LIVE), actor=SELLER, **late)


# ---------------------------------------------------------------- decisions


def test_a_decision_is_the_entry_that_the_fold_takes() -> None:
    """Every decision folds on: what is decided never breaks the journal."""
    here = world()
    registered = rules.decide_register(here, actor=SELLER, claim=CLAIM, now=NOW)
    assert registered == REGISTERED
    confirmed = rules.decide_confirm(world(OPEN), actor=BUYER, receivable_id=1, head=OPEN.head, now=NOW)
    split = rules.decide_split(
        world(LIVE),
        actor=SELLER,
        certificate_id=CertificateId(1, 0, 100),
        cut=40,
        receiver=SUPPLIER,
        document=DOCUMENT,
        now=NOW,
    )
    endorsed = rules.decide_endorse(
        world(fold_all(LIVE, [split])),
        actor=SUPPLIER,
        certificate_id=CertificateId(1, 40, 100),
        receiver=BANK,
        document=rules.NO_DOCUMENT,
        now=NOW,
    )
    state = fold_all(EMPTY, [registered, confirmed, split, endorsed])
    assert [part.holder for part in state.certificates.values()] == [SELLER, BANK]
    refused = rules.decide_refuse(world(OPEN), actor=BUYER, receivable_id=1, head=OPEN.head, reason=1, now=NOW)
    assert fold_all(OPEN, [refused]).status is Status.REFUSED


def test_an_anchor_is_the_head_and_nothing_else() -> None:
    with pytest.raises(rules.AnchorMismatch):
        rules.decide_confirm(world(OPEN), actor=BUYER, receivable_id=1, head=EMPTY.head, now=NOW)


def test_a_fingerprint_that_lives_is_taken() -> None:
    key = (CLAIM.fingerprint, BUYER, SELLER)
    with pytest.raises(rules.FingerprintTaken, match="R-1"):
        rules.decide_register(replace(world(OPEN), fingerprints={key: 1}), actor=SELLER, claim=CLAIM, now=NOW)


def test_only_the_operator_admits_and_suspends() -> None:
    with pytest.raises(rules.NotAuthorised):
        rules.decide_suspend(world(), actor=SELLER, member=BUYER, reason=1, now=NOW)
    with pytest.raises(rules.NotAuthorised):
        rules.decide_admit(
            world(), actor=SELLER, member=STRANGER, kyc_expiry=EXPIRY, roles=1, profile=bytes(32), now=NOW
        )
    admitted = rules.decide_admit(
        world(), actor=OPERATOR, member=STRANGER, kyc_expiry=NOW + 1, roles=1, profile=bytes(32), now=NOW
    )
    assert admitted.at == NOW
