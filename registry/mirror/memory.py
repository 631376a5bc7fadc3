"""Python's collector of cycles, kept from looking through ten thousands of entries again and again."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

THRESHOLDS = (100_000, 50, 1_000)
"""New objects until a collection, and collections of each generation until one of the next."""

_lock = threading.Lock()
_inside = 0
_before = gc.get_threshold()


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Within it cycles are looked for seldom: entries and states have none, and looking took a third of the time."""
    global _inside, _before  # noqa: PLW0603  (the thresholds are the process's)
    with _lock:
        _inside += 1
        if _inside == 1:
            _before = gc.get_threshold()
            gc.set_threshold(*THRESHOLDS)
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if not _inside:
                gc.set_threshold(*_before)
