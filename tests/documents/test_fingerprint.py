"""The fingerprint: one claim, one value; another claim, another value; nobody else can guess."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.documents.fingerprint import canonical_key, fingerprint, fingerprint_by_pair, pair_key
from registry.documents.invoice import Invoice
from registry.documents.parties import Party, PartyIdentifier
from registry.documents.reading import parse_invoice
from registry.domain.money import currency

Make = Callable[..., Invoice]
Build = Callable[..., bytes]
MASTER = bytes(range(32))
numbers = st.text(alphabet="ABCXYZabcxyz0123456789/-._ ", min_size=1, max_size=30).filter(lambda text: text.strip())
spaces = st.sampled_from([" ", "\t", "\n", "\u00a0", "\u2009", "\u3000", "\u200b"])


def test_the_format_is_the_one_of_the_docstring(make_invoice: Make) -> None:
    def prefixed(*fields: bytes) -> bytes:
        return b"".join(len(field).to_bytes(4, "big") + field for field in fields)

    seller, buyer = prefixed(b"vat", b"", b"DE111", b""), prefixed(b"vat", b"", b"DE222", b"")
    key = prefixed(b"counterfoil/invoice/1", seller, buyer, b"471102", b"2026-03-05", b"EUR")
    invoice = make_invoice()
    assert canonical_key(invoice) == key
    pair = hmac.new(MASTER, prefixed(b"counterfoil/pair/1", seller, buyer), hashlib.sha256).digest()
    assert pair_key(MASTER, seller_identity=seller, buyer_identity=buyer) == pair
    assert fingerprint(invoice, MASTER) == hmac.new(pair, key, hashlib.sha256).digest()


def test_a_party_with_the_pair_key_gets_the_same_fingerprint(make_invoice: Make) -> None:
    invoice = make_invoice()
    key = pair_key(
        MASTER,
        seller_identity=invoice.seller_identity.encode(),
        buyer_identity=invoice.buyer_identity.encode(),
    )
    assert fingerprint_by_pair(invoice, key) == fingerprint(invoice, MASTER)


@given(number=numbers, data=st.data())
def test_spacing_and_case_of_the_number_do_not_count(make_invoice: Make, number: str, data: st.DataObject) -> None:
    respaced = "".join(char + data.draw(st.one_of(st.just(""), spaces)) for char in number)
    recased = data.draw(st.sampled_from([str.upper, str.lower, str.swapcase]))(respaced)
    assert fingerprint(make_invoice(number=recased), MASTER) == fingerprint(make_invoice(number=number), MASTER)


@given(value=st.text(alphabet="DE0123456789", min_size=3, max_size=14), dots=st.lists(st.integers(0, 14), max_size=4))
def test_punctuation_in_a_vat_id_does_not_count(make_invoice: Make, value: str, dots: list[int]) -> None:
    def seller(text: str) -> Party:
        return Party("S", (PartyIdentifier("vat", "", text + "0"),))

    dotted = value
    for place in dots:
        dotted = dotted[:place] + "." + dotted[place:]
    assert canonical_key(make_invoice(seller=seller(dotted.lower()))) == canonical_key(
        make_invoice(seller=seller(value))
    )


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "iso-8859-1", "gb18030"]
)
def test_the_encoding_of_the_file_does_not_count(ubl: Build, encoding: str) -> None:
    declared = ubl().decode().replace('encoding="UTF-8"', f'encoding="{encoding.removesuffix("-sig")}"')
    read = parse_invoice(declared.encode(encoding))
    assert read == parse_invoice(ubl())
    assert fingerprint(read, MASTER) == fingerprint(parse_invoice(ubl()), MASTER)


def test_amount_due_date_type_and_format_do_not_count(make_invoice: Make) -> None:
    other = make_invoice(payable_minor=1, due_date=None, type_code="204", format="cii", prepaid_minor=5)
    assert fingerprint(other, MASTER) == fingerprint(make_invoice(), MASTER)


@pytest.mark.parametrize(
    "change",
    [
        {"number": "471103"},
        {"issue_date": date(2026, 3, 6)},
        {"currency": currency("USD")},
        {"seller": Party("Seller GmbH", (PartyIdentifier("vat", "", "DE112"),))},
        {"buyer": Party("Buyer AG", (PartyIdentifier("tax", "", "DE222"),))},
    ],
)
def test_everything_else_counts(make_invoice: Make, change: dict[str, object]) -> None:
    assert fingerprint(make_invoice(**change), MASTER) != fingerprint(make_invoice(), MASTER)


def test_seller_and_buyer_cannot_change_places(make_invoice: Make) -> None:
    invoice = make_invoice()
    mirrored = replace(invoice, seller=invoice.buyer, buyer=invoice.seller)
    assert fingerprint(mirrored, MASTER) != fingerprint(invoice, MASTER)


@given(
    one=st.tuples(numbers, st.integers(0, 3), st.sampled_from(["EUR", "USD"])),
    other=st.tuples(numbers, st.integers(0, 3), st.sampled_from(["EUR", "USD"])),
)
def test_different_fields_never_give_the_same_key(
    make_invoice: Make, one: tuple[str, int, str], other: tuple[str, int, str]
) -> None:
    def fields(drawn: tuple[str, int, str]) -> tuple[str, int, str]:
        return "".join(drawn[0].split()).upper(), drawn[1], drawn[2]

    def key(drawn: tuple[str, int, str]) -> bytes:
        day = date(2026, 3, 5) + timedelta(days=drawn[1])
        return canonical_key(make_invoice(number=drawn[0], issue_date=day, currency=currency(drawn[2])))

    assert (key(one) == key(other)) == (fields(one) == fields(other))


def test_another_master_key_gives_another_fingerprint(make_invoice: Make) -> None:
    assert fingerprint(make_invoice(), bytes(32)) != fingerprint(make_invoice(), MASTER)


def test_short_keys_are_a_bug(make_invoice: Make) -> None:
    with pytest.raises(ValueError, match="32 are needed"):
        fingerprint(make_invoice(), bytes(31))
    with pytest.raises(ValueError, match="32 bytes"):
        fingerprint_by_pair(make_invoice(), bytes(31))
