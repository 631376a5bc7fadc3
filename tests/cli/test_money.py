"""Money in second terminals: settlement bank, debtor, seller and financier."""

from __future__ import annotations

import itertools
import json
import re
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from registry.domain.identifiers import MINOR_MAX
from tests.cli.conftest import Cli
from tests.commands.desk import SAMPLES, ubl

SELLER, BUYER, BANK, BANKER = "brandmuhl-guss", "falkenrath-automobilwerke", "bank", "settlement-bank"
SAMPLE = SAMPLES / "brandmuehl-2026-1041.ubl.xml"

_numbers = itertools.count(1)


@pytest.fixture(autouse=True)
def _members(cli: Cli) -> None:
    if cli.json("member", "list"):
        return
    for party in ("seller", "buyer"):
        cli("member", "add", "--invoice", str(SAMPLE), "--party", party, "--kyc-days", "3650")
    cli("member", "add", "--name", "Bank", "--role", "financier", "--handle", BANK, "--kyc-days", "3650")


def confirmed(cli: Cli, folder: Path) -> tuple[str, str]:
    """A receivable and its one certificate, of 1000.00 EUR in 90 days."""
    number = f"MONEY {next(_numbers)}"
    path = folder / f"{number}.xml"
    due = (datetime.fromisoformat(cli.json("registry")["time"]) + timedelta(days=90)).date()
    path.write_bytes(ubl(number=number, due=due, payable="1000.00"))
    receivable = cli.json("register", str(path), "--as", SELLER)["receivable"]
    return receivable, cli.json("confirm", receivable, "--as", BUYER)["certificate"]


def deposit(cli: Cli, amount: str, *, to: str = BUYER) -> None:
    cli("deposit", "mint", amount, "EUR", "--to", to, "--reference", f"ZE {next(_numbers)}")


def held(cli: Cli, party: str) -> str:
    (euros,) = (row for row in cli.json("deposit", "balance", party) if row["deposit"]["currency"] == "EUR")
    found: str = euros["deposit"]["amount"]
    return found


# -------------------------------------------------------------------- deposits


def test_deposits_are_booked_allowed_and_paid_out(cli: Cli, tmp_path: Path) -> None:
    shown = cli("deposit", "mint", "1,000.00", "EUR", "--to", SELLER, "--reference", "ZE 2026-1").stdout
    assert f"1,000.00 EUR for {SELLER}: ZE 2026-1" in shown
    cli.refused("reference_used", "deposit", "mint", "1", "EUR", "--to", SELLER, "--reference", "ZE 2026-1")
    cli.refused("unknown_currency", "deposit", "mint", "1", "EURO", "--to", SELLER, "--reference", "ZE 2026-2")
    cli.refused("no_deposit_token", "deposit", "mint", "1", "CHF", "--to", SELLER, "--reference", "ZE 2026-2")
    paper = tmp_path / "permit.json"
    allow = ("deposit", "allow", "5.00", "EUR", "--spender", BANKER, "--as", SELLER)
    assert "deposit submit" in cli(*allow, "--sign", str(paper)).stdout
    cli("deposit", "submit", str(paper), "--as", BANK)
    cli.refused("permit_invalid", "deposit", "submit", str(paper), "--as", BANK)
    another = tmp_path / "another.json"
    cli(*allow, "--sign", str(another))
    cli("nonces", "cancel", str(another), "--as", SELLER)
    cli.refused("permit_invalid", "deposit", "submit", str(another), "--as", BANK)
    payout = ("deposit", "burn", "600.00", "EUR", "--from", SELLER, "--reference", "AU 2026-1")
    cli.refused("insufficient_allowance", *payout)
    assert "--spender settlement-bank" in cli(*payout, exit_code=1).stderr
    cli.refused("insufficient_deposit", "deposit", "transfer", "1000.01", "EUR", "--to", BUYER, "--as", SELLER)
    assert (
        cli.json("deposit", "allow", "600.00", "EUR", "--spender", BANKER, "--as", SELLER)["amount"]["amount"]
        == "600.00"
    )
    assert cli.json(*payout, "--dry-run")["dry_run"] is True
    cli(*payout)
    cli("deposit", "transfer", "400.00", "EUR", "--to", BUYER, "--as", SELLER)
    assert held(cli, SELLER) == "0.00"
    assert "400.00 EUR" in cli("deposit", "balance", BUYER).stdout
    assert "400.00 EUR" in cli("deposit", "balance").stdout


# -------------------------------------------------------------------- payments


def test_a_debtor_pays_and_is_told_who_got_what(cli: Cli, tmp_path: Path) -> None:
    receivable, whole = confirmed(cli, tmp_path)
    cli("split", whole, "250.00", "--to", BANK, "--as", SELLER)
    assert "1,000.00 EUR can be paid now" in cli("pay", receivable, "1000.01", "--as", BUYER, exit_code=1).stderr
    deposit(cli, "1000.00")
    before = held(cli, BANK)
    assert cli.json("pay", receivable, "--as", BUYER, "--dry-run")["transactions"] == 2
    done = cli.json("pay", receivable, "--as", BUYER)
    assert done["amount"] == {"amount": "1000.00", "currency": "EUR"}
    assert [one["to_holder"]["amount"] for one in done["paid_out"]] == ["750.00", "250.00"]
    assert (done["skipped"], len(done["transactions"])) == ([], 1)
    assert done["allowance"] not in done["transactions"]
    assert float(held(cli, BANK)) - float(before) == 250
    shown = cli.json("show", receivable)
    assert (shown["phase"], shown["certificates"]) == ("paid", [])
    assert shown["money"]["paid_out"] == shown["money"]["paid"] == {"amount": "1000.00", "currency": "EUR"}
    (payment,) = cli.json("payments", receivable)
    assert (payment["amount"]["amount"], payment["payer"]["handle"]) == ("1000.00", BUYER)
    assert "all are paid out" in cli("show", receivable).stdout


def test_a_pledge_is_listed_shown_and_released(cli: Cli, tmp_path: Path) -> None:
    receivable, whole = confirmed(cli, tmp_path)
    cli.refused("secured_out_of_range", "pledge", whole, "--to", BANK, "--secured", "1000.01", "--as", SELLER)
    assert cli.json("pledge", whole, "--to", BANK, "--secured", "600", "--as", SELLER)["secured"]["amount"] == "600.00"
    (lien,) = (row for row in cli.json("liens", "--of", BANK) if row["id"] == whole)
    assert (lien["secured"]["amount"], lien["paid_first"]["amount"], lien["phase"]) == ("600.00", "0.00", "live")
    assert f"pledged to {BANK} for 600.00 EUR" in cli("show", receivable).stdout
    cli.refused("pledged_to", "endorse", whole, "--to", BANK, "--as", SELLER)
    signed = tmp_path / "release.json"
    cli("release", whole, "--as", BANK, "--sign", str(signed))
    cli("relay", str(signed), "--as", BUYER)
    assert not [row for row in cli.json("liens", "--of", BANK) if row["id"] == whole]


# ---------------------------------------------------------------------- quotes


def test_a_quote_is_offered_shown_to_two_and_accepted(cli: Cli, tmp_path: Path) -> None:
    receivable, whole = confirmed(cli, tmp_path)
    written = tmp_path / "quote.json"
    words = ("quote", "offer", whole, "--price", "985.00", "--recourse", "500.00", "--as", BANK, "--out", str(written))
    offered = cli.json(*words)
    found, number = offered["quote"], str(offered["quote"]["number"])
    assert (found["discount"]["amount"], found["days"], found["annual_rate"]) == ("15.00", 90, "6.09 %")
    assert json.loads(written.read_text()) == offered["document"]
    assert offered["funded"] is False
    (listed,) = cli.json("quote", "list", "--as", SELLER, "--of", receivable)
    assert listed == cli.json("quote", "show", number, "--as", BANK) == found
    assert cli.json("quote", "list", "--as", BUYER) == []
    cli.refused("unknown_quote", "quote", "show", number, "--as", BUYER)
    assert "6.09 % a year, all in" in cli("quote", "show", number, "--as", SELLER).stdout
    assert "with recourse for 500.00 EUR" in cli("quote", "list", "--as", SELLER).stdout
    deposit(cli, "985.00", to=BANK)
    refused = cli("quote", "accept", number, "--as", SELLER, exit_code=1).stderr
    assert refused.startswith(f"insufficient_allowance: {BANK} (0x")
    assert "The financier must let it: `counterfoil deposit allow 985.00 EUR --spender desk`" in refused
    cli("deposit", "allow", "985.00", "EUR", "--spender", "desk", "--as", BANK)
    assert cli.json("quote", "accept", str(written), "--as", SELLER, "--dry-run")["transactions"] == 2
    assert f"is sold to {BANK} for 985.00 EUR" in cli("quote", "accept", str(written), "--as", SELLER).stdout
    assert cli.json("quote", "show", number, "--as", SELLER)["state"] == "accepted"
    (certificate,) = cli.json("show", receivable)["certificates"]
    assert (certificate["holder"]["handle"], certificate["recourse"]["amount"]["amount"]) == (BANK, "500.00")
    assert f"{BANK} buys 1,000.00 EUR for 985.00 EUR" in cli("trace", whole).stdout

    (row,) = cli.json("recourse", "list", "--of", SELLER)
    assert (row["id"], row["recourse"]["amount"], row["demanded"]) == (whole, "500.00", False)
    assert whole in cli("recourse", "list", "--of", SELLER).stdout
    assert cli.json("recourse", "list", "--of", SELLER, "--after", whole) == []
    ends = f"the right of recourse to {SELLER} for 500.00 EUR ends with this"
    for sign in (("--sign", str(tmp_path / "split.json")), ("--dry-run",), ()):
        told = cli("split", whole, "10.00", "--to", SELLER, "--document", str(SAMPLE), "--as", BANK, *sign)
        assert ends in " ".join(told.stderr.split())
    assert cli.json("recourse", "list", "--of", SELLER) == []
    (front, _) = (row["id"] for row in cli.json("show", receivable)["certificates"])
    endorsed = cli("endorse", front, "--to", SELLER, "--document", str(SAMPLE), "--as", BANK)
    assert "recourse" not in endorsed.stderr


def test_a_loan_is_accepted_by_signature_and_a_quote_given_up(cli: Cli, tmp_path: Path) -> None:
    _, whole = confirmed(cli, tmp_path)
    lend = ("quote", "offer", whole, "--pledge", "--secured", "620", "--price", "600", "--as", BANK)
    assert cli("quote", "offer", whole, "--price", "1", "--secured", "5", "--as", BANK, exit_code=2).stdout == ""
    first, second = (str(cli.json(*lend)["quote"]["number"]) for _ in range(2))
    assert "can no longer be accepted" in cli("quote", "cancel", first, "--as", BANK).stdout
    deposit(cli, "600.00", to=BANK)
    cli("deposit", "allow", "600", "EUR", "--spender", "desk", "--as", BANK)
    cli.refused("quote_used", "quote", "accept", first, "--as", SELLER)
    signed = tmp_path / "accepted.json"
    assert "quote submit" in cli("quote", "accept", second, "--as", SELLER, "--sign", str(signed)).stdout
    assert f"is pledged to {BANK} for 600.00 EUR" in cli("quote", "submit", str(signed), "--as", BUYER).stdout
    cli.refused("quote_used", "quote", "submit", str(signed), "--as", BUYER)


# ------------------------------------------------------------------ agreements


def test_a_credit_note_is_signed_by_one_and_carried_out_by_the_other(cli: Cli, tmp_path: Path) -> None:
    receivable, whole = confirmed(cli, tmp_path)
    signed = tmp_path / "note.json"
    assert cli("credit-note", whole, "100.00", "--as", SELLER, exit_code=2).stdout == ""
    assert "counterfoil agree" in cli("credit-note", whole, "100.00", "--as", SELLER, "--sign", str(signed)).stdout
    cli.refused("document_of_another_kind", "relay", str(signed), "--as", BUYER)
    cli.refused("not_party", "agree", str(signed), "--as", BANK)
    carried_out = cli("agree", str(signed), "--as", BUYER)
    assert "100.00 EUR of" in carried_out.stderr
    assert cli.json("show", receivable)["money"]["payable"]["amount"] == "900.00"


def test_a_dispute_is_made_and_resolved_where_both_keys_are(cli: Cli, tmp_path: Path) -> None:
    receivable, whole = confirmed(cli, tmp_path)
    words = ("dispute", whole, "300.00", "--as", BUYER, "--with", SELLER)
    assert cli.json(*words, "--dry-run")["dry_run"] is True
    cli(*words)
    money = cli.json("show", receivable)["money"]
    assert (money["disputed"]["amount"], money["payable"]["amount"]) == ("300.00", "700.00")
    assert "in dispute" in cli("show", receivable).stdout
    assert [row["disputed_amount"]["amount"] for row in cli.json("book", "--as", SELLER)] != ["0.00"]
    cli("resolve", receivable, "--as", SELLER, "--with", BUYER)
    assert cli.json("show", receivable)["money"]["disputed"]["amount"] == "0.00"


# --------------------------------------------------------------------- overdue


def test_a_debt_becomes_overdue_dishonoured_and_closed(cli: Cli, tmp_path: Path) -> None:
    """Last: the debtor confirms nothing after it."""
    receivable, whole = confirmed(cli, tmp_path)
    cli.refused("not_overdue", "dishonour", receivable, "--as", BANK)
    _, sold = confirmed(cli, tmp_path)
    terms = ("--price", "900.00", "--recourse", "500.00", "--as", BANK)
    number = str(cli.json("quote", "offer", sold, *terms)["quote"]["number"])
    deposit(cli, "900.00", to=BANK)
    cli("deposit", "allow", "900.00", "EUR", "--spender", "desk", "--as", BANK)
    cli("quote", "accept", number, "--as", SELLER)
    cli("deposit", "allow", "500.00", "EUR", "--spender", "registry", "--as", SELLER)
    cli("dev", "advance", "--days", "96")
    demanded = cli("recourse", "demand", sold, "--as", BANK).stdout
    assert f"{SELLER} is asked to take {sold} back for 500.00 EUR" in demanded
    taken_back = cli("recourse", "repurchase", sold, "--as", SELLER).stdout
    assert f"{sold} is {SELLER}'s again: 500.00 EUR went to {BANK}" in taken_back
    (debt,) = (row for row in cli.json("overdue") if row["debtor"]["handle"] == BUYER)
    assert debt["days"] >= 5
    assert (debt["dishonoured"], debt["disputed"]["amount"]) == (0, "0.00")
    due, since = (date.fromisoformat(debt[name]) for name in ("due_date", "reportable_since"))
    assert {row["parameter"]: row["value"] for row in cli.json("parameter", "list")}["overdue_grace_days"] == (
        since - due
    ).days
    assert "reportable since" in cli("overdue").stdout
    cli("dishonour", receivable, "--as", BANK)
    (marked,) = cli.json("overdue", "--dishonoured")
    assert (marked["receivables"], marked["unpaid"]["amount"]) == (1, "1000.00")
    deposit(cli, "10.00")
    cli("pay", receivable, "10.00", "--as", BUYER, "--no-redeem")
    assert cli("close", receivable).stdout.startswith(f"scheduled: {receivable} will be closed; ")
    cli("dev", "advance", "--hours", "2")
    assert "is closed" in cli("close", receivable).stdout
    assert cli.json("show", receivable)["certificates"][0]["redeemable"]["amount"] == "10.00"
    assert "1 certificate paid out" in cli("redeem", whole, "--as", BANK).stdout
    shown = cli("show", receivable).stdout
    assert re.search(r"not paid +990\.00 EUR", shown)
    assert "the book was closed, what came in was paid out" in shown
    assert "no payment comes any more" in cli("redeem", receivable, "--as", BANK, exit_code=1).stderr
    assert "scheduled" in cli("absolve", receivable).stdout
    cli("dev", "advance", "--hours", "2")
    cli("absolve", receivable)
    assert cli.json("overdue", "--dishonoured") == []
    assert cli.json("reconcile", "--deep")["difference_count"] == 0


def test_deposits_add_up_beyond_any_amount(cli: Cli) -> None:
    before = held(cli, BANK)
    for _ in range(2):
        deposit(cli, str(Decimal(MINOR_MAX) / 100), to=BANK)
    assert Decimal(held(cli, BANK)) == Decimal(before) + Decimal(2 * MINOR_MAX) / 100
    assert "EUR" in cli("deposit", "balance").stdout
