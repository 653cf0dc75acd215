"""Generations of vectors: what one encoder and one splitter made. One is active; another may be built beside it."""

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, delete, func, insert, select, update

from cxnlp.errors import Conflict, NotFound
from cxnlp.store.database import Database
from cxnlp.store.events import GENERATION_ACTIVATED, Events
from cxnlp.store.rows import from_seconds
from cxnlp.store.schema import analyses, feedback, generations, vectors

BUILDING: Final = "building"
ACTIVE: Final = "active"
RETIRED: Final = "retired"
_DELETED_AT_ONCE: Final = 2_000
_OF_ANOTHER: Final = (
    "the stored vectors are of another encoder or splitter than this process has; run `cxnlp reindex`, or set CXNLP_ENCODER back;"
    " if that is done, start this process anew"
)


@dataclass(frozen=True, slots=True)
class Generation:
    """What one encoder and one splitter made.

    Attributes:
        id: Its number.
        encoder: Hash of weights, tokenizer, pooling and prefix.
        splitter: Version of the splitter of clauses.
        dim: Length of the vectors.
        state: building, active or retired.
        created_at: When it was begun, UTC.
    """

    id: int
    encoder: str
    splitter: str
    dim: int
    state: str
    created_at: datetime


class Generations:
    """All generations."""

    def __init__(self, database: Database, events: Events) -> None:
        self._database = database
        self._events = events

    def active(self) -> Generation | None:
        """Return the one that search reads, or None before the first."""
        with self._database.read() as connection:
            return _find(connection, state=ACTIVE)

    def list(self) -> list[Generation]:
        """Return all, oldest first."""
        with self._database.read() as connection:
            return [_generation(row) for row in connection.execute(select(generations).order_by(generations.c.id))]

    def check(self, encoder: str, splitter: str | None = None) -> None:
        """See to it that the stored vectors, if there are any, are of an encoder, and of a splitter of clauses if one is given.

        Raises:
            Conflict: They are not, so nothing that this encoder makes can be compared with them.
        """
        active = self.active()
        if active and (active.encoder != encoder or splitter not in (None, active.splitter)):
            raise Conflict(_OF_ANOTHER)

    def ensure(self, encoder: str, splitter: str, dim: int) -> Generation:
        """Return the active generation if it is of this encoder and splitter; make it if there is none at all.

        Raises:
            Conflict: The active one is of another encoder or splitter.
        """
        found = self.active()
        if found is None:
            with self._database.write() as connection:
                found = _find(connection, state=ACTIVE) or _create(connection, encoder, splitter, dim, ACTIVE)
        if (found.encoder, found.splitter, found.dim) != (encoder, splitter, dim):
            raise Conflict(_OF_ANOTHER)
        return found

    def begin(self, encoder: str, splitter: str, dim: int) -> Generation:
        """Return the generation of this encoder and splitter that is being built, making it if there is none: so a build is resumed.

        A build for another encoder or splitter is given up.

        Raises:
            Conflict: It is the active one already.
        """
        with self._database.write() as connection:
            active = _find(connection, state=ACTIVE)
            if active and (active.encoder, active.splitter, active.dim) == (encoder, splitter, dim):
                raise Conflict(f"generation {active.id} of this encoder and splitter is active already; there is nothing to build")
            found = _find(connection, state=BUILDING, encoder=encoder, splitter=splitter, dim=dim)
            if found is None:
                connection.execute(update(generations).where(generations.c.state == BUILDING).values(state=RETIRED))
                found = _create(connection, encoder, splitter, dim, BUILDING)
            return found

    def activate(self, generation_id: int) -> None:
        """Make a generation the active one at once for all readers, retire the others and delete their vectors.

        Raises:
            NotFound: There is no such generation.
            Conflict: It is retired, or some analysed records lack vectors of it: they were analysed since, so build on and try again.
        """
        with self._database.write() as connection:
            state = generation_state(connection, generation_id)
            if state is None:
                raise NotFound(f"there is no generation {generation_id}")
            if state == RETIRED:
                raise Conflict(f"generation {generation_id} is retired; begin a new one")
            if n_missing := connection.execute(select(func.count()).select_from(lacking(generation_id).subquery())).scalar_one():
                raise Conflict(f"generation {generation_id} still lacks {n_missing} records; save their vectors, then activate it")
            connection.execute(update(generations).where(generations.c.id != generation_id).values(state=RETIRED))
            connection.execute(update(generations).where(generations.c.id == generation_id).values(state=ACTIVE))
            self._events.append(connection, GENERATION_ACTIVATED, [None], [{"generation_id": generation_id}])
        self.delete_retired()

    def delete_retired(self) -> int:
        """Delete the vectors of retired generations, a part at a time; return how many. Does what an interrupted `activate` left."""
        retired = select(generations.c.id).where(generations.c.state == RETIRED)
        n_deleted = 0
        after = 0
        while True:
            part = (
                select(vectors.c.seq)
                .where(vectors.c.seq > after, vectors.c.generation_id.in_(retired))
                .order_by(vectors.c.seq)
                .limit(_DELETED_AT_ONCE)
            )
            with self._database.write(appends=False) as connection:
                last = connection.execute(select(func.max(part.subquery().c.seq))).scalar()
                if last is None:
                    return n_deleted
                gone = delete(vectors).where(vectors.c.seq > after, vectors.c.seq <= last, vectors.c.generation_id.in_(retired))
                n_deleted += connection.execute(gone).rowcount
            after = last


def generation_state(connection: Connection, generation_id: int) -> str | None:
    """Return the state of a generation within a transaction, None if there is no such one."""
    return connection.execute(select(generations.c.state).where(generations.c.id == generation_id)).scalar()


def lacking(generation_id: int) -> Any:
    """Return the query for `seq` of the analysed records whose present version has no vectors of a generation."""
    present = (vectors.c.seq == feedback.c.seq) & (vectors.c.version == feedback.c.version) & (vectors.c.generation_id == generation_id)
    analyzed = feedback.join(analyses, (analyses.c.seq == feedback.c.seq) & (analyses.c.version == feedback.c.version))
    return select(feedback.c.seq).select_from(analyzed.outerjoin(vectors, present)).where(vectors.c.seq.is_(None))


def _find(connection: Connection, **columns: Any) -> Generation | None:
    row = connection.execute(select(generations).filter_by(**columns).order_by(generations.c.id.desc()).limit(1)).one_or_none()
    return None if row is None else _generation(row)


def _create(connection: Connection, encoder: str, splitter: str, dim: int, state: str) -> Generation:
    now = time.time()
    values = {"encoder": encoder, "splitter": splitter, "dim": dim, "state": state, "created_at": now}
    made = connection.execute(insert(generations).values(values).returning(generations.c.id)).scalar_one()
    return Generation(made, encoder, splitter, dim, state, from_seconds(now))


def _generation(row: Any) -> Generation:
    return Generation(row.id, row.encoder, row.splitter, row.dim, row.state, from_seconds(row.created_at))
