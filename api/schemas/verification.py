"""Questions about claims, and answers without names."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.common import BlockOut, Model
from registry.documents.invoice import Invoice
from registry.documents.parties import Party, identifier_of, parse_identity
from registry.documents.reading import require_identified
from registry.domain.money import currency, parse_amount
from registry.domain.receivable import Phase
from registry.verification.claims import Answer, Finding, Verdict
from registry.verification.duplicates import SCORE_MIN, Match, Reason

ShareBps = Annotated[
    int, Field(ge=0, le=10_000, description="Of the face, in hundredths of a percent, rounded up.", examples=[2500])
]


class ClaimPartyIn(BaseModel):
    """A party of the invoice."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    identity: str = Field(
        max_length=200,
        description="VAT id, id with its ISO 6523 scheme, or tax number, as the invoice has it.",
        examples=["vat:DE999000148"],
    )
    name: str = Field(default="", max_length=200, examples=["Brandmühl Guss GmbH"])


class ClaimMoneyIn(BaseModel):
    """What is left to pay."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    amount: str = Field(max_length=100, description="Decimal text.", examples=["1250.00"])
    currency: str = Field(max_length=3, description="ISO 4217 code.", examples=["EUR"])


class ClaimIn(BaseModel):
    """The key fields of an invoice, where the file is not at hand."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seller: ClaimPartyIn
    buyer: ClaimPartyIn
    number: str = Field(min_length=1, max_length=200, examples=["2026-1041"])
    issue_date: date = Field(examples=["2026-10-12"])
    due_date: date | None = Field(default=None, examples=["2027-01-10"])
    payable: ClaimMoneyIn
    type_code: str = Field(
        default="", max_length=3, description="UNTDID 1001; empty where it is not known.", examples=["380"]
    )

    def invoice(self) -> Invoice:
        """As an invoice of no file.

        Refuses: identity_malformed, document_incomplete, unknown_currency, amount_malformed, amount_too_precise,
        amount_out_of_range.
        """
        money = currency(self.payable.currency)
        found = Invoice(
            format="csv",
            number=self.number,
            type_code=self.type_code,
            issue_date=self.issue_date,
            due_date=self.due_date,
            currency=money,
            payable_minor=parse_amount(self.payable.amount, money),
            seller=_party(self.seller),
            buyer=_party(self.buyer),
        )
        require_identified(found)
        return found


class FindingOut(Model):
    """A registered claim that is the one asked about, or may be; whose it is, is not told."""

    match: str = Field(
        description="`same`: the claim itself, for the same amount. `same_with_other_amount`: its number, date and "
        "parties with another amount or type. `near`: another number, date, amount or spelling, and yet it may be the "
        "same claim.",
        json_schema_extra={"enum": [match.value for match in Match]},
    )
    reasons: list[
        Annotated[
            str, Field(json_schema_extra={"enum": [reason.value for reason in Reason]}, examples=["amount_differs"])
        ]
    ] = Field(description="What is remarkable. That amounts differ is told, not which is larger.")
    score: int = Field(ge=SCORE_MIN, le=100, description="How much speaks for one claim, of 100.", examples=[98])
    phase: str = Field(
        description="Where it stands. What is refused, withdrawn or lapsed is no receivable.",
        json_schema_extra={"enum": [phase.value for phase in Phase]},
    )
    pledged_bps: ShareBps
    sold_bps: ShareBps = Field(
        description="Of the face, in hundredths of a percent, rounded up: with others than the one who registered it, "
        "for cash or in payment of a debt."
    )
    paid_bps: ShareBps


class ClaimAnswerRead(Model):
    """Whether a claim is known here. That it was asked about is recorded by its keyed hash, and nothing else of it."""

    verdict: str = Field(
        description="`exact`: a finding is the same claim, with whatever amount. `near`: none is, but one may be, "
        "changed. `unknown`: nothing like it is registered here.",
        json_schema_extra={"enum": [verdict.value for verdict in Verdict]},
    )
    findings: list[FindingOut] = Field(
        description="Exact ones before near ones, of either what stands before what ended."
    )
    more: bool = Field(description="Whether there are more findings than an answer tells.")
    as_of_block: BlockOut


def show(answer: Answer, *, block: BlockOut) -> ClaimAnswerRead:
    """The answer as the API gives it."""
    return ClaimAnswerRead(
        verdict=answer.verdict.value,
        findings=[_finding(one) for one in answer.findings],
        more=answer.more,
        as_of_block=block,
    )


def _finding(one: Finding) -> FindingOut:
    return FindingOut(
        match=one.match.value,
        reasons=[reason.value for reason in one.reasons],
        score=one.score,
        phase=one.phase.value,
        pledged_bps=one.pledged_bps,
        sold_bps=one.sold_bps,
        paid_bps=one.paid_bps,
    )


def _party(party: ClaimPartyIn) -> Party:
    return Party(party.name, (identifier_of(parse_identity(party.identity)),))
