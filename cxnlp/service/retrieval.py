"""Finding: a view that catches up from the store, words of the store, and hits that are re-read from it, so that a deletion is immediate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

from cxnlp.encoder import Document, Encoded, encode
from cxnlp.errors import InvalidInput, NotFound
from cxnlp.feeds.conditions import LABELLED, check_labels
from cxnlp.filters import Filter, Range
from cxnlp.index import Coalescer, Hits, Query
from cxnlp.likeness import to_likeness
from cxnlp.pipeline import Encoder
from cxnlp.privacy import Masker
from cxnlp.records import Matrix, Vector
from cxnlp.service.examples import direction
from cxnlp.service.fusion import Ranking, fuse
from cxnlp.service.hits import Found, Hit, matched_words, nearest_quote, says, says_the_same, surfaces
from cxnlp.service.outcomes import ALIKE_FROM, Summary, summarise
from cxnlp.service.questions import MOST_HITS, Question
from cxnlp.service.view import View
from cxnlp.store import Store
from cxnlp.store.hits import StoredHit, read_hits
from cxnlp.taxonomy import Taxonomy
from cxnlp.text.clauses import split
from cxnlp.text.cleaning import clean
from cxnlp.text.terms import terms

_READERS_AT_ONCE: Final = 16
_POOLS: Final = (64, 256, 2 * MOST_HITS)
_CLAUSES_ASKED: Final = 4
_TERMS_ASKED: Final = 24
_CLAUSE_WEIGHT: Final = 1.0
_WORDS_WEIGHT: Final = 0.5
_LEAST_SHARE: Final = 0.2
_CERTAINTY_OF_WORDS: Final = 0.6
_SUMMED_UP: Final = 500
_DAY_SECONDS: Final = 86_400


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question as the index and the words are asked it.

    Attributes:
        vector: (dim,), of unit length: where to look.
        towards: (dim,), of unit length: what is to be alike; other than `vector` where records lead the wrong way.
        clauses: (n, dim) of its clauses, where there are several; else `towards` alone.
        terms: Of the text and of the examples.
        surface: Word of the text by term.
        phrases: What stands in quotation marks.
        examples: Ids of records that are no hits themselves.
    """

    vector: Vector = field(compare=False, repr=False)
    towards: Vector = field(compare=False, repr=False)
    clauses: Matrix = field(compare=False, repr=False)
    terms: tuple[str, ...]
    surface: Mapping[str, str]
    phrases: tuple[str, ...]
    examples: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Ranked:
    """Candidates.

    Attributes:
        ids: Best first.
        shares: Of the asked words, by their rarity, how much a record holds, in [0, 1]; absent where it is not among the best by words.
        total: Records that pass the filter, examples left out.
    """

    ids: list[str]
    shares: Mapping[str, float]
    total: int


@dataclass(frozen=True, slots=True)
class _Scored:
    """A candidate with its likeness."""

    score: float
    stored: StoredHit

    @property
    def id(self) -> str:
        """Of the record."""
        return self.stored.record.feedback.id

    @property
    def created_at(self) -> datetime:
        """When the customer said it."""
        return self.stored.record.feedback.created_at


class Retrieval:
    """Search over one process's own view of the store."""

    def __init__(self, store: Store, encoder: Encoder, masker: Masker, view: View | None = None, taxonomy: Taxonomy | None = None) -> None:
        """Search in a view that others share, or in one of its own; `taxonomy` says which labels filters may name, any when None."""
        self._store = store
        self._encoder = encoder
        self._masker = masker
        self._view = view or View(store, encoder)
        self._taxonomy = taxonomy
        # Callers who come at the same time share one pass of the encoder, one of the index and one reading of the store. These are apart, so that
        # the next ones are looked for while the hits of the first are read.
        self._encoding: Coalescer[str, Encoded] = Coalescer(self._encode)
        self._finding: Coalescer[Query, Hits] = Coalescer(self._find)
        self._finding_clauses: Coalescer[Sequence[Query], list[Hits]] = Coalescer(self._find_clauses)
        self._reading: Coalescer[Sequence[str], Mapping[str, StoredHit]] = Coalescer(self._read, _READERS_AT_ONCE)

    @property
    def n_indexed(self) -> int:
        """Records in the view."""
        return self._view.n_indexed

    def catch_up(self) -> int:
        """Read what the store has done since the last time; return how many events that was."""
        return self._view.catch_up()

    def ask(self, question: Question) -> Found:
        """Return the records that are alike, by meaning, by clause and by word, fused by reciprocal rank.

        Raises:
            InvalidQuery: The question cannot be answered; the message says what to send.
            InvalidInput: The filter names a label that no record has or can have.
            Conflict: It has a text, and the stored vectors are of another encoder.
            NotFound: A record named as an example does not exist, or is not analysed yet.
        """
        question.check()
        if self._taxonomy:
            self._check(question.filter, self._taxonomy)
        offset = question.offset()
        asked = self._prepare(question)
        end = min(offset + question.k, MOST_HITS)
        ranked = self._rank(asked, question, next(n for n in _POOLS if 2 * end <= n))
        if question.sort == "newest":
            ranked = self._newest_first(ranked, asked)
        found, next_offset = self._page(ranked, asked, question, offset, end)
        index = self._view.fresh()
        return Found(
            tuple(self._hit(group, asked, question) for group in found),
            ranked.total,
            {name: dict(index.facets(question.filter, name).most_common()) for name in question.facets},
            self._summarise(asked, question) if question.days else None,
            question.cursor_at(next_offset) if next_offset < len(ranked.ids) else None,
        )

    def _check(self, filter: Filter, taxonomy: Taxonomy) -> None:
        """Let labels pass that records still have from an earlier taxonomy; they are counted only if one is unknown."""
        try:
            check_labels(filter, taxonomy, "filter")
        except InvalidInput:
            index = self._view.fresh()
            kept: dict[str, Any] = {name: tuple(index.facets(Filter(), name)) for name in LABELLED if getattr(filter, name)}
            check_labels(filter, taxonomy, "filter", Filter(**kept))

    def _prepare(self, question: Question) -> _Asked:
        text = clean(self._masker.mask(question.text)).text
        encoded = None
        if text.strip():
            self._store.generations.check(self._encoder.id)
            encoded = self._encoding.ask(text)
        stored = self._examples((*question.like, *question.unlike))
        like = [stored[i] for i in question.like]
        positives = [hit.document for hit in like] + ([encoded.document] if encoded else [])
        negatives = [stored[i].document for i in question.unlike]
        clauses = encoded.clauses if encoded else like[0].clauses if len(like) == 1 else None
        towards = direction(positives)
        many = clauses is not None and len(clauses) > 1
        found = terms(text)
        for hit in like:
            found += hit.terms
        return _Asked(
            direction(positives, negatives),
            towards,
            clauses[:_CLAUSES_ASKED] if many and clauses is not None else towards[None],
            tuple(dict.fromkeys(found))[:_TERMS_ASKED],
            surfaces(text) or {term: term for hit in like for term in hit.terms},
            tuple(question.phrases()),
            frozenset(stored),
        )

    def _examples(self, ids: Sequence[str]) -> Mapping[str, StoredHit]:
        if not ids:
            return {}
        stored = self._reading.ask(ids)
        for record_id in ids:
            if record_id not in stored or not stored[record_id].has_vectors:
                raise NotFound(f"record {record_id[:80]!r} does not exist or is not analysed yet; see GET /v1/status")
        return {i: stored[i] for i in ids}

    def _rank(self, asked: _Asked, question: Question, n: int) -> _Ranked:
        """Return up to n candidates of each kind."""
        index = self._view.fresh()
        nearest = self._finding.ask(Query(asked.vector, min(n, MOST_HITS), question.filter))
        rankings: list[Ranking] = []
        shares: dict[str, float] = {}
        if question.by != "words":
            rankings.append(Ranking(nearest.ids))
            clauses = () if question.unlike else asked.clauses
            by_clause = self._finding_clauses.ask([Query(clause, min(n, MOST_HITS), question.filter) for clause in clauses])
            rankings += [Ranking(hits.ids, _CLAUSE_WEIGHT / len(by_clause)) for hits in by_clause]
        if question.by != "meaning" and asked.terms:
            found = self._store.words.search(asked.terms, n // 2, index.seqs(question.filter))
            shares = {hit.id: hit.share for hit in found if hit.share >= _LEAST_SHARE or question.by == "words"}
            rankings.append(Ranking(index.passing(list(shares), question.filter), _WORDS_WEIGHT))
        ids = fuse(rankings)
        for phrase in filter(None, map(terms, asked.phrases)):
            said = index.passing([hit.id for hit in self._store.words.phrase(phrase, 2 * MOST_HITS, index.seqs(question.filter))], question.filter)
            holding, ranked = set(said), set(ids)
            ids = [i for i in ids if i in holding] + [i for i in said if i not in ranked]
        n_examples = len(index.passing(list(asked.examples), question.filter))
        return _Ranked([i for i in ids if i not in asked.examples], shares, nearest.total - n_examples)

    def _newest_first(self, ranked: _Ranked, asked: _Asked) -> _Ranked:
        """Return the candidates that are alike, the newest first, and behind them the others as they were."""
        scored = self._scored(ranked.ids, ranked, asked)
        alike = sorted((one for one in scored if one.score >= ALIKE_FROM), key=lambda one: one.created_at, reverse=True)
        first = [one.id for one in alike]
        return replace(ranked, ids=first + [i for i in ranked.ids if i not in set(first)])

    def _page(self, ranked: _Ranked, asked: _Asked, question: Question, offset: int, end: int) -> tuple[list[list[_Scored]], int]:
        """Return the groups of one part, each of one candidate unless copies are one hit, and where the next part begins."""
        wanted = end - offset
        shown = self._scored(ranked.ids[:offset], ranked, asked) if question.collapse else []
        found: list[list[_Scored]] = []
        at = offset
        while len(found) < wanted and at < len(ranked.ids):
            part = ranked.ids[at : at + wanted]
            known = {one.id: one for one in self._scored(part, ranked, asked)}
            for record_id in part:
                one = known.get(record_id)
                same = _same(one, found, shown) if one and question.collapse else None
                if same is not None and one:
                    same.append(one)
                elif one and len(found) == wanted:
                    break
                elif one:
                    found.append([one])
                at += 1
        return (found if question.sort == "newest" else sorted(found, key=lambda group: -group[0].score)), at

    def _scored(self, ids: Sequence[str], ranked: _Ranked, asked: _Asked) -> list[_Scored]:
        """Return those of the candidates that are still there, in this order, with their likeness."""
        stored = self._reading.ask(ids) if ids else {}
        known = [hit for i in ids if (hit := stored.get(i)) and hit.has_vectors and says(hit, asked.phrases)]
        return [_Scored(self._score(asked, hit, ranked.shares.get(hit.record.feedback.id, 0.0)), hit) for hit in known]

    def _score(self, asked: _Asked, hit: StoredHit, share: float) -> float:
        """Return the likeness: that of the vectors, raised by the share of the asked words that the record has."""
        cosine = max(float(hit.document @ asked.towards), float((hit.clauses @ asked.clauses.T).max(initial=-1.0)))
        by_meaning = float(to_likeness(cosine, self._encoder.likeness))
        return 1 - (1 - by_meaning) * (1 - _CERTAINTY_OF_WORDS * share)

    def _hit(self, group: Sequence[_Scored], asked: _Asked, question: Question) -> Hit:
        best = group[0]
        copies = None
        if question.collapse:
            keys = {one.stored.copy_key for one in group if one.stored.copy_key}
            copies = max(len(group), sum(self._view.fresh().copies(sorted(keys), question.filter)))
        matched = matched_words(asked.surface, best.stored.terms)
        return Hit(best.score, best.stored.record, nearest_quote(best.stored, asked.clauses), matched, copies)

    def _summarise(self, asked: _Asked, question: Question) -> Summary:
        """Return what is known of the records of the last days that are alike, at most 500 of them."""
        assert question.days
        now = datetime.now(UTC)
        since = now.timestamp() - question.days * _DAY_SECONDS
        bounds = question.filter.created_at or Range()
        within = replace(question.filter, created_at=replace(bounds, gte=max(since, bounds.gte or since)))
        ranked = self._rank(asked, replace(question, filter=within), _SUMMED_UP)
        scored = self._scored(ranked.ids[:_SUMMED_UP], ranked, asked)
        return summarise([(one.score, one.stored.record) for one in scored], now, question.days)

    def _encode(self, texts: Sequence[str]) -> list[Encoded]:
        return encode(self._encoder, [Document(text, tuple(split(text))) for text in texts])

    def _find(self, queries: Sequence[Query]) -> list[Hits]:
        return self._view.fresh().search_many(queries)

    def _find_clauses(self, wanted: Sequence[Sequence[Query]]) -> list[list[Hits]]:
        found = iter(self._view.fresh().search_clauses_many([query for queries in wanted for query in queries]))
        return [[next(found) for _ in queries] for queries in wanted]

    def _read(self, wanted: Sequence[Sequence[str]]) -> list[Mapping[str, StoredHit]]:
        return [read_hits(self._store.database, [i for some in wanted for i in some])] * len(wanted)


def _same(one: _Scored, found: Sequence[list[_Scored]], shown: Sequence[_Scored]) -> list[_Scored] | None:
    """Return the group whose records say the same as one candidate: one of this part, or an empty one where an earlier part has shown it."""
    group = next((group for group in found if says_the_same(group[0].stored, one.stored)), None)
    if group is None and any(says_the_same(before.stored, one.stored) for before in shown):
        return []
    return group
