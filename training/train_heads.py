"""Train models/heads on frozen document and clause vectors: sentiment, intent, touchpoints with causes, risks, satisfaction.

    python training/features.py CACHE && python training/train_heads.py CACHE [--seeds 7,8,9] [--with HEADS.pt] && python training/calibrate.py CACHE

Heads of several seeds become one network (ensemble.py); with `--with`, those that train_encoder.py trained together with the encoder count half.

Multiple-instance learning (Ilse et al. 2018): gold labels belong to whole texts, so each text's score of a (touchpoint, cause) pair is the
soft maximum of its clauses' scores, and the clause that wins is the quote. Tuned on a tenth of gold train (early stopping), and on this
tenth with gold dev (thresholds); no test part is read.
"""

import argparse
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ensemble import merge
from features import MODELS, SENTIMENT_SETS, read_rows
from safetensors.numpy import save_file
from sklearn.linear_model import LogisticRegression
from tasks import KINDS, LICENCES, OPEN_SETS
from torch import Tensor
from torch.nn import functional

from cxnlp.encoder import ShippedEncoder
from cxnlp.heads.conversation import describe
from cxnlp.heads.decoding import choose
from cxnlp.heads.fewshot import logits
from cxnlp.heads.network import VALUES
from cxnlp.heads.trainable import Batch, Heads, LabelSet, Targets, batch_of, gold_loss, take_targets
from cxnlp.heads.trainable import to_targets as of_labels
from cxnlp.pipeline import embed_labels
from cxnlp.taxonomy import NO_CAUSE, load_taxonomy

OUT = MODELS / "heads"
TAXONOMY = load_taxonomy()
TOUCHPOINTS, CAUSES = TAXONOMY.ids("touchpoints"), (NO_CAUSE, *TAXONOMY.ids("causes"))
INTENTS, RISKS = TAXONOMY.ids("intents"), TAXONOMY.ids("risks")
LABELS = LabelSet(TOUCHPOINTS, CAUSES, INTENTS, RISKS)


@dataclass(frozen=True)
class Config:
    """Hyper-parameters."""

    seed: int = 7
    hidden: int = 320
    dropout: float = 0.25
    learning_rate: float = 1.5e-3
    weight_decay: float = 0.02
    n_epochs: int = 18
    sentiment_weight: float = 0.5
    texts_a_batch: int = 128
    sharpness: float = 2.0
    held_out: float = 0.08
    ridge: float = 0.2


@dataclass(frozen=True)
class Part:
    """One set of texts: vectors and what is known of each."""

    rows: list[dict[str, Any]]
    documents: Tensor
    clauses: Tensor
    counts: Tensor
    turns: np.ndarray

    def take(self, chosen: np.ndarray) -> Batch:
        """Return the chosen texts, clauses padded to the longest text's number."""
        return batch_of(self.documents, self.clauses, self.counts.numpy(), chosen)


def make_heads(dim: int, config: Config) -> Heads:
    """Return the network for the labels of the taxonomy, with random weights."""
    return Heads(dim, LABELS, config.hidden, config.dropout, config.sharpness)


def to_targets(rows: list[dict[str, Any]]) -> Targets:
    """Return the labels of gold rows."""
    return of_labels(rows, LABELS)


def load_part(cache: Path, name: str) -> Part:
    """Return a part that `features.py` wrote."""
    arrays = np.load(cache / f"{name}.npz")
    documents, clauses = (torch.from_numpy(arrays[k].astype(np.float32)) for k in ("documents", "clauses"))
    return Part(list(read_rows(cache / f"{name}.jsonl")), documents, clauses, torch.from_numpy(arrays["counts"]), arrays["turns"])


def only_open(part: Part) -> Part:
    """Return the texts whose sets have an open licence."""
    kept = np.array([row["dataset"] in OPEN_SETS for row in part.rows])
    of_clauses = np.repeat(kept, part.counts.numpy())
    rows = [row for row, is_kept in zip(part.rows, kept, strict=True) if is_kept]
    return Part(rows, part.documents[kept], part.clauses[of_clauses], part.counts[kept], part.turns[of_clauses])


def batches(kept: np.ndarray, counts: Tensor, size: int, draw: np.random.Generator) -> list[np.ndarray]:
    """Return shuffled batches of texts with like numbers of clauses, so that little is padded."""
    order = draw.permutation(kept)
    pools = [order[first : first + 16 * size] for first in range(0, len(order), 16 * size)]
    pools = [pool[np.argsort(counts.numpy()[pool], kind="stable")] for pool in pools]
    cut = [pool[first : first + size] for pool in pools for first in range(0, len(pool), size)]
    return [cut[i] for i in draw.permutation(len(cut))]


def sentiment_loss(kind: str, probabilities: Tensor, rows: Sequence[Mapping[str, Any]]) -> Tensor:
    """Return the loss of texts of which only the sentiment is known.

    Args:
        kind: `sign` (good or bad), `three` (bad, neutral, good) or `score` (on a scale of its own: correlation is what counts).
        probabilities: (n, 5) of `VALUES`.
        rows: Of the corpus, n of them.
    """
    value = probabilities @ torch.from_numpy(VALUES)
    y = torch.tensor([float(row["sentiment"]) for row in rows])
    if kind == "sign":
        # Half-hearted praise is still praise: the loss fades before the score is extreme.
        return functional.softplus(-6 * torch.sign(y) * value).mean()
    if kind == "three":
        classes = torch.stack([probabilities[:, :2].sum(1), probabilities[:, 2], probabilities[:, 3:].sum(1)], 1)
        sure = torch.tensor([float((row.get("labels") or {}).get("confidence", 1.0)) for row in rows])
        return (sure * functional.nll_loss(torch.log(classes + 1e-6), torch.sign(y).long() + 1, reduction="none")).mean()
    return lack_of_correlation(value, y)


def lack_of_correlation(got: Tensor, y: Tensor) -> Tensor:
    """Return 1 - Pearson's r."""
    return 1 - functional.cosine_similarity(got - got.mean(), y - y.mean(), dim=0)


def hold_out(n: int, seed: int, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers of n texts that are held out of training, ascending, and of the others."""
    order = np.random.default_rng(seed).permutation(n)
    n_held = int(share * n)
    return np.sort(order[:n_held]), order[n_held:]


def fit(train: Part, others: Mapping[str, Part], config: Config, seed: int) -> Heads:
    """Return the network of the epoch that is best on the held-out part of gold, the same part for all seeds.

    Args:
        train: Gold texts.
        others: Sets of which only the sentiment is known, by name.
        config: How to learn.
        seed: Of weights and batches.
    """
    torch.manual_seed(seed)
    draw = np.random.default_rng(seed)
    held, kept = hold_out(len(train.rows), config.seed, config.held_out)
    y = to_targets(train.rows)
    names, sizes = list(others), np.array([len(part.rows) for part in others.values()])
    shares = sizes / max(1, sizes.sum())
    model = make_heads(train.documents.shape[1], config)
    model.standardise(train.documents, train.clauses)
    optimiser = torch.optim.AdamW(model.parameters(), config.learning_rate, weight_decay=config.weight_decay)
    n_steps = config.n_epochs * (len(kept) // config.texts_a_batch + 16)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, config.learning_rate, n_steps, pct_start=0.1)
    best, best_state = float("inf"), model.state_dict()
    for epoch in range(config.n_epochs):
        model.train()
        for chosen in batches(kept, train.counts, config.texts_a_batch, draw):
            loss = gold_loss(model(train.take(chosen)), take_targets(y, torch.from_numpy(chosen)))
            if others:
                name = names[int(draw.choice(len(names), p=shares))]
                some = draw.choice(len(others[name].rows), config.texts_a_batch // 2, replace=len(others[name].rows) < config.texts_a_batch)
                probabilities = model(others[name].take(some))["sentiment"].softmax(1)
                rows = [others[name].rows[i] for i in some]
                loss = loss + config.sentiment_weight * sentiment_loss(KINDS[name][0], probabilities, rows)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
        model.eval()
        with torch.inference_mode():
            parts = batches(held, train.counts, config.texts_a_batch, draw)
            losses = [gold_loss(model(train.take(part)), take_targets(y, torch.from_numpy(part))) * len(part) for part in parts]
            held_loss = float(sum(losses)) / len(held)
        print(f"epoch {epoch + 1}: held-out loss {held_loss:.4f}", flush=True)
        if held_loss < best:
            best, best_state = held_loss, {k: v.clone() for k, v in model.state_dict().items()}
    model.load_state_dict(best_state)
    return model.eval()


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


def predict(model: Heads, part: Part, chosen: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """Return the logits of the chosen texts of a part, of all by default."""
    texts = np.arange(len(part.rows)) if chosen is None else chosen
    with torch.inference_mode():
        parts = [model(part.take(texts[first : first + 256])) for first in range(0, len(texts), 256)]
    names = ("sentiment", "intent", "pair", "touchpoint", "cause", "risk")
    return {name: torch.cat([part[name] for part in parts]).numpy() for name in names}


def evaluate_logits(out: dict[str, np.ndarray], y: Targets) -> dict[str, Any]:
    """Return the figures of texts, and the thresholds that are best there."""
    p = np.exp(out["sentiment"]) / np.exp(out["sentiment"]).sum(1, keepdims=True)
    value = p @ VALUES
    gold = VALUES[y.sentiment.numpy()]
    polarity = np.mean((value <= -0.25) * -1 + (value >= 0.25) == np.sign(gold))
    figures: dict[str, Any] = {"n": len(y.intent), "polarity": polarity, "mae": np.abs(value - gold).mean()}
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


def find_thresholds(model: Heads, train: Part, dev: Part, config: Config) -> dict[str, Any]:
    """Return the thresholds that are best on gold dev and the held-out part of gold train together: dev alone has 62 risks."""
    held, _ = hold_out(len(train.rows), config.seed, config.held_out)
    of_dev, of_held = predict(model, dev), predict(model, train, held)
    out = {name: np.concatenate([of_dev[name], of_held[name]]) for name in of_dev}
    y = to_targets([*dev.rows, *(train.rows[i] for i in held)])
    chosen = tune(out, y)
    risks = {name: best_limit(out["risk"][:, i], y.risk[:, i].numpy() > 0) for i, name in enumerate(RISKS)}
    return {name: round(chosen[f"{name}_threshold"], 1) + 0.0 for name in ("pair", "touchpoint", "only")} | {"risks": risks}


def best_limit(scores: np.ndarray, truth: np.ndarray) -> float:
    """Return the limit of a rare label: where its F1, smoothed over half a logit since single texts move it, is highest."""
    limits = np.arange(-3, 1, 0.1)
    reached = np.array([f1(truth, scores > limit) for limit in limits])
    return round(float(limits[np.convolve(np.pad(reached, 2, mode="edge"), np.full(5, 0.2), "valid").argmax()]), 1)


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
    parser.add_argument("--seeds", type=lambda text: [int(seed) for seed in text.split(",")], default=[Config.seed], metavar="N,...")
    parser.add_argument("--with", dest="trained", type=Path, metavar="HEADS.pt")
    parser.add_argument("--open", action="store_true", help="only measure what openly licensed texts alone would reach; nothing is written")
    arguments = parser.parse_args()
    cache: Path = arguments.cache
    config = Config()
    dev, train = load_part(cache, "gold_dev"), load_part(cache, "gold_train")
    others = {name: load_part(cache, f"{name}_train") for name in SENTIMENT_SETS if (cache / f"{name}_train.npz").exists()}
    members = []
    for seed in arguments.seeds:
        kept = cache / f"heads_{'open_' if arguments.open else ''}{seed}.pt"  # outside the repository, should the rest fail
        if not kept.exists():
            model = fit(only_open(train), {}, config, seed) if arguments.open else fit(train, others, config, seed)
            torch.save(model.state_dict(), kept)
        members.append(load_heads(kept, config))
    model = merge(members, LABELS)
    if arguments.trained:
        model = merge([load_heads(arguments.trained, config), model], LABELS)
    figures, thresholds = evaluate_logits(predict(model, dev), to_targets(dev.rows)), find_thresholds(model, train, dev, config)
    print(json.dumps(figures | thresholds, indent=1))
    if not arguments.open:
        seeds = ",".join(map(str, arguments.seeds))
        how = f"--seeds {seeds}" + (" --with WORK/heads.pt" if arguments.trained else "")
        write(model, figures, thresholds, cache, replace(config, hidden=model.document.out_features), how)


def load_heads(path: Path, config: Config) -> Heads:
    """Return heads that `fit` or train_encoder.py made."""
    state = torch.load(path)
    model = make_heads(state["document.weight"].shape[1], config)
    model.load_state_dict(state)
    return model.eval()


def licences(cache: Path, encoder: Mapping[str, Any]) -> dict[str, str]:
    """Return the licence note of each set whose texts the heads or the encoder, by its card, learnt from, as stated where it was found."""
    names = {row["dataset"] for path in sorted(cache.glob("*_train.jsonl")) for row in read_rows(path)}
    names |= set(encoder.get("trained", {}).get("data", ())) - {"gold"}
    return {name: LICENCES[name] for name in sorted(names)}


def write(model: Heads, figures: dict[str, Any], thresholds: dict[str, Any], cache: Path, config: Config, how: str) -> None:
    """Write the artefact and its card."""
    tensors = {k: v.numpy() for k, v in model.state_dict().items()}
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
        "name": "cxnlp-zh-en-2",
        "about": "Sentiment, intent, (touchpoint, cause) observations, risks and satisfaction on frozen document and clause vectors",
        "encoder": encoder["name"],
        "built_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "rebuild": f"CXNLP_GOLD=... CXNLP_CORPORA=... python training/features.py CACHE && python training/train_heads.py CACHE {how}",
        "config": asdict(config),
        "data": {path.stem: hashlib.sha256(path.read_bytes()).hexdigest()[:16] for path in sorted(cache.glob("*_train.jsonl"))},
        "licences": licences(cache, encoder),
        "encoder_id": ShippedEncoder(MODELS / "encoder").id,
        "few_shot": fit_few_shot(load_part(cache, "gold_dev")),
        "labels": {"touchpoints": TOUCHPOINTS, "causes": CAUSES, "intents": INTENTS, "risks": RISKS},
        "thresholds": thresholds,
        "files": {"model.safetensors": hashlib.sha256((OUT / "model.safetensors").read_bytes()).hexdigest()},
        "metrics": {"gold_dev": figures},
    }  # fmt: skip
    (OUT / "card.json").write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
