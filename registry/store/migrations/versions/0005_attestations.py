"""Attestations: what witnesses signed of block headers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this version."""
    op.create_table(
        "attestation",
        sa.Column("chain_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("contract", sa.LargeBinary(), nullable=False),
        sa.Column("witness", sa.LargeBinary(), nullable=False),
        sa.Column("block_number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("block_hash", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("chain_id", "contract", "witness", "block_number", "block_hash", name="pk_attestation"),
        comment="What witnesses signed of block headers: by chain and registry, as one database may outlive a dev "
        "chain. Two hashes of one witness at one height are both kept: they are the evidence.",
    )
    op.create_index("ix_attestation_block_number", "attestation", ["block_number"])


def downgrade() -> None:
    """Back to the version before."""
    op.drop_table("attestation")
