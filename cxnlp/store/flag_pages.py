"""Parts of a list of flags, by a cursor that stays right while flags change."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, func, select, tuple_

from cxnlp.store.flag_tables import flags
from cxnlp.store.paging import decode_key, encode_key

NEWEST: Final = "newest"
PRIORITY: Final = "priority"
DEADLINE: Final = "deadline"
SORTS: Final = (NEWEST, PRIORITY, DEADLINE)
_LAST_SECONDS: Final = 1e15
_KEYS: Final[Mapping[str, ColumnElement[Any]]] = {
    NEWEST: flags.c.raised_at,
    PRIORITY: func.coalesce(flags.c.priority, -1),
    DEADLINE: func.coalesce(flags.c.deadline, _LAST_SECONDS),
}


def read_part(
    connection: Connection, asked: Select[Any], sort: str, cursor: str | None, limit: int, scope: bytes
) -> tuple[Sequence[Any], str | None]:
    """Return the next rows of a list of flags, and the cursor behind them, None at the end.

    By priority and deadline flags may change their place while somebody reads on. So those that have changed since the list was begun come after all
    others, as they are then, the earliest change first: none is missed, and one that changed after it was shown comes again.

    Args:
        connection: For reading.
        asked: Rows of `verdicts.FLAGS`, as filtered.
        sort: One of `SORTS`: the newest, the highest priority, or the next deadline first; those without one are last.
        cursor: Behind the part before; None for the first.
        limit: At most so many rows.
        scope: Of the question that the cursor belongs to.

    Raises:
        InvalidQuery: The cursor is damaged or of another list.
    """
    place = None if cursor is None else decode_key(cursor, scope)
    begun_at, is_late = (place[0], bool(place[1])) if place else (connection.execute(select(func.max(flags.c.changed_at))).scalar() or 0.0, False)
    after = tuple(place[2:]) if place else None
    rows: list[Any] = []
    if not is_late:
        settled = asked if sort == NEWEST else asked.where(flags.c.changed_at <= begun_at)
        rows += connection.execute(_after(settled, _KEYS[sort], after, is_falling=sort != DEADLINE).limit(limit + 1)).all()
    n_settled = len(rows)
    if sort != NEWEST and n_settled <= limit:
        changed = _after(asked.where(flags.c.changed_at > begun_at), flags.c.changed_at, after if is_late else None, is_falling=False)
        rows += connection.execute(changed.limit(limit + 1 - n_settled)).all()
    if len(rows) <= limit:
        return rows, None
    last, is_late = rows[limit - 1], limit > n_settled
    return rows[:limit], encode_key([begun_at, is_late, last.changed_at if is_late else _key_of(last, sort), last.seq, last.id], scope)


def _after(asked: Select[Any], key: ColumnElement[Any], after: tuple[Any, ...] | None, *, is_falling: bool) -> Select[Any]:
    # A record has a flag by each rule, so that its number alone does not tell two apart.
    columns = (key, flags.c.seq, flags.c.id)
    ordered = asked.order_by(*(column.desc() if is_falling else column for column in columns))
    if after is None:
        return ordered
    return ordered.where(tuple_(*columns) < tuple_(*after) if is_falling else tuple_(*columns) > tuple_(*after))


def _key_of(row: Any, sort: str) -> float:
    if sort == PRIORITY:
        return -1 if row.priority is None else row.priority
    if sort == DEADLINE:
        return _LAST_SECONDS if row.deadline is None else row.deadline
    return float(row.raised_at)
