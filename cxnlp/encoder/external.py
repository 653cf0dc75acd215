"""Any sentence-transformers model in place of the shipped encoder; imports torch.

Only the transformer's token states are used, so that pooling and clauses work as with the shipped one; a model's own pooling or projection layers
are not.
"""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import torch
from sentence_transformers import SentenceTransformer

from cxnlp.encoder.windows import States, Window, cut, pack
from cxnlp.errors import ArtefactError

_LIKENESS: Final = (4.0, -4.4)


class ExternalEncoder:
    """A sentence-transformers model by folder or name.

    Attributes:
        dim: Length of a state or vector.
        id: Hash of the name, the weights and the tokenizer.
        likeness: Slope and offset of a curve that suits most such models: a cosine of 0.67 is 0.5.
    """

    def __init__(self, name: str) -> None:
        """Load the model.

        Raises:
            ArtefactError: It cannot be found or loaded, or has no fast tokenizer.
        """
        try:
            model = SentenceTransformer(name, device="cpu")
            self._transformer: Any = model[0].auto_model.eval()
            self._tokenizer: Any = model.tokenizer
        except Exception as error:  # the library raises what its many parts raise
            raise ArtefactError(
                f"encoder {name!r} cannot be loaded ({error}); give a sentence-transformers folder, or unset CXNLP_ENCODER"
            ) from error
        if not getattr(self._tokenizer, "is_fast", False):
            raise ArtefactError(f"encoder {name!r} has no fast tokenizer, so clauses cannot be placed; choose another model")
        self.likeness = _LIKENESS
        self.dim = int(self._transformer.config.hidden_size)
        self._before, self._after = _special_tokens(self._tokenizer)
        self._longest = min(512, int(getattr(self._transformer.config, "max_position_embeddings", 512)) - 2) - len(self._before) - len(self._after)
        self.id = self._hash(name)

    def states(self, texts: Sequence[str]) -> Iterator[States]:
        """Yield the token states of each window of each text, in no particular order."""
        for batch in pack(self._windows(texts), len(self._before) + len(self._after)):
            yield from self._run(batch)

    def _windows(self, texts: Sequence[str]) -> Iterator[Window]:
        for i, text in enumerate(texts):
            encoding = self._tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, truncation=False, verbose=False)
            yield from cut(i, encoding["input_ids"], [start for start, _ in encoding["offset_mapping"]], self._longest)

    def _run(self, batch: list[Window]) -> Iterator[States]:
        rows = [[*self._before, *window.ids.tolist(), *self._after] for window in batch]
        padded = self._tokenizer.pad({"input_ids": rows}, return_tensors="pt")
        with torch.inference_mode():
            output = self._transformer(**padded).last_hidden_state.float().numpy()
        for row, window in zip(output, batch, strict=True):
            first, n = (len(self._before), len(window.ids)) if len(window.ids) else (0, 1)
            yield States(window.text, window.starts if len(window.ids) else np.zeros(1, np.int32), row[first : first + n])

    def _hash(self, name: str) -> str:
        digest = hashlib.sha256(name.encode())
        digest.update(self._tokenizer.backend_tokenizer.to_str().encode())
        for key, tensor in sorted(self._transformer.state_dict().items()):
            digest.update(key.encode())
            digest.update(tensor.float().contiguous().numpy().tobytes())
        return digest.hexdigest()[:16]


def _special_tokens(tokenizer: Any) -> tuple[list[int], list[int]]:
    """Return the ids that the tokenizer puts before and after a text."""
    plain = tokenizer("a", add_special_tokens=False)["input_ids"]
    dressed = tokenizer("a")["input_ids"]
    start = next(i for i in range(len(dressed) - len(plain) + 1) if dressed[i : i + len(plain)] == plain)
    return dressed[:start], dressed[start + len(plain) :]
