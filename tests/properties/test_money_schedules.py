"""Schedules of money on one receivable, at random: the contract pays out to the minor unit what the fold says.

A schedule begins with a confirmed receivable and ends when its book is closed, or all of it is paid, and everybody has
been paid out. In between come, in any order that the contract takes or refuses: cuts, pledges, sales with recourse,
disputes, credit notes; payments, redemptions, partitions. `make test` runs SCHEDULES; for more of them:

    COUNTERFOIL_TEST_SCHEDULES=20000 make test ARGS=tests/properties/test_money_schedules.py
"""

from __future__ import annotations

import itertools
import os
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from registry.chain import operations, quotes
from registry.chain.contract import Calls, operation_call, signed_call
from registry.chain.devchain import DevChain
from registry.chain.operations import Operation
from registry.chain.quotes import Quote, QuoteKind, SignedQuote
from registry.domain import rules
from registry.domain.amounts import conservation_faults, payable
from registry.domain.anchors import anchor_of, claim_key_of
from registry.domain.identifiers import MINOR_MAX, Address
from registry.domain.journal import Entry
from registry.domain.receivable import DAY_SECONDS, Certificate, Receivable, Status
from registry.domain.refusals import Refusal
from registry.domain.rules import Authorisation, Claim, Deal, World
from tests.properties import registry_agreement
from tests.properties.registry_agreement import Touched
from tests.properties.registry_deposits import Transfer
from tests.properties.registry_world import (
    DOCUMENT,
    EUR,
    GRACE_DAYS,
    SETTLEMENT_DELAY_SECONDS,
    START,
    Ground,
    Model,
    Person,
    charter,
    due_in,
)

pytestmark = pytest.mark.slow

SCHEDULES = int(os.environ.get("COUNTERFOIL_TEST_SCHEDULES", "250"))
SCHEDULES_MIN = 250
"""Fewer need not get everywhere."""
SCHEDULES_OF_A_GROUND = 25
"""Then it is laid anew: a long chain with many receivables is a slow one."""
FACES = [7, 1, 2, 3, 10, 97, 100, 1_000, 99_991, MINOR_MAX]
DAYS_TO_DUE = 2
STEPS_BEFORE, STEPS_AFTER = 6, 9
MEMBERS = [Person.SELLER, Person.BANK, Person.FUND]
NONCES = itertools.count(0x10000)


class Schedule:
    """One receivable of SELLER's on BUYER, and what is done with it."""

    def __init__(self, ground: Ground, model: Model, lot: random.Random, now: int, tally: Counter[str]) -> None:
        self.ground = ground
        self.model = model
        self.lot = lot
        self.now = now
        self.tally = tally
        self.said: list[str] = []
        self.number = len(model.receivables) + 1
        fingerprint = self.number.to_bytes(32)
        claim = Claim(Person.BUYER.address, lot.choice(FACES), due_in(DAYS_TO_DUE, now=now), EUR, fingerprint, DOCUMENT)
        self.move("register", Person.SELLER, Calls.register(claim), lambda world: self.registered(world, claim))
        terms = operations.Terms(
            originator=Person.SELLER.address,
            registered_at=self.state.registered_at,
            answer_by=self.state.answer_by,
            claim=claim,
        )
        self.move(
            "confirm",
            Person.BUYER,
            Calls.confirm(receivable_id=self.number, terms=terms),
            lambda world: [
                rules.decide_confirm(
                    world, actor=Person.BUYER.address, receivable_id=self.number, head=self.state.head, now=self.now
                )
            ],
        )

    def registered(self, world: World, claim: Claim) -> list[Entry]:
        return [rules.decide_register(world, actor=Person.SELLER.address, claim=claim, now=self.now)]

    @property
    def state(self) -> Receivable:
        return self.model.receivables[self.number]

    def part(self, fits: Callable[[Certificate], object] = lambda _part: True) -> Certificate:
        """A certificate that fits, if any does; where none is left, one that might have been."""
        every = list(self.state.certificates.values())
        parts = [part for part in every if fits(part)] or every
        return self.lot.choice(parts) if parts else Certificate(0, self.state.face, Person.SELLER.address, 0)

    # ---------------------------------------------------------------- driving

    def run(self) -> None:
        before = [self.split, self.split, self.endorse, self.pledge, self.sell, self.sell, self.dispute, self.credit]
        for _ in range(self.lot.randrange(STEPS_BEFORE)):
            self.lot.choice([*before, self.pay, self.resolve, self.partition])()
        self.now = max(self.now, self.state.due + self.lot.choice([0, DAY_SECONDS]))
        for _ in range(self.lot.randrange(STEPS_AFTER)):
            rare = [self.demand, self.repurchase, self.release, self.resolve, self.credit, self.partition]
            self.lot.choice([self.pay, self.pay, self.redeem, self.redeem_all, self.lot.choice(rare)])()
            if not self.state.certificates:
                break
        if any(part.recourse for part in self.state.certificates.values()):
            self.demand()
            self.repurchase()
        self.end()

    def end(self) -> None:
        """Close the book unless all is paid, and pay everybody out: then all that came in has gone out."""
        if self.state.status is Status.CONFIRMED:
            if self.lot.random() < 0.5:
                self.dishonour()
            self.close()
        if self.state.certificates:
            self.redeem_all()
        assert self.state.claimed == self.state.paid, self
        assert self.state.status is Status.CLOSED or not self.state.certificates, self
        assert conservation_faults(self.state) == (), self

    def move(
        self,
        says: str,
        actor: Person,
        data: bytes,
        decide: Callable[[World], Sequence[Entry]],
        at: Address | None = None,
    ) -> bool:
        """Let the model and the contract answer the same move; compare answers, money and words. Was it accepted?"""
        chain = self.ground.chain
        self.said.append(says)
        try:
            entries, expected = tuple(decide(self.model.world())), None
        except Refusal as refusal:
            entries, expected = (), type(refusal)
        if expected is not None:
            given = chain.refusal(actor, data, at=self.now, to=at, contract="FinancingDesk" if at else "")
            assert given is expected, self
            self.tally[f"{says}: {expected.__name__}"] += 1
            return False
        chain.wire.request("evm_setNextBlockTimestamp", self.now)
        mined = chain.send(actor, data, at)
        assert mined is not None, self
        assert mined.entries == entries, self
        touched, cash = Touched(), []
        for entry in entries:
            touched.add(self.model, entry)
            cash += self.model.append(entry)
            touched.add(self.model, entry)
        assert mined.cash == tuple(cash), self
        for transfer in mined.transfers:
            self.model.transfer(*transfer)
        registry_agreement.amounts_after(self.ground, self.model, touched, now=self.now)
        self.tally[says] += 1
        self.now += 1
        return True

    def together(self, operation: Operation, decide: Callable[[World, Address, Authorisation], Entry]) -> None:
        """SELLER, or whoever has the front, sends it, and BUYER signs it; of a partition the officers do."""
        is_order = isinstance(operation, operations.Order)
        front = self.state.certificates.get(self.state.cancelled)
        holder = next((person for person in MEMBERS if front and person.address == front.holder), Person.SELLER)
        actor, second = (Person.OFFICER, Person.SECOND) if is_order else (holder, Person.BUYER)
        by = operations.Authorisation(
            signer=second.address,
            nonce=next(NONCES),
            deadline=self.now,
            anchor=anchor_of(self.state),
            claim_key=claim_key_of(self.state),
            signature=b"",
        )
        signed = self.ground.chain.sign(operation, by, key=second)
        given = Authorisation(by.signer, by.nonce, by.deadline, by.anchor, by.claim_key)
        if self.move(
            operation.function(),
            actor,
            signed_call(operation, signed),
            lambda world: [decide(world, actor.address, given)],
        ):
            self.model.nonces |= {(by.signer, by.nonce)}

    def __repr__(self) -> str:
        return f"R-{self.number} after {', '.join(self.said)}: {self.state}"

    # ------------------------------------------------------- before it is due

    def split(self) -> None:
        part = self.part()
        cut = self.lot.randint(part.start, part.end)
        receiver = self.lot.choice(MEMBERS)
        where = {"receivable_id": self.number, "start": part.start, "end": part.end}
        self.move(
            "split",
            _person(part.holder),
            Calls.split(**where, cut=cut, receiver=receiver.address, document=DOCUMENT),
            lambda world: [
                rules.decide_split(
                    world,
                    actor=part.holder,
                    certificate_id=part.id(self.number),
                    cut=cut,
                    receiver=receiver.address,
                    document=DOCUMENT,
                    now=self.now,
                )
            ],
        )

    def endorse(self) -> None:
        part, receiver = self.part(), self.lot.choice(MEMBERS).address
        where = {"receivable_id": self.number, "start": part.start, "end": part.end}
        self.move(
            "endorse",
            _person(part.holder),
            Calls.endorse(**where, receiver=receiver, document=DOCUMENT),
            lambda world: [
                rules.decide_endorse(
                    world,
                    actor=part.holder,
                    certificate_id=part.id(self.number),
                    receiver=receiver,
                    document=DOCUMENT,
                    now=self.now,
                )
            ],
        )

    def pledge(self) -> None:
        part = self.part()
        financier, secured = self.lot.choice(MEMBERS[1:]).address, self.lot.randint(1, part.amount)
        where = {"receivable_id": self.number, "start": part.start, "end": part.end}
        self.move(
            "pledge",
            _person(part.holder),
            Calls.pledge(**where, financier=financier, secured=secured),
            lambda world: [
                rules.decide_pledge(
                    world,
                    actor=part.holder,
                    certificate_id=part.id(self.number),
                    financier=financier,
                    secured=secured,
                    now=self.now,
                )
            ],
        )

    def release(self) -> None:
        part = self.part(lambda part: part.lien)
        financier = part.lien.financier if part.lien else Person.BANK.address
        where = {"receivable_id": self.number, "start": part.start, "end": part.end}
        self.move(
            "release",
            _person(financier),
            Calls.release(**where),
            lambda world: [
                rules.decide_release(world, actor=financier, certificate_id=part.id(self.number), now=self.now)
            ],
        )

    def sell(self) -> None:
        """BANK buys the whole or the tail of what SELLER has, with recourse."""
        part = self.part()
        cut = part.start if self.lot.random() < 0.5 else self.lot.randint(part.start, part.end)
        length = max(part.end - cut, 1)
        desk, domain = self.ground.deployment.desk, self.ground.desk_domain
        quote = Quote(
            financier=Person.BANK.address,
            holder=part.holder,
            receivable_id=self.number,
            start=part.start,
            end=part.end,
            cut=cut,
            kind=QuoteKind.SALE,
            token=self.ground.deployment.deposit_tokens[EUR],
            price=self.lot.randint(1, length),
            amount=self.lot.randint(0, length),
            anchor=anchor_of(self.state),
            nonce=next(NONCES),
            expiry=self.now,
        )
        message = quotes.message(quote, domain)
        signed = SignedQuote(quote, self.ground.chain.seal(message, key=Person.BANK), domain, claim_key_of(self.state))
        deal = Deal(
            certificate_id=part.id(self.number),
            cut=cut,
            holder=part.holder,
            financier=quote.financier,
            price=quote.price,
            amount=quote.amount,
            quote=message.digest(),
            anchor=quote.anchor,
            claim_key=signed.claim_key,
        )

        def sold(world: World) -> list[Entry]:
            cash = Transfer(quote.token, quote.financier, quote.holder, quote.price, desk)
            self.model.deposits.require(world, cash, now=self.now)
            return [rules.decide_sell(world, actor=desk, deal=deal, now=self.now)]

        if self.move("sell", _person(part.holder), signed.call(), sold, at=desk):
            self.model.desk_nonces |= {(quote.financier, quote.nonce)}

    # ------------------------------------------------ credit notes and disputes

    def dispute(self) -> None:
        part = self.state.front or self.part()
        cut = self.lot.randint(part.start + 1, part.end)
        named = part.id(self.number)
        self.together(
            operations.Dispute(receivable_id=self.number, start=part.start, end=part.end, cut=cut),
            lambda world, actor, second: rules.decide_dispute(
                world, actor=actor, second=second, certificate_id=named, cut=cut, now=self.now
            ),
        )

    def credit(self) -> None:
        part = self.state.front or self.part()
        amount, named = self.lot.randint(1, part.amount), part.id(self.number)
        self.together(
            operations.CreditNote(receivable_id=self.number, start=part.start, end=part.end, amount=amount),
            lambda world, actor, second: rules.decide_credit_note(
                world, actor=actor, second=second, certificate_id=named, amount=amount, now=self.now
            ),
        )

    def resolve(self) -> None:
        self.together(
            operations.Resolve(receivable_id=self.number),
            lambda world, actor, second: rules.decide_resolve(
                world, actor=actor, second=second, receivable_id=self.number, now=self.now
            ),
        )

    def partition(self) -> None:
        part, order = self.part(), b"\x0e" * 32
        cut, named = self.lot.randint(part.start, part.end), part.id(self.number)
        where = {"receivable_id": self.number, "start": part.start, "end": part.end}
        self.together(
            operations.Partition(**where, cut=cut, holder=part.holder, order=order),
            lambda world, actor, second: rules.decide_partition(
                world,
                actor=actor,
                second=second,
                certificate_id=named,
                cut=cut,
                holder=part.holder,
                order=order,
                now=self.now,
            ),
        )

    # --------------------------------------------------- payment and clearing

    def pay(self) -> None:
        most = payable(self.state)
        amount = most if self.lot.random() < 0.3 else self.lot.randint(1, max(most, 1))

        def paid(world: World) -> list[Entry]:
            payer = Person.BUYER.address
            entry = rules.decide_pay(world, actor=payer, receivable_id=self.number, amount=amount, now=self.now)
            self.require_cash(world, payer, self.model.contract, amount)
            return [entry]

        self.move("pay", Person.BUYER, Calls.pay(receivable_id=self.number, amount=amount), paid)

    def require_cash(self, world: World, giver: Address, receiver: Address, amount: int) -> None:
        token = self.ground.deployment.deposit_tokens[EUR]
        cash = Transfer(token, giver, receiver, amount, self.model.contract)
        self.model.deposits.require(world, cash, now=self.now)

    def redeem(self) -> None:
        start = self.part().start
        self.move(
            "redeem",
            Person.STRANGER,
            Calls.redeem(receivable_id=self.number, start=start),
            lambda world: [
                rules.decide_redeem(
                    world, actor=Person.STRANGER.address, receivable_id=self.number, start=start, now=self.now
                )
            ],
        )

    def redeem_all(self) -> None:
        named = [(self.number, part.start) for part in self.state.certificates.values()]
        self.lot.shuffle(named)
        self.move(
            "redeem_all",
            Person.STRANGER,
            Calls.redeem_many(named),
            lambda world: (
                rules.decide_redeem_many(world, actor=Person.STRANGER.address, certificates=named, now=self.now).entries
            ),
        )

    # -------------------------------------------------------------- recourse

    def demand(self) -> None:
        part = self.part(lambda part: part.recourse and not part.recourse.demanded)
        self.now = max(self.now, self.state.due + DAY_SECONDS)
        where = {"receivable_id": self.number, "start": part.start, "end": part.end}
        self.move(
            "demand",
            _person(part.holder),
            Calls.demand_recourse(**where),
            lambda world: [
                rules.decide_demand_recourse(
                    world, actor=part.holder, certificate_id=part.id(self.number), now=self.now
                )
            ],
        )

    def repurchase(self) -> None:
        part = self.part(lambda part: part.recourse and part.recourse.demanded)
        seller = part.recourse.seller if part.recourse else Person.SELLER.address
        operation = operations.Repurchase(receivable_id=self.number, start=part.start, end=part.end)

        def repurchased(world: World) -> list[Entry]:
            entry = rules.decide_repurchase(world, actor=seller, certificate_id=part.id(self.number), now=self.now)
            self.require_cash(world, seller, part.holder, entry.amount)
            return [entry]

        self.move("repurchase", _person(seller), operation_call(operation), repurchased)

    # ---------------------------------------------------------------- the end

    def dishonour(self) -> None:
        self.now = max(self.now, self.state.due + GRACE_DAYS * DAY_SECONDS)
        self.move(
            "dishonour",
            Person.STRANGER,
            Calls.dishonour(self.number),
            lambda world: [
                rules.decide_dishonour(world, actor=Person.STRANGER.address, receivable_id=self.number, now=self.now)
            ],
        )

    def close(self) -> None:
        self.now = max(self.now, self.state.due + GRACE_DAYS * DAY_SECONDS)
        self.announced("close", Calls.close(self.number), rules.decide_close)
        if self.state.dishonoured:
            self.announced("absolve", Calls.absolve(self.number), rules.decide_absolve)

    def announced(self, function: str, data: bytes, decide: Callable[..., Entry]) -> None:
        """What the settlement bank says that it will do, and does after the delay."""
        self.ground.chain.wire.request("evm_setNextBlockTimestamp", self.now)
        assert self.ground.chain.send(Person.SETTLEMENT, *self.ground.scheduling(data)) is not None
        self.now += SETTLEMENT_DELAY_SECONDS
        self.move(
            function,
            Person.SETTLEMENT,
            data,
            lambda world: [decide(world, actor=Person.SETTLEMENT.address, receivable_id=self.number, now=self.now)],
        )


def _person(account: Address) -> Person:
    return next(person for person in Person if person.address == account)


EVERY_MOVE = {
    *("register", "confirm", "split", "endorse", "pledge", "release", "sell", "partition"),
    *("dispute", "creditNote", "resolve", "pay", "redeem", "redeem_all"),
    *("demand", "repurchase", "dishonour", "close", "absolve"),
}


@pytest.fixture(scope="module")
def ground(work_folder: Path) -> Iterator[Ground]:
    """A registry in which money moves from the beginning on."""
    law = charter(unanswered_max=3, minimum_part_minor=1)
    folder = work_folder / "schedules"
    with DevChain.start(folder / "chain", keeps=False) as running:
        yield Ground.lay(running, law, work_folder=folder, with_predecessor=False)


def test_the_contract_pays_out_what_the_fold_says_whatever_came_before(ground: Ground) -> None:
    tally: Counter[str] = Counter()
    for first in range(0, SCHEDULES, SCHEDULES_OF_A_GROUND):
        ground.reset()
        model, now = ground.model.copy(), START + 1
        for seed in range(first, min(first + SCHEDULES_OF_A_GROUND, SCHEDULES)):
            schedule = Schedule(ground, model, random.Random(seed), now, tally)
            schedule.run()
            now = schedule.now
        registry_agreement.whole(ground, model, now=now - 1)
    if SCHEDULES >= SCHEDULES_MIN:
        assert not EVERY_MOVE - set(tally), "\n".join(f"{what}: {count}" for what, count in sorted(tally.items()))
