"""A deterministic encoder and heads that need no model: fast, and honest enough to tell alike texts from others."""

from collections.abc import Iterator, Sequence

import numpy as np

from cxnlp.encoder.windows import States
from cxnlp.heads import Network, Passage
from cxnlp.heads.decoding import quote
from cxnlp.records import Analysis, Observation
from cxnlp.taxonomy import load_taxonomy

DIM = 64
_BAD = ("慢", "差", "坏", "broken", "slow", "terrible")


class HashingEncoder:
    """Every character pair is a token with a fixed random state."""

    dim = DIM
    id = "hashing-1"
    likeness = (4.0, -2.8)

    def states(self, texts: Sequence[str]) -> Iterator[States]:
        for i, text in enumerate(texts):
            pairs = [text[j : j + 2] for j in range(max(1, len(text)))]
            states = np.stack([np.random.default_rng(abs(hash_of(pair))).standard_normal(DIM, np.float32) for pair in pairs])
            yield States(i, np.arange(len(pairs), dtype=np.int32), states)


def hash_of(text: str) -> int:
    return int.from_bytes(text.encode("utf-8", "replace")[:8].ljust(8, b"."), "big")


class WordHeads:
    """Negative where a bad word stands."""

    def read(self, passages: Sequence[Passage]) -> list[Analysis]:
        return [self._read(passage) for passage in passages]

    def _read(self, passage: Passage) -> Analysis:
        said = " ".join(text for _, text in passage.feedback.segments())
        bad = any(word in said for word in _BAD)
        observation = Observation("delivery", "service", "slow", -0.8, 0.9, quote(passage, 0))
        return Analysis(passage.language, -0.8 if bad else 0.6, 0.9, "complaint" if bad else "praise", (observation,) if bad else (), (), "words-1")


def small_network() -> Network:
    """Return a network with random weights for the vectors of `HashingEncoder` and all labels of the taxonomy: what a retrain can start from."""
    taxonomy, draw = load_taxonomy(), np.random.default_rng(1)
    labels = {name: list(taxonomy.ids(name)) for name in ("touchpoints", "causes", "intents", "risks")}
    labels["causes"].insert(0, "none")
    n_touchpoints, n_causes, h = len(labels["touchpoints"]), len(labels["causes"]), 16
    shapes = {
        "document": (h, DIM), "clause": (h, DIM), "sentiment": (5, 3 * h), "intent": (len(labels["intents"]), 3 * h),
        "presence": (n_touchpoints, 3 * h), "touchpoint": (n_touchpoints, h), "cause": (n_causes, h), "feeling": (5, h),
        "risk": (len(labels["risks"]), h),
    }  # fmt: skip
    weights = {f"{name}.weight": draw.standard_normal(shape, np.float32) / np.float32(shape[1] ** 0.5) for name, shape in shapes.items()}
    weights |= {f"{name}.bias": np.zeros(shape[0], np.float32) for name, shape in shapes.items()}
    weights |= {f"{name}_mean": np.zeros(DIM, np.float32) for name in ("document", "clause")}
    weights |= {f"{name}_scale": np.ones(DIM, np.float32) for name in ("document", "clause")}
    weights |= {"context.weight": np.zeros((h, DIM), np.float32), "pair": np.zeros((n_touchpoints, n_causes), np.float32)}
    weights |= {"satisfaction.weight": np.zeros(4 * DIM, np.float32), "satisfaction.bias": np.zeros(1, np.float32)}
    card = {"name": "small-1", "encoder_id": HashingEncoder.id, "config": {"sharpness": 2.0}, "labels": labels}
    return Network(
        weights, card | {"thresholds": {"pair": 1.0, "touchpoint": 1.0, "only": 0.0, "risks": {name: 2.0 for name in card["labels"]["risks"]}}}
    )
