"""The operator's switches: at once, or in two runs around the governor's delay."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from eth_account.signers.local import LocalAccount

from registry.chain.devchain import dev_account
from registry.commands import claims, deposits, oversight
from registry.commands.oversight import Waits
from registry.commands.sending import Done
from registry.domain.identifiers import ZERO_ADDRESS
from registry.domain.journal import (
    DepositTokenSet,
    DescriptorSet,
    DeskSet,
    ParameterSet,
    Paused,
    RulesSet,
    Sunset,
    Unpaused,
)
from registry.domain.money import currency
from registry.domain.receivable import DAY_SECONDS, Parameter
from registry.domain.rules import parameter_in_force
from registry.store.queries import registry as registry_queries
from tests.commands.desk import Desk, changes, refused
from tests.scene import OPERATOR, REGULATOR, SELLER, STRANGER

DELAY_SECONDS = 3_600
WEEK_SECONDS = 7 * DAY_SECONDS
CHF = currency("CHF")


def set_parameter(
    desk: Desk,
    parameter: Parameter = Parameter.MINIMUM_PART_MINOR,
    value: int = 100,
    *,
    days: int = 2,
    day: date | None = None,
    person: int = OPERATOR,
) -> Done | Waits:
    return oversight.set_parameter(
        desk.services,
        signer=dev_account(person),
        parameter=parameter,
        value=value,
        effective=day or claims.due_day(desk.scene.due(days=days)),
    )


# ------------------------------------------------------------------------ at once


def test_a_pause_stops_what_members_do_and_ends(desk: Desk) -> None:
    operator = dev_account(OPERATOR)
    assert isinstance(oversight.pause(desk.services, signer=operator).entry, Paused)
    with refused(desk, "registry_paused"):
        desk.register()
    with refused(desk, "registry_paused"):
        oversight.pause(desk.services, signer=operator)
    assert isinstance(oversight.unpause(desk.services, signer=operator).entry, Unpaused)
    desk.register()
    with refused(desk, "registry_not_paused"):
        oversight.unpause(desk.services, signer=operator)
    assert desk.agrees()


# -------------------------------------------------------------------- in two runs


def test_a_parameter_is_scheduled_then_set_and_holds_from_its_day_on(desk: Desk) -> None:
    # The same day throughout: the delay may lead over midnight.
    day = claims.due_day(desk.scene.due(days=2))
    waits = set_parameter(desk, day=day)
    assert isinstance(waits, Waits)
    assert waits.tx_hash is not None
    assert waits.ready_at - desk.scene.now == DELAY_SECONDS
    again = set_parameter(desk, day=day)
    assert again == Waits(waits.ready_at, None)
    desk.scene.pass_time(seconds=DELAY_SECONDS)
    done = set_parameter(desk, day=day)
    assert isinstance(done, Done)
    assert isinstance(done.entry, ParameterSet)
    with desk.services.database.snapshot() as connection:
        row = registry_queries.registry(connection)
    assert row is not None
    state = row.state()
    effective = done.entry.effective
    assert parameter_in_force(state, Parameter.MINIMUM_PART_MINOR, now=effective - 1) == 1
    assert parameter_in_force(state, Parameter.MINIMUM_PART_MINOR, now=effective) == 100
    certificate = desk.confirmed()
    desk.split(certificate, "0.01")
    desk.scene.pass_time(seconds=effective - desk.scene.now)
    certificate = desk.confirmed()
    with refused(desk, "below_minimum_part"):
        desk.split(certificate, "0.99")
    assert desk.agrees()


def test_what_was_not_carried_out_within_its_week_is_scheduled_anew(desk: Desk) -> None:
    waits = set_parameter(desk, days=30)
    assert isinstance(waits, Waits)
    desk.scene.pass_time(seconds=DELAY_SECONDS + WEEK_SECONDS + 1)
    again = oversight.set_parameter(
        desk.services,
        signer=dev_account(OPERATOR),
        parameter=Parameter.MINIMUM_PART_MINOR,
        value=100,
        effective=claims.due_day(desk.scene.due(days=23)),
    )
    assert isinstance(again, Waits)
    assert again.tx_hash is not None


@pytest.mark.parametrize(
    ("parameter", "value", "days"),
    [
        (Parameter.TENOR_LIMIT_DAYS, 0, 2),
        (Parameter.TENOR_LIMIT_DAYS, 65_536, 2),
        (Parameter.MINIMUM_PART_MINOR, 2**32, 2),
        (Parameter.MINIMUM_PART_MINOR, -1, 2),
        (Parameter.ANSWER_WINDOW_DAYS, 2**256, 2),
        (Parameter.FORCED_TRANSFER_DELAY_SECONDS, 60, 2),
        (Parameter.UNANSWERED_MAX, 5, 0),
        (Parameter.UNANSWERED_MAX, 5, -1),
        (Parameter.UNANSWERED_MAX, 5, -30_000),
        (Parameter.UNANSWERED_MAX, 5, 65_536),
    ],
)
def test_what_the_contract_would_refuse_later_is_not_scheduled(
    shared_desk: Desk, parameter: Parameter, value: int, days: int
) -> None:
    with refused(shared_desk, "parameter_malformed"):
        set_parameter(shared_desk, parameter, value, days=days)


def test_a_day_that_comes_before_the_delay_is_over_is_not_scheduled(desk: Desk) -> None:
    # Half an hour before a midnight, when the governor must wait for an hour; not the next one, which may be nearer.
    midnight = desk.scene.due(days=2)
    desk.scene.pass_time(seconds=midnight - desk.scene.now - DELAY_SECONDS // 2)
    with refused(desk, "parameter_malformed") as caught:
        set_parameter(desk, days=1)
    assert "the change can be made from" in caught.value.detail
    assert isinstance(set_parameter(desk, days=2), Waits)


def test_a_sunset_ends_registering_for_ever(desk: Desk) -> None:
    receivable_id = desk.registered()
    operator = dev_account(OPERATOR)
    assert isinstance(oversight.sunset(desk.services, signer=operator), Waits)
    desk.registered()
    desk.scene.pass_time(seconds=DELAY_SECONDS)
    done = oversight.sunset(desk.services, signer=operator)
    assert isinstance(done, Done)
    assert isinstance(done.entry, Sunset)
    for act in (desk.register, lambda: desk.confirm(receivable_id)):
        with refused(desk, "registry_in_sunset"):
            act()
    with refused(desk, "registry_in_sunset"):
        oversight.sunset(desk.services, signer=operator)
    claims.withdraw(desk.services, signer=dev_account(SELLER), receivable_id=receivable_id)
    assert desk.agrees()


def test_rules_and_descriptor_are_contracts_or_none(desk: Desk) -> None:
    operator, contract = dev_account(OPERATOR), desk.services.deployment.descriptor
    for set_, kind in ((oversight.set_rules, RulesSet), (oversight.set_descriptor, DescriptorSet)):
        name = "rules" if set_ is oversight.set_rules else "descriptor"
        with refused(desk, "parameter_malformed"):
            set_(desk.services, signer=operator, **{name: desk.scene.address(SELLER)})
        for address in (contract, ZERO_ADDRESS):
            assert isinstance(set_(desk.services, signer=operator, **{name: address}), Waits)
            desk.scene.pass_time(seconds=DELAY_SECONDS)
            done = set_(desk.services, signer=operator, **{name: address})
            assert isinstance(done, Done)
            assert isinstance(done.entry, kind)
    assert desk.agrees()


def test_a_desk_is_replaced_and_a_token_named_for_good(desk: Desk) -> None:
    services, operator = desk.services, dev_account(OPERATOR)
    registry, banking = services.deployment.receivables, services.deployment.banking
    francs = desk.scene.create("DepositToken", banking, registry, CHF.numeric)
    for token in (desk.scene.address(SELLER), ZERO_ADDRESS, services.deployment.descriptor, desk.scene.token):
        with refused(desk, "parameter_malformed"):
            oversight.set_deposit_token(services, signer=operator, currency=CHF, token=token)
    with refused(desk, "deposit_token_stands"):
        oversight.set_deposit_token(services, signer=operator, currency=currency("EUR"), token=desk.scene.token)
    with refused(desk, "parameter_malformed"):
        oversight.set_desk(services, signer=operator, desk=desk.scene.address(SELLER))
    another = desk.scene.create("FinancingDesk", registry)

    def both() -> list[Done | Waits]:
        return [
            oversight.set_deposit_token(services, signer=operator, currency=CHF, token=francs),
            oversight.set_desk(services, signer=operator, desk=another),
        ]

    assert all(isinstance(waits, Waits) for waits in both())
    desk.scene.pass_time(seconds=DELAY_SECONDS)
    named, moved = both()
    assert isinstance(named, Done)
    assert isinstance(moved, Done)
    assert (type(named.entry), type(moved.entry)) == (DepositTokenSet, DeskSet)
    assert deposits.desk_of(services) == another
    assert {str(total.deposits.currency) for total in deposits.totals(services)} == {"CHF", "EUR"}
    assert desk.agrees()


# ------------------------------------------------------------------------- others


@pytest.mark.parametrize("person", [SELLER, STRANGER, REGULATOR])
def test_only_the_operator_does_any_of_it(shared_desk: Desk, person: int) -> None:
    services, signer = shared_desk.services, dev_account(person)
    acts: list[Callable[[LocalAccount], object]] = [
        lambda who: oversight.pause(services, signer=who),
        lambda who: oversight.unpause(services, signer=who),
        lambda who: oversight.sunset(services, signer=who),
        lambda who: oversight.set_rules(services, signer=who, rules=ZERO_ADDRESS),
        lambda who: oversight.set_descriptor(services, signer=who, descriptor=ZERO_ADDRESS),
        lambda who: oversight.set_desk(services, signer=who, desk=ZERO_ADDRESS),
        lambda who: set_parameter(shared_desk, person=person),
    ]
    for act in acts:
        with refused(shared_desk, "not_authorised"):
            act(signer)


def test_scheduling_writes_no_entry(desk: Desk) -> None:
    before = desk.state()
    set_parameter(desk)
    assert changes(before, desk.state()) <= {"block", "cursor"}
