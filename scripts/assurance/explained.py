"""Explanations beside the code: what a part has to let stand, each with its reason, in a committed JSON file.

The file is a list of {"file", "function", "kind", "text", "reason"}; "times" where the same stands several times in one
function. What is not explained fails the part, and so does an explanation of what is no longer there.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from scripts.assurance.instrument import Point

Key = tuple[str, str, str, str]


@dataclass(frozen=True)
class Judged:
    """Points that are explained, those that are not, and explanations of nothing."""

    explained: list[Point]
    unexplained: list[Point]
    stale: list[Key]


def judge(points: Iterable[Point], file: Path) -> Judged:
    """Hold the points against the explanations in the file. Raises ValueError for one without a reason."""
    left: Counter[Key] = Counter()
    for each in json.loads(file.read_text()):
        if len(each["reason"].split()) < 3:
            raise ValueError(f"{file.name}: no reason is given for {each['text']}")
        left[each["file"], each["function"], each["kind"], each["text"]] += each.get("times", 1)
    explained, unexplained = [], []
    for point in points:
        if left[point.key()]:
            left[point.key()] -= 1
            explained.append(point)
        else:
            unexplained.append(point)
    return Judged(explained, unexplained, sorted(left.elements()))


def told(point: Point) -> str:
    """One line about a point."""
    return f"{point.file}:{point.line} {point.function}: {point.kind}: {point.text}"
