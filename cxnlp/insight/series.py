"""Series: what is counted day by day, for everything together and for each channel, stage, touchpoint, cause and the like."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from cxnlp.insight.tails import Numbers

ALL: Final = "all"
ATTRIBUTE: Final = "attributes."
PAIR_SIGN: Final = "/"
DIMENSIONS: Final = (ALL, "channel", "stage", "touchpoint", "cause", "pair", "topic", "segment")
"""Besides these, `attributes.NAME`, such as `attributes.product`."""
COUNTS: Final = (
    "n", "negative", "complaints", "sentiment", "sentiment_squares", "csat_good", "csat_answers", "promoters", "detractors", "nps_answers",
)  # fmt: skip
"""What is summed over the records of a day, in this order; `csat_good` are answers of 4 and 5 among those on the CSAT scale."""
MEASURES: Final = ("volume", "negative_share", "complaint_share", "sentiment", "csat", "nps")
SHARES: Final[Mapping[str, tuple[str, str]]] = {
    "negative_share": ("negative", "n"), "complaint_share": ("complaints", "n"), "csat": ("csat_good", "csat_answers"),
}  # fmt: skip
"""Hits and number of each measure that is a share."""
_AT: Final = {name: i for i, name in enumerate(COUNTS)}


class Key(NamedTuple):
    """Which series: a dimension and one of its values; that of everything is `("all", "")`, of a pair `("pair", "delivery/slow")`."""

    dimension: str
    value: str


@dataclass(frozen=True)
class Panel:
    """Daily counts of many series.

    Attributes:
        keys: What each series is; n_keys of them.
        first_day: Number of the first day (`date.toordinal`).
        counts: (n_keys, n_days, len(COUNTS)).
    """

    keys: tuple[Key, ...]
    first_day: int
    counts: Numbers = field(compare=False, repr=False)

    @cached_property
    def row_of(self) -> Mapping[Key, int]:
        """The row of each key."""
        return {key: row for row, key in enumerate(self.keys)}

    @property
    def n_days(self) -> int:
        """How many days there are."""
        return int(self.counts.shape[1])

    @property
    def last_day(self) -> int:
        """Number of the last day."""
        return self.first_day + self.n_days - 1

    def of(self, name: str) -> Numbers:
        """Return the daily values of one of `COUNTS`, (n_keys, n_days)."""
        found: Numbers = self.counts[:, :, _AT[name]]
        return found


def make_panel(rows: Iterable[tuple[str, str, int, Sequence[float]]], first_day: int, n_days: int) -> Panel:
    """Return the panel of rows (dimension, value, day, counts in the order of `COUNTS`); days outside are passed over."""
    numbered: dict[Key, int] = {}
    found: list[tuple[int, int, Sequence[float]]] = []
    for dimension, value, day, counts in rows:
        if first_day <= day < first_day + n_days:
            found.append((numbered.setdefault(Key(dimension, value), len(numbered)), day - first_day, counts))
    counts_of = np.zeros((len(numbered), n_days, len(COUNTS)))
    for row, at, counts in found:
        counts_of[row, at] += np.asarray(counts, np.float64)
    return Panel(tuple(numbered), first_day, counts_of)


def measured(measure: str, counts: npt.NDArray[Any]) -> Numbers:
    """Return a measure of summed counts (..., len(COUNTS)); NaN where nobody answered.

    `volume` counts records, `sentiment` is a mean in [-1, 1], `nps` a number in [-100, 100], the others are shares in [0, 1].
    """
    of = {name: counts[..., i] for name, i in _AT.items()}
    with np.errstate(invalid="ignore", divide="ignore"):
        if measure == "volume":
            value = of["n"].astype(np.float64)
        elif measure == "sentiment":
            value = of["sentiment"] / of["n"]
        elif measure == "nps":
            value = 100 * (of["promoters"] - of["detractors"]) / of["nps_answers"]
        else:
            hits, answers = SHARES[measure]
            value = of[hits] / of[answers]
    return np.where(answers_of(measure, counts) > 0, value, np.nan) if measure != "volume" else value


def answers_of(measure: str, counts: npt.NDArray[Any]) -> Numbers:
    """Return how many answers a measure rests on: records, or those with a rating of its scale."""
    name = "nps_answers" if measure == "nps" else SHARES[measure][1] if measure in SHARES else "n"
    found: Numbers = counts[..., _AT[name]]
    return found


def sums_of(measure: str, counts: npt.NDArray[Any]) -> tuple[Numbers, Numbers]:
    """Return the sum and the sum of squares of a measure that is a mean, in its own unit."""
    if measure == "nps":
        good, bad = counts[..., _AT["promoters"]], counts[..., _AT["detractors"]]
        return 100 * (good - bad), 1e4 * (good + bad)
    return counts[..., _AT["sentiment"]], counts[..., _AT["sentiment_squares"]]


def hits_of(measure: str, counts: npt.NDArray[Any]) -> Numbers:
    """Return the hits of a measure that is a share, in the sense of `SHARES`."""
    found: Numbers = counts[..., _AT[SHARES[measure][0]]]
    return found
