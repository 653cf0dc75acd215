"""Which records have matched which saved searches: each once."""

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, insert, select, tuple_

from cxnlp.errors import InvalidQuery
from cxnlp.records import rounded
from cxnlp.store.database import Database
from cxnlp.store.events import Events
from cxnlp.store.paging import decode_cursor, encode_cursor
from cxnlp.store.rows import chunks, from_seconds
from cxnlp.store.schema import feedback
from cxnlp.store.search_tables import saved_searches, search_matches

MATCHED: Final = "search.matched"
CURSOR: Final = "searches"
_MOST_LISTED: Final = 1_000


@dataclass(frozen=True, slots=True)
class Match:
    """A record that matched a saved search.

    Attributes:
        search_id: Of the search.
        record_id: Of the record.
        score: Likeness in [0, 1].
        historical: Whether nobody is to be told.
        at: When it was noted, UTC; None before.
    """

    search_id: str
    record_id: str
    score: float
    historical: bool = False
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class MatchPage:
    """Part of the matches of a search; `next_cursor` is None at the end."""

    matches: list[Match]
    next_cursor: str | None


class MatchTable:
    """The matches of all saved searches."""

    def __init__(self, database: Database, events: Events) -> None:
        self._database = database
        self._events = events

    def apply(self, matches: Sequence[Match], holder: str, position: int) -> int:
        """Note new matches, tell of them and advance the cursor `searches`, in one transaction.

        A record that has matched a search before is passed over, and so are records that are gone and searches that are gone or disabled by now.

        Args:
            matches: At most one for a search and record.
            holder: Who holds the lease of the cursor.
            position: Number of the last event that the matches come from.

        Returns:
            How many events were appended.

        Raises:
            Conflict: Another has taken the lease over; nothing was written.
        """
        n_told = 0
        with self._database.write() as connection:
            names = dict(connection.execute(select(saved_searches.c.id, saved_searches.c.name).where(saved_searches.c.disabled_at.is_(None))).all())
            for part in chunks([match for match in matches if match.search_id in names]):
                n_told += self._note(connection, part, names)
            self._events.advance(connection, CURSOR, holder, position)
        return n_told

    def page(self, search_id: str, cursor: str | None = None, limit: int = 50) -> MatchPage:
        """Return part of the matches of a search, newest first; none for a search that is not there.

        Args:
            search_id: Of the search.
            cursor: `next_cursor` of the part before.
            limit: 1 to 1,000.

        Raises:
            InvalidQuery: The limit is out of range, or the cursor is damaged or of another list.
        """
        if not 1 <= limit <= _MOST_LISTED:
            raise InvalidQuery(f"limit is {limit}; write 1 to {_MOST_LISTED}")
        scope = hashlib.sha256(f"matches {search_id}".encode("utf-8", "surrogatepass")).digest()[:8]
        key = (search_matches.c.at, search_matches.c.seq)
        query = select(search_matches, feedback.c.id.label("record_id")).join(feedback).where(search_matches.c.search_id == search_id)
        if cursor is not None:
            query = query.where(tuple_(*key) < tuple_(*decode_cursor(cursor, scope)))
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(*(column.desc() for column in key)).limit(limit + 1)).all()
        last = rows[limit - 1] if len(rows) > limit else None
        found = [Match(search_id, row.record_id, row.score, row.historical, from_seconds(row.at)) for row in rows[:limit]]
        return MatchPage(found, None if last is None else encode_cursor(last.at, last.seq, scope))

    def _note(self, connection: Connection, matches: Sequence[Match], names: Mapping[str, str]) -> int:
        present = select(feedback.c.id, feedback.c.seq).where(feedback.c.id.in_({match.record_id for match in matches}))
        seqs = dict(connection.execute(present).all())
        noted = select(search_matches.c.search_id, search_matches.c.seq).where(search_matches.c.seq.in_(list(seqs.values())))
        known = {tuple(row) for row in connection.execute(noted)}
        new = [m for m in matches if m.record_id in seqs and (m.search_id, seqs[m.record_id]) not in known]
        if not new:
            return 0
        now = time.time()
        rows = [{"search_id": m.search_id, "seq": seqs[m.record_id], "score": m.score, "historical": m.historical, "at": now} for m in new]
        connection.execute(insert(search_matches), rows)
        told = [m for m in new if not m.historical]
        data = [{"search": {"id": m.search_id, "name": names[m.search_id]}, "score": rounded(m.score)} for m in told]
        self._events.append(connection, MATCHED, [m.record_id for m in told], data)
        return len(told)
