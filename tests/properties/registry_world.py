"""What the machine of registry_moves acts in: the people, the model, and the ground, a real registry on a chain.

The ground is laid once and every example begins on it, at the same second of a chain of its own, so a failure replays
in the same transactions wherever it is run. On it stand (amounts in minor units):

    R-1   1,000 of SUPPLIER's on LATE, overdue: [400, 700) is pledged to BANK, [700, 1000) was sold to FUND
          with recourse
    R-2   the same, in dispute to 150, and 333 of it paid
    R-3   the same, and 333 of it paid; LATE has dishonoured it, and its book is closed
    R-4   1,000 of SELLER's on BUYER, confirmed
    R-5   the largest face there is, of SUPPLIER's on BUYER; the upper half was cut off for BANK
    R-6   1, of SELLER's on BUYER, confirmed, in a currency without a deposit token
    R-7   500 of SELLER's on BUYER, no answer yet
    R-8   500 of SUPPLIER's on BUYER, who made all counter-offers but one that can be made
    R-9   100,000 of SELLER's on BUYER; the upper half is HELD's. Fifteen orders freeze R-9, sixteen each that half and
          HELD; one after the other they expire.
    R-10  10,000 of SELLER's on BUYER, due in two days

Deposits in EUR have a token; the one that was made for JPY is not set yet, and there is none for 999.
"""

from __future__ import annotations

import http.client
import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from registry.chain import deploy, operations, quotes, reverts, typed_data
from registry.chain.abi import SELECTOR_BYTES, ContractAbi
from registry.chain.compile import Artifact, compile_contracts
from registry.chain.contract import Calls, Terms, artifact, operation_call, receivables_abi, signed_call
from registry.chain.delayed import access_abi
from registry.chain.deploy import Charter, Deployment
from registry.chain.deposits import DepositCalls, deposit_abi
from registry.chain.devchain import CHAIN_ID, DevChain, dev_account
from registry.chain.eip712 import Eip712Domain, Message
from registry.chain.operations import Authorisation, Operation
from registry.chain.rpc import CallReverted, Node
from registry.chain.submit import account_address
from registry.domain import journal
from registry.domain.anchors import NO_ANCHOR, NO_CLAIM_KEY, anchor_of, claim_key_of
from registry.domain.decode import ENTRY_TOPICS, decode
from registry.domain.fold import empty_receivable, empty_registry, fold, fold_registry
from registry.domain.identifiers import MINOR_MAX, ZERO_ADDRESS, Address, format_address, token_id
from registry.domain.journal import (
    CounterOffered,
    CreditNoted,
    Disputed,
    Endorsed,
    Entry,
    ForcedTransfer,
    Lapsed,
    Merged,
    Paid,
    Partitioned,
    Pledged,
    Redeemed,
    Refused,
    Registered,
    Repurchased,
    Sold,
    Split,
    Withdrawn,
)
from registry.domain.keccak import keccak256
from registry.domain.receivable import (
    DAY_SECONDS,
    OFFERS_MAX,
    ORDERS_MAX,
    Offer,
    Receivable,
    Registry,
    Status,
)
from registry.domain.refusals import Refusal
from registry.domain.rules import Act, Claim, RulesForbid, World
from registry.settings import PROJECT_ROOT
from tests.pool import settle
from tests.properties.registry_deposits import UNLIMITED, Cash, Deposits, Transfer


class Person(IntEnum):
    """Who acts, by dev account. BRIEF's KYC expires within days, HELD is under orders, LATE pays late, STRANGER is no
    member. SETTLEMENT is the settlement bank."""

    OPERATOR = 10
    SELLER = 11
    BUYER = 12
    SUPPLIER = 13
    BANK = 14
    FUND = 15
    BRIEF = 16
    HELD = 17
    STRANGER = 18
    OFFICER = 19
    SECOND = 20
    REGULATOR = 21
    LATE = 22
    SETTLEMENT = 23

    def __repr__(self) -> str:
        return self.name

    @property
    def address(self) -> Address:
        return _address(self)


@cache
def _address(person: Person) -> Address:
    return account_address(dev_account(person))


PEOPLE = [person for person in Person if person is not Person.REGULATOR]
ADDRESSES = [person.address for person in PEOPLE]
OFFICERS = [Person.OFFICER, Person.SECOND]
ROLES = {
    Person.SELLER: 3,
    Person.BUYER: 2,
    Person.SUPPLIER: 3,
    Person.BANK: 4,
    Person.FUND: 4,
    Person.BRIEF: 7,
    Person.HELD: 1,
    Person.LATE: 2,
}
MEMBERS = list(ROLES)
NAMES = {person.address: person.name for person in Person} | {ZERO_ADDRESS: "nobody"}

SETTLEMENT_DELAY_SECONDS = 3_600
"""What the settlement bank does to a book waits so long."""

START = 1_893_459_600
"""2030-01-01 01:00 UTC: the timestamp of the block on which every example begins."""

DOCUMENT = b"\x0d" * 32
EUR = 978
JPY = 392
NO_TOKEN = 999
"""A currency for which no deposit token was made."""
GRACE_DAYS = 2
DEPOSITS = {
    Person.BUYER: 2**66,
    Person.LATE: 2_000,
    Person.BANK: 2**65,
    Person.FUND: 3_000,
    Person.SELLER: 1_000_000,
    Person.SUPPLIER: 250,
    Person.BRIEF: 600,
}
"""What each has in each token in the beginning. All but BRIEF allow the registry to take it, BANK and FUND the desk;
SELLER allows the bank to take 900, and BUYER STRANGER."""
GAS = 3_000_000
OLD_ORDERS = [(0x100 + number).to_bytes(32) for number in range(ORDERS_MAX)]
"""The orders under which R-6 and HELD are frozen from the beginning."""

_TRANSFER = keccak256(b"Transfer(address,address,uint256)")
_SKIPPED = keccak256(b"RedemptionSkipped(uint256,bytes4)")
Key = tuple[bytes, Address, Address]


def name(account: Address) -> str:
    """SELLER, or an address that nobody has."""
    return NAMES.get(account) or format_address(account)


def due_in(days: int, *, now: int) -> int:
    """The midnight so many days ahead."""
    return (now // DAY_SECONDS + days) * DAY_SECONDS


ABIS = {"": receivables_abi, "DepositToken": deposit_abi, "FinancingDesk": quotes.desk_abi}
"""By contract; the registry has no name."""


@lru_cache(maxsize=10_000)
def _calldata(function: str, args: tuple[Any, ...]) -> str:
    """Of a view function; the same are called again and again."""
    contract, _, bare = function.rpartition(".")
    return "0x" + ABIS[contract]().call(bare, *args).hex()


def _frozen(args: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(tuple(arg) if isinstance(arg, list) else arg for arg in args)


@cache
def error_selector(error: str) -> bytes:
    """The first bytes of what the registry reverts with."""
    return next(
        keccak256(f"{error}({','.join(argument['type'] for argument in item['inputs'])})".encode())[:SELECTOR_BYTES]
        for item in artifact("Receivables").abi
        if item["type"] == "error" and item["name"] == error
    )


@cache
def helper(contract: str, work_folder: Path) -> Artifact:
    """A contract of tests/properties/fixtures, compiled as the product's are but apart from them."""
    root = work_folder / "helpers"
    root.mkdir()
    (root / "contracts").symlink_to(Path(__file__).parent / "fixtures")
    (root / "node_modules").symlink_to(PROJECT_ROOT / "node_modules")
    return compile_contracts(root, strict=True)[contract]


# ------------------------------------------------------------------------ model


@dataclass
class Model:
    """What the chain should hold: the fold of what was accepted, and what is no entry."""

    contract: Address
    registry: Registry
    receivables: dict[int, Receivable] = field(default_factory=dict)
    hashes: dict[int, tuple[bytes, ...]] = field(default_factory=dict)
    """Of the entries of each receivable."""
    offers: dict[int, tuple[tuple[int, Offer], ...]] = field(default_factory=dict)
    """Every counter-offer of each receivable, with its position in the journal."""
    fingerprints: dict[Key, int] = field(default_factory=dict)
    keys: frozenset[Key] = frozenset()
    """Of all claims that were ever registered, here or in the predecessor."""
    predecessor_claims: frozenset[Key] = frozenset()
    approvals: dict[int, Address] = field(default_factory=dict)
    operators: frozenset[tuple[Address, Address]] = frozenset()
    nonces: frozenset[tuple[Address, int]] = frozenset()
    owners: dict[int, Address] = field(default_factory=dict)
    """As ERC-721's Transfer events tell it."""
    lot_rules: Address = ZERO_ADDRESS
    contracts: frozenset[Address] = frozenset()
    tokens: dict[Address, int] = field(default_factory=dict)
    """The deposit tokens that were made for this registry, by currency; that does not set them."""
    deposits: Deposits = field(default_factory=lambda: Deposits(ZERO_ADDRESS))
    desk_nonces: frozenset[tuple[Address, int]] = frozenset()
    kept: Counter[int] = field(default_factory=Counter)
    """What the contract keeps of what was paid out of each receivable: nothing is added once all is paid."""
    scheduled: dict[tuple[Person, bytes], int] = field(default_factory=dict)
    """When a call can be carried out that waits, by who scheduled it."""

    @classmethod
    def of(cls, contract: Address) -> Model:
        registry = empty_registry(chain_id=CHAIN_ID, contract=contract)
        return cls(contract, registry, deposits=Deposits(contract))

    def copy(self) -> Model:
        return replace(
            self,
            receivables=dict(self.receivables),
            hashes=dict(self.hashes),
            offers=dict(self.offers),
            fingerprints=dict(self.fingerprints),
            approvals=dict(self.approvals),
            owners=dict(self.owners),
            deposits=self.deposits.copy(),
            kept=self.kept.copy(),
            scheduled=dict(self.scheduled),
        )

    def world(self) -> World:
        return World(
            registry=self.registry,
            receivables=self.receivables,
            fingerprints=self.fingerprints,
            operator=Person.OPERATOR.address,
            approvals=self.approvals,
            operators=self.operators,
            officers=frozenset(officer.address for officer in OFFICERS),
            predecessor_claims=self.predecessor_claims,
            nonces_used=self.nonces,
            contracts=self.contracts,
            banks=frozenset({Person.SETTLEMENT.address}),
            tokens=self.tokens,
            address=self.contract,
            extra_rules=self.extra_rules,
        )

    def extra_rules(self, act: Act) -> None:
        """What fixtures/LotRules.sol says; any other contract knows no rules, and so forbids everything."""
        if self.registry.rules == ZERO_ADDRESS:
            return
        parts = (act.operation, act.receivable_id, act.actor, act.giver, act.receiver, act.start, act.end)
        lot = keccak256(b"".join(journal.word(part) for part in (self.contract, *parts)))
        if self.registry.rules != self.lot_rules or lot[31] & 3 == 0:
            raise RulesForbid()

    def empty(self, receivable_id: int) -> Receivable:
        return empty_receivable(chain_id=CHAIN_ID, contract=self.contract, receivable_id=receivable_id)

    def heads(self, receivable_id: int) -> list[bytes]:
        """Every head that the journal has had, from its genesis."""
        heads = [self.empty(receivable_id).head]
        for entry_hash in self.hashes.get(receivable_id, ()):
            heads.append(journal.append(heads[-1], entry_hash))
        return heads

    def append(self, entry: Entry) -> list[Cash]:
        """Fold an entry; what the deposit tokens tell of the money that moved with it."""
        number = entry.journal_id
        if number == journal.REGISTRY_JOURNAL:
            self.registry = fold_registry(self.registry, [entry])
            return []
        before = self.receivables.get(number, self.empty(number))
        state = self.receivables[number] = fold(before, entry)
        self.hashes[number] = (*self.hashes.get(number, ()), entry.hash())
        key = (state.fingerprint, state.debtor, state.originator)
        match entry:
            case Registered():
                self.fingerprints[key] = number
                self.keys |= {key}
            case Refused() | Withdrawn() | Lapsed():
                del self.fingerprints[key]
            case CounterOffered():
                made = (state.length, Offer(entry.offered_face, entry.offered_due, entry.at))
                self.offers[number] = (*self.offers.get(number, ()), made)
            case Redeemed() if before.status is not Status.SETTLED:
                self.kept[number] += entry.amount
            case _:
                pass
        self._end_approvals(entry, state)
        return [self.deposits.move(cash) for cash in self._cash(before, entry) if cash.amount]

    def _end_approvals(self, entry: Entry, state: Receivable) -> None:
        match entry:
            case Split() | Partitioned() | Endorsed() | ForcedTransfer() | Sold() | CreditNoted() | Repurchased():
                starts = [entry.start]
            case Merged():
                starts = [entry.start, entry.cut]
            case Disputed() if entry.cut != entry.end:
                starts = [entry.start]
            case Redeemed() if entry.start not in state.certificates:
                starts = [entry.start]
            case _:
                return
        for start in starts:
            self.approvals.pop(token_id(entry.journal_id, start), None)

    def _cash(self, before: Receivable, entry: Entry) -> list[Transfer]:
        """The money that moves with an entry, in that order."""
        token = self.registry.deposit_tokens.get(before.currency, ZERO_ADDRESS)
        match entry:
            case Paid():
                return [Transfer(token, entry.payer, self.contract, entry.amount, self.contract)]
            case Redeemed():
                whole = before.certificates[entry.start]
                financier = whole.lien.financier if whole.lien else ZERO_ADDRESS
                parts = [(financier, entry.to_financier), (whole.holder, entry.amount - entry.to_financier)]
                return [Transfer(token, self.contract, to, amount, self.contract) for to, amount in parts]
            case Pledged() | Sold():
                holder = before.certificates[entry.start].holder
                return [Transfer(token, entry.financier, holder, entry.price, entry.actor)]
            case Repurchased():
                holder = before.certificates[entry.start].holder
                return [Transfer(token, entry.seller, holder, entry.amount, self.contract)]
            case _:
                return []

    def held(self, token: Address) -> int:
        """What the registry must have in a token: what was paid in and is not yet paid out."""
        return sum(
            state.paid - state.claimed
            for state in self.receivables.values()
            if self.registry.deposit_tokens.get(state.currency) == token
        )

    def transfer(self, giver: Address, receiver: Address, token: int) -> None:
        """A Transfer event."""
        assert self.owners.pop(token, ZERO_ADDRESS) == giver
        if receiver != ZERO_ADDRESS:
            self.owners[token] = receiver


# ------------------------------------------------------------------------ chain


class Wire:
    """JSON-RPC over one connection that stays open."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port)

    def post(self, body: Any) -> Any:
        self._connection.request("POST", "/", json.dumps(body), {"Content-Type": "application/json"})
        return json.loads(self._connection.getresponse().read())

    def request(self, method: str, *params: Any) -> Any:
        return _answer(self.post({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}))

    def batch(self, calls: Sequence[tuple[str, list[Any]]]) -> list[Any]:
        """Results in order."""
        body = [
            {"jsonrpc": "2.0", "id": place, "method": method, "params": params}
            for place, (method, params) in enumerate(calls)
        ]
        return [_answer(answer) for answer in sorted(self.post(body), key=lambda answer: answer["id"])]


def _answer(answer: dict[str, Any]) -> Any:
    error = answer.get("error")
    if error is None:
        return answer["result"]
    data = error.get("data")
    if error.get("code") != 3 or not isinstance(data, str):
        raise AssertionError(error)
    raise CallReverted(bytes.fromhex(data[2:]), error["message"])


@dataclass(frozen=True)
class Mined:
    """What a transaction left behind: entries, Transfer events of certificates (giver, receiver, token id) and of
    deposits, and what a batch skipped (certificate's token id, selector of the refusal)."""

    entries: tuple[Entry, ...]
    transfers: tuple[tuple[Address, Address, int], ...]
    cash: tuple[Cash, ...]
    skipped: tuple[tuple[int, bytes], ...]


class Chain:
    """A registry on a chain, as the machine drives it: senders are unlocked accounts of Anvil's."""

    def __init__(self, wire: Wire, contract: Address) -> None:
        self.wire = wire
        self.contract = contract
        self.domain = Eip712Domain(chain_id=CHAIN_ID, contract=contract)

    def transaction(self, actor: Person, data: bytes, to: Address | None = None) -> dict[str, str]:
        return {
            "from": "0x" + actor.address.hex(),
            "to": "0x" + (to or self.contract).hex(),
            "data": "0x" + data.hex(),
            "gas": hex(GAS),
        }

    def send(self, actor: Person, data: bytes, to: Address | None = None) -> Mined | None:
        """Mined in a block of its own; None if it reverted."""
        receipt = self.wire.request("eth_sendTransactionSync", self.transaction(actor, data, to))
        if receipt["status"] != "0x1":
            return None
        mined = Mined((), (), (), ())
        for log in receipt["logs"]:
            source = bytes.fromhex(log["address"][2:])
            topics = [bytes.fromhex(topic[2:]) for topic in log["topics"]]
            data = bytes.fromhex(log["data"][2:])
            is_registrys = source == self.contract
            if is_registrys and topics[0] in ENTRY_TOPICS:
                mined = replace(mined, entries=(*mined.entries, decode(b"".join(topics), data)))
            elif is_registrys and topics[0] == _SKIPPED:
                mined = replace(mined, skipped=(*mined.skipped, (int.from_bytes(topics[1]), data[:4])))
            elif topics[0] == _TRANSFER:
                parties = topics[1][12:], topics[2][12:]
                if is_registrys:
                    mined = replace(mined, transfers=(*mined.transfers, (*parties, int.from_bytes(topics[3]))))
                else:
                    mined = replace(mined, cash=(*mined.cash, (source, *parties, int.from_bytes(data))))
        return mined

    def refusal(
        self, actor: Person, data: bytes, *, at: int, to: Address | None = None, contract: str = ""
    ) -> type[Refusal] | None:
        """How the contract refuses it in a block of that time, or None if it accepts it."""
        try:
            self.wire.request("eth_call", self.transaction(actor, data, to), "latest", None, {"time": hex(at)})
        except CallReverted as reverted:
            return type(reverts.refusal(ABIS[contract](), reverted))
        return None

    def read(self, calls: Sequence[tuple[Address | None, str, tuple[Any, ...]]]) -> list[Any]:
        """The values of view functions in one batch, of the registry or at another address: DepositToken.balanceOf."""
        requests, parsers = [], []
        for at, function, args in calls:
            contract, _, bare = function.rpartition(".")
            abi = ABIS[contract]()
            to = "0x" + (at or self.contract).hex()
            requests.append(("eth_call", [{"to": to, "data": _calldata(function, _frozen(args))}, "latest"]))
            parsers.append((abi, bare))
        answers = self.wire.batch(requests)
        return [
            abi.result(function, bytes.fromhex(answer[2:]))
            for (abi, function), answer in zip(parsers, answers, strict=True)
        ]

    def sign(
        self,
        operation: Operation,
        by: Authorisation,
        *,
        key: Person,
        alter: Callable[[dict[str, Any]], None] = lambda _message: None,
    ) -> Authorisation:
        """`by` with the signature that Anvil makes; `alter` may change the message that is signed."""
        return replace(by, signature=self.seal(typed_data.message(operation, by, self.domain), key=key, alter=alter))

    def seal(
        self, message: Message, *, key: Person, alter: Callable[[dict[str, Any]], None] = lambda _message: None
    ) -> bytes:
        """Anvil's signature of a message, which `alter` may change before."""
        typed = message.typed_data()
        alter(typed["message"])
        return bytes.fromhex(self.wire.request("eth_signTypedData_v4", "0x" + key.address.hex(), typed)[2:])


# ------------------------------------------------------------------------ tally


@dataclass
class Tally:
    """What a run came across, by operation: a machine that only ever hears refusals proves nothing."""

    accepted: Counter[str] = field(default_factory=Counter)
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    entries: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    """Why batches of redemptions left certificates out."""
    comparisons: Counter[str] = field(default_factory=Counter)

    @property
    def steps(self) -> int:
        return self.accepted.total() + self.refused.total()

    @property
    def refusals(self) -> set[str]:
        return {refusal for _, refusal in self.refused} | set(self.skipped)

    def __str__(self) -> str:
        rows = []
        for operation in sorted({*self.accepted, *(operation for operation, _ in self.refused)}):
            refusals = {refusal: count for (one, refusal), count in sorted(self.refused.items()) if one == operation}
            listed = ", ".join(f"{refusal} {count}" for refusal, count in refusals.items())
            rows.append(f"{operation}: {self.accepted[operation]} accepted; {listed}")
        rows.append(f"entries: {dict(self.entries)}")
        rows.append(f"skipped in batches: {dict(self.skipped)}")
        return "\n".join([f"{self.steps} steps", f"{dict(self.comparisons)}", *rows])


# ----------------------------------------------------------------------- ground


def charter(*, unanswered_max: int, minimum_part_minor: int) -> Charter:
    """A registry whose governor waits for nothing: what an AccessManager delays is not what this is about."""
    return Charter(
        regulator=Person.REGULATOR.address,
        settlement_bank=Person.SETTLEMENT.address,
        currencies=(EUR,),
        officers=tuple(officer.address for officer in OFFICERS),
        governor_delay_seconds=0,
        tenor_limit_days=365,
        answer_window_days=10,
        unanswered_max=unanswered_max,
        minimum_part_minor=minimum_part_minor,
        forced_transfer_delay_seconds=DAY_SECONDS,
        settlement_delay_seconds=SETTLEMENT_DELAY_SECONDS,
        overdue_grace_days=GRACE_DAYS,
    )


@dataclass
class Ground:
    """The registry that every example begins on."""

    node: Node
    chain: Chain
    deployment: Deployment
    model: Model
    snapshot: str = ""
    tally: Tally = field(default_factory=Tally)

    @classmethod
    def lay(cls, running: DevChain, law: Charter, *, work_folder: Path, with_predecessor: bool) -> Ground:
        node, wire = Node(running.url), Wire(running.port)
        wire.request("anvil_setBlockTimestampInterval", 1)
        wire.request("evm_setNextBlockTimestamp", START - 20 * DAY_SECONDS)
        claims: frozenset[Key] = frozenset()
        if with_predecessor:
            ended = cls._deployed(node, wire, law, work_folder)
            claims = ended._run_off()
            law = replace(law, predecessor=ended.chain.contract)
        ground = cls._deployed(node, wire, law, work_folder)
        ground.model.keys = ground.model.predecessor_claims = claims
        ground._furnish()
        wire.request("evm_setNextBlockTimestamp", START)
        wire.request("evm_mine")
        ground.snapshot = wire.request("evm_snapshot")
        return ground

    @classmethod
    def _deployed(cls, node: Node, wire: Wire, law: Charter, work_folder: Path) -> Ground:
        deployment = deploy.run(node, dev_account(Person.OPERATOR), law)
        ground = cls(node, Chain(wire, deployment.receivables), deployment, Model.of(deployment.receivables))
        for step in deploy.waiting(deployment):
            signer = Person.REGULATOR if step.sender == Person.REGULATOR.address else Person.SETTLEMENT
            assert ground.chain.send(signer, step.data, step.to) is not None
        for log in node.logs(
            contract=deployment.receivables, topics=ENTRY_TOPICS, first=deployment.block_number, last=node.head()
        ):
            ground.model.append(decode(log.topics, log.data))
        ground.model.lot_rules = ground.create(helper("LotRules", work_folder))
        ground.model.contracts = frozenset({ground.model.lot_rules, deployment.descriptor, deployment.desk})
        for person in MEMBERS:
            days = 3 if person is Person.BRIEF else 3_650
            expiry = START + days * DAY_SECONDS
            profile = person.to_bytes(32)
            ground.do(
                Person.OPERATOR,
                Calls.admit(member=person.address, kyc_expiry=expiry, roles=ROLES[person], profile=profile),
            )
        ground._issue()
        return ground

    def create(self, compiled: Artifact, *arguments: Any) -> Address:
        """One more contract on the chain."""
        code = compiled.bytecode + ContractAbi(compiled).constructor(*arguments)
        made = {"from": "0x" + Person.OPERATOR.address.hex(), "data": "0x" + code.hex(), "gas": hex(GAS)}
        receipt = self.chain.wire.request("eth_sendTransactionSync", made)
        return bytes.fromhex(receipt["contractAddress"][2:])

    def _issue(self) -> None:
        """Deposits, and the leave that their owners give."""
        model, deployment = self.model, self.deployment
        yen = self.create(artifact("DepositToken"), deployment.banking, self.chain.contract, JPY)
        book = [deposit_abi().selector(function) for function in ("mint", "burn")]
        role = access_abi().call("setTargetFunctionRole", yen, book, deploy.SETTLEMENT_BANK_ROLE)
        assert self.chain.send(Person.SETTLEMENT, role, deployment.banking) is not None
        model.tokens = {deployment.deposit_tokens[EUR]: EUR, yen: JPY}
        for token in model.tokens:
            for number, (person, amount) in enumerate(DEPOSITS.items()):
                reference = (0xB000 + number).to_bytes(32)
                mint = DepositCalls.mint(to=person.address, amount=amount, bank_reference=reference)
                assert self.chain.send(Person.SETTLEMENT, mint, token) is not None
                model.deposits.booked |= {(token, reference)}
                model.deposits.move(Transfer(token, ZERO_ADDRESS, person.address, amount, Person.SETTLEMENT.address))
                spenders = [] if person is Person.BRIEF else [self.chain.contract]
                spenders += [deployment.desk] if person in (Person.BANK, Person.FUND) else []
                for spender in spenders:
                    leave = DepositCalls.approve(spender=spender, amount=UNLIMITED)
                    assert self.chain.send(person, leave, token) is not None
                    model.deposits.allowances[token, person.address, spender] = UNLIMITED
            for person, spender in ((Person.SELLER, Person.SETTLEMENT), (Person.BUYER, Person.STRANGER)):
                leave = DepositCalls.approve(spender=spender.address, amount=900)
                assert self.chain.send(person, leave, token) is not None
                model.deposits.allowances[token, person.address, spender.address] = 900
        for person in (Person.SELLER, Person.SUPPLIER):
            self.do(person, receivables_abi().call("setApprovalForAll", deployment.desk, True))
            model.operators |= {(person.address, deployment.desk)}

    def do(self, actor: Person, data: bytes) -> None:
        """What goes without saying."""
        mined = self.chain.send(actor, data)
        assert mined is not None
        self.take(mined)

    def take(self, mined: Mined) -> None:
        for entry in mined.entries:
            self.model.append(entry)
        for transfer in mined.transfers:
            self.model.transfer(*transfer)

    def register(
        self,
        person: Person,
        face: int,
        fingerprint: bytes,
        *,
        days: int,
        debtor: Person = Person.BUYER,
        currency: int = EUR,
    ) -> Terms:
        claim = Claim(debtor.address, face, due_in(days, now=START), currency, fingerprint, DOCUMENT)
        self.do(person, Calls.register(claim))
        state = self.model.receivables[len(self.model.receivables)]
        return Terms(
            originator=person.address, registered_at=state.registered_at, answer_by=state.answer_by, claim=claim
        )

    def confirmed(
        self,
        person: Person,
        face: int,
        fingerprint: bytes,
        *,
        days: int,
        debtor: Person = Person.BUYER,
        currency: int = EUR,
    ) -> int:
        terms = self.register(person, face, fingerprint, days=days, debtor=debtor, currency=currency)
        number = len(self.model.receivables)
        self.do(debtor, Calls.confirm(receivable_id=number, terms=terms))
        return number

    def order(self, operation: Operation, actor: Person = Person.OFFICER, second: Person = Person.SECOND) -> None:
        """What two do together; every signature has a nonce of its own."""
        state = self.model.receivables.get(operation.values().get("receivable_id", 0))
        by = Authorisation(
            signer=second.address,
            nonce=1_000 + len(self.model.nonces),
            deadline=START,
            anchor=anchor_of(state) if state else NO_ANCHOR,
            claim_key=claim_key_of(state) if state else NO_CLAIM_KEY,
            signature=b"",
        )
        self.model.nonces |= {(by.signer, by.nonce)}
        self.do(actor, signed_call(operation, self.chain.sign(operation, by, key=second)))

    def _run_off(self) -> frozenset[Key]:
        """A registry with a claim that lives and one that does not, in its sunset; the claims that live."""
        self.confirmed(Person.SELLER, 700, FINGERPRINTS[0], days=300)
        terms = self.register(Person.SUPPLIER, 700, FINGERPRINTS[1], days=300)
        self.do(Person.SUPPLIER, Calls.withdraw(receivable_id=2, terms=terms))
        self.do(Person.OPERATOR, Calls.sunset())
        return frozenset(self.model.fingerprints)

    def _furnish(self) -> None:
        self._furnish_overdue()
        self.confirmed(Person.SELLER, 1_000, _furniture(4), days=60)
        self.confirmed(Person.SUPPLIER, MINOR_MAX, _furniture(5), days=200)
        self.split(5, MINOR_MAX // 2, Person.SUPPLIER, Person.BANK)
        self.confirmed(Person.SELLER, 1, _furniture(6), days=90, currency=NO_TOKEN)
        self.register(Person.SELLER, 500, _furniture(7), days=30)
        terms = self.register(Person.SUPPLIER, 500, _furniture(8), days=30)
        for face in range(450, 450 + OFFERS_MAX - 1):
            offer = {"face": face, "due": due_in(40, now=START), "since": self.model.hashes[8][1:]}
            self.do(Person.BUYER, Calls.counter_offer(receivable_id=8, terms=terms, **offer))
        self.confirmed(Person.SELLER, 100_000, _furniture(9), days=300)
        self.split(9, 50_000, Person.SELLER, Person.HELD)
        for number, order in enumerate(OLD_ORDERS):
            expiry = START + (number + 1) * 10 * DAY_SECONDS
            certificate = {"receivable_id": 9, "start": 50_000, "end": 100_000, "holder": Person.HELD.address}
            self.order(operations.FreezeCertificate(**certificate, order=order, expiry=expiry))
            self.order(operations.FreezeMember(member=Person.HELD.address, order=order, expiry=expiry))
            if number:
                self.order(operations.FreezeReceivable(receivable_id=9, order=order, expiry=expiry))
        self.confirmed(Person.SELLER, 10_000, _furniture(10), days=2)

    def _furnish_overdue(self) -> None:
        """Registered long ago, and due some days ago."""
        for number in (1, 2, 3):
            self.confirmed(Person.SUPPLIER, 1_000, _furniture(number), days=-10, debtor=Person.LATE)
            self._sell(number, 700, recourse=200)
            self.split(number, 400, Person.SUPPLIER, Person.SUPPLIER)
            pledge = operations.Pledge(
                receivable_id=number, start=400, end=700, financier=Person.BANK.address, secured=150
            )
            self.do(Person.SUPPLIER, operation_call(pledge))
        dispute = operations.Dispute(receivable_id=2, start=0, end=400, cut=150)
        self.order(dispute, actor=Person.LATE, second=Person.SUPPLIER)
        self.chain.wire.request("evm_setNextBlockTimestamp", START - DAY_SECONDS)
        for number in (2, 3):
            self.do(Person.LATE, Calls.pay(receivable_id=number, amount=333))
        self.do(Person.STRANGER, Calls.dishonour(3))
        close = Calls.close(3)
        assert self.chain.send(Person.SETTLEMENT, *self.scheduling(close)) is not None
        at = START - DAY_SECONDS + SETTLEMENT_DELAY_SECONDS + 60
        self.chain.wire.request("evm_setNextBlockTimestamp", at)
        self.do(Person.SETTLEMENT, close)

    def _sell(self, number: int, cut: int, *, recourse: int) -> None:
        state = self.model.receivables[number]
        whole = state.certificates[0]
        quote = quotes.Quote(
            financier=Person.FUND.address,
            holder=whole.holder,
            receivable_id=number,
            start=whole.start,
            end=whole.end,
            cut=cut,
            kind=quotes.QuoteKind.SALE,
            token=self.deployment.deposit_tokens[EUR],
            price=250,
            amount=recourse,
            anchor=anchor_of(state),
            nonce=number,
            expiry=START,
        )
        domain = self.desk_domain
        signature = self.chain.seal(quotes.message(quote, domain), key=Person.FUND)
        accept = quotes.SignedQuote(quote, signature, domain, claim_key_of(state)).call()
        mined = self.chain.send(Person.SUPPLIER, accept, self.deployment.desk)
        assert mined is not None
        self.take(mined)
        self.model.desk_nonces |= {(Person.FUND.address, number)}

    @property
    def desk_domain(self) -> Eip712Domain:
        return quotes.desk_domain(chain_id=CHAIN_ID, desk=self.deployment.desk)

    def scheduling(self, data: bytes) -> tuple[bytes, Address]:
        """With what the settlement bank announces a call, and where."""
        return access_abi().call("schedule", self.chain.contract, data, 0), self.deployment.access

    def split(self, receivable_id: int, cut: int, holder: Person, receiver: Person) -> None:
        whole = self.model.receivables[receivable_id].certificates[0]
        data = Calls.split(
            receivable_id=receivable_id,
            start=0,
            end=whole.end,
            cut=cut,
            receiver=receiver.address,
            document=DOCUMENT,
        )
        self.do(holder, data)

    def reset(self) -> None:
        settle(self.chain.wire.request)
        assert self.chain.wire.request("evm_revert", self.snapshot)
        self.snapshot = self.chain.wire.request("evm_snapshot")


FINGERPRINTS = [number.to_bytes(32) for number in range(1, 5)]
"""Those that claims come with again and again."""


def _furniture(number: int) -> bytes:
    return (0x50 + number).to_bytes(32)
