"""A map of topics in two dimensions: alike topics lie near each other, and a refit does not turn the map over."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from cxnlp.records import Matrix, Vector
from cxnlp.topics.space import Space

_N_ROUNDS: Final = 300
_ENOUGH: Final = 1e-5
_N_NEAREST: Final = 3
_SHARPNESS: Final = 12.0
_FEWEST_SHARED: Final = 2
_ROWS_A_BLOCK: Final = 32_768


def lay_out(centroids: Matrix) -> Matrix:
    """Return (t, 2) float32 positions of topics, around the origin, at most 1 from it.

    Distances on the map follow the angles between centroids by stress majorisation (SMACOF, de Leeuw 1977), begun at classical scaling
    (Torgerson 1952), so that the same centroids always give the same map.

    Args:
        centroids: (t, dim) of unit length, t >= 0.
    """
    n = len(centroids)
    if n < _N_NEAREST:
        return np.array([[0.0, 0.0], [1.0, 0.0]], np.float32)[:n] - np.array([0.5 * (n - 1), 0.0], np.float32)
    angles = np.arccos(np.clip(centroids.astype(np.float64) @ centroids.T, -1, 1))
    np.fill_diagonal(angles, 0)
    positions, before = _classical(angles), np.inf
    for _ in range(_N_ROUNDS):
        distances = np.linalg.norm(positions[:, None] - positions, axis=2)
        stress = float(((distances - angles) ** 2).sum())
        if before - stress < _ENOUGH * stress:
            break
        ratios = np.divide(angles, distances, out=np.zeros_like(angles), where=distances > 0)
        pull = np.diag(ratios.sum(1)) - ratios
        positions, before = pull @ positions / n, stress
    positions -= positions.mean(0)
    return np.asarray(positions / max(float(np.linalg.norm(positions, axis=1).max()), 1e-9), np.float32)


def locate(documents: Matrix, space: Space, centroids: Matrix, positions: Matrix) -> Matrix:
    """Return (n, 2) float32 where records lie on the map: between the three topics nearest to each, the nearer the more so.

    Args:
        documents: (n, dim) float32.
        space: That of the fit.
        centroids: (t, dim) of unit length in that space, t >= 1.
        positions: (t, 2) of the topics.
    """
    found = np.empty((len(documents), 2), np.float32)
    for first in range(0, len(documents), _ROWS_A_BLOCK):
        rows = slice(first, first + _ROWS_A_BLOCK)
        cosines = space.place(documents[rows]) @ centroids.T
        n_nearest = min(_N_NEAREST, cosines.shape[1])
        nearest = np.argpartition(-cosines, n_nearest - 1, axis=1)[:, :n_nearest]
        best = np.take_along_axis(cosines, nearest, 1)
        weights = np.exp(_SHARPNESS * (best - best.max(1, keepdims=True)))
        found[rows] = (weights[:, :, None] * positions[nearest]).sum(1) / weights.sum(1, keepdims=True)
    return found


def align(old: Mapping[str, Vector], new: Mapping[str, Vector]) -> dict[str, Vector]:
    """Return the new positions turned, mirrored, moved and scaled so that topics of both maps lie as near as can be to where they lay.

    Orthogonal Procrustes analysis (Schönemann 1966; Gower 1975) on the topics of both; with fewer than two of them the new map stays as it is.

    Args:
        old: (2,) position of each topic of the map of before, by topic id.
        new: (2,) position of each topic of the new one, by topic id.
    """
    shared = [topic for topic in new if topic in old]
    if len(shared) < _FEWEST_SHARED:
        return {topic: np.asarray(position, np.float32) for topic, position in new.items()}
    target = np.stack([old[topic] for topic in shared]).astype(np.float64)
    source = np.stack([new[topic] for topic in shared]).astype(np.float64)
    to, of = target.mean(0), source.mean(0)
    left, strengths, right = np.linalg.svd((source - of).T @ (target - to))
    spread = float(((source - of) ** 2).sum())
    turn = left @ right * (float(strengths.sum()) / spread if spread > 0 else 1.0)
    return {topic: np.asarray((position - of) @ turn + to, np.float32) for topic, position in new.items()}


def _classical(distances: Matrix) -> Matrix:
    squares = distances**2
    centred = -(squares - squares.mean(0) - squares.mean(1, keepdims=True) + squares.mean()) / 2
    values, vectors = np.linalg.eigh(centred)
    axes = vectors[:, -2:] * np.sign(vectors[np.abs(vectors[:, -2:]).argmax(0), [-2, -1]])
    positions: Matrix = axes * np.sqrt(np.maximum(values[-2:], 0))
    return positions
