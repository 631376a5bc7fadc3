"""Journal entries: one class per operation, with the names, the order and the hash that the contract gives them.

The formulas are those of contracts/libraries/Journal.sol:

    genesis = keccak256("counterfoil/1" as bytes32, chain id, contract, journal id)
    entry   = keccak256(operation, at, start, end, keccak256(details...))
    head'   = keccak256(head, entry)

every part a 32-byte word. The details of an entry are the event's fields in their order, without the journal id, the
range and the time. The fields are declared once, here; the event signature, the decoder and the hash all follow from
the declaration, and a test holds it against the compiled ABI.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from struct import Struct
from typing import Any, ClassVar, Literal

from registry.domain.identifiers import Address
from registry.domain.keccak import keccak256

DOMAIN_TAG = b"counterfoil/1".ljust(32, b"\0")

REGISTRY_JOURNAL = 0
"""Journal id of the registry itself (R-0)."""

Part = Literal["journal", "range", "detail", "time"]


def word(value: int | bytes) -> bytes:
    """One ABI word: an unsigned integer or up to 20 bytes of address right-aligned; bytes32 as they are."""
    if isinstance(value, int):
        return value.to_bytes(32)
    return value.rjust(32, b"\0")


def genesis(*, chain_id: int, contract: Address, journal_id: int) -> bytes:
    """Head of an empty journal: 32 bytes."""
    return keccak256(DOMAIN_TAG + word(chain_id) + word(contract) + word(journal_id))


def append(head: bytes, entry_hash: bytes) -> bytes:
    """Head after one more entry: 32 bytes."""
    return keccak256(head + entry_hash)


@dataclass(frozen=True, slots=True)
class Argument:
    """How one event argument is written: its ABI type, whether it is a topic, and its part in the hash."""

    name: str
    abi_type: str
    indexed: bool
    part: Part


def _argument(abi_type: str, part: Part = "detail", *, indexed: bool = False) -> Any:
    return dataclasses.field(metadata={"abi_type": abi_type, "indexed": indexed, "part": part})


@dataclass(frozen=True, slots=True)
class Entry:
    """One operation of a journal. `at` is the block timestamp in seconds; a range is [start, end) in minor units."""

    OPERATION: ClassVar[int]

    @property
    def journal_id(self) -> int:
        """Receivable id, or 0 for the registry's own journal."""
        journal_id: int = getattr(self, "receivable_id", REGISTRY_JOURNAL)
        return journal_id

    @property
    def range(self) -> tuple[int, int]:
        """[start, end) that the operation covers; (0, 0) in the registry's own journal."""
        face: int = getattr(self, "face", 0)
        return getattr(self, "start", 0), getattr(self, "end", face)

    @property
    def time(self) -> int:
        """Block timestamp in seconds."""
        at: int = getattr(self, "at")  # noqa: B009  (declared by every subclass, last)
        return at

    @classmethod
    def arguments(cls) -> tuple[Argument, ...]:
        """The event's arguments in ABI order."""
        return tuple(
            Argument(field.name, field.metadata["abi_type"], field.metadata["indexed"], field.metadata["part"])
            for field in dataclasses.fields(cls)
        )

    @classmethod
    def signature(cls) -> str:
        """The canonical event signature, e.g. Endorsed(uint256,address,…)."""
        return f"{cls.__name__}({','.join(argument.abi_type for argument in cls.arguments())})"

    @classmethod
    def topic(cls) -> bytes:
        """First topic of the event's logs: 32 bytes."""
        return keccak256(cls.signature().encode())

    def details(self) -> dict[str, int | bytes]:
        """The operation's own fields by name, in hash order."""
        return {argument.name: getattr(self, argument.name) for argument in _DETAILS[type(self)]}

    def hash(self) -> bytes:
        """The entry hash: 32 bytes."""
        _, _, place = _HASHED_DETAILS[type(self)]
        return keccak256(_HASHED.pack(self.OPERATION, *place(self), details_hash(self)))


@dataclass(frozen=True, slots=True)
class Registered(Entry):
    """A creditor registered a claim on a debtor. Range [0, face).

    `answer_by` is the end of the answer window on the registry's clock, which is the time less all pauses so far.
    """

    OPERATION: ClassVar[int] = 1
    receivable_id: int = _argument("uint256", "journal", indexed=True)
    originator: Address = _argument("address", indexed=True)
    debtor: Address = _argument("address", indexed=True)
    face: int = _argument("uint64", "range")
    due: int = _argument("uint40")
    currency: int = _argument("uint16")
    fingerprint: bytes = _argument("bytes32")
    document_root: bytes = _argument("bytes32")
    answer_by: int = _argument("uint40")
    at: int = _argument("uint40", "time")


@dataclass(frozen=True, slots=True)
class Confirmed(Entry):
    """The debtor confirmed: [0, face) is now a certificate of the originator's."""

    OPERATION: ClassVar[int] = 2
    receivable_id: int = _argument("uint256", "journal", indexed=True)
    debtor: Address = _argument("address", indexed=True)
    originator: Address = _argument("address", indexed=True)
    face: int = _argument("uint64", "range")
    at: int = _argument("uint40", "time")


@dataclass(frozen=True, slots=True)
class Refused(Entry):
    """The debtor refused the claim, with a reason code."""

    OPERATION: ClassVar[int] = 3
    receivable_id: int = _argument("uint256", "journal", indexed=True)
    debtor: Address = _argument("address", indexed=True)
    reason: int = _argument("uint8")
    face: int = _argument("uint64", "range")
    at: int = _argument("uint40", "time")


@dataclass(frozen=True, slots=True)
class Split(Entry):
    """[start, end) was cut: [start, cut) stayed, [cut, end) went to the receiver."""

    OPERATION: ClassVar[int] = 4
    receivable_id: int = _argument("uint256", "journal", indexed=True)
    actor: Address = _argument("address", indexed=True)
    receiver: Address = _argument("address", indexed=True)
    start: int = _argument("uint64", "range")
    end: int = _argument("uint64", "range")
    cut: int = _argument("uint64")
    document: bytes = _argument("bytes32")
    at: int = _argument("uint40", "time")


@dataclass(frozen=True, slots=True)
class Endorsed(Entry):
    """The whole certificate [start, end) went to the receiver."""

    OPERATION: ClassVar[int] = 5
    receivable_id: int = _argument("uint256", "journal", indexed=True)
    actor: Address = _argument("address", indexed=True)
    receiver: Address = _argument("address", indexed=True)
    start: int = _argument("uint64", "range")
    end: int = _argument("uint64", "range")
    document: bytes = _argument("bytes32")
    at: int = _argument("uint40", "time")


@dataclass(frozen=True, slots=True)
class Withdrawn(Entry):
    """The originator withdrew the claim."""

    OPERATION: ClassVar[int] = 6
    receivable_id: int = _argument("uint256", "journal", indexed=True)
    originator: Address = _argument("address", indexed=True)
    face: int = _argument("uint64", "range")
    at: int = _argument("uint40", "time")


@dataclass(frozen=True, slots=True)
class Lapsed(Entry):
    """Nobody answered the claim in time."""

    OPERATION: ClassVar[int] = 7
    receivable_id: int = _argument("uint256", "journal", indexed=True)
    actor: Address = _argument("address", indexed=True)
    face: int = _argument("uint64", "range")
    at: int = _argument("uint40", "time")


@dataclass(frozen=True, slots=True)
class CounterOffered(Entry):
    """The debtor would confirm a lower amount, another date, or both. Range [0, face), the claim's face."""

    OPERATION: ClassVar[int] = 8
    receivable_id: int = _argument("uint256", "journal", indexed=True)
    debtor: Address = _argument("address", indexed=True)
    face: int = _argument("uint64", "range")
    offered_face: int = _argument("uint64")
    offered_due: int = _argument("uint40")
    at: int = _argument("uint40", "time")


@dataclass(frozen=True, slots=True)
class OfferAccepted(Entry):
    """The originator accepted the last counter-offer: confirmed with its terms. Range [0, face), the new face."""

    OPERATION: ClassVar[int] = 9
    receivable_id: int = _argument("uint256", "journal", indexed=True)
    originator: Address = _argument("address", indexed=True)
    debtor: Address = _argument("address", indexed=True)
    face: int = _argument("uint64", "range")
    due: int = _argument("uint40")
    at: int = _argument("uint40", "time")


@dataclass(frozen=True, slots=True)
class Merged(Entry):
    """[start, cut) and [cut, end), two neighbours of one holder, became [start, end)."""

    OPERATION: ClassVar[int] = 10
    receivable_id: int = _argument("uint256", "journal", indexed=True)
    actor: Address = _argument("address", indexed=True)
    start: int = _argument("uint64", "range")
    end: int = _argument("uint64", "range")
    cut: int = _argument("uint64")
    at: int = _argument("uint40", "time")


@dataclass(frozen=True, slots=True)
class Partitioned(Entry):
    """[start, end) was cut for an order into [start, cut) and [cut, end); the holder stayed."""

    OPERATION: ClassVar[int] = 11
    receivable_id: int = _argument("uint256", "journal", indexed=True)
    order: bytes = _argument("bytes32", indexed=True)
    officer: Address = _argument("address", indexed=True)
    countersigner: Address = _argument("address")
    start: int = _argument("uint64", "range")
    end: int = _argument("uint64", "range")
    cut: int = _argument("uint64")
    at: int = _argument("uint40", "time")


@dataclass(frozen=True, slots=True)
class CertificateFrozen(Entry):
    """The certificate [start, end) does not move until the order expires (seconds) or is lifted."""

    OPERATION: ClassVar[int] = 12
    receivable_id: int = _argument("uint256", "journal", indexed=True)
    order: bytes = _argument("bytes32", indexed=True)
    officer: Address = _argument("address", indexed=True)
    countersigner: Address = _argument("address")
    start: int = _argument("uint64", "range")
    end: int = _argument("uint64", "range")
    expiry: int = _argument("uint40")
    at: int = _argument("uint40", "time")


@dataclass(frozen=True, slots=True)
class CertificateUnfrozen(Entry):
    """The order no longer freezes the certificate [start, end)."""

    OPERATION: ClassVar[int] = 13
    receivable_id: int = _argument("uint256", "journal", indexed=True)
    order: bytes = _argument("bytes32", indexed=True)
    officer: Address = _argument("address", indexed=True)
    countersigner: Address = _argument("address")
    start: int = _argument("uint64", "range")
    end: int = _argument("uint64", "range")
    at: int = _argument("uint40", "time")


@dataclass(frozen=True, slots=True)
class ReceivableFrozen(Entry):
    """No certificate of the receivable moves until the order expires (seconds) or is lifted. Range [0, face)."""

    OPERATION: ClassVar[int] = 14
    receivable_id: int = _argument("uint256", "journal", indexed=True)
    order: bytes = _argument("bytes32", indexed=True)
    officer: Address = _argument("address", indexed=True)
    countersigner: Address = _argument("address")
    face: int = _argument("uint64", "range")
    expiry: int = _argument("uint40")
    at: int = _argument("uint40", "time")


@dataclass(frozen=True, slots=True)
class ReceivableUnfrozen(Entry):
    """The order no longer freezes the receivable. Range [0, face)."""

    OPERATION: ClassVar[int] = 15
    receivable_id: int = _argument("uint256", "journal", indexed=True)
    order: bytes = _argument("bytes32", indexed=True)
    officer: Address = _argument("address", indexed=True)
    countersigner: Address = _argument("address")
    face: int = _argument("uint64", "range")
    at: int = _argument("uint40", "time")


@dataclass(frozen=True, slots=True)
class ForcedTransfer(Entry):
    """The certificate [start, end), frozen under this order, went to the receiver."""

    OPERATION: ClassVar[int] = 16
    receivable_id: int = _argument("uint256", "journal", indexed=True)
    order: bytes = _argument("bytes32", indexed=True)
    officer: Address = _argument("address", indexed=True)
    countersigner: Address = _argument("address")
    receiver: Address = _argument("address")
    start: int = _argument("uint64", "range")
    end: int = _argument("uint64", "range")
    at: int = _argument("uint40", "time")


@dataclass(frozen=True, slots=True)
class Pledged(Entry):
    """[start, end) secures a claim of the financier's, who is paid first of it, up to `secured` minor units.

    `price` is what the financier paid the holder for it on chain, minor units, and `quote` the EIP-712 digest of the
    quote: zero where there was none.
    """

    OPERATION: ClassVar[int] = 17
    receivable_id: int = _argument("uint256", "journal", indexed=True)
    actor: Address = _argument("address", indexed=True)
    financier: Address = _argument("address", indexed=True)
    start: int = _argument("uint64", "range")
    end: int = _argument("uint64", "range")
    secured: int = _argument("uint64")
    price: int = _argument("uint64")
    quote: bytes = _argument("bytes32")
    at: int = _argument("uint40", "time")


@dataclass(frozen=True, slots=True)
class Released(Entry):
    """The financier gave up its lien on the certificate [start, end)."""

    OPERATION: ClassVar[int] = 18
    receivable_id: int = _argument("uint256", "journal", indexed=True)
    financier: Address = _argument("address", indexed=True)
    start: int = _argument("uint64", "range")
    end: int = _argument("uint64", "range")
    at: int = _argument("uint40", "time")


@dataclass(frozen=True, slots=True)
class Sold(Entry):
    """[cut, end) of the certificate [start, end) went to the financier against cash; cut = start: all of it.

    `actor` is the desk. `price` is what the holder got for it, `recourse` what it gives back for all of it if the
    debtor does not pay, 0 for nothing; minor units. `quote` is the EIP-712 digest of the quote.
    """

    OPERATION: ClassVar[int] = 19
    receivable_id: int = _argument("uint256", "journal", indexed=True)
    actor: Address = _argument("address", indexed=True)
    financier: Address = _argument("address", indexed=True)
    start: int = _argument("uint64", "range")
    end: int = _argument("uint64", "range")
    cut: int = _argument("uint64")
    price: int = _argument("uint64")
    recourse: int = _argument("uint64")
    quote: bytes = _argument("bytes32")
    at: int = _argument("uint40", "time")


@dataclass(frozen=True, slots=True)
class Paid(Entry):
    """So much of the receivable was paid, by the debtor or by another who paid the whole remainder. Range [0, face)."""

    OPERATION: ClassVar[int] = 20
    receivable_id: int = _argument("uint256", "journal", indexed=True)
    payer: Address = _argument("address", indexed=True)
    face: int = _argument("uint64", "range")
    amount: int = _argument("uint64")
    at: int = _argument("uint40", "time")


@dataclass(frozen=True, slots=True)
class Redeemed(Entry):
    """The certificate [start, end) was paid out: all that is due to it by now.

    `amount` was paid out now, `to_financier` of it to the one with the lien, the rest to the holder; minor units. The
    certificate is no more once it has its whole length, or the book is closed.
    """

    OPERATION: ClassVar[int] = 21
    receivable_id: int = _argument("uint256", "journal", indexed=True)
    actor: Address = _argument("address", indexed=True)
    holder: Address = _argument("address", indexed=True)
    start: int = _argument("uint64", "range")
    end: int = _argument("uint64", "range")
    amount: int = _argument("uint64")
    to_financier: int = _argument("uint64")
    at: int = _argument("uint40", "time")


@dataclass(frozen=True, slots=True)
class Closed(Entry):
    """No payment comes any more; what was paid is divided to the last minor unit. Range [0, face)."""

    OPERATION: ClassVar[int] = 22
    receivable_id: int = _argument("uint256", "journal", indexed=True)
    actor: Address = _argument("address", indexed=True)
    face: int = _argument("uint64", "range")
    at: int = _argument("uint40", "time")


@dataclass(frozen=True, slots=True)
class CreditNoted(Entry):
    """Originator and debtor took [start, start + amount) away from the front certificate [start, end)."""

    OPERATION: ClassVar[int] = 23
    receivable_id: int = _argument("uint256", "journal", indexed=True)
    actor: Address = _argument("address", indexed=True)
    countersigner: Address = _argument("address", indexed=True)
    start: int = _argument("uint64", "range")
    end: int = _argument("uint64", "range")
    amount: int = _argument("uint64")
    at: int = _argument("uint40", "time")


@dataclass(frozen=True, slots=True)
class Disputed(Entry):
    """Originator and debtor agreed that [start, cut) of the front certificate [start, end) is in dispute.

    It does not move and is paid last. Where cut < end, [cut, end) is a certificate of its own from then on.
    """

    OPERATION: ClassVar[int] = 24
    receivable_id: int = _argument("uint256", "journal", indexed=True)
    actor: Address = _argument("address", indexed=True)
    countersigner: Address = _argument("address", indexed=True)
    start: int = _argument("uint64", "range")
    end: int = _argument("uint64", "range")
    cut: int = _argument("uint64")
    at: int = _argument("uint40", "time")


@dataclass(frozen=True, slots=True)
class Resolved(Entry):
    """Originator and debtor ended the dispute: what is left of it is owed. Range [0, face)."""

    OPERATION: ClassVar[int] = 25
    receivable_id: int = _argument("uint256", "journal", indexed=True)
    actor: Address = _argument("address", indexed=True)
    countersigner: Address = _argument("address", indexed=True)
    face: int = _argument("uint64", "range")
    at: int = _argument("uint40", "time")


@dataclass(frozen=True, slots=True)
class Dishonoured(Entry):
    """The debtor did not pay in time: until it has, it registers and confirms nothing. Range [0, face)."""

    OPERATION: ClassVar[int] = 26
    receivable_id: int = _argument("uint256", "journal", indexed=True)
    actor: Address = _argument("address", indexed=True)
    face: int = _argument("uint64", "range")
    at: int = _argument("uint40", "time")


@dataclass(frozen=True, slots=True)
class Absolved(Entry):
    """The debtor made a closed receivable good outside the registry. Range [0, face)."""

    OPERATION: ClassVar[int] = 27
    receivable_id: int = _argument("uint256", "journal", indexed=True)
    actor: Address = _argument("address", indexed=True)
    face: int = _argument("uint64", "range")
    at: int = _argument("uint40", "time")


@dataclass(frozen=True, slots=True)
class RecourseDemanded(Entry):
    """The holder of [start, end) asks the seller to take it back."""

    OPERATION: ClassVar[int] = 28
    receivable_id: int = _argument("uint256", "journal", indexed=True)
    actor: Address = _argument("address", indexed=True)
    seller: Address = _argument("address", indexed=True)
    start: int = _argument("uint64", "range")
    end: int = _argument("uint64", "range")
    at: int = _argument("uint40", "time")


@dataclass(frozen=True, slots=True)
class Repurchased(Entry):
    """The seller took [start, end) back for `amount` minor units."""

    OPERATION: ClassVar[int] = 29
    receivable_id: int = _argument("uint256", "journal", indexed=True)
    seller: Address = _argument("address", indexed=True)
    start: int = _argument("uint64", "range")
    end: int = _argument("uint64", "range")
    amount: int = _argument("uint64")
    at: int = _argument("uint40", "time")


@dataclass(frozen=True, slots=True)
class MemberAdmitted(Entry):
    """A member was admitted, or admitted anew with other terms. `kyc_expiry` in seconds, `roles` a bit set."""

    OPERATION: ClassVar[int] = 128
    member: Address = _argument("address", indexed=True)
    actor: Address = _argument("address", indexed=True)
    kyc_expiry: int = _argument("uint40")
    roles: int = _argument("uint32")
    profile: bytes = _argument("bytes32")
    at: int = _argument("uint40", "time")


@dataclass(frozen=True, slots=True)
class MemberSuspended(Entry):
    """A member was suspended, with a reason code."""

    OPERATION: ClassVar[int] = 129
    member: Address = _argument("address", indexed=True)
    actor: Address = _argument("address", indexed=True)
    reason: int = _argument("uint8")
    at: int = _argument("uint40", "time")


@dataclass(frozen=True, slots=True)
class MemberFrozen(Entry):
    """No certificate of the member's moves until the order expires (seconds) or is lifted."""

    OPERATION: ClassVar[int] = 130
    member: Address = _argument("address", indexed=True)
    order: bytes = _argument("bytes32", indexed=True)
    officer: Address = _argument("address", indexed=True)
    countersigner: Address = _argument("address")
    expiry: int = _argument("uint40")
    at: int = _argument("uint40", "time")


@dataclass(frozen=True, slots=True)
class MemberUnfrozen(Entry):
    """The order no longer freezes the member."""

    OPERATION: ClassVar[int] = 131
    member: Address = _argument("address", indexed=True)
    order: bytes = _argument("bytes32", indexed=True)
    officer: Address = _argument("address", indexed=True)
    countersigner: Address = _argument("address")
    at: int = _argument("uint40", "time")


@dataclass(frozen=True, slots=True)
class Paused(Entry):
    """Registering, answering and moving stopped; so did the clock of answer windows."""

    OPERATION: ClassVar[int] = 132
    actor: Address = _argument("address", indexed=True)
    at: int = _argument("uint40", "time")


@dataclass(frozen=True, slots=True)
class Unpaused(Entry):
    """The pause ended."""

    OPERATION: ClassVar[int] = 133
    actor: Address = _argument("address", indexed=True)
    at: int = _argument("uint40", "time")


@dataclass(frozen=True, slots=True)
class ParameterSet(Entry):
    """A parameter has another value from `effective` (seconds) on. receivable.Parameter says which, in what unit."""

    OPERATION: ClassVar[int] = 134
    parameter: int = _argument("uint8", indexed=True)
    actor: Address = _argument("address", indexed=True)
    value: int = _argument("uint64")
    effective: int = _argument("uint40")
    at: int = _argument("uint40", "time")


@dataclass(frozen=True, slots=True)
class RulesSet(Entry):
    """Other extra rules hold from now on; zeros for none."""

    OPERATION: ClassVar[int] = 135
    rules: Address = _argument("address", indexed=True)
    actor: Address = _argument("address", indexed=True)
    at: int = _argument("uint40", "time")


@dataclass(frozen=True, slots=True)
class DescriptorSet(Entry):
    """Certificates are described by another contract from now on; zeros for none."""

    OPERATION: ClassVar[int] = 136
    descriptor: Address = _argument("address", indexed=True)
    actor: Address = _argument("address", indexed=True)
    at: int = _argument("uint40", "time")


@dataclass(frozen=True, slots=True)
class Sunset(Entry):
    """No claim is registered or confirmed any more; what lives runs off."""

    OPERATION: ClassVar[int] = 137
    actor: Address = _argument("address", indexed=True)
    at: int = _argument("uint40", "time")


@dataclass(frozen=True, slots=True)
class DepositTokenSet(Entry):
    """This is the currency's deposit token, for good: deposits lie in it. `currency` is an ISO 4217 number."""

    OPERATION: ClassVar[int] = 138
    currency: int = _argument("uint16", indexed=True)
    token: Address = _argument("address", indexed=True)
    actor: Address = _argument("address", indexed=True)
    at: int = _argument("uint40", "time")


@dataclass(frozen=True, slots=True)
class DeskSet(Entry):
    """Another desk carries out sales and pledges against cash from now on; zeros for none."""

    OPERATION: ClassVar[int] = 139
    desk: Address = _argument("address", indexed=True)
    actor: Address = _argument("address", indexed=True)
    at: int = _argument("uint40", "time")


ENTRY_TYPES: tuple[type[Entry], ...] = (
    Registered,
    Confirmed,
    Refused,
    Split,
    Endorsed,
    Withdrawn,
    Lapsed,
    CounterOffered,
    OfferAccepted,
    Merged,
    Partitioned,
    CertificateFrozen,
    CertificateUnfrozen,
    ReceivableFrozen,
    ReceivableUnfrozen,
    ForcedTransfer,
    Pledged,
    Released,
    Sold,
    Paid,
    Redeemed,
    Closed,
    CreditNoted,
    Disputed,
    Resolved,
    Dishonoured,
    Absolved,
    RecourseDemanded,
    Repurchased,
    MemberAdmitted,
    MemberSuspended,
    MemberFrozen,
    MemberUnfrozen,
    Paused,
    Unpaused,
    ParameterSet,
    RulesSet,
    DescriptorSet,
    Sunset,
    DepositTokenSet,
    DeskSet,
)

ENTRY_BY_OPERATION: dict[int, type[Entry]] = {entry_type.OPERATION: entry_type for entry_type in ENTRY_TYPES}

WORD_FORMATS = {"address": "12x20s", "bytes32": "32s"}
"""How struct packs a word, big endian. Every number of an entry has at most 64 bits, receivable ids too."""

_HASHED = Struct(">" + 4 * "24xQ" + "32s")

_Getter = Callable[[Entry], tuple[Any, ...]]


def words_layout(arguments: Iterable[Argument]) -> Struct:
    """How these arguments lie in memory, each as one ABI word."""
    return Struct(">" + "".join(WORD_FORMATS.get(argument.abi_type, "24xQ") for argument in arguments))


def _values(names: Sequence[str]) -> _Getter:
    """The attributes of these names, always as a tuple: attrgetter gives a single one alone."""
    if len(names) > 1:
        return attrgetter(*names)
    return lambda entry: tuple(getattr(entry, name) for name in names)


@dataclass(frozen=True, slots=True)
class Sealed(Entry):
    """An entry of which only kind, time and range are known, and the hash of its details: it hashes to the same.

    `kind` is an entry type whose range is a certificate's. Nothing of it can be folded but its place in the journal.
    """

    kind: type[Entry]
    receivable_id: int
    start: int
    end: int
    details_hash: bytes
    at: int

    @classmethod
    def of(cls, entry: Entry) -> Sealed:
        """The entry with its details hidden."""
        return cls(type(entry), entry.journal_id, *entry.range, details_hash(entry), entry.time)

    def hash(self) -> bytes:
        """The hash of the entry that was sealed: 32 bytes."""
        return keccak256(_HASHED.pack(self.kind.OPERATION, self.at, self.start, self.end, self.details_hash))


def details_hash(entry: Entry) -> bytes:
    """The hash of an entry's details: 32 bytes."""
    details, layout, _ = _HASHED_DETAILS[type(entry)]
    return keccak256(layout.pack(*details(entry)))


_DETAILS: dict[type[Entry], list[Argument]] = {
    entry_type: [argument for argument in entry_type.arguments() if argument.part == "detail"]
    for entry_type in ENTRY_TYPES
}


def _place(entry_type: type[Entry]) -> _Getter:
    """Time, start and end of the range: what Entry.time and Entry.range say, in one go."""
    names = {argument.name for argument in entry_type.arguments()}
    if "start" in names:
        return attrgetter("at", "start", "end")
    return lambda entry: (entry.time, *entry.range)


_HASHED_DETAILS = {
    entry_type: (_values([argument.name for argument in arguments]), words_layout(arguments), _place(entry_type))
    for entry_type, arguments in _DETAILS.items()
}
