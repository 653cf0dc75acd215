"""The reason for which a tweet to an airline is negative: what a company's own labels take on top of the product.

From the (touchpoint, cause) pairs of the output alone, by a fixed table, which needs no labels, and by a multinomial logistic regression on the
output lines of the train part; and by a head, the same regression on what the store keeps of a record: document vectors and words.
"""

from collections import defaultdict
from itertools import pairwise
from typing import Any

import numpy as np
from features import MODELS
from product import Rows, analyze, embed_texts
from public_sets import classes
from scipy import sparse
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from cxnlp.encoder import ShippedEncoder
from cxnlp.evaluation.scoring import Figure
from cxnlp.text.terms import terms

LEAST_REASON_CONFIDENCE = 0.6
WORDS_TO_VECTOR = 0.025  # and the strength of the head's regression: chosen by cross-validation on the train part
STRENGTH = 3.0
UNKNOWN = "Can't Tell"
# A pair first, then its touchpoint with any cause.
TABLE = {
    ("delivery", "slow"): "Late Flight",
    ("delivery", "unavailable"): "Cancelled Flight",
    ("delivery", "wrong_item"): "Lost Luggage",
    ("delivery", "defect"): "Damaged Luggage",
    ("onsite_staff", "slow"): "longlines",
    ("store", "slow"): "longlines",
    ("ordering", ""): "Flight Booking Problems",
    ("website_app", ""): "Flight Booking Problems",
    ("account", ""): "Flight Booking Problems",
    ("payment", ""): "Flight Booking Problems",
    ("onsite_staff", ""): "Flight Attendant Complaints",
    ("product", ""): "Bad Flight",
    ("store", ""): "Bad Flight",
    ("delivery", ""): "Late Flight",
    ("support", ""): "Customer Service Issue",
    ("aftersales", ""): "Customer Service Issue",
    ("messaging", ""): "Customer Service Issue",
    ("membership", ""): "Customer Service Issue",
    ("pricing", ""): UNKNOWN,
}


def choose(rows: Rows) -> Rows:
    """Return the rows whose reason people were sure enough of."""
    return [row for row in rows if row["labels"].get("reason") and row["labels"]["reason_confidence"] >= LEAST_REASON_CONFIDENCE]


def measure(train: Rows, rows: Rows, lines: Rows) -> dict[str, Figure]:
    """Return accuracy and macro-F1 of both ways.

    Args:
        train: Rows of the train part, for the regression; they are analysed here.
        rows: Chosen rows of the measured part.
        lines: What `cxnlp analyze` wrote for them.
    """
    gold = np.array([row["labels"]["reason"] for row in rows])
    labels = sorted(set(gold))
    by_table = classes(gold, np.array([read_reason(line) for line in lines]), labels)
    vectorizer = DictVectorizer()
    inputs = vectorizer.fit_transform([features(line) for line in analyze(train)])
    regression = LogisticRegression(C=1.0, class_weight="balanced", max_iter=3_000).fit(inputs, [row["labels"]["reason"] for row in train])
    by_regression = classes(gold, regression.predict(vectorizer.transform([features(line) for line in lines])), labels)
    by_head = classes(gold, predict_by_head(train, rows), labels)
    ways = {"table": by_table, "regression": by_regression, "head": by_head}
    return {f"{way}_{name}": figure for way, figures in ways.items() for name, figure in figures.items()}


def predict_by_head(train: Rows, rows: Rows) -> np.ndarray:
    """Return the (n,) reasons that a head on document vectors and on words, pairs of neighbouring words among them, gives to rows."""
    encoder, scaler = ShippedEncoder(MODELS / "encoder"), StandardScaler()
    words = TfidfVectorizer(analyzer=_words_and_pairs, min_df=2, sublinear_tf=True)
    inputs = []
    for part, fit_vectors, fit_words in ((train, scaler.fit_transform, words.fit_transform), (rows, scaler.transform, words.transform)):
        texts = [row["text"] for row in part]
        inputs.append(sparse.hstack([fit_words(texts), WORDS_TO_VECTOR * fit_vectors(embed_texts(encoder, texts))]).tocsr())
    head = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=1_000).fit(inputs[0], [row["labels"]["reason"] for row in train])
    found: np.ndarray = head.predict(inputs[1])
    return found


def _words_and_pairs(text: str) -> list[str]:
    found = terms(text)
    return [*found, *(f"{one} {other}" for one, other in pairwise(found))]


def read_reason(line: dict[str, Any]) -> str:
    """Return the reason that the confidences of the observations speak for most, by `TABLE`."""
    weights: dict[str, float] = defaultdict(float)
    for o in line["observations"]:
        if o["cause"] is not None:
            reason = TABLE.get((o["touchpoint"], o["cause"])) or TABLE.get((o["touchpoint"], ""), UNKNOWN)
            weights[reason] = max(weights[reason], o["confidence"])
    return max(weights, key=weights.__getitem__, default=UNKNOWN)


def features(line: dict[str, Any]) -> dict[str, float]:
    """Return what the output says of pairs, touchpoints and causes, as presence and confidence."""
    found: dict[str, float] = {"sentiment": line["sentiment"], f"intent {line['intent']}": 1.0, "n": len(line["observations"])}
    for o in line["observations"]:
        for name in (f"{o['touchpoint']}/{o['cause']}", f"touchpoint {o['touchpoint']}", f"cause {o['cause']}"):
            found[name] = 1.0
            found[f"{name} confidence"] = max(found.get(f"{name} confidence", 0.0), o["confidence"])
    for risk in line["risks"]:
        found[f"risk {risk['id']}"] = risk["confidence"]
    return found
