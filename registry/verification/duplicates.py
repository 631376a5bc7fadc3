"""Whether two claims are one: the same, or so near that one may be the other, changed to be financed twice. Pure.

Near is what has at least SCORE_MIN points. Points are evidence that two claims on the same parties are one:

    number        the same 40, spaced or padded otherwise 38, two characters swapped 32, one character changed 18;
                  in one run of numbers: swapped 15, any other 0
    issue date    the same 25, within DAYS_MAX 5
    amount        the same 20
    due date      the same or on neither 15, on one of the two alone 8
    each party whose identity is another, or written otherwise, under a like name: -10

A supplier's own series keeps apart what is two claims: consecutive numbers give no points, so 041 and 042 are near only
if date, due date and amount are all the same, and a rent that comes every month has neither date nor number in common.
What the points and the limit find and miss is measured by scripts/bench/duplicates.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from rapidfuzz import fuzz
from rapidfuzz.distance import OSA

from registry.documents.invoice import Invoice
from registry.documents.parties import normal_identifier, normal_name, normal_number

SCORE_MIN: Final = 60
"""Points from which on a claim is near, of 100."""

DAYS_MAX: Final = 90
"""Days between two issue dates of what can still be one claim. A series that begins anew each year is further apart."""

RUN_MAX: Final = 99
"""So far apart numbers of one series can lie and be the supplier's next ones: two claims, not one that was changed."""

NAME_ALIKE_MIN: Final = 90
"""Likeness (0 to 100) of two names from which on they can be one party's."""

TEXT_CHARS_MAX: Final = 200
"""Characters of a number or a name that are compared."""

_ISSUE_DATE_SAME: Final = 25
_ISSUE_DATE_NEAR: Final = 5
_AMOUNT_SAME: Final = 20
_DUE_DATE_SAME: Final = 15
_DUE_DATE_UNKNOWN: Final = 8
_PARTY_RESPELT: Final = -10
_GROUP: Final = re.compile(r"[0-9]+|[^\W\d_]+")
_TAIL: Final = re.compile(r"([0-9]*)$")


class Match(StrEnum):
    """How a registered claim goes together with the one that is asked about."""

    SAME = "same"
    """Equal fingerprint, for the same amount."""
    SAME_WITH_OTHER_AMOUNT = "same_with_other_amount"
    """Equal fingerprint, for another amount."""
    NEAR = "near"
    """Another fingerprint, and yet the claim may be the same one, changed."""


class Reason(StrEnum):
    """What is remarkable about a match. Codes are part of the API and never change.

    That amounts differ is told, never which is larger: by halving, whoever asks would learn the other one.
    """

    NUMBER_RESPACED = "number_respaced"
    """The number is the same but for separators and leading zeros."""
    NUMBER_TRANSPOSED = "number_transposed"
    """Two neighbouring characters of the number are swapped."""
    NUMBER_EDITED = "number_edited"
    """One character of the number is another, missing or too many."""
    SAME_PARTIES_AND_DATES = "same_parties_and_dates"
    """The number is another one; parties, issue date, due date and amount are the same."""
    AMOUNT_DIFFERS = "amount_differs"
    CURRENCY_DIFFERS = "currency_differs"
    ISSUE_DATE_DIFFERS = "issue_date_differs"
    DUE_DATE_DIFFERS = "due_date_differs"
    PARTY_RESPELT = "party_respelt"
    """A party is named alike and identified otherwise: by another kind of id, or by one that differs in a character."""
    REGISTERED_BY_ANOTHER = "registered_by_another"
    """Of an equal fingerprint: a member that is not the invoice's seller registered the claim. It may be a copy."""


@dataclass(frozen=True, slots=True)
class Trader:
    """A seller or buyer: its identity as str(PartyIdentity) has it, None where none is known, and its name."""

    identity: str | None
    name: str


@dataclass(frozen=True, slots=True)
class KeyFields:
    """What claims are compared by. `currency` is the ISO 4217 number, `payable_minor` in its minor units."""

    seller: Trader
    buyer: Trader
    number: str
    issue_date: date
    due_date: date | None
    currency: int
    payable_minor: int

    @classmethod
    def of(cls, invoice: Invoice) -> KeyFields:
        """Those of an invoice. Refuses: document_incomplete."""
        return cls(
            seller=Trader(str(invoice.seller_identity), invoice.seller.name),
            buyer=Trader(str(invoice.buyer_identity), invoice.buyer.name),
            number=invoice.number,
            issue_date=invoice.issue_date,
            due_date=invoice.due_date,
            currency=invoice.currency.numeric,
            payable_minor=invoice.payable_minor,
        )


@dataclass(frozen=True, slots=True)
class Nearness:
    """That two claims of different fingerprints may be one: points of 100, and what is remarkable."""

    score: int
    reasons: tuple[Reason, ...]


class _Number(StrEnum):
    SAME = "same"
    RESPACED = "respaced"
    TRANSPOSED = "transposed"
    EDITED = "edited"
    TRANSPOSED_IN_RUN = "transposed in run"
    OTHER = "other"


_NUMBER_POINTS: Final = {
    _Number.SAME: 40,
    _Number.RESPACED: 38,
    _Number.TRANSPOSED: 32,
    _Number.EDITED: 18,
    _Number.TRANSPOSED_IN_RUN: 15,
    _Number.OTHER: 0,
}
_NUMBER_REASONS: Final = {
    _Number.RESPACED: Reason.NUMBER_RESPACED,
    _Number.TRANSPOSED: Reason.NUMBER_TRANSPOSED,
    _Number.EDITED: Reason.NUMBER_EDITED,
    _Number.TRANSPOSED_IN_RUN: Reason.NUMBER_TRANSPOSED,
}


def nearness(asked: KeyFields, known: KeyFields, *, score_min: int = SCORE_MIN) -> Nearness | None:
    """Why a known claim may be the one that is asked about, None where it is another one.

    For claims of different fingerprints; of equal ones there is nothing to weigh. Another limit is for measuring.
    """
    seller, buyer = _party_points(asked.seller, known.seller), _party_points(asked.buyer, known.buyer)
    issued = _issue_points(asked.issue_date, known.issue_date)
    if seller is None or buyer is None or issued is None:
        return None
    number = _compared(asked.number, known.number)
    amount = _AMOUNT_SAME if _amount(asked) == _amount(known) else 0
    score = seller + buyer + issued + amount + _NUMBER_POINTS[number] + _due_points(asked.due_date, known.due_date)
    if score < score_min:
        return None
    return Nearness(score, tuple(_reasons(asked, known, number, is_respelt=seller + buyer < 0)))


def _reasons(asked: KeyFields, known: KeyFields, number: _Number, *, is_respelt: bool) -> Iterator[Reason]:
    if number in _NUMBER_REASONS:
        yield _NUMBER_REASONS[number]
    if number is _Number.OTHER and asked.issue_date == known.issue_date:
        yield Reason.SAME_PARTIES_AND_DATES
    if asked.currency != known.currency:
        yield Reason.CURRENCY_DIFFERS
    elif asked.payable_minor != known.payable_minor:
        yield Reason.AMOUNT_DIFFERS
    if asked.issue_date != known.issue_date:
        yield Reason.ISSUE_DATE_DIFFERS
    if None not in (asked.due_date, known.due_date) and asked.due_date != known.due_date:
        yield Reason.DUE_DATE_DIFFERS
    if is_respelt:
        yield Reason.PARTY_RESPELT


def _amount(claim: KeyFields) -> tuple[int, int]:
    return claim.currency, claim.payable_minor


def _issue_points(asked: date, known: date) -> int | None:
    """Points of two issue dates; None where they are too far apart for one claim."""
    if asked == known:
        return _ISSUE_DATE_SAME
    return _ISSUE_DATE_NEAR if abs((asked - known).days) <= DAYS_MAX else None


def _due_points(asked: date | None, known: date | None) -> int:
    if asked == known:
        return _DUE_DATE_SAME
    return _DUE_DATE_UNKNOWN if asked is None or known is None else 0


def _party_points(asked: Trader, known: Trader) -> int | None:
    """Points of two mentions of a party; None where they are two parties.

    Ids of one kind that differ in more than a character are two parties, however like their names: companies of one
    group. A number in another's books is one party's however its name is written there.
    """
    if asked.identity is not None and asked.identity == known.identity:
        return 0
    if asked.identity is not None and known.identity is not None:
        (kind, value), (known_kind, known_value) = _id(asked.identity), _id(known.identity)
        if kind == known_kind == "local" and value == known_value:
            return 0
        if kind == known_kind and OSA.distance(value, known_value, score_cutoff=1) > 1:
            return None
    return _PARTY_RESPELT if likeness(asked.name, known.name) >= NAME_ALIKE_MIN else None


def likeness(name: str, other: str) -> float:
    """Likeness of two names, 0 to 100: of all their words in any order, or of the first one, whatever is greater.

    What follows the first word is the legal form, or what is left away in other books; it does not identify a party,
    but who is asked about with the same number, date and amount need only look alike.
    """
    words, other_words = (normal_name(text)[:TEXT_CHARS_MAX].split() for text in (name, other))
    if not words or not other_words:
        return 0
    whole = fuzz.token_sort_ratio(" ".join(words), " ".join(other_words))
    return max(whole, fuzz.ratio(words[0], other_words[0]))


def _id(identity: str) -> tuple[str, str]:
    """Kind and value of the text of an identity; the name beside a local one left out."""
    parts = identity.split(":")
    return ("local", parts[1]) if parts[0] == "local" else (":".join(parts[:-1]), parts[-1])


def _compared(asked: str, known: str) -> _Number:
    asked, known = asked[:TEXT_CHARS_MAX], known[:TEXT_CHARS_MAX]
    if normal_number(asked) == normal_number(known):
        return _Number.SAME
    bare, known_bare = normal_identifier(asked), normal_identifier(known)
    if not bare or not known_bare:
        return _Number.OTHER
    if bare.lstrip("0") == known_bare.lstrip("0") or _groups(asked) == _groups(known):
        return _Number.RESPACED
    if OSA.distance(bare, known_bare, score_cutoff=1) > 1:
        return _Number.OTHER
    is_transposed = sorted(bare) == sorted(known_bare)
    if _in_one_run(bare, known_bare):
        return _Number.TRANSPOSED_IN_RUN if is_transposed else _Number.OTHER
    return _Number.TRANSPOSED if is_transposed else _Number.EDITED


def _groups(number: str) -> list[str]:
    """The runs of digits and of letters of a number, without leading zeros: RE-0041 and RE 41 have the same."""
    return [group.lstrip("0") for group in _GROUP.findall(normal_number(number))]


def _in_one_run(bare: str, known_bare: str) -> bool:
    """Whether two numbers are near each other in one series: the same but for the count at the end."""
    (stem, count), (known_stem, known_count) = _TAIL.split(bare)[:2], _TAIL.split(known_bare)[:2]
    return stem == known_stem and abs(int(count or 0) - int(known_count or 0)) <= RUN_MAX
