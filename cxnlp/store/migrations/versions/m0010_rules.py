"""Versions of rules; who owns a flag, how much it matters, whether it is overdue, and what has joined it; contacts of a customer by time."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables, columns and indexes."""
    for name, kind in (("judged", sa.Integer()), ("rule_version", sa.Integer()), ("owner", sa.Text()), ("priority", sa.Integer())):
        op.add_column("flags", sa.Column(name, kind, nullable=True))
    op.add_column("flags", sa.Column("explanation", sa.Text(), nullable=True))
    op.add_column("flags", sa.Column("overdue_at", sa.Double(), nullable=True))
    op.create_index(op.f("ix_flags_state_overdue_at_deadline"), "flags", ["state", "overdue_at", "deadline"])
    op.create_table(
        "flag_repeats",
        sa.Column("seq", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("flag_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["seq"], ["feedback.seq"], name=op.f("fk_flag_repeats_seq"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["flag_id"], ["flags.id"], name=op.f("fk_flag_repeats_flag_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("seq", "rule", name=op.f("pk_flag_repeats")),
    )
    op.create_index(op.f("ix_flag_repeats_flag_id"), "flag_repeats", ["flag_id"])
    op.create_table(
        "flag_rules",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("content", sa.Text(), nullable=True),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("name", "version", name=op.f("pk_flag_rules")),
    )
    op.create_index(op.f("ix_feedback_customer_id_created_at"), "feedback", ["customer_id", "created_at"])
    op.drop_index(op.f("ix_feedback_customer_id"), "feedback")
