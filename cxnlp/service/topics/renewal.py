"""Topics after `cxnlp reindex`: the active ones go on in the vectors of the new encoder, found again there by their members."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from cxnlp.records import Matrix, Vector
from cxnlp.service.topics.items import batches, join
from cxnlp.service.topics.matching import keys_of
from cxnlp.service.topics.models import space_to_bytes
from cxnlp.service.topics.placement import rows_by
from cxnlp.store import Generation, Placed, Renewed, Standing, Store, StoredModel
from cxnlp.store.topics.fits import DOCUMENTS
from cxnlp.topics.assign import assign
from cxnlp.topics.fit import recentre
from cxnlp.topics.space import Space

_SAMPLED: Final = 25_000
_LEAST_OF_A_TOPIC: Final = 50
_EVERYTHING: Final = -1.0
_TOLERANCE: Final = 1e-5


def renew_topics(store: Store) -> Sequence[int]:
    """Move the active fits to the active generation of vectors and return their numbers.

    Every record stays in its topic. Space and centroids are learnt from the members anew, up to 25,000 of them; a new record belongs to the nearest
    topic if it is no further away than the share of records was that had none. Records analysed since the generation was activated get their topics.
    Topics of clauses wait for the next fit where clauses are split in another way now.

    Raises:
        Conflict: Other topics became active meanwhile.
    """
    generation = store.generations.active()
    if generation is None:
        return []
    models = [model for number, _ in store.topic_fits.current().values() if (model := store.fitted.model(number)) is not None]
    old = [model for model in models if model.encoder != generation.encoder and _is_split_alike(store, model, generation)]
    renewed = [found for model in old if (found := _renew(store, model, generation)) is not None]
    if not renewed:
        return []
    usable = [*(one.model for one in renewed), *(model for model in models if model.encoder == generation.encoder)]

    def late(record_ids: Sequence[str]) -> Placed:
        records, vectors = store.feedback.get_many(list(record_ids)), store.vectors.get_many(list(record_ids))
        found = [(i, r.analysis, vectors[i]) for i, r in records.items() if r.analysis is not None and i in vectors]
        return Placed({}, rows_by(usable, found))

    store.renewals.renew(renewed, late)
    return [one.model.fit for one in renewed]


def _is_split_alike(store: Store, model: StoredModel, generation: Generation) -> bool:
    splitters = {one.splitter for one in store.generations.list() if one.encoder == model.encoder}
    return model.kind == DOCUMENTS or splitters == {generation.splitter}


def _renew(store: Store, model: StoredModel, generation: Generation) -> Renewed | None:
    standing = store.members.standing(model.kind)
    places = {topic_id: row for row, topic_id in enumerate(model.topic_ids)}
    rows = np.array([places.get(topic_id, -1) if topic_id else -1 for topic_id in standing.fitted_ids], np.int64)
    keys = keys_of(standing.seqs, standing.clauses)
    chosen = _sample(rows, len(model.topic_ids))
    items = join(list(batches(store, model.kind, np.unique(standing.seqs[chosen]))))
    _, mine, theirs = np.intersect1d(keys_of(items.seqs, items.clauses), keys[chosen], assume_unique=True, return_indices=True)
    if not len(mine):
        return None
    texts = [items.texts[row] for row in mine.tolist()]
    space, centroids = recentre(items.vectors[mine], texts, rows[chosen][theirs], len(model.topic_ids))
    similarities = _similarities(store, model.kind, standing, space, centroids)
    n_out = min(int((rows < 0).sum()), len(rows) - 1)
    threshold = float(np.partition(similarities, n_out)[n_out]) - _TOLERANCE
    found = replace(model, encoder=generation.encoder, space=space_to_bytes(space), threshold=threshold, centroids=centroids)
    return Renewed(found, standing.seqs, standing.clauses, similarities)


def _similarities(store: Store, kind: str, standing: Standing, space: Space, centroids: Matrix) -> Vector:
    """Return (n,) the cosine of each to its nearest topic, as it was where there is no vector of it."""
    found, keys = standing.similarities.copy(), keys_of(standing.seqs, standing.clauses)
    for part in batches(store, kind, np.unique(standing.seqs)):
        _, mine, theirs = np.intersect1d(keys, keys_of(part.seqs, part.clauses), assume_unique=True, return_indices=True)
        if len(mine):
            found[mine] = assign(part.vectors[theirs], space, centroids, _EVERYTHING)[1]
    return found


def _sample(rows: npt.NDArray[np.int64], n_topics: int) -> npt.NDArray[np.int64]:
    """Return the places of up to 25,000 members, as many of each topic as there are, but 50 where there are so many."""
    rng = np.random.default_rng(1)
    most = max(_LEAST_OF_A_TOPIC, _SAMPLED // max(n_topics, 1))
    chosen = [rng.permutation(np.flatnonzero(rows == row))[:most] for row in range(n_topics)]
    return np.sort(np.concatenate([np.zeros(0, np.int64), *chosen]))
