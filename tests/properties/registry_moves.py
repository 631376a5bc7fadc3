"""The machine: random moves of members, operator and officers, and of time, on the ground of registry_world.

Those about money are registry_money_moves'.

A move is first put to the model, which says the entries or the refusal that the contract has to give; then the contract
gives its answer, and what the move could have touched is compared (registry_agreement); now and then, and at the end of
every example, everything is, the mirror's tables too (registry_mirrored). Moves are mostly such as could
be accepted, and one choice in RARE is made without regard to that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from registry.chain import operations, typed_data
from registry.chain.contract import Calls, Terms, operation_call, receivables_abi, signed_call
from registry.chain.deploy import GOVERNOR_FUNCTIONS, OPERATOR_FUNCTIONS
from registry.chain.operations import Answer, Operation, Order
from registry.domain import journal, rules
from registry.domain.anchors import NO_ANCHOR, NO_CLAIM_KEY, anchor_of, claim_key_of
from registry.domain.anchors import anchor as anchor_of_claim
from registry.domain.identifiers import MINOR_MAX, ZERO_ADDRESS, Address, CertificateId, token_id
from registry.domain.journal import CounterOffered, Entry, Registered
from registry.domain.keccak import keccak256
from registry.domain.receivable import DAY_SECONDS, Certificate, Freeze, Offer, Parameter, Receivable, Status
from registry.domain.refusals import Refusal
from registry.domain.rules import Authorisation, Claim, Endorsement, Part, World
from tests.properties import registry_agreement
from tests.properties.registry_agreement import NONCE_WORD, Touched
from tests.properties.registry_deposits import Cash
from tests.properties.registry_mirrored import Mirror
from tests.properties.registry_world import (
    DOCUMENT,
    EUR,
    FINGERPRINTS,
    JPY,
    MEMBERS,
    NO_TOKEN,
    OFFICERS,
    OLD_ORDERS,
    PEOPLE,
    START,
    Ground,
    Mined,
    Model,
    Person,
    due_in,
    error_selector,
    name,
)

T = TypeVar("T")
Decide = Callable[[World], Sequence[Entry]]
Effect = Callable[[Model], Iterable[Cash] | None]
"""What a move does that no entry tells; also the deposits that move with it."""

RARE = 10
PAUSE_STEPS_MAX = 4
"""Steps after which the operator ends a pause that lasts: only what is refused would follow."""
STEPS_BETWEEN_AUDITS = 25
EXAMPLES_BETWEEN_REBUILDS = 8
"""On the average."""
FAR_SECONDS = 2 * 365 * DAY_SECONDS
"""Instants so far ahead matter to nobody."""

FAULTS = ["late", "used nonce", "wrong key", "altered", "other anchor"]
"""Of signatures."""
ORDERS = [number.to_bytes(32) for number in range(1, 6)]
DAYS_AHEAD = [2, 1, 30, 90, 200]
FACES = [1_000, 100_000, 1, 2, MINOR_MAX]
NOWHERE = [(1, 5), (7, 0), (99, 0), (0, 0)]


def move(
    if_: Callable[[RegistryMachine], bool] = lambda _machine: True,
) -> Callable[[Callable[[RegistryMachine], None]], Any]:
    """A rule of the machine that draws what it needs while it runs."""

    def made(action: Callable[[RegistryMachine], None]) -> Any:
        def run(self: RegistryMachine, data: st.DataObject) -> None:
            self.begin(data)
            action(self)

        run.__name__ = run.__qualname__ = action.__name__
        return precondition(if_)(rule(data=st.data())(run))

    return made


class RegistryMachine(RuleBasedStateMachine):
    """`now` is the timestamp that the next block will have."""

    def __init__(self, ground: Ground, mirror: Mirror) -> None:
        super().__init__()
        self.ground = ground
        self.mirror = mirror
        ground.reset()
        mirror.begin()
        self.model = ground.model.copy()
        self.steps = 0
        self.steps_paused = 0
        self.now = START + 1
        self.mined_at = START
        self.jumped = True
        self.sound = True
        self.data: Any = None
        self.skipped: tuple[tuple[int, str], ...] = ()
        """What a batch is to skip: a certificate's token id, the error that a single redemption would meet."""

    # ---------------------------------------------------------------- driving

    def begin(self, data: st.DataObject) -> None:
        """A step begins; `data` is what it draws from."""
        self.data = data
        self.steps += 1
        if self.model.registry.paused_since:
            self.steps_paused += 1
            if self.steps_paused > PAUSE_STEPS_MAX:
                self.govern("unpause", Person.OPERATOR, Calls.unpause(), rules.decide_unpause)

    def answer(
        self,
        operation: str,
        says: str,
        actor: Person,
        data: bytes,
        decide: Decide,
        *,
        before: Effect = lambda _model: None,
        effect: Effect = lambda _model: None,
        touched: Touched | None = None,
        at: Address | None = None,
    ) -> bool:
        """Let the model and the contract answer the same move, and compare the answers; whether it was accepted.

        `before` is what happens ahead of the entries. `operation` is the function, of the registry's or, as
        Contract.function, of the one at `at`.
        """
        touched = touched or Touched()
        tally = self.ground.tally
        self.skipped = ()
        try:
            entries = tuple(decide(self.model.world()))
        except Refusal as refusal:
            expected = type(refusal)
            note(f"{says}: {expected.__name__}")
            self.sound = False
            given = self.ground.chain.refusal(actor, data, at=self.now, to=at, contract=operation.rpartition(".")[0])
            assert given is expected, (
                f"{says}: the model answers {expected.__name__}, the contract {given and given.__name__}"
            )
            self.sound = True
            tally.refused[operation, expected.__name__] += 1
            return False
        note(f"{says}: {', '.join(type(entry).__name__ for entry in entries) or 'done'}")
        self.sound = False
        self._mine(says, actor, data, entries, (before, effect), touched, at)
        self.sound = True
        tally.accepted[operation] += 1
        tally.entries.update(type(entry).__name__ for entry in entries)
        if self.steps % STEPS_BETWEEN_AUDITS == 0:
            self.audit()
        return True

    def _mine(
        self,
        says: str,
        actor: Person,
        data: bytes,
        entries: tuple[Entry, ...],
        effects: tuple[Effect, Effect],
        touched: Touched,
        at: Address | None,
    ) -> None:
        mined = self.send(actor, data, at)
        assert mined is not None, (
            f"{says}: the model accepts it, the contract answers {self.ground.chain.refusal(actor, data, at=self.now)}"
        )
        assert mined.entries == entries, says
        assert mined.skipped == tuple((token, error_selector(error)) for token, error in self.skipped), says
        self.ground.tally.skipped.update(error for _, error in self.skipped)
        cash = [*(effects[0](self.model) or ())]
        for entry in entries:
            touched.add(self.model, entry)
            cash += self.model.append(entry)
            touched.add(self.model, entry)
        for transfer in mined.transfers:
            self.model.transfer(*transfer)
        cash += effects[1](self.model) or ()
        assert mined.cash == tuple(cash), says
        self.mined_at, self.now = self.now, self.now + 1
        registry_agreement.after_step(self.ground, self.model, touched, now=self.mined_at)

    def send(self, actor: Person, data: bytes, at: Address | None = None) -> Mined | None:
        """Mine it in a block with the timestamp `now`."""
        if self.jumped:
            self.ground.chain.wire.request("evm_setNextBlockTimestamp", self.now)
            self.jumped = False
        return self.ground.chain.send(actor, data, at)

    def audit(self) -> None:
        """Compare everything: the chain's words and the mirror's tables."""
        self.sound = False
        registry_agreement.whole(self.ground, self.model, now=self.mined_at)
        self.ground.tally.comparisons["whole chain"] += 1
        self.mirror.compare(self.model)
        self.ground.tally.comparisons["all tables"] += 1
        self.sound = True

    def teardown(self) -> None:
        if not self.sound:  # the failure has been told
            return
        self.audit()
        heads = b"".join(state.head for state in self.model.receivables.values())
        # By lot, and the lot is the example's own: one that fails fails again.
        if keccak256(self.model.registry.head + heads)[0] % EXAMPLES_BETWEEN_REBUILDS == 0:
            self.mirror.compare_deep()
            self.ground.tally.comparisons["rebuilt and reconciled"] += 1
        self.mirror.undo()

    # --------------------------------------------------------------- drawing

    def draw(self, strategy: st.SearchStrategy[T], label: str) -> T:
        drawn: T = self.data.draw(strategy, label=label)
        return drawn

    def one(self, options: Sequence[T], label: str) -> T:
        return options[0] if len(options) == 1 else self.draw(st.sampled_from(options), label)

    def chance(self, label: str, *, out_of: int) -> bool:
        """True once in so many times, and not in the simplest example."""
        return self.draw(st.integers(1, out_of), label) == out_of

    def pick(self, likely: Sequence[T], others: Sequence[T], label: str) -> T:
        """One of the likely, and one time in RARE one of the others."""
        rare = bool(others) and (not likely or self.chance(f"odd {label}?", out_of=RARE))
        return self.one(others if rare else likely, label)

    def person(self, label: str, *likely: Person) -> Person:
        return self.pick(likely, PEOPLE, label)

    def receiver(self, *others: Person) -> Person:
        return self.person("receiver", *(person for person in MEMBERS if person is not Person.HELD), *others)

    def document(self) -> bytes:
        return self.pick([DOCUMENT, b"\xff" * 32], [rules.NO_DOCUMENT], "document")

    def reason(self) -> int:
        return self.one([1, 99, 255, 0], "reason")

    def jump(self, instant: int) -> None:
        """Let time pass until then."""
        if instant > self.now:
            note(f"{instant - self.now} seconds pass")
            self.now, self.jumped = instant, True

    def jump_to_edge(self, instant: int, label: str) -> None:
        """To the first second at which something holds, or to the last one before; or stay."""
        if instant > self.now:
            before = self.one([None, 0, 1], label)
            if before is not None:
                self.jump(instant - before)

    # ------------------------------------------------------- what there is

    def states(self, *statuses: Status) -> list[Receivable]:
        """The newest first: what was just made is what a short example is about."""
        return [state for state in reversed(self.model.receivables.values()) if state.status in statuses]

    def receivable(self, *statuses: Status) -> int:
        fitting = [state.receivable_id for state in self.states(*statuses)]
        return self.pick(fitting, [99, 0, *self.model.receivables], "receivable")

    def parts(self, *, free: bool) -> list[tuple[Receivable, Certificate]]:
        """Certificates; only those that nothing keeps from moving, if asked."""
        found = [(state, part) for state in self.states(*rules.ONCE_CONFIRMED) for part in state.certificates.values()]
        return [(state, part) for state, part in found if not free or self.is_free(state, part)]

    def is_disputed(self, state: Receivable, part: Certificate) -> bool:
        return state.disputed and part.start < state.senior and not state.paid and self.now < state.due

    def is_free(self, state: Receivable, part: Certificate) -> bool:
        holder = self.model.registry.members.get(part.holder)
        return (
            state.status is Status.CONFIRMED
            and self.now < state.due
            and not state.paid
            and not self.is_disputed(state, part)
            and not part.lien
            and rules.is_eligible(holder, now=self.now)
            and not rules.holds(state, part, holder, now=self.now)
        )

    def certificate(self, *, free: bool = True, amount: int = 1) -> tuple[int, int]:
        """(receivable id, start), mostly of one that can be moved, and over so much at least."""
        likely = self.parts(free=free and not self.chance("any certificate?", out_of=6))
        likely = [(state, part) for state, part in likely if part.amount >= amount]
        disputed = [(state, part) for state, part in self.parts(free=False) if self.is_disputed(state, part)]
        if disputed and self.chance("in dispute?", out_of=8):
            likely = disputed
        return self.pick(
            [(state.receivable_id, part.start) for state, part in likely or self.parts(free=False)],
            NOWHERE,
            "certificate",
        )

    def found(self, where: tuple[int, int]) -> Certificate | None:
        state = self.model.receivables.get(where[0])
        return state.certificates.get(where[1]) if state else None

    def holder(self, where: tuple[int, int]) -> Person | None:
        part = self.found(where)
        return person_at(part.holder) if part else None

    def named(self, where: tuple[int, int]) -> CertificateId:
        """The certificate as an operation names it: mostly by its present end."""
        part = self.found(where)
        end = part.end if part else 0
        state = self.model.receivables.get(where[0])
        others = {state.face if state else 1_000, where[1], min(end + 1, MINOR_MAX), MINOR_MAX, 0}
        return CertificateId(*where, self.pick([end], sorted(others - {end}), "end"))

    def mover(self, where: tuple[int, int]) -> Person:
        """Mostly somebody with authority: the holder, whom it approved, its operators."""
        holder = self.holder(where)
        if holder is None:
            return self.person("actor")
        others = [operator for owner, operator in sorted(self.model.operators) if owner == holder.address]
        others += [self.model.approvals.get(token_id(*where), ZERO_ADDRESS)]
        return self.person("actor", holder, *(person for person in PEOPLE if person.address in others))

    def any_part(self) -> bool:
        return bool(self.parts(free=False))

    # ------------------------------------------------------------ signatures

    def by_member(
        self,
        actor: Person,
        operation: Operation,
        decide: Decide,
        *,
        direct: tuple[str, bytes] | None = None,
        signed: Decide | None = None,
        effect: Effect = lambda _model: None,
        touched: Touched | None = None,
    ) -> bool:
        """What a member does with a transaction of its own, or by a signature that somebody else submits.

        `direct` is the transaction, where it does not carry the same arguments; `signed` decides the form by signature
        where that is not the same.
        """
        if not self.chance("by signature?", out_of=2):
            function, data = direct or (operation.function(), operation_call(operation))
            says = f"{actor!r} {words_of(operation)}"
            return self.answer(function, says, actor, data, decide, effect=effect, touched=touched)
        touched = touched or Touched()
        by, sent, how = self.authorise(actor, operation, touched)
        submitter = self.one([Person.STRANGER, actor, Person.BANK], "submitter")

        def decide_signed(world: World) -> Sequence[Entry]:
            world.require_signature(by, now=self.now)
            number = operation.values().get("receivable_id")
            if isinstance(operation, Answer):
                world.require_answer(by, operation.receivable_id)
            elif number is not None:
                world.require_same_receivable(by, number)
            return (signed or decide)(world)

        says = f"{submitter!r} submits: {actor!r} {words_of(operation)} ({how})"
        effects = together(effect, lambda model: use_nonce(model, by))
        function = operation.signed_function()
        data = signed_call(operation, sent)
        return self.answer(function, says, submitter, data, decide_signed, effect=effects, touched=touched)

    def by_officers(self, operation: Order, decide: Callable[[World, Address, Authorisation], Entry]) -> bool:
        """What one officer sends and another one signs."""
        actor = self.person("officer", *OFFICERS)
        second = self.person("second", *(officer for officer in OFFICERS if officer is not actor))
        touched = Touched()
        by, sent, how = self.authorise(second, operation, touched)
        return self.answer(
            operation.function(),
            f"{actor!r} and {second!r} {words_of(operation)} ({how})",
            actor,
            signed_call(operation, sent),
            lambda world: [decide(world, actor.address, by)],
            effect=lambda model: use_nonce(model, by),
            touched=touched,
        )

    def authorise(
        self, signer: Person, operation: Operation, touched: Touched
    ) -> tuple[Authorisation, operations.Authorisation, str]:
        """What the rules and what the contract are told of a signature, and how it was made."""
        used = sorted(nonce for one, nonce in self.model.nonces if one == signer.address)
        fault = self.one(FAULTS, "fault") if self.chance("faulty?", out_of=6) else ""
        nonce = self.pick([0, 250], [2**256 - 3], "nonce")
        while nonce in used:
            nonce = (nonce + 1) % 2**256
        if fault == "used nonce" and used:
            nonce = self.one(used, "used nonce")
        deadline = self.now - 1 if fault == "late" else self.now + self.one([DAY_SECONDS, 0], "deadline")
        anchor, key_of_claim = self._anchor(operation, wrong=fault == "other anchor")
        by = operations.Authorisation(
            signer=signer.address,
            nonce=nonce,
            deadline=deadline,
            anchor=anchor,
            claim_key=key_of_claim,
            signature=b"",
        )
        key, alter = signer, unaltered
        if fault == "wrong key":
            key = self.one([person for person in PEOPLE if person is not signer], "key")
        elif fault == "altered":
            alter = alteration(self.draw(st.integers(0, 50), "altered field"))
        signed = self.ground.chain.sign(operation, by, key=key, alter=alter)
        touched.nonces.add((signer.address, nonce // NONCE_WORD))
        genuine = fault not in ("wrong key", "altered")
        return (
            Authorisation(signer.address, nonce, deadline, anchor, key_of_claim, genuine),
            signed,
            f"nonce {nonce:#x}{fault and ', '}{fault}",
        )

    def _anchor(self, operation: Operation, *, wrong: bool) -> tuple[bytes, bytes]:
        """What a signature says of the receivable, and the key that opens it; mostly what is so."""
        if not typed_data.has_anchor(type(operation)):
            return NO_ANCHOR, NO_CLAIM_KEY
        number = operation.values()["receivable_id"]
        if isinstance(operation, Answer):
            known = number in self.model.receivables
            heads = self.model.heads(number) if known else [self.model.registry.head, NO_ANCHOR]
            return self.one(heads[-2::-1], "head") if wrong else heads[-1], NO_CLAIM_KEY
        return self.lasting_anchor(number, wrong=wrong)

    def lasting_anchor(self, number: int, *, wrong: bool) -> tuple[bytes, bytes]:
        """The same, of all that is no answer."""
        state = self.model.receivables.get(number)
        if state is None:
            # Nothing lives under a key that nobody has: as far as R-0 goes that is so.
            return anchor_of_claim(DOCUMENT, 0), DOCUMENT
        right = anchor_of(state), claim_key_of(state)
        if not wrong:
            return right
        other = self.one(list(self.model.receivables.values()), "other receivable")
        others = [
            (anchor_of(other), claim_key_of(other)),
            (right[0], claim_key_of(other)),
            (anchor_of(other), right[1]),
            (state.head, right[1]),
            (right[0], NO_CLAIM_KEY),
        ]
        return self.one(others, "wrong anchor")

    # ----------------------------------------------------------- receivables

    @move()
    def register(self) -> None:
        self.register_claim()

    def register_claim(self) -> None:
        actor = self.person("originator", Person.SELLER, Person.SUPPLIER, Person.BRIEF)
        debtors = [person for person in (Person.BUYER, Person.SELLER) if person is not actor]
        debtor = self.person("debtor", *([Person.LATE] if self.chance("late?", out_of=6) else debtors)).address
        waiting = Counter((state.originator, state.debtor) for state in self.states(Status.REGISTERED))
        if waiting and self.chance("one more of a pair?", out_of=5):
            ((originator, debtor), _) = waiting.most_common(1)[0]
            actor = person_at(originator)
        fresh = (0x1000 + len(self.model.receivables)).to_bytes(32)
        due = due_in(self.one(DAYS_AHEAD, "days"), now=self.now)
        fingerprint = self.one([fresh, *FINGERPRINTS], "fingerprint")
        claim = Claim(
            debtor, self.one(FACES, "face"), due, self.one([EUR, JPY, NO_TOKEN], "currency"), fingerprint, DOCUMENT
        )
        limit = rules.parameter_in_force(self.model.registry, Parameter.TENOR_LIMIT_DAYS, now=self.now)
        faults: list[dict[str, Any]] = [
            {"face": 0},
            {"currency": 0},
            {"currency": 1_000},
            {"due": due + 1},
            {"due": 2**16 * DAY_SECONDS},
            {"due": due_in(0, now=self.now)},
            {"due": due_in(limit, now=self.now)},
            {"due": due_in(limit + 1, now=self.now)},
            {"fingerprint": bytes(32)},
            {"document_root": bytes(32)},
            {"debtor": actor.address},
        ]
        if self.chance("malformed?", out_of=3):
            claim = replace(claim, **self.one(faults, "fault"))
        self.by_member(
            actor,
            operations.Register(claim),
            lambda world: [rules.decide_register(world, actor=actor.address, claim=claim, now=self.now)],
            touched=Touched(keys={(claim.fingerprint, claim.debtor, actor.address)}),
        )

    def registration(self, number: int) -> Registered:
        """The first entry of a journal; of one that does not exist, something that looks like one."""
        state = self.model.receivables.get(number)
        if state is None:
            seller, buyer = Person.SELLER.address, Person.BUYER.address
            return Registered(number, seller, buyer, 5, START, EUR, DOCUMENT, DOCUMENT, START, START)
        return Registered(
            receivable_id=number,
            originator=state.originator,
            debtor=state.debtor,
            face=state.claim_face,
            due=state.claim_due,
            currency=state.currency,
            fingerprint=state.fingerprint,
            document_root=state.document_root,
            answer_by=state.answer_by,
            at=state.registered_at,
        )

    def claimed(self, number: int) -> Named:
        """The claim as an answer names it: mostly right, else wrong in one thing."""
        right = self.registration(number)
        changes: list[dict[str, Any]] = [
            {},
            {"originator": Person.BANK.address},
            {"debtor": Person.STRANGER.address},
            {"face": right.face ^ 1},
            {"due": right.due + DAY_SECONDS},
            {"currency": right.currency ^ 1},
            {"fingerprint": b"\xee" * 32},
            {"document_root": bytes(32)},
            {"at": right.at + 1},
            {"answer_by": right.answer_by + 1},
        ]
        change = self.pick([{}], changes, "changed term")
        named = replace(right, **change)
        hashes = self.model.hashes.get(number, ())[1:]
        since = self.pick([hashes], [hashes[:-1], (*hashes, b"\xbb" * 32)], "entries since")
        for what, value in change.items():
            note(f"the terms name another {what}: {show(value)}")
        return Named(self.model.empty(number).head, named, since)

    def debtors_answer(self, likely: Sequence[int] = ()) -> tuple[int, Named, Person]:
        number = self.one(likely, "receivable") if likely else self.receivable(Status.REGISTERED)
        named = self.claimed(number)
        return number, named, self.person("debtor", person_at(named.registered.debtor))

    def originators_answer(self) -> tuple[int, Named, Person]:
        number = self.receivable(Status.REGISTERED)
        named = self.claimed(number)
        return number, named, self.person("originator", person_at(named.registered.originator))

    def any_claim(self) -> bool:
        return bool(self.states(Status.REGISTERED))

    @move(any_claim)
    def confirm(self) -> None:
        number, named, actor = self.debtors_answer()
        if self.chance("on the due date?", out_of=8):
            self.jump_to_edge(named.registered.due, "seconds before the due date")
        self.by_member(
            actor,
            operations.Confirm(receivable_id=number, terms=named.terms, since=named.since),
            lambda world: [
                rules.decide_confirm(world, actor=actor.address, receivable_id=number, head=named.head, now=self.now)
            ],
        )

    @move(any_claim)
    def refuse(self) -> None:
        number, named, actor = self.debtors_answer()
        reason = self.reason()
        self.by_member(
            actor,
            operations.Refuse(receivable_id=number, terms=named.terms, since=named.since, reason=reason),
            lambda world: [
                rules.decide_refuse(
                    world, actor=actor.address, receivable_id=number, head=named.head, reason=reason, now=self.now
                )
            ],
        )

    @move(any_claim)
    def withdraw(self) -> None:
        number, named, actor = self.originators_answer()
        originator = named.registered.originator
        self.by_member(
            actor,
            operations.Withdraw(receivable_id=number, terms=named.terms, since=named.since),
            lambda world: [
                rules.decide_withdraw(
                    world,
                    actor=actor.address,
                    receivable_id=number,
                    originator=originator,
                    head=named.head,
                    now=self.now,
                )
            ],
        )

    @move(any_claim)
    def lapse(self) -> None:
        number = self.receivable(Status.REGISTERED)
        named = self.claimed(number)
        state = self.model.receivables.get(number)
        lapses_at = rules.lapses_at(self.model.registry, state) if state else None
        if lapses_at is not None:
            self.jump_to_edge(lapses_at, "seconds before it can lapse")
        actor = self.person("actor", Person.STRANGER, Person.SELLER)
        self.answer(
            "lapse",
            f"{actor!r} lets R-{number} lapse",
            actor,
            Calls.lapse(receivable_id=number, terms=named.terms, since=named.since),
            lambda world: [
                rules.decide_lapse(world, actor=actor.address, receivable_id=number, head=named.head, now=self.now)
            ],
        )

    @move(any_claim)
    def counter_offer(self) -> None:
        offered = sorted(self.offered(), key=lambda state: -state.length)
        much = [state.receivable_id for state in offered[:1]] if self.chance("one offer more?", out_of=3) else []
        number, named, actor = self.debtors_answer(much)
        claim = named.registered
        if self.chance("at the end of the answer window?", out_of=5):
            self.jump_to_edge(claim.answer_by + self.model.registry.paused_seconds, "seconds before its end")
        face = self.pick([max(1, claim.face // 2), claim.face], [0, min(claim.face + 1, MINOR_MAX)], "offered face")
        later = due_in(self.one(DAYS_AHEAD, "days"), now=self.now)
        odd = [claim.due, later + 1, 2**16 * DAY_SECONDS, due_in(0, now=self.now), due_in(5_000, now=self.now)]
        due = self.pick([later], odd, "offered due date")
        self.by_member(
            actor,
            operations.CounterOffer(receivable_id=number, terms=named.terms, since=named.since, face=face, due=due),
            lambda world: [
                rules.decide_counter_offer(
                    world,
                    actor=actor.address,
                    receivable_id=number,
                    head=named.head,
                    face=face,
                    due=due,
                    now=self.now,
                )
            ],
        )

    def offered(self) -> list[Receivable]:
        return [state for state in self.states(Status.REGISTERED) if state.offer]

    @move(lambda self: bool(self.offered()))
    def accept_offer(self) -> None:
        """The last offer, an earlier one, or one that was not made so."""
        likely = [state.receivable_id for state in self.offered()]
        number = self.pick(likely, list(self.model.receivables), "receivable")
        named = self.claimed(number)
        actor = self.person("originator", person_at(named.registered.originator))
        made = self.model.offers.get(number, ())
        position, offer = self.pick(made[-1:], [*made, (1, Offer(5, due_in(30, now=self.now), START))], "offer")
        change = self.pick([{}], [{"face": offer.face ^ 1}, {"due": offer.due + DAY_SECONDS}, {"at": START}], "altered")
        offer = replace(offer, **change)
        # The offer itself is not among the entries since: it comes after them.
        named = replace(named, since=self.model.hashes.get(number, ())[1 : max(1, position - 1)])
        head = named.with_offer(offer)
        if self.chance("on the offered due date?", out_of=8):
            self.jump_to_edge(offer.due, "seconds before the due date")
        self.by_member(
            actor,
            operations.AcceptOffer(receivable_id=number, terms=named.terms, since=named.since, offer=offer),
            lambda world: [
                rules.decide_accept_offer(
                    world,
                    actor=actor.address,
                    receivable_id=number,
                    originator=named.registered.originator,
                    head=head,
                    now=self.now,
                )
            ],
        )

    # ---------------------------------------------------------- certificates

    def minimum(self) -> int:
        """The smallest part."""
        return rules.parameter_in_force(self.model.registry, Parameter.MINIMUM_PART_MINOR, now=self.now)

    def cut(self, start: int, end: int, *, minimum: int = 1) -> int:
        likely = {(start + end) // 2, start + minimum, end - minimum}
        fitting = sorted(cut for cut in likely if start + minimum <= cut <= end - minimum)
        return self.pick(fitting, [start + 1, end - 1 if end else 0, start, end, MINOR_MAX, 0], "cut")

    @move(any_part)
    def split(self) -> None:
        where = self.certificate(amount=2 * self.minimum())
        named, actor = self.named(where), self.mover(where)
        part = self.found(where)
        cut = self.cut(named.start, part.end if part else 1_000, minimum=self.minimum())
        receiver, document = self.receiver(actor), self.document()
        self.on_the_due_date(where)
        self.by_member(
            actor,
            operations.Split(**range_of(named), cut=cut, receiver=receiver.address, document=document),
            lambda world: [
                rules.decide_split(
                    world,
                    actor=actor.address,
                    certificate_id=named,
                    cut=cut,
                    receiver=receiver.address,
                    document=document,
                    now=self.now,
                )
            ],
        )

    @move(any_part)
    def split_many(self) -> None:
        where = self.certificate(amount=2 * self.minimum())
        named, actor = self.named(where), self.mover(where)
        part = self.found(where)
        end = part.end if part else 1_000
        parts = []
        for _ in range(self.pick([2, 3, 1], [0], "parts")):
            parts.append(
                Part(self.cut(named.start, end, minimum=self.minimum()), self.receiver(actor).address, self.document())
            )
            end = parts[-1].cut
        self.by_member(
            actor,
            operations.SplitMany(**range_of(named), parts=tuple(parts)),
            lambda world: rules.decide_split_many(
                world, actor=actor.address, certificate_id=named, parts=parts, now=self.now
            ),
        )

    @move(any_part)
    def endorse(self) -> None:
        where = self.certificate()
        named, actor = self.named(where), self.mover(where)
        receiver, document = self.receiver(), self.document()
        self.on_the_due_date(where)
        self.by_member(
            actor,
            operations.Endorse(**range_of(named), receiver=receiver.address, document=document),
            lambda world: [
                rules.decide_endorse(
                    world,
                    actor=actor.address,
                    certificate_id=named,
                    receiver=receiver.address,
                    document=document,
                    now=self.now,
                )
            ],
        )

    @move(any_part)
    def endorse_many(self) -> None:
        where = self.certificate()
        actor = self.mover(where)
        theirs = [
            (state.receivable_id, part.start) for state, part in self.parts(free=True) if part.holder == actor.address
        ]
        chosen = [where, *(self.pick(theirs, NOWHERE, "next") for _ in range(self.one([1, 0, 2], "more")))]
        endorsements = [Endorsement(self.named(one), self.receiver().address, self.document()) for one in chosen]
        if self.chance("empty?", out_of=20):
            endorsements = []
        wrong = self.one([*endorsements, None], "wrongly anchored") if self.chance("wrong anchor?", out_of=12) else None
        ties = [self.lasting_anchor(one.certificate_id.receivable_id, wrong=one is wrong) for one in endorsements]
        operation = operations.EndorseMany(
            endorsements=tuple(
                operations.AnchoredEndorsement(
                    **range_of(one.certificate_id),
                    receiver=one.receiver,
                    document=one.document,
                    anchor=anchor,
                    claim_key=key,
                )
                for one, (anchor, key) in zip(endorsements, ties, strict=True)
            )
        )

        def decide(world: World, count: int | None = None) -> Sequence[Entry]:
            return rules.decide_endorse_many(
                world, actor=actor.address, endorsements=endorsements[:count], now=self.now
            )

        def signed(world: World) -> Sequence[Entry]:
            """Each is refused for its anchor before it moves, and after the ones before it have."""
            for count, (one, (anchor, key)) in enumerate(zip(endorsements, ties, strict=True)):
                if count:
                    decide(world, count)
                by = Authorisation(actor.address, 0, 0, anchor, key)
                world.require_same_receivable(by, one.certificate_id.receivable_id)
            return decide(world)

        self.by_member(actor, operation, decide, signed=signed)

    @move(any_part)
    def transfer(self) -> None:
        """The ERC-721 face; the document is the first 32 bytes of the data."""
        where = self.certificate()
        actor, holder = self.mover(where), self.holder(where)
        giver = self.person("giver", *([holder] if holder else []))
        receiver = self.person("receiver", Person.BANK, Person.FUND, Person.BRIEF)
        function = self.one(
            [
                "transferFrom",
                "safeTransferFrom(address,address,uint256)",
                "safeTransferFrom(address,address,uint256,bytes)",
            ],
            "function",
        )
        payload = [self.one([DOCUMENT, b"", b"\x0d" * 31, b"\x0e" * 50], "data")] if function.endswith("bytes)") else []
        document = payload[0][:32] if payload and len(payload[0]) >= 32 else rules.NO_DOCUMENT
        self.answer(
            function,
            f"{actor!r} {function.split('(')[0]} {certificate_at(where)} from {giver!r} to {receiver!r}",
            actor,
            receivables_abi().call(function, giver.address, receiver.address, token_id(*where), *payload),
            lambda world: [
                rules.decide_transfer(
                    world,
                    actor=actor.address,
                    giver=giver.address,
                    receivable_id=where[0],
                    start=where[1],
                    receiver=receiver.address,
                    document=document,
                    now=self.now,
                )
            ],
        )

    def neighbours(self) -> list[tuple[int, int]]:
        """Certificates with a right neighbour of the same holder's."""
        return [
            (state.receivable_id, part.start)
            for state, part in self.parts(free=True)
            if (right := state.certificates.get(part.end)) and right.holder == part.holder
        ]

    @move(lambda self: bool(self.neighbours()))
    def merge(self) -> None:
        where = self.pick(self.neighbours(), NOWHERE, "certificate")
        left, actor = self.named(where), self.mover(where)
        right = self.found((left.receivable_id, left.end))
        end = self.pick([right.end if right else min(left.end + 1, MINOR_MAX)], [left.end, MINOR_MAX], "end of both")
        touched = Touched(certificates={(left.receivable_id, left.end)})
        self.by_member(
            actor,
            operations.Merge(receivable_id=left.receivable_id, start=left.start, cut=left.end, end=end),
            lambda world: [rules.decide_merge(world, actor=actor.address, certificate_id=left, end=end, now=self.now)],
            touched=touched,
        )

    @move(any_part)
    def approve(self) -> None:
        where = self.certificate()
        named, actor = self.named(where), self.mover(where)
        to = self.pick([Person.STRANGER.address, Person.BANK.address], [ZERO_ADDRESS, Person.BRIEF.address], "approved")

        def decide(world: World) -> list[Entry]:
            rules.decide_approve(world, actor=actor.address, receivable_id=where[0], start=where[1])
            return []

        def decide_signed(world: World) -> list[Entry]:
            rules.decide_approve_range(world, actor=actor.address, certificate_id=named)
            return []

        def effect(model: Model) -> None:
            model.approvals.pop(token_id(*where), None)
            if to != ZERO_ADDRESS:
                model.approvals[token_id(*where)] = to

        self.by_member(
            actor,
            operations.Approve(**range_of(named), to=to),
            decide,
            direct=("approve", Calls.approve(receivable_id=where[0], start=where[1], to=to)),
            signed=decide_signed,
            effect=effect,
            touched=Touched(certificates={where}),
        )

    @move()
    def set_approval_for_all(self) -> None:
        holder, operator = self.person("holder", *MEMBERS), self.person("operator", Person.STRANGER)
        approved = not self.chance("withdrawn?", out_of=2)
        pair = (holder.address, operator.address)

        def effect(model: Model) -> None:
            model.operators = model.operators | {pair} if approved else model.operators - {pair}

        self.by_member(
            holder,
            operations.SetApprovalForAll(operator=operator.address, approved=approved),
            lambda _world: [],
            effect=effect,
            touched=Touched(operators={pair}),
        )

    @move()
    def cancel_nonces(self) -> None:
        actor = self.person("signer", *MEMBERS)
        word = self.one([0, 2**248 - 1], "word")
        mask = self.one([0b101, 1 << 255, 0], "mask")
        nonces = {(actor.address, word * NONCE_WORD + bit) for bit in range(NONCE_WORD) if mask >> bit & 1}

        def effect(model: Model) -> None:
            model.nonces |= nonces

        self.answer(
            "cancelNonces",
            f"{actor!r} gives up nonces {mask:#x} of word {word:#x}",
            actor,
            Calls.cancel_nonces(word=word, mask=mask),
            lambda _world: [],
            effect=effect,
            touched=Touched(nonces={(actor.address, word)}),
        )

    def on_the_due_date(self, where: tuple[int, int]) -> None:
        """Now and then the last second before a certificate stops moving, or the first after."""
        state = self.model.receivables.get(where[0])
        if state and self.chance("on the due date?", out_of=20):
            self.jump_to_edge(state.due, "seconds before the due date")

    # What the registry is for happens more often than the rest.
    register_2 = register_3 = register_4 = register
    confirm_2 = confirm_3 = confirm
    counter_offer_2 = counter_offer
    split_2 = split_3 = split_4 = split
    split_many_2 = split_many
    endorse_2 = endorse_3 = endorse_4 = endorse
    endorse_many_2 = endorse_many
    transfer_2 = transfer
    merge_2 = merge_3 = merge_4 = merge

    # -------------------------------------------------------------- officers

    def order(self, listed: Iterable[Freeze] = ()) -> bytes:
        """An order's hash, mostly of one that is listed if any is."""
        likely = [freeze.order for freeze in listed] or ORDERS
        return self.pick(likely, [*ORDERS, OLD_ORDERS[0], rules.NO_ORDER], "order")

    def freeze(self, listed: Sequence[Freeze]) -> tuple[bytes, int]:
        """An order and until when it holds; now and then one that stands, and no longer than it does."""
        standing = rules.in_force(listed, now=self.now)
        if standing and self.chance("again?", out_of=6):
            again = self.one(standing, "order")
            return again.order, again.expiry
        return self.order(), self.expiry()

    def expiry(self) -> int:
        spans = [3_600, 60, 3 * DAY_SECONDS, 1, 400 * DAY_SECONDS]
        return self.now + self.pick(spans, [0, -1, 2**40 - 1 - self.now], "seconds to expiry")

    def held_by(self, where: tuple[int, int]) -> Address:
        holder = self.holder(where)
        return self.person("holder", *([holder] if holder else [])).address

    @move(any_part)
    def partition(self) -> None:
        where = self.certificate(free=not self.chance("under orders?", out_of=4), amount=2)
        named, holder, order = self.named(where), self.held_by(where), self.order()
        part = self.found(where)
        cut = self.cut(named.start, part.end if part else 1_000)
        self.by_officers(
            operations.Partition(**range_of(named), cut=cut, holder=holder, order=order),
            lambda world, actor, second: rules.decide_partition(
                world,
                actor=actor,
                second=second,
                certificate_id=named,
                cut=cut,
                holder=holder,
                order=order,
                now=self.now,
            ),
        )

    @move(any_part)
    def freeze_certificate(self) -> None:
        where = self.certificate(free=not self.chance("under orders?", out_of=4))
        part, named, holder = self.found(where), self.named(where), self.held_by(where)
        order, expiry = self.freeze(part.orders if part else ())
        self.by_officers(
            operations.FreezeCertificate(**range_of(named), holder=holder, order=order, expiry=expiry),
            lambda world, actor, second: rules.decide_freeze_certificate(
                world,
                actor=actor,
                second=second,
                certificate_id=named,
                holder=holder,
                order=order,
                expiry=expiry,
                now=self.now,
            ),
        )

    @move(any_part)
    def unfreeze_certificate(self) -> None:
        frozen = [(state.receivable_id, part.start) for state, part in self.parts(free=False) if part.orders]
        where = self.one(frozen, "certificate") if frozen else self.certificate(free=False)
        part = self.found(where)
        named, order = self.named(where), self.order(part.orders if part else ())
        self.by_officers(
            operations.UnfreezeCertificate(**range_of(named), order=order),
            lambda world, actor, second: rules.decide_unfreeze_certificate(
                world, actor=actor, second=second, certificate_id=named, order=order, now=self.now
            ),
        )

    @move(any_part)
    def freeze_receivable(self) -> None:
        number = self.receivable(*rules.ONCE_CONFIRMED)
        state = self.model.receivables.get(number)
        order, expiry = self.freeze(state.orders if state else ())
        self.by_officers(
            operations.FreezeReceivable(receivable_id=number, order=order, expiry=expiry),
            lambda world, actor, second: rules.decide_freeze_receivable(
                world, actor=actor, second=second, receivable_id=number, order=order, expiry=expiry, now=self.now
            ),
        )

    @move(any_part)
    def unfreeze_receivable(self) -> None:
        frozen = [state.receivable_id for state in self.states(*rules.ONCE_CONFIRMED) if state.orders]
        number = self.pick(frozen, [99, *self.model.receivables], "receivable")
        state = self.model.receivables.get(number)
        order = self.order(state.orders if state else ())
        self.by_officers(
            operations.UnfreezeReceivable(receivable_id=number, order=order),
            lambda world, actor, second: rules.decide_unfreeze_receivable(
                world, actor=actor, second=second, receivable_id=number, order=order, now=self.now
            ),
        )

    @move()
    def freeze_member(self) -> None:
        member = self.person("member", Person.BRIEF, Person.HELD, Person.FUND).address
        known = self.model.registry.members.get(member)
        order, expiry = self.freeze(known.orders if known else ())
        self.by_officers(
            operations.FreezeMember(member=member, order=order, expiry=expiry),
            lambda world, actor, second: rules.decide_freeze_member(
                world, actor=actor, second=second, member=member, order=order, expiry=expiry, now=self.now
            ),
        )

    @move()
    def unfreeze_member(self) -> None:
        frozen = [person_at(member.address) for member in self.model.registry.members.values() if member.orders]
        member = self.person("member", *frozen).address
        known = self.model.registry.members.get(member)
        order = self.order(known.orders if known else ())
        self.by_officers(
            operations.UnfreezeMember(member=member, order=order),
            lambda world, actor, second: rules.decide_unfreeze_member(
                world, actor=actor, second=second, member=member, order=order, now=self.now
            ),
        )

    @move(any_part)
    def force_transfer(self) -> None:
        members = self.model.registry.members
        holds = {
            (state.receivable_id, part.start): found
            for state, part in self.parts(free=False)
            if (found := rules.holds(state, part, members.get(part.holder), now=self.now))
        }
        where = self.one(list(holds), "certificate") if holds else self.certificate(free=False)
        named, holder, receiver = self.named(where), self.held_by(where), self.receiver().address
        hold = self.one(holds[where], "hold") if where in holds else None
        order = self.order([hold.freeze] if hold else ())
        if hold:
            delay = rules.parameter_in_force(self.model.registry, Parameter.FORCED_TRANSFER_DELAY_SECONDS, now=self.now)
            if hold.freeze.since + delay < hold.freeze.expiry:
                self.jump_to_edge(hold.freeze.since + delay, "seconds before the order allows it")
        self.by_officers(
            operations.ForceTransfer(**range_of(named), holder=holder, receiver=receiver, order=order),
            lambda world, actor, second: rules.decide_force_transfer(
                world,
                actor=actor,
                second=second,
                certificate_id=named,
                holder=holder,
                receiver=receiver,
                order=order,
                now=self.now,
            ),
        )

    # -------------------------------------------------------------- operator

    def govern(self, says: str, actor: Person, data: bytes, decide: Callable[..., Entry], **arguments: Any) -> bool:
        """What only the operator may do."""
        function = _function(data)
        listed = ", ".join(f"{key} {show(value)}" for key, value in arguments.items())
        return self.answer(
            function,
            f"{actor!r} {says} {listed}".rstrip(),
            actor,
            data,
            lambda world: [decide(world, actor=actor.address, now=self.now, **arguments)],
        )

    def operator(self) -> Person:
        return self.person("actor", Person.OPERATOR)

    @move()
    def admit(self) -> None:
        spans = [3_650 * DAY_SECONDS, 3 * DAY_SECONDS, 3_600]
        arguments: dict[str, Any] = {
            "member": self.pick([person.address for person in PEOPLE], [ZERO_ADDRESS, self.model.contract], "member"),
            "kyc_expiry": self.now + self.pick(spans, [1, 0, -1], "seconds to expiry"),
            "roles": self.pick([7, 1, 2, 4, 2**32 - 1], [0], "roles"),
            "profile": self.one([b"\x01" * 32, bytes(32)], "profile"),
        }
        if arguments["member"] in {Person.BUYER.address, Person.SELLER.address}:
            arguments["kyc_expiry"] = max(arguments["kyc_expiry"], self.now + 3_650 * DAY_SECONDS)  # or nothing moves
        self.govern("admits", self.operator(), Calls.admit(**arguments), rules.decide_admit, **arguments)

    @move()
    def suspend(self) -> None:
        # Mostly a member on the edge: with everybody else suspended nothing would happen any more.
        member = self.pick([Person.BRIEF, Person.FUND], PEOPLE, "member").address
        arguments = {"member": member, "reason": self.reason()}
        self.govern("suspends", self.operator(), Calls.suspend(**arguments), rules.decide_suspend, **arguments)

    @move()
    def pause(self) -> None:
        if self.govern("pauses", self.operator(), Calls.pause(), rules.decide_pause):
            self.steps_paused = 0

    @move()
    def unpause(self) -> None:
        self.govern("unpauses", self.operator(), Calls.unpause(), rules.decide_unpause)

    @move()
    def set_parameter(self) -> None:
        parameter = self.pick([1, 2, 3, 4, 6], [0, 5, 7, 255], "parameter")
        usual = {1: [365, 100], 2: [1, 10, 600], 3: [10, 1, 30], 4: [3, 1, 5], 6: [2, 1, 4]}.get(parameter, [1])
        arguments = {
            "parameter": parameter,
            "value": self.pick(usual, [0, 365, 366, 2**16 - 1, 2**16, 2**32 - 1, 2**32, 2**64 - 1], "value"),
            "effective": due_in(self.one([1, 2, 20], "days"), now=self.now),
        }
        odd = [self.now, arguments["effective"] + 1, due_in(0, now=self.now), (2**16 - 1) * DAY_SECONDS]
        arguments["effective"] = self.pick([arguments["effective"]], [*odd, 2**16 * DAY_SECONDS], "effective")
        data = Calls.set_parameter(**arguments)
        self.govern("sets", self.operator(), data, rules.decide_set_parameter, **arguments)

    @move()
    def set_rules(self) -> None:
        lot, descriptor = self.model.lot_rules, self.ground.deployment.descriptor
        set_ = self.pick([ZERO_ADDRESS, lot], [descriptor, Person.STRANGER.address], "rules")
        self.govern("sets", self.operator(), Calls.set_rules(set_), rules.decide_set_rules, rules=set_)

    @move()
    def set_descriptor(self) -> None:
        set_ = self.pick([ZERO_ADDRESS, self.ground.deployment.descriptor], [Person.STRANGER.address], "descriptor")
        data = Calls.set_descriptor(set_)
        self.govern("sets", self.operator(), data, rules.decide_set_descriptor, descriptor=set_)

    @move()
    def sunset(self) -> None:
        # Rarely by who may: from then on nothing is registered or confirmed.
        actor = self.pick([Person.STRANGER], [Person.OPERATOR], "actor")
        if self.govern("ends the registry", actor, Calls.sunset(), rules.decide_sunset):
            self.register_claim()

    # ------------------------------------------------------------------ time

    @move()
    def time_passes(self) -> None:
        """A little, sometimes a month; or to the next instant that matters, or the second before."""
        seconds = self.one([None, 60, 3_600, DAY_SECONDS, None, 30 * DAY_SECONDS], "seconds")
        if seconds is not None:
            self.jump(self.now + seconds)
            return
        before = self.one([0, 1], "seconds before")
        ahead = sorted({instant for instant in self._instants() if 0 < instant - before - self.now < FAR_SECONDS})
        if ahead:
            self.jump(self.one(ahead[:3], "instant") - before)

    def _instants(self) -> Iterable[int]:
        registry = self.model.registry
        delay = rules.parameter_in_force(registry, Parameter.FORCED_TRANSFER_DELAY_SECONDS, now=self.now)
        grace = rules.parameter_in_force(registry, Parameter.OVERDUE_GRACE_DAYS, now=self.now)
        freezes = [freeze for member in registry.members.values() for freeze in member.orders]
        for state in self.model.receivables.values():
            freezes += state.orders
            freezes += [freeze for part in state.certificates.values() for freeze in part.orders]
            yield from (state.due, state.claim_due, state.due + DAY_SECONDS, state.due + grace * DAY_SECONDS)
            if state.offer:
                yield state.offer.due
            if state.status is Status.REGISTERED:
                yield rules.lapses_at(registry, state) or 0
        for member in registry.members.values():
            yield member.kyc_expiry
        for settings_ in registry.parameters.values():
            yield from (setting.effective for setting in settings_)
        for freeze in freezes:
            yield from (freeze.expiry, freeze.since + delay)


@dataclass(frozen=True)
class Named:
    """The terms of a claim as an answer names them, with the entries since, and what they hash to."""

    genesis: bytes
    registered: Registered
    since: tuple[bytes, ...]

    @property
    def terms(self) -> Terms:
        named = self.registered
        claim = Claim(named.debtor, named.face, named.due, named.currency, named.fingerprint, named.document_root)
        return Terms(originator=named.originator, registered_at=named.at, answer_by=named.answer_by, claim=claim)

    @property
    def head(self) -> bytes:
        head = journal.append(self.genesis, self.registered.hash())
        for entry_hash in self.since:
            head = journal.append(head, entry_hash)
        return head

    def with_offer(self, offer: Offer) -> bytes:
        """The head where the offer follows."""
        named = self.registered
        made = CounterOffered(named.receivable_id, named.debtor, named.face, offer.face, offer.due, offer.at)
        return journal.append(self.head, made.hash())


def person_at(account: Address) -> Person:
    return next((person for person in Person if person.address == account), Person.STRANGER)


def range_of(named: CertificateId) -> dict[str, int]:
    return {"receivable_id": named.receivable_id, "start": named.start, "end": named.end}


def certificate_at(where: tuple[int, int]) -> str:
    return f"R-{where[0]} from {where[1]}"


def use_nonce(model: Model, by: Authorisation) -> None:
    model.nonces |= {(by.signer, by.nonce)}


def together(*effects: Effect) -> Effect:
    return lambda model: [cash for effect in effects for cash in effect(model) or ()]


def unaltered(_message: dict[str, Any]) -> None:
    """The message that is submitted is the one that was signed."""


def alteration(choice: int) -> Callable[[dict[str, Any]], None]:
    """Another message than the one that is submitted, in one of its fields."""

    def alter(message: dict[str, Any]) -> None:
        keys = sorted(message)
        key = keys[choice % len(keys)]
        message[key] = _other(message[key])

    return alter


SOME_ITEM = dict.fromkeys(("receivableId", "start", "end", "cut"), "1") | {
    "receiver": "0x" + "00" * 20,
    "document": "0x" + "00" * 32,
    "anchor": "0x" + "00" * 32,
}
"""Has the fields of every item that a batch is signed with."""


def _other(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, list):
        return [*value[:-1], *({**item, "receiver": _other(item["receiver"])} for item in value[-1:])] or [SOME_ITEM]
    if value.startswith("0x"):
        return value[:-1] + ("0" if value[-1] != "0" else "1")
    return str(int(value) ^ 1)


def _function(data: bytes) -> str:
    return next(
        function
        for function in (*OPERATOR_FUNCTIONS, *GOVERNOR_FUNCTIONS)
        if receivables_abi().selector(function) == data[:4]
    )


def words_of(operation: Operation) -> str:
    """An operation in the names of the trade, for people."""
    values = operation.values()
    parts = [operation.function()]
    if "start" in values:
        end = values["end"]
        parts.append(f"{CertificateId(values['receivable_id'], values['start'], end)}")
    elif "receivable_id" in values:
        parts.append(f"R-{values['receivable_id']}")
    hidden = ("receivable_id", "start", "end", "terms", "since", "claim", "originator", "document_root")
    parts += [f"{key} {show(value)}" for key, value in values.items() if key not in hidden]
    return " ".join(parts)


def show(value: Any) -> str:
    if isinstance(value, bytes):
        return name(value) if len(value) == 20 else f"0x{int.from_bytes(value):x}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(show(part) for part in value) + "]"
    if isinstance(value, dict):
        return "(" + ", ".join(show(part) for part in value.values()) + ")"
    return str(value)
