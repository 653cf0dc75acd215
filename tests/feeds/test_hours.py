import json
from datetime import UTC, date, datetime, timedelta

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
        ({"to": "09:00"}, "two times"),
        ({"zone": "Asia/Atlantis"}, r"business_hours.zone is 'Asia/Atlantis'.*Asia/Shanghai"),
        ({"zone": "../etc/passwd"}, "business_hours.zone"),
        ({"zone": 8}, "business_hours.zone"),
        ({"hollidays": []}, "business_hours is"),
    ],
)
def test_hours_that_cannot_be_used_are_refused_with_a_remedy(change, message):
    good = {"days": WEEK, "from": "09:00", "to": "18:00", "zone": "Asia/Shanghai"}
    assert parse_hours(parse_hours(good).to_line()) == parse_hours(good)
    with pytest.raises(InvalidInput, match=message):
        parse_hours(good | change)


NIGHTS = {"days": WEEK, "from": "22:00", "to": "06:00", "zone": "Asia/Shanghai"}
GOLDEN_WEEK = {
    "days": WEEK,
    "spans": ["13:30-18:00", "09:00-12:00"],
    "zone": "Asia/Shanghai",
    "holidays": [date(2026, 10, 1), *(f"2026-10-{day:02d}" for day in range(2, 8))],
    "extra_days": ["2026-10-10", "2026-09-27"],
}


@pytest.mark.parametrize(
    ("start", "n", "expected"),
    [
        ("2026-11-19T23:00:00+08:00", 4, "2026-11-20T03:00:00+08:00"),
        ("2026-11-20T02:00:00+08:00", 5, "2026-11-20T23:00:00+08:00"),  # 4 in the shift of Thursday, then that of Friday
        ("2026-11-21T05:00:00+08:00", 1, "2026-11-21T06:00:00+08:00"),  # on Saturday, in the shift that began on Friday
        ("2026-11-21T05:00:00+08:00", 2, "2026-11-23T23:00:00+08:00"),
        ("2026-11-23T01:00:00+08:00", 1, "2026-11-23T23:00:00+08:00"),  # nobody began on Sunday
    ],
)
def test_a_shift_over_midnight_belongs_to_the_day_on_which_it_begins(start, n, expected):
    assert add_hours(at(start), n, parse_hours(NIGHTS)) == at(expected)


@pytest.mark.parametrize(
    ("start", "n", "expected"),
    [
        ("2026-09-30T11:00:00+08:00", 2, "2026-09-30T14:30:00+08:00"),  # over lunch
        ("2026-09-30T17:00:00+08:00", 2, "2026-10-08T10:00:00+08:00"),  # over the holidays, a Thursday
        ("2026-10-03T12:00:00+08:00", 7.5, "2026-10-08T18:00:00+08:00"),
        ("2026-10-09T17:00:00+08:00", 8, "2026-10-10T17:30:00+08:00"),  # a Saturday that is worked
        ("2026-09-26T12:00:00+08:00", 1, "2026-09-27T10:00:00+08:00"),  # so is that Sunday
        ("2026-10-10T17:00:00+08:00", 1.5, "2026-10-12T09:30:00+08:00"),
    ],
)
def test_holidays_do_not_count_and_days_that_are_worked_for_them_do(start, n, expected):
    assert add_hours(at(start), n, parse_hours(GOLDEN_WEEK)) == at(expected)


@pytest.mark.parametrize(
    ("spans", "start", "n", "expected"),
    [
        (["22:00-06:00"], "2026-03-28T22:00:00+01:00", 7, "2026-03-29T06:00:00+02:00"),  # the night in which clocks are put on has 7 hours
        (["22:00-06:00"], "2026-10-24T22:00:00+02:00", 9, "2026-10-25T06:00:00+01:00"),  # the one in which they are put back has 9
        (["01:00-02:45", "02:45-06:00"], "2026-03-29T00:00:00+01:00", 4, "2026-03-29T06:00:00+02:00"),  # 02:45 does not come
        (["02:15-02:45", "08:00-09:00"], "2026-03-29T00:00:00+01:00", 1, "2026-03-29T09:00:00+02:00"),
        (["01:00-02:30", "02:30-06:00"], "2026-10-25T00:00:00+02:00", 6, "2026-10-25T06:00:00+01:00"),
    ],
)
def test_spans_last_as_long_as_they_really_do_where_clocks_change(spans, start, n, expected):
    always = parse_hours({"days": [*WEEK, "sat", "sun"], "spans": spans, "zone": "Europe/Berlin"})
    assert add_hours(at(start), n, always) == at(expected)


def test_adding_hours_one_by_one_comes_to_the_same_as_at_once():
    within = parse_hours({**GOLDEN_WEEK, "spans": ["22:00-02:30", "09:00-12:00"], "zone": "Europe/Berlin", "holidays": ["2026-10-26"]})
    step = start = at("2026-10-23T10:00:00+02:00")
    for n in range(1, 200):
        step = add_hours(step, 0.25, within)
        assert step == add_hours(start, 0.25 * n, within)


@pytest.mark.parametrize("given", [NIGHTS, GOLDEN_WEEK])
def test_hours_are_written_as_they_are_read(given):
    parsed = parse_hours(given)
    assert parse_hours(json.loads(json.dumps(parsed.to_line()))) == parsed


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"spans": ["09:00-12:00", "11:00-18:00"]}, "two overlap"),
        ({"spans": ["09:00-18:00", "22:00-10:00"]}, "two overlap"),
        ({"spans": ["09:00"]}, "13:30-18:00"),
        ({"spans": ["09:00-09:00"]}, "two times"),
        ({"spans": []}, "spans is"),
        ({"from": "09:00"}, "known are days"),
        ({"holidays": ["1 October"]}, "holidays has '1 October'; write a date"),
        ({"holidays": "2026-10-01"}, "holidays is"),
        ({"extra_days": ["2026-10-01"]}, "2026-10-01, which is one of holidays too"),
    ],
)
def test_hours_that_cannot_be_are_refused(changes, message):
    with pytest.raises(InvalidInput, match=message):
        parse_hours(GOLDEN_WEEK | changes)
