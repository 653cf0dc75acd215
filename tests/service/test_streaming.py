"""Against a broker that librdkafka runs within the test (`test.mock.num.brokers`): the protocol is real, the storage is memory."""

import json
import threading
from collections import defaultdict

import pytest

from cxnlp.errors import Conflict, CxnlpError, InvalidInput
from cxnlp.feeds.kafka import KafkaTopic
from cxnlp.service.delivery import Delivery
from cxnlp.service.sending import Sender
from cxnlp.service.streaming import Stream
from cxnlp.store import open_store
from tests.service.test_delivery import add, enrich, feedback

kafka = pytest.importorskip("confluent_kafka", reason="confluent-kafka is not installed")


@pytest.fixture
def store(tmp_path):
    opened = open_store(f"sqlite:///{tmp_path}/cxnlp.db")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def broker():
    """Address of the broker, which lives as long as the client that made it."""
    client = kafka.Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "none", "log_level": 0})
    (found,) = client.list_topics(timeout=30).brokers.values()
    yield f"{found.host}:{found.port}"
    client.flush(1)


def read(broker, topic, n):
    """Return the first n messages of a topic by partition: (key, body, headers)."""
    consumer = kafka.Consumer({"bootstrap.servers": broker, "group.id": "test", "auto.offset.reset": "earliest", "log_level": 0})
    partitions = consumer.list_topics(topic, timeout=30).topics[topic].partitions
    consumer.assign([kafka.TopicPartition(topic, number, 0) for number in partitions])
    found = defaultdict(list)
    for got in consumer.consume(n, timeout=30):
        found[got.partition()].append((got.key(), json.loads(got.value()), dict(got.headers())))
    assert consumer.consume(1, timeout=0.5) == []
    consumer.close()
    return found


def stream_to(store, publish, name="kafka t"):
    return Stream(store, Delivery(store, Sender()), name, publish)


def test_events_are_written_once_each_in_order_for_each_record(store, broker):
    ids = add(store, *map(feedback, range(20)))
    enrich(store)
    stream = stream_to(store, KafkaTopic(broker, "all").publish)
    assert stream.step(["record.*"], from_beginning=True) == 40
    assert stream.step(["record.*"]) is None
    store.feedback.correct(ids[0], {"sentiment": 0.1}, "ann")
    assert stream.step(["record.*"]) == 1
    found = read(broker, "all", 41)
    told = defaultdict(list)
    for number, messages in found.items():
        for key, body, headers in messages:
            told[key.decode(), number].append(body["type"])
            assert body["data"]["record"]["id"] == key.decode()
            assert headers == {"id": f"evt_{body['data']['seq']}".encode(), "type": body["type"].encode()}
    assert sorted(key for key, _ in told) == sorted(ids)
    order = ["record.received", "record.analyzed"]
    assert {key: types for (key, _), types in told.items()} == {i: order for i in ids} | {ids[0]: [*order, "record.updated"]}


def test_only_new_events_come_unless_the_beginning_is_asked_for(store):
    add(store, feedback(1))
    written = []
    stream = stream_to(store, written.extend)
    assert stream.step() is None
    add(store, feedback(2))
    assert stream.step() == 1
    assert [message.type for message in written] == ["record.received"]
    with pytest.raises(InvalidInput, match=r"flag\.raised"):
        stream.step(["moon.*"])


def test_what_was_not_acknowledged_is_written_again(store, monkeypatch):
    add(store, *map(feedback, range(3)))
    written = []
    stream = stream_to(store, written.extend)

    def refuse(messages):
        written.extend(messages[:1])
        raise CxnlpError("no leader")

    broken = stream_to(store, refuse)
    with pytest.raises(CxnlpError, match="no leader"):
        broken.step(from_beginning=True)
    broken.close()
    with monkeypatch.context() as patch, pytest.raises(Conflict):
        patch.setattr(store.events, "advance", lambda *_: (_ for _ in ()).throw(Conflict("taken over")))
        stream.step()
    assert stream.step() == 3
    assert [message.seq for message in written] == [1, 1, 2, 3, 1, 2, 3]


def test_one_of_two_processes_writes(store):
    add(store, feedback(1))
    written = []
    first, second = stream_to(store, written.extend), stream_to(store, written.extend)
    assert first.step(from_beginning=True) == 1
    add(store, feedback(2))
    assert second.step() is None
    first.close()
    assert second.step() == 1
    assert [message.seq for message in written] == [1, 2]


def test_reader_that_was_away_too_long_is_told_so(store):
    add(store, feedback(1))
    written = []
    stream = stream_to(store, written.extend)
    stream.step(from_beginning=True)
    add(store, *map(feedback, range(2, 6)))
    store.events.prune(-1)
    assert stream.step() == 1
    assert [(message.type, message.body["data"]["position"]) for message in written[1:]] == [("reset", 5)]


def test_stream_runs_until_it_is_stopped_and_over_failures(store):
    stop, written = threading.Event(), []

    def publish(messages):
        if not written:
            written.append("failed")
            raise CxnlpError("no leader")
        written.extend(messages)
        stop.set()

    add(store, feedback(1))
    loop = threading.Thread(target=stream_to(store, publish).run, args=(stop,), kwargs={"from_beginning": True})
    loop.start()
    loop.join(30)
    assert [getattr(message, "seq", message) for message in written] == ["failed", 1]
    assert store.events.lease("kafka t", "other", 60) == 1


def test_broker_that_is_not_there_is_told(monkeypatch):
    monkeypatch.setattr("cxnlp.feeds.kafka.SECONDS", 1.5)
    with pytest.raises(InvalidInput, match="cannot be used"):
        KafkaTopic("127.0.0.1:1", "t")
