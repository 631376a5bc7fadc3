"""Questions about claims: what was asked, and the columns and indexes by which near-duplicates are found."""

from __future__ import annotations

import unicodedata

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ROWS_TOGETHER = 1_000
"""Rows that get their key in one statement."""

COMMENT_BEFORE = (
    "The invoice behind a document root. `fields` is the list of [name, value, salt hex] that the root commits "
    "to; written before the registration is sent, so that no root on chain lacks its salts."
)
COMMENT = (
    f"{COMMENT_BEFORE} `number_key` is what stays of the number however it is spaced or padded: with it "
    "near-duplicates are found."
)


def number_key(value: str) -> str:
    """As registry.documents.parties.number_key was when this was written: a migration does not change with the rule."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", value).casefold())
    bare = "".join(char for char in folded.upper() if char.isalnum())
    return unicodedata.normalize("NFKC", bare).replace("0", "")[:200]


def upgrade() -> None:
    """To this version."""
    op.add_column("invoice", sa.Column("number_key", sa.Text()))
    _fill()
    op.alter_column("invoice", "number_key", nullable=False)
    op.create_index("ix_invoice_pair_day", "invoice", ["originator", "debtor", "issue_date"])
    op.create_index("ix_invoice_pair_amount", "invoice", ["originator", "debtor", "payable_minor", "issue_date"])
    op.create_index("ix_invoice_number_key", "invoice", ["number_key", "issue_date"])
    op.create_table_comment("invoice", COMMENT)
    op.create_table(
        "claim_question",
        sa.Column("question_id", sa.BigInteger(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("matches", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("question_id", name="pk_claim_question"),
        comment="Which claims were asked about before they were financed: the keyed hash of each, what was answered "
        "at which block, and no word of the invoice. `matches` is the list of [match, reasons], empty if nothing was "
        "known.",
    )
    op.create_index("ix_claim_question_fingerprint", "claim_question", ["fingerprint"])


def downgrade() -> None:
    """Back to the version before."""
    op.drop_table("claim_question")
    op.create_table_comment("invoice", COMMENT_BEFORE)
    for name in ("ix_invoice_number_key", "ix_invoice_pair_amount", "ix_invoice_pair_day"):
        op.drop_index(name, "invoice")
    op.drop_column("invoice", "number_key")


def _fill() -> None:
    connection = op.get_bind()
    rows = connection.execute(sa.text("SELECT document_root, number FROM invoice")).all()
    for start in range(0, len(rows), ROWS_TOGETHER):
        connection.execute(
            sa.text("UPDATE invoice SET number_key = :key WHERE document_root = :root"),
            [{"root": root, "key": number_key(number)} for root, number in rows[start : start + ROWS_TOGETHER]],
        )
