"""Splitting a topic: its records are grouped anew by themselves, and the parts become topics of a version of their own."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cxnlp.errors import Conflict, InvalidInput
from cxnlp.records import Vector
from cxnlp.service.topics.fitting import described
from cxnlp.service.topics.items import Items, batches, join
from cxnlp.service.topics.jobs import Watch
from cxnlp.service.topics.matching import keys_of
from cxnlp.service.topics.models import space_of, unify_copies
from cxnlp.store import Assignments, FittedTopic, NewFit, Standing, Store, StoredModel, StoredTopic, TopicFit
from cxnlp.store.topics.fits import DOCUMENTS
from cxnlp.topics.fit import FitConfig
from cxnlp.topics.job import run_in_subprocess

LEAST_TO_SPLIT: Final = 20
_READ_SHARE: Final = 0.2
_FITTED_SHARE: Final = 0.9


@dataclass(frozen=True, slots=True)
class SplitRequest:
    """What to split.

    Attributes:
        topic_id: Of the topic.
        n_parts: Exactly so many, 2 or more; None finds as many as there are dense regions.
        seed: The same seed gives the same parts.
        user_dictionary: Words that jieba keeps whole.
    """

    topic_id: str
    n_parts: int | None = None
    seed: int = 7
    user_dictionary: Path | None = None

    def parameters(self) -> dict[str, Any]:
        """Return it as a version keeps it."""
        return {"split": self.topic_id, "n_topics": self.n_parts, "seed": self.seed}


def check_split(store: Store, request: SplitRequest) -> StoredTopic:
    """Return the topic if it can be split.

    Raises:
        NotFound: There is no such topic.
        InvalidInput: It has too few records, or too few parts are asked for.
        Conflict: It is not part of the active version, or that was made before topics had versions.
    """
    topic = store.topics.get(request.topic_id)
    if request.n_parts is not None and request.n_parts < 2:
        raise InvalidInput(f"{request.n_parts} parts were asked for; write 2 or more")
    active = store.topic_fits.active(topic.kind)
    if not topic.is_active or active is None:
        raise Conflict(f"{topic.id} is not part of the active version; activate one that has it")
    if store.fitted.model(active.number) is None:
        raise Conflict("the active version was made before topics could be split; fit them anew first")
    if topic.n < LEAST_TO_SPLIT:
        raise InvalidInput(f"{topic.id} has {topic.n} texts; at least {LEAST_TO_SPLIT} are needed to tell parts apart")
    return topic


def split_topic(store: Store, fit: TopicFit, request: SplitRequest, watch: Watch) -> tuple[NewFit, list[str]]:
    """Return the active version with one topic in parts, and the ids of the new ones; the largest part keeps the id.

    Args:
        store: Where the records lie.
        fit: That was begun for this, its parent the active one.
        request: What to split.
        watch: Told of the progress.

    Raises:
        InvalidInput: No parts can be told apart.
        Conflict: Other topics became active meanwhile.
    """
    standing = store.members.standing(fit.kind)
    model = None if fit.parent is None else store.fitted.model(fit.parent)
    if model is None or fit.parent is None:
        raise Conflict("other topics became active meanwhile; try again")
    own = np.array([topic_id == request.topic_id for topic_id in standing.topic_ids], np.bool_)
    items = _read(store, fit.kind, standing, own, watch)
    config = FitConfig(request.seed, request.n_parts, outlier_share=0.0, user_dictionary=request.user_dictionary)
    with tempfile.TemporaryDirectory(prefix="cxnlp-topics-") as folder:
        made = run_in_subprocess(
            items.vectors,
            items.texts,
            config,
            lambda stage, share: watch.tell(stage, _READ_SHARE + (_FITTED_SHARE - _READ_SHARE) * share),
            is_cancelled=watch.is_ending,
            folder=Path(folder),
        )
    if len(made.labels) < 2:
        raise InvalidInput(f"no parts of {request.topic_id} can be told apart; say how many you want")
    rows = made.assignments
    if fit.kind == DOCUMENTS:
        rows, _ = unify_copies(rows, made.similarities, store.members.copy_keys(items.seqs))
    ids = [request.topic_id, *(f"t-{store.topics.highest() + 1 + i}" for i in range(len(made.labels) - 1))]
    parts = [
        replace(part, topic_id=topic_id, centroid=_centroid(model, items, rows == row))
        for row, (part, topic_id) in enumerate(zip(described(made, rows, items), ids, strict=True))
    ]
    return _version(store, fit, standing, own, parts, (items, rows)), ids[1:]


def _read(store: Store, kind: str, standing: Standing, own: npt.NDArray[np.bool_], watch: Watch) -> Items:
    seqs = np.unique(standing.seqs[own])
    parts: list[Items] = []
    for part in batches(store, kind, seqs):
        parts.append(part)
        watch.tell("read", _READ_SHARE * min(1.0, sum(len(np.unique(one.seqs)) for one in parts) / len(seqs)))
    items = join(parts)
    wanted = np.isin(keys_of(items.seqs, items.clauses), keys_of(standing.seqs[own], standing.clauses[own]))
    texts = [items.texts[row] for row in np.flatnonzero(wanted).tolist()]
    if len(set(texts)) < 2:
        raise InvalidInput("all texts of the topic are the same, so there are no parts")
    return Items(items.seqs[wanted], items.clauses[wanted], texts, items.vectors[wanted], items.window)


def _centroid(model: StoredModel, items: Items, which: npt.NDArray[np.bool_]) -> Vector:
    """Return the centroid of some items in the space of the active fit, so that its other topics stay as they are."""
    mean = space_of(model.space).place(items.vectors[which]).mean(0)
    centroid: Vector = np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12), np.float32)
    return centroid


def _version(
    store: Store,
    fit: TopicFit,
    standing: Standing,
    own: npt.NDArray[np.bool_],
    parts: Sequence[FittedTopic],
    divided: tuple[Items, npt.NDArray[np.int32]],
) -> NewFit:
    """Return the active version with `parts` for one topic; what was merged into that one falls to the parts, too."""
    assert fit.parent is not None
    model, parent = store.fitted.model(fit.parent), store.topic_fits.get(fit.parent)
    assert model is not None
    merged = store.topics.resolutions()
    whole = parts[0].topic_id
    old = [topic for topic in store.fitted.topics(fit.parent) if merged.get(topic.topic_id, topic.topic_id) != whole]
    position = next((topic.position for topic in store.fitted.topics(fit.parent) if topic.topic_id == whole), None)
    topics = [*old, *(replace(part, position=position) for part in parts)]
    places = {topic.topic_id: row for row, topic in enumerate(topics)}
    rows = np.array([places.get(topic_id, -1) if topic_id else -1 for topic_id in standing.fitted_ids], np.int32)
    rows[own] = places[whole]
    items, of_part = divided
    _, mine, theirs = np.intersect1d(
        keys_of(standing.seqs, standing.clauses), keys_of(items.seqs, items.clauses), assume_unique=True, return_indices=True
    )
    rows[mine] = len(old) + of_part[theirs]
    first, last = parent.window or (fit.started_at, fit.started_at)
    told: dict[str, Any] = {"n_records": len(np.unique(standing.seqs)), "from_at": first.timestamp(), "to_at": last.timestamp(), "report": None}
    told["metrics"] = {"outlier_share": round(float(np.mean(rows < 0)), 4), "mean_similarity": round(float(standing.similarities.mean()), 4)}
    assignments = Assignments(standing.seqs, standing.clauses, rows, standing.similarities)
    split_from = {part.topic_id: whole for part in parts[1:]}
    return NewFit(topics, assignments, model.encoder, model.space, model.threshold, told, split_from)
