"""Mirrored and business tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "block",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("parent_hash", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_block")),
        sa.UniqueConstraint("hash", name=op.f("uq_block_hash")),
        comment="Headers of the followed chain, to find the fork point after a reorg.",
    )
    op.create_table(
        "certificate",
        sa.Column("receivable_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("start_minor", sa.Numeric(precision=20, scale=0), autoincrement=False, nullable=False),
        sa.Column("end_minor", sa.Numeric(precision=20, scale=0), nullable=False),
        sa.Column("holder", sa.LargeBinary(), nullable=False),
        sa.Column("since_position", sa.Integer(), nullable=False),
        sa.Column("debtor", sa.LargeBinary(), nullable=False),
        sa.Column("currency", sa.SmallInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("receivable_id", "start_minor", name=op.f("pk_certificate")),
        comment="Projection: the live certificates, a disjoint cover of every confirmed receivable. Debtor, "
        "currency and due date are the receivable's: they cannot change once it is confirmed, and a "
        "holder's book is asked by them.",
    )
    op.create_index(
        "ix_certificate_holder",
        "certificate",
        ["holder", "receivable_id", "start_minor", "debtor", "currency"],
        unique=False,
    )
    op.create_index(
        "ix_certificate_holder_due",
        "certificate",
        ["holder", "due_at", "receivable_id", "start_minor", "end_minor", "debtor", "currency"],
        unique=False,
    )
    op.create_table(
        "cursor",
        sa.Column("id", sa.SmallInteger(), nullable=False),
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("contract", sa.LargeBinary(), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("block_hash", sa.LargeBinary(), nullable=False),
        sa.Column("block_at", sa.BigInteger(), nullable=False),
        sa.Column("safe_block", sa.BigInteger(), nullable=False),
        sa.Column("finalized_block", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_cursor_single")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cursor")),
        comment="How far the mirror has come. One row; moved only together with the entries it stands for.",
    )
    op.create_table(
        "duplicate_attempt",
        sa.Column("attempt_id", sa.BigInteger(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("originator", sa.LargeBinary(), nullable=False),
        sa.Column("receivable_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("attempted_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("attempt_id", name=op.f("pk_duplicate_attempt")),
        comment="Second registrations that were refused (DOMAIN rule 3).",
    )
    op.create_index(op.f("ix_duplicate_attempt_fingerprint"), "duplicate_attempt", ["fingerprint"], unique=False)
    op.create_table(
        "invoice",
        sa.Column("document_root", sa.LargeBinary(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("originator", sa.LargeBinary(), nullable=False),
        sa.Column("debtor", sa.LargeBinary(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("type_code", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("issue_date", sa.Date(), nullable=False),
        sa.Column("due_date", sa.Date(), nullable=True),
        sa.Column("currency", sa.SmallInteger(), nullable=False),
        sa.Column("payable_minor", sa.Numeric(precision=20, scale=0), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("file_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("fields", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("document_root", name=op.f("pk_invoice")),
        comment="The invoice behind a document root. `fields` is the list of [name, value, salt hex] that the "
        "root commits to; written before the registration is sent, so that no root on chain lacks its "
        "salts.",
    )
    op.create_index(op.f("ix_invoice_file_sha256"), "invoice", ["file_sha256"], unique=False)
    op.create_index(op.f("ix_invoice_fingerprint"), "invoice", ["fingerprint"], unique=False)
    op.create_table(
        "journal",
        sa.Column("journal_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("head", sa.LargeBinary(), nullable=False),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("journal_id", name=op.f("pk_journal")),
        comment="Folded head of every journal; 0 is the registry's own.",
    )
    op.create_table(
        "member",
        sa.Column("address", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("kyc_expiry_at", sa.BigInteger(), nullable=False),
        sa.Column("roles", sa.BigInteger(), nullable=False),
        sa.Column("profile", sa.LargeBinary(), nullable=False),
        sa.Column("admitted_at", sa.BigInteger(), nullable=False),
        sa.Column("suspension_reason", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("address", name=op.f("pk_member")),
        comment="Projection: the folded state of R-0, one row per member.",
    )
    op.create_table(
        "nonce_word",
        sa.Column("signer", sa.LargeBinary(), nullable=False),
        sa.Column("word", sa.LargeBinary(), nullable=False),
        sa.Column("given", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("signer", name=op.f("pk_nonce_word")),
        comment="From which word of 256 nonces a signer's next signature takes its own, and how many it has given. "
        "A word is drawn at random, so two registries' databases do not give the same nonce.",
    )
    op.create_table(
        "order_freeze",
        sa.Column("scope", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("receivable_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("start_minor", sa.Numeric(precision=20, scale=0), autoincrement=False, nullable=False),
        sa.Column("member", sa.LargeBinary(), nullable=False),
        sa.Column("order_hash", sa.LargeBinary(), nullable=False),
        sa.Column("end_minor", sa.Numeric(precision=20, scale=0), nullable=False),
        sa.Column("expiry_at", sa.BigInteger(), nullable=False),
        sa.Column("since_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "scope", "receivable_id", "start_minor", "member", "order_hash", name=op.f("pk_order_freeze")
        ),
        comment="Projection: the orders on certificates (scope 1), receivables (2) and members (3), expired ones "
        "too while the contract keeps them. Zeros and an empty member stand for what the scope has not.",
    )
    op.create_index(
        "ix_order_freeze_expiry",
        "order_freeze",
        ["expiry_at", "scope", "receivable_id", "start_minor", "member", "order_hash"],
        unique=False,
    )
    op.create_index(op.f("ix_order_freeze_order_hash"), "order_freeze", ["order_hash"], unique=False)
    op.create_table(
        "order_reference",
        sa.Column("order_hash", sa.LargeBinary(), nullable=False),
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("order_hash", name=op.f("pk_order_reference")),
        comment="The authority and the number behind the hash that an order is named by on chain.",
    )
    op.create_table(
        "parameter",
        sa.Column("parameter", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("effective_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("set_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("parameter", "effective_at", name=op.f("pk_parameter")),
        comment="Projection: the values of each parameter with the instant from which each holds, past and to come.",
    )
    op.create_table(
        "party",
        sa.Column("address", sa.LargeBinary(), nullable=False),
        sa.Column("handle", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("identity", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("address", name=op.f("pk_party")),
        sa.UniqueConstraint("handle", name=op.f("uq_party_handle")),
        sa.UniqueConstraint("identity", name=op.f("uq_party_identity")),
        comment="Who stands behind an address. `identity` is the canonical party identity of DOMAIN rule 3; the "
        "member's profile on chain is the salted hash of name and identity.",
    )
    op.create_table(
        "party_profile",
        sa.Column("profile", sa.LargeBinary(), nullable=False),
        sa.Column("address", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("identity", sa.Text(), nullable=True),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("profile", name=op.f("pk_party_profile")),
        comment="What a profile in R-0 commits to, with its salt: one row per profile, inserted before the "
        "admission is sent and never updated.",
    )
    op.create_index(op.f("ix_party_profile_address"), "party_profile", ["address"], unique=False)
    op.create_table(
        "receivable",
        sa.Column("receivable_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("originator", sa.LargeBinary(), nullable=False),
        sa.Column("debtor", sa.LargeBinary(), nullable=False),
        sa.Column("face_minor", sa.Numeric(precision=20, scale=0), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.SmallInteger(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("document_root", sa.LargeBinary(), nullable=False),
        sa.Column("registered_at", sa.BigInteger(), nullable=False),
        sa.Column("claim_face_minor", sa.Numeric(precision=20, scale=0), nullable=False),
        sa.Column("claim_due_at", sa.BigInteger(), nullable=False),
        sa.Column("answer_by", sa.BigInteger(), nullable=False),
        sa.Column("offered_face_minor", sa.Numeric(precision=20, scale=0), nullable=True),
        sa.Column("offered_due_at", sa.BigInteger(), nullable=True),
        sa.Column("offered_at", sa.BigInteger(), nullable=True),
        sa.Column("answered_at", sa.BigInteger(), nullable=False),
        sa.Column("refusal_reason", sa.SmallInteger(), nullable=False),
        sa.Column("front_endorsed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("receivable_id", name=op.f("pk_receivable")),
        comment="Projection: the folded state of each receivable. `face_minor` and `due_at` are the terms in "
        "force, `claim_` what was claimed; `answer_by` is on the registry's clock, which stands still "
        "during pauses.",
    )
    op.create_index("ix_receivable_currency", "receivable", ["currency", "receivable_id", "status"], unique=False)
    op.create_index(
        "ix_receivable_debtor", "receivable", ["debtor", "receivable_id", "status", "currency"], unique=False
    )
    op.create_index(
        "ix_receivable_debtor_due",
        "receivable",
        ["debtor", "due_at", "receivable_id", "status", "currency", "face_minor"],
        unique=False,
    )
    op.create_index(op.f("ix_receivable_document_root"), "receivable", ["document_root"], unique=False)
    op.create_index("ix_receivable_due", "receivable", ["due_at", "receivable_id", "status", "currency"], unique=False)
    op.create_index(op.f("ix_receivable_fingerprint"), "receivable", ["fingerprint"], unique=False)
    op.create_index(
        "ix_receivable_originator", "receivable", ["originator", "receivable_id", "status", "currency"], unique=False
    )
    op.create_index(
        "ix_receivable_originator_due",
        "receivable",
        ["originator", "due_at", "receivable_id", "status", "currency"],
        unique=False,
    )
    op.create_index("ix_receivable_registered", "receivable", ["registered_at", "receivable_id"], unique=False)
    op.create_index("ix_receivable_status", "receivable", ["status", "receivable_id"], unique=False)
    op.create_index(
        "ix_receivable_waiting",
        "receivable",
        ["debtor", "answer_by", "receivable_id"],
        unique=False,
        postgresql_where=sa.text("status = 1"),
    )
    op.create_table(
        "reconciliation",
        sa.Column("reconciliation_id", sa.BigInteger(), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("block_hash", sa.LargeBinary(), nullable=False),
        sa.Column("deep", sa.Boolean(), nullable=False),
        sa.Column("compared", sa.BigInteger(), nullable=False),
        sa.Column("differences", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("reconciliation_id", name=op.f("pk_reconciliation")),
        comment="The record of every comparison of SQL with the chain.",
    )
    op.create_table(
        "registry",
        sa.Column("id", sa.SmallInteger(), nullable=False),
        sa.Column("paused_since", sa.BigInteger(), nullable=False),
        sa.Column("paused_seconds", sa.BigInteger(), nullable=False),
        sa.Column("rules", sa.LargeBinary(), nullable=False),
        sa.Column("descriptor", sa.LargeBinary(), nullable=False),
        sa.Column("sunset_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_registry_single")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registry")),
        comment="Projection: the registry's own switches. One row; 0 for no pause and no sunset, zeros for no "
        "contract.",
    )
    op.create_table(
        "relay_request",
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("input_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("running_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tx_hash", sa.LargeBinary(), nullable=True),
        sa.Column("outcome", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("begun_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("idempotency_key", name=op.f("pk_relay_request")),
        comment="Signed operations that were to be relayed, by the key of the request. `tx_hash` is kept before "
        "the transaction leaves, `outcome` once it is known. A request that was refused leaves no row: it"
        " may be tried again.",
    )
    op.create_table(
        "trade_document",
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("bytes", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("document", name=op.f("pk_trade_document")),
        comment="Name of the trade document behind the hash in a split or endorsement.",
    )
    op.create_table(
        "entry",
        sa.Column("block_hash", sa.LargeBinary(), nullable=False),
        sa.Column("log_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("tx_hash", sa.LargeBinary(), nullable=False),
        sa.Column("journal_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("operation", sa.SmallInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("start_minor", sa.Numeric(precision=20, scale=0), nullable=False),
        sa.Column("end_minor", sa.Numeric(precision=20, scale=0), nullable=False),
        sa.Column("topics", sa.LargeBinary(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("head", sa.LargeBinary(), nullable=False),
        sa.Column("order_hash", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["block_hash"], ["block.hash"], name=op.f("fk_entry_block_hash_block")),
        sa.PrimaryKeyConstraint("block_hash", "log_index", name=op.f("pk_entry")),
        sa.UniqueConstraint("journal_id", "position", name=op.f("uq_entry_journal_id_position")),
        comment="The stored log: every journal entry as the node gave it. `head` is the journal's head after it, "
        "`order_hash` the order behind what officers did.",
    )
    op.create_index(op.f("ix_entry_block_number"), "entry", ["block_number"], unique=False)
    op.create_index(
        "ix_entry_order",
        "entry",
        ["order_hash", "journal_id", "position"],
        unique=False,
        postgresql_where=sa.text("order_hash IS NOT NULL"),
    )
    op.create_table(
        "invoice_attachment",
        sa.Column("document_root", sa.LargeBinary(), nullable=False),
        sa.Column("position", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["document_root"],
            ["invoice.document_root"],
            name=op.f("fk_invoice_attachment_document_root_invoice"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("document_root", "position", name=op.f("pk_invoice_attachment")),
        comment="The files beside an invoice, delivery notes for instance: the leaves of its root behind "
        "`fields`, from 1. Erasing the row erases what the leaf says.",
    )
    op.create_index(op.f("ix_invoice_attachment_sha256"), "invoice_attachment", ["sha256"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_invoice_attachment_sha256"), table_name="invoice_attachment")
    op.drop_table("invoice_attachment")
    op.drop_index("ix_entry_order", table_name="entry", postgresql_where=sa.text("order_hash IS NOT NULL"))
    op.drop_index(op.f("ix_entry_block_number"), table_name="entry")
    op.drop_table("entry")
    op.drop_table("trade_document")
    op.drop_table("relay_request")
    op.drop_table("registry")
    op.drop_table("reconciliation")
    op.drop_index("ix_receivable_waiting", table_name="receivable", postgresql_where=sa.text("status = 1"))
    op.drop_index("ix_receivable_status", table_name="receivable")
    op.drop_index("ix_receivable_registered", table_name="receivable")
    op.drop_index("ix_receivable_originator_due", table_name="receivable")
    op.drop_index("ix_receivable_originator", table_name="receivable")
    op.drop_index(op.f("ix_receivable_fingerprint"), table_name="receivable")
    op.drop_index("ix_receivable_due", table_name="receivable")
    op.drop_index(op.f("ix_receivable_document_root"), table_name="receivable")
    op.drop_index("ix_receivable_debtor_due", table_name="receivable")
    op.drop_index("ix_receivable_debtor", table_name="receivable")
    op.drop_index("ix_receivable_currency", table_name="receivable")
    op.drop_table("receivable")
    op.drop_index(op.f("ix_party_profile_address"), table_name="party_profile")
    op.drop_table("party_profile")
    op.drop_table("party")
    op.drop_table("parameter")
    op.drop_table("order_reference")
    op.drop_index(op.f("ix_order_freeze_order_hash"), table_name="order_freeze")
    op.drop_index("ix_order_freeze_expiry", table_name="order_freeze")
    op.drop_table("order_freeze")
    op.drop_table("nonce_word")
    op.drop_table("member")
    op.drop_table("journal")
    op.drop_index(op.f("ix_invoice_fingerprint"), table_name="invoice")
    op.drop_index(op.f("ix_invoice_file_sha256"), table_name="invoice")
    op.drop_table("invoice")
    op.drop_index(op.f("ix_duplicate_attempt_fingerprint"), table_name="duplicate_attempt")
    op.drop_table("duplicate_attempt")
    op.drop_table("cursor")
    op.drop_index("ix_certificate_holder_due", table_name="certificate")
    op.drop_index("ix_certificate_holder", table_name="certificate")
    op.drop_table("certificate")
    op.drop_table("block")
