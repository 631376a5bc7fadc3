"""From the bytes of a revert to a refusal with a name."""

from __future__ import annotations

from typing import Any

from registry.chain.abi import ContractAbi
from registry.chain.rpc import CallReverted
from registry.domain import calendar
from registry.domain.identifiers import (
    CertificateId,
    format_address,
    format_receivable_id,
    parse_address,
)
from registry.domain.receivable import Status
from registry.domain.rules import CHAIN_REFUSALS, ChainRefusal, NotAuthorised

_START_MASK = 2**64 - 1
_STATUSES = frozenset(Status)


class UnnamedRevert(ChainRefusal):
    """The contract reverted without a custom error that we know."""

    code = "unnamed_revert"
    title = "The contract reverted for a reason that it does not name"
    default_hint = "Is the deployed contract the one that this software was built for?"


def refusal(abi: ContractAbi, reverted: CallReverted) -> ChainRefusal:
    """The named refusal behind a revert; UnnamedRevert for data that is no custom error of the contract."""
    decoded = abi.error(reverted.data)
    if decoded is None:
        return UnnamedRevert(f"{reverted.detail} (data 0x{reverted.data.hex()})")
    name, arguments = decoded
    if name == "AccessManagedUnauthorized":
        return NotAuthorised(f"{_text('caller', arguments['caller'])} may not do that")
    kind = CHAIN_REFUSALS.get(name)
    if kind is None:
        return UnnamedRevert(f"{name} {dict(arguments)}")
    facts = ", ".join(f"{_words(key)} {_text(key, value)}" for key, value in arguments.items())
    return kind(f"{kind.title}: {facts}" if facts else "")


def _words(name: str) -> str:
    """receivableId -> receivable; camelCase to words."""
    spaced = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name)
    return spaced.removesuffix(" id")


def _text(name: str, value: Any) -> str:
    match name:
        case "receivableId":
            return format_receivable_id(value)
        case "certificateId":
            return str(CertificateId(value >> 64, value & _START_MASK, 0)).removesuffix("-0")
        case "due":
            return calendar.day(value)
        case "status" if value in _STATUSES:
            return Status(value).name.lower()
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, str) and value.startswith("0x"):
        return format_address(parse_address(value))
    return str(value)
