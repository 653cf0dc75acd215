"""The network of `cxnlp.heads.network` in torch, and its loss; imported by training/ and by the process of a retrain only.

Multiple-instance learning (Ilse et al. 2018): labels belong to whole texts, so each text's score of a (touchpoint, cause) pair is the soft maximum
of its clauses' scores, and the clause that wins is the quote.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from types import EllipsisType
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from cxnlp.heads.network import VALUES

PADDED: Final = -1e4
WEIGHTS: Final = (("pair", 30.0), ("touchpoint", 4.0), ("cause", 4.0), ("risk", 2.0))
"""Of the losses that are means over mostly empty tables."""


@dataclass(frozen=True)
class LabelSet:
    """The labels that the network knows, in the order of its outputs; the first cause is `none`."""

    touchpoints: tuple[str, ...]
    causes: tuple[str, ...]
    intents: tuple[str, ...]
    risks: tuple[str, ...]


@dataclass(frozen=True)
class Batch:
    """documents (n, dim), clauses (n, most, dim), is_clause (n, most) False where padded."""

    documents: Tensor
    clauses: Tensor
    is_clause: Tensor


@dataclass(frozen=True)
class Targets:
    """Labels of n texts.

    Attributes:
        sentiment: (n,) class of `VALUES`.
        intent: (n,) number of the intent.
        pair: (n, n_touchpoints * n_causes) 1 where observed.
        touchpoint: (n, n_touchpoints) 1 where observed.
        cause: (n, n_causes) 1 where observed.
        risk: (n, n_risks) 1 where there is the risk.
        feeling: (n, n_touchpoints * n_causes) class of each observed pair's sentiment, -1 where unobserved.
    """

    sentiment: Tensor
    intent: Tensor
    pair: Tensor
    touchpoint: Tensor
    cause: Tensor
    risk: Tensor
    feeling: Tensor


@dataclass(frozen=True)
class Known:
    """Which texts of a batch have a label: their numbers, or all of them."""

    sentiment: Tensor | EllipsisType = ...
    intent: Tensor | EllipsisType = ...
    observations: Tensor | EllipsisType = ...
    risks: Tensor | EllipsisType = ...


class Heads(nn.Module):
    """The network; parameter names are the tensor names of the artefact."""

    document_mean: Tensor
    document_scale: Tensor
    clause_mean: Tensor
    clause_scale: Tensor

    def __init__(self, dim: int, labels: LabelSet, hidden: int, dropout: float, sharpness: float) -> None:
        """Begin with random weights.

        Args:
            dim: Of the vectors.
            labels: What is to be told apart.
            hidden: Units of a layer.
            dropout: Share of units left out in training.
            sharpness: Of the soft maximum.
        """
        super().__init__()
        self.sharpness = sharpness
        self.n_causes = len(labels.causes)
        h = hidden
        for name in ("document_mean", "clause_mean"):
            self.register_buffer(name, torch.zeros(dim))
        for name in ("document_scale", "clause_scale"):
            self.register_buffer(name, torch.ones(dim))
        self.document = nn.Linear(dim, h)
        self.clause = nn.Linear(dim, h)
        self.context = nn.Linear(dim, h, bias=False)
        self.sentiment = nn.Linear(3 * h, len(VALUES))
        self.intent = nn.Linear(3 * h, len(labels.intents))
        self.presence = nn.Linear(3 * h, len(labels.touchpoints))
        self.touchpoint = nn.Linear(h, len(labels.touchpoints))
        self.cause = nn.Linear(h, len(labels.causes))
        self.pair = nn.Parameter(torch.zeros(len(labels.touchpoints), len(labels.causes)))
        self.feeling = nn.Linear(h, len(VALUES))
        self.risk = nn.Linear(h, len(labels.risks))
        self.dropout = nn.Dropout(dropout)

    def standardise(self, documents: Tensor, clauses: Tensor) -> None:
        """Set the means and scales that map vectors to unit variance."""
        for name, vectors in (("document", documents), ("clause", clauses)):
            getattr(self, f"{name}_mean").copy_(vectors.mean(0))
            getattr(self, f"{name}_scale").copy_(1 / vectors.std(0).clamp_min(1e-4))

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Return logits: (n, ...) of texts, (n, most, ...) of clauses for `clause_pairs` and `feeling`."""
        x_document = (batch.documents - self.document_mean) * self.document_scale
        x_clause = (batch.clauses - self.clause_mean) * self.clause_scale
        of_document = functional.relu(self.document(self.dropout(x_document)))
        of_clause = functional.relu(self.clause(self.dropout(x_clause)) + self.context(self.dropout(x_document))[:, None])
        of_clause = of_clause * batch.is_clause[..., None]
        mean = of_clause.sum(1) / batch.is_clause.sum(1, keepdim=True)
        whole = self.dropout(torch.cat([of_document, mean, of_clause.amax(1)], 1))
        of_clause = self.dropout(of_clause)
        touchpoint, cause = self.touchpoint(of_clause), self.cause(of_clause)
        pairs = (touchpoint[..., :, None] + cause[..., None, :] + self.pair).flatten(2)
        presence = self.presence(whole)
        return {
            "sentiment": self.sentiment(whole),
            "intent": self.intent(whole),
            "pair": self.soft_maximum(pairs, batch.is_clause) + presence.repeat_interleave(self.n_causes, 1),
            "touchpoint": self.soft_maximum(touchpoint, batch.is_clause) + presence,
            "cause": self.soft_maximum(cause, batch.is_clause),
            "risk": self.soft_maximum(self.risk(of_clause), batch.is_clause),
            "clause_pairs": pairs.masked_fill(~batch.is_clause[..., None], PADDED),
            "feeling": self.feeling(of_clause),
        }

    def soft_maximum(self, scores: Tensor, is_clause: Tensor) -> Tensor:
        """Return (n, k): log-sum-exp over each text's clauses."""
        return torch.logsumexp((scores * self.sharpness).masked_fill(~is_clause[..., None], PADDED), 1) / self.sharpness


def batch_of(documents: Tensor, clauses: Tensor, counts: npt.NDArray[np.int64], chosen: npt.NDArray[np.int64]) -> Batch:
    """Return the chosen texts, clauses padded to the longest text's number.

    Args:
        documents: (n, dim).
        clauses: (m, dim), those of a text together, texts in order.
        counts: (n,) clauses of each text.
        chosen: Numbers of texts.
    """
    ends, own = np.cumsum(counts), counts[chosen]
    place = np.arange(max(1, own.max(initial=1)))
    is_clause = place < own[:, None]
    clause_ids = np.where(is_clause, (ends[chosen] - own)[:, None] + place, 0)
    return Batch(documents[torch.from_numpy(chosen)], clauses[torch.from_numpy(clause_ids)], torch.from_numpy(is_clause))


def to_targets(rows: Sequence[Mapping[str, Any]], labels: LabelSet) -> Targets:
    """Return the labels of rows with `sentiment`, `intent`, `observations` ([touchpoint, cause or `none`, sentiment]) and `risks`.

    A label that is None counts as neutral, the first intent, or nothing; `Known` keeps it out of the loss.
    """
    n, n_causes = len(rows), len(labels.causes)
    pair = torch.zeros(n, len(labels.touchpoints) * n_causes)
    feeling = torch.full(pair.shape, -1, dtype=torch.long)
    touchpoint, cause, risk = torch.zeros(n, len(labels.touchpoints)), torch.zeros(n, n_causes), torch.zeros(n, len(labels.risks))
    for i, row in enumerate(rows):
        for t, c, value in row["observations"] or ():
            t_number, c_number = labels.touchpoints.index(t), labels.causes.index(c)
            k = t_number * n_causes + c_number
            pair[i, k] = touchpoint[i, t_number] = cause[i, c_number] = 1
            feeling[i, k] = to_class(value)
        for r in row["risks"] or ():
            risk[i, labels.risks.index(r)] = 1
    sentiment = torch.tensor([to_class(row["sentiment"] or 0.0) for row in rows])
    intent = torch.tensor([0 if row["intent"] is None else labels.intents.index(row["intent"]) for row in rows])
    return Targets(sentiment, intent, pair, touchpoint, cause, risk, feeling)


def to_class(value: float) -> int:
    """Return the nearest of the five classes of `VALUES`."""
    return int(np.abs(VALUES - value).argmin())


def take_targets(y: Targets, chosen: Tensor) -> Targets:
    """Return the labels of the chosen texts."""
    return Targets(**{field.name: getattr(y, field.name)[chosen] for field in fields(y)})


def gold_loss(out: Mapping[str, Tensor], y: Targets, known: Known | None = None) -> Tensor:
    """Return the summed loss of one batch of labelled texts.

    Args:
        out: What the network says of them.
        y: What is right.
        known: Which texts have which label, all by default; a label that part of the texts has weighs as much less.
    """
    of = known or Known()
    n = len(y.sentiment)
    values = torch.from_numpy(VALUES)
    loss = torch.zeros(())
    if share := len(y.sentiment[of.sentiment]) / n:
        loss = loss + share * functional.cross_entropy(out["sentiment"][of.sentiment], y.sentiment[of.sentiment])
    if share := len(y.intent[of.intent]) / n:
        loss = loss + share * functional.cross_entropy(out["intent"][of.intent], y.intent[of.intent])
    if share := len(y.sentiment[of.sentiment]) / n:
        expected = out["sentiment"][of.sentiment].softmax(1) @ values
        loss = loss + share * 1.5 * functional.l1_loss(expected, values[y.sentiment[of.sentiment]])
    for name, weight in WEIGHTS:
        rows = of.risks if name == "risk" else of.observations
        true = getattr(y, name)[rows]
        if share := len(true) / n:
            loss = loss + share * weight * functional.binary_cross_entropy_with_logits(out[name][rows], true)
    # The feeling is learnt at the clause that scores a true pair highest.
    text, pair = torch.nonzero(y.pair[of.observations], as_tuple=True)
    if not len(text):
        return loss
    best = out["clause_pairs"][of.observations].detach()[text, :, pair].argmax(1)
    share = len(y.pair[of.observations]) / n
    return loss + share * 0.5 * functional.cross_entropy(out["feeling"][of.observations][text, best], y.feeling[of.observations][text, pair])
