"""The rules of flags: the shipped ones with people's laid over them, their versions, and what one would have raised."""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Final

from cxnlp.errors import InvalidInput, NotFound, shorten
from cxnlp.feeds.flags import Flag, evaluate
from cxnlp.feeds.rules import Rule, parse_rule, settle_rule, shipped_rules
from cxnlp.filters import Filter, Range
from cxnlp.lines import to_iso, to_line
from cxnlp.records import Record
from cxnlp.store import Store, StoredRule
from cxnlp.taxonomy import Taxonomy

SHIPPED_BY: Final = "cxnlp"
_RECORDS_AT_ONCE: Final = 500
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class KnownRule:
    """One version of a rule.

    Attributes:
        name: Of the rule.
        version: 0 as it was shipped, then 1 and up.
        rule: None where this version says that it was deleted.
        author: Who saved it; `cxnlp` for a shipped one.
        at: When, UTC; None for a shipped one.
    """

    name: str
    version: int
    rule: Rule | None
    author: str = SHIPPED_BY
    at: datetime | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as the API shows it."""
        line: dict[str, Any] = {"name": self.name} if self.rule is None else self.rule.to_line()
        return line | {"version": self.version, "deleted": self.rule is None, "author": self.author, "at": to_iso(self.at) if self.at else None}


@dataclass(frozen=True, slots=True)
class Trial:
    """What a rule would have raised on stored records.

    Attributes:
        n_records: How many analysed records were looked at.
        n_flags: How many would have a flag of their own.
        n_repeats: How many would have joined the flag of an earlier record of the same customer, if none had been closed in between.
        by_week: Flags by the first day of the week (Monday, UTC), then by level.
        samples: The newest ones of each level, with their flags.
        n_all: How many there are to look at.
        is_complete: Whether these were all; if not, this is how far it has come.
    """

    n_records: int
    n_flags: int
    n_repeats: int
    by_week: Mapping[str, Mapping[int, int]]
    samples: tuple[tuple[Record, Flag], ...]
    n_all: int
    is_complete: bool

    def to_progress(self) -> dict[str, Any]:
        """Return how far it has come, as the API shows it before the end."""
        return {"records": self.n_records, "of": self.n_all, "complete": False}

    def to_json(self) -> dict[str, Any]:
        """Return the whole of it as the API shows it."""
        weeks = {week: {str(level): n for level, n in levels.items()} for week, levels in self.by_week.items()}
        counts = {"records": self.n_records, "flags": self.n_flags, "repeats": self.n_repeats, "complete": self.is_complete}
        return counts | {"by_week": weeks, "samples": [{"flag": _flag_line(flag), "record": to_line(record)} for record, flag in self.samples]}


def rules_in_force(store: Store) -> list[KnownRule]:
    """Return the rules by which records are judged now, by name; one that this version of cxnlp cannot read is logged and left out."""
    known = {rule.name: KnownRule(rule.name, 0, rule) for rule in shipped_rules()}
    for stored in store.rules.current():
        try:
            known[stored.name] = _known(stored)
        except InvalidInput as error:
            _log.error("version %d is not used: %s", stored.version, error)
            known.pop(stored.name, None)
    return [known[name] for name in sorted(known) if known[name].rule]


class Rules:
    """The rules; `taxonomy` says which labels they may name."""

    def __init__(self, store: Store, taxonomy: Taxonomy) -> None:
        self._store = store
        self._taxonomy = taxonomy

    def list(self) -> list[KnownRule]:
        """Return the rules in force, by name."""
        return rules_in_force(self._store)

    def versions(self, name: str) -> Sequence[KnownRule]:
        """Return all versions of a rule, oldest first, the shipped one included.

        Raises:
            NotFound: There never was such a rule.
        """
        shipped = [KnownRule(rule.name, 0, rule) for rule in shipped_rules() if rule.name == name]
        found = shipped + [_known(stored) for stored in self._store.rules.versions(name)]
        if not found:
            raise NotFound(f"there is no rule {shorten(name)!r}; known are {', '.join(known.name for known in self.list())}")
        return found

    def get(self, name: str) -> KnownRule:
        """Return the newest version of a rule, which may say that it was deleted.

        Raises:
            NotFound: There never was such a rule.
        """
        return self.versions(name)[-1]

    def parse(self, content: object) -> Rule:
        """Return the rule that a JSON object describes, if its labels are known.

        Raises:
            InvalidInput: It cannot be used; the message names the rule, field, value and what to write.
        """
        return parse_rule(content, self._taxonomy)

    def put(self, rule: Rule, author: str) -> KnownRule:
        """Save a rule; records that are judged from now on are judged by it. The same as before makes no new version.

        Raises:
            Conflict: There are 100 rules already.
        """
        shipped = {known.name: known for known in map(_as_shipped, shipped_rules())}.get(rule.name)
        if shipped and shipped.rule == rule and not self._store.rules.versions(rule.name):
            return shipped
        return _known(self._store.rules.put(rule.name, rule.to_line(), author))

    def delete(self, name: str, author: str) -> KnownRule:
        """Let a rule raise no more flags; those that it has raised stay. Its versions are kept.

        Raises:
            NotFound: There is no such rule, or it was deleted before.
        """
        if self.get(name).rule is None:
            raise NotFound(f"rule {shorten(name)!r} was deleted before; save it anew to have it back")
        return _known(self._store.rules.put(name, None, author))

    def test(self, rule: Rule, since: datetime, n_samples: int = 3, *, on_progress: Callable[[int, int], None] = lambda *_: None) -> Trial:
        """Return what a rule would have raised on the records since a time; see `steps`.

        Args:
            rule: Which.
            since: By `created_at` of the records, UTC.
            n_samples: Of each level.
            on_progress: Called with (records looked at, records to look at).
        """
        for found in self.steps(rule, since, n_samples):
            on_progress(found.n_records, found.n_all)
        return found

    def steps(self, rule: Rule, since: datetime, n_samples: int = 3) -> Iterator[Trial]:
        """Yield what a rule would have raised on the records since a time, after each 500 of them and at the end; nothing is raised.

        All of them are looked at, in the order of receipt. Memory grows only with the flags that later records may join.
        """
        asked = Filter(created_at=Range(gte=since.timestamp()))
        n_all = self._store.feedback.count(asked)
        tally, rule = _Tally(rule, n_samples), settle_rule(rule, self._store.topics.settled)
        for records in _batches(self._store.feedback.iterate(asked)):
            tally.add(judge(self._store, rule, records), len(records))
            yield tally.trial(n_all, is_complete=False)
        yield tally.trial(n_all, is_complete=True)


def judge(store: Store, rule: Rule, records: Sequence[Record]) -> Iterator[tuple[Record, Flag]]:
    """Yield the records that a rule raises a flag on, as if each had just been received."""
    contacts = store.contacts.earlier([record.feedback.id for record in records], rule.repeat_days) if rule.repeat_days else {}
    for record in records:
        received_at = record.received_at or record.feedback.created_at
        if flag := evaluate(rule, record, received_at, received_at, contacts.get(record.feedback.id, ())):
            yield record, flag


class _Tally:
    """Flags of a trial as they are counted."""

    def __init__(self, rule: Rule, n_samples: int) -> None:
        self._seen = _Seen(rule)
        self._n_samples = n_samples
        self._by_week: dict[str, Counter[int]] = {}
        self._samples: dict[int, list[tuple[Record, Flag]]] = {}
        self._n_records = self._n_repeats = 0

    def add(self, flagged: Iterable[tuple[Record, Flag]], n_records: int) -> None:
        """Count the flags of so many records."""
        for record, flag in flagged:
            if self._seen.joins(record):
                self._n_repeats += 1
                continue
            self._by_week.setdefault(_week_of(record.feedback.created_at), Counter())[flag.level] += 1
            of_level = self._samples.setdefault(flag.level, [])
            of_level.append((record, flag))
            of_level.sort(key=lambda pair: pair[0].feedback.created_at, reverse=True)
            del of_level[self._n_samples :]
        self._n_records += n_records

    def trial(self, n_all: int, *, is_complete: bool) -> Trial:
        """Return what was counted so far."""
        weeks = {week: dict(sorted(self._by_week[week].items())) for week in sorted(self._by_week)}
        n_flags = sum(sum(levels.values()) for levels in weeks.values())
        shown = tuple(pair for level in sorted(self._samples) for pair in self._samples[level])
        # Others may come or go meanwhile.
        n_all = self._n_records if is_complete else max(n_all, self._n_records)
        return Trial(self._n_records, n_flags, self._n_repeats, weeks, shown, n_all, is_complete)


class _Seen:
    """Which records of one customer about the same have a flag, to tell what would join it."""

    def __init__(self, rule: Rule) -> None:
        self._cooldown_seconds = rule.cooldown_hours * 3600
        self._raised: dict[tuple[str, str, str], list[float]] = {}

    def joins(self, record: Record) -> bool:
        """Tell whether a record joins an earlier one; if not, it has a flag of its own from now on."""
        customer = record.feedback.customer.id if record.feedback.customer else None
        if not customer or not self._cooldown_seconds or not record.analysis:
            return False
        at = record.feedback.created_at.timestamp()
        keys = {(customer, o.touchpoint, o.cause) for o in record.analysis.observations if o.cause}
        if any(abs(at - other) <= self._cooldown_seconds for key in keys for other in self._raised.get(key, ())):
            return True
        for key in keys:
            self._raised.setdefault(key, []).append(at)
        return False


def _flag_line(flag: Flag) -> dict[str, Any]:
    told = {"level": flag.level, "reasons": list(flag.reasons), "owner": flag.owner}
    return told | {"priority": flag.priority.value, "explanation": flag.priority.explanation}


def _as_shipped(rule: Rule) -> KnownRule:
    return KnownRule(rule.name, 0, rule)


def _known(stored: StoredRule) -> KnownRule:
    rule = None if stored.content is None else parse_rule(stored.content)
    return KnownRule(stored.name, stored.version, rule, stored.author, stored.at)


def _batches(records: Iterator[Record]) -> Iterator[list[Record]]:
    while batch := list(islice(records, _RECORDS_AT_ONCE)):
        yield [record for record in batch if record.analysis]


def _week_of(at: datetime) -> str:
    year, week, _ = at.isocalendar()
    return f"{datetime.fromisocalendar(year, week, 1):%Y-%m-%d}"
