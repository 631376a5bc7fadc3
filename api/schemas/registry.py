"""The registry's own switches and parameters as the API shows them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from api.schemas.common import AddressText, BlockOut, InstantText, Model, NextLink, hex_text, instant
from api.schemas.receivables import JournalOut
from registry.domain import rules
from registry.domain.identifiers import ZERO_ADDRESS, Address, format_address
from registry.domain.money import currency_to_show
from registry.domain.receivable import Parameter, ParameterValue
from registry.store.queries.health import CursorRow
from registry.store.queries.registry import RegistryRow

UNITS = {
    Parameter.TENOR_LIMIT_DAYS: "days",
    Parameter.MINIMUM_PART_MINOR: "minor units",
    Parameter.ANSWER_WINDOW_DAYS: "days",
    Parameter.UNANSWERED_MAX: "claims of one originator on one debtor",
    Parameter.FORCED_TRANSFER_DELAY_SECONDS: "seconds",
    Parameter.OVERDUE_GRACE_DAYS: "days",
}
"""Unit of each parameter."""

PARAMETERS = [parameter.name.lower() for parameter in UNITS]
"""Their names, as `counterfoil parameter list` tells them too."""

STATES = ["past", "in_force", "to_come"]

ParameterText = Annotated[str, Field(json_schema_extra={"enum": [*PARAMETERS]}, examples=["tenor_limit_days"])]
StateText = Annotated[str, Field(description="At the time of as_of_block.", json_schema_extra={"enum": [*STATES]})]


class DepositTokenOut(Model):
    """The deposit token of a currency: claims on the settlement bank, in which receivables are paid."""

    currency: str = Field(description="ISO 4217 code.", examples=["CNY"])
    token: AddressText


class RegistryRead(Model):
    """The registry's own switches."""

    chain_id: int = Field(ge=1, examples=[31337])
    contract: AddressText
    paused_since: InstantText | None = Field(
        description="While it lasts nothing is registered, answered or moved, and answer windows stand still."
    )
    paused_seconds: int = Field(ge=0, description="Length of all ended pauses, seconds.")
    clock: InstantText = Field(
        description="The registry's clock, on which answer windows end: the time less all pauses."
    )
    sunset_at: InstantText | None = Field(description="Since then nothing is registered or confirmed any more.")
    rules: AddressText | None = Field(description="The contract of extra rules, null for none.")
    descriptor: AddressText | None = Field(description="The contract that describes certificates, null for none.")
    desk: AddressText | None = Field(description="The contract that swaps certificates for deposits, null for none.")
    deposit_tokens: list[DepositTokenOut]
    journal: JournalOut
    as_of_block: BlockOut


class ParameterOut(Model):
    """A value of a parameter and the time in which it holds."""

    parameter: ParameterText
    value: int = Field(ge=0, examples=[365])
    unit: str = Field(examples=["days"])
    state: StateText
    effective_from: InstantText
    effective_until: InstantText | None = Field(description="Where the next value takes over; null for the last one.")
    set_at: InstantText


class ParameterList(Model):
    """Every value of every parameter, in the order in which they hold: what was, is, and is to come."""

    items: list[ParameterOut]
    next: NextLink
    as_of_block: BlockOut


def show(row: RegistryRow, *, cursor: CursorRow, block: BlockOut) -> RegistryRead:
    """The registry as the API shows it at the cursor's block."""
    return RegistryRead(
        chain_id=cursor.chain_id,
        contract=format_address(cursor.contract),
        paused_since=_instant(row.paused_since),
        paused_seconds=row.paused_seconds,
        clock=instant(rules.clock(row.state(), now=cursor.block_at)),
        sunset_at=_instant(row.sunset_at),
        rules=_address(row.rules),
        descriptor=_address(row.descriptor),
        desk=_address(row.desk),
        deposit_tokens=[
            DepositTokenOut(currency=currency_to_show(numeric).code, token=format_address(token))
            for numeric, token in row.deposit_tokens.items()
        ],
        journal=JournalOut(head=hex_text(row.head), length=row.length),
        as_of_block=block,
    )


def show_parameters(row: RegistryRow, *, now: int) -> list[ParameterOut]:
    """Every value of every parameter at `now` (seconds)."""
    return [
        _parameter(parameter, value, following, now=now)
        for parameter, values in sorted(row.parameters.items())
        for value, following in zip(values, [*values[1:], None], strict=True)
    ]


def _parameter(
    parameter: Parameter, value: ParameterValue, following: ParameterValue | None, *, now: int
) -> ParameterOut:
    until = None if following is None else following.effective
    state = "to_come" if now < value.effective else "in_force" if until is None or now < until else "past"
    return ParameterOut(
        parameter=parameter.name.lower(),
        value=value.value,
        unit=UNITS[parameter],
        state=state,
        effective_from=instant(value.effective),
        effective_until=None if until is None else instant(until),
        set_at=instant(value.at),
    )


def _instant(seconds: int) -> str | None:
    return instant(seconds) if seconds else None


def _address(account: Address) -> str | None:
    return None if account == ZERO_ADDRESS else format_address(account)
