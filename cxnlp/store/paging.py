"""Opaque cursors for lists: the last key seen, bound to the question it was seen in."""

import base64
import binascii
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

import orjson

from cxnlp.errors import InvalidQuery
from cxnlp.filters import Filter
from cxnlp.records import Record

_DIGEST: Final = 8
_REMEDY: Final = "start again without a cursor"


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a list.

    Attributes:
        records: In order.
        next_cursor: What to ask the next part with; None at the end.
    """

    records: list[Record]
    next_cursor: str | None


def encode_cursor(created_at: float, seq: int, scope: bytes) -> str:
    """Return the cursor behind the record with this key."""
    return encode_key([created_at, seq], scope)


def encode_key(key: Sequence[Any], scope: bytes) -> str:
    """Return the cursor behind the row with this key, of plain JSON values."""
    packed = orjson.dumps(key)
    return base64.urlsafe_b64encode(scope + _seal(scope + packed) + packed).decode().rstrip("=")


def decode_cursor(cursor: str, scope: bytes) -> tuple[float, int]:
    """Return the key (created_at in POSIX seconds, seq) of a cursor.

    Raises:
        InvalidQuery: It is damaged, or of another question.
    """
    created_at, seq = decode_key(cursor, scope)
    return created_at, seq


def decode_key(cursor: str, scope: bytes) -> list[Any]:
    """Return the key of a cursor.

    Raises:
        InvalidQuery: It is damaged, or of another question.
    """
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise InvalidQuery(f"cursor: damaged; {_REMEDY}") from None
    of, seal, key = raw[:_DIGEST], raw[_DIGEST : 2 * _DIGEST], raw[2 * _DIGEST :]
    if seal != _seal(of + key):
        raise InvalidQuery(f"cursor: damaged; {_REMEDY}")
    if of != scope:
        raise InvalidQuery(f"cursor: it belongs to another filter or order; {_REMEDY}")
    values: list[Any] = orjson.loads(key)
    return values


def scope_of(filter: Filter, newest_first: bool) -> bytes:
    """Return a digest of the question."""
    asked = {f.name: getattr(filter, f.name) for f in fields(filter)} | {"newest_first": newest_first}
    return hashlib.sha256(orjson.dumps(asked, default=_plain, option=orjson.OPT_SORT_KEYS)).digest()[:_DIGEST]


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(type(value).__name__)


def _seal(content: bytes) -> bytes:
    return hashlib.sha256(b"cxnlp cursor" + content).digest()[:_DIGEST]
