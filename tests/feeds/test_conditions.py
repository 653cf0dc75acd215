from datetime import timedelta

import pytest

from cxnlp.errors import InvalidInput
from cxnlp.feeds.conditions import check_labels, condition_line, holds, parse_condition
from cxnlp.records import Topic
from cxnlp.taxonomy import load_taxonomy

from .samples import NOW, make_record

PROBLEMS = [("delivery", "slow", -0.6), ("support", None, 0.5)]


def met(condition, record, contacts=()):
    return holds(parse_condition(condition, "when"), record, contacts)


@pytest.mark.parametrize(
    ("condition", "fields"),
    [
        ({"sentiment": {"lte": -0.3}}, {"sentiment": -0.29996}),
        ({"intent": ["complaint", "inquiry"]}, {}),
        ({"channel": "ticket"}, {}),
        ({"source": ["shop"]}, {}),
        ({"language": ["zh"]}, {}),
        ({"label": ["negative"]}, {"sentiment": -0.25}),
        ({"risk": ["churn"]}, {"risks": ("safety", "churn")}),
        ({"touchpoint": ["delivery"], "cause": ["slow"]}, {"problems": PROBLEMS}),
        ({"stage": ["service"]}, {"problems": PROBLEMS}),
        ({"segment": ["vip"]}, {"segment": "vip"}),
        ({"rating": {"lte": -1}}, {"stars": 1}),
        ({"attributes": {"region": ["西南"], "paid": [True]}}, {"attributes": {"region": "西南", "paid": True}}),
        ({"trajectory": {"ends_low": True}}, {"course": (0, -0.5, -0.3, False)}),
        ({"trajectory": {"drop": 0.5}}, {"course": (0.2, -0.3, 0.3, False)}),
        ({"trajectory": {"unanswered": True}}, {"course": (0, 0, 0, True)}),
        ({"trajectory": {"unanswered": False}}, {"course": (0, 0, 0, False)}),
        ({"spam": False}, {}),
    ],
)
def test_each_condition_is_met_by_what_it_names_and_not_by_another(condition, fields):
    assert met(condition, make_record(**fields))
    plain = make_record(sentiment=0.9, intent="praise", channel="social", stars=5, course=None)
    other = {"source": "x", "language": "en"}
    if set(condition) <= {"source", "language"}:
        condition = {name: [other[name]] for name in condition}
    assert not met(condition, plain) or condition == {"spam": False}


def test_touchpoint_and_cause_must_be_of_one_observation():
    assert not met({"touchpoint": ["support"], "cause": ["slow"]}, make_record(problems=PROBLEMS))


def test_what_is_unknown_is_not_met():
    for condition in (
        {"satisfaction": {"lte": 1}},
        {"rating": {"gte": -1}},
        {"segment": ["vip"]},
        {"topic": ["t-1"]},
        {"trajectory": {"unanswered": False}},
    ):
        assert not met(condition, make_record())
    record = make_record()
    assert met({"topic": ["t-1"]}, type(record)(record.feedback, record.analysis, Topic("t-1", "x")))
    assert not met({"attributes": {"n": ["[1]"]}}, make_record(attributes={"n": [1]}))


def test_repeat_contact_counts_what_is_near_enough():
    contacts = [NOW - timedelta(days=days) for days in (1, 6, 8)]
    assert met({"repeat_contact": {"days": 7, "times": 2}}, make_record(), contacts)
    assert not met({"repeat_contact": {"days": 7, "times": 3}}, make_record(), contacts)
    assert met({"repeat_contact": {"days": 30, "times": 3}}, make_record(), contacts)
    assert not met({"repeat_contact": {"days": 7}}, make_record())


def test_a_condition_is_read_back_from_its_line():
    given = {
        "sentiment": {"lte": -0.3},
        "risk": ["churn"],
        "attributes": {"region": ["西南"]},
        "trajectory": {"drop": 0.5, "ends_low": True},
        "repeat_contact": {"days": 7, "times": 2},
        "spam": True,
    }
    parsed = parse_condition(given, "when")
    assert condition_line(parsed) == given
    assert parse_condition(condition_line(parsed), "when") == parsed


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ({}, r"levels\[0\].when is '\{\}'"),
        ({"sentimant": {"lte": 0}}, r"levels\[0\].when.sentimant is no condition.*sentiment"),
        ({"customer": ["c-1"]}, "customer is no condition"),
        ({"created_at": {"gte": "2026-01-01"}}, "created_at is no condition"),
        ({"sentiment": -0.3}, r"sentiment is .*write bounds such as"),
        ({"sentiment": {"lte": -2}}, "no record can meet.*between -1 and 1"),
        ({"sentiment": {"gt": 0.5, "lte": 0.5}}, "no record can meet"),
        ({"confidence": {"lt": 0}}, "no record can meet.*between 0 and 1"),
        ({"rating": {"gt": 1}}, "no record can meet"),
        ({"channel": ["fax"]}, "channel is 'fax', which no record can have; write one of ticket"),
        ({"label": ["bad"]}, "label is 'bad'"),
        ({"trajectory": {"fall": 1}}, "trajectory is .*ends_low"),
        ({"trajectory": {"drop": 3}}, "trajectory.drop is '3'"),
        ({"trajectory": {"unanswered": "yes"}}, "trajectory.unanswered is 'yes'; write true or false"),
        ({"repeat_contact": 7}, "repeat_contact is '7'"),
        ({"repeat_contact": {"days": 365}}, "repeat_contact.days is '365'.*90"),
        ({"repeat_contact": {"days": 7, "times": 0}}, "repeat_contact.times"),
        ({"spam": 1}, "spam is '1'"),
    ],
)
def test_conditions_that_cannot_be_met_are_refused_with_a_remedy(condition, message):
    with pytest.raises(InvalidInput, match=message):
        parse_condition(condition, "levels[0].when")


def test_bounds_that_leave_one_value_can_be_met():
    assert met({"sentiment": {"gte": -1, "lte": -1}}, make_record(-1.0))
    assert met({"sentiment": {"lt": 0.1, "gt": 0}}, make_record(0.05))


def test_labels_that_the_taxonomy_lacks_are_refused():
    taxonomy = load_taxonomy()
    check_labels(parse_condition({"touchpoint": ["delivery"], "risk": ["churn"], "intent": ["praise"]}, "when").filter, taxonomy, "when")
    for wrong in ({"touchpoint": ["delivry"]}, {"cause": ["late"]}, {"risk": ["x"]}, {"intent": ["rant"]}, {"stage": ["sale"]}):
        with pytest.raises(InvalidInput, match=rf"when.{next(iter(wrong))} is .*which no record can have"):
            check_labels(parse_condition(wrong, "when").filter, taxonomy, "when")
