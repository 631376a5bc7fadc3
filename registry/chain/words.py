"""The packed storage words of contracts/libraries/Words.sol, unpacked. Amounts in minor units, instants in seconds."""

from __future__ import annotations

from dataclasses import dataclass

from registry.domain.identifiers import Address

_UINT64 = 2**64 - 1
_APPROVED = 1 << 224


@dataclass(frozen=True, slots=True)
class RecordWords:
    """The three words of a receivable."""

    debtor: Address
    due: int
    currency: int
    status: int
    front_endorsed: bool
    face: int
    paid: int
    cancelled: int
    disputed: int
    head: bytes


@dataclass(frozen=True, slots=True)
class CertificateWord:
    """The word of a certificate; a holder of zeros means that there is none."""

    holder: Address
    end: int
    approved: bool


@dataclass(frozen=True, slots=True)
class MemberWord:
    """The word of a member; status 0 means never admitted. `balance` counts certificates."""

    balance: int
    kyc_expiry: int
    roles: int
    status: int


def unpack_record(terms: int, amounts: int, head: bytes) -> RecordWords:
    """terms: debtor 160 | due 40 | currency 10 | status 4 | flags; amounts: face | paid | cancelled | disputed."""
    return RecordWords(
        debtor=_address(terms),
        due=terms >> 160 & 0xFFFFFFFFFF,
        currency=terms >> 200 & 0x3FF,
        status=terms >> 210 & 0xF,
        front_endorsed=bool(terms >> 214 & 1),
        face=amounts & _UINT64,
        paid=amounts >> 64 & _UINT64,
        cancelled=amounts >> 128 & _UINT64,
        disputed=amounts >> 192,
        head=head,
    )


def unpack_certificate(word: int) -> CertificateWord:
    """holder 160 | end 64 | flags 32."""
    return CertificateWord(holder=_address(word), end=word >> 160 & _UINT64, approved=bool(word & _APPROVED))


def unpack_member(word: int) -> MemberWord:
    """balance 64 | kycExpiry 40 | roles 32 | status 8."""
    return MemberWord(
        balance=word & _UINT64,
        kyc_expiry=word >> 64 & 0xFFFFFFFFFF,
        roles=word >> 104 & 0xFFFFFFFF,
        status=word >> 136 & 0xFF,
    )


def _address(word: int) -> Address:
    return (word & (2**160 - 1)).to_bytes(20)
