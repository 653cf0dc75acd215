"""The sentiment feed for dashboards: any measure by any dimension and stretch of time, from this process's view of the store."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from cxnlp.errors import InvalidQuery
from cxnlp.index import Facts, IndexView, sum_facts
from cxnlp.insight import Estimates, difference, estimate, sums_for
from cxnlp.service.expectations import MOST_DAYS, Expectations
from cxnlp.service.figure_questions import BreakdownQuestion, SeriesQuestion
from cxnlp.service.measured import Breakdown, Cell, Change, Figure, Line, Series
from cxnlp.service.periods import Bucket, Period, make_period, zone_named

MOST_POINTS: Final = 20_000
_ALL: Final = "all"
_EVERYTHING: Final = (("",),)
_Names = Sequence[tuple[str, ...]]
_Places = npt.NDArray[np.int64]


class Figures:
    """Measures of the records in the view of a process, as they were at most half a second ago."""

    def __init__(self, fresh: Callable[[], IndexView], zone: ZoneInfo, expectations: Callable[[], Expectations]) -> None:
        """Count in an index.

        Args:
            fresh: Gives it, caught up.
            zone: Whose days are meant unless a question names another.
            expectations: Gives what knows what was to be expected of each day.
        """
        self._fresh = fresh
        self._zone = zone
        self._expectations = expectations

    def series(self, question: SeriesQuestion) -> Series:
        """Return measures in time.

        Raises:
            InvalidQuery: Something of the question is unknown or too much; the message says what to write.
        """
        question.check()
        period = self._period(question.since, question.until, question.timezone, question.bucket)
        if question.expected:
            self._check_expected(question, period)
        compared = period.before(question.compare) if question.compare else None
        passing = self._fresh().select(question.filter)
        found = passing.facts([question.dimension], period.edges)
        names = _largest(found, question)
        n_points = len(names) * found.n_buckets * len(question.measures)
        if n_points > MOST_POINTS:
            raise InvalidQuery(
                f"limit: {n_points:,} points; take fewer series or measures, fewer days or a larger bucket, for at most {MOST_POINTS:,}"
            )
        before = passing.facts([question.dimension], compared.edges).of(names) if compared else None
        lines = _lines(question.measures, names, found.of(names), before, _places(period, compared) if compared else None)
        if question.expected:
            lines = self._expecting(lines, question, period)
        n = passing.count(period.edges)
        return Series(question.dimension, question.measures, period, compared, n, found.n_cells, tuple(lines))

    def breakdown(self, question: BreakdownQuestion) -> Breakdown:
        """Return measures by one dimension or two.

        Raises:
            InvalidQuery: Something of the question is unknown or too much; the message says what to write.
        """
        question.check()
        period = self._period(question.since, question.until, question.timezone, None)
        compared = period.before(question.compare) if question.compare else None
        passing = self._fresh().select(question.filter)
        times = [of.edges for of in (period, compared) if of]
        everything = [passing.facts([_ALL], edges).of(_EVERYTHING) for edges in times]
        facts = [passing.facts(question.dimensions, edges) for edges in times]
        names = _first(facts[0], question)
        n_others = facts[0].n_cells - len(names)
        measured = _cells(question.measures, names, *[some.of(names) for some in facts])
        others = _cells(question.measures, [("",) * len(question.dimensions)], *[some.beside(names) for some in facts])[0] if n_others else None
        (total,) = _cells(question.measures, _EVERYTHING, *everything)
        return Breakdown(question.dimensions, question.measures, period, compared, total, tuple(measured), others, n_others)

    def today(self, zone: ZoneInfo | None = None) -> date:
        """Return the day that it is in a zone, by default that of the settings."""
        return datetime.now(UTC).astimezone(zone or self._zone).date()

    def _period(self, since: date | None, until: date | None, timezone: str | None, bucket: Bucket | None) -> Period:
        zone = zone_named(timezone) if timezone else self._zone
        return make_period(since, until, zone, bucket, self.today(zone))

    def _check_expected(self, question: SeriesQuestion, period: Period) -> None:
        if question.bucket != "day" or period.zone.key != self._zone.key or not question.filter.is_empty:
            raise InvalidQuery(f"expected: is known of days in {self._zone.key} without a filter; leave out bucket, timezone and filter")
        if (period.last - period.first).days >= MOST_DAYS:
            raise InvalidQuery(f"expected: is known of up to {MOST_DAYS} days; give a later since")

    def _expecting(self, lines: Sequence[Line], question: SeriesQuestion, period: Period) -> list[Line]:
        """Return the lines with what was to be expected of each day."""
        days = period.first.toordinal(), period.last.toordinal()
        known = self._expectations().read(question.dimension, question.measures, [line.value for line in lines], *days)
        found = []
        for line in lines:
            expected = known.get((line.value, line.measure), [None] * len(line.points))
            points = [replace(point, expected=of_day) for point, of_day in zip(line.points, expected, strict=True)]
            found.append(replace(line, points=tuple(points)))
        return found


def _largest(facts: Facts, question: SeriesQuestion) -> list[tuple[str, ...]]:
    """Return the values that are asked for, by default those with most records."""
    if question.values:
        return [(value,) for value in dict.fromkeys(question.values)]
    if question.dimension == _ALL:
        return list(_EVERYTHING)
    return _best(facts, facts.counts(), question.limit)


def _first(facts: Facts, question: BreakdownQuestion) -> list[tuple[str, ...]]:
    """Return the values of the rows that are shown."""
    sort = question.sorted_by()
    worth = estimate(sort, {name: values[:, 0] for name, values in sum_facts(facts, sums_for(sort)).items()}).value
    worth = np.nan_to_num(worth if question.order == "desc" else -worth, nan=-np.inf)
    shown = np.flatnonzero(facts.counts() >= question.least)
    return _best(facts, worth, question.limit, shown)


def _best(facts: Facts, worth: npt.NDArray[np.number[Any]], limit: int, among: _Places | None = None) -> list[tuple[str, ...]]:
    """Return the names of the cells that are worth most, of equals those that come first in the alphabet."""
    cells = np.arange(facts.n_cells) if among is None else among
    if len(cells) > limit:
        least = np.partition(worth[cells], len(cells) - limit)[len(cells) - limit]
        cells = cells[worth[cells] >= least]
    ranked = sorted(zip((-worth[cells]).tolist(), facts.names(cells.tolist()), strict=True))
    return [name for _, name in ranked[:limit]]


def _places(period: Period, compared: Period) -> _Places:
    """Return the bucket of the period compared with that corresponds to each bucket, -1 where there is none."""
    place = {slot: at for at, slot in enumerate(compared.slots)}
    return np.array([place.get(slot, -1) for slot in period.slots], np.int64)


def _lines(measures: Sequence[str], names: _Names, facts: Facts, before: Facts | None, places: _Places | None) -> list[Line]:
    wanted = [name for measure in measures for name in sums_for(measure)]
    now, then = (None if some is None else sum_facts(some, wanted) for some in (facts, before))
    assert now is not None
    points: dict[str, list[list[Figure]]] = {}
    totals: dict[str, list[list[Figure]]] = {}
    for measure in measures:
        of = {name: now[name] for name in sums_for(measure)}
        was = None if then is None else {name: then[name] for name in of}
        points[measure] = _figures(estimate(measure, of), None if was is None or places is None else _taken(estimate(measure, was), places))
        whole = [None if sums is None else {name: values.sum(axis=1, keepdims=True) for name, values in sums.items()} for sums in (of, was)]
        totals[measure] = _figures(*[None if sums is None else estimate(measure, sums) for sums in whole])  # type: ignore[arg-type]
    return [Line(name[0], measure, totals[measure][row][0], tuple(points[measure][row])) for row, name in enumerate(names) for measure in measures]


def _cells(measures: Sequence[str], names: _Names, facts: Facts, before: Facts | None = None) -> list[Cell]:
    lines = _lines(measures, [(str(row),) for row in range(len(names))], facts, before, None)
    figures: list[dict[str, Figure]] = [{} for _ in names]
    for line in lines:
        figures[int(line.value)][line.measure] = line.total
    return [Cell(name, of) for name, of in zip(names, figures, strict=True)]


def _taken(estimates: Estimates, places: _Places) -> Estimates:
    """Return the estimates of these buckets, NaN for -1."""
    parts = [np.where(places < 0, np.nan, part[:, places]) for part in (estimates.value, estimates.n, estimates.low, estimates.high)]
    return Estimates(*parts)


def _figures(now: Estimates, before: Estimates | None) -> list[list[Figure]]:
    """Return the figure of each cell and bucket."""
    figures = _plain(now)
    if before is None:
        return figures
    changes = difference(now, before)
    for row, (olds, parts) in enumerate(zip(_plain(before), zip(*(_listed(part) for part in changes), strict=True), strict=True)):
        for at, (old, value, low, high) in enumerate(zip(olds, *parts, strict=True)):
            known = not np.isnan(before.n[row, at])
            change = None if value is None else Change(value, low, high)
            figures[row][at] = replace(figures[row][at], before=old if known else None, change=change)
    return figures


def _plain(estimates: Estimates) -> list[list[Figure]]:
    """Return the figures, without interval where nobody answered."""
    n = np.nan_to_num(estimates.n)
    low, high = (_listed(np.where(n > 0, part, np.nan)) for part in (estimates.low, estimates.high))
    rows = zip(_listed(estimates.value), n.astype(np.int64).tolist(), low, high, strict=True)
    return [[Figure(*figure) for figure in zip(*row, strict=True)] for row in rows]


def _listed(values: npt.NDArray[np.float64]) -> list[list[float | None]]:
    """Return numbers as JSON has them, NaN as None."""
    return [[None if value != value else value for value in row] for row in values.tolist()]
