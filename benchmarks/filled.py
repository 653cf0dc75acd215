"""A store of many records, made without analysing each: real ones of data/ and relatives of them, whose vectors lie around theirs."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from benchmarks.texts import sample_feedback
from cxnlp.bootstrap import Service
from cxnlp.pipeline import Analyzed
from cxnlp.records import Customer, Feedback, Matrix, Vectors
from cxnlp.settings import Settings
from cxnlp.store import Result, said
from cxnlp.text.clauses import SPLITTER_VERSION

_ROWS_AT_ONCE = 1_000
_NOISE = 0.35


def fill_store(home: Path, n: int, n_real: int) -> None:
    """Bring the store in a data folder to n analysed records; what is there already stays.

    Args:
        home: The data folder.
        n: Records wanted.
        n_real: Records of data/ that are analysed; the others are relatives of these at a cosine of about 0.94.
    """
    service = Service(Settings(home=home))
    have = service.store.feedback.statistics().records
    if have >= n:
        return
    real = service.pipeline.analyze(sample_feedback(service)[:n_real])
    generation = service.store.generations.ensure(service.encoder.id, SPLITTER_VERSION, service.encoder.dim)
    random = np.random.default_rng(11)
    now = datetime.now(UTC)
    for first in range(have, n, _ROWS_AT_ONCE):
        made = [_relative(real[i % len(real)], i, now, random) for i in range(first, min(n, first + _ROWS_AT_ONCE))]
        service.store.feedback.add([one.feedback for one in made], now)
        service.store.analyses.save([Result(one.feedback.id, 1, one.analysis, one.vectors, said(one.feedback)) for one in made], generation.id)
        print(f"\rfilling the store: {min(n, first + _ROWS_AT_ONCE):,} of {n:,}", end="", flush=True)
    print()
    service.store.close()


def _relative(of: Analyzed, number: int, now: datetime, random: np.random.Generator) -> Analyzed:
    vectors = of.vectors
    moved = Vectors(_moved(vectors.document[None], random)[0], _moved(vectors.clauses, random), vectors.spans)
    created_at = now - timedelta(minutes=random.uniform(0, 112 * 24 * 60))
    segment = of.feedback.customer.segment if of.feedback.customer else None
    feedback: Feedback = replace(
        of.feedback,
        source="synthetic",
        external_id=f"s-{number}",
        created_at=created_at,
        updated_at=None,
        customer=Customer(f"c-{number % 9_973}", segment),
        fingerprint=f"synthetic-{number}",
    )
    return Analyzed(feedback, of.analysis, moved)


def _moved(vectors: Matrix, random: np.random.Generator) -> Matrix:
    noise = random.standard_normal(vectors.shape, dtype=np.float32) * np.float32(_NOISE / np.sqrt(vectors.shape[1]))
    moved = vectors + noise
    unit: Matrix = moved / np.linalg.norm(moved, axis=1, keepdims=True)
    return unit
