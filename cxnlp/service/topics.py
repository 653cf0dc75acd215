"""Fitting topics: vectors and texts out of the store, a fit in a process of its own, permanent ids, back into the store."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from cxnlp.records import Record
from cxnlp.service.topic_models import space_to_bytes
from cxnlp.store import Assigned, Assignments, FittedTopic, NewFit, Store, StoredTopic
from cxnlp.store.topic_fits import FAILED
from cxnlp.text.cleaning import clean
from cxnlp.topics.fit import Fit, FitConfig
from cxnlp.topics.job import run_in_subprocess
from cxnlp.topics.matching import OldTopic, match

_ROWS_AT_ONCE: Final = 2_000


@dataclass(frozen=True, slots=True)
class FitReport:
    """What a fit found.

    Attributes:
        topics: The largest first.
        n_records: Records that were fitted.
        outlier_share: Share in [0, 1] of records without a topic.
    """

    topics: tuple[StoredTopic, ...]
    n_records: int
    outlier_share: float

    def to_json(self) -> dict[str, Any]:
        """Return it as the API shows it."""
        topics = [{"id": t.id, "label": t.label, "words": list(t.words), "records": t.n} for t in self.topics]
        return {"topics": topics, "records": self.n_records, "outlier_share": round(self.outlier_share, 4)}


@dataclass(frozen=True)
class TopicModel:
    """Topics over the document vectors of all records."""

    store: Store
    user_dictionary: Path | None = None

    def fit(self, seed: int, on_progress: Callable[[str, float], None]) -> FitReport:
        """Fit every analysed record anew and make the result the active one; topics that are found again keep their id.

        Args:
            seed: Of the random numbers.
            on_progress: Called with (stage, share in [0, 1]).

        Raises:
            InvalidInput: There are too few records.
        """
        number = self.store.topic_fits.begin("documents", "", {"seed": seed}, {}).number
        try:
            return self._fit(number, FitConfig(seed=seed, user_dictionary=self.user_dictionary), on_progress)
        except BaseException as error:
            self.store.topic_fits.end(number, FAILED, str(error) or "stopped")
            raise

    def _fit(self, number: int, config: FitConfig, on_progress: Callable[[str, float], None]) -> FitReport:
        since = self.store.events.last_seq()
        began = time.time()
        seqs, ids, texts, documents = self._read()
        fit = run_in_subprocess(documents, texts, config, on_progress)
        fitted = self._name(fit, ids)
        whole = np.full(len(ids), -1, np.int32)
        given = Assignments(np.array(seqs, np.int64), whole, fit.assignments, fit.similarities)
        generation = self.store.generations.active()
        told = {"n_records": len(ids), "from_at": began, "to_at": began, "metrics": {}, "report": None}
        found = NewFit(fitted, given, generation.encoder if generation else "", space_to_bytes(fit.space), fit.threshold, told)
        self.store.topic_fits.keep(number, found)
        topic_ids = [fitted[topic].topic_id if topic >= 0 else None for topic in fit.assignments.tolist()]
        none = Assigned(np.zeros(0, np.int64), whole[:0], [], np.zeros(0, np.float32))
        assigned = Assigned(given.seqs, whole, topic_ids, fit.similarities)
        self.store.members.activate(number, assigned, since, lambda ids: none, "")
        return FitReport(tuple(self.store.topics.list()), len(ids), float(np.mean(fit.assignments < 0)))

    def _read(self) -> tuple[list[int], list[str], list[str], np.ndarray[Any, np.dtype[np.float32]]]:
        seqs, ids, texts, documents = [], [], [], []
        after = 0
        while entries := self.store.vectors.entries(after, _ROWS_AT_ONCE):
            after = entries[-1].seq
            records = self.store.feedback.get_many([entry.id for entry in entries])
            for entry in entries:
                if record := records.get(entry.id):
                    seqs.append(entry.seq)
                    ids.append(entry.id)
                    texts.append(_words_of(record))
                    documents.append(entry.document)
        return seqs, ids, texts, np.stack(documents) if documents else np.empty((0, 0), np.float32)

    def _name(self, fit: Fit, ids: list[str]) -> list[FittedTopic]:
        active = self.store.topic_fits.active("documents")
        known = [] if active is None else self.store.fitted.topics(active.number)
        standing, _ = self.store.members.standing("documents")
        of = self.store.sayings.ids(standing.seqs.tolist())
        members_of: dict[str, set[str]] = {}
        for seq, topic_id in zip(standing.seqs.tolist(), standing.topic_ids, strict=True):
            if topic_id is not None:
                members_of.setdefault(topic_id, set()).add(of[seq])
        old = [OldTopic(topic.topic_id, topic.centroid, members_of.get(topic.topic_id, set())) for topic in known]
        members = [{ids[i] for i in np.flatnonzero(fit.assignments == topic)} for topic in range(len(fit.labels))]
        names = match(fit.centroids, members, old, self.store.topics.highest())
        return [
            FittedTopic(name, label.name, label.words, centroid, len(of_topic))
            for name, label, centroid, of_topic in zip(names, fit.labels, fit.centroids, members, strict=True)
        ]


def _words_of(record: Record) -> str:
    return "\n".join(clean(text).text for _, text in record.feedback.segments())
