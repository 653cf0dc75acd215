"""What a dashboard is told: values with their intervals, beside those of another time, as JSON and as rows of a table."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Any

from cxnlp.service.periods import Period

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """The difference of two values, and the ends of its 95 % interval; None where it is not known."""

    value: float
    low: float | None
    high: float | None

    @property
    def within_chance(self) -> bool | None:
        """Whether chance alone may have made it; None where that is not known."""
        return None if self.low is None or self.high is None else self.low <= 0 <= self.high

    def to_json(self) -> Row:
        """Return it as the API shows it."""
        return {"value": _rounded(self.value), "low": _rounded(self.low), "high": _rounded(self.high), "within_chance": self.within_chance}


@dataclass(frozen=True, slots=True)
class Figure:
    """A measure of some records.

    Attributes:
        value: Its value; None where nobody answered.
        n: Answers that it rests on.
        low: Lower end of the 95 % interval; None where there is none.
        high: Upper end of it.
        before: The same of the time that is compared with; None where nothing is, or nothing corresponds.
        change: The value less that before; None where one of them is unknown.
        expected: What was to be expected of a day, with the range in which chance would keep it; None unless asked for and known.
    """

    value: float | None
    n: int
    low: float | None = None
    high: float | None = None
    before: "Figure | None" = None
    change: Change | None = None
    expected: tuple[float, float, float] | None = None

    def to_json(self) -> Row:
        """Return it as the API shows it."""
        line: Row = {"value": _rounded(self.value), "n": self.n, "low": _rounded(self.low), "high": _rounded(self.high)}
        if self.before is not None:
            line |= {"before": self.before.to_json(), "change": self.change.to_json() if self.change else None}
        if self.expected is not None:
            line["expected"] = dict(zip(("value", "low", "high"), map(_rounded, self.expected), strict=True))
        return line

    def to_row(self) -> Row:
        """Return it as part of a row of a table."""
        before, change, expected = self.before, self.change, self.expected or (None, None, None)
        line: Row = {"value": self.value, "n": self.n, "low": self.low, "high": self.high}
        line |= {"before": before.value if before else None, "before_n": before.n if before else None}
        line |= {
            "change": change.value if change else None,
            "change_low": change.low if change else None,
            "change_high": change.high if change else None,
        }
        line["within_chance"] = change.within_chance if change else None
        return line | dict(zip(("expected", "expected_low", "expected_high"), expected, strict=True))


@dataclass(frozen=True)
class Line:
    """One series of one measure.

    Attributes:
        value: Which: the value of the dimension; empty for everything.
        measure: Of what.
        total: Of the whole period.
        points: Of each of its buckets.
    """

    value: str
    measure: str
    total: Figure
    points: tuple[Figure, ...]


@dataclass(frozen=True)
class Series:
    """Series of a dimension, those with most records first.

    Attributes:
        dimension: What they differ in.
        measures: Which measures; each series has one line for each of them.
        period: What is shown.
        compared: What it is compared with; None for nothing.
        n: Records of the period that pass the filter.
        n_values: Series that there are, those not shown included.
        lines: The series.
    """

    dimension: str
    measures: tuple[str, ...]
    period: Period
    compared: Period | None
    n: int
    n_values: int
    lines: tuple[Line, ...]

    def head(self) -> Row:
        """Return what the API shows beside the series."""
        asked = {"dimension": self.dimension, "measure": self.measures[0], "measures": list(self.measures), "bucket": self.period.bucket}
        return asked | _described(self.period, self.compared) | {"records": self.n, "values": self.n_values}

    def to_json(self) -> Row:
        """Return it as the API shows it."""
        items = []
        for line in self.lines:
            points = [{"at": at} | point.to_json() for at, point in zip(self.period.labels, line.points, strict=True)]
            named = {"dimension": self.dimension, "value": line.value or None, "measure": line.measure}
            items.append(named | {"total": line.total.to_json(), "points": points})
        return self.head() | {"items": items}

    def rows(self) -> Iterator[Row]:
        """Give one row for each point: at, value of the dimension, measure, and its figures."""
        zone = self.period.zone
        starts = [datetime.fromisoformat(at) if self.period.bucket == "hour" else _midnight(at, zone) for at in self.period.labels]
        for line in self.lines:
            for at, point in zip(starts, line.points, strict=True):
                yield {"at": at, self.dimension: line.value or None, "measure": line.measure} | point.to_row()


@dataclass(frozen=True)
class Cell:
    """One row of a breakdown.

    Attributes:
        values: Of each dimension; empty ones where several were taken together.
        figures: By measure.
    """

    values: tuple[str, ...]
    figures: Mapping[str, Figure] = field(default_factory=dict)


@dataclass(frozen=True)
class Breakdown:
    """A measure by one dimension or two.

    Attributes:
        dimensions: Which.
        measures: Which measures.
        period: Of when the records are.
        compared: What it is compared with; None for nothing.
        total: Of all records that pass the filter.
        cells: Sorted as asked.
        others: Of the records that have other values, each counted once; None where all are shown.
        n_others: How many rows that are.
    """

    dimensions: tuple[str, ...]
    measures: tuple[str, ...]
    period: Period
    compared: Period | None
    total: Cell
    cells: tuple[Cell, ...]
    others: Cell | None
    n_others: int

    def head(self) -> Row:
        """Return what the API shows beside the rows."""
        asked = {"dimensions": list(self.dimensions), "measures": list(self.measures)} | _described(self.period, self.compared)
        others = {"values": self.n_others, "measures": _shown(self.others)} if self.others else None
        return asked | {"total": _shown(self.total), "others": others}

    def to_json(self) -> Row:
        """Return it as the API shows it."""
        return self.head() | {"items": [{"values": list(cell.values), "measures": _shown(cell)} for cell in self.cells]}

    def rows(self) -> Iterator[Row]:
        """Give one row for each measure of a row: the values of the dimensions, measure, and its figures; the others are left out."""
        for cell in self.cells:
            named = dict(zip(self.dimensions, (value or None for value in cell.values), strict=True))
            for measure in self.measures:
                yield named | {"measure": measure} | cell.figures[measure].to_row()


def _shown(cell: Cell) -> Row:
    return {measure: figure.to_json() for measure, figure in cell.figures.items()}


def _described(period: Period, compared: Period | None) -> Row:
    named = {"timezone": period.zone.key} | _ends(period)
    return named | {"compared": None if compared is None else _ends(compared)}


def _ends(period: Period) -> Row:
    return {"since": period.first.isoformat(), "until": period.last.isoformat()}


def _midnight(day: str, zone: Any) -> datetime:
    return datetime.combine(datetime.fromisoformat(day).date(), time(), zone)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
