"""The book that benches are run on is one that the mirror takes, and has of everything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from registry.chain.contract import Calls, ReceivablesView
from registry.chain.deposits import DepositCalls
from registry.chain.rpc import Node, RawLog
from registry.domain.decode import ENTRY_TOPICS
from registry.domain.journal import ENTRY_TYPES
from registry.domain.rules import NotAuthorised
from registry.mirror.follower import Follower
from registry.mirror.reconcile import reconcile
from registry.store.database import Database
from scripts.bench import book
from scripts.bench.book import Act, Book, BookBroken, Filled, Writer


@pytest.fixture(scope="module")
def filled(work_folder: Path) -> Iterator[Filled]:
    with book.chain(work_folder / "book") as chain:
        yield book.fill(chain, entries=1_500, seed=7)


def test_a_book_its_next_blocks_and_its_reorgs_are_mirrored_without_a_difference(
    filled: Filled, database: Database
) -> None:
    node, deployment = filled.node, filled.deployment
    contract = deployment.receivables
    follower = Follower(database, node, contract=contract, first_block=deployment.block_number, owns_chain=True)
    follower.catch_up()
    filled.mark()
    heads = [filled.head_block() for _ in range(3)]
    follower.catch_up()
    replaced = node.block(heads[-1].number)
    assert filled.reorg() == len(heads)
    assert node.block(heads[-1].number) != replaced
    last = filled.head_block()
    assert last.number == filled.blocks == heads[-1].number + 1
    assert last.entries > 50
    follower.catch_up()
    report = reconcile(database, node, contract=contract, deep=True)
    assert report.differences == []
    assert report.block_number == last.number
    with database.bulk() as connection:
        counts = dict(connection.execute("SELECT operation, count(*) FROM entry GROUP BY operation").fetchall())
    by_name = {kind.__name__: counts.get(kind.OPERATION, 0) for kind in ENTRY_TYPES}
    setup = {"ParameterSet", "DescriptorSet", "DeskSet", "DepositTokenSet"}
    assert {name: count for name, count in by_name.items() if count and name not in setup} == dict(filled.written)


def test_a_saved_book_is_loaded_with_its_blocks_and_logs(filled: Filled, work_folder: Path) -> None:
    def logs(node: Node) -> list[RawLog]:
        contract = filled.deployment.receivables
        return node.logs(contract=contract, topics=ENTRY_TOPICS, first=0, last=filled.blocks)

    book.save(filled, work_folder / "saved")
    with book.load(work_folder / "saved") as (loaded, deployment):
        node = Node(loaded.url)
        assert deployment == filled.deployment
        assert node.head() == filled.blocks
        assert node.block(filled.blocks) == filled.node.block(filled.blocks)
        assert logs(node) == logs(filled.node)
        assert ReceivablesView(node, deployment.receivables).count() == filled.receivables


def test_a_transaction_that_fails_or_is_not_mined_ends_a_book(filled: Filled) -> None:
    registry, token = filled.deployment.receivables, min(filled.deployment.deposit_tokens.values())
    latest = filled.node.block("latest")
    assert latest is not None
    at = latest.at
    writer = Writer(filled.node, registry)
    writer.mark()
    minted = DepositCalls.mint(to=book.BANK, amount=1, bank_reference=b"\1" * 32)
    with pytest.raises(BookBroken) as failed:
        writer.write([Act(book.OFFICER, token, minted)], at=at + 1)
    assert isinstance(failed.value.__cause__, NotAuthorised)
    cancelled = Act(book.OFFICER, registry, Calls.cancel_nonces(word=0, mask=1))
    writer.write([cancelled], at=at + 2)
    writer.pool([cancelled], at=at + 3)
    filled.node.request("anvil_dropAllTransactions")
    writer.mine()
    with pytest.raises(BookBroken, match="has 0 transactions and 0 entries, not 1 and 0"):
        writer.check()
    writer.back()


def test_a_seed_makes_one_book(filled: Filled) -> None:
    def told(seed: int) -> list[list[Act]]:
        made = Book(filled.deployment, entries=5_000, seed=seed)
        return [made.block() for _ in range(60)]

    assert told(1) == told(1) != told(2)
