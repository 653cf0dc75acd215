"""What was to be expected of a day: from its own weeks before, with the range in which chance alone would keep it."""

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

import numpy as np

from cxnlp.insight import Baseline, sums_over
from cxnlp.insight.findings import bounds_of
from cxnlp.insight.series import ALL
from cxnlp.service.movements import Movements

MOST_DAYS: Final = 366
Expected: TypeAlias = tuple[float, float, float]
_HISTORY_DAYS: Final = 91
_Z: Final = 1.96


class Expectations:
    """What the series of a store make likely."""

    def __init__(self, movements: Movements) -> None:
        self._movements = movements

    def read(
        self, dimension: str, measures: Sequence[str], values: Sequence[str], first: int, last: int
    ) -> Mapping[tuple[str, str], Sequence[Expected | None]]:
        """Return by value and measure, for each day, what was to be expected and the range that holds 95 % of what chance brings.

        A day of which too little is known has None; a value of which nothing is known is left out.

        Args:
            dimension: `all`, `channel`, ..., or `attributes.NAME`.
            measures: Of `cxnlp.insight.MEASURES`.
            values: Of the dimension.
            first: Number of the first day.
            last: Number of the last day, included.

        Raises:
            InvalidQuery: There is no such dimension.
        """
        panel = self._movements.panel(first - _HISTORY_DAYS, last, dict.fromkeys((ALL, dimension)))
        rows = {key.value: row for row, key in enumerate(panel.keys) if key.dimension == dimension and key.value in values}
        found: dict[tuple[str, str], list[Expected | None]] = {(value, measure): [] for value in rows for measure in measures}
        for day in range(first, last + 1) if rows else ():
            baseline, counts = Baseline(panel, day), sums_over(panel, range(day, day + 1))[list(rows.values())]
            for measure in measures:
                for value, expected in zip(rows, _expected(baseline, measure, counts, day, list(rows.values())), strict=True):
                    found[value, measure].append(expected)
        return found


def _expected(baseline: Baseline, measure: str, counts: np.ndarray, day: int, rows: Sequence[int]) -> list[Expected | None]:
    if not len(baseline.history):
        return [None] * len(rows)
    likely = baseline.weigh(measure, counts, range(day, day + 1), rows)
    pairs = [(float(mean), float(deviation)) for mean, deviation in zip(likely.mean, likely.deviation, strict=True)]
    return [None if np.isnan(mean) else (mean, *bounds_of(measure, mean, _Z * deviation)) for mean, deviation in pairs]
