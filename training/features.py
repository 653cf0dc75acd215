"""Frozen document and clause vectors of labelled texts, computed once by the shipped encoder and kept outside the repository.

    python training/features.py CACHE_FOLDER [PART...]      (needs $CXNLP_GOLD: train.jsonl, dev.jsonl; $CXNLP_CORPORA)

Each part is one .npz: `documents` (n, dim), `clauses` (m, dim), `counts` (n,) clauses a text, `turns` (m,) turn of each clause or -1, float16; and
the labelled rows beside it as JSONL, in the same order. An existing part is kept, so an interrupted run goes on.
"""

import argparse
import gzip
import json
import os
import random
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from cxnlp.encoder import ShippedEncoder, encode
from cxnlp.pipeline import prepare
from cxnlp.records import Feedback, Turn

MODELS = Path(__file__).resolve().parent.parent / "models"
SENTIMENT_SETS = {
    "chnsenticorp": 7_300, "eprstmt": 200, "waimai_10k": 6_000, "twitter_airline": 8_000, "online_shopping_10_cats": 6_000, "vader_tweets": 3_400,
    "tripadvisor_sentences": 2_300, "amazon_alexa": 1_200,
}  # fmt: skip
"""Sets whose sentiment alone is learnt, and how many texts of each at most."""
_CHUNK = 2_048


def to_feedback(row: dict[str, Any]) -> Feedback:
    """Return a corpus row as the record that the product would read."""
    turns = tuple(Turn(turn["speaker"], turn["text"]) for turn in row.get("turns") or ())
    return Feedback("corpus", row["id"], row["channel"], datetime(2026, 1, 1, tzinfo=UTC), "" if turns else row["text"], turns)


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a JSONL file, gzipped or not."""
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
        yield from (json.loads(line) for line in lines)


def embed(encoder: ShippedEncoder, rows: Sequence[dict[str, Any]]) -> dict[str, np.ndarray]:
    """Return the arrays of one part."""
    documents, clauses, counts, turns = [], [], [], []
    for first in range(0, len(rows), _CHUNK):
        began = time.monotonic()
        prepared = [prepare(to_feedback(row)) for row in rows[first : first + _CHUNK]]
        for one, vectors in zip(prepared, encode(encoder, [p.document for p in prepared]), strict=True):
            documents.append(vectors.document.astype(np.float16))
            clauses.append(vectors.clauses.astype(np.float16))
            counts.append(len(vectors.clauses))
            turns += [-1 if span.turn is None else span.turn for span in one.spans]
        print(f"  {first + len(prepared)}/{len(rows)}, {len(prepared) / (time.monotonic() - began):.0f} texts/s", flush=True)
    return {"documents": np.stack(documents), "clauses": np.concatenate(clauses), "counts": np.array(counts), "turns": np.array(turns)}


def parts() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield (name, rows) of all parts, the most needed first."""
    gold, corpora = Path(os.environ["CXNLP_GOLD"]), Path(os.environ["CXNLP_CORPORA"])
    yield "gold_dev", list(read_rows(gold / "dev.jsonl"))
    yield "gold_train", list(read_rows(gold / "train.jsonl"))
    rows = list(read_rows(corpora / "stc3_helpdesk.jsonl.gz"))
    for split in ("train", "dev"):
        yield f"stc3_helpdesk_{split}", [row for row in rows if row["split"] == split]
    for name, n in SENTIMENT_SETS.items():
        rows = [row for row in read_rows(corpora / f"{name}.jsonl.gz") if row["split"] == "train"]
        yield f"{name}_train", random.Random(7).sample(rows, min(n, len(rows)))


def main() -> None:
    """Write what is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cache", type=Path)
    parser.add_argument("names", nargs="*", metavar="PART", help="gold_dev, gold_train, stc3_helpdesk_train, chnsenticorp_train, ...; all by default")
    arguments = parser.parse_args()
    cache: Path = arguments.cache
    cache.mkdir(parents=True, exist_ok=True)
    encoder = ShippedEncoder(MODELS / "encoder")
    for name, rows in parts():
        target = cache / f"{name}.npz"
        if target.exists() or (arguments.names and name not in arguments.names):
            continue
        print(name, len(rows), flush=True)
        arrays = embed(encoder, rows)
        (cache / f"{name}.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
        np.savez(target.with_suffix(".tmp.npz"), **arrays)
        target.with_suffix(".tmp.npz").rename(target)


if __name__ == "__main__":
    main()
