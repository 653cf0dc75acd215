"""How long the questions of a dashboard take in the columns of a serving process, beside the same groups in DuckDB, where it is installed.

    nice python -m benchmarks.dashboards [--records 1000000] [--rounds 20]

The columns are made up: two years of records, six channels, 30 touchpoints, 20 causes, 120 topics, 1.5 observations a record on average, skewed as
such values are. A question is what the service does for it, without HTTP and JSON: filter, counts, totals, intervals; on one thread that waits for
nothing, so CPU time is what it takes on an idle machine. DuckDB gets the same columns, texts as numbers, and one thread; it only counts and averages.
"""

import argparse
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from benchmarks.figures import Figure, describe_machine, to_table
from cxnlp.filters import Filter
from cxnlp.index import IndexView
from cxnlp.index.clauses import ClauseCodes
from cxnlp.index.columns import CODED, Columns
from cxnlp.index.flat import restore_columns
from cxnlp.index.hashed import hash_of
from cxnlp.index.vectors import Vectors
from cxnlp.index.view import Parts
from cxnlp.service import BreakdownQuestion, Figures, SeriesQuestion

END: Final = datetime(2026, 10, 1, tzinfo=UTC).timestamp()
LIMIT_MS: Final = 100
_LAST: Final = datetime.fromtimestamp(END, UTC).date() - timedelta(1)
_EVER: Final = _LAST - timedelta(729)
_YEARS: Final = 2
_YEAR_SECONDS: Final = 365 * 86_400
_SIZES: Final = {"source": 3, "channel": 6, "language": 3, "label": 3, "intent": 5, "segment": 4, "topic": 120}
_REGIONS: Final = 30


QUESTIONS: Final[dict[str, SeriesQuestion | BreakdownQuestion]] = {
    "negative share by channel, 90 days": SeriesQuestion("channel", ("negative_share",), since=_LAST - timedelta(89), until=_LAST),
    "touchpoint by cause, volume and sentiment, 2 years": BreakdownQuestion(("touchpoint", "cause"), ("volume", "sentiment"), _EVER, _LAST),
    "volume by topic, 24 months": SeriesQuestion("topic", bucket="month", since=_EVER, until=_LAST, limit=50),
    "NPS by region of one channel, 2 years": BreakdownQuestion(("attributes.region",), ("nps",), _EVER, _LAST, filter=Filter(channel=("channel-1",))),
    "sentiment by touchpoint, 12 weeks, beside the year before": SeriesQuestion(
        "touchpoint", ("sentiment",), bucket="week", since=_LAST - timedelta(83), until=_LAST, compare="year", limit=30
    ),
}
_SINCE_90, _SINCE_EVER = END - 90 * 86_400, END - 730 * 86_400
_SQL: Final = {
    "negative share by channel, 90 days": f"""
        select channel, created_at // 86400 as day, count(*), count(*) filter (sentiment <= -0.25) from records
        where created_at >= {_SINCE_90} group by all""",
    "touchpoint by cause, volume and sentiment, 2 years": f"""
        select touchpoint, cause, count(*), avg(feeling), var_samp(feeling) from (
            select row, touchpoint, cause, avg(feeling) as feeling from observations join records using (row)
            where cause >= 0 and created_at >= {_SINCE_EVER} group by all) group by all""",
    "volume by topic, 24 months": f"""
        select topic, date_trunc('month', make_timestamp((created_at * 1000000)::bigint)) as month, count(*) from records
        where created_at >= {_SINCE_EVER} group by all""",
    "NPS by region of one channel, 2 years": f"""
        select region, count(*) filter (rating >= 0.8), count(*) filter (rating <= 0.2), count(*) from records
        where channel = 1 and scale = 1 and created_at >= {_SINCE_EVER} group by all""",
}


class Times(NamedTuple):
    """Milliseconds of a question: CPU, median and 95th percentile, and the same by the clock."""

    cpu: float
    cpu_high: float
    wall: float
    wall_high: float


def measure_dashboards(*, quick: bool, n: int = 1_000_000, rounds: int = 20) -> list[Figure]:
    """Return CPU milliseconds of each question."""
    n, rounds = (5_000, 3) if quick else (n, rounds)
    columns = make_columns(n)
    parts = Parts(columns, Vectors(8), ClauseCodes(8))
    peer = _duckdb(columns) if find_spec("duckdb") else None
    figures = []
    for name, question in QUESTIONS.items():
        times = _time(lambda question=question: _ask(parts, question), rounds, time.thread_time)  # type: ignore[misc]
        beside = f"by the clock {times.wall:.0f}, p95 {times.wall_high:.0f} ms; p95 of CPU {times.cpu_high:.0f} ms"
        if peer is not None and name in _SQL:
            theirs = _time(lambda name=name: peer.execute(_SQL[name]).fetchall(), rounds, time.process_time)  # type: ignore[misc]
            beside += f"; DuckDB {theirs.cpu:.0f}, by the clock {theirs.wall:.0f} ms"
        figures.append(Figure("dashboards", f"{name}, {n:,} records, CPU", times.cpu, "ms", beside, f"< {LIMIT_MS} ms", times.cpu < LIMIT_MS))
    return figures


def _ask(parts: Parts, question: SeriesQuestion | BreakdownQuestion) -> Any:
    view = IndexView(8, (1.0, 0.0), parts=parts)  # a new one each time, since it keeps what passed the last filters
    figures = Figures(lambda: view, ZoneInfo("Asia/Shanghai"), lambda: None)  # type: ignore[arg-type, return-value]
    return figures.series(question) if isinstance(question, SeriesQuestion) else figures.breakdown(question)


def _time(work: Callable[[], Any], rounds: int, cpu_seconds: Callable[[], float]) -> Times:
    work()
    laps = []
    for _ in range(rounds):
        wall, cpu = time.perf_counter(), cpu_seconds()
        work()
        laps.append((cpu_seconds() - cpu, time.perf_counter() - wall))
    cpu_ms, wall_ms = 1e3 * np.array(laps).T
    return Times(*(float(np.quantile(lap, at)) for lap in (cpu_ms, wall_ms) for at in (0.5, 0.95)))


def _duckdb(columns: Columns) -> Any:
    import duckdb  # type: ignore[import-not-found]
    import pyarrow as pa

    n = columns.live.n
    region = columns.attributes.coded(n, "region")[0]
    of = {name: columns.choices[name].codes.upto(n) for name in ("channel", "topic")}  # type: ignore[union-attr]
    of |= {name: columns.numbers[name].upto(n) for name in ("created_at", "sentiment", "rating")}
    records = pa.table({"row": np.arange(n, dtype=np.int32), **of, "region": region, "scale": columns.scales.codes.upto(n)})
    rows = columns.observations.rows(n)
    touchpoint, _, cause = (place.upto(len(rows)) for place in columns.observations.places)
    feeling = columns.feelings.upto(len(rows)) / 10_000
    observations = pa.table({"row": rows, "touchpoint": touchpoint, "cause": cause, "feeling": feeling})
    connection = duckdb.connect(config={"threads": 1})
    for name, table in (("records", records), ("observations", observations)):
        connection.register("given", table)
        connection.execute(f"create table {name} as from given")
        connection.unregister("given")
    return connection


def make_columns(n: int, seed: int = 0) -> Columns:
    """Return the columns of n made-up records."""
    random = np.random.default_rng(seed)
    texts: dict[str, Any] = {name: [f"{name}-{i}" for i in range(_SIZES[name])] for name in CODED}
    texts["intent"][0] = "complaint"
    arrays: dict[str, npt.NDArray[Any]] = {name: _skewed(random, _SIZES[name], n) for name in CODED}
    arrays |= {"customer": random.integers(1, 1 << 40, n), "seqs": np.arange(1, n + 1), "copy_keys": np.zeros(n, np.int64)}
    texts["customer"] = None
    arrays |= {"high": np.arange(n, dtype=np.uint64), "low": np.zeros(n, np.uint16)}
    arrays |= {name: np.round(random.uniform(-1, 1, n), 4).astype(np.float32) for name in ("sentiment", "confidence", "satisfaction")}
    arrays["created_at"] = arrays["received_at"] = END - np.sort(random.uniform(0, _YEARS * _YEAR_SECONDS, n))[::-1]
    texts["scale"], arrays["scale"] = ["csat", "nps"], _skewed(random, 3, n) - np.int16(1)
    arrays["rating"] = np.where(arrays["scale"] < 0, np.nan, random.integers(-4, 5, n) / 4).astype(np.float32)
    of = np.repeat(np.arange(n, dtype=np.int32), random.choice(4, n, p=[0.15, 0.4, 0.25, 0.2]))
    arrays |= {"observations_rows": of, "feelings": random.integers(-10_000, 10_001, len(of)).astype(np.int16)}
    for i, (name, size) in enumerate((("touchpoint", 30), ("stage", 6), ("cause", 20))):
        arrays[f"observations_{i}"] = _skewed(random, size, len(of)) if i != 1 else arrays["observations_0"] // 5
        texts[f"observations_{i}"] = [f"{name}-{j}" for j in range(size)]
    arrays["observations_2"][arrays["feelings"] > 0] = -1
    arrays["risks_rows"] = np.flatnonzero(random.random(n) < 0.05).astype(np.int32)
    arrays["risks_0"], texts["risks_0"] = _skewed(random, 5, len(arrays["risks_rows"])), [f"risk-{i}" for i in range(5)]
    return restore_columns(arrays | _attributes(random, n), texts | {"attributes_0": ["region"], "attributes": {"region": _regions()}})


def _skewed(random: np.random.Generator, size: int, n: int) -> npt.NDArray[np.int16]:
    """Return n codes below `size`, of which each next one is rarer."""
    shares = 1 / np.arange(1, size + 1)
    return random.choice(size, n, p=shares / shares.sum()).astype(np.int16)


def _regions() -> list[str]:
    return [f"region-{i}" for i in range(_REGIONS)]


def _attributes(random: np.random.Generator, n: int) -> dict[str, npt.NDArray[Any]]:
    hashes = np.array([hash_of(region) for region in _regions()], np.int64)
    values = hashes[_skewed(random, _REGIONS, n)]
    return {"attributes_rows": np.arange(n, dtype=np.int32), "attributes_0": np.zeros(n, np.int16), "attributes_values": values}


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, prog="python -m benchmarks.dashboards"
    )
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=20)
    arguments = parser.parse_args()
    figures = measure_dashboards(quick=False, n=arguments.records, rounds=arguments.rounds)
    print(f"{describe_machine()}\n\n{to_table(figures)}")


if __name__ == "__main__":
    main()
