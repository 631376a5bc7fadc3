"""Chaos: whatever befalls node, mirror and database, in the end the books are those of a mirror built anew."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from registry.mirror import store
from registry.mirror.reconcile import reconcile
from registry.store.database import Database
from tests.mirror.chaos import GROUPS, opened
from tests.mirror.following import built_from_nothing, digest, until

SECONDS = float(os.environ.get("COUNTERFOIL_TEST_CHAOS_SECONDS", "60"))
SEEDS = [int(seed) for seed in os.environ.get("COUNTERFOIL_TEST_CHAOS_SEEDS", "1").split()]
CONVERGED_SECONDS_MAX = 30
LOG_SHOWN = 6_000

HAPPENED = (
    "operations",
    "reorgs",
    "reorgs beyond finalized",
    "transactions undone",
    "mirrors killed",
    "sessions ended",
    "databases killed",
    "times without a node",
)


@pytest.fixture
def folder() -> Iterator[Path]:
    """Short enough for sockets."""
    found = Path(tempfile.mkdtemp(prefix="counterfoil-chaos-"))
    yield found
    shutil.rmtree(found, ignore_errors=True)


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 240)
@pytest.mark.parametrize("seed", SEEDS)
def test_after_chaos_the_mirror_equals_one_built_from_nothing(
    folder: Path, seed: int, record_property: Callable[[str, object], None]
) -> None:
    with opened(folder, seed=seed) as chaos:
        chaos.drive(seconds=SECONDS)
        faults = chaos.proxy.happened()
        right = built_from_nothing(chaos.scene, chaos.postgres)
        database = Database(chaos.postgres.url("chaos"))

        def converged() -> bool:
            chaos.keep_mirror()
            with closing(database.engine.raw_connection()) as connection:
                cursor, aside = store.read_standing(connection.driver_connection)  # type: ignore[arg-type]
            return (
                cursor is not None
                and cursor.number == chaos.scene.node.head()
                and not aside
                and digest(database) == right
            )

        print(dict(chaos.done), dict(faults))  # noqa: T201
        try:
            seconds = until(converged, seconds=CONVERGED_SECONDS_MAX)
            report = reconcile(database, chaos.scene.node, contract=chaos.scene.deployment.receivables, deep=True)
            assert report.differences == []
        except BaseException:
            print((folder / "mirror.log").read_text(errors="replace")[-LOG_SHOWN:])  # noqa: T201  (pytest shows it)
            raise
        finally:
            database.dispose()
    assert [name for name, kinds in GROUPS.items() if not any(faults[kind] for kind in kinds)] == []
    assert [what for what in HAPPENED if not chaos.done[what]] == []
    for name in ("operations", "reorgs", "mirrors killed", "databases killed"):
        record_property(name, chaos.done[name])
    record_property("faults", sum(faults.values()))
    record_property("converged_ms", round(seconds * 1000))
