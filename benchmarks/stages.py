"""Where the time of the pipeline goes: the same records through each stage by itself, CPU time of the thread that runs it."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import orjson

from benchmarks.figures import Figure, median
from benchmarks.texts import text_sets
from cxnlp.bootstrap import Service
from cxnlp.encoder import Encoded, States
from cxnlp.encoder.pooling import _Sums
from cxnlp.heads import Passage
from cxnlp.ingest.loading import Loaded, load
from cxnlp.ingest.readers import read
from cxnlp.ingest.rows import ReadOptions
from cxnlp.lines import to_line
from cxnlp.pipeline import RECORDS_A_BATCH, prepare
from cxnlp.records import Analysis, Record
from cxnlp.settings import Settings
from cxnlp.text.clauses import split
from cxnlp.text.cleaning import clean
from cxnlp.text.language import detect

Result = TypeVar("Result")


class _Laps:
    """Seconds of CPU by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def time(self, name: str, work: Callable[[], Result]) -> Result:
        before = time.thread_time()
        done = work()
        self.seconds[name] = time.thread_time() - before
        return done


def measure_stages(*, quick: bool) -> list[Figure]:
    """Return milliseconds a record by stage, and the share of each in the whole."""
    rounds: list[dict[str, float]] = []
    texts = text_sets(quick=quick, names=("mixed reviews",))[0]
    n = min(len(texts.texts), 400)
    with tempfile.TemporaryDirectory() as scratch:
        service = Service(Settings(home=Path(scratch) / "home"))
        source = type(texts)(texts.name, texts.texts[:n]).write(Path(scratch) / "in.jsonl")
        _walk(service, source, _Laps())
        for _ in range(1 if quick else 3):
            laps = _Laps()
            _walk(service, source, laps)
            rounds.append(laps.seconds)
    cost = {name: 1e3 * median([seconds[name] for seconds in rounds]) / n for name in rounds[0]}
    whole = sum(cost.values())
    figures = [Figure("stages", name, value, "ms/record", f"{value / whole:.1%} of the whole") for name, value in cost.items()]
    share = cost["mask (privacy)"] / whole
    rest = whole - cost["encode (all cores, by the clock)"]
    figures.append(
        Figure("stages", "all but the encoder", rest, "ms/record", f"{rest / whole:.1%} of the whole; one core, while the encoder has all")
    )
    figures.append(Figure("stages", "share of privacy", 100 * share, "%", f"whole {whole:.1f} ms/record", "<= 10 %", share <= 0.1))
    return figures


def _walk(service: Service, source: Path, laps: _Laps) -> list[bytes]:
    defaults = service.storeless_intake.begin()
    rows = laps.time("read, validate", lambda: [row for row in load(read(source, ReadOptions()), defaults) if isinstance(row, Loaded)])
    items = laps.time("mask (privacy)", lambda: [service.storeless_intake.mask(row.feedback) for row in rows])
    cleaned = laps.time("clean", lambda: [clean(item.text) for item in items])
    laps.time("split into clauses", lambda: [split(one.text) for one in cleaned])
    laps.time("detect the language", lambda: [detect(one.text) for one in cleaned])
    prepared = [prepare(item) for item in items]
    before = time.perf_counter()
    windows = list(service.encoder.states([p.document.text for p in prepared]))
    laps.seconds["encode (all cores, by the clock)"] = time.perf_counter() - before
    encoded = laps.time("pool", lambda: _pool([_Sums(p.document, service.encoder.dim) for p in prepared], windows))
    passages = [Passage(i, p.language, e.document, e.clauses, p.spans) for i, p, e in zip(items, prepared, encoded, strict=True)]
    analyses = laps.time("heads", lambda: _read_heads(service, passages))
    return laps.time("write", lambda: [orjson.dumps(to_line(Record(i, a))) for i, a in zip(items, analyses, strict=True)])


def _pool(sums: list[_Sums], windows: list[States]) -> list[Encoded]:
    for window in windows:
        sums[window.text].add(window)
    return [one.finish() for one in sums]


def _read_heads(service: Service, passages: list[Passage]) -> list[Analysis]:
    starts = range(0, len(passages), RECORDS_A_BATCH)
    return [analysis for start in starts for analysis in service.pipeline.heads.read(passages[start : start + RECORDS_A_BATCH])]
