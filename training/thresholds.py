"""From which confidence on to trust an output, for a use that asks for a precision."""

from dataclasses import dataclass

import numpy as np
from product import Rows

from cxnlp.evaluation.measures import FLAG_FROM

_LEAST_OUTPUTS = 30


@dataclass(frozen=True)
class Threshold:
    """What to ask of `confidence` for one use.

    Attributes:
        use: What it is for.
        target: The precision asked for.
        confidence: The least confidence, or None where no threshold gives that precision.
        precision: Of the outputs at or over it.
        recall: Share of what should be found that is found.
        n: Outputs at or over it.
    """

    use: str
    target: float
    confidence: float | None
    precision: float
    recall: float
    n: int


def find_thresholds(rows: Rows, lines: Rows) -> list[Threshold]:
    """Return the threshold for a flag at 95 % precision, and for touchpoints, (touchpoint, cause) pairs and risks as tags at 90 %."""
    flags, touchpoints, pairs, risks = [], [], [], []
    n_flags = sum(row["sentiment"] <= FLAG_FROM for row in rows)
    for row, line in zip(rows, lines, strict=True):
        if line["sentiment"] <= FLAG_FROM:
            flags.append((line["confidence"], row["sentiment"] <= FLAG_FROM))
        right = {(t, c) for t, c, _ in row["observations"]}
        best: dict[str, float] = {}
        for o in line["observations"]:
            pairs.append((o["confidence"], (o["touchpoint"], o["cause"] or "none") in right))
            best[o["touchpoint"]] = max(best.get(o["touchpoint"], 0.0), o["confidence"])
        touchpoints += [(confidence, t in {x for x, _ in right}) for t, confidence in best.items()]
        risks += [(r["confidence"], r["id"] in row["risks"]) for r in line["risks"]]
    return [
        _find("a flag: `sentiment` of -0.3 or less and `confidence` of the record", 0.95, flags, n_flags),
        _find(
            "a touchpoint: `confidence` of its likeliest observation", 0.9, touchpoints, sum(len({t for t, _, _ in r["observations"]}) for r in rows)
        ),
        _find("a (touchpoint, cause) pair: `confidence` of the observation", 0.9, pairs, sum(len({o[:2] for o in _tuples(r)}) for r in rows)),
        _find("a risk: its `confidence`", 0.9, risks, sum(len(set(r["risks"])) for r in rows)),
    ]


def _tuples(row: dict) -> list[tuple]:
    return [tuple(o) for o in row["observations"]]


def _find(use: str, target: float, outputs: list[tuple[float, bool]], n_right: int) -> Threshold:
    """Return the lowest confidence over which, and over every higher one with enough outputs, the precision holds on the whole."""
    confidences, hits = np.array(sorted(outputs, reverse=True), float).reshape(-1, 2).T
    counts = np.arange(1, len(hits) + 1)
    precision = np.cumsum(hits) / counts
    last_of_ties = np.append(confidences[:-1] != confidences[1:], True) if len(hits) else np.zeros(0, bool)
    holding = np.flatnonzero((precision >= target) & (counts >= _LEAST_OUTPUTS) & last_of_ties)
    if not len(holding):
        return Threshold(use, target, None, float(precision[-1]) if len(hits) else 0.0, float(hits.sum() / max(1, n_right)), len(hits))
    i = int(holding[-1])
    return Threshold(use, target, float(confidences[i]), float(precision[i]), float(hits[: i + 1].sum() / max(1, n_right)), i + 1)
