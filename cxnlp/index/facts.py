"""What is counted: one fact for each record and each of its values, in cells and stretches of time."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from cxnlp.index.coded import UNKNOWN
from cxnlp.index.columns import Columns
from cxnlp.index.ids import Rows

Whole = npt.NDArray[np.signedinteger[Any]]


@dataclass(frozen=True)
class Facts:
    """Facts of some cells, in ascending order of their records.

    Attributes:
        columns: Where they were found.
        rows: (m,) the record of each.
        cells: (m,) its cell, a number below `n_cells`.
        buckets: (m,) its stretch of time, a number below `n_buckets`.
        n_buckets: How many stretches there are.
        values: What there is in each dimension.
        codes: (n_cells,) the values of each cell as one number.
        feelings: (m,) sum of the sentiments of its observations in ten-thousandths; None where sentiment is that of the record.
        weights: (m,) number of these observations; None with `feelings`.
    """

    columns: Columns = field(repr=False)
    rows: Rows = field(repr=False)
    cells: Whole = field(repr=False)
    buckets: Whole = field(repr=False)
    n_buckets: int
    values: tuple[Sequence[str], ...] = field(repr=False)
    codes: Whole = field(repr=False)
    feelings: Whole | None = field(default=None, repr=False)
    weights: Whole | None = field(default=None, repr=False)

    @property
    def n_cells(self) -> int:
        """How many cells there are; each has facts, unless it was asked for by name."""
        return len(self.codes)

    def counts(self) -> npt.NDArray[np.int64]:
        """Return the number of records of each cell."""
        return np.bincount(self.cells, minlength=self.n_cells)

    def names(self, cells: Iterable[int]) -> list[tuple[str, ...]]:
        """Return the value of cells in each dimension."""
        return [_named(int(self.codes[cell]), self.values) for cell in cells]

    def of(self, names: Sequence[tuple[str, ...]]) -> "Facts":
        """Return the facts of the cells of these values alone, in this order; those that are not known have none."""
        codes, places = self._places(names)
        moved = places[self.cells]
        return replace(self._kept(np.flatnonzero(moved != UNKNOWN), moved), codes=codes)

    def beside(self, names: Sequence[tuple[str, ...]]) -> "Facts":
        """Return the facts of all cells but those of these values as facts of one cell, in which each record counts once."""
        which = np.flatnonzero(self._places(names)[1][self.cells] == UNKNOWN)
        found = replace(self._kept(which, np.zeros_like(self.cells)), codes=np.array([UNKNOWN]))
        starts = np.flatnonzero(np.diff(found.rows, prepend=-1))
        if len(starts) == len(found.rows):
            return found
        summed = [None if part is None else np.add.reduceat(part, starts) for part in (found.feelings, found.weights)]
        return replace(found._kept(starts, found.cells), feelings=summed[0], weights=summed[1])

    def _places(self, names: Sequence[tuple[str, ...]]) -> tuple[Whole, Whole]:
        """Return the code of each name, -1 where it is not known, and the place of each cell among the names, -1 if it is none of them."""
        numbers = [{text: i for i, text in enumerate(texts)} for texts in self.values]
        codes = np.full(len(names), UNKNOWN, np.int64)
        for at, name in enumerate(names):
            known = [of.get(text) for of, text in zip(numbers, name, strict=True)]
            if None not in known:
                codes[at] = 0
                for number, texts in zip(known, self.values, strict=True):
                    codes[at] = codes[at] * len(texts) + number
        places = np.full(self.n_cells, UNKNOWN, np.int64)
        cells = np.minimum(np.searchsorted(self.codes, codes), max(self.n_cells - 1, 0))
        for at, cell in enumerate(cells.tolist() if self.n_cells else ()):
            if self.codes[cell] == codes[at]:
                places[cell] = at
        return codes, places

    def _kept(self, which: Rows, cells: Whole) -> "Facts":
        feelings, weights = (None if part is None else part[which] for part in (self.feelings, self.weights))
        return replace(self, rows=self.rows[which], cells=cells[which], buckets=self.buckets[which], feelings=feelings, weights=weights)


def _named(code: int, values: Sequence[Sequence[str]]) -> tuple[str, ...]:
    found: list[str] = []
    for texts in reversed(values):
        code, own = divmod(code, max(len(texts), 1))
        found.append(texts[own])
    return tuple(reversed(found))
