"""Deep reconciliation of what orders, answers and parameters leave: each column, each word of the contract."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from registry.chain.contract import ReceivablesView
from registry.chain.rpc import Node
from registry.mirror.follower import Follower
from registry.mirror.reconcile import Difference, reconcile
from registry.store import records
from registry.store.database import Database
from registry.store.embedded import EmbeddedPostgres
from tests.mirror.everything import every_operation
from tests.scene import Scene


@pytest.fixture(scope="module")
def mirrored(node: Node, postgres: EmbeddedPostgres) -> Iterator[tuple[Scene, Database]]:
    postgres.create_database("everything", template="template_counterfoil")
    database = Database(postgres.url("everything"))
    scene = Scene.open(node)
    every_operation(scene)
    deployment = scene.deployment
    Follower(
        database, node, contract=deployment.receivables, first_block=deployment.block_number, owns_chain=True
    ).catch_up()
    with database.write() as connection:
        records.save_order_reference(connection, authority="Amtsgericht Köln", number="71 M 1/26")
    yield scene, database
    database.dispose()
    postgres.drop_database("everything")


def differences(mirrored: tuple[Scene, Database], change: str | None = None) -> list[Difference]:
    """What a comparison finds after a change by hand, which is put back."""
    scene, database = mirrored
    tables = (
        "entry",
        "receivable",
        "certificate",
        "member",
        "order_freeze",
        "parameter",
        "registry",
        "order_reference",
    )
    with database.bulk() as connection:
        for table in tables if change else ():
            connection.execute(f"CREATE TABLE kept_{table} AS TABLE {table}")
        if change:
            assert connection.execute(change).rowcount > 0
    try:
        return reconcile(database, scene.node, contract=scene.deployment.receivables, deep=True).differences
    finally:
        with database.bulk() as connection:
            for table in tables if change else ():
                connection.execute(f"DELETE FROM {table}")
                connection.execute(f"INSERT INTO {table} SELECT * FROM kept_{table}")
                connection.execute(f"DROP TABLE kept_{table}")


def test_nothing_differs_before_a_hand_touches_it(mirrored: tuple[Scene, Database]) -> None:
    assert differences(mirrored) == []


@pytest.mark.parametrize(
    ("change", "table", "field"),
    [
        ("UPDATE receivable SET answer_by = answer_by + 1", "receivable", "answer_by"),
        ("UPDATE receivable SET claim_face_minor = claim_face_minor + 1", "receivable", "claim_face_minor"),
        ("UPDATE receivable SET claim_due_at = claim_due_at + 86400", "receivable", "claim_due_at"),
        ("UPDATE receivable SET offered_face_minor = NULL", "receivable", "offered_face_minor"),
        ("UPDATE receivable SET offered_at = 1", "receivable", "offered_at"),
        ("UPDATE receivable SET status = 2 WHERE status = 5", "receivable", "status"),
        ("UPDATE certificate SET debtor = holder", "certificate", "debtor"),
        ("UPDATE certificate SET currency = 840", "certificate", "currency"),
        ("UPDATE certificate SET due_at = due_at + 86400", "certificate", "due_at"),
        ("UPDATE order_freeze SET expiry_at = expiry_at + 1", "order_freeze", "expiry_at"),
        ("UPDATE order_freeze SET since_at = since_at - 1", "order_freeze", "since_at"),
        ("UPDATE order_freeze SET end_minor = end_minor + 1 WHERE scope = 1", "order_freeze", "end_minor"),
        ("UPDATE order_freeze SET order_hash = '\\x05' WHERE scope = 3", "order_freeze", "row"),
        ("DELETE FROM order_freeze WHERE scope = 2", "order_freeze", "row"),
        ("UPDATE parameter SET value = value + 1 WHERE parameter = 2", "parameter", "value"),
        ("DELETE FROM parameter WHERE effective_at = (SELECT max(effective_at) FROM parameter)", "parameter", "row"),
        ("UPDATE parameter SET set_at = 0", "parameter", "set_at"),
        ("UPDATE registry SET paused_seconds = 0", "registry", "paused_seconds"),
        ("UPDATE registry SET paused_since = 1", "registry", "paused_since"),
        ("UPDATE registry SET sunset_at = 0", "registry", "sunset_at"),
        ("UPDATE registry SET descriptor = '\\x01'", "registry", "descriptor"),
        ("DELETE FROM registry", "registry", "row"),
        ("UPDATE entry SET order_hash = NULL WHERE operation = 14", "entry", "order_hash"),
        ("UPDATE entry SET order_hash = '\\x05' WHERE operation = 3", "entry", "order_hash"),
        ("UPDATE order_reference SET number = '71 M 2/26'", "order_reference", "authority or number"),
        ("UPDATE order_reference SET authority = ''", "order_reference", "authority or number"),
        ("DELETE FROM entry WHERE journal_id = 0 AND position = 1", "contract", "tenor_limit_days"),
        ("DELETE FROM entry WHERE journal_id = 0 AND position > 10", "contract", "sunset"),
    ],
)
def test_a_change_by_hand_is_a_difference(
    mirrored: tuple[Scene, Database], change: str, table: str, field: str
) -> None:
    assert (table, field) in {(found.table, found.field) for found in differences(mirrored, change)}


@pytest.mark.parametrize(
    ("view", "field"),
    [
        ("certificate_freezes", "orders"),
        ("receivable_freezes", "orders"),
        ("member_freezes", "orders"),
        ("forced_transfer_delay", "forced_transfer_delay_seconds"),
        ("unanswered", "unanswered"),
    ],
)
def test_a_contract_that_does_not_do_what_its_journal_says_is_found(
    mirrored: tuple[Scene, Database], monkeypatch: pytest.MonkeyPatch, view: str, field: str
) -> None:
    original = getattr(ReceivablesView, view)

    def other(*arguments: object, **more: object) -> object:
        answer = original(*arguments, **more)
        return dict.fromkeys(answer, ()) if isinstance(answer, dict) else answer + 1

    monkeypatch.setattr(ReceivablesView, view, other)
    assert {(found.table, found.field) for found in differences(mirrored)} == {("contract", field)}
