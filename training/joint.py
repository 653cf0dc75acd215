"""The encoder in torch, and the network that learns with it: token states to document and clause vectors to heads, in one graph.

The lower layers and the word vectors stay as shipped; they run without gradients.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import load_file
from tasks import Text
from torch import Tensor, nn
from torch.nn import functional
from train_heads import Config, lack_of_correlation, make_heads, sentiment_loss

from cxnlp.heads.network import VALUES
from cxnlp.heads.trainable import Batch

_MASKED = -1e4
_LEAST_TERMS = 8


class Layer(nn.Module):
    """One transformer layer, post-norm; parameters are named as in models/encoder."""

    def __init__(self, dim: int, n_heads: int, dropout: float) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.query, self.key, self.value, self.attention = (nn.Linear(dim, dim) for _ in range(4))
        self.inner, self.outer = nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)
        self.attention_norm, self.norm = nn.LayerNorm(dim, eps=1e-12), nn.LayerNorm(dim, eps=1e-12)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """Map (n, length, dim) states to the next ones; `bias` (n, 1, 1, length) is far below 0 where padded."""
        n, length, dim = x.shape
        q, k, v = (part(x).view(n, length, self.n_heads, -1).transpose(1, 2) for part in (self.query, self.key, self.value))
        attended = functional.scaled_dot_product_attention(q, k, v, bias)  # dropout in here would cost a third of the time
        x = self.attention_norm(x + self.dropout(self.attention(attended.transpose(1, 2).reshape(n, length, dim))))
        return self.norm(x + self.dropout(self.outer(functional.gelu(self.inner(x)))))


class Encoder(nn.Module):
    """The shipped encoder; only the last `n_trained` layers have gradients."""

    def __init__(self, shape: Mapping[str, int], n_trained: int, dropout: float) -> None:
        super().__init__()
        dim = shape["dim"]
        self.words, self.positions = nn.Embedding(shape["n_pieces"], dim), nn.Embedding(shape["n_positions"], dim)
        self.norm = nn.LayerNorm(dim, eps=1e-12)
        self.n_frozen = shape["n_layers"] - n_trained
        self.layer = nn.ModuleList(Layer(dim, shape["n_heads"], dropout if i >= self.n_frozen else 0.0) for i in range(shape["n_layers"]))
        for part in (self.words, self.positions, self.norm, *self.layer[: self.n_frozen]):
            part.requires_grad_(False)

    @torch.no_grad()
    def below(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Map (n, length) ids to the (n, length, dim) states that the trained layers read; `mask` is True where a token is."""
        bias = ((~mask)[:, None, None] * _MASKED).float()
        x = self.norm(self.words(ids) + self.positions.weight[: ids.shape[1]])
        for layer in self.layer[: self.n_frozen]:
            x = layer(x, bias)
        return x

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Map (n, length, dim) states of `below` to the last ones."""
        bias = ((~mask)[:, None, None] * _MASKED).float()
        for layer in self.layer[self.n_frozen :]:
            x = layer(x, bias)
        return x

    def load(self, path: Path) -> None:
        """Take the weights of a shipped model.safetensors, unfolded."""
        tensors = load_file(path)
        full = {}
        for name, value in tensors.items():
            if not name.endswith(".scale"):
                scale = tensors.get(f"{name}.scale")
                full[name] = torch.from_numpy(value.astype(np.float32) * (1 if scale is None else scale[:, None]))
        self.load_state_dict(full)


@dataclass(frozen=True)
class Pooled:
    """What heads read: `batch`, and `turns` (n, most) of the clauses, -1 where there is none."""

    batch: Batch
    turns: np.ndarray


class Joint(nn.Module):
    """Encoder, heads, and what only training needs."""

    def __init__(self, shape: Mapping[str, int], n_trained: int, dropout: float, special: Mapping[str, int], prefix: Sequence[int]) -> None:
        super().__init__()
        self.encoder = Encoder(shape, n_trained, dropout)
        self.heads = make_heads(shape["dim"], Config())
        self.satisfaction = nn.Linear(4 * shape["dim"], 1)
        self.before, self.end, self.pad = [special["start"], *prefix], special["end"], special["pad"]
        self.seen: dict[Text, Tensor] = {}  # half-precision states below the trained layers: a second pass over a text costs only these

    def pool(self, texts: Sequence[Text]) -> Pooled:
        """Encode texts and pool their token states as `cxnlp.encoder.pooling` does."""
        n, first = len(texts), len(self.before)
        length = max(len(text.ids) for text in texts) + first + 1
        ids = np.full((n, length), self.pad, np.int64)
        most = max(1, max(int(text.clause.max(initial=-1)) for text in texts) + 1)
        member = np.zeros((n, 1 + most, length), np.float32)
        turns = np.full((n, most), -1)
        for i, text in enumerate(texts):
            end = first + len(text.ids)
            ids[i, : end + 1] = [*self.before, *text.ids, self.end]
            inside = np.flatnonzero(text.clause >= 0)
            member[i, 1 + text.clause[inside], first + inside] = 1
            member[i, 0, first:end] = text.voiced if text.voiced.any() else 1
            n_turns = min(most, len(text.turns))
            turns[i, :n_turns] = text.turns[:n_turns]
        is_clause = member[:, 1:].any(2)
        silent = ~is_clause.any(1)
        member[silent, 1] = member[silent, 0]
        is_clause[silent, 0] = True
        sums = torch.from_numpy(member) @ self.encoder(self._below(texts, ids), torch.from_numpy(ids != self.pad))
        vectors = functional.normalize(sums, dim=2)
        return Pooled(Batch(vectors[:, 0], vectors[:, 1:], torch.from_numpy(is_clause)), np.where(is_clause, turns, -1))

    def _below(self, texts: Sequence[Text], ids: np.ndarray) -> Tensor:
        new = [i for i, text in enumerate(texts) if text not in self.seen]
        if new:
            some = torch.from_numpy(ids[new])
            for i, states in zip(new, self.encoder.below(some, some != self.pad), strict=True):
                self.seen[texts[i]] = states[: int((ids[i] != self.pad).sum())].half()
        return nn.utils.rnn.pad_sequence([self.seen[text] for text in texts], batch_first=True).float()

    def rate(self, pooled: Pooled) -> Tensor:
        """Return (n,) satisfaction, from what `cxnlp.heads.conversation.describe` describes."""
        batch, turns = pooled.batch, torch.from_numpy(pooled.turns)
        far = torch.iinfo(turns.dtype).max
        first = torch.where(batch.is_clause, turns, far).amin(1, keepdim=True)
        last = torch.where(batch.is_clause, turns, -1).amax(1, keepdim=True)
        parts = [batch.documents]
        for chosen in (batch.is_clause, batch.is_clause & (turns == last), batch.is_clause & (turns == first)):
            parts.append((batch.clauses * chosen[..., None]).sum(1) / chosen.sum(1, keepdim=True).clamp_min(1))
        return self.satisfaction(torch.cat(parts, 1))[:, 0]


def loss_of(kind: str, texts: Sequence[Text], model: Joint, pooled: Pooled) -> Tensor:
    """Return the loss of one batch that is not gold.

    Args:
        kind: As in `tasks.KINDS`.
        texts: Of the batch.
        model: That learns.
        pooled: The batch's vectors.
    """
    if kind in ("pairs", "intents"):
        return _alike(kind, texts, pooled.batch.documents)
    if kind == "satisfaction":
        y = torch.tensor([text.row["labels"]["satisfaction"] for text in texts])
        return 4 * functional.mse_loss(model.rate(pooled), y)
    out = model.heads(pooled.batch)
    if kind == "aspects":
        return _aspects(texts, out["feeling"].softmax(2) @ torch.from_numpy(VALUES))
    return sentiment_loss(kind, out["sentiment"].softmax(1), [text.row for text in texts])


def _aspects(texts: Sequence[Text], feeling: Tensor) -> Tensor:
    """Return the loss of the valence of terms, read at the clause that holds each (one of the term or, failing that, of the opinion)."""
    found = []
    for i, text in enumerate(texts):
        for term, _, opinion, value in ((a if len(a) == 4 else (a[0], None, None, a[1])) for a in text.row["labels"]["aspects"]):
            clause = next((c for word in (term, opinion) if word and word not in ("NULL", "_") and (c := text.clause_of(word)) >= 0), -1)
            if clause >= 0 and value is not None:
                found.append((i, clause, float(value)))
    if len(found) < _LEAST_TERMS:  # of two values the correlation is always 1 or -1
        return feeling.sum() * 0
    rows, clauses, y = zip(*found, strict=True)
    return lack_of_correlation(feeling[list(rows), list(clauses)], torch.tensor(y))


def _alike(kind: str, texts: Sequence[Text], vectors: Tensor) -> Tensor:
    """Return the loss of likeness: CoSENT (Su 2022) for judged pairs, supervised contrast (Khosla et al. 2020) for intents."""
    if kind == "pairs":
        cosine = 20 * (vectors[0::2] * vectors[1::2]).sum(1)
        same = torch.tensor([bool(text.row["same"]) for text in texts[0::2]])
        apart = cosine[~same][:, None] - cosine[same][None, :]
        return 0.2 * torch.logsumexp(torch.cat([torch.zeros(1), apart.flatten()]), 0)
    names = [text.row["labels"]["intent"] for text in texts]
    same = torch.tensor([[a == b and i != j for j, b in enumerate(names)] for i, a in enumerate(names)])
    cosine = (vectors @ vectors.T / 0.05).masked_fill(torch.eye(len(names), dtype=torch.bool), _MASKED)
    return -0.3 * (cosine.log_softmax(1) * same).sum(1).div(same.sum(1)).mean()


def keep_neighbours(vectors: Tensor, base: Tensor) -> Tensor:
    """Return how far the likeness of a batch's texts to each other has moved from the base encoder's (relational distillation, Park et al. 2019)."""
    self_ = torch.eye(len(vectors), dtype=torch.bool)
    target = (base @ base.T / 0.02).masked_fill(self_, _MASKED).softmax(1)
    got = (vectors @ vectors.T / 0.05).masked_fill(self_, _MASKED).log_softmax(1)
    return functional.kl_div(got, target, reduction="batchmean")


def state_of(model: nn.Module) -> dict[str, Any]:
    """Return what learns, by name."""
    return {name: p for name, p in model.named_parameters() if p.requires_grad}
