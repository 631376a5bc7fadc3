"""A book of receivables on a real Anvil, for benches: `python -m scripts.bench.book --entries N [--out FOLDER]`.

Some hundred members, of unequal size, do business by the direct functions of the contracts, each for itself: claims are
registered and answered, certificates cut, handed on, sold, pledged, put under orders, paid and redeemed, some months
later or not at all. Time passes as in a registry, by the timestamps of blocks of some hundred entries. The same seed
makes the same book.

Each step folds the entries that it must append, so a receivable's life knows who holds what without asking; in the end
the heads of all journals have to be the chain's.

    with chain(folder) as running:              # blocks as fast as the first, however much there is
        filled = fill(running, entries=100_000)
        filled.head_block()                     # a hundred entries more, as often as wanted
        filled.mark(), filled.head_block(), filled.reorg()
        save(filled, out)
    with load(out) as (running, deployment):    # sooner there than filled anew; but its blocks take long
        ...
"""

from __future__ import annotations

import argparse
import heapq
import itertools
import math
import random
import sys
import tempfile
import time
import zlib
from collections import Counter, defaultdict
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import astuple, dataclass, field, replace
from pathlib import Path
from typing import Any

import requests
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_typing import Hash32
from rich.console import Console
from rich.table import Table

from registry.chain import deploy, devchain, operations, quotes, reverts, typed_data
from registry.chain.contract import Calls, ReceivablesView, Terms, operation_call, receivables_abi, signed_call
from registry.chain.deposits import DepositCalls
from registry.chain.devchain import DevChain, dev_account
from registry.chain.eip712 import Eip712Domain
from registry.chain.quotes import Quote, QuoteKind
from registry.chain.rpc import CallReverted, Node
from registry.chain.submit import account_address
from registry.domain import amounts, anchors, journal
from registry.domain.decode import ENTRY_TOPICS
from registry.domain.fold import empty_receivable, fold
from registry.domain.identifiers import Address, format_address
from registry.domain.journal import Entry, word
from registry.domain.keccak import keccak256
from registry.domain.receivable import DAY_SECONDS, Certificate, RefusalReason, Role
from registry.domain.rules import Claim, Part
from scripts.bench import lists
from scripts.bench.gas import CLOCK
from scripts.bench.lists import CURRENCIES, CUTS, DOCUMENT, SPAN_DAYS
from tests.pool import settle

DEBTORS, SUPPLIERS, FINANCIERS, DORMANT = 60, 300, 15, 3
"""Members of a full book; the dormant do nothing but come under orders."""
LARGE_DEBTORS = 5
"""Of these: they owe most of it, and pay late at worst."""
FULL_ENTRIES = 20_000
"""A smaller book has fewer members."""
ENTRIES_PER_RECEIVABLE = 10
"""About so many; by it claims come so fast that the book is full after SPAN_DAYS."""
STEPS_PER_BLOCK = 90
"""Receivables on which something happens in a block: about a hundred entries."""
BLOCK_SECONDS_MAX = DAY_SECONDS
"""How long anybody's step waits for its block while a chain is filled."""
HEAD_SECONDS_MAX = 30 * DAY_SECONDS
"""And afterwards: of a small book it takes days until something happens to so many."""

TENORS_DAYS = (30, 45, 60, 60, 90, 90, 120, 180)
FAR_SECONDS = 3_650 * DAY_SECONDS
"""How long KYC and signatures hold."""
DEPOSIT_MINOR = 10**15
"""What each member has on deposit in each currency at the beginning."""
BATCH_MAX = 20
"""Certificates in one endorsement or redemption of many."""
WEEK_SECONDS = 7 * DAY_SECONDS

GAS_BASE, GAS_PER_ENTRY = 400_000, 150_000
"""Limits of a transaction: nothing is estimated."""
BALANCE_WEI = 10**24
MAX_FEE_WEI = 10**11

OPERATOR = account_address(dev_account(0))
OFFICER = account_address(dev_account(devchain.OFFICERS[0]))
SECOND = dev_account(devchain.OFFICERS[1])
BANK = account_address(dev_account(devchain.SETTLEMENT_BANK))


class BookBroken(RuntimeError):
    """The chain did not do what the book says."""


@contextmanager
def chain(folder: Path, *, history_blocks: int = 16) -> Iterator[DevChain]:
    """A chain for a book, not kept: blocks take hardly longer the more there is.

    Anvil computes a state root for each block, over all of the state. It does not where it goes on from another chain,
    whose state it would have to know: here from an empty one. Such a chain must not do Anvil's own reorgs, which leave
    behind what blocks wrote that are no more: Filled.reorg does one. And Anvil copies its state for each block that it
    remembers, as calls at that block need it.
    """
    with (
        DevChain.start(folder / "ground", keeps=False) as ground,
        DevChain.start(folder / "chain", keeps=False, history_blocks=history_blocks, ground_url=ground.url) as running,
    ):
        yield running


@dataclass(frozen=True, slots=True)
class Act:
    """One transaction, and the entries that it appends."""

    sender: Address
    to: Address
    data: bytes
    entries: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class Mined:
    """A block with `entries` entries.

    Mining was asked for at `sent_at`, and answered at `answered_at`: seconds of time.perf_counter.
    """

    number: int
    entries: int
    sent_at: float
    answered_at: float


# ---------------------------------------------------------------------- the chain


class Writer:
    """Writes blocks: transactions of impersonated senders into Anvil's pool, then mined, then checked."""

    def __init__(self, node: Node, contract: Address) -> None:
        self._node = node
        self._contract = contract
        self._nonces: dict[Address, int] = {}
        self._pooled: dict[str, Act] = {}
        self._mark: tuple[str, int, dict[Address, int]] | None = None
        self.number = node.head()
        node.request("anvil_autoImpersonateAccount", True)
        node.request("evm_setAutomine", False)

    def pool(self, acts: Sequence[Act], *, at: int) -> None:
        """Send the transactions of the next block, whose timestamp is `at`."""
        sent = [
            ("eth_sendTransaction", [self._transaction(act, MAX_FEE_WEI - place)]) for place, act in enumerate(acts)
        ]
        _, *hashes = self._node.batch([("evm_setNextBlockTimestamp", [at]), *sent])
        self._pooled = dict(zip(hashes, acts, strict=True))

    def mine(self) -> Mined:
        """Mine what is pooled."""
        sent_at = time.perf_counter()
        self._node.request("evm_mine")
        answered_at = time.perf_counter()
        self.number += 1
        entries = sum(len(act.entries) for act in self._pooled.values())
        return Mined(self.number, entries, sent_at, answered_at)

    def check(self) -> None:
        """Raises BookBroken unless the block that was mined last has appended the entries that it should."""
        acts, self._pooled = self._pooled, {}
        if not acts:
            return
        due = sum(len(act.entries) for act in acts.values())
        logs = self._node.logs(contract=self._contract, topics=ENTRY_TOPICS, first=self.number, last=self.number)
        if len(logs) == due and all(act.entries for act in acts.values()):
            return
        # To make a block's receipts takes Anvil as long as to mine it: they are for those that append nothing.
        receipts = self._node.request("eth_getBlockReceipts", hex(self.number))
        for receipt in receipts:
            if receipt["status"] != "0x1":
                self._explain(acts[receipt["transactionHash"]])
        if (len(receipts), len(logs)) != (len(acts), due):
            found = f"{len(receipts)} transactions and {len(logs)} entries"
            raise BookBroken(f"block {self.number} has {found}, not {len(acts)} and {due}")

    def write(self, acts: Sequence[Act], *, at: int) -> None:
        """A whole block."""
        self.pool(acts, at=at)
        self.mine()
        self.check()

    def mark(self) -> None:
        """Where to go back to."""
        settle(self._node.request)
        self._mark = self._node.request("evm_snapshot"), self.number, dict(self._nonces)

    def back(self) -> None:
        """Undo all blocks since the mark, which is used up."""
        assert self._mark is not None
        settle(self._node.request)
        snapshot, self.number, self._nonces = self._mark
        if not self._node.request("evm_revert", snapshot):
            raise BookBroken("the chain does not go back")

    def _transaction(self, act: Act, fee: int) -> dict[str, str]:
        """Whoever offers more comes first: a batch may reach the pool in another order."""
        nonce = self._nonces.get(act.sender)
        if nonce is None:
            nonce = self._node.nonce(act.sender)
        self._nonces[act.sender] = nonce + 1
        return {
            "from": "0x" + act.sender.hex(),
            "to": "0x" + act.to.hex(),
            "data": "0x" + act.data.hex(),
            "gas": hex(GAS_BASE + GAS_PER_ENTRY * len(act.entries)),
            "nonce": hex(nonce),
            "maxFeePerGas": hex(fee),
            "maxPriorityFeePerGas": "0x0",
        }

    def _explain(self, act: Act) -> None:
        try:
            self._node.call(to=act.to, data=act.data, sender=act.sender)
        except CallReverted as reverted:
            raise BookBroken(f"block {self.number}: {act.entries}") from reverts.refusal(receivables_abi(), reverted)
        raise BookBroken(f"block {self.number}: {act.entries} failed, and would not now")


# ----------------------------------------------------------------------- the book

Steps = Generator[int, int, None]
"""A life: it yields the instant from which on it goes on, and is sent the time of the block in which it does."""


class Book:
    """Members and their business, told block by block."""

    def __init__(self, deployment: deploy.Deployment, *, entries: int, seed: int) -> None:
        self.deployment = deployment
        self.rng = random.Random(seed)  # noqa: S311  (the same book every time, not a secret)
        share = min(1, entries / FULL_ENTRIES)
        counts = [math.ceil(count * share) + 2 for count in (DEBTORS, SUPPLIERS, FINANCIERS, DORMANT)]
        accounts: list[LocalAccount] = [
            Account.from_key(keccak256(b"member" + word(number))) for number in range(sum(counts))
        ]
        self.accounts = {account_address(account): account for account in accounts}
        members = iter(self.accounts)
        debtors, suppliers, financiers, self.dormant = (list(itertools.islice(members, count)) for count in counts)
        self.people = lists.Book(debtors, suppliers, financiers, CLOCK)
        self.domain = Eip712Domain(chain_id=deployment.chain_id, contract=deployment.receivables)
        self.desk_domain = quotes.desk_domain(chain_id=deployment.chain_id, desk=deployment.desk)
        self.now = CLOCK
        self.receivables = 0
        self.written: Counter[str] = Counter()
        self.heads: dict[int, bytes] = {}
        self.overdue: Counter[Address] = Counter()
        """Dishonoured debts by debtor, who then promises nothing new."""
        self._numbers = itertools.count(1)
        self._every_seconds = min(SPAN_DAYS * DAY_SECONDS * ENTRIES_PER_RECEIVABLE // entries, DAY_SECONDS)
        self._waiting: list[tuple[int, int, Steps]] = []
        self._acts: list[Act] = []
        self._endorsements: dict[Address, list[journal.Endorsed]] = defaultdict(list)
        self._redemptions: dict[Address, list[journal.Redeemed]] = defaultdict(list)
        for steps in (self._arrivals(), *map(self._watched, self.dormant)):
            self._wait(steps)

    def opening(self) -> Iterator[Act]:
        """What comes before all business: admissions, deposits, and who may take them."""
        registry, desk, tokens = self.deployment.receivables, self.deployment.desk, self.deployment.deposit_tokens
        people = self.people
        roles = (
            (Role.DEBTOR, people.debtors),
            (Role.SUPPLIER, [*people.suppliers, *self.dormant]),
            (Role.FINANCIER, people.financiers),
        )
        for role, members in roles:
            for member in members:
                admitted = journal.MemberAdmitted(member, OPERATOR, self.now + FAR_SECONDS, role, word(role), self.now)
                data = Calls.admit(member=member, kyc_expiry=admitted.kyc_expiry, roles=role, profile=admitted.profile)
                yield self._counted(Act(OPERATOR, registry, data, (admitted,)))
        for _, members in roles:
            for member, token in itertools.product(members, tokens.values()):
                reference = word(next(self._numbers))
                yield Act(BANK, token, DepositCalls.mint(to=member, amount=DEPOSIT_MINOR, bank_reference=reference))
                spender = desk if member in people.financiers else registry
                yield Act(member, token, DepositCalls.approve(spender=spender, amount=DEPOSIT_MINOR))
        for supplier in people.suppliers:
            yield Act(supplier, registry, Calls.set_approval_for_all(operator=desk, approved=True))

    def block(self, *, seconds_max: int = BLOCK_SECONDS_MAX) -> list[Act]:
        """The transactions of the next block, for the time that is `now` afterwards."""
        until = max(self.now, self._waiting[0][0]) + seconds_max
        going: list[tuple[int, int, Steps]] = []
        while self._waiting and len(going) < STEPS_PER_BLOCK and self._waiting[0][0] <= until:
            going.append(heapq.heappop(self._waiting))
        self.now = max(self.now + 1, going[-1][0])
        for _, number, steps in going:
            try:
                heapq.heappush(self._waiting, (max(steps.send(self.now), self.now + 1), number, steps))
            except StopIteration:
                continue
        self._gather()
        acts, self._acts = self._acts, []
        return acts

    def act(self, sender: Address, data: bytes, *entries: Entry, to: Address | None = None) -> None:
        """A transaction, to the registry unless told otherwise."""
        self._acts.append(self._counted(Act(sender, to or self.deployment.receivables, data, entries)))

    def endorse(self, endorsed: journal.Endorsed) -> None:
        """With all that the same holder endorses in this block."""
        self._endorsements[endorsed.actor].append(endorsed)

    def redeem(self, redeemed: journal.Redeemed) -> None:
        """With all that the same account redeems in this block."""
        self._redemptions[redeemed.actor].append(redeemed)

    def number(self) -> int:
        """One that was not used before, for nonces, orders and references."""
        return next(self._numbers)

    def second(self, operation: operations.Operation, signer: LocalAccount, life: Life | None = None) -> bytes:
        """Calldata of an operation that another one signs as well."""
        signed = typed_data.sign(
            operation,
            signer,
            self.domain,
            deadline=self.now + FAR_SECONDS,
            anchor=anchors.anchor_of(life.state) if life else anchors.NO_ANCHOR,
            claim_key=anchors.claim_key_of(life.state) if life else anchors.NO_CLAIM_KEY,
            nonce=self.number(),
        )
        return signed_call(operation, signed.by)

    def _gather(self) -> None:
        """What several receivables' holders do at once becomes one transaction each."""
        for holder, endorsed in self._endorsements.items():
            for some in _batches(endorsed):
                many = [
                    operations.AnchoredEndorsement(
                        receivable_id=one.receivable_id,
                        start=one.start,
                        end=one.end,
                        receiver=one.receiver,
                        document=one.document,
                    )
                    for one in some
                ]
                self.act(holder, Calls.endorse_many(endorsements=tuple(many)), *some)
        for actor, redeemed in self._redemptions.items():
            for part in _batches(redeemed):
                ids = [(one.receivable_id, one.start) for one in part]
                data = (
                    Calls.redeem_many(ids) if len(ids) > 1 else Calls.redeem(receivable_id=ids[0][0], start=ids[0][1])
                )
                self.act(actor, data, *part)
        self._endorsements.clear()
        self._redemptions.clear()

    def _counted(self, act: Act) -> Act:
        self.written.update(type(entry).__name__ for entry in act.entries)
        return act

    def _wait(self, steps: Steps) -> None:
        """A life begins."""
        heapq.heappush(self._waiting, (next(steps), self.number(), steps))

    def _arrivals(self) -> Steps:
        """Claims come at an even rate, on debtors that owe nothing overdue."""
        at = self.now
        while True:
            now = yield at
            while at <= now:
                at += self._every_seconds
                if promising := [debtor for debtor in self.people.debtors if not self.overdue[debtor]]:
                    self.receivables += 1
                    debtor = self.people.any_of(promising, self.rng)
                    self._wait(Life(self, self.receivables, debtor, now).steps(now))

    def _watched(self, member: Address) -> Steps:
        """Now and then a member is under an order."""
        now = self.now
        while True:
            now = yield now + self.rng.randrange(5, 200) * DAY_SECONDS
            order, expiry = _order(self.number()), now + FAR_SECONDS
            freeze = operations.FreezeMember(member=member, order=order, expiry=expiry)
            frozen = journal.MemberFrozen(member, order, OFFICER, account_address(SECOND), expiry, now)
            self.act(OFFICER, self.second(freeze, SECOND), frozen)
            now = yield now + self.rng.randrange(5, 60) * DAY_SECONDS
            lifted = journal.MemberUnfrozen(member, order, OFFICER, account_address(SECOND), now)
            self.act(OFFICER, self.second(operations.UnfreezeMember(member=member, order=order), SECOND), lifted)


def _batches(entries: list[Any]) -> Iterable[list[Any]]:
    return (entries[at : at + BATCH_MAX] for at in range(0, len(entries), BATCH_MAX))


def _order(number: int) -> bytes:
    return keccak256(b"order" + word(number))


class Life:
    """One receivable, from its registration to its end.

    Between two instants that it waits for it does one thing, so the transactions of a block are in any order.
    """

    def __init__(self, book: Book, number: int, debtor: Address, now: int) -> None:
        """It is registered."""
        self.book = book
        self.rng = rng = book.rng
        self.id = number
        deployment = book.deployment
        self.state = empty_receivable(
            chain_id=deployment.chain_id, contract=deployment.receivables, receivable_id=number
        )
        (currency,) = rng.choices([*CURRENCIES], [*CURRENCIES.values()])
        claim = Claim(
            debtor=debtor,
            face=int(rng.lognormvariate(13.5, 1.2)) + 1_000,
            due=(now // DAY_SECONDS + rng.choice(TENORS_DAYS)) * DAY_SECONDS,
            currency=currency,
            fingerprint=lists.fingerprint(number),
            document_root=lists.document_root(number),
        )
        originator = rng.choice(book.people.suppliers)
        answer_by = now + deployment.charter.answer_window_days * DAY_SECONDS
        self.terms = Terms(originator=originator, registered_at=now, answer_by=answer_by, claim=claim)
        registered = journal.Registered(number, originator, *(*astuple(claim), answer_by, now))
        self._act(originator, Calls.register(claim), registered)

    def steps(self, now: int) -> Steps:
        """All that becomes of it."""
        now = yield self._later(now, 1, 10)
        if not (yield from self._answered(now)):
            return
        yield from self._agreed()
        yield from self._cut()
        yield from self._moved()
        if self.rng.random() < 0.015:
            yield from self._ordered()
        yield from self._ended()

    def _later(self, now: int, least_days: int, most_days: int) -> int:
        return now + self.rng.randrange(least_days * DAY_SECONDS, most_days * DAY_SECONDS)

    def _did(self, entry: Entry) -> None:
        was = self.state.dishonoured
        self.state = fold(self.state, entry)
        self.book.overdue[self.state.debtor] += self.state.dishonoured - was
        self.book.heads[self.id] = self.state.head

    def _act(self, sender: Address, data: bytes, *entries: Entry) -> None:
        for entry in entries:
            self._did(entry)
        self.book.act(sender, data, *entries)

    # -------------------------------------------------------------- the claim

    def _named(self) -> dict[str, Any]:
        """What every answer names."""
        return {"receivable_id": self.id, "terms": self.terms}

    def _answered(self, now: int) -> Generator[int, int, bool]:
        """Whether the claim was confirmed."""
        state, named, fate = self.state, self._named(), self.rng.random()
        if fate < 0.05:
            reason = self.rng.choice([*RefusalReason])
            refused = journal.Refused(self.id, state.debtor, reason, state.face, now)
            self._act(state.debtor, Calls.refuse(**named, reason=reason), refused)
            return False
        if fate < 0.08:
            self._withdraw(now)
            return False
        if fate < 0.11:
            now = yield state.answer_by
            self._lapse(now)
            return False
        if fate < 0.18 and now < state.answer_by:
            return (yield from self._bargained(now))
        while self.book.overdue[state.debtor] or now >= state.due:
            if now >= state.answer_by:
                self._lapse(now)
                return False
            now = yield self._later(now, 1, 4)
        confirmed = journal.Confirmed(self.id, state.debtor, state.originator, state.face, now)
        self._act(state.debtor, Calls.confirm(**named), confirmed)
        return True

    def _bargained(self, now: int) -> Generator[int, int, bool]:
        """The debtor offers less, a later day, or both."""
        state, named = self.state, self._named()
        face = state.face - self.rng.randrange(1, state.face // 10)
        due = state.due + self.rng.choice((0, 0, 15)) * DAY_SECONDS
        offered = journal.CounterOffered(self.id, state.debtor, state.face, face, due, now)
        self._act(state.debtor, Calls.counter_offer(**named, face=face, due=due), offered)
        now = yield self._later(now, 1, 6)
        offer = self.state.offer
        assert offer is not None
        if self.rng.random() < 0.2 or self.book.overdue[state.debtor] or now >= due:
            self._withdraw(now, offered.hash())
            return False
        accepted = journal.OfferAccepted(self.id, state.originator, state.debtor, face, due, now)
        self._act(state.originator, Calls.accept_offer(**named, offer=offer), accepted)
        return True

    def _withdraw(self, now: int, *since: bytes) -> None:
        withdrawn = journal.Withdrawn(self.id, self.state.originator, self.state.face, now)
        self._act(self.state.originator, Calls.withdraw(**self._named(), since=since), withdrawn)

    def _lapse(self, now: int) -> None:
        lapsed = journal.Lapsed(self.id, OPERATOR, self.state.face, now)
        self._act(OPERATOR, Calls.lapse(**self._named()), lapsed)

    # ------------------------------------------------------------ agreements

    def _agree(self, operation: operations.Agreement, entry: Entry) -> None:
        """The originator sends it, the debtor signs it."""
        data = self.book.second(operation, self.book.accounts[self.state.debtor], self)
        self._act(self.state.originator, data, entry)

    def _agreed(self) -> Steps:
        """Some goods come back, some are disputed for a while."""
        fate = self.rng.random()
        if fate >= 0.045:
            return
        now = yield self._later(self.book.now, 1, 8)
        state, (front,) = self.state, self._parts()
        named = self._range(front)
        parties = (state.originator, state.debtor)
        some = self.rng.randrange(1, front.amount // 4)
        if fate < 0.03:
            noted = journal.CreditNoted(self.id, *parties, front.start, front.end, some, now)
            self._agree(operations.CreditNote(**named, amount=some), noted)
            return
        disputed = journal.Disputed(self.id, *parties, front.start, front.end, some, now)
        self._agree(operations.Dispute(**named, cut=some), disputed)
        now = yield self._later(now, 5, 25)
        resolved = journal.Resolved(self.id, *parties, state.face, now)
        self._agree(operations.Resolve(receivable_id=self.id), resolved)

    # ---------------------------------------------------------- certificates

    def _parts(self) -> list[Certificate]:
        return list(self.state.certificates.values())

    def _next_move(self) -> Generator[int, int, int | None]:
        """Some days later; None once it is too late to move anything."""
        now = yield self._later(self.book.now, 1, 12)
        return now if now < self.state.due else None

    def _cut(self) -> Steps:
        """The originator pays its own suppliers with parts, and sells one or the other."""
        rng, people, last = self.rng, self.book.people, self._parts()[-1]
        (count,) = rng.choices([*CUTS], [*CUTS.values()])
        cuts = sorted(rng.sample(range(last.start + 1, last.end), count), reverse=True)
        at_once = count > 1 and rng.random() < 0.6
        while cuts:
            now = yield from self._next_move()
            if now is None:
                return
            whole = self.state.certificates[last.start]
            parts: list[Part] = []
            split: list[Entry] = []
            end = whole.end
            for cut in cuts if at_once else cuts[:1]:
                receivers = people.financiers if rng.random() < 0.25 else people.suppliers
                parts.append(Part(cut, people.any_of(receivers, rng), DOCUMENT))
                receiver = parts[-1].receiver
                split.append(journal.Split(self.id, whole.holder, receiver, whole.start, end, cut, DOCUMENT, now))
                end = cut
            cuts = cuts[len(parts) :]
            if at_once:
                data = Calls.split_many(**self._range(whole), parts=tuple(parts))
            else:
                data = Calls.split(
                    **self._range(whole), cut=parts[0].cut, receiver=parts[0].receiver, document=DOCUMENT
                )
            self._act(whole.holder, data, *split)

    def _moved(self) -> Steps:
        """Certificates travel, and raise money."""
        for _ in range(self.rng.randrange(10)):
            now = yield from self._next_move()
            if now is None:
                return
            part = self.rng.choice(self._parts())
            if part.lien:
                self._release(part, now)
            elif self._merge(now):
                pass
            elif part.holder in self.book.people.financiers:
                # Portfolios are handed on once a week.
                now = yield (now // WEEK_SECONDS + 1) * WEEK_SECONDS
                if now < self.state.due:
                    self._endorse(part, self.book.people.financiers, now)
            else:
                self._raise_money(part, now)
        if self.rng.random() < 0.5 and (liens := [part for part in self._parts() if part.lien]):
            now = yield from self._next_move()
            self._release(liens[0], now or self.book.now)

    def _raise_money(self, part: Certificate, now: int) -> None:
        people, fate = self.book.people, self.rng.random()
        if fate < 0.3:
            self._endorse(part, people.suppliers, now)
        elif fate < 0.4:
            self._endorse(part, people.financiers, now)
        elif fate < 0.75:
            self._sell(part, now)
        elif fate < 0.9:
            self._pledge(part, now)
        elif part.amount > 1:
            cut = self.rng.randrange(part.start + 1, part.end)
            receiver = people.any_of(people.suppliers, self.rng)
            split = journal.Split(self.id, part.holder, receiver, part.start, part.end, cut, DOCUMENT, now)
            data = Calls.split(**self._range(part), cut=cut, receiver=receiver, document=DOCUMENT)
            self._act(part.holder, data, split)

    def _range(self, part: Certificate) -> dict[str, Any]:
        return {"receivable_id": self.id, "start": part.start, "end": part.end}

    def _endorse(self, part: Certificate, receivers: list[Address], now: int) -> None:
        receiver = self.book.people.any_of(receivers, self.rng)
        if receiver == part.holder:
            return
        endorsed = journal.Endorsed(self.id, part.holder, receiver, part.start, part.end, DOCUMENT, now)
        self._did(endorsed)
        self.book.endorse(endorsed)

    def _merge(self, now: int) -> bool:
        """Whether two neighbours of one holder became one."""
        parts = sorted(self._parts(), key=lambda part: part.start)
        for left, right in itertools.pairwise(parts):
            if left.end == right.start and left.holder == right.holder and not left.lien and not right.lien:
                merged = journal.Merged(self.id, left.holder, left.start, right.end, left.end, now)
                data = Calls.merge(receivable_id=self.id, start=left.start, cut=left.end, end=right.end)
                self._act(left.holder, data, merged)
                return True
        return False

    # ---------------------------------------------------------------- money

    def _quoted(self, part: Certificate, *, kind: QuoteKind, cut: int, amount: int) -> tuple[Quote, bytes]:
        """A financier's offer, and its digest."""
        book = self.book
        quote = Quote(
            financier=book.people.any_of(book.people.financiers, self.rng),
            holder=part.holder,
            **self._range(part),
            cut=cut,
            kind=kind,
            token=book.deployment.deposit_tokens[self.state.currency],
            price=math.ceil((part.end - cut) * 0.97),
            amount=amount,
            anchor=anchors.anchor_of(self.state),
            nonce=book.number(),
            expiry=book.now + DAY_SECONDS,
        )
        return quote, quotes.digest(quote, book.desk_domain)

    def _accept(self, quote: Quote, entry: journal.Sold | journal.Pledged) -> None:
        """The holder takes it. Signed is the digest that the entry has: to encode it again takes most of the time."""
        book = self.book
        signature = bytes(book.accounts[quote.financier].unsafe_sign_hash(Hash32(entry.quote)).signature)
        signed = quotes.SignedQuote(quote, signature, book.desk_domain, anchors.claim_key_of(self.state))
        self._did(entry)
        book.act(quote.holder, signed.call(), entry, to=book.deployment.desk)

    def _sell(self, part: Certificate, now: int) -> None:
        """All of it or its tail, half of the sales with recourse."""
        is_whole = part.amount == 1 or self.rng.random() < 0.6
        cut = part.start if is_whole else self.rng.randrange(part.start + 1, part.end)
        recourse = (part.end - cut) * self.rng.randrange(2)
        quote, digest = self._quoted(part, kind=QuoteKind.SALE, cut=cut, amount=recourse)
        by = (self.book.deployment.desk, quote.financier)
        sold = journal.Sold(self.id, *by, part.start, part.end, cut, quote.price, recourse, digest, now)
        self._accept(quote, sold)

    def _pledge(self, part: Certificate, now: int) -> None:
        """At the desk against cash, or for what was lent elsewhere."""
        secured, book = math.ceil(part.amount * 0.8), self.book
        if self.rng.random() < 0.5:
            quote, digest = self._quoted(part, kind=QuoteKind.PLEDGE, cut=part.start, amount=secured)
            by, price = (book.deployment.desk, quote.financier), quote.price
            self._accept(quote, journal.Pledged(self.id, *by, part.start, part.end, secured, price, digest, now))
            return
        by = (part.holder, book.people.any_of(book.people.financiers, self.rng))
        pledged = journal.Pledged(self.id, *by, part.start, part.end, secured, 0, lists.NO_QUOTE, now)
        data = Calls.pledge(**self._range(part), financier=pledged.financier, secured=secured)
        self._act(part.holder, data, pledged)

    def _release(self, part: Certificate, now: int) -> None:
        assert part.lien is not None
        released = journal.Released(self.id, part.lien.financier, part.start, part.end, now)
        self._act(part.lien.financier, Calls.release(**self._range(part)), released)

    # --------------------------------------------------------------- orders

    def _order(self, operation: operations.Order, entry: Entry) -> None:
        self._act(OFFICER, self.book.second(operation, SECOND, self), entry)

    def _ordered(self) -> Steps:
        """Officers freeze all of it, or exact cents of one holder, and lift that again or hand the cents over."""
        book, rng = self.book, self.rng
        order = _order(book.number())
        by = (order, OFFICER, account_address(SECOND))
        now = yield self._later(book.now, 1, 4)
        expiry = now + FAR_SECONDS
        if rng.random() < 0.3:
            frozen = journal.ReceivableFrozen(self.id, *by, self.state.face, expiry, now)
            self._order(operations.FreezeReceivable(receivable_id=self.id, order=order, expiry=expiry), frozen)
            now = yield self._later(now, 5, 40)
            lifted = journal.ReceivableUnfrozen(self.id, *by, self.state.face, now)
            self._order(operations.UnfreezeReceivable(receivable_id=self.id, order=order), lifted)
            return
        part = rng.choice(self._parts())
        start, end, holder = part.start, part.end, part.holder
        if part.amount > 1:
            cut = rng.randrange(start + 1, end)
            partition = operations.Partition(**self._range(part), cut=cut, holder=holder, order=order)
            self._order(partition, journal.Partitioned(self.id, *by, start, end, cut, now))
            start = cut
            now = yield now
        named: dict[str, Any] = {"receivable_id": self.id, "start": start, "end": end, "order": order}
        freeze = operations.FreezeCertificate(**named, holder=holder, expiry=expiry)
        self._order(freeze, journal.CertificateFrozen(self.id, *by, start, end, expiry, now))
        now = yield self._later(now, 5, 40)
        receiver = book.people.any_of(book.people.suppliers, rng)
        if rng.random() < 0.3 and receiver != holder:
            transfer = operations.ForceTransfer(**named, holder=holder, receiver=receiver)
            self._order(transfer, journal.ForcedTransfer(self.id, *by, receiver, start, end, now))
        else:
            self._order(
                operations.UnfreezeCertificate(**named), journal.CertificateUnfrozen(self.id, *by, start, end, now)
            )

    # -------------------------------------------------------------- the end

    def _ended(self) -> Steps:
        """Most is paid on the day, some in parts, some late, and a little never."""
        fate = self.rng.random()
        if fate < 0.05:
            now = yield self._later(self.book.now, 1, 5)
            yield from self._paid(now)
            return
        now = yield max(self._later(self.state.due, 0, 3), self.book.now + 1)
        # Those that everybody sells to would otherwise hardly ever be free to confirm anything.
        is_large = self.state.debtor in self.book.people.debtors[:LARGE_DEBTORS]
        if fate < (0.97 if is_large else 0.7):
            yield from self._paid(now)
            return
        if self.rng.random() < 0.5:
            self._pay(math.ceil(amounts.payable(self.state) / 3), now)
            if self.rng.random() < 0.5:
                now = yield self._later(now, 1, 2)
                self._redeem_all(now)
        yield from self._recoursed()
        now = yield max(self._later(self.state.due, 6, 9), self.book.now + 1)
        if not is_large and self.rng.random() < 0.4:
            self._dishonour(now)
        now = yield self._later(now, 5, 40)
        if is_large or self.rng.random() < 0.75:
            yield from self._paid(now)
            return
        yield from self._closed(now)

    def _dishonour(self, now: int) -> None:
        """Somebody reports it."""
        dishonoured = journal.Dishonoured(self.id, OPERATOR, self.state.face, now)
        self._act(OPERATOR, Calls.dishonour(self.id), dishonoured)

    def _closed(self, now: int) -> Steps:
        """The bank closes the book; what was paid is divided, and the debtor may make the rest good elsewhere."""
        self._act(BANK, Calls.close(self.id), journal.Closed(self.id, BANK, self.state.face, now))
        now = yield self._later(now, 1, 3)
        self._redeem_all(now)
        now = yield self._later(now, 10, 60)
        if self.rng.random() < 0.7 and self.state.dishonoured:
            self._act(BANK, Calls.absolve(self.id), journal.Absolved(self.id, BANK, self.state.face, now))

    def _recoursed(self) -> Steps:
        """Financiers give back what they bought with recourse."""
        for part in self._parts():
            if not part.recourse or self.rng.random() < 0.3:
                continue
            now = yield max(self._later(self.state.due, 1, 4), self.book.now + 1)
            seller = part.recourse.seller
            demanded = journal.RecourseDemanded(self.id, part.holder, seller, part.start, part.end, now)
            self._act(part.holder, operation_call(operations.DemandRecourse(**self._range(part))), demanded)
            now = yield self._later(now, 1, 6)
            if self.rng.random() < 0.7:
                owed = part.recourse.amount - self.state.certificates[part.start].claimed
                repurchased = journal.Repurchased(self.id, seller, part.start, part.end, owed, now)
                self._act(seller, operation_call(operations.Repurchase(**self._range(part))), repurchased)

    def _pay(self, amount: int, now: int) -> None:
        paid = journal.Paid(self.id, self.state.debtor, self.state.face, amount, now)
        self._act(self.state.debtor, Calls.pay(receivable_id=self.id, amount=amount), paid)

    def _paid(self, now: int) -> Steps:
        """All that is owed is paid, and paid out: in one transaction, by the bank, or by each holder for itself."""
        way, debtor, amount = self.rng.random(), self.state.debtor, amounts.payable(self.state)
        if way < 0.4:
            paid = journal.Paid(self.id, debtor, self.state.face, amount, now)
            self._did(paid)
            redeemed = [self._redeemed(part, debtor, now) for part in self._parts()]
            ids = [(one.receivable_id, one.start) for one in redeemed]
            data = Calls.pay_and_redeem(receivable_id=self.id, amount=amount, certificates=ids)
            self.book.act(debtor, data, paid, *redeemed)
            return
        self._pay(amount, now)
        if way < 0.8:
            now = yield self._later(now, 0, 2)
            self._redeem_all(now)
            return
        for part in self._parts():
            now = yield self._later(now, 0, 4)
            self.book.redeem(self._redeemed(part, part.holder, now))

    def _redeem_all(self, now: int) -> None:
        """The bank asks for everybody."""
        for part in self._parts():
            if amounts.payout(self.state, part).amount:
                self.book.redeem(self._redeemed(part, BANK, now))

    def _redeemed(self, part: Certificate, actor: Address, now: int) -> journal.Redeemed:
        out = amounts.payout(self.state, part)
        redeemed = journal.Redeemed(
            self.id, actor, part.holder, part.start, part.end, out.amount, out.to_financier, now
        )
        self._did(redeemed)
        return redeemed


# ------------------------------------------------------------------------- filling


@dataclass
class Filled:
    """A chain with a book on it, which goes on block by block. It mines only when it is told to."""

    node: Node
    deployment: deploy.Deployment
    seconds: float
    _book: Book
    _writer: Writer
    _prepared: list[Act] = field(default_factory=list)
    _since_mark: list[tuple[list[Act], int]] | None = None

    @property
    def written(self) -> Counter[str]:
        """Entries of the journals by their names, but for what the deployment itself wrote."""
        return self._book.written

    @property
    def entries(self) -> int:
        """Their number."""
        return self.written.total()

    @property
    def receivables(self) -> int:
        """Registered so far."""
        return self._book.receivables

    @property
    def blocks(self) -> int:
        """The number of the newest."""
        return self._writer.number

    def prepare(self) -> None:
        """Send the transactions of the next block. Raises BookBroken where the last one has not all that it should."""
        self._writer.check()
        self._prepared = self._book.block(seconds_max=HEAD_SECONDS_MAX)
        self._writer.pool(self._prepared, at=self._book.now)

    def head_block(self) -> Mined:
        """One more block; where it was prepared, nothing but mining is left to do."""
        if not self._prepared:
            self.prepare()
        if self._since_mark is not None:
            self._since_mark.append((self._prepared, self._book.now))
        self._prepared = []
        return self._writer.mine()

    def mark(self) -> None:
        """What comes from here on is for `reorg` to replace."""
        assert not self._prepared
        self._writer.check()
        self._writer.mark()
        self._since_mark = []

    def reorg(self) -> int:
        """Replace the blocks since the mark, and tell how many: by others with the same transactions and one more each.

        The next mark is where this one was, so the same blocks can be replaced again, together with newer ones.
        """
        assert self._since_mark is not None
        assert not self._prepared
        self._writer.check()
        self._writer.back()
        self._writer.mark()
        token = self.deployment.deposit_tokens[min(CURRENCIES)]
        for acts, at in self._since_mark:
            one_more = DepositCalls.approve(spender=BANK, amount=self._book.number())
            self._writer.write([*acts, Act(BANK, token, one_more)], at=at)
        return len(self._since_mark)


def fill(at: DevChain | Node, *, entries: int, seed: int = 1) -> Filled:
    """Deploy a registry and write so many entries, or a few more. Raises BookBroken where the chain has another book.

    `chain` makes a chain for it whose blocks do not take longer and longer.
    """
    began = time.perf_counter()
    node = at if isinstance(at, Node) else Node(at.url)
    charter = replace(
        deploy.dev_charter(), currencies=tuple(CURRENCIES), settlement_delay_seconds=0, unanswered_max=10_000
    )
    deployment = deploy.run(node, dev_account(0), charter)
    book = Book(deployment, entries=entries, seed=seed)
    writer = Writer(node, deployment.receivables)
    node.batch([("anvil_setBalance", [format_address(member), hex(BALANCE_WEI)]) for member in book.accounts])
    with ThreadPoolExecutor(1) as background:
        written: Future[None] | None = None
        for acts in _blocks(book, entries):
            # While a block is written, the next one is made; a block that failed ends it.
            if written:
                written.result()
            written = background.submit(writer.write, acts, at=book.now)
            book.now += 1
        assert written is not None  # there are members, if nothing else
        written.result()
    _require_heads(ReceivablesView(node, deployment.receivables), book)
    return Filled(node, deployment, time.perf_counter() - began, book, writer)


def _blocks(book: Book, entries: int) -> Iterator[list[Act]]:
    opening = book.opening()
    while acts := list(itertools.islice(opening, STEPS_PER_BLOCK)):
        yield acts
    while book.written.total() < entries:
        yield book.block()


def _require_heads(view: ReceivablesView, book: Book) -> None:
    """Each journal on chain is the one that was told."""
    found = view.heads(book.heads)
    if wrong := [number for number, head in book.heads.items() if found[number] != head]:
        raise BookBroken(f"{len(wrong)} journals are not what was written, R-{wrong[0]} the first of them")
    if view.count() != book.receivables:
        raise BookBroken(f"{view.count()} receivables are registered, not {book.receivables}")


# --------------------------------------------------------------------------- files

DUMP_SECONDS_MAX = 300


def save(filled: Filled, folder: Path) -> None:
    """Keep chain and deployment in a folder, for `load`."""
    folder.mkdir(parents=True, exist_ok=True)
    with requests.Session() as session:
        session.trust_env = False  # the environment's proxy is not for a chain of our own
        asked = {"jsonrpc": "2.0", "id": 1, "method": "anvil_dumpState", "params": [False]}
        answer = session.post(filled.node.url, json=asked, timeout=DUMP_SECONDS_MAX).json()
    state = zlib.decompress(bytes.fromhex(answer["result"].removeprefix("0x")), zlib.MAX_WBITS | 16)
    (folder / "state.json").write_bytes(state)
    filled.deployment.write(folder)


@contextmanager
def load(folder: Path) -> Iterator[tuple[DevChain, deploy.Deployment]]:
    """The chain that was saved there, with its blocks and logs. Raises NotDeployed where there is none.

    Whatever it mines from here on takes long: it computes state roots.
    """
    with DevChain.start(folder, keeps=False) as running:
        yield running, deploy.find(Node(running.url), folder)


def main(arguments: Sequence[str] | None = None) -> None:
    """Fill a chain, print what is on it, keep it where a folder is named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=100_000, metavar="N", help="journal entries")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="another book")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="where the chain is kept, to be loaded again")
    asked = parser.parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else 120)
    with (
        tempfile.TemporaryDirectory(prefix="counterfoil-book-") as folder,
        chain(Path(folder), history_blocks=0) as running,
    ):
        filled = fill(running, entries=asked.entries, seed=asked.seed)
        memory = peak_bytes(running.pid)
        if asked.out:
            save(filled, asked.out)
    table = Table("operation", box=None)
    table.add_column("entries", justify="right")
    table.add_column("%", justify="right")
    for name, count in filled.written.most_common():
        table.add_row(name, f"{count:,}", f"{100 * count / filled.entries:.1f}")
    console.print(table)
    console.print(
        f"\n{filled.entries:,} entries about {filled.receivables:,} receivables in {filled.blocks:,} blocks,"
        f" {filled.seconds:.0f} s: {filled.entries / filled.seconds:,.0f} entries/s."
        f" Anvil took {memory / 1e6:,.0f} MB of memory."
    )


def peak_bytes(pid: int) -> int:
    """The most memory that a process has had, as Linux tells it."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (peak,) = (line.split()[1] for line in lines if line.startswith("VmHWM:"))
    return int(peak) * 1024


if __name__ == "__main__":
    main()
