"""Append-only arrays that readers use without a lock while one writer appends."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

_FIRST_CAPACITY: Final = 256


class GrowingArray:
    """A numpy array that doubles its capacity when full.

    What has been appended never changes or moves within its array, and a full array is replaced, not resized. So a reader that knows a length
    n from before may read `upto(n)` at any time.

    Attributes:
        n: Rows appended.
    """

    def __init__(self, dtype: npt.DTypeLike, width: int | None = None) -> None:
        self.n = 0
        self._shape = () if width is None else (width,)
        self._values: npt.NDArray[Any] = np.empty((0, *self._shape), dtype)

    def append(self, values: npt.ArrayLike) -> None:
        """Append (m, ...) values."""
        block = np.asarray(values, self._values.dtype).reshape(-1, *self._shape)
        end = self.n + len(block)
        if end > len(self._values):
            grown = np.empty((max(end, 2 * len(self._values), _FIRST_CAPACITY), *self._shape), self._values.dtype)
            grown[: self.n] = self._values[: self.n]
            self._values = grown
        self._values[self.n : end] = block
        self.n = end

    def of_type(self, dtype: npt.DTypeLike) -> "GrowingArray":
        """Return the same values in another type; the array itself if it is of that type."""
        if self._values.dtype == dtype:
            return self
        made = GrowingArray(dtype, *self._shape)
        made.append(self._values[: self.n])
        return made

    def upto(self, n: int) -> npt.NDArray[Any]:
        """Return the first n rows as a view, n at most `n`."""
        return self._values[:n]
