"""Values that may all differ, such as customers and what stands in attributes: 8 bytes each, whatever their length.

A value is kept as the first 64 bits of its BLAKE2b. Among 10 million distinct values the chance that two of them are taken for one is 3e-6.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cxnlp.errors import InvalidQuery, shorten
from cxnlp.index.coded import Links, Mask
from cxnlp.index.growing import GrowingArray

MOST_LISTED: Final = 1_000
"""So many values of one name can be listed with their counts."""
_NONE: Final = 0


def hash_of(text: str) -> int:
    """Return the signed 64-bit hash of a text; never 0."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big", signed=True) or 1


class Spelling:
    """What hashes stand for, as long as they are few.

    Attributes:
        texts: By hash; None once there were more than 1,000.
    """

    def __init__(self, texts: Mapping[int, str] | None = None, *, is_full: bool = False) -> None:
        self.texts: dict[int, str] | None = None if is_full else dict(texts or {})

    def note(self, value: int, text: str) -> None:
        """Note what a hash stands for."""
        if self.texts is not None and value not in self.texts:
            self.texts[value] = text
            if len(self.texts) > MOST_LISTED:
                self.texts = None

    def counts(self, values: npt.NDArray[np.int64], name: str) -> Counter[str]:
        """Count the values.

        Raises:
            InvalidQuery: There were too many distinct ones to know what they stand for.
        """
        texts = self.texts  # once, since the writer may give it up
        if texts is None:
            raise InvalidQuery(f"facet: {shorten(name)} has more than {MOST_LISTED:,} values; filter by one of them, or count another field")
        distinct, found = np.unique(values[values != _NONE], return_counts=True)
        return Counter({texts[value]: n for value, n in zip(distinct.tolist(), found.tolist(), strict=True)})

    def taken(self, values: npt.NDArray[np.int64]) -> "Spelling":
        """Return what these values stand for, all others forgotten."""
        if self.texts is None:
            return Spelling(is_full=True)
        return Spelling({value: self.texts[value] for value in np.unique(values).tolist() if value != _NONE})


class HashedColumn:
    """One value a record, or none."""

    def __init__(self, name: str, values: npt.NDArray[np.int64] | None = None, spelling: Spelling | None = None) -> None:
        self.spelling = spelling or Spelling()
        self._name = name
        self._values = GrowingArray(np.int64)
        if values is not None:
            self._values.append(values)

    def append(self, texts: Sequence[str | None]) -> None:
        """Append the value of each further record."""
        hashes = [_NONE if text is None else hash_of(text) for text in texts]
        for value, text in zip(hashes, texts, strict=True):
            if text is not None:
                self.spelling.note(value, text)
        self._values.append(np.array(hashes, np.int64))

    def matches(self, n: int, wanted: Iterable[str]) -> Mask:
        """Tell which of the first n records have one of the wanted values."""
        return among(self._values.upto(n), [hash_of(text) for text in wanted])

    def counts(self, passing: Mask) -> list[tuple[str, int]]:
        """Return (value, records) of the records of the mask.

        Raises:
            InvalidQuery: There are too many values.
        """
        return list(self.spelling.counts(self._values.upto(len(passing))[passing], self._name).items())

    def taken(self, rows: npt.NDArray[np.int64], n: int) -> "HashedColumn":
        """Return the column of these rows alone, out of n."""
        values = self._values.upto(n)[rows]
        return HashedColumn(self._name, values, self.spelling.taken(values))

    def values(self, n: int) -> npt.NDArray[np.int64]:
        """Return the hashes of the first n records, 0 for none."""
        values: npt.NDArray[np.int64] = self._values.upto(n)
        return values


class Attributes:
    """Any number of named values a record: links of (name,), and the hash of the value beside each."""

    def __init__(
        self, links: Links | None = None, values: npt.NDArray[np.int64] | None = None, spellings: Mapping[str, Spelling] | None = None
    ) -> None:
        self.links = links or Links(1)
        self.spellings = dict(spellings or {})
        self._values = GrowingArray(np.int64)
        if values is not None:
            self._values.append(values)

    def append(self, first_row: int, given: Sequence[Mapping[str, str]]) -> None:
        """Append the attributes of each further record, the first of which is `first_row`."""
        hashes = []
        for attributes in given:
            for name, text in attributes.items():
                hashes.append(hash_of(text))
                self.spellings.setdefault(name, Spelling()).note(hashes[-1], text)
        self._values.append(np.array(hashes, np.int64))
        self.links.append(first_row, [[(name,) for name in attributes] for attributes in given])

    def having(self, n: int, name: str, wanted: Iterable[str]) -> Mask:
        """Tell which of the first n records have one of the wanted values under a name."""
        rows, values = self._named(n, name)
        mask = np.zeros(n, np.bool_)
        mask[rows[among(values, [hash_of(text) for text in wanted])]] = True
        return mask

    def counts(self, passing: Mask, name: str) -> Counter[str]:
        """Count the records of the mask by the value under a name.

        Raises:
            InvalidQuery: There are too many values.
        """
        rows, values = self._named(len(passing), name)
        return self.spellings.get(name, Spelling()).counts(values[passing[rows]], f"attributes.{name}")

    def coded(self, n: int, name: str) -> tuple[npt.NDArray[np.int16], list[str]]:
        """Return the value under a name of each of the first n records as a number, -1 for none, and what the numbers stand for.

        Raises:
            InvalidQuery: There are too many values.
        """
        texts = self.spellings.get(name, Spelling()).texts
        if texts is None:
            raise InvalidQuery(f"attributes.{shorten(name)} has more than {MOST_LISTED:,} values; filter by one of them, or take another dimension")
        known = texts.copy()  # the writer may add to it
        rows, values = self._named(n, name)
        codes = np.full(n, -1, np.int16)
        codes[rows] = _places(values, np.array(list(known), np.int64))
        return codes, list(known.values())

    def taken(self, rows: npt.NDArray[np.int64], n: int) -> "Attributes":
        """Return the attributes of these rows alone, ascending, out of n."""
        kept = np.zeros(n, np.bool_)
        kept[rows] = True
        of = self.links.rows(n)
        made = Attributes(self.links.taken(rows, n), self.values(n)[kept[of]])
        names, values = made.links.places[0].coding.values, made._values.upto(made._values.n)
        codes = made.links.places[0].upto(len(values))
        made.spellings = {name: self.spellings[name].taken(values[codes == code]) for code, name in enumerate(names)}
        return made

    def values(self, n: int) -> npt.NDArray[np.int64]:
        """Return the hash of each value of the first n records."""
        values: npt.NDArray[np.int64] = self._values.upto(len(self.links.rows(n)))
        return values

    def _named(self, n: int, name: str) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
        """Return row and value of each attribute of a name of the first n records."""
        rows = self.links.rows(n)
        places = np.flatnonzero(self.links.matches(len(rows), [(name,)]))
        return rows[places], self._values.upto(len(rows))[places]


def among(values: npt.NDArray[np.int64], wanted: Sequence[int]) -> Mask:
    """Tell which values are among the wanted."""
    if len(wanted) == 1:
        return np.equal(values, wanted[0])
    return np.isin(values, np.array(wanted, np.int64))


def _places(values: npt.NDArray[np.int64], known: npt.NDArray[np.int64]) -> npt.NDArray[np.int16]:
    """Return the place of each value among the known ones; each is one of them."""
    for part in range(4):
        short = known.view(np.uint16)[part::4]
        if len(np.unique(short)) == len(known):  # 16 bits tell them apart, and a table is ten times faster than looking each one up
            table = np.zeros(1 << 16, np.int16)
            table[short] = np.arange(len(known), dtype=np.int16)
            return table[values.view(np.uint16)[part::4]]
    order = np.argsort(known)
    found: npt.NDArray[np.int16] = order[np.searchsorted(known[order], values)].astype(np.int16)
    return found


def restored_spelling(stored: Any) -> Spelling:
    """Return the spelling that `spelled` wrote."""
    return Spelling(is_full=True) if stored is None else Spelling({hash_of(text): text for text in stored})


def spelled(spelling: Spelling) -> list[str] | None:
    """Return a spelling as JSON holds it."""
    return None if spelling.texts is None else list(spelling.texts.values())
