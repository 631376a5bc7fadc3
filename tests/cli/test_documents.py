"""`counterfoil invoice`: inspecting needs no registry, importing can be run again; what they tell, and how they end."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import re
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.event import listen, remove
from typer.testing import Result

from registry.chain.rpc import NodeUnreachable
from registry.commands import sending
from registry.settings import PROJECT_ROOT
from tests.cli.conftest import Cli
from tests.commands.desk import ubl
from tests.e2e.running import PROGRAM, counterfoil, environment, json_of, serving, temporary_home, typed

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
        result = typed("invoice", "inspect", *map(str, words))
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


def test_a_file_name_that_is_no_text_is_told_as_text(inspect: Inspect, tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"M\xfcller.xml")
    path.write_bytes(CREDIT_NOTE.read_bytes())
    assert as_json(inspect(path, "--json", exit_code=1))["file"] == "M?ller.xml"
    assert "ller.xml" in inspect(path, exit_code=1).stdout


def test_text_of_strangers_does_not_reach_the_terminal_as_it_is(inspect: Inspect, tmp_path: Path) -> None:
    text = CREDIT_NOTE.read_text(encoding="utf-8").replace("GS 2026/017", "GS \u202e[red]1\u009b2J")
    hostile = tmp_path / "hostile.xml"
    hostile.write_text(text, encoding="utf-8")
    shown = inspect(hostile, exit_code=1).stdout
    assert "\u202e" not in shown
    assert "\u009b" not in shown
    assert "[red]1" in shown


# --------------------------------------------------------------------- import

TABLE = SAMPLES / "batch" / "brandmuehl-offene-posten.csv"
INVOICE = SAMPLES / "invoices" / "brandmuehl-2026-1041.ubl.xml"
GERMAN = ("--decimal", "comma", "--date-format", "DD.MM.YYYY")
DUE = datetime.now(UTC).date() + timedelta(days=90)
ROWS = 60
"""Rows of the batch that is killed: below what one debtor may leave unanswered."""


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A registry that is served, with the parties of the sample as members."""
    with temporary_home() as folder, serving(folder, "serve", "--port", "0") as command:
        command.wait_ready()
        for party, handle in (("seller", "us"), ("buyer", "them")):
            counterfoil(folder, "member", "add", "--invoice", str(INVOICE), "--party", party, "--handle", handle)
        yield folder


def open_items(folder: Path, *, count: int, first: int = 1, separator: str = ";") -> Path:
    """A table of good rows."""
    header = ["number", "issue_date", "due_date", "currency", "payable", "buyer_vat", "buyer_name"]
    rows = [
        [f"OP {number}", "2026-10-12", str(DUE), "EUR", f"{number}.50", "DE999000017", "Falkenrath"]
        for number in range(first, first + count)
    ]
    path = folder / f"open-{first}.csv"
    path.write_text("".join(separator.join(row) + "\n" for row in [header, *rows]))
    return path


def numbers_of(home: Path) -> Counter[str]:
    """How often each invoice number is a receivable."""
    roots = {row["document_root"] for row in json_of(home, "list")}
    assert len(roots) == len(json_of(home, "list"))
    query = "SELECT invoice.number FROM invoice JOIN receivable USING (document_root) WHERE invoice.number LIKE 'OP %'"
    return Counter(counterfoil(home, "psql", "--", "-At", "-c", query).stdout.split("\n")[:-1])


def test_a_batch_tells_each_row_and_ends_with_1_if_one_was_refused(cli: Cli, tmp_path: Path) -> None:
    path = open_items(tmp_path, first=1000, count=2)
    with path.open("a") as file:
        file.write(f"OP 1002;12.10.2026;{DUE};EUR;1.00;DE999000017;Falkenrath\n")
    rehearsed = cli.json("invoice", "import", str(path), "--as", "us", "--dry-run", exit_code=1)
    assert (rehearsed["counts"], rehearsed["complete"]) == ({"acceptable": 2, "refused": 1}, True)
    gas = [row["gas"] for row in rehearsed["rows"]]
    assert gas[2] is None
    assert 0 < gas[0] + gas[1] == rehearsed["gas"]
    would = cli("invoice", "import", str(path), "--as", "us", "--dry-run", exit_code=1).stdout
    # Salts are drawn anew, and zero bytes are cheaper.
    assert re.search(r"^good line 2: OP 1000, .* \d{3},\d{3} gas$", would, re.MULTILINE)
    assert re.search(r"^2 acceptable, 1 refused of 3, \d{3},\d{3} gas$", would, re.MULTILINE)
    shown = cli("invoice", "import", str(path), "--as", "us", exit_code=1).stdout
    assert "line 2: OP 1000, 1,000.50 EUR from Falkenrath" in shown
    assert "row_malformed line 4: issue_date" in shown
    assert "--date-format says how days are written" in shown
    assert "2 registered, 1 refused of 3" in shown
    again = cli.json("invoice", "import", str(path), "--as", "us", exit_code=1)
    assert again["counts"] == {"duplicate": 2, "refused": 1}
    first, _, last = again["rows"]
    assert (first["place"], first["outcome"], first["number"]) == ("line 2", "duplicate", "OP 1000")
    assert first["amount"] == {"amount": "1000.50", "currency": "EUR"}
    assert first["receivable"].startswith("R-")
    assert (last["refusal"]["code"], last["number"]) == ("row_malformed", None)


def test_a_batch_without_a_refusal_ends_with_0_the_second_time_too(cli: Cli, tmp_path: Path) -> None:
    path = open_items(tmp_path, first=2000, count=2)
    assert cli.json("invoice", "import", str(path), "--as", "us")["counts"] == {"registered": 2}
    assert cli.json("invoice", "import", str(path), "--as", "us")["counts"] == {"duplicate": 2}


def test_the_sample_is_read_as_its_readme_says(cli: Cli) -> None:
    found = cli.json("invoice", "import", str(TABLE), "--as", "us", *GERMAN, "--dry-run", exit_code=1)
    codes = [row["refusal"]["code"] if row["refusal"] else None for row in found["rows"]]
    assert codes[3:6] == ["due_date_missing", "amount_malformed", "party_unknown"]
    assert found["ignored"] == ["Sachbearbeiter"]
    assert (found["count"], found["complete"]) == (7, True)


def test_columns_constants_separator_and_encoding_can_be_named(cli: Cli, tmp_path: Path) -> None:
    text = "Beleg|Tag|Summe|Käufer\nOP 3000|2026-10-12|1.00|DE999000017\nOP 3001|2026-10-12|2.00|DE999000017\n"
    path = tmp_path / "named.csv"
    path.write_bytes(text.encode("cp1252"))
    named = ("--map", "Beleg=number", "--map", "tag=issue_date", "--map", "Summe=payable", "--map", "Käufer=buyer_vat")
    others = ("--set", "currency=EUR", "--set", f"due_date={DUE}", "--separator", "pipe", "--encoding", "windows-1252")
    found = cli.json("invoice", "import", str(path), "--as", "us", *named, *others)
    assert found["counts"] == {"registered": 2}


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ((str(TABLE), "--as", "us", "--encoding", "rot13"), "table_format_unknown"),
        ((str(TABLE), "--as", "us", "--set", "price=1"), "table_format_unknown"),
        ((str(TABLE), "--as", "us", "--map", "Preis=payable"), "table_format_unknown"),
        ((str(TABLE), "--as", "us", "--separator", "comma"), "table_columns_missing"),
        ((str(TABLE), "--as", "nobody"), "unknown_account"),
        (("README.md", "--as", "us"), "batch_unsupported"),
        (("missing.zip", "--as", "us"), "document_unreadable"),
    ],
)
def test_a_batch_that_cannot_be_read_is_refused_as_everywhere(cli: Cli, words: tuple[str, ...], code: str) -> None:
    cli.refused(code, "invoice", "import", *words)


@pytest.mark.parametrize("words", [("--map", "payable"), ("--set", "=1"), ("--decimal", "dot"), ("--separator", "x")])
def test_what_is_typed_wrongly_is_a_usage_error(cli: Cli, words: tuple[str, ...]) -> None:
    cli("invoice", "import", str(TABLE), "--as", "us", *words, exit_code=2)


def test_a_service_that_fails_in_the_middle_closes_the_document_and_names_itself(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = open_items(tmp_path, first=4000, count=3)
    sent = sending.send
    calls = itertools.count(1)

    def failing(*arguments: object, **named: object) -> object:
        if next(calls) == 2:
            raise NodeUnreachable("gone")
        return sent(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(sending, "send", failing)
    found = cli.json("invoice", "import", str(path), "--as", "us", exit_code=1)
    assert (found["counts"], found["complete"]) == ({"registered": 1}, False)
    assert found["error"]["code"] == "node_unreachable"
    monkeypatch.undo()
    again = cli.json("invoice", "import", str(path), "--as", "us")
    assert again["counts"] == {"duplicate": 1, "registered": 2}


def test_a_batch_that_is_killed_is_completed_by_the_next_run_and_nothing_is_there_twice(
    home: Path, tmp_path: Path
) -> None:
    path = open_items(tmp_path, first=1, count=ROWS)
    killed = subprocess.Popen(
        [PROGRAM, "invoice", "import", str(path), "--as", "us"],
        env=environment(home),
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert killed.stdout is not None
    for _ in range(5):
        assert killed.stdout.readline().startswith("R-")
    killed.kill()
    killed.communicate()
    found = json_of(home, "invoice", "import", str(path), "--as", "us")
    assert found["complete"]
    assert found["counts"]["duplicate"] >= 5
    assert found["counts"]["duplicate"] + found["counts"]["registered"] == ROWS
    numbers = numbers_of(home)
    assert {f"OP {number}" for number in range(1, ROWS + 1)} <= set(numbers)
    assert set(numbers.values()) == {1}
    assert json_of(home, "reconcile", "--deep")["differences"] == []


def test_evidence_of_delivery_is_registered_beside_the_invoice_and_shown(cli: Cli, tmp_path: Path) -> None:
    invoice, note = tmp_path / "invoice.xml", tmp_path / "Lieferschein.pdf"
    invoice.write_bytes(ubl(number="OP 5000", due=DUE))
    note.write_bytes(b"delivered")
    words = ("register", str(invoice), "--as", "us", "--attach", str(note))
    cli.refused("attachment_repeated", *words, "--attach", str(note))
    cli.refused("rules_broken", *words, "--strict")
    receivable = cli.json(*words)["receivable"]
    (attached,) = cli.json("show", receivable)["attachments"]
    digest = hashlib.sha256(b"delivered").hexdigest()
    assert attached == {"file": "Lieferschein.pdf", "sha256": "0x" + digest, "bytes": 9}
    assert f"Lieferschein.pdf, SHA-256 {digest}" in cli("show", receivable).stdout


def test_a_check_names_the_phase_and_what_ended_is_no_receivable(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "invoice.xml"
    path.write_bytes(ubl(number="OP 6000", due=DUE))
    receivable = cli.json("register", str(path), "--as", "us")["receivable"]
    (found,) = cli.json("check", str(path))["found"]
    assert (found["match"], found["phase"]) == ("committed", "registered")
    assert "commits to; it is registered " in cli("check", str(path)).stdout
    cli("withdraw", receivable, "--as", "us")
    (found,) = cli.json("check", str(path), exit_code=1)["found"]
    assert (found["match"], found["phase"]) == ("committed", "withdrawn")
    assert "it is withdrawn: no receivable any more" in cli("check", str(path), exit_code=1).stdout


def test_an_inbox_takes_as_many_statements_however_long_it_is(cli: Cli, tmp_path: Path) -> None:
    statements: list[str] = []

    def note(*event: Any) -> None:
        statements.append(event[2])

    def read() -> tuple[int, int]:
        """Claims that wait, and the statements that it took to list them."""
        statements.clear()
        return len(cli.json("inbox", "--as", "them")), len(statements)

    listen(Engine, "before_cursor_execute", note)
    try:
        waiting, before = read()
        path = tmp_path / "invoice.xml"
        path.write_bytes(ubl(number="OP 7000", due=DUE))
        cli("register", str(path), "--as", "us")
        assert read() == (waiting + 1, before)
        assert before > 0
    finally:
        remove(Engine, "before_cursor_execute", note)
