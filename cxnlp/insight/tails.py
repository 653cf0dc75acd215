"""Tails of distributions for whole arrays, and the control of false discoveries. NumPy alone, since SciPy is no dependency of the service."""

from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

Numbers: TypeAlias = npt.NDArray[np.float64]

_STEPS: Final = 300
_TINY: Final = 1e-300
_CLOSE: Final = 1e-12
_SHIFT: Final = 8
_MOST_SIZE: Final = 1e7
_STIRLING: Final = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188)


def log_gamma(x: Numbers) -> Numbers:
    """Return ln Γ(x) for x > 0, to about 12 digits: Stirling's series after a shift by 8 (Abramowitz, Stegun 1964, 6.1.41)."""
    x = np.asarray(x, np.float64)
    shifted = x + _SHIFT
    product = np.ones_like(x)
    for i in range(_SHIFT):
        product = product * (x + i)
    inverse = 1 / shifted
    square = inverse * inverse
    series = np.zeros_like(x)
    for term in reversed(_STIRLING):
        series = series * square + term
    found: Numbers = (shifted - 0.5) * np.log(shifted) - shifted + 0.5 * np.log(2 * np.pi) + series * inverse - np.log(product)
    return found


def incomplete_beta(a: Numbers, b: Numbers, x: Numbers) -> Numbers:
    """Return the regularised incomplete beta function I_x(a, b), by Lentz's continued fraction (Press et al., Numerical Recipes, 6.4).

    Args:
        a: Above 0.
        b: Above 0.
        x: In [0, 1].
    """
    a, b, x = np.broadcast_arrays(*(np.asarray(v, np.float64) for v in (a, b, x)))
    x = np.clip(x, 0.0, 1.0)
    turned = x > (a + 1) / (a + b + 2)
    p, q, y = np.where(turned, b, a), np.where(turned, a, b), np.where(turned, 1 - x, x)
    inside = np.clip(y, _TINY, 1 - 1e-16)
    front = np.exp(log_gamma(p + q) - log_gamma(p) - log_gamma(q) + p * np.log(inside) + q * np.log1p(-inside)) / p
    value = np.where(y <= 0, 0.0, front * _fraction(p, q, inside))
    found: Numbers = np.clip(np.where(turned, 1 - value, value), 0.0, 1.0)
    return found


def _fraction(a: Numbers, b: Numbers, x: Numbers) -> Numbers:
    shape = x.shape
    a, b, x = (part.ravel() for part in (a, b, x))
    value = np.ones_like(x)
    going = np.arange(len(x))
    c, d = np.ones_like(x), 1 / _away(1 - (a + b) * x / (a + 1))
    h = d.copy()
    for m in range(1, _STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d = 1 / _away(1 + even * d)
        c = _away(1 + even / c)
        h = h * d * c
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        d = 1 / _away(1 + odd * d)
        c = _away(1 + odd / c)
        step = d * c
        h = h * step
        value[going] = h
        on = np.abs(step - 1) >= _CLOSE
        if not on.any():
            break
        if 2 * np.count_nonzero(on) < len(on):  # most are done
            going, (a, b, x, c, d, h) = going[on], (part[on] for part in (a, b, x, c, d, h))
    return value.reshape(shape)


def _away(x: Numbers) -> Numbers:
    return np.where(np.abs(x) < _TINY, _TINY, x)


def count_tails(observed: Numbers, mean: Numbers, variance: Numbers) -> tuple[Numbers, Numbers]:
    """Return P(X >= observed) and P(X <= observed) of a negative binomial count; a Poisson count where the variance is not above the mean.

    Args:
        observed: Whole numbers from 0.
        mean: Above 0.
        variance: Of the prediction.
    """
    mean = np.maximum(np.asarray(mean, np.float64), 1e-9)
    excess = np.asarray(variance, np.float64) - mean
    size = np.where(excess > mean**2 / _MOST_SIZE, mean**2 / np.maximum(excess, _TINY), _MOST_SIZE)
    share = mean / (mean + size)
    observed = np.asarray(observed, np.float64)
    at_least = np.where(observed <= 0, 1.0, incomplete_beta(np.maximum(observed, 1.0), size, share))
    above = incomplete_beta(observed + 1, size, share)
    return at_least, 1 - above


def share_tails(hits: Numbers, of: Numbers, share: Numbers, variance_ratio: Numbers) -> tuple[Numbers, Numbers]:
    """Return P(X >= hits) and P(X <= hits) among `of`, for a share that is itself uncertain or varies from day to day.

    The exact tails of a binomial count, where there is more spread those of a count of fewer that has it (the effective number of answers): at
    most as small as the beta-binomial's of the same variance.

    Args:
        hits: 0 to `of`.
        of: Whole numbers from 1.
        share: Expected, in (0, 1).
        variance_ratio: Variance of the count by that of a plain binomial count, at least 1.
    """
    hits, of = np.asarray(hits, np.float64), np.maximum(np.asarray(of, np.float64), 1.0)
    share = np.clip(np.asarray(share, np.float64), 1e-6, 1 - 1e-6)
    strength = np.maximum(of / np.maximum(variance_ratio, 1.0), 1.0)
    k = hits / of * strength
    half = 0.5 * (1 - strength / of)
    at_least = np.where(hits <= 0, 1.0, incomplete_beta(np.maximum(k - half, 1e-6), np.maximum(strength - k + 1 - half, 1e-6), share))
    at_most = np.where(hits >= of, 1.0, 1 - incomplete_beta(np.maximum(k + 1 - half, 1e-6), np.maximum(strength - k - half, 1e-6), share))
    return at_least, at_most


def mean_tails(t: Numbers, freedom: Numbers) -> tuple[Numbers, Numbers]:
    """Return P(T >= t) and P(T <= t) of Student's t distribution with `freedom` degrees of freedom, above 0."""
    t, freedom = np.asarray(t, np.float64), np.asarray(freedom, np.float64)
    far = 0.5 * incomplete_beta(freedom / 2, np.full_like(freedom, 0.5), freedom / (freedom + t * t))
    return np.where(t > 0, far, 1 - far), np.where(t > 0, 1 - far, far)


def discoveries(p: Numbers, rate: float) -> npt.NDArray[np.bool_]:
    """Tell which of (n,) p values stand if at most the part `rate` of what stands may be false (Benjamini, Hochberg 1995); NaN never stands."""
    stands = np.zeros(len(p), np.bool_)
    tested = np.flatnonzero(~np.isnan(p))
    if len(tested):
        order = tested[np.argsort(p[tested], kind="stable")]
        passing = np.flatnonzero(p[order] <= rate * np.arange(1, len(order) + 1) / len(order))
        if len(passing):
            stands[order[: passing[-1] + 1]] = True
    return stands
