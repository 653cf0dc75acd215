"""The order of what 8 bits found, by the exact vectors."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from cxnlp.index.columns import Columns
from cxnlp.index.ids import Rows
from cxnlp.records import Matrix, Vector

Fetch = Callable[[Sequence[int]], Matrix]
"""Returns (n, dim) float32 document vectors by the store's numbers of records, in that order; NaN rows where there is none any more."""
Found = tuple[Rows, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]
"""Rows and their cosines."""

MOST_RANKED: Final = 2_000
_POOL_SHARE: Final = 4
_POOL_SPARE: Final = 16
_ERRORS_APART: Final = 3
_ROUNDING: Final = 2e-5


def pool_for(k: int) -> int:
    """Return how many rows to look for in 8 bits, so that the k nearest are among them."""
    return k + k // _POOL_SHARE + _POOL_SPARE


class Ranker:
    """Ranks pools; those of several queries are fetched at once."""

    def __init__(self, columns: Columns, fetch: Fetch | None, within: Callable[[Vector, float], Found]) -> None:
        """Rank rows of columns.

        Args:
            columns: Know the number and the time of each row.
            fetch: Gives the exact vectors; without it the approximate cosines decide.
            within: Gives all rows nearer to a query than an approximate cosine.
        """
        self._columns = columns
        self._fetch = fetch
        self._within = within

    def rank(self, queries: Matrix, pools: Sequence[Found], k: int) -> list[Found]:
        """Return the k best rows of each pool and their cosines, best first, ties by the newer.

        Where the error of 8 bits could hide one of the k best behind the end of the pool, all rows that close are ranked as well, up to 2,000.
        """
        exact = self._cosines(queries, [rows for rows, _ in pools])
        reaches = [_reach(cosines, near, k) for cosines, (_, near) in zip(exact, pools, strict=True)]
        wider = {i for i, (reach, (rows, near)) in enumerate(zip(reaches, pools, strict=True)) if len(rows) >= pool_for(k) and reach <= near[-1]}
        made = []
        for i, (query, cosines, found) in enumerate(zip(queries, exact, pools, strict=True)):
            if i in wider:
                rows, near = self._within(query, reaches[i])
                order = self._columns.newest_first(rows, near)[:MOST_RANKED]
                found = rows[order], near[order]
                cosines = self._cosines(query[None], [found[0]])[0]
            made.append(self._ordered(found, cosines, k))
        return made

    def _ordered(self, found: Found, cosines: Vector, k: int) -> Found:
        rows, near = found
        is_there = ~np.isnan(cosines)
        if is_there.any():  # those that are gone are forgotten; if all are, the store is passing to another encoder
            rows, near = rows[is_there], cosines[is_there]
        order = self._columns.newest_first(rows, near)[:k]
        return rows[order], near[order]

    def _cosines(self, queries: Matrix, pools: Sequence[Rows]) -> list[Vector]:
        """Return the exact cosines of a pool for each query, NaN where they are not known."""
        distinct = np.unique(np.concatenate([np.zeros(0, np.int64), *pools]))
        if self._fetch is None or not len(distinct):
            return [np.full(len(rows), np.nan, np.float32) for rows in pools]
        n = int(distinct[-1]) + 1
        vectors = self._fetch(self._columns.seqs.upto(n)[distinct].tolist())
        vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        # A sum of a row does not depend on its neighbours, so that equal vectors score equally.
        return [(vectors[np.searchsorted(distinct, rows)] * query).sum(axis=1, dtype=np.float32) for rows, query in zip(pools, queries, strict=True)]


def _reach(exact: Vector, near: Vector, k: int) -> float:
    """Return the approximate cosine down to which one of the k best may hide, from the errors seen in the pool."""
    if len(near) <= k:
        return float("inf")
    known = ~np.isnan(exact)
    if not known.any():
        return float(near[k - 1]) - _ROUNDING
    error = float(np.sqrt(np.mean((near[known] - exact[known]) ** 2)))
    kth = np.sort(exact[known])[::-1][: min(k, int(known.sum()))][-1]
    return float(kth) - _ERRORS_APART * error - _ROUNDING
