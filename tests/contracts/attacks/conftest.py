"""What the attacks share."""

from __future__ import annotations

from tests.contracts.test_strangers import opened_scene, scene

__all__ = ["opened_scene", "scene"]
