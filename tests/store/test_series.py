from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from cxnlp.errors import InvalidQuery
from cxnlp.records import Analysis, Customer, Observation, Rating
from cxnlp.store import Days
from cxnlp.store.series import day_of

from .samples import enrich, make_analysis, make_feedback, make_quote

UTC_ZONE, SHANGHAI, LONDON = (ZoneInfo(name) for name in ("UTC", "Asia/Shanghai", "Europe/London"))
DAY = date(2026, 11, 18).toordinal()
N, NEGATIVE, COMPLAINTS, SENTIMENT, SQUARES, GOOD, CSAT, PROMOTERS, DETRACTORS, NPS = range(10)


def add(store, *records, analysis_of=lambda claim: make_analysis()):
    """Add records given as (hours after the beginning of the 18th UTC, fields)."""
    start = datetime(2026, 11, 18, tzinfo=UTC)
    feedback = [make_feedback(n, created_at=start + timedelta(hours=hours), **fields) for n, (hours, fields) in enumerate(records)]
    receipts = store.feedback.add(feedback, start + timedelta(days=2))
    enrich(store, analysis_of)
    return [receipt.id for receipt in receipts]


def days(first=DAY, last=DAY + 1, zone=UTC_ZONE):
    return Days(first, last, zone)


def observing(*observed, sentiment=-0.5, intent="complaint"):
    quote = make_quote()
    seen = tuple(Observation(touchpoint, stage, cause, feeling, 0.9, quote) for touchpoint, stage, cause, feeling in observed)
    return Analysis("zh", sentiment, 0.9, intent, seen, (), "test-1")


def test_a_day_is_summed_up(store):
    add(
        store,
        (1, {"rating": Rating("csat", 4)}),
        (2, {"rating": Rating("csat", 3)}),
        (3, {"rating": Rating("nps", 9)}),
        (4, {"rating": Rating("nps", 6)}),
        (5, {"rating": Rating("nps", 7)}),
        (30, {}),
        analysis_of=lambda claim: make_analysis(sentiment=-0.5 if claim.feedback.external_id < "t-3" else 0.5, intent="complaint"),
    )
    (_, first, counts), (_, second, late) = store.series.daily("all", days())
    assert (first, second) == (DAY, DAY + 1)
    assert counts == pytest.approx((5, 3, 5, -0.5, 1.25, 1, 2, 1, 1, 3))
    assert late[N] == 1 and store.series.daily("all", days(DAY, DAY)) == [("", DAY, counts)]


def test_every_dimension_has_its_values(store):
    add(
        store,
        (1, {"channel": "chat", "customer": Customer("c-1", "vip"), "attributes": {"region": "西南", "paid": True, "floor": 3, "tags": ["a"]}}),
        (2, {"channel": "ticket", "attributes": {"region": "华东"}}),
        analysis_of=lambda claim: observing(
            ("delivery", "service", "slow", -0.8), ("delivery", "service", None, 0.2), ("price", "conversion", "dear", -0.9)
        ),
    )

    def values(dimension):
        return {value: counts[N] for value, _, counts in store.series.daily(dimension, days())}

    assert values("channel") == {"chat": 1, "ticket": 1}
    assert values("segment") == {"vip": 1}
    assert values("touchpoint") == {"delivery": 2, "price": 2}
    assert values("stage") == {"service": 2, "conversion": 2}
    assert values("cause") == {"slow": 2, "dear": 2}
    assert values("pair") == {"delivery/slow": 2, "price/dear": 2}
    assert values("attributes.region") == {"西南": 1, "华东": 1}
    assert values("attributes.paid") == {"true": 1}
    assert values("attributes.floor") == {"3": 1}
    assert values("attributes.tags") == values("attributes.none") == values('attributes.a"b') == values("topic") == {}
    with pytest.raises(InvalidQuery, match="dimension is 'colour'"):
        store.series.daily("colour", days())


def test_a_record_counts_once_in_a_series_with_the_mean_of_what_it_says_there(store):
    add(store, (1, {}), analysis_of=lambda claim: observing(("delivery", "s", "slow", -0.9), ("delivery", "s", None, 0.7), sentiment=0.4))
    ((_, _, counts),) = store.series.daily("touchpoint", days())
    assert (counts[N], counts[NEGATIVE], counts[SENTIMENT]) == (1, 0, pytest.approx(-0.1))
    ((_, _, cause),) = store.series.daily("cause", days())
    assert (cause[NEGATIVE], cause[SENTIMENT]) == (1, pytest.approx(-0.9))


def test_the_largest_values_are_kept(store):
    add(store, *((i, {"attributes": {"product": "ab"[i > 2]}}) for i in range(4)))
    assert [value for value, _, _ in store.series.daily("attributes.product", days(), most_values=1)] == ["a"]


def test_weighted_values_of_a_record_add_up_to_one(store):
    add(store, (1, {}), (2, {}), analysis_of=lambda claim: observing(("a", "s", "x", -0.5), ("b", "s", "y", -0.5), ("b", "s", "z", -0.5)))
    assert {value: counts[N] for value, _, counts in store.series.daily("touchpoint", days(), weighted=True)} == {"a": 1, "b": 1}
    assert {told.value: told.weight for told in store.series.told("cause", days())} == {
        "x": pytest.approx(1 / 3),
        "y": pytest.approx(1 / 3),
        "z": pytest.approx(1 / 3),
    }


@pytest.mark.parametrize(
    "within", [("channel", "chat"), ("attributes.region", "西南"), ("pair", "delivery/slow"), ("segment", "vip"), ("cause", "slow")]
)
def test_a_series_is_counted_within_another(store, within):
    chat = {"channel": "chat", "customer": Customer("c-1", "vip"), "attributes": {"region": "西南"}}

    def read(claim):
        return observing(("delivery", "s", "slow" if claim.feedback.channel == "chat" else "lost", -0.5))

    ids = add(store, (1, chat), (2, {"channel": "ticket"}), analysis_of=read)
    assert [counts[N] for _, _, counts in store.series.daily("touchpoint", days(), within=within)] == [1]
    (told,) = store.series.told("all", days(), within)
    assert store.series.ids([told.seq]) == [ids[0]] and (told.day, told.counts[N]) == (DAY, 1)
    assert [counts[N] for _, _, counts in store.series.daily("touchpoint", days(), within=("all", ""))] == [2]


def test_days_are_those_of_the_zone(store):
    add(store, (15, {}), (17, {}))  # 23:00 and 01:00 in Shanghai
    assert [(day, counts[N]) for _, day, counts in store.series.daily("all", days(zone=SHANGHAI))] == [(DAY, 1), (DAY + 1, 1)]
    assert [told.day for told in store.series.told("all", days(zone=SHANGHAI))] == [DAY, DAY + 1]


@pytest.mark.parametrize("turn", [date(2026, 3, 29), date(2026, 10, 25)])
def test_days_on_which_the_clocks_change_begin_and_end_at_midnight(store, turn):
    day = turn.toordinal()
    start = datetime.combine(turn, datetime.min.time(), LONDON)
    end = datetime.combine(turn + timedelta(days=1), datetime.min.time(), LONDON)
    times = [start - timedelta(0, 1), start, start + timedelta(hours=5), end - timedelta(0, 1), end]
    times = [start.astimezone(UTC) + (at.astimezone(UTC) - start.astimezone(UTC)) for at in times]
    store.feedback.add([make_feedback(n, created_at=at) for n, at in enumerate(times)], times[-1])
    enrich(store)
    found = {d: counts[N] for _, d, counts in store.series.daily("all", Days(day - 3, day + 3, LONDON))}
    assert found == {day - 1: 1, day: 3, day + 1: 1}
    assert [day_of(at.timestamp(), LONDON) for at in times] == [day - 1, day, day, day, day + 1]


def test_what_is_updated_corrected_or_forgotten_is_counted_as_it_is_now(store):
    first, second = add(store, (1, {}), (2, {}))
    store.feedback.correct(first, {"sentiment": 0.9}, "ann")
    ((_, _, counts),) = store.series.daily("all", days())
    assert (counts[N], counts[NEGATIVE]) == (2, 1)
    store.feedback.forget([second])
    ((_, _, counts),) = store.series.daily("all", days())
    assert (counts[N], counts[SENTIMENT]) == (1, pytest.approx(0.9))


def test_what_waits_for_analysis_is_not_counted(store):
    store.feedback.add([make_feedback(1, created_at=datetime(2026, 11, 18, tzinfo=UTC))], datetime(2026, 11, 19, tzinfo=UTC))
    assert store.series.daily("all", days()) == []


def test_the_log_tells_which_days_have_changed(store):
    assert store.series.bounds(UTC_ZONE) is None
    add(store, (1, {}), (40, {}))
    last = store.events.last_seq()
    assert store.series.touched(0, last, UTC_ZONE) == [DAY, DAY + 1]
    assert store.series.touched(0, last, UTC_ZONE, limit=1) == [DAY, DAY + 1]
    assert store.series.touched(last, last, UTC_ZONE) == []
    assert store.series.bounds(SHANGHAI) == (DAY, DAY + 2)
