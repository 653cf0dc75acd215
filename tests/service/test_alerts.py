import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from cxnlp.errors import Conflict, InvalidQuery
from cxnlp.insight import load_rules
from cxnlp.privacy import Masker
from cxnlp.records import Analysis, Customer, Feedback, Observation, Quote, Vectors
from cxnlp.service import Curation, alerts
from cxnlp.service.alerts import Alerts
from cxnlp.service.expectations import Expectations
from cxnlp.service.movements import Movements
from cxnlp.store import Result, open_store
from cxnlp.taxonomy import load_taxonomy
from tests.service.topics.groupings import fit, told_subjects

UTC_ZONE = ZoneInfo("UTC")
TODAY = datetime(2026, 11, 18, 23, 50, tzinfo=UTC)
RULES = load_rules()
QUIET = replace(RULES, thresholds=())
TAXONOMY = load_taxonomy()
STAGES = {"delivery": "service", "payment": "conversion", "product": "retention"}
WORDS = {"delivery": "快递一周还没到", "payment": "payment failed twice", "product": "杯子很好看"}


@pytest.fixture(scope="module")
def usual(tmp_path_factory):
    """A file with weeks of about ten praises a day, and a late delivery now and then, up to the day before TODAY; made once since it takes long."""
    path = tmp_path_factory.mktemp("usual") / "cxnlp.db"
    opened = open_store(f"sqlite:///{path}")
    add(opened, *(part for days_ago in range(70, 0, -1) for part in usual_of(days_ago)))
    opened.close()
    return path


@pytest.fixture
def store(tmp_path, usual):
    """The usual weeks."""
    shutil.copyfile(usual, tmp_path / "cxnlp.db")
    opened = open_store(f"sqlite:///{tmp_path}/cxnlp.db")
    yield opened
    opened.close()


def usual_of(days_ago):
    draw = np.random.default_rng(500 + days_ago)
    late = [some(days_ago, 1, "delivery", "slow", "西南")] if days_ago % 4 == 0 else []
    return [some(days_ago, int(draw.poisson(10))), *late]


def some(days_ago, n, touchpoint="product", cause=None, region="华东", start=0):
    """Return n records of the day that is so many days before TODAY, each with its analysis."""
    at = TODAY.replace(hour=0, minute=0) - timedelta(days=days_ago)
    words = WORDS[touchpoint]
    made = []
    for i in range(start, start + n):
        customer, attributes = Customer(None, ("new", "returning", "vip")[i % 3]), {"region": region}
        given = {"created_at": at + timedelta(minutes=i % 1000), "text": f"{words} {days_ago}.{i}", "fingerprint": f"{i}"}
        channel = ("ticket", "chat", "review", "survey", "call")[i % 5]
        feedback = Feedback("test", f"{days_ago}-{touchpoint}-{cause}-{region}-{i}", channel, customer=customer, attributes=attributes, **given)
        feeling = (-0.4 if cause else 0.3) - 0.4 * ((7 * i + days_ago) % 10 - 4) / 4
        seen = (Observation(touchpoint, STAGES[touchpoint], cause, feeling, 0.9, Quote(words, 0, len(words))),)
        made.append((feedback, Analysis("zh", feeling, 0.9, "complaint" if cause else "praise", seen, (), "test-1")))
    return made


def add(store, *parts):
    """Add records as they are after analysis; return the ids of those of the last part."""
    made = [pair for part in parts for pair in part]
    analyses = {item.id: analysis for item, analysis in made}
    store.feedback.add([item for item, _ in made], TODAY)
    generation = store.generations.ensure("encoder", "splitter", 4)
    while claims := store.analyses.claim("w", 1000, 60):
        store.analyses.save([Result(c.record_id, c.version, analyses[c.record_id], vectors_of(analyses[c.record_id])) for c in claims], generation.id)
    return [item.id for item, _ in parts[-1]]


def vectors_of(analysis):
    """Return vectors that are the same for all that is about one touchpoint, and only for that."""
    document = np.eye(4, dtype=np.float32)[list(WORDS).index(analysis.observations[0].touchpoint)]
    return Vectors(document, np.zeros((0, 4), np.float32), ())


def add_usual(store, *days_ago):
    add(store, *(part for day in days_ago for part in usual_of(day)))


def alerts_of(store, now=TODAY, rules=QUIET):
    return Alerts(Movements(store, UTC_ZONE, rules), TAXONOMY, now=lambda: now)


def days_later(n):
    return TODAY + timedelta(days=n)


def told(store, after=0):
    return [(e.type, e.data["series"]["value"]) for e in store.events.read(after, 100_000) if e.type.startswith("alert.")]


def test_an_incident_is_told_once_with_what_explains_it_and_what_was_said(store):
    assert alerts_of(store).check().n_told == 0
    ids = add(store, some(0, 14, "delivery", "slow", "西南"))
    found = alerts_of(store)
    assert found.check().n_told == 1
    assert found.check().n_told == 0
    (alert,) = found.page().alerts
    line = found.line(alert)
    assert (line["state"], line["historical"], line["measure"], line["direction"], line["worse"]) == ("open", False, "volume", "up", True)
    keys = {(series["dimension"], series["value"]) for series in (line["series"], *line["along"], *line["explained_by"])}
    assert {("pair", "delivery/slow"), ("attributes.region", "西南")} <= keys
    assert line["since"] == line["until"] == "2026-11-18"
    assert line["observed"] >= 14 and line["high"] < 10
    assert len(line["quotes"]) == 3 and all(quote["text"] == WORDS["delivery"] and quote["record_id"] in ids for quote in line["quotes"])
    assert "西南" in line["summary"]["zh"] and "物流与配送" in line["summary"]["zh"] and "Slow or late" in line["summary"]["en"]
    (event,) = [event for event in store.events.read(0, 100_000) if event.type == "alert.opened"]
    assert event.data["id"] == alert.id and "quotes" not in event.data and WORDS["delivery"] not in str(event.data)
    store.feedback.forget([line["quotes"][0]["record_id"]])
    assert len(found.line(found.get(alert.id))["quotes"]) == 2


def test_what_goes_on_is_the_same_alert_and_resolves_by_itself_when_it_is_over(store):
    add_usual(store, *range(0, -9, -1))
    for day in (0, -1):
        add(store, some(day, 14, "delivery", "slow", "西南", start=100))
    alerts_of(store).check()
    alerts_of(store, days_later(1)).check()
    (alert,) = alerts_of(store).page().alerts
    assert (alert.state, alert.to_line()["until"]) == ("open", "2026-11-19")
    for day in range(2, 8):
        alerts_of(store, days_later(day)).check()
    (alert,) = alerts_of(store).page().alerts
    assert (alert.state, alert.author) == ("resolved", None)
    names = [name for name, _ in told(store)]
    assert (names[0], names[-1]) == ("alert.opened", "alert.resolved") and names[1:-1] in ([], ["alert.changed"])


def test_more_and_more_is_told_again(store):
    add_usual(store, *range(0, -4, -1))
    add(store, some(0, 9, "delivery", "slow", "西南", start=100))
    alerts_of(store).check()
    add(store, some(-1, 60, "delivery", "slow", "西南", start=100))
    alerts_of(store, days_later(1)).check()
    assert [name for name, _ in told(store)] == ["alert.opened", "alert.changed"]
    assert alerts_of(store).page().alerts[0].moved.details["observed"] >= 60


def test_what_a_person_resolved_does_not_come_back_while_it_lasts(store):
    add_usual(store, *range(0, -4, -1))
    add(store, some(0, 20, "delivery", "slow", "西南", start=100))
    alerts_of(store).check()
    (alert,) = alerts_of(store).page().alerts
    alerts_of(store).set_state(alert.id, "resolved", "courier told", "ann")
    add(store, some(-1, 25, "delivery", "slow", "西南", start=100))
    alerts_of(store, days_later(1)).check()
    assert [a.state for a in alerts_of(store).page().alerts] == ["resolved"]
    assert [name for name, _ in told(store)] == ["alert.opened", "alert.resolved"]


def test_a_slow_rise_is_one_alert_and_stays_resolved_when_a_person_says_so(tmp_path):
    store = open_store(f"sqlite:///{tmp_path}/slow.db")
    draw = np.random.default_rng(3)
    add(store, *(some(ago, int(draw.poisson(7 + 6 * min(45, max(0, 85 - ago)) / 45))) for ago in range(140, 0, -1)))
    for ago in (75, 40):
        alerts_of(store, days_later(-ago)).check()
    (alert,) = alerts_of(store).page().alerts
    assert (alert.state, alert.moved.measure, alert.moved.direction) == ("open", "volume", "up")
    alerts_of(store).set_state(alert.id, "resolved", "we grow", "ann")
    alerts_of(store).check()
    assert [a.state for a in alerts_of(store).page().alerts] == ["resolved"]
    store.close()


def test_a_snoozed_alert_is_silent_until_its_time(store):
    add_usual(store, *range(0, -4, -1))
    add(store, some(0, 9, "delivery", "slow", "西南", start=100))
    alerts_of(store).check()
    (alert,) = alerts_of(store).page().alerts
    until = datetime.now(UTC) + timedelta(days=1)
    store.alerts.set_state(alert.id, "snoozed", None, "ann", until)
    add(store, some(-1, 60, "delivery", "slow", "西南", start=100))
    last = store.events.last_seq()
    alerts_of(store, min(until - timedelta(hours=1), days_later(1))).check()
    assert told(store, last) == [] and alerts_of(store).get(alert.id).state == "snoozed"
    alerts_of(store, max(until + timedelta(hours=1), days_later(1))).check()
    assert alerts_of(store).get(alert.id).state in ("open", "resolved")


def test_history_that_comes_late_is_noted_and_not_told(store):
    alerts_of(store).check()
    last = store.events.last_seq()
    add(store, some(20, 25, "delivery", "slow", "西南", start=100))
    found = alerts_of(store)
    assert found.check().n_told == 0
    (alert,) = found.page().alerts
    assert (alert.historical, alert.state) == (True, "resolved")
    assert told(store, last) == []
    assert found.page(historical=False).alerts == []


def test_a_whole_history_at_once_is_no_storm(store):
    for day in (40, 39, 1, 0):
        add(store, some(day, 15, "delivery", "slow", "西南", start=100))
    assert alerts_of(store).check().n_told == 1
    old, new = sorted(alerts_of(store).page().alerts, key=lambda alert: alert.moved.first_day)
    assert (old.historical, new.historical) == (True, False)
    assert [name for name, _ in told(store)] == ["alert.opened"]


def test_two_incidents_are_two_alerts(store):
    add(store, some(0, 14, "delivery", "slow", "西南", start=100))
    add(store, some(0, 14, "payment", "system_failure", "华北", start=200))
    assert alerts_of(store).check().n_told == 2
    leads = {alert.moved.value for alert in alerts_of(store).page().alerts}
    assert leads & {"delivery/slow", "西南", "delivery", "slow"} and leads & {"payment/system_failure", "华北", "payment", "system_failure"}


def test_a_plain_limit_is_told_once_and_resolves(store):
    add_usual(store, *range(0, -9, -1))
    for day in range(6, -1, -1):
        add(store, some(day, 10, "product", "defect", start=300))
    limits = replace(RULES, sensitivity="low", thresholds=tuple(t for t in RULES.thresholds if t.measure == "complaint_share"))
    alerts_of(store, rules=limits).check()
    (alert,) = [alert for alert in alerts_of(store).page().alerts if alert.moved.rule == "complaints_high"]
    assert (alert.state, alert.moved.details["expected"], alert.moved.details["observed"] > 0.05) == ("open", 0.05, True)
    before = told(store)
    alerts_of(store, rules=limits).check()
    assert told(store) == before
    for day in range(1, 9):
        alerts_of(store, days_later(day), limits).check()
    alert = alerts_of(store).get(alert.id)
    assert alert.state in ("open", "resolved")


def test_an_alert_about_a_topic_that_is_merged_goes_on_with_what_it_became(store, monkeypatch):
    monkeypatch.setattr("cxnlp.service.movements.DIMENSIONS", ("all", "topic"))
    add_usual(store, 0, -1, -2)
    add(store, *(some(days_ago, 1, "payment") for days_ago in range(70, -3, -5)))
    add(store, *(some(-day, 14, "delivery", "slow", start=100) for day in range(3)))
    told_subjects(monkeypatch, WORDS.values())
    fit(store)
    late, payment = (next(t.id for t in store.topics.list() if t.n and WORDS[name] in _said(store, t.id)) for name in ("delivery", "payment"))
    alerts_of(store).check()
    (alert,) = alerts_of(store).page().alerts
    assert (alert.moved.dimension, alert.moved.value) == ("topic", late)
    curation = Curation(store, Masker(), TAXONOMY)
    curation.merge([late], payment, "ann")
    alerts_of(store, days_later(1)).check()
    (alert,) = alerts_of(store).page().alerts
    assert (alert.moved.value, alert.to_line()["until"]) == (late, "2026-11-19")
    curation.undo(payment, "ann")
    alerts_of(store, days_later(2)).check()
    (alert,) = alerts_of(store).page().alerts
    assert (alert.moved.value, alert.to_line()["until"]) == (late, "2026-11-20")


def _said(store, topic_id):
    (member,), _ = store.topics.belonging(topic_id, limit=1)
    return store.feedback.get_many([member.record_id])[member.record_id].feedback.text


def test_the_worker_looks_at_what_is_due_and_only_then(store, monkeypatch):
    at = [TODAY]
    worker = Alerts(Movements(store, UTC_ZONE, QUIET), TAXONOMY, now=lambda: at[0])
    assert worker.step() is not None
    add(store, some(0, 1))
    assert worker.step() is None  # it has just looked
    for name in ("_QUIET_SECONDS", "_DUTY", "_IDLE_SECONDS"):
        monkeypatch.setattr(alerts, name, 0)
    worker = Alerts(Movements(store, UTC_ZONE, QUIET), TAXONOMY, now=lambda: at[0])
    assert worker.step().n_days == 1  # and the one before has let go of it
    assert worker.step() is None  # nothing has come since, and no day is over
    at[0] = days_later(1)
    assert worker.step().n_days == 1


def test_what_waits_for_analysis_is_waited_for(store):
    alerts_of(store).check()
    store.feedback.add([Feedback("test", "late", "ticket", TODAY, "x", fingerprint="x")], TODAY)
    assert alerts_of(store).step() is None


def test_one_process_looks_at_a_time(store):
    for name in ("alerts", "alerts.day"):
        store.events.lease(name, "another", 60)
    assert alerts_of(store).step() is None
    with pytest.raises(Conflict, match="another process"):
        alerts_of(store).check()


def test_an_empty_store_has_no_alerts(tmp_path):
    store = open_store(f"sqlite:///{tmp_path}/empty.db")
    assert alerts_of(store).check(TODAY - timedelta(days=30)).n_told == 0
    with pytest.raises(InvalidQuery, match="last 366"):
        alerts_of(store).check(TODAY - timedelta(days=400))
    store.close()


def test_what_was_to_be_expected_is_read_by_value_and_measure(store):
    add_usual(store, 0)
    add(store, some(0, 14, "delivery", "slow", "西南", start=100))
    expectations = Expectations(Movements(store, UTC_ZONE, QUIET))
    today = TODAY.toordinal()
    found = expectations.read("pair", ("volume", "negative_share"), ["delivery/slow", "never/seen"], today - 6, today)
    assert set(found) == {("delivery/slow", "volume"), ("delivery/slow", "negative_share")}
    likely, low, high = found["delivery/slow", "volume"][-1]
    assert len(found["delivery/slow", "volume"]) == 7 and low <= likely <= high < 14
    assert expectations.read("all", ("nps",), [""], today, today) == {("", "nps"): [None]}
    with pytest.raises(InvalidQuery):
        expectations.read("colour", ("volume",), ["red"], today, today)
