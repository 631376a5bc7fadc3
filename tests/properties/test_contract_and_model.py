"""The contract and the model, driven by the same moves: valid, forbidden, and by whoever comes along."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.properties import registry_runs
from tests.properties.registry_world import Ground, charter

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def ground(work_folder: Path) -> Iterator[Ground]:
    """A registry that is the first of its kind."""
    law = charter(unanswered_max=3, minimum_part_minor=2)
    with registry_runs.ground(law, work_folder=work_folder, with_predecessor=False) as laid:
        yield laid


def test_contract_and_model_give_the_same_answer_to_every_move(ground: Ground) -> None:
    registry_runs.run(ground, first_seed=1)


def test_the_moves_reached_every_operation_and_every_refusal(ground: Ground) -> None:
    if registry_runs.SCALED_DOWN or not ground.tally.steps:
        pytest.skip("the machine did not run, or fewer steps than usual were asked for")
    assert ground.tally.steps >= registry_runs.STEPS_MIN
    # There is no registry before this one.
    assert registry_runs.unreached(ground.tally, except_for={"TakenInPredecessor"}) == [], ground.tally
