"""Gas against its targets and against the committed snapshot."""

from __future__ import annotations

import json

import pytest

from scripts.bench import gas


@pytest.fixture(scope="module")
def measured() -> dict[str, int]:
    return gas.measured()


def test_gas_meets_its_targets(measured: dict[str, int]) -> None:
    assert gas.missed(measured) == []


def test_every_target_is_of_an_operation_that_is_measured(measured: dict[str, int]) -> None:
    assert gas.TARGETS.keys() <= measured.keys()


def test_every_operation_by_signature_is_measured(measured: dict[str, int]) -> None:
    signed = {name for name in measured if name.endswith(gas.USED_WORD)}
    assert len({name.removesuffix(gas.USED_WORD) for name in signed}) >= 12
    of_several = {name for name in signed if name.startswith("endorse many")}
    assert all(gas.target(name) == gas.SIGNATURE_TARGET for name in signed - of_several)
    assert {gas.target(name) for name in of_several} == {gas.SIGNATURE_TARGET + 4 * gas.SIGNED_CERTIFICATE_TARGET}
    # A word of nonces that was zero costs 17,100 more to write, and nothing else differs but bytes of the signature.
    for name in signed:
        fresh = measured[name.replace(gas.USED_WORD, gas.FRESH_WORD)]
        assert fresh - measured[name] == pytest.approx(17_100, abs=100)


def test_gas_has_not_grown(measured: dict[str, int]) -> None:
    """By more than one percent; after a change that is worth its gas: python -m scripts.bench.gas --write."""
    assert gas.grown(measured, json.loads(gas.SNAPSHOT.read_text())) == []


def test_the_snapshot_names_every_operation(measured: dict[str, int]) -> None:
    assert json.loads(gas.SNAPSHOT.read_text()).keys() == measured.keys()


def test_a_miss_and_a_growth_are_told_in_words() -> None:
    signed = f"split: {gas.USED_WORD}"
    used = dict.fromkeys(gas.TARGETS, 0) | {"endorse": 57_001, signed: 35_001}
    assert gas.missed(used) == [
        "endorse: 57,001 gas, the target is 57,000",
        f"{signed}: 35,001 gas, the target is 35,000",
    ]
    assert gas.grown({"endorse": 1_011, "split": 1_010}, {"endorse": 1_000, "split": 1_000, "gone": 1}) == [
        "endorse: 1,011 gas, 1,000 before"
    ]
