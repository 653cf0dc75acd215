"""How two sets of topics over the same records differ, in words that people use."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

_SIZE_SHARE: Final = 0.2
_SIZE_LEAST: Final = 5
_SPLIT_SHARE: Final = 0.25
_MERGE_SHARE: Final = 0.5
_NOTHING: Final = ""


@dataclass(frozen=True, slots=True)
class Changes:
    """What became of the topics.

    Attributes:
        n_compared: Records or clauses that both know.
        kept_share: Share of them, in [0, 1], whose topic is the same, or that have none in both.
        new: Ids that only the later one has.
        gone: Ids that only the earlier one has.
        sizes: (before, after) of topics that both have and that changed by a fifth or more, by id.
        split: Ids that a quarter or more of a topic's records went to, by its id, where there are several.
        merged: Ids of which half or more of the records came to a topic, by its id, where there are several.
    """

    n_compared: int
    kept_share: float
    new: Sequence[str]
    gone: Sequence[str]
    sizes: Mapping[str, tuple[int, int]]
    split: Mapping[str, Sequence[str]]
    merged: Mapping[str, Sequence[str]]

    def to_json(self) -> dict[str, Any]:
        """Return it as the API shows it."""
        sized = [(after > before, {"id": i, "before": before, "after": after}) for i, (before, after) in self.sizes.items()]
        return {
            "compared": self.n_compared,
            "kept_share": round(self.kept_share, 4),
            "new": list(self.new),
            "gone": list(self.gone),
            "grown": [line for grew, line in sized if grew],
            "shrunk": [line for grew, line in sized if not grew],
            "split": [{"id": i, "into": list(into)} for i, into in self.split.items()],
            "merged": [{"id": i, "from": list(of)} for i, of in self.merged.items()],
        }


def find_changes(before: Sequence[str | None], after: Sequence[str | None]) -> Changes:
    """Return how the topics of the same n records differ.

    Args:
        before: n topic ids, None for none.
        after: n topic ids, None for none.
    """
    ids = sorted({i for i in (*before, *after) if i}, key=lambda i: int(i.removeprefix("t-")))
    places = {_NOTHING: 0} | {topic_id: place for place, topic_id in enumerate(ids, 1)}
    rows, columns = (np.array([places[i or _NOTHING] for i in side], np.int64) for side in (before, after))
    size = len(places)
    flow: npt.NDArray[np.int64] = np.zeros((size, size), np.int64)
    np.add.at(flow, (rows, columns), 1)
    was, now = flow.sum(1), flow.sum(0)
    sizes = {
        i: (int(was[p]), int(now[p]))
        for i, p in places.items()
        if p and was[p] and now[p] and abs(now[p] - was[p]) >= max(_SIZE_LEAST, _SIZE_SHARE * was[p])
    }
    split: dict[str, Sequence[str]] = {}
    merged: dict[str, Sequence[str]] = {}
    for topic_id, place in ((i, p) for i, p in places.items() if p):
        into = [other for other, p in places.items() if p and was[place] and flow[place, p] >= max(1, _SPLIT_SHARE * was[place])]
        of = [other for other, p in places.items() if p and was[p] and flow[p, place] >= max(1, _MERGE_SHARE * was[p])]
        split |= {topic_id: into} if len(into) > 1 else {}
        merged |= {topic_id: of} if len(of) > 1 else {}
    return Changes(
        n_compared=len(rows),
        kept_share=float(np.mean(rows == columns)) if len(rows) else 1.0,
        new=[i for i, p in places.items() if p and now[p] and not was[p]],
        gone=[i for i, p in places.items() if p and was[p] and not now[p]],
        sizes=sizes,
        split=split,
        merged=merged,
    )
