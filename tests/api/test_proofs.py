"""Proofs, verdicts and the verifier over HTTP, on a real chain."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from api.routes.proofs import BUNDLE_BYTES_MAX
from api.schemas.proofs import OWN_WORD
from registry.domain.identifiers import format_address
from registry.verification.bundle import Bundle
from registry.verification.header import Header
from registry.verification.verify import KnownHash, Pins, Status, verify
from tests.api.conftest import Api
from tests.api.openapi_check import problems
from tests.api.test_reads import travelled
from tests.scene import BANK, SUPPLIER
from tests.verification.hostile import nested_disclosure

PART = "/v1/certificates/R-1/60000-100000"


@pytest.fixture
def stood(api: Api) -> Api:
    """R-1/60000-100000 is the bank's."""
    travelled(api)
    api.mirror()
    api.know()
    return api


def pins(api: Api) -> Pins:
    found = api.get("/v1/verification/pins")
    contract = bytes.fromhex(found["contract"][2:])
    assert format_address(contract) == found["contract"]
    return Pins(found["chain_id"], contract, bytes.fromhex(found["code_hash"][2:]))


def proof(api: Api, query: str = "", **headers: str) -> Any:
    answer = api.client.get(f"{PART}/proof{query}", headers=headers)
    assert answer.status_code in (200, 304), answer.text
    return answer


def judged(api: Api, content: bytes, *, status: int = 200) -> dict[str, Any]:
    answer = api.client.post("/v1/verification/verdicts", content=content)
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    described = api.get("/openapi.json")
    name = "VerdictOut" if status == 200 else "Problem"
    assert problems(described, {"$ref": f"#/components/schemas/{name}"}, found) == []
    return found


def test_a_proof_is_the_same_bytes_for_a_block_and_proves_everything(stood: Api) -> None:
    first = proof(stood)
    header = Header.decode(Bundle.decode(first.content).header)
    told = stood.scene.node.block(header.number)
    assert told is not None
    verdict = verify(first.content, witness=KnownHash(told.hash, "the node"), pins=pins(stood))
    assert verdict.status is Status.PROVEN
    assert verdict.stated["holder"] == "0x" + stood.scene.address(BANK).hex()
    assert first.headers["etag"].startswith(f'"{header.hash.hex()}.')
    assert first.headers["content-disposition"] == 'inline; filename="R-1_60000-100000.proof.json"'
    stood.scene.endorse(1, start=60_000, to=SUPPLIER, person=BANK)
    stood.mirror()
    later = proof(stood, f"?block={header.number}")
    assert (later.content, later.headers["etag"]) == (first.content, first.headers["etag"])
    again = proof(stood, f"?block={header.number}", **{"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert proof(stood).content != first.content


def test_a_redacted_proof_seals_what_does_not_bear_on_the_certificate(stood: Api) -> None:
    stood.scene.split(1, start=0, cut=1, to=BANK)
    stood.mirror()
    assert Bundle.decode(proof(stood).content).sealed == 0
    assert Bundle.decode(proof(stood, "?redact=true").content).sealed == 1


def test_fields_of_the_invoice_are_not_opened_over_http(stood: Api) -> None:
    found = stood.problem(f"{PART}/proof?open=number", status=400, code="request_malformed")
    assert [field["where"] for field in found["fields"]] == ["query.open"]


@pytest.mark.parametrize("ending", ["proof", "verdict", "certificate.pdf"])
def test_what_cannot_be_proven_is_refused_by_name(stood: Api, ending: str) -> None:
    head = stood.scene.node.head()
    stood.problem(f"{PART}/{ending}?block={head + 1}", status=409, code="block_not_mirrored")
    stood.problem(f"/v1/certificates/R-1/1-2/{ending}", status=404, code="unknown_certificate")
    stood.problem(f"/v1/certificates/R-9/1-2/{ending}", status=404, code="unknown_receivable")
    stood.problem(f"{PART}/{ending}?block=0", status=404, code="unknown_receivable")


def test_a_verdict_is_marked_as_the_servers_own(stood: Api) -> None:
    found = stood.get(f"{PART}/verdict")
    assert (found["by"], found["note"], found["status"]) == ("this server", OWN_WORD, "proven")
    assert found["as_of_block"]["hash"] == found["block"]["hash"]
    assert {finding["status"] for finding in found["findings"]} == {"proven"}
    handed_in = judged(stood, proof(stood).content)
    assert handed_in == {name: value for name, value in found.items() if name != "as_of_block"}


def test_a_proof_that_was_altered_is_contradicted_and_no_error(stood: Api) -> None:
    made = proof(stood).content
    altered = judged(stood, made.replace(b'"amount":"400.00"', b'"amount":"500.00"'))
    assert altered["status"] == "contradicted"
    bundle = Bundle.decode(made)
    assert judged(stood, made.replace(bundle.contract.hex().encode(), b"11" * 20))["status"] == "contradicted"


def test_of_another_chain_the_server_says_that_it_does_not_know(stood: Api) -> None:
    bundle = json.loads(proof(stood).content)
    bundle["chain_id"] += 1
    content = json.dumps(bundle, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
    found = judged(stood, content)
    assert found["status"] == "contradicted"  # its journal is of the other chain
    (header,) = [finding for finding in found["findings"] if finding["name"] == "header"]
    assert header["status"] == "not proven"


def test_what_is_no_proof_is_refused_and_so_is_what_is_too_large(stood: Api) -> None:
    assert judged(stood, b"{}", status=422)["code"] == "bundle_malformed"
    assert judged(stood, b"", status=422)["code"] == "bundle_malformed"
    assert judged(stood, b" " * (BUNDLE_BYTES_MAX + 1), status=413)["code"] == "bundle_too_large"
    nested = (nested_disclosure(depth) for depth in range(900, 1_000))
    assert {stood.client.post("/v1/verification/verdicts", content=content).status_code for content in nested} == {422}


def test_a_page_carries_the_proof_of_its_block_and_the_names_known_here(stood: Api) -> None:
    pages = {lang: stood.client.get(f"{PART}/certificate.pdf?lang={lang}") for lang in ("en", "zh")}
    for lang, words in (("en", "Receivable certificate"), ("zh", "债权凭证")):
        answer = pages[lang]
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
        reader = PdfReader(BytesIO(answer.content))
        (page,) = reader.pages
        text = page.extract_text()
        assert words in text
        assert "Bank AG" in text
        assert "买方有限公司" in text
        assert dict(reader.attachments) == {"proof.json": [proof(stood).content]}
    assert stood.client.get(f"{PART}/certificate.pdf").content == pages["en"].content
    stood.problem(f"{PART}/certificate.pdf?lang=fr", status=400, code="request_malformed")


def test_the_verifier_that_is_handed_out_runs_alone_and_knows_the_registry(stood: Api, tmp_path: Path) -> None:
    answer = stood.client.get("/v1/verification/verifier.pyz")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    again = stood.client.get("/v1/verification/verifier.pyz")
    assert hashlib.sha256(again.content).digest() == hashlib.sha256(answer.content).digest()
    (tmp_path / "verifier.pyz").write_bytes(answer.content)
    made = proof(stood)
    (tmp_path / "proof.json").write_bytes(made.content)
    block_hash = made.headers["as-of-block"].split()[1]
    words = [sys.executable, "-I", "-S", "verifier.pyz", "proof.json", "--block-hash", block_hash]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
