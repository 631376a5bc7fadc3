"""Registered claims that one which is asked about could be, and what became of them; nobody's name leaves from here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, case, func, select, union

from registry.domain.identifiers import Address
from registry.store.queries.visibility import Caller, visible_to
from registry.store.tables import certificate, invoice, party, receivable

CANDIDATES_MAX: Final = 500
"""Invoices that are looked at for each thing they can have in common with the claim asked about."""


@dataclass(frozen=True, slots=True)
class CandidateRow:
    """One invoice that was handed in here, and its parties as they were admitted; None and empty where unknown."""

    document_root: bytes
    fingerprint: bytes
    originator: Address
    number: str
    issue_date: date
    due_date: date | None
    currency: int
    payable_minor: int
    seller_identity: str | None
    seller_name: str
    buyer_identity: str | None
    buyer_name: str


@dataclass(frozen=True, slots=True)
class StandingRow:
    """What of a receivable is not free any more, in minor units: under a lien, and with others than its originator."""

    receivable_id: int
    pledged_minor: int
    sold_minor: int


def candidates(
    connection: Connection,
    *,
    originator: Address | None,
    debtor: Address | None,
    number_key: str,
    payable_minor: int,
    issue_date: date,
    days: int,
    caller: Caller = Caller.LOCAL,
) -> list[CandidateRow]:
    """The invoices that share with a claim its number but for spaces and zeros, or its parties and either the issue
    date or the amount; but for the date, issued within `days` of it. Of each kind the likeliest CANDIDATES_MAX.

    Each kind is read from an index of its own, so the size of the book does not matter. An originator or a debtor that
    is not known here is None.
    """
    within = invoice.c.issue_date.between(_shifted(issue_date, -days), _shifted(issue_date, days))
    is_near = func.abs(invoice.c.issue_date - issue_date)
    kinds: list[Select[Any]] = []
    if number_key:
        is_party = case((invoice.c.originator == originator, 0), (invoice.c.debtor == debtor, 1), else_=2)
        kinds.append(_roots(caller, invoice.c.number_key == number_key, within).order_by(is_party, is_near))
    if originator is not None and debtor is not None:
        pair = (invoice.c.originator == originator, invoice.c.debtor == debtor)
        has_amount = case((invoice.c.payable_minor == payable_minor, 0), else_=1)
        kinds.append(_roots(caller, *pair, invoice.c.issue_date == issue_date).order_by(has_amount))
        kinds.append(_roots(caller, *pair, invoice.c.payable_minor == payable_minor, within).order_by(is_near))
    if not kinds:
        return []
    parts = [select(kind.limit(CANDIDATES_MAX).subquery().c.document_root) for kind in kinds]
    roots = union(*parts).subquery()
    seller, buyer = party.alias("seller"), party.alias("buyer")
    found = connection.execute(
        select(
            *(invoice.c[name] for name in _COLUMNS),
            seller.c.identity.label("seller_identity"),
            func.coalesce(seller.c.name, "").label("seller_name"),
            buyer.c.identity.label("buyer_identity"),
            func.coalesce(buyer.c.name, "").label("buyer_name"),
        )
        .join_from(invoice, roots, roots.c.document_root == invoice.c.document_root)
        .outerjoin(seller, seller.c.address == invoice.c.originator)
        .outerjoin(buyer, buyer.c.address == invoice.c.debtor)
        .order_by(invoice.c.document_root)
    )
    return [CandidateRow(**row._mapping) for row in found]


def standings(
    connection: Connection, receivable_ids: Iterable[int], *, caller: Caller = Caller.LOCAL
) -> dict[int, StandingRow]:
    """What of these receivables is pledged, and what others have, in one statement; none where no certificate is left.

    What was paid out is not counted: the certificates are no more.
    """
    length = certificate.c.end_minor - certificate.c.start_minor
    found = connection.execute(
        select(
            certificate.c.receivable_id,
            func.coalesce(func.sum(length).filter(certificate.c.lien_financier.is_not(None)), 0),
            func.coalesce(func.sum(length).filter(certificate.c.holder != receivable.c.originator), 0),
        )
        .join(receivable, receivable.c.receivable_id == certificate.c.receivable_id)
        .where(visible_to(caller, certificate), certificate.c.receivable_id.in_(set(receivable_ids)))
        .group_by(certificate.c.receivable_id)
    )
    return {number: StandingRow(number, int(pledged), int(sold)) for number, pledged, sold in found}


_COLUMNS: Final[Sequence[str]] = (
    "document_root",
    "fingerprint",
    "originator",
    "number",
    "issue_date",
    "due_date",
    "currency",
    "payable_minor",
)


def _roots(caller: Caller, *wanted: ColumnElement[bool]) -> Select[Any]:
    return select(invoice.c.document_root).where(visible_to(caller, invoice), *wanted)


def _shifted(day: date, days: int) -> date:
    """So many days later, or the first or last day that there is."""
    ordinal = day.toordinal() + days
    return date.fromordinal(min(max(ordinal, date.min.toordinal()), date.max.toordinal()))
