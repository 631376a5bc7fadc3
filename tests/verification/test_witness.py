"""A witness over a real chain: what it signs, what it refuses to, and that it never signs two blocks of one height."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from registry.chain.devchain import DevChain, dev_account
from registry.chain.rpc import Node, Proof, RawLog, Tips
from registry.domain.keccak import keccak256
from registry.verification.attestation import Attestation, Attested, read_attestations
from registry.verification.header import Header, header_bytes
from registry.verification.verify import Pins, Status
from registry.verification.witness import (
    SIGNED_AT_ONCE_MAX,
    NotWitnessed,
    Signed,
    Witness,
    WitnessConflict,
    WitnessFileBusy,
    WitnessFileForeign,
    WitnessFileUnwritable,
)
from tests.scene import BANK, Scene

FIRST, SECOND, LIAR = 30, 31, 32
"""Dev accounts."""

FINAL_AFTER = 64
"""Blocks after which Anvil calls one finalized."""


@contextmanager
def watching(
    scene: Scene,
    file: Path,
    *,
    person: int = FIRST,
    stride: int = 1,
    node: Node | None = None,
    confirmations: int = 0,
    **pins: Any,
) -> Iterator[Witness]:
    deployment = scene.deployment
    meant = replace(
        Pins(scene.node.chain_id, deployment.receivables, keccak256(scene.node.code(deployment.receivables))), **pins
    )
    with closing(Signed(file, Attestation(meant.chain_id, 0, b"", meant.contract))) as signed:
        yield Witness(
            node or scene.node,
            dev_account(person),
            signed,
            pins=meant,
            first_block=deployment.block_number,
            confirmations=confirmations,
            stride=stride,
        )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "witness.jsonl"


@pytest.fixture(scope="module")
def node(work_folder: Path) -> Iterator[Node]:
    """A chain of this file's own: on one that other tests took back and forth, anvil forgot states of old blocks."""
    with DevChain.start(work_folder / "witnessed", keeps=False) as running:
        yield Node(running.url)


@pytest.fixture
def lively(scene: Scene) -> Scene:
    """With a journal, and all of it final."""
    receivable_id = scene.confirmed()
    scene.split(receivable_id, start=0, cut=40_000, to=BANK)
    scene.mine(FINAL_AFTER)
    return scene


def numbers(signed: Sequence[Attestation]) -> list[int]:
    return [one.number for one in signed]


def test_what_is_final_is_signed_and_nothing_later(lively: Scene, file: Path) -> None:
    with watching(lively, file) as witness:
        (first,) = witness.round()
        assert first.number == lively.node.head() - FINAL_AFTER
        assert list(witness.round()) == []
        lively.endorse(1, start=0, to=BANK)
        lively.mine(2)
        assert numbers(list(witness.round())) == [first.number + 1, first.number + 2, first.number + 3]
    for line in file.read_bytes().splitlines(keepends=True):
        signed = Attestation.read(line)
        block = lively.node.block(signed.number)
        assert block is not None
        assert signed.hash == block.hash
        assert signed.signer() == lively.address(FIRST)
        assert signed.registry == lively.deployment.receivables


def test_witnesses_that_know_nothing_of_each_other_sign_the_same_blocks(lively: Scene, tmp_path: Path) -> None:
    found = {}
    for person in (FIRST, SECOND):
        with watching(lively, tmp_path / str(person), person=person, stride=4) as witness:
            list(witness.round())
            lively.mine(9)
            list(witness.round())
        found[person] = {
            Attestation.read(line).number for line in (tmp_path / str(person)).read_bytes().splitlines(keepends=True)
        }
    together = found[FIRST] & found[SECOND]
    assert together
    assert all(number % 4 == 0 for number in found[FIRST] | found[SECOND])
    data = b"".join((tmp_path / str(person)).read_bytes() for person in (FIRST, SECOND))
    number = max(together)
    judge = Attested(
        read_attestations(data, block=number), frozenset(map(lively.address, (FIRST, SECOND, LIAR))), threshold=2
    )
    header = Header.decode(header_bytes(lively.node.header_fields(number)))
    contract = lively.deployment.receivables
    assert judge.judge(header, chain_id=lively.node.chain_id, contract=contract)[0] is Status.PROVEN
    assert replace(judge, threshold=3).judge(header, chain_id=31337, contract=contract)[0] is Status.NOT_PROVEN


def test_after_a_long_absence_only_the_newest_are_signed(lively: Scene, file: Path) -> None:
    with watching(lively, file) as witness:
        (first,) = witness.round()
    lively.mine(SIGNED_AT_ONCE_MAX + 10)
    with watching(lively, file) as witness:
        signed = numbers(list(witness.round()))
    assert signed == list(range(first.number + 11, first.number + 11 + SIGNED_AT_ONCE_MAX))


def test_a_witness_goes_on_where_it_was_and_drops_a_line_that_was_cut_off(lively: Scene, file: Path) -> None:
    with watching(lively, file) as witness:
        (first,) = witness.round()
        lively.mine(3)
        (*_, last) = witness.round()
    whole = file.read_bytes()
    os.truncate(file, len(whole) - 10)
    with watching(lively, file) as witness:
        assert numbers(witness.recent)[0] == first.number
        assert list(witness.round()) == [last]
        assert witness.recent[-1] == last
    assert file.read_bytes() == whole
    assert numbers([first, last]) == [first.number, first.number + 3]


def test_a_reorg_below_what_was_signed_stops_the_witness(
    lively: Scene, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with watching(lively, file) as witness:
        (first,) = witness.round()
        before = file.read_bytes()
        lively.reorg(depth=FINAL_AFTER + 1)
        lively.mine(5)
        stop = threading.Event()
        with pytest.raises(WitnessConflict) as stopped:
            witness.run(stop, every_seconds=0.01, tell=lambda _: None)
    assert stopped.value.code == "witness_conflict"
    assert f"block {first.number} is 0x" in stopped.value.detail
    assert any(record.levelname == "CRITICAL" for record in caplog.records)
    assert file.read_bytes() == before
    with watching(lively, file) as again, pytest.raises(WitnessConflict):
        list(again.round())


def test_a_reorg_above_what_was_signed_is_none_of_its_business(lively: Scene, file: Path) -> None:
    with watching(lively, file) as witness:
        (first,) = witness.round()
        lively.reorg(depth=FINAL_AFTER - 1)
        lively.mine(2)
        assert numbers(list(witness.round()))[0] == first.number + 1


def test_a_height_is_never_signed_again(lively: Scene, file: Path) -> None:
    with watching(lively, file) as witness:
        (first,) = witness.round()
    kept = Signed(file, first)
    with closing(kept), pytest.raises(WitnessConflict):
        kept.append(replace(first, hash=bytes(32)))
    assert file.read_bytes() == first.line()


def test_a_file_is_of_one_writer_one_key_one_registry_one_chain(lively: Scene, file: Path) -> None:
    with watching(lively, file) as witness:
        list(witness.round())
        with pytest.raises(WitnessFileBusy), watching(lively, file):
            pass
    for changed in ({"contract": b"\x01" * 20}, {"chain_id": 1}):
        with pytest.raises(WitnessFileForeign), watching(lively, file, **changed):
            pass
    with pytest.raises(WitnessFileForeign), watching(lively, file, person=SECOND):
        pass


def test_a_file_that_was_not_written_by_a_witness_is_left_alone(lively: Scene, file: Path) -> None:
    with watching(lively, file) as witness:
        list(witness.round())
    line = file.read_bytes()
    for content in (line + line, b"notes\n", line.replace(b"{", b"{ ")):
        file.write_bytes(content)
        with pytest.raises(WitnessFileForeign), watching(lively, file):
            pass
        assert file.read_bytes() == content
    with pytest.raises(WitnessFileUnwritable), watching(lively, file.parent):
        pass


@pytest.mark.parametrize(
    "wrong",
    [{"contract": b"\x01" * 20}, {"code_hash": bytes(32)}, {"chain_id": 1}],
    ids=lambda wrong: next(iter(wrong)),
)
def test_another_registry_code_or_chain_is_not_signed(lively: Scene, file: Path, wrong: dict[str, Any]) -> None:
    with watching(lively, file, **wrong) as witness, pytest.raises(NotWitnessed):
        list(witness.round())
    assert file.read_bytes() == b""


# ------------------------------------------------------------ a node that lies


class Lying(Node):
    """The worker's node, with an answer altered on the way; the rest is its own."""

    def __init__(self, url: str, lie: str) -> None:
        super().__init__(url)
        self.lie = lie

    def headers_fields(self, numbers: Any) -> Any:
        found = super().headers_fields(numbers)
        match self.lie:
            case "state root":
                return [{**fields, "stateRoot": "0x" + "ab" * 32} for fields in found]
            case "another block":
                return super().headers_fields([int(found[0]["number"], 16) - 1])
            case "no header":
                return [{"hash": fields["hash"]} for fields in found]
        return found

    def proofs(self, contract: Any, places: Any, *, block: Any) -> list[Proof]:
        if self.lie == "state of another block":
            return super().proofs(contract, places, block=block - 1)
        found = super().proofs(contract, places, block=block)
        return [replace(one, storage=one.storage[:-1]) for one in found] if self.lie == "node missing" else found

    def logs(self, **asked: Any) -> list[RawLog]:
        found = super().logs(**asked)
        return found[:-1] if self.lie == "log left out" else found

    def logs_of_block(self, **asked: Any) -> list[RawLog]:
        return [] if self.lie == "log left out" else super().logs_of_block(**asked)


@pytest.mark.parametrize(
    "lie",
    ["state root", "another block", "no header", "state of another block", "node missing", "log left out"],
)
def test_what_does_not_hold_is_not_signed(lively: Scene, file: Path, lie: str) -> None:
    with watching(lively, file) as witness:
        list(witness.round())
    receivable_id = lively.register()
    lied_about = lively.node.head()
    lively.confirm(receivable_id)
    lively.mine(FINAL_AFTER)
    with watching(lively, file, node=Lying(lively.node.url, lie), stride=4) as witness, pytest.raises(NotWitnessed):
        list(witness.round())
    last = Attestation.read(file.read_bytes().splitlines(keepends=True)[-1])
    assert last.number < lied_about
    with watching(lively, file) as witness:
        assert numbers(list(witness.round()))[-1] > lied_about


def test_the_true_node_behind_it_is_signed(lively: Scene, file: Path) -> None:
    with watching(lively, file, node=Lying(lively.node.url, "none")) as witness:
        assert len(list(witness.round())) == 1


class Untagged(Node):
    """The worker's node, as one of a chain that calls no block finalized."""

    def tips(self) -> Tips:
        return replace(super().tips(), safe=None, finalized=None)


@pytest.mark.parametrize("confirmations", [0, 7])
def test_where_no_block_is_called_finalized_confirmations_say_it(lively: Scene, file: Path, confirmations: int) -> None:
    node = Untagged(lively.node.url)
    with watching(lively, file, node=node, confirmations=confirmations) as witness:
        assert numbers(list(witness.round())) == [lively.node.head() - confirmations]


def test_before_there_is_a_final_block_of_the_registry_nothing_is_signed(lively: Scene, file: Path) -> None:
    node = Untagged(lively.node.url)
    with watching(lively, file, node=node, confirmations=lively.node.head()) as witness:
        assert list(witness.round()) == []
    with watching(lively, file, node=node, confirmations=lively.node.head() + 1) as witness:
        assert list(witness.round()) == []


def test_a_witness_at_work_tries_again_what_failed_and_tells_what_it_signed(
    lively: Scene, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    node, stop = Lying(lively.node.url, "state root"), threading.Event()
    told: list[Attestation] = []

    def tell(attestations: list[Attestation]) -> None:
        told.extend(attestations)
        if told:
            stop.set()
        node.lie = "none"  # from the second round on, whose node is a copy of this one

    with watching(lively, file, node=node) as witness:
        witness.run(stop, every_seconds=0.01, tell=tell)
    assert [record.levelname for record in caplog.records if "not_witnessed" in record.getMessage()] == ["ERROR"]
    assert file.read_bytes() == b"".join(one.line() for one in told)
