"""Provenance from the API against one folded straight from the chain's logs, field by field."""

from __future__ import annotations

import random
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from registry.chain.rpc import RawLog
from registry.domain.decode import ENTRY_TOPICS, decode
from registry.domain.fold import empty_receivable, fold_all
from registry.domain.identifiers import format_address, parse_certificate_id
from registry.domain.journal import Entry, Registered, append
from registry.domain.provenance import provenance
from tests.api.conftest import Api
from tests.api.test_reads import address, recomputed, travelled
from tests.scene import BANK, BUYER, DOCUMENT, SELLER, SUPPLIER

NAMES = {SELLER: ("seller", "Seller GmbH"), BUYER: ("buyer", "买方有限公司"), BANK: ("bank", "Bank AG")}


def journal_on_chain(api: Api, receivable_id: int) -> list[tuple[RawLog, Entry]]:
    """The journal as the node tells it, without mirror or database."""
    logs = api.scene.node.logs(
        contract=api.scene.deployment.receivables,
        topics=ENTRY_TOPICS,
        first=api.scene.deployment.block_number,
        last=api.scene.node.head(),
    )
    decoded = [(log, decode(log.topics, log.data)) for log in logs]
    return [(log, entry) for log, entry in decoded if entry.journal_id == receivable_id]


def party(api: Api, account: bytes | None) -> dict[str, Any] | None:
    if account is None:
        return None
    known = {api.scene.address(person): names for person, names in NAMES.items()}
    handle, name = known.get(account, (None, None))
    return {"address": format_address(account), "handle": handle, "name": name}


def euro(minor: int) -> dict[str, str]:
    return {"amount": f"{minor // 100}.{minor % 100:02}", "currency": "EUR"}


def instant(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, tz=UTC).isoformat().replace("+00:00", "Z")


def text(value: int | bytes) -> str:
    if isinstance(value, int):
        return str(value)
    return format_address(value) if len(value) == 20 else "0x" + value.hex()


def expected_steps(api: Api, certificate: str) -> list[dict[str, Any]]:
    named = parse_certificate_id(certificate)
    journal = journal_on_chain(api, named.receivable_id)
    empty = empty_receivable(
        chain_id=api.scene.node.chain_id,
        contract=api.scene.deployment.receivables,
        receivable_id=named.receivable_id,
    )
    heads = [empty.head]
    for _, entry in journal:
        heads.append(append(heads[-1], entry.hash()))
    found = []
    for step in provenance(empty, [entry for _, entry in journal], start=named.start, end=named.end):
        log, entry = journal[step.position - 1]
        start, end = entry.range
        found.append(
            {
                "position": step.position,
                "operation": type(entry).__name__,
                "operation_code": entry.OPERATION,
                "at": instant(entry.time),
                "range": {"start": str(start), "end": str(end)},
                "amount": euro(end - start),
                "fields": [
                    {"name": argument.name, "type": argument.abi_type, "value": text(getattr(entry, argument.name))}
                    for argument in entry.arguments()
                    if argument.part == "detail"
                ],
                "parties": {
                    field.name: party(api, getattr(entry, field.name))
                    for field in fields(entry)
                    if field.metadata["abi_type"] == "address"
                },
                "finality": "latest",
                "giver": party(api, step.giver),
                "holder": party(api, step.holder),
                "part": {
                    "range": {"start": str(step.start), "end": str(step.end)},
                    "amount": euro(step.end - step.start),
                }
                if step.holder
                else None,
                "document": {"hash": "0x" + DOCUMENT.hex(), "file_name": "order.pdf"} if step.document else None,
                "invoice": {
                    "fingerprint": "0x" + entry.fingerprint.hex(),
                    "document_root": "0x" + entry.document_root.hex(),
                    "number": "2026-0815",
                    "type_code": "380",
                    "issue_date": "2026-01-02",
                    "due_date": None,
                    "file_name": "invoice.xml",
                }
                if isinstance(entry, Registered)
                else None,
                "transaction": {
                    "hash": "0x" + log.tx_hash.hex(),
                    "block_number": log.block_number,
                    "block_hash": "0x" + log.block_hash.hex(),
                    "log_index": log.log_index,
                },
                "entry_hash": "0x" + entry.hash().hex(),
                "head_before": "0x" + heads[step.position - 1].hex(),
                "head": "0x" + step.head.hex(),
            }
        )
    return found


def test_provenance_equals_the_one_folded_from_the_chains_logs(api: Api) -> None:
    travelled(api)
    dice = random.Random(7)
    people = [SELLER, SUPPLIER, BANK]
    holders = {0: SELLER, 60_000: BANK}
    ends = {0: 60_000, 60_000: 100_000}
    for _ in range(25):
        start = dice.choice(list(holders))
        to = dice.choice([person for person in people if person != holders[start]])
        if dice.random() < 0.6:
            cut = dice.randrange(start + 1, ends[start])
            api.scene.split(1, start=start, cut=cut, to=to, person=holders[start])
            holders[cut], ends[cut], ends[start] = to, ends[start], cut
        else:
            api.scene.endorse(1, start=start, to=to, person=holders[start])
            holders[start] = to
    api.mirror()
    api.know()
    listed = api.walk("/v1/receivables/R-1/certificates?limit=3")
    whole = empty_receivable(
        chain_id=api.scene.node.chain_id, contract=api.scene.deployment.receivables, receivable_id=1
    )
    folded = fold_all(whole, [entry for _, entry in journal_on_chain(api, 1)])
    assert [item["id"] for item in listed] == [
        str(folded.certificates[start].id(1)) for start in sorted(folded.certificates)
    ]
    assert len(listed) == len(holders)
    for item in listed:
        found = api.get(f"/v1/certificates/{item['id']}/provenance")
        assert found["steps"] == expected_steps(api, item["id"])
        assert found["certificate"] == item["id"]
        assert found["holder"] == item["holder"]
        assert found["amount"] == item["amount"]
        assert found["contract"] == format_address(api.scene.deployment.receivables)
        assert found["chain_id"] == api.scene.node.chain_id
        assert found["journal_head"] == "0x" + api.scene.view.heads([1])[1].hex()
        assert found["journal_length"] == folded.length


def test_each_step_is_recomputed_from_what_it_says(api: Api) -> None:
    travelled(api)
    api.mirror()
    found = api.get("/v1/certificates/R-1/60000-100000/provenance")
    for step in found["steps"]:
        head = recomputed(step, bytes.fromhex(step["head_before"][2:]))
        assert step["head"] == "0x" + head.hex()
    assert found["steps"][-1]["head"] == found["journal_head"]


def test_what_is_not_known_off_chain_is_null(api: Api) -> None:
    travelled(api)
    api.mirror()
    steps = api.get("/v1/certificates/R-1/60000-100000/provenance")["steps"]
    assert steps[0]["invoice"]["number"] is None
    assert steps[0]["invoice"]["fingerprint"] is not None
    assert steps[0]["holder"] is None
    assert steps[2]["document"] == {"hash": "0x" + DOCUMENT.hex(), "file_name": None}
    assert steps[3]["giver"] == {"address": address(api, SUPPLIER), "handle": None, "name": None}


def test_a_transfer_without_a_document_shows_none(api: Api) -> None:
    number = api.scene.confirmed()
    api.scene.endorse(number, start=0, to=BANK, document=bytes(32))
    api.mirror()
    steps = api.get("/v1/certificates/R-1/0-100000/provenance")["steps"]
    assert steps[-1]["holder"]["address"] == address(api, BANK)
    assert steps[-1]["document"] is None


def test_a_stored_log_changed_by_hand_is_not_told_as_history(api: Api) -> None:
    travelled(api)
    api.mirror()
    with api.services.database.bulk() as connection:
        connection.execute("UPDATE entry SET head = decode(repeat('00', 32), 'hex') WHERE position = 3")
    api.problem("/v1/certificates/R-1/60000-100000/provenance", status=500, code="journal_broken")


def test_a_journal_too_long_to_fold_is_refused_by_name(api: Api, monkeypatch: Any) -> None:
    travelled(api)
    api.mirror()
    monkeypatch.setattr("registry.store.queries.entries.JOURNAL_ENTRIES_MAX", 3)
    api.problem("/v1/certificates/R-1/60000-100000/provenance", status=422, code="journal_too_long")
    assert len(api.walk("/v1/receivables/R-1/entries")) == 4
