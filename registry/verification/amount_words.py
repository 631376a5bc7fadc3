"""Amounts in words, as paper that is worth money carries them beside the figures."""

from __future__ import annotations

from typing import Final

from registry.domain.money import Money

_UNITS: Final = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS: Final = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_THOUSANDS: Final = (
    (10**18, "quintillion"),
    (10**15, "quadrillion"),
    (10**12, "trillion"),
    (10**9, "billion"),
    (10**6, "million"),
    (10**3, "thousand"),
    (10**2, "hundred"),
)

_DIGITS: Final = "零壹贰叁肆伍陆柒捌玖"
_SCALES: Final = ((10**16, "亿亿"), (10**8, "亿"), (10**4, "万"), (10**3, "仟"), (10**2, "佰"), (10, "拾"))
_CURRENCIES: Final = {
    "AUD": "澳大利亚元",
    "CAD": "加拿大元",
    "CHF": "瑞士法郎",
    "CNY": "人民币",
    "EUR": "欧元",
    "GBP": "英镑",
    "HKD": "港元",
    "JPY": "日元",
    "SGD": "新加坡元",
    "USD": "美元",
}


def english(money: Money) -> str:
    """ "EUR one thousand two hundred fifty and 07/100": minor units as a fraction, as on a cheque."""
    code, exponent = money.currency.code, money.currency.exponent
    whole, minor = divmod(money.minor, 10**exponent)
    fraction = f" and {minor:0{exponent}}/{10**exponent}" if exponent else ""
    return f"{code} {_english(whole)}{fraction}"


def chinese(money: Money) -> str | None:
    """ "人民币壹仟贰佰伍拾元零柒分", in the numerals of cheques; None where the currency has neither 角 nor 分."""
    if money.currency.exponent not in (0, 2):
        return None
    whole, minor = divmod(money.minor, 10**money.currency.exponent)
    tenths, hundredths = divmod(minor, 10)
    found = _CURRENCIES.get(money.currency.code, money.currency.code + " ")
    found += f"{_chinese(whole)}元" if whole or not minor else ""
    found += f"{_DIGITS[tenths]}角" if tenths else "零" if whole and hundredths else ""
    return found + (f"{_DIGITS[hundredths]}分" if hundredths else "整")


def _english(number: int) -> str:
    if number < len(_UNITS):
        return _UNITS[number]
    for scale, name in _THOUSANDS:
        if number >= scale:
            high, low = divmod(number, scale)
            return f"{_english(high)} {name}" + (f" {_english(low)}" if low else "")
    tens, units = divmod(number, 10)
    return _TENS[tens] + (f"-{_UNITS[units]}" if units else "")


def _chinese(number: int) -> str:
    for scale, name in _SCALES:
        if number >= scale:
            high, low = divmod(number, scale)
            skipped = "零" if 0 < low < scale // 10 else ""
            return f"{_chinese(high)}{name}{skipped}" + (_chinese(low) if low else "")
    return _DIGITS[number]
