import json
import threading
from contextlib import contextmanager

import httpx
import pytest
from conftest import serve

from cxnlp.records import record_id

pytestmark = pytest.mark.slow


@contextmanager
def events(client, **request):
    """Give an iterator over the blocks of a stream, each as {field: value}."""
    timeout = httpx.Timeout(60, read=60)
    with client.stream("GET", "/v1/events", timeout=timeout, **request) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")

        def blocks():
            held = {}
            for line in answer.iter_lines():
                if line:
                    name, _, value = line.partition(": ")
                    held[name] = value
                elif held:
                    yield held
                    held = {}

        yield (block for block in blocks() if "event" in block)


def take(found, n):
    return [next(found) for _ in range(n)]


def test_events_are_told_from_the_beginning_in_order(client):
    with events(client, params={"after": 0, "types": "record.analyzed"}) as found:
        told = take(found, 6)
    numbers = [int(event["id"]) for event in told]
    assert numbers == sorted(set(numbers))
    assert {event["event"] for event in told} == {"record.analyzed"}
    body = json.loads(told[0]["data"])
    assert body["type"] == "record.analyzed"
    assert body["data"]["record"]["id"] == record_id("t", "1")
    assert body["timestamp"]


def test_a_reader_goes_on_where_it_was(client):
    with events(client, params={"after": "0"}) as found:
        first, second = take(found, 2)
    with events(client, headers={"last-event-id": first["id"]}) as found:
        assert next(found) == second


def test_what_happens_now_arrives_now(other, writer):
    arrived = []

    def read():
        with other.client() as client, events(client, params={"types": "record.*"}) as found:
            ready.set()
            arrived.append(next(found))

    ready = threading.Event()
    reader = threading.Thread(target=read)
    reader.start()
    assert ready.wait(60)
    writer.post("/v1/feedback", json={"source": "now", "external_id": "1", "text": "news"})
    reader.join(60)
    assert arrived[0]["event"] == "record.received"
    assert json.loads(arrived[0]["data"])["data"]["record"]["text"] == "news"


@pytest.mark.parametrize("request_", [{"headers": {"last-event-id": "999999"}}, {"params": {"after": "999999"}}])
def test_an_id_that_is_not_kept_gets_a_reset(client, shared, request_):
    with events(client, **request_) as found:
        event = next(found)
    assert event["event"] == "reset"
    assert int(event["id"]) == shared.service.store.events.last_seq()


def test_an_id_older_than_what_is_kept_gets_a_reset(other, writer):
    for i in range(3):
        writer.post("/v1/feedback", json={"source": "old", "external_id": str(i), "text": "x"})
    other.service.store.events.prune(older_than_seconds=0)
    with events(writer, params={"after": "0"}) as found:
        assert next(found)["event"] == "reset"


@pytest.mark.parametrize("parameters", [{"after": "x"}, {"after": "-1"}, {"after": "0", "types": "moon.*"}])
def test_a_question_that_cannot_be_answered_is_a_422(client, parameters):
    answer = client.get("/v1/events", params=parameters)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")


def test_many_idle_readers_hold_no_threads(shared):
    """More readers than the thread pool has threads, and requests are still answered."""
    with shared.client(limits=httpx.Limits(max_connections=60)) as client:
        streams = [client.send(client.build_request("GET", "/v1/events"), stream=True) for _ in range(45)]
        try:
            assert client.get("/v1/status").status_code == 200
        finally:
            for stream in streams:
                stream.close()


def test_an_open_stream_does_not_keep_the_server_from_stopping(tmp_path):
    with serve(tmp_path) as server, server.client() as client, events(client, params={"after": "0"}):
        server.process.terminate()
        assert server.process.wait(60) in (0, -15)
