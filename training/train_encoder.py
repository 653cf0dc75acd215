"""Train the encoder's upper layers together with the heads, on all that is labelled; resumable, checkpoints outside the repository.

    CXNLP_GOLD=... CXNLP_CORPORA=... python training/train_encoder.py WORK --heads HEADS.pt [--n-layers 4] [--n-steps 2400]
    python training/train_encoder.py WORK --write          writes models/encoder; then features.py and train_heads.py --with WORK/heads.pt

The heads start from those trained on frozen vectors (Kumar et al. 2022: probing first distorts the features least). Each step learns one batch of
gold texts and one of another set. Weights are averaged exponentially; the average is what is written. Only train parts are read, but for the
figures printed at each checkpoint, which are of dev parts.
"""

import argparse
import hashlib
import json
import pickle
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from build_encoder import quantise
from features import MODELS
from joint import Joint, keep_neighbours, loss_of, state_of
from safetensors.numpy import load_file, save_file
from tasks import KINDS, Step, Text, corpora, fingerprints, load_sets, plan_gold, plan_others
from tokenizers import Tokenizer
from train_heads import Config as HeadsConfig
from train_heads import evaluate_logits, gold_loss, hold_out, take_targets, to_targets

FOLDER = MODELS / "encoder"
NAME = "cxnlp-encoder-zh-en-2"
ABOUT = (
    "multilingual-e5-small (MIT licence), vocabulary cut to Chinese and English, its upper layers trained together with the heads, int8 a row; "
    "token states and vectors of 384 numbers"
)


@dataclass(frozen=True)
class Config:
    """Hyper-parameters."""

    seed: int = 7
    n_layers: int = 4
    n_steps: int = 2_400
    learning_rate: float = 6e-5  # 1.2e-4 diverges: the heads multiply small changes of a vector
    heads_learning_rate: float = 3e-4
    weight_decay: float = 0.01
    dropout: float = 0.1
    warm_up: float = 0.05
    tokens_gold: int = 2_400
    tokens_other: int = 1_600
    average: float = 0.995
    neighbours: float = 0.3
    checkpoint_steps: int = 300


def load_texts(work: Path) -> dict[str, dict[str, list[Text]]]:
    """Return the train and dev texts of all sets, prepared once."""
    path = work / "texts.pickle"  # a cache of our own making; nothing that ships is a pickle
    if not path.exists():
        tokenizer = Tokenizer.from_file(str(FOLDER / "tokenizer.json"))
        path.write_bytes(pickle.dumps({split: load_sets(*corpora(), tokenizer, split) for split in ("train", "dev")}))
    return dict(pickle.loads(path.read_bytes()))


def make_model(config: Config, heads: Path | None) -> Joint:
    """Return the shipped encoder with heads that start from those of `train_heads.py`."""
    card = json.loads((FOLDER / "card.json").read_text())
    prefix = Tokenizer.from_file(str(FOLDER / "tokenizer.json")).encode(card["prefix"], add_special_tokens=False).ids
    model = Joint(card["shape"], config.n_layers, config.dropout, card["special_tokens"], prefix)
    model.encoder.load(FOLDER / "model.safetensors")
    if heads:
        model.heads.load_state_dict(torch.load(heads))
    return model


def plan(texts: dict[str, list[Text]], config: Config) -> Iterator[tuple[Step, Step]]:
    """Yield pairs of a gold step and another, without end, the same for the same seed."""
    draw = np.random.default_rng(config.seed)
    _, kept = hold_out(len(texts["gold"]), HeadsConfig.seed, HeadsConfig.held_out)  # calibrate.py needs the rest

    def gold() -> Iterator[Step]:
        while True:
            yield from plan_gold(texts["gold"], kept, config.tokens_gold, draw)

    def others() -> Iterator[Step]:
        while True:
            yield from plan_others(texts, config.tokens_other, draw)

    return zip(gold(), others())  # noqa: B905  (neither ends)


def fit(texts: dict[str, dict[str, list[Text]]], model: Joint, base: torch.Tensor, work: Path, config: Config) -> None:
    """Train from the last checkpoint in `work`, or from the start."""
    train = texts["train"]
    targets = to_targets([text.row for text in train["gold"]])
    learning = state_of(model)
    of_encoder = [p for name, p in learning.items() if name.startswith("encoder.")]
    of_heads = [p for name, p in learning.items() if not name.startswith("encoder.")]
    groups = [{"params": of_encoder, "lr": config.learning_rate}, {"params": of_heads, "lr": config.heads_learning_rate}]
    optimiser = torch.optim.AdamW(groups, weight_decay=config.weight_decay, betas=(0.9, 0.98))
    n_warm = config.warm_up * config.n_steps
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda s: min((s + 1) / n_warm, max(0.02, 1 - s / config.n_steps)))
    average = {name: p.detach().clone() for name, p in learning.items()}
    done = 0
    if (work / "checkpoint.pt").exists():
        saved = torch.load(work / "checkpoint.pt")
        model.load_state_dict(saved["model"])
        optimiser.load_state_dict(saved["optimiser"])
        schedule.load_state_dict(saved["schedule"])
        average, done = saved["average"], saved["done"]
    torch.manual_seed(config.seed + done)
    began, losses = time.monotonic(), []
    for number, (gold, other) in enumerate(plan(train, config)):
        if number < done:
            continue
        if number >= config.n_steps:
            break
        model.train()
        chosen = torch.from_numpy(gold.chosen)
        pooled = model.pool([train["gold"][i] for i in gold.chosen])
        loss_gold = gold_loss(model.heads(pooled.batch), take_targets(targets, chosen))
        loss_near = keep_neighbours(pooled.batch.documents, base[chosen]) if len(gold.chosen) > 1 else torch.zeros(())
        (loss_gold + config.neighbours * loss_near).backward()
        batch = [train[other.set][i] for i in other.chosen]
        loss_other = loss_of(other.kind, batch, model, model.pool(batch))
        loss_other.backward()
        torch.nn.utils.clip_grad_norm_(list(learning.values()), 5.0)
        optimiser.step()
        schedule.step()
        optimiser.zero_grad()
        rate = min(config.average, (number + 1) / (number + 10))
        with torch.no_grad():
            for name, p in learning.items():
                average[name].lerp_(p, 1 - rate)
        losses.append((loss_gold.item(), float(loss_near.detach()), other.set, loss_other.item()))
        if (number + 1) % 25 == 0:
            _report(number + 1, losses, (time.monotonic() - began) / (number + 1 - done))
            losses = []
        if (number + 1) % config.checkpoint_steps == 0 or number + 1 == config.n_steps:
            state = {"model": model.state_dict(), "optimiser": optimiser.state_dict(), "schedule": schedule.state_dict()}
            torch.save(state | {"average": average, "done": number + 1, "config": asdict(config)}, work / "checkpoint.tmp")
            (work / "checkpoint.tmp").rename(work / "checkpoint.pt")
            print(json.dumps(measure(texts["dev"], model, average, brief=number + 1 < config.n_steps)), flush=True)


def _report(number: int, losses: list[tuple[float, float, str, float]], seconds: float) -> None:
    mean = np.mean([(a, b) for a, b, _, _ in losses], axis=0)
    kinds: dict[str, list[float]] = {}
    for _, _, name, loss in losses:
        kinds.setdefault(KINDS[name][0], []).append(loss)
    others = " ".join(f"{kind} {np.mean(values):.3f}" for kind, values in sorted(kinds.items()))
    print(f"step {number}: gold {mean[0]:.3f} neighbours {mean[1]:.3f} {others}; {seconds:.2f} s a step", flush=True)


def measure(dev: dict[str, list[Text]], model: Joint, average: dict[str, torch.Tensor], *, brief: bool) -> dict[str, Any]:
    """Return dev figures of the averaged weights; brief ones of a hundred texts a set."""
    own = {name: p.detach().clone() for name, p in state_of(model).items()}
    with torch.inference_mode():
        model.load_state_dict(average, strict=False)
        model.eval()
        figures: dict[str, Any] = evaluate_logits(*_gold_logits(dev["gold"], model))
        for name, (kind, _) in KINDS.items():
            if kind in ("sign", "three", "score"):
                texts = dev[name][:100] if brief else dev[name]
                figures[name] = round(_agreement(kind, texts, _sentiments(texts, model)), 4)
        model.load_state_dict(own, strict=False)
    return figures


def _sentiments(texts: list[Text], model: Joint) -> np.ndarray:
    order = sorted(range(len(texts)), key=lambda i: len(texts[i].ids))
    got = np.zeros(len(texts), np.float32)
    for first in range(0, len(order), 32):
        part = order[first : first + 32]
        out = model.heads(model.pool([texts[i] for i in part]).batch)
        got[part] = (out["sentiment"].softmax(1) @ torch.tensor([-1.0, -0.5, 0.0, 0.5, 1.0])).numpy()
    return got


def _agreement(kind: str, texts: list[Text], got: np.ndarray) -> float:
    truth = np.array([text.row["sentiment"] for text in texts])
    if kind == "sign":
        return float(np.mean((got > 0) == (truth > 0)))
    if kind == "three":
        return float(np.mean((got >= 0.25) * 1 - (got <= -0.25) == np.sign(truth)))
    return float(np.corrcoef(got, truth)[0, 1])


def _gold_logits(texts: list[Text], model: Joint) -> tuple[dict[str, np.ndarray], Any]:
    parts = [model.heads(model.pool(texts[first : first + 16]).batch) for first in range(0, len(texts), 16)]
    names = ("sentiment", "intent", "pair", "touchpoint", "cause", "risk")
    return {name: torch.cat([part[name] for part in parts]).numpy() for name in names}, to_targets([text.row for text in texts])


def write(work: Path) -> None:
    """Write the averaged weights of the last checkpoint: models/encoder in int8, and WORK/heads.pt for `train_heads.py --with`."""
    saved = torch.load(work / "checkpoint.pt")
    average: dict[str, torch.Tensor] = saved["average"]
    tensors = load_file(FOLDER / "model.safetensors")
    for name, value in average.items():
        if name.startswith("encoder."):
            short, array = name.removeprefix("encoder."), value.numpy()
            if array.ndim == 2:
                tensors[short], tensors[f"{short}.scale"] = quantise(array)
            else:
                tensors[short] = np.ascontiguousarray(array)
    save_file(tensors, FOLDER / "model.safetensors")
    heads = {name.removeprefix("heads."): value for name, value in (saved["model"] | average).items() if name.startswith("heads.")}
    torch.save(heads, work / "heads.pt")
    card = json.loads((FOLDER / "card.json").read_text())
    if card["name"] != NAME:
        card |= {"name": NAME, "about": ABOUT, "metrics": {"of_the_cut_before_training": card["metrics"]}}
    card["trained"] = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "rebuild": "CXNLP_GOLD=... CXNLP_CORPORA=... python training/train_encoder.py WORK --heads HEADS.pt, then the same with --write",
        "config": saved["config"],
        "steps": saved["done"],
        "data": fingerprints(),
        "heads_config": asdict(HeadsConfig()),
    }
    card["files"]["model.safetensors"] = hashlib.sha256((FOLDER / "model.safetensors").read_bytes()).hexdigest()
    (FOLDER / "card.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Train or write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--heads", type=Path, help="heads.pt of train_heads.py's cache folder, whose gold_train.npz gives the base vectors too")
    parser.add_argument("--n-layers", type=int, default=Config.n_layers)
    parser.add_argument("--n-steps", type=int, default=Config.n_steps)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    if arguments.write:
        write(arguments.work)
        return
    arguments.work.mkdir(parents=True, exist_ok=True)
    config = replace(Config(), n_layers=arguments.n_layers, n_steps=arguments.n_steps)
    texts = load_texts(arguments.work)
    base = torch.from_numpy(np.load(arguments.heads.with_name("gold_train.npz"))["documents"].astype(np.float32))
    fit(texts, make_model(config, arguments.heads), base, arguments.work, config)


if __name__ == "__main__":
    main()
