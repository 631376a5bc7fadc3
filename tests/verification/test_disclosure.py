"""Disclosures on paper: what is no disclosure, and how far one can be relied on."""

from __future__ import annotations

import pytest

from registry.verification.bundle import BundleMalformed
from registry.verification.disclosure import verify_file
from tests.verification.hostile import nested_disclosure


def test_lists_in_each_other_are_refused_however_deep() -> None:
    """The parser and the writer of JSON give up at depths of their own, which the caller's stack moves."""
    for depth in range(9, 1_100):
        with pytest.raises(BundleMalformed):
            verify_file(nested_disclosure(depth))
