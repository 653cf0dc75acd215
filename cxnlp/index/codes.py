"""Vectors in 8 bits, scanned by FAISS.

Byte i of a vector is `round((x_i - centre_i) * scale) + 128`, clipped to 1..255, one scale for all, so that squared distances of bytes are
squared distances of vectors (times scale squared) and FAISS can compute them in integers: `QT_8bit_direct` reads 384 bytes a vector and
does no decoding, half the time of `QT_8bit` and a third of float32.
"""

from dataclasses import dataclass
from typing import Any, Final

import faiss
import numpy as np
import numpy.typing as npt

Distances = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]

_faiss: Any = faiss  # its stubs do not know the Python side of its classes
_COVERED: Final = 0.9999
_SPARE: Final = 1.25


@dataclass(frozen=True, slots=True)
class Scale:
    """How vectors become bytes: the centre, (dim,) float32, and bytes a unit."""

    centre: npt.NDArray[np.float32]
    scale: float

    def quantise(self, vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return the bytes of (n, dim) vectors, as whole numbers in float32."""
        made: npt.NDArray[np.float32] = np.clip(np.rint((vectors - self.centre) * np.float32(self.scale)), -127, 127) + np.float32(128)
        return made

    def cosines(self, distances: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return the cosines of unit vectors from the squared distances of their bytes."""
        return 1 - distances * np.float32(0.5 / self.scale**2)

    def distance(self, cosine: float) -> float:
        """Return the squared distance of bytes at a cosine."""
        return 2 * (1 - cosine) * self.scale**2


class Codes:
    """The bytes of `capacity` vectors, in FAISS's own memory.

    That memory is never moved, and a row is written before it is counted, so searches need no lock beside one writer.
    """

    def __init__(self, dim: int, capacity: int, scale: Scale) -> None:
        self.scale = scale
        self._index = _faiss.IndexScalarQuantizer(dim, _faiss.ScalarQuantizer.QT_8bit_direct, _faiss.METRIC_L2)
        self._index.codes.resize(capacity * dim)
        self._bytes = _faiss.rev_swig_ptr(self._index.codes.data(), capacity * dim).reshape(capacity, dim)

    @property
    def n_free(self) -> int:
        """How many rows may still be appended."""
        return len(self._bytes) - int(self._index.ntotal)

    def append(self, vectors: npt.NDArray[np.float32]) -> None:
        """Append (n, dim) vectors, n at most `n_free`."""
        start = int(self._index.ntotal)
        self._bytes[start : start + len(vectors)] = self.scale.quantise(vectors)
        self._index.ntotal = start + len(vectors)

    def grown(self, n_more: int) -> "Codes":
        """Return the same codes with room for so many more."""
        n = int(self._index.ntotal)
        made = Codes(self._bytes.shape[1], capacity_for(n + n_more), self.scale)
        made._bytes[:n] = self._bytes[:n]
        made._index.ntotal = n
        return made

    def nearest(self, query: npt.NDArray[np.float32], k: int, allowed: npt.NDArray[np.bool_]) -> tuple[Distances, Rows]:
        """Return (q, k) squared distances of bytes and rows of the k nearest among the allowed rows, for (q, dim) quantised queries."""
        if allowed.all():
            distances, rows = self._index.search(query, k)
            if int(rows.max()) < len(allowed):  # else rows came in that were appended after the mask was made
                return distances, rows
        bits = np.packbits(allowed, bitorder="little")
        distances, rows = self._index.search(query, k, params=_faiss.SearchParameters(sel=_faiss.IDSelectorBitmap(bits)))
        return distances, rows

    def within(self, query: npt.NDArray[np.float32], distance: float, allowed: npt.NDArray[np.bool_]) -> Rows:
        """Return the allowed rows whose squared distance of bytes to one quantised query, (dim,), is less than `distance`."""
        _, _, rows = self._index.range_search(query[None], distance)
        rows = rows[rows < len(allowed)]
        found: Rows = rows[allowed[rows]]
        return found


def capacity_for(n: int) -> int:
    """Return the capacity to give to n codes; a quarter is spare, since FAISS touches all of it."""
    return int(n * _SPARE) + 256


def fit_scale(vectors: npt.NDArray[np.float32]) -> Scale:
    """Return the scale for vectors like these, (n, dim): their mean, and a range that holds 99.99 % of their values."""
    centre = vectors.mean(axis=0, dtype=np.float64).astype(np.float32)
    reach = float(np.quantile(np.abs(vectors - centre), _COVERED))
    return Scale(centre, 127 / max(reach, 1e-3))
