"""Who belongs to which topic now: what the active fit says, then what people moved, then what people merged.

Each row keeps all three: `fitted_id` by the fit, `base_id` where people put it or else the same, `topic_id` after merges. None is for those far from
all topics. Copies of one text always have the same topic.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, delete, func, insert, select, update

from cxnlp.errors import Conflict
from cxnlp.filters import Filter
from cxnlp.records import Vector
from cxnlp.store.conditions import ANALYZED as ANALYZED_RECORDS
from cxnlp.store.conditions import condition
from cxnlp.store.database import Database
from cxnlp.store.events import ANALYZED, Events
from cxnlp.store.rows import chunks
from cxnlp.store.schema import analyses, events, feedback, words
from cxnlp.store.topics.fits import DOCUMENTS, DONE, active_fit, current_fits
from cxnlp.store.topics.tables import topic_activations, topic_fits, topic_members, topic_moves, topic_of_fit, topics
from cxnlp.store.topics.topics import resolutions

ACTIVATED: Final = "topic.activated"
_ROWS_AT_ONCE: Final = 20_000


@dataclass(frozen=True, slots=True)
class Assigned:
    """What falls to which topic by the centroids of one fit.

    Attributes:
        seqs: (n,) int64, the store's numbers of the records.
        clauses: (n,) int32, -1 for a whole record.
        topic_ids: n ids by the fit, None for those far from all.
        similarities: (n,) float32, cosine to the nearest topic.
    """

    seqs: NDArray[np.int64] = field(compare=False)
    clauses: NDArray[np.int32] = field(compare=False)
    topic_ids: Sequence[str | None]
    similarities: Vector = field(compare=False)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where records or clauses stand in the active fit.

    Attributes:
        seqs: (n,) int64, the store's numbers of the records.
        clauses: (n,) int32, -1 for a whole record.
        fitted_ids: n ids by the fit, None for those far from all.
        base_ids: The same after people's moves.
        topic_ids: The same after their merges.
        similarities: (n,) float32, cosine to the nearest topic.
    """

    seqs: NDArray[np.int64] = field(compare=False)
    clauses: NDArray[np.int32] = field(compare=False)
    fitted_ids: Sequence[str | None]
    base_ids: Sequence[str | None]
    topic_ids: Sequence[str | None]
    similarities: Vector = field(compare=False)


@dataclass(frozen=True, slots=True)
class Placed:
    """Topics of newly analysed records, to be saved with their analyses.

    Attributes:
        fits: The fits that they are of, as `TopicFits.current` gave them.
        rows: (kind, clause, topic id or None, similarity) by record id.
    """

    fits: Mapping[str, tuple[int, int]]
    rows: Mapping[str, Sequence[tuple[str, int, str | None, float]]]


class MemberTable:
    """The members of the topics of the active fits."""

    def __init__(self, database: Database, events: Events) -> None:
        self._database = database
        self._events = events

    def standing(self, kind: str) -> Standing:
        """Return where all records or clauses stand, by seq and clause."""
        query = select(topic_members).where(topic_members.c.kind == kind).order_by(topic_members.c.seq, topic_members.c.clause)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        seqs, clauses = np.array([row.seq for row in rows], np.int64), np.array([row.clause for row in rows], np.int32)
        similarities = np.array([row.similarity for row in rows], np.float32)
        fitted, based, settled = ([getattr(row, name) for row in rows] for name in ("fitted_id", "base_id", "topic_id"))
        return Standing(seqs, clauses, fitted, based, settled, similarities)

    def copy_keys(self, seqs: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return (n,) the copy key of each record, 0 where there is none."""
        with self._database.read() as connection:
            rows = connection.execute(select(words.c.seq, words.c.copy_key).order_by(words.c.seq)).all()
        known = np.array([row.seq for row in rows], np.int64)
        keys = np.array([row.copy_key for row in rows] + [0], np.int64)
        places = np.searchsorted(known, seqs)
        is_known = np.append(known, -1)[places] == seqs
        found: NDArray[np.int64] = np.where(is_known, keys[places], 0)
        return found

    def analyzed(self, filter: Filter | None = None) -> NDArray[np.int64]:
        """Return the numbers of all analysed records, or of those that pass a filter, ascending."""
        with self._database.read() as connection:
            query = select(analyses.c.seq).order_by(analyses.c.seq)
            if filter is not None and not filter.is_empty:
                query = query.select_from(ANALYZED_RECORDS).where(analyses.c.seq.is_not(None), condition(filter, connection))
            return np.array(connection.execute(query).scalars().all(), np.int64)

    def received_since(self, at: float) -> NDArray[np.int64]:
        """Return the numbers of records whose present content came after a POSIX time."""
        with self._database.read() as connection:
            return np.array(connection.execute(select(feedback.c.seq).where(feedback.c.received_at >= at)).scalars().all(), np.int64)

    def previous(self, kind: str) -> int:
        """Return the number of the fit that would be active if the last activation were undone.

        Raises:
            Conflict: There is none.
        """
        with self._database.read() as connection:
            standing = (topic_activations.c.kind == kind) & topic_activations.c.undone_at.is_(None)
            found = connection.execute(select(topic_activations.c.fit).where(standing).order_by(topic_activations.c.seq.desc()).limit(2)).scalars()
            numbers: list[int] = list(found)
        if len(numbers) < 2:
            raise Conflict(f"no activation of {kind} is left to undo; `cxnlp topics activate NUMBER` takes another version")
        return numbers[1]

    def activate(
        self, fit: int, assigned: Assigned, since: int, late: Callable[[Sequence[str]], Assigned], author: str, *, undo: bool = False
    ) -> None:
        """Make a fit the active one of its kind and rebuild who belongs to which topic, in one transaction.

        Args:
            fit: Its number.
            assigned: What is analysed, by this fit.
            since: Number of the last event before `assigned` was read.
            late: Assigns the records of these ids, analysed since then.
            author: Who says so.
            undo: Undo the last activation instead of adding one.

        Raises:
            Conflict: The fit has no result, or another activation was undone meanwhile.
        """
        now = time.time()
        with self._database.write() as connection:
            row = connection.execute(select(topic_fits.c.kind, topic_fits.c.state, topic_fits.c.n_items).where(topic_fits.c.number == fit)).one()
            if row.n_items is None:
                raise Conflict(f"fit {fit} is {row.state}; only one with a result can be activated")
            if row.state != DONE:
                done = {"state": DONE, "stage": "done", "share": 1.0, "ended_at": now, "outcome": None}
                connection.execute(update(topic_fits).where(topic_fits.c.number == fit).values(done))
            _note(connection, row.kind, fit, author, undo)
            if active_fit(connection, row.kind) != fit:
                raise Conflict("another version was activated meanwhile; look at the list and try again")
            changed = select(events.c.record_id).distinct().where(events.c.seq > since, events.c.type == ANALYZED)
            ids = [record_id for record_id in connection.execute(changed).scalars() if record_id]
            connection.execute(delete(topic_members).where(topic_members.c.kind == row.kind))
            news = late(ids)
            self._insert(connection, row.kind, fit, _without(connection, assigned, ids))
            self._insert(connection, row.kind, fit, news)
            _name(connection, fit)
            told = {"fit": fit, "kind": row.kind, "author": author, "at": now}
            self._events.append(connection, ACTIVATED, [None], [told])

    def _insert(self, connection: Connection, kind: str, fit: int, assigned: Assigned) -> None:
        moved, merged = moves(connection, kind), resolutions(connection)
        known = targets(connection, fit, merged)
        columns = assigned.seqs.tolist(), assigned.clauses.tolist(), assigned.topic_ids, assigned.similarities.tolist()
        rows = _rows(kind, zip(*columns, strict=True), {place: to for place, to in moved.items() if to in known}, merged)
        for part in _parts(rows):
            connection.execute(insert(topic_members), part)


def place(connection: Connection, placed: Placed, seqs: Mapping[str, int]) -> None:
    """Write the topics of records that are being saved, within that transaction.

    A copy of what is known goes where that stands.

    Args:
        connection: Of the transaction.
        placed: What was found.
        seqs: The numbers of the records that are saved, by id.

    Raises:
        Conflict: Another fit is active by now.
    """
    if current_fits(connection) != dict(placed.fits):
        raise Conflict("other topics became active meanwhile; assign the records anew")
    if not placed.fits:
        return
    for part in chunks(seqs.values()):
        connection.execute(delete(topic_members).where(topic_members.c.seq.in_(part)))
    merged = resolutions(connection)
    for kind, (fit, _) in placed.fits.items():
        found = [
            (seq, *row[1:]) for record_id, seq in sorted(seqs.items(), key=lambda pair: pair[1]) for row in placed.rows[record_id] if row[0] == kind
        ]
        known = targets(connection, fit, merged)
        moved = {where: to for where, to in moves(connection, kind, list(seqs.values())).items() if to in known}
        rows = list(_rows(kind, found, moved, merged))
        if kind == DOCUMENTS:
            rows = _as_copies(connection, rows)
        if rows:
            connection.execute(insert(topic_members), rows)


def moves(connection: Connection, kind: str, seqs: Sequence[int] | None = None) -> dict[tuple[int, int], str | None]:
    """Return where people put records or clauses, by seq and clause: of all records, or of some; copies of a record go with it."""
    current = (feedback.c.seq == topic_moves.c.seq) & (feedback.c.version == topic_moves.c.version)
    copies = select(words.c.seq, topic_moves.c.clause, topic_moves.c.topic_id).join_from(topic_moves, feedback, current)
    copies = copies.join(words, (words.c.copy_key == topic_moves.c.copy_key) & (topic_moves.c.copy_key != 0))
    own = select(topic_moves.c.seq, topic_moves.c.clause, topic_moves.c.topic_id).join_from(topic_moves, feedback, current)
    found: dict[tuple[int, int], str | None] = {}
    for query, seq in ((copies, words.c.seq), (own, topic_moves.c.seq)):
        asked = query.where(topic_moves.c.kind == kind)
        for part in [None] if seqs is None else chunks(seqs):
            rows = connection.execute(asked if part is None else asked.where(seq.in_(part)))
            found |= {(row[0], row[1]): row[2] for row in rows}
    return found


def _rows(kind: str, found: Any, moved: Mapping[tuple[int, int], str | None], merged: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    for seq, clause, fitted, similarity in found:
        base = moved.get((seq, clause), fitted)
        topic = base if base is None else merged.get(base, base)
        yield {"seq": seq, "kind": kind, "clause": clause, "fitted_id": fitted, "base_id": base, "topic_id": topic, "similarity": similarity}


def _as_copies(connection: Connection, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rows of whole records with the topic of the first that says the same, be it stored or one of them."""
    seqs = [row["seq"] for row in rows]
    keys: dict[int, int] = {}
    for part in chunks(seqs):
        keys |= dict(connection.execute(select(words.c.seq, words.c.copy_key).where(words.c.seq.in_(part), words.c.copy_key != 0)).all())
    standing: dict[int, Any] = {}
    among = (topic_members.c.seq == words.c.seq) & (topic_members.c.kind == DOCUMENTS)
    for part in chunks(set(keys.values())):
        firsts = select(func.min(words.c.seq)).join(topic_members, among).where(words.c.copy_key.in_(part)).group_by(words.c.copy_key)
        query = select(words.c.copy_key, topic_members).join(topic_members, among).where(words.c.seq.in_(firsts))
        standing |= {row.copy_key: {name: getattr(row, name) for name in ("fitted_id", "base_id", "topic_id")} for row in connection.execute(query)}
    for row in rows:
        if key := keys.get(row["seq"]):
            row |= standing.setdefault(key, {name: row[name] for name in ("fitted_id", "base_id", "topic_id")})
    return list(rows)


def targets(connection: Connection, fit: int, merged: Mapping[str, str]) -> set[str | None]:
    """Return what a move may lead to in a fit: a topic it found, one that such were merged into, or none."""
    ids = connection.execute(select(topic_of_fit.c.topic_id).where(topic_of_fit.c.fit == fit)).scalars().all()
    active = {merged.get(i, i) for i in ids}
    return {None, *ids, *active, *(i for i, into in merged.items() if into in active)}


def _note(connection: Connection, kind: str, fit: int, author: str, undo: bool) -> None:
    if not undo:
        connection.execute(insert(topic_activations), {"kind": kind, "fit": fit, "author": author, "at": time.time()})
        return
    standing = (topic_activations.c.kind == kind) & topic_activations.c.undone_at.is_(None)
    last = select(func.max(topic_activations.c.seq)).where(standing).scalar_subquery()
    connection.execute(update(topic_activations).where(topic_activations.c.seq == last).values(undone_at=time.time()))


def _without(connection: Connection, assigned: Assigned, ids: Sequence[str]) -> Assigned:
    """Return what is still analysed, without the records of these ids."""
    known = np.array(connection.execute(select(analyses.c.seq)).scalars().all(), np.int64)
    others = {seq for part in chunks(ids) for seq in connection.execute(select(feedback.c.seq).where(feedback.c.id.in_(part))).scalars()}
    kept = np.isin(assigned.seqs, known) & ~np.isin(assigned.seqs, np.array(sorted(others), np.int64))
    topic_ids = [topic_id for topic_id, is_kept in zip(assigned.topic_ids, kept.tolist(), strict=True) if is_kept]
    return Assigned(assigned.seqs[kept], assigned.clauses[kept], topic_ids, assigned.similarities[kept])


def _name(connection: Connection, fit: int) -> None:
    """Give the topics of a fit the labels that it found."""
    query = select(topic_of_fit.c.topic_id, topic_of_fit.c.label, topic_of_fit.c.words).where(topic_of_fit.c.fit == fit)
    for row in connection.execute(query).all():
        connection.execute(update(topics).where(topics.c.id == row.topic_id).values(label=row.label, words=row.words))


def _parts(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    part: list[dict[str, Any]] = []
    for row in rows:
        part.append(row)
        if len(part) == _ROWS_AT_ONCE:
            yield part
            part = []
    if part:
        yield part
