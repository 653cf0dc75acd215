"""Search by meaning among the records that pass a filter."""

import math
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from cxnlp.errors import InvalidInput, InvalidQuery
from cxnlp.filters import Filter
from cxnlp.index.columns import Columns
from cxnlp.index.vectors import Vectors
from cxnlp.records import Entry, Matrix, Vector

MOST_HITS: Final = 1_000
_DEAD_SHARE: Final = 0.3
_COMPACTED_FROM: Final = 1_000


@dataclass(frozen=True, slots=True)
class Hits:
    """What one query found.

    Attributes:
        ids: Of the hits, best first.
        scores: Their likeness, in [0, 1], descending.
        total: Records that pass the filter.
    """

    ids: tuple[str, ...]
    scores: tuple[float, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Query:
    """One question to the index: the vector, (dim,), the number of hits, and the filter."""

    vector: Vector = field(compare=False, repr=False)
    k: int = 10
    filter: Filter = field(default_factory=Filter)


class IndexView:
    """The index of one process. Any number of threads may search while another changes it; each search sees the state of one moment.

    Attributes:
        position: The event cursor that it has caught up to; set by whoever feeds it.
    """

    def __init__(self, dim: int, likeness: tuple[float, float]) -> None:
        """Make an empty index.

        Args:
            dim: Length of the document vectors.
            likeness: Slope and offset of the logistic curve from cosine to score; encoders differ in where their cosines lie.
        """
        self.position = 0
        self._slope, self._offset = likeness
        self._state = (Columns(), Vectors(dim))
        self._writing = threading.Lock()

    @property
    def n(self) -> int:
        """Records in the index."""
        return self._state[0].live.n_alive

    def put(self, entries: Sequence[Entry]) -> None:
        """Add the entries; one whose id is known replaces its record, and of several with one id the last counts.

        Raises:
            InvalidInput: A vector is zero, not finite or of another length; nothing is put then.
        """
        last = list({entry.id: entry for entry in entries}.values())
        if not last:
            return
        matrix = self._unit([entry.document for entry in last], [f"entry {entry.id}" for entry in last], InvalidInput)
        with self._writing:
            columns, vectors = self._state
            vectors.append(matrix)
            columns.put(last)
            self._compact()

    def remove(self, ids: Sequence[str]) -> None:
        """Take the records of these ids out; unknown ids are passed over."""
        with self._writing:
            self._state[0].remove(ids)
            self._compact()

    def vector(self, record_id: str) -> Vector | None:
        """Return the (dim,) vector of a record, as exact as 16 bits are; None if it is not in the index."""
        columns, vectors = self._state
        row = columns.row_of(record_id)
        return None if row is None else vectors.row(row)

    def search(self, vectors: npt.NDArray[np.floating], k: int = 10, filter: Filter | None = None) -> list[Hits]:
        """Return the k records most alike to each of (q, dim) vectors among those that pass the filter; fewer only if fewer pass.

        Ties are broken by the newer created_at, then by the higher seq.

        Raises:
            InvalidQuery: k is not in 1..1000, or a vector is zero, not finite or of another length.
        """
        if isinstance(k, bool) or not isinstance(k, int) or not 1 <= k <= MOST_HITS:
            raise InvalidQuery(f"k is {k!r}; write a whole number from 1 to {MOST_HITS}")
        queries = self._unit(list(np.atleast_2d(vectors)), None, InvalidQuery)
        columns, stored = self._state
        mask = columns.select(filter or Filter())
        total = int(np.count_nonzero(mask))
        hits = []
        for rows, cosines in stored.search(queries, k, mask):
            order = columns.newest_first(rows, cosines)[:k]
            hits.append(Hits(tuple(columns.ids[row] for row in rows[order]), tuple(self.likeness(float(c)) for c in cosines[order]), total))
        return hits

    def search_many(self, queries: Sequence[Query]) -> list[Hits]:
        """Return the hits of each query, those with the same filter found in one pass; made for `Coalescer`.

        Raises:
            InvalidQuery: As `search` does.
        """
        answers: dict[int, Hits] = {}
        waiting = list(enumerate(queries))
        while waiting:
            first = waiting[0][1]
            alike = [(i, query) for i, query in waiting if query.k == first.k and query.filter == first.filter]
            vectors = [np.asarray(query.vector) for _, query in alike]
            self._unit(vectors, None, InvalidQuery)
            answers |= zip((i for i, _ in alike), self.search(np.stack(vectors), first.k, first.filter), strict=True)
            waiting = [(i, query) for i, query in waiting if i not in answers]
        return [answers[i] for i in range(len(queries))]

    def facets(self, filter: Filter, name: str) -> Counter[str]:
        """Count the records that pass the filter by the values of a field; see `Columns.facets`.

        Raises:
            InvalidQuery: There is no such field.
        """
        return self._state[0].facets(filter, name)

    def likeness(self, cosine: float) -> float:
        """Return a cosine as a score in [0, 1]: the probability that two texts are alike, by the curve given at the start."""
        return 1 / (1 + math.exp(-(self._slope * cosine + self._offset)))

    def _unit(self, vectors: Sequence[npt.NDArray[np.floating]], names: Sequence[str] | None, error: type[InvalidInput]) -> Matrix:
        """Return the vectors as (n, dim) float32 of length 1."""
        dim = self._state[1].dim
        for i, vector in enumerate(vectors):
            if vector.shape != (dim,):
                raise error(f"{names[i] if names else 'query'}: the vector has shape {vector.shape}, not ({dim},); use the encoder of the index")
        matrix = np.asarray(vectors, np.float64).reshape(-1, dim)
        with np.errstate(all="ignore"):
            lengths = np.linalg.norm(matrix, axis=1)
        if len(wrong := np.flatnonzero(~(np.isfinite(lengths) & (lengths > 0)))):
            raise error(f"{names[wrong[0]] if names else 'query'}: the vector is zero or not finite; encode the text again")
        unit: Matrix = (matrix / lengths[:, None]).astype(np.float32)
        return unit

    def _compact(self) -> None:
        columns, vectors = self._state
        live = columns.live
        if live.n >= _COMPACTED_FROM and live.n - live.n_alive > _DEAD_SHARE * live.n:
            kept, rows = columns.taken()
            self._state = (kept, vectors.taken(rows))
