"""A browser without a window, to see how a picture comes out. Tests that need one are skipped where there is none."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from html import unescape
from pathlib import Path
from typing import Any

import pytest

SECONDS_MAX = 120.0
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ANSWER = re.compile(r'<pre id="answer">(.*?)</pre>', re.DOTALL)


def evaluate(body: str, script: str, *, languages: str = "en-US") -> Any:
    """What the function body `script` returns, as JSON, once the page with this body and its images is loaded."""
    program = next((found for name in NAMES if (found := shutil.which(name))), None)
    if program is None:
        pytest.skip(f"No browser on the PATH: {', '.join(NAMES)}")
    page = (
        f"<!doctype html><meta charset=utf-8><body>{body}<pre id=answer></pre><script>"
        f"onload = () => document.getElementById('answer').textContent = JSON.stringify((() => {{ {script} }})())"
        "</script>"
    )
    with tempfile.TemporaryDirectory(prefix="counterfoil-browser-", ignore_cleanup_errors=True) as folder:
        file = Path(folder) / "page.html"
        file.write_text(page, encoding="utf-8")
        done = subprocess.run(
            # The sandbox needs rights that a container does not give; the page is our own.
            [
                *(program, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}/profile"),
                *(f"--accept-lang={languages}", "--dump-dom", file.as_uri()),
            ],
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=SECONDS_MAX,
            check=True,
        )
    answer = ANSWER.search(done.stdout)
    assert answer is not None, done.stderr
    return json.loads(unescape(answer[1]))
