"""What the operator does: what the contract would refuse, in its order, and what it would write."""

from __future__ import annotations

import pytest

from registry.domain import rules
from registry.domain.fold import fold_registry
from registry.domain.journal import (
    DescriptorSet,
    Entry,
    MemberAdmitted,
    MemberSuspended,
    ParameterSet,
    Paused,
    RulesSet,
    Sunset,
    Unpaused,
)
from registry.domain.receivable import DAY_SECONDS, MemberStatus, Parameter
from tests.domain.rules import faults
from tests.domain.rules.faults import Operation, assert_fault_is_told_before_those_after_it, cases, named
from tests.domain.setting import KYC_EXPIRY, NOW, OPERATOR, SELLER, STRANGER, SUPPLIER, world

CODE = b"\xc0" * 20
REGISTRY = b"\xc1" * 20
BY = {"world": world(contracts=frozenset({CODE}), address=REGISTRY), "actor": OPERATOR, "now": NOW}
STRANGERS: tuple[type[rules.ChainRefusal], faults.Fault] = (rules.NotAuthorised, named(actor=SELLER))

ADMIT = Operation(
    rules.decide_admit,
    BY | {"member": STRANGER, "kyc_expiry": KYC_EXPIRY, "roles": 1, "profile": bytes(32)},
    [
        STRANGERS,
        (rules.MemberMalformed, named(roles=0)),
        (rules.MemberMalformed, named(kyc_expiry=NOW)),
        (rules.MemberMalformed, named(member=REGISTRY)),
    ],
)
SUSPEND = Operation(
    rules.decide_suspend,
    BY | {"member": SELLER, "reason": 1},
    [
        STRANGERS,
        (rules.UnknownMember, named(member=STRANGER)),
        (rules.UnknownMember, faults.member(SELLER, status=MemberStatus.SUSPENDED)),
        (rules.ReasonMissing, named(reason=0)),
    ],
)
PAUSE = Operation(rules.decide_pause, BY, [STRANGERS, (rules.RegistryPaused, faults.PAUSED)])
UNPAUSE = Operation(
    rules.decide_unpause, faults.PAUSED(BY), [STRANGERS, (rules.RegistryNotPaused, faults.registry(paused_since=0))]
)
SET_PARAMETER = Operation(
    rules.decide_set_parameter,
    BY | {"parameter": Parameter.MINIMUM_PART_MINOR, "value": 100, "effective": DAY_SECONDS},
    [
        STRANGERS,
        (rules.ParameterMalformed, named(parameter=Parameter.FORCED_TRANSFER_DELAY_SECONDS)),
        (rules.ParameterMalformed, named(effective=DAY_SECONDS + 1)),
        (rules.ParameterMalformed, named(value=0)),
    ],
)
SET_RULES = Operation(
    rules.decide_set_rules, BY | {"rules": CODE}, [STRANGERS, (rules.ParameterMalformed, named(rules=SUPPLIER))]
)
SET_DESCRIPTOR = Operation(
    rules.decide_set_descriptor,
    BY | {"descriptor": CODE},
    [STRANGERS, (rules.ParameterMalformed, named(descriptor=SUPPLIER))],
)
SUNSET = Operation(rules.decide_sunset, BY, [STRANGERS, (rules.RegistryInSunset, faults.SUNSET)])


@pytest.mark.parametrize(
    ("operation", "index"),
    cases(ADMIT, SUSPEND, PAUSE, UNPAUSE, SET_PARAMETER, SET_RULES, SET_DESCRIPTOR, SUNSET),
)
def test_the_first_fault_is_told(operation: Operation, index: int) -> None:
    assert_fault_is_told_before_those_after_it(operation, index)


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        (ADMIT, MemberAdmitted(STRANGER, OPERATOR, KYC_EXPIRY, 1, bytes(32), NOW)),
        (SUSPEND, MemberSuspended(SELLER, OPERATOR, 1, NOW)),
        (PAUSE, Paused(OPERATOR, NOW)),
        (UNPAUSE, Unpaused(OPERATOR, NOW)),
        (SET_PARAMETER, ParameterSet(2, OPERATOR, 100, DAY_SECONDS, NOW)),
        (SET_RULES, RulesSet(CODE, OPERATOR, NOW)),
        (SET_DESCRIPTOR, DescriptorSet(CODE, OPERATOR, NOW)),
        (SUNSET, Sunset(OPERATOR, NOW)),
    ],
    ids=lambda value: value.decide.__name__ if isinstance(value, Operation) else "",
)
def test_a_decision_is_the_entry_that_the_fold_takes(operation: Operation, expected: Entry) -> None:
    entry = operation.decide(**operation.accepted)
    assert entry == expected
    fold_registry(operation.accepted["world"].registry, [entry])


def test_rules_and_descriptor_may_be_none() -> None:
    rules.decide_set_rules(**SET_RULES.accepted | {"rules": bytes(20)})
    rules.decide_set_descriptor(**SET_DESCRIPTOR.accepted | {"descriptor": bytes(20)})
