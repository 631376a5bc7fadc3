"""The packed storage words of contracts/libraries/Words.sol, unpacked. Amounts in minor units, instants in seconds."""

from __future__ import annotations

from dataclasses import dataclass

from registry.domain.identifiers import Address
from registry.domain.receivable import DAY_SECONDS

_ADDRESS_BITS = 160
_DAY_BITS = 16


@dataclass(frozen=True, slots=True)
class RecordWords:
    """The two words of a receivable; a status of 0 means that there is none."""

    debtor: Address
    face: int
    due: int
    currency: int
    status: int
    frozen: bool
    head: bytes


@dataclass(frozen=True, slots=True)
class CertificateWord:
    """The word of a certificate; a holder of zeros means that there is none.

    `original` marks the front that has never left the originator's hands.
    """

    holder: Address
    end: int
    approved: bool
    frozen: bool
    original: bool


@dataclass(frozen=True, slots=True)
class MemberWord:
    """The word of a member; status 0 means never admitted. `balance` counts certificates."""

    balance: int
    kyc_expiry: int
    roles: int
    status: int
    frozen: bool


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


def unpack_record(terms: int, head: bytes) -> RecordWords:
    """terms: debtor 160 | face 64 | due day 16 | currency 10 | status 3 | frozen 1."""
    return RecordWords(
        debtor=_address(terms),
        face=_bits(terms, 160, 64),
        due=_bits(terms, 224, _DAY_BITS) * DAY_SECONDS,
        currency=_bits(terms, 240, 10),
        status=_bits(terms, 250, 3),
        frozen=_flag(terms, 253),
        head=head,
    )


def unpack_certificate(word: int) -> CertificateWord:
    """holder 160 | end 64 | approved 1 | frozen 1 | original 1."""
    return CertificateWord(
        holder=_address(word),
        end=_bits(word, 160, 64),
        approved=_flag(word, 224),
        frozen=_flag(word, 225),
        original=_flag(word, 226),
    )


def unpack_member(word: int) -> MemberWord:
    """balance 64 | kycExpiry 40 | roles 32 | status 8 | frozen 1."""
    return MemberWord(
        balance=_bits(word, 0, 64),
        kyc_expiry=_bits(word, 64, 40),
        roles=_bits(word, 104, 32),
        status=_bits(word, 136, 8),
        frozen=_flag(word, 144),
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
