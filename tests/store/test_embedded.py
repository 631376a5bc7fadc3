"""The embedded PostgreSQL: the real server, started, killed and restarted."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy

from registry.processes import CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, LINUX, RunAs, spawn, started_at
from registry.settings import PROJECT_ROOT
from registry.store import embedded
from registry.store.embedded import EmbeddedPostgres, PostgresCannotRun, PostgresFailed, PostgresInUse

WAIT_SECONDS_MAX = 15.0
ROOT = os.geteuid() == 0
linux_only = pytest.mark.skipif(not LINUX, reason="only Linux has the death signal")
root_only = pytest.mark.skipif(not ROOT, reason="only root changes users")
ordinary_only = pytest.mark.skipif(ROOT, reason="root may do anything")

OWNER = """
import os, sys, time
from pathlib import Path
from registry.store.embedded import EmbeddedPostgres
postgres = EmbeddedPostgres.start(Path(sys.argv[1]))
print(os.geteuid(), postgres.pid, postgres.url(), flush=True)
time.sleep(600)
"""


def wait_until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def own(path: Path, user: pwd.struct_passwd) -> None:
    os.chown(path, user.pw_uid, user.pw_gid)


def write_row(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS note (text text)")
        connection.execute("INSERT INTO note VALUES ('kept')")


def rows(url: str) -> int:
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT count(*) FROM note WHERE text = 'kept'").fetchone()
    assert found is not None
    return int(found[0])


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cluster that is not running, to be copied: initdb takes most of a second."""
    folder = tmp_path_factory.mktemp("cluster")
    EmbeddedPostgres.start(folder).stop()
    return folder


@pytest.fixture
def folder(cluster: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "postgres"
    # Not shutil: root keeps the owner.
    subprocess.run(["cp", "-a", str(cluster), str(copy)], check=True)
    return copy


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres.start(tmp_path_factory.mktemp("shared")) as running:
        yield running


def setting(url: str, name: str) -> str:
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT current_setting(%s)", [name]).fetchone()
    assert found is not None
    return str(found[0])


def test_the_cluster_is_durable_private_and_the_same_on_every_machine(postgres: EmbeddedPostgres) -> None:
    settings = ("fsync", "synchronous_commit", "full_page_writes", "listen_addresses", "timezone", "server_encoding")
    assert [setting(postgres.url(), name) for name in settings] == ["on", "on", "on", "", "UTC", "UTF8"]
    with psycopg.connect(postgres.url()) as connection:
        locale = connection.execute(
            "SELECT datlocprovider::text, datlocale, datcollate FROM pg_database WHERE datname = 'counterfoil'"
        ).fetchone()
    assert locale == ("b", "C.UTF-8", "C")
    assert postgres.socket_folder.stat().st_mode & 0o777 == 0o700
    assert len(str(postgres.socket_folder)) < 90


def test_the_url_serves_sqlalchemy_too(postgres: EmbeddedPostgres) -> None:
    engine = sqlalchemy.create_engine(postgres.url().replace("postgresql:", "postgresql+psycopg:", 1))
    with engine.connect() as connection:
        assert connection.execute(sqlalchemy.text("SELECT current_database()")).scalar() == "counterfoil"
    engine.dispose()


def test_the_environment_does_not_bend_the_server_or_its_url(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"PGPORT": "1", "PGHOST": "nowhere", "PGDATA": "/nowhere", "LC_ALL": "xx_YY"}.items():
        monkeypatch.setenv(name, value)
    with EmbeddedPostgres.start(folder) as postgres:
        assert setting(postgres.url(), "port") == "5432"


def test_a_database_is_copied_from_a_template_and_dropped_under_its_readers(postgres: EmbeddedPostgres) -> None:
    odd = 'odd "name"/ü'
    postgres.create_database("model")
    write_row(postgres.url("model"))
    postgres.create_database(odd, template="model")
    assert rows(postgres.url(odd)) == 1
    with pytest.raises(psycopg.errors.DuplicateDatabase):
        postgres.create_database("model")
    with psycopg.connect(postgres.url(odd)) as reader:
        postgres.drop_database(odd)
        with pytest.raises(psycopg.OperationalError):
            reader.execute("SELECT 1")
    postgres.drop_database(odd)  # again, without harm


def test_psql_is_the_wheels(postgres: EmbeddedPostgres) -> None:
    argv = [*postgres.psql_argv(), "--no-psqlrc", "-Atc", "SELECT current_database(), current_user"]
    assert subprocess.run(argv, check=True, capture_output=True, text=True).stdout == "counterfoil|counterfoil\n"


def test_stopping_leaves_no_process_and_no_socket(folder: Path) -> None:
    with EmbeddedPostgres.start(folder) as postgres:
        assert postgres.alive()
        assert (folder / "socket").readlink() == postgres.socket_folder
    assert started_at(postgres.pid) is None
    assert not postgres.alive()
    assert not postgres.socket_folder.exists()
    assert not (folder / "socket").is_symlink()
    postgres.stop()  # again, without harm


def test_rows_survive_a_restart(folder: Path) -> None:
    with EmbeddedPostgres.start(folder) as postgres:
        write_row(postgres.url())
    with EmbeddedPostgres.start(folder) as postgres:
        assert rows(postgres.url()) == 1


def test_an_open_transaction_does_not_hold_up_stopping(folder: Path) -> None:
    postgres = EmbeddedPostgres.start(folder)
    with psycopg.connect(postgres.url()) as connection:
        connection.execute("CREATE TABLE half (done int)")
        began = time.monotonic()
        postgres.stop()
        assert time.monotonic() - began < 5
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")


def test_a_killed_server_recovers_what_was_committed(folder: Path) -> None:
    killed = EmbeddedPostgres.start(folder)
    write_row(killed.url())
    reader = psycopg.connect(killed.url())  # a backend that has to notice
    os.kill(killed.pid, signal.SIGKILL)
    with EmbeddedPostgres.start(folder) as postgres:
        assert not killed.alive()
        assert rows(postgres.url()) == 1
        assert not killed.socket_folder.exists()
        killed.stop()  # the dead handle does not take the live server's socket
        assert postgres.alive()
        assert (folder / "socket").is_symlink()
    reader.close()


@linux_only
def test_a_killed_owner_leaves_no_server_and_the_next_one_goes_on_at_once(folder: Path) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(folder)], stdout=subprocess.PIPE, text=True, cwd=PROJECT_ROOT
    )
    assert owner.stdout is not None
    _, pid, url = owner.stdout.readline().split()
    socket_folder = (folder / "socket").readlink()
    write_row(url)
    owner.kill()
    with EmbeddedPostgres.start(folder) as postgres:
        assert started_at(int(pid)) is None
        assert rows(postgres.url()) == 1
        assert not socket_folder.exists()
        assert "received fast shutdown request" in (folder / "postgres.log").read_text()
    owner.wait()
    owner.stdout.close()


@linux_only
def test_no_process_outlives_a_killed_owner(folder: Path) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(folder)], stdout=subprocess.PIPE, text=True, cwd=PROJECT_ROOT
    )
    assert owner.stdout is not None
    _, pid, url = owner.stdout.readline().split()
    with psycopg.connect(url) as connection:
        backend = connection.info.backend_pid
        owner.kill()
        assert wait_until(lambda: started_at(int(pid)) is None and started_at(backend) is None)
    shutil.rmtree((folder / "socket").readlink())  # the next start on this folder would do it
    owner.wait()
    owner.stdout.close()


@linux_only
def test_an_owner_killed_while_the_cluster_is_made_leaves_nothing_half_done(tmp_path: Path) -> None:
    owner = subprocess.Popen([sys.executable, "-c", OWNER, str(tmp_path)], cwd=PROJECT_ROOT, stdout=subprocess.DEVNULL)
    assert wait_until((tmp_path / "data.new" / "PG_VERSION").exists)
    owner.kill()
    owner.wait()
    with EmbeddedPostgres.start(tmp_path) as postgres:
        write_row(postgres.url())
        assert rows(postgres.url()) == 1
    assert not (tmp_path / "data.new").exists()


def test_two_owners_on_one_folder_are_refused(folder: Path) -> None:
    with EmbeddedPostgres.start(folder) as postgres:
        with pytest.raises(PostgresInUse, match=str(os.getpid())) as refusal:
            EmbeddedPostgres.start(folder)
        assert refusal.value.code == "postgres_in_use"
        assert postgres.alive()


def test_a_server_that_somebody_else_started_is_not_disturbed(folder: Path) -> None:
    with EmbeddedPostgres.start(folder) as postgres:
        (folder / "lock").unlink()  # as if it had been started by hand
        with pytest.raises(PostgresInUse, match=str(postgres.pid)):
            EmbeddedPostgres.start(folder)
        assert postgres.alive()


@pytest.mark.parametrize("pid", ["this process", "4194305", "no number", ""])
def test_a_stale_pid_file_does_no_harm(folder: Path, pid: str) -> None:
    pid = str(os.getpid()) if pid == "this process" else pid
    stale = folder / "data" / "postmaster.pid"
    stale.write_text(f"{pid}\n{folder}/data\n1700000000\n5432\n/tmp\n\n  123 456\nready\n" if pid else "")
    if ROOT:
        owner = (folder / "data").stat()
        os.chown(stale, owner.st_uid, owner.st_gid)
    with EmbeddedPostgres.start(folder) as postgres:
        assert postgres.alive()


def test_a_socket_link_that_is_not_ours_keeps_its_target(folder: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (folder / "socket").symlink_to(precious)
    EmbeddedPostgres.start(folder).stop()
    assert precious.exists()


def test_a_long_temporary_folder_is_avoided(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("long" * 25, "a,b"):
        place = tmp_path / name
        place.mkdir()
        monkeypatch.setattr(tempfile, "tempdir", str(place))
        with EmbeddedPostgres.start(folder) as postgres:
            assert postgres.alive()
            assert place not in postgres.socket_folder.parents
        assert list(place.iterdir()) == []


def test_a_failure_tells_the_end_of_the_log(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(embedded.SERVER_SETTINGS, "shared_buffers", "much")
    with pytest.raises(PostgresFailed, match="shared_buffers") as refusal:
        EmbeddedPostgres.start(folder)
    assert refusal.value.code == "postgres_failed"
    assert not (folder / "socket").is_symlink()


def fake_binaries(folder: Path, **scripts: str) -> Path:
    folder.mkdir()
    for name, script in {"postgres": "exit 9", **scripts}.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    return folder


def test_a_server_that_never_answers_is_ended(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    binaries = fake_binaries(tmp_path / "bin", postgres="echo dozing; echo pid: $$; exec sleep 600")
    monkeypatch.setattr(embedded, "binaries_folder", lambda: binaries)
    monkeypatch.setattr(embedded, "START_SECONDS_MAX", 0.5)
    with pytest.raises(PostgresFailed, match="dozing"):
        EmbeddedPostgres.start(folder)
    assert started_at(int((folder / "postgres.log").read_text().rpartition("pid: ")[2])) is None


def test_a_cluster_that_cannot_be_made_leaves_no_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failing = fake_binaries(tmp_path / "failing", initdb="echo disk full; exit 1")
    monkeypatch.setattr(embedded, "binaries_folder", lambda: failing)
    with pytest.raises(PostgresFailed, match="disk full"):
        EmbeddedPostgres.start(tmp_path / "home")
    slow = fake_binaries(tmp_path / "slow", initdb="exec sleep 600")
    monkeypatch.setattr(embedded, "binaries_folder", lambda: slow)
    monkeypatch.setattr(embedded, "INITDB_SECONDS_MAX", 0.2)
    with pytest.raises(PostgresFailed, match="longer than"):
        EmbeddedPostgres.start(tmp_path / "home")
    assert not (tmp_path / "home" / "data").exists()


def test_a_machine_without_the_binaries_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(PostgresCannotRun) as refusal:
        EmbeddedPostgres.start(tmp_path)
    assert refusal.value.code == "postgres_cannot_run"
    assert "COUNTERFOIL_DATABASE_URL" in refusal.value.hint


@ordinary_only
def test_a_folder_of_somebody_else_is_refused_by_name() -> None:
    with pytest.raises(PostgresCannotRun):
        EmbeddedPostgres.start(Path("/counterfoil-not-mine"))


def capabilities_of(pid: int) -> list[int]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    sets = {line.split()[1] for line in lines if line.startswith(("CapEff", "CapPrm", "CapInh", "CapAmb"))}
    assert len(sets) == 1
    bits = int(sets.pop(), 16)
    return [number for number in range(64) if bits >> number & 1]


@root_only
def test_root_runs_it_as_a_user_without_any_right_where_folders_are_open() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        Path(temporary).chmod(0o755)
        if any(parent.stat().st_mode & 1 == 0 for parent in embedded.binaries_folder().parents):
            pytest.skip("the wheel itself is in a closed folder")
        with EmbeddedPostgres.start(Path(temporary) / "pg") as postgres:
            assert Path(f"/proc/{postgres.pid}").stat().st_uid != 0
            assert capabilities_of(postgres.pid) == []


@root_only
def test_root_runs_it_below_a_closed_folder_and_leaves_that_closed(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with EmbeddedPostgres.start(closed / "pg") as postgres:
        assert Path(f"/proc/{postgres.pid}").stat().st_uid != 0
        assert capabilities_of(postgres.pid) == [CAP_DAC_READ_SEARCH]
        write_row(postgres.url())
    assert closed.stat().st_mode & 0o777 == 0o700


@root_only
@linux_only
def test_the_death_signal_survives_the_change_of_user_with_capabilities(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    test_no_process_outlives_a_killed_owner(tmp_path / "pg")


@root_only
def test_where_root_may_not_pass_closed_folders_it_ignores_permissions(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.parent.chmod(0o700)
    monkeypatch.setattr(embedded, "_permitted_capabilities", lambda: 1 << CAP_DAC_OVERRIDE)
    with EmbeddedPostgres.start(folder) as postgres:
        assert capabilities_of(postgres.pid) == [CAP_DAC_OVERRIDE]


@root_only
def test_a_root_without_rights_is_refused_by_name(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.parent.chmod(0o700)
    monkeypatch.setattr(embedded, "_permitted_capabilities", lambda: 0)
    with pytest.raises(PostgresCannotRun, match="cannot reach") as refusal:
        EmbeddedPostgres.start(folder)
    assert "ordinary user" in refusal.value.hint


@root_only
def test_nobody_serves_where_no_user_can_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "SYSTEM_USERS", ("counterfoil-no-such-user", "nobody"))
    monkeypatch.setattr(shutil, "which", lambda name, path=None: None)
    with EmbeddedPostgres.start(tmp_path / "pg") as postgres:
        assert Path(f"/proc/{postgres.pid}").stat().st_uid == pwd.getpwnam("nobody").pw_uid
    monkeypatch.setattr(embedded, "SYSTEM_USERS", ("counterfoil", "nobody"))
    # The cluster keeps its user, also when a better one has appeared.
    with EmbeddedPostgres.start(tmp_path / "pg") as postgres:
        assert Path(f"/proc/{postgres.pid}").stat().st_uid == pwd.getpwnam("nobody").pw_uid
    monkeypatch.setattr(embedded, "SYSTEM_USERS", ("counterfoil-no-such-user",))
    with pytest.raises(PostgresCannotRun, match="no other user"):
        EmbeddedPostgres.start(tmp_path / "other")


@root_only
def test_a_cluster_that_belongs_to_root_is_refused_with_the_remedy(folder: Path) -> None:
    os.chown(folder / "data", 0, 0)
    with pytest.raises(PostgresCannotRun) as refusal:
        EmbeddedPostgres.start(folder)
    assert "chown -R" in refusal.value.hint


@root_only
@linux_only
def test_an_ordinary_user_runs_it(tmp_path: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    home = tmp_path / "home"
    home.mkdir()
    own(home, nobody)
    # The capability only to reach the interpreter, which may be in a closed folder.
    run_as = RunAs(uid=nobody.pw_uid, gid=nobody.pw_gid, capabilities=(CAP_DAC_READ_SEARCH,))
    owner = spawn(
        [sys.executable, "-c", OWNER, home], log=tmp_path / "owner.log", run_as=run_as, cwd=PROJECT_ROOT, env={}
    )
    assert wait_until(lambda: "postgresql://" in owner.output() or not owner.running())
    uid, pid, url = owner.output().split()
    assert int(uid) == Path(f"/proc/{pid}").stat().st_uid == nobody.pw_uid
    write_row(url)
    os.kill(owner.pid, signal.SIGKILL)
    owner.process.wait()
    assert wait_until(lambda: started_at(int(pid)) is None)
    # Root takes over the cluster as its owner.
    with EmbeddedPostgres.start(home) as postgres:
        assert Path(f"/proc/{postgres.pid}").stat().st_uid == nobody.pw_uid
        assert rows(postgres.url()) == 1
    # A stranger is told whose it is.
    other = embedded._system_user()
    os.chown(home, other.pw_uid, other.pw_gid)
    os.chown(home / "lock", other.pw_uid, other.pw_gid)
    stranger = spawn(
        [sys.executable, "-c", OWNER, home],
        log=tmp_path / "stranger.log",
        run_as=RunAs(uid=other.pw_uid, gid=other.pw_gid, capabilities=(CAP_DAC_READ_SEARCH,)),
        cwd=PROJECT_ROOT,
        env={},
    )
    assert stranger.process.wait(WAIT_SECONDS_MAX) != 0
    assert f"belongs to the user with id {nobody.pw_uid}" in stranger.output()


def test_the_socket_of_a_server_that_was_killed_elsewhere_is_swept(folder: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    left = {}
    for name, pid in (("dead", ended.pid), ("alive", os.getpid())):
        place = left[name] = Path(tempfile.mkdtemp(prefix=embedded.SOCKET_FOLDER_PREFIX))
        (place / f".s.PGSQL.{embedded.PORT}.lock").write_text(f"{pid}\n/somewhere\n")
    try:
        with EmbeddedPostgres.start(folder):
            assert not left["dead"].exists()
            assert left["alive"].exists()
    finally:
        for place in left.values():
            shutil.rmtree(place, ignore_errors=True)
