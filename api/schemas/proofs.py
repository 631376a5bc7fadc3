"""Proofs, verdicts on them, and what a verifier has to know of the registry, as the API shows them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from api.schemas.common import (
    AddressText,
    BlockOut,
    CertificateIdText,
    HashText,
    InstantText,
    Model,
    hex_text,
    instant,
)
from registry.domain.identifiers import format_address
from registry.verification.bundle import FORMAT
from registry.verification.verify import Pins, Status, Verdict

OWN_WORD = (
    "This is the word of the server that made or was handed the proof, by its own node: whoever doubts it checks the "
    "same proof with a verifier and a block hash of their own."
)
PINS_FROM_ELSEWHERE = (
    "Compare these with a source that you trust: pins from the registry that is to be checked only show that it names "
    "itself alike every time."
)

PROOF_EXAMPLE: dict[str, Any] = {
    "certificate": "R-42/0-125000",
    "chain_id": 1,
    "contract": "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
    "entries": [["Registered", "…"], ["Confirmed", "…"]],
    "format": FORMAT,
    "header": "0xf90261…",
    "nodes": ["0xf90211…", "0xf8518080…"],
    "opened": [],
    "stated": {"amount": {"amount": "1250.00", "currency": "CNY"}, "phase": "live"},
}
"""Cut short. docs/proof-format.md specifies it."""

_STATED_EXAMPLE: dict[str, Any] = {
    "amount": {"amount": "1250.00", "currency": "CNY"},
    "debtor": "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
    "due": 1801353600,
    "encumbrances": [],
    "phase": "live",
}


StatusText = Annotated[
    str, Field(examples=[Status.PROVEN.value], json_schema_extra={"enum": [status.value for status in Status]})
]


class ProvenBlockOut(Model):
    """The block whose header a proof rests on."""

    number: int = Field(ge=0, examples=[1024])
    hash: HashText
    at: InstantText


class FindingOut(Model):
    """One statement of a proof, and what became of it."""

    name: str = Field(description="`header`, `contract`, `invoice`, or the statement's name.", examples=["holder"])
    status: StatusText
    words: str = Field(description="Why, for people.", examples=["0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"])


class VerdictOut(Model):
    """What a server makes of a proof. It is the server's own word: it proves nothing to who does not trust it."""

    by: Literal["this server"] = Field(default="this server", description="Whose verdict it is.")
    note: str = Field(default=OWN_WORD, examples=[OWN_WORD])
    certificate: CertificateIdText
    chain_id: int = Field(ge=0, examples=[1])
    contract: AddressText
    block: ProvenBlockOut | None = Field(description="Null where the header cannot be read.")
    sealed_entries: int = Field(ge=0, description="Entries of which the proof hides the details.", examples=[0])
    status: StatusText = Field(
        description="`contradicted` if anything is; `proven` if everything is, header and contract included."
    )
    stated: dict[str, Any] = Field(
        description="What the proof states, as it states it: true only as far as the findings say.",
        examples=[_STATED_EXAMPLE],
    )
    findings: list[FindingOut]


class VerdictRead(VerdictOut):
    """The verdict on a proof that this server made of a certificate."""

    as_of_block: BlockOut


class PinsRead(Model):
    """What names a registry to a verifier."""

    note: str = Field(default=PINS_FROM_ELSEWHERE, examples=[PINS_FROM_ELSEWHERE])
    chain_id: int = Field(ge=0, examples=[1])
    contract: AddressText
    code_hash: HashText = Field(description="Keccak-256 of the contract's code.")

    @classmethod
    def of(cls, pins: Pins) -> PinsRead:
        return cls(chain_id=pins.chain_id, contract=format_address(pins.contract), code_hash=hex_text(pins.code_hash))


def show(verdict: Verdict) -> VerdictOut:
    """A verdict, marked as whose it is."""
    header = verdict.header
    return VerdictOut(
        certificate=verdict.certificate,
        chain_id=verdict.chain_id,
        contract=format_address(verdict.contract),
        block=None
        if header is None
        else ProvenBlockOut(number=header.number, hash=hex_text(header.hash), at=instant(header.at)),
        sealed_entries=verdict.sealed,
        status=verdict.status.value,
        stated=dict(verdict.stated),
        findings=[
            FindingOut(name=finding.name, status=finding.status.value, words=finding.words)
            for finding in verdict.findings
        ],
    )
