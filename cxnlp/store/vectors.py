"""Vectors, and all that a process needs to build its own index of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Connection, delete, insert, select

from cxnlp.errors import Conflict
from cxnlp.records import Span, Vector, Vectors
from cxnlp.store.database import Database
from cxnlp.store.generations import ACTIVE, RETIRED, generation_state, lacking
from cxnlp.store.rows import COLUMNS, Claim, chunks, claim_of, from_json, group_by_seq, to_json
from cxnlp.store.schema import analyses, feedback, generations, observations, risks, vectors


@dataclass(frozen=True, slots=True)
class IndexRow:
    """One record as an index knows it: its vector and all that a `Filter` asks for, corrections applied.

    Attributes:
        seq: Its place in the order of first receipt.
        id: Of the record.
        document: (dim,) float32, L2-normalised up to the precision of float16.
        observations: (touchpoint, stage, cause or None) of each.
        risks: Ids.
        topic: Its id.
        rating: The customer's own, in [-1, 1].
        created_at: POSIX seconds.
        received_at: POSIX seconds.

    The others are the fields of the record of the same name.
    """

    seq: int
    id: str
    document: Vector = field(compare=False, repr=False)
    source: str
    channel: str
    language: str
    label: str
    intent: str
    sentiment: float
    confidence: float
    satisfaction: float | None
    rating: float | None
    segment: str | None
    customer: str | None
    created_at: float
    received_at: float
    attributes: Mapping[str, Any]
    observations: tuple[tuple[str, str, str | None], ...]
    risks: tuple[str, ...]
    topic: str | None = None


_NAMES = ("source", "channel"), ("language", "label", "intent", "sentiment", "confidence", "satisfaction")
_ROWS = (
    select(
        feedback.c.seq,
        feedback.c.id,
        vectors.c.document,
        *(feedback.c[name] for name in _NAMES[0]),
        *(analyses.c[name] for name in _NAMES[1]),
        *(feedback.c[name] for name in ("rating", "segment", "customer_id", "created_at", "received_at", "attributes")),
    )
    .select_from(vectors)
    .join(feedback, (feedback.c.seq == vectors.c.seq) & (feedback.c.version == vectors.c.version))
    .join(analyses, (analyses.c.seq == vectors.c.seq) & (analyses.c.version == vectors.c.version))
)


class VectorTable:
    """The vectors of all generations."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def rows(self, after_seq: int, limit: int) -> list[IndexRow]:
        """Return part of the active generation, by `seq`, starting behind `after_seq`; empty at the end.

        To build an index, note `Events.last_seq()`, read all rows, then follow the events from there with `rows_of`.
        """
        with self._database.read() as connection:
            active = _active(connection)
            if active is None:
                return []
            query = _ROWS.where(vectors.c.generation_id == active, vectors.c.seq > after_seq).order_by(vectors.c.seq).limit(limit)
            found = connection.execute(query).all()
            if not found:
                return []
            first, last = found[0].seq, found[-1].seq
            observed = _observed(connection, observations.c.seq.between(first, last))
            signals = _signals(connection, risks.c.seq.between(first, last))
        return _index_rows(found, observed, signals)

    def rows_of(self, record_ids: Sequence[str]) -> dict[str, IndexRow]:
        """Return the rows of these records in the active generation, by id; absent are those forgotten or not analysed."""
        made: dict[str, IndexRow] = {}
        with self._database.read() as connection:
            active = _active(connection)
            if active is None:
                return {}
            for part in chunks(dict.fromkeys(record_ids)):
                found = connection.execute(_ROWS.where(vectors.c.generation_id == active, feedback.c.id.in_(part))).all()
                seqs = [row.seq for row in found]
                rows = _index_rows(found, _observed(connection, observations.c.seq.in_(seqs)), _signals(connection, risks.c.seq.in_(seqs)))
                made |= {row.id: row for row in rows}
        return made

    def get_many(self, record_ids: Sequence[str], generation_id: int | None = None) -> dict[str, Vectors]:
        """Return the document and clause vectors of records' present versions by id, of the active generation unless another is named."""
        found: dict[str, Vectors] = {}
        with self._database.read() as connection:
            of = _active(connection) if generation_id is None else generation_id
            query = (
                select(feedback.c.id, vectors.c.document, vectors.c.clauses, vectors.c.spans)
                .join(vectors, (feedback.c.seq == vectors.c.seq) & (feedback.c.version == vectors.c.version))
                .where(vectors.c.generation_id == of)
            )
            for part in chunks(dict.fromkeys(record_ids)):
                found |= {row.id: _vectors(row) for row in connection.execute(query.where(feedback.c.id.in_(part)))}
        return found

    def missing(self, generation_id: int, limit: int, after_seq: int = 0) -> list[Claim]:
        """Return analysed records whose present version lacks vectors of a generation, by `seq`, starting behind `after_seq`.

        Empty from `after_seq` 0 means that the generation is complete.
        """
        seqs = lacking(generation_id).where(feedback.c.seq > after_seq).order_by(feedback.c.seq).limit(limit)
        with self._database.read() as connection:
            found: list[Claim] = []
            for part in chunks(connection.execute(seqs).scalars()):
                rows = connection.execute(select(*COLUMNS).where(feedback.c.seq.in_(part)).order_by(feedback.c.seq))
                found += [claim_of(row) for row in rows]
        return found

    def save(self, generation_id: int, rows: Sequence[tuple[str, int, Vectors]]) -> int:
        """Store vectors of (record id, version, vectors) in a generation; return how many were of a present version, others are dropped.

        Raises:
            Conflict: The generation is unknown or retired.
        """
        by_id = {record_id: (version, made) for record_id, version, made in rows}
        with self._database.write() as connection:
            if generation_state(connection, generation_id) in (None, RETIRED):
                raise Conflict(f"generation {generation_id} is retired; begin a new one")
            stored = []
            for part in chunks(by_id):
                query = select(feedback.c.seq, feedback.c.id, feedback.c.version).where(feedback.c.id.in_(part))
                present = [row for row in connection.execute(query) if row.version == by_id[row.id][0]]
                old = vectors.c.seq.in_([row.seq for row in present]) & (vectors.c.generation_id == generation_id)
                connection.execute(delete(vectors).where(old))
                stored += [vector_row(row.seq, generation_id, row.version, by_id[row.id][1]) for row in present]
            if stored:
                connection.execute(insert(vectors), stored)
        return len(stored)


def vector_row(seq: int, generation_id: int, version: int, made: Vectors) -> dict[str, Any]:
    """Return the columns of `vectors`."""
    return {
        "seq": seq,
        "generation_id": generation_id,
        "version": version,
        "document": made.document.astype(np.float16).tobytes(),
        "clauses": made.clauses.astype(np.float16).tobytes(),
        "spans": to_json([(span.start, span.end, span.turn) for span in made.spans]),
    }


def _vectors(row: Any) -> Vectors:
    document = np.frombuffer(row.document, np.float16).astype(np.float32)
    clauses = np.frombuffer(row.clauses, np.float16).reshape(-1, len(document)).astype(np.float32)
    return Vectors(document, clauses, tuple(Span(*span) for span in from_json(row.spans)))


def _active(connection: Connection) -> int | None:
    return connection.execute(select(generations.c.id).where(generations.c.state == ACTIVE)).scalar()


def _observed(connection: Connection, which: ColumnElement[bool]) -> Mapping[int, list[Any]]:
    named = select(observations.c.seq, observations.c.touchpoint, observations.c.stage, observations.c.cause)
    return group_by_seq(connection.execute(named.where(which).order_by(observations.c.seq, observations.c.position)).all())


def _signals(connection: Connection, which: ColumnElement[bool]) -> Mapping[int, list[Any]]:
    named = select(risks.c.seq, risks.c.risk)
    return group_by_seq(connection.execute(named.where(which).order_by(risks.c.seq, risks.c.risk)).all())


def _index_rows(found: Sequence[Any], observed: Mapping[int, list[Any]], signals: Mapping[int, list[Any]]) -> list[IndexRow]:
    if not found:
        return []
    documents = np.frombuffer(b"".join([row[2] for row in found]), np.float16).reshape(len(found), -1).astype(np.float32)
    made: list[IndexRow] = []
    for (seq, record_id, _, *columns, attributes), document in zip(found, documents, strict=True):
        pairs = tuple([(touchpoint, stage, cause) for _, touchpoint, stage, cause in observed.get(seq, ())])
        signalled = tuple([risk for _, risk in signals.get(seq, ())])
        values: list[Any] = [seq, record_id, document, *columns, from_json(attributes) if attributes else {}, pairs, signalled]
        made.append(IndexRow(*values))
    return made
