"""What the operator does: members, pauses, parameters, sunset. The entry of R-0, or the refusal."""

from __future__ import annotations

from registry.domain.identifiers import ZERO_ADDRESS, Address
from registry.domain.journal import (
    DepositTokenSet,
    DescriptorSet,
    DeskSet,
    MemberAdmitted,
    MemberSuspended,
    ParameterSet,
    Paused,
    RulesSet,
    Sunset,
    Unpaused,
)
from registry.domain.rules.refusals import MemberMalformed, ParameterMalformed
from registry.domain.rules.requirements import (
    require_active,
    require_admission,
    require_first_token,
    require_no_sunset,
    require_parameter_change,
    require_paused,
    require_reason,
    require_running,
)
from registry.domain.rules.world import World


def decide_admit(
    world: World, *, actor: Address, member: Address, kyc_expiry: int, roles: int, profile: bytes, now: int
) -> MemberAdmitted:
    """Raises NotAuthorised, MemberMalformed."""
    world.require_operator(actor)
    require_admission(member, kyc_expiry=kyc_expiry, roles=roles, now=now)
    if member == world.address:
        raise MemberMalformed()
    return MemberAdmitted(member, actor, kyc_expiry, roles, profile, now)


def decide_suspend(world: World, *, actor: Address, member: Address, reason: int, now: int) -> MemberSuspended:
    """Raises NotAuthorised, UnknownMember, ReasonMissing."""
    world.require_operator(actor)
    require_active(world.registry, member)
    require_reason(reason)
    return MemberSuspended(member, actor, reason, now)


def decide_pause(world: World, *, actor: Address, now: int) -> Paused:
    """Raises NotAuthorised, RegistryPaused."""
    world.require_operator(actor)
    require_running(world.registry)
    return Paused(actor, now)


def decide_unpause(world: World, *, actor: Address, now: int) -> Unpaused:
    """Raises NotAuthorised, RegistryNotPaused."""
    world.require_operator(actor)
    require_paused(world.registry)
    return Unpaused(actor, now)


def decide_set_parameter(
    world: World, *, actor: Address, parameter: int, value: int, effective: int, now: int
) -> ParameterSet:
    """`value` in the parameter's unit, `effective` in seconds. Raises NotAuthorised, ParameterMalformed."""
    world.require_operator(actor)
    require_parameter_change(parameter, value, effective=effective, now=now)
    return ParameterSet(parameter, actor, value, effective, now)


def decide_set_rules(world: World, *, actor: Address, rules: Address, now: int) -> RulesSet:
    """Raises NotAuthorised, ParameterMalformed."""
    world.require_operator(actor)
    _require_code(world, rules)
    return RulesSet(rules, actor, now)


def decide_set_descriptor(world: World, *, actor: Address, descriptor: Address, now: int) -> DescriptorSet:
    """Raises NotAuthorised, ParameterMalformed."""
    world.require_operator(actor)
    _require_code(world, descriptor)
    return DescriptorSet(descriptor, actor, now)


def decide_set_deposit_token(
    world: World, *, actor: Address, currency: int, token: Address, now: int
) -> DepositTokenSet:
    """`currency` is an ISO 4217 number. Raises NotAuthorised, DepositTokenStands, ParameterMalformed."""
    world.require_operator(actor)
    require_first_token(world.registry, currency)
    if world.tokens.get(token) != currency:
        raise ParameterMalformed("the token was not made for this registry and that currency")
    return DepositTokenSet(currency, token, actor, now)


def decide_set_desk(world: World, *, actor: Address, desk: Address, now: int) -> DeskSet:
    """Raises NotAuthorised, ParameterMalformed."""
    world.require_operator(actor)
    _require_code(world, desk)
    return DeskSet(desk, actor, now)


def decide_sunset(world: World, *, actor: Address, now: int) -> Sunset:
    """Raises NotAuthorised, RegistryInSunset."""
    world.require_operator(actor)
    require_no_sunset(world.registry)
    return Sunset(actor, now)


def _require_code(world: World, account: Address) -> None:
    """A call to an account without code succeeds: rules there would allow everything unseen."""
    if account != ZERO_ADDRESS and account not in world.contracts:
        raise ParameterMalformed("there is no contract at that address")
