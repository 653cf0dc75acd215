"""Fits of topics moved to the vectors of another encoder: the same topics and members, another space and other centroids."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, bindparam, func, select, update

from cxnlp.errors import Conflict
from cxnlp.records import Matrix, Vector
from cxnlp.store.database import Database
from cxnlp.store.events import ANALYZED, GENERATION_ACTIVATED
from cxnlp.store.rows import chunks, from_json, to_json
from cxnlp.store.schema import events, feedback
from cxnlp.store.topics.fits import current_fits
from cxnlp.store.topics.members import Placed, place
from cxnlp.store.topics.results import StoredModel
from cxnlp.store.topics.tables import topic_fits, topic_members, topic_of_fit

_ROWS_AT_ONCE = 20_000


@dataclass(frozen=True, slots=True)
class Renewed:
    """An active fit in the vectors of another encoder.

    Attributes:
        model: What new records are assigned by from now on; its revision is the one that the fit had.
        seqs: (n,) int64, the store's numbers of the records that belong to it or to none of its topics.
        clauses: (n,) int32, -1 for a whole record.
        similarities: (n,) float32, cosine to the nearest topic in [-1, 1].
    """

    model: StoredModel
    seqs: NDArray[np.int64] = field(compare=False)
    clauses: NDArray[np.int32] = field(compare=False)
    similarities: Vector = field(compare=False)


class RenewalTable:
    """Moving the active fits to another generation of vectors."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def renew(self, fits: Sequence[Renewed], late: Callable[[Sequence[str]], Placed]) -> None:
        """Write fits of another encoder in one transaction; members stay where they are.

        Args:
            fits: Active ones.
            late: Assigns the records of these ids, analysed since the generation of vectors was activated, by these fits.

        Raises:
            Conflict: Another fit was activated, or a topic emerged, meanwhile.
        """
        with self._database.write() as connection:  # nothing is analysed meanwhile
            current = current_fits(connection)
            if any(current.get(one.model.kind) != (one.model.fit, one.model.revision) for one in fits):
                raise Conflict("other topics became active meanwhile; try again")
            for one in fits:
                _write(connection, one)
            switched = select(func.coalesce(func.max(events.c.seq), 0)).where(events.c.type == GENERATION_ACTIVATED).scalar_subquery()
            came = select(events.c.record_id).distinct().where(events.c.type == ANALYZED, events.c.seq > switched)
            ids = [record_id for record_id in connection.execute(came).scalars() if record_id]
            for part in chunks(ids):
                known = select(feedback.c.id, feedback.c.seq).where(feedback.c.id.in_(part))
                seqs: dict[str, int] = dict(connection.execute(known).all())
                placed = late(list(seqs))
                seqs = {record_id: seq for record_id, seq in seqs.items() if record_id in placed.rows}
                place(connection, replace(placed, fits=current_fits(connection)), seqs)


def _write(connection: Connection, one: Renewed) -> None:
    model, own = one.model, topic_fits.c.number == one.model.fit
    metrics = from_json(connection.execute(select(topic_fits.c.metrics).where(own)).scalar() or "{}")
    metrics["mean_similarity"] = round(float(one.similarities.mean()), 4) if len(one.similarities) else 0.0
    values = {"encoder": model.encoder, "space": model.space, "threshold": model.threshold, "revision": model.revision + 1}
    connection.execute(update(topic_fits).where(own).values(values | {"metrics": to_json(metrics)}))
    of_row = update(topic_of_fit).where(topic_of_fit.c.fit == model.fit, topic_of_fit.c.topic_id == bindparam("topic"))
    centroids: Matrix = model.centroids.astype(np.float32)
    rows = [{"topic": topic_id, "middle": centroids[row].tobytes()} for row, topic_id in enumerate(model.topic_ids)]
    if rows:
        connection.execute(of_row.values(centroid=bindparam("middle")), rows)
    member = update(topic_members).where(topic_members.c.kind == model.kind, topic_members.c.seq == bindparam("of"))
    member = member.where(topic_members.c.clause == bindparam("at")).values(similarity=bindparam("near"))
    for first in range(0, len(one.seqs), _ROWS_AT_ONCE):
        part = slice(first, first + _ROWS_AT_ONCE)
        columns = one.seqs[part].tolist(), one.clauses[part].tolist(), one.similarities[part].tolist()
        connection.execute(member, [{"of": seq, "at": clause, "near": near} for seq, clause, near in zip(*columns, strict=True)])
