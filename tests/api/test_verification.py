"""Claims that are asked about before they are financed: what the answer tells, and that it tells nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.deps import Services
from registry.chain.contract import Calls
from registry.chain.devchain import dev_account
from registry.commands import claims
from registry.documents.pdf import PDF_BYTES_MAX
from registry.domain.receivable import RefusalReason
from registry.domain.rules import Claim
from registry.settings import Settings
from registry.store.database import Database
from tests.api.conftest import Api, serving
from tests.api.openapi_check import problems
from tests.commands.desk import PARTIES, SAMPLES, Desk, changes
from tests.scene import BANK, BUYER, SELLER, SUPPLIER, Scene

UBL, CII = SAMPLES / "brandmuehl-2026-1041.ubl.xml", SAMPLES / "brandmuehl-2026-1041.cii.xml"
PATH = "/v1/verification/claims"


@pytest.fixture
def desk(node: Any, database: Database, tmp_path: Path) -> Desk:
    return Desk.open(Scene.open(node, with_members=False), database, tmp_path)


@pytest.fixture
def api(desk: Desk) -> Iterator[Api]:
    services = desk.services
    running = serving(Services(services.database, services.node, services.deployment, Settings(home=services.home)))
    with httpx.Client(base_url=next(running), timeout=30) as client:
        yield Api(Services(services.database, services.node, services.deployment, Settings()), client, desk.scene)
    next(running, None)


def ask(api: Api, asked: bytes | dict[str, Any], *, status: int = 200) -> dict[str, Any]:
    """The answer to a file or to key fields, as the description says it."""
    sent: dict[str, Any] = {"content": asked} if isinstance(asked, bytes) else {"json": asked}
    answer = api.client.post(PATH, **sent)
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    document = api.get("/openapi.json")
    responses = document["paths"][PATH]["post"]["responses"]
    schema = {"$ref": "#/components/schemas/Problem"}
    if status == 200:
        schema = responses["200"]["content"]["application/json"]["schema"]
    assert problems(document, schema, found) == []
    return found


def fields(desk: Desk, **changed: Any) -> dict[str, Any]:
    """Key fields of an invoice of the seller to the buyer."""
    (seller, seller_id, _), (buyer, buyer_id, _) = PARTIES[SELLER], PARTIES[BUYER]
    return {
        "seller": {"identity": seller_id, "name": seller},
        "buyer": {"identity": buyer_id, "name": buyer},
        "number": "2026-1041",
        "issue_date": "2026-10-12",
        "due_date": desk.due.isoformat(),
        "payable": {"amount": "1000.00", "currency": "EUR"},
        **changed,
    }


def only(answer: dict[str, Any]) -> dict[str, Any]:
    (found,) = answer["findings"]
    assert isinstance(found, dict)
    return found


def test_a_claim_that_nobody_registered_is_unknown_and_the_question_is_recorded_without_its_text(
    api: Api, desk: Desk
) -> None:
    before = desk.state()
    found = ask(api, UBL.read_bytes())
    assert (found["verdict"], found["findings"], found["more"]) == ("unknown", [], False)
    assert changes(before, desk.state()) == {"claim_question"}
    with desk.services.database.bulk() as connection:
        ((row,),) = connection.execute("SELECT row_to_json(q)::text FROM claim_question AS q").fetchall()
    kept = json.loads(row)
    assert (kept["matches"], kept["block_number"]) == ([], found["as_of_block"]["number"])
    for text in ("2026", "Brandm", "Falkenrath", "DE999000148"):
        assert text not in row.replace(kept["asked_at"], "").replace(kept["fingerprint"], "")


def test_the_same_claim_is_found_in_another_format_and_by_its_key_fields(api: Api, desk: Desk) -> None:
    desk.registered(UBL)
    for sent in (UBL, CII):
        found = ask(api, sent.read_bytes())
        assert (found["verdict"], only(found)["match"], only(found)["phase"]) == ("exact", "same", "registered")
    desk.registered(desk.invoice(number="RE 7", payable="1000.00"))
    assert only(ask(api, fields(desk, number="re 7")))["match"] == "same"
    with desk.services.database.bulk() as connection:
        kept = connection.execute("SELECT matches FROM claim_question ORDER BY question_id").fetchall()
    assert kept == [([["same", []]],)] * 3


@pytest.mark.parametrize(
    ("changed", "match", "reasons"),
    [
        ({"payable": {"amount": "1100.00", "currency": "EUR"}}, "same_with_other_amount", []),
        ({"type_code": "389"}, "same_with_other_amount", []),
        ({"number": "2026 / 1041"}, "near", ["number_respaced"]),
        (
            {"number": "2026/01041", "payable": {"amount": "9.00", "currency": "EUR"}},
            "near",
            ["number_respaced", "amount_differs"],
        ),
        ({"number": "2026-1401"}, "near", ["number_transposed"]),
        ({"number": "2026-7041"}, "near", ["number_edited"]),
        ({"number": "X-17"}, "near", ["same_parties_and_dates"]),
        ({"issue_date": "2026-11-01"}, "near", ["issue_date_differs"]),
        ({"payable": {"amount": "1000.00", "currency": "USD"}}, "near", ["currency_differs"]),
        ({"seller": {"identity": "tax:20111340209", "name": "Brandmühl GUSS  GmbH"}}, "near", ["party_respelt"]),
    ],
    ids=lambda value: "",
)
def test_a_changed_claim_is_found_with_the_reasons(
    api: Api, desk: Desk, changed: dict[str, Any], match: str, reasons: list[str]
) -> None:
    desk.registered(desk.invoice(number="2026-1041", payable="1000.00"))
    found = only(ask(api, fields(desk, **changed)))
    assert (found["match"], found["reasons"]) == (match, reasons)


@pytest.mark.parametrize(
    "changed",
    [
        {"number": "2026-1042", "payable": {"amount": "1100.00", "currency": "EUR"}},
        {"number": "2026-1042", "issue_date": "2026-11-12", "due_date": "2027-02-10"},
        {"seller": {"identity": "vat:DE811907980", "name": "Brandmühl Guss Nord GmbH"}},
        {"issue_date": "2027-10-12"},
    ],
    ids=["the next invoice", "the next month's rent", "a sister company", "the next year's number"],
)
def test_what_is_another_claim_is_unknown(api: Api, desk: Desk, changed: dict[str, Any]) -> None:
    desk.registered(desk.invoice(number="2026-1041", payable="1000.00"))
    assert ask(api, fields(desk, **changed))["verdict"] == "unknown"


def test_what_became_of_the_claim_is_told_in_shares(api: Api, desk: Desk) -> None:
    path = desk.invoice(number="2026-1041", payable="1000.00")
    whole = desk.confirmed(path)
    assert only(ask(api, path.read_bytes()))["phase"] == "live"
    desk.split(whole, "333.33")
    desk.scene.pledge(whole.receivable_id, start=0, to=BANK, secured=100)
    desk.services.follower().catch_up()
    found = only(ask(api, path.read_bytes()))
    assert (found["sold_bps"], found["pledged_bps"], found["paid_bps"]) == (3334, 6667, 0)
    desk.scene.fund(BUYER, 100_000)
    desk.scene.pay(whole.receivable_id, 100_000)
    desk.services.follower().catch_up()
    found = only(ask(api, path.read_bytes()))
    assert (found["phase"], found["paid_bps"]) == ("paid", 10_000)


def test_a_refused_claim_is_told_as_one_and_the_standing_one_comes_first(api: Api, desk: Desk) -> None:
    path = desk.invoice(number="2026-1041", payable="1000.00")
    first = desk.registered(path)
    claims.refuse(desk.services, signer=dev_account(BUYER), receivable_id=first, reason=RefusalReason.NOT_DELIVERED)
    assert only(ask(api, path.read_bytes()))["phase"] == "refused"
    desk.registered(path)
    assert [one["phase"] for one in ask(api, path.read_bytes())["findings"]] == ["registered", "refused"]


def test_the_answer_names_nobody_no_receivable_and_no_amount_of_others(api: Api, desk: Desk) -> None:
    whole = desk.confirmed(desk.invoice(number="2026-1041", payable="87654.32"))
    desk.split(whole, "333.33")
    for changed in ({}, {"number": "2026/1041"}, {"payable": {"amount": "87654.32", "currency": "EUR"}}):
        answer = ask(api, fields(desk, **changed))
        assert answer["findings"]
        told = json.dumps(answer["findings"])
        secrets = [name for name, _, _ in PARTIES.values()] + [identity for _, identity, _ in PARTIES.values()]
        secrets += [f"R-{whole.receivable_id}", "87654", "33333", "1041", "DE999", "0x", "brandm", "hafenbank"]
        assert [secret for secret in secrets if secret.lower() in told.lower()] == []


def test_whether_the_amount_asked_is_more_or_less_makes_no_difference_to_the_answer(api: Api, desk: Desk) -> None:
    """Or by halving whoever asks would learn the amount."""
    desk.registered(desk.invoice(number="2026-1041", payable="1000.00"))
    for number in ("2026-1041", "2026/1041", "2026-1401"):
        less, more = (
            ask(api, fields(desk, number=number, payable={"amount": amount, "currency": "EUR"}))["findings"]
            for amount in ("999.99", "5000.00")
        )
        assert less == more != []


def test_a_copy_that_another_member_registered_is_told_as_one(api: Api, desk: Desk) -> None:
    path = desk.invoice(number="2026-1041", payable="1000.00")
    own = desk.read(desk.registered(path))
    # Fingerprint and document root are public.
    copy = Claim(
        debtor=own.debtor,
        face=own.claim_face_minor,
        due=own.claim_due_at,
        currency=own.currency,
        fingerprint=own.fingerprint,
        document_root=own.document_root,
    )
    desk.scene.act(SUPPLIER, Calls.register(copy))
    desk.services.follower().catch_up()
    answer = ask(api, path.read_bytes())
    assert [one["reasons"] for one in answer["findings"]] == [["registered_by_another"], []]
    # Of a near claim only its seller's own registration is told.
    assert only(ask(api, fields(desk, number="2026/1041")))["reasons"] == ["number_respaced"]


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"seller": {"identity": "Brandmühl"}}, 422, "identity_malformed"),
        ({"payable": {"amount": "1.000", "currency": "EUR"}}, None, None),
        ({"payable": {"amount": "1.005", "currency": "EUR"}}, 422, "amount_too_precise"),
        ({"payable": {"amount": "ten", "currency": "EUR"}}, 422, "amount_malformed"),
        ({"payable": {"amount": "1.00", "currency": "XXX"}}, 422, "unknown_currency"),
        ({"number": "   "}, 422, "document_incomplete"),
        ({"number": "1" * 201}, 400, "request_malformed"),
        ({"issue_date": "tomorrow"}, 400, "request_malformed"),
        ({"holder": "me"}, 400, "request_malformed"),
    ],
    ids=lambda value: "",
)
def test_key_fields_that_cannot_be_read_are_refused_by_name(
    api: Api, desk: Desk, changed: dict[str, Any], status: int | None, code: str | None
) -> None:
    before = desk.count("claim_question")
    found = ask(api, fields(desk, **changed), status=status or 200)
    assert found.get("code") == code
    assert desk.count("claim_question") == before + (status is None)


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 422, "document_malformed"),
        (b"<html/>", 415, "document_unsupported"),
        (b" " * (PDF_BYTES_MAX + 1), 413, "document_too_large"),
    ],
    ids=["nothing", "a page", "too much"],
)
def test_what_is_no_invoice_is_refused_by_name(api: Api, content: bytes, status: int, code: str) -> None:
    assert ask(api, content, status=status)["code"] == code


def test_the_first_and_the_last_day_that_there_is_can_be_asked_about(api: Api, desk: Desk) -> None:
    for day in (date.min, date.max):
        assert ask(api, fields(desk, issue_date=day.isoformat()))["verdict"] == "unknown"
