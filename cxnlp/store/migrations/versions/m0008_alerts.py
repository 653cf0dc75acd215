"""Alerts, and the records that they quote."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "alerts",
        sa.Column("seq", _NUMBER, autoincrement=True, nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("id", "rule", "dimension", "value", "measure", "direction")),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("first_day", "last_day")),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("historical", sa.Boolean(), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("snoozed_until", sa.Double(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("author", sa.Text(), nullable=True),
        sa.Column("opened_at", sa.Double(), nullable=False),
        sa.Column("changed_at", sa.Double(), nullable=False),
        sa.Column("resolved_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_alerts")),
        sa.UniqueConstraint("id", name=op.f("uq_alerts_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_alerts_opened_at_seq"), "alerts", ["opened_at", "seq"])
    op.create_index(op.f("ix_alerts_last_day"), "alerts", ["last_day"])
    op.create_table(
        "alert_quotes",
        sa.Column("seq", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("alert_seq", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["seq"], ["feedback.seq"], name=op.f("fk_alert_quotes_seq"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["alert_seq"], ["alerts.seq"], name=op.f("fk_alert_quotes_alert_seq"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("seq", "alert_seq", name=op.f("pk_alert_quotes")),
    )
    op.create_index(op.f("ix_alert_quotes_alert_seq"), "alert_quotes", ["alert_seq"])
