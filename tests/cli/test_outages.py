"""What reaches a receiver while it fails, dies and dawdles, and the processes that tell it are killed."""

import http.server
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict, namedtuple
from itertools import pairwise

import httpx
import pytest
from sqlalchemy import text
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from cxnlp.store import open_store

DEADLINE = 3600
DOWN_SECONDS = 1.0
# Shorter waits between attempts, so that the test ends: what is tested is what is told, and in which order, not when.
LAUNCH = """
import sys
import cxnlp.feeds.webhooks
from cxnlp.cli import app
cxnlp.feeds.webhooks._DELAYS_SECONDS = (0.05, 0.1, 0.2, 0.5) + (1.0,) * 500
app(sys.argv[1:])
"""
NOTHING_WAITS = text(
    "SELECT (SELECT max(seq) FROM events) = (SELECT min(position) FROM cursors WHERE name IN ('flags', 'webhooks'))"
    " AND NOT EXISTS (SELECT 1 FROM deliveries WHERE status = 'pending') AND NOT EXISTS (SELECT 1 FROM pending)"
)


Call = namedtuple("Call", "content id ending is_genuine")


def _is_genuine(secret, content, headers):
    try:
        return bool(Webhook(secret).verify(content, headers))
    except WebhookVerificationError:
        return False


class Receiver:
    """Refuses, or cuts off without an answer, a third of the calls, dawdles now and then, and can die and come back under its address."""

    def __init__(self, seed):
        self.calls = []
        self.secret = ""
        self._chance = random.Random(seed)
        self._lock = threading.Lock()
        self._server = None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}/in"

    def start(self):
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                receiver.take(self)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def die(self):
        server, self._server = self._server, None
        server.shutdown()
        server.server_close()

    def take(self, call):
        content = call.rfile.read(int(call.headers["content-length"]))
        headers = {name.lower(): value for name, value in call.headers.items()}
        is_genuine = _is_genuine(self.secret, content, headers)
        with self._lock:
            ending = self._chance.choice((204, 204, 204, 204, 500, None)) if self._server else None
            dawdles = self._chance.random() < 0.01
            self.calls.append(Call(content, headers["webhook-id"], ending, is_genuine))
        if dawdles:
            time.sleep(0.3)
        if ending is None:  # it has the message, and dies before it says so
            call.close_connection = True
            return
        call.send_response(ending)
        call.send_header("content-length", "0")
        call.end_headers()


class Processes:
    """`cxnlp serve` and `cxnlp worker`, which are killed and started again."""

    def __init__(self, home, port):
        self._environment = {k: v for k, v in os.environ.items() if not k.startswith("CXNLP_")}
        self._environment |= {"CXNLP_HOME": str(home), "CXNLP_WEBHOOK_ALLOW_PRIVATE": "true", "CXNLP_LOG_LEVEL": "error"}
        self._commands = {"service": ["serve", "--no-worker", "--port", str(port)], "worker": ["worker"]}
        self.running = {}

    def start(self, name):
        command = [sys.executable, "-c", LAUNCH, *self._commands[name]]
        self.running[name] = subprocess.Popen(command, env=self._environment, stdout=subprocess.DEVNULL, start_new_session=True)

    def kill(self, name):
        os.killpg(self.running[name].pid, signal.SIGKILL)
        self.running[name].wait()

    def close(self):
        for name in self.running:
            self.kill(name)


def await_answer(ask):
    """Return what `ask` returns once the service is there."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        try:
            return ask()
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("no answer")


def post_all(url, n_records, n_rounds):
    """Send each record so often, with other words each time; what was not acknowledged is sent again."""
    for number in range(n_rounds):
        rows = [json.dumps({"external_id": str(i), "text": f"快递太慢了，等了{number + 2}天"}, ensure_ascii=False) for i in range(n_records)]
        answer = await_answer(lambda rows=rows: httpx.post(f"{url}/v1/feedback/bulk", content="\n".join(rows).encode(), timeout=600, trust_env=False))
        counts = json.loads(answer.text.splitlines()[-1])["summary"]
        assert counts["rejected"] == 0 and sum(counts.values()) == n_records, counts


def give_back_leases(store):
    """Let others go on at once with what a killed worker had in hand, which they may after ten seconds anyway."""
    with store.database.write() as connection:
        connection.execute(text("UPDATE cursors SET leased_until = 0"))
        connection.execute(text("UPDATE deliveries SET leased_until = 0 WHERE leased_until IS NOT NULL"))
        connection.execute(text("UPDATE pending SET leased_until = 0 WHERE leased_until IS NOT NULL"))


def make_trouble(chance, n_expected, n_kills, processes, receiver, store, *, is_impatient):
    """Kill both processes so often and the receiver twice, in a random order, each as soon as a random number of calls has come.

    Who is impatient does not wait until the leases of a killed worker end.
    """
    victims = ["worker", "service"] * n_kills + ["receiver"] * 2
    chance.shuffle(victims)
    moments = sorted(int(n_expected * chance.uniform(0.05, 0.9)) for _ in victims)
    for moment, victim in zip(moments, victims, strict=True):
        await_state(lambda moment=moment: len(receiver.calls) >= moment)
        if victim == "receiver":
            receiver.die()
            time.sleep(DOWN_SECONDS)
            receiver.start()
        else:
            processes.kill(victim)
            if is_impatient:
                give_back_leases(store)
            processes.start(victim)


def await_state(holds):
    end = time.monotonic() + DEADLINE
    while not holds():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.05)


def is_done(store):
    with store.database.read() as connection:
        return bool(connection.execute(NOTHING_WAITS).scalar())


def check_calls(calls, events):
    """Nothing is lost or made up, nothing comes out of order about a record, and whatever comes again bears the same id."""
    seqs_of_record = defaultdict(list)
    ids_of_seq = defaultdict(set)
    accepted = set()
    for call in calls:
        data = json.loads(call.content)["data"]
        seqs_of_record[data["record"]["id"]].append(data["seq"])
        ids_of_seq[data["seq"]].add(call.id)
        if call.ending == 204:
            accepted.add(data["seq"])
    assert all(call.is_genuine for call in calls)
    assert accepted == {event.seq for event in events}
    assert [seq for seq, ids in ids_of_seq.items() if len(ids) > 1] == []
    assert len({next(iter(ids)) for ids in ids_of_seq.values()}) == len(ids_of_seq)
    assert [record for record, seqs in seqs_of_record.items() if any(after < before for before, after in pairwise(seqs))] == []


def figures_of(calls, events, seconds):
    """Return in words what came; `pytest -rP` shows it."""
    times = Counter(call.id for call in calls)
    taken = Counter(call.id for call in calls if call.ending == 204)
    told_again = sum(n > 1 for n in taken.values())
    return (
        f"{len(events)} events ({dict(Counter(event.type for event in events))}), {len(calls)} calls in {seconds:.0f} s: "
        f"{sum(call.ending != 204 for call in calls)} refused or cut off, {sum(n > 1 for n in times.values())} events told more than once, "
        f"{told_again} of them after they had been taken"
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n_records", "n_rounds", "n_kills", "is_impatient"),
    [pytest.param(100, 20, 2, True, id="2,000"), pytest.param(1_000, 100, 10, False, id="100,000", marks=pytest.mark.long)],
)
def test_a_failing_receiver_misses_nothing_while_everything_is_killed(tmp_path, n_records, n_rounds, n_kills, is_impatient):
    chance, begun = random.Random(20261122), time.monotonic()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    receiver, processes = Receiver(chance.random()), Processes(tmp_path, port)
    store = open_store(f"sqlite:///{tmp_path}/cxnlp.db")
    receiver.start()
    processes.start("service")
    try:
        wanted = {"url": receiver.url, "events": ["record.*", "flag.*"]}
        webhook = await_answer(lambda: httpx.post(f"{url}/v1/webhooks", json=wanted, timeout=60, trust_env=False)).json()
        receiver.secret = webhook["secret"]
        processes.start("worker")
        failures = []
        poster = threading.Thread(target=_noting(failures, post_all), args=(url, n_records, n_rounds))
        poster.start()
        make_trouble(chance, n_records * n_rounds, n_kills, processes, receiver, store, is_impatient=is_impatient)
        poster.join(DEADLINE)
        assert failures == [] and not poster.is_alive()
        await_state(lambda: is_done(store))
        seconds = time.monotonic() - begun
    finally:
        processes.close()
    wanted_types = ("record.received", "record.updated", "record.analyzed", "record.deleted")
    events = [event for event in store.events.read(0, 10**9) if event.type in wanted_types or event.type.startswith("flag.")]
    n_events = Counter(event.type for event in events)
    assert n_events["record.updated"] == n_records * (n_rounds - 1)
    assert n_events["record.analyzed"] >= n_records <= n_events["flag.raised"]
    assert {row.status for row in store.deliveries.list(webhook["id"], limit=10**9)} == {"delivered"}
    check_calls(list(receiver.calls), events)
    sys.stdout.write(figures_of(receiver.calls, events, seconds))
    receiver.die()
    store.close()


def _noting(failures, work):
    def run(*args):
        try:
            work(*args)
        except BaseException as error:
            failures.append(error)

    return run
