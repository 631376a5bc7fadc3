"""What the fold yields: the state of one receivable and of the registry's own journal. All amounts in minor units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag, StrEnum
from types import MappingProxyType

from registry.domain.identifiers import ZERO_ADDRESS, Address, CertificateId

DAY_SECONDS = 86_400


class Status(IntEnum):
    """Stored status of a receivable, with the contract's numbers. Due, overdue and part-paid come from the clock."""

    NONE = 0
    REGISTERED = 1
    CONFIRMED = 2
    REFUSED = 3


class Phase(StrEnum):
    """Where a receivable stands at an instant."""

    REGISTERED = "registered"
    REFUSED = "refused"
    LIVE = "live"
    DUE = "due"
    OVERDUE = "overdue"


class MemberStatus(IntEnum):
    """Status of a member, with the contract's numbers."""

    NONE = 0
    ACTIVE = 1
    SUSPENDED = 2


class Role(IntFlag):
    """Roles of a member, with the contract's bits."""

    SUPPLIER = 1
    DEBTOR = 2
    FINANCIER = 4


class RefusalReason(IntEnum):
    """Why a debtor refused a claim. Codes are hashed into journals and never change."""

    NOT_OURS = 1
    NOT_DELIVERED = 2
    WRONG_AMOUNT = 3
    WRONG_DUE_DATE = 4
    ALREADY_PAID = 5
    OTHER = 99


class SuspensionReason(IntEnum):
    """Why a member was suspended. Codes are hashed into R-0 and never change."""

    KYC = 1
    SANCTIONS = 2
    DISHONOUR = 3
    OWN_REQUEST = 4
    OTHER = 99


def reason_name(kind: type[IntEnum], code: int) -> str | None:
    """The name of a reason code, None for a code that is on chain and not in the list: the contract takes any."""
    return kind(code).name.lower() if code in kind.__members__.values() else None


@dataclass(frozen=True, slots=True)
class Certificate:
    """A range of a confirmed receivable with one holder. `since` is the position of the entry that made it so."""

    start: int
    end: int
    holder: Address
    since: int

    @property
    def amount(self) -> int:
        """Length of the range, minor units."""
        return self.end - self.start

    def id(self, receivable_id: int) -> CertificateId:
        """The certificate's id within its receivable."""
        return CertificateId(receivable_id, self.start, self.end)


_NO_CERTIFICATES: Mapping[int, Certificate] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Receivable:
    """State of one receivable after `length` entries. Instants in seconds, amounts in minor units.

    `certificates` maps the start of each live certificate to it: a disjoint cover of the live interval.
    """

    receivable_id: int
    head: bytes
    length: int = 0
    status: Status = Status.NONE
    originator: Address = ZERO_ADDRESS
    debtor: Address = ZERO_ADDRESS
    face: int = 0
    due: int = 0
    currency: int = 0
    fingerprint: bytes = bytes(32)
    document_root: bytes = bytes(32)
    registered_at: int = 0
    answered_at: int = 0
    refusal_reason: int = 0
    front_endorsed: bool = False
    paid: int = 0
    cancelled: int = 0
    certificates: Mapping[int, Certificate] = field(default_factory=lambda: _NO_CERTIFICATES)


@dataclass(frozen=True, slots=True)
class Member:
    """State of one member. Instants in seconds; `profile` is the salted commitment to its identity."""

    address: Address
    status: MemberStatus
    kyc_expiry: int
    roles: Role
    profile: bytes
    admitted_at: int
    suspension_reason: int = 0


_NO_MEMBERS: Mapping[Address, Member] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Registry:
    """State of the registry's own journal R-0 after `length` entries."""

    head: bytes
    length: int = 0
    members: Mapping[Address, Member] = field(default_factory=lambda: _NO_MEMBERS)
