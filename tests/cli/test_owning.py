"""Commands where nothing runs: they start what they need, or say that there is nothing; and the owner's end."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from registry.chain.contract import Calls, receivables_abi
from registry.chain.devchain import DevChain, dev_account
from registry.chain.submit import account_address, send
from registry.cli.running import _listening
from registry.commands.services import Running, owned
from registry.domain.identifiers import format_address
from registry.domain.receivable import Role
from registry.settings import Settings, settings
from registry.store.embedded import EmbeddedPostgres
from registry.store.queries import members
from tests.cli.conftest import Cli
from tests.commands.desk import SAMPLES
from tests.e2e.running import SECONDS_MAX, processes_of, serving, temporary_home, until
from tests.scene import Scene

SAMPLE = SAMPLES / "brandmuehl-2026-1041.ubl.xml"


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A registry that nobody runs."""
    with temporary_home() as folder:
        with owned(Settings(home=folder), api_url=None):
            pass
        yield folder


@pytest.fixture
def empty_home(cli: Cli, home_variable: Callable[[Path], None]) -> Iterator[Path]:
    with temporary_home() as folder:
        home_variable(folder)
        yield folder


# ------------------------------------------------------------------ nothing here


@pytest.mark.parametrize(
    "words",
    [
        ["status"],
        ["member", "list"],
        ["register", str(SAMPLE), "--as", "operator"],
        ["inbox", "--as", "operator"],
        ["show", "R-1"],
        ["trace", "R-1/0-5"],
        ["rebuild"],
        ["reconcile"],
        ["mirror"],
        ["stop"],
    ],
    ids=lambda words: words[0],
)
def test_an_empty_home_has_nothing_to_work_on_and_stays_empty(cli: Cli, empty_home: Path, words: list[str]) -> None:
    cli.refused("nothing_here", *words)
    assert list(empty_home.iterdir()) == []


# --------------------------------------------------- started for one command


def test_a_command_starts_what_it_needs_and_ends_it(cli: Cli, home: Path) -> None:
    found = cli.json("status")
    assert (found["running"], found["api"]) == (None, None)
    assert processes_of(home) == []
    assert not (home / "running.json").exists()
    assert not (home / "postgres" / "socket").exists()


def test_what_one_command_did_the_next_one_finds(cli: Cli) -> None:
    for party in ("seller", "buyer"):
        cli("member", "add", "--invoice", str(SAMPLE), "--party", party)
    receivable = cli.json(
        "register", str(SAMPLE), "--as", "brandmuhl-guss", "--due", str(datetime.now(UTC).date() + timedelta(days=90))
    )["receivable"]
    assert cli.json("show", receivable)["face"]["amount"] == "220637.90"
    assert cli.json("reconcile", "--deep")["difference_count"] == 0
    assert cli.json("mirror", "--once")["block"] == cli.json("status")["mirrored_block"]
    assert "mirrored to block" in cli("mirror", "--once").stdout


def test_what_the_chain_has_and_the_mirror_has_not_is_read_all_the_same(cli: Cli, home: Path) -> None:
    # As after a crash between the two: nobody follows the chain here.
    with owned(Settings(home=home), api_url=None) as services:
        member = account_address(dev_account(77))
        data = Calls.admit(member=member, kyc_expiry=2**32, roles=int(Role.SUPPLIER), profile=bytes(32))
        to = services.deployment.receivables
        send(services.node, receivables_abi(), signer=dev_account(0), to=to, data=data)
        with services.database.snapshot() as connection:
            assert members.member(connection, member) is None
    assert format_address(member) in {row["address"] for row in cli.json("member", "list")}


def test_psql_runs_without_the_chain(cli: Cli, home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    cli("psql", "-Atc", "SELECT 1 + 1")
    assert capfd.readouterr().out == "2\n"


def test_what_a_dead_owner_left_counts_for_nothing(cli: Cli, home: Path) -> None:
    Running(pid=2**22 + 1, since="long ago", rpc_url="http://127.0.0.1:1", database_url=None, api_url=None).write(home)
    assert cli.json("status")["running"] is None
    cli.refused("nothing_here", "stop")


@pytest.mark.parametrize("content", ["", "{}", "[]", "null", '{"pid": 1}'])
def test_a_torn_note_of_an_owner_counts_for_nothing(empty_home: Path, content: str) -> None:
    Running.path(empty_home).write_text(content)
    assert Running.find(empty_home) is None


# ------------------------------------------------------ chain and database named


def test_a_named_chain_and_database_are_used_and_nothing_is_started(
    cli: Cli,
    empty_home: Path,
    chain: DevChain,
    postgres: EmbeddedPostgres,
    scene: Scene,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene.deployment.write(empty_home / "deployments")
    postgres.create_database("named")
    monkeypatch.setenv("COUNTERFOIL_RPC_URL", chain.url)
    monkeypatch.setenv("COUNTERFOIL_DATABASE_URL", postgres.url("named"))
    settings.cache_clear()
    try:
        cli("mirror", "--once")
        found = cli.json("status")
        assert found["node"] == chain.url
        assert found["members"] == {"active": 4}
        assert cli.json("reconcile", "--deep")["difference_count"] == 0
        assert [path.name for path in empty_home.iterdir()] == ["deployments"]
    finally:
        postgres.drop_database("named")


def test_services_that_do_not_answer_are_named(
    cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch, chain: DevChain
) -> None:
    monkeypatch.setenv("COUNTERFOIL_DATABASE_URL", "postgresql://user:secret@127.0.0.1:1/none")
    monkeypatch.setenv("COUNTERFOIL_RPC_URL", chain.url)
    settings.cache_clear()
    cli.refused("database_unreachable", "status")
    assert "secret" not in cli("status", exit_code=1).stderr
    monkeypatch.setenv("COUNTERFOIL_RPC_URL", "http://127.0.0.1:1")
    monkeypatch.delenv("COUNTERFOIL_DATABASE_URL")
    settings.cache_clear()
    cli.refused("node_unreachable", "status")


def test_a_setting_that_cannot_be_read_is_named(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNTERFOIL_API_PORT", "http")
    settings.cache_clear()
    cli.refused("settings_malformed", "status")


# ------------------------------------------------------------------------ ports


def test_of_two_that_start_together_one_has_the_port(cli: Cli) -> None:
    # Neither of them serves yet: the first one still starts its chain and its database.
    with _listening(0) as one, _listening(one.getsockname()[1]) as other:
        assert other.getsockname()[1] != one.getsockname()[1]


def test_a_taken_port_is_replaced_by_a_free_one(cli: Cli) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, _listening(taken.getsockname()[1]) as listener:
        assert listener.getsockname()[1] != taken.getsockname()[1]


# ---------------------------------------------------------------------- the end


def test_stop_ends_the_owner_in_order(cli: Cli, home: Path) -> None:
    with serving(home, "serve", "--port", "0") as command:
        command.wait_ready()
        assert cli.json("stop") == {"stopped": command.process.pid}
        code, out, err = command.ended()
    assert code == 0, err
    assert out.startswith("ready http://127.0.0.1:")
    assert processes_of(home) == []
    assert Running.find(home) is None
    cli.refused("nothing_here", "stop")


def test_an_open_stream_ends_with_the_service_and_does_not_hold_it_up(home: Path) -> None:
    with serving(home, "serve", "--port", "0") as command, httpx.Client(timeout=SECONDS_MAX, trust_env=False) as client:
        url = command.wait_ready() + "/v1/stream"
        assert until(lambda: client.head(url).status_code == httpx.codes.OK)
        with client.stream("GET", url) as answer:
            lines = answer.iter_lines()
            assert next(lines) == "event: block"
            command.process.send_signal(signal.SIGINT)
            list(lines)
        code, _, err = command.ended()
    assert code == 0, err
    # Neither a stream that was broken off nor anything else is told.
    assert err == "the port is taken by somebody else; another one is used\n"
    assert processes_of(home) == []


def test_ctrl_c_ends_a_command_that_is_not_serving_yet_with_130(
    cli: Cli, empty_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("registry.commands.services.DevChain.start", interrupted)
    result = cli("serve", exit_code=130)
    assert "Traceback" not in result.stderr
    assert not (empty_home / "running.json").exists()
