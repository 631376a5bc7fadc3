"""Reconciliation: how long each comparison took, from which follows when the next one is due."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this version."""
    op.add_column("reconciliation", sa.Column("seconds", sa.Double(), server_default=sa.text("0"), nullable=False))


def downgrade() -> None:
    """Back to the version before."""
    op.drop_column("reconciliation", "seconds")
