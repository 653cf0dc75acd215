from datetime import UTC, datetime, timedelta

import pytest

from cxnlp.store import AlertChange

from .samples import enrich, make_feedback
from .test_alerts import MOVED, apply


def test_sentiment_of_the_last_day_is_told_by_channel(store):
    now = datetime.now(UTC)
    ages = {1: timedelta(hours=1), 2: timedelta(hours=23), 3: timedelta(hours=25), 4: timedelta(hours=-2)}
    store.feedback.add([make_feedback(n, channel="chat" if n == 2 else "ticket", created_at=now - age) for n, age in ages.items()], now)
    assert store.gauges.read().sentiment == {}
    enrich(store)
    assert store.gauges.read().sentiment == {"ticket": (1, pytest.approx(-0.8)), "chat": (1, pytest.approx(-0.8))}


def test_corrected_and_forgotten_records_count_as_they_are(store):
    now = datetime.now(UTC)
    first, second = (receipt.id for receipt in store.feedback.add([make_feedback(n, created_at=now - timedelta(hours=1)) for n in (1, 2)], now))
    enrich(store)
    store.feedback.correct(first, {"sentiment": 0.4}, "ann")
    assert store.gauges.read().sentiment["ticket"] == (2, pytest.approx(-0.2))
    store.feedback.forget([second])
    assert store.gauges.read().sentiment["ticket"] == (1, pytest.approx(0.4))


def test_alerts_that_are_not_resolved_are_counted(store):
    apply(store, *(AlertChange(MOVED, state=state) for state in ("open", "open", "acknowledged", "resolved")))
    assert store.gauges.read().alerts == {"open": 2, "acknowledged": 1}


def test_readers_lag_by_events_and_those_of_days_do_not(store):
    store.feedback.add([make_feedback(n) for n in range(5)], datetime.now(UTC))
    apply(store, position=3)
    store.events.lease("flags", "a", 60)
    assert store.gauges.read().lags == {"alerts": 2, "flags": 5}
