"""The queue of records to analyse, and what became of them."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, delete, func, insert, literal, or_, select, true, update

from cxnlp.errors import Conflict
from cxnlp.lines import analysis_line
from cxnlp.records import Analysis, Vectors
from cxnlp.store.corrections import apply_corrections
from cxnlp.store.database import Database
from cxnlp.store.events import ANALYZED, Events
from cxnlp.store.generations import RETIRED, generation_state
from cxnlp.store.labels import label_columns, replace_labels
from cxnlp.store.reading import read_corrections
from cxnlp.store.rows import COLUMNS, Claim, chunks, claim_of, feedback_of, from_json, to_json
from cxnlp.store.schema import MOST_ATTEMPTS, analyses, feedback, pending, vectors
from cxnlp.store.topics.members import Placed, place
from cxnlp.store.vectors import vector_row
from cxnlp.store.words import Said, replace_words

_MOST_ERROR = 300


@dataclass(frozen=True, slots=True)
class Result:
    """What one pass read from one record: give back the id and version of the claim.

    Without `said`, full text does not find the record until a worker has nothing else to do.
    """

    record_id: str
    version: int
    analysis: Analysis
    vectors: Vectors
    said: Said | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """Another analysis of a record's version, from its stored vectors."""

    record_id: str
    version: int
    analysis: Analysis


class Analyses:
    """The queue and the results."""

    def __init__(self, database: Database, events: Events) -> None:
        self._database = database
        self._events = events

    def claim(self, holder: str, limit: int, lease_seconds: float) -> list[Claim]:
        """Take records to analyse, first come first served; nobody else gets them until the lease ends.

        Args:
            holder: Who asks; unique among processes.
            limit: At most so many.
            lease_seconds: After which others may take those over that are neither saved, failed nor released.
        """
        claimed: list[Claim] = []
        with self._database.write(appends=False) as connection:
            now = time.time()
            free = or_(pending.c.leased_until.is_(None), pending.c.leased_until < now)
            waiting = select(pending.c.seq).where(pending.c.attempts < MOST_ATTEMPTS, free).order_by(pending.c.seq).limit(limit)
            seqs = connection.execute(waiting.with_for_update(skip_locked=True)).scalars().all()
            for part in chunks(seqs):
                connection.execute(update(pending).where(pending.c.seq.in_(part)).values(holder=holder, leased_until=now + lease_seconds))
                content = select(*COLUMNS).where(feedback.c.seq.in_(part)).order_by(feedback.c.seq)
                claimed += [claim_of(row) for row in connection.execute(content)]
        return claimed

    def renew(self, claims: Sequence[Claim], holder: str, lease_seconds: float) -> int:
        """Take claimed records for longer; return how many of them the holder still has.

        Args:
            claims: What it claimed.
            holder: Who asks.
            lease_seconds: As in `claim`, from now on.
        """
        n_held = 0
        with self._database.write(appends=False) as connection:
            until = time.time() + lease_seconds
            for part in chunks(claim.seq for claim in claims):
                held = select(pending.c.seq).where(pending.c.seq.in_(part), pending.c.holder == holder)
                seqs = connection.execute(held.with_for_update(skip_locked=True)).scalars().all()
                n_held += connection.execute(update(pending).where(pending.c.seq.in_(seqs)).values(leased_until=until)).rowcount
        return n_held

    def save(self, results: Sequence[Result], generation_id: int, placed: Placed | None = None) -> int:
        """Store results in one transaction and return how many applied.

        A result applies only if its record still waits for analysis in that very version; a record that was updated, forgotten or saved by
        another meanwhile is left alone, so that every version is analysed, and told of, once.

        Args:
            results: At most one for a record.
            generation_id: Whose vectors they are.
            placed: Their topics; None where nothing was fitted.

        Raises:
            Conflict: The generation is unknown or retired: the process must load the present encoder. Or the topics are
                of a fit that is not active any more. The records stay queued.
        """
        by_id = {result.record_id: result for result in results}
        with self._database.write() as connection:
            if generation_state(connection, generation_id) in (None, RETIRED):
                raise Conflict(f"generation {generation_id} is retired; restart this process with the present encoder")
            contents = _waiting(connection, by_id)
            if not contents:
                return 0
            applied = {seq: by_id[row.id] for seq, row in contents.items()}
            for part in chunks(applied):
                connection.execute(delete(analyses).where(analyses.c.seq.in_(part)))
                connection.execute(delete(vectors).where(vectors.c.seq.in_(part), vectors.c.generation_id == generation_id))
                connection.execute(delete(pending).where(pending.c.seq.in_(part)))
            labels = _corrected(connection, {seq: result.analysis for seq, result in applied.items()}, contents)
            connection.execute(insert(analyses), _analysis_rows(applied, labels, generation_id))
            connection.execute(insert(vectors), [vector_row(seq, generation_id, r.version, r.vectors) for seq, r in applied.items()])
            replace_labels(connection, labels)
            replace_words(connection, {seq: (r.version, r.said) for seq, r in applied.items() if r.said is not None})
            if placed is not None:
                place(connection, placed, {result.record_id: seq for seq, result in applied.items()})
            told = [{"version": result.version} for result in applied.values()]
            self._events.append(connection, ANALYZED, [result.record_id for result in applied.values()], told)
        return len(applied)

    def reread(self, readings: Sequence[Reading]) -> int:
        """Replace analyses by others of the same content, in one transaction, and return how many applied.

        A record that was updated or forgotten meanwhile is left alone. Vectors stay; corrections are laid over the new reading.

        Args:
            readings: At most one for a record.
        """
        by_id = {reading.record_id: reading for reading in readings}
        known = select(*COLUMNS).join(analyses, (analyses.c.seq == feedback.c.seq) & (analyses.c.version == feedback.c.version))
        with self._database.write() as connection:
            contents: dict[int, Any] = {}
            for part in chunks(by_id):
                rows = connection.execute(known.where(feedback.c.id.in_(part)).order_by(feedback.c.seq))
                contents |= {row.seq: row for row in rows if row.version == by_id[row.id].version}
            made = {seq: by_id[row.id].analysis for seq, row in contents.items()}
            labels = _corrected(connection, made, contents)
            if made:
                lines = [
                    {"of": seq, "line": to_json(analysis_line(a)), "analyzed_at": time.time()} | label_columns(labels[seq]) for seq, a in made.items()
                ]
                connection.execute(update(analyses).where(analyses.c.seq == bindparam("of")), lines)
                replace_labels(connection, labels)
            told = [{"version": row.version, "reason": "model"} for row in contents.values()]
            self._events.append(connection, ANALYZED, [row.id for row in contents.values()], told)
        return len(contents)

    def fail(self, record_id: str, version: int, error: str) -> None:
        """Note that a record could not be analysed; after three attempts it leaves the queue as failed.

        Args:
            record_id: Of the record.
            version: That was tried.
            error: What went wrong, without what the customer said; kept up to 300 characters.
        """
        of = select(feedback.c.seq).where(feedback.c.id == record_id).scalar_subquery()
        with self._database.write(appends=False) as connection:
            connection.execute(
                update(pending)
                .where(pending.c.seq == of, pending.c.version == version)
                .values(attempts=pending.c.attempts + 1, error=error[:_MOST_ERROR], holder=None, leased_until=None)
            )

    def failures(self, limit: int = 100) -> list[tuple[str, str]]:
        """Return (record id, error) of records that left the queue as failed, newest first."""
        query = select(feedback.c.id, pending.c.error).join(pending).where(pending.c.attempts >= MOST_ATTEMPTS)
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(feedback.c.seq.desc()).limit(limit)).all()
        return [(row.id, row.error or "") for row in rows]

    def release(self, holder: str) -> int:
        """Give back all that a holder has claimed, as at the end of a process; return how many."""
        with self._database.write(appends=False) as connection:
            return connection.execute(update(pending).where(pending.c.holder == holder).values(holder=None, leased_until=None)).rowcount

    def requeue(self, record_ids: Sequence[str]) -> int:
        """Queue records again, whether analysed, failed or waiting; the present analysis is shown until the new one is saved.

        Returns:
            How many of them exist.
        """
        return sum(self._queue(feedback.c.id.in_(part)) for part in chunks(dict.fromkeys(record_ids)))

    def requeue_failed(self) -> int:
        """Queue all failed records again and return how many."""
        return self._queue(feedback.c.seq.in_(select(pending.c.seq).where(pending.c.attempts >= MOST_ATTEMPTS)))

    def requeue_all(self) -> int:
        """Queue every record again, as for a new model, and return how many."""
        return self._queue(true())

    def _queue(self, which: ColumnElement[bool]) -> int:
        known = select(feedback.c.seq).where(which)
        absent = feedback.c.seq.not_in(select(pending.c.seq))
        with self._database.write() as connection:
            n_queued = connection.execute(select(func.count()).select_from(known.subquery())).scalar_one()
            connection.execute(update(pending).where(pending.c.seq.in_(known)).values(attempts=0, error=None))
            anew = select(feedback.c.seq, feedback.c.version, literal(0)).where(which, absent)
            connection.execute(insert(pending).from_select(["seq", "version", "attempts"], anew))
        return n_queued


def _waiting(connection: Connection, by_id: Mapping[str, Result]) -> dict[int, Any]:
    found: dict[int, Any] = {}
    queued = select(*COLUMNS).join(pending, (pending.c.seq == feedback.c.seq) & (pending.c.version == feedback.c.version))
    for part in chunks(by_id):
        rows = connection.execute(queued.where(feedback.c.id.in_(part)).order_by(feedback.c.seq))
        found |= {row.seq: row for row in rows if row.version == by_id[row.id].version}
    return found


def _corrected(connection: Connection, labels: Mapping[int, Analysis], contents: Mapping[int, Any]) -> dict[int, Analysis]:
    """Return the analyses by seq with people's corrections laid over them."""
    made = dict(labels)
    for seq, rows in read_corrections(connection, made).items():
        made[seq] = apply_corrections(made[seq], {row.field: from_json(row.value) for row in rows}, feedback_of(contents[seq]))
    return made


def _analysis_rows(applied: Mapping[int, Result], labels: Mapping[int, Analysis], generation_id: int) -> list[dict[str, Any]]:
    now = time.time()
    return [
        {
            "seq": seq,
            "version": result.version,
            "generation_id": generation_id,
            "line": to_json(analysis_line(result.analysis)),
            "analyzed_at": now,
            **label_columns(labels[seq]),
        }
        for seq, result in applied.items()
    ]
