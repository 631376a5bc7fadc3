"""Deep reconciliation of what orders, answers and parameters leave: each column, each word of the contract."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from registry.chain.contract import ReceivablesView
from registry.chain.rpc import Node
from registry.domain.receivable import Status
from registry.mirror.follower import Follower
from registry.mirror.reconcile import Difference, reconcile
from registry.store import records
from registry.store.database import Database
from registry.store.embedded import EmbeddedPostgres
from tests.mirror.everything import every_operation
from tests.quoting import save_quote
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
        records.save_bank_reference(connection, "MT103 0001")
        offered = scene.quote(5, price=1, amount=2**64 - 1)
        save_quote(connection, offered)
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
        "deposit_token",
        "registry",
        "order_reference",
        "bank_reference",
        "quote",
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
        ("UPDATE registry SET desk = '\\x01'", "registry", "desk"),
        ("UPDATE receivable SET paid_minor = paid_minor + 1", "receivable", "paid_minor"),
        ("UPDATE receivable SET cancelled_minor = 1", "receivable", "cancelled_minor"),
        ("UPDATE receivable SET senior_minor = 0", "receivable", "senior_minor"),
        ("UPDATE receivable SET disputed = NOT disputed", "receivable", "disputed"),
        ("UPDATE receivable SET dishonoured = false", "receivable", "dishonoured"),
        ("UPDATE receivable SET claimed_minor = 0", "receivable", "claimed_minor"),
        ("UPDATE receivable SET redeemed_minor = 1", "receivable", "redeemed_minor"),
        ("UPDATE receivable SET in_clearing = NOT in_clearing", "receivable", "in_clearing"),
        ("UPDATE certificate SET lien_financier = holder", "certificate", "lien_financier"),
        ("UPDATE certificate SET lien_secured_minor = 1", "certificate", "lien_secured_minor"),
        ("UPDATE certificate SET lien_position = 1", "certificate", "lien_position"),
        ("UPDATE certificate SET recourse_seller = NULL", "certificate", "recourse_seller"),
        ("UPDATE certificate SET recourse_amount_minor = 1", "certificate", "recourse_amount_minor"),
        ("UPDATE certificate SET recourse_demanded = false", "certificate", "recourse_demanded"),
        ("UPDATE certificate SET claimed_minor = 1", "certificate", "claimed_minor"),
        ("UPDATE deposit_token SET token = '\\x01'", "deposit_token", "token"),
        ("DELETE FROM deposit_token", "deposit_token", "row"),
        ("UPDATE entry SET quote_digest = NULL WHERE operation = 19", "entry", "quote_digest"),
        ("UPDATE entry SET quote_digest = '\\x05' WHERE operation = 17", "entry", "quote_digest"),
        ("UPDATE bank_reference SET text = 'MT103 0002'", "bank_reference", "text"),
        ("UPDATE bank_reference SET text = ''", "bank_reference", "text"),
        *(
            (f"UPDATE quote SET {column} = {column} + 1", "quote", "terms")
            for column in ("receivable_id", "start_minor", "end_minor", "cut_minor", "kind", "price_minor", "expiry_at")
        ),
        ("UPDATE quote SET amount_minor = 0", "quote", "terms"),
        ("UPDATE quote SET holder = financier", "quote", "terms"),
        ("UPDATE quote SET financier = token", "quote", "terms"),
        ("UPDATE quote SET desk = token", "quote", "terms"),
        ("UPDATE quote SET token = desk", "quote", "terms"),
        ("UPDATE quote SET nonce = anchor", "quote", "terms"),
        ("UPDATE quote SET anchor = nonce", "quote", "terms"),
        ("DELETE FROM entry WHERE operation = 21", "contract", "claimed"),
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
        ("deposit_tokens", "deposit token 978"),
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


@pytest.mark.parametrize(
    ("view", "changed", "field"),
    [
        *(
            ("records", lambda words, name=name: replace(words, amounts=_other(words.amounts, name)), name)
            for name in ("paid", "cancelled", "senior", "disputed", "dishonoured")
        ),
        ("records", lambda words: _other(words, "restrained"), "restrained"),
        *(
            ("certificates", lambda word, name=name: _other(word, name), name)
            for name in ("original", "pledged", "recourse", "claimed")
        ),
        ("rights", lambda rights: replace(rights, lien=None), "lien"),
        ("rights", lambda rights: replace(rights, recourse=None), "right of recourse"),
        ("rights", lambda rights: _other(rights, "claimed"), "paid out"),
        ("members", lambda word: _other(word, "dishonoured"), "dishonoured"),
    ],
)
def test_words_about_money_that_are_not_what_the_journal_says_are_found(
    mirrored: tuple[Scene, Database],
    monkeypatch: pytest.MonkeyPatch,
    view: str,
    changed: Callable[[Any], Any],
    field: str,
) -> None:
    original = getattr(ReceivablesView, view)
    monkeypatch.setattr(
        ReceivablesView,
        view,
        lambda *arguments, **more: {key: changed(one) for key, one in original(*arguments, **more).items()},
    )
    assert {(found.table, found.field) for found in differences(mirrored)} == {("contract", field)}


def test_what_was_paid_out_is_compared_until_all_is_paid(
    mirrored: tuple[Scene, Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    original = ReceivablesView.records
    monkeypatch.setattr(
        ReceivablesView,
        "records",
        lambda *arguments, **more: {
            key: _other(words, "claimed") for key, words in original(*arguments, **more).items()
        },
    )
    found = differences(mirrored)
    scene, _ = mirrored
    settled = {
        number
        for number, words in original(scene.view, range(1, scene.view.count() + 1)).items()
        if words.status == Status.SETTLED
    }
    assert settled
    assert {one.row for one in found} == {
        f"R-{number}" for number in range(1, scene.view.count() + 1) if number not in settled
    }


def _other(words: Any, name: str) -> Any:
    """The same words but for one of them."""
    value = getattr(words, name)
    return replace(words, **{name: not value if isinstance(value, bool) else value + 1})
