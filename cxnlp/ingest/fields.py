"""The rules for single fields of a record, from what was sent to what `Feedback` holds."""

import math
import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final

import orjson

from cxnlp.ingest.rejects import refuse
from cxnlp.ingest.repair import is_blank, repair
from cxnlp.lines import to_iso
from cxnlp.records import CHANNELS, RATING_RANGES, Rating

MOST_NAME_CHARS: Final = 256
MOST_TEXT_BYTES: Final = 1_000_000
MOST_ATTRIBUTES: Final = 100
MOST_ATTRIBUTE_BYTES: Final = 64_000
MOST_ATTRIBUTE_DEPTH: Final = 8
_NUMBER: Final = re.compile(r"\s*([+-]?\d{1,15}(?:\.\d{1,15})?)\s*(?:/\s*(\d{1,3}))?\s*", re.ASCII)
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_EXACT_FLOAT: Final = 2**53
_RATING_REMEDY: Final = 'write {"scale": "nps|csat|ces|stars", "value": number}'


def read_name(field: str, value: object) -> str:
    """Return a source, external id, customer id or segment: text or a whole number, 1 to 256 characters, without control characters.

    Raises:
        InvalidFeedback: It is anything else.
    """
    remedy = f"send 1 to {MOST_NAME_CHARS} characters"
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() <= 256:
        return str(value)
    if isinstance(value, float) and value.is_integer() and abs(value) <= _EXACT_FLOAT:
        return str(int(value))
    if not isinstance(value, str):
        raise refuse(field, value, "is neither text nor a whole number", remedy)
    name = value.strip()
    if not name or len(name) > MOST_NAME_CHARS or is_blank(name):
        raise refuse(field, value, "is empty" if not name or is_blank(name) else f"has {len(name)} characters", remedy)
    if _CONTROLS.search(name):
        raise refuse(field, value, "has control characters", "remove them")
    utf8_bytes(field, name)
    return name


def utf8_bytes(field: str, text: str) -> int:
    """Return the length of `text` in bytes of UTF-8.

    Raises:
        InvalidFeedback: It has a NUL or a lone surrogate.
    """
    if "\x00" in text:
        raise refuse(field, text, "has a NUL character", "remove it")
    if text.isascii():
        return len(text)
    try:
        return len(text.encode())
    except UnicodeEncodeError as error:
        raise refuse(field, text, "has half of a surrogate pair", "send valid Unicode") from error


def read_channel(value: object) -> str:
    """Return one of `CHANNELS`; letter case and outer white space do not matter.

    Raises:
        InvalidFeedback: It is none of them.
    """
    channel = value.strip().lower() if isinstance(value, str) else ""
    if channel not in CHANNELS:
        raise refuse("channel", value, "is no channel", f"use one of {', '.join(CHANNELS)}")
    return channel


def read_rating(value: object) -> Rating | None:
    """Return the rating that `{"scale": ..., "value": ...}` holds; None where the value is null or an empty text.

    Raises:
        InvalidFeedback: The form, the scale or the value is wrong, or the value lies outside the scale's range.
    """
    if not isinstance(value, Mapping):
        raise refuse("rating", value, "is no rating", _RATING_REMEDY)
    scale = value.get("scale")
    if not isinstance(scale, str) or scale.strip().lower() not in RATING_RANGES:
        raise refuse("rating.scale", scale, "is no scale", f"use one of {', '.join(RATING_RANGES)}")
    scale = scale.strip().lower()
    low, high = RATING_RANGES[scale]
    sent = value.get("value")
    if sent is None or (isinstance(sent, str) and not sent.strip()):
        return None
    number = _read_number(sent, high)
    if number is None:
        raise refuse("rating.value", sent, "is no number", f"write a number from {low:g} to {high:g}, or leave it out")
    if not low <= number <= high:
        raise refuse(
            "rating.value", sent, f"is outside {low:g} to {high:g} of {scale}", "correct it, or name its true scale: nps, csat, ces or stars"
        )
    return Rating(scale, float(number))


def read_attributes(value: object) -> dict[str, Any]:
    """Return further fields as JSON values as they were sent; dates and times become ISO text, decimals numbers.

    Raises:
        InvalidFeedback: It is no object, deeper than 8, has more than 100 names, takes more than 64 kB of JSON, or holds what JSON cannot.
    """
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise refuse("attributes", value, "is no object", 'write {"product": "...", "region": "..."}')
    if len(value) > MOST_ATTRIBUTES:
        raise refuse("attributes", value, f"has {len(value)} names", f"send at most {MOST_ATTRIBUTES}")
    sent = {_attribute_name("attributes", k): _as_json(f"attributes.{k}"[:MOST_NAME_CHARS], v, 2) for k, v in value.items()}
    if len(orjson.dumps(sent)) > MOST_ATTRIBUTE_BYTES:
        raise refuse("attributes", value, "takes more than 64 kB", "shorten it")
    return sent


def repair_json(value: Any) -> Any:
    """Return a JSON value with every text in it repaired."""
    if isinstance(value, str):
        return repair(value)
    if isinstance(value, list):
        return [repair_json(v) for v in value]
    return {repair(k): repair_json(v) for k, v in value.items()} if isinstance(value, dict) else value


def _read_number(value: object, high: float) -> int | float | Decimal | None:
    """Return a finite number; text only as `4`, `4.0`, or `4/5` where the scale ends at 5."""
    if isinstance(value, str):
        match = _NUMBER.fullmatch(value)
        return float(match[1]) if match and match[2] in (None, f"{high:g}") else None
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    return value if isinstance(value, int) or math.isfinite(value) else None


def _as_json(field: str, value: object, depth: int) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        utf8_bytes(field, value)
        return value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**64 else read_name(field, value)
    if isinstance(value, float | Decimal) and math.isfinite(value):
        return float(value)
    if isinstance(value, date | time | timedelta):
        return (
            (to_iso(value) if isinstance(value, datetime) and value.tzinfo else value.isoformat()) if not isinstance(value, timedelta) else str(value)
        )
    if not isinstance(value, Mapping | list | tuple):
        raise refuse(field, value, "is no JSON value", "send text, numbers, lists or objects")
    if depth > MOST_ATTRIBUTE_DEPTH:
        raise refuse(field, value, f"is nested deeper than {MOST_ATTRIBUTE_DEPTH}", "flatten it")
    if isinstance(value, Mapping):
        return {_attribute_name(field, k): _as_json(field, v, depth + 1) for k, v in value.items()}
    return [_as_json(field, v, depth + 1) for v in value]


def _attribute_name(field: str, name: object) -> str:
    if not isinstance(name, str):
        raise refuse(field, name, "is no name of an attribute", "use text as names")
    utf8_bytes(field, name)
    return name
