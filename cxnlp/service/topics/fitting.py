"""The result of a fit as a version: permanent ids, quotes, measures, and how it differs from what was before."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cxnlp.records import Vector
from cxnlp.service.topics.changes import find_changes
from cxnlp.service.topics.items import Items
from cxnlp.service.topics.matching import Before, Clusters, identify, keys_of
from cxnlp.service.topics.models import space_to_bytes, unify_copies
from cxnlp.store import Assignments, FittedTopic, NewFit, Store, TopicFit
from cxnlp.store.topics.fits import DOCUMENTS, DONE
from cxnlp.topics.fit import Fit
from cxnlp.topics.layout import align
from cxnlp.topics.matching import OldTopic

_N_RETIRED_FITS: Final = 5


def to_version(store: Store, fit: TopicFit, made: Fit, items: Items, metrics: Mapping[str, Any]) -> NewFit:
    """Return what a fit found, with permanent ids, as the store keeps it.

    Args:
        store: With what was before.
        fit: That was begun.
        made: Its result.
        items: What was fitted.
        metrics: What its version tells beside the measures of the topics.
    """
    before = _before(store, fit)
    keys = store.members.copy_keys(items.seqs) if fit.kind == DOCUMENTS else np.zeros(items.n, np.int64)
    rows, similarities = unify_copies(made.assignments, made.similarities, keys)
    named = identify(Clusters(rows, made.space, described(made, rows, items)), items, before)
    rows, _ = unify_copies(named.rows, similarities, keys)
    generation = store.generations.active()
    merged = store.topics.resolutions()
    inside = similarities[rows >= 0]
    # No new record is let in that is further from its topic than all the fit has put there.
    threshold = max(made.threshold, float(inside.min())) if len(inside) else made.threshold
    measured = {"outlier_share": round(float(np.mean(rows < 0)), 4), "mean_similarity": round(float(similarities.mean()), 4)}
    first, last = items.window or (None, None)
    told: dict[str, Any] = {"n_records": len(np.unique(items.seqs)), "from_at": first, "to_at": last}
    told |= {"metrics": measured | dict(metrics), "report": _changes(named, rows, items, before, merged)}
    assignments = Assignments(items.seqs, items.clauses, rows, similarities)
    return NewFit(_aligned(named.topics, before), assignments, generation.encoder if generation else "", space_to_bytes(made.space), threshold, told)


def _before(store: Store, fit: TopicFit) -> Before:
    """Return the active topics, and those of the last fits before that are not among them."""
    standing = store.members.standing(fit.kind)
    topics = [] if fit.parent is None else _topics(store, store.topic_fits.get(fit.parent))
    known = {topic.topic_id for topic in topics}
    retired: list[OldTopic] = []
    done = [one for one in store.topic_fits.list(fit.kind) if one.state == DONE and one.number != fit.parent]
    for before in done[:_N_RETIRED_FITS]:
        made = store.fitted.assignments(before.number)
        for row, topic in enumerate(_topics(store, before)):
            if topic.topic_id not in known:
                own = made.rows == row
                keys = keys_of(made.seqs[own], made.clauses[own]).tolist()
                retired.append(OldTopic(topic.topic_id, topic.centroid, [str(key) for key in keys]))
        known |= {topic.id for topic in retired}
    return Before(topics, standing, retired, store.topics.families(), store.topics.highest())


def _topics(store: Store, fit: TopicFit) -> list[FittedTopic]:
    """Return what a fit found; where its vectors were of another encoder, its centroids are zero, so that members alone tell."""
    found, generation = store.fitted.topics(fit.number), store.generations.active()
    if generation is None or fit.encoder in (None, generation.encoder):
        return list(found)
    return [replace(topic, centroid=np.zeros(generation.dim, np.float32)) for topic in found]


def described(made: Fit, rows: npt.NDArray[np.int32], items: Items) -> Sequence[FittedTopic]:
    """Return the topics of a fit without ids, by row: words, name, centroid, size, place on the map, quotes."""
    sizes = np.bincount(rows[rows >= 0], minlength=len(made.labels))
    return [
        FittedTopic(
            topic_id="",
            label=label.name,
            words=tuple(label.words),
            centroid=made.centroids[row],
            n=int(sizes[row]),
            position=_place(made.positions[row]),
            quotes=tuple((int(items.seqs[i]), int(items.clauses[i])) for i in label.quotes),
        )
        for row, label in enumerate(made.labels)
    ]


def _aligned(found: Sequence[FittedTopic], before: Before) -> list[FittedTopic]:
    """Return the topics with their places on the map turned, as far as can be, to where they were before."""
    old = {topic.topic_id: np.array(topic.position) for topic in before.topics if topic.position}
    places = align(old, {topic.topic_id: np.array(topic.position) for topic in found if topic.position})
    return [replace(topic, position=_place(places[topic.topic_id])) if topic.topic_id in places else topic for topic in found]


def _place(position: Vector) -> tuple[float, float]:
    return float(position[0]), float(position[1])


def _changes(named: Clusters, rows: Any, items: Items, before: Before, merged: Any) -> dict[str, Any] | None:
    if not before.topics:
        return None
    standing = before.standing
    _, mine, theirs = np.intersect1d(
        keys_of(items.seqs, items.clauses), keys_of(standing.seqs, standing.clauses), assume_unique=True, return_indices=True
    )
    ids = [topic.topic_id for topic in named.topics]
    now = [ids[row] if row >= 0 else None for row in rows[mine].tolist()]
    was = [standing.topic_ids[row] for row in theirs.tolist()]
    return find_changes(was, [topic_id and merged.get(topic_id, topic_id) for topic_id in now]).to_json()
