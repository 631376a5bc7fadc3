"""Every command in a second terminal, beside a running registry: what it prints, and how it ends."""

from __future__ import annotations

import itertools
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import typer.core
import typer.main

from registry.cli import app
from registry.settings import PROJECT_ROOT
from registry.store.database import Database
from registry.store.queries import health
from tests.cli.conftest import Cli
from tests.commands.desk import SAMPLES, changes, table_digests, ubl
from tests.e2e.running import Serving

SELLER, BUYER, SUPPLIER, BANK = "brandmuhl-guss", "falkenrath-automobilwerke", "tiefenbach", "bank"
SAMPLE = SAMPLES / "brandmuehl-2026-1041.ubl.xml"
DUE = datetime.now(UTC).date() + timedelta(days=90)
HASH = "0x" + "0d" * 32

_numbers = itertools.count(1)


@pytest.fixture(autouse=True)
def _members(cli: Cli) -> None:
    """Four members, admitted by whichever test comes first."""
    if cli.json("member", "list"):
        return
    for party in ("seller", "buyer"):
        cli("member", "add", "--invoice", str(SAMPLE), "--party", party)
    for handle, role in ((SUPPLIER, "supplier"), (BANK, "financier")):
        cli("member", "add", "--name", handle.title(), "--role", role, "--handle", handle)


def write_invoice(folder: Path, *, number: str | None = None, due: date | None = DUE, payable: str = "1000.00") -> str:
    number = number or f"CLI {next(_numbers)}"
    path = folder / f"{number.replace(' ', '-')}.xml"
    path.write_bytes(ubl(number=number, due=due, payable=payable))
    return str(path)


def registered(cli: Cli, folder: Path) -> str:
    found: str = cli.json("register", write_invoice(folder), "--as", SELLER)["receivable"]
    return found


def confirmed(cli: Cli, folder: Path) -> str:
    """A whole certificate over 1,000.00 EUR, the seller's."""
    found: str = cli.json("confirm", registered(cli, folder), "--as", BUYER)["certificate"]
    return found


def assert_done(text: str) -> None:
    assert text.startswith("done ")
    assert re.search(r"block \d+, transaction 0x[0-9a-f]{64}, [\d,]+ gas", text)


# --------------------------------------------------------------------- finding


def test_a_second_terminal_finds_the_running_registry_by_its_home_folder(cli: Cli, served: Serving) -> None:
    found = cli.json("status")
    assert found["home"] == str(served.home)
    assert found["running"] == served.process.pid
    assert found["api"] == served.wait_ready()
    assert found["mirrored_block"] == found["head_block"]
    shown = cli("status").stdout
    assert str(served.process.pid) in shown
    assert found["contract"] in shown


@pytest.mark.parametrize(
    "words", [["serve"], ["mirror"], ["mirror", "--once"], ["demo", "--once"], ["demo", "--fresh"]], ids=" ".join
)
def test_a_home_has_one_owner(cli: Cli, served: Serving, words: list[str]) -> None:
    shown = cli(*words, exit_code=1)
    assert shown.stderr.startswith("already_running: ")
    assert str(served.process.pid) in shown.stderr
    assert cli.json("status")["running"] == served.process.pid


# --------------------------------------------------------------------- members


def test_a_member_is_added_from_an_invoice(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "invoice.xml"
    path.write_bytes(ubl(number="1", due=None, seller="DE123123123"))
    done = cli.json("member", "add", "--invoice", str(path), "--party", "seller")
    assert (done["operation"], done["handle"]) == ("MemberAdmitted", "seller-de123123123")
    (member,) = (row for row in cli.json("member", "list") if row["handle"] == "seller-de123123123")
    assert member["address"] == done["address"]
    assert (member["roles"], member["status"]) == (["supplier"], "active")
    assert member["name"] == "Seller DE123123123"


def test_names_that_look_like_markup_or_move_the_terminal_are_shown_as_they_are(cli: Cli) -> None:
    assert_done(
        cli("member", "add", "--name", "ACME [/] \x1b[2JAG [i", "--role", "supplier", "--handle", "acme").stdout
    )
    shown = cli("member", "list").stdout
    assert "ACME [/] \N{REPLACEMENT CHARACTER}[2JAG [i" in shown
    assert "\x1b" not in shown


def test_members_are_listed_with_their_handles(cli: Cli) -> None:
    shown = cli("member", "list").stdout
    for handle in (SELLER, BUYER, SUPPLIER, BANK):
        assert handle in shown


def test_a_suspended_member_takes_no_part_until_it_is_added_again(cli: Cli, tmp_path: Path) -> None:
    done = cli.json("member", "add", "--name", "Brief Ltd", "--role", "supplier", "--role", "debtor")
    assert_done(cli("member", "suspend", "brief", "--reason", "sanctions").stdout)
    (member,) = (row for row in cli.json("member", "list") if row["handle"] == "brief")
    assert (member["status"], member["roles"]) == ("suspended", ["supplier", "debtor"])
    certificate = confirmed(cli, tmp_path)
    cli.refused("member_not_eligible", "endorse", certificate, "--to", "brief", "--as", SELLER, "--document", HASH)
    cli("member", "add", "--address", done["address"], "--name", "Brief Ltd", "--role", "supplier")
    cli("endorse", certificate, "--to", "brief", "--as", SELLER, "--document", HASH)


def test_only_the_operator_adds_members(cli: Cli) -> None:
    cli.refused("not_authorised", "member", "add", "--name", "X", "--role", "supplier", "--as", BANK)
    cli.refused("not_authorised", "member", "suspend", BANK, "--as", SUPPLIER)


# ----------------------------------------------------------------- receivables


def test_an_invoice_is_registered_shown_and_waits_for_its_buyer(cli: Cli, tmp_path: Path) -> None:
    path = write_invoice(tmp_path, number="INV 7/1".replace("/", "-"))
    shown = cli("register", path, "--as", SELLER).stdout
    assert_done(shown)
    match = re.search(r"R-\d+", shown)
    assert match is not None
    receivable = match[0]
    waiting = {row["id"]: row for row in cli.json("inbox", "--as", BUYER)}
    assert waiting[receivable]["phase"] == "registered"
    assert waiting[receivable]["face"] == {"amount": "1000.00", "currency": "EUR"}
    shown = cli("inbox", "--as", BUYER).stdout
    assert receivable in shown
    assert "INV 7-1" in shown
    assert cli.json("inbox", "--as", BANK) == []


def test_a_dry_run_tells_what_would_happen_and_writes_nothing(cli: Cli, tmp_path: Path, database: Database) -> None:
    path = write_invoice(tmp_path, number="DRY 1")
    before = {**table_digests(database), "head": cli.json("status")["head_block"]}
    found = cli.json("register", path, "--as", SELLER, "--dry-run")
    assert found["dry_run"] is True
    assert found["face"] == {"amount": "1000.00", "currency": "EUR"}
    assert found["due_date"] == str(DUE)
    assert found["gas"] > 21_000
    assert "would register invoice DRY 1: 1,000.00 EUR" in cli("register", path, "--as", SELLER, "--dry-run").stdout
    cli.refused("due_date_passed", "register", path, "--as", SELLER, "--dry-run", "--due", "2020-01-01")
    assert changes(before, {**table_digests(database), "head": cli.json("status")["head_block"]}) == set()
    cli("register", path, "--as", SELLER)
    before = table_digests(database)
    cli.refused("duplicate", "register", path, "--as", SELLER, "--dry-run")
    assert changes(before, table_digests(database)) == set()


def test_a_dry_run_of_any_operation_signs_nothing_and_keeps_nothing(
    cli: Cli, tmp_path: Path, database: Database
) -> None:
    receivable, whole = registered(cli, tmp_path), confirmed(cli, tmp_path)
    note = tmp_path / "note.txt"
    note.write_text("Delivery note that is not kept")
    tries = [
        ["confirm", receivable, "--as", BUYER],
        ["refuse", receivable, "--as", BUYER],
        ["split", whole, "1.00", "--to", SUPPLIER, "--as", SELLER, "--document", str(note)],
        ["endorse", whole, "--to", SUPPLIER, "--as", SELLER, "--document", str(note)],
        ["member", "add", "--name", "Nobody yet", "--role", "supplier"],
        ["member", "suspend", BANK],
    ]
    before = {**table_digests(database), "head": cli.json("status")["head_block"]}
    for words in tries:
        found = cli.json(*words, "--dry-run")
        assert found["dry_run"] is True
        assert 21_000 < found["gas"] < 400_000
        assert "nothing speaks against it, about " in cli(*words, "--dry-run").stdout
    cli.refused("cut_out_of_range", "split", whole, "9999", "--to", BANK, "--as", SELLER, "--dry-run")
    cli.refused("not_holder", "endorse", whole, "--to", BANK, "--as", SUPPLIER, "--document", HASH, "--dry-run")
    cli.refused("not_authorised", "member", "suspend", BANK, "--as", BANK, "--dry-run")
    assert changes(before, {**table_digests(database), "head": cli.json("status")["head_block"]}) == set()


def test_a_given_due_date_is_taken(cli: Cli, tmp_path: Path) -> None:
    path = write_invoice(tmp_path, due=None)
    cli.refused("due_date_missing", "register", path, "--as", SELLER)
    done = cli.json("register", path, "--as", SELLER, "--due", str(DUE))
    assert cli.json("show", done["receivable"])["due_date"] == str(DUE)


def test_a_receivable_is_confirmed_with_the_debtors_own_copy(cli: Cli, tmp_path: Path) -> None:
    path = write_invoice(tmp_path)
    receivable = cli.json("register", path, "--as", SELLER)["receivable"]
    cli.refused("invoice_differs", "confirm", receivable, "--as", BUYER, "--invoice", write_invoice(tmp_path))
    shown = cli("confirm", receivable, "--as", BUYER, "--invoice", path).stdout
    assert_done(shown)
    assert f"{receivable}/0-100000" in shown
    found = cli.json("show", receivable)
    assert found["phase"] == "live"
    assert [part["id"] for part in found["certificates"]] == [f"{receivable}/0-100000"]
    assert found["certificates"][0]["holder"]["handle"] == SELLER
    cli.refused("status_forbids", "confirm", receivable, "--as", BUYER)


def test_a_receivable_is_refused_with_a_reason(cli: Cli, tmp_path: Path) -> None:
    receivable = registered(cli, tmp_path)
    assert_done(cli("refuse", receivable, "--as", BUYER, "--reason", "wrong_amount").stdout)
    found = cli.json("show", receivable)
    assert (found["phase"], found["refusal_reason"], found["certificates"]) == ("refused", "wrong_amount", [])
    assert (found["finality"], found["set_aside"]) == ("latest", False)
    shown = cli("show", receivable).stdout
    assert "wrong_amount" in shown
    assert re.search(r"finality +latest *\n", shown)
    assert receivable not in {row["id"] for row in cli.json("inbox", "--as", BUYER)}


# ---------------------------------------------------------------- certificates


def test_a_certificate_is_split_endorsed_shown_and_traced(cli: Cli, tmp_path: Path) -> None:
    whole = confirmed(cli, tmp_path)
    receivable = whole.split("/")[0]
    note = tmp_path / "note.txt"
    note.write_text("Delivery note")
    done = cli.json("split", whole, "250.00", "--to", SUPPLIER, "--as", SELLER, "--document", str(note))
    assert done["certificate"] == f"{receivable}/75000-100000"
    assert done["kept"] == f"{receivable}/0-75000"
    tail = done["certificate"]
    shown = cli("split", tail, "50", "--to", BANK, "--as", SUPPLIER).stdout
    assert_done(shown)
    last = f"{receivable}/95000-100000"
    assert last in shown
    assert_done(cli("endorse", f"{receivable}/75000-95000", "--to", BANK, "--as", SUPPLIER).stdout)
    shown = cli("show", receivable).stdout
    assert f"{receivable}/95000-100000" in shown
    assert "750.00 EUR" in shown
    steps = cli.json("trace", last)["steps"]
    assert [step["operation"] for step in steps] == ["Registered", "Confirmed", "Split", "Split"]
    assert [step["holder"] for step in steps[1:]] == [SELLER, SUPPLIER, BANK]
    tree = cli("trace", last).stdout
    assert "note.txt" in tree
    assert f"{SUPPLIER} -> {BANK}: 50.00 EUR" in tree
    cli.refused("unknown_certificate", "trace", whole)


def test_ids_and_amounts_may_be_typed_as_people_type_them(cli: Cli, tmp_path: Path) -> None:
    path = write_invoice(tmp_path, payable="5000.00")
    receivable = cli.json("register", path, "--as", f" {SELLER} ")["receivable"]
    cli("confirm", f" {receivable.lower()} ", "--as", BUYER)
    done = cli.json("split", f"{receivable.lower()}/0-500000", " 1,234.50 ", "--to", SUPPLIER, "--as", SELLER,
                    "--document", HASH)  # fmt: skip
    assert done["certificate"] == f"{receivable}/376550-500000"
    assert cli.json("show", receivable.lower())["id"] == receivable
    assert f"there is no {receivable}9" in cli("show", f"{receivable.lower()}9", exit_code=1).stderr


def test_the_version_is_told(cli: Cli) -> None:
    assert re.fullmatch(r"counterfoil \d+\.\d+\.\d+\n", cli("--version").stdout)


# ------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("typed", "meant"), [("falkenrath", BUYER), ("teifenbach", SUPPLIER), ("BANK", BANK), ("operater", "operator")]
)
@pytest.mark.parametrize("option", ["--to", "--as", "--holder"])
def test_a_name_that_is_nearly_right_is_answered_with_the_right_one(
    cli: Cli, option: str, typed: str, meant: str
) -> None:
    words = {
        "--to": ["endorse", "R-1/0-5", "--as", SELLER, "--to", typed],
        "--as": ["inbox", "--as", typed],
        "--holder": ["list", "--holder", typed],
    }[option]
    error = cli.json(*words, exit_code=1)["error"]
    assert error["code"] == "unknown_account"
    assert f"Did you mean {meant}" in error["hint"]


def test_a_name_like_no_other_is_answered_with_where_the_names_are(cli: Cli) -> None:
    hint = cli.json("inbox", "--as", "qqqqqqqq", exit_code=1)["error"]["hint"]
    assert "Did you mean" not in hint
    assert "member list" in hint


@pytest.mark.parametrize(
    ("words", "meant"), [(["lst"], "list"), (["member", "ad"], "add"), (["list", "--hodler", "x"], "--holder")]
)
def test_a_command_or_option_that_is_nearly_right_is_answered_with_the_right_one(
    cli: Cli, words: list[str], meant: str
) -> None:
    assert meant in cli(*words, exit_code=2).stderr


def test_what_cannot_be_is_refused_with_its_code_and_exit_code_1(cli: Cli, tmp_path: Path) -> None:
    whole = confirmed(cli, tmp_path)
    receivable = whole.split("/")[0]
    to_bank = ("--to", BANK, "--as", SELLER)
    for code, *words in (
        ("amount_ambiguous", "split", whole, "1,234", *to_bank),
        ("id_malformed", "show", "42"),
        ("id_malformed", "confirm", "R-x", "--as", BUYER),
        ("id_malformed", "split", "R-1/5-5", "1", *to_bank),
        ("id_malformed", "split", "R-1/5-4", "1", *to_bank),
        ("id_malformed", "trace", "R-1"),
        ("id_malformed", "endorse", "R-0/0-5", *to_bank),
        ("id_malformed", "inbox", "--as", "0x12"),
        ("unknown_receivable", "show", "R-0"),
        ("unknown_receivable", "show", "R-999"),
        ("unknown_receivable", "trace", "R-999/0-5"),
        ("unknown_receivable", "confirm", "R-0", "--as", BUYER),
        ("unknown_receivable", "refuse", "R-999", "--as", BUYER),
        ("unknown_certificate", "split", f"{receivable}/0-5", "0.01", *to_bank),
        ("unknown_certificate", "endorse", "R-999/0-5", *to_bank),
        ("cut_out_of_range", "split", whole, "0", *to_bank),
        ("cut_out_of_range", "split", whole, "1000.00", *to_bank),
        ("amount_too_precise", "split", whole, "0.001", *to_bank),
        ("amount_malformed", "split", whole, "all", *to_bank),
        ("trade_document_missing", "split", whole, "1", "--to", SUPPLIER, "--as", SELLER),
        ("document_unreadable", "endorse", whole, *to_bank, "--document", "no-such-file"),
        ("not_holder", "split", whole, "1", "--to", BANK, "--as", "dev200"),
        ("unknown_account", "split", whole, "1", "--to", "nobody", "--as", SELLER),
        ("unknown_account", "endorse", whole, "--to", BANK, "--as", "nobody"),
        ("document_unreadable", "register", "no-such-file.xml", "--as", SELLER),
        ("document_malformed", "register", str(SAMPLES / "malformed-cut-off.xml"), "--as", SELLER),
        ("not_the_seller", "register", write_invoice(tmp_path), "--as", SUPPLIER),
        ("handle_malformed", "member", "add", "--name", "X", "--role", "debtor", "--handle", "operator"),
        ("handle_taken", "member", "add", "--name", "X", "--role", "debtor", "--handle", BANK),
        ("document_unreadable", "member", "add", "--invoice", "no-such-file.xml", "--party", "buyer"),
        ("unknown_member", "member", "suspend", "dev200"),
    ):
        cli.refused(code, *words)


@pytest.mark.parametrize(
    "words",
    [
        ["nonsense"],
        ["register"],
        ["register", "file.xml"],
        ["register", "file.xml", "--as", "x", "--due", "31.12.2030"],
        ["confirm", "R-1"],
        ["refuse", "R-1", "--as", "x", "--reason", "mood"],
        ["split", "R-1/0-5", "--to", "x", "--as", "x"],
        ["endorse", "R-1/0-5", "--as", "x"],
        ["inbox"],
        ["show"],
        ["member", "add"],
        ["member", "add", "--name", "X"],
        ["member", "add", "--name", "X", "--role", "king"],
        ["member", "add", "--name", "X", "--role", "debtor", "--kyc-days", "0"],
        ["member", "suspend"],
        ["demo", "--invoices", "/no/such/folder"],
        ["serve", "--port", "65536"],
        ["serve", "--port", "-1"],
    ],
    ids=" ".join,
)
def test_a_command_that_is_typed_wrongly_ends_with_2_and_says_how_to_type_it(cli: Cli, words: list[str]) -> None:
    result = cli(*words, exit_code=2)
    assert "Usage:" in result.stderr
    assert result.stdout == ""


# ---------------------------------------------------------------------- upkeep


def test_psql_speaks_to_the_registrys_database(cli: Cli, capfd: pytest.CaptureFixture[str]) -> None:
    cli("psql", "-Atc", "SELECT handle FROM party WHERE handle = 'bank'")
    assert capfd.readouterr().out == "bank\n"
    cli("psql", "-Atc", "SELECT nonsense", exit_code=1)
    assert "nonsense" in capfd.readouterr().err


def test_reconcile_finds_what_was_changed_by_hand_and_rebuild_repairs_it(
    cli: Cli, database: Database, tmp_path: Path
) -> None:
    receivable = confirmed(cli, tmp_path).split("/")[0]
    assert "0 differences in " in cli("reconcile", "--deep").stdout
    cli("psql", "-qc", f"UPDATE receivable SET face_minor = 1 WHERE receivable_id = {receivable[2:]}")
    shown = cli("reconcile", "--deep", exit_code=1).stdout
    assert f"receivable {receivable}: face_minor is 1, should be 100000" in shown
    found = cli.json("reconcile", "--deep", exit_code=1)
    assert found["difference_count"] == 1
    assert found["differences"][0]["row"] == receivable
    # The heads alone do not show it.
    assert cli.json("reconcile")["difference_count"] == 0
    rebuilt = cli.json("rebuild")
    assert (rebuilt["same"], rebuilt["difference_count"]) == (False, 0)
    with database.snapshot() as connection:
        standing = health.last_reconciliation(connection)
    assert standing is not None
    assert standing.differences == []
    assert cli.json("rebuild")["same"] is True
    assert cli.json("reconcile", "--deep")["difference_count"] == 0


def test_a_rebuild_by_hand_of_what_was_changed_is_told(cli: Cli, tmp_path: Path) -> None:
    receivable = confirmed(cli, tmp_path).split("/")[0]
    cli("psql", "-qc", f"UPDATE receivable SET face_minor = 1 WHERE receivable_id = {receivable[2:]}")
    result = cli("rebuild")
    assert "digest before" in result.stdout
    assert "changed by hand" in result.stderr


def test_a_rebuild_from_the_chain_gives_the_same_and_the_mirror_goes_on(cli: Cli, tmp_path: Path) -> None:
    whole = confirmed(cli, tmp_path)
    assert cli.json("rebuild", "--from-chain")["same"] is True
    cli("split", whole, "1.00", "--to", BANK, "--as", SELLER)
    assert "same" in cli("rebuild", "--from-chain").stdout
    assert cli.json("reconcile", "--deep")["difference_count"] == 0


@pytest.mark.parametrize(
    ("words", "taken"),
    [
        ("endorse", "`relay FILE`"),
        ("credit-note", "`counterfoil agree FILE`"),
        ("dispute", "`counterfoil agree FILE`"),
        ("resolve", "`counterfoil agree FILE`"),
        ("quote accept", "`quote submit FILE`"),
        ("deposit allow", "`deposit submit FILE`"),
    ],
)
def test_help_names_the_command_that_takes_what_is_signed(words: str, taken: str) -> None:
    command: Any = typer.main.get_command(app)
    for word in words.split():
        command = command.commands[word]
    (sign,) = (option for option in command.params if option.name == "sign")
    assert taken in sign.help


def test_every_command_that_the_manual_names_exists() -> None:
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    for document in PROJECT_ROOT.glob("docs/operations.md"):
        typed = set(re.findall(r"`counterfoil ([a-z]+)", document.read_text()))
        assert typed
        assert typed <= set(group.commands)


def test_the_manual_names_every_list() -> None:
    def lists(command: Any, name: str = "") -> set[str]:
        found = {name} if any("--csv" in one.opts for one in command.params) else set()
        return found.union(
            *(lists(one, f"{name} {key}".strip()) for key, one in getattr(command, "commands", {}).items())
        )

    manual = (PROJECT_ROOT / "docs" / "operations.md").read_text()
    sentence = re.search(r"^Lists \((.*?)\)", manual, re.MULTILINE | re.DOTALL)
    assert sentence is not None
    named = [" ".join(name.split()) for name in re.findall(r"`([^`]+)`", sentence[1])]
    assert sorted(named) == sorted(lists(typer.main.get_command(app)))
