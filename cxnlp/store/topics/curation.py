"""What people made of topics: names, order, merges and moves, each with who, when, and the way back."""

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, insert, or_, select, update

from cxnlp.errors import Conflict, InvalidQuery
from cxnlp.lines import to_iso
from cxnlp.store.database import Database
from cxnlp.store.events import Events
from cxnlp.store.rows import from_json, from_seconds, to_json
from cxnlp.store.schema import feedback
from cxnlp.store.topics.fits import active_fit
from cxnlp.store.topics.members import targets
from cxnlp.store.topics.moving import move_back, move_one
from cxnlp.store.topics.tables import topic_changes, topic_members, topics
from cxnlp.store.topics.topics import no_topic, resolutions

CHANGED: Final = "topic.changed"
MERGE: Final = "merge"
MOVE: Final = "move"
SPLIT: Final = "split"
_ORDERING: Final = (MERGE, SPLIT)
_MOST_LISTED: Final = 200


@dataclass(frozen=True, slots=True)
class TopicChange:
    """One thing that a person did.

    Attributes:
        number: In the order of time.
        step: What was done at once shares it, and is undone at once.
        topic_id: What was changed.
        other_id: The other topic that it touches: merged into, split off, moved from.
        action: rename, mute, nest, pin, merge, split or move.
        before: What was before.
        after: What is since.
        author: Who did it.
        at: UTC.
        record_id: What was moved.
        undone_at: UTC; None while it stands.
        undone_by: Who undid it.
    """

    number: int
    step: str
    topic_id: str
    other_id: str | None
    action: str
    before: Any
    after: Any
    author: str
    at: datetime
    record_id: str | None = None
    undone_at: datetime | None = None
    undone_by: str | None = None

    def to_line(self) -> dict[str, Any]:
        """Return it as JSON."""
        line: dict[str, Any] = {"number": self.number, "action": self.action, "topic": self.topic_id, "other": self.other_id}
        line |= {"record_id": self.record_id, "before": None if self.action == MOVE else self.before, "after": self.after}
        line |= {"author": self.author, "at": to_iso(self.at), "undone_by": self.undone_by}
        return line | {"undone_at": to_iso(self.undone_at) if self.undone_at else None}


class CurationTable:
    """All changes by people."""

    def __init__(self, database: Database, events: Events) -> None:
        self._database = database
        self._events = events

    def change(self, topic_id: str, changes: Mapping[str, Mapping[str, Any]], author: str) -> None:
        """Set columns of a topic; each action can be undone by itself.

        Args:
            topic_id: Of the topic.
            changes: New values of name_zh, name_en, muted, parent_id, touchpoint, cause, by the action: rename, mute, nest or pin.
            author: Who says so.

        Raises:
            NotFound: There is no such topic, or no such parent.
            Conflict: It was merged into another.
            InvalidQuery: It would stand under itself, or under a topic of another kind.
        """
        with self._database.write() as connection:
            row = _standing(connection, topic_id)
            for action, values in changes.items():
                if parent_id := values.get("parent_id"):
                    _check_parent(connection, row, parent_id)
                before = {name: getattr(row, name) for name in values}
                if before != dict(values):
                    connection.execute(update(topics).where(topics.c.id == topic_id).values(dict(values)))
                    self._note(connection, [{"topic_id": topic_id, "other_id": None, "before": before, "after": dict(values)}], action, author)

    def merge(self, topic_ids: Sequence[str], into: str, author: str) -> None:
        """Let the records of some topics belong to another from now on, in all fits to come, too.

        Raises:
            NotFound: There is no such topic.
            Conflict: One was merged already.
            InvalidQuery: They are the same, or of different kinds.
        """
        with self._database.write() as connection:
            target = _standing(connection, into)
            for topic_id in topic_ids:
                row = _standing(connection, topic_id)
                if topic_id == into or row.kind != target.kind:
                    raise InvalidQuery(f"{topic_id} cannot be merged into {into}: both must be different topics of one kind")
                connection.execute(update(topics).where(topics.c.id == topic_id).values(merged_into=into))
                connection.execute(update(topic_members).where(topic_members.c.topic_id == topic_id).values(topic_id=into))
            rows = [{"topic_id": i, "other_id": into, "before": {}, "after": {"merged_into": into}} for i in dict.fromkeys(topic_ids)]
            self._note(connection, rows, MERGE, author)

    def note_split(self, topic_id: str, parts: Sequence[str], fit: int, author: str) -> None:
        """Note that a topic was split into itself and these parts by a fit."""
        with self._database.write() as connection:
            rows = [{"topic_id": topic_id, "other_id": part, "before": {}, "after": {"part": part, "fit": fit}} for part in parts]
            self._note(connection, rows, SPLIT, author)

    def move(self, kind: str, places: Sequence[tuple[str, int]], to: str | None, author: str) -> int:
        """Put records, with all their copies, or clauses into another topic, or into none; return how many rows that are.

        Args:
            kind: Of the topics.
            places: (record id, clause), clause -1 for whole records.
            to: Id of the topic; None for none.
            author: Who says so.

        Raises:
            NotFound: There is no such topic or record, or it has no place among these topics.
            Conflict: The topic is not part of the active version.
        """
        with self._database.write() as connection:
            merged = resolutions(connection)
            if to is not None and _standing(connection, to).kind != kind:
                raise InvalidQuery(f"{to} does not group {kind}")
            fit = active_fit(connection, kind)
            if fit is None or to not in targets(connection, fit, merged):
                raise Conflict(f"{to or kind} is not part of the active version; activate one that has it")
            rows: list[dict[str, Any]] = []
            n_moved = 0
            for record_id, clause in places:
                row, n = move_one(connection, kind, (record_id, clause), to, merged)
                rows.append(row)
                n_moved += n
            self._note(connection, rows, MOVE, author)
        return n_moved

    def undo(self, topic_id: str, author: str) -> Sequence[TopicChange]:
        """Undo the last change of a topic that still stands, with all that was done at once with it, and return it.

        Raises:
            NotFound: There is no such topic.
            Conflict: Nothing is left to undo, or a later merge or split of what it touches stands.
        """
        touching = or_(topic_changes.c.topic_id == topic_id, topic_changes.c.other_id == topic_id)
        standing = topic_changes.c.undone_at.is_(None)
        with self._database.write() as connection:
            _row(connection, topic_id)
            query = select(topic_changes.c.step).where(touching, standing).order_by(topic_changes.c.number.desc()).limit(1)
            step = connection.execute(query).scalar()
            if step is None:
                raise Conflict(f"no change of {topic_id} is left to undo")
            rows = connection.execute(_CHANGES.where(topic_changes.c.step == step).order_by(topic_changes.c.number)).all()
            _check_order(connection, rows)
            for row in rows:
                _take_back(connection, row)
            done = {"undone_at": time.time(), "undone_by": author}
            connection.execute(update(topic_changes).where(topic_changes.c.step == step).values(done))
            told = {"topic": topic_id, "action": rows[0].action, "author": author, "undone": True}
            self._events.append(connection, CHANGED, [None], [told])
            return [_change(row) for row in connection.execute(_CHANGES.where(topic_changes.c.step == step)).all()]

    def history(self, topic_id: str) -> Sequence[TopicChange]:
        """Return the last 200 changes of a topic, newest first, undone ones too.

        Raises:
            NotFound: There is no such topic.
        """
        touching = or_(topic_changes.c.topic_id == topic_id, topic_changes.c.other_id == topic_id)
        with self._database.read() as connection:
            _row(connection, topic_id)
            query = _CHANGES.where(touching).order_by(topic_changes.c.number.desc()).limit(_MOST_LISTED)
            return [_change(row) for row in connection.execute(query)]

    def _note(self, connection: Connection, rows: Sequence[Mapping[str, Any]], action: str, author: str) -> None:
        now, step = time.time(), uuid.uuid4().hex
        same = {"step": step, "action": action, "author": author, "at": now, "record_seq": None}
        noted = [same | dict(row) | {"before": to_json(row["before"]), "after": to_json(row["after"])} for row in rows]
        if noted:
            connection.execute(insert(topic_changes), noted)
        ids = dict.fromkeys(row["topic_id"] for row in rows)
        told = [{"topic": i, "action": action, "author": author, "undone": False} for i in ids]
        self._events.append(connection, CHANGED, [None] * len(told), told)


_CHANGES: Final = select(topic_changes, feedback.c.id.label("record_id")).outerjoin(feedback, feedback.c.seq == topic_changes.c.record_seq)


def _row(connection: Connection, topic_id: str) -> Any:
    row = connection.execute(select(topics).where(topics.c.id == topic_id)).one_or_none()
    if row is None:
        raise no_topic(topic_id)
    return row


def _standing(connection: Connection, topic_id: str) -> Any:
    row = _row(connection, topic_id)
    if row.merged_into is not None:
        raise Conflict(f"{topic_id} was merged into {row.merged_into}; name that, or undo the merge")
    return row


def _check_parent(connection: Connection, row: Any, parent_id: str) -> None:
    if _standing(connection, parent_id).kind != row.kind:
        raise InvalidQuery(f"{row.id} and {parent_id} are of different kinds")
    parents = dict(connection.execute(select(topics.c.id, topics.c.parent_id)).all())
    merged = resolutions(connection)
    above: str | None = parent_id
    while above is not None:
        if merged.get(above, above) == row.id:
            raise InvalidQuery(f"{row.id} cannot stand under {parent_id}, which stands under it; choose another parent")
        above = parents[above]


def _check_order(connection: Connection, rows: Sequence[Any]) -> None:
    """Refuse to undo what a later merge or split rests on."""
    ids = {i for row in rows for i in (row.topic_id, row.other_id) if i}
    later = (topic_changes.c.number > rows[-1].number) & topic_changes.c.undone_at.is_(None) & topic_changes.c.action.in_(_ORDERING)
    touched = or_(topic_changes.c.topic_id.in_(ids), topic_changes.c.other_id.in_(ids))
    if rows[0].action in (*_ORDERING, MOVE) and (found := connection.execute(select(topic_changes).where(later, touched).limit(1)).first()):
        raise Conflict(f"a later {found.action} of {found.topic_id} and {found.other_id} comes first; undo that, then this")


def _take_back(connection: Connection, row: Any) -> None:
    before, after = from_json(row.before), from_json(row.after)
    if row.action == MERGE:
        connection.execute(update(topics).where(topics.c.id == row.topic_id).values(merged_into=None))
        merged = resolutions(connection)
        of = {row.topic_id, *(i for i, into in merged.items() if into == row.topic_id)}
        survivor = merged.get(row.other_id, row.other_id)
        theirs = update(topic_members).where(topic_members.c.topic_id == survivor, topic_members.c.base_id.in_(of))
        connection.execute(theirs.values(topic_id=row.topic_id))
    elif row.action == SPLIT:
        connection.execute(update(topics).where(topics.c.id == row.other_id).values(merged_into=row.topic_id, split_from=None))
        connection.execute(update(topic_members).where(topic_members.c.topic_id == row.other_id).values(topic_id=row.topic_id))
    elif row.action == MOVE:
        move_back(connection, row.record_seq, before, after)
    else:
        connection.execute(update(topics).where(topics.c.id == row.topic_id).values(before))


def _change(row: Any) -> TopicChange:
    undone_at = None if row.undone_at is None else from_seconds(row.undone_at)
    told = (row.number, row.step, row.topic_id, row.other_id, row.action, from_json(row.before), from_json(row.after), row.author)
    return TopicChange(*told, from_seconds(row.at), row.record_id, undone_at, row.undone_by)
