"""Records as they are read everywhere: content, analysis of this content, and people's corrections laid over it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, bindparam, exists, select

from cxnlp.lines import analysis_from_line
from cxnlp.records import Analysis, Record, Topic
from cxnlp.store.conditions import ANALYZED
from cxnlp.store.corrections import apply_corrections
from cxnlp.store.rows import COLUMNS, chunks, feedback_of, from_json, from_seconds, group_by_seq
from cxnlp.store.schema import analyses, corrections, feedback
from cxnlp.store.topics.tables import topic_members, topics

RECORDS: Final[Select[Any]] = select(
    *COLUMNS,
    analyses.c.line,
    topics.c.id.label("topic_id"),
    topics.c.label.label("topic_label"),
    topics.c.name_zh,
    topics.c.name_en,
    exists().where(corrections.c.seq == feedback.c.seq).label("is_corrected"),
).select_from(
    ANALYZED.outerjoin(topic_members, (topic_members.c.seq == feedback.c.seq) & (topic_members.c.kind == "documents")).outerjoin(
        topics, topics.c.id == topic_members.c.topic_id
    )
)
"""To be narrowed by conditions on `feedback` and `analyses`, and run by `read_records`."""
RECORDS_BY_ID: Final[Select[Any]] = RECORDS.where(feedback.c.id.in_(bindparam("ids", expanding=True)))
"""Made once, since making a statement takes longer than running it; run with `ids`."""
_CORRECTIONS: Final[Select[Any]] = (
    select(corrections.c.seq, corrections.c.field, corrections.c.value, corrections.c.fingerprint)
    .where(corrections.c.seq.in_(bindparam("seqs", expanding=True)))
    .order_by(corrections.c.field)
)


def read_records(connection: Connection, query: Select[Any], parameters: Mapping[str, Any] | None = None) -> list[tuple[Row[Any], Record]]:
    """Return the rows of a query made from `RECORDS`, each with the record that it stands for."""
    rows = connection.execute(query, parameters).all()
    corrected = read_corrections(connection, [row.seq for row in rows if row.is_corrected])
    return [(row, _record(row, corrected.get(row.seq, ()))) for row in rows]


def read_corrections(connection: Connection, seqs: Iterable[int]) -> Mapping[int, Sequence[Any]]:
    """Return the rows (seq, field, value, fingerprint) of corrections by seq, in order of the fields' names."""
    found: dict[int, Sequence[Any]] = {}
    for part in chunks(seqs):
        found |= group_by_seq(connection.execute(_CORRECTIONS, {"seqs": part}).all())
    return found


def _record(row: Any, corrected: Sequence[Any]) -> Record:
    feedback = feedback_of(row)
    analysis = None if row.line is None else analysis_from_line(from_json(row.line))
    if analysis and corrected:
        analysis = apply_corrections(analysis, {c.field: from_json(c.value) for c in corrected}, feedback)
    return Record(
        feedback,
        analysis,
        topic=Topic(row.topic_id, _topic_name(row, analysis)) if row.topic_id else None,
        version=row.version,
        received_at=from_seconds(row.received_at),
        corrected=tuple(c.field for c in corrected),
        stale=tuple(c.field for c in corrected if c.fingerprint != row.fingerprint),
    )


def _topic_name(row: Any, analysis: Analysis | None) -> str:
    """Return what people call a topic in the record's language, else in the other one, else the automatic label."""
    names = (row.name_zh, row.name_en) if analysis is None or analysis.language in ("zh", "mixed") else (row.name_en, row.name_zh)
    return names[0] or names[1] or str(row.topic_label)
