"""The life of receivables in second terminals: seller, buyer, holder, operator, two officers."""

from __future__ import annotations

import itertools
import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from pypdf import PdfReader

from registry.store.database import Database
from tests.cli.conftest import Cli
from tests.commands.desk import SAMPLES, changes, table_digests, ubl
from tests.e2e.running import Serving, get

SELLER, BUYER, SUPPLIER, BANK = "brandmuhl-guss", "falkenrath-automobilwerke", "tiefenbach", "bank"
SAMPLE = SAMPLES / "brandmuehl-2026-1041.ubl.xml"
HASH = "0x" + "0d" * 32
ORDER = ("--authority", "AG Köln", "--number", "12 M 34/26")
OFFICERS = ("officer-one", "officer-two")

_numbers = itertools.count(1)


@pytest.fixture(autouse=True)
def _members(cli: Cli) -> None:
    if cli.json("member", "list"):
        return
    for party in ("seller", "buyer"):
        cli("member", "add", "--invoice", str(SAMPLE), "--party", party, "--kyc-days", "3650")
    for handle, role in ((SUPPLIER, "supplier"), (BANK, "financier")):
        cli("member", "add", "--name", handle.title(), "--role", role, "--handle", handle, "--kyc-days", "3650")


def today(cli: Cli) -> datetime:
    """The day on the dev chain, which other tests may have put forward."""
    return datetime.fromisoformat(cli.json("registry")["time"])


def registered(cli: Cli, folder: Path) -> str:
    number = f"LIFE {next(_numbers)}"
    path = folder / f"{number}.xml"
    path.write_bytes(ubl(number=number, due=(today(cli) + timedelta(days=90)).date(), payable="1000.00"))
    found: str = cli.json("register", str(path), "--as", SELLER)["receivable"]
    return found


def confirmed(cli: Cli, folder: Path) -> str:
    found: str = cli.json("confirm", registered(cli, folder), "--as", BUYER)["certificate"]
    return found


# --------------------------------------------------------------------- answers


def test_a_counter_offer_is_shown_in_the_inbox_and_accepted(cli: Cli, tmp_path: Path) -> None:
    receivable = registered(cli, tmp_path)
    done = cli.json("counter-offer", receivable, "--amount", "900.50", "--as", BUYER)
    assert done["offer"]["face"] == {"amount": "900.50", "currency": "EUR"}
    (waiting,) = (row for row in cli.json("inbox", "--as", BUYER) if row["id"] == receivable)
    assert waiting["offer"]["face"] == {"amount": "900.50", "currency": "EUR"}
    assert waiting["lapses_at"] > waiting["registered_at"]
    assert "900.50 EUR" in cli("inbox", "--as", BUYER).stdout
    assert "counter-offer" in cli("show", receivable).stdout
    cli.refused("not_originator", "accept-offer", receivable, "--as", SUPPLIER)
    cli.refused("offer_differs", "accept-offer", receivable, "--amount", "900.51", "--as", SELLER)
    accepted = cli.json("accept-offer", receivable, "--amount", "900.50", "--as", SELLER)
    assert accepted["certificate"] == f"{receivable}/0-90050"
    found = cli.json("show", receivable)
    assert (found["face"]["amount"], found["claim"]["face"]["amount"], found["offer"]) == ("900.50", "1000.00", None)
    assert "claimed" in cli("show", receivable).stdout


def test_a_claim_is_withdrawn_by_its_originator(cli: Cli, tmp_path: Path) -> None:
    receivable = registered(cli, tmp_path)
    cli.refused("not_originator", "withdraw", receivable, "--as", BUYER)
    assert f"{receivable} withdrawn" in cli("withdraw", receivable, "--as", SELLER).stdout
    assert cli.json("show", receivable)["phase"] == "withdrawn"
    cli.refused("status_forbids", "confirm", receivable, "--as", BUYER)


def test_a_claim_lapses_from_the_instant_that_the_refusal_names(cli: Cli, tmp_path: Path) -> None:
    receivable = registered(cli, tmp_path)
    lapses_at = cli.json("show", receivable)["lapses_at"]
    error = cli.json("lapse", receivable, "--as", SUPPLIER, exit_code=1)["error"]
    assert error["code"] == "answer_window_open"
    assert lapses_at in error["detail"]
    assert cli.json("dev", "advance", "--days", "30", "--hours", "1")["now"] > lapses_at
    assert f"{receivable} lapsed" in cli("lapse", receivable, "--as", SUPPLIER).stdout
    assert cli.json("show", receivable)["phase"] == "lapsed"


# ----------------------------------------------------------------- certificates


def test_parts_are_cut_in_one_go_by_words_or_from_a_file(cli: Cli, tmp_path: Path) -> None:
    whole = confirmed(cli, tmp_path)
    receivable = whole.split("/")[0]
    done = cli.json("split", whole, "--part", f"10.00={BANK}", "--part", f"5={SUPPLIER}", "--document", HASH,
                    "--as", SELLER)  # fmt: skip
    assert done["certificates"] == [f"{receivable}/99000-100000", f"{receivable}/98500-99000"]
    assert (done["kept"], done["entries"]) == (f"{receivable}/0-98500", 2)
    parts = tmp_path / "parts.csv"
    parts.write_text(f"amount,receiver,document\n1.00,{BANK},\n2.00,{SUPPLIER},{HASH}\n", encoding="utf-8-sig")
    shown = cli("split", done["kept"], "--parts", str(parts), "--as", SELLER).stdout
    assert f"{receivable}/98400-98500 to {BANK}" in shown
    assert f"{receivable}/0-98200 stays" in shown
    cli.refused("trade_document_missing", "split", f"{receivable}/0-98200", "--part", f"5={SUPPLIER}", "--as", SELLER)
    cli.refused("unknown_account", "split", f"{receivable}/0-98200", "--part", "5=nobody", "--as", SELLER)


def test_several_certificates_are_endorsed_at_once_and_neighbours_merged(cli: Cli, tmp_path: Path) -> None:
    one, other = confirmed(cli, tmp_path), confirmed(cli, tmp_path)
    done = cli.json("endorse", one, other, "--to", BANK, "--as", SELLER)
    assert done["entries"] == 2
    tail = cli.json("split", one, "1.00", "--to", BANK, "--as", BANK)["certificate"]
    receivable = one.split("/")[0]
    assert cli.json("merge", f"{receivable}/0-99900", "--as", BANK)["certificate"] == one
    cli("split", one, "1.00", "--to", BANK, "--as", BANK)
    assert f"are now {one}" in cli("merge", tail, f"{receivable}/0-99900", "--as", BANK).stdout
    cli.refused("not_neighbours", "merge", one, other, "--as", BANK)
    cli.refused("not_neighbours", "merge", one, "--as", BANK)
    operations = [step["operation"] for step in cli.json("trace", one)["steps"]]
    assert operations == ["Registered", "Confirmed", "Endorsed", "Split", "Merged", "Split", "Merged"]
    assert f"{BANK} has 1,000.00 EUR in one certificate" in cli("trace", one).stdout


def test_somebody_is_approved_and_no_longer(cli: Cli, tmp_path: Path) -> None:
    whole = confirmed(cli, tmp_path)
    assert f"{SUPPLIER} may move {whole}" in cli("approve", whole, "--to", SUPPLIER, "--as", SELLER).stdout
    cli("revoke", whole, "--as", SELLER)
    cli.refused("not_holder", "endorse", whole, "--to", BANK, "--as", SUPPLIER)
    cli("approve", "--all", "--to", SUPPLIER, "--as", SELLER)
    cli("endorse", whole, "--to", BANK, "--as", SUPPLIER)
    cli("revoke", "--all", "--from", SUPPLIER, "--as", SELLER)
    cli.refused("not_holder", "approve", whole, "--to", SUPPLIER, "--as", SELLER)


def test_what_falls_due_and_what_a_holder_has_add_up(cli: Cli, tmp_path: Path) -> None:
    before = {row["phase"]: row for row in cli.json("book", "--as", SUPPLIER)}
    whole = confirmed(cli, tmp_path)
    cli("split", whole, "12.34", "--to", SUPPLIER, "--document", HASH, "--as", SELLER)
    (live,) = (row for row in cli.json("book", "--as", SUPPLIER) if row["phase"] == "live")
    assert live["certificates"] == before.get("live", {"certificates": 0})["certificates"] + 1
    assert "12.34 EUR" in cli("list", "--holder", SUPPLIER).stdout
    due = cli.json("show", whole.split("/")[0])["due_date"]
    (row,) = cli.json("calendar", "--as", BUYER, "--from", due, "--until", due)
    assert (row["due_date"], row["amount"]["currency"]) == (due, "EUR")
    assert due in cli("calendar", "--as", BUYER).stdout
    assert cli.json("calendar", "--as", BANK) == []
    assert cli.json("book", "--as", BUYER) == []
    assert cli("book", "--as", BANK, "--csv").stdout.startswith("currency,phase,certificates,amount,frozen_amount,")


# ------------------------------------------------------------------- signatures


def test_an_operation_is_signed_by_one_and_submitted_by_another(cli: Cli, tmp_path: Path) -> None:
    whole, paper = confirmed(cli, tmp_path), str(tmp_path / "signed.json")
    words = ["endorse", whole, "--to", BANK, "--as", SELLER]
    head = cli.json("status")["head_block"]
    assert cli.json(*words, "--sign", paper)["signed"] == paper
    assert cli.json("status")["head_block"] == head
    assert cli.json("relay", paper, "--as", "dev20", "--dry-run")["gas"] > 21_000
    assert "endorse submitted for 0x" in cli("relay", paper, "--as", "dev20").stdout
    assert cli.json("show", whole.split("/")[0])["certificates"][0]["holder"]["handle"] == BANK
    cli.refused("nonce_used", "relay", paper, "--as", "dev20")
    cli.refused("not_holder", *words, "--sign", str(tmp_path / "other.json"))
    assert not (tmp_path / "other.json").exists()


def test_several_certificates_are_signed_for_at_once(cli: Cli, tmp_path: Path) -> None:
    first, second, paper = confirmed(cli, tmp_path), confirmed(cli, tmp_path), str(tmp_path / "signed.json")
    cli("endorse", first, second, "--to", BANK, "--as", SELLER, "--sign", paper)
    assert "endorseMany submitted for 0x" in cli("relay", paper, "--as", "dev20").stdout
    for whole in (first, second):
        assert cli.json("show", whole.split("/")[0])["certificates"][0]["holder"]["handle"] == BANK


def test_what_was_signed_is_printed_checked_and_given_up(cli: Cli, tmp_path: Path) -> None:
    receivable = registered(cli, tmp_path)
    printed = cli("confirm", receivable, "--as", BUYER, "--sign", "-").stdout
    assert json.loads(printed)["operation"] == "confirm"
    paper = tmp_path / "signed.json"
    paper.write_text(printed)
    assert cli.json("confirm", receivable, "--as", BUYER, "--sign", str(paper), "--dry-run")["dry_run"] is True
    assert paper.read_text() == printed
    cli.refused("not_the_signer", "nonces", "cancel", str(paper), "--as", SELLER)
    cli("nonces", "cancel", str(paper), "--as", BUYER)
    cli.refused("nonce_used", "relay", str(paper), "--as", "dev20")
    assert "counts until" in cli("confirm", receivable, "--as", BUYER, "--sign", str(paper), "--valid-days", "1").stdout
    cli("relay", str(paper), "--as", "dev20")
    paper.write_text("{}")
    cli.refused("signed_operation_malformed", "relay", str(paper), "--as", "dev20")
    cli.refused("document_unreadable", "relay", str(tmp_path / "none.json"), "--as", "dev20")


# ----------------------------------------------------------------------- orders


def test_two_officers_freeze_exact_cents_and_lift_the_order(cli: Cli, tmp_path: Path) -> None:
    whole, file = confirmed(cli, tmp_path), str(tmp_path / "order.json")
    receivable = whole.split("/")[0]
    until = str((today(cli) + timedelta(days=60)).date())
    words = ["order", "freeze", whole, "--from", "100.00", "--to", "250.00", *ORDER, "--until", until]
    assert cli.json(*words, "--as", "officer-one", "-o", file, "--dry-run")["dry_run"] is True
    assert not Path(file).exists()
    signed = cli.json(*words, "--as", "officer-one", "-o", file)
    assert len(signed["operations"]) == 3
    cli.refused("same_officer", "order", "carry-out", file, "--as", "officer-one")
    cli.refused("not_officer", "order", "carry-out", file, "--as", SELLER)
    shown = cli("order", "carry-out", file, "--as", "officer-two", "--dry-run")
    assert f"freeze {receivable}/10000-25000 (150.00 EUR), held by {SELLER}," in " ".join(shown.stderr.split())
    assert "gas for the first of 3 transactions" in " ".join(shown.stdout.split())
    assert cli.json("orders", "--on", receivable) == []
    assert len(cli.json("order", "carry-out", file, "--as", "officer-two")["transactions"]) == 3
    (order,) = cli.json("orders", "--on", receivable)
    assert (order["on"], order["authority"], order["number"]) == (f"{receivable}/10000-25000", "AG Köln", "12 M 34/26")
    assert order["in_force"] is True
    assert "AG Köln, 12 M 34/26" in cli("orders").stdout
    assert "AG Köln, 12 M 34/26" in cli("show", receivable).stdout
    assert cli.json("show", receivable)["orders"][0]["order"] == order["order"]
    cli.refused("frozen_by_order", "endorse", order["on"], "--to", BANK, "--as", SELLER)
    assert "order AG Köln, 12 M 34/26" in cli("trace", order["on"]).stdout
    late = ["order", "transfer", order["on"], "--to", BANK, *ORDER, "--as", "officer-two", "-o", file]
    cli.refused("forced_transfer_too_early", *late)
    cli("dev", "advance", "--days", "1")
    cli(*late)
    cli("order", "carry-out", file, "--as", "officer-one")
    steps = cli.json("trace", order["on"])["steps"]
    assert (steps[-1]["operation"], steps[-1]["giver"], steps[-1]["holder"]) == ("ForcedTransfer", SELLER, BANK)


@pytest.mark.parametrize("scope", ["certificate", "receivable", "member"])
def test_an_order_stands_on_whatever_was_named_until_it_is_lifted(cli: Cli, tmp_path: Path, scope: str) -> None:
    whole, file = confirmed(cli, tmp_path), str(tmp_path / "order.json")
    what = {"certificate": whole, "receivable": whole.split("/")[0], "member": SELLER}[scope]
    until = str((today(cli) + timedelta(days=60)).date())
    cli("order", "freeze", what, *ORDER, "--until", until, "--as", "officer-one", "-o", file)
    cli("order", "carry-out", file, "--as", "officer-two")
    (order,) = cli.json("orders", "--on", what)
    assert (order["scope"], order["on"]) == (scope, what)
    held = {row["id"]: row["frozen"] for row in cli.json("list", "--holder", SELLER)}
    assert held[whole]
    assert all(held.values()) is (scope == "member")
    assert cli.json("show", whole.split("/")[0])["certificates"][0]["frozen"]
    (seller,) = (row for row in cli.json("member", "list") if row["handle"] == SELLER)
    assert seller["frozen"] is (scope == "member")
    assert ("active, frozen" in cli("member", "list").stdout) is (scope == "member")
    cli.refused("frozen_by_order", "endorse", whole, "--to", BANK, "--as", SELLER)
    cli("order", "unfreeze", what, *ORDER, "--as", "officer-two", "-o", file)
    cli("order", "carry-out", file, "--as", "officer-one")
    cli("endorse", whole, "--to", BANK, "--as", SELLER)
    assert "no order freezes anything there" in cli("orders", "--on", what).stdout


def test_a_range_is_cut_for_an_order(cli: Cli, tmp_path: Path) -> None:
    whole, file = confirmed(cli, tmp_path), str(tmp_path / "order.json")
    receivable = whole.split("/")[0]
    cli("order", "partition", f"{receivable}/500-1000", *ORDER, "--as", "officer-one", "-o", file)
    cli("order", "carry-out", file, "--as", "officer-two")
    parts = [part["id"] for part in cli.json("show", receivable)["certificates"]]
    assert parts == [f"{receivable}/0-500", f"{receivable}/500-1000", f"{receivable}/1000-100000"]
    error = cli.json("order", "partition", f"{receivable}/500-1000", *ORDER, "--as", "officer-one", "-o", file,
                     exit_code=1)["error"]  # fmt: skip
    assert error["code"] == "cut_out_of_range"


def test_officers_are_names_of_the_dev_chain_and_of_nobody_else(cli: Cli) -> None:
    for name in ("regulator", *OFFICERS):
        cli.refused("handle_malformed", "member", "add", "--name", "X", "--role", "debtor", "--handle", name)
    hint = cli.json("inbox", "--as", "officer-three", exit_code=1)["error"]["hint"]
    assert "Did you mean officer-" in hint


# -------------------------------------------------------------------- the operator


def test_the_operator_pauses_the_registry(cli: Cli, tmp_path: Path) -> None:
    receivable = registered(cli, tmp_path)
    assert cli.json("registry")["paused_since"] is None
    cli("pause")
    try:
        assert cli.json("registry")["paused_since"] is not None
        cli.refused("registry_paused", "confirm", receivable, "--as", BUYER)
        assert "not during a pause" in cli("show", receivable).stdout
        assert cli.json("show", receivable)["lapses_at"] is None
    finally:
        cli("unpause")
    cli.refused("registry_not_paused", "unpause")
    cli.refused("not_authorised", "pause", "--as", BANK)
    assert "paused since" in cli("registry").stdout


def test_a_parameter_is_set_in_two_runs(cli: Cli) -> None:
    day = str((today(cli) + timedelta(days=3)).date())
    words = ["parameter", "set", "unanswered_max", "50", "--from", day]
    assert cli.json(*words, "--dry-run")["gas"] > 21_000
    first = cli.json(*words)
    assert first["scheduled"] is True
    assert f"already scheduled: unanswered_max is 50 from {day} on" in " ".join(cli(*words).stdout.split())
    cli("dev", "advance", "--hours", "1")
    assert f"unanswered_max is 50 from {day} on" in cli(*words).stdout
    (row,) = (row for row in cli.json("parameter", "list") if row["parameter"] == "unanswered_max")
    assert (row["value"], row["following"]) == (100, 50)
    assert row["following_from"] == f"{day}T00:00:00Z"
    assert "unanswered_max" in cli("parameter", "list").stdout
    cli.refused("parameter_malformed", "parameter", "set", "unanswered_max", "0", "--from", day)
    cli.refused("not_authorised", *words, "--as", BANK)
    cli.refused("parameter_malformed", "rules", "set", BANK)
    cli.refused("not_authorised", "sunset", "--as", BANK)
    assert cli.json("descriptor", "set", "none")["scheduled"] is True
    assert cli.json("rules", "set", "none")["scheduled"] is True
    assert cli.json("sunset", "--dry-run")["gas"] > 21_000


def test_the_timeline_tells_what_happened_to_the_registry(cli: Cli) -> None:
    rows = cli.json("timeline")
    assert [row["operation"] for row in rows[:5]] == ["ParameterSet"] * 5
    assert [row["position"] for row in rows] == list(range(1, len(rows) + 1))
    assert any(row["what"].startswith(f"{BANK}: financier") for row in rows)
    assert "tenor_limit_days is 365 from " in cli("timeline").stdout
    assert cli("timeline", "--csv").stdout.startswith("position,at,operation,what,by,order,")


# ------------------------------------------------------------------ files and books


def test_a_journal_is_exported(cli: Cli, tmp_path: Path) -> None:
    receivable = confirmed(cli, tmp_path).split("/")[0]
    file = tmp_path / "journal.jsonl"
    cli("export", receivable, "-o", str(file))
    header, *lines = map(json.loads, file.read_text().splitlines())
    assert (header["journal"], header["length"], len(lines)) == (receivable, 2, 2)
    assert header["head"] == cli.json("show", receivable)["journal"]["head"] == lines[-1]["head"]
    assert cli("export", receivable).stdout == file.read_text()
    assert json.loads(cli("export", "R-0").stdout.splitlines()[0])["journal"] == "R-0"
    assert cli("export", "R-999", exit_code=1).stderr.startswith("unknown_receivable: ")


def test_the_api_streams_the_same_journal(cli: Cli, served: Serving, tmp_path: Path) -> None:
    receivable = confirmed(cli, tmp_path).split("/")[0]
    for journal, path in ((receivable, f"/v1/receivables/{receivable}"), ("R-0", "/v1/registry")):
        streamed = get(f"{served.wait_ready()}{path}/journal.jsonl").text.splitlines()
        exported = cli("export", journal).stdout.splitlines()
        for ours, theirs in zip(map(json.loads, exported), map(json.loads, streamed), strict=True):
            assert {**theirs, **ours} == theirs


def test_a_file_is_looked_up(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "invoice.xml"
    due = (today(cli) + timedelta(days=90)).date()
    path.write_bytes(ubl(number="CHECK 1", due=due, payable="1000.00"))
    assert cli.json("check", str(path), exit_code=1)["found"] == []
    receivable = cli.json("register", str(path), "--as", SELLER)["receivable"]
    (found,) = cli.json("check", str(path))["found"]
    assert (found["match"], found["receivable"]) == ("committed", receivable)
    assert f"this very file is what {receivable} commits to" in cli("check", str(path)).stdout
    path.write_bytes(ubl(number="CHECK 1", due=due, payable="900.00"))
    assert "with another amount or type" in cli("check", str(path), exit_code=1).stdout
    cli.refused("document_malformed", "check", str(SAMPLES / "malformed-cut-off.xml"))


def test_a_claim_is_asked_about_before_it_is_financed(cli: Cli, tmp_path: Path, database: Database) -> None:
    path = tmp_path / "invoice.xml"
    due = (today(cli) + timedelta(days=90)).date()
    path.write_bytes(ubl(number="ASK/2026-7", due=due, payable="1234.00"))
    assert cli.json("verify-claim", str(path)) == {"verdict": "unknown", "findings": [], "more": False}
    assert "nothing like this claim is registered here" in cli("verify-claim", str(path)).stdout
    cli("register", str(path), "--as", SELLER)
    path.write_bytes(ubl(number="ASK 2026-07", due=due, payable="5000.00"))
    (found,) = cli.json("verify-claim", str(path), exit_code=1)["findings"]
    assert (found["match"], found["reasons"]) == ("near", ["number_respaced", "amount_differs"])
    shown = cli("verify-claim", str(path), exit_code=1).stdout
    assert all(word in shown for word in ("near", "number_respaced", "amount_differs", "registered", "0.00 %"))
    assert SELLER not in shown
    cli.refused("document_malformed", "verify-claim", str(SAMPLES / "malformed-cut-off.xml"))
    with database.bulk() as connection:
        assert connection.execute("SELECT count(*) FROM claim_question").fetchone() == (4,)


def test_the_chain_draws_a_certificate(cli: Cli, tmp_path: Path) -> None:
    whole, picture = confirmed(cli, tmp_path), tmp_path / "certificate.svg"
    assert cli.json("certificate", whole)["name"] == whole
    assert "EUR 1,000.00" in cli("certificate", whole, "--svg", str(picture), "--lang", "zh").stdout
    assert picture.read_text().startswith("<svg ")
    assert cli("certificate", whole, "--svg", "-").stdout.startswith("<svg ")
    cli.refused("unknown_certificate", "certificate", "R-1/1-2")


def test_a_certificate_is_printed_with_its_proof(cli: Cli, tmp_path: Path) -> None:
    whole, page = confirmed(cli, tmp_path), tmp_path / "certificate.pdf"
    cli("certificate", whole, "--pdf", str(page), "--lang", "zh")
    reader = PdfReader(page)
    assert "债权凭证" in reader.pages[0].extract_text()
    (proof,) = reader.attachments["proof.json"]
    (tmp_path / "proof.json").write_bytes(proof)
    # Nobody but the proof says that its block is the chain's.
    assert whole in cli("verify", str(tmp_path / "proof.json"), exit_code=3).stdout
    assert cli.json("certificate", whole, "--pdf", str(page))["bytes"] == page.stat().st_size
    cli("certificate", whole, "--pdf", str(page), "--svg", "-", exit_code=2)
    cli.refused("unknown_certificate", "certificate", whole.replace("/0-", "/1-"), "--pdf", str(page))


def test_fields_are_disclosed_to_somebody_until_the_invoice_is_erased(cli: Cli, tmp_path: Path) -> None:
    whole, file = confirmed(cli, tmp_path), tmp_path / "disclosure.json"
    words = ["disclose", whole, "--to", "Auditor AG", "--purpose", "audit", "--output", str(file), "--fields"]
    cli(*words, "number,payable", "--as", SELLER)
    # Nobody but the proof in it says that its block is the chain's.
    (signed,) = (
        finding for finding in cli.json("verify", str(file), exit_code=3)["findings"] if finding["name"] == "disclosure"
    )
    assert (signed["status"], "Auditor AG" in signed["words"]) == ("not proven", True)
    assert "'Auditor AG'" in cli("verify", str(file), exit_code=3).stdout
    assert cli(*words, "number", "--as", BANK, exit_code=1).stderr.startswith("not_the_invoices_owner: ")
    cli(*words, ",", "--as", SELLER, exit_code=2)
    cli("invoice", "erase", whole.split("/")[0], exit_code=1)  # nobody answers the question
    cli(*words, "number", "--as", SELLER)
    cli("invoice", "erase", whole.split("/")[0], "--yes")
    prove = ["prove", whole, "--output", str(file)]
    for refused in ([*words, "number", "--as", SELLER], [*prove, "--open", "number"]):
        assert cli(*refused, exit_code=1).stderr.startswith("invoice_erased: ")
    cli(*prove)


def test_a_dry_run_of_any_of_it_keeps_nothing(cli: Cli, tmp_path: Path, database: Database) -> None:
    receivable, whole = registered(cli, tmp_path), confirmed(cli, tmp_path)
    other = confirmed(cli, tmp_path)
    cli("counter-offer", receivable, "--amount", "1", "--as", BUYER)
    before = {**table_digests(database), "head": cli.json("status")["head_block"]}
    for words in (
        ["withdraw", receivable, "--as", SELLER],
        ["counter-offer", receivable, "--amount", "2", "--as", BUYER],
        ["accept-offer", receivable, "--as", SELLER],
        ["split", whole, "--part", f"1={BANK}", "--as", SELLER],
        ["endorse", whole, other, "--to", BANK, "--as", SELLER],
        ["approve", whole, "--to", BANK, "--as", SELLER],
        ["approve", "--all", "--to", BANK, "--as", SELLER],
        ["pause"],
    ):
        assert cli.json(*words, "--dry-run")["gas"] > 21_000
    cli.refused("answer_window_open", "lapse", receivable, "--as", BANK, "--dry-run")
    assert changes(before, {**table_digests(database), "head": cli.json("status")["head_block"]}) == set()


@pytest.mark.parametrize(
    "words",
    [
        ["split", "R-1/0-5", "1", "--as", "x"],
        ["split", "R-1/0-5", "1", "--to", "x", "--part", "1=y", "--as", "x"],
        ["split", "R-1/0-5", "--part", "bank", "--as", "x"],
        ["split", "R-1/0-5", "--parts", "no-such.csv", "--as", "x"],
        ["approve", "--to", "x", "--as", "x"],
        ["approve", "R-1/0-5", "--all", "--to", "x", "--as", "x"],
        ["revoke", "--all", "--as", "x"],
        ["order", "freeze", "R-1", "--as", "x", "-o", "f.json", "--until", "2030-01-01"],
        ["order", "freeze", "R-1", *ORDER, "--as", "x", "-o", "-", "--until", "2030-01-01"],
        ["parameter", "set", "forced_transfer_delay_seconds", "5", "--from", "2030-01-01"],
        ["parameter", "set", "unanswered_max", "5"],
        ["dev", "advance"],
        ["certificate", "R-1/0-5", "--lang", "fr"],
        ["export"],
    ],
    ids=" ".join,
)
def test_what_is_typed_wrongly_ends_with_2(cli: Cli, words: list[str]) -> None:
    assert "Usage:" in cli(*words, exit_code=2).stderr
