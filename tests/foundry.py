"""Where forge is."""

from __future__ import annotations

import shutil

import pytest

from registry.settings import PROJECT_ROOT


def forge() -> str:
    """The forge of node_modules, else the one on the PATH; without either the test is skipped."""
    npm = PROJECT_ROOT / "node_modules" / "@foundry-rs" / "forge-linux-amd64" / "bin" / "forge"
    found = str(npm) if npm.exists() else shutil.which("forge")
    if found is None:
        pytest.skip("forge is not installed: `npm ci` (Linux x86-64), or put Foundry's forge on the PATH")
    return found
