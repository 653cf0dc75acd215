"""This process's own view of the store: an in-memory index that starts from a snapshot and catches up by the log of events."""

import ctypes
import logging
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

import numpy as np

from cxnlp.index import IndexView, Origin, read_snapshot, write_snapshot
from cxnlp.pipeline import Encoder
from cxnlp.records import Entry, Matrix
from cxnlp.store import Event, Store
from cxnlp.store.events import GENERATION_ACTIVATED
from cxnlp.store.topics.candidates import EMERGED
from cxnlp.store.topics.curation import CHANGED
from cxnlp.store.topics.members import ACTIVATED

_ROWS_AT_ONCE: Final = 2_000
_EVENTS_AT_ONCE: Final = 1_000
_FRESH_SECONDS: Final = 0.5
_PATIENCE_SECONDS: Final = 1.0
_LONG_SECONDS: Final = 2.0
_CHANGES: Final = 10_000
_CHANGED_SHARE: Final = 0.01
_log = logging.getLogger(__name__)
_MOVING: Final = (ACTIVATED, CHANGED, EMERGED)
_Part = TypeVar("_Part")


class _Documents:
    """The exact document vectors of one generation."""

    def __init__(self, store: Store, dim: int, generation: int | None) -> None:
        self._store = store
        self._dim = dim
        self._generation = generation

    @property
    def generation(self) -> int | None:
        """Its number; where there was none at first, that of the first, which comes with the first records."""
        if self._generation is None and (active := self._store.generations.active()):
            self._generation = active.id
        return self._generation

    def __call__(self, seqs: Sequence[int]) -> Matrix:
        generation = self.generation
        if generation is None:
            return np.full((len(seqs), self._dim), np.nan, np.float32)
        return self._store.vectors.documents(seqs, generation, self._dim)


class View:
    """The index of one process, shared by all that asks it."""

    def __init__(self, store: Store, encoder: Encoder, folder: Path | None = None) -> None:
        """Begin with nothing; the first `catch_up` reads a snapshot, or all that is stored.

        Args:
            store: What is viewed.
            encoder: Its `id`, `dim` and `likeness` are read; it encodes nothing here.
            folder: Where snapshots lie, shared with other processes; None for none.
        """
        self._store = store
        self._encoder = encoder
        self._folder = folder
        self._index: IndexView | None = None
        self._documents = _Documents(store, encoder.dim, None)
        self._catching_up = threading.Lock()
        self._is_long = False
        self._caught_up_at = float("-inf")
        self._n_changed = 0
        self._n_removed = 0

    @property
    def n_indexed(self) -> int:
        """Records in the view."""
        return self._index.n if self._index else 0

    def fresh(self) -> IndexView:
        """Return the index, caught up if it is older than half a second; while that takes long elsewhere, as it is."""
        if self._index is not None and time.monotonic() - self._caught_up_at <= _FRESH_SECONDS:
            return self._index
        if self._index is None:
            self.catch_up()
        elif not self._is_long and self._catching_up.acquire(timeout=_PATIENCE_SECONDS):
            try:
                self._catch_up()
            finally:
                self._catching_up.release()
        assert self._index is not None
        return self._index

    def catch_up(self) -> int:
        """Read what the store has done since the last time; return how many events that was."""
        with self._catching_up:
            return self._catch_up()

    def save_snapshot(self, *, only_if_due: bool = False) -> bool:
        """Write the index as it is, for the next process that starts; return whether that was done.

        Args:
            only_if_due: Not unless 1 % of the records or 10,000 have changed since the last time, or one was deleted.
        """
        due = min(_CHANGES, _CHANGED_SHARE * self.n_indexed) if only_if_due else 1
        if self._folder is None or not self.n_indexed or (self._n_changed < due and not self._n_removed):
            return False
        with self._catching_up:
            return self._save()

    def _catch_up(self) -> int:
        index = self._index or self._start()
        n_events = 0
        for events, entries in _read_ahead(self._changes(index.position)):
            if any(event.type == GENERATION_ACTIVATED for event in events):
                self._index = self._build()
                return n_events + len(events) + self._catch_up()
            self._n_removed += index.remove([i for i in _records_of(events) if i not in entries])
            index.put(list(entries.values()))
            self._n_changed += len(entries)
            if any(event.type in _MOVING for event in events):
                index.set_topics(*self._store.topics.assigned())
                self._n_changed += index.n
            index.position = events[-1].seq
            n_events += len(events)
        self._index = index
        self._caught_up_at = time.monotonic()
        return n_events

    def _changes(self, position: int) -> Iterator[tuple[Sequence[Event], Mapping[str, Entry]]]:
        """Yield the events behind a position with the records that they tell of and that are there, some at a time."""
        while events := self._store.events.read(position, _EVENTS_AT_ONCE):
            yield events, self._store.vectors.entries_of(_records_of(events))
            position = events[-1].seq

    def _all(self) -> Iterator[Sequence[Entry]]:
        after = 0
        while entries := self._store.vectors.entries(after, _ROWS_AT_ONCE):
            yield entries
            after = entries[-1].seq

    def _start(self) -> IndexView:
        """Return the index of the newest snapshot that fits the store, else a new one."""
        if index := self._restored():
            return index
        began = time.monotonic()
        self._index = self._build()
        if time.monotonic() - began > _LONG_SECONDS and self._save():
            self._index = None  # what grew holds up to twice the room that it needs; what is read does not
            return self._restored() or self._build()
        return self._index

    def _restored(self) -> IndexView | None:
        active = self._store.generations.active()
        if self._folder is None or active is None:
            return None
        for snapshot in read_snapshot(self._folder, Origin(self._encoder.id, active.id, self._encoder.dim)):
            if snapshot.mark != self._mark(snapshot.position):
                _log.warning("a snapshot is passed over: it is of another store, or the events since are not kept any more")
                continue
            self._documents = _Documents(self._store, self._encoder.dim, active.id)
            index = IndexView(self._encoder.dim, self._encoder.likeness, self._documents, snapshot.parts)
            index.position = snapshot.position
            _trim_memory()
            return index
        return None

    def _build(self) -> IndexView:
        """Return a new index of all that is stored; searches go on in the old one meanwhile."""
        self._is_long = True
        try:
            active = self._store.generations.active()
            documents = _Documents(self._store, self._encoder.dim, active.id if active else None)
            index = IndexView(self._encoder.dim, self._encoder.likeness, documents)
            index.position = self._store.events.last_seq()
            for entries in _read_ahead(self._all()):
                index.put(entries)
        finally:
            self._is_long = False
        _trim_memory()
        self._documents = documents
        self._n_changed = index.n
        return index

    def _save(self) -> bool:
        index, generation = self._index, self._documents.generation
        if self._folder is None or index is None or generation is None or not index.n:
            return False
        mark = self._mark(index.position)
        if mark is None:
            return False
        self._is_long = True
        try:
            with index.still() as parts:
                write_snapshot(self._folder, parts, Origin(self._encoder.id, generation, self._encoder.dim), index.position, mark)
        except OSError as error:
            _log.warning("the snapshot of the index cannot be written to %s (%s); the next start reads the whole store", self._folder, error.strerror)
            return False
        finally:
            self._is_long = False
        self._n_changed = self._n_removed = 0
        return True

    def _mark(self, position: int) -> str | None:
        """Return what tells the event at a position from that of another store; None if it is not kept any more."""
        event = next(iter(self._store.events.read(position - 1, 1)), None)
        if event is None or event.seq != position:
            return None
        return f"{event.type} {event.record_id} {event.at.timestamp():.6f}"


def _records_of(events: Sequence[Event]) -> list[str]:
    return list(dict.fromkeys(event.record_id for event in events if event.record_id and event.type.startswith("record.")))


def _trim_memory() -> None:
    """Give back to the system what reading and building leave as holes, hundreds of MB at a million records; glibc keeps it otherwise."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def _read_ahead(parts: Iterator[_Part]) -> Iterator[_Part]:
    """Yield the parts, each next one read while the caller works: reading is done by Python and taking in by FAISS, on one core each."""
    part = next(parts, None)
    if part is None:
        return
    with ThreadPoolExecutor(1) as reader:
        while part is not None:
            following = reader.submit(next, parts, None)
            yield part
            part = following.result()
