"""What the operator does to the registry itself: pause, parameters, extra rules, descriptor, desk, tokens, sunset.

A pause is at once; the rest waits for the governor's delay at the AccessManager: the first call schedules, the same
call later carries it out. What the contract would refuse then is refused before it is scheduled.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from eth_account.signers.local import LocalAccount

from registry.chain import delayed
from registry.chain.contract import Calls
from registry.chain.deposits import DepositView
from registry.chain.reverts import UnnamedRevert
from registry.chain.submit import account_address
from registry.commands.sending import Done, done, known_by_name, send_call
from registry.commands.services import Services
from registry.domain import calendar
from registry.domain.calendar import midnight
from registry.domain.identifiers import ZERO_ADDRESS, Address, format_address
from registry.domain.money import Currency
from registry.domain.receivable import Parameter, Registry
from registry.domain.rules import (
    ParameterMalformed,
    require_first_token,
    require_no_sunset,
    require_parameter_change,
)
from registry.store.queries import registry as registry_queries


@dataclass(frozen=True, slots=True)
class Waits:
    """An operation that is scheduled, and can be carried out from `ready_at` (seconds) on.

    `tx_hash` is of the transaction that scheduled it, None where it was scheduled before.
    """

    ready_at: int
    tx_hash: bytes | None


def pause(services: Services, *, signer: LocalAccount) -> Done:
    """Stop registering, answering and moving. Raises NotAuthorised, RegistryPaused."""
    return send_call(services, signer, Calls.pause())


def unpause(services: Services, *, signer: LocalAccount) -> Done:
    """End the pause. Raises NotAuthorised, RegistryNotPaused."""
    return send_call(services, signer, Calls.unpause())


def set_parameter(
    services: Services, *, signer: LocalAccount, parameter: Parameter, value: int, effective: date
) -> Done | Waits:
    """Give a parameter another value, in its unit, from the beginning of a day (UTC) on.

    The day must lie behind the governor's delay. Raises NotAuthorised, ParameterMalformed.
    """
    instant = midnight(effective)
    require_parameter_change(int(parameter), value, effective=instant, now=services.node.pending_at())
    data = Calls.set_parameter(parameter=int(parameter), value=value, effective=instant)
    earliest = delayed.earliest(services.node, caller=account_address(signer), data=data, **where(services))
    if instant <= earliest:
        raise ParameterMalformed(
            f"the change can be made from {calendar.instant(earliest)} on, and holds from a later midnight"
        )
    return advance(services, signer, data)


def set_rules(services: Services, *, signer: LocalAccount, rules: Address) -> Done | Waits:
    """Let other extra rules hold; zeros for none. Raises NotAuthorised, ParameterMalformed."""
    _require_contract(services, rules)
    return advance(services, signer, Calls.set_rules(rules))


def set_descriptor(services: Services, *, signer: LocalAccount, descriptor: Address) -> Done | Waits:
    """Let another contract describe certificates; zeros for none. Raises NotAuthorised, ParameterMalformed."""
    _require_contract(services, descriptor)
    return advance(services, signer, Calls.set_descriptor(descriptor))


def set_desk(services: Services, *, signer: LocalAccount, desk: Address) -> Done | Waits:
    """Take sales and pledges of quotes from another desk; zeros for none. Raises NotAuthorised, ParameterMalformed."""
    _require_contract(services, desk)
    return advance(services, signer, Calls.set_desk(desk))


def set_deposit_token(services: Services, *, signer: LocalAccount, currency: Currency, token: Address) -> Done | Waits:
    """Name the deposit token of a currency, for good. Raises NotAuthorised, DepositTokenStands, ParameterMalformed."""
    require_first_token(registry_state(services), currency.numeric)
    if not _is_token_of(services, currency, token):
        raise ParameterMalformed(f"{format_address(token)} was not made for this registry and {currency}")
    return advance(services, signer, Calls.set_deposit_token(currency=currency.numeric, token=token))


def sunset(services: Services, *, signer: LocalAccount) -> Done | Waits:
    """End registering and confirming for ever; what lives runs off. Raises NotAuthorised, RegistryInSunset."""
    require_no_sunset(registry_state(services))
    return advance(services, signer, Calls.sunset())


def advance(services: Services, signer: LocalAccount, data: bytes) -> Done | Waits:
    """Bring a call that takes effect after a delay one step on: schedule it, or carry it out. Safe to repeat.

    Raises NotAuthorised and the contract's refusals.
    """
    with known_by_name(services):
        step = delayed.advance(services.node, signer=signer, data=data, **where(services))
    if isinstance(step, delayed.Done):
        return done(services, step.receipt)
    return Waits(step.ready_at, None if step.receipt is None else step.receipt.tx_hash)


def registry_state(services: Services) -> Registry:
    """The registry's own switches and parameters, as the mirror has them; its members are not read."""
    with services.database.snapshot() as connection:
        registry = registry_queries.registry(connection)
    assert registry is not None  # the constructor's entries are mirrored with the first block
    return registry.state()


def where(services: Services) -> dict[str, Address]:
    """At which AccessManager the delay is kept, and whom it is to call."""
    return {"access": services.deployment.access, "to": services.deployment.receivables}


def _is_token_of(services: Services, currency: Currency, token: Address) -> bool:
    """What the registry asks a token that is named to it."""
    if not services.node.code(token):
        return False
    view = DepositView(services.node, token)
    try:
        return (view.registry(), view.currency()) == (services.deployment.receivables, currency.numeric)
    except UnnamedRevert:  # it is another kind of contract
        return False


def _require_contract(services: Services, account: Address) -> None:
    """A call to an account without code succeeds: rules there would allow everything unseen."""
    if account != ZERO_ADDRESS and not services.node.code(account):
        raise ParameterMalformed(f"there is no contract at {format_address(account)}")
