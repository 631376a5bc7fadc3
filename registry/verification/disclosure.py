"""Fields of an invoice opened for a named recipient: a proof, and the owner's signature over whom it was made for.

Needs nothing but the standard library and the domain's hash, as all that the verifier consists of.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Final

from registry.domain.identifiers import Address, format_address
from registry.domain.keccak import keccak256
from registry.domain.printable import printable
from registry.verification.bundle import DEPTH_MAX, Bundle, BundleMalformed, canonical, read_object, require_bounded, to_hex
from registry.verification.secp256k1 import SignatureMalformed, recover
from registry.verification.verify import Finding, Pins, Status, Verdict, Witness, verify

FORMAT: Final = "counterfoil/disclosure/1"
TYPE: Final = "Disclosure(bytes32 proof,string recipient,string purpose)"
WORDS_CHARACTERS_MAX = 500
"""Of a recipient's name, and of a purpose."""

_NAMES: Final = frozenset({"format", "proof", "purpose", "recipient", "signature"})
_BEGINNING: Final = b'{"format":"counterfoil/disclosure/'
_DOMAIN: Final = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"


@dataclass(frozen=True, slots=True)
class Disclosure:
    """A proof with opened fields, for whom, what for, and the owner's signature (r, s and v, 65 bytes)."""

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
        words = [read[name] for name in ("recipient", "purpose", "signature")]
        if not all(isinstance(word, str) and len(word) <= WORDS_CHARACTERS_MAX for word in words):
            raise BundleMalformed(f"recipient, purpose and signature are texts of at most {WORDS_CHARACTERS_MAX}")
        try:
            signature = bytes.fromhex(words[2].removeprefix("0x"))
        except ValueError as error:
            raise BundleMalformed("the signature is not written in hex digits") from error
        require_bounded(read["proof"], depth=DEPTH_MAX)
        found = cls(canonical(read["proof"]), words[0], words[1], signature)
        if found.encode() != data:
            raise BundleMalformed("it is not in canonical form")
        return found

    def digest(self, *, chain_id: int, contract: Address) -> bytes:
        """The 32 bytes that the owner signs: EIP-712, for that registry."""
        domain = _hash_of(
            _text(_DOMAIN), _text("Counterfoil"), _text("1"), chain_id.to_bytes(32), contract.rjust(32, b"\0")
        )
        message = _hash_of(_text(TYPE), keccak256(self.proof), _text(self.recipient), _text(self.purpose))
        return keccak256(b"\x19\x01" + domain + message)


def proof_in(data: bytes) -> bytes:
    """The proof in a file that is one, or a disclosure with one. Raises BundleMalformed, BundleTooLarge."""
    return Disclosure.decode(data).proof if data.startswith(_BEGINNING) else data


def verify_file(data: bytes, *, witness: Witness | None = None, pins: Pins | None = None) -> Verdict:
    """Check a proof, or a disclosure: then also who signed it. Raises BundleMalformed, BundleTooLarge."""
    if not data.startswith(_BEGINNING):
        return verify(data, witness=witness, pins=pins)
    disclosure = Disclosure.decode(data)
    verdict = verify(disclosure.proof, witness=witness, pins=pins)
    return replace(verdict, findings=(*verdict.findings, _signed(disclosure, Bundle.decode(disclosure.proof))))


def _signed(disclosure: Disclosure, bundle: Bundle) -> Finding:
    """Whether a party to the invoice, as the proof states them, opened these fields for this recipient."""
    digest = disclosure.digest(chain_id=bundle.chain_id, contract=bundle.contract)
    try:
        signer = recover(digest, disclosure.signature)
    except SignatureMalformed as error:
        return Finding("disclosure", Status.CONTRADICTED, f"it is not signed: {error}")
    for role in ("originator", "debtor"):
        if bundle.stated.get(role) == to_hex(signer):
            words = f"opened for {printable(disclosure.recipient)!r}, for {printable(disclosure.purpose)!r}"
            return Finding("disclosure", Status.PROVEN, f"{words}, by the {role}'s signature")
    return Finding(
        "disclosure", Status.CONTRADICTED, f"{format_address(signer)} signed, who is no party to the invoice"
    )


def _hash_of(*words: bytes) -> bytes:
    return keccak256(b"".join(words))


def _text(text: str) -> bytes:
    return keccak256(text.encode())
