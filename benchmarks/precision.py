"""The encoder alone, in every arithmetic at hand, and under ONNX Runtime and torch, on the same texts, in turns."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
from safetensors.numpy import load_file

from benchmarks.figures import Figure, median
from benchmarks.texts import text_sets
from cxnlp.encoder import ShippedEncoder, Window
from cxnlp.encoder.windows import pack
from cxnlp.settings import Settings

Runner = Callable[[Sequence[str]], list[npt.NDArray[np.float32]]]
_MASKED = "AVX2"


def measure_precision(*, quick: bool) -> list[Figure]:
    """Return records/s of the encoder by arithmetic and engine."""
    texts = list(text_sets(quick=quick, names=("mixed reviews",))[0].texts[:300])
    folder = Settings().models_dir / "encoder"
    with tempfile.TemporaryDirectory() as scratch:
        runners = _openvino_runners(folder)
        if not quick:
            runners |= _peer_runners(folder, Path(scratch))
        rates, vectors = _race(runners, texts, 1 if quick else 3)
    reference = vectors["OpenVINO f32"]
    figures = []
    for name, rate in rates.items():
        cosine = float(np.mean(np.sum(vectors[name] * reference, axis=1)))
        figures.append(Figure("precision", name, rate, "records/s", f"{rate / rates['OpenVINO f32']:.2f} of OpenVINO f32; cosine to it {cosine:.5f}"))
    chosen = f"OpenVINO {ShippedEncoder(folder).precision}"
    fastest = max((name for name in rates if name.startswith("OpenVINO")), key=lambda name: rates[name])
    figures.append(
        Figure(
            "precision",
            f"auto takes {chosen}",
            rates[chosen],
            "records/s",
            f"fastest here: {fastest}",
            "within 5 %",
            rates[chosen] >= 0.95 * rates[fastest],
        )
    )
    return figures + _masked(quick)


def _race(runners: Mapping[str, Runner], texts: Sequence[str], n_rounds: int) -> tuple[dict[str, float], dict[str, npt.NDArray[np.float32]]]:
    seconds: dict[str, list[float]] = {name: [] for name in runners}
    vectors = {}
    for runner in runners.values():
        runner(texts[:32])
    for _ in range(n_rounds):
        for name, runner in runners.items():
            start = time.perf_counter()
            found = np.stack(runner(texts))
            seconds[name].append(time.perf_counter() - start)
            vectors[name] = found / np.linalg.norm(found, axis=1, keepdims=True)
    return {name: len(texts) / median(values) for name, values in seconds.items()}, vectors


def _openvino_runners(folder: Path) -> dict[str, Runner]:
    def runner_of(precision: str) -> Runner:
        encoder = ShippedEncoder(folder, precision=precision)

        def run(texts: Sequence[str]) -> list[npt.NDArray[np.float32]]:
            means = {window.text: window.states.mean(axis=0) for window in encoder.states(texts)}
            return [means[i] for i in range(len(texts))]

        return run

    has_bf16 = ShippedEncoder(folder).precision == "bf16"
    return {f"OpenVINO {precision}": runner_of(precision) for precision in ("f32", "int8", *(("bf16",) if has_bf16 else ()))}


def _peer_runners(folder: Path, scratch: Path) -> dict[str, Runner]:
    """Return the same transformer under torch and ONNX Runtime, made here from the shipped weights."""
    import onnxruntime
    import torch
    from onnxruntime.quantization import QuantType, quantize_dynamic

    encoder = ShippedEncoder(folder)
    model = torch_model(folder)
    halved = torch_model(folder).to(torch.bfloat16)
    plain, quantised = scratch / "plain.onnx", scratch / "int8.onnx"
    example = torch.ones((3, 9), dtype=torch.int64)
    with torch.inference_mode():
        torch.onnx.export(
            model,
            (example, example),
            str(plain),
            input_names=["ids", "mask"],
            output_names=["states"],
            dynamic_shapes=({0: torch.export.Dim("batch"), 1: torch.export.Dim("length", max=512)},) * 2,
            dynamo=True,
            verbose=False,
        )
    quantize_dynamic(plain, quantised, weight_type=QuantType.QInt8)

    def torch_runner(network: Any) -> Runner:
        def infer(ids: npt.NDArray[np.int64], mask: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
            with torch.inference_mode():
                states: npt.NDArray[np.float32] = network(torch.from_numpy(ids), torch.from_numpy(mask)).float().numpy()
            return states

        return lambda texts: _pooled(encoder, texts, infer)

    def onnx_runner(path: Path) -> Runner:
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        return lambda texts: _pooled(encoder, texts, lambda ids, mask: session.run(None, {"ids": ids, "mask": mask})[0])

    return {
        "torch f32": torch_runner(model),
        "torch bf16": torch_runner(halved),
        "ONNX Runtime f32": onnx_runner(plain),
        "ONNX Runtime dynamic int8": onnx_runner(quantised),
    }


def torch_model(folder: Path) -> Any:
    """Return the shipped transformer as a torch module of (ids, mask) -> states."""
    import torch
    from transformers import BertConfig, BertModel

    card = orjson.loads((folder / "card.json").read_bytes())
    shape = card["shape"]
    config = BertConfig(
        vocab_size=shape["n_pieces"],
        hidden_size=shape["dim"],
        num_hidden_layers=shape["n_layers"],
        num_attention_heads=shape["n_heads"],
        intermediate_size=4 * shape["dim"],
        max_position_embeddings=shape["n_positions"],
        type_vocab_size=1,
    )
    network = BertModel(config, add_pooling_layer=False).eval()
    weights = {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in _bert_weights(load_file(folder / "model.safetensors"))}
    missing, unexpected = network.load_state_dict(weights, strict=False)
    if unexpected or [name for name in missing if "token_type" not in name and "position_ids" not in name]:
        raise ValueError(f"weights do not fit: missing {missing}, unexpected {unexpected}")
    with torch.no_grad():
        network.embeddings.token_type_embeddings.weight.zero_()

    class States(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            states: torch.Tensor = self.network(input_ids=ids, attention_mask=mask).last_hidden_state
            return states

    return States().eval()


def _bert_weights(tensors: Mapping[str, npt.NDArray[Any]]) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
    parts = {
        "query": "attention.self.query",
        "key": "attention.self.key",
        "value": "attention.self.value",
        "attention": "attention.output.dense",
        "attention_norm": "attention.output.LayerNorm",
        "inner": "intermediate.dense",
        "outer": "output.dense",
        "norm": "output.LayerNorm",
    }
    tops = {"words": "word_embeddings", "positions": "position_embeddings", "norm": "LayerNorm"}
    for name, tensor in tensors.items():
        if name.endswith(".scale"):
            continue
        scale = tensors.get(f"{name}.scale")
        value = tensor.astype(np.float32) * (1 if scale is None else scale.astype(np.float32)[:, None])
        pieces = name.split(".")
        if pieces[0] == "layer":
            yield f"encoder.layer.{pieces[1]}.{parts[pieces[2]]}.{pieces[3]}", value
        else:
            yield f"embeddings.{tops[pieces[0]]}.{pieces[1]}", value


def _pooled(encoder: ShippedEncoder, texts: Sequence[str], infer: Callable[..., npt.NDArray[np.float32]]) -> list[npt.NDArray[np.float32]]:
    """Return the mean states of each text with another engine under the product's own tokens and batches; texts are shorter than a window."""
    means: dict[int, npt.NDArray[np.float32]] = {}
    before, special = encoder._before, encoder._special
    for batch in pack(encoder._windows(texts), encoder._n_extra):
        ids = np.full((len(batch), max(len(w.ids) for w in batch) + encoder._n_extra), special["pad"], np.int64)
        mask = np.zeros_like(ids)
        for row, window in enumerate(batch):
            _fill(ids[row], mask[row], window, before, special["end"])
        for window, states in zip(batch, infer(ids, mask), strict=True):
            means[window.text] = states[len(before) : len(before) + max(1, len(window.ids))].mean(axis=0)
    return [means[i] for i in range(len(texts))]


def _fill(ids: npt.NDArray[np.int64], mask: npt.NDArray[np.int64], window: Window, before: list[int], end: int) -> None:
    n = len(before) + len(window.ids)
    ids[: len(before)] = before
    ids[len(before) : n] = window.ids
    ids[n] = end
    mask[: n + 1] = 1


def _masked(quick: bool) -> list[Figure]:
    """Return the rates with instructions masked by ONEDNN_MAX_CPU_ISA, each in a process of its own since it is read at the start."""
    figures = []
    for isa in ("",) if quick else ("", *_MASKED.split()):
        environment = os.environ | ({"ONEDNN_MAX_CPU_ISA": isa} if isa else {})
        done = subprocess.run([sys.executable, "-m", "benchmarks.masked"], env=environment, capture_output=True, text=True, check=True)
        for precision, rate, kernels in (line.split("\t") for line in done.stdout.splitlines()):
            name = f"OpenVINO {precision}, " + (f"ONEDNN_MAX_CPU_ISA={isa}" if isa else "all instructions")
            figures.append(Figure("precision", name, float(rate), "records/s", f"matrix kernels {kernels}"))
    return figures
