"""Lists as JSON and as CSV, journals as streams, and what an inbox, a calendar, a book and orders tell."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from api.lists import columns_of, wants_csv
from api.routes import journals
from api.schemas.receivables import ReceivablePage
from registry.domain.journal import genesis
from registry.domain.receivable import DAY_SECONDS, Parameter
from registry.store import records
from registry.store.tables import party
from tests.api.conftest import Api, Opening
from tests.api.test_reads import address, recomputed, travelled
from tests.mirror.everything import every_operation, every_operation_without_money
from tests.scene import BANK, BUYER, ORDER, SUPPLIER, Scene

LISTS = [
    "/v1/receivables",
    "/v1/receivables/R-1/certificates",
    "/v1/receivables/R-1/entries",
    "/v1/certificates",
    "/v1/members",
    "/v1/members/buyer/inbox",
    "/v1/members/buyer/calendar",
    "/v1/members/bank/book",
    "/v1/members/bank/liens",
    "/v1/members/bank/deposits",
    "/v1/receivables/R-10/payments",
    "/v1/debts",
    "/v1/orders",
    "/v1/orders/0x" + ORDER.hex() + "/entries",
    "/v1/registry/entries",
    "/v1/parameters",
]


@pytest.fixture(scope="module")
def busy(opening: Opening) -> Iterator[Api]:
    """A registry in which everything has happened that can, with names; for tests that only read."""
    with opening() as found:
        yield filled(found)


@pytest.fixture
def changing(api: Api) -> Api:
    """The same but for money, for a test that changes it."""
    return filled(api, every_operation_without_money)


def filled(api: Api, act: Callable[[Scene], None] = every_operation) -> Api:
    travelled(api)
    api.scene.freeze_certificate(1, start=60_000)
    act(api.scene)
    api.mirror()
    api.know()
    return api


def rows(answer: httpx.Response) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(answer.content.decode(), newline=""), strict=True))


def flat(value: Any, prefix: str = "") -> dict[str, str]:
    """An independent flattening: amounts in two columns, objects by underscore, lists of objects as JSON."""
    cells: dict[str, str] = {}
    for name, part in value.items():
        match part:
            case {"amount": amount, "currency": currency, **rest} if not rest:
                cells |= {prefix + name: amount, f"{prefix}{name}_currency": currency}
            case dict():
                cells |= flat(part, f"{prefix}{name}_")
            case [{}, *_]:
                cells[prefix + name] = json.dumps(part, ensure_ascii=False)
            case list():
                cells[prefix + name] = " ".join(part)
            case None:
                cells[prefix + name] = ""
            case bool():
                cells[prefix + name] = "true" if part else "false"
            case _:
                cells[prefix + name] = str(part)
    return cells


def test_every_list_is_the_same_as_csv(busy: Api) -> None:
    for path in LISTS:
        page = busy.get(path)
        found = rows(busy.client.get(path, params={"format": "csv"}))
        assert page["items"], path
        assert len(found) == len(page["items"])
        for row, item in zip(found, page["items"], strict=True):
            told = flat(item)
            assert {name: told.get(name, "") for name in row} == row, path
            left_out = {name for name, text in told.items() if name not in row and text}
            assert all(name.startswith("parties_") for name in left_out), path


def test_a_list_as_csv_goes_on_where_its_link_says(busy: Api) -> None:
    walked: list[str] = []
    path: str | None = "/v1/certificates?limit=1&format=csv&phase=overdue"
    while path is not None:
        answer = busy.client.get(path)
        walked += [row["id"] for row in rows(answer)]
        path = answer.links["next"]["url"] if "next" in answer.links else None
    assert walked == [item["id"] for item in busy.walk("/v1/certificates?phase=overdue")]
    assert len(walked) > 3


def test_the_accept_header_chooses_the_form_and_the_parameter_overrules_it(api: Api) -> None:
    api.mirror()
    for accept, parameters, kind in (
        ("text/csv", {}, "text/csv"),
        ("text/csv;q=0.5, application/json;q=0.4", {}, "text/csv"),
        ("text/*", {}, "text/csv"),
        ("*/*", {}, "application/json"),
        ("text/csv, application/json", {}, "application/json"),
        ("text/csv;q=0, */*", {}, "application/json"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", {}, "application/json"),
        ("text/csv;q=much", {}, "application/json"),
        ("text/csv", {"format": "json"}, "application/json"),
        ("application/json", {"format": "csv"}, "text/csv"),
    ):
        answer = api.client.get("/v1/members", headers={"Accept": accept}, params=parameters)
        assert answer.headers["content-type"].startswith(kind), accept
        assert answer.headers["vary"] == "Accept"
    assert not wants_csv(type("Request", (), {"query_params": {}, "headers": {}}))  # type: ignore[arg-type]


def test_the_columns_of_an_empty_list_are_those_of_a_full_one(busy: Api) -> None:
    empty = busy.client.get("/v1/receivables?currency=JPY&format=csv").text
    assert empty.splitlines() == [",".join(columns_of(ReceivablePage))]
    assert "face,face_currency,due_date,claim_face,claim_face_currency" in empty
    assert ",parties" not in busy.client.get("/v1/registry/entries?format=csv").text


def test_a_name_that_a_spreadsheet_would_run_is_only_shown(changing: Api) -> None:
    with changing.services.database.write() as connection:
        connection.execute(party.update().where(party.c.handle == "bank").values(name='=HYPERLINK("x","y")'))
    (row,) = [row for row in rows(changing.client.get("/v1/members?format=csv")) if row["handle"] == "bank"]
    assert row["name"] == '\'=HYPERLINK("x","y")'


def test_csv_has_a_tag_of_its_own(busy: Api) -> None:
    as_json = busy.client.get("/v1/members")
    as_csv = busy.client.get("/v1/members?format=csv")
    assert as_json.headers["etag"] != as_csv.headers["etag"]
    again = busy.client.get("/v1/members?format=csv", headers={"If-None-Match": as_csv.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_head_is_get_without_the_body(busy: Api) -> None:
    paths = [*LISTS, "/health", "/v1/receivables/R-1", "/v1/receivables/R-1/journal.jsonl", "/v1/members?format=csv"]
    for path in [*paths, "/v1/receivables/R-99", "/v1/nothing"]:
        get, head = busy.client.get(path), busy.client.head(path)
        assert head.content == b""
        assert head.status_code == get.status_code
        without = {"date", "transfer-encoding"}
        assert {name: value for name, value in head.headers.items() if name not in without} == {
            name: value for name, value in get.headers.items() if name not in without
        }, path
    refused = busy.client.post("/v1/members")
    assert refused.headers["allow"] == "GET, HEAD"


def test_an_answer_names_its_block_in_its_head_too(busy: Api) -> None:
    block = busy.get("/v1/members")["as_of_block"]
    for path in ("/v1/members", "/v1/members?format=csv", "/v1/registry/journal.jsonl"):
        assert busy.client.get(path).headers["as-of-block"] == f"{block['number']} {block['hash']}"


def test_a_handle_is_as_good_as_an_address(busy: Api) -> None:
    for path in ("/v1/receivables?debtor={}", "/v1/members/{}", "/v1/members/{}/inbox", "/v1/members/{}/calendar"):
        assert busy.get(path.format("buyer")) == busy.get(path.format(address(busy, BUYER)))
    for path in ("/v1/certificates?holder={}", "/v1/certificates?holder={}&frozen=true", "/v1/orders?member={}"):
        assert busy.get(path.format("bank"))["items"] == busy.get(path.format(address(busy, BANK)))["items"]
    hint = busy.problem("/v1/members/Bank", status=404, code="unknown_account")["hint"]
    assert "/v1/members" in hint


# ---------------------------------------------------------------------- filters


def test_receivables_are_filtered_by_phase_currency_windows_and_orders(busy: Api) -> None:
    everything = busy.walk("/v1/receivables")

    def ids(path: str) -> list[str]:
        return [item["id"] for item in busy.walk(f"/v1/receivables?limit=2&{path}")]

    for phase in ("registered", "refused", "withdrawn", "lapsed", "live", "due", "overdue"):
        wanted = [item for item in everything if item["phase"] == phase]
        if phase in ("live", "due", "overdue"):
            wanted.sort(key=lambda item: (item["due_date"], int(item["id"][2:])))
        assert ids(f"phase={phase}") == [item["id"] for item in wanted]
    dues = sorted({item["due_date"] for item in everything})
    assert len(dues) > 1
    assert ids(f"due_from={dues[1]}") == [
        item["id"] for due in dues[1:] for item in everything if item["due_date"] == due
    ]
    days = sorted({item["registered_at"][:10] for item in everything})
    assert ids(f"registered_from={days[0]}&registered_before=2999-01-01") == [item["id"] for item in everything]
    assert ids(f"registered_before={days[0]}") == []
    assert ids("currency=EUR&originator=seller") == [item["id"] for item in everything]
    assert ids("currency=JPY") == []
    assert ids("frozen=true") == [item["id"] for item in everything if item["frozen"]] != []
    assert ids("frozen=false") == [item["id"] for item in everything if not item["frozen"]]


def test_certificates_are_filtered_by_orders_and_show_them(busy: Api) -> None:
    everything = busy.walk("/v1/certificates")
    frozen = busy.walk("/v1/certificates?limit=1&frozen=true")
    assert frozen == [item for item in everything if item["frozen"]] != []
    assert busy.walk("/v1/certificates?limit=1&frozen=false") == [item for item in everything if not item["frozen"]]
    scopes = Counter(order["scope"] for item in frozen for order in item["orders"])
    assert set(scopes) >= {"certificate", "receivable"}
    assert busy.walk("/v1/certificates?receivable=R-1") == [item for item in everything if item["receivable"] == "R-1"]


# ------------------------------------------------------- inbox, calendar, book


def test_an_inbox_shows_deadlines_and_offers(api: Api) -> None:
    for face in (5_000, 7_000, 9_000):
        api.scene.register(api.scene.claim(face=face))
    api.scene.counter_offer(2, face=6_500)
    api.mirror()
    api.know()
    found = api.get("/v1/members/buyer/inbox?limit=2")
    assert found["debtor"]["name"] == "买方有限公司"
    assert [item["id"] for item in api.walk("/v1/members/buyer/inbox?limit=1")] == ["R-1", "R-2", "R-3"]
    second = found["items"][1]
    assert second["offer"]["face"] == {"amount": "65.00", "currency": "EUR"}
    assert second["claim"]["face"] == second["face"] == {"amount": "70.00", "currency": "EUR"}
    before = second["lapses_at"]
    api.scene.pause()
    api.mirror()
    assert {item["lapses_at"] for item in api.get("/v1/members/buyer/inbox")["items"]} == {None}
    registry = api.get("/v1/registry")
    assert registry["paused_since"] == registry["as_of_block"]["at"] == registry["clock"]
    api.scene.pass_time(seconds=5 * DAY_SECONDS)
    api.scene.unpause()
    api.scene.accept_offer(2)
    api.mirror()
    assert api.get("/v1/registry")["paused_seconds"] >= 5 * DAY_SECONDS
    first, third = api.get("/v1/members/buyer/inbox")["items"]
    assert first["lapses_at"] > before
    accepted = api.get("/v1/receivables/R-2")
    assert (accepted["face"]["amount"], accepted["claim"]["face"]["amount"]) == ("65.00", "70.00")
    assert (accepted["offer"], accepted["lapses_at"], third["id"]) == (None, None, "R-3")


def test_a_calendar_counts_and_adds_up_by_day(api: Api) -> None:
    for days, face in ((10, 100), (10, 250), (20, 1_000)):
        api.scene.confirm(api.scene.register(api.scene.claim(face=face, days=days)))
    api.scene.register(api.scene.claim(days=10))
    api.mirror()
    api.know()
    first, second = api.walk("/v1/members/buyer/calendar?limit=1")
    assert (first["receivables"], first["amount"]) == (2, {"amount": "3.50", "currency": "EUR"})
    assert (second["receivables"], second["amount"]["amount"], second["phase"]) == (1, "10.00", "live")
    assert api.get("/v1/members/buyer/calendar", params={"due_from": second["due_date"]})["items"] == [second]
    assert api.get("/v1/members/buyer/calendar", params={"due_before": second["due_date"]})["items"] == [first]
    assert api.get("/v1/members/bank/calendar")["items"] == []
    api.scene.pass_time(seconds=11 * DAY_SECONDS)
    api.mirror()
    assert [item["phase"] for item in api.get("/v1/members/buyer/calendar")["items"]] == ["overdue", "live"]


def test_a_book_adds_up_what_a_holder_has(api: Api) -> None:
    for days in (10, 20, 30):
        number = api.scene.register(api.scene.claim(face=10_000 + days, days=days))
        api.scene.confirm(number)
        api.scene.split(number, start=0, cut=6_000, to=BANK)
    api.mirror()
    api.know()
    page = api.get("/v1/members/bank/book?limit=2")
    none = {"amount": "0.00", "currency": "EUR"}
    assert page["totals"] == [
        {"currency": "EUR", "phase": "live", "certificates": 3, "amount": {"amount": "120.60", "currency": "EUR"}}
        | dict.fromkeys(("frozen", "pledged", "in_dispute", "paid_out", "redeemable"), none)
    ]
    assert [item["receivable"] for item in api.walk("/v1/members/bank/book?limit=1")] == ["R-1", "R-2", "R-3"]
    assert api.get("/v1/members/bank/book?debtor=seller&limit=1")["items"] == []
    due = page["items"][1]["due_date"]
    assert [item["receivable"] for item in api.get(f"/v1/members/bank/book?due_before={due}")["items"]] == ["R-1"]
    assert api.get("/v1/members/buyer/book")["totals"] == []


# ------------------------------------------------------------ orders, registry


def test_an_order_is_shown_by_its_text_with_all_that_it_freezes(changing: Api) -> None:
    with changing.services.database.write() as connection:
        named = records.save_order_reference(connection, authority="Amtsgericht Köln", number="71 M 1/26")
    hexed = "0x" + named.hex()
    empty = changing.get(f"/v1/orders/{hexed}")
    assert (empty["authority"], empty["in_force"], empty["expired"]) == ("Amtsgericht Köln", 0, 0)
    assert changing.get(f"/v1/orders/{hexed}/entries")["items"] == []
    changing.scene.freeze_receivable(1, order=named, seconds=1_000)
    changing.scene.freeze_member(SUPPLIER, order=named)
    changing.mirror()
    found = changing.get(f"/v1/orders/{hexed}")
    assert (found["in_force"], found["expired"]) == (2, 0)
    on_receivable, on_member = changing.walk(f"/v1/orders?limit=1&order={hexed}")
    assert (on_receivable["receivable"], on_receivable["scope"], on_receivable["number"]) == (
        "R-1",
        "receivable",
        "71 M 1/26",
    )
    assert on_member["member"]["address"] == address(changing, SUPPLIER)
    receivable = changing.get("/v1/receivables/R-1")
    assert receivable["frozen"]
    assert [order["authority"] for order in receivable["orders"]] == ["Amtsgericht Köln"]
    entries = changing.walk(f"/v1/orders/{hexed}/entries?limit=1")
    assert [(entry["journal"], entry["operation"]) for entry in entries] == [
        ("R-0", "MemberFrozen"),
        ("R-1", "ReceivableFrozen"),
    ]
    changing.scene.pass_time(seconds=2_000)
    changing.mirror()
    later = changing.get(f"/v1/orders/{hexed}")
    assert (later["in_force"], later["expired"]) == (1, 1)
    assert [item["scope"] for item in changing.get(f"/v1/orders?order={hexed}&in_force=true")["items"]] == ["member"]
    assert not changing.get("/v1/receivables/R-1")["frozen"]
    member = changing.get(f"/v1/members/{address(changing, SUPPLIER)}")
    assert (member["frozen"], [order["number"] for order in member["orders"]]) == (True, ["71 M 1/26"])


def test_orders_are_walked_whatever_they_are_on(busy: Api) -> None:
    everything = busy.get("/v1/orders")["items"]
    assert {item["scope"] for item in everything} == {"certificate", "receivable", "member"}
    assert busy.walk("/v1/orders?limit=1") == everything
    for scope in ("certificate", "receivable", "member"):
        assert busy.walk(f"/v1/orders?limit=1&scope={scope}") == [item for item in everything if item["scope"] == scope]


def test_parameters_tell_what_was_what_is_and_what_is_to_come(api: Api) -> None:
    api.scene.set_parameter(Parameter.MINIMUM_PART_MINOR, 500, days=2)
    api.scene.pass_time(seconds=2 * DAY_SECONDS)
    api.scene.set_parameter(Parameter.MINIMUM_PART_MINOR, 900, days=9)
    api.mirror()
    past, present, future = api.get("/v1/parameters?parameter=minimum_part_minor")["items"]
    assert [(item["value"], item["state"]) for item in (past, present, future)] == [
        (1, "past"),
        (500, "in_force"),
        (900, "to_come"),
    ]
    assert past["effective_until"] == present["effective_from"]
    assert present["effective_until"] == future["effective_from"]
    assert future["effective_until"] is None
    in_force = api.get("/v1/parameters?state=in_force")["items"]
    assert len(in_force) == len(Parameter)
    assert {item["parameter"] for item in in_force} == {parameter.name.lower() for parameter in Parameter}
    assert {item["unit"] for item in in_force} >= {"days", "seconds", "minor units"}


def test_the_registrys_switches_are_the_contracts(api: Api) -> None:
    api.scene.sunset()
    api.mirror()
    found = api.get("/v1/registry")
    policy = api.scene.view.policy()
    assert found["descriptor"].lower() == "0x" + policy.descriptor.hex()
    assert (found["rules"], found["paused_since"], found["paused_seconds"]) == (None, None, 0)
    assert found["sunset_at"] is not None
    assert found["journal"]["head"] == "0x" + api.scene.view.heads([0])[0].hex()


# --------------------------------------------------------------------- streams


@pytest.mark.parametrize("part", [1, 3, 500])
def test_an_exported_journal_gives_the_head_on_chain(busy: Api, monkeypatch: pytest.MonkeyPatch, part: int) -> None:
    monkeypatch.setattr(journals, "PAGE_ROWS_MAX", part)
    for number in range(busy.scene.view.count() + 1):
        path = "/v1/registry/journal.jsonl" if number == 0 else f"/v1/receivables/R-{number}/journal.jsonl"
        answer = busy.client.get(path)
        assert answer.headers["content-type"] == "application/x-ndjson"
        first, *entries = (json.loads(line) for line in answer.text.splitlines())
        head = genesis(
            chain_id=first["chain_id"],
            contract=bytes.fromhex(first["contract"][2:]),
            journal_id=int(first["journal"][2:]),
        )
        assert first["genesis"] == "0x" + head.hex()
        for entry in entries:
            head = recomputed(entry, head)
        assert first["length"] == len(entries)
        assert first["head"] == "0x" + head.hex() == "0x" + busy.scene.view.heads([number])[number].hex()


def test_an_export_tells_the_names_of_now(changing: Api) -> None:
    """They change without a block, so no copy that was kept before them is taken for this one."""
    path = "/v1/registry/journal.jsonl"
    before = changing.client.get(path)
    with changing.services.database.write() as connection:
        connection.execute(party.update().where(party.c.handle == "bank").values(handle="house"))
    again = changing.client.get(path, headers={"If-None-Match": before.headers.get("etag", "*")})
    assert again.status_code == 200
    assert ('"bank"' in before.text, '"house"' in again.text) == (True, True)


def test_an_export_breaks_off_where_the_journal_was_changed_meanwhile(
    changing: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journals, "PAGE_ROWS_MAX", 1)
    original = journals._Export.part

    def late(export: Any, database: Any) -> str:
        if export.position == 1:
            with database.bulk() as connection:
                connection.execute("UPDATE entry SET head = topics WHERE journal_id = 1 AND position = 2")
        return original(export, database)

    monkeypatch.setattr(journals._Export, "part", late)
    with pytest.raises(httpx.RemoteProtocolError):
        changing.client.get("/v1/receivables/R-1/journal.jsonl")


def test_exports_and_reads_side_by_side_neither_deadlock_nor_fail(busy: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    from concurrent.futures import ThreadPoolExecutor

    monkeypatch.setattr(journals, "PAGE_ROWS_MAX", 1)
    expected = busy.client.get("/v1/registry/journal.jsonl").text
    paths = ["/v1/registry/journal.jsonl", "/v1/certificates"] * 40
    with ThreadPoolExecutor(60) as readers:
        answers = list(readers.map(lambda path: busy.client.get(path).text, paths))
    assert all(answer == expected for answer in answers[::2])
