"""How long topics take and how much memory: a fit, the assignment of stored vectors, both at a million.

    nice python -m benchmarks topics
    nice python -m benchmarks.topics --fitted 100000 --assigned 1000000 --sampled 1000000

Vectors are those of the clauses of `data/`, each many times, every time moved by half the difference of two other clauses, so that clusters, their
shapes and the cone in which an encoder's vectors lie are real ones; texts are these clauses with a word of their own each, so that none is a copy. A
fit runs as in the product, in a process of its own, whose CPU time and largest resident memory are told beside the time by the clock.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import numpy as np

from benchmarks.figures import Figure, describe_machine, to_table
from cxnlp.bootstrap import Service
from cxnlp.ingest.loading import Loaded, load
from cxnlp.ingest.readers import read
from cxnlp.ingest.validation import Defaults
from cxnlp.records import Matrix
from cxnlp.settings import Settings
from cxnlp.topics.assign import assign
from cxnlp.topics.fit import Fit, FitConfig
from cxnlp.topics.job import run_in_subprocess

_DATA = Path(__file__).parents[1] / "data"
_BLOCK = 50_000
_MOVE = 0.5
_KIB_A_GIB = 1 << 20
T = TypeVar("T")


def measure_topics(*, quick: bool, fitted: int = 100_000, assigned: int = 1_000_000, sampled: int = 1_000_000) -> list[Figure]:
    """Return seconds and memory of each size; 0 leaves one out.

    Args:
        quick: A thousandth of the rows.
        fitted: Clauses of the fit.
        assigned: Vectors that are assigned to its topics.
        sampled: Clauses of the fit by sample plus assignment.
    """
    if quick:
        fitted, assigned, sampled = 1_000, 10_000, 0
    texts, vectors = _clauses(limit=40 if quick else None)
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="cxnlp-bench-topics-") as folder:
        path = Path(folder) / "vectors.f32"
        _write_vectors(path, vectors, max(fitted, assigned, sampled))
        made = np.memmap(path, np.float32, "r").reshape(-1, vectors.shape[1])
        fit = None
        if fitted:
            fit, found = _fit(f"fit of {fitted:,} clauses", made[:fitted], texts, Path(folder), limits=(480, 4))
            figures += found
        if assigned and fit:
            figures.append(_assign(made[:assigned], fit))
        if sampled:
            figures += _fit(f"{sampled:,} clauses by sample and assignment", made[:sampled], texts, Path(folder), limits=(1_200, 6))[1]
    return figures


def _clauses(limit: int | None) -> tuple[list[str], Matrix]:
    """Return the clauses of the sample feedback and their vectors."""
    with tempfile.TemporaryDirectory() as home:
        service = Service(Settings(home=Path(home)))
        items = [item.feedback for item in load(read(_DATA), Defaults("", datetime.now(UTC), b"benchmark")) if isinstance(item, Loaded)]
        texts, vectors = [], []
        for one in service.pipeline.stream(items[:limit]):
            parts = [one.feedback.turns[s.turn].text if s.turn is not None else one.feedback.text for s in one.vectors.spans]
            texts += [part[s.start : s.end] for part, s in zip(parts, one.vectors.spans, strict=True)]
            vectors.append(one.vectors.clauses)
        service.store.close()
    return texts, np.concatenate(vectors).astype(np.float32)


def _write_vectors(path: Path, vectors: Matrix, n: int) -> None:
    rng = np.random.default_rng(1)
    with path.open("wb") as file:
        for first in range(0, n, _BLOCK):
            rows = np.arange(first, min(first + _BLOCK, n))
            one, other = rng.integers(0, len(vectors), (2, len(rows)))
            moved = vectors[rows % len(vectors)] + np.float32(_MOVE) * (vectors[one] - vectors[other])
            (moved / np.linalg.norm(moved, axis=1, keepdims=True)).astype(np.float32).tofile(file)


def _fit(what: str, vectors: Matrix, texts: list[str], folder: Path, limits: tuple[int, int]) -> tuple[Fit, list[Figure]]:
    said = [f"{texts[row % len(texts)]} {_word(row // len(texts))}" for row in range(len(vectors))]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    fit, seconds = _timed(lambda: run_in_subprocess(vectors, said, FitConfig(), max_memory_gib=12, folder=folder))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    gib = after.ru_maxrss / _KIB_A_GIB
    told = f"{cpu:.0f} s CPU; {len(fit.labels)} topics, {float(np.mean(fit.assignments < 0)):.1%} without"
    return fit, [
        Figure("topics", what, seconds, "s", told, f"< {limits[0]} s", seconds < limits[0]),
        Figure("topics", f"{what}, largest resident memory", gib, "GiB", "of the fit's process", f"< {limits[1]} GiB", gib < limits[1]),
    ]


def _assign(vectors: Matrix, fit: Fit) -> Figure:
    began = time.process_time()
    _, seconds = _timed(lambda: assign(vectors, fit.space, fit.centroids, fit.threshold))
    told = f"{time.process_time() - began:.0f} s CPU, {len(fit.centroids)} topics"
    return Figure("topics", f"assignment of {len(vectors):,} vectors", seconds, "s", told, "< 180 s", seconds < 180)


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    began = time.perf_counter()
    result = work()
    return result, time.perf_counter() - began


def _word(number: int) -> str:
    """Return letters: digits do not make a text another one."""
    return "".join("qxzjkvwyhu"[int(digit)] for digit in str(number))


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fitted", type=int, default=100_000, metavar="N")
    parser.add_argument("--assigned", type=int, default=1_000_000, metavar="N")
    parser.add_argument("--sampled", type=int, default=1_000_000, metavar="N")
    arguments = parser.parse_args()
    print(describe_machine(), flush=True)
    print(to_table(measure_topics(quick=False, fitted=arguments.fitted, assigned=arguments.assigned, sampled=arguments.sampled)))


if __name__ == "__main__":
    main()
