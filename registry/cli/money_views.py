"""Rows and documents of the commands about money."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from registry.cli.views import Name, money, party
from registry.domain.calendar import day, instant
from registry.domain.identifiers import CertificateId, format_receivable_id
from registry.domain.money import Money
from registry.domain.pricing import days_until
from registry.store.queries.quotes import SALE, QuoteRow

if TYPE_CHECKING:
    from registry.chain.operations import Operation
    from registry.commands.payments import PaidOut
    from registry.domain.money import Currency
    from registry.domain.pricing import Cost
    from registry.domain.receivable import Recourse, Registry
    from registry.domain.rules import ChainRefusal
    from registry.store.queries.certificates import CertificateRow
    from registry.store.queries.entries import PaymentRow
    from registry.store.queries.receivables import DebtRow, ReceivableRow


# ------------------------------------------------------------------ paying out


def paid_out_document(row: PaidOut, *, name: Name, currency: int) -> dict[str, Any]:
    """What a certificate brought, for programs."""
    return {
        "certificate": str(row.certificate),
        "amount": money(row.amount_minor, currency).to_json(),
        "holder": party(row.holder, name),
        "to_holder": money(row.amount_minor - row.to_financier_minor, currency).to_json(),
        "financier": None if row.financier is None else party(row.financier, name),
        "to_financier": money(row.to_financier_minor, currency).to_json(),
    }


def paid_out_line(row: PaidOut, *, name: Name, currency: int) -> str:
    """The same in words."""
    to_holder = money(row.amount_minor - row.to_financier_minor, currency)
    if row.financier is None:
        return f"{row.certificate}: {to_holder} to {name(row.holder)}"
    first = money(row.to_financier_minor, currency)
    return f"{row.certificate}: {first} to {name(row.financier)}, which has the lien, {to_holder} to {name(row.holder)}"


def skipped_document(receivable_id: int, start: int, refusal: type[ChainRefusal]) -> dict[str, Any]:
    """A certificate that was passed over, and why, for programs."""
    return {
        "receivable": format_receivable_id(receivable_id),
        "start": start,
        "code": refusal.code,
        "title": refusal.title,
    }


def skipped_line(receivable_id: int, start: int, refusal: type[ChainRefusal]) -> str:
    """The same in words."""
    return f"{format_receivable_id(receivable_id)}/{start}… passed over: {refusal.code}: {refusal.title}"


# ---------------------------------------------------------------------- quotes


def quote_document(row: QuoteRow, receivable: ReceivableRow, *, name: Name, now: int) -> dict[str, Any]:
    """A quote for programs, without its signature."""
    currency, cost = receivable.currency, quote_cost(row, receivable, now=now)
    is_sale = row.kind == SALE
    return {
        "number": row.quote_id,
        "digest": row.digest,
        "kind": "sale" if is_sale else "pledge",
        "state": str(row.state(now=now)),
        "financier": party(row.financier, name),
        "holder": party(row.holder, name),
        "certificate": str(row.certificate_id),
        "sold": str(CertificateId(row.receivable_id, row.cut_minor, row.end_minor)) if is_sale else None,
        "price": money(row.price_minor, currency).to_json(),
        "recourse": money(row.amount_minor, currency).to_json() if is_sale else None,
        "secured": None if is_sale else money(row.amount_minor, currency).to_json(),
        "discount": cost.discount.to_json(),
        "days": cost.days,
        "annual_rate": cost.rate,
        "expiry": instant(row.expiry_at),
    }


QUOTE_COLUMNS = (
    "number",
    "digest",
    "kind",
    "state",
    "financier_handle",
    "holder_handle",
    "certificate",
    "sold",
    "price",
    "price_currency",
    "recourse",
    "secured",
    "discount",
    "days",
    "annual_rate",
    "expiry",
)


def quote_cost(row: QuoteRow, receivable: ReceivableRow, *, now: int) -> Cost:
    """What a quote costs if it is accepted now; one that is over, what it did."""
    return row.cost(money(0, receivable.currency).currency, due_at=receivable.due_at, now=now)


def quote_terms(row: QuoteRow, *, currency: int) -> str:
    """What a quote gives and takes, in words."""
    price, amount = money(row.price_minor, currency), money(row.amount_minor, currency)
    if row.kind != SALE:
        return f"{price} against a pledge of {row.certificate_id} for {amount}"
    sold = CertificateId(row.receivable_id, row.cut_minor, row.end_minor)
    return f"{price} for {sold}, " + (f"with recourse for {amount}" if row.amount_minor else "without recourse")


def cost_line(cost: Cost) -> str:
    """What financing costs, in words."""
    a_year = "" if cost.rate is None else f": {cost.rate} a year, all in"
    return f"{cost.discount} less than {cost.face} in {cost.days} days{a_year}"


# ------------------------------------------------------------------ agreements


def agreement(agreed: Operation, *, currency: Currency) -> str:
    """What originator and debtor agree about, in words."""
    match agreed.values():
        case {"receivable_id": number, "start": start, "end": end, "amount": amount}:
            return f"{Money(amount, currency)} of {CertificateId(number, start, end)} credited: it is not owed"
        case {"receivable_id": number, "start": start, "end": end, "cut": cut}:
            return f"{Money(cut - start, currency)} of {CertificateId(number, start, end)} in dispute"
        case {"receivable_id": number}:
            return f"the dispute about {format_receivable_id(number)} ends"
    raise AssertionError(agreed)


# ----------------------------------------------------------------------- lists


def reportable_since(row: DebtRow, *, now: int, registry: Registry) -> str | None:
    """The day from which the first debt without the mark can be reported; it may be still to come."""
    since = row.reportable_since(registry, now=now)
    return None if since is None else day(since)


def debt_document(row: DebtRow, *, name: Name, now: int, registry: Registry) -> dict[str, Any]:
    """What a debtor has not paid in a currency, for programs."""
    return {
        "debtor": party(row.debtor, name),
        "unpaid": money(row.unpaid_minor, row.currency).to_json(),
        "disputed": money(row.disputed_minor, row.currency).to_json(),
        "receivables": row.receivables,
        "dishonoured": row.dishonoured,
        "due_date": day(row.due_at),
        "reportable_since": reportable_since(row, now=now, registry=registry),
        "days": -days_until(row.due_at, now=now),
    }


DEBT_COLUMNS = (
    "debtor_address",
    "debtor_handle",
    "unpaid",
    "unpaid_currency",
    "disputed",
    "receivables",
    "dishonoured",
    "due_date",
    "reportable_since",
    "days",
)


def secured(row: CertificateRow) -> int:
    """What the financier is paid first of a pledged certificate, minor units."""
    assert row.lien is not None  # what was asked for
    return row.lien.secured


def paid_first(row: CertificateRow) -> int:
    """What of that it has got, minor units."""
    return min(secured(row), row.claimed_minor)


def _standing(row: CertificateRow, *, name: Name, now: int) -> dict[str, Any]:
    """Whose a certificate is, who owes it, and how it stands."""
    return {
        "holder": party(row.holder, name),
        "debtor": party(row.debtor, name),
        "due_date": day(row.due_at),
        "phase": str(row.phase(now=now)),
    }


_STANDING_COLUMNS = ("holder_address", "holder_handle", "debtor_address", "debtor_handle", "due_date", "phase")


def lien_document(row: CertificateRow, *, name: Name, now: int) -> dict[str, Any]:
    """A pledged certificate for programs."""
    return {
        "id": str(row.id),
        "amount": money(row.amount_minor, row.currency).to_json(),
        "secured": money(secured(row), row.currency).to_json(),
        "paid_first": money(paid_first(row), row.currency).to_json(),
        **_standing(row, name=name, now=now),
    }


LIEN_COLUMNS = (
    "id",
    "amount",
    "amount_currency",
    "secured",
    "paid_first",
    *_STANDING_COLUMNS,
)


def recourse(row: CertificateRow) -> Recourse:
    """The right of a certificate that was sold with recourse."""
    assert row.recourse is not None  # what was asked for
    return row.recourse


def recourse_document(row: CertificateRow, *, name: Name, now: int) -> dict[str, Any]:
    """A certificate that was sold with recourse, for programs."""
    return {
        "id": str(row.id),
        "amount": money(row.amount_minor, row.currency).to_json(),
        "recourse": money(recourse(row).amount, row.currency).to_json(),
        "paid_out": money(row.claimed_minor, row.currency).to_json(),
        "demanded": recourse(row).demanded,
        **_standing(row, name=name, now=now),
    }


RECOURSE_COLUMNS = (
    "id",
    "amount",
    "amount_currency",
    "recourse",
    "paid_out",
    "demanded",
    *_STANDING_COLUMNS,
)


def payment_document(row: PaymentRow, *, name: Name, currency: int) -> dict[str, Any]:
    """A payment for programs."""
    return {
        "position": row.position,
        "at": instant(row.at),
        "amount": money(row.amount_minor, currency).to_json(),
        "payer": party(row.payer, name),
        "transaction": row.tx_hash,
    }


PAYMENT_COLUMNS = ("position", "at", "amount", "amount_currency", "payer_address", "payer_handle", "transaction")
