"""A journal as JSON lines folds, elsewhere, to the head that the contract has."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from registry.chain.devchain import dev_account
from registry.commands import claims, journals, oversight
from registry.domain.fold import JournalBroken, empty_receivable, empty_registry, fold_all, fold_registry
from registry.domain.identifiers import parse_address
from registry.domain.journal import ENTRY_BY_OPERATION, Entry
from registry.domain.keccak import keccak256
from registry.domain.receivable import Status
from registry.domain.rules import UnknownReceivable
from tests.commands.desk import Desk
from tests.scene import BANK, OPERATOR, SELLER


def exported(desk: Desk, journal_id: int) -> list[dict[str, Any]]:
    """The lines as they come out of a file."""
    with desk.services.database.snapshot() as connection:
        text = "".join(json.dumps(line) + "\n" for line in journals.export(connection, journal_id))
    return [json.loads(line) for line in text.splitlines()]


def value(field: dict[str, Any]) -> int | bytes:
    if field["type"].startswith("uint"):
        return int(field["value"])
    return parse_address(field["value"]) if field["type"] == "address" else bytes.fromhex(field["value"][2:])


def seconds(line: dict[str, Any]) -> int:
    return int(datetime.fromisoformat(line["at"]).timestamp())


def entry(line: dict[str, Any], journal_id: int) -> Entry:
    """The entry as the fold takes it."""
    kind = ENTRY_BY_OPERATION[line["operation_code"]]
    assert kind.__name__ == line["operation"]
    start, end = int(line["range"]["start"]), int(line["range"]["end"])
    known = {"receivable_id": journal_id, "start": start, "end": end, "face": end, "at": seconds(line)}
    known |= {field["name"]: value(field) for field in line["fields"]}
    return kind(**{argument.name: known[argument.name] for argument in kind.arguments()})


def word(part: int | bytes) -> bytes:
    return part.to_bytes(32) if isinstance(part, int) else part.rjust(32, b"\0")


def hashed(line: dict[str, Any]) -> bytes:
    """The entry's hash from the line alone, as any language would compute it."""
    details = keccak256(b"".join(word(value(field)) for field in line["fields"]))
    bounds = (int(line["range"]["start"]), int(line["range"]["end"]))
    return keccak256(b"".join(word(part) for part in (line["operation_code"], seconds(line), *bounds, details)))


def test_a_receivables_lines_fold_to_the_head_on_chain(desk: Desk) -> None:
    receivable_id = desk.registered(desk.invoice(payable="1000.00"))
    desk.counter_offer(receivable_id, amount="900.00")
    claims.accept_offer(desk.services, signer=dev_account(SELLER), receivable_id=receivable_id)
    desk.scene.split(receivable_id, start=0, cut=40_000, to=BANK)
    desk.scene.freeze_receivable(receivable_id)
    desk.services.follower().catch_up()
    header, *lines = exported(desk, receivable_id)
    state = fold_all(
        empty_receivable(
            chain_id=header["chain_id"], contract=parse_address(header["contract"]), receivable_id=receivable_id
        ),
        (entry(line, receivable_id) for line in lines),
    )
    assert state.head == desk.services.view.heads([receivable_id])[receivable_id]
    assert (state.status, state.face, len(state.certificates)) == (Status.CONFIRMED, 90_000, 2)
    assert (header["length"], header["head"]) == (len(lines), "0x" + state.head.hex())
    assert [line["position"] for line in lines] == list(range(1, len(lines) + 1))


def test_the_hashes_follow_from_the_lines_alone(desk: Desk) -> None:
    desk.confirmed()
    for journal_id in (0, 1):
        header, *lines = exported(desk, journal_id)
        head = bytes.fromhex(header["genesis"][2:])
        for line in lines:
            assert "0x" + hashed(line).hex() == line["entry_hash"]
            head = keccak256(head + hashed(line))
            assert "0x" + head.hex() == line["head"]
        assert head == desk.services.view.heads([journal_id])[journal_id]


def test_the_registrys_own_lines_fold_too(desk: Desk) -> None:
    oversight.pause(desk.services, signer=dev_account(OPERATOR))
    header, *lines = exported(desk, 0)
    state = fold_registry(
        empty_registry(chain_id=header["chain_id"], contract=parse_address(header["contract"])),
        (entry(line, 0) for line in lines),
    )
    assert state.head == desk.services.view.heads([0])[0]
    assert state.paused_since
    assert len(state.members) == 4


def test_there_is_no_export_of_what_is_not_there(desk: Desk) -> None:
    with pytest.raises(UnknownReceivable):
        exported(desk, 1)


def test_a_log_that_was_changed_by_hand_is_not_exported(desk: Desk) -> None:
    desk.confirmed()
    with desk.services.database.bulk() as connection:
        connection.execute("UPDATE entry SET head = block_hash WHERE journal_id = 1 AND position = 2")
    with pytest.raises(JournalBroken):
        exported(desk, 1)
