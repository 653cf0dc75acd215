"""Topics of the active fit, and the record that belongs to each."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete, func, insert, select, update

from cxnlp.records import Vector
from cxnlp.store.database import Database
from cxnlp.store.events import Events
from cxnlp.store.rows import chunks, from_json, to_json
from cxnlp.store.schema import feedback, topic_members, topics

FITTED = "topic.fitted"


@dataclass(frozen=True, slots=True)
class StoredTopic:
    """One topic.

    Attributes:
        id: `t-` and its number, never used again for another.
        number: The number.
        label: Its name in one line.
        words: What it is about, most telling first.
        centroid: (dim,) float32 in the space of its fit.
        is_active: Whether the last fit found it.
        n: Records that belong to it.
    """

    id: str
    number: int
    label: str
    words: tuple[str, ...]
    centroid: Vector = field(compare=False, repr=False)
    is_active: bool = True
    n: int = 0


class TopicTable:
    """All topics."""

    def __init__(self, database: Database, events: Events) -> None:
        self._database = database
        self._events = events

    def list(self, *, active_only: bool = True) -> list[StoredTopic]:
        """Return topics, the largest first."""
        n = func.count(topic_members.c.seq)
        query = select(topics, n.label("n")).outerjoin(topic_members).group_by(*topics.c).order_by(n.desc(), topics.c.number)
        if active_only:
            query = query.where(topics.c.is_active)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return [
            StoredTopic(r.id, r.number, r.label, tuple(from_json(r.words)), np.frombuffer(r.centroid, np.float32), r.is_active, r.n) for r in rows
        ]

    def members(self) -> dict[str, set[str]]:
        """Return the ids of the records of each active topic."""
        query = select(topic_members.c.topic_id, feedback.c.id).join(feedback, feedback.c.seq == topic_members.c.seq)
        found: dict[str, set[str]] = {}
        with self._database.read() as connection:
            for topic_id, record_id in connection.execute(query):
                found.setdefault(topic_id, set()).add(record_id)
        return found

    def assigned(self) -> tuple[NDArray[np.int64], Sequence[str]]:
        """Return the numbers of all records that belong to a topic, ascending, and the topic's id of each."""
        query = select(topic_members.c.seq, topic_members.c.topic_id).order_by(topic_members.c.seq)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return np.array([row[0] for row in rows], np.int64), [row[1] for row in rows]

    def replace(self, fitted: Sequence[StoredTopic], members: Mapping[int, tuple[str, float]]) -> None:
        """Make a fit the active one, in one transaction; topics that it lacks stay known but inactive.

        Args:
            fitted: All topics of the fit; `n` is not read.
            members: Topic id and similarity in [-1, 1] by the record's seq; records forgotten meanwhile are passed over.
        """
        now = time.time()
        with self._database.write() as connection:
            connection.execute(delete(topic_members))
            connection.execute(update(topics).values(is_active=False))
            connection.execute(delete(topics).where(topics.c.id.in_([topic.id for topic in fitted])))
            rows = [
                {"id": t.id, "number": t.number, "label": t.label, "words": to_json(t.words), "centroid": t.centroid.tobytes(), "is_active": True}
                | {"fitted_at": now}
                for t in fitted
            ]
            if rows:
                connection.execute(insert(topics), rows)
            for part in chunks(members):
                known = connection.execute(select(feedback.c.seq).where(feedback.c.seq.in_(part))).scalars()
                belonging = [{"seq": seq, "topic_id": members[seq][0], "similarity": members[seq][1]} for seq in known]
                if belonging:
                    connection.execute(insert(topic_members), belonging)
            self._events.append(connection, FITTED, [None], [{"topics": len(fitted), "records": len(members)}])
