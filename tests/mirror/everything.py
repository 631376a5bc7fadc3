"""Each operation of the registry at least once."""

from __future__ import annotations

from registry.chain.contract import Calls
from registry.chain.quotes import QuoteKind
from registry.domain.identifiers import ZERO_ADDRESS
from registry.domain.receivable import DAY_SECONDS, Parameter
from tests.scene import BANK, SELLER, STRANGER, SUPPLIER, Scene


def every_operation(scene: Scene) -> None:
    """Each entry of the registry at least once."""
    every_operation_without_money(scene)
    every_operation_about_money(scene)
    scene.sunset()


def every_operation_without_money(scene: Scene) -> None:
    """Each entry but those about money and the last, with orders that stand, were lifted, divided and have expired."""
    offered, refused, withdrawn, lapsed = (scene.register() for _ in range(4))
    scene.counter_offer(offered, face=90_000, due=scene.due(days=80))
    waiting = scene.register()
    scene.counter_offer(waiting, face=1)
    scene.counter_offer(waiting, face=80_000, due=scene.due(days=100))
    scene.accept_offer(offered)
    scene.refuse(refused)
    scene.withdraw(withdrawn)
    number = scene.confirmed()
    scene.split(number, start=0, cut=60_000, to=SUPPLIER)
    scene.split(number, start=60_000, cut=80_000, to=SUPPLIER, person=SUPPLIER)
    scene.merge(number, start=60_000, person=SUPPLIER)
    scene.endorse(number, start=60_000, to=BANK, person=SUPPLIER)
    scene.freeze_certificate(number, start=60_000)
    scene.freeze_certificate(number, start=60_000, order=b"\x01" * 32, seconds=100)
    scene.partition(number, start=60_000, cut=70_000)
    scene.freeze_receivable(number, order=b"\x02" * 32)
    scene.unfreeze_receivable(number, order=b"\x02" * 32)
    scene.freeze_receivable(number, order=b"\x03" * 32)
    scene.freeze_member(BANK)
    scene.freeze_member(SUPPLIER, order=b"\x04" * 32, seconds=100)
    scene.unfreeze_member(BANK)
    scene.pause()
    scene.pass_time(seconds=30 * DAY_SECONDS)
    scene.unpause()
    scene.unfreeze_certificate(number, start=60_000)
    scene.freeze_certificate(number, start=70_000, order=b"\x05" * 32)
    scene.force_transfer(number, start=70_000, to=SUPPLIER)
    scene.pass_time(seconds=30 * DAY_SECONDS)
    scene.lapse(lapsed)
    scene.admit(STRANGER)
    scene.suspend(STRANGER)
    scene.set_parameter(Parameter.MINIMUM_PART_MINOR, 5, days=20)
    scene.set_parameter(Parameter.MINIMUM_PART_MINOR, 7, days=21)
    scene.set_parameter(Parameter.TENOR_LIMIT_DAYS, 200, days=3)
    scene.govern(Calls.set_rules(ZERO_ADDRESS))
    scene.govern(Calls.set_descriptor(ZERO_ADDRESS))


def every_operation_about_money(scene: Scene) -> None:
    """Each entry about money, and receivables left in every state that it leads to; the buyer ends in default."""
    sold, returned, paid, part, closed, lost, disputed, resolved = (scene.confirmed() for _ in range(8))
    scene.accept(scene.quote(sold, price=38_000, cut=60_000, amount=40_000))
    scene.accept(scene.quote(sold, price=9_000, amount=10_000, kind=QuoteKind.PLEDGE))
    scene.accept(scene.quote(returned, price=90_000, amount=95_000))
    for number in (paid, part, closed):
        scene.split(number, start=0, cut=50_000, to=SUPPLIER)
        scene.pledge(number, start=50_000, secured=30_000, person=SUPPLIER)
    scene.pledge(disputed, secured=5)
    scene.release(disputed)
    scene.credit_note(disputed, amount=10_000)
    scene.dispute(disputed, start=10_000, cut=30_000)
    scene.dispute(resolved, cut=40_000)

    scene.pass_due(sold)
    scene.pay(resolved, 60_000)
    scene.resolve(resolved)
    scene.pay(resolved, 10_001)
    scene.redeem(resolved)
    scene.pay(paid, 40_000)
    scene.redeem(paid, start=50_000)
    scene.pay(paid, 60_000)
    scene.redeem(paid, start=50_000)  # the other half of it waits
    scene.pay(part, 40_001)
    scene.redeem(part, start=50_000)
    scene.partition(part, start=50_000, cut=70_000)

    scene.pass_due(sold, days=30)
    for number in (sold, closed, lost):
        scene.dishonour(number)
    scene.pay(closed, 33_333)
    for number in (closed, lost):
        scene.settle(Calls.close(number))
    scene.redeem(closed, start=0)  # what the lien is on waits
    scene.settle(Calls.absolve(lost))
    for number, start in ((sold, 60_000), (returned, 0)):
        scene.act(BANK, Calls.demand_recourse(receivable_id=number, start=start, end=100_000))
    scene.fund(SELLER, 95_000)
    scene.act(SELLER, Calls.repurchase(receivable_id=returned, start=0, end=100_000))
