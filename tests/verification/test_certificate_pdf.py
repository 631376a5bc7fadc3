"""The printed certificate, read back as a stranger would: its text, its attachment, its code."""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import replace
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import pytest
import zxingcpp
from pypdf import PdfReader

from registry.domain import calendar
from registry.domain.identifiers import Address, CertificateId, format_address
from registry.domain.money import Money, currency
from registry.domain.receivable import Phase
from registry.verification import amount_words
from registry.verification.bundle import Bundle
from registry.verification.certificate_pdf import (
    CATALOGUE,
    ENCUMBRANCES_SHOWN_MAX,
    NAME_CHARACTERS_MAX,
    certificate_pdf,
    code_text,
    compiler,
    inputs,
)
from registry.verification.header import Header
from registry.verification.verify import KnownHash, Pins, Status, verify
from tests.verification.paper import CHAIN_ID, CODE_HASH, Paper

LANGUAGES = sorted(CATALOGUE)
URL = "https://registry.example/counterfoil/"


@pytest.fixture(scope="module")
def paper() -> Paper:
    return Paper.of_book(entries=300, seed=3)


@pytest.fixture(scope="module")
def live(paper: Paper) -> bytes:
    """The proof of a certificate that somebody holds, with an encumbrance."""
    made = (paper.bundle(certificate) for certificate in paper.certificates())
    return next(one for one in made if stated(one)["holder"] and stated(one)["encumbrances"])


def stated(bundle: bytes) -> Any:
    return Bundle.decode(bundle).stated


def address(text: str) -> Address:
    return bytes.fromhex(text[2:])


def named(bundle: bytes, *names: str) -> dict[Address, str]:
    roles = ("holder", "debtor", "originator")
    return {address(stated(bundle)[role]): name for role, name in zip(roles, names, strict=True)}


def read(pdf: bytes) -> tuple[PdfReader, str]:
    """The file, and the text of its only page without the blanks that its setting makes."""
    reader = PdfReader(BytesIO(pdf))
    (page,) = reader.pages
    return reader, squeezed(page.extract_text())


def squeezed(text: str) -> str:
    return re.sub(r"[\s\u200b]", "", text)


def grey(png: bytes) -> memoryview:
    """A picture without transparency as rows of its red: of black and white that is all."""
    chunks, at = {}, 8
    while at < len(png):
        (length,), name = struct.unpack(">I", png[at : at + 4]), png[at + 4 : at + 8]
        chunks[name] = chunks.get(name, b"") + png[at + 8 : at + 8 + length]
        at += length + 12
    width, height, depth, kind = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
    assert (depth, kind) == (8, 6)
    data, size = zlib.decompress(chunks[b"IDAT"]), 4 * width
    rows, above = bytearray(), bytearray(size)
    for top in range(0, len(data), size + 1):
        row = bytearray(data[top + 1 : top + 1 + size])
        for i in range(size):
            left, up, corner = (row[i - 4], above[i], above[i - 4]) if i >= 4 else (0, above[i], 0)
            guess = left + up - corner
            paeth = min((left, up, corner), key=lambda one: abs(guess - one))
            row[i] = row[i] + (0, left, up, (left + up) // 2, paeth)[data[top]] & 0xFF
        rows += row[::4]
        above = row
    return memoryview(bytes(rows)).cast("B", (height, width))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_has_the_facts_of_the_proof(live: bytes, language: str) -> None:
    names = named(live, "Hafenbank AG", "宁波远航新能源汽车有限公司", "Kleinschmiede Oberau GmbH & Co. KG")
    _, text = read(certificate_pdf(live, names=names, language=language))
    bundle, header = Bundle.decode(live), Header.decode(Bundle.decode(live).header)
    money = Money.from_json(bundle.stated["amount"])
    in_words = amount_words.chinese(money) if language == "zh" else amount_words.english(money)
    assert in_words is not None
    expected = [
        CATALOGUE[language]["title"],
        str(bundle.certificate),
        str(money),
        in_words,
        *names.values(),
        *(format_address(one) for one in names),
        calendar.day(bundle.stated["due"]),
        CATALOGUE[language][f"phase_{bundle.stated['phase']}"],
        str(header.number),
        calendar.instant(header.at),
        "0x" + header.hash.hex(),
        bundle.stated["history"]["head"],
        format_address(bundle.contract),
        str(CHAIN_ID),
        "verifier.pyz",
    ]
    assert [fact for fact in expected if squeezed(fact) not in text] == []


def test_every_certificate_of_a_book_fits_on_a_page_with_its_proof(paper: Paper) -> None:
    shown = 0
    for certificate in list(paper.certificates())[::5]:
        bundle = paper.bundle(certificate)
        for language in LANGUAGES:
            reader, text = read(certificate_pdf(bundle, names={}, language=language))
            assert dict(reader.attachments) == {"proof.json": [bundle]}
            assert (squeezed(CATALOGUE[language]["ended"]) in text) is (stated(bundle)["holder"] is None)
            shown += 1
    assert shown > 10


def test_the_attached_proof_verifies(paper: Paper, live: bytes) -> None:
    reader, _ = read(certificate_pdf(live, names={}, language="en"))
    (attached,) = reader.attachments["proof.json"]
    witness = KnownHash(Header.decode(paper.header).hash, "the test")
    assert verify(attached, witness=witness, pins=Pins(CHAIN_ID, paper.contract, CODE_HASH)).status is Status.PROVEN


@pytest.mark.parametrize("public_url", [None, URL])
def test_the_code_on_the_page_reads_as_the_proofs_address_or_as_what_it_is_about(
    live: bytes, public_url: str | None
) -> None:
    bundle = Bundle.decode(live)
    page = compiler().compile(
        format="png", ppi=100, sys_inputs=inputs(live, names={}, language="en", public_url=public_url)
    )
    assert isinstance(page, bytes)
    (code,) = zxingcpp.read_barcodes(grey(page))
    assert code.text == code_text(bundle, public_url=public_url)
    header = Header.decode(bundle.header)
    if public_url is None:
        said = f"counterfoil:{CHAIN_ID}:0x{bundle.contract.hex()}:{bundle.certificate}:0x{header.hash.hex()}:"
        assert code.text == said + bundle.stated["history"]["head"]
    else:
        asked = urlsplit(code.text)
        assert asked.path == f"/counterfoil/v1/certificates/{bundle.certificate}/proof"
        assert asked.query == f"block={header.number}"


def test_a_sealed_proof_is_asked_for_as_it_is(paper: Paper) -> None:
    made = (Bundle.decode(paper.bundle(certificate, redact=True)) for certificate in paper.certificates())
    sealed = next(bundle for bundle in made if bundle.sealed)
    assert code_text(sealed, public_url=URL).endswith("&redact=true")


def test_the_same_proof_gives_the_same_file(live: bytes) -> None:
    first, second = (certificate_pdf(live, names=named(live, "A", "B", "C"), language="zh") for _ in range(2))
    assert first == second
    created = PdfReader(BytesIO(first)).metadata
    assert created is not None
    assert created.creation_date is not None
    assert int(created.creation_date.timestamp()) == Header.decode(Bundle.decode(live).header).at


@pytest.mark.parametrize("language", LANGUAGES)
def test_long_names_and_many_encumbrances_leave_it_one_page(live: bytes, language: str) -> None:
    bundle = Bundle.decode(live)
    lien = {"kind": "lien", "financier": bundle.stated["holder"], "secured": str(2**64 - 1)}
    freezes = [{"kind": "freeze", "order": "0x" + "4f" * 32, "scope": "certificate", "until": 2**40 - 1}] * 20
    certificate = CertificateId(bundle.certificate.receivable_id, 0, 2**64 - 1)
    crowded = replace(
        bundle, certificate=certificate, stated={**bundle.stated, "encumbrances": [lien] * 2 + freezes}
    ).encode()
    names = named(crowded, *(letter * 3 * NAME_CHARACTERS_MAX for letter in "W债M"))
    _, text = read(certificate_pdf(crowded, names=names, language=language, public_url=URL))
    assert "W" * (NAME_CHARACTERS_MAX - 1) + "…" in text
    assert squeezed(CATALOGUE[language]["more"].format(count=22 - ENCUMBRANCES_SHOWN_MAX)) in text


def test_a_name_is_shown_and_never_run(live: bytes) -> None:
    names = named(live, '#panic("x") *bold* $x^2$ \\', "line\nbreak", "left\u202eright")
    _, text = read(certificate_pdf(live, names=names, language="en"))
    assert squeezed('#panic("x") *bold* $x^2$ \\') in text
    assert "line\N{REPLACEMENT CHARACTER}break" in text
    assert "\u202e" not in text


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ({"kind": "dispute"}, "dispute"),
        ({"kind": "holder", "status": "none"}, "holder_none"),
        ({"kind": "holder", "status": "expired"}, "holder_expired"),
        ({"kind": "holder", "status": "suspended"}, "holder_suspended"),
        ({"kind": "holder", "status": "frozen"}, "holder_frozen"),
    ],
)
def test_an_encumbrance_without_figures_has_its_words(live: bytes, kind: dict[str, str], said: str) -> None:
    bundle = Bundle.decode(live)
    crafted = replace(bundle, stated={**bundle.stated, "encumbrances": [kind], "confirmation": None}).encode()
    for language in LANGUAGES:
        _, text = read(certificate_pdf(crafted, names={}, language=language))
        assert squeezed(CATALOGUE[language][said]) in text
        assert squeezed(CATALOGUE[language]["unconfirmed"]) in text


def test_the_languages_have_the_same_words_with_the_same_places() -> None:
    assert LANGUAGES == ["en", "zh"]
    places = {
        language: {name: sorted(re.findall(r"\{\w+\}", text)) for name, text in words.items()}
        for language, words in CATALOGUE.items()
    }
    assert places["en"] == places["zh"]
    assert {f"phase_{phase}" for phase in Phase} <= places["en"].keys()


@pytest.mark.parametrize(
    ("minor", "code", "english", "chinese"),
    [
        (0, "CNY", "CNY zero and 00/100", "人民币零元整"),
        (7, "CNY", "CNY zero and 07/100", "人民币柒分"),
        (50, "CNY", "CNY zero and 50/100", "人民币伍角整"),
        (125_007, "CNY", "CNY one thousand two hundred fifty and 07/100", "人民币壹仟贰佰伍拾元零柒分"),
        (1_000_123, "EUR", "EUR ten thousand one and 23/100", "欧元壹万零壹元贰角叁分"),
        (10_500_000, "USD", "USD one hundred five thousand and 00/100", "美元壹拾万伍仟元整"),
        (
            10_001_000_000_000_050,
            "GBP",
            "GBP one hundred trillion ten billion and 50/100",
            "英镑壹佰万零壹佰亿元伍角整",
        ),
        (1_021, "JPY", "JPY one thousand twenty-one", "日元壹仟零贰拾壹元整"),
        (12, "KWD", "KWD zero and 012/1000", None),
        (300, "SEK", "SEK three and 00/100", "SEK 叁元整"),
    ],
)
def test_an_amount_is_said_in_words(minor: int, code: str, english: str, chinese: str | None) -> None:
    money = Money(minor, currency(code))
    assert amount_words.english(money) == english
    assert amount_words.chinese(money) == chinese
