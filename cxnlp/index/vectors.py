"""The document vectors: a scan in 8 bits, then exact scores in 16.

A row takes 1,152 bytes at 384 dimensions: its byte codes, and its values in 16-bit fixed point, which is as exact as float16 for unit vectors
and ten times cheaper to turn into float32. Whatever the filter, nothing is left to chance: few allowed rows are scored exactly, many are
scanned in full, and where the error of the bytes could hide a hit, everything that close is scored too. Graphs (HNSW) and inverted lists
lose hits under a filter, and a scan is fast enough: 3.4 ms of one core at 100,000 rows.
"""

import os
from typing import Final

import faiss
import numpy as np
import numpy.typing as npt

from cxnlp.index.coded import Mask
from cxnlp.index.codes import Codes, Rows, capacity_for, fit_scale
from cxnlp.index.growing import GrowingArray
from cxnlp.records import Matrix, Vector

Scores = npt.NDArray[np.float32]

_ONE: Final = np.float32(32_767)
_EXACT_ROWS: Final = 5_000
_SAMPLE: Final = 5_000
_EXACT_SHARE: Final = 50
_BLOCK: Final = 1_024
_POOL_FACTOR: Final = 4
_POOL_SPARE: Final = 24
_ROUNDING: Final = 2e-5
_ERRORS_APART: Final = 3
_MOST_THREADS: Final = min(8, os.cpu_count() or 1)


class Vectors:
    """Unit vectors by row. One writer at a time; any number of searches beside it.

    Attributes:
        dim: Length of a vector.
    """

    def __init__(self, dim: int) -> None:
        self.dim = dim
        self._rows = GrowingArray(np.int16, dim)
        self._codes: Codes | None = None
        self._n_fitted = 0

    @property
    def n(self) -> int:
        """Rows appended."""
        return self._rows.n

    def append(self, vectors: Matrix) -> None:
        """Append (n, dim) unit vectors."""
        self._append_rows(np.rint(vectors * _ONE).astype(np.int16))

    def row(self, number: int) -> Vector:
        """Return the (dim,) vector of a row."""
        vector: Vector = _floats(self._rows.upto(self._rows.n)[number])
        return vector

    def search(self, queries: Matrix, k: int, allowed: Mask | None = None) -> list[tuple[Rows, Scores]]:
        """Return, for each of (q, dim) unit queries, the k most alike rows and their cosines, best first.

        All rows that tie with the k-th are returned too, so that the caller can choose among them; fewer than k only if fewer are allowed.

        Args:
            queries: (q, dim), rows L2-normalised.
            k: Rows wanted, at least 1.
            allowed: (n,) rows to search among; None for all. Rows appended since are not looked at.
        """
        mask = np.ones(self._rows.n, np.bool_) if allowed is None else allowed
        n_allowed = int(np.count_nonzero(mask))
        if self._codes is None or n_allowed <= max(_EXACT_ROWS, len(mask) // _EXACT_SHARE, _pool(k)):
            return self._search_exactly(queries, k, np.flatnonzero(mask))
        return self._scan(self._codes, queries, k, mask)

    def taken(self, rows: Rows) -> "Vectors":
        """Return the vectors of these rows alone."""
        made = Vectors(self.dim)
        made._append_rows(self._rows.upto(self._rows.n)[rows])
        return made

    def _append_rows(self, rows: npt.NDArray[np.int16]) -> None:
        if not len(rows):
            return
        self._rows.append(rows)
        n = self._rows.n
        if self._codes is None or n > 2 * self._n_fitted:
            self._codes, self._n_fitted = self._encode_all(), n
            return
        codes = self._codes if self._codes.n_free >= len(rows) else self._codes.grown(len(rows))
        codes.append(_floats(rows))
        self._codes = codes

    def _encode_all(self) -> Codes:
        rows = self._rows.upto(self._rows.n)
        step = max(1, len(rows) // _SAMPLE)
        codes = Codes(self.dim, capacity_for(len(rows)), fit_scale(_floats(rows[::step])))
        for start in range(0, len(rows), _BLOCK):
            codes.append(_floats(rows[start : start + _BLOCK]))
        return codes

    def _search_exactly(self, queries: Matrix, k: int, rows: Rows) -> list[tuple[Rows, Scores]]:
        stored = self._rows.upto(self._rows.n)
        scores = np.empty((len(queries), len(rows)), np.float32)
        for start in range(0, len(rows), _BLOCK):
            block = stored[rows[start : start + _BLOCK]].astype(np.float32)
            np.matmul(queries, block.T, out=scores[:, start : start + _BLOCK])
        scores /= _ONE
        if len(rows) <= k:
            return [self._rank(rows, query, k) for query in queries]
        kth = np.partition(scores, len(rows) - k, axis=1)[:, len(rows) - k, None]
        return [self._rank(rows[near], query, k) for near, query in zip(scores >= kth - _ROUNDING, queries, strict=True)]

    def _scan(self, codes: Codes, queries: Matrix, k: int, allowed: Mask) -> list[tuple[Rows, Scores]]:
        faiss.omp_set_num_threads(min(len(queries), _MOST_THREADS))
        quantised = codes.scale.quantise(queries)
        distances, found = codes.nearest(quantised, _pool(k), allowed)
        answers = []
        for query, coded, near, rows in zip(queries, quantised, codes.scale.cosines(distances), found, strict=True):
            exact = self._cosines(rows, query)
            reach = self._reach(near, exact, k)
            if reach <= near[-1]:
                rows = codes.within(coded, codes.scale.distance(reach), allowed)
            answers.append(self._rank(rows, query, k))
        return answers

    def _reach(self, near: Scores, exact: Scores, k: int) -> float:
        """Return the cosine of bytes down to which one of the k best may hide, from the errors of the bytes seen in the pool."""
        error = float(np.sqrt(np.mean((near - exact) ** 2)))
        return float(np.partition(exact, -k)[-k]) - _ERRORS_APART * error - _ROUNDING

    def _rank(self, rows: Rows, query: npt.NDArray[np.float32], k: int) -> tuple[Rows, Scores]:
        scores = self._cosines(rows, query)
        order = np.argsort(-scores, kind="stable")
        n = int(np.searchsorted(-scores[order], -scores[order[k - 1]], side="right")) if len(rows) > k else len(rows)
        return rows[order[:n]], scores[order[:n]]

    def _cosines(self, rows: Rows, query: npt.NDArray[np.float32]) -> Scores:
        """Return the cosines of rows; the sum of a row does not depend on its neighbours, so that equal vectors score equally."""
        stored, scaled = self._rows.upto(self._rows.n), query / _ONE
        parts = [(stored[rows[i : i + _BLOCK]] * scaled).sum(axis=1, dtype=np.float32) for i in range(0, len(rows), _BLOCK)]
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)


def _floats(rows: npt.NDArray[np.int16]) -> Matrix:
    return rows.astype(np.float32) / _ONE


def _pool(k: int) -> int:
    return _POOL_FACTOR * k + _POOL_SPARE
