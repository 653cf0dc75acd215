"""Keyed hashes: who a customer is, what an unnamed record is called, and whether content changed. Without the key none can be guessed."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Final

import orjson

_MOST_KEY_BYTES: Final = 64


def keyed_hash(key: bytes, purpose: str, content: Mapping[str, object] | Sequence[object] | str, n_bytes: int) -> str:
    """Return the keyed BLAKE2b (RFC 7693) of the canonical JSON of `content`, as `2 * n_bytes` hexadecimal digits.

    Args:
        key: Secret of this installation; one over 64 bytes is hashed first.
        purpose: At most 16 bytes; separates hashes of the same content made for different ends.
        content: JSON values that encode to UTF-8.
        n_bytes: Length of the hash, 1 to 64.
    """
    if len(key) > _MOST_KEY_BYTES:
        key = hashlib.blake2b(key).digest()
    data = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(data, digest_size=n_bytes, key=key, person=purpose.encode()).hexdigest()


def pseudonym(key: bytes, customer_id: str) -> str:
    """Return the id under which a customer is stored: `c-` and 16 hexadecimal digits; the same customer always gets the same."""
    return "c-" + keyed_hash(key, "customer", customer_id, 8)
