"""Log lines for machines."""

from __future__ import annotations

import json
import logging
import sys

from registry.observe import JsonLines


def test_a_json_line_holds_message_extras_and_traceback() -> None:
    try:
        raise ValueError("broken")
    except ValueError:
        record = logging.getLogger("x").makeRecord(
            "x", logging.ERROR, "f", 1, "%s failed", ("it",), sys.exc_info(), extra={"block": 7}
        )
    text = JsonLines().format(record)
    assert "\n" not in text
    line = json.loads(text)
    assert (line["level"], line["logger"], line["message"], line["block"]) == ("error", "x", "it failed", 7)
    assert "ValueError: broken" in line["traceback"]
    assert line["at"].endswith("+00:00")
