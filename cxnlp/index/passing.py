"""Records that pass a filter, and the facts that they are counted by, without a loop over records.

A record counts once for each value that it has. Of an observation's dimensions (touchpoint, stage, cause, pair) its sentiment is the mean of those
of its observations with that value; two of them must be in one observation. Where a filter names touchpoints, stages or causes, only the observations
count that it matches, as for facets.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from cxnlp.errors import InvalidQuery, shorten
from cxnlp.filters import Filter
from cxnlp.index.coded import UNKNOWN, CodedColumn, Mask
from cxnlp.index.columns import OBSERVED, RISK, Columns
from cxnlp.index.facts import Facts, Whole
from cxnlp.index.ids import Rows

ALL: Final = "all"
PAIR: Final = "pair"
ATTRIBUTE: Final = "attributes."
OF_RECORDS: Final = ("source", "channel", "language", "label", "intent", "segment", "topic")
OF_OBSERVATIONS: Final = (*OBSERVED, PAIR)
DIMENSIONS: Final = (ALL, *OF_RECORDS, *OF_OBSERVATIONS, RISK)
"""Besides these, `attributes.NAME`."""
MOST_DIMENSIONS: Final = 2
_DENSE: Final = 1 << 22
_STEPS: Final = 32


@dataclass(frozen=True)
class Passing:
    """The records of one moment that pass a filter, for any number of questions that must agree.

    Attributes:
        columns: Where they are.
        mask: (n,) which rows they are.
        filter: Whose touchpoint, stage and cause say which observations count.
    """

    columns: Columns = field(repr=False)
    mask: Mask = field(repr=False, compare=False)
    filter: Filter

    def facts(self, dimensions: Sequence[str], edges: npt.NDArray[np.float64]) -> Facts:
        """Return the facts of these records in stretches of time, by one or two dimensions; those without a value are left out.

        Args:
            dimensions: Of `DIMENSIONS`, or `attributes.NAME`.
            edges: (n_buckets + 1,) POSIX seconds, not descending; the beginning of each stretch and the end of the last.

        Raises:
            InvalidQuery: There is no such dimension, there are too many, one of them twice, or an attribute has too many values.
        """
        check_dimensions(dimensions)
        rows, created = self._inside(edges)
        buckets = np.searchsorted(edges, created, side="right") - 1 if len(edges) > 2 else None
        if RISK not in dimensions and not any(name in OF_OBSERVATIONS for name in dimensions):
            return self._facts(dimensions, rows, {}, buckets, len(edges) - 1)
        places = np.full(len(self.mask), UNKNOWN, np.int32)
        places[rows] = 0 if buckets is None else buckets
        if any(name in OF_OBSERVATIONS for name in dimensions):
            return self._observed(dimensions, places, len(edges) - 1)
        rows, risks = self._risks(places)
        return self._facts(dimensions, rows, {RISK: risks}, None if buckets is None else places[rows], len(edges) - 1)

    def count(self, edges: npt.NDArray[np.float64]) -> int:
        """Return how many of these records are in stretches of time; `edges` as of `facts`."""
        return len(self._inside(edges)[0])

    def _inside(self, edges: npt.NDArray[np.float64]) -> tuple[Rows, npt.NDArray[np.float64]]:
        created: npt.NDArray[np.float64] = self.columns.numbers["created_at"].upto(len(self.mask))
        rows = np.flatnonzero(self.mask & (created >= edges[0]) & (created < edges[-1]))
        return rows, created[rows]

    def _observed(self, dimensions: Sequence[str], places: Whole, n_buckets: int) -> Facts:
        links = self.columns.observations
        of = links.rows(len(self.mask))
        wanted = [getattr(self.filter, name) for name in OBSERVED]
        counting = places[of] != UNKNOWN
        if any(wanted):
            counting &= links.matches(len(of), wanted)
        observed = {name: self._observation_codes(name, len(of)) for name in dimensions if name in OF_OBSERVATIONS}
        for own in observed.values():
            counting &= own != UNKNOWN
        chosen = np.flatnonzero(counting)
        codes: dict[str, Whole] = {}
        if RISK in dimensions:
            chosen, codes[RISK] = _crossed(of, chosen, *self._risks(places), len(self.mask))
        codes |= {name: own[chosen] for name, own in observed.items()}
        rows = of[chosen]
        buckets = None if n_buckets == 1 else places[rows]
        return self._facts(dimensions, rows, codes, buckets, n_buckets, self.columns.feelings.upto(len(of))[chosen])

    def _risks(self, places: Whole) -> tuple[Rows, Whole]:
        """Return row and number of each risk that counts."""
        of = self.columns.risks.rows(len(self.mask))
        chosen = np.flatnonzero(places[of] != UNKNOWN)
        return of[chosen].astype(np.int64), self.columns.risks.places[0].upto(len(of))[chosen]

    def _observation_codes(self, name: str, n_links: int) -> Whole:
        links = self.columns.observations.places
        if name != PAIR:
            return links[OBSERVED.index(name)].upto(n_links)
        touchpoints, causes = (links[OBSERVED.index(part)] for part in ("touchpoint", "cause"))
        n_causes = len(causes.coding.values)
        first, second = touchpoints.upto(n_links).astype(np.int32), causes.upto(n_links)
        return np.where((first == UNKNOWN) | (second == UNKNOWN), UNKNOWN, first * n_causes + second)

    def _facts(
        self, dimensions: Sequence[str], rows: Whole, known: dict[str, Whole], buckets: Whole | None, n_buckets: int, feelings: Whole | None = None
    ) -> Facts:
        """Return facts of rows, ascending, some of whose codes are known; a row with the same values twice becomes one fact.

        `buckets` are those of the rows, None if there is but one.
        """
        own = [(known[name], self._texts(name)) if name in known else self._coded(name, rows) for name in dimensions]
        values = [texts for _, texts in own]
        space = math.prod(max(len(texts), 1) for texts in values)
        lacking = [part for (part, _), name in zip(own, dimensions, strict=True) if name not in known and part.min(initial=0) == UNKNOWN]
        codes: Whole = own[0][0].astype(np.int32 if space <= _DENSE else np.int64)
        for part, texts in own[1:]:
            codes = codes * max(len(texts), 1) + part
        if lacking:
            kept = np.flatnonzero(np.logical_and.reduce([part != UNKNOWN for part in lacking]))
            rows, codes, buckets = rows[kept], codes[kept], None if buckets is None else buckets[kept]
            feelings = None if feelings is None else feelings[kept]
        weights = None
        if known:
            firsts, feelings, weights = _merged(rows, codes, feelings)
            if firsts is not None:
                rows, codes, buckets = rows[firsts], codes[firsts], None if buckets is None else buckets[firsts]
        present, cells = _numbered(codes, space)
        return Facts(
            self.columns,
            rows,
            cells,
            np.zeros(len(rows), np.int8) if buckets is None else buckets,
            n_buckets,
            tuple(values),
            present,
            feelings,
            weights,
        )

    def _texts(self, name: str) -> list[str]:
        links = self.columns.risks.places if name == RISK else self.columns.observations.places
        if name == PAIR:
            touchpoints, causes = (list(links[OBSERVED.index(part)].coding.values) for part in ("touchpoint", "cause"))
            return [f"{touchpoint}/{cause}" for touchpoint in touchpoints for cause in causes]
        return list(links[0 if name == RISK else OBSERVED.index(name)].coding.values)

    def _coded(self, name: str, rows: Whole) -> tuple[Whole, list[str]]:
        """Return the number of the value of each row, and what the numbers stand for."""
        if name == ALL:
            return np.zeros(len(rows), np.int8), [""]
        if name.startswith(ATTRIBUTE):
            codes, texts = self.columns.attributes.coded(len(self.mask), name.removeprefix(ATTRIBUTE))
            return codes[rows], texts
        column = self.columns.choices[name]
        assert isinstance(column, CodedColumn)
        return column.codes.upto(len(self.mask))[rows], list(column.codes.coding.values)


def check_dimensions(dimensions: Sequence[str]) -> None:
    """Tell what is wrong with dimensions.

    Raises:
        InvalidQuery: There is no such dimension, there are none or too many, or one of them twice.
    """
    for name in dimensions:
        if name not in DIMENSIONS and not (name.startswith(ATTRIBUTE) and len(name) > len(ATTRIBUTE)):
            raise InvalidQuery(f"dimension is {shorten(name)!r}; write one of {', '.join(DIMENSIONS)} or attributes.NAME")
    if not 1 <= len(dimensions) <= MOST_DIMENSIONS or len(set(dimensions)) < len(dimensions):
        raise InvalidQuery(f"dimension: {shorten(', '.join(dimensions))!r}; write one or two different ones")


def _numbered(codes: Whole, space: int) -> tuple[Whole, Whole]:
    """Return the codes that occur, ascending, and the place of each code among them."""
    if space > _DENSE:
        return np.unique(codes, return_inverse=True)
    present = np.flatnonzero(np.bincount(codes, minlength=space))
    place = np.zeros(space, np.int64)
    place[present] = np.arange(len(present))
    return present, place[codes]


def _merged(rows: Whole, codes: Whole, feelings: Whole | None) -> tuple[Rows | None, Whole | None, Whole | None]:
    """Return which facts are the first of their row and code (None for all), the sum of the feelings of all alike, and how many those are."""
    again, first = _repeated(rows, codes)
    summed, weights = (None, None) if feelings is None else (feelings.astype(np.int32), np.ones(len(rows), np.int32))
    if not len(again):
        return None, summed, weights
    is_first = np.ones(len(rows), np.bool_)
    is_first[again] = False
    kept = np.flatnonzero(is_first)
    if feelings is None or summed is None or weights is None:
        return kept, None, None
    np.add.at(summed, first, feelings[again])
    np.add.at(weights, first, 1)
    return kept, summed[kept], weights[kept]


def _repeated(rows: Whole, codes: Whole) -> tuple[Rows, Rows]:
    """Return the places whose row and code have been before, and the first place of each."""
    first = np.arange(len(rows))
    later = np.flatnonzero(rows[1:] == rows[:-1]) + 1
    for step in range(1, _STEPS):  # a row's first place of a code is at most as far before as the row has values
        alike = later[codes[later] == codes[later - step]]
        first[alike] = alike - step
        later = later[later > step]
        later = later[rows[later] == rows[later - step - 1]]
        if not len(later):
            again = np.flatnonzero(first != np.arange(len(rows)))
            return again, first[again]
    keys = np.stack([rows.astype(np.int64), codes.astype(np.int64)])
    _, starts, of = np.unique(keys, axis=1, return_index=True, return_inverse=True)
    first = starts[of.reshape(-1)]
    again = np.flatnonzero(first != np.arange(len(rows)))
    return again, first[again]


def _crossed(of: Whole, chosen: Rows, risk_rows: Rows, risks: Whole, n: int) -> tuple[Rows, Whole]:
    """Return each chosen observation once for each risk of its record, and these risks."""
    per_row = np.bincount(risk_rows, minlength=n)
    starts = np.cumsum(per_row) - per_row
    times = per_row[of[chosen]]
    within = np.arange(int(times.sum())) - np.repeat(np.cumsum(times) - times, times)
    return np.repeat(chosen, times), risks[np.repeat(starts[of[chosen]], times) + within]
