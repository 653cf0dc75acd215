"""How sent records meet those that are known: new, the same, older, or changed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from sqlalchemy import Connection, Table, bindparam, delete, insert, literal, select, update

from cxnlp.records import Feedback
from cxnlp.store.events import RECEIVED, UPDATED, Events
from cxnlp.store.rows import chunks, feedback_row, from_seconds
from cxnlp.store.schema import analyses, feedback, feedback_history, observations, pending, risks, vectors, words
from cxnlp.store.topics.tables import topic_members

Status: TypeAlias = Literal["accepted", "duplicate", "updated"]
_FROM_OLD_CONTENT: Final[tuple[Table, ...]] = (analyses, observations, risks, vectors, words, topic_members, pending)


@dataclass(frozen=True, slots=True)
class Receipt:
    """The acknowledgement of one record.

    Attributes:
        id: Of the record.
        status: accepted (new), duplicate (same content, or older than what is known) or updated (new content).
        version: The version that is now stored.
    """

    id: str
    status: Status
    version: int


def receive(connection: Connection, rows: Sequence[Mapping[str, Any]], events: Events) -> list[Receipt]:
    """Store rows of `feedback`, made by `feedback_row`, within a transaction; return a receipt for each, in order.

    Later rows of the same record meet the earlier ones as if these had been stored before.
    """
    receipts: dict[int, Receipt] = {}
    for round_of_ids in _rounds(rows):
        receipts |= _receive_distinct(connection, round_of_ids, events)
    return [receipts[i] for i in range(len(rows))]


def extend(connection: Connection, record_id: str, version: int, item: Feedback, events: Events) -> int | None:
    """Replace the turns of a record within a transaction, if it still has that version; see `FeedbackTable.extend`."""
    row = connection.execute(select(feedback.c.seq, feedback.c.received_at).where(feedback.c.id == record_id, feedback.c.version == version)).first()
    if row is None:
        return None
    for table in _FROM_OLD_CONTENT:
        connection.execute(delete(table).where(table.c.seq == row.seq))
    content = feedback_row(item, from_seconds(row.received_at))
    changed = {name: content[name] for name in ("turns", "updated_at", "fingerprint")}
    connection.execute(update(feedback).where(feedback.c.seq == row.seq).values(version=version + 1, **changed))
    _queue(connection, [record_id])
    events.append(connection, UPDATED, [record_id], [{"version": version + 1, "reason": "turns"}])
    return version + 1


def _rounds(rows: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[int, Mapping[str, Any]]]:
    rounds: list[dict[int, Mapping[str, Any]]] = []
    n_seen: dict[str, int] = {}
    for i, row in enumerate(rows):
        n = n_seen.get(row["id"], 0)
        n_seen[row["id"]] = n + 1
        if n == len(rounds):
            rounds.append({})
        rounds[n][i] = row
    yield from rounds


def _receive_distinct(connection: Connection, rows: Mapping[int, Mapping[str, Any]], events: Events) -> dict[int, Receipt]:
    known = _known(connection, [row["id"] for row in rows.values()])
    receipts: dict[int, Receipt] = {}
    new: list[Mapping[str, Any]] = []
    changed: list[Mapping[str, Any]] = []
    for i, row in rows.items():
        old = known.get(row["id"])
        if old is None:
            new.append(dict(row) | {"version": 1})
            receipts[i] = Receipt(row["id"], "accepted", 1)
        elif row["fingerprint"] == old.fingerprint or _is_older(row["updated_at"], old.updated_at):
            receipts[i] = Receipt(row["id"], "duplicate", old.version)
        else:
            changed.append(dict(row) | {"version": old.version + 1, "of": old.seq})
            receipts[i] = Receipt(row["id"], "updated", old.version + 1)
    if new:
        connection.execute(insert(feedback), new)
    if changed:
        _replace(connection, changed)
    _queue(connection, [row["id"] for row in (*new, *changed)])
    events.append(connection, RECEIVED, [row["id"] for row in new], [{"version": 1}] * len(new))
    events.append(connection, UPDATED, [row["id"] for row in changed], [{"version": row["version"], "reason": "content"} for row in changed])
    return receipts


def _known(connection: Connection, ids: Sequence[str]) -> dict[str, Any]:
    query = select(feedback.c.id, feedback.c.seq, feedback.c.version, feedback.c.fingerprint, feedback.c.updated_at)
    return {row.id: row for part in chunks(ids) for row in connection.execute(query.where(feedback.c.id.in_(part)))}


def _is_older(updated_at: float | None, stored: float | None) -> bool:
    return updated_at is not None and stored is not None and updated_at < stored


def _replace(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    names = [column.name for column in feedback_history.c]
    for part in chunks([row["of"] for row in rows]):
        old = select(*(feedback.c[name] for name in names)).where(feedback.c.seq.in_(part))
        connection.execute(insert(feedback_history).from_select(names, old))
        for table in _FROM_OLD_CONTENT:
            connection.execute(delete(table).where(table.c.seq.in_(part)))
    content: dict[str, Any] = {name: bindparam(name) for name in names if name != "seq"}
    connection.execute(update(feedback).where(feedback.c.seq == bindparam("of")).values(content), rows)


def _queue(connection: Connection, ids: Sequence[str]) -> None:
    for part in chunks(ids):
        waiting = select(feedback.c.seq, feedback.c.version, literal(0)).where(feedback.c.id.in_(part))
        connection.execute(insert(pending).from_select(["seq", "version", "attempts"], waiting))
