"""Whether the mirror's tables hold what the model holds, column by column.

What a row should be is said here once more, from the columns' meanings and not from the mirror's own code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from psycopg.rows import dict_row

from registry.domain.identifiers import Address
from registry.domain.journal import REGISTRY_JOURNAL
from registry.domain.receivable import Freeze, Receivable, Registry, Scope, Status
from registry.domain.rules import ONCE_CONFIRMED
from registry.mirror import rebuild
from registry.mirror.follower import Follower
from registry.mirror.reconcile import reconcile
from registry.store import tables
from registry.store.database import Database
from tests.properties.registry_world import Ground, Model

Row = dict[str, Any]


class Mirror:
    """A mirror of the ground's registry on a real PostgreSQL."""

    def __init__(self, ground: Ground, database: Database) -> None:
        assert PROJECTIONS.keys() == {table.name for table in tables.PROJECTIONS}
        self._ground = ground
        self._database = database
        self._follower = self._fresh_follower()
        self._sound = False

    def _fresh_follower(self) -> Follower:
        deployment = self._ground.deployment
        return Follower(
            self._database,
            self._ground.node,
            contract=deployment.receivables,
            first_block=deployment.block_number,
            owns_chain=True,
        )

    def begin(self) -> None:
        """An example begins, on the ground. After one that failed the tables may hold anything: they are emptied."""
        if not self._sound:
            rebuild.forget(self._database)
            self._follower = self._fresh_follower()
            self.compare(self._ground.model)

    def undo(self) -> None:
        """The chain goes back to the ground, and the mirror follows it there."""
        self._ground.reset()
        self.compare(self._ground.model)

    def compare(self, model: Model) -> None:
        """Follow the chain, then compare every column of every projection, and count the minor units in SQL."""
        self._sound = False
        self._follower.catch_up()
        with self._database.bulk() as connection, connection.cursor(row_factory=dict_row) as rows:
            for table, rows_of in PROJECTIONS.items():
                expected = sorted(rows_of(model), key=_order)
                found = sorted(rows.execute(f"SELECT * FROM {table}").fetchall(), key=_order)
                assert found == expected, (
                    f"{table}: SQL has {_only(found, expected)}, the model {_only(expected, found)}"
                )
            lost = rows.execute(UNCOVERED, {"once_confirmed": list(ONCE_CONFIRMED)}).fetchall()
            assert not lost, f"minor units were lost or made: {lost}"
        self._sound = True

    def compare_deep(self) -> None:
        """A rebuild from the stored log changes nothing, and reconciling with the chain finds nothing."""
        self._sound = False
        rebuilt = rebuild.rebuild(self._database)
        assert rebuilt.before == rebuilt.after
        report = reconcile(self._database, self._ground.node, contract=self._ground.chain.contract, deep=True)
        assert report.count == 0, [str(difference) for difference in report.differences]
        self._sound = True


UNCOVERED = """
    SELECT receivable_id, face_minor, coalesce(sum(end_minor - start_minor), 0) AS covered
    FROM receivable LEFT JOIN certificate USING (receivable_id)
    GROUP BY receivable_id, face_minor, cancelled_minor, redeemed_minor, receivable.status
    HAVING coalesce(sum(end_minor - start_minor), 0) + cancelled_minor + redeemed_minor
        <> CASE WHEN receivable.status = ANY(%(once_confirmed)s) THEN face_minor ELSE 0 END
"""


def _journals(model: Model) -> Iterator[Row]:
    states: list[Receivable | Registry] = [model.registry, *model.receivables.values()]
    for state in states:
        number = state.receivable_id if isinstance(state, Receivable) else REGISTRY_JOURNAL
        yield {"journal_id": number, "head": state.head, "length": state.length}


def _receivables(model: Model) -> Iterator[Row]:
    for state in model.receivables.values():
        yield {
            "receivable_id": state.receivable_id,
            "status": state.status,
            "originator": state.originator,
            "debtor": state.debtor,
            "face_minor": state.face,
            "due_at": state.due,
            "currency": state.currency,
            "fingerprint": state.fingerprint,
            "document_root": state.document_root,
            "registered_at": state.registered_at,
            "claim_face_minor": state.claim_face,
            "claim_due_at": state.claim_due,
            "answer_by": state.answer_by,
            "offered_face_minor": state.offer.face if state.offer else None,
            "offered_due_at": state.offer.due if state.offer else None,
            "offered_at": state.offer.at if state.offer else None,
            "answered_at": state.answered_at,
            "refusal_reason": state.refusal_reason,
            "front_endorsed": state.front_endorsed,
            "paid_minor": state.paid,
            "cancelled_minor": state.cancelled,
            "senior_minor": state.senior,
            "disputed": state.disputed,
            "dishonoured": state.dishonoured,
            "claimed_minor": state.claimed,
            "redeemed_minor": state.redeemed,
            "in_clearing": bool(state.certificates)
            and (state.paid > 0 or state.disputed or state.status in (Status.SETTLED, Status.CLOSED)),
        }


def _certificates(model: Model) -> Iterator[Row]:
    for state in model.receivables.values():
        for part in state.certificates.values():
            yield {
                "receivable_id": state.receivable_id,
                "start_minor": part.start,
                "end_minor": part.end,
                "holder": part.holder,
                "since_position": part.since,
                "debtor": state.debtor,
                "currency": state.currency,
                "due_at": state.due,
                "lien_financier": part.lien.financier if part.lien else None,
                "lien_secured_minor": part.lien.secured if part.lien else None,
                "lien_position": part.lien.since if part.lien else None,
                "recourse_seller": part.recourse.seller if part.recourse else None,
                "recourse_amount_minor": part.recourse.amount if part.recourse else None,
                "recourse_demanded": part.recourse.demanded if part.recourse else None,
                "claimed_minor": part.claimed,
            }


def _members(model: Model) -> Iterator[Row]:
    for member in model.registry.members.values():
        yield {
            "address": member.address,
            "status": member.status,
            "kyc_expiry_at": member.kyc_expiry,
            "roles": member.roles,
            "profile": member.profile,
            "admitted_at": member.admitted_at,
            "suspension_reason": member.suspension_reason,
        }


def _orders(model: Model) -> Iterator[Row]:
    for member in model.registry.members.values():
        for freeze in member.orders:
            yield _order_row(Scope.MEMBER, freeze, member=member.address)
    for state in model.receivables.values():
        number = state.receivable_id
        for freeze in state.orders:
            yield _order_row(Scope.RECEIVABLE, freeze, number=number)
        for part in state.certificates.values():
            for freeze in part.orders:
                yield _order_row(Scope.CERTIFICATE, freeze, number=number, start=part.start, end=part.end)


def _order_row(
    scope: Scope, freeze: Freeze, *, number: int = 0, start: int = 0, end: int = 0, member: Address = b""
) -> Row:
    return {
        "scope": scope,
        "receivable_id": number,
        "start_minor": start,
        "end_minor": end,
        "member": member,
        "order_hash": freeze.order,
        "expiry_at": freeze.expiry,
        "since_at": freeze.since,
    }


def _parameters(model: Model) -> Iterator[Row]:
    for parameter, values in model.registry.parameters.items():
        for setting in values:
            yield {
                "parameter": parameter,
                "effective_at": setting.effective,
                "value": setting.value,
                "set_at": setting.at,
            }


def _switches(model: Model) -> Iterator[Row]:
    registry = model.registry
    yield {
        "id": 1,
        "paused_since": registry.paused_since,
        "paused_seconds": registry.paused_seconds,
        "rules": registry.rules,
        "descriptor": registry.descriptor,
        "sunset_at": registry.sunset_at,
        "desk": registry.desk,
    }


def _deposit_tokens(model: Model) -> Iterator[Row]:
    for currency, token in model.registry.deposit_tokens.items():
        yield {"currency": currency, "token": token}


PROJECTIONS: dict[str, Callable[[Model], Iterator[Row]]] = {
    "journal": _journals,
    "receivable": _receivables,
    "certificate": _certificates,
    "member": _members,
    "order_freeze": _orders,
    "parameter": _parameters,
    "deposit_token": _deposit_tokens,
    "registry": _switches,
}
"""Every projection, with the rows that it should have."""


def _order(row: Row) -> list[tuple[str, str]]:
    """Any order will do that equal rows share."""
    return sorted((column, value.hex() if isinstance(value, bytes) else f"{value}") for column, value in row.items())


def _only(these: list[Row], those: list[Row]) -> list[Row]:
    return [row for row in these if row not in those]
