"""Versions of the heads: what corrections made of the shipped ones, which is active, and who said so.

The shipped heads are the root of all versions. They lie in files, so here they are None.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, func, insert, select, update

from cxnlp.errors import Conflict, NotFound
from cxnlp.store.database import Database
from cxnlp.store.events import HEADS_ACTIVATED, Events
from cxnlp.store.rows import from_json, from_seconds, to_json
from cxnlp.store.schema import head_activations, head_versions

_TOLD: Final = [column for column in head_versions.c if column.name not in ("card", "weights")]
_ACTIVE: Final = (
    select(head_activations.c.seq, head_activations.c.version_id)
    .where(head_activations.c.undone_at.is_(None))
    .order_by(head_activations.c.seq.desc())
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class HeadVersion:
    """One version.

    Attributes:
        id: Name of the shipped heads that it descends from, `+` and a number never used again.
        parent: Id of the version that it went on from, or name of the shipped heads.
        encoder: Hash of the encoder whose vectors it reads.
        n_corrections: Corrected records that it learnt from.
        metrics: How it and its parent did when it was made.
        author: Who had it made.
        created_at: UTC.
        is_active: Whether analyses are read with it.
    """

    id: str
    parent: str
    encoder: str
    n_corrections: int
    metrics: Mapping[str, Any]
    author: str
    created_at: datetime
    is_active: bool = False


class HeadVersions:
    """All versions but the shipped one."""

    def __init__(self, database: Database, events: Events) -> None:
        self._database = database
        self._events = events

    def list(self) -> Sequence[HeadVersion]:
        """Return all, oldest first."""
        with self._database.read() as connection:
            active = _active_id(connection)
            return [_version(row, active) for row in connection.execute(select(*_TOLD).order_by(head_versions.c.number))]

    def active(self) -> HeadVersion | None:
        """Return the active one; None stands for the shipped heads."""
        with self._database.read() as connection:
            active = _active_id(connection)
            return None if active is None else _version(connection.execute(select(*_TOLD).where(head_versions.c.id == active)).one(), active)

    def get(self, version_id: str) -> HeadVersion:
        """Return a version.

        Raises:
            NotFound: There is none of this id.
        """
        with self._database.read() as connection:
            row = connection.execute(select(*_TOLD).where(head_versions.c.id == version_id)).one_or_none()
            active = _active_id(connection)
        if row is None:
            raise NotFound(f"there is no version {version_id[:80]!r} of the heads; `cxnlp models list` shows all")
        return _version(row, active)

    def content(self, version_id: str) -> tuple[dict[str, Any], bytes]:
        """Return the card and the weights, as safetensors, of a version.

        Raises:
            NotFound: There is none of this id.
        """
        with self._database.read() as connection:
            row = connection.execute(select(head_versions.c.card, head_versions.c.weights).where(head_versions.c.id == version_id)).one_or_none()
        if row is None:
            raise NotFound(f"there is no version {version_id[:80]!r} of the heads; `cxnlp models list` shows all")
        return from_json(row.card), bytes(row.weights)

    def add(self, base: str, parent: str, card: Mapping[str, Any], weights: bytes, made: Mapping[str, Any]) -> HeadVersion:
        """Keep a new version, not active yet.

        Args:
            base: Name of the shipped heads.
            parent: Id of the version that it went on from, or `base`.
            card: What describes it; `name` becomes its id.
            weights: As safetensors.
            made: `n_corrections`, `metrics` and `author`.
        """
        with self._database.write() as connection:
            number = (connection.execute(select(func.max(head_versions.c.number))).scalar() or 0) + 1
            version_id = f"{base}+{number}"
            row = {"id": version_id, "number": number, "parent": parent, "encoder": card["encoder_id"], "created_at": time.time()}
            row |= {"n_corrections": made["n_corrections"], "metrics": to_json(made["metrics"]), "author": made["author"]}
            connection.execute(insert(head_versions), row | {"card": to_json(dict(card) | {"name": version_id}), "weights": weights})
        return self.get(version_id)

    def activate(self, version_id: str | None, author: str) -> None:
        """Make a version the active one for all processes; None are the shipped heads. Does nothing if it is that already.

        Raises:
            NotFound: There is none of this id.
        """
        with self._database.write() as connection:
            if version_id is not None and not connection.execute(select(head_versions.c.id).where(head_versions.c.id == version_id)).first():
                raise NotFound(f"there is no version {version_id[:80]!r} of the heads; `cxnlp models list` shows all")
            if _active_id(connection) == version_id:
                return
            connection.execute(insert(head_activations), {"version_id": version_id, "author": author, "at": time.time()})
            self._events.append(connection, HEADS_ACTIVATED, [None], [{"version_id": version_id, "author": author}])

    def rollback(self, author: str) -> None:
        """Undo the last activation that is not undone yet, so that the version before it is active again.

        Raises:
            Conflict: Nothing was ever activated, or all of it is undone.
        """
        with self._database.write() as connection:
            last = connection.execute(_ACTIVE).one_or_none()
            if last is None:
                raise Conflict("no activation is left to undo: the shipped heads are active; `cxnlp models activate ID` takes another version")
            connection.execute(update(head_activations).where(head_activations.c.seq == last.seq).values(undone_at=time.time()))
            self._events.append(connection, HEADS_ACTIVATED, [None], [{"version_id": _active_id(connection), "author": author}])


def _active_id(connection: Connection) -> str | None:
    row = connection.execute(_ACTIVE).one_or_none()
    return None if row is None else row.version_id


def _version(row: Any, active: str | None) -> HeadVersion:
    made = from_seconds(row.created_at)
    return HeadVersion(row.id, row.parent, row.encoder, row.n_corrections, from_json(row.metrics), row.author, made, row.id == active)
