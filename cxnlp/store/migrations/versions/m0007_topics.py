"""Topics as versions that people put in order: fits with what each found, permanent topics, members, moves, and who changed what.

The topics of before are kept with their ids and records. They become fit 1, which can be looked at, compared and activated; it lacks what new records
are assigned by, so `cxnlp topics fit` is to be run once.
"""

import io
import time
from typing import Any

import numpy as np
import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_KIND = "documents"


def upgrade() -> None:
    """Make the tables and move the topics of before into them."""
    connection = op.get_bind()
    before = connection.execute(sa.text("SELECT id, number, label, words, centroid, is_active, fitted_at FROM topics ORDER BY number")).all()
    members = connection.execute(sa.text("SELECT seq, topic_id, similarity FROM topic_members ORDER BY seq")).all()
    op.drop_table("topic_members")
    op.drop_table("topics")
    _create_topics()
    _create_fits()
    _create_results()
    _create_members()
    op.create_index(op.f("ix_words_copy_key"), "words", ["copy_key"])
    if before:
        _keep(connection, before, members)


def _create_topics() -> None:
    op.create_table(
        "topics",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("name_zh", sa.Text()),
        sa.Column("name_en", sa.Text()),
        sa.Column("muted", sa.Boolean(), nullable=False),
        sa.Column("parent_id", sa.Text()),
        sa.Column("touchpoint", sa.Text()),
        sa.Column("cause", sa.Text()),
        sa.Column("merged_into", sa.Text()),
        sa.Column("split_from", sa.Text()),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_topics")),
        sa.UniqueConstraint("number", name=op.f("uq_topics_number")),
    )


def _create_fits() -> None:
    op.create_table(
        "topic_fits",
        sa.Column("number", _NUMBER, autoincrement=True, nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("kind", "state", "stage")),
        sa.Column("share", sa.Double(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("author", "parameters", "filter")),
        sa.Column("parent", _NUMBER),
        sa.Column("encoder", sa.Text()),
        sa.Column("revision", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Integer()) for name in ("n_records", "n_items", "n_topics", "n_outliers")),
        *(sa.Column(name, sa.Double()) for name in ("from_at", "to_at")),
        *(sa.Column(name, sa.Text()) for name in ("metrics", "report", "outcome")),
        sa.Column("started_at", sa.Double(), nullable=False),
        sa.Column("leased_until", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double()),
        sa.Column("cancelled_by", sa.Text()),
        sa.Column("threshold", sa.Double()),
        sa.Column("space", sa.LargeBinary()),
        sa.Column("assignments", sa.LargeBinary()),
        sa.ForeignKeyConstraint(["parent"], ["topic_fits.number"], name=op.f("fk_topic_fits_parent")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_topic_fits")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "topic_activations",
        sa.Column("seq", _NUMBER, autoincrement=True, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("fit", _NUMBER, nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("undone_at", sa.Double()),
        sa.ForeignKeyConstraint(["fit"], ["topic_fits.number"], name=op.f("fk_topic_activations_fit")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_topic_activations")),
        sqlite_autoincrement=True,
    )


def _create_results() -> None:
    op.create_table(
        "topic_of_fit",
        sa.Column("fit", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("row", sa.Integer(), autoincrement=False, nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("topic_id", "label", "words")),
        sa.Column("centroid", sa.LargeBinary(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("x", sa.Double()),
        sa.Column("y", sa.Double()),
        sa.ForeignKeyConstraint(["fit"], ["topic_fits.number"], name=op.f("fk_topic_of_fit_fit")),
        sa.ForeignKeyConstraint(["topic_id"], ["topics.id"], name=op.f("fk_topic_of_fit_topic_id")),
        sa.PrimaryKeyConstraint("fit", "row", name=op.f("pk_topic_of_fit")),
    )
    op.create_index(op.f("ix_topic_of_fit_topic_id"), "topic_of_fit", ["topic_id"])
    op.create_table(
        "topic_quotes",
        sa.Column("seq", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("fit", _NUMBER, autoincrement=False, nullable=False),
        *(sa.Column(name, sa.Integer(), autoincrement=False, nullable=False) for name in ("row", "clause", "rank")),
        _of_record("topic_quotes"),
        sa.ForeignKeyConstraint(["fit"], ["topic_fits.number"], name=op.f("fk_topic_quotes_fit")),
        sa.PrimaryKeyConstraint("seq", "fit", "row", "clause", name=op.f("pk_topic_quotes")),
    )
    op.create_index(op.f("ix_topic_quotes_fit_row"), "topic_quotes", ["fit", "row"])


def _create_members() -> None:
    op.create_table(
        "topic_members",
        *_item(),
        *(sa.Column(name, sa.Text()) for name in ("fitted_id", "base_id", "topic_id")),
        sa.Column("similarity", sa.Double(), nullable=False),
        _of_record("topic_members"),
        sa.PrimaryKeyConstraint("seq", "kind", "clause", name=op.f("pk_topic_members")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_topic_members_topic_id_seq"), "topic_members", ["topic_id", "seq"])
    op.create_table(
        "topic_moves",
        *_item(),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("copy_key", sa.BigInteger(), nullable=False),
        sa.Column("topic_id", sa.Text()),
        _of_record("topic_moves"),
        sa.PrimaryKeyConstraint("seq", "kind", "clause", name=op.f("pk_topic_moves")),
    )
    op.create_index(op.f("ix_topic_moves_copy_key"), "topic_moves", ["copy_key"])
    op.create_table(
        "topic_changes",
        sa.Column("number", _NUMBER, autoincrement=True, nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("step", "topic_id")),
        sa.Column("other_id", sa.Text()),
        sa.Column("record_seq", _NUMBER),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("action", "before", "after", "author")),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("undone_at", sa.Double()),
        sa.Column("undone_by", sa.Text()),
        sa.ForeignKeyConstraint(["record_seq"], ["feedback.seq"], name=op.f("fk_topic_changes_record_seq"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_topic_changes")),
        sqlite_autoincrement=True,
    )
    for name in ("topic_id", "other_id", "record_seq"):
        op.create_index(op.f(f"ix_topic_changes_{name}"), "topic_changes", [name])


def _item() -> list[sa.Column[Any]]:
    return [
        sa.Column("seq", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("clause", sa.Integer(), autoincrement=False, nullable=False),
    ]


def _of_record(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["seq"], ["feedback.seq"], name=op.f(f"fk_{table}_seq"), ondelete="CASCADE")


def _keep(connection: sa.Connection, before: Any, members: Any) -> None:
    """Write the topics of before as the first fit, which is active if one was."""
    now = time.time()
    active = [topic for topic in before if topic.is_active]
    tables = sa.MetaData()
    tables.reflect(connection, only=["topics", "topic_fits", "topic_of_fit", "topic_members", "topic_activations"])
    topics, fits, of_fit, belonging, activations = (
        tables.tables[name] for name in ("topics", "topic_fits", "topic_of_fit", "topic_members", "topic_activations")
    )
    kept = [
        {"id": t.id, "number": t.number, "kind": _KIND, "state": "fitted", "label": t.label, "words": t.words, "muted": False}
        | {"created_at": t.fitted_at}
        for t in before
    ]
    connection.execute(sa.insert(topics), kept)
    if not active:
        return
    at = max(t.fitted_at for t in active)
    rows = {t.id: row for row, t in enumerate(active)}
    counts = np.bincount([rows[m.topic_id] for m in members if m.topic_id in rows], minlength=len(active))
    fit = {"kind": _KIND, "state": "done", "stage": "done", "share": 1.0, "author": "", "parameters": "{}", "filter": "{}", "revision": 0}
    fit |= {"n_records": len(members), "n_items": len(members), "n_topics": len(active), "n_outliers": 0, "started_at": at, "leased_until": at}
    fit |= {"ended_at": at, "metrics": "{}", "report": "null", "assignments": _packed(members, rows)}
    fit["outcome"] = "made before topics had versions"
    number = connection.execute(sa.insert(fits).values(fit).returning(fits.c.number)).scalar_one()
    found = [
        {"fit": number, "row": row, "topic_id": t.id, "label": t.label, "words": t.words, "centroid": t.centroid, "n": int(counts[row])}
        for row, t in enumerate(active)
    ]
    connection.execute(sa.insert(of_fit), found)
    connection.execute(sa.insert(activations), {"kind": _KIND, "fit": number, "author": "", "at": now})
    placed = [
        {"seq": m.seq, "kind": _KIND, "clause": -1, "similarity": m.similarity} | dict.fromkeys(("fitted_id", "base_id", "topic_id"), m.topic_id)
        for m in members
    ]
    if placed:
        connection.execute(sa.insert(belonging), placed)


def _packed(members: Any, rows: dict[str, int]) -> bytes:
    out = io.BytesIO()
    np.savez_compressed(
        out,
        seqs=np.diff(np.array([m.seq for m in members], np.int64), prepend=0),
        clauses=np.full(len(members), -1, np.int32),
        rows=np.array([rows.get(m.topic_id, -1) for m in members], np.int32),
        similarities=np.array([m.similarity for m in members], np.float16),
    )
    return out.getvalue()
