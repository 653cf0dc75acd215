"""How things stand now, in numbers that are cheap to read: for monitoring."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import func, select

from cxnlp.store.alert_tables import alerts
from cxnlp.store.alerts import DAY_CURSOR, RESOLVED
from cxnlp.store.database import Database
from cxnlp.store.flag_tables import flags
from cxnlp.store.schema import analyses, cursors, events, feedback
from cxnlp.store.verdicts import OPEN

DAY_SECONDS: Final = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Gauges:
    """How things stand.

    Attributes:
        sentiment: By channel, (records, mean sentiment in [-1, 1]) of what was said in the last 24 hours.
        open_flags: Open flags by level.
        overdue_flags: Open flags whose deadline is past, by level.
        alerts: Alerts that are not resolved, by state.
        lags: By reader of the log of events, how many events are still before it.
    """

    sentiment: Mapping[str, tuple[int, float]]
    open_flags: Mapping[int, int]
    overdue_flags: Mapping[int, int]
    alerts: Mapping[str, int]
    lags: Mapping[str, int]


class GaugeTable:
    """Numbers over the other tables."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self) -> Gauges:
        """Return how things stand at this moment."""
        now = time.time()
        analysed = feedback.join(analyses, (analyses.c.seq == feedback.c.seq) & (analyses.c.version == feedback.c.version))
        felt = (
            select(feedback.c.channel, func.count(), func.avg(analyses.c.sentiment))
            .select_from(analysed)
            .where(feedback.c.created_at > now - DAY_SECONDS, feedback.c.created_at <= now)
            .group_by(feedback.c.channel)
        )
        raised = select(flags.c.level, func.count()).where(flags.c.state == OPEN).group_by(flags.c.level)
        moved = select(alerts.c.state, func.count()).where(alerts.c.state != RESOLVED).group_by(alerts.c.state)
        with self._database.read() as connection:
            last = connection.execute(select(func.max(events.c.seq))).scalar() or 0
            # The cursor of days counts days, not events.
            read = connection.execute(select(cursors.c.name, cursors.c.position).where(cursors.c.name != DAY_CURSOR)).all()
            return Gauges(
                sentiment={channel: (n, float(mean)) for channel, n, mean in connection.execute(felt)},
                open_flags=_pairs(connection.execute(raised)),
                overdue_flags=_pairs(connection.execute(raised.where(flags.c.deadline < now))),
                alerts=_pairs(connection.execute(moved)),
                lags={name: max(0, last - position) for name, position in read},
            )


def _pairs(rows: Iterable[Any]) -> dict[Any, int]:
    return {key: n for key, n in rows}
