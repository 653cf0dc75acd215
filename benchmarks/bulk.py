"""`POST /v1/feedback/bulk` until the last acknowledgement, beside sqlite3 that inserts the same rows with the same guarantee."""

import http.client
import sqlite3
import tempfile
import threading
import time
from pathlib import Path

import orjson

from benchmarks.figures import Figure, shown
from benchmarks.server import Server, serve
from benchmarks.texts import sample_rows
from cxnlp.service.intake import ROWS_A_TRANSACTION

_TARGET = 2_000


def measure_bulk(*, quick: bool) -> list[Figure]:
    """Return acknowledged records/s on SQLite with synchronous=FULL, enrichment paused."""
    n = 1_000 if quick else 20_000
    known = sample_rows()
    rows = [known[i % len(known)] | {"external_id": f"b-{i}"} for i in range(n)]
    body = b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)
    with tempfile.TemporaryDirectory() as scratch:
        with serve(Path(scratch) / "home", "--no-worker") as server:
            _send(server, body.splitlines(keepends=True)[0])
            start = time.perf_counter()
            summary = _send(server, body)
            rate = n / (time.perf_counter() - start)
        raw = n / _insert_raw(Path(scratch) / "raw.db", rows)
    if summary["accepted"] + summary["duplicate"] != n:
        raise RuntimeError(f"not all were accepted: {summary}")
    beside = f"sqlite3 alone, the same rows in transactions of {ROWS_A_TRANSACTION}: {shown(raw)}/s"
    return [Figure("bulk", f"{n:,} records acknowledged, {len(body) / n:.0f} bytes each", rate, "records/s", beside, ">= 2,000/s", rate >= _TARGET)]


def _send(server: Server, body: bytes) -> dict[str, int]:
    """Send lines and read the answers beside, as both stream; return the summary."""
    connection = server.connect()
    connection.putrequest("POST", "/v1/feedback/bulk")
    connection.putheader("Content-Type", "application/x-ndjson")
    connection.putheader("Content-Length", str(len(body)))
    connection.endheaders()
    sender = threading.Thread(target=connection.send, args=(body,))
    sender.start()
    answer = connection.getresponse()
    lines = answer.read().splitlines()
    sender.join()
    connection.close()
    if answer.status != http.HTTPStatus.OK:
        raise RuntimeError(f"bulk answered {answer.status}: {lines[:1]}")
    summary: dict[str, int] = orjson.loads(lines[-1])["summary"]
    return summary


def _insert_raw(path: Path, rows: list[dict[str, object]]) -> float:
    """Return the seconds that sqlite3 takes to insert the rows as they are, durably, under a unique key."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE feedback (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE, line TEXT)")
    values = [(f"{row['source']}/{row['external_id']}", orjson.dumps(row).decode()) for row in rows]
    start = time.perf_counter()
    for first in range(0, len(values), ROWS_A_TRANSACTION):
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO feedback (id, line) VALUES (?, ?)", values[first : first + ROWS_A_TRANSACTION])
        connection.execute("COMMIT")
    seconds = time.perf_counter() - start
    connection.close()
    return seconds
