"""Money: exact decimal text in and out, and nothing else."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.domain.money import (
    AMOUNT_TEXT_CHARS_MAX,
    CURRENCIES,
    MINOR_MAX,
    AmountAmbiguous,
    AmountMalformed,
    AmountOutOfRange,
    AmountTooPrecise,
    Currency,
    Money,
    Sum,
    UnknownCurrency,
    currency,
    currency_to_show,
    format_amount,
    parse_amount,
    parse_typed_amount,
)

EUR, JPY, KWD = currency("EUR"), currency("JPY"), currency("KWD")
currencies = st.sampled_from(sorted(CURRENCIES.values(), key=lambda known: known.code))
minors = st.integers(min_value=-MINOR_MAX, max_value=MINOR_MAX)


@given(minor=minors, money=currencies)
def test_an_amount_survives_formatting_and_parsing(minor: int, money: Currency) -> None:
    assert parse_amount(format_amount(minor, money), money) == minor


@given(minor=minors, money=currencies)
def test_the_text_says_what_decimal_arithmetic_says(minor: int, money: Currency) -> None:
    assert Decimal(format_amount(minor, money)) == Decimal(minor).scaleb(-money.exponent)


@given(minor=minors, money=currencies)
def test_money_survives_json(minor: int, money: Currency) -> None:
    assert Money.from_json(dict(Money(minor, money).to_json())) == Money(minor, money)


@given(minor=minors, money=currencies)
def test_grouping_only_adds_commas_and_the_code(minor: int, money: Currency) -> None:
    assert str(Money(minor, money)).replace(",", "") == f"{format_amount(minor, money)} {money.code}"


@given(minor=minors, money=currencies, zeros=st.integers(min_value=1, max_value=20))
def test_zeros_beyond_the_minor_unit_do_no_harm(minor: int, money: Currency, zeros: int) -> None:
    text = format_amount(minor, money)
    assert parse_amount(text + ("" if "." in text else ".") + "0" * zeros, money) == minor


@pytest.mark.parametrize(
    ("text", "money", "minor"),
    [
        ("1250.00", EUR, 125000),
        ("1250", EUR, 125000),
        ("1250.5", EUR, 125050),
        ("0001.50", EUR, 150),
        ("-8.79", EUR, -879),
        ("-0", EUR, 0),
        ("1250", JPY, 1250),
        ("1250.00", JPY, 1250),
        ("0.001", KWD, 1),
        ("184467440737095516.15", EUR, MINOR_MAX),
    ],
)
def test_decimal_text_is_read_exactly(text: str, money: Currency, minor: int) -> None:
    assert parse_amount(text, money) == minor


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "+5",
        "1e3",
        ".5",
        "5.",
        "1,000.00",
        "1 000",
        " 1",
        "1\n",
        "--1",
        "0x10",
        "NaN",
        "Infinity",
        "1.2.3",
        "-",
    ],
)
def test_anything_but_digits_and_a_point_is_malformed(text: str) -> None:
    with pytest.raises(AmountMalformed):
        parse_amount(text, EUR)


def test_digits_of_other_scripts_are_malformed() -> None:
    with pytest.raises(AmountMalformed):
        parse_amount("\u0661\u0662", EUR)


def test_a_very_long_text_is_malformed_and_never_converted() -> None:
    with pytest.raises(AmountMalformed):
        parse_amount("9" * (AMOUNT_TEXT_CHARS_MAX + 1), EUR)


@given(minor=minors, money=currencies, separator=st.sampled_from(",' \u2019\u00a0\u2009\u202f"))
def test_an_amount_typed_as_it_is_shown_is_read_exactly(minor: int, money: Currency, separator: str) -> None:
    shown, _, _ = str(Money(minor, money)).partition(" ")
    assert parse_typed_amount(f" {shown.replace(',', separator)} ", money) == minor


@given(minor=minors, money=currencies)
def test_an_amount_in_plain_decimals_means_the_same_typed(minor: int, money: Currency) -> None:
    assert parse_typed_amount(format_amount(minor, money), money) == minor


@pytest.mark.parametrize(
    ("text", "money", "minor"),
    [
        ("1,234.56", EUR, 123456),
        ("1 234.56", EUR, 123456),
        ("1'234.56", EUR, 123456),
        ("-1,234.5", EUR, -123450),
        ("1 234", EUR, 123400),
        ("1'234", EUR, 123400),
        ("1,234,567", EUR, 123456700),
        ("1,234", JPY, 1234),
        ("1.234", KWD, 1234),
        ("1,234.567", KWD, 1234567),
        ("0.100", EUR, 10),
    ],
)
def test_thousands_may_be_set_apart_by_one_separator(text: str, money: Currency, minor: int) -> None:
    assert parse_typed_amount(text, money) == minor


@pytest.mark.parametrize(
    ("text", "money"),
    [("1,234", EUR), ("-12,345", EUR), ("1,234", KWD), ("1.234", EUR), ("1.000", EUR), ("1.000", JPY)],
)
def test_what_may_be_thousands_or_decimals_is_ambiguous(text: str, money: Currency) -> None:
    with pytest.raises(AmountAmbiguous) as refused:
        parse_typed_amount(text, money)
    assert "1234.00" in refused.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "1,23",
        "1234,56",
        "1.234,56",
        "1.234.567",
        "1,234 567",
        "1,234'567.00",
        "12,34,567.00",
        "1234,567",
        "0,123.00",
        "1  234",
        ",234",
        "1,234.",
        "1,234.5,6",
        "1_234",
        "\u0661,\u0662\u0663\u0664",
        "- 1",
        "",
    ],
)
def test_any_other_grouping_is_malformed(text: str) -> None:
    with pytest.raises(AmountMalformed) as refused:
        parse_typed_amount(text, EUR)
    assert "1,250.00" in refused.value.hint


def test_groups_are_refused_where_programs_write() -> None:
    with pytest.raises(AmountMalformed):
        Money.from_json({"amount": "1,234.56", "currency": "EUR"})


def test_a_typed_amount_is_no_more_precise_than_its_currency() -> None:
    with pytest.raises(AmountTooPrecise):
        parse_typed_amount("1,234.567", EUR)


@pytest.mark.parametrize(("text", "money"), [("0.001", EUR), ("1.5", JPY), ("1.0001", KWD), ("1.000000001", EUR)])
def test_a_fraction_of_a_minor_unit_is_too_precise(text: str, money: Currency) -> None:
    with pytest.raises(AmountTooPrecise):
        parse_amount(text, money)


@pytest.mark.parametrize("text", ["184467440737095516.16", "-184467440737095516.16", "9" * 90])
def test_an_amount_beyond_64_bits_is_out_of_range(text: str) -> None:
    with pytest.raises(AmountOutOfRange):
        parse_amount(text, EUR)
    with pytest.raises(AmountOutOfRange):
        Money(MINOR_MAX + 1, EUR)


@pytest.mark.parametrize(
    ("money", "text"),
    [
        (Money(125000, EUR), "1,250.00 EUR"),
        (Money(-125000, EUR), "-1,250.00 EUR"),
        (Money(5, EUR), "0.05 EUR"),
        (Money(1234567, JPY), "1,234,567 JPY"),
        (Money(1234567, KWD), "1,234.567 KWD"),
    ],
)
def test_people_see_thousands_and_the_code(money: Money, text: str) -> None:
    assert str(money) == text


def test_json_numbers_are_refused() -> None:
    with pytest.raises(AmountMalformed):
        Money.from_json({"amount": 12.5, "currency": "EUR"})
    with pytest.raises(AmountMalformed):
        Money.from_json({"currency": "EUR"})


def test_json_without_a_currency_is_refused() -> None:
    with pytest.raises(UnknownCurrency):
        Money.from_json({"amount": "12.50"})


@pytest.mark.parametrize(
    ("code", "numeric", "exponent"),
    [
        ("EUR", 978, 2),
        ("CNY", 156, 2),
        ("USD", 840, 2),
        ("GBP", 826, 2),
        ("JPY", 392, 0),
        ("KWD", 414, 3),
        ("CLF", 990, 4),
        ("HUF", 348, 2),
        ("IDR", 360, 2),
        ("ISK", 352, 0),
        ("ZWG", 924, 2),
    ],
)
def test_currencies_have_their_iso_4217_number_and_decimals(code: str, numeric: int, exponent: int) -> None:
    assert currency(code) == currency_to_show(numeric) == Currency(code, numeric, exponent)


def test_every_currency_is_found_by_its_number_which_fits_ten_bits() -> None:
    assert all(currency_to_show(known.numeric) is known for known in CURRENCIES.values())
    assert all(0 < known.numeric < 2**10 for known in CURRENCIES.values())


@pytest.mark.parametrize("code", ["XAU", "XDR", "XXX", "XTS", "HRK", "eur", "EURO", "", "BTC"])
def test_metals_withdrawn_and_invented_codes_are_unknown(code: str) -> None:
    with pytest.raises(UnknownCurrency):
        currency(code)


def test_what_amounts_add_up_to_may_be_of_any_size() -> None:
    total = Sum(2 * MINOR_MAX, EUR)
    assert str(total) == "368,934,881,474,191,032.30 EUR"
    assert total.to_json() == {"amount": "368934881474191032.30", "currency": "EUR"}
    assert str(Sum(-5, EUR)) == str(Money(-5, EUR)) == "-0.05 EUR"
