"""What was found: a measure of a series that moved, and within what it can."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from cxnlp.insight.series import Key

Direction: TypeAlias = Literal["up", "down"]
WORSE: Final = {"volume": "up", "negative_share": "up", "complaint_share": "up", "sentiment": "down", "csat": "down", "nps": "down"}
RANGES: Final[Mapping[str, tuple[float, float]]] = {
    "volume": (0, math.inf), "negative_share": (0, 1), "complaint_share": (0, 1), "sentiment": (-1, 1), "csat": (0, 1), "nps": (-100, 100),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """A measure of a series that moved.

    Attributes:
        key: The series.
        measure: One of `MEASURES`.
        direction: `up` or `down`.
        day: Number of the last day of the window.
        window: How many days it has.
        observed: In the window.
        expected: For the window.
        low: End of the range that holds 95 % of what chance brings.
        high: Other end of it.
        p: How probable so great a difference is by chance, corrected for the windows that were looked at.
        bar: The p at which it would stand if nothing else moved that day.
        lag: So many days before the last one the weeks end that it was compared with.
    """

    key: Key
    measure: str
    direction: Direction
    day: int
    window: int
    observed: float
    expected: float
    low: float
    high: float
    p: float
    bar: float = 1.0
    lag: int = 7

    @property
    def is_worse(self) -> bool:
        """Whether customers are worse off, or there is more to answer."""
        return WORSE[self.measure] == self.direction

    @property
    def days(self) -> range:
        """The days of the window, by number."""
        return range(self.day - self.window + 1, self.day + 1)


def bounds_of(measure: str, mean: float, reach: float) -> tuple[float, float]:
    """Return the range around an expected value, within what the measure can be."""
    least, most = RANGES[measure]
    return max(least, mean - reach), min(most, mean + reach)
