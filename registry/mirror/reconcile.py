"""Reconcile: compare SQL with the chain at one block, by heads or, deep, field by field.

Heads: the folded head of R-0 and of every receivable equals the contract's. Deep also refolds the stored log and
compares every column of every mirrored row with it, the contract's own words with the folded state, the stored
headers with the node's, and the commitments on chain with the invoices and profiles kept off chain.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Any, Literal

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from registry.chain.contract import ReceivablesView
from registry.chain.quotes import Quote, desk_domain, digest
from registry.chain.rpc import Node, RpcFailed
from registry.chain.words import compare_certificate, compare_record, compare_rights
from registry.documents.attachments import Attachment
from registry.documents.commitments import attachment_fields, commit
from registry.documents.parties import number_key
from registry.domain.decode import ENTRY_TOPICS, LogMalformed, decode
from registry.domain.fold import JournalBroken
from registry.domain.identifiers import (
    ZERO_ADDRESS,
    Address,
    CertificateId,
    format_address,
    format_receivable_id,
)
from registry.domain.journal import REGISTRY_JOURNAL, Entry, append
from registry.domain.money import currency_to_show, format_amount
from registry.domain.orders import bank_reference_hash, order_hash
from registry.domain.profile import party_profile
from registry.domain.receivable import Parameter, Receivable, Registry, Scope, Status
from registry.domain.rules import parameter_in_force
from registry.errors import ServiceError
from registry.mirror import store
from registry.mirror.copying import ENTRY_COLUMNS, entry_columns
from registry.mirror.projector import Projector
from registry.mirror.rebuild import NothingMirrored
from registry.mirror.store import State
from registry.store.database import Database

BATCH_RECEIVABLES = 500
"""Receivables whose words are compared with the chain in one round."""

BATCH_HEADS = 10_000
"""Journals whose heads are compared in one round."""

LOG_BLOCKS_MAX = 500
"""Blocks whose logs are compared in one round."""

DIFFERENCES_MAX = 1_000
"""Differences listed; the count goes on beyond."""


CLEAN_KEPT_MAX = 1_000
"""Newest comparisons of heads, beyond which those that found nothing are not kept."""


class NotComparable(ServiceError):
    """The node does not have the mirror's block: nothing can be compared there, and nothing is known to differ."""

    code = "not_comparable"
    title = "The mirror cannot be compared with the chain now"
    default_hint = "A reorg that the mirror has not undone yet, or a node that is behind: try again in a moment"


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
    journals: list[int] = field(default_factory=list)
    """Of which the contract has another head."""

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

    `progress` is told (receivables compared, receivables in all). Raises NothingMirrored, NotComparable,
    NodeUnreachable, RpcFailed.
    """
    began = time.monotonic()
    with database.bulk() as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor = store.read_cursor(connection)
        if cursor is None:
            raise NothingMirrored()
        report = Report(cursor.number, cursor.hash, deep)
        report.expect("cursor", "1", "block_hash", _stored_hash(connection, cursor), cursor.hash)
        report.expect("cursor", "1", "contract", contract, cursor.contract)
        if not report.count:
            block = node.block(cursor.number)
            if block is None or block.hash != cursor.hash:
                raise NotComparable(f"the node does not have the mirror's block {cursor.number}")
            report.expect("cursor", "1", "block_at", block.at, cursor.at)
            view = ReceivablesView(node, contract)
            _compare_heads(connection, view, report)
            if deep:
                _Deep(connection, view, report, cursor).run(progress)
    _record(database, report, seconds=time.monotonic() - began)
    return report


def _stored_hash(connection: psycopg.Connection, cursor: store.Cursor) -> bytes:
    """What the header that the mirror keeps of its block says; before the first block there is none."""
    row = connection.execute("SELECT hash FROM block WHERE number = %s", (cursor.number,)).fetchone()
    return cursor.hash if row is None else bytes(row[0])


def _compare_heads(connection: psycopg.Connection, view: ReceivablesView, report: Report) -> None:
    """Part by part, so that no book is too large for the memory."""
    end = view.count(block=report.block_hash) + 1
    rows = store.projection_rows(connection, "journal")
    row = next(rows, None)
    for first in range(0, end, BATCH_HEADS):
        ids = range(first, min(first + BATCH_HEADS, end))
        mirrored: dict[int, bytes] = {}
        while row is not None and row[0] < ids.stop:
            mirrored[row[0]] = row[1]
            row = next(rows, None)
        for journal_id, head in view.heads(ids, block=report.block_hash).items():
            _compare_head(report, journal_id, head, mirrored.pop(journal_id, None))
        for journal_id, found in mirrored.items():
            _compare_head(report, journal_id, None, found)
    while row is not None:
        _compare_head(report, row[0], None, row[1])
        row = next(rows, None)


def _compare_head(report: Report, journal_id: int, head: bytes | None, found: bytes | None) -> None:
    if journal_id == REGISTRY_JOURNAL and found is None:
        # A registry without members has a head, its genesis, and no entry to mirror.
        return
    report.expect("journal", format_receivable_id(journal_id), "head", head, found)
    if head != found:
        report.journals.append(journal_id)


def _record(database: Database, report: Report, *, seconds: float) -> None:
    with database.bulk() as connection:
        connection.execute(
            "INSERT INTO reconciliation (block_number, block_hash, deep, compared, differences, seconds)"
            " VALUES (%s, %s, %s, %s, %s, %s)",
            (
                report.block_number,
                report.block_hash,
                report.deep,
                report.compared,
                Jsonb([asdict(difference) for difference in report.differences]),
                seconds,
            ),
        )
        # One a minute, and nearly all alike. Deep ones and those that found something stay.
        connection.execute(
            "DELETE FROM reconciliation WHERE NOT deep AND differences = '[]' AND reconciliation_id <= ("
            "SELECT reconciliation_id FROM reconciliation WHERE NOT deep ORDER BY reconciliation_id DESC"
            " OFFSET %s LIMIT 1)",
            (CLEAN_KEPT_MAX,),
        )


class _Deep:
    """The field-by-field part, over one snapshot of SQL and one block of the chain."""

    def __init__(
        self, connection: psycopg.Connection, view: ReceivablesView, report: Report, cursor: store.Cursor
    ) -> None:
        self._connection = connection
        self._view = view
        self._report = report
        self._cursor = cursor
        self._projector = Projector(chain_id=cursor.chain_id, contract=view.address)

    def run(self, progress: Callable[[int, int], None] | None) -> None:
        self._compare_tag("safe", self._cursor.safe)
        self._compare_tag("finalized", self._cursor.finalized)
        states = self._compare_stored_log()
        self._compare_projections(states.values())
        receivables = [state for state in states.values() if isinstance(state, Receivable)]
        for at in range(0, len(receivables), BATCH_RECEIVABLES):
            self._compare_words(receivables[at : at + BATCH_RECEIVABLES])
            if progress is not None:
                progress(min(at + BATCH_RECEIVABLES, len(receivables)), len(receivables))
        self._compare_unanswered(receivables)
        registry = states.get(REGISTRY_JOURNAL)
        if isinstance(registry, Registry):
            self._compare_members(registry, receivables)
            self._compare_policy(registry, receivables)
        self._compare_headers()
        self._compare_logs()
        self._compare_invoices(receivables)
        self._compare_profiles()
        self._compare_order_references()
        self._compare_bank_references()
        self._compare_quotes()

    def _compare_tag(self, tag: Literal["safe", "finalized"], stored: int) -> None:
        """What the mirror calls safe or finalized must be so for the node, and be mirrored."""
        try:
            block = self._view.node.block(tag)
        except RpcFailed:  # a chain without tags
            block = None
        limit = self._cursor.number if block is None else min(block.number, self._cursor.number)
        self._report.compared += 1
        if not 0 <= stored <= limit:
            self._report.add(Difference("cursor", "1", f"{tag}_block", f"at most {limit}", str(stored)))

    def _compare_stored_log(self) -> dict[int, State]:
        """Refold every journal; the columns of an entry and its head must be those that its bytes give."""
        states: dict[int, State] = {}
        with self._connection.cursor(name="entry_columns") as rows:
            rows.itersize = store.FETCH_ROWS
            rows.execute(
                f"SELECT {', '.join(ENTRY_COLUMNS)}, topics, data, head FROM entry ORDER BY journal_id, position"  # noqa: S608  (our own names)
            )
            for journal_id, journal in groupby(rows, key=itemgetter(0)):
                if journal_id < REGISTRY_JOURNAL:
                    name = format_receivable_id(journal_id)
                    self._report.add(Difference("entry", name, "journal_id", "the id of a journal", str(journal_id)))
                    continue
                states[journal_id] = self._fold(journal_id, self._entries(journal_id, journal))
        return states

    def _entries(self, journal_id: int, rows: Iterable[Sequence[Any]]) -> list[Entry]:
        """The entries of one journal, each compared with its columns and with the head that they give so far."""
        entries: list[Entry] = []
        head = self._projector.empty(journal_id).head
        for place, (*columns, topics, data, stored_head) in enumerate(rows, start=1):
            found = tuple(store.plain(column) for column in columns)
            name = f"{format_receivable_id(journal_id)} #{found[1]}"
            try:
                entry = decode(topics, data)
            except LogMalformed as broken:
                self._report.add(Difference("entry", name, "data", "an entry", str(broken)))
                continue
            head = append(head, entry.hash())
            for column, expected, value in zip(ENTRY_COLUMNS, entry_columns(entry, place), found, strict=True):
                self._report.expect("entry", name, column, expected, value)
            self._report.expect("entry", name, "head", head, stored_head)
            entries.append(entry)
        return entries

    def _fold(self, journal_id: int, entries: Sequence[Entry]) -> State:
        """The state after the entries, as far as they can follow each other."""
        state = self._projector.empty(journal_id)
        followed = 0
        try:
            for followed, (reached, _) in enumerate(self._projector.walk(state, entries), start=1):  # noqa: B007
                state = reached
        except JournalBroken as broken:
            name = f"{format_receivable_id(journal_id)} #{followed + 1}"
            self._report.add(Difference("entry", name, "data", "an entry that can follow", str(broken)))
            # The step that failed may have written to the state.
            return self._fold(journal_id, entries[:followed])
        return state

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
            for compared in compare_record(words, receivable):
                expect("contract", name, *compared)
        folded = {
            (receivable.receivable_id, part.start): (receivable, part)
            for receivable in receivables
            for part in receivable.certificates.values()
        }
        for key, word in self._view.certificates(folded, block=at).items():
            receivable, part = folded[key]
            name = str(part.id(receivable.receivable_id))
            for compared in compare_certificate(word, part, receivable):
                expect("contract", name, *compared)
        burdened = {key: part for key, (_, part) in folded.items() if part.lien or part.recourse or part.claimed}
        for key, rights in self._view.rights(burdened, block=at).items():
            part = burdened[key]
            name = str(part.id(key[0]))
            for compared in compare_rights(rights, part):
                expect("contract", name, *compared)
        marked = [receivable for receivable in receivables if receivable.orders]
        on_receivables = self._view.receivable_freezes([one.receivable_id for one in marked], block=at)
        for receivable in marked:
            name = format_receivable_id(receivable.receivable_id)
            expect("contract", name, "orders", on_receivables[receivable.receivable_id], receivable.orders)
        parts = {key: part for key, (_, part) in folded.items() if part.orders}
        for key, orders in self._view.certificate_freezes(parts, block=at).items():
            expect("contract", str(parts[key].id(key[0])), "orders", orders, parts[key].orders)

    def _compare_members(self, registry: Registry, receivables: Iterable[Receivable]) -> None:
        at = self._report.block_hash
        receivables = list(receivables)
        balances = Counter(part.holder for receivable in receivables for part in receivable.certificates.values())
        dishonoured = Counter(receivable.debtor for receivable in receivables if receivable.dishonoured)
        for address, word in self._view.members(registry.members, block=at).items():
            member = registry.members[address]
            name = format_address(address)
            self._report.expect("contract", name, "status", word.status, int(member.status))
            self._report.expect("contract", name, "kyc_expiry", word.kyc_expiry, member.kyc_expiry)
            self._report.expect("contract", name, "roles", word.roles, int(member.roles))
            self._report.expect("contract", name, "balance", word.balance, balances[address])
            self._report.expect("contract", name, "frozen", word.frozen, bool(member.orders))
            self._report.expect("contract", name, "dishonoured", word.dishonoured, dishonoured[address])
        marked = [address for address, member in registry.members.items() if member.orders]
        for address, orders in self._view.member_freezes(marked, block=at).items():
            name = format_address(address)
            self._report.expect("contract", name, "orders", orders, registry.members[address].orders)

    def _compare_policy(self, registry: Registry, receivables: Sequence[Receivable]) -> None:
        """The registry's own switches and parameters, as they are and as they are to be."""
        policy = self._view.policy(block=self._report.block_hash)
        movement, registration = policy.movement, policy.registration
        name, now = format_receivable_id(REGISTRY_JOURNAL), self._cursor.at

        def expect(field: str, on_chain: object, folded: object) -> None:
            self._report.expect("contract", name, field, on_chain, folded)

        expect("count", registration.count, len(receivables))
        expect("rules", movement.rules, registry.rules)
        expect("descriptor", policy.descriptor, registry.descriptor)
        expect("paused_since", policy.paused_since, registry.paused_since)
        expect("paused", movement.paused, bool(registry.paused_since))
        expect("paused_seconds", registration.paused_seconds, registry.paused_seconds)
        expect("sunset", movement.sunset, bool(registry.sunset_at))
        expect("desk", policy.settlement.desk, registry.desk)
        currencies = sorted({*registry.deposit_tokens, *(receivable.currency for receivable in receivables)})
        for currency, token in self._view.deposit_tokens(currencies, block=self._report.block_hash).items():
            expect(f"deposit token {currency:03}", token, registry.deposit_tokens.get(currency, ZERO_ADDRESS))
        for parameter, word in (
            (Parameter.TENOR_LIMIT_DAYS, registration.tenor_limit_days),
            (Parameter.MINIMUM_PART_MINOR, movement.minimum_part_minor),
            (Parameter.ANSWER_WINDOW_DAYS, registration.answer_window_days),
            (Parameter.UNANSWERED_MAX, registration.unanswered_max),
            (Parameter.OVERDUE_GRACE_DAYS, policy.settlement.overdue_grace_days),
        ):
            field = parameter.name.lower()
            last = registry.parameters[parameter][-1] if parameter in registry.parameters else None
            to_come = (last.value, last.effective) if last is not None and now < last.effective else None
            expect(field, word.in_force(now=now), self._in_force(registry, parameter))
            expect(f"{field} to come", (word.following, word.effective) if now < word.effective else None, to_come)
        delay = Parameter.FORCED_TRANSFER_DELAY_SECONDS
        expect(delay.name.lower(), self._view.forced_transfer_delay(), self._in_force(registry, delay))

    def _in_force(self, registry: Registry, parameter: Parameter) -> int | None:
        """None where the stored log lost the entry that set it."""
        if parameter not in registry.parameters:
            return None
        return parameter_in_force(registry, parameter, now=self._cursor.at)

    def _compare_unanswered(self, receivables: Iterable[Receivable]) -> None:
        """How many claims of one originator wait for one debtor's answer."""
        waiting: Counter[tuple[Address, Address]] = Counter()
        for receivable in receivables:
            waiting[receivable.debtor, receivable.originator] += receivable.status is Status.REGISTERED
        for (debtor, originator), count in waiting.items():
            on_chain = self._view.unanswered(debtor=debtor, originator=originator, block=self._report.block_hash)
            name = f"{format_address(originator)} on {format_address(debtor)}"
            self._report.expect("contract", name, "unanswered", on_chain, count)

    def _compare_order_references(self) -> None:
        """What is kept as the text of an order must be what its hash was made of."""
        for stored, authority, number in self._connection.execute(
            "SELECT order_hash, authority, number FROM order_reference ORDER BY order_hash"
        ).fetchall():
            made = order_hash(authority=authority, number=number) if authority and number else None
            self._report.expect("order_reference", _show(stored), "authority or number", stored, made)

    def _compare_bank_references(self) -> None:
        """The same of what the bank's books call a booking."""
        for stored, text in self._connection.execute(
            "SELECT reference_hash, text FROM bank_reference ORDER BY reference_hash"
        ).fetchall():
            self._report.expect(
                "bank_reference", _show(stored), "text", stored, bank_reference_hash(text) if text else None
            )

    def _compare_quotes(self) -> None:
        """What is kept of a quote must still be what its financier signed the digest of."""
        with self._connection.cursor(row_factory=dict_row) as rows:
            rows.execute(
                "SELECT digest AS stored, desk, financier, holder, receivable_id, start_minor AS start,"
                " end_minor AS end, cut_minor AS cut, kind, token, price_minor AS price, amount_minor AS amount,"
                " anchor, nonce, expiry_at AS expiry FROM quote ORDER BY digest"
            )
            for row in rows.fetchall():
                stored, domain = row.pop("stored"), desk_domain(chain_id=self._cursor.chain_id, desk=row.pop("desk"))
                terms = {name: store.plain(value) for name, value in row.items()}
                quote = Quote(**terms | {"nonce": int.from_bytes(row["nonce"])})
                self._report.expect("quote", _show(stored), "terms", digest(quote, domain), stored)

    def _compare_headers(self) -> None:
        rows = self._connection.execute("SELECT number, hash, parent_hash, at FROM block ORDER BY number").fetchall()
        for (number, *found), block in zip(rows, self._view.node.blocks(row[0] for row in rows), strict=True):
            expected = (None,) * 3 if block is None else (block.hash, block.parent_hash, block.at)
            for column, value, stored in zip(("hash", "parent_hash", "at"), expected, found, strict=True):
                self._report.expect("block", str(number), column, value, stored)
        numbers = {row[0] for row in rows}
        # Of what is final the mirror keeps the headers that an entry refers to, and few others.
        spoken = self._connection.execute("SELECT DISTINCT block_number FROM entry").fetchall()
        for number in sorted({number for (number,) in spoken}.union({self._cursor.number} if rows else ()) - numbers):
            self._report.add(Difference("block", str(number), "row", "present", "absent"))
        for number in sorted(number for number in numbers if number > self._cursor.number):
            self._report.add(Difference("block", str(number), "row", "absent", "present"))

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
                (log.block_hash, log.log_index): (log.block_number, log.tx_hash, log.topics, log.data) for log in logs
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

    def _compare_invoices(self, receivables: Iterable[Receivable]) -> None:
        """What is kept of an invoice must still be what its root commits to, and whose claim it is."""
        claims: dict[bytes, list[Receivable]] = defaultdict(list)
        for receivable in receivables:
            claims[receivable.document_root].append(receivable)
        attachments: dict[bytes, list[tuple[Attachment, bytes]]] = defaultdict(list)
        for root, file_name, sha256, size_bytes, salt in self._connection.execute(
            "SELECT document_root, file_name, sha256, size_bytes, salt FROM invoice_attachment"
            " ORDER BY document_root, position"
        ).fetchall():
            attachments[root].append((Attachment(file_name, sha256, size_bytes), salt))
        for root, fields, originator, debtor, fingerprint, key, *found in self._connection.execute(
            "SELECT document_root, fields, originator, debtor, fingerprint, number_key, number, type_code, format,"
            " to_char(issue_date, 'YYYY-MM-DD'), coalesce(to_char(due_date, 'YYYY-MM-DD'), ''),"
            " encode(file_sha256, 'hex'), currency, payable_minor::text FROM invoice ORDER BY document_root"
        ).fetchall():
            name = _show(root)
            opened = _opened(fields, attachments.get(root, []))
            if opened is None:
                self._report.add(Difference("invoice", name, "fields", "what the root commits to", "malformed"))
            else:
                committed_root, committed = opened
                *texts, number, payable = found
                currency = currency_to_show(number)
                texts += [currency.code, format_amount(int(payable), currency)]
                self._report.expect("invoice", name, "fields", root, committed_root)
                self._report.expect("invoice", name, "number_key", number_key(committed["number"]), key)
                for column, field_, text in zip(_INVOICE_COLUMNS, _INVOICE_FIELDS, texts, strict=True):
                    self._report.expect("invoice", name, column, committed[field_], text)
            # Anybody who learns a root can register it once more: one claim must be this invoice's. None is, while
            # the registration is on its way.
            parties = (originator, debtor, fingerprint)
            expected = [(claim.originator, claim.debtor, claim.fingerprint) for claim in claims[root]] or [parties]
            if parties in expected:
                expected = [parties]
            for column, value, stored in zip(
                ("originator", "debtor", "fingerprint"), expected[0], parties, strict=True
            ):
                self._report.expect("invoice", name, column, value, stored)

    def _compare_profiles(self) -> None:
        """What is kept of a profile must still be what it commits to, and parties be called what theirs says."""
        for profile, name, identity, salt in self._connection.execute(
            "SELECT profile, name, identity, salt FROM party_profile ORDER BY profile"
        ).fetchall():
            committed = party_profile(name=name, identity=identity or "", salt=salt)
            self._report.expect("party_profile", _show(profile), "name, identity or salt", profile, committed)
        for member, address, *names in self._connection.execute(
            "SELECT member.address, known.address, known.name, known.identity, party.name, party.identity"
            " FROM member JOIN party_profile AS known ON known.profile = member.profile"
            " LEFT JOIN party ON party.address = member.address ORDER BY member.address"
        ).fetchall():
            row = format_address(member)
            self._report.expect("party_profile", row, "address", member, address)
            for column, value, stored in zip(("name", "identity"), names[:2], names[2:], strict=True):
                self._report.expect("party", row, column, value, stored)


_INVOICE_COLUMNS = (
    "number",
    "type_code",
    "format",
    "issue_date",
    "due_date",
    "file_sha256",
    "currency",
    "payable_minor",
)
"""Columns of an invoice in the order in which they are compared with _INVOICE_FIELDS."""

_INVOICE_FIELDS = (*_INVOICE_COLUMNS[:-1], "payable")
"""The committed fields that these columns repeat."""


def _opened(fields: Any, attachments: Sequence[tuple[Attachment, bytes]]) -> tuple[bytes, Mapping[str, str]] | None:
    """Root and values of what is stored of an invoice and its attachments, or None where they are not what they were:
    fields with salts, and as many attachments as the schema says."""
    try:
        pairs = [(name, value) for name, value, _ in fields]
        pairs += attachment_fields([attachment for attachment, _ in attachments])
        salts = [bytes.fromhex(salt) for _, _, salt in fields] + [salt for _, salt in attachments]
        return commit(pairs, salts).root, dict(pairs)
    except (TypeError, ValueError, AttributeError):
        return None


def _row_name(table: str, row: store.Row) -> str:
    match table:
        case "certificate":
            return str(CertificateId(row[0], row[1], row[2]))
        case "member":
            return format_address(row[0])
        case "order_freeze":
            return f"{Scope(row[0]).name.lower()} {row[3].hex() or f'R-{row[1]}/{row[2]}-{row[5]}'}: {_show(row[4])}"
        case "parameter":
            return f"{row[0]} from {row[1]}"
        case "deposit_token":
            return currency_to_show(row[0]).code
        case _:
            return format_receivable_id(row[0])


def _show(value: object) -> str:
    return "0x" + value.hex() if isinstance(value, bytes) else str(value)
