"""Columns of words kept as numbers: one value a record, or several."""

from collections.abc import Hashable, Iterable, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cxnlp.index.growing import GrowingArray

Codes = npt.NDArray[np.signedinteger[Any]]
Mask = npt.NDArray[np.bool_]
UNKNOWN = -1
_NARROW: Final = np.iinfo(np.int16).max


class Coding:
    """Values numbered in the order of their first appearance.

    Attributes:
        values: The value of each number.
    """

    def __init__(self, values: Iterable[Any] = ()) -> None:
        self.values: list[Any] = list(values)
        self._numbers: dict[Hashable, int] = {value: i for i, value in enumerate(self.values)}

    def number(self, value: Hashable | None) -> int:
        """Return the number of a value, a new one if it is new; -1 for None."""
        if value is None:
            return UNKNOWN
        number = self._numbers.get(value)
        if number is None:
            number = len(self.values)
            self.values.append(value)
            self._numbers[value] = number
        return number

    def among(self, codes: Codes, wanted: Iterable[Hashable]) -> Mask:
        """Tell which codes stand for one of the wanted values."""
        numbers = [number for value in wanted if (number := self._numbers.get(value)) is not None]
        if len(numbers) < 2:
            return np.equal(codes, numbers[0]) if numbers else np.zeros(len(codes), np.bool_)
        table = np.zeros(len(self.values) + 1, np.bool_)  # the last one is what -1 falls on
        table[numbers] = True
        return table[codes]

    def taken(self, codes: Codes) -> tuple["Coding", Codes]:
        """Return a coding of only the values in use, and the codes in it; what nobody has any more is forgotten."""
        used, places = np.unique(codes, return_inverse=True)
        n_unknown = int(np.count_nonzero(used == UNKNOWN))
        return Coding(self.values[number] for number in used[n_unknown:]), (places - n_unknown).astype(np.int32).reshape(codes.shape)


class CodeArray:
    """The numbers of one coding, in 16 bits each as long as they fit."""

    def __init__(self, coding: Coding, codes: Codes | None = None) -> None:
        self.coding = coding
        self._codes = GrowingArray(np.int16 if len(coding.values) <= _NARROW else np.int32)
        if codes is not None:
            self._codes.append(codes)

    def append(self, values: Iterable[Hashable | None]) -> None:
        """Append the number of each further value."""
        numbers = [self.coding.number(value) for value in values]
        if len(self.coding.values) > _NARROW:
            self._codes = self._codes.of_type(np.int32)
        self._codes.append(numbers)

    def upto(self, n: int) -> Codes:
        """Return the first n numbers as a view."""
        codes: Codes = self._codes.upto(n)
        return codes

    def taken(self, which: npt.NDArray[np.bool_] | npt.NDArray[np.int64], n: int) -> "CodeArray":
        """Return some of the first n numbers, in a coding of their own."""
        return CodeArray(*self.coding.taken(self.upto(n)[which]))


class CodedColumn:
    """One value a record, or none."""

    def __init__(self, codes: CodeArray | None = None) -> None:
        self.codes = codes or CodeArray(Coding())

    def append(self, values: Sequence[str | None]) -> None:
        """Append the value of each further record."""
        self.codes.append(values)

    def matches(self, n: int, wanted: Iterable[str]) -> Mask:
        """Tell which of the first n records have one of the wanted values."""
        return self.codes.coding.among(self.codes.upto(n), wanted)

    def counts(self, passing: Mask) -> list[tuple[str, int]]:
        """Return (value, records) of the records of the mask."""
        codes = self.codes.upto(len(passing))[passing]
        found = np.bincount(codes[codes != UNKNOWN])
        return [(self.codes.coding.values[i], int(found[i])) for i in np.flatnonzero(found)]

    def taken(self, rows: npt.NDArray[np.int64], n: int) -> "CodedColumn":
        """Return the column of these rows alone, out of n."""
        return CodedColumn(self.codes.taken(rows, n))


class Links:
    """Any number of tuples a record, such as its observations, as flat columns: the row and one code for each place of the tuple.

    Rows ascend, so the links of the first n records are the links before the first row n.
    """

    def __init__(self, width: int) -> None:
        self.places = [CodeArray(Coding()) for _ in range(width)]
        self._rows = GrowingArray(np.int32)

    def append(self, first_row: int, tuples: Sequence[Iterable[tuple[Hashable | None, ...]]]) -> None:
        """Append the tuples of each further record, the first of which is `first_row`."""
        flat: list[tuple[Any, ...]] = [(row, *values) for row, several in enumerate(tuples, first_row) for values in several]
        for place, codes in enumerate(self.places, 1):
            codes.append([values[place] for values in flat])
        self._rows.append([values[0] for values in flat])

    def rows(self, n: int) -> npt.NDArray[np.int32]:
        """Return the row of each link of the first n records."""
        rows: npt.NDArray[np.int32] = self._rows.upto(self._rows.n)
        return rows[: np.searchsorted(rows, n)]

    def matches(self, n_links: int, wanted: Sequence[Iterable[Hashable]]) -> Mask:
        """Tell which of the first links have, in every place, one of the values wanted there; an empty place does not restrict."""
        mask = np.ones(n_links, np.bool_)
        for codes, values in zip(self.places, wanted, strict=True):
            if values:
                mask &= codes.coding.among(codes.upto(n_links), values)
        return mask

    def counts(self, passing: Mask, links: Mask, place: int) -> list[tuple[Any, int]]:
        """Return (value, records) at a place of the tuples: records of the mask that have it in one of the links of the other mask."""
        rows = self.rows(len(passing))
        codes, coding = self.places[place].upto(len(rows)), self.places[place].coding
        chosen = links & passing[rows] & (codes != UNKNOWN)
        n_values = len(coding.values)
        distinct = np.unique(rows[chosen].astype(np.int64) * n_values + codes[chosen])
        found = np.bincount(distinct % max(n_values, 1))
        return [(coding.values[i], int(found[i])) for i in np.flatnonzero(found)]

    def taken(self, rows: npt.NDArray[np.int64], n: int) -> "Links":
        """Return the links of these rows alone, ascending, out of n."""
        place_of = np.full(n, UNKNOWN, np.int32)
        place_of[rows] = np.arange(len(rows), dtype=np.int32)
        moved = place_of[self.rows(n)]
        kept = moved != UNKNOWN
        return Links.restored(moved[kept], [codes.taken(kept, len(kept)) for codes in self.places])

    @classmethod
    def restored(cls, rows: npt.NDArray[np.int32], places: Sequence[CodeArray]) -> "Links":
        """Return the links of these rows, ascending, and codes."""
        made = cls(0)
        made.places = list(places)
        made._rows.append(rows)
        return made
