"""This process's own view of the store: an in-memory index that catches up by the log of events."""

import threading
import time
from typing import Final

from cxnlp.index import IndexView
from cxnlp.pipeline import Encoder
from cxnlp.store import Store
from cxnlp.store.events import GENERATION_ACTIVATED
from cxnlp.store.topics import FITTED

_ROWS_AT_ONCE: Final = 2_000
_EVENTS_AT_ONCE: Final = 1_000
_FRESH_SECONDS: Final = 0.5
_REBUILDING: Final = (GENERATION_ACTIVATED, FITTED)


class View:
    """The index of one process, shared by all that asks it."""

    def __init__(self, store: Store, encoder: Encoder) -> None:
        """Begin with nothing; the first `catch_up` reads all that is stored.

        Args:
            store: What is viewed.
            encoder: Its `dim` and `likeness` are read; it encodes nothing here.
        """
        self._store = store
        self._encoder = encoder
        self._index: IndexView | None = None
        self._catching_up = threading.Lock()
        self._caught_up_at = float("-inf")

    @property
    def n_indexed(self) -> int:
        """Records in the view."""
        return self._index.n if self._index else 0

    def fresh(self) -> IndexView:
        """Return the index, caught up if it is older than half a second."""
        if self._index is None or time.monotonic() - self._caught_up_at > _FRESH_SECONDS:
            self.catch_up()
        assert self._index is not None
        return self._index

    def catch_up(self) -> int:
        """Read what the store has done since the last time; return how many events that was."""
        with self._catching_up:
            index = self._index or self._build()
            n_events = 0
            while events := self._store.events.read(index.position, _EVENTS_AT_ONCE):
                if any(event.type in _REBUILDING for event in events):
                    index = self._build()
                    continue
                ids = list(dict.fromkeys(event.record_id for event in events if event.record_id and event.type.startswith("record.")))
                entries = self._store.vectors.entries_of(ids)
                index.remove([i for i in ids if i not in entries])
                index.put(list(entries.values()))
                index.position = events[-1].seq
                n_events += len(events)
            self._index = index
            self._caught_up_at = time.monotonic()
            return n_events

    def _build(self) -> IndexView:
        """Return a new index of all that is stored; searches go on in the old one meanwhile."""
        index = IndexView(self._encoder.dim, self._encoder.likeness)
        index.position = self._store.events.last_seq()
        after = 0
        while entries := self._store.vectors.entries(after, _ROWS_AT_ONCE):
            index.put(entries)
            after = entries[-1].seq
        return index
