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
        sa.Column("start_minor", sa.Numeric(precision=20, scale=0), nullable=False),
        sa.Column("end_minor", sa.Numeric(precision=20, scale=0), nullable=False),
        sa.Column("holder", sa.LargeBinary(), nullable=False),
        sa.Column("since_position", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("receivable_id", "start_minor", name=op.f("pk_certificate")),
        comment="Projection: the live certificates, a disjoint cover of every confirmed receivable.",
    )
    op.create_index(
        op.f("ix_certificate_holder_receivable_id_start_minor"),
        "certificate",
        ["holder", "receivable_id", "start_minor"],
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
        comment="The invoice behind a document root. `fields` is the list of [name, value, salt h"
        "ex] that the root commits to; written before the registration is sent, so that n"
        "o root on chain lacks its salts.",
    )
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
        "party",
        sa.Column("address", sa.LargeBinary(), nullable=False),
        sa.Column("handle", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("identity", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("address", name=op.f("pk_party")),
        sa.UniqueConstraint("handle", name=op.f("uq_party_handle")),
        sa.UniqueConstraint("identity", name=op.f("uq_party_identity")),
        comment="Who stands behind an address. `identity` is the canonical party identity of DOMA"
        "IN rule 3; the member's profile on chain is the salted hash of name and identity"
        ".",
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
        comment="What a profile in R-0 commits to, with its salt: one row per profile, inserted b"
        "efore the admission is sent and never updated.",
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
        sa.Column("answered_at", sa.BigInteger(), nullable=False),
        sa.Column("refusal_reason", sa.SmallInteger(), nullable=False),
        sa.Column("front_endorsed", sa.Boolean(), nullable=False),
        sa.Column("paid_minor", sa.Numeric(precision=20, scale=0), nullable=False),
        sa.Column("cancelled_minor", sa.Numeric(precision=20, scale=0), nullable=False),
        sa.PrimaryKeyConstraint("receivable_id", name=op.f("pk_receivable")),
        comment="Projection: the folded state of each receivable.",
    )
    op.create_index(
        op.f("ix_receivable_debtor_status_receivable_id"),
        "receivable",
        ["debtor", "status", "receivable_id"],
        unique=False,
    )
    op.create_index(op.f("ix_receivable_document_root"), "receivable", ["document_root"], unique=False)
    op.create_index(op.f("ix_receivable_fingerprint"), "receivable", ["fingerprint"], unique=False)
    op.create_index(
        op.f("ix_receivable_originator_receivable_id"), "receivable", ["originator", "receivable_id"], unique=False
    )
    op.create_index(op.f("ix_receivable_status_receivable_id"), "receivable", ["status", "receivable_id"], unique=False)
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
        sa.ForeignKeyConstraint(["block_hash"], ["block.hash"], name=op.f("fk_entry_block_hash_block")),
        sa.PrimaryKeyConstraint("block_hash", "log_index", name=op.f("pk_entry")),
        sa.UniqueConstraint("journal_id", "position", name=op.f("uq_entry_journal_id_position")),
        comment="The stored log: every journal entry as the node gave it. `head` is the journal's head after it.",
    )
    op.create_index(op.f("ix_entry_block_number"), "entry", ["block_number"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_entry_block_number"), table_name="entry")
    op.drop_table("entry")
    op.drop_table("trade_document")
    op.drop_table("reconciliation")
    op.drop_index(op.f("ix_receivable_status_receivable_id"), table_name="receivable")
    op.drop_index(op.f("ix_receivable_originator_receivable_id"), table_name="receivable")
    op.drop_index(op.f("ix_receivable_fingerprint"), table_name="receivable")
    op.drop_index(op.f("ix_receivable_document_root"), table_name="receivable")
    op.drop_index(op.f("ix_receivable_debtor_status_receivable_id"), table_name="receivable")
    op.drop_table("receivable")
    op.drop_index(op.f("ix_party_profile_address"), table_name="party_profile")
    op.drop_table("party_profile")
    op.drop_table("party")
    op.drop_table("member")
    op.drop_table("journal")
    op.drop_index(op.f("ix_invoice_fingerprint"), table_name="invoice")
    op.drop_table("invoice")
    op.drop_index(op.f("ix_duplicate_attempt_fingerprint"), table_name="duplicate_attempt")
    op.drop_table("duplicate_attempt")
    op.drop_table("cursor")
    op.drop_index(op.f("ix_certificate_holder_receivable_id_start_minor"), table_name="certificate")
    op.drop_table("certificate")
    op.drop_table("block")
