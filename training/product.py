"""The product as a user gets it: corpus rows through `cxnlp analyze`, and its vectors through the public pipeline."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from features import read_rows, to_feedback

from cxnlp.bootstrap import Service
from cxnlp.encoder import Document, ShippedEncoder, encode
from cxnlp.evaluation.labelled import Labels, read_labels
from cxnlp.evaluation.scoring import N_RESAMPLES, Figure, score
from cxnlp.lines import analysis_from_line
from cxnlp.pipeline import Analyzed, prepare
from cxnlp.records import Feedback
from cxnlp.settings import Settings
from cxnlp.taxonomy import load_taxonomy

Rows = Sequence[dict[str, Any]]
_TEXTS_AT_ONCE = 2_048


def load(name: str, split: str, limit: int | None = None) -> Rows:
    """Return the rows of one part of a corpus, or of the gold set; of many, every n-th, so that `limit` remain."""
    gold, corpora = os.environ.get("CXNLP_GOLD"), os.environ.get("CXNLP_CORPORA")
    if not gold or not corpora:
        raise SystemExit("set CXNLP_GOLD and CXNLP_CORPORA to the folders of the gold set and of the corpora")
    if name == "gold":
        path = Path(gold) / f"{split}.jsonl"
        rows = list(read_rows(path)) if path.exists() else []
    else:
        rows = [row for row in read_rows(Path(corpora) / f"{name}.jsonl.gz") if row["split"] == split]
    return thin(rows, limit)


def thin(rows: Rows, limit: int | None) -> Rows:
    """Return every n-th row, so that at most `limit` remain."""
    return rows if limit is None else rows[:: max(1, -(-len(rows) // limit))]


def analyze(rows: Rows) -> list[dict[str, Any]]:
    """Return the output lines of `cxnlp analyze` for corpus rows, in order."""
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder) / "in.jsonl", Path(folder) / "out.jsonl"
        with source.open("w", encoding="utf-8") as lines:
            for row in rows:
                said = {"turns": row["turns"]} if row.get("turns") else {"text": row["text"]}
                lines.write(json.dumps({"external_id": row["id"], "channel": row["channel"], **said}, ensure_ascii=False) + "\n")
        environment = os.environ | {"CXNLP_HOME": folder}
        subprocess.run([Path(sys.executable).with_name("cxnlp"), "analyze", str(source), "-o", str(out)], check=True, env=environment)
        found = {line["external_id"]: line for line in read_rows(out)}
    missing = [row["id"] for row in rows if row["id"] not in found]
    if missing:
        raise SystemExit(f"{len(missing)} rows are missing in the output, such as {missing[:3]}")
    return [found[row["id"]] for row in rows]


def score_lines(rows: Rows, lines: Rows) -> dict[str, Figure]:
    """Return the product's own figures of labelled rows and the lines that were written for them."""
    texts = [_feedback_of(row, line) for row, line in zip(rows, lines, strict=True)]
    return score(labels_of(rows), [analysis_from_line(line) for line in lines], n_resamples=N_RESAMPLES, texts=texts)


def labels_of(rows: Rows) -> list[Labels]:
    """Return what is right of each row."""
    taxonomy = load_taxonomy()
    return [read_labels(row, taxonomy) for row in rows]


def open_service() -> Service:
    """Return the product with the shipped models, and without a user's settings."""
    return Service(Settings(home=Path(tempfile.gettempdir()) / "cxnlp-evaluation"))


def read_records(service: Service, rows: Rows) -> list[Analyzed]:
    """Return what the public pipeline yields, vectors included."""
    return list(service.pipeline.stream(to_feedback(row) for row in rows))


def embed_texts(encoder: ShippedEncoder, texts: Sequence[str]) -> np.ndarray:
    """Return (n, dim) float32 document vectors, L2-normalised, as search has them."""
    vectors = []
    for first in range(0, len(texts), _TEXTS_AT_ONCE):
        documents = [_document(i, text) for i, text in enumerate(texts[first : first + _TEXTS_AT_ONCE])]
        vectors += [e.document for e in encode(encoder, documents)]
    return np.stack(vectors)


def estimate(n: int, value: Callable[[np.ndarray], float], *, n_resamples: int = N_RESAMPLES, seed: int = 7) -> Figure:
    """Return a figure with its 95 % interval by the percentile bootstrap.

    Args:
        n: Number of things that are resampled.
        value: The figure of the things with these numbers, (n,) with repetitions.
        n_resamples: How many.
        seed: Of the resamples.
    """
    generator = np.random.default_rng(seed)
    values = [value(generator.integers(0, n, n)) for _ in range(n_resamples)]
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return Figure(value(np.arange(n)), n, float(low), float(high))


def _feedback_of(row: dict[str, Any], line: dict[str, Any]) -> Feedback:
    """Return the record as the output carries it: repaired and masked, so that quotes can be held against it."""
    return to_feedback({"id": row["id"], "channel": row["channel"], "text": line.get("text", ""), "turns": line.get("turns")})


def _document(number: int, text: str) -> Document:
    cleaned = prepare(to_feedback({"id": str(number), "channel": "ticket", "text": text})).document
    return Document(cleaned.text, voiced=cleaned.voiced)
