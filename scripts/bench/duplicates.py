"""How well near-duplicates are told from trade: `python -m scripts.bench.duplicates [--data FOLDER]`.

Prints precision and recall of registry.verification.duplicates, by kind of change and by limit of the score, on
generated books and on real ones: the open items and the late payments of ../shared/data. The books are asked about
changed copies of their own rows, and about each row as it is. Precision is over all that is reported: changed copies,
and pairs of rows that nobody changed. Everything is seeded, so two runs print the same; where the real books are
missing, only what is generated is measured.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import random
import string
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from rich.console import Console
from rich.table import Table

from registry.documents.parties import normal_name, normal_number, number_key
from registry.settings import PROJECT_ROOT
from registry.verification.duplicates import (
    DAYS_MAX,
    NAME_ALIKE_MIN,
    SCORE_MIN,
    KeyFields,
    Nearness,
    Trader,
    likeness,
    nearness,
)

SEED = 20260
GENERATED_SUPPLIERS = 60
GENERATED_MONTHS = 12
COPIES_PER_KIND = 1_000
EXAMPLES_MAX = 5
LIMITS = (50, 55, 58, 60, 65, 70, 75, 80, 90)
"""Limits of the score at which precision and recall are told; the one in force is SCORE_MIN."""

NAME_LIMITS = (75, 80, 85, 90, 95)
"""Limits of the likeness of names; the one in force is NAME_ALIKE_MIN."""

EUR, USD = 978, 840

Change = Callable[[KeyFields, random.Random], KeyFields]
Shape = Callable[[int, date], str]


# ------------------------------------------------------------------ changes


def _respaced(claim: KeyFields, rng: random.Random) -> KeyFields:
    bare = [char for char in claim.number if char.isalnum()]
    place = rng.randrange(1, len(bare))
    number = "".join([*bare[:place], rng.choice("-/._"), *bare[place:]])
    return replace(claim, number=number if number != claim.number else "0" + number)


def _transposed(claim: KeyFields, rng: random.Random) -> KeyFields:
    number = claim.number
    places = [
        at for at, (one, other) in enumerate(itertools.pairwise(number)) if one != other and (one + other).isalnum()
    ]
    if not places:
        return _edited(claim, rng)
    at = rng.choice(places)
    return replace(claim, number=number[:at] + number[at + 1] + number[at] + number[at + 2 :])


def _edited(claim: KeyFields, rng: random.Random) -> KeyFields:
    places = [at for at, char in enumerate(claim.number) if char.isdigit()]
    at = rng.choice(places)
    digit = rng.choice([char for char in string.digits if char != claim.number[at]])
    return replace(claim, number=claim.number[:at] + digit + claim.number[at + 1 :])


def _renumbered(claim: KeyFields, rng: random.Random) -> KeyFields:
    return replace(claim, number=f"X{rng.randrange(10**7):07}")


def _inflated(claim: KeyFields, rng: random.Random) -> KeyFields:
    return replace(claim, payable_minor=claim.payable_minor * rng.randrange(105, 300) // 100 + 1)


def _redated(claim: KeyFields, rng: random.Random) -> KeyFields:
    days = timedelta(days=rng.randrange(1, DAYS_MAX))
    due = claim.due_date
    return replace(claim, issue_date=claim.issue_date + days, due_date=None if due is None else due + days)


def _respelt(claim: KeyFields, rng: random.Random) -> KeyFields:
    seller = Trader(f"scheme:0088:{rng.randrange(10**12)}", claim.seller.name.upper())
    return replace(claim, seller=seller)


def _both(first: Change, second: Change) -> Change:
    return lambda claim, rng: second(first(claim, rng), rng)


CHANGES: dict[str, Change] = {
    "number respaced": _respaced,
    "number respaced, amount inflated": _both(_respaced, _inflated),
    "two characters swapped": _transposed,
    "two characters swapped, amount inflated": _both(_transposed, _inflated),
    "one digit changed": _edited,
    "one digit changed, amount inflated": _both(_edited, _inflated),
    "another number": _renumbered,
    "another number, amount inflated": _both(_renumbered, _inflated),
    "dates moved": _redated,
    "dates moved, number respaced": _both(_redated, _respaced),
    "seller identified otherwise": _respelt,
}
"""What is done to a claim to finance it twice. Of those with another amount, another number makes any other invoice of
that day of it, and a changed digit nearly so: they cannot be told from trade, and are measured all the same."""


def _next(claim: KeyFields, rng: random.Random) -> KeyFields:
    digits = len(claim.number) - len(claim.number.rstrip(string.digits))
    count = int(claim.number[-digits:] or 0) + rng.randrange(1, 6)
    return replace(claim, number=claim.number[: len(claim.number) - digits] + f"{count:0{digits}}")


def _other_amount(claim: KeyFields, rng: random.Random) -> KeyFields:
    return replace(claim, payable_minor=claim.payable_minor + rng.randrange(1, 100_000))


def _later(days: int) -> Change:
    def moved(claim: KeyFields, _: random.Random) -> KeyFields:
        due = None if claim.due_date is None else claim.due_date + timedelta(days=days)
        return replace(claim, issue_date=claim.issue_date + timedelta(days=days), due_date=due)

    return moved


def _sisters(claim: KeyFields, rng: random.Random) -> KeyFields:
    kind = (claim.seller.identity or "vat:").partition(":")[0]
    return replace(claim, seller=Trader(f"{kind}:SISTER{rng.randrange(10**8):08}", f"{claim.seller.name} II"))


TRADE: dict[str, Change] = {
    "next number, same day, other amount": _both(_next, _other_amount),
    "next number, a week later, same amount": _both(_next, _later(7)),
    "next number, a month later, same amount": _both(_next, _later(30)),
    "next number, same day, same amount": _next,
    "same number, a year later": _later(365),
    "a sister company's, all else the same": _sisters,
}
"""What looks like it and is trade. Two like deliveries of one day are told: nothing but the number sets them apart."""


# -------------------------------------------------------------------- books


def generated(rng: random.Random) -> list[KeyFields]:
    """Trade as suppliers do it: series with gaps, rents, several deliveries a day, twins, and sister companies."""
    claims: list[KeyFields] = []
    buyers = [Trader(f"vat:DE{811_000_000 + number * 7_919}", f"Buyer {_word(rng)} AG") for number in range(40)]
    shapes: list[Shape] = [
        lambda count, day: f"{day.year}-{count:04}",
        lambda count, day: f"RE {day.year}/{count}",
        lambda count, _: f"{1_930_600_000 + count}",
        lambda count, day: f"{day:%y%m}-{count:05}",
    ]
    for supplier in range(GENERATED_SUPPLIERS):
        # Every other one has a sister company: the same name but for a word, its own id, and the same buyers.
        name = f"{_word(rng)} Werke GmbH" if supplier % 2 == 0 else claims[-1].seller.name.replace("Werke", "Werke II")
        seller = Trader(f"vat:DE{120_000_000 + supplier * 104_729}", name)
        claims += _trade(seller, rng.sample(buyers, 4), rng.choice(shapes), rng)
    return claims


def _trade(seller: Trader, buyers: Sequence[Trader], shape: Shape, rng: random.Random) -> Iterator[KeyFields]:
    """A year of one supplier: a rent on the first of each month, else deliveries, and now and then two like ones."""
    rent, count = rng.randrange(50_000, 900_000), rng.randrange(1, 900)
    for month, day_of_month in itertools.product(range(GENERATED_MONTHS), range(1, 29)):
        day = date(2026, month + 1, day_of_month)
        for amount in _amounts(day_of_month, rent, rng):
            count += rng.choice((1, 1, 1, 2, 5))
            buyer = buyers[0] if amount == rent else rng.choice(buyers)
            yield KeyFields(seller, buyer, shape(count, day), day, day + timedelta(days=60), EUR, amount)


def _amounts(day_of_month: int, rent: int, rng: random.Random) -> list[int]:
    if day_of_month == 1:
        return [rent]
    found = [rng.randrange(10_000, 5_000_000) for _ in range(rng.choice((0, 0, 1, 2, 4)))]
    return [*found, found[0]] if found and rng.random() < 0.01 else found


def _word(rng: random.Random) -> str:
    return "".join(rng.choice("bdfgklmnprst") + rng.choice("aeiou") for _ in range(4)).capitalize()


def open_items(folder: Path) -> list[KeyFields]:
    """The open invoices: the seller is the business code, the customer a number in its books, spelt as it comes."""
    return [
        KeyFields(
            seller=Trader(f"tax:{row['business_code']}", row["business_code"]),
            buyer=Trader(f"local:{row['cust_number']}:{normal_name(row['name_customer'])}", row["name_customer"]),
            number=row["doc_id"],
            issue_date=_day(row["posting_date"], "%d-%m-%Y"),
            due_date=_day(row["due_in_date"], "%d-%m-%Y"),
            currency=USD,
            payable_minor=_minor(row["converted_usd"]),
        )
        for row in _rows(folder / "open-items.csv")
    ]


def late_payments(folder: Path) -> list[KeyFields]:
    """The settled invoices: of one seller, to customers who are known by a number."""
    return [
        KeyFields(
            seller=Trader("tax:1", "the seller"),
            buyer=Trader(f"local:{row['customerID']}:", row["customerID"]),
            number=row["invoiceNumber"],
            issue_date=_day(row["InvoiceDate"], "%m/%d/%Y"),
            due_date=_day(row["DueDate"], "%m/%d/%Y"),
            currency=USD,
            payable_minor=_minor(row["InvoiceAmount"]),
        )
        for row in _rows(folder / "late-payments.csv")
    ]


def names_table(folder: Path) -> Table:
    """How well names alone tell customers apart: the spellings of the open items, whose customers have numbers."""
    customers = defaultdict(set)
    for row in _rows(folder / "open-items.csv"):
        customers[row["cust_number"]].add(normal_name(row["name_customer"]))
    spellings = [(name, number) for number, names in customers.items() for name in sorted(names)]
    same: list[float] = []
    other: list[float] = []
    for (one, customer), (another, of) in itertools.combinations(spellings, 2):
        if one != another:
            (same if customer == of else other).append(likeness(one, another))
    table = Table(
        "likeness of names at least",
        f"of {len(same)} pairs of one customer's %",
        f"of {len(other)} pairs of two customers'",
    )
    for limit in NAME_LIMITS:
        mark = " *" if limit == NAME_ALIKE_MIN else ""
        alike = sum(score >= limit for score in same)
        wrong = sum(score >= limit for score in other)
        table.add_row(f"{limit}{mark}", _percent(alike, len(same)), str(wrong))
    return table


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _day(text: str, form: str) -> date:
    return datetime.strptime(text, form).date()  # noqa: DTZ007  (a day has no zone)


def _minor(text: str) -> int:
    return int(Decimal(text) * 100)


# ---------------------------------------------------------------- measuring


@dataclass
class Book:
    """Claims, and those of them that can be near to one: looked up as registry.store.queries.candidates does."""

    claims: Sequence[KeyFields]
    _places: Mapping[tuple[object, ...], list[int]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        for place, claim in enumerate(self.claims):
            for key in _keys(claim):
                self._places[key].append(place)

    def near(self, asked: KeyFields, *, besides: int | None = None) -> dict[int, Nearness]:
        """Places of near claims, but for one."""
        places = {place for key in _keys(asked) for place in self._places.get(key, ())} - {besides}
        # What lies below the limit in force is measured too.
        found = {place: nearness(asked, self.claims[place], score_min=min(LIMITS)) for place in sorted(places)}
        return {place: why for place, why in found.items() if why is not None}


def _keys(claim: KeyFields) -> Iterator[tuple[object, ...]]:
    """What candidates have in common; a local number is its party's however the name beside it is written."""
    pair = tuple(":".join((trader.identity or "").split(":")[:2]) for trader in (claim.seller, claim.buyer))
    yield "number", number_key(claim.number)
    yield "day", *pair, claim.issue_date
    yield "amount", *pair, claim.payable_minor


@dataclass(frozen=True, slots=True)
class Measured:
    """Scores of changed copies by kind, 0 for one that is not near, and of pairs of rows that nobody changed.

    `reasons` counts those of the pairs that are reported, `examples` are some of these pairs.
    """

    rows: int
    injected: dict[str, list[int]]
    trade: dict[str, list[int]]
    unprompted: list[int]
    reasons: Counter[str]
    examples: list[str]


def measure(claims: Sequence[KeyFields], rng: random.Random) -> Measured:
    """Ask the book about changed copies of its rows, and about each row itself."""
    book = Book(claims)
    injected = {kind: _scores(book, change, rng) for kind, change in CHANGES.items()}
    trade = {kind: _scores(book, change, rng) for kind, change in TRADE.items()}
    unprompted: list[int] = []
    reasons, examples = Counter[str](), []
    for place, claim in enumerate(claims):
        for other, why in book.near(claim, besides=place).items():
            if other < place:
                continue
            unprompted.append(why.score)
            if why.score >= SCORE_MIN:
                reasons[", ".join(why.reasons)] += 1
                examples.append(f"{claim.number} and {claims[other].number}: {', '.join(why.reasons)}")
    return Measured(len(claims), injected, trade, unprompted, reasons, examples[:EXAMPLES_MAX])


def _scores(book: Book, change: Change, rng: random.Random) -> list[int]:
    """Of changed copies against the rows that they are made of."""
    scores = []
    for place in rng.sample(range(len(book.claims)), min(COPIES_PER_KIND, len(book.claims))):
        found = book.near(_other(change, book.claims[place], rng)).get(place)
        scores.append(0 if found is None else found.score)
    return scores


def _other(change: Change, claim: KeyFields, rng: random.Random) -> KeyFields:
    """A changed copy whose fingerprint is another one."""
    for _ in range(20):
        changed = change(claim, rng)
        if (normal_number(changed.number), changed.issue_date, changed.seller) != (
            normal_number(claim.number),
            claim.issue_date,
            claim.seller,
        ):
            return changed
    raise AssertionError(f"{claim.number!r} stays what it is")


def show(console: Console, name: str, measured: Measured) -> None:
    """What is reported of the rows themselves; by kind of change at the limit in force, and by limit."""
    false = sum(score >= SCORE_MIN for score in measured.unprompted)
    per_mille = 1_000 * false / measured.rows
    console.print(
        f"\n[bold]{name}[/bold]: {measured.rows} rows; {false} pairs reported unprompted, {per_mille:.1f} per 1,000"
    )
    for words, count in measured.reasons.most_common(6):
        console.print(f"  {count} {words}")
    for example in measured.examples:
        console.print(f"  {example}", highlight=False)
    table = Table("changed copies", "asked", "found", "recall %", "precision %")
    for kind, scores in measured.injected.items():
        found = sum(score >= SCORE_MIN for score in scores)
        table.add_row(
            kind,
            str(len(scores)),
            str(found),
            _percent(found, len(scores)),
            _precision(found, len(scores), measured, SCORE_MIN),
        )
    console.print(table)
    table = Table("trade", "asked", "reported", "reported %")
    for kind, scores in measured.trade.items():
        found = sum(score >= SCORE_MIN for score in scores)
        table.add_row(kind, str(len(scores)), str(found), _percent(found, len(scores)))
    console.print(table)
    table = Table("score at least", "recall %", "precision %", "unprompted per 1,000")
    scores = [score for kind in measured.injected.values() for score in kind]
    for limit in LIMITS:
        found = sum(score >= limit for score in scores)
        wrong = sum(score >= limit for score in measured.unprompted)
        mark = " *" if limit == SCORE_MIN else ""
        table.add_row(
            f"{limit}{mark}",
            _percent(found, len(scores)),
            _precision(found, len(scores), measured, limit),
            f"{1_000 * wrong / measured.rows:.1f}",
        )
    console.print(table)


def _precision(found: int, asked: int, measured: Measured, limit: int) -> str:
    """As if each question were about a changed copy: with it come the pairs that its own row is in unprompted."""
    wrong = asked * 2 * sum(score >= limit for score in measured.unprompted) / measured.rows
    return _percent(found, found + wrong) if found else "-"


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.1f}" if whole else "-"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=PROJECT_ROOT.parent / "shared" / "data" / "receivables")
    folder: Path = parser.parse_args(arguments).data
    console = Console()
    books: dict[str, list[KeyFields]] = {"generated": generated(random.Random(SEED))}  # noqa: S311  (seeded on purpose)
    if folder.is_dir():
        books |= {"open-items.csv": open_items(folder), "late-payments.csv": late_payments(folder)}
    else:
        print(f"{folder} is not on this machine: only what is generated is measured", file=sys.stderr)
    for name, claims in books.items():
        show(console, name, measure(claims, random.Random(SEED)))  # noqa: S311  (seeded on purpose)
    if folder.is_dir():
        console.print(names_table(folder))


if __name__ == "__main__":
    main()
