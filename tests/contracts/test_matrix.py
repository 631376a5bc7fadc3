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
    OVERDUE_GRACE_DAYS,
    named,
    token,
)
from tests.contracts.till import Till

FACE = 100_000
OFFERED = 80_000
RECEIVABLE = 1
FRONT, NEIGHBOUR = token(RECEIVABLE), token(RECEIVABLE, FACE // 2)
ORDER_SECONDS = 4 * DAY
DUE_DAYS, OFFERED_DUE_DAYS = 30, 60
assert FORCED_TRANSFER_DELAY < ORDER_SECONDS < OVERDUE_GRACE_DAYS * DAY
assert ORDER_SECONDS < ANSWER_WINDOW_DAYS * DAY < DUE_DAYS * DAY < OFFERED_DUE_DAYS * DAY


class Walk:
    """One claim on its way to a cell, and every operation about it by the right party with right arguments."""

    def __init__(self, till: Till) -> None:
        self.till, self.house = till, till.house
        house = self.house
        self.claim = house.claim(face=FACE, due=house.midnight(days=DUE_DAYS))
        self.offered_due = house.midnight(days=OFFERED_DUE_DAYS)
        self.frozen_at = 0
        self.not_before = 0
        """A wait ends at its very second: the next block's, if nothing came between."""
        self._facts: dict[str, Any] = {}

    def to(self, phase: MatrixPhase, overlay: Overlay) -> None:
        for step in steps_to(phase, overlay):
            if isinstance(step, Wait):
                self.not_before = self.instant(step)
                continue
            self.ask(step)
            if step in FREEZES:
                self.frozen_at = self.house.now
            self._facts.clear()

    def fact(self, name: str, read: Callable[[], Any]) -> Any:
        """What is so where the walk stands, read once: what is asked at a cell is taken back."""
        if name not in self._facts:
            self._facts[name] = read()
        return self._facts[name]

    def instant(self, wait: Wait) -> int:
        """When what is waited for comes true."""
        if wait is Wait.ANSWER_WINDOW:
            return int(self.house.terms(RECEIVABLE)["answerBy"])
        instants = {
            Wait.DUE_DATE: self.claim["due"],
            Wait.DELAY: self.frozen_at + FORCED_TRANSFER_DELAY,
            Wait.EXPIRY: self.frozen_at + ORDER_SECONDS,
            Wait.GRACE: self.claim["due"] + OVERDUE_GRACE_DAYS * DAY,
        }
        return int(instants[wait])

    def ask(self, operation: Operation) -> None:
        """Raises Reverted where the contract refuses."""
        if self.not_before > self.now and not self.house.receivables.is_tried:
            self.house.at(self.not_before)
        ASKED[operation](self)

    @property
    def now(self) -> int:
        return int(self.fact("now", lambda: self.house.now))

    @property
    def time(self) -> int:
        """The timestamp that the next block has, or a little less."""
        return max(self.now, self.not_before)

    @property
    def front(self) -> int:
        """The front certificate as it is; where there is none, as it would be."""
        return named(FRONT, self.fact("front", lambda: self.house.present(FRONT) & 2**64 - 1) or FACE)

    @property
    def middle(self) -> int:
        return (self.front & 2**64 - 1) // 2

    @property
    def neighbours_holder(self) -> Any:
        """Of the right neighbour; the seller where there is none."""
        found = self.fact("neighbour", lambda: self.house.certificate(NEIGHBOUR))
        return self.house.bank if found and found.holder == self.house.bank else self.house.seller

    @property
    def payable(self) -> int:
        """What can be paid now, or one cent."""
        found = self.fact("amounts", lambda: self.till.amounts(RECEIVABLE))
        taken = found.get("senior", 0) if "disputed" in found else found.get("cancelled", 0)
        return int(FACE - taken - found.get("paid", 0)) or 1

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
    Operation.PLEDGE: lambda walk: walk.move("pledge", walk.front, walk.house.bank, 9),
    Operation.RELEASE: lambda walk: walk.house.receivables.release(walk.front, sender=walk.house.bank),
    Operation.SELL: lambda walk: walk.till.sell(
        NEIGHBOUR, range=named(NEIGHBOUR, FACE), cut=FACE // 2, price=40_000, recourse=30_000
    ),
    Operation.PAY: lambda walk: walk.till.pay(RECEIVABLE, walk.payable),
    Operation.PAY_PART: lambda walk: walk.till.pay(RECEIVABLE, walk.payable // 2 or 1),
    Operation.REDEEM: lambda walk: walk.till.redeem(FRONT),
    Operation.CREDIT_NOTE: lambda walk: walk.till.credit(FRONT, 9),
    Operation.DISPUTE: lambda walk: walk.till.dispute(FRONT, walk.front & 2**64 - 1),
    Operation.RESOLVE: lambda walk: walk.till.resolve(RECEIVABLE),
    Operation.CLOSE: lambda walk: walk.till.close(RECEIVABLE),
    Operation.DISHONOUR: lambda walk: walk.till.dishonour(RECEIVABLE),
    Operation.ABSOLVE: lambda walk: walk.till.absolve(RECEIVABLE),
    Operation.DEMAND_RECOURSE: lambda walk: walk.house.receivables.demandRecourse(
        named(NEIGHBOUR, FACE), sender=walk.neighbours_holder
    ),
    Operation.REPURCHASE: lambda walk: walk.move("repurchase", named(NEIGHBOUR, FACE)),
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


def answer_of(walk: Walk, operation: Operation) -> str:
    """The name of the refusal, or nothing."""
    try:
        walk.ask(operation)
    except Reverted as reverted:
        return reverted.name or reverted.data.hex()
    return ""


@pytest.mark.parametrize(("phase", "overlay"), REACHABLE, ids=[f"{phase}, {overlay}" for phase, overlay in REACHABLE])
def test_every_operation_is_allowed_or_refused_as_the_table_says(
    till: Till, phase: MatrixPhase, overlay: Overlay
) -> None:
    walk = Walk(till)
    walk.to(phase, overlay)
    house, node, before = till.house, till.house.node, till.house.storage_root()
    for operation in Operation:
        cell, refusal = f"{operation}, {phase}, {overlay}", expected(operation, phase, overlay)
        if refusal:
            # Tried in a block of the time that the next one would have: it could leave no trace.
            with till.tried(at=max(walk.now + 1, walk.not_before)):
                assert answer_of(walk, operation) == refusal.__name__, cell
            continue
        mark = node.request("evm_snapshot")
        assert answer_of(walk, operation) == "", cell
        # The root covers heads, words, lists, nonces, balances and switches.
        assert house.storage_root() != before, cell
        assert node.request("evm_revert", mark)


def test_the_cells_are_those_of_the_table() -> None:
    assert set(ASKED) == set(Operation)
    driven = {(operation, phase, overlay) for phase, overlay in REACHABLE for operation in ASKED}
    assert driven == set(cells())
    refused = sum(expected(*cell) is not None for cell in driven)
    assert min(refused, len(driven) - refused) > 400
