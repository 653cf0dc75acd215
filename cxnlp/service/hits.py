"""What a search found, and why each hit is one."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cxnlp.lines import quote_line, to_line
from cxnlp.records import Matrix, Quote, Record
from cxnlp.service.outcomes import Outcome, Summary, outcome_of
from cxnlp.store.hits import StoredHit
from cxnlp.text.folding import fold
from cxnlp.text.graphemes import widen
from cxnlp.text.terms import terms
from cxnlp.text.tokens import words


@dataclass(frozen=True, slots=True)
class Hit:
    """One record that is alike.

    Attributes:
        score: Likeness in [0, 1].
        record: As it stands in the store now.
        quote: The clause nearest to the question.
        matched: Words of the question that the record has too.
        copies: Records that say the same, this one included, where copies were asked to be one hit; else None.
    """

    score: float
    record: Record
    quote: Quote | None
    matched: tuple[str, ...] = ()
    copies: int | None = None

    @property
    def outcome(self) -> Outcome:
        """What was done about it."""
        return outcome_of(self.record)

    def to_json(self) -> dict[str, Any]:
        """Return it as the API shows it."""
        line: dict[str, Any] = {
            "score": round(self.score, 4),
            "record": to_line(self.record),
            "quote": quote_line(self.quote) if self.quote else None,
            "matched": self.matched,
            "outcome": self.outcome.to_json(),
        }
        return line if self.copies is None else line | {"copies": self.copies}


@dataclass(frozen=True, slots=True)
class Found:
    """The answer to a search.

    Attributes:
        hits: In the order asked for.
        total: Records that pass the filter.
        facets: Of each field asked for, records that pass the filter by value, the commonest first.
        summary: Of what is alike, if it was asked for.
        next_cursor: What to ask the next part with; None at the end.
    """

    hits: tuple[Hit, ...]
    total: int
    facets: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    summary: Summary | None = None
    next_cursor: str | None = None

    def to_json(self, language: str = "en") -> dict[str, Any]:
        """Return it as the API shows it.

        Args:
            language: Of the line of the summary, `zh` or `en`.
        """
        line: dict[str, Any] = {"hits": [hit.to_json() for hit in self.hits], "total": self.total, "next_cursor": self.next_cursor}
        if self.facets:
            line["facets"] = self.facets
        if self.summary:
            line["summary"] = self.summary.to_json() | {"line": self.summary.line(language)}
        return line


def nearest_quote(hit: StoredHit, asked: Matrix) -> Quote | None:
    """Return the clause of a record that is nearest to one of the (n, dim) vectors of a question; None without clauses."""
    if not hit.spans:
        return None
    feedback, span = hit.record.feedback, hit.spans[int(np.argmax((hit.clauses @ asked.T).max(1)))]
    text = feedback.text if span.turn is None else feedback.turns[span.turn].text
    start, end = widen(text, span.start, span.end)
    return Quote(text[start:end], start, end, span.turn)


def surfaces(text: str) -> dict[str, str]:
    """Return the word of a question that each of its terms comes from."""
    return {term: word for word in words(text) for term in terms(word)}


def matched_words(surface: Mapping[str, str], stored: Collection[str], most: int = 20) -> tuple[str, ...]:
    """Return the words of a question that a record has too, in the order of the question."""
    return tuple(dict.fromkeys(word for term, word in surface.items() if term in stored))[:most]


def says(hit: StoredHit, phrases: Sequence[str]) -> bool:
    """Tell whether what was said holds all the phrases, whatever their case, width and spacing."""
    if not phrases:
        return True
    feedback = hit.record.feedback
    said = [_folded(text) for text in (feedback.text, *(turn.text for turn in feedback.turns))]
    return all(any(_folded(phrase) in text for text in said) for phrase in phrases)


def _folded(text: str) -> str:
    return " ".join(fold(text).lower().split())


def says_the_same(one: StoredHit, other: StoredHit) -> bool:
    """Tell whether two records are copies: of one copy key, or with at least four fifths of their terms in common (Jaccard)."""
    if one.copy_key and one.copy_key == other.copy_key:
        return True
    first, second = set(one.terms), set(other.terms)
    return len(first) > 2 and 5 * len(first & second) >= 4 * len(first | second)
