"""Byte codes in inverted lists: those near one centroid lie together, so that a search need not look at all of them.

A record costs its bytes and 12 more, for its row number and its list. The lists are FAISS's (`IndexIVFScalarQuantizer`), each of just the size
of what is in it, in parts that are replaced one after the other when rows are added: so a reader always has lists that nobody changes, and
adding needs no second copy of all codes.

How many lists a query looks at is a matter of what it may find there: the nearest lists until they hold enough allowed rows, however rare these
are and wherever they lie. Where few rows are allowed that is every list that has one, which is an exact scan.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import faiss
import numpy as np
import numpy.typing as npt

from cxnlp.index.coded import Mask
from cxnlp.index.codes import Bytes, Distances, Quantised
from cxnlp.index.ids import Rows

ListNumbers = npt.NDArray[np.int32]

_faiss: Any = faiss
_N_PARTS: Final = 16
_LISTS_A_ROOT: Final = 4
_POINTS_A_LIST: Final = 40
_ROUNDS: Final = 6
_BLOCK: Final = 16_384
_SEEN_ROWS: Final = 5_000
_SEEN_A_HIT: Final = 32
_LEAST_LISTS: Final = 40
_SAMPLED_ROWS: Final = 40_000


class Centroids:
    """The middles of the lists.

    Attributes:
        values: (n_lists, dim) float32, in bytes.
    """

    def __init__(self, values: npt.NDArray[np.float32]) -> None:
        self.values = values
        self.index = _faiss.IndexFlatL2(values.shape[1])
        self.index.add(values)
        self._squares = (values * values).sum(axis=1)

    def nearest(self, quantised: Quantised) -> npt.NDArray[np.int64]:
        """Return the (n,) nearest list of each of (n, dim) codes."""
        return np.concatenate([self.index.search(quantised[i : i + _BLOCK], 1)[1][:, 0] for i in range(0, len(quantised), _BLOCK)])

    def order(self, queries: Quantised) -> npt.NDArray[np.int64]:
        """Return (q, n_lists) lists, the nearest first."""
        # Not a product of matrices, since that wakes the threads of BLAS, which costs ten times the sum itself beside other work.
        return np.argsort(self._squares - 2 * np.einsum("qd,nd->qn", queries, self.values), axis=1)


def fit_centroids(sample: Bytes, n: int, seed: int = 0) -> Centroids:
    """Return 4 times the root of n centroids by k-means of some of the (m, dim) codes."""
    n_lists = max(1, int(_LISTS_A_ROOT * n**0.5))
    random = np.random.default_rng(seed)
    chosen = np.sort(random.choice(len(sample), min(len(sample), _POINTS_A_LIST * n_lists), replace=False))
    kmeans = _faiss.Kmeans(sample.shape[1], n_lists, niter=_ROUNDS, seed=seed, min_points_per_centroid=1, max_points_per_centroid=_POINTS_A_LIST)
    kmeans.train(sample[chosen].astype(np.float32))
    return Centroids(kmeans.centroids)


@dataclass(frozen=True, slots=True)
class Probes:
    """Which lists to look at.

    Attributes:
        lists: (q, n) int64 for each query, -1 where there are fewer.
        selector: FAISS's, of the allowed rows; None for all.
        bits: What it looks at.
    """

    lists: npt.NDArray[np.int64]
    selector: Any
    bits: npt.NDArray[np.uint8] | None


class Lists:
    """Rows 0 to n in lists; never changed once made.

    Attributes:
        centroids: The middles of the lists.
        list_of: (n,) int32, the list of each row.
        n_fitted: Rows there were when the centroids were fitted.
    """

    def __init__(self, centroids: Centroids, parts: Sequence[Any], list_of: ListNumbers, n_fitted: int, n_held: int) -> None:
        """Join parts; `n_held` rows are in some of them, at least those of `list_of` in all."""
        self.centroids = centroids
        self.list_of = list_of
        self.n_fitted = n_fitted
        self._n_held = n_held
        self._parts = list(parts)
        n_lists, dim = centroids.values.shape
        pointers = _faiss.InvertedListsPtrVector()
        for part in self._parts:
            pointers.push_back(part)
        self._joined = _faiss.VStackInvertedLists(pointers.size(), pointers.data())
        self._index = _faiss.IndexIVFScalarQuantizer(centroids.index, dim, n_lists, _faiss.ScalarQuantizer.QT_8bit_direct, _faiss.METRIC_L2, False)
        self._index.replace_invlists(self._joined, False)
        self._index.is_trained = True
        self._index.ntotal = len(list_of)
        self._n_in = np.bincount(list_of, minlength=n_lists)

    @property
    def n(self) -> int:
        """Rows in the lists."""
        return len(self.list_of)

    def nearest(self, queries: Quantised, k: int, probes: Probes) -> tuple[Distances, Rows]:
        """Return (q, k) squared distances and rows of the k nearest of those probed, -1 where there are fewer."""
        shape = (len(queries), k)
        distances, rows = np.empty(shape, np.float32), np.empty(shape, np.int64)
        asked, pointer = np.ascontiguousarray(queries, np.float32), _faiss.swig_ptr
        unused = np.zeros(probes.lists.shape, np.float32)
        params = _faiss.SearchParametersIVF(nprobe=probes.lists.shape[1], sel=probes.selector)
        self._index.search_preassigned_c(
            len(asked), pointer(asked), k, pointer(probes.lists), pointer(unused), pointer(distances), pointer(rows), False, params
        )
        return distances, rows

    def within(self, query: Quantised, distance: float, probes: Probes) -> tuple[Distances, Rows]:
        """Return squared distances and rows of those probed that are nearer than `distance` to one query, (dim,)."""
        asked, pointer = np.ascontiguousarray(query[None], np.float32), _faiss.swig_ptr
        unused = np.zeros(probes.lists.shape, np.float32)
        params = _faiss.SearchParametersIVF(nprobe=probes.lists.shape[1], sel=probes.selector)
        found = _faiss.RangeSearchResult(1)
        self._index.range_search_preassigned_c(1, pointer(asked), distance, pointer(probes.lists), pointer(unused), found, False, params)
        n = int(_faiss.rev_swig_ptr(found.lims, 2)[1])
        return _faiss.rev_swig_ptr(found.distances, n).copy(), _faiss.rev_swig_ptr(found.labels, n).copy()

    def probes(self, queries: Quantised, k: int, allowed: Mask) -> Probes:
        """Choose for each query the nearest lists that hold enough allowed rows: 5,000 and 32 for each hit, in 40 lists at least, or all.

        Args:
            queries: (q, dim).
            k: Rows wanted.
            allowed: (n,) rows to be found, or fewer: those behind are not found.
        """
        is_all = len(allowed) >= self._n_held and bool(allowed[: self._n_held].all())
        bits = None if is_all else np.packbits(allowed[: self._n_held], bitorder="little")
        selector = None if bits is None else _faiss.IDSelectorBitmap(bits)
        n_in = self._n_in if is_all else self._n_allowed(allowed[: self.n])
        enough = _SEEN_ROWS + _SEEN_A_HIT * k
        if n_in.sum() <= enough:
            every = np.flatnonzero(n_in)
            return Probes(np.repeat(every[None], len(queries), axis=0), selector, bits)
        chosen = []
        for order in self.centroids.order(queries):
            order = order[n_in[order] > 0]
            n_lists = int(np.searchsorted(np.cumsum(n_in[order]), enough)) + 1
            chosen.append(order[: max(n_lists, _LEAST_LISTS)])
        lists = np.full((len(chosen), max(map(len, chosen))), -1, np.int64)
        for row, some in zip(lists, chosen, strict=True):
            row[: len(some)] = some
        return Probes(lists, selector, bits)

    def each(self) -> Iterator[tuple[Rows, Bytes]]:
        """Give the rows and codes of each list, as views that must not outlive these lists."""
        for number in range(len(self.centroids.values)):
            yield self._list(number)

    def taken(self, rows: Rows) -> "Lists":
        """Return the lists of these rows alone, ascending and renumbered."""
        place_of = np.full(self.n, -1, np.int64)
        place_of[rows] = np.arange(len(rows))
        several = ((place_of[old][kept], codes[kept]) for old, codes in self.each() for kept in [place_of[old] >= 0])
        return _filled(self.centroids, several, self.list_of[rows], self.n_fitted)

    def _n_allowed(self, allowed: Mask) -> npt.NDArray[np.int64]:
        """Return how many allowed rows each list has, by a sample where they are many."""
        step = max(1, int(np.count_nonzero(allowed)) // _SAMPLED_ROWS)
        chosen = self.list_of[: len(allowed) : step][allowed[::step]]
        return np.bincount(chosen, minlength=len(self.centroids.values)) * step

    def _list(self, number: int) -> tuple[Rows, Bytes]:
        n, dim = self._joined.list_size(number), self.centroids.values.shape[1]
        if not n:
            return np.zeros(0, np.int64), np.zeros((0, dim), np.uint8)
        ids, codes = self._joined.get_ids(number), self._joined.get_codes(number)
        return _faiss.rev_swig_ptr(ids, n), _faiss.rev_swig_ptr(codes, n * dim).reshape(n, dim)


def adding(lists: Lists, quantised: Bytes) -> Iterator[Lists]:
    """Give lists to which more rows are added part by part: all but the last hold only some of them, and do not count them yet."""
    n, n_lists = lists.n, len(lists.centroids.values)
    added = lists.centroids.nearest(quantised.astype(np.float32))
    order, starts = _sorted(added, n_lists)
    several = _numbers_of_parts(n_lists)
    for i, numbers in enumerate(several):
        parts = list(lists._parts)
        parts[i] = _part(len(numbers), quantised.shape[1])
        for place, number in enumerate(numbers):
            more = order[starts[number] : starts[number + 1]]
            _fill(parts[i], place, [lists._list(number), (more + n, quantised[more])])
        list_of = np.concatenate([lists.list_of, added.astype(np.int32)]) if i == len(several) - 1 else lists.list_of
        lists = Lists(lists.centroids, parts, list_of, lists.n_fitted, n + len(added))  # the part before is freed when its last reader ends
        yield lists


def sort_into_lists(centroids: Centroids, codes: Bytes, n_fitted: int) -> Lists:
    """Return the lists of (n, dim) codes."""
    lists = np.concatenate([centroids.nearest(codes[i : i + _BLOCK].astype(np.float32)) for i in range(0, len(codes), _BLOCK)])
    order, starts = _sorted(lists, len(centroids.values))
    several = ((rows, codes[rows]) for a, b in pairwise(starts.tolist()) for rows in [order[a:b]])
    return _filled(centroids, several, lists.astype(np.int32), n_fitted)


def restore_lists(centroids: Centroids, rows: npt.NDArray[np.int32], codes: Bytes, sizes: npt.NDArray[np.int32], n_fitted: int) -> Lists:
    """Return the lists of rows and codes that stand in the order of the lists, whose sizes are given."""
    ends = np.cumsum(sizes)
    list_of = np.empty(len(rows), np.int32)
    list_of[rows] = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
    several = ((rows[b - n : b].astype(np.int64), codes[b - n : b]) for n, b in zip(sizes.tolist(), ends.tolist(), strict=True))
    return _filled(centroids, several, list_of, n_fitted)


def _filled(centroids: Centroids, several: Iterator[tuple[Rows, Bytes]], list_of: ListNumbers, n_fitted: int) -> Lists:
    parts = []
    for numbers in _numbers_of_parts(len(centroids.values)):
        parts.append(_part(len(numbers), centroids.values.shape[1]))
        for place in range(len(numbers)):
            _fill(parts[-1], place, [next(several)])
    return Lists(centroids, parts, list_of, n_fitted, len(list_of))


def _numbers_of_parts(n_lists: int) -> list[list[int]]:
    return [part.tolist() for part in np.array_split(np.arange(n_lists), min(_N_PARTS, n_lists))]


def _part(n_lists: int, dim: int) -> Any:
    return _faiss.ArrayInvertedLists(n_lists, dim)


def _fill(part: Any, place: int, several: Sequence[tuple[Rows, Bytes]]) -> None:
    part.resize(place, sum(len(rows) for rows, _ in several))  # at once, since FAISS would double the room
    start = 0
    for rows, codes in several:
        if n := len(rows):
            numbers, values = np.ascontiguousarray(rows, np.int64), np.ascontiguousarray(codes)
            part.update_entries(place, start, n, _faiss.swig_ptr(numbers), _faiss.swig_ptr(values))
            start += n


def _sorted(lists: npt.NDArray[np.int64], n_lists: int) -> tuple[Rows, npt.NDArray[np.int64]]:
    """Return the places in the order of their lists, and where each list begins."""
    order = np.argsort(lists, kind="stable")
    return order, np.searchsorted(lists[order], np.arange(n_lists + 1))
