"""Slow drifts, and since when something moves: cumulative sums of standardised residuals (CUSUM: Page 1954)."""

from typing import Final

import numpy as np

from cxnlp.insight.tails import Numbers

ALLOWED: Final = 0.5
_MOST_SCORE: Final = 3.0
_OVERSHOOT: Final = 0.583
_UNSURE: Final = 0.15
_STILL_DAYS: Final = 7


def running_sum(scores: Numbers) -> Numbers:
    """Return the upward CUSUM of (n_keys, n_days) scores, each at most 3: it grows while scores are above 0.5 and never falls below 0."""
    sums = np.zeros(scores.shape)
    held = np.zeros(len(scores))
    for day in range(scores.shape[1]):
        held = np.maximum(0.0, held + np.clip(scores[:, day], -_MOST_SCORE, _MOST_SCORE) - ALLOWED)
        sums[:, day] = held
    return sums


def end_of_sum(scores: Numbers) -> Numbers:
    """Return where the CUSUM ends, (n_keys,); 0 where the last week is not off any more, as after an incident that is over."""
    still = scores[:, -_STILL_DAYS:].mean(axis=1) >= ALLOWED
    found: Numbers = np.where(still, running_sum(scores)[:, -1], 0.0)
    return found


def chance_of(ends: Numbers) -> Numbers:
    """Return how probable so great a CUSUM is by chance.

    A reflected random walk with drift -k has nearly the tail exp(-2k(s + 0.583)) (Siegmund 1985, ch. 10); k is lessened by what the level that the
    scores are taken from may be off.
    """
    found: Numbers = np.where(ends > 0, np.exp(-2 * (ALLOWED - _UNSURE) * (ends + _OVERSHOOT)), 1.0)
    return found


def onset(scores: Numbers) -> int:
    """Return the position in (n_days,) upward scores since which they are off: behind the last day on which the CUSUM was 0."""
    sums = running_sum(scores[None])[0]
    calm = np.flatnonzero(sums <= 0)
    return min(len(scores) - 1, int(calm[-1]) + 1) if len(calm) else 0
