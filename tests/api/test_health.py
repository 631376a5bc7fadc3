"""Whether the service lives, whether it is ready, and its figures: with everything that can be wrong."""

from __future__ import annotations

import dataclasses
import os
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.deps import Services
from registry.chain.rpc import Node, NodeUnreachable
from registry.commands.services import Running
from registry.mirror import auditor
from registry.mirror.reconcile import reconcile
from registry.mirror.writer import Writer
from registry.processes import started_at
from registry.settings import Settings
from registry.store import database as databases
from registry.store.database import Database, DatabaseUnreachable, QueryTimeout
from registry.store.embedded import EmbeddedPostgres
from tests.api.conftest import Api, serving
from tests.api.test_reads import travelled
from tests.mirror.following import until
from tests.scene import Scene


def reasons(api: Api) -> list[str]:
    found = api.problem("/ready", status=503, code="not_ready")
    return [reason["code"] for reason in found["reasons"]]


def test_a_mirror_that_is_up_to_date_is_ready(api: Api) -> None:
    travelled(api)
    api.mirror()
    found = api.get("/ready")
    assert (found["status"], found["lag_blocks"], found["last_reconciliation"]) == ("ready", 0, None)
    assert found["node_block"] == found["as_of_block"]["number"]
    reconcile(api.services.database, api.scene.node, contract=api.scene.deployment.receivables, deep=True)
    reconciled = api.get("/ready")["last_reconciliation"]
    assert (reconciled["deep"], reconciled["differences"]) == (True, 0)


def test_without_services_given_those_of_the_home_folder_are_found(
    scene: Scene, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    since = started_at(os.getpid())
    assert since is not None
    scene.deployment.write(tmp_path / "deployments")
    Running(os.getpid(), since, rpc_url=scene.node.url, database_url=database.url, api_url=None).write(tmp_path)
    monkeypatch.setattr("api.app.settings", lambda: Settings(home=tmp_path, rpc_url=None, database_url=None))
    running = serving(None)
    with httpx.Client(base_url=next(running), timeout=30) as client:
        api = Api(Services(database, scene.node, scene.deployment, Settings()), client, scene)
        api.mirror()
        assert api.get("/ready")["status"] == "ready"
    next(running, None)


def test_nothing_mirrored_is_not_ready_and_answers_no_read(api: Api) -> None:
    assert reasons(api) == ["nothing_mirrored"]
    api.problem("/v1/receivables", status=503, code="nothing_mirrored")
    assert api.get("/health") == {"status": "alive"}


def test_a_lag_within_the_limit_is_ready_and_beyond_it_is_not(api: Api) -> None:
    api.mirror()
    api.scene.mine(3)
    assert api.get("/ready")["lag_blocks"] == 3
    api.scene.mine(1)
    assert reasons(api) == ["mirror_lags"]
    # What is read is still true at the block that it names.
    assert api.get("/v1/members")["as_of_block"]["number"] == api.scene.node.head() - 4
    api.mirror()
    assert api.get("/ready")["lag_blocks"] == 0


def test_a_mirror_on_an_abandoned_fork_is_not_ready(api: Api) -> None:
    travelled(api)
    api.mirror()
    api.scene.reorg(depth=2)
    assert reasons(api) == ["mirror_disagrees"]
    api.mirror()
    assert api.get("/ready")["lag_blocks"] == 0


def test_a_failed_reconciliation_is_not_ready(api: Api) -> None:
    travelled(api)
    api.mirror()
    with api.services.database.bulk() as connection:
        connection.execute("UPDATE journal SET head = '\\x00' WHERE journal_id = 1")
    reconcile(api.services.database, api.scene.node, contract=api.scene.deployment.receivables)
    assert reasons(api) == ["reconciliation_failed"]
    assert "counterfoil_reconciliation_differences 1.0" in api.client.get("/metrics").text


def test_a_comparison_that_never_finishes_is_not_ready_while_a_mirror_writes(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auditor, "OVERDUE_SECONDS_MIN", 0.0)
    monkeypatch.setattr(api.services.settings, "reconcile_seconds", 1e-9)
    api.mirror()
    assert api.get("/ready")["status"] == "ready"  # nobody writes, so none is due
    with closing(Writer(api.services.database)) as writer:
        until(writer.take_lease)
        assert reasons(api) == ["reconciliation_overdue"]
        reconcile(api.services.database, api.scene.node, contract=api.scene.deployment.receivables)
        for seconds, due in ((0, False), (1_000_000, True)):
            with api.services.database.bulk() as connection:
                connection.execute("UPDATE reconciliation SET seconds = %s", (seconds,))
            assert (api.client.get("/ready").status_code == 200) is due
    assert "counterfoil_reconciliation_timestamp_seconds 1." in api.client.get("/metrics").text
    until(lambda: api.client.get("/ready").status_code == 200)


def test_a_mirror_that_has_just_begun_to_write_owes_no_comparison(api: Api) -> None:
    api.mirror()
    with closing(Writer(api.services.database)) as writer:
        until(writer.take_lease)
        assert api.get("/ready")["last_reconciliation"] is None


def test_a_database_of_another_registry_is_not_ready(api: Api, node: Node, database: Database) -> None:
    api.mirror()
    other = Scene.open(node)
    with_other = dataclasses.replace(api.services, deployment=other.deployment)
    running = serving(with_other)
    api.client.base_url = next(running)
    assert reasons(api) == ["other_registry"]
    api.problem("/v1/members", status=409, code="other_registry")
    next(running, None)


def test_a_node_that_does_not_answer_is_not_ready_and_reads_go_on(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    travelled(api)
    api.mirror()

    def silent(*_: Any, **__: Any) -> None:
        raise NodeUnreachable("silent")

    monkeypatch.setattr(api.services.node, "_asked", silent)
    assert reasons(api) == ["node_unreachable"]
    assert api.get("/v1/receivables/R-1")["id"] == "R-1"
    figures = api.client.get("/metrics").text
    assert 'counterfoil_up{service="node"} 0.0' in figures
    assert 'counterfoil_up{service="database"} 1.0' in figures


def test_a_database_that_ended_is_a_503_everywhere_and_heals(
    work_folder: Any, scene: Scene, services: Services
) -> None:
    with EmbeddedPostgres.start(work_folder / "mortal") as mortal:
        database = Database(mortal.url())
        database.migrate()
        running = serving(dataclasses.replace(services, database=database))
        with httpx.Client(base_url=next(running), timeout=30) as client:
            api = Api(dataclasses.replace(services, database=database), client, scene)
            travelled(api)
            api.mirror()
            assert api.get("/ready")["status"] == "ready"
            mortal.stop()
            for path in ("/v1/receivables", "/v1/receivables/R-1", "/v1/members"):
                found = api.problem(path, status=503, code="database_unreachable")
                assert "Traceback" not in found["detail"]
            assert reasons(api) == ["database_unreachable"]
            assert api.get("/health") == {"status": "alive"}
            assert 'counterfoil_up{service="database"} 0.0' in client.get("/metrics").text
        next(running, None)
        database.dispose()
    with pytest.raises(DatabaseUnreachable), database.snapshot():
        pass


def test_a_statement_that_takes_too_long_is_not_told_as_an_absent_database(
    api: Api, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.mirror()
    monkeypatch.setitem(databases.READING, "statement_timeout", "'50ms'")
    with pytest.raises(QueryTimeout), database.snapshot() as connection:
        connection.exec_driver_sql("SELECT pg_sleep(5)")
    with database.bulk() as connection:
        # Whoever reads the table now waits.
        connection.execute("LOCK TABLE member")
        api.problem("/v1/members", status=503, code="query_timeout")
    api.get("/v1/members")


def test_the_figures_count_what_is_mirrored_and_name_no_one(api: Api) -> None:
    travelled(api)
    api.scene.register()
    api.mirror()
    api.scene.mine(2)
    for path in ("/v1/receivables/R-1", "/v1/receivables/R-2", "/v1/receivables/R-99", "/made/up", "/made/up/too"):
        api.client.get(path)
    figures = api.client.get("/metrics").text
    for line in (
        'counterfoil_receivables{status="confirmed"} 1.0',
        'counterfoil_receivables{status="registered"} 1.0',
        'counterfoil_members{status="active"} 4.0',
        "counterfoil_certificates 2.0",
        f"counterfoil_entries {sum(len(api.scene.journal(number)) for number in range(3))}.0",
        "counterfoil_mirror_lag_blocks 2.0",
        'counterfoil_request_seconds_count{method="GET",route="/v1/receivables/{receivable_id}",status="200"} 2.0',
        'counterfoil_request_seconds_count{method="GET",route="/v1/receivables/{receivable_id}",status="404"} 1.0',
        'counterfoil_request_seconds_count{method="GET",route="unmatched",status="404"} 2.0',
    ):
        assert line in figures, line
    assert "R-1" not in figures
    assert "0x" not in figures
    assert "made" not in figures
