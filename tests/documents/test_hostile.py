"""Hostile and broken files: refused by name, quickly, without touching the network or another file."""

from __future__ import annotations

import contextlib
import os
import resource
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.documents.errors import (
    DocumentForbiddenConstruct,
    DocumentMalformed,
    DocumentTooLarge,
    DocumentUnreadable,
)
from registry.documents.reading import parse_invoice, read_invoice
from registry.documents.xml import DEPTH_LEVELS_MAX, DOCUMENT_BYTES_MAX, MARKUP_COUNT_MAX, parse_xml
from registry.domain.refusals import Refusal

Build = Callable[..., bytes]

LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
BILLION_LAUGHS = f'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY l0 "lol">{LAUGHS}]><a>&l11;</a>'
QUADRATIC = f'<!DOCTYPE a [<!ENTITY x "{"x" * 200_000}">]><a>{"&x;" * 200_000}</a>'

SECONDS_MAX = 2.0
MEMORY_GROWTH_KIB_MAX = 60 * 1024


@pytest.mark.parametrize("document", [BILLION_LAUGHS, QUADRATIC], ids=["billion laughs", "quadratic blowup"])
def test_entity_bombs_are_refused_quickly_with_little_memory(document: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.monotonic()
    with pytest.raises(DocumentForbiddenConstruct):
        parse_invoice(document.encode())
    assert time.monotonic() - started < SECONDS_MAX
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MEMORY_GROWTH_KIB_MAX


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be", "iso-8859-1"])
def test_an_entity_bomb_hides_behind_no_encoding(encoding: str) -> None:
    text = BILLION_LAUGHS.replace('version="1.0"', f'version="1.0" encoding="{encoding}"')
    with pytest.raises(DocumentForbiddenConstruct):
        parse_invoice(text.encode(encoding))


@pytest.mark.parametrize(
    "encoding", ["utf-7", "utf-32", "cp037", "rot13", "base64", "idna", "unicode_escape", "nonsense"]
)
def test_encodings_in_which_markup_can_hide_are_not_read(encoding: str) -> None:
    with pytest.raises(DocumentMalformed):
        parse_invoice(f'<?xml version="1.0" encoding="{encoding}"?><a/>'.encode())


def test_utf_32_is_not_read() -> None:
    with pytest.raises(DocumentMalformed):
        parse_invoice("<a/>".encode("utf-32"))


def test_a_declared_encoding_that_the_bytes_are_not_in_is_malformed() -> None:
    with pytest.raises(DocumentMalformed):
        parse_invoice(b'<?xml version="1.0" encoding="utf-16"?><a/>')
    with pytest.raises(DocumentMalformed):
        parse_invoice("<a>é</a>".encode("iso-8859-1"))


def test_an_external_entity_is_refused_and_not_fetched(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    for declaration in (
        f'<!DOCTYPE a [<!ENTITY x SYSTEM "{secret.as_uri()}">]>',
        f'<!DOCTYPE a SYSTEM "{secret.as_uri()}">',
        '<!DOCTYPE a [<!ENTITY % p SYSTEM "http://127.0.0.1:9/x.dtd"> %p;]>',
        '<!DOCTYPE a PUBLIC "-//X//EN" "http://127.0.0.1:9/x.dtd">',
        "<!DOCTYPE a>",
    ):
        with pytest.raises(DocumentForbiddenConstruct) as refused:
            parse_invoice(f"{declaration}<a>&x;</a>".encode())
        assert "secret" not in str(refused.value)


def test_an_undeclared_entity_is_malformed(ubl: Build) -> None:
    for number in ("<cbc:ID>&foo;</cbc:ID>", '<cbc:ID schemeID="&foo;">1</cbc:ID>'):
        with pytest.raises(DocumentMalformed):
            parse_invoice(ubl(number=number))


def test_the_entities_of_xml_itself_are_read(ubl: Build) -> None:
    assert parse_invoice(ubl(number="<cbc:ID>A&amp;B&#45;1</cbc:ID>")).number == "A&B-1"


@pytest.mark.parametrize("levels", [DEPTH_LEVELS_MAX + 1, 200, 300, 100_000])
def test_deep_nesting_is_refused(levels: int) -> None:
    with pytest.raises(DocumentForbiddenConstruct):
        parse_invoice(b"<a>" * levels + b"</a>" * levels)


def test_nesting_up_to_the_limit_is_read() -> None:
    parse_xml(b"<a>" * DEPTH_LEVELS_MAX + b"</a>" * DEPTH_LEVELS_MAX)


def test_an_oversize_document_is_too_large(tmp_path: Path, ubl: Build) -> None:
    document = ubl() + b" " * DOCUMENT_BYTES_MAX
    with pytest.raises(DocumentTooLarge):
        parse_invoice(document)
    (tmp_path / "big.xml").write_bytes(document)
    with pytest.raises(DocumentTooLarge):
        read_invoice(tmp_path / "big.xml")


def test_a_document_as_large_as_the_limit_is_read(ubl: Build) -> None:
    document = ubl()
    assert parse_invoice(document + b" " * (DOCUMENT_BYTES_MAX - len(document))).number == "471102"


def test_a_swarm_of_tiny_elements_is_too_large() -> None:
    with pytest.raises(DocumentTooLarge):
        parse_invoice(b"<a>" + b"<b/>" * MARKUP_COUNT_MAX + b"</a>")


def test_a_truncated_document_is_malformed(ubl: Build, cii: Build) -> None:
    for document in (ubl(), cii()):
        for length in range(0, len(document), 97):
            with pytest.raises(Refusal) as refused:
                parse_invoice(document[:length])
            assert refused.value.code == "document_malformed"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"   \n",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"\x00\x01\x02",
        b"hello",
        b"{}",
        b"PK\x03\x04\x14\x00",
        b"\x89PNG\r\n",
        b"<",
    ],
)
def test_empty_and_binary_files_are_malformed(data: bytes) -> None:
    with pytest.raises(DocumentMalformed):
        parse_invoice(data)


@settings(max_examples=200, deadline=None)  # the first PDF among them starts a child
@given(data=st.binary(max_size=200))
def test_random_bytes_are_refused_by_name(data: bytes) -> None:
    with pytest.raises(Refusal):
        parse_invoice(data)


@settings(max_examples=200)
@given(place=st.integers(0, 10_000), byte=st.integers(0, 255), form=st.sampled_from(["ubl", "cii"]))
def test_a_damaged_invoice_is_read_or_refused_by_name(ubl: Build, cii: Build, place: int, byte: int, form: str) -> None:
    document = bytearray((ubl if form == "ubl" else cii)())
    document[place % len(document)] = byte
    with contextlib.suppress(Refusal):  # anything else is a bug
        assert parse_invoice(bytes(document)).format == form


def test_a_folder_a_missing_file_a_pipe_and_a_bad_path_are_unreadable(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "missing.xml", tmp_path / "pipe", Path("/dev/zero"), tmp_path / "a\0b"):
        with pytest.raises(DocumentUnreadable) as refused:
            read_invoice(path)
        assert str(tmp_path) not in str(refused.value)
