"""A gap without an explanation is a fault, and so is an explanation without a gap."""

from __future__ import annotations

import pytest

from scripts.assurance.domain_coverage import judge

BOTH = """\
if asked:
    first()
else:
    second()  # pragma: no cover - nobody asks
while more:  # pragma: no branch - there is always more
    third()
"""


def test_what_is_explained_is_no_fault() -> None:
    found = judge(BOTH, missing_lines=[4], missing_branches=[(1, 4), (5, -1)])
    assert (found.faults, found.explained) == ((), 2)


@pytest.mark.parametrize(
    ("source", "lines", "branches", "faults"),
    [
        (BOTH, [], [(5, -1)], [4]),
        (BOTH, [4], [(1, 4)], [5]),
        (BOTH, [2, 4], [(1, 2), (1, 4), (5, -1)], [2]),
        (BOTH, [4], [(1, 4), (5, -1), (1, 2)], [1]),
        (BOTH.replace(" - nobody asks", ""), [4], [(1, 4), (5, -1)], [4]),
        (BOTH.replace("no cover", "no branch"), [4], [(1, 4), (5, -1)], [4, 4]),
        (BOTH.replace("second()  ", "second('").replace("asks", "asks')"), [4], [(1, 4), (5, -1)], [4]),
    ],
    ids=[
        "a stale line",
        "a stale branch",
        "an untold line",
        "an untold branch",
        "no reason",
        "the other kind",
        "a text, not a comment",
    ],
)
def test_what_is_not_explained_or_no_gap_is_told_by_its_line(
    source: str, lines: list[int], branches: list[tuple[int, int]], faults: list[int]
) -> None:
    found = judge(source, missing_lines=lines, missing_branches=branches)
    assert [line for line, _ in found.faults] == faults
