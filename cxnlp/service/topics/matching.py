"""Which topics of before a new fit has found again, and splits that people made done again where it did not find the parts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from cxnlp.records import Matrix, Vector
from cxnlp.service.topics.items import Items
from cxnlp.store import FittedTopic, Standing
from cxnlp.topics.matching import OldTopic, match
from cxnlp.topics.space import Space

_MOST_COMPARED: Final = 200_000
_MOST_AVERAGED: Final = 10_000
_MOST_OF_A_PART: Final = 0.5
_UNKNOWN: Final = -2
_NONE: Final = -1


@dataclass(frozen=True, slots=True)
class Before:
    """What a fit is compared with.

    Attributes:
        topics: Of the active fit, by row.
        standing: Where all records or clauses stand now, before merges.
        retired: Topics of the fits before, whose ids may come back.
        families: The topic that each part was split from, by the part's id, for splits that stand.
        highest: Highest number that a topic ever had.
    """

    topics: Sequence[FittedTopic]
    standing: Standing
    retired: Sequence[OldTopic]
    families: Mapping[str, str]
    highest: int


@dataclass(frozen=True, slots=True)
class Clusters:
    """What a fit found, without ids.

    Attributes:
        rows: (n,) int32 cluster of each item, -1 for none.
        space: Where the centroids lie.
        topics: One a cluster; `topic_id` is empty.
    """

    rows: npt.NDArray[np.int32] = field(compare=False)
    space: Space = field(compare=False, repr=False)
    topics: Sequence[FittedTopic]


def identify(found: Clusters, items: Items, before: Before) -> Clusters:
    """Return the clusters with permanent ids, and with the parts of splits that stand.

    Clusters are matched to the topics of the active fit first, then those left over to topics of the fits before it, see
    `cxnlp.topics.matching.match`. On large corpora every k-th record is compared.
    """
    step = max(1, items.n // _MOST_COMPARED)
    standing = before.standing
    members = _members(items.seqs, items.clauses, found.rows, len(found.topics), step)
    places = {topic.topic_id: row for row, topic in enumerate(before.topics)}
    rows = np.array([places.get(topic_id, _NONE) if topic_id else _NONE for topic_id in standing.base_ids], np.int32)
    held = _members(standing.seqs, standing.clauses, rows, len(before.topics), step)
    old = [OldTopic(topic.topic_id, topic.centroid, held[row]) for row, topic in enumerate(before.topics)]
    centroids = np.stack([topic.centroid for topic in found.topics])
    ids = match(centroids, members, old, before.highest)
    left = [row for row, topic_id in enumerate(ids) if int(topic_id.removeprefix("t-")) > before.highest]
    if left and before.retired:
        retired = [_sampled(topic, step) for topic in before.retired]
        again = match(centroids[left], [members[row] for row in left], retired, before.highest)
        ids = [again[left.index(row)] if row in left else topic_id for row, topic_id in enumerate(ids)]
    named = [replace(topic, topic_id=topic_id) for topic, topic_id in zip(found.topics, ids, strict=True)]
    return _split_again(replace(found, topics=named), items, before)


def keys_of(seqs: npt.NDArray[np.int64], clauses: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """Return (n,) one number for each record or clause."""
    keys: npt.NDArray[np.int64] = (seqs << 20) + clauses + 1
    return keys


def _members(seqs: npt.NDArray[np.int64], clauses: npt.NDArray[np.int32], rows: npt.NDArray[np.int32], n_topics: int, step: int) -> list[set[str]]:
    kept = (rows >= 0) & (seqs % step == 0)
    found: list[set[str]] = [set() for _ in range(n_topics)]
    for key, row in zip(keys_of(seqs, clauses)[kept].tolist(), rows[kept].tolist(), strict=True):
        found[row].add(str(key))
    return found


def _sampled(topic: OldTopic, step: int) -> OldTopic:
    return topic if step == 1 else replace(topic, members={key for key in topic.members if (int(key) >> 20) % step == 0})


def _split_again(found: Clusters, items: Items, before: Before) -> Clusters:
    """Take parts that people split off, and that the fit did not tell apart, out of the cluster that most of their records fell to."""
    own = {topic.topic_id for topic in found.topics}
    family = {*before.families, *before.families.values()}
    lost = [topic for topic in before.topics if topic.topic_id in family and topic.topic_id not in own]
    if not lost:
        return found
    base = _base(items, before)
    for part in lost:
        found = _take_out(found, part, items, base, before)
    return found


def _take_out(found: Clusters, part: FittedTopic, items: Items, base: npt.NDArray[np.int32], before: Before) -> Clusters:
    of_part = base == before.topics.index(part)
    fell_to = found.rows[of_part & (found.rows >= 0)]
    if not len(fell_to):
        return found
    row = int(np.bincount(fell_to).argmax())
    whole = found.topics[row]
    related = _root(whole.topic_id, before.families) == _root(part.topic_id, before.families)
    inside = found.rows == row
    rest = inside & ~of_part & (base != _UNKNOWN)
    if not related or np.mean(fell_to == row) < _MOST_OF_A_PART or not rest.any():
        return found
    centroids = np.stack([_centroid(items.vectors, rest, found.space), _centroid(items.vectors, inside & of_part, found.space)])
    new = np.flatnonzero(inside & (base == _UNKNOWN))
    nearer = (found.space.place(items.vectors[new]) @ centroids.T).argmax(1) == 1 if len(new) else np.zeros(0, np.bool_)
    rows = found.rows.copy()
    rows[inside & of_part] = rows[new[nearer]] = len(found.topics)
    topics = list(found.topics)
    topics[row] = replace(whole, centroid=centroids[0], n=int(np.sum(rows == row)))
    topics.append(replace(part, centroid=centroids[1], n=int(np.sum(rows == len(topics))), position=whole.position))
    return replace(found, rows=rows, topics=topics)


def _base(items: Items, before: Before) -> npt.NDArray[np.int32]:
    """Return (n,) the row of each item's topic of before, -1 for none, -2 where the item is new."""
    places = {topic.topic_id: row for row, topic in enumerate(before.topics)}
    standing = before.standing
    rows = np.array([places.get(topic_id, _NONE) if topic_id else _NONE for topic_id in standing.base_ids], np.int32)
    _, mine, theirs = np.intersect1d(
        keys_of(items.seqs, items.clauses), keys_of(standing.seqs, standing.clauses), assume_unique=True, return_indices=True
    )
    base = np.full(items.n, _UNKNOWN, np.int32)
    base[mine] = rows[theirs]
    return base


def _centroid(vectors: Matrix, which: npt.NDArray[np.bool_], space: Space) -> Vector:
    rows = np.flatnonzero(which)
    mean = space.place(vectors[rows[:: max(1, len(rows) // _MOST_AVERAGED)]]).mean(0)
    centroid: Vector = np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12), np.float32)
    return centroid


def _root(topic_id: str, families: Mapping[str, str]) -> str:
    while topic_id in families:
        topic_id = families[topic_id]
    return topic_id
