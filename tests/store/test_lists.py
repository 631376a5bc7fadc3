"""Lists and their filters against the fold: for each question, the rows that the rules give for the folded states."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass, replace
from typing import Any

import pytest

from registry.chain.rpc import Node
from registry.domain import rules
from registry.domain.amounts import payable, payout
from registry.domain.fold import empty_receivable, empty_registry, fold_all, fold_registry
from registry.domain.identifiers import Address
from registry.domain.journal import CertificateFrozen, MemberFrozen, Paid, ReceivableFrozen
from registry.domain.receivable import DAY_SECONDS, Certificate, Parameter, Phase, Receivable, Registry, Scope, Status
from registry.domain.rules import holds, in_force, lapses_at, phase
from registry.mirror.follower import Follower
from registry.store import records
from registry.store.database import Database
from registry.store.embedded import EmbeddedPostgres
from registry.store.queries import Connection, certificates, entries, orders, receivables
from registry.store.queries import registry as registry_queries
from registry.store.queries.pages import every
from tests.mirror.everything import every_operation
from tests.scene import BANK, BUYER, OFFICER, ORDER, SECOND, SELLER, STRANGER, SUPPLIER, Scene

PEOPLE = [Scene.address(person) for person in (SELLER, BUYER, SUPPLIER, BANK, STRANGER)]


@dataclass
class Book:
    """A mirrored registry, and the states that its journals fold to."""

    scene: Scene
    connection: Connection
    registry: Registry
    states: list[Receivable]

    @property
    def instants(self) -> list[int]:
        """Instants at which something changes, and the ones before."""
        changes = {state.due for state in self.states} | {state.due + DAY_SECONDS for state in self.states}
        lists = [state.orders for state in self.states]
        lists += [part.orders for state in self.states for part in state.certificates.values()]
        lists += [member.orders for member in self.registry.members.values()]
        changes |= {freeze.expiry for freezes in lists for freeze in freezes}
        return sorted({at - offset for at in changes for offset in (0, 1)})

    @property
    def parts(self) -> list[tuple[Receivable, Certificate]]:
        """Every certificate with its receivable, by receivable and start."""
        return [(state, state.certificates[start]) for state in self.states for start in sorted(state.certificates)]

    def is_frozen(self, state: Receivable, part: Certificate, *, now: int) -> bool:
        return bool(holds(state, part, self.registry.members[part.holder], now=now))


@pytest.fixture(scope="module")
def book(node: Node, postgres: EmbeddedPostgres) -> Iterator[Book]:
    """Everything that can happen, and two more days and currencies on which the buyer owes."""
    postgres.create_database("lists", template="template_counterfoil")
    database = Database(postgres.url("lists"))
    scene = Scene.open(node)
    for days in (70, 80, 80, 90):
        number = scene.register(scene.claim(face=1_000 * days, days=days))
        scene.confirm(number)
        scene.split(number, start=0, cut=10 * days, to=BANK)
    scene.freeze_certificate(1, start=700, seconds=100 * DAY_SECONDS)
    scene.partition(1, start=700, cut=800)
    scene.dispute(2, start=0, cut=300)  # all the rest of it is paid, of the next one nothing
    scene.pay(2, 80_000 - 300)
    scene.dispute(3, start=0, cut=400)
    every_operation(scene)
    deployment = scene.deployment
    Follower(
        database, node, contract=deployment.receivables, first_block=deployment.block_number, owns_chain=True
    ).catch_up()
    with database.write() as connection:
        records.save_order_reference(connection, authority="Amtsgericht Köln", number="71 M 1/26")
    where = {"chain_id": node.chain_id, "contract": deployment.receivables}
    states = [
        fold_all(empty_receivable(receivable_id=number, **where), scene.journal(number))
        for number in range(1, scene.view.count() + 1)
    ]
    with database.snapshot() as snapshot:
        yield Book(scene, snapshot, fold_registry(empty_registry(**where), scene.journal(0)), states)
    database.dispose()
    postgres.drop_database("lists")


def test_a_row_is_the_state_that_its_journal_folds_to(book: Book) -> None:
    for state in book.states:
        row = receivables.receivable(book.connection, state.receivable_id)
        assert row is not None
        read = row.state()
        assert all(
            getattr(read, name) == getattr(state, name)
            for name in Receivable.__slots__
            if name not in ("certificates", "orders")
        )
    found = registry_queries.registry(book.connection)
    assert found is not None
    assert found.state().parameters == book.registry.parameters
    assert found.state() == replace(book.registry, members=found.state().members)
    assert set(found.deposit_tokens) == {978}
    assert any(found.desk)


@pytest.mark.parametrize("limit", [2, 500])
@pytest.mark.parametrize("party", [None, "debtor", "originator"])
@pytest.mark.parametrize("sought_phase", [None, *Phase])
def test_receivables_by_id_and_by_due_date_are_what_the_rule_of_phases_gives(
    book: Book, sought_phase: Phase | None, party: str | None, limit: int
) -> None:
    for now in book.instants:
        for person in PEOPLE[:3] if party else PEOPLE[:1]:
            sought = {"phase_at": (sought_phase, now) if sought_phase else None, **({party: person} if party else {})}
            wanted = [
                state
                for state in book.states
                if (sought_phase is None or phase(state, now=now) is sought_phase)
                and (party is None or getattr(state, party) == person)
            ]
            by_id = every(
                lambda after: receivables.receivables(book.connection, after=after, limit=limit, **sought)  # noqa: B023
            )
            assert [row.receivable_id for row in by_id] == [state.receivable_id for state in wanted]
            by_due = every(
                lambda after: receivables.receivables_by_due(book.connection, after=after, limit=limit, **sought)  # noqa: B023
            )
            assert [(row.due_at, row.receivable_id) for row in by_due] == sorted(
                (state.due, state.receivable_id) for state in wanted
            )
        if sought_phase is None:
            break


def test_a_window_of_registration_holds_what_was_registered_in_it(book: Book) -> None:
    times = sorted({state.registered_at for state in book.states})
    bounds = [None, 0, *times, times[-1] + 1]
    for since, before in itertools.product(bounds, bounds):
        sought = {"registered_from": since, "registered_before": before}
        wanted = [
            state
            for state in book.states
            if (since is None or since <= state.registered_at) and (before is None or state.registered_at < before)
        ]
        found = receivables.receivables(book.connection, **sought)
        assert [row.receivable_id for row in found] == [state.receivable_id for state in wanted]
        parts = certificates.certificates(book.connection, **sought)
        ids = {state.receivable_id for state in wanted}
        assert [part.receivable_id for part in parts] == [
            state.receivable_id for state, _ in book.parts if state.receivable_id in ids
        ]
        held = certificates.certificates(book.connection, holder=Scene.address(BANK), **sought)
        assert list(held) == [part for part in parts if part.holder == Scene.address(BANK)]


def test_what_an_order_freezes_is_told_from_its_expiry(book: Book) -> None:
    counts = set()
    for now, frozen, limit in itertools.product(book.instants, (True, False), (5, 500)):
        more = {"frozen_at": (frozen, now), "limit": limit}
        rows = every(lambda after: receivables.receivables(book.connection, after=after, **more))  # noqa: B023
        assert [row.receivable_id for row in rows] == [
            state.receivable_id for state in book.states if bool(in_force(state.orders, now=now)) is frozen
        ]
        for holder in (None, Scene.address(SUPPLIER)):
            wanted = [
                (state, part)
                for state, part in book.parts
                if book.is_frozen(state, part, now=now) is frozen and holder in (None, part.holder)
            ]
            parts = every(
                lambda after: certificates.certificates(book.connection, holder=holder, after=after, **more)  # noqa: B023
            )
            assert [(row.receivable_id, row.start_minor) for row in parts] == [
                (state.receivable_id, part.start) for state, part in wanted
            ]
            by_due = every(
                lambda after: certificates.certificates_by_due(book.connection, holder=holder, after=after, **more)  # noqa: B023
            )
            assert [(row.due_at, row.receivable_id, row.start_minor) for row in by_due] == sorted(
                (state.due, state.receivable_id, part.start) for state, part in wanted
            )
            counts.add((frozen, len(wanted)))
    assert len(counts) > 4  # the instants make a difference


@pytest.mark.parametrize("limit", [3, 500])
def test_certificates_are_narrowed_by_holder_and_terms_at_once(book: Book, limit: int) -> None:
    dues = sorted({state.due for state in book.states})
    for holder, debtor, due_from in itertools.product((None, *PEOPLE), (None, *PEOPLE[:2]), (None, *dues)):
        wanted = [
            (state.due, state.receivable_id, part.start)
            for state, part in book.parts
            if holder in (None, part.holder) and debtor in (None, state.debtor) and (due_from or 0) <= state.due
        ]
        sought = {"holder": holder, "debtor": debtor, "due_from": due_from, "limit": limit}
        by_id = every(lambda after: certificates.certificates(book.connection, after=after, **sought))  # noqa: B023
        assert [(row.due_at, row.receivable_id, row.start_minor) for row in by_id] == wanted
        by_due = every(lambda after: certificates.certificates_by_due(book.connection, after=after, **sought))  # noqa: B023
        assert [(row.due_at, row.receivable_id, row.start_minor) for row in by_due] == sorted(wanted)


def test_an_inbox_has_the_nearest_deadline_first_and_tells_when_each_claim_lapses(book: Book) -> None:
    waiting = [state for state in book.states if state.status is Status.REGISTERED]
    assert any(state.offer for state in waiting)
    found = list(every(lambda after: receivables.pending(book.connection, Scene.address(BUYER), after=after, limit=1)))
    assert [row.receivable_id for row in found] == [
        state.receivable_id for state in sorted(waiting, key=lambda state: (state.answer_by, state.receivable_id))
    ]
    registry = registry_queries.registry(book.connection)
    assert registry is not None
    for row, state in zip(found, waiting, strict=True):
        assert row.offer == state.offer
        assert row.lapses_at(registry.state()) == lapses_at(book.registry, state)
        assert row.lapses_at(registry.state()) != row.answer_by  # there was a pause
    assert list(receivables.pending(book.connection, Scene.address(SELLER))) == []


def test_a_calendar_adds_up_what_falls_due_on_each_day(book: Book) -> None:
    owed: Counter[tuple[int, int]] = Counter()
    counts: Counter[tuple[int, int]] = Counter()
    disputed: Counter[tuple[int, int]] = Counter()
    for state in book.states:
        if state.status is Status.CONFIRMED:
            key = (state.due, state.currency)
            owed[key] += state.face - state.cancelled - state.paid
            counts[key] += 1
            disputed[key] += unpaid(state) - payable(state)
    assert sum(disputed.values()) > 0
    buyer = Scene.address(BUYER)
    for limit in (1, 500):
        days = list(every(lambda after: receivables.due_days(book.connection, buyer, after=after, limit=limit)))  # noqa: B023
        assert [(day.due_at, day.currency, day.receivables, day.amount_minor, day.disputed_minor) for day in days] == [
            (*key, counts[key], owed[key], disputed[key]) for key in sorted(owed)
        ]
    middle = sorted(owed)[1][0]
    assert [
        day.due_at for day in receivables.due_days(book.connection, buyer, due_from=middle, due_before=middle + 1)
    ] == [middle]
    assert list(receivables.due_days(book.connection, Scene.address(SELLER))) == []


def is_disputed(state: Receivable, part: Certificate) -> bool:
    return state.disputed and part.start < state.senior


def unpaid(state: Receivable) -> int:
    return state.face - state.cancelled - state.paid if state.status in rules.ONCE_CONFIRMED else 0


def test_a_book_adds_up_what_a_holder_has(book: Book) -> None:
    seen: Counter[str] = Counter()
    for now, holder in itertools.product(book.instants, PEOPLE):
        wanted: dict[tuple[int, Phase], Counter[str]] = defaultdict(Counter)
        for state, part in book.parts:
            if part.holder != holder:
                continue
            out = payout(state, part)
            frozen = book.is_frozen(state, part, now=now)
            wanted[state.currency, phase(state, now=now)].update(
                certificates=1,
                amount_minor=part.amount,
                frozen_minor=part.amount * frozen,
                pledged_minor=part.amount * (part.lien is not None),
                disputed_minor=part.amount * is_disputed(state, part),
                claimed_minor=part.claimed,
                redeemable_minor=(out.amount - out.to_financier) * (not frozen),
            )
        rows = {
            (row.currency, row.phase): {name: getattr(row, name) for name in certificates.BookRow.__slots__[2:]}
            for row in certificates.book(book.connection, holder, now=now)
        }
        assert rows == wanted
        for row in rows.values():
            seen.update(row)
    assert all(seen[name] for name in certificates.BookRow.__slots__[2:])


def test_what_secures_a_financier_s_loans_is_added_up(book: Book) -> None:
    seen: Counter[str] = Counter()
    for now, financier in itertools.product(book.instants, PEOPLE):
        wanted: dict[tuple[int, Phase], Counter[str]] = defaultdict(Counter)
        for state, part in book.parts:
            if part.lien is None or part.lien.financier != financier:
                continue
            frozen = book.is_frozen(state, part, now=now)
            wanted[state.currency, phase(state, now=now)].update(
                certificates=1,
                amount_minor=part.amount,
                secured_minor=part.lien.secured,
                redeemable_minor=payout(state, part).to_financier * (not frozen),
            )
        rows = {
            (row.currency, row.phase): {name: getattr(row, name) for name in certificates.SecurityRow.__slots__[2:]}
            for row in certificates.security(book.connection, financier, now=now)
        }
        assert rows == wanted
        for row in rows.values():
            seen.update(row)
    assert all(seen[name] for name in certificates.SecurityRow.__slots__[2:])


def test_a_certificate_s_row_says_what_the_rules_say_of_it(book: Book) -> None:
    kinds = set()
    rows = every(lambda after: certificates.certificates(book.connection, after=after, limit=3))
    for row, (state, part) in zip(rows, book.parts, strict=True):
        assert row.state() == replace(part, orders=())
        assert row.payout() == payout(state, part)
        assert row.is_disputed is is_disputed(state, part)
        kinds.add((part.lien is None, part.recourse is None, part.claimed == 0, row.payout().amount == 0))
    assert len(kinds) > 4
    for row, state in zip(receivables.receivables(book.connection), book.states, strict=True):
        assert row.payable_minor == payable(state)
        assert row.disputed_minor == (state.senior - state.cancelled if state.disputed else 0)


RIGHTS = (
    *({"lien_financier": person} for person in PEOPLE),
    *({"recourse_seller": person} for person in PEOPLE),
    *({name: flag} for name in ("pledged", "with_recourse", "disputed", "dishonoured") for flag in (True, False)),
    *({"status": status} for status in Status),
)


@pytest.mark.parametrize("sought", RIGHTS, ids=lambda sought: next(iter(sought)))
def test_certificates_are_narrowed_by_the_rights_on_them(book: Book, sought: dict[str, Any]) -> None:
    ((name, value),) = sought.items()

    def has(state: Receivable, part: Certificate) -> object:
        match name:
            case "lien_financier":
                return part.lien and part.lien.financier
            case "recourse_seller":
                return part.recourse and part.recourse.seller
            case "pledged":
                return part.lien is not None
            case "with_recourse":
                return part.recourse is not None
            case "disputed":
                return is_disputed(state, part)
            case _:
                return getattr(state, name)

    for holder, debtor, limit in itertools.product((None, *PEOPLE[:4]), (None, PEOPLE[1]), (3, 500)):
        wanted = [
            (state.due, state.receivable_id, part.start)
            for state, part in book.parts
            if has(state, part) == value and holder in (None, part.holder) and debtor in (None, state.debtor)
        ]
        more = {"holder": holder, "debtor": debtor, "limit": limit, **sought}
        by_id = every(lambda after: certificates.certificates(book.connection, after=after, **more))  # noqa: B023
        assert [(row.due_at, row.receivable_id, row.start_minor) for row in by_id] == wanted
        by_due = every(lambda after: certificates.certificates_by_due(book.connection, after=after, **more))  # noqa: B023
        assert [(row.due_at, row.receivable_id, row.start_minor) for row in by_due] == sorted(wanted)


@pytest.mark.parametrize("sought_phase", Phase)
@pytest.mark.parametrize("holder", [None, *PEOPLE[2:4]])
def test_certificates_are_in_the_phase_of_their_receivable(
    book: Book, sought_phase: Phase, holder: Address | None
) -> None:
    for now in book.instants:
        wanted = [
            (state.due, state.receivable_id, part.start)
            for state, part in book.parts
            if phase(state, now=now) is sought_phase and holder in (None, part.holder)
        ]
        found = certificates.certificates_by_due(book.connection, holder=holder, phase_at=(sought_phase, now))
        assert [(row.due_at, row.receivable_id, row.start_minor) for row in found] == sorted(wanted)


@pytest.mark.parametrize("name", ["disputed", "dishonoured"])
@pytest.mark.parametrize("flag", [True, False])
def test_receivables_are_narrowed_by_what_became_of_them(book: Book, name: str, *, flag: bool) -> None:
    wanted = [state.receivable_id for state in book.states if getattr(state, name) is flag]
    assert wanted
    rows = every(lambda after: receivables.receivables(book.connection, after=after, limit=2, **{name: flag}))  # type: ignore[arg-type]  # the filter's name
    assert [row.receivable_id for row in rows] == wanted


def test_debts_that_are_overdue_or_dishonoured_are_added_up_by_debtor(book: Book) -> None:
    def debts(states: list[Receivable]) -> list[tuple[object, ...]]:
        groups: dict[tuple[Address, int], list[Receivable]] = defaultdict(list)
        for state in states:
            groups[state.debtor, state.currency].append(state)
        return [
            (
                *key,
                len(group),
                sum(could_be_paid(state) for state in group),
                sum(unpaid(state) - could_be_paid(state) for state in group),
                sum(state.dishonoured for state in group),
                min(state.due for state in group),
                min((state.due for state in group if not state.dishonoured), default=None),
            )
            for key, group in sorted(groups.items())
        ]

    def shown_debts(rows: Iterable[receivables.DebtRow]) -> list[tuple[object, ...]]:
        return [astuple(row) for row in rows]  # type: ignore[misc]  # its fields in order

    counts, disputed = set(), 0
    for now, debtor, limit in itertools.product(book.instants, (None, Scene.address(BUYER), PEOPLE[0]), (1, 500)):
        states = [
            state for state in book.states if phase(state, now=now) is Phase.OVERDUE and debtor in (None, state.debtor)
        ]
        found = every(
            lambda after: receivables.overdue(book.connection, now=now, debtor=debtor, after=after, limit=limit)  # noqa: B023
        )
        rows = list(found)
        assert shown_debts(rows) == debts(states)
        assert all(row.unpaid_minor for row in rows)
        counts.add(len(states))
        disputed += sum(row.disputed_minor for row in rows)
    assert len(counts) > 2
    assert disputed
    marked = [state for state in book.states if state.dishonoured]
    assert {state.status for state in marked} == {Status.CONFIRMED, Status.CLOSED}
    assert shown_debts(receivables.dishonoured(book.connection)) == debts(marked)
    assert shown_debts(receivables.dishonoured(book.connection, debtor=PEOPLE[0])) == []


def test_nobody_is_late_with_what_is_in_dispute(book: Book) -> None:
    (state,) = (one for one in book.states if one.status is Status.CONFIRMED and not payable(one))
    now = state.due + 100 * DAY_SECONDS
    for ask in (receivables.receivables, receivables.receivables_by_due):
        found = {name: [row.receivable_id for row in ask(book.connection, phase_at=(name, now))] for name in Phase}
        assert state.receivable_id in found[Phase.DUE]
        assert state.receivable_id not in found[Phase.OVERDUE]


def test_a_debt_can_be_reported_once_the_contract_takes_the_report(book: Book) -> None:
    for now in book.instants:
        for row in receivables.overdue(book.connection, now=now):
            since = row.reportable_since(book.registry, now=now)
            unmarked = [
                state
                for state in book.states
                if (state.debtor, state.currency) == (row.debtor, row.currency)
                and state.currency in book.registry.deposit_tokens
                and phase(state, now=now) is Phase.OVERDUE
                and not state.dishonoured
            ]
            assert (since is None) is not unmarked
            grace_days = rules.parameter_in_force(book.registry, Parameter.OVERDUE_GRACE_DAYS, now=now)
            for at, reportable in () if since is None else ((since, True), (since - 1, False)):
                taken = [state for state in unmarked if can_be_reported(state, grace_days=grace_days, now=at)]
                assert bool(taken) is reportable


def can_be_reported(state: Receivable, *, grace_days: int, now: int) -> bool:
    try:
        rules.require_unpaid_debt(state, grace_days=grace_days, now=now)
    except rules.NotOverdue:
        return False
    return True


def could_be_paid(state: Receivable) -> int:
    """What can be paid, and of what is closed what could be."""
    return payable(replace(state, status=Status.CONFIRMED))


def test_payments_are_those_of_the_journal(book: Book) -> None:
    counts = set()
    for state in book.states:
        wanted = [
            (position, entry.payer, entry.amount, entry.at)
            for position, entry in enumerate(book.scene.journal(state.receivable_id), start=1)
            if isinstance(entry, Paid)
        ]
        for limit in (1, 500):
            rows = every(
                lambda after: entries.payments(book.connection, state.receivable_id, after=after, limit=limit)  # noqa: B023
            )
            assert [(row.position, row.payer, row.amount_minor, row.at) for row in rows] == wanted
        counts.add(len(wanted))
    assert counts == {0, 1, 2}


# ---------------------------------------------------------------------- orders


def expected_freezes(book: Book) -> set[tuple[Scope, int, int, int, Address, bytes, int, int]]:
    """Every order that the states hold: scope, receivable, start, end, member, order, expiry, since."""
    found = set()
    for state in book.states:
        for freeze in state.orders:
            found.add((Scope.RECEIVABLE, state.receivable_id, 0, 0, b"", freeze.order, freeze.expiry, freeze.since))
    for state, part in book.parts:
        for freeze in part.orders:
            place = (state.receivable_id, part.start, part.end, b"")
            found.add((Scope.CERTIFICATE, *place, freeze.order, freeze.expiry, freeze.since))
    for member in book.registry.members.values():
        for freeze in member.orders:
            found.add((Scope.MEMBER, 0, 0, 0, member.address, freeze.order, freeze.expiry, freeze.since))
    return found


def shown(row: orders.FreezeRow) -> tuple[Scope, int, int, int, Address, bytes, int, int]:
    place = (row.receivable_id, row.start_minor, row.end_minor, row.member)
    return (row.scope, *place, row.order_hash, row.expiry_at, row.since_at)


def test_orders_are_listed_with_the_officers_who_gave_them(book: Book) -> None:
    wanted = expected_freezes(book)
    assert {scope for scope, *_ in wanted} == set(Scope)
    for limit in (1, 2, 500):
        rows = list(every(lambda after: orders.freezes(book.connection, after=after, limit=limit)))  # noqa: B023
        assert {shown(row) for row in rows} == wanted
        assert [row.key for row in rows] == sorted(row.key for row in rows)
        for row in rows:
            entry = book.scene.journal(row.receivable_id)[row.position - 1]
            assert isinstance(entry, CertificateFrozen | ReceivableFrozen | MemberFrozen)
            assert (entry.order, entry.at, entry.expiry) == (row.order_hash, row.since_at, row.expiry_at)
            assert (row.officer, row.countersigner) == (Scene.address(OFFICER), Scene.address(SECOND))


def test_orders_are_found_by_what_they_freeze_and_by_whether_they_hold(book: Book) -> None:
    wanted = expected_freezes(book)
    for now in book.instants:
        for holds_now in (True, False):
            rows = orders.freezes(book.connection, in_force_at=(holds_now, now))
            assert {shown(row) for row in rows} == {row for row in wanted if (now < row[6]) is holds_now}
            assert all(row.is_in_force(now=now) is holds_now for row in rows)
        on = orders.freezes_on(
            book.connection,
            now=now,
            certificates=[(state.receivable_id, part.start) for state, part in book.parts],
            members=PEOPLE,
        )
        assert {shown(row) for row in on} == {row for row in wanted if now < row[6]}
    for field, values in (
        ("scope", [*Scope]),
        ("receivable_id", range(20)),
        ("member", PEOPLE),
        ("order_hash", [ORDER, bytes([1]) * 32, bytes(32)]),
    ):
        for value in values:
            rows = orders.freezes(book.connection, **{field: value})
            assert {shown(row) for row in rows} == {
                row
                for row in wanted
                if row[{"scope": 0, "receivable_id": 1, "member": 4, "order_hash": 5}[field]] == value
            }
    assert orders.freezes_on(book.connection, now=0) == []


def test_an_order_is_told_by_its_text_where_that_is_known(book: Book) -> None:
    (named,) = {records.order_hash(authority="Amtsgericht Köln", number="71 M 1/26")}
    found = orders.order_reference_of(book.connection, named)
    assert found is not None
    assert (found.authority, found.number) == ("Amtsgericht Köln", "71 M 1/26")
    assert orders.order_reference_of(book.connection, ORDER) is None


def test_what_was_done_under_an_order_is_read_across_journals(book: Book) -> None:
    wanted = [
        (number, position)
        for number in range(len(book.states) + 1)
        for position, entry in enumerate(book.scene.journal(number), start=1)
        if getattr(entry, "order", None) == ORDER
    ]
    assert len({number for number, _ in wanted}) > 2
    for limit in (1, 500):
        rows = every(
            lambda after: entries.entries_of_order(book.connection, ORDER, after=after, limit=limit)  # noqa: B023
        )
        assert [(row.journal_id, row.position) for row in rows] == wanted
