"""Debts that are reported over HTTP as not paid in time."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from api.schemas.common import ReceivableIdText
from api.schemas.operations import AppendedOut, MinedOut


class DishonourIn(BaseModel):
    """A receivable that was not paid in time."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    receivable: ReceivableIdText


class DishonouredOut(MinedOut):
    """What became of a report: its entry, whose actor is the relayer."""

    entries: list[AppendedOut]
