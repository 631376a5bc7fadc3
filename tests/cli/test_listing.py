"""Lists in a second terminal: filters, pages, CSV; and what a command that only reads does without."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from registry.domain.identifiers import parse_certificate_id
from registry.settings import PROJECT_ROOT
from registry.tabular import csv_lines
from tests.cli.conftest import Cli
from tests.commands.desk import SAMPLES, ubl
from tests.e2e.running import environment

SELLER, BUYER, BANK = "brandmuhl-guss", "falkenrath-automobilwerke", "bank"
SAMPLE = SAMPLES / "brandmuehl-2026-1041.ubl.xml"
HASH = "0x" + "0d" * 32
TODAY = datetime.now(UTC).date()
NEAR, FAR = TODAY + timedelta(days=30), TODAY + timedelta(days=90)

ALL = ["R-1", "R-2", "R-3", "R-4"]
FROZEN = "R-1/60000-100000"
AUTHORITY = ("--authority", "AG Köln", "--until", str(FAR))

# are confirmed, R-3 waits, R-4 is refused: currency, due date, face. R-2 is frozen, and the bank's part of
# R-1 was to be registered three times.
CLAIMS = (("EUR", NEAR, "1000.00"), ("JPY", FAR, "250000"), ("EUR", FAR, "70.50"), ("EUR", FAR, "9.99"))


@pytest.fixture(autouse=True)
def _filled(cli: Cli, tmp_path: Path) -> None:
    """Members and claims, put in by whichever test comes first."""
    if cli.json("list"):
        return
    for party in ("seller", "buyer"):
        cli("member", "add", "--invoice", str(SAMPLE), "--party", party)
    cli("member", "add", "--name", '=Bank & Söhne, "AG"', "--role", "financier", "--handle", BANK)
    for number, (currency, due, payable) in enumerate(CLAIMS, 1):
        path = tmp_path / f"{number}.xml"
        path.write_bytes(ubl(number=f"LIST {number}", due=due, payable=payable, currency=currency))
        cli("register", str(path), "--as", SELLER)
    cli("confirm", "R-1", "--as", BUYER)
    cli("confirm", "R-2", "--as", BUYER)
    cli("refuse", "R-4", "--as", BUYER)
    cli("split", "R-1/0-100000", "400", "--to", BANK, "--as", SELLER, "--document", HASH)
    cli("split", "R-2/0-250000", "1", "--to", BANK, "--as", SELLER, "--document", HASH)
    for what in (FROZEN, "R-2"):
        paper = str(tmp_path / "order.json")
        cli("order", "freeze", what, *AUTHORITY, "--number", what, "--as", "officer-one", "-o", paper)
        cli("order", "carry-out", paper, "--as", "officer-two")
    for _ in range(2):
        cli.refused("duplicate", "register", str(tmp_path / "1.xml"), "--as", SELLER)


def ids(cli: Cli, *words: str) -> list[str]:
    return [row["id"] for row in cli.json("list", *words)]


def table(cli: Cli, *words: str) -> list[dict[str, str]]:
    """What --csv prints, as another reader reads it."""
    text = cli(*words, "--csv").stdout_bytes.decode("utf-8")
    assert text.count("\r\n") == text.count("\n")
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


# --------------------------------------------------------------------- filters


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ([], ALL),
        (["--phase", "live"], ["R-1", "R-2"]),
        (["--phase", "registered"], ["R-3"]),
        (["--phase", "refused"], ["R-4"]),
        (["--phase", "overdue"], []),
        (["--status", "confirmed"], ["R-1", "R-2"]),
        (["--status", "lapsed"], []),
        (["--status", "refused", "--not-frozen"], ["R-4"]),
        (["--frozen"], ["R-2"]),
        (["--not-frozen"], ["R-1", "R-3", "R-4"]),
        (["--frozen", "--holder", BANK], ["R-1/60000-100000", "R-2/249999-250000"]),
        (["--not-frozen", "--holder", BANK], []),
        (["--registered-until", str(TODAY - timedelta(days=2))], []),
        (["--registered-from", str(TODAY + timedelta(days=2))], []),
        (
            ["--registered-from", str(TODAY - timedelta(days=2)), "--registered-until", "9999-12-31", "--limit", "9"],
            ALL,
        ),
        (["--currency", "jpy"], ["R-2"]),
        (["--due-from", str(FAR)], ["R-2", "R-3", "R-4"]),
        (["--due-until", str(NEAR)], ["R-1"]),
        (["--due-until", str(NEAR - timedelta(days=1))], []),
        (["--due-from", str(NEAR), "--due-until", str(FAR), "--currency", "EUR"], ["R-1", "R-3", "R-4"]),
        (["--due-until", "9999-12-31"], ["R-1", "R-2", "R-3", "R-4"]),
        (["--debtor", BUYER, "--originator", SELLER, "--phase", "live", "--currency", "EUR"], ["R-1"]),
        (["--debtor", SELLER], []),
        (["--holder", BANK], ["R-1/60000-100000", "R-2/249999-250000"]),
        (["--holder", BANK, "--currency", "JPY"], ["R-2/249999-250000"]),
        (["--holder", BANK, "--due-until", str(NEAR)], ["R-1/60000-100000"]),
        (["--holder", BANK, "--phase", "due"], []),
        (["--holder", BANK, "--originator", BUYER], []),
        (["--after", "R-2"], ["R-3", "R-4"]),
        (["--after", " r-4 "], []),
        (["--after", "R-1", "--limit", "2"], ["R-2", "R-3"]),
        (["--limit", "4"], ["R-1", "R-2", "R-3", "R-4"]),
        (["--holder", BANK, "--after", "R-1/60000-100000"], ["R-2/249999-250000"]),
    ],
    ids=lambda value: " ".join(value) or "all",
)
def test_a_list_is_narrowed(cli: Cli, words: list[str], found: list[str]) -> None:
    assert ids(cli, *words) == found
    shown = cli("list", *words).stdout
    assert all(name in shown for name in found)


def test_pages_that_follow_each_other_give_every_row_once(cli: Cli) -> None:
    for words in ([], ["--holder", SELLER]):
        everything = ids(cli, *words)
        seen: list[str] = []
        while True:
            result = cli("list", "--limit", "1", *words, *(["--after", seen[-1]] if seen else []), "--csv")
            (row,) = csv.DictReader(io.StringIO(result.stdout, newline=""))
            seen.append(row["id"])
            if "there is more" not in result.stderr:
                break
            assert f"--after {seen[-1]}" in result.stderr
        assert seen == everything


@pytest.mark.parametrize(
    ("words", "key"),
    [
        (["inbox", "--as", BUYER], "id"),
        (["calendar", "--as", BUYER], "due_date"),
        (["orders"], "order"),
        (["orders", "--expired"], "order"),
        (["member", "list"], "handle"),
        (["member", "list", "--role", "financier"], "handle"),
        (["duplicates"], "attempt"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else value,
)
def test_every_list_is_read_page_by_page(cli: Cli, words: list[str], key: str) -> None:
    everything = [row[key] for row in cli.json(*words)]
    assert everything
    seen: list[str] = []
    following: list[str] = []
    while len(seen) < len(everything):
        result = cli(*words, "--limit", "1", *following, "--json")
        (row,) = json.loads(result.stdout)
        seen.append(row[key])
        _, told, last = result.stderr.partition("--after ")
        assert bool(told) == (len(seen) < len(everything))
        following = ["--after", "".join(last.split())]
    assert seen == everything


@pytest.mark.parametrize(
    ("on", "found"),
    [
        ("R-1", [FROZEN]),
        ("R-1/0-5000", []),
        ("R-1/0-60001", [FROZEN]),
        ("R-1/60000-100000", [FROZEN]),
        ("R-1/99999-100000", [FROZEN]),
        ("R-2/0-1", ["R-2"]),
        (BANK, []),
    ],
)
def test_orders_are_asked_for_by_what_they_are_on(cli: Cli, on: str, found: list[str]) -> None:
    assert [row["on"] for row in cli.json("orders", "--on", on)] == found


def test_members_are_narrowed_by_role_and_standing(cli: Cli) -> None:
    def handles(*words: str) -> list[str]:
        return [row["handle"] for row in cli.json("member", "list", *words)]

    assert handles("--role", "financier") == [BANK]
    assert handles("--role", "debtor", "--status", "active") == [BUYER]
    assert handles("--status", "suspended") == handles("--status", "expired") == []
    assert handles("--after", BANK) == [BUYER, SELLER] if BANK < BUYER < SELLER else [SELLER, BUYER]
    assert "no such members" in cli("member", "list", "--status", "suspended").stdout
    cli.refused("unknown_member", "member", "list", "--after", HASH[:42])


def test_what_was_refused_as_a_duplicate_can_be_read(cli: Cli) -> None:
    attempts = cli.json("duplicates")
    assert [one["receivable"] for one in attempts] == ["R-1"] * len(attempts)
    assert attempts[0]["attempt"] > attempts[-1]["attempt"]
    assert {(one["code"], one["originator"]["handle"], one["file"]) for one in attempts} == {
        ("duplicate", SELLER, "1.xml")
    }
    assert cli.json("duplicates", "--of", "R-2") == cli.json("duplicates", "--originator", BANK) == []
    assert cli.json("duplicates", "--of", "R-1", "--originator", SELLER) == attempts
    assert [row["attempt"] for row in table(cli, "duplicates")] == [str(one["attempt"]) for one in attempts]
    assert "1.xml" in cli("duplicates").stdout


def test_what_no_list_can_be_narrowed_to_is_refused(cli: Cli) -> None:
    cli.refused("unknown_currency", "list", "--currency", "EURO")
    cli.refused("id_malformed", "list", "--after", "R-1/0-5")
    cli.refused("id_malformed", "list", "--holder", BANK, "--after", "R-1")
    cli.refused("unknown_currency", "calendar", "--as", BUYER, "--after", "2027-01-31/EURO")
    cli.refused("unknown_receivable", "inbox", "--as", BUYER, "--after", "R-99")
    cli.refused("id_malformed", "orders", "--after", "R-1")
    cli("calendar", "--as", BUYER, "--after", "tomorrow/EUR", exit_code=2)
    cli("list", "--limit", "0", exit_code=2)
    cli("list", "--phase", "happy", exit_code=2)
    cli("list", "--json", "--csv", exit_code=2)


# ------------------------------------------------------------------------- CSV


def test_a_table_of_receivables_says_what_json_says(cli: Cli) -> None:
    for csv_row, row in zip(table(cli, "list"), cli.json("list"), strict=True):
        assert csv_row["id"] == row["id"]
        assert csv_row["phase"] == row["phase"]
        assert (csv_row["face"], csv_row["face_currency"]) == (row["face"]["amount"], row["face"]["currency"])
        assert csv_row["debtor_handle"] == row["debtor"]["handle"]
        assert csv_row["originator_address"] == row["originator"]["address"]
        assert csv_row["registered_at"] == row["registered_at"]
        assert csv_row["answered_at"] == (row["answered_at"] or "")
        assert csv_row["journal_head"] == row["journal"]["head"]
        assert csv_row["journal_length"] == str(row["journal"]["length"])
        assert set(csv_row.values()) >= {row["fingerprint"], row["document_root"], row["due_date"]}


def test_the_amounts_of_a_holder_s_table_add_up(cli: Cli) -> None:
    rows = table(cli, "list", "--holder", BANK)
    assert {(row["amount"], row["amount_currency"]) for row in rows} == {("400.00", "EUR"), ("1", "JPY")}
    for row in rows:
        identifier = parse_certificate_id(row["id"])
        exponent = 2 if row["amount_currency"] == "EUR" else 0
        assert Decimal(row["amount"]).scaleb(exponent) == identifier.end - identifier.start


def test_a_holder_sees_what_is_frozen_and_by_which_order(cli: Cli) -> None:
    assert {row["id"]: row["frozen"] for row in cli.json("list", "--holder", SELLER)} == {
        "R-1/0-60000": False,
        "R-2/0-249999": True,
    }
    shown = {line.split()[0]: line for line in cli("list", "--holder", BANK).stdout.splitlines()}
    assert f"AG Köln, {FROZEN}" in shown[FROZEN]
    assert "AG Köln, R-2" in shown["R-2/249999-250000"]
    assert [(row["id"], row["frozen"]) for row in table(cli, "list", "--holder", BANK)] == [
        (FROZEN, "true"),
        ("R-2/249999-250000", "true"),
    ]
    assert {row["currency"]: (row["amount"], row["frozen_amount"]) for row in table(cli, "book", "--as", SELLER)} == {
        "EUR": ("600.00", "0.00"),
        "JPY": ("249999", "249999"),
    }
    (euro,) = (row for row in cli("book", "--as", BANK).stdout.splitlines() if row.startswith("EUR"))
    assert euro.count("400.00 EUR") == 2


def test_pending_and_trace_and_members_are_tables_too(cli: Cli) -> None:
    assert [row["id"] for row in table(cli, "inbox", "--as", BUYER)] == ["R-3"]
    steps = table(cli, "trace", "R-1/60000-100000")
    assert [step["operation"] for step in steps] == ["Registered", "Confirmed", "Split", "CertificateFrozen"]
    assert (steps[2]["giver"], steps[2]["holder"], steps[2]["document"]) == (SELLER, BANK, HASH)
    assert {row["handle"]: row["roles"] for row in table(cli, "member", "list")}[BANK] == "financier"


def test_a_name_that_a_spreadsheet_would_compute_is_defused(cli: Cli) -> None:
    (bank,) = (row for row in table(cli, "member", "list") if row["handle"] == BANK)
    assert bank["name"] == '\'=Bank & Söhne, "AG"'


def test_an_empty_table_has_its_header(cli: Cli) -> None:
    empty = cli("list", "--currency", "USD", "--csv").stdout
    assert empty.startswith("id,phase,face,face_currency,")
    assert empty.count("\n") == 1
    assert cli("inbox", "--as", BANK, "--csv").stdout == empty


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r"])
def test_every_begin_of_a_formula_is_defused_and_nothing_else_is_changed(begin: str) -> None:
    documents = [
        {"name": f"{begin}1+1", "list": [f"{begin}x", "y"], "number": -1, "inside": f"1{begin}1", "none": None}
    ]
    text = "".join(csv_lines(["name", "list", "number", "inside", "none"], documents))
    _, row = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert row == [f"'{begin}1+1", f"'{begin}x y", "-1", f"1{begin}1", ""]


@pytest.mark.parametrize("value", ['a"b', "a,b", "a\nb", "a\r\nb", " a ", "", "宁波", "'"])
def test_any_text_survives_a_table(value: str) -> None:
    documents = [{"a": value, "b": {"amount": "1.00", "currency": "EUR"}, "c": 1}] * 2
    text = "".join(csv_lines(["a", "b", "b_currency"], documents))
    header, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert header == ["a", "b", "b_currency"]
    assert rows == [[value, "1.00", "EUR"]] * 2


# ------------------------------------------------------------------- start-up


@pytest.mark.parametrize(
    "words",
    [
        ["list", "--holder", BANK],
        ["show", "R-1"],
        ["trace", "R-1/60000-100000"],
        ["member", "list"],
        ["inbox", "--as", BUYER],
    ],
    ids=lambda words: words[0],
)
def test_a_command_that_only_reads_does_not_load_the_libraries_of_the_chain(
    cli: Cli, home: Path, words: list[str]
) -> None:
    program = (
        "import sys; from registry.cli import app; app(sys.argv[1:], standalone_mode=False); "
        "print(*sorted({'web3', 'eth_account', 'aiohttp', 'alembic'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *words],
        env={**environment(home), "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout
    assert done.stderr.strip() == ""
