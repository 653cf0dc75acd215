"""Earlier contacts of the same customer about the same touchpoints."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, bindparam, exists, literal, select, tuple_

from cxnlp.store.database import Database
from cxnlp.store.rows import chunks, from_seconds
from cxnlp.store.schema import feedback, observations

MOST_CONTACTS: Final = 20
_DAY_SECONDS: Final = 24 * 3600.0


def _make_earlier() -> Select[Any]:
    own, theirs = observations.alias("own"), observations.alias("theirs")
    alike = exists(literal(1)).where(own.c.seq == bindparam("seq"), theirs.c.seq == feedback.c.seq, theirs.c.touchpoint == own.c.touchpoint)
    until = tuple_(feedback.c.created_at, feedback.c.seq) < tuple_(bindparam("at"), bindparam("seq"))
    of_customer = (feedback.c.customer_id == bindparam("customer")) & (feedback.c.created_at >= bindparam("since")) & until
    return select(feedback.c.created_at).where(of_customer, alike).order_by(feedback.c.created_at.desc()).limit(MOST_CONTACTS)


_EARLIER: Final = _make_earlier()


class Contacts:
    """When customers were in touch before."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def earlier(self, record_ids: Sequence[str], days: float) -> dict[str, list[datetime]]:
        """Return when the customer of each record was in touch before it about one of its touchpoints, newest first, at most 20 times.

        Args:
            record_ids: Of analysed records; those without an earlier contact are left out.
            days: How far back, counted from `created_at` of each.
        """
        content = select(feedback.c.id, feedback.c.seq, feedback.c.customer_id, feedback.c.created_at).where(feedback.c.customer_id.is_not(None))
        found: dict[str, list[datetime]] = {}
        with self._database.read() as connection:
            for part in chunks(record_ids):
                for row in connection.execute(content.where(feedback.c.id.in_(part))).all():
                    asked = {"customer": row.customer_id, "at": row.created_at, "seq": row.seq, "since": row.created_at - days * _DAY_SECONDS}
                    if times := connection.execute(_EARLIER, asked).scalars().all():
                        found[row.id] = [from_seconds(at) for at in times]
        return found
