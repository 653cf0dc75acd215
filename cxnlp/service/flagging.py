"""Raising flags: judge what was analysed by the rules in force, and tell of flags that nobody took on in time.

Read from the log of events at a cursor of the store, whose lease one process holds; what it leads to is written in the transaction that moves the
cursor, so a flag is raised once whenever a process dies.
"""

import os
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Final

from cxnlp.errors import CxnlpError
from cxnlp.feeds.flags import evaluate
from cxnlp.feeds.hours import add_hours
from cxnlp.feeds.priority import prioritize
from cxnlp.feeds.rules import settle_rule
from cxnlp.records import Record
from cxnlp.service.leases import LEASE_SECONDS
from cxnlp.service.rules import KnownRule, rules_in_force
from cxnlp.store import Escalation, Store, StoredFlag, Verdict

_CURSOR: Final = "flags"
_JUDGED: Final = ("record.analyzed", "record.updated")


class Flagging:
    """The flags that one process raises; `holder` is its name for leases, unique among processes."""

    def __init__(self, store: Store, holder: str | None = None) -> None:
        self._store = store
        self._holder = holder or f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._seen = -1

    def judge(self, limit: int = 500) -> int:
        """Judge the records of the next events and raise, change or withdraw their flags.

        Returns:
            How many events were dealt with; 0 when there are no new ones, or another process has this in hand.

        Raises:
            Conflict: Another process took over meanwhile; nothing was written.
        """
        if self._store.events.last_seq() <= self._seen:
            return 0
        position = self._store.events.lease(_CURSOR, self._holder, LEASE_SECONDS)
        if position is None:
            return 0
        events = self._store.events.read(position, limit)
        self._seen = events[-1].seq if events else position
        if not events:
            return 0
        ids = dict.fromkeys(event.record_id for event in events if event.record_id and event.type in _JUDGED)
        # One that waits for analysis is judged when that is done.
        records = [record for record in self._store.feedback.get_many(list(ids)).values() if record.analysis]
        try:
            self._store.flags.apply(self._verdicts(records, datetime.now(UTC)), self._holder, events[-1].seq)
        except CxnlpError:
            self._seen = -1
            raise
        return len(events)

    def escalate(self, now: datetime | None = None, limit: int = 100) -> int:
        """Tell, once, of each flag that nobody took on before its deadline, and make it more urgent if its rule says so.

        Args:
            now: UTC; the present when None.
            limit: At most so many.

        Returns:
            How many there were; 0 also when another process has this in hand.

        Raises:
            Conflict: Another process took over meanwhile; nothing was written.
        """
        now = now or datetime.now(UTC)
        if not self._store.flags.overdue(now, limit=1):
            return 0
        position = self._store.events.lease(_CURSOR, self._holder, LEASE_SECONDS)
        if position is None:
            return 0
        late = self._store.flags.overdue(now, limit)
        raises = {known.name: known.rule.overdue_raises for known in rules_in_force(self._store) if known.rule}
        records = self._store.feedback.get_many([flag.record_id for flag in late])
        escalations = [_escalate(flag, max(1, flag.level - raises.get(flag.rule, 0)), records.get(flag.record_id)) for flag in late]
        return self._store.flags.escalate(escalations, now, self._holder, position)

    def close(self) -> None:
        """Give the lease back."""
        self._store.events.release(_CURSOR, self._holder)

    def _verdicts(self, records: Sequence[Record], now: datetime) -> list[Verdict]:
        settled = self._store.topics.settled
        known = [replace(k, rule=settle_rule(k.rule, settled)) for k in rules_in_force(self._store) if k.rule]
        days = max((k.rule.repeat_days for k in known if k.rule), default=0)
        contacts = self._store.contacts.earlier([record.feedback.id for record in records], days) if days else {}
        return [_judge(k, record, now, contacts.get(record.feedback.id, ())) for record in records for k in known]


def _escalate(flag: StoredFlag, level: int, record: Record | None) -> Escalation:
    if record is None or record.analysis is None:  # updated just now: what was found before stands until it is analysed
        return Escalation(flag.id, level, flag.priority or 0, flag.explanation or {})
    priority = prioritize(record, level, n_contacts=flag.repeats, overdue=True)
    return Escalation(flag.id, level, priority.value, priority.explanation)


def _judge(known: KnownRule, record: Record, now: datetime, contacts: Sequence[datetime]) -> Verdict:
    assert known.rule is not None
    flag = evaluate(known.rule, record, record.received_at or now, now, contacts)
    if flag is None:
        return Verdict(record.feedback.id, record.version, known.name, now)
    return Verdict(
        record_id=flag.record_id,
        version=record.version,
        rule=flag.rule,
        at=flag.raised_at,
        level=flag.level,
        reasons=flag.reasons,
        deadline=flag.deadline,
        historical=flag.historical,
        rule_version=known.version,
        owner=flag.owner,
        priority=flag.priority.value,
        explanation=flag.priority.explanation,
        cooldown_seconds=known.rule.cooldown_hours * 3600,
        due=partial(add_hours, hours=known.rule.deadline_hours[flag.level], within=known.rule.business_hours),
    )
