"""The contract and the model, driven by the same random moves: valid, forbidden, and by whoever comes along.

The model is registry.domain: `decide_*` says which entry or which refusal a move has to give, the fold says what state
follows. After every move heads, words and approvals on chain must be the model's. Every example begins at the same
state of the same contract (evm_snapshot), at the same second after a midnight, so a failure replays.

`make test` runs EXAMPLES times STEPS moves. For a longer run set COUNTERFOIL_TEST_EXAMPLES and COUNTERFOIL_TEST_STEPS:

    COUNTERFOIL_TEST_EXAMPLES=2000 COUNTERFOIL_TEST_STEPS=60 make test ARGS=tests/properties
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from registry.chain import deploy, reverts
from registry.chain.contract import Calls, ReceivablesView, Terms, receivables_abi
from registry.chain.devchain import dev_account
from registry.chain.rpc import CallReverted, Node, parse_receipt
from registry.chain.submit import account_address
from registry.domain import journal, rules
from registry.domain.decode import ENTRY_TOPICS, decode
from registry.domain.fold import empty_receivable, empty_registry, fold, fold_registry
from registry.domain.identifiers import MINOR_MAX, ZERO_ADDRESS, Address, CertificateId, format_address, token_id
from registry.domain.journal import (
    ENTRY_TYPES,
    Endorsed,
    Entry,
    MemberAdmitted,
    MemberSuspended,
    Refused,
    Registered,
    Split,
)
from registry.domain.receivable import DAY_SECONDS, Certificate, Receivable, Registry, Status
from registry.domain.refusals import Refusal
from registry.domain.rules import CHAIN_REFUSALS, Claim, World
from tests.contracts.audit import assert_agreement

EXAMPLES = int(os.environ.get("COUNTERFOIL_TEST_EXAMPLES", "60"))
STEPS = int(os.environ.get("COUNTERFOIL_TEST_STEPS", "40"))

GAS = 500_000
OPERATOR, SELLER, BUYER, SUPPLIER, BANK, BRIEF, STRANGER = range(10, 17)
"""Dev accounts that no other test uses. BRIEF is a member whose KYC expires within days, STRANGER is none."""

ROLES = {SELLER: 3, BUYER: 2, SUPPLIER: 1, BANK: 4, BRIEF: 7}
RARE = 10
"""One choice in so many is made without regard to what would be accepted."""

ADDRESSES = {person: account_address(dev_account(person)) for person in range(OPERATOR, STRANGER + 1)}
PEOPLE = list(ADDRESSES.values())
MEMBERS = [ADDRESSES[person] for person in ROLES]

T = TypeVar("T")

DOCUMENTS = st.sampled_from([b"\x0d" * 32, b"\xff" * 32, b"\x01" * 32, bytes(32)])
FINGERPRINTS = [number.to_bytes(32) for number in range(1, 4)]


@dataclass
class Model:
    """What the chain should hold: the fold of what was accepted, and the approvals, which are no entries."""

    chain_id: int
    contract: Address
    registry: Registry
    receivables: dict[int, Receivable] = field(default_factory=dict)
    fingerprints: dict[tuple[bytes, Address, Address], int] = field(default_factory=dict)
    approvals: dict[int, Address] = field(default_factory=dict)
    operators: set[tuple[Address, Address]] = field(default_factory=set)

    def copy(self) -> Model:
        return replace(
            self,
            receivables=dict(self.receivables),
            fingerprints=dict(self.fingerprints),
            approvals=dict(self.approvals),
            operators=set(self.operators),
        )

    def world(self) -> World:
        return World(
            registry=self.registry,
            receivables=self.receivables,
            fingerprints=self.fingerprints,
            operator=ADDRESSES[OPERATOR],
            approvals=self.approvals,
            operators=frozenset(self.operators),
        )

    def empty(self, receivable_id: int) -> Receivable:
        return empty_receivable(chain_id=self.chain_id, contract=self.contract, receivable_id=receivable_id)

    def append(self, entry: Entry) -> None:
        if isinstance(entry, MemberAdmitted | MemberSuspended):
            self.registry = fold_registry(self.registry, [entry])
            return
        number = entry.journal_id
        state = self.receivables[number] = fold(self.receivables.get(number, self.empty(number)), entry)
        key = (state.fingerprint, state.debtor, state.originator)
        if isinstance(entry, Registered):
            self.fingerprints[key] = number
        elif isinstance(entry, Refused):
            del self.fingerprints[key]
        elif isinstance(entry, Split | Endorsed):
            self.approvals.pop(token_id(number, entry.start), None)


@dataclass
class Ground:
    """The contract that every example starts from."""

    node: Node
    view: ReceivablesView
    model: Model
    at: int
    """Timestamp of the newest block: an hour after a midnight."""
    snapshot: str = ""

    @classmethod
    def lay(cls, node: Node) -> Ground:
        deployment = deploy.run(node, dev_account(OPERATOR))
        newest = node.block("latest")
        assert newest is not None
        at = (newest.at // DAY_SECONDS + 1) * DAY_SECONDS + 3_600
        contract = deployment.receivables
        where = {"chain_id": node.chain_id, "contract": contract}
        ground = cls(node, ReceivablesView(node, contract), Model(**where, registry=empty_registry(**where)), at)
        node.request("anvil_setBlockTimestampInterval", 1)
        for person, roles in ROLES.items():
            days = 3 if person == BRIEF else 365
            data = Calls.admit(
                member=ADDRESSES[person], kyc_expiry=at + days * DAY_SECONDS, roles=roles, profile=person.to_bytes(32)
            )
            (entry,) = ground.send(ADDRESSES[OPERATOR], data)
            ground.model.append(entry)
        node.request("evm_setNextBlockTimestamp", at)
        node.request("evm_mine")
        ground.snapshot = node.request("evm_snapshot")
        return ground

    def reset(self) -> None:
        assert self.node.request("evm_revert", self.snapshot)
        self.snapshot = self.node.request("evm_snapshot")

    def transaction(self, actor: Address, data: bytes) -> dict[str, str]:
        return {
            "from": format_address(actor),
            "to": format_address(self.model.contract),
            "data": "0x" + data.hex(),
            "gas": hex(GAS),
        }

    def send(self, actor: Address, data: bytes) -> list[Entry]:
        receipt = parse_receipt(self.node.request("eth_sendTransactionSync", self.transaction(actor, data)))
        assert receipt.succeeded, "the model accepts a move that the contract refuses"
        return [decode(log.topics, log.data) for log in receipt.logs if log.topics[0] in ENTRY_TOPICS]

    def refusal(self, actor: Address, data: bytes, *, at: int) -> type[Refusal] | None:
        """How the contract refuses the move in a block of that time, or None if it accepts it."""
        try:
            self.node.request("eth_call", self.transaction(actor, data), "latest", None, {"time": hex(at)})
        except CallReverted as reverted:
            return type(reverts.refusal(receivables_abi(), reverted))
        return None


class RegistryMachine(RuleBasedStateMachine):
    """Moves of the registry's users. `now` is the timestamp that the next block will have."""

    def __init__(self, ground: Ground) -> None:
        super().__init__()
        self.ground = ground
        ground.reset()
        self.model = ground.model.copy()
        self.now = ground.at + 1
        self.jumped = False
        self.touched: set[tuple[int, int]] = {(0, 0), (1, 0)}

    # ---------------------------------------------------------------- driving

    def move(self, actor: Address, data: bytes, decide: Callable[[World], Entry | None]) -> Entry | None:
        """Let contract and model answer the same move, and compare the answers. Returns an accepted entry."""
        try:
            expected = decide(self.model.world())
        except Refusal as refusal:
            refused = type(refusal)
        else:
            refused = None
        if refused is not None:
            given = self.ground.refusal(actor, data, at=self.now)
            assert given is refused, f"the model answers {refused.__name__}, the contract {given}"
            TALLY.count(refused.__name__)
            return None
        if self.jumped:
            self.ground.node.request("evm_setNextBlockTimestamp", self.now)
            self.jumped = False
        entries = self.ground.send(actor, data)
        assert entries == ([] if expected is None else [expected])
        self.now += 1
        if expected is not None:
            self.model.append(expected)
            TALLY.count(type(expected).__name__)
        return expected

    def pick(self, data: st.DataObject, likely: Sequence[T], others: Sequence[T], *, label: str) -> T:
        """One of the likely, and one time in RARE one of the others."""
        usual = bool(likely) and data.draw(st.integers(1, RARE), label=f"rare {label}") != RARE
        return data.draw(st.sampled_from(likely if usual else others), label=label)

    def pick_person(self, data: st.DataObject, *likely: Address) -> Address:
        return self.pick(data, likely, PEOPLE, label="person")

    def is_any(self, status: Status) -> bool:
        return any(state.status is status for state in self.model.receivables.values())

    def pick_receivable(self, data: st.DataObject, status: Status) -> int:
        fitting = [number for number, state in self.model.receivables.items() if state.status is status]
        return self.pick(data, fitting[::-1], [0, 77, *self.model.receivables], label="receivable")

    def pick_certificate(self, data: st.DataObject) -> tuple[int, int]:
        live = [(number, start) for number, state in self.model.receivables.items() for start in state.certificates]
        picked = self.pick(data, live, [(1, 5), (len(self.model.receivables), 0), (0, 0)], label="certificate")
        self.touched.add(picked)
        return picked

    def found(self, certificate: tuple[int, int]) -> Certificate | None:
        state = self.model.receivables.get(certificate[0])
        return state.certificates.get(certificate[1]) if state else None

    def holder(self, certificate: tuple[int, int]) -> Address | None:
        found = self.found(certificate)
        return found.holder if found else None

    def end(self, certificate: tuple[int, int]) -> int:
        """The end that the certificate has now; 0 if there is none."""
        found = self.found(certificate)
        return found.end if found else 0

    def pick_named(self, data: st.DataObject, certificate: tuple[int, int]) -> CertificateId:
        """The certificate as an operation names it: mostly by its present end."""
        receivable_id, start = certificate
        end = self.end(certificate)
        state = self.model.receivables.get(receivable_id)
        others = [state.face if state else 1_000, start, end + 1 if end < MINOR_MAX else end - 1, MINOR_MAX, 0]
        return CertificateId(receivable_id, start, self.pick(data, [end], others, label="end"))

    def pick_mover(self, data: st.DataObject, certificate: tuple[int, int]) -> Address:
        """Mostly somebody with authority: the holder, whom it approved, its operators."""
        holder = self.holder(certificate)
        if holder is None:
            return self.pick_person(data)
        others = [self.model.approvals.get(token_id(*certificate))]
        others += [operator for owner, operator in self.model.operators if owner == holder]
        return self.pick_person(data, holder, *sorted(other for other in others if other))

    # ---------------------------------------------------------------- members

    @rule(
        data=st.data(),
        seconds=st.sampled_from([400 * DAY_SECONDS] * 5 + [3 * DAY_SECONDS, 3_600, 1, 0, -1]),
        roles=st.sampled_from([1, 2, 4, 7, 2**32 - 1, 1, 2, 4, 7, 0]),
    )
    def admit(self, data: st.DataObject, seconds: int, roles: int) -> None:
        actor = self.pick_person(data, ADDRESSES[OPERATOR])
        member = self.pick(data, PEOPLE, [ZERO_ADDRESS], label="member")
        arguments = {
            "member": member,
            "kyc_expiry": self.now + seconds,
            "roles": roles,
            "profile": bytes([roles & 255]) * 32,
        }
        self.move(
            actor,
            Calls.admit(**arguments),
            lambda world: rules.decide_admit(world, actor=actor, now=self.now, **arguments),
        )

    @rule(data=st.data(), reason=st.sampled_from([1, 2, 255, 0]))
    def suspend(self, data: st.DataObject, reason: int) -> None:
        actor = self.pick_person(data, ADDRESSES[OPERATOR])
        # Mostly a member on the edge: with everybody else suspended nothing would happen any more.
        member = self.pick(data, [ADDRESSES[BRIEF], ADDRESSES[SUPPLIER]], PEOPLE, label="member")
        self.move(
            actor,
            Calls.suspend(member=member, reason=reason),
            lambda world: rules.decide_suspend(world, actor=actor, member=member, reason=reason, now=self.now),
        )

    # ------------------------------------------------------------ receivables

    @initialize(count=st.integers(1, 3), days=st.integers(1, 60))
    def begin_with_some_receivables(self, count: int, days: int) -> None:
        for number in range(count):
            claim = Claim(
                debtor=ADDRESSES[BUYER],
                face=(1_000, MINOR_MAX, 1)[number],
                due=(self.now // DAY_SECONDS + days) * DAY_SECONDS,
                currency=978,
                fingerprint=(50 + number).to_bytes(32),
                document_root=b"\x01" * 32,
            )
            self._register(ADDRESSES[SELLER], claim)
            self._answer(ADDRESSES[BUYER], number + 1, self._registration(number + 1), None)

    @rule(
        data=st.data(),
        face=st.sampled_from([100, 1_000, 1, 2, MINOR_MAX]),
        days=st.sampled_from([2, 1, 30, 90]),
        currency=st.sampled_from([978, 1, 999]),
        fingerprint=st.sampled_from(FINGERPRINTS),
        fault=st.integers(1, 20),
    )
    def register(
        self, data: st.DataObject, face: int, days: int, currency: int, fingerprint: bytes, fault: int
    ) -> None:
        actor = self.pick_person(data, ADDRESSES[SELLER], ADDRESSES[SUPPLIER])
        debtor = self.pick_person(data, ADDRESSES[BUYER])
        due = (self.now // DAY_SECONDS + days) * DAY_SECONDS
        claim = Claim(debtor, face, due, currency, fingerprint, b"\x02" * 32)
        faults: dict[int, dict[str, Any]] = {
            20: {"face": 0},
            19: {"currency": 0},
            18: {"currency": 1_000},
            17: {"due": due + 1},
            16: {"due": self.now // DAY_SECONDS * DAY_SECONDS},
            15: {"fingerprint": bytes(32)},
            14: {"document_root": bytes(32)},
            13: {"debtor": actor},
        }
        self._register(actor, replace(claim, **faults.get(fault, {})))

    def _register(self, actor: Address, claim: Claim) -> None:
        self.move(
            actor,
            Calls.register(claim),
            lambda world: rules.decide_register(world, actor=actor, claim=claim, now=self.now),
        )

    def _registration(self, receivable_id: int) -> Registered:
        """The first entry of a receivable's journal; of one that does not exist, something that looks like one."""
        state = self.model.receivables.get(receivable_id)
        if state is None:
            day = self.ground.at
            return Registered(
                receivable_id, ADDRESSES[SELLER], ADDRESSES[BUYER], 1, day, 978, b"\x01" * 32, b"\x01" * 32, day
            )
        return Registered(
            receivable_id,
            state.originator,
            state.debtor,
            state.face,
            state.due,
            state.currency,
            state.fingerprint,
            state.document_root,
            state.registered_at,
        )

    def _answer(self, actor: Address, receivable_id: int, named: Registered, reason: int | None) -> None:
        claim = Claim(named.debtor, named.face, named.due, named.currency, named.fingerprint, named.document_root)
        terms = Terms(originator=named.originator, registered_at=named.at, claim=claim)
        head = journal.append(self.model.empty(receivable_id).head, named.hash())
        if reason is None:
            self.move(
                actor,
                Calls.confirm(receivable_id=receivable_id, terms=terms),
                lambda world: rules.decide_confirm(
                    world, actor=actor, receivable_id=receivable_id, head=head, now=self.now
                ),
            )
        else:
            self.move(
                actor,
                Calls.refuse(receivable_id=receivable_id, terms=terms, reason=reason),
                lambda world: rules.decide_refuse(
                    world, actor=actor, receivable_id=receivable_id, head=head, reason=reason, now=self.now
                ),
            )

    def _named(self, data: st.DataObject, receivable_id: int) -> Registered:
        """The registration as the debtor names it: mostly right, otherwise wrong in one term."""
        right = self._registration(receivable_id)
        changes: list[dict[str, Any]] = [
            {"originator": ADDRESSES[BANK]},
            {"debtor": ADDRESSES[STRANGER]},
            {"face": right.face ^ 1},
            {"due": right.due + DAY_SECONDS},
            {"currency": right.currency ^ 1},
            {"fingerprint": b"\xee" * 32},
            {"document_root": bytes(32)},
            {"at": right.at + 1},
        ]
        return replace(right, **self.pick(data, [{}], changes, label="changed term"))

    @precondition(lambda self: self.is_any(Status.REGISTERED))
    @rule(data=st.data())
    def confirm(self, data: st.DataObject) -> None:
        receivable_id = self.pick_receivable(data, Status.REGISTERED)
        named = self._named(data, receivable_id)
        self._answer(self.pick_person(data, named.debtor), receivable_id, named, None)

    @precondition(lambda self: self.is_any(Status.REGISTERED))
    @rule(data=st.data(), reason=st.sampled_from([1, 99, 255, 0]))
    def refuse(self, data: st.DataObject, reason: int) -> None:
        receivable_id = self.pick_receivable(data, Status.REGISTERED)
        named = self._named(data, receivable_id)
        self._answer(self.pick_person(data, named.debtor), receivable_id, named, reason)

    # ----------------------------------------------------------- certificates

    @rule(data=st.data(), document=DOCUMENTS)
    def split(self, data: st.DataObject, document: bytes) -> None:
        certificate = self.pick_certificate(data)
        receivable_id, start = certificate
        end = self.end(certificate) or 1_000
        cut = self.pick(data, [(start + end) // 2, start + 1, end - 1], [start, end, MINOR_MAX, 0], label="cut")
        named = self.pick_named(data, certificate)
        actor = self.pick_mover(data, certificate)
        receiver = self.pick_person(data, *MEMBERS)
        self.touched.add((receivable_id, cut))
        self.move(
            actor,
            Calls.split(
                receivable_id=receivable_id, start=start, end=named.end, cut=cut, receiver=receiver, document=document
            ),
            lambda world: rules.decide_split(
                world,
                actor=actor,
                certificate_id=named,
                cut=cut,
                receiver=receiver,
                document=document,
                now=self.now,
            ),
        )

    @rule(data=st.data(), document=DOCUMENTS)
    def endorse(self, data: st.DataObject, document: bytes) -> None:
        certificate = self.pick_certificate(data)
        actor = self.pick_mover(data, certificate)
        self._endorse(actor, self.pick_named(data, certificate), self.pick_person(data, *MEMBERS), document)

    def _endorse(self, actor: Address, named: CertificateId, receiver: Address, document: bytes) -> None:
        self.move(
            actor,
            Calls.endorse(
                receivable_id=named.receivable_id,
                start=named.start,
                end=named.end,
                receiver=receiver,
                document=document,
            ),
            lambda world: rules.decide_endorse(
                world, actor=actor, certificate_id=named, receiver=receiver, document=document, now=self.now
            ),
        )

    @rule(
        data=st.data(),
        function=st.sampled_from(
            [
                "transferFrom",
                "safeTransferFrom(address,address,uint256)",
                "safeTransferFrom(address,address,uint256,bytes)",
            ]
        ),
        payload=st.sampled_from([b"", b"\x0d" * 31, b"\x0d" * 32, b"\x0e" * 50]),
    )
    def transfer(self, data: st.DataObject, function: str, payload: bytes) -> None:
        """The ERC-721 face: an endorsement that names the giver; its document is the first 32 bytes of data."""
        certificate = self.pick_certificate(data)
        actor = self.pick_mover(data, certificate)
        holder = self.holder(certificate)
        giver = self.pick_person(data, *([holder] if holder else []))
        receiver = self.pick_person(data, ADDRESSES[BANK], ADDRESSES[BRIEF])
        with_data = function.endswith("bytes)")
        document = payload[:32] if with_data and len(payload) >= 32 else rules.NO_DOCUMENT

        def decide(world: World) -> Endorsed:
            state = world.receivables.get(certificate[0])
            if state is None:
                raise rules.UnknownCertificate()
            whole = rules.require_certificate(state, certificate[1])
            if whole.holder != giver:
                raise rules.NotHolder()
            present = whole.id(certificate[0])
            return rules.decide_endorse(
                world, actor=actor, certificate_id=present, receiver=receiver, document=document, now=self.now
            )

        arguments = [giver, receiver, token_id(*certificate), *([payload] if with_data else [])]
        self.move(actor, receivables_abi().call(function, *arguments), decide)

    @rule(data=st.data(), withdraw=st.integers(0, 3))
    def approve(self, data: st.DataObject, withdraw: int) -> None:
        certificate = self.pick_certificate(data)
        actor = self.pick_mover(data, certificate)
        to = ZERO_ADDRESS if withdraw == 0 else self.pick_person(data)
        accepted = False

        def decide(world: World) -> None:
            nonlocal accepted
            holder = self.holder(certificate)
            if holder is None:
                raise rules.UnknownCertificate()
            if actor != holder and (holder, actor) not in world.operators:
                raise rules.NotHolder()
            accepted = True

        self.move(actor, Calls.approve(receivable_id=certificate[0], start=certificate[1], to=to), decide)
        if accepted and to == ZERO_ADDRESS:
            self.model.approvals.pop(token_id(*certificate), None)
        elif accepted:
            self.model.approvals[token_id(*certificate)] = to

    @rule(data=st.data(), approved=st.booleans())
    def set_approval_for_all(self, data: st.DataObject, approved: bool) -> None:
        holder, operator = self.pick_person(data), self.pick_person(data)
        self.move(holder, Calls.set_approval_for_all(operator=operator, approved=approved), lambda world: None)
        self.model.operators ^= {(holder, operator)} & self.model.operators if not approved else set()
        if approved:
            self.model.operators.add((holder, operator))

    # ------------------------------------------------------------------- time

    @rule(data=st.data(), seconds=st.sampled_from([1, 60, 3_600, 0]), before=st.sampled_from([1, 0]))
    def time_passes(self, data: st.DataObject, seconds: int, before: int) -> None:
        """A little; or to the next due date or expiry, to the very second or the one before."""
        if seconds == 0:
            instants = {state.due for state in self.model.receivables.values()}
            instants |= {member.kyc_expiry for member in self.model.registry.members.values()}
            ahead = sorted(instant - before for instant in instants if instant - before > self.now)
            seconds = ahead[0] - self.now if ahead else 1
        self.jump(self.now + seconds)

    def jump(self, instant: int) -> None:
        self.jumped = self.jumped or instant != self.now
        self.now = instant

    @rule(data=st.data(), before=st.sampled_from([0, 1]))
    def a_receivable_is_answered_or_moves_on_the_edge_of_its_due_date(self, data: st.DataObject, before: int) -> None:
        open_ = [
            number
            for number, state in self.model.receivables.items()
            if self.now <= state.due - before < self.now + 40 * DAY_SECONDS
            and state.status in (Status.REGISTERED, Status.CONFIRMED)
        ]
        if not open_:
            return
        number = data.draw(st.sampled_from(open_), label="receivable")
        state = self.model.receivables[number]
        self.jump(state.due - before)
        if state.status is Status.REGISTERED:
            self._answer(state.debtor, number, self._registration(number), None)
            return
        _, part = data.draw(st.sampled_from(sorted(state.certificates.items())), label="certificate")
        receiver = ADDRESSES[SUPPLIER if part.holder == ADDRESSES[BANK] else BANK]
        self._endorse(part.holder, part.id(number), receiver, b"\x0e" * 32)

    @rule(data=st.data(), before=st.sampled_from([0, 1]), fingerprint=st.sampled_from(FINGERPRINTS))
    def a_member_acts_on_the_edge_of_its_kyc(self, data: st.DataObject, before: int, fingerprint: bytes) -> None:
        soon = self.now + 10 * DAY_SECONDS
        brief = [
            member
            for member in self.model.registry.members.values()
            if self.now <= member.kyc_expiry - before < soon and member.address != ADDRESSES[BUYER]
        ]
        if not brief:
            return
        member = data.draw(st.sampled_from(brief), label="member")
        self.jump(member.kyc_expiry - before)
        due = (self.now // DAY_SECONDS + 9) * DAY_SECONDS
        self._register(member.address, Claim(ADDRESSES[BUYER], 5, due, 978, fingerprint, b"\x03" * 32))

    # -------------------------------------------------------------- invariants

    @invariant()
    def the_chain_holds_what_the_model_holds(self) -> None:
        view, model = self.ground.view, self.model
        TALLY.steps += 1
        assert_agreement(view, model.registry, model.receivables, strangers=PEOPLE)
        live = {(number, start) for number, state in model.receivables.items() for start in state.certificates}
        words = view.certificates(sorted(self.touched | live))
        for certificate, word in words.items():
            assert word.approved is (token_id(*certificate) in model.approvals)
            assert (word.end != 0) is (certificate in live)
        for token, approved in model.approvals.items():
            assert bytes.fromhex(view.read("getApproved", token)[2:]) == approved

    def teardown(self) -> None:
        note(f"{len(self.model.receivables)} receivables")
        model, view = self.model, self.ground.view
        for fingerprint in FINGERPRINTS:
            for originator in (ADDRESSES[SELLER], ADDRESSES[SUPPLIER]):
                key = (fingerprint, ADDRESSES[BUYER], originator)
                assert view.receivable_of(
                    fingerprint=fingerprint, debtor=key[1], originator=originator
                ) == model.fingerprints.get(key, 0)
        for holder, operator in model.operators:
            assert view.read("isApprovedForAll", holder, operator)


@dataclass
class Tally:
    """What the run came across: a state machine that only ever hears refusals proves nothing."""

    steps: int = 0
    answers: dict[str, int] = field(default_factory=dict)

    def count(self, name: str) -> None:
        self.answers[name] = self.answers.get(name, 0) + 1


TALLY = Tally()


@pytest.fixture
def ground(node: Node) -> Iterator[Ground]:
    made = Ground.lay(node)
    yield made
    made.reset()
    node.request("anvil_removeBlockTimestampInterval")


@pytest.mark.slow
def test_contract_and_model_give_the_same_answer_to_every_move(ground: Ground) -> None:
    run_state_machine_as_test(
        lambda: RegistryMachine(ground),
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            print_blob=True,
            phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )
    if TALLY.steps >= 2_000:
        for entry_type in ENTRY_TYPES:
            assert TALLY.answers.get(entry_type.__name__, 0) >= 3, TALLY
        assert len(CHAIN_REFUSALS.keys() & TALLY.answers) >= 12, TALLY
