"""Full text, which SQLite and PostgreSQL do differently: how many records hold a term, which, and which hold several in a row.

Over the terms of `words`, each taken as it is, an index is kept by triggers (migration 0005): FTS5 on SQLite, a GIN index over a tsvector on
PostgreSQL.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, Engine, TextClause, text

from cxnlp.store.dialect import is_sqlite, run_apart

Seqs: TypeAlias = npt.NDArray[np.int64]

MOST_COUNTED: Final = 10_000
"""Records beyond so many are not counted one by one."""
MOST_ENTRIES: Final = 10_000
"""Entries of the index that one search may read, which bounds its time on a million records."""
# SQLite reads all rows for min and max in one SELECT.
_ENDS: Final = text("SELECT (SELECT min(seq) FROM words) AS first, (SELECT max(seq) FROM words) AS last")
_SQLITE_COUNT: Final = """
    SELECT count(*) AS n, coalesce(max(rowid), 0) AS last
    FROM (SELECT rowid FROM fulltext WHERE fulltext MATCH :query{i} ORDER BY rowid LIMIT :limit)
"""
_SQLITE_FIND: Final = """
    SELECT group_concat(rowid)
    FROM (SELECT rowid FROM fulltext WHERE fulltext MATCH :query{i} AND rowid BETWEEN :first AND :last ORDER BY rowid DESC LIMIT :limit)
"""
_POSTGRES_COMMON: Final = text("""
    SELECT term, share FROM pg_stats, unnest(most_common_elems::text::text[], most_common_elem_freqs) AS each (term, share)
    WHERE schemaname = current_schema() AND tablename = 'words' AND attname = 'vector' AND term = ANY (:terms)
""")
_POSTGRES_COUNTS: Final = text("""
    SELECT (SELECT count(*) FROM (SELECT FROM words WHERE vector @@ CAST(query AS tsquery) LIMIT :limit) AS found)
    FROM unnest(CAST(:queries AS text[])) WITH ORDINALITY AS each (query, place) ORDER BY place
""")
# Without OFFSET 0 the planner might walk along the primary key, and read all records for a rare term.
_POSTGRES_FINDS: Final = text("""
    SELECT ARRAY(
        SELECT seq FROM (SELECT seq FROM words WHERE vector @@ CAST(query AS tsquery) AND seq BETWEEN :first AND :last OFFSET 0) AS found
        ORDER BY seq DESC LIMIT :limit
    )
    FROM unnest(CAST(:queries AS text[])) WITH ORDINALITY AS each (query, place) ORDER BY place
""")


def count_records(connection: Connection) -> int:
    """Return about how many records have words: forgotten ones leave gaps that are not seen."""
    row = connection.execute(_ENDS).one()
    return 0 if row.last is None else int(row.last - row.first + 1)


def count_terms(connection: Connection, terms: Sequence[str], n_records: int) -> Mapping[str, int]:
    """Return how many records hold each of the terms.

    Args:
        connection: Within a transaction.
        terms: Distinct.
        n_records: As `count_records` tells.

    Returns:
        Exact up to 10,000; beyond, estimated from where the 10,000th stands (SQLite) or from the statistics (PostgreSQL).
    """
    if is_sqlite(connection):
        rows = _ask_sqlite(connection, _SQLITE_COUNT, [_quoted(connection, term) for term in terms], {"limit": MOST_COUNTED})
        return {term: _scaled(row.n, row.last, n_records) for term, row in zip(terms, rows, strict=True)}
    common = {row.term: round(row.share * n_records) for row in connection.execute(_POSTGRES_COMMON, {"terms": list(terms)})}
    rare = [term for term in terms if term not in common]
    asked = {"queries": [_quoted(connection, term) for term in rare], "limit": MOST_COUNTED}
    counted = connection.execute(_POSTGRES_COUNTS, asked).scalars().all() if rare else []
    return common | dict(zip(rare, counted, strict=True))


def find_each(connection: Connection, terms: Sequence[str], limit: int, span: tuple[int, int], beside: Sequence[str] = ()) -> dict[str, Seqs]:
    """Return for each term the seqs of the records that hold it, newest first.

    Args:
        connection: Within a transaction.
        terms: Distinct.
        limit: At most so many for each.
        span: First and last seq to look among.
        beside: If given, only records that hold any of these as well.
    """
    if not terms:
        return {}
    either, both = (" OR ", " AND ") if is_sqlite(connection) else (" | ", " & ")
    others = f"{both}({either.join(_quoted(connection, term) for term in beside)})" if beside else ""
    found = _find(connection, [_quoted(connection, term) + others for term in terms], limit, span)
    return dict(zip(terms, found, strict=True))


def find_row(connection: Connection, terms: Sequence[str], limit: int, span: tuple[int, int]) -> Seqs:
    """Return the seqs of records that hold the terms next to each other in this order, newest first.

    On PostgreSQL only among the first 16,383 terms of a record.
    """
    joint = " + " if is_sqlite(connection) else " <-> "
    return _find(connection, [joint.join(_quoted(connection, term) for term in terms)], limit, span)[0]


def merge(engine: Engine) -> None:
    """Take the terms of deleted records out of the index, in which they stay until its parts are merged."""
    if is_sqlite(engine):
        run_apart(engine, "INSERT INTO fulltext (fulltext) VALUES ('optimize')")
        return
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("REINDEX INDEX CONCURRENTLY ix_words_vector")  # vacuuming leaves the terms themselves in place


def _scaled(n: int, last: int, n_records: int) -> int:
    return n if n < MOST_COUNTED else round(n * max(1.0, n_records / last))


def _ask_sqlite(connection: Connection, one: str, queries: Sequence[str], also: Mapping[str, int]) -> list[Any]:
    """Return a row for each query, in order; one statement, since what surrounds a statement takes longer than it does."""
    if not queries:
        return []
    return list(connection.execute(_several(one, len(queries)), {**also, **{f"query{i}": query for i, query in enumerate(queries)}}))


@cache
def _several(one: str, n: int) -> TextClause:
    return text(" UNION ALL ".join(f"SELECT * FROM ({one.replace('{i}', str(i))})" for i in range(n)))


def _find(connection: Connection, queries: Sequence[str], limit: int, span: tuple[int, int]) -> list[Seqs]:
    asked = {"limit": limit, "first": span[0], "last": span[1]}
    if not is_sqlite(connection):  # one statement, since each is a way to the server and back
        return [np.array(found, np.int64) for found in connection.execute(_POSTGRES_FINDS, asked | {"queries": list(queries)}).scalars()]
    listed = _ask_sqlite(connection, _SQLITE_FIND, queries, asked)
    return [np.fromstring(found, np.int64, sep=",") if found else np.zeros(0, np.int64) for (found,) in listed]


def _quoted(connection: Connection, term: str) -> str:
    if is_sqlite(connection):
        return '"' + term.replace('"', '""') + '"'
    return "'" + term.replace("\\", "\\\\").replace("'", "''") + "'"
