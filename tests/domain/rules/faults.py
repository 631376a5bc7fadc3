"""What can be wrong with a call to a `decide_*`, each fault by itself, so that several can be put into one call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from registry.domain.identifiers import Address
from registry.domain.receivable import Freeze
from registry.domain.refusals import Refusal
from registry.domain.rules import Act, RulesForbid
from tests.domain.setting import KYC_EXPIRY, ORDER, about

Call = dict[str, Any]
"""The arguments of a `decide_*`, with the world among them."""
Fault = Callable[[Call], Call]

FREEZE = Freeze(ORDER, KYC_EXPIRY, 1)


def named(**arguments: Any) -> Fault:
    """Other arguments."""
    return lambda call: call | arguments


def world(**changes: Any) -> Fault:
    return lambda call: call | {"world": replace(call["world"], **changes)}


def registry(**changes: Any) -> Fault:
    return lambda call: world(registry=replace(call["world"].registry, **changes))(call)


def member(account: Address, **changes: Any) -> Fault:
    def fault(call: Call) -> Call:
        members = dict(call["world"].registry.members)
        members[account] = replace(members[account], **changes)
        return registry(members=members)(call)

    return fault


def ineligible(account: Address) -> Fault:
    return member(account, kyc_expiry=0)


def receivable(**changes: Any) -> Fault:
    """R-1 in another state, with the head that it has; whoever signed about it knows the state."""

    def fault(call: Call) -> Call:
        changed = replace(call["world"].receivables[1], **changes)
        signed = {"second": about(call["second"], changed)} if "second" in call else {}
        return world(receivables={1: changed})(call | signed)

    return fault


def certificate(start: int, **changes: Any) -> Fault:
    def fault(call: Call) -> Call:
        certificates = dict(call["world"].receivables[1].certificates)
        certificates[start] = replace(certificates[start], **changes)
        return receivable(certificates=certificates)(call)

    return fault


def signature(**changes: Any) -> Fault:
    """Another signature of the second officer."""
    return lambda call: call | {"second": replace(call["second"], **changes)}


def _forbid(act: Act) -> None:
    raise RulesForbid(str(act))


PAUSED = registry(paused_since=1)
SUNSET = registry(sunset_at=1)
FORBIDDEN = world(extra_rules=_forbid)


@dataclass(frozen=True)
class Operation:
    """A call that is accepted, and what the contract checks about it, in its order."""

    decide: Callable[..., Any]
    accepted: Call
    faults: list[tuple[type[Refusal], Fault]]


def cases(*operations: Operation) -> list[Any]:
    """One case for each fault of each operation."""
    return [
        pytest.param(operation, index, id=f"{operation.decide.__name__}-{index}-{refusal.__name__}")
        for operation in operations
        for index, (refusal, _) in enumerate(operation.faults)
    ]


def assert_fault_is_told_before_those_after_it(operation: Operation, index: int) -> None:
    """With the fault and all that the contract checks after it in one call, the refusal is the fault's; so it is alone.

    The call without any fault is accepted.
    """
    operation.decide(**operation.accepted)
    refusal, fault = operation.faults[index]
    everything = operation.accepted
    for _, later in reversed(operation.faults[index + 1 :]):
        everything = later(everything)
    for call in (fault(operation.accepted), fault(everything)):
        with pytest.raises(refusal) as refused:
            operation.decide(**call)
        assert type(refused.value) is refusal
