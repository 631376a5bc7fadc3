"""Errors, ETags, the guard, the description: what holds for every endpoint."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import httpx
import pytest

from api.app import create_app, serve
from api.deps import Services
from api.etags import matches
from api.guard import LoopbackOnly, is_loopback, require_loopback
from api.schemas.common import instant
from scripts.export_openapi import OPENAPI_FILE, openapi_text
from tests.api.conftest import Api
from tests.api.openapi_check import operation_of, problems
from tests.api.test_reads import address, travelled
from tests.mirror.everything import every_operation
from tests.scene import BANK, BUYER, ORDER, SUPPLIER


def all_paths(api: Api) -> list[str]:
    order = "0x" + ORDER.hex()
    return [
        "/",
        "/health",
        "/ready",
        "/v1/receivables?limit=2",
        "/v1/receivables/R-1",
        "/v1/receivables/R-2",
        "/v1/receivables/R-1/certificates",
        "/v1/receivables/R-1/entries",
        *(f"/v1/receivables/R-{number}/entries" for number in range(8, 16)),
        "/v1/receivables/R-0/entries",
        "/v1/receivables/R-10/payments",
        "/v1/receivables?phase=paid",
        "/v1/receivables?phase=closed",
        "/v1/certificates?limit=1",
        "/v1/certificates/R-1/60000-100000",
        "/v1/certificates/R-1/60000-100000/provenance",
        "/v1/certificates/R-1/60000-100000/proof",
        "/v1/certificates/R-1/60000-100000/verdict",
        "/v1/certificates?frozen=true&phase=live",
        "/v1/certificates?pledged=true",
        "/v1/certificates?with_recourse=true",
        "/v1/certificates?in_dispute=true",
        "/v1/debts",
        "/v1/debts?dishonoured=true",
        "/v1/members",
        f"/v1/members/{address(api, SUPPLIER)}",
        f"/v1/members/{address(api, BUYER)}/inbox",
        f"/v1/members/{address(api, BUYER)}/calendar",
        f"/v1/members/{address(api, BUYER)}",
        f"/v1/members/{address(api, BANK)}/book",
        f"/v1/members/{address(api, BANK)}/liens",
        f"/v1/members/{address(api, BANK)}/deposits",
        "/v1/orders?limit=2",
        f"/v1/orders/{order}",
        f"/v1/orders/{order}/entries",
        "/v1/registry",
        "/v1/verification/pins",
        "/v1/registry/entries",
        "/v1/parameters",
        "/v1/verification/witnesses",
        "/v1/verification/attestations?block=1",
    ]


def test_every_answer_is_what_the_description_says(api: Api) -> None:
    travelled(api)
    api.scene.freeze_certificate(1, start=60_000)
    every_operation(api.scene)
    api.scene.suspend(SUPPLIER)
    api.mirror()
    document = api.get("/openapi.json")
    paths = all_paths(api)
    part = "/v1/certificates/R-1/60000-100000"
    others = ["/metrics", "/v1/receivables/R-1/journal.jsonl", "/v1/registry/journal.jsonl"]
    others += ["/v1/stream", "/v1/verification/attestations.jsonl?block=1", "/v1/verification/verifier.pyz"]
    others += [f"{part}/metadata", f"{part}/image.svg", f"{part}/certificate.pdf", "/v1/quotes/0x" + "00" * 32]
    assert {item["get"]["operationId"] for item in document["paths"].values() if "get" in item} == {
        operation_of(document, path)["operationId"] for path in [*paths, *others]
    }
    for known in (False, True):
        if known:
            api.know()
        for path in paths:
            schema = operation_of(document, path)["responses"]["200"]["content"]["application/json"]["schema"]
            assert problems(document, schema, api.get(path)) == [], path


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/receivables/42", 400, "id_malformed"),
        ("/v1/receivables/R-042", 400, "id_malformed"),
        ("/v1/receivables/R-99999999999999999999", 400, "id_malformed"),
        ("/v1/receivables/R-9223372036854775807", 404, "unknown_receivable"),
        ("/v1/receivables/R-7/certificates", 404, "unknown_receivable"),
        ("/v1/receivables/R-7/entries", 404, "unknown_receivable"),
        ("/v1/receivables?after=7", 400, "id_malformed"),
        ("/v1/receivables?debtor=0x12", 400, "id_malformed"),
        ("/v1/receivables?limit=0", 400, "request_malformed"),
        ("/v1/receivables?limit=501", 400, "request_malformed"),
        ("/v1/receivables?limit=ten", 400, "request_malformed"),
        ("/v1/receivables?statuss=confirmed", 400, "request_malformed"),
        ("/v1/receivables?status=sold", 400, "request_malformed"),
        ("/v1/receivables?due_before=tomorrow", 400, "request_malformed"),
        ("/v1/certificates?after=R-1", 400, "id_malformed"),
        ("/v1/certificates/R-1/0", 400, "id_malformed"),
        ("/v1/certificates/R-1/9-5", 400, "id_malformed"),
        ("/v1/certificates/R-1/0-18446744073709551616", 400, "id_malformed"),
        ("/v1/members/0x0000000000000000000000000000000000000001", 404, "unknown_member"),
        ("/v1/members/0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeaEd", 400, "id_malformed"),
        ("/v1/members/nobody", 404, "unknown_account"),
        ("/v1/members/nobody/book", 404, "unknown_account"),
        ("/v1/members/0x0000000000000000000000000000000000000001/inbox", 404, "unknown_member"),
        ("/v1/receivables?debtor=nobody", 404, "unknown_account"),
        ("/v1/receivables?currency=XXX", 422, "unknown_currency"),
        ("/v1/receivables?phase=sold", 400, "request_malformed"),
        ("/v1/receivables?phase=live&after=R-1", 400, "request_malformed"),
        ("/v1/receivables?due_from=2027-01-01&after=2027-01-31/7", 400, "id_malformed"),
        ("/v1/receivables?format=xml", 400, "request_malformed"),
        ("/v1/certificates?due_before=2027-01-01&after=soon/R-1/0-5", 400, "request_malformed"),
        ("/v1/certificates?receivable=7", 400, "id_malformed"),
        ("/v1/members?role=king", 400, "request_malformed"),
        ("/v1/orders?order=0x12", 400, "id_malformed"),
        ("/v1/orders?after=7", 400, "id_malformed"),
        ("/v1/orders/0x12", 400, "id_malformed"),
        ("/v1/orders/0x" + "00" * 32, 404, "unknown_order"),
        ("/v1/orders/0x" + "00" * 32 + "/entries", 404, "unknown_order"),
        ("/v1/quotes/0x12", 400, "id_malformed"),
        ("/v1/quotes/0x" + "00" * 32, 404, "unknown_quote"),
        ("/v1/debts?after=buyer", 404, "unknown_account"),
        ("/v1/debts?after=0x0000000000000000000000000000000000000001", 400, "request_malformed"),
        ("/v1/members/0x0000000000000000000000000000000000000001/deposits", 404, "unknown_member"),
        ("/v1/receivables/R-7/payments", 404, "unknown_receivable"),
        ("/v1/parameters?state=gone", 400, "request_malformed"),
        ("/v1/parameters?limit=1", 400, "request_malformed"),
        ("/v1/receivables/R-7/journal.jsonl", 404, "unknown_receivable"),
        ("/v1/nothing", 404, "route_unknown"),
        ("/v1/receivables/", 404, "route_unknown"),
        ("/docs", 404, "route_unknown"),
    ],
)
def test_a_refusal_is_a_problem_document_that_the_description_promises(
    still: Api, path: str, status: int, code: str
) -> None:
    document = still.get("/openapi.json")
    found = still.problem(path, status=status, code=code)
    assert problems(document, {"$ref": "#/components/schemas/Problem"}, found) == []
    assert found["title"] != ""


def test_no_text_gets_to_the_database_that_it_does_not_take(still: Api) -> None:
    """In every path and in every filter that takes text: a NUL, half a character, a number too long."""
    described = still.get("/openapi.json")["paths"]
    asked = 0
    for path, methods in described.items():
        for parameter in methods.get("get", {}).get("parameters", []):
            for text in ("a%00b", "%00", "R-1%00", "%ED%A0%80", "R-9999999999999999999", "9" * 30):
                inside = {"receivable_id": "R-1", "part": "0-5", "member": "seller", "order": "0x" + "00" * 32}
                inside["digest"] = inside["order"]
                if parameter["in"] == "path":
                    inside[parameter["name"]] = text
                query = f"?{parameter['name']}={text}" if parameter["in"] == "query" else ""
                answer = still.client.get(path.format(**inside) + query)
                assert answer.status_code in (200, 400, 404, 422), (path, query, answer.text)
                asked += 1
    assert asked > 300


def test_a_malformed_request_names_the_fields(still: Api) -> None:
    found = still.problem("/v1/receivables?limit=0&colour=red", status=400, code="request_malformed")
    assert sorted(field["where"] for field in found["fields"]) == ["query.colour", "query.limit"]


def test_a_method_that_is_not_taken_is_named(still: Api) -> None:
    answer = still.client.post("/v1/receivables")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, HEAD"


def test_an_unchanged_answer_is_not_sent_again(api: Api) -> None:
    travelled(api)
    api.mirror()
    first = api.client.get("/v1/receivables/R-1")
    tag = first.headers["etag"]
    assert first.json()["as_of_block"]["hash"].removeprefix("0x") in tag
    again = api.client.get("/v1/receivables/R-1", headers={"If-None-Match": f'"other", W/{tag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    # Names are kept off chain: they change the answer without a new block.
    api.know()
    named = api.client.get("/v1/receivables/R-1", headers={"If-None-Match": tag})
    assert named.status_code == 200
    api.scene.split(1, start=0, cut=1, to=BANK)
    api.mirror()
    moved = api.client.get("/v1/receivables/R-1", headers={"If-None-Match": named.headers["etag"]})
    assert moved.status_code == 200
    assert moved.json()["journal"]["length"] == 5


def test_if_none_match_is_compared_as_the_standard_says() -> None:
    assert not matches(None, '"a"')
    assert matches("*", '"a"')
    assert matches('W/"a"', '"a"')
    assert not matches('"ab"', '"a"')


def test_finality_follows_the_nodes_own_tags(api: Api) -> None:
    api.scene.confirmed()
    api.mirror()
    assert api.get("/v1/receivables/R-1")["as_of_block"]["finality"] == "latest"
    block = api.get("/v1/receivables/R-1")["as_of_block"]["number"]
    for column, finality in (("safe_block", "safe"), ("finalized_block", "finalized")):
        with api.services.database.bulk() as connection:
            connection.execute(f"UPDATE cursor SET {column} = %s", (block,))
        assert api.get("/v1/receivables/R-1")["as_of_block"]["finality"] == finality


def test_a_bug_is_logged_with_its_traceback_and_tells_the_caller_nothing(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    api.mirror()

    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("secret of the database")

    monkeypatch.setattr("registry.store.queries.members.members", broken)
    with caplog.at_level(logging.ERROR):
        found = api.problem("/v1/members", status=500, code="internal_error")
    assert "secret" not in json.dumps(found)
    (record,) = [record for record in caplog.records if record.name == "api.errors"]
    assert found["instance"] in record.getMessage()
    assert record.exc_info is not None
    assert 'route="/v1/members",status="500"' in api.client.get("/metrics").text


# ------------------------------------------------------------- this machine only


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "10.0.0.1", "", "[::1", "0.0.0.0", "127.0.0.1@evil.example:80"]
)
def test_another_host_name_is_refused(still: Api, host: str) -> None:
    found = still.problem("/v1/receivables", status=403, code="host_not_allowed", headers={"Host": host})
    assert "rebinding" in found["hint"]


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1234", "127.0.0.1:80", "[::1]:9", "127.8.8.8"])
def test_every_loopback_name_is_taken(still: Api, host: str) -> None:
    assert still.get("/health", headers={"Host": host}) == {"status": "alive"}


def test_a_peer_from_another_machine_is_refused(services: Services) -> None:
    async def ask(peer: str) -> httpx.Response:
        transport = httpx.ASGITransport(create_app(services), client=(peer, 5))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.get("/health")

    refused = asyncio.run(ask("192.168.1.7"))
    assert (refused.status_code, refused.json()["code"]) == (403, "loopback_only")
    assert "no access control" in refused.json()["hint"]
    for peer in ("127.0.0.1", "::1", "::ffff:127.0.0.1"):
        assert asyncio.run(ask(peer)).status_code == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "example.org", "", "127.1"])
def test_to_listen_elsewhere_is_refused_by_name(host: str) -> None:
    with pytest.raises(LoopbackOnly) as refused:
        serve(host=host)
    assert refused.value.code == "loopback_only"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_to_listen_on_loopback_is_allowed(host: str) -> None:
    require_loopback(host)
    assert is_loopback(host)


# ------------------------------------------------------------------ description


def test_the_exported_description_is_up_to_date() -> None:
    assert OPENAPI_FILE.read_text(encoding="utf-8") == openapi_text(), "run `python -m scripts.export_openapi`"


def test_every_operation_is_described() -> None:
    document = json.loads(openapi_text())
    for path, item in document["paths"].items():
        for operation in item.values():
            assert operation["summary"], path
            assert operation["description"], path
            assert "default" in operation["responses"], path
            assert "422" not in operation["responses"], path
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_every_response_body_forbids_other_fields() -> None:
    document = json.loads(openapi_text())
    for name, schema in document["components"]["schemas"].items():
        assert schema["additionalProperties"] is False, name


def test_instants_reach_as_far_as_the_contract_does() -> None:
    assert instant(0) == "1970-01-01T00:00:00Z"
    assert instant(253_402_300_799) == "9999-12-31T23:59:59Z"
    assert instant(253_402_300_800) == "+010000-01-01T00:00:00Z"
    assert instant(2**40 - 1) == "+036812-02-20T00:36:15Z"
