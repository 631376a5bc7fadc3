"""Reconciling all the time: the heads of all journals against the contract's, at a bounded share of the load."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping

from registry.chain.rpc import Node
from registry.domain.identifiers import Address, format_receivable_id
from registry.errors import Refusal
from registry.mirror.metrics import METRICS, MirrorMetrics
from registry.mirror.rebuild import NothingMirrored
from registry.mirror.reconcile import NotComparable, Report, reconcile
from registry.store.database import Database

LOAD_SHARE = 0.05
"""Of the time that comparing may take."""

DOUBT_SECONDS = 2.0
"""Until the next comparison after one that found differences, or no common block: what is mended is to be seen soon."""

OVERDUE_PAUSES = 3
"""Pauses without a comparison that finished, after which it is missed."""

OVERDUE_SECONDS_MIN = 600.0
"""The same in time, at least: the first comparison of a large book, or a restart, is none that is missed."""

log = logging.getLogger(__name__)


def pause_seconds(*, seconds: float, took_seconds: float) -> float:
    """Between two comparisons: `seconds`, and more where they take so long that it would be too much of the load."""
    return max(seconds, took_seconds / LOAD_SHARE)


def overdue_seconds(*, seconds: float, took_seconds: float) -> float:
    """How long no comparison may have finished, where the last one took so long, before something is wrong."""
    return max(OVERDUE_PAUSES * pause_seconds(seconds=seconds, took_seconds=took_seconds), OVERDUE_SECONDS_MIN)


class Auditor:
    """Compares while this process is the one that writes, and names the journals that are wrong."""

    def __init__(
        self,
        database: Database,
        node: Node,
        *,
        contract: Address,
        seconds: float,
        leads: Callable[[], bool],
        suspect: Callable[[Mapping[int, str]], None],
        metrics: MirrorMetrics = METRICS,
    ) -> None:
        self._database = database
        self._node = node
        self._contract = contract
        self._seconds = seconds
        self._leads = leads
        self._suspect = suspect
        self._metrics = metrics

    def run(self, stop: threading.Event) -> None:
        """Compare again and again until `stop` is set; the first time at once."""
        pause = 0.0
        while not stop.wait(pause):
            if not self._leads():
                pause = min(self._seconds, DOUBT_SECONDS)
                continue
            began = time.monotonic()
            try:
                report = self._compare()
                pause = DOUBT_SECONDS if report.count else self._seconds
            except NothingMirrored:
                pause = min(self._seconds, DOUBT_SECONDS)
            except NotComparable as refusal:
                log.info("reconcile: %s: %s", refusal.code, refusal)
                pause = min(self._seconds, DOUBT_SECONDS)
            except Refusal as refusal:
                log.warning("reconcile: %s: %s", refusal.code, refusal)
                pause = self._seconds
            except Exception:
                log.exception("reconcile: failed in a way that was not foreseen")
                pause = self._seconds
            pause = pause_seconds(seconds=pause, took_seconds=time.monotonic() - began)

    def _compare(self) -> Report:
        began = time.monotonic()
        report = reconcile(self._database, self._node, contract=self._contract)
        self._metrics.reconcile_seconds.observe(time.monotonic() - began)
        self._metrics.differences.set(report.count)
        if report.count:
            log.error(
                "reconcile: %d differences at block %d, the first: %s",
                report.count,
                report.block_number,
                report.differences[0],
                extra={"differences": report.count, "block": report.block_number},
            )
        if report.journals:
            self._suspect(
                {
                    journal_id: f"at block {report.block_number} the contract has another head for "
                    f"{format_receivable_id(journal_id)}"
                    for journal_id in report.journals
                }
            )
        return report
