"""Attestations over HTTP: taken from witnesses that are named, told to verifiers, an alarm where they differ."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from api.deps import Services
from registry.chain.devchain import dev_account
from registry.commands.witnessing import Publisher, PublishingFailed
from registry.domain.identifiers import format_address
from registry.settings import Settings
from registry.store.database import Database
from registry.verification.attestation import Attestation, read_attestations
from registry.verification.secp256k1 import N
from tests.api.conftest import Api, opened
from tests.scene import Scene

FIRST, SECOND, STRANGER = 30, 31, 32
"""Dev accounts; the last is no witness."""

PATH = "/v1/verification/attestations"


@pytest.fixture
def witnessed(scene: Scene, database: Database, tmp_path: Path) -> Iterator[Api]:
    named = " ".join(format_address(scene.address(person)) for person in (FIRST, SECOND))
    services = Services(database, scene.node, scene.deployment, Settings(home=tmp_path, witnesses=named))
    with opened(services, scene) as api:
        api.scene.confirmed()
        api.mirror()
        yield api


def signed(api: Api, person: int = FIRST, **changes: Any) -> Attestation:
    """Of the mirror's block, unless told otherwise."""
    block = api.get("/v1/registry")["as_of_block"]
    plain = Attestation(
        api.services.deployment.chain_id,
        block["number"],
        bytes.fromhex(block["hash"][2:]),
        api.services.deployment.receivables,
    )
    plain = replace(plain, **changes)
    made = dev_account(person).unsafe_sign_hash(plain.digest()).signature  # type: ignore[arg-type]
    return replace(plain, signature=bytes(made))


def document(attestation: Attestation) -> dict[str, Any]:
    return {
        "format": "counterfoil/attestation/1",
        "chain_id": attestation.chain_id,
        "number": attestation.number,
        "hash": "0x" + attestation.hash.hex(),
        "registry": "0x" + attestation.registry.hex(),
        "signature": "0x" + attestation.signature.hex(),
    }


def figure(api: Api, name: str) -> float:
    (line,) = [line for line in api.client.get("/metrics").text.splitlines() if line.startswith(name + " ")]
    return float(line.split()[1])


def test_an_attestation_is_kept_once_and_told(witnessed: Api) -> None:
    one = signed(witnessed)
    kept = witnessed.post(PATH, document(one), key=None)
    assert kept["witness"] == format_address(witnessed.scene.address(FIRST))
    assert kept["agrees"] is True
    assert witnessed.post(PATH, document(one), key=None) == kept
    found = witnessed.get(f"{PATH}?block={one.number}")["items"]
    assert [item | {"replayed": None} for item in found] == [kept]
    assert witnessed.get(f"{PATH}?block={one.number + 1}")["items"] == []


def test_a_verifier_gets_the_lines_that_the_witnesses_wrote(witnessed: Api) -> None:
    both = {signed(witnessed, person) for person in (FIRST, SECOND)}
    Publisher(str(witnessed.client.base_url)).publish(both)
    block = min(one.number for one in both)
    answer = witnessed.client.get(f"{PATH}.jsonl?block={block}")
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert set(read_attestations(answer.content, block=block)) == both


def test_the_state_of_each_witness_is_told(witnessed: Api) -> None:
    one = signed(witnessed)
    witnessed.post(PATH, document(one), key=None)
    witnessed.scene.confirmed()
    witnessed.mirror()
    states = {item["witness"]: item for item in witnessed.get("/v1/verification/witnesses")["items"]}
    first, second = (states[format_address(witnessed.scene.address(person))] for person in (FIRST, SECOND))
    assert (first["number"], first["lag_blocks"], first["disagreements"]) == (one.number, 2, 0)
    assert (second["number"], second["lag_blocks"]) == (None, None)
    assert figure(witnessed, "counterfoil_witnesses") == 2
    assert figure(witnessed, "counterfoil_witnesses_silent") == 1
    assert figure(witnessed, "counterfoil_witness_lag_blocks") == 2
    assert figure(witnessed, "counterfoil_witness_disagreements") == 0


def test_another_hash_than_the_mirrors_is_kept_and_an_alarm(witnessed: Api, caplog: pytest.LogCaptureFixture) -> None:
    true, other = signed(witnessed), signed(witnessed, hash=b"\xbb" * 32)
    witnessed.post(PATH, document(true), key=None)
    with caplog.at_level(logging.ERROR):
        assert witnessed.post(PATH, document(other), key=None)["agrees"] is False
    assert any("the mirror has another" in record.getMessage() for record in caplog.records)
    assert len(witnessed.get(f"{PATH}?block={true.number}")["items"]) == 2
    state = witnessed.get("/v1/verification/witnesses")["items"]
    assert {(item["disagreements"], item["disagrees_at"]) for item in state} == {(1, true.number), (0, None)}
    assert figure(witnessed, "counterfoil_witness_disagreements") == 1


def test_a_height_that_is_not_mirrored_is_not_judged(witnessed: Api) -> None:
    ahead = signed(witnessed, number=10**6)
    assert witnessed.post(PATH, document(ahead), key=None)["agrees"] is None


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"chain_id": 1}, 409, "attested_elsewhere"),
        ({"registry": b"\x01" * 20}, 409, "attested_elsewhere"),
        ({"person": STRANGER}, 403, "witness_unknown"),
    ],
)
def test_what_is_not_this_registrys_witness_is_refused(
    witnessed: Api, changes: dict[str, Any], status: int, code: str
) -> None:
    assert witnessed.post(PATH, document(signed(witnessed, **changes)), status=status, key=None)["code"] == code


def test_a_signature_in_its_second_form_or_for_something_else_is_refused(witnessed: Api) -> None:
    one = signed(witnessed)
    s, v = int.from_bytes(one.signature[32:64]), one.signature[64]
    high = replace(one, signature=one.signature[:32] + (N - s).to_bytes(32) + bytes([55 - v]))
    assert witnessed.post(PATH, document(high), status=422, key=None)["code"] == "attestations_malformed"
    moved = replace(one, number=one.number + 1)
    assert witnessed.post(PATH, document(moved), status=403, key=None)["code"] == "witness_unknown"


@pytest.mark.parametrize(
    "change",
    [{"signature": "0x00"}, {"number": "1"}, {"number": -1}, {"number": 2**48}, {"more": 1}, {"format": "other"}],
)
def test_what_is_no_attestation_is_refused(witnessed: Api, change: dict[str, Any]) -> None:
    body = document(signed(witnessed)) | change
    assert witnessed.post(PATH, body, status=400, key=None)["code"] == "request_malformed"


def test_a_publisher_keeps_what_was_not_taken(witnessed: Api, api: Api) -> None:
    one = signed(witnessed)
    publisher = Publisher(str(api.client.base_url))  # it names no witnesses
    with pytest.raises(PublishingFailed, match="answers 403"):
        publisher.publish([one])
    publisher._url = Publisher(str(witnessed.client.base_url))._url
    publisher.publish([])
    assert len(witnessed.get(f"{PATH}?block={one.number}")["items"]) == 1


def test_nobody_is_handed_anything_but_over_http() -> None:
    with pytest.raises(PublishingFailed):
        Publisher("file:///etc/passwd")
