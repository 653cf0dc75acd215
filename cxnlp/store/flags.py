"""Flags: one for a record and rule, raised once for the same cause, and followed as the record changes."""

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, update

from cxnlp.errors import Conflict, InvalidInput, InvalidQuery, NotFound, shorten
from cxnlp.lines import to_iso
from cxnlp.store.database import Database
from cxnlp.store.events import Events
from cxnlp.store.flag_pages import NEWEST, SORTS, read_part
from cxnlp.store.flag_tables import flags
from cxnlp.store.rows import chunks, from_json, from_seconds, to_json
from cxnlp.store.verdicts import (
    ACKNOWLEDGED,
    CHANGED_EVENT,
    DISMISSED,
    FLAGS,
    OPEN,
    RESOLVED,
    WITHDRAWN,
    Told,
    Verdict,
    apply_verdicts,
)

STATES: Final = (OPEN, ACKNOWLEDGED, RESOLVED, DISMISSED, WITHDRAWN)
BY_PEOPLE: Final = (ACKNOWLEDGED, RESOLVED, DISMISSED)
OVERDUE_EVENT: Final = "flag.overdue"
CURSOR: Final = "flags"
_MOST_LISTED: Final = 1_000


@dataclass(frozen=True, slots=True)
class Escalation:
    """What becomes of a flag that nobody took on before its deadline: its new level, priority and what explains that."""

    flag_id: str
    level: int
    priority: int
    explanation: Mapping[str, str]


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
        owner: Who is to answer.
        priority: 0 to 100, impact times urgency; None for flags of earlier versions of cxnlp.
        explanation: Of the priority, as the rule gave it.
        overdue_at: When it was found that nobody took it on before the deadline, UTC.
        repeats: How many later records of the same customer about the same have joined it.
        rule_version: Version of the rule that raised it; 0 for a shipped one.
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
    owner: str | None = None
    priority: int | None = None
    explanation: Mapping[str, str] | None = None
    overdue_at: datetime | None = None
    repeats: int = 0
    rule_version: int = 0

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
            "owner": self.owner,
            "priority": self.priority,
            "explanation": self.explanation,
            "overdue_at": to_iso(self.overdue_at) if self.overdue_at else None,
            "repeats": self.repeats,
            "rule_version": self.rule_version,
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
                n_told += self._tell(connection, apply_verdicts(connection, part))
            self._events.advance(connection, CURSOR, holder, position)
        return n_told

    def get(self, flag_id: str) -> StoredFlag | None:
        """Return a flag, or None."""
        with self._database.read() as connection:
            row = connection.execute(FLAGS.where(flags.c.id == flag_id)).one_or_none()
        return None if row is None else _flag(row)

    def page(
        self,
        state: str | None = None,
        level: int | None = None,
        cursor: str | None = None,
        limit: int = 50,
        *,
        owner: str | None = None,
        sort: str = NEWEST,
    ) -> FlagPage:
        """Return part of the flags, in an order that `read_part` describes.

        Args:
            state: One of `STATES`; None for all.
            level: 1 to 3; None for all.
            cursor: `next_cursor` of the part before.
            limit: 1 to 1,000.
            owner: Whose; None for all.
            sort: One of `SORTS`.

        Raises:
            InvalidQuery: A value is out of range, or the cursor is damaged or of another list.
        """
        if not 1 <= limit <= _MOST_LISTED:
            raise InvalidQuery(f"limit is {limit}; write 1 to {_MOST_LISTED}")
        if state is not None and state not in STATES:
            raise InvalidQuery(f"state is {shorten(state)!r}; write one of {', '.join(STATES)}")
        if sort not in SORTS:
            raise InvalidQuery(f"sort is {shorten(sort)!r}; write one of {', '.join(SORTS)}")
        scope = hashlib.sha256(f"flags {sort} {state} {level} {owner}".encode()).digest()[:8]
        query = FLAGS
        for column, value in ((flags.c.state, state), (flags.c.level, level), (flags.c.owner, owner)):
            query = query if value is None else query.where(column == value)
        with self._database.read() as connection:
            rows, next_cursor = read_part(connection, query, sort, cursor, limit, scope)
        return FlagPage([_flag(row) for row in rows], next_cursor)

    def set_state(self, flag_id: str, state: str | None, reason: str | None, author: str, owner: str | None = None) -> StoredFlag:
        """Note that a person took a flag on, resolved it, dismissed it or gave it to somebody, and tell of it.

        The same state again only renews the reason.

        Args:
            flag_id: Of the flag.
            state: One of `BY_PEOPLE`; None to leave it as it is.
            reason: Why, masked; required to dismiss.
            author: Who says so.
            owner: Who is to answer from now on; None to leave that as it is.

        Raises:
            NotFound: There is no such flag.
            InvalidInput: The state is unknown, a reason is missing, or there is nothing to note.
            Conflict: The flag was withdrawn, since the record raises it no more.
        """
        if state is None and owner is None:
            raise InvalidInput(f"state and owner are missing; write one of {', '.join(BY_PEOPLE)}, or who is to answer, or both")
        if state is not None and state not in BY_PEOPLE:
            raise InvalidInput(f"state is {shorten(state)!r}; write one of {', '.join(BY_PEOPLE)}")
        if state == DISMISSED and not (reason and reason.strip()):
            raise InvalidInput("reason is empty; say why the flag is dismissed")
        query = FLAGS.where(flags.c.id == flag_id)
        with self._database.write() as connection:
            old = connection.execute(query).one_or_none()
            if old is None:
                raise NotFound(f"there is no flag {shorten(flag_id)!r}")
            if old.state == WITHDRAWN:
                raise Conflict(f"flag {flag_id!r} was withdrawn: the record raises it no more")
            values: dict[str, Any] = {"changed_at": time.time()}
            values |= {"state": state, "note": reason, "author": author} if state else {}
            values |= {"owner": owner} if owner is not None else {}
            connection.execute(update(flags).where(flags.c.id == flag_id).values(values))
            flag = _flag(connection.execute(query).one())
            if (flag.state, flag.owner) != (old.state, old.owner):
                event = CHANGED_EVENT if flag.state == old.state else f"flag.{state}"
                self._events.append(connection, event, [flag.record_id], [flag.to_line()])
        return flag

    def overdue(self, now: datetime, limit: int = 100) -> list[StoredFlag]:
        """Return open flags whose deadline has passed and of which that was not told yet, the oldest deadline first."""
        due = (flags.c.state == OPEN) & flags.c.overdue_at.is_(None) & (flags.c.deadline < now.timestamp())
        with self._database.read() as connection:
            return [_flag(row) for row in connection.execute(FLAGS.where(due).order_by(flags.c.deadline).limit(limit))]

    def escalate(self, escalations: Sequence[Escalation], now: datetime, holder: str, position: int) -> int:
        """Make overdue flags more urgent and tell of each, once, in one transaction.

        One that was taken on, or told of, meanwhile is left alone.

        Args:
            escalations: At most one for a flag.
            now: UTC.
            holder: Who holds the lease of the cursor `flags`.
            position: Where that stands.

        Returns:
            How many applied.

        Raises:
            Conflict: Another has taken the lease over; nothing was written.
        """
        told: list[Told] = []
        with self._database.write() as connection:
            for e in escalations:
                values = {"level": e.level, "priority": e.priority, "explanation": to_json(e.explanation), "overdue_at": now.timestamp()}
                due = (flags.c.id == e.flag_id) & (flags.c.state == OPEN) & flags.c.overdue_at.is_(None) & (flags.c.deadline < now.timestamp())
                if connection.execute(update(flags).where(due).values(values | {"changed_at": now.timestamp()})).rowcount:
                    told.append(Told(OVERDUE_EVENT, "", e.flag_id))
            self._tell(connection, told)
            self._events.advance(connection, CURSOR, holder, position)
        return len(told)

    def _tell(self, connection: Connection, told: Sequence[Told]) -> int:
        """Append the events, each with its flag as it now is; one without a record is about the flag's own."""
        lines: dict[str, dict[str, Any]] = {}
        for part in chunks(dict.fromkeys(t.flag_id for t in told)):
            lines |= {row.id: _flag(row).to_line() for row in connection.execute(FLAGS.where(flags.c.id.in_(part)))}
        for event in dict.fromkeys(t.type for t in told):
            of_type = [t for t in told if t.type == event]
            ids = [t.record_id or lines[t.flag_id]["record_id"] for t in of_type]
            self._events.append(connection, event, ids, [lines[t.flag_id] for t in of_type])
        return len(told)


def _flag(row: Any) -> StoredFlag:
    given = {name: getattr(row, name) for name in ("id", "record_id", "rule", "level", "state", "historical", "note", "author", "owner", "priority")}
    return StoredFlag(
        **given,
        reasons=tuple(from_json(row.reasons)),
        raised_at=from_seconds(row.raised_at),
        deadline=None if row.deadline is None else from_seconds(row.deadline),
        explanation=None if row.explanation is None else from_json(row.explanation),
        overdue_at=None if row.overdue_at is None else from_seconds(row.overdue_at),
        repeats=row.repeats,
        rule_version=row.rule_version or 0,
    )
