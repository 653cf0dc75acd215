"""Search by meaning among the records that pass a filter."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from cxnlp.errors import InvalidInput, InvalidQuery, shorten
from cxnlp.filters import Filter
from cxnlp.index.clauses import ClauseCodes
from cxnlp.index.coded import Mask
from cxnlp.index.columns import Columns, Live
from cxnlp.index.ids import is_id
from cxnlp.index.passing import Passing
from cxnlp.index.ranking import Fetch, Found, Ranker, pool_for
from cxnlp.index.vectors import Vectors
from cxnlp.likeness import to_likeness
from cxnlp.records import Entry, Matrix, Vector

MOST_HITS: Final = 1_000
MOST_NAMED: Final = 20_000
"""Of so many records that pass a filter the numbers can be asked."""
_DEAD_SHARE: Final = 0.3
_COMPACTED_FROM: Final = 1_000
_MASKS_KEPT: Final = 8


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


@dataclass(frozen=True, slots=True)
class Parts:
    """All that an index holds; row i of each is the same record."""

    columns: Columns
    vectors: Vectors
    clauses: ClauseCodes


class IndexView:
    """The index of one process. Any number of threads may search while another changes it; each search sees the state of one moment.

    Attributes:
        position: The event cursor that it has caught up to; set by whoever feeds it.
    """

    def __init__(self, dim: int, likeness: tuple[float, float], fetch: Fetch | None = None, parts: Parts | None = None) -> None:
        """Make an index.

        Args:
            dim: Length of the document vectors.
            likeness: Slope and offset of the curve from cosine to score; encoders differ in where their cosines lie.
            fetch: Gives the exact vectors of records by their `seq`, as (n, dim) float32 in that order, with NaN rows for those gone. Without it
                hits are ranked by the 8 bits that are kept here.
            parts: What it holds at first; nothing if None.
        """
        self.position = 0
        self._dim = dim
        self._curve = likeness
        self._fetch = fetch
        self._parts = parts or Parts(Columns(), Vectors(dim), ClauseCodes(dim))
        self._writing = threading.Lock()
        self._masks: tuple[tuple[Columns, Live, Filter, Mask], ...] = ()

    @property
    def n(self) -> int:
        """Records in the index."""
        return self._parts.columns.live.n_alive

    def put(self, entries: Sequence[Entry]) -> None:
        """Add the entries; one whose id is known replaces its record, and of several with one id the last counts.

        Raises:
            InvalidInput: A vector is zero, not finite or of another length, or an id has another form; nothing is put then.
        """
        last = list({entry.id: entry for entry in entries}.values())
        if not last:
            return
        if wrong := next((entry.id for entry in last if not is_id(entry.id)), None):
            raise InvalidInput(f"entry {shorten(wrong)!r}: is no id of a record; write r- and 20 hexadecimal digits")
        matrix = self._unit([entry.document for entry in last], [f"entry {entry.id}" for entry in last], InvalidInput)
        with self._writing:
            parts = self._parts
            parts.clauses.append(parts.columns.live.n, [entry.clauses for entry in last])
            parts.vectors.append(matrix)
            parts.columns.put(last)
            self._compact()

    def remove(self, ids: Sequence[str]) -> int:
        """Take the records of these ids out, unknown ids passed over; return how many."""
        with self._writing:
            n_removed = self._parts.columns.remove(ids)
            self._compact()
        return n_removed

    def set_topics(self, seqs: npt.NDArray[np.int64], topics: Sequence[str]) -> None:
        """Give the records of these numbers, ascending, these topics, and all others none."""
        with self._writing:
            self._parts.columns.set_topics(seqs, topics)
            self._masks = ()

    def search(self, vectors: npt.NDArray[np.floating], k: int = 10, filter: Filter | None = None) -> list[Hits]:
        """Return the k records most alike to each of (q, dim) vectors among those that pass the filter; fewer only if fewer pass.

        Ties are broken by the newer created_at, then by the higher seq.

        Raises:
            InvalidQuery: k is not in 1..1000, or a vector is zero, not finite or of another length.
        """
        queries, parts = self._asked(vectors, k), self._parts
        mask = self._mask(parts.columns, filter)
        pools = parts.vectors.search(queries, pool_for(k), mask)
        ranker = Ranker(parts.columns, self._fetch, lambda query, cosine: parts.vectors.within(query, cosine, mask))
        return self._hits(parts.columns, ranker.rank(queries, pools, k), mask)

    def search_clauses(self, vectors: npt.NDArray[np.floating], k: int = 10, filter: Filter | None = None) -> list[Hits]:
        """Return the k records that have a clause most alike to each of (q, dim) vectors, by approximate scores.

        Raises:
            InvalidQuery: As `search` does.
        """
        queries, parts = self._asked(vectors, k), self._parts
        mask = self._mask(parts.columns, filter)
        if not mask.all():
            return self._hits(parts.columns, parts.clauses.search(queries, k, mask), mask)
        found = parts.clauses.search(queries, k)  # without a selector, which doubles the time
        return self._hits(parts.columns, [(rows[rows < len(mask)], scores[rows < len(mask)]) for rows, scores in found], mask)

    def search_many(self, queries: Sequence[Query]) -> list[Hits]:
        """Return the hits of each query, those with the same filter found in one pass; made for `Coalescer`.

        Raises:
            InvalidQuery: As `search` does.
        """
        return self._each(queries, self.search)

    def search_clauses_many(self, queries: Sequence[Query]) -> list[Hits]:
        """Return the hits of each query by clauses, those with the same filter found in one pass; made for `Coalescer`.

        Raises:
            InvalidQuery: As `search` does.
        """
        return self._each(queries, self.search_clauses)

    def facets(self, filter: Filter, name: str) -> Counter[str]:
        """Count the records that pass the filter by the values of a field; see `Columns.facets`.

        Raises:
            InvalidQuery: There is no such field, or it has more than 1,000 values.
        """
        return self._parts.columns.facets(filter, name)

    def select(self, filter: Filter | None = None) -> Passing:
        """Return the records that pass the filter, to count them; what is counted of them is all of this moment."""
        columns = self._parts.columns
        return Passing(columns, self._mask(columns, filter), filter or Filter())

    def copies(self, keys: Sequence[int], filter: Filter | None = None) -> list[int]:
        """Count the records that pass the filter and have each of these copy keys."""
        columns = self._parts.columns
        return columns.copies(keys, self._mask(columns, filter))

    def seqs(self, filter: Filter) -> list[int] | None:
        """Return the store's numbers of the records that pass the filter; None if all do, or more than 20,000."""
        columns = self._parts.columns
        mask = self._mask(columns, filter)
        if filter.is_empty or np.count_nonzero(mask) > MOST_NAMED:
            return None
        seqs: list[int] = columns.seqs.upto(len(mask))[mask].tolist()
        return seqs

    def passing(self, ids: Sequence[str], filter: Filter) -> list[str]:
        """Return which of the records pass the filter, in the order given; those not in the index do not."""
        columns = self._parts.columns
        mask = self._mask(columns, filter)
        rows = columns.ids.rows_of(ids, mask)
        return [record_id for record_id in ids if record_id in rows]

    @contextmanager
    def still(self) -> Iterator[Parts]:
        """Give all parts, which nobody changes until the block ends; searches go on."""
        with self._writing:
            yield self._parts

    def _mask(self, columns: Columns, filter: Filter | None) -> Mask:
        """Return which rows pass; the last few masks are kept, since one request asks for the same several times."""
        wanted = filter or Filter()
        live = columns.live
        for of, at, asked, mask in self._masks:
            if of is columns and at is live and asked == wanted:
                return mask
        mask = columns.select(wanted)
        if len(mask) == live.n:
            self._masks = ((columns, live, wanted, mask), *self._masks[: _MASKS_KEPT - 1])
        return mask

    def _asked(self, vectors: npt.NDArray[np.floating], k: int) -> Matrix:
        if isinstance(k, bool) or not isinstance(k, int) or not 1 <= k <= MOST_HITS:
            raise InvalidQuery(f"k is {k!r}; write a whole number from 1 to {MOST_HITS}")
        return self._unit(list(np.atleast_2d(vectors)), None, InvalidQuery)

    def _hits(self, columns: Columns, found: Sequence[Found], mask: Mask) -> list[Hits]:
        total = int(np.count_nonzero(mask))
        return [Hits(tuple(columns.ids.names(rows)), tuple(to_likeness(cosines, self._curve).tolist()), total) for rows, cosines in found]

    def _each(self, queries: Sequence[Query], search: Callable[[Matrix, int, Filter], list[Hits]]) -> list[Hits]:
        answers: dict[int, Hits] = {}
        waiting = list(enumerate(queries))
        while waiting:
            first = waiting[0][1]
            alike = [(i, query) for i, query in waiting if query.k == first.k and query.filter == first.filter]
            vectors = [np.asarray(query.vector) for _, query in alike]
            self._unit(vectors, None, InvalidQuery)
            answers |= zip((i for i, _ in alike), search(np.stack(vectors), first.k, first.filter), strict=True)
            waiting = [(i, query) for i, query in waiting if i not in answers]
        return [answers[i] for i in range(len(queries))]

    def _unit(self, vectors: Sequence[npt.NDArray[np.floating]], names: Sequence[str] | None, error: type[InvalidInput]) -> Matrix:
        """Return the vectors as (n, dim) float32 of length 1."""
        dim = self._dim
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
        live = self._parts.columns.live
        if live.n >= _COMPACTED_FROM and live.n - live.n_alive > _DEAD_SHARE * live.n:
            self._parts = _without_dead(self._parts)


def _without_dead(parts: Parts) -> Parts:
    columns, rows = parts.columns.taken()
    return Parts(columns, parts.vectors.taken(rows), parts.clauses.taken(rows))
