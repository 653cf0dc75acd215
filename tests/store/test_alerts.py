from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cxnlp.errors import Conflict, InvalidInput, InvalidQuery, NotFound
from cxnlp.store import AlertChange, Moved

from .samples import NOW, make_feedback

DETAILS = {"window": 3, "observed": 9.0, "expected": 1.2, "summary": {"en": "more", "zh": "多"}}
MOVED = Moved("movement", "pair", "delivery/slow", "volume", "up", 739_867, 739_870, 6.5, DETAILS)


def apply(store, *changes, holder="a", position=5, day=739_870):
    for name in ("alerts", "alerts.day"):
        store.events.lease(name, holder, 60)
    return store.alerts.apply(changes, holder, position, day)


def told(store):
    return [(event.type, event.data["id"], event.data["state"]) for event in store.events.read(0, 1000) if event.type.startswith("alert.")]


def opened(store, moved=MOVED, **more):
    apply(store, AlertChange(moved, event="alert.opened", **more))
    return store.alerts.page().alerts[0]


def test_an_alert_is_noted_told_and_the_cursors_move_with_it(store):
    (record,) = [receipt.id for receipt in store.feedback.add([make_feedback(1)], NOW)]
    alert = opened(store, replace(MOVED, record_ids=(record, "r-gone")))
    assert alert.id.startswith("a-") and alert.state == "open" and not alert.historical
    assert alert.moved == replace(MOVED, record_ids=(record,))
    assert store.alerts.get(alert.id) == alert
    line = alert.to_line()
    assert (line["series"], line["since"], line["until"]) == ({"dimension": "pair", "value": "delivery/slow"}, "2026-09-08", "2026-09-11")
    assert (line["observed"], line["summary"]["zh"], line["score"]) == (9.0, "多", 6.5)
    assert told(store) == [("alert.opened", alert.id, "open")]
    assert (store.events.lease("alerts", "a", 60), store.events.lease("alerts.day", "a", 60)) == (5, 739_870)


def test_all_or_nothing_when_the_lease_is_lost(store):
    store.events.lease("alerts", "a", 60)
    store.events.lease("alerts.day", "b", 60)
    with pytest.raises(Conflict, match="alerts"):
        store.alerts.apply([AlertChange(MOVED, event="alert.opened")], "a", 5, 739_870)
    assert store.alerts.page().alerts == [] and told(store) == []


def test_a_change_is_written_and_told_if_there_is_something_to_tell(store):
    alert = opened(store)
    grown = replace(MOVED, last_day=739_872, score=9.0)
    assert apply(store, AlertChange(grown, alert.id)) == 0
    assert store.alerts.get(alert.id).moved == grown
    assert apply(store, AlertChange(grown, alert.id, event="alert.changed")) == 1
    assert apply(store, AlertChange(grown, alert.id, "open", "resolved", event="alert.resolved")) == 1
    resolved = store.alerts.get(alert.id)
    assert (resolved.state, resolved.author) == ("resolved", None) and resolved.resolved_at is not None
    assert [name for name, _, _ in told(store)] == ["alert.opened", "alert.changed", "alert.resolved"]


def test_what_a_person_said_meanwhile_stays(store):
    alert = opened(store)
    store.alerts.set_state(alert.id, "acknowledged", "on it", "ann")
    assert apply(store, AlertChange(replace(MOVED, score=8.0), alert.id, "open", "resolved", event="alert.resolved")) == 0
    kept = store.alerts.get(alert.id)
    assert (kept.state, kept.note, kept.author, kept.moved.score) == ("acknowledged", "on it", "ann", 8.0)


def test_a_person_takes_it_on_puts_it_off_and_resolves_it(store):
    alert = opened(store)
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    assert store.alerts.set_state(alert.id, "acknowledged", None, "ann").state == "acknowledged"
    store.alerts.set_state(alert.id, "acknowledged", "again", "ann")
    assert store.alerts.set_state(alert.id, "snoozed", None, "ann", until).snoozed_until == until
    assert store.alerts.set_state(alert.id, "open", None, "ann").snoozed_until is None
    done = store.alerts.set_state(alert.id, "resolved", "fixed", "ann")
    assert done.resolved_at is not None and done.note == "fixed"
    assert "note" not in done.to_line()
    assert [name for name, _, _ in told(store)] == ["alert.opened", *["alert.changed"] * 3, "alert.resolved"]
    with pytest.raises(Conflict, match="is resolved"):
        store.alerts.set_state(alert.id, "open", None, "ann")
    assert store.alerts.set_state(alert.id, "resolved", "fixed twice", "ann").resolved_at == done.resolved_at


def test_what_cannot_be_is_refused(store):
    alert = opened(store)
    past, ahead = (datetime.now(UTC) + timedelta(days=days) for days in (-1, 1))
    for state, until in (("snoozed", None), ("snoozed", past), ("open", ahead)):
        with pytest.raises(InvalidInput, match="until"):
            store.alerts.set_state(alert.id, state, None, "ann", until)
    with pytest.raises(InvalidInput, match="write one of open"):
        store.alerts.set_state(alert.id, "closed", None, "ann")
    for ask in (store.alerts.get, lambda i: store.alerts.set_state(i, "open", None, "ann")):
        with pytest.raises(NotFound, match="a-none"):
            ask("a-none")
    with pytest.raises(InvalidQuery, match="state"):
        store.alerts.page(state="closed")
    with pytest.raises(InvalidQuery, match="limit"):
        store.alerts.page(limit=0)


def test_alerts_are_paged_newest_first_and_chosen_by_state(store):
    for value in "abc":
        apply(store, AlertChange(replace(MOVED, value=value), state="open", historical=value == "a"))
    apply(store, AlertChange(replace(MOVED, value="d"), state="resolved"))
    page = store.alerts.page(limit=3)
    assert [alert.moved.value for alert in page.alerts] == ["d", "c", "b"]
    assert [alert.moved.value for alert in store.alerts.page(cursor=page.next_cursor).alerts] == ["a"]
    assert [alert.moved.value for alert in store.alerts.page("open", historical=False).alerts] == ["c", "b"]
    assert told(store) == []
    with pytest.raises(InvalidQuery, match="another filter"):
        store.alerts.page("open", cursor=page.next_cursor)


def test_those_that_go_on_are_found(store):
    old = replace(MOVED, value="old", last_day=739_000)
    apply(store, AlertChange(old, state="resolved"), AlertChange(replace(old, value="on")), AlertChange(MOVED, state="resolved"))
    assert [alert.moved.value for alert in store.alerts.since(739_870)] == ["on", "delivery/slow"]


def test_a_forgotten_record_is_quoted_no_more(store):
    ids = tuple(receipt.id for receipt in store.feedback.add([make_feedback(n) for n in range(3)], NOW))
    alert = opened(store, replace(MOVED, record_ids=ids[::-1]))
    store.feedback.forget([ids[1]])
    assert store.alerts.get(alert.id).moved.record_ids == (ids[2], ids[0])
