"""From the columns of a table, or the names of a loose JSON record, to the record format."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cxnlp.errors import InvalidInput
from cxnlp.ingest.column_names import FIELDS, SHORT_FIELDS, STRONG_NAMES, WEAK_NAMES, normalize
from cxnlp.ingest.transcripts import split_turns
from cxnlp.records import RATING_RANGES

_CONTENT: Final = ("text", "title", "turns", "conversation")
_OWN_NAMES: Final = frozenset({"source", "external_id", "channel", "created_at", "updated_at", "rating", "customer", "attributes"})
_LOOSE_FIELDS: Final = ("external_id", "created_at", "updated_at", "customer.id", *(f"rating.{scale}" for scale in RATING_RANGES))
_LOOSE_NAMES: Final = {name: field for name, field in {**STRONG_NAMES, **WEAK_NAMES}.items() if field in _LOOSE_FIELDS and name != "id"}
_PLAIN: Final = ("source", "external_id", "channel", "created_at", "updated_at")
_ATTRIBUTE: Final = "attributes."


@dataclass(frozen=True)
class ColumnMapping:
    """Which column feeds which field.

    Attributes:
        fields: Field -> column; `customer.id`, `rating.nps` and the like for parts.
        attributes: Name of an attribute -> column: all the others.
    """

    fields: Mapping[str, str]
    attributes: Mapping[str, str]

    def __str__(self) -> str:
        """The mapping as a table of two columns, for people."""
        pairs = [(column, field) for field, column in self.fields.items()]
        pairs += [(column, f"{_ATTRIBUTE}{name}") for name, column in self.attributes.items()]
        width = max((len(column) for column, _ in pairs), default=0)
        return "\n".join(f"{column:<{width}}  ->  {field}" for column, field in pairs)

    def apply(self, values: Mapping[str, object]) -> dict[str, object]:
        """Return `values` in the record format, unchecked; empty cells are left out."""
        held = {column: value for column, value in values.items() if not _is_empty(value)}
        record: dict[str, object] = {name: held[self.fields[name]] for name in _PLAIN if self.fields.get(name) in held}
        record |= self._content(held)
        customer = {part: held[column] for part in ("id", "segment") if (column := self.fields.get(f"customer.{part}")) in held}
        if customer:
            whole = customer.get("id")
            record["customer"] = whole if isinstance(whole, Mapping) else customer
        attributes = self._attributes(held)
        rating = self._rating(held, attributes)
        if rating is not None:
            record["rating"] = rating
        return record | {"attributes": attributes} if attributes else record

    def _content(self, held: Mapping[str, object]) -> dict[str, object]:
        content: dict[str, object] = {}
        for name in ("turns", "conversation"):
            value = held.get(self.fields.get(name, ""))
            if value is not None:
                content[name] = _read_turns(value) if isinstance(value, str) else value
        text, title = held.get(self.fields.get("text", "")), held.get(self.fields.get("title", ""))
        if isinstance(text, str) and isinstance(title, str):
            content["text"] = f"{title}\n{text}"
        elif text is not None or title is not None:
            content["text"] = title if text is None else text
        return content

    def _rating(self, held: Mapping[str, object], attributes: dict[str, object]) -> object:
        """Return the first rating that is given; those on further scales join the attributes."""
        given = [(scale, column) for scale in RATING_RANGES if (column := self.fields.get(f"rating.{scale}")) in held and column is not None]
        attributes |= {scale: held[column] for scale, column in given[1:]}
        if given:
            scale, column = given[0]
            return held[column] if isinstance(held[column], Mapping) else {"scale": scale, "value": held[column]}
        value = held.get(self.fields.get("rating", ""))
        return None if value is None else {"scale": held.get(self.fields.get("rating.scale", ""), "stars"), "value": value}

    def _attributes(self, held: Mapping[str, object]) -> dict[str, object]:
        attributes = {name: held[column] for name, column in self.attributes.items() if column in held and held[column] == held[column]}
        whole = held.get(self.fields.get("attributes", ""))
        parsed = _parse_json(whole) if isinstance(whole, str) else whole
        if isinstance(parsed, Mapping):
            return attributes | dict(parsed)
        return attributes if whole is None else attributes | {"attributes": whole}


def parse_overrides(pairs: Iterable[str]) -> dict[str, str]:
    """Return field -> column for `--map` pairs such as `text=review` or `attributes.shop=店铺`.

    Raises:
        InvalidInput: A pair is malformed, its field unknown, or two columns are given for one field.
    """
    overrides: dict[str, str] = {}
    for pair in pairs:
        name, equals, column = (part.strip() for part in pair.partition("="))
        field = SHORT_FIELDS.get(name, name)
        if not equals or not column or not (field in FIELDS or (field.startswith(_ATTRIBUTE) and len(field) > len(_ATTRIBUTE))):
            raise InvalidInput(f"--map {pair[:80]!r} is not FIELD=COLUMN; fields are {', '.join(FIELDS)} and attributes.NAME")
        if overrides.get(field, column) != column:
            raise InvalidInput(f"--map gives two columns for {field}: {overrides[field]!r} and {column!r}; keep one")
        overrides[field] = column
    return overrides


def guess(columns: Sequence[str], overrides: Mapping[str, str] | None = None, origin: str = "the table") -> ColumnMapping:
    """Return which column feeds which field, by the names in Chinese and English that are usual for it; all others become attributes.

    Args:
        columns: Names of the columns.
        overrides: Field -> column, as `parse_overrides` returns them; they come first.
        origin: Name of the file, for messages.

    Raises:
        InvalidInput: No column holds the text, two are named for one field, or an override names a column that is not there.
    """
    missing = [column for column in (overrides or {}).values() if column not in columns]
    if missing:
        raise InvalidInput(f"{origin}: there is no column {missing[0]!r}, which --map names; there are {', '.join(columns)[:400]}")
    has_scale = "rating.scale" in (overrides or {}) or any(STRONG_NAMES.get(normalize(column)) == "rating.scale" for column in columns)
    rating = "rating" if has_scale else "rating.stars"
    fields = {rating if field == "rating" else field: column for field, column in (overrides or {}).items()}
    _settle(_claims([c for c in columns if c not in fields.values()], STRONG_NAMES, rating), fields, origin)
    weak = _claims([c for c in columns if c not in fields.values()], WEAK_NAMES, rating)
    if any(field.startswith("rating") and field != "rating.scale" for field in fields):
        weak.pop(rating, None)
    _settle(weak, fields, origin)
    if not any(field in fields for field in _CONTENT):
        raise InvalidInput(f"{origin}: no column holds the text; choose one with --map text=COLUMN: {', '.join(columns)[:400]}")
    taken = set(fields.values())
    attributes = {name.removeprefix(_ATTRIBUTE): column for name, column in fields.items() if name.startswith(_ATTRIBUTE)}
    attributes |= {c.removeprefix(_ATTRIBUTE): c for c in columns if c not in taken}
    return ColumnMapping({field: column for field, column in fields.items() if not field.startswith(_ATTRIBUTE)}, attributes)


def complete_record(values: Mapping[str, object], overrides: Mapping[str, str] | None = None) -> dict[str, object]:
    """Return a loose JSON record in the record format, unchecked.

    A record with `text`, `turns` or `conversation` maps to itself; only an id, a time, a customer or a rating that it has under another usual
    name is taken from there. Any other, and one that overrides speak of, is read as the row of a table.

    Raises:
        InvalidInput: As `guess`.
    """
    present = {field: column for field, column in (overrides or {}).items() if column in values}
    if present or not any(name in values for name in ("text", "turns", "conversation")):
        return guess(list(values), present, "the record").apply(values)
    record = dict(values)
    if record.get("rating") is not None and not isinstance(record["rating"], Mapping):
        record["rating"] = {"scale": "stars", "value": record["rating"]}
    claims = _claims([name for name in values if name not in _OWN_NAMES and _is_scalar(values[name])], _LOOSE_NAMES)
    for field, names in claims.items():
        whole, _, part = field.partition(".")
        if len(names) == 1 and record.get(whole) is None:
            value = record.pop(names[0])
            record[whole] = {"id": value} if part == "id" else {"scale": part, "value": value} if part else value
    return record


def _is_scalar(value: object) -> bool:
    return isinstance(value, str | int | float) and value != ""


def _claims(columns: Iterable[str], names: Mapping[str, str], rating: str = "rating") -> dict[str, list[str]]:
    """Return field -> the columns whose names mean it; `rating` is the field of a rating whose name tells no scale."""
    claims: dict[str, list[str]] = {}
    for column in columns:
        field = names.get(normalize(column))
        if field:
            claims.setdefault(rating if field == "rating" else field, []).append(column)
    return claims


def _settle(claims: Mapping[str, list[str]], fields: dict[str, str], origin: str) -> None:
    """Add to `fields` those that one column claims.

    Raises:
        InvalidInput: Several columns claim one that no override has settled.
    """
    for field, columns in claims.items():
        if field in fields:
            continue
        if len(columns) > 1:
            listed = " and ".join(repr(column) for column in columns)
            raise InvalidInput(f"{origin}: columns {listed} both mean {field}; choose one with --map {field}={columns[0]}")
        fields[field] = columns[0]


def _is_empty(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value)


def _read_turns(value: str) -> object:
    """Return the turns that a cell holds as JSON or as `Agent: ...` lines; otherwise the cell, which the validator will refuse."""
    parsed = _parse_json(value)
    return parsed if isinstance(parsed, list) else split_turns(value, {}) or value


def _parse_json(value: str) -> object:
    try:
        return json.loads(value) if value.lstrip()[:1] in ("{", "[") else None
    except (ValueError, RecursionError):
        return None
