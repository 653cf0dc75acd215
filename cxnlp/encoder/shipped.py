"""The encoder that ships under models/encoder: int8 weights on disk, OpenVINO at run time."""

import hashlib
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import openvino as ov
import orjson
from safetensors import SafetensorError
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from cxnlp.encoder.graph import Shape, build_graph
from cxnlp.encoder.windows import Ints, States, Window, cut, pack
from cxnlp.errors import ArtefactError
from cxnlp.records import Matrix

_FORMAT: Final = 1
_POOLING: Final = "mean-1"


class ShippedEncoder:
    """A multilingual transformer whose vocabulary is cut to Chinese and English.

    Attributes:
        dim: Length of a state or vector.
        id: Hash of weights, tokenizer, prefix and pooling; vectors of another id are not comparable.
        likeness: Slope and offset of the curve from the cosine of two document vectors to the probability that the texts are alike.
        precision: `bf16`, `int8` or `f32`, as resolved from `auto`.
    """

    def __init__(self, folder: Path, *, precision: str = "auto", n_threads: int = 0) -> None:
        """Read the encoder in `folder`; it is compiled at the first use.

        Args:
            folder: Holds card.json, model.safetensors and tokenizer.json.
            precision: `auto` takes bf16 where the processor has it, else int8 weights.
            n_threads: 0 means all cores.

        Raises:
            ArtefactError: A file is missing, damaged, or of another format.
        """
        card = _read_card(folder)
        self._folder = folder
        self._n_threads = n_threads
        self._shape = Shape(card["shape"]["n_layers"], card["shape"]["n_heads"], card["shape"]["dim"])
        self._longest = int(card["shape"]["n_positions"])
        self._special = card["special_tokens"]
        self.dim = self._shape.dim
        self.likeness = (float(card["likeness"]["slope"]), float(card["likeness"]["offset"]))
        self.id = hashlib.sha256(
            "\n".join([card["files"]["model.safetensors"], card["files"]["tokenizer.json"], card["prefix"], _POOLING]).encode()
        ).hexdigest()[:16]
        self._tokenizer = _read_tokenizer(folder)
        self._before = [self._special["start"], *self._tokenizer.encode(card["prefix"], add_special_tokens=False).ids]
        self._n_extra = len(self._before) + 1
        self.precision = _resolve(precision)
        self._compiling = threading.Lock()
        self._request = threading.local()

    def states(self, texts: Sequence[str]) -> Iterator[States]:
        """Yield the token states of each window of each text, in no particular order; a text of n tokens has ceil(n / 508) windows."""
        with self._compiling:
            streams = self._streams
        under_way: deque[Future[list[States]]] = deque()
        for batch in pack(self._windows(texts), self._n_extra, self._n_streams):
            under_way.append(streams.submit(self._run, batch))
            if len(under_way) > self._n_streams:  # one more than are computed, so that no stream waits for this thread
                yield from under_way.popleft().result()
        while under_way:
            yield from under_way.popleft().result()

    def _windows(self, texts: Sequence[str]) -> Iterator[Window]:
        for first in range(0, len(texts), 256):
            encodings = self._tokenizer.encode_batch(texts[first : first + 256], add_special_tokens=False)
            for i, encoding in enumerate(encodings, first):
                yield from cut(i, encoding.ids, [start for start, _ in encoding.offsets], self._longest - self._n_extra)

    def _run(self, batch: list[Window]) -> list[States]:
        length = max(len(w.ids) for w in batch) + self._n_extra
        n_before = len(self._before)
        ids = np.full((len(batch), length), self._special["pad"], np.int32)
        mask = np.zeros((len(batch), length), np.float32)
        ids[:, :n_before] = self._before
        for row, window in enumerate(batch):
            end = n_before + len(window.ids)
            ids[row, n_before:end] = window.ids
            ids[row, end] = self._special["end"]
            mask[row, : end + 1] = 1
        output = self._infer(ids, mask)
        found = []
        for row, window in enumerate(batch):
            first, n = (n_before, len(window.ids)) if len(window.ids) else (0, 1)
            starts = window.starts if len(window.ids) else np.zeros(1, np.int32)
            found.append(States(window.text, starts, output[row, first : first + n]))
        return found

    def _infer(self, ids: Ints, mask: Matrix) -> Matrix:
        if not hasattr(self._request, "of_thread"):
            self._request.of_thread = self.compiled.create_infer_request()
        output: Matrix = self._request.of_thread.infer([ids, mask], share_inputs=True)[0]
        return output

    @cached_property
    def _n_streams(self) -> int:
        return int(self.compiled.get_property("NUM_STREAMS"))

    @cached_property
    def _streams(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self._n_streams, "encoder")

    @cached_property
    def compiled(self) -> Any:
        """The compiled graph. Its streams, one for each core, run beside each other on weights that they share.

        Raises:
            ArtefactError: The weights are missing or damaged.
        """
        path = self._folder / "model.safetensors"
        try:
            graph = build_graph(load_file(path), self._shape, unfolds=self.precision == "f32")
        except (OSError, SafetensorError, KeyError) as error:
            raise ArtefactError(f"{path}: missing or damaged ({error}); restore it from the repository or rebuild it with training/") from error
        options: dict[str, Any] = {"PERFORMANCE_HINT": "THROUGHPUT", "INFERENCE_PRECISION_HINT": "bf16" if self.precision == "bf16" else "f32"}
        options["DYNAMIC_QUANTIZATION_GROUP_SIZE"] = str(self.dim) if self.precision == "int8" else "0"
        if self._n_threads:
            options["INFERENCE_NUM_THREADS"] = self._n_threads
        return ov.Core().compile_model(graph, "CPU", options)


def _resolve(precision: str) -> str:
    if precision != "auto":
        return precision
    if "BF16" in ov.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        return "bf16"
    # A processor without VNNI computes these in float32 too; "f32" is then a tenth faster, and takes 130 MB more.
    return "int8"


def _read_card(folder: Path) -> dict[str, Any]:
    path = folder / "card.json"
    try:
        card: dict[str, Any] = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise ArtefactError(f"{path}: missing or damaged ({error}); restore it from the repository or set CXNLP_MODELS_DIR") from error
    if card.get("format") != _FORMAT:
        raise ArtefactError(f"{path}: format {card.get('format')!r}, this version of cxnlp reads {_FORMAT}; use models of the same release")
    return card


def _read_tokenizer(folder: Path) -> Tokenizer:
    path = folder / "tokenizer.json"
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # tokenizers raises bare Exception
        raise ArtefactError(f"{path}: missing or damaged ({error}); restore it from the repository") from error
