"""The same of a registry under stricter law, which succeeds another one: what lives there stays taken."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.properties import registry_runs
from tests.properties.registry_world import Ground, charter

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def ground(work_folder: Path) -> Iterator[Ground]:
    """A registry that succeeds another one, in which one claim lives."""
    law = charter(unanswered_max=2, minimum_part_minor=5)
    with registry_runs.ground(law, work_folder=work_folder, with_predecessor=True) as laid:
        yield laid


def test_contract_and_model_of_a_successor_give_the_same_answer_to_every_move(ground: Ground) -> None:
    registry_runs.run(ground, first_seed=10_001)


def test_the_moves_of_a_successor_reached_every_operation_and_every_refusal(ground: Ground) -> None:
    if registry_runs.SCALED_DOWN or not ground.tally.steps:
        pytest.skip("the machine did not run, or fewer steps than usual were asked for")
    assert ground.tally.steps >= registry_runs.STEPS_MIN
    assert registry_runs.unreached(ground.tally, except_for=set()) == [], ground.tally
