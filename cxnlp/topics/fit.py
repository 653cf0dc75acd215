"""A fit: from the vectors and texts of a corpus to its topics, with every record in one or in none."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from cxnlp.errors import InvalidInput
from cxnlp.records import Matrix, Vector
from cxnlp.text.copies import copy_key
from cxnlp.text.tokens import words
from cxnlp.topics.assign import NONE, assign
from cxnlp.topics.discovery import discover
from cxnlp.topics.kept import Kept, key_of
from cxnlp.topics.labels import Cut, TopicLabel, label
from cxnlp.topics.layout import lay_out
from cxnlp.topics.merging import Groups, means
from cxnlp.topics.sampling import draw
from cxnlp.topics.space import Space, find_space, sharpen

OnProgress: TypeAlias = Callable[[str, float], None]
_TEXTS_A_LABEL: Final = 400
_EVERYTHING: Final = -1.0
_N_ROUNDS: Final = 2
_FAR_SHARE: Final = 0.02
_TOLERANCE: Final = 1e-5


@dataclass(frozen=True, slots=True)
class FitConfig:
    """How to fit.

    Attributes:
        seed: The same seed, vectors and texts give the same topics.
        n_topics: Exactly so many topics are looked for; None finds as many as there are dense regions.
        min_topic_size: Fewest texts of a topic among those sampled; None derives it from their number.
        outlier_share: Largest share of the records left without a topic, 0 to 1.
        sample: Most texts that topics are discovered on; all others are assigned.
        user_dictionary: Words that jieba keeps whole, one a line.
    """

    seed: int = 1
    n_topics: int | None = None
    min_topic_size: int | None = None
    outlier_share: float = 0.1
    sample: int = 25_000
    user_dictionary: Path | None = None

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            InvalidInput: A number is out of its range.
        """
        for name, value, least in (("n_topics", self.n_topics, 1), ("min_topic_size", self.min_topic_size, 2), ("sample", self.sample, 100)):
            if value is not None and value < least:
                raise InvalidInput(f"{name} is {value}; it must be {least} or more")
        if not 0 <= self.outlier_share <= 1:
            raise InvalidInput(f"outlier_share is {self.outlier_share}; it must lie between 0 and 1")


@dataclass(frozen=True, slots=True)
class Fit:
    """The topics of a corpus, the largest first.

    Attributes:
        assignments: (n,) int32, the topic of each record, -1 where it has none.
        similarities: (n,) cosine to the nearest topic, in [-1, 1].
        centroids: (t, dim) float32 of unit length, in `space`.
        labels: t labels.
        space: Where the centroids lie; `assign` needs it.
        threshold: Smallest cosine at which a record belongs to its nearest topic.
        positions: (t, 2) float32, the topics on a map, see `cxnlp.topics.layout`.
    """

    assignments: npt.NDArray[np.int32] = field(compare=False, repr=False)
    similarities: Vector = field(compare=False, repr=False)
    centroids: Matrix = field(compare=False, repr=False)
    labels: tuple[TopicLabel, ...]
    space: Space = field(repr=False)
    threshold: float
    positions: Matrix = field(compare=False, repr=False)


def fit_topics(
    documents: Matrix,
    texts: Sequence[str],
    config: FitConfig,
    on_progress: OnProgress = lambda stage, share: None,
    work: Path | None = None,
    cut: Cut | None = None,
) -> Fit:
    """Find topics on distinct texts, or a sample of them, then assign every record to the nearest.

    Copies, as `cxnlp.text.copies` tells them, count once and share a topic. Records far from all topics have none, at most `outlier_share` of all.

    Args:
        documents: (n, dim) float32 document vectors of one encoder; may be memory-mapped.
        texts: n texts, masked.
        config: How to fit.
        on_progress: Called with a stage (`sample`, `discover`, `assign`, `label`, `done`) and the share done in [0, 1]; with `resume` where
            something is taken from `work`.
        work: Folder that keeps what is found on the way; a fit of the same vectors, texts and parameters takes it from there.
        cut: Cuts texts into the words of labels; default is `cxnlp.text.tokens.words`.

    Raises:
        InvalidInput: No records; numbers of vectors and texts differ; a vector that is not finite; no such dictionary; fewer distinct texts
            than `n_topics`.
        CxnlpError: The libraries of the `topics` extra are missing.
    """
    on_progress("sample", 0.0)
    firsts, copy_of = _distinct(texts)
    _check(documents, texts, len(firsts), config)
    sampled = draw(documents, firsts, config.sample, config.seed)
    vectors, sampled_texts = np.asarray(documents[sampled], np.float32), [texts[i] for i in sampled]
    space = find_space(vectors, sampled_texts)
    on_progress("discover", 0.05)
    points = space.place(vectors)
    sought = (config.seed, config.n_topics, config.min_topic_size)
    kept = Kept(work, key_of(points, sampled_texts, *sought), lambda: on_progress("resume", 0.4)) if work else Kept()
    groups = kept.get("groups", lambda: _discover(points, sampled_texts, config, kept))
    on_progress("assign", 0.7)
    space, centroids = _settle(space, vectors, groups)
    topics, similarities = assign(documents, space, centroids, _EVERYTHING)
    topics, similarities = topics[firsts[copy_of]], similarities[firsts[copy_of]]
    threshold = _threshold(similarities, config.outlier_share)
    topics = np.where(similarities >= np.float32(threshold), topics, np.int32(NONE)).astype(np.int32)
    topics, centroids = _largest_first(topics, centroids)
    on_progress("label", 0.85)
    labels = _label(texts, _typical(topics, similarities, firsts, len(centroids)), cut or partial(words, user_dictionary=config.user_dictionary))
    on_progress("done", 1.0)
    return Fit(topics, similarities, centroids, labels, space, threshold, lay_out(centroids))


def recentre(vectors: Matrix, texts: Sequence[str], groups: Groups, n_topics: int) -> tuple[Space, Matrix]:
    """Return the space and the centroids of topics whose members are known, as when their vectors are made by another encoder.

    Args:
        vectors: (n, dim) float32, n >= 1.
        texts: n texts, masked.
        groups: (n,) the topic of each, -1 for none.
        n_topics: How many there are.

    Returns:
        The space, sharpened by the groups; (n_topics, dim) float32 of unit length in it, zero where a topic has no member.
    """
    known = groups >= 0
    present, own = np.unique(groups[known], return_inverse=True)
    space = find_space(vectors, texts)
    centroids = np.zeros((n_topics, vectors.shape[1]), np.float32)
    if len(present):
        members, own = vectors[known], own.astype(np.int64)
        space = sharpen(space, members, own)
        centroids[present] = _unit(means(space.place(members), own))
    return space, centroids


def _discover(points: Matrix, texts: Sequence[str], config: FitConfig, kept: Kept) -> Groups:
    return discover(points, texts, seed=config.seed, n_topics=config.n_topics, min_topic_size=config.min_topic_size, kept=kept)


def _distinct(texts: Sequence[str]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the rows at which a text occurs first, and for each of the n rows the place of its text among them."""
    place_of: dict[int, int] = {}
    firsts: list[int] = []
    copy_of = np.empty(len(texts), np.int64)
    for row, text in enumerate(texts):
        key = copy_key(text)
        if key not in place_of:
            place_of[key] = len(firsts)
            firsts.append(row)
        copy_of[row] = place_of[key]
    return np.array(firsts, np.int64), copy_of


def _check(documents: Matrix, texts: Sequence[str], n_distinct: int, config: FitConfig) -> None:
    if not len(texts):
        raise InvalidInput("there are no records to find topics in; widen the filter or ingest some first")
    if documents.ndim != 2 or len(documents) != len(texts):
        raise InvalidInput(f"{len(texts)} texts and vectors of shape {documents.shape}; one vector a text is needed")
    if not np.isfinite(documents.sum(1, dtype=np.float64)).all():
        raise InvalidInput("a vector holds NaN or infinity; encode its record again")
    if config.user_dictionary and not config.user_dictionary.is_file():
        raise InvalidInput(f"the user dictionary {config.user_dictionary} does not exist; write it or unset it")
    if config.n_topics and config.n_topics > n_distinct:
        raise InvalidInput(f"{config.n_topics} topics were asked for, but there are only {n_distinct} different texts; ask for fewer")


def _settle(space: Space, vectors: Matrix, groups: Groups) -> tuple[Space, Matrix]:
    """Return the space in which the groups lie apart best and their centroids there, after points have gone to the nearest centroid."""
    points = space.place(vectors)
    for _ in range(_N_ROUNDS):
        sharp = sharpen(space, vectors, groups)
        points = sharp.place(vectors)
        centroids = _unit(means(points, groups))
        groups = np.unique(assign(vectors, sharp, centroids, _EVERYTHING)[0], return_inverse=True)[1].astype(np.int64)
    return sharp, _unit(means(points, groups))


def _unit(points: Matrix) -> Matrix:
    lengths = np.linalg.norm(points, axis=1, keepdims=True)
    return np.asarray(points / np.maximum(lengths, np.float32(1e-12)), np.float32)


def _threshold(similarities: Vector, most: float) -> float:
    """Return the cosine below which records have no topic.

    Under it lie those beyond Tukey's fence, Q1 - 1.5 IQR, at least 2 % of all, so that what is as far away as hardly anything else waits for a topic
    of its own, and never more than the share `most`; with a share of 0 nothing.
    """
    if not most:
        return _EVERYTHING
    low, high = np.quantile(similarities, [0.25, 0.75])
    stray_share = max(_FAR_SHARE, float(np.mean(similarities < low - 1.5 * (high - low))))
    n_out = min(int(min(stray_share, most) * len(similarities)), len(similarities) - 1)
    return float(np.partition(similarities, n_out)[n_out]) - _TOLERANCE


def _largest_first(topics: npt.NDArray[np.int32], centroids: Matrix) -> tuple[npt.NDArray[np.int32], Matrix]:
    """Number the topics by size and drop those that no record is nearest to."""
    sizes = np.bincount(topics[topics >= 0], minlength=len(centroids))
    kept = [i for i in np.argsort(-sizes, kind="stable") if sizes[i]]
    renumbered = np.full(len(centroids) + 1, NONE, np.int32)
    renumbered[kept] = np.arange(len(kept))
    return renumbered[topics], centroids[kept]


def _typical(topics: npt.NDArray[np.int32], similarities: Vector, firsts: npt.NDArray[np.int64], n_topics: int) -> list[npt.NDArray[np.int64]]:
    """Return up to 400 rows of each topic, distinct texts, the nearest to its centroid first."""
    by_topic = firsts[np.lexsort((-similarities[firsts], topics[firsts]))]
    starts = np.searchsorted(topics[by_topic], np.arange(n_topics + 1))
    return [by_topic[start:end][:_TEXTS_A_LABEL] for start, end in pairwise(starts)]


def _label(texts: Sequence[str], rows: Sequence[npt.NDArray[np.int64]], cut: Cut) -> tuple[TopicLabel, ...]:
    labels = label([[texts[i] for i in of_topic] for of_topic in rows], cut)
    return tuple(replace(found, quotes=tuple(int(of_topic[i]) for i in found.quotes)) for found, of_topic in zip(labels, rows, strict=True))
