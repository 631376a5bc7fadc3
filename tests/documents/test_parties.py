"""One party, one identity, however it is written."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.documents.errors import DocumentIncomplete, IdentityMalformed
from registry.documents.parties import (
    KEY_CHARS_MAX,
    IdentifierKind,
    Party,
    PartyIdentifier,
    PartyIdentity,
    identifier_of,
    identity_of,
    normal_identifier,
    normal_name,
    normal_number,
    number_key,
    parse_identity,
)
from registry.documents.reading import parse_invoice

VAT = PartyIdentifier("vat", "", "DE123456789")
REGISTRATION = PartyIdentifier("registration", "0007", "556677-8899")
DUNS = PartyIdentifier("global", "0060", "123456789")
GLN = PartyIdentifier("global", "0088", "4000001123452")
LEI = PartyIdentifier("global", "0199", "9999DONAUHAUS0000049")
USCC = PartyIdentifier("global", "USCC", "91990000MA0YLCX01W")
TAX = PartyIdentifier("tax", "FC", "201/113/40209")
LOCAL = PartyIdentifier("local", "", "GE2020211")


def identity(*identifiers: PartyIdentifier, name: str = "Kunden AG") -> PartyIdentity:
    return identity_of(Party(name, identifiers), role="buyer")


@pytest.mark.parametrize(
    ("ranked", "expected"),
    [
        ((VAT, REGISTRATION, GLN, LEI, USCC, TAX, DUNS, LOCAL), "vat:DE123456789"),
        ((REGISTRATION, GLN, LEI, USCC, TAX, DUNS, LOCAL), "scheme:0007:5566778899"),
        ((GLN, LEI, USCC, TAX, DUNS, LOCAL), "scheme:0088:4000001123452"),
        ((LEI, TAX, DUNS, LOCAL), "scheme:0199:9999DONAUHAUS0000049"),
        ((USCC, TAX, DUNS, LOCAL), "scheme:USCC:91990000MA0YLCX01W"),
        ((TAX, DUNS, LOCAL), "tax:20111340209"),
        ((DUNS, LOCAL), "scheme:0060:123456789"),
        ((LOCAL,), "local:GE2020211:kunden ag"),
    ],
)
def test_the_first_kind_of_the_rule_wins_in_any_order(ranked: tuple[PartyIdentifier, ...], expected: str) -> None:
    assert str(identity(*ranked)) == str(identity(*reversed(ranked))) == expected


@pytest.mark.parametrize(
    "useless",
    [
        PartyIdentifier("registration", "", "123456789"),
        PartyIdentifier("tax", "TAX", "Godkänd för F-skatt"),
        PartyIdentifier("tax", "TAX", "Godkänd för F-skatt 2026"),
        PartyIdentifier("vat", "", "exempt"),
        PartyIdentifier("global", "SEPA", "DE98ZZZ09999999999"),
        PartyIdentifier("global", "0088", "---"),
        PartyIdentifier("local", "", "\u200b"),
    ],
)
def test_words_and_numbers_without_a_register_identify_nobody(useless: PartyIdentifier) -> None:
    assert identity(useless, LOCAL) == identity(LOCAL)
    with pytest.raises(DocumentIncomplete) as refused:
        identity(useless)
    assert refused.value.field == "buyer.identity"


def test_a_local_id_needs_a_name() -> None:
    with pytest.raises(DocumentIncomplete):
        identity(LOCAL, name=" ")


def test_the_same_identifier_is_the_same_wherever_it_stands() -> None:
    as_registration = PartyIdentifier("registration", "0199", LEI.value)
    assert identity(as_registration) == identity(LEI)
    assert identity(PartyIdentifier("global", "gln", "4000001-123452")) == identity(GLN)


def test_the_scheme_of_a_tax_number_does_not_count() -> None:
    assert identity(PartyIdentifier("tax", "LOC", "201 113 40209")) == identity(TAX)


def test_the_name_counts_only_with_a_local_id() -> None:
    assert identity(VAT, name="One") == identity(VAT, name="Two")
    assert identity(LOCAL, name="One") != identity(LOCAL, name="Two")
    assert identity(LOCAL, name="  KUNDEN\u00a0 ag ") == identity(LOCAL, name="Kunden AG")


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("NL8200.98.395.B.01", "NL820098395B01"),
        ("de 123 456 789", "DE123456789"),
        ("\uff24\uff251\u200b2\u00ad3", "DE123"),
        ("...", ""),
    ],
)
def test_identifiers_keep_letters_and_digits(text: str, normal: str) -> None:
    assert normal_identifier(text) == normal


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("RE 2026/1041", "RE2026/1041"),
        ("re\u00a02026 / 1041\t", "RE2026/1041"),
        ("INV-7", "INV-7"),
        ("INV\u20137", "INV-7"),
        ("inv\u20117\u200b", "INV-7"),
        ("\uff29\uff2e\uff36\uff0d7", "INV-7"),
        ("0007", "0007"),
        ("straße1", "STRASSE1"),
    ],
)
def test_numbers_lose_spaces_and_case_and_keep_the_rest(text: str, normal: str) -> None:
    assert normal_number(text) == normal


@pytest.mark.parametrize(("one", "other"), [("12-3", "123"), ("12/3", "12-3"), ("007", "7"), ("12.3", "123")])
def test_numbers_that_differ_in_more_than_spacing_stay_different(one: str, other: str) -> None:
    assert normal_number(one) != normal_number(other)


@given(text=st.text())
def test_normalising_twice_changes_nothing(text: str) -> None:
    for normalise in (normal_identifier, normal_number, normal_name):
        assert normalise(normalise(text)) == normalise(text)


scheme_texts = st.sampled_from(["", "a", "b:", "a:b", ":", "%", "%3A"])


@given(one=st.tuples(*[scheme_texts] * 3), other=st.tuples(*[scheme_texts] * 3))
def test_different_identities_have_different_bytes_and_texts(
    one: tuple[str, str, str], other: tuple[str, str, str]
) -> None:
    first, second = PartyIdentity("local", *one), PartyIdentity("local", *other)
    assert (first.encode() == second.encode()) == (one == other)
    if all(one[1:]) and all(other[1:]) and one[0] == other[0] == "":
        assert (str(first) == str(second)) == (one == other)


UBL_IDENTIFIERS: dict[str, str] = {
    "vat": "<cac:PartyTaxScheme><cbc:CompanyID>{}</cbc:CompanyID><cac:TaxScheme><cbc:ID>vat</cbc:ID></cac:TaxScheme>"
    "</cac:PartyTaxScheme>",
    "tax": "<cac:PartyTaxScheme><cbc:CompanyID>{}</cbc:CompanyID><cac:TaxScheme><cbc:ID>FC</cbc:ID></cac:TaxScheme>"
    "</cac:PartyTaxScheme>",
    "registration": "<cac:PartyLegalEntity><cbc:CompanyID schemeID='0007'>{}</cbc:CompanyID></cac:PartyLegalEntity>",
    "global": "<cac:PartyIdentification><cbc:ID schemeID='0088'>{}</cbc:ID></cac:PartyIdentification>",
    "local": "<cac:PartyIdentification><cbc:ID>{}</cbc:ID></cac:PartyIdentification>",
}
CII_IDENTIFIERS: dict[str, str] = {
    "vat": "<ram:SpecifiedTaxRegistration><ram:ID schemeID='VA'>{}</ram:ID></ram:SpecifiedTaxRegistration>",
    "tax": "<ram:SpecifiedTaxRegistration><ram:ID schemeID='FC'>{}</ram:ID></ram:SpecifiedTaxRegistration>",
    "registration": "<ram:SpecifiedLegalOrganization><ram:ID schemeID='0007'>{}</ram:ID>"
    "</ram:SpecifiedLegalOrganization>",
    "global": "<ram:GlobalID schemeID='0088'>{}</ram:GlobalID>",
    "local": "<ram:ID>{}</ram:ID>",
}
kinds = st.sampled_from(sorted(UBL_IDENTIFIERS))
values = st.text(alphabet="0123456789ABZ /.-", min_size=1, max_size=12).filter(
    lambda value: any(map(str.isdigit, value))
)


@given(identifiers=st.lists(st.tuples(kinds, values), min_size=1, max_size=5))
def test_both_formats_give_a_party_the_same_identity(
    ubl: Callable[..., bytes], cii: Callable[..., bytes], identifiers: list[tuple[IdentifierKind, str]]
) -> None:
    in_ubl = "".join(UBL_IDENTIFIERS[kind].format(value) for kind, value in identifiers)
    in_cii = "".join(CII_IDENTIFIERS[kind].format(value) for kind, value in reversed(identifiers))
    name = "<cac:PartyName><cbc:Name>A</cbc:Name></cac:PartyName>"
    buyer = f"<ram:BuyerTradeParty><ram:Name>A</ram:Name>{in_cii}</ram:BuyerTradeParty>"
    assert buyer_of(ubl(buyer=f"<cac:Party>{name}{in_ubl}</cac:Party>")) == buyer_of(cii(buyer=buyer))


def buyer_of(document: bytes) -> PartyIdentity | None:
    """The buyer, or None where nothing identifies it (a tax number that is more words than digits)."""
    try:
        return parse_invoice(document).buyer_identity
    except DocumentIncomplete:
        return None


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("vat:DE 123.456.789", "vat:DE123456789"),
        ("VAT:de123", "vat:DE123"),
        ("scheme:gln:4000001123452", "scheme:0088:4000001123452"),
        ("tax:201/113/40209", "tax:20111340209"),
    ],
)
def test_an_identity_is_the_same_however_it_is_typed(typed: str, text: str) -> None:
    assert str(parse_identity(typed)) == text
    assert parse_identity(text) == parse_identity(typed)


@pytest.mark.parametrize("typed", ["", "DE123", "vat:", "vat:--", "scheme:0088", "scheme::1", "local:1:x", "vat:a:b"])
def test_what_identifies_nobody_is_refused(typed: str) -> None:
    with pytest.raises(IdentityMalformed):
        parse_identity(typed)


@pytest.mark.parametrize("text", ["RE-2026/0041", "re 2026 41", "RE20260041", "00RE.2026.041", "RE_2026.0041"])
def test_the_key_of_a_number_is_one_however_it_is_spaced_and_padded(text: str) -> None:
    assert number_key(text) == "RE22641"


def test_the_key_of_a_number_fits_into_an_index() -> None:
    assert number_key("--") == ""
    assert len(number_key("7" * 10_000)) == KEY_CHARS_MAX


@pytest.mark.parametrize("text", ["vat:DE123456789", "tax:20111340209", "scheme:0088:4000001123452", "scheme:0007:55"])
def test_a_party_with_the_identifier_of_an_identity_has_that_identity(text: str) -> None:
    assert str(identity(identifier_of(parse_identity(text)))) == text
