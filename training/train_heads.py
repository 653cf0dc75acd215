"""Train models/heads on frozen document and clause vectors: sentiment, intent, touchpoints with causes, risks, satisfaction.

    python training/features.py CACHE && python training/train_heads.py CACHE [--seed N]

Multiple-instance learning (Ilse et al. 2018): gold labels belong to whole texts, so each text's score of a (touchpoint, cause) pair is the
soft maximum of its clauses' scores, and the clause that wins is the quote. Tuned on a tenth of gold train (early stopping) and on gold dev
(thresholds); no test part is read.
"""

import argparse
import hashlib
import json
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from features import MODELS, POLARITY_SETS, read_rows
from safetensors.numpy import save_file
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn
from torch.nn import functional

from cxnlp.encoder import ShippedEncoder
from cxnlp.heads.conversation import describe
from cxnlp.heads.decoding import choose
from cxnlp.heads.fewshot import logits
from cxnlp.pipeline import embed_labels
from cxnlp.taxonomy import NO_CAUSE, load_taxonomy

OUT = MODELS / "heads"
TAXONOMY = load_taxonomy()
TOUCHPOINTS, CAUSES = TAXONOMY.ids("touchpoints"), (NO_CAUSE, *TAXONOMY.ids("causes"))
INTENTS, RISKS = TAXONOMY.ids("intents"), TAXONOMY.ids("risks")
VALUES = np.array([-1.0, -0.5, 0.0, 0.5, 1.0], np.float32)


@dataclass(frozen=True)
class Config:
    """Hyper-parameters."""

    seed: int = 7
    hidden: int = 320
    dropout: float = 0.25
    learning_rate: float = 1.5e-3
    weight_decay: float = 0.02
    n_epochs: int = 24
    texts_a_batch: int = 128
    sharpness: float = 2.0
    held_out: float = 0.08
    polarity_weight: float = 0.3
    ridge: float = 0.2


@dataclass(frozen=True)
class Part:
    """One set of texts: vectors and what is known of each."""

    rows: list[dict[str, Any]]
    documents: Tensor
    clauses: Tensor
    counts: Tensor
    turns: np.ndarray

    def take(self, chosen: np.ndarray) -> "Batch":
        """Return the chosen texts, clauses padded to the longest text's number."""
        ends = np.cumsum(self.counts.numpy())
        counts = self.counts.numpy()[chosen]
        place = np.arange(max(1, counts.max(initial=1)))
        is_clause = place < counts[:, None]
        clause_ids = np.where(is_clause, (ends[chosen] - counts)[:, None] + place, 0)
        return Batch(self.documents[torch.from_numpy(chosen)], self.clauses[torch.from_numpy(clause_ids)], torch.from_numpy(is_clause))


@dataclass(frozen=True)
class Batch:
    """documents (n, dim), clauses (n, most, dim), is_clause (n, most) False where padded."""

    documents: Tensor
    clauses: Tensor
    is_clause: Tensor


class Heads(nn.Module):
    """The network of `cxnlp.heads.network`, trainable; parameter names are the tensor names of the artefact."""

    def __init__(self, dim: int, config: Config) -> None:
        super().__init__()
        self.sharpness = config.sharpness
        h = config.hidden
        for name in ("document_mean", "clause_mean"):
            self.register_buffer(name, torch.zeros(dim))
        for name in ("document_scale", "clause_scale"):
            self.register_buffer(name, torch.ones(dim))
        self.document = nn.Linear(dim, h)
        self.clause = nn.Linear(dim, h)
        self.context = nn.Linear(dim, h, bias=False)
        self.sentiment = nn.Linear(3 * h, len(VALUES))
        self.intent = nn.Linear(3 * h, len(INTENTS))
        self.polarity = nn.Linear(3 * h, 1)
        self.presence = nn.Linear(3 * h, len(TOUCHPOINTS))
        self.touchpoint = nn.Linear(h, len(TOUCHPOINTS))
        self.cause = nn.Linear(h, len(CAUSES))
        self.pair = nn.Parameter(torch.zeros(len(TOUCHPOINTS), len(CAUSES)))
        self.feeling = nn.Linear(h, len(VALUES))
        self.risk = nn.Linear(h, len(RISKS))
        self.dropout = nn.Dropout(config.dropout)

    def standardise(self, part: Part) -> None:
        """Set the means and scales that map vectors to unit variance."""
        for name, vectors in (("document", part.documents), ("clause", part.clauses)):
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
            "polarity": self.polarity(whole)[:, 0],
            "pair": self.soft_maximum(pairs, batch.is_clause) + presence.repeat_interleave(len(CAUSES), 1),
            "touchpoint": self.soft_maximum(touchpoint, batch.is_clause) + presence,
            "cause": self.soft_maximum(cause, batch.is_clause),
            "risk": self.soft_maximum(self.risk(of_clause), batch.is_clause),
            "clause_pairs": pairs.masked_fill(~batch.is_clause[..., None], -1e4),
            "feeling": self.feeling(of_clause),
        }

    def soft_maximum(self, scores: Tensor, is_clause: Tensor) -> Tensor:
        """Return (n, k): log-sum-exp over each text's clauses."""
        return torch.logsumexp((scores * self.sharpness).masked_fill(~is_clause[..., None], -1e4), 1) / self.sharpness


@dataclass(frozen=True)
class Targets:
    """Gold labels as matrices."""

    sentiment: Tensor
    intent: Tensor
    pair: Tensor
    touchpoint: Tensor
    cause: Tensor
    risk: Tensor
    feeling: Tensor


def to_targets(rows: list[dict[str, Any]]) -> Targets:
    """Return the labels of gold rows; `feeling` (n, pairs) is the class of each observed pair's sentiment, -1 where unobserved."""
    n, n_causes = len(rows), len(CAUSES)
    pair = torch.zeros(n, len(TOUCHPOINTS) * n_causes)
    feeling = torch.full(pair.shape, -1, dtype=torch.long)
    touchpoint, cause, risk = torch.zeros(n, len(TOUCHPOINTS)), torch.zeros(n, n_causes), torch.zeros(n, len(RISKS))
    for i, row in enumerate(rows):
        for t, c, value in row["observations"]:
            k = TOUCHPOINTS.index(t) * n_causes + CAUSES.index(c)
            pair[i, k] = touchpoint[i, TOUCHPOINTS.index(t)] = cause[i, CAUSES.index(c)] = 1
            feeling[i, k] = to_class(value)
        for r in row["risks"]:
            risk[i, RISKS.index(r)] = 1
    return Targets(
        torch.tensor([to_class(row["sentiment"]) for row in rows]), torch.tensor([INTENTS.index(row["intent"]) for row in rows]),
        pair, touchpoint, cause, risk, feeling,
    )  # fmt: skip


def to_class(value: float) -> int:
    """Return the nearest of the five classes of `VALUES`."""
    return int(np.abs(VALUES - value).argmin())


def load_part(cache: Path, name: str) -> Part:
    """Return a part that `features.py` wrote."""
    arrays = np.load(cache / f"{name}.npz")
    documents, clauses = (torch.from_numpy(arrays[k].astype(np.float32)) for k in ("documents", "clauses"))
    return Part(list(read_rows(cache / f"{name}.jsonl")), documents, clauses, torch.from_numpy(arrays["counts"]), arrays["turns"])


def gold_loss(out: dict[str, Tensor], y: Targets, chosen: Tensor) -> Tensor:
    """Return the summed loss of one batch of gold texts."""
    loss = functional.cross_entropy(out["sentiment"], y.sentiment[chosen]) + functional.cross_entropy(out["intent"], y.intent[chosen])
    values = torch.from_numpy(VALUES)
    expected = out["sentiment"].softmax(1) @ values
    loss = loss + 1.5 * functional.l1_loss(expected, values[y.sentiment[chosen]])
    for name, weight in (("pair", 30.0), ("touchpoint", 4.0), ("cause", 4.0), ("risk", 2.0)):
        loss = loss + weight * functional.binary_cross_entropy_with_logits(out[name], getattr(y, name)[chosen])
    # The feeling is learnt at the clause that scores a true pair highest.
    text, pair = torch.nonzero(y.pair[chosen], as_tuple=True)
    best = out["clause_pairs"].detach()[text, :, pair].argmax(1)
    return loss + 0.5 * functional.cross_entropy(out["feeling"][text, best], y.feeling[chosen][text, pair])


def batches(kept: np.ndarray, counts: Tensor, size: int, draw: np.random.Generator) -> list[np.ndarray]:
    """Return shuffled batches of texts with like numbers of clauses, so that little is padded."""
    order = draw.permutation(kept)
    pools = [order[first : first + 16 * size] for first in range(0, len(order), 16 * size)]
    pools = [pool[np.argsort(counts.numpy()[pool], kind="stable")] for pool in pools]
    cut = [pool[first : first + size] for pool in pools for first in range(0, len(pool), size)]
    return [cut[i] for i in draw.permutation(len(cut))]


def fit(train: Part, polar: list[Part], config: Config) -> Heads:
    """Return the network of the epoch that is best on the held-out tenth."""
    torch.manual_seed(config.seed)
    draw = np.random.default_rng(config.seed)
    order = draw.permutation(len(train.rows))
    n_held = int(config.held_out * len(order))
    held, kept = np.sort(order[:n_held]), order[n_held:]
    y = to_targets(train.rows)
    model = Heads(train.documents.shape[1], config)
    model.standardise(train)
    optimiser = torch.optim.AdamW(model.parameters(), config.learning_rate, weight_decay=config.weight_decay)
    n_steps = config.n_epochs * (len(kept) // config.texts_a_batch + 16)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, config.learning_rate, n_steps, pct_start=0.1)
    best, best_state = float("inf"), model.state_dict()
    for epoch in range(config.n_epochs):
        model.train()
        for chosen in batches(kept, train.counts, config.texts_a_batch, draw):
            loss = gold_loss(model(train.take(chosen)), y, torch.from_numpy(chosen))
            if polar:
                loss = loss + config.polarity_weight * polarity_loss(model, polar[int(draw.integers(len(polar)))], draw, config)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
        model.eval()
        with torch.inference_mode():
            parts = batches(held, train.counts, config.texts_a_batch, draw)
            losses = [gold_loss(model(train.take(part)), y, torch.from_numpy(part)) * len(part) for part in parts]
            held_loss = float(sum(losses)) / len(held)
        print(f"epoch {epoch + 1}: held-out loss {held_loss:.4f}", flush=True)
        if held_loss < best:
            best, best_state = held_loss, {k: v.clone() for k, v in model.state_dict().items()}
    model.load_state_dict(best_state)
    return model.eval()


def polarity_loss(model: Heads, part: Part, draw: np.random.Generator, config: Config) -> Tensor:
    """Return the loss of texts that are only known to be good or bad: a head of its own shapes the shared layers."""
    chosen = draw.choice(len(part.rows), config.texts_a_batch // 2, replace=False)
    target = torch.tensor([part.rows[i]["sentiment"] for i in chosen])
    out = model(part.take(chosen))
    return functional.mse_loss(torch.tanh(out["polarity"]), target)


def fit_satisfaction(part: Part, config: Config) -> tuple[np.ndarray, float]:
    """Return ridge weights (4 * dim,) and bias from [document, mean, last and first customer turn] to the mean rating of 19 people."""
    x = np.stack([conversation_features(part, i) for i in range(len(part.rows))])
    y = np.array([row["labels"]["satisfaction"] for row in part.rows])
    mean = x.mean(0)
    weights = np.linalg.solve((x - mean).T @ (x - mean) + config.ridge * np.eye(x.shape[1]), (x - mean).T @ (y - y.mean()))
    return weights.astype(np.float32), float(y.mean() - mean @ weights)


def conversation_features(part: Part, i: int) -> np.ndarray:
    """Return (4 * dim,) float32 of one conversation, as `cxnlp.heads.conversation` computes it."""
    end = int(part.counts[: i + 1].sum())
    start = end - int(part.counts[i])
    return describe(part.documents[i].numpy(), part.clauses[start:end].numpy(), part.turns[start:end])


def fit_few_shot(part: Part) -> dict[str, float]:
    """Return the constants of `cxnlp.heads.fewshot`: each default touchpoint is treated as one that only its description defines."""
    labels = [replace(label, trained=False) for label in TAXONOMY.touchpoints]
    prototypes = embed_labels(ShippedEncoder(MODELS / "encoder"), labels)
    mean = part.clauses.mean(0).numpy()
    ends = np.cumsum(part.counts.numpy())
    cosine = np.stack([logits(part.clauses.numpy(), prototypes[t], mean, 1.0, 0.0) for t in TOUCHPOINTS], axis=1)
    highest = np.maximum.reduceat(cosine, ends - part.counts.numpy())
    truth = to_targets(part.rows).touchpoint.numpy() > 0
    fitted = LogisticRegression().fit(highest.reshape(-1, 1), truth.reshape(-1))
    slope, offset = float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
    best = max(f1(truth, slope * highest + offset > t) for t in np.arange(-3, 1, 0.1))
    return {"slope": round(slope, 4), "offset": round(offset, 4), "touchpoint_f1_zero_shot": round(best, 4)}


def predict(model: Heads, part: Part) -> dict[str, np.ndarray]:
    """Return the logits of all texts of a part."""
    with torch.inference_mode():
        parts = [model(part.take(np.arange(first, min(first + 256, len(part.rows))))) for first in range(0, len(part.rows), 256)]
    names = ("sentiment", "intent", "pair", "touchpoint", "cause", "risk")
    return {name: torch.cat([part[name] for part in parts]).numpy() for name in names}


def evaluate(model: Heads, dev: Part) -> dict[str, Any]:
    """Return dev figures and the thresholds that are best there."""
    out, y = predict(model, dev), to_targets(dev.rows)
    p = np.exp(out["sentiment"]) / np.exp(out["sentiment"]).sum(1, keepdims=True)
    value = p @ VALUES
    gold = VALUES[y.sentiment.numpy()]
    polarity = np.mean((value <= -0.25) * -1 + (value >= 0.25) == np.sign(gold))
    figures: dict[str, Any] = {"n": len(dev.rows), "polarity": polarity, "mae": np.abs(value - gold).mean()}
    figures["intent"] = (out["intent"].argmax(1) == y.intent.numpy()).mean()
    flag, hit = gold <= -0.3, value <= -0.3
    figures["flag_f1"] = 2 * (flag & hit).sum() / (flag.sum() + hit.sum())
    for name in ("touchpoint", "cause", "pair", "risk"):
        scores, truth = out[name], getattr(y, name).numpy() > 0
        if name == "cause":
            scores, truth = scores[:, 1:], truth[:, 1:]
        figures[f"{name}_f1"], figures[f"{name}_threshold"] = max((f1(truth, scores > t), t) for t in np.arange(-3, 2, 0.1))
    figures |= tune(out, y)
    return {k: round(float(v), 4) for k, v in figures.items()}


def tune(out: dict[str, np.ndarray], y: Targets) -> dict[str, float]:
    """Return the thresholds of `cxnlp.heads.decoding.choose` with the best sum of pair, touchpoint and cause F1, and these three."""
    shape = (-1, len(TOUCHPOINTS), len(CAUSES))
    pairs, truth = out["pair"].reshape(shape), y.pair.numpy().reshape(shape) > 0
    best: dict[str, float] = {}
    for pair, touchpoint, only in product(np.arange(-0.6, 0.9, 0.1), np.arange(-0.8, 0.5, 0.2), (-1.0, -1.5, -2.0)):
        thresholds = {"pair": float(pair), "touchpoint": float(touchpoint), "only": float(only)}
        got = np.stack([choose(one, sure, thresholds) for one, sure in zip(pairs, out["touchpoint"], strict=True)])
        reached = {
            "reported_pair_f1": f1(truth, got),
            "reported_touchpoint_f1": f1(truth.any(2), got.any(2)),
            "reported_cause_f1": f1(truth.any(1)[:, 1:], got.any(1)[:, 1:]),
        }
        if not best or sum(reached.values()) > sum(best[name] for name in reached):
            best = reached | {f"{name}_threshold": value for name, value in thresholds.items()}
    return best


def f1(truth: np.ndarray, got: np.ndarray) -> float:
    """Return the micro-averaged F1."""
    return float(2 * (truth & got).sum() / max(1, truth.sum() + got.sum()))


def main() -> None:
    """Fit, evaluate, write models/heads."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cache", type=Path)
    parser.add_argument("--seed", type=int, default=Config.seed)
    arguments = parser.parse_args()
    cache: Path = arguments.cache
    config = Config(seed=arguments.seed)
    train, dev = load_part(cache, "gold_train"), load_part(cache, "gold_dev")
    polar = [load_part(cache, f"{name}_train") for name in POLARITY_SETS if (cache / f"{name}_train.npz").exists()]
    model = fit(train, polar, config)
    torch.save(model.state_dict(), cache / "heads.pt")  # outside the repository, should the rest fail
    figures = evaluate(model, dev)
    print(json.dumps(figures, indent=1))
    write(model, figures, cache, config)


def write(model: Heads, figures: dict[str, Any], cache: Path, config: Config) -> None:
    """Write the artefact and its card."""
    tensors = {k: v.numpy() for k, v in model.state_dict().items() if not k.startswith("polarity")}
    if (cache / "stc3_helpdesk_train.npz").exists():
        weights, bias = fit_satisfaction(load_part(cache, "stc3_helpdesk_train"), config)
        tensors |= {"satisfaction.weight": weights, "satisfaction.bias": np.float32([bias])}
        dev = load_part(cache, "stc3_helpdesk_dev")
        got = np.stack([conversation_features(dev, i) for i in range(len(dev.rows))]) @ weights + bias
        figures["satisfaction_pearson"] = round(float(np.corrcoef(got, [r["labels"]["satisfaction"] for r in dev.rows])[0, 1]), 4)
        print("satisfaction", figures["satisfaction_pearson"])
    OUT.mkdir(parents=True, exist_ok=True)
    save_file({k: np.ascontiguousarray(v.astype(np.float32)) for k, v in tensors.items()}, OUT / "model.safetensors")
    encoder = json.loads((MODELS / "encoder" / "card.json").read_text())
    card = {
        "format": 1,
        "name": "cxnlp-zh-en-1",
        "about": "Sentiment, intent, (touchpoint, cause) observations, risks and satisfaction on frozen document and clause vectors",
        "encoder": encoder["name"],
        "built_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "rebuild": f"CXNLP_GOLD=... CXNLP_CORPORA=... python training/features.py CACHE && python training/train_heads.py CACHE --seed {config.seed}",
        "config": asdict(config),
        "data": {path.stem: hashlib.sha256(path.read_bytes()).hexdigest()[:16] for path in sorted(cache.glob("*_train.jsonl"))},
        "encoder_id": ShippedEncoder(MODELS / "encoder").id,
        "few_shot": fit_few_shot(load_part(cache, "gold_dev")),
        "labels": {"touchpoints": TOUCHPOINTS, "causes": CAUSES, "intents": INTENTS, "risks": RISKS},
        "thresholds": {name: figures[f"{name}_threshold"] for name in ("pair", "touchpoint", "only", "risk")},
        "files": {"model.safetensors": hashlib.sha256((OUT / "model.safetensors").read_bytes()).hexdigest()},
        "metrics": {"gold_dev": figures},
    }  # fmt: skip
    (OUT / "card.json").write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
