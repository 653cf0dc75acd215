"""Alerts: looking at each day once it is over, at today as it goes, and again at days of which more comes to be known."""

import logging
import os
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from cxnlp.errors import Conflict, CxnlpError, InvalidQuery
from cxnlp.insight import Baseline, check_thresholds, detect
from cxnlp.service.movements import Movements, quotes_of
from cxnlp.service.tracking import Tracked, Tracker
from cxnlp.store import Alert, AlertChange, AlertPage
from cxnlp.store.alerts import CURSOR, DAY_CURSOR
from cxnlp.store.series import day_of
from cxnlp.taxonomy import Taxonomy

MOST_DAYS: Final = 366
"""How far back days are looked at."""
_AFTER_DAYS: Final = 6
_BEFORE_DAYS: Final = 147
_LEASE_SECONDS: Final = 300.0
_QUIET_SECONDS: Final = 60.0
_DUTY: Final = 20.0
_IDLE_SECONDS: Final = 1.0
_PATIENCE_SECONDS: Final = 600.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Checked:
    """What a look at days came to: how many days, and how many events were told."""

    n_days: int
    n_told: int


class Alerts:
    """The alerts of a store, and one process's part in finding them."""

    def __init__(self, movements: Movements, taxonomy: Taxonomy, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """Begin.

        Args:
            movements: The series.
            taxonomy: Whose names sentences use.
            now: The time, UTC; tests and simulations give their own.
        """
        self._movements = movements
        self._store = movements.store
        self._taxonomy = taxonomy
        self._now = now
        self._holder = f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._next_at = float("-inf")
        self._seen: tuple[int, int] | None = None
        self._looked_at = time.monotonic()

    def page(self, state: str | None = None, historical: bool | None = None, cursor: str | None = None, limit: int = 50) -> AlertPage:
        """Return part of the alerts, newest first; see `AlertTable.page`."""
        return self._store.alerts.page(state, historical, cursor, limit)

    def get(self, alert_id: str) -> Alert:
        """Return an alert.

        Raises:
            NotFound: There is no such alert.
        """
        return self._store.alerts.get(alert_id)

    def set_state(self, alert_id: str, state: str, reason: str | None, author: str, until: datetime | None = None) -> Alert:
        """Note what a person did about an alert; see `AlertTable.set_state`."""
        return self._store.alerts.set_state(alert_id, state, reason, author, until)

    def line(self, alert: Alert) -> dict[str, Any]:
        """Return an alert as the API shows it, with what customers said, as it stands in the store now."""
        line = alert.to_line()
        quotes = quotes_of(line, self._store.feedback.get_many(line["record_ids"]))
        return line | {"quotes": quotes, "note": alert.note, "author": alert.author}

    def check(self, since: datetime | None = None) -> Checked:
        """Look now at all days since a time, and at those that the next step would look at.

        Raises:
            InvalidQuery: The time lies more than 366 days back, or ahead.
            Conflict: Another process is looking.
        """
        today = self._today()
        first = today if since is None else day_of(since.timestamp(), self._movements.zone)
        if not today - MOST_DAYS <= first <= today:
            raise InvalidQuery(f"since: write a day of the last {MOST_DAYS}, or leave it out")
        checked = self._advance(range(first, today + 1))
        self._release()
        if checked is None:
            raise Conflict("another process is looking at the series; try again in a minute")
        return checked

    def step(self) -> Checked | None:
        """Look at the days that are due: those that are over since the last time, those of which more is known, and today.

        What waits for analysis is waited for, for up to ten minutes.

        Returns:
            None if nothing is due, or another process has this in hand.
        """
        begun = time.monotonic()
        if begun < self._next_at:
            return None
        self._next_at = begun + _IDLE_SECONDS
        now = (self._store.events.last_seq(), self._today())
        if now == self._seen or (begun - self._looked_at < _PATIENCE_SECONDS and self._store.feedback.statistics().pending):
            return None
        checked = self._advance(())
        self._release()
        if checked is not None:
            self._seen, self._looked_at = now, time.monotonic()
            self._next_at = self._looked_at + max(_QUIET_SECONDS, _DUTY * (self._looked_at - begun))
        return checked

    def run(self, stop: threading.Event) -> None:
        """Look until `stop` is set; a failure of the store is logged and tried again."""
        try:
            while not stop.is_set():
                try:
                    self.step()
                except CxnlpError as error:
                    _log.warning("alerts wait: %s", error)
                except Exception as error:  # its message may quote a text
                    _log.error("alerts wait: %s", type(error).__name__)
                    self._next_at = time.monotonic() + _QUIET_SECONDS
                stop.wait(_IDLE_SECONDS)
        finally:
            self._release()

    def _advance(self, wanted: Iterable[int]) -> Checked | None:
        today = self._today()
        events = self._store.events
        closed = events.lease(DAY_CURSOR, self._holder, _LEASE_SECONDS, start=today - 1)
        position = None if closed is None else events.lease(CURSOR, self._holder, _LEASE_SECONDS)
        if closed is None or position is None:
            return None
        last = events.last_seq()
        over = range(max(closed + 1, today - MOST_DAYS), today)
        days = {*wanted, *over}
        if last > position:
            days |= self._touched(position, last, today)
        told = self._store.alerts.apply(self._look(sorted(days), today), self._holder, last, today - 1)
        return Checked(len(days), told)

    def _touched(self, position: int, last: int, today: int) -> set[int]:
        """Return the days that what was analysed since may have changed: a week from each day on, within the last year."""
        zone = self._movements.zone
        if position == 0:  # the log may not reach back to the beginning
            bounds = self._store.series.bounds(zone)
            touched: Sequence[int] = [] if bounds is None else range(bounds[0], min(bounds[1], today) + 1)
        else:
            touched = self._store.series.touched(position, last, zone)
        return {day for first in touched for day in range(max(first, today - MOST_DAYS), min(first + _AFTER_DAYS, today) + 1)}

    def _look(self, days: Sequence[int], today: int) -> list[AlertChange]:
        if not days:
            return []
        rules = self._movements.rules
        panel = self._movements.panel(days[0] - _BEFORE_DAYS, days[-1])
        tracked = [Tracked.of(alert) for alert in self._store.alerts.since(days[0] - _AFTER_DAYS - 1)]
        tracker = Tracker(self._movements, self._taxonomy, tracked, self._store.topics.resolutions())
        for day in days:
            tracker.follow(Baseline(panel, day), detect(panel, day, rules, whole=day < today), check_thresholds(panel, day, rules.thresholds))
            tracker.settle(day, whole=day < today)
        return tracker.changes(today, self._now())

    def _today(self) -> int:
        return day_of(self._now().timestamp(), self._movements.zone)

    def _release(self) -> None:
        for name in (CURSOR, DAY_CURSOR):
            self._store.events.release(name, self._holder)
