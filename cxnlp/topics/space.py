"""The space in which topics lie: document vectors without what all share and without the language they are in.

Sentences of a multilingual encoder lie in one narrow cone, and within it apart by language, so that clusters of raw vectors are languages before
they are topics. Subtracting the mean opens the cone (Mu & Viswanath 2018, arXiv:1702.01417); projecting out the direction between the languages'
means puts a complaint in Chinese beside the same complaint in English (after Yang et al. 2021, arXiv:2109.04727).

Once groups are known, directions in which texts of one group differ, such as tone and length, are shortened: the whitening within classes of linear
discriminant analysis, with the covariance shrunk towards a sphere. In that space the nearest centroid tells topics apart better than the groups did
that it was learnt from.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from cxnlp.records import Matrix, Vector
from cxnlp.topics.merging import means

_HAN: Final = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_LATIN: Final = re.compile(r"[A-Za-z]+")
_SMALLEST_SAMPLE: Final = 15
_SMALLEST_LANGUAGE: Final = 10
_SHRINKAGE: Final = 1.5
_NEGLIGIBLE: Final = 1e-4


@dataclass(frozen=True, slots=True)
class Space:
    """A projection of document vectors.

    Attributes:
        origin: (dim,) what all vectors share, subtracted first.
        axes: (n_axes, dim) orthogonal directions of at most unit length: that of unit length is removed, shorter ones are shortened, each to
            1 minus its squared length.
    """

    origin: Vector = field(compare=False)
    axes: Matrix = field(compare=False)

    def place(self, documents: Matrix) -> Matrix:
        """Return (n, dim) documents as (n, dim) points of unit length; one that coincides with the origin is zero."""
        points = np.asarray(documents, np.float32) - self.origin
        points -= (points @ self.axes.T) @ self.axes
        lengths = np.linalg.norm(points, axis=1, keepdims=True)
        return np.asarray(points / np.where(lengths > 1e-6, lengths, np.inf), np.float32)


def find_space(documents: Matrix, texts: Sequence[str]) -> Space:
    """Return the space of a corpus; fewer than 15 documents give the identity, since their mean says more of them than of the language.

    Args:
        documents: (n, dim) float32.
        texts: n texts, read only for the script they are in.
    """
    dim = documents.shape[1]
    none = np.zeros((0, dim), np.float32)
    if len(documents) < _SMALLEST_SAMPLE:
        return Space(np.zeros(dim, np.float32), none)
    is_chinese = np.array([_is_chinese(text) for text in texts], bool)
    if min(is_chinese.sum(), (~is_chinese).sum()) < _SMALLEST_LANGUAGE:
        return Space(documents.mean(0), none)
    means = documents[is_chinese].mean(0), documents[~is_chinese].mean(0)
    axis = means[0] - means[1]
    length = np.linalg.norm(axis)
    axes = (axis / length)[None].astype(np.float32) if length > 1e-6 else none
    return Space(((means[0] + means[1]) / 2).astype(np.float32), axes)


def sharpen(space: Space, documents: Matrix, groups: npt.NDArray[np.int64]) -> Space:
    """Return the space with those directions shortened in which the documents of one group differ.

    Each eigenvector of the covariance within groups is divided by the square root of its eigenvalue plus 1.5 (1 + dim / n) times the mean eigenvalue,
    so that few documents change little.

    Args:
        space: The space in which the groups were found.
        documents: (n, dim) float32.
        groups: (n,) their groups, numbered from 0, none empty.
    """
    points = space.place(documents)
    within = points - means(points, groups)[groups]
    n, dim = points.shape
    values, vectors = np.linalg.eigh(within.T.astype(np.float64) @ within / n)
    mean = values.mean()
    if n < _SMALLEST_SAMPLE or mean < _NEGLIGIBLE**2:
        return space
    lengths = 1 / np.sqrt(np.maximum(values, 0) + _SHRINKAGE * (1 + dim / n) * mean)
    removed = np.eye(dim) - space.axes.T.astype(np.float64) @ space.axes
    scaling = removed @ (vectors * (lengths / lengths.max())) @ vectors.T @ removed
    kept, axes = np.linalg.eigh((scaling + scaling.T) / 2)
    shortened = 1 - np.clip(kept, 0, 1)
    chosen = shortened > _NEGLIGIBLE
    return Space(space.origin, np.asarray((axes * np.sqrt(shortened)).T[chosen], np.float32))


def _is_chinese(text: str) -> bool:
    return len(_HAN.findall(text)) > len(_LATIN.findall(text))
