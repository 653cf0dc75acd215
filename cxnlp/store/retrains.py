"""Retrains: one at a time over all processes of a store, how far it is, and what came of it."""

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import insert, select, update

from cxnlp.errors import Conflict, NotFound
from cxnlp.store.database import Database
from cxnlp.store.rows import from_seconds
from cxnlp.store.schema import retrains

LEASE_SECONDS: Final = 120.0
RUNNING: Final = "running"
DONE: Final = "done"
FAILED: Final = "failed"
_INTERRUPTED: Final = "interrupted"
_MOST_LISTED: Final = 50


@dataclass(frozen=True, slots=True)
class Retrain:
    """One retrain.

    Attributes:
        id: `j-` and 12 hexadecimal digits.
        author: Who asked for it.
        state: running, done, failed, or interrupted where its process died.
        stage: What it does or did last.
        share: How much of it is done, in [0, 1].
        started_at: UTC.
        ended_at: UTC, None while it runs.
        version_id: What it made.
        outcome: In words: what was decided, or why it failed.
    """

    id: str
    author: str
    state: str
    stage: str
    share: float
    started_at: datetime
    ended_at: datetime | None = None
    version_id: str | None = None
    outcome: str | None = None


class Retrains:
    """All retrains."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, author: str) -> Retrain:
        """Note that a retrain runs.

        Raises:
            Conflict: Another runs already.
        """
        now = time.time()
        retrain_id = f"j-{uuid.uuid4().hex[:12]}"
        with self._database.write() as connection:
            for row in connection.execute(select(retrains).where(retrains.c.state == RUNNING)).all():
                if row.leased_until >= now:
                    raise Conflict(
                        f"a retrain is running already ({row.id}, begun by {row.author[:80]!r}, {row.share:.0%} done); wait until it has ended. "
                        f"If its process was killed, it gives way {LEASE_SECONDS:.0f} seconds after its last sign of life"
                    )
                connection.execute(update(retrains).where(retrains.c.id == row.id).values(state=_INTERRUPTED, ended_at=row.leased_until))
            made = {"id": retrain_id, "author": author, "state": RUNNING, "stage": "start", "share": 0.0}
            connection.execute(insert(retrains), made | {"started_at": now, "leased_until": now + LEASE_SECONDS})
        return self.get(retrain_id)

    def report(self, retrain_id: str, stage: str, share: float) -> None:
        """Give a sign of life.

        Raises:
            Conflict: It counted as dead meanwhile, and another took over.
        """
        with self._database.write(appends=False) as connection:
            own = update(retrains).where(retrains.c.id == retrain_id, retrains.c.state == RUNNING)
            if connection.execute(own.values(stage=stage, share=share, leased_until=time.time() + LEASE_SECONDS)).rowcount == 0:
                raise Conflict(f"retrain {retrain_id} gave no sign of life for too long, and another took over; nothing was changed")

    def end(self, retrain_id: str, state: str, outcome: str, version_id: str | None = None) -> None:
        """Note how a running retrain ended: `DONE` or `FAILED`."""
        values: dict[str, Any] = {"state": state, "outcome": outcome, "version_id": version_id, "ended_at": time.time()}
        if state == DONE:
            values |= {"stage": "done", "share": 1.0}
        with self._database.write(appends=False) as connection:
            connection.execute(update(retrains).where(retrains.c.id == retrain_id, retrains.c.state == RUNNING).values(values))

    def get(self, retrain_id: str) -> Retrain:
        """Return a retrain.

        Raises:
            NotFound: There is none of this id.
        """
        with self._database.read() as connection:
            row = connection.execute(select(retrains).where(retrains.c.id == retrain_id)).one_or_none()
        if row is None:
            raise NotFound(f"there is no retrain {retrain_id[:80]!r}")
        return _retrain(row)

    def list(self) -> Sequence[Retrain]:
        """Return the last 50, newest first."""
        with self._database.read() as connection:
            query = select(retrains).order_by(retrains.c.started_at.desc()).limit(_MOST_LISTED)
            return [_retrain(row) for row in connection.execute(query)]


def _retrain(row: Any) -> Retrain:
    is_dead = row.state == RUNNING and row.leased_until < time.time()
    ended_at = row.leased_until if is_dead else row.ended_at
    return Retrain(
        id=row.id,
        author=row.author,
        state=_INTERRUPTED if is_dead else row.state,
        stage=row.stage,
        share=row.share,
        started_at=from_seconds(row.started_at),
        ended_at=None if ended_at is None else from_seconds(ended_at),
        version_id=row.version_id,
        outcome=row.outcome,
    )
