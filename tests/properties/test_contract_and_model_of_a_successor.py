"""The same of a registry under stricter law, which succeeds another one: what lives there stays taken."""

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
    """A registry that succeeds another one, in which one claim lives."""
    law = charter(unanswered_max=2, minimum_part_minor=5)
    with registry_runs.stage(law, work_folder / "successor", postgres, with_predecessor=True) as made:
        yield made


def test_contract_model_and_mirror_of_a_successor_give_the_same_answer_to_every_move(stage: Stage) -> None:
    stage.run(first_seed=10_001)


def test_the_moves_of_a_successor_reached_every_operation_and_every_refusal(stage: Stage) -> None:
    stage.require_long_run()
    assert stage.unreached() == [], str(stage.tally)
