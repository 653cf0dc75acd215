"""Grouping cases, and what may be said of their growth."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from cxnlp.records import Analysis, Feedback, Observation, Quote, Record
from cxnlp.service.issues import Case, cases_of, compare, find_issues, gather

_AT = datetime(2026, 11, 1, tzinfo=UTC)
_SLOW, _RUDE = ("delivery", "slow"), ("support", "attitude")


def _towards(axis, turned=0.0):
    vector = np.zeros(8, np.float32)
    vector[axis], vector[-1] = np.cos(turned), np.sin(turned)
    return vector


def _case(n, pair, vector, *, is_now=True):
    return Case(f"r-{n}", _AT + timedelta(hours=n), pair, "/".join(pair) if pair else "question", f"words {n}", vector, is_now)


def _find(cases, least=2, exposure=1.0):
    return find_issues(cases, (0.9, 0.98), least, exposure)


def _record(*observations, sentiment=-0.6):
    read = tuple(Observation(t, "service", c, s, 0.9, Quote(q, 0, len(q))) for t, c, s, q in observations)
    return Record(Feedback("t", "1", "ticket", _AT, "slow and rude"), Analysis("en", sentiment, 0.9, "complaint", read, (), "m"))


def test_cases_of_one_pair_and_one_meaning_are_one_issue():
    cases = [_case(n, _SLOW, _towards(0, n / 100)) for n in range(5)] + [_case(n, _SLOW, _towards(1)) for n in range(5, 8)]
    first, second = _find(cases)
    assert (first.name, first.touchpoint, first.cause, first.share, first.n) == ("delivery/slow", "delivery", "slow", 1.0, 5)
    assert first.ids == ("r-4", "r-3", "r-2", "r-1", "r-0") and (first.first_at, first.last_at) == (_AT, _AT + timedelta(hours=4))
    assert second.n == 3 and len(first.quotes) == 3


def test_other_pairs_are_other_issues_however_alike():
    found = _find([_case(n, pair, _towards(0)) for n, pair in enumerate([_SLOW, _SLOW, _RUDE, _RUDE])])
    assert {(issue.name, issue.n) for issue in found} == {("delivery/slow", 2), ("support/attitude", 2)}


def test_a_case_without_a_pair_joins_what_it_is_very_like():
    named = [_case(n, _SLOW, _towards(0)) for n in range(3)]
    (joined,) = _find([*named, _case(3, None, _towards(0, 0.1))])
    assert (joined.n, joined.share, joined.cause) == (4, 0.75, "slow")
    (apart,) = _find([*named, _case(3, None, _towards(0, 0.3))])
    assert apart.n == 3
    (unnamed,) = _find([_case(n, None, _towards(1)) for n in range(2)])
    assert (unnamed.name, unnamed.touchpoint, unnamed.cause, unnamed.share) == ("question", None, None, 0.0)


def test_a_pair_of_the_few_does_not_name_a_group():
    (issue,) = _find([_case(0, _SLOW, _towards(0)), *(_case(n, None, _towards(0)) for n in range(1, 5))])
    assert (issue.name, issue.touchpoint, issue.n) == ("question", None, 5)


def test_only_the_window_counts_and_the_time_before_is_compared():
    now = [_case(n, _SLOW, _towards(0)) for n in range(9)]
    before = [_case(n, _SLOW, _towards(0), is_now=False) for n in range(20, 21)]
    lately = [_case(n, _RUDE, _towards(1), is_now=False) for n in range(30, 40)]
    (issue,) = _find([*now, *before, *lately])
    assert (issue.n, issue.n_before, issue.growth, len(issue.ids)) == (9, 1, "growing", 9)
    assert _find([]) == []


def test_a_record_counts_once_a_group_and_once_for_each_pair():
    record = _record(
        ("delivery", "slow", -0.9, "slow"), ("delivery", "slow", -0.5, "late"), ("support", "attitude", -0.7, "rude"), ("price", None, 0, "ok")
    )
    cases = cases_of(record, _towards(0) * 3, is_now=True)
    assert [(case.pair, case.quote) for case in cases] == [(_SLOW, "slow"), (_RUDE, "rude")]
    assert np.linalg.norm(cases[0].vector) == pytest.approx(1)
    assert [case.subject for case in cases_of(_record(), _towards(0), is_now=True)] == ["complaint"]
    assert [case.subject for case in cases_of(_record(("app", None, 0.0, "slow")), _towards(0), is_now=True)] == ["app"]
    assert cases_of(_record(sentiment=0.1), _towards(0), is_now=True) == []
    assert len(cases_of(_record(("delivery", "slow", -0.9, "slow"), sentiment=0.7), _towards(0), is_now=True)) == 1
    assert cases_of(Record(record.feedback), _towards(0), is_now=True) == []


@pytest.mark.parametrize(
    ("n", "n_before", "exposure", "growth"),
    [
        (6, 0, 1, "new"), (5, 0, 1, "steady"), (13, 3, 1, "growing"), (8, 3, 1, "steady"), (3, 13, 1, "shrinking"), (100, 100, 1, "steady"),
        (20, 10, 0.5, "steady"), (20, 10, 2, "growing"), (10, 10, 2, "steady"), (2, 9, 0.2, "shrinking"), (0, 0, 1, "steady"),
        (20_000, 19_000, 1, "growing"), (20_000, 20_100, 1, "steady"), (5, 0, 0, None), (5, 0, -1, None),
    ],
)  # fmt: skip
def test_growth_is_claimed_only_beyond_chance(n, n_before, exposure, growth):
    found, p = compare(n, n_before, exposure)
    assert found == growth
    assert p is None if growth is None else 0 <= p <= 1 and (p < 0.05) == (growth != "steady")


def test_chance_is_the_exact_binomial():
    assert compare(6, 0, 1)[1] == pytest.approx(2 / 2**6)
    assert compare(7, 1, 1)[1] == pytest.approx(2 * 9 / 2**8)


def test_more_than_are_compared_at_once_are_gathered_whole():
    draw = np.random.default_rng(3)
    middles = np.linalg.qr(draw.standard_normal((32, 32)))[0][:5]
    vectors = np.repeat(middles, 1_800, axis=0) + draw.normal(0, 0.02, (9_000, 32))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    groups, centres = gather(vectors, 0.9)
    assert len(centres) == 5 and np.array_equal(groups[centres], np.arange(5))
    assert all(len(set(groups[first : first + 1_800])) == 1 for first in range(0, 9_000, 1_800))
    assert [part.shape for part in gather(vectors[:0], 0.9)] == [(0,), (0,)]
