"""What customers said, as terms: full-text search over it, and the keys by which copies are told."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from sqlalchemy import Connection, bindparam, delete, insert, select

from cxnlp.records import Feedback
from cxnlp.store.database import Database
from cxnlp.store.fulltext import MOST_ENTRIES, Seqs, count_records, count_terms, find_each, find_row
from cxnlp.store.rows import COLUMNS, Claim, chunks, claim_of
from cxnlp.store.schema import analyses, feedback, words
from cxnlp.text.copies import copy_key
from cxnlp.text.terms import terms as terms_of

_Among: TypeAlias = Sequence[int] | Seqs | None
_MOST_READ: Final = 100_000
_MOST_TERMS: Final = 16_000  # with as many bytes as below, within the limits of a tsvector: 16,383 places and 1 MiB
_MOST_BYTES: Final = 400_000
_MOST_SOUGHT: Final = 200
_READ_AMONG: Final = 3
_JOINED: Final = 3
_FEW: Final = 500
_SPARE: Final = 32
_KEPT_FROM: Final = 200
_COUNTS_KEPT_SECONDS: Final = 600.0
_MOST_COUNTS_KEPT: Final = 50_000
_SATURATION: Final = 1.2
_LENGTH_WEIGHT: Final = 0.75
_ALL: Final = (0, 2**63 - 1)
_ROWS: Final = select(words.c.seq, feedback.c.id, words.c.terms).join(feedback).where(words.c.seq.in_(bindparam("seqs", expanding=True)))
_STORED: Final = select(words.c.seq, words.c.version, words.c.terms, words.c.copy_key).where(words.c.seq.in_(bindparam("seqs", expanding=True)))


@dataclass(frozen=True, slots=True)
class Said:
    """The words of one record.

    Attributes:
        terms: As `cxnlp.text.terms` makes them, with a blank between them.
        copy_key: As `cxnlp.text.copies` makes it.
    """

    terms: str
    copy_key: int


@dataclass(frozen=True, slots=True)
class _Row:
    seq: int
    id: str
    terms: list[str]


@dataclass(frozen=True, slots=True)
class WordHit:
    """A record that full text found.

    Attributes:
        seq: The store's number of the record.
        id: The public id.
        score: BM25; to be compared within one search only.
        share: Of the sought terms, weighted by their inverse document frequency, how much it holds: in [0, 1]. One that no record holds counts as
            the rarest.
    """

    seq: int
    id: str
    score: float
    share: float


class Words:
    """The words of all analysed records."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._common: dict[str, tuple[float, int]] = {}

    def search(self, terms: Sequence[str], limit: int, seqs: _Among = None) -> list[WordHit]:
        """Return the records that hold the terms, best first, newest first among equals.

        Candidates are the records that hold most of the rarest terms, so many of these that together they stand in some 10,000 records,
        three times as many with `seqs`, newest ones first. Where that is fewer than three terms, records that hold the
        next rarest beside one of them come before others. Candidates are then ranked by all terms with BM25 (Robertson and Zaragoza, "The
        Probabilistic Relevance Framework", 2009; k1 = 1.2, b = 0.75).

        Args:
            terms: As `cxnlp.text.terms` makes them; the first 200 different ones count.
            limit: At most so many.
            seqs: Search only among these.
        """
        asked = list(dict.fromkeys(terms))[:_MOST_SOUGHT]
        among = None if seqs is None else np.unique(np.asarray(seqs, np.int64))
        if not asked or limit < 1 or (among is not None and not len(among)):
            return []
        with self._database.read() as connection:
            n_records = count_records(connection)
            counts = self._count(connection, asked, n_records)
            candidates = _candidates(connection, counts, n_records, limit + _SPARE, among) if counts else ()
            rows = _read(connection, candidates)
        return _ranked(rows, _weights(dict.fromkeys(asked, 0) | counts, n_records))[:limit]

    def phrase(self, terms: Sequence[str], limit: int, seqs: _Among = None) -> list[WordHit]:
        """Return the records that hold the terms next to each other in this order, newest first.

        Args:
            terms: As `cxnlp.text.terms` makes them of the phrase; so stop words between them do not matter.
            limit: At most so many.
            seqs: Search only among these.
        """
        among = None if seqs is None else np.unique(np.asarray(seqs, np.int64))
        if not terms or limit < 1 or (among is not None and not len(among)):
            return []
        with self._database.read() as connection:
            found = find_row(connection, terms, limit if among is None else _READ_AMONG * MOST_ENTRIES, _span(among))
            if among is not None:
                found = found[np.isin(found, among)][:limit]
            n_records = count_records(connection)
            counts = self._count(connection, list(dict.fromkeys(terms)), n_records)
            rows = _read(connection, [int(seq) for seq in found])
        return sorted(_ranked(rows, _weights(counts, n_records)), key=lambda hit: -hit.seq)

    def missing(self, limit: int, after_seq: int = 0) -> list[Claim]:
        """Return analysed records whose present version lacks words, by `seq`, starting behind `after_seq`: earlier versions of cxnlp kept none."""
        present = (words.c.seq == analyses.c.seq) & (words.c.version == analyses.c.version)
        lacking = select(analyses.c.seq).outerjoin(words, present).where(words.c.seq.is_(None), analyses.c.seq > after_seq)
        found: list[Claim] = []
        with self._database.read() as connection:
            for part in chunks(connection.execute(lacking.order_by(analyses.c.seq).limit(limit)).scalars()):
                rows = connection.execute(select(*COLUMNS).where(feedback.c.seq.in_(part)).order_by(feedback.c.seq))
                found += [claim_of(row) for row in rows]
        return found

    def save(self, rows: Sequence[tuple[str, int, Said]]) -> int:
        """Store the words of (record id, version, words); return how many were of a present version and analysed, others are dropped."""
        by_id = {record_id: (version, made) for record_id, version, made in rows}
        known = select(feedback.c.seq, feedback.c.id, feedback.c.version)
        known = known.join(analyses, (analyses.c.seq == feedback.c.seq) & (analyses.c.version == feedback.c.version))
        made: dict[int, tuple[int, Said]] = {}
        with self._database.write() as connection:
            for part in chunks(by_id):
                present = connection.execute(known.where(feedback.c.id.in_(part)))
                made |= {row.seq: by_id[row.id] for row in present if row.version == by_id[row.id][0]}
            replace_words(connection, made)
        return len(made)

    def _count(self, connection: Connection, terms: Sequence[str], n_records: int) -> dict[str, int]:
        """Return how many records hold each term, those that none holds left out; counts from 200 on may be ten minutes old."""
        now = time.monotonic()
        counts = {term: n for term in terms for until, n in [self._common.get(term, (0.0, 0))] if until > now}
        fresh = count_terms(connection, [term for term in terms if term not in counts], n_records)
        if len(self._common) > _MOST_COUNTS_KEPT:
            self._common.clear()
        self._common |= {term: (now + _COUNTS_KEPT_SECONDS, n) for term, n in fresh.items() if n >= _KEPT_FROM}
        return {term: n for term, n in (counts | dict(fresh)).items() if n}


def said(item: Feedback) -> Said:
    """Return the words of what the customer said, and the codes that others named in the conversation; of a very long text those at its beginning."""
    text = "\n".join(text for _, text in item.segments())
    answered = "\n".join(turn.text for turn in item.turns if turn.speaker != "customer")
    codes = [term for term in terms_of(answered[:_MOST_READ]) if any(c.isdigit() for c in term)]
    kept = " ".join((terms_of(text[:_MOST_READ]) + codes)[:_MOST_TERMS]).encode()
    if len(kept) > _MOST_BYTES:
        kept = kept[: kept.rindex(b" ", 0, _MOST_BYTES)]
    return Said(kept.decode(), copy_key(text))


def replace_words(connection: Connection, made: Mapping[int, tuple[int, Said]]) -> None:
    """Store (version, words) by `seq` within a transaction; what is stored already is not touched, so that the index does not grow."""
    fresh = {seq: {"seq": seq, "version": version, "terms": one.terms, "copy_key": one.copy_key} for seq, (version, one) in made.items()}
    for part in chunks(made):
        for row in connection.execute(_STORED, {"seqs": part}).all():
            if tuple(fresh[row.seq].values()) == tuple(row):
                del fresh[row.seq]
    for part in chunks(fresh):
        connection.execute(delete(words).where(words.c.seq.in_(part)))
    if fresh:
        connection.execute(insert(words), list(fresh.values()))


def _candidates(connection: Connection, counts: Mapping[str, int], n_records: int, n: int, among: Seqs | None) -> list[int]:
    """Return the seqs of n records or fewer that hold most of the rarest terms."""
    if among is not None and len(among) <= _FEW:
        return [int(seq) for seq in among]
    budget = MOST_ENTRIES * (1 if among is None else _READ_AMONG)
    rarest = sorted(counts, key=lambda term: counts[term])
    within = max(1, int(np.searchsorted(np.cumsum([counts[term] for term in rarest]), budget, side="right")))
    chosen, joined = rarest[:within], rarest[within:_JOINED]
    found = find_each(connection, chosen, budget, _span(among)) | find_each(connection, joined, budget, _span(among), beside=chosen)
    seqs = np.concatenate(list(found.values()))
    weights = _weights(counts, n_records)
    scores = np.concatenate([np.full(len(of), weights[term]) for term, of in found.items()])
    if among is not None:
        kept = np.isin(seqs, among)
        seqs, scores = seqs[kept], scores[kept]
    each, place = np.unique(seqs, return_inverse=True)
    best = np.lexsort((-each, -np.bincount(place, scores, len(each))))[:n]
    return [int(seq) for seq in each[best]]


def _weights(counts: Mapping[str, int], n_records: int) -> dict[str, float]:
    """Return the inverse document frequency of terms, as BM25 has it; above 0."""
    return {term: float(np.log1p((max(0, n_records - n) + 0.5) / (n + 0.5))) for term, n in counts.items()}


def _ranked(rows: Sequence[_Row], weights: Mapping[str, float]) -> list[WordHit]:
    mean_length = sum(len(row.terms) for row in rows) / len(rows) if rows else 1.0
    total = sum(weights.values())
    hits = []
    for row in rows:
        held = weights.keys() & set(row.terms)
        if not held:
            continue
        long = _SATURATION * (1 - _LENGTH_WEIGHT + _LENGTH_WEIGHT * len(row.terms) / mean_length)
        score = share = 0.0
        for term in held:
            n, weight = row.terms.count(term), weights[term]
            score += weight * n * (_SATURATION + 1) / (n + long)
            share += weight
        hits.append(WordHit(row.seq, row.id, score, share / total))
    return sorted(hits, key=lambda hit: (-hit.score, -hit.seq))


def _read(connection: Connection, seqs: Iterable[int]) -> list[_Row]:
    return [_row(row) for part in chunks(dict.fromkeys(seqs)) for row in connection.execute(_ROWS, {"seqs": part})]


def _row(row: Any) -> _Row:
    return _Row(row.seq, row.id, row.terms.split(" "))


def _span(among: Seqs | None) -> tuple[int, int]:
    return _ALL if among is None else (int(among[0]), int(among[-1]))
