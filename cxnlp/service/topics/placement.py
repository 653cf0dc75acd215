"""The topic of a record at the moment it is analysed: the nearest of each active fit, without a refit."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from cxnlp.records import Analysis, Matrix, Vectors
from cxnlp.service.topics.clauses import clauses_about
from cxnlp.service.topics.models import assign_to
from cxnlp.store import Placed, Store, StoredModel
from cxnlp.store.topics.fits import DOCUMENTS, WHOLE


@dataclass
class Placement:
    """Assigns new records to the topics of the active fits, which it reads again when they change."""

    store: Store
    encoder: str
    _fits: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    _models: dict[str, StoredModel] = field(default_factory=dict)

    def place(self, found: Sequence[tuple[str, Analysis, Vectors]]) -> Placed:
        """Return the topics of (record id, analysis, vectors).

        Fits of another encoder assign nothing; `cxnlp reindex` moves the active ones to the encoder that it leads to.
        """
        fits = self.store.topic_fits.current()
        if fits != self._fits:
            models = {kind: self.store.fitted.model(number) for kind, (number, _) in fits.items()}
            self._models = {kind: model for kind, model in models.items() if model is not None and model.encoder == self.encoder}
            self._fits = fits
        return Placed(self._fits, rows_by(self._models.values(), found))


def rows_by(models: Iterable[StoredModel], found: Sequence[tuple[str, Analysis, Vectors]]) -> dict[str, list[tuple[str, int, str | None, float]]]:
    """Return (kind, clause, topic id or None, similarity) by record id: where (record id, analysis, vectors) belong by these fits."""
    rows: dict[str, list[tuple[str, int, str | None, float]]] = {record_id: [] for record_id, _, _ in found}
    for model in models if found else ():
        places, vectors = _items(model.kind, found)
        if places:
            for (record_id, clause), topic_id, similarity in zip(places, *assign_to(model, vectors), strict=True):
                rows[record_id].append((model.kind, clause, topic_id, float(similarity)))
    return rows


def _items(kind: str, found: Sequence[tuple[str, Analysis, Vectors]]) -> tuple[list[tuple[str, int]], Matrix]:
    if kind == DOCUMENTS:
        return [(record_id, WHOLE) for record_id, _, _ in found], np.stack([vectors.document for _, _, vectors in found])
    places: list[tuple[str, int]] = []
    rows: list[Matrix] = []
    for record_id, analysis, vectors in found:
        wanted = clauses_about(kind, analysis, vectors.spans)
        places += [(record_id, clause) for clause in wanted]
        rows.append(vectors.clauses[wanted])
    return places, np.concatenate(rows)
