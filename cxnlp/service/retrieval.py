"""Finding: a view that catches up from the store, and hits that are re-read from the store, so that a deletion is immediate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from cxnlp.encoder import Document, encode
from cxnlp.errors import InvalidQuery, NotFound
from cxnlp.filters import Filter
from cxnlp.index import Coalescer, Hits, Query
from cxnlp.lines import quote_line, to_line
from cxnlp.pipeline import Encoder
from cxnlp.privacy import Masker
from cxnlp.records import Quote, Record, Vector
from cxnlp.service.view import View
from cxnlp.store import Store
from cxnlp.store.hits import StoredHit, read_hits
from cxnlp.text.cleaning import clean
from cxnlp.text.graphemes import widen

MOST_HITS: Final = 1_000
_MOST_QUERY_CHARACTERS: Final = 20_000
_READERS_AT_ONCE: Final = 16


@dataclass(frozen=True, slots=True)
class Hit:
    """One record that is alike.

    Attributes:
        score: Likeness in [0, 1].
        record: As it stands in the store now.
        quote: The clause nearest to the query.
    """

    score: float
    record: Record
    quote: Quote | None

    def to_json(self) -> dict[str, Any]:
        """Return it as the API shows it."""
        return {"score": round(self.score, 4), "record": to_line(self.record), "quote": quote_line(self.quote) if self.quote else None}


@dataclass(frozen=True, slots=True)
class Found:
    """The answer to a search.

    Attributes:
        hits: Nearest first.
        total: Records that pass the filter.
    """

    hits: tuple[Hit, ...]
    total: int


class Retrieval:
    """Search over one process's own view of the store."""

    def __init__(self, store: Store, encoder: Encoder, masker: Masker, view: View | None = None) -> None:
        """Search in a view that others share, or in one of its own."""
        self._store = store
        self._encoder = encoder
        self._masker = masker
        self._view = view or View(store, encoder)
        # Callers who come at the same time share one pass of the encoder, one of the index and one reading of the store. These are apart, so that
        # the next ones are looked for while the hits of the first are read.
        self._encoding: Coalescer[str, Vector] = Coalescer(self._encode)
        self._finding: Coalescer[Query, Hits] = Coalescer(self._find)
        self._reading: Coalescer[Sequence[str], Mapping[str, StoredHit]] = Coalescer(self._read, _READERS_AT_ONCE)

    @property
    def n_indexed(self) -> int:
        """Records in the view."""
        return self._view.n_indexed

    def catch_up(self) -> int:
        """Read what the store has done since the last time; return how many events that was."""
        return self._view.catch_up()

    def search(self, text: str, k: int, filter: Filter) -> Found:
        """Return the records nearest in meaning to a text.

        Raises:
            InvalidQuery: The text is blank or over 20,000 characters, or k is not in 1..1000.
        """
        if not text.strip():
            raise InvalidQuery("text: is empty; write what to search for")
        if len(text) > _MOST_QUERY_CHARACTERS:
            raise InvalidQuery(f"text: has {len(text)} characters; send at most {_MOST_QUERY_CHARACTERS}")
        query = clean(self._masker.mask(text)).text
        return self._nearest(self._encoding.ask(query), k, filter)

    def similar(self, record_id: str, k: int, filter: Filter) -> Found:
        """Return the records nearest to a stored one, itself left out.

        Raises:
            NotFound: There is no such record, or it is not analysed yet.
            InvalidQuery: k is not in 1..1000.
        """
        vector = self._view.fresh().vector(record_id)
        if vector is None:  # perhaps it was analysed a moment ago
            self._view.catch_up()
            vector = self._view.fresh().vector(record_id)
        if vector is None:
            raise _not_found(record_id)
        return self._nearest(vector, k, filter, without=record_id)

    def _nearest(self, vector: Vector, k: int, filter: Filter, without: str | None = None) -> Found:
        if not 1 <= k <= MOST_HITS:
            raise InvalidQuery(f"k: is {k}; send a number from 1 to {MOST_HITS}")
        found = self._finding.ask(Query(vector, min(k + (without is not None), MOST_HITS), filter))
        scores = [(i, score) for i, score in zip(found.ids, found.scores, strict=True) if i != without][:k]
        stored = self._reading.ask([i for i, _ in scores] if without is None else [without, *(i for i, _ in scores)])
        if without is not None and not (without in stored and stored[without].has_vectors):
            raise _not_found(without)  # it has gone or changed since the view caught up
        hits = [Hit(score, stored[i].record, _nearest_quote(stored[i], vector)) for i, score in scores if i in stored]
        return Found(tuple(hits), found.total - (without in found.ids))

    def _encode(self, texts: Sequence[str]) -> list[Vector]:
        return [encoded.document for encoded in encode(self._encoder, [Document(text) for text in texts])]

    def _find(self, queries: Sequence[Query]) -> list[Hits]:
        return self._view.fresh().search_many(queries)

    def _read(self, wanted: Sequence[Sequence[str]]) -> list[Mapping[str, StoredHit]]:
        return [read_hits(self._store.database, [i for some in wanted for i in some])] * len(wanted)


def _nearest_quote(hit: StoredHit, query: Vector) -> Quote | None:
    if not hit.spans:
        return None
    feedback, span = hit.record.feedback, hit.spans[int(np.argmax(hit.clauses @ query))]
    text = feedback.text if span.turn is None else feedback.turns[span.turn].text
    start, end = widen(text, span.start, span.end)
    return Quote(text[start:end], start, end, span.turn)


def _not_found(record_id: str) -> NotFound:
    return NotFound(f"record {record_id!r} does not exist or is not analysed yet; see GET /v1/status")
