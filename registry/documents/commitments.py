"""The document root: salted commitments to the fields of an invoice, each of which can be opened alone.

The root stands on chain; fields, salts and file stay off it. Whoever gets (name, value, salt, path) can check one field
against the root and learns nothing about the others; deleting the salts is erasure. Imports no XML library: a verifier
can use this module as it is. The hash formats are those of registry.domain.merkle.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

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
"""Names in leaf order. Every document has every leaf, empty if the invoice does not say: the number of leaves tells
nothing, and a name has one position, so that nobody can commit to two values of one field and show either. Append
nothing here: another list is another SCHEMA."""

_POSITIONS: Final[Mapping[str, int]] = {name: index for index, name in enumerate(DOCUMENT_FIELDS)}


@dataclass(frozen=True, slots=True)
class DocumentCommitment:
    """Root (32 bytes) and leaf hashes in the order of DOCUMENT_FIELDS."""

    root: bytes
    leaves: tuple[bytes, ...]

    def path(self, index: int) -> tuple[bytes, ...]:
        """Sibling hashes of leaf `index`, bottom first."""
        return path_of(self.leaves, index)

    def path_to(self, name: str) -> tuple[bytes, ...]:
        """Sibling hashes of the leaf of a field, bottom first. KeyError for a name that is not in DOCUMENT_FIELDS."""
        return self.path(_POSITIONS[name])


def document_fields(invoice: Invoice, *, document: bytes) -> tuple[tuple[str, str], ...]:
    """(name, value) in the order of DOCUMENT_FIELDS; `document` is the original file.

    Amounts are decimal text, days ISO 8601, identities as str(PartyIdentity), an absent value is empty.
    Refuses: document_incomplete.
    """

    def amount(minor: int | None) -> str:
        return "" if minor is None else format_amount(minor, invoice.currency)

    values = {
        "schema": SCHEMA,
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
    return tuple((name, values[name]) for name in DOCUMENT_FIELDS)


def new_salts(count: int) -> tuple[bytes, ...]:
    """Fresh 32-byte salts from the operating system, one per field: never derived, or erasing one would not erase."""
    return tuple(secrets.token_bytes(SALT_BYTES) for _ in range(count))


def commit(fields: Sequence[tuple[str, str]], salts: Sequence[bytes]) -> DocumentCommitment:
    """Commitment to the fields, which must be DOCUMENT_FIELDS in order, with one 32-byte salt each. Pure."""
    if tuple(name for name, _ in fields) != DOCUMENT_FIELDS:
        raise ValueError("the fields are not DOCUMENT_FIELDS in order")
    if len(set(salts)) != len(fields) or len(salts) != len(fields):
        raise ValueError(f"{len(fields)} fields need as many different salts")
    leaves = tuple(
        leaf_hash(name=name, value=value, salt=salt) for (name, value), salt in zip(fields, salts, strict=True)
    )
    return DocumentCommitment(root=root_of(leaves), leaves=leaves)


def verify_field(*, root: bytes, name: str, value: str, salt: bytes, path: Sequence[bytes]) -> bool:
    """Whether the document under `root` (32 bytes) says `value` for the field `name`. Never raises on hostile input."""
    position = _POSITIONS.get(name)
    if position is None or len(salt) != SALT_BYTES:
        return False
    try:
        leaf = leaf_hash(name=name, value=value, salt=salt)
    except UnicodeEncodeError:  # a lone surrogate, which JSON can carry and UTF-8 cannot
        return False
    return verify_path(root=root, leaf=leaf, index=position, count=len(DOCUMENT_FIELDS), path=path)


def _party_values(role: str, party: Party, identity: str) -> dict[str, str]:
    return {f"{role}_name": party.name, f"{role}_identity": identity, f"{role}_country": party.country or ""}
