"""Topics that emerge between two fits: a burst of alike records that belong to none, or hardly to one, becomes one by itself."""

import logging
import os
import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from cxnlp.errors import CxnlpError
from cxnlp.records import Matrix
from cxnlp.service.topics.models import space_of
from cxnlp.store import Candidate, FittedTopic, Store
from cxnlp.store.events import ANALYZED
from cxnlp.store.topics.candidates import CURSOR
from cxnlp.store.topics.fits import DOCUMENTS, WHOLE
from cxnlp.text.tokens import words
from cxnlp.topics.bursts import find_burst
from cxnlp.topics.labels import label

_DAY_SECONDS: Final = 24 * 3600.0
_CURSOR_SECONDS: Final = 30.0
_PAUSE_SECONDS: Final = 5.0
_MOST_CANDIDATES: Final = 4_000
_N_QUOTES: Final = 3
_ALIKE: Final = 0.25
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EmergenceConfig:
    """When a topic emerges.

    Attributes:
        n_texts: Fewest alike records with different texts.
        days: Within so many days, by the time when customers said it.
        likeness: Cosine in (0, 1], in the space of the active fit, from which two count as alike; None takes that of two records of one topic of the
            fit, the square of their mean cosine to its centroid, but no less than 0.25: below, groups emerge that are about nothing in particular.
    """

    n_texts: int = 8
    days: int = 14
    likeness: float | None = None


@dataclass
class Emergence:
    """One process's part in watching the candidates; one process of a store does so at a time.

    Attributes:
        store: Where they lie.
        config: When a topic emerges.
        user_dictionary: Words that jieba keeps whole in labels.
    """

    store: Store
    config: EmergenceConfig = field(default_factory=EmergenceConfig)
    user_dictionary: Path | None = None
    _holder: str = field(default_factory=lambda: f"{os.getpid()}-{uuid.uuid4().hex[:8]}")
    _seen: int = -1

    def step(self) -> int:
        """Look at the candidates if any were analysed since the last time; return how many topics emerged."""
        last = self.store.events.last_seq()
        if last <= self._seen or DOCUMENTS not in self.store.topic_fits.current():
            return 0
        position = self.store.events.lease(CURSOR, self._holder, _CURSOR_SECONDS)
        if position is None:
            return 0
        n_emerged = 0
        if self.store.events.read(position, 1, [ANALYZED]):
            while self._emerge(last):
                n_emerged += 1
        self.store.events.advance(None, CURSOR, self._holder, last)
        self._seen = last
        return n_emerged

    def run(self, stop: threading.Event) -> None:
        """Watch until `stop` is set; a failure of the store is logged and tried again."""
        try:
            while not stop.wait(_PAUSE_SECONDS):
                try:
                    self.step()
                except CxnlpError as error:
                    _log.warning("emerging topics wait: %s", error)
                except Exception as error:  # its message may quote a text
                    _log.error("emerging topics wait: %s", type(error).__name__)
        finally:
            self.store.events.release(CURSOR, self._holder)

    def _emerge(self, position: int) -> bool:
        """Let the largest burst become a topic; return whether there was one."""
        current = self.store.topic_fits.current().get(DOCUMENTS)
        model = self.store.fitted.model(current[0]) if current else None
        generation = self.store.generations.active()
        if current is None or model is None or generation is None or model.encoder != generation.encoder:
            return False
        fit = self.store.topic_fits.get(model.fit)
        usual = float(fit.metrics.get("mean_similarity", 0.0))
        likeness = self.config.likeness or max(_ALIKE, usual**2)
        since = time.time() - self.config.days * _DAY_SECONDS
        candidates = self.store.candidates.list(since, fit.started_at.timestamp(), usual, _MOST_CANDIDATES)
        vectors = self.store.vectors.documents([one.seq for one in candidates], generation.id, generation.dim)
        known = ~np.isnan(vectors[:, 0]) if len(candidates) else np.zeros(0, np.bool_)
        candidates = [one for one, is_known in zip(candidates, known.tolist(), strict=True) if is_known]
        points = space_of(model.space).place(vectors[known]) if candidates else np.zeros((0, 0), np.float32)
        keys = np.array([one.copy_key for one in candidates], np.int64)
        rows = _new_burst(points, keys, model.centroids, self.config.n_texts, likeness)
        if rows is None:
            return False
        topic, near = self._topic([candidates[row] for row in rows.tolist()], points[rows])
        found = {candidates[row]: float(cosine) for row, cosine in zip(rows.tolist(), near.tolist(), strict=True)}
        return self.store.candidates.emerge(current, topic, found, self._holder, position) > 0

    def _topic(self, members: Sequence[Candidate], points: Matrix) -> tuple[FittedTopic, Matrix]:
        mean = points.mean(0)
        centroid = np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12), np.float32)
        near = np.clip(points @ centroid, -1, 1)
        order = [members[row].seq for row in np.argsort(-near, kind="stable").tolist()]
        said = self.store.sayings.of(order)
        texts = {said[seq].text: seq for seq in reversed(order) if seq in said}
        (named,) = label([list(reversed(texts))], partial(words, user_dictionary=self.user_dictionary))
        quotes = tuple((seq, WHOLE) for seq in list(reversed(texts.values()))[:_N_QUOTES])
        topic_id = f"t-{self.store.topics.highest() + 1}"
        return FittedTopic(topic_id, named.name, named.words, centroid, len(members), None, quotes), near


def _new_burst(points: Matrix, keys: npt.NDArray[np.int64], centroids: Matrix, n_texts: int, likeness: float) -> npt.NDArray[np.int64] | None:
    """Return the rows of the largest burst that is none of the topics there are: bursts about one of these are passed over."""
    left = np.arange(len(points))
    while (rows := find_burst(points[left], keys[left], n_texts, likeness)) is not None:
        mean = points[left[rows]].mean(0)
        if not len(centroids) or float((centroids @ mean).max()) < likeness**0.5 * float(np.linalg.norm(mean)):
            found: npt.NDArray[np.int64] = left[rows]
            return found
        left = np.delete(left, rows)
    return None
