"""Which clauses of a record speak of a problem, and which of a strength."""

from collections.abc import Sequence
from typing import Final

from cxnlp.records import NEGATIVE_FROM, POSITIVE_FROM, Analysis, Feedback, Quote, Span
from cxnlp.store.topics.fits import PROBLEMS

_SUGGESTION: Final = "suggestion"


def clauses_about(kind: str, analysis: Analysis, spans: Sequence[Span]) -> list[int]:
    """Return the numbers of the clauses that speak of a problem or of a strength, ascending.

    A clause speaks of a problem where a negative observation was read, and all clauses of a suggestion do but those with praise; it speaks of a
    strength where a positive observation was read. Where nothing was observed, all clauses of a negative or positive record count by its label.

    Args:
        kind: `problems` or `strengths`.
        analysis: Of the record.
        spans: Of its clauses.
    """
    negative = [o.quote for o in analysis.observations if o.sentiment <= NEGATIVE_FROM]
    positive = [o.quote for o in analysis.observations if o.sentiment >= POSITIVE_FROM]
    wanted, unwanted = (negative, positive) if kind == PROBLEMS else (positive, negative)
    if kind == PROBLEMS and analysis.intent == _SUGGESTION:
        return [i for i, span in enumerate(spans) if not _holds(span, unwanted)]
    if not analysis.observations:
        return list(range(len(spans))) if analysis.label == ("negative" if kind == PROBLEMS else "positive") else []
    return [i for i, span in enumerate(spans) if _holds(span, wanted)]


def clause_text(feedback: Feedback, span: Span) -> str:
    """Return the words of a clause as they stand in the record."""
    text = feedback.text if span.turn is None else feedback.turns[span.turn].text
    return text[span.start : span.end]


def _holds(span: Span, quotes: Sequence[Quote]) -> bool:
    return any(quote.turn == span.turn and span.start < quote.end and quote.start < span.end for quote in quotes)
