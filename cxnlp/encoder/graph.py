"""The transformer as an OpenVINO graph, built from the shipped weights.

A BERT encoder (Devlin et al. 2019, post-norm) without pooler. Weight matrices are stored as int8 with one scale a row and stay so in memory; a
processor that does not multiply int8 unfolds them at each use. Unfolded once instead, it is a tenth faster and takes 130 MB more.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import openvino as ov
from openvino import opset13 as ops

_MASKED = np.float32(-1e4)
_LAYER_NORM_EPSILON = 1e-12


@dataclass(frozen=True, slots=True)
class Shape:
    """Dimensions of the transformer."""

    n_layers: int
    n_heads: int
    dim: int


class _Weights:
    """Named weights as graph nodes."""

    def __init__(self, tensors: Mapping[str, Any], *, unfolds: bool) -> None:
        self._tensors = tensors
        self._unfolds = unfolds

    def matrix(self, name: str) -> Any:
        """Return the (rows, columns) matrix `name`, dequantised in the graph."""
        quantised, scale = self._tensors[name], self._tensors[f"{name}.scale"].astype(np.float32)[:, None]
        return ops.multiply(ops.convert(ops.constant(quantised), np.float32), ops.constant(scale))

    def vector(self, name: str) -> Any:
        return ops.constant(self._tensors[name].astype(np.float32)[None, None])

    def linear(self, x: Any, name: str) -> Any:
        weight = f"{name}.weight"
        if self._unfolds:
            matrix = ops.constant(self._tensors[weight] * self._tensors[f"{weight}.scale"].astype(np.float32)[:, None])
        else:
            matrix = self.matrix(weight)
        return ops.add(ops.matmul(x, matrix, False, True), self.vector(f"{name}.bias"))

    def layer_norm(self, x: Any, name: str) -> Any:
        normed = ops.mvn(x, ops.constant(np.array([-1], np.int32)), True, _LAYER_NORM_EPSILON, "inside_sqrt")
        return ops.add(ops.multiply(normed, self.vector(f"{name}.weight")), self.vector(f"{name}.bias"))


def build_graph(tensors: Mapping[str, Any], shape: Shape, *, unfolds: bool = False) -> ov.Model:
    """Return a model of inputs `ids` (batch, length) int32 and `mask` (batch, length) float32 of 1 and 0, output (batch, length, dim) float32.

    Args:
        tensors: The weights by name.
        shape: Of the transformer.
        unfolds: Whether the matrices of the layers are float32 in memory.

    Raises:
        KeyError: A weight is missing.
    """
    weights = _Weights(tensors, unfolds=unfolds)
    ids = ops.parameter([-1, -1], np.int32, "ids")
    mask = ops.parameter([-1, -1], np.float32, "mask")
    x = _embed(weights, ids)
    bias = ops.unsqueeze(
        ops.multiply(ops.subtract(ops.constant(np.float32(1)), mask), ops.constant(_MASKED)), ops.constant(np.array([1, 2], np.int32))
    )
    for i in range(shape.n_layers):
        x = _layer(weights, x, bias, f"layer.{i}", shape)
    return ov.Model([x], [ids, mask], "encoder")


def _embed(weights: _Weights, ids: Any) -> Any:
    zero = ops.constant(np.int32(0))
    length = ops.gather(ops.shape_of(ids, output_type="i32"), ops.constant(np.array([1], np.int32)), zero)
    positions = ops.slice(
        weights.matrix("positions.weight"),
        ops.constant(np.array([0], np.int32)),
        length,
        ops.constant(np.array([1], np.int32)),
        ops.constant(np.array([0], np.int32)),
    )
    words = ops.gather(weights.matrix("words.weight"), ids, zero)
    return weights.layer_norm(ops.add(words, ops.unsqueeze(positions, zero)), "norm")


def _layer(weights: _Weights, x: Any, bias: Any, name: str, shape: Shape) -> Any:
    to_heads = ops.constant(np.array([0, 0, shape.n_heads, shape.dim // shape.n_heads], np.int32))
    swap = ops.constant(np.array([0, 2, 1, 3], np.int32))
    query, key, value = (ops.transpose(ops.reshape(weights.linear(x, f"{name}.{part}"), to_heads, True), swap) for part in ("query", "key", "value"))
    attended = ops.transpose(ops.scaled_dot_product_attention(query, key, value, bias), swap)
    attended = ops.reshape(attended, ops.constant(np.array([0, 0, shape.dim], np.int32)), True)
    x = weights.layer_norm(ops.add(x, weights.linear(attended, f"{name}.attention")), f"{name}.attention_norm")
    inner = ops.gelu(weights.linear(x, f"{name}.inner"), "erf")
    return weights.layer_norm(ops.add(x, weights.linear(inner, f"{name}.outer")), f"{name}.norm")
