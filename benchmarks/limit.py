"""The encoder beside the machine's own limit: the arithmetic that one large matrix product reaches in the same run."""

import time
from collections.abc import Callable

import numpy as np
import orjson

from benchmarks.figures import Figure, median, shown
from benchmarks.texts import text_sets
from cxnlp.encoder import ShippedEncoder
from cxnlp.settings import Settings

_SIDE = 2_048


def measure_limit(*, quick: bool) -> list[Figure]:
    """Return the share of the limit that the encoder reaches; quick takes fewer texts and rounds."""
    n_rounds = 1 if quick else 5
    folder = Settings().models_dir / "encoder"
    encoder, shape = ShippedEncoder(folder), orjson.loads((folder / "card.json").read_bytes())["shape"]
    texts = list(text_sets(quick=quick, names=("mixed reviews",))[0].texts[: 40 if quick else 300])
    lengths = [len(states.states) + encoder._n_extra for states in encoder.states(texts)]
    work = sum(operations(n, shape["dim"], shape["n_layers"]) for n in lengths)
    products = _products()
    rates: dict[str, list[float]] = {name: [] for name in products}
    reached = []
    for _ in range(n_rounds):  # in turns, so that other work on the machine slows both
        for name, product in products.items():
            rates[name].append(2 * _SIDE**3 / _seconds(product))
        reached.append(work / _seconds(lambda: sum(1 for _ in encoder.states(texts))))
    of = {name: median(found) for name, found in rates.items()}
    limit = max(of.values())
    beside = "; ".join(f"one {_SIDE}-cube product in {name} {shown(rate / 1e9)} GFLOP/s" for name, rate in of.items())
    share = median(reached) / limit
    return [
        Figure("limit", f"encoder ({encoder.precision})", median(reached) / 1e9, "GFLOP/s", beside),
        Figure("limit", "encoder, share of the largest", 100 * share, "%", f"{len(texts)} texts, {sum(lengths)} tokens", ">= 60 %", share >= 0.6),
    ]


def operations(n_tokens: int, dim: int, n_layers: int) -> int:
    """Return the multiplications and additions of one text: 24 dim^2 a token and layer for the weights, 4 n dim for attention."""
    return n_layers * n_tokens * (24 * dim**2 + 4 * n_tokens * dim)


def _products() -> dict[str, Callable[[], object]]:
    import torch  # of the development environment

    random = np.random.default_rng(0)
    a, b = (random.standard_normal((_SIDE, _SIDE), np.float32) for _ in range(2))
    p, q = (torch.from_numpy(x).to(torch.bfloat16) for x in (a, b))
    return {"f32": lambda: a @ b, "bf16": lambda: p @ q}


def _seconds(work: Callable[[], object]) -> float:
    before = time.perf_counter()
    work()
    return time.perf_counter() - before
