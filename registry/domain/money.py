"""Money: integer minor units and an ISO 4217 currency. Decimal text in and out, exactly; nothing here rounds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final, TypedDict

from registry.domain.identifiers import MINOR_MAX
from registry.domain.refusals import Refusal

AMOUNT_TEXT_CHARS_MAX: Final = 100
"""Longest decimal text that is looked at, in characters."""

# ISO 4217 list one by minor-unit exponent, as of 2026: alpha code and numeric code. Codes without a minor unit (metals,
# XDR, XSU, XUA, XTS, XXX) and withdrawn ones (ANG, BGN, CUC, HRK, SLL, ZWL) are left out: nobody can owe them any more.
_CODES_BY_EXPONENT: Final[Mapping[int, str]] = {
    0: """
        BIF108 CLP152 DJF262 GNF324 ISK352 JPY392 KMF174 KRW410 PYG600 RWF646 UGX800 UYI940 VND704 VUV548 XAF950 XOF952
        XPF953
    """,
    2: """
        AED784 AFN971 ALL008 AMD051 AOA973 ARS032 AUD036 AWG533 AZN944 BAM977 BBD052 BDT050 BMD060 BND096 BOB068 BOV984
        BRL986 BSD044 BTN064 BWP072 BYN933 BZD084 CAD124 CDF976 CHE947 CHF756 CHW948 CNY156 COP170 COU970 CRC188 CUP192
        CVE132 CZK203 DKK208 DOP214 DZD012 EGP818 ERN232 ETB230 EUR978 FJD242 FKP238 GBP826 GEL981 GHS936 GIP292 GMD270
        GTQ320 GYD328 HKD344 HNL340 HTG332 HUF348 IDR360 ILS376 INR356 IRR364 JMD388 KES404 KGS417 KHR116 KPW408 KYD136
        KZT398 LAK418 LBP422 LKR144 LRD430 LSL426 MAD504 MDL498 MGA969 MKD807 MMK104 MNT496 MOP446 MRU929 MUR480 MVR462
        MWK454 MXN484 MXV979 MYR458 MZN943 NAD516 NGN566 NIO558 NOK578 NPR524 NZD554 PAB590 PEN604 PGK598 PHP608 PKR586
        PLN985 QAR634 RON946 RSD941 RUB643 SAR682 SBD090 SCR690 SDG938 SEK752 SGD702 SHP654 SLE925 SOS706 SRD968 SSP728
        STN930 SVC222 SYP760 SZL748 THB764 TJS972 TMT934 TOP776 TRY949 TTD780 TWD901 TZS834 UAH980 USD840 USN997 UYU858
        UZS860 VED926 VES928 WST882 XAD396 XCD951 XCG532 YER886 ZAR710 ZMW967 ZWG924
    """,
    3: "BHD048 IQD368 JOD400 KWD414 LYD434 OMR512 TND788",
    4: "CLF990 UYW927",
}

# [0-9], not \d: \d also takes the digits of other scripts.
_DECIMAL: Final = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?")
# One separator throughout: comma, apostrophe (also the typographic one), blank (also the no-break and the thin one).
_GROUPED: Final = re.compile(r"-?[1-9][0-9]{0,2}([,'\u2019 \u00a0\u2009\u202f])[0-9]{3}(?:\1[0-9]{3})*(\.[0-9]+)?")
_LIKE_A_GROUP: Final = re.compile(r"-?[1-9][0-9]{0,2}[.,][0-9]{3}")


class UnknownCurrency(Refusal):
    code: ClassVar[str] = "unknown_currency"
    title: ClassVar[str] = "The currency is not an active ISO 4217 currency with a minor unit"
    default_hint: ClassVar[str] = "Use a three-letter code such as EUR, CNY or USD."


class AmountMalformed(Refusal):
    code: ClassVar[str] = "amount_malformed"
    title: ClassVar[str] = "The amount is not a decimal number"
    default_hint: ClassVar[str] = (
        'Write digits with an optional decimal point, for example "1250.00", without a currency; '
        "where an amount is typed, thousands may be set apart, as in 1,250.00."
    )


class AmountAmbiguous(Refusal):
    code: ClassVar[str] = "amount_ambiguous"
    title: ClassVar[str] = "The amount can be read in two ways"
    default_hint: ClassVar[str] = (
        "Decimals stand behind a point: write 1234.00 or 1,234.00 for thousands, 1.23 for decimals."
    )


class AmountTooPrecise(Refusal):
    code: ClassVar[str] = "amount_too_precise"
    title: ClassVar[str] = "The amount has more decimals than the currency"
    default_hint: ClassVar[str] = "Give the amount to the minor unit of its currency; zeros beyond it do no harm."


class AmountOutOfRange(Refusal):
    code: ClassVar[str] = "amount_out_of_range"
    title: ClassVar[str] = "The amount is too large"
    default_hint: ClassVar[str] = f"The largest amount is {MINOR_MAX} minor units."


class MoneyJson(TypedDict):
    """Money as the API shows it: a decimal string exact to the minor unit, and the alpha code."""

    amount: str
    currency: str


@dataclass(frozen=True, slots=True)
class Currency:
    """One currency: alpha code, numeric code (fits the contracts' 10 bits), decimals of its minor unit."""

    code: str
    numeric: int
    exponent: int

    def __str__(self) -> str:
        return self.code


CURRENCIES: Final[Mapping[str, Currency]] = {
    entry[:3]: Currency(code=entry[:3], numeric=int(entry[3:]), exponent=exponent)
    for exponent, entries in _CODES_BY_EXPONENT.items()
    for entry in entries.split()
}
_BY_NUMERIC: Final[Mapping[int, Currency]] = {known.numeric: known for known in CURRENCIES.values()}


def currency(code: str) -> Currency:
    """The currency of an upper-case alpha code. Refuses: unknown_currency. Source: ISO 4217 list one."""
    known = CURRENCIES.get(code)
    if known is None:
        raise UnknownCurrency(f"{code[:20]!r} is not an active ISO 4217 currency with a minor unit")
    return known


def currency_to_show(numeric: int) -> Currency:
    """The currency of any number that the contract takes (1 to 999), for showing amounts that are on chain.

    A number that is no active currency stands as # and the number, without a minor unit: anyone may register such a
    claim at the contract, and it must not make a list unreadable.
    """
    return _BY_NUMERIC.get(numeric) or Currency(code=f"#{numeric:03}", numeric=numeric, exponent=0)


def parse_amount(text: str, currency: Currency) -> int:
    """Minor units of a decimal text, exactly; zeros beyond the currency's decimals are allowed.

    Shape: [-]digits[.digits], ASCII. Refuses: amount_malformed, amount_too_precise, amount_out_of_range.
    """
    if len(text) > AMOUNT_TEXT_CHARS_MAX:
        raise AmountMalformed(f"an amount of {len(text)} characters; at most {AMOUNT_TEXT_CHARS_MAX} are read")
    match = _DECIMAL.fullmatch(text)
    if match is None:
        raise AmountMalformed(f"{text!r} is not a decimal number")
    sign, whole, fraction = match[1], match[2], match[3] or ""
    kept, beyond = fraction[: currency.exponent], fraction[currency.exponent :]
    if beyond.strip("0"):
        raise AmountTooPrecise(f"{text} has more than the {currency.exponent} decimals of {currency.code}")
    minor = int(whole + kept.ljust(currency.exponent, "0"))
    _require_in_range(minor)
    return -minor if sign else minor


def parse_typed_amount(text: str, currency: Currency) -> int:
    """Minor units of an amount as people type it: as in parse_amount, also with thousands set apart and blanks around.

    Shape: 1,234.56 or 1 234.56 or 1'234.56, one separator throughout, decimals behind a point. What elsewhere means
    something else is refused: 1,234 (a decimal comma?) unless the currency has no decimals, and 1.234 (thousands?)
    unless it has three. Refuses: amount_ambiguous and what parse_amount refuses.
    """
    text = text.strip()
    grouped = _GROUPED.fullmatch(text)
    if _LIKE_A_GROUP.fullmatch(text) and currency.exponent != (0 if "," in text else 3):
        raise AmountAmbiguous(f"{text!r} {currency} can be thousands or decimals")
    return parse_amount(text.replace(grouped[1], "") if grouped else text, currency)


def format_amount(minor: int, currency: Currency) -> str:
    """Decimal text exact to the minor unit, without grouping: 125000 EUR is "1250.00", 1250 JPY is "1250"."""
    digits = str(abs(minor)).rjust(currency.exponent + 1, "0")
    whole, fraction = _cut(digits, currency)
    return ("-" if minor < 0 else "") + whole + ("." + fraction if fraction else "")


@dataclass(frozen=True, slots=True)
class Sum:
    """What amounts add up to: `minor` in minor units of `currency`, signed, of any size."""

    minor: int
    currency: Currency

    @property
    def amount(self) -> str:
        """Decimal text exact to the minor unit, without grouping."""
        return format_amount(self.minor, self.currency)

    def __str__(self) -> str:
        """For people: thousands grouped by commas and the code behind, "1,250.00 EUR"."""
        digits = str(abs(self.minor)).rjust(self.currency.exponent + 1, "0")
        whole, fraction = _cut(digits, self.currency)
        sign = "-" if self.minor < 0 else ""
        return f"{sign}{int(whole):,}{'.' + fraction if fraction else ''} {self.currency.code}"

    def to_json(self) -> MoneyJson:
        """The API's form: {"amount": "1250.00", "currency": "EUR"}."""
        return MoneyJson(amount=self.amount, currency=self.currency.code)


@dataclass(frozen=True, slots=True)
class Money(Sum):
    """An amount: a sum of at most 64 bits, as the contracts take it. Refuses: amount_out_of_range."""

    def __post_init__(self) -> None:
        _require_in_range(abs(self.minor))

    @classmethod
    def from_json(cls, value: Mapping[str, object]) -> Money:
        """Read the API's form; a JSON number is refused, because it may have passed through a float.

        Refuses: unknown_currency, amount_malformed, amount_too_precise, amount_out_of_range.
        """
        code, amount = value.get("currency"), value.get("amount")
        if not isinstance(code, str):
            raise UnknownCurrency("the currency is missing or not text")
        if not isinstance(amount, str):
            raise AmountMalformed("the amount is missing or not a decimal string")
        known = currency(code)
        return cls(parse_amount(amount, known), known)


def _require_in_range(magnitude: int) -> None:
    if magnitude > MINOR_MAX:
        raise AmountOutOfRange(f"{magnitude} minor units are more than {MINOR_MAX}")


def _cut(digits: str, currency: Currency) -> tuple[str, str]:
    """Digits before and after the decimal point."""
    point = len(digits) - currency.exponent
    return digits[:point], digits[point:]
