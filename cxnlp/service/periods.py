"""Stretches of time that a question is about: days of a time zone, cut into hours, days, weeks or months."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import numpy.typing as npt

from cxnlp.errors import InvalidQuery, shorten

Bucket = Literal["hour", "day", "week", "month"]
Compare = Literal["previous", "year"]
BUCKETS: Final[tuple[Bucket, ...]] = ("hour", "day", "week", "month")
COMPARES: Final[tuple[Compare, ...]] = ("previous", "year")
MOST_BUCKETS: Final = 2_000
_DEFAULT_DAYS: Final = {"hour": 2, "day": 28, "week": 84, "month": 365}
_LEAST_DAYS: Final = {"hour": 1 / 25, "day": 1, "week": 7, "month": 31}
_FIRST_HOURS: Final = date.min + timedelta(2)
_LAST_HOURS: Final = date.max - timedelta(2)
_HOUR_SECONDS: Final = 3_600
_DAY_SECONDS: Final = 86_400
_WEEKS_OF_YEAR: Final = 52


@dataclass(frozen=True)
class Period:
    """Whole days of a time zone, as one stretch or in buckets.

    Attributes:
        first: First day.
        last: Last day, included.
        zone: Whose days; one in which the clocks change has 23 or 25 hours.
        bucket: What it is cut into; None for one stretch. Weeks begin on Monday, hours are counted from the beginning of the day.
    """

    first: date
    last: date
    zone: ZoneInfo
    bucket: Bucket | None = None

    @cached_property
    def edges(self) -> npt.NDArray[np.float64]:
        """The beginning of each bucket and the end of the last, POSIX seconds, (n_buckets + 1,)."""
        return np.array([at for _, at in self._starts], np.float64)

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The beginning of each bucket: a date, of hours a time with its distance from UTC."""
        if self.bucket == "hour":
            return tuple(datetime.fromtimestamp(at, UTC).astimezone(self.zone).isoformat(timespec="minutes") for _, at in self._starts[:-1])
        return tuple((self.first + timedelta(days)).isoformat() for (days, _), _ in self._starts[:-1])

    @cached_property
    def slots(self) -> tuple[tuple[int, int], ...]:
        """Which of the days, weeks or months, and which hour of the day each bucket is: alike in periods that are compared."""
        if self.bucket == "hour":
            return tuple(slot for slot, _ in self._starts[:-1])
        return tuple((i, 0) for i in range(len(self._starts) - 1))

    def before(self, compare: Compare) -> "Period":
        """Return the period to compare with: as long and right before, or a year before (of weeks 52 weeks, of days as many days).

        Raises:
            InvalidQuery: It would begin before the year 1.
        """
        n_days = (self.last - self.first).days
        try:
            if self.bucket == "month":
                n_months = 12 if compare == "year" else len(self._starts) - 1
                last = _month_end(_add_months(self.last.replace(day=1), -n_months))
                return Period(_add_months(self.first, -n_months), last, self.zone, "month")
            if self.bucket == "week" and compare == "year":
                first = self.first - timedelta(weeks=_WEEKS_OF_YEAR)
            else:
                first = _year_before(self.first) if compare == "year" else self.first - timedelta(n_days + 1)
            return Period(first, first + timedelta(n_days), self.zone, self.bucket)
        except (OverflowError, ValueError) as error:
            raise InvalidQuery("compare: there is no time before this period; give a later since, or compare with nothing") from error

    @cached_property
    def _starts(self) -> list[tuple[tuple[int, int], float]]:
        """Return ((day, hour of it), POSIX seconds) of each edge."""
        found: list[tuple[tuple[int, int], float]] = []
        for day in self._days():
            at, slot = _midnight(day, self.zone), (day - self.first).days
            found.append(((slot, 0), at))
            if self.bucket == "hour":
                n_hours = -int(-(_day_end(day, self.zone) - at) // _HOUR_SECONDS)
                found += [((slot, hour), at + _HOUR_SECONDS * hour) for hour in range(1, n_hours)]
        return [*found, ((0, 0), _day_end(self.last, self.zone))]

    def _days(self) -> Iterator[date]:
        """Give the days on which a bucket begins, or several do."""
        if self.bucket is None:
            yield self.first
        elif self.bucket == "month":
            for i in range(_months(self.last) - _months(self.first) + 1):
                yield _add_months(self.first, i)
        else:
            for days in range(0, (self.last - self.first).days + 1, 7 if self.bucket == "week" else 1):
                yield self.first + timedelta(days)


def make_period(since: date | None, until: date | None, zone: ZoneInfo, bucket: Bucket | None, today: date) -> Period:
    """Return the period from a day to another, both included, widened to whole weeks or months.

    Args:
        since: First day; by default so many before the last: 2 for hours, 84 for weeks, 365 for months, else 28.
        until: Last day; today by default.
        zone: Whose days.
        bucket: What it is cut into.
        today: In the zone.

    Raises:
        InvalidQuery: The days are in the wrong order, or make more than 2,000 buckets.
    """
    last = until or today
    try:
        first = since or last - timedelta(_DEFAULT_DAYS.get(bucket or "day", 28) - 1)
        if bucket == "week":
            first -= timedelta(first.weekday())
            last = date.fromordinal(min(last.toordinal() + 6 - last.weekday(), date.max.toordinal()))
        elif bucket == "month":
            first, last = first.replace(day=1), _month_end(last)
    except OverflowError as error:
        raise InvalidQuery(f"until is {last.isoformat()}; give since too") from error
    if (until or today) < first:
        raise InvalidQuery(f"since, until: {first.isoformat()} to {last.isoformat()}; write the first day first")
    if bucket == "hour" and not _FIRST_HOURS <= first <= last <= _LAST_HOURS:
        raise InvalidQuery(f"since, until: hours can be had from {_FIRST_HOURS.isoformat()} to {_LAST_HOURS.isoformat()}")
    n_days = (last - first).days + 1
    if bucket and n_days > MOST_BUCKETS * _LEAST_DAYS[bucket]:
        raise InvalidQuery(f"bucket: {n_days:,} days are more than {MOST_BUCKETS:,} points of a {bucket} each; take a larger bucket or fewer days")
    return Period(first, last, zone, bucket)


def zone_named(name: str) -> ZoneInfo:
    """Return a time zone.

    Raises:
        InvalidQuery: There is none of this name.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InvalidQuery(f"timezone is {shorten(name)!r}; write a name such as Asia/Shanghai or Europe/London") from error


def _midnight(day: date, zone: ZoneInfo) -> float:
    return datetime.combine(day, time(), zone).timestamp()


def _day_end(day: date, zone: ZoneInfo) -> float:
    return _midnight(day, zone) + _DAY_SECONDS if day == date.max else _midnight(day + timedelta(1), zone)


def _months(day: date) -> int:
    return 12 * day.year + day.month - 1


def _add_months(day: date, n: int) -> date:
    year, month = divmod(_months(day) + n, 12)
    return date(year, month + 1, day.day)


def _month_end(day: date) -> date:
    return date.max if day.year == date.max.year and day.month == 12 else _add_months(day.replace(day=1), 1) - timedelta(1)


def _year_before(day: date) -> date:
    return date(day.year - 1, 2, 28) if (day.month, day.day) == (2, 29) else date(day.year - 1, day.month, day.day)
