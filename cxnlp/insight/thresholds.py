"""Plain limits, as customer-experience teams write them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from cxnlp.insight.detection import sums_over
from cxnlp.insight.findings import Direction
from cxnlp.insight.rules import Threshold
from cxnlp.insight.series import Key, Panel, answers_of, measured
from cxnlp.insight.tails import Numbers

_WEEK: Final = 7


@dataclass(frozen=True, slots=True)
class Breach:
    """A limit that a series passed.

    Attributes:
        threshold: The limit.
        key: The series.
        direction: `down` below the limit or fallen, `up` above it.
        day: Number of the last day.
        window: How many days were summed.
        observed: The value.
        limit: What it should not have passed.
    """

    threshold: Threshold
    key: Key
    direction: Direction
    day: int
    window: int
    observed: float
    limit: float


def check_thresholds(panel: Panel, day: int, thresholds: Sequence[Threshold]) -> list[Breach]:
    """Return which limits are passed at the end of a day, in the order of the limits."""
    found: list[Breach] = []
    for threshold in thresholds:
        window = _WEEK if threshold.falls_by is not None else threshold.over_days
        observed, of = _values(panel, threshold, range(day - window + 1, day + 1))
        limit, passed = _limit(panel, threshold, day, observed)
        passed &= of >= threshold.minimum
        direction: Direction = "up" if threshold.above is not None else "down"
        for row in np.flatnonzero(passed).tolist():
            if panel.keys[row].dimension in threshold.dimensions:
                found.append(Breach(threshold, panel.keys[row], direction, day, window, float(observed[row]), float(limit[row])))
    return found


def _limit(panel: Panel, threshold: Threshold, day: int, observed: Numbers) -> tuple[Numbers, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    with np.errstate(invalid="ignore"):
        if threshold.below is not None:
            return np.full_like(observed, threshold.below), observed < threshold.below
        if threshold.above is not None:
            return np.full_like(observed, threshold.above), observed > threshold.above
        falls_by = threshold.falls_by or 0.0
        passed = np.ones(len(observed), np.bool_)
        later, limit = observed, np.full_like(observed, np.nan)
        for week in range(1, threshold.weeks + 1):
            end = day - week * _WEEK
            value, of = _values(panel, threshold, range(end - _WEEK + 1, end + 1))
            held = value - falls_by * np.abs(value)
            limit = held if week == 1 else limit
            passed &= (later < held) & (of >= threshold.minimum)
            later = value
        return limit, passed


def _values(panel: Panel, threshold: Threshold, days: range) -> tuple[Numbers, Numbers]:
    counts = sums_over(panel, days)
    return measured(threshold.measure, counts), answers_of(threshold.measure, counts)
