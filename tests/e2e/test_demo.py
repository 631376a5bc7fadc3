"""The demo as a process: on the samples, again on the same home, serving, and on files from outside."""

from __future__ import annotations

import json
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from registry.commands.demo import SAMPLES
from registry.commands.services import Running, following, owned
from registry.settings import PROJECT_ROOT, Settings
from tests.e2e.running import (
    at_home,
    get,
    json_of,
    processes_of,
    serving,
    socket_folder,
    temporary_home,
    typed,
    until,
)

SHARED = PROJECT_ROOT.parent / "shared" / "data" / "invoices"

SAMPLES_REFUSED = {
    "brandmuehl-gs-2026-017-credit-note.ubl.xml": "credit_note_not_registrable",
    "malformed-cut-off.xml": "document_malformed",
}
SHARED_REFUSED = {
    "pairs/cii/EN16931_Rechnungskorrektur.cii.xml": "credit_note_not_registrable",
    "pairs/ubl/EN16931_Rechnungskorrektur.ubl.xml": "credit_note_not_registrable",
    "ubl/BIS_Billing_30-Kreditering_med_kreditnota.xml": "credit_note_not_registrable",
    "ubl/ubl-tc434-creditnote1.xml": "credit_note_not_registrable",
    "pdf/Facture_FR_MINIMUM.pdf": "profile_insufficient",
}
SAMPLE = SAMPLES / "pennwick-10077.ubl.xml"
DUE = str(datetime.now(UTC).date() + timedelta(days=90))
LAST_HOLDER = "hafenbank"


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    with temporary_home() as folder:
        yield folder


@pytest.fixture(scope="module")
def first(home: Path) -> dict[str, Any]:
    """What the demo says of its first run."""
    found: dict[str, Any] = json_of(home, "demo", "--once")
    return found


@pytest.fixture(scope="module")
def second(home: Path, first: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json_of(home, "demo", "--once")
    return found


@contextmanager
def served_here(home: Path) -> Iterator[None]:
    """This process owns the home: chain and database start once for all commands that are typed meanwhile."""
    with owned(Settings(home=home), api_url=None) as services, following(services), at_home(home):
        yield


def here(*words: str) -> Any:
    """What a command of this process prints with --json."""
    done = typed(*words, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def refused(summary: dict[str, Any]) -> dict[str, str]:
    return {file["file"]: file["code"] for file in summary["files"] if file["outcome"] == "refused"}


def test_every_sample_is_registered_or_refused_by_name(first: dict[str, Any]) -> None:
    assert first["counts"] == {"registered": 16, "earlier": 0, "duplicate": 1, "refused": 2}
    assert refused(first) == SAMPLES_REFUSED
    (duplicate,) = (file for file in first["files"] if file["outcome"] == "duplicate")
    assert duplicate["code"] == "duplicate"
    # Of the two files of that invoice one is the receivable, and the duplicate names it.
    (other,) = (file for file in first["files"] if file["receivable"] == duplicate["receivable"] and file != duplicate)
    assert other["fingerprint"] == duplicate["fingerprint"]
    assert other["amount"] == duplicate["amount"] == {"amount": "220637.90", "currency": "EUR"}


def test_all_but_the_newest_are_confirmed(first: dict[str, Any]) -> None:
    assert len(first["confirmed"]) == 15
    assert first["pending"] == "R-16"


def test_certificates_go_down_three_tiers(first: dict[str, Any]) -> None:
    assert len(first["moves"]) == 3 * 3 + 2
    assert sum(" split " in move for move in first["moves"]) == 6
    assert sum(f" to {LAST_HOLDER}" in move for move in first["moves"]) == 4
    assert first["moves"][-1].startswith(f"{LAST_HOLDER} merged ")


def test_of_two_orders_one_is_lifted_and_one_stands(home: Path, first: dict[str, Any]) -> None:
    assert len(first["orders"]) == 3
    (standing,) = json_of(home, "orders")
    assert (standing["authority"], standing["number"]) == ("Amtsgericht Köln", "288 M 417/26")
    assert standing["on"].startswith("R-2/")


def test_one_claim_is_confirmed_as_offered(home: Path, first: dict[str, Any]) -> None:
    found = json_of(home, "show", first["confirmed"][-1])
    assert Decimal(found["face"]["amount"]) < Decimal(found["claim"]["face"]["amount"])
    assert found["phase"] == "live"


def test_the_forbidden_is_refused(first: dict[str, Any]) -> None:
    assert [tried["code"] for tried in first["forbidden"]] == ["duplicate", "frozen_by_order", "not_holder"]


def test_one_certificate_is_sold_and_one_pledged_against_cash(first: dict[str, Any]) -> None:
    sold, pledged = first["financed"]
    assert f"{LAST_HOLDER} bought R-4/0-" in sold
    assert f"{LAST_HOLDER} lent " in pledged


def test_debtors_pay_in_full_in_two_parts_and_not_to_the_end(first: dict[str, Any]) -> None:
    paid = [line.rsplit(" ", 1)[1] for line in first["payments"]]
    assert paid == ["R-5", "R-10", "R-10", "R-7", "R-7", "R-7"]
    closed, absolved = first["payments"][-2:]
    assert closed == "settlement-bank closed the book of R-7"
    assert absolved == "settlement-bank heard that the rest was made good: it lifted the mark on R-7"


def test_seven_holders_of_odd_amounts_get_just_what_was_paid(first: dict[str, Any]) -> None:
    closing = first["closing"]
    claims = closing["claims"]
    assert len(claims) == len({claim["holder"] for claim in claims}) == 7
    before, after = (sum(Decimal(claim[which]["amount"]) for claim in claims) for which in ("before", "after"))
    assert after == Decimal(closing["after"]["amount"]) == Decimal(closing["paid"]["amount"])
    # Rounded down one by one, some cents were left over; closing divides them.
    assert before == Decimal(closing["before"]["amount"]) < after
    assert all(Decimal(claim["before"]["amount"]) <= Decimal(claim["after"]["amount"]) for claim in claims)
    assert {Decimal(claim["amount"]["amount"]) * 100 % 2 for claim in claims} == {0, 1}


def test_everybodys_cash_is_what_came_in_at_the_bank(first: dict[str, Any], home: Path) -> None:
    cash = {
        one["holder"]: {money["currency"]: Decimal(money["amount"]) for money in one["deposits"]}
        for one in first["cash"]
    }
    euros = [deposits["EUR"] for deposits in cash.values() if "EUR" in deposits]
    assert sum(euros) == Decimal(first["closing"]["paid"]["amount"])
    # What the bank lent and what was paid on the pledged claim, which the bank has the first part of.
    with served_here(home):
        assert here("show", "R-5")["phase"] == "paid"
        assert here("show", "R-7")["phase"] == "closed"


def test_sql_and_chain_agree_in_every_field(first: dict[str, Any]) -> None:
    assert first["reconciliation"]["differences"] == []
    assert first["reconciliation"]["compared"] > 1_000


def test_the_provenance_of_a_certificate_ends_at_the_bank(first: dict[str, Any]) -> None:
    steps = first["provenance"]
    assert [step["operation"] for step in steps] == ["Registered", "Confirmed", "Split", "Split", "Endorsed"]
    assert steps[-1]["holder"] == LAST_HOLDER
    assert [step["giver"] for step in steps[3:]] == [step["holder"] for step in steps[2:4]]
    # Each hop is on chain, and those between suppliers stand on a trade document.
    assert all(step["transaction"].startswith("0x") for step in steps)
    assert all(int(step["document"], 16) for step in steps[2:4])


def test_a_second_run_finds_everything_and_changes_nothing(first: dict[str, Any], second: dict[str, Any]) -> None:
    assert second["counts"] == {"registered": 0, "earlier": 16, "duplicate": 1, "refused": 2}
    assert (second["admitted"], second["confirmed"], second["moves"], second["orders"]) == ([], [], [], [])
    assert (second["financed"], second["payments"], second["closing"]) == ([], [], None)
    assert second["cash"] == first["cash"]
    assert second["reconciliation"] == first["reconciliation"]
    assert second["provenance"] == first["provenance"]
    assert [file["receivable"] for file in second["files"]] == [file["receivable"] for file in first["files"]]
    assert [file["due_date"] for file in second["files"]] == [file["due_date"] for file in first["files"]]
    # The clock moved: that a date is past by now does not make it one that was agreed.
    agreed, still_agreed = ([bool(file["due_agreed_because"]) for file in run["files"]] for run in (first, second))
    assert still_agreed == agreed


def test_a_later_run_leaves_what_is_not_its_own(home: Path, second: dict[str, Any], tmp_path: Path) -> None:
    def of_our_own() -> list[Any]:
        return [here("show", name) for name in names]

    names = []
    with served_here(home):
        for number in ("10078", "10079", "10080"):
            invoice = tmp_path / f"{number}.xml"
            invoice.write_text(SAMPLE.read_text().replace("10077", number))
            names.append(here("register", str(invoice), "--as", "pennwick-textiles", "--due", DUE)["receivable"])
        here("confirm", names[0], "--as", "havelmoor-stores")
        before = of_our_own()
    # Not even where it is given the very files: it did not register them.
    for words in ((), ("--invoices", str(tmp_path))):
        again = json_of(home, "demo", "--once", *words)
        assert (again["confirmed"], again["moves"], again["orders"]) == ([], [], [])
        with served_here(home):
            assert of_our_own() == before
        assert again["left_alone"] == (19 if words else 3)
    assert again["counts"] == {"registered": 0, "earlier": 0, "duplicate": 3, "refused": 0}
    assert again["pending"] is None


def test_a_demo_serves_beside_a_taken_port_and_leaves_nothing_behind(home: Path, second: dict[str, Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with serving(home, "demo", "--port", str(port)) as command:
            url = command.wait_ready()
            assert url != f"http://127.0.0.1:{port}"
            traced = second["certificate"]
            answer = get(f"{url}/v1/certificates/{traced}/provenance")
            assert answer.status_code == httpx.codes.OK
            sockets = socket_folder(home)
            assert sockets.is_dir()
            code, out, err = command.end(signal.SIGINT)
    assert code == 0, err
    assert url in out
    assert "Traceback" not in out + err
    assert Running.find(home) is None
    assert not (home / "running.json").exists()
    # The children end before their owner does; the kernel may take a moment to forget them.
    assert until(lambda: processes_of(home) == [], seconds=5)
    assert not sockets.exists()


@pytest.mark.skipif(not SHARED.is_dir(), reason="the invoices of ../shared/data are not on this machine")
def test_files_from_outside_are_registered_recognised_or_refused_by_name() -> None:
    with temporary_home() as folder:
        summary = json_of(folder, "demo", "--once", "--invoices", str(SHARED))
    files = {file["file"]: file for file in summary["files"]}
    assert refused(summary) == SHARED_REFUSED
    assert summary["counts"]["registered"] + summary["counts"]["duplicate"] == len(files) - len(SHARED_REFUSED)
    for name, one in files.items():
        if name.startswith("pairs/ubl/") and one["outcome"] != "refused":
            other = files[name.replace("/ubl/", "/cii/").replace(".ubl.", ".cii.")]
            assert one["fingerprint"] == other["fingerprint"]
            # Of one claim there is one receivable, whichever file came first.
            assert one["receivable"] == other["receivable"]
    codes = {file["code"] for file in files.values() if file["outcome"] == "duplicate"}
    assert codes == {"duplicate", "duplicate_with_other_amount"}
    registered = [file["receivable"] for file in files.values() if file["outcome"] == "registered"]
    assert len(registered) == len(set(registered))
    assert summary["reconciliation"]["differences"] == []
    assert summary["provenance"][-1]["holder"] == LAST_HOLDER
