"""Delayed operations on a real chain: scheduled, waited for, carried out, expired, cancelled."""

from __future__ import annotations

import pytest

from registry.chain import delayed
from registry.chain.contract import Calls, receivables_abi
from registry.chain.delayed import Done, Scheduled
from registry.chain.devchain import dev_account
from registry.chain.reverts import AlreadyScheduled, NotReady
from registry.chain.submit import entries, send
from registry.domain import rules
from registry.domain.identifiers import ZERO_ADDRESS
from registry.domain.journal import Absolved, Closed, DeskSet, MemberSuspended, ParameterSet, Sunset
from registry.domain.receivable import DAY_SECONDS, Parameter, Status
from tests.scene import BANK, EUR, OFFICER, OPERATOR, SELLER, SETTLEMENT_BANK, Scene

WEEK_SECONDS = 7 * DAY_SECONDS


def test_what_is_scheduled_is_carried_out_by_whoever_scheduled_it(scene: Scene) -> None:
    delay = scene.deployment.charter.governor_delay_seconds
    scheduled = scene.advance(Calls.sunset())
    assert isinstance(scheduled, Scheduled)
    assert scheduled.receipt is not None
    assert scheduled.ready_at == scene.now + delay
    assert entries(scheduled.receipt) == []

    scene.pass_time(seconds=delay)
    done = scene.advance(Calls.sunset())
    assert isinstance(done, Done)
    (entry,) = entries(done.receipt)
    assert isinstance(entry, Sunset)
    assert entry.actor == scene.address(OPERATOR)
    assert scene.view.policy().movement.sunset


def test_asking_again_changes_nothing_before_the_time_has_come(scene: Scene) -> None:
    scheduled = scene.advance(Calls.sunset())
    head = scene.node.head()
    for _ in range(2):
        waiting = scene.advance(Calls.sunset())
        assert isinstance(waiting, Scheduled)
        assert waiting.receipt is None
        assert waiting.ready_at == scheduled.ready_at if isinstance(scheduled, Scheduled) else False
    assert scene.node.head() == head
    with pytest.raises(NotReady):
        scene.send(OPERATOR, Calls.sunset())


def test_it_is_ready_when_the_next_block_would_be_late_enough(scene: Scene) -> None:
    """On a chain where nothing happens the newest block stays young."""
    scheduled = scene.advance(Calls.sunset())
    assert isinstance(scheduled, Scheduled)
    scene.node.request("evm_increaseTime", hex(scene.deployment.charter.governor_delay_seconds))
    assert scene.now < scheduled.ready_at
    assert isinstance(scene.advance(Calls.sunset()), Done)


def test_two_calls_wait_for_themselves(scene: Scene) -> None:
    first, second = (
        Calls.set_parameter(parameter=Parameter.UNANSWERED_MAX, value=value, effective=scene.due(days=3))
        for value in (7, 8)
    )
    scene.advance(first)
    scene.pass_time(seconds=scene.deployment.charter.governor_delay_seconds)
    assert isinstance(scene.advance(second), Scheduled)
    done = scene.advance(first)
    assert isinstance(done, Done)
    (entry,) = entries(done.receipt)
    assert isinstance(entry, ParameterSet)
    assert entry.value == 7


def test_what_was_not_carried_out_within_a_week_is_scheduled_anew(scene: Scene) -> None:
    first = scene.advance(Calls.sunset())
    assert isinstance(first, Scheduled)
    scene.pass_time(seconds=first.ready_at - scene.now + WEEK_SECONDS)
    second = scene.advance(Calls.sunset())
    assert isinstance(second, Scheduled)
    assert second.receipt is not None
    assert second.ready_at > first.ready_at + WEEK_SECONDS


def test_a_call_without_delay_is_carried_out_at_once(scene: Scene) -> None:
    done = scene.advance(Calls.suspend(member=scene.address(SELLER), reason=1))
    assert isinstance(done, Done)
    (entry,) = entries(done.receipt)
    assert isinstance(entry, MemberSuspended)


@pytest.mark.parametrize("person", [BANK, OFFICER])
def test_who_may_never_do_it_is_refused_before_anything_is_sent(scene: Scene, person: int) -> None:
    head = scene.node.head()
    with pytest.raises(rules.NotAuthorised):
        scene.advance(Calls.sunset(), person=person)
    assert scene.node.head() == head


def test_a_call_that_the_registry_refuses_stays_scheduled(scene: Scene) -> None:
    late = Calls.set_parameter(parameter=Parameter.UNANSWERED_MAX, value=7, effective=0)
    scene.advance(late)
    scene.pass_time(seconds=scene.deployment.charter.governor_delay_seconds)
    for _ in range(2):
        with pytest.raises(rules.ParameterMalformed):
            scene.advance(late)


def test_the_administrators_own_calls_wait_as_well(scene: Scene) -> None:
    """A new governor: the manager itself is the target."""
    access, delay = scene.deployment.access, scene.deployment.charter.governor_delay_seconds
    grant = delayed.access_abi().call("grantRole", 2, scene.address(BANK), delay)
    for expected in (Scheduled, Done):
        step = delayed.advance(scene.node, access, signer=dev_account(OPERATOR), to=access, data=grant)
        assert isinstance(step, expected)
        scene.pass_time(seconds=delay)
    assert isinstance(scene.advance(Calls.sunset(), person=BANK), Scheduled)


def test_scheduling_the_same_twice_is_named(scene: Scene) -> None:
    scene.advance(Calls.sunset())
    schedule = delayed.access_abi().call("schedule", scene.deployment.receivables, Calls.sunset(), 0)
    with pytest.raises(AlreadyScheduled):
        send(
            scene.node,
            delayed.access_abi(),
            signer=dev_account(OPERATOR),
            to=scene.deployment.access,
            data=schedule,
        )


def test_the_earliest_instant_is_told_before_and_after_scheduling(scene: Scene) -> None:
    where = {"caller": scene.address(OPERATOR), "to": scene.deployment.receivables, "data": Calls.sunset()}
    delay, access = scene.deployment.charter.governor_delay_seconds, scene.deployment.access
    foretold = delayed.earliest(scene.node, access, **where)
    assert delay <= foretold - scene.now <= delay + 60
    scheduled = scene.advance(Calls.sunset())
    assert isinstance(scheduled, Scheduled)
    assert delayed.earliest(scene.node, access, **where) == scheduled.ready_at
    scene.pass_time(seconds=delay + 100)
    assert delayed.earliest(scene.node, access, **where) >= scheduled.ready_at + 100


def test_who_acts_at_once_is_told(scene: Scene) -> None:
    def at_once(access: bytes, person: int, data: bytes) -> bool:
        caller, to = scene.address(person), scene.deployment.receivables
        return delayed.calls_at_once(scene.node, access, caller=caller, to=to, selector=data[:4])

    assert at_once(scene.deployment.access, OPERATOR, Calls.pause())
    assert not at_once(scene.deployment.access, OPERATOR, Calls.sunset())
    assert not at_once(scene.deployment.access, BANK, Calls.pause())
    freeze = receivables_abi().selector("freezeMember")
    assert at_once(scene.deployment.regulation, OFFICER, freeze)
    assert not at_once(scene.deployment.regulation, OPERATOR, freeze)


def test_the_settlement_bank_closes_a_book_and_absolves_after_its_delay(scene: Scene) -> None:
    number, bank = scene.confirmed(), scene.address(SETTLEMENT_BANK)
    scene.pass_due(number, days=scene.deployment.charter.overdue_grace_days)
    scene.dishonour(number)
    for person in (OPERATOR, BANK):
        with pytest.raises(rules.NotAuthorised):
            scene.advance(Calls.close(number), person=person)
    for call, kind in ((Calls.close(number), Closed), (Calls.absolve(number), Absolved)):
        scheduled = scene.advance(call, person=SETTLEMENT_BANK)
        assert isinstance(scheduled, Scheduled)
        assert scheduled.ready_at == scene.now + scene.deployment.charter.settlement_delay_seconds
        with pytest.raises(NotReady):
            scene.send(SETTLEMENT_BANK, call)
        entry = scene.settle(call)
        assert isinstance(entry, kind)
        assert entry.actor == bank
    assert scene.view.records([number])[number].status == Status.CLOSED


def test_a_book_that_is_closed_too_early_stays_open(scene: Scene) -> None:
    number = scene.confirmed()
    scene.advance(Calls.close(number), person=SETTLEMENT_BANK)
    scene.pass_time(seconds=scene.deployment.charter.settlement_delay_seconds)
    with pytest.raises(rules.NotOverdue):
        scene.advance(Calls.close(number), person=SETTLEMENT_BANK)


def test_the_governor_names_another_desk_and_a_currencys_token_once(scene: Scene) -> None:
    named = scene.govern(Calls.set_desk(ZERO_ADDRESS))
    assert isinstance(named, DeskSet)
    assert scene.view.policy().settlement.desk == ZERO_ADDRESS
    again = Calls.set_deposit_token(currency=EUR, token=scene.token)
    with pytest.raises(rules.DepositTokenStands):
        scene.govern(again)
