"""Topics as files: each with its names, size, growth and quotes, or everything that belongs to them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

import orjson
import pyarrow as pa

from cxnlp.lines import to_iso
from cxnlp.records import rounded
from cxnlp.service.dashboard import Dashboard, DashboardQuestion
from cxnlp.service.tables import to_jsonl, write_csv, write_parquet
from cxnlp.service.topics.versions import texts_of
from cxnlp.store import Store
from cxnlp.store.topics.fits import DOCUMENTS, WHOLE

Row = Mapping[str, Any]
_N_QUOTES: Final = 3
_READ_AT_ONCE: Final = 500
_TEXTS: Final = pa.list_(pa.string())
_TOPIC: Final = pa.schema(
    {
        "id": pa.string(), "label": pa.string(), "name_zh": pa.string(), "name_en": pa.string(), "words": _TEXTS, "state": pa.string(),
        "muted": pa.bool_(), "parent": pa.string(), "touchpoint": pa.string(), "cause": pa.string(), "n": pa.int64(), "n_now": pa.int64(),
        "n_before": pa.int64(), "share_now": pa.float64(), "share_before": pa.float64(), "beyond_chance": pa.bool_(), "quotes": _TEXTS,
    }
)  # fmt: skip
_MEMBER: Final = pa.schema(
    {
        "topic": pa.string(), "label": pa.string(), "record_id": pa.string(), "clause": pa.int64(), "similarity": pa.float64(),
        "created_at": pa.string(), "text": pa.string(),
    }
)  # fmt: skip


def topic_rows(dashboard: Dashboard, question: DashboardQuestion, kind: str = DOCUMENTS) -> list[dict[str, Any]]:
    """Return a row for each topic of the active version, the largest first.

    Of topics of records, `n_now` and `n_before` count the records of the period and of the one before, `share_now` and `share_before` say which part
    of all records that is, and `beyond_chance` whether the difference is more than chance would make it; of clauses they are None.

    Raises:
        InvalidQuery: Something of the question is unknown.
    """
    topics = dashboard.store.topics.list(kind)
    shifts = {shift.key["topic"]: shift for shift in dashboard.shifts(question)} if kind == DOCUMENTS else {}
    quotes = dashboard.views.quotes(topics, _N_QUOTES)
    rows = []
    for topic in topics:
        touchpoint, cause = topic.pinned or (None, None)
        row: dict[str, Any] = {"id": topic.id, "label": topic.label, "name_zh": topic.names.get("zh"), "name_en": topic.names.get("en")}
        row |= {"words": list(topic.words), "state": topic.state, "muted": topic.muted, "parent": topic.parent}
        row |= {"touchpoint": touchpoint, "cause": cause, "n": topic.n}
        shift = shifts.get(topic.id)
        row |= {"n_now": shift.n if shift else None, "n_before": shift.n_before if shift else None}
        row |= {"share_now": rounded(shift.after) if shift else None, "share_before": rounded(shift.before) if shift else None}
        rows.append(row | {"beyond_chance": shift.beyond_chance if shift else None, "quotes": quotes[topic.id]})
    return rows


def member_rows(store: Store, kind: str = DOCUMENTS) -> Iterator[dict[str, Any]]:
    """Give a row for each record or clause of each topic of the active version, the most typical of the largest first."""
    for topic in store.topics.list(kind):
        cursor: str | None = None
        while True:
            found, cursor = store.topics.belonging(topic.id, cursor, _READ_AT_ONCE)
            records = store.feedback.get_many([one.record_id for one in found])
            texts = texts_of(store, [(one.record_id, one.clause) for one in found])
            for one in found:
                if (record := records.get(one.record_id)) and (one.record_id, one.clause) in texts:
                    row: dict[str, Any] = {"topic": topic.id, "label": topic.label, "record_id": one.record_id}
                    row |= {"clause": None if one.clause == WHOLE else one.clause, "similarity": rounded(one.similarity)}
                    yield row | {"created_at": to_iso(record.feedback.created_at), "text": texts[one.record_id, one.clause]}
            if cursor is None:
                break


def to_json(rows: Iterable[Row]) -> Iterator[bytes]:
    """Give the rows as one JSON array, a row a line."""
    start = b"["
    for row in rows:
        yield start + b"\n" + orjson.dumps(row)
        start = b","
    yield b"[]\n" if start == b"[" else b"\n]\n"


FORMATS: Final[Mapping[str, Callable[[Iterable[Row], pa.Schema], Iterator[bytes]]]] = {
    "json": lambda rows, schema: to_json(rows),
    "jsonl": lambda rows, schema: to_jsonl(rows),
    "csv": lambda rows, schema: write_csv(rows, schema.names),
    "parquet": write_parquet,
}


def export(dashboard: Dashboard, question: DashboardQuestion, kind: str, format: str, *, members: bool) -> Iterator[bytes]:
    """Return the topics of the active version, or what belongs to them, as a file.

    Args:
        dashboard: Of the store.
        question: Whose period growth is told of.
        kind: One of `cxnlp.store.topics.fits.KINDS`.
        format: One of `FORMATS`.
        members: Whether what belongs to the topics is wanted.

    Raises:
        InvalidQuery: Something of the question is unknown.
    """
    if members:
        return FORMATS[format](member_rows(dashboard.store, kind), _MEMBER)
    return FORMATS[format](topic_rows(dashboard, question, kind), _TOPIC)
