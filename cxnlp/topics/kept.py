"""What a fit has found on its way, kept in a folder, so that the same fit begun anew after a kill goes on from there."""

import hashlib
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from cxnlp.records import Matrix

Array: TypeAlias = npt.NDArray[Any]
_LIBRARIES: Final = ("bertopic", "hdbscan", "numpy", "scikit-learn", "umap-learn")
METHOD: Final = 1
"""Raised whenever the same vectors come to lie elsewhere or in other groups, so that nothing of an earlier cxnlp is taken over."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Arrays of one fit by name.

    Attributes:
        folder: Where they lie; None keeps nothing.
        key: What they were made of, as `key_of` tells it; arrays of another key count as absent.
        on_found: Called when one is found that was made before.
    """

    folder: Path | None = None
    key: str = ""
    on_found: Callable[[], None] = lambda: None

    def get(self, name: str, make: Callable[[], Array]) -> Array:
        """Return the array of this name, made now if it was not kept, or not wholly written."""
        if self.folder is None:
            return make()
        path = self.folder / f"{name}-{self.key}.npy"
        with suppress(OSError, ValueError, EOFError):
            found: Array = np.load(path, allow_pickle=False)
            self.on_found()
            return found
        made = make()
        part = path.with_suffix(".part")
        with part.open("wb") as file:
            np.save(file, made)
        os.replace(part, path)
        return made


def key_of(vectors: Matrix, texts: Sequence[str], *parameters: object) -> str:
    """Return a hash of all that groups follow from: vectors, texts, parameters, the libraries and the method.

    Args:
        vectors: (n, dim) float32.
        texts: n texts.
        parameters: Whatever else the result depends on.
    """
    digest = hashlib.blake2b(repr((METHOD, vectors.shape, parameters, [_version(name) for name in _LIBRARIES])).encode(), digest_size=16)
    digest.update(np.ascontiguousarray(vectors, np.float32).data)
    for text in texts:
        digest.update(text.encode("utf-8", "surrogatepass") + b"\x00")
    return digest.hexdigest()


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "none"
