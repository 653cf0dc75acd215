"""How sure a measure is: its value with the interval in which it lies with 95 % confidence, and the same of a difference. Whole arrays at once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from cxnlp.insight.series import MEASURES, SHARES
from cxnlp.insight.tails import Numbers

MEASURED: Final = (*MEASURES, "satisfaction")
"""What has a value: `MEASURES`, and the mean of `satisfaction` of conversations, -1 to 1."""
_MEANS: Final = ("sentiment", "satisfaction")
_Z: Final = 1.959964
_T: Final = (12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622)
_Bounds = tuple[Numbers, Numbers]


@dataclass(frozen=True)
class Estimates:
    """Values of a measure, all arrays of one shape; NaN where nobody answered.

    Attributes:
        value: As `cxnlp.insight.series.measured` has it; of volume 0 where there is nothing.
        n: Answers that it rests on.
        low: Lower end of the interval.
        high: Upper end of it.
    """

    value: Numbers = field(compare=False)
    n: Numbers = field(compare=False)
    low: Numbers = field(compare=False)
    high: Numbers = field(compare=False)


def sums_for(measure: str) -> tuple[str, ...]:
    """Return the names of the sums that a measure is computed from."""
    if measure in _MEANS:
        return (measure, f"{measure}_squares", f"{measure}_answers")
    if measure == "nps":
        return ("promoters", "detractors", "nps_answers")
    return ("n",) if measure == "volume" else SHARES[measure]


def estimate(measure: str, sums: Mapping[str, Numbers]) -> Estimates:
    """Return the values of one of `MEASURED` from the sums that `sums_for` names, which are of one shape.

    The intervals: of a share Wilson's (1927), of a mean Student's with the deviation of the sample, none for a single answer; of the NPS the adjusted
    Wald interval with three answers more, ¾ promoters and ¾ detractors, which holds for few answers too (Rocks, The American Statistician 70(4),
    2016); of a volume that of a Poisson count by Byar's approximation (Breslow, Day 1987): the count itself is exact, the interval says what the same
    stream might bring another time.
    """
    if measure == "volume":
        n = sums["n"]
        return Estimates(n.astype(np.float64), n, *_of_count(n))
    if measure in _MEANS:
        total, squares, n = (sums[name] for name in sums_for(measure))
        return _estimates(_ratio(total, n), n, _of_mean(total, squares, n))
    if measure == "nps":
        good, bad, n = (sums[name] for name in sums_for(measure))
        return _estimates(100 * _ratio(good - bad, n), n, _of_nps(good, bad, n))
    hits, n = (sums[name] for name in SHARES[measure])
    return _estimates(_ratio(hits, n), n, _of_share(hits, n))


def difference(now: Estimates, before: Estimates) -> tuple[Numbers, Numbers, Numbers]:
    """Return the change of a measure and the ends of its interval, from those of the two values; chance alone may have made it if that holds 0.

    The method of variance estimates recovery (Zou, Donner 2008), of shares the same as Newcombe's (1998, method 10). NaN where one is unknown.
    """
    change = now.value - before.value
    low = change - np.hypot(now.value - now.low, before.high - before.value)
    high = change + np.hypot(now.high - now.value, before.value - before.low)
    return change, low, high


def _estimates(value: Numbers, n: Numbers, bounds: _Bounds) -> Estimates:
    low, high = (np.where(n > 0, bound, np.nan) for bound in bounds)
    return Estimates(value, n, np.minimum(low, value), np.maximum(high, value))


def _ratio(part: Numbers, of: Numbers) -> Numbers:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(of > 0, part / of, np.nan)


def _of_count(n: Numbers) -> _Bounds:
    some, more = np.maximum(n, 1.0), n + 1.0
    low = np.where(n > 0, some * (1 - 1 / (9 * some) - _Z / (3 * np.sqrt(some))) ** 3, 0.0)
    return np.maximum(low, 0.0), more * (1 - 1 / (9 * more) + _Z / (3 * np.sqrt(more))) ** 3


def _of_share(hits: Numbers, n: Numbers) -> _Bounds:
    some = np.maximum(n, 1.0)
    share, square = hits / some, _Z * _Z
    middle = (share + square / (2 * some)) / (1 + square / some)
    half = _Z / (1 + square / some) * np.sqrt(share * (1 - share) / some + square / (4 * some * some))
    return np.maximum(middle - half, 0.0), np.minimum(middle + half, 1.0)


def _of_mean(total: Numbers, squares: Numbers, n: Numbers) -> _Bounds:
    """Return the interval of a mean in [-1, 1]."""
    freedom = np.maximum(n - 1, 1.0)
    mean = _ratio(total, n)
    variance = np.maximum(squares - total * mean, 0.0) / freedom
    half = np.where(n > 1, _student(freedom) * np.sqrt(variance / np.maximum(n, 1.0)), np.nan)
    return np.maximum(mean - half, -1.0), np.minimum(mean + half, 1.0)


def _of_nps(promoters: Numbers, detractors: Numbers, n: Numbers) -> _Bounds:
    more = n + 3.0
    good, bad = (promoters + 0.75) / more, (detractors + 0.75) / more
    half = _Z * np.sqrt((good + bad - (good - bad) ** 2) / more)
    return 100 * np.maximum(good - bad - half, -1.0), 100 * np.minimum(good - bad + half, 1.0)


def _student(freedom: Numbers) -> Numbers:
    """Return the 97.5 % point of Student's t, to 0.001: a table below ten degrees of freedom, from there Cornish and Fisher's expansion."""
    v = np.maximum(freedom, float(len(_T) + 1))
    z = _Z
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
    )
    far = z + sum(term / v**power for power, term in enumerate(terms, 1))
    near = np.array(_T)[np.clip(freedom.astype(np.int64), 1, len(_T)) - 1]
    found: Numbers = np.where(freedom <= len(_T), near, far)
    return found
