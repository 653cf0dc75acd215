"""A sample of a large corpus that small topics are still in: strata by coarse groups of the vectors, small ones drawn from more densely."""

from typing import Final

import numpy as np
import numpy.typing as npt

from cxnlp.records import Matrix

_N_STRATA: Final = 16
_N_LEARNT: Final = 8_192
_N_ROUNDS: Final = 8
_ROWS_A_BLOCK: Final = 32_768


def draw(documents: Matrix, rows: npt.NDArray[np.int64], n: int, seed: int) -> npt.NDArray[np.int64]:
    """Return n of `rows`, ascending; all of them if there are no more.

    The strata are 16 groups of spherical k-means. Of each is drawn in proportion to the square root of its size (power allocation, Bankier 1988), so
    that what few people say is found too.

    Args:
        documents: (m, dim) float32, may be memory-mapped.
        rows: Rows of it to draw from, ascending.
        n: How many.
        seed: The same seed draws the same.
    """
    if len(rows) <= n:
        return rows
    rng = np.random.default_rng(seed)
    strata = _strata(documents, rows, rng)
    shares = _allocate(np.bincount(strata, minlength=_N_STRATA), n)
    drawn = [rng.choice(rows[strata == stratum], share, replace=False) for stratum, share in enumerate(shares) if share]
    return np.sort(np.concatenate(drawn))


def _strata(documents: Matrix, rows: npt.NDArray[np.int64], rng: np.random.Generator) -> npt.NDArray[np.int64]:
    learnt = np.sort(rng.choice(rows, min(_N_LEARNT, len(rows)), replace=False))
    points = np.asarray(documents[learnt], np.float32)
    origin = points.mean(0)
    points = _unit(points - origin)
    centres = _begin(points, rng)
    for _ in range(_N_ROUNDS):
        nearest = (points @ centres.T).argmax(1)
        sums = np.zeros_like(centres)
        np.add.at(sums, nearest, points)
        centres = np.where(np.linalg.norm(sums, axis=1, keepdims=True) > 0, _unit(sums), centres)
    blocks = [rows[first : first + _ROWS_A_BLOCK] for first in range(0, len(rows), _ROWS_A_BLOCK)]
    # The length of a point does not change which centre is nearest.
    return np.concatenate([((np.asarray(documents[block], np.float32) - origin) @ centres.T).argmax(1) for block in blocks])


def _begin(points: Matrix, rng: np.random.Generator) -> Matrix:
    """Return 16 points that lie far from each other, drawn as k-means++ does (Arthur & Vassilvitskii 2007), by the fourth power of the distance."""
    chosen = [int(rng.integers(len(points)))]
    distances = np.full(len(points), np.inf)
    while len(chosen) < _N_STRATA:
        distances = np.minimum(distances, np.maximum(1 - points @ points[chosen[-1]], 0).astype(np.float64))
        weights = distances**2
        chosen.append(int(rng.choice(len(points), p=weights / weights.sum())) if weights.sum() > 0 else 0)
    return points[chosen]


def _allocate(sizes: npt.NDArray[np.int64], n: int) -> npt.NDArray[np.int64]:
    """Return how many to draw of each stratum: n in all, none more than there are."""
    shares = np.zeros(len(sizes), np.int64)
    while (left := n - int(shares.sum())) > 0:
        weights = np.where(shares < sizes, np.sqrt(sizes), 0.0)
        wanted = np.minimum(shares + np.floor(left * weights / weights.sum()).astype(np.int64), sizes)
        if (wanted == shares).all():
            wanted[np.argsort(-weights, kind="stable")[:left]] += 1
            wanted = np.minimum(wanted, sizes)
        shares = wanted
    return shares


def _unit(points: Matrix) -> Matrix:
    lengths = np.linalg.norm(points, axis=1, keepdims=True)
    return np.asarray(points / np.where(lengths > 0, lengths, 1), np.float32)
