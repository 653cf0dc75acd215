import pytest

from cxnlp.feeds.priority import prioritize

from .samples import TEXT, make_record


def value(level=2, n_contacts=0, overdue=False, **fields):
    return prioritize(make_record(**fields), level, n_contacts=n_contacts, overdue=overdue).value


def test_priority_is_impact_times_urgency_and_says_so_in_both_languages():
    record = make_record(-0.6, ("churn",), segment="VIP", problems=[("delivery", "slow", -0.5), ("support", "attitude", -0.8)])
    found = prioritize(record, 2)
    assert found.value == round(100 * (0.8 + 0.1 + 0.05) * 0.65)
    assert found.explanation["en"] == "62 = impact 0.95 (risk churn, customer VIP, 2 problems) × urgency 0.65 (level 2)"
    assert found.explanation["zh"] == "62 = 影响 0.95（风险 churn、客户 VIP、2 个问题）× 紧急 0.65（2 级）"
    assert TEXT[:4] not in str(found)


@pytest.mark.parametrize(
    ("less", "more"),
    [
        ({"sentiment": -0.4}, {"sentiment": -0.9}),
        ({"sentiment": -0.4}, {"sentiment": -0.4, "risks": ("safety",)}),
        ({"sentiment": -0.4, "level": 3}, {"sentiment": -0.4, "level": 1}),
        ({"sentiment": -0.4}, {"sentiment": -0.4, "segment": "vip"}),
        ({"sentiment": -0.4}, {"sentiment": -0.4, "n_contacts": 1}),
        ({"sentiment": -0.4}, {"sentiment": -0.4, "overdue": True}),
        ({"sentiment": -0.4}, {"sentiment": -0.4, "course": (0, -0.2, -0.2, True)}),
        ({"sentiment": -0.4}, {"sentiment": -0.4, "course": (0, -0.3, -0.3, False)}),
    ],
)
def test_what_is_worse_comes_first(less, more):
    assert value(**less) < value(**more)


def test_priority_stays_within_0_and_100():
    everything = {"sentiment": -1.0, "risks": ("safety",), "segment": "vip", "course": (1, -1, -1, True)}
    assert value(level=1, n_contacts=9, overdue=True, **everything) == 100
    assert value(level=3, sentiment=0.9) == 0
