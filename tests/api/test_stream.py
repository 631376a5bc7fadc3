"""What a client hears of the mirror's moves, and what becomes of streams when something ends or breaks."""

from __future__ import annotations

import dataclasses
import json
import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.deps import Services
from api.routes import stream
from registry import serving as servers
from registry.mirror.follower import Move
from registry.mirror.rebuild import forget
from registry.store import listening
from registry.store.database import Database
from registry.store.embedded import EmbeddedPostgres
from registry.store.listening import APPLICATION, CHANNEL
from tests.api.conftest import Api, serving
from tests.api.openapi_check import problems
from tests.api.test_reads import travelled
from tests.mirror.following import follower_of, until
from tests.scene import Scene

PATH = "/v1/stream"
SECONDS_MAX = 60
"""Far more than anything takes: a test machine may be busy."""
EVENTS_MAX = 20


@pytest.fixture(autouse=True)
def _hints_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No look without a hint makes up for one that does not come."""
    monkeypatch.setattr(listening, "LOOK_SECONDS", 3_600.0)


class Stream:
    """An open stream; every wait for a line is bounded by the client's timeout."""

    def __init__(self, answer: httpx.Response) -> None:
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        self.lines = answer.iter_lines()

    def event(self) -> dict[str, Any]:
        """The data of the next event."""
        found: dict[str, str] = {}
        for line in self.lines:
            if not line and found:
                break
            if line and not line.startswith(":"):
                name, _, value = line.partition(": ")
                found[name] = value
        assert set(found) == {"event", "id", "data"}, found
        block: dict[str, Any] = json.loads(found["data"])
        assert (found["event"], found["id"]) == ("block", block["hash"])
        return block

    def until(self, block: dict[str, Any]) -> None:
        """Read on to the event of this block."""
        assert any(self.event() == block for _ in range(EVENTS_MAX)), block


@contextmanager
def listening_to(api: Api) -> Iterator[Stream]:
    """A stream, as soon as the listener knows of a block and there is a place."""
    deadline = time.monotonic() + SECONDS_MAX
    while True:
        with api.client.stream("GET", PATH, timeout=SECONDS_MAX) as answer:
            if answer.status_code == 200:
                yield Stream(answer)
                return
            assert time.monotonic() < deadline, answer.read()


def mirrored(api: Api) -> dict[str, Any]:
    block: dict[str, Any] = api.get("/v1/members")["as_of_block"]
    return block


def opens(api: Api) -> bool:
    with api.client.stream("GET", PATH) as answer:
        return answer.status_code == 200


def sessions(database: Database) -> list[int]:
    """The server's processes for the listeners of this database."""
    with database.bulk() as connection:
        rows = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE %s",
            (APPLICATION + "%",),
        )
        return [pid for (pid,) in rows]


def test_the_first_event_is_the_block_that_answers_are_true_at(services: Services, scene: Scene) -> None:
    scene.confirmed()
    with closing(follower_of(scene, services.database)) as follower:
        follower.catch_up()
    running = serving(services)
    with httpx.Client(base_url=next(running), timeout=SECONDS_MAX) as client:
        api = Api(services, client, scene)
        with api.client.stream("GET", PATH) as answer:
            assert answer.status_code == 200
            found = Stream(answer).event()
        assert found == mirrored(api)
        assert problems(api.get("/openapi.json"), {"$ref": "#/components/schemas/BlockOut"}, found) == []
    next(running, None)


def test_a_new_block_is_an_event_once_the_mirror_has_it(api: Api) -> None:
    api.mirror()
    with listening_to(api) as heard:
        before = mirrored(api)
        heard.until(before)
        for _ in range(3):
            api.scene.mine(1)
            api.mirror()
            found = heard.event()
            assert found == mirrored(api)
            assert found["number"] == before["number"] + 1
            before = found


def test_a_reorg_is_an_event_back_and_events_on(api: Api, database: Database) -> None:
    travelled(api)
    api.mirror()
    with listening_to(api) as heard, closing(follower_of(api.scene, database)) as follower:
        before = mirrored(api)
        heard.until(before)
        api.scene.reorg(depth=2)
        assert follower.step().move is Move.REWOUND
        back = heard.event()
        assert back == mirrored(api)
        assert back["number"] == before["number"] - 2
        follower.catch_up()
        heard.until(mirrored(api))
    assert mirrored(api)["number"] == before["number"]
    assert mirrored(api)["hash"] != before["hash"]


def test_a_hint_without_a_move_is_no_event(api: Api, database: Database) -> None:
    api.mirror()
    with listening_to(api) as heard:
        heard.until(mirrored(api))
        with database.bulk() as connection:
            connection.execute("SELECT pg_notify(%s, '')", (CHANNEL,))
        api.scene.mine(1)
        api.mirror()
        assert heard.event() == mirrored(api)


def test_what_became_final_behind_the_block_is_an_event_of_the_same_block(api: Api, database: Database) -> None:
    api.mirror()
    with listening_to(api) as heard:
        block = mirrored(api)
        heard.until(block)
        with database.bulk() as connection:
            connection.execute("UPDATE cursor SET safe_block = block_number")
            connection.execute("SELECT pg_notify(%s, '')", (CHANNEL,))
        assert heard.event() == {**block, "finality": "safe"}


def test_all_clients_hear_through_one_connection(api: Api, database: Database) -> None:
    api.mirror()
    with listening_to(api) as one, listening_to(api) as other:
        one.until(mirrored(api))
        other.until(mirrored(api))
        api.scene.mine(1)
        api.mirror()
        assert one.event() == other.event() == mirrored(api)
        assert len(sessions(database)) == 1


def test_what_moved_while_nobody_listened_is_told_when_somebody_does_again(
    api: Api, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    api.mirror()
    with listening_to(api) as heard, caplog.at_level(logging.INFO, "registry.store.listening"):
        heard.until(mirrored(api))
        (listener,) = sessions(database)
        with database.bulk() as connection:
            connection.execute("SELECT pg_terminate_backend(%s)", (listener,))
        api.scene.mine(2)
        api.mirror()
        heard.until(mirrored(api))
        until(lambda: sessions(database) not in ([], [listener]), seconds=SECONDS_MAX)
        api.scene.mine(1)
        api.mirror()
        heard.until(mirrored(api))
    told = [record.levelname for record in caplog.records if record.name == "registry.store.listening"]
    assert told == ["WARNING", "INFO"]


def test_no_stream_opens_while_the_database_does_not_answer(
    work_folder: Path, scene: Scene, services: Services
) -> None:
    with EmbeddedPostgres.start(work_folder / "listened") as mortal:
        database = Database(mortal.url())
        database.migrate()
        of_it = dataclasses.replace(services, database=database)
        running = serving(of_it)
        with httpx.Client(base_url=next(running), timeout=SECONDS_MAX) as client:
            api = Api(of_it, client, scene)
            api.mirror()
            with listening_to(api) as heard:
                heard.until(mirrored(api))
                mortal.stop()
                until(lambda: not opens(api), seconds=SECONDS_MAX)
                api.problem(PATH, status=503, code="database_unreachable")
        next(running, None)
        database.dispose()


def test_a_database_that_tells_nothing_is_looked_at(
    services: Services, scene: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    # A name that no server takes: the statement is refused as where LISTEN is unknown.
    monkeypatch.setattr(listening, "CHANNEL", "")
    running = serving(services)
    with httpx.Client(base_url=next(running), timeout=SECONDS_MAX) as client:
        api = Api(services, client, scene)
        api.mirror()
        with listening_to(api) as heard:
            heard.until(mirrored(api))
            api.scene.mine(1)
            api.mirror()
            assert heard.event() == mirrored(api)
    next(running, None)
    (told,) = [record for record in caplog.records if record.name == "registry.store.listening"]
    assert "looking every second" in told.getMessage()


def test_a_stream_of_an_empty_mirror_is_refused_and_an_open_one_ends(
    services: Services, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Who empties the mirror says no word.
    monkeypatch.setattr(listening, "LOOK_SECONDS", 0.05)
    running = serving(services)
    with httpx.Client(base_url=next(running), timeout=SECONDS_MAX) as client:
        api = Api(services, client, scene)
        api.problem(PATH, status=503, code="nothing_mirrored")
        api.mirror()
        with listening_to(api) as heard:
            heard.until(mirrored(api))
            forget(services.database)
            assert list(heard.lines) == []
        api.problem(PATH, status=503, code="nothing_mirrored")
    next(running, None)


def test_a_mirror_of_another_registry_is_not_told_of(api: Api) -> None:
    api.mirror()
    other = dataclasses.replace(api.services.deployment, receivables=bytes(20))
    running = serving(dataclasses.replace(api.services, deployment=other))
    api.client.base_url = next(running)
    api.problem(PATH, status=409, code="other_registry")
    next(running, None)


def test_a_quiet_stream_gets_comments(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "HEARTBEAT_SECONDS", 0.01)
    api.mirror()
    with listening_to(api) as heard:
        heard.until(mirrored(api))
        assert [next(heard.lines) for _ in range(4)] == [":", "", ":", ""]
        api.scene.mine(1)
        api.mirror()
        assert heard.event() == mirrored(api)


def test_more_streams_than_may_be_are_refused_until_one_ends(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "STREAMS_MAX", 2)
    api.mirror()
    with listening_to(api) as kept:
        with listening_to(api):
            api.problem(PATH, status=503, code="too_many_streams")
        with listening_to(api) as other:
            other.until(mirrored(api))
        kept.until(mirrored(api))


def test_the_head_of_a_stream_takes_no_place_for_long(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "STREAMS_MAX", 1)
    api.mirror()
    # All on one connection, which is free again each time.
    for _ in range(3):
        until(lambda: api.client.head(PATH).status_code == 200, seconds=SECONDS_MAX)
    with listening_to(api) as heard:
        heard.until(mirrored(api))


def test_a_server_that_ends_ends_its_streams(
    services: Services, scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    running = serving(services)
    with httpx.Client(base_url=next(running), timeout=SECONDS_MAX) as client:
        api = Api(services, client, scene)
        api.mirror()
        with listening_to(api) as one, listening_to(api) as other:
            one.until(mirrored(api))
            other.until(mirrored(api))
            next(running, None)
            # To the end, and not broken off.
            assert list(one.lines) == []
            assert list(other.lines) == []
    assert [record for record in caplog.records if record.name == "uvicorn.error" and record.levelname == "ERROR"] == []
    assert sessions(services.database) == []


def test_a_client_that_does_not_read_is_dropped(
    services: Services, scene: Scene, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers, "UNREAD_SECONDS_MAX", 0.05)
    monkeypatch.setattr(stream, "STREAMS_MAX", 1)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        # What the kernel keeps for a client is little here, so that few events are too much.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
        server = servers.Server(lambda: create_app(services))
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        until(lambda: server.started, seconds=SECONDS_MAX)
        address = listener.getsockname()
        with httpx.Client(base_url=f"http://127.0.0.1:{address[1]}", timeout=SECONDS_MAX) as client:
            api = Api(services, client, scene)
            api.mirror()
            with listening_to(api) as heard:
                heard.until(mirrored(api))
            with socket.socket() as deaf:
                deaf.settimeout(SECONDS_MAX)
                deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
                deaf.connect(address)
                until(lambda: heard_on(deaf, api), seconds=SECONDS_MAX)

                def dropped() -> bool:
                    with database.bulk() as connection:
                        connection.execute("UPDATE cursor SET block_at = block_at + 1")
                        connection.execute("SELECT pg_notify(%s, '')", (CHANNEL,))
                    return opens(api)

                assert not opens(api)
                until(dropped, seconds=SECONDS_MAX)
        server.should_exit = True
        thread.join()


def heard_on(deaf: socket.socket, api: Api) -> bool:
    """Whether the stream that is asked for on this connection is open: its first bytes are there, and stay unread."""
    deaf.sendall(f"GET {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    return deaf.recv(1, socket.MSG_PEEK) == b"H" and not opens(api)
