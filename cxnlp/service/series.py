"""Series for dashboards: the values of a measure day by day, with what was to be expected of each day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np

from cxnlp.errors import InvalidQuery, shorten
from cxnlp.insight import MEASURES, Baseline, Key, Panel, sums_over
from cxnlp.insight.detection import bounds_of
from cxnlp.insight.series import ALL, answers_of, measured
from cxnlp.service.movements import Movements
from cxnlp.store.series import day_of

MOST_DAYS: Final = 366
MOST_SERIES: Final = 50
_HISTORY_DAYS: Final = 91
_Z: Final = 1.96


@dataclass(frozen=True, slots=True)
class Point:
    """A day of a series.

    Attributes:
        day: Number of the day.
        value: Of the measure; None where nobody answered.
        n: Answers that the value rests on.
        expected: From the weeks before; None where too little is known.
        low: End of the range that holds 95 % of what chance brings.
        high: Other end of it.
    """

    day: int
    value: float | None
    n: int
    expected: float | None = None
    low: float | None = None
    high: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as the API shows it."""
        named = {name: None if (value := getattr(self, name)) is None else round(value, 4) for name in ("value", "n", "expected", "low", "high")}
        return {"day": date.fromordinal(self.day).isoformat(), **named}


@dataclass(frozen=True, slots=True)
class Series:
    """One series."""

    key: Key
    measure: str
    points: tuple[Point, ...]

    def to_json(self) -> dict[str, Any]:
        """Return it as the API shows it."""
        return {"dimension": self.key.dimension, "value": self.key.value or None, "points": [point.to_json() for point in self.points]}


class SeriesView:
    """The series of a store."""

    def __init__(self, movements: Movements) -> None:
        self._movements = movements

    @property
    def zone(self) -> str:
        """Name of the time zone whose days are meant."""
        return self._movements.zone.key

    def read(self, dimension: str, measure: str, first: int, last: int, values: Sequence[str] = (), limit: int = 10) -> list[Series]:
        """Return series of a dimension, those with most records first.

        Args:
            dimension: `all`, `channel`, ..., or `attributes.NAME`.
            measure: One of `MEASURES`.
            first: Number of the first day.
            last: Number of the last day, included.
            values: Which series; the largest when empty.
            limit: How many, 1 to 50.

        Raises:
            InvalidQuery: There is no such dimension or measure, or the days or the limit are out of range.
        """
        if measure not in MEASURES:
            raise InvalidQuery(f"measure is {shorten(measure)!r}; write one of {', '.join(MEASURES)}")
        if not 0 <= last - first < MOST_DAYS:
            raise InvalidQuery(f"since, until: write 1 to {MOST_DAYS} days, the first one first")
        if not 1 <= limit <= MOST_SERIES:
            raise InvalidQuery(f"limit is {limit}; write 1 to {MOST_SERIES}")
        panel = self._movements.panel(first - _HISTORY_DAYS, last, dict.fromkeys((ALL, dimension)))
        shown = panel.of("n")[:, first - panel.first_day :].sum(axis=1)
        rows = [row for row, key in enumerate(panel.keys) if key.dimension == dimension and (not values or key.value in values)]
        rows = sorted((row for row in rows if values or shown[row]), key=lambda row: (-shown[row], panel.keys[row]))[:limit]
        points = _points(panel, measure, range(first, last + 1), rows)
        return [Series(panel.keys[row], measure, tuple(of_day[at] for of_day in points)) for at, row in enumerate(rows)]

    def today(self, now: float) -> int:
        """Return the number of the day of a time, POSIX seconds."""
        return day_of(now, self._movements.zone)


def _points(panel: Panel, measure: str, days: range, rows: Sequence[int]) -> list[list[Point]]:
    """Return the points of each day, by row."""
    found = []
    for day in days if rows else ():
        counts = sums_over(panel, range(day, day + 1))[rows]
        values, of = measured(measure, counts), answers_of(measure, counts)
        baseline = Baseline(panel, day)
        told = [Point(day, None if np.isnan(value) else float(value), int(n)) for value, n in zip(values, of, strict=True)]
        if len(baseline.history):
            expected = baseline.weigh(measure, counts, range(day, day + 1), rows)
            told = [_expecting(point, measure, float(m), float(d)) for point, m, d in zip(told, expected.mean, expected.deviation, strict=True)]
        found.append(told)
    return found


def _expecting(point: Point, measure: str, mean: float, deviation: float) -> Point:
    if np.isnan(mean):
        return point
    low, high = bounds_of(measure, mean, _Z * deviation)
    return Point(point.day, point.value, point.n, mean, low, high)
