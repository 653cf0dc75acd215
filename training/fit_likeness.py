"""Fit the likeness that users see to the cosines of the shipped encoder: a curve, kept in models/encoder/card.json.

    CXNLP_GOLD=... CXNLP_CORPORA=... python training/fit_likeness.py CACHE      (after features.py; reads its gold_train)

A likeness is the share of hits with this cosine that are truly alike, so it is fitted to hits: the nearest texts, of the same set and language, of
questions whose answer is known. Complaints are alike if they have a (touchpoint, cause) in common, questions to a bank if they have the same
intent; each of the two counts half. Train parts only.
"""

import argparse
import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from features import MODELS, read_rows
from report import fill
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from tasks import corpora
from train_heads import load_part

from cxnlp.encoder import Document, ShippedEncoder, encode
from cxnlp.likeness import NEAREST, to_likeness
from cxnlp.text.cleaning import clean

DOCUMENT = MODELS.parent / "docs" / "search.md"
LANGUAGES = {"Chinese": " zh", "English": " en"}
SURE = 0.5
HEADER = ["| | hits | likeness, mean | truly alike | of those said 0.5 or more |", "|---|---|---|---|---|"]


@dataclass(frozen=True)
class Config:
    """How many texts are searched, asked for and looked at, of each set."""

    seed: int = 7
    n_least: int = 300
    n_searched: int = 2_000
    n_asked: int = 60
    n_questions: int = 300
    n_hits: int = 40


@dataclass(frozen=True)
class Hits:
    """Cosines of hits, (n,), and whether each is alike."""

    cosines: np.ndarray
    alike: np.ndarray


def hits_of(vectors: np.ndarray, meant: list[set[object]], n_asked: int, config: Config, draw: np.random.Generator) -> Hits:
    """Return the nearest others of some of (n, dim) texts, each with what it means; what means nothing is not asked for."""
    asked = [i for i, one in enumerate(meant) if one]
    cosines, alike = [], []
    for i in draw.permutation(asked)[:n_asked]:
        near = vectors @ vectors[i]
        near[i] = -1
        best = np.argsort(-near)[: config.n_hits]
        cosines.append(near[best])
        alike.append([bool(meant[i] & meant[j]) for j in best])
    return Hits(np.concatenate(cosines), np.concatenate(alike))


def of_complaints(cache: Path, config: Config, draw: np.random.Generator) -> dict[str, Hits]:
    """Return the hits of each set and language of gold train."""
    part = load_part(cache, "gold_train")
    rows_of: dict[str, list[int]] = defaultdict(list)
    for i, row in enumerate(part.rows):
        rows_of[f"{row['dataset']} {row['lang']}"].append(i)
    found = {}
    for name, rows in sorted(rows_of.items()):
        chosen = draw.permutation(rows)[: config.n_searched]
        meant: list[set[object]] = [{(t, c) for t, c, value in part.rows[i]["observations"] if value < 0} for i in chosen]
        if len(chosen) >= config.n_least and sum(map(bool, meant)) >= config.n_asked:
            found[name] = hits_of(part.documents[chosen].numpy(), meant, config.n_asked, config, draw)
    return found


def of_questions(config: Config, draw: np.random.Generator) -> Hits:
    """Return the hits of questions to a bank."""
    rows = [row for row in read_rows(corpora()[1] / "banking77.jsonl.gz") if row["split"] == "train"]
    chosen = [rows[i] for i in draw.permutation(len(rows))[: config.n_searched]]
    found = encode(ShippedEncoder(MODELS / "encoder"), [Document(clean(row["text"]).text) for row in chosen])
    return hits_of(np.stack([one.document for one in found]), [{row["labels"]["intent"]} for row in chosen], config.n_questions, config, draw)


def main() -> None:
    """Fit and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cache", type=Path)
    config, draw = Config(), np.random.default_rng(Config.seed)
    sets = of_complaints(parser.parse_args().cache, config, draw)
    questions = of_questions(config, draw)
    cosines = np.concatenate([*(one.cosines for one in sets.values()), questions.cosines])
    alike = np.concatenate([*(one.alike for one in sets.values()), questions.alike])
    n_questions = len(questions.alike)
    weights = np.r_[np.full(len(alike) - n_questions, 1 / (len(alike) - n_questions)), np.full(n_questions, 1 / n_questions)] * len(alike) / 2
    feature = -np.log(np.maximum(1 - cosines, NEAREST))[:, None]
    fitted = LogisticRegression(C=1e4).fit(feature, alike, weights)
    curve = float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
    path = MODELS / "encoder" / "card.json"
    card = json.loads(path.read_text(encoding="utf-8"))
    card["likeness"] = {
        "slope": round(curve[0], 3),
        "offset": round(curve[1], 3),
        "n": len(alike),
        "auc": round(float(roc_auc_score(alike, cosines, sample_weight=weights)), 4),
    }
    path.write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    print(card["likeness"])
    lines = [line_of(f"complaints, {name}", [one for key, one in sets.items() if key.endswith(code)], curve) for name, code in LANGUAGES.items()]
    fill(DOCUMENT, {"likeness": [*HEADER, *lines, line_of("questions to a bank, English", [questions], curve)]})


def line_of(name: str, several: list[Hits], curve: tuple[float, float]) -> str:
    """Return a line of the table."""
    cosines, alike = (np.concatenate(parts) for parts in zip(*((one.cosines, one.alike) for one in several), strict=True))
    said = to_likeness(cosines, curve)
    sure = alike[said >= SURE]
    return f"| {name} | {len(alike):,} | {said.mean():.3f} | {alike.mean():.3f} | {sure.mean():.3f} of {len(sure):,} |"


if __name__ == "__main__":
    main()
