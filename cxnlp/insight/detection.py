"""What is more than chance on a day, over all series and measures."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from cxnlp.insight.baseline import Level, Rates, expect_counts, expect_mean, expect_share, history_of
from cxnlp.insight.drift import chance_of, end_of_sum, onset
from cxnlp.insight.findings import WORSE, Direction, Finding, bounds_of
from cxnlp.insight.rules import AlertRules
from cxnlp.insight.series import MEASURES, SHARES, Panel, answers_of, hits_of, measured, sums_of
from cxnlp.insight.tails import Numbers, count_tails, discoveries, mean_tails, share_tails

Rows: TypeAlias = slice | Sequence[int] | npt.NDArray[np.int64]
EVERY: Final = slice(None)
WINDOWS: Final = (1, 3, 7)
DRIFT_DAYS: Final = 28
TREND_DAYS: Final = 56
_N_LOOKS: Final = len(WINDOWS) + 1
_STILL_FROM: Final = 0.05
_WORSE_PART: Final = 0.8
_LEAST_ANSWERS_BEFORE: Final = 30
_LEAST_DAILY: Final = 2.0
_LEAST_TREND: Final = 14.0
_Z: Final = 1.96


@dataclass(frozen=True)
class Expectation:
    """What to expect of a window, for all series of a panel: (n_keys,) each.

    Attributes:
        mean: Expected value of the measure.
        deviation: Standard deviation of what chance brings.
        above: P of as much or more.
        below: P of as little or less.
    """

    mean: Numbers
    deviation: Numbers
    above: Numbers
    below: Numbers


class Baseline:
    """What to expect of one day and those before it, from the weeks before those; each measure is fitted when it is first asked for.

    Attributes:
        panel: The series.
        day: By number.
        lag: So many days before it the weeks end that tell what to expect.
        history: The days of these weeks, by number.
    """

    def __init__(self, panel: Panel, day: int, lag: int = max(WINDOWS)) -> None:
        self.panel = panel
        self.day = day
        self.lag = lag
        self.history = history_of(panel, day - lag)
        self._rates: Rates | None = None
        self._levels: dict[str, Level] = {}
        self._before: dict[int, Baseline] = {lag: self}

    def before(self, lag: int) -> "Baseline":
        """Return what was to be expected of the same day before the last `lag` days, in which something may have moved slowly."""
        if lag not in self._before:
            self._before[lag] = Baseline(self.panel, self.day, lag)
        return self._before[lag]

    @property
    def rates(self) -> Rates:
        """Of the volume."""
        if self._rates is None:
            self._rates = expect_counts(self.panel, self.history)
        return self._rates

    def level(self, measure: str) -> Level:
        """Return the level of a share or mean."""
        if measure not in self._levels:
            fit = expect_share if measure in SHARES else expect_mean
            self._levels[measure] = fit(self.panel, self.history, measure)
        return self._levels[measure]

    def weigh(self, measure: str, counts: Numbers, days: range, rows: Rows = EVERY) -> Expectation:
        """Return what to expect of the sums (n_rows, len(COUNTS)) over days, and how they compare."""
        if measure == "volume":
            mean = self.rates.mean_of(days).sum(axis=1)
            variance = self.rates.variance_of(mean, len(days))[rows]
            mean = mean[rows]
            return Expectation(mean, np.sqrt(variance), *count_tails(counts[:, 0], mean, variance))
        level = self.level(measure).of(rows)
        of = answers_of(measure, counts)
        ratio = level.spread * (1 + of / np.maximum(level.answers, 1))
        deviation = level.deviation * np.sqrt(ratio / np.maximum(of, 1))
        if measure in SHARES:
            return Expectation(level.value, deviation, *share_tails(hits_of(measure, counts), of, np.nan_to_num(level.value, nan=0.5), ratio))
        freedom = np.full(len(of), len(self.history) / 2)
        gap = np.nan_to_num(measured(measure, counts) - level.value) / np.maximum(deviation, 1e-9)
        return Expectation(level.value, deviation, *mean_tails(gap, freedom))

    def scores(self, measure: str, days: range) -> tuple[Numbers, Numbers]:
        """Return how many standard deviations each day is off, (n_keys, n_days), and how many answers a day the level rests on."""
        counts = self.panel.counts[:, days.start - self.panel.first_day : days.stop - self.panel.first_day]
        if measure == "volume":
            mean = self.rates.mean_of(days)
            # Roots of counts have nearly the same spread whatever the level (Anscombe 1948).
            gap = 2 * (np.sqrt(counts[:, :, 0] + 0.375) - np.sqrt(mean + 0.375))
            return gap / np.sqrt(self.rates.spread[:, :1]), self.rates.level
        level = self.level(measure)
        of = answers_of(measure, counts)
        sums = hits_of(measure, counts) if measure in SHARES else sums_of(measure, counts)[0]
        value, deviation, spread = (np.nan_to_num(part)[:, None] for part in (level.value, level.deviation, level.spread))
        gap = (sums - of * value) / np.maximum(deviation * np.sqrt(np.maximum(of, 1) * spread), 1e-9)
        return gap, np.minimum(level.answers / len(self.history), of.mean(axis=1))

    def since(self, finding: Finding) -> int:
        """Return the number of the day since which a measure is off: the last change point of its CUSUM within four weeks, or eight of a trend."""
        days = range(max(self.panel.first_day, finding.day - max(DRIFT_DAYS, finding.lag) + 1), finding.day + 1)
        scores, _ = self.before(finding.lag).scores(finding.measure, days)
        row = scores[self.panel.row_of[finding.key]]
        return days[onset(row if finding.direction == "up" else -row)]


def detect(panel: Panel, day: int, rules: AlertRules, *, whole: bool = True) -> list[Finding]:
    """Return what moved, up to a day, more than chance would have it; at most the part `rules.rate` of it is false.

    Windows of 1, 3 and 7 days that end with the day are compared with up to 12 weeks before them, and a slow drift is looked for in the last 28
    days, of volumes a trend over 56, too; the smallest p of a series and measure counts, times the number of looks. A change for the worse has four
    fifths of what may be false.

    Args:
        panel: With at least 140 days before the day, if they are known.
        day: By number; days before it must be complete.
        rules: How closely to look.
        whole: Whether the day is over. Of one that is not, too few records are no news, while too many are already compared with a whole day.
    """
    return discover(compare(panel, day, rules, whole=whole), rules)


def compare(panel: Panel, day: int, rules: AlertRules, *, whole: bool = True) -> list[Finding]:
    """Return every series and measure of which there is enough, with its p; arguments as `detect`."""
    baseline = Baseline(panel, day)
    if not len(baseline.history) or not panel.keys:
        return []
    return [finding for measure in MEASURES for finding in _moved(baseline, measure, rules, whole)]


def discover(compared: Sequence[Finding], rules: AlertRules) -> list[Finding]:
    """Return what of a day's comparisons is more than chance and matters, the most certain first."""
    stands = discoveries(np.array([finding.p for finding in compared]), rules.rate)
    bar = rules.rate / max(len(compared), 1)
    kept = [replace(finding, bar=bar) for finding, stand in zip(compared, stands, strict=True) if stand and _matters(finding, rules)]
    return sorted(kept, key=lambda finding: finding.p)


def sums_over(panel: Panel, days: range) -> Numbers:
    """Return the sums of all counts over days, by number: (n_keys, len(COUNTS)); days outside the panel count nothing."""
    found: Numbers = panel.counts[:, max(0, days.start - panel.first_day) : days.stop - panel.first_day].sum(axis=1)
    return found


@dataclass(frozen=True)
class _Look:
    """One comparison of those series that have enough of a measure: all but the window (n_rows,)."""

    window: int
    lag: int
    rows: npt.NDArray[np.int64]
    observed: Numbers
    expected: Expectation
    p: Numbers
    is_up: npt.NDArray[np.bool_]


def _moved(baseline: Baseline, measure: str, rules: AlertRules, whole: bool) -> list[Finding]:
    """Return one finding for each series that has enough of the measure to be tested, whatever its p."""
    looks = [_look(baseline, measure, window, rules, whole) for window in WINDOWS]
    if whole:
        # What moves slowly has one look of four, as each window has: a drift and a trend have half of it each.
        slow = [look for look in (_drift(baseline, measure, rules), _trend(baseline, rules) if measure == "volume" else None) if look]
        looks += [replace(look, p=len(slow) * look.p) for look in slow]
    best: dict[int, tuple[float, _Look, int]] = {}
    for look in looks:
        for at, row in enumerate(look.rows.tolist() if look else ()):
            if look and (row not in best or look.p[at] < best[row][0]):
                best[row] = (float(look.p[at]), look, at)
    return [_finding(baseline, measure, row, look, at) for row, (_, look, at) in best.items()]


def _look(baseline: Baseline, measure: str, window: int, rules: AlertRules, whole: bool) -> _Look | None:
    days = range(baseline.day - window + 1, baseline.day + 1)
    counts = sums_over(baseline.panel, days)
    if measure == "volume":
        enough = (counts[:, 0] > 0) | (baseline.rates.mean_of(days).sum(axis=1) >= 1)
    else:
        enough = answers_of(measure, counts) >= rules.minimum_answers
        enough &= enough.any() and baseline.level(measure).answers >= _LEAST_ANSWERS_BEFORE
    rows = np.flatnonzero(enough)
    if not len(rows):
        return None
    expected = baseline.weigh(measure, counts[rows], days, rows)
    p, is_up = weighted_p(expected.above, expected.below, measure)
    if measure == "volume":
        # Rare events are tested, so that the number of tests does not hang on what is seen, but a few are never news.
        p = np.where(np.where(is_up, counts[rows, 0] < rules.minimum, (expected.mean < 2 * rules.minimum) | (not whole)), 1.0, p)
    return _Look(window, baseline.lag, rows, measured(measure, counts[rows]), expected, p, is_up)


def _drift(baseline: Baseline, measure: str, rules: AlertRules) -> _Look | None:
    """Return what the last 28 days sum up to, against the weeks before them."""
    before = baseline.before(DRIFT_DAYS)
    days = range(baseline.day - DRIFT_DAYS + 1, baseline.day + 1)
    counts = sums_over(baseline.panel, days)
    if not len(before.history) or not answers_of(measure, counts).any():
        return None
    scores, answers = before.scores(measure, days)
    rows = np.flatnonzero(answers >= (_LEAST_DAILY if measure == "volume" else rules.minimum_answers / 7))
    if not len(rows):
        return None
    p, is_up = weighted_p(chance_of(end_of_sum(scores[rows])), chance_of(end_of_sum(-scores[rows])), measure)
    expected = before.weigh(measure, counts[rows], days, rows)
    return _Look(DRIFT_DAYS, DRIFT_DAYS, rows, measured(measure, counts[rows]), expected, p, is_up)


def _trend(baseline: Baseline, rules: AlertRules) -> _Look | None:
    """Return how the volume of the last 28 days compares with the weeks before the last 56, so that what moves slowly is not its own measure.

    It is one more, longer window, with the tails of counts, since a CUSUM of daily scores needs two records a day. What moves slowly was no further
    off in the weeks before than in the last two: of what was, as in an incident three weeks ago, only so much counts; and the last week has to bear
    it out.
    """
    before = baseline.before(TREND_DAYS)
    if not len(before.history):
        return None
    days = range(baseline.day - DRIFT_DAYS + 1, baseline.day + 1)
    mean = before.rates.mean_of(days).sum(axis=1)
    rows = np.flatnonzero(mean >= max(_LEAST_TREND, 2 * rules.minimum))
    if not len(rows):
        return None
    mean, variance = mean[rows], before.rates.variance_of(mean, DRIFT_DAYS)[rows]
    weeks = np.stack([sums_over(baseline.panel, days[start : start + 7])[rows, 0] for start in range(0, DRIFT_DAYS, 7)], axis=1)
    lately, observed = weeks[:, -2:].mean(axis=1, keepdims=True), weeks.sum(axis=1)
    counted = np.where(observed >= mean, np.floor(np.minimum(weeks, lately).sum(axis=1)), np.ceil(np.maximum(weeks, lately).sum(axis=1)))
    above, below = count_tails(counted, mean, variance)
    p, is_up = weighted_p(above, below, "volume")
    near = np.flatnonzero(p <= _STILL_FROM)
    now = before.weigh("volume", sums_over(baseline.panel, days[-7:])[rows[near]], days[-7:], rows[near])
    p[near[np.where(is_up[near], now.above, now.below) > _STILL_FROM]] = 1.0
    return _Look(DRIFT_DAYS, TREND_DAYS, rows, observed, Expectation(mean, np.sqrt(variance), above, below), p, is_up)


def weighted_p(above: Numbers, below: Numbers, measure: str) -> tuple[Numbers, npt.NDArray[np.bool_]]:
    """Return one p for both directions, four fifths of it for the worse one, and whether it is that of `above`."""
    up = above / (_WORSE_PART if WORSE[measure] == "up" else 1 - _WORSE_PART)
    down = below / (_WORSE_PART if WORSE[measure] == "down" else 1 - _WORSE_PART)
    return np.minimum(1.0, np.minimum(up, down)), up <= down


def _finding(baseline: Baseline, measure: str, row: int, look: _Look, at: int) -> Finding:
    mean, reach = float(look.expected.mean[at]), _Z * float(look.expected.deviation[at])
    low, high = bounds_of(measure, mean, reach)
    direction: Direction = "up" if look.is_up[at] else "down"
    observed, p = float(look.observed[at]), min(1.0, _N_LOOKS * float(look.p[at]))
    return Finding(baseline.panel.keys[row], measure, direction, baseline.day, look.window, observed, mean, low, high, p, lag=look.lag)


def _matters(finding: Finding, rules: AlertRules) -> bool:
    gap = abs(finding.observed - finding.expected)
    return gap >= rules.least_change[finding.measure] * (max(finding.expected, 1e-9) if finding.measure == "volume" else 1)
