"""Everything, then what changed: records in parts that a reader goes on from, so that a copy elsewhere becomes and stays the same.

A cursor is either `r<number>-<event>`, within the first reading of all records, or the number of an event, from which on changes are read. The first
reading begins with the number of the newest event, so that nothing that changes meanwhile is missed; some of it comes twice.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from cxnlp.errors import InvalidQuery, shorten
from cxnlp.filters import Filter
from cxnlp.lines import to_line
from cxnlp.store import Store
from cxnlp.store.events import ANALYZED, DELETED, RECEIVED, UPDATED

MOST_AT_ONCE: Final = 100_000
_CURSOR: Final = re.compile(r"r(\d{1,18})-(\d{1,18})|(\d{1,18})")
_CHANGES: Final = (RECEIVED, UPDATED, ANALYZED, DELETED)
_READ_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Part:
    """Some of the records.

    Attributes:
        lines: As they are now, to be read once; `{"id": ..., "deleted": true}` for those that are gone.
        next_after: Cursor of the next part, known before the lines are read.
        has_more: Whether there is more already.
    """

    lines: Iterator[dict[str, Any]] = field(compare=False)
    next_after: str
    has_more: bool


def read_part(store: Store, after: str | None, limit: int) -> Part:
    """Return the next part: a record each of up to `limit` events, or, in the first reading, up to `limit` records.

    Args:
        store: Whose records.
        after: `next_after` of the part before; None, empty or 0 for the beginning.
        limit: 1 to 100,000.

    Raises:
        InvalidQuery: The cursor is damaged, or events after it are no longer kept, so that the reader has to begin anew.
    """
    if not 1 <= limit <= MOST_AT_ONCE:
        raise InvalidQuery(f"limit is {limit}; write 1 to {MOST_AT_ONCE}")
    match = _CURSOR.fullmatch(after or "0")
    if match is None:
        raise InvalidQuery(f"after is {shorten(after)!r}; send what the answer before said, or 0 to begin")
    number, mark, seq = (None if group is None else int(group) for group in match.groups())
    if seq == 0:
        number, mark = 0, store.events.last_seq()
    if number is None or mark is None:
        return _changes(store, seq or 0, limit)
    last = store.feedback.seq_after(number, limit)
    if last is None:
        return Part(iter(()), str(mark), store.events.last_seq() > mark)
    done = store.feedback.seq_after(last, 1) is None
    records = store.feedback.iterate(Filter(), after=number, until=last)
    following = str(mark) if done and mark else f"r{last}-{mark}"
    return Part((to_line(record) for record in records), following, not done or store.events.last_seq() > mark)


def _changes(store: Store, after: int, limit: int) -> Part:
    last = store.events.last_seq()
    if after > last or after < store.events.oldest_seq() - 1:
        raise InvalidQuery("after: what changed since is no longer kept (30 days are); begin anew with after=0")
    events = store.events.read(after, limit, _CHANGES)
    is_full = len(events) == limit
    position = events[-1].seq if is_full else max([last, *(event.seq for event in events)])
    # Each record where it changed last, so that a later part never has an older state.
    ids = list(reversed(dict.fromkeys(event.record_id for event in reversed(events) if event.record_id)))
    return Part(_lines(store, ids), str(position), is_full and position < last)


def _lines(store: Store, ids: list[str]) -> Iterator[dict[str, Any]]:
    for first in range(0, len(ids), _READ_AT_ONCE):
        part = ids[first : first + _READ_AT_ONCE]
        records = store.feedback.get_many(part)
        for record_id in part:
            yield to_line(records[record_id]) if record_id in records else {"id": record_id, "deleted": True}
