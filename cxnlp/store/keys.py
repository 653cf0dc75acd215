"""API keys: shown once, stored as their SHA-256."""

import builtins
import hashlib
import secrets
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import insert, select, update

from cxnlp.errors import InvalidInput, NotFound, shorten
from cxnlp.store.database import Database
from cxnlp.store.rows import from_seconds
from cxnlp.store.schema import api_keys

ROLES: Final = ("ingest", "agent", "analyst", "admin")
_PREFIX: Final = "cxk_"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key without its secret.

    Attributes:
        id: Its public id.
        name: What it is for.
        role: One of `ROLES`.
        created_at: UTC.
        revoked_at: UTC; None while it is valid.
    """

    id: str
    name: str
    role: str
    created_at: datetime
    revoked_at: datetime | None = None


class Keys:
    """All API keys."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, name: str, role: str) -> tuple[ApiKey, str]:
        """Make a key and return it with its secret, which cannot be had again.

        Raises:
            InvalidInput: The role is unknown, or the name is empty.
        """
        if role not in ROLES:
            raise InvalidInput(f"role is {shorten(role)!r}; write one of {', '.join(ROLES)}")
        if not name.strip():
            raise InvalidInput("name is empty; write what the key is for")
        # 256 random bits need no salt and no slow hash.
        secret = _PREFIX + secrets.token_urlsafe(32)
        key = ApiKey(f"k-{secrets.token_hex(6)}", name.strip(), role, from_seconds(time.time()))
        row = {"id": key.id, "name": key.name, "role": role, "hash": _hash(secret), "created_at": key.created_at.timestamp()}
        with self._database.write(appends=False) as connection:
            connection.execute(insert(api_keys), row)
        return key, secret

    def verify(self, secret: str) -> ApiKey | None:
        """Return the key that a secret belongs to; None if there is none or it is revoked."""
        query = select(api_keys).where(api_keys.c.hash == _hash(secret), api_keys.c.revoked_at.is_(None))
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _key(row)

    def revoke(self, key_id: str) -> None:
        """Make a key invalid from now on.

        Raises:
            NotFound: There is no such key.
        """
        with self._database.write(appends=False) as connection:
            valid = update(api_keys).where(api_keys.c.id == key_id, api_keys.c.revoked_at.is_(None))
            if connection.execute(valid.values(revoked_at=time.time())).rowcount == 0:
                known = connection.execute(select(api_keys.c.id).where(api_keys.c.id == key_id)).scalar()
                if known is None:
                    raise NotFound(f"there is no API key {shorten(key_id)!r}")

    def list(self) -> builtins.list[ApiKey]:
        """Return all keys, oldest first, the revoked ones too."""
        with self._database.read() as connection:
            return [_key(row) for row in connection.execute(select(api_keys).order_by(api_keys.c.created_at, api_keys.c.id))]


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _key(row: Any) -> ApiKey:
    revoked_at = None if row.revoked_at is None else from_seconds(row.revoked_at)
    return ApiKey(row.id, row.name, row.role, from_seconds(row.created_at), revoked_at)
