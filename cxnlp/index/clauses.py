"""Search by clause: rows whose best clause is nearest, at about 107 bytes a clause.

The newest lie in a plain list, a byte a value, that is scanned. Whenever there are `PLAIN_CLAUSES` of them they move into inverted lists of
product codes of the residual, 4 bits for 2 dimensions: 96 bytes at 384 dimensions, and 8 for the row, which is their number in FAISS, so that
a filter by row needs no translation. Lists and codebooks are fitted to the clauses that open them, and new ones are opened when all has
grown fourfold or when clauses come that none of them codes well, such as those of another language. Nothing is coded twice.

Product codes: Jegou, Douze, Schmid 2011; scanned 32 at a time in registers: Andre, Kermarrec, Le Scouarnec 2017, "Quick ADC"; rotated so that each
group of dimensions has the same product of variances: Ge, He, Ke, Sun 2013, "Optimized product quantization", section 3.2.
"""

import math
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Final

import faiss
import numpy as np
import numpy.typing as npt

from cxnlp.records import Matrix

Arrays = dict[str, npt.NDArray[Any]]
Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.int64]
Found = tuple[Rows, npt.NDArray[np.float32]]

PLAIN_CLAUSES: Final = 20_000
_GROWTH: Final = 4
_MOST_LISTS: Final = 1_024
_PER_LIST: Final = 39  # fewer examples a centroid do not fit it, says FAISS
_GROUP: Final = 2  # dimensions that share 4 bits
_MOST_CODED: Final = 12
_UNLIKE: Final = 1.5  # times the usual error of a code
_FEW, _SOME = 16, 2_000  # clauses asked for at once; added at once, or looked at as a sample
_CLAUSES_A_HIT: Final = 8  # long records have many alike; a second look costs more
_PROBED: Final = 0.04
_LEAST_SCORED: Final = 30_000  # clauses, in expectation
_NARROWER: Final = 0.65  # under a filter of share s, s ** -0.65 times the lists are probed
_NOTHING: Final[Found] = (np.empty(0, np.int64), np.empty(0, np.float32))
_faiss: Any = faiss  # stubs lack its Python side


class ClauseCodes:
    """The clauses of rows, of `dim` dimensions. Any thread may search while one appends; appending threads wait for each other."""

    def __init__(self, dim: int) -> None:
        self._dim = dim
        self._lists = [_plain_lists(dim)]  # the last one is plain, those before it are coded
        self._opened_at = 0  # clauses there were when the last coded ones were opened
        self._writing = threading.Lock()
        self._lock = threading.Lock()  # FAISS does not add beside a search

    @property
    def n(self) -> int:
        """The number of clauses."""
        return sum(lists.n for lists in self._lists)

    @property
    def n_bytes(self) -> int:
        """Bytes of all clauses and of what their codes need; FAISS reserves more while lists grow."""
        return sum(lists.n_bytes for lists in self._lists)

    def append(self, first_row: int, clauses: Sequence[Matrix | None]) -> None:
        """Append the clauses of each further row; searches go on meanwhile.

        Args:
            first_row: Number of the first of these rows.
            clauses: (n_clauses, dim) of each row, L2-normalised; None or (0, dim) for a row without any.
        """
        matrices = [np.empty((0, self._dim), np.float32) if matrix is None else matrix for matrix in clauses]
        vectors = np.concatenate([np.empty((0, self._dim), np.float32), *matrices])
        rows = np.repeat(np.arange(first_row, first_row + len(clauses), dtype=np.int64), [len(matrix) for matrix in matrices])
        with self._writing:
            for start in range(0, len(rows), PLAIN_CLAUSES):
                some, plain = slice(start, start + PLAIN_CLAUSES), self._lists[-1]
                with self._lock:
                    plain.add(vectors[some], rows[some])
                if plain.n >= PLAIN_CLAUSES:
                    self._code_plain()

    def search(self, queries: Matrix, k: int, allowed: Mask | None = None) -> list[Found]:
        """Return (rows, scores) of each query: the k distinct rows whose best clause is nearest, best first, and approximate cosines.

        Codes lose some of the order among near ones, so ask for 4k + 24 where k are needed and rank those exactly.

        Args:
            queries: (q, dim), L2-normalised.
            k: Rows at most; fewer come back only where fewer are allowed.
            allowed: By row; rows beyond its end are not allowed. None allows all.
        """
        queries = np.ascontiguousarray(queries, np.float32)
        selector = None if allowed is None else _faiss.IDSelectorBitmap(np.packbits(allowed, bitorder="little"))
        share = 1.0 if allowed is None else np.count_nonzero(allowed) / max(len(allowed), 1)
        if not share or not len(queries):
            return [_NOTHING] * len(queries)
        _faiss.omp_set_num_threads(1)  # several searches share the cores
        with self._lock:
            found = [lists.search(queries, k, selector, max(_PROBED, _LEAST_SCORED / self.n) * share**-_NARROWER) for lists in self._lists if lists.n]
        return [_distinct([of_lists[i] for of_lists in found], k) for i in range(len(queries))]

    def taken(self, rows: Rows) -> "ClauseCodes":
        """Return the clauses of these rows alone, renumbered in this order; each row at most once."""
        made = ClauseCodes(self._dim)
        with self._writing:
            made._lists = [lists.taken(rows) for lists in self._lists]
            made._opened_at = self._opened_at
        return made

    def arrays(self) -> Arrays:
        """Return all of it as arrays, for a snapshot; searches go on meanwhile."""
        with self._writing:
            made: Arrays = {"shape": np.array([self._dim, len(self._lists), self._opened_at], np.int64)}
            for i, lists in enumerate(self._lists):
                made |= {f"{i}_{name}": array for name, array in lists.arrays().items()}
        return made

    @classmethod
    def restored(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> "ClauseCodes":
        """Return what `arrays` were made of."""
        dim, n_lists, opened_at = arrays["shape"].tolist()
        made = cls(dim)
        made._opened_at = opened_at
        several = [{key.removeprefix(f"{i}_"): value for key, value in arrays.items() if key.startswith(f"{i}_")} for i in range(n_lists)]
        made._lists = [_restored(dim, of_lists) for of_lists in several]
        return made

    def _code_plain(self) -> None:
        """Move the plain clauses into the last coded lists, or into new ones; only the moving itself holds up searches."""
        _, codes, rows = self._lists[-1].contents()
        vectors = (codes.astype(np.float32) - 128) / self._lists[-1].scale
        coded, sample = self._lists[:-1], vectors[:: -(-len(vectors) // _SOME)]
        unlike = [lists.error_of(sample) / lists.error for lists in coded]
        is_due = self.n >= _GROWTH * self._opened_at or (min(unlike) > _UNLIKE and len(coded) < _MOST_CODED)
        into = _fit(vectors) if is_due else coded[int(np.argmin(unlike))]
        if is_due:
            self._opened_at, self._lists = self.n, [*coded, into, self._lists[-1]]
        for start in range(0, len(rows), _SOME):  # meanwhile some are in both, which a search of distinct rows does not mind
            with self._lock:
                into.add(vectors[start : start + _SOME], rows[start : start + _SOME])
        self._lists = [*self._lists[:-1], _plain_lists(self._dim)]


class _Lists:
    """Inverted lists of FAISS: coded ones of rotated vectors by inner product, or one plain list of bytes by distance if there is no rotation."""

    def __init__(self, index: Any, rotation: Matrix | None = None, error: float = 0.0) -> None:
        self._index = index
        self._rotation = rotation
        self.error = error  # squared, and 95 % of the clauses they were fitted to stay below it
        self.scale = np.float32(127 * max(1.0, math.sqrt(index.d) / 12))  # no value of a vector is 12 times the usual one

    @property
    def n(self) -> int:
        return int(self._index.ntotal)

    @property
    def n_bytes(self) -> int:
        fitted = 0 if self._rotation is None else 4 * self._index.d * (len(self._rotation) + self._index.nlist + 16)
        return int(self.n * (self._index.code_size + 8) + fitted)

    def error_of(self, vectors: Matrix) -> float:
        """Return the squared error that 95 % of these stay below when coded."""
        prepared = self._prepared(vectors)
        return float(np.quantile(np.square(prepared - self._index.sa_decode(self._index.sa_encode(prepared))).sum(axis=1), 0.95))

    def add(self, vectors: Matrix, rows: Rows) -> None:
        """Encode clauses and add them."""
        self._index.add_with_ids(self._prepared(vectors), rows)

    def search(self, queries: Matrix, k: int, selector: Any, probed: float) -> list[Found]:
        """Return rows and scores of each query, at least k rows unless there are fewer."""
        prepared, made, pending = self._prepared(queries), [_NOTHING] * len(queries), np.arange(len(queries))
        n_lists, width = self._index.nlist, min(_CLAUSES_A_HIT * k + 64, self.n)
        n_probed = math.ceil(n_lists * min(1.0, probed))
        while len(pending):  # rows of many clauses alike, or a narrow filter, need another look
            chosen = _faiss.SearchParametersIVF(nprobe=n_probed, sel=selector)
            scores, rows = self._index.search(prepared[pending], width, params=chosen)
            if self._rotation is None:
                scores = 1 - scores / (2 * self.scale**2)
            for i, each_rows, each_scores in zip(pending.tolist(), rows, scores, strict=True):
                made[i] = _distinct([(each_rows[each_rows >= 0], each_scores[each_rows >= 0])], k)
            is_cut = rows[:, -1] >= 0
            is_done = (np.array([len(made[i][0]) for i in pending]) >= k) | np.where(is_cut, width >= self.n, n_probed >= n_lists)
            width = min(4 * width, self.n) if (is_cut & ~is_done).any() else width
            pending, n_probed = pending[~is_done], min(4 * n_probed, n_lists)
        return made

    def taken(self, rows: Rows) -> "_Lists":
        """Return the same lists with only the clauses of these rows."""
        arrays = self.arrays()
        place_of = np.full(1 + max(int(rows.max(initial=-1)), int(arrays["rows"].max(initial=-1))), -1)
        place_of[rows] = np.arange(len(rows))
        moved = place_of[arrays["rows"]]
        kept = {"lists": arrays["lists"][moved >= 0], "codes": arrays["codes"][moved >= 0], "rows": moved[moved >= 0]}
        return _restored(self._index.d, {**arrays, **kept})

    def contents(self) -> tuple[Rows, npt.NDArray[np.uint8], Rows]:
        """Return the list, the code and the row of each clause."""
        within = self._index.invlists
        if self._rotation is not None:  # FAISS unpacks its blocks of 32 only into lists given to it
            within = self._index.orig_invlists = _faiss.ArrayInvertedLists(self._index.nlist, self._index.code_size)
            self._index.reconstruct_orig_invlists()
            self._index.orig_invlists = None
        sizes = np.array([within.list_size(place) for place in range(within.nlist)])
        codes, rows = [np.empty(0, np.uint8)], [np.empty(0, np.int64)]
        for place in np.flatnonzero(sizes).tolist():
            codes.append(_faiss.rev_swig_ptr(within.get_codes(place), int(sizes[place]) * within.code_size))
            rows.append(_faiss.rev_swig_ptr(within.get_ids(place), int(sizes[place])))
        return np.repeat(np.arange(len(sizes)), sizes), np.concatenate(codes).reshape(-1, within.code_size), np.concatenate(rows)

    def arrays(self) -> Arrays:
        """Return codebooks and contents."""
        places, codes, rows = self.contents()
        made: Arrays = {"lists": places.astype(np.uint16), "codes": codes, "rows": rows.astype(np.int32)}
        if self._rotation is None:
            return made
        centroids, codebooks = self._index.quantizer.reconstruct_n(0, self._index.nlist), _faiss.vector_to_array(self._index.pq.centroids)
        return made | {"rotation": self._rotation, "centroids": centroids, "codebooks": codebooks, "error": np.array(self.error)}

    def _prepared(self, vectors: Matrix) -> Matrix:
        if self._rotation is None:
            return np.asarray(np.clip(np.rint(vectors * self.scale), -127, 127) + 128, np.float32)
        if len(vectors) > _FEW:
            return np.ascontiguousarray(vectors @ self._rotation, np.float32)
        return np.asarray(np.einsum("ij,jk->ik", vectors, self._rotation), np.float32)  # the threads of BLAS wait by burning a core


def _plain_lists(dim: int) -> _Lists:
    """Return one list of bytes, whose squared distances are those of vectors times the scale squared and computed in integers."""
    only = _faiss.IndexFlatL2(dim)
    only.add(np.zeros((1, dim), np.float32))
    index = _faiss.IndexIVFScalarQuantizer(only, dim, 1, _faiss.ScalarQuantizer.QT_8bit_direct, _faiss.METRIC_L2, False)
    index.is_trained = True
    return _Lists(index)


def _product_index(centroids: Matrix) -> Any:
    """Return an index without codebooks for rotated vectors."""
    coarse = _faiss.IndexFlatIP(centroids.shape[1])
    coarse.add(centroids)
    return _faiss.IndexIVFPQ(coarse, coarse.d, len(centroids), coarse.d // _GROUP, 4, _faiss.METRIC_INNER_PRODUCT)


def _restored(dim: int, arrays: Arrays) -> _Lists:
    """Return what `_Lists.arrays` was made of."""
    made = _plain_lists(dim)
    index = made._index if "rotation" not in arrays else _product_index(arrays["centroids"])
    rows = arrays["rows"].astype(np.int64)
    ends = np.cumsum(np.bincount(arrays["lists"], minlength=index.nlist)).tolist()
    for place in np.unique(arrays["lists"]).tolist():
        start, end = ends[place - 1] if place else 0, ends[place]
        index.invlists.add_entries(place, end - start, _faiss.swig_ptr(rows[start:end]), _faiss.swig_ptr(arrays["codes"][start:end]))
    index.ntotal = len(rows)
    if "rotation" not in arrays:
        return made
    _faiss.copy_array_to_vector(arrays["codebooks"], index.pq.centroids)
    index.is_trained = True
    packed = _faiss.IndexIVFPQFastScan(index)  # it keeps the other one, which need not keep its codes
    nothing = _faiss.ArrayInvertedLists(index.nlist, index.code_size)
    nothing.this.disown()
    index.replace_invlists(nothing, True)
    return _Lists(packed, arrays["rotation"], float(arrays["error"]))


def _fit(vectors: Matrix) -> _Lists:
    """Return empty lists for clauses like these: centroids, then a rotation and codebooks of what the centroids leave over."""
    n_lists = int(np.clip(len(vectors) // _PER_LIST, 1, _MOST_LISTS))
    coarse = _faiss.Kmeans(vectors.shape[1], n_lists, niter=8, spherical=True, min_points_per_centroid=1)
    coarse.train(vectors)
    rotation = _balanced_rotation(vectors - coarse.centroids[coarse.index.search(vectors, 1)[1].ravel()])
    index = _product_index(np.ascontiguousarray(coarse.centroids @ rotation))
    index.pq.cp.niter, index.pq.cp.min_points_per_centroid = 10, 1
    index.train(np.ascontiguousarray(vectors @ rotation))
    made = _Lists(_faiss.IndexIVFPQFastScan(index), rotation)
    made.error = max(made.error_of(vectors[:: -(-len(vectors) // _SOME)]), 1e-6)
    return made


def _balanced_rotation(vectors: Matrix) -> Matrix:
    """Return (dim, width) orthonormal columns: principal axes dealt out to groups so that their variances have about the same product."""
    dim = vectors.shape[1]
    variances, axes = np.linalg.eigh(np.cov(vectors.T, dtype=np.float64).reshape(dim, dim))
    gains = np.log1p(np.maximum(variances, 0) / max(float(variances[0]), 1e-9))
    n_groups = -(-dim // _GROUP)
    loads, sizes = np.zeros(n_groups), np.zeros(n_groups, np.int64)
    rotation = np.zeros((dim, n_groups * _GROUP), np.float32)
    for axis in range(dim - 1, -1, -1):
        group = int(np.argmin(np.where(sizes < _GROUP, loads, np.inf)))
        rotation[:, group * _GROUP + sizes[group]] = axes[:, axis]
        sizes[group], loads[group] = sizes[group] + 1, loads[group] + gains[axis]
    return rotation


def _distinct(found: Sequence[Found], k: int) -> Found:
    """Return the k best rows, each with its best score."""
    rows, scores = (np.concatenate(several) for several in zip(_NOTHING, *found, strict=True))
    order = np.argsort(-scores, kind="stable")
    firsts = np.sort(np.unique(rows[order], return_index=True)[1])[:k]
    return rows[order][firsts], scores[order][firsts]
