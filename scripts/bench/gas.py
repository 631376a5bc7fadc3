"""Gas of every operation, from the receipts of a real Anvil: `python -m scripts.bench.gas [--json | --write]`.

Gas is deterministic here: the accounts, the order of the transactions and the values in their calldata are fixed, so
the snapshot beside this file is exact, and a change of the contracts that costs or saves gas shows in it.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from registry.chain import delayed, deploy, devchain, operations, quotes, typed_data
from registry.chain.abi import ContractAbi
from registry.chain.contract import Calls, ReceivablesView, Terms, operation_call, receivables_abi, signed_call
from registry.chain.deposits import DepositCalls, deposit_abi
from registry.chain.devchain import DevChain, dev_account
from registry.chain.eip712 import Eip712Domain
from registry.chain.operations import Operation
from registry.chain.rpc import Node, Receipt
from registry.chain.submit import account_address, entries, send
from registry.chain.typed_data import SignedOperation
from registry.domain import anchors
from registry.domain.identifiers import Address, CertificateId, format_address
from registry.domain.journal import CounterOffered, Registered
from registry.domain.keccak import keccak256
from registry.domain.receivable import DAY_SECONDS, Offer, Parameter, Role
from registry.domain.rules import Claim, Part
from tests.pool import settle

SNAPSHOT = Path(__file__).with_name("gas.json")
GROWTH_PERCENT_MAX = 1

BATCHES = (5, 20, 100)
"""Parts of a batch split, certificates of a batch endorsement."""
VARIED_BATCHES = (5, 20)
"""The same where each part goes to another member, or each certificate is of another receivable."""

TARGETS = {
    "register + confirm": 208_000,
    "split to a new holder": 81_000,
    "endorse": 57_000,
    "endorse the front, first time": 57_000,
    "split many: a further part": 38_500,
    "endorse many: a further certificate": 38_500,
    "endorse many, each of another receivable: a further certificate": 38_500,
    "redeem: besides the deposit token": 45_000,
    "redeem many: a further certificate: besides the deposit token": 45_000,
    "sale by quote": 160_000,
    "sale by quote, first nonce of 256": 160_000,
}
"""Gas, all-in with the 21,000 of a transaction. What a change of the contracts must not exceed."""

USED_WORD, FRESH_WORD = "signed, used word", "signed, fresh word"
"""What a form by signature costs above the direct one: the signer has used another of the nonce's 256, or has not."""
SIGNATURE_TARGET = 35_000
"""Where it has."""
SIGNED_CERTIFICATE_TARGET = 3_000
"""What a further certificate of a batch endorsement may add to that: each has an anchor of its own."""

REFERENCES = {
    "ERC-3525 reference implementation, split to a new holder": 231_873,
    "ERC-3643 token, split to a new holder": 139_569,
    "OpenZeppelin ERC-721 with a struct, split to a new holder": 106_413,
    "lean probe (KYC, lien flag, status, parent; no journal), split to a new holder": 70_601,
}
"""Measured with the same compiler and settings, for comparison."""

OPERATOR, SELLER, BUYER, SUPPLIER, BANK, NEWCOMER, SUBMITTER = range(7)
OFFICER, SECOND = devchain.OFFICERS
OTHERS = [keccak256(b"member" + number.to_bytes(2))[12:] for number in range(max(VARIED_BATCHES))]
"""Members that do nothing but receive."""

BESIDES = "besides the deposit token"
"""What a transaction costs less its calls of the deposit token: all that they use, the first access to it included."""
COLD_ACCOUNT = 2_600
"""Gas of that access (EIP-2929), which is the caller's in a trace."""

CURRENCY = 978
FACE = 12_345_678
DOCUMENT = b"\xd0" * 32
ORDER, ANOTHER_ORDER = b"\xe0" * 32, b"\xe1" * 32
CLOCK = 2_222_222_222
"""Timestamp of the block before the first operation, seconds; ahead of every real clock that runs this."""
DUE = (CLOCK // DAY_SECONDS + 90) * DAY_SECONDS
FAR = CLOCK + 1_000 * DAY_SECONDS + 12_345
"""Deadline of signatures, expiry of KYC and of orders."""
USED_NONCE, FRESH_NONCE, ANOTHER_FRESH_NONCE = 7 << 8 | 1, 9 << 8 | 1, 11 << 8 | 1
"""Nonces of a word of 256 of which the signer has given up the first, and of two of which it has used none."""


def address(person: int) -> Address:
    """The address of a person."""
    return account_address(dev_account(person))


@dataclass
class Bench:
    """A fresh registry on a fresh chain; people are dev accounts by number. `gas` is what was measured."""

    node: Node
    deployment: deploy.Deployment
    gas: dict[str, int] = field(default_factory=dict)
    claims: int = 0
    orders: int = 0
    bookings: int = 0
    quoted: int = 0

    @classmethod
    def open(cls, node: Node) -> Bench:
        """Deploy, and fix the clock: timestamps are calldata, whose zero bytes cost less."""
        node.request("anvil_setBlockTimestampInterval", 1)
        bench = cls(node, deploy.run(node, dev_account(OPERATOR)))
        bench.wait_until(CLOCK)
        return bench

    @property
    def token(self) -> Address:
        """The deposit token of the claims' currency."""
        return self.deployment.deposit_tokens[CURRENCY]

    @property
    def view(self) -> ReceivablesView:
        """The registry's views."""
        return ReceivablesView(self.node, self.deployment.receivables)

    def wait_until(self, at: int) -> None:
        """Mine a block with this timestamp."""
        self.node.request("evm_setNextBlockTimestamp", at)
        self.node.request("evm_mine")

    # ------------------------------------------------------------ measuring

    def send(self, person: int, data: bytes) -> Receipt:
        """A transaction of one person's to the registry, not measured."""
        to = self.deployment.receivables
        return send(self.node, receivables_abi(), signer=dev_account(person), to=to, data=data)

    def measure(self, name: str, person: int, data: bytes) -> Receipt:
        """The same, measured."""
        receipt = self.send(person, data)
        self.gas[name] = receipt.gas_used
        return receipt

    def measure_money(self, name: str, person: int, data: bytes) -> Receipt:
        """The same, and what of it is not the deposit token's."""
        receipt = self.measure(name, person, data)
        self.gas[f"{name}: {BESIDES}"] = receipt.gas_used - self._used_by_token(receipt) - COLD_ACCOUNT
        return receipt

    def _used_by_token(self, receipt: Receipt) -> int:
        trace = self.node.request("debug_traceTransaction", "0x" + receipt.tx_hash.hex(), {"tracer": "callTracer"})
        token, calls, used = format_address(self.token).lower(), [trace], 0
        while calls:
            call = calls.pop()
            if call["to"] == token:
                used += int(call["gasUsed"], 16)
            else:
                calls += call.get("calls", [])
        return used

    def measure_other(self, name: str, person: int, abi: ContractAbi, to: Address, data: bytes) -> Receipt:
        """A transaction to a token or the desk, measured."""
        receipt = send(self.node, abi, signer=dev_account(person), to=to, data=data)
        self.gas[name] = receipt.gas_used
        return receipt

    def measure_signed(self, name: str, person: int, operation: Operation) -> Receipt:
        """An operation directly, and what it costs more by signature from the same state; the direct one stays."""
        signed = {
            f"{name}: {how}": self._undone(self.sign(operation, person, nonce).call())
            for how, nonce in ((USED_WORD, USED_NONCE), (FRESH_WORD, FRESH_NONCE))
        }
        if isinstance(operation, operations.Approve):
            direct = Calls.approve(receivable_id=operation.receivable_id, start=operation.start, to=operation.to)
        else:
            direct = operation_call(operation)
        receipt = self.measure(name, person, direct)
        self.gas |= {how: used - receipt.gas_used for how, used in signed.items()}
        return receipt

    def measure_order(self, name: str, operation: Operation) -> Receipt:
        """What two officers do; the second one has used a nonce of the same word before."""
        self.orders += 1
        second = self.sign(operation, SECOND, USED_NONCE + self.orders)
        return self.measure(name, OFFICER, signed_call(operation, second.by))

    def measure_delayed(self, name: str, data: bytes, person: int = OPERATOR) -> None:
        """What the governor or the settlement bank does: schedule it, wait, carry it out."""
        access, to = self.deployment.access, self.deployment.receivables
        for step in (f"{name}: schedule", name):
            outcome = delayed.advance(self.node, access, signer=dev_account(person), to=to, data=data)
            assert outcome.receipt is not None
            self.gas[step] = outcome.receipt.gas_used
            if isinstance(outcome, delayed.Scheduled):
                self.wait_until(outcome.ready_at)

    def measure_agreement(self, name: str, operation: operations.Agreement) -> None:
        """What the seller does with the buyer's signature; the buyer has used a nonce of the same word before."""
        self.orders += 1
        second = self.sign(operation, BUYER, USED_NONCE + self.orders)
        self.measure(name, SELLER, signed_call(operation, second.by))

    def deposit(self, name: str, data: bytes, person: int) -> None:
        """Something done at the deposit token."""
        self.measure_other(name, person, deposit_abi(), self.token, data)

    def mint(self, person: int, amount: int) -> None:
        """A deposit of one person's."""
        self.bookings += 1
        reference = b"\xba" * 30 + self.bookings.to_bytes(2)
        data = DepositCalls.mint(to=address(person), amount=amount, bank_reference=reference)
        self.deposit("mint a deposit", data, devchain.SETTLEMENT_BANK)

    def quote(self, receivable_id: int, *, nonce: int, cut: int = 0, kind: quotes.QuoteKind) -> quotes.SignedQuote:
        """The bank's offer to the seller for the whole certificate or its tail."""
        self.quoted += 1
        anchor, claim_key = self.lasting_anchor(receivable_id)
        length = FACE - cut
        quote = quotes.Quote(
            financier=address(BANK),
            holder=address(SELLER),
            receivable_id=receivable_id,
            start=0,
            end=FACE,
            cut=cut,
            kind=kind,
            token=self.token,
            price=length - 123_456,
            amount=length - 65_432,
            anchor=anchor,
            nonce=nonce,
            expiry=FAR,
        )
        domain = quotes.desk_domain(chain_id=self.node.chain_id, desk=self.deployment.desk)
        return quotes.sign(quote, dev_account(BANK), domain, claim_key=claim_key)

    def accept(self, name: str, data: bytes, person: int = SELLER) -> None:
        """Something done at the desk."""
        self.measure_other(name, person, quotes.desk_abi(), self.deployment.desk, data)

    def sign(self, operation: Operation, person: int, nonce: int) -> SignedOperation:
        """A signature anchored at the receivable as it is now."""
        receivable_id = operation.values().get("receivable_id", 0)
        anchor, claim_key = self.lasting_anchor(receivable_id)
        if isinstance(operation, operations.Answer):
            anchor = self.view.heads([receivable_id])[receivable_id]
        return typed_data.sign(
            operation,
            dev_account(person),
            Eip712Domain(chain_id=self.node.chain_id, contract=self.deployment.receivables),
            deadline=FAR,
            anchor=anchor,
            claim_key=claim_key,
            nonce=nonce,
        )

    def lasting_anchor(self, receivable_id: int) -> tuple[bytes, bytes]:
        """What every signature about the receivable says of it that is no answer: anchor and claim key."""
        claim_key = anchors.claim_key(fingerprint(receivable_id), address(BUYER), address(SELLER))
        words = self.view.records([receivable_id])[receivable_id]
        terms = anchors.lasting_terms(debtor=words.debtor, face=words.face, due=words.due, currency=words.currency)
        return anchors.anchor(claim_key, terms), claim_key

    def endorse_many(self, ids: Sequence[CertificateId]) -> operations.EndorseMany:
        """All to the newcomer."""
        known = {number: self.lasting_anchor(number) for number in {id_.receivable_id for id_ in ids}}
        endorsements = tuple(
            operations.AnchoredEndorsement(
                receivable_id=id_.receivable_id,
                start=id_.start,
                end=id_.end,
                receiver=address(NEWCOMER),
                document=DOCUMENT,
                anchor=known[id_.receivable_id][0],
                claim_key=known[id_.receivable_id][1],
            )
            for id_ in ids
        )
        return operations.EndorseMany(endorsements=endorsements)

    def _undone(self, data: bytes) -> int:
        """Gas of a submitter's transaction that the chain then forgets."""
        before = self.node.request("evm_snapshot")
        used = self.send(SUBMITTER, data).gas_used
        settle(self.node.request)
        assert self.node.request("evm_revert", before)
        return used

    # ------------------------------------------------------------- making

    def claim(self) -> Claim:
        """A new claim of the seller's on the buyer."""
        self.claims += 1
        return Claim(
            debtor=address(BUYER),
            face=FACE,
            due=DUE,
            currency=CURRENCY,
            fingerprint=fingerprint(self.claims),
            document_root=(b"\xda\xdb" + self.claims.to_bytes(2)) * 8,
        )

    def registered(self) -> operations.Answer:
        """A new receivable: what every answer to it names."""
        claim = self.claim()
        return answer_to(self.send(SELLER, Calls.register(claim)), claim)

    def confirmed(self) -> int:
        """A confirmed receivable, whole and the seller's: its id."""
        named = self.registered()
        self.send(BUYER, Calls.confirm(receivable_id=named.receivable_id, terms=named.terms))
        return named.receivable_id


def fingerprint(receivable_id: int) -> bytes:
    """Of the claim that becomes this receivable: every claim is registered, in order."""
    return (b"\xfa\xfb" + receivable_id.to_bytes(2)) * 8


def answer_to(receipt: Receipt, claim: Claim) -> operations.Answer:
    """What every answer names to the claim that was registered by this transaction."""
    (entry,) = entries(receipt)
    assert isinstance(entry, Registered)
    terms = Terms(originator=entry.originator, registered_at=entry.at, answer_by=entry.answer_by, claim=claim)
    return operations.Answer(receivable_id=entry.receivable_id, terms=terms)


def measure(node: Node) -> dict[str, int]:
    """Gas by operation, on a chain that nothing has been done on yet."""
    bench = Bench.open(node)
    for part in (_members, _answers, _certificates, _batches, _orders, _deposits, _money, _financing, _agreements):
        part(bench)
    unpaid = _sold(bench)
    for part in (_lapse, _registry):
        part(bench)
    _overdue(bench, *unpaid)
    return bench.gas


def _members(bench: Bench) -> None:
    roles = {SELLER: Role.SUPPLIER, BUYER: Role.DEBTOR, SUPPLIER: Role.SUPPLIER, BANK: Role.FINANCIER}
    members = [(address(person), role) for person, role in roles.items()]
    members += [(other, Role.SUPPLIER) for other in (address(NEWCOMER), *OTHERS)]
    for member, role in members:
        data = Calls.admit(member=member, kyc_expiry=FAR, roles=role, profile=b"\xf0" * 32)
        bench.measure("admit", OPERATOR, data)
    for person in (SELLER, BUYER, SUPPLIER, SECOND):
        bench.measure("cancel nonces", person, Calls.cancel_nonces(word=USED_NONCE >> 8, mask=1))


def _answers(bench: Bench) -> None:
    claim = bench.claim()
    # Its counter of unanswered claims is made with a pair's first claim; what is typical is a later one.
    first = answer_to(bench.measure("register, first of a pair", SELLER, Calls.register(claim)), claim)
    claim = bench.claim()
    second = answer_to(bench.measure_signed("register", SELLER, operations.Register(claim)), claim)
    confirm = operations.Confirm(receivable_id=second.receivable_id, terms=second.terms)
    bench.measure_signed("confirm", BUYER, confirm)
    bench.gas["register + confirm"] = bench.gas["register"] + bench.gas["confirm"]

    counter = operations.CounterOffer(receivable_id=first.receivable_id, terms=first.terms, face=FACE - 1_234, due=DUE)
    (offered,) = entries(bench.measure_signed("counter-offer", BUYER, counter))
    assert isinstance(offered, CounterOffered)
    offer = Offer(face=offered.offered_face, due=offered.offered_due, at=offered.at)
    accept = operations.AcceptOffer(receivable_id=first.receivable_id, terms=first.terms, offer=offer)
    bench.measure_signed("accept offer", SELLER, accept)

    named = bench.registered()
    refuse = operations.Refuse(receivable_id=named.receivable_id, terms=named.terms, reason=1)
    bench.measure_signed("refuse", BUYER, refuse)
    named = bench.registered()
    bench.measure_signed("withdraw", SELLER, operations.Withdraw(receivable_id=named.receivable_id, terms=named.terms))

    named = bench.registered()
    again = operations.CounterOffer(receivable_id=named.receivable_id, terms=named.terms, face=FACE - 1_234, due=DUE)
    (offered,) = entries(bench.send(BUYER, operation_call(again)))
    data = Calls.confirm(receivable_id=named.receivable_id, terms=named.terms, since=(offered.hash(),))
    bench.measure("confirm after a counter-offer", BUYER, data)


def _certificates(bench: Bench) -> None:
    number = bench.confirmed()
    first, second, third, fourth = (FACE - at * 1_000_000 for at in (1, 2, 3, 4))
    # A receiver's word exists since its admission: a balance of 0 is no first write.
    for name, end, cut, to in (
        ("split to a new holder", FACE, first, SUPPLIER),
        ("split to oneself", first, second, SELLER),
        ("split to a holder", second, third, SUPPLIER),
    ):
        split = operations.Split(
            receivable_id=number, start=0, end=end, cut=cut, receiver=address(to), document=DOCUMENT
        )
        bench.measure_signed(name, SELLER, split)

    def endorse(start: int, end: int, to: int) -> operations.Endorse:
        return operations.Endorse(receivable_id=number, start=start, end=end, receiver=address(to), document=DOCUMENT)

    bench.measure_signed("endorse", SUPPLIER, endorse(first, FACE, NEWCOMER))
    bench.measure_signed("endorse the front, first time", SELLER, endorse(0, third, NEWCOMER))
    bench.measure("endorse the front again", NEWCOMER, operation_call(endorse(0, third, SELLER)))
    transfer = Calls.transfer_from(giver=address(SUPPLIER), receiver=address(BANK), receivable_id=number, start=third)
    bench.measure("transferFrom to a financier", SUPPLIER, transfer)

    approve = operations.Approve(receivable_id=number, start=0, end=third, to=address(NEWCOMER))
    bench.measure_signed("approve", SELLER, approve)
    allow = operations.SetApprovalForAll(operator=address(NEWCOMER), approved=True)
    bench.measure_signed("set approval for all", SELLER, allow)
    own = operations.Split(
        receivable_id=number, start=0, end=third, cut=fourth, receiver=address(SELLER), document=DOCUMENT
    )
    bench.send(SELLER, operation_call(own))
    merge = operations.Merge(receivable_id=number, start=0, cut=fourth, end=third)
    bench.measure_signed("merge", SELLER, merge)


def _batches(bench: Bench) -> None:
    for count in BATCHES:
        split = split_many(number := bench.confirmed(), [address(SUPPLIER)] * count)
        name = f"split many: {count} parts"
        if count == min(BATCHES):
            bench.measure_signed(name, SELLER, split)
        else:
            bench.measure(name, SELLER, operation_call(split))
        ends = [FACE, *(part.cut for part in split.parts)]
        ids = [CertificateId(number, part.cut, end) for part, end in zip(split.parts, ends, strict=False)]
        endorsements, name = bench.endorse_many(ids), f"endorse many: {count} certificates"
        if count == min(BATCHES):
            bench.measure_signed(name, SUPPLIER, endorsements)
        else:
            bench.measure(name, SUPPLIER, operation_call(endorsements))
    for count in VARIED_BATCHES:
        split = split_many(bench.confirmed(), OTHERS[:count])
        bench.measure(f"split many, each to another member: {count} parts", SELLER, operation_call(split))
        ids = [CertificateId(bench.confirmed(), 0, FACE) for _ in range(count)]
        endorsements, name = bench.endorse_many(ids), f"endorse many, each of another receivable: {count} certificates"
        if count == min(VARIED_BATCHES):
            bench.measure_signed(name, SELLER, endorsements)
        else:
            bench.measure(name, SELLER, operation_call(endorsements))
    for name, thing, counts in (
        ("split many", "part", BATCHES),
        ("split many, each to another member", "part", VARIED_BATCHES),
        ("endorse many", "certificate", BATCHES),
        ("endorse many, each of another receivable", "certificate", VARIED_BATCHES),
    ):
        few, many = min(counts), max(counts)
        more = bench.gas[f"{name}: {many} {thing}s"] - bench.gas[f"{name}: {few} {thing}s"]
        bench.gas[f"{name}: a further {thing}"] = -(-more // (many - few))  # rounded up


def split_many(number: int, receivers: Sequence[Address]) -> operations.SplitMany:
    """A part for each receiver, cut from the seller's whole receivable."""
    parts = tuple(
        Part(cut=FACE - 10_101 * at, receiver=receiver, document=DOCUMENT) for at, receiver in enumerate(receivers, 1)
    )
    return operations.SplitMany(receivable_id=number, start=0, end=FACE, parts=parts)


def _orders(bench: Bench) -> None:
    number, seller, cut = bench.confirmed(), address(SELLER), FACE - 1_000_000
    partition = operations.Partition(receivable_id=number, start=0, end=FACE, cut=cut, holder=seller, order=ORDER)
    bench.measure_order("partition", partition)

    def freeze(order: bytes) -> operations.FreezeCertificate:
        return operations.FreezeCertificate(
            receivable_id=number, start=cut, end=FACE, holder=seller, order=order, expiry=FAR
        )

    bench.measure_order("freeze a certificate", freeze(ORDER))
    bench.measure_order("freeze a certificate, second order", freeze(ANOTHER_ORDER))
    unfreeze = operations.UnfreezeCertificate(receivable_id=number, start=cut, end=FACE, order=ANOTHER_ORDER)
    bench.measure_order("unfreeze a certificate, not the last order", unfreeze)
    block = bench.node.block("latest")
    assert block is not None
    bench.wait_until(block.at + bench.view.forced_transfer_delay())
    force = operations.ForceTransfer(
        receivable_id=number, start=cut, end=FACE, holder=seller, receiver=address(BANK), order=ORDER
    )
    bench.measure_order("forced transfer", force)

    whole = bench.confirmed()
    hold = operations.FreezeReceivable(receivable_id=whole, order=ORDER, expiry=FAR)
    bench.measure_order("freeze a receivable", hold)
    bench.measure_order("unfreeze a receivable", operations.UnfreezeReceivable(receivable_id=whole, order=ORDER))
    member = address(SUPPLIER)
    bench.measure_order("freeze a member", operations.FreezeMember(member=member, order=ORDER, expiry=FAR))
    bench.measure_order("unfreeze a member", operations.UnfreezeMember(member=member, order=ORDER))


def _deposits(bench: Bench) -> None:
    for person in (BUYER, SELLER, SUPPLIER, BANK):
        bench.mint(person, 1_000 * FACE)
    transfer = DepositCalls.transfer(to=address(SUPPLIER), amount=1_234)
    bench.deposit("transfer a deposit", transfer, BANK)
    for person, spender in ((BUYER, "receivables"), (SELLER, "receivables"), (BANK, "desk")):
        data = DepositCalls.approve(spender=getattr(bench.deployment, spender), amount=2**256 - 1)
        bench.deposit("allow a spender", data, person)


def _money(bench: Bench) -> None:
    number = bench.confirmed()
    pledge = operations.Pledge(receivable_id=number, start=0, end=FACE, financier=address(BANK), secured=FACE // 2)
    bench.measure_signed("pledge", SELLER, pledge)
    bench.send(SELLER, Calls.approve(receivable_id=number, start=0, to=bench.deployment.desk))
    bench.measure("release", BANK, Calls.release(receivable_id=number, start=0, end=FACE))
    # The registry's balance is written for the first time with the first payment; what is typical is a later one.
    bench.send(BUYER, Calls.pay(receivable_id=bench.confirmed(), amount=FACE))
    bench.measure_money("pay in full", BUYER, Calls.pay(receivable_id=number, amount=FACE))
    bench.measure_money("redeem", SUBMITTER, Calls.redeem(receivable_id=number, start=0))
    number = bench.confirmed()
    pledge = operations.Pledge(receivable_id=number, start=0, end=FACE, financier=address(BANK), secured=FACE // 2)
    bench.send(SELLER, operation_call(pledge))
    bench.send(BUYER, Calls.pay(receivable_id=number, amount=FACE))
    data = Calls.redeem(receivable_id=number, start=0)
    bench.measure_money("redeem a pledged certificate, to financier and holder", SUBMITTER, data)
    for count in BATCHES:
        split = split_many(bench.confirmed(), [address(SUPPLIER)] * count)
        bench.send(SELLER, operation_call(split))
        bench.send(BUYER, Calls.pay(receivable_id=split.receivable_id, amount=FACE))
        data = Calls.redeem_many([(split.receivable_id, part.cut) for part in split.parts])
        bench.measure_money(f"redeem many: {count} certificates", SUBMITTER, data)
    few, many = (f"redeem many: {count} certificates" for count in (min(BATCHES), max(BATCHES)))
    for what in ("", f": {BESIDES}"):
        more = bench.gas[many + what] - bench.gas[few + what]
        bench.gas[f"redeem many: a further certificate{what}"] = -(-more // (max(BATCHES) - min(BATCHES)))
    for count in BATCHES:
        split = split_many(bench.confirmed(), [address(SUPPLIER)] * count)
        bench.send(SELLER, operation_call(split))
        certificates = [(split.receivable_id, part.cut) for part in split.parts]
        data = Calls.pay_and_redeem(receivable_id=split.receivable_id, amount=FACE, certificates=certificates)
        bench.measure_money(f"pay and redeem: {count} certificates", BUYER, data)


def _financing(bench: Bench) -> None:
    desk, sale, loan = bench.deployment.desk, quotes.QuoteKind.SALE, quotes.QuoteKind.PLEDGE
    bench.accept("cancel nonces at the desk", quotes.cancel_nonces(word=USED_NONCE >> 8, mask=1), BANK)
    bench.accept("cancel nonces at the desk", quotes.cancel_nonces(word=USED_NONCE >> 8, mask=1), SELLER)
    bench.send(SELLER, operation_call(operations.SetApprovalForAll(operator=desk, approved=True)))
    for name, nonce, cut, kind in (
        ("sale by quote", USED_NONCE, 0, sale),
        ("sale by quote, first nonce of 256", FRESH_NONCE, 0, sale),
        ("sale by quote, the tail", USED_NONCE + 1, FACE - 1_000_000, sale),
        ("sale by quote, the tail, first nonce of 256", ANOTHER_FRESH_NONCE, FACE - 1_000_000, sale),
        ("pledge by quote", USED_NONCE + 2, 0, loan),
    ):
        bench.accept(name, bench.quote(bench.confirmed(), nonce=nonce, cut=cut, kind=kind).call())
    bench.send(SELLER, operation_call(operations.SetApprovalForAll(operator=desk, approved=False)))
    number = bench.confirmed()
    quote = bench.quote(number, nonce=USED_NONCE + 3, kind=sale)
    approve = operations.Approve(receivable_id=number, start=0, end=FACE, to=desk)
    accepted = quotes.accept(
        quote,
        dev_account(SELLER),
        deadline=FAR,
        approval=bench.sign(approve, SELLER, USED_NONCE + 200),
        nonce=USED_NONCE + 1,
    )
    bench.accept("sale by quote, accepted and approved by signature", accepted.call(), SUBMITTER)


def _agreements(bench: Bench) -> None:
    number, cut, credited = bench.confirmed(), 2_000_000, 500_000
    bench.measure_agreement("dispute", operations.Dispute(receivable_id=number, start=0, end=FACE, cut=cut))
    credit = operations.CreditNote(receivable_id=number, start=0, end=cut, amount=credited)
    bench.measure_agreement("credit note", credit)
    bench.measure_agreement("resolve", operations.Resolve(receivable_id=number))


def _sold(bench: Bench) -> tuple[int, int, int]:
    """Three receivables that will not be paid in time: one is part-paid, one was sold with recourse, one was cut."""
    desk, number = bench.deployment.desk, bench.confirmed()
    bench.send(SELLER, Calls.approve(receivable_id=number, start=0, to=desk))
    bench.accept("sale by quote", bench.quote(number, nonce=USED_NONCE + 4, kind=quotes.QuoteKind.SALE).call())
    split = split_many(bench.confirmed(), [address(NEWCOMER)] * 2)
    bench.send(SELLER, operation_call(split))
    return bench.confirmed(), number, split.receivable_id


def _overdue(bench: Bench, part_paid: int, sold: int, cut: int) -> None:
    bench.wait_until(DUE + 10 * DAY_SECONDS)
    pay = Calls.pay(receivable_id=part_paid, amount=FACE // 3)
    redeem = Calls.redeem(receivable_id=part_paid, start=0)
    for which in ("first", "second"):
        bench.measure_money(f"pay a part, the {which}", BUYER, pay)
        bench.measure_money(f"redeem what a part pays, the {which} time", SUBMITTER, redeem)
    bench.measure("dishonour", SUBMITTER, Calls.dishonour(part_paid))
    bench.measure("demand recourse", BANK, Calls.demand_recourse(receivable_id=sold, start=0, end=FACE))
    repurchase = Calls.repurchase(receivable_id=sold, start=0, end=FACE)
    bench.measure_money("repurchase", SELLER, repurchase)
    bench.measure_delayed("close", Calls.close(part_paid), devchain.SETTLEMENT_BANK)
    bench.measure_delayed("absolve", Calls.absolve(part_paid), devchain.SETTLEMENT_BANK)
    bench.send(BUYER, Calls.pay(receivable_id=cut, amount=FACE // 3))
    bench.measure_delayed("close, which marks the debtor", Calls.close(cut), devchain.SETTLEMENT_BANK)
    # What the receivable has paid out is summed in a word of its own, which the first redemption makes.
    for which, start in (("the first certificate", FACE - 10_101), ("another", FACE - 20_202)):
        redeem = Calls.redeem(receivable_id=cut, start=start)
        bench.measure_money(f"redeem after a close, {which}", SUBMITTER, redeem)


def _lapse(bench: Bench) -> None:
    named = bench.registered()
    bench.wait_until(named.terms.answer_by)
    bench.measure("lapse", SUBMITTER, Calls.lapse(receivable_id=named.receivable_id, terms=named.terms))


def _registry(bench: Bench) -> None:
    bench.measure("suspend", OPERATOR, Calls.suspend(member=address(SUPPLIER), reason=1))
    bench.measure("pause", OPERATOR, Calls.pause())
    bench.measure("unpause", OPERATOR, Calls.unpause())
    change = Calls.set_parameter(parameter=Parameter.MINIMUM_PART_MINOR, value=100, effective=DUE)
    bench.measure_delayed("set a parameter", change)
    bench.measure_delayed("set descriptor", Calls.set_descriptor(bench.deployment.descriptor))
    bench.measure_delayed("set rules", Calls.set_rules(bench.deployment.descriptor))
    bench.measure_delayed("sunset", Calls.sunset())


def measured() -> dict[str, int]:
    """The same, on a chain of its own."""
    with (
        tempfile.TemporaryDirectory(prefix="counterfoil-gas-") as folder,
        DevChain.start(Path(folder), keeps=False) as chain,
    ):
        return measure(Node(chain.url))


def target(name: str) -> int | None:
    """What an operation may cost, None where nothing was set."""
    if not name.endswith(USED_WORD):
        return TARGETS.get(name)
    further = min(BATCHES) - 1 if name.startswith("endorse many") else 0
    return SIGNATURE_TARGET + further * SIGNED_CERTIFICATE_TARGET


def grown(gas: dict[str, int], snapshot: dict[str, int]) -> list[str]:
    """Operations that cost more than GROWTH_PERCENT_MAX above the snapshot, in words."""
    return [
        f"{name}: {gas[name]:,} gas, {before:,} before"
        for name, before in snapshot.items()
        if name in gas and gas[name] * 100 > before * (100 + GROWTH_PERCENT_MAX)
    ]


def missed(gas: dict[str, int]) -> list[str]:
    """Targets that are not met, in words."""
    return [
        f"{name}: {used:,} gas, the target is {most:,}"
        for name, used in gas.items()
        if (most := target(name)) is not None and used > most
    ]


def table(gas: dict[str, int], snapshot: dict[str, int]) -> Table:
    """The figures beside their targets and what they were."""
    shown = Table(title="Gas, all-in (solc 0.8.30, optimizer 200 runs, Anvil receipts)", title_justify="left")
    shown.add_column("operation", no_wrap=True)
    for heading in ("gas", "target", "", "change", "signed", "fresh word"):
        shown.add_column(heading, justify="right", no_wrap=True)
    for name, used in gas.items():
        if name.endswith((USED_WORD, FRESH_WORD)):
            continue
        most = target(name)
        verdict = "" if most is None else "met" if used <= most else "missed"
        change = used - snapshot.get(name, used)
        signed = [gas.get(f"{name}: {how}") for how in (USED_WORD, FRESH_WORD)]
        shown.add_row(
            name,
            f"{used:,}",
            f"{most:,}" if most else "",
            verdict,
            f"{change:+,}" if change else "",
            *("" if more is None else f"{more:+,}" for more in signed),
        )
    shown.caption = (
        f"signed: what the form by signature costs more (at most {SIGNATURE_TARGET:,}, and "
        f"{SIGNED_CERTIFICATE_TARGET:,} for each further certificate) where the signer has used a nonce of the same "
        "256 before; fresh word: where it has not"
    )
    return shown


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; 1 if a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m scripts.bench.gas", description=main.__doc__)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--write", action="store_true", help="make the figures the new snapshot")
    options = parser.parse_args(arguments)

    gas = measured()
    snapshot: dict[str, int] = json.loads(SNAPSHOT.read_text()) if SNAPSHOT.exists() else {}
    if options.write:
        SNAPSHOT.write_text(json.dumps(gas, indent=2) + "\n")
    if options.json:
        targets = {name: most for name in gas if (most := target(name)) is not None}
        print(json.dumps({"gas": gas, "targets": targets, "references": REFERENCES}, indent=2))
    else:
        console = Console(width=None if sys.stdout.isatty() else 150)
        console.print(table(gas, snapshot))
        for name, used in REFERENCES.items():
            console.print(f"for comparison: {used:,} {name}", style="dim")
    for line in missed(gas):
        print(line, file=sys.stderr)
    return 1 if missed(gas) else 0


if __name__ == "__main__":
    raise SystemExit(main())
