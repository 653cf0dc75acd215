"""Deliveries: which webhook still has to be told of which event.

What is told of one record is told in order: a message waits while an earlier one about the same record is neither delivered nor given up. Messages
about other records do not wait for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Update, func, literal, or_, select, update

from cxnlp.errors import InvalidQuery, shorten
from cxnlp.store.database import Database
from cxnlp.store.dialect import insert_if_absent
from cxnlp.store.events import Event, Events
from cxnlp.store.rows import from_json, from_seconds
from cxnlp.store.schema import deliveries, events, webhooks
from cxnlp.store.webhooks import Webhook, webhook_of

PENDING: Final = "pending"
DELIVERED: Final = "delivered"
DEAD: Final = "dead"
STATUSES: Final = (PENDING, DELIVERED, DEAD)
CURSOR: Final = "webhooks"
_MOST_ERROR: Final = 300


@dataclass(frozen=True, slots=True)
class Due:
    """A message to send now.

    Attributes:
        webhook: Whom to tell.
        event: What of.
        attempts: How often it was tried in vain.
    """

    webhook: Webhook
    event: Event
    attempts: int


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """What became of a message.

    Attributes:
        event_seq: Number of the event.
        type: Its name.
        status: One of `STATUSES`.
        attempts: How often it was tried in vain.
        next_at: When it is tried next, if pending; UTC.
        last_error: Why it failed last.
        response_status: HTTP status of the last answer.
    """

    event_seq: int
    type: str
    status: str
    attempts: int
    next_at: datetime
    last_error: str | None
    response_status: int | None


class DeliveryTable:
    """The deliveries."""

    def __init__(self, database: Database, log: Events) -> None:
        self._database = database
        self._log = log

    def enqueue(self, holder: str, now: datetime, limit: int, lease_seconds: float) -> int | None:
        """Note whom to tell of the next events, and advance the cursor `webhooks`, in one transaction.

        Only webhooks that are older than the event are told, and none of what is about historical flags and alerts.

        Returns:
            Number of the last event dealt with, or None while another holds the cursor.

        Raises:
            Conflict: Another has taken the lease over meanwhile; nothing was written.
        """
        position = self._log.lease(CURSOR, holder, lease_seconds)
        if position is None:
            return None
        with self._database.write() as connection:
            rows = connection.execute(select(webhooks).where(webhooks.c.disabled_at.is_(None))).all()
            hooks = [(webhook_of(row), row.after_seq) for row in rows]
            if hooks:
                start = max(position, min(after for _, after in hooks))
                found = connection.execute(select(events).where(events.c.seq > start).order_by(events.c.seq).limit(limit)).all()
                reached: int = found[-1].seq if found else start
                told = [
                    {"webhook_id": hook.id, "event_seq": event.seq, "record_id": event.record_id, **_fresh(now)}
                    for event in found
                    if not _is_historical(event)
                    for hook, after in hooks
                    if event.seq > after and hook.wants(event.type)
                ]
                if told:
                    connection.execute(insert_if_absent(connection, deliveries), told)
                    connection.execute(_put_off(now, told[0]["event_seq"]))
            else:
                reached = max(position, connection.execute(select(func.max(events.c.seq))).scalar() or 0)
            self._log.advance(connection, CURSOR, holder, reached)
        return reached

    def waiting(self, now: datetime) -> list[str]:
        """Return the ids of webhooks that have to be told something now."""
        # Not EXISTS: PostgreSQL would look at all that waits before it answers whether there is one.
        one = select(deliveries.c.event_seq).where(deliveries.c.webhook_id == webhooks.c.id, _is_due(now), _is_next(now)).limit(1)
        query = select(webhooks.c.id).where(webhooks.c.disabled_at.is_(None), one.scalar_subquery().is_not(None))
        with self._database.read() as connection:
            return list(connection.execute(query.order_by(webhooks.c.id)).scalars())

    def due(self, webhook_id: str, now: datetime, limit: int, holder: str, lease_seconds: float) -> list[Due]:
        """Take what one webhook has to be told now, oldest event first; nobody else gets it until the lease ends.

        Whoever fails to tell one of them must not tell the later ones about the same record, but `release` them.

        Args:
            webhook_id: Of the webhook.
            now: The time, UTC.
            limit: At most so many.
            holder: Who asks; unique among processes.
            lease_seconds: After which others may take over what is neither settled nor released.
        """
        mine = deliveries.c.webhook_id == webhook_id
        # The sum keeps the database from gathering and sorting all that is due by time instead of going through it in order until there is enough.
        in_order = _is_due(now, deliveries.c.next_at + 0)
        free = select(deliveries.c.event_seq).where(mine, in_order, _is_next(now)).order_by(deliveries.c.event_seq).limit(limit)
        with self._database.write(appends=False) as connection:
            # One taker at a time, who sees what the one before has taken: else two could tell of one record at once.
            active = select(webhooks).where(webhooks.c.id == webhook_id, webhooks.c.disabled_at.is_(None))
            told = connection.execute(active.with_for_update()).one_or_none()
            if told is None:
                return []
            seqs = connection.execute(free).scalars().all()
            taken = update(deliveries).where(mine, deliveries.c.event_seq.in_(seqs))
            connection.execute(taken.values(holder=holder, leased_until=now.timestamp() + lease_seconds))
            query = (
                select(events, deliveries.c.attempts)
                .select_from(deliveries.join(events))
                .where(mine, deliveries.c.event_seq.in_(seqs))
                .order_by(events.c.seq)
            )
            rows = connection.execute(query).all()
        return [Due(webhook_of(told), _event(row), row.attempts) for row in rows]

    def renew(self, due: Sequence[Due], holder: str, now: datetime, lease_seconds: float) -> int:
        """Take what a holder has taken for longer; return how much of it the holder still has, and has not settled.

        Args:
            due: What it took of one webhook.
            holder: Who asks.
            now: The time, UTC.
            lease_seconds: As in `due`, from now on.
        """
        mine = deliveries.c.webhook_id.in_({item.webhook.id for item in due}) & (deliveries.c.holder == holder) & _waits(deliveries)
        # What another transaction is settling is left to it: to wait for one another would end in a deadlock.
        held = select(deliveries.c.event_seq).where(mine, deliveries.c.event_seq.in_([item.event.seq for item in due]))
        with self._database.write(appends=False) as connection:
            seqs = connection.execute(held.with_for_update(skip_locked=True)).scalars().all()
            longer = update(deliveries).where(mine, deliveries.c.event_seq.in_(seqs)).values(leased_until=now.timestamp() + lease_seconds)
            return connection.execute(longer).rowcount

    def succeed(self, due: Due, response_status: int | None) -> None:
        """Note that a message has arrived; without a status, that there was nothing left to tell."""
        self._settle(due, status=DELIVERED, response_status=response_status, last_error=None)

    def retry_later(self, due: Due, at: datetime, error: str, response_status: int | None) -> None:
        """Note a failed attempt and when to try again; what else there is to tell of the same record waits as long."""
        self._settle(
            due, at.timestamp(), attempts=due.attempts + 1, next_at=at.timestamp(), last_error=error[:_MOST_ERROR], response_status=response_status
        )

    def bury(self, due: Due, error: str, response_status: int | None) -> None:
        """Note a failed attempt that was the last; `replay` raises the dead."""
        self._settle(due, status=DEAD, attempts=due.attempts + 1, last_error=error[:_MOST_ERROR], response_status=response_status)

    def release(self, holder: str, webhook_id: str | None = None) -> None:
        """Give back what a holder has taken and not settled, of one webhook or of all."""
        held = update(deliveries).where(deliveries.c.status == PENDING, deliveries.c.holder == holder)
        if webhook_id is not None:
            held = held.where(deliveries.c.webhook_id == webhook_id)
        with self._database.write(appends=False) as connection:
            connection.execute(held.values(holder=None, leased_until=None))

    def replay(self, webhook_id: str, now: datetime) -> int:
        """Try the dead messages of a webhook again from the beginning; return how many there were."""
        dead = update(deliveries).where(deliveries.c.webhook_id == webhook_id, deliveries.c.status == DEAD)
        with self._database.write(appends=False) as connection:
            return connection.execute(dead.values(_fresh(now))).rowcount

    def counts(self) -> dict[tuple[str, str], int]:
        """Return how many messages wait and how many were given up, by (webhook id, status)."""
        query = select(deliveries.c.webhook_id, deliveries.c.status, func.count()).where(deliveries.c.status.in_((PENDING, DEAD)))
        with self._database.read() as connection:
            return {(hook, status): n for hook, status, n in connection.execute(query.group_by(deliveries.c.webhook_id, deliveries.c.status))}

    def list(self, webhook_id: str, status: str | None = None, limit: int = 100) -> list[DeliveryRow]:
        """Return what became of the newest messages to a webhook, newest event first.

        Raises:
            InvalidQuery: The status is unknown.
        """
        if status is not None and status not in STATUSES:
            raise InvalidQuery(f"status is {shorten(status)!r}; write one of {', '.join(STATUSES)}")
        query = select(deliveries, events.c.type).select_from(deliveries.join(events)).where(deliveries.c.webhook_id == webhook_id)
        if status is not None:
            query = query.where(deliveries.c.status == status)
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(deliveries.c.event_seq.desc()).limit(limit)).all()
        return [DeliveryRow(r.event_seq, r.type, r.status, r.attempts, from_seconds(r.next_at), r.last_error, r.response_status) for r in rows]

    def _settle(self, due: Due, until: float | None = None, **values: Any) -> None:
        """Note how an attempt ended; with `until`, later messages about the same record are not looked at before then."""
        mine = deliveries.c.webhook_id == due.webhook.id
        settled = update(deliveries).where(mine, deliveries.c.event_seq == due.event.seq, deliveries.c.status == PENDING)
        with self._database.write(appends=False) as connection:
            n_settled = connection.execute(settled.values(holder=None, leased_until=None, **values)).rowcount
            if n_settled and until is not None and due.event.record_id is not None:
                later = (deliveries.c.record_id == due.event.record_id) & (deliveries.c.event_seq > due.event.seq) & (deliveries.c.next_at < until)
                connection.execute(update(deliveries).where(mine, _waits(deliveries), later).values(next_at=until))


def _waits(table: Any) -> ColumnElement[bool]:
    # Written out, since SQLite takes the indexes of what waits only if it sees the value.
    return table.c.status == literal(PENDING, literal_execute=True)  # type: ignore[no-any-return]


def _is_due(now: datetime, next_at: ColumnElement[float] = deliveries.c.next_at) -> ColumnElement[bool]:
    free = or_(deliveries.c.leased_until.is_(None), deliveries.c.leased_until < now.timestamp())
    return _waits(deliveries) & (next_at <= now.timestamp()) & free


def _put_off(now: datetime, first_seq: int) -> Update:
    """Return the statement that lets messages from an event on wait as long as earlier ones about the same record do."""
    earlier = deliveries.alias("earlier")
    same = (earlier.c.webhook_id == deliveries.c.webhook_id) & (earlier.c.record_id == deliveries.c.record_id)
    waits = _waits(earlier) & (earlier.c.next_at > now.timestamp()) & (earlier.c.event_seq < deliveries.c.event_seq)
    until = select(func.max(earlier.c.next_at)).where(same, waits).scalar_subquery()
    new = (deliveries.c.event_seq >= first_seq) & _waits(deliveries) & select(earlier.c.event_seq).where(same, waits).exists()
    return update(deliveries).where(new).values(next_at=until)


def _is_next(now: datetime) -> ColumnElement[bool]:
    """Return the condition that no earlier message about the same record waits for later or is under way."""
    earlier = deliveries.alias("earlier")
    same = (earlier.c.webhook_id == deliveries.c.webhook_id) & (earlier.c.record_id == deliveries.c.record_id)
    blocks = _waits(earlier) & or_(earlier.c.next_at > now.timestamp(), earlier.c.leased_until >= now.timestamp())
    return ~select(earlier.c.event_seq).where(same, earlier.c.event_seq < deliveries.c.event_seq, blocks).exists()


def _fresh(now: datetime) -> dict[str, Any]:
    return {"status": PENDING, "attempts": 0, "next_at": now.timestamp()}


def _is_historical(row: Any) -> bool:
    return row.type.startswith(("flag.", "alert.")) and bool(from_json(row.data).get("historical"))


def _event(row: Any) -> Event:
    return Event(row.seq, row.type, row.record_id, from_json(row.data), from_seconds(row.at))
