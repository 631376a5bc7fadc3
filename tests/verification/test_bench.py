"""What the bench measures stays so: changed claims are found, a supplier's trade is not reported."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from registry.settings import PROJECT_ROOT
from registry.verification.duplicates import SCORE_MIN, KeyFields, Reason
from scripts.bench.duplicates import SEED, Measured, generated, late_payments, measure, open_items

SHARED = PROJECT_ROOT.parent / "shared" / "data" / "receivables"
ROWS = 3_000
FOUND_OFTEN = "two characters swapped, amount inflated"
FOUND_NEVER = {"one digit changed, amount inflated", "another number, amount inflated"}
TWIN = "next number, same day, same amount"

real = pytest.mark.skipif(not SHARED.is_dir(), reason="the receivables of ../shared/data are not on this machine")


def share(scores: list[int]) -> float:
    """Of the scores, how many are near."""
    return sum(score >= SCORE_MIN for score in scores) / len(scores)


def assert_told_apart(measured: Measured) -> None:
    found = {kind: share(scores) for kind, scores in measured.injected.items()}
    assert 0.8 < found.pop(FOUND_OFTEN) < 1
    assert {kind for kind, part in found.items() if part == 0} == FOUND_NEVER
    assert {part for kind, part in found.items() if kind not in FOUND_NEVER} == {1}
    reported = {kind: share(scores) for kind, scores in measured.trade.items()}
    assert reported.pop(TWIN) == 1
    assert set(reported.values()) == {0}


def test_changed_claims_of_a_generated_book_are_found_and_its_trade_is_not() -> None:
    measured = measure(generated(Random(SEED))[:ROWS], Random(SEED))
    assert_told_apart(measured)
    assert set(measured.reasons) <= {Reason.SAME_PARTIES_AND_DATES.value}


@real
@pytest.mark.parametrize(("read", "pairs_max"), [(open_items, 10), (late_payments, 0)])
def test_of_a_thousand_real_rows_few_are_reported_that_nobody_changed(
    read: Callable[[Path], list[KeyFields]], pairs_max: int
) -> None:
    measured = measure(read(SHARED), Random(SEED))
    assert_told_apart(measured)
    assert sum(score >= SCORE_MIN for score in measured.unprompted) <= pairs_max * measured.rows / 1_000
