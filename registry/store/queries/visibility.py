"""Who asks, and which rows that caller may see: the one place where every query starts."""

from __future__ import annotations

from enum import Enum, auto
from typing import assert_never

from sqlalchemy import ColumnElement, Table, true


class Caller(Enum):
    """Who asks.

    There are no accounts yet, hence one caller: a process on this machine, the command line or a client of the
    loopback address. It could read the database itself, so it sees everything. When accounts come, the default
    `caller=Caller.LOCAL` of the queries goes, and the type checker names every call that must say who asks.
    """

    LOCAL = auto()


def visible_to(caller: Caller, table: Table) -> ColumnElement[bool]:  # noqa: ARG001  (roles will see by table)
    """The condition that leaves only the rows of `table` that the caller may see."""
    match caller:
        case Caller.LOCAL:
            return true()
    assert_never(caller)
