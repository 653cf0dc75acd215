"""What customers said, without what was read from it: for work that goes through all texts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Select, bindparam, select

from cxnlp.filters import Filter
from cxnlp.store.conditions import ANALYZED, condition
from cxnlp.store.database import Database
from cxnlp.store.rows import chunks, from_json
from cxnlp.store.schema import feedback

_SAID: Final = (feedback.c.seq, feedback.c.channel, feedback.c.created_at, feedback.c.text, feedback.c.turns)
_BY_SEQ: Final[Select[Any]] = select(*_SAID).where(feedback.c.seq.in_(bindparam("seqs", expanding=True)))
_IDS: Final[Select[Any]] = select(feedback.c.seq, feedback.c.id).where(feedback.c.seq.in_(bindparam("seqs", expanding=True)))


@dataclass(frozen=True, slots=True)
class Saying:
    """What one customer said.

    Attributes:
        seq: The store's number of the record.
        channel: One of `cxnlp.records.CHANNELS`.
        created_at: POSIX seconds.
        text: The text, or the customer's turns joined by line breaks.
    """

    seq: int
    channel: str
    created_at: float
    text: str


class Sayings:
    """The texts of all records."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, filter: Filter, before_seq: int | None, limit: int) -> list[Saying]:
        """Return part of what passes a filter, last received first, starting before `before_seq`; fewer than `limit` at the end."""
        query = select(*_SAID).select_from(ANALYZED if not filter.is_empty else feedback).order_by(feedback.c.seq.desc()).limit(limit)
        if before_seq is not None:
            query = query.where(feedback.c.seq < before_seq)
        with self._database.read() as connection:
            return [_saying(row) for row in connection.execute(query.where(condition(filter, connection)))]

    def of(self, seqs: Iterable[int]) -> dict[int, Saying]:
        """Return the sayings of those of the records that exist, by seq."""
        with self._database.read() as connection:
            return {row.seq: _saying(row) for part in chunks(seqs) for row in connection.execute(_BY_SEQ, {"seqs": part})}

    def ids(self, seqs: Sequence[int]) -> Mapping[int, str]:
        """Return the public ids of those of the records that exist, by seq."""
        with self._database.read() as connection:
            return {row.seq: row.id for part in chunks(seqs) for row in connection.execute(_IDS, {"seqs": part})}


def _saying(row: Any) -> Saying:
    text = "\n".join(said for speaker, said, *_ in from_json(row.turns) if speaker == "customer") if row.turns else row.text
    return Saying(row.seq, row.channel, row.created_at, text)
