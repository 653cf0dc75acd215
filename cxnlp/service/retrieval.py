"""Finding: an in-memory view that catches up from the store, and hits that are re-read from the store, so that a deletion is immediate."""

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from cxnlp.encoder import Document, encode
from cxnlp.errors import InvalidQuery, NotFound
from cxnlp.filters import Filter
from cxnlp.index import Coalescer, Hits, IndexView, Query
from cxnlp.lines import quote_line, to_line
from cxnlp.pipeline import Encoder
from cxnlp.privacy import Masker
from cxnlp.records import Quote, Record, Vector
from cxnlp.store import Store
from cxnlp.store.events import GENERATION_ACTIVATED
from cxnlp.store.hits import StoredHit, read_hits
from cxnlp.store.topics import FITTED
from cxnlp.text.cleaning import clean
from cxnlp.text.graphemes import widen

MOST_HITS: Final = 1_000
_MOST_QUERY_CHARACTERS: Final = 20_000
_ROWS_AT_ONCE: Final = 2_000
_EVENTS_AT_ONCE: Final = 1_000
_FRESH_SECONDS: Final = 0.5
_READERS_AT_ONCE: Final = 16
_REBUILDING: Final = (GENERATION_ACTIVATED, FITTED)


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

    def __init__(self, store: Store, encoder: Encoder, masker: Masker) -> None:
        """Begin with an empty view; it is built by the first `catch_up`."""
        self._store = store
        self._encoder = encoder
        self._masker = masker
        self._view: IndexView | None = None
        self._catching_up = threading.Lock()
        self._caught_up_at = float("-inf")
        # Callers who come at the same time share one pass of the encoder, one of the index and one reading of the store. These are apart, so that
        # the next ones are looked for while the hits of the first are read.
        self._encoding: Coalescer[str, Vector] = Coalescer(self._encode)
        self._finding: Coalescer[Query, Hits] = Coalescer(self._find)
        self._reading: Coalescer[Sequence[str], Mapping[str, StoredHit]] = Coalescer(self._read, _READERS_AT_ONCE)

    @property
    def n_indexed(self) -> int:
        """Records in the view."""
        return self._view.n if self._view else 0

    def catch_up(self) -> int:
        """Read what the store has done since the last time; return how many events that was."""
        with self._catching_up:
            view = self._view or self._build()
            n_events = 0
            while events := self._store.events.read(view.position, _EVENTS_AT_ONCE):
                if any(event.type in _REBUILDING for event in events):
                    view = self._build()
                    continue
                ids = list(dict.fromkeys(event.record_id for event in events if event.record_id and event.type.startswith("record.")))
                entries = self._store.vectors.entries_of(ids)
                view.remove([i for i in ids if i not in entries])
                view.put(list(entries.values()))
                view.position = events[-1].seq
                n_events += len(events)
            self._view = view
            self._caught_up_at = time.monotonic()
            return n_events

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
        vector = self._fresh_view().vector(record_id)
        if vector is None:  # perhaps it was analysed a moment ago
            self.catch_up()
            vector = self._fresh_view().vector(record_id)
        if vector is None:
            raise _not_found(record_id)
        return self._nearest(vector, k, filter, without=record_id)

    def _fresh_view(self) -> IndexView:
        if self._view is None or time.monotonic() - self._caught_up_at > _FRESH_SECONDS:
            self.catch_up()
        assert self._view is not None
        return self._view

    def _nearest(self, vector: Vector, k: int, filter: Filter, without: str | None = None) -> Found:
        if not 1 <= k <= MOST_HITS:
            raise InvalidQuery(f"k: is {k}; send a number from 1 to {MOST_HITS}")
        self._fresh_view()
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
        assert self._view is not None
        return self._view.search_many(queries)

    def _read(self, wanted: Sequence[Sequence[str]]) -> list[Mapping[str, StoredHit]]:
        return [read_hits(self._store.database, [i for some in wanted for i in some])] * len(wanted)

    def _build(self) -> IndexView:
        """Return a new view of all that is stored; searches go on in the old one meanwhile."""
        view = IndexView(self._encoder.dim, self._encoder.likeness)
        view.position = self._store.events.last_seq()
        after = 0
        while entries := self._store.vectors.entries(after, _ROWS_AT_ONCE):
            view.put(entries)
            after = entries[-1].seq
        return view


def _nearest_quote(hit: StoredHit, query: Vector) -> Quote | None:
    if not hit.spans:
        return None
    feedback, span = hit.record.feedback, hit.spans[int(np.argmax(hit.clauses @ query))]
    text = feedback.text if span.turn is None else feedback.turns[span.turn].text
    start, end = widen(text, span.start, span.end)
    return Quote(text[start:end], start, end, span.turn)


def _not_found(record_id: str) -> NotFound:
    return NotFound(f"record {record_id!r} does not exist or is not analysed yet; see GET /v1/status")
