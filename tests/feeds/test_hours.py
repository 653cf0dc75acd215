from datetime import UTC, datetime, timedelta

import pytest

from cxnlp.errors import InvalidInput
from cxnlp.feeds.hours import add_hours, parse_hours

WEEK = ["mon", "tue", "wed", "thu", "fri"]


def hours(zone="Asia/Shanghai", opens="09:00", closes="18:00", days=WEEK):
    return parse_hours({"days": days, "from": opens, "to": closes, "zone": zone})


def at(text):
    return datetime.fromisoformat(text)


def test_without_business_hours_every_hour_counts_also_where_clocks_change():
    assert add_hours(at("2026-03-29T00:30:00+01:00"), 4) == at("2026-03-29T03:30:00+00:00")


@pytest.mark.parametrize(
    ("start", "n", "expected"),
    [
        ("2026-11-20T10:00:00+08:00", 4, "2026-11-20T14:00:00+08:00"),
        ("2026-11-20T16:00:00+08:00", 4, "2026-11-23T11:00:00+08:00"),  # from Friday to Monday
        ("2026-11-21T12:00:00+08:00", 1, "2026-11-23T10:00:00+08:00"),  # on a Saturday
        ("2026-11-20T07:00:00+08:00", 1, "2026-11-20T10:00:00+08:00"),  # before it opens
        ("2026-11-20T23:00:00+08:00", 1, "2026-11-23T10:00:00+08:00"),  # after it has closed
        ("2026-11-20T09:00:00+08:00", 9, "2026-11-20T18:00:00+08:00"),  # to the last minute
        ("2026-11-20T18:00:00+08:00", 0.5, "2026-11-23T09:30:00+08:00"),
        ("2026-11-20T02:00:00+00:00", 24, "2026-11-24T16:00:00+08:00"),  # 8 on Friday, 9 on Monday, 7 on Tuesday
    ],
)
def test_only_business_hours_count(start, n, expected):
    assert add_hours(at(start), n, hours()) == at(expected)


def test_the_day_is_that_of_the_zone():
    """Sunday evening in New York is Monday morning in Shanghai."""
    assert add_hours(at("2026-11-22T21:00:00-05:00"), 1, hours()) == at("2026-11-23T11:00:00+08:00")
    assert add_hours(at("2026-11-23T08:30:00+08:00"), 1, hours("America/New_York")) == at("2026-11-23T10:00:00-05:00")


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("2026-03-28T23:00:00+01:00", "2026-03-29T07:00:00+02:00"),  # an hour of the night is skipped: one more on the clock
        ("2026-10-24T23:00:00+02:00", "2026-10-25T05:00:00+01:00"),  # an hour comes twice
    ],
)
def test_an_opening_time_lasts_as_long_as_it_really_does(start, expected):
    always = hours("Europe/Berlin", "00:00", "24:00", [*WEEK, "sat", "sun"])
    assert add_hours(at(start), 7, always) == at(expected)


def test_summer_time_moves_the_opening_time():
    assert add_hours(at("2026-03-27T20:00:00+01:00"), 1, hours("Europe/Berlin")) == at("2026-03-30T10:00:00+02:00")
    assert add_hours(at("2026-03-27T20:00:00+01:00"), 1, hours("Europe/Berlin")).astimezone(UTC).hour == 8


def test_an_opening_time_that_is_skipped_altogether_does_not_count():
    night = hours("Europe/Berlin", "02:00", "03:00", [*WEEK, "sat", "sun"])
    assert add_hours(at("2026-03-29T00:00:00+01:00"), 0.5, night) == at("2026-03-30T02:30:00+02:00")


def test_many_hours_go_over_many_weeks():
    assert add_hours(at("2026-11-02T09:00:00+08:00"), 45 * 4, hours()) == at("2026-11-27T18:00:00+08:00")
    assert add_hours(at("2026-11-02T09:00:00+08:00"), 45 * 4, hours()) - at("2026-11-02T09:00:00+08:00") == timedelta(days=25, hours=9)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"days": ["monday"]}, r"business_hours.days is .*monday.*mon, tue"),
        ({"days": []}, "business_hours.days"),
        ({"from": 540}, r"business_hours.from is '540'.*quotation marks"),
        ({"from": "09:75"}, "business_hours.from"),
        ({"to": "25:00"}, "business_hours.to"),
        ({"to": "08:00"}, "not after from"),
        ({"zone": "Asia/Atlantis"}, r"business_hours.zone is 'Asia/Atlantis'.*Asia/Shanghai"),
        ({"zone": "../etc/passwd"}, "business_hours.zone"),
        ({"zone": 8}, "business_hours.zone"),
        ({"holidays": []}, "business_hours is"),
    ],
)
def test_hours_that_cannot_be_used_are_refused_with_a_remedy(change, message):
    good = {"days": WEEK, "from": "09:00", "to": "18:00", "zone": "Asia/Shanghai"}
    assert parse_hours(parse_hours(good).to_line()) == parse_hours(good)
    with pytest.raises(InvalidInput, match=message):
        parse_hours(good | change)
