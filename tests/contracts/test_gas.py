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


def test_gas_has_not_grown(measured: dict[str, int]) -> None:
    """By more than one percent; after a change that is worth its gas: python -m scripts.bench.gas --write."""
    assert gas.grown(measured, json.loads(gas.SNAPSHOT.read_text())) == []


def test_the_snapshot_names_every_operation(measured: dict[str, int]) -> None:
    assert json.loads(gas.SNAPSHOT.read_text()).keys() == measured.keys()


def test_a_miss_and_a_growth_are_told_in_words() -> None:
    used = dict.fromkeys(gas.TARGETS, 0) | {"endorse": 57_001}
    assert gas.missed(used) == ["endorse: 57,001 gas, the target is 57,000"]
    assert gas.grown({"endorse": 1_011, "split": 1_010}, {"endorse": 1_000, "split": 1_000, "gone": 1}) == [
        "endorse: 1,011 gas, 1,000 before"
    ]
