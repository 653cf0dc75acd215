import json
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from sqlalchemy import text
from standardwebhooks.webhooks import Webhook

from cxnlp.errors import Conflict, InvalidInput, NotFound
from cxnlp.feeds import webhooks as scheme
from cxnlp.lines import to_line
from cxnlp.records import Analysis, Feedback, Quote, Risk, Span, Vectors
from cxnlp.service import leases
from cxnlp.service.delivery import Delivery
from cxnlp.service.leases import LEASE_SECONDS
from cxnlp.service.sending import Sender
from cxnlp.service.webhooks import WantedWebhook, Webhooks
from cxnlp.store import Result, open_store
from tests.service.receivers import DEADLINE, run_receiver

TEXT = "等了两个星期，nobody answers me"


@pytest.fixture
def store(tmp_path):
    opened = open_store(f"sqlite:///{tmp_path}/cxnlp.db")
    yield opened
    opened.close()


@pytest.fixture
def delivery(store):
    made = Delivery(store, Sender(allow_private=True))
    yield made
    made.close()


@pytest.fixture
def webhooks(store):
    return Webhooks(store, Sender(allow_private=True))


@pytest.fixture
def at_once(monkeypatch):
    """Retries without waiting."""
    monkeypatch.setattr("cxnlp.service.delivery.random.random", lambda: 0.0)


@pytest.fixture
def receiver():
    with run_receiver() as server:
        yield server


def feedback(n, words=TEXT, age=timedelta(minutes=1)):
    return Feedback("shop", str(n), "chat", datetime.now(UTC) - age, words, fingerprint=f"{n}{words}")


def add(store, *items):
    return [receipt.id for receipt in store.feedback.add(items, datetime.now(UTC))]


def enrich(store, sentiment=-0.8, risks=()):
    generation = store.generations.ensure("encoder", "splitter", 4)
    vectors = Vectors(np.eye(4, dtype=np.float32)[0], np.eye(4, dtype=np.float32)[:1], (Span(0, 3),))
    found = tuple(Risk(risk, 0.9, Quote(TEXT[:3], 0, 3)) for risk in risks)
    analysis = Analysis("zh", sentiment, 0.9, "complaint", (), found, "test-1")
    claims = store.analyses.claim("worker", 1000, 60)
    store.analyses.save([Result(c.record_id, c.version, analysis, vectors) for c in claims], generation.id)


def settle(delivery, until=None):
    """Flag and deliver as the worker does, until nothing is left to do or `until` holds."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        idle = delivery.flag() + delivery.deliver() == 0
        if until() if until else idle and not delivery._jobs:
            return
    raise AssertionError("not settled in time")


def bodies(receiver):
    return [json.loads(content) for content, _ in receiver.received]


def types(store):
    return [event.type for event in store.events.read(0, 1000) if event.type.startswith("flag.")]


def test_negative_record_is_delivered_once_signed_and_with_a_deadline(store, delivery, receiver, webhooks):
    webhook = webhooks.create(WantedWebhook(receiver.url, ["flag.*"]))
    (record_id,) = add(store, feedback(1))
    enrich(store)
    settle(delivery)
    settle(delivery)
    ((content, headers),) = receiver.received
    body = Webhook(webhook.secret).verify(content, headers)
    flag, record = body["data"]["flag"], body["data"]["record"]
    assert (body["type"], flag["record_id"], flag["level"], flag["historical"]) == ("flag.raised", record_id, 2, False)
    raised_at, deadline = (datetime.fromisoformat(flag[name]) for name in ("raised_at", "deadline"))
    assert deadline - raised_at == timedelta(hours=24)
    assert record == json.loads(json.dumps(to_line(store.feedback.get(record_id))))
    assert record["text"] == TEXT
    (event,) = store.events.read(0, 10, ["flag.raised"])
    assert body["data"]["seq"] == event.seq
    assert headers["content-type"] == "application/json"


def test_flag_is_raised_once_however_often_the_record_is_judged(store, delivery):
    (record_id,) = add(store, feedback(1))
    enrich(store)
    settle(delivery)
    store.analyses.requeue([record_id])
    enrich(store)
    settle(delivery)
    again = Delivery(store, Sender(allow_private=True))
    assert again.flag() == 0
    assert types(store) == ["flag.raised"]
    again.close()


def test_record_that_is_updated_or_corrected_is_judged_again(store, delivery, receiver, webhooks):
    webhooks.create(WantedWebhook(receiver.url, ["flag.*"]))
    (record_id,) = add(store, feedback(1))
    enrich(store)
    settle(delivery)
    add(store, feedback(1, words="I was cheated, this is fraud"))
    settle(delivery)
    assert types(store) == ["flag.raised"]
    enrich(store, risks=["fraud"])
    settle(delivery)
    store.feedback.correct(record_id, {"sentiment": 0.1, "risks": []}, "ann")
    settle(delivery)
    assert [(b["type"], b["data"]["flag"]["level"], b["data"]["flag"]["state"]) for b in bodies(receiver)] == [
        ("flag.raised", 2, "open"),
        ("flag.changed", 1, "open"),
        ("flag.withdrawn", 1, "withdrawn"),
    ]


def test_neutral_records_raise_no_flag(store, delivery):
    add(store, feedback(1))
    enrich(store, sentiment=0.0)
    settle(delivery)
    assert types(store) == []


def test_historical_records_are_flagged_and_not_delivered(store, delivery, receiver, webhooks):
    webhook = webhooks.create(WantedWebhook(receiver.url, ["*"]))
    add(store, feedback(1, age=timedelta(days=3)))
    enrich(store)
    settle(delivery)
    (flag,) = delivery.flags().flags
    assert (flag.historical, flag.deadline) == (True, None)
    assert {body["type"] for body in bodies(receiver)} == {"record.received", "record.analyzed"}
    assert {row.status for row in store.deliveries.list(webhook.id)} == {"delivered"}


def test_failed_delivery_is_tried_again_under_the_same_id(store, delivery, receiver, at_once, webhooks):
    webhook = webhooks.create(WantedWebhook(receiver.url, ["flag.*"]))
    receiver.statuses = [500, 302]
    add(store, feedback(1))
    enrich(store)
    settle(delivery)
    assert len(receiver.received) == 3
    assert len({headers["webhook-id"] for _, headers in receiver.received}) == 1
    for content, headers in receiver.received:
        Webhook(webhook.secret).verify(content, headers)
    (row,) = store.deliveries.list(webhook.id)
    assert (row.status, row.attempts, row.response_status) == ("delivered", 2, 204)


def test_failed_delivery_waits(store, delivery, receiver, monkeypatch, webhooks):
    monkeypatch.setattr("cxnlp.service.delivery.random.random", lambda: 1.0)
    webhook = webhooks.create(WantedWebhook(receiver.url, ["flag.*"]))
    receiver.statuses = [503]
    add(store, feedback(1))
    enrich(store)
    before = datetime.now(UTC)
    settle(delivery)
    (row,) = store.deliveries.list(webhook.id)
    assert (row.status, row.attempts, row.last_error) == ("pending", 1, "HTTP 503")
    assert row.next_at - before > timedelta(seconds=5)


def test_delivery_that_always_fails_is_given_up_and_can_be_replayed(store, delivery, receiver, at_once, monkeypatch, webhooks):
    monkeypatch.setattr(scheme, "_DELAYS_SECONDS", (1, 1))
    webhook = webhooks.create(WantedWebhook(receiver.url, ["flag.*"]))
    receiver.statuses = [500, 500, 500]
    add(store, feedback(1))
    enrich(store)
    settle(delivery)
    assert [(row.status, row.attempts) for row in store.deliveries.list(webhook.id)] == [("dead", 3)]
    assert webhooks.replay(webhook.id) == 1
    settle(delivery)
    assert [row.status for row in store.deliveries.list(webhook.id)] == ["delivered"]
    assert len({headers["webhook-id"] for _, headers in receiver.received}) == 1
    with pytest.raises(NotFound):
        webhooks.replay("w-none")


def test_receiver_that_is_gone_for_good_is_told_no_more(store, delivery, receiver, webhooks):
    webhook = webhooks.create(WantedWebhook(receiver.url, ["flag.*"]))
    receiver.statuses = [410]
    add(store, feedback(1))
    enrich(store)
    settle(delivery)
    add(store, feedback(2))
    enrich(store)
    settle(delivery)
    assert len(receiver.received) == 1
    assert webhooks.list()[0].disabled_at is not None
    assert [row.status for row in store.deliveries.list(webhook.id)] == ["dead"]


def test_hanging_receiver_holds_nobody_else_up(store, delivery, receiver, monkeypatch, webhooks):
    monkeypatch.setattr("cxnlp.service.sending.TIMEOUT_SECONDS", DEADLINE)
    released = threading.Event()
    with run_receiver(waits_for=released) as hanging:
        webhooks.create(WantedWebhook(hanging.url, ["flag.*"]))
        webhooks.create(WantedWebhook(receiver.url, ["flag.*"]))
        add(store, *map(feedback, range(20)))
        enrich(store)
        settle(delivery, until=lambda: len(receiver.received) == 20 and hanging.received)
        assert len(hanging.received) == 1
        add(store, feedback(99))
        enrich(store)
        settle(delivery, until=lambda: len(receiver.received) == 21)
        assert len(hanging.received) == 1
        released.set()
        settle(delivery)
        assert len(hanging.received) == 21


def test_what_is_told_of_one_record_comes_in_order_and_holds_no_other_record_up(store, delivery, receiver, webhooks, at_once):
    webhooks.create(WantedWebhook(receiver.url, ["record.*"]))
    poisoned, sound = add(store, feedback(1), feedback(2))
    refused = []

    def refuse(content):
        body = json.loads(content)
        if body["data"]["record"]["id"] != poisoned or body["type"] != "record.received" or len(refused) == 3:
            return 204
        refused.append(body["data"]["seq"])
        return 500

    receiver.answer = refuse
    enrich(store)
    store.feedback.correct(poisoned, {"sentiment": 0.1}, "ann")
    settle(delivery)
    told = [(body["data"]["record"]["id"], body["type"]) for body in bodies(receiver)]
    assert [type for i, type in told if i == sound] == ["record.received", "record.analyzed"]
    order = ["record.received"] * 4 + ["record.analyzed", "record.updated"]
    assert [type for i, type in told if i == poisoned] == order
    last_sound = max(n for n, (i, _) in enumerate(told) if i == sound)
    assert last_sound < told.index((poisoned, "record.analyzed"))


def test_poisoned_event_stalls_neither_its_subscription_nor_later_flags(store, delivery, receiver, webhooks, monkeypatch):
    monkeypatch.setattr("cxnlp.service.delivery.random.random", lambda: 1.0)
    webhook = webhooks.create(WantedWebhook(receiver.url, ["flag.*"]))
    (poisoned,) = add(store, feedback(0))
    receiver.answer = lambda content: 500 if poisoned.encode() in content else 204
    enrich(store)
    settle(delivery)
    later = add(store, *map(feedback, range(1, 6)))
    enrich(store)
    settle(delivery)
    assert [body["data"]["record"]["id"] for body in bodies(receiver)] == [poisoned, *later]
    assert sorted(row.status for row in store.deliveries.list(webhook.id)) == ["delivered"] * 5 + ["pending"]


def test_filter_keeps_other_records_away(store, delivery, receiver, webhooks):
    webhook = webhooks.create(WantedWebhook(receiver.url, ["record.*"], filter={"sentiment": {"lte": -0.5}}))
    (angry,) = add(store, feedback(1))
    enrich(store, -0.8)
    (calm,) = add(store, feedback(2))
    enrich(store, 0.2)
    settle(delivery)
    assert [body["data"]["record"]["id"] for body in bodies(receiver)] == [angry, angry]
    store.feedback.forget([calm])
    settle(delivery)
    assert bodies(receiver)[-1]["type"] == "record.deleted"
    assert {row.status for row in store.deliveries.list(webhook.id)} == {"delivered"}


def test_record_that_is_deleted_meanwhile_is_delivered_as_nothing(store, delivery, receiver, webhooks):
    webhook = webhooks.create(WantedWebhook(receiver.url, ["flag.*"]))
    deletions = webhooks.create(WantedWebhook(receiver.url, ["record.deleted"]))
    (record_id,) = add(store, feedback(1))
    enrich(store)
    delivery.flag()
    store.feedback.forget([record_id])
    settle(delivery)
    assert [(body["type"], body["data"]["record"]) for body in bodies(receiver)] == [("record.deleted", {"id": record_id})]
    assert [row.status for row in store.deliveries.list(webhook.id)] == ["delivered"]
    assert [row.status for row in store.deliveries.list(deletions.id)] == ["delivered"]
    assert delivery.flags().flags == []


def test_private_addresses_are_refused_when_made_and_when_called(store, receiver, at_once, delivery, webhooks):
    strict, strict_webhooks = Delivery(store, Sender()), Webhooks(store, Sender())
    with pytest.raises(InvalidInput, match="CXNLP_WEBHOOK_ALLOW_PRIVATE=true"):
        strict_webhooks.create(WantedWebhook(receiver.url, ["flag.*"]))
    assert strict_webhooks.list() == []
    webhook = webhooks.create(WantedWebhook(receiver.url, ["flag.*"]))
    assert "CXNLP_WEBHOOK_ALLOW_PRIVATE" in strict_webhooks.test(webhook.id).error
    add(store, feedback(1))
    enrich(store)
    settle(strict)
    (row,) = store.deliveries.list(webhook.id)
    assert row.status == "dead"
    assert "private address" in row.last_error
    assert receiver.received == []
    strict.close()


def test_events_are_told_from_a_number_on(store, delivery):
    first, second = add(store, feedback(1), feedback(2))
    enrich(store)
    settle(delivery)
    told = delivery.events(0, limit=3)
    assert [(m.type, m.body["data"]["record"]["id"]) for m in told.messages] == [
        ("record.received", first),
        ("record.received", second),
        ("record.analyzed", first),
    ]
    rest = delivery.events(told.position, types=["flag.*"])
    assert [m.body["data"]["flag"]["record_id"] for m in rest.messages] == [first, second]
    assert [m.seq for m in rest.messages] == [m.body["data"]["seq"] for m in rest.messages]
    assert delivery.events(rest.position).messages == ()
    with pytest.raises(InvalidInput):
        delivery.events(0, types=["nonsense"])


def test_reader_passes_events_it_did_not_ask_for_or_whose_records_are_gone(store, delivery):
    ids = add(store, feedback(1), feedback(2))
    store.feedback.forget(ids)
    last = store.events.last_seq()
    told = delivery.events(0, limit=2, types=["record.received"])
    assert (told.messages, told.position) == ((), 2)
    assert delivery.events(0, types=["flag.*"]).position == last
    assert [m.type for m in delivery.events(0).messages] == ["record.deleted", "record.deleted"]


def test_reader_that_missed_dropped_events_begins_anew(store, delivery):
    add(store, *map(feedback, range(5)))
    last = store.events.last_seq()
    store.events.prune(-1)
    told = delivery.events(1)
    assert (told.messages, told.position, told.reset) == ((), last, True)
    assert delivery.events(last + 9).reset
    assert not delivery.events(last - 1).reset


DYING = """
import os, signal, sys
from sqlalchemy import event
from cxnlp.service.delivery import Delivery
from cxnlp.service.sending import Sender
from cxnlp.store import open_store
store = open_store(sys.argv[1])
@event.listens_for(store.database.engine, "before_cursor_execute")
def die(connection, cursor, statement, *_):
    if statement.startswith(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
delivery = Delivery(store, Sender(allow_private=True))
while True:
    delivery.flag(4)
    delivery.deliver()
"""


def run_until_killed(store, statement, expires=True):
    """Flag and deliver in a process that is killed as it begins a statement; `expires` spares the wait for the end of its leases."""
    url = store.database.engine.url.render_as_string()
    dying = subprocess.run([sys.executable, "-c", DYING, url, statement], timeout=4 * DEADLINE)
    assert dying.returncode == -signal.SIGKILL
    if expires:
        expire_leases(store)


def expire_leases(store):
    with store.database.write() as connection:
        connection.execute(text("UPDATE cursors SET leased_until = 0"))
        connection.execute(text("UPDATE deliveries SET leased_until = 0"))


def test_killed_between_effect_and_cursor_nothing_is_lost_or_raised_twice(store, delivery, receiver, webhooks):
    webhooks.create(WantedWebhook(receiver.url, ["flag.*"]))
    ids = add(store, *map(feedback, range(3)))
    enrich(store)
    for statement in ("INSERT INTO events", "UPDATE cursors SET position", "INSERT INTO deliveries"):
        run_until_killed(store, statement)
    settle(delivery)
    raised = [event.record_id for event in store.events.read(0, 1000, ["flag.raised"])]
    assert sorted(raised) == sorted(ids)
    by_message = {headers["webhook-id"]: json.loads(content)["data"]["flag"]["record_id"] for content, headers in receiver.received}
    assert sorted(by_message.values()) == sorted(ids)


def test_killed_before_it_is_noted_a_message_comes_again_under_the_same_id(store, delivery, receiver, webhooks):
    webhook = webhooks.create(WantedWebhook(receiver.url, ["flag.*"]))
    add(store, feedback(1))
    enrich(store)
    run_until_killed(store, "UPDATE deliveries SET status")
    assert len(receiver.received) == 1
    settle(delivery)
    assert len(receiver.received) == 2
    assert len({headers["webhook-id"] for _, headers in receiver.received}) == 1
    assert [row.status for row in store.deliveries.list(webhook.id)] == ["delivered"]


def test_two_processes_share_the_work_without_repeating_it(store, delivery, receiver, webhooks):
    other = Delivery(store, Sender(allow_private=True))
    webhooks.create(WantedWebhook(receiver.url, ["flag.*"]))
    stop = threading.Event()
    loops = [threading.Thread(target=one.run, args=(stop,)) for one in (delivery, other)]
    for loop in loops:
        loop.start()
    for n in range(12):
        add(store, feedback(n))
        enrich(store)
    end = time.monotonic() + DEADLINE
    while len(receiver.received) < 12 and time.monotonic() < end:
        time.sleep(0.02)
    stop.set()
    for loop in loops:
        loop.join(DEADLINE)
    assert len(receiver.received) == 12
    assert len({headers["webhook-id"] for _, headers in receiver.received}) == 12


def test_process_that_stops_hands_over_at_once(store, delivery):
    add(store, feedback(1))
    enrich(store)
    other = Delivery(store, Sender(allow_private=True))
    store.events.lease("flags", delivery._holder, 60)
    assert other.flag() == 0
    delivery.close()
    assert other.flag() > 0
    other.close()


def test_message_that_takes_longer_than_a_lease_is_not_told_by_another_process(store, delivery, webhooks, monkeypatch):
    monkeypatch.setattr("cxnlp.service.leases._RENEWED_AFTER_SECONDS", 0.01)
    answering, other = threading.Event(), Delivery(store, Sender(allow_private=True))
    with run_receiver(waits_for=answering) as slow:
        webhook = webhooks.create(WantedWebhook(slow.url, ["record.received"]))
        add(store, feedback(1), feedback(2))
        settle(delivery, until=lambda: slow.received)
        with store.database.write() as connection:  # as if the time of the lease were nearly over
            connection.execute(text("UPDATE deliveries SET leased_until = :soon"), {"soon": time.time() + 0.5})
        settle(delivery, until=lambda: lease_end(store) > time.time() + LEASE_SECONDS / 2)
        assert other.deliver() == 0
        answering.set()
        settle(delivery)
    assert len(slow.received) == 2
    assert {row.status for row in store.deliveries.list(webhook.id)} == {"delivered"}
    other.close()


def lease_end(store):
    with store.database.read() as connection:
        return connection.execute(text("SELECT min(leased_until) FROM deliveries WHERE status = 'pending'")).scalar() or 0.0


def test_process_that_could_not_renew_its_lease_tells_no_more(store, delivery, receiver, webhooks, monkeypatch):
    webhook = webhooks.create(WantedWebhook(receiver.url, ["record.received"]))
    add(store, feedback(1), feedback(2))
    with monkeypatch.context() as patch:
        patch.setattr(leases.Lease, "is_held", property(lambda _: not receiver.received))
        settle(delivery, until=lambda: receiver.received and not delivery._jobs)
    assert len(receiver.received) == 1
    settle(delivery)
    assert len(receiver.received) == 2
    assert {row.status for row in store.deliveries.list(webhook.id)} == {"delivered"}


def test_what_a_killed_process_held_is_free_in_ten_seconds(store, delivery, receiver, webhooks):
    webhooks.create(WantedWebhook(receiver.url, ["flag.*"]))
    add(store, feedback(1))
    enrich(store)
    run_until_killed(store, "UPDATE deliveries SET status", expires=False)
    with store.database.write() as connection:
        held = "SELECT leased_until FROM deliveries WHERE holder IS NOT NULL UNION ALL SELECT leased_until FROM cursors WHERE holder IS NOT NULL"
        ends = connection.execute(text(held)).scalars().all()
        assert len(ends) == 3 and max(ends) <= time.time() + 10
        for table in ("deliveries", "cursors"):
            connection.execute(text(f"UPDATE {table} SET leased_until = leased_until - 10"))
    settle(delivery)
    assert len({headers["webhook-id"] for _, headers in receiver.received}) == 1
    assert len(receiver.received) == 2


def test_work_whose_lease_was_taken_over_is_done_by_the_other(store, delivery, monkeypatch):
    add(store, feedback(1))
    enrich(store)

    def lose(*_):
        raise Conflict("taken over")

    with monkeypatch.context() as patch, pytest.raises(Conflict):
        patch.setattr(store.events, "advance", lose)
        delivery.flag()
    assert types(store) == []
    assert delivery.flag() > 0
    assert types(store) == ["flag.raised"]
