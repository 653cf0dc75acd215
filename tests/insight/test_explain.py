import numpy as np
import pytest

from cxnlp.insight import Finding, Key, Part, decompose, leading_parts
from tests.insight.samples import counts


def finding(measure="volume", observed=50.0, expected=20.0, key=("all", "")):
    return Finding(Key(*key), measure, "up", 100, 1, observed, expected, 0, 0, 1e-9)


def totals(now, before):
    return np.array(now), np.array(before)


def test_the_parts_of_a_volume_add_up_to_its_change():
    now = {"slow": counts(35), "lost": counts(10)}
    before = {"slow": counts(840), "lost": counts(560)}
    parts = decompose(finding(), "cause", now, before, totals(counts(50), counts(1680)))
    slow, lost = parts
    assert (slow.key.value, slow.before, slow.change) == ("slow", 10.0, 25.0)
    none = (50 - 45) - 20 * (1680 - 1400) / 1680
    assert slow.change + lost.change + none == pytest.approx(30)
    assert slow.share == pytest.approx(25 / 30)


def test_the_parts_of_a_share_add_up_to_its_change():
    now = {"a": counts(30, negative=27), "b": counts(10, negative=2)}
    before = {"a": counts(300, negative=60), "b": counts(700, negative=140)}
    moved = finding("negative_share", 29 / 40, 0.2)
    parts = decompose(moved, "channel", now, before, totals(counts(40, negative=29), counts(1000, negative=200)))
    assert sum(part.change for part in parts) == pytest.approx(29 / 40 - 0.2)
    assert parts[0].key == Key("channel", "a") and parts[0].share > 0.9


def test_the_parts_of_a_mean_add_up_to_its_change():
    now = {"a": counts(30, sentiment=-20), "b": counts(10, sentiment=5)}
    before = {"a": counts(500, sentiment=50), "b": counts(500, sentiment=50)}
    parts = decompose(finding("sentiment", -15 / 40, 0.1), "channel", now, before, totals(counts(40, sentiment=-15), counts(1000, sentiment=100)))
    assert sum(part.change for part in parts) == pytest.approx(-15 / 40 - 0.1)
    assert parts[0].key.value == "a"


def part(dimension, value, share):
    return Part(Key(dimension, value), 10, 1, 9, share)


def test_a_pair_that_explains_most_stands_for_its_touchpoint_cause_and_stage():
    parts = [part("pair", "delivery/slow", 0.8), part("touchpoint", "delivery", 0.9), part("cause", "slow", 0.85), part("stage", "service", 0.95)]
    assert [p.key.value for p in leading_parts(parts, Key("all", ""), {}, 20)] == ["delivery/slow"]


def test_a_touchpoint_stands_for_pairs_that_explain_little_of_it():
    parts = [
        part("pair", "payment/slow", 0.3),
        part("pair", "payment/defect", 0.28),
        part("touchpoint", "payment", 0.9),
        part("stage", "conversion", 1.0),
    ]
    assert [p.key.value for p in leading_parts(parts, Key("all", ""), {}, 20)] == ["payment"]


def test_the_lead_and_what_explains_little_are_not_told():
    parts = [part("channel", "chat", 0.9), part("channel", "ticket", 0.1), part("attributes.region", "east", 0.6)]
    assert [p.key.value for p in leading_parts(parts, Key("channel", "chat"), {}, 20)] == ["east"]
    lead = Key("pair", "delivery/slow")
    assert leading_parts([part("touchpoint", "delivery", 1.0), part("cause", "slow", 1.0), part("stage", "service", 1.0)], lead, {}, 20) == []


def test_what_is_always_there_explains_nothing_by_being_there():
    usual = {Key("segment", "returning"): 0.45, Key("attributes.region", "east"): 0.1}
    parts = [part("segment", "returning", 0.5), part("attributes.region", "east", 0.4)]
    assert [p.key.value for p in leading_parts(parts, Key("all", ""), usual, 30)] == ["east"]
    assert [p.key.value for p in leading_parts(parts, Key("all", ""), usual, 2)] == []
    assert len(leading_parts([part("segment", "returning", 0.9)], Key("all", ""), usual, 30)) == 1
