"""The packed storage words of contracts/libraries/Words.sol and Amounts.sol, unpacked.

Amounts in minor units, instants in seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple, dataclass

from registry.domain.identifiers import Address
from registry.domain.receivable import DAY_SECONDS, Certificate, Receivable, Status

_ADDRESS_BITS = 160
_DAY_BITS = 16


@dataclass(frozen=True, slots=True)
class AmountsWord:
    """What was paid, credited and disputed of a receivable, as registry.domain.receivable.Receivable has it."""

    paid: int
    cancelled: int
    senior: int
    disputed: bool
    dishonoured: bool


@dataclass(frozen=True, slots=True)
class RecordWords:
    """The words of a receivable; a status of 0 means that there is none.

    `restrained` says that the amounts hinder moves: something was paid or is disputed. `claimed` is what was paid out
    while part of it was paid; it stays as it was once all is.
    """

    debtor: Address
    face: int
    due: int
    currency: int
    status: int
    frozen: bool
    restrained: bool
    head: bytes
    amounts: AmountsWord
    claimed: int


@dataclass(frozen=True, slots=True)
class CertificateWord:
    """The word of a certificate; a holder of zeros means that there is none.

    `original` marks the front that has never left the originator's hands. `pledged`, `recourse` and `claimed` say that
    there is more of it, in Rights.
    """

    holder: Address
    end: int
    approved: bool
    frozen: bool
    original: bool
    pledged: bool
    recourse: bool
    claimed: bool


@dataclass(frozen=True, slots=True)
class LienWord:
    """Who is paid first of a certificate, up to `secured` minor units."""

    financier: Address
    secured: int


@dataclass(frozen=True, slots=True)
class RecourseWord:
    """Who gives back `amount` minor units, less what was paid out, if the debtor does not pay."""

    seller: Address
    amount: int
    demanded: bool


@dataclass(frozen=True, slots=True)
class Rights:
    """What lies on a certificate besides orders. `claimed` was paid out on it so far, minor units."""

    lien: LienWord | None
    recourse: RecourseWord | None
    claimed: int


@dataclass(frozen=True, slots=True)
class MemberWord:
    """The word of a member; status 0 means never admitted.

    `balance` counts certificates, `dishonoured` the receivables that it has not paid in time and not made good.
    """

    balance: int
    kyc_expiry: int
    roles: int
    status: int
    frozen: bool
    dishonoured: int


@dataclass(frozen=True, slots=True)
class ParameterWord:
    """A parameter with effective date: `value` until the midnight UTC `effective` (seconds), `following` from it on."""

    value: int
    following: int
    effective: int

    def in_force(self, *, now: int) -> int:
        """The value at `now` (seconds), in the parameter's unit."""
        return self.value if now < self.effective else self.following


@dataclass(frozen=True, slots=True)
class MovementWord:
    """What every move reads. `rules` is zeros for none."""

    rules: Address
    minimum_part_minor: ParameterWord
    paused: bool
    sunset: bool


@dataclass(frozen=True, slots=True)
class RegistrationWord:
    """What a registration reads and writes. `paused_seconds` counts ended pauses."""

    count: int
    tenor_limit_days: ParameterWord
    answer_window_days: ParameterWord
    unanswered_max: ParameterWord
    paused_seconds: int


@dataclass(frozen=True, slots=True)
class SettlementWord:
    """What is set about money. `desk` is zeros for none."""

    overdue_grace_days: ParameterWord
    desk: Address


def unpack_record(terms: int, head: bytes, amounts: int, claimed: int) -> RecordWords:
    """terms: debtor 160 | face 64 | due day 16 | currency 10 | status 3 | frozen 1 | restrained 1."""
    return RecordWords(
        debtor=_address(terms),
        face=_bits(terms, 160, 64),
        due=_bits(terms, 224, _DAY_BITS) * DAY_SECONDS,
        currency=_bits(terms, 240, 10),
        status=_bits(terms, 250, 3),
        frozen=_flag(terms, 253),
        restrained=_flag(terms, 254),
        head=head,
        amounts=unpack_amounts(amounts),
        claimed=claimed,
    )


def unpack_amounts(word: int) -> AmountsWord:
    """paid 64 | cancelled 64 | senior 64 | disputed 1 | dishonoured 1 (contracts/libraries/Amounts.sol)."""
    return AmountsWord(
        paid=_bits(word, 0, 64),
        cancelled=_bits(word, 64, 64),
        senior=_bits(word, 128, 64),
        disputed=_flag(word, 192),
        dishonoured=_flag(word, 193),
    )


def unpack_certificate(word: int) -> CertificateWord:
    """holder 160 | end 64 | approved 1 | frozen 1 | original 1 | pledged 1 | recourse 1 | claimed 1."""
    return CertificateWord(
        holder=_address(word),
        end=_bits(word, 160, 64),
        approved=_flag(word, 224),
        frozen=_flag(word, 225),
        original=_flag(word, 226),
        pledged=_flag(word, 227),
        recourse=_flag(word, 228),
        claimed=_flag(word, 229),
    )


def unpack_rights(lien: int, recourse: int, claimed: int) -> Rights:
    """lien: financier 160 | secured 64; recourse: seller 160 | amount 64 | demanded 1; words of 0 for none."""
    return Rights(
        lien=LienWord(_address(lien), _bits(lien, 160, 64)) if lien else None,
        recourse=RecourseWord(_address(recourse), _bits(recourse, 160, 64), _flag(recourse, 224)) if recourse else None,
        claimed=claimed,
    )


def unpack_claimed(word: int) -> int:
    """What was paid out on a certificate, minor units, stored as a right of nobody's: zeros 160 | claimed 64."""
    return _bits(word, 160, 64)


def unpack_member(word: int) -> MemberWord:
    """balance 64 | kycExpiry 40 | roles 32 | status 8 | frozen 1 | dishonoured 32."""
    return MemberWord(
        balance=_bits(word, 0, 64),
        kyc_expiry=_bits(word, 64, 40),
        roles=_bits(word, 104, 32),
        status=_bits(word, 136, 8),
        frozen=_flag(word, 144),
        dishonoured=_bits(word, 145, 32),
    )


def unpack_movement(word: int) -> MovementWord:
    """rules 160 | minimum part: value 32, following 32, from day 16 | paused 1 | sunset 1."""
    return MovementWord(
        rules=_address(word),
        minimum_part_minor=_parameter(word, 160, value_bits=32),
        paused=_flag(word, 240),
        sunset=_flag(word, 241),
    )


def unpack_registration(word: int) -> RegistrationWord:
    """count 64 | tenor limit, answer window, unanswered: value 16, following 16, from day 16 | paused seconds 32."""
    return RegistrationWord(
        count=_bits(word, 0, 64),
        tenor_limit_days=_parameter(word, 64, value_bits=16),
        answer_window_days=_parameter(word, 112, value_bits=16),
        unanswered_max=_parameter(word, 160, value_bits=16),
        paused_seconds=_bits(word, 208, 32),
    )


def unpack_settlement(word: int) -> SettlementWord:
    """overdue grace: value 16, following 16, from day 16 | desk 160."""
    return SettlementWord(overdue_grace_days=_parameter(word, 0, value_bits=16), desk=_address(word >> 48))


Compared = tuple[str, object, object]
"""The name of a field, what the contract's words say, and what the fold says."""


def compare_record(words: RecordWords, receivable: Receivable) -> Iterator[Compared]:
    """Each field of a receivable's words beside the folded state: does the contract do what its journal says?"""
    yield "head", words.head, receivable.head
    yield "debtor", words.debtor, receivable.debtor
    yield "face", words.face, receivable.face
    yield "due", words.due, receivable.due
    yield "currency", words.currency, receivable.currency
    yield "status", words.status, int(receivable.status)
    yield "frozen", words.frozen, bool(receivable.orders)
    yield "restrained", words.restrained, receivable.disputed or receivable.paid > 0
    for field in ("paid", "cancelled", "senior", "disputed", "dishonoured"):
        yield field, getattr(words.amounts, field), getattr(receivable, field)
    if receivable.status is not Status.SETTLED:
        # Once all is paid nobody can be paid too much, and the contract no longer counts.
        yield "claimed", words.claimed, receivable.claimed


def compare_certificate(word: CertificateWord, part: Certificate, receivable: Receivable) -> Iterator[Compared]:
    """The same of one certificate's word."""
    yield "holder", word.holder, part.holder
    yield "end", word.end, part.end
    yield "frozen", word.frozen, bool(part.orders)
    yield "original", word.original, part == receivable.front
    yield "pledged", word.pledged, part.lien is not None
    yield "recourse", word.recourse, part.recourse is not None
    yield "claimed", word.claimed, part.claimed > 0


def compare_rights(rights: Rights, part: Certificate) -> Iterator[Compared]:
    """The same of what lies on a certificate."""
    yield "lien", rights.lien, None if part.lien is None else LienWord(part.lien.financier, part.lien.secured)
    yield "right of recourse", rights.recourse, None if part.recourse is None else RecourseWord(*astuple(part.recourse))
    yield "paid out", rights.claimed, part.claimed


def _parameter(word: int, shift: int, *, value_bits: int) -> ParameterWord:
    return ParameterWord(
        value=_bits(word, shift, value_bits),
        following=_bits(word, shift + value_bits, value_bits),
        effective=_bits(word, shift + 2 * value_bits, _DAY_BITS) * DAY_SECONDS,
    )


def _address(word: int) -> Address:
    return _bits(word, 0, _ADDRESS_BITS).to_bytes(20)


def _bits(word: int, shift: int, count: int) -> int:
    return word >> shift & (1 << count) - 1


def _flag(word: int, bit: int) -> bool:
    return bool(word >> bit & 1)
