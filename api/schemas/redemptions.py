"""Redemptions that are asked for over HTTP, and what they brought."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.common import CertificateIdText, HashText, Model, MoneyOut, PartyOut, hex_text
from registry.commands.relaying import Redemptions, Relayed
from registry.domain.identifiers import Address, CertificateId
from registry.domain.journal import Redeemed
from registry.store.queries.parties import PartyRow

CERTIFICATES_MAX = 100
"""Of one request, which is one transaction: 12 million gas at most, where each has a lien and its holder, until then,
no deposit; measured 1.4 million where one holder has nearly all."""


class RedemptionsIn(BaseModel):
    """Certificates to be paid out, each once."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    certificates: Annotated[list[CertificateIdText], Field(min_length=1, max_length=CERTIFICATES_MAX)]


class PaidOutOut(Model):
    """What a certificate was paid out."""

    certificate: CertificateIdText
    holder: PartyOut
    amount: MoneyOut
    to_financier: MoneyOut = Field(description="Of it, what went to the one with the lien; the holder got the rest.")


class SkippedOut(Model):
    """A certificate that was passed over, and why."""

    certificate: CertificateIdText
    code: str = Field(description="Of the refusal of a redemption of it alone.", examples=["frozen_by_order"])
    title: str


class RedeemedOut(Model):
    """What became of a batch of redemptions."""

    dry_run: Literal[False]
    transaction: HashText
    block_number: int = Field(ge=0, examples=[1024])
    gas: int = Field(ge=0, description="Gas used.", examples=[97_000])
    paid_out: list[PaidOutOut]
    skipped: list[SkippedOut]
    mirrored: bool = Field(description="Whether reads show it already.")


class RedemptionsRehearsedOut(Model):
    """At least one of the certificates would be paid out now."""

    dry_run: Literal[True]
    gas: int = Field(ge=0, description="Gas that it would use, about.", examples=[97_000])


def show(
    asked: Redemptions, relayed: Relayed, *, currencies: Mapping[int, int], names: Mapping[Address, PartyRow]
) -> RedeemedOut:
    """A batch as the API shows it; `currencies` are ISO 4217 numbers by receivable."""
    ids = {(one.receivable_id, one.start): one for one in asked.certificates}
    return RedeemedOut(
        dry_run=False,
        transaction=hex_text(relayed.tx_hash),
        block_number=relayed.block_number,
        gas=relayed.gas,
        paid_out=[
            PaidOutOut(
                certificate=str(CertificateId(entry.receivable_id, entry.start, entry.end)),
                holder=PartyOut.of(entry.holder, names),
                amount=MoneyOut.of(entry.amount, currencies[entry.receivable_id]),
                to_financier=MoneyOut.of(entry.to_financier, currencies[entry.receivable_id]),
            )
            for entry in redeemed(relayed)
        ],
        skipped=[
            SkippedOut(certificate=str(ids[one.receivable_id, one.start]), code=one.code, title=one.title)
            for one in relayed.skipped
        ],
        mirrored=relayed.mirrored,
    )


def redeemed(relayed: Relayed) -> list[Redeemed]:
    """The entries of the certificates that were paid out."""
    return [entry for entry in relayed.entries if isinstance(entry, Redeemed)]
