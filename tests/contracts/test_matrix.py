"""Every cell of operation x phase x overlay on the real contract: allowed, or refused by that name, without a trace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from registry.domain.matrix import (
    MatrixPhase,
    Operation,
    Overlay,
    Wait,
    cells,
    expected,
    is_reachable,
    steps_to,
)
from tests.contracts.door import Reverted
from tests.contracts.house import (
    ANSWER_WINDOW_DAYS,
    DAY,
    FORCED_TRANSFER_DELAY,
    NO_DOCUMENT,
    NOBODY,
    House,
    named,
    token,
)

FACE = 100_000
OFFERED = 80_000
RECEIVABLE = 1
FRONT = token(RECEIVABLE)
ORDER_SECONDS = 5 * DAY
DUE_DAYS, OFFERED_DUE_DAYS = 30, 60
assert FORCED_TRANSFER_DELAY < ORDER_SECONDS < ANSWER_WINDOW_DAYS * DAY < DUE_DAYS * DAY < OFFERED_DUE_DAYS * DAY


class Walk:
    """One claim on its way to a cell, and every operation about it by the right party with right arguments."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.claim = house.claim(face=FACE, due=house.midnight(days=DUE_DAYS))
        self.offered_due = house.midnight(days=OFFERED_DUE_DAYS)
        self.frozen_at = 0
        self.not_before = 0
        """A wait ends at its very second: the next block's, if nothing came between."""

    def to(self, phase: MatrixPhase, overlay: Overlay) -> None:
        for step in steps_to(phase, overlay):
            if isinstance(step, Wait):
                self.not_before = self.instant(step)
                continue
            self.ask(step)
            if step in FREEZES:
                self.frozen_at = self.house.now

    def instant(self, wait: Wait) -> int:
        """When what is waited for comes true."""
        if wait is Wait.ANSWER_WINDOW:
            return int(self.house.terms(RECEIVABLE)["answerBy"])
        instants = {
            Wait.DUE_DATE: self.claim["due"],
            Wait.DELAY: self.frozen_at + FORCED_TRANSFER_DELAY,
            Wait.EXPIRY: self.frozen_at + ORDER_SECONDS,
        }
        return int(instants[wait])

    def ask(self, operation: Operation) -> None:
        """Raises Reverted where the contract refuses."""
        if self.not_before > self.house.now:
            self.house.at(self.not_before)
        ASKED[operation](self)

    @property
    def time(self) -> int:
        """The timestamp that the next block has, or a little less."""
        return max(self.house.now, self.not_before)

    @property
    def front(self) -> int:
        """The front certificate as it is; where there is none, as it would be."""
        found = self.house.certificate(FRONT)
        return named(FRONT, found.end if found else FACE)

    @property
    def middle(self) -> int:
        return (self.front & 2**64 - 1) // 2

    def accept_offer(self) -> Any:
        """Accept the last counter-offer; where there is none, one that was not made."""
        if any(event == "CounterOffered" for event, _ in self.house.journals()[RECEIVABLE]):
            return self.house.accept_offer(RECEIVABLE)
        terms = self.house.terms(RECEIVABLE)
        offer = {"face": OFFERED, "due": self.offered_due, "at": terms["registeredAt"]}
        return self.house.receivables.acceptOffer(RECEIVABLE, terms, [], offer, sender=self.house.seller)

    def move(self, function: str, *arguments: Any) -> Any:
        return getattr(self.house.receivables, function)(*arguments, sender=self.house.seller)

    def switch(self, function: str, *arguments: Any) -> Any:
        return getattr(self.house.receivables, function)(*arguments, sender=self.house.operator)

    def part(self, receiver: Any, **others: int) -> dict[str, Any]:
        return {"receiver": receiver.address, "document": NO_DOCUMENT} | others

    @property
    def expiry(self) -> int:
        return self.time + ORDER_SECONDS


FREEZES = {Operation.FREEZE_CERTIFICATE, Operation.FREEZE_RECEIVABLE, Operation.FREEZE_MEMBER}

ASKED: dict[Operation, Callable[[Walk], Any]] = {
    Operation.REGISTER: lambda walk: walk.house.register(walk.claim),
    Operation.CONFIRM: lambda walk: walk.house.confirm(RECEIVABLE),
    Operation.REFUSE: lambda walk: walk.house.refuse(RECEIVABLE),
    Operation.WITHDRAW: lambda walk: walk.house.withdraw(RECEIVABLE),
    Operation.LAPSE: lambda walk: walk.house.lapse(RECEIVABLE),
    Operation.COUNTER_OFFER: lambda walk: walk.house.counter_offer(RECEIVABLE, face=OFFERED, due=walk.offered_due),
    Operation.ACCEPT_OFFER: lambda walk: walk.accept_offer(),
    Operation.SPLIT: lambda walk: walk.move("split", walk.front, walk.middle, walk.house.seller, NO_DOCUMENT),
    Operation.SPLIT_MANY: lambda walk: walk.move(
        "splitMany", walk.front, [walk.part(walk.house.seller, cut=walk.middle), walk.part(walk.house.bank, cut=9)]
    ),
    Operation.ENDORSE: lambda walk: walk.move("endorse", walk.front, walk.house.bank, NO_DOCUMENT),
    Operation.ENDORSE_MANY: lambda walk: walk.move("endorseMany", [walk.part(walk.house.bank, range=walk.front)]),
    Operation.TRANSFER: lambda walk: walk.move("transferFrom", walk.house.seller, walk.house.bank, FRONT),
    Operation.MERGE: lambda walk: walk.move("merge", walk.front, FACE),
    Operation.APPROVE: lambda walk: walk.move("approve", walk.house.bank, FRONT),
    Operation.PARTITION: lambda walk: walk.house.partition(walk.front, walk.middle, holder=walk.house.seller),
    Operation.FREEZE_CERTIFICATE: lambda walk: walk.house.freeze_certificate(
        walk.front, holder=walk.house.seller, expiry=walk.expiry
    ),
    Operation.UNFREEZE_CERTIFICATE: lambda walk: walk.house.unfreeze_certificate(walk.front),
    Operation.FREEZE_RECEIVABLE: lambda walk: walk.house.freeze_receivable(RECEIVABLE, expiry=walk.expiry),
    Operation.UNFREEZE_RECEIVABLE: lambda walk: walk.house.unfreeze_receivable(RECEIVABLE),
    Operation.FREEZE_MEMBER: lambda walk: walk.house.freeze_member(walk.house.seller, expiry=walk.expiry),
    Operation.UNFREEZE_MEMBER: lambda walk: walk.house.unfreeze_member(walk.house.seller),
    Operation.FORCE_TRANSFER: lambda walk: walk.house.force_transfer(walk.front, holder=walk.house.seller),
    Operation.ADMIT: lambda walk: walk.house.admit(walk.house.stranger),
    Operation.SUSPEND: lambda walk: walk.house.suspend(walk.house.supplier),
    Operation.PAUSE: lambda walk: walk.switch("pause"),
    Operation.UNPAUSE: lambda walk: walk.switch("unpause"),
    Operation.SET_PARAMETER: lambda walk: walk.switch("setParameter", 1, 90, (walk.time // DAY + 1) * DAY),
    Operation.SET_RULES: lambda walk: walk.switch("setRules", NOBODY),
    Operation.SET_DESCRIPTOR: lambda walk: walk.switch("setDescriptor", NOBODY),
    Operation.SUNSET: lambda walk: walk.switch("sunset"),
}

REACHABLE = [(phase, overlay) for phase in MatrixPhase for overlay in Overlay if is_reachable(phase, overlay)]


@pytest.mark.parametrize(("phase", "overlay"), REACHABLE, ids=[f"{phase}, {overlay}" for phase, overlay in REACHABLE])
def test_every_operation_is_allowed_or_refused_as_the_table_says(
    house: House, phase: MatrixPhase, overlay: Overlay
) -> None:
    walk = Walk(house)
    walk.to(phase, overlay)
    node, before = house.node, house.storage_root()
    for operation in Operation:
        cell, refusal = f"{operation}, {phase}, {overlay}", expected(operation, phase, overlay)
        mark = node.request("evm_snapshot")
        answer = ""
        try:
            walk.ask(operation)
        except Reverted as reverted:
            answer = reverted.name or reverted.data.hex()
        assert answer == (refusal.__name__ if refusal else ""), cell
        # The root covers heads, words, lists, nonces, balances and switches.
        assert (house.storage_root() == before) is bool(refusal), cell
        assert node.request("evm_revert", mark)


def test_the_cells_are_those_of_the_table() -> None:
    assert set(ASKED) == set(Operation)
    driven = {(operation, phase, overlay) for phase, overlay in REACHABLE for operation in ASKED}
    assert driven == set(cells())
    refused = sum(expected(*cell) is not None for cell in driven)
    assert min(refused, len(driven) - refused) > 400
