"""Times as people and programs write them, read into UTC."""

import math
import re
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from email.utils import parsedate_to_datetime
from typing import Final

from cxnlp.ingest.rejects import refuse

YEARS: Final = (1970, 2100)
_REMEDY: Final = "write ISO 8601 such as 2026-11-01T09:30:00Z"
_MS_FROM: Final = 1e11
_US_FROM: Final = 1e14
_NS_FROM: Final = 1e17
_EXCEL_DAYS: Final = (20_000, 80_000)
_MONTHS: Final = {name: i for i, name in enumerate(("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1)}
_CLOCK: Final = (
    r"(?:[T\s,]*(?P<half>上午|下午|中午|晚上|凌晨|早上)?\s*(?P<h>\d{1,2})\s*[:：时点]\s*(?P<mi>\d{1,2})分?"
    r"(?:\s*[:：]?\s*(?P<s>\d{1,2})(?:[.,](?P<f>\d{1,9}))?秒?)?\s*(?P<ap>[AaPp]\.?[Mm]\.?)?)?"
)
_ZONE: Final = r"\s*(?P<z>Z|UTC|GMT|(?:UTC|GMT)?[+-]\d{1,2}(?::?\d{2})?)?"
_NAME: Final = r"(?P<mon>[A-Za-z]{3,9})\.?"
_FORMS: Final = tuple(
    re.compile(rf"\s*{day}{_CLOCK}{_ZONE}\s*", re.ASCII)
    for day in (
        r"(?P<y>\d{4})\s*[-/.年]\s*(?P<m>\d{1,2})\s*[-/.月]\s*(?P<d>\d{1,2})\s*日?",
        r"(?P<d>\d{1,2})\.(?P<m>\d{1,2})\.(?P<y>\d{4})",
        r"(?P<a>\d{1,2})([/-])(?P<b>\d{1,2})\2(?P<y>\d{4})",
        rf"{_NAME}\s+(?P<d>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<y>\d{{4}})",
        rf"(?P<d>\d{{1,2}})(?:st|nd|rd|th)?[\s-]+{_NAME}[\s,-]+(?P<y>\d{{4}})",
    )
)
_RFC_2822: Final = re.compile(r"\s*(?:[A-Za-z]{3},\s*)?\d{1,2} [A-Za-z]{3} \d{4} \d{1,2}:\d{2}(?::\d{2})? .+")
_DIGITS: Final = re.compile(r"-?\d{9,19}(?:\.\d+)?", re.ASCII)
_COMPACT: Final = re.compile(r"(?:19[7-9]\d|20\d\d|2100)[01]\d[0-3]\d(?:[T\s]?[0-2]\d[0-5]\d(?:[0-5]\d)?)?", re.ASCII)
_OFFSET: Final = re.compile(r"\s*(?:(\d{1,3}):)?(\d{1,2}):(\d{2})(?:[.,](\d{1,6}))?\s*", re.ASCII)


def parse_time(field: str, value: object, zone: tzinfo) -> tuple[datetime, bool]:
    """Return (time in UTC, whether it carried no zone and was read in `zone`).

    Read are ISO 8601, `2026-11-01 09:30`, `2026/11/1 9:30`, `2026年11月1日 下午3:05`, `01.11.2026`, `25/12/2026`, `Nov 1, 2026 9:30 AM`, RFC 2822,
    POSIX seconds, milli-, micro- or nanoseconds, dates and datetimes. `03/04/2026` is refused, since it may be March or April.

    Raises:
        InvalidFeedback: It is none of these, or its year lies outside 1970 to 2100.
    """
    try:
        at = _from_number(field, value) if isinstance(value, int | float) and not isinstance(value, bool) else _from_object(field, value)
        naive = at.tzinfo is None
        at = (at.replace(tzinfo=zone) if naive else at).astimezone(UTC)
    except (OverflowError, ValueError) as error:
        raise refuse(field, value, "is no time that can be read", _REMEDY) from error
    if not YEARS[0] <= at.year <= YEARS[1]:
        raise refuse(field, value, f"has a year outside {YEARS[0]} to {YEARS[1]}", _REMEDY)
    return datetime(at.year, at.month, at.day, at.hour, at.minute, at.second, at.microsecond, UTC), naive


def parse_offset(value: object) -> timedelta | None:
    """Return the time since the start of a conversation that `00:12:05`, `12:05.250` or a number of seconds under 10^6 means, else None."""
    if isinstance(value, time) and value.tzinfo is None:
        return timedelta(hours=value.hour, minutes=value.minute, seconds=value.second, microseconds=value.microsecond)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return timedelta(seconds=value) if math.isfinite(value) and 0 <= value < 1e6 else None
    match = _OFFSET.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None
    hours, minutes, seconds, fraction = match.groups()
    return timedelta(hours=int(hours or 0), minutes=int(minutes), seconds=int(seconds), microseconds=int((fraction or "0").ljust(6, "0")))


def _from_object(field: str, value: object) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    if not isinstance(value, str):
        raise refuse(field, value, "is no time", _REMEDY)
    return _from_text(field, value)


def _from_number(field: str, value: float) -> datetime:
    if not math.isfinite(value):
        raise refuse(field, value, "is no time", _REMEDY)
    if isinstance(value, int) and _COMPACT.fullmatch(str(value)) and value < _US_FROM:
        return _from_compact(str(value))
    if _EXCEL_DAYS[0] <= abs(value) <= _EXCEL_DAYS[1]:
        raise refuse(field, value, "may be a day number of Excel or seconds of 1970", "format the column as a date, or write ISO 8601")
    scale = next((s for least, s in ((_NS_FROM, 10**9), (_US_FROM, 10**6), (_MS_FROM, 10**3)) if abs(value) >= least), 1)
    since = timedelta(microseconds=value * 1_000_000 // scale) if isinstance(value, int) else timedelta(seconds=value / scale)
    return datetime(1970, 1, 1, tzinfo=UTC) + since


def _from_text(field: str, text: str) -> datetime:
    if len(text) > 64:
        raise refuse(field, text, "is no time that can be read", _REMEDY)
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError:
        pass
    if _COMPACT.fullmatch(text.strip()):
        return _from_compact(text.strip())
    if _DIGITS.fullmatch(text.strip()):
        return _from_number(field, float(text) if "." in text else int(text))
    if _RFC_2822.fullmatch(text):
        at = parsedate_to_datetime(text.strip())
        return at.replace(tzinfo=UTC) if at.tzinfo is None and text.rstrip().endswith("-0000") else at
    for form in _FORMS:
        match = form.fullmatch(text)
        if match:
            return _from_parts(field, text, {k: v for k, v in match.groupdict().items() if v is not None})
    raise refuse(field, text, "is no time that can be read", _REMEDY)


def _from_compact(digits: str) -> datetime:
    digits = re.sub(r"[T\s]", "", digits)
    return datetime.strptime(digits, "%Y%m%d%H%M%S"[: {8: 6, 12: 10, 14: 12}[len(digits)]])


def _from_parts(field: str, text: str, parts: dict[str, str]) -> datetime:
    if "a" in parts:
        month, day = _month_and_day(field, text, int(parts["a"]), int(parts["b"]))
    else:
        month = _MONTHS.get(parts["mon"][:3].lower(), 0) if "mon" in parts else int(parts["m"])
        day = int(parts["d"])
    hour = int(parts.get("h", 0))
    if "ap" in parts:
        hour = hour % 12 + (12 if parts["ap"][0] in "pP" else 0)
    elif parts.get("half") in ("下午", "晚上") and hour < 12:
        hour += 12
    micro = int(parts.get("f", "0").ljust(6, "0")[:6])
    at = datetime(int(parts["y"]), month, day, hour, int(parts.get("mi", 0)), int(parts.get("s", 0)), micro)
    return at.replace(tzinfo=_zone(parts["z"])) if "z" in parts else at


def _month_and_day(field: str, text: str, a: int, b: int) -> tuple[int, int]:
    if a > 12 or a == b:
        return b, a
    if b > 12:
        return a, b
    raise refuse(field, text, "may be day/month or month/day", _REMEDY)


def _zone(text: str) -> tzinfo:
    digits = re.sub(r"[^\d+-]", "", text)
    if not digits:
        return UTC
    hours, minutes = (int(digits[1:-2]), int(digits[-2:])) if len(digits) > 3 else (int(digits[1:]), 0)
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if digits[0] == "-" else offset)
