"""Sign and send: one transaction at a time, its revert named before anything is signed."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from eth_account.signers.local import LocalAccount

from registry.chain import reverts
from registry.chain.abi import ContractAbi
from registry.chain.rpc import CallReverted, Node, RawLog, Receipt, RpcFailed, parse_receipt
from registry.domain.decode import ENTRY_TOPICS, decode
from registry.domain.identifiers import Address, format_address
from registry.domain.journal import Entry
from registry.errors import ServiceError

GAS_MARGIN_PERCENT = 20
"""Added to the estimate: storage may have been warmed or cleared by the time the transaction is mined."""

RECEIPT_WAIT_SECONDS = 120
RECEIPT_POLL_SECONDS = 0.5
NONCE_TRIES_MAX = 4
TIP_WEI = 1_000_000_000


class TransactionPending(ServiceError):
    """The transaction was sent and its outcome is not known."""

    code = "transaction_pending"
    status = 504
    title = "The transaction was sent, and its outcome is not known yet"
    default_hint = "Do not repeat it before you have looked the transaction up: it may still be mined"


@dataclass(frozen=True, slots=True)
class Preview:
    """What a transaction would do: `gas` it would use."""

    gas: int


def preview(node: Node, abi: ContractAbi, *, sender: Address, to: Address | None, data: bytes) -> Preview:
    """Estimate a transaction. Raises the contract's named refusal where it would revert."""
    try:
        return Preview(node.estimate_gas(to=to, data=data, sender=sender))
    except CallReverted as reverted:
        raise reverts.refusal(abi, reverted) from reverted


def send(
    node: Node,
    abi: ContractAbi,
    *,
    signer: LocalAccount,
    to: Address | None,
    data: bytes,
    announce: Callable[[bytes], None] | None = None,
) -> Receipt:
    """Send a transaction and wait for its receipt.

    `to` None deploys; `announce` is told the hash before the transaction leaves. Raises the contract's named refusal,
    before signing where it already would revert; NodeUnreachable; TransactionPending where the node took it and no
    receipt came in time.
    """
    sender = account_address(signer)
    gas = preview(node, abi, sender=sender, to=to, data=data).gas
    margin = gas * GAS_MARGIN_PERCENT // 100
    receipt = _send_signed(node, signer, to=to, data=data, gas=gas + margin, announce=announce)
    if not receipt.succeeded:
        # Something mined in between changed the answer: ask the block itself why.
        if to is not None:
            try:
                node.call(to=to, data=data, sender=sender, block=receipt.block_number)
            except CallReverted as reverted:
                raise reverts.refusal(abi, reverted) from reverted
        raise reverts.UnnamedRevert(f"transaction 0x{receipt.tx_hash.hex()} failed")
    return receipt


def entries(receipt: Receipt) -> list[Entry]:
    """The journal entries that a transaction appended, in order."""
    return [decode(log.topics, log.data) for log in entry_logs(receipt)]


def entry_logs(receipt: Receipt) -> list[RawLog]:
    """The logs that tell of them."""
    known = set(ENTRY_TOPICS)
    return [log for log in receipt.logs if log.topics[:32] in known]


def account_address(signer: LocalAccount) -> Address:
    """The signer's address, 20 bytes."""
    return bytes.fromhex(str(signer.address).removeprefix("0x"))


def _send_signed(
    node: Node,
    signer: LocalAccount,
    *,
    to: Address | None,
    data: bytes,
    gas: int,
    announce: Callable[[bytes], None] | None,
) -> Receipt:
    sender = account_address(signer)
    for attempt in range(NONCE_TRIES_MAX):
        # Threads of one account take turns until the node has the transaction: then the next nonce is free.
        with _turns[sender]:
            signed = signer.sign_transaction(_transaction(node, sender, to=to, data=data, gas=gas))
            tx_hash = bytes(signed.hash)
            if announce is not None:
                announce(tx_hash)
            try:
                receipt = _submit(node, bytes(signed.raw_transaction))
                break
            except RpcFailed as failed:
                # A gateway that sends twice gets a receipt, or an error, for the second copy: the first one counts, and
                # a second signature would do the same thing twice.
                if node.knows_transaction(tx_hash):
                    receipt = None
                    break
                # Another process of the same account was faster; the next nonce is free.
                if "nonce" not in failed.detail.lower() or attempt == NONCE_TRIES_MAX - 1:
                    raise
    return await_receipt(node, tx_hash) if receipt is None else receipt


_turns: dict[Address, threading.RLock] = defaultdict(threading.RLock)


def _transaction(node: Node, sender: Address, *, to: Address | None, data: bytes, gas: int) -> dict[str, Any]:
    latest = node.block("latest")
    if latest is None:
        raise RpcFailed("the node has no newest block")
    transaction: dict[str, Any] = {
        "chainId": node.chain_id,
        "nonce": node.nonce(sender),
        "gas": gas,
        "value": 0,
        "data": data,
    }
    if to is not None:
        transaction["to"] = format_address(to)
    if latest.base_fee is None:
        transaction["gasPrice"] = node.gas_price()
    else:
        transaction["maxPriorityFeePerGas"] = TIP_WEI
        transaction["maxFeePerGas"] = latest.base_fee * 2 + TIP_WEI
    return transaction


def _submit(node: Node, raw: bytes) -> Receipt | None:
    """The receipt, where the node waits for it."""
    if node.chain_id == DEV_CHAIN_ID:
        # Anvil mines at once and answers with the receipt; after a plain send its receipt is sometimes still null.
        return parse_receipt(node.request("eth_sendRawTransactionSync", "0x" + raw.hex()))
    node.request("eth_sendRawTransaction", "0x" + raw.hex())
    return None


def await_receipt(node: Node, tx_hash: bytes) -> Receipt:
    """The receipt of a transaction that the node has. Raises TransactionPending where it does not come in time."""
    deadline = time.monotonic() + RECEIPT_WAIT_SECONDS
    while time.monotonic() < deadline:
        receipt = node.receipt(tx_hash)
        if receipt is not None:
            return receipt
        time.sleep(RECEIPT_POLL_SECONDS)
    raise TransactionPending(f"transaction 0x{tx_hash.hex()}")


DEV_CHAIN_ID = 31337
"""Chain id of the own dev chain; the well-known dev keys are used there and nowhere else."""
