"""One claim or two: what was changed is found with its reason, what a supplier's trade looks like is left alone."""

from __future__ import annotations

import string
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from registry.documents.fingerprint import fingerprint
from registry.documents.parties import normal_number, number_key
from registry.documents.reading import read_invoice
from registry.settings import PROJECT_ROOT
from registry.verification.duplicates import DAYS_MAX, RUN_MAX, KeyFields, Reason, Trader, nearness

CLAIM = KeyFields(
    seller=Trader("vat:DE999000148", "Brandmühl Guss GmbH"),
    buyer=Trader("vat:DE999000017", "Falkenrath Automobilwerke AG"),
    number="2026-1041",
    issue_date=date(2026, 10, 12),
    due_date=date(2027, 1, 10),
    currency=978,
    payable_minor=13_238_274,
)
"""The claim that is registered; what is asked about is made of it."""

MONTH = timedelta(days=30)
SHARED = PROJECT_ROOT.parent / "shared" / "data" / "invoices" / "pairs"
PAIRS = sorted((SHARED / "ubl").glob("*.xml")) if SHARED.is_dir() else []


def reasons(asked: KeyFields, known: KeyFields = CLAIM) -> tuple[Reason, ...] | None:
    """Why a claim is near, the same whichever of the two was there first."""
    found, other_way = nearness(asked, known), nearness(known, asked)
    assert found == other_way
    return None if found is None else found.reasons


# ------------------------------------------------------------------ found


@pytest.mark.parametrize(
    "number", ["2026 / 1041", "2026/1041", "20261041", "2026-01041", "002026-1041", "2026.1041", " 2026_10 41"]
)
def test_a_number_that_is_spaced_or_padded_otherwise_is_the_same(number: str) -> None:
    assert normal_number(number) != normal_number(CLAIM.number)
    assert reasons(replace(CLAIM, number=number)) == (Reason.NUMBER_RESPACED,)
    assert reasons(replace(CLAIM, number=number, payable_minor=1)) == (Reason.NUMBER_RESPACED, Reason.AMOUNT_DIFFERS)


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        ("2026-1401", Reason.NUMBER_TRANSPOSED),
        ("2062-1041", Reason.NUMBER_TRANSPOSED),
        ("2026-1014", Reason.NUMBER_TRANSPOSED),
        ("2026-7041", Reason.NUMBER_EDITED),
        ("2026-141", Reason.NUMBER_EDITED),
        ("2026-1041A", Reason.NUMBER_EDITED),
        ("2O26-1041", Reason.NUMBER_EDITED),
    ],
)
def test_swapped_and_changed_characters_are_found(number: str, reason: Reason) -> None:
    assert reasons(replace(CLAIM, number=number)) == (reason,)


@pytest.mark.parametrize("number", ["2026-1042", "RE 9", "99"])
def test_the_same_parties_dates_and_amount_are_found_under_any_number(number: str) -> None:
    assert reasons(replace(CLAIM, number=number)) == (Reason.SAME_PARTIES_AND_DATES,)


def test_an_amount_that_was_raised_beside_swapped_digits_is_found() -> None:
    asked = replace(CLAIM, number="2026-1401", payable_minor=CLAIM.payable_minor * 2)
    assert reasons(asked) == (Reason.NUMBER_TRANSPOSED, Reason.AMOUNT_DIFFERS)


@pytest.mark.parametrize("days", [1, 30, DAYS_MAX])
def test_the_same_number_with_another_issue_date_is_found(days: int) -> None:
    asked = replace(CLAIM, issue_date=CLAIM.issue_date + timedelta(days=days))
    assert reasons(asked) == (Reason.ISSUE_DATE_DIFFERS,)
    assert reasons(replace(asked, due_date=None, payable_minor=1)) is None


def test_another_currency_is_found() -> None:
    assert reasons(replace(CLAIM, currency=840)) == (Reason.CURRENCY_DIFFERS,)


@pytest.mark.parametrize(
    "seller",
    [
        Trader("scheme:0088:4000001123452", "BRANDMÜHL  Guss GmbH"),
        Trader("vat:DE999000184", "Brandmühl Guss GmbH"),
        Trader(None, "Guss Brandmühl GmbH"),
        Trader(None, "Brandmühl Systems"),
    ],
)
def test_a_party_that_is_written_otherwise_is_found_where_the_rest_is_the_same(seller: Trader) -> None:
    assert reasons(replace(CLAIM, seller=seller)) == (Reason.PARTY_RESPELT,)
    assert reasons(replace(CLAIM, seller=seller, number="2026-1042")) is None
    assert reasons(replace(CLAIM, seller=replace(seller, name="Kovárna Lipník s.r.o."))) is None
    assert reasons(replace(CLAIM, seller=replace(seller, name=""))) is None


def test_a_number_in_the_sellers_books_is_one_buyers_however_its_name_is_written() -> None:
    known = replace(CLAIM, buyer=Trader("local:4711:sysco llc", "SYSCO llc"))
    asked = replace(known, buyer=Trader("local:4711:sysco corporation", "SYSCO corporation"), number="20261041")
    assert reasons(asked, known) == (Reason.NUMBER_RESPACED,)


# --------------------------------------------------------------- left alone


@pytest.mark.parametrize("step", [1, 2, 7, RUN_MAX])
def test_the_next_numbers_of_a_series_are_other_claims(step: int) -> None:
    following = replace(CLAIM, number=f"2026-{1041 + step}")
    assert reasons(replace(following, payable_minor=1)) is None
    assert reasons(replace(following, issue_date=CLAIM.issue_date + MONTH, due_date=CLAIM.due_date)) is None
    assert reasons(replace(following, issue_date=CLAIM.issue_date + timedelta(days=1), payable_minor=1)) is None


def test_a_rent_that_comes_every_month_is_another_claim_each_time() -> None:
    assert CLAIM.due_date is not None
    for months in range(1, 13):
        later = replace(
            CLAIM,
            number=f"2026-{1041 + 37 * months}",
            issue_date=CLAIM.issue_date + months * MONTH,
            due_date=CLAIM.due_date + months * MONTH,
        )
        assert reasons(later) is None


@pytest.mark.parametrize("party", ["seller", "buyer"])
def test_a_company_of_the_same_group_with_a_like_name_is_another_party(party: str) -> None:
    sister = Trader("vat:DE811907980", getattr(CLAIM, party).name)
    assert reasons(replace(CLAIM, **{party: sister})) is None


def test_a_series_that_begins_anew_each_year_makes_other_claims() -> None:
    assert CLAIM.due_date is not None
    year = timedelta(days=365)
    assert reasons(replace(CLAIM, issue_date=CLAIM.issue_date + year, due_date=CLAIM.due_date + year)) is None
    assert reasons(replace(CLAIM, issue_date=CLAIM.issue_date + timedelta(days=DAYS_MAX + 1))) is None


def test_a_number_without_letters_and_digits_is_like_no_other() -> None:
    known = replace(CLAIM, number="--")
    assert reasons(replace(known, number="///", payable_minor=1), known) is None


# --------------------------------------------------------------- properties

numbers = st.from_regex(r"[A-Z]{0,3}[-/ ]?[0-9]{2,4}[-/ .]?[1-9][0-9]{3,6}", fullmatch=True)
claims = st.builds(
    KeyFields,
    seller=st.just(CLAIM.seller),
    buyer=st.just(CLAIM.buyer),
    number=numbers,
    issue_date=st.dates(date(2020, 1, 1), date(2030, 1, 1)),
    due_date=st.none() | st.dates(date(2020, 1, 1), date(2030, 1, 1)),
    currency=st.sampled_from([156, 840, 978]),
    payable_minor=st.integers(1, 10**12),
)
separators = st.text(alphabet="-/ ._", max_size=2)


@given(known=claims, data=st.data(), amount=st.integers(1, 10**12))
def test_wherever_a_number_is_spaced_the_claim_is_found_with_whatever_amount(
    known: KeyFields, data: st.DataObject, amount: int
) -> None:
    spaced = "".join(data.draw(separators) + char for char in known.number if char.isalnum())
    assume(normal_number(spaced) != normal_number(known.number))
    assert number_key(spaced) == number_key(known.number)
    found = reasons(replace(known, number=spaced, payable_minor=amount), known)
    assert found is not None
    assert found[0] is Reason.NUMBER_RESPACED


@given(known=claims, data=st.data())
def test_wherever_two_characters_are_swapped_the_claim_is_found(known: KeyFields, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(known.number) - 2))
    before, one, other, after = (
        known.number[:place],
        known.number[place],
        known.number[place + 1],
        known.number[place + 2 :],
    )
    assume(one != other and one.isalnum() and other.isalnum())
    found = reasons(replace(known, number=before + other + one + after), known)
    # 01 and 10 can be a matter of padding too.
    assert found in ((Reason.NUMBER_TRANSPOSED,), (Reason.NUMBER_RESPACED,))


@given(known=claims, data=st.data())
def test_wherever_one_character_is_changed_the_claim_is_found(known: KeyFields, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(known.number) - 1))
    char = data.draw(st.sampled_from(string.ascii_uppercase + string.digits))
    changed = known.number[:place] + char + known.number[place + 1 :]
    assume(normal_number(changed) != normal_number(known.number))
    assert reasons(replace(known, number=changed), known) is not None


@given(
    first=claims,
    steps=st.lists(st.tuples(st.integers(1, RUN_MAX), st.integers(1, 45)), min_size=1, max_size=8),
    rising=st.booleans(),
)
def test_no_two_invoices_of_a_series_that_goes_on_are_near(
    first: KeyFields, steps: list[tuple[int, int]], rising: bool
) -> None:
    """Numbers count on, dates go on, due dates with them; the amounts are all the same, or all others."""
    stem, count = first.number[:-4], int(first.number[-4:])
    series = [replace(first, due_date=first.issue_date + MONTH)]
    for step, days in steps:
        count += step
        last = series[-1]
        assert last.due_date is not None
        assume(count < 10_000)
        series.append(
            replace(
                last,
                number=f"{stem}{count:04}",
                issue_date=last.issue_date + timedelta(days=days),
                due_date=last.due_date + timedelta(days=days),
                payable_minor=last.payable_minor + (rising and 1),
            )
        )
    near = [(one, other) for at, one in enumerate(series) for other in series[:at] if reasons(one, other)]
    assert near == []


@given(known=claims, asked=claims, data=st.data())
def test_what_is_near_shares_what_candidates_are_looked_up_by(
    known: KeyFields, asked: KeyFields, data: st.DataObject
) -> None:
    """Of known parties: the number's key, the day or the amount. So no near claim is missed by the look-up."""
    for name in ("number", "issue_date", "due_date", "currency", "payable_minor"):
        if data.draw(st.booleans()):
            asked = replace(asked, **{name: getattr(known, name)})
    if reasons(asked, known) is not None:
        assert (
            number_key(asked.number) == number_key(known.number)
            or asked.issue_date == known.issue_date
            or asked.payable_minor == known.payable_minor
        )
        assert abs((asked.issue_date - known.issue_date).days) <= DAYS_MAX


# ------------------------------------------------------------- real invoices


@pytest.mark.skipif(not PAIRS, reason="the invoices of ../shared/data are not on this machine")
def test_each_pair_of_real_invoices_is_one_claim() -> None:
    master = bytes(32)
    ubl = [read_invoice(path) for path in PAIRS]
    cii = [read_invoice(SHARED / "cii" / path.name.replace(".ubl.", ".cii.")) for path in PAIRS]
    assert [fingerprint(one, master) for one in ubl] == [fingerprint(one, master) for one in cii]
    assert len({fingerprint(one, master) for one in ubl}) >= 7
    for one, other in zip(ubl, cii, strict=True):
        assert KeyFields.of(one) == KeyFields.of(other)
        respaced = replace(KeyFields.of(one), number=f"{other.number[:3]} - {other.number[3:]}")
        assert reasons(respaced, KeyFields.of(other)) == (Reason.NUMBER_RESPACED,)
