"""Every endpoint over a real chain, mirror and database."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from registry.domain.identifiers import format_address
from registry.domain.journal import ENTRY_BY_OPERATION, append, genesis, word
from registry.domain.keccak import keccak256
from registry.domain.money import currency_to_show
from registry.domain.receivable import DAY_SECONDS, Parameter
from registry.domain.rules import Claim
from registry.domain.rules.requirements import DAY_NUMBER_MAX
from tests.api.conftest import Api
from tests.mirror.everything import every_operation
from tests.scene import BANK, BUYER, DOCUMENT, EUR, SELLER, STRANGER, SUPPLIER


def address(api: Api, person: int) -> str:
    return format_address(api.scene.address(person))


def travelled(api: Api) -> int:
    """A receivable of 1,000.00 EUR: 400.00 of it went to the supplier, and from there to the bank."""
    number = api.scene.confirmed(face=100_000)
    api.scene.split(number, start=0, cut=60_000, to=SUPPLIER)
    api.scene.endorse(number, start=60_000, to=BANK, person=SUPPLIER)
    return number


def test_a_receivable_is_shown_with_its_parties_money_and_phase(api: Api) -> None:
    travelled(api)
    api.mirror()
    api.know()
    found = api.get("/v1/receivables/R-1")
    terms, _ = api.scene.claims[1]
    block = api.scene.node.block("latest")
    assert block is not None
    assert found["id"] == "R-1"
    assert (found["status"], found["phase"]) == ("confirmed", "live")
    assert found["originator"] == {"address": address(api, SELLER), "handle": "seller", "name": "Seller GmbH"}
    assert found["debtor"] == {"address": address(api, BUYER), "handle": "buyer", "name": "买方有限公司"}
    assert found["face"] == {"amount": "1000.00", "currency": "EUR"}
    assert found["claim"] == {"face": found["face"], "due_date": found["due_date"]}
    assert (found["offer"], found["lapses_at"], found["frozen"], found["orders"]) == (None, None, False, [])
    assert found["refusal"] is None
    assert found["fingerprint"] == "0x" + terms.claim.fingerprint.hex()
    assert found["journal"] == {"head": "0x" + api.scene.view.heads([1])[1].hex(), "length": 4}
    assert found["as_of_block"]["number"] == block.number
    assert found["as_of_block"]["hash"] == "0x" + block.hash.hex()
    assert found["as_of_block"]["finality"] == "latest"


def test_the_phase_is_told_at_the_time_of_the_block(api: Api) -> None:
    api.scene.confirm(api.scene.register(api.scene.claim(days=1)))
    api.mirror()
    due = api.get("/v1/receivables/R-1")["due_date"]
    for phase in ("live", "due", "overdue"):
        found = api.get("/v1/receivables/R-1")
        assert found["phase"] == phase
        assert (found["as_of_block"]["at"][:10] >= due) is (phase != "live")
        overdue = api.get("/v1/receivables", params={"due_before": found["as_of_block"]["at"][:10]})["items"]
        assert bool(overdue) is (phase == "overdue")
        api.scene.pass_time(seconds=DAY_SECONDS)
        api.mirror()


def test_a_refused_receivable_tells_the_reason(api: Api) -> None:
    api.scene.refuse(api.scene.register(), reason=3)
    api.scene.refuse(api.scene.register(), reason=77)
    api.mirror()
    named, unnamed = api.get("/v1/receivables")["items"]
    assert (named["status"], named["phase"]) == ("refused", "refused")
    assert named["refusal"] == {"code": 3, "reason": "wrong_amount"}
    assert unnamed["refusal"] == {"code": 77, "reason": None}


def test_receivables_are_filtered(api: Api) -> None:
    api.scene.confirmed()
    api.scene.register()
    api.mirror()

    def ids(**query: str) -> list[str]:
        return [item["id"] for item in api.get("/v1/receivables", params=query)["items"]]

    assert ids() == ["R-1", "R-2"]
    assert ids(status="registered") == ["R-2"]
    assert ids(debtor=address(api, BUYER), status="confirmed") == ["R-1"]
    assert ids(debtor=address(api, SELLER)) == []
    assert ids(originator=address(api, SELLER).lower()) == ["R-1", "R-2"]
    assert ids(due_from="2000-01-01", due_before="2000-01-02") == []


def test_a_walk_over_pages_sees_what_arrives_meanwhile_and_nothing_twice(api: Api) -> None:
    for _ in range(5):
        api.scene.confirmed()
    api.mirror()

    def arrive(pages: int) -> None:
        if pages == 2:
            api.scene.confirmed()
            api.mirror()

    walked = api.walk("/v1/receivables?limit=2&status=confirmed", each_page=arrive)
    assert [item["id"] for item in walked] == [f"R-{number}" for number in range(1, 7)]


def test_certificates_are_walked_by_holder_and_by_receivable(api: Api) -> None:
    for _ in range(3):
        travelled(api)
    api.mirror()
    held = api.walk(f"/v1/certificates?limit=1&holder={address(api, BANK)}")
    assert [item["id"] for item in held] == [f"R-{number}/60000-100000" for number in (1, 2, 3)]
    everything = api.walk("/v1/certificates?limit=4")
    assert len(everything) == 6
    of_two = api.walk("/v1/receivables/R-2/certificates?limit=1")
    assert [item["id"] for item in of_two] == ["R-2/0-60000", "R-2/60000-100000"]
    assert of_two == [item for item in everything if item["receivable"] == "R-2"]
    assert sum(int(item["range"]["end"]) - int(item["range"]["start"]) for item in of_two) == 100_000


def test_a_certificate_is_named_by_its_whole_range(api: Api) -> None:
    travelled(api)
    api.mirror()
    found = api.get("/v1/certificates/R-1/60000-100000")
    assert found["amount"] == {"amount": "400.00", "currency": "EUR"}
    assert found["holder"]["address"] == address(api, BANK)
    assert found["token_id"] == str(1 << 64 | 60_000)
    assert found["since_position"] == 4
    assert api.get("/v1/certificates/R-1%2F60000-100000") == found
    gone = api.problem("/v1/certificates/R-1/0-100000", status=404, code="unknown_certificate")
    assert "R-1/0-60000" in gone["detail"]
    assert gone["as_of_block"] == found["as_of_block"]
    for path in ("/v1/certificates/R-1/5-9", "/v1/certificates/R-9/0-9", "/v1/certificates/R-1/0-100000/provenance"):
        api.problem(path, status=404, code="unknown_certificate")


def test_members_are_shown_with_roles_and_standing(api: Api) -> None:
    api.scene.suspend(SUPPLIER)
    api.scene.register()
    api.mirror()
    api.know()
    everyone = api.walk("/v1/members?limit=3")
    assert len(everyone) == 4
    bank = api.get(f"/v1/members/{address(api, BANK)}")
    assert (bank["name"], bank["roles"], bank["status"], bank["eligible"]) == ("Bank AG", ["financier"], "active", True)
    supplier = api.get(f"/v1/members/{address(api, SUPPLIER).lower()}")
    assert (supplier["name"], supplier["status"], supplier["eligible"]) == (None, "suspended", False)
    assert supplier["suspension"] == {"code": 1, "reason": "kyc"}
    api.problem(f"/v1/members/{address(api, STRANGER)}", status=404, code="unknown_member")


def test_the_registrys_own_journal_is_read_like_any_other(api: Api) -> None:
    api.mirror()
    found = api.walk("/v1/receivables/R-0/entries?limit=3")
    assert [item["operation"] for item in found] == [type(entry).__name__ for entry in api.scene.journal(0)]
    assert found[-1]["head"] == "0x" + api.scene.view.heads([0])[0].hex()
    assert found == api.walk("/v1/registry/entries?limit=4")
    api.problem("/v1/receivables/R-0", status=404, code="unknown_receivable")


def recomputed(item: dict[str, Any], head_before: bytes) -> bytes:
    """The head after an entry, from nothing but what the API says of it."""
    values = []
    for field in item["fields"]:
        text = field["value"]
        values.append(word(bytes.fromhex(text[2:]) if text.startswith("0x") else int(text)))
    from datetime import datetime

    at = int(datetime.fromisoformat(item["at"]).timestamp())
    parts = (item["operation_code"], at, int(item["range"]["start"]), int(item["range"]["end"]))
    entry_hash = keccak256(b"".join(word(part) for part in parts) + keccak256(b"".join(values)))
    assert item["entry_hash"] == "0x" + entry_hash.hex()
    return append(head_before, entry_hash)


def test_the_head_on_chain_is_recomputed_from_the_entries_alone(api: Api) -> None:
    travelled(api)
    api.scene.refuse(api.scene.register())
    api.mirror()
    for number in (0, 1, 2):
        head = genesis(chain_id=api.scene.node.chain_id, contract=api.scene.deployment.receivables, journal_id=number)
        for item in api.walk(f"/v1/receivables/R-{number}/entries?limit=2"):
            head = recomputed(item, head)
            assert item["head"] == "0x" + head.hex()
        assert head == api.scene.view.heads([number])[number]


def test_every_operation_can_be_shown(api: Api) -> None:
    every_operation(api.scene)
    api.mirror()
    api.know()
    numbers = range(api.scene.view.count() + 1)
    shown = {item["operation_code"] for number in numbers for item in api.walk(f"/v1/receivables/R-{number}/entries")}
    assert shown == set(ENTRY_BY_OPERATION)
    for part in api.walk("/v1/certificates"):
        steps = api.get(f"/v1/certificates/{part['id']}/provenance")["steps"]
        assert steps[-1]["holder"] == part["holder"]


def test_the_largest_amount_is_exact_everywhere(api: Api) -> None:
    face = 2**64 - 1
    number = api.scene.confirmed(face=face)
    api.scene.split(number, start=0, cut=face - 1, to=SUPPLIER)
    api.mirror()
    assert api.get("/v1/receivables/R-1")["face"]["amount"] == "184467440737095516.15"
    tail = api.get(f"/v1/certificates/R-1/{face - 1}-{face}")
    assert tail["amount"]["amount"] == "0.01"
    assert tail["range"] == {"start": str(face - 1), "end": str(face)}
    steps = api.get(f"/v1/certificates/R-1/{face - 1}-{face}/provenance")["steps"]
    assert steps[-1]["amount"]["amount"] == "184467440737095516.15"
    assert {"name": "cut", "type": "uint64", "value": str(face - 1)} in steps[-1]["fields"]
    walked = api.walk("/v1/receivables/R-1/certificates?limit=1")
    assert [part["range"]["end"] for part in walked] == [str(face - 1), str(face)]


def test_a_claim_in_no_known_currency_and_due_in_a_hundred_years_spoils_no_list(api: Api) -> None:
    strange = Claim(
        debtor=api.scene.address(BUYER),
        face=125_000,
        due=DAY_NUMBER_MAX * DAY_SECONDS,
        currency=7,
        fingerprint=DOCUMENT,
        document_root=DOCUMENT,
    )
    api.scene.set_parameter(Parameter.TENOR_LIMIT_DAYS, 2**16 - 1, days=2)
    api.scene.pass_time(seconds=2 * DAY_SECONDS)
    api.scene.confirm(api.scene.register(strange))
    api.scene.confirmed()
    api.mirror()
    api.know()
    first, second = api.get("/v1/receivables")["items"]
    assert first["face"] == {"amount": "125000", "currency": "#007"}
    assert first["due_date"] == "2149-06-06"
    assert [item["id"] for item in api.get("/v1/receivables?currency=%23007")["items"]] == ["R-1"]
    assert api.get("/v1/members/buyer/calendar?after=2100-01-01/EUR")["items"][0]["amount"]["currency"] == "#007"
    assert second["face"]["currency"] == currency_to_show(EUR).code
    assert api.get("/v1/certificates/R-1/0-125000/provenance")["steps"][0]["operation"] == "Registered"


def test_many_readers_at_once_neither_deadlock_nor_fail(api: Api) -> None:
    travelled(api)
    api.mirror()
    path = "/v1/certificates/R-1/60000-100000/provenance"
    expected = api.get(path)
    with ThreadPoolExecutor(60) as readers:
        assert all(found == expected for found in readers.map(lambda _: api.get(path), range(240)))


@pytest.mark.parametrize(
    "path",
    [
        "/v1/receivables",
        "/v1/receivables/R-1/certificates",
        "/v1/receivables/R-1/entries",
        "/v1/certificates",
        "/v1/members",
        "/v1/certificates/R-1/60000-100000/provenance",
    ],
)
def test_the_number_of_statements_does_not_grow_with_the_answer(api: Api, path: str) -> None:
    travelled(api)
    api.mirror()
    before = api.count(path)
    for cut in (50_000, 40_000, 30_000):
        api.scene.split(1, start=0, cut=cut, to=BANK)
    api.scene.endorse(1, start=60_000, to=SUPPLIER, person=BANK)
    api.scene.admit(STRANGER)
    for _ in range(3):
        travelled(api)
    api.mirror()
    api.know()
    assert api.count(path) == before
    # Snapshot settings, cursor, and what the noun needs.
    assert before <= 9


def test_one_answer_belongs_to_one_block(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """A block that is mirrored while a request reads changes nothing in its answer."""
    from registry.store.queries import receivables

    travelled(api)
    api.mirror()
    expected = api.get("/v1/receivables/R-1")
    original = receivables.receivable
    moved = []

    def late(*arguments: Any, **more: Any) -> Any:
        if not moved:
            moved.append(api.scene.split(1, start=0, cut=10, to=BANK))
            api.mirror()
        return original(*arguments, **more)

    monkeypatch.setattr(receivables, "receivable", late)
    assert api.get("/v1/receivables/R-1") == expected
    monkeypatch.undo()
    assert api.get("/v1/receivables/R-1")["journal"]["length"] == 5
