from datetime import timedelta

import pytest
from sqlalchemy import text

from cxnlp.errors import InvalidQuery

from .samples import NOW

SECRET = "whsec_c2VjcmV0"
LATER = NOW + timedelta(seconds=5)


def hook(store, *events):
    return store.webhooks.create("https://hooks.example/in", events or ["*"], SECRET)


def append(store, *record_ids, type="record.analyzed", **data):
    with store.database.write() as connection:
        store.events.append(connection, type, record_ids, [data] * len(record_ids))
    return store.events.last_seq()


def enqueue(store, limit=100, holder="a"):
    return store.deliveries.enqueue(holder, NOW, limit, 60)


def take(store, webhook, at=NOW, limit=100, holder="a", lease_seconds=60):
    return store.deliveries.due(webhook.id, at, limit, holder, lease_seconds)


def rows(store, webhook, **options):
    return [(row.event_seq, row.type, row.status) for row in store.deliveries.list(webhook.id, **options)]


def test_webhook_is_told_of_the_events_it_asked_for_since_it_was_made(store):
    append(store, "r-0", type="flag.raised")
    all_flags, analyzed = hook(store, "flag.*"), hook(store, "record.analyzed")
    append(store, "r-1")
    last = append(store, "r-1", type="flag.raised", level=2)
    append(store, "r-1", type="record.updated")
    assert enqueue(store) == last + 1
    assert rows(store, all_flags) == [(last, "flag.raised", "pending")]
    assert rows(store, analyzed) == [(last - 1, "record.analyzed", "pending")]
    (due,) = take(store, all_flags)
    assert (due.webhook.url, due.webhook.secret, due.attempts) == ("https://hooks.example/in", SECRET, 0)
    assert (due.event.seq, due.event.type, due.event.record_id, due.event.data) == (last, "flag.raised", "r-1", {"level": 2})
    assert SECRET not in repr(due)


def test_events_are_dealt_with_once_in_parts(store):
    webhook = hook(store)
    append(store, "r-1", "r-2", "r-3")
    assert [enqueue(store, limit=2) for _ in range(3)] == [2, 3, 3]
    assert len(rows(store, webhook)) == 3


def test_historical_flags_are_not_told(store):
    webhook = hook(store)
    append(store, "r-1", type="flag.raised", historical=True)
    last = append(store, "r-2", type="flag.raised", historical=False)
    assert enqueue(store) == last
    assert rows(store, webhook) == [(last, "flag.raised", "pending")]


def test_without_webhooks_the_cursor_goes_to_the_end_at_once(store):
    last = append(store, *(f"r-{i}" for i in range(50)))
    assert enqueue(store, limit=5) == last


def test_only_the_holder_of_the_cursor_notes_deliveries(store):
    webhook = hook(store)
    append(store, "r-1")
    store.events.lease("webhooks", "b", 60)
    assert enqueue(store, holder="a") is None
    assert rows(store, webhook) == []
    assert enqueue(store, holder="b") == 1


def test_what_is_taken_is_taken_by_nobody_else_until_the_lease_ends(store):
    webhook = hook(store)
    append(store, "r-1", "r-2")
    enqueue(store)
    assert store.deliveries.waiting(NOW) == [webhook.id]
    assert len(take(store, webhook, limit=1)) == 1
    assert [due.event.record_id for due in take(store, webhook, holder="b")] == ["r-2"]
    assert store.deliveries.waiting(NOW) == []
    assert len(take(store, webhook, at=NOW + timedelta(seconds=61), holder="b")) == 2
    store.deliveries.release("b", webhook.id)
    assert len(take(store, webhook)) == 2


def test_lease_that_is_renewed_lasts_for_what_is_still_held(store):
    webhook = hook(store)
    append(store, "r-1", "r-2", "r-3")
    enqueue(store)
    taken = take(store, webhook, limit=2)
    store.deliveries.succeed(taken[0], 204)
    assert store.deliveries.renew(taken, "a", NOW + timedelta(seconds=50), 60) == 1
    later = NOW + timedelta(seconds=61)
    assert [due.event.record_id for due in take(store, webhook, at=later, holder="b")] == ["r-3"]
    assert [due.event.record_id for due in take(store, webhook, at=NOW + timedelta(seconds=111), holder="c")] == ["r-2"]


def test_lease_that_another_has_taken_over_is_not_renewed(store):
    webhook = hook(store)
    append(store, "r-1")
    enqueue(store)
    taken = take(store, webhook)
    late = NOW + timedelta(seconds=61)
    assert len(take(store, webhook, at=late, holder="b")) == 1
    assert store.deliveries.renew(taken, "a", late, 600) == 0
    assert len(take(store, webhook, at=late + timedelta(seconds=61), holder="c")) == 1


def test_failed_delivery_is_due_again_later(store):
    webhook = hook(store)
    append(store, "r-1")
    enqueue(store)
    (due,) = take(store, webhook)
    store.deliveries.retry_later(due, LATER, "HTTP 500" * 100, 500)
    assert take(store, webhook) == []
    (again,) = take(store, webhook, at=LATER)
    assert (again.event, again.attempts) == (due.event, 1)
    (row,) = store.deliveries.list(webhook.id)
    assert (row.attempts, row.next_at, row.response_status, len(row.last_error)) == (1, LATER, 500, 300)


def test_delivered_and_dead_are_not_due_until_replayed(store):
    webhook, other = hook(store), hook(store)
    append(store, "r-1", "r-2")
    enqueue(store)
    first, second = take(store, webhook)
    store.deliveries.succeed(first, 204)
    store.deliveries.bury(second, "HTTP 500", 500)
    assert take(store, webhook, at=LATER) == []
    assert rows(store, webhook, status="dead") == [(2, "record.analyzed", "dead")]
    assert store.deliveries.replay(other.id, LATER) == 0
    assert store.deliveries.replay(webhook.id, LATER) == 1
    (again,) = take(store, webhook, at=LATER)
    assert (again.event.seq, again.attempts) == (2, 0)
    with pytest.raises(InvalidQuery, match="pending, delivered, dead"):
        store.deliveries.list(webhook.id, status="lost")


def test_what_came_late_changes_nothing_that_is_settled(store):
    webhook = hook(store)
    append(store, "r-1")
    enqueue(store)
    (due,) = take(store, webhook)
    store.deliveries.succeed(due, 204)
    store.deliveries.retry_later(due, NOW, "timeout", None)
    store.deliveries.bury(due, "timeout", None)
    assert rows(store, webhook) == [(1, "record.analyzed", "delivered")]


def test_disabled_and_deleted_webhooks_are_told_nothing(store):
    disabled, deleted = hook(store), hook(store)
    append(store, "r-1")
    enqueue(store)
    store.webhooks.disable(disabled.id)
    store.webhooks.delete(deleted.id)
    assert store.deliveries.waiting(NOW) == []
    assert take(store, disabled) == []
    append(store, "r-2")
    enqueue(store)
    assert rows(store, disabled) == [(1, "record.analyzed", "pending")]
    assert rows(store, deleted) == []


def test_deliveries_go_with_their_events(store):
    webhook = hook(store)
    append(store, "r-1", "r-2")
    enqueue(store)
    store.events.prune(-1)
    assert rows(store, webhook) == [(2, "record.analyzed", "pending")]


def test_deliveries_and_cursor_are_written_together_or_not_at_all(store, monkeypatch):
    webhook = hook(store)
    append(store, "r-1")

    def die(*_):
        raise ZeroDivisionError

    with monkeypatch.context() as patch, pytest.raises(ZeroDivisionError):
        patch.setattr(store.events, "advance", die)
        enqueue(store)
    with store.database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM deliveries")).scalar() == 0
    enqueue(store)
    assert len(rows(store, webhook)) == 1


def test_what_is_told_of_a_record_waits_for_what_was_told_before(store):
    webhook = hook(store)
    append(store, "r-1", "r-2", "r-1")
    enqueue(store)
    first, second, third = take(store, webhook)
    store.deliveries.retry_later(first, LATER, "HTTP 500", 500)
    store.deliveries.succeed(second, 204)
    store.deliveries.release("a", webhook.id)
    assert store.deliveries.waiting(NOW) == []
    assert take(store, webhook) == []
    assert [due.event.seq for due in take(store, webhook, at=LATER)] == [first.event.seq, third.event.seq]
    store.deliveries.bury(first, "HTTP 500", 500)
    store.deliveries.release("a", webhook.id)
    assert [due.event.seq for due in take(store, webhook, at=LATER)] == [third.event.seq]


def test_what_comes_after_a_message_that_waits_is_not_looked_at_before_that_is_due(store):
    webhook, other = hook(store), hook(store)
    append(store, "r-1", "r-1", "r-2")
    enqueue(store)
    store.deliveries.retry_later(take(store, webhook)[0], LATER, "HTTP 500", 500)
    append(store, "r-1", "r-2")
    enqueue(store)
    until = {row.event_seq: row.next_at for row in store.deliveries.list(webhook.id)}
    assert until == {1: LATER, 2: LATER, 3: NOW, 4: LATER, 5: NOW}
    assert {row.next_at for row in store.deliveries.list(other.id)} == {NOW}
    store.deliveries.release("a", webhook.id)
    assert [due.event.seq for due in take(store, webhook)] == [3, 5]


def test_what_is_told_of_a_record_is_under_way_once(store):
    webhook = hook(store)
    append(store, "r-1", "r-1", "r-2")
    enqueue(store)
    assert len(take(store, webhook, limit=1)) == 1
    assert [due.event.record_id for due in take(store, webhook, holder="b")] == ["r-2"]


def test_events_about_no_record_do_not_wait_for_each_other(store):
    webhook = hook(store)
    append(store, None, None, type="topic.fitted")
    enqueue(store)
    store.deliveries.retry_later(take(store, webhook)[0], LATER, "HTTP 500", 500)
    store.deliveries.release("a", webhook.id)
    assert [due.event.seq for due in take(store, webhook)] == [2]


def test_what_waits_and_what_is_dead_is_counted(store):
    webhook, other = hook(store), hook(store)
    append(store, "r-1", "r-2", "r-3")
    enqueue(store)
    first, second, _ = take(store, webhook)
    store.deliveries.succeed(first, 204)
    store.deliveries.bury(second, "HTTP 500", 500)
    assert store.deliveries.counts() == {(webhook.id, "pending"): 1, (webhook.id, "dead"): 1, (other.id, "pending"): 3}
