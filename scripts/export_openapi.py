"""Write the description of the API to docs/openapi.json: `python -m scripts.export_openapi`."""

from __future__ import annotations

import json
from pathlib import Path

from api.app import create_app
from registry.settings import PROJECT_ROOT

OPENAPI_FILE = PROJECT_ROOT / "docs" / "openapi.json"


def openapi_text() -> str:
    """The description as the file holds it."""
    return json.dumps(create_app().openapi(), indent=2, ensure_ascii=False) + "\n"


def main(path: Path = OPENAPI_FILE) -> None:
    """Write it."""
    path.write_text(openapi_text(), encoding="utf-8")
    print(f"wrote {path}")


if __name__ == "__main__":
    main()
