"""A PostgreSQL that is installed on this machine, for the tests to run on another version than the wheel's."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

import psycopg
from psycopg import sql

from registry.processes import RunAs, spawn
from registry.store import embedded
from registry.store.embedded import USER, EmbeddedPostgres

SUPERUSER: Final = "postgres"
SYSTEM_USERS: Final = ("postgres", "nobody")
# What an operator's cluster may well be, and the wheel's is not: neither the order of texts nor the hour is ours.
LOCALE: Final = ("--encoding=UTF8", "--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US")
SETTINGS: Final = {"listen_addresses": "", "port": str(embedded.PORT), "timezone": "Asia/Kathmandu"}


def installed(version: int) -> Path | None:
    """The folder of the binaries of this major version, where Debian puts them or `pg_config` says; None without."""
    folders = [*Path("/usr/lib/postgresql").glob("*/bin")]
    if asked := shutil.which("pg_config"):
        folders.append(Path(_run(asked, "--bindir").strip()))
    return next((folder for folder in folders if (folder / "initdb").exists() and major(folder) == version), None)


def major(binaries: Path) -> int:
    """The major version of a folder's server."""
    said = _run(binaries / "postgres", "--version")
    number = re.search(r"\d+", said)
    assert number is not None, said
    return int(number[0])


class InstalledPostgres(EmbeddedPostgres):
    """A cluster of other binaries (15 or later), asked as the embedded one is; it and its folder end with the test.

    The registry's user is an ordinary one that owns its databases, as on a server of an operator's.
    """

    @classmethod
    def start_with(cls, binaries: Path) -> Self:
        """Make a cluster in a private temporary folder, and start its server as a system user if we are root."""
        # All of it lies with the socket, so stop() removes all of it.
        folder = embedded._make_socket_folder()
        user = _system_user() if os.geteuid() == 0 else None
        if user:
            os.chown(folder, user.pw_uid, user.pw_gid)
        try:
            _make_cluster(binaries, folder / "data", user=user)
            settings = SETTINGS | {"unix_socket_directories": str(folder)}
            options = [f"--{name}={value}" for name, value in settings.items()]
            child = spawn(
                [binaries / "postgres", "-D", folder / "data", *options],
                log=folder / "postgres.log",
                death_signal=signal.SIGINT,
                run_as=RunAs(uid=user.pw_uid, gid=user.pw_gid) if user else None,
                env=embedded._environment(),
            )
        except BaseException:
            shutil.rmtree(folder)
            raise
        running = cls(folder=folder, child=child, socket_folder=folder)
        try:
            running._wait_ready()
        except BaseException:
            running.stop()
            raise
        return running

    def drop_database(self, name: str) -> None:
        """Remove a database as the superuser: others may not end what the server does in it, such as a vacuum."""
        command = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        with psycopg.connect(self.url("postgres"), user=SUPERUSER, autocommit=True) as connection:
            connection.execute(command)


def _make_cluster(binaries: Path, data: Path, *, user: pwd.struct_passwd | None) -> None:
    access = (f"--username={SUPERUSER}", "--auth-local=trust", "--auth-host=reject")
    _run(binaries / "initdb", "--pgdata", data, "--no-instructions", *LOCALE, *access, user=user)
    alone = (binaries / "postgres", "--single", "-D", data, "-c", "exit_on_error=on", "postgres")
    _run(*alone, user=user, told=f"CREATE ROLE {USER} LOGIN CREATEDB")


def _run(*command: str | Path, user: pwd.struct_passwd | None = None, told: str = "") -> str:
    """What a command says that is given a text."""
    who = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
    how = {"input": told, "capture_output": True, "text": True, "cwd": "/", "env": embedded._environment()}
    ran = subprocess.run(command, check=False, **how, **who)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def _system_user() -> pwd.struct_passwd:
    for name in SYSTEM_USERS:
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise AssertionError("PostgreSQL refuses to run as root, and there is no other user for it")
