"""Sums over facts: what every measure is computed from."""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from cxnlp.index.columns import UNITS
from cxnlp.index.facts import Facts, Whole
from cxnlp.records import NEGATIVE_FROM, RATING_RANGES

Sums: TypeAlias = npt.NDArray[np.float64]
_Summed: TypeAlias = tuple[npt.NDArray[Any] | slice, npt.NDArray[np.floating[Any]] | None]
_Known: TypeAlias = dict[str, tuple[npt.NDArray[Any] | slice, Sums]]
_COMPLAINT: Final = "complaint"
_EVERY: Final = slice(None)


def sum_facts(facts: Facts, names: Sequence[str]) -> dict[str, Sums]:
    """Return sums over the facts of each cell and stretch of time, (n_cells, n_buckets) each, exact to the fourth decimal of a sentiment.

    Args:
        facts: Any.
        names: Of `SUMS`: n, records; negative, those with a sentiment of -0.25 or less; complaints; sentiment and satisfaction, their sums, those
            of their squares (`_squares`) and how many have one (`_answers`); csat_good, answers of 4 and 5 among the csat_answers; promoters
            (9, 10) and detractors (0 to 6) among the nps_answers.
    """
    n_cells, n_buckets = facts.n_cells, facts.n_buckets
    places = facts.cells if n_buckets == 1 else facts.cells.astype(np.int64) * n_buckets + facts.buckets
    known: _Known = {}
    found: dict[str, Sums] = {}
    for name in dict.fromkeys(names):
        which, weights = SUMS[name](facts, known)
        summed = np.bincount(places[which], weights, n_cells * n_buckets)
        found[name] = (summed / _SCALES.get(name, 1)).reshape(n_cells, n_buckets)  # whole numbers until now, whose sums are exact
    return found


def _negative(facts: Facts, known: _Known) -> _Summed:
    if facts.feelings is None or facts.weights is None:
        return np.flatnonzero(_numbers(facts, "sentiment") <= np.float32(NEGATIVE_FROM)), None
    return np.flatnonzero(facts.feelings <= round(UNITS * NEGATIVE_FROM) * facts.weights), None


def _complaints(facts: Facts, known: _Known) -> _Summed:
    codes = facts.columns.choices["intent"].codes  # type: ignore[union-attr]
    return np.flatnonzero(codes.coding.among(_upto(facts, codes)[facts.rows], [_COMPLAINT])), None


def _mean(name: str, power: int) -> Callable[[Facts, _Known], _Summed]:
    def summed(facts: Facts, known: _Known) -> _Summed:
        if name not in known:
            known[name] = _answers(facts, name)
        which, values = known[name]
        return which, None if power == 0 else values if power == 1 else values * values

    return summed


def _answers(facts: Facts, name: str) -> tuple[npt.NDArray[Any] | slice, Sums]:
    """Return which facts have a value of a number, and these in ten-thousandths."""
    if name == "sentiment" and facts.feelings is not None and facts.weights is not None:
        return _EVERY, facts.feelings / facts.weights
    values = _numbers(facts, name)
    unknown = np.isnan(values)
    which = np.flatnonzero(~unknown) if unknown.any() else _EVERY
    return which, np.rint(UNITS * values[which].astype(np.float64))


def _rated(scale: str, low: float | None = None, high: float | None = None) -> Callable[[Facts, _Known], _Summed]:
    """Return what tells the facts of records with a rating from `low` to `high` on a scale."""
    bottom, top = RATING_RANGES[scale]

    def mapped(value: float) -> np.float32:
        return np.float32(2 * (value - bottom) / (top - bottom) - 1)

    def summed(facts: Facts, known: _Known) -> _Summed:
        codes = facts.columns.scales.codes
        rated = np.flatnonzero(codes.coding.among(_upto(facts, codes)[facts.rows], [scale]))
        values = facts.columns.numbers["rating"]
        given = values.upto(values.n)[facts.rows[rated]]
        inside = ~np.isnan(given)
        if low is not None:
            inside &= given >= mapped(low)
        if high is not None:
            inside &= given <= mapped(high)
        return rated[inside], None

    return summed


def _numbers(facts: Facts, name: str) -> npt.NDArray[np.float32]:
    values = facts.columns.numbers[name]
    found: npt.NDArray[np.float32] = values.upto(values.n)[facts.rows]
    return found


def _upto(facts: Facts, codes: Any) -> Whole:
    found: Whole = codes.upto(int(facts.rows[-1]) + 1 if len(facts.rows) else 0)
    return found


SUMS: Final[dict[str, Callable[[Facts, _Known], _Summed]]] = {
    "n": lambda facts, known: (_EVERY, None),
    "negative": _negative,
    "complaints": _complaints,
    "sentiment": _mean("sentiment", 1),
    "sentiment_squares": _mean("sentiment", 2),
    "sentiment_answers": _mean("sentiment", 0),
    "satisfaction": _mean("satisfaction", 1),
    "satisfaction_squares": _mean("satisfaction", 2),
    "satisfaction_answers": _mean("satisfaction", 0),
    "csat_good": _rated("csat", low=4),
    "csat_answers": _rated("csat"),
    "promoters": _rated("nps", low=9),
    "detractors": _rated("nps", high=6),
    "nps_answers": _rated("nps"),
}
_SCALES: Final = {name + squares: UNITS**power for name in ("sentiment", "satisfaction") for squares, power in (("", 1), ("_squares", 2))}
