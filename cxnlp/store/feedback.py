"""Records: acknowledging, reading, listing, correcting, forgetting."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, delete, func, insert, select, tuple_

from cxnlp.errors import InvalidQuery, NotFound
from cxnlp.filters import Filter
from cxnlp.lines import analysis_from_line
from cxnlp.records import Feedback, Record
from cxnlp.store.conditions import ANALYZED, condition
from cxnlp.store.corrections import apply_corrections, check_correction
from cxnlp.store.database import Database
from cxnlp.store.events import DELETED, UPDATED, Events
from cxnlp.store.labels import relabel
from cxnlp.store.paging import Page, decode_cursor, encode_cursor, scope_of
from cxnlp.store.reading import RECORDS, RECORDS_BY_ID, read_corrections, read_records
from cxnlp.store.receiving import Receipt, extend, receive
from cxnlp.store.rows import chunks, feedback_of, feedback_row, from_json, past_record, to_json
from cxnlp.store.schema import MOST_ATTEMPTS, analyses, corrections, feedback, feedback_history, pending
from cxnlp.store.verdicts import orphans_of

_MOST_LISTED: Final = 1_000


@dataclass(frozen=True, slots=True)
class Statistics:
    """How many records there are, are analysed in their present version, wait for it, and could not be."""

    records: int
    analyzed: int
    pending: int
    failed: int


class FeedbackTable:
    """The records."""

    def __init__(self, database: Database, events: Events) -> None:
        self._database = database
        self._events = events

    def add(self, items: Sequence[Feedback], received_at: datetime) -> list[Receipt]:
        """Store records in one transaction; when this returns, they are acknowledged and on the disk.

        New content of a known record becomes its next version and the old goes to the history; content that is the same, or older by
        `updated_at`, is a duplicate. What is new or changed waits for analysis.

        Args:
            items: Validated and masked.
            received_at: Now, UTC.

        Returns:
            One receipt for each, in order.

        Raises:
            StoreError: Nothing was stored.
        """
        rows = [feedback_row(item, received_at) for item in items]
        with self._database.write() as connection:
            return receive(connection, rows, self._events)

    def extend(self, record_id: str, version: int, item: Feedback) -> int | None:
        """Store what a conversation goes on with as the next version, to be analysed; the old one, its beginning, does not go to the history.

        So a conversation that is sent turn by turn takes the room of one. When it was received stays as it is.

        Args:
            record_id: Of the record.
            version: That `item` was made from.
            item: The whole of it, validated and masked.

        Returns:
            The new version, or None if the record is gone or has another version by now.
        """
        with self._database.write() as connection:
            return extend(connection, record_id, version, item, self._events)

    def get(self, record_id: str) -> Record | None:
        """Return a record, or None."""
        return self.get_many([record_id]).get(record_id)

    def get_many(self, record_ids: Sequence[str]) -> dict[str, Record]:
        """Return those of the records that exist, by id, in the order asked for."""
        found: dict[str, Record] = {}
        with self._database.read() as connection:
            for part in chunks(dict.fromkeys(record_ids)):
                found |= {row.id: record for row, record in read_records(connection, RECORDS_BY_ID, {"ids": part})}
        return {i: found[i] for i in record_ids if i in found}

    def page(self, filter: Filter, cursor: str | None = None, limit: int = 50, *, newest_first: bool = True) -> Page:
        """Return part of the records that pass a filter, by `created_at`.

        Args:
            filter: Which records.
            cursor: `next_cursor` of the part before; None for the first.
            limit: Records in the part, 1 to 1,000.
            newest_first: Else oldest first.

        Raises:
            InvalidQuery: The limit is out of range, or the cursor is damaged or of another filter or order.
        """
        if not 1 <= limit <= _MOST_LISTED:
            raise InvalidQuery(f"limit is {limit}; write 1 to {_MOST_LISTED}")
        scope = scope_of(filter, newest_first)
        key = tuple_(feedback.c.created_at, feedback.c.seq)
        order = [column.desc() if newest_first else column.asc() for column in (feedback.c.created_at, feedback.c.seq)]
        query = RECORDS.order_by(*order).limit(limit + 1)
        if cursor is not None:
            last = tuple_(*decode_cursor(cursor, scope))
            query = query.where(key < last if newest_first else key > last)
        with self._database.read() as connection:
            found = read_records(connection, query.where(condition(filter, connection)))
        more = len(found) > limit
        row = found[limit - 1][0] if more else None
        return Page([record for _, record in found[:limit]], encode_cursor(row.created_at, row.seq, scope) if row is not None else None)

    def count(self, filter: Filter) -> int:
        """Return how many records pass a filter."""
        with self._database.read() as connection:
            source = feedback if filter.is_empty else ANALYZED
            return connection.execute(select(func.count()).select_from(source).where(condition(filter, connection))).scalar_one()

    def seq_after(self, after: int, limit: int) -> int | None:
        """Return the number of the last of the next `limit` records numbered above `after`; None if there are none."""
        following = select(feedback.c.seq).where(feedback.c.seq > after).order_by(feedback.c.seq).limit(limit).subquery()
        with self._database.read() as connection:
            last: int | None = connection.execute(select(func.max(following.c.seq))).scalar()
        return last

    def iterate(self, filter: Filter, chunk: int = 500, after: int = 0, until: int | None = None) -> Iterator[Record]:
        """Give the records that pass a filter, in the order of first receipt, in flat memory.

        Each chunk is read by itself, so that a long export holds nothing up.

        Args:
            filter: Which records.
            chunk: How many are read at once.
            after: Only those whose number is above this one.
            until: And not above this one; no bound when None.
        """
        while True:
            query = RECORDS.where(feedback.c.seq > after).order_by(feedback.c.seq).limit(chunk)
            query = query if until is None else query.where(feedback.c.seq <= until)
            with self._database.read() as connection:
                found = read_records(connection, query.where(condition(filter, connection)))
            yield from (record for _, record in found)
            if len(found) < chunk:
                return
            after = found[-1][0].seq

    def history(self, record_id: str) -> list[Record]:
        """Return the earlier versions of a record, oldest first, without their analyses."""
        names = [feedback_history.c[column.name] for column in feedback.c if column.name in feedback_history.c]
        query = select(feedback.c.id, feedback.c.source, feedback.c.external_id, *names).join_from(feedback, feedback_history)
        with self._database.read() as connection:
            rows = connection.execute(query.where(feedback.c.id == record_id).order_by(feedback_history.c.version)).all()
        return [past_record(row) for row in rows]

    def correct(self, record_id: str, changes: Mapping[str, Any], author: str) -> Record:
        """Correct what the model read, and return the record as it now is.

        Args:
            record_id: Of the record.
            changes: New values of `sentiment`, `intent`, `observations`, `risks` in the form of the record's line; None takes an earlier
                correction of that field back.
            author: Who says so.

        Raises:
            NotFound: There is no such record.
            InvalidInput: A field or value cannot be used; nothing is changed.
        """
        with self._database.write() as connection:
            query = RECORDS.where(feedback.c.id == record_id)
            row = connection.execute(query).one_or_none()
            if row is None:
                raise NotFound(f"there is no record {record_id!r}")
            content = feedback_of(row)
            checked = {name: check_correction(name, value, content) for name, value in changes.items()}
            _write_corrections(connection, row, checked, author)
            if row.line is not None:
                values = {c.field: from_json(c.value) for c in read_corrections(connection, [row.seq]).get(row.seq, ())}
                relabel(connection, row.seq, apply_corrections(analysis_from_line(from_json(row.line)), values, content))
            self._events.append(connection, UPDATED, [record_id], [{"version": row.version, "reason": "correction", "fields": sorted(checked)}])
            return read_records(connection, query)[0][1]

    def corrected_ids(self) -> list[str]:
        """Return the ids of records that people corrected and whose content is still the one they saw, in the order of first receipt."""
        seen = select(corrections.c.seq).where(corrections.c.seq == feedback.c.seq, corrections.c.fingerprint == feedback.c.fingerprint)
        with self._database.read() as connection:
            return list(connection.execute(select(feedback.c.id).where(seen.exists()).order_by(feedback.c.seq)).scalars())

    def forget(self, record_ids: Sequence[str]) -> int:
        """Delete records with all that was derived from them, and return how many there were.

        They are gone for every reader at once. Records that had joined a flag of theirs are told of anew, so that they get one of their own. From
        the disk they are erased as `Database.erase_traces` says: for a file of more than 64 MiB, and for PostgreSQL, call it with `whole` at a
        quiet hour.
        """
        n_forgotten = 0
        for part in chunks(dict.fromkeys(record_ids)):
            with self._database.write() as connection:
                known = connection.execute(select(feedback.c.id).where(feedback.c.id.in_(part))).scalars().all()
                orphans = connection.execute(orphans_of(known)).all()
                connection.execute(delete(feedback).where(feedback.c.id.in_(known)))
                self._events.append(connection, DELETED, known)
                told = [{"version": row.version, "reason": "flag"} for row in orphans]
                self._events.append(connection, UPDATED, [row.id for row in orphans], told)
            n_forgotten += len(known)
        self._database.erase_traces()
        return n_forgotten

    def forget_customer(self, customer_id: str) -> int:
        """Delete the records of a customer, by the keyed hash of the id, also from the history of others; return how many records it were."""
        with self._database.write() as connection:
            connection.execute(delete(feedback_history).where(feedback_history.c.customer_id == customer_id))
            known = connection.execute(select(feedback.c.id).where(feedback.c.customer_id == customer_id)).scalars().all()
        return self.forget(known)

    def statistics(self) -> Statistics:
        """Return how far the work has come."""
        failed = pending.c.attempts >= MOST_ATTEMPTS
        with self._database.read() as connection:
            n_records, n_analyzed, n_pending, n_failed = (
                connection.execute(select(func.count()).select_from(source).where(*where)).scalar_one()
                for source, where in ((feedback, ()), (analyses, ()), (pending, (~failed,)), (pending, (failed,)))
            )
        return Statistics(n_records, n_analyzed, n_pending, n_failed)


def _write_corrections(connection: Connection, row: Any, values: Mapping[str, Any], author: str) -> None:
    connection.execute(delete(corrections).where(corrections.c.seq == row.seq, corrections.c.field.in_(list(values))))
    now = time.time()
    given = [
        {"seq": row.seq, "field": field, "value": to_json(value), "author": author, "at": now, "fingerprint": row.fingerprint}
        for field, value in values.items()
        if value is not None
    ]
    if given:
        connection.execute(insert(corrections), given)
