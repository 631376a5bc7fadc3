"""Proofs over HTTP: the same bytes for one block, judged by this server and by the verifier that it hands out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from registry.verification.bundle import BYTES_MAX, ENTRIES_MAX, Bundle
from registry.verification.verify import KnownHash, Pins, Status, verify
from tests.api.conftest import Api
from tests.api.openapi_check import problems
from tests.scene import BANK, SUPPLIER

CERTIFICATE = "/v1/certificates/R-1/60000-100000"


def divided(api: Api) -> None:
    """R-1, of which the supplier got the tail, and the bank a part that it knows nothing of."""
    scene = api.scene
    number = scene.confirmed(face=100_000)
    scene.split(number, start=0, cut=60_000, to=SUPPLIER)
    scene.split(number, start=0, cut=20_000, to=BANK)
    api.mirror()


def pins(api: Api) -> Pins:
    told = api.get("/v1/verification/pins")
    return Pins(told["chain_id"], bytes.fromhex(told["contract"][2:]), bytes.fromhex(told["code_hash"][2:]))


def newest(api: Api) -> Any:
    block = api.scene.node.block("latest")
    assert block is not None
    return block


def test_a_proof_holds_against_the_nodes_own_block_and_pins(api: Api) -> None:
    divided(api)
    answer = api.client.get(f"{CERTIFICATE}/proof")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    block = newest(api)
    assert answer.headers["content-disposition"] == f'attachment; filename="R-1_60000-100000-block-{block.number}.json"'
    verdict = verify(answer.content, witness=KnownHash(block.hash, "the node"), pins=pins(api))
    assert verdict.status is Status.PROVEN, verdict.findings
    assert verdict.stated["holder"] == "0x" + api.scene.address(SUPPLIER).hex()


def test_the_same_block_gives_the_same_bytes_whatever_came_since(api: Api) -> None:
    divided(api)
    block = newest(api)
    before = api.client.get(f"{CERTIFICATE}/proof").content
    api.scene.endorse(1, start=60_000, to=BANK, person=SUPPLIER)
    api.mirror()
    assert api.client.get(f"{CERTIFICATE}/proof", params={"block": block.number}).content == before
    now = api.client.get(f"{CERTIFICATE}/proof").content
    assert json.loads(now)["stated"]["holder"] == "0x" + api.scene.address(BANK).hex()
    ahead = api.problem(f"{CERTIFICATE}/proof", status=409, code="block_not_mirrored", params={"block": 10**9})
    assert problems(api.get("/openapi.json"), {"$ref": "#/components/schemas/Problem"}, ahead) == []


def test_a_redacted_proof_seals_what_others_did(api: Api) -> None:
    divided(api)
    redacted = api.client.get(f"{CERTIFICATE}/proof", params={"redact": True}).content
    assert Bundle.decode(redacted).sealed == 1
    assert api.scene.address(BANK).hex() not in redacted.decode()


def test_a_certificate_that_is_gone_is_proven_and_one_that_never_was_is_unknown(api: Api) -> None:
    divided(api)
    gone = api.get("/v1/certificates/R-1/0-100000/verdict")
    assert (gone["status"], gone["stated"]["holder"]) == ("not proven", None)
    api.problem("/v1/certificates/R-1/0-7/proof", status=404, code="unknown_certificate")
    api.problem("/v1/certificates/R-9/0-7/proof", status=404, code="unknown_receivable")


def test_a_verdict_is_marked_as_the_servers_own(api: Api) -> None:
    divided(api)
    verdict = api.get(f"{CERTIFICATE}/verdict")
    assert verdict["by"] == "this server"
    assert "verifier of their own" in verdict["caution"]
    unproven = {finding["name"] for finding in verdict["findings"] if finding["status"] != "proven"}
    assert (verdict["status"], unproven) == ("not proven", {"header", "contract"})
    assert verdict["block"]["number"] == newest(api).number


def posted(api: Api, bundle: bytes, *, status: int = 200) -> dict[str, Any]:
    answer = api.client.post("/v1/verification/verdicts", content=bundle, headers={"Content-Type": "application/json"})
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    described = api.get("/openapi.json")
    responses = described["paths"]["/v1/verification/verdicts"]["post"]["responses"]
    schema = {"$ref": "#/components/schemas/Problem"}
    if status == 200:
        schema = responses["200"]["content"]["application/json"]["schema"]
    assert problems(described, schema, found) == []
    return found


def test_a_bundle_that_somebody_hands_in_is_judged(api: Api) -> None:
    divided(api)
    bundle = api.client.get(f"{CERTIFICATE}/proof").content
    assert posted(api, bundle)["status"] == "not proven"
    holder, other = (f'"holder":"0x{api.scene.address(person).hex()}'.encode() for person in (SUPPLIER, BANK))
    forged = posted(api, bundle.replace(holder, other))
    assert forged["status"] == "contradicted"
    assert {one["name"] for one in forged["findings"] if one["status"] == "contradicted"} == {"holder"}
    assert posted(api, bundle[:-2], status=422)["code"] == "bundle_malformed"
    assert posted(api, b"[" * 100_000, status=422)["code"] == "bundle_malformed"
    many = b'{"entries":[' + b"[]," * (30 * ENTRIES_MAX) + b"[]]}"
    assert posted(api, many, status=413)["code"] == "bundle_too_large"
    assert posted(api, b" " * (BYTES_MAX + 1), status=413)["code"] == "bundle_too_large"


def test_the_verifier_that_is_handed_out_judges_in_an_empty_python(api: Api, tmp_path: Path) -> None:
    divided(api)
    (tmp_path / "verifier.pyz").write_bytes(api.client.get("/v1/verification/verifier.pyz").content)
    (tmp_path / "bundle.json").write_bytes(api.client.get(f"{CERTIFICATE}/proof").content)

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-I", "-S", "verifier.pyz", "bundle.json", *words]
        return subprocess.run(
            command, cwd=tmp_path, env={"PATH": os.defpath}, capture_output=True, text=True, check=False
        )

    alone = run()
    assert (alone.returncode, alone.stderr) == (3, "")
    known = run("--block-hash", "0x" + newest(api).hash.hex(), "--json")
    assert known.returncode == 0, known.stdout
    assert json.loads(known.stdout)["status"] == "proven"
    asked = run("--rpc", api.scene.node.url)
    assert (asked.returncode, asked.stdout.splitlines()[-1]) == (0, "PROVEN: every statement holds at this block.")
    assert run("--block-hash", "0x" + "11" * 32).returncode == 1
