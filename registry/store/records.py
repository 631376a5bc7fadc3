"""Writes to the business tables: what the registry keeps off chain. Never a mirrored table."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from registry.domain.identifiers import Address
from registry.domain.orders import bank_reference_hash, order_hash
from registry.store.tables import (
    attestation,
    bank_reference,
    claim_question,
    duplicate_attempt,
    invoice,
    invoice_attachment,
    order_reference,
    party,
    party_profile,
    quote,
    trade_document,
)

HANDLE_LETTERS_MAX = 32

_OFFICIALS = frozenset({"operator", "settlement-bank", "regulator", "officer-one", "officer-two", "registry", "desk"})

_LEGAL_FORMS = frozenset(
    re.split(
        " ", "gmbh ag kg ug ohg se sa sas sarl srl spa bv nv ab as asa oy oyj aps ltd limited plc llc inc corp co kk"
    )
)


def is_handle(text: str) -> bool:
    """Whether a party can be called so: a word that means nothing else, and looks like nothing else.

    In normal form and lower case, and of one script where it has Latin letters: with a Cyrillic letter in it,
    "operator" would read as a name that it is not.
    """
    if re.fullmatch(r"[^\W_][\w.-]{0,63}", text) is None or text != unicodedata.normalize("NFKC", text).casefold():
        return False
    scripts = {unicodedata.name(char, "").partition(" ")[0] for char in text if char.isalpha()}
    return not _is_reserved(text) and ("LATIN" not in scripts or scripts == {"LATIN"})


def _is_reserved(text: str) -> bool:
    """Names of officials, of registry and desk, of dev accounts, and what looks like an address."""
    return text in _OFFICIALS or re.fullmatch(r"dev[0-9]+|0x.*", text) is not None


def free_handle(connection: Connection, name: str) -> str:
    """A short handle for a party that nobody has yet: the first words of its name, in Latin letters if it has any."""
    latin = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    words = _words(latin) or _words(unicodedata.normalize("NFKC", name))
    base = "-".join(words[:2])[:HANDLE_LETTERS_MAX].strip("-") or "party"
    if base.startswith("0x"):
        base = f"party-{base}"
    taken = set(connection.execute(select(party.c.handle).where(party.c.handle.startswith(base))).scalars())
    number = 1
    handle = base
    while handle in taken or _is_reserved(handle):
        number += 1
        handle = f"{base}-{number}"
    return handle


def _words(name: str) -> list[str]:
    """The words of a name in lower case without its legal form; Chinese, written without blanks, is one word."""
    found = re.findall(r"[^\W_]+", name.lower().replace(".", ""))
    words = [re.sub("(股份)?有限(责任)?公司$", "", word) for word in found if word not in _LEGAL_FORMS]
    return [word for word in words if word]


def save_profile(
    connection: Connection, *, profile: bytes, address: Address, name: str, identity: str | None, salt: bytes
) -> None:
    """Keep what a profile on chain commits to. Never changed: whichever admission wins, its salt is here."""
    connection.execute(
        insert(party_profile).values(profile=profile, address=address, name=name, identity=identity, salt=salt)
    )


def forget_profile(connection: Connection, *, profile: bytes) -> None:
    """Undo save_profile where the contract refused the admission."""
    connection.execute(delete(party_profile).where(party_profile.c.profile == profile))


def save_party(connection: Connection, *, address: Address, handle: str, name: str, identity: str | None) -> None:
    """Keep who stands behind an address; a party that is known already gets the new handle, name and identity."""
    values = {"handle": handle, "name": name, "identity": identity}
    connection.execute(
        upsert(party)
        .values(address=address, **values)
        .on_conflict_do_update(index_elements=[party.c.address], set_=values)
    )


def forget_party(connection: Connection, *, address: Address) -> None:
    """Undo save_party where the contract refused the admission."""
    connection.execute(delete(party).where(party.c.address == address))


def save_invoice(
    connection: Connection,
    *,
    document_root: bytes,
    fingerprint: bytes,
    originator: Address,
    debtor: Address,
    number: str,
    number_key: str,
    type_code: str,
    format: str,
    issue_date: date,
    due_date: date | None,
    currency: int,
    payable_minor: int,
    file_name: str,
    file_sha256: bytes,
    fields: Sequence[tuple[str, str, bytes]],
    attachments: Sequence[tuple[str, bytes, int, bytes]] = (),
) -> None:
    """Keep the invoice behind a document root, with its salts.

    `fields` are (name, value, salt), `attachments` (file name, SHA-256, size in bytes, salt).
    """
    connection.execute(
        insert(invoice).values(
            document_root=document_root,
            fingerprint=fingerprint,
            originator=originator,
            debtor=debtor,
            number=number,
            number_key=number_key,
            type_code=type_code,
            format=format,
            issue_date=issue_date,
            due_date=due_date,
            currency=currency,
            payable_minor=payable_minor,
            file_name=file_name,
            file_sha256=file_sha256,
            fields=[[name, value, salt.hex()] for name, value, salt in fields],
        )
    )
    if attachments:
        connection.execute(
            insert(invoice_attachment),
            [
                {
                    "document_root": document_root,
                    "position": position,
                    "file_name": attached_name,
                    "sha256": sha256,
                    "size_bytes": size_bytes,
                    "salt": salt,
                }
                for position, (attached_name, sha256, size_bytes, salt) in enumerate(attachments, start=1)
            ],
        )


def forget_invoice(connection: Connection, *, document_root: bytes) -> None:
    """Undo save_invoice, attachments and all: the contract refused the registration, or its owner erases it."""
    connection.execute(delete(invoice).where(invoice.c.document_root == document_root))


def save_trade_document(connection: Connection, *, document: bytes, file_name: str, length_bytes: int) -> None:
    """Keep the name of a trade document; the same document twice is one row."""
    connection.execute(
        upsert(trade_document)
        .values(document=document, file_name=file_name, bytes=length_bytes)
        .on_conflict_do_nothing()
    )


def save_order_reference(connection: Connection, *, authority: str, number: str) -> bytes:
    """Keep what the hash of an order stands for; the hash. ValueError where one of the two is empty."""
    named = order_hash(authority=authority, number=number)
    connection.execute(
        upsert(order_reference)
        .values(order_hash=named, authority=authority.strip(), number=number.strip())
        .on_conflict_do_nothing()
    )
    return named


def forget_order_reference(connection: Connection, *, order_hash: bytes) -> None:
    """Undo save_order_reference where nothing was done under the order."""
    connection.execute(delete(order_reference).where(order_reference.c.order_hash == order_hash))


def save_bank_reference(connection: Connection, text: str) -> bytes:
    """Keep what the hash of a bank's booking stands for; the hash. ValueError where the text is no name."""
    named = bank_reference_hash(text)
    connection.execute(upsert(bank_reference).values(reference_hash=named, text=text.strip()).on_conflict_do_nothing())
    return named


def forget_bank_reference(connection: Connection, *, reference_hash: bytes) -> None:
    """Undo save_bank_reference where the bank booked nothing under it."""
    connection.execute(delete(bank_reference).where(bank_reference.c.reference_hash == reference_hash))


def save_quote(
    connection: Connection,
    *,
    digest: bytes,
    desk: Address,
    financier: Address,
    holder: Address,
    receivable_id: int,
    start_minor: int,
    end_minor: int,
    cut_minor: int,
    kind: int,
    token: Address,
    price_minor: int,
    amount_minor: int,
    anchor: bytes,
    nonce: int,
    expiry_at: int,
    signature: bytes,
    offered_at: datetime,
) -> None:
    """Keep a quote signed for a desk, as contracts/interfaces/IFinancingDesk.sol has it; the same twice is one row.

    Amounts in minor units, `expiry_at` in seconds, `kind` 1 for a sale and 2 for a pledge.
    """
    connection.execute(
        upsert(quote)
        .values(
            digest=digest,
            desk=desk,
            financier=financier,
            holder=holder,
            receivable_id=receivable_id,
            start_minor=start_minor,
            end_minor=end_minor,
            cut_minor=cut_minor,
            kind=kind,
            token=token,
            price_minor=price_minor,
            amount_minor=amount_minor,
            anchor=anchor,
            nonce=nonce.to_bytes(32),
            expiry_at=expiry_at,
            signature=signature,
            offered_at=offered_at,
        )
        .on_conflict_do_nothing(index_elements=[quote.c.digest])
    )


def withdraw_quote(connection: Connection, *, digest: bytes, financier: Address) -> bool:
    """Keep that the financier takes its quote back; False where it has no such quote, or did so before.

    Here only: the signature counts until its nonce is given up at the desk, or the quote expires.
    """
    withdrawn = connection.execute(
        update(quote)
        .where(quote.c.digest == digest, quote.c.financier == financier, quote.c.withdrawn_at.is_(None))
        .values(withdrawn_at=func.now())
    )
    return withdrawn.rowcount == 1


def save_duplicate_attempt(
    connection: Connection, *, fingerprint: bytes, originator: Address, receivable_id: int, code: str, file_name: str
) -> None:
    """Record a second registration that was refused (DOMAIN rule 3)."""
    connection.execute(
        insert(duplicate_attempt).values(
            fingerprint=fingerprint,
            originator=originator,
            receivable_id=receivable_id,
            code=code,
            file_name=file_name,
        )
    )


def save_claim_question(
    connection: Connection, *, fingerprint: bytes, matches: Sequence[tuple[str, Sequence[str]]], block_number: int
) -> None:
    """Record that a claim was asked about, and the match and reasons of each finding that was answered."""
    connection.execute(
        insert(claim_question).values(
            fingerprint=fingerprint,
            matches=[[match, list(reasons)] for match, reasons in matches],
            block_number=block_number,
        )
    )


def save_attestation(
    connection: Connection,
    *,
    chain_id: int,
    contract: Address,
    witness: Address,
    block_number: int,
    block_hash: bytes,
    signature: bytes,
) -> None:
    """Keep a witness's signature of a header; the same header twice is one row."""
    connection.execute(
        upsert(attestation)
        .values(
            chain_id=chain_id,
            contract=contract,
            witness=witness,
            block_number=block_number,
            block_hash=block_hash,
            signature=signature,
        )
        .on_conflict_do_nothing()
    )
