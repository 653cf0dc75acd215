"""A filter as a condition on `feedback` outer-joined to `analyses`."""

from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, FromClause, and_, select, true

from cxnlp.filters import Filter, Range
from cxnlp.store import dialect
from cxnlp.store.schema import analyses, feedback, observations, risks
from cxnlp.store.topics.tables import topic_members

ANALYZED: Final[FromClause] = feedback.outerjoin(analyses, (analyses.c.seq == feedback.c.seq) & (analyses.c.version == feedback.c.version))
_FEEDBACK_CHOICES: Final = {"source": "source", "channel": "channel", "segment": "segment", "customer": "customer_id"}
_ANALYSIS_CHOICES: Final = ("language", "label", "intent")
_FEEDBACK_NUMBERS: Final = ("rating", "created_at", "received_at")
_ANALYSIS_NUMBERS: Final = ("sentiment", "confidence", "satisfaction")
_OBSERVED: Final = ("touchpoint", "stage", "cause")
_BY_TOPIC: Final = select(topic_members.c.seq).where(topic_members.c.kind == "documents")


def condition(filter: Filter, connection: Connection) -> ColumnElement[bool]:
    """Return the condition that a row of `ANALYZED` passes the filter."""
    parts: list[ColumnElement[bool]] = []
    for name, column in _FEEDBACK_CHOICES.items():
        if values := getattr(filter, name):
            parts.append(feedback.c[column].in_(values))
    for name in _ANALYSIS_CHOICES:
        if values := getattr(filter, name):
            parts.append(analyses.c[name].in_(values))
    for name in _FEEDBACK_NUMBERS:
        parts += _bounds(feedback.c[name], getattr(filter, name))
    for name in _ANALYSIS_NUMBERS:
        parts += _bounds(analyses.c[name], getattr(filter, name))
    parts += _labels(filter)
    parts += [dialect.has_attribute(connection, feedback.c.attributes, name, values) for name, values in filter.attributes.items()]
    return and_(true(), *parts)


def _labels(filter: Filter) -> list[ColumnElement[bool]]:
    parts: list[ColumnElement[bool]] = []
    observed = [observations.c[name].in_(getattr(filter, name)) for name in _OBSERVED if getattr(filter, name)]
    if observed:
        parts.append(analyses.c.seq.in_(select(observations.c.seq).where(*observed)))
    if filter.risk:
        parts.append(analyses.c.seq.in_(select(risks.c.seq).where(risks.c.risk.in_(filter.risk))))
    if filter.topic:
        parts.append(feedback.c.seq.in_(_BY_TOPIC.where(topic_members.c.topic_id.in_(filter.topic))))
    return parts


def _bounds(column: ColumnElement[Any], bounds: Range | None) -> list[ColumnElement[bool]]:
    if bounds is None:
        return []
    pairs = ((bounds.gte, column.__ge__), (bounds.gt, column.__gt__), (bounds.lte, column.__le__), (bounds.lt, column.__lt__))
    return [compare(bound) for bound, compare in pairs if bound is not None]
