from datetime import timedelta

import pytest

from cxnlp.feeds.flags import evaluate
from cxnlp.feeds.rules import parse_rule
from cxnlp.records import Record
from cxnlp.taxonomy import load_taxonomy

from .samples import DEFAULT, NOW, TEXT, make_record


def judge(record, now=NOW, rule=DEFAULT, contacts=()):
    return evaluate(rule, record, NOW, now, contacts)


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
    flag = judge(make_record(sentiment, risks), NOW + timedelta(seconds=3))
    assert (flag.level, flag.deadline, flag.historical) == (level, NOW + timedelta(hours=hours, seconds=3), False)


@pytest.mark.parametrize(("sentiment", "intent"), [(-0.2999, "complaint"), (0.0, "inquiry"), (-0.1, "other"), (0.8, "praise")])
def test_records_that_are_neither_negative_nor_risky_raise_none(sentiment, intent):
    assert judge(make_record(sentiment, intent=intent)) is None


def test_record_without_analysis_raises_none():
    assert judge(Record(make_record().feedback)) is None


def test_reasons_are_told_most_urgent_first_in_both_languages_and_not_in_the_customers_words():
    flag = judge(make_record(-0.82, ("churn", "safety", "churn")))
    assert [reason["en"] for reason in flag.reasons] == [
        "health or safety is at stake",
        "the customer is leaving or says they will",
        "very negative (sentiment -0.82)",
    ]
    assert [reason["zh"] for reason in flag.reasons][2] == "情绪非常负面（-0.82）"
    assert TEXT[:4] not in str(flag.reasons)


def test_every_risk_of_the_taxonomy_has_words():
    for risk in load_taxonomy().ids("risks"):
        assert not judge(make_record(risks=(risk,))).reasons[0]["en"].startswith("risk:")


def test_records_older_than_48_hours_when_received_are_historical_and_have_no_deadline():
    old, recent = NOW - timedelta(hours=48, seconds=1), NOW - timedelta(hours=48)
    flag = judge(make_record(-0.9, created_at=old))
    assert (flag.historical, flag.deadline, flag.level) == (True, None, 2)
    assert not judge(make_record(-0.9, created_at=recent)).historical
    assert judge(make_record(-0.9, created_at=old, updated_at=NOW)).historical


def test_an_old_conversation_that_goes_on_is_not_historical():
    record = make_record(-0.9, created_at=NOW - timedelta(days=9), updated_at=NOW - timedelta(minutes=1), version=2)
    flag = judge(record)
    assert (flag.historical, flag.deadline) == (False, NOW + timedelta(hours=24))


def test_a_mere_inquiry_raises_none_unless_it_is_very_negative_or_there_is_a_risk():
    assert judge(make_record(-0.4, intent="inquiry")) is None
    assert judge(make_record(-0.5, intent="inquiry")).level == 3
    assert judge(make_record(-0.4, ("churn",), intent="inquiry")).level == 2


def test_advertising_raises_none_unless_there_is_a_risk():
    spam = "高薪兼职日结三百，加微信了解 https://t.cn/xyz"
    assert judge(make_record(-0.9, text=spam)) is None
    assert judge(make_record(-0.9, ("fraud",), text=spam)).level == 1


def test_what_is_held_back_by_one_level_is_not_by_another():
    rule = parse_rule({"name": "r", "unless": {"channel": ["survey"]}, "levels": [
        {"level": 1, "when": {"sentiment": {"lte": -0.5}}, "unless": {"intent": ["inquiry"]}},
        {"level": 3, "when": {"sentiment": {"lte": -0.5}}},
    ]})  # fmt: skip
    assert judge(make_record(-0.6), rule=rule).level == 1
    assert judge(make_record(-0.6, intent="inquiry"), rule=rule).level == 3
    assert judge(make_record(-0.6, channel="survey"), rule=rule) is None


def test_deadline_runs_in_business_hours():
    hours = {"days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "to": "18:00", "zone": "Asia/Shanghai"}
    rule = parse_rule({"name": "r", "level": 1, "when": {"sentiment": {"lte": 0}}, "deadline_hours": {"1": 2}, "business_hours": hours})
    assert NOW.astimezone().utcoffset() is not None  # a Friday, 20:00 in Shanghai
    assert judge(make_record(-0.5), rule=rule).deadline == NOW + timedelta(days=2, hours=15)


def test_owner_is_that_of_the_worst_touchpoint_that_has_one():
    owners = {"delivery": "logistics", "support": "care", "default": "desk"}
    rule = parse_rule({"name": "r", "level": 1, "when": {"sentiment": {"lte": 0}}, "owners": owners})
    problems = [("delivery", "slow", -0.4), ("support", "attitude", -0.8), ("product", "defect", -0.9)]
    assert judge(make_record(-0.5, problems=problems), rule=rule).owner == "care"
    assert judge(make_record(-0.5, problems=problems[2:]), rule=rule).owner == "desk"
    assert judge(make_record(-0.5, problems=problems)).owner is None


def test_conditions_are_told_in_words_but_never_the_customers():
    rule = parse_rule({"name": "r", "level": 2, "when": {
        "touchpoint": ["delivery"], "segment": ["vip"], "attributes": {"note": ["secret words"]}, "repeat_contact": {"days": 7},
        "trajectory": {"drop": 0.5, "unanswered": True, "ends_low": True},
    }})  # fmt: skip
    record = make_record(
        -0.2, problems=[("delivery", "slow", -0.5)], segment="vip", attributes={"note": "secret words"}, course=(0.4, -0.6, -0.5, True)
    )
    assert judge(record, rule=rule) is None
    flag = judge(record, rule=rule, contacts=[NOW - timedelta(days=2)])
    assert [reason["en"] for reason in flag.reasons] == [
        "delivery: slow",
        "customer segment: vip",
        "attribute note",
        "the conversation ends badly (-0.50)",
        "the feeling fell by 1.00",
        "the customer's last turn is unanswered",
        "contact 2 about this within 7 days",
    ]
    assert "secret" not in str(flag.reasons) and all(reason["zh"] for reason in flag.reasons)


def test_a_rule_that_asks_nothing_that_has_words_still_gives_a_reason():
    rule = parse_rule({"name": "all-spam", "level": 3, "when": {"spam": False}})
    assert judge(make_record(), rule=rule).reasons == ({"en": "rule all-spam", "zh": "规则 all-spam"},)
