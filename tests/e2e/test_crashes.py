"""What ends by kill -9 - the command, its chain, its database - is taken up again; nothing is lost or left."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from registry.commands import accounts, claims
from registry.commands.services import Services, open_services
from registry.domain.receivable import Status
from registry.mirror.reconcile import reconcile
from registry.processes import LINUX
from registry.settings import PROJECT_ROOT, Settings
from registry.store.queries import receivables as receivable_queries
from tests.commands.desk import table_digests
from tests.e2e.running import (
    PROGRAM,
    environment,
    json_of,
    processes_of,
    serving,
    socket_folder,
    temporary_home,
    until,
)

BUSINESS = ("party", "invoice", "trade_document", "order_reference", "duplicate_attempt")
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


def test_a_demo_killed_while_registering_leaves_nothing_and_the_next_one_completes_it(killed: Killed) -> None:
    assert not killed.left_processes
    # Only the next PostgreSQL of the home can clear away the killed one's.
    assert not killed.left_sockets
    counts = killed.summary["counts"]
    assert counts["earlier"] >= REGISTERED_BEFORE_THE_KILL
    assert (counts["earlier"] + counts["registered"], counts["duplicate"], counts["refused"]) == (16, 1, 2)
    assert len(killed.summary["moves"]) == 11
    assert killed.summary["reconciliation"]["differences"] == []
    assert killed.summary["provenance"][-1]["holder"] == "hafenbank"


def business_rows(services: Services) -> dict[str, object]:
    found = table_digests(services.database)
    return {table: found[table] for table in BUSINESS}


def waiting_receivable(services: Services) -> int | None:
    """Number of the one receivable that the demo leaves unanswered, while it is."""
    with services.database.snapshot() as connection:
        page = receivable_queries.receivables(connection, after=None, status=Status.REGISTERED)
    return page.rows[0].receivable_id if page.rows else None


def answer_what_waits(services: Services) -> int:
    """Confirm it; its number."""
    receivable_id = waiting_receivable(services)
    assert receivable_id is not None
    signer = accounts.signer_of(services, "falkenrath-automobilwerke")
    claims.confirm(services, signer=signer, receivable_id=receivable_id)
    return receivable_id


def agree(services: Services) -> bool:
    services.mirrored(services.node.head())
    report = reconcile(services.database, services.node, contract=services.deployment.receivables, deep=True)
    return report.differences == []


def test_whichever_process_is_killed_the_next_command_goes_on_from_what_was_saved(killed: Killed) -> None:
    home = killed.home
    kept: dict[str, object] = {}
    waiting = 0
    # One after the other on one home: starting takes longer than all that is looked at.
    for program in ("anvil", "postgres", None):
        with serving(home, "serve", "--port", "0") as command:
            command.wait_ready()
            with open_services(Settings(home=home)) as services:
                assert services.running is not None
                # A killed chain may have lost its last block; whatever it has now, the mirror has.
                assert agree(services)
                assert not kept or business_rows(services) == kept
                if waiting_receivable(services):
                    waiting = answer_what_waits(services)
                kept = business_rows(services)
            assert {process.name() for process in processes_of(home)} == {"anvil", "postgres"}
            if program is None:
                command.end(signal.SIGKILL)
            else:
                command.child(program).kill()
                code, _, err = command.ended()
                assert code == 1
                assert any(line.startswith("service_ended: ") for line in err.splitlines())
                assert "Traceback" not in err
        assert until(lambda: processes_of(home) == [], seconds=GONE_SECONDS_MAX)
    # What the killed owner left in running.json is nobody's.
    assert (home / "running.json").exists()
    with open_services(Settings(home=home)) as services:
        assert services.running is None
        assert agree(services)
        assert business_rows(services) == kept
        assert services.view.records([waiting])[waiting].status == Status.CONFIRMED
