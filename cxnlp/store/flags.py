"""Flags: one for a record and rule, raised once for the same cause, and followed as the record changes."""

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Select, insert, select, tuple_, update

from cxnlp.errors import Conflict, InvalidInput, InvalidQuery, NotFound, shorten
from cxnlp.lines import to_iso
from cxnlp.store.database import Database
from cxnlp.store.events import Events
from cxnlp.store.paging import decode_cursor, encode_cursor
from cxnlp.store.rows import chunks, from_json, from_seconds, to_json, to_seconds
from cxnlp.store.schema import feedback, flags

OPEN: Final = "open"
ACKNOWLEDGED: Final = "acknowledged"
RESOLVED: Final = "resolved"
DISMISSED: Final = "dismissed"
WITHDRAWN: Final = "withdrawn"
STATES: Final = (OPEN, ACKNOWLEDGED, RESOLVED, DISMISSED, WITHDRAWN)
BY_PEOPLE: Final = (ACKNOWLEDGED, RESOLVED, DISMISSED)
RAISED_EVENT: Final = "flag.raised"
CHANGED_EVENT: Final = "flag.changed"
WITHDRAWN_EVENT: Final = "flag.withdrawn"
CURSOR: Final = "flags"
_MOST_LISTED: Final = 1_000
_ROWS: Final[Select[Any]] = select(*flags.c, feedback.c.id.label("record_id")).join_from(flags, feedback)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a rule says of one version of a record; without a level, that it raises no flag.

    Attributes:
        record_id: Of the record.
        version: Of its content.
        rule: Name of the rule.
        at: When it was found, UTC.
        level: 1 is the most urgent.
        reasons: JSON values, never in the customer's words.
        deadline: UTC.
        historical: Whether nobody is to be called.
    """

    record_id: str
    version: int
    rule: str
    at: datetime
    level: int | None = None
    reasons: Sequence[Any] = ()
    deadline: datetime | None = None
    historical: bool = False


@dataclass(frozen=True, slots=True)
class StoredFlag:
    """A flag and what became of it.

    Attributes:
        id: The public id, from record and rule.
        record_id: Of the record.
        rule: Name of the rule.
        level: 1 is the most urgent.
        reasons: As the rule gave them.
        raised_at: UTC.
        deadline: UTC; None for historical records.
        state: One of `STATES`.
        historical: Whether nobody was called.
        note: The reason that a person gave for the state.
        author: Who that was.
    """

    id: str
    record_id: str
    rule: str
    level: int
    reasons: tuple[Any, ...]
    raised_at: datetime
    deadline: datetime | None
    state: str
    historical: bool
    note: str | None = None
    author: str | None = None

    def to_line(self) -> dict[str, Any]:
        """Return it as JSON, as events tell of it: without the note, in which a person may have quoted the customer."""
        return {
            "id": self.id,
            "record_id": self.record_id,
            "rule": self.rule,
            "level": self.level,
            "reasons": list(self.reasons),
            "raised_at": to_iso(self.raised_at),
            "deadline": to_iso(self.deadline) if self.deadline else None,
            "state": self.state,
            "historical": self.historical,
        }


@dataclass(frozen=True, slots=True)
class FlagPage:
    """Part of a list of flags; `next_cursor` is None at the end."""

    flags: list[StoredFlag]
    next_cursor: str | None


class FlagTable:
    """The flags."""

    def __init__(self, database: Database, events: Events) -> None:
        self._database = database
        self._events = events

    def apply(self, verdicts: Sequence[Verdict], holder: str, position: int) -> int:
        """Raise, change and withdraw flags, tell of it and advance the cursor `flags`, in one transaction.

        A verdict on a record that is gone or has another version by now is left alone: an event further on tells of that version.

        Args:
            verdicts: At most one for a record and rule.
            holder: Who holds the lease of the cursor.
            position: Number of the last event that the verdicts come from.

        Returns:
            How many events were appended.

        Raises:
            Conflict: Another has taken the lease over; nothing was written.
        """
        n_told = 0
        with self._database.write() as connection:
            for part in chunks(verdicts):
                n_told += self._apply(connection, part)
            self._events.advance(connection, CURSOR, holder, position)
        return n_told

    def get(self, flag_id: str) -> StoredFlag | None:
        """Return a flag, or None."""
        with self._database.read() as connection:
            row = connection.execute(_ROWS.where(flags.c.id == flag_id)).one_or_none()
        return None if row is None else _flag(row)

    def page(self, state: str | None = None, level: int | None = None, cursor: str | None = None, limit: int = 50) -> FlagPage:
        """Return part of the flags, newest first.

        Args:
            state: One of `STATES`; None for all.
            level: 1 to 3; None for all.
            cursor: `next_cursor` of the part before.
            limit: 1 to 1,000.

        Raises:
            InvalidQuery: A value is out of range, or the cursor is damaged or of another list.
        """
        if not 1 <= limit <= _MOST_LISTED:
            raise InvalidQuery(f"limit is {limit}; write 1 to {_MOST_LISTED}")
        if state is not None and state not in STATES:
            raise InvalidQuery(f"state is {shorten(state)!r}; write one of {', '.join(STATES)}")
        scope = hashlib.sha256(f"flags {state} {level}".encode()).digest()[:8]
        query = _ROWS.order_by(flags.c.raised_at.desc(), flags.c.seq.desc()).limit(limit + 1)
        for column, value in ((flags.c.state, state), (flags.c.level, level)):
            query = query if value is None else query.where(column == value)
        if cursor is not None:
            query = query.where(tuple_(flags.c.raised_at, flags.c.seq) < tuple_(*decode_cursor(cursor, scope)))
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        last = rows[limit - 1] if len(rows) > limit else None
        return FlagPage([_flag(row) for row in rows[:limit]], None if last is None else encode_cursor(last.raised_at, last.seq, scope))

    def set_state(self, flag_id: str, state: str, reason: str | None, author: str) -> StoredFlag:
        """Note that a person took a flag on, resolved it or dismissed it, and tell of it; the same state again only renews the reason.

        Args:
            flag_id: Of the flag.
            state: One of `BY_PEOPLE`.
            reason: Why, masked; required to dismiss.
            author: Who says so.

        Raises:
            NotFound: There is no such flag.
            InvalidInput: The state is unknown, or a reason is missing.
            Conflict: The flag was withdrawn, since the record raises it no more.
        """
        if state not in BY_PEOPLE:
            raise InvalidInput(f"state is {shorten(state)!r}; write one of {', '.join(BY_PEOPLE)}")
        if state == DISMISSED and not (reason and reason.strip()):
            raise InvalidInput("reason is empty; say why the flag is dismissed")
        query = _ROWS.where(flags.c.id == flag_id)
        with self._database.write() as connection:
            old = connection.execute(query).one_or_none()
            if old is None:
                raise NotFound(f"there is no flag {shorten(flag_id)!r}")
            if old.state == WITHDRAWN:
                raise Conflict(f"flag {flag_id!r} was withdrawn: the record raises it no more")
            values = {"state": state, "note": reason, "author": author, "changed_at": time.time()}
            connection.execute(update(flags).where(flags.c.id == flag_id).values(values))
            flag = _flag(connection.execute(query).one())
            if state != old.state:
                self._events.append(connection, f"flag.{state}", [flag.record_id], [flag.to_line()])
        return flag

    def _apply(self, connection: Connection, verdicts: Sequence[Verdict]) -> int:
        present = select(feedback.c.id, feedback.c.seq, feedback.c.version).where(feedback.c.id.in_([v.record_id for v in verdicts]))
        records = {row.id: row for row in connection.execute(present)}
        rows = connection.execute(_ROWS.where(flags.c.seq.in_([row.seq for row in records.values()])))
        known = {(row.record_id, row.rule): row for row in rows}
        told: dict[str, list[str]] = {}
        for verdict in verdicts:
            record = records.get(verdict.record_id)
            if record is None or record.version != verdict.version:
                continue
            event, values = _follow(known.get((verdict.record_id, verdict.rule)), verdict)
            flag_id = _write(connection, record.seq, verdict, values) if values else ""
            if event:
                told.setdefault(event, []).append(flag_id)
        for event, ids in told.items():
            lines = [_flag(row).to_line() for row in connection.execute(_ROWS.where(flags.c.id.in_(ids)).order_by(flags.c.seq))]
            self._events.append(connection, event, [line["record_id"] for line in lines], lines)
        return sum(map(len, told.values()))


def flag_id_of(record_id: str, rule: str) -> str:
    """Return the public id of a flag: `f-` and 20 hexadecimal digits of the SHA-256 of record and rule."""
    return "f-" + hashlib.sha256(f"{record_id}\x1f{rule}".encode()).hexdigest()[:20]


def _follow(old: Any | None, verdict: Verdict) -> tuple[str | None, Mapping[str, Any]]:
    """Return the event to tell and the columns to write, as a verdict meets the flag that there is."""
    if verdict.level is None:
        still = old is not None and old.state in (OPEN, ACKNOWLEDGED)
        return (WITHDRAWN_EVENT, {"state": WITHDRAWN}) if still else (None, {})
    anew = {"state": OPEN, "raised_at": verdict.at.timestamp(), "deadline": to_seconds(verdict.deadline), "historical": verdict.historical}
    said = {"level": verdict.level, "reasons": to_json(list(verdict.reasons)), "version": verdict.version}
    if old is None:
        return RAISED_EVENT, anew | said
    is_news = verdict.version > old.version
    if old.state in (RESOLVED, DISMISSED):
        # People have dealt with it; only new words that are more urgent bring it back.
        return (CHANGED_EVENT, anew | said) if is_news and verdict.level < old.level else (None, {})
    if old.state == WITHDRAWN:
        return (RAISED_EVENT if is_news else CHANGED_EVENT), anew | said
    if old.historical and not verdict.historical:
        return RAISED_EVENT, anew | said
    if verdict.level == old.level:
        return None, said
    return CHANGED_EVENT, said | {"deadline": _deadline(old, verdict)}


def _deadline(old: Any, verdict: Verdict) -> float | None:
    """Return the deadline after a change of level: counted from now if it became more urgent, but never later than before."""
    before: float | None = old.deadline
    if before is None or verdict.deadline is None or verdict.level is None:
        return before
    if verdict.level < old.level:
        return min(before, verdict.deadline.timestamp())
    return float(old.raised_at) + (verdict.deadline - verdict.at).total_seconds()


def _write(connection: Connection, seq: int, verdict: Verdict, values: Mapping[str, Any]) -> str:
    flag_id = flag_id_of(verdict.record_id, verdict.rule)
    columns = dict(values) | {"changed_at": verdict.at.timestamp()}
    if connection.execute(update(flags).where(flags.c.id == flag_id).values(columns)).rowcount == 0:
        connection.execute(insert(flags), columns | {"seq": seq, "rule": verdict.rule, "id": flag_id})
    return flag_id


def _flag(row: Any) -> StoredFlag:
    deadline = None if row.deadline is None else from_seconds(row.deadline)
    raised_at, reasons = from_seconds(row.raised_at), tuple(from_json(row.reasons))
    return StoredFlag(row.id, row.record_id, row.rule, row.level, reasons, raised_at, deadline, row.state, row.historical, row.note, row.author)
