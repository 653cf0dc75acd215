"""The document vectors, 8 bits a value: a scan of all while they are few, inverted lists when they are many.

The newest rows always lie in a scan of their own, which takes what comes in at once; when it is long, its rows go over to the lists. What is
found here is a pool with approximate scores; whoever has the exact vectors ranks it.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import faiss
import numpy as np
import numpy.typing as npt

from cxnlp.index.coded import Mask
from cxnlp.index.codes import Bytes, Codes, Distances, Scale, capacity_for, fit_scale
from cxnlp.index.growing import GrowingArray
from cxnlp.index.ids import Rows
from cxnlp.index.lists import Centroids, Lists, adding, fit_centroids, restore_lists, sort_into_lists
from cxnlp.records import Matrix, Vector

Scores = npt.NDArray[np.float32]

LISTS_FROM: Final = 100_000
"""Fewer rows than these are all looked at."""
_NEWEST: Final = 16_384
_NEWEST_SHARE: Final = 64
_GROWTH: Final = 4
_SCALED_UPTO: Final = 20_000
_SAMPLE: Final = 5_000
_MOST_THREADS: Final = min(8, os.cpu_count() or 1)


@dataclass(frozen=True, slots=True)
class _State:
    """Rows 0 to n in lists, and those behind in a scan."""

    scale: Scale
    lists: Lists | None
    newest: Codes


class Vectors:
    """Unit vectors by row. One writer at a time; any number of searches beside it.

    Attributes:
        dim: Length of a vector.
        n: Rows appended.
    """

    def __init__(self, dim: int) -> None:
        self.dim = dim
        self.n = 0
        self._n_scaled = 0
        self._first: GrowingArray | None = GrowingArray(np.float16, dim)  # from which the scale is fitted until they are many
        self._state: _State | None = None

    def append(self, vectors: Matrix) -> None:
        """Append (n, dim) unit vectors."""
        if not len(vectors):
            return
        state = self._state
        self._note(vectors)
        if self._first is not None and self.n + len(vectors) > _GROWTH * self._n_scaled:
            state = self._scaled_anew(self._first.upto(self.n))
            self._n_scaled = self.n + len(vectors)
        assert state is not None
        self._state = _State(state.scale, state.lists, state.newest.append(state.scale.quantise(vectors)))
        self.n += len(vectors)
        del state
        self._settle()

    def search(self, queries: Matrix, k: int, allowed: Mask) -> list[tuple[Rows, Scores]]:
        """Return, for each of (q, dim) unit queries, the k nearest rows and their approximate cosines, best first.

        Args:
            queries: (q, dim), rows L2-normalised.
            k: Rows wanted, at least 1; fewer are returned only if fewer are allowed.
            allowed: (n,) rows to search among. Rows appended since are not looked at.
        """
        state = self._state
        none = np.zeros(0, np.int64), np.zeros(0, np.float32)
        if state is None or not allowed.any():
            return [none] * len(queries)
        faiss.omp_set_num_threads(1)  # several searches share the cores, and threads that wait for more burn them
        quantised = state.scale.quantise(queries)
        found: list[tuple[Distances, Rows]] = []
        first = _n_listed(state)
        if state.lists:
            found.append(state.lists.nearest(quantised, k, state.lists.probes(quantised, k, allowed)))
        if len(allowed) > first:
            distances, rows = state.newest.nearest(quantised, k, allowed[first:])
            found.append((distances, np.where(rows < 0, rows, rows + first)))
        return [_merged(state.scale, [(distances[i], rows[i]) for distances, rows in found], k) for i in range(len(queries))]

    def within(self, query: Vector, cosine: float, allowed: Mask) -> tuple[Rows, Scores]:
        """Return the allowed rows whose approximate cosine to one unit query, (dim,), is above a value, the best first."""
        state = self._state
        assert state is not None
        quantised = state.scale.quantise(query)
        found: list[tuple[Distances, Rows]] = []
        first, distance = _n_listed(state), state.scale.distance(cosine)
        if state.lists:
            found.append(state.lists.within(quantised, distance, state.lists.probes(quantised[None], 1, allowed)))
        if len(allowed) > first:
            distances, rows = state.newest.within(quantised, distance, allowed[first:])
            found.append((distances, rows + first))
        return _merged(state.scale, found, self.n)

    def taken(self, rows: Rows) -> "Vectors":
        """Return the vectors of these rows alone, ascending."""
        made, state = Vectors(self.dim), self._state
        if state is None or not len(rows):
            return made
        n = _n_listed(state)
        split = int(np.searchsorted(rows, n))
        lists = state.lists.taken(rows[:split]) if state.lists else None
        newest = Codes(self.dim, capacity_for(len(rows) - split)).append(state.newest.stored[rows[split:] - n])
        made._state, made.n, made._n_scaled = _State(state.scale, lists, newest), len(rows), self._n_scaled
        made._first = None
        if self._first is not None:
            made._first = GrowingArray(np.float16, self.dim)
            made._first.append(self._first.upto(self.n)[rows])
        return made

    def arrays(self, rows: Rows) -> tuple[dict[str, npt.NDArray[Any]], Iterator[Bytes]]:
        """Return what `restored` takes of these rows alone, ascending: small arrays, and the codes in blocks to be joined."""
        state = self._state
        assert state is not None
        n = _n_listed(state)
        place_of = np.full(self.n, -1, np.int32)
        place_of[rows] = np.arange(len(rows), dtype=np.int32)
        moved = [place_of[some][place_of[some] >= 0] for some, _ in state.lists.each()] if state.lists else []
        made: dict[str, npt.NDArray[Any]] = {
            "scale": np.array([state.scale.scale, self._n_scaled, state.lists.n_fitted if state.lists else 0], np.float64),
            "centre": state.scale.centre,
            "centroids": state.lists.centroids.values if state.lists else np.zeros((0, self.dim), np.float32),
            "sizes": np.array([len(some) for some in moved], np.int32),
            "rows": np.concatenate([np.zeros(0, np.int32), *moved]),
        }

        def blocks() -> Iterator[Bytes]:
            for some, codes in state.lists.each() if state.lists else ():
                yield codes[place_of[some] >= 0]
            yield state.newest.stored[: self.n - n][place_of[n:] >= 0]

        return made, blocks()

    @classmethod
    def restored(cls, arrays: Mapping[str, npt.NDArray[Any]], codes: Bytes) -> "Vectors":
        """Return the vectors of the arrays and the joined (n, dim) codes."""
        sizes, rows = arrays["sizes"], arrays["rows"]
        factor, n_scaled, n_fitted = arrays["scale"].tolist()
        made = cls(codes.shape[1])
        lists = restore_lists(Centroids(np.array(arrays["centroids"])), rows, codes[: len(rows)], sizes, int(n_fitted)) if len(sizes) else None
        newest = Codes(made.dim, capacity_for(len(codes) - len(rows))).append(codes[len(rows) :])
        made._state, made.n, made._n_scaled = _State(Scale(np.array(arrays["centre"]), factor), lists, newest), len(codes), int(n_scaled)
        made._first = None
        if not lists and made.n < _SCALED_UPTO:
            made._first = GrowingArray(np.float16, made.dim)
            made._first.append(made._state.scale.vectors(newest.stored))
        return made

    def _note(self, vectors: Matrix) -> None:
        if self._first is not None and self._first.n < _SCALED_UPTO:
            self._first.append(vectors)
        else:
            self._first = None

    def _scaled_anew(self, before: Matrix) -> _State:
        """Return the rows there are in a scale that suits those noted since too."""
        assert self._first is not None
        both = self._first.upto(self._first.n)
        scale = fit_scale(both[:: max(1, len(both) // _SAMPLE)].astype(np.float32))
        return _State(scale, None, Codes(self.dim, capacity_for(len(both))).append(scale.quantise(before.astype(np.float32))))

    def _settle(self) -> None:
        """Move the newest rows to lists if they are many."""
        state = self._state
        assert state is not None
        faiss.omp_set_num_threads(_MOST_THREADS)
        if self.n >= LISTS_FROM and (state.lists is None or (self.n > _GROWTH * state.lists.n_fitted and state.newest.n > _NEWEST)):
            self._state = _State(state.scale, _fitted(_all_codes(state, self.n, self.dim)), Codes(self.dim, _NEWEST))
        elif state.lists and state.newest.n > _NEWEST + state.lists.n // _NEWEST_SHARE:
            scale, newest, steps = state.scale, state.newest, adding(state.lists, state.newest.stored)
            del state
            for lists in steps:
                self._state = _State(scale, lists, newest)  # until the last step some rows are found twice
            self._state = _State(scale, lists, Codes(self.dim, _NEWEST))


def _fitted(codes: Bytes) -> Lists:
    return sort_into_lists(fit_centroids(codes, len(codes)), codes, len(codes))


def _all_codes(state: _State, n: int, dim: int) -> Bytes:
    if state.lists is None:
        return state.newest.stored
    codes = np.empty((n, dim), np.uint8)
    for rows, some in state.lists.each():
        codes[rows] = some
    codes[state.lists.n :] = state.newest.stored
    return codes


def _n_listed(state: _State) -> int:
    return state.lists.n if state.lists else 0


def _merged(scale: Scale, found: list[tuple[Distances, Rows]], k: int) -> tuple[Rows, Scores]:
    """Return the k nearest distinct rows of what several searches of one query found, and their cosines."""
    distances = np.concatenate([some for some, _ in found])
    rows = np.concatenate([some for _, some in found])
    order = np.argsort(distances, kind="stable")
    order = order[rows[order] >= 0]
    if len(found) > 1:
        order = order[np.sort(np.unique(rows[order], return_index=True)[1])]
    order = order[:k]
    return rows[order], scale.cosines(distances[order])
