"""Figures of public sets, of corpus rows and the lines that `cxnlp analyze` wrote for them."""

from collections.abc import Sequence

import numpy as np
from product import Rows, estimate
from sklearn.metrics import f1_score

from cxnlp.evaluation.scoring import Figure

_LABELS = ["negative", "neutral", "positive"]


def two_classes(rows: Rows, lines: Rows) -> dict[str, Figure]:
    """Return the accuracy of the sign of `sentiment`."""
    hits = np.array([(line["sentiment"] > 0) == (row["sentiment"] > 0) for row, line in zip(rows, lines, strict=True)], float)
    return {"accuracy": estimate(len(hits), lambda chosen: float(hits[chosen].mean()))}


def three_classes(rows: Rows, lines: Rows) -> dict[str, Figure]:
    """Return accuracy and macro-F1 of `label`."""
    gold = np.array([_LABELS[int(np.sign(row["sentiment"])) + 1] for row in rows])
    return classes(gold, np.array([line["label"] for line in lines]), _LABELS)


def classes(gold: np.ndarray, got: np.ndarray, labels: Sequence[str]) -> dict[str, Figure]:
    """Return accuracy and macro-F1 of (n,) names; in a resample, labels that nobody has are left out of the mean."""

    def macro(chosen: np.ndarray) -> float:
        there = [label for label in labels if label in gold[chosen]]
        return float(f1_score(gold[chosen], got[chosen], labels=there, average="macro", zero_division=0))

    return {
        "accuracy": estimate(len(gold), lambda chosen: float((gold[chosen] == got[chosen]).mean())),
        "macro_f1": estimate(len(gold), macro, n_resamples=300),
    }


def correlation(rows: Rows, lines: Rows) -> dict[str, Figure]:
    """Return Pearson's r of `sentiment` with the mean human rating."""
    return {"pearson": pearson(np.array([row["sentiment"] for row in rows]), np.array([line["sentiment"] for line in lines]))}


def satisfaction(rows: Rows, lines: Rows) -> dict[str, Figure]:
    """Return Pearson's r of `satisfaction` with the mean of 19 people."""
    gold = np.array([row["labels"]["satisfaction"] for row in rows])
    return {"pearson": pearson(gold, np.array([line["satisfaction"] for line in lines]))}


def pearson(x: np.ndarray, y: np.ndarray) -> Figure:
    """Return Pearson's r of (n,) and (n,) numbers."""
    return estimate(len(x), lambda chosen: float(np.corrcoef(x[chosen], y[chosen])[0, 1]))
