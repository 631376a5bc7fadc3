"""What ends by kill -9 - the command, its chain, its database - is taken up again; nothing is lost or left."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from registry.commands import accounts, operations
from registry.commands.services import Services, open_services
from registry.domain.receivable import Status
from registry.mirror.reconcile import reconcile
from registry.processes import LINUX
from registry.settings import PROJECT_ROOT, Settings
from registry.store.queries import receivables as receivable_queries
from tests.commands.desk import table_digests
from tests.e2e.running import (
    PROGRAM,
    Serving,
    copy_of,
    environment,
    json_of,
    processes_of,
    serving,
    socket_folder,
    temporary_home,
    until,
)

BUSINESS = ("party", "invoice", "trade_document", "duplicate_attempt")
REGISTERED_BEFORE_THE_KILL = 3
GONE_SECONDS_MAX = 10

pytestmark = pytest.mark.skipif(not LINUX, reason="only Linux has the death signal")


@dataclass(frozen=True)
class Killed:
    """A home whose demo was killed in the middle of registering, and then run again."""

    home: Path
    left_processes: bool
    left_sockets: bool
    summary: dict[str, Any]


@pytest.fixture(scope="module")
def killed() -> Iterator[Killed]:
    with temporary_home() as folder:
        process = subprocess.Popen(
            [PROGRAM, "demo", "--once"], env=environment(folder), cwd=PROJECT_ROOT, stdout=subprocess.PIPE, text=True
        )
        try:
            assert process.stdout is not None
            lines = iter(process.stdout.readline, "")
            assert any(line.lstrip().startswith(f"R-{REGISTERED_BEFORE_THE_KILL} ") for line in lines)
            sockets = socket_folder(folder)
        finally:
            process.kill()
            process.communicate()
        gone = until(lambda: processes_of(folder) == [], seconds=GONE_SECONDS_MAX)
        summary = json_of(folder, "demo", "--once")
        yield Killed(folder, not gone, sockets.exists(), summary)


@pytest.fixture
def home(killed: Killed) -> Iterator[Path]:
    with copy_of(killed.home) as copy:
        yield copy


def test_a_demo_killed_while_registering_leaves_nothing_and_the_next_one_completes_it(killed: Killed) -> None:
    assert not killed.left_processes
    # Only the next PostgreSQL of the home can clear away the killed one's.
    assert not killed.left_sockets
    counts = killed.summary["counts"]
    assert counts["earlier"] >= REGISTERED_BEFORE_THE_KILL
    assert (counts["earlier"] + counts["registered"], counts["duplicate"], counts["refused"]) == (16, 1, 2)
    assert len(killed.summary["moves"]) == 9
    assert killed.summary["reconciliation"]["differences"] == []
    assert killed.summary["provenance"][-1]["holder"] == "hafenbank"


def business_rows(services: Services) -> dict[str, object]:
    found = table_digests(services.database)
    return {table: found[table] for table in BUSINESS}


def answer_what_waits(services: Services) -> int:
    """Confirm the one receivable that the demo leaves; its number."""
    with services.database.snapshot() as connection:
        page = receivable_queries.receivables(connection, after=None, status=Status.REGISTERED)
    (row,) = page.rows
    operations.confirm(
        services,
        signer=accounts.signer_of(services, "falkenrath-automobilwerke"),
        receivable_id=row.receivable_id,
    )
    return row.receivable_id


def agree(services: Services) -> bool:
    services.mirrored(services.node.head())
    report = reconcile(services.database, services.node, contract=services.deployment.receivables, deep=True)
    return report.differences == []


def work_then_kill(home: Path, command: Serving, program: str) -> tuple[int, dict[str, object]]:
    """Confirm something and kill a server of the command at once; what was confirmed, and the business rows."""
    with open_services(Settings(home=home)) as services:
        assert services.running is not None
        receivable_id = answer_what_waits(services)
        kept = business_rows(services)
    os.kill(command.child(program).pid, signal.SIGKILL)
    return receivable_id, kept


@pytest.mark.parametrize("program", ["anvil", "postgres"])
def test_a_command_whose_server_is_killed_says_so_and_the_next_one_goes_on(home: Path, program: str) -> None:
    with serving(home, "serve", "--port", "0") as command:
        command.wait_ready()
        receivable_id, kept = work_then_kill(home, command, program)
        code, _, err = command.ended()
    assert code == 1
    assert err.splitlines()[-2].startswith("service_ended: ")
    assert "Traceback" not in err
    assert until(lambda: processes_of(home) == [], seconds=GONE_SECONDS_MAX)
    with serving(home, "serve", "--port", "0") as command:
        command.wait_ready()
        with open_services(Settings(home=home)) as services:
            # The killed chain may have lost its last block; whatever it has now, the mirror has.
            assert agree(services)
            assert business_rows(services) == kept
            status = services.view.records([receivable_id])[receivable_id].status
            if program == "postgres":
                assert status == Status.CONFIRMED
            elif status == Status.REGISTERED:
                assert answer_what_waits(services) == receivable_id
            assert agree(services)
        assert command.end(signal.SIGTERM)[0] == 0
    assert until(lambda: processes_of(home) == [], seconds=GONE_SECONDS_MAX)


def test_an_owner_that_is_killed_while_serving_leaves_no_process(home: Path) -> None:
    with serving(home, "serve", "--port", "0") as command:
        command.wait_ready()
        assert {process.name() for process in processes_of(home)} == {"anvil", "postgres"}
        command.end(signal.SIGKILL)
    assert until(lambda: processes_of(home) == [], seconds=GONE_SECONDS_MAX)
    # What it left in running.json is nobody's.
    assert (home / "running.json").exists()
    found = json_of(home, "status")
    assert found["running"] is None
    assert found["mirrored_block"] == found["head_block"]
