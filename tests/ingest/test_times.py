from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from cxnlp.errors import InvalidFeedback
from cxnlp.ingest.times import parse_offset, parse_time

AT = datetime(2026, 11, 1, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-01T09:30:00Z",
        "2026-11-01T17:30:00+08:00",
        "2026-11-01 09:30:00 UTC",
        "20261101T093000Z",
        "Sun, 01 Nov 2026 17:30:00 +0800",
        "1 Nov 2026 09:30:00 -0000",
        "Sun, 01 Nov 2026 09:30:00 GMT",
        "2026/11/1 17:30 +08:00",
        1793525400,
        1793525400.0,
        1793525400000,
        1793525400000000,
        "1793525400",
        "1793525400000",
        AT,
        AT.astimezone(timezone(timedelta(hours=8))),
    ],
)
def test_times_with_a_zone_are_read(value):
    assert parse_time("created_at", value, ZoneInfo("Asia/Tokyo")) == (AT, False)


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-01 17:30",
        "2026/11/1 17:30",
        "2026.11.1 17:30:00",
        "2026年11月1日 17:30",
        "2026年11月1日 下午5:30",
        "2026年11月1日17时30分",
        "01.11.2026 17:30",
        "Nov 1, 2026 5:30 PM",
        "November 1, 2026 17:30",
        "1 November 2026, 17:30",
        "202611011730",
        20261101173000,
        datetime(2026, 11, 1, 17, 30),
    ],
)
def test_times_without_a_zone_are_read_in_the_given_one(value):
    assert parse_time("created_at", value, ZoneInfo("Asia/Shanghai")) == (AT, True)


@pytest.mark.parametrize(
    "value", ["2026-11-25", "25/11/2026", "11/25/2026", "25-11-2026", "20261125", 20261125, date(2026, 11, 25), "25.11.2026", "2026-11-25T00"]
)
def test_dates_are_midnights(value):
    assert parse_time("created_at", value, UTC) == (datetime(2026, 11, 25, tzinfo=UTC), True)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("03/04/2026", "day/month or month/day"),
        ("2026-13-01", "no time"),
        ("2026-02-30 10:00", "no time"),
        ("31.02.2026", "no time"),
        ("2026-11-01 25:00", "no time"),
        ("Foo 1, 2026", "no time"),
        ("yesterday", "no time"),
        ("", "no time"),
        ("9" * 70, "no time"),
        (float("nan"), "no time"),
        (float("inf"), "no time"),
        (1e300, "no time"),
        (10**30, "no time"),
        (True, "no time"),
        (["2026"], "no time"),
        (46327, "Excel"),
        (-5, "year outside"),
        ("1969-12-31T23:59:59Z", "year outside"),
        ("2101-01-01T00:00:00Z", "year outside"),
        ("1970-01-01T00:00:00+08:00", "year outside"),
    ],
)
def test_others_are_refused_with_the_reason(value, problem):
    with pytest.raises(InvalidFeedback, match=problem) as caught:
        parse_time("created_at", value, UTC)
    assert caught.value.field == "created_at"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("00:12:05", 725),
        ("12:05.25", 725.25),
        ("1:00:00,5", 3600.5),
        (12.5, 12.5),
        (0, 0),
        (time(0, 12, 5), 725),
        ("2026-11-01", None),
        (1793525400, None),
        (True, None),
    ],
)
def test_offsets_are_times_since_the_start(value, seconds):
    assert parse_offset(value) == (None if seconds is None else timedelta(seconds=seconds))
