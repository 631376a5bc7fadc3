"""The verifier as one file that an auditor reads, keeps and runs in an empty Python.

A zip of the very modules that run here, found by what the verifier imports, with a pure Keccak for where none is
installed, and the registry that it is for. Stored, not compressed, so that it can be read with any tool; the same
sources give the same bytes.
"""

from __future__ import annotations

import io
import json
import zipfile
from modulefinder import ModuleFinder
from pathlib import Path
from typing import Final

from registry.settings import PROJECT_ROOT
from registry.verification.bundle import to_hex
from registry.verification.standalone import PINS_FILE
from registry.verification.verify import Pins

_PACKAGE: Final = "registry"
_SHEBANG: Final = b"#!/usr/bin/env python3\n"
_DATE: Final = (1980, 1, 1, 0, 0, 0)

_MAIN: Final = '''"""Runs the verifier. Keccak-256 is that of an installed package, else the pure one in this file."""

import sys

try:
    from sha3 import keccak_256  # noqa: F401
except ImportError:
    from registry.verification import pure_keccak

    sys.modules["sha3"] = pure_keccak

from registry.verification.standalone import main

sys.exit(main())
'''


def export(pins: Pins) -> bytes:
    """The bytes of verifier.pyz."""
    files = {"__main__.py": _MAIN.encode()}
    for path in _modules():
        files[path.relative_to(PROJECT_ROOT).as_posix()] = path.read_bytes()
    files[f"{_PACKAGE}/verification/{PINS_FILE}"] = (
        json.dumps(
            {
                "chain_id": pins.chain_id,
                "code_hash": to_hex(pins.code_hash),
                "contract": to_hex(pins.contract),
            },
            indent=2,
        ).encode()
        + b"\n"
    )
    made = io.BytesIO()
    made.write(_SHEBANG)
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name, _DATE), files[name])
    return made.getvalue()


def _modules() -> list[Path]:
    """The project's own modules that the verifier imports, and the pure Keccak."""
    finder = ModuleFinder(path=[str(PROJECT_ROOT)])
    for name in ("standalone", "pure_keccak"):
        finder.import_hook(f"{_PACKAGE}.verification.{name}")
    found = (getattr(module, "__file__", None) for module in finder.modules.values())
    paths = {Path(file) for file in found if file is not None}
    return sorted(path for path in paths if path.is_relative_to(PROJECT_ROOT / _PACKAGE))
