"""Learning from corrections: the heads go on from their present weights, and keep what they know of everything else.

The loss has three parts: people's labels, only where they gave them; the distance to the old network's own scores, on other records and on the
labels that nobody corrected, which is learning without forgetting (Li & Hoiem 2016); and a pull to the old weights (L2-SP, Li et al. 2018).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import EllipsisType
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from cxnlp.heads.examples import Examples, RefitConfig
from cxnlp.heads.trainable import Batch, Heads, Known, LabelSet, batch_of, gold_loss, take_targets, to_targets
from cxnlp.records import Matrix

Ints: TypeAlias = npt.NDArray[np.int64]
_LABELS: Final = ("sentiment", "intent", "observations", "risks")
_OBSERVED: Final = ("pair", "touchpoint", "cause")
_OF_ARTEFACT_ONLY: Final = "satisfaction."
_TOLD_EVERY: Final = 10


@dataclass(frozen=True)
class _Set:
    """Vectors of texts, and their numbers in batches of texts with like numbers of clauses, so that little is padded."""

    documents: Tensor
    clauses: Tensor
    counts: Ints
    batches: list[Ints]

    def take(self, chosen: Ints) -> Batch:
        return batch_of(self.documents, self.clauses, self.counts, chosen)


def refit(
    weights: Mapping[str, Matrix],
    card: Mapping[str, Any],
    corrected: Examples,
    replay: Examples,
    config: RefitConfig,
    on_progress: Callable[[str, float], None] = lambda stage, share: None,
) -> dict[str, Matrix]:
    """Return new weights by name, of the same shapes.

    Args:
        weights: To start from.
        card: That describes them.
        corrected: With labels.
        replay: Others; their labels are not read.
        config: How to learn.
        on_progress: Called with `fit` and the share done in [0, 1].
    """
    torch.manual_seed(config.seed)
    draw = np.random.default_rng(config.seed)
    old, new = _load(weights, card), _load(weights, card)
    anchor = {name: p.detach().clone() for name, p in new.named_parameters()}
    targets, known = to_targets(corrected.labels, _label_set(card)), _known(corrected.labels)
    ours, others = _to_set(corrected, config.texts_a_batch), _to_set(replay, config.replay_a_batch)
    n_steps = max(config.n_steps, config.n_passes * len(ours.batches))
    optimiser = torch.optim.Adam([p for p in new.parameters() if p.requires_grad], config.learning_rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, config.learning_rate, n_steps, pct_start=0.1)
    for step in range(n_steps):
        chosen = ours.batches[int(draw.integers(len(ours.batches)))]
        batch = ours.take(chosen)
        out, corrected_of, others_of = new(batch), *_split(known[chosen])
        loss = gold_loss(out, take_targets(targets, torch.from_numpy(chosen)), corrected_of)
        loss = loss + config.keep * likeness_loss(out, _scores(old, batch), batch.is_clause, others_of)
        if others.batches:
            batch = others.take(others.batches[int(draw.integers(len(others.batches)))])
            loss = loss + config.keep * likeness_loss(new(batch), _scores(old, batch), batch.is_clause)
        distance = [((p - anchor[name]) ** 2).sum() for name, p in new.named_parameters() if p.requires_grad]
        loss = loss + config.pull * torch.stack(distance).sum()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
        if step % _TOLD_EVERY == 0:
            on_progress("fit", step / n_steps)
    learnt = {k: np.ascontiguousarray(v.numpy(), np.float32) for k, v in new.state_dict().items()}
    return dict(weights) | learnt


def likeness_loss(out: Mapping[str, Tensor], old: Mapping[str, Tensor], is_clause: Tensor, of: Known | None = None) -> Tensor:
    """Return how far the logits of a batch are from the old network's (Ba & Caruana 2014): the mean squared distance, summed over the labels.

    Cross-entropy with soft targets would let an unlikely label become several times as likely almost for nothing, and thresholds lie there.

    Args:
        out: Logits of the new network.
        old: Logits of the old one.
        is_clause: (n, most) False where padded.
        of: Which texts count for which label, all by default; a label that part of the texts has weighs as much less.
    """
    of = of or Known()
    there = is_clause[of.observations]
    pairs = [_centred(out, old, name, rows) for name, rows in (("sentiment", of.sentiment), ("intent", of.intent))]
    pairs += [(out[name][rows], old[name][rows]) for name, rows in (*((name, of.observations) for name in _OBSERVED), ("risk", of.risks))]
    loss = torch.zeros(())
    for got, true in pairs:
        if share := len(true) / len(is_clause):
            loss = loss + share * functional.mse_loss(got, true)
    if share := len(there) / len(is_clause):
        loss = loss + share * functional.mse_loss(out["feeling"][of.observations][there], old["feeling"][of.observations][there])
    return loss


def _centred(out: Mapping[str, Tensor], old: Mapping[str, Tensor], name: str, rows: Tensor | EllipsisType) -> tuple[Tensor, Tensor]:
    # A softmax does not see what all its logits have in common.
    got, true = out[name][rows], old[name][rows]
    return got - got.mean(1, keepdim=True), true - true.mean(1, keepdim=True)


def _split(known: npt.NDArray[np.bool_]) -> tuple[Known, Known]:
    """Return which texts of a batch people corrected, and which they did not, by field."""
    corrected, others = (Known(*(torch.from_numpy(np.flatnonzero(column)) for column in part.T)) for part in (known, ~known))
    return corrected, others


def _scores(model: Heads, batch: Batch) -> dict[str, Tensor]:
    with torch.no_grad():
        scores: dict[str, Tensor] = model(batch)
    return scores


def _load(weights: Mapping[str, Matrix], card: Mapping[str, Any]) -> Heads:
    hidden, dim = weights["document.weight"].shape
    model = Heads(dim, _label_set(card), hidden, 0.0, float(card["config"]["sharpness"])).eval()
    state = {name: torch.from_numpy(np.array(value)) for name, value in weights.items() if not name.startswith(_OF_ARTEFACT_ONLY)}
    model.load_state_dict(state)
    return model


def _label_set(card: Mapping[str, Any]) -> LabelSet:
    return LabelSet(**{name: tuple(ids) for name, ids in card["labels"].items()})


def _known(labels: Sequence[Mapping[str, Any]]) -> npt.NDArray[np.bool_]:
    """Return (n, 4): which of sentiment, intent, observations and risks people corrected."""
    return np.array([[row[name] is not None for name in _LABELS] for row in labels], np.bool_).reshape(-1, len(_LABELS))


def _to_set(examples: Examples, size: int) -> _Set:
    order = np.argsort(examples.counts, kind="stable")
    batches = [order[first : first + size] for first in range(0, len(order), size)]
    return _Set(torch.from_numpy(examples.documents), torch.from_numpy(examples.clauses), examples.counts, batches)
