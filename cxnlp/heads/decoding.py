"""Scores to an Analysis: which observations and risks to report, and the customer's own words for each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from cxnlp.heads.conversation import describe
from cxnlp.heads.fewshot import Prototypes, logits
from cxnlp.heads.network import VALUES, Network, Scores, soft_maximum
from cxnlp.records import NEGATIVE_FROM, POSITIVE_FROM, Analysis, Feedback, Matrix, Observation, Quote, Risk, Span, TurnSentiment, Vector
from cxnlp.taxonomy import Taxonomy
from cxnlp.text.graphemes import widen

_MOST_OBSERVATIONS: Final = 8


@dataclass(frozen=True, slots=True)
class Passage:
    """One record as the heads see it.

    Attributes:
        feedback: The record.
        language: Its language.
        document: (dim,) float32.
        clauses: (m, dim) float32, m at least 1.
        spans: Where each clause stands; m of them.
    """

    feedback: Feedback
    language: str
    document: Vector = field(compare=False, repr=False)
    clauses: Matrix = field(compare=False, repr=False)
    spans: tuple[Span, ...]


@dataclass(frozen=True)
class ShippedHeads:
    """Reads analyses off vectors with the shipped network and the user's taxonomy."""

    network: Network
    taxonomy: Taxonomy
    prototypes: Prototypes = field(default_factory=Prototypes)

    def read(self, passages: Sequence[Passage]) -> list[Analysis]:
        """Return one analysis a passage, in order."""
        if not passages:
            return []
        counts = np.array([len(p.spans) for p in passages])
        clauses = np.concatenate([p.clauses for p in passages])
        scores = self.network.score(np.stack([p.document for p in passages]), clauses, counts)
        touchpoints, pairs = self._pairs(scores, clauses)
        presence = np.concatenate([scores.presence[:, self._trained], np.zeros((len(passages), len(self._new_touchpoints)), np.float32)], axis=1)
        ends = np.cumsum(counts)
        found = []
        for i, (passage, n, end) in enumerate(zip(passages, counts, ends, strict=True)):
            own = slice(end - n, end)
            feeling = scores.feeling[own] @ VALUES
            observations = self._observations(passage, touchpoints[own], pairs[own], presence[i], feeling)
            found.append(self._analysis(passage, scores.sentiment[i], scores.intent[i], scores.risk[own], feeling, observations))
        return found

    @cached_property
    def _trained(self) -> list[int]:
        """Columns of the network for the trained touchpoints that the taxonomy still has."""
        names = self.network.card["labels"]["touchpoints"]
        return [names.index(t.id) for t in self.taxonomy.touchpoints if t.trained]

    @cached_property
    def _trained_causes(self) -> list[int]:
        names = self.network.card["labels"]["causes"]
        return [0, *(names.index(c.id) for c in self.taxonomy.causes if c.trained)]

    @cached_property
    def _new_touchpoints(self) -> list[str]:
        return [t.id for t in self.taxonomy.touchpoints if not t.trained]

    @cached_property
    def _new_causes(self) -> list[str]:
        return [c.id for c in self.taxonomy.causes if not c.trained]

    @cached_property
    def _touchpoint_ids(self) -> list[str]:
        return [t.id for t in self.taxonomy.touchpoints if t.trained] + self._new_touchpoints

    @cached_property
    def _cause_ids(self) -> list[str | None]:
        return [None, *(c.id for c in self.taxonomy.causes if c.trained), *self._new_causes]

    def _pairs(self, scores: Scores, clauses: Matrix) -> tuple[Matrix, Matrix]:
        """Return logits (m, touchpoints) and (m, touchpoints, causes) in the order of `_touchpoint_ids` and `_cause_ids`."""
        touchpoints = scores.touchpoint[:, self._trained]
        pairs = scores.pairs[:, self._trained][:, :, self._trained_causes]
        if self._new_touchpoints:
            cause = scores.cause[:, self._trained_causes]
            likely = cause - np.log(np.exp(cause).sum(axis=1, keepdims=True))
            new = self._few_shot(clauses, [self.prototypes.touchpoints[t] for t in self._new_touchpoints])
            touchpoints = np.concatenate([touchpoints, new], axis=1)
            pairs = np.concatenate([pairs, new[:, :, None] + likely[:, None, :]], axis=1)
        if self._new_causes:
            new = self._few_shot(clauses, [self.prototypes.causes[c] for c in self._new_causes])
            pairs = np.concatenate([pairs, np.minimum(pairs.max(axis=2)[:, :, None], new[:, None, :])], axis=2)
        return touchpoints, pairs

    def _few_shot(self, clauses: Matrix, prototypes: Sequence[Matrix]) -> Matrix:
        constants = self.network.card["few_shot"]
        mean = self.network.weights["clause_mean"]
        return np.stack([logits(clauses, p, mean, constants["slope"], constants["offset"]) for p in prototypes], axis=1)

    def _analysis(
        self, passage: Passage, sentiments: Vector, intents: Vector, risk: Matrix, feeling: Vector, observations: tuple[Observation, ...]
    ) -> Analysis:
        sentiment, confidence = _sentiment(sentiments)
        turns = passage.feedback.turns
        return Analysis(
            language=passage.language,
            sentiment=sentiment,
            confidence=confidence,
            intent=self.network.card["labels"]["intents"][int(intents.argmax())],
            observations=observations,
            risks=self._risks(passage, risk),
            model=self.network.card["name"],
            satisfaction=self._satisfaction(passage) if turns else None,
            trajectory=_trajectory(passage, feeling) if turns else (),
        )

    def _observations(self, passage: Passage, touchpoints: Matrix, pairs: Matrix, presence: Vector, feeling: Vector) -> tuple[Observation, ...]:
        """Return at most 8 observations, in the order of their quotes.

        Args:
            passage: The record.
            touchpoints: (m, touchpoints) logits of its clauses.
            pairs: (m, touchpoints, causes) logits of its clauses.
            presence: (touchpoints,) logits of the whole text.
            feeling: (m,) sentiment of its clauses in [-1, 1].
        """
        of_pair = soft_maximum(pairs, self.network.sharpness) + presence[:, None]
        of_touchpoint = soft_maximum(touchpoints, self.network.sharpness) + presence
        over = np.argwhere(choose(of_pair, of_touchpoint, self.network.card["thresholds"]))
        over = over[np.argsort(-of_pair[over[:, 0], over[:, 1]])][:_MOST_OBSERVATIONS]
        found = []
        for t, c in over:
            clause = int(pairs[:, t, c].argmax())
            cause = self._cause_ids[c]
            value = float(feeling[clause])
            value = max(0.0, value) if cause is None else min(NEGATIVE_FROM, value)
            touchpoint = self._touchpoint_ids[t]
            confidence = 1 / (1 + np.exp(-float(of_pair[t, c])))
            stage = self.taxonomy.stage_of[touchpoint]
            found.append((clause, Observation(touchpoint, stage, cause, value, float(confidence), quote(passage, clause))))
        return tuple(observation for _, observation in sorted(found, key=lambda pair: pair[0]))

    def _risks(self, passage: Passage, risk: Matrix) -> tuple[Risk, ...]:
        whole = soft_maximum(risk, self.network.sharpness)
        over = np.flatnonzero(whole > self.network.card["thresholds"]["risk"])
        names = self.network.card["labels"]["risks"]
        return tuple(Risk(names[r], float(1 / (1 + np.exp(-whole[r]))), quote(passage, int(risk[:, r].argmax()))) for r in over)

    def _satisfaction(self, passage: Passage) -> float:
        weights = self.network.weights
        turns = np.array([span.turn for span in passage.spans])
        value = describe(passage.document, passage.clauses, turns) @ weights["satisfaction.weight"] + weights["satisfaction.bias"][0]
        return float(np.clip(value, -1, 1))


def choose(of_pair: Matrix, of_touchpoint: Vector, thresholds: Mapping[str, float]) -> npt.NDArray[np.bool_]:
    """Return which (touchpoint, cause) pairs of one text to report.

    Those over the threshold; for a touchpoint that is sure without any cause being so, its likeliest pair; and if that leaves nothing, the
    likeliest of all unless even that is unlikely.

    Args:
        of_pair: (touchpoints, causes) logits.
        of_touchpoint: (touchpoints,) logits.
        thresholds: Logits `pair`, `touchpoint` and `only`.
    """
    chosen = of_pair > thresholds["pair"]
    sure = np.flatnonzero((of_touchpoint > thresholds["touchpoint"]) & ~chosen.any(axis=1))
    chosen[sure, of_pair[sure].argmax(axis=1)] = True
    if not chosen.any() and of_pair.max() > thresholds["only"]:
        chosen[np.unravel_index(of_pair.argmax(), of_pair.shape)] = True
    return chosen


def quote(passage: Passage, clause: int) -> Quote:
    """Return the customer's own words of a clause; never empty, never cutting a placeholder or a grapheme."""
    span = passage.spans[clause]
    text = passage.feedback.text if span.turn is None else passage.feedback.turns[span.turn].text
    start, end = widen(text, span.start, span.end)
    return Quote(text[start:end], start, end, span.turn)


def _sentiment(probabilities: Vector) -> tuple[float, float]:
    """Return the expected value, moved into the range of the likeliest label, and that label's probability."""
    value = float(probabilities @ VALUES)
    groups = np.array([probabilities[:2].sum(), probabilities[2], probabilities[3:].sum()])
    likeliest = int(groups.argmax())
    if likeliest == 0:
        value = min(value, NEGATIVE_FROM)
    elif likeliest == 2:
        value = max(value, POSITIVE_FROM)
    else:
        value = min(max(value, NEGATIVE_FROM + 0.01), POSITIVE_FROM - 0.01)
    return value, float(groups[likeliest])


def _trajectory(passage: Passage, feeling: Vector) -> tuple[TurnSentiment, ...]:
    turns = np.array([span.turn for span in passage.spans])
    return tuple(TurnSentiment(int(turn), float(feeling[turns == turn].mean())) for turn in np.unique(turns))
