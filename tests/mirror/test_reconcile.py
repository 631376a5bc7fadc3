"""Deep reconciliation against what a hand can change in the log, the cursor and the tables beside the chain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace

import pytest

from registry.chain.contract import At, ReceivablesView
from registry.chain.rpc import Block, BlockTag, Node, RpcFailed
from registry.domain import fold as folding
from registry.mirror import reconcile as reconciling
from registry.mirror.reconcile import Difference, NotComparable, reconcile
from registry.store.database import Database
from registry.store.embedded import EmbeddedPostgres
from registry.store.queries import health
from tests.commands.desk import Desk
from tests.mirror.following import follower_of
from tests.scene import BANK, SUPPLIER, Scene


@pytest.fixture(scope="module")
def desk(node: Node, postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A registry with two invoices, a certificate that was cut, and everything mirrored."""
    postgres.create_database("reconciled", template="template_counterfoil")
    database = Database(postgres.url("reconciled"))
    made = Desk.open(Scene.open(node, with_members=False), database, tmp_path_factory.mktemp("desk"))
    made.split(made.confirmed(), "10.00", to=BANK)
    made.registered(made.invoice(number="RE 7"))
    made.scene.mine(3)
    made.services.follower().catch_up()
    yield made
    database.dispose()
    postgres.drop_database("reconciled")


def differences(desk: Desk, *, node: Node | None = None) -> list[Difference]:
    services = desk.services
    report = reconcile(services.database, node or services.node, contract=services.deployment.receivables, deep=True)
    assert report.count == len(report.differences)
    return report.differences


@contextmanager
def changed(desk: Desk, *changes: str) -> Iterator[None]:
    """A database changed by hand, put back afterwards."""
    tables = ("reconciliation", "cursor", "entry", "block", "invoice", "party", "party_profile", "member", "journal")
    with desk.services.database.bulk() as connection:
        for table in tables:
            connection.execute(f"CREATE TABLE kept_{table} AS TABLE {table}")
        for change in changes:
            assert connection.execute(change).rowcount > 0
    try:
        yield
    finally:
        with desk.services.database.bulk() as connection:
            for table in tables:
                connection.execute(f"DELETE FROM {table}")
            for table in reversed(tables):
                connection.execute(f"INSERT INTO {table} SELECT * FROM kept_{table}")
                connection.execute(f"DROP TABLE kept_{table}")


def test_nothing_differs_before_a_hand_touches_it(desk: Desk) -> None:
    assert differences(desk) == []


@pytest.mark.parametrize(
    ("change", "table", "field"),
    [
        ("UPDATE cursor SET block_at = block_at + 1", "cursor", "block_at"),
        ("UPDATE cursor SET safe_block = block_number + 1", "cursor", "safe_block"),
        ("UPDATE cursor SET finalized_block = block_number", "cursor", "finalized_block"),
        ("UPDATE cursor SET finalized_block = -1", "cursor", "finalized_block"),
        ("UPDATE invoice SET number = 'RE 8' WHERE number = 'RE 7'", "invoice", "number"),
        ("UPDATE invoice SET number_key = 'RE8' WHERE number = 'RE 7'", "invoice", "number_key"),
        ("UPDATE invoice SET type_code = '389'", "invoice", "type_code"),
        ("UPDATE invoice SET format = 'cii'", "invoice", "format"),
        ("UPDATE invoice SET issue_date = issue_date + 1", "invoice", "issue_date"),
        ("UPDATE invoice SET issue_date = 'infinity'", "invoice", "issue_date"),
        ("UPDATE invoice SET due_date = due_date + 1", "invoice", "due_date"),
        ("UPDATE invoice SET due_date = NULL", "invoice", "due_date"),
        ("UPDATE invoice SET currency = 840", "invoice", "currency"),
        ("UPDATE invoice SET currency = 0", "invoice", "currency"),
        ("UPDATE invoice SET payable_minor = payable_minor + 1", "invoice", "payable_minor"),
        ("UPDATE invoice SET file_sha256 = '\\x00'", "invoice", "file_sha256"),
        ("UPDATE invoice SET originator = debtor", "invoice", "originator"),
        ("UPDATE invoice SET debtor = originator", "invoice", "debtor"),
        ("UPDATE invoice SET fingerprint = '\\x00'", "invoice", "fingerprint"),
        ("UPDATE invoice SET fields = jsonb_set(fields, '{3,1}', '\"RE 9\"')", "invoice", "fields"),
        ("UPDATE party_profile SET name = name || ' AG'", "party_profile", "name, identity or salt"),
        ("UPDATE party_profile SET identity = NULL", "party_profile", "name, identity or salt"),
        ("UPDATE party_profile SET salt = '\\x00'", "party_profile", "name, identity or salt"),
        ("UPDATE party_profile SET address = '\\x00'", "party_profile", "address"),
        ("UPDATE party SET name = name || ' AG'", "party", "name"),
        ("UPDATE party SET identity = NULL", "party", "identity"),
        ("DELETE FROM party", "party", "name"),
        ("UPDATE entry SET journal_id = -1 WHERE journal_id = 2", "entry", "journal_id"),
        ("UPDATE entry SET position = 99 WHERE journal_id = 2", "entry", "position"),
        ("DELETE FROM block WHERE number = (SELECT min(block_number) FROM entry)", "block", "row"),
        ("DELETE FROM block WHERE number = (SELECT max(number) FROM block)", "block", "row"),
        ("UPDATE cursor SET block_number = block_number - 1", "cursor", "block_hash"),
    ],
)
def test_a_change_by_hand_is_a_difference(desk: Desk, change: str, table: str, field: str) -> None:
    with changed(desk, change):
        found = {(difference.table, difference.field) for difference in differences(desk)}
    assert (table, field) in found


def test_a_header_beyond_the_cursor_is_a_difference(desk: Desk) -> None:
    previous = (
        "UPDATE cursor SET (block_number, block_hash, block_at) ="
        " (SELECT number, hash, at FROM block WHERE number = (SELECT max(number) - 1 FROM block))"
    )
    with changed(desk, previous):
        found = [(one.table, one.field, one.expected, one.found) for one in differences(desk)]
    assert found == [("block", "row", "absent", "present")]


@pytest.mark.parametrize(
    "fields",
    [
        "[]",
        "null",
        "7",
        "{}",
        '"word"',
        "[[]]",
        "[1, 2]",
        '[["schema", "x"]]',
        '[["schema", "x", "zz"]]',
        '[["schema", "x", 7]]',
        '[["schema", null, "00"]]',
        '[[["schema"], "x", "00"]]',
    ],
)
def test_fields_that_are_none_are_a_difference_and_no_crash(desk: Desk, fields: str) -> None:
    with changed(desk, f"UPDATE invoice SET fields = '{fields}' WHERE number = 'RE 7'"):
        found = [(one.table, one.field, one.found) for one in differences(desk)]
    assert found == [("invoice", "fields", "malformed")]


@pytest.mark.parametrize("salt", ["'\"zz\"'", "'\"00\"'", "fields->0->2"])
def test_a_salt_that_is_none_is_a_difference_and_no_crash(desk: Desk, salt: str) -> None:
    """No hex, too short, and one salt for two fields."""
    with changed(desk, f"UPDATE invoice SET fields = jsonb_set(fields, '{{3,2}}', {salt})"):
        found = {(one.table, one.field, one.found) for one in differences(desk)}
    assert found == {("invoice", "fields", "malformed")}


def test_an_entry_that_cannot_follow_is_named_and_the_others_are_compared(desk: Desk) -> None:
    """Two entries of one journal change places."""
    swap = (
        "UPDATE entry SET (topics, data) = (SELECT topics, data FROM entry AS other"
        " WHERE other.journal_id = 1 AND other.position = 5 - entry.position)"
        " WHERE journal_id = 1 AND position IN (2, 3)"
    )
    with changed(desk, swap):
        found = differences(desk)
    assert any((one.row, one.field) == ("R-1 #2", "data") and "entry 2 of R-1" in one.found for one in found)
    assert {one.row for one in found if one.field == "operation"} == {"R-1 #2", "R-1 #3"}


def test_a_chain_without_tags_is_compared_all_the_same(desk: Desk) -> None:
    class Tagless(Node):
        def block(self, which: int | bytes | BlockTag) -> Block | None:
            if which in ("safe", "finalized"):
                raise RpcFailed("unknown block")
            return super().block(which)

    node = Tagless(desk.services.node.url)
    assert differences(desk, node=node) == []
    with changed(desk, "UPDATE cursor SET safe_block = block_number + 1"):
        assert [one.field for one in differences(desk, node=node)] == ["safe_block"]


@pytest.mark.parametrize("deep", [False, True])
def test_a_reorg_that_is_not_undone_yet_is_no_difference(scene: Scene, database: Database, deep: bool) -> None:
    scene.confirmed()
    with closing(follower_of(scene, database)) as follower:
        follower.catch_up()
        scene.reorg(depth=1)
        with pytest.raises(NotComparable, match=f"block {scene.node.head()}"):
            reconcile(database, scene.node, contract=scene.deployment.receivables, deep=deep)
        with database.snapshot() as connection:
            assert health.last_reconciliation(connection) is None
        follower.catch_up()
    assert reconcile(database, scene.node, contract=scene.deployment.receivables, deep=deep).count == 0


def test_a_node_that_is_behind_is_no_difference(desk: Desk) -> None:
    class Behind(Node):
        def block(self, which: int | bytes | BlockTag) -> Block | None:
            return None

    with pytest.raises(NotComparable):
        differences(desk, node=Behind(desk.services.node.url))


def test_of_comparisons_that_found_nothing_only_the_newest_are_kept(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciling, "CLEAN_KEPT_MAX", 2)
    services = desk.services
    with changed(desk, "UPDATE cursor SET block_at = block_at"), services.database.bulk() as connection:
        connection.execute("DELETE FROM reconciliation")
        connection.execute(
            "INSERT INTO reconciliation (block_number, block_hash, deep, compared, differences)"
            " VALUES (1, '', false, 1, '[{}]'), (2, '', false, 1, '[]'), (3, '', true, 1, '[]')"
        )
        connection.commit()
        for _ in range(3):
            reconcile(services.database, services.node, contract=services.deployment.receivables)
        kept = connection.execute(
            "SELECT deep, jsonb_array_length(differences) FROM reconciliation ORDER BY reconciliation_id"
        ).fetchall()
        connection.commit()
    assert kept == [(False, 1), (True, 0), (False, 0), (False, 0)]


def test_heads_are_compared_alike_in_parts_of_any_size(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Below, between and above the ids that the contract has; and never more of them at once."""
    services, asked = desk.services, []
    without_counting = ReceivablesView.heads

    def heads(view: ReceivablesView, ids: Sequence[int], *, block: At) -> dict[int, bytes]:
        asked.append(len(ids))
        return without_counting(view, ids, block=block)

    monkeypatch.setattr(ReceivablesView, "heads", heads)
    changes = (
        "UPDATE journal SET head = '\\x01' WHERE journal_id = 1",
        "UPDATE journal SET journal_id = 99 WHERE journal_id = 2",
        "INSERT INTO journal SELECT -1, head, length FROM journal WHERE journal_id = 1",
    )
    found = []
    with changed(desk, *changes):
        for size in (10_000, 1, 2):
            monkeypatch.setattr(reconciling, "BATCH_HEADS", size)
            report = reconcile(services.database, services.node, contract=services.deployment.receivables)
            found.append((report.compared, sorted(report.journals), sorted(map(str, report.differences))))
            assert max(asked) <= size
            asked.clear()
    assert found[0][1] == [-1, 1, 2, 99]
    assert found[1:] == found[:1] * 2


def test_a_second_claim_with_the_same_root_says_nothing_about_the_invoice(desk: Desk) -> None:
    """Whoever knows a root can register it as a claim of their own; the invoice belongs to one of the two."""
    database = desk.services.database
    with database.bulk() as connection:
        row = connection.execute("SELECT document_root FROM invoice WHERE number = 'RE 7'").fetchone()
    assert row is not None
    claim = desk.scene.claim()
    desk.scene.register(replace(claim, document_root=row[0]), person=SUPPLIER)
    desk.services.follower().catch_up()
    assert differences(desk) == []
    with changed(desk, "UPDATE invoice SET originator = debtor WHERE number = 'RE 7'"):
        assert [one.field for one in differences(desk)] == ["originator"]


def test_a_journal_is_copied_once_however_long(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    walks: list[int] = []
    original = folding.walk

    def counted(receivable: folding.Receivable, entries: object) -> object:
        walks.append(receivable.receivable_id)
        return original(receivable, entries)  # type: ignore[arg-type]

    monkeypatch.setattr(folding, "walk", counted)
    monkeypatch.setattr("registry.mirror.projector.walk", counted)
    assert differences(desk) == []
    assert sorted(walks) == list(range(1, desk.services.view.count() + 1))
