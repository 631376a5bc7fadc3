"""What takes effect only after a delay: schedule it at an AccessManager, come back, carry it out.

The account that scheduled an operation calls the registry itself when the time has come, so that the registry's journal
names the account and not the manager.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from eth_account.signers.local import LocalAccount

from registry.chain.abi import SELECTOR_BYTES, ContractAbi
from registry.chain.contract import artifact, receivables_abi
from registry.chain.rpc import Node, Receipt
from registry.chain.submit import account_address, send
from registry.domain.identifiers import Address, format_address
from registry.domain.rules import NotAuthorised


@cache
def access_abi() -> ContractAbi:
    """The ABI of an AccessManager."""
    return ContractAbi(artifact("RegistryAccess"))


@dataclass(frozen=True, slots=True)
class Done:
    """The operation was carried out."""

    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Scheduled:
    """The operation waits until `ready_at` (seconds); `receipt` is of the transaction that scheduled it just now.

    From then on there is a week to carry it out; after that it is scheduled anew.
    """

    ready_at: int
    receipt: Receipt | None


def advance(node: Node, access: Address, *, signer: LocalAccount, to: Address, data: bytes) -> Done | Scheduled:
    """Bring a call one step on: schedule it, or carry it out where no delay applies or the delay is over.

    Safe to repeat: what is scheduled and not ready yet stays as it is. Raises NotAuthorised where the account may
    never call that, and what send raises.
    """
    caller = account_address(signer)
    immediate, delay_seconds = _ask(node, access, "canCall", caller, to, data[:SELECTOR_BYTES])
    if immediate:
        return Done(send(node, receivables_abi(), signer=signer, to=to, data=data))
    if delay_seconds == 0:
        raise NotAuthorised(f"{format_address(caller)} may not do that")
    ready_at = _ready_at(node, access, caller, to, data)
    if ready_at == 0:
        call = access_abi().call("schedule", to, data, 0)  # as soon as the delay allows
        receipt = send(node, access_abi(), signer=signer, to=access, data=call)
        return Scheduled(_ready_at(node, access, caller, to, data), receipt)
    if node.pending_at() < ready_at:
        return Scheduled(ready_at, None)
    return Done(send(node, receivables_abi(), signer=signer, to=to, data=data))


def earliest(node: Node, access: Address, *, caller: Address, to: Address, data: bytes) -> int:
    """When a call can be carried out, in seconds: as it is scheduled, or were it scheduled now."""
    now, scheduled = node.pending_at(), _ready_at(node, access, caller, to, data)
    _, delay_seconds = _ask(node, access, "canCall", caller, to, data[:SELECTOR_BYTES])
    return max(now, scheduled) if scheduled else now + int(delay_seconds)


def calls_at_once(node: Node, access: Address, *, caller: Address, to: Address, selector: bytes) -> bool:
    """Whether an account may call a function without a delay."""
    immediate, _ = _ask(node, access, "canCall", caller, to, selector)
    return bool(immediate)


def _ready_at(node: Node, access: Address, caller: Address, to: Address, data: bytes) -> int:
    """When the call can be carried out; 0 where it is not scheduled, or was and has expired."""
    operation_id = _ask(node, access, "hashOperation", caller, to, data)
    return int(_ask(node, access, "getSchedule", operation_id))


def _ask(node: Node, access: Address, function: str, *arguments: object) -> Any:
    return access_abi().result(function, node.call(to=access, data=access_abi().call(function, *arguments)))
