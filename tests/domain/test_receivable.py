"""The numbers of statuses and roles are the contract's."""

from __future__ import annotations

import re

import pytest

from registry.domain.receivable import Certificate, MemberStatus, RefusalReason, Role, Status, SuspensionReason
from registry.settings import PROJECT_ROOT


def constants(prefix: str) -> dict[str, int]:
    source = (PROJECT_ROOT / "contracts" / "libraries" / "Words.sol").read_text()
    found = re.findall(rf"uint\d+ internal constant {prefix}_([A-Z]+) = ([^;]+);", source)
    return {name: eval(value, {}) for name, value in found}


def test_statuses_are_numbered_as_in_the_contract() -> None:
    assert {status.name: status.value for status in Status} == constants("STATUS")
    assert {status.name: status.value for status in MemberStatus if status} == constants("MEMBER")


def test_roles_have_the_contracts_bits() -> None:
    declared = constants("ROLE")
    assert declared
    assert declared == {name: Role[name].value for name in declared}
    source = (PROJECT_ROOT / "contracts" / "interfaces" / "IReceivables.sol").read_text()
    (listed,) = re.findall(r"@param roles Bit set: ([^.]+)\.", source)
    assert listed == ", ".join(f"{role.value} {(role.name or '').lower()}" for role in Role)


@pytest.mark.parametrize("reasons", [RefusalReason, SuspensionReason])
def test_reason_codes_fit_a_byte_and_are_not_zero(reasons: type[RefusalReason] | type[SuspensionReason]) -> None:
    assert all(0 < reason < 256 for reason in reasons)


def test_an_amount_is_the_length_of_the_range() -> None:
    part = Certificate(10, 100, bytes(20), since=3)
    assert part.amount == 90
    assert str(part.id(7)) == "R-7/10-100"
