"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make them."""
    _create_feedback()
    _create_history()
    _create_analyses()
    _create_labels()
    _create_logs()


def _create_feedback() -> None:
    op.create_table(
        "feedback",
        sa.Column("seq", _NUMBER, autoincrement=True, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("turns", sa.Text(), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("updated_at", sa.Double(), nullable=True),
        sa.Column("received_at", sa.Double(), nullable=False),
        sa.Column("historical", sa.Boolean(), nullable=False),
        sa.Column("rating_scale", sa.Text(), nullable=True),
        sa.Column("rating_value", sa.Double(), nullable=True),
        sa.Column("rating", sa.Double(), nullable=True),
        sa.Column("customer_id", sa.Text(), nullable=True),
        sa.Column("segment", sa.Text(), nullable=True),
        sa.Column("attributes", sa.Text(), nullable=True),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_feedback")),
        sa.UniqueConstraint("id", name=op.f("uq_feedback_id")),
        sa.UniqueConstraint("source", "external_id", name=op.f("uq_feedback_source_external_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_feedback_created_at_seq"), "feedback", ["created_at", "seq"], unique=False)
    op.create_index(op.f("ix_feedback_customer_id"), "feedback", ["customer_id"], unique=False)


def _create_history() -> None:
    op.create_table(
        "feedback_history",
        sa.Column("seq", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("turns", sa.Text(), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("updated_at", sa.Double(), nullable=True),
        sa.Column("received_at", sa.Double(), nullable=False),
        sa.Column("historical", sa.Boolean(), nullable=False),
        sa.Column("rating_scale", sa.Text(), nullable=True),
        sa.Column("rating_value", sa.Double(), nullable=True),
        sa.Column("rating", sa.Double(), nullable=True),
        sa.Column("customer_id", sa.Text(), nullable=True),
        sa.Column("segment", sa.Text(), nullable=True),
        sa.Column("attributes", sa.Text(), nullable=True),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["seq"], ["feedback.seq"], name=op.f("fk_feedback_history_seq"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("seq", "version", name=op.f("pk_feedback_history")),
    )
    op.create_table(
        "pending",
        sa.Column("seq", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=True),
        sa.Column("leased_until", sa.Double(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["seq"], ["feedback.seq"], name=op.f("fk_pending_seq"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_pending")),
    )


def _create_analyses() -> None:
    op.create_table(
        "generations",
        sa.Column("id", _NUMBER, autoincrement=True, nullable=False),
        sa.Column("encoder", sa.Text(), nullable=False),
        sa.Column("splitter", sa.Text(), nullable=False),
        sa.Column("dim", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_generations")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "analyses",
        sa.Column("seq", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("generation_id", _NUMBER, nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("sentiment", sa.Double(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("intent", sa.Text(), nullable=False),
        sa.Column("satisfaction", sa.Double(), nullable=True),
        sa.Column("analyzed_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["generation_id"], ["generations.id"], name=op.f("fk_analyses_generation_id")),
        sa.ForeignKeyConstraint(["seq"], ["feedback.seq"], name=op.f("fk_analyses_seq"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_analyses")),
    )
    op.create_table(
        "vectors",
        sa.Column("seq", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("generation_id", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("clauses", sa.LargeBinary(), nullable=False),
        sa.Column("spans", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["generation_id"], ["generations.id"], name=op.f("fk_vectors_generation_id")),
        sa.ForeignKeyConstraint(["seq"], ["feedback.seq"], name=op.f("fk_vectors_seq"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("seq", "generation_id", name=op.f("pk_vectors")),
    )


def _create_labels() -> None:
    op.create_table(
        "observations",
        sa.Column("seq", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("touchpoint", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.Column("sentiment", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["seq"], ["feedback.seq"], name=op.f("fk_observations_seq"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("seq", "position", name=op.f("pk_observations")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_observations_touchpoint_cause"), "observations", ["touchpoint", "cause"], unique=False)
    op.create_table(
        "risks",
        sa.Column("seq", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("risk", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["seq"], ["feedback.seq"], name=op.f("fk_risks_seq"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("seq", "risk", name=op.f("pk_risks")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "corrections",
        sa.Column("seq", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["seq"], ["feedback.seq"], name=op.f("fk_corrections_seq"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("seq", "field", name=op.f("pk_corrections")),
    )


def _create_logs() -> None:
    op.create_table(
        "events",
        sa.Column("seq", _NUMBER, autoincrement=True, nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("record_id", sa.Text(), nullable=True),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_events")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "cursors",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", _NUMBER, nullable=False),
        sa.Column("holder", sa.Text(), nullable=True),
        sa.Column("leased_until", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_cursors")),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("revoked_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("hash", name=op.f("uq_api_keys_hash")),
    )
