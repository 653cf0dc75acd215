"""Views of the topics that are active: which stand under which, which are alike, and where they and their records lie."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from cxnlp.charts import Join
from cxnlp.errors import InvalidQuery
from cxnlp.filters import Filter
from cxnlp.records import Matrix, rounded
from cxnlp.service.topics.models import space_of
from cxnlp.service.topics.versions import texts_of
from cxnlp.store import Store, StoredModel, StoredTopic
from cxnlp.store.topics.fits import DOCUMENTS
from cxnlp.topics.hierarchy import join_alike
from cxnlp.topics.layout import locate

MOST_POINTS: Final = 5_000


@dataclass(frozen=True, slots=True)
class Point:
    """A record on the map: its public id, the id of its topic or None, its place, and what was said."""

    record_id: str
    topic_id: str | None
    x: float
    y: float
    text: str

    def to_line(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {"record_id": self.record_id, "topic": self.topic_id, "position": [rounded(self.x), rounded(self.y)], "text": self.text}


@dataclass(frozen=True)
class TopicViews:
    """The topics of a store, to look at."""

    store: Store

    def hierarchy(self, kind: str = DOCUMENTS) -> tuple[Sequence[StoredTopic], Sequence[Join]]:
        """Return the topics that are not muted, the largest first, and which of them are alike, step by step.

        Topics without a centroid of the active version are joined with none.
        """
        topics = self._topics(kind)
        model = self._model(kind)
        if model is None:
            return topics, ()
        means = self._means(model)
        places = [place for place, topic in enumerate(topics) if topic.id in means]
        if len(places) < 2:
            return topics, ()
        centroids = np.stack([means[topics[place].id] for place in places])
        sizes = np.array([max(1, topics[place].n) for place in places], np.float32)
        numbers = [*places, *range(len(topics), len(topics) + len(places))]
        return topics, [Join(numbers[a], numbers[b], likeness) for a, b, likeness in join_alike(centroids, sizes)]

    def map(self, filter: Filter, limit: int = 1_000) -> tuple[Sequence[StoredTopic], Sequence[Point]]:
        """Return the topics of records with a place on the map, and records around them.

        Args:
            filter: Which records.
            limit: How many, 0 to 5,000; of more that pass the filter some are taken, evenly from the first received to the last.

        Raises:
            InvalidQuery: The limit is out of range.
        """
        if not 0 <= limit <= MOST_POINTS:
            raise InvalidQuery(f"limit is {limit}; write 0 to {MOST_POINTS:,}")
        topics = [topic for topic in self._topics(DOCUMENTS) if topic.position is not None]
        model = self._model(DOCUMENTS)
        if model is None or not topics or not limit:
            return topics, ()
        return topics, self._points(model, filter, limit, {topic.id for topic in topics})

    def quotes(self, topics: Sequence[StoredTopic], n: int = 1) -> dict[str, list[str]]:
        """Return what customers said that speaks for each topic, up to n texts by topic id."""
        places = {topic.id: self.store.topics.quoted(topic.id)[:n] for topic in topics}
        texts = texts_of(self.store, [place for of in places.values() for place in of])
        return {topic_id: [texts[place] for place in of if place in texts] for topic_id, of in places.items()}

    def _topics(self, kind: str) -> list[StoredTopic]:
        return [topic for topic in self.store.topics.list(kind) if not topic.muted]

    def _model(self, kind: str) -> StoredModel | None:
        fit = self.store.topic_fits.current().get(kind)
        model = None if fit is None else self.store.fitted.model(fit[0])
        return None if model is None or not len(model.topic_ids) else model

    def _means(self, model: StoredModel) -> dict[str, Matrix]:
        """Return the centroid of each topic, those merged into it included."""
        merged = self.store.topics.resolutions()
        rows: dict[str, list[int]] = {}
        for row, topic_id in enumerate(model.topic_ids):
            rows.setdefault(merged.get(topic_id, topic_id), []).append(row)
        sums = {topic_id: model.centroids[of].sum(0) for topic_id, of in rows.items()}
        return {topic_id: total / max(float(np.linalg.norm(total)), 1e-9) for topic_id, total in sums.items()}

    def _points(self, model: StoredModel, filter: Filter, limit: int, known: set[str]) -> list[Point]:
        generation = self.store.generations.active()
        if generation is None or generation.encoder != model.encoder:  # reindexed since: its vectors lie elsewhere
            return []
        passing = self.store.members.analyzed(filter)
        chosen = passing[np.unique(np.linspace(0, len(passing) - 1, limit).round().astype(np.int64))] if len(passing) > limit else passing
        seqs: list[int] = chosen.tolist()
        placed = [(topic.topic_id, topic.position) for topic in self.store.fitted.topics(model.fit)]
        rows = [row for row, (_, position) in enumerate(placed) if position is not None]
        if not seqs or not rows:
            return []
        positions = np.array([placed[row][1] for row in rows], np.float32)
        vectors = self.store.vectors.documents(seqs, generation.id, generation.dim)
        found = np.flatnonzero(~np.isnan(vectors[:, 0]))
        places = locate(vectors[found], space_of(model.space), model.centroids[rows], positions)
        numbers, topic_ids = self.store.topics.assigned()
        own = dict(zip(numbers.tolist(), topic_ids, strict=True))
        said, ids = self.store.sayings.of(seqs), self.store.sayings.ids(seqs)
        return [
            Point(ids[seq], topic_id if (topic_id := own.get(seq)) in known else None, float(x), float(y), said[seq].text)
            for seq, (x, y) in zip((seqs[row] for row in found.tolist()), places.tolist(), strict=True)
            if seq in said and seq in ids
        ]
