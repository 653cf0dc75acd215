"""Labels and analyses to figures with intervals; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from cxnlp.evaluation.labelled import Labels
from cxnlp.evaluation.measures import Measure, measure
from cxnlp.records import Analysis, Feedback
from cxnlp.taxonomy import Taxonomy, load_taxonomy

TITLES: Final = {
    "sentiment_polarity": "negative, neutral or positive: accuracy",
    "sentiment_mae": "sentiment: mean absolute error (lower is better)",
    "sentiment_pearson": "sentiment: Pearson's r",
    "flag_precision": "sentiment of -0.3 or less (a flag): precision",
    "flag_recall": "a flag: recall",
    "flag_f1": "a flag: F1",
    "calibration_error": "confidence: expected calibration error (lower is better)",
    "intent_accuracy": "intent: accuracy",
    "intent_macro_f1": "intent: macro-F1",
    "touchpoint_micro_f1": "touchpoint: micro-F1",
    "touchpoint_macro_f1": "touchpoint: macro-F1",
    "stage_micro_f1": "stage: micro-F1",
    "stage_macro_f1": "stage: macro-F1",
    "cause_micro_f1": "cause: micro-F1",
    "cause_macro_f1": "cause: macro-F1",
    "pair_micro_f1": "(touchpoint, cause) pair: micro-F1",
    "pair_macro_f1": "pair: macro-F1",
    "observation_sign": "sign of the sentiment of observations",
    "risk_micro_f1": "risks: micro-F1",
    "risk_macro_f1": "risks: macro-F1",
    "quotes_exact": "quotes that stand in the text exactly",
    "satisfaction_pearson": "satisfaction: Pearson's r",
}
N_RESAMPLES: Final = 1_000
_SEED: Final = 7
_WEIGHTS_AT_ONCE: Final = 4_000_000


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure.

    Attributes:
        value: Mostly a share in [0, 1]; a correlation lies in [-1, 1], a mean absolute error in [0, 2].
        n: Labelled texts it rests on; observations for `observation_sign`, quotes for `quotes_exact`.
        low: Lower end of the 95 % interval, or None where none was asked for.
        high: Upper end.
    """

    value: float
    n: int
    low: float | None = None
    high: float | None = None


def score(
    gold: Sequence[Labels],
    got: Sequence[Analysis],
    *,
    n_resamples: int = 0,
    texts: Sequence[Feedback] | None = None,
    taxonomy: Taxonomy | None = None,
) -> dict[str, Figure]:
    """Return the figures of everything that is labelled, by name.

    Micro-F1 counts labels over all texts; macro-F1 is the mean over the labels that at least 5 texts should have. `calibration_error` is the
    expected calibration error of `confidence` over 10 bins of equal mass. A figure for which nothing is labelled is left out.

    Args:
        gold: (n,) what is right.
        got: (n,) what the model read, in the same order.
        n_resamples: Of the texts, for the interval: the percentile bootstrap (Efron 1979), seeded; 1,000 are usual, 0 gives no interval.
        texts: (n,) the records, which `quotes_exact` needs.
        taxonomy: It gives the stage of a touchpoint; the default one if left out.

    Raises:
        ValueError: The sequences are not of the same length.
    """
    measures = measure(gold, got, taxonomy or load_taxonomy(), texts)
    values = {name: float(m.value(m.counts.sum(axis=0, keepdims=True))[0]) for name, m in measures.items()}
    known = {name: m for name, m in measures.items() if not np.isnan(values[name])}
    bounds = resample(known, len(gold), n_resamples) if n_resamples else {}
    return {name: Figure(values[name], m.n, *bounds.get(name, (None, None))) for name, m in known.items()}


def resample(measures: Mapping[str, Measure], n_texts: int, n_resamples: int) -> dict[str, tuple[float, float]]:
    """Return the 2.5th and 97.5th percentile of each measure over resamples of the texts, the same resamples for all."""
    generator = np.random.default_rng(_SEED)
    found: dict[str, list[float]] = {name: [] for name in measures}
    at_once = max(1, _WEIGHTS_AT_ONCE // max(1, n_texts))
    for first in range(0, n_resamples, at_once):
        n = min(at_once, n_resamples - first)
        weights = np.stack([np.bincount(generator.integers(0, n_texts, n_texts), minlength=n_texts) for _ in range(n)]).astype(np.float64)
        for name, m in measures.items():
            found[name] += m.value(weights @ m.counts).tolist()
    return {name: _bounds(values) for name, values in found.items()}


def _bounds(values: Sequence[float]) -> tuple[float, float]:
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return float(low), float(high)
