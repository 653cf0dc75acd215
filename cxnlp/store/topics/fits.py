"""Fits of topics: one at a time over all processes of a store, how far it is, what it found, and which one is active.

A fit that is done is a version and stays as it is; only emerging topics are added to it.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
from sqlalchemy import Connection, func, insert, select, update

from cxnlp.errors import Conflict, NotFound
from cxnlp.store.database import Database
from cxnlp.store.events import Events
from cxnlp.store.rows import from_json, from_seconds, to_json
from cxnlp.store.topics.results import NewFit, write_rows, write_topics
from cxnlp.store.topics.tables import topic_activations, topic_fits

DOCUMENTS: Final = "documents"
PROBLEMS: Final = "problems"
STRENGTHS: Final = "strengths"
KINDS: Final = (DOCUMENTS, PROBLEMS, STRENGTHS)
WHOLE: Final = -1
"""Number of the clause where a whole record is meant."""
LEASE_SECONDS: Final = 120.0
RUNNING: Final = "running"
DONE: Final = "done"
FAILED: Final = "failed"
CANCELLED: Final = "cancelled"
FITTED: Final = "topic.fitted"
_INTERRUPTED: Final = "interrupted"
_MOST_LISTED: Final = 100
_TOLD: Final = [column for column in topic_fits.c if column.name not in ("space", "assignments", "threshold")]


@dataclass(frozen=True, slots=True)
class TopicFit:
    """One fit: a job while it runs, a version when it is done.

    Attributes:
        number: Of the fit, never used again.
        kind: One of `KINDS`: what was grouped.
        state: running, done, failed, cancelled, or interrupted where its process died.
        stage: What it does or did last.
        share: How much of it is done, in [0, 1].
        author: Who asked for it.
        parameters: How it was fitted.
        filter: Of which records, as `cxnlp.filters.filter_line` writes it.
        parent: The fit that was active when it was made.
        counts: `records`, `items`, `topics`, `outliers`; empty until it is done.
        window: created_at of the oldest and the newest record, UTC.
        metrics: How good it is.
        report: How it differs from its parent.
        outcome: Why it failed or ended.
        started_at: UTC.
        ended_at: UTC, None while it runs.
        encoder: Hash of the encoder whose vectors were grouped.
        is_active: Whether records have its topics.
    """

    number: int
    kind: str
    state: str
    stage: str
    share: float
    author: str
    parameters: Mapping[str, Any]
    filter: Mapping[str, Any]
    parent: int | None
    counts: Mapping[str, int]
    window: tuple[datetime, datetime] | None
    metrics: Mapping[str, Any]
    report: Mapping[str, Any] | None
    outcome: str | None
    started_at: datetime
    ended_at: datetime | None
    encoder: str | None = None
    is_active: bool = False


class TopicFits:
    """All fits."""

    def __init__(self, database: Database, events: Events) -> None:
        self._database = database
        self._events = events

    def begin(self, kind: str, author: str, parameters: Mapping[str, Any], filter: Mapping[str, Any]) -> TopicFit:
        """Note that a fit runs.

        Raises:
            Conflict: Another runs already.
        """
        now = time.time()
        with self._database.write() as connection:
            for row in connection.execute(select(topic_fits).where(topic_fits.c.state == RUNNING)).all():
                if row.leased_until >= now:
                    raise Conflict(
                        f"fit {row.number} is running already (begun by {row.author[:80]!r}, {row.share:.0%} done); wait until it has ended, or "
                        f"cancel it. If its process was killed, it gives way {LEASE_SECONDS:.0f} seconds after its last sign of life"
                    )
                gone = {"state": _INTERRUPTED, "ended_at": row.leased_until, "outcome": "its process ended; start it again and it goes on"}
                connection.execute(update(topic_fits).where(topic_fits.c.number == row.number).values(gone))
            made = {"kind": kind, "author": author, "state": RUNNING, "stage": "read", "share": 0.0, "revision": 0, "started_at": now}
            made |= {"parameters": to_json(dict(parameters)), "filter": to_json(dict(filter)), "leased_until": now + LEASE_SECONDS}
            made |= {"parent": active_fit(connection, kind)}
            number = connection.execute(insert(topic_fits).values(made).returning(topic_fits.c.number)).scalar_one()
        return self.get(number)

    def report(self, number: int, stage: str, share: float) -> bool:
        """Give a sign of life; return False if somebody wants the fit to end.

        Raises:
            Conflict: It counted as dead meanwhile, and another took over.
        """
        with self._database.write(appends=False) as connection:
            own = update(topic_fits).where(topic_fits.c.number == number, topic_fits.c.state == RUNNING)
            if connection.execute(own.values(stage=stage, share=share, leased_until=time.time() + LEASE_SECONDS)).rowcount == 0:
                raise Conflict(f"fit {number} gave no sign of life for too long, and another took over; nothing was changed")
            return connection.execute(select(topic_fits.c.cancelled_by).where(topic_fits.c.number == number)).scalar_one() is None

    def cancel(self, number: int, author: str) -> TopicFit:
        """Ask for the end of a running fit; its process notices within seconds.

        Raises:
            NotFound: There is no such fit.
            Conflict: It does not run any more.
        """
        found = self.get(number)
        with self._database.write(appends=False) as connection:
            asked = update(topic_fits).where(topic_fits.c.number == number, topic_fits.c.state == RUNNING).values(cancelled_by=author)
            if found.state != RUNNING or connection.execute(asked).rowcount == 0:
                raise Conflict(f"fit {number} is {found.state}; only one that is running can be cancelled")
        return self.get(number)

    def is_cancelled(self, number: int) -> bool:
        """Tell whether somebody asked for the end of a fit."""
        with self._database.read() as connection:
            return connection.execute(select(topic_fits.c.cancelled_by).where(topic_fits.c.number == number)).scalar() is not None

    def end(self, number: int, state: str, outcome: str) -> None:
        """Note that a running fit ended without a result: `FAILED` or `CANCELLED`."""
        with self._database.write(appends=False) as connection:
            own = update(topic_fits).where(topic_fits.c.number == number, topic_fits.c.state == RUNNING)
            connection.execute(own.values(state=state, outcome=outcome, ended_at=time.time()))

    def keep(self, number: int, found: NewFit, *, is_ended: bool = True) -> TopicFit:
        """Make a running fit a version, not active yet, and tell of it.

        Args:
            number: Of the fit.
            found: What it found.
            is_ended: Whether it is done now; else its activation ends it.

        Raises:
            Conflict: It does not run any more, or was cancelled.
        """
        now, n_rows = time.time(), found.assignments.rows
        values: dict[str, Any] = {"encoder": found.encoder, "space": found.space}
        values |= {"state": DONE, "stage": "done", "share": 1.0, "ended_at": now} if is_ended else {"stage": "activate"}
        values |= {"threshold": found.threshold, "assignments": found.assignments.to_bytes(), "n_items": len(n_rows), "n_topics": len(found.topics)}
        values |= {name: found.told[name] for name in ("n_records", "from_at", "to_at")} | {"n_outliers": int(np.sum(n_rows < 0))}
        values |= {name: to_json(found.told[name]) for name in ("metrics", "report")}
        with self._database.write() as connection:
            own = (topic_fits.c.number == number) & (topic_fits.c.state == RUNNING) & topic_fits.c.cancelled_by.is_(None)
            if connection.execute(update(topic_fits).where(own).values(values)).rowcount == 0:
                raise Conflict(f"fit {number} was cancelled or another took over; nothing was changed")
            kind = connection.execute(select(topic_fits.c.kind).where(topic_fits.c.number == number)).scalar_one()
            write_topics(connection, kind, found.topics, "fitted", found.split_from)
            write_rows(connection, number, found.topics)
            told = {"fit": number, "kind": kind, "topics": len(found.topics), "items": len(n_rows)}
            self._events.append(connection, FITTED, [None], [told])
        return self.get(number)

    def get(self, number: int) -> TopicFit:
        """Return a fit.

        Raises:
            NotFound: There is none of this number.
        """
        with self._database.read() as connection:
            row = connection.execute(select(*_TOLD).where(topic_fits.c.number == number)).one_or_none()
            if row is None:
                raise NotFound(f"there is no fit {number}; `cxnlp topics versions` or GET /v1/topics/fits lists them")
            return _fit(row, active_fit(connection, row.kind))

    def list(self, kind: str | None = None) -> Sequence[TopicFit]:
        """Return the last 100, newest first."""
        query = select(*_TOLD).order_by(topic_fits.c.number.desc()).limit(_MOST_LISTED)
        with self._database.read() as connection:
            active = {k: active_fit(connection, k) for k in KINDS}
            rows = connection.execute(query if kind is None else query.where(topic_fits.c.kind == kind)).all()
        return [_fit(row, active[row.kind]) for row in rows]

    def active(self, kind: str) -> TopicFit | None:
        """Return the active fit of a kind, or None before the first."""
        with self._database.read() as connection:
            number = active_fit(connection, kind)
        return None if number is None else self.get(number)

    def current(self) -> Mapping[str, tuple[int, int]]:
        """Return (number, revision) of the active fit of each kind that has one: what changes when new records are to be assigned anew."""
        with self._database.read() as connection:
            return current_fits(connection)


def active_fit(connection: Connection, kind: str) -> int | None:
    """Return the number of the active fit of a kind within a transaction."""
    standing = (topic_activations.c.kind == kind) & topic_activations.c.undone_at.is_(None)
    query = select(topic_activations.c.fit).where(standing).order_by(topic_activations.c.seq.desc()).limit(1)
    return connection.execute(query).scalar()


def current_fits(connection: Connection) -> dict[str, tuple[int, int]]:
    """Return (number, revision) of the active fit by kind within a transaction."""
    newest = select(func.max(topic_activations.c.seq)).where(topic_activations.c.undone_at.is_(None)).group_by(topic_activations.c.kind)
    query = (
        select(topic_fits.c.kind, topic_fits.c.number, topic_fits.c.revision)
        .join(topic_activations, topic_activations.c.fit == topic_fits.c.number)
        .where(topic_activations.c.seq.in_(newest))
    )
    return {row.kind: (row.number, row.revision) for row in connection.execute(query)}


def _fit(row: Any, active: int | None) -> TopicFit:
    is_dead = row.state == RUNNING and row.leased_until < time.time()
    ended_at = row.leased_until if is_dead else row.ended_at
    counts = {"records": row.n_records, "items": row.n_items, "topics": row.n_topics, "outliers": row.n_outliers}
    return TopicFit(
        number=row.number,
        kind=row.kind,
        state=_INTERRUPTED if is_dead else row.state,
        stage=row.stage,
        share=row.share,
        author=row.author,
        parameters=from_json(row.parameters),
        filter=from_json(row.filter),
        parent=row.parent,
        counts={} if row.n_items is None else counts,
        window=None if row.from_at is None else (from_seconds(row.from_at), from_seconds(row.to_at)),
        metrics=from_json(row.metrics or "{}"),
        report=from_json(row.report or "null"),
        outcome=row.outcome,
        started_at=from_seconds(row.started_at),
        ended_at=None if ended_at is None else from_seconds(ended_at),
        encoder=row.encoder,
        is_active=row.number == active,
    )
