"""What people want the registry to do: one class per operation that can be signed (registry.chain.typed_data).

TYPE is the operation's EIP-712 type as the contracts have it, contracts/ReceivablesBySignature.sol and its extensions.
Amounts and cuts are minor units, instants seconds.
"""

from __future__ import annotations

from dataclasses import asdict, astuple, dataclass
from typing import Any, ClassVar

from registry.domain.anchors import NO_ANCHOR, NO_CLAIM_KEY
from registry.domain.identifiers import Address, range_word
from registry.domain.receivable import Offer
from registry.domain.rules import Claim, Part


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The terms of a registered receivable, as every answer to it names them."""

    originator: Address
    registered_at: int
    answer_by: int
    claim: Claim


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorisation:
    """A signature that stands for its signer's own transaction.

    `anchor` is what it says of the receivable: for an answer the head of the journal, for all else about a receivable
    what `claim_key` opens (registry.domain.anchors), zeros where the operation names none.
    """

    signer: Address
    nonce: int
    deadline: int
    anchor: bytes
    signature: bytes
    claim_key: bytes = NO_CLAIM_KEY

    def encodable(self) -> tuple[Any, ...]:
        """IReceivablesRecords.Authorisation."""
        return (self.signer, self.nonce, self.deadline, self.anchor, self.claim_key, self.signature)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """An operation as its actor names it: the contract's arguments in their order."""

    TYPE: ClassVar[str]

    @classmethod
    def function(cls) -> str:
        """The contract's function: splitMany."""
        name = cls.__name__
        return name[0].lower() + name[1:]

    @classmethod
    def signed_function(cls) -> str:
        """The function that takes an authorisation after the same arguments."""
        return f"{cls.function()}BySignature"

    def arguments(self) -> tuple[Any, ...]:
        """The function's arguments, without an authorisation."""
        return astuple(self)

    def signed_arguments(self) -> tuple[Any, ...]:
        """The same of the function that takes an authorisation after them."""
        return self.arguments()

    def values(self) -> dict[str, Any]:
        """What the fields of TYPE, and of the structures in it, are taken from, by their names in snake_case."""
        return asdict(self)


# ---------------------------------------------------------------- receivables


@dataclass(frozen=True, slots=True)
class Register(Operation):
    """Register a claim; the actor is the originator."""

    TYPE = (
        "Register(address signer,address debtor,uint64 face,uint40 due,uint16 currency,bytes32 fingerprint,"
        "bytes32 documentRoot,uint256 nonce,uint256 deadline)"
    )

    claim: Claim

    def values(self) -> dict[str, Any]:
        """The claim's own."""
        return asdict(self.claim)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Operation):
    """An answer to a claim. `since` are the hashes of the entries since the registration, mostly none."""

    receivable_id: int
    terms: Terms
    since: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirm(Answer):
    """Confirm the claim as it was registered. Debtor."""

    TYPE = (
        "Confirm(address signer,uint256 receivableId,address originator,uint64 face,uint40 due,uint16 currency,"
        "bytes32 anchor,uint256 nonce,uint256 deadline)"
    )

    def values(self) -> dict[str, Any]:
        """The terms' own."""
        terms = self.terms
        return {"receivable_id": self.receivable_id, "originator": terms.originator, **asdict(terms.claim)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse(Answer):
    """Refuse the claim, with a reason code. Debtor."""

    TYPE = "Refuse(address signer,uint256 receivableId,uint8 reason,bytes32 anchor,uint256 nonce,uint256 deadline)"

    reason: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdraw(Answer):
    """Take the claim back. Originator."""

    TYPE = "Withdraw(address signer,uint256 receivableId,bytes32 anchor,uint256 nonce,uint256 deadline)"


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterOffer(Answer):
    """Offer to confirm a lower amount, another date, or both. Debtor."""

    TYPE = (
        "CounterOffer(address signer,uint256 receivableId,uint64 face,uint40 due,"
        "bytes32 anchor,uint256 nonce,uint256 deadline)"
    )

    face: int
    due: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptOffer(Answer):
    """Accept the last counter-offer; `since` are the entries between registration and offer. Originator."""

    TYPE = (
        "AcceptOffer(address signer,uint256 receivableId,uint64 face,uint40 due,"
        "bytes32 anchor,uint256 nonce,uint256 deadline)"
    )

    offer: Offer

    def values(self) -> dict[str, Any]:
        """The offer's own."""
        return {"receivable_id": self.receivable_id, **asdict(self.offer)}


# --------------------------------------------------------------- certificates


class _OfRange(Operation):
    """Of a certificate, which the contract is told of in one word: the first three fields are its range."""

    __slots__ = ()

    def arguments(self) -> tuple[Any, ...]:
        """The range, and the other fields."""
        receivable_id, start, end, *others = astuple(self)
        return (range_word(receivable_id, start, end), *others)


@dataclass(frozen=True, slots=True, kw_only=True)
class Move(_OfRange):
    """What is done with the certificate [start, end)."""

    receivable_id: int
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Split(Move):
    """Cut [cut, end) off for the receiver."""

    TYPE = (
        "Split(address signer,uint256 receivableId,uint64 start,uint64 end,uint64 cut,address receiver,"
        "bytes32 document,bytes32 anchor,uint256 nonce,uint256 deadline)"
    )

    cut: int
    receiver: Address
    document: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitMany(Move):
    """Cut several parts off, each from the tail of what is left."""

    TYPE = (
        "SplitMany(address signer,uint256 receivableId,uint64 start,uint64 end,Part[] parts,"
        "bytes32 anchor,uint256 nonce,uint256 deadline)Part(uint64 cut,address receiver,bytes32 document)"
    )

    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endorse(Move):
    """Hand the whole certificate to the receiver."""

    TYPE = (
        "Endorse(address signer,uint256 receivableId,uint64 start,uint64 end,address receiver,bytes32 document,"
        "bytes32 anchor,uint256 nonce,uint256 deadline)"
    )

    receiver: Address
    document: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchoredEndorsement:
    """One certificate of a batch endorsement; anchor and claim key, as an authorisation's, count by signature alone."""

    receivable_id: int
    start: int
    end: int
    receiver: Address
    document: bytes
    anchor: bytes = NO_ANCHOR
    claim_key: bytes = NO_CLAIM_KEY


@dataclass(frozen=True, slots=True, kw_only=True)
class EndorseMany(Operation):
    """Hand several certificates on, of one or several receivables: all or none."""

    TYPE = (
        "EndorseMany(address signer,Endorsement[] endorsements,uint256 nonce,uint256 deadline)"
        "Endorsement(uint256 receivableId,uint64 start,uint64 end,address receiver,bytes32 document,bytes32 anchor)"
    )

    endorsements: tuple[AnchoredEndorsement, ...]

    def arguments(self) -> tuple[Any, ...]:
        """Ranges, receivers and documents."""
        return ([row[:3] for row in self._rows()],)

    def signed_arguments(self) -> tuple[Any, ...]:
        """The same with anchors and claim keys."""
        return (self._rows(),)

    def _rows(self) -> list[tuple[Any, ...]]:
        rows = (astuple(each) for each in self.endorsements)
        return [(range_word(receivable_id, start, end), *others) for receivable_id, start, end, *others in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge(_OfRange):
    """Join [start, cut) with [cut, end), of the same holder."""

    TYPE = (
        "Merge(address signer,uint256 receivableId,uint64 start,uint64 cut,uint64 end,"
        "bytes32 anchor,uint256 nonce,uint256 deadline)"
    )

    receivable_id: int
    start: int
    cut: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Approve(Move):
    """Let somebody move the certificate; a transaction of the holder's own names it by token id alone (ERC-721)."""

    TYPE = (
        "Approve(address signer,uint256 receivableId,uint64 start,uint64 end,address to,"
        "bytes32 anchor,uint256 nonce,uint256 deadline)"
    )

    to: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class SetApprovalForAll(Operation):
    """Let an operator move all certificates of the signer, or no longer."""

    TYPE = "SetApprovalForAll(address signer,address operator,bool approved,uint256 nonce,uint256 deadline)"

    operator: Address
    approved: bool


# ---------------------------------------------------------------------- money


@dataclass(frozen=True, slots=True, kw_only=True)
class Pledge(Move):
    """Pledge the whole certificate: the financier is paid first of it, up to `secured`."""

    TYPE = (
        "Pledge(address signer,uint256 receivableId,uint64 start,uint64 end,address financier,uint64 secured,"
        "bytes32 anchor,uint256 nonce,uint256 deadline)"
    )

    financier: Address
    secured: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Release(Move):
    """Give up the lien. The financier that has it."""

    TYPE = (
        "Release(address signer,uint256 receivableId,uint64 start,uint64 end,"
        "bytes32 anchor,uint256 nonce,uint256 deadline)"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Pay(Operation):
    """Pay so much of the receivable, of deposits that the registry may take from the payer."""

    TYPE = "Pay(address signer,uint256 receivableId,uint64 amount,bytes32 anchor,uint256 nonce,uint256 deadline)"

    receivable_id: int
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DemandRecourse(Move):
    """Ask the seller to take an overdue certificate back. Holder."""

    TYPE = (
        "DemandRecourse(address signer,uint256 receivableId,uint64 start,uint64 end,"
        "bytes32 anchor,uint256 nonce,uint256 deadline)"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Repurchase(Move):
    """Take a certificate back on demand, for what is outstanding of its recourse. Seller."""

    TYPE = (
        "Repurchase(address signer,uint256 receivableId,uint64 start,uint64 end,"
        "bytes32 anchor,uint256 nonce,uint256 deadline)"
    )


class _Seconded(Operation):
    """Two stand behind it: one sends it, the other one signs it."""

    __slots__ = ()

    @classmethod
    def signed_function(cls) -> str:
        """The function itself: there is none without a second one's authorisation."""
        return cls.function()


class Agreement(_Seconded):
    """Originator and debtor stand behind it, whichever of them sends and signs; or both sign and anyone submits."""

    __slots__ = ()

    @classmethod
    def agreed_function(cls) -> str:
        """The function that takes both authorisations after the same arguments."""
        return f"{cls.function()}BySignature"


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditNote(Agreement, Move):
    """Take [start, start + amount) away from the front certificate."""

    TYPE = (
        "CreditNote(address signer,uint256 receivableId,uint64 start,uint64 end,uint64 amount,"
        "bytes32 anchor,uint256 nonce,uint256 deadline)"
    )

    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute(Agreement, Move):
    """Put [start, cut) of the front certificate in dispute."""

    TYPE = (
        "Dispute(address signer,uint256 receivableId,uint64 start,uint64 end,uint64 cut,"
        "bytes32 anchor,uint256 nonce,uint256 deadline)"
    )

    cut: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolve(Agreement):
    """End the dispute: what of it was not credited is owed."""

    TYPE = "Resolve(address signer,uint256 receivableId,bytes32 anchor,uint256 nonce,uint256 deadline)"

    receivable_id: int


# --------------------------------------------------------------------- orders


class Order(_Seconded):
    """Two officers stand behind it."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition(Order, Move):
    """Cut the holder's certificate to the exact cents of an order."""

    TYPE = (
        "Partition(address signer,uint256 receivableId,uint64 start,uint64 end,uint64 cut,address holder,"
        "bytes32 order,bytes32 anchor,uint256 nonce,uint256 deadline)"
    )

    cut: int
    holder: Address
    order: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class FreezeCertificate(Order, Move):
    """Freeze the holder's certificate until `expiry`."""

    TYPE = (
        "FreezeCertificate(address signer,uint256 receivableId,uint64 start,uint64 end,address holder,"
        "bytes32 order,uint40 expiry,bytes32 anchor,uint256 nonce,uint256 deadline)"
    )

    holder: Address
    order: bytes
    expiry: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UnfreezeCertificate(Order, Move):
    """Lift an order from a certificate."""

    TYPE = (
        "UnfreezeCertificate(address signer,uint256 receivableId,uint64 start,uint64 end,bytes32 order,"
        "bytes32 anchor,uint256 nonce,uint256 deadline)"
    )

    order: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class FreezeReceivable(Order):
    """Freeze all certificates of a receivable until `expiry`."""

    TYPE = (
        "FreezeReceivable(address signer,uint256 receivableId,bytes32 order,uint40 expiry,"
        "bytes32 anchor,uint256 nonce,uint256 deadline)"
    )

    receivable_id: int
    order: bytes
    expiry: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UnfreezeReceivable(Order):
    """Lift an order from a receivable."""

    TYPE = (
        "UnfreezeReceivable(address signer,uint256 receivableId,bytes32 order,"
        "bytes32 anchor,uint256 nonce,uint256 deadline)"
    )

    receivable_id: int
    order: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class FreezeMember(Order):
    """Freeze all certificates of a member until `expiry`."""

    TYPE = "FreezeMember(address signer,address member,bytes32 order,uint40 expiry,uint256 nonce,uint256 deadline)"

    member: Address
    order: bytes
    expiry: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UnfreezeMember(Order):
    """Lift an order from a member."""

    TYPE = "UnfreezeMember(address signer,address member,bytes32 order,uint256 nonce,uint256 deadline)"

    member: Address
    order: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ForceTransfer(Order, Move):
    """Hand the holder's certificate, frozen under the order, to the receiver."""

    TYPE = (
        "ForceTransfer(address signer,uint256 receivableId,uint64 start,uint64 end,address holder,address receiver,"
        "bytes32 order,bytes32 anchor,uint256 nonce,uint256 deadline)"
    )

    holder: Address
    receiver: Address
    order: bytes
