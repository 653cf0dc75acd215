"""The nearest topic of each record, without a refit."""

from typing import Final

import numpy as np
import numpy.typing as npt

from cxnlp.records import Matrix, Vector
from cxnlp.topics.space import Space

NONE: Final = -1
_ROWS_A_BLOCK: Final = 32_768


def assign(documents: Matrix, space: Space, centroids: Matrix, threshold: float) -> tuple[npt.NDArray[np.int32], Vector]:
    """Return the topic of each document and how near it is.

    Args:
        documents: (n, dim) float32, may be memory-mapped: they are read in blocks.
        space: The space of the fit.
        centroids: (t, dim) points of unit length in that space, t >= 0.
        threshold: Smallest cosine in [-1, 1] at which a document belongs to its nearest topic.

    Returns:
        (n,) rows of `centroids`, -1 where none is near enough; (n,) cosine in [-1, 1] to the nearest one, 0 where there is none.
    """
    topics = np.full(len(documents), NONE, np.int32)
    similarities = np.zeros(len(documents), np.float32)
    if not len(centroids):
        return topics, similarities
    for first in range(0, len(documents), _ROWS_A_BLOCK):
        rows = slice(first, first + _ROWS_A_BLOCK)
        cosines = space.place(documents[rows]) @ centroids.T
        nearest = cosines.argmax(1)
        similarities[rows] = np.clip(cosines[np.arange(len(nearest)), nearest], -1, 1)
        topics[rows] = np.where(similarities[rows] >= np.float32(threshold), nearest, NONE)
    return topics, similarities
