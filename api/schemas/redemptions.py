"""Redemptions that are asked for over HTTP, and what they brought."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.common import CertificateIdText, Model, MoneyOut, PartyOut
from api.schemas.operations import MinedOut, mined
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
    code: str = Field(
        description="Of the refusal of a redemption of it alone; `holder_suspended` is refused in batches only.",
        examples=["frozen_by_order"],
    )
    title: str


class RedeemedOut(MinedOut):
    """What became of a redemption, or of a batch."""

    paid_out: list[PaidOutOut]
    skipped: list[SkippedOut] = Field(description="Of a batch; a single redemption that is refused is a problem.")


def show(
    asked: Redemptions, relayed: Relayed, *, currencies: Mapping[int, int], names: Mapping[Address, PartyRow]
) -> RedeemedOut:
    """A batch as the API shows it; `currencies` are ISO 4217 numbers by receivable."""
    ids = {(one.receivable_id, one.start): one for one in asked.certificates}
    return RedeemedOut(
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
        **mined(relayed),
    )


def redeemed(relayed: Relayed) -> list[Redeemed]:
    """The entries of the certificates that were paid out."""
    return [entry for entry in relayed.entries if isinstance(entry, Redeemed)]
