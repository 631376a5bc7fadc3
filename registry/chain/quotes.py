"""Financing against cash: quotes that financiers sign (EIP-712), and their acceptance at the desk.

Each travels as a JSON document, as signed operations do (registry.chain.typed_data). A quote is sealed: only the holder
that it names gets its document, and the desk is shown it when it is accepted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, astuple, dataclass
from enum import IntEnum
from functools import cache
from typing import Any, ClassVar, TypeVar

from eth_account.signers.local import LocalAccount

from registry.chain.abi import ContractAbi
from registry.chain.contract import At, SignaturesView, artifact
from registry.chain.eip712 import (
    MALFORMED,
    Eip712Domain,
    Message,
    Unfit,
    fresh_nonce,
    part,
    read_part,
    to_json,
    what_is_wrong,
)
from registry.chain.erc1271 import stands_behind
from registry.chain.operations import Approve
from registry.chain.rpc import Node
from registry.chain.submit import account_address
from registry.chain.typed_data import SignedOperation, SignedOperationMalformed
from registry.domain.identifiers import Address, format_address, parse_address
from registry.domain.refusals import Refusal

DESK_NAME = "Counterfoil Financing Desk"

_T = TypeVar("_T")


class QuoteMalformed(Refusal):
    """A document that is no signed quote, or no acceptance of one."""

    code = "quote_malformed"
    status = 400
    title = "That is not a signed quote or the acceptance of one"
    default_hint = "It is the JSON that signing printed, unchanged"


class QuoteKind(IntEnum):
    """What the financier gets for its money, with the desk's numbers."""

    SALE = 1
    PLEDGE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What a financier offers the holder of the certificate [start, end). Amounts in minor units.

    Of a sale [cut, end) is sold for `price`, and `amount` is what the holder gives back on recourse, 0 without; of a
    pledge `cut` is the start, and `amount` is what is secured. `anchor` is the receivable's (registry.domain.anchors),
    `token` the deposit token of its currency, `expiry` the last instant to accept it, in seconds.
    """

    TYPE: ClassVar[str] = (
        "Quote(address financier,address holder,uint256 receivableId,uint64 start,uint64 end,uint64 cut,uint8 kind,"
        "address token,uint64 price,uint64 amount,bytes32 anchor,uint256 nonce,uint256 expiry)"
    )

    financier: Address
    holder: Address
    receivable_id: int
    start: int
    end: int
    cut: int
    kind: QuoteKind
    token: Address
    price: int
    amount: int
    anchor: bytes
    nonce: int
    expiry: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """The holder takes the quote with that digest, until `deadline` (seconds)."""

    TYPE: ClassVar[str] = "Acceptance(bytes32 quote,uint256 nonce,uint256 deadline)"

    quote: bytes
    nonce: int
    deadline: int


@cache
def desk_abi() -> ContractAbi:
    """The ABI of the desk, with what it passes on: refusals of the registry and of deposit tokens."""
    return ContractAbi(artifact("FinancingDesk"), refusing=(artifact("IReceivables"), artifact("DepositToken")))


def desk_domain(*, chain_id: int, desk: Address) -> Eip712Domain:
    """What signatures for a desk are bound to."""
    return Eip712Domain(chain_id=chain_id, contract=desk, name=DESK_NAME)


def message(signed: Quote | Acceptance, domain: Eip712Domain) -> Message:
    """What is signed."""
    return Message(signed.TYPE, asdict(signed), domain)


def digest(quote: Quote, domain: Eip712Domain) -> bytes:
    """The 32 bytes that the financier signs, which name the quote in the registry's entries."""
    return message(quote, domain).digest()


def sign(quote: Quote, financier: LocalAccount, domain: Eip712Domain, *, claim_key: bytes) -> SignedQuote:
    """The financier's signature. `claim_key` opens the quote's anchor."""
    return SignedQuote(quote, message(quote, domain).sign(financier), domain, claim_key)


def accept(
    quote: SignedQuote,
    holder: LocalAccount,
    *,
    deadline: int,
    approval: SignedOperation | None = None,
    nonce: int | None = None,
) -> SignedAcceptance:
    """The holder's acceptance by signature, until `deadline` (seconds).

    `approval` is the holder's signed Approve of the desk for the certificate, where the desk has none yet.
    """
    assert account_address(holder) == quote.quote.holder
    acceptance = Acceptance(
        quote=digest(quote.quote, quote.domain), nonce=fresh_nonce() if nonce is None else nonce, deadline=deadline
    )
    return SignedAcceptance(quote, acceptance, message(acceptance, quote.domain).sign(holder), approval)


def cancel_nonces(*, word: int, mask: int) -> bytes:
    """Calldata with which a signer gives up quotes and acceptances: the set bits of `mask` in a word of its nonces."""
    return desk_abi().call("cancelNonces", word, mask)


@dataclass(frozen=True, slots=True)
class SignedQuote:
    """A quote with its financier's signature, for the desk that it was signed for."""

    quote: Quote
    signature: bytes
    domain: Eip712Domain
    claim_key: bytes

    def call(self) -> bytes:
        """Calldata with which the holder accepts it, once it has approved the desk for the certificate."""
        return desk_abi().call("accept", *self.arguments())

    def arguments(self) -> tuple[Any, ...]:
        """What each of the desk's functions takes first: quote, signature, claim key."""
        return (astuple(self.quote), self.signature, self.claim_key)

    def is_financiers(self, node: Node) -> bool:
        """Whether the desk would take the signature as the financier's now, be that an account or a contract."""
        return stands_behind(node, self.quote.financier, message(self.quote, self.domain), self.signature)

    def to_json(self) -> dict[str, Any]:
        """The document."""
        return {
            "quote": to_json(self.quote),
            "signature": to_json(self.signature),
            "claim_key": to_json(self.claim_key),
            "chain_id": str(self.domain.chain_id),
            "desk": format_address(self.domain.contract),
        }

    @classmethod
    def from_json(cls, document: Any) -> SignedQuote:
        """Read a document of a stranger's. Raises QuoteMalformed."""
        return _read(cls._from_json, document)

    @classmethod
    def _from_json(cls, document: Mapping[str, Any]) -> SignedQuote:
        signed = cls(
            read_part(Quote, document, "quote"),
            read_part(bytes, document, "signature"),
            desk_domain(
                chain_id=read_part(int, document, "chain_id"), desk=parse_address(read_part(str, document, "desk"))
            ),
            read_part(bytes, document, "claim_key"),
        )
        signed.call()
        return signed


@dataclass(frozen=True, slots=True)
class SignedAcceptance:
    """A signed quote that its holder accepted by signature: anyone submits it."""

    quote: SignedQuote
    acceptance: Acceptance
    signature: bytes
    approval: SignedOperation | None = None

    def call(self) -> bytes:
        """Calldata with which anyone submits it."""
        acceptance = (self.acceptance.nonce, self.acceptance.deadline, self.signature)
        if self.approval is None:
            return desk_abi().call("acceptBySignature", *self.quote.arguments(), acceptance)
        approval = self.approval.by.encodable()
        return desk_abi().call("acceptWithApproval", *self.quote.arguments(), acceptance, approval)

    def is_accounts(self) -> bool:
        """Whether the signature is the holder's own key's; a contract's (ERC-1271) is not."""
        return message(self.acceptance, self.quote.domain).is_signed_by(self.quote.quote.holder, self.signature)

    def to_json(self) -> dict[str, Any]:
        """The document: the quote's, and what the holder signed."""
        return self.quote.to_json() | {
            "acceptance": {
                "nonce": str(self.acceptance.nonce),
                "deadline": str(self.acceptance.deadline),
                "signature": to_json(self.signature),
            },
            "approval": None if self.approval is None else self.approval.to_json(),
        }

    @classmethod
    def from_json(cls, document: Any) -> SignedAcceptance:
        """Read a document of a stranger's. Raises QuoteMalformed."""
        return _read(cls._from_json, document)

    @classmethod
    def _from_json(cls, document: Mapping[str, Any]) -> SignedAcceptance:
        quote, given, approval = (
            SignedQuote._from_json(document),
            part(document, "acceptance"),
            part(document, "approval"),
        )
        signed = cls(
            quote,
            Acceptance(
                quote=digest(quote.quote, quote.domain),
                nonce=read_part(int, given, "nonce"),
                deadline=read_part(int, given, "deadline"),
            ),
            read_part(bytes, given, "signature"),
            None if approval is None else _approval_of(quote, SignedOperation.from_json(approval)),
        )
        signed.call()
        return signed


def _approval_of(signed: SignedQuote, approval: SignedOperation) -> SignedOperation:
    """The approval, which must be the desk's for the quote's certificate: the desk submits nothing else."""
    quote = signed.quote
    wanted = Approve(receivable_id=quote.receivable_id, start=quote.start, end=quote.end, to=signed.domain.contract)
    if approval.operation != wanted:
        raise Unfit("the approval is not the desk's for this certificate")
    return approval


def _read(reader: Callable[[Any], _T], document: Any) -> _T:
    try:
        return reader(document)
    except MALFORMED as error:
        raise QuoteMalformed(what_is_wrong(error)) from error
    except SignedOperationMalformed as error:
        raise QuoteMalformed(error.detail) from error


class DeskView(SignaturesView):
    """Reads of one financing desk."""

    def __init__(self, node: Node, address: Address) -> None:
        super().__init__(node, address, desk_abi())

    def digest(self, quote: Quote, *, block: At = "latest") -> bytes:
        """The digest of a quote, as the desk says it."""
        return bytes(self.read("digest", astuple(quote), block=block))

    def registry(self) -> Address:
        """The registry whose certificates are financed here."""
        return parse_address(self.read("registry"))
