"""The registry's own switches, parameters and deposit tokens, as R-0 folds to."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from registry.domain.identifiers import Address
from registry.domain.journal import REGISTRY_JOURNAL
from registry.domain.receivable import Parameter, ParameterValue, Registry
from registry.store.queries.visibility import Caller, visible_to
from registry.store.tables import deposit_token, journal, parameter
from registry.store.tables import registry as table


@dataclass(frozen=True, slots=True)
class RegistryRow:
    """R-0 without its members. Instants in seconds, as in the domain's Registry; `parameters` oldest first."""

    paused_since: int
    paused_seconds: int
    rules: Address
    descriptor: Address
    sunset_at: int
    desk: Address
    head: bytes
    length: int
    parameters: dict[Parameter, tuple[ParameterValue, ...]]
    deposit_tokens: dict[int, Address]

    @classmethod
    def of(cls, state: Registry) -> RegistryRow:
        """What `state` gives back."""
        return cls(
            paused_since=state.paused_since,
            paused_seconds=state.paused_seconds,
            rules=state.rules,
            descriptor=state.descriptor,
            sunset_at=state.sunset_at,
            desk=state.desk,
            head=state.head,
            length=state.length,
            parameters=state.parameters,
            deposit_tokens=state.deposit_tokens,
        )

    def state(self) -> Registry:
        """The registry as the rules take it; its members are not read."""
        return Registry(
            head=self.head,
            length=self.length,
            parameters=self.parameters,
            paused_since=self.paused_since,
            paused_seconds=self.paused_seconds,
            rules=self.rules,
            descriptor=self.descriptor,
            sunset_at=self.sunset_at,
            deposit_tokens=self.deposit_tokens,
            desk=self.desk,
        )


def registry(connection: Connection, *, caller: Caller = Caller.LOCAL) -> RegistryRow | None:
    """The registry's own state, or None before its first entry is mirrored."""
    columns = [table.c[name] for name in ("paused_since", "paused_seconds", "rules", "descriptor", "sunset_at", "desk")]
    found = connection.execute(
        select(*columns, journal.c.head, journal.c.length)
        .join_from(table, journal, journal.c.journal_id == REGISTRY_JOURNAL)
        .where(visible_to(caller, table))
    ).one_or_none()
    if found is None:
        return None
    values: dict[Parameter, tuple[ParameterValue, ...]] = {}
    for number, value, effective, at in connection.execute(
        select(parameter.c.parameter, parameter.c.value, parameter.c.effective_at, parameter.c.set_at)
        .where(visible_to(caller, parameter))
        .order_by(parameter.c.parameter, parameter.c.effective_at)
    ):
        key = Parameter(number)
        values[key] = (*values.get(key, ()), ParameterValue(value, effective, at))
    tokens = connection.execute(
        select(deposit_token.c.currency, deposit_token.c.token)
        .where(visible_to(caller, deposit_token))
        .order_by(deposit_token.c.currency)
    )
    return RegistryRow(**found._mapping, parameters=values, deposit_tokens={row.currency: row.token for row in tokens})
