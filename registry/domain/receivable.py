"""What the fold yields: the state of one receivable and of the registry's own journal. All amounts in minor units."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import IntEnum, IntFlag, StrEnum
from operator import attrgetter

from registry.domain.identifiers import ZERO_ADDRESS, Address, CertificateId

DAY_SECONDS = 86_400


class Status(IntEnum):
    """Stored status of a receivable, with the contract's numbers. Due and overdue come from the clock.

    SETTLED: all that is owed was paid. CLOSED: no payment comes any more, what was paid is divided.
    """

    NONE = 0
    REGISTERED = 1
    CONFIRMED = 2
    REFUSED = 3
    WITHDRAWN = 4
    LAPSED = 5
    SETTLED = 6
    CLOSED = 7


class Phase(StrEnum):
    """Where a receivable stands at an instant.

    Part-paid is none of them (Receivable.is_part_paid): a debt that is overdue stays so until all that can be is paid.
    """

    REGISTERED = "registered"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"
    LIVE = "live"
    DUE = "due"
    OVERDUE = "overdue"
    PAID = "paid"
    CLOSED = "closed"


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


class Parameter(IntEnum):
    """What law or the platform may change from a midnight on, with the contract's numbers."""

    TENOR_LIMIT_DAYS = 1
    MINIMUM_PART_MINOR = 2
    ANSWER_WINDOW_DAYS = 3
    UNANSWERED_MAX = 4
    """Unanswered claims of one originator on one debtor."""
    FORCED_TRANSFER_DELAY_SECONDS = 5
    """Fixed at deployment."""
    OVERDUE_GRACE_DAYS = 6
    """Days after the due date from which an unpaid debt can be reported as dishonoured."""


class Scope(IntEnum):
    """What an order freezes, with the contract's numbers."""

    CERTIFICATE = 1
    RECEIVABLE = 2
    MEMBER = 3


OFFERS_MAX = 8
"""Counter-offers to one claim: every later answer names the hashes of all."""

ORDERS_MAX = 16
"""Orders on one certificate, receivable or member."""


@dataclass(frozen=True, slots=True)
class Freeze:
    """An authority's order on a certificate, a receivable or a member. Instants in seconds.

    It holds from `since`, the time of the freeze, until before `expiry`; what expired stays listed until the list is
    written again.
    """

    order: bytes
    expiry: int
    since: int


@dataclass(frozen=True, slots=True)
class Offer:
    """The debtor's last counter-offer. `face` in minor units; `due`, and `at`, when it was made, in seconds."""

    face: int
    due: int
    at: int


@dataclass(frozen=True, slots=True)
class Lien:
    """The financier is paid first of a certificate, up to `secured` minor units. `since` as Certificate's."""

    financier: Address
    secured: int
    since: int


@dataclass(frozen=True, slots=True)
class Recourse:
    """The seller gives back `amount` minor units, less what was paid out by then, if the debtor does not pay."""

    seller: Address
    amount: int
    demanded: bool = False


@dataclass(frozen=True, slots=True)
class Certificate:
    """A range of a confirmed receivable with one holder. `since` is the position of the entry that made it so.

    `claimed` is what was paid out on it so far, minor units.
    """

    start: int
    end: int
    holder: Address
    since: int
    orders: tuple[Freeze, ...] = ()
    lien: Lien | None = None
    recourse: Recourse | None = None
    claimed: int = 0

    @property
    def amount(self) -> int:
        """Length of the range, minor units."""
        return self.end - self.start

    def id(self, receivable_id: int) -> CertificateId:
        """The certificate's id within its receivable."""
        return CertificateId(receivable_id, self.start, self.end)


@dataclass(slots=True)
class Receivable:
    """State of one receivable after `length` entries. Instants in seconds, amounts in minor units.

    Only the steps of the fold write to one, and only to a copy of their own.

    `face` and `due` are the terms in force: the claim's, or the accepted counter-offer's. `answer_by` is on the
    registry's clock (rules.clock). `offer` is the last counter-offer while the claim is not answered.
    `certificates` maps the start of each live certificate to it: once confirmed, a disjoint cover of [cancelled, face)
    but for the `redeemed` minor units of certificates that are no more because they were paid out.

    Credit notes took [0, cancelled) away. `paid` came in and `claimed` was paid out of it. Payments go first to
    [senior, face), where a dispute set `senior` (0 for none), then to [cancelled, senior); while `disputed`, the latter
    is not payable. `dishonoured` marks the debtor until it pays or is absolved. `front_endorsed` says that no
    certificate is left whose first minor unit was always the originator's.

    `sealed` entries were folded of which only kind, time and range are known: what they did to their certificates does
    not show, and `claimed` and `redeemed` are only the least that it can be.
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
    claim_face: int = 0
    claim_due: int = 0
    answer_by: int = 0
    offer: Offer | None = None
    answered_at: int = 0
    refusal_reason: int = 0
    front_endorsed: bool = False
    orders: tuple[Freeze, ...] = ()
    certificates: dict[int, Certificate] = field(default_factory=dict)
    paid: int = 0
    cancelled: int = 0
    senior: int = 0
    disputed: bool = False
    dishonoured: bool = False
    claimed: int = 0
    redeemed: int = 0
    sealed: int = 0

    def copy(self) -> Receivable:
        """The same state, to go on from: what is written to the one does not show in the other."""
        clone = Receivable(*_fields_of_receivable(self))
        clone.certificates = self.certificates.copy()
        return clone

    @property
    def front(self) -> Certificate | None:
        """What credit notes and disputes are about: its first minor unit never left the originator's hands."""
        return None if self.front_endorsed else self.certificates.get(self.cancelled)

    @property
    def is_part_paid(self) -> bool:
        """Something was paid, and more may come."""
        return self.status is Status.CONFIRMED and self.paid > 0


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
    orders: tuple[Freeze, ...] = ()


@dataclass(frozen=True, slots=True)
class ParameterValue:
    """A value of a parameter, in its unit, from `effective` on; set at `at`. Instants in seconds."""

    value: int
    effective: int
    at: int


@dataclass(slots=True)
class Registry:
    """State of the registry's own journal R-0 after `length` entries. Instants in seconds. Written to as Receivable is.

    `parameters` holds each parameter's values as they came or will come into force, oldest first: one that was replaced
    before its day is not among them. `paused_since` is 0 while no pause lasts, `paused_seconds` the length of all ended
    ones; `sunset_at` is 0 before the sunset; `rules`, `descriptor` and `desk` are zeros for none. `deposit_tokens` maps
    an ISO 4217 number to the currency's token.
    """

    head: bytes
    length: int = 0
    members: dict[Address, Member] = field(default_factory=dict)
    parameters: dict[Parameter, tuple[ParameterValue, ...]] = field(default_factory=dict)
    paused_since: int = 0
    paused_seconds: int = 0
    rules: Address = ZERO_ADDRESS
    descriptor: Address = ZERO_ADDRESS
    sunset_at: int = 0
    deposit_tokens: dict[int, Address] = field(default_factory=dict)
    desk: Address = ZERO_ADDRESS

    def copy(self) -> Registry:
        """As Receivable's."""
        clone = Registry(*_fields_of_registry(self))
        clone.members = self.members.copy()
        clone.parameters = self.parameters.copy()
        clone.deposit_tokens = self.deposit_tokens.copy()
        return clone


# dataclasses.replace takes three times as long, and the mirror copies a state for every journal of a range.
_fields_of_receivable = attrgetter(*(field.name for field in fields(Receivable)))
_fields_of_registry = attrgetter(*(field.name for field in fields(Registry)))
