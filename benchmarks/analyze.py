"""`cxnlp analyze` from file to file, beside the encoder alone and SnowNLP's sentiment alone, on the same texts, in turns."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import orjson

from benchmarks.figures import Figure, median, shown
from benchmarks.texts import TextSet, text_sets
from cxnlp.bootstrap import Service
from cxnlp.ingest.readers import read
from cxnlp.ingest.rows import ReadOptions, Rejection
from cxnlp.lines import to_line
from cxnlp.records import Record
from cxnlp.settings import Settings
from cxnlp.text.cleaning import clean

_SNOWNLP_TEXTS = 200


def measure_analyze(*, quick: bool) -> list[Figure]:
    """Return records/s of the whole, of the encoder and of SnowNLP for each set of texts."""
    figures = []
    with tempfile.TemporaryDirectory() as scratch:
        service = Service(Settings(home=Path(scratch) / "home"))
        for texts in text_sets(quick=quick):
            figures += _measure(service, texts, Path(scratch), 1 if quick else 3)
    return figures


def _measure(service: Service, texts: TextSet, scratch: Path, n_rounds: int) -> list[Figure]:
    source, out = texts.write(scratch / "in.jsonl"), scratch / "out.jsonl"
    cleaned = [clean(service.masker.mask(text)).text for text in texts.texts]
    n = len(cleaned)
    list(service.encoder.states(cleaned[:32]))
    n_tokens = 0
    seconds: dict[str, list[float]] = {"encoder": [], "inside": [], "process": []}
    for _ in range(n_rounds):
        start = time.perf_counter()
        n_tokens = sum(len(window.starts) for window in service.encoder.states(cleaned))
        seconds["encoder"].append(time.perf_counter() - start)
        start = time.perf_counter()
        _analyze(service, source, out)
        seconds["inside"].append(time.perf_counter() - start)
        start = time.perf_counter()
        analyze_process(source, out, scratch / "home")
        seconds["process"].append(time.perf_counter() - start)
    if len(out.read_bytes().splitlines()) != n:
        raise RuntimeError(f"{out} does not hold {n} lines")
    ratio = {name: median([e / s for e, s in zip(seconds["encoder"], seconds[name], strict=True)]) for name in ("inside", "process")}
    rate = {name: n / median(values) for name, values in seconds.items()}
    snow = _snownlp_rate(texts)
    kind = f"{texts.name} ({n:,}, {n_tokens / n:.0f} tokens)"
    encoder = f"encoder alone {shown(rate['encoder'])}/s"
    return [
        Figure(
            "analyze",
            f"{kind}, process from start to end",
            rate["process"],
            "records/s",
            f"{encoder}: {ratio['process']:.2f}",
            ">= 0.8",
            ratio["process"] >= 0.8,
        ),
        Figure(
            "analyze",
            f"{kind}, without the start",
            rate["inside"],
            "records/s",
            f"{encoder}: {ratio['inside']:.2f}",
            ">= 0.8",
            ratio["inside"] >= 0.8,
        ),
        Figure(
            "analyze",
            f"{kind}, all of cxnlp beside sentiment alone",
            rate["process"],
            "records/s",
            f"SnowNLP {shown(snow)}/s: {rate['process'] / snow:.2f}",
            ">= 1",
            rate["process"] >= snow,
        ),
    ]


def _analyze(service: Service, source: Path, out: Path) -> None:
    """Do what the command does, in this process."""
    reading = read(source, ReadOptions())
    accepted = (item.feedback for item in service.storeless_intake.read(reading, {}) if not isinstance(item, Rejection))
    with out.open("wb") as lines:
        for found in service.pipeline.stream(accepted):
            lines.write(orjson.dumps(to_line(Record(found.feedback, found.analysis)), option=orjson.OPT_APPEND_NEWLINE))
            lines.flush()


def analyze_process(source: Path, out: Path, home: Path) -> None:
    """Run the command itself."""
    command = [sys.executable, "-m", "cxnlp", "analyze", str(source), "-o", str(out)]
    subprocess.run(command, env=os.environ | {"CXNLP_HOME": str(home)}, capture_output=True, check=True)


def _snownlp_rate(texts: TextSet) -> float:
    from snownlp import SnowNLP

    sample = [text for text in texts.texts if text.strip()][:_SNOWNLP_TEXTS]
    SnowNLP(sample[0]).sentiments  # noqa: B018  (loads its model)
    start = time.perf_counter()
    for text in sample:
        SnowNLP(text).sentiments  # noqa: B018
    return len(sample) / (time.perf_counter() - start)
