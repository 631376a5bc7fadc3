"""Time of every list query over a book of 200,000 certificates: `python -m scripts.bench.lists [--certificates N]`.

The book is made of journals, folded as the mirror folds them and brought into a database of its own by COPY: 300
debtors, 2,000 suppliers, 30 financiers, of very unequal size, over two years, in which much was pledged, sold and paid.
Each receivable then stands for so many alike, which the database makes of it. Every question is asked many times with
other parties, days and pages, 50 rows each, and its median and 99th percentile are told.
"""

# ruff: noqa: S608  (statements are put together from the table and column names that the mirror declares)

from __future__ import annotations

import argparse
import hashlib
import json
import math
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection

from registry.chain.rpc import Block, RawLog
from registry.domain import amounts, journal
from registry.domain.fold import empty_receivable, empty_registry, walk, walk_registry
from registry.domain.identifiers import Address
from registry.domain.journal import Entry, word
from registry.domain.keccak import keccak256
from registry.domain.receivable import DAY_SECONDS, Certificate, Parameter, Phase, Receivable, Registry, Scope, Status
from registry.mirror import store
from registry.mirror.copying import ENTRY_COLUMNS, entry_row
from registry.store.database import Database
from registry.store.embedded import EmbeddedPostgres
from registry.store.queries import certificates, entries, health, journals, members, orders, parties, receivables
from registry.store.queries import registry as registry_queries
from registry.store.queries.health import CursorRow

CERTIFICATES = 200_000
COPIES = 20
"""How many receivables each of those that are folded stands for."""
ROUNDS = 200
WARM_UP_ROUNDS = 5
ROWS = 50

CHAIN_ID = 31337
CONTRACT: Address = b"\xc0" * 20
OFFICER, SECOND, OPERATOR, DESK = (bytes([number]) * 20 for number in (0xF1, 0xF2, 0xF3, 0xF4))
NO_QUOTE = bytes(32)
DOCUMENT = b"\xd0" * 32

BEGIN = 20_500 * DAY_SECONDS
"""The first day of the book, seconds."""
SPAN_DAYS = 730
ANSWER_DAYS = 30
GRACE_DAYS = 3
ENTRIES_PER_BLOCK = 60
CURRENCIES = {978: 60, 156: 30, 840: 9, 392: 1}
CUTS = {0: 20, 1: 20, 2: 25, 3: 15, 5: 15, 8: 5}
"""How often a receivable is cut how many times, percent."""
CERTIFICATES_PER_RECEIVABLE = 1.25
"""That are left in the end: of what was paid hardly any."""
ENTRY_COPIES_MAX = 4
"""Of a receivable that stands for many so many have their entries: those are most of the bytes."""
SCATTERED_AMONG, SCATTERED_STRIDE = 20_000, 1_001
"""Copies are dealt out among so many neighbours, so far apart; the two have no common divisor."""


@dataclass
class Book:
    """What was filled in, to ask about: parties by size, the largest first, and some of what orders are on."""

    debtors: list[Address]
    suppliers: list[Address]
    financiers: list[Address]
    now: int
    receivables: int = 0
    certificates: int = 0
    orders: list[bytes] = field(default_factory=list)
    frozen_members: list[Address] = field(default_factory=list)
    frozen_receivables: list[int] = field(default_factory=list)
    paid_receivables: list[int] = field(default_factory=list)

    def any_of(self, people: Sequence[Address], rng: random.Random) -> Address:
        """Somebody, as often a large one as it has more: what most people ask about."""
        return people[min(int(rng.paretovariate(1.1)) - 1, len(people) - 1)]

    def day(self, rng: random.Random) -> int:
        """A midnight of the book."""
        return BEGIN + rng.randrange(SPAN_DAYS) * DAY_SECONDS

    def receivable_id(self, rng: random.Random) -> int:
        """Some receivable."""
        return rng.randrange(1, self.receivables + 1)


# ------------------------------------------------------------------------ the book


def fill(database: Database, *, count: int, copies: int = 1, with_money: bool = True, seed: int = 1) -> Book:
    """Fill an empty, migrated database with a book of about so many certificates, and let it know its statistics.

    One of `copies` receivables is folded, the others are like it in all that lists look at: without copies the book is
    one that the mirror could have written. Without money nothing is pledged, sold, disputed or paid.
    """
    rng = random.Random(seed)  # noqa: S311  (the same book every time, not a secret)
    people = [keccak256(b"party" + word(number))[:20] for number in range(2_330)]
    book = Book(people[:300], people[300:2_300], people[2_300:], BEGIN + SPAN_DAYS * DAY_SECONDS)
    with database.bulk() as connection, _without_indexes(connection):
        log = _Log(connection)
        rows = _Rows(connection)
        rows.add(log.journal(empty_registry(chain_id=CHAIN_ID, contract=CONTRACT), _own_journal(book, rng)))
        # So many receivables that the days go by as slowly as certificates come.
        expected = math.ceil(count / copies / CERTIFICATES_PER_RECEIVABLE)
        while book.certificates < count / copies:
            book.receivables += 1
            at = BEGIN + min(book.receivables, expected) * SPAN_DAYS * DAY_SECONDS // expected
            empty = empty_receivable(chain_id=CHAIN_ID, contract=CONTRACT, receivable_id=book.receivables)
            state = log.journal(empty, _claim(book, rng, log.reached, at=at, with_money=with_money))
            assert isinstance(state, Receivable)
            rows.add(state)
            book.certificates += len(state.certificates)
        log.flush()
        rows.flush()
        if copies > 1:
            _copy(connection, book, copies)
        for found, statement in (
            (book.frozen_receivables, "SELECT receivable_id FROM order_freeze WHERE scope = 2 ORDER BY 1"),
            (book.paid_receivables, "SELECT journal_id FROM entry WHERE operation = 20 ORDER BY 1"),
        ):
            found += [number for (number,) in connection.execute(statement)]
        store.insert_cursor(
            connection,
            store.Cursor(CHAIN_ID, CONTRACT, log.number, log.number.to_bytes(32), book.now, 0, 0, log.number),
        )
        with connection.cursor().copy("COPY party (address, handle, name) FROM STDIN") as copy:
            for number, address in enumerate(people):
                copy.write_row((address, f"party-{number}", f"Party {number} Ltd"))
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    return book


@contextmanager
def _without_indexes(connection: psycopg.Connection) -> Iterator[None]:
    """Built once over all rows, indexes take a fraction of what they take row by row."""
    indexes = connection.execute(
        "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND indexname LIKE 'ix_%%'"
    ).fetchall()
    for name, _ in indexes:
        connection.execute(f"DROP INDEX {name}")
    yield
    for _, definition in indexes:
        connection.execute(definition)


def _copy(connection: psycopg.Connection, book: Book, copies: int) -> None:
    """So many receivables for each, numbered in the order of their registration; those alike lie far apart."""
    others = {
        "journal_id": "number",
        "receivable_id": "number",
        "registered_at": f"{BEGIN} + number * {SPAN_DAYS * DAY_SECONDS} / %(receivables)s",
        "fingerprint": "sha256('print'::bytea || int8send(number))",
        "document_root": "sha256('root'::bytea || int8send(number))",
        "log_index": "log_index * %(copies)s + copy",
    }
    parameters = {
        "copies": copies,
        "receivables": book.receivables * copies,
        "among": SCATTERED_AMONG,
        "stride": SCATTERED_STRIDE,
        "scattered": book.receivables * copies // SCATTERED_AMONG * SCATTERED_AMONG,
    }
    entry = ("block_hash", "log_index", "block_number", "tx_hash", *ENTRY_COLUMNS, "topics", "data", "head")
    projections = [
        (name, store.PROJECTIONS[name][0]) for name in ("journal", "receivable", "certificate", "order_freeze")
    ]
    for table, columns in (*projections, ("entry", entry)):
        key = "journal_id" if "journal_id" in columns else "receivable_id"
        made = ", ".join(others.get(column, column) for column in columns)
        last = min(copies, ENTRY_COPIES_MAX if table == "entry" else copies) - 1
        connection.execute(f"CREATE TEMPORARY TABLE one AS SELECT * FROM {table} WHERE {key} > 0")
        connection.execute(f"DELETE FROM {table} WHERE {key} > 0")
        connection.execute(
            f"INSERT INTO {table} ({', '.join(columns)}) SELECT {made} FROM one, generate_series(0, {last}) AS copy,"
            f" LATERAL (SELECT ({key} - 1) * %(copies)s + copy AS place) AS placed,"
            " LATERAL (SELECT 1 + CASE WHEN place >= %(scattered)s THEN place"
            " ELSE place / %(among)s * %(among)s + place %% %(among)s * %(stride)s %% %(among)s END AS number"
            ") AS numbered ORDER BY number",
            parameters,
        )
        connection.execute("DROP TABLE one")
    book.receivables *= copies
    book.certificates *= copies


class _Log:
    """Folds journals and writes their entries, ENTRIES_PER_BLOCK to a block."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection
        self.number = 1
        self._blocks: list[Block] = []
        self._new: list[bytes] = []
        self._state: Receivable | Registry | None = None

    def reached(self) -> Receivable:
        """The receivable whose journal is being folded, as it is after the last entry."""
        assert isinstance(self._state, Receivable)
        return self._state

    def journal(self, empty: Receivable | Registry, made: Iterable[Entry]) -> Receivable | Registry:
        """The state after these entries, which are now in the log."""
        state = empty
        steps = walk_registry(empty, made) if isinstance(empty, Registry) else walk(empty, made)
        for reached, entry in steps:
            state = self._state = reached
            topics, data = _encoded(entry)
            index = len(self._new) % ENTRIES_PER_BLOCK
            if index == 0:
                self.number += 1
                block_hash, parent = self.number.to_bytes(32), (self.number - 1).to_bytes(32)
                self._blocks.append(Block(self.number, block_hash, parent, entry.time, b"", None))
            raw = RawLog(CONTRACT, self.number, self.number.to_bytes(32), index, state.head, topics, data)
            self._new.append(entry_row(raw, entry, state.length, state.head))
        return state

    def flush(self) -> None:
        store.insert_log(self._connection, self._blocks, self._new)


class _Rows:
    """Collects projection rows and writes them by COPY."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection
        self._rows: dict[str, list[store.Row]] = {table: [] for table in store.PROJECTIONS}

    def add(self, state: Receivable | Registry) -> None:
        for table, rows in store.rows_of(state).items():
            self._rows[table] += rows

    def flush(self) -> None:
        for table, rows in self._rows.items():
            columns, _ = store.PROJECTIONS[table]
            with self._connection.cursor().copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)


def _encoded(entry: Entry) -> tuple[bytes, bytes]:
    """Topics and data of the log that tells of an entry."""
    topic, indexed, others = _FORMS[type(entry)]
    topics = b"".join([topic, *(word(getattr(entry, name)) for name in indexed)])
    return topics, b"".join([word(getattr(entry, name)) for name in others])


_FORMS = {
    kind: (
        kind.topic(),
        [argument.name for argument in kind.arguments() if argument.indexed],
        [argument.name for argument in kind.arguments() if not argument.indexed],
    )
    for kind in journal.ENTRY_TYPES
}
"""First topic of each entry's logs, and the names of the arguments that are topics, and of those that are data."""


def _own_journal(book: Book, rng: random.Random) -> Iterator[Entry]:
    """R-0: parameters, members, some of them frozen."""
    values = {
        Parameter.TENOR_LIMIT_DAYS: 365,
        Parameter.MINIMUM_PART_MINOR: 1,
        Parameter.ANSWER_WINDOW_DAYS: ANSWER_DAYS,
        Parameter.UNANSWERED_MAX: 1_000,
        Parameter.FORCED_TRANSFER_DELAY_SECONDS: DAY_SECONDS,
        Parameter.OVERDUE_GRACE_DAYS: GRACE_DAYS,
    }
    for parameter, value in values.items():
        yield journal.ParameterSet(parameter, OPERATOR, value, BEGIN, BEGIN)
    for role, people in ((2, book.debtors), (1, book.suppliers), (4, book.financiers)):
        for member in people:
            yield journal.MemberAdmitted(member, OPERATOR, book.now + 100 * DAY_SECONDS, role, word(role), BEGIN)
    for member in (*rng.sample(book.suppliers[50:], 4), book.financiers[3]):
        book.frozen_members.append(member)
        yield journal.MemberFrozen(member, _order(book, rng), OFFICER, SECOND, _expiry(book, rng), BEGIN)


def _claim(
    book: Book, rng: random.Random, reached: Callable[[], Receivable], *, at: int, with_money: bool
) -> Iterator[Entry]:
    """The journal of one receivable that was registered at an instant; `reached` is what it has come to."""
    number = book.receivables
    debtor, originator = book.any_of(book.debtors, rng), rng.choice(book.suppliers)
    face = int(rng.lognormvariate(13.5, 1.2)) + 1_000
    due = (at // DAY_SECONDS + rng.choice((30, 45, 60, 60, 90, 90, 120, 180))) * DAY_SECONDS
    (currency,) = rng.choices([*CURRENCIES], [*CURRENCIES.values()])
    answer_by = at + ANSWER_DAYS * DAY_SECONDS
    print_, root = fingerprint(number), document_root(number)
    yield journal.Registered(number, originator, debtor, face, due, currency, print_, root, answer_by, at)
    later = at + DAY_SECONDS
    if at > book.now - 20 * DAY_SECONDS and rng.random() < 0.7:
        if rng.random() < 0.3:
            yield journal.CounterOffered(number, debtor, face, face - 1, due, later)
        return
    fate = rng.random()
    if fate < 0.05:
        yield journal.Refused(number, debtor, 1 + int(fate * 100), face, later)
    elif fate < 0.08:
        yield journal.Withdrawn(number, originator, face, later)
    elif fate < 0.12 and answer_by < book.now:
        yield journal.Lapsed(number, originator, face, answer_by)
    else:
        yield journal.Confirmed(number, debtor, originator, face, later)
        yield from _travels(book, rng, number, originator, face=face, at=later, with_money=with_money)
        if rng.random() < 0.012:
            yield _ordered(book, rng, reached(), at=later)
        elif with_money:
            yield from _secures(book, rng, reached, at=later)
            yield from _ends(book, rng, reached)


def fingerprint(number: int) -> bytes:
    """Of the receivable of this number."""
    return hashlib.sha256(b"print" + number.to_bytes(8)).digest()


def document_root(number: int) -> bytes:
    """Of the receivable of this number."""
    return hashlib.sha256(b"root" + number.to_bytes(8)).digest()


def _travels(
    book: Book, rng: random.Random, number: int, originator: Address, *, face: int, at: int, with_money: bool
) -> Iterator[Entry]:
    """A confirmed receivable goes in parts to suppliers and financiers; some of these buy theirs."""
    (cuts,) = rng.choices([*CUTS], [*CUTS.values()])
    end = face
    for cut in sorted(rng.sample(range(1, face), cuts), reverse=True):
        if rng.random() < 0.6:
            financier = book.any_of(book.financiers, rng)
            if with_money and rng.random() < 0.3:
                price, recourse = math.ceil((end - cut) * 0.97), (end - cut) * rng.randrange(2)
                quote = keccak256(b"quote" + word(number) + word(cut))
                yield journal.Sold(number, DESK, financier, 0, end, cut, price, recourse, quote, at)
            else:
                yield journal.Split(number, originator, financier, 0, end, cut, DOCUMENT, at)
        else:
            yield journal.Split(number, originator, rng.choice(book.suppliers), 0, end, cut, DOCUMENT, at)
        end = cut
    if rng.random() < 0.3:
        receiver = book.any_of(book.financiers, rng)
        yield journal.Endorsed(number, originator, receiver, 0, end, DOCUMENT, at)


def _ordered(book: Book, rng: random.Random, state: Receivable, *, at: int) -> Entry:
    """Officers freeze the front, or all of it."""
    expiry = _expiry(book, rng, at)
    if rng.random() < 0.2:
        return journal.ReceivableFrozen(state.receivable_id, _order(book, rng), OFFICER, SECOND, state.face, expiry, at)
    front = state.certificates[0]
    return journal.CertificateFrozen(
        state.receivable_id, _order(book, rng), OFFICER, SECOND, front.start, front.end, expiry, at
    )


def _secures(book: Book, rng: random.Random, reached: Callable[[], Receivable], *, at: int) -> Iterator[Entry]:
    """Suppliers borrow on some of what they hold; the debtor disputes a little."""
    number = reached().receivable_id
    front = reached().front
    if front is not None and rng.random() < 0.01:
        cut = rng.randint(1, front.end)
        yield journal.Disputed(number, front.holder, reached().debtor, 0, front.end, cut, at)
    state = reached()
    for part in _parts(state):
        is_free = not state.disputed or part.start >= state.senior
        if is_free and part.holder not in book.financiers and rng.random() < 0.1:
            financier, secured = book.any_of(book.financiers, rng), math.ceil(part.amount * 0.8)
            yield journal.Pledged(number, part.holder, financier, part.start, part.end, secured, 0, NO_QUOTE, at)


def _ends(book: Book, rng: random.Random, reached: Callable[[], Receivable]) -> Iterator[Entry]:
    """What becomes of it once it is due, by the last day of the book: most is paid, and paid out."""
    state = reached()
    number, face, debtor, due = state.receivable_id, state.face, state.debtor, state.due
    if due + 15 * DAY_SECONDS > book.now:
        return
    fate = rng.random()
    if fate < 0.62 and (payable := amounts.payable(state)):
        # All of it, or a third.
        yield journal.Paid(number, debtor, face, payable if fate < 0.6 else math.ceil(payable / 3), due)
        for part in _parts(reached()):
            out = amounts.payout(reached(), part)
            if out.amount and rng.random() < 0.99:
                yield journal.Redeemed(
                    number, part.holder, part.holder, part.start, part.end, out.amount, out.to_financier, due
                )
        return
    for part in _parts(state):
        if part.recourse and rng.random() < 0.5:
            yield journal.RecourseDemanded(
                number, part.holder, part.recourse.seller, part.start, part.end, due + 2 * DAY_SECONDS
            )
    if rng.random() < 0.05 and amounts.payable(state):
        yield journal.Dishonoured(number, OPERATOR, face, due + 5 * DAY_SECONDS)
    if rng.random() < 0.05:
        yield journal.Closed(number, OPERATOR, face, due + 10 * DAY_SECONDS)


def _parts(state: Receivable) -> list[Certificate]:
    """The certificates as they are now: what the state has changes with the next entry."""
    return list(state.certificates.values())


def _order(book: Book, rng: random.Random) -> bytes:
    """A new order, or one that freezes other things too."""
    if not book.orders or rng.random() < 0.7:
        book.orders.append(keccak256(b"order" + word(len(book.orders))))
    return rng.choice(book.orders[-20:])


def _expiry(book: Book, rng: random.Random, at: int = BEGIN) -> int:
    """Most orders still hold."""
    return book.now + rng.randrange(1, 500) * DAY_SECONDS if rng.random() < 0.7 else at + DAY_SECONDS


# ------------------------------------------------------------------- the questions

Question = Callable[[Connection, Book, random.Random], object]


def _receivables(sought: Callable[[Book, random.Random], dict[str, Any]], *, by_due: bool = False) -> Question:
    """A page of receivables, from some place in the list on."""

    def ask(connection: Connection, book: Book, rng: random.Random) -> object:
        if by_due:
            after = rng.choice([None, (book.day(rng), book.receivable_id(rng))])
            return receivables.receivables_by_due(connection, after=after, limit=ROWS, **sought(book, rng))
        return receivables.receivables(
            connection, after=rng.choice([None, book.receivable_id(rng)]), limit=ROWS, **sought(book, rng)
        )

    return ask


def _certificates(sought: Callable[[Book, random.Random], dict[str, Any]], *, by_due: bool = False) -> Question:
    """A page of certificates, from some place in the list on."""

    def ask(connection: Connection, book: Book, rng: random.Random) -> object:
        if by_due:
            key = rng.choice([None, (book.day(rng), book.receivable_id(rng), 0)])
            return certificates.certificates_by_due(connection, after=key, limit=ROWS, **sought(book, rng))
        return certificates.certificates(
            connection, after=rng.choice([None, (book.receivable_id(rng), 0)]), limit=ROWS, **sought(book, rng)
        )

    return ask


def _window(book: Book, rng: random.Random, days: int) -> dict[str, int]:
    """Due within so many days."""
    begin = book.day(rng)
    return {"due_from": begin, "due_before": begin + days * DAY_SECONDS}


def _registered(book: Book, rng: random.Random, days: int) -> dict[str, int]:
    """Registered within so many days."""
    begin = book.day(rng)
    return {"registered_from": begin, "registered_before": begin + days * DAY_SECONDS}


def _large(book: Book, rng: random.Random) -> dict[str, Address]:
    return {"debtor": book.any_of(book.debtors, rng)}


def _any_debtor(book: Book, rng: random.Random) -> dict[str, Address]:
    return {"debtor": rng.choice(book.debtors)}


def _originator(book: Book, rng: random.Random) -> dict[str, Address]:
    return {"originator": rng.choice(book.suppliers)}


def _bank(book: Book, rng: random.Random) -> dict[str, Address]:
    return {"holder": book.any_of(book.financiers, rng)}


def _supplier(book: Book, rng: random.Random) -> dict[str, Address]:
    return {"holder": rng.choice(book.suppliers)}


def _phase(phase: Phase) -> Callable[[Book, random.Random], dict[str, Any]]:
    return lambda book, rng: {"phase_at": (phase, book.now - rng.randrange(100) * DAY_SECONDS)}


def _status(status: Status) -> Callable[[Book, random.Random], dict[str, Any]]:
    return lambda book, rng: {"status": status}  # noqa: ARG005  (one shape for all filters)


def _currency(currency: int) -> Callable[[Book, random.Random], dict[str, Any]]:
    return lambda book, rng: {"currency": currency}  # noqa: ARG005  (one shape for all filters)


def _frozen(frozen: bool) -> Callable[[Book, random.Random], dict[str, Any]]:  # noqa: FBT001  (the filter itself)
    return lambda book, rng: {"frozen_at": (frozen, book.now)}  # noqa: ARG005  (one shape for all filters)


def _due(days: int) -> Callable[[Book, random.Random], dict[str, Any]]:
    return lambda book, rng: _window(book, rng, days)


def _since(days: int) -> Callable[[Book, random.Random], dict[str, Any]]:
    return lambda book, rng: _registered(book, rng, days)


def _both(*parts: Callable[[Book, random.Random], dict[str, Any]]) -> Callable[[Book, random.Random], dict[str, Any]]:
    def merged(book: Book, rng: random.Random) -> dict[str, Any]:
        return {name: value for part in parts for name, value in part(book, rng).items()}

    return merged


def _nothing(book: Book, rng: random.Random) -> dict[str, Any]:  # noqa: ARG001  (one shape for all filters)
    return {}


def _lender(book: Book, rng: random.Random) -> dict[str, Any]:
    return {"lien_financier": book.any_of(book.financiers, rng)}


def _seller(book: Book, rng: random.Random) -> dict[str, Any]:
    return {"recourse_seller": rng.choice(book.suppliers)}


def _is(**flags: bool) -> Callable[[Book, random.Random], dict[str, Any]]:
    return lambda book, rng: flags  # noqa: ARG005  (one shape for all filters)


def _page_of_standings(connection: Connection, book: Book, rng: random.Random) -> object:
    """What every page asks besides: how final its rows are."""
    return journals.standings(connection, {book.receivable_id(rng) for _ in range(ROWS)}, cursor=_at(book, rng))


def _at(book: Book, rng: random.Random) -> CursorRow:
    """A mirror of which some blocks are final."""
    final = rng.randrange(book.receivables)
    return CursorRow(CHAIN_ID, CONTRACT, book.receivables, bytes(32), book.now, final, final, 0)


def _page_of_orders(connection: Connection, book: Book, rng: random.Random) -> object:
    """What a page of certificates asks besides: the orders on them."""
    start = book.receivable_id(rng)
    return orders.freezes_on(
        connection,
        now=book.now,
        certificates=[(start + number, 0) for number in range(ROWS)],
        members=rng.sample(book.financiers, 20),
    )


QUESTIONS: dict[str, Question] = {
    "receivables": _receivables(_nothing),
    **{f"receivables, {status.name.lower()}": _receivables(_status(status)) for status in Status if status},
    "receivables of a debtor": _receivables(_large),
    "receivables of any debtor": _receivables(_any_debtor),
    "receivables of an originator": _receivables(_originator),
    "receivables of a debtor, refused": _receivables(_both(_large, _status(Status.REFUSED))),
    "receivables of a debtor and an originator": _receivables(_both(_large, _originator)),
    "receivables in a common currency": _receivables(_currency(978)),
    "receivables in a rare currency": _receivables(_currency(392)),
    "receivables of a debtor in a rare currency": _receivables(_both(_large, _currency(392))),
    "receivables registered on a day": _receivables(_since(1)),
    "receivables registered in a quarter": _receivables(_since(90)),
    "receivables of a debtor registered in a month": _receivables(_both(_large, _since(30))),
    "receivables, frozen": _receivables(_frozen(True)),
    "receivables, not frozen": _receivables(_frozen(False)),
    "receivables of a debtor, frozen": _receivables(_both(_large, _frozen(True))),
    **{
        f"receivables by due date, {phase.value}": _receivables(_phase(phase), by_due=True)
        for phase in (Phase.LIVE, Phase.DUE, Phase.OVERDUE)
    },
    "receivables due on a day": _receivables(_due(1), by_due=True),
    "receivables due in a quarter": _receivables(_due(90), by_due=True),
    "receivables of a debtor due in a week": _receivables(_both(_large, _due(7)), by_due=True),
    "receivables of an originator, overdue": _receivables(_both(_originator, _phase(Phase.OVERDUE)), by_due=True),
    "receivables in a rare currency due in a quarter": _receivables(_both(_currency(392), _due(90)), by_due=True),
    "receivables due in a quarter, frozen": _receivables(_both(_due(90), _frozen(True)), by_due=True),
    "receivables registered in a month due in a quarter": _receivables(_both(_since(30), _due(90)), by_due=True),
    "receivables by due date of a debtor, overdue": _receivables(_both(_large, _phase(Phase.OVERDUE)), by_due=True),
    "receivables, paid": _receivables(_phase(Phase.PAID)),
    "receivables of a debtor, paid": _receivables(_both(_large, _phase(Phase.PAID))),
    "receivables, disputed": _receivables(_is(disputed=True)),
    "receivables, dishonoured": _receivables(_is(dishonoured=True)),
    "receivables of a debtor, dishonoured": _receivables(_both(_large, _is(dishonoured=True))),
    "totals of what is overdue": lambda connection, book, rng: receivables.overdue(  # noqa: ARG005  (one shape for all questions)
        connection, now=book.now, limit=ROWS
    ),
    "totals of what a debtor has overdue": lambda connection, book, rng: receivables.overdue(
        connection, now=book.now, debtor=book.any_of(book.debtors, rng)
    ),
    "totals of what is dishonoured": lambda connection, book, rng: receivables.dishonoured(  # noqa: ARG005  (one shape for all questions)
        connection, limit=ROWS
    ),
    "inbox": lambda connection, book, rng: receivables.pending(connection, book.any_of(book.debtors, rng), limit=ROWS),
    "calendar": lambda connection, book, rng: receivables.due_days(
        connection, book.any_of(book.debtors, rng), limit=ROWS
    ),
    "calendar from a day on": lambda connection, book, rng: receivables.due_days(
        connection, book.any_of(book.debtors, rng), due_from=book.day(rng), limit=ROWS
    ),
    "receivable by fingerprint": lambda connection, book, rng: receivables.receivables(
        connection, fingerprint=fingerprint(book.receivable_id(rng))
    ),
    "receivables by document roots": lambda connection, book, rng: receivables.receivables(
        connection, document_roots=[document_root(book.receivable_id(rng)) for _ in range(3)]
    ),
    "certificates": _certificates(_nothing),
    "certificates of a financier": _certificates(_bank),
    "certificates of a supplier": _certificates(_supplier),
    "certificates of a financier on a debtor": _certificates(_both(_bank, _large)),
    "certificates of a financier in a rare currency": _certificates(_both(_bank, _currency(392))),
    "certificates of a financier registered in a month": _certificates(_both(_bank, _since(30))),
    "certificates on a debtor": _certificates(_large),
    "certificates of an originator's receivables": _certificates(_originator),
    "certificates in a rare currency": _certificates(_currency(392)),
    "certificates registered on a day": _certificates(_since(1)),
    "certificates, frozen": _certificates(_frozen(True)),
    "certificates, not frozen": _certificates(_frozen(False)),
    "certificates of a financier, frozen": _certificates(_both(_bank, _frozen(True))),
    "certificates on a debtor, frozen": _certificates(_both(_large, _frozen(True))),
    "certificates of a financier by due date": _certificates(_bank, by_due=True),
    "certificates of a financier due in a week": _certificates(_both(_bank, _due(7)), by_due=True),
    "certificates of a financier on a debtor due in a quarter": _certificates(
        _both(_bank, _large, _due(90)), by_due=True
    ),
    "certificates of a financier, overdue": _certificates(_both(_bank, _phase(Phase.OVERDUE)), by_due=True),
    "certificates due on a day": _certificates(_due(1), by_due=True),
    "certificates on a debtor due in a month": _certificates(_both(_large, _due(30)), by_due=True),
    "certificates, due": _certificates(_phase(Phase.DUE), by_due=True),
    "certificates due in a quarter, frozen": _certificates(_both(_due(90), _frozen(True)), by_due=True),
    "certificates of a financier, paid": _certificates(_both(_bank, _phase(Phase.PAID))),
    "certificates, paid": _certificates(_phase(Phase.PAID)),
    "certificates, closed": _certificates(_phase(Phase.CLOSED)),
    "certificates, disputed": _certificates(_is(disputed=True)),
    "certificates of a supplier, pledged": _certificates(_both(_supplier, _is(pledged=True))),
    "certificates of a supplier, not pledged": _certificates(_both(_supplier, _is(pledged=False))),
    "certificates that secure a financier's loans": _certificates(_lender),
    "certificates that secure a financier's loans by due date": _certificates(_lender, by_due=True),
    "certificates that secure a financier's loans, overdue": _certificates(
        _both(_lender, _phase(Phase.OVERDUE)), by_due=True
    ),
    "certificates that secure a financier's loans on a debtor": _certificates(_both(_lender, _large)),
    "certificates that a seller may have to take back": _certificates(_seller),
    "certificates that a financier bought with recourse": _certificates(_both(_bank, _is(with_recourse=True))),
    "certificates of a financier with recourse, overdue": _certificates(
        _both(_bank, _is(with_recourse=True), _phase(Phase.OVERDUE)), by_due=True
    ),
    "certificates of a receivable": lambda connection, book, rng: certificates.certificates_of(
        connection, book.receivable_id(rng), limit=ROWS
    ),
    "totals of a financier's book": lambda connection, book, rng: certificates.book(
        connection, book.any_of(book.financiers, rng), now=book.now
    ),
    "totals of what secures a financier's loans": lambda connection, book, rng: certificates.security(
        connection, book.any_of(book.financiers, rng), now=book.now
    ),
    "journal of a receivable": lambda connection, book, rng: entries.entries(
        connection, book.receivable_id(rng), limit=ROWS
    ),
    "journal R-0": lambda connection, book, rng: entries.entries(  # noqa: ARG005  (one shape for all questions)
        connection, 0, after=rng.randrange(2_000), limit=ROWS
    ),
    "payments of a receivable": lambda connection, book, rng: entries.payments(
        connection, rng.choice(book.paid_receivables), limit=ROWS
    ),
    "entries of an order": lambda connection, book, rng: entries.entries_of_order(
        connection, rng.choice(book.orders), limit=ROWS
    ),
    "orders in force": lambda connection, book, rng: orders.freezes(  # noqa: ARG005  (one shape for all questions)
        connection, in_force_at=(True, book.now), limit=ROWS
    ),
    "orders expired": lambda connection, book, rng: orders.freezes(  # noqa: ARG005  (one shape for all questions)
        connection, in_force_at=(False, book.now), limit=ROWS
    ),
    "what an order freezes": lambda connection, book, rng: orders.freezes(
        connection, order_hash=rng.choice(book.orders), limit=ROWS
    ),
    "orders on a receivable": lambda connection, book, rng: orders.freezes(
        connection, receivable_id=rng.choice(book.frozen_receivables), limit=ROWS
    ),
    "orders on a member": lambda connection, book, rng: orders.freezes(
        connection, member=rng.choice(book.frozen_members), limit=ROWS
    ),
    "orders on members": lambda connection, book, rng: orders.freezes(  # noqa: ARG005  (one shape for all questions)
        connection, scope=Scope.MEMBER, limit=ROWS
    ),
    "orders on a page of certificates": _page_of_orders,
    "how final a page is": _page_of_standings,
    "journal up to a block": lambda connection, book, rng: entries.stored_entries(
        connection, book.receivable_id(rng), until_block=rng.randrange(book.receivables)
    ),
    "whether a journal is unchanged since a block": lambda connection, book, rng: journals.unchanged_since(
        connection, book.receivable_id(rng), rng.randrange(book.receivables)
    ),
    "newest final block": lambda connection, book, rng: health.final(connection, _at(book, rng)),
    "members": lambda connection, book, rng: members.members(connection, after=rng.choice(book.suppliers), limit=ROWS),
    "parties": lambda connection, book, rng: parties.parties(  # noqa: ARG005  (one shape for all questions)
        connection, after=f"party-{rng.randrange(2_330)}", limit=ROWS
    ),
    "switches and parameters": lambda connection, book, rng: registry_queries.registry(connection),  # noqa: ARG005  (one shape for all questions)
}
"""Every list, with each of its filters."""


# ----------------------------------------------------------------------- measuring


@dataclass(frozen=True, slots=True)
class Measured:
    """Milliseconds of one question."""

    p50_ms: float
    p99_ms: float


def measure(database: Database, book: Book, *, rounds: int) -> Iterator[tuple[str, Measured]]:
    """Ask every question so often, each time about something else."""
    for name, ask in QUESTIONS.items():
        rng = random.Random(name)  # noqa: S311  (the same questions every time)
        taken = []
        with database.snapshot() as connection:
            for number in range(-WARM_UP_ROUNDS, rounds):
                began = time.perf_counter()
                ask(connection, book, rng)
                if number >= 0:
                    taken.append(1_000 * (time.perf_counter() - began))
        percentiles = statistics.quantiles(taken, n=100)
        yield name, Measured(statistics.median(taken), percentiles[98])


def main(arguments: Sequence[str] | None = None) -> None:
    """Fill a database, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--certificates", type=int, default=CERTIFICATES, metavar="N", help="size of the book")
    parser.add_argument("--rounds", type=int, default=ROUNDS, metavar="N", help="times that each question is asked")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    asked = parser.parse_args(arguments)
    console = Console(stderr=asked.json)
    with tempfile.TemporaryDirectory() as folder, EmbeddedPostgres.start(Path(folder)) as postgres:
        postgres.create_database("lists")
        database = Database(postgres.url("lists"))
        database.migrate()
        began = time.perf_counter()
        book = fill(database, count=asked.certificates, copies=COPIES)
        console.print(
            f"{book.certificates:,} certificates of {book.receivables:,} receivables "
            f"in {time.perf_counter() - began:.0f} s; {asked.rounds} rounds of {ROWS} rows"
        )
        measured = dict(measure(database, book, rounds=asked.rounds))
        database.dispose()
    if asked.json:
        sys.stdout.write(
            json.dumps({name: {"p50_ms": one.p50_ms, "p99_ms": one.p99_ms} for name, one in measured.items()}, indent=2)
        )
        return
    table = Table("question", box=None)
    table.add_column("p50 ms", justify="right")
    table.add_column("p99 ms", justify="right")
    for name, one in measured.items():
        table.add_row(name, f"{one.p50_ms:.2f}", f"{one.p99_ms:.2f}")
    console.print(table)


if __name__ == "__main__":
    main()
