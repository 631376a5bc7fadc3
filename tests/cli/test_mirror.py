"""`counterfoil mirror`: what it follows up to, what it says of the others, and `mirror status`."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from registry.processes import free_port
from registry.settings import settings
from registry.store.database import Database
from registry.store.embedded import EmbeddedPostgres
from tests.cli.conftest import Cli
from tests.conftest import empty_database
from tests.e2e.running import temporary_home
from tests.mirror.following import built_from_nothing, busy, digest, follower_of
from tests.scene import Scene

Set = Callable[[str, object], None]


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    with temporary_home() as folder:
        yield folder


@pytest.fixture
def database(postgres: EmbeddedPostgres) -> Iterator[Database]:
    with empty_database(postgres) as made:
        yield made


@pytest.fixture
def given(
    home: Path,
    home_variable: Callable[[Path], None],
    scene: Scene,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> Set:
    """Sets one more setting; chain, deployment and database are."""

    def set_(name: str, value: object) -> None:
        monkeypatch.setenv(f"COUNTERFOIL_{name.upper()}", str(value))
        settings.cache_clear()

    home_variable(home)
    scene.deployment.write(home / "deployments")
    set_("rpc_url", scene.node.url)
    set_("database_url", database.url)
    return set_


@pytest.mark.usefixtures("given")
def test_before_anything_is_mirrored_nobody_writes_and_nothing_is_known(cli: Cli, scene: Scene) -> None:
    found = cli.json("mirror", "status")
    assert found.pop("node_block") == scene.node.head()
    assert (found.pop("waiting"), found.pop("set_aside")) == ([], [])
    assert set(found.values()) == {None}
    shown = cli("mirror", "status").stdout
    assert "nobody" in shown


@pytest.mark.usefixtures("given")
def test_a_mirror_that_has_caught_up_is_at_the_nodes_block(
    cli: Cli, scene: Scene, database: Database, postgres: EmbeddedPostgres
) -> None:
    busy(scene, rounds=1)
    done = cli("mirror", "--once")
    head = scene.node.head()
    assert done.stdout == f"mirrored to block {head}\n"
    assert f"block {head} of {head}, " in done.stderr
    assert digest(database) == built_from_nothing(scene, postgres)
    cli("reconcile")
    latest = scene.node.block(head)
    assert latest is not None
    found = cli.json("mirror", "status")
    assert found.pop("reconciled_at")
    assert found == {
        "writes": None,
        "waiting": [],
        "node_block": head,
        "block": head,
        "block_hash": f"0x{latest.hash.hex()}",
        "lag_blocks": 0,
        "finality": "latest",
        "safe_block": found["safe_block"],
        "finalized_block": found["finalized_block"],
        "checked_block": head,
        "set_aside": [],
        "reconciled_block": head,
        "differences": 0,
    }
    assert found["finalized_block"] <= found["safe_block"] < head


@pytest.mark.usefixtures("given")
def test_who_writes_and_who_waits_is_seen_and_a_third_leaves_it_to_them(
    cli: Cli, scene: Scene, database: Database
) -> None:
    with closing(follower_of(scene, database)) as writer, closing(follower_of(scene, database)) as waiting:
        assert writer.take_lease()
        assert not waiting.take_lease()
        found = cli.json("mirror", "status")
        assert found["writes"].startswith("counterfoil-mirror ")
        assert len(found["waiting"]) == 1
        assert found["writes"] in cli("mirror", "status").stdout
        cli.refused("nothing_mirrored", "mirror", "--once")
        reached = writer.catch_up().number
        scene.register()
        done = cli("mirror", "--once")
        assert done.stdout == f"mirrored to block {reached}\n"
        assert "another mirror writes" in done.stderr
    assert cli.json("mirror", "--once")["block"] == reached + 1


@pytest.mark.usefixtures("given")
def test_what_is_set_aside_is_told_with_the_reason(cli: Cli, scene: Scene, database: Database) -> None:
    receivable_id = scene.register()
    cli("mirror", "--once")
    with database.bulk() as connection:
        connection.execute(
            "INSERT INTO quarantine (journal_id, block_number, reason) VALUES (%s, 7, 'a [red]reason[/]')",
            (receivable_id,),
        )
    (aside,) = cli.json("mirror", "status")["set_aside"]
    assert aside.pop("since")
    assert aside == {"journal": f"R-{receivable_id}", "block": 7, "reason": "a [red]reason[/]"}
    shown = cli("mirror", "status").stdout
    assert "at block 7: a [red]reason[/]" in shown


def test_the_state_of_the_mirror_is_told_while_the_node_does_not_answer(cli: Cli, scene: Scene, given: Set) -> None:
    cli("mirror", "--once")
    given("rpc_url", f"http://127.0.0.1:{free_port()}")
    found = cli.json("mirror", "status")
    assert (found["node_block"], found["lag_blocks"], found["block"]) == (None, None, scene.node.head())
    assert "does not answer" in cli("mirror", "status").stdout


# ----------------------------------------------------------------- as it is set


def test_confirmations_keep_it_so_many_blocks_behind(cli: Cli, scene: Scene, given: Set) -> None:
    given("confirmations", 3)
    busy(scene, rounds=1)
    head = scene.node.head()
    assert cli.json("mirror", "--once")["block"] == head - 3
    found = cli.json("mirror", "status")
    assert (found["node_block"], found["lag_blocks"]) == (head, 3)


@pytest.mark.parametrize("tag", ["safe", "finalized"])
def test_it_follows_up_to_what_the_node_calls_safe_or_finalized(cli: Cli, scene: Scene, given: Set, tag: str) -> None:
    given("mirror_follows", tag)
    scene.node.request("anvil_mine", hex(70))
    tips = scene.node.tips()
    last = tips.safe if tag == "safe" else tips.finalized
    assert last is not None
    assert scene.deployment.block_number < last < tips.latest.number
    assert cli.json("mirror", "--once")["block"] == last
    found = cli.json("mirror", "status")
    assert (found["finality"], found[f"{tag}_block"]) == (tag, last)


def test_where_the_first_node_is_dead_the_second_is_mirrored(
    cli: Cli, scene: Scene, database: Database, postgres: EmbeddedPostgres, given: Set
) -> None:
    given("rpc_url", f"http://127.0.0.1:{free_port()} {scene.node.url}")
    busy(scene, rounds=1)
    assert cli.json("mirror", "--once")["block"] == scene.node.head()
    assert digest(database) == built_from_nothing(scene, postgres)


def test_a_port_for_figures_that_is_taken_is_named(cli: Cli, given: Set, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("registry.cli.mirror.configure_logging", lambda **_: None)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        given("metrics_port", port)
        assert f"COUNTERFOIL_METRICS_PORT: {port} cannot be listened at" in cli("mirror", exit_code=1).stderr
