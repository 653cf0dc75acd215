"""A service with 100,000 records: what it holds in memory, and how fast it answers eight clients."""

import http.client
import random
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import orjson

from benchmarks.figures import Figure, median, shown
from benchmarks.filled import fill_store
from benchmarks.server import Server, serve
from benchmarks.texts import sample_texts
from cxnlp.bootstrap import Service
from cxnlp.encoder import Document, encode
from cxnlp.settings import Settings
from cxnlp.text.language import detect

_N_CLIENTS = 8
_QUERY_CHARACTERS = 24
_MOST_MILLISECONDS = 50.0
_MOST_MEGABYTES = 1_200.0
_FILTERS: dict[str, dict[str, Any]] = {
    "no filter": {},
    "channel and sentiment": {"channel": ["ticket", "chat"], "sentiment": {"lte": -0.3}},
    "touchpoint and cause": {"touchpoint": ["delivery"], "cause": ["slow"]},
}
Request = tuple[str, str, bytes | None]
_faiss: Any = faiss


def measure_serving(*, quick: bool, names: Sequence[str] = ("latency", "memory"), home: Path | None = None) -> list[Figure]:
    """Return resident memory and latencies.

    Args:
        quick: Few records and requests.
        names: `latency`, `memory` or both.
        home: A data folder to keep and use again; a temporary one by default.
    """
    n = 400 if quick else 100_000
    with _folder(home) as folder:
        fill_store(folder, n, 40 if quick else 10_000)
        figures = []
        with serve(folder) as server:
            server.wait_for("indexed", n)
            if "latency" in names:
                figures += _latencies(server, folder, 5 if quick else 60)
            if "memory" in names:
                figures += _memory(server, n)
        return figures


@contextmanager
def _folder(home: Path | None) -> Iterator[Path]:
    if home:
        yield home
    else:
        with tempfile.TemporaryDirectory() as scratch:
            yield Path(scratch)


def _memory(server: Server, n: int) -> list[Figure]:
    """Measure after searches and after the worker has analysed something, so that both have loaded all they need."""
    _ask(server.connect(), ("POST", "/v1/search", orjson.dumps({"text": "快递太慢"})))
    known = server.get("/v1/status")["analyzed"]
    items = [{"source": "memory", "external_id": f"{time.time_ns()}-{i}", "text": text} for i, text in enumerate(sample_texts()[:200])]
    _ask(server.connect(), ("POST", "/v1/feedback", orjson.dumps({"items": items})))
    server.wait_for("analyzed", known + len(items))
    parts = server.resident()
    vectors = n * 384 * 4 / 2**20
    beside = f"{len(parts)} processes: {', '.join(f'{size:.0f}' for size in parts.values())} MB; {n:,} float32 document vectors are {vectors:.0f} MB"
    whole = sum(parts.values())
    return [Figure("memory", f"service with {n:,} records, resident", whole, "MB", beside, "< 1,200 MB", whole < _MOST_MEGABYTES)]


def _latencies(server: Server, folder: Path, n_each: int) -> list[Figure]:
    texts = [text for text in sample_texts() if detect(text) in ("zh", "en", "mixed")]  # questions in a third language are refused
    with sqlite3.connect(folder / "cxnlp.db") as connection:
        ids = [row[0] for row in connection.execute("SELECT id FROM feedback ORDER BY random() LIMIT 2000")]
    figures = []
    chosen = random.Random(3)
    limits = _limits(folder, [_query(chosen, texts) for _ in range(8 * _N_CLIENTS)], ids)

    def one_of(kind: str, filter: dict[str, Any]) -> Request:
        if kind == "GET record":
            return "GET", f"/v1/feedback/{chosen.choice(ids)}", None
        if kind == "search":
            return "POST", "/v1/search", orjson.dumps({"text": _query(chosen, texts), "k": 10, "filter": filter})
        return "POST", "/v1/similar", orjson.dumps({"id": chosen.choice(ids), "k": 10, "filter": filter})

    for kind in ("GET record", "search", "similar"):
        for name, filter in _FILTERS.items() if kind != "GET record" else [("", {})]:
            requests = [[one_of(kind, filter) for _ in range(n_each)] for _ in range(_N_CLIENTS)]
            _clients(server, [row[:3] for row in requests])
            seconds, elapsed = _clients(server, requests)
            p50, p95 = (1e3 * float(np.percentile(seconds, p)) for p in (50, 95))
            figures.append(
                Figure(
                    "latency",
                    f"{kind}{', ' + name if name else ''}, p95 of {len(seconds)} from {_N_CLIENTS} clients",
                    p95,
                    "ms",
                    f"p50 {shown(p50)} ms, {len(seconds) / elapsed:.0f}/s; {limits[kind]}",
                    "< 50 ms",
                    p95 < _MOST_MILLISECONDS,
                )
            )
    return figures


def _query(chosen: random.Random, texts: Sequence[str]) -> str:
    """Return a part of a text, so that hardly two queries are alike and nothing can be kept from one to the next."""
    text = chosen.choice(texts)
    start = chosen.randrange(max(1, len(text) - _QUERY_CHARACTERS))
    return text[start : start + _QUERY_CHARACTERS].strip() or text


def _clients(server: Server, requests: list[list[Request]]) -> tuple[list[float], float]:
    """Let one thread for each list send its requests one after the other; return all latencies and the whole time, in seconds."""
    seconds: list[list[float]] = [[] for _ in requests]
    errors: list[BaseException] = []

    def client(number: int) -> None:
        connection = server.connect()
        try:
            for request in requests[number]:
                before = time.perf_counter()
                _ask(connection, request)
                seconds[number].append(time.perf_counter() - before)
        except BaseException as error:
            errors.append(error)
        connection.close()

    threads = [threading.Thread(target=client, args=(number,)) for number in range(len(requests))]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return [s for part in seconds for s in part], time.perf_counter() - start


def _ask(connection: http.client.HTTPConnection, request: Request) -> bytes:
    method, path, body = request
    connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
    answer = connection.getresponse()
    content = answer.read()
    if answer.status != http.HTTPStatus.OK:
        raise RuntimeError(f"{method} {path} answered {answer.status}: {content[:300]!r}")
    return content


def _limits(folder: Path, texts: Sequence[str], ids: Sequence[str]) -> dict[str, str]:
    """Return what the parts take by themselves in this process, one question at a time; the server is idle then."""
    service = Service(Settings(home=folder))
    documents = [Document(text) for text in texts]
    encode(service.encoder, documents[:8])
    alone = _milliseconds([lambda d=d: encode(service.encoder, [d]) for d in documents])  # type: ignore[misc]
    groups = [documents[i : i + _N_CLIENTS] for i in range(0, len(documents), _N_CLIENTS)]
    together = _milliseconds([lambda g=g: encode(service.encoder, g) for g in groups])  # type: ignore[misc]
    flat = faiss.IndexFlatIP(service.encoder.dim)
    after = 0
    while entries := service.store.vectors.entries(after, 2_000):
        flat.add(np.stack([entry.document for entry in entries]))
        after = entries[-1].seq
    queries = [encode(service.encoder, [d])[0].document[None] for d in documents[:32]]
    _faiss.omp_set_num_threads(1)
    scan = _milliseconds([lambda q=q: flat.search(q, 10) for q in queries])  # type: ignore[misc]
    reading = _milliseconds([lambda i=i: service.store.feedback.get(i) for i in ids[:200]])  # type: ignore[misc]
    service.store.close()
    flat_scan = f"FAISS flat scan {shown(scan)} ms"
    return {
        "GET record": f"reading it from the store alone {shown(reading)} ms",
        "search": f"encoder alone {shown(alone)} ms for {_QUERY_CHARACTERS} characters, {shown(together)} ms for {_N_CLIENTS} at once; {flat_scan}",
        "similar": flat_scan,
    }


def _milliseconds(calls: Sequence[Callable[[], object]]) -> float:
    seconds = []
    for call in calls:
        before = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - before)
    return 1e3 * median(seconds)
