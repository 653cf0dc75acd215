"""Series made for these tests: noise around a weekly pattern, with something that moves if wanted."""

import numpy as np

from cxnlp.insight import COUNTS, Key, load_rules, make_panel

RULES = load_rules()


def counts(n=0.0, **sums):
    """Return the counts of a day in the order of `COUNTS`."""
    return [float({"n": n, **sums}.get(name, 0.0)) for name in COUNTS]


def panel_of(first_day=739_800, **daily):
    """Return a panel of lists of daily record numbers, or of daily counts, by `dimension__value`."""
    rows = []
    for name, days in daily.items():
        dimension, _, value = name.partition("__")
        rows += [(dimension, value, first_day + i, counts(day) if np.isscalar(day) else day) for i, day in enumerate(days)]
    return make_panel(rows, first_day, max(len(days) for days in daily.values()))


def noise(mean, n_days, seed=0, weekly=(1.0,) * 7, first_day=739_800):
    """Return Poisson counts with a weekly pattern, that of Monday first."""
    draw = np.random.default_rng(seed)
    return [int(draw.poisson(mean * weekly[(first_day + i - 1) % 7])) for i in range(n_days)]


def answers(n, share, seed=0, of="negative"):
    """Return counts of days with `n` records each, of which about `share` are hits."""
    draw = np.random.default_rng(seed)
    return [counts(n, **{of: int(draw.binomial(n, part))}) for part in share]


ALL = Key("all", "")
