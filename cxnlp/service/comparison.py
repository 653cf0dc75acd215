"""How well versions of the heads agree with people: on corrections that no version learns from, and on the regression set."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cxnlp.evaluation.labelled import Labels
from cxnlp.heads import Passage, ShippedHeads
from cxnlp.records import Analysis, Record, Vectors, rounded
from cxnlp.store import Store
from cxnlp.taxonomy import NO_CAUSE

FIELDS: Final[tuple[str, ...]] = ("sentiment", "intent", "observations", "risks")
_HELD_OUT_ONE_IN: Final = 5


@dataclass(frozen=True, slots=True)
class Judged:
    """A text as the heads see it, and what people say is right."""

    passage: Passage
    labels: Labels


@dataclass(frozen=True, slots=True)
class Agreement:
    """Mean agreement with people, in [0, 1].

    Attributes:
        n: Texts.
        all: Mean over all labels of all texts; None where there are none.
        fields: Mean of each field of `FIELDS` that is labelled somewhere.
    """

    n: int
    all: float | None
    fields: Mapping[str, float]

    def to_json(self) -> dict[str, Any]:
        """Return it as the API shows it."""
        return {"n": self.n, "agreement": None if self.all is None else rounded(self.all)} | {k: rounded(v) for k, v in self.fields.items()}


def is_held_out(record_id: str) -> bool:
    """Tell whether a record is of the fifth that is never learnt from; that hangs on its id alone, so it stays so."""
    return int(hashlib.sha256(record_id.encode()).hexdigest()[:8], 16) % _HELD_OUT_ONE_IN == 0


def corrected_records(store: Store) -> list[Judged]:
    """Return the records that people corrected, as far as they have vectors of the active generation and content that has not changed since."""
    ids = store.feedback.corrected_ids()
    records, vectors = store.feedback.get_many(ids), store.vectors.get_many(ids)
    return [_judged(record, vectors[i]) for i, record in records.items() if i in vectors and record.analysis]


def measure(heads: ShippedHeads, judged: Sequence[Judged]) -> Agreement:
    """Return how well heads agree with people."""
    got = heads.read([one.passage for one in judged]) if judged else []
    by_field: dict[str, list[float]] = {}
    for one, analysis in zip(judged, got, strict=True):
        for field, value in agreements(one.labels, analysis).items():
            by_field.setdefault(field, []).append(value)
    values = [value for one in by_field.values() for value in one]
    fields = {field: sum(by_field[field]) / len(by_field[field]) for field in FIELDS if field in by_field}
    return Agreement(len(judged), sum(values) / len(values) if values else None, fields)


def agreements(labels: Labels, got: Analysis) -> dict[str, float]:
    """Return for each labelled field how well an analysis agrees, in [0, 1].

    A sentiment by 1 less its distance, at least 0; an intent by 0 or 1; (touchpoint, cause) pairs and risks by their F1, 1 where both are empty.
    """
    found: dict[str, float] = {}
    if labels.sentiment is not None:
        found["sentiment"] = max(0.0, 1 - abs(labels.sentiment - got.sentiment))
    if labels.intent is not None:
        found["intent"] = float(labels.intent == got.intent)
    if labels.observations is not None:
        found["observations"] = _f1({(t, c) for t, c, _ in labels.observations}, {(o.touchpoint, o.cause or NO_CAUSE) for o in got.observations})
    if labels.risks is not None:
        found["risks"] = _f1(set(labels.risks), {risk.id for risk in got.risks})
    return found


def _f1(true: set[Any], got: set[Any]) -> float:
    return 2 * len(true & got) / (len(true) + len(got)) if true or got else 1.0


def _judged(record: Record, vectors: Vectors) -> Judged:
    analysis = record.analysis
    assert analysis
    fields = set(record.corrected) - set(record.stale)
    labels = Labels(
        sentiment=analysis.sentiment if "sentiment" in fields else None,
        intent=analysis.intent if "intent" in fields else None,
        observations=tuple((o.touchpoint, o.cause or NO_CAUSE, o.sentiment) for o in analysis.observations) if "observations" in fields else None,
        risks=tuple(risk.id for risk in analysis.risks) if "risks" in fields else None,
    )
    return Judged(Passage(record.feedback, analysis.language, vectors.document, vectors.clauses, vectors.spans), labels)
