"""The log of everything that happened, and who has read how far.

Sequence numbers are never reused and become visible in order: a reader that has seen number n has seen all that are smaller.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, delete, func, insert, or_, select, update

from cxnlp.errors import Conflict
from cxnlp.store.database import Database
from cxnlp.store.dialect import insert_if_absent
from cxnlp.store.rows import from_json, from_seconds, to_json
from cxnlp.store.schema import cursors, events

RECEIVED: Final = "record.received"
UPDATED: Final = "record.updated"
ANALYZED: Final = "record.analyzed"
DELETED: Final = "record.deleted"
GENERATION_ACTIVATED: Final = "generation.activated"
HEADS_ACTIVATED: Final = "heads.activated"
KEPT_SECONDS: Final = 30 * 24 * 3600
_PRUNED_AT_ONCE: Final = 10_000


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    Attributes:
        seq: Its number, from 1.
        type: Such as `record.analyzed`.
        record_id: The record it is about, or None.
        data: What else there is to say; never what a customer said.
        at: When, UTC.
    """

    seq: int
    type: str
    record_id: str | None
    data: Mapping[str, Any]
    at: datetime


class Events:
    """The log and its cursors."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, after: int, limit: int, types: Sequence[str] | None = None) -> list[Event]:
        """Return the events numbered above `after`, oldest first.

        Args:
            after: Last number already seen; 0 for the beginning.
            limit: At most so many.
            types: Only these; all when None.
        """
        query = select(events).where(events.c.seq > after).order_by(events.c.seq).limit(limit)
        if types is not None:
            query = query.where(events.c.type.in_(types))
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return [Event(row.seq, row.type, row.record_id, from_json(row.data), from_seconds(row.at)) for row in rows]

    def last_seq(self) -> int:
        """Return the number of the newest event, 0 when there was none."""
        with self._database.read() as connection:
            return connection.execute(select(func.max(events.c.seq))).scalar() or 0

    def oldest_seq(self) -> int:
        """Return the number of the oldest event that is kept, 0 when there was none."""
        with self._database.read() as connection:
            return connection.execute(select(func.min(events.c.seq))).scalar() or 0

    def append(self, connection: Connection, type: str, record_ids: Sequence[str | None], data: Sequence[Mapping[str, Any]] | None = None) -> None:
        """Append one event for each record, within a transaction of `Database.write()`.

        Args:
            connection: Of that transaction.
            type: Of all of them.
            record_ids: What they are about, in order.
            data: One for each record; empty when None.
        """
        if not record_ids:
            return
        at = time.time()
        told = [{}] * len(record_ids) if data is None else data
        rows = [{"type": type, "record_id": i, "data": to_json(d), "at": at} for i, d in zip(record_ids, told, strict=True)]
        connection.execute(insert(events), rows)

    def prune(self, older_than_seconds: float = KEPT_SECONDS) -> int:
        """Delete old events and return how many; the newest stays, so that its number is remembered."""
        before = time.time() - older_than_seconds
        n_pruned = 0
        while True:
            with self._database.write(appends=False) as connection:
                newest = select(func.max(events.c.seq)).scalar_subquery()
                old = select(events.c.seq).where(events.c.at < before, events.c.seq < newest).order_by(events.c.seq).limit(_PRUNED_AT_ONCE)
                n = connection.execute(delete(events).where(events.c.seq.in_(old))).rowcount
            n_pruned += n
            if n < _PRUNED_AT_ONCE:
                return n_pruned

    def lease(self, name: str, holder: str, seconds: float, start: int = 0) -> int | None:
        """Become the one reader under a name, or stay it.

        Args:
            name: Of the cursor.
            holder: Who asks.
            seconds: How long the lease lasts unless it is taken again.
            start: Where a cursor begins that does not exist yet.

        Returns:
            The number of the last event that was dealt with, or None while another holds the cursor.
        """
        now = time.time()
        free = or_(cursors.c.holder.is_(None), cursors.c.holder == holder, cursors.c.leased_until < now)
        with self._database.write(appends=False) as connection:
            connection.execute(insert_if_absent(connection, cursors), {"name": name, "position": start})
            taken = update(cursors).where(cursors.c.name == name, free).values(holder=holder, leased_until=now + seconds)
            if connection.execute(taken).rowcount == 0:
                return None
            position: int = connection.execute(select(cursors.c.position).where(cursors.c.name == name)).scalar_one()
            return position

    def advance(self, connection: Connection | None, name: str, holder: str, position: int) -> None:
        """Note that all events up to `position` are dealt with.

        Args:
            connection: Of the transaction that holds the effect, so that both happen or neither; None for a transaction of its own.
            name: Of the cursor.
            holder: Who holds its lease.
            position: Number of the last event dealt with.

        Raises:
            Conflict: Another has taken the lease over; the effect must be rolled back.
        """
        if connection is None:
            with self._database.write(appends=False) as own:
                return self.advance(own, name, holder, position)
        moved = update(cursors).where(cursors.c.name == name, cursors.c.holder == holder).values(position=position)
        if connection.execute(moved).rowcount == 0:
            raise Conflict(f"cursor {name!r} is no longer held by {holder!r}; lease it again and read from its position")
        return None

    def release(self, name: str, holder: str) -> None:
        """Give a cursor back, so that another need not wait for the end of the lease."""
        with self._database.write(appends=False) as connection:
            held = (cursors.c.name == name) & (cursors.c.holder == holder)
            connection.execute(update(cursors).where(held).values(holder=None, leased_until=None))
