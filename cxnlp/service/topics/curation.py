"""Putting topics in order: what people call them, what belongs together, and what they are about; all of it survives refits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cxnlp.errors import InvalidQuery, shorten
from cxnlp.filters import Filter
from cxnlp.ingest.repair import is_blank, repair
from cxnlp.lines import to_line
from cxnlp.privacy import Masker
from cxnlp.records import rounded
from cxnlp.service.topics.versions import texts_of
from cxnlp.store import Store, StoredTopic, TopicChange
from cxnlp.store.topics.fits import DOCUMENTS, KINDS, WHOLE
from cxnlp.store.topics.topics import no_topic
from cxnlp.taxonomy import Taxonomy

_MOST_NAME_CHARACTERS: Final = 100
_LANGUAGES: Final = ("zh", "en")
_CHANGEABLE: Final = ("names", "muted", "parent", "pinned")


@dataclass(frozen=True)
class Curation:
    """The topics of a store, and what people make of them.

    Attributes:
        store: Where they lie.
        masker: Masks what people write into names.
        taxonomy: Knows touchpoints and causes.
    """

    store: Store
    masker: Masker
    taxonomy: Taxonomy

    def list(self, kind: str = DOCUMENTS, *, muted: bool = False, inactive: bool = False) -> Sequence[StoredTopic]:
        """Return the topics of a kind, the largest first.

        Args:
            kind: `documents`, `problems` or `strengths`.
            muted: Also those that people muted.
            inactive: Also those that the active version does not have, and those merged into others.

        Raises:
            InvalidQuery: There is no such kind.
        """
        if kind not in KINDS:
            raise InvalidQuery(f"kind is {shorten(kind)!r}; write one of {', '.join(KINDS)}")
        return [topic for topic in self.store.topics.list(kind, active_only=not inactive) if muted or not topic.muted]

    def describe(self, topic_id: str) -> dict[str, Any]:
        """Return a topic with what customers said that speaks for it.

        Raises:
            NotFound: There is no such topic.
        """
        topic = self.store.topics.get(topic_id)
        places = self.store.topics.quoted(topic_id)
        texts = texts_of(self.store, places)
        quotes = [_place_line(record_id, clause) | {"text": texts[record_id, clause]} for record_id, clause in places if (record_id, clause) in texts]
        return topic.to_line() | {"quotes": quotes}

    def members(
        self, topic_id: str, cursor: str | None = None, limit: int = 50, *, newest_first: bool = False
    ) -> tuple[Sequence[dict[str, Any]], str | None]:
        """Return part of what belongs to a topic, the most typical or the newest first, and the cursor of the next part.

        Raises:
            NotFound: There is no such topic.
            InvalidQuery: The limit is not in 1..1000, or the cursor is damaged or of another list.
        """
        self.store.topics.get(topic_id)
        found, next_cursor = self.store.topics.belonging(topic_id, cursor, limit, newest_first=newest_first)
        records = self.store.feedback.get_many([one.record_id for one in found])
        texts = texts_of(self.store, [(one.record_id, one.clause) for one in found])
        lines = [
            _place_line(one.record_id, one.clause)
            | {"text": texts[one.record_id, one.clause], "similarity": rounded(one.similarity), "record": to_line(records[one.record_id])}
            for one in found
            if one.record_id in records and (one.record_id, one.clause) in texts
        ]
        return lines, next_cursor

    def change(self, topic_id: str, changes: Mapping[str, Any], author: str) -> StoredTopic:
        """Change what a topic is called and where it stands; each kind of change can be undone by itself.

        Args:
            topic_id: Of the topic.
            changes: `names` {"zh", "en"}, each a text or None; `muted`; `parent`, an id or None; `pinned` {"touchpoint", "cause"} or None.
            author: Who says so.

        Raises:
            NotFound: There is no such topic or parent.
            Conflict: It was merged into another.
            InvalidQuery: A value cannot be used; nothing is changed.
        """
        if unknown := [name for name in changes if name not in _CHANGEABLE]:
            raise InvalidQuery(f"{shorten(unknown[0])}: cannot be changed; known are {', '.join(_CHANGEABLE)}")
        steps: dict[str, dict[str, Any]] = {}
        if "names" in changes:
            steps["rename"] = self._names(changes["names"])
        if "muted" in changes:
            steps["mute"] = {"muted": bool(changes["muted"])}
        if "parent" in changes:
            steps["nest"] = {"parent_id": changes["parent"]}
        if "pinned" in changes:
            steps["pin"] = self._pinned(changes["pinned"])
        self.store.curation.change(topic_id, steps, author)
        return self.store.topics.get(topic_id)

    def merge(self, topic_ids: Sequence[str], into: str, author: str) -> StoredTopic:
        """Let the records of some topics belong to another, now and after every refit, and return that.

        Raises:
            NotFound: There is no such topic.
            Conflict: One was merged already.
            InvalidQuery: None is named, they are the same, or of different kinds.
        """
        if not topic_ids:
            raise InvalidQuery("topics: name at least one to merge")
        self.store.curation.merge(list(dict.fromkeys(topic_ids)), into, author)
        return self.store.topics.get(into)

    def move(self, places: Sequence[tuple[str, int | None]], to: str | None, author: str, kind: str | None = None) -> int:
        """Put records, with all their copies, or single clauses into another topic or into none; return how many rows moved.

        Args:
            places: (record id, number of the clause or None for the whole record).
            to: Id of the topic; None for none.
            author: Who says so.
            kind: Of the topics, where `to` is None.

        Raises:
            NotFound: There is no such topic or record.
            Conflict: The topic is not part of the active version.
            InvalidQuery: Nothing is named, or clauses where the topics group records or the other way round.
        """
        of = self.store.topics.get(to).kind if to is not None else kind or DOCUMENTS
        if not places:
            raise InvalidQuery("records: name at least one to move")
        if any((clause is None) != (of == DOCUMENTS) for _, clause in places):
            raise InvalidQuery(f"topics of {of} group {'whole records, so name no clause' if of == DOCUMENTS else 'clauses, so name the clause'}")
        return self.store.curation.move(of, [(record_id, WHOLE if clause is None else clause) for record_id, clause in places], to, author)

    def undo(self, topic_id: str, author: str) -> Sequence[TopicChange]:
        """Undo the last change of a topic that still stands and return it; repeated, it goes back further.

        Raises:
            NotFound: There is no such topic.
            Conflict: Nothing is left to undo, or a later merge or split rests on it.
        """
        return self.store.curation.undo(topic_id, author)

    def history(self, topic_id: str) -> Sequence[TopicChange]:
        """Return the last 200 changes of a topic, newest first, undone ones too.

        Raises:
            NotFound: There is no such topic.
        """
        return self.store.curation.history(topic_id)

    def settle(self, filter: Filter) -> Filter:
        """Return the filter with the topics that merged ones became in their place.

        Raises:
            InvalidQuery: There is no such topic, or it groups clauses, which no record as a whole belongs to.
        """
        kinds = self.store.topics.kinds(filter.topic) if filter.topic else {}
        for topic_id in filter.topic:
            if topic_id not in kinds:
                raise InvalidQuery(f"filter: {no_topic(topic_id)}")
            if kinds[topic_id] != DOCUMENTS:
                where = f"`cxnlp topics show {topic_id}` or GET /v1/topics/{topic_id}/members"
                raise InvalidQuery(f"filter: {topic_id} groups clauses, and a filter takes topics of records; {where} lists what belongs to it")
        return self.store.topics.settled(filter)

    def _names(self, names: object) -> dict[str, Any]:
        if not isinstance(names, Mapping) or not names or not set(names) <= set(_LANGUAGES):
            raise InvalidQuery('names: write {"zh": "...", "en": "..."}, one of them or both, null to take one back')
        return {f"name_{language}": None if name is None else self._name(language, name) for language, name in names.items()}

    def _name(self, language: str, name: object) -> str:
        if not isinstance(name, str) or is_blank(name) or len(name) > _MOST_NAME_CHARACTERS:
            raise InvalidQuery(f"names.{language}: write 1 to {_MOST_NAME_CHARACTERS} characters")
        return " ".join(self.masker.mask(repair(name)).split())

    def _pinned(self, pinned: object) -> dict[str, Any]:
        if pinned is None:
            return {"touchpoint": None, "cause": None}
        if not isinstance(pinned, Mapping) or not isinstance(pinned.get("touchpoint"), str) or not set(pinned) <= {"touchpoint", "cause"}:
            raise InvalidQuery('pinned: write {"touchpoint": "delivery", "cause": "slow"}, the cause may be left out, or null')
        for name, value in (("touchpoints", pinned["touchpoint"]), ("causes", pinned.get("cause"))):
            if value is not None and value not in self.taxonomy.ids(name):
                raise InvalidQuery(f"pinned: {shorten(value)!r} is none of the {name}: {', '.join(self.taxonomy.ids(name))}")
        return {"touchpoint": pinned["touchpoint"], "cause": pinned.get("cause")}


def _place_line(record_id: str, clause: int) -> dict[str, Any]:
    return {"record_id": record_id, "clause": None if clause == WHOLE else clause}
