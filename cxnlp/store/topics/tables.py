"""The tables of topics, apart from the others since those fill their module; `cxnlp.store.schema` says what holds for all.

A fit is a version: what it found stays as it was. A topic is permanent: fits find it again, people name it and put it in order. `topic_members` is
what both make of each record in the active fit, and is rebuilt whenever another fit becomes active. Words and labels count over many records; what
single customers said is only pointed at, by `seq`.
"""

from typing import Any, Final

from sqlalchemy import BigInteger, Boolean, Column, Double, ForeignKey, Index, Integer, LargeBinary, Table, Text, UniqueConstraint

from cxnlp.store.schema import Number, metadata, of_record


def _of_fit(*, primary_key: bool = True) -> Column[Any]:
    return Column("fit", Number, ForeignKey("topic_fits.number"), primary_key=primary_key, autoincrement=False, nullable=False)


topics: Final = Table(
    "topics",
    metadata,
    Column("id", Text, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("words", Text, nullable=False),
    Column("name_zh", Text),
    Column("name_en", Text),
    Column("muted", Boolean, nullable=False),
    Column("parent_id", Text),
    Column("touchpoint", Text),
    Column("cause", Text),
    Column("merged_into", Text),
    Column("split_from", Text),
    Column("created_at", Double, nullable=False),
    UniqueConstraint("number"),
)

topic_fits: Final = Table(
    "topic_fits",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("stage", Text, nullable=False),
    Column("share", Double, nullable=False),
    Column("author", Text, nullable=False),
    Column("parameters", Text, nullable=False),
    Column("filter", Text, nullable=False),
    Column("parent", Number, ForeignKey("topic_fits.number")),
    Column("encoder", Text),
    Column("revision", Integer, nullable=False),
    Column("n_records", Integer),
    Column("n_items", Integer),
    Column("n_topics", Integer),
    Column("n_outliers", Integer),
    Column("from_at", Double),
    Column("to_at", Double),
    Column("metrics", Text),
    Column("report", Text),
    Column("outcome", Text),
    Column("started_at", Double, nullable=False),
    Column("leased_until", Double, nullable=False),
    Column("ended_at", Double),
    Column("cancelled_by", Text),
    Column("threshold", Double),
    Column("space", LargeBinary),
    Column("assignments", LargeBinary),
    sqlite_autoincrement=True,
)

topic_activations: Final = Table(
    "topic_activations",
    metadata,
    Column("seq", Number, primary_key=True, autoincrement=True),
    Column("kind", Text, nullable=False),
    _of_fit(primary_key=False),
    Column("author", Text, nullable=False),
    Column("at", Double, nullable=False),
    Column("undone_at", Double),
    sqlite_autoincrement=True,
)

topic_of_fit: Final = Table(
    "topic_of_fit",
    metadata,
    _of_fit(),
    Column("row", Integer, primary_key=True, autoincrement=False),
    Column("topic_id", Text, ForeignKey("topics.id"), nullable=False),
    Column("label", Text, nullable=False),
    Column("words", Text, nullable=False),
    Column("centroid", LargeBinary, nullable=False),
    Column("n", Integer, nullable=False),
    Column("x", Double),
    Column("y", Double),
)
Index(None, topic_of_fit.c.topic_id)

topic_quotes: Final = Table(
    "topic_quotes",
    metadata,
    of_record(),
    _of_fit(),
    Column("row", Integer, primary_key=True, autoincrement=False),
    Column("clause", Integer, primary_key=True, autoincrement=False),
    Column("rank", Integer, nullable=False),
)
Index(None, topic_quotes.c.fit, topic_quotes.c.row)

topic_members: Final = Table(
    "topic_members",
    metadata,
    of_record(),
    Column("kind", Text, primary_key=True),
    Column("clause", Integer, primary_key=True, autoincrement=False),
    Column("fitted_id", Text),
    Column("base_id", Text),
    Column("topic_id", Text),
    Column("similarity", Double, nullable=False),
    sqlite_with_rowid=False,
)
Index(None, topic_members.c.topic_id, topic_members.c.seq)

topic_moves: Final = Table(
    "topic_moves",
    metadata,
    of_record(),
    Column("kind", Text, primary_key=True),
    Column("clause", Integer, primary_key=True, autoincrement=False),
    Column("version", Integer, nullable=False),
    Column("copy_key", BigInteger, nullable=False),
    Column("topic_id", Text),
)
Index(None, topic_moves.c.copy_key)

topic_changes: Final = Table(
    "topic_changes",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("step", Text, nullable=False),
    Column("topic_id", Text, nullable=False),
    Column("other_id", Text),
    Column("record_seq", Number, ForeignKey("feedback.seq", ondelete="CASCADE")),
    Column("action", Text, nullable=False),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("at", Double, nullable=False),
    Column("undone_at", Double),
    Column("undone_by", Text),
    sqlite_autoincrement=True,
)
Index(None, topic_changes.c.topic_id)
Index(None, topic_changes.c.other_id)
Index(None, topic_changes.c.record_seq)
