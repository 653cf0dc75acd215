"""What filters and facets ask of every record, in columns: a filter over 1,000,000 records is a few vectorised comparisons.

Rows are append-only. A record that changes gets a new row and its old one a tombstone, so a reader needs only the length and the tombstones
of one moment, which are published together, to see a consistent state without a lock.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cxnlp.errors import InvalidInput, InvalidQuery, shorten
from cxnlp.filters import CHOICES, NUMBERS, TIMES, Filter, Range
from cxnlp.index.coded import CodedColumn, Links, Mask
from cxnlp.index.growing import GrowingArray
from cxnlp.index.hashed import Attributes, HashedColumn, among
from cxnlp.index.ids import RecordIds, Rows, is_id
from cxnlp.records import Entry

OBSERVED: Final = ("touchpoint", "stage", "cause")
RISK: Final = "risk"
TOPIC: Final = "topic"
HASHED: Final = ("customer",)
CODED: Final = tuple(name for name in CHOICES if name not in (*OBSERVED, RISK, *HASHED))
UNITS: Final = 10_000
"""Sentiments have four decimals, so in ten-thousandths they are whole numbers and their sums exact."""
_ATTRIBUTE: Final = "attributes."
_TYPES: Final = dict.fromkeys(NUMBERS, np.float32) | dict.fromkeys(TIMES, np.float64)


@dataclass(frozen=True, slots=True)
class Live:
    """The rows of one moment.

    Attributes:
        n: Rows, dead ones included.
        alive: (n,) which are not dead.
        n_alive: How many.
    """

    n: int = 0
    alive: Mask = field(default_factory=lambda: np.zeros(0, np.bool_), compare=False)
    n_alive: int = 0


class Columns:
    """The columns of all records. One writer at a time; any number of readers beside it.

    Attributes:
        live: The rows of this moment; replaced, never changed.
        ids: The public id of each row.
        seqs: The store's number of each row, (n,) int64.
        copy_keys: The copy key of each row, (n,) int64, 0 for none.
        choices: By name, what has one value a record.
        numbers: By name, what can be bounded.
        scales: The scale of each rating.
        observations: (touchpoint, stage, cause) of each observation.
        feelings: The sentiment of each observation in ten-thousandths, in their order; 0 where it is not known.
        risks: (risk,) of each risk.
        attributes: Named values.
    """

    def __init__(self) -> None:
        self.live = Live()
        self.ids = RecordIds()
        self.seqs = GrowingArray(np.int64)
        self.copy_keys = GrowingArray(np.int64)
        self.choices: dict[str, CodedColumn | HashedColumn] = {name: CodedColumn() for name in CODED}
        self.choices |= {name: HashedColumn(name) for name in HASHED}
        self.numbers = {name: GrowingArray(dtype) for name, dtype in _TYPES.items()}
        self.scales = CodedColumn()
        self.observations = Links(len(OBSERVED))
        self.feelings = GrowingArray(np.int16)
        self.risks = Links(1)
        self.attributes = Attributes()

    def put(self, entries: Sequence[Entry]) -> None:
        """Append the entries, no two of one id, and bury the rows that they replace; readers see all of it at once.

        Raises:
            InvalidInput: An id is not `r-` and 20 hexadecimal digits.
        """
        if wrong := next((entry.id for entry in entries if not is_id(entry.id)), None):
            raise InvalidInput(f"entry {shorten(wrong)!r}: is no id of a record; write r- and 20 hexadecimal digits")
        first = self.live.n
        replaced = list(self.rows_of([entry.id for entry in entries]).values())
        self.ids.append([entry.id for entry in entries])
        self.seqs.append(np.array([entry.seq for entry in entries], np.int64))
        self.copy_keys.append(np.array([entry.copy_key for entry in entries], np.int64))
        for name, column in self.choices.items():
            column.append([entry.choices.get(name) for entry in entries])
        for name in NUMBERS:
            self.numbers[name].append([entry.numbers.get(name, np.nan) for entry in entries])
        for name in TIMES:
            self.numbers[name].append([getattr(entry, name) for entry in entries])
        self.scales.append([entry.scale for entry in entries])
        self.feelings.append(np.rint(UNITS * np.array([x for entry in entries for x in entry.feelings or (0.0,) * len(entry.observations)])))
        self.observations.append(first, [entry.observations for entry in entries])
        self.risks.append(first, [[(risk,) for risk in entry.risks] for entry in entries])
        self.attributes.append(first, [entry.attributes for entry in entries])
        self._publish(np.concatenate([self.live.alive, np.ones(len(entries), np.bool_)]), replaced)

    def remove(self, ids: Sequence[str]) -> int:
        """Bury the records of these ids, unknown ones passed over; return how many."""
        if rows := list(self.rows_of(ids).values()):
            self._publish(self.live.alive.copy(), rows)
        return len(rows)

    def set_topics(self, seqs: npt.NDArray[np.int64], topics: Sequence[str]) -> None:
        """Give the records of these numbers, ascending, these topics, and all others none; readers see all of it at once."""
        live = self.live
        given: list[str | None] = [None] * live.n
        rows = np.flatnonzero(live.alive)
        places = np.searchsorted(seqs, self.seqs.upto(live.n)[rows])
        known = places < len(seqs)
        known[known] = seqs[places[known]] == self.seqs.upto(live.n)[rows[known]]
        for row, place in zip(rows[known].tolist(), places[known].tolist(), strict=True):
            given[row] = topics[place]
        column = CodedColumn()
        column.append(given)
        self.choices = self.choices | {TOPIC: column}

    def rows_of(self, ids: Iterable[str]) -> dict[str, int]:
        """Return the row of each record, unknown and buried ones left out."""
        return self.ids.rows_of(ids, self.live.alive)

    def select(self, filter: Filter) -> Mask:
        """Tell which rows pass the filter: (n,), n the rows of the moment of the call."""
        live = self.live
        mask = live.alive.copy()
        for name, column in self.choices.items():
            if wanted := getattr(filter, name):
                mask &= column.matches(live.n, wanted)
        for name, numbers in self.numbers.items():
            if bounds := getattr(filter, name):
                _restrict(mask, numbers.upto(live.n), bounds)
        if any(observed := _observed(filter)):
            mask &= _having(self.observations, live.n, observed)
        if filter.risk:
            mask &= _having(self.risks, live.n, [filter.risk])
        for name, values in filter.attributes.items():
            if values:
                mask &= self.attributes.having(live.n, name, values)
        return mask

    def facets(self, filter: Filter, name: str) -> Counter[str]:
        """Count the records that pass the filter by the values of a field, one of `CHOICES` or `attributes.<name>`.

        A record counts once for each value it has. Of its observations only those count that the filter's touchpoint, stage and cause match.

        Raises:
            InvalidQuery: There is no such field, or it has more than 1,000 values.
        """
        passing = self.select(filter)
        if name in self.choices:
            return Counter(dict(self.choices[name].counts(passing)))
        if name in OBSERVED:
            links = self.observations.matches(len(self.observations.rows(len(passing))), _observed(filter))
            return Counter(dict(self.observations.counts(passing, links, OBSERVED.index(name))))
        if name == RISK:
            return Counter(dict(self.risks.counts(passing, np.ones(len(self.risks.rows(len(passing))), np.bool_), 0)))
        if not name.startswith(_ATTRIBUTE):
            raise InvalidQuery(f"facet: unknown field {shorten(name)!r}; known are {', '.join(CHOICES)} and attributes.<name>")
        return self.attributes.counts(passing, name.removeprefix(_ATTRIBUTE))

    def copies(self, keys: Sequence[int], passing: Mask) -> list[int]:
        """Count the records of the mask that have each of these copy keys."""
        if not keys:
            return []
        stored, wanted = self.copy_keys.upto(len(passing)), np.array(keys, np.int64)
        low = np.zeros(1 << 16, np.bool_)
        low[wanted.view(np.uint16)[::4]] = True  # a glance at 16 bits spares nearly all rows the search for the other 48
        near = np.flatnonzero(low[stored.view(np.uint16)[::4]] & passing)
        distinct, counts = np.unique(stored[near[among(stored[near], keys)]], return_counts=True)
        found = dict(zip(distinct.tolist(), counts.tolist(), strict=True))
        return [found.get(key, 0) for key in keys]

    def newest_first(self, rows: Rows, scores: npt.NDArray[np.floating[Any]]) -> Rows:
        """Return the order of these rows: best score first, among equals the newer, then the one received later."""
        n = int(rows.max(initial=-1)) + 1
        return np.lexsort((-self.seqs.upto(n)[rows], -self.numbers["created_at"].upto(n)[rows], -scores))

    def taken(self) -> tuple["Columns", Rows]:
        """Return columns without the dead rows, and the rows that they were made of, ascending."""
        live = self.live
        rows = np.flatnonzero(live.alive)
        made = Columns()
        made.ids = self.ids.taken(rows)
        made.seqs.append(self.seqs.upto(live.n)[rows])
        made.copy_keys.append(self.copy_keys.upto(live.n)[rows])
        made.choices = {name: column.taken(rows, live.n) for name, column in self.choices.items()}
        for name, numbers in self.numbers.items():
            made.numbers[name].append(numbers.upto(live.n)[rows])
        made.scales = self.scales.taken(rows, live.n)
        of = self.observations.rows(live.n)
        made.feelings.append(self.feelings.upto(len(of))[live.alive[of]])
        made.observations = self.observations.taken(rows, live.n)
        made.risks = self.risks.taken(rows, live.n)
        made.attributes = self.attributes.taken(rows, live.n)
        made.revive(len(rows))
        return made, rows

    def revive(self, n: int) -> None:
        """Let the first n rows be all there are, and alive: the last step of making columns of arrays."""
        self._publish(np.ones(n, np.bool_), [])

    def _publish(self, alive: Mask, dead: Sequence[int]) -> None:
        alive[list(dead)] = False
        self.live = Live(len(alive), alive, int(np.count_nonzero(alive)))


def _observed(filter: Filter) -> list[tuple[str, ...]]:
    return [getattr(filter, name) for name in OBSERVED]


def _having(links: Links, n: int, wanted: Sequence[Sequence[Any]]) -> Mask:
    rows = links.rows(n)
    mask = np.zeros(n, np.bool_)
    mask[rows[links.matches(len(rows), wanted)]] = True
    return mask


def _restrict(mask: Mask, values: npt.NDArray[np.floating[Any]], bounds: Range) -> None:
    for bound, compare in ((bounds.gte, np.greater_equal), (bounds.gt, np.greater), (bounds.lte, np.less_equal), (bounds.lt, np.less)):
        if bound is not None:
            with np.errstate(over="ignore"):
                mask &= compare(values, values.dtype.type(bound))  # a bound is rounded as the values are, so that it holds at the very value
