"""What fits of topics found: the topics of each, which record fell to which, and what new records are assigned by."""

import io
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, insert, select, update

from cxnlp.records import Matrix, Vector
from cxnlp.store.database import Database
from cxnlp.store.rows import chunks, from_json, to_json
from cxnlp.store.schema import feedback
from cxnlp.store.topics.tables import topic_fits, topic_of_fit, topic_quotes, topics


@dataclass(frozen=True, slots=True)
class Assignments:
    """What a fit made of each record or clause.

    Attributes:
        seqs: (n,) int64, the store's numbers of the records, ascending.
        clauses: (n,) int32, number of the clause in its record; -1 for a whole record.
        rows: (n,) int32, row of the fit's topics; -1 for none.
        similarities: (n,) float32, cosine to the nearest topic, in [-1, 1].
    """

    seqs: NDArray[np.int64] = field(compare=False)
    clauses: NDArray[np.int32] = field(compare=False)
    rows: NDArray[np.int32] = field(compare=False)
    similarities: Vector = field(compare=False)

    def to_bytes(self) -> bytes:
        """Return it compressed, some 3 bytes a row."""
        out = io.BytesIO()
        np.savez_compressed(
            out,
            seqs=np.diff(self.seqs, prepend=0),
            clauses=self.clauses,
            rows=self.rows,
            similarities=self.similarities.astype(np.float16),
        )
        return out.getvalue()

    @classmethod
    def from_bytes(cls, packed: bytes) -> "Assignments":
        """Return what `to_bytes` wrote."""
        with np.load(io.BytesIO(packed)) as arrays:
            return cls(np.cumsum(arrays["seqs"]), arrays["clauses"], arrays["rows"], arrays["similarities"].astype(np.float32))


@dataclass(frozen=True, slots=True)
class FittedTopic:
    """A topic as one fit found it.

    Attributes:
        topic_id: The permanent id.
        label: Its name in one line.
        words: What it is about, the most telling first.
        centroid: (dim,) float32 in the space of the fit.
        n: Records or clauses of it.
        position: Place on the map of the fit.
        quotes: (seq, clause) of what speaks for it.
    """

    topic_id: str
    label: str
    words: tuple[str, ...]
    centroid: Vector = field(compare=False, repr=False)
    n: int = 0
    position: tuple[float, float] | None = None
    quotes: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class StoredModel:
    """What new records are assigned by.

    Attributes:
        fit: Number of the fit.
        revision: How often topics were added to it.
        kind: Of the fit.
        encoder: Whose vectors it takes.
        space: As the service wrote it.
        threshold: Smallest cosine of a member.
        topic_ids: Of the t rows.
        centroids: (t, dim) float32.
    """

    fit: int
    revision: int
    kind: str
    encoder: str
    space: bytes = field(repr=False)
    threshold: float
    topic_ids: tuple[str, ...]
    centroids: Matrix = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class NewFit:
    """What a fit found, to be kept.

    Attributes:
        topics: One a row.
        assignments: Of all that was fitted.
        encoder: Whose vectors.
        space: As the service reads it.
        threshold: Smallest cosine of a member.
        told: `n_records`, `from_at`, `to_at`, `metrics`, `report`.
        split_from: Id of the topic that a new one was split from.
    """

    topics: Sequence[FittedTopic]
    assignments: Assignments
    encoder: str
    space: bytes = field(repr=False)
    threshold: float
    told: Mapping[str, Any]
    split_from: Mapping[str, str] = field(default_factory=dict)


class FittedTable:
    """The results of all fits that are done."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def topics(self, number: int) -> Sequence[FittedTopic]:
        """Return what a fit found, by row."""
        query = select(topic_of_fit).where(topic_of_fit.c.fit == number).order_by(topic_of_fit.c.row)
        quoted = select(topic_quotes).where(topic_quotes.c.fit == number).order_by(topic_quotes.c.rank)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
            quotes: dict[int, list[tuple[int, int]]] = {}
            for quote in connection.execute(quoted):
                quotes.setdefault(quote.row, []).append((quote.seq, quote.clause))
        return [_fitted(row, quotes.get(row.row, ())) for row in rows]

    def assignments(self, number: int) -> Assignments:
        """Return what a fit made of each record; empty for one without a result."""
        with self._database.read() as connection:
            packed = connection.execute(select(topic_fits.c.assignments).where(topic_fits.c.number == number)).scalar()
        none = np.zeros(0, np.int32)
        return Assignments(np.zeros(0, np.int64), none, none, np.zeros(0, np.float32)) if packed is None else Assignments.from_bytes(packed)

    def model(self, number: int) -> StoredModel | None:
        """Return what new records are assigned by; None for a fit of before versions, or one without a result."""
        query = select(topic_fits).where(topic_fits.c.number == number, topic_fits.c.space.is_not(None))
        rows = select(topic_of_fit.c.topic_id, topic_of_fit.c.centroid).where(topic_of_fit.c.fit == number).order_by(topic_of_fit.c.row)
        with self._database.read() as connection:
            fit = connection.execute(query).one_or_none()
            found = connection.execute(rows).all()
        if fit is None:
            return None
        centroids = np.stack([np.frombuffer(row.centroid, np.float32) for row in found]) if found else np.zeros((0, 0), np.float32)
        ids = tuple(row.topic_id for row in found)
        return StoredModel(number, fit.revision, fit.kind, fit.encoder, bytes(fit.space), fit.threshold, ids, centroids)


def write_rows(connection: Connection, number: int, found: Sequence[FittedTopic], first: int = 0) -> None:
    """Write what a fit found, from row `first`, within a transaction; quotes of records that are gone by now are passed over."""
    rows = [
        {"fit": number, "row": first + i, "topic_id": t.topic_id, "label": t.label, "words": to_json(t.words), "n": t.n}
        | {"centroid": t.centroid.astype(np.float32).tobytes(), "x": t.position and t.position[0], "y": t.position and t.position[1]}
        for i, t in enumerate(found)
    ]
    if rows:
        connection.execute(insert(topic_of_fit), rows)
    quoted = {seq for t in found for seq, _ in t.quotes}
    known = {seq for part in chunks(quoted) for seq in connection.execute(select(feedback.c.seq).where(feedback.c.seq.in_(part))).scalars()}
    quotes = [
        {"fit": number, "row": first + i, "seq": seq, "clause": clause, "rank": rank}
        for i, t in enumerate(found)
        for rank, (seq, clause) in enumerate(dict.fromkeys(t.quotes))
        if seq in known
    ]
    if quotes:
        connection.execute(insert(topic_quotes), quotes)


def write_topics(connection: Connection, kind: str, found: Sequence[FittedTopic], state: str, split_from: Mapping[str, str]) -> None:
    """Write the topics that are new, within a transaction; those known keep all but their state."""
    known = set(connection.execute(select(topics.c.id)).scalars())
    rows = [
        {"id": t.topic_id, "number": int(t.topic_id.removeprefix("t-")), "kind": kind, "state": state, "label": t.label, "words": to_json(t.words)}
        | {"muted": False, "split_from": split_from.get(t.topic_id), "created_at": time.time()}
        for t in found
        if t.topic_id not in known
    ]
    if rows:
        connection.execute(insert(topics), rows)
    again = [t.topic_id for t in found if t.topic_id in known]
    for part in chunks(again):
        connection.execute(update(topics).where(topics.c.id.in_(part)).values(state=state))


def _fitted(row: Any, quotes: Sequence[tuple[int, int]]) -> FittedTopic:
    position = None if row.x is None else (row.x, row.y)
    return FittedTopic(row.topic_id, row.label, tuple(from_json(row.words)), np.frombuffer(row.centroid, np.float32), row.n, position, tuple(quotes))
