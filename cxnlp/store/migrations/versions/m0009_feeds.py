"""Webhooks of several formats and languages, with a filter and a secret that is being replaced; the record of each delivery, for order."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; what there is stays as it was: the standard format, in English, unfiltered."""
    for name, before in (("format", "standard"), ("language", "en"), ("filter", "{}")):
        op.add_column("webhooks", sa.Column(name, sa.Text(), nullable=False, server_default=before))
    op.add_column("webhooks", sa.Column("old_secret", sa.Text(), nullable=True))
    op.add_column("webhooks", sa.Column("old_secret_until", sa.Double(), nullable=True))
    op.add_column("deliveries", sa.Column("record_id", sa.Text(), nullable=True))
    op.execute("UPDATE deliveries SET record_id = (SELECT events.record_id FROM events WHERE events.seq = deliveries.event_seq)")
    op.create_index(op.f("ix_deliveries_webhook_id_record_id"), "deliveries", ["webhook_id", "record_id"])
