"""The document root: each field can be opened alone, and only as it was."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.documents.attachments import ATTACHMENTS_MAX, Attachment
from registry.documents.commitments import (
    DOCUMENT_FIELDS,
    SCHEMA,
    DocumentCommitment,
    OpenedField,
    attachments_of,
    commit,
    document_fields,
    new_salts,
    schema_of,
    verify_fields,
)
from registry.documents.invoice import Invoice
from registry.domain.identifiers import MINOR_MAX
from registry.domain.merkle import leaf_hash, path_of, root_of

Make = Callable[..., Invoice]
COUNT = len(DOCUMENT_FIELDS)
SALTS = tuple(bytes([number]) * 32 for number in range(COUNT))


@pytest.fixture(scope="module")
def fields(make_invoice: Make) -> tuple[tuple[str, str], ...]:
    return document_fields(make_invoice(), document=b"<Invoice/>")


@pytest.fixture(scope="module")
def commitment(fields: tuple[tuple[str, str], ...]) -> DocumentCommitment:
    return commit(fields, SALTS)


@pytest.fixture(scope="module", params=[0, 1, 9, 10, ATTACHMENTS_MAX], ids=lambda count: f"{count} attachments")
def document(request: pytest.FixtureRequest, make_invoice: Make) -> Document:
    attachments = [Attachment(f"note {number}.pdf", bytes([number]) * 32, number) for number in range(request.param)]
    fields = document_fields(make_invoice(), document=b"<Invoice/>", attachments=attachments)
    salts = tuple(bytes([number]) * 32 for number in range(len(fields)))
    return Document(fields, salts, commit(fields, salts))


@dataclass(frozen=True)
class Document:
    fields: tuple[tuple[str, str], ...]
    salts: tuple[bytes, ...]
    commitment: DocumentCommitment

    def opened(self, position: int) -> OpenedField:
        name, value = self.fields[position]
        return OpenedField(name, value, self.salts[position], self.commitment.path(position))

    def verifies(self, *opened: OpenedField, root: bytes | None = None) -> bool:
        """With the schema, as every verifier has it."""
        return verify_fields(root or self.commitment.root, [self.opened(0), *opened])


def test_a_root_without_attachments_is_what_it_was_before_there_were_any(commitment: DocumentCommitment) -> None:
    assert commitment.root.hex() == "df914b978a75cc6e226ce9ee86af701856f907ac9b051a3dfaecfc11c37f4ca1"


def test_every_field_opens(document: Document) -> None:
    opened = [document.opened(position) for position in range(len(document.fields))]
    assert all(field.path == document.commitment.path_to(field.name) for field in opened)
    assert all(document.verifies(field) for field in opened[1:])
    assert verify_fields(document.commitment.root, opened)


@given(data=st.data(), other=st.text())
def test_no_field_opens_with_another_value(document: Document, data: st.DataObject, other: str) -> None:
    field = document.opened(data.draw(st.integers(1, len(document.fields) - 1)))
    assert document.verifies(replace(field, value=other)) == (other == field.value)


@given(data=st.data())
def test_no_value_opens_under_another_name(document: Document, data: st.DataObject) -> None:
    field = document.opened(data.draw(st.integers(1, len(document.fields) - 1)))
    names = st.one_of(st.sampled_from([name for name, _ in document.fields[1:]]), st.text())
    name = data.draw(names.filter(lambda name: name != field.name))
    assert not document.verifies(replace(field, name=name))


def test_nothing_opens_without_the_schema_or_with_two_of_them(document: Document) -> None:
    root = document.commitment.root
    schema, number = document.opened(0), document.opened(3)
    assert verify_fields(root, [number, schema])
    assert not verify_fields(root, [number])
    assert not verify_fields(root, [schema, schema])
    assert not verify_fields(root, [])


@pytest.mark.parametrize(
    "schema", ["", "counterfoil/document/2", f"{SCHEMA}+0", f"{SCHEMA}+01", f"{SCHEMA}+21", f"{SCHEMA}+"]
)
def test_a_schema_that_is_not_ours_opens_nothing(schema: str) -> None:
    leaves = [leaf_hash(name="schema", value=schema, salt=SALTS[0])] + [bytes(32)] * (COUNT - 1)
    opened = OpenedField("schema", schema, SALTS[0], path_of(leaves, 0))
    assert not verify_fields(root_of(leaves), [opened])


def test_a_tree_made_to_be_read_in_two_shapes_opens_in_the_one_that_its_schema_says(make_invoice: Make) -> None:
    """Read as a document without attachments, the leaf of the last field is another than with seven of them."""
    attachments = [Attachment(f"{number}", bytes([number]) * 32, number) for number in range(7)]
    fields = document_fields(make_invoice(), document=b"", attachments=attachments)
    salts = new_salts(len(fields))
    leaves = list(commit(fields, salts).leaves)
    opened = OpenedField(*fields[COUNT - 1], salts[COUNT - 1], path_of(leaves, COUNT - 1))
    schema = OpenedField(*fields[0], salts[0], path_of(leaves, 0))
    assert verify_fields(root_of(leaves), [schema, opened])
    # The same leftmost leaf cannot also be the schema of a document without attachments.
    assert not verify_fields(root_of(leaves), [replace(schema, value=SCHEMA), opened])


def test_a_second_value_of_a_field_smuggled_into_another_leaf_does_not_open(document: Document) -> None:
    position = DOCUMENT_FIELDS.index("payment_terms")
    leaves = list(document.commitment.leaves)
    leaves[position] = leaf_hash(name="payable", value="999999.00", salt=document.salts[position])
    root, path = root_of(leaves), path_of(leaves, position)
    schema = replace(document.opened(0), path=path_of(leaves, 0))
    smuggled = OpenedField("payable", "999999.00", document.salts[position], path)
    assert verify_fields(root, [schema])
    assert not verify_fields(root, [schema, smuggled])


def test_hostile_openings_are_false_and_never_raise(document: Document) -> None:
    field = document.opened(3)
    assert document.verifies(field)
    assert not document.verifies(field, root=b"short")
    for change in (
        {"salt": b""},
        {"path": ()},
        {"path": (*field.path, field.path[0])},
        {"path": (b"short", *field.path[1:])},
        {"value": "\ud800"},
        {"name": "\ud800"},
        {"name": "attachment/0"},
        {"name": "attachment/21"},
        {"name": "attachment/\u0661"},
    ):
        assert not document.verifies(replace(field, **change))  # type: ignore[arg-type]  # values of several types


def test_an_attachment_commits_to_hash_size_and_name(make_invoice: Make) -> None:
    attachment = Attachment("7 lies.pdf", bytes(range(32)), 12)
    values = dict(document_fields(make_invoice(), document=b"", attachments=[attachment]))
    assert values["schema"] == f"{SCHEMA}+1"
    assert values["attachment/1"] == f"{bytes(range(32)).hex()} 12 7 lies.pdf"
    assert [attachments_of(schema_of(count)) for count in range(ATTACHMENTS_MAX + 1)] == [*range(ATTACHMENTS_MAX + 1)]


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
    for name in ("no such field", "attachment/1"):
        with pytest.raises(KeyError):
            commitment.path_to(name)
    with pytest.raises(ValueError, match="the schema is"):
        commit([*fields, ("attachment/1", "")], new_salts(COUNT + 1))
    with pytest.raises(ValueError, match="at most"):
        schema_of(ATTACHMENTS_MAX + 1)


def test_a_verifier_needs_no_xml_library() -> None:
    probe = "import sys, registry.documents.commitments, registry.documents.fingerprint; print('lxml' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "False"
