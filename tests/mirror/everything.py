"""Each operation of the registry at least once."""

from __future__ import annotations

from registry.chain.contract import Calls
from registry.domain.identifiers import ZERO_ADDRESS
from registry.domain.receivable import DAY_SECONDS, Parameter
from tests.scene import BANK, STRANGER, SUPPLIER, Scene


def every_operation(scene: Scene) -> None:
    """Each entry of the registry at least once, with orders that stand, were lifted, were divided and have expired."""
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
    scene.sunset()
