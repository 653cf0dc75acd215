"""Which records raise a flag by a rule, how urgent it is and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from cxnlp.feeds.conditions import Condition, RepeatContact, holds, n_contacts
from cxnlp.feeds.hours import add_hours
from cxnlp.feeds.priority import Priority, prioritize
from cxnlp.feeds.rules import NOBODY_ELSE, Rule
from cxnlp.records import Analysis, Record, is_historical, rounded

FLAGGED_FROM: Final = -0.3
URGENT_FROM: Final = -0.75
_RISK_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "safety": ("health or safety is at stake", "涉及健康或人身安全"),
    "fraud": ("fraud, counterfeit or stolen money is told of", "涉及欺诈、假货或盗刷"),
    "escalation": ("a regulator, lawyer, the media or a manager is called for", "要投诉至监管、律师、媒体或要求找负责人"),
    "churn": ("the customer is leaving or says they will", "客户流失或表示要离开"),
    "repeat": ("it is not the first contact about this problem", "同一问题反复联系"),
}
_PLAIN: Final[Mapping[str, tuple[str, str]]] = {
    "intent": ("intent", "意图"),
    "channel": ("channel", "渠道"),
    "language": ("language", "语言"),
    "label": ("label", "情感标签"),
    "segment": ("customer segment", "客户类别"),
}

Reason: TypeAlias = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Flag:
    """A record that someone should answer.

    Attributes:
        record_id: Of the record.
        rule: Name of the rule.
        level: 1 is the most urgent, 3 the least.
        reasons: Why, each in English (`en`) and Chinese (`zh`), the most urgent first; never in the customer's words.
        raised_at: When it was found, UTC.
        deadline: By when to answer, counted from `raised_at`; None for historical records.
        historical: Whether the record was older than 48 hours when it was received: it is counted, and nobody is called.
        owner: Who should, or None.
        priority: How much it matters beside others.
    """

    record_id: str
    rule: str
    level: int
    reasons: tuple[Reason, ...]
    raised_at: datetime
    deadline: datetime | None
    historical: bool
    owner: str | None
    priority: Priority


def evaluate(rule: Rule, record: Record, received_at: datetime, now: datetime, contacts: Sequence[datetime] = ()) -> Flag | None:
    """Return the flag that a rule raises on a record, or None.

    Args:
        rule: Which.
        record: With its analysis; one without raises nothing.
        received_at: When this version arrived, UTC.
        now: The time of detection, UTC, from which the deadline runs.
        contacts: When the same customer was in touch before about a touchpoint of this record.
    """
    if record.analysis is None or any(holds(condition, record, contacts) for condition in rule.unless):
        return None
    met = [
        level for level in rule.levels if holds(level.when, record, contacts) and not any(holds(unless, record, contacts) for unless in level.unless)
    ]
    if not met:
        return None
    met.sort(key=lambda level: level.level)
    level = met[0].level
    reasons = [reason for each in met for reason in _reasons(each.when, record, record.analysis, contacts)]
    repeats = RepeatContact(rule.repeat_days) if rule.repeat_days else None
    historical = is_historical(_said_at(record), received_at)
    deadline = None if historical else add_hours(now, rule.deadline_hours[level], rule.business_hours)
    return Flag(
        record_id=record.feedback.id,
        rule=rule.name,
        level=level,
        reasons=tuple({"en": en, "zh": zh} for en, zh in dict.fromkeys(reasons or [(f"rule {rule.name}", f"规则 {rule.name}")])),
        raised_at=now,
        deadline=deadline,
        historical=historical,
        owner=owner_of(rule, record.analysis),
        priority=prioritize(record, level, n_contacts=n_contacts(repeats, record, contacts) if repeats else 0),
    )


def owner_of(rule: Rule, analysis: Analysis) -> str | None:
    """Return who takes a record: the owner of the touchpoint that is spoken of most negatively among those that have one."""
    for observation in sorted(analysis.observations, key=lambda o: o.sentiment):
        if observation.touchpoint in rule.owners:
            return rule.owners[observation.touchpoint]
    return rule.owners.get(NOBODY_ELSE)


def _reasons(when: Condition, record: Record, analysis: Analysis, contacts: Sequence[datetime]) -> list[tuple[str, str]]:
    """Return (English, Chinese) words for each thing that a condition asks, as the record shows it."""
    asked = when.filter
    found = [_RISK_WORDS.get(risk.id, (f"risk: {risk.id}", f"风险：{risk.id}")) for risk in analysis.risks if risk.id in asked.risk]
    if asked.sentiment:
        found.append(_feeling(rounded(analysis.sentiment)))
    found += _problems(when, analysis)
    segment = record.feedback.customer.segment if record.feedback.customer else None
    shown = {
        "intent": analysis.intent,
        "channel": record.feedback.channel,
        "language": analysis.language,
        "label": analysis.label,
        "segment": segment,
    }
    found += [(f"{en}: {shown[name]}", f"{zh}：{shown[name]}") for name, (en, zh) in _PLAIN.items() if getattr(asked, name)]
    if asked.rating and (rating := record.feedback.rating):
        found.append((f"rating {rating.value:g} ({rating.scale})", f"评分 {rating.value:g}（{rating.scale}）"))
    if asked.satisfaction and analysis.satisfaction is not None:
        found.append((f"expected satisfaction {analysis.satisfaction:.2f}", f"预计满意度 {analysis.satisfaction:.2f}"))
    found += [(f"attribute {name}", f"属性 {name}") for name in asked.attributes]
    found += [(f"{name} as asked", f"{name} 符合条件") for name in ("source", "topic", "confidence") if getattr(asked, name)]
    return found + _moves(when, record, analysis, contacts)


def _feeling(sentiment: float) -> tuple[str, str]:
    if sentiment <= URGENT_FROM:
        return f"very negative (sentiment {sentiment:.2f})", f"情绪非常负面（{sentiment:.2f}）"
    if sentiment <= FLAGGED_FROM:
        return f"negative (sentiment {sentiment:.2f})", f"情绪负面（{sentiment:.2f}）"
    return f"sentiment {sentiment:.2f}", f"情绪 {sentiment:.2f}"


def _problems(when: Condition, analysis: Analysis) -> list[tuple[str, str]]:
    asked = when.filter
    if not (asked.touchpoint or asked.stage or asked.cause):
        return []
    wanted = [
        o
        for o in analysis.observations
        if all(not (given := getattr(asked, name)) or getattr(o, name) in given for name in ("touchpoint", "stage", "cause"))
    ]
    return [(f"{o.touchpoint}: {o.cause}", f"{o.touchpoint}：{o.cause}") if o.cause else (o.touchpoint, o.touchpoint) for o in wanted]


def _moves(when: Condition, record: Record, analysis: Analysis, contacts: Sequence[datetime]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    course = analysis.conversation
    if when.course and course:
        if when.course.ends_low:
            found.append((f"the conversation ends badly ({course.end:.2f})", f"会话结尾情绪低（{course.end:.2f}）"))
        if when.course.drop is not None:
            drop = course.start - course.lowest
            found.append((f"the feeling fell by {drop:.2f}", f"情绪下降 {drop:.2f}"))
        if when.course.unanswered:
            found.append(("the customer's last turn is unanswered", "客户最后一句无人回复"))
    if when.repeat:
        n = n_contacts(when.repeat, record, contacts) + 1
        found.append((f"contact {n} about this within {when.repeat.days:g} days", f"{when.repeat.days:g} 天内第 {n} 次就此联系"))
    return found


def _said_at(record: Record) -> datetime:
    # An old conversation that goes on is news; an old one that comes for the first time is not, whatever its last change.
    feedback = record.feedback
    return feedback.updated_at if record.version > 1 and feedback.updated_at else feedback.created_at
