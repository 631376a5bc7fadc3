"""Fields of an invoice opened for a named recipient: a proof, and the signature of a party to the invoice over whom it
was made for.

Needs nothing but the standard library and the domain's hash, as all that the verifier consists of.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Final

from registry.domain.identifiers import Address, format_address
from registry.domain.keccak import keccak256
from registry.domain.printable import printable
from registry.verification.bundle import (
    DEPTH_MAX,
    Bundle,
    BundleMalformed,
    canonical,
    read_hex,
    read_object,
    require_bounded,
    to_hex,
)
from registry.verification.secp256k1 import SignatureMalformed, recover
from registry.verification.typed_data import digest
from registry.verification.verify import Finding, Pins, Status, Verdict, Witness, verify

FORMAT: Final = "counterfoil/disclosure/1"
TYPE: Final = "Disclosure(bytes32 proof,string recipient,string purpose)"
WORDS_CHARACTERS_MAX = 500
"""Of a recipient's name, and of a purpose."""

_SIGNATURE_BYTES: Final = 65
_NAMES: Final = frozenset({"format", "proof", "purpose", "recipient", "signature"})
_BEGINNING: Final = b'{"format":"counterfoil/disclosure/'
_DOMAIN: Final = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"


@dataclass(frozen=True, slots=True)
class Disclosure:
    """A proof with opened fields, for whom, what for, and the originator's or the debtor's signature (r, s and v)."""

    proof: bytes
    recipient: str
    purpose: str
    signature: bytes = b""

    def encode(self) -> bytes:
        """The file: canonical JSON and a line feed."""
        return canonical(
            {
                "format": FORMAT,
                "proof": json.loads(self.proof),
                "purpose": self.purpose,
                "recipient": self.recipient,
                "signature": to_hex(self.signature),
            }
        )

    @classmethod
    def decode(cls, data: bytes) -> Disclosure:
        """Read a file. Raises BundleMalformed, BundleTooLarge."""
        read = read_object(data)
        if read.keys() != _NAMES or read["format"] != FORMAT:
            raise BundleMalformed(f"a disclosure has exactly {', '.join(sorted(_NAMES))}, and its format is {FORMAT}")
        recipient, purpose = read["recipient"], read["purpose"]
        if not all(isinstance(word, str) and len(word) <= WORDS_CHARACTERS_MAX for word in (recipient, purpose)):
            raise BundleMalformed(f"recipient and purpose are texts of at most {WORDS_CHARACTERS_MAX}")
        require_bounded(read["proof"], depth=DEPTH_MAX)
        signature = read_hex(read["signature"], most=_SIGNATURE_BYTES)
        found = cls(canonical(read["proof"]), recipient, purpose, signature)
        if found.encode() != data:
            raise BundleMalformed("it is not in canonical form")
        return found

    def digest(self, *, chain_id: int, contract: Address) -> bytes:
        """The 32 bytes that are signed: EIP-712, for that registry."""
        domain = (_DOMAIN, "Counterfoil", "1", chain_id, contract)
        return digest(domain, (TYPE, keccak256(self.proof), self.recipient, self.purpose))


def proof_in(data: bytes) -> bytes:
    """The proof in a file that is one, or a disclosure with one. Raises BundleMalformed, BundleTooLarge."""
    return Disclosure.decode(data).proof if data.startswith(_BEGINNING) else data


def verify_file(data: bytes, *, witness: Witness | None = None, pins: Pins | None = None) -> Verdict:
    """Check a proof, or a disclosure: then also who signed it. Raises BundleMalformed, BundleTooLarge."""
    if not data.startswith(_BEGINNING):
        return verify(data, witness=witness, pins=pins)
    disclosure = Disclosure.decode(data)
    verdict = verify(disclosure.proof, witness=witness, pins=pins)
    signed = _signed(disclosure, verdict, is_opened=bool(Bundle.decode(disclosure.proof).opened))
    return replace(verdict, findings=(*verdict.findings, signed))


def _signed(disclosure: Disclosure, verdict: Verdict, *, is_opened: bool) -> Finding:
    """Whether a party to the invoice, as far as the proof proves who that is, opened fields for this recipient."""
    if not is_opened:
        return Finding("disclosure", Status.CONTRADICTED, "it opens no field of the invoice")
    signed = disclosure.digest(chain_id=verdict.chain_id, contract=verdict.contract)
    try:
        signer = recover(signed, disclosure.signature)
    except SignatureMalformed as error:
        return Finding("disclosure", Status.CONTRADICTED, f"it is not signed: {error}")
    known = {finding.name: finding.status for finding in verdict.findings}
    for role in ("originator", "debtor"):
        if verdict.stated.get(role) == to_hex(signer):
            words = f"opened for {printable(disclosure.recipient)!r}, for {printable(disclosure.purpose)!r}"
            words = f"{words}, by the {role}'s signature"
            if known[role] is Status.PROVEN:
                return Finding("disclosure", Status.PROVEN, words)
            return Finding("disclosure", Status.NOT_PROVEN, f"if that is the {role}: {words}")
    return Finding(
        "disclosure", Status.CONTRADICTED, f"{format_address(signer)} signed, who is no party to the invoice"
    )
