"""Saved searches: kept for people, and matched with every record as soon as it is analysed."""

import logging
import os
import re
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final

import numpy as np

from cxnlp.encoder import Document, encode
from cxnlp.errors import CxnlpError, InvalidQuery, NotFound, shorten
from cxnlp.feeds.conditions import check_labels
from cxnlp.filters import Filter
from cxnlp.index.columns import Columns
from cxnlp.ingest.repair import is_blank, repair
from cxnlp.likeness import to_likeness
from cxnlp.lines import to_line
from cxnlp.pipeline import Encoder
from cxnlp.privacy import Masker
from cxnlp.records import HISTORICAL_AFTER_SECONDS, Entry, Record, Vector, rounded
from cxnlp.service.examples import cosines, direction
from cxnlp.service.leases import LEASE_SECONDS
from cxnlp.service.questions import Question
from cxnlp.store import Event, Match, SavedSearch, Store, Wanted
from cxnlp.store.events import ANALYZED
from cxnlp.store.matches import CURSOR
from cxnlp.taxonomy import Taxonomy
from cxnlp.text.cleaning import clean

_MOST_NAME_CHARACTERS: Final = 200
_IDLE_SECONDS: Final = 0.25
_RECORD_ID: Final = re.compile("r-[0-9a-f]{20}")
_CUSTOMER_ID: Final = re.compile("c-[0-9a-f]{16}")
_CHANGEABLE: Final = (*(f.name for f in fields(Wanted)), "enabled")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Matched:
    """A record that matched a saved search, as it stands in the store now."""

    match: Match
    record: Record

    def to_json(self) -> dict[str, Any]:
        """Return it as the API shows it."""
        return {"score": rounded(self.match.score), "historical": self.match.historical, "record": to_line(self.record)}


@dataclass(frozen=True, slots=True)
class _Aim:
    """Where what is wanted lies, and what is not wanted if that was told: (dim,) each, of unit length. A match is nearer to the first."""

    towards: Vector
    away: Vector | None


class SavedSearches:
    """The saved searches, and one process's part in matching them; `taxonomy` says which labels their filters may name, any when None."""

    def __init__(self, store: Store, encoder: Encoder, masker: Masker, taxonomy: Taxonomy | None = None) -> None:
        self._taxonomy = taxonomy
        self._store = store
        self._encoder = encoder
        self._masker = masker
        self._holder = f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._seen = -1

    def create(self, wanted: Wanted, author: str) -> SavedSearch:
        """Save a search; it is matched with what is analysed from now on.

        Name and text are repaired and masked. Of the customers in the filter only the ids under which they are stored are kept.

        Raises:
            InvalidQuery: It has neither text nor `like`, or something in it cannot be used; the message says what to send.
            InvalidInput: The filter names a label that no record can have.
            NotFound: A record named as an example does not exist, or is not analysed yet.
            Conflict: There are 1,000 already, or the stored vectors are of another encoder.
        """
        checked = self._checked(wanted)
        vector = self._aim(checked, self._encode(checked.text))
        saved = self._store.searches.create(checked, author)
        return saved if vector is None else self._keep(saved, vector)

    def list(self) -> Sequence[SavedSearch]:
        """Return all saved searches, oldest first, the disabled ones too."""
        return self._store.searches.list()

    def get(self, search_id: str) -> SavedSearch:
        """Return a saved search.

        Raises:
            NotFound: There is no such search.
        """
        return self._store.searches.get(search_id)

    def change(self, search_id: str, changes: Mapping[str, Any]) -> SavedSearch:
        """Change some of what a search is for; what has matched before does not match again.

        Args:
            search_id: Of the search.
            changes: New values by the names of `Wanted`; `enabled` ends or resumes the matching.

        Raises:
            InvalidQuery: As `create`, or a name is unknown.
            InvalidInput: As `create`; labels that it had already stay.
            NotFound: There is no such search, or no such example.
            Conflict: The stored vectors are of another encoder.
        """
        if unknown := [name for name in changes if name not in _CHANGEABLE]:
            raise InvalidQuery(f"{shorten(unknown[0])}: cannot be changed; known are {', '.join(_CHANGEABLE)}")
        old = self.get(search_id)
        given = dict(changes)
        enabled = given.pop("enabled", old.disabled_at is None)
        if not given:  # a search may be switched off whatever state its examples are in
            return self._store.searches.change(search_id, old.wanted, enabled)
        checked = self._checked(replace(old.wanted, **given), old.wanted.filter)
        vector = self._aim(checked, self._encode(checked.text))
        saved = self._store.searches.change(search_id, checked, enabled)
        return saved if vector is None else self._keep(saved, vector)

    def delete(self, search_id: str) -> None:
        """Delete a search with its matches.

        Raises:
            NotFound: There is no such search.
        """
        self._store.searches.delete(search_id)

    def matches(self, search_id: str, cursor: str | None = None, limit: int = 50) -> tuple[Sequence[Matched], str | None]:
        """Return part of the records that matched a search, newest match first, and the cursor of the next part.

        Raises:
            NotFound: There is no such search.
            InvalidQuery: The limit is not in 1..1000, or the cursor is damaged or of another list.
        """
        self.get(search_id)
        page = self._store.matches.page(search_id, cursor, limit)
        records = self._store.feedback.get_many([match.record_id for match in page.matches])
        return [Matched(match, records[match.record_id]) for match in page.matches if match.record_id in records], page.next_cursor

    def match(self, limit: int = 500) -> int:
        """Test the records that were analysed since the last time against all searches, and tell of what matches.

        A record matches a search once, however often it is analysed or changed. Analyses by other heads of what was known before are passed over.

        Args:
            limit: At most so many events.

        Returns:
            How many events were dealt with; 0 when there are no new ones, or another process has this in hand.

        Raises:
            Conflict: Another process took over meanwhile; nothing was written.
        """
        last = self._store.events.last_seq()
        if last <= self._seen or not self._is_present():
            return 0
        position = self._store.events.lease(CURSOR, self._holder, LEASE_SECONDS)
        if position is None:
            return 0
        # Read after `last`: a search that is made meanwhile wants no event up to it, so none is missed.
        searches = self._store.searches.enabled()
        start = max(position, min((search.after_seq for search in searches), default=last))
        events = [event for event in self._store.events.read(start, limit, [ANALYZED]) if event.seq <= last]
        reached = events[-1].seq if len(events) == limit else max(last, position)
        found = self._find(searches, events) if events else []
        if found:
            self._store.matches.apply(found, self._holder, reached)
        elif reached > position:
            self._store.events.advance(None, CURSOR, self._holder, reached)
        self._seen = reached
        return reached - position

    def run(self, stop: threading.Event) -> None:
        """Match until `stop` is set; a failure of the store is logged and tried again."""
        try:
            while not stop.is_set():
                try:
                    if self.match() == 0:
                        stop.wait(_IDLE_SECONDS)
                except CxnlpError as error:
                    _log.warning("saved searches wait: %s", error)
                    stop.wait(4 * _IDLE_SECONDS)
                except Exception as error:  # its message may quote a text
                    _log.error("saved searches wait: %s", type(error).__name__)
                    stop.wait(4 * _IDLE_SECONDS)
        finally:
            self._store.events.release(CURSOR, self._holder)

    def _checked(self, wanted: Wanted, before: Filter | None = None) -> Wanted:
        if self._taxonomy:
            check_labels(wanted.filter, self._taxonomy, "filter", before or Filter())
        if is_blank(wanted.name) or len(wanted.name) > _MOST_NAME_CHARACTERS:
            raise InvalidQuery(f"name: has {len(wanted.name)} characters; write 1 to {_MOST_NAME_CHARACTERS}, as people will know it")
        if isinstance(wanted.least, bool) or not 0 <= wanted.least <= 1:
            raise InvalidQuery(f"least: is {wanted.least}; write a likeness from 0 to 1")
        like, unlike = (tuple(dict.fromkeys(ids)) for ids in (wanted.like, wanted.unlike))
        if both := set(like) & set(unlike):
            raise InvalidQuery(f"unlike: record {shorten(min(both))!r} stands in `like` too; name it in one of them")
        said = "" if is_blank(wanted.text) else wanted.text
        Question(said, like, unlike).check()
        name, text = (self._masker.mask(repair(given)).strip() for given in (wanted.name, said))
        return Wanted(name, text, like, unlike, _pseudonymous(wanted.filter), float(wanted.least))

    def _aim(self, wanted: Wanted, text: Vector | None) -> Vector | None:
        """Return the vector of the text, if what is wanted can be aimed at.

        Raises:
            Conflict: The stored vectors are of another encoder.
            NotFound: An example does not exist, or is not analysed yet.
            InvalidQuery: The examples cancel out.
        """
        self._store.generations.check(self._encoder.id)
        vectors = self._document_vectors(wanted)
        for record_id in (*wanted.like, *wanted.unlike):
            if record_id not in vectors:
                raise NotFound(f"record {shorten(record_id)!r} does not exist or is not analysed yet; see GET /v1/status")
        _aim_of(wanted, text, vectors)
        return text

    def _is_present(self) -> bool:
        active = self._store.generations.active()
        return active is not None and active.encoder == self._encoder.id

    def _document_vectors(self, *several: Wanted) -> Mapping[str, Vector]:
        ids = [i for wanted in several for i in (*wanted.like, *wanted.unlike) if _RECORD_ID.fullmatch(i)]
        return {i: vectors.document for i, vectors in self._store.vectors.get_many(ids).items()} if ids else {}

    def _encode(self, text: str) -> Vector | None:
        cleaned = clean(text).text
        return encode(self._encoder, [Document(cleaned)])[0].document if cleaned.strip() else None

    def _keep(self, search: SavedSearch, vector: Vector) -> SavedSearch:
        self._store.searches.keep_vector(search.id, search.wanted.text, self._encoder.id, vector)
        return replace(search, encoder=self._encoder.id, vector=vector)

    def _text_vector(self, search: SavedSearch) -> Vector | None:
        """Return the vector of the text by the present encoder, made anew if it was made by another."""
        if search.encoder == self._encoder.id:
            return search.vector
        vector = self._encode(search.wanted.text)
        return None if vector is None else self._keep(search, vector).vector

    def _find(self, searches: Sequence[SavedSearch], events: Sequence[Event]) -> Sequence[Match]:
        newest = {event.record_id: event.seq for event in events if event.record_id and event.data.get("reason") != "model"}
        entries = list(self._store.vectors.entries_of(list(newest)).values())
        if not entries:
            return []
        seqs = np.array([newest[entry.id] for entry in entries])
        columns = Columns()
        columns.put(entries)
        aimed = list(self._aimed(searches))
        scores = to_likeness(cosines(entries, [aim.towards for _, aim in aimed]), self._encoder.likeness)
        documents = np.stack([entry.document for entry in entries])
        found: list[Match] = []
        for (search, aim), alike in zip(aimed, scores, strict=True):
            passing = (alike >= search.wanted.least) & (seqs > search.after_seq)
            if aim.away is not None:
                passing &= documents @ aim.towards > documents @ aim.away
            if passing.any():
                passing &= columns.select(self._store.topics.settled(search.wanted.filter))
            found += [Match(search.id, entries[i].id, float(alike[i]), _is_historical(entries[i])) for i in np.flatnonzero(passing)]
        return found

    def _aimed(self, searches: Sequence[SavedSearch]) -> Iterator[tuple[SavedSearch, _Aim]]:
        """Yield the searches with what to look for; those whose examples were all forgotten are left out."""
        examples = self._document_vectors(*(search.wanted for search in searches))
        for search in searches:
            try:
                yield search, _aim_of(search.wanted, self._text_vector(search), examples)
            except InvalidQuery:
                continue


def _aim_of(wanted: Wanted, text: Vector | None, examples: Mapping[str, Vector]) -> _Aim:
    """Return what to look for: the text is one more positive, and of the examples those count whose vectors are known."""
    positives = [examples[i] for i in wanted.like if i in examples] + ([] if text is None else [text])
    negatives = [examples[i] for i in wanted.unlike if i in examples]
    return _Aim(direction(positives), direction(negatives) if negatives else None)


def _is_historical(entry: Entry) -> bool:
    return entry.received_at - entry.created_at > HISTORICAL_AFTER_SECONDS


def _pseudonymous(filter: Filter) -> Filter:
    known = tuple(name for name in filter.customer if _CUSTOMER_ID.fullmatch(name))
    if filter.customer and not known:
        raise InvalidQuery("filter: customer names nobody by a stored id; write c- and 16 hexadecimal digits, as records show it")
    return replace(filter, customer=known)
