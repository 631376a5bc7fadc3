"""Requests with an idempotency key: each is carried out once, whatever is repeated, and its outcome is kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, null, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from registry.errors import Refusal
from registry.store.tables import relay_request as table

RUNNING_SECONDS_MAX = 180
"""How long a request is taken to be running that has told no end: longer than a transaction is waited for."""


class IdempotencyKeyReused(Refusal):
    """The key came with another input before."""

    code = "idempotency_key_reused"
    status = 409
    title = "That idempotency key belongs to another request"
    default_hint = "Use a fresh key for every operation, and the same one only to repeat it unchanged"


class RequestRunning(Refusal):
    """The same request is being carried out."""

    code = "request_running"
    status = 409
    title = "The same request is being carried out"
    default_hint = "Repeat it, with the same key, in a few seconds: then its outcome is known"


@dataclass(frozen=True, slots=True)
class Earlier:
    """What an attempt before this one came to: its outcome, or else the transaction that it may have sent."""

    outcome: dict[str, Any] | None = None
    tx_hash: bytes | None = None


def begin(connection: Connection, *, key: str, input_sha256: bytes) -> Earlier:
    """Take a request on; where it has no outcome yet it is the caller's to carry out.

    Raises IdempotencyKeyReused, RequestRunning.
    """
    begun = connection.execute(
        upsert(table)
        .values(idempotency_key=key, input_sha256=input_sha256, running_until=_until())
        .on_conflict_do_nothing()
        .returning(table.c.idempotency_key)
    ).one_or_none()
    if begun is not None:
        return Earlier()
    running = (table.c.running_until > func.now()).label("running")
    row = connection.execute(
        select(table.c.input_sha256, table.c.outcome, table.c.tx_hash, running)
        .where(table.c.idempotency_key == key)
        .with_for_update()
    ).one_or_none()
    if row is None or (row.input_sha256 == input_sha256 and row.outcome is None and row.running):
        # Without a row: it was refused this very moment.
        raise RequestRunning()
    if row.input_sha256 != input_sha256:
        raise IdempotencyKeyReused()
    if row.outcome is None:
        connection.execute(update(table).where(table.c.idempotency_key == key).values(running_until=_until()))
    return Earlier(row.outcome, row.tx_hash)


def begin_again(connection: Connection, *, key: str) -> Earlier:
    """Take a request on whose outcome is no longer the chain's: it is forgotten, the transaction is not.

    Raises RequestRunning.
    """
    begun = connection.execute(
        update(table)
        .where(table.c.idempotency_key == key, table.c.outcome.is_not(None))
        .values(outcome=null(), running_until=_until())
        .returning(table.c.tx_hash)
    ).one_or_none()
    if begun is None:
        # Another one was faster.
        raise RequestRunning()
    return Earlier(tx_hash=begun.tx_hash)


def announce(connection: Connection, *, key: str, tx_hash: bytes) -> None:
    """Keep which transaction carries the request out, before it leaves: after a crash it can be looked up."""
    connection.execute(update(table).where(table.c.idempotency_key == key).values(tx_hash=tx_hash))


def finish(connection: Connection, *, key: str, outcome: dict[str, Any]) -> None:
    """Keep the outcome of a request that was carried out."""
    connection.execute(update(table).where(table.c.idempotency_key == key).values(outcome=outcome))


def give_up(connection: Connection, *, key: str) -> None:
    """Forget a request that did nothing: with the same key it may be tried again, or another."""
    connection.execute(delete(table).where(table.c.idempotency_key == key, table.c.outcome.is_(None)))


def leave_open(connection: Connection, *, key: str) -> None:
    """A request whose outcome is not known: the same one may be tried again at once, no other with its key."""
    connection.execute(update(table).where(table.c.idempotency_key == key).values(running_until=func.now()))


def _until() -> ColumnElement[datetime]:
    return func.now() + func.make_interval(0, 0, 0, 0, 0, 0, RUNNING_SECONDS_MAX)
