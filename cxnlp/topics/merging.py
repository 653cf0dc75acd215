"""How many topics there are: groups that are too fine are merged step by step, as far as they then lie apart best.

The order of merging is Ward's (1963) in the layout, begun at groups instead of single points. How well they lie apart after each step is told by
the mean silhouette (Rousseeuw 1987), once in the layout and once among the vectors, multiplied: a layout overstates the gaps between a few islands,
vectors favour crumbs. Of the numbers as good as the best within one standard error the smallest is taken, as Breiman et al. (1984) prune trees.
"""

from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from cxnlp.records import Matrix

Groups: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]
Step: TypeAlias = tuple[int, int]
_MOST_COMPARED: Final = 2_500
_FEWEST: Final = 2


def merge(points: Matrix, layout: Matrix, groups: Groups, seed: int, n_topics: int | None = None) -> Groups:
    """Return (n,) the merged group of each point, numbered from 0.

    Args:
        points: (n, dim) float32 of unit length.
        layout: (n, d) float32, the same points where Euclidean distances tell, in few dimensions.
        groups: (n,) the fine group of each point, numbered from 0, none of them empty.
        seed: Of the sample that silhouettes are taken on where there are more than 2,500 points.
        n_topics: Merge until so many are left, at least 1; None chooses their number.
    """
    n_groups = int(groups.max()) + 1
    steps = _steps(layout, groups)
    n_left = min(n_topics or _best_number(points, layout, groups, steps, seed), n_groups)
    merged = groups.copy()
    for kept, gone in steps[: n_groups - n_left]:
        merged[merged == gone] = kept
    return np.unique(merged, return_inverse=True)[1].astype(np.int64)


def means(points: Matrix, groups: Groups) -> Matrix:
    """Return (g, d) the mean of each group, numbered from 0; of points whose group is -1 nothing is known, and an empty group's mean is zero."""
    n_groups = int(groups.max()) + 1
    sums = np.zeros((n_groups, points.shape[1]), np.float64)
    np.add.at(sums, groups[groups >= 0], points[groups >= 0])
    counts = np.bincount(groups[groups >= 0], minlength=n_groups)
    return np.asarray(sums / np.maximum(counts, 1)[:, None], np.float32)


def _steps(points: Matrix, groups: Groups) -> list[Step]:
    """Return the (kept, gone) groups of all merges in order: each time the two whose merging adds least to the squared distances to the mean."""
    centres, sizes = means(points, groups).astype(np.float64), np.bincount(groups).astype(np.float64)
    costs = np.stack([_costs(centres, sizes, group) for group in range(len(sizes))])
    steps: list[Step] = []
    for _ in range(len(sizes) - 1):
        kept, gone = sorted(divmod(int(costs.argmin()), len(sizes)))
        centres[kept] = (sizes[kept] * centres[kept] + sizes[gone] * centres[gone]) / (sizes[kept] + sizes[gone])
        sizes[kept], sizes[gone] = sizes[kept] + sizes[gone], 0
        costs[gone] = costs[:, gone] = np.inf
        costs[kept] = costs[:, kept] = _costs(centres, sizes, kept)
        steps.append((kept, gone))
    return steps


def _costs(centres: Floats, sizes: Floats, group: int) -> Floats:
    squares = ((centres - centres[group]) ** 2).sum(1)
    costs = np.where(sizes > 0, squares * sizes * sizes[group] / np.maximum(sizes + sizes[group], 1), np.inf)
    costs[group] = np.inf
    return costs


def _best_number(points: Matrix, layout: Matrix, groups: Groups, steps: Sequence[Step], seed: int) -> int:
    n_groups = int(groups.max()) + 1
    rows = np.arange(len(points))
    if len(rows) > _MOST_COMPARED:
        rows = np.sort(np.random.default_rng(seed).choice(rows, _MOST_COMPARED, replace=False))
    in_layout, in_points = (_silhouettes(space[rows], groups[rows], n_groups, steps) for space in (layout, points))
    scores, errors = {}, {}
    for number, near, far in zip(range(n_groups, _FEWEST - 1, -1), in_layout, in_points, strict=True):
        scores[number] = max(float(near.mean()), 0.0) * max(float(far.mean()), 0.0)
        errors[number] = float((near * far.mean() + far * near.mean()).std()) / np.sqrt(len(rows))
    # Two languages or two trades are islands, but not yet topics: many dense groups are never merged into very few.
    fewest = round(float(np.sqrt(n_groups)))
    scores = {number: score for number, score in scores.items() if number >= fewest}
    best = max(scores, key=lambda number: scores[number], default=n_groups)
    return min((number for number, score in scores.items() if score >= scores[best] - errors[best]), default=n_groups)


def _silhouettes(points: Matrix, groups: Groups, n_groups: int, steps: Sequence[Step]) -> Iterator[Floats]:
    """Yield the (n,) silhouettes of the points in [-1, 1] before the first merge and after each, down to two groups."""
    squares = (points**2).sum(1)
    distances = np.sqrt(np.maximum(squares[:, None] + squares - 2 * points @ points.T, 0))
    of_group = np.eye(n_groups, dtype=np.float32)[groups]
    sums, counts, own = (distances @ of_group).astype(np.float64), of_group.sum(0).astype(np.float64), groups.copy()
    for number in range(n_groups, _FEWEST - 1, -1):
        yield _silhouette(sums, counts, own)
        kept, gone = steps[n_groups - number]
        sums[:, kept] += sums[:, gone]
        counts[kept], counts[gone] = counts[kept] + counts[gone], 0
        own[own == gone] = kept


def _silhouette(sums: Floats, counts: Floats, own: Groups) -> Floats:
    rows = np.arange(len(own))
    within = sums[rows, own] / np.maximum(counts[own] - 1, 1)
    to_others = np.where(counts > 0, sums / np.maximum(counts, 1), np.inf)
    to_others[rows, own] = np.inf
    nearest = to_others.min(1)
    widest = np.maximum(within, nearest)
    # A sample may hold one group only, or points that coincide.
    tells = (counts[own] > 1) & np.isfinite(widest) & (widest > 0)
    return np.where(tells, (nearest - within) / np.where(tells, widest, 1), 0.0)
