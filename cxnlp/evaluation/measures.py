"""What each text adds to each figure.

Every figure is a function of sums over texts, so that a resample of the texts is a weighting of the same rows and all resamples together are one
matrix product.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from cxnlp.evaluation.labelled import Labels
from cxnlp.records import Analysis, Feedback, label_of, rounded
from cxnlp.taxonomy import NO_CAUSE, Taxonomy

Floats: TypeAlias = npt.NDArray[np.float64]
Sets: TypeAlias = Sequence[tuple[frozenset[Hashable], frozenset[Hashable]] | None]

FLAG_FROM: Final = -0.3
LEAST_SUPPORT: Final = 5
KINDS: Final = ("touchpoint", "stage", "cause", "pair", "risk", "intent")
_N_BINS: Final = 10


@dataclass(frozen=True, eq=False)
class Measure:
    """One figure, before it is summed up.

    Attributes:
        n: How many labelled texts it rests on; of `observation_sign` and `quotes_exact`, how many observations and quotes.
        counts: (n_texts, k) what each text adds; rows of texts without this label are 0.
        value: From (r, k) sums to (r,) values; NaN where nothing was there to be measured.
    """

    n: int
    counts: Floats
    value: Callable[[Floats], Floats]


def measure(gold: Sequence[Labels], got: Sequence[Analysis], taxonomy: Taxonomy, texts: Sequence[Feedback] | None) -> dict[str, Measure]:
    """Return the measures of everything that is labelled, by name.

    Args:
        gold: (n,) what is right.
        got: (n,) what the model read, in the same order.
        taxonomy: It gives the stage of a touchpoint.
        texts: (n,) the records, for `quotes_exact`; it is left out without them.
    """
    found = _sentiment_measures(gold, got)
    for kind in KINDS:
        sets = sets_of(kind, gold, got, taxonomy)
        if kind == "intent":
            found["intent_accuracy"] = _share([None if s is None else float(s[0] == s[1]) for s in sets])
        else:
            found[f"{kind}_micro_f1"] = _micro(sets, _f1)
        found[f"{kind}_macro_f1"] = _macro(sets)
    found["observation_sign"] = _signs(gold, got)
    if texts is not None:
        found["quotes_exact"] = _quotes(texts, got)
    pairs = [(g.satisfaction, a.satisfaction) for g, a in zip(gold, got, strict=True)]
    found["satisfaction_pearson"] = _pearson([None if x is None or y is None else (x, y) for x, y in pairs])
    return {name: m for name, m in found.items() if m.n}


def sets_of(kind: str, gold: Sequence[Labels], got: Sequence[Analysis], taxonomy: Taxonomy) -> Sets:
    """Return the labels of one of `KINDS` that each text should have and those it got; None where it is not labelled."""
    return [_pair_of_sets(kind, g, a, taxonomy) for g, a in zip(gold, got, strict=True)]


def _pair_of_sets(kind: str, gold: Labels, got: Analysis, taxonomy: Taxonomy) -> tuple[frozenset[Hashable], frozenset[Hashable]] | None:
    if kind == "intent":
        return None if gold.intent is None else (frozenset((gold.intent,)), frozenset((got.intent,)))
    if kind == "risk":
        return None if gold.risks is None else (frozenset(gold.risks), frozenset(risk.id for risk in got.risks))
    if gold.observations is None:
        return None
    expected = {(touchpoint, cause) for touchpoint, cause, _ in gold.observations}
    read = {(o.touchpoint, o.cause or NO_CAUSE) for o in got.observations}
    if kind == "pair":
        return frozenset(expected), frozenset(read)
    if kind == "cause":
        return frozenset(c for _, c in expected if c != NO_CAUSE), frozenset(c for _, c in read if c != NO_CAUSE)
    if kind == "stage":
        return frozenset(taxonomy.stage_of.get(t, t) for t, _ in expected), frozenset(taxonomy.stage_of.get(t, t) for t, _ in read)
    return frozenset(t for t, _ in expected), frozenset(t for t, _ in read)


def _sentiment_measures(gold: Sequence[Labels], got: Sequence[Analysis]) -> dict[str, Measure]:
    both = list(zip(gold, got, strict=True))
    hits = [None if g.polarity is None else float(g.polarity == a.label) for g, a in both]
    scores = [None if g.sentiment is None else (g.sentiment, rounded(a.sentiment)) for g, a in both]
    flags: Sets = [
        None if s is None else (frozenset({"flag"} if s[0] <= FLAG_FROM else ()), frozenset({"flag"} if s[1] <= FLAG_FROM else ())) for s in scores
    ]
    return {
        "sentiment_polarity": _share(hits),
        "sentiment_mae": _share([None if s is None else abs(s[0] - s[1]) for s in scores]),
        "sentiment_pearson": _pearson(scores),
        "flag_precision": _micro(flags, lambda s: _ratio(s[:, 0], s[:, 0] + s[:, 1])),
        "flag_recall": _micro(flags, lambda s: _ratio(s[:, 0], s[:, 0] + s[:, 2])),
        "flag_f1": _micro(flags, _f1),
        "calibration_error": _calibration([None if h is None else (a.confidence, h) for h, a in zip(hits, got, strict=True)]),
    }


def _ratio(part: Floats, whole: Floats) -> Floats:
    return np.where(whole > 0, part / np.where(whole > 0, whole, 1), np.nan)


def _f1(sums: Floats) -> Floats:
    """Return F1 of (r, 3) true positives, false positives, false negatives."""
    return _ratio(2 * sums[:, 0], 2 * sums[:, 0] + sums[:, 1] + sums[:, 2])


def _share(values: Sequence[float | None]) -> Measure:
    """Return the mean of the values that are there."""
    rows = np.array([(0.0, 0.0) if v is None else (1.0, v) for v in values]).reshape(-1, 2)
    return Measure(int(rows[:, 0].sum()), rows, lambda s: _ratio(s[:, 1], s[:, 0]))


def _pearson(values: Sequence[tuple[float, float] | None]) -> Measure:
    rows = np.array([(0.0,) * 6 if v is None else (1, v[0], v[1], v[0] ** 2, v[1] ** 2, v[0] * v[1]) for v in values]).reshape(-1, 6)

    def value(s: Floats) -> Floats:
        n, x, y, xx, yy, xy = s.T
        spread = (n * xx - x * x) * (n * yy - y * y)
        return np.where(spread > 1e-9, (n * xy - x * y) / np.sqrt(np.where(spread > 1e-9, spread, 1)), np.nan)

    return Measure(int(rows[:, 0].sum()), rows, value)


def _micro(sets: Sets, value: Callable[[Floats], Floats]) -> Measure:
    rows = np.array([(0, 0, 0) if s is None else (len(s[0] & s[1]), len(s[1] - s[0]), len(s[0] - s[1])) for s in sets], np.float64).reshape(-1, 3)
    return Measure(sum(s is not None for s in sets), rows, value)


def _macro(sets: Sets) -> Measure:
    """Return the mean F1 of the labels that at least 5 texts should have; of a rarer one a single text would move it by too much."""
    support = Counter(label for s in sets if s is not None for label in s[0])
    columns = {label: i for i, label in enumerate(label for label, n in support.items() if n >= LEAST_SUPPORT)}
    rows = np.zeros((len(sets), len(columns), 3))
    for row, s in zip(rows, sets, strict=True):
        for label in () if s is None else s[0] | s[1]:
            if s is not None and label in columns:
                row[columns[label], 0 if label in s[0] & s[1] else 1 if label in s[1] else 2] = 1

    def value(sums: Floats) -> Floats:
        tp, fp, fn = np.moveaxis(sums.reshape(len(sums), -1, 3), 2, 0)
        mean: Floats = (2 * tp / np.maximum(2 * tp + fp + fn, 1)).mean(axis=1)
        return mean

    return Measure(sum(s is not None for s in sets) if columns else 0, rows.reshape(len(sets), -1), value)


def _calibration(values: Sequence[tuple[float, float] | None]) -> Measure:
    """Return the expected calibration error (Naeini et al. 2015) over 10 bins of equal mass, which stay the same in all resamples."""
    there = [i for i, v in enumerate(values) if v is not None]
    confidence = np.array([v[0] for v in values if v is not None])
    rows = np.zeros((len(values), _N_BINS, 3))
    bins = np.arange(len(there)) * _N_BINS // max(1, len(there))
    for place, number in zip(np.argsort(confidence, kind="stable").tolist(), bins.tolist(), strict=True):
        probability, hit = values[there[place]] or (0.0, 0.0)
        rows[there[place], number] = (1, probability, hit)

    def value(sums: Floats) -> Floats:
        n, probability, hits = np.moveaxis(sums.reshape(len(sums), _N_BINS, 3), 2, 0)
        return _ratio(np.abs(probability - hits).sum(axis=1), n.sum(axis=1))

    return Measure(len(there), rows.reshape(len(values), -1), value)


def _signs(gold: Sequence[Labels], got: Sequence[Analysis]) -> Measure:
    """Return how often the mean sentiment of a touchpoint has the right polarity, over touchpoints that both sides name."""
    rows = np.zeros((len(gold), 2))
    for row, g, a in zip(rows, gold, got, strict=True):
        expected, read = [(t, s) for t, _, s in g.observations or ()], [(o.touchpoint, rounded(o.sentiment)) for o in a.observations]
        for touchpoint in {t for t, _ in expected} & {t for t, _ in read}:
            row += (1, _mean_label(expected, touchpoint) == _mean_label(read, touchpoint))
    return Measure(int(rows[:, 0].sum()), rows, lambda s: _ratio(s[:, 1], s[:, 0]))


def _mean_label(observed: Sequence[tuple[str, float]], touchpoint: str) -> str:
    own = [sentiment for name, sentiment in observed if name == touchpoint]
    return label_of(sum(own) / len(own))


def _quotes(texts: Sequence[Feedback], got: Sequence[Analysis]) -> Measure:
    rows = np.zeros((len(got), 2))
    for row, feedback, analysis in zip(rows, texts, got, strict=True):
        for quote in [o.quote for o in analysis.observations] + [r.quote for r in analysis.risks]:
            text = feedback.text if quote.turn is None else feedback.turns[quote.turn].text
            row += (1, bool(quote.text.strip()) and text[quote.start : quote.end] == quote.text)
    return Measure(int(rows[:, 0].sum()), rows, lambda s: _ratio(s[:, 1], s[:, 0]))
