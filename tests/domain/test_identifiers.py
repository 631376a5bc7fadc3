"""Ids and addresses: written and read back, everything else refused by name."""

from __future__ import annotations

import pytest
from eth_utils.address import to_checksum_address
from hypothesis import given
from hypothesis import strategies as st

from registry.domain.identifiers import (
    MINOR_MAX,
    RECEIVABLE_ID_MAX,
    CertificateId,
    IdMalformed,
    format_address,
    format_receivable_id,
    parse_address,
    parse_certificate_id,
    parse_receivable_id,
    range_word,
    token_id,
)

EIP_55 = [  # the vectors of the EIP itself
    "0x52908400098527886E0F7030069857D2E4169EE7",
    "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
    "0xde709f2102306220921060314715629080e2fb77",
    "0x27b1fdb04752bbc536007a920d24acb045561c26",
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
    "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
]


@pytest.mark.parametrize("text", EIP_55)
def test_addresses_carry_the_eip_55_checksum(text: str) -> None:
    assert format_address(parse_address(text)) == text
    assert parse_address(text.lower()) == parse_address("0x" + text[2:].upper()) == parse_address(f"  {text}\n")


@given(st.binary(min_size=20, max_size=20))
def test_another_library_writes_addresses_the_same(address: bytes) -> None:
    assert format_address(address) == to_checksum_address(address)
    assert parse_address(format_address(address)) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0x",
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAe",
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAedd",
        "5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0X5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD",
        "0xgggggggggggggggggggggggggggggggggggggggg",
        "0x\uff15aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
    ],
)
def test_a_mistyped_address_is_refused(text: str) -> None:
    with pytest.raises(IdMalformed) as refused:
        parse_address(text)
    assert refused.value.code == "id_malformed"


@pytest.mark.parametrize("number", [0, 1, 42, RECEIVABLE_ID_MAX])
def test_a_receivable_id_is_read_as_it_is_written(number: int) -> None:
    assert parse_receivable_id(format_receivable_id(number)) == number


def test_an_id_may_be_typed_in_lower_case_and_with_blanks_around() -> None:
    assert parse_receivable_id(" r-42\t") == 42
    assert parse_certificate_id("\u00a0r-42/0-5 ") == CertificateId(42, 0, 5)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "42",
        "R42",
        "rr-42",
        "R -42",
        "R-",
        "R--1",
        "R-042",
        "R-4 2",
        "R-4.0",
        "R-٤",
        f"R-{RECEIVABLE_ID_MAX + 1}",
        "R-42\x00",
    ],
)
def test_what_is_no_receivable_id_is_refused(text: str) -> None:
    with pytest.raises(IdMalformed):
        parse_receivable_id(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("R-42/0-125000", CertificateId(42, 0, 125_000)),
        (f"R-1/{MINOR_MAX - 1}-{MINOR_MAX}", CertificateId(1, MINOR_MAX - 1, MINOR_MAX)),
    ],
)
def test_a_certificate_id_is_read_as_it_is_written(text: str, expected: CertificateId) -> None:
    assert parse_certificate_id(text) == expected
    assert str(expected) == text


@pytest.mark.parametrize(
    "text",
    [
        "R-42",
        "R-0/0-1",
        "R-42/0",
        "R-42/5-5",
        "R-42/6-5",
        "R-42/00-5",
        "R-42/0-05",
        "R-42/-1-5",
        f"R-42/0-{MINOR_MAX + 1}",
        f"R-{RECEIVABLE_ID_MAX + 1}/0-1",
        "R-42/0-1/2",
    ],
)
def test_what_is_no_certificate_id_is_refused(text: str) -> None:
    with pytest.raises(IdMalformed):
        parse_certificate_id(text)


def test_the_id_on_chain_is_the_receivable_above_the_start() -> None:
    assert token_id(1, 0) == 1 << 64
    assert token_id(3, MINOR_MAX) == (4 << 64) - 1
    assert CertificateId(3, 7, 9).token_id == token_id(3, 7) == (3 << 64) + 7


def test_a_range_word_is_the_id_on_chain_and_the_end() -> None:
    assert range_word(1, 0, 1) == (1 << 128) + 1
    assert range_word(3, MINOR_MAX - 1, MINOR_MAX) == (4 << 128) - 2**64 - 1
    named = CertificateId(3, 7, 9)
    assert named.range_word == range_word(3, 7, 9) == (3 << 128) + (7 << 64) + 9
    assert named.range_word >> 64 == named.token_id
