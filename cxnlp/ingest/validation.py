"""The one validator of records, for files and for HTTP."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any, Final

from cxnlp.ingest.conversation import SentTurn, read_turns, repair_turns
from cxnlp.ingest.fields import MOST_TEXT_BYTES, read_attributes, read_channel, read_name, read_rating, repair_json, utf8_bytes
from cxnlp.ingest.hashing import keyed_hash, pseudonym
from cxnlp.ingest.rejects import refuse
from cxnlp.ingest.repair import is_blank, repair
from cxnlp.ingest.tally import Tally
from cxnlp.ingest.times import parse_time
from cxnlp.lines import to_iso
from cxnlp.records import Customer, Feedback, Rating, Turn

_KNOWN: Final = frozenset(
    {"source", "external_id", "channel", "text", "turns", "conversation", "created_at", "updated_at", "rating", "customer", "attributes"}
)
# A line that cxnlp wrote carries these together; read back, what the model said of it is not an attribute of the record.
_MARKS_OF_A_LINE: Final = frozenset({"id", "external_id", "sentiment", "observations", "model"})
_ANALYSIS: Final = frozenset(
    {"id", "language", "sentiment", "label", "confidence", "intent", "observations", "risks", "satisfaction", "trajectory"}
    | {"topic", "model", "corrected", "stale"}
)
_TEXT_REMEDY: Final = "send what the customer said"


@dataclass(frozen=True)
class Defaults:
    """What holds for every record of one file or request.

    Attributes:
        source: Source of records that name none: the file's stem.
        received_at: When it arrived, UTC; `created_at` of records that have none.
        key: Secret of the hashes.
        channel: Channel of records that name none; those that only have a `conversation` are `chat` unless this is changed.
        timezone: Zone in which a time without zone is read.
        tally: Occurrence numbers and warnings; a new one for each file or request.
    """

    source: str
    received_at: datetime
    key: bytes = field(repr=False)
    channel: str = "ticket"
    timezone: tzinfo = UTC
    tally: Tally = field(default_factory=Tally, compare=False)


@dataclass(frozen=True, slots=True)
class _Content:
    """What was said, as it was sent."""

    text: str
    turns: tuple[SentTurn, ...]

    def value(self) -> object:
        return [turn.content() for turn in self.turns] if self.turns else self.text


def parse(values: Mapping[str, object], defaults: Defaults) -> Feedback:
    """Return the record that `values`, in the record format, describes: checked and repaired, with its fingerprint, not yet masked.

    `conversation` is read as turns with channel chat, `role` as speaker; unknown top-level names become attributes. A warning, such as for a
    time without zone, goes to `defaults.tally.warnings`, once.

    Raises:
        InvalidFeedback: A field breaks a rule; the error names it, its value and the remedy. Nothing else is raised.
    """
    content = _read_content(values, defaults)
    channel = read_channel(values["channel"]) if _is_given(values, "channel") else _default_channel(values, content, defaults)
    source = read_name("source", values["source"]) if _is_given(values, "source") else defaults.source
    sent_at = _read_time(values, "created_at", defaults)
    updated_at = _read_time(values, "updated_at", defaults)
    rating = read_rating(values["rating"]) if _is_given(values, "rating") else None
    customer = _read_customer(values.get("customer"))
    attributes = read_attributes(_all_attributes(values))
    external_id = _read_external_id(values)
    created_at = sent_at or defaults.received_at
    text, turns = _repair_content(content, created_at)
    if external_id is None:
        external_id = _make_external_id(source, sent_at, customer, content, defaults)
    return Feedback(
        source=source,
        external_id=external_id,
        channel=channel,
        created_at=created_at,
        text=text,
        turns=turns,
        updated_at=updated_at,
        rating=rating,
        customer=_hide(customer, defaults.key),
        attributes=repair_json(attributes),
        fingerprint=keyed_hash(defaults.key, "content", _sent(content, channel, sent_at, rating, customer, attributes), 16),
    )


def _is_given(values: Mapping[str, object], name: str) -> bool:
    return values.get(name) is not None


def _read_content(values: Mapping[str, object], defaults: Defaults) -> _Content:
    for name in ("turns", "conversation"):
        sent = values.get(name)
        if sent is None or sent == []:
            continue
        turns, naive = read_turns(sent, defaults.timezone)
        if naive:
            _warn_of_zone(defaults)
        return _Content("", turns)
    text = values.get("text")
    if not isinstance(text, str):
        raise refuse("text", text, "is missing" if text is None else "is no text", _TEXT_REMEDY)
    n_bytes = utf8_bytes("text", text)
    if n_bytes > MOST_TEXT_BYTES:
        raise refuse("text", text, f"has {n_bytes} bytes", f"send at most {MOST_TEXT_BYTES} bytes of UTF-8")
    return _Content(text, ())


def _repair_content(content: _Content, started_at: datetime) -> tuple[str, tuple[Turn, ...]]:
    if content.turns:
        return "", repair_turns(content.turns, started_at)
    text = repair(content.text)
    if is_blank(text):
        raise refuse("text", content.text, "is empty", _TEXT_REMEDY)
    return text, ()


def _default_channel(values: Mapping[str, object], content: _Content, defaults: Defaults) -> str:
    only_conversation = bool(content.turns) and not values.get("turns")
    return "chat" if only_conversation and defaults.channel == "ticket" else defaults.channel


def _read_time(values: Mapping[str, object], name: str, defaults: Defaults) -> datetime | None:
    value = values.get(name)
    if value is None or value == "":
        return None
    at, naive = parse_time(name, value, defaults.timezone)
    if naive:
        _warn_of_zone(defaults)
    return at


def _warn_of_zone(defaults: Defaults) -> None:
    defaults.tally.warn(f"{defaults.source}: times without a zone are read as {defaults.timezone}; CXNLP_TIMEZONE sets another")


def _read_customer(value: object) -> Customer | None:
    if value is None:
        return None
    if not isinstance(value, Mapping):
        return Customer(read_name("customer.id", value))
    customer_id, segment = (read_name(f"customer.{k}", value[k]) if value.get(k) not in (None, "") else None for k in ("id", "segment"))
    return Customer(customer_id, segment) if customer_id or segment else None


def _read_external_id(values: Mapping[str, object]) -> str | None:
    name = "external_id" if _is_given(values, "external_id") else "id"
    return read_name("external_id", values[name]) if _is_given(values, name) else None


def _all_attributes(values: Mapping[str, object]) -> object:
    """Return `attributes` with the unknown top-level names beside them; a name in both keeps the value in `attributes`."""
    given = values.get("attributes")
    unknown = values.keys() - _KNOWN
    if not _is_given(values, "external_id"):
        unknown -= {"id"}
    if values.keys() >= _MARKS_OF_A_LINE:
        unknown -= _ANALYSIS
    if not unknown or not (given is None or isinstance(given, Mapping)):
        return given
    return {k: v for k, v in values.items() if k in unknown} | dict(given or {})


def _make_external_id(source: str, sent_at: datetime | None, customer: Customer | None, content: _Content, defaults: Defaults) -> str:
    """Return the keyed hash that names a record without an id; the second of two equal ones gets another than the first."""
    parts: list[Any] = [source, to_iso(sent_at) if sent_at else None, customer.id if customer else None, content.value()]
    occurrence = defaults.tally.count(int(keyed_hash(defaults.key, "occurrence", parts, 8), 16))
    return "h-" + keyed_hash(defaults.key, "identity", [*parts, occurrence], 10)


def _sent(
    content: _Content, channel: str, sent_at: datetime | None, rating: Rating | None, customer: Customer | None, attributes: dict[str, Any]
) -> dict[str, object]:
    """Return the content whose sameness the fingerprint tells; how it was written (`"4"` or `4`, which zone) does not count."""
    return {
        "content": content.value(),
        "channel": channel,
        "created_at": to_iso(sent_at) if sent_at else None,
        "rating": [rating.scale, rating.value] if rating else None,
        "customer": [customer.id, customer.segment] if customer else None,
        "attributes": attributes,
    }


def _hide(customer: Customer | None, key: bytes) -> Customer | None:
    if customer is None:
        return None
    return Customer(pseudonym(key, customer.id) if customer.id is not None else None, repair(customer.segment) if customer.segment else None)
