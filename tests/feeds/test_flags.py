from datetime import UTC, datetime, timedelta

import pytest

from cxnlp.feeds.flags import evaluate
from cxnlp.records import Analysis, Feedback, Quote, Record, Risk
from cxnlp.taxonomy import load_taxonomy

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
TEXT = "屏幕坏了，I want my money back"


def make_record(sentiment=0.0, risks=(), intent="complaint", created_at=NOW, version=1, updated_at=None):
    feedback = Feedback("shop", "1", "ticket", created_at, TEXT, updated_at=updated_at)
    quote = Quote(TEXT[:4], 0, 4)
    analysis = Analysis("zh", sentiment, 0.9, intent, (), tuple(Risk(risk, 0.8, quote) for risk in risks), "test-1")
    return Record(feedback, analysis, version=version, received_at=NOW)


@pytest.mark.parametrize(
    ("sentiment", "risks", "level", "hours"),
    [
        (-0.3, (), 3, 72),
        (-0.29996, (), 3, 72),
        (-0.74, (), 3, 72),
        (-0.75, (), 2, 24),
        (0.2, ("churn",), 2, 24),
        (-0.5, ("repeat",), 2, 24),
        (0.9, ("safety",), 1, 4),
        (-0.9, ("fraud", "churn"), 1, 4),
        (-0.4, ("churn", "escalation"), 1, 4),
    ],
)
def test_level_and_deadline_follow_sentiment_and_risk(sentiment, risks, level, hours):
    flag = evaluate(make_record(sentiment, risks), NOW, NOW + timedelta(seconds=3))
    assert (flag.level, flag.deadline, flag.historical) == (level, NOW + timedelta(hours=hours, seconds=3), False)


@pytest.mark.parametrize(("sentiment", "intent"), [(-0.2999, "complaint"), (0.0, "inquiry"), (-0.1, "other"), (0.8, "praise")])
def test_records_that_are_neither_negative_nor_risky_raise_none(sentiment, intent):
    assert evaluate(make_record(sentiment, intent=intent), NOW, NOW) is None


def test_record_without_analysis_raises_none():
    assert evaluate(Record(make_record().feedback), NOW, NOW) is None


def test_reasons_are_told_most_urgent_first_in_both_languages_and_not_in_the_customers_words():
    flag = evaluate(make_record(-0.82, ("churn", "safety", "churn")), NOW, NOW)
    assert [reason["en"] for reason in flag.reasons] == [
        "health or safety is at stake",
        "the customer is leaving or says they will",
        "very negative (sentiment -0.82)",
    ]
    assert [reason["zh"] for reason in flag.reasons][2] == "情绪非常负面（-0.82）"
    assert TEXT[:4] not in str(flag.reasons)


def test_every_risk_of_the_taxonomy_has_words():
    for risk in load_taxonomy().ids("risks"):
        assert not evaluate(make_record(risks=(risk,)), NOW, NOW).reasons[0]["en"].startswith("risk:")


def test_records_older_than_48_hours_when_received_are_historical_and_have_no_deadline():
    old, recent = NOW - timedelta(hours=48, seconds=1), NOW - timedelta(hours=48)
    flag = evaluate(make_record(-0.9, created_at=old), NOW, NOW)
    assert (flag.historical, flag.deadline, flag.level) == (True, None, 2)
    assert not evaluate(make_record(-0.9, created_at=recent), NOW, NOW).historical
    assert evaluate(make_record(-0.9, created_at=old, updated_at=NOW), NOW, NOW).historical


def test_an_old_conversation_that_goes_on_is_not_historical():
    record = make_record(-0.9, created_at=NOW - timedelta(days=9), updated_at=NOW - timedelta(minutes=1), version=2)
    flag = evaluate(record, NOW, NOW)
    assert (flag.historical, flag.deadline) == (False, NOW + timedelta(hours=24))
