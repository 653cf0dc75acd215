"""Which records raise a flag: the default rule."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from cxnlp.records import Analysis, Record, is_historical

RULE: Final = "default"
FLAGGED_FROM: Final = -0.3
URGENT_FROM: Final = -0.75
RESPONSE_HOURS: Final[Mapping[int, int]] = {1: 4, 2: 24, 3: 72}
_RISK_LEVELS: Final[Mapping[str, int]] = {"safety": 1, "fraud": 1, "escalation": 1, "churn": 2, "repeat": 2}
_RISK_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "safety": ("health or safety is at stake", "涉及健康或人身安全"),
    "fraud": ("fraud, counterfeit or stolen money is told of", "涉及欺诈、假货或盗刷"),
    "escalation": ("a regulator, lawyer, the media or a manager is called for", "要投诉至监管、律师、媒体或要求找负责人"),
    "churn": ("the customer is leaving or says they will", "客户流失或表示要离开"),
    "repeat": ("it is not the first contact about this problem", "同一问题反复联系"),
}

Reason: TypeAlias = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Flag:
    """A record that someone should answer.

    Attributes:
        record_id: Of the record.
        rule: Name of the rule.
        level: 1 (answer within 4 hours), 2 (24 hours) or 3 (72 hours).
        reasons: Why, each in English (`en`) and Chinese (`zh`); never in the customer's words.
        raised_at: When it was found, UTC.
        deadline: By when to answer, counted from `raised_at`; None for historical records.
        historical: Whether the record was older than 48 hours when it was received: it is counted, and nobody is called.
    """

    record_id: str
    rule: str
    level: int
    reasons: tuple[Reason, ...]
    raised_at: datetime
    deadline: datetime | None
    historical: bool


def evaluate(record: Record, received_at: datetime, now: datetime) -> Flag | None:
    """Return the flag that the default rule raises on a record, or None: for a sentiment of -0.3 or less, and for any risk.

    Args:
        record: With its analysis; one without raises nothing.
        received_at: When this version arrived, UTC.
        now: The time of detection, UTC, from which the deadline runs.
    """
    if record.analysis is None or not (causes := _causes(record.analysis)):
        return None
    level = min(level for level, _ in causes)
    historical = is_historical(_said_at(record), received_at)
    deadline = None if historical else now + timedelta(hours=RESPONSE_HOURS[level])
    reasons = tuple(reason for _, reason in sorted(causes, key=lambda cause: cause[0]))
    return Flag(record.feedback.id, RULE, level, reasons, now, deadline, historical)


def _causes(analysis: Analysis) -> list[tuple[int, Reason]]:
    causes: list[tuple[int, Reason]] = []
    for risk in dict.fromkeys(risk.id for risk in analysis.risks):
        en, zh = _RISK_WORDS.get(risk, (f"risk: {risk}", f"风险：{risk}"))
        causes.append((_RISK_LEVELS.get(risk, 3), {"en": en, "zh": zh}))
    # Rounded as the record shows it, so that nobody sees -0.3 unflagged.
    sentiment = round(float(analysis.sentiment), 4)
    if sentiment <= URGENT_FROM:
        causes.append((2, {"en": f"very negative (sentiment {sentiment:.2f})", "zh": f"情绪非常负面（{sentiment:.2f}）"}))
    elif sentiment <= FLAGGED_FROM:
        causes.append((3, {"en": f"negative (sentiment {sentiment:.2f})", "zh": f"情绪负面（{sentiment:.2f}）"}))
    return causes


def _said_at(record: Record) -> datetime:
    # An old conversation that goes on is news; an old one that comes for the first time is not, whatever its last change.
    feedback = record.feedback
    return feedback.updated_at if record.version > 1 and feedback.updated_at else feedback.created_at
