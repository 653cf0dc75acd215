"""How much a flag matters beside others: impact times urgency, and in words why."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cxnlp.feeds.conditions import ENDS_LOW_FROM
from cxnlp.records import Analysis, Record, rounded

_RISK_IMPACT: Final[Mapping[str, float]] = {"safety": 1.0, "fraud": 1.0, "escalation": 0.9, "churn": 0.8, "repeat": 0.6}
_OTHER_RISK: Final = 0.5
_LEVEL_URGENCY: Final[Mapping[int, float]] = {1: 0.9, 2: 0.65, 3: 0.4}
_STEP: Final = 0.1
_MOST_FURTHER: Final = 3
_Words = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Priority:
    """A number in 0..100, the larger the sooner, and why, in English (`en`) and Chinese (`zh`); never in the customer's words."""

    value: int
    explanation: Mapping[str, str]


def prioritize(record: Record, level: int, *, n_contacts: int = 0, overdue: bool = False) -> Priority:
    """Return the priority of a flag: 100 times impact times urgency, both in [0, 1].

    Impact is how bad it is for whom: the strength of the negative feeling or the weight of the worst risk, whichever is more, plus 0.1 for a VIP
    and 0.05 for each further problem up to three. Urgency is 0.9, 0.65 or 0.4 by level, plus 0.1 each if the customer waits for an answer, the
    conversation ends badly, it is not the first contact about this, or the deadline has passed.

    Args:
        record: With its analysis.
        level: Of the flag, 1 to 3.
        n_contacts: Earlier contacts of this customer about the same touchpoint.
        overdue: Whether nobody took it on before its deadline.
    """
    assert record.analysis is not None
    impact, why_impact = _impact(record, record.analysis)
    urgency, why_urgency = _urgency(record.analysis, level, n_contacts, overdue)
    value = round(100 * impact * urgency)
    en = [", ".join(words for words, _ in why) for why in (why_impact, why_urgency)]
    zh = ["、".join(words for _, words in why) for why in (why_impact, why_urgency)]
    explanation = {
        "en": f"{value} = impact {impact:.2f} ({en[0]}) × urgency {urgency:.2f} ({en[1]})",
        "zh": f"{value} = 影响 {impact:.2f}（{zh[0]}）× 紧急 {urgency:.2f}（{zh[1]}）",
    }
    return Priority(value, explanation)


def _impact(record: Record, analysis: Analysis) -> tuple[float, list[_Words]]:
    sentiment = rounded(analysis.sentiment)
    worst = max((r.id for r in analysis.risks), key=lambda risk: _RISK_IMPACT.get(risk, _OTHER_RISK), default=None)
    of_risk = 0.0 if worst is None else _RISK_IMPACT.get(worst, _OTHER_RISK)
    impact = max(-sentiment, of_risk, 0.0)
    why = [(f"sentiment {sentiment:.2f}", f"情绪 {sentiment:.2f}")] if worst is None or -sentiment >= of_risk else []
    if worst is not None:
        why.append((f"risk {worst}", f"风险 {worst}"))
    segment = record.feedback.customer.segment if record.feedback.customer else None
    if segment and "vip" in segment.casefold():
        impact += _STEP
        why.append((f"customer {segment}", f"客户 {segment}"))
    n_problems = len({(o.touchpoint, o.cause) for o in analysis.observations if o.cause})
    if n_problems > 1:
        impact += _STEP / 2 * min(_MOST_FURTHER, n_problems - 1)
        why.append((f"{n_problems} problems", f"{n_problems} 个问题"))
    return min(1.0, impact), why


def _urgency(analysis: Analysis, level: int, n_contacts: int, overdue: bool) -> tuple[float, list[_Words]]:
    course = analysis.conversation
    signs = (
        (course is not None and course.unanswered, ("the customer waits for an answer", "客户在等回复")),
        (course is not None and rounded(course.end) <= ENDS_LOW_FROM, ("the conversation ends badly", "会话结尾情绪低")),
        (n_contacts > 0, (f"contact {n_contacts + 1} about this", f"第 {n_contacts + 1} 次联系")),
        (overdue, ("overdue", "已超时")),
    )
    why = [words for is_so, words in signs if is_so]
    return min(1.0, _LEVEL_URGENCY[level] + _STEP * len(why)), [(f"level {level}", f"{level} 级"), *why]
