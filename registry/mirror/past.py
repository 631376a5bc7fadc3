"""What journals had come to by an earlier block: their stored entries up to it, folded, as the rows of the tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from registry.domain.fold import JournalBroken, empty_receivable, empty_registry, fold_all, fold_registry
from registry.domain.identifiers import Address, format_receivable_id
from registry.domain.journal import REGISTRY_JOURNAL
from registry.domain.receivable import Receivable, Registry, Scope
from registry.mirror.store import PROJECTIONS, State, rows_of
from registry.store.queries import Connection, certificates, entries, orders, receivables
from registry.store.queries.certificates import CertificateRow
from registry.store.queries.health import CursorRow
from registry.store.queries.orders import HoldRow
from registry.store.queries.receivables import ReceivableRow
from registry.store.queries.registry import RegistryRow


@dataclass(frozen=True, slots=True)
class Past:
    """The journals of one snapshot as they were at the cursor's block, each folded when it is first asked for.

    Everything raises JournalTooLong, LogMalformed, JournalBroken.
    """

    connection: Connection
    cursor: CursorRow
    _states: dict[int, State] = field(default_factory=dict)

    def receivable(self, receivable_id: int) -> ReceivableRow | None:
        """One receivable, or None where it had no entry by then."""
        rows = self._rows(receivable_id)
        if not rows["receivable"]:
            return None
        (values,), (of_journal,) = rows["receivable"], rows["journal"]
        return receivables.row_of({**values, "head": of_journal["head"], "length": of_journal["length"]})

    def certificate(self, receivable_id: int, start: int) -> CertificateRow | None:
        """The certificate that was live then and starts at this minor unit, or None."""
        rows = self._rows(receivable_id)
        for values in rows["certificate"]:
            if values["start_minor"] == start:
                return certificates.row_of(values, rows["receivable"][0])
        return None

    def registry(self) -> RegistryRow | None:
        """The registry's own switches and parameters, or None before the first entry of R-0."""
        state = self._state(REGISTRY_JOURNAL)
        assert isinstance(state, Registry)  # that journal's
        return RegistryRow.of(state) if state.length else None

    def holds(
        self,
        *,
        receivables: Iterable[int] = (),
        certificates: Iterable[tuple[int, int]] = (),
        members: Iterable[Address] = (),
    ) -> list[HoldRow]:
        """The orders that were in force on any of these things, as orders.freezes_on has them; texts as known now."""
        parts, accounts = set(certificates), set(members)
        numbers = {*receivables, *(number for number, _ in parts)}
        things = {
            *((Scope.RECEIVABLE, number, 0, b"") for number in numbers),
            *((Scope.CERTIFICATE, number, start, b"") for number, start in parts),
            *((Scope.MEMBER, 0, 0, account) for account in accounts),
        }
        journals = [*sorted(numbers), *([REGISTRY_JOURNAL] if accounts else [])]
        rows = [
            row
            for journal_id in journals
            for row in self._rows(journal_id)["order_freeze"]
            if (row["scope"], row["receivable_id"], row["start_minor"], row["member"]) in things
        ]
        texts = orders.order_references(self.connection, (row["order_hash"] for row in rows))
        held = []
        for row in rows:
            text = texts.get(row["order_hash"])
            told = {"authority": text.authority, "number": text.number} if text else {"authority": None, "number": None}
            held.append(HoldRow(**{**row, "scope": Scope(row["scope"])}, **told))
        in_force = [row for row in held if row.is_in_force(now=self.cursor.block_at)]
        return sorted(in_force, key=lambda row: (row.expiry_at, row.order_hash))

    def _rows(self, journal_id: int) -> Mapping[str, list[dict[str, Any]]]:
        """The rows of each projection, by column."""
        rows = rows_of(self._state(journal_id))
        return {
            table: [dict(zip(columns, row, strict=True)) for row in rows[table]]
            for table, (columns, _) in PROJECTIONS.items()
        }

    def _state(self, journal_id: int) -> State:
        if journal_id not in self._states:
            self._states[journal_id] = self._folded(journal_id)
        return self._states[journal_id]

    def _folded(self, journal_id: int) -> State:
        """The fold of what is stored up to the block, of which the last head is the one stored with it."""
        until = self.cursor.block_number
        stored = entries.stored_entries(self.connection, journal_id, until_block=until)
        told = (row.decode() for row in stored)
        chain_id, contract = self.cursor.chain_id, self.cursor.contract
        state: Receivable | Registry
        if journal_id == REGISTRY_JOURNAL:
            state = fold_registry(empty_registry(chain_id=chain_id, contract=contract), told)
        else:
            empty = empty_receivable(chain_id=chain_id, contract=contract, receivable_id=journal_id)
            state = fold_all(empty, told)
        if stored and stored[-1].head != state.head:
            name = format_receivable_id(journal_id)
            raise JournalBroken(f"the entries of {name} up to block {until} do not fold to their stored head")
        return state
