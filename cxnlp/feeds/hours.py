"""Deadlines in business hours: pure, over nights, weekends, holidays, time zones and the days on which clocks change."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cxnlp.errors import InvalidInput, shorten

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_FIELDS: Final = frozenset({"days", "from", "to", "spans", "zone", "holidays", "extra_days"})
_CLOCK: Final = re.compile(r"(\d{1,2}):(\d{2})")
_DAY_MINUTES: Final = 24 * 60
_MOST_DATES: Final = 1_000
_EXAMPLE: Final = "{days: [mon, tue, wed, thu, fri], from: '09:00', to: '18:00', zone: Asia/Shanghai}"


@dataclass(frozen=True, slots=True)
class BusinessHours:
    """When somebody is there.

    Attributes:
        days: Numbers of the days of the week, Monday is 0.
        spans: When each of these days opens and closes, in minutes of the day on the wall clock, in order. One that closes after 1440 goes on
            into the next day, whatever that day is.
        zone: Name of the IANA time zone whose wall clock that is.
        holidays: Days on which nobody is there, in order.
        extra_days: Days on which somebody is there all the same, such as a Saturday that is worked for a holiday, in order.
    """

    days: tuple[int, ...]
    spans: tuple[tuple[int, int], ...]
    zone: str
    holidays: tuple[date, ...] = ()
    extra_days: tuple[date, ...] = ()

    def is_open(self, day: date) -> bool:
        """Tell whether a day has the opening times."""
        return day in self.extra_days or (day.weekday() in self.days and day not in self.holidays)

    def to_line(self) -> dict[str, Any]:
        """Return it as `parse_hours` reads it."""
        clocks = [(_shown(opens), _shown(closes)) for opens, closes in self.spans]
        one = dict(zip(("from", "to"), clocks[0], strict=True))
        line = {"days": [DAYS[day] for day in self.days], **(one if len(clocks) == 1 else {"spans": ["-".join(span) for span in clocks]})}
        dates = {"holidays": self.holidays, "extra_days": self.extra_days}
        return line | {"zone": self.zone} | {name: [day.isoformat() for day in given] for name, given in dates.items() if given}


def add_hours(start: datetime, hours: float, within: BusinessHours | None = None) -> datetime:
    """Return the time, in UTC, when so many hours have passed since `start`; with business hours, only these count.

    On a day when clocks change, an opening time counts as long as it really lasts.

    Args:
        start: With a zone.
        hours: More than 0.
        within: None where every hour counts.
    """
    if within is None:
        return start.astimezone(UTC) + timedelta(hours=hours)
    left = timedelta(hours=hours)
    for opens, closes in _open_times(start, within):
        begin = max(opens, start.astimezone(UTC))
        if begin + left <= closes:
            return begin + left
        left -= max(closes - begin, timedelta())
    raise AssertionError("opening times do not end")


def parse_hours(value: object) -> BusinessHours:
    """Return the business hours of a rule.

    Raises:
        InvalidInput: A field is missing, unknown or has a value that cannot be used; the message names it and what to write.
    """
    clocks = {"spans"} if isinstance(value, Mapping) and "spans" in value else {"from", "to"}
    required = {"days", "zone", *clocks}
    if not isinstance(value, Mapping) or not required <= set(value) <= required | {"holidays", "extra_days"}:
        raise InvalidInput(f"business_hours is {shorten(value)!r}; write {_EXAMPLE}, with spans for several; known are {', '.join(sorted(_FIELDS))}")
    days = value["days"]
    if not isinstance(days, list) or not days or not set(map(str, days)) <= set(DAYS):
        raise InvalidInput(f"business_hours.days is {shorten(days)!r}; write a list of {', '.join(DAYS)}")
    spans = _spans(value["spans"]) if "spans" in value else (_span("business_hours.to", value["from"], value["to"]),)
    zone = value["zone"]
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        raise InvalidInput(f"business_hours.zone is {shorten(zone)!r}; write a name such as Asia/Shanghai") from None
    holidays, extra_days = (_dates(f"business_hours.{name}", value.get(name)) for name in ("holidays", "extra_days"))
    if both := set(holidays) & set(extra_days):
        raise InvalidInput(f"business_hours.extra_days has {min(both)}, which is one of holidays too; keep it in one of them")
    return BusinessHours(tuple(sorted({DAYS.index(day) for day in days})), spans, zone, holidays, extra_days)


def _open_times(start: datetime, hours: BusinessHours) -> Iterator[tuple[datetime, datetime]]:
    """Yield when somebody is there, in UTC and in order, from the night before `start` on."""
    zone = ZoneInfo(hours.zone)
    day = start.astimezone(zone).date() - timedelta(days=1)
    while True:
        if hours.is_open(day):
            for opens, closes in hours.spans:
                yield _instant(day, opens, zone), _instant(day, closes, zone)
        day += timedelta(days=1)


def _instant(day: date, minute: int, zone: ZoneInfo) -> datetime:
    """Return when the wall clock shows a time, in UTC: the first of two such times; for one that is skipped, when the clock is put on."""
    wall = datetime.combine(day + timedelta(days=minute // _DAY_MINUTES), time(minute % _DAY_MINUTES // 60, minute % 60))
    at = wall.replace(tzinfo=zone).astimezone(UTC)
    if at.astimezone(zone).replace(tzinfo=None) == wall:
        return at
    before = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    while at - before > timedelta(seconds=1):
        middle = before + (at - before) / 2
        is_before = middle.astimezone(zone).replace(tzinfo=None) < wall
        before, at = (middle, at) if is_before else (before, middle)
    return (at + timedelta(seconds=0.5)).replace(microsecond=0)


def _spans(value: object) -> tuple[tuple[int, int], ...]:
    where = "business_hours.spans"
    if not isinstance(value, list) or not value or not all(isinstance(each, str) and each.count("-") == 1 for each in value):
        raise InvalidInput(f"{where} is {shorten(value)!r}; write a list such as ['09:00-12:00', '13:30-18:00']")
    found = sorted(_span(where, *(clock.strip() for clock in each.split("-"))) for each in value)
    following = [*found[1:], (found[0][0] + _DAY_MINUTES, 0)]
    if any(closes > after[0] for (_, closes), after in zip(found, following, strict=True)):
        raise InvalidInput(f"{where} is {shorten(value)!r}, of which two overlap; write each time of the day once")
    return tuple(found)


def _span(where: str, opens: object, closes: object) -> tuple[int, int]:
    begin, end = _minute(where.replace(".to", ".from"), opens), _minute(where, closes)
    if begin in (end, _DAY_MINUTES):
        raise InvalidInput(f"{where} is {shorten(closes)!r} after {shorten(opens)!r}; write two times; the second may be of the next day")
    return begin, end if end > begin else end + _DAY_MINUTES


def _dates(where: str, value: object) -> tuple[date, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > _MOST_DATES:
        raise InvalidInput(f"{where} is {shorten(value)!r}; write a list of up to {_MOST_DATES:,} dates such as 2026-10-01")
    return tuple(sorted({_date(where, each) for each in value}))


def _date(where: str, value: object) -> date:
    try:
        # YAML reads a date without quotation marks as one.
        return value if isinstance(value, date) and not isinstance(value, datetime) else date.fromisoformat(value)  # type: ignore[arg-type]
    except (ValueError, TypeError):
        raise InvalidInput(f"{where} has {shorten(value)!r}; write a date such as 2026-10-01") from None


def _minute(name: str, value: object) -> int:
    match = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    minute = int(match[1]) * 60 + int(match[2]) if match and int(match[2]) < 60 else -1
    if not 0 <= minute <= _DAY_MINUTES:
        raise InvalidInput(f"{name} is {shorten(value)!r}; write a time in quotation marks, such as '09:00'")
    return minute


def _shown(minute: int) -> str:
    within = minute if minute <= _DAY_MINUTES else minute - _DAY_MINUTES
    return f"{within // 60:02d}:{within % 60:02d}"
