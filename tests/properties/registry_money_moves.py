"""The moves about money: pledges, sales at the desk, payments and what they pay out, credit notes, disputes, the end of
a receivable, recourse, and deposits themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import astuple, replace
from typing import Any

from registry.chain import operations, quotes
from registry.chain.contract import Calls, agreed_call, receivables_abi, signed_call
from registry.chain.deposits import DepositCalls, Permit, SignedPermit
from registry.chain.deposits import message as permit_message
from registry.chain.devchain import CHAIN_ID
from registry.chain.eip712 import Eip712Domain
from registry.chain.operations import Agreement
from registry.chain.quotes import Acceptance, Quote, QuoteKind, SignedAcceptance, SignedQuote
from registry.chain.reverts import (
    AccountMissing,
    KindMalformed,
    NotQuoteHolder,
    NotReady,
    NotScheduled,
    QuoteExpired,
    QuoteUsed,
    ScheduleExpired,
    WrongToken,
)
from registry.chain.typed_data import SignedOperation
from registry.domain import rules
from registry.domain.amounts import payable, payout
from registry.domain.identifiers import MINOR_MAX, ZERO_ADDRESS, Address, CertificateId, token_id
from registry.domain.journal import Entry
from registry.domain.receivable import DAY_SECONDS, Certificate, MemberStatus, Parameter, Receivable, Status
from registry.domain.refusals import Refusal
from registry.domain.rules import Authorisation, Deal, NonceUsed, Redemptions, SignatureExpired, SignatureInvalid, World
from tests.properties.registry_agreement import NONCE_WORD, Touched
from tests.properties.registry_deposits import UNLIMITED, Cash, Transfer
from tests.properties.registry_moves import (
    NOWHERE,
    RegistryMachine,
    alteration,
    certificate_at,
    move,
    person_at,
    range_of,
    together,
    unaltered,
    use_nonce,
    words_of,
)
from tests.properties.registry_world import (
    EUR,
    JPY,
    MEMBERS,
    NO_TOKEN,
    PEOPLE,
    SETTLEMENT_DELAY_SECONDS,
    Model,
    Person,
)

FINANCIERS = [Person.BANK, Person.FUND]
DEPOSITORS = [Person.LATE, Person.BUYER, Person.SELLER, Person.SUPPLIER, Person.BANK, Person.FUND, Person.BRIEF]
SCHEDULE_SECONDS = 7 * 86_400
"""For which a call that was scheduled can be carried out."""
ACCEPTANCE_FAULTS = ["late", "used nonce", "wrong key", "altered"]
QUOTE_FAULTS = [*ACCEPTANCE_FAULTS, "other anchor", "other token", "other kind", "too much", "too dear"]
PERMIT_FAULTS = ["late", "wrong key", "altered", "used first"]
BATCH_MAX = 4
SELDOM = 5
"""Every how many steps a move is tried that is almost sure to be refused."""


class MoneyMachine(RegistryMachine):
    """The machine of registry_moves, with money."""

    # ------------------------------------------------------- what there is

    def token_of(self, number: int) -> Address:
        """The deposit token of a receivable's currency, or zeros."""
        state = self.model.receivables.get(number)
        return self.model.registry.deposit_tokens.get(state.currency if state else 0, ZERO_ADDRESS)

    def debts(self) -> list[Receivable]:
        """What can be paid, and what is due already first."""
        owed = [state for state in self.states(Status.CONFIRMED) if payable(state)]
        return sorted(owed, key=lambda state: (self.now < state.due, not state.dishonoured))

    def overdue(self) -> list[Receivable]:
        """What can be paid; what is overdue, or will be soonest, first."""
        return sorted(self.states(Status.CONFIRMED), key=lambda state: max(self.now, state.due))

    def number(self, likely: Iterable[Receivable]) -> int:
        return self.pick([state.receivable_id for state in likely], [99, 0, *self.model.receivables], "receivable")

    def with_money(self) -> list[tuple[int, int]]:
        """Certificates to which something is due."""
        return [
            (state.receivable_id, part.start) for state, part in self.parts(free=False) if payout(state, part).amount
        ]

    def fronts(self, fits: Callable[[Receivable, Certificate], bool]) -> list[tuple[int, int]]:
        return [
            (state.receivable_id, front.start)
            for state in self.states(Status.CONFIRMED)
            if (front := state.front) and not front.lien and fits(state, front)
        ]

    def with_recourse(self, *, demanded: bool) -> list[tuple[int, int]]:
        return [
            (state.receivable_id, part.start)
            for state, part in self.parts(free=False)
            if part.recourse and part.recourse.demanded == demanded and state.status is not Status.SETTLED
        ]

    def amount(self, most: int) -> int:
        """1 to so much, mostly."""
        likely = [amount for amount in (most // 2, most, 1, most // 3) if amount]
        return self.pick(likely, [0, min(most + 1, MINOR_MAX), MINOR_MAX], "amount")

    def mature(self, instant: int, label: str) -> None:
        """Mostly let time pass until something holds; if that is not too far."""
        if instant - self.now < 4 * DAY_SECONDS or self.chance("far?", out_of=6):
            self.jump_to_edge(instant, label)

    def grace_seconds(self) -> int:
        days = rules.parameter_in_force(self.model.registry, Parameter.OVERDUE_GRACE_DAYS, now=self.now)
        return days * DAY_SECONDS

    def require_cash(self, world: World, number: int, giver: Address, receiver: Address, amount: int) -> None:
        """What the registry takes from somebody."""
        cash = Transfer(self.token_of(number), giver, receiver, amount, self.model.contract)
        self.model.deposits.require(world, cash, now=self.now)

    # --------------------------------------------------------------- pledges

    @move(RegistryMachine.any_part)
    def pledge(self) -> None:
        where = self.certificate()
        named, actor, part = self.named(where), self.mover(where), self.found(where)
        financier = self.person("financier", *FINANCIERS).address
        secured = self.amount(part.amount if part else 1)
        self.on_the_due_date(where)
        self.by_member(
            actor,
            operations.Pledge(**range_of(named), financier=financier, secured=secured),
            lambda world: [
                rules.decide_pledge(
                    world, actor=actor.address, certificate_id=named, financier=financier, secured=secured, now=self.now
                )
            ],
        )

    @move(RegistryMachine.any_part)
    def release(self) -> None:
        pledged = [(state.receivable_id, part.start) for state, part in self.parts(free=False) if part.lien]
        where = self.pick(pledged, [self.certificate(free=False)], "certificate")
        named, part = self.named(where), self.found(where)
        actor = self.person("financier", *([person_at(part.lien.financier)] if part and part.lien else []))
        self.by_member(
            actor,
            operations.Release(**range_of(named)),
            lambda world: [rules.decide_release(world, actor=actor.address, certificate_id=named, now=self.now)],
        )

    # ----------------------------------------------------------------- sales

    @move(RegistryMachine.any_part)
    def accept_quote(self) -> None:
        """A sale or a pledge against cash, at the desk."""
        desk, domain = self.ground.deployment.desk, self.ground.desk_domain
        approved = self.trusting(desk)
        ways = ["accept", "acceptWithApproval", "acceptBySignature"]
        way = self.one(ways if approved or self.chance("without approval?", out_of=6) else ways[1:2], "way")
        where = self.certificate()
        if way != "acceptWithApproval" and approved and not self.chance("any?", out_of=4):
            where = self.one(approved, "approved certificate")
        fault = self.one(QUOTE_FAULTS, "fault") if self.chance("faulty?", out_of=4) else ""
        quote, claim_key = self.quote(where, fault)
        self.on_the_due_date(where)
        financier, holder = person_at(quote.financier), person_at(quote.holder)
        signature, genuine = self.sealed(quotes.message(quote, domain), financier, fault)
        signed = SignedQuote(quote, signature, domain, claim_key)
        digest = quotes.digest(quote, domain)
        touched = Touched(
            desk_nonces={(quote.financier, quote.nonce // NONCE_WORD)},
            allowances={(quote.token, quote.financier, desk)} if quote.token in self.model.tokens else set(),
        )
        used = {(quote.financier, quote.nonce)}
        if way == "accept":
            actor, data = self.person("actor", holder), signed.call()

            def require_acceptance(world: World) -> World:
                if actor.address != quote.holder:
                    raise NotQuoteHolder()
                return world
        else:
            actor, accepted, require_acceptance = self._acceptance(
                signed, digest, holder, touched, with_approval=way == "acceptWithApproval"
            )
            used.add((quote.holder, accepted.acceptance.nonce))
            data = accepted.call()

        def decide(world: World) -> list[Entry]:
            if self.now > quote.expiry:
                raise QuoteExpired()
            if (quote.financier, quote.nonce) in self.model.desk_nonces:
                raise QuoteUsed()
            world = require_acceptance(world)
            if not genuine:
                raise SignatureInvalid()
            token = self.token_of(quote.receivable_id)
            if token == ZERO_ADDRESS or quote.token != token:
                raise WrongToken()
            if quote.kind not in list(QuoteKind):
                raise KindMalformed()
            cash = Transfer(token, quote.financier, quote.holder, quote.price, desk)
            self.model.deposits.require(world, cash, now=self.now)
            return [_financed(world, desk, _deal(quote, digest, claim_key), quote.kind, self.now)]

        def before(model: Model) -> None:
            model.desk_nonces |= used
            if way == "acceptWithApproval" and model.approvals.get(token_id(*where)) != desk:
                assert accepted.approval is not None
                use_nonce(model, accepted.approval.by)  # type: ignore[arg-type]  # signer and nonce count
                model.approvals[token_id(*where)] = desk

        says = f"{actor!r}: {way} {_quoted(quote)} ({fault})"
        if self.answer(f"FinancingDesk.{way}", says, actor, data, decide, before=before, touched=touched, at=desk):
            self.ground.tally.accepted["sell" if quote.kind == QuoteKind.SALE else "pledgeAgainst"] += 1

    def trusting(self, desk: Address) -> list[tuple[int, int]]:
        """Certificates that the desk could sell, for whose holders there is a token to be paid in."""
        return [
            (state.receivable_id, part.start)
            for state, part in self.parts(free=True)
            if (part.holder, desk) in self.model.operators and self.token_of(state.receivable_id) != ZERO_ADDRESS
        ]

    def quote(self, where: tuple[int, int], fault: str) -> tuple[Quote, bytes]:
        """What a financier offers for a certificate, and the key that opens its anchor."""
        number, part, named = where[0], self.found(where), self.named(where)
        kind = self.one([QuoteKind.SALE, QuoteKind.PLEDGE], "kind")
        cut, end = where[1], part.end if part else 10
        if kind == QuoteKind.SALE and self.chance("the tail?", out_of=2):
            cut = self.cut(where[1], end, minimum=self.minimum())
        elif self.chance("other cut?", out_of=12):
            cut = self.one([end, where[1] + 1, 0], "cut")
        length = max(end - cut, 1)
        holder = self.holder(where)
        financier = self.person("financier", *(person for person in FINANCIERS if person is not holder))
        used = sorted(nonce for one, nonce in self.model.desk_nonces if one == financier.address)
        nonce = len(self.model.desk_nonces) + 0x100
        anchor, claim_key = self.lasting_anchor(number, wrong=fault == "other anchor")
        quote = Quote(
            financier=financier.address,
            holder=self.person("holder", *([holder] if holder else [])).address,
            receivable_id=number,
            start=named.start,
            end=named.end,
            cut=cut,
            kind=kind,
            token=self.token_of(number),
            price=self.amount(min(length, 500)),
            amount=0 if kind == QuoteKind.SALE and self.chance("no recourse?", out_of=3) else self.amount(length),
            anchor=anchor,
            nonce=used[-1] if used and fault == "used nonce" else nonce,
            expiry=self.now - 1 if fault == "late" else self.now + self.one([DAY_SECONDS, 0], "expiry"),
        )
        if fault == "too much":
            quote = replace(quote, amount=min(length + 1, MINOR_MAX))
        if fault == "too dear":
            quote = replace(quote, price=min(length + 1, MINOR_MAX))
        if fault == "other token":
            quote = replace(quote, token=self.one([*self.model.tokens, ZERO_ADDRESS], "token"))
        if fault == "other kind":
            quote = replace(quote, kind=self.one([0, 3], "kind"))  # type: ignore[arg-type]  # what no financier means
        return quote, claim_key

    def sealed(self, message: Any, signer: Person, fault: str) -> tuple[bytes, bool]:
        """A signature, and whether it is the signer's for that message."""
        key, alter = signer, unaltered
        if fault == "wrong key":
            key = self.one([person for person in PEOPLE if person is not signer], "key")
        elif fault == "altered":
            alter = alteration(self.one(range(20), "altered field"))
        return self.ground.chain.seal(message, key=key, alter=alter), fault not in ("wrong key", "altered")

    def _acceptance(
        self, signed: SignedQuote, digest: bytes, holder: Person, touched: Touched, *, with_approval: bool
    ) -> tuple[Person, SignedAcceptance, Callable[[World], World]]:
        """The holder's signature, with or without its approval of the desk; who submits it; and what is checked."""
        quote, desk = signed.quote, signed.domain.contract
        fault = self.one(ACCEPTANCE_FAULTS, "fault") if self.chance("bad?", out_of=8) else ""
        used = sorted(nonce for one, nonce in self.model.desk_nonces if one == quote.holder)
        fresh = len(self.model.desk_nonces) + 0x200
        acceptance = Acceptance(
            quote=digest,
            nonce=used[-1] if used and fault == "used nonce" else fresh,
            deadline=self.now - 1 if fault == "late" else self.now,
        )
        signature, genuine = self.sealed(quotes.message(acceptance, signed.domain), holder, fault)
        touched.desk_nonces.add((quote.holder, acceptance.nonce // NONCE_WORD))
        token = token_id(quote.receivable_id, quote.start)
        named = CertificateId(quote.receivable_id, quote.start, quote.end)
        approval, by = None, None
        if with_approval:
            approve = operations.Approve(**range_of(named), to=desk)
            by, sent, _ = self.authorise(holder, approve, touched)
            approval = SignedOperation(approve, sent, self.ground.chain.domain)

        def require(world: World) -> World:
            if self.now > acceptance.deadline:
                raise SignatureExpired()
            if (quote.holder, acceptance.nonce) in self.model.desk_nonces | {(quote.financier, quote.nonce)}:
                raise NonceUsed()
            if not genuine:
                raise SignatureInvalid()
            if by is None:
                return world
            world.require_existing(quote.receivable_id, quote.start)
            if world.approvals.get(token) == desk:
                return world
            world.require_signature(by, now=self.now)
            world.require_same_receivable(by, quote.receivable_id)
            rules.decide_approve_range(world, actor=by.signer, certificate_id=named)
            return replace(world, approvals={**world.approvals, token: desk})

        submitter = self.one([Person.STRANGER, holder], "submitter")
        return submitter, SignedAcceptance(signed, acceptance, signature, approval), require

    @move(RegistryMachine.any_part)
    def deal_directly(self) -> None:
        """What only the desk does."""
        where = self.certificate()
        quote, claim_key = self.quote(where, "")
        actor = self.person("actor", *([holder] if (holder := self.holder(where)) else []), person_at(quote.financier))
        digest = bytes(32) if self.chance("no quote?", out_of=2) else b"\x99" * 32
        deal = _deal(quote, digest, claim_key)
        function = "sell" if quote.kind == QuoteKind.SALE else "pledgeAgainst"
        row = (deal.certificate_id.token_id << 64 | quote.end, *astuple(deal)[1:])
        self.answer(
            function,
            f"{actor!r} {function} {_quoted(quote)}",
            actor,
            receivables_abi().call(function, row),
            lambda world: [_financed(world, actor.address, deal, quote.kind, self.now)],
        )

    @move()
    def give_up_quotes(self) -> None:
        actor = self.person("signer", *FINANCIERS)
        mask = self.one([0b1010, 1 << 255], "mask")
        nonces = {(actor.address, NONCE_WORD + bit) for bit in range(NONCE_WORD) if mask >> bit & 1}

        def effect(model: Model) -> None:
            model.desk_nonces |= nonces

        self.answer(
            "FinancingDesk.cancelNonces",
            f"{actor!r} gives up quotes {mask:#x}",
            actor,
            quotes.cancel_nonces(word=1, mask=mask),
            lambda _world: [],
            effect=effect,
            touched=Touched(desk_nonces={(actor.address, 1)}),
            at=self.ground.deployment.desk,
        )

    # --------------------------------------------------------------- payment

    def payment(self) -> tuple[int, Person, int]:
        """Receivable, payer, amount: mostly one that can be made."""
        debts = self.debts()
        number = self.number(debts[:1] if debts and self.chance("the most urgent?", out_of=2) else debts)
        state = self.model.receivables.get(number)
        if state and self.chance("on the due date?", out_of=3):
            self.mature(state.due, "seconds before the due date")
        most = payable(state) if state else 5
        debtor = person_at(state.debtor) if state else Person.BUYER
        payer = debtor if not self.chance("another payer?", out_of=4) else self.person("payer", Person.BANK)
        if state and payer is debtor and self.now >= state.due:
            return number, payer, self.amount(most)
        return (
            number,
            payer,
            self.pick([most], [most // 2, most - 1 if most else 1, min(most + 1, MINOR_MAX), 0], "amount"),
        )

    def decide_pay(self, world: World, number: int, payer: Person, amount: int) -> list[Entry]:
        entry = rules.decide_pay(world, actor=payer.address, receivable_id=number, amount=amount, now=self.now)
        self.require_cash(world, number, payer.address, self.model.contract, amount)
        return [entry]

    def allowance_of(self, number: int, payer: Person) -> Touched:
        token = self.token_of(number)
        return Touched(allowances={(token, payer.address, self.model.contract)} if token != ZERO_ADDRESS else set())

    @move(RegistryMachine.any_part)
    def pay(self) -> None:
        number, payer, amount = self.payment()
        self.by_member(
            payer,
            operations.Pay(receivable_id=number, amount=amount),
            lambda world: self.decide_pay(world, number, payer, amount),
            touched=self.allowance_of(number, payer),
        )

    @move(RegistryMachine.any_part)
    def pay_and_redeem(self) -> None:
        number, payer, amount = self.payment()
        state = self.model.receivables.get(number)
        named = [(number, start) for start in state.certificates] if state else []
        named = [] if self.chance("nothing to redeem?", out_of=10) else [*named[:BATCH_MAX], *self.some()]

        def decide(world: World) -> Sequence[Entry]:
            self.decide_pay(world, number, payer, amount)
            paid, out = rules.decide_pay_and_redeem(
                world, actor=payer.address, receivable_id=number, amount=amount, certificates=named, now=self.now
            )
            return [paid, *self.redemptions(out)]

        self.answer(
            "payAndRedeem",
            f"{payer!r} pays {amount} of R-{number} and redeems {named}",
            payer,
            Calls.pay_and_redeem(receivable_id=number, amount=amount, certificates=named),
            decide,
            touched=self.allowance_of(number, payer),
        )

    @move(RegistryMachine.any_part)
    def pay_with_permit(self) -> None:
        """The permit is used in the same transaction, or was before by somebody who saw it."""
        number, payer, amount = self.payment()
        if self.chance("by one without allowance?", out_of=3):
            payer = Person.BRIEF
        token = self.token_of(number)
        fault = self.one(PERMIT_FAULTS, "fault") if self.chance("faulty?", out_of=3) else ""
        permit, signed, genuine = self.permit(token, payer, self.model.contract, amount, fault)
        if fault == "used first" and token != ZERO_ADDRESS:
            self.use_permit(token, permit, signed, genuine=genuine)
        counts = token != ZERO_ADDRESS and self.counts(token, permit, genuine=genuine)

        def decide(world: World) -> list[Entry]:
            entry = rules.decide_pay(world, actor=payer.address, receivable_id=number, amount=amount, now=self.now)
            deposits = self.model.deposits.copy()
            if counts:
                deposits.permit(token, permit)
            cash = Transfer(token, payer.address, self.model.contract, amount, self.model.contract)
            deposits.require(world, cash, now=self.now)
            return [entry]

        def before(model: Model) -> None:
            if counts:
                model.deposits.permit(token, permit)

        self.answer(
            "payWithPermit",
            f"{payer!r} pays {amount} of R-{number} with a permit ({fault})",
            payer,
            signed.pay(number),
            decide,
            before=before,
            touched=self.allowance_of(number, payer),
        )

    def permit(
        self, token: Address, owner: Person, spender: Address, amount: int, fault: str
    ) -> tuple[Permit, SignedPermit, bool]:
        permit = Permit(
            owner=owner.address,
            spender=spender,
            value=amount,
            nonce=self.model.deposits.permits[token, owner.address],
            deadline=self.now - 1 if fault == "late" else self.now + DAY_SECONDS,
        )
        code = {EUR: "EUR", JPY: "JPY"}.get(self.model.tokens.get(token, 0), "")
        domain = Eip712Domain(chain_id=CHAIN_ID, contract=token, name=f"Counterfoil {code} Deposit")
        signature, genuine = self.sealed(permit_message(permit, domain), owner, fault)
        return permit, SignedPermit(permit, signature, domain), genuine

    def counts(self, token: Address, permit: Permit, *, genuine: bool) -> bool:
        try:
            self.model.deposits.require_permit(token, permit, genuine=genuine, now=self.now)
        except Refusal:
            return False
        return True

    def use_permit(self, token: Address, permit: Permit, signed: SignedPermit, *, genuine: bool) -> None:
        def decide(_world: World) -> list[Entry]:
            self.model.deposits.require_permit(token, permit, genuine=genuine, now=self.now)
            return []

        self.answer(
            "DepositToken.permit",
            f"{Person.STRANGER!r} uses a permit of {permit.value}",
            Person.STRANGER,
            signed.call(),
            decide,
            effect=lambda model: model.deposits.permit(token, permit),
            touched=Touched(allowances={(token, permit.owner, permit.spender)}),
            at=token,
        )

    # -------------------------------------------------------------- clearing

    def some(self) -> list[tuple[int, int]]:
        """A few certificates more, of any receivable."""
        every = [(state.receivable_id, part.start) for state, part in self.parts(free=False)]
        members = self.model.registry.members
        waiting = [
            (number, start)
            for number, start in self.with_money()
            if (holder := members.get(self.model.receivables[number].certificates[start].holder))
            and holder.status is MemberStatus.SUSPENDED
        ]
        likely = waiting if waiting and self.chance("a suspended member's?", out_of=2) else self.with_money() or every
        return [self.pick(likely, [*every, *NOWHERE], "certificate") for _ in range(self.one([1, 2, 0, 4], "more"))]

    def redemptions(self, out: Redemptions) -> Sequence[Entry]:
        """The entries; what is skipped is compared with what the contract says."""
        self.skipped = tuple((token_id(*where), type(refusal).__name__) for *where, refusal in out.skipped)
        return out.entries

    @move(RegistryMachine.any_part)
    def redeem(self) -> None:
        likely = self.with_money()
        where = self.pick(likely, [self.certificate(free=False), *NOWHERE], "certificate")
        actor = self.person("actor", Person.STRANGER, *([holder] if (holder := self.holder(where)) else []))
        self.answer(
            "redeem",
            f"{actor!r} redeems {certificate_at(where)}",
            actor,
            Calls.redeem(receivable_id=where[0], start=where[1]),
            lambda world: [
                rules.decide_redeem(world, actor=actor.address, receivable_id=where[0], start=where[1], now=self.now)
            ],
            touched=Touched(certificates={where}),
        )

    @move(RegistryMachine.any_part)
    def redeem_many(self) -> None:
        likely = self.with_money()
        if likely and self.chance("a suspended member's?", out_of=8):
            number, start = self.one(likely, "certificate")
            suspended = {"member": self.model.receivables[number].certificates[start].holder, "reason": 1}
            self.govern("suspends", Person.OPERATOR, Calls.suspend(**suspended), rules.decide_suspend, **suspended)
        named = [] if self.chance("empty?", out_of=15) else [*self.some(), *self.some()]
        holders = [holder for where in named if (holder := self.holder(where))]
        actor = self.person("actor", Person.STRANGER, *holders)
        self.answer(
            "redeemMany",
            f"{actor!r} redeems {named}",
            actor,
            Calls.redeem_many(named),
            lambda world: self.redemptions(
                rules.decide_redeem_many(world, actor=actor.address, certificates=named, now=self.now)
            ),
            touched=Touched(certificates=set(named)),
        )

    # ----------------------------------------------- credit notes and disputes

    def by_parties(
        self,
        operation: Agreement,
        parties: tuple[Person, Person],
        decide: Callable[[World, Address, Authorisation], Entry],
    ) -> None:
        """What two agree on: one sends it and the other one signs, or both sign and anyone submits."""
        one, other = parties if self.chance("the debtor acts?", out_of=2) else parties[::-1]
        one, other = self.person("one party", one), self.person("other party", other)
        touched = Touched()
        second, sent, how = self.authorise(other, operation, touched)
        if not self.chance("both by signature?", out_of=2):
            self.answer(
                operation.function(),
                f"{one!r} and {other!r} {words_of(operation)} ({how})",
                one,
                signed_call(operation, sent),
                lambda world: [decide(world, one.address, second)],
                effect=lambda model: use_nonce(model, second),
                touched=touched,
            )
            return
        first, sent_first, how_first = self.authorise(one, operation, touched)
        number = operation.values()["receivable_id"]

        def decide_agreed(world: World) -> list[Entry]:
            world.require_second(first, number, now=self.now)
            after = replace(world, nonces_used=world.nonces_used | {(first.signer, first.nonce)})
            return [decide(after, one.address, second)]

        submitter = self.one([Person.STRANGER, other], "submitter")
        self.answer(
            operation.agreed_function(),
            f"{submitter!r} submits: {one!r} ({how_first}) and {other!r} ({how}) {words_of(operation)}",
            submitter,
            agreed_call(operation, sent_first, sent),
            decide_agreed,
            effect=together(lambda model: use_nonce(model, first), lambda model: use_nonce(model, second)),
            touched=touched,
        )

    def parties(self, where: tuple[int, int]) -> tuple[Person, Person]:
        """Debtor and creditor."""
        state = self.model.receivables.get(where[0])
        return person_at(state.debtor) if state else Person.BUYER, self.holder(where) or Person.SELLER

    @move(RegistryMachine.any_part)
    def credit_note(self) -> None:
        likely = self.fronts(lambda state, front: not state.paid or front.start < state.senior)
        where = self.pick(likely, [self.certificate(free=False)], "certificate")
        named, part = self.named(where), self.found(where)
        whole = part.amount if part else 1
        amount = min(whole + 1, MINOR_MAX) if self.chance("too much?", out_of=8) else self.amount(whole)
        self.by_parties(
            operations.CreditNote(**range_of(named), amount=amount),
            self.parties(where),
            lambda world, actor, second: rules.decide_credit_note(
                world, actor=actor, second=second, certificate_id=named, amount=amount, now=self.now
            ),
        )

    @move(RegistryMachine.any_part)
    def dispute(self) -> None:
        again = self.chance("again?", out_of=8)
        likely = self.fronts(lambda state, _front: not state.paid and state.disputed == again)
        where = self.pick(likely, [self.certificate(free=False)], "certificate")
        named, part = self.named(where), self.found(where)
        start, end = (part.start, part.end) if part else (0, 5)
        cut = self.pick([(start + end + 1) // 2, end, start + 1], [start, end + 1 if end < MINOR_MAX else 0, 0], "cut")
        self.by_parties(
            operations.Dispute(**range_of(named), cut=cut),
            self.parties(where),
            lambda world, actor, second: rules.decide_dispute(
                world, actor=actor, second=second, certificate_id=named, cut=cut, now=self.now
            ),
        )

    @move(RegistryMachine.any_part)
    def resolve(self) -> None:
        number = self.number([state for state in self.states(Status.CONFIRMED) if state.disputed])
        state = self.model.receivables.get(number)
        self.by_parties(
            operations.Resolve(receivable_id=number),
            self.parties((number, state.cancelled if state else 0)),
            lambda world, actor, second: rules.decide_resolve(
                world, actor=actor, second=second, receivable_id=number, now=self.now
            ),
        )

    # ---------------------------------------------- the end of a receivable

    def by_bank(self, function: str, number: int, data: bytes, decide: Callable[..., Entry]) -> None:
        """What the settlement bank does, mostly after it said so and waited."""
        actor = self.person("actor", Person.SETTLEMENT)
        if actor is Person.SETTLEMENT and not self.chance("unannounced?", out_of=10):
            self.announce(data)
        if (ready_at := self.model.scheduled.get((actor, data))) and not self.chance("at once?", out_of=8):
            self.jump(ready_at + (SCHEDULE_SECONDS if self.chance("too late?", out_of=20) else 0))

        def decide_ready(world: World) -> list[Entry]:
            world.require_bank(actor.address)
            ready_at = self.model.scheduled.get((actor, data))
            if ready_at is None:
                raise NotScheduled()
            if ready_at > self.now:
                raise NotReady()
            if ready_at + SCHEDULE_SECONDS <= self.now:
                raise ScheduleExpired()
            return [decide(world, actor=actor.address, receivable_id=number, now=self.now)]

        def effect(model: Model) -> None:
            del model.scheduled[actor, data]

        self.answer(function, f"{actor!r}: {function} R-{number}", actor, data, decide_ready, effect=effect)

    def announce(self, data: bytes) -> None:
        """Schedule it, unless that was done."""
        scheduled = self.model.scheduled.get((Person.SETTLEMENT, data))
        if scheduled is None or scheduled + SCHEDULE_SECONDS <= self.now:
            assert self.send(Person.SETTLEMENT, *self.ground.scheduling(data)) is not None
            self.model.scheduled[Person.SETTLEMENT, data] = self.now + SETTLEMENT_DELAY_SECONDS
            self.mined_at, self.now = self.now, self.now + 1

    @move(RegistryMachine.any_part)
    def close(self) -> None:
        number = self.number(self.overdue()[:3])
        state = self.model.receivables.get(number)
        if state:
            self.mature(state.due + self.grace_seconds(), "seconds before the grace is over")
        self.by_bank("close", number, Calls.close(number), rules.decide_close)

    def dishonoured(self) -> list[Receivable]:
        return [state for state in self.states(Status.CLOSED) if state.dishonoured]

    @move(lambda self: bool(self.dishonoured()) or self.steps % SELDOM == 0)
    def absolve(self) -> None:
        unmarked = [state for state in self.states(Status.CLOSED) if not state.dishonoured]
        number = self.number(unmarked if unmarked and self.chance("unmarked?", out_of=3) else self.dishonoured())
        self.by_bank("absolve", number, Calls.absolve(number), rules.decide_absolve)

    @move(RegistryMachine.any_part)
    def dishonour(self) -> None:
        overdue = self.overdue()
        number = self.number([state for state in overdue if state.debtor == Person.LATE.address] or overdue[:1])
        state = self.model.receivables.get(number)
        if state:
            self.mature(state.due + self.grace_seconds(), "seconds before the grace is over")
        actor = self.person("actor", Person.STRANGER, Person.SUPPLIER)
        self.answer(
            "dishonour",
            f"{actor!r} says that R-{number} is dishonoured",
            actor,
            Calls.dishonour(number),
            lambda world: [rules.decide_dishonour(world, actor=actor.address, receivable_id=number, now=self.now)],
        )

    # -------------------------------------------------------------- recourse

    @move(RegistryMachine.any_part)
    def demand_recourse(self) -> None:
        demanded = self.with_recourse(demanded=True)
        likely = demanded if demanded and self.chance("again?", out_of=3) else self.with_recourse(demanded=False)
        where = self.pick(likely, [self.certificate(free=False)], "certificate")
        named, actor = self.named(where), self.mover(where)
        state = self.model.receivables.get(where[0])
        if state:
            self.mature(state.due + DAY_SECONDS, "seconds before the day after the due date")
        self.by_member(
            actor,
            operations.DemandRecourse(**range_of(named)),
            lambda world: [
                rules.decide_demand_recourse(world, actor=actor.address, certificate_id=named, now=self.now)
            ],
        )

    @move(lambda self: bool(self.with_recourse(demanded=True)) or self.steps % SELDOM == 0)
    def repurchase(self) -> None:
        likely = self.with_recourse(demanded=True) or self.with_recourse(demanded=False)
        where = self.pick(likely, [self.certificate(free=False)], "certificate")
        named, part = self.named(where), self.found(where)
        seller = person_at(part.recourse.seller) if part and part.recourse else Person.SELLER
        actor = Person.BANK if self.chance("another?", out_of=6) else self.person("seller", seller)

        def decide(world: World) -> list[Entry]:
            entry = rules.decide_repurchase(world, actor=actor.address, certificate_id=named, now=self.now)
            assert part is not None
            self.require_cash(world, where[0], actor.address, part.holder, entry.amount)
            return [entry]

        self.by_member(
            actor, operations.Repurchase(**range_of(named)), decide, touched=self.allowance_of(where[0], actor)
        )

    # -------------------------------------------------------------- deposits

    def deposit_token(self) -> Address:
        return self.one(list(self.model.tokens), "token")

    @move()
    def book(self) -> None:
        """The bank takes a deposit in or pays one out."""
        token, actor = self.deposit_token(), self.person("actor", Person.SETTLEMENT)
        taking = self.chance("out?", out_of=2)
        lenient = [
            person_at(owner)
            for (one, owner, spender), amount in self.model.deposits.allowances.items()
            if (one, spender) == (token, actor.address) and amount
        ]
        owner = self.person("owner", *(lenient or DEPOSITORS if taking else DEPOSITORS)).address
        if not taking and self.chance("odd owner?", out_of=8):
            owner = self.one([ZERO_ADDRESS, self.model.contract], "owner")
        fresh = (0xC000 + len(self.model.deposits.booked)).to_bytes(32)
        used = sorted(reference for one, reference in self.model.deposits.booked if one == token)
        reference = self.one([used[-1], bytes(32)], "reference") if self.chance("odd booking?", out_of=5) else fresh
        amount = self.pick([300, 1], [0], "amount")
        giver, receiver = (owner, ZERO_ADDRESS) if taking else (ZERO_ADDRESS, owner)
        cash = Transfer(token, giver, receiver, amount, actor.address)

        def decide(world: World) -> list[Entry]:
            world.require_bank(actor.address)
            self.model.deposits.require_booking(world, cash, reference=reference, now=self.now)
            return []

        def effect(model: Model) -> list[Cash]:
            model.deposits.booked |= {(token, reference)}
            return [model.deposits.move(cash)]

        burn = DepositCalls.burn(giver=owner, amount=amount, bank_reference=reference)
        mint = DepositCalls.mint(to=owner, amount=amount, bank_reference=reference)
        function = "burn" if taking else "mint"
        says = f"{actor!r}: {function} {amount} for {person_at(owner)!r}"
        self.answer(f"DepositToken.{function}", says, actor, burn if taking else mint, decide, effect=effect, at=token)

    @move()
    def send_deposit(self) -> None:
        """Between accounts, by the owner or by whom it allowed to."""
        token, giver = self.deposit_token(), self.person("giver", *DEPOSITORS)
        receiver = self.pick(
            [person.address for person in MEMBERS],
            [ZERO_ADDRESS, self.model.contract, Person.STRANGER.address],
            "receiver",
        )
        amount = self.pick([100, 1], [0, 2**70], "amount")
        trusted = [
            (person_at(owner), person_at(spender))
            for (one, owner, spender), allowed in sorted(self.model.deposits.allowances.items())
            if one == token and allowed and spender in {person.address for person in PEOPLE}
        ]
        by, data, function = giver, DepositCalls.transfer(to=receiver, amount=amount), "transfer"
        if self.chance("by another?", out_of=2):
            giver, by = self.pick(trusted, [(giver, Person.STRANGER)], "giver and spender")
            data = DepositCalls.transfer_from(giver=giver.address, to=receiver, amount=amount)
            function = "transferFrom"
        cash = Transfer(token, giver.address, receiver, amount, by.address)

        def decide(world: World) -> list[Entry]:
            self.model.deposits.require(world, cash, now=self.now)
            return []

        self.answer(
            f"DepositToken.{function}",
            f"{by!r} sends {amount} from {giver!r} to {person_at(receiver)!r}",
            by,
            data,
            decide,
            effect=lambda model: [model.deposits.move(cash)],
            at=token,
        )

    @move()
    def allow(self) -> None:
        """Mostly the registry, as much as it likes."""
        token, owner = self.deposit_token(), self.person("owner", *DEPOSITORS)
        some = [self.ground.deployment.desk, Person.SETTLEMENT.address, Person.BANK.address]
        spender = self.pick([self.model.contract, *some], [ZERO_ADDRESS], "spender")
        amount = self.one([UNLIMITED, 400, UNLIMITED, 0], "amount")
        if self.chance("by permit?", out_of=3):
            permit, signed, genuine = self.permit(token, owner, spender, amount, self.one(PERMIT_FAULTS, "fault"))
            self.use_permit(token, permit, signed, genuine=genuine)
            return

        def decide(_world: World) -> list[Entry]:
            if spender == ZERO_ADDRESS:
                raise AccountMissing()
            return []

        def effect(model: Model) -> None:
            model.deposits.allowances[token, owner.address, spender] = amount

        self.answer(
            "DepositToken.approve",
            f"{owner!r} allows {person_at(spender)!r} to take {amount:#x}",
            owner,
            DepositCalls.approve(spender=spender, amount=amount),
            decide,
            effect=effect,
            touched=Touched(allowances={(token, owner.address, spender)}),
            at=token,
        )

    # -------------------------------------------------------------- operator

    @move()
    def set_deposit_token(self) -> None:
        by_currency = {currency: token for token, currency in self.model.tokens.items()}
        arguments = {
            "currency": self.pick([JPY], [EUR, NO_TOKEN, 0, 1_000], "currency"),
            "token": self.pick([by_currency[JPY]], [by_currency[EUR], Person.STRANGER.address], "token"),
        }
        data = Calls.set_deposit_token(**arguments)
        self.govern("sets", self.operator(), data, rules.decide_set_deposit_token, **arguments)

    @move()
    def set_desk(self) -> None:
        deployment = self.ground.deployment
        odd = [ZERO_ADDRESS, deployment.descriptor, Person.STRANGER.address]
        desk = self.pick([deployment.desk], odd, "desk")
        self.govern("sets", self.operator(), Calls.set_desk(desk), rules.decide_set_desk, desk=desk)

    # ------------------------------------------------------------------ time

    @move(RegistryMachine.any_part)
    def days_pass(self) -> None:
        """To the due date that comes next, or to the end of the grace."""
        ahead = sorted(state.due for state in self.states(Status.CONFIRMED) if state.due > self.now)
        if ahead:
            self.mature(ahead[0] + self.one([0, DAY_SECONDS, self.grace_seconds()], "later"), "seconds before")

    pledge_2 = pledge
    accept_quote_2 = accept_quote_3 = accept_quote_4 = accept_quote
    pay_2 = pay_3 = pay
    pay_and_redeem_2 = pay_and_redeem
    redeem_2 = redeem_3 = redeem
    redeem_many_2 = redeem_many
    credit_note_2 = credit_note
    dispute_2 = dispute
    close_2 = close
    allow_2 = allow
    repurchase_2 = repurchase


def _financed(world: World, actor: Address, deal: Deal, kind: int, now: int) -> Entry:
    decide = rules.decide_sell if kind == QuoteKind.SALE else rules.decide_pledge_against
    return decide(world, actor=actor, deal=deal, now=now)


def _deal(quote: Quote, digest: bytes, claim_key: bytes) -> Deal:
    """What the desk makes of a quote."""
    return Deal(
        certificate_id=CertificateId(quote.receivable_id, quote.start, quote.end),
        cut=quote.cut,
        holder=quote.holder,
        financier=quote.financier,
        price=quote.price,
        amount=quote.amount,
        quote=digest,
        anchor=quote.anchor,
        claim_key=claim_key,
    )


def _quoted(quote: Quote) -> str:
    named = CertificateId(quote.receivable_id, quote.start, quote.end)
    return (
        f"{named} cut at {quote.cut}, kind {quote.kind:d}, of {person_at(quote.holder)!r} for "
        f"{person_at(quote.financier)!r}: price {quote.price}, amount {quote.amount}"
    )
