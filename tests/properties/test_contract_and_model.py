"""The contract, the model and the mirror, driven by the same moves: valid, forbidden, and by whoever comes along."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from registry.store.embedded import EmbeddedPostgres
from tests.properties import registry_runs
from tests.properties.registry_runs import Stage
from tests.properties.registry_world import charter

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]


@pytest.fixture(scope="module")
def stage(work_folder: Path, postgres: EmbeddedPostgres) -> Iterator[Stage]:
    """A registry that is the first of its kind."""
    law = charter(unanswered_max=3, minimum_part_minor=2)
    with registry_runs.stage(law, work_folder / "first", postgres, with_predecessor=False) as made:
        yield made


def test_contract_model_and_mirror_give_the_same_answer_to_every_move(stage: Stage) -> None:
    stage.run(first_seed=1)


def test_the_moves_reached_every_operation_and_every_refusal(stage: Stage) -> None:
    stage.require_long_run()
    assert stage.unreached() == [], str(stage.tally)
