"""Deadlines in business hours: pure, over weekends, time zones and the days on which clocks change."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cxnlp.errors import InvalidInput, shorten

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_FIELDS: Final = frozenset({"days", "from", "to", "zone"})
_CLOCK: Final = re.compile(r"(\d{1,2}):(\d{2})")
_EXAMPLE: Final = "{days: [mon, tue, wed, thu, fri], from: '09:00', to: '18:00', zone: Asia/Shanghai}"


@dataclass(frozen=True, slots=True)
class BusinessHours:
    """When somebody is there.

    Attributes:
        days: Numbers of the days of the week, Monday is 0.
        opens: Minute of the day, on the wall clock.
        closes: Minute of the day, up to 1440.
        zone: Name of the IANA time zone whose wall clock that is.
    """

    days: tuple[int, ...]
    opens: int
    closes: int
    zone: str

    def to_line(self) -> dict[str, Any]:
        """Return it as `parse_hours` reads it."""
        clocks = {name: f"{at // 60:02d}:{at % 60:02d}" for name, at in (("from", self.opens), ("to", self.closes))}
        return {"days": [DAYS[day] for day in self.days], **clocks, "zone": self.zone}


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
    day = start.astimezone(ZoneInfo(within.zone)).date()
    while True:
        if day.weekday() in within.days:
            opens, closes = (_clock(day, minute, within.zone) for minute in (within.opens, within.closes))
            begin = max(opens, start.astimezone(UTC))
            if begin + left <= closes:
                return begin + left
            left -= max(closes - begin, timedelta())
        day += timedelta(days=1)


def parse_hours(value: object) -> BusinessHours:
    """Return the business hours of a rule.

    Raises:
        InvalidInput: A field is missing, unknown or has a value that cannot be used; the message names it and what to write.
    """
    if not isinstance(value, Mapping) or set(value) != _FIELDS:
        raise InvalidInput(f"business_hours is {shorten(value)!r}; write {_EXAMPLE}")
    days = value["days"]
    if not isinstance(days, list) or not days or not set(map(str, days)) <= set(DAYS):
        raise InvalidInput(f"business_hours.days is {shorten(days)!r}; write a list of {', '.join(DAYS)}")
    opens, closes = (_minute(f"business_hours.{name}", value[name]) for name in ("from", "to"))
    if opens >= closes:
        raise InvalidInput(f"business_hours.to is {shorten(value['to'])!r}, not after from; write a later time of the same day, up to 24:00")
    zone = value["zone"]
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        raise InvalidInput(f"business_hours.zone is {shorten(zone)!r}; write a name such as Asia/Shanghai") from None
    return BusinessHours(tuple(sorted({DAYS.index(day) for day in days})), opens, closes, zone)


def _clock(day: date, minute: int, zone: str) -> datetime:
    """Return what the wall clock of a zone shows, in UTC; a time that is skipped is read as if the clock had not been put on yet."""
    at = datetime.combine(day + timedelta(days=minute // 1440), time(minute % 1440 // 60, minute % 60), ZoneInfo(zone))
    return at.astimezone(UTC)


def _minute(name: str, value: object) -> int:
    match = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    minute = int(match[1]) * 60 + int(match[2]) if match and int(match[2]) < 60 else -1
    if not 0 <= minute <= 1440:
        raise InvalidInput(f"{name} is {shorten(value)!r}; write a time in quotation marks, such as '09:00'")
    return minute
