"""What a dashboard may ask, and whether it can be answered."""

from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal

from cxnlp.errors import InvalidQuery, shorten
from cxnlp.filters import Filter
from cxnlp.index import check_dimensions
from cxnlp.insight import MEASURED, MEASURES
from cxnlp.service.periods import BUCKETS, COMPARES, Bucket, Compare

MOST_SERIES: Final = 50
MOST_ROWS: Final = 1_000
Order = Literal["desc", "asc"]
_ORDERS: Final = ("desc", "asc")
_EVERYTHING: Final = "all"


@dataclass(frozen=True, slots=True)
class SeriesQuestion:
    """Which series are wanted.

    Attributes:
        dimension: What they differ in: all, source, channel, language, label, intent, segment, topic, touchpoint, stage, cause, pair, risk or
            `attributes.NAME`.
        measures: Of volume, negative_share, complaint_share, sentiment, csat, nps, satisfaction.
        values: Which series, in this order; those with most records if empty.
        bucket: hour, day, week or month.
        since: First day; by default so many before the last: 2 for hours, 28 for days, 84 for weeks, 365 for months. Weeks and months are whole.
        until: Last day, included; today by default.
        timezone: Whose days, an IANA name; that of the settings by default.
        filter: Which records.
        compare: `previous` for the period of the same length before, `year` for a year before; None for nothing.
        limit: How many series, 1 to 50.
        expected: Whether to say what was to be expected of each day; of days in the zone of the settings without a filter, at most 366.
    """

    dimension: str = _EVERYTHING
    measures: tuple[str, ...] = ("volume",)
    values: tuple[str, ...] = ()
    bucket: Bucket = "day"
    since: date | None = None
    until: date | None = None
    timezone: str | None = None
    filter: Filter = field(default_factory=Filter)
    compare: Compare | None = None
    limit: int = 10
    expected: bool = False

    def check(self) -> None:
        """Tell what makes it unanswerable.

        Raises:
            InvalidQuery: Something is unknown or too much; the message says what to write.
        """
        _check(self.measures, self.compare, self.filter)
        check_dimensions([self.dimension])
        if self.bucket not in BUCKETS:
            raise InvalidQuery(f"bucket is {shorten(self.bucket)!r}; write one of {', '.join(BUCKETS)}")
        if not 1 <= self.limit <= MOST_SERIES or len(self.values) > MOST_SERIES:
            raise InvalidQuery(f"limit is {self.limit}, with {len(self.values)} values; write 1 to {MOST_SERIES}, and name at most so many")
        if self.expected and (unknown := [measure for measure in self.measures if measure not in MEASURES]):
            raise InvalidQuery(f"expected: is not known of {unknown[0]}; write measures of {', '.join(MEASURES)}")


@dataclass(frozen=True, slots=True)
class BreakdownQuestion:
    """Which breakdown is wanted.

    Attributes:
        dimensions: One or two, as of `SeriesQuestion`.
        measures: As of `SeriesQuestion`.
        since: First day; 28 days before the last by default.
        until: Last day, included; today by default.
        timezone: As of `SeriesQuestion`.
        filter: Which records.
        compare: As of `SeriesQuestion`.
        sort: Measure to sort by; the first of `measures` by default. Rows without a value come last.
        order: `desc`, the largest first, or `asc`.
        limit: How many rows, 1 to 1,000.
        least: Records that a row has, 1 or more; rows with fewer are among the others.
    """

    dimensions: tuple[str, ...] = (_EVERYTHING,)
    measures: tuple[str, ...] = ("volume",)
    since: date | None = None
    until: date | None = None
    timezone: str | None = None
    filter: Filter = field(default_factory=Filter)
    compare: Compare | None = None
    sort: str | None = None
    order: Order = "desc"
    limit: int = 20
    least: int = 1

    def sorted_by(self) -> str:
        """Return the measure to sort by."""
        return self.sort or self.measures[0]

    def check(self) -> None:
        """Tell what makes it unanswerable.

        Raises:
            InvalidQuery: Something is unknown or too much; the message says what to write.
        """
        _check((*self.measures, *((self.sort,) if self.sort else ())), self.compare, self.filter)
        check_dimensions(self.dimensions)
        if self.order not in _ORDERS:
            raise InvalidQuery(f"order is {shorten(self.order)!r}; write desc or asc")
        if not 1 <= self.limit <= MOST_ROWS:
            raise InvalidQuery(f"limit is {self.limit}; write 1 to {MOST_ROWS:,}")
        if self.least < 1:
            raise InvalidQuery(f"least is {self.least}; write 1 or more")


def _check(measures: tuple[str, ...], compare: str | None, filter: Filter) -> None:
    if unknown := [measure for measure in measures if measure not in MEASURED]:
        raise InvalidQuery(f"measure is {shorten(unknown[0])!r}; write one of {', '.join(MEASURED)}")
    if not measures:
        raise InvalidQuery(f"measure: none is named; write one of {', '.join(MEASURED)}")
    if compare is not None and compare not in COMPARES:
        raise InvalidQuery(f"compare is {shorten(compare)!r}; write one of {', '.join(COMPARES)}, or leave it out")
    if compare and filter.created_at:
        raise InvalidQuery("filter: created_at would hold in the time that is compared with too; give since and until instead")
