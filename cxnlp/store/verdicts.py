"""How what rules say of records meets the flags that there are: raise, change, withdraw, or join the open flag of the same customer."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Select, bindparam, delete, exists, func, insert, literal, or_, select, update

from cxnlp.store.flag_tables import flag_repeats, flags
from cxnlp.store.rows import from_seconds, to_json, to_seconds
from cxnlp.store.schema import feedback, observations

OPEN: Final = "open"
ACKNOWLEDGED: Final = "acknowledged"
RESOLVED: Final = "resolved"
DISMISSED: Final = "dismissed"
WITHDRAWN: Final = "withdrawn"
RAISED_EVENT: Final = "flag.raised"
CHANGED_EVENT: Final = "flag.changed"
REPEATED_EVENT: Final = "flag.repeated"
WITHDRAWN_EVENT: Final = "flag.withdrawn"
_LIVE: Final = (OPEN, ACKNOWLEDGED)
_NONE: Final = 0
_BEYOND: Final = 4
_N_REPEATS: Final = select(func.count()).where(flag_repeats.c.flag_id == flags.c.id).correlate(flags).scalar_subquery()
FLAGS: Final[Select[Any]] = select(*flags.c, feedback.c.id.label("record_id"), _N_REPEATS.label("repeats")).join_from(flags, feedback)
"""Rows of flags, each with the id of its record and the number of later records that have joined it."""


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
        rule_version: Of the rule; 0 for a shipped one.
        owner: Who is to answer.
        priority: 0 to 100.
        explanation: Of the priority, a JSON value.
        cooldown_seconds: How near in time another record of the same customer about the same (touchpoint, cause) must be to join its open flag.
        due: Returns the deadline of a flag of this level that was raised at a time, UTC; None if every hour counts.
    """

    record_id: str
    version: int
    rule: str
    at: datetime
    level: int | None = None
    reasons: Sequence[Any] = ()
    deadline: datetime | None = None
    historical: bool = False
    rule_version: int = 0
    owner: str | None = None
    priority: int | None = None
    explanation: Mapping[str, str] | None = None
    cooldown_seconds: float = 0.0
    due: Callable[[datetime], datetime] | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """An event to append: its type, the record that it is about, and the flag."""

    type: str
    record_id: str
    flag_id: str


def flag_id_of(record_id: str, rule: str) -> str:
    """Return the public id of a flag: `f-` and 20 hexadecimal digits of the SHA-256 of record and rule."""
    return "f-" + hashlib.sha256(f"{record_id}\x1f{rule}".encode()).hexdigest()[:20]


def apply_verdicts(connection: Connection, verdicts: Sequence[Verdict]) -> list[Told]:
    """Write what verdicts mean for the flags, within a transaction, and return what is to be told of it.

    A verdict on a record that is gone or has another version by now is left alone: an event further on tells of that version.
    """
    content = select(feedback.c.id, feedback.c.seq, feedback.c.version, feedback.c.customer_id, feedback.c.created_at)
    records = {row.id: row for row in connection.execute(content.where(feedback.c.id.in_([v.record_id for v in verdicts])))}
    valid = [v for v in verdicts if v.record_id in records and records[v.record_id].version == v.version]
    rows = connection.execute(FLAGS.where(flags.c.seq.in_([row.seq for row in records.values()])))
    known = {(row.record_id, row.rule): row for row in rows}
    told: list[Told] = []
    # Those of known flags first: a flag that is withdrawn now must not be joined.
    for verdict in [v for v in valid if (v.record_id, v.rule) in known]:
        old = known[verdict.record_id, verdict.rule]
        event, values = _follow(old, verdict)
        if values:
            _update(connection, old.id, verdict.at, values)
        if event:
            told.append(Told(event, verdict.record_id, old.id))
    rows = connection.execute(select(flag_repeats).where(flag_repeats.c.seq.in_([row.seq for row in records.values()])))
    joined = {(row.seq, row.rule): row for row in rows}
    for verdict in [v for v in valid if (v.record_id, v.rule) not in known]:
        record = records[verdict.record_id]
        told += _meet(connection, record, verdict, joined.get((record.seq, verdict.rule)))
    return told


def _follow(old: Any, verdict: Verdict) -> tuple[str | None, Mapping[str, Any]]:
    """Return the event to tell and the columns to write, as a verdict meets the flag of its record."""
    if verdict.level is None:
        if old.state not in _LIVE:
            return None, {}
        return (None, {"judged": _NONE}) if old.repeats else (WITHDRAWN_EVENT, {"state": WITHDRAWN, "judged": _NONE})
    said = _said(verdict)
    judged = old.level if old.judged is None else old.judged or _BEYOND
    is_news = verdict.version > old.version
    if old.state in (RESOLVED, DISMISSED):
        # People have dealt with it; only new words that are more urgent bring it back.
        return (CHANGED_EVENT, _anew(verdict) | said) if is_news and verdict.level < judged else (None, {})
    if old.state == WITHDRAWN:
        return (RAISED_EVENT if is_news else CHANGED_EVENT), _anew(verdict) | said
    if old.historical and not verdict.historical:
        return RAISED_EVENT, _anew(verdict) | said
    # What was raised for being overdue, or for a repeat, is not lowered by another look at the record.
    is_held = old.overdue_at is not None or old.repeats
    if is_held and (old.priority or 0) > (verdict.priority or 0):
        said = {name: value for name, value in said.items() if name not in ("priority", "explanation")}
    level = old.level if verdict.level == judged else min(old.level, verdict.level) if is_held else verdict.level
    if level == old.level:
        return None, said
    return CHANGED_EVENT, said | {"level": level, "deadline": _deadline(old, verdict)}


def _meet(connection: Connection, record: Any, verdict: Verdict, joined: Any | None) -> list[Told]:
    """Deal with a verdict on a record that has no flag of its own by this rule; `joined` is its row of `flag_repeats`, if it has one."""
    mine = (flag_repeats.c.seq == record.seq) & (flag_repeats.c.rule == verdict.rule)
    if joined:
        flag = connection.execute(FLAGS.where(flags.c.id == joined.flag_id)).one()
        if verdict.level is None:
            connection.execute(delete(flag_repeats).where(mine))
            return _leave(connection, flag, verdict)
        if flag.state in _LIVE:
            connection.execute(update(flag_repeats).where(mine).values(version=verdict.version))
            return [Told(CHANGED_EVENT, flag.record_id, flag.id)] if _raise_to(connection, flag, verdict) else []
        if verdict.version <= joined.version:
            return []
        connection.execute(delete(flag_repeats).where(mine))
    if verdict.level is None:
        return []
    alike = _find_alike(connection, record, verdict)
    if alike is None:
        flag_id = flag_id_of(verdict.record_id, verdict.rule)
        row = {"seq": record.seq, "rule": verdict.rule, "id": flag_id, "changed_at": verdict.at.timestamp()}
        connection.execute(insert(flags), row | _anew(verdict) | _said(verdict))
        return [Told(RAISED_EVENT, verdict.record_id, flag_id)]
    row = {"seq": record.seq, "rule": verdict.rule, "flag_id": alike.id, "version": verdict.version, "at": verdict.at.timestamp()}
    connection.execute(insert(flag_repeats), row)
    _raise_to(connection, alike, verdict)
    return [] if verdict.historical else [Told(REPEATED_EVENT, verdict.record_id, alike.id)]


def _leave(connection: Connection, flag: Any, verdict: Verdict) -> list[Told]:
    """Withdraw a flag that only the repeat kept which has just gone."""
    if flag.state not in _LIVE or flag.judged != _NONE or flag.repeats > 1:
        return []
    _update(connection, flag.id, verdict.at, {"state": WITHDRAWN})
    return [Told(WITHDRAWN_EVENT, flag.record_id, flag.id)]


def _raise_to(connection: Connection, flag: Any, verdict: Verdict) -> bool:
    """Make a flag as urgent as the repeat that has joined it; return whether its level changed."""
    values: dict[str, Any] = {}
    if verdict.historical or verdict.level is None:
        return False
    if verdict.level < flag.level:
        values |= {"level": verdict.level, "deadline": _deadline(flag, verdict)}
    if verdict.priority is not None and verdict.priority > (flag.priority or 0):
        values |= {"priority": verdict.priority, "explanation": to_json(verdict.explanation)}
    if values:
        _update(connection, flag.id, verdict.at, values)
    return "level" in values


def _find_alike(connection: Connection, record: Any, verdict: Verdict) -> Any | None:
    """Return the open flag of the same customer, rule and (touchpoint, cause) within the cool-down, or None."""
    if record.customer_id is None or not verdict.cooldown_seconds:
        return None
    asked = {
        "customer": record.customer_id,
        "rule": verdict.rule,
        "seq": record.seq,
        "since": record.created_at - verdict.cooldown_seconds,
        "until": record.created_at + verdict.cooldown_seconds,
        "historical": verdict.historical,
    }
    return connection.execute(_ALIKE, asked).first()


def _make_alike() -> Select[Any]:
    own, theirs = observations.alias("own"), observations.alias("theirs")
    same = (own.c.touchpoint == theirs.c.touchpoint) & (own.c.cause == theirs.c.cause)
    spoken = exists(literal(1)).where(own.c.seq == bindparam("seq"), theirs.c.seq == flags.c.seq, same)
    near = feedback.c.created_at.between(bindparam("since"), bindparam("until"))
    # News must not vanish in the flag of an old record, of which nobody was told.
    told = or_(flags.c.historical.is_(False), bindparam("historical", type_=flags.c.historical.type))
    of_customer = (feedback.c.customer_id == bindparam("customer")) & (flags.c.rule == bindparam("rule")) & flags.c.state.in_(_LIVE)
    return FLAGS.where(of_customer, near, told, spoken).order_by(flags.c.raised_at.desc(), flags.c.seq.desc()).limit(1)


_ALIKE: Final = _make_alike()


def _said(verdict: Verdict) -> dict[str, Any]:
    """Return what every look at a record writes."""
    return {
        "judged": verdict.level,
        "reasons": to_json(list(verdict.reasons)),
        "version": verdict.version,
        "rule_version": verdict.rule_version,
        "priority": verdict.priority,
        "explanation": None if verdict.explanation is None else to_json(verdict.explanation),
    }


def _anew(verdict: Verdict) -> dict[str, Any]:
    """Return what only a flag that is raised writes."""
    return {
        "state": OPEN,
        "level": verdict.level,
        "raised_at": verdict.at.timestamp(),
        "deadline": to_seconds(verdict.deadline),
        "historical": verdict.historical,
        "owner": verdict.owner,
        "overdue_at": None,
    }


def _deadline(old: Any, verdict: Verdict) -> float | None:
    """Return the deadline after a change of level.

    Counted from now if it became more urgent, but never later than before; if less urgent, from when it was raised.
    """
    before: float | None = old.deadline
    if before is None or verdict.deadline is None or verdict.level is None:
        return before
    if verdict.level < old.level:
        return min(before, verdict.deadline.timestamp())
    raised_at = from_seconds(old.raised_at)
    return (verdict.due(raised_at) if verdict.due else raised_at + (verdict.deadline - verdict.at)).timestamp()


def _update(connection: Connection, flag_id: str, at: datetime, values: Mapping[str, Any]) -> None:
    connection.execute(update(flags).where(flags.c.id == flag_id).values(dict(values) | {"changed_at": at.timestamp()}))


def orphans_of(record_ids: Sequence[str]) -> Select[Any]:
    """Return the query for the ids of records that have joined flags of these records; when those go, these need a flag of their own."""
    gone = select(flags.c.id).join(feedback, feedback.c.seq == flags.c.seq).where(feedback.c.id.in_(record_ids))
    joined = select(flag_repeats.c.seq).where(flag_repeats.c.flag_id.in_(gone))
    return select(feedback.c.id, feedback.c.version).where(feedback.c.seq.in_(joined), feedback.c.id.not_in(record_ids))
