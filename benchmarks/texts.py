"""Sets of texts: reviews of $CXNLP_CORPORA where that is set, else those of data/ repeated."""

import gzip
import os
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from cxnlp.bootstrap import Service
from cxnlp.ingest.loading import Loaded
from cxnlp.ingest.readers import read
from cxnlp.ingest.rows import ReadOptions
from cxnlp.records import Feedback

DATA = Path(__file__).resolve().parent.parent / "data"
_SETS = {
    # name: (how many, share by corpus); "mixed" has about 55 tokens a review
    "mixed reviews": (1_400, {"online_shopping_10_cats": 0.6, "waimai_10k": 0.4}),
    "hotel reviews": (400, {"chnsenticorp_htl": 1.0}),
    "shopping reviews": (400, {"online_shopping_10_cats": 1.0}),
    "short reviews": (700, {"waimai_10k": 1.0}),
}


@dataclass(frozen=True, slots=True)
class TextSet:
    """Texts of one kind."""

    name: str
    texts: tuple[str, ...]

    def write(self, path: Path) -> Path:
        """Write the texts as JSONL in the record format."""
        rows = ({"external_id": str(i), "channel": "review", "text": text} for i, text in enumerate(self.texts))
        path.write_bytes(b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows))
        return path


def text_sets(*, quick: bool, names: tuple[str, ...] | None = None) -> list[TextSet]:
    """Return the sets to measure on; one small one when quick.

    Args:
        quick: For a smoke run.
        names: Of the sets; all by default. Without corpora there is one set, `data/`.
    """
    folder = os.environ.get("CXNLP_CORPORA")
    if quick or not folder:
        texts = sample_texts()
        n = 48 if quick else 1_400
        return [TextSet("data/, repeated", tuple(texts[i % len(texts)] for i in range(n)))]
    return [TextSet(name, _draw(Path(folder), *_SETS[name])) for name in names or _SETS]


def sample_texts() -> list[str]:
    """Return the texts of the reviews, tickets and posts of data/."""
    rows = [orjson.loads(line) for name in ("reviews", "tickets", "posts") for line in (DATA / f"{name}.jsonl").read_bytes().splitlines()]
    return [row["text"] for row in rows if row.get("text")]


def sample_rows() -> list[dict[str, Any]]:
    """Return the rows of the JSONL files of data/."""
    return [orjson.loads(line) for path in sorted(DATA.glob("*.jsonl")) for line in path.read_bytes().splitlines()]


def sample_feedback(service: Service) -> list[Feedback]:
    """Return all records of data/, masked."""
    items = service.storeless_intake.read(read(DATA, ReadOptions()), {})
    return [item.feedback for item in items if isinstance(item, Loaded)]


def _draw(folder: Path, n: int, shares: dict[str, float]) -> tuple[str, ...]:
    random_of = random.Random(7)
    texts: list[str] = []
    for name, share in shares.items():
        with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
            known = [text for line in lines if (text := orjson.loads(line)["text"].strip())]
        texts += random_of.sample(known, round(n * share))
    random_of.shuffle(texts)
    return tuple(texts)
