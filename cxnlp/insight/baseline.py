"""What to expect of a day, from a series' own history: level, day of week, spread, and how sure of it one can be.

Each is a robust fit: weekly sums are pulled in to two standard deviations around the level (Huber's estimator in the quasi-likelihood form of
Cantoni, Ronchetti 2001), so that a past incident does not become the rule, and rare events, whose median is 0, still have a rate. What is known of
little is pulled towards what all series show, and the uncertainty of the fit widens the prediction.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from cxnlp.insight.series import ALL, Key, Panel, answers_of, hits_of, sums_of
from cxnlp.insight.tails import Numbers

WEEK: Final = 7
MOST_WEEKS: Final = 12
LEAST_WEEKS: Final = 3
_HALVED_AFTER_WEEKS: Final = 6.0
_NATURAL: Final = 0.15
_CLIP: Final = 2.0
_MOST_SQUARE: Final = 9.0
_ROUNDS: Final = 8
_PRIOR_EVENTS: Final = 20.0
_PRIOR_DAYS: Final = 20.0
_PRIOR_WEEKS: Final = 6.0
_PRIOR_ANSWERS: Final = 1.0


@dataclass(frozen=True)
class Rates:
    """Expected counts.

    Attributes:
        level: (n_keys,) events a day.
        weekdays: (n_keys, 7) factors around 1; the first is that of Monday.
        events: (n_keys,) how many events the level rests on.
        spread: (n_keys, 2) variance by mean: of a day, and of several days, which is at least as much.
    """

    level: Numbers
    weekdays: Numbers
    events: Numbers
    spread: Numbers

    def mean_of(self, days: range) -> Numbers:
        """Return the expected counts of days, by their numbers: (n_keys, n_days)."""
        found: Numbers = self.level[:, None] * self.weekdays[:, [(day - 1) % WEEK for day in days]]
        return found

    def variance_of(self, mean: Numbers, n_days: int) -> Numbers:
        """Return the variance of (n_keys,) predicted sums over days, the uncertainty of the level included."""
        spread = self.spread[:, 0 if n_days == 1 else 1]
        found: Numbers = spread * mean + mean**2 * self.spread[:, 1] / (self.events + 0.5)
        return found


@dataclass(frozen=True)
class Level:
    """Expected share or mean.

    Attributes:
        value: (n_keys,) NaN where nobody answered.
        deviation: (n_keys,) standard deviation of one answer.
        answers: (n_keys,) how many the level rests on.
        spread: (n_keys,) variance by that of independent answers, at least 1.
    """

    value: Numbers
    deviation: Numbers
    answers: Numbers
    spread: Numbers

    def of(self, rows: slice | Sequence[int] | npt.NDArray[np.int64]) -> "Level":
        """Return the level of some series."""
        return Level(self.value[rows], self.deviation[rows], self.answers[rows], self.spread[rows])


def history_of(panel: Panel, end: int) -> range:
    """Return the days, by number, that the expectation of what follows day `end` rests on: up to 12 whole weeks; none if fewer than 3 are known."""
    total = _totals(panel)
    known = np.flatnonzero(total[: max(0, end - panel.first_day + 1)])
    if not len(known):
        return range(0)
    n_weeks = min(MOST_WEEKS, (end - panel.first_day - int(known[0]) + 1) // WEEK)
    return range(0) if n_weeks < LEAST_WEEKS else range(end + 1 - n_weeks * WEEK, end + 1)


def expect_counts(panel: Panel, days: range) -> Rates:
    """Return what to expect of the volume, from the history in `days` (whole weeks)."""
    counts = _within(panel.of("n"), panel, days)
    n_keys, n_weeks = len(panel.keys), len(days) // WEEK
    weekly = counts.reshape(n_keys, n_weeks, WEEK).sum(axis=2)
    weights = _weights(n_weeks)
    level = _pulled_in(weekly, np.full_like(weekly, float(WEEK)), weights, lambda rate: np.maximum(rate, 1e-9))
    events = level * len(days)
    level = (events + 0.5) / len(days)
    total = panel.row_of.get(Key(ALL, ""))
    pooled = counts.sum(axis=0, keepdims=True) if total is None else counts[total : total + 1]
    flat = np.ones((1, WEEK))
    common = _weekdays(pooled, pooled.mean(axis=1), days, flat)
    weekdays = _weekdays(counts, level, days, common)
    rates = Rates(level, weekdays, events, np.ones((n_keys, 2)))
    daily = rates.mean_of(days)
    by_day = _spread((counts - daily) ** 2 / np.maximum(daily, 1e-9), events >= len(days), _PRIOR_DAYS)
    expected = daily.reshape(n_keys, n_weeks, WEEK).sum(axis=2)
    by_week = _spread((weekly - expected) ** 2 / np.maximum(expected, 1e-9), events >= len(days), _PRIOR_WEEKS)
    return Rates(level, weekdays, events, np.stack([by_day, np.maximum(by_day, by_week)], axis=1))


def expect_share(panel: Panel, days: range, measure: str) -> Level:
    """Return what to expect of a measure that is a share."""
    hits, of = (_weekly(part(measure, panel.counts), panel, days) for part in (hits_of, answers_of))
    weights = _weights(hits.shape[1])

    def variance(rate: Numbers) -> Numbers:
        return np.clip(rate * (1 - rate), 1e-4, None)

    share = _pulled_in(hits, of, weights, variance)
    answers = of.sum(axis=1)
    usual = (share * answers).sum() / max(answers.sum(), 1.0)
    share = (share * answers + usual * _PRIOR_ANSWERS) / (answers + _PRIOR_ANSWERS)
    deviation = np.sqrt(variance(share))
    squares = (hits - of * share[:, None]) ** 2 / np.maximum(of * deviation[:, None] ** 2, 1e-9)
    return Level(np.where(answers > 0, share, np.nan), deviation, answers, _spread(squares, answers >= 10 * len(days) // WEEK, _PRIOR_WEEKS))


def expect_mean(panel: Panel, days: range, measure: str) -> Level:
    """Return what to expect of a measure that is a mean."""
    sums, squares_of = (_weekly(part, panel, days) for part in sums_of(measure, panel.counts))
    of = _weekly(answers_of(measure, panel.counts), panel, days)
    answers = of.sum(axis=1)
    plain = sums.sum(axis=1) / np.maximum(answers, 1)
    variance = np.maximum(squares_of.sum(axis=1) / np.maximum(answers, 1) - plain**2, 1e-4)
    mean = _pulled_in(sums, of, _weights(of.shape[1]), lambda rate: variance)
    squares = (sums - of * mean[:, None]) ** 2 / np.maximum(of * variance[:, None], 1e-9)
    spread = _spread(squares, answers >= 10 * len(days) // WEEK, _PRIOR_WEEKS)
    return Level(np.where(answers > 0, mean, np.nan), np.sqrt(variance), answers, spread)


def _pulled_in(sums: Numbers, of: Numbers, weights: Numbers, variance: Callable[[Numbers], Numbers]) -> Numbers:
    """Return (n_keys,) rates of (n_keys, n_weeks) sums over `of` units, weeks far from the rate pulled in."""
    total = np.maximum((weights * of).sum(axis=1), 1e-9)
    plain = (weights * sums).sum(axis=1) / total
    heard = np.where(of.any(axis=1, keepdims=True), of > 0, True)
    middle = np.nanmedian(np.where(heard, sums / np.maximum(of, 1e-9), np.nan), axis=1)
    rate = np.where(middle != 0, middle, plain)
    for _ in range(_ROUNDS):
        centre = of * rate[:, None]
        reach = _CLIP * np.sqrt(of * variance(rate)[:, None] + (_NATURAL * centre) ** 2)
        rate = (weights * np.clip(sums, centre - reach, centre + reach)).sum(axis=1) / total
    return rate


def _weekdays(counts: Numbers, level: Numbers, days: range, prior: Numbers) -> Numbers:
    """Return (n_keys, 7) factors, pulled towards `prior` by 20 events a weekday; a day that stands out is pulled in to three deviations."""
    order = [(day - 1) % WEEK for day in days]
    usual = level[:, None] * prior[:, order]
    calm = np.minimum(counts, usual + 3 * np.sqrt(usual) + _NATURAL * usual)
    seen = np.stack([calm[:, [at for at, weekday in enumerate(order) if weekday == wanted]].sum(axis=1) for wanted in range(WEEK)], axis=1)
    expected = level[:, None] * len(days) / WEEK
    factors = (seen + _PRIOR_EVENTS * prior) / (expected + _PRIOR_EVENTS)
    found: Numbers = factors * WEEK / factors.sum(axis=1, keepdims=True)
    return found


def _spread(squares: Numbers, telling: npt.NDArray[np.bool_], prior: float) -> Numbers:
    """Return (n_keys,) variance ratios, at least 1, of (n_keys, n) squared residuals, pulled towards what the telling series show."""
    calm = np.minimum(squares, _MOST_SQUARE)
    usual = max(1.0, float(np.median(calm[telling].mean(axis=1)))) if telling.any() else 1.0
    found: Numbers = np.maximum(1.0, (calm.sum(axis=1) + prior * usual) / (calm.shape[1] + prior))
    return found


def _weights(n_weeks: int) -> Numbers:
    found: Numbers = 0.5 ** (np.arange(n_weeks)[::-1] / _HALVED_AFTER_WEEKS)
    return found


def _weekly(values: Numbers, panel: Panel, days: range) -> Numbers:
    sums: Numbers = _within(values, panel, days).reshape(len(panel.keys), len(days) // WEEK, WEEK).sum(axis=2)
    return sums


def _within(values: Numbers, panel: Panel, days: range) -> Numbers:
    """Return the values of some days; those before the panel begins are 0."""
    first, last = days.start - panel.first_day, days.stop - panel.first_day
    held = values[:, max(0, first) : last]
    found: Numbers = np.pad(held, ((0, 0), (len(days) - held.shape[1], 0)))
    return found


def _totals(panel: Panel) -> Numbers:
    row = panel.row_of.get(Key(ALL, ""))
    rows = panel.of("n") if row is None else panel.of("n")[row : row + 1]
    total: Numbers = rows.sum(axis=0)
    return total
