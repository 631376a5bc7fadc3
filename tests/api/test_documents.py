"""Invoice files that are looked up, and certificates as the chain itself describes them."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from lxml import etree

from api.deps import NODE_READS_MAX, Services
from registry.chain.contract import Calls
from registry.chain.rpc import Node
from registry.documents.pdf import PDF_BYTES_MAX
from registry.domain.identifiers import ZERO_ADDRESS
from registry.settings import Settings
from registry.store.database import Database
from tests.api.conftest import Api, serving
from tests.api.openapi_check import problems
from tests.commands.desk import SAMPLES, Desk
from tests.scene import BANK, Scene

UBL, CII = SAMPLES / "brandmuehl-2026-1041.ubl.xml", SAMPLES / "brandmuehl-2026-1041.cii.xml"


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


def check(api: Api, content: bytes, *, status: int = 200, **headers: str) -> dict[str, Any]:
    answer = api.client.post("/v1/documents/check", content=content, headers=headers)
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    document = api.get("/openapi.json")
    schema = (
        document["paths"]["/v1/documents/check"]["post"]["responses"]["200"]["content"]["application/json"]["schema"]
        if status == 200
        else {"$ref": "#/components/schemas/Problem"}
    )
    assert problems(document, schema, found) == []
    return found


def test_a_file_that_nobody_registered_is_told_as_what_it_says(api: Api) -> None:
    found = check(api, UBL.read_bytes())
    assert (found["format"], found["type_code"], found["registrable"]) == ("ubl", "380", True)
    assert found["seller"] == {"name": "Brandmühl Guss GmbH", "identity": "vat:DE999000148"}
    assert (found["matches"], found["others"], found["why_not"]) == ([], [], None)


def test_a_registered_file_matches_its_commitment_and_another_format_the_same_claim(api: Api, desk: Desk) -> None:
    number = desk.registered(UBL)
    own = check(api, UBL.read_bytes())
    assert [(match["match"], match["receivable"]["id"]) for match in own["matches"]] == [("committed", f"R-{number}")]
    other = check(api, CII.read_bytes())
    assert other["fingerprint"] == own["fingerprint"]
    assert [(match["match"], match["format"], match["file_name"]) for match in other["matches"]] == [
        ("same_claim", "ubl", UBL.name)
    ]
    # Nothing of what was sent is kept.
    with desk.services.database.bulk() as connection:
        row = connection.execute("SELECT count(*) FROM invoice").fetchone()
    assert row == (1,)


def test_another_amount_under_the_same_number_is_told(api: Api, desk: Desk) -> None:
    desk.registered(desk.invoice(number="RE 77", payable="1000.00"))
    (match,) = check(api, desk.invoice(number="RE 77", payable="900.00").read_bytes())["matches"]
    assert (match["match"], match["receivable"]["face"]["amount"]) == ("other_amount", "1000.00")


def test_a_claim_whose_invoice_is_not_kept_here_is_told_by_its_fingerprint(api: Api, desk: Desk) -> None:
    number = desk.registered(UBL)
    with desk.services.database.bulk() as connection:
        connection.execute("DELETE FROM invoice")
    found = check(api, CII.read_bytes())
    assert (found["matches"], [other["id"] for other in found["others"]]) == ([], [f"R-{number}"])


def test_a_credit_note_is_no_receivable(api: Api) -> None:
    found = check(api, (SAMPLES / "brandmuehl-gs-2026-017-credit-note.ubl.xml").read_bytes())
    assert (found["registrable"], found["why_not"]["code"]) == (False, "credit_note_not_registrable")


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 422, "document_malformed"),
        (b"<html/>", 415, "document_unsupported"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', 422, "document_forbidden_construct"),
        (b" " * (PDF_BYTES_MAX + 1), 413, "document_too_large"),
    ],
    ids=["nothing", "a page", "an entity", "too much"],
)
def test_what_is_no_invoice_is_refused_by_name(api: Api, content: bytes, status: int, code: str) -> None:
    assert check(api, content, status=status)["code"] == code


def test_a_form_is_told_how_to_send_the_file(api: Api) -> None:
    answer = api.client.post("/v1/documents/check", files={"file": UBL.read_bytes()})
    assert (answer.status_code, answer.json()["code"]) == (400, "request_malformed")
    assert "--data-binary" in answer.json()["hint"]


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1.evil.example"])
def test_a_page_of_another_site_sends_nothing(api: Api, origin: str) -> None:
    assert check(api, UBL.read_bytes(), status=403, Origin=origin)["code"] == "origin_not_allowed"
    check(api, UBL.read_bytes(), Origin="http://localhost:3000")


# --------------------------------------------------------------- as the chain says


def test_a_certificate_is_described_and_drawn_as_it_is_at_the_mirrors_block(api: Api, desk: Desk) -> None:
    whole = desk.confirmed(desk.invoice(payable="1000.00"))
    path = f"/v1/certificates/{whole}"
    described = api.client.get(f"{path}/metadata")
    assert described.headers["content-type"] == "application/json"
    metadata = described.json()
    assert metadata["name"] == str(whole)
    both = api.client.get(f"{path}/image.svg")
    assert both.headers["content-type"] == "image/svg+xml"
    assert "sandbox" in both.headers["content-security-policy"]
    assert both.text == base64.b64decode(metadata["image"].partition(",")[2]).decode()
    english, chinese = (api.client.get(f"{path}/image.svg?lang={lang}").text for lang in ("en", "zh"))
    for text in (both.text, english, chinese):
        etree.fromstring(text.encode())
    assert ("债权凭证" in english, "债权凭证" in chinese) == (False, True)
    again = api.client.get(
        f"{path}/image.svg?lang=en",
        headers={"If-None-Match": api.client.get(f"{path}/image.svg?lang=en").headers["etag"]},
    )
    assert again.status_code == 304
    # The chain goes on, the mirror has not: what is shown belongs to the mirror's block.
    desk.scene.split(whole.receivable_id, start=0, cut=40_000, to=BANK)
    assert api.client.get(f"{path}/metadata").json() == metadata
    desk.services.follower().catch_up()
    api.problem(f"{path}/metadata", status=404, code="unknown_certificate")
    api.problem(f"{path}/image.svg", status=404, code="unknown_certificate")
    assert api.client.get(f"/v1/certificates/R-{whole.receivable_id}/0-40000/metadata").status_code == 200


def test_while_the_node_is_asked_for_a_picture_others_read(
    api: Api, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = desk.confirmed(desk.invoice(payable="1000.00"))
    entered, go_on = threading.Semaphore(0), threading.Event()
    original = Node.call

    def slow(*arguments: Any, **more: Any) -> bytes:
        entered.release()
        assert go_on.wait(20)
        return original(*arguments, **more)

    monkeypatch.setattr(Node, "call", slow)
    with ThreadPoolExecutor(50) as viewers:
        seen = [viewers.submit(api.client.get, f"/v1/certificates/{whole}/image.svg?lang=en") for _ in range(50)]
        try:
            for _ in range(NODE_READS_MAX):
                assert entered.acquire(timeout=20)
            assert not entered.acquire(timeout=1)
            assert api.services.database.engine.pool.checkedout() == 0  # type: ignore[attr-defined]  # it is a QueuePool
            assert api.client.get(f"/v1/certificates/{whole}", timeout=5).status_code == 200
        finally:
            go_on.set()
        assert {answer.result().status_code for answer in seen} == {200}


def test_without_a_descriptor_there_is_no_description(api: Api, desk: Desk) -> None:
    whole = desk.confirmed(desk.invoice(payable="1000.00"))
    desk.scene.govern(Calls.set_descriptor(ZERO_ADDRESS))
    desk.services.follower().catch_up()
    for what in ("metadata", "image.svg", "image.svg?lang=zh"):
        api.problem(f"/v1/certificates/{whole}/{what}", status=404, code="not_described")
    api.problem(f"/v1/certificates/{whole}/image.svg?lang=fr", status=400, code="request_malformed")
