from datetime import timedelta

import pytest

from cxnlp.filters import parse_filter
from cxnlp.records import Customer, Observation, Rating

from .samples import NOW, enrich, make_analysis, make_feedback, make_quote

TWO = (Observation("delivery", "service", "rude", -0.5, 0.8, make_quote()), Observation("price", "buy", "high", -0.5, 0.8, make_quote()))


@pytest.fixture
def filled(store):
    """Four records; the last one is not analysed."""
    store.feedback.add(
        [
            make_feedback(1, source="app", rating=Rating("stars", 1), attributes={"region": "西南", "paid": True, "n": 3, 'a"b': "x"}),
            make_feedback(2, channel="chat", customer=Customer("c-1", "vip"), created_at=NOW - timedelta(days=30)),
            make_feedback(3, attributes={"region": "华东", "paid": False, "n": 1.5, "none": None}),
        ],
        NOW,
    )
    made = {"t-1": make_analysis(-0.8), "t-2": make_analysis(0.1, cause=None, risks=(), language="en"), "t-3": two()}
    enrich(store, lambda claim: made[claim.feedback.external_id])
    store.feedback.add([make_feedback(4)], NOW + timedelta(days=1))
    return store


def two():
    import dataclasses

    return dataclasses.replace(make_analysis(-0.31, intent="query", risks=("legal", "legal")), observations=TWO)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "1234"),
        ({"source": "app"}, "1"),
        ({"channel": ["chat", "call"]}, "2"),
        ({"language": ["en"]}, "2"),
        ({"label": "negative"}, "13"),
        ({"intent": ["query", "complaint"]}, "123"),
        ({"touchpoint": "delivery"}, "123"),
        ({"touchpoint": "delivery", "cause": "slow"}, "1"),
        ({"touchpoint": "price", "cause": "rude"}, ""),
        ({"touchpoint": "price", "cause": "high", "stage": "buy"}, "3"),
        ({"stage": "service"}, "123"),
        ({"risk": ["legal", "churn"]}, "13"),
        ({"segment": "vip"}, "2"),
        ({"customer": "c-1"}, "2"),
        ({"topic": "t-1"}, ""),
        ({"sentiment": {"lte": -0.31}}, "13"),
        ({"sentiment": {"lt": -0.31}}, "1"),
        ({"sentiment": {"gt": -0.8, "lte": 0.1}}, "23"),
        ({"confidence": {"gte": 0.9}}, "123"),
        ({"rating": {"lte": -1}}, "1"),
        ({"created_at": {"gte": "2026-11-01"}}, "134"),
        ({"received_at": {"gt": NOW}}, "4"),
        ({"attributes": {"region": ["西南", "华北"]}}, "1"),
        ({"attributes": {"paid": True}}, "1"),
        ({"attributes": {"paid": ["false", "true"]}}, "13"),
        ({"attributes": {"n": [3, 1.5]}}, "13"),
        ({"attributes": {'a"b': "x"}}, "1"),
        ({"attributes": {"none": "null", "region": "华东"}}, ""),
        ({"label": "negative", "attributes": {"region": "华东"}, "channel": "ticket"}, "3"),
    ],
)
def test_filter_lets_pass(filled, given, expected):
    filter = parse_filter(given)
    found = [record.feedback.external_id[2:] for record in filled.feedback.iterate(filter)]
    assert "".join(found) == expected
    assert filled.feedback.count(filter) == len(expected)
    assert len(filled.feedback.page(filter).records) == len(expected)


def test_no_value_is_taken_as_sql(filled):
    assert filled.feedback.count(parse_filter({"source": "x' OR '1'='1", "attributes": {"x' OR 1=1 --": "y"}})) == 0
