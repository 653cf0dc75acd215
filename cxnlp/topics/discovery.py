"""Dense groups among vectors: BERTopic with UMAP and HDBSCAN, or k-means where there are too few vectors or a number of groups is asked for.

BERTopic, UMAP and scikit-learn are loaded here, on first use; they load torch and numba, so call this in a process of its own.
"""

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cxnlp.errors import CxnlpError
from cxnlp.records import Matrix
from cxnlp.topics.labels import terms_of

SMALLEST: Final = 15
_N_NEIGHBORS: Final = 15
_N_COMPONENTS: Final = 5
_MARKS: Final = ("*", "**")


def discover(
    points: Matrix, texts: Sequence[str], *, seed: int, n_topics: int | None, min_topic_size: int | None, user_dictionary: Path | None
) -> npt.NDArray[np.int64]:
    """Return (n,) the group of each point, 0 and up, -1 for those in no dense region.

    Args:
        points: (n, dim) float32 of unit length, n >= 1.
        texts: n texts.
        seed: The same seed gives the same groups.
        n_topics: Find exactly so many, 1 to n; None finds as many as there are dense regions.
        min_topic_size: Fewest points of a dense region; None derives it from n.
        user_dictionary: Words that jieba keeps whole.

    Raises:
        CxnlpError: The libraries of the `topics` extra are missing.
    """
    with _silence():
        try:
            if len(points) < SMALLEST:
                return _kmeans(points, seed, n_topics)
            groups = _bertopic(points, texts, seed, n_topics, min_topic_size or smallest_topic(len(points)), user_dictionary)
            return groups if groups.max() >= 0 else _kmeans(points, seed, n_topics)
        except ImportError as error:
            raise CxnlpError(f"topics need the libraries of the extra `topics` ({error}); install it with: pip install 'cxnlp[topics]'") from error


def smallest_topic(n: int) -> int:
    """Return the fewest points that make a topic among n: 5 among 40, 13 among 865, 100 among 50,000; it grows with the square root."""
    return max(5, min(200, round(0.45 * float(np.sqrt(n)))))


def _bertopic(
    points: Matrix, texts: Sequence[str], seed: int, n_topics: int | None, min_topic_size: int, user_dictionary: Path | None
) -> npt.NDArray[np.int64]:
    from bertopic import BERTopic
    from hdbscan import HDBSCAN
    from sklearn.cluster import KMeans
    from sklearn.feature_extraction.text import CountVectorizer
    from umap import UMAP

    reduction = UMAP(
        n_neighbors=min(_N_NEIGHBORS, len(points) - 1), n_components=_N_COMPONENTS, min_dist=0.0, metric="cosine", random_state=seed, n_jobs=1
    )
    clustering: Any = HDBSCAN(min_cluster_size=min_topic_size, min_samples=max(2, min_topic_size // 4), core_dist_n_jobs=1)
    if n_topics:
        clustering = KMeans(n_topics, n_init=10, random_state=seed)
    # `multilingual`, or BERTopic deletes every Chinese character before it counts words.
    model = BERTopic(
        language="multilingual",
        umap_model=reduction,
        hdbscan_model=clustering,
        vectorizer_model=CountVectorizer(analyzer=partial(_terms, user_dictionary=user_dictionary)),
        verbose=False,
    )
    groups, _ = model.fit_transform(list(texts), embeddings=points)
    return np.asarray(groups, np.int64)


def _terms(text: str, user_dictionary: Path | None) -> list[str]:
    # BERTopic fails on a vocabulary of fewer than two words, as of texts that are all emoji.
    return [*terms_of(text, user_dictionary), *_MARKS]


def _kmeans(points: Matrix, seed: int, n_topics: int | None) -> npt.NDArray[np.int64]:
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
