from dataclasses import replace

import numpy as np
import pytest

from cxnlp.insight import Key, detect
from cxnlp.insight.detection import Baseline
from tests.insight.samples import ALL, RULES, answers, counts, noise, panel_of

FIRST = 739_800
WEEKLY = (1.4, 1.2, 1.0, 1.0, 1.1, 0.7, 0.6)


def found(panel, day, rules=RULES, **more):
    return {(f.key, f.measure, f.direction): f for f in detect(panel, day, rules, **more)}


def test_a_spike_is_found_on_its_day_with_what_was_expected():
    days = noise(30, 100, weekly=WEEKLY)
    usual = days[-1]
    days[-1] = 90
    finding = found(panel_of(all__=days), FIRST + 99)[ALL, "volume", "up"]
    assert (finding.observed, finding.window, finding.day) == (90, 1, FIRST + 99)
    assert finding.low < usual < finding.high < 90
    assert finding.is_worse and finding.p < 1e-6
    assert found(panel_of(all__=[*days[:-1], usual]), FIRST + 99) == {}


def test_mondays_are_compared_with_mondays():
    panel = panel_of(all__=noise(60, 98, weekly=(2.0, 1, 1, 1, 1, 0.5, 0.5)))
    assert all(detect(panel, day, RULES) == [] for day in range(FIRST + 93, FIRST + 98))
    rates = Baseline(panel, FIRST + 97).rates
    assert rates.weekdays[0] == pytest.approx([2.0, 1, 1, 1, 1, 0.5, 0.5], rel=0.15)


def test_a_past_incident_is_not_the_rule():
    calm = noise(20, 100)
    stormy = list(calm)
    for day in range(60, 70):
        stormy[day] = 200
    levels = [Baseline(panel_of(all__=days), FIRST + 99).rates.level[0] for days in (calm, stormy)]
    assert levels[1] == pytest.approx(levels[0], rel=0.15)


def test_rare_events_have_a_rate_and_a_cluster_of_them_is_found():
    rare = [int(i % 9 == 0) for i in range(100)]
    panel = panel_of(all__=noise(20, 100), pair__x=[*rare[:-2], 4, 6])
    finding = found(panel, FIRST + 99)[Key("pair", "x"), "volume", "up"]
    assert 0 < finding.expected < 1 and finding.observed == 10
    assert found(panel_of(all__=noise(20, 100), pair__x=[*rare[:-1], 4]), FIRST + 99) == {}  # fewer than `minimum`


def test_a_series_that_begins_today_is_found():
    panel = panel_of(all__=noise(20, 100), cause__new=[0] * 99 + [9])
    assert (Key("cause", "new"), "volume", "up") in found(panel, FIRST + 99)


def test_nothing_is_said_of_the_first_weeks():
    assert detect(panel_of(all__=[*noise(20, 24), 500]), FIRST + 24, RULES) == []
    assert detect(panel_of(all__=[*noise(20, 28), 500]), FIRST + 28, RULES) != []


def test_silence_is_found_when_the_day_is_over_and_not_before():
    days = [*noise(40, 99), 2]
    assert (ALL, "volume", "down") in found(panel_of(all__=days), FIRST + 99)
    assert found(panel_of(all__=days), FIRST + 99, whole=False) == {}
    assert (ALL, "volume", "up") in found(panel_of(all__=[*days[:-1], 200]), FIRST + 99, whole=False)


def test_a_share_that_shifts_is_found_without_more_records():
    shifted = answers(40, [0.2] * 97 + [0.6] * 3)
    finding = found(panel_of(all__=shifted), FIRST + 99)[ALL, "negative_share", "up"]
    assert finding.observed > 0.4 and finding.expected == pytest.approx(0.2, abs=0.05) and finding.is_worse
    better = answers(40, [0.6] * 97 + [0.2] * 3)
    assert not found(panel_of(all__=better), FIRST + 99)[ALL, "negative_share", "down"].is_worse


def test_few_answers_tell_nothing_of_a_share():
    few = answers(40, [0.2] * 93 + [0.2] * 7)
    for day in range(93, 100):
        few[day] = counts(2, negative=2)
    assert not [key for key in found(panel_of(all__=few), FIRST + 99) if key[1] == "negative_share"]


@pytest.mark.parametrize(
    ("measure", "usual", "then"),
    [
        ("sentiment", {"sentiment": 4.0, "sentiment_squares": 6.0}, {"sentiment": -8.0, "sentiment_squares": 9.0}),
        ("csat", {"csat_answers": 20, "csat_good": 17}, {"csat_answers": 20, "csat_good": 8}),
        ("nps", {"nps_answers": 20, "promoters": 12, "detractors": 3}, {"nps_answers": 20, "promoters": 4, "detractors": 11}),
        ("complaint_share", {"complaints": 3}, {"complaints": 14}),
    ],
)
def test_each_measure_moves(measure, usual, then):
    days = [counts(20, **usual)] * 98 + [counts(20, **then)] * 2
    findings = found(panel_of(all__=days), FIRST + 99)
    (finding,) = [f for (_, name, _), f in findings.items() if name == measure]
    assert finding.is_worse and not finding.low <= finding.observed <= finding.high


def test_a_slow_drift_is_found_though_no_day_stands_out():
    rules = replace(RULES, least_change={**RULES.least_change, "negative_share": 0.05})
    panel = panel_of(all__=answers(60, [0.2] * 72 + [0.28] * 28, seed=4))
    finding = found(panel, FIRST + 99, rules)[ALL, "negative_share", "up"]
    assert finding.window == 28
    assert FIRST + 70 <= Baseline(panel, FIRST + 99).since(finding) <= FIRST + 80


def moving(usual, then, seed=1):
    """Return 98 calm days and 56 over which the records a day go from one level to another."""
    draw = np.random.default_rng(seed)
    return [int(draw.poisson(usual + (then - usual) * max(0, day - 97) / 56)) for day in range(154)]


@pytest.mark.parametrize(("usual", "then", "direction"), [(8, 13, "up"), (12, 6, "down")])
def test_a_volume_that_moves_over_two_months_is_compared_with_the_weeks_before(usual, then, direction):
    panel, last = panel_of(all__=noise(60, 154, seed=9), channel__chat=moving(usual, then)), FIRST + 153
    ((key, finding),) = found(panel, last).items()
    assert key == (Key("channel", "chat"), "volume", direction)
    assert (finding.window, finding.lag) == (28, 56) and finding.expected == pytest.approx(28 * usual, rel=0.15)
    assert FIRST + 98 <= Baseline(panel, last).since(finding) <= FIRST + 125
    assert all(found(panel, FIRST + day) == {} for day in range(90, 98))
    assert found(panel, last, whole=False) == {}


def test_an_incident_of_three_weeks_ago_is_no_trend():
    days = [*noise(8, 129), *noise(40, 7, seed=1), *noise(8, 11, seed=2), *noise(11, 7, seed=6)]
    findings = detect(panel_of(all__=noise(60, 154, seed=9), channel__chat=days), FIRST + 153, RULES)
    assert [finding for finding in findings if finding.lag == 56] == []


def test_what_is_new_and_rare_is_no_trend():
    panel = panel_of(all__=noise(60, 154, seed=9), cause__new=[0] * 126 + noise(0.7, 28, seed=5))
    assert [finding for finding in detect(panel, FIRST + 153, RULES) if finding.lag == 56] == []


def test_what_moves_is_told_since_when():
    days = [*noise(30, 96), 70, 75, 80, 90]
    panel = panel_of(all__=days)
    finding = found(panel, FIRST + 99)[ALL, "volume", "up"]
    assert Baseline(panel, FIRST + 99).since(finding) == FIRST + 96


def test_small_changes_are_no_alert_however_certain():
    days = [*noise(20_000, 99), 24_000]
    assert found(panel_of(all__=days), FIRST + 99) == {}
    eager = replace(RULES, least_change={**RULES.least_change, "volume": 0.1})
    assert (ALL, "volume", "up") in found(panel_of(all__=days), FIRST + 99, eager)


def test_hundreds_of_calm_series_raise_next_to_nothing():
    series = {f"cause__{i}": noise(0.2 + i / 10, 112, seed=i, weekly=WEEKLY) for i in range(60)}
    panel = panel_of(all__=noise(180, 112, weekly=WEEKLY), **series)
    n = {name: sum(len(detect(panel, day, replace(RULES, sensitivity=name))) for day in range(FIRST + 102, FIRST + 112)) for name in ("low", "high")}
    assert n["low"] == 0 and n["high"] <= 3


def test_no_series_no_finding():
    assert detect(panel_of(all__=[0] * 100), FIRST + 99, RULES) == []
