"""Anvil's pool of transactions, between a block and going back behind it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

SECONDS_MAX = 10.0


def settle(ask: Callable[[str], Any]) -> None:
    """Wait until Anvil has taken what it mined out of its pool, which is a little after it has answered.

    What is sent after an evm_revert has sender and number of what was reverted: it would be taken out with it, and
    nobody would ever mine it.
    """
    until = time.monotonic() + SECONDS_MAX
    while ask("txpool_status")["pending"] != "0x0":
        assert time.monotonic() < until, "a test left a transaction that nobody mines"
