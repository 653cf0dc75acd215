"""Which records a question is about: the one filter that search, lists, exports and feeds share.

As JSON: `{"channel": ["ticket", "chat"], "sentiment": {"lte": -0.3}, "created_at": {"gte": "2026-11-01"}, "attributes": {"region": ["西南"]}}`.
A list means any of; fields are combined by and; `touchpoint` and `cause` must match within one observation.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

from cxnlp.errors import InvalidQuery, shorten

CHOICES: Final = ("source", "channel", "language", "label", "intent", "touchpoint", "stage", "cause", "risk", "segment", "customer", "topic")
NUMBERS: Final = ("sentiment", "confidence", "satisfaction", "rating")
TIMES: Final = ("created_at", "received_at")
_BOUNDS: Final = ("gte", "gt", "lte", "lt")
_MOST_VALUES: Final = 1_000


@dataclass(frozen=True, slots=True)
class Range:
    """Bounds on a number, or on a time given as POSIX seconds; None where open."""

    gte: float | None = None
    gt: float | None = None
    lte: float | None = None
    lt: float | None = None


@dataclass(frozen=True, slots=True)
class Filter:
    """A conjunction; an empty tuple or None does not restrict.

    `rating` is the rating mapped to [-1, 1]; times are POSIX seconds; `attributes` compares values as text.
    """

    source: tuple[str, ...] = ()
    channel: tuple[str, ...] = ()
    language: tuple[str, ...] = ()
    label: tuple[str, ...] = ()
    intent: tuple[str, ...] = ()
    touchpoint: tuple[str, ...] = ()
    stage: tuple[str, ...] = ()
    cause: tuple[str, ...] = ()
    risk: tuple[str, ...] = ()
    segment: tuple[str, ...] = ()
    customer: tuple[str, ...] = ()
    topic: tuple[str, ...] = ()
    sentiment: Range | None = None
    confidence: Range | None = None
    satisfaction: Range | None = None
    rating: Range | None = None
    created_at: Range | None = None
    received_at: Range | None = None
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def is_empty(self) -> bool:
        """Whether every record passes."""
        return not any(getattr(self, f.name) for f in fields(self))


def parse_filter(given: Mapping[str, Any] | None) -> Filter:
    """Return the filter that a JSON object describes.

    Raises:
        InvalidQuery: A field is unknown or has a value of the wrong type; the message names it and what to write.
    """
    parsed: dict[str, Any] = {}
    for name, value in (given or {}).items():
        if value is None:
            continue
        if name in CHOICES:
            parsed[name] = _choices(name, value)
        elif name in NUMBERS or name in TIMES:
            parsed[name] = _range(name, value)
        elif name == "attributes" and isinstance(value, Mapping):
            parsed[name] = {str(k): _choices(f"attributes.{k}", v) for k, v in value.items()}
        else:
            raise InvalidQuery(f"filter: unknown field {shorten(name)!r}; known are {', '.join((*CHOICES, *NUMBERS, *TIMES, 'attributes'))}")
    return Filter(**parsed)


def filter_line(filter: Filter) -> dict[str, Any]:
    """Return the JSON object that `parse_filter` reads as this filter; times as ISO 8601 in UTC, to the microsecond."""
    line: dict[str, Any] = {name: list(values) for name in CHOICES if (values := getattr(filter, name))}
    for name in (*NUMBERS, *TIMES):
        if bounds := getattr(filter, name):
            given = {bound: value for bound in _BOUNDS if (value := getattr(bounds, bound)) is not None}
            line[name] = {bound: datetime.fromtimestamp(value, UTC).isoformat() for bound, value in given.items()} if name in TIMES else given
    attributes = {name: list(values) for name, values in filter.attributes.items() if values}
    return line | {"attributes": attributes} if attributes else line


def _choices(name: str, value: object) -> tuple[str, ...]:
    values = [value] if isinstance(value, str | int | float) else value
    if not isinstance(values, Sequence) or not values or not all(isinstance(v, str | int | float) for v in values):
        raise InvalidQuery(f"filter: {name} is {shorten(value)!r}; write one value or a list of values")
    if len(values) > _MOST_VALUES:
        raise InvalidQuery(f"filter: {name} has {len(values)} values; send at most {_MOST_VALUES}")
    return tuple(as_text(v) for v in values)


def as_text(value: object) -> str:
    """Return a plain JSON value as filters compare it: `true`, `3`, `3.5`, or the text itself."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _range(name: str, value: object) -> Range:
    if not isinstance(value, Mapping) or not value or not set(value) <= set(_BOUNDS):
        example = '{"gte": "2026-11-01T00:00:00Z"}' if name in TIMES else '{"lte": -0.3}'
        raise InvalidQuery(f"filter: {name} is {shorten(value)!r}; write bounds such as {example}, with {', '.join(_BOUNDS)}")
    read = _time if name in TIMES else _number
    return Range(**{bound: read(f"{name}.{bound}", v) for bound, v in value.items()})


def _number(name: str, value: object) -> float:
    try:
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
    except OverflowError:  # a whole number of more than 308 digits
        pass
    raise InvalidQuery(f"filter: {name} is {shorten(value)!r}; write a finite number")


def _time(name: str, value: object) -> float:
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else value
        if isinstance(at, datetime):
            return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        pass
    raise InvalidQuery(f"filter: {name} is {shorten(value)!r}; write an ISO 8601 time such as 2026-11-01T09:30:00Z")
