"""Alerts: what moved, and what became of it."""

import hashlib
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Connection, delete, insert, select, tuple_, update

from cxnlp.errors import Conflict, InvalidInput, InvalidQuery, NotFound, shorten
from cxnlp.lines import to_iso
from cxnlp.store.alert_tables import alert_quotes, alerts
from cxnlp.store.database import Database
from cxnlp.store.events import Events
from cxnlp.store.paging import decode_cursor, encode_cursor
from cxnlp.store.rows import chunks, from_json, from_seconds, to_json, to_seconds
from cxnlp.store.schema import feedback

OPEN: Final = "open"
ACKNOWLEDGED: Final = "acknowledged"
SNOOZED: Final = "snoozed"
RESOLVED: Final = "resolved"
STATES: Final = (OPEN, ACKNOWLEDGED, SNOOZED, RESOLVED)
OPENED_EVENT: Final = "alert.opened"
CHANGED_EVENT: Final = "alert.changed"
RESOLVED_EVENT: Final = "alert.resolved"
CURSOR: Final = "alerts"
DAY_CURSOR: Final = "alerts.day"
_ID_BYTES: Final = 10
_MOST_LISTED: Final = 1_000


@dataclass(frozen=True, slots=True)
class Moved:
    """What moved, as it is noted.

    Attributes:
        rule: `movement`, or the name of a threshold.
        dimension: Of the series.
        value: Of the series.
        measure: Of the series.
        direction: `up` or `down`.
        first_day: Since when, by number.
        last_day: Last day on which it was so.
        score: How much more than chance: -log10 of p.
        details: JSON values, none in a customer's words: observed, expected, what explains it.
        record_ids: Up to three records to quote.
    """

    rule: str
    dimension: str
    value: str
    measure: str
    direction: str
    first_day: int
    last_day: int
    score: float
    details: Mapping[str, Any]
    record_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert and what became of it.

    Attributes:
        id: The public id, `a-...`.
        moved: What it is about.
        state: One of `STATES`.
        historical: Whether nobody was told.
        opened_at: UTC.
        changed_at: UTC.
        resolved_at: UTC, or None.
        snoozed_until: UTC, or None.
        note: What a person said of the state.
        author: Who that was; None where it resolved by itself.
    """

    id: str
    moved: Moved
    state: str
    historical: bool
    opened_at: datetime
    changed_at: datetime
    resolved_at: datetime | None = None
    snoozed_until: datetime | None = None
    note: str | None = None
    author: str | None = None

    def to_line(self) -> dict[str, Any]:
        """Return it as JSON, as events tell of it: without quotes, and without the note, in which a person may have quoted a customer."""
        moved = self.moved
        return {
            "id": self.id,
            "rule": moved.rule,
            "series": {"dimension": moved.dimension, "value": moved.value or None},
            "measure": moved.measure,
            "direction": moved.direction,
            "since": date.fromordinal(moved.first_day).isoformat(),
            "until": date.fromordinal(moved.last_day).isoformat(),
            "score": round(moved.score, 2),
            **moved.details,
            "record_ids": list(moved.record_ids),
            "state": self.state,
            "historical": self.historical,
            "opened_at": to_iso(self.opened_at),
            "changed_at": to_iso(self.changed_at),
            "resolved_at": to_iso(self.resolved_at) if self.resolved_at else None,
            "snoozed_until": to_iso(self.snoozed_until) if self.snoozed_until else None,
        }


@dataclass(frozen=True, slots=True)
class AlertChange:
    """What a look at a day makes of an alert.

    Attributes:
        moved: What it is about now.
        alert_id: None for a new alert.
        was: The state that the change starts from; where a person has changed it meanwhile only `moved` is written.
        state: The state it gets.
        historical: Whether nobody is to be told; of a new alert.
        event: What to tell, or None.
    """

    moved: Moved
    alert_id: str | None = None
    was: str = OPEN
    state: str = OPEN
    historical: bool = False
    event: str | None = None


@dataclass(frozen=True, slots=True)
class AlertPage:
    """Part of a list of alerts; `next_cursor` is None at the end."""

    alerts: list[Alert]
    next_cursor: str | None


class AlertTable:
    """The alerts."""

    def __init__(self, database: Database, events: Events) -> None:
        self._database = database
        self._events = events

    def apply(self, changes: Sequence[AlertChange], holder: str, position: int, day: int) -> int:
        """Note changes, tell of them, and advance the cursors `alerts` and `alerts.day`, in one transaction.

        Args:
            changes: In order.
            holder: Who holds the leases of both cursors.
            position: Number of the last event that was dealt with.
            day: Number of the last day that was over and is dealt with.

        Returns:
            How many events were appended.

        Raises:
            Conflict: Another has taken a lease over; nothing was written.
        """
        now = time.time()
        with self._database.write() as connection:
            n_told = sum(self._change(connection, change, now) for change in changes)
            self._events.advance(connection, CURSOR, holder, position)
            self._events.advance(connection, DAY_CURSOR, holder, day)
        return n_told

    def get(self, alert_id: str) -> Alert:
        """Return an alert.

        Raises:
            NotFound: There is no such alert.
        """
        with self._database.read() as connection:
            return self._get(connection, alert_id)

    def since(self, day: int) -> list[Alert]:
        """Return the alerts that are not resolved, or were still so on a day of this number or later, oldest first."""
        wanted = (alerts.c.state != RESOLVED) | (alerts.c.last_day >= day)
        with self._database.read() as connection:
            return _read(connection, select(alerts).where(wanted).order_by(alerts.c.seq))

    def page(self, state: str | None = None, historical: bool | None = None, cursor: str | None = None, limit: int = 50) -> AlertPage:
        """Return part of the alerts, newest first.

        Args:
            state: One of `STATES`; None for all.
            historical: Only those that nobody was, or that somebody was told of; None for all.
            cursor: `next_cursor` of the part before.
            limit: 1 to 1,000.

        Raises:
            InvalidQuery: A value is out of range, or the cursor is damaged or of another list.
        """
        if not 1 <= limit <= _MOST_LISTED:
            raise InvalidQuery(f"limit is {limit}; write 1 to {_MOST_LISTED}")
        if state is not None and state not in STATES:
            raise InvalidQuery(f"state is {shorten(state)!r}; write one of {', '.join(STATES)}")
        scope = hashlib.sha256(f"alerts {state} {historical}".encode()).digest()[:8]
        key = (alerts.c.opened_at, alerts.c.seq)
        query = select(alerts)
        for column, value in ((alerts.c.state, state), (alerts.c.historical, historical)):
            query = query if value is None else query.where(column == value)
        if cursor is not None:
            query = query.where(tuple_(*key) < tuple_(*decode_cursor(cursor, scope)))
        with self._database.read() as connection:
            found = query.order_by(*(column.desc() for column in key)).limit(limit + 1)
            keys = connection.execute(found.with_only_columns(*key)).all()
            listed = _read(connection, found)
        last = keys[limit - 1] if len(keys) > limit else None
        return AlertPage(listed[:limit], None if last is None else encode_cursor(last.opened_at, last.seq, scope))

    def set_state(self, alert_id: str, state: str, reason: str | None, author: str, until: datetime | None = None) -> Alert:
        """Note that a person took an alert on, put it off, resolved it or opened it again, and tell of it.

        Args:
            alert_id: Of the alert.
            state: One of `STATES`.
            reason: Why, masked.
            author: Who says so.
            until: When a snoozed one comes back, UTC; for `snoozed` alone.

        Raises:
            NotFound: There is no such alert.
            InvalidInput: The state is unknown, or the time is missing, in the past, or not wanted.
            Conflict: It is resolved already; a new movement opens a new alert.
        """
        if state not in STATES:
            raise InvalidInput(f"state is {shorten(state)!r}; write one of {', '.join(STATES)}")
        now = time.time()
        if (state == SNOOZED) != (until is not None) or (until is not None and until.timestamp() <= now):
            raise InvalidInput("until: write a time to come with the state snoozed, and with no other")
        with self._database.write() as connection:
            old = self._get(connection, alert_id)
            if old.state == RESOLVED and state != RESOLVED:
                raise Conflict(f"alert {alert_id!r} is resolved; if it moves again, it opens again by itself")
            values = {"state": state, "note": reason, "author": author, "changed_at": now, "snoozed_until": to_seconds(until)}
            values |= {"resolved_at": now} if state == RESOLVED and old.state != RESOLVED else {}
            connection.execute(update(alerts).where(alerts.c.id == alert_id).values(values))
            alert = self._get(connection, alert_id)
            if (state, until) != (old.state, old.snoozed_until):
                self._events.append(connection, RESOLVED_EVENT if state == RESOLVED else CHANGED_EVENT, [None], [alert.to_line()])
        return alert

    def _get(self, connection: Connection, alert_id: str) -> Alert:
        if found := _read(connection, select(alerts).where(alerts.c.id == alert_id)):
            return found[0]
        raise NotFound(f"there is no alert {shorten(alert_id)!r}; GET /v1/alerts lists them")

    def _change(self, connection: Connection, change: AlertChange, now: float) -> int:
        moved, event, alert_id = change.moved, change.event, change.alert_id
        values = {name: getattr(moved, name) for name in ("rule", "dimension", "value", "measure", "direction", "first_day", "last_day", "score")}
        values |= {"details": to_json(dict(moved.details))}
        if alert_id is None:
            alert_id = f"a-{secrets.token_hex(_ID_BYTES)}"
            new = {"id": alert_id, "state": change.state, "historical": change.historical, "opened_at": now, "changed_at": now}
            new |= {"resolved_at": now} if change.state == RESOLVED else {}
            connection.execute(insert(alerts), values | new)
        else:
            connection.execute(update(alerts).where(alerts.c.id == alert_id).values(values))
            if change.state != change.was:
                state = {"state": change.state, "changed_at": now, "snoozed_until": None, "author": None, "note": None}
                state |= {"resolved_at": now if change.state == RESOLVED else None}
                mine = (alerts.c.id == alert_id) & (alerts.c.state == change.was)
                event = event if connection.execute(update(alerts).where(mine).values(state)).rowcount else None
        _quote(connection, alert_id, moved.record_ids)
        if event:
            self._events.append(connection, event, [None], [self._get(connection, alert_id).to_line()])
        return int(event is not None)


def _quote(connection: Connection, alert_id: str, record_ids: Sequence[str]) -> None:
    number = connection.execute(select(alerts.c.seq).where(alerts.c.id == alert_id)).scalar_one()
    connection.execute(delete(alert_quotes).where(alert_quotes.c.alert_seq == number))
    known = dict(connection.execute(select(feedback.c.id, feedback.c.seq).where(feedback.c.id.in_(list(record_ids)))).all())
    rows = [{"seq": known[i], "alert_seq": number, "rank": rank} for rank, i in enumerate(record_ids) if i in known]
    if rows:
        connection.execute(insert(alert_quotes), rows)


def _read(connection: Connection, query: Any) -> list[Alert]:
    rows = connection.execute(query).all()
    quoted: dict[int, list[str]] = {}
    named = select(alert_quotes.c.alert_seq, feedback.c.id).join(feedback).order_by(alert_quotes.c.alert_seq, alert_quotes.c.rank)
    for part in chunks(row.seq for row in rows):
        for number, record_id in connection.execute(named.where(alert_quotes.c.alert_seq.in_(part))):
            quoted.setdefault(number, []).append(record_id)
    return [_alert(row, tuple(quoted.get(row.seq, ()))) for row in rows]


def _alert(row: Any, record_ids: tuple[str, ...]) -> Alert:
    said = (row.rule, row.dimension, row.value, row.measure, row.direction, row.first_day, row.last_day, row.score)
    resolved_at, until = (None if at is None else from_seconds(at) for at in (row.resolved_at, row.snoozed_until))
    times = (from_seconds(row.opened_at), from_seconds(row.changed_at), resolved_at, until)
    return Alert(row.id, Moved(*said, from_json(row.details), record_ids), row.state, row.historical, *times, row.note, row.author)
