"""The tables, in two groups that are never confused.

Mirrored tables (cursor, block, entry, quarantine, journal, receivable, certificate, member, order_freeze, parameter,
deposit_token, registry) are written by registry.mirror alone and can be thrown away: the chain's logs give them again.
Business tables (party, party_profile, invoice, invoice_attachment, trade_document, order_reference, bank_reference,
quote, relay_request, nonce_word, duplicate_attempt, reconciliation, attestation) hold what never goes on chain. What
accounts have in deposit tokens is in neither: no journal tells of it, and the token itself answers at the mirror's
block.

Nothing that only the clock decides is stored: whether a receivable is due, or an order in force, is asked of the dates
at the time of the mirror's block. Indexes end in what lists filter by besides, so that a page is found in the index.

Amounts and ranges are minor units (`_minor`; up to 2**64 - 1, hence numeric), instants of the chain are seconds (`_at`
on mirrored tables, as the entries hash them), own instants are timestamptz.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Dialect,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    SmallInteger,
    Table,
    Text,
    TypeDecorator,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Minor(TypeDecorator[int]):
    """Minor units: 0 to 2**64 - 1, more than bigint holds. Exact ints in Python, never floats."""

    impl = Numeric(20, 0)
    cache_ok = True

    def process_result_value(self, value: Decimal | None, dialect: Dialect) -> int | None:  # noqa: ARG002  (SQLAlchemy's signature)
        """numeric comes as Decimal; the column's scale is 0, so nothing is lost."""
        return None if value is None else int(value)


@dataclass(frozen=True, slots=True)
class SqlType:
    """What COPY's binary format and a cast to an array call a type."""

    copied: str
    array: str


_SQL_TYPES: dict[type[TypeEngine[Any]], SqlType] = {
    Minor: SqlType("numeric", "numeric[]"),
    BigInteger: SqlType("int8", "bigint[]"),
    Integer: SqlType("int4", "integer[]"),
    SmallInteger: SqlType("int2", "smallint[]"),
    LargeBinary: SqlType("bytea", "bytea[]"),
    Boolean: SqlType("bool", "boolean[]"),
}


def sql_types(table: str, columns: Iterable[str]) -> list[SqlType]:
    """The types of columns of a mirrored table."""
    return [_SQL_TYPES[type(metadata.tables[table].c[column].type)] for column in columns]


def _minor(name: str) -> Column[int]:
    """An amount or a bound of a range."""
    return Column(name, Minor, nullable=False)


# ------------------------------------------------------------------ mirrored

cursor = Table(
    "cursor",
    metadata,
    Column("id", SmallInteger, primary_key=True),
    Column("chain_id", BigInteger, nullable=False),
    Column("contract", LargeBinary, nullable=False),
    Column("block_number", BigInteger, nullable=False),
    Column("block_hash", LargeBinary, nullable=False),
    Column("block_at", BigInteger, nullable=False),
    Column("safe_block", BigInteger, nullable=False),
    Column("finalized_block", BigInteger, nullable=False),
    Column("checked_block", BigInteger, nullable=False),
    CheckConstraint("id = 1", name="single"),
    comment="How far the mirror has come. One row; moved only together with the entries it stands for. Up to "
    "`checked_block` the heads of journals with entries were compared with the contract's.",
)

block = Table(
    "block",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False, unique=True),
    Column("parent_hash", LargeBinary, nullable=False),
    Column("at", BigInteger, nullable=False),
    comment="Headers of the followed chain, to find the fork point after a reorg: those that are not final yet, and of "
    "the others those with entries and the ends of ranges.",
)

entry = Table(
    "entry",
    metadata,
    Column("journal_id", BigInteger, primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("block_hash", LargeBinary, nullable=False),
    Column("log_index", Integer, nullable=False),
    Column("block_number", BigInteger, nullable=False),
    Column("tx_hash", LargeBinary, nullable=False),
    Column("operation", SmallInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    _minor("start_minor"),
    _minor("end_minor"),
    Column("topics", LargeBinary, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("head", LargeBinary, nullable=False),
    Column("order_hash", LargeBinary),
    Column("quote_digest", LargeBinary),
    Index(None, "block_number"),
    Index("ix_entry_order", "order_hash", "journal_id", "position", postgresql_where=text("order_hash IS NOT NULL")),
    Index("ix_entry_quote", "quote_digest", postgresql_where=text("quote_digest IS NOT NULL")),
    Index("ix_entry_paid", "journal_id", "position", postgresql_where=text("operation = 20")),
    comment="The stored log: every journal entry as the node gave it. `head` is the journal's head after it, "
    "`order_hash` the order behind what officers did, `quote_digest` the quote behind a sale or a pledge.",
)

journal = Table(
    "journal",
    metadata,
    Column("journal_id", BigInteger, primary_key=True, autoincrement=False),
    Column("head", LargeBinary, nullable=False),
    Column("length", Integer, nullable=False),
    comment="Folded head of every journal; 0 is the registry's own.",
)

receivable = Table(
    "receivable",
    metadata,
    Column("receivable_id", BigInteger, primary_key=True, autoincrement=False),
    Column("status", SmallInteger, nullable=False),
    Column("originator", LargeBinary, nullable=False),
    Column("debtor", LargeBinary, nullable=False),
    _minor("face_minor"),
    Column("due_at", BigInteger, nullable=False),
    Column("currency", SmallInteger, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("document_root", LargeBinary, nullable=False),
    Column("registered_at", BigInteger, nullable=False),
    _minor("claim_face_minor"),
    Column("claim_due_at", BigInteger, nullable=False),
    Column("answer_by", BigInteger, nullable=False),
    Column("offered_face_minor", Minor),
    Column("offered_due_at", BigInteger),
    Column("offered_at", BigInteger),
    Column("answered_at", BigInteger, nullable=False),
    Column("refusal_reason", SmallInteger, nullable=False),
    Column("front_endorsed", Boolean, nullable=False),
    _minor("paid_minor"),
    _minor("cancelled_minor"),
    _minor("senior_minor"),
    Column("disputed", Boolean, nullable=False),
    Column("dishonoured", Boolean, nullable=False),
    _minor("claimed_minor"),
    _minor("redeemed_minor"),
    Column("in_clearing", Boolean, nullable=False),
    Index("ix_receivable_debtor", "debtor", "receivable_id", "status", "currency"),
    Index("ix_receivable_originator", "originator", "receivable_id", "status", "currency"),
    Index("ix_receivable_status", "status", "receivable_id"),
    Index("ix_receivable_currency", "currency", "receivable_id", "status"),
    Index("ix_receivable_due", "due_at", "receivable_id", "status", "currency"),
    Index("ix_receivable_debtor_due", "debtor", "due_at", "receivable_id", "status", "currency"),
    Index("ix_receivable_originator_due", "originator", "due_at", "receivable_id", "status", "currency"),
    Index("ix_receivable_registered", "registered_at", "receivable_id"),
    Index("ix_receivable_waiting", "debtor", "answer_by", "receivable_id", postgresql_where=text("status = 1")),
    # Years of what was paid must not lie between a list and what is owed.
    Index("ix_receivable_owed", "due_at", "receivable_id", "currency", postgresql_where=text("status = 2")),
    Index(
        "ix_receivable_debtor_owed",
        "debtor",
        "due_at",
        "receivable_id",
        "currency",
        "face_minor",
        "cancelled_minor",
        "paid_minor",
        "senior_minor",
        "disputed",
        postgresql_where=text("status = 2"),
    ),
    Index("ix_receivable_in_clearing", "receivable_id", "status", postgresql_where=text("in_clearing")),
    Index("ix_receivable_disputed", "receivable_id", postgresql_where=text("disputed")),
    Index("ix_receivable_dishonoured", "debtor", "currency", "receivable_id", postgresql_where=text("dishonoured")),
    Index(None, "fingerprint"),
    Index(None, "document_root"),
    comment="Projection: the folded state of each receivable. `face_minor` and `due_at` are the terms in force, "
    "`claim_` what was claimed; `answer_by` is on the registry's clock, which stands still during pauses. Credit notes "
    "took [0, cancelled) away; payments go first to [senior, face), 0 for no such bound. `claimed_minor` of what was "
    "paid is paid out; `redeemed_minor` is the length of the certificates that are no more because they were paid. "
    "`in_clearing`: certificates are left, and something of it is paid or in dispute, or it is closed.",
)

certificate = Table(
    "certificate",
    metadata,
    Column("receivable_id", BigInteger, primary_key=True, autoincrement=False),
    Column("start_minor", Minor, primary_key=True, autoincrement=False),
    _minor("end_minor"),
    Column("holder", LargeBinary, nullable=False),
    Column("since_position", Integer, nullable=False),
    Column("debtor", LargeBinary, nullable=False),
    Column("currency", SmallInteger, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("lien_financier", LargeBinary),
    Column("lien_secured_minor", Minor),
    Column("lien_position", Integer),
    Column("recourse_seller", LargeBinary),
    Column("recourse_amount_minor", Minor),
    Column("recourse_demanded", Boolean),
    _minor("claimed_minor"),
    Index("ix_certificate_holder", "holder", "receivable_id", "start_minor", "debtor", "currency"),
    Index(
        "ix_certificate_holder_due",
        "holder",
        "due_at",
        "receivable_id",
        "start_minor",
        "end_minor",
        "debtor",
        "currency",
        "lien_secured_minor",
        "claimed_minor",
    ),
    *(
        Index(
            f"ix_certificate_{name}",
            *key,
            "receivable_id",
            "start_minor",
            "debtor",
            "currency",
            postgresql_where=text(f"{column} IS NOT NULL"),
        )
        for name, key, column in (
            ("lien", ["lien_financier"], "lien_financier"),
            ("lien_due", ["lien_financier", "due_at"], "lien_financier"),
            ("pledged", ["holder"], "lien_financier"),
            ("recourse", ["recourse_seller"], "recourse_seller"),
            ("returnable", ["holder"], "recourse_seller"),
        )
    ),
    comment="Projection: the live certificates, a disjoint cover of every confirmed receivable but for what was paid "
    "out or credited. Debtor, currency and due date are the receivable's: they cannot change once it is confirmed, and "
    "a holder's book is asked by them. A lien's financier is paid first, up to what it secures; a sale with recourse "
    "names who takes the certificate back, and for how much.",
)

member = Table(
    "member",
    metadata,
    Column("address", LargeBinary, primary_key=True),
    Column("status", SmallInteger, nullable=False),
    Column("kyc_expiry_at", BigInteger, nullable=False),
    Column("roles", BigInteger, nullable=False),
    Column("profile", LargeBinary, nullable=False),
    Column("admitted_at", BigInteger, nullable=False),
    Column("suspension_reason", SmallInteger, nullable=False),
    comment="Projection: the folded state of R-0, one row per member.",
)

order_freeze = Table(
    "order_freeze",
    metadata,
    Column("scope", SmallInteger, primary_key=True, autoincrement=False),
    Column("receivable_id", BigInteger, primary_key=True, autoincrement=False),
    Column("start_minor", Minor, primary_key=True, autoincrement=False),
    Column("member", LargeBinary, primary_key=True),
    Column("order_hash", LargeBinary, primary_key=True),
    _minor("end_minor"),
    Column("expiry_at", BigInteger, nullable=False),
    Column("since_at", BigInteger, nullable=False),
    Index("ix_order_freeze_expiry", "expiry_at", "scope", "receivable_id", "start_minor", "member", "order_hash"),
    Index(None, "order_hash"),
    comment="Projection: the orders on certificates (scope 1), receivables (2) and members (3), expired ones too while "
    "the contract keeps them. Zeros and an empty member stand for what the scope has not.",
)

parameter = Table(
    "parameter",
    metadata,
    Column("parameter", SmallInteger, primary_key=True, autoincrement=False),
    Column("effective_at", BigInteger, primary_key=True, autoincrement=False),
    Column("value", BigInteger, nullable=False),
    Column("set_at", BigInteger, nullable=False),
    comment="Projection: the values of each parameter with the instant from which each holds, past and to come.",
)

deposit_token = Table(
    "deposit_token",
    metadata,
    Column("currency", SmallInteger, primary_key=True, autoincrement=False),
    Column("token", LargeBinary, nullable=False),
    comment="Projection: the token in which a currency's deposits lie.",
)

registry = Table(
    "registry",
    metadata,
    Column("id", SmallInteger, primary_key=True),
    Column("paused_since", BigInteger, nullable=False),
    Column("paused_seconds", BigInteger, nullable=False),
    Column("rules", LargeBinary, nullable=False),
    Column("descriptor", LargeBinary, nullable=False),
    Column("sunset_at", BigInteger, nullable=False),
    Column("desk", LargeBinary, nullable=False),
    CheckConstraint("id = 1", name="single"),
    comment="Projection: the registry's own switches. One row; 0 for no pause and no sunset, zeros for no contract.",
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("journal_id", BigInteger, primary_key=True, autoincrement=False),
    Column("block_number", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("since", DateTime(timezone=True), nullable=False, server_default=func.now()),
    comment="Journals that the node does not tell as the contract has them. Their rows stand where they were last "
    "right; the others go on.",
)

PROJECTIONS: tuple[Table, ...] = (
    journal,
    receivable,
    certificate,
    member,
    order_freeze,
    parameter,
    deposit_token,
    registry,
)
"""What rebuild drops and writes again, and what the digest covers."""

# ------------------------------------------------------------------ business

_now = func.now()

party = Table(
    "party",
    metadata,
    Column("address", LargeBinary, primary_key=True),
    Column("handle", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("identity", Text, unique=True),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=_now),
    comment="Who stands behind an address. `identity` is the canonical party identity of DOMAIN rule 3; the member's "
    "profile on chain is the salted hash of name and identity.",
)

party_profile = Table(
    "party_profile",
    metadata,
    Column("profile", LargeBinary, primary_key=True),
    Column("address", LargeBinary, nullable=False),
    Column("name", Text, nullable=False),
    Column("identity", Text),
    Column("salt", LargeBinary, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=_now),
    Index(None, "address"),
    comment="What a profile in R-0 commits to, with its salt: one row per profile, inserted before the admission is "
    "sent and never updated.",
)

invoice = Table(
    "invoice",
    metadata,
    Column("document_root", LargeBinary, primary_key=True),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("originator", LargeBinary, nullable=False),
    Column("debtor", LargeBinary, nullable=False),
    Column("number", Text, nullable=False),
    Column("number_key", Text, nullable=False),
    Column("type_code", Text, nullable=False),
    Column("format", Text, nullable=False),
    Column("issue_date", Date, nullable=False),
    Column("due_date", Date),
    Column("currency", SmallInteger, nullable=False),
    _minor("payable_minor"),
    Column("file_name", Text, nullable=False),
    Column("file_sha256", LargeBinary, nullable=False),
    Column("fields", JSONB, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=_now),
    Index(None, "fingerprint"),
    Index(None, "file_sha256"),
    Index("ix_invoice_pair_day", "originator", "debtor", "issue_date"),
    Index("ix_invoice_pair_amount", "originator", "debtor", "payable_minor", "issue_date"),
    Index("ix_invoice_number_key", "number_key", "issue_date"),
    comment="The invoice behind a document root. `fields` is the list of [name, value, salt hex] that the root commits "
    "to; written before the registration is sent, so that no root on chain lacks its salts. `number_key` is what stays "
    "of the number however it is spaced or padded: with it near-duplicates are found.",
)

invoice_attachment = Table(
    "invoice_attachment",
    metadata,
    Column("document_root", LargeBinary, primary_key=True),
    Column("position", SmallInteger, primary_key=True, autoincrement=False),
    Column("file_name", Text, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("salt", LargeBinary, nullable=False),
    Index(None, "sha256"),
    ForeignKeyConstraint(["document_root"], ["invoice.document_root"], ondelete="CASCADE"),
    comment="The files beside an invoice, delivery notes for instance: the leaves of its root behind `fields`, from 1. "
    "Erasing the row erases what the leaf says.",
)

trade_document = Table(
    "trade_document",
    metadata,
    Column("document", LargeBinary, primary_key=True),
    Column("file_name", Text, nullable=False),
    Column("bytes", Integer, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=_now),
    comment="Name of the trade document behind the hash in a split or endorsement.",
)

order_reference = Table(
    "order_reference",
    metadata,
    Column("order_hash", LargeBinary, primary_key=True),
    Column("authority", Text, nullable=False),
    Column("number", Text, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=_now),
    comment="The authority and the number behind the hash that an order is named by on chain.",
)

bank_reference = Table(
    "bank_reference",
    metadata,
    Column("reference_hash", LargeBinary, primary_key=True),
    Column("text", Text, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=_now),
    comment="What the bank's books call a deposit or a payout, behind the hash that the deposit token knows it by.",
)

quote = Table(
    "quote",
    metadata,
    Column("quote_id", BigInteger, primary_key=True),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("desk", LargeBinary, nullable=False),
    Column("financier", LargeBinary, nullable=False),
    Column("holder", LargeBinary, nullable=False),
    Column("receivable_id", BigInteger, nullable=False),
    _minor("start_minor"),
    _minor("end_minor"),
    _minor("cut_minor"),
    Column("kind", SmallInteger, nullable=False),
    Column("token", LargeBinary, nullable=False),
    _minor("price_minor"),
    _minor("amount_minor"),
    Column("anchor", LargeBinary, nullable=False),
    Column("nonce", LargeBinary, nullable=False),
    Column("expiry_at", BigInteger, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("offered_at", DateTime(timezone=True), nullable=False, server_default=_now),
    Column("withdrawn_at", DateTime(timezone=True)),
    Index("ix_quote_holder", "holder", "quote_id"),
    Index("ix_quote_financier", "financier", "quote_id"),
    Index("ix_quote_receivable", "receivable_id", "quote_id"),
    comment="What financiers offer for certificates, signed; only the holder who may accept sees it (DOMAIN rule 14). "
    "Whether it was accepted is not written here: the entry of the sale or the pledge has its digest.",
)

relay_request = Table(
    "relay_request",
    metadata,
    Column("idempotency_key", Text, primary_key=True),
    Column("input_sha256", LargeBinary, nullable=False),
    Column("running_until", DateTime(timezone=True), nullable=False),
    Column("tx_hash", LargeBinary),
    Column("outcome", JSONB),
    Column("begun_at", DateTime(timezone=True), nullable=False, server_default=_now),
    comment="Signed operations that were to be relayed, by the key of the request. `tx_hash` is kept before the "
    "transaction leaves, `outcome` once it is known. A request that was refused leaves no row: it may be tried again.",
)

nonce_word = Table(
    "nonce_word",
    metadata,
    Column("signer", LargeBinary, primary_key=True),
    Column("word", LargeBinary, nullable=False),
    Column("given", SmallInteger, nullable=False),
    comment="From which word of 256 nonces a signer's next signature takes its own, and how many it has given. A word "
    "is drawn at random, so two registries' databases do not give the same nonce.",
)

duplicate_attempt = Table(
    "duplicate_attempt",
    metadata,
    Column("attempt_id", BigInteger, primary_key=True),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("originator", LargeBinary, nullable=False),
    Column("receivable_id", BigInteger, nullable=False),
    Column("code", Text, nullable=False),
    Column("file_name", Text, nullable=False),
    Column("attempted_at", DateTime(timezone=True), nullable=False, server_default=_now),
    Index(None, "fingerprint"),
    comment="Second registrations that were refused (DOMAIN rule 3).",
)

claim_question = Table(
    "claim_question",
    metadata,
    Column("question_id", BigInteger, primary_key=True),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("matches", JSONB, nullable=False),
    Column("block_number", BigInteger, nullable=False),
    Column("asked_at", DateTime(timezone=True), nullable=False, server_default=_now),
    Index(None, "fingerprint"),
    comment="Which claims were asked about before they were financed: the keyed hash of each, what was answered at "
    "which block, and no word of the invoice. `matches` is the list of [match, reasons], empty if nothing was known.",
)

reconciliation = Table(
    "reconciliation",
    metadata,
    Column("reconciliation_id", BigInteger, primary_key=True),
    Column("block_number", BigInteger, nullable=False),
    Column("block_hash", LargeBinary, nullable=False),
    Column("deep", Boolean, nullable=False),
    Column("compared", BigInteger, nullable=False),
    Column("differences", JSONB, nullable=False),
    Column("finished_at", DateTime(timezone=True), nullable=False, server_default=_now),
    Column("seconds", Double, nullable=False, server_default=text("0")),
    Index(None, "deep", "reconciliation_id"),
    comment="The record of every comparison of SQL with the chain.",
)

attestation = Table(
    "attestation",
    metadata,
    Column("chain_id", BigInteger, primary_key=True, autoincrement=False),
    Column("contract", LargeBinary, primary_key=True),
    Column("witness", LargeBinary, primary_key=True),
    Column("block_number", BigInteger, primary_key=True, autoincrement=False),
    Column("block_hash", LargeBinary, primary_key=True),
    Column("signature", LargeBinary, nullable=False),
    Column("received_at", DateTime(timezone=True), nullable=False, server_default=_now),
    Index(None, "block_number"),
    comment="What witnesses signed of block headers: by chain and registry, as one database may outlive a dev chain. "
    "Two hashes of one witness at one height are both kept: they are the evidence.",
)
