"""The hits of a search as they stand in the store now: records with their vectors and terms, from one statement."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from sqlalchemy import Select, bindparam, select

from cxnlp.records import Matrix, Record, Span, Vector
from cxnlp.store.database import Database
from cxnlp.store.generations import ACTIVE
from cxnlp.store.reading import RECORDS, read_records
from cxnlp.store.rows import chunks, from_json
from cxnlp.store.schema import feedback, generations, vectors, words

_ACTIVE: Final = select(generations.c.id).where(generations.c.state == ACTIVE).scalar_subquery()
_HITS: Final[Select[Any]] = (  # made once, since making a statement takes longer than running it
    RECORDS.add_columns(vectors.c.document, vectors.c.clauses, vectors.c.spans, words.c.terms, words.c.copy_key)
    .outerjoin(vectors, (vectors.c.seq == feedback.c.seq) & (vectors.c.version == feedback.c.version) & (vectors.c.generation_id == _ACTIVE))
    .outerjoin(words, (words.c.seq == feedback.c.seq) & (words.c.version == feedback.c.version))
    .where(feedback.c.id.in_(bindparam("ids", expanding=True)))
)


@dataclass(frozen=True, slots=True)
class StoredHit:
    """A record and what its present version has in the active generation.

    Attributes:
        record: As it is read everywhere.
        has_vectors: Whether it is encoded.
        document: (dim,) float32, L2-normalised; (0,) where it is not encoded.
        clauses: (n_clauses, dim) float32, rows L2-normalised.
        spans: Where each clause stands; n_clauses of them.
        terms: As full text stores them, see `cxnlp.text.terms`.
        copy_key: Alike in records with the same words; 0 where there are none.
    """

    record: Record
    has_vectors: bool
    document: Vector = field(compare=False, repr=False)
    clauses: Matrix = field(compare=False, repr=False)
    spans: tuple[Span, ...] = ()
    terms: tuple[str, ...] = ()
    copy_key: int = 0


def read_hits(database: Database, record_ids: Sequence[str]) -> dict[str, StoredHit]:
    """Return those of the records that exist, by id.

    Raises:
        StoreError: The database cannot be read.
    """
    found: dict[str, StoredHit] = {}
    with database.read() as connection:
        for part in chunks(dict.fromkeys(record_ids)):
            found |= {row.id: _hit(row, record) for row, record in read_records(connection, _HITS, {"ids": part})}
    return found


def _hit(row: Any, record: Record) -> StoredHit:
    document = np.frombuffer(row.document or b"", np.float16).astype(np.float32)
    spans = tuple([Span(*span) for span in from_json(row.spans)]) if row.spans else ()
    clauses = np.frombuffer(row.clauses or b"", np.float16).reshape(len(spans), len(document)).astype(np.float32)
    terms = tuple(row.terms.split(" ")) if row.terms else ()
    return StoredHit(record, row.document is not None, document, clauses, spans, terms, row.copy_key or 0)
