"""Identifiers: addresses, receivable ids (R-42), certificate ids and their ranges (R-42/0-125000)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from registry.domain.keccak import keccak256
from registry.domain.refusals import Refusal

Address = bytes
"""20 bytes."""

ZERO_ADDRESS: Address = bytes(20)

MINOR_MAX = 2**64 - 1
"""Largest amount, and largest end of a range, in minor units (uint64 on chain)."""

RECEIVABLE_ID_MAX = 2**63 - 1
"""Ids are counted from 1; SQL keeps them as bigint."""

_RECEIVABLE = re.compile(r"[Rr]-(0|[1-9][0-9]{0,18})", re.ASCII)
_CERTIFICATE = re.compile(r"[Rr]-([1-9][0-9]{0,18})/(0|[1-9][0-9]{0,19})-([1-9][0-9]{0,19})", re.ASCII)


class IdMalformed(Refusal):
    """An identifier that is not written as one."""

    code = "id_malformed"
    status = 400
    title = "That is not an identifier of this registry"
    default_hint = "A receivable is written R-42, a certificate R-42/0-125000 (range in minor units), an address 0x…"


@dataclass(frozen=True, slots=True, order=True)
class CertificateId:
    """One certificate: the range [start, end) of a receivable, in minor units."""

    receivable_id: int
    start: int
    end: int

    def __str__(self) -> str:
        return f"R-{self.receivable_id}/{self.start}-{self.end}"

    @property
    def token_id(self) -> int:
        """The id on chain: receivableId << 64 | start."""
        return token_id(self.receivable_id, self.start)

    @property
    def range_word(self) -> int:
        """The whole range as an operation names it on chain: receivableId << 128 | start << 64 | end."""
        return range_word(self.receivable_id, self.start, self.end)


def token_id(receivable_id: int, start: int) -> int:
    """The certificate id on chain: receivableId << 64 | start."""
    return receivable_id << 64 | start


def range_word(receivable_id: int, start: int, end: int) -> int:
    """A certificate with its end, as an operation names it on chain: receivableId << 128 | start << 64 | end."""
    return token_id(receivable_id, start) << 64 | end


def format_receivable_id(receivable_id: int) -> str:
    """R-42; R-0 is the registry's own journal."""
    return f"R-{receivable_id}"


def parse_receivable_id(text: str) -> int:
    """Read R-42, also as people type it: r-42, with blanks around. Raises IdMalformed."""
    match = _RECEIVABLE.fullmatch(text.strip())
    if match is None or int(match[1]) > RECEIVABLE_ID_MAX:
        raise IdMalformed(f"{text!r} is not a receivable id")
    return int(match[1])


def parse_certificate_id(text: str) -> CertificateId:
    """Read R-42/0-125000, a non-empty range in minor units; R as in parse_receivable_id. Raises IdMalformed."""
    match = _CERTIFICATE.fullmatch(text.strip())
    if match is None:
        raise IdMalformed(f"{text!r} is not a certificate id")
    receivable_id, start, end = (int(part) for part in match.groups())
    if receivable_id > RECEIVABLE_ID_MAX or end > MINOR_MAX or start >= end:
        raise IdMalformed(f"{text!r} is not a range of minor units")
    return CertificateId(receivable_id, start, end)


def parse_address(text: str) -> Address:
    """Read 0x and 40 hex digits; mixed case must carry the EIP-55 checksum. Raises IdMalformed."""
    text = text.strip()
    if re.fullmatch(r"0x[0-9a-fA-F]{40}", text, re.ASCII) is None:
        raise IdMalformed(f"{text!r} is not an address")
    address = bytes.fromhex(text[2:])
    if text[2:] not in (text[2:].lower(), text[2:].upper()) and text != format_address(address):
        raise IdMalformed(f"{text!r} has a wrong checksum: a digit is mistyped")
    return address


def format_address(address: Address) -> str:
    """0x and 40 hex digits with the EIP-55 checksum in their case."""
    digits = address.hex()
    nibbles = keccak256(digits.encode()).hex()
    return "0x" + "".join(
        digit.upper() if int(nibble, 16) > 7 else digit for digit, nibble in zip(digits, nibbles, strict=False)
    )
