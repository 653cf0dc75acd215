"""Indexes of what still waits to be delivered: in order, by time, and by record."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the indexes in place of those that also held what was delivered."""
    waits = sa.text("status = 'pending'")
    for columns in (["webhook_id", "event_seq"], ["webhook_id", "next_at"], ["webhook_id", "record_id", "event_seq"]):
        name = op.f(f"ix_deliveries_pending_{columns[1]}")
        op.create_index(name, "deliveries", columns, sqlite_where=waits, postgresql_where=waits)
    op.drop_index(op.f("ix_deliveries_webhook_id_record_id"), "deliveries")
    op.drop_index(op.f("ix_deliveries_status_next_at"), "deliveries")
