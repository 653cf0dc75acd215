"""Several rankings of the same records made one, by reciprocal rank (Cormack, Clarke and Büttcher, SIGIR 2009)."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_CONSTANT: Final = 10
"""60 in the paper, for rankings that are equally good; here the heads of the rankings say most (docs/search.md)."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """One way to rank.

    Attributes:
        ids: Record ids, best first, each once.
        weight: How much it counts beside the others, above 0.
    """

    ids: Sequence[str]
    weight: float = 1.0


def fuse(rankings: Sequence[Ranking]) -> list[str]:
    """Return all ids, best first: each counts weight / (10 + rank) in every ranking that has it; equals keep the order of the first ranking."""
    scores: dict[str, float] = defaultdict(float)
    for ranking in rankings:
        for rank, record_id in enumerate(ranking.ids, 1):
            scores[record_id] += ranking.weight / (_CONSTANT + rank)
    return sorted(scores, key=lambda record_id: -scores[record_id])
