"""From findings of single days to alerts: which movement goes on, which is new, which is over."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from cxnlp.insight import Baseline, Breach, Finding, Incident, Key, Part, describe_breach, describe_movement, sums_over
from cxnlp.insight.detection import TREND_DAYS, weighted_p
from cxnlp.insight.findings import WORSE
from cxnlp.service.movements import Movements
from cxnlp.store import Alert, AlertChange
from cxnlp.store.alerts import CHANGED_EVENT, OPEN, OPENED_EVENT, RESOLVED, RESOLVED_EVENT, SNOOZED, Moved
from cxnlp.taxonomy import Taxonomy

MOVEMENT: Final = "movement"
_TOPIC: Final = "topic"
_NONE_MERGED: Final[Mapping[str, str]] = MappingProxyType({})
HISTORICAL_AFTER_DAYS: Final = 7
_STILL_FROM: Final = 0.05
_STILL_DAYS: Final = 3
_NEAR_DAYS: Final = 7
_GROWN_BY: Final = 1.5
_MOST_SERIES: Final = 40


@dataclass
class Tracked:
    """An alert while days are looked at: what it was in the store, and what it becomes."""

    rule: str
    key: Key
    measure: str
    direction: str
    first_day: int
    last_day: int
    score: float
    details: dict[str, Any]
    keys: set[Key] = field(default_factory=set)
    record_ids: tuple[str, ...] = ()
    alert: Alert | None = None
    state: str = OPEN
    event: str | None = None

    @classmethod
    def of(cls, alert: Alert) -> "Tracked":
        """Return an alert of the store as it is tracked."""
        moved = alert.moved
        key = Key(moved.dimension, moved.value)
        keys = {key, *(Key(series["dimension"], series["value"]) for series in moved.details.get("along", ()))}
        said = (moved.measure, moved.direction, moved.first_day, moved.last_day, moved.score)
        return cls(moved.rule, key, *said, dict(moved.details), keys, moved.record_ids, alert, alert.state)

    @property
    def is_worse(self) -> bool:
        """Whether customers are worse off, or there is more to answer."""
        return WORSE[self.measure] == self.direction

    @property
    def is_dealt_with(self) -> bool:
        """Whether a person has resolved it, so that nobody is told of it again while it lasts."""
        return self.alert is not None and self.alert.state == RESOLVED and self.alert.author is not None

    def is_near(self, day: int) -> bool:
        """Tell whether a day may belong to it."""
        return self.first_day - _NEAR_DAYS <= day <= self.last_day + _NEAR_DAYS

    def moved(self) -> Moved:
        """Return what is to be noted."""
        said = (self.rule, *self.key, self.measure, self.direction, self.first_day, self.last_day, self.score)
        return Moved(*said, self.details, self.record_ids)


class Tracker:
    """Alerts as days go by, in order.

    An alert keeps the series that it was opened for; one of a topic that was merged since goes on with the series of what the topic became.
    """

    def __init__(self, movements: Movements, taxonomy: Taxonomy, tracked: Sequence[Tracked], merged: Mapping[str, str] = _NONE_MERGED) -> None:
        """Begin with the alerts that there are; `merged` tells what topics became, by their ids."""
        self._movements = movements
        self._taxonomy = taxonomy
        self._tracked = list(tracked)
        self._merged = merged

    def follow(self, baseline: Baseline, findings: Sequence[Finding], breaches: Sequence[Breach]) -> None:
        """Take in what was found on a day."""
        day = baseline.day
        near = [alert for alert in self._tracked if alert.rule == MOVEMENT and alert.is_near(day)]
        # What has moved slowly soon is usual by the last weeks; a trend is found as long as it is not by the weeks before.
        slow = {(finding.key, finding.measure, finding.direction) for finding in findings if finding.lag == TREND_DAYS}
        keys = {id(alert): self._present(alert.key) for alert in near}
        trends = {id(alert) for alert in near if (keys[id(alert)], alert.measure, alert.direction) in slow}
        moving = trends | {id(alert) for alert in near if _is_moving(alert, keys[id(alert)], baseline)}
        for alert in near:
            if id(alert) in moving and (alert.state != RESOLVED or alert.is_dealt_with):
                alert.last_day = max(alert.last_day, day)
        unknown = []
        for finding in findings:
            owner = next((alert for alert in near if finding.key in map(self._present, alert.keys) and alert.is_worse == finding.is_worse), None)
            if owner is None:
                unknown.append(finding)
            elif id(owner) in moving:
                self._grow(owner, finding, baseline)
        leads = {key: alert for alert in near if (key := self._present(alert.key)) in baseline.panel.row_of}
        known, incidents = self._movements.attribute(unknown, list(leads), baseline)
        for finding, key in known.items():
            _join(leads[key], finding.key)
        for incident in incidents:
            self._open(incident, baseline)
        for breach in breaches:
            self._breach(breach)

    def settle(self, day: int, *, whole: bool) -> None:
        """Resolve what has been back to normal for long enough by the end of a day."""
        if not whole:
            return
        for alert in self._tracked:
            if alert.state != RESOLVED and day - alert.last_day >= self._movements.rules.resolve_after_days:
                alert.state, alert.event = RESOLVED, RESOLVED_EVENT

    def changes(self, today: int, now: datetime) -> list[AlertChange]:
        """Return what is to be noted and told; of what is over for more than 7 days nobody is told."""
        found = []
        for tracked in self._tracked:
            stored = tracked.alert
            is_old = tracked.last_day < today - HISTORICAL_AFTER_DAYS
            if stored is None:
                event = None if is_old else RESOLVED_EVENT if tracked.state == RESOLVED else OPENED_EVENT
                found.append(AlertChange(tracked.moved(), None, tracked.state, tracked.state, is_old, event))
                continue
            if stored.state == SNOOZED and tracked.state == SNOOZED and stored.snoozed_until and stored.snoozed_until <= now:
                tracked.state, tracked.event = OPEN, CHANGED_EVENT
            silent = stored.historical or tracked.state == SNOOZED
            change = AlertChange(tracked.moved(), stored.id, stored.state, tracked.state, stored.historical, None if silent else tracked.event)
            if change.event or tracked.state != stored.state or change.moved != stored.moved:
                found.append(change)
        return found

    def _present(self, key: Key) -> Key:
        """Return the series that the records of a series are part of now."""
        return Key(_TOPIC, self._merged[key.value]) if key.dimension == _TOPIC and key.value in self._merged else key

    def _open(self, incident: Incident, baseline: Baseline) -> None:
        lead = incident.lead
        tracked = Tracked(MOVEMENT, lead.key, lead.measure, lead.direction, baseline.since(lead), lead.day, _score(lead), {}, set(incident.keys))
        self._explain(tracked, lead, baseline)
        self._tracked.append(tracked)

    def _grow(self, alert: Tracked, finding: Finding, baseline: Baseline) -> None:
        """Note that a movement goes on, and tell it if it has become much more."""
        if alert.state == RESOLVED:
            if alert.is_dealt_with:
                return
            alert.state, alert.event = OPEN, CHANGED_EVENT
            alert.last_day = max(alert.last_day, finding.day)
        if finding.key != self._present(alert.key) or finding.measure != alert.measure or finding.day < alert.last_day:
            return
        if abs(finding.observed - finding.expected) > abs(alert.details["observed"] - alert.details["expected"]):
            if _score(finding) >= _GROWN_BY * alert.score:
                alert.event = alert.event or CHANGED_EVENT
                alert.score = _score(finding)
            self._explain(alert, finding, baseline)

    def _explain(self, alert: Tracked, finding: Finding, baseline: Baseline) -> None:
        explained = self._movements.explain(finding, baseline)
        values = (finding.observed, finding.expected)
        summary = describe_movement(finding.key, finding.measure, values, finding.window, explained.parts, self._taxonomy)
        alert.record_ids = explained.record_ids
        alert.details = _details(finding.window, values, (finding.low, finding.high), explained.parts, summary) | {"worse": finding.is_worse}
        _join(alert, *sorted(alert.keys))

    def _breach(self, breach: Breach) -> None:
        name = breach.threshold.name
        known = (a for a in self._tracked if a.rule == name and self._present(a.key) == breach.key and a.state != RESOLVED and a.is_near(breach.day))
        alert = next(known, None)
        if alert is None:
            summary = describe_breach(breach.key, breach.threshold.measure, (breach.observed, breach.limit), breach.window, self._taxonomy)
            low, high = (breach.limit, None) if breach.direction == "down" else (None, breach.limit)
            details = _details(breach.window, (breach.observed, breach.limit), (low, high), (), summary) | {"worse": True, "along": []}
            made = (breach.threshold.measure, breach.direction, breach.day, breach.day, 0.0)
            self._tracked.append(Tracked(name, breach.key, *made, details, {breach.key}))
        else:
            alert.last_day = max(alert.last_day, breach.day)


def _is_moving(alert: Tracked, key: Key, baseline: Baseline) -> bool:
    """Tell whether the last three days (of a slow movement, the last seven) are still off, in the same direction, at the level of 5 %."""
    row = baseline.panel.row_of.get(key)
    if row is None or not len(baseline.history):
        return False
    window = _STILL_DAYS if alert.details["window"] <= _NEAR_DAYS else _NEAR_DAYS
    days = range(baseline.day - window + 1, baseline.day + 1)
    expected = baseline.weigh(alert.measure, sums_over(baseline.panel, days)[[row]], days, [row])
    p, is_up = weighted_p(expected.above, expected.below, alert.measure)
    return bool(p[0] < _STILL_FROM and is_up[0] == (alert.direction == "up"))


def _score(finding: Finding) -> float:
    return -math.log10(max(finding.p, 1e-300))


def _join(alert: Tracked, *keys: Key) -> None:
    alert.keys |= set(keys)
    others = sorted(alert.keys - {alert.key})[:_MOST_SERIES]
    alert.details["along"] = [{"dimension": key.dimension, "value": key.value} for key in others]


def _details(
    window: int, values: tuple[float, float], bounds: tuple[float | None, float | None], parts: Sequence[Part], summary: dict[str, str]
) -> dict[str, Any]:
    observed, expected = (round(value, 4) for value in values)
    low, high = (None if bound is None or math.isinf(bound) else round(bound, 4) for bound in bounds)
    told = {"observed": observed, "expected": expected, "low": low, "high": high}
    return {"window": window, **told, "explained_by": [part.to_line() for part in parts], "summary": summary}
