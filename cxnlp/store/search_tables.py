"""The tables of saved searches, apart from the others since those fill their module; `cxnlp.store.schema` says what holds for all."""

from typing import Final

from sqlalchemy import Boolean, Column, Double, ForeignKey, Index, LargeBinary, Table, Text

from cxnlp.store.schema import Number, metadata, of_record


def _of_search() -> Column[str]:
    return Column("search_id", Text, ForeignKey("saved_searches.id", ondelete="CASCADE"), primary_key=True)


saved_searches: Final = Table(
    "saved_searches",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("filter", Text, nullable=False),
    Column("least", Double, nullable=False),
    Column("author", Text, nullable=False),
    Column("after_seq", Number, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("disabled_at", Double),
    Column("encoder", Text),
    Column("text_vector", LargeBinary),
)

search_examples: Final = Table(
    "search_examples",
    metadata,
    of_record(),
    _of_search(),
    Column("wanted", Boolean, nullable=False),
)
Index(None, search_examples.c.search_id)

search_matches: Final = Table(
    "search_matches",
    metadata,
    of_record(),
    _of_search(),
    Column("score", Double, nullable=False),
    Column("historical", Boolean, nullable=False),
    Column("at", Double, nullable=False),
)
Index(None, search_matches.c.search_id, search_matches.c.at, search_matches.c.seq)
