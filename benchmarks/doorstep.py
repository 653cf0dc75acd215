"""From POST to the flag on the webhook's doorstep: a service that receives so many records a second, and a receiver that notes when it is called."""

import http.server
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import orjson

from benchmarks.figures import Figure, shown
from benchmarks.server import Server, serve
from benchmarks.texts import sample_texts

_RECORDS_A_SECOND = 50
_MOST_SECONDS = 2.0
_WAITING_SECONDS = 600.0
_LAST = "last"
_SURE = "太差了，客服态度恶劣，假货，骗子公司，我要投诉到消协！"


def measure_doorstep(*, quick: bool) -> list[Figure]:
    """Return how long flags took, of records that arrive evenly; those that raise none are analysed all the same."""
    n = 10 if quick else 1_500
    with tempfile.TemporaryDirectory() as scratch, _receiving() as receiver:
        with serve(Path(scratch), settings={"CXNLP_WEBHOOK_ALLOW_PRIVATE": "true"}) as server:
            _warm_up(server, receiver)
            sent_at = _send(server, n)
            receiver.await_flag(_LAST)
        seconds = [receiver.came_at[key] - at for key, at in sent_at.items() if key in receiver.came_at]
    elapsed = max(sent_at.values()) - min(sent_at.values())
    p50, p95 = (float(np.percentile(seconds, p)) for p in (50, 95))
    beside = (
        f"p50 {shown(p50)} s, slowest {shown(max(seconds))} s; {len(sent_at) / elapsed:.0f} records/s were sent, {len(seconds)} of {n} raised a flag"
    )
    name = f"POST to the flag at the webhook, {_RECORDS_A_SECOND} records/s, p95"
    return [Figure("doorstep", name, p95, "s", beside, f"< {_MOST_SECONDS:g} s", p95 < _MOST_SECONDS)]


class _Receiver(http.server.ThreadingHTTPServer):
    """Notes when the first flag of each record came, by its id in the source."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.came_at: dict[str, float] = {}

    def await_flag(self, key: str) -> None:
        """Return when the flag of a record has come."""
        end = time.monotonic() + _WAITING_SECONDS
        while key not in self.came_at:
            if time.monotonic() > end:
                raise RuntimeError(f"no flag of the record {key!r} has come")
            time.sleep(0.01)


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Receiver

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["content-length"]))
        came_at = time.monotonic()
        self.send_response(http.HTTPStatus.NO_CONTENT)
        self.end_headers()
        self.server.came_at.setdefault(orjson.loads(content)["data"]["record"]["external_id"], came_at)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def _receiving() -> Iterator[_Receiver]:
    receiver = _Receiver()
    threading.Thread(target=receiver.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield receiver
    finally:
        receiver.shutdown()
        receiver.server_close()


def _warm_up(server: Server, receiver: _Receiver) -> None:
    """Subscribe, and wait until the worker has loaded all it needs."""
    _post(server, "/v1/webhooks", {"url": f"http://127.0.0.1:{receiver.server_port}/", "events": ["flag.raised"]})
    _post(server, "/v1/feedback", _record("first", _SURE))
    receiver.await_flag("first")


def _send(server: Server, n: int) -> dict[str, float]:
    """Send records evenly, the last one sure to raise a flag; return when each was sent."""
    texts = sample_texts()
    sent_at: dict[str, float] = {}
    connection = server.connect()
    start = time.monotonic()
    for number in range(n):
        key, text = (_LAST, _SURE) if number == n - 1 else (str(number), texts[number % len(texts)])
        time.sleep(max(0.0, start + number / _RECORDS_A_SECOND - time.monotonic()))
        sent_at[key] = time.monotonic()
        connection.request("POST", "/v1/feedback", orjson.dumps(_record(key, text)), {"Content-Type": "application/json"})
        connection.getresponse().read()
    connection.close()
    return sent_at


def _record(key: str, text: str) -> dict[str, str]:
    return {"source": "doorstep", "external_id": key, "text": text}


def _post(server: Server, path: str, body: object) -> None:
    connection = server.connect()
    connection.request("POST", path, orjson.dumps(body), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    if answer.status != http.HTTPStatus.OK:
        raise RuntimeError(f"{path} answered {answer.status}: {content[:200]!r}")
