"""Field values that both formats share: a required text, an amount, a day."""

from __future__ import annotations

import re
from datetime import date
from typing import Final, TypeVar

from registry.documents.errors import DocumentIncomplete, DocumentInconsistent, DocumentMalformed
from registry.domain.money import AmountMalformed, AmountOutOfRange, AmountTooPrecise, Currency, parse_amount

_Value = TypeVar("_Value")

# xs:date: a time zone may follow the day; the day is the one where the invoice was written.
_ISO_DAY: Final = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:T[0-9:.]+)?(?:Z|[+-][0-9]{2}:[0-9]{2})?")
_DIGITS_DAY: Final = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})(?:[0-9]{4}|[0-9]{6})?")


def required(value: _Value | None, *, field: str) -> _Value:
    """The value, if there is one; zero is one, empty text is none. Refuses: document_incomplete."""
    if value is None or value == "":
        raise DocumentIncomplete(field)
    return value


def amount_minor(text: str, *, currency: Currency, stated_currency: str | None, field: str) -> int:
    """Minor units of an amount; `stated_currency` is the one on the amount itself, if any.

    Refuses: document_inconsistent (another currency than the document's), amount_malformed, amount_too_precise,
    amount_out_of_range.
    """
    if stated_currency and stated_currency != currency.code:
        raise DocumentInconsistent(f"{field} is in {stated_currency}, the document in {currency.code}")
    try:
        return parse_amount(text, currency)
    except (AmountMalformed, AmountTooPrecise, AmountOutOfRange) as refusal:
        raise type(refusal)(f"{field}: {refusal.detail}") from refusal


def iso_day(text: str, *, field: str) -> date:
    """A day as xs:date or xs:dateTime writes it. Refuses: document_malformed."""
    return _day(_ISO_DAY.fullmatch(text), text, field)


def digits_day(text: str, *, field: str) -> date:
    """A day as UNTDID 2379 formats 102, 203 and 204 write it: YYYYMMDD[hhmm[ss]]. Refuses: document_malformed."""
    return _day(_DIGITS_DAY.fullmatch(text), text, field)


def _day(match: re.Match[str] | None, text: str, field: str) -> date:
    if match is None:
        raise DocumentMalformed(f"{field}: {text[:40]!r} is not a day")
    try:
        return date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError as error:
        raise DocumentMalformed(f"{field}: {text[:40]!r} is not in the calendar") from error
