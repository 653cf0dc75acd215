"""Which topics are alike: joined two by two, the most alike first."""

import numpy as np

from cxnlp.records import Matrix, Vector


def join_alike(centroids: Matrix, sizes: Vector) -> list[tuple[int, int, float]]:
    """Return the steps of joining all topics by the mean cosine between their records (UPGMA; Sokal & Michener 1958), weighted by size.

    Args:
        centroids: (t, dim) of unit length, t >= 0.
        sizes: (t,) records of each, at least 1.

    Returns:
        (left, right, likeness) of the t - 1 steps; topics are numbered from 0, the groups that steps make from t on; likeness never grows.
    """
    n = len(centroids)
    likeness = (centroids @ centroids.T).astype(np.float64)
    np.fill_diagonal(likeness, -np.inf)
    weights, numbers = sizes.astype(np.float64).copy(), list(range(n))
    steps: list[tuple[int, int, float]] = []
    for step in range(n - 1):
        kept, gone = sorted(divmod(int(likeness.argmax()), n))
        steps.append((numbers[kept], numbers[gone], float(np.clip(likeness[kept, gone], -1, 1))))
        total = weights[kept] + weights[gone]
        joined = (weights[kept] * likeness[kept] + weights[gone] * likeness[gone]) / total
        likeness[kept], likeness[:, kept] = joined, joined
        likeness[gone] = likeness[:, gone] = -np.inf
        likeness[kept, kept] = -np.inf
        weights[kept], numbers[kept] = total, n + step
    return steps
