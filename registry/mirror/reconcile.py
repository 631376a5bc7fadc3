"""Reconcile: compare SQL with the chain at one block, by heads or, deep, field by field.

Heads: the folded head of R-0 and of every receivable equals the contract's. Deep also refolds the stored log and
compares every column of every mirrored row with it, the contract's own words with the folded state, the stored
headers with the node's, and the commitments on chain with the invoices and parties kept off chain.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from registry.chain.contract import ReceivablesView
from registry.chain.rpc import Node
from registry.documents.commitments import commit
from registry.domain.decode import ENTRY_TOPICS, LogMalformed
from registry.domain.fold import JournalBroken
from registry.domain.identifiers import Address, CertificateId, format_address, format_receivable_id
from registry.domain.journal import REGISTRY_JOURNAL
from registry.domain.profile import party_profile
from registry.domain.receivable import Receivable, Registry
from registry.mirror import store
from registry.mirror.projector import Projector, State
from registry.mirror.rebuild import NothingMirrored
from registry.store.database import Database

BATCH_RECEIVABLES = 500
"""Receivables whose words are compared with the chain in one round."""

LOG_BLOCKS_MAX = 500
"""Blocks whose logs are compared in one round."""

DIFFERENCES_MAX = 1_000
"""Differences listed; the count goes on beyond."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that is not as it should be. `expected` is what the chain, or the fold of its journal, says."""

    table: str
    row: str
    field: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.table} {self.row}: {self.field} is {self.found}, should be {self.expected}"


@dataclass(slots=True)
class Report:
    """What a reconciliation compared, at one block, and every difference."""

    block_number: int
    block_hash: bytes
    deep: bool
    compared: int = 0
    count: int = 0
    differences: list[Difference] = field(default_factory=list)

    def expect(self, table: str, row: str, column: str, expected: object, found: object) -> None:
        """Compare one value."""
        self.compared += 1
        if expected != found:
            self.add(Difference(table, row, column, _show(expected), _show(found)))

    def add(self, difference: Difference) -> None:
        """Count a difference, and list it while there is room."""
        self.count += 1
        if len(self.differences) < DIFFERENCES_MAX:
            self.differences.append(difference)


def reconcile(
    database: Database,
    node: Node,
    *,
    contract: Address,
    deep: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Compare the mirror with the contract at the mirror's block, and record the outcome.

    `progress` is told (receivables compared, receivables in all). Raises NothingMirrored, NodeUnreachable, RpcFailed.
    """
    with database.bulk() as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor = store.read_cursor(connection)
        if cursor is None:
            raise NothingMirrored()
        report = Report(cursor.number, cursor.hash, deep)
        block = node.block(cursor.number)
        report.expect("cursor", "1", "block_hash", None if block is None else block.hash, cursor.hash)
        report.expect("cursor", "1", "contract", contract, cursor.contract)
        if not report.count:
            view = ReceivablesView(node, contract)
            _compare_heads(connection, view, report)
            if deep:
                _Deep(connection, view, report, Projector(chain_id=cursor.chain_id, contract=contract)).run(progress)
    _record(database, report)
    return report


def _compare_heads(connection: psycopg.Connection, view: ReceivablesView, report: Report) -> None:
    ids = range(view.count(block=report.block_hash) + 1)
    mirrored = {row[0]: row[1] for row in store.projection_rows(connection, "journal")}
    for journal_id, head in view.heads(ids, block=report.block_hash).items():
        found = mirrored.pop(journal_id, None)
        if journal_id == REGISTRY_JOURNAL and found is None:
            # A registry without members has a head, its genesis, and no entry to mirror.
            continue
        report.expect("journal", format_receivable_id(journal_id), "head", head, found)
    for journal_id, head in mirrored.items():
        report.expect("journal", format_receivable_id(journal_id), "head", None, head)


def _record(database: Database, report: Report) -> None:
    with database.bulk() as connection:
        connection.execute(
            "INSERT INTO reconciliation (block_number, block_hash, deep, compared, differences)"
            " VALUES (%s, %s, %s, %s, %s)",
            (
                report.block_number,
                report.block_hash,
                report.deep,
                report.compared,
                Jsonb([asdict(difference) for difference in report.differences]),
            ),
        )


class _Deep:
    """The field-by-field part, over one snapshot of SQL and one block of the chain."""

    def __init__(
        self, connection: psycopg.Connection, view: ReceivablesView, report: Report, projector: Projector
    ) -> None:
        self._connection = connection
        self._view = view
        self._report = report
        self._projector = projector

    def run(self, progress: Callable[[int, int], None] | None) -> None:
        states = self._compare_stored_log()
        self._compare_projections(states.values())
        receivables = [state for state in states.values() if isinstance(state, Receivable)]
        for at in range(0, len(receivables), BATCH_RECEIVABLES):
            self._compare_words(receivables[at : at + BATCH_RECEIVABLES])
            if progress is not None:
                progress(min(at + BATCH_RECEIVABLES, len(receivables)), len(receivables))
        registry = states.get(REGISTRY_JOURNAL)
        if isinstance(registry, Registry):
            self._compare_members(registry, receivables)
        self._compare_headers()
        self._compare_logs()
        self._compare_commitments()

    def _compare_stored_log(self) -> dict[int, State]:
        """Refold every journal; the columns of an entry and its head must be those that its bytes give."""
        states: dict[int, State] = {}
        with self._connection.cursor(name="entry_columns") as rows:
            rows.itersize = store.FETCH_ROWS
            rows.execute(
                "SELECT journal_id, position, operation, at, start_minor::text, end_minor::text, topics, data, head"
                " FROM entry ORDER BY journal_id, position"
            )
            for *columns, topics, data, head in rows:
                found = tuple(int(column) for column in columns)
                journal_id, position = found[:2]
                name = f"{format_receivable_id(journal_id)} #{position}"
                try:
                    entry = store.decode_stored(topics, data)
                    before = states.get(journal_id) or self._projector.empty(journal_id)
                    state = self._projector.fold(before, [entry])
                except (LogMalformed, JournalBroken) as broken:
                    self._report.add(Difference("entry", name, "data", "an entry that can follow", str(broken)))
                    continue
                for column, expected, value in zip(
                    store.ENTRY_COLUMNS, store.entry_columns(entry, before.length + 1), found, strict=True
                ):
                    self._report.expect("entry", name, column, expected, value)
                self._report.expect("entry", name, "head", state.head, head)
                states[journal_id] = state
        return states

    def _compare_projections(self, states: Iterable[State]) -> None:
        expected: dict[str, dict[tuple[Any, ...], store.Row]] = {table: {} for table in store.PROJECTIONS}
        for state in states:
            for table, rows in store.rows_of(state).items():
                key = store.PROJECTIONS[table][1]
                expected[table].update((row[:key], row) for row in rows)
        for table, (columns, key) in store.PROJECTIONS.items():
            wanted = expected[table]
            for row in store.projection_rows(self._connection, table):
                folded = wanted.pop(row[:key], None)
                if folded is None:
                    self._report.add(Difference(table, _row_name(table, row), "row", "absent", "present"))
                    continue
                for column, value, found in zip(columns, folded, row, strict=True):
                    self._report.expect(table, _row_name(table, row), column, value, found)
            for row in wanted.values():
                self._report.add(Difference(table, _row_name(table, row), "row", "present", "absent"))

    def _compare_words(self, receivables: Sequence[Receivable]) -> None:
        """The contract's own words against the folded state: does the contract do what its journal says?"""
        at = self._report.block_hash
        expect = self._report.expect
        records = self._view.records([receivable.receivable_id for receivable in receivables], block=at)
        for receivable in receivables:
            name = format_receivable_id(receivable.receivable_id)
            words = records[receivable.receivable_id]
            confirmed = receivable.answered_at and not receivable.refusal_reason
            expect("contract", name, "head", words.head, receivable.head)
            expect("contract", name, "debtor", words.debtor, receivable.debtor)
            expect("contract", name, "due", words.due, receivable.due)
            expect("contract", name, "currency", words.currency, receivable.currency)
            expect("contract", name, "status", words.status, int(receivable.status))
            expect("contract", name, "front_endorsed", words.front_endorsed, receivable.front_endorsed)
            expect("contract", name, "face", words.face, receivable.face if confirmed else 0)
            expect("contract", name, "paid", words.paid, receivable.paid)
            expect("contract", name, "cancelled", words.cancelled, receivable.cancelled)
        folded = {
            (receivable.receivable_id, part.start): part
            for receivable in receivables
            for part in receivable.certificates.values()
        }
        for (receivable_id, start), word in self._view.certificates(folded, block=at).items():
            part = folded[receivable_id, start]
            name = str(part.id(receivable_id))
            expect("contract", name, "holder", word.holder, part.holder)
            expect("contract", name, "end", word.end, part.end)

    def _compare_members(self, registry: Registry, receivables: Iterable[Receivable]) -> None:
        balances = Counter(part.holder for receivable in receivables for part in receivable.certificates.values())
        for address, word in self._view.members(registry.members, block=self._report.block_hash).items():
            member = registry.members[address]
            name = format_address(address)
            self._report.expect("contract", name, "status", word.status, int(member.status))
            self._report.expect("contract", name, "kyc_expiry", word.kyc_expiry, member.kyc_expiry)
            self._report.expect("contract", name, "roles", word.roles, int(member.roles))
            self._report.expect("contract", name, "balance", word.balance, balances[address])

    def _compare_headers(self) -> None:
        rows = self._connection.execute("SELECT number, hash, parent_hash, at FROM block ORDER BY number").fetchall()
        for (number, *found), block in zip(rows, self._view.node.blocks(row[0] for row in rows), strict=True):
            expected = (None,) * 3 if block is None else (block.hash, block.parent_hash, block.at)
            for column, value, stored in zip(("hash", "parent_hash", "at"), expected, found, strict=True):
                self._report.expect("block", str(number), column, value, stored)

    def _compare_logs(self) -> None:
        """The stored log against the node's: which log of which transaction an entry is, byte for byte."""
        last = self._report.block_number
        row = self._connection.execute("SELECT min(number) FROM block").fetchone()
        if row is None or row[0] is None:
            return
        for first in range(row[0], last + 1, LOG_BLOCKS_MAX):
            end = min(first + LOG_BLOCKS_MAX - 1, last)
            logs = self._view.node.logs(contract=self._view.address, topics=ENTRY_TOPICS, first=first, last=end)
            wanted = {
                (log.block_hash, log.log_index): (log.block_number, log.tx_hash, b"".join(log.topics), log.data)
                for log in logs
            }
            for journal_id, position, block_hash, log_index, *found in self._connection.execute(
                "SELECT journal_id, position, block_hash, log_index, block_number, tx_hash, topics, data FROM entry"
                " WHERE block_number BETWEEN %s AND %s ORDER BY journal_id, position",
                (first, end),
            ).fetchall():
                name = f"{format_receivable_id(journal_id)} #{position}"
                expected = wanted.pop((block_hash, log_index), None)
                if expected is None:
                    self._report.add(Difference("entry", name, "row", "absent", "present"))
                    continue
                for column, value, stored in zip(
                    ("block_number", "tx_hash", "topics", "data"), expected, found, strict=True
                ):
                    self._report.expect("entry", name, column, value, stored)
            for block_hash, log_index in wanted:
                self._report.add(
                    Difference("entry", f"log {log_index} of block {_show(block_hash)}", "row", "present", "absent")
                )

    def _compare_commitments(self) -> None:
        """What is kept off chain must still be what the chain commits to."""
        for root, number, fields in self._connection.execute(
            "SELECT document_root, number, fields FROM invoice ORDER BY document_root"
        ).fetchall():
            commitment = commit([(row[0], row[1]) for row in fields], [bytes.fromhex(row[2]) for row in fields])
            self._report.expect("invoice", _show(root), "fields", root, commitment.root)
            self._report.expect("invoice", _show(root), "number", dict(row[:2] for row in fields)["number"], number)
        for address, name, identity, salt, profile in self._connection.execute(
            "SELECT address, name, identity, salt, member.profile FROM party JOIN member USING (address)"
        ).fetchall():
            expected = party_profile(name=name, identity=identity or "", salt=salt)
            self._report.expect("party", format_address(address), "name, identity or salt", profile, expected)


def _row_name(table: str, row: store.Row) -> str:
    match table:
        case "certificate":
            return str(CertificateId(row[0], row[1], row[2]))
        case "member":
            return format_address(row[0])
        case _:
            return format_receivable_id(row[0])


def _show(value: object) -> str:
    return "0x" + value.hex() if isinstance(value, bytes) else str(value)
