"""The trained network, in numpy: what training/train_heads.py fits, without torch.

Multiple-instance learning (Ilse et al. 2018): a text's score of a label is the soft maximum of its clauses' scores, so the clause that wins is
where the label was read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import orjson
from safetensors import SafetensorError
from safetensors.numpy import load, load_file, save

from cxnlp.errors import ArtefactError
from cxnlp.records import Matrix

Ints: TypeAlias = npt.NDArray[np.intp]

VALUES: Final = np.array([-1.0, -0.5, 0.0, 0.5, 1.0], np.float32)
_FORMAT: Final = 1


@dataclass(frozen=True, eq=False)
class Scores:
    """What the network says of n texts with m clauses; logits unless named otherwise.

    Attributes:
        sentiment: (n, 5) probabilities of `VALUES`.
        intent: (n, n_intents) probabilities.
        touchpoint: (m, n_touchpoints) of each clause.
        cause: (m, n_causes) of each clause; the first is no cause.
        pairs: (m, n_touchpoints, n_causes) of each clause.
        presence: (n, n_touchpoints) what the text as a whole adds to a touchpoint.
        feeling: (m, 5) probabilities of `VALUES` for each clause.
        risk: (m, n_risks) of each clause.
    """

    sentiment: Matrix
    intent: Matrix
    touchpoint: Matrix
    cause: Matrix
    pairs: Matrix
    presence: Matrix
    feeling: Matrix
    risk: Matrix


@dataclass(frozen=True, eq=False)
class Network:
    """Weights by name, and the card that describes them."""

    weights: Mapping[str, Matrix]
    card: Mapping[str, Any]

    @property
    def sharpness(self) -> float:
        """Of the soft maximum."""
        return float(self.card["config"]["sharpness"])

    @property
    def temperature(self) -> float:
        """By which the probabilities of sentiment are calibrated (Guo et al. 2017); 1 where the card has none."""
        return float(self.card.get("calibration", {}).get("sentiment", 1.0))

    def score(self, documents: Matrix, clauses: Matrix, counts: Ints) -> Scores:
        """Return the scores of n texts.

        Args:
            documents: (n, dim) float32.
            clauses: (m, dim) float32, those of a text together, texts in order.
            counts: (n,) clauses of each text, each at least 1.
        """
        w = self.weights
        starts = np.cumsum(counts) - counts
        x_document = (documents - w["document_mean"]) * w["document_scale"]
        x_clause = (clauses - w["clause_mean"]) * w["clause_scale"]
        context = np.repeat(x_document @ w["context.weight"].T, counts, axis=0)
        of_clause = np.maximum(self._linear("clause", x_clause) + context, 0)
        of_document = np.maximum(self._linear("document", x_document), 0)
        mean = np.add.reduceat(of_clause, starts) / counts[:, None]
        whole = np.concatenate([of_document, mean, np.maximum.reduceat(of_clause, starts)], axis=1, dtype=np.float32)
        touchpoint, cause = self._linear("touchpoint", of_clause), self._linear("cause", of_clause)
        return Scores(
            sentiment=softmax(self._linear("sentiment", whole)),
            intent=softmax(self._linear("intent", whole)),
            touchpoint=touchpoint,
            cause=cause,
            pairs=touchpoint[:, :, None] + cause[:, None, :] + w["pair"],
            presence=self._linear("presence", whole),
            feeling=softmax(self._linear("feeling", of_clause)),
            risk=self._linear("risk", of_clause),
        )

    def narrowed(self, touchpoints: Sequence[int], causes: Sequence[int]) -> "Network":
        """Return the network for these touchpoints and causes alone, by their numbers, in this order."""
        chosen = dict(self.weights)
        for name, rows in (("touchpoint", touchpoints), ("presence", touchpoints), ("cause", causes)):
            chosen |= {f"{name}.{part}": self.weights[f"{name}.{part}"][rows] for part in ("weight", "bias")}
        chosen["pair"] = self.weights["pair"][np.ix_(touchpoints, causes)]
        return Network(chosen, self.card)

    def to_bytes(self) -> bytes:
        """Return the weights as safetensors."""
        packed: bytes = save({name: np.ascontiguousarray(value) for name, value in self.weights.items()})
        return packed

    def _linear(self, name: str, x: Matrix) -> Matrix:
        y: Matrix = x @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]
        return y


def load_network(folder: Path) -> Network:
    """Return the network in `folder` (card.json, model.safetensors).

    Raises:
        ArtefactError: A file is missing, damaged, or of another format.
    """
    try:
        card = orjson.loads((folder / "card.json").read_bytes())
        weights = load_file(folder / "model.safetensors")
    except (OSError, orjson.JSONDecodeError, SafetensorError) as error:
        raise ArtefactError(f"{folder}: missing or damaged ({error}); restore it from the repository or set CXNLP_MODELS_DIR") from error
    if card.get("format") != _FORMAT:
        raise ArtefactError(f"{folder}: format {card.get('format')!r}, this version of cxnlp reads {_FORMAT}; use models of the same release")
    return Network(weights, card)


def read_network(card: Mapping[str, Any], weights: bytes) -> Network:
    """Return the network of a card and of weights as `Network.to_bytes` gives them.

    Raises:
        ArtefactError: The weights are damaged.
    """
    try:
        return Network(load(weights), card)
    except SafetensorError as error:
        raise ArtefactError(f"the weights of {card.get('name')!r} are damaged ({error}); activate another version, or retrain") from error


def softmax(logits: Matrix) -> Matrix:
    """Return probabilities along the last axis."""
    e = np.exp(logits - logits.max(axis=-1, keepdims=True))
    p: Matrix = e / e.sum(axis=-1, keepdims=True)
    return p


def soft_maximum(scores: Matrix, counts: Ints, sharpness: float) -> Matrix:
    """Return log-sum-exp at `sharpness` over the clauses of each text.

    Args:
        scores: (m, ...) of all clauses, those of a text together, texts in order.
        counts: (n,) clauses of each text, each at least 1.
        sharpness: The higher, the nearer to the maximum.

    Returns:
        (n, ...).
    """
    starts = np.cumsum(counts) - counts
    peak = np.maximum.reduceat(scores, starts, axis=0)
    sums = np.add.reduceat(np.exp((scores - np.repeat(peak, counts, axis=0)) * sharpness), starts, axis=0)
    s: Matrix = (np.log(sums) / sharpness + peak).astype(scores.dtype, copy=False)
    return s
