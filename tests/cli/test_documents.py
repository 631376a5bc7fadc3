"""`counterfoil invoice`: inspecting needs no registry; what it tells people and programs, and how it ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from registry.cli import app
from registry.settings import PROJECT_ROOT

SAMPLES = PROJECT_ROOT / "registry" / "samples"
HYBRID = SAMPLES / "batch" / "erzgrund-er-77342.pdf"
CREDIT_NOTE = SAMPLES / "invoices" / "brandmuehl-gs-2026-017-credit-note.ubl.xml"
PART_PAID = SAMPLES / "invoices" / "linghu-lh20261102-part-paid.ubl.xml"
CUT_OFF = SAMPLES / "invoices" / "malformed-cut-off.xml"

Inspect = Callable[..., Result]


@pytest.fixture
def inspect(tmp_path: Path, home_variable: Callable[[Path], None]) -> Inspect:
    """Runs `invoice inspect` in a home that does not exist, and must not afterwards."""
    home = tmp_path / "home"
    home_variable(home)

    def run(*words: object, exit_code: int = 0) -> Result:
        result = CliRunner().invoke(app, ["invoice", "inspect", *map(str, words)], catch_exceptions=False)
        assert result.exit_code == exit_code, result.stdout + result.stderr
        assert not home.exists()
        return result

    return run


def as_json(result: Result) -> Any:
    return json.loads(result.stdout)


def test_an_inspection_tells_people_what_the_invoice_says(inspect: Inspect) -> None:
    shown = inspect(HYBRID).stdout
    for said in (
        "CII, EN 16931, factur-x.xml in a PDF",
        "ER 77342 of 2026-11-06",
        "71,797.46 EUR",
        "2027-02-28",
        "Erzgrund Stahlhandel GmbH, DE; vat:DE999000654 (VAT id)",
        "can become a receivable",
        "no rule of EN 16931 is broken",
        "due_late",
    ):
        assert said in shown


def test_an_inspection_tells_programs_everything(inspect: Inspect) -> None:
    found = as_json(inspect(PART_PAID, "--json"))
    assert found["file"] == PART_PAID.name
    assert found["bytes"] == PART_PAID.stat().st_size
    assert (found["container"], found["syntax"], found["profile"]) == ("xml", "ubl", "EN 16931")
    invoice = found["invoice"]
    assert invoice["payable"] == {"amount": "1476360.00", "currency": "CNY"}
    assert invoice["prepaid"] == {"amount": "300000.00", "currency": "CNY"}
    assert invoice["seller"]["identity"] == "scheme:USCC:91990000MA0LHDK02F"
    assert invoice["seller"]["identified_by"] == "unified social credit code"
    assert (found["registrable"], found["refusal"]) == (True, None)
    # The list of schemes has no number for the Chinese code: told, and refused only by who is strict.
    assert found["rules"]["fatal_count"] == 2
    assert {finding["rule"] for finding in found["rules"]["findings"]} == {"BR-CL-10"}
    strict = as_json(inspect(PART_PAID, "--json", "--strict", exit_code=1))
    assert strict["refusal"]["code"] == "rules_broken"


def test_what_cannot_become_a_receivable_ends_with_its_code(inspect: Inspect) -> None:
    shown = inspect(CREDIT_NOTE, exit_code=1).stdout
    assert "cannot become a receivable: credit_note_not_registrable" in shown
    assert "GS 2026/017" in shown
    found = as_json(inspect(CREDIT_NOTE, "--json", exit_code=1))
    assert found["registrable"] is False
    assert found["refusal"]["code"] == "credit_note_not_registrable"
    assert found["invoice"]["preceding_invoices"] == ["RE 2026/1041"]


def test_a_file_that_is_no_invoice_is_refused_as_everywhere(inspect: Inspect) -> None:
    assert inspect(CUT_OFF, exit_code=1).stderr.startswith("document_malformed: ")
    assert as_json(inspect(CUT_OFF, "--json", exit_code=1))["error"]["code"] == "document_malformed"


def test_text_of_strangers_does_not_reach_the_terminal_as_it_is(inspect: Inspect, tmp_path: Path) -> None:
    text = CREDIT_NOTE.read_text(encoding="utf-8").replace("GS 2026/017", "GS \u202e[red]1\u009b2J")
    hostile = tmp_path / "hostile.xml"
    hostile.write_text(text, encoding="utf-8")
    shown = inspect(hostile, exit_code=1).stdout
    assert "\u202e" not in shown
    assert "\u009b" not in shown
    assert "[red]1" in shown
