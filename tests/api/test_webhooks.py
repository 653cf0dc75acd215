import http.server
import json
import threading

import pytest
from standardwebhooks.webhooks import Webhook

pytestmark = pytest.mark.slow


@pytest.fixture
def receiver():
    """A server that keeps what it is sent."""
    received = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            received.append((dict(self.headers.items()), body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}/hook", received
        server.shutdown()


def test_a_webhook_is_added_tried_listed_and_deleted(writer, receiver):
    url, received = receiver
    made = writer.post("/v1/webhooks", json={"url": url, "events": ["flag.*"]}).json()
    assert made["secret"].startswith("whsec_")
    assert writer.post(f"/v1/webhooks/{made['id']}/test").json() == {"delivered": True, "status": 204, "error": None}
    headers, body = received[0]
    assert Webhook(made["secret"]).verify(body, {name.lower(): value for name, value in headers.items()})["type"] == "webhook.ping"
    listed = writer.get("/v1/webhooks")
    assert [(w["id"], w["url"], w["events"]) for w in listed.json()["items"]] == [(made["id"], url, ["flag.*"])]
    assert made["secret"] not in listed.text
    assert writer.post(f"/v1/webhooks/{made['id']}/replay").json() == {"replayed": 0}
    rotated = writer.post(f"/v1/webhooks/{made['id']}/rotate").json()
    assert rotated["secret"].startswith("whsec_") and rotated["secret"] != made["secret"] and rotated["old_secret_until"]
    assert rotated["secret"] not in writer.get("/v1/webhooks").text
    assert writer.delete(f"/v1/webhooks/{made['id']}").json() == {"deleted": 1}
    assert writer.delete(f"/v1/webhooks/{made['id']}").status_code == 404
    assert writer.get("/v1/webhooks").json() == {"items": []}


def test_a_bot_of_a_chat_is_told_in_its_form(writer, receiver):
    url, received = receiver
    made = writer.post("/v1/webhooks", json={"url": url, "format": "slack", "language": "zh", "filter": {"channel": ["chat"]}}).json()
    assert (made["format"], made["language"], made["filter"], made["secret"]) == ("slack", "zh", {"channel": ["chat"]}, None)
    answer = writer.post("/v1/webhooks", json={"url": url, "filter": {"touchpoint": ["delivry"]}})
    assert answer.status_code == 422 and "did you mean 'delivery'?" in answer.json()["detail"]
    assert writer.post(f"/v1/webhooks/{made['id']}/test").json()["delivered"]
    assert json.loads(received[0][1])["text"] == "测试消息"
    assert writer.post(f"/v1/webhooks/{made['id']}/rotate").status_code == 422
    assert writer.delete(f"/v1/webhooks/{made['id']}").status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {"url": "ftp://example.com"},
        {"url": "http://169.254.169.254/"},
        {"url": "http://127.0.0.1/", "events": ["moon.*"]},
        {"url": "mailto:a@b.example"},
        {},
    ],
)
def test_a_webhook_that_cannot_be_called_is_a_422(writer, body):
    assert writer.post("/v1/webhooks", json=body).status_code == 422


def test_a_private_address_needs_the_setting(client, receiver):
    answer = client.post("/v1/webhooks", json={"url": receiver[0]})
    assert answer.status_code == 422
    assert "CXNLP_WEBHOOK_ALLOW_PRIVATE" in json.loads(answer.text)["detail"]
