"""What the attacks share."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts.bank import made_token
from tests.contracts.test_strangers import JPY, Scene
from tests.contracts.till import Till


@pytest.fixture(scope="module")
def opened_scene(opened_till: Till, project: Any) -> Scene:
    return Scene(opened_till, made_token(opened_till.house, project, currency=JPY)[0])


@pytest.fixture
def scene(till: Till, opened_scene: Scene) -> Scene:
    """Every function that writes, with arguments that are right for who may."""
    return opened_scene
