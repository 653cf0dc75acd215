"""Versions of the topics: which fit is active, what another would change, and bringing all records under one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cxnlp.errors import Conflict, InvalidQuery
from cxnlp.lines import to_iso
from cxnlp.service.topics.changes import find_changes
from cxnlp.service.topics.clauses import clause_text
from cxnlp.service.topics.items import batches
from cxnlp.service.topics.matching import keys_of
from cxnlp.service.topics.models import assign_to, unify_copies
from cxnlp.store import Assigned, Assignments, Store, StoredModel, TopicFit
from cxnlp.store.topics.fits import DOCUMENTS, WHOLE

_MOST_LISTED: Final = 1_000


@dataclass(frozen=True, slots=True)
class FitComparison:
    """Two fits of one kind over the records or clauses that both know, after people's merges.

    Attributes:
        a: Number of the earlier one.
        b: Number of the other.
        changes: As `cxnlp.service.topics.changes.Changes.to_json` writes it.
        moved: Part of what has another topic: record id, clause, text, and the topic in both.
        n_moved: How many have.
        next_cursor: Where the next part begins; None at the end.
    """

    a: int
    b: int
    changes: Mapping[str, Any]
    moved: Sequence[Mapping[str, Any]] = field(repr=False)
    n_moved: int = 0
    next_cursor: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as the API shows it."""
        moved = {"total": self.n_moved, "items": [dict(line) for line in self.moved], "next_cursor": self.next_cursor}
        return {"a": self.a, "b": self.b, **self.changes, "moved": moved}


@dataclass(frozen=True)
class TopicVersions:
    """The fits of a store that are done."""

    store: Store

    def activate(self, number: int, author: str) -> TopicFit:
        """Make a fit the active one of its kind: all records, those it did not know too, belong to its topics at once.

        Raises:
            NotFound: There is no such fit.
            Conflict: It has no result, or the stored vectors are of another encoder.
        """
        self._take(number, author, undo=False)
        return self.store.topic_fits.get(number)

    def rollback(self, kind: str, author: str) -> TopicFit:
        """Undo the last activation of a kind, so that the fit before it is active again.

        Raises:
            Conflict: There is none left to undo.
        """
        number = self.store.members.previous(kind)
        self._take(number, author, undo=True)
        return self.store.topic_fits.get(number)

    def compare(self, a: int, b: int, cursor: str | None = None, limit: int = 50) -> FitComparison:
        """Compare two fits of one kind, and return part of what they put into different topics.

        Raises:
            NotFound: There is no such fit.
            Conflict: One has no result, or they are of different kinds.
            InvalidQuery: The limit is not in 1..1000, or the cursor is damaged.
        """
        if not 1 <= limit <= _MOST_LISTED:
            raise InvalidQuery(f"limit is {limit}; write 1 to {_MOST_LISTED}")
        if cursor is not None and not (cursor.isascii() and cursor.isdigit()):
            raise InvalidQuery("cursor: damaged; start again without a cursor")
        first, other = self._done(a), self._done(b)
        if first.kind != other.kind:
            raise Conflict(f"fit {a} groups {first.kind} and fit {b} groups {other.kind}; compare fits of one kind")
        (seqs, clauses, before), after = self._both(a, b)
        moved = [row for row, (one, two) in enumerate(zip(before, after, strict=True)) if one != two]
        start = int(cursor or 0)
        rows = moved[start : start + limit]
        lines = self._lines([(int(seqs[row]), int(clauses[row]), before[row], after[row]) for row in rows])
        more = str(start + limit) if start + limit < len(moved) else None
        return FitComparison(a, b, find_changes(before, after).to_json(), lines, len(moved), more)

    def _done(self, number: int) -> TopicFit:
        fit = self.store.topic_fits.get(number)
        if not fit.counts:
            raise Conflict(f"fit {number} is {fit.state}; only one that is done has topics")
        return fit

    def _take(self, number: int, author: str, *, undo: bool) -> None:
        fit = self._done(number)
        generation = self.store.generations.active()
        if fit.encoder and generation and generation.encoder != fit.encoder:
            raise Conflict(f"fit {number} was made from the vectors of another encoder; fit the topics again")
        since = self.store.events.last_seq()
        model = self.store.fitted.model(number)
        assigned = self._assigned(fit, model)

        def late(ids: Sequence[str]) -> Assigned:
            return self._by_centroids(fit.kind, model, np.array(sorted(self._seqs(ids)), np.int64))

        self.store.members.activate(number, assigned, since, late, author, undo=undo)

    def _assigned(self, fit: TopicFit, model: StoredModel | None) -> Assigned:
        """Return where all analysed records belong: as the fit said of those it knew, by its centroids else."""
        made = self.store.fitted.assignments(fit.number)
        kept = ~np.isin(made.seqs, self.store.members.received_since(fit.started_at.timestamp()))
        known = Assigned(made.seqs[kept], made.clauses[kept], self._ids(fit.number, made.rows[kept].tolist()), made.similarities[kept])
        others = np.setdiff1d(self.store.members.analyzed(), known.seqs)
        found = _together(known, self._by_centroids(fit.kind, model, others))
        return self._with_emerged(found, fit, model)

    def _by_centroids(self, kind: str, model: StoredModel | None, seqs: npt.NDArray[np.int64]) -> Assigned:
        if model is None or not len(seqs):
            return _nothing()
        parts: list[Assigned] = []
        for part in batches(self.store, kind, seqs):
            if part.n:
                parts.append(Assigned(part.seqs, part.clauses, *assign_to(model, part.vectors)))
        return _together(_nothing(), *parts)

    def _with_emerged(self, found: Assigned, fit: TopicFit, model: StoredModel | None) -> Assigned:
        """Give records without a topic those that emerged after the fit, then copies the topic of the first of them."""
        n_fitted = fit.counts["topics"]
        if model is not None and len(model.topic_ids) > n_fitted:
            emerged = StoredModel(
                model.fit, 0, model.kind, model.encoder, model.space, model.threshold, model.topic_ids[n_fitted:], model.centroids[n_fitted:]
            )
            without = np.array([topic_id is None for topic_id in found.topic_ids], np.bool_)
            again = self._by_centroids(fit.kind, emerged, np.unique(found.seqs[without]))
            now = dict(zip(keys_of(again.seqs, again.clauses).tolist(), again.topic_ids, strict=True))
            keys = keys_of(found.seqs, found.clauses).tolist()
            ids = [topic_id or now.get(key) for topic_id, key in zip(found.topic_ids, keys, strict=True)]
            found = Assigned(found.seqs, found.clauses, ids, found.similarities)
        return self._unified(found) if fit.kind == DOCUMENTS else found

    def _unified(self, found: Assigned) -> Assigned:
        order = np.argsort(found.seqs, kind="stable")
        seqs = found.seqs[order]
        places, similarities = unify_copies(order.astype(np.int32), found.similarities[order], self.store.members.copy_keys(seqs))
        return Assigned(seqs, found.clauses[order], [found.topic_ids[place] for place in places.tolist()], similarities)

    def _ids(self, number: int, rows: Sequence[int]) -> list[str | None]:
        ids = [topic.topic_id for topic in self.store.fitted.topics(number)]
        return [ids[row] if row >= 0 else None for row in rows]

    def _seqs(self, record_ids: Sequence[str]) -> list[int]:
        return [entry.seq for entry in self.store.vectors.entries_of(record_ids).values()]

    def _both(self, a: int, b: int) -> tuple[tuple[Any, Any, list[str | None]], list[str | None]]:
        """Return (seqs, clauses, topics in `a`) and topics in `b` of what both know, merges applied."""
        merged = self.store.topics.resolutions()
        made: tuple[Assignments, Assignments] = self.store.fitted.assignments(a), self.store.fitted.assignments(b)
        keys = [keys_of(one.seqs, one.clauses) for one in made]
        _, *places = np.intersect1d(keys[0], keys[1], assume_unique=True, return_indices=True)
        ids = [
            [topic_id and merged.get(topic_id, topic_id) for topic_id in self._ids(number, one.rows[place].tolist())]
            for number, one, place in zip((a, b), made, places, strict=True)
        ]
        return (made[0].seqs[places[0]], made[0].clauses[places[0]], ids[0]), ids[1]

    def _lines(self, rows: Sequence[tuple[int, int, str | None, str | None]]) -> list[dict[str, Any]]:
        of = self.store.sayings.ids([row[0] for row in rows])
        labels = {topic_id: self.store.topics.get(topic_id).label for topic_id in {i for row in rows for i in row[2:] if i}}
        texts = texts_of(self.store, [(of[seq], clause) for seq, clause, _, _ in rows if seq in of])
        return [
            {
                "record_id": of[seq],
                "clause": None if clause == WHOLE else clause,
                "text": texts.get((of[seq], clause), ""),
                "before": {"id": before, "label": labels[before]} if before else None,
                "after": {"id": after, "label": labels[after]} if after else None,
            }
            for seq, clause, before, after in rows
            if seq in of
        ]


def fit_line(fit: TopicFit) -> dict[str, Any]:
    """Return a fit as the API shows it."""
    line: dict[str, Any] = {"number": fit.number, "kind": fit.kind, "state": fit.state, "stage": fit.stage, "share": round(fit.share, 3)}
    line |= {"active": fit.is_active, "author": fit.author, "parent": fit.parent, "parameters": dict(fit.parameters), "filter": dict(fit.filter)}
    line |= {"counts": dict(fit.counts), "window": [to_iso(at) for at in fit.window] if fit.window else None, "metrics": dict(fit.metrics)}
    line |= {"report": fit.report and dict(fit.report), "outcome": fit.outcome, "encoder": fit.encoder, "started_at": to_iso(fit.started_at)}
    return line | {"ended_at": to_iso(fit.ended_at) if fit.ended_at else None}


def texts_of(store: Store, places: Sequence[tuple[str, int]]) -> dict[tuple[str, int], str]:
    """Return what customers said at (record id, clause), -1 for all of it, as far as the records are there."""
    ids = list(dict.fromkeys(record_id for record_id, _ in places))
    records = store.feedback.get_many(ids)
    vectors = store.vectors.get_many([record_id for record_id, clause in places if clause != WHOLE])
    found: dict[tuple[str, int], str] = {}
    for record_id, clause in places:
        if record := records.get(record_id):
            spans = vectors[record_id].spans if clause != WHOLE and record_id in vectors else ()
            said = "\n".join(text for _, text in record.feedback.segments())
            found[record_id, clause] = clause_text(record.feedback, spans[clause]) if clause in range(len(spans)) else said
    return found


def kind_of(on: str, about: str | None) -> str:
    """Return the kind of topics that people ask for.

    Raises:
        InvalidQuery: The words do not go together.
    """
    if on == "records" and about is None:
        return DOCUMENTS
    if on == "clauses" and about in ("problems", "strengths"):
        return about
    raise InvalidQuery("write `on` records, or `on` clauses with `about` problems or strengths")


def _nothing() -> Assigned:
    return Assigned(np.zeros(0, np.int64), np.zeros(0, np.int32), [], np.zeros(0, np.float32))


def _together(*parts: Assigned) -> Assigned:
    seqs, clauses, similarities = (np.concatenate([getattr(part, name) for part in parts]) for name in ("seqs", "clauses", "similarities"))
    return Assigned(seqs, clauses, [topic_id for part in parts for topic_id in part.topic_ids], similarities)
