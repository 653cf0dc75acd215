"""The tables of alerts; `cxnlp.store.schema` says what holds for all. An alert counts over many records, and points at a few of them by `seq`."""

from typing import Final

from sqlalchemy import Boolean, Column, Double, ForeignKey, Index, Integer, Table, Text, UniqueConstraint

from cxnlp.store.schema import Number, metadata, of_record

alerts: Final = Table(
    "alerts",
    metadata,
    Column("seq", Number, primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("dimension", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("measure", Text, nullable=False),
    Column("direction", Text, nullable=False),
    Column("first_day", Integer, nullable=False),
    Column("last_day", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("historical", Boolean, nullable=False),
    Column("score", Double, nullable=False),
    Column("details", Text, nullable=False),
    Column("snoozed_until", Double),
    Column("note", Text),
    Column("author", Text),
    Column("opened_at", Double, nullable=False),
    Column("changed_at", Double, nullable=False),
    Column("resolved_at", Double),
    UniqueConstraint("id"),
    sqlite_autoincrement=True,
)
Index(None, alerts.c.opened_at, alerts.c.seq)
Index(None, alerts.c.last_day)

alert_quotes: Final = Table(
    "alert_quotes",
    metadata,
    of_record(),
    Column("alert_seq", Number, ForeignKey("alerts.seq", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("rank", Integer, nullable=False),
)
Index(None, alert_quotes.c.alert_seq)
