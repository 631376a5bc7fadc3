"""The mirror: entries by journal and position alone, journals that are set aside, how far heads were compared."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


COMMENTS = {
    "cursor": (
        "How far the mirror has come. One row; moved only together with the entries it stands for.",
        (
            "How far the mirror has come. One row; moved only together with the entries it stands for. Up to "
            "`checked_block` the heads of journals with entries were compared with the contract's."
        ),
    ),
    "block": (
        "Headers of the followed chain, to find the fork point after a reorg.",
        (
            "Headers of the followed chain, to find the fork point after a reorg: those that are not final yet, and of "
            "the others those with entries and the ends of ranges."
        ),
    ),
}
"""What is said of a table before this version, and from it on."""


def upgrade() -> None:
    """To this version."""
    op.drop_constraint("fk_entry_block_hash_block", "entry", type_="foreignkey")
    op.drop_constraint("pk_entry", "entry", type_="primary")
    op.drop_constraint("uq_entry_journal_id_position", "entry", type_="unique")
    op.create_primary_key("pk_entry", "entry", ["journal_id", "position"])
    op.add_column("cursor", sa.Column("checked_block", sa.BigInteger(), nullable=False, server_default="0"))
    op.alter_column("cursor", "checked_block", server_default=None)
    op.create_table(
        "quarantine",
        sa.Column("journal_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("journal_id", name="pk_quarantine"),
        comment="Journals that the node does not tell as the contract has them. Their rows stand where they were last "
        "right; the others go on.",
    )
    op.create_index("ix_reconciliation_deep_reconciliation_id", "reconciliation", ["deep", "reconciliation_id"])
    for table, (_, comment) in COMMENTS.items():
        op.create_table_comment(table, comment)


def downgrade() -> None:
    """Back to the version before."""
    for table, (comment, _) in COMMENTS.items():
        op.create_table_comment(table, comment)
    op.drop_index("ix_reconciliation_deep_reconciliation_id", "reconciliation")
    op.drop_table("quarantine")
    op.drop_column("cursor", "checked_block")
    op.drop_constraint("pk_entry", "entry", type_="primary")
    op.create_primary_key("pk_entry", "entry", ["block_hash", "log_index"])
    op.create_unique_constraint("uq_entry_journal_id_position", "entry", ["journal_id", "position"])
    op.create_foreign_key("fk_entry_block_hash_block", "entry", "block", ["block_hash"], ["hash"])
