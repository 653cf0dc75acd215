"""Topics among vectors: dense groups by BERTopic with UMAP and HDBSCAN, merged as far as they lie apart.

HDBSCAN takes the leaves of its tree (Campello et al. 2013), many small groups that hold one thing each; every point outside them goes to the nearest,
and `cxnlp.topics.merging` finds how many topics they make. Fewer than 15 points are split by k-means.

BERTopic, UMAP and scikit-learn are loaded here, on first use; they load torch and numba, so call this in a process of its own.
"""

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import numpy as np

from cxnlp.errors import CxnlpError
from cxnlp.records import Matrix
from cxnlp.topics.kept import Kept
from cxnlp.topics.merging import Groups, means, merge

SMALLEST: Final = 15
_N_NEIGHBORS: Final = 15
_N_COMPONENTS: Final = 10
_N_CORE: Final = 3
_POINTS_AT_ONCE: Final = 4_096
_NOTHING_KEPT: Final = Kept()


def discover(
    points: Matrix, texts: Sequence[str], *, seed: int, n_topics: int | None, min_topic_size: int | None, kept: Kept = _NOTHING_KEPT
) -> Groups:
    """Return (n,) the group of each point, numbered from 0, the groups of all points.

    Args:
        points: (n, dim) float32 of unit length, n >= 1.
        texts: n texts.
        seed: The same seed gives the same groups.
        n_topics: Find exactly so many, 1 to n; None finds as many as lie apart best.
        min_topic_size: Fewest points of a group, unless `n_topics` asks for smaller ones; None sets no more than what is dense.
        kept: Keeps the layout, which takes longest.

    Raises:
        CxnlpError: The libraries of the `topics` extra are missing.
    """
    with _silence():
        try:
            if len(points) < SMALLEST:
                return _kmeans(points, seed, n_topics)
            layout, groups = _bertopic(points, texts, seed, kept)
        except ImportError as error:
            raise CxnlpError(f"topics need the libraries of the extra `topics` ({error}); install it with: pip install 'cxnlp[topics]'") from error
        if groups.max() < max(n_topics or 1, 1) - 1:
            return _kmeans(layout, seed, n_topics)
        groups = merge(points, layout, _fill(layout, groups), seed, n_topics)
        return groups if n_topics else _without_small(layout, groups, min_topic_size or 1)


def dense_size(n: int) -> int:
    """Return the fewest points that make a dense group among n: 5 up to 1,500, 14 among 10,000, 31 among 50,000; it grows with the square root."""
    return max(5, round(0.14 * float(np.sqrt(n))))


def _bertopic(points: Matrix, texts: Sequence[str], seed: int, kept: Kept) -> tuple[Matrix, Groups]:
    """Return the (n, 10) layout of the points and the dense group of each, -1 for none."""
    from bertopic import BERTopic
    from hdbscan import HDBSCAN
    from sklearn.feature_extraction.text import CountVectorizer
    from umap import UMAP

    n_neighbors, n_components = min(_N_NEIGHBORS, len(points) - 1), min(_N_COMPONENTS, len(points) // 3)
    umap = UMAP(n_neighbors=n_neighbors, n_components=n_components, min_dist=0.0, metric="cosine", random_state=seed, n_jobs=1)
    layout: Matrix = kept.get("layout", lambda: np.asarray(umap.fit(points).embedding_, np.float32))
    size = dense_size(len(points))
    clustering = HDBSCAN(min_cluster_size=size, min_samples=_N_CORE, cluster_selection_method="leaf", core_dist_n_jobs=1)
    # Words are counted for the topics that come out in the end, by `labels`; BERTopic insists on counting two or more.
    model = BERTopic(umap_model=_Known(layout), hdbscan_model=clustering, vectorizer_model=CountVectorizer(analyzer=_no_words), verbose=False)
    groups, _ = model.fit_transform(list(texts), embeddings=points)
    return layout, np.asarray(groups, np.int64)


class _Known:
    """A layout that is known already, in the place where BERTopic would make one."""

    def __init__(self, layout: Matrix) -> None:
        self._layout = layout

    def fit(self, points: Matrix, y: Any = None) -> "_Known":
        return self

    def transform(self, points: Matrix) -> Matrix:
        return self._layout


def _no_words(text: str) -> list[str]:
    return ["*", "**"]


def _fill(layout: Matrix, groups: Groups) -> Groups:
    """Return the groups with every point outside of them in the one whose mean is nearest."""
    filled, outside = groups.copy(), np.flatnonzero(groups < 0)
    filled[outside] = _nearest(layout[outside], means(layout, groups))
    return filled


def _without_small(layout: Matrix, groups: Groups, smallest: int) -> Groups:
    sizes = np.bincount(groups)
    large = np.flatnonzero(sizes >= min(smallest, int(sizes.max())))
    renumbered = np.full(len(sizes), -1, np.int64)
    renumbered[large] = np.arange(len(large))
    return _fill(layout, renumbered[groups])


def _nearest(points: Matrix, centres: Matrix) -> Groups:
    squares = (centres**2).sum(1)
    blocks = [points[first : first + _POINTS_AT_ONCE] for first in range(0, len(points), _POINTS_AT_ONCE)]
    return np.concatenate([np.zeros(0, np.int64), *((squares - 2 * block @ centres.T).argmin(1) for block in blocks)])


def _kmeans(points: Matrix, seed: int, n_topics: int | None) -> Groups:
    from sklearn.cluster import KMeans

    n_clusters = n_topics or max(1, round(float(np.sqrt(len(points) / 3))))
    return np.asarray(KMeans(n_clusters, n_init=10, random_state=seed).fit_predict(points), np.int64)


@contextmanager
def _silence() -> Iterator[None]:
    """Keep the libraries' warnings and log lines from whoever reads ours: none of them asks for an action of the user."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = logging.root.manager.disable
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(before)
