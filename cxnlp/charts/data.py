"""What figures take: plain values, each with the filter for the records that it stands for.

A `key` is such a filter by field, `{"touchpoint": "delivery", "cause": "slow"}`; `from` and `to` are the first and the last day.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Key = Mapping[str, str]
Value = float | None


@dataclass(frozen=True, slots=True)
class Curve:
    """A measure over time, a value for each of n buckets.

    Attributes:
        name: For people.
        first: n first days of the buckets, ISO 8601.
        last: n last days, included.
        values: n values; None where nobody answered.
        counts: n numbers of answers behind them.
        low, high: n ends of the 95 % interval of the values, or empty.
        expected: n (expected, low, high) of what chance alone would bring, or empty.
        key: Filter for its records.
    """

    name: str
    first: Sequence[str]
    last: Sequence[str]
    values: Sequence[Value]
    counts: Sequence[int]
    low: Sequence[Value] = ()
    high: Sequence[Value] = ()
    expected: Sequence[tuple[Value, Value, Value]] = ()
    key: Key = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Bar:
    """A measure of one part: `low`, `high` are the ends of its 95 % interval, `before` is its value in the time before."""

    name: str
    value: Value
    n: int
    low: Value = None
    high: Value = None
    before: Value = None
    key: Key = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Grid:
    """A measure by two dimensions.

    Attributes:
        rows, columns: Names of the r rows and c columns, for people.
        values: r rows of c values; None where there is no record.
        counts: r rows of c numbers of answers.
        row_keys, column_keys: Filters for their records.
    """

    rows: Sequence[str]
    columns: Sequence[str]
    values: Sequence[Sequence[Value]]
    counts: Sequence[Sequence[int]]
    row_keys: Sequence[Key] = ()
    column_keys: Sequence[Key] = ()


@dataclass(frozen=True, slots=True)
class Shift:
    """The share of a part now and before, in [0, 1].

    Attributes:
        name: For people.
        before, after: Shares.
        n_before, n: Records.
        beyond_chance: Whether the 95 % interval of the difference leaves out zero.
        key: Filter for its records.
    """

    name: str
    before: float
    after: float
    n_before: int
    n: int
    beyond_chance: bool
    key: Key = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Node:
    """A topic in a hierarchy: `parent` is the id of the node that it stands under, `n` its own records without those of its children."""

    id: str
    name: str
    n: int
    parent: str | None = None
    key: Key = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Join:
    """A step of joining what is most alike.

    `left` and `right` number the topics from 0, and from there on the joins before; `likeness` is in [-1, 1].
    """

    left: int
    right: int
    likeness: float


@dataclass(frozen=True, slots=True)
class Mark:
    """A point of a map.

    Attributes:
        x, y: Place, around the origin.
        name: Of its topic; None for a record without one.
        text: What a customer said; of a topic what speaks for it.
        n: Records of the topic; 0 for a single record.
        key: Filter for its records.
    """

    x: float
    y: float
    name: str | None
    text: str = ""
    n: int = 0
    key: Key = field(default_factory=dict)
