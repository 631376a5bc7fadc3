"""How final what is shown is, and what is shown of the newest final block."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from registry.domain.receivable import DAY_SECONDS
from registry.mirror.follower import Follower
from registry.store.database import Database
from tests.api.conftest import Api
from tests.api.openapi_check import operation_of, problems
from tests.api.test_reads import address, recomputed, travelled
from tests.mirror.everything import every_operation
from tests.mirror.following import follower_of, insist
from tests.mirror.test_set_aside import Liar, ending_in
from tests.scene import BANK, ORDER, SELLER, SUPPLIER

SAFE_BLOCKS, FINAL_BLOCKS = 32, 64
"""How far anvil's safe and finalized blocks are behind its newest one."""

FINAL = {"at": "final"}


def newest(api: Api) -> int:
    block = api.scene.node.block("latest")
    assert block is not None
    return block.number


def final_block(api: Api) -> dict[str, Any]:
    """The finalized block as an answer names it, by the node."""
    block = api.scene.node.block(newest(api) - FINAL_BLOCKS)
    assert block is not None
    return {"number": block.number, "hash": "0x" + block.hash.hex(), "finality": "finalized"}


def follow(api: Api) -> None:
    """Mirror, and once more with a block more: of what was final from the first not every header is kept."""
    api.mirror()
    api.scene.mine(1)
    api.mirror()


def test_what_is_final_is_shown_beside_what_came_since(api: Api) -> None:
    number = api.scene.confirmed(face=100_000)
    api.scene.mine(FINAL_BLOCKS + 6)
    api.scene.split(number, start=0, cut=60_000, to=SUPPLIER)
    follow(api)
    head, final = api.get("/v1/receivables/R-1"), api.get("/v1/receivables/R-1", params=FINAL)
    assert (head["finality"], head["journal"]["length"], head["as_of_block"]["number"]) == ("latest", 3, newest(api))
    assert (final["finality"], final["journal"]["length"]) == ("finalized", 2)
    assert final_block(api).items() <= final["as_of_block"].items()
    same = {"journal", "finality", "as_of_block"}
    assert {name: final[name] for name in final.keys() - same} == {name: head[name] for name in head.keys() - same}

    whole = api.get("/v1/certificates/R-1/0-100000", params=FINAL)
    assert (whole["holder"]["address"], whole["finality"]) == (address(api, SELLER), "finalized")
    gone = api.problem("/v1/certificates/R-1/0-100000", status=404, code="unknown_certificate")
    assert gone["as_of_block"] == head["as_of_block"]
    for part in ("0-60000", "60000-100000"):
        assert api.get(f"/v1/certificates/R-1/{part}")["finality"] == "latest"
        missing = api.problem(f"/v1/certificates/R-1/{part}", status=404, code="unknown_certificate", params=FINAL)
        assert missing["as_of_block"] == final["as_of_block"]

    history = api.get("/v1/certificates/R-1/0-100000/provenance", params=FINAL)
    assert [step["operation"] for step in history["steps"]] == ["Registered", "Confirmed"]
    assert history["journal_head"] == final["journal"]["head"] == history["steps"][-1]["head"]


def test_between_the_block_that_is_told_and_the_final_one_nothing_happened(api: Api) -> None:
    """A mirror that came late has not the header of every final block, but of each with an entry."""
    travelled(api)
    last = newest(api)
    api.scene.mine(FINAL_BLOCKS + 6)
    api.scene.split(1, start=0, cut=1_000, to=BANK)
    api.mirror()
    final = api.get("/v1/receivables/R-1", params=FINAL)
    assert last <= final["as_of_block"]["number"] <= newest(api) - FINAL_BLOCKS
    assert final["journal"]["length"] == 4
    block = api.scene.node.block(final["as_of_block"]["number"])
    assert block is not None
    assert final["as_of_block"]["hash"] == "0x" + block.hash.hex()


def test_what_was_registered_just_now_is_unknown_at_final(api: Api) -> None:
    api.scene.mine(FINAL_BLOCKS)
    api.scene.register()
    follow(api)
    assert api.get("/v1/receivables/R-1")["finality"] == "latest"
    for path in ("/v1/receivables/R-1", "/v1/receivables/R-1/entries", "/v1/receivables/R-1/journal.jsonl"):
        found = api.problem(path, status=404, code="unknown_receivable", params=FINAL)
        assert final_block(api).items() <= found["as_of_block"].items()


def test_nothing_is_shown_at_final_while_no_block_of_the_registry_is(api: Api) -> None:
    """The first entries of R-0 are as old as the contract."""
    api.scene.register()
    api.mirror()
    assert api.services.deployment.block_number > newest(api) - FINAL_BLOCKS
    found = api.problem("/v1/receivables/R-1", status=503, code="nothing_final", params=FINAL)
    assert problems(api.get("/openapi.json"), {"$ref": "#/components/schemas/Problem"}, found) == []


def test_finality_goes_from_latest_to_safe_to_finalized(api: Api) -> None:
    travelled(api)
    paths = ("/v1/receivables", "/v1/certificates", "/v1/receivables/R-1/certificates", "/v1/receivables/R-1/entries")
    for blocks, expected in ((0, "latest"), (SAFE_BLOCKS, "safe"), (FINAL_BLOCKS - SAFE_BLOCKS, "finalized")):
        api.scene.mine(blocks)
        api.mirror()
        assert {item["finality"] for path in paths for item in api.walk(path)[-1:]} == {expected}
        assert api.get("/v1/receivables/R-1")["finality"] == expected
        assert api.get("/v1/certificates/R-1/60000-100000")["finality"] == expected
        assert api.get("/v1/certificates/R-1/60000-100000/provenance")["steps"][-1]["finality"] == expected


def test_every_row_and_every_entry_tells_its_own_finality(api: Api) -> None:
    travelled(api)
    api.scene.mine(FINAL_BLOCKS)
    api.scene.confirmed()
    api.scene.mine(SAFE_BLOCKS)
    api.scene.split(1, start=0, cut=1_000, to=BANK)
    api.scene.confirmed()
    follow(api)
    assert [item["finality"] for item in api.walk("/v1/receivables?limit=2")] == ["latest", "safe", "latest"]
    assert [item["finality"] for item in api.walk("/v1/certificates")] == [*["latest"] * 3, "safe", "latest"]
    told = [item["finality"] for item in api.walk("/v1/receivables/R-1/entries?limit=2")]
    assert told == [*["finalized"] * 4, "latest"]
    assert [item["finality"] for item in exported(api, "/v1/receivables/R-1/journal.jsonl")[1:]] == told
    block = api.get("/v1/receivables/R-1/entries")["as_of_block"]
    for item in api.walk("/v1/receivables/R-1/entries"):
        age = block["number"] - item["transaction"]["block_number"]
        assert item["finality"] == ("finalized" if age >= FINAL_BLOCKS else "safe" if age >= SAFE_BLOCKS else "latest")


def exported(api: Api, path: str, **more: Any) -> list[dict[str, Any]]:
    """The lines of an exported journal."""
    answer = api.client.get(path, **more)
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


def test_a_journal_at_final_ends_where_the_receivable_stood_then(api: Api) -> None:
    travelled(api)
    api.scene.mine(FINAL_BLOCKS)
    api.scene.split(1, start=0, cut=1_000, to=BANK)
    follow(api)
    final = api.get("/v1/receivables/R-1", params=FINAL)
    first, *lines = exported(api, "/v1/receivables/R-1/journal.jsonl", params=FINAL)
    assert (first["head"], first["length"]) == (final["journal"]["head"], 4)
    assert (lines[-1]["head"], len(lines)) == (first["head"], first["length"])
    assert first["as_of_block"] == final["as_of_block"]
    assert api.walk("/v1/receivables/R-1/entries?limit=3&at=final") == lines
    head = bytes.fromhex(first["genesis"][2:])
    for line in lines:
        head = recomputed(line, head)
    assert "0x" + head.hex() == final["journal"]["head"]
    assert len(exported(api, "/v1/receivables/R-1/journal.jsonl")) == 1 + 5
    everything = api.walk("/v1/receivables/R-0/entries?at=final")
    assert everything == api.walk("/v1/receivables/R-0/entries")
    assert exported(api, "/v1/receivables/R-0/journal.jsonl", params=FINAL)[1:] == everything


def test_an_answer_at_final_has_the_tag_of_the_final_block(api: Api) -> None:
    api.scene.confirmed()
    api.scene.mine(FINAL_BLOCKS)
    follow(api)
    final, head = api.client.get("/v1/receivables/R-1", params=FINAL), api.client.get("/v1/receivables/R-1")
    block = final.json()["as_of_block"]
    assert final.headers["etag"].startswith(f'"{block["hash"][2:]}.')
    assert final.headers["as-of-block"] == f"{block['number']} {block['hash']}"
    assert head.headers["etag"] != final.headers["etag"]
    again = api.client.get("/v1/receivables/R-1", params=FINAL, headers={"If-None-Match": final.headers["etag"]})
    assert again.status_code == 304


def test_time_is_told_by_the_final_block(api: Api) -> None:
    api.scene.confirm(api.scene.register(api.scene.claim(days=1)))
    api.scene.freeze_receivable(1, seconds=DAY_SECONDS)
    api.scene.mine(FINAL_BLOCKS + 2)
    follow(api)
    api.scene.pass_time(seconds=3 * DAY_SECONDS)
    api.mirror()
    head, final = api.get("/v1/receivables/R-1"), api.get("/v1/receivables/R-1", params=FINAL)
    assert (head["phase"], head["frozen"]) == ("overdue", False)
    assert (final["phase"], final["frozen"]) == ("live", True)
    assert [order["order"] for order in final["orders"]] == ["0x" + ORDER.hex()]
    part = api.get("/v1/certificates/R-1/0-100000", params=FINAL)
    assert (part["phase"], part["frozen"], part["orders"]) == ("live", True, final["orders"])


@pytest.mark.parametrize("since_final", [False, True])
def test_an_order_on_the_holder_is_shown_at_final_if_it_was_there_then(api: Api, since_final: bool) -> None:
    """Whether R-0 is folded for it, because it has newer entries, or not."""
    api.scene.confirmed()
    api.scene.freeze_member(SELLER)
    api.scene.mine(FINAL_BLOCKS)
    if since_final:
        api.scene.unfreeze_member(SELLER)
    follow(api)
    api.know()
    path = "/v1/certificates/R-1/0-100000"
    head, final = api.get(path), api.get(path, params=FINAL)
    assert (head["frozen"], final["frozen"]) == (not since_final, True)
    assert [order["scope"] for order in final["orders"]] == ["member"]
    if not since_final:
        assert final["orders"] == head["orders"]


def test_a_pause_counts_at_final_if_it_was_there_then(api: Api) -> None:
    api.scene.register()
    api.scene.pause()
    api.scene.mine(FINAL_BLOCKS)
    api.scene.unpause()
    follow(api)
    assert api.get("/v1/receivables/R-1")["lapses_at"] is not None
    assert api.get("/v1/receivables/R-1", params=FINAL)["lapses_at"] is None


def test_all_that_can_happen_is_shown_at_final_as_it_was_shown_at_head(api: Api) -> None:
    """What is final is the same by the tables, at the head then, and by the fold, once the head went on."""
    travelled(api)
    api.scene.freeze_certificate(1, start=60_000)
    every_operation(api.scene)
    api.mirror()
    then = {item["id"]: item for item in [*api.walk("/v1/receivables"), *api.walk("/v1/certificates")]}
    histories = {name: api.get(path_of(name) + "/provenance")["steps"] for name in then if "/" in name}
    block = api.get("/v1/registry")["as_of_block"]
    api.scene.mine(FINAL_BLOCKS)
    api.mirror()
    document = api.get("/openapi.json")
    for name, item in then.items():
        path = path_of(name)
        found = api.get(path, params=FINAL)
        schema = operation_of(document, path)["responses"]["200"]["content"]["application/json"]["schema"]
        assert problems(document, schema, found) == []
        assert found.pop("as_of_block") == {**block, "finality": "finalized"}
        assert found == {**item, "finality": "finalized"}
        if "/" in name:
            steps = api.get(path + "/provenance", params=FINAL)["steps"]
            assert steps == [{**step, "finality": "finalized"} for step in histories[name]]


def path_of(name: str) -> str:
    return f"/v1/certificates/{name}" if "/" in name else f"/v1/receivables/{name}"


def test_lists_are_not_offered_at_final(still: Api) -> None:
    for path in ("/v1/receivables", "/v1/certificates", "/v1/members", "/v1/receivables/R-1/certificates"):
        still.problem(path, status=400, code="request_malformed", params=FINAL)
    still.problem("/v1/receivables/R-1", status=400, code="request_malformed", params={"at": "safe"})


def test_what_is_set_aside_says_so(api: Api) -> None:
    for _ in range(2):
        travelled(api)
    liar = Liar(api.scene.node.url)
    with closing(follower_of(api.scene, api.services.database, node=liar)) as follower:
        insist(follower)
        liar.alter = ending_in(2, b"\xff" * 32)
        for number in (1, 2):
            api.scene.endorse(number, start=60_000, to=SUPPLIER, person=BANK)
        insist(follower)
        assert [item["set_aside"] for item in api.walk("/v1/receivables")] == [False, True]
        assert [item["set_aside"] for item in api.walk("/v1/certificates")] == [False, False, True, True]
        told = api.get("/v1/receivables/R-2")
        assert (told["set_aside"], told["journal"]["length"]) == (True, 4)
        assert api.get("/v1/certificates/R-2/60000-100000")["holder"]["address"] == address(api, BANK)
        assert api.get("/v1/receivables/R-1")["set_aside"] is False
        api.scene.mine(FINAL_BLOCKS)
        insist(follower)
        assert api.get("/v1/receivables/R-2", params=FINAL)["set_aside"] is True
        liar.alter = None
        follower._repairs.clear()  # at once, not after the pause
        insist(follower)
    assert api.get("/v1/receivables/R-2")["set_aside"] is False
    assert api.get("/v1/receivables/R-2")["journal"]["length"] == 5


@pytest.fixture
def at_final(api: Api, database: Database) -> Iterator[Follower]:
    """A mirror that follows up to the finalized block."""
    with closing(follower_of(api.scene, database, follows="finalized")) as follower:
        yield follower


def test_a_mirror_that_follows_what_is_final_shows_all_at_final(api: Api, at_final: Follower) -> None:
    travelled(api)
    api.scene.mine(FINAL_BLOCKS)
    api.scene.split(1, start=0, cut=1_000, to=BANK)
    api.scene.confirmed()
    at_final.catch_up()
    block = api.get("/v1/receivables")["as_of_block"]
    assert final_block(api).items() <= block.items()
    for path in ("/v1/receivables", "/v1/certificates", "/v1/receivables/R-1/entries", "/v1/members", "/v1/debts"):
        assert api.get(path)["as_of_block"] == block
    assert [item["id"] for item in api.walk("/v1/receivables")] == ["R-1"]
    assert {item["finality"] for item in api.walk("/v1/certificates")} == {"finalized"}
    assert api.get("/v1/receivables/R-1", params=FINAL) == api.get("/v1/receivables/R-1")
