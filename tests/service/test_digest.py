from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from cxnlp.feeds.mail import plain_text
from cxnlp.insight import load_rules
from cxnlp.service.digest import make_notice, read_digest
from cxnlp.service.movements import Movements
from cxnlp.store import AlertChange, Moved, open_store

from .complaints import complain

NOW = datetime.now(UTC)
YESTERDAY = NOW.date() - timedelta(days=1)


@pytest.fixture
def store(tmp_path):
    opened = open_store(f"sqlite:///{tmp_path}/cxnlp.db")
    yield opened
    opened.close()


def digest_of(store, period="day", now=NOW):
    return read_digest(Movements(store, ZoneInfo("UTC"), load_rules()), period, now)


def alert(store, name, historical=False):
    """Note an alert now."""
    for cursor in ("alerts", "alerts.day"):
        store.events.lease(cursor, "test", 60)
    details = {"summary": {"en": f"{name}: more", "zh": f"{name}：更多"}}
    moved = Moved("movement", "channel", name, "volume", "up", NOW.toordinal(), NOW.toordinal(), 5.0, details)
    store.alerts.apply([AlertChange(moved, historical=historical)], "test", 0, NOW.toordinal() - 1)
    return next(found.id for found in store.alerts.page().alerts if found.moved.value == name)


def names(alerts):
    return [found.moved.value for found in alerts]


def test_figures_stand_beside_those_of_the_same_days_a_week_before(store):
    noon = datetime(YESTERDAY.year, YESTERDAY.month, YESTERDAY.day, 12, tzinfo=UTC)
    for n, days in enumerate((0, 0, 0, 2, 7, 7, -1)):  # the last is of today, which is not over
        complain(store, n, at=noon - timedelta(days=days), sentiment=-0.5 if days else -0.1)
    found = digest_of(store)
    assert (found.first, found.last) == (YESTERDAY, YESTERDAY)
    assert {name: (value, before) for name, value, before in found.figures}["volume"] == (3, 2)
    assert {name: (value, before) for name, value, before in found.figures}["negative_share"] == (0, 1)
    assert "csat" not in [name for name, _, _ in found.figures]
    week = digest_of(store, "week")
    assert (week.first, week.last) == (YESTERDAY - timedelta(days=6), YESTERDAY)
    assert week.figures[0] == ("volume", 4, 2)
    assert "records: 3 (2 a week before, +50%)" in plain_text(make_notice(found, "en"))
    assert "条数：3（一周前 2，+50%）" in plain_text(make_notice(found, "zh"))


def test_each_alert_is_new_once_then_goes_on_until_it_is_resolved(store):
    chat = alert(store, "chat")
    alert(store, "past", historical=True)
    assert names(digest_of(store).opened) == ["chat"]
    next_day = datetime.now(UTC) + timedelta(days=1, minutes=5)  # alerts are noted at the time of the clock
    assert (names(digest_of(store, now=next_day).opened), names(digest_of(store, now=next_day).staying)) == ([], ["chat"])
    assert names(digest_of(store, "week", next_day).opened) == ["chat"]
    store.alerts.set_state(chat, "resolved", None, "ann")
    assert names(digest_of(store, now=next_day + timedelta(days=2)).staying) == []
    told = plain_text(make_notice(digest_of(store), "zh"))
    assert f"chat：更多（始于 {date.fromordinal(NOW.toordinal())}，已解除，{chat}）" in told and "新告警: 1" in told


def test_where_nothing_moved_the_digest_says_so(store):
    assert plain_text(make_notice(digest_of(store), "en")).splitlines()[2:] == [
        "No feedback came.",
        "Nothing moved more than chance would have it.",
    ]
