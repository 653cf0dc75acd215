"""Rows of the tables to records and back."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import orjson
from sqlalchemy import ColumnElement

from cxnlp.records import Customer, Feedback, Rating, Record, Turn, is_historical
from cxnlp.store.schema import feedback as feedback_table

CHUNK: Final = 500
"""How many values a statement may list: well under the limits of both databases."""

COLUMNS: Final[tuple[ColumnElement[Any], ...]] = tuple(feedback_table.c)
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Claim:
    """A record to work on.

    Attributes:
        record_id: Its id.
        version: The version that this content is; give it back with the result.
        feedback: What is to be analysed.
        seq: Its place in the order of first receipt.
    """

    record_id: str
    version: int
    feedback: Feedback
    seq: int


def chunks(values: Iterable[_T], size: int = CHUNK) -> Iterator[Sequence[_T]]:
    """Give the values in lists of at most `size`."""
    values = list(values)
    for start in range(0, len(values), size):
        yield values[start : start + size]


def to_json(value: Any) -> str:
    """Return a value as JSON text."""
    return orjson.dumps(value).decode()


def from_json(text: str) -> Any:
    """Return the value of JSON text."""
    return orjson.loads(text)


def to_seconds(at: datetime | None) -> float | None:
    """Return a time as POSIX seconds."""
    return None if at is None else at.timestamp()


def from_seconds(seconds: float) -> datetime:
    """Return POSIX seconds as a time in UTC."""
    return datetime.fromtimestamp(seconds, UTC)


def feedback_row(item: Feedback, received_at: datetime) -> dict[str, Any]:
    """Return the columns of `feedback`, save `seq` and `version`."""
    rating, customer = item.rating, item.customer
    return {
        "id": item.id,
        "source": item.source,
        "external_id": item.external_id,
        "channel": item.channel,
        "text": item.text,
        "turns": to_json([_turn_row(turn) for turn in item.turns]) if item.turns else None,
        "created_at": item.created_at.timestamp(),
        "updated_at": to_seconds(item.updated_at),
        "received_at": received_at.timestamp(),
        "historical": is_historical(item.created_at, received_at),
        "rating_scale": rating.scale if rating else None,
        "rating_value": rating.value if rating else None,
        "rating": rating.satisfaction if rating else None,
        "customer_id": customer.id if customer else None,
        "segment": customer.segment if customer else None,
        "attributes": to_json(dict(item.attributes)) if item.attributes else None,
        "fingerprint": item.fingerprint,
    }


def _turn_row(turn: Turn) -> tuple[Any, ...]:
    known = (turn.speaker, turn.text, to_seconds(turn.at))
    return known if turn.id is None else (*known, turn.id)


def _turn(speaker: str, text: str, at: float | None, turn_id: str | None = None) -> Turn:
    return Turn(speaker, text, None if at is None else from_seconds(at), turn_id)


def feedback_of(row: Any) -> Feedback:
    """Return the feedback of a row that has the columns of `feedback`."""
    has_customer = row.customer_id is not None or row.segment is not None
    return Feedback(
        source=row.source,
        external_id=row.external_id,
        channel=row.channel,
        created_at=from_seconds(row.created_at),
        text=row.text,
        turns=tuple(_turn(*values) for values in orjson.loads(row.turns)) if row.turns else (),
        updated_at=None if row.updated_at is None else from_seconds(row.updated_at),
        rating=Rating(row.rating_scale, row.rating_value) if row.rating_scale else None,
        customer=Customer(row.customer_id, row.segment) if has_customer else None,
        attributes=orjson.loads(row.attributes) if row.attributes else {},
        fingerprint=row.fingerprint,
    )


def claim_of(row: Any) -> Claim:
    """Return the claim on a row that has the columns of `feedback`."""
    return Claim(row.id, row.version, feedback_of(row), row.seq)


def past_record(row: Any) -> Record:
    """Return a version of a record without its analysis."""
    return Record(feedback_of(row), version=row.version, received_at=from_seconds(row.received_at))


def group_by_seq(rows: Iterable[Any]) -> Mapping[int, list[Any]]:
    """Return rows whose first column is `seq`, by it."""
    grouped: dict[int, list[Any]] = {}
    for row in rows:
        grouped.setdefault(row[0], []).append(row)
    return grouped
