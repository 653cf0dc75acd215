"""Fitting topics: vectors and texts out of the store, a fit in a process of its own, permanent ids, back into the store."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from cxnlp.records import Record
from cxnlp.store import Store, StoredTopic
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
        seqs, ids, texts, documents = self._read()
        config = FitConfig(seed=seed, user_dictionary=self.user_dictionary)
        fit = run_in_subprocess(documents, texts, config, on_progress)
        fitted = self._name(fit, ids)
        members = {
            seq: (fitted[topic].id, float(similarity))
            for seq, topic, similarity in zip(seqs, fit.assignments.tolist(), fit.similarities, strict=True)
            if topic >= 0
        }
        self.store.topics.replace(fitted, members)
        return FitReport(tuple(self.store.topics.list()), len(ids), 1 - len(members) / max(1, len(ids)))

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

    def _name(self, fit: Fit, ids: list[str]) -> list[StoredTopic]:
        known = self.store.topics.list(active_only=False)
        members_of = self.store.topics.members()
        old = [OldTopic(topic.id, topic.centroid, members_of.get(topic.id, set())) for topic in known if topic.is_active]
        members = [{ids[i] for i in np.flatnonzero(fit.assignments == topic)} for topic in range(len(fit.labels))]
        names = match(fit.centroids, members, old, max((topic.number for topic in known), default=0))
        return [
            StoredTopic(name, int(name.removeprefix("t-")), label.name, label.words, centroid)
            for name, label, centroid in zip(names, fit.labels, fit.centroids, strict=True)
        ]


def _words_of(record: Record) -> str:
    return "\n".join(clean(text).text for _, text in record.feedback.segments())
