"""Permanent topic ids: which cluster of a new fit is which topic of before."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from cxnlp.records import Matrix, Vector

_ID: Final = re.compile(r"t-([1-9]\d*)")
_MEMBERS_WEIGH: Final = 0.7
_LEAST_OVERLAP: Final = 0.2
_LEAST_COSINE: Final = 0.6


@dataclass(frozen=True, slots=True)
class OldTopic:
    """A topic of an earlier fit.

    Attributes:
        id: Its permanent id, `t-<n>`.
        centroid: (dim,) of unit length, in a space comparable to that of the new centroids.
        members: Ids of the records that have this topic now.
    """

    id: str
    centroid: Vector = field(compare=False, repr=False)
    members: Collection[str] = field(repr=False)


def match(centroids: Matrix, members: Sequence[Collection[str]], old: Sequence[OldTopic], highest: int = 0) -> list[str]:
    """Return the id of each new cluster: that of the old topic it continues, or a new one.

    Clusters and topics are paired so that the sum of 0.7 times the Jaccard overlap of members and 0.3 times the cosine of centroids is highest
    (Kuhn 1955, by `scipy.optimize.linear_sum_assignment`). A pair counts where members overlap by 0.2 or more, among the records that both fits
    know, or, where the cluster or the topic has no such record, where the cosine is 0.6 or more.

    Args:
        centroids: (t, dim) of unit length.
        members: t collections of record ids.
        old: The topics of before, retired ones as well if their ids may come back.
        highest: The highest number ever used in an id; new ids go on from it, and from the highest in `old`.
    """
    numbers = [int(found[1]) for topic in old if (found := _ID.fullmatch(topic.id))]
    next_number = max([highest, *numbers]) + 1
    continued = _pairs(centroids, members, old) if len(members) and old else {}
    ids: list[str] = []
    for cluster in range(len(members)):
        if cluster in continued:
            ids.append(old[continued[cluster]].id)
        else:
            ids.append(f"t-{next_number}")
            next_number += 1
    return ids


def _pairs(centroids: Matrix, members: Sequence[Collection[str]], old: Sequence[OldTopic]) -> dict[int, int]:
    from scipy.optimize import linear_sum_assignment  # type: ignore[import-untyped]

    cosines = np.asarray(centroids, np.float64) @ np.stack([topic.centroid for topic in old]).T.astype(np.float64)
    overlaps, known = _overlaps(members, old)
    allowed = np.where(known, overlaps >= _LEAST_OVERLAP, cosines >= _LEAST_COSINE)
    weights = np.where(allowed, _MEMBERS_WEIGH * overlaps + (1 - _MEMBERS_WEIGH) * np.clip(cosines, 0, 1) + 1e-9, 0)
    rows, columns = linear_sum_assignment(weights, maximize=True)
    return {int(row): int(column) for row, column in zip(rows, columns, strict=True) if allowed[row, column]}


def _overlaps(members: Sequence[Collection[str]], old: Sequence[OldTopic]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Return the (t, n_old) Jaccard overlaps among records that both sides know, and whether any such records decide the pair."""
    cluster_of = {record: cluster for cluster, records in enumerate(members) for record in records}
    common = np.zeros((len(members), len(old)), np.float64)
    for column, topic in enumerate(old):
        for record in topic.members:
            if (cluster := cluster_of.get(record)) is not None:
                common[cluster, column] += 1
    of_cluster, of_topic = common.sum(1, keepdims=True), common.sum(0, keepdims=True)
    overlaps = common / np.maximum(of_cluster + of_topic - common, 1)
    return overlaps, (of_cluster > 0) & (of_topic > 0)
