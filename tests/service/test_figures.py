from datetime import UTC, date, datetime, timedelta
from itertools import combinations
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from cxnlp.errors import InvalidQuery
from cxnlp.filters import Filter, Range
from cxnlp.insight import MEASURED, load_rules
from cxnlp.service import BreakdownQuestion, Expectations, Figures, Movements, SeriesQuestion, View
from cxnlp.store import Assigned, Assignments, Days, FittedTopic, NewFit, open_store
from tests.store.samples import DIM, TEXT, enrich, make_analysis, make_feedback

from .counting import UTC_START, count, grouped, make_many, make_reading, seeded, values_of

ENCODER = SimpleNamespace(id="encoder-a", dim=DIM, likeness=(1.0, 0.0))
DIMENSIONS = ("all", "source", "channel", "language", "label", "intent", "segment", "topic", "touchpoint", "stage", "cause", "pair", "risk")
SINCE, UNTIL = date(2026, 10, 21), date(2026, 10, 27)
BERLIN = "Europe/Berlin"  # summer time ends on the 25th


@pytest.fixture
def store(tmp_path):
    store = open_store(f"sqlite:///{tmp_path / 'cxnlp.db'}")
    yield store
    store.close()


def figures_of(store, zone="UTC"):
    rules = load_rules(None)
    return Figures(View(store, ENCODER).fresh, ZoneInfo(zone), lambda: Expectations(Movements(store, ZoneInfo(zone), rules)))


def records_of(store, first=SINCE, last=UNTIL, zone="UTC"):
    """Return the records of some days, as the store knows them."""
    page = store.feedback.page(Filter(), limit=1_000)
    of = ZoneInfo(zone)
    return [r for r in page.records if r.analysis and first <= r.feedback.created_at.astimezone(of).date() <= last]


def told(figure):
    return (None if figure.value is None else round(figure.value, 9)), figure.n


def expected(measure, group):
    value, n = count(measure, group)
    return (None if value is None else round(value, 9)), n


def check_breakdown(figures, records, dimensions, zone="UTC", **given):
    found = figures.breakdown(BreakdownQuestion(dimensions, MEASURED, SINCE, UNTIL, zone, limit=1_000, **given))
    groups = grouped(records, dimensions)
    assert {cell.values for cell in found.cells} == set(groups)
    for cell in found.cells:
        assert {m: told(f) for m, f in cell.figures.items()} == {m: expected(m, groups[cell.values]) for m in MEASURED}, (dimensions, cell.values)
    whole = [(record, next(iter(values_of(record, ("all",)).values()))) for record in records]
    assert {m: told(f) for m, f in found.total.figures.items()} == {m: expected(m, whole) for m in MEASURED}
    assert found.others is None


def check_series(figures, records, dimension, bucket, zone, label_of):
    found = figures.series(SeriesQuestion(dimension, MEASURED, (), bucket, SINCE, UNTIL, zone, limit=50))
    groups = {values[0]: told for values, told in grouped(records, (dimension,)).items()}
    assert {line.value for line in found.lines} == set(groups) and found.n == len(records)
    for line in found.lines:
        for label, point in zip(found.period.labels, line.points, strict=True):
            inside = [one for one in groups[line.value] if label_of(one[0].feedback.created_at.astimezone(ZoneInfo(zone))) == label]
            assert told(point) == expected(line.measure, inside), (dimension, line.value, line.measure, label)
        assert told(line.total) == expected(line.measure, groups[line.value])
    return found


def as_hour(at):
    return at.replace(minute=0, second=0, microsecond=0).isoformat(timespec="minutes")


def as_week(at):
    return (at.date() - timedelta(at.weekday())).isoformat()


def assign_topics(store, seqs, topics):
    none = np.full(len(seqs), -1, np.int32)
    given = Assignments(np.array(seqs, np.int64), none, none, np.ones(len(seqs), np.float32))
    told = {"n_records": len(seqs), "from_at": 1.0, "to_at": 2.0, "metrics": {}, "report": None}
    fitted = [FittedTopic(topic, "label", ("word",), np.ones(DIM, np.float32)) for topic in sorted(set(topics))]
    number = store.topic_fits.begin("documents", "ann", {}, {}).number
    store.topic_fits.keep(number, NewFit(fitted, given, "", b"", 0.0, told))
    assigned = Assigned(given.seqs, given.clauses, topics, given.similarities)
    nothing = Assigned(given.seqs[:0], given.clauses[:0], [], given.similarities[:0])
    store.members.activate(number, assigned, store.events.last_seq(), lambda ids: nothing, "ann")


def test_counts_are_those_by_hand_whatever_happens_to_the_records(store):
    """Of every dimension, and of pairs of them: at first, and after updates, deletions, corrections and new topics."""
    random = seeded(1)
    received = UTC_START + timedelta(days=20)
    store.feedback.add(make_many(random, 90, UTC_START, 10), received)
    enrich(store, lambda claim: make_reading(random))
    view = View(store, ENCODER)
    figures = Figures(view.fresh, ZoneInfo("UTC"), lambda: None)
    names = (*DIMENSIONS, "attributes.region", "attributes.floor")
    for dimensions in (*((name,) for name in names), *combinations(names, 2)):
        check_breakdown(figures, records_of(store), dimensions)

    ids = sorted(record.feedback.id for record in records_of(store))
    store.feedback.add(make_many(random, 40, UTC_START, 10), received + timedelta(hours=1))
    enrich(store, lambda claim: make_reading(random))
    store.feedback.forget(ids[:9])
    changes = {
        "sentiment": -0.25,
        "intent": "complaint",
        "observations": [{"touchpoint": "price", "stage": "conversion", "cause": None, "sentiment": 0.1, "quote": {"text": TEXT[:4]}}],
    }
    for record_id in [record.feedback.id for record in records_of(store)][:9]:
        store.feedback.correct(record_id, changes, "ann")
    seqs = [entry.seq for entry in store.vectors.entries(0, 1_000)][::2]
    assign_topics(store, seqs, [f"t-{seq % 3}" for seq in seqs])
    view.catch_up()
    assert len({record.topic.id for record in records_of(store) if record.topic}) == 3
    for dimensions in (*((name,) for name in names), ("topic", "touchpoint"), ("touchpoint", "cause"), ("risk", "topic")):
        check_breakdown(figures, records_of(store), dimensions)
    fresh = Figures(View(store, ENCODER).fresh, ZoneInfo("UTC"), lambda: None)
    check_breakdown(fresh, records_of(store), ("topic", "cause"))

    # The same days by SQL, in which alerts are counted.
    days = Days(SINCE.toordinal(), UNTIL.toordinal(), ZoneInfo(BERLIN))
    for dimension in ("all", "channel", "stage", "touchpoint", "cause", "pair", "topic", "segment", "attributes.region"):
        found = figures.series(SeriesQuestion(dimension, ("sentiment",), (), "day", SINCE, UNTIL, BERLIN, limit=50))
        mine = {(line.value, at): (point.n, point.value * point.n) for line in found.lines for at, point in enumerate(line.points) if point.n}
        theirs = {(value, day - days.first): (counts[0], counts[3]) for value, day, counts in store.series.daily(dimension, days)}
        assert {key: n for key, (n, _) in mine.items()} == {key: n for key, (n, _) in theirs.items()}
        assert all(mine[key][1] == pytest.approx(total) for key, (_, total) in theirs.items())

    # The clocks go back on the 25th: it has 25 hours.
    records = records_of(store, zone=BERLIN)
    assert len(check_series(figures, records, "channel", "day", BERLIN, lambda at: at.date().isoformat()).period.labels) == 7
    hours = check_series(figures, records, "touchpoint", "hour", BERLIN, as_hour).period.labels
    assert len(hours) == 7 * 24 + 1 and {"2026-10-25T02:00+02:00", "2026-10-25T02:00+01:00"} <= set(hours)
    weeks = records_of(store, date(2026, 10, 19), date(2026, 11, 1), BERLIN)
    assert check_series(figures, weeks, "segment", "week", BERLIN, as_week).period.labels == ("2026-10-19", "2026-10-26")
    months = records_of(store, date(2026, 10, 1), date(2026, 10, 31), "Asia/Kolkata")
    assert check_series(figures, months, "cause", "month", "Asia/Kolkata", lambda at: at.date().replace(day=1).isoformat()).period.labels == (
        "2026-10-01",
    )

    # A filter of observations counts those alone.
    found = figures.breakdown(BreakdownQuestion(("cause",), ("sentiment",), SINCE, UNTIL, filter=Filter(touchpoint=("price",))))
    groups = grouped(records_of(store), ("cause",), ("price",))
    assert {cell.values: told(cell.figures["sentiment"]) for cell in found.cells} == {key: expected("sentiment", of) for key, of in groups.items()}

    # What is not shown is told together, each record once.
    found = figures.breakdown(BreakdownQuestion(("touchpoint", "cause"), MEASURED, SINCE, UNTIL, sort="sentiment", order="asc", limit=2))
    groups = grouped(records_of(store), ("touchpoint", "cause"))
    means = sorted((count("sentiment", of)[0], key) for key, of in groups.items())
    assert [cell.values for cell in found.cells] == [key for _, key in means[:2]] and found.n_others == len(groups) - 2
    rest = {}
    for _, key in means[2:]:
        for record, sentiments in groups[key]:
            rest.setdefault(record.feedback.id, (record, []))[1].extend(sentiments)
    assert {m: told(f) for m, f in found.others.figures.items()} == {m: expected(m, list(rest.values())) for m in MEASURED}


def add_at(store, *times, **fields):
    store.feedback.add([make_feedback(i, created_at=at, **fields) for i, at in enumerate(times)], datetime(2026, 11, 30, tzinfo=UTC))
    enrich(store, lambda claim: make_analysis(sentiment=-0.5))


def test_a_period_is_compared_with_the_one_before_and_with_the_year_before(store):
    noon = datetime(2026, 11, 10, 12, tzinfo=UTC)
    add_at(store, *[noon] * 40, *[noon - timedelta(days=2)] * 5, noon.replace(year=2025), *[noon.replace(year=2025, day=11)] * 30)
    figures = figures_of(store)
    asked = {"since": date(2026, 11, 10), "until": date(2026, 11, 11)}
    ((line),) = figures.series(SeriesQuestion(compare="previous", **asked)).lines
    assert [(point.value, point.before.value, point.change.value) for point in line.points] == [(40, 5, 35), (0, 0, 0)]
    assert (line.points[0].change.within_chance, line.points[1].change.within_chance) == (False, True)
    assert line.points[0].change.low < 35 < line.points[0].change.high and line.points[1].low is None
    ((line),) = figures.series(SeriesQuestion(compare="year", **asked)).lines
    assert [point.before.value for point in line.points] == [1, 30] and line.total.change.value == 9 and line.total.change.within_chance
    found = figures.breakdown(BreakdownQuestion(("channel",), ("negative_share",), compare="year", **asked))
    assert (found.compared.first, found.compared.last) == (date(2025, 11, 10), date(2025, 11, 11))
    ((cell),) = found.cells
    assert (cell.figures["negative_share"].before.n, cell.figures["negative_share"].change.within_chance) == (31, True)


def test_an_empty_store_and_unheard_of_values_have_figures_too(store):
    figures = figures_of(store)
    everything = figures.series(SeriesQuestion(measures=MEASURED)).lines
    assert [(line.total.value, line.total.n) for line in everything] == [(0, 0), *[(None, 0)] * 6]
    for dimension in (*DIMENSIONS[1:], "attributes.region"):
        assert figures.series(SeriesQuestion(dimension)).lines == ()
        assert figures.breakdown(BreakdownQuestion((dimension,), compare="previous")).cells == ()
    ((line),) = figures.series(SeriesQuestion("channel", values=("pigeon",), bucket="month")).lines
    assert [point.n for point in line.points] == [0] * len(line.points) and line.value == "pigeon"


def test_times_at_the_end_of_the_calendar_are_counted(store):
    add_at(store, datetime(9999, 12, 31, 23, 59, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC), datetime(1, 1, 2, tzinfo=UTC))
    figures = figures_of(store)
    for bucket, n in (("day", 1), ("week", 2), ("month", 2)):
        ((line),) = figures.series(SeriesQuestion(bucket=bucket, since=date(9999, 12, 31), until=date.max)).lines
        assert line.points[-1].n == n
    assert figures.breakdown(BreakdownQuestion(since=date.min, until=date.max)).total.figures["volume"].n == 3
    with pytest.raises(InvalidQuery, match="no time before"):
        figures.breakdown(BreakdownQuestion(since=date.min, until=date.max, compare="previous"))


def test_what_was_to_be_expected_of_a_day_is_told(store):
    start = datetime(2026, 9, 1, 12, tzinfo=UTC)
    add_at(store, *[start + timedelta(days=day) for day in range(60) for _ in range(3)])
    asked = SeriesQuestion("channel", since=date(2026, 10, 25), until=date(2026, 10, 28), expected=True)
    ((line),) = figures_of(store).series(asked).lines
    assert [point.value for point in line.points] == [3] * 4
    assert all(
        point.expected[1] <= point.expected[0] <= point.expected[2] and point.expected[0] == pytest.approx(3, abs=0.5) for point in line.points
    )


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({"dimension": "colour"}, "dimension is 'colour'"), ({"dimension": "attributes."}, "dimension"), ({"measures": ("joy",)}, "measure is 'joy'"),
        ({"measures": ()}, "measure"), ({"bucket": "minute"}, "bucket is 'minute'"), ({"timezone": "Mars/Base"}, "timezone is 'Mars/Base'"),
        ({"timezone": "../etc"}, "timezone"), ({"compare": "never"}, "compare is 'never'"), ({"limit": 0}, "limit is 0"), ({"limit": 51}, "limit"),
        ({"since": date(2026, 2, 2), "until": date(2026, 2, 1)}, "first day first"), ({"since": date(2000, 1, 1)}, "points of a day"),
        ({"bucket": "hour", "since": date(1, 1, 1), "until": date(1, 1, 1)}, "hours can be had"), ({"until": date(1, 1, 5)}, "give since too"),
        ({"compare": "year", "filter": Filter(created_at=Range(gte=0.0))}, "created_at"), ({"expected": True, "bucket": "week"}, "expected"),
        ({"expected": True, "measures": ("satisfaction",)}, "expected"), ({"expected": True, "filter": Filter(channel=("chat",))}, "expected"),
        ({"values": tuple("abcdefghijklmno"), "since": date(2022, 1, 1), "until": date(2026, 1, 1)}, "points"),
    ],
)  # fmt: skip
def test_a_series_that_cannot_be_is_refused(store, asked, named):
    with pytest.raises(InvalidQuery, match=named):
        figures_of(store).series(SeriesQuestion(**asked))


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({"dimensions": ()}, "one or two"), ({"dimensions": ("risk", "risk")}, "different"), ({"dimensions": ("all", "cause", "risk")}, "one or two"),
        ({"sort": "joy"}, "measure is 'joy'"), ({"order": "up"}, "order is 'up'"), ({"limit": 1_001}, "limit"), ({"least": 0}, "least"),
    ],
)  # fmt: skip
def test_a_breakdown_that_cannot_be_is_refused(store, asked, named):
    with pytest.raises(InvalidQuery, match=named):
        figures_of(store).breakdown(BreakdownQuestion(**asked))
