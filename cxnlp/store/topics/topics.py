"""The permanent topics: what they are called, how people put them in order, and who belongs to them."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, func, select, tuple_

from cxnlp.errors import InvalidQuery, NotFound, shorten
from cxnlp.filters import Filter
from cxnlp.store.database import Database
from cxnlp.store.paging import decode_cursor, encode_cursor
from cxnlp.store.rows import from_json
from cxnlp.store.schema import feedback
from cxnlp.store.topics.fits import active_fit
from cxnlp.store.topics.tables import topic_members, topic_of_fit, topic_quotes, topics

EMERGING: Final = "emerging"
_MOST_LISTED: Final = 1_000
_CLAUSES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class StoredTopic:
    """One topic.

    Attributes:
        id: `t-` and its number, never used again for another.
        kind: What it groups, one of `cxnlp.store.topics.fits.KINDS`.
        state: `fitted`, or `emerging` until a fit finds it again.
        label: Its automatic name in one line.
        words: What it is about, the most telling first.
        names: What people call it, by language, `zh` and `en`.
        muted: Whether lists leave it out.
        parent: Id of the topic that it stands under.
        pinned: (touchpoint, cause or None) that people say it is.
        merged_into: Id of the topic that its records belong to now.
        is_active: Whether the active fit of its kind has it.
        n: Records or clauses that belong to it.
        position: Its place on the map of the active fit.
    """

    id: str
    kind: str
    state: str
    label: str
    words: tuple[str, ...]
    names: Mapping[str, str]
    muted: bool = False
    parent: str | None = None
    pinned: tuple[str, str | None] | None = None
    merged_into: str | None = None
    is_active: bool = True
    n: int = 0
    position: tuple[float, float] | None = None

    def to_line(self) -> dict[str, Any]:
        """Return it as JSON."""
        pinned = None if self.pinned is None else {"touchpoint": self.pinned[0], "cause": self.pinned[1]}
        line: dict[str, Any] = {"id": self.id, "kind": self.kind, "state": self.state, "label": self.label, "words": list(self.words), "n": self.n}
        line |= {"names": dict(self.names), "muted": self.muted, "parent": self.parent, "pinned": pinned, "merged_into": self.merged_into}
        return line | {"active": self.is_active, "position": None if self.position is None else list(self.position)}


@dataclass(frozen=True, slots=True)
class Belonging:
    """A record, or one clause of it, that belongs to a topic: `clause` is -1 for the whole; `similarity` to the nearest topic in [-1, 1]."""

    record_id: str
    seq: int
    clause: int
    similarity: float


class TopicTable:
    """All topics."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self, kind: str = "documents", *, active_only: bool = True) -> Sequence[StoredTopic]:
        """Return the topics of a kind, the largest first; those merged into others only with the inactive ones."""
        with self._database.read() as connection:
            found = _read(connection, kind)
        return [topic for topic in found if topic.is_active or not active_only]

    def get(self, topic_id: str) -> StoredTopic:
        """Return a topic, an inactive or merged one, too.

        Raises:
            NotFound: There is no such topic.
        """
        with self._database.read() as connection:
            kind = connection.execute(select(topics.c.kind).where(topics.c.id == topic_id)).scalar()
            found = [] if kind is None else [topic for topic in _read(connection, kind) if topic.id == topic_id]
        if not found:
            raise no_topic(topic_id)
        return found[0]

    def highest(self) -> int:
        """Return the highest number that a topic ever had, 0 where there was none."""
        with self._database.read() as connection:
            return connection.execute(select(func.max(topics.c.number))).scalar() or 0

    def resolutions(self) -> dict[str, str]:
        """Return the topic that each merged topic's records belong to, by the merged one's id."""
        with self._database.read() as connection:
            return resolutions(connection)

    def kinds(self, topic_ids: Sequence[str]) -> dict[str, str]:
        """Return what those of these topics group that exist, by id, inactive and merged ones, too."""
        with self._database.read() as connection:
            return dict(connection.execute(select(topics.c.id, topics.c.kind).where(topics.c.id.in_(topic_ids))).all())

    def settled(self, filter: Filter) -> Filter:
        """Return the filter with the topics that merged ones became in their place."""
        if not filter.topic:
            return filter
        merged = self.resolutions()
        return replace(filter, topic=tuple(dict.fromkeys(merged.get(topic_id, topic_id) for topic_id in filter.topic)))

    def families(self) -> dict[str, str]:
        """Return the topic that each part was split from, by the part's id, for splits that stand."""
        query = select(topics.c.id, topics.c.split_from).where(topics.c.split_from.is_not(None), topics.c.merged_into.is_(None))
        with self._database.read() as connection:
            return {row.id: row.split_from for row in connection.execute(query)}

    def belonging(
        self, topic_id: str, cursor: str | None = None, limit: int = 50, *, newest_first: bool = False
    ) -> tuple[Sequence[Belonging], str | None]:
        """Return part of what belongs to a topic, the most typical first, and the cursor of the next part.

        Args:
            topic_id: Of the topic.
            cursor: Of the part before.
            limit: 1 to 1,000.
            newest_first: By creation time instead.

        Raises:
            InvalidQuery: The limit is out of range, or the cursor is damaged or of another list.
        """
        if not 1 <= limit <= _MOST_LISTED:
            raise InvalidQuery(f"limit is {limit}; write 1 to {_MOST_LISTED}")
        scope = hashlib.sha256(f"topic {topic_id} {newest_first}".encode("utf-8", "surrogatepass")).digest()[:8]
        first = feedback.c.created_at if newest_first else topic_members.c.similarity
        place = topic_members.c.seq * _CLAUSES + topic_members.c.clause
        query = select(feedback.c.id, topic_members, first.label("first"), place.label("place")).join_from(topic_members, feedback)
        query = query.where(topic_members.c.topic_id == topic_id).order_by(first.desc(), place.desc()).limit(limit + 1)
        if cursor is not None:
            query = query.where(tuple_(first, place) < tuple_(*decode_cursor(cursor, scope)))
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        found = [Belonging(row.id, row.seq, row.clause, row.similarity) for row in rows[:limit]]
        return found, encode_cursor(rows[limit - 1].first, rows[limit - 1].place, scope) if len(rows) > limit else None

    def quoted(self, topic_id: str) -> Sequence[tuple[str, int]]:
        """Return (record id, clause) of what speaks for a topic in the active fit of its kind, the most typical first."""
        with self._database.read() as connection:
            kind = connection.execute(select(topics.c.kind).where(topics.c.id == topic_id)).scalar()
            fit = None if kind is None else active_fit(connection, kind)
            row = (topic_of_fit.c.fit == topic_quotes.c.fit) & (topic_of_fit.c.row == topic_quotes.c.row)
            query = select(feedback.c.id, topic_quotes.c.clause).join_from(topic_quotes, topic_of_fit, row).join(feedback)
            own = (topic_quotes.c.fit == fit) & (topic_of_fit.c.topic_id == topic_id)
            return [(found.id, found.clause) for found in connection.execute(query.where(own).order_by(topic_quotes.c.rank))]

    def assigned(self) -> tuple[NDArray[np.int64], Sequence[str]]:
        """Return the numbers of all records that belong to a topic, ascending, and the topic's id of each."""
        query = select(topic_members.c.seq, topic_members.c.topic_id).order_by(topic_members.c.seq)
        whole = query.where(topic_members.c.kind == "documents", topic_members.c.topic_id.is_not(None))
        with self._database.read() as connection:
            rows = connection.execute(whole).all()
        return np.array([row[0] for row in rows], np.int64), [row[1] for row in rows]


def no_topic(topic_id: str) -> NotFound:
    """Return the error that says there is no such topic."""
    return NotFound(f"there is no topic {shorten(topic_id)!r}; `cxnlp topics list --all` or GET /v1/topics?all=true lists them")


def resolutions(connection: Connection) -> dict[str, str]:
    """Return the topic that each merged topic's records belong to, within a transaction."""
    into = dict(connection.execute(select(topics.c.id, topics.c.merged_into).where(topics.c.merged_into.is_not(None))).all())
    return {topic_id: _end(topic_id, into) for topic_id in into}


def _end(topic_id: str, into: Mapping[str, str]) -> str:
    while topic_id in into:
        topic_id = into[topic_id]
    return topic_id


def _read(connection: Connection, kind: str) -> list[StoredTopic]:
    merged = resolutions(connection)
    fit = active_fit(connection, kind)
    rows = connection.execute(select(topic_of_fit.c.topic_id, topic_of_fit.c.x, topic_of_fit.c.y).where(topic_of_fit.c.fit == fit)).all()
    active = {merged.get(row.topic_id, row.topic_id) for row in rows}
    places = {row.topic_id: (row.x, row.y) for row in rows if row.x is not None}
    counted = select(topic_members.c.topic_id, func.count()).where(topic_members.c.kind == kind).group_by(topic_members.c.topic_id)
    sizes: dict[str | None, int] = dict(connection.execute(counted).all())
    found = [
        StoredTopic(
            id=row.id,
            kind=row.kind,
            state=row.state,
            label=row.label,
            words=tuple(from_json(row.words)),
            names={language: name for language, name in (("zh", row.name_zh), ("en", row.name_en)) if name},
            muted=row.muted,
            parent=None if row.parent_id is None else merged.get(row.parent_id, row.parent_id),
            pinned=None if row.touchpoint is None else (row.touchpoint, row.cause),
            merged_into=merged.get(row.id),
            is_active=row.id in active and row.id not in merged,
            n=sizes.get(row.id, 0),
            position=places.get(row.id),
        )
        for row in connection.execute(select(topics).where(topics.c.kind == kind).order_by(topics.c.number))
    ]
    return sorted(found, key=lambda topic: -topic.n)
