"""What a movement consists of: parts that add up to the change, dimension by dimension, and which of them to tell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np

from cxnlp.insight.findings import Finding
from cxnlp.insight.series import COUNTS, PAIR_SIGN, SHARES, Key, answers_of, hits_of, sums_of
from cxnlp.insight.tails import Numbers

Counts: TypeAlias = Sequence[float] | Numbers

_LEAST_SHARE: Final = 0.25
_NARROW_FROM: Final = 0.7
_LIFTED_FROM: Final = 1.5
_MOST_PARTS: Final = 5
_ABOVE_PAIR: Final = ("touchpoint", "cause", "stage")


@dataclass(frozen=True, slots=True)
class Part:
    """A series within a movement.

    Attributes:
        key: Which.
        n: Records of it in the window, each counted in part where it has several values of the dimension.
        before: Records of it that were to be expected.
        change: What it adds to the change, in the unit of the measure.
        share: That by the whole change; the parts of one dimension, and the records without a value in it, add up to 1.
    """

    key: Key
    n: float
    before: float
    change: float
    share: float

    def to_line(self) -> dict[str, Any]:
        """Return it as JSON."""
        rounded = {name: round(getattr(self, name), 4) for name in ("n", "before", "change", "share")}
        return {"dimension": self.key.dimension, "value": self.key.value, **rounded}


def decompose(
    finding: Finding, dimension: str, now: Mapping[str, Counts], before: Mapping[str, Counts], totals: tuple[Numbers, Numbers]
) -> list[Part]:
    """Return the parts of a movement by the values of a dimension, those that add most first.

    A volume changes by what each value has more than its part of what was expected. A share or mean m changes from m0 by the sum, over the values, of
    (sum of the value's hits - m0 x its answers) / all answers, now less before.

    Args:
        finding: What moved.
        dimension: By which.
        now: Counts of each value among the records of the series in the window, as weighted that a record counts once in all.
        before: The same in the time before.
        totals: Counts of all records of the series in the window, and in the time before.
    """
    whole = finding.observed - finding.expected
    parts = []
    for value in {**now, **before}:
        counts, past = (np.asarray(given.get(value, np.zeros(len(COUNTS))), np.float64) for given in (now, before))
        usual = finding.expected if finding.measure == "volume" else totals[0][0]
        expected = usual * past[0] / max(totals[1][0], 1.0)
        is_volume = finding.measure == "volume"
        change = counts[0] - expected if is_volume else _lift(finding, counts, totals[0]) - _lift(finding, past, totals[1])
        parts.append(Part(Key(dimension, value), float(counts[0]), float(expected), float(change), float(change / whole) if whole else 0.0))
    return sorted(parts, key=lambda part: -part.share)


def leading_parts(parts: Sequence[Part], lead: Key, usual: Mapping[Key, float], n: float) -> list[Part]:
    """Return up to five parts worth telling, those that explain most first.

    Each explains a quarter of the change or more, and clearly more than its share in all feedback: one and a half times that, and by two standard
    deviations, since half of anything that moves may come from the half of the customers that is always there.

    A pair stands for its touchpoint, cause and stage where it explains seven tenths of what they do, and so does a touchpoint for its stage;
    otherwise the wider one stands for the pair. So nothing is told twice.

    Args:
        parts: Of all dimensions.
        lead: What moved; it does not explain itself.
        usual: The share of each series in all feedback.
        n: Records that moved.
    """
    telling = [part for part in parts if part.key != lead and part.share >= max(_LEAST_SHARE, _telling_from(usual.get(part.key, 0.0), n))]
    best = {dimension: max((p for p in telling if p.key.dimension == dimension), key=lambda p: p.share, default=None) for dimension in _ABOVE_PAIR}
    pair = max((part for part in telling if part.key.dimension == "pair"), key=lambda part: part.share, default=None)
    dropped: set[Key] = set()
    widest = max((part.share for dimension in ("touchpoint", "cause") if (part := best[dimension]) is not None), default=0.0)
    if pair is not None and pair.share >= _NARROW_FROM * widest:
        touchpoint, cause = pair.key.value.split(PAIR_SIGN, 1)
        dropped |= {Key("touchpoint", touchpoint), Key("cause", cause)}
        dropped |= {part.key for part in telling if part.key.dimension == "stage"}
    else:
        dropped |= {part.key for part in telling if part.key.dimension == "pair"}
        if (place := best["touchpoint"]) is not None:
            dropped |= {part.key for part in telling if part.key.dimension == "stage" and place.share >= _NARROW_FROM * part.share}
    if lead.dimension == "pair":
        touchpoint, cause = lead.value.split(PAIR_SIGN, 1)
        dropped |= {Key("touchpoint", touchpoint), Key("cause", cause)} | {part.key for part in telling if part.key.dimension == "stage"}
    return sorted((part for part in telling if part.key not in dropped), key=lambda part: -part.share)[:_MOST_PARTS]


def _telling_from(usual: float, n: float) -> float:
    return max(_LIFTED_FROM * usual, usual + 2 * float(np.sqrt(usual * (1 - min(usual, 1.0)) / max(n, 1.0))))


def _lift(finding: Finding, counts: Numbers, total: Numbers) -> float:
    hits = hits_of(finding.measure, counts) if finding.measure in SHARES else sums_of(finding.measure, counts)[0]
    answers = max(float(answers_of(finding.measure, total)), 1.0)
    return float((hits - finding.expected * answers_of(finding.measure, counts)) / answers)
