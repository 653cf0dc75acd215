"""Records that belong to no topic yet, or hardly, and topics that emerge from them without a fit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import Connection, bindparam, func, or_, select, update

from cxnlp.store.database import Database
from cxnlp.store.events import Events
from cxnlp.store.rows import chunks
from cxnlp.store.schema import feedback, words
from cxnlp.store.topics.fits import DOCUMENTS, current_fits
from cxnlp.store.topics.results import FittedTopic, write_rows, write_topics
from cxnlp.store.topics.tables import topic_fits, topic_members, topic_of_fit, topics
from cxnlp.store.topics.topics import EMERGING

EMERGED: Final = "topic.emerging"
CURSOR: Final = "topics"
_UNMOVED: Final = or_(topic_members.c.fitted_id == topic_members.c.base_id, topic_members.c.fitted_id.is_(None) & topic_members.c.base_id.is_(None))


@dataclass(frozen=True, slots=True)
class Candidate:
    """A record without a topic that fits: its number in the store and its copy key, 0 where it has none."""

    seq: int
    copy_key: int


class CandidateTable:
    """The candidates of the active fit of whole records."""

    def __init__(self, database: Database, events: Events) -> None:
        self._database = database
        self._events = events

    def list(self, created_since: float, received_since: float, weak: float, limit: int) -> Sequence[Candidate]:
        """Return the newest records that belong to no topic, or hardly, and that no person put there, the oldest of them first.

        Args:
            created_since: POSIX seconds.
            received_since: POSIX seconds.
            weak: Cosine to its topic below which a record hardly belongs to it.
            limit: At most so many.
        """
        none = (topic_members.c.kind == DOCUMENTS) & _UNMOVED & (topic_members.c.topic_id.is_(None) | (topic_members.c.similarity < weak))
        young = (feedback.c.created_at >= created_since) & (feedback.c.received_at >= received_since)
        query = select(topic_members.c.seq, words.c.copy_key).join(feedback, feedback.c.seq == topic_members.c.seq)
        query = query.outerjoin(words, words.c.seq == feedback.c.seq).where(none, young).order_by(topic_members.c.seq.desc()).limit(limit)
        with self._database.read() as connection:
            return [Candidate(row.seq, row.copy_key or 0) for row in connection.execute(query)][::-1]

    def emerge(self, fit: tuple[int, int], topic: FittedTopic, found: Mapping[Candidate, float], holder: str, position: int) -> int:
        """Add a topic to the active fit, give it the candidates that it is made of, and move the cursor `topics`, in one transaction.

        Args:
            fit: Number and revision of the fit that it was found beside.
            topic: With an id that is new.
            found: Cosine to its centroid, in [-1, 1], of each of its records; their copies go with them.
            holder: Who holds the lease of the cursor.
            position: Number of the last event that is dealt with.

        Returns:
            How many records it got; 0 if other topics are active by now, and then it does not exist.

        Raises:
            Conflict: Another has taken the lease over; nothing was written.
        """
        with self._database.write() as connection:
            self._events.advance(connection, CURSOR, holder, position)
            taken = connection.execute(select(topics.c.id).where(topics.c.id == topic.topic_id)).first()
            if taken or current_fits(connection).get(DOCUMENTS) != fit:
                return 0
            number, revision = fit
            row = connection.execute(select(func.max(topic_of_fit.c.row)).where(topic_of_fit.c.fit == number)).scalar_one()
            write_topics(connection, DOCUMENTS, [topic], EMERGING, {})
            members = _with_copies(connection, found)
            write_rows(connection, number, [replace(topic, n=len(members))], -1 if row is None else row + 1)
            connection.execute(update(topic_fits).where(topic_fits.c.number == number).values(revision=revision + 1))
            own = update(topic_members).where(topic_members.c.seq == bindparam("of"), topic_members.c.kind == DOCUMENTS)
            given = {"fitted_id": topic.topic_id, "base_id": topic.topic_id, "topic_id": topic.topic_id, "similarity": bindparam("near")}
            connection.execute(own.values(given), [{"of": seq, "near": near} for seq, near in members.items()])
            told = {"topic": {"id": topic.topic_id, "label": topic.label}, "fit": number, "records": len(members)}
            self._events.append(connection, EMERGED, [None], [told])
        return len(members)


def _with_copies(connection: Connection, found: Mapping[Candidate, float]) -> dict[int, float]:
    members = {one.seq: near for one, near in found.items()}
    near_of = {one.copy_key: near for one, near in found.items() if one.copy_key}
    query = select(topic_members.c.seq, words.c.copy_key).join(words, words.c.seq == topic_members.c.seq)
    query = query.where(topic_members.c.kind == DOCUMENTS, _UNMOVED)
    for part in chunks(near_of):
        members |= {row.seq: near_of[row.copy_key] for row in connection.execute(query.where(words.c.copy_key.in_(part)))}
    return members
