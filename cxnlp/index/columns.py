"""What filters and facets ask of every record, in columns: a filter over 100,000 records is a few vectorised comparisons.

Rows are append-only. A record that changes gets a new row and its old one a tombstone, so a reader needs only the length and the tombstones
of one moment, which are published together, to see a consistent state without a lock.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cxnlp.errors import InvalidQuery, shorten
from cxnlp.filters import CHOICES, NUMBERS, TIMES, Filter, Range
from cxnlp.index.coded import CodedColumn, Links, Mask
from cxnlp.index.growing import GrowingArray
from cxnlp.records import Entry

OBSERVED: Final = ("touchpoint", "stage", "cause")
RISK: Final = "risk"
SINGLE: Final = tuple(name for name in CHOICES if name not in (*OBSERVED, RISK))
_ATTRIBUTE: Final = "attributes."


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
    """

    def __init__(self) -> None:
        self.live = Live()
        self.ids: list[str] = []
        self._row_of: dict[str, int] = {}
        self._seqs = GrowingArray(np.int64)
        self._choices = {name: CodedColumn() for name in SINGLE}
        self._numbers = {name: GrowingArray(np.float64) for name in (*NUMBERS, *TIMES)}
        self._observations = Links(len(OBSERVED))
        self._risks = Links(1)
        self._attributes = Links(1)

    def put(self, entries: Sequence[Entry]) -> None:
        """Append the entries, no two of one id, and bury the rows that they replace; readers see all of it at once."""
        first = self.live.n
        self.ids.extend(entry.id for entry in entries)
        self._seqs.append([entry.seq for entry in entries])
        for name, column in self._choices.items():
            column.append([entry.choices.get(name) for entry in entries])
        for name in NUMBERS:
            self._numbers[name].append([entry.numbers.get(name, np.nan) for entry in entries])
        for name in TIMES:
            self._numbers[name].append([getattr(entry, name) for entry in entries])
        self._observations.append(first, [entry.observations for entry in entries])
        self._risks.append(first, [[(risk,) for risk in entry.risks] for entry in entries])
        self._attributes.append(first, [[(pair,) for pair in entry.attributes.items()] for entry in entries])
        replaced = [row for entry in entries if (row := self._row_of.get(entry.id)) is not None]
        self._row_of.update((entry.id, row) for row, entry in enumerate(entries, first))
        self._publish(np.concatenate([self.live.alive, np.ones(len(entries), np.bool_)]), replaced)

    def remove(self, ids: Sequence[str]) -> None:
        """Bury the records of these ids; unknown ones are passed over."""
        rows = [row for record_id in ids if (row := self._row_of.pop(record_id, None)) is not None]
        if rows:
            self._publish(self.live.alive.copy(), rows)

    def row_of(self, record_id: str) -> int | None:
        """Return the row of a record; None if it is unknown or buried."""
        return self._row_of.get(record_id)

    def select(self, filter: Filter) -> Mask:
        """Tell which rows pass the filter: (n,), n the rows of the moment of the call."""
        live = self.live
        mask = live.alive.copy()
        for name, column in self._choices.items():
            if wanted := getattr(filter, name):
                mask &= column.matches(live.n, wanted)
        for name, numbers in self._numbers.items():
            if bounds := getattr(filter, name):
                _restrict(mask, numbers.upto(live.n), bounds)
        if any(observed := _observed(filter)):
            mask &= _having(self._observations, live.n, observed)
        if filter.risk:
            mask &= _having(self._risks, live.n, [filter.risk])
        for name, values in filter.attributes.items():
            if values:
                mask &= _having(self._attributes, live.n, [[(name, value) for value in values]])
        return mask

    def facets(self, filter: Filter, name: str) -> Counter[str]:
        """Count the records that pass the filter by the values of a field, one of `CHOICES` or `attributes.<name>`.

        A record counts once for each value it has. Of its observations only those count that the filter's touchpoint, stage and cause match.

        Raises:
            InvalidQuery: There is no such field.
        """
        passing = self.select(filter)
        if name in self._choices:
            return Counter(dict(self._choices[name].counts(passing)))
        if name in OBSERVED:
            links = self._observations.matches(len(self._observations.rows(len(passing))), _observed(filter))
            return Counter(dict(self._observations.counts(passing, links, OBSERVED.index(name))))
        links_of = self._risks if name == RISK else self._attributes
        if name != RISK and not name.startswith(_ATTRIBUTE):
            raise InvalidQuery(f"facet: unknown field {shorten(name)!r}; known are {', '.join(CHOICES)} and attributes.<name>")
        counts = links_of.counts(passing, np.ones(len(links_of.rows(len(passing))), np.bool_), 0)
        if name == RISK:
            return Counter(dict(counts))
        return Counter({value: n for (attribute, value), n in counts if attribute == name.removeprefix(_ATTRIBUTE)})

    def newest_first(self, rows: npt.NDArray[np.int64], scores: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
        """Return the order of these rows: best score first, among equals the newer, then the one received later."""
        created = self._numbers["created_at"].upto(int(rows.max(initial=-1)) + 1)[rows]
        return np.lexsort((-self._seqs.upto(int(rows.max(initial=-1)) + 1)[rows], -created, -scores))

    def taken(self) -> tuple["Columns", npt.NDArray[np.int64]]:
        """Return columns without the dead rows, and the rows that they were made of, ascending."""
        live = self.live
        rows = np.flatnonzero(live.alive)
        made = Columns()
        made.ids = [self.ids[row] for row in rows]
        made._row_of = {record_id: row for row, record_id in enumerate(made.ids)}
        made._seqs.append(self._seqs.upto(live.n)[rows])
        made._choices = {name: column.taken(rows) for name, column in self._choices.items()}
        for name, numbers in self._numbers.items():
            made._numbers[name].append(numbers.upto(live.n)[rows])
        made._observations = self._observations.taken(rows, live.n)
        made._risks = self._risks.taken(rows, live.n)
        made._attributes = self._attributes.taken(rows, live.n)
        made._publish(np.ones(len(rows), np.bool_), [])
        return made, rows

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


def _restrict(mask: Mask, values: npt.NDArray[np.float64], bounds: Range) -> None:
    for bound, compare in ((bounds.gte, np.greater_equal), (bounds.gt, np.greater), (bounds.lte, np.less_equal), (bounds.lt, np.less)):
        if bound is not None:
            mask &= compare(values, bound)
