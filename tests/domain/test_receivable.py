"""The numbers of statuses and roles are the contract's."""

from __future__ import annotations

import re

import pytest

from registry.domain.receivable import (
    ORDERS_MAX,
    Certificate,
    MemberStatus,
    Parameter,
    RefusalReason,
    Role,
    Scope,
    Status,
    SuspensionReason,
    reason_name,
)
from registry.settings import PROJECT_ROOT


def constants(pattern: str, *, source: str = "libraries/Words.sol", bits: int = 8) -> dict[str, int]:
    """The constants of a Solidity file whose names match; the pattern's group is the name that counts."""
    text = (PROJECT_ROOT / "contracts" / source).read_text()
    found = re.findall(rf"uint{bits} (?:internal|private) constant {pattern} = ([^;]+);", text)
    return {name: eval(value, {}) for name, value in found}


def test_statuses_are_numbered_as_in_the_contract() -> None:
    assert {status.name: status.value for status in Status} == constants("STATUS_([A-Z]+)")
    assert {status.name: status.value for status in MemberStatus if status} == constants("MEMBER_([A-Z]+)")


def test_scopes_and_parameters_are_numbered_as_in_the_contract() -> None:
    assert {scope.name: scope.value for scope in Scope} == constants("SCOPE_([A-Z]+)", source="base/Ledger.sol")
    declared = constants("([A-Z_]+)", source="libraries/Parameters.sol")
    units = "_(DAYS|MINOR|SECONDS)$"
    assert {re.sub(units, "", parameter.name): parameter.value for parameter in Parameter} == declared


def test_as_many_orders_stand_as_the_contract_keeps() -> None:
    assert constants("(ORDERS_MAX)", source="ReceivablesOversight.sol", bits=256) == {"ORDERS_MAX": ORDERS_MAX}


def test_roles_have_the_contracts_bits() -> None:
    declared = constants("ROLE_([A-Z]+)", bits=32)
    assert declared
    assert declared == {name: Role[name].value for name in declared}
    source = (PROJECT_ROOT / "contracts" / "interfaces" / "IReceivables.sol").read_text()
    (listed,) = re.findall(r"@param roles Bit set: ([^.]+)\.", source)
    assert listed == ", ".join(f"{role.value} {(role.name or '').lower()}" for role in Role)


@pytest.mark.parametrize("reasons", [RefusalReason, SuspensionReason])
def test_reason_codes_fit_a_byte_and_are_not_zero(reasons: type[RefusalReason] | type[SuspensionReason]) -> None:
    assert all(0 < reason < 256 for reason in reasons)


def test_a_reason_of_the_list_has_its_name_and_any_other_code_none() -> None:
    assert reason_name(SuspensionReason, 3) == "dishonour"
    assert reason_name(SuspensionReason, 98) is None
    assert {reason_name(RefusalReason, code) for code in range(256)} - {None} == {
        name.lower() for name in RefusalReason.__members__
    }


def test_an_amount_is_the_length_of_the_range() -> None:
    part = Certificate(10, 100, bytes(20), since=3)
    assert part.amount == 90
    assert str(part.id(7)) == "R-7/10-100"
