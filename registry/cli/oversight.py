"""The registry itself: its switches and parameters, and what the operator does to them."""

from __future__ import annotations

import functools
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from registry.cli import output
from registry.cli.common import Acting, Asking, JsonFlag, Listing, Told, asking, listing, operation
from registry.cli.output import named_refusals
from registry.domain.calendar import instant
from registry.domain.identifiers import ZERO_ADDRESS, Address, format_address
from registry.domain.money import currency_to_show
from registry.domain.receivable import Parameter
from registry.domain.rules import parameter_in_force, setting_in_force

if TYPE_CHECKING:
    from registry.commands.oversight import Waits
    from registry.commands.sending import Done
    from registry.domain.receivable import ParameterValue, Registry

app = typer.Typer()
command = functools.partial(app.command, rich_help_panel="The registry itself")
parameters = typer.Typer(help="Parameters: list, set.", no_args_is_help=True)
rules = typer.Typer(help="Extra rules: set.", no_args_is_help=True)
descriptor = typer.Typer(help="What describes certificates: set.", no_args_is_help=True)
desk = typer.Typer(help="The financing desk: set.", no_args_is_help=True)


class ParameterName(StrEnum):
    """What can be set after deployment."""

    TENOR_LIMIT_DAYS = "tenor_limit_days"
    MINIMUM_PART_MINOR = "minimum_part_minor"
    ANSWER_WINDOW_DAYS = "answer_window_days"
    UNANSWERED_MAX = "unanswered_max"
    OVERDUE_GRACE_DAYS = "overdue_grace_days"


ContractAddress = Annotated[str, typer.Argument(metavar="ADDRESS", help="A contract, or none.")]
NO_CONTRACT = "none"


@command()
@operation(as_="operator")
def pause(acting: Acting) -> Told:
    """Stop registering, answering and moving; answer windows stand still too."""
    from registry.commands import oversight

    return Told("the registry is paused", oversight.pause(acting.services, signer=acting.signer))


@command()
@operation(as_="operator")
def unpause(acting: Acting) -> Told:
    """End the pause."""
    from registry.commands import oversight

    return Told("the pause has ended", oversight.unpause(acting.services, signer=acting.signer))


@command()
@operation(as_="operator")
def sunset(acting: Acting) -> Told:
    """End registering and confirming for ever: once to schedule it, once more after the delay to carry it out."""
    from registry.commands import oversight

    done = oversight.sunset(acting.services, signer=acting.signer)
    return told_of_delayed(
        "no claim is registered or confirmed here any more", done, to_come="registering and confirming will end here"
    )


@parameters.command("set")
@operation(as_="operator")
def parameter_set(
    acting: Acting,
    name: Annotated[ParameterName, typer.Argument(help="Which; its unit is in its name.")],
    value: Annotated[int, typer.Argument(min=0, help="The value.")],
    *,
    from_: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First day (UTC) on which it holds.")],
) -> Told:
    """Give a parameter another value: once to schedule it, once more after the delay to carry it out."""
    from registry.commands import oversight

    effective = from_.date()
    done = oversight.set_parameter(
        acting.services, signer=acting.signer, parameter=Parameter[name.name], value=value, effective=effective
    )
    return told_of_delayed(f"{name} is {value} from {effective} on", done)


@rules.command("set")
@operation(as_="operator")
def rules_set(acting: Acting, address: ContractAddress) -> Told:
    """Let other extra rules hold: once to schedule it, once more after the delay to carry it out."""
    from registry.commands import oversight

    contract = _contract(acting, address)
    return told_of_delayed(
        f"extra rules: {address}", oversight.set_rules(acting.services, signer=acting.signer, rules=contract)
    )


@descriptor.command("set")
@operation(as_="operator")
def descriptor_set(acting: Acting, address: ContractAddress) -> Told:
    """Let another contract describe certificates: once to schedule it, once more after the delay to carry it out."""
    from registry.commands import oversight

    contract = _contract(acting, address)
    done = oversight.set_descriptor(acting.services, signer=acting.signer, descriptor=contract)
    return told_of_delayed(f"certificates are described by {address}", done)


@desk.command("set")
@operation(as_="operator")
def desk_set(acting: Acting, address: ContractAddress) -> Told:
    """Let another desk carry out quotes: once to schedule it, once more after the delay to carry it out."""
    from registry.commands import oversight

    contract = _contract(acting, address)
    done = oversight.set_desk(acting.services, signer=acting.signer, desk=contract)
    return told_of_delayed(f"quotes are carried out by {address}", done)


def _contract(acting: Acting, address: str) -> Address:
    return ZERO_ADDRESS if address == NO_CONTRACT else acting.account(address)


@parameters.command("list")
@listing
def parameter_list(asking: Asking) -> Listing:
    """The parameters: what is in force, since when, and what is to come."""
    rows = [_parameter_document(asking.state, parameter, now=asking.now) for parameter in Parameter]
    columns = ("parameter", "value", "since", "following", "following_from")
    return Listing(
        rows,
        columns,
        lambda: output.table(
            ["parameter", "in force ", "since", "to come ", "from"],
            ([row[column] if row[column] is not None else "" for column in columns] for row in rows),
            nothing="no parameters",
        ),
    )


@command()
@named_refusals
def registry(*, json_output: JsonFlag = False) -> None:
    """The registry's switches: pause, sunset, parameters in force, the contracts that it asks."""
    from registry.store.queries import health

    with asking() as registry:
        state, now = registry.state, registry.now
        cursor = health.cursor(registry.snapshot)
    assert cursor is not None  # a registry with a state has a block that it is true at
    found: dict[str, Any] = {
        "chain": cursor.chain_id,
        "contract": format_address(cursor.contract),
        "block": cursor.block_number,
        "time": instant(now),
        "paused_since": instant(state.paused_since) if state.paused_since else None,
        "paused_seconds": state.paused_seconds,
        "sunset_at": instant(state.sunset_at) if state.sunset_at else None,
        "rules": format_address(state.rules) if any(state.rules) else None,
        "descriptor": format_address(state.descriptor) if any(state.descriptor) else None,
        "desk": format_address(state.desk) if any(state.desk) else None,
        "deposit_tokens": {
            str(currency_to_show(numeric)): format_address(token) for numeric, token in state.deposit_tokens.items()
        },
        **{one.name.lower(): parameter_in_force(state, one, now=now) for one in Parameter},
        "journal": {"head": "0x" + state.head.hex(), "length": state.length},
    }
    if json_output:
        output.document(found)
        return
    journal, tokens = found.pop("journal"), found.pop("deposit_tokens")
    output.facts((name.replace("_", " "), "no" if value is None else value) for name, value in found.items())
    output.facts((f"deposits in {currency}", token) for currency, token in tokens.items())
    output.facts([("journal R-0", f"{journal['head']} after {journal['length']} entries")])


def _parameter_document(state: Registry, parameter: Parameter, *, now: int) -> dict[str, Any]:
    values = state.parameters[parameter]
    current = setting_in_force(state, parameter, now=now)
    following: ParameterValue | None = next((value for value in values if value.effective > now), None)
    return {
        "parameter": parameter.name.lower(),
        "value": current.value,
        "since": instant(current.effective),
        "following": None if following is None else following.value,
        "following_from": None if following is None else instant(following.effective),
    }


def told_of_delayed(sentence: str, done: Done | Waits, *, to_come: str | None = None) -> Told:
    """What was carried out; or that it waits, and until when: in the words of `to_come` where `sentence` is not true
    before."""
    from registry.commands.oversight import Waits

    if not isinstance(done, Waits):
        return Told(sentence, done)
    ready_at = instant(done.ready_at)
    scheduled = "scheduled" if done.tx_hash is not None else "already scheduled"
    return Told(
        f"{to_come or sentence}; the same command carries it out from {ready_at} on",
        None,
        {"scheduled": True, "ready_at": ready_at, "transaction": done.tx_hash},
        mark=f"{scheduled}:",
    )


app.add_typer(parameters, name="parameter", rich_help_panel="The registry itself")
app.add_typer(rules, name="rules", rich_help_panel="The registry itself")
app.add_typer(descriptor, name="descriptor", rich_help_panel="The registry itself")
app.add_typer(desk, name="desk", rich_help_panel="The registry itself")
