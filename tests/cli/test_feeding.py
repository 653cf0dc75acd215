"""webhooks, as a user runs it."""

import json
import re
import threading

import pytest
from standardwebhooks.webhooks import Webhook

from tests.cli.conftest import run
from tests.service.receivers import Receiver


@pytest.fixture
def receiver():
    with Receiver() as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()


def webhooks(home, *arguments, stdin=b""):
    return run("webhooks", *arguments, home=home, stdin=stdin, webhook_allow_private="true")


def test_a_webhook_is_added_tried_listed_renewed_and_removed(kept, receiver):
    added = webhooks(kept, "add", receiver.url, "--event", "flag.raised", "--event", "record.*", "--filter", '{"channel": ["chat"]}')
    assert added.code == 0, added.err
    webhook, secret = re.search(r"w-[0-9a-f]{16}", added.out)[0], re.search(r"whsec_\S+", added.out)[0]
    tried = webhooks(kept, "test", webhook)
    assert (tried.code, tried.out) == (0, "delivered (204)\n")
    content, headers = receiver.received[0]
    assert Webhook(secret).verify(content, headers)["type"] == "webhook.ping"
    listed = webhooks(kept, "list").out
    assert webhook in listed and "flag.raised,record.*" in listed and "0 waiting, 0 given up" in listed and secret not in listed
    rotated = webhooks(kept, "rotate", webhook).out
    assert "signs along until" in rotated and secret not in rotated
    assert webhooks(kept, "replay", webhook).out == "0 messages are tried again\n"
    assert webhooks(kept, "remove", webhook).out == f"{webhook} removed\n"
    assert webhooks(kept, "list").out == ""


def test_the_secret_of_a_bot_is_read_from_standard_input_and_not_shown(kept, receiver):
    receiver.answer = lambda _: b'{"code": 0}'
    added = webhooks(kept, "add", receiver.url, "--format", "feishu", "--language", "zh", "--secret", "-", stdin=b"bot-secret\n")
    assert added.code == 0 and "bot-secret" not in added.out
    webhook = re.search(r"w-[0-9a-f]{16}", added.out)[0]
    assert webhooks(kept, "test", webhook).code == 0
    assert json.loads(receiver.received[0][0])["sign"]
    assert webhooks(kept, "rotate", webhook, "--secret", "-", stdin=b"other\n").out == f"{webhook} signs with the new secret\n"


def test_mistakes_are_told(kept, receiver):
    receiver.statuses = [500]
    webhook = re.search(r"w-[0-9a-f]{16}", webhooks(kept, "add", receiver.url).out)[0]
    tried = webhooks(kept, "test", webhook)
    assert (tried.code, tried.out) == (1, "not delivered: HTTP 500\n")
    assert "--filter is" in webhooks(kept, "add", receiver.url, "--filter", "[1]").err
    assert "format is 'teams'" in webhooks(kept, "add", receiver.url, "--format", "teams").err
    assert "CXNLP_SMTP_URL" in webhooks(kept, "add", "mailto:a@b.example").err
    for command in ("test", "replay", "rotate", "remove"):
        done = webhooks(kept, command, "w-none")
        assert done.code == 1 and "w-none" in done.err


def test_events_are_written_to_kafka_and_the_place_is_remembered(kept):
    kafka = pytest.importorskip("confluent_kafka", reason="confluent-kafka is not installed")
    client = kafka.Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "none", "log_level": 0})
    (broker,) = client.list_topics(timeout=30).brokers.values()
    asked = ("feed", "kafka", "--topic", "feedback", "--bootstrap", f"{broker.host}:{broker.port}", "--event", "record.analyzed", "--once")
    done = run(*asked, "--from-beginning", home=kept)
    assert (done.code, done.out) == (0, "4 messages written\n")
    assert run(*asked, home=kept).out == "0 messages written\n"
    client.flush(1)


def test_feeding_no_broker_is_told(kept, monkeypatch):
    pytest.importorskip("confluent_kafka", reason="confluent-kafka is not installed")
    monkeypatch.setattr("cxnlp.feeds.kafka.SECONDS", 1.5)
    done = run("feed", "kafka", "--topic", "t", "--bootstrap", "127.0.0.1:1", "--once", home=kept)
    assert done.code == 1 and "127.0.0.1:1" in done.err
