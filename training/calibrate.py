"""Fit the confidence of models/heads: a temperature (Guo et al. 2017) for the probabilities of sentiment, kept in the card.

    python training/calibrate.py CACHE      after train_heads.py, with the cache that it read

Fitted on the part of gold train that the heads were not trained on; no dev or test part is read. The likeliest label stays what it is.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from scipy.optimize import minimize_scalar
from train_heads import OUT, Config, Part, hold_out, load_part, make_heads, to_targets

from cxnlp.heads.network import VALUES
from cxnlp.records import NEGATIVE_FROM, POSITIVE_FROM

_LOWEST, _HIGHEST = 0.5, 5.0


def label_logits(part: Part, chosen: np.ndarray) -> np.ndarray:
    """Return the (n, 5) logits of sentiment that the shipped heads give to the chosen texts."""
    card = json.loads((OUT / "card.json").read_text(encoding="utf-8"))
    config = Config(hidden=card["config"]["hidden"], sharpness=card["config"]["sharpness"])
    model = make_heads(part.documents.shape[1], config)
    model.load_state_dict({k: v for k, v in load_file(OUT / "model.safetensors").items() if not k.startswith("satisfaction.")})
    model.eval()
    with torch.inference_mode():
        parts = [model(part.take(chosen[first : first + 256]))["sentiment"] for first in range(0, len(chosen), 256)]
    return torch.cat(parts).numpy()


def of_labels(logits: np.ndarray, temperature: float) -> np.ndarray:
    """Return (n, 3) probabilities of negative, neutral and positive."""
    tempered = np.exp((logits - logits.max(1, keepdims=True)) / temperature)
    shares = tempered / tempered.sum(1, keepdims=True)
    return np.stack([shares[:, VALUES <= NEGATIVE_FROM].sum(1), shares[:, VALUES == 0].sum(1), shares[:, VALUES >= POSITIVE_FROM].sum(1)], axis=1)


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """Return the temperature with the highest likelihood of the (n,) labels 0, 1, 2."""

    def loss(temperature: float) -> float:
        return float(-np.log(of_labels(logits, temperature)[np.arange(len(labels)), labels] + 1e-12).mean())

    return float(minimize_scalar(loss, bounds=(_LOWEST, _HIGHEST), method="bounded").x)


def main() -> None:
    """Fit and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cache", type=Path)
    part = load_part(parser.parse_args().cache, "gold_train")
    card = json.loads((OUT / "card.json").read_text(encoding="utf-8"))
    held, _ = hold_out(len(part.rows), card["config"]["seed"], card["config"]["held_out"])
    sentiment = VALUES[to_targets([part.rows[i] for i in held]).sentiment.numpy()]
    labels = (sentiment > NEGATIVE_FROM) * 1 + (sentiment >= POSITIVE_FROM)
    card["calibration"] = {"sentiment": round(fit_temperature(label_logits(part, held), labels), 3), "n": len(held)}
    (OUT / "card.json").write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(card["calibration"])


if __name__ == "__main__":
    main()
