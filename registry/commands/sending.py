"""How an operation leaves: checked, then sent by its actor, or signed by it for somebody else to send.

Everything is refused here, by name, before anything is signed, where the contract would refuse it; the contract's own
answer counts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from eth_account.signers.local import LocalAccount

from registry.chain.abi import ContractAbi
from registry.chain.contract import SignaturesView, operation_call, receivables_abi
from registry.chain.deposits import SignedPermit
from registry.chain.eip712 import Eip712Domain
from registry.chain.operations import Answer, Operation
from registry.chain.quotes import SignedAcceptance
from registry.chain.reverts import skipped
from registry.chain.rpc import Receipt
from registry.chain.submit import account_address, entries, preview, send
from registry.chain.typed_data import SignedOperation, sign
from registry.commands.services import Services
from registry.domain import anchors
from registry.domain.identifiers import ZERO_ADDRESS, Address, parse_address
from registry.domain.journal import REGISTRY_JOURNAL, Entry
from registry.domain.money import Currency, Sum, currency_to_show
from registry.domain.rules import ChainRefusal
from registry.store import nonces
from registry.store.database import Connection
from registry.store.queries import orders as order_queries
from registry.store.queries import parties as party_queries
from registry.store.queries import receivables as receivable_queries

_MINOR_UNITS = re.compile(r"(?:\b(\d+) to )?\b(\d+) minor units")


@dataclass(frozen=True, slots=True)
class Done:
    """What is on chain: the journal entries that a transaction appended, in order, and the transaction.

    `skipped` are the certificates, by receivable id and start, that a batch of redemptions passed over, and what a
    redemption of each alone would be refused with.
    """

    entries: tuple[Entry, ...]
    tx_hash: bytes
    block_number: int
    gas: int
    skipped: Mapping[tuple[int, int], type[ChainRefusal]] = field(default_factory=dict)

    @property
    def entry(self) -> Entry:
        """The entry of an operation that appends just one."""
        (entry,) = self.entries
        return entry


@dataclass(frozen=True, slots=True)
class Pen:
    """An account that signs operations for others to submit until `deadline` (seconds), and sends nothing."""

    account: LocalAccount
    deadline: int


Hand = LocalAccount | Pen
"""By which an operation that has a form by signature is done: sent, or signed."""


class Signed(Exception):
    """Comes in place of sending where the hand is a pen: the operation is signed, and nothing was sent."""

    def __init__(self, document: SignedOperation | SignedAcceptance | SignedPermit) -> None:
        self.document = document
        super().__init__("signed, not sent")


@dataclass(frozen=True, slots=True)
class Contract:
    """A contract that calls are sent to, and what names its refusals."""

    address: Address
    abi: ContractAbi
    currency: Currency | None = None
    """Of the amounts in a call, where it is known."""


def actor(hand: Hand) -> Address:
    """Whose hand it is."""
    return account_address(hand.account if isinstance(hand, Pen) else hand)


def carry_out(services: Services, hand: Hand, operation: Operation, *, call: bytes | None = None) -> Done:
    """Send an operation, or sign it once nothing speaks against sending it.

    `call` is the calldata of its direct form where that takes other arguments. Raises Signed where the hand is a pen,
    and the contract's refusals.
    """
    data = operation_call(operation) if call is None else call
    to = registry_of(services, _currency_of(services, operation))
    if isinstance(hand, Pen):
        check(services, actor(hand), data, to=to)
        raise Signed(signed(services, hand, operation))
    return send_call(services, hand, data, to=to)


def signed(services: Services, pen: Pen, operation: Operation) -> SignedOperation:
    """The operation with a signature: bound to its receivable as the mirror has it, where it is of one."""
    anchor, claim_key = anchor_of(services, operation)
    nonce = free_nonce(services, actor(pen))
    return sign(
        operation,
        pen.account,
        domain(services),
        deadline=pen.deadline,
        anchor=anchor,
        claim_key=claim_key,
        nonce=nonce,
    )


def free_nonce(services: Services, signer: Address, *, is_used: Callable[[int], bool] | None = None) -> int:
    """The signer's next nonce. One that is used was given by a database that was since set back: it is passed over.

    `is_used` says so where another contract than the registry takes the signature.
    """
    while True:
        with services.database.write() as connection:
            nonce = nonces.take(connection, signer)
        # A rehearsal keeps nothing, so the next one would be the same; and it signs nothing.
        if services.rehearsal or not (is_used(nonce) if is_used else nonce_used(services, signer, nonce)):
            return nonce


def nonce_used(services: Services, signer: Address, nonce: int) -> bool:
    """Whether a signature with this nonce was submitted or given up."""
    return nonce_is_used(services.view, signer, nonce)


def nonce_is_used(contract: SignaturesView, signer: Address, nonce: int) -> bool:
    """The same of any contract that takes signatures."""
    word, bit = divmod(nonce, nonces.NONCES_PER_WORD)
    return bool(contract.nonces_used(signer, word) >> bit & 1)


def domain(services: Services) -> Eip712Domain:
    """What a signature for this registry is bound to."""
    return Eip712Domain(chain_id=services.node.chain_id, contract=services.deployment.receivables)


def registry_of(services: Services, currency: Currency | None = None) -> Contract:
    """The registry itself, for a call whose amounts are in that currency."""
    return Contract(services.deployment.receivables, receivables_abi(), currency)


def send_call(services: Services, signer: LocalAccount, data: bytes, *, to: Contract | None = None) -> Done:
    """Send a call, by default to the registry, and wait until it is mirrored.

    Raises the contract's refusals, MirrorLags.
    """
    contract = to or registry_of(services)
    with known_by_name(services, currency=contract.currency):
        receipt = send(services.node, contract.abi, signer=signer, to=contract.address, data=data)
    return done(services, receipt)


def done(services: Services, receipt: Receipt) -> Done:
    """What a receipt tells, once it is mirrored. Raises MirrorLags."""
    services.mirrored(receipt.block_number)
    appended = tuple(entries(receipt))
    passed_over = skipped(receivables_abi(), receipt)
    return Done(appended, receipt.tx_hash, receipt.block_number, receipt.gas_used, passed_over)


def check(services: Services, sender: Address, data: bytes, *, to: Contract | None = None) -> int:
    """Gas of a call, by default to the registry, which is not sent. Raises the contract's refusals."""
    contract = to or registry_of(services)
    with known_by_name(services, currency=contract.currency):
        return preview(services.node, contract.abi, sender=sender, to=contract.address, data=data).gas


@contextmanager
def undone_if_refused(services: Services, undo: Callable[[Connection], None]) -> Iterator[None]:
    """Take back rows that were written for an operation where the contract refuses it.

    Only then: after any other failure (the node, the mirror) the operation may be on chain.
    """
    try:
        yield
    except ChainRefusal:
        with services.database.write() as connection:
            undo(connection)
        raise


@contextmanager
def known_by_name(services: Services, *, currency: Currency | None = None) -> Iterator[None]:
    """The contract knows accounts, hashes and minor units: put handles, and the words of orders, beside those that we
    know, and money in place of minor units where they are of one `currency`."""
    try:
        yield
    except ChainRefusal as refusal:
        with services.database.snapshot() as connection:
            for found in set(re.findall(r"0x(?:[0-9a-fA-F]{64}|[0-9a-fA-F]{40})\b", refusal.detail)):
                known = _known(connection, found)
                if known is not None:
                    refusal.detail = refusal.detail.replace(found, f"{known} ({found})")
        if currency is not None:
            refusal.detail = _MINOR_UNITS.sub(lambda units: _as_money(units, currency), refusal.detail)
        refusal.args = (refusal.detail,)
        raise


def _as_money(units: re.Match[str], currency: Currency) -> str:
    return " to ".join(str(Sum(int(minor), currency)) for minor in units.groups() if minor is not None)


def _currency_of(services: Services, operation: Operation) -> Currency | None:
    """That of the receivable that the operation is of, as the mirror has it."""
    receivable_id = getattr(operation, "receivable_id", None)
    if receivable_id is None:
        return None
    with services.database.snapshot() as connection:
        row = receivable_queries.receivable(connection, receivable_id)
    return None if row is None else currency_to_show(row.currency)


def _known(connection: Connection, found: str) -> str | None:
    """The handle behind an address, or authority and number behind the hash of an order."""
    if len(found) == len("0x") + 2 * len(ZERO_ADDRESS):
        party = party_queries.party_by_address(connection, parse_address(found))
        return None if party is None else party.handle
    order = order_queries.order_reference_of(connection, bytes.fromhex(found.removeprefix("0x")))
    return None if order is None else f"{order.authority}, {order.number}"


def now(services: Services) -> int:
    """The time of the newest block, in seconds."""
    block = services.node.block("latest")
    assert block is not None  # a chain has a newest block
    return block.at


def anchor_of(services: Services, operation: Operation) -> tuple[bytes, bytes]:
    """What a signature of the operation says of its receivable, as the mirror has it: anchor and claim key.

    Zeros where there is none; that there is no such receivable is the contract's refusal.
    """
    receivable_id: int = getattr(operation, "receivable_id", REGISTRY_JOURNAL)
    if not isinstance(operation, Answer):
        return lasting_anchor_of(services, receivable_id)
    with services.database.snapshot() as connection:
        row = receivable_queries.receivable(connection, receivable_id)
    return (anchors.NO_ANCHOR if row is None else row.head), anchors.NO_CLAIM_KEY


def lasting_anchor_of(services: Services, receivable_id: int) -> tuple[bytes, bytes]:
    """What every signature about the receivable says of it that is no answer: anchor and claim key, or zeros."""
    with services.database.snapshot() as connection:
        row = receivable_queries.receivable(connection, receivable_id)
    if row is None:
        return anchors.NO_ANCHOR, anchors.NO_CLAIM_KEY
    key = anchors.claim_key(row.fingerprint, row.debtor, row.originator)
    terms = anchors.lasting_terms(debtor=row.debtor, face=row.face_minor, due=row.due_at, currency=row.currency)
    return anchors.anchor(key, terms), key
