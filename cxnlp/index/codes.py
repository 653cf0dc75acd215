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

from cxnlp.index.coded import Mask
from cxnlp.index.ids import Rows

Distances = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]
Quantised = npt.NDArray[np.float32]
"""Bytes as whole numbers in float32, as FAISS takes them."""

_faiss: Any = faiss  # its stubs do not know the Python side of its classes
_COVERED: Final = 0.9999
_SPARE: Final = 1.25
_MARGIN: Final = 1.25


@dataclass(frozen=True, slots=True)
class Scale:
    """How vectors become bytes: the centre, (dim,) float32, and bytes a unit."""

    centre: npt.NDArray[np.float32]
    scale: float

    def quantise(self, vectors: npt.NDArray[np.float32]) -> Quantised:
        """Return the bytes of (n, dim) vectors."""
        made: Quantised = np.clip(np.rint((vectors - self.centre) * np.float32(self.scale)), -127, 127) + np.float32(128)
        return made

    def vectors(self, stored: Bytes) -> npt.NDArray[np.float32]:
        """Return the vectors of (n, dim) bytes, up to the rounding."""
        made: npt.NDArray[np.float32] = (stored.astype(np.float32) - np.float32(128)) / np.float32(self.scale) + self.centre
        return made

    def cosines(self, distances: Distances) -> npt.NDArray[np.float32]:
        """Return the cosines of unit vectors from the squared distances of their bytes."""
        return 1 - distances * np.float32(0.5 / self.scale**2)

    def distance(self, cosine: float) -> float:
        """Return the squared distance of bytes at a cosine."""
        return 2 * (1 - cosine) * self.scale**2


class Codes:
    """The bytes of `capacity` vectors, in FAISS's own memory, scanned from end to end.

    That memory is never moved, and a row is written before it is counted, so searches need no lock beside one writer.
    """

    def __init__(self, dim: int, capacity: int) -> None:
        self._index = _faiss.IndexScalarQuantizer(dim, _faiss.ScalarQuantizer.QT_8bit_direct, _faiss.METRIC_L2)
        self._index.codes.resize(capacity * dim)
        self._bytes: Bytes = _faiss.rev_swig_ptr(self._index.codes.data(), capacity * dim).reshape(capacity, dim)

    @property
    def n(self) -> int:
        """Rows appended."""
        return int(self._index.ntotal)

    @property
    def stored(self) -> Bytes:
        """The (n, dim) bytes, as a view."""
        return self._bytes[: self.n]

    def append(self, quantised: npt.NDArray[np.float32] | Bytes) -> "Codes":
        """Append (n, dim) bytes; return these codes, or the same in more room if they are full."""
        start, end = self.n, self.n + len(quantised)
        codes = self if end <= len(self._bytes) else self._grown(end)
        codes._bytes[start:end] = quantised
        codes._index.ntotal = end
        return codes

    def nearest(self, queries: Quantised, k: int, allowed: Mask) -> tuple[Distances, Rows]:
        """Return (q, k) squared distances and rows of the k nearest among the allowed rows, -1 where there are fewer."""
        if allowed.all():
            distances, rows = self._index.search(queries, k)
            if int(rows.max()) < len(allowed):  # else rows came in that were appended after the mask was made
                return distances, rows
        selector = _faiss.IDSelectorBitmap(np.packbits(allowed, bitorder="little"))
        distances, rows = self._index.search(queries, k, params=_faiss.SearchParameters(sel=selector))
        return distances, rows

    def within(self, query: Quantised, distance: float, allowed: Mask) -> tuple[Distances, Rows]:
        """Return squared distances and rows of the allowed rows nearer than `distance` to one query, (dim,)."""
        _, distances, rows = self._index.range_search(query[None], distance)
        known = rows < len(allowed)
        known[known] = allowed[rows[known]]
        return distances[known], rows[known]

    def _grown(self, n: int) -> "Codes":
        made = Codes(self._bytes.shape[1], capacity_for(n))
        return made.append(self.stored)


def capacity_for(n: int) -> int:
    """Return the capacity to give to n codes; a quarter is spare, since FAISS touches all of it."""
    return int(n * _SPARE) + 256


def fit_scale(vectors: npt.NDArray[np.float32]) -> Scale:
    """Return the scale for vectors like these, (n, dim): their mean, and a quarter more than the range that holds 99.99 % of their values."""
    centre = vectors.mean(axis=0, dtype=np.float64).astype(np.float32)
    reach = float(np.quantile(np.abs(vectors - centre), _COVERED))
    return Scale(centre, 127 / max(_MARGIN * reach, 1e-3))
