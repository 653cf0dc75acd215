"""What the shipped model must reach on the regression set, so that no change makes it worse unseen; training/evaluate.py --write-floors renews it."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cxnlp.evaluation.scoring import Figure

PATH: Final = Path(__file__).with_name("floors.json")
MARGIN: Final = 0.03
LOWER_IS_BETTER: Final = frozenset({"sentiment_mae", "calibration_error"})


def load_floors() -> dict[str, float]:
    """Return the bound of each figure: the least value, of those in `LOWER_IS_BETTER` the greatest."""
    floors: dict[str, float] = json.loads(PATH.read_text(encoding="utf-8"))
    return floors


def set_floors(figures: Mapping[str, Figure], before: Mapping[str, float]) -> dict[str, float]:
    """Return bounds that lie 0.03 below what was measured, rounded down to two decimals; above and up where lower is better.

    Args:
        figures: What was measured.
        before: The bounds until now: none becomes easier.
    """
    found = {name: _bound(name, figure.value) for name, figure in figures.items()}
    return {name: (min if name in LOWER_IS_BETTER else max)(bound, before.get(name, bound)) for name, bound in found.items()}


def find_drops(figures: Mapping[str, Figure], floors: Mapping[str, float]) -> list[str]:
    """Return a line for each figure that misses its bound or is gone; empty if all hold."""
    lines = []
    for name, floor in floors.items():
        figure = figures.get(name)
        if figure is None:
            lines.append(f"{name}: is not measured any more, must be {floor:.2f}")
        elif name in LOWER_IS_BETTER and figure.value > floor:
            lines.append(f"{name}: {figure.value:.3f} is over {floor:.2f} (n = {figure.n})")
        elif name not in LOWER_IS_BETTER and figure.value < floor:
            lines.append(f"{name}: {figure.value:.3f} is under {floor:.2f} (n = {figure.n})")
    return lines


def _bound(name: str, value: float) -> float:
    if name in LOWER_IS_BETTER:
        return math.ceil(round((value + MARGIN) * 100, 6)) / 100
    return math.floor(round((value - MARGIN) * 100, 6)) / 100
