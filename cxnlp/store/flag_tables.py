"""The tables of flags and of the rules that raise them; `cxnlp.store.schema` says what holds for all."""

from typing import Final

from sqlalchemy import Boolean, Column, Double, ForeignKey, Index, Integer, Table, Text, UniqueConstraint

from cxnlp.store.schema import metadata, of_record

flags: Final = Table(
    "flags",
    metadata,
    of_record(),
    Column("rule", Text, primary_key=True),
    Column("id", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("level", Integer, nullable=False),
    Column("reasons", Text, nullable=False),
    Column("raised_at", Double, nullable=False),
    Column("deadline", Double),
    Column("state", Text, nullable=False),
    Column("historical", Boolean, nullable=False),
    Column("note", Text),
    Column("author", Text),
    Column("changed_at", Double, nullable=False),
    Column("judged", Integer),
    Column("rule_version", Integer),
    Column("owner", Text),
    Column("priority", Integer),
    Column("explanation", Text),
    Column("overdue_at", Double),
    UniqueConstraint("id"),
)
"""`level` is the present one; `judged` what the rule says of the record itself, 0 where that raises it no more and only repeats keep it."""
Index(None, flags.c.raised_at, flags.c.seq)
Index(None, flags.c.state, flags.c.overdue_at, flags.c.deadline)

flag_repeats: Final = Table(
    "flag_repeats",
    metadata,
    of_record(),
    Column("rule", Text, primary_key=True),
    Column("flag_id", Text, ForeignKey("flags.id", ondelete="CASCADE"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("at", Double, nullable=False),
)
Index(None, flag_repeats.c.flag_id)

flag_rules: Final = Table(
    "flag_rules",
    metadata,
    Column("name", Text, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("content", Text),
    Column("author", Text, nullable=False),
    Column("at", Double, nullable=False),
)
"""A version without content says that the rule was deleted."""
