"""Vectors, and all that a process needs to build its own index of them."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from sqlalchemy import ColumnElement, Connection, bindparam, delete, insert, select

from cxnlp.errors import Conflict
from cxnlp.filters import as_text
from cxnlp.records import Entry, Matrix, Span, Vectors
from cxnlp.store.database import Database
from cxnlp.store.generations import ACTIVE, RETIRED, generation_state, lacking
from cxnlp.store.rows import COLUMNS, Claim, chunks, claim_of, from_json, group_by_seq, to_json
from cxnlp.store.schema import analyses, corrections, feedback, generations, observations, risks, vectors, words
from cxnlp.store.topics.tables import topic_members

_CHOICES: Final = ("source", "channel", "language", "label", "intent", "segment", "customer", "topic")
_NUMBERS: Final = ("sentiment", "confidence", "satisfaction", "rating")
_ENTRIES: Final = (
    select(
        feedback.c.seq,
        feedback.c.id,
        vectors.c.document,
        vectors.c.clauses,
        *(feedback.c[name] for name in ("source", "channel", "segment", "rating", "rating_scale", "created_at", "received_at", "attributes")),
        feedback.c.customer_id.label("customer"),
        topic_members.c.topic_id.label("topic"),
        words.c.copy_key,
        *(analyses.c[name] for name in ("language", "label", "intent", "sentiment", "confidence", "satisfaction")),
    )
    .select_from(vectors)
    .join(feedback, (feedback.c.seq == vectors.c.seq) & (feedback.c.version == vectors.c.version))
    .join(analyses, (analyses.c.seq == vectors.c.seq) & (analyses.c.version == vectors.c.version))
    .outerjoin(topic_members, (topic_members.c.seq == feedback.c.seq) & (topic_members.c.kind == "documents"))
    .outerjoin(words, words.c.seq == feedback.c.seq)
)
_ACTIVE: Final = select(generations.c.id).where(generations.c.state == ACTIVE)
_VECTORS_BY_ID: Final = (  # made once, since making a statement takes longer than running it
    select(feedback.c.id, vectors.c.document, vectors.c.clauses, vectors.c.spans)
    .join(vectors, (feedback.c.seq == vectors.c.seq) & (feedback.c.version == vectors.c.version))
    .where(vectors.c.generation_id == bindparam("generation_id"), feedback.c.id.in_(bindparam("ids", expanding=True)))
)
_DOCUMENTS: Final = (  # of present versions only, since receiving a new one deletes the vectors of the old
    select(vectors.c.seq, vectors.c.document)
    .join(generations, generations.c.id == vectors.c.generation_id)
    .where(generations.c.state == ACTIVE, vectors.c.generation_id == bindparam("generation_id"))
    .where(vectors.c.seq.in_(bindparam("seqs", expanding=True)))
)


class VectorTable:
    """The vectors of all generations."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def entries(self, after_seq: int, limit: int) -> list[Entry]:
        """Return part of the active generation, by `seq`, starting behind `after_seq`; empty at the end.

        To build an index, note `Events.last_seq()`, read all rows, then follow the events from there with `entries_of`.
        """
        with self._database.read() as connection:
            active = _active(connection)
            if active is None:
                return []
            query = _ENTRIES.where(vectors.c.generation_id == active, vectors.c.seq > after_seq).order_by(vectors.c.seq).limit(limit)
            found = connection.execute(query).all()
            if not found:
                return []
            first, last = found[0].seq, found[-1].seq
            observed = _observed(connection, observations.c.seq.between(first, last))
            signals = _signals(connection, risks.c.seq.between(first, last))
        return _entries(found, observed, signals)

    def entries_of(self, record_ids: Sequence[str]) -> dict[str, Entry]:
        """Return the rows of these records in the active generation, by id; absent are those forgotten or not analysed."""
        made: dict[str, Entry] = {}
        with self._database.read() as connection:
            active = _active(connection)
            if active is None:
                return {}
            for part in chunks(dict.fromkeys(record_ids)):
                found = connection.execute(_ENTRIES.where(vectors.c.generation_id == active, feedback.c.id.in_(part))).all()
                seqs = [row.seq for row in found]
                entries = _entries(found, _observed(connection, observations.c.seq.in_(seqs)), _signals(connection, risks.c.seq.in_(seqs)))
                made |= {entry.id: entry for entry in entries}
        return made

    def get_many(self, record_ids: Sequence[str], generation_id: int | None = None) -> dict[str, Vectors]:
        """Return the document and clause vectors of records' present versions by id, of the active generation unless another is named."""
        found: dict[str, Vectors] = {}
        with self._database.read() as connection:
            of = _active(connection) if generation_id is None else generation_id
            for part in chunks(dict.fromkeys(record_ids)):
                rows = connection.execute(_VECTORS_BY_ID, {"generation_id": of, "ids": part})
                found |= {row.id: _vectors(row) for row in rows}
        return found

    def documents(self, seqs: Sequence[int], generation_id: int, dim: int) -> Matrix:
        """Return the (n, dim) float32 document vectors of records' present versions, in the order of `seqs`.

        The row is NaN where there is no such vector: the record is forgotten or not analysed anew yet, or the generation is not the active one.

        Args:
            seqs: The store's numbers of the records.
            generation_id: Of the vectors.
            dim: Length of a vector of this generation.
        """
        found: dict[int, bytes] = {}
        with self._database.read() as connection:
            for part in chunks(dict.fromkeys(seqs)):
                found |= {seq: document for seq, document in connection.execute(_DOCUMENTS, {"generation_id": generation_id, "seqs": part})}
        none = np.full(dim, np.nan, np.float16).tobytes()
        joined = b"".join([found.get(seq, none) for seq in seqs])
        return np.frombuffer(joined, np.float16).reshape(len(seqs), dim).astype(np.float32)

    def sample(self, n: int, seed: int) -> list[str]:
        """Return the ids of up to `n` records with vectors in the active generation that nobody corrected, the same for the same seed.

        Ids are hashes, so those behind any point in their order are a random sample, and an index finds them without reading the others.
        """
        start = "r-" + hashlib.sha256(str(seed).encode()).hexdigest()[:20]
        uncorrected = feedback.c.seq.not_in(select(corrections.c.seq))
        query = (
            select(feedback.c.id)
            .join(vectors, (feedback.c.seq == vectors.c.seq) & (feedback.c.version == vectors.c.version))
            .where(vectors.c.generation_id == bindparam("generation_id"), uncorrected)
            .order_by(feedback.c.id)
        )
        with self._database.read() as connection:
            of = {"generation_id": _active(connection)}
            found = list(connection.execute(query.where(feedback.c.id >= start).limit(n), of).scalars())
            return found + list(connection.execute(query.where(feedback.c.id < start).limit(n - len(found)), of).scalars())

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
    return connection.execute(_ACTIVE).scalar()


def _observed(connection: Connection, which: ColumnElement[bool]) -> Mapping[int, list[Any]]:
    named = select(observations.c.seq, observations.c.touchpoint, observations.c.stage, observations.c.cause, observations.c.sentiment)
    return group_by_seq(connection.execute(named.where(which).order_by(observations.c.seq, observations.c.position)).all())


def _signals(connection: Connection, which: ColumnElement[bool]) -> Mapping[int, list[Any]]:
    named = select(risks.c.seq, risks.c.risk)
    return group_by_seq(connection.execute(named.where(which).order_by(risks.c.seq, risks.c.risk)).all())


def _entries(found: Sequence[Any], observed: Mapping[int, list[Any]], signals: Mapping[int, list[Any]]) -> list[Entry]:
    if not found:
        return []
    documents = np.frombuffer(b"".join([row.document for row in found]), np.float16).reshape(len(found), -1).astype(np.float32)
    return [
        Entry(
            seq=row.seq,
            id=row.id,
            document=document,
            created_at=row.created_at,
            received_at=row.received_at,
            choices={name: value for name in _CHOICES if (value := getattr(row, name)) is not None},
            numbers={name: value for name in _NUMBERS if (value := getattr(row, name)) is not None},
            observations=tuple([(touchpoint, stage, cause) for _, touchpoint, stage, cause, _ in observed.get(row.seq, ())]),
            risks=tuple([risk for _, risk in signals.get(row.seq, ())]),
            attributes=_plain_attributes(row.attributes),
            clauses=np.frombuffer(row.clauses, np.float16).reshape(-1, documents.shape[1]).astype(np.float32),
            copy_key=row.copy_key or 0,
            feelings=tuple([sentiment for *_, sentiment in observed.get(row.seq, ())]),
            scale=row.rating_scale,
        )
        for row, document in zip(found, documents, strict=True)
    ]


def _plain_attributes(stored: str | None) -> dict[str, str]:
    if not stored:
        return {}
    values = from_json(stored)
    return {name: as_text(value) for name, value in values.items() if isinstance(value, str | int | float)}
