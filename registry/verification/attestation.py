"""What a witness signs: that a block is the chain's, by its number and hash, and that it looked at a registry there.

The structure is EIP-712's, so that any wallet can show it. It names no code and no head: the block's hash settles both.
docs/proof-format.md specifies the file, "Attestations". Needs nothing but the standard library and the domain's hash,
as all that the verifier consists of.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from registry.domain.identifiers import Address, format_address
from registry.domain.refusals import Refusal
from registry.verification import secp256k1
from registry.verification.bundle import (
    NUMBER_BITS_MAX,
    BundleMalformed,
    canonical,
    read_hex,
    read_number,
    read_object,
    to_hex,
)
from registry.verification.header import Header
from registry.verification.typed_data import digest
from registry.verification.verify import Status

FORMAT: Final = "counterfoil/attestation/1"

BYTES_MAX: Final = 64_000_000
LINE_BYTES_MAX: Final = 1_024
AT_BLOCK_MAX: Final = 256
"""Attestations of one block that are read: each costs a recovery on the curve."""

DOMAIN_NAME: Final = "Counterfoil witness"
DOMAIN_VERSION: Final = "1"
DOMAIN_TYPE: Final = "EIP712Domain(string name,string version,uint256 chainId)"
TYPE: Final = "Header(uint256 number,bytes32 hash,address registry)"

_NAMES: Final = frozenset({"format", "chain_id", "number", "hash", "registry", "signature"})
_LENGTHS: Final = {"hash": 32, "registry": 20, "signature": 65}


class AttestationsMalformed(Refusal):
    """Bytes that are no attestations, or more than are taken."""

    code = "attestations_malformed"
    status = 422
    title = "These are not attestations of block headers"
    default_hint = 'docs/proof-format.md, "Attestations", says what they look like; `counterfoil witness` makes them'


class ThresholdUnmet(Refusal):
    """A number of witnesses that cannot be reached, or none."""

    code = "threshold_unmet"
    status = 400
    title = "So many witnesses can never sign"
    default_hint = "Name at least as many witnesses as the threshold says, and one or more"


@dataclass(frozen=True, slots=True)
class Attestation:
    """A witness's signature (r, s and v, 65 bytes) of a block's number and hash, and the registry that it looked at."""

    chain_id: int
    number: int
    hash: bytes
    registry: Address
    signature: bytes = b""

    def digest(self) -> bytes:
        """The 32 bytes that are signed (EIP-712)."""
        # No contract in the domain: what is signed is for whoever reads it.
        domain = (DOMAIN_TYPE, DOMAIN_NAME, DOMAIN_VERSION, self.chain_id)
        return digest(domain, (TYPE, self.number, self.hash, self.registry))

    def signer(self) -> Address:
        """Whose key signed it. Raises AttestationsMalformed for a signature that is nobody's, or in a second form."""
        try:
            return secp256k1.recover(self.digest(), self.signature)
        except secp256k1.SignatureMalformed as error:
            raise AttestationsMalformed(f"block {self.number}: {error}") from error

    def line(self) -> bytes:
        """The attestation in the file: canonical JSON and a line feed."""
        return canonical(
            {
                "format": FORMAT,
                "chain_id": self.chain_id,
                "number": self.number,
                "hash": to_hex(self.hash),
                "registry": to_hex(self.registry),
                "signature": to_hex(self.signature),
            }
        )

    @classmethod
    def read(cls, line: bytes) -> Attestation:
        """Read a line with its line feed; whose signature it is stays open. Raises AttestationsMalformed."""
        if len(line) > LINE_BYTES_MAX:
            raise AttestationsMalformed(f"a line has more than {LINE_BYTES_MAX} bytes")
        try:
            found = cls._of(read_object(line))
        except BundleMalformed as error:
            raise AttestationsMalformed(f"a line: {error}") from error
        if found.line() != line:
            raise AttestationsMalformed("an attestation is not in canonical form")
        return found

    @classmethod
    def _of(cls, read: Mapping[str, Any]) -> Attestation:
        if read.keys() != _NAMES or read["format"] != FORMAT:
            raise AttestationsMalformed(f"an attestation has format {FORMAT} and exactly {', '.join(sorted(_NAMES))}")
        return cls(
            chain_id=read_number(read["chain_id"], bits=NUMBER_BITS_MAX),
            number=read_number(read["number"], bits=NUMBER_BITS_MAX),
            **{name: read_hex(read[name], length=length) for name, length in _LENGTHS.items()},
        )


def read_attestations(data: bytes, *, block: int) -> tuple[Attestation, ...]:
    """Those of one block in a file, each with somebody's signature; a last line that was cut off does not count.

    Raises AttestationsMalformed.
    """
    if len(data) > BYTES_MAX:
        raise AttestationsMalformed(f"more than {BYTES_MAX} bytes")
    whole = data[: data.rfind(b"\n") + 1]
    found = [read for line in whole.splitlines(keepends=True) if (read := Attestation.read(line)).number == block]
    if len(found) > AT_BLOCK_MAX:
        raise AttestationsMalformed(f"{len(found)} of block {block}; at most {AT_BLOCK_MAX} are taken")
    for attestation in found:
        attestation.signer()
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Attested:
    """So many of these witnesses have to have signed the header (verify.Witness). Raises ThresholdUnmet."""

    attestations: Sequence[Attestation]
    witnesses: frozenset[Address]
    threshold: int

    def __post_init__(self) -> None:
        if not 1 <= self.threshold <= len(self.witnesses):
            raise ThresholdUnmet(f"{self.threshold} of {len(self.witnesses)}")

    def judge(self, header: Header, *, chain_id: int, contract: Address) -> tuple[Status, str]:
        """Proven by enough of the witnesses, contradicted by any that signed another hash at this height.

        Raises AttestationsMalformed.
        """
        here = [one for one in self.attestations if (one.chain_id, one.number) == (chain_id, header.number)]
        signed = [(one, signer) for one in here if (signer := one.signer()) in self.witnesses]
        if others := {signer for one, signer in signed if one.hash != header.hash}:
            return Status.CONTRADICTED, (
                f"{_named(others)} signed another block {header.number}: the chain forked there, or a witness lies"
            )
        agreed = {signer for one, signer in signed if one.registry == contract}
        told = f"{len(agreed)} of {len(self.witnesses)} witnesses signed {to_hex(header.hash)} as block {header.number}"
        if len(agreed) < self.threshold:
            return Status.NOT_PROVEN, f"{told}; {self.threshold} are asked for"
        return Status.PROVEN, f"{told}: {_named(agreed)}"


def _named(addresses: Iterable[Address]) -> str:
    return ", ".join(format_address(address) for address in sorted(addresses))
