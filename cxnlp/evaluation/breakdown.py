"""Where the model is right and wrong: a table of labels, and what it most often takes for what."""

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from cxnlp.evaluation.labelled import Labels
from cxnlp.evaluation.measures import sets_of
from cxnlp.records import Analysis
from cxnlp.taxonomy import NO_CAUSE, Taxonomy, load_taxonomy

NOTHING: Final = "-"
_TABLED: Final = ("intent", "touchpoint", "cause", "risk")


@dataclass(frozen=True, slots=True)
class LabelScore:
    """How well one label is found.

    Attributes:
        kind: intent, touchpoint, cause or risk.
        id: Of the label.
        precision: Share of the texts that got it which should have it; 0 where none got it.
        recall: Share of the texts that should have it which got it; 0 where none should.
        f1: Their harmonic mean.
        support: Texts that should have it.
    """

    kind: str
    id: str
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True, slots=True)
class Confusion:
    """One thing taken for another.

    Attributes:
        kind: label, intent, touchpoint or cause (at a touchpoint that is right).
        expected: What is right, `-` for nothing.
        got: What the model read, `-` for nothing.
        n: In how many texts.
    """

    kind: str
    expected: str
    got: str
    n: int


def score_labels(gold: Sequence[Labels], got: Sequence[Analysis], taxonomy: Taxonomy | None = None) -> list[LabelScore]:
    """Return the scores of every label that occurs, by kind, the most frequent first.

    Args:
        gold: (n,) what is right.
        got: (n,) what the model read, in the same order.
        taxonomy: The default one if left out.
    """
    found = []
    for kind in _TABLED:
        counts: Counter[tuple[str, Hashable]] = Counter()
        for pair in sets_of(kind, gold, got, taxonomy or load_taxonomy()):
            if pair:
                counts.update([("gold", x) for x in pair[0]] + [("got", x) for x in pair[1]] + [("both", x) for x in pair[0] & pair[1]])
        labels = sorted({str(x) for _, x in counts}, key=lambda x: (-counts["gold", x], x))
        found += [_label_score(kind, x, counts["gold", x], counts["got", x], counts["both", x]) for x in labels]
    return found


def find_confusions(gold: Sequence[Labels], got: Sequence[Analysis], n: int = 10) -> list[Confusion]:
    """Return the `n` commonest confusions, the commonest first.

    A missed and a wrong touchpoint of the same text count as one taken for the other; causes are compared at touchpoints that both sides name.
    """
    counts: Counter[tuple[str, str, str]] = Counter()
    for g, a in zip(gold, got, strict=True):
        counts.update(set(_confusions(g, a)))
    return [Confusion(*key, times) for key, times in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:n]]


def _label_score(kind: str, id: str, n_gold: int, n_got: int, n_both: int) -> LabelScore:
    f1 = 2 * n_both / max(1, n_gold + n_got)
    return LabelScore(kind, id, n_both / max(1, n_got), n_both / max(1, n_gold), f1, n_gold)


def _confusions(gold: Labels, got: Analysis) -> Iterator[tuple[str, str, str]]:
    if gold.polarity and gold.polarity != got.label:
        yield "label", gold.polarity, got.label
    if gold.intent and gold.intent != got.intent:
        yield "intent", gold.intent, got.intent
    if gold.observations is None:
        return
    expected: dict[str, set[str]] = {}
    read: dict[str, set[str]] = {}
    for touchpoint, cause, _ in gold.observations:
        expected.setdefault(touchpoint, set()).add(cause)
    for o in got.observations:
        read.setdefault(o.touchpoint, set()).add(o.cause or NO_CAUSE)
    yield from _cross("touchpoint", expected.keys() - read.keys(), read.keys() - expected.keys())
    for touchpoint in expected.keys() & read.keys():
        missed, wrong = expected[touchpoint] - read[touchpoint], read[touchpoint] - expected[touchpoint]
        if missed and wrong:
            yield from _cross("cause", missed, wrong)


def _cross(kind: str, missed: set[str], wrong: set[str]) -> Iterator[tuple[str, str, str]]:
    for expected in missed or {NOTHING}:
        for got in wrong or {NOTHING}:
            if expected != got:
                yield kind, expected, got
