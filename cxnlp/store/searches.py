"""Saved searches: what people want to be told of."""

import builtins
import secrets
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import numpy as np
from sqlalchemy import Connection, Select, delete, func, insert, select, update

from cxnlp.errors import Conflict, NotFound, shorten
from cxnlp.filters import Filter, filter_line, parse_filter
from cxnlp.lines import to_iso
from cxnlp.records import Vector
from cxnlp.store.database import Database
from cxnlp.store.rows import chunks, from_json, from_seconds, to_json
from cxnlp.store.schema import events as events_table
from cxnlp.store.schema import feedback
from cxnlp.store.search_tables import saved_searches, search_examples, search_matches

MOST_SEARCHES: Final = 1_000
_ID_BYTES: Final = 8
_EMPTY: Final = "its examples were forgotten, so nothing matches; give it a text or other examples"
_N_MATCHES: Final = select(func.count()).where(search_matches.c.search_id == saved_searches.c.id).scalar_subquery()
_ROWS: Final[Select[Any]] = select(saved_searches, _N_MATCHES.label("n_matches"))


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants to be told of.

    Attributes:
        name: For people, masked.
        text: Words, a sentence or a whole complaint, masked; may be empty where there are records in `like`.
        like: Ids of records whose like is wanted.
        unlike: Ids of records that lead the wrong way.
        filter: Which records.
        least: Likeness in [0, 1] from which a record matches.
    """

    name: str
    text: str = ""
    like: tuple[str, ...] = ()
    unlike: tuple[str, ...] = ()
    filter: Filter = field(default_factory=Filter)
    least: float = 0.5


@dataclass(frozen=True, slots=True)
class SavedSearch:
    """A saved search.

    Attributes:
        id: The public id, `s-...`.
        wanted: What it is for; an example that was forgotten is no part of it any more.
        author: Who saved it.
        created_at: UTC.
        disabled_at: UTC; None while it is matched.
        after_seq: Events up to this number were there before it, or while it was disabled.
        n_matches: How many records have matched.
        encoder: Id of the encoder that `vector` is of, or None.
        vector: (dim,) of the text, or None.
    """

    id: str
    wanted: Wanted
    author: str
    created_at: datetime
    disabled_at: datetime | None = None
    after_seq: int = 0
    n_matches: int = 0
    encoder: str | None = None
    vector: Vector | None = field(default=None, compare=False, repr=False)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left to match by, since it had no text and its examples were forgotten."""
        return not self.wanted.text and not self.wanted.like

    def to_line(self) -> dict[str, Any]:
        """Return it as JSON; `warning` is there where nothing is left to match by."""
        line = {
            "id": self.id,
            "name": self.wanted.name,
            "text": self.wanted.text,
            "like": list(self.wanted.like),
            "unlike": list(self.wanted.unlike),
            "filter": filter_line(self.wanted.filter),
            "least": self.wanted.least,
            "author": self.author,
            "created_at": to_iso(self.created_at),
            "disabled_at": to_iso(self.disabled_at) if self.disabled_at else None,
            "matches": self.n_matches,
        }
        return line | {"warning": _EMPTY} if self.is_empty else line


class SearchTable:
    """The saved searches."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, wanted: Wanted, author: str) -> SavedSearch:
        """Save a search that is matched with what is analysed from now on, and return it.

        Raises:
            NotFound: A record of the examples has gone.
            Conflict: There are 1,000 already.
        """
        search_id = f"s-{secrets.token_hex(_ID_BYTES)}"
        with self._database.write() as connection:
            if (connection.execute(select(func.count()).select_from(saved_searches)).scalar() or 0) >= MOST_SEARCHES:
                raise Conflict(f"there are {MOST_SEARCHES:,} saved searches already; delete one that nobody needs")
            row = {"id": search_id, "author": author, "created_at": time.time(), "after_seq": _newest(connection)}
            connection.execute(insert(saved_searches), row | _columns(wanted))
            _write_examples(connection, search_id, wanted)
        return self.get(search_id)

    def get(self, search_id: str) -> SavedSearch:
        """Return a saved search.

        Raises:
            NotFound: There is no such search.
        """
        with self._database.read() as connection:
            found = _read(connection, _ROWS.where(saved_searches.c.id == search_id))
        if not found:
            raise NotFound(f"there is no saved search {shorten(search_id)!r}; GET /v1/searches lists them")
        return found[0]

    def list(self) -> builtins.list[SavedSearch]:
        """Return all saved searches, oldest first, the disabled ones too."""
        with self._database.read() as connection:
            return _read(connection, _ROWS.order_by(saved_searches.c.created_at, saved_searches.c.id))

    def enabled(self) -> builtins.list[SavedSearch]:
        """Return those that are matched, oldest first; their matches are not counted."""
        query: Select[Any] = select(saved_searches, func.coalesce(0, 0).label("n_matches")).where(saved_searches.c.disabled_at.is_(None))
        with self._database.read() as connection:
            return _read(connection, query.order_by(saved_searches.c.created_at, saved_searches.c.id))

    def change(self, search_id: str, wanted: Wanted, enabled: bool) -> SavedSearch:
        """Replace what a search is for, and end or resume its matching; what happened while it was disabled stays untold.

        Raises:
            NotFound: There is no such search, or a record of the examples has gone.
        """
        with self._database.write() as connection:
            old = connection.execute(select(saved_searches).where(saved_searches.c.id == search_id)).one_or_none()
            if old is None:
                raise NotFound(f"there is no saved search {shorten(search_id)!r}; GET /v1/searches lists them")
            values = _columns(wanted)
            if old.text != wanted.text:
                values |= {"encoder": None, "text_vector": None}
            if enabled != (old.disabled_at is None):
                values |= {"disabled_at": None, "after_seq": _newest(connection)} if enabled else {"disabled_at": time.time()}
            connection.execute(update(saved_searches).where(saved_searches.c.id == search_id).values(values))
            connection.execute(delete(search_examples).where(search_examples.c.search_id == search_id))
            _write_examples(connection, search_id, wanted)
        return self.get(search_id)

    def delete(self, search_id: str) -> None:
        """Delete a search with its matches.

        Raises:
            NotFound: There is no such search.
        """
        with self._database.write() as connection:
            if connection.execute(delete(saved_searches).where(saved_searches.c.id == search_id)).rowcount == 0:
                raise NotFound(f"there is no saved search {shorten(search_id)!r}; GET /v1/searches lists them")

    def keep_vector(self, search_id: str, text: str, encoder: str, vector: Vector) -> None:
        """Keep the (dim,) vector of the text of a search; nothing happens if the search has another text by now."""
        mine = (saved_searches.c.id == search_id) & (saved_searches.c.text == text)
        with self._database.write(appends=False) as connection:
            kept = {"encoder": encoder, "text_vector": vector.astype(np.float32).tobytes()}
            connection.execute(update(saved_searches).where(mine).values(kept))


def _newest(connection: Connection) -> int:
    return connection.execute(select(func.max(events_table.c.seq))).scalar() or 0


def _columns(wanted: Wanted) -> dict[str, Any]:
    return {"name": wanted.name, "text": wanted.text, "filter": to_json(filter_line(wanted.filter)), "least": wanted.least}


def _write_examples(connection: Connection, search_id: str, wanted: Wanted) -> None:
    given = {record_id: True for record_id in wanted.like} | {record_id: False for record_id in wanted.unlike}
    present = dict(connection.execute(select(feedback.c.id, feedback.c.seq).where(feedback.c.id.in_(list(given)))).all())
    if gone := [record_id for record_id in given if record_id not in present]:
        raise NotFound(f"record {shorten(gone[0])!r} does not exist; name records that do")
    if given:
        rows = [{"search_id": search_id, "seq": present[record_id], "wanted": wanted} for record_id, wanted in given.items()]
        connection.execute(insert(search_examples), rows)


def _read(connection: Connection, query: Select[Any]) -> list[SavedSearch]:
    rows = connection.execute(query).all()
    examples: dict[tuple[str, bool], list[str]] = {}
    named = select(search_examples.c.search_id, search_examples.c.wanted, feedback.c.id).join(feedback).order_by(search_examples.c.seq)
    for part in chunks(row.id for row in rows):
        for search_id, wanted, record_id in connection.execute(named.where(search_examples.c.search_id.in_(part))):
            examples.setdefault((search_id, wanted), []).append(record_id)
    return [_search(row, tuple(examples.get((row.id, True), ())), tuple(examples.get((row.id, False), ()))) for row in rows]


def _search(row: Any, like: tuple[str, ...], unlike: tuple[str, ...]) -> SavedSearch:
    wanted = Wanted(row.name, row.text, like, unlike, parse_filter(from_json(row.filter)), row.least)
    disabled_at = None if row.disabled_at is None else from_seconds(row.disabled_at)
    vector = None if row.text_vector is None else np.frombuffer(row.text_vector, np.float32)
    return SavedSearch(row.id, wanted, row.author, from_seconds(row.created_at), disabled_at, row.after_seq, row.n_matches, row.encoder, vector)
