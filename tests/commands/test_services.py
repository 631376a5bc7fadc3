"""The services of a home folder, the mirror beside them, and a demo that is run again on another day."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pytest

from registry.chain.rpc import Node, NodeUnreachable
from registry.commands import claims, demo, services
from registry.commands.services import AlreadyRunning, Running, following, wipe
from registry.domain.calendar import midnight
from registry.domain.decode import LogMalformed
from registry.domain.fold import JournalBroken
from registry.domain.receivable import DAY_SECONDS
from registry.domain.refusals import Refusal
from registry.mirror.follower import CursorLost, Follower, Step
from registry.processes import started_at
from registry.store.database import Database
from tests.commands.desk import SAMPLES, Desk, refused
from tests.scene import Scene


@pytest.mark.parametrize("failure", [NodeUnreachable, CursorLost, LogMalformed, JournalBroken])
def test_a_mirror_survives_an_answer_that_cannot_be_and_asks_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, failure: type[Refusal]
) -> None:
    monkeypatch.setattr(services, "MIRROR_WAIT_SECONDS", 5.0)
    original = Follower.step
    failed: list[Refusal] = []

    def failing_once(follower: Follower) -> Step:
        if not failed:
            raise failure()
        return original(follower)

    monkeypatch.setattr(Follower, "step", failing_once)
    with following(desk.services, on_failure=failed.append):
        desk.registered()
    assert [type(one) for one in failed] == [failure]


@pytest.mark.parametrize("year", [1960, 1970])
def test_a_due_date_of_long_ago_is_past(desk: Desk, year: int) -> None:
    path = desk.invoice()
    with refused(desk, "due_date_passed"):
        desk.register(path, due=date(year, 1, 1))


def test_the_last_day_of_the_calendar_is_a_due_day() -> None:
    assert claims.due_day(midnight(date.max)) == date.max


def test_wiping_a_home_keeps_its_keys(tmp_path: Path) -> None:
    for name in ("chain/state.json", "postgres/data/PG_VERSION", "deployments/31337.json", "deployments/1.json"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    key = services.master_key(tmp_path)
    wipe(tmp_path)
    left = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert left == ["deployments/1.json", "keys/fingerprint.key"]
    assert services.master_key(tmp_path) == key


def test_a_home_that_is_served_is_not_wiped(tmp_path: Path) -> None:
    own = os.getpid()
    since = started_at(own)
    assert since is not None
    Running(pid=own, since=since, rpc_url=None, database_url=None, api_url=None).write(tmp_path)
    (tmp_path / "chain").mkdir()
    with pytest.raises(AlreadyRunning):
        wipe(tmp_path)
    assert (tmp_path / "chain").is_dir()


def test_a_demo_of_another_day_tells_the_due_date_that_was_registered(
    node: Node, database: Database, tmp_path: Path
) -> None:
    scene = Scene.open(node, with_members=False)
    sample = SAMPLES / "kovarna-fv260361-no-due-date.ubl.xml"
    folder = tmp_path / "invoices"
    folder.mkdir()
    (folder / sample.name).write_bytes(sample.read_bytes())
    here = services.Services(tmp_path, node, database, scene.deployment)
    (first,) = demo.run(here, folder=folder, say=lambda _: None).files
    scene.pass_time(seconds=2 * DAY_SECONDS)
    (second,) = demo.run(here, folder=folder, say=lambda _: None).files
    assert (first.outcome, second.outcome) == ("registered", "earlier")
    assert second.due == first.due
