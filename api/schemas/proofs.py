"""Verdicts on proofs, and what pins a verifier to this registry."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from api.schemas.common import AddressText, CertificateIdText, HashText, InstantText, Model, hex_text
from registry.domain import calendar
from registry.domain.identifiers import format_address
from registry.verification.report import OUTCOMES
from registry.verification.verify import Finding, Pins, Status, Verdict

StatusText = Literal["proven", "not proven", "contradicted"]

OWN_WORD = (
    "This server's own verdict. Who does not trust the server checks the bundle with a verifier of their own, against a"
    " block hash that they have from elsewhere."
)


class FindingOut(Model):
    """What became of one statement of a bundle."""

    name: str = Field(examples=["holder"])
    status: StatusText
    words: str = Field(description="The statement, or why it does not hold.")

    @classmethod
    def of(cls, finding: Finding) -> FindingOut:
        """As the API shows it."""
        return cls(name=finding.name, status=finding.status.value, words=finding.words)


class ProvenBlockOut(Model):
    """The block that a bundle is about."""

    number: int = Field(ge=0, examples=[4242])
    hash: HashText
    at: InstantText


class VerdictRead(Model):
    """What a bundle proves, by this server."""

    by: Literal["this server"] = "this server"
    caution: str = Field(default=OWN_WORD, description="Whose word this is.")
    status: StatusText
    outcome: str = Field(examples=[OUTCOMES[Status.PROVEN]])
    certificate: CertificateIdText
    chain_id: int = Field(examples=[31337])
    contract: AddressText
    block: ProvenBlockOut | None = Field(description="null where the bundle's header cannot be read.")
    sealed_entries: int = Field(ge=0, description="Entries of which the bundle shows no details.", examples=[0])
    stated: dict[str, Any] = Field(description="What the bundle states: docs/proof-format.md lists the names.")
    findings: list[FindingOut]

    @classmethod
    def of(cls, verdict: Verdict) -> VerdictRead:
        """As the API shows it."""
        header = verdict.header
        return cls(
            status=verdict.status.value,
            outcome=OUTCOMES[verdict.status],
            certificate=verdict.certificate,
            chain_id=verdict.chain_id,
            contract=format_address(verdict.contract),
            block=None
            if header is None
            else ProvenBlockOut(number=header.number, hash=hex_text(header.hash), at=calendar.instant(header.at)),
            sealed_entries=verdict.sealed,
            stated=dict(verdict.stated),
            findings=[FindingOut.of(finding) for finding in verdict.findings],
        )


class PinsRead(Model):
    """The registry that a verifier is to expect, as this server has it: compare it with another source."""

    chain_id: int = Field(examples=[31337])
    contract: AddressText
    code_hash: HashText

    @classmethod
    def of(cls, pins: Pins) -> PinsRead:
        """As the API shows it."""
        return cls(chain_id=pins.chain_id, contract=format_address(pins.contract), code_hash=hex_text(pins.code_hash))
