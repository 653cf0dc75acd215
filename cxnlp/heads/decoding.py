"""Scores to an Analysis: which observations and risks to report, and the customer's own words for each."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from cxnlp.heads.conversation import describe
from cxnlp.heads.fewshot import Prototypes, logits
from cxnlp.heads.network import VALUES, Network, Scores, soft_maximum
from cxnlp.heads.trajectory import describe_conversation
from cxnlp.records import NEGATIVE_FROM, POSITIVE_FROM, Analysis, Feedback, Matrix, Observation, Quote, Risk, Span, TurnSentiment, Vector
from cxnlp.taxonomy import Taxonomy
from cxnlp.text.graphemes import widen

_MOST_OBSERVATIONS: Final = 8
_CLAUSES_AT_ONCE: Final = 1_024  # their pairs, 1.5 MB, stay in the cache of a core


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
        found: list[Analysis] = []
        group: list[Passage] = []
        n_clauses = 0
        for passage in passages:
            if group and n_clauses + len(passage.spans) > _CLAUSES_AT_ONCE:
                found += self._read(group)
                group, n_clauses = [], 0
            group.append(passage)
            n_clauses += len(passage.spans)
        return found + self._read(group) if group else found

    def _read(self, passages: Sequence[Passage]) -> list[Analysis]:
        counts = np.array([len(p.spans) for p in passages])
        clauses = np.concatenate([p.clauses for p in passages])
        scores = self._network.score(np.stack([p.document for p in passages]), clauses, counts)
        touchpoints, pairs = self._pairs(scores, clauses)
        presence = np.concatenate([scores.presence, np.zeros((len(passages), len(self._new_touchpoints)), np.float32)], axis=1)
        of_pair = soft_maximum(pairs, counts, self.network.sharpness) + presence[:, :, None]
        of_touchpoint = soft_maximum(touchpoints, counts, self.network.sharpness) + presence
        of_risk = soft_maximum(scores.risk, counts, self.network.sharpness)
        feeling = scores.feeling @ VALUES
        found = []
        for i, (passage, n, end) in enumerate(zip(passages, counts, np.cumsum(counts), strict=True)):
            own = slice(end - n, end)
            chosen = np.argwhere(choose(of_pair[i], of_touchpoint[i], self.network.card["thresholds"]))
            observations = self._observations(passage, chosen, of_pair[i], pairs[own], feeling[own])
            risks = self._risks(passage, of_risk[i], scores.risk[own])
            found.append(self._analysis(passage, scores.sentiment[i], scores.intent[i], feeling[own], (observations, risks)))
        return found

    @cached_property
    def _network(self) -> Network:
        """The network for the trained touchpoints and causes that the taxonomy still has."""
        names = self.network.card["labels"]
        touchpoints = [names["touchpoints"].index(t.id) for t in self.taxonomy.touchpoints if t.trained]
        causes = [names["causes"].index(c.id) for c in self.taxonomy.causes if c.trained]
        return self.network.narrowed(touchpoints, [0, *causes])

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
        touchpoints, pairs = scores.touchpoint, scores.pairs
        if self._new_touchpoints:
            likely = scores.cause - np.log(np.exp(scores.cause).sum(axis=1, keepdims=True))
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
        self, passage: Passage, sentiments: Vector, intents: Vector, feeling: Vector, found: tuple[tuple[Observation, ...], tuple[Risk, ...]]
    ) -> Analysis:
        sentiment, confidence = _sentiment(sentiments, self.network.temperature)
        turns = passage.feedback.turns
        trajectory = _trajectory(passage, feeling) if turns else ()
        return Analysis(
            language=passage.language,
            sentiment=sentiment,
            confidence=confidence,
            intent=self.network.card["labels"]["intents"][int(intents.argmax())],
            observations=found[0],
            risks=found[1],
            model=self.network.card["name"],
            satisfaction=self._satisfaction(passage) if turns else None,
            trajectory=trajectory,
            conversation=describe_conversation(turns, trajectory),
        )

    def _observations(
        self, passage: Passage, chosen: npt.NDArray[np.intp], of_pair: Matrix, pairs: Matrix, feeling: Vector
    ) -> tuple[Observation, ...]:
        """Return at most 8 observations, in the order of their quotes.

        Args:
            passage: The record.
            chosen: (n, 2) numbers of touchpoint and cause of the pairs to report.
            of_pair: (touchpoints, causes) logits of the whole text.
            pairs: (m, touchpoints, causes) logits of its clauses.
            feeling: (m,) sentiment of its clauses in [-1, 1].
        """
        likeliest = chosen[np.argsort(-of_pair[chosen[:, 0], chosen[:, 1]])][:_MOST_OBSERVATIONS]
        found: dict[tuple[int, int], tuple[int, Observation]] = {}
        for t, named in likeliest.tolist():
            clause = int(pairs[:, t, named].argmax())
            value = float(feeling[clause])
            c = agreeing(named, value, of_pair[t])
            value = max(0.0, value) if c == 0 else min(NEGATIVE_FROM, value)
            touchpoint = self._touchpoint_ids[t]
            stage = self.taxonomy.stage_of[touchpoint]
            observation = Observation(touchpoint, stage, self._cause_ids[c], value, _probability(of_pair[t, c]), quote(passage, clause))
            found.setdefault((t, c), (clause, observation))
        return tuple(observation for _, observation in sorted(found.values(), key=lambda pair: pair[0]))

    def _risks(self, passage: Passage, of_risk: Vector, risk: Matrix) -> tuple[Risk, ...]:
        names = self.network.card["labels"]["risks"]
        limits = self.network.card["thresholds"]["risks"]
        over = [r for r, name in enumerate(names) if of_risk[r] > limits[name]]
        return tuple(Risk(names[r], _probability(of_risk[r]), quote(passage, int(risk[:, r].argmax()))) for r in over)

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


def agreeing(cause: int, feeling: float, of_cause: Vector) -> int:
    """Return the cause that goes with a feeling: only what is negative has one, and whatever is negative has one if the taxonomy has any.

    Args:
        cause: Number of a cause; 0 is none.
        feeling: Where the pair was read, in [-1, 1].
        of_cause: (causes,) logits of the pairs of its touchpoint.
    """
    if cause == 0 and feeling <= NEGATIVE_FROM and len(of_cause) > 1:
        return 1 + int(of_cause[1:].argmax())
    return 0 if feeling >= POSITIVE_FROM else cause


def quote(passage: Passage, clause: int) -> Quote:
    """Return the customer's own words of a clause; never empty, never cutting a placeholder or a grapheme."""
    span = passage.spans[clause]
    text = passage.feedback.text if span.turn is None else passage.feedback.turns[span.turn].text
    start, end = widen(text, span.start, span.end)
    return Quote(text[start:end], start, end, span.turn)


def _probability(logit: float) -> float:
    return 1 / (1 + math.exp(-float(logit)))


def _sentiment(probabilities: Vector, temperature: float) -> tuple[float, float]:
    """Return the expected value, moved into the range of the likeliest label, and that label's calibrated probability."""
    shares = probabilities.tolist()
    value = sum(share * of for share, of in zip(shares, VALUES.tolist(), strict=True))
    groups = (shares[0] + shares[1], shares[2], shares[3] + shares[4])
    likeliest = groups.index(max(groups))
    if likeliest == 0:
        value = min(value, NEGATIVE_FROM)
    elif likeliest == 2:
        value = max(value, POSITIVE_FROM)
    else:
        value = min(max(value, NEGATIVE_FROM + 0.01), POSITIVE_FROM - 0.01)
    tempered = probabilities ** (1 / temperature)
    of_label = (slice(0, 2), slice(2, 3), slice(3, 5))[likeliest]
    return value, float(tempered[of_label].sum() / tempered.sum())


def _trajectory(passage: Passage, feeling: Vector) -> tuple[TurnSentiment, ...]:
    turns = np.array([span.turn for span in passage.spans])
    numbers, starts, counts = np.unique(turns, return_index=True, return_counts=True)
    means = np.add.reduceat(feeling, starts) / counts
    return tuple(TurnSentiment(turn, mean) for turn, mean in zip(numbers.tolist(), means.tolist(), strict=True))
