"""Parameters: values with the midnight from which they hold; what is still to come can be replaced."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts.door import refused
from tests.contracts.house import (
    ANSWER_WINDOW_DAYS,
    DAY,
    GOVERNOR_ROLE,
    NOBODY,
    OVERDUE_GRACE_DAYS,
    TENOR_LIMIT_DAYS,
    UNANSWERED_MAX,
    YEAR,
    House,
    token,
)

TENOR_LIMIT, MINIMUM_PART, ANSWER_WINDOW, UNANSWERED, DELAY, GRACE = range(1, 7)
LARGEST = {TENOR_LIMIT: 2**16 - 1, MINIMUM_PART: 2**32 - 1, ANSWER_WINDOW: 2**16 - 1, UNANSWERED: 2**16 - 1, GRACE: 365}
settable = pytest.mark.parametrize("parameter", LARGEST)


def put(house: House, parameter: int, value: int, *, days: int = 1, effective: int | None = None) -> Any:
    """Set a parameter from a midnight so many days ahead."""
    effective = house.midnight(days=days) if effective is None else effective
    return house.receivables.setParameter(parameter, value, effective, sender=house.operator)


def test_a_change_is_told_with_its_day(house: House) -> None:
    effective = house.midnight(days=3)
    receipt = put(house, MINIMUM_PART, 1_000, effective=effective)
    fields = {"parameter": MINIMUM_PART, "actor": house.operator.address, "value": 1_000}
    assert receipt.events == [("ParameterSet", fields | {"effective": effective, "at": house.now})]


@settable
def test_values_have_bounds(house: House, parameter: int) -> None:
    for value in (0, LARGEST[parameter] + 1, 2**64 - 1):
        with refused("ParameterMalformed"):
            put(house, parameter, value)
    put(house, parameter, 1)
    put(house, parameter, LARGEST[parameter])


@pytest.mark.parametrize("parameter", [0, DELAY, 7, 255])
def test_there_are_no_others_to_set(house: House, parameter: int) -> None:
    """The delay of a forced transfer is the regulator's safeguard and fixed for good."""
    with refused("ParameterMalformed"):
        put(house, parameter, 1)


@settable
def test_a_change_holds_from_a_later_midnight(house: House, parameter: int) -> None:
    midnight = house.midnight(days=1)
    for effective in (0, house.midnight(days=0), house.midnight(days=-1), midnight + 1, midnight - 1, 2**16 * DAY):
        with refused("ParameterMalformed"):
            put(house, parameter, 1, effective=effective)
    put(house, parameter, 1, effective=(2**16 - 1) * DAY)  # the last day that fits
    house.at(midnight)
    with refused("ParameterMalformed"):  # in that very second it is no longer to come
        put(house, parameter, 1, effective=midnight)
    house.at(midnight + DAY - 1)
    put(house, parameter, 1, effective=midnight + DAY)


def test_the_tenor_limit_changes_at_the_second(house: House) -> None:
    change = house.midnight(days=2)
    put(house, TENOR_LIMIT, 10, effective=change)
    far = change + 30 * DAY
    house.at(change - 1)
    house.register(house.claim(due=far))
    house.at(change)
    with refused("TenorExceeded", latest=change + 10 * DAY):
        house.register(house.claim(due=far))
    house.at(change + DAY)
    house.register(house.claim(due=change + 11 * DAY))


def test_the_minimum_part_changes_at_the_second(house: House) -> None:
    first, second = house.confirmed(face=1_000), house.confirmed(face=1_000)
    change = house.midnight(days=2)
    put(house, MINIMUM_PART, 600, effective=change)
    house.at(change - 1)
    house.split(token(first), 999)
    house.at(change)
    with refused("BelowMinimumPart", minimum=600):
        house.split(token(second), 500)


def test_the_minimum_part_is_a_length_wherever_the_part_begins(house: House) -> None:
    receivable_id = house.confirmed(face=2_000)
    change = house.midnight(days=2)
    put(house, MINIMUM_PART, 600, effective=change)
    house.split(token(receivable_id), 800, to=house.seller)
    house.at(change)
    with refused("BelowMinimumPart", minimum=600):
        house.split(token(receivable_id, 800), 1_399)
    house.split(token(receivable_id, 800), 1_400)


def test_the_answer_window_is_the_one_at_registration(house: House) -> None:
    change = house.midnight(days=2)
    put(house, ANSWER_WINDOW, 1, effective=change)
    house.at(change - 1)
    before = house.register()
    house.at(change)
    after = house.register()
    assert house.terms(before)["answerBy"] == change - 1 + ANSWER_WINDOW_DAYS * DAY
    assert house.terms(after)["answerBy"] == change + DAY


def test_the_limit_of_unanswered_claims_is_the_one_of_the_moment(house: House) -> None:
    """A lower limit takes back nothing; it only stops what comes next."""
    for _ in range(3):
        house.register()
    put(house, UNANSWERED, 2)
    house.wait(DAY)
    with refused("TooManyUnanswered", limit=2):
        house.register()
    house.refuse(1)
    with refused("TooManyUnanswered", limit=2):
        house.register()
    house.refuse(2)
    house.register()
    put(house, UNANSWERED, UNANSWERED_MAX)
    house.wait(DAY)
    house.register()


def test_of_two_changes_to_come_the_later_set_stands_alone(house: House) -> None:
    """The first never comes into force, though its day is earlier or its value was fine."""
    put(house, TENOR_LIMIT, 20, days=2)
    put(house, TENOR_LIMIT, 30, days=4)
    due = house.midnight(days=100)
    house.at(house.midnight(days=3))
    house.register(house.claim(due=due))  # the first value holds on: 365 days
    house.at(house.midnight(days=1))
    with refused("TenorExceeded", latest=house.midnight(days=1) + 30 * DAY):
        house.register(house.claim(due=due))
    put(house, TENOR_LIMIT, 300, days=5)
    put(house, TENOR_LIMIT, 200, days=1)  # earlier than the one it replaces
    house.at(house.midnight(days=1))
    house.register(house.claim(due=due))


def test_a_change_that_has_come_is_kept_when_another_is_set(house: House) -> None:
    put(house, MINIMUM_PART, 100, days=1)
    house.wait(DAY)
    put(house, MINIMUM_PART, 500, days=1)
    receivable_id = house.confirmed(face=1_000)
    with refused("BelowMinimumPart", minimum=100):
        house.split(token(receivable_id), 50)
    house.split(token(receivable_id), 900)
    house.wait(DAY)
    with refused("BelowMinimumPart", minimum=500):
        house.split(token(receivable_id), 600)


def test_parameters_do_not_touch_each_other(house: House) -> None:
    """Five values share three words with the count, the rules, the desk and the switches: each keeps to its bits."""
    house.register()
    house.receivables.setRules(house.access, sender=house.operator)
    house.receivables.setRules(NOBODY, sender=house.operator)
    house.receivables.setDesk(house.access, sender=house.operator)
    day = house.midnight(days=1)
    for parameter, value in LARGEST.items():
        put(house, parameter, value, effective=day)
        house.audit()
    house.wait(DAY)
    for parameter in LARGEST:
        put(house, parameter, 1, effective=(2**16 - 1) * DAY)
        house.audit()
    assert house.receivables.count() == 1
    assert house.receivables.policy().settlement >> 48 == int(house.access.address, 16)
    house.receivables.pause(sender=house.operator)
    put(house, MINIMUM_PART, 7, days=3)
    assert house.receivables.policy().movement >> 240 == 1
    house.receivables.unpause(sender=house.operator)


@pytest.mark.parametrize("zero", range(5))
def test_no_first_value_is_zero(house: House, project: Any, zero: int) -> None:
    values = [TENOR_LIMIT_DAYS, 1, ANSWER_WINDOW_DAYS, UNANSWERED_MAX, OVERDUE_GRACE_DAYS]
    values[zero] = 0
    arguments = (house.access, house.by_signature, NOBODY, values)
    with refused("ParameterMalformed"):
        house.receivables.create(project.Receivables, *arguments, sender=house.operator)


def test_the_first_grace_is_at_most_a_year(house: House, project: Any) -> None:
    def create(days: int) -> None:
        values = [TENOR_LIMIT_DAYS, 1, ANSWER_WINDOW_DAYS, UNANSWERED_MAX, days]
        house.receivables.create(
            project.Receivables, house.access, house.by_signature, NOBODY, values, sender=house.operator
        )

    create(LARGEST[GRACE])
    with refused("ParameterMalformed"):
        create(LARGEST[GRACE] + 1)


def test_a_registry_knows_the_regulators_manager_from_its_first_block(house: House, project: Any) -> None:
    arguments = (house.regulation, YEAR, house.settlement, NOBODY)
    oversight = house.made(project.ReceivablesOversight, *arguments)
    assert oversight.regulation() == house.regulation.address


def test_the_delay_of_a_forced_transfer_is_at_most_a_year(house: House, project: Any) -> None:
    def create(delay: int) -> None:
        arguments = (house.regulation, delay, house.settlement, NOBODY)
        house.receivables.create(project.ReceivablesOversight, *arguments, sender=house.operator)

    create(YEAR)
    with refused("ParameterMalformed"):
        create(YEAR + 1)


def test_a_governor_waits_out_its_delay(house: House) -> None:
    """What the manager makes wait is scheduled there and then done by the governor's own call, named as its actor."""
    house.access.grantRole(GOVERNOR_ROLE, house.supplier, 3_600, sender=house.operator)
    effective = house.midnight(days=5)
    call = house.receivables.setParameter.encode_input(MINIMUM_PART, 9, effective)
    operation = house.access.hashOperation(house.supplier, house.receivables, call)
    with refused("AccessManagerNotScheduled", operationId=operation):
        house.receivables.setParameter(MINIMUM_PART, 9, effective, sender=house.supplier)
    house.access.schedule(house.receivables, call, house.now + 4_000, sender=house.supplier)
    with refused("AccessManagerNotReady", operationId=operation):
        house.receivables.setParameter(MINIMUM_PART, 9, effective, sender=house.supplier)
    house.wait(4_000)
    with refused("AccessManagerNotScheduled", operationId=_operation(house, 8, effective)):  # another value
        house.receivables.setParameter(MINIMUM_PART, 8, effective, sender=house.supplier)
    receipt = house.receivables.setParameter(MINIMUM_PART, 9, effective, sender=house.supplier)
    assert dict(receipt.events)["ParameterSet"]["actor"] == house.supplier
    with refused("AccessManagerNotScheduled", operationId=operation):  # once
        house.receivables.setParameter(MINIMUM_PART, 9, effective, sender=house.supplier)


def _operation(house: House, value: int, effective: int) -> Any:
    call = house.receivables.setParameter.encode_input(MINIMUM_PART, value, effective)
    return house.access.hashOperation(house.supplier, house.receivables, call)


def test_through_the_manager_the_actor_is_the_manager(house: House) -> None:
    """R-0 names who called; the manager's own events say for whom, of what was scheduled."""
    effective = house.midnight(days=5)
    call = house.receivables.setParameter.encode_input(MINIMUM_PART, 9, effective)
    receipt = house.access.execute(house.receivables, call, sender=house.operator)
    assert dict(receipt.events)["ParameterSet"]["actor"] == house.access.address
