"""The document root: each field can be opened alone, and only as it was."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.documents.commitments import (
    DOCUMENT_FIELDS,
    DocumentCommitment,
    commit,
    document_fields,
    new_salts,
    verify_field,
)
from registry.documents.invoice import Invoice
from registry.domain.identifiers import MINOR_MAX
from registry.domain.merkle import leaf_hash, path_of, root_of

Make = Callable[..., Invoice]
COUNT = len(DOCUMENT_FIELDS)
SALTS = tuple(bytes([number]) * 32 for number in range(COUNT))
positions = st.integers(0, COUNT - 1)


@pytest.fixture(scope="module")
def fields(make_invoice: Make) -> tuple[tuple[str, str], ...]:
    return document_fields(make_invoice(), document=b"<Invoice/>")


@pytest.fixture(scope="module")
def commitment(fields: tuple[tuple[str, str], ...]) -> DocumentCommitment:
    return commit(fields, SALTS)


@given(position=positions)
def test_every_field_opens(fields: tuple[tuple[str, str], ...], commitment: DocumentCommitment, position: int) -> None:
    name, value = fields[position]
    path = commitment.path(position)
    assert path == commitment.path_to(name)
    assert verify_field(root=commitment.root, name=name, value=value, salt=SALTS[position], path=path)


@given(position=positions, other=st.text())
def test_no_field_opens_with_another_value(
    fields: tuple[tuple[str, str], ...], commitment: DocumentCommitment, position: int, other: str
) -> None:
    name, value = fields[position]
    path = commitment.path(position)
    shown = verify_field(root=commitment.root, name=name, value=other, salt=SALTS[position], path=path)
    assert shown == (other == value)


@given(position=positions, name=st.one_of(st.sampled_from(DOCUMENT_FIELDS), st.text()))
def test_no_value_opens_under_another_name(
    fields: tuple[tuple[str, str], ...], commitment: DocumentCommitment, position: int, name: str
) -> None:
    value = fields[position][1]
    path = commitment.path(position)
    shown = verify_field(root=commitment.root, name=name, value=value, salt=SALTS[position], path=path)
    assert shown == (name == fields[position][0])


def test_a_second_value_of_a_field_smuggled_into_another_leaf_does_not_open(
    fields: tuple[tuple[str, str], ...], commitment: DocumentCommitment
) -> None:
    position = DOCUMENT_FIELDS.index("payment_terms")
    leaves = list(commitment.leaves)
    leaves[position] = leaf_hash(name="payable", value="999999.00", salt=SALTS[position])
    root, path = root_of(leaves), path_of(leaves, position)
    assert not verify_field(root=root, name="payable", value="999999.00", salt=SALTS[position], path=path)


def test_hostile_openings_are_false_and_never_raise(commitment: DocumentCommitment) -> None:
    path = commitment.path_to("number")
    shown = {"root": commitment.root, "name": "number", "value": "471102", "salt": SALTS[3], "path": path}
    assert verify_field(**shown)  # type: ignore[arg-type]  # one dict for arguments of several types
    for change in (
        {"salt": b""},
        {"root": b""},
        {"path": ()},
        {"path": (*path, path[0])},
        {"path": (b"short", *path[1:])},
        {"value": "\ud800"},
        {"name": "\ud800"},
    ):
        assert not verify_field(**{**shown, **change})  # type: ignore[arg-type]


def test_the_fields_say_what_the_invoice_says(make_invoice: Make) -> None:
    document = b"<Invoice/>"
    values = dict(document_fields(make_invoice(number="re 7"), document=document))
    assert tuple(values) == DOCUMENT_FIELDS
    assert values["file_sha256"] == hashlib.sha256(document).hexdigest()
    assert (values["number"], values["number_normalised"]) == ("re 7", "RE7")
    assert (values["payable"], values["currency"]) == ("529.87", "EUR")
    assert (values["issue_date"], values["due_date"]) == ("2026-03-05", "2026-06-05")
    assert (values["seller_identity"], values["buyer_name"]) == ("vat:DE111", "Buyer AG")


def test_an_absent_field_keeps_its_leaf(make_invoice: Make) -> None:
    values = dict(document_fields(make_invoice(due_date=None, payee=None), document=b""))
    assert (values["due_date"], values["payee_name"], values["prepaid"]) == ("", "", "")
    assert len(values) == COUNT


@given(minor=st.integers(-MINOR_MAX, MINOR_MAX), number=st.text(min_size=1))
def test_another_amount_or_number_gives_another_root(make_invoice: Make, minor: int, number: str) -> None:
    one = commit(document_fields(make_invoice(), document=b""), SALTS)
    other = commit(document_fields(make_invoice(payable_minor=minor, number=number), document=b""), SALTS)
    assert (one.root == other.root) == ((minor, number) == (52987, "471102"))


def test_salts_are_fresh_and_change_the_root(fields: tuple[tuple[str, str], ...]) -> None:
    one, other = new_salts(COUNT), new_salts(COUNT)
    assert {len(salt) for salt in one} == {32}
    assert len({*one, *other}) == 2 * COUNT
    assert commit(fields, one).root != commit(fields, other).root


def test_misuse_is_a_bug_and_says_so(fields: tuple[tuple[str, str], ...], commitment: DocumentCommitment) -> None:
    with pytest.raises(ValueError, match="in order"):
        commit(fields[::-1], SALTS)
    with pytest.raises(ValueError, match="different salts"):
        commit(fields, (bytes(32),) * COUNT)
    with pytest.raises(ValueError, match="different salts"):
        commit(fields, SALTS[:-1])
    with pytest.raises(KeyError):
        commitment.path_to("no such field")


def test_a_verifier_needs_no_xml_library() -> None:
    probe = "import sys, registry.documents.commitments, registry.documents.fingerprint; print('lxml' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "False"
