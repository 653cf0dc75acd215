"""Fit the likeness that users see to the cosines of the shipped encoder: a logistic curve, kept in models/encoder/card.json.

    CXNLP_GOLD=... CXNLP_CORPORA=... python training/fit_likeness.py

Alike are questions of the same intent, and texts of which one is the other without its end; not alike are questions of other intents and texts
drawn at random. Train parts only; half of the pairs are alike, so 0.5 means "as likely as not" between such pairs. Judged pairs such as AFQMC's are
left out: they were picked to look alike, as texts in a search are not.
"""

import json
import random
from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from features import MODELS, read_rows
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from tasks import corpora

from cxnlp.encoder import Document, ShippedEncoder, encode
from cxnlp.text.cleaning import clean

Pair = tuple[str, str, bool]


@dataclass(frozen=True)
class Config:
    """How many pairs of each kind."""

    seed: int = 7
    n_intents: int = 1_000
    n_texts: int = 500


def draw_pairs(config: Config) -> list[Pair]:
    """Return (text, text, alike), half of them alike."""
    draw = random.Random(config.seed)
    gold, folder = corpora()
    of_intent: dict[str, list[str]] = defaultdict(list)
    for row in read_rows(folder / "banking77.jsonl.gz"):
        if row["split"] == "train":
            of_intent[row["labels"]["intent"]].append(row["text"])
    intents = sorted(of_intent)
    pairs = [(*draw.sample(of_intent[draw.choice(intents)], 2), True) for _ in range(config.n_intents)]
    pairs += [(*(draw.choice(of_intent[name]) for name in draw.sample(intents, 2)), False) for _ in range(config.n_intents)]
    texts = [row["text"] for row in read_rows(gold / "train.jsonl")]
    pairs += [(text, text[: 1 + 2 * len(text) // 3], True) for text in draw.sample(texts, config.n_texts)]
    return pairs + [(*draw.sample(texts, 2), False) for _ in range(config.n_texts)]


def main() -> None:
    """Fit and write."""
    pairs = draw_pairs(Config())
    encoder = ShippedEncoder(MODELS / "encoder")
    found = encode(encoder, [Document(clean(text).text) for pair in pairs for text in pair[:2]])
    vectors = np.stack([one.document for one in found])
    cosines = (vectors[0::2] * vectors[1::2]).sum(1)
    alike = np.array([pair[2] for pair in pairs])
    curve = LogisticRegression(C=1e4).fit(cosines[:, None], alike)
    slope, offset = float(curve.coef_[0, 0]), float(curve.intercept_[0])
    path = MODELS / "encoder" / "card.json"
    card = json.loads(path.read_text(encoding="utf-8"))
    card["likeness"] = {"slope": round(slope, 3), "offset": round(offset, 3), "n": len(pairs), "auc": round(float(roc_auc_score(alike, cosines)), 4)}
    path.write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    at = [(p, round((float(np.log(p / (1 - p))) - offset) / slope, 3)) for p in (0.05, 0.25, 0.5, 0.75, 0.95)]
    print(card["likeness"], "cosines at likeness:", at)


if __name__ == "__main__":
    main()
