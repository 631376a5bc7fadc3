"""From the bytes of a revert to a refusal with a name."""

from __future__ import annotations

from typing import Any

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError

from registry.chain.abi import SELECTOR_BYTES, ContractAbi
from registry.chain.rpc import CallReverted, Receipt
from registry.domain import calendar
from registry.domain.identifiers import (
    CertificateId,
    format_address,
    format_receivable_id,
    parse_address,
)
from registry.domain.keccak import keccak256
from registry.domain.money import CURRENCIES
from registry.domain.printable import printable
from registry.domain.receivable import Status
from registry.domain.rules import CHAIN_REFUSALS, ChainRefusal, NotAuthorised, RulesForbid

_START_MASK = 2**64 - 1
_STATUSES = frozenset(Status)
_CURRENCIES = {known.numeric: known.code for known in CURRENCIES.values()}
_UINT40_MAX = 2**40 - 1
_ERROR, _PANIC = (keccak256(signature)[:SELECTOR_BYTES] for signature in (b"Error(string)", b"Panic(uint256)"))
_SKIPPED = keccak256(b"RedemptionSkipped(uint256,bytes4)")

_AMOUNTS = frozenset({"allowance", "balance", "minimum", "most", "needed", "paid", "payable_"})
"""Arguments of custom errors that are amounts."""

REASON_CHARACTERS_MAX = 300
"""Of the text that extra rules revert with: anybody's contract may say anything."""


class UnnamedRevert(ChainRefusal):
    """The contract reverted without a custom error that we know."""

    code = "unnamed_revert"
    title = "The contract reverted for a reason that it does not name"
    default_hint = "Is the deployed contract the one that this software was built for?"


class NotScheduled(ChainRefusal):
    """The AccessManager knows nothing of the call. Raised by it, as the next ones are."""

    code = "not_scheduled"
    status = 409
    title = "This takes effect only after a delay, and was not scheduled"
    default_hint = "Give the command: the first time it schedules, after the delay the same command carries it out"


class NotReady(ChainRefusal):
    """The delay is not over."""

    code = "not_ready"
    status = 409
    title = "This was scheduled, and its delay is not over"
    default_hint = "Give the same command again when it is: it tells the instant"


class ScheduleExpired(ChainRefusal):
    """The delay was over for too long."""

    code = "schedule_expired"
    status = 409
    title = "This was scheduled, and was not carried out in the week after its delay"
    default_hint = "Give the command again: it schedules anew"


class AlreadyScheduled(ChainRefusal):
    """The same call waits already."""

    code = "already_scheduled"
    status = 409
    title = "The same was scheduled already"
    default_hint = "Give the same command again when the delay is over"


class ReferenceMissing(ChainRefusal):
    """A booking without the bank's reference. Raised by a deposit token, as the next ones are."""

    code = "reference_missing"
    title = "A booking needs the bank's reference"


class ReferenceUsed(ChainRefusal):
    """Each booking counts once."""

    code = "reference_used"
    status = 409
    title = "This booking was made already"
    default_hint = "A correction is a booking of its own, with a reference of its own"


class InsufficientDeposit(ChainRefusal):
    """The account's deposit is smaller than the amount."""

    code = "insufficient_deposit"
    status = 409
    title = "The deposit is too small"
    default_hint = (
        "Once money has come in the settlement bank books it: `counterfoil deposit mint AMOUNT CUR --to PARTY`"
    )


class InsufficientAllowance(ChainRefusal):
    """The account has not allowed the spender to take the amount."""

    code = "insufficient_allowance"
    status = 409
    title = "The owner has not allowed so much of its deposit to be taken"
    default_hint = (
        "`counterfoil deposit allow AMOUNT CUR --spender registry` for repurchases and signed payments, "
        "`--spender desk` for quotes"
    )


class AccountMissing(ChainRefusal):
    """Nobody's address in the place of an account."""

    code = "account_missing"
    title = "Deposits neither come from nor go to nobody"


class PermitExpired(ChainRefusal):
    """The permit's deadline is over."""

    code = "permit_expired"
    status = 409
    title = "The permit no longer counts"
    default_hint = "Sign another one with a later deadline"


class PermitInvalid(ChainRefusal):
    """Another account signed, another amount or nonce was signed, or the permit was used."""

    code = "permit_invalid"
    title = "The permit is not the owner's for this amount, or it was used"
    default_hint = "Sign exactly what is submitted, with the owner's present nonce"


class QuoteExpired(ChainRefusal):
    """The quote's last instant is over. Raised by the desk, as the next ones are."""

    code = "quote_expired"
    status = 409
    title = "The quote no longer counts"
    default_hint = "Ask the financier for another one"


class QuoteUsed(ChainRefusal):
    """The quote's nonce is used."""

    code = "quote_used"
    status = 409
    title = "The quote was accepted or given up, or another one in its place"
    default_hint = "Ask the financier for another one"


class NotQuoteHolder(ChainRefusal):
    """A quote is for one holder."""

    code = "not_quote_holder"
    status = 403
    title = "Only the holder that the quote names accepts it"


class KindMalformed(ChainRefusal):
    """A quote of neither kind."""

    code = "quote_kind_malformed"
    title = "A quote is of a sale or of a pledge"


class WrongToken(ChainRefusal):
    """A quote in another money than the receivable's."""

    code = "wrong_token"
    status = 409
    title = "The quote does not pay in the deposit token of the receivable's currency"


_MONEY_REFUSALS: dict[str, type[ChainRefusal]] = {
    "ReferenceMissing": ReferenceMissing,
    "ReferenceUsed": ReferenceUsed,
    "ERC20InsufficientBalance": InsufficientDeposit,
    "ERC20InsufficientAllowance": InsufficientAllowance,
    "ERC20InvalidReceiver": AccountMissing,
    "ERC20InvalidSender": AccountMissing,
    "ERC20InvalidSpender": AccountMissing,
    "ERC2612ExpiredSignature": PermitExpired,
    "ERC2612InvalidSigner": PermitInvalid,
    "ECDSAInvalidSignature": PermitInvalid,
    "ECDSAInvalidSignatureS": PermitInvalid,
    "QuoteExpired": QuoteExpired,
    "QuoteUsed": QuoteUsed,
    "NotQuoteHolder": NotQuoteHolder,
    "KindMalformed": KindMalformed,
    "WrongToken": WrongToken,
}
"""By custom error of a deposit token or of the desk, where it is not the registry's too."""

_MANAGER_REFUSALS: dict[str, type[ChainRefusal]] = {
    "AccessManagerNotScheduled": NotScheduled,
    "AccessManagerNotReady": NotReady,
    "AccessManagerExpired": ScheduleExpired,
    "AccessManagerAlreadyScheduled": AlreadyScheduled,
}
"""By custom error; what they carry is the hash of the call, which tells nobody anything."""

_UNAUTHORISED = {
    "AccessManagedUnauthorized": "caller",
    "AccessManagerUnauthorizedCall": "caller",
    "AccessManagerUnauthorizedAccount": "msgsender",
    "AccessManagerUnauthorizedCancel": "msgsender",
}
"""Custom errors of AccessManager and what it manages, and the argument that names who may not."""


def refusal(abi: ContractAbi, reverted: CallReverted) -> ChainRefusal:
    """The named refusal behind a revert; UnnamedRevert for data that is no custom error of the contract."""
    decoded = abi.error(reverted.data)
    if decoded is None:
        return UnnamedRevert(f"{reverted.detail} (data 0x{reverted.data.hex()})")
    name, arguments = decoded
    if name in _UNAUTHORISED:
        return NotAuthorised(f"{_text('caller', arguments[_UNAUTHORISED[name]])} may not do that")
    if name in _MANAGER_REFUSALS:
        return _MANAGER_REFUSALS[name]()
    kind = _kind(name)
    if kind is UnnamedRevert:
        return UnnamedRevert(f"{name} {dict(arguments)}")
    if kind is RulesForbid:
        return RulesForbid(f"{RulesForbid.title}: {_reason(abi, arguments['reason'])}")
    facts = ", ".join(f"{_words(key)} {_text(key, value)}" for key, value in arguments.items())
    return kind(f"{kind.title}: {facts}" if facts else "")


def skipped(abi: ContractAbi, receipt: Receipt) -> dict[tuple[int, int], type[ChainRefusal]]:
    """What a batch did not pay out, by (receivable id, start), and what a single redemption would be refused with.

    That is RedemptionSkipped, which names the error without its facts; HolderSuspended is refused in batches alone.
    """
    return {
        divmod(int.from_bytes(log.topics[32:64]), 1 << 64): _kind(abi.error_name(log.data[:SELECTOR_BYTES]))
        for log in receipt.logs
        if log.topics[:32] == _SKIPPED
    }


def _kind(name: str | None) -> type[ChainRefusal]:
    """The refusal behind a custom error of that name; UnnamedRevert for one that we do not know."""
    return CHAIN_REFUSALS.get(name or "") or _MONEY_REFUSALS.get(name or "") or UnnamedRevert


def _reason(abi: ContractAbi, data: bytes) -> str:
    """What the extra rules reverted with, in words where they can be read."""
    selector, arguments = data[:SELECTOR_BYTES], data[SELECTOR_BYTES:]
    if not data:
        return "they give no reason"
    known = abi.error(data)
    if known is not None and known[0] != RulesForbid.__name__:  # a contract of a stranger's could nest them for ever
        return refusal(abi, CallReverted(data)).detail
    try:
        if selector == _ERROR:
            return printable(str(decode(["string"], arguments)[0]))[:REASON_CHARACTERS_MAX]
        if selector == _PANIC:
            return f"they failed (panic {decode(['uint256'], arguments)[0]:#x})"
    except (DecodingError, UnicodeDecodeError):
        pass  # told as bytes, like any other reason that is not readable
    return f"0x{data.hex()}"[:REASON_CHARACTERS_MAX]


def _words(name: str) -> str:
    """receivableId -> receivable; camelCase to words, without the underscore that tells a name from a keyword."""
    spaced = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name.rstrip("_"))
    return spaced.removesuffix(" id")


def _text(name: str, value: Any) -> str:
    match name:
        case "receivableId":
            return format_receivable_id(value)
        case "certificateId":
            return str(CertificateId(value >> 64, value & _START_MASK, 0)).removesuffix("-0")
        case _ if name in _AMOUNTS:
            return f"{value} minor units"
        case "due" | "latest":
            return calendar.day(value)
        case "currency" if value in _CURRENCIES:
            return _CURRENCIES[value]
        case "answerBy" | "from" | "deadline" | "expiry" if value <= _UINT40_MAX:
            return calendar.instant(value)
        case "status" if value in _STATUSES:
            return Status(value).name.lower()
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, str) and value.startswith("0x"):
        return format_address(parse_address(value))
    return str(value)
