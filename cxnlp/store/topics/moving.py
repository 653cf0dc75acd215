"""Moving one record or clause into another topic, and back, within a transaction; copies of a record go with it."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from cxnlp.errors import NotFound
from cxnlp.store.rows import chunks
from cxnlp.store.schema import feedback, words
from cxnlp.store.topics.fits import DOCUMENTS
from cxnlp.store.topics.members import moves
from cxnlp.store.topics.tables import topic_members, topic_moves
from cxnlp.store.topics.topics import resolutions


def move_one(connection: Connection, kind: str, place: tuple[str, int], to: str | None, merged: Mapping[str, str]) -> tuple[dict[str, Any], int]:
    """Move one record or clause; return its line for the audit trail, and how many rows of members it was."""
    record_id, clause = place
    where = (topic_members.c.kind == kind) & (topic_members.c.clause == clause)
    query = select(topic_members, feedback.c.version, words.c.copy_key).join_from(feedback, topic_members, topic_members.c.seq == feedback.c.seq)
    row = connection.execute(query.outerjoin(words, words.c.seq == feedback.c.seq).where(feedback.c.id == record_id, where)).one_or_none()
    if row is None:
        raise NotFound(f"record {record_id[:80]!r} does not exist, is not analysed yet, or has no such clause among {kind}")
    key = (row.copy_key or 0) if kind == DOCUMENTS else 0
    same = (topic_moves.c.kind == kind) & (
        (topic_moves.c.copy_key == key) if key else (topic_moves.c.seq == row.seq) & (topic_moves.c.clause == clause)
    )
    before = [{str(name): value for name, value in old._mapping.items()} for old in connection.execute(select(topic_moves).where(same))]
    connection.execute(delete(topic_moves).where(same))
    made = {"seq": row.seq, "kind": kind, "clause": clause, "version": row.version, "copy_key": key, "topic_id": to}
    connection.execute(insert(topic_moves), made)
    seqs = _copies(connection, row.seq, key)
    for part in chunks(seqs):
        moved = update(topic_members).where(where, topic_members.c.seq.in_(part))
        connection.execute(moved.values(base_id=to, topic_id=None if to is None else merged.get(to, to)))
    line = {"topic_id": to or row.topic_id or "", "other_id": row.topic_id if to else None, "record_seq": row.seq, "before": before}
    return line | {"after": {"topic": to, "clause": clause, "kind": kind, "copy_key": key}}, len(seqs)


def move_back(connection: Connection, seq: int, before: Sequence[Mapping[str, Any]], after: Mapping[str, Any]) -> None:
    """Undo a move, by what `move_one` wrote of it: an earlier move holds again, else the fit."""
    kind, clause, key = after["kind"], after["clause"], after["copy_key"]
    own = (topic_moves.c.kind == kind) & (topic_moves.c.seq == seq) & (topic_moves.c.clause == clause)
    connection.execute(delete(topic_moves).where(own))
    known = set(connection.execute(select(feedback.c.seq).where(feedback.c.seq.in_([old["seq"] for old in before]))).scalars())
    if again := [dict(old) for old in before if old["seq"] in known]:
        connection.execute(insert(topic_moves), again)
    merged = resolutions(connection)
    for part in chunks(_copies(connection, seq, key)):
        moved = moves(connection, kind, part)
        query = select(topic_members.c.seq, topic_members.c.fitted_id).where(topic_members.c.kind == kind, topic_members.c.clause == clause)
        for row in connection.execute(query.where(topic_members.c.seq.in_(part))).all():
            base = moved.get((row.seq, clause), row.fitted_id)
            one = (topic_members.c.seq == row.seq) & (topic_members.c.kind == kind) & (topic_members.c.clause == clause)
            values = {"base_id": base, "topic_id": base and merged.get(base, base)}
            connection.execute(update(topic_members).where(one).values(values))


def _copies(connection: Connection, seq: int, key: int) -> list[int]:
    return list(connection.execute(select(words.c.seq).where(words.c.copy_key == key)).scalars()) if key else [seq]
