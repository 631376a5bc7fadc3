"""The document root: salted commitments to the fields of an invoice, each of which can be opened alone.

The root stands on chain; fields, salts and files stay off it. Whoever gets (name, value, salt, path) of a field can
check it against the root and learns nothing about the others; deleting the salts is erasure. Imports no XML library: a
verifier can use this module as it is. The hash formats are those of registry.domain.merkle.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from registry.documents.attachments import ATTACHMENTS_MAX, Attachment
from registry.documents.invoice import Invoice
from registry.documents.parties import Party, normal_number
from registry.domain.merkle import SALT_BYTES, leaf_hash, path_of, root_of, verify_path
from registry.domain.money import format_amount

SCHEMA: Final = "counterfoil/document/1"

DOCUMENT_FIELDS: Final = (
    "schema",
    "file_sha256",
    "format",
    "number",
    "number_normalised",
    "type_code",
    "issue_date",
    "due_date",
    "currency",
    "payable",
    "tax_inclusive",
    "prepaid",
    "seller_name",
    "seller_identity",
    "seller_country",
    "buyer_name",
    "buyer_identity",
    "buyer_country",
    "payee_name",
    "order_reference",
    "delivery_date",
    "payment_terms",
    "preceding_invoices",
)
"""Names in leaf order. Every document has every leaf, empty if the invoice does not say, and a name has one position,
so that nobody can commit to two values of one field and show either. Append nothing here: another list is another
SCHEMA.

Attachments follow, a leaf each, "attachment/1" first; their number is part of the value of "schema". That leaf is the
leftmost of the tree whatever the tree's shape, so the shape is known to whoever has opened it, and to nobody else.
"""

_POSITIONS: Final[Mapping[str, int]] = {name: index for index, name in enumerate(DOCUMENT_FIELDS)}
_ATTACHMENT: Final = re.compile(r"attachment/([1-9][0-9]?)")
_SCHEMA: Final = re.compile(re.escape(SCHEMA) + r"(?:\+([1-9][0-9]?))?")


@dataclass(frozen=True, slots=True)
class OpenedField:
    """One field shown to somebody: its leaf's 32-byte salt and the sibling hashes up to the root."""

    name: str
    value: str
    salt: bytes
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class DocumentCommitment:
    """Root (32 bytes) and leaf hashes, in the order of DOCUMENT_FIELDS with the attachments behind."""

    root: bytes
    leaves: tuple[bytes, ...]

    def path(self, index: int) -> tuple[bytes, ...]:
        """Sibling hashes of leaf `index`, bottom first."""
        return path_of(self.leaves, index)

    def path_to(self, name: str) -> tuple[bytes, ...]:
        """Sibling hashes of the leaf of a field, bottom first. KeyError for a name that this document does not have."""
        position = leaf_index(name, attachments=len(self.leaves) - len(DOCUMENT_FIELDS))
        if position is None:
            raise KeyError(name)
        return self.path(position)


def document_fields(
    invoice: Invoice, *, document: bytes, attachments: Sequence[Attachment] = ()
) -> tuple[tuple[str, str], ...]:
    """(name, value) in the order of DOCUMENT_FIELDS, then of the attachments; `document` is the original file.

    Amounts are decimal text, days ISO 8601, identities as str(PartyIdentity), an absent value is empty.
    Refuses: document_incomplete.
    """

    def amount(minor: int | None) -> str:
        return "" if minor is None else format_amount(minor, invoice.currency)

    values = {
        "schema": schema_of(len(attachments)),
        "file_sha256": hashlib.sha256(document).hexdigest(),
        "format": invoice.format,
        "number": invoice.number,
        "number_normalised": normal_number(invoice.number),
        "type_code": invoice.type_code,
        "issue_date": invoice.issue_date.isoformat(),
        "due_date": invoice.due_date.isoformat() if invoice.due_date else "",
        "currency": invoice.currency.code,
        "payable": amount(invoice.payable_minor),
        "tax_inclusive": amount(invoice.tax_inclusive_minor),
        "prepaid": amount(invoice.prepaid_minor),
        **_party_values("seller", invoice.seller, str(invoice.seller_identity)),
        **_party_values("buyer", invoice.buyer, str(invoice.buyer_identity)),
        "payee_name": invoice.payee.name if invoice.payee else "",
        "order_reference": invoice.order_reference or "",
        "delivery_date": invoice.delivery_date.isoformat() if invoice.delivery_date else "",
        "payment_terms": invoice.payment_terms or "",
        "preceding_invoices": "\n".join(invoice.preceding_invoices),
    }
    return (
        *((name, values[name]) for name in DOCUMENT_FIELDS),
        *attachment_fields(attachments),
    )


def schema_of(attachments: int) -> str:
    """The value of the field "schema" of a document with so many attachments."""
    if not 0 <= attachments <= ATTACHMENTS_MAX:
        raise ValueError(f"{attachments} attachments; at most {ATTACHMENTS_MAX} are committed to")
    return f"{SCHEMA}+{attachments}" if attachments else SCHEMA


def attachments_of(schema: str) -> int | None:
    """How many attachments a document of this schema has; None for a schema that is not ours."""
    match = _SCHEMA.fullmatch(schema)
    if match is None:
        return None
    attachments = int(match[1] or 0)
    return attachments if attachments <= ATTACHMENTS_MAX else None


def attachment_fields(attachments: Sequence[Attachment]) -> list[tuple[str, str]]:
    """(name, value) of the leaves of attachments."""
    return [(f"attachment/{number}", str(attachment)) for number, attachment in enumerate(attachments, start=1)]


def new_salts(count: int) -> tuple[bytes, ...]:
    """Fresh 32-byte salts from the operating system, one per field: never derived, or erasing one would not erase."""
    return tuple(secrets.token_bytes(SALT_BYTES) for _ in range(count))


def commit(fields: Sequence[tuple[str, str]], salts: Sequence[bytes]) -> DocumentCommitment:
    """Commitment to the fields, which must be as document_fields gives them, with one 32-byte salt each. Pure."""
    attachments = len(fields) - len(DOCUMENT_FIELDS)
    names = (*DOCUMENT_FIELDS, *(f"attachment/{number}" for number in range(1, attachments + 1)))
    if tuple(name for name, _ in fields) != names:
        raise ValueError("the fields are not DOCUMENT_FIELDS in order, with the attachments behind")
    if fields[0][1] != schema_of(attachments):
        raise ValueError(f"{attachments} attachments, and the schema is {fields[0][1]}")
    if len(set(salts)) != len(fields) or len(salts) != len(fields):
        raise ValueError(f"{len(fields)} fields need as many different salts")
    leaves = tuple(
        leaf_hash(name=name, value=value, salt=salt) for (name, value), salt in zip(fields, salts, strict=True)
    )
    return DocumentCommitment(root=root_of(leaves), leaves=leaves)


def verify_fields(root: bytes, opened: Sequence[OpenedField]) -> bool:
    """Whether the document under `root` (32 bytes) says all this. Never raises on hostile input.

    The schema must be among it: without it a tree made for the purpose could be read in two shapes.
    """
    schemas = [field.value for field in opened if field.name == "schema"]
    attachments = attachments_of(schemas[0]) if len(schemas) == 1 else None
    return attachments is not None and all(_verify(root, field, attachments=attachments) for field in opened)


def _verify(root: bytes, field: OpenedField, *, attachments: int) -> bool:
    position = leaf_index(field.name, attachments=attachments)
    if position is None or len(field.salt) != SALT_BYTES:
        return False
    try:
        leaf = leaf_hash(name=field.name, value=field.value, salt=field.salt)
    except UnicodeEncodeError:  # a lone surrogate, which JSON can carry and UTF-8 cannot
        return False
    count = len(DOCUMENT_FIELDS) + attachments
    return verify_path(root=root, leaf=leaf, index=position, count=count, path=field.path)


def leaf_index(name: str, *, attachments: int) -> int | None:
    """The index of a field's leaf in a document with so many attachments, or None if it has no such field."""
    match = _ATTACHMENT.fullmatch(name)
    if match is None:
        return _POSITIONS.get(name)
    number = int(match[1])
    return len(DOCUMENT_FIELDS) + number - 1 if number <= attachments else None


def _party_values(role: str, party: Party, identity: str) -> dict[str, str]:
    return {f"{role}_name": party.name, f"{role}_identity": identity, f"{role}_country": party.country or ""}
