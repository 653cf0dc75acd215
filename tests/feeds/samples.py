"""Records for these tests; the texts are written for them."""

from datetime import UTC, datetime

from cxnlp.feeds.rules import shipped_rules
from cxnlp.records import Analysis, Conversation, Customer, Feedback, Observation, Quote, Rating, Record, Risk, Turn

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)  # a Friday
TEXT = "屏幕坏了，I want my money back"
QUOTE = Quote(TEXT[:4], 0, 4)
(DEFAULT,) = shipped_rules()


def make_record(sentiment=0.0, risks=(), intent="complaint", problems=(), course=None, text=TEXT, version=1, **fields):
    """Return an analysed record; `problems` are (touchpoint, cause, sentiment), `course` (start, lowest, end, unanswered)."""
    given = {"created_at": NOW, "channel": "ticket", "text": text} | fields
    if course:
        given |= {"text": "", "turns": (Turn("customer", text),), "channel": "chat"}
    if "segment" in given:
        given["customer"] = Customer("c-0123456789abcdef", given.pop("segment"))
    if "stars" in given:
        given["rating"] = Rating("stars", given.pop("stars"))
    observations = tuple(Observation(touchpoint, "service", cause, felt, 0.8, QUOTE) for touchpoint, cause, felt in problems)
    found = None
    if course:
        start, lowest, end, unanswered = course
        found = Conversation(start, lowest, 0, end, 0.0, None, False, unanswered, 2)
    analysis = Analysis("zh", sentiment, 0.9, intent, observations, tuple(Risk(risk, 0.8, QUOTE) for risk in risks), "test-1", conversation=found)
    return Record(Feedback("shop", "1", **given), analysis, version=version, received_at=NOW)
