"""Public ids as numbers: `r-` and 20 hexadecimal digits are 80 bits, 10 bytes a record instead of the 90 of a string in a dict."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from cxnlp.index.growing import GrowingArray

Rows = npt.NDArray[np.int64]

_ID: Final = re.compile(r"r-[0-9a-f]{20}")
_LOW: Final = 16


class RecordIds:
    """The id of each row: its upper 64 bits and its lower 16.

    There is no table from id to row. The lower bits of all rows, 2 MB at a million, are looked through instead, which takes less than a
    millisecond for any number of ids.
    """

    def __init__(self) -> None:
        self._high = GrowingArray(np.uint64)
        self._low = GrowingArray(np.uint16)

    def append(self, ids: Sequence[str]) -> None:
        """Append the ids of further rows, each of which `is_id`."""
        high, low = _numbers(ids)
        self._high.append(high)
        self._low.append(low)

    def names(self, rows: Rows) -> list[str]:
        """Return the ids of rows, in their order."""
        high, low = self._high.upto(self._high.n)[rows].tolist(), self._low.upto(self._low.n)[rows].tolist()
        return [f"r-{upper:016x}{lower:04x}" for upper, lower in zip(high, low, strict=True)]

    def rows_of(self, ids: Iterable[str], among: npt.NDArray[np.bool_]) -> dict[str, int]:
        """Return the row of each id, unknown ones left out.

        Args:
            ids: Any strings.
            among: (n,) the rows looked at, no two of one id.
        """
        wanted = [record_id for record_id in dict.fromkeys(ids) if is_id(record_id)]
        high, low = _numbers(wanted)
        rows = self._rows_with(low, len(among))
        rows = rows[among[rows]]
        of = {record_id: i for i, record_id in enumerate(zip(high.tolist(), low.tolist(), strict=True))}
        found = zip(self._high.upto(len(among))[rows].tolist(), self._low.upto(len(among))[rows].tolist(), strict=True)
        return {wanted[i]: int(row) for row, key in zip(rows, found, strict=True) if (i := of.get(key)) is not None}

    def taken(self, rows: Rows) -> "RecordIds":
        """Return the ids of these rows alone."""
        return RecordIds.restored(self._high.upto(self._high.n)[rows], self._low.upto(self._low.n)[rows])

    def arrays(self, n: int) -> dict[str, npt.NDArray[np.generic]]:
        """Return what `restored` takes, of the first n rows."""
        return {"high": self._high.upto(n), "low": self._low.upto(n)}

    @classmethod
    def restored(cls, high: npt.NDArray[np.uint64], low: npt.NDArray[np.uint16]) -> "RecordIds":
        """Return the ids of the two numbers of each."""
        made = cls()
        made._high.append(high)
        made._low.append(low)
        return made

    def _rows_with(self, low: npt.NDArray[np.uint16], n: int) -> Rows:
        stored = self._low.upto(n)
        if len(low) == 1:
            return np.flatnonzero(stored == low[0])
        table = np.zeros(1 << _LOW, np.bool_)
        table[low] = True
        return np.flatnonzero(table[stored])


def is_id(text: str) -> bool:
    """Tell whether a text has the form of a public id."""
    return _ID.fullmatch(text) is not None


def _numbers(ids: Sequence[str]) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint16]]:
    return np.array([int(i[2:-4], 16) for i in ids], np.uint64), np.array([int(i[-4:], 16) for i in ids], np.uint16)
