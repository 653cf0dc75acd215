"""The tables, as the newest migration leaves them.

Times are POSIX seconds in UTC as double precision. Lists and mappings are JSON text. Every row that holds or describes what a customer said hangs
on `feedback.seq` by a cascading foreign key, so that forgetting a record cannot miss a table.
"""

from typing import Any, Final

from sqlalchemy import BigInteger, Boolean, Column, Double, ForeignKey, Index, Integer, LargeBinary, MetaData, Table, Text, UniqueConstraint

REVISION: Final = "0011"
MOST_ATTEMPTS: Final = 3
"""At so many `attempts` a row of `pending` leaves the queue as failed."""

metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite numbers rows by itself only where the type is spelled INTEGER.
Number: Final = BigInteger().with_variant(Integer(), "sqlite")


def of_record() -> Column[int]:
    """Return the key of a row that goes when its record is forgotten."""
    return Column("seq", Number, ForeignKey("feedback.seq", ondelete="CASCADE"), primary_key=True, autoincrement=False)


def _content(*, keep_versions: bool = False) -> list[Column[Any]]:
    return [
        Column("version", Integer, primary_key=keep_versions, autoincrement=False, nullable=False),
        Column("channel", Text, nullable=False),
        Column("text", Text, nullable=False),
        Column("turns", Text),
        Column("created_at", Double, nullable=False),
        Column("updated_at", Double),
        Column("received_at", Double, nullable=False),
        Column("historical", Boolean, nullable=False),
        Column("rating_scale", Text),
        Column("rating_value", Double),
        Column("rating", Double),
        Column("customer_id", Text),
        Column("segment", Text),
        Column("attributes", Text),
        Column("fingerprint", Text, nullable=False),
    ]


feedback: Final = Table(
    "feedback",
    metadata,
    Column("seq", Number, primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("external_id", Text, nullable=False),
    *_content(),
    UniqueConstraint("id"),
    UniqueConstraint("source", "external_id"),
    sqlite_autoincrement=True,
)
Index(None, feedback.c.created_at, feedback.c.seq)
Index(None, feedback.c.customer_id, feedback.c.created_at)

feedback_history: Final = Table("feedback_history", metadata, of_record(), *_content(keep_versions=True))

pending: Final = Table(
    "pending",
    metadata,
    of_record(),
    Column("version", Integer, nullable=False),
    Column("holder", Text),
    Column("leased_until", Double),
    Column("attempts", Integer, nullable=False),
    Column("error", Text),
)

generations: Final = Table(
    "generations",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("encoder", Text, nullable=False),
    Column("splitter", Text, nullable=False),
    Column("dim", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    sqlite_autoincrement=True,
)

analyses: Final = Table(
    "analyses",
    metadata,
    of_record(),
    Column("version", Integer, nullable=False),
    Column("generation_id", Number, ForeignKey("generations.id"), nullable=False),
    Column("line", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("sentiment", Double, nullable=False),
    Column("label", Text, nullable=False),
    Column("confidence", Double, nullable=False),
    Column("intent", Text, nullable=False),
    Column("satisfaction", Double),
    Column("analyzed_at", Double, nullable=False),
)

observations: Final = Table(
    "observations",
    metadata,
    of_record(),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("touchpoint", Text, nullable=False),
    Column("stage", Text, nullable=False),
    Column("cause", Text),
    Column("sentiment", Double, nullable=False),
    sqlite_with_rowid=False,
)
Index(None, observations.c.touchpoint, observations.c.cause)

risks: Final = Table("risks", metadata, of_record(), Column("risk", Text, primary_key=True), sqlite_with_rowid=False)

vectors: Final = Table(
    "vectors",
    metadata,
    of_record(),
    Column("generation_id", Number, ForeignKey("generations.id"), primary_key=True, autoincrement=False),
    Column("version", Integer, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("clauses", LargeBinary, nullable=False),
    Column("spans", Text, nullable=False),
)

words: Final = Table(  # full text over it is told apart in `cxnlp.store.fulltext`
    "words",
    metadata,
    of_record(),
    Column("version", Integer, nullable=False),
    Column("terms", Text, nullable=False),
    Column("copy_key", BigInteger, nullable=False),
)
Index(None, words.c.copy_key)

corrections: Final = Table(
    "corrections",
    metadata,
    of_record(),
    Column("field", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("at", Double, nullable=False),
    Column("fingerprint", Text, nullable=False),
)

events: Final = Table(
    "events",
    metadata,
    Column("seq", Number, primary_key=True, autoincrement=True),
    Column("type", Text, nullable=False),
    Column("record_id", Text),
    Column("data", Text, nullable=False),
    Column("at", Double, nullable=False),
    sqlite_autoincrement=True,
)

cursors: Final = Table(
    "cursors",
    metadata,
    Column("name", Text, primary_key=True),
    Column("position", Number, nullable=False),
    Column("holder", Text),
    Column("leased_until", Double),
)

api_keys: Final = Table(
    "api_keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("revoked_at", Double),
    UniqueConstraint("hash"),
)

webhooks: Final = Table(
    "webhooks",
    metadata,
    Column("id", Text, primary_key=True),
    Column("url", Text, nullable=False),
    Column("events", Text, nullable=False),
    Column("secret", Text, nullable=False),
    Column("after_seq", Number, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("disabled_at", Double),
    Column("format", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("filter", Text, nullable=False),
    Column("old_secret", Text),
    Column("old_secret_until", Double),
)

deliveries: Final = Table(
    "deliveries",
    metadata,
    Column("webhook_id", Text, ForeignKey("webhooks.id", ondelete="CASCADE"), primary_key=True),
    Column("event_seq", Number, ForeignKey("events.seq", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("record_id", Text),
    Column("status", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", Double, nullable=False),
    Column("holder", Text),
    Column("leased_until", Double),
    Column("last_error", Text),
    Column("response_status", Integer),
)
Index(None, deliveries.c.event_seq)
# Of those that wait only: what was delivered in 30 days is a hundred times as much.
for _columns in (("event_seq",), ("next_at",), ("record_id", "event_seq")):
    Index(
        f"ix_deliveries_pending_{_columns[0]}",
        deliveries.c.webhook_id,
        *(deliveries.c[name] for name in _columns),
        sqlite_where=deliveries.c.status == "pending",
        postgresql_where=deliveries.c.status == "pending",
    )

head_versions: Final = Table(
    "head_versions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("parent", Text, nullable=False),
    Column("encoder", Text, nullable=False),
    Column("n_corrections", Integer, nullable=False),
    Column("metrics", Text, nullable=False),
    Column("card", Text, nullable=False),
    Column("weights", LargeBinary, nullable=False),
    Column("author", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    UniqueConstraint("number"),
)

head_activations: Final = Table(
    "head_activations",
    metadata,
    Column("seq", Number, primary_key=True, autoincrement=True),
    Column("version_id", Text, ForeignKey("head_versions.id")),
    Column("author", Text, nullable=False),
    Column("at", Double, nullable=False),
    Column("undone_at", Double),
    sqlite_autoincrement=True,
)

retrains: Final = Table(
    "retrains",
    metadata,
    Column("id", Text, primary_key=True),
    Column("author", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("stage", Text, nullable=False),
    Column("share", Double, nullable=False),
    Column("started_at", Double, nullable=False),
    Column("leased_until", Double, nullable=False),
    Column("ended_at", Double),
    Column("version_id", Text, ForeignKey("head_versions.id")),
    Column("outcome", Text),
)
