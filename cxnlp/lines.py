"""The one JSON form in which a record leaves cxnlp: `analyze`, `export`, the API and every event use it."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from cxnlp.records import Analysis, Conversation, Observation, Quote, Record, Risk, Turn, TurnSentiment, rounded


def to_iso(at: datetime) -> str:
    """Return a time as RFC 3339 in UTC, `2026-11-01T09:30:00Z`, with milliseconds only where there are any."""
    at = at.astimezone(UTC)
    return at.isoformat(timespec="milliseconds" if at.microsecond else "seconds").replace("+00:00", "Z")


def to_line(record: Record) -> dict[str, Any]:
    """Return the JSON object in which a record leaves cxnlp; fields of the analysis are absent until it is enriched."""
    feedback = record.feedback
    line: dict[str, Any] = {"id": feedback.id, "source": feedback.source, "external_id": feedback.external_id, "channel": feedback.channel}
    if feedback.turns:
        line["turns"] = [_turn_line(turn) for turn in feedback.turns]
    else:
        line["text"] = feedback.text
    line["created_at"] = to_iso(feedback.created_at)
    if feedback.updated_at:
        line["updated_at"] = to_iso(feedback.updated_at)
    if feedback.rating:
        line["rating"] = {"scale": feedback.rating.scale, "value": feedback.rating.value}
    if feedback.customer:
        line["customer"] = {k: v for k, v in (("id", feedback.customer.id), ("segment", feedback.customer.segment)) if v is not None}
    if feedback.attributes:
        line["attributes"] = dict(feedback.attributes)
    if record.analysis:
        line |= analysis_line(record.analysis)
    if record.topic:
        line["topic"] = {"id": record.topic.id, "label": record.topic.label}
    if record.corrected:
        line["corrected"] = list(record.corrected)
    if record.stale:
        line["stale"] = list(record.stale)
    return line


def analysis_line(analysis: Analysis) -> dict[str, Any]:
    """Return the fields of the line that the model wrote; numbers are rounded to four decimals."""
    line: dict[str, Any] = {
        "language": analysis.language,
        "sentiment": rounded(analysis.sentiment),
        "label": analysis.label,
        "confidence": rounded(analysis.confidence),
        "intent": analysis.intent,
        "observations": [
            {
                "touchpoint": o.touchpoint,
                "stage": o.stage,
                "cause": o.cause,
                "sentiment": rounded(o.sentiment),
                "confidence": rounded(o.confidence),
                "quote": quote_line(o.quote),
            }
            for o in analysis.observations
        ],
        "risks": [{"id": r.id, "confidence": rounded(r.confidence), "quote": quote_line(r.quote)} for r in analysis.risks],
    }
    if analysis.trajectory:
        line["satisfaction"] = None if analysis.satisfaction is None else rounded(analysis.satisfaction)
        line["trajectory"] = [{"turn": t.turn, "sentiment": rounded(t.sentiment)} for t in analysis.trajectory]
    if analysis.conversation:
        line["conversation"] = {name: rounded(value) if isinstance(value, float) else value for name, value in asdict(analysis.conversation).items()}
    line["model"] = analysis.model
    return line


def quote_line(quote: Quote) -> dict[str, Any]:
    """Return a quote as JSON."""
    return {"text": quote.text, "turn": quote.turn, "start": quote.start, "end": quote.end}


def analysis_from_line(line: Mapping[str, Any]) -> Analysis:
    """Return the analysis that `analysis_line` wrote."""
    return Analysis(
        language=line["language"],
        sentiment=line["sentiment"],
        confidence=line["confidence"],
        intent=line["intent"],
        observations=tuple(
            Observation(o["touchpoint"], o["stage"], o["cause"], o["sentiment"], o["confidence"], Quote(**o["quote"])) for o in line["observations"]
        ),
        risks=tuple(Risk(r["id"], r["confidence"], Quote(**r["quote"])) for r in line["risks"]),
        model=line["model"],
        satisfaction=line.get("satisfaction"),
        trajectory=tuple(TurnSentiment(t["turn"], t["sentiment"]) for t in line.get("trajectory", ())),
        conversation=Conversation(**line["conversation"]) if "conversation" in line else None,
    )


def _turn_line(turn: Turn) -> dict[str, Any]:
    line: dict[str, Any] = {"speaker": turn.speaker, "text": turn.text}
    if turn.at:
        line["at"] = to_iso(turn.at)
    return line if turn.id is None else line | {"id": turn.id}
