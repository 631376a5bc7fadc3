"""Is a claim known here already? Answered for a bank that is offered an invoice, without names, ids or others' amounts.

What is told of a registered claim: how it goes together with the one that is asked about, where it stands on chain, and
what share of it is pledged, sold or paid. Whoever asks has the invoice; of what it has not, it learns nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from registry.documents.fingerprint import fingerprint
from registry.documents.invoice import Invoice
from registry.documents.parties import number_key
from registry.domain.amounts import share_bps
from registry.domain.receivable import Phase
from registry.store import records
from registry.store.database import Connection, Database
from registry.store.queries import candidates as candidate_queries
from registry.store.queries import invoices as invoice_queries
from registry.store.queries import parties as party_queries
from registry.store.queries import receivables as receivable_queries
from registry.store.queries.candidates import CandidateRow, StandingRow
from registry.store.queries.pages import PAGE_ROWS_MAX
from registry.store.queries.receivables import ReceivableRow
from registry.verification.duplicates import DAYS_MAX, KeyFields, Match, Nearness, Reason, Trader, nearness

FINDINGS_MAX: Final = 20
"""Findings that one answer tells, of equal fingerprints and of near ones each."""


class Verdict(StrEnum):
    """The answer in a word: the most that any finding says."""

    EXACT = "exact"
    NEAR = "near"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """A registered claim that is the one asked about, or may be. `score` is of 100; shares are of its face, in
    hundredths of a percent, rounded up. What others have of it is `sold`, be it for cash or in payment of a debt."""

    match: Match
    reasons: tuple[Reason, ...]
    score: int
    phase: Phase
    pledged_bps: int
    sold_bps: int
    paid_bps: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What is known of a claim: exact findings before near ones, of either those that stand before those that ended.

    `more` is whether there are findings beyond FINDINGS_MAX. The fingerprint is for the record, not for the asker.
    """

    fingerprint: bytes = field(repr=False)
    findings: tuple[Finding, ...]
    more: bool

    @property
    def verdict(self) -> Verdict:
        """The answer in a word."""
        if not self.findings:
            return Verdict.UNKNOWN
        return Verdict.NEAR if self.findings[0].match is Match.NEAR else Verdict.EXACT


def answer(connection: Connection, invoice: Invoice, *, master: bytes, now: int) -> Answer:
    """What is known of the claim of an invoice at `now` (seconds); `master` is the key of fingerprints.

    An invoice whose type is not known has an empty type. Refuses: document_incomplete.
    """
    claim = fingerprint(invoice, master)
    exact, more_exact = receivable_queries.foremost(connection, limit=FINDINGS_MAX, fingerprint=claim)
    near, more_near = _near(connection, invoice, claim)
    rows = [*exact, *(row for row, _ in near)]
    standings = candidate_queries.standings(connection, (row.receivable_id for row in rows))
    found = [
        *(
            _finding(row, match, reasons, score=100, standing=standings.get(row.receivable_id), now=now)
            for row, (match, reasons) in zip(exact, _exact(connection, invoice, exact), strict=True)
        ),
        *(
            _finding(row, Match.NEAR, why.reasons, score=why.score, standing=standings.get(row.receivable_id), now=now)
            for row, why in near
        ),
    ]
    return Answer(claim, tuple(found), more_exact or more_near)


def record(database: Database, answered: Answer, *, block_number: int) -> None:
    """Keep that a claim was asked about and what was answered at which block, before the answer leaves."""
    with database.write() as connection:
        records.save_claim_question(
            connection,
            fingerprint=answered.fingerprint,
            matches=[(one.match.value, [reason.value for reason in one.reasons]) for one in answered.findings],
            block_number=block_number,
        )


def _exact(
    connection: Connection, invoice: Invoice, rows: Sequence[ReceivableRow]
) -> list[tuple[Match, tuple[Reason, ...]]]:
    """How receivables of the same fingerprint go together with the invoice."""
    kept = invoice_queries.invoices_by_root(connection, [row.document_root for row in rows])
    known = party_queries.parties_by_address(connection, [row.originator for row in rows])
    found: list[tuple[Match, tuple[Reason, ...]]] = []
    for row in rows:
        invoice_row, originator = kept.get(row.document_root), known.get(row.originator)
        same_type = invoice_row is None or invoice.type_code in ("", invoice_row.type_code)
        same = same_type and row.claim_face_minor == invoice.payable_minor
        is_sellers = originator is None or originator.identity in (None, str(invoice.seller_identity))
        reasons = () if is_sellers else (Reason.REGISTERED_BY_ANOTHER,)
        found.append((Match.SAME if same else Match.SAME_WITH_OTHER_AMOUNT, reasons))
    return found


def _near(connection: Connection, invoice: Invoice, claim: bytes) -> tuple[list[tuple[ReceivableRow, Nearness]], bool]:
    """The receivables of near claims with other fingerprints, and whether there are more."""
    seller = party_queries.party_by_identity(connection, str(invoice.seller_identity))
    buyer = party_queries.party_by_identity(connection, str(invoice.buyer_identity))
    rows = candidate_queries.candidates(
        connection,
        originator=None if seller is None else seller.address,
        debtor=None if buyer is None else buyer.address,
        number_key=number_key(invoice.number),
        payable_minor=invoice.payable_minor,
        issue_date=invoice.issue_date,
        days=DAYS_MAX,
    )
    asked = KeyFields.of(invoice)
    weighed = ((row, nearness(asked, _key_fields(row))) for row in rows if row.fingerprint != claim)
    near = {(row.document_root, row.originator): why for row, why in weighed if why is not None}
    if not near:
        return [], False
    # Whoever learns a root, which is public, can register it too: only the seller's own claim is the invoice's.
    registered, _ = receivable_queries.foremost(
        connection, limit=PAGE_ROWS_MAX, document_roots=[root for root, _ in near]
    )
    found = [(row, near[key]) for row in registered if (key := (row.document_root, row.originator)) in near]
    found.sort(key=lambda one: (one[0].has_ended, -one[1].score, one[0].receivable_id))
    return found[:FINDINGS_MAX], len(found) > FINDINGS_MAX


def _key_fields(row: CandidateRow) -> KeyFields:
    return KeyFields(
        seller=Trader(row.seller_identity, row.seller_name),
        buyer=Trader(row.buyer_identity, row.buyer_name),
        number=row.number,
        issue_date=row.issue_date,
        due_date=row.due_date,
        currency=row.currency,
        payable_minor=row.payable_minor,
    )


def _finding(
    row: ReceivableRow,
    match: Match,
    reasons: tuple[Reason, ...],
    *,
    score: int,
    standing: StandingRow | None,
    now: int,
) -> Finding:
    return Finding(
        match=match,
        reasons=reasons,
        score=score,
        phase=row.phase(now=now),
        pledged_bps=share_bps(standing.pledged_minor, row.face_minor) if standing else 0,
        sold_bps=share_bps(standing.sold_minor, row.face_minor) if standing else 0,
        paid_bps=share_bps(row.paid_minor, row.face_minor),
    )
