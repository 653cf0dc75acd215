"""Issues: cases of one complaint, grouped by meaning, and whether they become more."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from cxnlp.lines import to_iso
from cxnlp.records import Matrix, Record

Growth: TypeAlias = Literal["new", "growing", "steady", "shrinking"]
Numbers: TypeAlias = npt.NDArray[np.int64]
Pair: TypeAlias = tuple[str, str]

_UNLIKELY: Final = 0.05
_DOMINANT: Final = 0.5
_COMPARED_AT_ONCE: Final = 4_000
_ROWS_AT_ONCE: Final = 1_024
_MOST_COSINE: Final = 0.99
_N_QUOTES: Final = 3
_LONGEST_QUOTE: Final = 200


@dataclass(frozen=True, slots=True)
class Case:
    """One record's complaint of one thing; a record that complains of two has two.

    Attributes:
        record_id: Of the record.
        created_at: When it was said, UTC.
        pair: (touchpoint, cause); None where the record names no cause.
        subject: What it is about in a word: `touchpoint/cause`, the touchpoint, or the intent.
        quote: The customer's words.
        vector: (dim,) of the record, of length 1.
        is_now: Whether it lies in the window and not in the one before.
    """

    record_id: str
    created_at: datetime
    pair: Pair | None
    subject: str
    quote: str
    vector: npt.NDArray[np.float32] = field(compare=False, repr=False)
    is_now: bool = True


@dataclass(frozen=True, slots=True)
class Issue:
    """Cases of one complaint in a window.

    Attributes:
        name: The commonest subject.
        touchpoint: Of the dominant pair, that of at least half of the records; None where there is none.
        cause: Of the dominant pair.
        share: Of the records, the part that has this pair, in [0, 1].
        n: Records in the window.
        n_before: Records in the window before.
        growth: `new` and `growing`, or `shrinking`, only where chance alone would seldom do it, else `steady`; None where nothing is known of
            the time before.
        p: How probable so great a difference, up or down, is by chance, in [0, 1]; None as `growth` is.
        first_at: When the first in the window was said, UTC.
        last_at: When the last was said, UTC.
        quotes: (record id, words) of up to three records in the middle of the group.
        ids: Records in the window, the newest first.
    """

    name: str
    touchpoint: str | None
    cause: str | None
    share: float
    n: int
    n_before: int
    growth: Growth | None
    p: float | None
    first_at: datetime
    last_at: datetime
    quotes: tuple[tuple[str, str], ...]
    ids: tuple[str, ...]

    def to_json(self, most_ids: int) -> dict[str, Any]:
        """Return it as the API shows it, with at most `most_ids` ids."""
        return {
            "name": self.name,
            "touchpoint": self.touchpoint,
            "cause": self.cause,
            "share": round(self.share, 4),
            "count": self.n,
            "before": self.n_before,
            "growth": self.growth,
            "p": None if self.p is None else float(f"{self.p:.2g}"),
            "first_at": to_iso(self.first_at),
            "last_at": to_iso(self.last_at),
            "quotes": [{"id": record_id, "text": text} for record_id, text in self.quotes],
            "ids": list(self.ids[:most_ids]),
            "more": max(0, self.n - most_ids),
        }


def complains(record: Record) -> bool:
    """Tell whether a record has cases: it is analysed, and names a cause or is negative."""
    analysis = record.analysis
    return analysis is not None and (analysis.label == "negative" or any(seen.cause is not None for seen in analysis.observations))


def cases_of(record: Record, vector: npt.NDArray[np.float32], *, is_now: bool) -> list[Case]:
    """Return the cases of an analysed record: one for each (touchpoint, cause), or one without; none if it does not complain."""
    feedback, analysis = record.feedback, record.analysis
    if analysis is None or not complains(record):
        return []
    unit = vector / np.linalg.norm(vector)
    quotes: dict[Pair, str] = {}
    for seen in sorted(analysis.observations, key=lambda o: o.sentiment):
        if seen.cause is not None:
            quotes.setdefault((seen.touchpoint, seen.cause), seen.quote.text)
    if quotes:
        return [Case(feedback.id, feedback.created_at, pair, "/".join(pair), quote, unit, is_now) for pair, quote in quotes.items()]
    subject = analysis.observations[0].touchpoint if analysis.observations else analysis.intent
    said = " ".join(text for _, text in feedback.segments()).strip()
    return [Case(feedback.id, feedback.created_at, None, subject, said, unit, is_now)]


def find_issues(cases: Sequence[Case], least_cosines: tuple[float, float], least: int, exposure: float) -> list[Issue]:
    """Return the issues with at least `least` cases in the window, the largest first.

    Cases of both windows are grouped together, so that neither is favoured: those of one (touchpoint, cause) by their vectors, each group around
    the case with the most cases alike (star clustering: Aslam, Pelekhov, Rus 2004); those without a pair join the nearest group that is alike, else
    each other.

    Args:
        cases: Of the window and of the one before.
        least_cosines: From which cosine on two cases of one pair are alike, and from which on one without a pair joins those with one.
        least: Cases in the window.
        exposure: Length of the time before that is known, by that of the window; 0 if nothing is known.
    """
    if not cases:
        return []
    vectors = np.stack([case.vector for case in cases])
    groups, centres = _grouped(cases, vectors, *(min(cosine, _MOST_COSINE) for cosine in least_cosines))
    order = np.argsort(groups, kind="stable")
    found = []
    for part in np.split(order, np.flatnonzero(np.diff(groups[order])) + 1):
        members = part[np.argsort(-(vectors[part] @ vectors[centres[groups[part[0]]]]), kind="stable")]
        if len({cases[i].record_id for i in members if cases[i].is_now}) >= least:
            found.append(_issue([cases[i] for i in members], exposure))
    return sorted(found, key=lambda issue: (-issue.n, -issue.last_at.timestamp(), issue.name))


def _grouped(cases: Sequence[Case], vectors: Matrix, least_cosine: float, joining_cosine: float) -> tuple[Numbers, Numbers]:
    """Return the group of each case, and the case in the middle of each group."""
    rows_of: dict[Pair | None, list[int]] = {}
    for i, case in enumerate(cases):
        rows_of.setdefault(case.pair, []).append(i)
    others = np.array(rows_of.pop(None, []), np.int64)
    groups = np.full(len(cases), -1, np.int64)
    centres = np.zeros(0, np.int64)
    for listed in rows_of.values():
        rows = np.array(listed)
        own, middles = gather(vectors[rows], least_cosine)
        groups[rows] = len(centres) + own
        centres = np.concatenate([centres, rows[middles]])
    if len(centres) and len(others):
        nearest, cosines = _nearest(vectors[others], vectors[centres])
        alike = cosines >= joining_cosine
        groups[others[alike]] = nearest[alike]
        others = others[~alike]
    own, middles = gather(vectors[others], least_cosine)
    groups[others] = len(centres) + own
    return groups, np.concatenate([centres, others[middles]])


def gather(vectors: Matrix, least_cosine: float) -> tuple[Numbers, Numbers]:
    """Return the group of each of (n, dim) vectors of length 1, and the number of the vector in the middle of each group.

    Groups are made of 4,000 vectors at a time, drawn at random but the same each time; all others that are alike join them, and the rest is
    gathered in the next round, so that time and memory stay small for any n.
    """
    groups = np.zeros(len(vectors), np.int64)
    centres = np.zeros(0, np.int64)
    rest = np.arange(len(vectors))
    draw = np.random.default_rng(0)
    while len(rest):
        some = rest if len(rest) <= _COMPARED_AT_ONCE else np.sort(draw.choice(rest, _COMPARED_AT_ONCE, replace=False))
        fresh = some[_middles(vectors[some], least_cosine)]
        nearest, cosines = _nearest(vectors[rest], vectors[fresh])
        joins = cosines >= least_cosine
        groups[rest[joins]] = len(centres) + nearest[joins]
        centres = np.concatenate([centres, fresh])
        rest = rest[~joins]
    return groups, centres


def _middles(vectors: Matrix, least_cosine: float) -> Numbers:
    """Return the vectors around which most others lie, each time among those not yet within reach of one."""
    alike = vectors @ vectors.T >= least_cosine
    np.fill_diagonal(alike, True)
    counts = alike.sum(axis=1)
    free = np.ones(len(vectors), np.bool_)
    middles = []
    while free.any():
        middle = int(np.argmax(np.where(free, counts, -1)))
        taken = np.flatnonzero(free & alike[middle])
        free[taken] = False
        counts -= alike[taken].sum(axis=0)
        middles.append(middle)
    return np.array(middles, np.int64)


def _nearest(vectors: Matrix, centres: Matrix) -> tuple[Numbers, npt.NDArray[np.float32]]:
    nearest = np.zeros(len(vectors), np.int64)
    cosines = np.zeros(len(vectors), np.float32)
    for first in range(0, len(vectors), _ROWS_AT_ONCE):
        part = slice(first, first + _ROWS_AT_ONCE)
        likeness = vectors[part] @ centres.T
        nearest[part] = likeness.argmax(axis=1)
        cosines[part] = likeness.max(axis=1)
    return nearest, cosines


def _issue(cases: Sequence[Case], exposure: float) -> Issue:
    """Return the issue of cases sorted by their distance from the middle."""
    now = list({case.record_id: case for case in cases if case.is_now}.values())
    n_before = len({case.record_id for case in cases if not case.is_now})
    pairs = Counter(case.pair for case in now if case.pair)
    pair, n_of_pair = pairs.most_common(1)[0] if pairs else (None, 0)
    if n_of_pair < _DOMINANT * len(now):
        pair, n_of_pair = None, 0
    subjects = Counter(case.subject for case in now if pair is None or case.pair == pair)
    newest = sorted(now, key=lambda case: case.created_at, reverse=True)
    growth, p = compare(len(now), n_before, exposure)
    quotes = {" ".join(case.quote.split()): case.record_id for case in reversed(now)}
    shown = [(record_id, _shortened(text)) for text, record_id in reversed(quotes.items())]
    return Issue(
        name=subjects.most_common(1)[0][0],
        touchpoint=pair[0] if pair else None,
        cause=pair[1] if pair else None,
        share=n_of_pair / len(now),
        n=len(now),
        n_before=n_before,
        growth=growth,
        p=p,
        first_at=newest[-1].created_at,
        last_at=newest[0].created_at,
        quotes=tuple(shown[:_N_QUOTES]),
        ids=tuple(case.record_id for case in newest),
    )


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_QUOTE else text[: _LONGEST_QUOTE - 1] + "…"


def compare(n: int, n_before: int, exposure: float) -> tuple[Growth | None, float | None]:
    """Return how n cases compare with n_before in a time `exposure` times as long, and how probable so great a difference is by chance.

    Two Poisson counts of one rate, given their sum, are binomial (Przyborowski, Wilenski 1940); the exact test is two-sided, by twice the smaller
    tail. 6 against 0 and 13 against 3 are more than chance at the level of 5 %, 5 against 0 and 8 against 3 are not.
    """
    if exposure <= 0:
        return None, None
    share = 1 / (1 + exposure)
    p = min(1.0, 2 * min(_at_least(n, n + n_before, share), _at_least(n_before, n + n_before, 1 - share)))
    if p >= _UNLIKELY:
        return "steady", p
    if n / (n + n_before) < share:
        return "shrinking", p
    return ("growing" if n_before else "new"), p


def _at_least(n: int, of: int, share: float) -> float:
    """Return the probability of n or more successes among `of` trials."""
    log_all, log_yes, log_no = math.lgamma(of + 1), math.log(share), math.log1p(-share)
    terms = (log_all - math.lgamma(k + 1) - math.lgamma(of - k + 1) + k * log_yes + (of - k) * log_no for k in range(n, of + 1))
    return min(1.0, math.fsum(math.exp(term) for term in terms))
