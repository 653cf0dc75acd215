"""Saved searches, their examples, and which records have matched them."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "saved_searches",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("filter", sa.Text(), nullable=False),
        sa.Column("least", sa.Double(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("after_seq", _NUMBER, nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("disabled_at", sa.Double(), nullable=True),
        sa.Column("encoder", sa.Text(), nullable=True),
        sa.Column("text_vector", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_searches")),
    )
    op.create_table(
        "search_examples",
        sa.Column("seq", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("search_id", sa.Text(), nullable=False),
        sa.Column("wanted", sa.Boolean(), nullable=False),
        *_keys("search_examples"),
    )
    op.create_index(op.f("ix_search_examples_search_id"), "search_examples", ["search_id"])
    op.create_table(
        "search_matches",
        sa.Column("seq", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("search_id", sa.Text(), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("historical", sa.Boolean(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        *_keys("search_matches"),
    )
    op.create_index(op.f("ix_search_matches_search_id_at_seq"), "search_matches", ["search_id", "at", "seq"])


def _keys(table: str) -> list[sa.schema.SchemaItem]:
    return [
        sa.ForeignKeyConstraint(["seq"], ["feedback.seq"], name=op.f(f"fk_{table}_seq"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["search_id"], ["saved_searches.id"], name=op.f(f"fk_{table}_search_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("seq", "search_id", name=op.f(f"pk_{table}")),
    ]
