"""Money: what is paid, pledged, sold and disputed; quotes, deposit tokens and what banks call deposits."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

MINOR = sa.Numeric(precision=20, scale=0)

RECEIVABLE_AMOUNTS = ("paid_minor", "cancelled_minor", "senior_minor", "claimed_minor", "redeemed_minor")
RECEIVABLE_FLAGS = ("disputed", "dishonoured", "in_clearing")
CERTIFICATE_RIGHTS = (
    ("lien_financier", sa.LargeBinary()),
    ("lien_secured_minor", MINOR),
    ("lien_position", sa.Integer()),
    ("recourse_seller", sa.LargeBinary()),
    ("recourse_amount_minor", MINOR),
    ("recourse_demanded", sa.Boolean()),
)
CERTIFICATE_INDEXES = (
    ("lien", ["lien_financier"], "lien_financier"),
    ("lien_due", ["lien_financier", "due_at"], "lien_financier"),
    ("pledged", ["holder"], "lien_financier"),
    ("recourse", ["recourse_seller"], "recourse_seller"),
    ("returnable", ["holder"], "recourse_seller"),
)
"""Name, leading columns, and the column that must not be null."""

RECEIVABLE_INDEXES = (
    ("owed", ["due_at", "receivable_id", "currency"], "status = 2"),
    (
        "debtor_owed",
        [
            "debtor",
            "due_at",
            "receivable_id",
            "currency",
            "face_minor",
            "cancelled_minor",
            "paid_minor",
            "senior_minor",
            "disputed",
        ],
        "status = 2",
    ),
    ("in_clearing", ["receivable_id", "status"], "in_clearing"),
    ("disputed", ["receivable_id"], "disputed"),
    ("dishonoured", ["debtor", "currency", "receivable_id"], "dishonoured"),
)
ENTRY_INDEXES = (
    ("quote", ["quote_digest"], "quote_digest IS NOT NULL"),
    ("paid", ["journal_id", "position"], "operation = 20"),
)

RECEIVABLE_COMMENT = (
    "Projection: the folded state of each receivable. `face_minor` and `due_at` are the terms in force, `claim_` what "
    "was claimed; `answer_by` is on the registry's clock, which stands still during pauses."
)
CERTIFICATE_COMMENT = (
    "Projection: the live certificates, a disjoint cover of every confirmed receivable. Debtor, currency and due date "
    "are the receivable's: they cannot change once it is confirmed, and a holder's book is asked by them."
)
ENTRY_COMMENT = (
    "The stored log: every journal entry as the node gave it. `head` is the journal's head after it, `order_hash` the "
    "order behind what officers did."
)


def upgrade() -> None:
    # Nothing that was mirrored until now tells of money, so nothing is what its journals fold to.
    for name in RECEIVABLE_AMOUNTS:
        _add("receivable", sa.Column(name, MINOR, nullable=False, server_default="0"))
    for name in RECEIVABLE_FLAGS:
        _add("receivable", sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false()))
    for name, type_ in CERTIFICATE_RIGHTS:
        op.add_column("certificate", sa.Column(name, type_, nullable=True))
    _add("certificate", sa.Column("claimed_minor", MINOR, nullable=False, server_default="0"))
    no_desk = sa.text("'\\x" + "00" * 20 + "'::bytea")
    _add("registry", sa.Column("desk", sa.LargeBinary(), nullable=False, server_default=no_desk))
    op.add_column("entry", sa.Column("quote_digest", sa.LargeBinary(), nullable=True))

    op.drop_index("ix_receivable_debtor_due", table_name="receivable")
    op.create_index(
        "ix_receivable_debtor_due", "receivable", ["debtor", "due_at", "receivable_id", "status", "currency"]
    )
    op.drop_index("ix_certificate_holder_due", table_name="certificate")
    op.create_index(
        "ix_certificate_holder_due",
        "certificate",
        [
            "holder",
            "due_at",
            "receivable_id",
            "start_minor",
            "end_minor",
            "debtor",
            "currency",
            "lien_secured_minor",
            "claimed_minor",
        ],
    )
    for name, key, column in CERTIFICATE_INDEXES:
        op.create_index(
            f"ix_certificate_{name}",
            "certificate",
            [*key, "receivable_id", "start_minor", "debtor", "currency"],
            postgresql_where=sa.text(f"{column} IS NOT NULL"),
        )
    for table, indexes in (("receivable", RECEIVABLE_INDEXES), ("entry", ENTRY_INDEXES)):
        for name, columns, where in indexes:
            op.create_index(f"ix_{table}_{name}", table, columns, postgresql_where=sa.text(where))

    op.create_table(
        "deposit_token",
        sa.Column("currency", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("currency", name=op.f("pk_deposit_token")),
        comment="Projection: the token in which a currency's deposits lie.",
    )
    op.create_table(
        "bank_reference",
        sa.Column("reference_hash", sa.LargeBinary(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("reference_hash", name=op.f("pk_bank_reference")),
        comment="What the bank's books call a deposit or a payout, behind the hash that the deposit token knows it by.",
    )
    op.create_table(
        "quote",
        sa.Column("quote_id", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("desk", sa.LargeBinary(), nullable=False),
        sa.Column("financier", sa.LargeBinary(), nullable=False),
        sa.Column("holder", sa.LargeBinary(), nullable=False),
        sa.Column("receivable_id", sa.BigInteger(), nullable=False),
        sa.Column("start_minor", MINOR, nullable=False),
        sa.Column("end_minor", MINOR, nullable=False),
        sa.Column("cut_minor", MINOR, nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("price_minor", MINOR, nullable=False),
        sa.Column("amount_minor", MINOR, nullable=False),
        sa.Column("anchor", sa.LargeBinary(), nullable=False),
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("expiry_at", sa.BigInteger(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("offered_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("quote_id", name=op.f("pk_quote")),
        sa.UniqueConstraint("digest", name=op.f("uq_quote_digest")),
        comment="What financiers offer for certificates, signed; only the holder who may accept sees it (DOMAIN rule "
        "14). Whether it was accepted is not written here: the entry of the sale or the pledge has its digest.",
    )
    for name in ("holder", "financier", "receivable_id"):
        op.create_index(f"ix_quote_{name.removesuffix('_id')}", "quote", [name, "quote_id"])

    op.create_table_comment(
        "receivable",
        f"{RECEIVABLE_COMMENT} Credit notes took [0, cancelled) away; payments go first to [senior, face), 0 for no "
        "such bound. `claimed_minor` of what was paid is paid out; `redeemed_minor` is the length of the certificates "
        "that are no more because they were paid. `in_clearing`: certificates are left, and something of it is paid or "
        "in dispute, or it is closed.",
        existing_comment=RECEIVABLE_COMMENT,
    )
    op.create_table_comment(
        "certificate",
        "Projection: the live certificates, a disjoint cover of every confirmed receivable but for what was paid out "
        "or credited. Debtor, currency and due date are the receivable's: they cannot change once it is confirmed, and "
        "a holder's book is asked by them. A lien's financier is paid first, up to what it secures; a sale with "
        "recourse names who takes the certificate back, and for how much.",
        existing_comment=CERTIFICATE_COMMENT,
    )
    op.create_table_comment(
        "entry",
        ENTRY_COMMENT.removesuffix(".") + ", `quote_digest` the quote behind a sale or a pledge.",
        existing_comment=ENTRY_COMMENT,
    )


def downgrade() -> None:
    # A mirror without columns for money cannot go on from journals that tell of it: it starts anew.
    op.execute(
        "TRUNCATE cursor, entry, block, journal, receivable, certificate, member, order_freeze, parameter, registry"
    )
    op.create_table_comment("entry", ENTRY_COMMENT)
    op.create_table_comment("certificate", CERTIFICATE_COMMENT)
    op.create_table_comment("receivable", RECEIVABLE_COMMENT)
    op.drop_table("quote")
    op.drop_table("bank_reference")
    op.drop_table("deposit_token")
    for table, indexes in (("receivable", RECEIVABLE_INDEXES), ("entry", ENTRY_INDEXES)):
        for name, _, _ in indexes:
            op.drop_index(f"ix_{table}_{name}", table_name=table)
    for name, _, _ in CERTIFICATE_INDEXES:
        op.drop_index(f"ix_certificate_{name}", table_name="certificate")
    op.drop_index("ix_certificate_holder_due", table_name="certificate")
    op.create_index(
        "ix_certificate_holder_due",
        "certificate",
        ["holder", "due_at", "receivable_id", "start_minor", "end_minor", "debtor", "currency"],
    )
    op.drop_index("ix_receivable_debtor_due", table_name="receivable")
    op.create_index(
        "ix_receivable_debtor_due",
        "receivable",
        ["debtor", "due_at", "receivable_id", "status", "currency", "face_minor"],
    )
    op.drop_column("entry", "quote_digest")
    op.drop_column("registry", "desk")
    for name in ("claimed_minor", *(name for name, _ in CERTIFICATE_RIGHTS)):
        op.drop_column("certificate", name)
    for name in (*RECEIVABLE_FLAGS, *RECEIVABLE_AMOUNTS):
        op.drop_column("receivable", name)


def _add(table: str, column: sa.Column[Any]) -> None:
    """Add a column that is filled for the rows that are there; what comes must say what it has."""
    op.add_column(table, column)
    op.alter_column(table, column.name, server_default=None)
