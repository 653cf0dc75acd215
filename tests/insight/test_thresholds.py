import pytest

from cxnlp.insight import Key, Threshold, check_thresholds
from tests.insight.samples import ALL, RULES, counts, panel_of

FIRST, LAST = 739_800, 739_827


def csat(good, n=10):
    return counts(n, csat_answers=n, csat_good=good)


def names(panel, day=LAST):
    return [breach.threshold.name for breach in check_thresholds(panel, day, RULES.thresholds)]


def test_satisfaction_below_80_percent_of_enough_answers():
    assert "satisfaction_low" in names(panel_of(all__=[csat(9)] * 21 + [csat(7)] * 7))
    assert "satisfaction_low" not in names(panel_of(all__=[csat(9)] * 21 + [csat(8)] * 7))
    assert "satisfaction_low" not in names(panel_of(all__=[csat(4, 4)] * 21 + [csat(0, 4)] * 7))


def test_complaints_above_5_percent():
    (breach,) = check_thresholds(panel_of(all__=[counts(100, complaints=6)] * 28), LAST, RULES.thresholds)
    assert (breach.threshold.name, breach.key, breach.direction, breach.window) == ("complaints_high", ALL, "up", 7)
    assert (breach.observed, breach.limit) == (pytest.approx(0.06), 0.05)
    assert names(panel_of(all__=[counts(100, complaints=5)] * 28)) == []


def test_satisfaction_that_falls_by_5_percent_for_two_weeks_one_after_the_other():
    falling = [csat(98, 100)] * 14 + [csat(92, 100)] * 7 + [csat(86, 100)] * 7
    assert names(panel_of(all__=falling)) == ["satisfaction_falling"]
    assert names(panel_of(all__=[csat(98, 100)] * 21 + [csat(86, 100)] * 7)) == []
    assert names(panel_of(all__=[csat(98, 100)] * 14 + [csat(94, 100)] * 7 + [csat(88, 100)] * 7)) == []  # first only by 4 %


def test_only_the_series_that_the_limit_names():
    panel = panel_of(all__=[csat(9)] * 28, channel__chat=[csat(5)] * 28)
    limit = Threshold("chat_low", "csat", below=0.8, minimum=10, dimensions=("channel",))
    assert [breach.key for breach in check_thresholds(panel, LAST, [limit])] == [Key("channel", "chat")]
