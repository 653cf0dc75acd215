"""What a webhook receives, by the Standard Webhooks scheme (standardwebhooks.com): the message, its signature, and when to try again."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from secrets import token_bytes
from typing import Any, Final

import orjson
from standardwebhooks.webhooks import Webhook

from cxnlp.errors import InvalidInput, shorten
from cxnlp.feeds.conditions import nearest
from cxnlp.lines import to_iso, to_line
from cxnlp.records import Record

PING: Final = "webhook.ping"
STANDARD: Final = "standard"
"""The format of this module."""
TYPES: Final = (
    "record.received",
    "record.updated",
    "record.analyzed",
    "record.deleted",
    "flag.raised",
    "flag.changed",
    "flag.repeated",
    "flag.overdue",
    "flag.withdrawn",
    "flag.acknowledged",
    "flag.resolved",
    "flag.dismissed",
    "search.matched",
    "topic.fitted",
    "topic.activated",
    "topic.changed",
    "topic.emerging",
    "alert.opened",
    "alert.changed",
    "alert.resolved",
)
_FAMILIES: Final = tuple(dict.fromkeys(name.split(".")[0] + ".*" for name in TYPES))
_DELAYS_SECONDS: Final = (5, 30, 120, 600, 3600, 4 * 3600, 12 * 3600, 24 * 3600)
_SECRET_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Message:
    """What happened, as other systems are told of it.

    Attributes:
        seq: Its number in the log of events.
        type: Such as `flag.raised`.
        body: `{"type", "timestamp", "data": {"flag", "alert" or "search", "record", "seq"}}`, ready for JSON.
    """

    seq: int
    type: str
    body: Mapping[str, Any]


def make_secret() -> str:
    """Return a new signing secret: `whsec_` and 32 random bytes in base64."""
    return "whsec_" + base64.b64encode(token_bytes(_SECRET_BYTES)).decode()


def check_events(patterns: Sequence[str]) -> tuple[str, ...]:
    """Return the patterns, each once, if every one is the name of an event, a family such as `flag.*`, or `*`.

    Raises:
        InvalidInput: There is none, or one is unknown.
    """
    known = ("*", *_FAMILIES, *TYPES)
    if isinstance(patterns, str) or not patterns:
        raise InvalidInput(f"events must be a list of at least one of {', '.join(known)}")
    if unknown := [pattern for pattern in patterns if pattern not in known]:
        raise InvalidInput(f"events has {shorten(unknown[0])!r}; {nearest(unknown[0], known)}known are {', '.join(known)}")
    return tuple(dict.fromkeys(patterns))


def types_of(patterns: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the events that patterns mean.

    Raises:
        InvalidInput: There is no pattern, or one is unknown.
    """
    checked = check_events(patterns)
    return tuple(name for name in TYPES if {"*", name, name.split(".")[0] + ".*"} & set(checked))


def make_message(seq: int, type: str, at: datetime, data: Mapping[str, Any], record: Record | str | None) -> Message:
    """Return the message about an event.

    Args:
        seq: Its number.
        type: Its name.
        at: When it happened, UTC.
        data: What the log says of it; of a `flag.*` event, the flag, and of an `alert.*` event, the alert.
        record: What it is about as it is now, or only its id where it is gone.
    """
    family = type.split(".")[0]
    told: dict[str, Any] = {family: dict(data)} if family in ("flag", "alert") else dict(data)
    if record is not None:
        told["record"] = {"id": record} if isinstance(record, str) else to_line(record)
    return Message(seq, type, {"type": type, "timestamp": to_iso(at), "data": told | {"seq": seq}})


def sign(secrets: Sequence[str], message_id: str, body: Mapping[str, Any], now: datetime) -> tuple[bytes, dict[str, str]]:
    """Return the body in bytes and the headers that go with it.

    Args:
        secrets: `whsec_...`, at least one; each makes a signature, so that a receiver may know either while one replaces the other.
        message_id: The same for every attempt, so that a receiver can tell a repetition.
        body: JSON.
        now: The time of this attempt, UTC; receivers refuse what is more than five minutes off.
    """
    content = orjson.dumps(body)
    headers = {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(Webhook(secret).sign(message_id, now, content.decode()) for secret in secrets),
    }
    return content, headers


def backoff_seconds(n_attempts: int, chance: float) -> float | None:
    """Return how long to wait after so many failed attempts; None when it is time to give up.

    The limits are 5 s, 30 s, 2 min, 10 min, 1 h, 4 h, 12 h and 24 h, with full jitter: see Brooker, "Exponential Backoff And Jitter", 2015.

    Args:
        n_attempts: At least 1.
        chance: A random number in [0, 1].
    """
    return _DELAYS_SECONDS[n_attempts - 1] * chance if n_attempts <= len(_DELAYS_SECONDS) else None
