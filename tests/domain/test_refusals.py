"""The root of the error tree."""

from __future__ import annotations

import pytest

from registry.domain.refusals import Refusal


class Late(Refusal):
    code = "late"
    title = "It is too late"
    default_hint = "Come earlier"


@pytest.mark.parametrize(
    ("refusal", "hint"),
    [(Late(), "Come earlier"), (Late(hint="Come at nine"), "Come at nine"), (Late(hint=""), "")],
)
def test_a_hint_is_the_class_s_own_unless_another_or_none_is_given(refusal: Late, hint: str) -> None:
    assert refusal.hint == hint


def test_a_refusal_without_a_detail_says_its_title() -> None:
    assert str(Late()) == Late().detail == "It is too late"
    assert str(Late("closed at five")) == "closed at five"
